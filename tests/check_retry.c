/* How long is waited, and who is next. */
#include "queue/retry.h"

#include <check.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include "dice.h"

#define S INT64_C(1000000)
#define NODES 500

Suite *retry_suite(void);

static const struct {
	int64_t backoff, most;
	double jitter;
	unsigned n;
	int64_t retry_after;
	uint64_t random;
	int64_t least, longest; /* what may come out */
} delays[] = {
	/* without jitter: min(backoff * 2^n, most) */
	{ S, 60 * S, 0, 0, -1, UINT64_MAX, S, S },
	{ S, 60 * S, 0, 1, -1, UINT64_MAX, 2 * S, 2 * S },
	{ S, 60 * S, 0, 5, -1, 0, 32 * S, 32 * S },
	{ S, 64 * S, 0, 6, -1, 0, 64 * S, 64 * S },
	{ S, 60 * S, 0, 6, -1, 0, 60 * S, 60 * S },
	{ S, 60 * S, 0, 62, -1, 0, 60 * S, 60 * S },
	{ S, 60 * S, 0, 63, -1, 0, 60 * S, 60 * S },
	{ S, 60 * S, 0, 64, -1, 0, 60 * S, 60 * S },
	{ S, 60 * S, 0, UINT_MAX, -1, 0, 60 * S, 60 * S },
	{ 1, INT64_MAX, 0, 62, -1, 0, INT64_C(1) << 62, INT64_C(1) << 62 },
	{ 1, INT64_MAX, 0, 63, -1, 0, INT64_MAX, INT64_MAX },
	{ 3, INT64_MAX, 0, 62, -1, 0, INT64_MAX, INT64_MAX },
	{ 100 * S, 60 * S, 0, 0, -1, 0, 60 * S, 60 * S },
	{ 0, 60 * S, 0.25, 9, -1, UINT64_MAX, 0, 0 },
	/* Retry-After is a lower bound */
	{ S, 60 * S, 0, 0, 0, 0, S, S },
	{ S, 60 * S, 0, 0, S - 1, 0, S, S },
	{ S, 60 * S, 0, 0, 7 * S, 0, 7 * S, 7 * S },
	{ S, 60 * S, 0, 9, 7 * S, 0, 60 * S, 60 * S },
	{ S, 60 * S, 0, 0, 3600 * S, 0, 3600 * S, 3600 * S },
	{ 0, 0, 0, 0, 7 * S, 0, 7 * S, 7 * S },
	/* jitter stretches, never cuts */
	{ S, 60 * S, 0.25, 0, -1, 0, S, S },
	{ S, 60 * S, 0.25, 0, -1, UINT64_MAX, 1249999, 1250000 },
	{ S, 60 * S, 0.25, 0, -1, UINT64_MAX / 2, 1124999, 1125000 },
	{ S, 60 * S, 0.25, 20, -1, UINT64_MAX, 74999999, 75 * S },
	{ S, 60 * S, 1, 0, -1, UINT64_MAX, 1999999, 2 * S },
	{ S, 60 * S, 0.25, 0, 8 * S, UINT64_MAX, 9999999, 10 * S },
	{ S, 60 * S, 0.25, 0, 8 * S, 0, 8 * S, 8 * S },
	/* no overflow */
	{ S, 60 * S, 1, 0, INT64_MAX, UINT64_MAX, INT64_MAX, INT64_MAX },
	{ S, 60 * S, 1, 0, INT64_MAX - 5, UINT64_MAX, INT64_MAX, INT64_MAX },
	{ S, 60 * S, 0, 0, INT64_MAX, UINT64_MAX, INT64_MAX, INT64_MAX },
	{ S, 60 * S, 0.25, 0, INT64_MAX / 5 * 4, UINT64_MAX, INT64_MAX / 5 * 4, INT64_MAX },
};

START_TEST(delay)
{
	struct retry_config c = { .backoff_us = delays[_i].backoff,
		.backoff_max_us = delays[_i].most,
		.jitter = delays[_i].jitter };
	int64_t wait = retry_delay(&c, delays[_i].n, delays[_i].retry_after, delays[_i].random);

	ck_assert_int_ge(wait, delays[_i].least);
	ck_assert_int_le(wait, delays[_i].longest);
}
END_TEST

/* Over random settings: in its bounds, never shorter than Retry-After; over random numbers the
 * whole stretch is used. */
START_TEST(delay_bounds)
{
	struct dice d = dice_new("retry delay");

	for (int i = 0; i < 200; i++) {
		struct retry_config c = { .jitter = (double)dice_below(&d, 1001) / 1000 };
		c.backoff_us = 1000 + dice_below(&d, 10 * S);
		c.backoff_max_us = c.backoff_us + dice_below(&d, 1000 * S);
		unsigned n = (unsigned)dice_below(&d, 70);
		int64_t after = dice_below(&d, 3) ? dice_below(&d, 100 * S) : -1,
		        base = c.backoff_us;
		for (unsigned k = 0; k < n && base < c.backoff_max_us; k++)
			base *= 2;
		base = base < c.backoff_max_us ? base : c.backoff_max_us;
		base = base > after ? base : after;
		double top = (double)base * (1 + c.jitter), least = top, most = 0;
		for (int k = 0; k < 300; k++) {
			int64_t wait = retry_delay(&c, n, after, dice_next(&d));
			if (wait < base || (double)wait > top)
				ck_abort_msg("%" PRId64 " is not in %" PRId64 " to %f", wait, base,
				    top);
			least = (double)wait < least ? (double)wait : least;
			most = (double)wait > most ? (double)wait : most;
		}
		double spread = top - (double)base;
		ck_assert(most - least >= spread * 0.9 - 1);
	}
}
END_TEST

static void assert_places(const struct retry_heap *h)
{
	for (size_t i = 0; i < h->count; i++) {
		ck_assert_uint_eq(h->nodes[i]->place, i);
		if (i > 0)
			ck_assert_int_le(h->nodes[(i - 1) / 2]->due, h->nodes[i]->due);
	}
}

static int by_due(const void *a, const void *b)
{
	const struct retry_node *x = a, *y = b;

	return x->due < y->due ? -1 : x->due > y->due;
}

/* What comes out is what went in, in order of due times; ties and order of pushing do not
 * matter. */
START_TEST(heap_sorts)
{
	struct dice d = dice_new("retry heap");
	static struct retry_node nodes[NODES], sorted[NODES];
	struct retry_heap h = { 0 };
	size_t count = (size_t)_i * 71;

	for (size_t i = 0; i < count; i++) {
		nodes[i].due = sorted[i].due = dice_one_in(&d, 3) ?
		    dice_below(&d, 20) :
		    (int64_t)(dice_next(&d) >> 1) - (INT64_MAX / 2);
		retry_push(&h, &nodes[i]);
	}
	assert_places(&h);
	qsort(sorted, count, sizeof *sorted, by_due);
	for (size_t i = 0; i < count; i++) {
		struct retry_node *top = retry_top(&h);
		ck_assert_ptr_eq(retry_pop(&h), top);
		ck_assert_int_eq(top->due, sorted[i].due);
	}
	ck_assert_ptr_null(retry_top(&h));
	ck_assert_ptr_null(retry_pop(&h));
	retry_free(&h);
}
END_TEST

/* The earliest of those in use, found the long way. */
static struct retry_node *earliest(struct retry_node *nodes, const int *used)
{
	struct retry_node *best = NULL;

	for (size_t i = 0; i < NODES; i++)
		if (used[i] && (!best || nodes[i].due < best->due))
			best = &nodes[i];
	return best;
}

/* Random pushes, pops and removals, against the long way. */
START_TEST(heap_model)
{
	struct dice d = dice_new("retry heap model");
	static struct retry_node nodes[NODES];
	static int used[NODES];
	struct retry_heap h = { 0 };
	size_t count = 0;

	for (int step = 0; step < 20000; step++) {
		size_t i = (size_t)dice_below(&d, NODES);
		if (!used[i] && dice_below(&d, 3)) {
			nodes[i].due = dice_below(&d, 1000);
			retry_push(&h, &nodes[i]);
			used[i] = 1;
			count++;
		} else if (used[i]) {
			retry_remove(&h, &nodes[i]);
			used[i] = 0;
			count--;
		} else if (count > 0) {
			struct retry_node *best = earliest(nodes, used), *got = retry_pop(&h);
			if (got->due != best->due || !used[got - nodes])
				ck_abort_msg("due at %" PRId64 ", not %" PRId64, got->due,
				    best->due);
			used[got - nodes] = 0;
			count--;
		}
		if (step % 100 == 0)
			assert_places(&h);
		if (h.count != count)
			ck_abort_msg("%zu nodes, not %zu", h.count, count);
	}
	retry_free(&h);
	ck_assert_uint_eq(h.count, 0);
}
END_TEST

Suite *retry_suite(void)
{
	Suite *suite = suite_create("retry");
	TCase *t = tcase_create("retry");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, delay, 0, (int)(sizeof delays / sizeof *delays));
	tcase_add_test(t, delay_bounds);
	tcase_add_loop_test(t, heap_sorts, 0, 8);
	tcase_add_test(t, heap_model);
	suite_add_tcase(suite, t);
	return suite;
}
