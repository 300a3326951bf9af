/* Numbers, times, shares, rates and moments: what is taken, and what is refused. */
#include "base/num.h"

#include <check.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "dice.h"
#include "unix.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))
#define UNTOUCHED 424242

static const struct {
	const char *text;
	uint64_t min, max;
	bool good;
	uint64_t value;
} counts[] = {
	{ "0", 0, 10, true, 0 },
	{ "10", 0, 10, true, 10 },
	{ "007", 0, 10, true, 7 },
	{ "11", 0, 10, false, 0 },
	{ "0", 1, 10, false, 0 },
	{ "5", 0, 4, false, 0 },
	{ "10", 10, 10, true, 10 },
	{ "18446744073709551615", 0, UINT64_MAX, true, UINT64_MAX },
	{ "18446744073709551616", 0, UINT64_MAX, false, 0 },
	{ "99999999999999999999999999", 0, UINT64_MAX, false, 0 },
	{ "9223372036854775807", 0, INT64_MAX, true, INT64_MAX },
	{ "9223372036854775808", 0, INT64_MAX, false, 0 },
	{ "", 0, 10, false, 0 },
	{ "-5", 0, 10, false, 0 },
	{ "+5", 0, 10, false, 0 },
	{ " 5", 0, 10, false, 0 },
	{ "5 ", 0, 10, false, 0 },
	{ "5x", 0, 10, false, 0 },
	{ "0x5", 0, 10, false, 0 },
	{ "1e1", 0, 10, false, 0 },
	{ "5.0", 0, 10, false, 0 },
	{ "1,0", 0, 10, false, 0 },
	{ "\xd9\xa5", 0, 10, false, 0 },
};

START_TEST(count)
{
	uint64_t value = UNTOUCHED;
	int result = num_count(counts[_i].text, counts[_i].min, counts[_i].max, &value);

	ck_assert_msg(result == (counts[_i].good ? 0 : -1), "%s", counts[_i].text);
	ck_assert_msg(value == (counts[_i].good ? counts[_i].value : UNTOUCHED), "%s: %" PRIu64,
	    counts[_i].text, value);
}
END_TEST

static const struct {
	const char *text;
	double min, max;
	bool good;
	double value;
} fractions[] = {
	{ "0", 0, 1, true, 0 },
	{ "1", 0, 1, true, 1 },
	{ "0.25", 0, 1, true, 0.25 },
	{ "1.0", 0, 1, true, 1 },
	{ "0.1", 0, 1, true, 0.1 },
	{ "0.30000000000000", 0, 1, true, 0.3 },
	{ "99.9", 0, 100, true, 99.9 },
	{ "1.0000001", 0, 1, false, 0 },
	{ "2", 0, 1, false, 0 },
	{ "0.1", 0.2, 1, false, 0 },
	{ "0.3333333333333333", 0, 1, false, 0 }, /* 16 decimals */
	{ "", 0, 1, false, 0 },
	{ ".5", 0, 1, false, 0 },
	{ "1.", 0, 1, false, 0 },
	{ "-0.5", 0, 1, false, 0 },
	{ "0,5", 0, 1, false, 0 },
	{ "1e-1", 0, 1, false, 0 },
	{ "nan", 0, 1, false, 0 },
	{ "inf", 0, 1, false, 0 },
	{ "0.5x", 0, 1, false, 0 },
	{ "0..5", 0, 1, false, 0 },
	{ "0x0.8", 0, 1, false, 0 },
};

START_TEST(fraction)
{
	double value = UNTOUCHED;
	int result = num_fraction(fractions[_i].text, fractions[_i].min, fractions[_i].max, &value);

	ck_assert_msg(result == (fractions[_i].good ? 0 : -1), "%s", fractions[_i].text);
	ck_assert_msg(value == (fractions[_i].good ? fractions[_i].value : UNTOUCHED), "%s: %.17g",
	    fractions[_i].text, value);
}
END_TEST

static const struct {
	const char *text;
	int64_t us;
} times[] = {
	/* us -1: refused */
	{ "0", 0 },
	{ "0.0", 0 },
	{ "0h", 0 },
	{ "1", 1000000 },
	{ "10s", 10000000 },
	{ "500ms", 500000 },
	{ "1.5h", 5400000000 },
	{ "2m", 120000000 },
	{ "0.000001", 1 },
	{ "0.001ms", 1 },
	{ "1.0000019s", 1000001 },
	{ "0.123456789h", 444444440 },
	{ "10000h", 36000000000000 },
	{ "36000000", 36000000000000 },
	{ "36000000000ms", 36000000000000 },
	{ "10000.000001h", -1 },
	{ "10001h", -1 },
	{ "36000001", -1 },
	{ "36000000001ms", -1 },
	{ "99999999999999999999h", -1 },
	{ "5124095577h", -1 }, /* a little over 2^64 microseconds */
	/* not nothing, and less than a microsecond */
	{ "0.0001ms", -1 },
	{ "0.0000001", -1 },
	{ "0.1234567891h", -1 },
	{ "", -1 },
	{ "s", -1 },
	{ "-1s", -1 },
	{ "1 s", -1 },
	{ "1S", -1 },
	{ "1us", -1 },
	{ "1d", -1 },
	{ "1m30s", -1 },
	{ "1.s", -1 },
	{ ".5s", -1 },
	{ "1s ", -1 },
	{ "1e3", -1 },
	{ "fast", -1 },
};

START_TEST(time_span)
{
	int64_t us = UNTOUCHED;
	int result = num_time(times[_i].text, &us);

	ck_assert_msg(result == (times[_i].us == -1 ? -1 : 0), "%s", times[_i].text);
	ck_assert_msg(us == (times[_i].us == -1 ? UNTOUCHED : times[_i].us), "%s: %" PRId64,
	    times[_i].text, us);
}
END_TEST

static const struct {
	const char *text;
	bool good;
	uint64_t count;
	double percent;
} shares[] = {
	{ "0", true, 0, 0 },
	{ "1", true, 1, 0 },
	{ "100", true, 100, 0 },
	{ "9223372036854775807", true, INT64_MAX, 0 },
	{ "1%", true, 0, 1 },
	{ "0.5%", true, 0, 0.5 },
	{ "100%", true, 0, 100 },
	{ "100.0%", true, 0, 100 },
	{ "0%", false, 0, 0 },
	{ "0.0%", false, 0, 0 },
	{ "100.1%", false, 0, 0 },
	{ "101%", false, 0, 0 },
	{ "1.5", false, 0, 0 },
	{ "-1", false, 0, 0 },
	{ "%", false, 0, 0 },
	{ "", false, 0, 0 },
	{ "1%%", false, 0, 0 },
	{ "1 %", false, 0, 0 },
	{ "9223372036854775808", false, 0, 0 },
};

START_TEST(share)
{
	uint64_t n = UNTOUCHED;
	double percent = UNTOUCHED;
	int result = num_share(shares[_i].text, &n, &percent);

	ck_assert_msg(result == (shares[_i].good ? 0 : -1), "%s", shares[_i].text);
	ck_assert_msg(n == (shares[_i].good ? shares[_i].count : UNTOUCHED), "%s", shares[_i].text);
	ck_assert_msg(percent == (shares[_i].good ? shares[_i].percent : UNTOUCHED), "%s",
	    shares[_i].text);
}
END_TEST

static const struct {
	const char *text;
	int64_t num, den;
} rates[] = {
	/* num -1: refused */
	{ "50", 1, 20000 },
	{ "50/s", 1, 20000 },
	{ "600/m", 1, 100000 },
	{ "0.5/s", 1, 2000000 },
	{ "36000/h", 1, 100000 },
	{ "3", 3, 1000000 },
	{ "98", 49, 500000 },
	{ "unlimited", 0, 0 },
	{ "1.5", 3, 2000000 },
	{ "33.333333", 33333333, 1000000000000 },
	{ "1000000", 1, 1 },
	{ "60000000/m", 1, 1 },
	{ "3600000000/h", 1, 1 },
	{ "1/h", 1, 3600000000 },
	{ "1.000000/h", 1, 3600000000 },
	{ "0.016667/m", 16667, 60000000000000 },
	{ "0.000278", 139, 500000000000 },
	{ "1000000.000001", -1, 0 },
	{ "1000001", -1, 0 },
	{ "60000001/m", -1, 0 },
	{ "3600000001/h", -1, 0 },
	{ "99999999999999999999", -1, 0 },
	{ "0", -1, 0 },
	{ "0.0", -1, 0 },
	{ "0.999999/h", -1, 0 },
	{ "0.016666/m", -1, 0 },
	{ "0.000277", -1, 0 },
	{ "1.0000000", -1, 0 },
	{ "", -1, 0 },
	{ "fast", -1, 0 },
	{ "Unlimited", -1, 0 },
	{ "unlimited/s", -1, 0 },
	{ "-1", -1, 0 },
	{ "50/", -1, 0 },
	{ "50/ms", -1, 0 },
	{ "50/d", -1, 0 },
	{ "50s", -1, 0 },
	{ "50 /s", -1, 0 },
	{ "50/s/s", -1, 0 },
	{ "/s", -1, 0 },
	{ "1e3", -1, 0 },
	{ "ate=5", -1, 0 },
};

START_TEST(rate)
{
	struct num_rate got = { UNTOUCHED, UNTOUCHED };
	int result = num_rate(rates[_i].text, &got);
	bool good = rates[_i].num != -1;

	ck_assert_msg(result == (good ? 0 : -1), "%s", rates[_i].text);
	ck_assert_msg(got.num == (good ? rates[_i].num : UNTOUCHED) &&
	        got.den == (good ? rates[_i].den : UNTOUCHED),
	    "%s: %" PRId64 "/%" PRId64, rates[_i].text, got.num, got.den);
}
END_TEST

#define REFUSED INT64_MIN
static const struct {
	const char *text;
	int64_t seconds;
} moments[] = {
	{ "0", 0 },
	{ "-0", 0 },
	{ "1709208000", 1709208000 },
	{ "-1", -1 },
	{ "20240229", 20240229 },
	{ "2024", 2024 },
	{ "253402300799", 253402300799 },
	{ "-62135596800", -62135596800 },
	{ "253402300800", REFUSED },
	{ "-62135596801", REFUSED },
	{ "1709208000000", 1709208000 },
	{ "1508255889999", 1508255889 },
	{ "9999999999999", 9999999999 },
	{ "0170920800000", 170920800000 },
	{ "-1709208000000", REFUSED },
	{ "17092080000000", REFUSED },
	{ "99999999999999999999", REFUSED },
	{ "1970-01-01", 0 },
	{ "1969-12-31", -86400 },
	{ "0001-01-01", -62135596800 },
	{ "9999-12-31T23:59:59Z", 253402300799 },
	{ "2024-02-29", 1709164800 },
	{ "2024-02-29T12:00:00Z", 1709208000 },
	{ "2024-02-29t12:00:00z", 1709208000 },
	{ "2024-02-29 12:00:00", 1709208000 },
	{ "2024-02-29T12:00", 1709208000 },
	{ "2024-02-29 12:00:00+02:00", 1709200800 },
	{ "2024-02-29 12:00:00+02", 1709200800 },
	{ "2024-02-29T12:00:00-0530", 1709227800 },
	{ "2024-02-29T12:00+0000", 1709208000 },
	{ "2024-02-29T12:00:00-00:00", 1709208000 },
	{ "2024-02-29T12:00:00+23:59", 1709121660 },
	{ "2024-02-29T12:00:00.999999999Z", 1709208000 },
	{ "2024-02-29T12:00:00,5", 1709208000 },
	{ "1969-12-31T23:59:59.5Z", -1 },
	{ "0001-01-01T00:00:00+01:00", -62135600400 },
	{ "2000-02-29", 951782400 },
	{ "2024-12-31T23:59:59Z", 1735689599 },
	{ "1900-02-29", REFUSED },
	{ "2023-02-29", REFUSED },
	{ "2100-02-29", REFUSED },
	{ "2024-02-30", REFUSED },
	{ "2024-04-31", REFUSED },
	{ "2024-00-01", REFUSED },
	{ "2024-13-01", REFUSED },
	{ "2024-01-00", REFUSED },
	{ "2024-01-32", REFUSED },
	{ "0000-01-01", REFUSED },
	{ "2024-02-29T24:00:00Z", REFUSED },
	{ "2024-02-29T23:60:00Z", REFUSED },
	{ "2016-12-31T23:59:60Z", REFUSED },
	{ "2024-02-29T12", REFUSED },
	{ "2024-02-29T", REFUSED },
	{ "2024-02-29Z", REFUSED },
	{ "2024-02-29T12:00:", REFUSED },
	{ "2024-02-29T12:00:00.", REFUSED },
	{ "2024-02-29T12:00:00.Z", REFUSED },
	{ "2024-02-29T12:00.5", REFUSED },
	{ "2024-02-29T12:00:00+24:00", REFUSED },
	{ "2024-02-29T12:00:00+02:60", REFUSED },
	{ "2024-02-29T12:00:00+2", REFUSED },
	{ "2024-02-29T12:00:00+02:", REFUSED },
	{ "2024-02-29T12:00:00+020", REFUSED },
	{ "2024-02-29 12:00:00 UTC", 1709208000 },
	{ "2024-02-29 12:00:00.123456 UTC", 1709208000 },
	{ "2024-02-29 12:00:00 +0000", 1709208000 },
	{ "2024-02-29 12:00:00 +02:00", 1709200800 },
	{ "2024-02-29T12:00:00 Z", 1709208000 },
	{ "2024-02-29T12:00:00 ", REFUSED },
	{ "2024-02-29T12:00:00  Z", REFUSED },
	{ "2024-02-29T12:00:00UTC", REFUSED },
	{ "2024-02-29T12:00:00 UTCx", REFUSED },
	{ "2024-02-29T12:00:00 CET", REFUSED },
	{ "2024-02-29T12:00:00ZZ", REFUSED },
	{ "2024-02-29T12:00:00+02:00x", REFUSED },
	{ "2024-02-29_12:00:00", REFUSED },
	{ "2024-2-29", REFUSED },
	{ "24-02-29", REFUSED },
	{ "02024-02-29", REFUSED },
	{ "2024/02/29", REFUSED },
	{ "29.02.2024", REFUSED },
	{ "", REFUSED },
	{ "-", REFUSED },
	{ "+5", REFUSED },
	{ " 5", REFUSED },
	{ "5 ", REFUSED },
	{ "1709208000.5", REFUSED },
	{ "soon", REFUSED },
	{ "-2024-02-29", REFUSED },
	{ "1e9", REFUSED },
};

/* The text stands at the very end of its memory, so that a sanitizer sees a read behind it. */
START_TEST(moment)
{
	int64_t seconds = UNTOUCHED, want = moments[_i].seconds;
	size_t n = strlen(moments[_i].text);
	char *copy = malloc(n ? n : 1);

	memcpy(copy, moments[_i].text, n);
	int result = num_moment(copy, n, &seconds);
	free(copy);
	ck_assert_msg(result == (want == REFUSED ? -1 : 0), "%s", moments[_i].text);
	ck_assert_msg(seconds == (want == REFUSED ? UNTOUCHED : want), "%s: %" PRId64,
	    moments[_i].text, seconds);
}
END_TEST

START_TEST(moment_with_nul)
{
	int64_t seconds;

	ck_assert_int_eq(num_moment("2024-02-29\0", 11, &seconds), -1);
	ck_assert_int_eq(num_moment("5\0", 2, &seconds), -1);
	ck_assert_int_eq(num_moment("2024-02-29\0T12:00", 10, &seconds), 0);
}
END_TEST

static int date(int year, int month, int day, int64_t *seconds)
{
	char text[64];
	int n = snprintf(text, sizeof text, "%04d-%02d-%02d", year, month, day);

	return num_moment(text, (size_t)n, seconds);
}

/* Every month from year 1 to 9999 has the days that libc gives it, and no more, and follows the one
 * before. */
START_TEST(moment_every_month)
{
	int64_t expected = -62135596800, seconds = 0;

	for (int year = 1; year <= 9999; year++)
		for (int month = 1; month <= 12; month++) {
			if (date(year, month, 1, &seconds) != 0 || seconds != expected)
				ck_abort_msg("%04d-%02d-01: %" PRId64, year, month, seconds);
			/* the day before the next */
			struct tm tm = { .tm_year = year - 1900, .tm_mon = month, .tm_mday = 0 };
			time_t last = unix_utc(&tm);
			if (date(year, month, tm.tm_mday, &seconds) != 0 ||
			    seconds != (int64_t)last)
				ck_abort_msg("%04d-%02d-%02d: %" PRId64, year, month, tm.tm_mday,
				    seconds);
			if (date(year, month, tm.tm_mday + 1, &seconds) != -1)
				ck_abort_msg("%04d-%02d has a day too many", year, month);
			expected = (int64_t)last + 86400;
		}
}
END_TEST

/* Random moments in random zones and forms: what libc makes of them. */
START_TEST(moment_random)
{
	struct dice dice = dice_new("moment_random");

	for (int i = 0; i < 20000; i++) {
		time_t t = (time_t)(dice_below(&dice, 250000000000) - 62000000000);
		int zone = (int)dice_below(&dice, 2879) - 1439, apart = zone < 0 ? -zone : zone;
		const char *separator = dice_one_in(&dice, 2) ? "T" : " ",
		           *colon = dice_one_in(&dice, 2) ? ":" : "";
		const char *part = dice_one_in(&dice, 2) ? ".25" : "";
		time_t local = t + zone * 60;
		struct tm tm;
		char text[96];
		int64_t seconds = 0;
		if (!gmtime_r(&local, &tm))
			ck_abort();
		int n = snprintf(text, sizeof text, "%04d-%02d-%02d%s%02d:%02d:%02d%s%c%02d%s%02d",
		    tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, separator, tm.tm_hour, tm.tm_min,
		    tm.tm_sec, part, zone < 0 ? '-' : '+', apart / 60, colon, apart % 60);
		if (num_moment(text, (size_t)n, &seconds) != 0 || seconds != (int64_t)t)
			ck_abort_msg("%s: %" PRId64, text, seconds);
	}
}
END_TEST

/* No rate written is ever read as more than it says, and it comes in lowest terms. */
START_TEST(rate_random)
{
	struct dice dice = dice_new("rate_random");
	static const struct {
		const char *name;
		double seconds;
	} units[] = { { "", 1 }, { "/s", 1 }, { "/m", 60 }, { "/h", 3600 } };

	for (int i = 0; i < 20000; i++) {
		unsigned whole = (unsigned)dice_below(&dice, 1000000),
		         part = (unsigned)dice_below(&dice, 1000000);
		size_t unit = (size_t)dice_below(&dice, COUNT(units));
		struct num_rate got;
		char text[64];
		snprintf(text, sizeof text, "%u.%06u%s", whole, part, units[unit].name);
		if (whole == 0)
			continue;
		if (num_rate(text, &got) != 0)
			ck_abort_msg("%s", text);
		double wanted = ((double)whole + (double)part / 1e6) / units[unit].seconds,
		       is = (double)got.num * 1e6 / (double)got.den;
		if (!(is > wanted * (1 - 1e-12) && is < wanted * (1 + 1e-12)))
			ck_abort_msg("%s: %.9g", text, is);
		int64_t a = got.num, b = got.den;
		while (b) {
			int64_t rest = a % b;
			a = b;
			b = rest;
		}
		if (a != 1)
			ck_abort_msg("%s: not in lowest terms", text);
	}
}
END_TEST

/* The form that is written most is read in a way of its own: in a form that says the same, what
 * there is comes out the same. */
START_TEST(moment_in_its_usual_form)
{
	static const char others[] = "0123456789-:/;TtZz +.\xb0";
	struct dice dice = dice_new("moment_in_its_usual_form");
	int good = 0;

	for (int round = 0; round < 200000; round++) {
		char usual[24], other[32];
		int64_t seconds = UNTOUCHED, want = UNTOUCHED;
		int n = snprintf(usual, sizeof usual, "%04d-%02d-%02dT%02d:%02d:%02dZ",
		    (int)dice_below(&dice, 3000), (int)dice_below(&dice, 14),
		    (int)dice_below(&dice, 33), (int)dice_below(&dice, 25),
		    (int)dice_below(&dice, 61), (int)dice_below(&dice, 61));
		if (dice_one_in(&dice, 2))
			usual[dice_below(&dice, n - 1)] =
			    others[dice_below(&dice, sizeof others - 1)];
		snprintf(other, sizeof other, "%.19s+00:00", usual);
		int result = num_moment(usual, (size_t)n, &seconds);
		if (result != num_moment(other, strlen(other), &want) || seconds != want)
			ck_abort_msg("%s: %" PRId64, usual, seconds);
		good += result == 0;
	}
	ck_assert_int_gt(good, 10000);
}
END_TEST

Suite *num_suite(void);
Suite *num_suite(void)
{
	Suite *s = suite_create("num");
	TCase *t = tcase_create("numbers");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, count, 0, COUNT(counts));
	tcase_add_loop_test(t, fraction, 0, COUNT(fractions));
	tcase_add_loop_test(t, time_span, 0, COUNT(times));
	tcase_add_loop_test(t, share, 0, COUNT(shares));
	tcase_add_loop_test(t, rate, 0, COUNT(rates));
	tcase_add_test(t, rate_random);
	tcase_add_loop_test(t, moment, 0, COUNT(moments));
	tcase_add_test(t, moment_with_nul);
	tcase_add_test(t, moment_every_month);
	tcase_add_test(t, moment_random);
	tcase_add_test(t, moment_in_its_usual_form);
	suite_add_tcase(s, t);
	return s;
}
