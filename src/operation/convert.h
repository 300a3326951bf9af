/* Values made to fit a type: --type and --infer. */
#ifndef CONVERT_H
#define CONVERT_H

#include <stddef.h>
#include "operation/mapping.h"

struct field;
struct reason;

/* The room that convert_field may need for a value of n bytes. */
#define CONVERT_ROOM(n) (2 * (n) + 64)

/*
 * Makes f's value, a cell's text or a JSON value that is not null, one of that type: f->value and
 * f->kind are set anew. What cannot stay where it is, is written to *room, which moves on. 0, or -1
 * with *why where it does not fit.
 */
int convert_field(struct field *f, enum field_type type, char **room, struct reason *why);

/*
 * Types a cell by its own text: true, false, and numbers that a reader with doubles gives back as
 * they were written: integers up to 2^53, decimals of at most 15 digits, neither with leading
 * zeros, '+', exponent or as negative zero. Everything else stays text.
 */
void convert_infer(struct field *f);

#endif
