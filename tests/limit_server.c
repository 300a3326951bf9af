/* Each kind of limit, admitting by what it has let in before. */
#include "limit_server.h"

#include <math.h>
#include <stdlib.h>

#include "base/buf.h"

/* requests that a sliding window holds at most; refused ones may count, too */
#define HELD 65536

struct limit_server {
	const struct limit *l;
	int64_t *times; /* a ring: what is in the sliding window */
	size_t first, count;
	int64_t phase, window; /* the number of the fixed window that was last used ... */
	int in_window;         /* ... and what is in it */
	double level;          /* of the bucket, at ... */
	int64_t filled_at;
	int64_t shut_until; /* by a penalty */
};

struct limit_server *limit_server_new(const struct limit *l, int64_t phase)
{
	struct limit_server *s = xcalloc(1, sizeof *s);

	*s = (struct limit_server){ .l = l, .phase = phase, .level = l->most };
	s->times = xcalloc(HELD, sizeof *s->times);
	return s;
}

void limit_server_free(struct limit_server *s)
{
	free(s->times);
	free(s);
}

static int most_at(const struct limit *l, int64_t at)
{
	return at >= l->change_at && at < l->change_until ? l->changed : l->most;
}

double limit_usual(const struct limit *l)
{
	return l->most * (double)LIMIT_S / (double)l->window;
}

double limit_capacity(const struct limit *l, double rate, int64_t end)
{
	double usual = fmin(rate, limit_usual(l));
	double changed = fmin(rate, l->changed * (double)LIMIT_S / (double)l->window);
	int64_t until = end < l->change_until ? end : l->change_until;
	int64_t time = until > l->change_at ? until - l->change_at : 0;

	return (usual * (double)(end - time) + changed * (double)time) / (double)LIMIT_S;
}

static bool bucket_takes(struct limit_server *s, int64_t at)
{
	double came = (double)(at - s->filled_at) * most_at(s->l, at) / (double)s->l->window;

	s->level = fmin(s->level + came, s->l->most);
	s->filled_at = at;
	if (s->level < 1)
		return false;
	s->level--;
	return true;
}

static bool fixed_takes(struct limit_server *s, int64_t at)
{
	int64_t window = (at + s->phase) / s->l->window;

	if (window != s->window)
		s->in_window = 0;
	s->window = window;
	if (s->in_window >= most_at(s->l, at))
		return false;
	s->in_window++;
	return true;
}

static bool sliding_takes(struct limit_server *s, int64_t at)
{
	while (s->count > 0 && s->times[s->first] <= at - s->l->window) {
		s->first = (s->first + 1) % HELD;
		s->count--;
	}
	bool room = s->count < (size_t)most_at(s->l, at);
	if (room || s->l->kind == LIMIT_COUNT_ALL) {
		if (s->count == HELD)
			abort();
		s->times[(s->first + s->count++) % HELD] = at;
	}
	return room;
}

static bool has_room(struct limit_server *s, int64_t at)
{
	switch (s->l->kind) {
	case LIMIT_BUCKET:
		return bucket_takes(s, at);
	case LIMIT_FIXED:
		return fixed_takes(s, at);
	default:
		return sliding_takes(s, at);
	}
}

/* When there is room again for one who was refused at `at`. */
static int64_t room_at(const struct limit_server *s, int64_t at)
{
	int most = most_at(s->l, at);

	switch (s->l->kind) {
	case LIMIT_BUCKET:
		return at + (int64_t)((1 - s->level) * (double)s->l->window / most);
	case LIMIT_FIXED:
		return (s->window + 1) * s->l->window - s->phase;
	default:
		return s->times[(s->first + s->count - (size_t)most) % HELD] + s->l->window;
	}
}

static int64_t in_seconds(int64_t us)
{
	return (us + LIMIT_S - 1) / LIMIT_S * LIMIT_S;
}

bool limit_server_takes(struct limit_server *s, int64_t at, int64_t *retry_after)
{
	*retry_after = -1;
	if (at >= s->shut_until) {
		if (has_room(s, at))
			return true;
		if (s->l->penalty)
			s->shut_until = at + s->l->penalty;
	}
	if (s->l->penalty)
		*retry_after = in_seconds(s->shut_until - at);
	else if (s->l->retry_after)
		*retry_after = in_seconds(room_at(s, at) - at);
	return false;
}
