/* The bucket's promise, over random schedules and by hand. */
#include "send/bucket.h"

#include <check.h>
#include <inttypes.h>
#include <stdlib.h>
#include "dice.h"

#define S INT64_C(1000000) /* a second, us */
#define START (123 * S)    /* where the clock stands at first */
#define SENDS 4096

/* As ck_assert, which writes a message each time, for the loops that run millions of times. */
#define MUST(is_so) \
	do { \
		if (!(is_so)) \
			ck_abort_msg("%s", #is_so); \
	} while (0)

Suite *bucket_suite(void);

struct rate {
	int64_t num, den;
}; /* as num_rate gives it: num tokens each den us */

static const struct rate rates[] = {
	{ 1, 3600 * S },
	{ 1000001, 3600 * S *S },
	{ 1, 2 * S },
	{ 1, S },
	{ 7, 60 * S },
	{ 1, 20000 },
	{ 49, 500000 },
	{ 333333333, S *S },
	{ 1, 1000 },
	{ 123456789, 50 * S *S },
	{ 1, 10 },
	{ 999999999999, S *S },
	{ 1, 1 },
};
#define RATES (int)(sizeof rates / sizeof *rates)

static double per_second(struct rate r)
{
	return (double)r.num / (double)r.den * S;
}

/* What was sent: so many tokens, when. */
struct log {
	int64_t at[SENDS], tokens[SENDS];
	size_t count;
};

static void note(struct log *l, int64_t at, int64_t tokens)
{
	MUST(l->count < SENDS);
	l->at[l->count] = at;
	l->tokens[l->count++] = tokens;
}

/* By brute force, over every closed window that begins and ends with a send: tokens <= burst + rate
 * * w. */
static void assert_promise(const struct log *l, struct rate r, int64_t burst)
{
	for (size_t i = 0; i < l->count; i++) {
		int64_t tokens = 0;
		for (size_t k = i; k < l->count; k++) {
			tokens += l->tokens[k];
			if ((bucket_units)(tokens - burst) * r.den >
			    (bucket_units)(l->at[k] - l->at[i]) * r.num)
				ck_abort_msg("%" PRId64 " tokens in %" PRId64
				             " us at %f/s, burst %" PRId64 " (sends "
				             "%zu to %zu)",
				    tokens, (l->at[k] - l->at[i]), per_second(r), burst, i, k);
		}
	}
}

/* The most sends in any closed window of w us. */
static size_t most_within(const struct log *l, int64_t w)
{
	size_t most = 0;

	for (size_t i = 0, k = 0; k < l->count; k++) {
		while (l->at[k] - l->at[i] > w)
			i++;
		most = k - i + 1 > most ? k - i + 1 : most;
	}
	return most;
}

/* A sender who always has work, wakes up to `late` us late, and now and then is held up for `stall`
 * us. */
struct sleeper {
	int64_t late, stall, stall_every;
};

/* Sends until the clock passes `end`; notes what was sent if there is a log; returns how many. */
static int64_t send_until(struct bucket *b, struct sleeper s, struct dice *d, int64_t *now,
    int64_t end, struct log *l)
{
	int64_t sent = 0, next_stall = s.stall_every > 0 ? *now + s.stall_every : INT64_MAX;

	for (;;) {
		int64_t ready = bucket_ready(b, 1, *now);
		int64_t wake = ready + (s.late > 0 ? dice_below(d, s.late + 1) : 0);
		if (wake > next_stall) {
			wake += s.stall;
			next_stall += s.stall_every;
		}
		if (ready > end || wake > end)
			return sent;
		*now = wake;
		MUST(bucket_take(b, 1, *now));
		do {
			sent++;
			if (l)
				note(l, *now, 1);
		} while (bucket_take(b, 1, *now));
	}
}

START_TEST(starts_with_one_token)
{
	struct bucket b;

	bucket_init(&b, rates[_i].num, rates[_i].den, 10, 1, START);
	ck_assert_int_eq(bucket_ready(&b, 1, START), START);
	ck_assert(bucket_take(&b, 1, START));
	ck_assert(!bucket_take(&b, 1, START));
}
END_TEST

/* The next token comes when it should, to the microsecond. */
START_TEST(next_token)
{
	struct bucket b;
	struct rate r = rates[_i];
	int64_t gap = (r.den + r.num - 1) / r.num;

	bucket_init(&b, r.num, r.den, 10, 1, START);
	ck_assert(bucket_take(&b, 1, START));
	ck_assert_int_eq(bucket_ready(&b, 1, START), START + gap);
	ck_assert(!bucket_take(&b, 1, START + gap - 1));
	ck_assert(bucket_take(&b, 1, START + gap));
}
END_TEST

/* One random schedule: sends, polls too early, stalls, pauses, slowings; all that is promised
 * whatever happens. */
struct chaos {
	struct bucket b;
	struct rate rate;
	int64_t burst, most, now, paused_until;
	bool disturbed;
	struct log log;
};

static void chaos_try(struct chaos *c, struct dice *d)
{
	int64_t n = 1 + dice_below(d, c->most);
	int64_t ready = bucket_ready(&c->b, n, c->now);
	struct bucket copy = c->b;

	MUST(ready >= c->now);
	MUST(ready >= c->paused_until);
	if (ready > c->now) {
		MUST(!bucket_take(&copy, n, ready - 1));
		MUST(bucket_take(&copy, n, ready));
	}
	if (dice_one_in(d, 2) && ready - c->now < 24 * 3600 * S)
		c->now = ready;
	bool took = bucket_take(&c->b, n, c->now);
	MUST(took == (ready <= c->now));
	if (took)
		note(&c->log, c->now, n);
}

static void chaos_pause(struct chaos *c, struct dice *d)
{
	int64_t until = c->now + dice_below(d, 5 * S) - S;
	double before = bucket_rate(&c->b);

	bucket_pause(&c->b, until, c->now);
	c->paused_until = until > c->paused_until ? until : c->paused_until;
	MUST(bucket_rate(&c->b) == before);
}

/* Any rate, of which some are above the full one. */
static void chaos_fill_at(struct chaos *c, struct dice *d)
{
	double full = per_second(c->rate), share = (double)(1 + dice_below(d, 1200)) / 1000;
	int64_t num = (int64_t)(full * share * 1e6) + 1;

	bucket_fill_at(&c->b, num, S * S, c->now);
	MUST(bucket_rate(&c->b) <= full * 1.0000001);
	MUST(share > 1 || bucket_rate(&c->b) <= full * share * 1.000001 + 1e-6);
}

static void chaos_step(struct chaos *c, struct dice *d)
{
	int64_t gap = (c->rate.den + c->rate.num - 1) / c->rate.num;

	switch (dice_below(d, 10)) {
	case 0:
		c->now += dice_below(d, 30 * gap); /* a stall */
		break;
	case 1:
	case 2:
	case 3:
		c->now += dice_below(d, gap + 2);
		break;
	case 4:
		if (c->disturbed && dice_one_in(d, 20))
			chaos_pause(c, d);
		else if (c->disturbed && dice_one_in(d, 4))
			chaos_fill_at(c, d);
		break;
	default:
		chaos_try(c, d);
	}
}

START_TEST(promise_whatever_happens)
{
	struct dice d = dice_new("bucket promise");

	for (int round = 0; round < 20; round++) {
		struct chaos c = { .rate = rates[_i], .now = START, .paused_until = INT64_MIN };
		c.burst = 1 + dice_below(&d, dice_one_in(&d, 2) ? 3 : 60);
		c.most = dice_one_in(&d, 2) ? 1 : 1 + dice_below(&d, c.burst);
		c.disturbed = dice_one_in(&d, 2);
		bucket_init(&c.b, c.rate.num, c.rate.den, c.burst, c.most, c.now);
		for (int step = 0; step < 2000; step++)
			chaos_step(&c, &d);
		ck_assert_uint_gt(c.log.count, 20);
		assert_promise(&c.log, c.rate, c.burst);
	}
}
END_TEST

/* Rate and evenness, for sleepers as they are: late, and now and then held up. */
static const struct paced {
	struct rate rate;
	int64_t burst;
	struct sleeper sleeper;
	double least_mean;       /* a second, over 20 s; 0: as it comes */
	size_t most_in_a_second; /* 0: as it comes */
} paced[] = {
	{ { 1, 20000 }, 10, { 0, 0, 0 }, 49.99, 51 },
	{ { 1, 20000 }, 10, { 3000, 0, 0 }, 49.9, 52 },
	{ { 1, 20000 }, 10, { 9900, 0, 0 }, 49.9, 52 },
	{ { 1, 20000 }, 10, { 3000, 100000, 10 * S }, 49.9, 52 },
	{ { 1, 20000 }, 10, { 3000, 5 * S, 6 * S }, 0, 52 },
	{ { 1, 20000 }, 50, { 3000, 3 * S, 4 * S }, 0, 52 },
	{ { 1, 20000 }, 10, { 20000, 0, 0 }, 0, 52 },
	{ { 49, 500000 }, 1, { 0, 0, 0 }, 97.99, 99 },
	{ { 49, 500000 }, 1, { 3000, 0, 0 }, 0, 99 },
	{ { 49, 500000 }, 1, { 100, 300000, S }, 0, 99 },
	{ { 1, 1000 }, 10, { 1000, 0, 0 }, 995, 1010 },
	{ { 1, 1000 }, 10, { 9000, 0, 0 }, 995, 1031 },
	{ { 1, 100000 }, 10, { 3000, 0, 0 }, 9.99, 0 },
};

START_TEST(paced_sends)
{
	static struct log l;
	struct dice d = dice_new("bucket pace");
	const struct paced *p = &paced[_i];

	for (int round = 0; round < 10; round++) {
		struct bucket b;
		int64_t now = START;
		bucket_init(&b, p->rate.num, p->rate.den, p->burst, 1, now);
		l.count = 0;
		int64_t seconds = per_second(p->rate) > 500 ? 4 : 20;
		int64_t sent = send_until(&b, p->sleeper, &d, &now, START + seconds * S, &l);
		ck_assert_msg((double)sent / (double)seconds >= p->least_mean,
		    "only %" PRId64 " sends in %" PRId64 " s", sent, seconds);
		if (p->most_in_a_second > 0)
			ck_assert_uint_le(most_within(&l, S), p->most_in_a_second);
	}
}
END_TEST

/* A stall is caught up, as far as burst allows and not in a volley. */
START_TEST(stall_is_caught_up)
{
	static const struct {
		int64_t stall, lost;
	} rows[] = { { 20000, 0 }, { 100000, 0 }, { 180000, 0 }, { 1000000, 40 } };
	struct dice d = { 0 };
	struct bucket b;
	int64_t now = START;

	bucket_init(&b, 1, 20000, 10, 1, now);
	int64_t sent = send_until(&b, (struct sleeper){ 0, 0, 0 }, &d, &now, START + S, NULL);
	now += rows[_i].stall;
	sent += send_until(&b, (struct sleeper){ 0, 0, 0 }, &d, &now, START + 20 * S, NULL);
	ck_assert_int_ge(sent, 1 + 50 * 20 - rows[_i].lost - 1);
	ck_assert_int_le(sent, 1 + 50 * 20 - rows[_i].lost + 1);
}
END_TEST

/* The remainder is kept: after a thousand million microseconds not one send is missing or too
 * many. */
START_TEST(no_drift)
{
	struct bucket b;
	struct rate r = rates[_i];
	struct dice d = { 0 };
	int64_t now = START, length = per_second(r) > 1000 ? S : 1000 * S;
	bucket_units expected = 1 + (bucket_units)length * r.num / r.den;

	bucket_init(&b, r.num, r.den, 10, 1, now);
	int64_t sent = send_until(&b, (struct sleeper){ 0, 0, 0 }, &d, &now, START + length, NULL);
	ck_assert_int_eq(sent, (int64_t)expected);
}
END_TEST

/* Looking often is the same as looking seldom. */
START_TEST(polling_changes_nothing)
{
	struct dice d = dice_new("bucket polling");
	struct bucket often, seldom;
	struct rate r = { 123456789, 1000 * S }; /* 0.123456789 a us */
	int64_t now = START;

	bucket_init(&often, r.num, r.den, 1000000, 1000000, now);
	bucket_fill_at(&often, 12345678, 1000 * S, now);
	seldom = often;
	for (int i = 0; i < 2000000; i++)
		bucket_ready(&often, 1, now += dice_below(&d, 4));
	bucket_ready(&seldom, 1, now);
	ck_assert(often.sustained.level == seldom.sustained.level);
	ck_assert(often.peak.level == seldom.peak.level);
	ck_assert(often.num == seldom.num);
}
END_TEST

/* The largest and longest of everything: no overflow (the sanitizers look), a full bucket, and no
 * more. */
START_TEST(extremes)
{
	static const int64_t bursts[] = { 1, 10, 1000000 };
	struct rate r = rates[_i];

	for (size_t i = 0; i < sizeof bursts / sizeof *bursts; i++) {
		struct bucket b;
		int64_t n = bursts[i];
		bucket_init(&b, r.num, r.den, n, n, INT64_MIN / 2);
		bucket_pause(&b, INT64_MIN / 2 + 5, INT64_MIN / 2);
		ck_assert_int_ge(bucket_ready(&b, n, INT64_MIN / 2), INT64_MIN / 2);
		ck_assert_int_eq(bucket_ready(&b, n + 1, INT64_MAX / 2), INT64_MAX);
		ck_assert(bucket_take(&b, n, INT64_MAX - 5));
		ck_assert(!bucket_take(&b, n, INT64_MAX - 5));
		ck_assert_int_ge(bucket_ready(&b, n, INT64_MAX - 5), INT64_MAX - 5);
		ck_assert(!bucket_take(&b, n, START)); /* a clock that goes back brings nothing */
		bucket_pause(&b, INT64_MAX, INT64_MAX - 5);
		ck_assert_int_eq(bucket_ready(&b, n, INT64_MAX - 4), INT64_MAX);
	}
}
END_TEST

/* Many at once: the tokens that a batch takes keep the same promise, and come at the same rate. */
START_TEST(many_at_once)
{
	static struct log l;
	struct dice d = dice_new("bucket many at once");
	struct rate r = { 1, 1000 };
	struct bucket b;
	int64_t now = START, tokens = 0;

	bucket_init(&b, r.num, r.den, 1500, 1000, now);
	l.count = 0;
	while (now < START + 100 * S) {
		int64_t n = 1 + dice_below(&d, 1000);
		now = bucket_ready(&b, n, now) + dice_below(&d, 3000);
		MUST(bucket_take(&b, n, now));
		note(&l, now, n);
		tokens += n;
	}
	assert_promise(&l, r, 1500);
	ck_assert_int_ge(tokens, (now - START) / 1000 * 99 / 100);
}
END_TEST

START_TEST(pause)
{
	struct bucket b;
	struct rate r = { 1, 20000 };
	int64_t until = START + 3 * S;

	bucket_init(&b, r.num, r.den, 10, 1, START);
	ck_assert(bucket_take(&b, 1, START));
	bucket_pause(&b, until, START + 1000);
	ck_assert_int_eq(bucket_ready(&b, 1, START + 2000), until);
	ck_assert(!bucket_take(&b, 1, until - 1));
	bucket_pause(&b, until - S, START + 3000); /* never shortened */
	ck_assert_int_eq(bucket_ready(&b, 1, START + 4000), until);
	ck_assert(bucket_take(&b, 1, until));  /* one at once ... */
	ck_assert(!bucket_take(&b, 1, until)); /* ... and one only */
	ck_assert_int_eq(bucket_ready(&b, 1, until), until + 20000);
}
END_TEST

/* A full bucket is no volley after a 429, whether with a pause or without: what it held is
 * forgotten but for one token. */
START_TEST(pause_empties)
{
	struct bucket b;
	int64_t now = START + 10 * S, until = now + _i * S;

	bucket_init(&b, 1, 20000, 10, 10, START);
	bucket_pause(&b, until, now);
	ck_assert(!bucket_take(&b, 2, until));
	ck_assert(bucket_take(&b, 1, until));
	ck_assert(!bucket_take(&b, 1, until));
}
END_TEST

/* More than was said to be asked for at once is never there. */
START_TEST(never_there)
{
	struct bucket b;

	bucket_init(&b, 1, 20000, 100, 10, START);
	ck_assert_int_lt(bucket_ready(&b, 10, START), INT64_MAX);
	ck_assert_int_eq(bucket_ready(&b, 11, START + 100 * S), INT64_MAX);
	ck_assert_int_eq(bucket_ready(&b, 101, START + 100 * S), INT64_MAX);
}
END_TEST

/* A pause shorter than a token takes brings none: else many short pauses would exceed the rate. */
START_TEST(pauses_bring_nothing_extra)
{
	struct bucket b;
	int64_t sent = 0;

	bucket_init(&b, 1, 60 * S, 1, 1, START);
	for (int64_t now = START; now < START + 600 * S; now += S / 10) {
		sent += bucket_take(&b, 1, now);
		bucket_pause(&b, now + dice_below(&(struct dice){ (uint64_t)now }, S / 10), now);
	}
	ck_assert_int_eq(sent, 10);
}
END_TEST

/* While it is slowed down, catching up is slow too. */
START_TEST(slow_means_slow)
{
	static struct log l;
	struct dice d = { 0 };
	struct bucket b;
	int64_t now = START;

	bucket_init(&b, 1, 20000, 10, 1, now);
	bucket_fill_at(&b, 25, S, now);
	now += 400000; /* a stall worth ten tokens */
	l.count = 0;
	send_until(&b, (struct sleeper){ 0, 0, 0 }, &d, &now, now + S, &l);
	ck_assert_uint_le(l.count, 27); /* 1.01 * 25/s, and one, and what the peak meter forgives */
}
END_TEST

/* Set to a rate, tokens come at it to the microsecond; set to the full one, at that. */
START_TEST(filled_at_a_rate)
{
	static const int64_t nums[] = { 100000, 1234567, 33333333, 49999999, 50000000, 99000000 };
	int64_t num = nums[_i] < 50000000 ? nums[_i] : 50000000, now = START;
	struct dice d = { 0 };
	struct bucket b;

	bucket_init(&b, 1, 20000, 10, 1, now);
	ck_assert(bucket_take(&b, 1, now));
	bucket_fill_at(&b, nums[_i], S * S, now);
	ck_assert_double_eq_tol(bucket_rate(&b), (double)num / 1e6, 1e-5);
	int64_t sent = send_until(&b, (struct sleeper){ 0, 0, 0 }, &d, &now, START + 1000 * S,
	    NULL);
	ck_assert_int_ge(sent, num / 1000 - 1);
	ck_assert_int_le(sent, num / 1000);
	bucket_fill_at(&b, 50000000, S * S, now);
	sent = send_until(&b, (struct sleeper){ 0, 0, 0 }, &d, &now, now + 1000 * S, NULL);
	ck_assert_int_ge(sent, 49999);
	ck_assert_int_le(sent, 50001);
}
END_TEST

START_TEST(unlimited)
{
	struct bucket b;

	bucket_init(&b, 0, 0, 10, 1, START);
	ck_assert_int_le(bucket_ready(&b, 1000, START), START);
	for (int i = 0; i < 1000; i++)
		ck_assert(bucket_take(&b, 1000, START));
	bucket_pause(&b, START + S, START);
	ck_assert_int_eq(bucket_ready(&b, 1, START + 5), START + S);
	ck_assert(!bucket_take(&b, 1, START + S - 1));
	ck_assert(bucket_take(&b, 1000, START + S));
}
END_TEST

Suite *bucket_suite(void)
{
	Suite *suite = suite_create("bucket");
	TCase *t = tcase_create("bucket");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, starts_with_one_token, 0, RATES);
	tcase_add_loop_test(t, next_token, 0, RATES);
	tcase_add_loop_test(t, promise_whatever_happens, 0, RATES);
	tcase_add_loop_test(t, paced_sends, 0, (int)(sizeof paced / sizeof *paced));
	tcase_add_loop_test(t, stall_is_caught_up, 0, 4);
	tcase_add_loop_test(t, no_drift, 0, RATES);
	tcase_add_test(t, polling_changes_nothing);
	tcase_add_loop_test(t, extremes, 0, RATES);
	tcase_add_test(t, many_at_once);
	tcase_add_test(t, pause);
	tcase_add_loop_test(t, pause_empties, 0, 2);
	tcase_add_test(t, never_there);
	tcase_add_test(t, pauses_bring_nothing_extra);
	tcase_add_test(t, slow_means_slow);
	tcase_add_loop_test(t, filled_at_a_rate, 0, 6);
	tcase_add_test(t, unlimited);
	suite_add_tcase(suite, t);
	return suite;
}
