/* What the program reaches against servers that limit requests, and what other rules reach there.
 */
#include <check.h>
#include <stdio.h>

#include "limit_world.h"

Suite *limits_suite(void);

#define SEEDS 16

/* The mean over the seeds; share_least: of one of them. */
struct mean {
	double share, share_least, refused;
	bool promise;
};

static struct mean run(const struct limit_world *w, enum limit_rule rule, int seeds)
{
	struct mean m = { .share_least = 2, .promise = true };

	for (int seed = 1; seed <= seeds; seed++) {
		struct limit_result r = limit_run(w, rule, (uint64_t)seed);
		m.share += r.share / seeds;
		m.share_least = r.share < m.share_least ? r.share : m.share_least;
		m.refused += (double)r.refused / seeds;
		m.promise &= r.promise;
	}
	return m;
}

START_TEST(the_limit_is_found)
{
	const struct limit_world *w = &limit_worlds[_i];
	struct mean m = run(w, LIMIT_LEARN, SEEDS);

	printf("%-40s %.3f (%.3f at least), %.1f refused\n", w->name, m.share, m.share_least,
	    m.refused);
	fflush(stdout);
	ck_assert(m.promise);
	ck_assert_double_ge(m.share, w->share);
	ck_assert_double_ge(m.share_least, w->share_each);
	ck_assert_double_le(m.refused, w->refused);
}
END_TEST

/* The rules beside it get less and have more refused, taken all in all: so the table is about the
 * rule. */
START_TEST(other_rules_fall_behind)
{
	struct mean all[LIMIT_RULES] = { 0 };

	for (int i = 0; i < limit_world_count; i++)
		for (int rule = 0; rule < LIMIT_RULES; rule++) {
			struct mean m = run(&limit_worlds[i], (enum limit_rule)rule, 1);
			ck_assert(m.promise);
			all[rule].share += m.share / limit_world_count;
			all[rule].refused += m.refused / limit_world_count;
		}
	for (int rule = LIMIT_LEARN + 1; rule < LIMIT_RULES; rule++) {
		ck_assert_double_gt(all[LIMIT_LEARN].share, all[rule].share + 0.15);
		ck_assert_double_lt(all[LIMIT_LEARN].refused, all[rule].refused / 4);
	}
}
END_TEST

Suite *limits_suite(void)
{
	Suite *suite = suite_create("limits");
	TCase *t = tcase_create("limits");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, the_limit_is_found, 0, limit_world_count);
	tcase_add_test(t, other_rules_fall_behind);
	suite_add_tcase(suite, t);
	return suite;
}
