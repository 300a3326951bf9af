/*
 * Text in another encoding, as UTF-8, by the C library's iconv.
 *
 * Bytes that do not fit the encoding cannot be left out, or people would get half a name. Each
 * becomes a mark of two bytes that no UTF-8 has: so the record that holds it is refused by the
 * reader as one that is no UTF-8, and all others are what they were.
 */
#ifndef DECODE_H
#define DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include "input/source.h"

struct decode;

/* Whether iconv knows the encoding. */
bool decode_knows(const char *encoding);

/* Whether it is UTF-8 itself, by one of its names: then there is nothing to decode. */
bool decode_is_utf8(const char *encoding);

/* Decodes what read(arg, ...) hands out; `encoding` is one that iconv knows. */
struct decode *decode_new(const char *encoding, source_read *read, void *arg);
void decode_free(struct decode *d); /* NULL is fine */

/* source_read for a struct decode. */
enum source_result decode_read(void *arg, char *to, size_t n, size_t *got);

/* What is wrong with a text that is UTF-8 for its first `good` bytes alone: "is not UTF-8 (its byte
 * 4 is 0xe9)"; or, where it was decoded from an encoding, "is not windows-1252 (its character 4 is
 * 0x81)". In `out`. */
#define DECODE_FAULT 120u
const char *decode_fault(const char *encoding, const char *text, size_t good,
    char out[DECODE_FAULT]);

/* Whether a mark stands at `at`: *byte is the byte that did not fit. */
bool decode_is_mark(const char *at, unsigned char *byte);

#endif
