/* UTF-8, as RFC 3629 has it: no overlong forms, no surrogates, nothing beyond U+10FFFF. */
#ifndef UTF8_H
#define UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* The length of the valid beginning of n bytes at s: n where all of it is UTF-8. */
size_t utf8_prefix(const char *s, size_t n);

bool utf8_valid(const char *s, size_t n);

/* The longest length up to `most` that does not cut a character of the n bytes at s in two. */
size_t utf8_cut(const char *s, size_t n, size_t most);

/* The length of the white space that n bytes at s begin with, one character: Unicode's White_Space,
 * U+200B, U+2060 or U+FEFF. 0: there is none. */
size_t utf8_white(const char *s, size_t n);

/* Passes over such white space at both ends. Returns where the text begins, and its length in
 * *n. */
const char *utf8_trim(const char *s, size_t *n);

#endif
