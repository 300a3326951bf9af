/*
 * Writing JSON into a buf at speed: a pointer and an end in place of a length, room asked for once for a whole field.
 * Between writer_open and writer_close the buf belongs to the writer. A buf that may not grow drops what does not fit
 * and sets `over`, as ever.
 */
#ifndef WRITER_H
#define WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "buf.h"
#include "scan.h"

#define WRITER_DIGITS 20u	/* of the longest int64_t, its sign counted */

struct writer {
	struct buf *b;
	char *p, *end;
};

bool writer_grow(struct writer *w, size_t n);			/* at least n bytes of room; false: over */
void writer_escaped(struct writer *w, const char *text, size_t n);	/* as buf_json */
void writer_percent(struct writer *w, const char *text, size_t n);	/* as buf_percent */
void writer_num(struct writer *w, int64_t n);
size_t writer_digits(int64_t n, char *out);	/* in decimals; how many. WRITER_DIGITS bytes may be written */

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

#define writer_lit(w, literal) writer_add((w), (literal), sizeof (literal) - 1)

/* Bytes below 0x20, '"' and '\\' in eight at once: not 0 where there is one. ('"' ^ 2 is 0x20, and what is below
 * stays below: one comparison for both.) */
static inline uint64_t writer_special(uint64_t x)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), tops = UINT64_C(0x8080808080808080);

	return (((x ^ ones * 2) - ones * 0x21) | ((x ^ ones * '\\') - ones)) & ~x & tops;
}

static inline uint64_t writer_load8(const char *s)
{
	uint64_t x;

	memcpy(&x, s, sizeof x);
	return x;
}

static inline uint32_t writer_load4(const char *s)
{
	uint32_t x;

	memcpy(&x, s, sizeof x);
	return x;
}

/* Copies text where it is likely to be short, and says whether a JSON string can hold it as it is. Loads and stores
 * overlap at the end, and never leave the text. */
static inline bool writer_copy(char *to, const char *s, size_t n)
{
	if (n >= 8) {
		uint64_t last = writer_load8(s + n - 8), found = writer_special(last);
		for (size_t i = 0; i + 8 < n; i += 8) {
			uint64_t x = writer_load8(s + i);
			memcpy(to + i, &x, sizeof x);
			found |= writer_special(x);
		}
		memcpy(to + n - 8, &last, sizeof last);
		return found == 0;
	}
	if (n >= 4) {
		uint32_t first = writer_load4(s), last = writer_load4(s + n - 4);
		memcpy(to, &first, sizeof first);
		memcpy(to + n - 4, &last, sizeof last);
		return writer_special((uint64_t)first << 32 | last) == 0;
	}
	bool plain = true;
	for (size_t i = 0; i < n; i++) {
		to[i] = s[i];
		plain &= (unsigned char)s[i] >= 0x20 && s[i] != '"' && s[i] != '\\';
	}
	return plain;
}

/* Adds text as a JSON string. */
static inline void writer_text(struct writer *w, const char *s, size_t n)
{
	if (!writer_room(w, n + 2))
		return;
	if (!writer_copy(w->p + 1, s, n)) {
		writer_escaped(w, s, n);
		return;
	}
	w->p[0] = w->p[n + 1] = '"';
	w->p += n + 2;
}

/* -- where there is room -- */

/* How much more than what they add the functions below may write. */
#define WRITER_SPARE ((size_t)SCAN_STRING_BYTES)

/* Copies n bytes of a text that has the slack of a field's (record.h). Returns what follows them. */
static inline char *writer_put(char *to, const char *s, size_t n)
{
	scan_move(to, s, n);
	return to + n;
}

/* The same as a JSON string. NULL where something in it has to be escaped. */
static inline char *writer_put_string(char *to, const char *s, size_t n)
{
	if (!scan_copy_string(to + 1, s, n))
		return NULL;
	to[0] = to[n + 1] = '"';
	return to + n + 2;
}

/* The same, whatever is in it: up to WRITER_ESCAPED bytes for each. */
#define WRITER_ESCAPED 6u
char *writer_put_escaped(char *to, const char *s, size_t n);

/* Adds key:value and a comma at p, which is where the writer is; the value as it is, or as a JSON string. Key and value have
 * the slack of a field's. Returns where the writer is then: a caller that adds many keeps that in a register, and gives it
 * back in w->p. */
char *writer_member_escaped(struct writer *w, char *p, const char *value, size_t n);
__attribute__((always_inline)) static inline char *writer_member(struct writer *w, char *p, const char *key, size_t key_len,
    const char *value, size_t n, bool json)
{
	size_t most = key_len + n + 4 + WRITER_SPARE;

	if ((size_t)(w->end - p) < most) {
		w->p = p;
		if (!writer_grow(w, most))
			return w->p;
		p = w->p;
	}
	p = writer_put(p, key, key_len);
	*p++ = ':';
	char *behind = json ? writer_put(p, value, n) : writer_put_string(p, value, n);
	if (!behind)
		return writer_member_escaped(w, p, value, n);
	*behind++ = ',';
	return behind;
}

#endif
