/* Each kind of limit keeps what it needs of the past, and no more. */
#include "sandbox_limit.h"

#include <stdlib.h>

#include "base/buf.h"

void sandbox_limit_init(struct sandbox_limit *l, const struct sandbox_limit_config *config)
{
	*l = (struct sandbox_limit){ .is = *config };
	if (l->is.window_us == 0)
		l->is.window_us = 1000000;
	if (l->is.burst == 0)
		l->is.burst = l->is.count;
	l->level = l->is.burst * l->is.window_us;
}

void sandbox_limit_free(struct sandbox_limit *l)
{
	free(l->times);
	*l = (struct sandbox_limit){ .times = NULL };
}

static unsigned count_at(const struct sandbox_limit *l, int64_t now)
{
	const struct sandbox_limit_change *c = &l->is.change;
	return now >= c->from_us && now < c->to_us ? c->count : l->is.count;
}

static void remember(struct sandbox_limit *l, int64_t now)
{
	if (l->held == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 128;
		int64_t *times = xmalloc(cap * sizeof *times);
		for (size_t i = 0; i < l->held; i++)
			times[i] = l->times[(l->head + i) % l->cap];
		free(l->times);
		l->times = times;
		l->cap = cap;
		l->head = 0;
	}
	l->times[(l->head + l->held++) % l->cap] = now;
}

static bool sliding_admits(struct sandbox_limit *l, int64_t now)
{
	while (l->held > 0 && l->times[l->head] <= now - l->is.window_us) {
		l->head = (l->head + 1) % l->cap;
		l->held--;
	}
	bool room = l->held < count_at(l, now);
	if (room || l->is.refused_count)
		remember(l, now);
	return room;
}

static bool fixed_admits(struct sandbox_limit *l, int64_t now)
{
	if (now / l->is.window_us != l->window) {
		l->window = now / l->is.window_us;
		l->used = 0;
	}
	bool room = l->used < count_at(l, now);
	l->used += room || l->is.refused_count;
	return room;
}

/* Refused ones that count draw it down to an empty bucket's worth of debt, no further: a client
 * that never rests is not shut out for ever. */
static bool bucket_admits(struct sandbox_limit *l, int64_t now)
{
	const int64_t token = l->is.window_us, full = l->is.burst * token;
	int64_t idle = now - l->filled_us;

	l->level += (idle < 2 * full ? idle : 2 * full) * count_at(l, now);
	l->filled_us = now;
	if (l->level > full)
		l->level = full;
	bool room = l->level >= token;
	if (room || (l->is.refused_count && l->level - token >= -full))
		l->level -= token;
	return room;
}

bool sandbox_limit_admits(struct sandbox_limit *l, int64_t now_us)
{
	if (l->is.count == 0)
		return true;
	switch (l->is.kind) {
	case SANDBOX_LIMIT_FIXED:
		return fixed_admits(l, now_us);
	case SANDBOX_LIMIT_BUCKET:
		return bucket_admits(l, now_us);
	default:
		return sliding_admits(l, now_us);
	}
}
