/* Growing bytes by doubling, and allocation that ends the program where there is no memory. */
#include "base/buf.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

static void no_memory(void)
{
	static const char say[] =
	    "cio-import: out of memory: give it more, or run again with a smaller --concurrency; "
	    "what the state file holds is kept\n";
	ssize_t written = write(STDERR_FILENO, say, sizeof say - 1);
	(void)written; /* there is nothing left to try */
	_exit(EX_OSERR);
}

void *xrealloc(void *p, size_t n)
{
	void *q = realloc(p, n ? n : 1);
	if (!q)
		no_memory();
	return q;
}

void *xmalloc(size_t n)
{
	return xrealloc(NULL, n);
}

void *xcalloc(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size ? size : 1);
	if (!p)
		no_memory();
	return p;
}

char *xstrndup(const char *s, size_t n)
{
	char *copy = xmalloc(n + 1);
	memcpy(copy, s, n);
	copy[n] = '\0';
	return copy;
}

char *xstrdup(const char *s)
{
	return xstrndup(s, strlen(s));
}

void buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){ .max = max };
}

void buf_free(struct buf *b)
{
	free(b->data);
	*b = (struct buf){ .max = b->max };
}

void buf_trim(struct buf *b, size_t keep)
{
	if (b->len == 0 && b->cap > keep)
		buf_free(b);
}

/* Doubles, so that adding n bytes costs O(n) in all. */
static void enlarge(struct buf *b, size_t need)
{
	size_t cap = b->cap ? b->cap : 64;
	while (cap < need)
		cap = cap > SIZE_MAX / 2 ? need : cap * 2;
	b->data = xrealloc(b->data, cap);
	b->cap = cap;
}

char *buf_grow(struct buf *b, size_t n)
{
	if (b->over || n > b->max - b->len) {
		b->over = true;
		return NULL;
	}
	if (n > b->cap - b->len || !b->data) /* never NULL + 0 */
		enlarge(b, b->len + n);
	return b->data + b->len;
}

void buf_add(struct buf *b, const void *data, size_t n)
{
	char *to = buf_room(b, n);
	if (!to || n == 0)
		return;
	memcpy(to, data, n);
	b->len += n;
}

void buf_byte(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void buf_str(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void buf_num(struct buf *b, int64_t n)
{
	char text[24];
	int len = snprintf(text, sizeof text, "%" PRId64, n);
	buf_add(b, text, (size_t)len);
}

void buf_fmt(struct buf *b, const char *fmt, ...)
{
	char small[256];
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(small, sizeof small, fmt, ap);
	va_end(ap);
	if (n < 0) {
		b->over = true;
		return;
	}
	if ((size_t)n < sizeof small) {
		buf_add(b, small, (size_t)n);
		return;
	}
	char *to = buf_room(b, (size_t)n + 1); /* vsnprintf writes a NUL, too */
	if (!to)
		return;
	va_start(ap, fmt);
	vsnprintf(to, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
}
