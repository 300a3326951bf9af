/* ULIDs, byte for byte. */
#include "operation/ulid.h"

#include <check.h>
#include <string.h>

Suite *ulid_suite(void);

#define ROWS(table) (int)(sizeof table / sizeof *table)
#define MOST ((UINT64_C(1) << 48) - 1)

/* The first is the ULID specification's own example of a time part. */
static const struct {
	uint64_t ms;
	uint8_t random[10];
	const char *ulid;
} ulids[] = {
	/* 01ARZ3NDEK: 2016-07-30T23:54:10.259Z */
	{ 1469922850259, { 0 }, "01ARZ3NDEK0000000000000000" },
	{ 0, { 0 }, "00000000000000000000000000" },
	{ 1, { 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 }, "00000000010000000000000001" },
	{ MOST, { 255, 255, 255, 255, 255, 255, 255, 255, 255, 255 },
	    "7ZZZZZZZZZZZZZZZZZZZZZZZZZ" },
	{ MOST + 2, { 0 }, "00000000010000000000000000" }, /* 48 bits count */
	{ 31, { 0, 0, 0, 0, 31, 0xf8 }, "000000000Z0000000ZZ0000000" },
};

START_TEST(a_ulid_is_time_and_randomness)
{
	char out[ULID_LENGTH + 1];

	memset(out, 'x', sizeof out);
	ulid_make(out, ulids[_i].ms, ulids[_i].random);
	ck_assert_str_eq(out, ulids[_i].ulid);
	ck_assert_uint_eq(ulid_time(out), ulids[_i].ms & MOST);
}
END_TEST

START_TEST(later_sorts_behind)
{
	static const uint8_t random[10] = { 0 };
	char last[ULID_LENGTH + 1], out[ULID_LENGTH + 1];

	ulid_make(last, 0, random);
	for (uint64_t ms = 1; ms < MOST; ms = ms * 3 + 1) {
		ulid_make(out, ms, random);
		ck_assert_str_gt(out, last);
		memcpy(last, out, sizeof last);
	}
}
END_TEST

START_TEST(what_is_none_has_no_time)
{
	ck_assert_uint_eq(ulid_time(""), 0);
	ck_assert_uint_eq(ulid_time("01ARZ3NDE"), 0);
	ck_assert_uint_eq(ulid_time("01ARZ3NDEU0000000000000000"), 0); /* U is no digit */
	ck_assert_uint_eq(ulid_time("01arz3ndek0000000000000000"), 0);
}
END_TEST

Suite *ulid_suite(void)
{
	Suite *s = suite_create("ulid");
	TCase *t = tcase_create("ulid");

	tcase_add_loop_test(t, a_ulid_is_time_and_randomness, 0, ROWS(ulids));
	tcase_add_test(t, later_sorts_behind);
	tcase_add_test(t, what_is_none_has_no_time);
	suite_add_tcase(s, t);
	return s;
}
