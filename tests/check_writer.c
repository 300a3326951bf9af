/* The writer: numbers, and texts of every length with what has to be escaped in every place. */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dice.h"
#include "input/record.h"
#include "base/writer.h"
#include "base/text.h"

Suite *writer_suite(void);

static void check_digits(int64_t n)
{
	char want[32], got[WRITER_DIGITS + 2];

	memset(got, '#', sizeof got);
	size_t len = writer_digits(n, got + 1);
	snprintf(want, sizeof want, "%" PRId64, n);
	ck_assert_uint_eq(len, strlen(want));
	ck_assert_mem_eq(got + 1, want, len);
	ck_assert_int_eq(got[0], '#');
	ck_assert_int_eq(got[WRITER_DIGITS + 1], '#');
}

START_TEST(numbers_are_as_printf_has_them)
{
	struct dice d = dice_new("numbers_are_as_printf_has_them");

	for (int64_t power = 1; power <= INT64_MAX / 10; power *= 10) {
		for (int64_t near = -1; near <= 1; near++) {
			check_digits(power * 10 + near);
			check_digits(-power * 10 + near);
		}
	}
	for (int64_t n = -2000; n <= 2000; n++)
		check_digits(n);
	check_digits(INT64_MIN);
	check_digits(INT64_MAX);
	for (int round = 0; round < 100000; round++)
		check_digits((int64_t)dice_next(&d) >> dice_below(&d, 64));
}
END_TEST

/* n bytes, and a slack that holds what would have to be escaped. */
static void fill(char *to, size_t n)
{
	memset(to, 'x', n);
	memset(to + n, '"', FIELD_SLACK);
}

static const struct {
	char c;
	const char *escaped;
} places[] = {
	{ 'y', "y" },
	{ '"', "\\\"" },
	{ '\\', "\\\\" },
	{ '\x1f', "\\u001f" },
	{ ' ', " " },
	{ '!', "!" },
	{ '#', "#" },
};

START_TEST(a_member_of_any_length)
{
	char key[64 + FIELD_SLACK], value[64 + FIELD_SLACK], want[512];
	size_t place = _i % 7;

	for (size_t k = 2; k <= 40; k++) {
		for (size_t n = 1; n <= 64; n++) {
			struct buf b = { .max = 1000 };
			struct writer w;
			size_t at = (k * 7 + n) % n;
			fill(key, k);
			fill(value, n);
			value[at] = places[place].c;
			writer_open(&w, &b, 1);
			writer_member(&w, key, k, value, n, false);
			writer_member(&w, key, k, value, n, true);
			writer_member(&w, key, k, value, 0, false);
			writer_close(&w);
			int len = snprintf(want, sizeof want,
			    "%.*s:\"%.*s%s%.*s\",%.*s:%.*s,%.*s:\"\",", (int)k, key, (int)at, value,
			    places[place].escaped, (int)(n - at - 1), value + at + 1, (int)k, key,
			    (int)n, value, (int)k, key);
			ck_assert_uint_eq(b.len, (size_t)len);
			ck_assert_mem_eq(b.data, want, b.len);
			buf_free(&b);
		}
	}
}
END_TEST

/* Of a text in as many bytes as it has, and not one more that could be read. */
START_TEST(a_text_of_any_length)
{
	for (size_t n = 0; n <= 64; n++) {
		for (size_t at = 0; at <= n; at++) { /* at n: nothing in it is special */
			struct buf got = { .max = 1000 }, want = { .max = 1000 };
			struct writer w;
			char *text = xmalloc(n);
			memset(text, 'x', n);
			if (at < n)
				text[at] = places[_i].c;
			writer_open(&w, &got, 1);
			writer_text(&w, text, n);
			writer_close(&w);
			text_json(&want, text, n);
			ck_assert_uint_eq(got.len, want.len);
			ck_assert_mem_eq(got.data, want.data, want.len);
			free(text);
			buf_free(&got);
			buf_free(&want);
		}
	}
}
END_TEST

/* Where a buf does not grow, what becomes six times as long is written only where there is room for
 * it. */
START_TEST(a_member_in_a_small_buf)
{
	char key[2 + FIELD_SLACK] = "\"k", value[20 + FIELD_SLACK], bytes[300];

	memset(value, '\x01', sizeof value);
	for (size_t room = 1; room < 200; room++) {
		struct buf b = { .data = bytes, .cap = room, .max = room - 1 };
		struct writer w;
		memset(bytes, '#', sizeof bytes);
		writer_open(&w, &b, 1);
		writer_member(&w, key, 2, value, 20, false);
		writer_close(&w);
		ck_assert_uint_lt(b.len, room);
		for (size_t i = room; i < sizeof bytes; i++)
			ck_assert_int_eq(bytes[i], '#');
		ck_assert(b.over || b.len == 2 + 1 + 2 + 20 * 6 + 1);
	}
}
END_TEST

Suite *writer_suite(void)
{
	Suite *s = suite_create("writer");
	TCase *t = tcase_create("writer");

	tcase_add_test(t, numbers_are_as_printf_has_them);
	tcase_add_loop_test(t, a_member_of_any_length, 0, sizeof places / sizeof *places);
	tcase_add_loop_test(t, a_text_of_any_length, 0, sizeof places / sizeof *places);
	tcase_add_test(t, a_member_in_a_small_buf);
	suite_add_tcase(s, t);
	return s;
}
