/* What is due waits in order; the clock leaps from one to the next. */
#include "sim_time.h"

#include <stdlib.h>
#include "base/buf.h"

struct due {
	int64_t when;
	uint64_t order; /* in which they were asked for */
	void (*happen)(void *arg);
	void *arg;
};

static struct {
	int64_t now, wall; /* wall: what is added to now */
	struct due *heap;
	size_t count, cap;
	uint64_t asked;
} t;

void time_begin(int64_t wall)
{
	t.now = 1000000; /* a machine that has just started */
	t.wall = wall - t.now;
	t.count = 0;
	t.asked = 0;
}

void time_end(void)
{
	t.count = 0;
}

int64_t time_now(void)
{
	return t.now;
}

int64_t time_wall(void)
{
	return t.now + t.wall;
}

void time_jump(int64_t by)
{
	t.wall += by;
}

static bool sooner(const struct due *a, const struct due *b)
{
	return a->when != b->when ? a->when < b->when : a->order < b->order;
}

void time_at(int64_t when, void (*happen)(void *arg), void *arg)
{
	struct due due = { when < t.now ? t.now : when, t.asked++, happen, arg };

	if (t.count == t.cap) {
		t.cap = t.cap ? t.cap * 2 : 64;
		t.heap = xrealloc(t.heap, t.cap * sizeof *t.heap);
	}
	size_t i = t.count++;
	for (; i > 0 && sooner(&due, &t.heap[(i - 1) / 2]); i = (i - 1) / 2)
		t.heap[i] = t.heap[(i - 1) / 2];
	t.heap[i] = due;
}

static struct due take_first(void)
{
	struct due first = t.heap[0], last = t.heap[--t.count];
	size_t i = 0;

	for (size_t child = 1; child < t.count; child = 2 * i + 1) {
		if (child + 1 < t.count && sooner(&t.heap[child + 1], &t.heap[child]))
			child++;
		if (!sooner(&t.heap[child], &last))
			break;
		t.heap[i] = t.heap[child];
		i = child;
	}
	t.heap[i] = last;
	return first;
}

int64_t time_next(void)
{
	return t.count ? t.heap[0].when : INT64_MAX;
}

void time_until(int64_t to)
{
	while (t.count && t.heap[0].when <= to) {
		struct due due = take_first();
		if (due.when > t.now)
			t.now = due.when;
		due.happen(due.arg);
	}
	if (to > t.now)
		t.now = to;
}

void time_pass(int64_t us)
{
	time_until(t.now + us);
}
