/*
 * How many are in flight, against lines and servers in virtual time: how much of what there is is
 * used, and how little is in flight for it. No socket, no sleep: what is asserted is exact.
 */
#include "send/flight.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/buf.h"

#define COUNT(a) (int)(sizeof(a) / sizeof *(a))
#define SECOND 1000000
#define STEP 500 /* us */
#define MOST 200
#define BATCH 490000
#define TIMEOUT (10 * SECOND)

Suite *flight_suite(void);

/* -- the world -- */

struct world {
	double line;       /* bytes a second for all together; 0: no limit */
	double connection; /* bytes a second for each; 0: no limit */
	bool gulps; /* somebody in between takes all at once, and has the slow line behind it */
	int64_t latency_us;
	unsigned servers; /* requests that are served at once; 0: all */
	int64_t service_us;
	size_t size; /* of a request */
};

enum stage { IDLE, ON_LINE, QUEUED, SERVED, COMING };

struct one {
	enum stage stage;
	int64_t started, moved, due;
	double left, shown; /* bytes to go; bytes that are seen to have been taken */
};

struct sim {
	struct world w;
	struct flight_config c;
	struct flight f;
	struct one all[MOST];
	int64_t now;
	double tokens, taken;
	size_t answered, lost;
	double flying; /* sum over time of those in flight */
	unsigned most;
};

static void start_some(struct sim *s)
{
	for (size_t i = 0; i < MOST && flight_room(&s->f) > 0; i++) {
		if (s->all[i].stage != IDLE || (s->c.pace > 0 && s->tokens < 1) ||
		    s->now < flight_ready_at(&s->f))
			continue;
		s->tokens -= s->c.pace > 0;
		s->all[i] = (struct one){ .stage = ON_LINE,
			.started = s->now,
			.moved = s->now,
			.left = (double)s->w.size };
		flight_started(&s->f, s->now);
	}
}

static void move_bytes(struct sim *s)
{
	unsigned n = 0;

	for (size_t i = 0; i < MOST; i++)
		n += s->all[i].stage == ON_LINE;
	for (size_t i = 0; i < MOST; i++) {
		struct one *o = &s->all[i];
		if (o->stage != ON_LINE)
			continue;
		double share = s->w.line > 0 ? s->w.line * STEP / SECOND / n : o->left;
		if (s->w.connection > 0 && share > s->w.connection * STEP / SECOND)
			share = s->w.connection * STEP / SECOND;
		if (share > o->left)
			share = o->left;
		o->left -= share;
		if (s->w.gulps ? o->shown == 0 : share > 0)
			o->moved = s->now;
		s->taken += s->w.gulps && o->shown == 0 ? (double)s->w.size :
		    s->w.gulps                          ? 0 :
		                                          share;
		o->shown = s->w.gulps ? (double)s->w.size : (double)s->w.size - o->left;
		if (o->left <= 0)
			o->stage = QUEUED;
	}
}

/* Whoever waits for a server, the longest first; NULL: nobody. */
static struct one *next_queued(struct sim *s)
{
	struct one *next = NULL;

	for (struct one *o = s->all; o < s->all + MOST; o++)
		if (o->stage == QUEUED && (!next || o->moved < next->moved))
			next = o;
	return next;
}

static void serve(struct sim *s)
{
	unsigned busy = 0;
	struct one *next;

	for (struct one *o = s->all; o < s->all + MOST; o++) {
		if (o->stage == SERVED && o->due <= s->now) {
			o->stage = COMING;
			o->due += s->w.latency_us;
		}
		busy += o->stage == SERVED;
	}
	for (; (next = next_queued(s)) && (!s->w.servers || busy < s->w.servers); busy++) {
		next->stage = SERVED;
		next->due = s->now + s->w.service_us;
	}
}

static void hear(struct sim *s)
{
	double waiting = 0;

	for (size_t i = 0; i < MOST; i++) {
		struct one *o = &s->all[i];
		if (o->stage == COMING && o->due <= s->now) {
			o->stage = IDLE;
			s->answered++;
			flight_answered(&s->f, o->started, s->w.size, s->now);
		} else if (o->stage != IDLE && s->now - o->moved > s->c.timeout_us) {
			o->stage = IDLE;
			s->lost++;
			flight_failed(&s->f, s->now);
		}
		if (o->stage == ON_LINE)
			waiting += (double)s->w.size - o->shown;
	}
	if (s->c.bulky && s->now - s->f.looked_at >= 5000) {
		flight_moved(&s->f, (uint64_t)s->taken, (uint64_t)waiting, s->now);
		s->taken = 0;
	}
}

static void begin(struct sim *s, const struct world *w, const struct flight_config *c)
{
	memset(s, 0, sizeof *s);
	s->w = *w;
	s->c = *c;
	s->c.timeout_us = TIMEOUT;
	flight_init(&s->f, &s->c, 0);
}

/* Runs on, and counts anew what is answered. */
static void go_on(struct sim *s, double seconds)
{
	int64_t until = s->now + (int64_t)(seconds * SECOND);

	s->answered = s->lost = 0;
	s->flying = 0;
	s->most = 0;
	for (; s->now < until; s->now += STEP) {
		s->tokens += s->c.pace * STEP / SECOND;
		if (s->tokens > 10)
			s->tokens = 10;
		start_some(s);
		move_bytes(s);
		serve(s);
		hear(s);
		s->flying += s->f.in_flight * (double)STEP / SECOND / seconds;
		s->most = s->f.in_flight > s->most ? s->f.in_flight : s->most;
	}
}

/* -- a pace, and answers that take their time -- */

static const struct {
	double pace;
	int64_t latency_us;
	unsigned most; /* that may ever be in flight */
} paced[] = {
	{ 98, 5000, 10 },
	{ 98, 60000, 20 },
	{ 98, 150000, 30 },
	{ 98, 400000, 70 },
	{ 300, 60000, 40 },
	{ 1000, 90000, 100 },
	{ 50, 1900000, 100 },
	{ 0.1, 150000, 10 },
};

START_TEST(a_pace_is_carried)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	const struct world w = { .latency_us = paced[_i].latency_us, .size = 200 };
	const struct flight_config c = { .most = 100, .pace = paced[_i].pace };
	struct sim *s = xmalloc(sizeof *s);

	begin(s, &w, &c);
	go_on(s, 60);
	double share = (double)s->answered / (60 * c.pace);
	printf("%g/s, %g ms: %.3f of it, at most %u in flight\n", c.pace,
	    (double)w.latency_us / 1000, share, s->most);
	ck_assert_msg(share > 0.98 - ((double)w.latency_us / SECOND * 5 + 1 / c.pace) / 60, "%f",
	    share);
	ck_assert_uint_le(s->most, paced[_i].most);
	ck_assert_uint_eq(s->lost, 0);
	free(s);
}
END_TEST

/* A server that is slower than the pace, and does not say so: what is in flight is still answered
 * in time. */
START_TEST(a_slow_server_is_not_buried)
{
	const struct world w = { .servers = 1, .service_us = 200000, .size = 200 };
	const struct flight_config c = { .most = 100, .pace = 50 };
	struct sim *s = xmalloc(sizeof *s);

	begin(s, &w, &c);
	go_on(s, 120);
	ck_assert_uint_ge(s->answered, 580);
	ck_assert_uint_eq(s->lost, 0);
	ck_assert_uint_le(s->most, 40);
	free(s);
}
END_TEST

/* Latency that rises in mid-run. */
START_TEST(the_latency_rises)
{
	const struct world w = { .latency_us = 5000, .size = 200 };
	const struct flight_config c = { .most = 100, .pace = 98 };
	struct sim *s = xmalloc(sizeof *s);

	begin(s, &w, &c);
	go_on(s, 10);
	s->w.latency_us = 400000;
	go_on(s, 5);
	go_on(s, 30);
	ck_assert_uint_ge(s->answered, 30 * 98 * 98 / 100);
	s->w.latency_us = 5000;
	go_on(s, 5);
	go_on(s, 30);
	ck_assert_uint_le(s->most, 11);
	free(s);
}
END_TEST

/* -- batches over a line -- */

static const struct line_row {
	double line, connection;
	int64_t latency_us;
	double share; /* of the line, once it is known */
	double mean;  /* of those in flight */
} lines[] = {
	{ 75000, 0, 5000, 0.98, 2.1 }, /* 0.6 Mbit/s */
	{ 75000, 0, 400000, 0.92, 2.1 },
	{ 250000, 0, 5000, 0.98, 2.6 }, /* 2 Mbit/s */
	{ 250000, 0, 40000, 0.97, 2.6 },
	{ 250000, 0, 400000, 0.92, 2.6 },
	{ 1.25e6, 0, 40000, 0.93, 4 },
	{ 1.25e6, 0, 400000, 0.93, 6 },
	{ 12.5e6, 0, 40000, 0.9, 8 },
	{ 12.5e6, 0, 150000, 0.9, 13 },
	{ 20e6, 1e6, 40000, 0.9, 34 }, /* each connection is slow by itself */
	{ 0, 2e6, 150000, 0, 101 },
};

static void print_line(const struct sim *s, double seconds)
{
	printf("%g kB/s (%g a connection), %g ms: %.3f of it, %.2f in flight, at most %u, lost "
	       "%zu, limit %u\n",
	    s->w.line / 1000, s->w.connection / 1000, (double)s->w.latency_us / 1000,
	    s->w.line > 0 ? (double)s->answered * (double)s->w.size / seconds / s->w.line :
	                    (double)s->answered,
	    s->flying, s->most, s->lost, s->f.limit);
}

START_TEST(a_line_is_kept_busy)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	const struct line_row *row = &lines[_i];
	const struct world w = { .line = row->line,
		.connection = row->connection,
		.latency_us = row->latency_us,
		.size = BATCH };
	const struct flight_config c = { .most = 100, .bulky = true };
	struct sim *s = xmalloc(sizeof *s);

	begin(s, &w, &c);
	go_on(s, 40);
	print_line(s, 40);
	go_on(s, 300);
	print_line(s, 300);
	if (row->line > 0)
		ck_assert((double)s->answered * BATCH / 300 / row->line >= row->share);
	ck_assert(s->flying <= row->mean);
	ck_assert_uint_eq(s->lost, 0);
	free(s);
}
END_TEST

/* Somebody between takes all there is at once: nothing is seen to move, and nothing comes too
 * late. */
START_TEST(a_gulping_proxy_is_not_flooded)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	static const double speeds[] = { 75000, 150000, 250000, 1e6 };
	const struct world w = { .line = speeds[_i],
		.gulps = true,
		.latency_us = 40000,
		.size = BATCH };
	const struct flight_config c = { .most = 100, .bulky = true };
	struct sim *s = xmalloc(sizeof *s);

	begin(s, &w, &c);
	go_on(s, 300);
	print_line(s, 300);
	ck_assert_uint_eq(s->lost, 0);
	ck_assert((double)s->answered * BATCH / 300 / w.line >= 0.9);
	free(s);
}
END_TEST

/* The line becomes slow, and fast again. */
START_TEST(the_line_changes)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	static const double speeds[] = { 10e6, 75000, 10e6, 250000, 1e6 };
	const struct world w = { .line = speeds[0], .latency_us = 40000, .size = BATCH };
	const struct flight_config c = { .most = 100, .bulky = true };
	struct sim *s = xmalloc(sizeof *s);

	begin(s, &w, &c);
	for (size_t i = 0; i < sizeof speeds / sizeof *speeds; i++) {
		s->w.line = speeds[i];
		go_on(s, 90);
		print_line(s, 90);
		ck_assert_uint_eq(s->lost, 0);
		go_on(s, 200);
		print_line(s, 200);
		ck_assert((double)s->answered * BATCH / 200 / speeds[i] >= 0.9);
		ck_assert_uint_eq(s->lost, 0);
		if (speeds[i] < 1e6)
			ck_assert(s->flying < 3.2);
	}
	free(s);
}
END_TEST

/* -- servers -- */

static const struct {
	unsigned servers;
	int64_t service_us;
	double share, mean;
} servers[] = {
	{ 1, 100000, 0.95, 3 },
	{ 2, 100000, 0.95, 5 },
	{ 8, 400000, 0.93, 13 },
	{ 16, 200000, 0.93, 24 },
};

START_TEST(a_server_is_kept_busy)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	const struct world w = { .line = 200e6,
		.latency_us = 20000,
		.servers = servers[_i].servers,
		.service_us = servers[_i].service_us,
		.size = BATCH };
	const struct flight_config c = { .most = 100, .bulky = true };
	struct sim *s = xmalloc(sizeof *s);

	begin(s, &w, &c);
	go_on(s, 30);
	go_on(s, 200);
	double made = (double)s->answered / 200 * (double)w.service_us / SECOND / w.servers;
	printf("%u at once, %g ms: %.3f of it, %.2f in flight, at most %u\n", w.servers,
	    (double)w.service_us / 1000, made, s->flying, s->most);
	ck_assert(made >= servers[_i].share);
	ck_assert(s->flying <= servers[_i].mean);
	ck_assert_uint_eq(s->lost, 0);
	free(s);
}
END_TEST

/* Where batches are answered at once it is the input that is slow: what little is to be had from
 * more in flight cannot be measured, and is not waited for. */
START_TEST(a_brisk_server_does_not_wait)
{
	const struct flight_config c = { .most = _i ? 2 : 100, .bulky = true };
	struct flight f;
	int64_t now = 0;

	flight_init(&f, &c, now);
	ck_assert_uint_eq(flight_room(&f), 1);
	flight_started(&f, now);
	ck_assert_uint_eq(flight_room(&f), 0);
	flight_answered(&f, now, BATCH, now + 3000);
	for (now = 3000; flight_room(&f) > 0; now += 10) {
		ck_assert_int_le(flight_ready_at(&f), now);
		flight_started(&f, now);
	}
	ck_assert_uint_eq(f.in_flight, (_i ? 2u : 4u));
}
END_TEST

/* -- single requests without a pace -- */

static const struct {
	int64_t latency_us;
	unsigned servers;
	int64_t service_us;
	double least, mean; /* a second; in flight */
} free_rows[] = {
	{ 0, 1, 1000, 950, 20 }, /* a server that can do no more */
	{ 5000, 1, 1000, 950, 20 },
	{ 20000, 0, 0, 4000, 101 },
	{ 150000, 0, 0, 550, 101 },
	{ 400000, 0, 0, 200, 101 },
};

START_TEST(without_a_pace_it_is_fast)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	const struct world w = { .latency_us = free_rows[_i].latency_us,
		.servers = free_rows[_i].servers,
		.service_us = free_rows[_i].service_us,
		.size = 200 };
	const struct flight_config c = { .most = 100 };
	struct sim *s = xmalloc(sizeof *s);

	begin(s, &w, &c);
	go_on(s, 10);
	go_on(s, 60);
	printf("%g ms, %u servers: %.0f/s, %.1f in flight, at most %u\n",
	    (double)w.latency_us / 1000, w.servers, (double)s->answered / 60, s->flying, s->most);
	ck_assert((double)s->answered / 60 >= free_rows[_i].least);
	ck_assert(s->flying <= free_rows[_i].mean);
	free(s);
}
END_TEST

/* -- a number that was given -- */

START_TEST(a_given_number_stands)
{
	const struct world w = { .latency_us = 150000, .size = 200 };
	const struct flight_config c = { .most = 3, .fixed = 3, .pace = 98 };
	struct sim *s = xmalloc(sizeof *s);

	begin(s, &w, &c);
	ck_assert_uint_eq(flight_wanted(&s->f), 0);
	go_on(s, 30);
	ck_assert_uint_eq(s->most, 3);
	unsigned wanted = flight_wanted(&s->f);
	ck_assert_msg(wanted >= 15 && wanted <= 18, "%u", wanted);
	s->w.latency_us = 5000;
	go_on(s, 30);
	ck_assert_uint_eq(flight_wanted(&s->f), 0);
	free(s);
}
END_TEST

/* What a given number carries needs no word. */
START_TEST(a_given_number_that_is_enough)
{
	const struct world w = { .latency_us = 150000, .size = 200 };
	const struct flight_config c = { .most = 20, .fixed = 20, .pace = 98 };
	struct sim *s = xmalloc(sizeof *s);

	begin(s, &w, &c);
	for (int i = 0; i < 30; i++) {
		go_on(s, 1);
		ck_assert_uint_eq(flight_wanted(&s->f), 0);
	}
	free(s);
}
END_TEST

Suite *flight_suite(void)
{
	Suite *s = suite_create("flight");
	TCase *t = tcase_create("flight");

	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, a_pace_is_carried, 0, COUNT(paced));
	tcase_add_test(t, a_slow_server_is_not_buried);
	tcase_add_test(t, the_latency_rises);
	tcase_add_loop_test(t, a_line_is_kept_busy, 0, COUNT(lines));
	tcase_add_loop_test(t, a_gulping_proxy_is_not_flooded, 0, 4);
	tcase_add_test(t, the_line_changes);
	tcase_add_loop_test(t, a_server_is_kept_busy, 0, COUNT(servers));
	tcase_add_loop_test(t, a_brisk_server_does_not_wait, 0, 2);
	tcase_add_loop_test(t, without_a_pace_it_is_fast, 0, COUNT(free_rows));
	tcase_add_test(t, a_given_number_stands);
	tcase_add_test(t, a_given_number_that_is_enough);
	suite_add_tcase(s, t);
	return s;
}
