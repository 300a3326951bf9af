/* An answer's head: the few lines of it that matter, heard one by one as they arrive. */
#ifndef HEAD_H
#define HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HEAD_MAX ((size_t)256 << 10) /* bytes of a head that is still listened to */
#define HEAD_VALUE 64                /* bytes of a line's value that are kept, NUL included */

/* A wait that is too long to be counted: longer than any that an option can name, and small enough
 * to be stretched and added to a time. */
#define HEAD_FOREVER (INT64_MAX / 4)

struct head {
	size_t bytes;          /* so far, heads of 100s before it included */
	bool whole;            /* the empty line at its end came */
	char type[HEAD_VALUE]; /* Content-Type; "" where there is none, so the others */
	char wait[HEAD_VALUE]; /* Retry-After */
	char date[HEAD_VALUE]; /* Date: the server's clock */
};

void head_init(struct head *h);

/* Hears the next line, its end included. A status line begins a new head. 0, or -1: that makes more
 * than HEAD_MAX bytes. */
int head_line(struct head *h, const char *line, size_t n);

/*
 * How long Retry-After asks to wait, us: seconds, a fraction of one rounded up to a whole, or the
 * time until a date, which is taken against the answer's own Date where that is one (a clock that
 * is wrong here does not matter then), else against `wall_us`, Unix time. HEAD_FOREVER where that
 * cannot be counted, -1 where it asks for nothing or cannot be read.
 */
int64_t head_wait(const struct head *h, int64_t wall_us);

/* An HTTP date in any of its three forms (RFC 9110, section 5.6.7). 0, or -1 with *unix_seconds
 * untouched. */
int head_date(const char *text, int64_t *unix_seconds);

#endif
