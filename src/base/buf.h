/* Growable bytes with a stated maximum. */
#ifndef BUF_H
#define BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A buffer never grows past `max`. An addition that would take it past sets
 * `over` and leaves the bytes as they were; later additions do nothing. So a
 * writer may add freely and look at `over` once, at the end.
 * Running out of memory ends the program (see xrealloc).
 */
struct buf {
	char *data; /* owned; NULL until something was added */
	size_t len; /* bytes in use */
	size_t cap; /* bytes allocated */
	size_t max; /* largest len allowed */
	bool over;  /* an addition was refused */
};

/* For what is bounded by something else already: the file's, the record's or the caller's own
 * bytes. */
#define BUF_UNBOUNDED (SIZE_MAX / 8)

void buf_init(struct buf *b, size_t max);
void buf_free(struct buf *b);               /* a zeroed buf is fine */
static inline void buf_reset(struct buf *b) /* empties; keeps the storage */
{
	b->len = 0;
	b->over = false;
}
void buf_trim(struct buf *b, size_t keep); /* gives storage above keep back; only when empty */

/* Makes room for n more bytes. Returns where they go, or NULL (and sets over). */
char *buf_grow(struct buf *b, size_t n);
static inline char *buf_room(struct buf *b, size_t n)
{
	if (n < b->cap - b->len && n <= b->max - b->len && !b->over)
		return b->data + b->len;
	return buf_grow(b, n);
}

void buf_add(struct buf *b, const void *data, size_t n);
void buf_byte(struct buf *b, char c);
void buf_str(struct buf *b, const char *s);
void buf_num(struct buf *b, int64_t n);
void buf_fmt(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Allocation that ends the program with EX_OSERR (71) and one line when there is no memory. */
void *xmalloc(size_t n);
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t n);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t n);

#endif
