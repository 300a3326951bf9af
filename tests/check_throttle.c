#include "send/throttle.h"

#include <check.h>

#include "send/pace.h"

#define S INT64_C(1000000) /* a second, us */
#define START (123 * S)    /* where the clock stands at first */

Suite *throttle_suite(void);

/* -- waves -- */

/*
 * What is heard, an event each, at `at` seconds: a 429 ('R') or another answer ('A') to an attempt
 * that began at `began`. What is to be seen after it: whether a pause began, the n of the backoff
 * that was asked for before it, and since when nothing but 429 was heard (-1: something was).
 */
struct event {
	char what;
	double began, at;
	bool fresh;
	unsigned nth;
	double since;
};

static const struct event waves[][8] = {
	/* all that were in flight hear of it: one pause */
	{
	    { 'R', 0.0, 1.0, true, 0, 1.0 },
	    { 'R', 0.5, 1.1, false, 0, 1.0 },
	    { 'R', 0.9, 1.2, false, 0, 1.0 },
	    { 'R', 3.0, 3.1, true, 1, 1.0 },
	    { 'R', 2.9, 3.2, false, 1, 1.0 },
	    { 'R', 7.0, 7.1, true, 2, 1.0 },
	},
	/* one that began as the pause did is a new one */
	{
	    { 'R', 0.0, 1.0, true, 0, 1.0 },
	    { 'R', 1.0, 1.5, true, 1, 1.0 },
	},
	/* another answer ends it: the next begins anew */
	{
	    { 'R', 0.0, 1.0, true, 0, 1.0 },
	    { 'R', 2.0, 2.1, true, 1, 1.0 },
	    { 'A', 2.0, 2.2, false, 0, -1 },
	    { 'R', 2.0, 2.3, true, 0, 2.3 },
	    { 'R', 2.2, 2.4, false, 0, 2.3 },
	    { 'R', 4.0, 4.1, true, 1, 2.3 },
	},
	{
	    { 'A', 0.0, 1.0, false, 0, -1 },
	    { 'R', 0.0, 1.0, true, 0, 1.0 },
	},
};

static int64_t us(double seconds)
{
	return START + (int64_t)(seconds * (double)S);
}

START_TEST(waves_of_429)
{
	struct throttle t;

	throttle_init(&t);
	ck_assert_int_eq(t.refused_since, INT64_MAX);
	for (const struct event *e = waves[_i]; e->what; e++) {
		if (e->what == 'A') {
			throttle_answered(&t, THROTTLE_HEARD, us(e->began), us(e->at));
		} else {
			ck_assert_uint_eq(throttle_nth(&t, us(e->began)), e->nth);
			ck_assert_int_eq(throttle_refused(&t, us(e->began), -1, us(e->at) + S,
			                     us(e->at)),
			    e->fresh);
			ck_assert_int_eq(t.paused_until, us(e->at) + S);
		}
		ck_assert_int_eq(t.refused_since, e->since < 0 ? INT64_MAX : us(e->since));
	}
}
END_TEST

/* The longest pause that was asked for counts, whoever asked last. */
START_TEST(a_pause_is_never_shortened)
{
	struct throttle t;

	throttle_init(&t);
	throttle_refused(&t, us(0), -1, us(9), us(1));
	throttle_refused(&t, us(0), -1, us(4), us(2));
	throttle_refused(&t, us(3), -1, us(5), us(3));
	ck_assert_int_eq(t.paused_until, us(9));
	throttle_answered(&t, THROTTLE_HEARD, us(0), us(4));
	ck_assert_int_eq(t.paused_until, us(9));
	throttle_refused(&t, us(3), -1, INT64_MAX, us(5));
	ck_assert_int_eq(t.paused_until, INT64_MAX);
}
END_TEST

/* -- a pace -- */

static const struct pace_config fifty = { .num = 1, .den = 20000, .burst = 10, .adapt = true };

START_TEST(a_pause_holds_the_bucket)
{
	struct pace *p = pace_new(&fifty, START);

	ck_assert_int_eq(pace_paused_until(p), INT64_MIN);
	ck_assert(pace_take(p, START));
	ck_assert(!pace_take(p, START));
	ck_assert_int_eq(pace_ready(p, START), START + 20000);
	ck_assert(pace_refused(p, START, -1, us(3), us(1)));
	ck_assert_int_eq(pace_paused_until(p), us(3));
	ck_assert_int_eq(pace_refused_since(p), us(1));
	ck_assert_int_eq(pace_ready(p, us(2)), us(3));
	ck_assert(!pace_take(p, us(3) - 1));
	ck_assert(pace_take(p, us(3)));
	ck_assert(!pace_take(p, us(3)));
	pace_answered(p, THROTTLE_LOST, us(3), us(4));
	ck_assert_int_eq(pace_refused_since(p), INT64_MAX);
	pace_free(p);
}
END_TEST

/* What a person is told: nothing before the first 429, nor where the rate is kept whatever comes.
 */
START_TEST(what_was_learnt_is_told)
{
	struct pace_config kept = fifty;
	struct pace *p = pace_new(&fifty, START), *q;

	kept.adapt = false;
	q = pace_new(&kept, START);
	ck_assert_double_eq(pace_learned(p, START), 0);
	pace_refused(p, START, -1, us(1), us(1));
	pace_refused(q, START, -1, us(1), us(1));
	ck_assert_double_gt(pace_learned(p, us(1)), 1);
	ck_assert_double_lt(pace_learned(p, us(1)), 50);
	ck_assert_double_eq(pace_learned(q, us(1)), 0);
	pace_free(p);
	pace_free(q);
	pace_free(NULL);
}
END_TEST

Suite *throttle_suite(void)
{
	Suite *suite = suite_create("throttle");
	TCase *t = tcase_create("throttle");

	tcase_add_loop_test(t, waves_of_429, 0, (int)(sizeof waves / sizeof *waves));
	tcase_add_test(t, a_pause_is_never_shortened);
	tcase_add_test(t, a_pause_holds_the_bucket);
	tcase_add_test(t, what_was_learnt_is_told);
	suite_add_tcase(suite, t);
	return suite;
}
