/* CSV, against a model that is libcsv, in pieces of every size. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "dice.h"
#include "harness.h"
#include "base/log.h"
#include "model_csv.h"
#include "input/record.h"
#include "base/scan.h"
#include "base/utf8.h"

Suite *csv_reader_suite(void);

static const char *const three[] = { "a", "b\"b", "c" };
static const struct feeding whole = {
	.chunk = 1 << 20,
	.base = 1 << 16,
	.longest = RECORD_MAX,
	.dialect = { .delimiter = ',', .quote = '"' },
	.columns = three,
	.column_count = 3,
};

static void assert_same(const struct buf *expected, const struct buf *got, const char *data,
    size_t n, const struct feeding *how)
{
	if (!same_trace(expected, got))
		ck_abort_msg("%s", explain_traces(expected, got, data, n, how));
}

/* The reader finds what the model finds, and counts what it finds. */
static void assert_as_model(const char *data, size_t n, const struct feeding *how)
{
	struct buf model = { .max = ANY }, trace = { .max = ANY };

	model_csv(&model, data, n, how);
	trace_csv(&trace, data, n, how);
	assert_same(&model, &trace, data, n, how);
	if (!memchr(data, '\x1e', n))
		ck_assert_uint_eq(count_csv(data, n, how), trace_records(&trace));
	buf_free(&model);
	buf_free(&trace);
}

/* A reader on a text, for looking at single records. */
struct opened {
	struct feed feed;
	struct source source;
	struct csv_reader reader;
	struct reason why;
	struct record r;
	int status;
};

static enum input_result open_text(struct opened *o, const char *text, const char *const *columns,
    size_t count)
{
	memset(o, 0, sizeof *o);
	feed_open(&o->feed, &o->source, text, strlen(text), &whole);
	csv_reader_init(&o->reader, &o->source, &whole.dialect, RECORD_MAX, 7);
	return csv_reader_begin(&o->reader, columns, count, &o->why, &o->status);
}

static void close_text(struct opened *o)
{
	csv_reader_free(&o->reader);
	source_free(&o->source);
}

static const char *const no_text[] = { "NULL", "\\N", "x" };
#define NULLS .nulls = no_text, .null_count = 3

/* Dialects, and bytes that mean something in them. */
static const struct {
	struct csv_dialect dialect;
	const char *alphabet;
} dialects[] = {
	{ { .delimiter = ',', .quote = '"' }, "x,\"\n\r " },
	{ { .delimiter = ';', .quote = '\'' }, "x;'\n\" " },
	{ { .delimiter = '\t' }, "x\t\"\n\r" },
	{ { .delimiter = ',', .quote = '"', .escape = '\\' }, "x,\"\n\\" },
	{ { .delimiter = '\t', .escape = '\\', NULLS }, "N\t\\\n\r" },
	{ { .delimiter = ',', .quote = '"', .trim = true }, "x,\"\n " },
	{ { .delimiter = '\t', .quote = '"', .escape = '^', .trim = true }, "x\t\"\n^ " },
	{ { .delimiter = ',', .quote = '"', NULLS }, "x,\"\nN" },
	{ { .delimiter = ',', .quote = '"', .comment = '#' }, "x,\"\n#" },
	{ { .delimiter = ',', .quote = '"', .skip_lines = 2, .comment = 'x' }, "x,\"\n\r" },
	{ { .delimiter = ' ', .quote = '\'', .escape = '\\', .comment = '#', .trim = true, NULLS },
	    "x ' \n\\#" },
};
#define DIALECTS (sizeof dialects / sizeof *dialects)

/* Every text of up to LENGTH of these bytes (valgrind: one less), against the model; in one piece,
 * and byte by byte; records that are long, and that may be. */
START_TEST(every_short_text)
{
	enum { LENGTH = 6 };
	const char *alphabet = dialects[_i].alphabet;
	char text[LENGTH + 1]; /* gcc does not see that n stays below */
	struct feeding one = whole;
	size_t longest = harness_is_under() ? LENGTH - 2 : LENGTH, letters = strlen(alphabet);

	one.dialect = dialects[_i].dialect;
	one.chunk = 1;
	one.base = 64;
	for (size_t n = 0; n <= longest; n++) {
		size_t texts = 1;
		for (size_t i = 0; i < n; i++)
			texts *= letters;
		for (size_t t = 0; t < texts; t++) {
			for (size_t i = 0, rest = t; i < n; i++, rest /= letters)
				text[i] = alphabet[rest % letters];
			one.column_count = 1 + t % 3;
			one.longest = t % 5 ? RECORD_MAX : 2;
			assert_as_model(text, n, &one);
			one.again = !one.again;
		}
	}
}
END_TEST

/* The light scan says of a row what the model says of it. */
START_TEST(a_walk_ends_where_the_row_does)
{
	enum { LENGTH = 6 };
	const char *alphabet = dialects[_i].alphabet;
	const struct csv_dialect *d = &dialects[_i].dialect;
	struct feeding how = whole;
	size_t letters = strlen(alphabet), texts = 1;
	char text[LENGTH + 1] = "";

	how.dialect = *d;
	for (size_t i = 0; i < LENGTH; i++)
		texts *= letters;
	for (size_t t = 0; t < texts; t += harness_is_under() ? 7 : 1) {
		struct csv_walk w = { 0 };
		struct model_row row;
		for (size_t i = 0, rest = t; i < LENGTH; i++, rest /= letters)
			text[i] = alphabet[rest % letters];
		enum model_verdict verdict = model_row(&row, text, LENGTH, &how);
		enum csv_step step = CSV_GOES_ON;
		for (size_t n = 1; n <= LENGTH && step == CSV_GOES_ON; n++)
			step = csv_walk(&w, text, n, d);
		if (verdict == MODEL_WRONG || (verdict == MODEL_ROW && row.at < LENGTH))
			ck_assert_msg(w.seen == row.at &&
			        step == (verdict == MODEL_ROW ? CSV_ENDS : CSV_WRONG),
			    "%s: %d at %zu", text, (int)step, w.seen);
		else
			ck_assert_msg(step == CSV_GOES_ON &&
			        csv_walk_in_quotes(&w) == (verdict == MODEL_UNCLOSED),
			    "%s: %d", text, (int)step);
		model_row_free(&row);
	}
}
END_TEST

static const char *const pieces[] = {
	"plain",
	"a longer cell that goes past sixteen bytes, and on until it is past sixty-four",
	",",
	",",
	",",
	"\n",
	"\r\n",
	"\r",
	"\"",
	"\"\"",
	"\"quoted\"",
	"\"with, comma\"",
	"\"line\nbreak\"",
	"\"doubled \"\" quotes\"",
	"\"cr\rlf\r\n\"",
	"",
	" ",
	"\t",
	"\xc3\xa9",
	"\xe2\x82\xac",
	"\xff",
	"\xed\xa0\x80",
	"\"\xf0\x9f\x98\x80\"",
	"\x01",
	"\"\"\"\"",
	"'",
	"\\",
	"\\\"",
	"\\\n",
	"^",
	"#",
	"#no row\n",
	";",
	"NULL",
	"\\N",
	"\xc2\xa0",
	"\xe2\x80\x8b",
	",,,\n",
	"\n,,\n",
	"a,b\"b,c\n",
	"1,2,3\n",
	"\"1\",\"2\",\"3\"\r\n",
	"x,y,z\n",
};

static size_t random_text(char *out, size_t room, struct dice *dice)
{
	size_t n = 0, count = dice_next(dice) % 60;

	for (size_t i = 0; i < count; i++) {
		size_t which = dice_next(dice) % (sizeof pieces / sizeof *pieces + 1);
		const char *piece = which < sizeof pieces / sizeof *pieces ? pieces[which] : "";
		size_t len = strlen(piece);
		if (which == sizeof pieces / sizeof *pieces)
			len = 1; /* a NUL */
		if (n + len > room)
			break;
		memcpy(out + n, piece, len);
		n += len;
	}
	return n;
}

/* Random texts, dialects, buffer sizes, record sizes and chunk sizes, against the model. */
START_TEST(random_texts)
{
	struct dice dice = dice_new("random_texts");
	char text[4096];

	for (int round = 0; round < 6000; round++) {
		size_t n = random_text(text, sizeof text, &dice);
		struct feeding how = whole;
		how.chunk = 1 + dice_next(&dice) % (round % 2 ? 8 : 400);
		how.base = 1 + dice_next(&dice) % 200;
		how.longest = round % 3 ? RECORD_MAX : 1 + dice_next(&dice) % 100;
		if (round % 2)
			how.dialect.delimiter = ",\tx;\x1f"[dice_next(&dice) % 5];
		else
			how.dialect = dialects[dice_next(&dice) % DIALECTS].dialect;
		how.column_count = 1 + dice_next(&dice) % 3;
		how.again = round % 5 == 0;
		how.pipe = round % 7 == 0;
		assert_as_model(text, n, &how);
	}
}
END_TEST

/* One text in every chunk size. */
START_TEST(every_chunk_size)
{
	static const char text[] = "1,\"two \"\"2\"\"\",3\r\n\r\n\"multi\nline\",,\"\"\nbad "
	                           "\"quote\",x,y\n,,\n1,2\n\xff,b,c\n"
	                           "a cell of some length,another one that is longer than a block "
	                           "of sixty-four bytes is,and a third\n"
	                           "\"never closed,4\nlast,\"row\",here";
	struct feeding how = whole;

	for (how.chunk = 1; how.chunk <= sizeof text; how.chunk++) {
		for (how.base = 1; how.base < 80; how.base += 13)
			assert_as_model(text, sizeof text - 1, &how);
	}
}
END_TEST

/* Records of exactly, and just over, the longest size, with and without line ends and quotes. */
START_TEST(longest_record)
{
	static const char *const forms[] = { "%.*s", "%.*s\n", "%.*s\r\nx", "\"%.*s\"\ny", "\"%.*s",
		"\"%.*s\nz\n\"", "a\n%.*s\nb", "\"\n%.*s\"" };
	char filler[64], text[128];
	static const char *const one[] = { "a" };
	struct feeding how = whole;

	memset(filler, 'f', sizeof filler);
	how.columns = one;
	how.column_count = 1;
	how.longest = 32;
	for (size_t form = 0; form < sizeof forms / sizeof *forms; form++) {
		for (int len = 26; len < 40; len++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
			int n = snprintf(text, sizeof text, forms[form], len, filler);
#pragma GCC diagnostic pop
			for (how.chunk = 1; how.chunk < 48; how.chunk++) {
				how.pipe = how.chunk % 4 == 0;
				assert_as_model(text, (size_t)n, &how);
			}
		}
	}
}
END_TEST

/* A 16 MiB record is read, one byte more is not, and the buffer is given back. */
START_TEST(sixteen_mebibytes)
{
	static const char *const one[] = { "a" };
	struct feeding how = whole;
	size_t n = RECORD_MAX + 16;
	char *data = malloc(n);
	struct csv_reader reader;
	struct record r;
	struct reason why;
	struct source s;
	struct feed f;
	int status;

	memset(data, 'z', n);
	for (int more = 0; more < 2; more++) {
		size_t end = RECORD_MAX + (size_t)more;
		data[RECORD_MAX] = 'z';
		memset(data + end, '\n', n - end);
		data[n - 2] = 'x';
		feed_open(&f, &s, data, n, &how);
		csv_reader_init(&reader, &s, &whole.dialect, RECORD_MAX, 1);
		ck_assert_int_eq(csv_reader_begin(&reader, one, 1, &why, &status), INPUT_RECORD);
		ck_assert_int_eq(csv_reader_next(&reader, &r, &why),
		    more ? INPUT_BAD : INPUT_RECORD);
		ck_assert_uint_eq(r.from.raw_len, more ? RAW_SHOWN : RECORD_MAX);
		ck_assert_uint_le(s.cap, RECORD_MAX + how.base + 2);
		if (more)
			ck_assert_str_eq(why.text,
			    "the record is longer than 16 MiB; only its first 1000 bytes are kept "
			    "here");
		ck_assert_int_eq(csv_reader_next(&reader, &r, &why), INPUT_RECORD);
		ck_assert_uint_eq(r.fields[0].value_len, 1);
		ck_assert_int_eq(csv_reader_next(&reader, &r, &why), INPUT_END);
		csv_reader_free(&reader);
		source_free(&s);
	}
	free(data);
}
END_TEST

/* What a row says in a dialect: its cells, or why it is none. */
static const struct {
	struct csv_dialect dialect;
	const char *row, *cells, *reason;
} sayings[] = {
	{ { .delimiter = ';', .quote = '\'' }, "'it''s; so';\"x\"", "it's; so|\"x\"", NULL },
	{ { .delimiter = '\t' }, "5\" disk\t\"", "5\" disk|\"", NULL },
	{ { .delimiter = '\t' }, "\"a\"b\tc", "\"a\"b|c", NULL },
	{ { .delimiter = ',', .quote = '"', .escape = '\\' }, "\"say \\\"hi\\\"\",a\\,b",
	    "say \"hi\"|a,b", NULL },
	{ { .delimiter = ',', .quote = '"', .escape = '\\' }, "\"two\\\nlines\",\"a\"\"b\\\\\"",
	    "two\nlines|a\"b\\", NULL },
	{ { .delimiter = '\t', .escape = '\\' }, "two\\\nlines\ta\\\tb", "two\nlines|a\tb", NULL },
	{ { .delimiter = '\t', .escape = '\\', NULLS }, "\\N\t\\\\N", "|\\N", NULL },
	/* as databases write texts: letters stand for control characters, \N for nothing */
	{ { .delimiter = '\t', .escape = '\\' }, "\\ta\\nb\\\\n\\x\t\\b\\f\\r\\v",
	    "\ta\nb\\nx|\b\f\r\v", NULL },
	{ { .delimiter = '\t', .escape = '\\' }, "\\N\t\\\\N", "|\\N", NULL },
	{ { .delimiter = ',', .quote = '"', .escape = '\\' }, "\\N,\"a\\nb\"", "|anb", NULL },
	{ { .delimiter = '\t', .escape = '^' }, "^N\ta^nb", "N|anb", NULL },
	{ { .delimiter = ',', .quote = '"', NULLS }, "NULL,\"NULL\"", NULL, NULL },
	{ { .delimiter = ',', .quote = '"', NULLS }, "\"\\N\",Null", "|Null", NULL },
	{ { .delimiter = ',', .quote = '"', .trim = true }, " a b ,\t\" c,d \" ", "a b|c,d", NULL },
	{ { .delimiter = ',', .quote = '"', .trim = true },
	    "\xc2\xa0"
	    "a\xe2\x80\x8b,\xef\xbb\xbf"
	    "b",
	    "a|b", NULL },
	{ { .delimiter = ',', .quote = '"', .trim = true, NULLS }, " NULL ,\" \\N \"x", NULL,
	    "cell 2 (b) goes on behind its closing quote: double the quotes in it" },
	{ { .delimiter = ',', .quote = '"', .trim = true, NULLS }, " NULL ,\" b \"", "|b", NULL },
	{ { .delimiter = '\t', .quote = '"', .trim = true }, " a \t", "a|", NULL },
	{ { .delimiter = ',', .quote = '"' }, "1,\"a \\\"b\\\"\"", NULL,
	    "cell 2 (b) goes on behind its closing quote: double the quotes in it, or say "
	    "--escape='\\' where a backslash escapes them" },
	{ { .delimiter = '\t', .quote = '"' }, "1\t5\" disk", NULL,
	    "cell 2 (b) has a quote inside: put the cell in quotes and double the quotes in it, or "
	    "say --quote=none where quotes are text" },
	{ { .delimiter = ';', .quote = '\'' }, "'1;2", NULL,
	    "cell 1 (first) opens a quote that is never closed" },
	{ { .delimiter = ';', .quote = '\'' }, "1;2;3", NULL,
	    "row has 3 cells, --columns names 2" },
	{ { .delimiter = ';', .quote = '\'' }, "1;\xff", NULL,
	    "cell 2 (b) is not UTF-8 (its byte 1 is 0xff): say what the file is written in with "
	    "--encoding" },
};

START_TEST(what_a_row_says)
{
	static const char *const two[] = { "first", "b" };
	struct feeding how = whole;
	struct buf cells = { .max = ANY };
	struct csv_reader reader;
	struct record r = { 0 };
	struct reason why = { 0 };
	struct source s;
	struct feed f;
	int status;

	feed_open(&f, &s, sayings[_i].row, strlen(sayings[_i].row), &how);
	csv_reader_init(&reader, &s, &sayings[_i].dialect, RECORD_MAX, 1);
	ck_assert_int_eq(csv_reader_begin(&reader, two, 2, &why, &status), INPUT_RECORD);
	enum input_result result = csv_reader_next(&reader, &r, &why);
	ck_assert_int_eq(result,
	    sayings[_i].cells      ? INPUT_RECORD :
	        sayings[_i].reason ? INPUT_BAD :
	                             INPUT_END);
	if (sayings[_i].reason)
		ck_assert_str_eq(why.text, sayings[_i].reason);
	for (size_t i = 0; i < r.count; i++) {
		buf_str(&cells, i ? "|" : "");
		buf_add(&cells, r.fields[i].value, r.fields[i].value_len);
	}
	buf_byte(&cells, '\0');
	ck_assert_str_eq(cells.data, sayings[_i].cells ? sayings[_i].cells : "");
	buf_free(&cells);
	csv_reader_free(&reader);
	source_free(&s);
}
END_TEST

/* What a writer makes of a text is read as that text, whatever the dialect can say. */
START_TEST(cells_are_read_as_they_were_written)
{
	static const char *const names[] = { "name" };
	struct dice dice = dice_new("cells_are_read_as_they_were_written");
	struct csv_dialect d = dialects[_i].dialect;
	struct feeding how = whole;

	d.trim = false; /* what is written may have white space at its ends */
	d.null_count = 0;
	d.skip_lines = 0;
	how.columns = names;
	how.column_count = 1;
	how.dialect = d;
	for (int round = 0; round < 2000; round++) {
		struct buf row = { .max = ANY }, trace = { .max = ANY }, want = { .max = ANY };
		char text[8];
		size_t n = 1 + (size_t)dice_below(&dice, sizeof text);
		for (size_t i = 0; i < n; i++)
			text[i] = "a'\",;\t\n\r\\#^ nN"[dice_below(&dice, 14)];
		csv_put_cell(&row, &d, text, n);
		for (size_t i = 0; i < n && !d.quote && !d.escape; i++)
			if (strchr("\n\r\t", text[i]))
				text[i] = ' ';
		put_origin(&want, 'R', 1, row.data, row.len);
		put_text(&want, "name", 4);
		put_text(&want, text, n);
		trace_csv(&trace, row.data, row.len, &how);
		assert_same(&want, &trace, row.data, row.len, &how);
		buf_free(&row);
		buf_free(&trace);
		buf_free(&want);
	}
}
END_TEST

/* A quoted cell that is longer than a record may be is one reject, line breaks and all; where its
 * quote is never closed, it costs one line and reading goes on. So it is with what comes but once,
 * as far as what follows can be kept. */
static const struct {
	enum { FROM_FILE, FROM_PIPE, WITHOUT_ROOM, WITH_LITTLE_ROOM } from;
	const char *before, *after;
	int bad, records;  /* -1: the input is given up */
	const char *first; /* of the reasons, what is in it */
} long_cells[] = {
#define EVERYWHERE(...) \
	{ FROM_FILE, __VA_ARGS__ }, \
	{ \
		FROM_PIPE, __VA_ARGS__ \
	}
	EVERYWHERE("1,\"", "\",3\n4,5,6\n", 1, 1, "longer than 64 bytes"),
	EVERYWHERE("\"", "\"", 1, 0, "longer than 64 bytes"),
	EVERYWHERE("1,\"", "\n4,5,6\n", 1, 101, "opens a quote that is never closed"),
	EVERYWHERE("1,\"", "\"x,3\n4,5,6\n", 2, 100, "opens a quote that is never closed"),
	{ WITHOUT_ROOM, "1,\"", "\",3\n4,5,6\n", 1, 1, "longer than 64 bytes" },
	{ WITHOUT_ROOM, "1,\"", "\n4,5,6\n", 1, -1, "longer than 64 bytes" },
	{ WITHOUT_ROOM, "1,\"", "\"x,3\n4,5,6\n", 1, -1, "longer than 64 bytes" },
	{ WITH_LITTLE_ROOM, "1,\"", "\",3\n4,5,6\n", 1, 1, "longer than 64 bytes" },
	{ WITH_LITTLE_ROOM, "1,\"", "\n4,5,6\n", 1, -1, "longer than 64 bytes" },
};

START_TEST(long_quoted_cells)
{
	struct buf text = { .max = ANY };
	struct opened o = { 0 };
	enum input_result result;
	int bad = 0, records = 0;
	struct feeding how = whole;
	char first[REASON_MAX] = "";

	buf_str(&text, long_cells[_i].before);
	for (int i = 0; i < 100; i++)
		buf_str(&text, "\n7,8,9");
	buf_str(&text, long_cells[_i].after);
	how.longest = 64;
	how.chunk = 50;
	how.pipe = long_cells[_i].from != FROM_FILE;
	feed_open(&o.feed, &o.source, text.data, text.len, &how);
	csv_reader_init(&o.reader, &o.source, &how.dialect, how.longest, 1);
	if (long_cells[_i].from >= WITHOUT_ROOM)
		o.reader.rows.most_ahead = long_cells[_i].from == WITHOUT_ROOM ? 0 : 300;
	ck_assert_int_eq(csv_reader_begin(&o.reader, three, 3, &o.why, &o.status), INPUT_RECORD);
	while ((result = csv_reader_next(&o.reader, &o.r, &o.why)) != INPUT_END &&
	    result != INPUT_FAILED) {
		if (result == INPUT_BAD && bad++ == 0)
			snprintf(first, sizeof first, "%s", o.why.text);
		records += result == INPUT_RECORD;
	}
	ck_assert_int_eq(bad, long_cells[_i].bad);
	ck_assert_ptr_nonnull(strstr(first, long_cells[_i].first));
	ck_assert_int_eq(result == INPUT_FAILED ? -1 : records, long_cells[_i].records);
	if (result == INPUT_FAILED) {
		ck_assert_int_eq(o.why.status, 65);
		ck_assert_ptr_nonnull(
		    strstr(o.why.text, "line 1: a quote is opened and never closed"));
	}
	buf_free(&text);
	close_text(&o);
}
END_TEST

/* Lines are those that grep -n counts: line feeds; carriage returns where there is none of these.
 */
static const struct {
	const char *text;
	uint64_t line; /* of the last record */
} line_numbers[] = {
	{ "1,2,3\n4,5,6\n", 2 },
	{ "1,2,3\r\n4,5,6\r\n", 2 },
	{ "1,2,3\r4,5,6\r7,8,9", 3 },
	{ "1,2,3\n\"a\rb\",2,3\n4,5,6\n", 3 },
	{ "1,2,3\r\n\"a\r\nb\rc\",2,3\r\n4,5,6\r\n", 4 },
	{ "1,2,3\n\r\r4,5,6\n7,8,9\n", 3 },
	{ "\"a\rb\",2,3\r\"c\r\r\",5,6\r7,8,9", 6 },
};

START_TEST(lines_are_those_of_grep)
{
	struct opened o;
	enum input_result result;
	uint64_t last = 0;

	ck_assert_int_eq(open_text(&o, line_numbers[_i].text, three, 3), INPUT_RECORD);
	while ((result = csv_reader_next(&o.reader, &o.r, &o.why)) == INPUT_RECORD)
		last = o.r.from.line;
	ck_assert_int_eq(result, INPUT_END);
	ck_assert_uint_eq(last, line_numbers[_i].line);
	close_text(&o);
}
END_TEST

/* After a long record the buffer is small again. */
START_TEST(buffer_is_given_back)
{
	struct feeding how = whole;
	struct csv_reader reader;
	struct record r;
	struct reason why;
	struct source s;
	struct feed f;
	int status, records = 0;
	size_t n = 300000, largest = 0;
	char *data = malloc(n);

	for (size_t i = 0; i < n; i++)
		data[i] = i < 200000 ? 'q' : "1,2,3\n"[i % 6];
	data[199999] = '\n';
	how.base = 4096;
	feed_open(&f, &s, data, n, &how);
	csv_reader_init(&reader, &s, &whole.dialect, RECORD_MAX, 1);
	ck_assert_int_eq(csv_reader_begin(&reader, three, 3, &why, &status), INPUT_RECORD);
	while (csv_reader_next(&reader, &r, &why) != INPUT_END) {
		largest = s.cap > largest ? s.cap : largest;
		records++;
	}
	ck_assert_int_gt(records, 16000);
	ck_assert_uint_ge(largest, 200000);
	ck_assert_uint_eq(s.cap, 4096);
	csv_reader_free(&reader);
	source_free(&s);
	free(data);
}
END_TEST

static const struct {
	const char *text, *reason;
	int columns;
} refused[] = {
	{ "", "it is empty: a CSV needs a header row, or --columns", 0 },
	{ "\n\r\n", "it is empty: a CSV needs a header row, or --columns", 0 },
	{ "a,,c\n1,2,3\n",
	    "header: column 2 has no name: give it one, or remove it, or name all of them: "
	    "--skip-lines=1 --columns=a,NAME2,c (read as 3 columns, \"a\", \"\", \"c\")",
	    0 },
	{ "\n\n,b c,\xc2\xa0,it's\n",
	    "header: column 1 has no name: give it one, or remove it, or name all of them: "
	    "--skip-lines=3 --columns='NAME1,b c,NAME3,it'\\''s' (read as 4 columns, \"\", \"b "
	    "c\", "
	    "\"\", \"it's\")",
	    0 },
	{ "\" \"\n1\n",
	    "header: column 1 has no name: give it one, or remove it, or name all of them: "
	    "--skip-lines=1 --columns=NAME1 (read as 1 column, \"\")",
	    0 },
	{ "id;email\n",
	    "header: it is one column, for its separator is another: say --delimiter=';' (read as "
	    "1 "
	    "column, \"id;email\")",
	    0 },
	{ "id\temail|a\tb\n",
	    "header: it is one column, for its separator is another: say --format=tsv (read as 1 "
	    "column, \"id\\temail|a\\tb\")",
	    0 },
	{ "sep=;\nid;email\n",
	    "header: it is one column, for its separator is another: say --skip-lines=1 "
	    "--delimiter=';' (read as 1 column, \"sep=;\")",
	    0 },
	{ "# id;email\n",
	    "header: it is one column, for its separator is another: say --comment='#' (read as 1 "
	    "column, \"# id;email\")",
	    0 },
	{ "'id'|'email'\n",
	    "header: it is one column, for its separator is another: say --delimiter='|' "
	    "--quote=\"'\" (read as 1 column, \"'id'|'email'\")",
	    0 },
	{ "\"id\";\"email\"\n",
	    "header: cell 1 goes on behind its closing quote: double the quotes in it (in the line "
	    "\"id\";\"email\"); or say --delimiter=';'",
	    0 },
	{ "\"\"\n", "it is empty: a CSV needs a header row, or --columns", 0 },
	{ "a,b,c,b\n",
	    "header: columns 2 and 4 have the same name, \"b\": rename or remove one, or name all "
	    "of "
	    "them: --skip-lines=1 --columns=a,b,c,NAME4 (read as 4 columns, \"a\", \"b\", \"c\", "
	    "\"b\")",
	    0 },
	{ "\"x\"\"y\",x,\"x\"\"y\"\n",
	    "header: columns 1 and 3 have the same name, \"x\"y\": rename or remove one, or name "
	    "all "
	    "of them: --skip-lines=1 --columns='x\"y,x,NAME3' (read as 3 columns, \"x\"y\", \"x\", "
	    "\"x\"y\")",
	    0 },
	{ "a,caf\xe9\n",
	    "header: the name of column 2 is not UTF-8: say what the file is written in with "
	    "--encoding",
	    0 },
	{ "a,b\"c\n",
	    "header: cell 2 has a quote inside: put the cell in quotes and double the quotes in it "
	    "(in the line a,b\"c)",
	    0 },
	{ "a,\"b\n1,2\n", "header: cell 2 opens a quote that is never closed (in the line a,\"b)",
	    0 },
	{ "_cio_line,_cio_error\n", "header: there is no column but cio-import's own (_cio_...)",
	    0 },
	{ "1,2\n", "--columns: columns 1 and 2 have the same name, \"a\": rename or remove one",
	    1 },
};

START_TEST(headers_refused)
{
	static const char *const twice[] = { "a", "a" };
	struct opened o;

	ck_assert_int_eq(open_text(&o, refused[_i].text, refused[_i].columns ? twice : NULL, 2),
	    INPUT_FAILED);
	ck_assert_int_eq(o.status, 65);
	ck_assert_str_eq(o.why.text, refused[_i].reason);
	close_text(&o);
}
END_TEST

/* Nothing is held for more cells than a row may have: they are counted, and that is what is said of
 * them, though they be empty. */
START_TEST(more_cells_than_a_row_may_have)
{
	struct buf text = { .max = ANY };
	struct opened o;

	buf_str(&text, _i ? "a,b\n" : "");
	for (size_t i = 0; i < INPUT_FIELDS_MAX; i++)
		buf_byte(&text, ',');
	buf_add(&text, "\n1,2\n", sizeof "\n1,2\n");
	ck_assert_int_eq(open_text(&o, text.data, NULL, 0), _i ? INPUT_RECORD : INPUT_FAILED);
	if (_i) {
		ck_assert_int_eq(csv_reader_next(&o.reader, &o.r, &o.why), INPUT_BAD);
		ck_assert_str_eq(o.why.text, "row has 65537 cells, the header has 2");
		ck_assert_int_eq(csv_reader_next(&o.reader, &o.r, &o.why), INPUT_RECORD);
	} else {
		ck_assert_str_eq(o.why.text,
		    "header: there are 65537 columns; at most 65536 can be read");
	}
	close_text(&o);
	buf_free(&text);
}
END_TEST

START_TEST(header_with_nul)
{
	struct feeding how = whole;
	struct buf trace = { .max = ANY };

	how.columns = NULL;
	trace_csv(&trace, "a\0b,c\n1,2\n", 10, &how);
	ck_assert_uint_eq(trace.len, 1);
	ck_assert_int_eq(trace.data[0], 'F');
	buf_free(&trace);
}
END_TEST

static const struct {
	const char *text, *raw, *names;
} headers[] = {
	{ "a,b\n1,2\n", "a,b", "a|b" },
	{ "\"a\",\"b \"\"2\"\"\"\r\n1,2\n", "\"a\",\"b \"\"2\"\"\"", "a|b \"2\"" },
	{ "a,\"b\nc\",_cio_line,_cio_raw\n", "a,\"b\nc\"", "a|b\nc" },
	{ "_cio_line,a,_cio_status,\"b\"\n", "a,\"b\"", "a|b" },
	{ "a, b ,_cio\n", "a, b ,_cio", "a|b|_cio" },
	{ "\n\n only \n", " only ", "only" },
	{ "\xef\xbb\xbf"
	  "id\xe2\x80\x8b,\xc2\xa0n a\xe3\x80\x80,\"\te\xe2\x81\xa0 \"\n",
	    "\xef\xbb\xbf"
	    "id\xe2\x80\x8b,\xc2\xa0n a\xe3\x80\x80,\"\te\xe2\x81\xa0 \"",
	    "id|n a|e" },
	/* columns at the end that have no name */
	{ "a,b,\n", "a,b", "a|b" },
	{ "a,b,,\" \",\n", "a,b", "a|b" },
};

START_TEST(headers_taken)
{
	struct buf names = { .max = ANY };
	struct opened o;

	ck_assert_int_eq(open_text(&o, headers[_i].text, NULL, 0), INPUT_RECORD);
	const struct input_header *h = &o.reader.header->shown;
	for (size_t i = 0; i < h->count; i++) {
		buf_str(&names, i ? "|" : "");
		buf_str(&names, h->names[i]);
	}
	buf_byte(&names, '\0');
	ck_assert_str_eq(names.data, headers[_i].names);
	ck_assert_uint_eq(h->raw_len, strlen(headers[_i].raw));
	ck_assert_mem_eq(h->raw, headers[_i].raw, h->raw_len);
	ck_assert_int_eq(h->dialect.delimiter, ',');
	buf_free(&names);
	close_text(&o);
}
END_TEST

/* --columns: the header's raw bytes are a row made of the names. */
START_TEST(columns_as_header)
{
	struct opened o;

	ck_assert_int_eq(open_text(&o, "a,\"b\"\"b\",c\n", three, 3), INPUT_RECORD);
	ck_assert_mem_eq(o.reader.header->shown.raw, "a,\"b\"\"b\",c", 10);
	/* the same names alone are a header that was forgotten */
	ck_assert_int_eq(csv_reader_next(&o.reader, &o.r, &o.why), INPUT_BAD);
	ck_assert_str_eq(o.why.text,
	    "the row is the header again: take it out (were files joined?)");
	ck_assert_int_eq(csv_reader_next(&o.reader, &o.r, &o.why), INPUT_END);
	close_text(&o);
}
END_TEST

/* What a record has besides its cells. */
START_TEST(fields_of_a_record)
{
	struct opened o;

	ck_assert_int_eq(open_text(&o, "na\"me,x\n", NULL, 0), INPUT_FAILED);
	close_text(&o);
	ck_assert_int_eq(open_text(&o, "\"na\"\"me\",\xc3\xa9\n1,2\n", NULL, 0), INPUT_RECORD);
	ck_assert_int_eq(csv_reader_next(&o.reader, &o.r, &o.why), INPUT_RECORD);
	const struct field *f = o.r.fields;
	ck_assert_uint_eq(o.r.count, 2);
	ck_assert_uint_eq(o.r.layout->number, 7);
	ck_assert_ptr_eq(o.r.layout->fields, f);
	ck_assert_uint_eq(o.r.layout->count, 2);
	ck_assert_uint_eq(o.r.from.line, 2);
	ck_assert_int_eq(f->kind, FIELD_TEXT);
	ck_assert_int_eq(f->role, ROLE_NONE);
	ck_assert_uint_eq(f->key_len, 8);
	ck_assert_mem_eq(f->key, "\"na\\\"me\":\"", 10);
	ck_assert_uint_eq(f->name_len, 5);
	ck_assert_mem_eq(f->name, "na\"me", 5);
	ck_assert_mem_eq(f[1].key, "\"\xc3\xa9\"", 4);
	close_text(&o);
}
END_TEST

/* Text in a column that has no name: in the first row the header is refused, later the row is. */
START_TEST(nameless_column)
{
	struct opened o;

	ck_assert_int_eq(open_text(&o, "a,,\n1,,3\n", NULL, 0), INPUT_RECORD);
	ck_assert_int_eq(csv_reader_next(&o.reader, &o.r, &o.why), INPUT_FAILED);
	ck_assert_int_eq(o.why.status, 65);
	ck_assert_str_eq(o.why.text,
	    "header: column 3 has no name, and line 2 has something in it: name all columns with "
	    "--skip-lines=1 --columns=a,NAME2,NAME3");
	close_text(&o);
	ck_assert_int_eq(open_text(&o, "a,b,\n1,2,\n1,2,3\n4,5,\n", NULL, 0), INPUT_RECORD);
	ck_assert_int_eq(csv_reader_next(&o.reader, &o.r, &o.why), INPUT_RECORD);
	ck_assert_int_eq(csv_reader_next(&o.reader, &o.r, &o.why), INPUT_BAD);
	ck_assert_str_eq(o.why.text,
	    "cell 3 stands under no name: name all columns with --skip-lines=1 "
	    "--columns=a,b,NAME3");
	ck_assert_mem_eq(o.r.from.raw, "1,2,3", 5);
	ck_assert_int_eq(csv_reader_next(&o.reader, &o.r, &o.why), INPUT_RECORD);
	ck_assert_int_eq(csv_reader_next(&o.reader, &o.r, &o.why), INPUT_END);
	close_text(&o);
}
END_TEST

/* One record each, behind a header: what becomes of it. `reason` NULL: it is a record with these
 * cells. */
static const struct {
	const char *header, *row, *reason, *raw, *cells;
} rows[] = {
	{ "a,b", "1,2", NULL, "1,2", "1|2" },
	{ "a,b", " 1 ,\t2", NULL, " 1 ,\t2", " 1 |\t2" },
	{ "a,b", "\"\",\"\"\"\"", NULL, "\"\",\"\"\"\"", "|\"" },
	{ "a,b", "1", "row has 1 cell, the header has 2", "1", "" },
	{ "a,b", "1,2,3", "row has 3 cells, the header has 2", "1,2,3", "" },
	{ "a,b", "1,\xe9",
	    "cell 2 (b) is not UTF-8 (its byte 1 is 0xe9): say what the file is written in with "
	    "--encoding",
	    "1,\xe9", "" },
	{ "a,b", "1,x\"y",
	    "cell 2 (b) has a quote inside: put the cell in quotes and double the quotes in it",
	    "1,x\"y", "" },
	{ "a,b", "\"1\" ,2", "cell 1 (a) goes on behind its closing quote: double the quotes in it",
	    "\"1\" ,2", "" },
	{ "a,b", "1,\"2", "cell 2 (b) opens a quote that is never closed", "1,\"2", "" },
	{ "a,b", "1,2,x\"y",
	    "cell 3 has a quote inside: put the cell in quotes and double the quotes in it",
	    "1,2,x\"y", "" },
	{ "a\x1b[2J,b", "x\"y",
	    "cell 1 (a\\x1b[2J) has a quote inside: put the cell in quotes and double the quotes "
	    "in it",
	    "x\"y", "" },
	/* the header again, however it is written; but for cio-import's own columns */
	{ "a,b", "a,b", "the row is the header again: take it out (were files joined?)", "a,b",
	    "" },
	{ "a,b", "\"a\", b", "the row is the header again: take it out (were files joined?)",
	    "\"a\", b", "" },
	{ " a,\"b\"\"\"", "a,\"b\"\"\"",
	    "the row is the header again: take it out (were files joined?)", "a,\"b\"\"\"", "" },
	{ "a,b,_cio_line,_cio_raw", "a,b,_cio_line,",
	    "the row is the header again: take it out (were files joined?)", "a,b", "" },
	{ "a,b", "a,B", NULL, "a,B", "a|B" },
	{ "a,b", "b,a", NULL, "b,a", "b|a" },
	{ "a,b", "a,", NULL, "a,", "a|" },
	/* a column at the end without a name: nothing, or nothing in it */
	{ "a,b,", "1,2,", NULL, "1,2", "1|2" },
	{ "a,b,, ", "1,\"2\",\"\",", NULL, "1,\"2\"", "1|2" },
	{ "a,b,,\" \"", "1,,,", NULL, "1,", "1|" },
	{ "a,b,", "1,2", "row has 2 cells, the header has 3", "1,2", "" },
	/* cio-import's own columns behind the others */
	{ "a,b,_cio_line,_cio_raw", "1,2,3,", NULL, "1,2", "1|2" },
	{ "a,b,_cio_line,_cio_raw", "1,\"2\",3,", NULL, "1,\"2\"", "1|2" },
	{ "a,b,_cio_line,_cio_raw", "1,\"2\"\"\",3,", NULL, "1,\"2\"\"\"", "1|2\"" },
	{ "a,b,_cio_line,_cio_raw", "1,,3,", NULL, "1,", "1|" },
	{ "a,b,_cio_line", "1,2", "row has 2 cells, the header has 3", "1,2", "" },
	/* ... and between them */
	{ "_cio_line,a,_cio_raw,b", "3,1,,\"2\"", NULL, "1,\"2\"", "1|2" },
	{ "_cio_line,a,_cio_raw,b", "3,\"1\"\"\",\"\",2", NULL, "\"1\"\"\",2", "1\"|2" },
	/* _cio_raw stands for the record */
	{ "a,b,_cio_line,_cio_raw", ",,\xff,\"1,2\"", NULL, "1,2", "1|2" },
	{ "a,b,_cio_line,_cio_raw", ",,3,\"1,\xfc\"",
	    "cell 2 (b) is not UTF-8 (its byte 1 is 0xfc): say what the file is written in with "
	    "--encoding",
	    "1,\xfc", "" },
	{ "a,b,_cio_line,_cio_raw", ",,3,\"1,\"\"2\"\"\"", NULL, "1,\"2\"", "1|2" },
	{ "a,b,_cio_line,_cio_raw", ",,3,\"1,\"\"2\n\"\"\"\"\"\"\"", NULL, "1,\"2\n\"\"\"",
	    "1|2\n\"" },
	{ "a,b,_cio_line,_cio_raw", "8,9,3,\"1,2\n\"", NULL, "1,2", "1|2" },
	{ "a,_cio_raw,b", ",\"1,2\",", NULL, "1,2", "1|2" },
	{ "a,_cio_raw", "1,2", NULL, "2", "2" },
	{ "a,b,_cio_line,_cio_raw", ",,3,\"1\"", "row has 1 cell, the header has 2", "1", "" },
	{ "a,b,_cio_line,_cio_raw", ",,3,\"1,x\"\"y\"",
	    "cell 2 (b) has a quote inside: put the cell in quotes and double the quotes in it",
	    "1,x\"y", "" },
	{ "a,b,_cio_line,_cio_raw", ",,3,\"1,2\n3,4\"", "_cio_raw holds more than one row",
	    "1,2\n3,4", "" },
	{ "a,b,_cio_line,_cio_raw", ",,3,\"\n1,2\"",
	    "_cio_raw begins with a line break: it must hold one row", "\n1,2", "" },
	{ "a,b,_cio_line,_cio_raw", ",,3,\"\n\"",
	    "_cio_raw begins with a line break: it must hold one row", "", "" },
};

START_TEST(one_row)
{
	struct buf text = { .max = ANY }, cells = { .max = ANY };
	struct opened o;

	buf_fmt(&text, "%s\n%s\n", rows[_i].header, rows[_i].row);
	buf_byte(&text, '\0');
	ck_assert_int_eq(open_text(&o, text.data, NULL, 0), INPUT_RECORD);
	enum input_result result = csv_reader_next(&o.reader, &o.r, &o.why);
	ck_assert_msg((result == INPUT_RECORD) == (rows[_i].reason == NULL), "%s", o.why.text);
	if (rows[_i].reason)
		ck_assert_str_eq(o.why.text, rows[_i].reason);
	ck_assert_uint_eq(o.r.from.raw_len, strlen(rows[_i].raw));
	ck_assert_mem_eq(o.r.from.raw, rows[_i].raw, o.r.from.raw_len);
	ck_assert_uint_eq(o.r.from.line, 2);
	for (size_t i = 0; i < o.r.count; i++) {
		buf_str(&cells, i ? "|" : "");
		buf_add(&cells, o.r.fields[i].value, o.r.fields[i].value_len);
	}
	buf_byte(&cells, '\0');
	ck_assert_str_eq(cells.data, rows[_i].cells);
	ck_assert_int_eq(csv_reader_next(&o.reader, &o.r, &o.why), INPUT_END);
	buf_free(&text);
	buf_free(&cells);
	close_text(&o);
}
END_TEST

#define WIDE 200

/* Doubled quotes in some cells of a wide row, whichever they are. */
START_TEST(doubled_quotes_in_any_cell)
{
	struct dice dice = dice_new("doubled_quotes_in_any_cell");

	for (int round = 0; round < 300; round++) {
		struct buf text = { .max = ANY };
		bool doubled[WIDE];
		int64_t often = 1 + dice_below(&dice, 40);
		struct opened o;
		for (int i = 0; i < WIDE; i++)
			buf_fmt(&text, i ? ",c%d" : "c%d", i);
		buf_byte(&text, '\n');
		for (int i = 0; i < WIDE; i++) {
			doubled[i] = dice_one_in(&dice, often);
			buf_str(&text, i ? "," : "");
			buf_str(&text,
			    doubled[i]                ? "\"a\"\"b\"\"\"\"\"" :
			        dice_one_in(&dice, 2) ? "\"ab\"" :
			                                "ab");
		}
		buf_byte(&text, '\0');
		ck_assert_int_eq(open_text(&o, text.data, NULL, 0), INPUT_RECORD);
		ck_assert_int_eq(csv_reader_next(&o.reader, &o.r, &o.why), INPUT_RECORD);
		for (int i = 0; i < WIDE; i++) {
			const struct field *f = &o.r.fields[i];
			ck_assert_uint_eq(f->value_len, doubled[i] ? 5 : 2);
			ck_assert_mem_eq(f->value, doubled[i] ? "a\"b\"\"" : "ab", f->value_len);
		}
		buf_free(&text);
		close_text(&o);
	}
}
END_TEST

/* --columns and a first row: "head" where it is the head of a rejects file, so no record. */
static const struct {
	const char *row;
	bool head;
} heads[] = {
	{ "a,\"b\"\"b\",c,_cio_line,_cio_outcome,_cio_status,_cio_error,_cio_raw", true },
	{ "\"a\",\"b\"\"b\",c,_cio_line,_cio_outcome,_cio_status,_cio_error,\"_cio_raw\"", true },
	{ "a,\"b\"\"b\",c,_cio_line,_cio_status,_cio_outcome,_cio_error,_cio_raw", false },
	{ "a,\"b\"\"b\",c,_cio_line,_cio_outcome,_cio_status,_cio_error,_cio_raws", false },
	{ "a,\"b\"\"b\",c,_cio_line,_cio_outcome,_cio_status,_cio_error", false },
	{ "a,\"b\"\"b\",c,d,_cio_line,_cio_outcome,_cio_status,_cio_error,_cio_raw", false },
	{ "a,\"b\"\"b\",_cio_line,_cio_outcome,_cio_status,_cio_error,_cio_raw", false },
	{ "a,\"b\"\"b\",c,_cio_line", false },
	{ "a,\"b\"\"b\",c", false },
	{ "a,\"b\"\"b\",c,d", false },
	{ "a,bb,c,_cio_line,_cio_outcome,_cio_status,_cio_error,_cio_raw", false },
	{ "_cio_line,a,\"b\"\"b\",c", false },
};

START_TEST(head_of_a_rejects_file)
{
	struct buf text = { .max = ANY };
	struct opened o;

	buf_fmt(&text, "%s\n1,2,3%s\n", heads[_i].row, heads[_i].head ? ",9,,,," : "");
	buf_byte(&text, '\0');
	ck_assert_int_eq(open_text(&o, text.data, three, 3), INPUT_RECORD);
	const char *const *names = o.reader.header->shown.names;
	enum input_result first = csv_reader_next(&o.reader, &o.r, &o.why);
	if (!heads[_i].head)
		ck_assert_uint_eq(o.r.from.line, 1);
	else
		ck_assert_int_eq(first, INPUT_RECORD);
	if (!heads[_i].head)
		ck_assert_int_eq(csv_reader_next(&o.reader, &o.r, &o.why), INPUT_RECORD);
	ck_assert_uint_eq(o.r.from.line, 2);
	ck_assert_uint_eq(o.r.from.raw_len, 5);
	ck_assert_uint_eq(o.r.count, 3);
	ck_assert_ptr_eq(names, o.reader.header->shown.names); /* those who hold them may go on */
	ck_assert_int_eq(csv_reader_next(&o.reader, &o.r, &o.why), INPUT_END);
	close_text(&o);
	struct feeding how = whole;
	ck_assert_uint_eq(count_csv(text.data, text.len - 1, &how), heads[_i].head ? 1 : 2);
	buf_free(&text);
}
END_TEST

/* Rows that begin where what was looked at ends: it is looked at a piece at a time. */
START_TEST(rows_of_round_lengths)
{
	for (size_t length = 8; length <= 4096; length *= 2) {
		struct feeding how = whole;
		struct buf text = { .max = ANY }, model = { .max = ANY }, trace = { .max = ANY };
		for (int row = 0; row < 80; row++)
			buf_fmt(&text, "%02d,%0*d,b\n", row, (int)length - 6, row);
		model_csv(&model, text.data, text.len, &how);
		trace_csv(&trace, text.data, text.len, &how);
		assert_same(&model, &trace, text.data, text.len, &how);
		buf_free(&text);
		buf_free(&model);
		buf_free(&trace);
	}
}
END_TEST

/* From a pipe a record comes with the end of its line, and what is no record too: how many there
 * are when no more bytes have come yet. */
static const struct {
	const char *text;
	int records;
} prompt[] = {
	{ "1,2,3\n", 1 },
	{ "1,2,3\r", 1 },
	{ "1,2,3", 0 },
	{ "1,2\n", 1 },
	{ "1,\"2\n", 0 },
	{ "1,\"2\n\",3\n", 1 },
	{ "1,2,\"3\"", 0 },
	{ "1,x\"2,3\n", 1 },
	{ "1,x\"2", 0 },
	{ "1,\"2\"x,3\n", 1 },
	{ "1,\"2\"x,\"3\n4,5,6\n", 2 },
	{ "1,\"2\n\"x\n", 1 },
	{ "1,\"2\"\"\"x\n", 1 },
	{ "1,x\"2,\"\n", 1 },
};

START_TEST(records_come_promptly)
{
	struct opened o;

	for (size_t chunk = 1; chunk < 20; chunk++) {
		enum input_result result;
		int records = 0;
		ck_assert_int_eq(open_text(&o, prompt[_i].text, three, 3), INPUT_RECORD);
		o.feed.endless = true;
		o.feed.chunk = chunk;
		while ((result = csv_reader_next(&o.reader, &o.r, &o.why)) != INPUT_AGAIN)
			records += result == INPUT_RECORD || result == INPUT_BAD;
		ck_assert_int_eq(records, prompt[_i].records);
		close_text(&o);
	}
}
END_TEST

/* However a file is made, one line of it is not looked at again and again. Counted in bytes, not in
 * seconds. */
START_TEST(open_quotes_are_not_quadratic)
{
	static const char *const lines[] = { "\"\n", "a,\"b\n", "\",\"\n", "\"\"\"\n", "x\"\n",
		"\"\"x\n", ",\"\",\"\n", "\"x\"y\"z\"\n" };
	/* that it is not quadratic is not valgrind's to say */
	size_t bytes = (size_t)1 << (harness_is_under() ? 14 : 18);
	char *data = malloc(bytes + 16);
	struct feeding how = whole;

	for (size_t a = 0; a < sizeof lines / sizeof *lines; a++) {
		for (size_t b = 0; b < sizeof lines / sizeof *lines; b++) {
			size_t n = 0;
			for (const char *line = lines[a]; n < bytes; line = lines[b]) {
				memcpy(data + n, line, strlen(line));
				n += strlen(line);
			}
			ck_assert_uint_gt(count_csv(data, n, &how), 0);
		}
	}
	free(data);
}
END_TEST

/* The plain block scans find the same as those that the machine has, and what they should. Behind
 * the block is another. */
static bool block_scans_agree(const char *block)
{
	uint64_t high, plain_high, row = scan_row(block, ';', &high);
	unsigned string = scan_string(block), unseen = scan_unseen(block);
	bool same = row == scan_row_plain(block, ';', &plain_high) && high == plain_high &&
	    scan_breaks(block) == scan_breaks_plain(block) &&
	    scan_byte(block, '"') == scan_byte_plain(block, '"') &&
	    string == scan_string_plain(block) && scan_highs(block) == high &&
	    scan_highs_plain(block) == high && unseen == scan_unseen_plain(block);

	for (size_t n = 1; n <= SCAN_BYTES && same; n++)
		same = scan_same(block, block + SCAN_BYTES, n) ==
		    scan_same_plain(block, block + SCAN_BYTES, n);
	for (size_t i = 0; i < SCAN_BYTES && same; i++) {
		unsigned char c = (unsigned char)block[i];
		bool end = c == '\n' || c == '\r', escaped = c == '"' || c == '\\' || c < 0x20;
		same = (row >> i & 1) == (escaped || c == ';') && (high >> i & 1) == (c > 0x7f) &&
		    (scan_breaks(block) >> i & 1) == end &&
		    (i >= SCAN_STRING_BYTES ||
		        ((string >> i & 1) == escaped &&
		            (unseen >> i & 1) == (c < 0x20 || c > 0x7e)));
	}
	return same;
}

START_TEST(block_scans)
{
	static const char bytes[] = "\",\n\r\\\x1f\x20\x7f\x80\xff\x01"
	                            "ab;0990/:";
	struct dice dice = dice_new("block_scans");
	char block[2 * SCAN_BYTES + SCAN_STRING_BYTES] = { 0 };

	for (int round = 0; round < 50000; round++) {
		for (size_t i = 0; i < SCAN_BYTES; i++)
			block[i] = round % 2 ? (char)dice_next(&dice) :
			                       bytes[dice_below(&dice, sizeof bytes)];
		memcpy(block + SCAN_BYTES, block, SCAN_BYTES);
		/* the same up to there */
		block[SCAN_BYTES + dice_below(&dice, SCAN_BYTES + 1)] ^= 1;
		if (!block_scans_agree(block))
			ck_abort_msg("round %d", round);
	}
}
END_TEST

static const struct {
	const char *text;
	size_t n, valid;
} encodings[] = {
	{ "", 0, 0 },
	{ "abc", 3, 3 },
	{ "a\0b", 3, 3 },
	{ "\x7f", 1, 1 },
	{ "\x80", 1, 0 },
	{ "\xc2\x80", 2, 2 },
	{ "\xc1\xbf", 2, 0 },
	{ "\xc0\x80", 2, 0 },
	{ "\xc3", 1, 0 },
	{ "\xc3(", 2, 0 },
	{ "\xe0\xa0\x80", 3, 3 },
	{ "\xe0\x9f\xbf", 3, 0 },
	{ "\xed\x9f\xbf", 3, 3 },
	{ "\xed\xa0\x80", 3, 0 },
	{ "\xed\xbf\xbf", 3, 0 },
	{ "\xee\x80\x80", 3, 3 },
	{ "\xef\xbf\xbf", 3, 3 },
	{ "\xe2\x82", 2, 0 },
	{ "\xf0\x90\x80\x80", 4, 4 },
	{ "\xf0\x8f\xbf\xbf", 4, 0 },
	{ "\xf4\x8f\xbf\xbf", 4, 4 },
	{ "\xf4\x90\x80\x80", 4, 0 },
	{ "\xf5\x80\x80\x80", 4, 0 },
	{ "\xff", 1, 0 },
	{ "\xf0\x9f\x98", 3, 0 },
	{ "seven b\xc3\xa9 and more than eight\xff", 30, 29 },
};

START_TEST(utf8)
{
	size_t n = encodings[_i].n, valid = encodings[_i].valid;
	char text[64] = { 0 };

	for (size_t before = 0; before < 20; before++) { /* wherever it lies in a word */
		memset(text, 'a', before);
		memcpy(text + before, encodings[_i].text, n);
		ck_assert_uint_eq(utf8_prefix(text, before + n), before + valid);
		ck_assert_int_eq(utf8_valid(text, before + n), n == valid);
	}
}
END_TEST

/* One wrong byte, or one long character, anywhere in a text of any length: it is looked at in
 * blocks of many sizes. */
START_TEST(utf8_of_any_length)
{
	char text[3 * SCAN_BYTES + 4];

	for (size_t n = 0; n <= 3 * SCAN_BYTES; n++) {
		memset(text, 'a', sizeof text);
		text[n] = '\xff'; /* is behind it */
		ck_assert_uint_eq(utf8_prefix(text, n), n);
		for (size_t at = 0; at < n; at++) {
			memset(text, 'a', n);
			text[at] = '\xff';
			ck_assert_uint_eq(utf8_prefix(text, n), at);
			memcpy(text + at, "\xe2\x82\xac", n - at < 3 ? n - at : 3);
			ck_assert_uint_eq(utf8_prefix(text, n), n - at < 3 ? at : n);
		}
	}
}
END_TEST

START_TEST(utf8_is_not_cut)
{
	static const char text[] = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z";
	static const size_t cuts[] = { 0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11 };

	for (size_t most = 0; most < sizeof cuts / sizeof *cuts; most++)
		ck_assert_uint_eq(utf8_cut(text, sizeof text - 1, most), cuts[most]);
	ck_assert_uint_eq(utf8_cut("\x80\x80\x80\x80\x80\x80", 6, 5), 5);
}
END_TEST

#define LOOP(tcase, test, table) \
	tcase_add_loop_test(tcase, test, 0, (int)(sizeof table / sizeof *table))

Suite *csv_reader_suite(void)
{
	Suite *suite = suite_create("csv_reader");
	TCase *tcase = tcase_create("csv");

	tcase_set_timeout(tcase, 60);
	LOOP(tcase, every_short_text, dialects);
	LOOP(tcase, a_walk_ends_where_the_row_does, dialects);
	tcase_add_test(tcase, random_texts);
	tcase_add_test(tcase, every_chunk_size);
	tcase_add_test(tcase, longest_record);
	tcase_add_test(tcase, sixteen_mebibytes);
	tcase_add_test(tcase, buffer_is_given_back);
	LOOP(tcase, what_a_row_says, sayings);
	LOOP(tcase, cells_are_read_as_they_were_written, dialects);
	LOOP(tcase, long_quoted_cells, long_cells);
	LOOP(tcase, lines_are_those_of_grep, line_numbers);
	LOOP(tcase, headers_refused, refused);
	tcase_add_loop_test(tcase, more_cells_than_a_row_may_have, 0, 2);
	tcase_add_test(tcase, header_with_nul);
	LOOP(tcase, headers_taken, headers);
	tcase_add_test(tcase, columns_as_header);
	tcase_add_test(tcase, fields_of_a_record);
	tcase_add_test(tcase, doubled_quotes_in_any_cell);
	tcase_add_test(tcase, nameless_column);
	LOOP(tcase, one_row, rows);
	LOOP(tcase, head_of_a_rejects_file, heads);
	tcase_add_test(tcase, rows_of_round_lengths);
	LOOP(tcase, records_come_promptly, prompt);
	tcase_add_test(tcase, open_quotes_are_not_quadratic);
	tcase_add_test(tcase, block_scans);
	LOOP(tcase, utf8, encodings);
	tcase_add_test(tcase, utf8_of_any_length);
	tcase_add_test(tcase, utf8_is_not_cut);
	suite_add_tcase(suite, tcase);
	return suite;
}
