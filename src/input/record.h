/*
 * One record as it was read: its fields in order, its bytes as they were, and where it
 * came from. A view: everything it points to belongs to the reader that made it and is
 * good until that reader's next record.
 */
#ifndef RECORD_H
#define RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECORD_MAX (16u << 20) /* bytes a record may have; a longer one is rejected */

/* Where a record came from. */
struct origin {
	/* its bytes as they were, without the line's end and without _cio_ fields */
	const char *raw;
	size_t raw_len;
	/* its place in the whole input, from 1; records passed over count */
	uint64_t number;
	uint64_t line; /* its first line in its file, from 1 */
	unsigned file; /* which FILE, from 0 */
};

enum field_kind {
	FIELD_TEXT, /* a CSV cell: value is its text, UTF-8, unquoted */
	/* an NDJSON member: value is the JSON value's own bytes, no white space around */
	FIELD_JSON,
};

/* What a field's name means to some action; found by name, once for each shape. */
enum field_role {
	ROLE_NONE,
	ROLE_NAME,
	ROLE_EVENT,
	ROLE_TIMESTAMP,
	ROLE_EVENT_ID,
	ROLE_DATA,
	ROLE_ANONYMOUS_ID,
	ROLE_DEVICE_ID,
	ROLE_PLATFORM,
	ROLE_LAST_USED,
	ROLE_PRIMARY_ID,
	ROLE_PRIMARY_EMAIL,
	ROLE_PRIMARY_CIO_ID,
	ROLE_SECONDARY_ID,
	ROLE_SECONDARY_EMAIL,
	ROLE_SECONDARY_CIO_ID,
	ROLE_STAMP,
	ROLE_RELATIONSHIPS,
	ROLE_UPDATE,
	ROLE_COUNT,
	ROLE_SPECIAL = ROLE_STAMP, /* from here on: what a person has beside attributes */
};

/* Bytes behind a field's key and behind its value that may be read, whatever they are: so both can
 * be copied in whole pieces. Who makes a field leaves that room. */
#define FIELD_SLACK 16u

struct field {
	const char *name; /* decoded, UTF-8 */
	/* the name as a JSON string, with its quotes; an NDJSON record's own bytes */
	const char *key;
	const char *value;
	size_t value_len;
	uint32_t name_len, key_len;
	enum field_kind kind;
	enum field_role role; /* set by the mapping */
};

struct record {
	struct origin from;
	struct field *fields;
	size_t count;
	/* equal for two records of one run only if they have the same names in the same order */
	uint64_t shape;
	/* the reader keeps `fields` for all records of this shape that say so, and changes nothing
	 * in them but the values. Behind each key stand a colon and a quote */
	bool steady;
	/* Of a steady record: */
	bool blank; /* some text in it is empty */
	bool plain; /* no text in it has anything that a JSON string has escaped */
};

#endif
