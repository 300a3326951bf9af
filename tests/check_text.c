/* Escaping, for JSON, for addresses, for terminals. */
#include "base/text.h"

#include <check.h>
#include <jansson.h>
#include <string.h>
#include "base/buf.h"
#include "dice.h"

Suite *text_suite(void);

#define ROWS(table) (int)(sizeof table / sizeof *table)

/* Strings are decoded as jansson decodes them. */
START_TEST(strings_are_decoded_like_jansson)
{
	static const char *const parts[] = { "a", "\xc3\xa9", "\\n", "\\\"", "\\\\", "\\/",
		"\\u0041", "\\u00e9", "\\u20AC", "\\ud83d\\uDE00", "\\u0000", "\xf0\x9f\x98\x80",
		"\\t", "plain text ", "\\b\\f\\r" };
	struct dice d = dice_new("strings_are_decoded_like_jansson");

	for (int round = 0; round < 2000; round++) {
		char json[600] = "\"", text[600];
		for (int64_t n = dice_below(&d, 30); n > 0; n--)
			strcat(json, parts[dice_below(&d, ROWS(parts))]);
		strcat(json, "\"");
		json_t *judge = json_loads(json, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
		ck_assert_ptr_nonnull(judge);
		size_t n = text_unescape(json, strlen(json), text);
		ck_assert_msg(n == json_string_length(judge) &&
		        memcmp(text, json_string_value(judge), n) == 0,
		    "%s", json);
		ck_assert_uint_eq(text_unescape(json, strlen(json), NULL), n);
		json_decref(judge);
	}
}
END_TEST

/* Half a surrogate pair, which a strict reader lets nobody send, is U+FFFD and no more. */
static const struct {
	const char *json, *text;
} halves[] = {
	{ "\"\\ud800\"", "\xef\xbf\xbd" },
	{ "\"\\udc00x\"", "\xef\xbf\xbdx" },
	{ "\"\\ud800\\ue000\"", "\xef\xbf\xbd\xee\x80\x80" },
	{ "\"\\ud800\\u0041\"",
	    "\xef\xbf\xbd"
	    "A" },
	{ "\"\\ud800\\n\"", "\xef\xbf\xbd\n" },
};

START_TEST(half_a_pair_is_no_character)
{
	char text[64];
	size_t n = text_unescape(halves[_i].json, strlen(halves[_i].json), text);

	ck_assert_uint_eq(n, strlen(halves[_i].text));
	ck_assert_mem_eq(text, halves[_i].text, n);
}
END_TEST

/* What a file's text must not do to a terminal, and what nobody would see. */
static const struct {
	const char *text, *shown;
} shown[] = {
	{ "a \xc3\xa9 \xe2\x82\xac", "a \xc3\xa9 \xe2\x82\xac" },
	{ "\033[2J\x7f\n\r\t", "\\x1b[2J\\x7f\\n\\r\\t" },
	{ "\xc2\x9b\xff", "\\xc2\\x9b\\xff" },
	{ "\xe2\x80\xae"
	  "evil",
	    "\\xe2\\x80\\xaeevil" },
	{ "\xef\xbb\xbf"
	  "3",
	    "\\xef\\xbb\\xbf3" },
	{ "i\xe2\x80\x8b"
	  "d\xe2\x81\xa0",
	    "i\\xe2\\x80\\x8bd\\xe2\\x81\\xa0" },
	{ "twenty bytes and more", "twenty bytes and mor..." },
};

START_TEST(text_is_safe_to_be_shown)
{
	struct buf out = { .max = 1000 };

	text_safe(&out, shown[_i].text, strlen(shown[_i].text), 20);
	buf_byte(&out, '\0');
	ck_assert_str_eq(out.data, shown[_i].shown);
	buf_free(&out);
}
END_TEST

Suite *text_suite(void)
{
	Suite *s = suite_create("text");
	TCase *t = tcase_create("text");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, half_a_pair_is_no_character, 0, ROWS(halves));
	tcase_add_loop_test(t, text_is_safe_to_be_shown, 0, ROWS(shown));
	tcase_add_test(t, strings_are_decoded_like_jansson);
	suite_add_tcase(s, t);
	return s;
}
