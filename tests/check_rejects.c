/* Rejects files, continued and read back. */
#include "store/rejects.h"

#include <check.h>
#include <csv.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/buf.h"
#include "dice.h"
#include "harness.h"
#include "input/input.h"
#include "base/log.h"
#include "input/record.h"

Suite *rejects_suite(void);

#define LENGTH(array) ((int)(sizeof(array) / sizeof *(array)))

static struct harness *h;
static struct reason why;
static const struct input_header abc = { .count = 3,
	.raw = "id,\"the \"\"name\"\"\",c",
	.raw_len = 19,
	.delimiter = ',' };
static const struct input_header one = { .count = 1, .raw = "id", .raw_len = 2, .delimiter = ';' };
static const struct input_header tabs = { .count = 2,
	.raw = "id\tb",
	.raw_len = 4,
	.delimiter = '\t' };

#define COLUMNS "_cio_line,_cio_outcome,_cio_status,_cio_error,_cio_raw\n"
#define ABC "id,\"the \"\"name\"\"\",c," COLUMNS

static void setup(void)
{
	h = harness_new(NULL);
	why.text[0] = '\0';
}

static void teardown(void)
{
	harness_free(h);
}

static struct rejects *begin(const char *name, const int64_t *sizes, size_t files)
{
	struct rejects *r = rejects_new(harness_path(h, name), sizes, files, &why);

	ck_assert_msg(r != NULL, "%s", why.text);
	return r;
}

static void end(struct rejects *r)
{
	ck_assert_msg(rejects_close(r, &why) == 0, "%s", why.text);
}

static struct origin origin(unsigned file, uint64_t line, const char *raw)
{
	return (struct origin){ .raw = raw,
		.raw_len = strlen(raw),
		.number = line + 100,
		.line = line,
		.file = file };
}

static void reject(struct rejects *r, unsigned file, uint64_t line,
    const struct input_header *header, const char *raw)
{
	struct origin from = origin(file, line, raw);

	ck_assert_msg(rejects_add(r, &from, header, true, OUTCOME_REFUSED, 400, "bad", &why) == 0,
	    "%s", why.text);
}

static void assert_file(const char *name, const char *text)
{
	if (text)
		harness_assert_file_is(h, name, text);
	else
		ck_assert_msg(!harness_exists(h, name), "%s is there", name);
}

static const struct {
	const struct input_header *header;
	bool whole;
	const char *raw;
	enum outcome outcome;
	int status;
	const char *error, *text;
} rows[] = {
	/* CSV */
	{ &abc, true, "42,\"a, \"\"b\"\"\",x", OUTCOME_REFUSED, 400, "email is not valid",
	    ABC "42,\"a, \"\"b\"\"\",x,12,refused,400,\"email is not valid\",\n" },
	{ &abc, true, "42,\"two\nlines\",x", OUTCOME_FAILED, 503, "down",
	    ABC "42,\"two\nlines\",x,12,failed,503,\"down\",\n" },
	{ &abc, true, "42,,", OUTCOME_REJECTED, 0, "no \"name\", it says",
	    ABC "42,,,12,rejected,,\"no \"\"name\"\", it says\",\n" },
	{ &abc, true, "1,2,3", OUTCOME_FAILED, 0, NULL, ABC "1,2,3,12,failed,,\"\",\n" },
	{ &abc, true, "1,2,3", OUTCOME_REFUSED, 400, "a\r\nb\x1b[2Jc\xff\xc2\x9b",
	    ABC "1,2,3,12,refused,400,\"a\\r\\nb\\x1b[2Jc\\xff\\xc2\\x9b\",\n" },
	{ &abc, false, "42,\"a\"\"", OUTCOME_REJECTED, 0, "row has 2 cells, the header has 3",
	    ABC ",,,12,rejected,,\"row has 2 cells, the header has 3\",\"42,\"\"a\"\"\"\"\"\n" },
	{ &abc, false, "", OUTCOME_REJECTED, 0, "nothing",
	    ABC ",,,12,rejected,,\"nothing\",\"\"\n" },
	{ &abc, false, "bad \xff\xfe bytes", OUTCOME_REJECTED, 0, "not UTF-8",
	    ABC ",,,12,rejected,,\"not UTF-8\",\"bad \xff\xfe bytes\"\n" },
	{ &abc, true, "1,2,3\r", OUTCOME_REFUSED, 400, "x",
	    ABC ",,,12,refused,400,\"x\",\"1,2,3\r\"\n" },
	{ &one, true, "", OUTCOME_REFUSED, 400, "x",
	    "id;_cio_line;_cio_outcome;_cio_status;_cio_error;_cio_raw\n;12;refused;400;\"x\";\n" },
	{ &one, false, "a;b", OUTCOME_REFUSED, 400, "x",
	    "id;_cio_line;_cio_outcome;_cio_status;_cio_error;_cio_raw\n;12;refused;400;\"x\";\"a;"
	    "b\"\n" },
	{ &tabs, true, "1\t2", OUTCOME_REFUSED, 400, "tab\there",
	    "id\tb\t_cio_line\t_cio_outcome\t_cio_status\t_cio_error\t_cio_"
	    "raw\n1\t2\t12\trefused\t400\t\"tab\\there\"\t\n" },
	/* NDJSON */
	{ NULL, true, "{\"id\":42}", OUTCOME_REFUSED, 400, "no \"email\"",
	    "{\"id\":42,\"_cio_line\":12,\"_cio_outcome\":\"refused\",\"_cio_status\":400,\"_cio_"
	    "error\":\"no \\\"email\\\"\"}\n" },
	{ NULL, true, "  {\"id\" : 42 \t} \t", OUTCOME_FAILED, 0, "down",
	    "  {\"id\" : "
	    "42,\"_cio_line\":12,\"_cio_outcome\":\"failed\",\"_cio_error\":\"down\"}\n" },
	{ NULL, true, "{}", OUTCOME_REJECTED, 0, "empty",
	    "{\"_cio_line\":12,\"_cio_outcome\":\"rejected\",\"_cio_error\":\"empty\"}\n" },
	{ NULL, true, " { } ", OUTCOME_REJECTED, 0, "empty",
	    " {\"_cio_line\":12,\"_cio_outcome\":\"rejected\",\"_cio_error\":\"empty\"}\n" },
	{ NULL, true, "{\"a\":{}}", OUTCOME_REJECTED, 0, "x",
	    "{\"a\":{},\"_cio_line\":12,\"_cio_outcome\":\"rejected\",\"_cio_error\":\"x\"}\n" },
	{ NULL, false, "[1, \"2\"]", OUTCOME_REJECTED, 0, "not an object",
	    "{\"_cio_raw\":\"[1, "
	    "\\\"2\\\"]\",\"_cio_line\":12,\"_cio_outcome\":\"rejected\",\"_cio_error\":\"not an "
	    "object\"}\n" },
	{ NULL, false, "", OUTCOME_REJECTED, 0, "x",
	    "{\"_cio_raw\":\"\",\"_cio_line\":12,\"_cio_outcome\":\"rejected\",\"_cio_error\":"
	    "\"x\"}\n" },
	{ NULL, false, "{\"a\":\"\xff\xc3\xa4\xed\xa0\x80\"}\t", OUTCOME_REJECTED, 0, "x\xff",
	    "{\"_cio_raw\":\"{\\\"a\\\":"
	    "\\\"\xef\xbf\xbd\xc3\xa4\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\\\"}\\t\",\"_cio_line\":"
	    "12,"
	    "\"_cio_outcome\":\"rejected\",\"_cio_error\":\"x\xef\xbf\xbd\"}\n" },
	/* Called whole, but no object: still a line of JSON. */
	{ NULL, true, "}", OUTCOME_REJECTED, 0, "x",
	    "{\"_cio_raw\":\"}\",\"_cio_line\":12,\"_cio_outcome\":\"rejected\",\"_cio_error\":"
	    "\"x\"}\n" },
	{ NULL, true, "{ ", OUTCOME_REJECTED, 0, "x",
	    "{\"_cio_raw\":\"{ "
	    "\",\"_cio_line\":12,\"_cio_outcome\":\"rejected\",\"_cio_error\":\"x\"}\n" },
	{ NULL, true, " ", OUTCOME_REJECTED, 0, "x",
	    "{\"_cio_raw\":\" "
	    "\",\"_cio_line\":12,\"_cio_outcome\":\"rejected\",\"_cio_error\":\"x\"}\n" },
};

START_TEST(writes_a_row)
{
	struct rejects *r = begin("r.csv", NULL, 1);
	struct origin from = origin(0, 12, rows[_i].raw);

	ck_assert_int_eq(rejects_sizes(r)[0], 0);
	ck_assert_int_eq(rejects_add(r, &from, rows[_i].header, rows[_i].whole, rows[_i].outcome,
	                     rows[_i].status, rows[_i].error, &why),
	    0);
	ck_assert_uint_eq(rejects_count(r), 1);
	ck_assert_int_eq(rejects_sizes(r)[0], (int64_t)strlen(rows[_i].text));
	end(r);
	assert_file("r.csv", rows[_i].text);
	struct stat st;
	ck_assert_int_eq(stat(harness_path(h, "r.csv"), &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
}
END_TEST

START_TEST(makes_no_file_for_nothing)
{
	struct rejects *r = begin("r.csv", NULL, 3);

	ck_assert_int_eq(rejects_sync(r, &why), 0);
	ck_assert_uint_eq(rejects_count(r), 0);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(rejects_sizes(r)[i], 0);
	end(r);
	assert_file("r.csv", NULL);
	ck_assert_int_eq(rejects_close(NULL, &why), 0);
}
END_TEST

START_TEST(a_new_run_sets_older_files_aside)
{
	static const char *const names[] = { "r.csv", "r.2.csv", "r.2.tsv", "r.2.ndjson",
		"r.3.ndjson" };

	for (int i = 0; i < LENGTH(names); i++)
		harness_write_text(h, names[i], names[i]);
	harness_write_text(h, "r.4.csv", "not of this run");
	struct rejects *r = begin("r.csv", NULL, 3);
	for (int i = 0; i < LENGTH(names); i++) { /* at once, not with the first reject */
		char aside[32];
		snprintf(aside, sizeof aside, "%s~", names[i]);
		assert_file(names[i], NULL);
		assert_file(aside, names[i]);
	}
	assert_file("r.4.csv", "not of this run");
	end(r);
}
END_TEST

#define R(n) \
	"{\"id\":" n ",\"_cio_line\":" n \
	",\"_cio_outcome\":\"refused\",\"_cio_status\":400,\"_cio_error\":\"bad\"}\n"

/* What was in the file and how much of it counts; what is in it once the run goes on, and after one
 * reject more. */
static const struct {
	const char *was;
	int64_t size;
	const char *at_once, *then, *aside;
} resumed[] = {
	{ R("1"), sizeof R("1") - 1, R("1"), R("1") R("9"), NULL },
	{ R("1") R("2"), sizeof R("1") - 1, R("1"), R("1") R("9"), NULL },
	{ R("1") "{\"id\":2,\"_cio", sizeof R("1") - 1, R("1"), R("1") R("9"), NULL },
	{ R("1") "{\"id\":2,\"_cio", 1000, R("1"), R("1") R("9"), NULL },
	{ R("1"), 0, NULL, R("9"), NULL },
	{ R("1"), -1, NULL, R("9"), NULL },
	{ "", 0, NULL, R("9"), NULL },
	{ "", 1000, NULL, R("9"), NULL },
	{ "cut sho", 1000, NULL, R("9"), NULL },
	{ NULL, 0, NULL, R("9"), NULL },
	{ NULL, 1000, NULL, R("9"), NULL },
	{ "edited by hand\n", 6, NULL, R("9"), "edited by hand\n" },
};

START_TEST(a_resumed_run_goes_on)
{
	if (resumed[_i].was)
		harness_write_text(h, "r.ndjson", resumed[_i].was);
	struct rejects *r = begin("r.ndjson", &resumed[_i].size, 1);
	assert_file("r.ndjson", resumed[_i].at_once);
	assert_file("r.ndjson~", resumed[_i].aside);
	ck_assert_int_eq(rejects_sizes(r)[0],
	    resumed[_i].at_once ? (int64_t)strlen(resumed[_i].at_once) : 0);
	reject(r, 0, 9, NULL, "{\"id\":9}");
	ck_assert_int_eq(rejects_sizes(r)[0], (int64_t)strlen(resumed[_i].then));
	ck_assert_uint_eq(rejects_count(r), 1);
	end(r);
	assert_file("r.ndjson", resumed[_i].then);
}
END_TEST

#define ROW(n) n ",2,3," n ",refused,400,\"bad\",\n"

START_TEST(a_csv_header_is_written_once)
{
	int64_t size;
	struct rejects *r = begin("r.csv", NULL, 1);

	reject(r, 0, 1, &abc, "1,2,3");
	reject(r, 0, 2, &abc, "2,2,3");
	ck_assert_int_eq(rejects_sync(r, &why), 0);
	assert_file("r.csv", ABC ROW("1") ROW("2"));
	size = rejects_sizes(r)[0];
	reject(r, 0, 3, &abc, "3,2,3");
	end(r);
	r = begin("r.csv", &size, 1);
	reject(r, 0, 4, &abc, "4,2,3");
	end(r);
	assert_file("r.csv", ABC ROW("1") ROW("2") ROW("4"));
}
END_TEST

static void assert_names(const struct rejects *r, const char *const *names, size_t count)
{
	struct buf is, want;

	buf_init(&is, 10000);
	buf_init(&want, 10000);
	rejects_names(r, &is);
	for (size_t i = 0; i < count; i++)
		buf_fmt(&want, "%s%s", i ? ", " : "", harness_path(h, names[i]));
	ck_assert_uint_eq(is.len, want.len);
	ck_assert(is.len == 0 || memcmp(is.data, want.data, is.len) == 0);
	buf_free(&is);
	buf_free(&want);
}

/* Each FILE has its own, whatever the order in which records are settled; and each is carried
 * on. */
START_TEST(files_have_rejects_of_their_own)
{
	static const char *const names[] = { "r.csv", "r.2.csv", "r.4.ndjson" };
	int64_t sizes[5];
	struct rejects *r = begin("r.csv", NULL, 5);

	assert_names(r, names, 0);
	for (int round = 0; round < 2; round++) {
		reject(r, 1, round ? 3 : 1, &one, "x");
		reject(r, 0, round ? 3 : 1, &abc, "1,2,3");
		reject(r, 3, round ? 3 : 1, NULL, "{}");
		memcpy(sizes, rejects_sizes(r), sizeof sizes);
		reject(r, 1, 2, &one, "sent again");
		reject(r, 4, 2, &tabs, "sent\tagain");
		if (round == 0) {
			end(r);
			r = begin("r.csv", sizes, 5);
			ck_assert_int_eq(memcmp(sizes, rejects_sizes(r), sizeof sizes), 0);
			assert_names(r, names, 3);
			assert_file("r.5.tsv", NULL);
		}
	}
	end(r);
	assert_file("r.csv", ABC "1,2,3,1,refused,400,\"bad\",\n1,2,3,3,refused,400,\"bad\",\n");
	assert_file("r.2.csv",
	    "id;_cio_line;_cio_outcome;_cio_status;_cio_error;_cio_raw\nx;1;refused;400;\"bad\";\n"
	    "x;3;refused;400;\"bad\";\nsent again;2;refused;400;\"bad\";\n");
	assert_file("r.3.csv", NULL);
	assert_file("r.4.ndjson",
	    "{\"_cio_line\":1,\"_cio_outcome\":\"refused\",\"_cio_status\":400,\"_cio_error\":"
	    "\"bad\"}\n"
	    "{\"_cio_line\":3,\"_cio_outcome\":\"refused\",\"_cio_status\":400,\"_cio_error\":"
	    "\"bad\"}\n");
	assert_file("r.5.tsv",
	    "id\tb\t_cio_line\t_cio_outcome\t_cio_status\t_cio_error\t_cio_raw\n"
	    "sent\tagain\t2\trefused\t400\t\"bad\"\t\n");
}
END_TEST

/* The name of the second FILE's rejects, by NAME and that FILE's format. */
static const struct {
	const char *name;
	const struct input_header *header;
	const char *second;
} second_names[] = {
	{ "r.csv", &abc, "r.2.csv" },
	{ "r.csv", &tabs, "r.2.tsv" },
	{ "r.csv", NULL, "r.2.ndjson" },
	{ "r.tsv", &abc, "r.2.csv" },
	{ "r.jsonl", NULL, "r.2.jsonl" },
	{ "r.json", NULL, "r.2.json" },
	{ "r.jsonl", &abc, "r.2.csv" },
	{ "bad.txt", NULL, "bad.2.txt" },
	{ "bad", &abc, "bad.2" },
	{ ".csv", &abc, ".csv.2" },
	{ "a.b/bad", &abc, "a.b/bad.2" },
	{ "a.b/r.x.csv", &abc, "a.b/r.x.2.csv" },
};

START_TEST(names_the_second_file)
{
	ck_assert_int_eq(mkdir(harness_path(h, "a.b"), 0700), 0);
	struct rejects *r = begin(second_names[_i].name, NULL, 2);
	reject(r, 1, 1, second_names[_i].header, "{}");
	assert_names(r, &second_names[_i].second, 1);
	end(r);
	ck_assert(harness_exists(h, second_names[_i].second));
	assert_file(second_names[_i].name, NULL);
}
END_TEST

START_TEST(refuses_what_is_no_file)
{
	static const int64_t sizes[] = { 0, 10 };

	harness_write_text(h, "target", "kept\n");
	ck_assert_int_eq(symlink("target", harness_path(h, "link.csv")), 0);
	ck_assert_int_eq(mkfifo(harness_path(h, "fifo.csv"), 0600), 0);
	for (int i = 0; i < 3; i++) {
		const int64_t *resumes = i == 0 ? NULL : &sizes[i - 1];
		ck_assert_ptr_null(rejects_new(harness_path(h, "link.csv"), resumes, 1, &why));
		ck_assert_ptr_nonnull(strstr(why.text, "symbolic link"));
		ck_assert_ptr_null(rejects_new(harness_path(h, "fifo.csv"), resumes, 1, &why));
		ck_assert_ptr_nonnull(strstr(why.text, "not a regular file"));
	}
	assert_file("target", "kept\n");
}
END_TEST

START_TEST(tells_when_it_cannot_write)
{
	struct rejects *r = begin("no/r.csv", NULL, 1);
	struct origin from = origin(0, 1, "1,2,3");

	ck_assert_int_eq(rejects_add(r, &from, &abc, true, OUTCOME_REFUSED, 400, "x", &why), -1);
	ck_assert_ptr_nonnull(strstr(why.text, "make the directory first"));
	ck_assert_uint_eq(rejects_count(r), 0);
	ck_assert_int_eq(rejects_sizes(r)[0], 0);
	end(r);
}
END_TEST

START_TEST(takes_the_longest_record)
{
	size_t n = RECORD_MAX;
	char *raw = malloc(n);
	struct origin from = { .raw = raw, .raw_len = n, .line = 1 };

	memset(raw, _i ? '"' : '\x01', n);
	struct rejects *r = begin("r", NULL, 1);
	ck_assert_msg(rejects_add(r, &from, _i ? &abc : NULL, false, OUTCOME_REJECTED, 0, "x",
	                  &why) == 0,
	    "%s", why.text);
	ck_assert_int_gt(rejects_sizes(r)[0], (int64_t)(_i ? 2 * n : 6 * n));
	end(r);
	free(raw);
}
END_TEST

/* -- properties: what is read back is what went in, for any bytes -- */

struct grid {
	struct buf text;
	size_t cells, rows, wanted;
};

static void on_cell(void *data, size_t n, void *arg)
{
	struct grid *g = arg;

	if (++g->cells == g->wanted) {
		buf_reset(&g->text);
		buf_add(&g->text, data, n);
	}
}

static void on_row(int c, void *arg)
{
	struct grid *g = arg;

	(void)c;
	ck_assert_uint_eq(g->cells, 8);
	g->cells = 0;
	g->rows++;
}

static size_t random_bytes(struct dice *d, char *out, size_t most, bool text)
{
	static const char spice[] = "\",;\n\r\t\\{}\x7f\x1b ab";
	size_t n = (size_t)dice_below(d, (int64_t)most + 1);

	for (size_t i = 0; i < n; i++)
		out[i] = dice_one_in(d, 3) && !text ? (char)dice_next(d) :
		                                      spice[dice_below(d, sizeof spice - 1)];
	return n;
}

START_TEST(raw_text_is_read_back)
{
	struct dice d = dice_new("rejects: raw text");
	struct grid g = { .wanted = 8 };
	char raw[64], error[64];

	buf_init(&g.text, 1000);
	for (int round = 0; round < 300; round++) {
		struct csv_parser p;
		struct origin from = { .raw = raw,
			.raw_len = random_bytes(&d, raw, sizeof raw, false),
			.line = 5 };
		error[random_bytes(&d, error, sizeof error - 1, true)] = '\0';
		struct rejects *r = begin("r.csv", NULL, 1);
		ck_assert_int_eq(rejects_add(r, &from, &abc, false, OUTCOME_REJECTED, 0, error,
		                     &why),
		    0);
		end(r);
		size_t len;
		char *all = harness_read(h, "r.csv", &len);
		ck_assert_int_eq(csv_init(&p, CSV_STRICT | CSV_STRICT_FINI), 0);
		g.rows = g.cells = 0;
		ck_assert_uint_eq(csv_parse(&p, all, len, on_cell, on_row, &g), len);
		ck_assert_int_eq(csv_fini(&p, on_cell, on_row, &g), 0);
		csv_free(&p);
		free(all);
		ck_assert_uint_eq(g.rows, 2);
		ck_assert_uint_eq(g.text.len, from.raw_len);
		ck_assert(from.raw_len == 0 || memcmp(g.text.data, raw, from.raw_len) == 0);
	}
	buf_free(&g.text);
}
END_TEST

START_TEST(lines_are_always_json)
{
	struct dice d = dice_new("rejects: json");
	char raw[64], error[64];

	for (int round = 0; round < 300; round++) {
		struct origin from = { .raw = raw,
			.raw_len = random_bytes(&d, raw, sizeof raw, round % 2),
			.line = 5 };
		error[random_bytes(&d, error, sizeof error - 1, false)] = '\0';
		struct rejects *r = begin("r.ndjson", NULL, 1);
		ck_assert_int_eq(rejects_add(r, &from, NULL, false, OUTCOME_REJECTED, 0, error,
		                     &why),
		    0);
		end(r);
		size_t len;
		char *all = harness_read(h, "r.ndjson", &len);
		ck_assert_uint_eq(harness_count_lines(all, ""), 1);
		json_t *line = json_loadb(all, len, JSON_ALLOW_NUL, NULL);
		ck_assert_msg(line != NULL, "not JSON: %s", all);
		json_t *text = json_object_get(line, "_cio_raw");
		if (round % 2) { /* it was UTF-8: nothing changed */
			ck_assert_uint_eq(json_string_length(text), from.raw_len);
			ck_assert_int_eq(memcmp(json_string_value(text), raw, from.raw_len), 0);
		}
		json_decref(line);
		free(all);
	}
}
END_TEST

Suite *rejects_suite(void)
{
	Suite *s = suite_create("rejects");
	TCase *t = tcase_create("rejects");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, writes_a_row, 0, LENGTH(rows));
	tcase_add_test(t, makes_no_file_for_nothing);
	tcase_add_test(t, a_new_run_sets_older_files_aside);
	tcase_add_loop_test(t, a_resumed_run_goes_on, 0, LENGTH(resumed));
	tcase_add_test(t, a_csv_header_is_written_once);
	tcase_add_test(t, files_have_rejects_of_their_own);
	tcase_add_loop_test(t, names_the_second_file, 0, LENGTH(second_names));
	tcase_add_test(t, refuses_what_is_no_file);
	tcase_add_test(t, tells_when_it_cannot_write);
	tcase_add_loop_test(t, takes_the_longest_record, 0, 2);
	tcase_add_test(t, raw_text_is_read_back);
	tcase_add_test(t, lines_are_always_json);
	suite_add_tcase(s, t);
	return s;
}
