/* NDJSON, against a model that is jansson, in pieces of every size. */
#include <check.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include "dice.h"
#include "base/log.h"
#include "model_ndjson.h"
#include "input/record.h"
#include "base/scan.h"

Suite *ndjson_reader_suite(void);

static const struct feeding whole = { .chunk = 1 << 20, .base = 1 << 16, .longest = RECORD_MAX };

/* The reader finds what jansson finds, and counts what it finds. */
static void assert_as_jansson(const char *data, size_t n, const struct feeding *how)
{
	struct buf model = { .max = ANY }, trace = { .max = ANY };

	model_ndjson(&model, data, n, how);
	trace_ndjson(&trace, data, n, how);
	if (!same_trace(&model, &trace))
		ck_abort_msg("%s", explain_traces(&model, &trace, data, n, how));
	if (!memchr(data, '\x1e', n))
		ck_assert_uint_eq(count_ndjson(data, n, how), trace_records(&trace));
	buf_free(&model);
	buf_free(&trace);
}

/* Values, and whether they are any: each is judged by jansson too, as a member, in an array, and in
 * an inner object. */
static const struct {
	const char *value;
	bool good;
} values[] = {
	{ "0", true },
	{ "-0", true },
	{ "1", true },
	{ "-1", true },
	{ "10", true },
	{ "1.5", true },
	{ "-0.5e-3", true },
	{ "1E5", true },
	{ "1e+5", true },
	{ "1e-5", true },
	{ "0e0", true },
	{ "123456789012345678901234567890", true },
	{ "01", false },
	{ "-01", false },
	{ "00", false },
	{ "+1", false },
	{ ".5", false },
	{ "1.", false },
	{ "1.e5", false },
	{ "-", false },
	{ "-a", false },
	{ "1e", false },
	{ "1e+", false },
	{ "0x10", false },
	{ "1_000", false },
	{ "NaN", false },
	{ "Infinity", false },
	{ "-Infinity", false },
	{ "1 2", false },
	{ "1.5.5", false },
	{ "1e5e5", false },
	{ "--1", false },
	{ "1e308", true },
	{ "1.7976931348623157e308", true },
	{ "1.7976931348623158e308", true },
	{ "1.7976931348623159e308", false },
	{ "1e309", false },
	{ "-1e309", false },
	{ "1e400", false },
	{ "-1e400", false },
	{ "17976931348623157e292", true },
	{ "17976931348623159e292", false },
	{ "0.00017976931348623157e312", true },
	{ "0.00017976931348623159e312", false },
	{ "0e400", true },
	{ "0.000e999999999999999999999", true },
	{ "1e99999999999999999999999999", false },
	{ "1e-99999999999999999999999999", true },
	{ "1e-400", true },
	{ "9e307", true },
	{ "0.1e309", true },
	{ "0.1e310", false },
	{ "10e307", true },
	{ "10e308", false },
	{ "true", true },
	{ "false", true },
	{ "null", true },
	{ "True", false },
	{ "tru", false },
	{ "truex", false },
	{ "true1", false },
	{ "nul", false },
	{ "nulll", false },
	{ "fals", false },
	{ "undefined", false },
	{ "'a'", false },
	{ "\"\"", true },
	{ "\"a\"", true },
	{ "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", true },
	{ "\"\\u0041\\uABCD\\uabcd\"", true },
	{ "\"\\u0000\"", true },
	{ "\"\\ud83d\\ude00\"", true },
	{ "\"\\uD83D\\uDE00\"", true },
	{ "\"\\ud83d\"", false },
	{ "\"\\ud83dx\"", false },
	{ "\"\\ud83d\\n\"", false },
	{ "\"\\ud83d\\u0041\"", false },
	{ "\"\\ud83d\\ud83d\"", false },
	{ "\"\\ude00\"", false },
	{ "\"\\ude00\\ud83d\"", false },
	{ "\"\\u004\"", false },
	{ "\"\\u00g0\"", false },
	{ "\"\\u\"", false },
	{ "\"\\U0041\"", false },
	{ "\"\\x41\"", false },
	{ "\"\\a\"", false },
	{ "\"\\'\"", false },
	{ "\"\\\"", false },
	{ "\"\\", false },
	{ "\"a", false },
	{ "\"\x01\"", false },
	{ "\"\x1f\"", false },
	{ "\"\t\"", false },
	{ "\"\x7f\"", true },
	{ "\"\xc3\xa9\"", true },
	{ "\"\xe2\x82\xac\"", true },
	{ "\"\xf0\x9f\x98\x80\"", true },
	{ "\"\xc0\x80\"", false },
	{ "\"\xed\xa0\x80\"", false },
	{ "\"\xf4\x90\x80\x80\"", false },
	{ "\"\xc3\"", false },
	{ "\"\xff\"", false },
	{ "\"\x80\"", false },
	{ "\xc3\xa9", false },
	{ "\xc2\xa0"
	  "1",
	    false },
	{ "\x0c"
	  "1",
	    false },
	{ "\x0b"
	  "1",
	    false },
	{ "", false },
	{ "[]", true },
	{ "[1]", true },
	{ "[1,2]", true },
	{ "[ ]", true },
	{ "[ 1 , 2 ]", true },
	{ "[[],{},[[]]]", true },
	{ "[1,]", false },
	{ "[,1]", false },
	{ "[,]", false },
	{ "[1 2]", false },
	{ "[1", false },
	{ "]", false },
	{ "[}", false },
	{ "[1}", false },
	{ "[1:2]", false },
	{ "[\"a\":1]", false },
	{ "{}", true },
	{ "{ }", true },
	{ "{\"a\":1}", true },
	{ "{\"a\":1,\"b\":[{\"c\":null}]}", true },
	{ "{\"a\":1,\"a\":2}", true },
	{ "{\"a\"}", false },
	{ "{\"a\":}", false },
	{ "{\"a\":1,}", false },
	{ "{,}", false },
	{ "{1:2}", false },
	{ "{a:1}", false },
	{ "{\"a\" 1}", false },
	{ "{\"a\":1]", false },
	{ "{\"a\":1", false },
	{ "{\"a\\u0000\":1}", false },
	{ "{\"\":1}", true },
	{ "{\"a\":1 \"b\":2}", false },
	{ "{\"a\":1}}", false },
	{ "\t1\r", true },
	{ "// x\n1", false },
	{ "/* x */1", false },
};

START_TEST(one_value)
{
	static const char *const around[] = { "{\"k\":%s}", "{\"k\":[%s]}", "{\"k\":{\"i\":%s}}",
		"{\"j\":[1,%s , 2],\"k\":3}" };
	struct feeding how = whole;

	for (size_t i = 0; i < sizeof around / sizeof *around; i++) {
		const char *mark = strstr(around[i], "%s");
		struct buf line = { .max = ANY };
		buf_add(&line, around[i], (size_t)(mark - around[i]));
		buf_str(&line, values[_i].value);
		buf_str(&line, mark + 2);
		json_t *judged = json_loadb(line.data, line.len, MODEL_FLAGS, NULL);
		bool empty_array = i == 1 && !*values[_i].value;
		bool three_lines = memchr(line.data, '\n', line.len) != NULL;
		ck_assert_msg((judged != NULL) == (values[_i].good || empty_array), "%.*s",
		    (int)line.len, line.data);
		json_decref(judged);
		for (how.chunk = 1; how.chunk < 12 && !three_lines; how.chunk += 3)
			assert_as_jansson(line.data, line.len, &how);
		buf_free(&line);
	}
}
END_TEST

/* Digits around the largest double, exactly. */
START_TEST(largest_double)
{
	/* 2^1024 - 2^970: from here on a number is rounded up to infinity */
	static const char bound[] = "17976931348623158079372897140530341507993413271003782693617377"
	                            "89804449682927647509466490179775872070963"
	                            "30286416692887910946555547851940402630657488671505820681908902"
	                            "00070838367627385484581771153176447573027"
	                            "00698555713669596228429148198608349364752927190741684443655107"
	                            "04342711559699508093042880177904174497792";
	struct buf line = { .max = ANY };
	char digits[sizeof bound];

	ck_assert_uint_eq(strlen(bound), 309);
	for (int cut = 0; cut < 4; cut++) {
		memcpy(digits, bound, sizeof bound);
		if (cut == 1)
			digits[307]--; /* a little below */
		if (cut == 2)
			digits[308]++;
		if (cut == 3)
			digits[0] = '2';
		for (int form = 0; form < 3; form++) {
			buf_reset(&line);
			if (form == 0)
				buf_fmt(&line, "{\"a\":%s}", digits);
			else if (form == 1)
				buf_fmt(&line, "{\"a\":-0.%se309}", digits);
			else
				buf_fmt(&line, "{\"a\":%.200s.%s99e109}", digits, digits + 200);
			assert_as_jansson(line.data, line.len, &whole);
			json_t *judged = json_loadb(line.data, line.len, MODEL_FLAGS, NULL);
			ck_assert_int_eq(judged != NULL, cut == 1);
			json_decref(judged);
		}
	}
	buf_free(&line);
}
END_TEST

/* Whole lines: `reason` NULL: an object. */
static const struct {
	const char *line, *reason;
} lines[] = {
	{ "{}", NULL },
	{ " {\"a\":1} ", NULL },
	{ "{\"a\":1}\r", NULL },
	{ "\t{ \"a\" : 1 , \"b\" : 2 }", NULL },
	{ "{\"a\":{\"b\":1,\"b\":2}}", NULL },
	{ "[1]", "not a JSON object: it is an array (--format=json reads one), at byte 1" },
	{ "1", "not a JSON object: it does not begin with {, at byte 1" },
	{ "  \"a\"", "not a JSON object: it does not begin with {, at byte 3" },
	{ "{\"a\":1", "not a JSON object: the object is not closed, at byte 7" },
	{ "{\"a\":", "not a JSON object: the object is not closed, at byte 6" },
	{ "{\"a\"", "not a JSON object: a colon is missing behind a key, at byte 5" },
	{ "{", "not a JSON object: a key in quotes was expected, at byte 2" },
	{ "{\"a\":1,}", "not a JSON object: a key in quotes was expected, at byte 8" },
	{ "{\"a\":1 \"b\":2}", "not a JSON object: a comma or } is missing, at byte 8" },
	{ "{\"a\":[1 2]}", "not a JSON object: a comma or ] is missing, at byte 9" },
	{ "{\"a\":1}x", "not a JSON object: something follows the object, at byte 8" },
	{ "{\"a\":1}{\"a\":1}", "not a JSON object: something follows the object, at byte 8" },
	{ "{\"a\":tru}", "not a JSON object: a value was expected, at byte 6" },
	{ "{\"a\":01}", "not a JSON object: a number begins with 0, at byte 6" },
	{ "\xef\xbb\xbf{\"a\":1}",
	    "not a JSON object: a byte-order mark stands here: take it out (were files joined?), "
	    "at "
	    "byte 1" },
	{ "{\"a\":1.}", "not a JSON object: a number ends with its point, at byte 6" },
	{ "{\"a\":-}",
	    "not a JSON object: a minus sign is followed by something that is no number, at byte "
	    "6" },
	{ "{\"a\":1e}", "not a JSON object: a number has an exponent without digits, at byte 6" },
	{ "{\"a\":1e400}", "not a JSON object: a number is too large for a double, at byte 6" },
	{ "{\"a\":\"b", "not a JSON object: a string is not closed, at byte 8" },
	{ "{\"a\":\"b\tc\"}",
	    "not a JSON object: a control character stands in a string: it has to be escaped, at "
	    "byte 8" },
	{ "{\"a\":\"\\q\"}",
	    "not a JSON object: a backslash is followed by something that is no escape, at byte "
	    "7" },
	{ "{\"a\":\"\\u12\"}",
	    "not a JSON object: \\u is not followed by four hexadecimal digits, at byte 7" },
	{ "{\"a\":\"\\ud800\"}",
	    "not a JSON object: half a surrogate pair stands alone, at byte 7" },
	{ "{\"a\\u0000\":1}",
	    "not a JSON object: a key has a NUL character (\\u0000) in it, at byte 4" },
	{ "{\"a\":\"\xe9\"}",
	    "not a JSON object: it is not UTF-8 (--encoding says what it is), at byte 7" },
	{ "{\"a\":1,\"b\":2,\"a\":3}", "the key \"a\" is there twice" },
	{ "{\"a\":1,\"\\u0061\":3}", "the key \"a\" is there twice" },
	{ "{\"\":1,\"\":3}", "the key \"\" is there twice" },
	{ "{\"\\u001b[2J\":1,\"\\u001b[2J\":3}", "the key \"\\x1b[2J\" is there twice" },
	{ "{\"_cio_a\":1,\"_cio_a\":3}", "the key \"_cio_a\" is there twice" },
};

/* A reader on a text, for looking at single records. */
struct opened {
	struct feed feed;
	struct source source;
	struct ndjson_reader reader;
	struct reason why;
	struct record r;
	uint64_t shapes;
};

static void open_text(struct opened *o, const char *text, size_t n)
{
	memset(o, 0, sizeof *o);
	feed_open(&o->feed, &o->source, text, n, &whole);
	ndjson_reader_init(&o->reader, &o->source, RECORD_MAX, &o->shapes);
}

static enum input_result next_of(struct opened *o)
{
	return ndjson_reader_next(&o->reader, &o->r, &o->why);
}

static void close_text(struct opened *o)
{
	ndjson_reader_free(&o->reader);
	source_free(&o->source);
}

START_TEST(one_line)
{
	struct opened o;
	const char *text = lines[_i].line;

	open_text(&o, text, strlen(text));
	enum input_result result = next_of(&o);
	ck_assert_msg((result == INPUT_RECORD) == (lines[_i].reason == NULL), "%s: %s", text,
	    o.why.text);
	if (lines[_i].reason)
		ck_assert_str_eq(o.why.text, lines[_i].reason);
	ck_assert_uint_eq(o.r.from.raw_len, strlen(text) - (strchr(text, '\r') != NULL));
	ck_assert_int_eq(next_of(&o), INPUT_END);
	close_text(&o);
	for (struct feeding how = whole; how.chunk > 0; how.chunk /= 2)
		assert_as_jansson(text, strlen(text), &how);
}
END_TEST

/* Values come as they were written, in their order, without the white space around them. */
START_TEST(fields_of_a_record)
{
	static const char text[] = "{ \"b\\u00e9\" : 29.90 ,\"a\":\t12345678901234567890\t, "
	                           "\"c\":{ \"x\" : [ 1 ] } ,\"d\":\"\\u0041\"}";
	static const struct {
		const char *name, *key, *value;
	} expected[] = {
		{ "b\xc3\xa9", "\"b\\u00e9\"", "29.90" },
		{ "a", "\"a\"", "12345678901234567890" },
		{ "c", "\"c\"", "{ \"x\" : [ 1 ] }" },
		{ "d", "\"d\"", "\"\\u0041\"" },
	};
	struct buf twice = { .max = ANY };
	struct opened o;

	buf_fmt(&twice, "\n%s\n\n%s", text, text);
	open_text(&o, twice.data, twice.len);
	for (int time = 0; time < 2; time++) { /* the second has keys that were seen before */
		ck_assert_int_eq(next_of(&o), INPUT_RECORD);
		ck_assert_uint_eq(o.r.count, 4);
		ck_assert_uint_eq(o.r.from.line, time ? 4 : 2);
		ck_assert_uint_eq(o.r.layout->number, 1);
		ck_assert_ptr_eq(o.r.layout->fields, o.r.fields);
		for (size_t i = 0; i < 4; i++) {
			const struct field *f = &o.r.fields[i];
			ck_assert_uint_eq(f->name_len, strlen(expected[i].name));
			ck_assert_mem_eq(f->name, expected[i].name, f->name_len);
			ck_assert_uint_eq(f->key_len, strlen(expected[i].key));
			ck_assert_mem_eq(f->key, expected[i].key, f->key_len);
			ck_assert_uint_eq(f->value_len, strlen(expected[i].value));
			ck_assert_mem_eq(f->value, expected[i].value, f->value_len);
			ck_assert_int_eq(f->kind, FIELD_JSON);
			ck_assert_int_eq(f->role, ROLE_NONE);
		}
	}
	close_text(&o);
	buf_free(&twice);
}
END_TEST

/* cio-import's own members: what is left of the record. */
static const struct {
	const char *line, *raw, *names, *reason;
} reserved[] = {
	{ "{\"a\":1,\"_cio_line\":3}", "{\"a\":1}", "a", NULL },
	{ "{\"a\":1, \"b\": 2 ,\"_cio_line\":3,\"_cio_error\":\"x\"}", "{\"a\":1, \"b\": 2 }",
	    "a|b", NULL },
	{ " { \"_cio_line\":3, \"a\":1 } ", " { \"a\":1 } ", "a", NULL },
	{ "{\"a\":1,\"_cio_line\":{\"x\":[1,\"}\"]},\"b\":2}", "{\"a\":1,\"b\":2}", "a|b", NULL },
	{ "{\"_cio_line\":3}", "{}", "", NULL },
	{ "{\"\\u005fcio_line\":3,\"a\":1}", "{\"a\":1}", "a", NULL },
	{ "{\"_cio\":3,\"_cio_\":4,\"x_cio_\":5}", "{\"_cio\":3,\"x_cio_\":5}", "_cio|x_cio_",
	    NULL },
	{ "{\"a\":{\"_cio_line\":3}}", "{\"a\":{\"_cio_line\":3}}", "a", NULL },
	{ "{\"a\":1,\"_cio_raw\":\"\"}", "{\"a\":1}", "a", NULL },
	{ "{\"a\":1,\"_cio_raw\":7}", "{\"a\":1}", "a", NULL },
	{ "{\"a\":1,\"_cio_raw\":\"{\\\"b\\\":2}\"}", "{\"b\":2}", "b", NULL },
	{ "{\"\\u005fcio_raw\":\"{\\\"b\\\":\\\"\\\\u00e9\\\"}\\n\"}", "{\"b\":\"\\u00e9\"}", "b",
	    NULL },
	{ "{\"_cio_raw\":\"{\\\"b\\\":2,\\\"_cio_line\\\":1,\\\"_cio_raw\\\":\\\"x\\\"}\"}",
	    "{\"b\":2}", "b", NULL },
	{ "{\"_cio_raw\":\"{\\\"b\\\":}\"}", "{\"b\":}", "",
	    "_cio_raw: not a JSON object: a value was expected, at byte 6" },
	{ "{\"_cio_raw\":\"\\u007b\\u0000}\"}", "{?}", "",
	    "_cio_raw: not a JSON object: a key in quotes was expected, at byte 2" },
	{ "{\"_cio_raw\":\"\\n\"}", "", "",
	    "_cio_raw: not a JSON object: it does not begin with {, at byte 1" },
	/* not UTF-8, where it stood before; elsewhere; and after a fault */
	{ "{\"_cio_raw\":\"{\\\"b\\\":\\\"M\xfcller\\\"}\",\"_cio_line\":1}",
	    "{\"b\":\"M\xfcller\"}", "",
	    "_cio_raw: not a JSON object: it is not UTF-8 (--encoding says what it is), at "
	    "byte "
	    "8" },
	{ "{\"_cio_raw\":\"{\\\"b\\\":2}\",\"c\":\"\xfc\"}",
	    "{\"_cio_raw\":\"{\\\"b\\\":2}\",\"c\":\"\xfc\"}", "",
	    "not a JSON object: it is not UTF-8 (--encoding says what it is), at byte 30" },
	{ "{\"_cio_raw\":\"{\\\"b\\\":2}\",\xfc}", "{\"_cio_raw\":\"{\\\"b\\\":2}\",\xfc}", "",
	    "not a JSON object: a key in quotes was expected, at byte 25" },
	{ "{\"_cio_raw\":\"\\ud83d\\ude00\\u00e9\\u20ac\\b\\f\\t\\/\\\\\\r\"}",
	    "\xf0\x9f\x98\x80\xc3\xa9\xe2\x82\xac\b\f\t/\\", "",
	    "_cio_raw: not a JSON object: it does not begin with {, at byte 1" },
};

START_TEST(reserved_members)
{
	struct buf names = { .max = ANY }, twice = { .max = ANY };
	struct opened o;

	buf_fmt(&twice, "%s\n%s\n", reserved[_i].line, reserved[_i].line);
	open_text(&o, twice.data, twice.len);
	for (int time = 0; time < 2; time++) {
		enum input_result result = next_of(&o);
		ck_assert_msg((result == INPUT_RECORD) == (reserved[_i].reason == NULL), "%s",
		    o.why.text);
		if (reserved[_i].reason)
			ck_assert_str_eq(o.why.text, reserved[_i].reason);
		ck_assert_uint_eq(o.r.from.raw_len, strlen(reserved[_i].raw));
		for (size_t i = 0; i < o.r.from.raw_len; i++) /* ? stands for a NUL */
			ck_assert_int_eq(o.r.from.raw[i] ? o.r.from.raw[i] : '?',
			    reserved[_i].raw[i]);
		ck_assert_uint_eq(o.r.from.line, (unsigned)time + 1);
		buf_reset(&names);
		for (size_t i = 0; i < o.r.count; i++) {
			buf_str(&names, i ? "|" : "");
			buf_add(&names, o.r.fields[i].name, o.r.fields[i].name_len);
		}
		buf_byte(&names, '\0');
		ck_assert_str_eq(names.data, reserved[_i].names);
	}
	ck_assert_int_eq(next_of(&o), INPUT_END);
	ck_assert_uint_eq(count_ndjson(twice.data, twice.len, &whole), 2);
	close_text(&o);
	buf_free(&names);
	buf_free(&twice);
}
END_TEST

/* One layout means equal names in the same order, whatever came in between, and most often the
 * other way round. */
START_TEST(layouts_of_records)
{
	static const char *const kinds[] = {
		"{\"a\":1,\"b\":2}",
		"{\"b\":1,\"a\":2}",
		"{\"a\":1}",
		"{}",
		"{\"ab\":1}",
		"{\"a\":1,\"b\":2,\"c\":3}",
		"{\"a\\u0062\":1}",
	};
	enum { KINDS = sizeof kinds / sizeof *kinds };
	struct dice dice = dice_new("layouts_of_records");
	struct buf text = { .max = ANY };
	uint64_t layout_of[KINDS] = { 0 };
	int kind_at[300];
	struct opened o;

	for (size_t i = 0; i < 300; i++) {
		kind_at[i] = (int)dice_below(&dice, KINDS);
		buf_str(&text, kinds[kind_at[i]]);
		buf_byte(&text, '\n');
	}
	open_text(&o, text.data, text.len);
	for (size_t i = 0; i < 300; i++) {
		int kind = kind_at[i];
		ck_assert_int_eq(next_of(&o), INPUT_RECORD);
		for (int other = 0; other < KINDS; other++)
			ck_assert(other == kind || layout_of[other] != o.r.layout->number);
		layout_of[kind] = o.r.layout->number;
		ck_assert_mem_eq(o.r.from.raw, kinds[kind], strlen(kinds[kind]));
	}
	close_text(&o);
	buf_free(&text);
}
END_TEST

/* An object of n members, the last of them called `last`. */
static void wide_object(struct buf *line, unsigned n, const char *last)
{
	buf_reset(line);
	buf_byte(line, '{');
	for (unsigned i = 0; i + 1 < n; i++)
		buf_fmt(line, "\"k%u\":%u,", i, i);
	buf_fmt(line, "\"%s\":0}", last);
}

START_TEST(many_members)
{
	static const unsigned sizes[] = { 2, 7, 8, 9, 100, 1000, INPUT_FIELDS_MAX };
	struct buf line = { .max = ANY };
	struct opened o;

	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		for (int repeated = 0; repeated < 2; repeated++) {
			wide_object(&line, sizes[i], repeated ? "k0" : "last");
			open_text(&o, line.data, line.len);
			ck_assert_int_eq(next_of(&o), repeated ? INPUT_BAD : INPUT_RECORD);
			ck_assert_uint_eq(o.r.count, repeated ? 0 : sizes[i]);
			close_text(&o);
		}
	}
	wide_object(&line, INPUT_FIELDS_MAX + 1, "last");
	open_text(&o, line.data, line.len);
	ck_assert_int_eq(next_of(&o), INPUT_BAD);
	ck_assert_ptr_nonnull(strstr(o.why.text, "the object has too many members"));
	close_text(&o);
	buf_free(&line);
}
END_TEST

/* Nesting up to jansson's depth, and one more: in arrays, in objects, and in both. */
START_TEST(depth)
{
	struct buf line = { .max = ANY };

	for (int kind = 0; kind < 3; kind++) {
		for (unsigned deep = JSON_DEPTH_MAX - 4; deep < JSON_DEPTH_MAX + 3; deep++) {
			for (int inside = 0; inside < 2; inside++) {
				buf_reset(&line);
				buf_str(&line, "{\"a\":");
				for (unsigned i = 0; i < deep; i++)
					buf_str(&line,
					    kind == 0 || (kind == 2 && i % 3) ? "[" : "{\"a\":");
				buf_str(&line, inside ? "1" : "[]");
				for (unsigned i = deep; i-- > 0;)
					buf_str(&line,
					    kind == 0 || (kind == 2 && i % 3) ? "]" : "}");
				buf_byte(&line, '}');
				assert_as_jansson(line.data, line.len, &whole);
			}
		}
	}
	buf_free(&line);
}
END_TEST

static const char *const seeds[] = {
	"{\"id\":\"1\",\"email\":\"a@b.c\",\"n\":1.5e3,\"t\":true,\"l\":[1,[2,{\"x\":null}]],\"u\":"
	"\"\\u00e9\\ud83d\\ude00\"}",
	"{\"a\":-0,\"b\":{},\"c\":[],\"d\":\"\xc3\xa9\xe2\x82\xac\",\"e\":"
	"123456789012345678901234567890}",
	"{ \"key\" : \"a string that is longer than sixteen bytes \\\" and then some\" , "
	"\"o\":{\"p\":{\"q\":[false]}}}",
	"{\"a\":1,\"b\":2,\"c\":3}",
	"{\"a\":1e308,\"b\":1e-400,\"\\u0061b\":0.1}",
};

static const char spice[] =
    "{}[]:,\"\\ue0123456789abcdefE+-. \t\r\ntrfalsn\x01\x7f\x80\xc3\xa9\xff";

static size_t mutated(char *out, struct dice *dice)
{
	size_t n = 0, lines_count = 1 + (size_t)dice_below(dice, 4);

	for (size_t i = 0; i < lines_count; i++) {
		const char *seed = seeds[dice_below(dice, sizeof seeds / sizeof *seeds)];
		memcpy(out + n, seed, strlen(seed));
		size_t len = strlen(seed);
		for (int64_t changes = dice_below(dice, 4); changes > 0; changes--) {
			size_t at = (size_t)dice_below(dice, (int64_t)len);
			char c = spice[dice_below(dice, sizeof spice)]; /* with its NUL */
			switch (dice_below(dice, 3)) {
			case 0:
				out[n + at] = c;
				break;
			case 1:
				memmove(out + n + at + 1, out + n + at, len++ - at);
				out[n + at] = c;
				break;
			default:
				memmove(out + n + at, out + n + at + 1, --len - at);
			}
		}
		n += len;
		out[n++] = '\n';
	}
	return n - (size_t)dice_one_in(dice, 2);
}

/* Valid lines, and lines with some bytes changed: as jansson judges them. */
START_TEST(mutated_lines)
{
	struct dice dice = dice_new("mutated_lines");
	char text[2048];

	for (int round = 0; round < 20000; round++) {
		size_t n = mutated(text, &dice);
		struct feeding how = whole;
		how.chunk = 1 + (size_t)dice_below(&dice, round % 2 ? 8 : 400);
		how.base = 1 + (size_t)dice_below(&dice, 300);
		how.longest = round % 4 ? RECORD_MAX : 1 + (size_t)dice_below(&dice, 120);
		how.again = round % 5 == 0;
		assert_as_jansson(text, n, &how);
	}
}
END_TEST

START_TEST(every_chunk_size)
{
	struct buf text = { .max = ANY };
	struct feeding how = whole;

	buf_str(&text, "\r\n \t\n");
	for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++)
		buf_fmt(&text, "%s%s", seeds[i], i % 2 ? "\n" : "\r\n");
	buf_str(&text, "{\"a\":nope}\n{\"a\":1}\r\n  {\"last\":[1]} \r");
	for (how.chunk = 1; how.chunk <= text.len; how.chunk++)
		for (how.base = 1; how.base < 80; how.base += 13)
			assert_as_jansson(text.data, text.len, &how);
	buf_free(&text);
}
END_TEST

/* Lines of exactly, and just over, the longest size. */
START_TEST(longest_record)
{
	static const char *const ends[] = { "", "\n", "\r\n", "\r", "\n{}\n", "\r\n{}", "\r\r\n" };
	struct feeding how = whole;
	struct buf text = { .max = ANY };

	how.longest = 40;
	for (size_t e = 0; e < sizeof ends / sizeof *ends; e++) {
		for (int len = 36; len < 46; len++) {
			buf_reset(&text);
			buf_fmt(&text, "{\"a\":\"%0*d\"}%s", len - 8, 1, ends[e]);
			for (how.chunk = 1; how.chunk < 52; how.chunk++)
				assert_as_jansson(text.data, text.len, &how);
		}
	}
	buf_free(&text);
}
END_TEST

START_TEST(sixteen_mebibytes)
{
	struct feeding how = { .chunk = 1 << 20, .base = 1 << 16, .longest = RECORD_MAX };
	size_t n = RECORD_MAX + 16;
	char *data = malloc(n);
	struct ndjson_reader reader;
	struct record r = { 0 };
	struct reason why;
	struct source s;
	struct feed f;
	uint64_t shapes = 0;

	for (size_t more = 0; more < 2; more++) {
		memset(data, 'z', n);
		memcpy(data, "{\"a\":\"", 6);
		memcpy(data + RECORD_MAX - 2 + more, "\"}\r\n{}\n\n", 8);
		feed_open(&f, &s, data, RECORD_MAX + 6 + more, &how);
		ndjson_reader_init(&reader, &s, RECORD_MAX, &shapes);
		ck_assert_int_eq(ndjson_reader_next(&reader, &r, &why),
		    more ? INPUT_BAD : INPUT_RECORD);
		ck_assert_uint_eq(r.from.raw_len, more ? RAW_SHOWN : RECORD_MAX);
		ck_assert_uint_le(s.cap, RECORD_MAX + how.base + 2);
		ck_assert_int_eq(ndjson_reader_next(&reader, &r, &why), INPUT_RECORD);
		ck_assert_uint_eq(r.from.line, 2);
		ck_assert_int_eq(ndjson_reader_next(&reader, &r, &why), INPUT_END);
		ndjson_reader_free(&reader);
		source_free(&s);
	}
	free(data);
}
END_TEST

/* What the buffer held before does not belong to the last line. */
START_TEST(stale_bytes)
{
	static const char text[] = "{\"a\":1234567890,\"b\":2}\n{\"a\":1";
	struct opened o;

	open_text(&o, text, sizeof text - 1);
	o.feed.chunk = 24;
	ck_assert_int_eq(next_of(&o), INPUT_RECORD);
	ck_assert_int_eq(next_of(&o), INPUT_BAD);
	ck_assert_str_eq(o.why.text, "not a JSON object: the object is not closed, at byte 7");
	close_text(&o);
}
END_TEST

#define LOOP(tcase, test, table) \
	tcase_add_loop_test(tcase, test, 0, (int)(sizeof table / sizeof *table))

Suite *ndjson_reader_suite(void)
{
	Suite *suite = suite_create("ndjson_reader");
	TCase *tcase = tcase_create("ndjson");

	tcase_set_timeout(tcase, 60);
	LOOP(tcase, one_value, values);
	tcase_add_test(tcase, largest_double);
	LOOP(tcase, one_line, lines);
	tcase_add_test(tcase, fields_of_a_record);
	LOOP(tcase, reserved_members, reserved);
	tcase_add_test(tcase, layouts_of_records);
	tcase_add_test(tcase, many_members);
	tcase_add_test(tcase, depth);
	tcase_add_test(tcase, mutated_lines);
	tcase_add_test(tcase, stale_bytes);
	tcase_add_test(tcase, every_chunk_size);
	tcase_add_test(tcase, longest_record);
	tcase_add_test(tcase, sixteen_mebibytes);
	suite_add_tcase(suite, tcase);
	return suite;
}
