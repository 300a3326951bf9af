/* Looking into a field: is it empty, what moment is it, and saying what is wrong with it. */
#ifndef FIELD_H
#define FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "input/record.h"

struct reason;

/* No field, an empty text, "" or null. */
bool field_is_empty(const struct field *f);

/* A moment as Unix seconds, whatever form it has: a number (a fraction is cut off), or ISO 8601
 * text. 0 or -1. */
int field_moment(const struct field *f, int64_t *unix_seconds);

/* `NAME: VALUE is not WHAT`; the value quoted where it is a cell, cut short where it is long.
 * Returns -1. */
int field_refuse(const struct field *f, const char *what, struct reason *why);

/* `NAME WHAT`. Returns -1. */
int field_complain(const struct field *f, const char *what, struct reason *why);

/* `NAME: NOUN has 1,204 bytes, the limit is 1,000`. Returns -1. */
int field_too_long(const struct field *f, const char *noun, size_t bytes, size_t limit,
    struct reason *why);

/* `NOUN has 1,204 bytes, the limit is 1,000`. Returns -1. */
int field_over(const char *noun, size_t count, const char *unit, size_t limit, struct reason *why);

#endif
