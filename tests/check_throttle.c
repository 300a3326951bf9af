/* What a wave of 429s comes to. */
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
	/* one that began as the pause did had left already */
	{
	    { 'R', 0.0, 1.0, true, 0, 1.0 },
	    { 'R', 1.0, 1.5, false, 0, 1.0 },
	    { 'R', 1.00001, 1.5, true, 1, 1.0 },
	},
	/* another answer ends it, but not one to what had left before: the next begins anew */
	{
	    { 'R', 0.0, 1.0, true, 0, 1.0 },
	    { 'R', 2.0, 2.1, true, 1, 1.0 },
	    { 'A', 2.0, 2.2, false, 0, -1 },
	    { 'R', 2.05, 2.3, false, 1, 2.3 },
	    { 'R', 3.2, 3.3, true, 2, 2.3 },
	    { 'A', 5.0, 5.1, false, 0, -1 },
	    { 'R', 3.25, 5.2, false, 0, 5.2 },
	    { 'R', 6.0, 6.1, true, 0, 5.2 },
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
	int64_t until = INT64_MIN;

	throttle_init(&t, 0, START);
	ck_assert_int_eq(t.refused_since, INT64_MAX);
	for (const struct event *e = waves[_i]; e < waves[_i] + 8 && e->what; e++) {
		if (e->what == 'A') {
			throttle_answered(&t, THROTTLE_HEARD, us(e->began));
		} else {
			ck_assert_uint_eq(throttle_nth(&t, us(e->began)), e->nth);
			ck_assert_int_eq(throttle_refused(&t, us(e->began), -1, us(e->at) + S,
			                     us(e->at)),
			    e->fresh);
			until = e->fresh ? us(e->at) + S : until;
			ck_assert_int_eq(t.paused_until, until);
		}
		ck_assert_int_eq(t.refused_since, e->since < 0 ? INT64_MAX : us(e->since));
	}
}
END_TEST

/* The longest pause that was asked for counts, whoever asked last. Another 429 of the same wave
 * asks for one only with a Retry-After: the backoff is one for all. */
START_TEST(a_pause_is_never_shortened)
{
	struct throttle t;

	throttle_init(&t, 0, START);
	throttle_refused(&t, us(0), -1, us(5), us(1));
	throttle_refused(&t, us(0), -1, us(6), us(2));
	ck_assert_int_eq(t.paused_until, us(5));
	throttle_refused(&t, us(0), 7 * S, us(9), us(2));
	throttle_refused(&t, us(0), 1 * S, us(4), us(2));
	throttle_refused(&t, us(3), -1, us(5), us(3));
	ck_assert_int_eq(t.paused_until, us(9));
	throttle_answered(&t, THROTTLE_HEARD, us(0));
	ck_assert_int_eq(t.paused_until, us(9));
	throttle_refused(&t, us(4), -1, INT64_MAX, us(5));
	ck_assert_int_eq(t.paused_until, INT64_MAX);
}
END_TEST

/* -- the limit -- */

/* Attempts from `from` on for `seconds`, evenly, so many a second; all are taken. */
static void attempts(struct throttle *t, double from, double seconds, int rate)
{
	for (int i = 0; i < (int)(seconds * rate); i++) {
		throttle_began(t, us(from + (double)i / rate));
		throttle_answered(t, THROTTLE_HEARD, us(from + (double)i / rate));
	}
}

/* One more attempt, at `at`, is refused; nothing leaves for a second. */
static void refuse(struct throttle *t, double at)
{
	throttle_began(t, us(at));
	throttle_refused(t, us(at), -1, us(at + 1), us(at + 0.01));
}

/* The rate, a second. */
static double rate(const struct throttle *t, double at)
{
	return (double)throttle_rate(t, us(at)) / (double)THROTTLE_UNIT;
}

static struct throttle asked_for(double a_second)
{
	struct throttle t;

	throttle_init(&t, (int64_t)(a_second * (double)THROTTLE_UNIT), START);
	return t;
}

START_TEST(just_below_what_was_taken)
{
	struct throttle t = asked_for(140);

	attempts(&t, 0, 0.5, 140);
	ck_assert_double_eq(rate(&t, 0.5), 140);
	refuse(&t, 0.5);
	ck_assert_double_eq_tol(rate(&t, 0.6), 70 * 0.99, 0.01);
	attempts(&t, 1.6, 0.1, 60);
	ck_assert_double_eq_tol(rate(&t, 41.5), 70 * 0.99, 0.01);
}
END_TEST

/* From the first attempt that was taken after the pause on for forty seconds; then it climbs by the
 * cube, to the full rate in ten seconds; refused there again, it is held for a third longer. */
START_TEST(held_then_climbing)
{
	struct throttle t = asked_for(140);
	double from = 1.6, low = 70 * 0.99, nearly = 1.5; /* one attempt more or less */

	attempts(&t, 0, 0.5, 140);
	refuse(&t, 0.5);
	for (double hold = 40; hold < 300; hold = hold * 4 / 3) {
		ck_assert_double_eq_tol(rate(&t, from + 1000), low,
		    nearly); /* none was taken yet */
		attempts(&t, from, 1, 70);
		ck_assert_double_eq_tol(rate(&t, from + hold), low, nearly);
		ck_assert_double_eq_tol(rate(&t, from + hold + 5), low + (140 - low) / 8, nearly);
		ck_assert_double_eq(rate(&t, from + hold + 10), 140);
		ck_assert_double_eq(rate(&t, from + hold + 1000), 140);
		attempts(&t, from + hold + 2, 1, 70);
		refuse(&t, from + hold + 3);
		ck_assert_double_eq_tol(rate(&t, from + hold + 4), low, nearly);
		from += hold + 4.2;
	}
	attempts(&t, from, 1, 70);
	ck_assert_double_eq_tol(rate(&t, from + 300), low, nearly);
	ck_assert_double_gt(rate(&t, from + 305), low + 2 * nearly);
}
END_TEST

/* Held so high, at 140 asked for, from `from` on, what is taken just before the way up is refused,
 * six seconds after the hold. Returns when the next hold begins. */
static double met_on_the_way(struct throttle *t, double from, double hold, int taken)
{
	attempts(t, from, 1, 40);
	attempts(t, from + hold + 5, 1, taken);
	refuse(t, from + hold + 6);
	from += hold + 7.2;
	attempts(t, from, 1, 40);
	return from;
}

/* A limit that was lowered is tried again after eight seconds (or eight times what the refusal
 * cost); one that was raised is held as the first was. */
START_TEST(another_place)
{
	struct throttle t = asked_for(140);
	double from = 1.6, nearly = 1.5;

	attempts(&t, 0, 0.5, 140);
	refuse(&t, 0.5);
	from = met_on_the_way(&t, from, 40, 40);
	ck_assert_double_eq_tol(rate(&t, from + 9.6), 40 * 0.99, nearly);
	ck_assert_double_gt(rate(&t, from + 9.6 + 5), 40 + 2 * nearly);
	from = met_on_the_way(&t, from, 9.6, 60);
	ck_assert_double_eq_tol(rate(&t, from + 40), 60 * 0.99, nearly);
	ck_assert_double_gt(rate(&t, from + 40 + 5), 60 + 2 * nearly);
}
END_TEST

/* What is held well is known better than what was taken once: where the place is the same, the rate
 * goes up by half of the difference. */
START_TEST(half_way_up)
{
	struct throttle t = asked_for(140);
	double from = 1.6;

	attempts(&t, 0, 0.5, 140);
	refuse(&t, 0.5);
	from = met_on_the_way(&t, from, 40, 80);
	ck_assert_double_eq_tol(rate(&t, from), (70 * 0.99 + 80) / 2, 0.5);
	from = met_on_the_way(&t, from, 40 * 4. / 3, 70);
	ck_assert_double_eq_tol(rate(&t, from), 70 * 0.99, 1.5);
}
END_TEST

/* The first 429 that is heard may not be to the first attempt that was refused: each of the wave
 * puts it right, in whatever order they come. */
START_TEST(the_first_refused_counts)
{
	struct throttle t = asked_for(140);

	attempts(&t, 0, 0.5, 140);
	for (int i = 0; i < 5; i++)
		throttle_began(&t, us(0.5 + 0.007 * i));
	for (int i = 4; i >= 0; i--) {
		bool fresh = throttle_refused(&t, us(0.5 + 0.007 * i), -1, us(2), us(0.6));
		ck_assert_int_eq(fresh, i == 4);
		ck_assert_double_eq_tol(rate(&t, 0.7), (70 + i) * 0.99, 0.01);
	}
	throttle_answered(&t, THROTTLE_HEARD, us(0.49));
	ck_assert(!throttle_refused(&t, us(0.55), -1, us(3), us(0.7)));
	ck_assert_int_eq(t.paused_until, us(2));
	ck_assert_double_eq_tol(rate(&t, 0.7), 70 * 0.99, 0.01);
}
END_TEST

/* Few are counted in whole numbers: five of eight a second. */
START_TEST(few_are_counted_whole)
{
	struct throttle t = asked_for(8);

	attempts(&t, 0.002, 0.625, 8);
	refuse(&t, 0.627);
	ck_assert_double_eq_tol(rate(&t, 1), 5 * 0.99, 1e-9);
	attempts(&t, 2, 4, 5);
	refuse(&t, 6.001);
	ck_assert_double_eq_tol(rate(&t, 7), 5 * 0.99 * 0.98, 1e-9);
}
END_TEST

/* A limit that is a guess, or its span, is tried again after eight seconds (eight times what the
 * refusal cost). */
START_TEST(a_guess_is_tried_soon)
{
	static const struct {
		double lasted;
		int taken; /* a second */
		int64_t retry_after;
		double hold;
	} rows[] = { { 0.9, 100, -1, 40 }, { 0.9, 70, -1, 9.6 }, { 0.9, 100, S, 40 },
		{ 1.1, 140, -1, 9.6 }, { 2.9, 100, -1, 9.6 }, { 3.1, 140, -1, 40 },
		{ 0.9, 100, 30 * S, 9.6 }, { 59, 100, -1, 40 }, { 61, 100, -1, 9.6 } };
	struct throttle t = asked_for(140);
	double lasted = rows[_i].lasted, from = lasted + 1.2, hold = rows[_i].hold;

	attempts(&t, 0, lasted, rows[_i].taken);
	throttle_began(&t, us(lasted));
	throttle_refused(&t, us(lasted), rows[_i].retry_after, us(lasted + 1), us(lasted));
	attempts(&t, from, 1, 2);
	ck_assert_double_eq_tol(rate(&t, from + (hold < 40 ? 8 : hold)), rate(&t, from), 0.01);
	ck_assert_double_gt(rate(&t, from + hold + 5), rate(&t, from) + 3);
}
END_TEST

/* Where the full rate had been well for long, it is tried again sooner, and after a third longer
 * each time. */
START_TEST(somebody_else_takes_part)
{
	struct throttle t = asked_for(98);
	double from = 100, low = 49 * 0.99, nearly = 1.5;

	attempts(&t, 0, 100, 49);
	refuse(&t, from);
	from += 1.2;
	for (double hold = 9.6; hold < 20; hold = hold * 4 / 3) {
		attempts(&t, from, 1, 49);
		ck_assert_double_eq_tol(rate(&t, from + (hold > 9.6 ? hold : 8)), low, nearly);
		ck_assert_double_gt(rate(&t, from + hold + 5), low + 3);
		attempts(&t, from + hold + 4, 1, 49);
		refuse(&t, from + hold + 5);
		from += hold + 6.2;
	}
}
END_TEST

/* Refused while it is held, with as much taken as before: lower by 2 %, then by 4 %, by 8 %. */
START_TEST(a_little_too_high)
{
	struct throttle t = asked_for(140);
	double from = 0, expected = 100 * 0.99;

	attempts(&t, 0, 1, 100);
	refuse(&t, 1);
	for (int i = 0; i < 3; i++) {
		from += 2.2;
		attempts(&t, from, 3, 100);
		refuse(&t, from + 3);
		from += 3;
		expected *= 1 - 0.02 * (1 << i);
		ck_assert_double_eq_tol(rate(&t, from + 0.5), expected, 0.01);
	}
}
END_TEST

/* Refused once in a while, with as much taken as before: by chance. The rate stays, is held for
 * three quarters of the time, and begins anew to be lowered. */
START_TEST(well_for_long)
{
	struct throttle t = asked_for(140);
	double from = 2.2;

	attempts(&t, 0, 1, 100);
	refuse(&t, 1);
	attempts(&t, from, 11, 99);
	refuse(&t, from + 11);
	from += 13;
	attempts(&t, from, 11, 99);
	ck_assert_double_eq_tol(rate(&t, from + 30), 99, 0.01);
	ck_assert_double_gt(rate(&t, from + 30 + 5), 99 + 4);
	refuse(&t, from + 11);
	from += 13;
	attempts(&t, from, 3, 99);
	ck_assert_double_eq_tol(rate(&t, from + 22.5), 99, 0.01);
	ck_assert_double_gt(rate(&t, from + 22.5 + 5), 99 + 4);
	refuse(&t, from + 3);
	ck_assert_double_eq_tol(rate(&t, from + 4), 99 * 0.99, 0.01);
}
END_TEST

/* Where the rate that was held turns out to be far below what is taken, it is tried soon again. */
START_TEST(held_too_low)
{
	struct throttle t = asked_for(140);
	double from = 2.2;

	attempts(&t, 0, 1, 100);
	refuse(&t, 1);
	for (int i = 0; i < 3; i++) {
		attempts(&t, from, 3, 99);
		refuse(&t, from + 3);
		from += 4.2;
	}
	double low = rate(&t, from);
	ck_assert_double_lt(low, 90);
	from = met_on_the_way(&t, from, 40, 99);
	ck_assert_double_eq_tol(rate(&t, from), (low + 99) / 2, 1);
	ck_assert_double_gt(rate(&t, from + 9.6 + 5), rate(&t, from) + 3);
}
END_TEST

/* Where the server counts over a longer time, what is taken in one second is not its limit. */
static const struct {
	double lasted;        /* at 100 a second, until the first 429 */
	double refused_again; /* after that, in seconds; 0: not */
	int64_t retry_after;  /* in seconds; -1: none */
	double span;          /* that it is thought to count over */
} counted[] = {
	{ 0.7, 0, -1, 1 }, { 0.7, 0, 1, 1 }, { 2.1, 0, -1, 3 }, { 7.1, 0, -1, 10 },
	{ 7.1, 0, 3, 10 }, { 42, 0, -1, 60 }, { 42, 0, 18, 60 }, { 8, 0, 13, 20 },
	{ 8, 3, -1, 15 }, /* it goes on refusing */
	{ 1.5, 0.9, -1, 3 },
	{ 70, 0, -1, 1 }, /* longer than servers count: something has changed */
};

START_TEST(what_it_counts_over)
{
	struct throttle t = asked_for(140);
	double lasted = counted[_i].lasted, again = counted[_i].refused_again;
	int64_t after = counted[_i].retry_after < 0 ? -1 : counted[_i].retry_after * S;
	double taken = lasted < counted[_i].span ? lasted : counted[_i].span;

	attempts(&t, 0, lasted, 100);
	throttle_began(&t, us(lasted));
	throttle_refused(&t, us(lasted), after, us(lasted + 0.5), us(lasted + 0.01));
	if (again > 0) {
		throttle_began(&t, us(lasted + again));
		throttle_refused(&t, us(lasted + again), -1, us(lasted + 9),
		    us(lasted + again + 0.01));
	}
	ck_assert_double_eq_tol(rate(&t, lasted + 1), 0.99 * 100 * taken / counted[_i].span, 2);
}
END_TEST

/* A server that names a long time only to punish is found out: more is taken on the way up than it
 * would have counted. */
START_TEST(a_penalty_is_no_span)
{
	struct throttle t = asked_for(140);

	attempts(&t, 0, 0.7, 100);
	throttle_began(&t, us(0.7));
	throttle_refused(&t, us(0.7), 30 * S, us(31), us(0.71));
	ck_assert_double_lt(rate(&t, 31), 3);
	attempts(&t, 31, 8, 2);
	attempts(&t, 52.5, 4, 100);
	refuse(&t, 56.5);
	ck_assert_double_eq_tol(rate(&t, 58), 98.5, 2);
}
END_TEST

/* What is lost says nothing of whether the server takes requests; nor does what had left before the
 * pause. */
START_TEST(only_an_answer_opens)
{
	struct throttle t = asked_for(140);

	attempts(&t, 0, 0.5, 140);
	refuse(&t, 0.5);
	throttle_answered(&t, THROTTLE_LOST, us(1.6));
	throttle_answered(&t, THROTTLE_HEARD, us(0.49));
	ck_assert_double_eq_tol(rate(&t, 60), 70 * 0.99, 0.01);
	throttle_answered(&t, THROTTLE_HEARD, us(1.7));
	ck_assert_double_eq(rate(&t, 60), 140);
}
END_TEST

/* Where nothing was taken before a 429, however many of these come, half the rate is tried: they
 * are somebody else's doing, perhaps. */
START_TEST(refused_from_the_start)
{
	struct throttle t = asked_for(50);

	for (int i = 1; i < 5; i++) {
		refuse(&t, 2 * i);
		ck_assert_double_eq(rate(&t, 2 * i), 25);
	}
}
END_TEST

/* Nothing is learnt where the rate is to stay, and none is set below one in ten seconds. */
START_TEST(bounds_of_the_rate)
{
	static const struct {
		double full, least;
	} rows[] = { { 0, 0 }, { 0.05, 0.05 }, { 1, 0.1 }, { 1000000, 0.1 } };
	struct throttle t = asked_for(rows[_i].full);

	for (int i = 1; i < 100; i++) {
		refuse(&t, 3 * i);
		throttle_began(&t, us(3 * i + 2));
		throttle_answered(&t, THROTTLE_HEARD, us(3 * i + 2));
	}
	ck_assert_double_eq_tol(rate(&t, 300), rows[_i].least, 1e-9);
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

/* Thirty attempts, then a 429 that asks to wait until 2 s. */
static struct pace *limited(const struct pace_config *c)
{
	struct pace *p = pace_new(c, START);
	int64_t now = START;

	for (int i = 0; i < 30; i++) {
		now = c->num ? pace_ready(p, now) : now + 10000;
		ck_assert(pace_take(p, now));
		pace_answered(p, THROTTLE_HEARD, now, now);
	}
	ck_assert_double_eq(pace_learned(p, now), 0);
	now = us(0.7);
	ck_assert(pace_take(p, now));
	ck_assert(pace_refused(p, now, -1, us(2), now));
	return p;
}

/* What a person is told, and what the bucket does: below the thirty that were taken; the same where
 * no rate was asked for. */
START_TEST(the_bucket_follows)
{
	static const struct pace_config unlimited = { .burst = 10, .adapt = true };
	struct pace *p = limited(_i ? &unlimited : &fifty);

	ck_assert_double_eq_tol(pace_learned(p, us(0.7)), 30 * 0.99, 1);
	ck_assert_int_eq(pace_ready(p, us(1)), us(2));
	ck_assert(pace_take(p, us(2)));
	ck_assert_int_ge(pace_ready(p, us(2)), us(2) + 33000);
	ck_assert_int_le(pace_ready(p, us(2)), us(2) + 35000);
	pace_answered(p, THROTTLE_HEARD, us(2), us(2));
	ck_assert_double_eq(pace_learned(p, us(60)), 0);
	pace_free(p);
}
END_TEST

START_TEST(the_rate_stays)
{
	struct pace_config kept = fifty, unlimited = { .burst = 10 };
	struct pace *p = limited(_i ? &unlimited : &kept);

	kept.adapt = false;
	pace_free(p);
	p = limited(_i ? &unlimited : &kept);
	ck_assert_double_eq(pace_learned(p, us(0.7)), 0);
	ck_assert(!pace_take(p, us(2) - 1));
	ck_assert(pace_take(p, us(2)));
	ck_assert_int_eq(pace_ready(p, us(2)), us(2) + (_i ? 0 : 20000));
	pace_free(p);
	pace_free(NULL);
}
END_TEST

Suite *throttle_suite(void)
{
	Suite *suite = suite_create("throttle");
	TCase *t = tcase_create("throttle");

	tcase_add_loop_test(t, waves_of_429, 0, (int)(sizeof waves / sizeof *waves));
	tcase_add_test(t, a_pause_is_never_shortened);
	tcase_add_test(t, just_below_what_was_taken);
	tcase_add_test(t, held_then_climbing);
	tcase_add_test(t, another_place);
	tcase_add_test(t, half_way_up);
	tcase_add_test(t, the_first_refused_counts);
	tcase_add_test(t, few_are_counted_whole);
	tcase_add_loop_test(t, a_guess_is_tried_soon, 0, 9);
	tcase_add_test(t, somebody_else_takes_part);
	tcase_add_test(t, a_little_too_high);
	tcase_add_test(t, well_for_long);
	tcase_add_test(t, held_too_low);
	tcase_add_loop_test(t, what_it_counts_over, 0, (int)(sizeof counted / sizeof *counted));
	tcase_add_test(t, a_penalty_is_no_span);
	tcase_add_test(t, only_an_answer_opens);
	tcase_add_test(t, refused_from_the_start);
	tcase_add_loop_test(t, bounds_of_the_rate, 0, 4);
	tcase_add_test(t, a_pause_holds_the_bucket);
	tcase_add_loop_test(t, the_bucket_follows, 0, 2);
	tcase_add_loop_test(t, the_rate_stays, 0, 2);
	suite_add_tcase(suite, t);
	return suite;
}
