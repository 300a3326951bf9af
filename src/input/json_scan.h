/*
 * One JSON object to its top-level members, in place and strictly (RFC 8259): the same verdict as
 * jansson's json_loadb with JSON_ALLOW_NUL and JSON_DECODE_INT_AS_REAL (but for a NUL byte, which
 * is never JSON: jansson 2.14 loses one that follows a number or a word). Nothing is built, nothing
 * is copied.
 */
#ifndef JSON_SCAN_H
#define JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct field;

#define JSON_DEPTH_MAX 2048u /* values inside values; as jansson's */

/* The keys of an object as they stand, with their names: probably the next object has them too, and
 * then its values are put into these fields. Behind each key is a colon, and SCAN_STRING_BYTES more
 * must be readable. */
struct json_keys {
	struct field *fields;
	size_t count;
};

struct json_scan {
	/* Set by the caller. */
	const struct json_keys *expected; /* or NULL */
	size_t most;                      /* members an object may have */

	/* The members. */
	struct field *fields; /* the expected ones, or `own` */
	size_t count;
	/* the keys are the expected ones, all of them, in that order */
	bool as_expected;
	/* a name is what its key has between its quotes, escapes and all. Owned */
	struct field *own;
	size_t room;

	/* What is wrong: the first of all, and the first that is against JSON's syntax, NULL where
	 * there is none. Without it the object's end was found, though it cannot be taken. */
	const char *fault; /* "a comma or } is missing" */
	const char *fault_at;
	const char *syntax, *syntax_at;
	bool bytes_alone; /* nothing but that it is not UTF-8: the members are there all the same */
	bool too_deep; /* the syntax cannot be followed: more than JSON_DEPTH_MAX inside each other
	                */

	/* a bit for each open container: whether it is an array */
	uint64_t arrays[JSON_DEPTH_MAX / 64];
};

/* A scan is zeroed before its first use. */
void json_scan_free(struct json_scan *j);

/*
 * Scans n bytes. 0, or -1 with j->fault and j->fault_at. text[n] must be readable and be a line
 * break or NUL, and SCAN_STRING_BYTES more must be readable behind it. Repeated keys are the
 * caller's business.
 */
int json_scan(struct json_scan *j, const char *text, size_t n);

/*
 * The same of the value that begins at text[0], where more may follow it: *length is the value's.
 * It has to be an object, but what else it is has an end as well. With j->syntax *length is 0; it
 * is at text + n, or a few bytes (JSON_TOKEN) in front of it, where the text ends within the value.
 */
#define JSON_TOKEN 12
int json_scan_front(struct json_scan *j, const char *text, size_t n, size_t *length);

/* Makes the members own ones, where they are those of `expected`: these are to be changed in
 * nothing but their values. */
void json_scan_own(struct json_scan *j);

#endif
