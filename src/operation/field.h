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
 * text (num_moment). */
enum field_moment {
	MOMENT_READ,
	MOMENT_NONE, /* it is none */
	/* it is a number from 0 to 99,999,999, which is more likely a spreadsheet's day (45291), a
	 * date (20240229), a year or "never"; *unix_seconds is what it would mean all the same */
	MOMENT_DOUBTFUL,
};
enum field_moment field_moment(const struct field *f, int64_t *unix_seconds);

/* Why a field that must be a moment is refused. seconds: what a doubtful one would mean. Returns
 * -1. */
int field_refuse_moment(const struct field *f, enum field_moment found, int64_t seconds,
    struct reason *why);

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
