/* What may stand for a person, an object or a device: texts that mean one of them and nobody
 * else. */
#ifndef IDENTIFIER_H
#define IDENTIFIER_H

#include <stdbool.h>
#include <stddef.h>

/* What is wrong with an identifier. */
enum identifier_fault {
	IDENTIFIER_GOOD,
	IDENTIFIER_EMPTY,   /* there is nothing, or white space alone */
	IDENTIFIER_SPACE,   /* white space stands at an end of it (utf8_white) */
	IDENTIFIER_CONTROL, /* a control character is in it: C0, DEL, C1 */
};

/* The text is UTF-8, with the slack of a field's (record.h). */
enum identifier_fault identifier_check(const char *s, size_t n);

/* Whether a text that identifier_check finds good is one email address: something before and after
 * one '@', no white space, comma, semicolon or angle bracket. */
bool identifier_is_email(const char *s, size_t n);

/* The most that identifier_from_number writes: a number that a double can hold has no more digits
 * in front of its point, but for zeros. */
#define IDENTIFIER_DIGITS 320u

/*
 * A JSON number (n bytes) as an identifier: an integer, written as one, to `out`, which has room
 * for n + IDENTIFIER_DIGITS bytes. Returns its length, or 0 where the number is no integer.
 */
size_t identifier_from_number(const char *s, size_t n, char *out);

#endif
