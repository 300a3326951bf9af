/*
 * How fast the built program sends, on the sandbox's own clock. Upper bounds are strict: what
 * arrives in a second is bounded by what may leave in it. A machine that is busy delays what has
 * left, and so can bunch it: a bound is therefore tried again, a few times at most, before it
 * counts as broken, and more often where valgrind keeps the machine busy. A program that breaks it
 * breaks it every time.
 */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "scene.h"
#include "unix.h"
#include "base/os.h"

Suite *pace_suite(void);

#define SECOND 1000000
#define TRIES (harness_is_under() ? 8 : 4)

/* -- what was measured -- */

struct measured {
	size_t arrivals;
	unsigned busiest;   /* in any closed second */
	double mean;        /* a second, from the first to the last */
	int64_t middle_gap; /* us; the median, which a stall of the machine hardly moves */
	uint64_t throttled;
};

static int by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static struct measured measure(struct sandbox *s)
{
	struct measured m = { .arrivals = sandbox_arrivals(s),
		.busiest = sandbox_max_in(s, SECOND),
		.throttled = sandbox_counters(s).throttled };
	int64_t *gaps, span = 0;

	ck_assert_uint_gt(m.arrivals, 1);
	gaps = xcalloc(m.arrivals, sizeof *gaps);
	for (size_t i = 1; i < m.arrivals; i++)
		span += gaps[i - 1] = sandbox_arrival(s, i).at_us - sandbox_arrival(s, i - 1).at_us;
	qsort(gaps, m.arrivals - 1, sizeof *gaps, by_size);
	m.middle_gap = gaps[(m.arrivals - 1) / 2];
	m.mean = (double)(m.arrivals - 1) * SECOND / (double)span;
	free(gaps);
	return m;
}

/* -- the rate while there is work -- */

static const struct pace {
	const char *name;
	const char *args[4];
	struct sandbox_config config;
	int people;
	unsigned busiest; /* most arrivals in a closed second */
	int rate;         /* what it should be a second; the median gap says whether it is */
	bool never_throttled;
} paces[] = {
	{ "defaults", { NULL }, { 0 }, 340, 52, 50, false },
	{ "defaults, 60 ms away", { NULL }, { .latency_ms = 60 }, 340, 52, 50, false },
	{ "a third of the requests fails",
	    { "--backoff=100ms", "--backoff-max=100ms", "--retries=50" },
	    { .chaos = { .seed = 7, .unavailable = 14, .reset_before = 10, .error_after = 10 } },
	    220, 60, 50, false },
	{ "98/s without burst under a limit of 100", { "--rate=98", "--burst=1", NULL },
	    { .rate_limit = 100 }, 600, 99, 98, true },
	{ "600 a minute", { "--rate=600/m", "--burst=2", NULL }, { 0 }, 55, 12, 10, false },
	{ "1000/s", { "--rate=1000", "--burst=20", NULL }, { 0 }, 4000, 1020, 1000, false },
};

#define PACES (sizeof paces / sizeof *paces)

/* NULL: all is well. */
static const char *judge(const struct pace *p, const struct measured *m)
{
	if (m->busiest > p->busiest)
		return "too many in a second";
	if (p->never_throttled && m->throttled)
		return "there were 429s";
	/* That it does not idle: half of all gaps are as short as the rate wants, within 5 %. */
	if (!scene_is_instrumented() && m->middle_gap > SECOND / p->rate * 105 / 100)
		return "slower than the rate";
	return NULL;
}

static struct harness_child *start(const struct pace *p, struct scene *s)
{
	const char *args[8] = { "in.csv", "--no-state" };

	memcpy(args + 2, p->args, sizeof p->args);
	*s = scene_open(&p->config);
	scene_write_people(s, "in.csv", p->people);
	return harness_start(s->harness, args);
}

static bool is_right(const struct pace *p, struct scene *s, struct harness_child *child)
{
	harness_assert_status(harness_finish(child), 0);
	struct measured m = measure(s->sandbox);
	const char *broken = judge(p, &m);

	printf("%s: %zu arrivals, %.1f/s, at most %u in a second, median gap %.2f ms%s%s\n",
	    p->name, m.arrivals, m.mean, m.busiest, (double)m.middle_gap / 1000, broken ? ": " : "",
	    broken ? broken : "");
	fflush(stdout);
	ck_assert_uint_eq(scene_people_there(s), (unsigned)p->people);
	scene_close(s);
	return !broken;
}

/* All side by side, for most of the time goes by in waiting; then those again that were not
 * right. */
START_TEST(the_rate_is_kept)
{
	struct scene scenes[PACES];
	struct harness_child *children[PACES];
	bool right[PACES] = { false };
	size_t left = PACES;

	for (int try = 0; left && try < TRIES; try++) {
		for (size_t i = 0; i < PACES; i++)
			if (!right[i])
				children[i] = start(&paces[i], &scenes[i]);
		for (size_t i = 0; i < PACES; i++)
			if (!right[i])
				left -= right[i] = is_right(&paces[i], &scenes[i], children[i]);
	}
	for (size_t i = 0; i < PACES; i++)
		ck_assert_msg(right[i], "%s: not right in %d tries", paces[i].name, TRIES);
}
END_TEST

/* -- stalls -- */

/* A process that was stopped catches up as far as --burst allows, and no further. */
START_TEST(a_stall_is_no_licence)
{
	unsigned busiest = UINT32_MAX;

	for (int try = 0; busiest > 60 && try < TRIES; try++) {
		struct scene s = scene_open(NULL);
		scene_write_people(&s, "in.csv", 150);
		struct harness_child *child = HARNESS_START(s.harness, "in.csv");
		ck_assert(sandbox_wait(s.sandbox, 60, SOON));
		harness_signal(child, SIGSTOP);
		unix_nap(700000);
		harness_signal(child, SIGCONT);
		harness_assert_status(harness_finish(child), 0);
		busiest = sandbox_max_in(s.sandbox, SECOND);
		printf("stopped for 0.7 s: at most %u in a second\n", busiest);
		scene_close(&s);
	}
	ck_assert_uint_le(busiest, 60);
}
END_TEST

/* -- every attempt takes a token, and waiting costs nothing -- */

/* The check, six records and four retries at four a second: 2.5 s. Under valgrind the first use of
 * anything is late by a tenth of a second, and what comes next is that much closer: it is one a
 * second there, and an attempt without a token still stands out. */
START_TEST(every_attempt_takes_a_token)
{
	const char *rate = harness_is_under() ? "--rate=1" : "--rate=4";
	int64_t shortest = 0, least = harness_is_under() ? 700000 : 240000;

	for (int try = 0; shortest < least && try < TRIES; try++) {
		struct scene s = scene_open(NULL);
		sandbox_add_rule(s.sandbox,
		    &(struct sandbox_rule){ .path = "region",
		        .fault = { .act = SANDBOX_STATUS, .status = 503 } });
		sandbox_add_rule(s.sandbox,
		    &(struct sandbox_rule){ .method = "PUT",
		        .passes = 1,
		        .times = 3,
		        .fault = { .act = SANDBOX_STATUS, .status = 500 } });
		scene_write_people(&s, "in.csv", 6);
		const struct harness_run *run = HARNESS_RUN(s.harness, "in.csv", rate, "--burst=1",
		    "--backoff=1ms", "--summary=summary.json");
		harness_assert_status(run, 0);
		size_t n = sandbox_arrivals(s.sandbox);
		ck_assert_uint_eq(n, 11);
		ck_assert_int_eq(scene_summary(&s, "requests"), 11);
		ck_assert_int_eq(scene_summary(&s, "retries"), 4);
		if (!scene_is_instrumented())
			ck_assert_msg(run->cpu_seconds < 0.5,
			    "%.2f s of processor time in %.2f s: it spins", run->cpu_seconds,
			    run->seconds);
		shortest = INT64_MAX;
		for (size_t i = 1; i < n; i++) {
			int64_t gap = sandbox_arrival(s.sandbox, i).at_us -
			    sandbox_arrival(s.sandbox, i - 1).at_us;
			shortest = gap < shortest ? gap : shortest;
		}
		scene_close(&s);
	}
	ck_assert_msg(shortest >= least, "two attempts left %.3f s apart",
	    (double)shortest / SECOND);
}
END_TEST

/* -- 429 -- */

#define THROTTLED_AT 21 /* the arrival that gets the 429: 0.4 s after the start */

static const struct pause {
	const char *name, *arg;
	bool date;
	int people;
	int64_t pause_us; /* at least */
	bool slowed, held;
} pauses[] = {
	{ "Retry-After: 1", "--burst=10", false, 140, 1000000, true, true },
	{ "Retry-After as a date, 2 to 3 s ahead", "--burst=10", true, 60, 1000000, true, false },
	{ "--no-adapt", "--no-adapt", false, 80, 1000000, false, false },
	{ "no Retry-After: the backoff", "--backoff=1500ms", false, 60, 1500000, true, false },
};

#define PAUSES (sizeof pauses / sizeof *pauses)

static struct harness_child *start_pause(const struct pause *p, struct scene *s, int64_t *until)
{
	char header[64] = "Retry-After: 1";
	time_t then = (time_t)(clock_wall() / SECOND) + 3;
	struct tm tm;

	*s = scene_open(NULL);
	scene_write_people(s, "in.csv", p->people);
	*until = 0;
	if (p->date) {
		strftime(header, sizeof header, "Retry-After: %a, %d %b %Y %H:%M:%S GMT",
		    gmtime_r(&then, &tm));
		*until = (int64_t)then * SECOND - clock_wall() + clock_now();
	}
	sandbox_add_rule(s->sandbox,
	    &(struct sandbox_rule){ .nth = THROTTLED_AT,
	        .fault = { .act = SANDBOX_STATUS,
	            .status = 429,
	            .headers = strstr(p->arg, "backoff") ? NULL : header } });
	return HARNESS_START(s->harness, "in.csv", "--jitter=0", "--retries=0",
	    "--summary=summary.json", p->arg);
}

/* The median gap between the arrivals from `from` to `to`, us after `start`. */
static int64_t gap_within(struct sandbox *s, int64_t start, int64_t from, int64_t to)
{
	int64_t gaps[200], last = 0;
	size_t n = 0;

	for (size_t i = 0; i < sandbox_arrivals(s) && n < 200; i++) {
		int64_t at = sandbox_arrival(s, i).at_us - start;
		if (at >= from && at <= to && last)
			gaps[n++] = at - last;
		last = at >= from ? at : 0;
	}
	if (n == 0)
		return INT64_MAX;
	qsort(gaps, n, sizeof *gaps, by_size);
	return gaps[n / 2];
}

static bool pause_is_right(const struct pause *p, struct scene *s, struct harness_child *child,
    int64_t until)
{
	const struct harness_run *run = harness_finish(child);
	int64_t answered = sandbox_arrival(s->sandbox, THROTTLED_AT - 1).answered_us, again = 0,
	        late = 0;

	harness_assert_status(run, 0); /* with --retries=0: a 429 costs none */
	ck_assert_int_eq(scene_summary(s, "rate_limited"), 1);
	ck_assert_uint_eq(scene_people_there(s), (unsigned)p->people);
	if (!scene_is_instrumented())
		ck_assert_msg(run->cpu_seconds < 0.5, "%.2f s of processor time in %.2f s",
		    run->cpu_seconds, run->seconds);
	if (until < answered + p->pause_us)
		until = answered + p->pause_us;
	for (size_t i = THROTTLED_AT; i < sandbox_arrivals(s->sandbox) && !again; i++) {
		int64_t at = sandbox_arrival(s->sandbox, i).at_us;
		if (at >= until)
			again = at;
		else
			late = at; /* it had left before the answer was read */
	}
	int64_t first = gap_within(s->sandbox, again, 0, SECOND),
	        fifth = gap_within(s->sandbox, again, 4 * SECOND, 5 * SECOND);
	printf("%s: sent on %.2f s after the 429; median gap then %.1f ms, four seconds later %.1f "
	       "ms\n",
	    p->name, (double)(again - answered) / SECOND, (double)first / 1000,
	    p->held ? (double)fifth / 1000 : 0);
	fflush(stdout);
	ck_assert_msg(!late || late < answered + 500000, "%s: something left during the pause",
	    p->name);
	return (p->slowed ? first > 30000 : first < 25000) &&
	    (!p->held || (fifth > first * 85 / 100 && fifth < first * 115 / 100));
}

START_TEST(a_429_pauses_and_slows_the_run)
{
	struct scene scenes[PAUSES];
	struct harness_child *children[PAUSES];
	int64_t until[PAUSES];
	bool right[PAUSES] = { false };
	size_t left = PAUSES;

	for (int try = 0; left && try < TRIES; try++) {
		for (size_t i = 0; i < PAUSES; i++)
			if (!right[i])
				children[i] = start_pause(&pauses[i], &scenes[i], &until[i]);
		for (size_t i = 0; i < PAUSES; i++) {
			if (right[i])
				continue;
			left -= right[i] = pause_is_right(&pauses[i], &scenes[i], children[i],
			    until[i]);
			scene_close(&scenes[i]);
		}
	}
	for (size_t i = 0; i < PAUSES; i++)
		ck_assert_msg(right[i], "%s: not right in %d tries", pauses[i].name, TRIES);
}
END_TEST

/* -- a limit below the rate -- */

static const struct lower_limit {
	const char *name;
	struct sandbox_config config;
	const char *batch; /* or single requests */
	double most;       /* that can be learnt, a second */
} lower_limits[] = {
	{ "sliding second", { .limit = { .count = 40 } }, "--action=identify", 40 },
	{ "fixed second, with Retry-After",
	    { .limit = { .kind = SANDBOX_LIMIT_FIXED, .count = 40 }, .retry_after_s = 1 },
	    "--action=identify", 80 },
	{ "the same, refused ones count", { .limit = { .count = 40, .refused_count = true } },
	    "--action=identify", 40 },
	{ "two seconds, 60 ms away",
	    { .limit = { .count = 80, .window_us = 2000000 }, .latency_ms = 60 },
	    "--action=identify", 80 },
	{ "in batches", { .limit = { .count = 40 } }, "--batch=1", 40 },
};

#define LOWER_LIMITS (sizeof lower_limits / sizeof *lower_limits)

/* All arrive, few are refused, and what was learnt is what there is. How few, and how fast it goes,
 * is exact in virtual time alone: the limits suite says it. */
START_TEST(a_lower_limit_is_found)
{
	struct scene scenes[LOWER_LIMITS];
	struct harness_child *children[LOWER_LIMITS];

	for (size_t i = 0; i < LOWER_LIMITS; i++) {
		scenes[i] = scene_open(&lower_limits[i].config);
		scene_write_people(&scenes[i], "in.csv", 240);
		children[i] = HARNESS_START(scenes[i].harness, "in.csv", "--rate=80", "--retries=0",
		    "--summary=summary.json", lower_limits[i].batch);
	}
	for (size_t i = 0; i < LOWER_LIMITS; i++) {
		struct scene *s = &scenes[i];
		const struct harness_run *run = harness_finish(children[i]);
		harness_assert_status(run, 0);
		int64_t refused = scene_summary(s, "rate_limited");
		double learned = scene_summary_number(s, "learned_rate");
		printf("%s: learnt %.1f/s, %d refused, %.1f s\n", lower_limits[i].name, learned,
		    (int)refused, run->seconds);
		ck_assert_uint_eq(scene_people_there(s), 240);
		ck_assert_int_ge(refused, 1);
		ck_assert_int_le(refused, 80);
		ck_assert_double_gt(learned, 0);
		ck_assert_double_le(learned, lower_limits[i].most);
		harness_assert_err_has(run, "rate limited (429): pausing for ");
		harness_assert_err_has(run, "/s of 80/s");
		scene_close(s);
	}
}
END_TEST

/* -- memory and back-pressure -- */

static void write_rows(struct scene *s, const char *name, int rows)
{
	struct buf b = { .max = BUF_UNBOUNDED };

	buf_str(&b, "id,email,first_name,plan,created_at\n");
	for (int i = 0; i < rows; i++)
		buf_fmt(&b, "user-%d,user-%d@example.com,Alexandra,premium,1700000000\n", i, i);
	harness_write(s->harness, name, b.data, b.len);
	buf_free(&b);
}

static const struct load {
	const char *arg;
	int rows;
	long most_kib;
} loads[] = {
	{ "--burst=10", 60000, 16 * 1024 },
	{ "--batch", 300000, 32 * 1024 },
};

START_TEST(memory_does_not_grow_with_the_input)
{
	const struct load *l = &loads[_i];
	struct scene s = scene_open(&(struct sandbox_config){ .sink = true });

	write_rows(&s, "in.csv", scene_is_instrumented() ? l->rows / 20 : l->rows);
	const struct harness_run *run = HARNESS_RUN(s.harness, "in.csv", "--rate=unlimited",
	    l->arg);
	harness_assert_status(run, 0);
	printf("%s: %ld KiB resident after %d rows in %.1f s\n", l->arg, run->max_rss_kib, l->rows,
	    run->seconds);
	if (!scene_is_instrumented())
		ck_assert_msg(run->max_rss_kib < l->most_kib, "%ld KiB resident", run->max_rss_kib);
	scene_close(&s);
}
END_TEST

/* A pipe's producer is held back by the rate: it gets rid of the pipe's own room and of a bounded
 * read-ahead. */
START_TEST(a_producer_is_held_back)
{
	struct scene s = scene_open(NULL);
	char row[101];
	int ends[2], rows = 0;
	size_t taken = 0;

	ck_assert_int_eq(os_pipe(ends, true), 0);
	ck_assert_int_eq(write(ends[1], "id,text\n", 8), 8);
	ck_assert_int_eq(fcntl(ends[0], F_SETFL, 0), 0);
	harness_stdin_fd(s.harness, ends[0]);
	struct harness_child *child = HARNESS_START(s.harness, "--rate=5", "--format=csv");
	close(ends[0]);
	ck_assert(sandbox_wait(s.sandbox, 1, SOON));
	for (int64_t until = clock_now() + SECOND * 3 / 2; clock_now() < until; unix_nap(1000)) {
		do
			snprintf(row, sizeof row, "p%d,%080d\n", rows++, 0);
		while (write(ends[1], row, strlen(row)) > 0 && (taken += strlen(row)));
	}
	ck_assert_int_eq(harness_peek(child)->status, -1);
	printf("%zu bytes taken in 1.5 s at 5/s\n", taken);
	ck_assert_uint_lt(taken, 200000);
	ck_assert(sandbox_wait(s.sandbox, 2, SOON));
	harness_signal(child, SIGINT);
	harness_assert_status(harness_finish(child), 130);
	close(ends[1]);
	scene_close(&s);
}
END_TEST

Suite *pace_suite(void)
{
	Suite *s = suite_create("pace");
	TCase *t = tcase_create("pace");

	tcase_set_timeout(t, 120);
	tcase_add_test(t, the_rate_is_kept);
	tcase_add_test(t, a_stall_is_no_licence);
	tcase_add_test(t, every_attempt_takes_a_token);
	tcase_add_test(t, a_429_pauses_and_slows_the_run);
	tcase_add_test(t, a_lower_limit_is_found);
	tcase_add_loop_test(t, memory_does_not_grow_with_the_input, 0,
	    sizeof loads / sizeof *loads);
	tcase_add_test(t, a_producer_is_held_back);
	suite_add_tcase(s, t);
	return s;
}
