/* A window on the bytes that moves along, and grows for a record that does not fit. */
#include "input/source.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/buf.h"
#include "base/scan.h"

void source_init(struct source *s, size_t base, size_t longest, source_read *read_bytes, void *arg)
{
	*s = (struct source){ .cap = base,
		.base = base,
		.most = base + longest + 2,
		.read = read_bytes,
		.arg = arg };
	s->data = xcalloc(base + SCAN_BYTES, 1);
}

void source_free(struct source *s)
{
	free(s->data);
	*s = (struct source){ 0 };
}

static void resize(struct source *s, size_t cap)
{
	s->data = xrealloc(s->data, cap + SCAN_BYTES);
	memset(s->data + cap, 0, SCAN_BYTES);
	s->cap = cap;
}

/* Makes room behind `end`: by moving what is held to the front, by giving back what a long record
 * needed, by growing. */
static void make_room(struct source *s)
{
	size_t held = s->end - s->start;
	bool shrink = s->cap > s->base && held <= s->base / 2;

	if (s->cap - s->end >= s->base && !shrink)
		return;
	if (s->start > 0)
		memmove(s->data, s->data + s->start, held);
	s->start = 0;
	s->end = held;
	if (shrink)
		resize(s, s->base);
	else if (held == s->cap)
		resize(s, s->cap > s->most / 2 ? s->most : s->cap * 2);
}

enum source_result source_fill(struct source *s)
{
	size_t got = 0;

	if (s->at_end)
		return SOURCE_END;
	make_room(s);
	size_t room = s->cap - s->end;
	enum source_result result = s->read(s->arg, s->data + s->end,
	    room < s->base ? room : s->base, &got);
	s->end += got;
	s->total += got;
	s->at_end = result == SOURCE_END;
	s->data[s->end] = '\0';
	return result;
}

enum source_result source_read_fd(void *arg, char *to, size_t n, size_t *got)
{
	const struct source_fd *from = arg;

	if (!from->regular) {
		struct pollfd ready = { .fd = from->fd, .events = POLLIN };
		int count = poll(&ready, 1, 0);
		if (count == 0)
			return SOURCE_AGAIN;
		if (count < 0)
			return errno == EINTR ? SOURCE_AGAIN : SOURCE_FAILED;
	}
	for (;;) {
		ssize_t bytes = read(from->fd, to, n);
		if (bytes > 0) {
			*got = (size_t)bytes;
			return SOURCE_MORE;
		}
		if (bytes == 0)
			return SOURCE_END;
		if (errno == EAGAIN || errno == EWOULDBLOCK)
			return SOURCE_AGAIN;
		if (errno != EINTR)
			return SOURCE_FAILED;
	}
}
