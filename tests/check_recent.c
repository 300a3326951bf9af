/* How many attempts were taken of late, against a list of all of them. */
#include "send/recent.h"

#include <check.h>
#include <math.h>
#include <stdbool.h>

#include "dice.h"

#define S INT64_C(1000000)
#define ATTEMPTS 4000

Suite *recent_suite(void);

/* What it counts, by brute force: attempts with their times, and whether they still count. */
struct model {
	int64_t at[ATTEMPTS];
	bool counts[ATTEMPTS];
	int n;
};

static int within(const struct model *m, int64_t to, int64_t span)
{
	int count = 0;

	for (int i = 0; i < m->n; i++)
		count += m->counts[i] && m->at[i] > to - span && m->at[i] <= to;
	return count;
}

/* The most that can begin in a bin that is cut, at either end: what a count may be off by. */
static double cut(const struct model *m, int64_t to, int64_t span, int64_t width)
{
	return within(m, to + width, 2 * width) + within(m, to - span + width, 2 * width);
}

/* Times go on by random steps, from far below 0 too; some are taken back; long silences. */
START_TEST(as_the_model_counts)
{
	struct dice d = dice_new("recent");
	static struct model m;
	static struct recent r;
	int64_t now = _i == 0 ? 0 : _i == 1 ? -1000 * S : 123456789 * S;

	m.n = 0;
	recent_init(&r, now);
	while (m.n < ATTEMPTS) {
		now += dice_one_in(&d, 200) ? dice_below(&d, 100 * S) : dice_below(&d, 30000);
		m.at[m.n] = now;
		m.counts[m.n++] = true;
		recent_add(&r, now, 1);
		int old = m.n - 1 - (int)dice_below(&d, m.n < 100 ? m.n : 100);
		if (dice_one_in(&d, 5) && m.counts[old]) {
			m.counts[old] = false;
			recent_add(&r, m.at[old], -1);
		}
		int64_t to = m.at[old], span = (1 + dice_below(&d, 60)) * S;
		bool narrow = now - to + span < 500 * RECENT_NARROW;
		double may = cut(&m, to, span, narrow ? RECENT_NARROW : RECENT_WIDE);
		if (now - to + span > 500 * RECENT_WIDE)
			continue;
		ck_assert_double_le(fabs(recent_count(&r, to, span) - within(&m, to, span)),
		    may + 1e-6);
	}
}
END_TEST

/* A whole number of bins is counted exactly, and a bin is not found again when its place is. */
START_TEST(exactly_by_bins)
{
	struct recent r;

	recent_init(&r, 0);
	for (int64_t at = 0; at < 200 * S; at += RECENT_NARROW)
		recent_add(&r, at, 1);
	ck_assert_double_eq(recent_count(&r, 200 * S - 1, S), 200);
	ck_assert_double_eq(recent_count(&r, 200 * S - 1, 60 * S), 12000);
	ck_assert_double_eq(recent_count(&r, 199 * S - 1, S), 200);
	recent_add(&r, 10 * S, 1); /* long gone */
	ck_assert_double_eq(recent_count(&r, 200 * S - 1, 60 * S), 12000);
	recent_add(&r, 1000 * S, 1);
	ck_assert_double_eq(recent_count(&r, 1001 * S - 1, S), 1);
	ck_assert_double_eq(recent_count(&r, 1001 * S - 1, 60 * S), 1);
}
END_TEST

/* Half a bin counts half of what is in it. */
START_TEST(a_cut_bin)
{
	struct recent r;

	recent_init(&r, 0);
	for (int i = 0; i < 10; i++)
		recent_add(&r, 5 * S, 1);
	ck_assert_double_eq(recent_count(&r, 5 * S + RECENT_NARROW / 2 - 1, S), 5);
	ck_assert_double_eq(recent_count(&r, 5 * S + RECENT_WIDE / 2 - 1, 10 * S), 5);
	ck_assert_double_eq(recent_count(&r, 4 * S, S), 0);
	ck_assert_double_eq(recent_count(&r, 9 * S, S), 0);
}
END_TEST

Suite *recent_suite(void)
{
	Suite *suite = suite_create("recent");
	TCase *t = tcase_create("recent");

	tcase_add_loop_test(t, as_the_model_counts, 0, 3);
	tcase_add_test(t, exactly_by_bins);
	tcase_add_test(t, a_cut_bin);
	suite_add_tcase(suite, t);
	return suite;
}
