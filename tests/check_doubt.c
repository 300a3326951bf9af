/* Refusals in a row, and what ends them. */
#include "send/doubt.h"

#include <check.h>

Suite *doubt_suite(void);

START_TEST(forbidden)
{
	struct doubt d = { 0 };

	ck_assert(doubt_forbidden(&d, 1)); /* the check is asked once */
	for (int i = 1; i < DOUBT_MOST; i++) {
		ck_assert_int_eq(doubt_ends(&d), 0);
		ck_assert(!doubt_forbidden(&d, 1));
	}
	ck_assert_int_eq(doubt_ends(&d), 0); /* the check has not been answered */
	doubt_checked(&d, 200);
	ck_assert_int_eq(doubt_ends(&d), 403);
}
END_TEST

/* Nine, then one that is accepted, and nine again. */
START_TEST(accepted_between)
{
	struct doubt d = { 0 };

	for (int round = 0; round < 2; round++) {
		for (int i = 1; i < DOUBT_MOST; i++)
			ck_assert_int_eq(doubt_forbidden(&d, 1), i == 1);
		doubt_checked(&d, 200);
		ck_assert_int_eq(doubt_ends(&d), 0);
		doubt_accepted(&d);
		ck_assert(!d.vouched);
	}
}
END_TEST

START_TEST(missing)
{
	struct doubt d = { 0 };

	ck_assert(!doubt_missing(&d, 20)); /* the check was answered well */
	ck_assert_int_eq(doubt_ends(&d), 0);
	doubt_checked(&d, 404);
	ck_assert(doubt_missing(&d, DOUBT_MOST - 1));
	ck_assert_int_eq(doubt_ends(&d), 0);
	ck_assert(doubt_missing(&d, 1));
	ck_assert_int_eq(doubt_ends(&d), 404);
	doubt_accepted(&d);
	ck_assert(!doubt_missing(&d, 20));
	doubt_checked(&d, 404); /* it is no wrong address any more */
	ck_assert(!doubt_missing(&d, 20));
	ck_assert_int_eq(doubt_ends(&d), 0);
}
END_TEST

START_TEST(anew)
{
	struct doubt d = { 0 };

	doubt_checked(&d, 404);
	doubt_missing(&d, 9);
	doubt_forbidden(&d, 9);
	doubt_checked(&d, 404);
	doubt_anew(&d);
	ck_assert(doubt_forbidden(&d, 1));
	ck_assert(doubt_missing(&d, 9));
	ck_assert_int_eq(doubt_ends(&d), 0);
}
END_TEST

Suite *doubt_suite(void)
{
	Suite *s = suite_create("doubt");
	TCase *t = tcase_create("doubt");

	tcase_add_test(t, forbidden);
	tcase_add_test(t, accepted_between);
	tcase_add_test(t, missing);
	tcase_add_test(t, anew);
	suite_add_tcase(s, t);
	return s;
}
