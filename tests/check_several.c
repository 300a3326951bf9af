/* People with several rows: which of them are sent, and that the table holds no more than it may.
 */
#include "store/several.h"

#include <check.h>
#include <string.h>
#include "dice.h"

Suite *several_suite(void);

/* Rows of last time and of now, a letter each ('?': not known); the last one of last time is what
 * was last accepted. What becomes of each: '.' known, '-' held back, 's' sent. */
static const struct {
	const char *then, *now, *fates;
} rows[] = {
	{ "ab", "ab", "-." },
	{ "abc", "abc", "--." },
	{ "abc", "abd", "--s" },
	{ "abc", "axc", "-ss" },
	{ "abc", "xbc", "sss" },
	{ "abc", "ab", "--" },
	{ "abc", "a", "-" },
	{ "abc", "c", "." },
	{ "abc", "abcd", "--.s" },
	{ "abc", "ac", "-." },
	{ "abc", "bc", "ss" },
	{ "?b", "ab", "ss" },
	{ "abcdefghi", "abcdefghi", "-------ss" },
};

START_TEST(what_becomes_of_rows)
{
	struct several *s = several_new();
	struct several_person *p = several_add(s, 7);
	size_t then = strlen(rows[_i].then);
	char last = rows[_i].then[then - 1];

	for (size_t i = 0; i + 1 < then && i + 1 < SEVERAL_ROWS; i++)
		p->then[p->then_count++] = rows[_i].then[i] == '?' ?
		    0 :
		    (unsigned char)rows[_i].then[i];
	for (size_t i = 0; rows[_i].now[i]; i++) {
		char row = rows[_i].now[i];
		/* of whom something was sent it is not known what the server has */
		bool changed = row != last || p->sent;
		enum several_fate fate = several_row(p, (unsigned char)row, changed);
		char is = fate == SEVERAL_KNOWN ? '.' : fate == SEVERAL_SEND ? 's' : '-';
		ck_assert_msg(is == rows[_i].fates[i], "row %zu of %s: %c", i, rows[_i].now, is);
	}
	several_free(s);
}
END_TEST

static const struct {
	const char *now;
	bool differ;
} differing[] = {
	{ "", false },
	{ "a", false },
	{ "aa", false },
	{ "ab", true },
	{ "aab", true },
	{ "aaaaaaaaa", false },
};

START_TEST(who_differs)
{
	struct several_person p = { .key = 1 };

	for (const char *row = differing[_i].now; *row; row++)
		several_row(&p, (unsigned char)*row, true);
	ck_assert_int_eq(several_differ(&p), differing[_i].differ);
}
END_TEST

/* Any keys, those that hash alike too; and no more than there is room for. */
START_TEST(everybody_is_found_again)
{
	struct dice d = dice_new("several: keys");
	struct several *s = several_new();
	static uint64_t keys[SEVERAL_PEOPLE + 100];

	ck_assert_ptr_null(several_find(s, 0));
	for (size_t i = 0; i < SEVERAL_PEOPLE + 100; i++) {
		keys[i] = dice_one_in(&d, 2) ? dice_next(&d) : i << 32 | (i & 3);
		bool there = several_find(s, keys[i]) != NULL;
		struct several_person *p = several_add(s, keys[i]);
		if (p && !there)
			p->now[0] = ~keys[i];
	}
	size_t count = 0;
	for (const struct several_person *p; (p = several_at(s, count)) != NULL; count++)
		ck_assert_uint_eq(p->now[0], ~p->key);
	ck_assert_uint_eq(count, SEVERAL_PEOPLE);
	for (size_t i = 0; i < 1000; i++)
		ck_assert_uint_eq(several_find(s, keys[i])->key, keys[i]);
	several_free(s);
}
END_TEST

#define LENGTH(array) ((int)(sizeof(array) / sizeof *(array)))

Suite *several_suite(void)
{
	Suite *s = suite_create("several");
	TCase *t = tcase_create("several");

	tcase_add_loop_test(t, what_becomes_of_rows, 0, LENGTH(rows));
	tcase_add_loop_test(t, who_differs, 0, LENGTH(differing));
	tcase_add_test(t, everybody_is_found_again);
	suite_add_tcase(s, t);
	return s;
}
