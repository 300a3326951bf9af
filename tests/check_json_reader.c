/* JSON documents as streams, in pieces of every size. */
#include <check.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include "base/reason.h"
#include "base/scan.h"
#include "dice.h"
#include "input/record.h"
#include "model_json.h"
#include "base/os.h"

Suite *json_reader_suite(void);

static const struct feeding whole = { .chunk = 1 << 20, .base = 1 << 16, .longest = RECORD_MAX };

/* The reader finds what jansson finds, as far as jansson can tell; counts what it finds; and finds
 * the same however the bytes come. */
static void assert_as_jansson(const char *data, size_t n, const struct feeding *how)
{
	struct buf model = { .max = ANY }, trace = { .max = ANY }, once = { .max = ANY };
	struct feeding at_once = *how;

	at_once.chunk = n + 1;
	at_once.base = n + 64;
	at_once.again = false;
	bool all = model_json(&model, data, n, how);
	trace_json(&trace, data, n, how);
	trace_json(&once, data, n, &at_once);
	if (!same_trace(&once, &trace))
		ck_abort_msg("%s", explain_traces(&once, &trace, data, n, how));
	if (!all && model.len < trace.len)
		trace.len = model.len;
	if (!same_trace(&model, &trace))
		ck_abort_msg("%s", explain_traces(&model, &trace, data, n, how));
	if (all && !memchr(data, '\x1e', n))
		ck_assert_uint_eq(count_json(data, n, how), trace_records(&trace));
	buf_free(&model);
	buf_free(&trace);
	buf_free(&once);
}

/* Texts, and what becomes of them: the first value of each record, ! where it is refused, and X
 * where nothing more can be read; then the place and the reason of that. */
static const struct {
	const char *text, *records, *why;
} texts[] = {
	{ "", "", NULL },
	{ " \r\n\t", "", NULL },
	{ "[]", "", NULL },
	{ " [ ] ", "", NULL },
	{ "{}", "-", NULL },
	{ "{\"a\":1}", "1", NULL },
	{ "{\"a\":1}{\"a\":2}", "12", NULL },
	{ "{\"a\":1}\n\n{\n\"a\"\n:\n2\n}\n", "12", NULL },
	{ "[{\"a\":1},{\"a\":2}]", "12", NULL },
	{ "[\n  {\n    \"a\": 1\n  },\r\n  {\r\n    \"a\": 2\r\n  }\n]\n", "12", NULL },
	{ "[{\"a\":1}][{\"a\":2}]{\"a\":3}", "123", NULL }, /* pages of an API */
	{ "[{\"a\":1},5,\"x\",null,[{\"a\":9}],{\"a\":2}]", "1!!!!2", NULL },
	{ "{\"a\":1}5 \"x\" null {\"a\":2}", "1!!!2", NULL },
	{ "{\"a\":1e999,\"b\":[1,{\"c\":\"}\"}]}{\"a\":2}", "!2", NULL },
	{ "{\"a\":\"\\ud800\"}{\"a\":2}", "!2", NULL },
	{ "{\"a\\u0000\":1}{\"a\":2}", "!2", NULL },
	{ "{\"a\":1,\"a\":2}{\"a\":2}", "!2", NULL },
	{ "{\"b\":\"\xe9\"}{\"a\":2}", "!2", NULL },
	{ "5", "!", NULL },
	{ "-1.5e3", "!", NULL },
	/* a piece may end where a long number's digits are missing */
	{ "{\"a\":1234567890123.5}5", "1234567890123.5!", NULL },
	{ "{\"a\":1234567890123e+5}5", "1234567890123e+5!", NULL },
	{ "12345678901234567890E5 1.", "!X", "1:26: a number ends with its point" },
	{ "[", "X", "1:2: the array is not closed" },
	{ "[{\"a\":1}", "1X", "1:9: the array is not closed" },
	{ "[{\"a\":1},", "1X", "1:10: the array is not closed" },
	{ "[{\"a\":1},]", "1X", "1:10: a value was expected" },
	{ "[,{\"a\":1}]", "X", "1:2: a value was expected" },
	{ "[{\"a\":1} {\"a\":2}]", "1X", "1:10: a comma or ] is missing" },
	{ "[{\"a\":1}}", "1X", "1:9: a comma or ] is missing" },
	{ "{\"a\":1},{\"a\":2}", "1X", "1:8: a value was expected" },
	{ "]", "X", "1:1: a value was expected" },
	{ "{\"a\":1}\n{\"a\":2,\n \"b\":}\n{\"a\":3}", "1X", "3:6: a value was expected" },
	{ "{\"a\":1}\n{\"a\":2,\n \"b\":\"x", "1X", "3:8: a string is not closed" },
	{ "{\"a\":1}\n{\"a\":2,\n \"b\":\"x\n\"}", "1X",
	    "3:8: a control character stands in a string: it has to be escaped" },
	{ "{\"a\":1}{\"a\":2", "1X", "1:14: the object is not closed" },
	{ "{\"a\":1}\n\xef\xbb\xbf{\"a\":2}", "1X",
	    "2:1: a byte-order mark stands here: take it out" },
	{ "{\"a\":1}nullx", "1X", "1:8: a value was expected" },
	{ "{\"a\":1}nul", "1X", "1:8: a value was expected" },
	{ "{\"a\":1}\nid,name\n", "1X", "2:1: a value was expected" },
	{ "{\"a\":1e999,\"b\":}", "X", "1:16: a value was expected" },
};

static void put_outcome(struct buf *out, enum input_result result, const struct record *r)
{
	if (result == INPUT_BAD)
		buf_byte(out, '!');
	else if (r->count == 0)
		buf_byte(out, '-');
	else
		buf_add(out, r->fields[0].value, r->fields[0].value_len);
}

START_TEST(one_text)
{
	const char *text = texts[_i].text;
	struct buf got = { .max = ANY };
	enum input_result result;
	struct json_reader reader;
	struct record r = { 0 };
	struct reason why;
	struct source s;
	struct feed f;
	uint64_t layouts = 0;

	feed_open(&f, &s, text, strlen(text), &whole);
	json_reader_init(&reader, &s, RECORD_MAX, &layouts);
	while (
	    (result = json_reader_next(&reader, &r, &why)) == INPUT_RECORD || result == INPUT_BAD)
		put_outcome(&got, result, &r);
	ck_assert_int_eq(result, texts[_i].why ? INPUT_FAILED : INPUT_END);
	ck_assert_int_eq(json_reader_next(&reader, &r, &why), result); /* and so it stays */
	buf_str(&got, texts[_i].why ? "X" : "");
	buf_byte(&got, '\0');
	ck_assert_str_eq(got.data, texts[_i].records);
	if (texts[_i].why)
		ck_assert_msg(strncmp(reader.why.text, texts[_i].why, strlen(texts[_i].why)) == 0,
		    "%s", reader.why.text);
	json_reader_free(&reader);
	source_free(&s);
	buf_free(&got);
	for (struct feeding how = whole; how.chunk > 0; how.chunk /= 2)
		assert_as_jansson(text, strlen(text), &how);
	struct feeding how = whole;
	for (how.chunk = 1; how.chunk < 40; how.chunk++)
		for (how.longest = 1; how.longest < 30; how.longest++)
			assert_as_jansson(text, strlen(text), &how);
}
END_TEST

/* Lines are those of the file, and a record is one line. */
START_TEST(laid_out)
{
	static const char text[] =
	    "\n[\n {\r\n  \"b\\u00e9\" : 29.90,\n\t\"c\":{\n\"x\" : [ 1 ]}\n "
	    "}\n,\n5,\n{\"_cio_line\":\n7,\"a\":1e1}]";
	static const struct {
		uint64_t line;
		const char *raw, *value;
	} expected[] = {
		{ 3, "{    \"b\\u00e9\" : 29.90, \t\"c\":{ \"x\" : [ 1 ]}  }", "29.90" },
		{ 9, "5", NULL },
		{ 10, "{\"a\":1e1}", "1e1" },
	};
	struct json_reader reader;
	struct record r = { 0 };
	struct reason why;
	struct source s;
	struct feed f;
	uint64_t layouts = 0;

	for (size_t chunk = 1; chunk < 90; chunk++) {
		struct feeding how = { .chunk = chunk,
			.base = 7,
			.longest = 100,
			.again = chunk % 2 };
		feed_open(&f, &s, text, sizeof text - 1, &how);
		json_reader_init(&reader, &s, 100, &layouts);
		for (int i = 0; i < 3; i++) {
			enum input_result result;
			while ((result = json_reader_next(&reader, &r, &why)) == INPUT_AGAIN)
				;
			ck_assert_int_eq(result, expected[i].value ? INPUT_RECORD : INPUT_BAD);
			ck_assert_uint_eq(r.from.line, expected[i].line);
			ck_assert_uint_eq(r.from.raw_len, strlen(expected[i].raw));
			ck_assert_mem_eq(r.from.raw, expected[i].raw, r.from.raw_len);
			if (!expected[i].value)
				continue;
			ck_assert_uint_eq(r.fields[0].value_len, strlen(expected[i].value));
			ck_assert_mem_eq(r.fields[0].value, expected[i].value,
			    r.fields[0].value_len);
		}
		json_reader_free(&reader);
		source_free(&s);
	}
}
END_TEST

/* Deeper than the scanner goes: its brackets say where it ends. */
START_TEST(too_deep)
{
	struct buf text = { .max = ANY }, trace = { .max = ANY };
	struct feeding how = whole;

	buf_str(&text, "[{\"a\":1},\n{\"a\":");
	for (int i = 0; i < 5000; i++)
		buf_byte(&text, '[');
	buf_str(&text, "\"]\\\"]\"");
	for (int i = 0; i < 5000; i++)
		buf_byte(&text, ']');
	buf_str(&text, "},{\"a\":3}]");
	for (how.chunk = 1000; how.chunk < 20000; how.chunk += 900) {
		buf_reset(&trace);
		trace_json(&trace, text.data, text.len, &how);
		ck_assert_uint_eq(trace_records(&trace), 3);
		ck_assert_ptr_nonnull(os_find(trace.data, trace.len,
		    "\x1e"
		    "B 2 ",
		    5));
		ck_assert_ptr_null(os_find(trace.data, trace.len, "\x1eX", 2));
	}
	text.len--; /* the array's bracket */
	buf_reset(&trace);
	trace_json(&trace, text.data, text.len, &whole);
	ck_assert_ptr_nonnull(os_find(trace.data, trace.len, "\x1eX", 2));
	buf_free(&text);
	buf_free(&trace);
}
END_TEST

static const char *const seeds[] = {
	"{\"id\":\"1\",\"email\":\"a@b.c\",\"n\":1.5e3,\"t\":true,\"l\":[1,[2,{\"x\":null}]]}",
	"{\"id\":\"1\",\"u\":\"\\u00e9\\ud83d\\ude00\"}",
	"{\n  \"a\": -0,\n  \"b\": {},\n  \"d\": \"\xc3\xa9\xe2\x82\xac\"\n}",
	"{ \"key\" : \"a string that is longer than sixteen bytes \\\" and then some\" }",
	"{\"a\":1,\"b\":2,\"c\":3}",
	"{\"a\":1e308,\"b\":\"\\\\\",\"\\u0061b\":0.1}",
	"[1,\"]\"]",
	"17",
};

static const char spice[] =
    "{}[]:,\"\\ue0123456789abcdefE+-. \t\r\ntrfalsn\x01\x7f\x80\xc3\xa9\xff";

/* Some values, in an array or not, with some bytes changed. */
static void mutated(struct buf *out, struct dice *dice)
{
	bool array = dice_one_in(dice, 2);

	buf_reset(out);
	buf_str(out, array ? "[" : "");
	for (int64_t i = dice_below(dice, 5); i >= 0; i--) {
		buf_str(out, seeds[dice_below(dice, sizeof seeds / sizeof *seeds)]);
		buf_str(out, array && i ? "," : dice_one_in(dice, 2) ? "\n" : " ");
	}
	buf_str(out, array ? "]\n" : "");
	for (int64_t changes = dice_below(dice, 4); changes > 0; changes--)
		out->data[dice_below(dice, (int64_t)out->len)] =
		    spice[dice_below(dice, sizeof spice)]; /* with its NUL */
}

START_TEST(mutated_texts)
{
	struct dice dice = dice_new("mutated_texts");
	struct buf text = { .max = ANY };

	for (int round = 0; round < 20000; round++) {
		struct feeding how = whole;
		mutated(&text, &dice);
		how.chunk = 1 + (size_t)dice_below(&dice, round % 2 ? 8 : 400);
		how.base = 1 + (size_t)dice_below(&dice, 300);
		how.longest = round % 4 ? RECORD_MAX : 1 + (size_t)dice_below(&dice, 120);
		how.again = round % 5 == 0;
		assert_as_jansson(text.data, text.len, &how);
	}
	buf_free(&text);
}
END_TEST

/* A record of exactly the longest size, and one more; read in the memory that it needs. */
START_TEST(sixteen_mebibytes)
{
	struct feeding how = { .chunk = 1 << 20, .base = 1 << 16, .longest = RECORD_MAX };
	size_t n = RECORD_MAX + 16;
	char *data = malloc(n);
	struct json_reader reader;
	struct record r = { 0 };
	struct reason why;
	struct source s;
	struct feed f;
	uint64_t layouts = 0;

	for (size_t more = 0; more < 2; more++) {
		memset(data, 'z', n);
		memcpy(data, "[{\"a\":\"", 7);
		memcpy(data + RECORD_MAX - 1 + more, "\"},\n{}]", 7);
		feed_open(&f, &s, data, RECORD_MAX + 6 + more, &how);
		json_reader_init(&reader, &s, RECORD_MAX, &layouts);
		ck_assert_int_eq(json_reader_next(&reader, &r, &why),
		    more ? INPUT_BAD : INPUT_RECORD);
		ck_assert_uint_eq(r.from.raw_len, more ? RAW_SHOWN : RECORD_MAX);
		ck_assert_uint_le(s.cap, RECORD_MAX + how.base + 2);
		ck_assert_int_eq(json_reader_next(&reader, &r, &why), INPUT_RECORD);
		ck_assert_uint_eq(r.from.line, 2);
		ck_assert_int_eq(json_reader_next(&reader, &r, &why), INPUT_END);
		json_reader_free(&reader);
		source_free(&s);
	}
	free(data);
}
END_TEST

#define LOOP(tcase, test, table) \
	tcase_add_loop_test(tcase, test, 0, (int)(sizeof table / sizeof *table))

Suite *json_reader_suite(void)
{
	Suite *suite = suite_create("json_reader");
	TCase *tcase = tcase_create("json");

	tcase_set_timeout(tcase, 60);
	LOOP(tcase, one_text, texts);
	tcase_add_test(tcase, laid_out);
	tcase_add_test(tcase, too_deep);
	tcase_add_test(tcase, mutated_texts);
	tcase_add_test(tcase, sixteen_mebibytes);
	suite_add_tcase(suite, tcase);
	return suite;
}
