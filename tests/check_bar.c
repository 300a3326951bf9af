/* The bar, cut to every width. */
#include "show/bar.h"

#include <check.h>
#include <locale.h>
#include <stdlib.h>
#include <wchar.h>
#include "dice.h"
#include "expect.h"

Suite *bar_suite(void);

#define S INT64_C(1000000)
#define ROWS(table) (int)(sizeof table / sizeof *table)

static const struct counters half = {
	.read = 105062,
	.outcomes = { 104988, 0, 3, 9, 0 },
	.requests = 105020,
	.retries = 3,
	.rate_limited = 2,
};
static const struct counters all_but_one = { .outcomes = { (UINT64_C(1) << 60) - 1 } };
static const struct counters fresh = { .read = 10 };
static const struct counters all = { .read = 2500, .outcomes = { 2500 }, .requests = 2501 };
static const struct counters huge = {
	.read = 104000000,
	.outcomes = { 98765432, 0, 1234567, 0, 0 },
	.requests = 100000001,
	.retries = 54321,
};

static const struct moment sending = { .elapsed_us = 2100 * S,
	.total = 250000,
	.in_flight = 10,
	.queued = 52 };
static const struct moment batches = { .total = 250000,
	.in_flight = 2,
	.queued = 5200,
	.speed = 244700 };
static const struct moment limited = { .total = 250000,
	.in_flight = 10,
	.queued = 52,
	.waiting = WAITING_THROTTLED,
	.waiting_us = 11500000 };
static const struct moment limited_at_end = { .total = 250000, .waiting = WAITING_THROTTLED };
static const struct moment down = { .total = 250000,
	.in_flight = 1,
	.queued = 52,
	.waiting = WAITING_DOWN,
	.waiting_us = 8 * S };
static const struct moment pipe_idle = { .waiting = WAITING_INPUT };
static const struct moment finished = { .total = 2500 };
/* the total was passed */
static const struct moment shrunk = { .total = 100000, .in_flight = 10 };
static const struct moment two_to_the_60 = { .total = UINT64_C(1) << 60 };
static const struct moment large = { .total = 200000000, .in_flight = 100, .queued = 4096 };

static const struct {
	const struct counters *c;
	const struct moment *m;
	double rate;
	unsigned width;
	const char *line;
} lines[] = {
	{ &half, &sending, 49.93, 0, "" },
	{ &half, &sending, 49.93, 2, "42" },
	{ &half, &sending, 49.93, 10, "42%" },
	{ &half, &sending, 49.93, 11, "42%  12 err" },
	{ &half, &sending, 49.93, 40, "42%  104,988 ok  12 err  49.9/s  49m" },
	{ &half, &sending, 49.93, 80,
	    "42%  104,988 ok  12 err  3 retries  10 in flight  52 waiting  49.9/s  49m" },
	{ &half, &sending, 49.93, 91,
	    "42%  104,988 ok  12 err  3 retries  10 in flight  52 waiting  49.9/s  49m" },
	{ &half, &sending, 49.93, 92,
	    "42.0%  104,988 accepted  12 errors  3 retries  10 in flight  52 waiting  49.9/s  49 "
	    "min left" },
	{ &half, &batches, 870, 74,
	    "42%  104,988 ok  12 err  3 retries  2 in flight  870/s  245 kB/s  3m" },
	{ &half, &batches, 870, 64, "42%  104,988 ok  12 err  3 retries  2 in flight  870/s  3m" },
	{ &half, &batches, 870, 200,
	    "users.csv  42.0%  [############------------------]  104,988 accepted  12 errors  3 "
	    "retries  2 in flight  5,200 waiting  870/s  245 kB/s  3 min left" },
	{ &half, &sending, 49.93, 110,
	    "42.0%  [####------]  104,988 accepted  12 errors  3 retries  10 in flight  52 waiting "
	    " "
	    "49.9/s  49 min left" },
	{ &half, &sending, 49.93, 120,
	    "users.csv  42.0%  [####------]  104,988 accepted  12 errors  3 retries  10 in flight  "
	    "52 waiting  49.9/s  49 min left" },
	{ &half, &sending, 49.93, 200,
	    "users.csv  42.0%  [############------------------]  104,988 accepted  12 errors  "
	    "3 retries  10 in flight  52 waiting  49.9/s  49 min left" },
	{ &fresh, &sending, 0, 40, "0%  0 ok  0 err  10 in flight  0.0/s" },
	{ &fresh, &sending, 0, 80,
	    "0.0%  [----------]  0 accepted  0 errors  10 in flight  52 waiting  0.0/s" },
	{ &all, &finished, 50, 40, "100%  2,500 ok  0 err  50.0/s  0s" },
	{ &all, &finished, 50, 94,
	    "users.csv  100%  [##########]  2,500 accepted  0 errors  0 in flight  50.0/s  0 s "
	    "left" },
	{ &half, &limited, 10, 40, "42%  12 err  rate limited, 12 s" },
	{ &half, &limited, 10, 80,
	    "42%  104,988 ok  12 err  10 in flight  10.0/s  4h2m  rate limited, 12 s" },
	{ &half, &limited, 10, 18, "rate limited, 12 s" },
	{ &half, &limited, 10, 7, "rate li" },
	{ &half, &limited_at_end, 0, 40, "42%  104,988 ok  12 err  rate limited" },
	{ &half, &down, 0, 40, "42%  12 err  down, again in 8 s" },
	{ &half, &down, 0, 120,
	    "42.0%  104,988 accepted  12 errors  3 retries  1 in flight  52 waiting  0.0/s  "
	    "destination down, trying again in 8 s" },
	{ &half, &down, 10, 80,
	    "42%  104,988 ok  12 err  3 retries  1 in flight  10.0/s  down, again in 8 s" },
	{ &half, &pipe_idle, 49.93, 40, "105,000  12 err  waiting for input" },
	{ &half, &pipe_idle, 49.93, 120,
	    "users.csv  105,000 records  104,988 accepted  12 errors  3 retries  0 in flight  "
	    "49.9/s  waiting for input" },
	{ &half, &shrunk, 49.93, 80,
	    "105,000 records  104,988 accepted  12 errors  3 retries  10 in flight  49.9/s" },
	{ &huge, &large, 0.001, 80,
	    "49%  98,765,432 ok  1,234,567 err  54,321 retries  100 in flight  0.0/s" },
	{ &all_but_one, &two_to_the_60, 0, 3, "99%" },
	{ &huge, &large, 12345, 40, "49%  98,765,432 ok  1,234,567 err  2h16m" },
	{ &huge, &large, 12345, 39, "49%  98,765,432 ok  1,234,567 err" },
};

START_TEST(the_line_fits_its_width)
{
	struct buf b;

	setlocale(LC_CTYPE, "C.UTF-8");
	buf_init(&b, 1000);
	unsigned cells = bar_line(&b, lines[_i].c, lines[_i].m, lines[_i].rate,
	    "/data/in/users.csv", lines[_i].width, false);
	ck_assert_uint_eq(cells, b.len);
	expect_text(&b, lines[_i].line, lines[_i].line);
	buf_free(&b);
}
END_TEST

static const struct {
	const char *name, *shown;
} names[] = {
	{ NULL, "" },
	{ "users.csv", "users.csv  " },
	{ "./a/ユーザー.csv", "ユーザー.csv  " },
	{ "/dev/stdin", "stdin  " },
	{ "顧客顧客顧客顧客顧客顧客顧客.csv", "顧客顧客顧客顧客顧客顧..  " },
	{ "a\r\033[2K.csv", "a\\r\\x1b[2K.csv  " },
	{ "x/", "" },
};

START_TEST(the_name_is_the_last_part_made_safe)
{
	struct buf b, want;

	setlocale(LC_CTYPE, "C.UTF-8");
	buf_init(&b, 1000);
	buf_init(&want, 1000);
	bar_line(&b, &all, &finished, 50, names[_i].name, 200, false);
	buf_fmt(&want,
	    "%s100%%  [##############################]  2,500 accepted  0 errors  0 in flight  "
	    "50.0/s  0 s left",
	    names[_i].shown);
	buf_byte(&want, '\0');
	expect_text(&b, want.data, names[_i].shown);
	buf_free(&want);
	buf_free(&b);
}
END_TEST

START_TEST(colour_marks_errors_and_waiting_only)
{
	struct buf b;

	buf_init(&b, 1000);
	ck_assert_uint_eq(bar_line(&b, &half, &limited, 10, NULL, 40, true), 31);
	expect_text(&b, "42%  \033[31m12 err\033[m  \033[33mrate limited, 12 s\033[m", "both");
	bar_line(&b, &all, &finished, 50, NULL, 40, true);
	expect_text(&b, "100%  2,500 ok  0 err  50.0/s  0s", "neither");
	buf_free(&b);
}
END_TEST

/* Any number of any length, the short ones often. */
static uint64_t any(struct dice *d)
{
	return dice_next(d) >> dice_below(d, 62) >> 2;
}

static void random_state(struct dice *d, struct counters *c, struct moment *m)
{
	for (int i = 0; i < OUTCOME_COUNT; i++)
		c->outcomes[i] = any(d) / OUTCOME_COUNT;
	c->retries = any(d);
	m->total = dice_one_in(d, 3) ? 0 :
	    dice_one_in(d, 2)        ? any(d) :
	                               counters_finished(c) + any(d);
	m->in_flight = (unsigned)any(d);
	m->queued = any(d);
	m->waiting = (enum waiting)dice_below(d, 4);
	m->waiting_us = (int64_t)any(d);
}

/* The cells of the line, colours apart; fails on a character that is not to be there. Each
 * ck_assert is a message to Check's parent process, too many for one a character. */
static unsigned measure(const struct buf *b)
{
	unsigned cells = 0;
	mbstate_t state = { 0 };
	wchar_t c;

	for (size_t i = 0; i < b->len;) {
		if (b->data[i] == '\033') {
			size_t len = strspn(b->data + i + 1, "[0123456789");
			if (b->data[i + 1 + len] != 'm')
				ck_abort_msg("not a colour at %zu", i);
			i += len + 2;
			continue;
		}
		size_t n = mbrtowc(&c, b->data + i, b->len - i, &state);
		int width = n > 0 && n <= b->len - i ? wcwidth(c) : -1;
		if (width < 0)
			ck_abort_msg("not a character that has a width at %zu", i);
		cells += (unsigned)width;
		i += n;
	}
	return cells;
}

START_TEST(no_line_is_wider_than_asked)
{
	static const char *const any_name[] = { NULL, "users.csv",
		"顧客データ一覧顧客データ一覧.csv", "e\xcc\x81t\xc3\xa9.csv", "\xff\033[K" };
	struct dice d = dice_new("no_line_is_wider_than_asked");
	struct counters c = { 0 };
	struct moment m = { 0 };
	struct buf b;

	setlocale(LC_CTYPE, "C.UTF-8");
	buf_init(&b, 2000);
	for (int round = 0; round < 500; round++) {
		random_state(&d, &c, &m);
		double rate = dice_one_in(&d, 5) ? 0 : (double)any(&d) / 1000;
		const char *name = any_name[dice_below(&d, ROWS(any_name))];
		bool colour = dice_one_in(&d, 2);
		for (unsigned width = 0; width <= 200; width += 1 + (unsigned)dice_below(&d, 20)) {
			unsigned said = bar_line(&b, &c, &m, rate, name, width, colour);
			buf_byte(&b, '\0');
			ck_assert(!b.over);
			b.len--;
			ck_assert_uint_eq(measure(&b), said);
			ck_assert_msg(said <= width, "%u cells of %u: %s", said, width, b.data);
			ck_assert_msg(width < 20 || said > 0, "nothing said in %u cells", width);
			buf_reset(&b);
		}
	}
	buf_free(&b);
}
END_TEST

Suite *bar_suite(void)
{
	Suite *s = suite_create("bar");
	TCase *t = tcase_create("all");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, the_line_fits_its_width, 0, ROWS(lines));
	tcase_add_loop_test(t, the_name_is_the_last_part_made_safe, 0, ROWS(names));
	tcase_add_test(t, colour_marks_errors_and_waiting_only);
	tcase_add_test(t, no_line_is_wider_than_asked);
	suite_add_tcase(s, t);
	return s;
}
