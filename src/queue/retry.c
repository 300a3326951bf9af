/* Exponential backoff with jitter, and a binary heap of due times. */
#include "queue/retry.h"

#include <stdlib.h>
#include "base/buf.h"

/* backoff * 2^n, or the most where that is less or there is no such number. */
static int64_t doubled(int64_t backoff_us, unsigned n, int64_t most_us)
{
	if (backoff_us <= 0)
		return 0;
	if (n > 62 || backoff_us > most_us >> n)
		return most_us;
	return backoff_us << n;
}

/* A fraction in [0, 1): the 53 bits that a double holds. */
static double fraction(uint64_t random)
{
	return (double)(random >> 11) / (double)(UINT64_C(1) << 53);
}

int64_t retry_delay(const struct retry_config *c, unsigned n, int64_t retry_after_us,
    uint64_t random)
{
	int64_t wait = doubled(c->backoff_us, n, c->backoff_max_us);

	if (wait < retry_after_us)
		wait = retry_after_us;
	double stretch = (double)wait * c->jitter * fraction(random);
	if (stretch >= (double)(INT64_MAX - wait))
		return INT64_MAX;
	return wait + (int64_t)stretch;
}

static void put(struct retry_heap *h, size_t place, struct retry_node *n)
{
	h->nodes[place] = n;
	n->place = place;
}

static void rise(struct retry_heap *h, struct retry_node *n, size_t place)
{
	while (place > 0 && h->nodes[(place - 1) / 2]->due > n->due) {
		put(h, place, h->nodes[(place - 1) / 2]);
		place = (place - 1) / 2;
	}
	put(h, place, n);
}

static void sink(struct retry_heap *h, struct retry_node *n, size_t place)
{
	for (;;) {
		size_t child = place * 2 + 1;
		if (child + 1 < h->count && h->nodes[child + 1]->due < h->nodes[child]->due)
			child++;
		if (child >= h->count || h->nodes[child]->due >= n->due)
			break;
		put(h, place, h->nodes[child]);
		place = child;
	}
	put(h, place, n);
}

void retry_push(struct retry_heap *h, struct retry_node *n)
{
	if (h->count == h->cap) {
		h->cap = h->cap ? h->cap * 2 : 16;
		h->nodes = xrealloc(h->nodes, h->cap * sizeof *h->nodes);
	}
	rise(h, n, h->count++);
}

struct retry_node *retry_top(const struct retry_heap *h)
{
	return h->count > 0 ? h->nodes[0] : NULL;
}

void retry_remove(struct retry_heap *h, struct retry_node *n)
{
	struct retry_node *last = h->nodes[--h->count];

	if (last == n)
		return;
	if (last->due < n->due)
		rise(h, last, n->place);
	else
		sink(h, last, n->place);
}

struct retry_node *retry_pop(struct retry_heap *h)
{
	struct retry_node *top = retry_top(h);

	if (top)
		retry_remove(h, top);
	return top;
}

void retry_free(struct retry_heap *h)
{
	free(h->nodes);
	*h = (struct retry_heap){ 0 };
}
