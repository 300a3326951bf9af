/*
 * Writing JSON into a buf at speed: a pointer and an end in place of a length, room asked for once
 * for a whole field. Between writer_open and writer_close the buf belongs to the writer. A buf that
 * may not grow drops what does not fit and sets `over`, as ever.
 */
#ifndef WRITER_H
#define WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "base/buf.h"
#include "base/scan.h"

#define WRITER_DIGITS 20u /* of the longest int64_t, its sign counted */

struct writer {
	struct buf *b;
	char *p, *end;
};

/* at least n bytes of room; false: over */
bool writer_grow(struct writer *w, size_t n);
void writer_escaped(struct writer *w, const char *text, size_t n); /* as text_json */
/* the same, sooner where nothing has to be escaped */
void writer_text(struct writer *w, const char *s, size_t n);
void writer_percent(struct writer *w, const char *text, size_t n); /* as text_percent */
void writer_num(struct writer *w, int64_t n);
/* in decimals; how many. WRITER_DIGITS bytes may be written */
size_t writer_digits(int64_t n, char *out);

/* Goes on where the buf ends. Once something was dropped, nothing more is added, however small. */
static inline void writer_take(struct writer *w)
{
	const struct buf *b = w->b;
	size_t end = b->over ? b->len : b->cap < b->max ? b->cap : b->max;

	w->p = b->data ? b->data + b->len : NULL;
	w->end = b->data ? b->data + end : NULL;
}

/* `room`: what will probably be needed. */
static inline void writer_open(struct writer *w, struct buf *b, size_t room)
{
	w->b = b;
	if (room <= b->max - b->len)
		(void)buf_room(b, room);
	writer_take(w);
}

static inline void writer_close(struct writer *w)
{
	if (w->p)
		w->b->len = (size_t)(w->p - w->b->data);
	w->p = w->end = NULL;
}

static inline size_t writer_at(const struct writer *w)
{
	return (size_t)(w->p - w->b->data);
}

static inline bool writer_room(struct writer *w, size_t n)
{
	return (size_t)(w->end - w->p) >= n || writer_grow(w, n);
}

static inline void writer_add(struct writer *w, const char *s, size_t n)
{
	if (n == 0 || !writer_room(w, n))
		return;
	memcpy(w->p, s, n);
	w->p += n;
}

static inline void writer_byte(struct writer *w, char c)
{
	if (writer_room(w, 1))
		*w->p++ = c;
}

#define writer_lit(w, literal) writer_add((w), (literal), sizeof(literal) - 1)

/* -- where there is room -- */

/* How much more than what they add the functions below may write. */
#define WRITER_SPARE ((size_t)SCAN_STRING_BYTES)

/* Copies n bytes of a text that has the slack of a field's (record.h). Returns what follows
 * them. */
static inline char *writer_put(char *to, const char *s, size_t n)
{
	scan_move(to, s, n);
	return to + n;
}

/* The same, and whether a JSON string can hold the text as it is. */
static inline bool writer_copy(char *to, const char *s, size_t n)
{
	unsigned found = 0;
	size_t i = 0;

	for (; n - i > SCAN_STRING_BYTES; i += SCAN_STRING_BYTES) {
		found |= scan_string(s + i);
		memcpy(to + i, s + i, SCAN_STRING_BYTES);
	}
	/* Of the last piece only the first n - i bytes count: the bits of the others are shifted
	 * out. */
	uint16_t last = (uint16_t)(scan_string(s + i) << (SCAN_STRING_BYTES - (n - i)));
	memcpy(to + i, s + i, SCAN_STRING_BYTES);
	return (found | last) == 0;
}

/* The same as a JSON string. NULL where something in it has to be escaped. */
static inline char *writer_put_string(char *to, const char *s, size_t n)
{
	if (!writer_copy(to + 1, s, n))
		return NULL;
	to[0] = to[n + 1] = '"';
	return to + n + 2;
}

/* The same, whatever is in it: up to TEXT_ESCAPED bytes for each. */
char *writer_put_escaped(char *to, const char *s, size_t n);

/* Adds key:value and a comma; the value as it is, or as a JSON string. Key and value have the slack
 * of a field's. */
void writer_member(struct writer *w, const char *key, size_t key_len, const char *value, size_t n,
    bool json);

#endif
