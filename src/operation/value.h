/*
 * JSON values as bytes, looked into without a tree. But for value_is_integer and value_is_number,
 * which judge, the bytes are known to be one valid JSON value with no white space around it.
 */
#ifndef VALUE_H
#define VALUE_H

#include <stdbool.h>
#include <stddef.h>

enum value_type { VALUE_NULL, VALUE_BOOL, VALUE_NUMBER, VALUE_STRING, VALUE_OBJECT, VALUE_ARRAY };

enum value_type value_type(const char *json);

/* The member of that name of a JSON object; of several the last, as a JSON reader would have it.
 * False where there is none, or where the value is no object. */
bool value_member(const char *json, size_t n, const char *name, const char **value,
    size_t *value_len);

/* A walk through an object's members: set at and end to its bytes, then ask for one after another;
 * false: there are no more. The key has its quotes. */
struct value_walk {
	const char *at, *end;
	const char *key, *value;
	size_t key_len, value_len;
};
bool value_next(struct value_walk *w);

bool value_is_integer(const char *s, size_t n); /* -?(0|[1-9][0-9]*) */
bool value_is_number(const char *s, size_t n);  /* RFC 8259 section 6 */

#endif
