/* The lines of an answer's head that matter, and what Retry-After asks for. */
#include "send/head.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include "base/buf.h"

#define COUNT(a) (int)(sizeof(a) / sizeof *(a))
#define SECOND INT64_C(1000000)
#define WALL (INT64_C(784111777) * SECOND) /* Sun, 06 Nov 1994 08:49:37 GMT */

Suite *head_suite(void);

/* Each line in memory of just its size. */
static int hear(struct head *h, const char *line)
{
	size_t n = strlen(line);
	char *exact = memcpy(xmalloc(n), line, n);
	int result = head_line(h, exact, n);

	free(exact);
	return result;
}

START_TEST(lines)
{
	struct head h;

	head_init(&h);
	ck_assert_int_eq(hear(&h, "HTTP/1.1 200 OK\r\n"), 0);
	hear(&h, "Content-Type:text/html; charset=utf-8 \r\n");
	hear(&h, "RETRY-AFTER: \t 7\r\n");
	hear(&h, "retry-after: 8\r\n");
	hear(&h, "date: x\n");
	hear(&h, "Dates: y\r\n");
	hear(&h, "Content-Typ: y\r\n");
	hear(&h, "C\r\n");
	ck_assert_str_eq(h.type, "text/html; charset=utf-8");
	ck_assert_str_eq(h.wait, "7");
	ck_assert_str_eq(h.date, "x");
	ck_assert(!h.whole);
	hear(&h, "\r\n");
	ck_assert(h.whole);
}
END_TEST

/* A 100 has a head of its own. */
START_TEST(a_status_line_begins_anew)
{
	struct head h;

	head_init(&h);
	hear(&h, "HTTP/1.1 100 Continue\r\n");
	hear(&h, "Retry-After: 7\r\n");
	hear(&h, "\r\n");
	size_t bytes = h.bytes;
	hear(&h, "HTTP/1.1 429 x\r\n");
	ck_assert(!h.whole);
	ck_assert_str_eq(h.wait, "");
	ck_assert_uint_gt(h.bytes, bytes);
}
END_TEST

START_TEST(a_value_is_cut)
{
	char line[200] = "Retry-After: ";
	struct head h;

	memset(line + strlen(line), '9', 150);
	head_init(&h);
	hear(&h, line);
	ck_assert_uint_eq(strlen(h.wait), HEAD_VALUE - 1);
	ck_assert_int_eq(head_wait(&h, WALL), HEAD_FOREVER);
}
END_TEST

START_TEST(a_head_is_bounded)
{
	char line[1001];
	struct head h;
	size_t n = 0;

	memset(line, 'x', sizeof line - 1);
	line[sizeof line - 1] = '\0';
	head_init(&h);
	while (hear(&h, line) == 0)
		n++;
	ck_assert_uint_eq(n, HEAD_MAX / 1000);
	head_init(&h);
	for (n = 0; hear(&h, "HTTP/1.1 100 Continue\r\n") == 0; n++)
		ck_assert_uint_le(n, HEAD_MAX);
}
END_TEST

static const struct {
	const char *wait, *date;
	int64_t us;
} waits[] = {
	{ "", "", -1 },
	{ "0", "", 0 },
	{ "120", "", 120 * SECOND },
	{ "007", "", 7 * SECOND },
	/* a fraction is rounded up, for it is a lower bound */
	{ "2.9", "", 3 * SECOND },
	{ "2.000001", "", 3 * SECOND },
	{ "0.1", "", SECOND },
	{ "2.0", "", 2 * SECOND },
	{ "2.", "", 2 * SECOND },
	/* too much to be counted is no end, and not nothing */
	{ "9999999999", "", 9999999999 * SECOND },
	{ "9999999999999", "", HEAD_FOREVER },
	{ "99999999999999999999", "", HEAD_FOREVER },
	{ "99999999999999999999.5", "", HEAD_FOREVER },
	{ "9223372036854775807", "", HEAD_FOREVER },
	/* dates, by the server's clock where it says what that is */
	{ "Sun, 06 Nov 1994 08:50:07 GMT", "", 30 * SECOND },
	{ "Sun, 06 Nov 1994 08:50:07 GMT", "Sun, 06 Nov 1994 08:50:02 GMT", 5 * SECOND },
	{ "Sun, 06 Nov 1994 08:50:07 GMT", "Sun, 06 Nov 1994 07:50:07 GMT", 3600 * SECOND },
	{ "Sun, 06 Nov 1994 08:50:07 GMT", "when it suits", 30 * SECOND },
	{ "Sun, 06 Nov 1994 08:49:00 GMT", "", 0 },
	{ "Sun, 06 Nov 1994 08:49:00 GMT", "Sun, 06 Nov 1994 08:49:01 GMT", 0 },
	{ "Sunday, 06-Nov-94 08:50:07 GMT", "", 30 * SECOND },
	{ "Sun Nov  6 08:50:07 1994", "", 30 * SECOND },
	{ "Fri, 31 Dec 9999 23:59:59 GMT", "", (INT64_C(253402300799) - 784111777) * SECOND },
	/* what asks for nothing */
	{ "-1", "", -1 },
	{ "+1", "", -1 },
	{ "1e3", "", -1 },
	{ "1 ", "", -1 },
	{ "1.5.2", "", -1 },
	{ ".5", "", -1 },
	{ "soon", "", -1 },
	{ "Sun, 31 Feb 1994 08:50:07 GMT", "", -1 },
	{ "Sun, 06 Nox 1994 08:50:07 GMT", "", -1 },
	{ "Sun, 06 Nov 1994 25:50:07 GMT", "", -1 },
	{ "Sun, -6 Nov 1994 08:50:07 GMT", "", -1 },
	{ "Sun, 06 Nov", "", -1 },
};

START_TEST(wait)
{
	struct head h;

	head_init(&h);
	ck_assert(strlen(waits[_i].wait) < HEAD_VALUE && strlen(waits[_i].date) < HEAD_VALUE);
	strcpy(h.wait, waits[_i].wait);
	strcpy(h.date, waits[_i].date);
	ck_assert_msg(head_wait(&h, WALL) == waits[_i].us, "%s", waits[_i].wait);
}
END_TEST

/* A wait may be stretched by a half, and added to a time of this century. */
START_TEST(no_wait_is_too_long_to_be_added)
{
	ck_assert_int_lt(HEAD_FOREVER / 2 * 3, INT64_MAX - WALL * 10);
}
END_TEST

START_TEST(dates)
{
	int64_t is = 1;

	ck_assert_int_eq(head_date("Thu, 01 Jan 1970 00:00:00 GMT", &is), 0);
	ck_assert_int_eq(is, 0);
	ck_assert_int_eq(head_date("Wednesday, 01-Jan-69 00:00:00 GMT", &is), 0);
	ck_assert_int_eq(is, 3124224000); /* 2069 */
	ck_assert_int_eq(head_date("Thursday, 01-Jan-70 00:00:01 GMT", &is), 0);
	ck_assert_int_eq(is, 1);
	ck_assert_int_eq(head_date("", &is), -1);
	ck_assert_int_eq(is, 1);
}
END_TEST

Suite *head_suite(void)
{
	Suite *s = suite_create("head");
	TCase *t = tcase_create("head");

	tcase_add_test(t, lines);
	tcase_add_test(t, a_status_line_begins_anew);
	tcase_add_test(t, a_value_is_cut);
	tcase_add_test(t, a_head_is_bounded);
	tcase_add_loop_test(t, wait, 0, COUNT(waits));
	tcase_add_test(t, no_wait_is_too_long_to_be_added);
	tcase_add_test(t, dates);
	suite_add_tcase(s, t);
	return s;
}
