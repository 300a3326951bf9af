/* Each kind of output has its own way not to wait. */
#include "show/outlet.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/os.h"

void outlet_open(struct outlet *o, int fd)
{
	struct stat st;
	bool known = fstat(fd, &st) == 0;

	*o = (struct outlet){ .fd = fd, .own = -1, .kept = { .max = OUTLET_MAX } };
	if (known && S_ISSOCK(st.st_mode))
		o->kind = OUTLET_SOCKET;
	else if (known && (S_ISFIFO(st.st_mode) || isatty(fd)))
		o->kind = OUTLET_PIPE;
	if (o->kind == OUTLET_PIPE)
		o->own = os_reopen(fd);
}

void outlet_close(struct outlet *o)
{
	if (o->own >= 0)
		close(o->own);
	buf_free(&o->kept);
	o->own = -1;
	o->gone = 0;
}

static bool has_room(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	return poll(&p, 1, 0) != 0;
}

/* As write; -1 with EAGAIN where it would wait. */
static ssize_t write_now(const struct outlet *o, const char *text, size_t n)
{
	if (o->kind == OUTLET_SOCKET)
		return send(o->fd, text, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (o->own >= 0)
		return write(o->own, text, n);
	if (o->kind == OUTLET_PIPE && !has_room(o->fd)) {
		errno = EAGAIN;
		return -1;
	}
	/* a pipe that has room takes so much at once */
	return write(o->fd, text, o->kind == OUTLET_PIPE && n > PIPE_BUF ? PIPE_BUF : n);
}

bool outlet_push(struct outlet *o)
{
	while (o->gone < o->kept.len) {
		ssize_t n = write_now(o, o->kept.data + o->gone, o->kept.len - o->gone);
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return false;
		if (n < 0 && errno != EINTR)
			break;
		o->gone += n > 0 ? (size_t)n : 0;
	}
	buf_reset(&o->kept);
	buf_trim(&o->kept, OUTLET_MAX / 16);
	o->gone = 0;
	return true;
}

/* What was taken makes room for what is to come. */
static void forget_gone(struct outlet *o)
{
	if (o->gone == 0)
		return;
	memmove(o->kept.data, o->kept.data + o->gone, o->kept.len - o->gone);
	o->kept.len -= o->gone;
	o->gone = 0;
}

void outlet_put(struct outlet *o, const char *text, size_t n)
{
	if (!outlet_push(o) && n > OUTLET_MAX - o->kept.len)
		forget_gone(o);
	if (n <= OUTLET_MAX - o->kept.len && o->dropped == 0) {
		buf_add(&o->kept, text, n);
		outlet_push(o);
		return;
	}
	for (size_t i = 0; i < n; i++)
		o->dropped += text[i] == '\n';
}

void outlet_finish(struct outlet *o, int64_t us)
{
	struct pollfd p = { .fd = o->own >= 0 ? o->own : o->fd, .events = POLLOUT };
	size_t before = o->gone;

	for (int64_t until = clock_now() + us; !outlet_push(o); before = o->gone) {
		if (o->gone != before)
			until = clock_now() + us;
		int64_t left = until - clock_now();
		if (left <= 0)
			return;
		os_poll(&p, 1, left);
	}
}

uint64_t outlet_dropped(struct outlet *o)
{
	uint64_t dropped = o->dropped;

	if (!outlet_push(o) && o->kept.len - o->gone > OUTLET_MAX / 2)
		return 0;
	o->dropped = 0;
	return dropped;
}
