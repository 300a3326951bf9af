/* When the gate closes, whom it lets through, and when it opens again. */
#include "send/gate.h"

#include <check.h>

#define S INT64_C(1000000)

Suite *gate_suite(void);

/*
 * What happened, a letter each: F a new record fails, f the same one again, U an answer below 500,
 * P a probe leaves, K the credentials check fails too. What is to be seen after it: closed or open.
 */
static const struct {
	const char *events;
	bool closed;
} stories[] = {
	{ "", false },
	{ "FFFFFFFFF", false },
	{ "FFFFFFFFFF", true },
	{ "FFFFFFFFFFFFF", true },
	{ "FFFFFFFFFffffffff", false }, /* nine records, however often */
	{ "FFFFFFFFFfffffffffF", true },
	{ "Ffffffffffffffffff", false },
	{ "FFFFFFFFFUF", false }, /* not in a row */
	{ "FFFFFFFFFUFFFFFFFFF", false },
	{ "FFFFFFFFFUFFFFFFFFFF", true },
	{ "UFFFFFFFFFF", true },
	{ "FFFFFFFFFFU", false },
	{ "FFFFFFFFFFPf", true },
	{ "FFFFFFFFFFPfPfPfPf", true },
	{ "FFFFFFFFFFPfPU", false },
	{ "FFFFFFFFFFPFFF", true },
	{ "FFFFFFFFFFUFFFFFFFFF", false },
	{ "FFFFFFFFFFUFFFFFFFFFF", true },
	{ "FFffK", true },
	{ "K", true },
	{ "KPf", true },
	{ "FKPU", false },
	{ "KUFFFFFFFFF", false },
};

static void tell(struct gate *g, char event, int64_t now)
{
	bool was_closed = g->closed, changed = false;

	switch (event) {
	case 'F':
	case 'f':
		changed = gate_down(g, event == 'F', S, now);
		ck_assert_int_eq(changed, !was_closed && g->closed);
		break;
	case 'U':
		changed = gate_up(g);
		ck_assert_int_eq(changed, was_closed);
		ck_assert(!g->closed);
		break;
	case 'P':
		gate_probe(g);
		break;
	default:
		gate_close(g, S, now);
	}
}

START_TEST(story)
{
	struct gate g;
	int64_t now = 50 * S;

	gate_init(&g);
	for (const char *e = stories[_i].events; *e; e++)
		tell(&g, *e, now += S);
	ck_assert_int_eq(g.closed, stories[_i].closed);
	if (!g.closed)
		ck_assert_int_eq(gate_ready(&g, now), now);
}
END_TEST

static void close_it(struct gate *g, int64_t since, int64_t now)
{
	gate_init(g);
	for (int i = 0; i < GATE_STREAK - 1; i++)
		ck_assert(!gate_down(g, true, S, since));
	ck_assert(gate_down(g, true, S, now));
}

/* One probe at a time, each after its wait. */
START_TEST(probes)
{
	struct gate g;
	int64_t now = 100 * S;

	close_it(&g, now, now);
	for (unsigned n = 0; n < 5; n++) {
		ck_assert_uint_eq(g.probes, n);
		ck_assert_int_eq(gate_ready(&g, now), now + (S << n));
		now += S << n;
		gate_probe(&g);
		ck_assert_int_eq(gate_ready(&g, now), INT64_MAX);
		ck_assert(!gate_down(&g, true, S << (n + 1), now));
	}
	gate_probe(&g);
	ck_assert(gate_up(&g));
	ck_assert_int_eq(gate_ready(&g, now), now);
	ck_assert_uint_eq(g.probes, 0);
	close_it(&g, now, now);
	ck_assert_int_eq(gate_ready(&g, now), now + S);
}
END_TEST

/* An attempt that left before the gate closed neither puts off a probe nor is one. */
START_TEST(stragglers)
{
	struct gate g;

	close_it(&g, 100 * S, 100 * S);
	ck_assert(!gate_down(&g, true, 60 * S, 100 * S + 5));
	ck_assert(!gate_down(&g, false, 60 * S, 100 * S + 6));
	ck_assert_int_eq(gate_ready(&g, 100 * S), 101 * S);
	ck_assert_uint_eq(g.probes, 0);
	gate_close(&g, 60 * S, 100 * S + 7); /* nor does more evidence */
	ck_assert_int_eq(gate_ready(&g, 100 * S), 101 * S);
}
END_TEST

/* Failures of one streak have its number; each answer below 500 begins another. No streak has
 * number 0. */
START_TEST(streak_numbers)
{
	struct gate g;

	gate_init(&g);
	uint64_t first = g.streak;
	ck_assert_uint_ne(first, 0);
	gate_down(&g, true, S, 1);
	ck_assert_uint_eq(g.streak, first);
	gate_up(&g);
	ck_assert_uint_ne(g.streak, first);
	close_it(&g, 1, 1);
	ck_assert_uint_eq(g.streak, first);
	gate_probe(&g);
	gate_down(&g, false, S, 1);
	ck_assert_uint_eq(g.streak, first);
	gate_up(&g);
	ck_assert_uint_eq(g.streak, first + 1);
}
END_TEST

/* It is down from the streak's first failure on. */
START_TEST(giving_up)
{
	struct gate g;

	close_it(&g, 100 * S, 160 * S);
	ck_assert(!gate_gives_up(&g, 900 * S, 1000 * S - 1));
	ck_assert(gate_gives_up(&g, 900 * S, 1000 * S));
	ck_assert(!gate_gives_up(&g, 0, 1000000 * S)); /* 0: never */
	gate_up(&g);
	ck_assert(!gate_gives_up(&g, 900 * S, 2000 * S));
	/* without a failure before: from now on */
	gate_close(&g, S, 3000 * S);
	ck_assert(!gate_gives_up(&g, 900 * S, 3899 * S));
	ck_assert(gate_gives_up(&g, 900 * S, 3900 * S));
	gate_up(&g);
	gate_down(&g, true, S, 5000 * S);
	ck_assert(!gate_gives_up(&g, 900 * S, 6000 * S)); /* one record's trouble */
	gate_close(&g, S, 5001 * S);
	ck_assert(gate_gives_up(&g, 900 * S, 5900 * S));
}
END_TEST

START_TEST(no_end_of_waiting)
{
	struct gate g;

	gate_init(&g);
	gate_close(&g, INT64_MAX, 100 * S);
	ck_assert_int_eq(gate_ready(&g, 100 * S), INT64_MAX);
}
END_TEST

Suite *gate_suite(void)
{
	Suite *suite = suite_create("gate");
	TCase *t = tcase_create("gate");

	tcase_set_timeout(t, 30);
	tcase_add_loop_test(t, story, 0, (int)(sizeof stories / sizeof *stories));
	tcase_add_test(t, probes);
	tcase_add_test(t, stragglers);
	tcase_add_test(t, streak_numbers);
	tcase_add_test(t, giving_up);
	tcase_add_test(t, no_end_of_waiting);
	suite_add_tcase(suite, t);
	return suite;
}
