/* Identifiers: what is one, and what only looks like one. */
#include "operation/identifier.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "dice.h"
#include "input/record.h"

Suite *identifier_suite(void);

#define ROWS(table) (int)(sizeof table / sizeof *table)

static enum identifier_fault check(const char *s, size_t n)
{
	char *text = field_text(s, n);
	enum identifier_fault fault = identifier_check(text, n);

	free(text);
	return fault;
}

static const struct {
	const char *text;
	enum identifier_fault fault;
} texts[] = {
	{ "42", IDENTIFIER_GOOD },
	{ "a", IDENTIFIER_GOOD },
	{ "John Smith", IDENTIFIER_GOOD },
	{ "seven bytes and more than sixteen of them, all of them plain", IDENTIFIER_GOOD },
	{ "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", IDENTIFIER_GOOD },
	{ "a\xc2\xa0"
	  "b",
	    IDENTIFIER_GOOD },
	{ "a\xe2\x80\x8b"
	  "b",
	    IDENTIFIER_GOOD },
	{ "\xc3\x85ngstr\xc3\xb6m", IDENTIFIER_GOOD }, /* its bytes 0x85 are no control character */
	{ "", IDENTIFIER_EMPTY },
	{ " ", IDENTIFIER_EMPTY },
	{ "\t\r\n", IDENTIFIER_EMPTY },
	{ "\xc2\xa0\xe3\x80\x80\xef\xbb\xbf", IDENTIFIER_EMPTY },
	{ " a", IDENTIFIER_SPACE },
	{ "a ", IDENTIFIER_SPACE },
	{ "a\n", IDENTIFIER_SPACE },
	{ "a\xc2\x85", IDENTIFIER_SPACE },
	{ "\xe2\x80\xa8"
	  "a",
	    IDENTIFIER_SPACE },
	{ "a\xe2\x80\x8a", IDENTIFIER_SPACE },
	{ "a\xe2\x80\x8b", IDENTIFIER_SPACE },
	{ "a\xe2\x81\xa0", IDENTIFIER_SPACE },
	{ "a\xe1\x9a\x80", IDENTIFIER_SPACE },
	{ "a\tb", IDENTIFIER_CONTROL },
	{ "a\x01", IDENTIFIER_CONTROL },
	{ "\x1f"
	  "a",
	    IDENTIFIER_CONTROL },
	{ "a\x7f", IDENTIFIER_CONTROL },
	{ "sixteen bytes are here\x7f!", IDENTIFIER_CONTROL },
	{ "a\xc2\x80", IDENTIFIER_CONTROL },
	{ "a\xc2\x9f"
	  "b",
	    IDENTIFIER_CONTROL },
};

START_TEST(a_text_stands_for_somebody)
{
	ck_assert_int_eq(check(texts[_i].text, strlen(texts[_i].text)), texts[_i].fault);
}
END_TEST

/* One byte of a text of any length, wherever it stands. */
START_TEST(each_byte_counts)
{
	char text[40];

	for (size_t n = 1; n < sizeof text; n++) {
		for (size_t at = 0; at < n; at++) {
			memset(text, 'x', n);
			text[at] = '\0';
			ck_assert_int_eq(check(text, n), IDENTIFIER_CONTROL);
			text[at] = '\x7f';
			ck_assert_int_eq(check(text, n), IDENTIFIER_CONTROL);
			text[at] = ' ';
			ck_assert_int_eq(check(text, n),
			    n == 1                     ? IDENTIFIER_EMPTY :
			        at == 0 || at == n - 1 ? IDENTIFIER_SPACE :
			                                 IDENTIFIER_GOOD);
		}
	}
}
END_TEST

static const struct {
	const char *text;
	bool email;
} emails[] = {
	{ "a@b", true },
	{ "ann.o'brien+x@example.co.uk", true },
	{ "\xc3\xa9@\xc3\xa9.fr", true },
	{ "\"quoted\"@x.io", true },
	{ "ann", false },
	{ "@", false },
	{ "@b", false },
	{ "a@", false },
	{ "a@b@c", false },
	{ "a@b@", false },
	{ "a b@c", false },
	{ "a@b,c@d", false },
	{ "a@b;c", false },
	{ "<a@b>", false },
	{ "a\xc2\xa0@b", false },
	{ "a@b\xe2\x80\x8b.c", false },
};

START_TEST(one_email_address)
{
	ck_assert_int_eq(identifier_is_email(emails[_i].text, strlen(emails[_i].text)),
	    emails[_i].email);
}
END_TEST

static const struct {
	const char *number, *text; /* NULL: no integer */
} numbers[] = {
	{ "0", "0" },
	{ "-0", "0" },
	{ "0.0", "0" },
	{ "0e99", "0" },
	{ "-0.0e-5", "0" },
	{ "1.0", "1" },
	{ "1e3", "1000" },
	{ "1E3", "1000" },
	{ "1e+3", "1000" },
	{ "-1.50e1", "-15" },
	{ "1000e-3", "1" },
	{ "1000e-4", NULL },
	{ "1.5", NULL },
	{ "-0.1", NULL },
	{ "0.001e3", "1" },
	{ "12.340e2", "1234" },
	{ "12.345e2", NULL },
	{ "123456789012345678901234567890", "123456789012345678901234567890" },
	{ "123456789012345678901234567890.00", "123456789012345678901234567890" },
	{ "1e-400", NULL },
	{ "1e-99999999999999999999", NULL },
};

START_TEST(numbers_are_integers)
{
	const char *number = numbers[_i].number;
	char out[100 + IDENTIFIER_DIGITS];
	size_t n = identifier_from_number(number, strlen(number), out);

	ck_assert_uint_eq(n, numbers[_i].text ? strlen(numbers[_i].text) : 0);
	if (n)
		ck_assert_mem_eq(out, numbers[_i].text, n);
}
END_TEST

/* Random ones, against the C library. */
START_TEST(numbers_are_what_they_say)
{
	struct dice d = dice_new("numbers_are_what_they_say");

	for (int round = 0; round < 20000; round++) {
		char number[80], want[80], out[80 + IDENTIFIER_DIGITS];
		int exponent = (int)dice_below(&d, 7) - 3;
		long whole = (long)dice_below(&d, dice_one_in(&d, 2) ? 3 : 30000);
		snprintf(number, sizeof number, "%s%ld", dice_one_in(&d, 2) ? "-" : "", whole);
		if (dice_one_in(&d, 2))
			snprintf(number + strlen(number), 20, ".%0*d", (int)dice_below(&d, 4) + 1,
			    (int)dice_below(&d, 2) * 10);
		if (dice_one_in(&d, 2))
			snprintf(number + strlen(number), 20, "e%d", exponent);
		/* in thousandths of thousandths, which a double holds */
		double value = strtod(number, NULL);
		long long parts = (long long)(value * 1e7 + (value < 0 ? -0.5 : 0.5));
		size_t n = identifier_from_number(number, strlen(number), out);
		if (parts % 10000000 != 0) {
			ck_assert_msg(n == 0, "%s", number);
			continue;
		}
		snprintf(want, sizeof want, "%lld", parts / 10000000);
		ck_assert_msg(n == strlen(want) && memcmp(out, want, n) == 0, "%s: %.*s", number,
		    (int)n, out);
	}
}
END_TEST

START_TEST(the_largest_double_has_room)
{
	char out[100 + IDENTIFIER_DIGITS];

	ck_assert_uint_eq(identifier_from_number("1e308", 5, out), 309);
	ck_assert_uint_eq(identifier_from_number("-0.1e309", 8, out), 310);
	ck_assert_uint_eq(identifier_from_number("1e400", 5, out), 0);
}
END_TEST

Suite *identifier_suite(void)
{
	Suite *s = suite_create("identifier");
	TCase *t = tcase_create("identifier");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, a_text_stands_for_somebody, 0, ROWS(texts));
	tcase_add_test(t, each_byte_counts);
	tcase_add_loop_test(t, one_email_address, 0, ROWS(emails));
	tcase_add_loop_test(t, numbers_are_integers, 0, ROWS(numbers));
	tcase_add_test(t, numbers_are_what_they_say);
	tcase_add_test(t, the_largest_double_has_room);
	suite_add_tcase(s, t);
	return s;
}
