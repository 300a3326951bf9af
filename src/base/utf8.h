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

#endif
