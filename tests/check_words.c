/* Quantities as people read them. */
#include "base/words.h"

#include <check.h>
#include <limits.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include "expect.h"
#include "base/text.h"

Suite *words_suite(void);

#define S INT64_C(1000000)
#define ROWS(table) (int)(sizeof table / sizeof *table)

static const struct {
	uint64_t n;
	const char *plain, *grouped;
} counts[] = {
	{ 0, "0", "0" },
	{ 7, "7", "7" },
	{ 999, "999", "999" },
	{ 1000, "1000", "1,000" },
	{ 123456, "123456", "123,456" },
	{ 1000000, "1000000", "1,000,000" },
	{ UINT64_MAX, "18446744073709551615", "18,446,744,073,709,551,615" },
};

static const struct {
	double speed;
	const char *words;
} speeds[] = {
	{ 0, "0 kB/s" },
	{ 499, "0 kB/s" },
	{ 74900, "75 kB/s" },
	{ 999499, "999 kB/s" },
	{ 999500, "1.0 MB/s" },
	{ 1240000, "1.2 MB/s" },
	{ 9949999, "9.9 MB/s" },
	{ 9950000, "10 MB/s" },
	{ 2e9, "2000 MB/s" },
};

START_TEST(speed)
{
	struct buf b;

	buf_init(&b, 100);
	words_speed(&b, speeds[_i].speed);
	buf_byte(&b, '\0');
	ck_assert_str_eq(b.data, speeds[_i].words);
	buf_free(&b);
}
END_TEST

START_TEST(a_count_is_grouped_by_thousands)
{
	struct buf b;

	buf_init(&b, 100);
	words_count(&b, counts[_i].n, false);
	expect_text(&b, counts[_i].plain, "plain");
	words_count(&b, counts[_i].n, true);
	expect_text(&b, counts[_i].grouped, "grouped");
	buf_free(&b);
}
END_TEST

START_TEST(one_takes_the_singular)
{
	struct buf b;

	buf_init(&b, 100);
	words_many(&b, 0, true, "retry", "retries");
	expect_text(&b, "0 retries", "none");
	words_many(&b, 1, true, "retry", "retries");
	expect_text(&b, "1 retry", "one");
	words_many(&b, 1001, true, "retry", "retries");
	expect_text(&b, "1,001 retries", "many");
	buf_free(&b);
}
END_TEST

static const struct {
	double rate;
	const char *text;
} rates[] = {
	{ 0, "0.0" },
	{ -3, "0.0" },
	{ NAN, "0.0" },
	{ 0.04, "0.0" },
	{ 0.05, "0.1" },
	{ 49.93, "49.9" },
	{ 49.96, "50.0" },
	{ 99.94, "99.9" },
	{ 99.95, "100" },
	{ 100.4, "100" },
	{ 1234.5, "1,235" },
	{ 123456, "123,456" },
	{ INFINITY, "1,000,000,000,000,000" },
};

START_TEST(a_rate_has_one_decimal_below_100)
{
	struct buf b;

	buf_init(&b, 100);
	words_rate(&b, rates[_i].rate, true);
	expect_text(&b, rates[_i].text, rates[_i].text);
	buf_free(&b);
}
END_TEST

static const struct {
	int64_t us;
	const char *full, *brief;
} waits[] = {
	{ INT64_MIN, "0 s", "0s" },
	{ 0, "0 s", "0s" },
	{ 1, "1 s", "1s" },
	{ S, "1 s", "1s" },
	{ S + 1, "2 s", "2s" },
	{ 59 * S, "59 s", "59s" },
	{ 59 * S + 1, "1 min", "1m" },
	{ 60 * S, "1 min", "1m" },
	{ 61 * S, "2 min", "2m" },
	{ 59 * 60 * S, "59 min", "59m" },
	{ 59 * 60 * S + 1, "1 h", "1h" },
	{ 61 * 60 * S, "1 h 1 min", "1h1m" },
	{ 312 * 60 * S, "5 h 12 min", "5h12m" },
	{ (24 * 60 - 1) * 60 * S, "23 h 59 min", "23h59m" },
	{ 24 * 3600 * S, "1 d", "1d" },
	{ 76 * 3600 * S, "3 d 4 h", "3d4h" },
	{ 76 * 3600 * S + 1, "3 d 5 h", "3d5h" },
	{ INT64_MAX, "106751991 d 5 h", "106751991d5h" },
};

START_TEST(a_wait_is_rounded_up)
{
	struct buf b;

	buf_init(&b, 100);
	words_wait(&b, waits[_i].us, false);
	expect_text(&b, waits[_i].full, "full");
	words_wait(&b, waits[_i].us, true);
	expect_text(&b, waits[_i].brief, "brief");
	buf_free(&b);
}
END_TEST

static const struct {
	int64_t us;
	const char *text;
} spans[] = {
	{ -5, "0 ms" },
	{ 0, "0 ms" },
	{ 15400, "15 ms" },
	{ S - 1, "999 ms" },
	{ S, "1.0 s" },
	{ 12340000, "12.3 s" },
	{ 12350000, "12.4 s" },
	{ 59940000, "59.9 s" },
	{ 59950000, "1 min 0 s" },
	{ 80 * S, "1 min 20 s" },
	{ 83456789, "1 min 23 s" },
	{ 3599 * S, "59 min 59 s" },
	{ 3599 * S + S / 2, "1 h 0 min 0 s" },
	{ 18723 * S, "5 h 12 min 3 s" },
	{ 100 * 3600 * S, "100 h 0 min 0 s" },
};

START_TEST(a_span_is_as_exact_as_it_is_short)
{
	struct buf b;

	buf_init(&b, 100);
	words_span(&b, spans[_i].us);
	expect_text(&b, spans[_i].text, spans[_i].text);
	buf_free(&b);
}
END_TEST

static const struct {
	const char *text;
	size_t most;
	const char *json;
} strings[] = {
	{ "", SIZE_MAX, "\"\"" },
	{ "a\"b", SIZE_MAX, "\"a\\\"b\"" },
	{ "Zürich", SIZE_MAX, "\"Zürich\"" },
	{ "a\nb\033[2J", SIZE_MAX, "\"a\\\\nb\\\\x1b[2J\"" },
	{ "caf\xe9", SIZE_MAX, "\"caf\\\\xe9\"" },
	{ "abcdef", 3, "\"abc...\"" },
	{ "abc", 3, "\"abc\"" },
};

#define SECOND INT64_C(1000000)

static const struct {
	int64_t us;
	const char *time;
} times[] = {
	{ 0, "0 ms" },
	{ 500, "0.5 ms" },
	{ 1000, "1 ms" },
	{ 300000, "300 ms" },
	{ 999999, "999.999 ms" },
	{ SECOND, "1 s" },
	{ 1500000, "1.5 s" },
	{ 10 * SECOND, "10 s" },
	{ 59999999, "59.999999 s" },
	{ 60 * SECOND, "1 min" },
	{ 90 * SECOND, "1 min 30 s" },
	{ 900 * SECOND, "15 min" },
	{ 3600 * SECOND, "1 h" },
	{ 3601500000, "1 h 1.5 s" },
	{ 5400 * SECOND, "1 h 30 min" },
	{ 86461 * SECOND, "24 h 1 min 1 s" },
	{ INT64_MAX, "2562047788 h 54.775807 s" },
};

START_TEST(a_time_is_what_was_given)
{
	char out[WORDS_TIME];

	ck_assert_str_eq(words_time(times[_i].us, out), times[_i].time);
}
END_TEST

START_TEST(a_json_string_is_safe_and_utf8)
{
	struct buf b;

	buf_init(&b, 100);
	text_json_safe(&b, strings[_i].text, strings[_i].most);
	expect_text(&b, strings[_i].json, strings[_i].json);
	buf_free(&b);
}
END_TEST

static const struct {
	const char *locale, *text;
	unsigned most;
	const char *fitted;
	unsigned cells;
} fits[] = {
	{ "C.UTF-8", "", 10, "", 0 },
	{ "C.UTF-8", "users.csv", 9, "users.csv", 9 },
	{ "C.UTF-8", "users.csv", 8, "users...", 8 },
	{ "C.UTF-8", "users.csv", 2, "us", 2 },
	{ "C.UTF-8", "users.csv", 0, "", 0 },
	{ "C.UTF-8", "ユーザー", 8, "ユーザー", 8 },
	{ "C.UTF-8", "ユーザー", 7, "ユー..", 6 },
	{ "C.UTF-8", "ユーザー", 6, "ユー..", 6 },
	{ "C.UTF-8", "ユーザー", 1, "", 0 },
	/* a combining accent takes no cell */
	{ "C.UTF-8", "e\xcc\x81t\xc3\xa9", 3, "e\xcc\x81t\xc3\xa9", 3 },
	/* nor does a selector, and it goes */
	{ "C.UTF-8",
	    "a\xe2\x9d\xa4\xef\xb8\x8f"
	    "b",
	    9,
	    "a\xe2\x9d\xa4"
	    "b",
	    3 },
	{ "C.UTF-8", "a\033[31mb", 20, "a\\x1b[31mb", 10 },
	{ "C.UTF-8", "a\xff", 20, "a\\xff", 5 },
	{ "C", "ユーザー.csv", 20, "????.csv", 8 },
	{ "C", "users.csv", 9, "users.csv", 9 },
	{ "C", "Zürich", 5, "Z?r..", 5 },
};

START_TEST(a_name_is_cut_by_cells)
{
	struct buf b;

	ck_assert_ptr_nonnull(setlocale(LC_CTYPE, fits[_i].locale));
	buf_init(&b, 100);
	unsigned cells = words_fit(&b, fits[_i].text, strlen(fits[_i].text), fits[_i].most);
	expect_text(&b, fits[_i].fitted, fits[_i].text);
	ck_assert_uint_eq(cells, fits[_i].cells);
	ck_assert_uint_le(cells, fits[_i].most);
	buf_free(&b);
}
END_TEST

Suite *words_suite(void)
{
	Suite *s = suite_create("words");
	TCase *t = tcase_create("all");

	tcase_add_loop_test(t, speed, 0, (int)(sizeof speeds / sizeof *speeds));
	tcase_add_loop_test(t, a_count_is_grouped_by_thousands, 0, ROWS(counts));
	tcase_add_test(t, one_takes_the_singular);
	tcase_add_loop_test(t, a_rate_has_one_decimal_below_100, 0, ROWS(rates));
	tcase_add_loop_test(t, a_wait_is_rounded_up, 0, ROWS(waits));
	tcase_add_loop_test(t, a_span_is_as_exact_as_it_is_short, 0, ROWS(spans));
	tcase_add_loop_test(t, a_time_is_what_was_given, 0, ROWS(times));
	tcase_add_loop_test(t, a_json_string_is_safe_and_utf8, 0, ROWS(strings));
	tcase_add_loop_test(t, a_name_is_cut_by_cells, 0, ROWS(fits));
	suite_add_tcase(s, t);
	return s;
}
