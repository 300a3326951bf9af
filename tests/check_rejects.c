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
#include "base/utf8.h"

Suite *rejects_suite(void);

#define LENGTH(array) ((int)(sizeof(array) / sizeof *(array)))

static struct harness *h;
static struct reason why;
static const struct input_header abc = { .count = 3,
	.raw = "id,\"the \"\"name\"\"\",c",
	.raw_len = 19,
	.dialect = { .delimiter = ',', .quote = '\"' } };
static const struct input_header one = { .count = 1,
	.raw = "id",
	.raw_len = 2,
	.dialect = { .delimiter = ';', .quote = '\"' } };
static const struct input_header escaped = { .count = 2,
	.raw = "id\tb",
	.raw_len = 4,
	.dialect = { .delimiter = '\t', .escape = '\\', .comment = '#' },
	.front = "one\r\ntwo\n",
	.front_len = 9 };
static const struct input_header tabs = { .count = 2,
	.raw = "id\tb",
	.raw_len = 4,
	.dialect = { .delimiter = '\t', .quote = '\"' } };

#define COLUMNS "_cio_line,_cio_outcome,_cio_status,_cio_error,_cio_raw\n"
#define ESCAPED "one\r\ntwo\nid\tb\t_cio_line\t_cio_outcome\t_cio_status\t_cio_error\t_cio_raw\n"
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

static struct rejects *begin(const char *name, const struct outfile_mark *kept, size_t files)
{
	struct rejects *r = rejects_new(harness_path(h, name), kept, files, files, &why);

	ck_assert_msg(r != NULL, "%s", why.text);
	return r;
}

static void end(struct rejects *r)
{
	ck_assert_msg(rejects_close(r, &why) == 0, "%s", why.text);
}

static int64_t size_of(const struct rejects *r, int file)
{
	return rejects_marks(r)[file].size;
}

static struct outfile_mark mark(const char *name, const char *text)
{
	size_t n = strlen(text);
	struct stat st = { 0 };

	stat(harness_path(h, name), &st);
	return (struct outfile_mark){ (int64_t)n, outfile_sum(0, text, n), st.st_ino };
}

/* What was said, with the directory's name left out. */
static void assert_said(const struct rejects *r, const char *text)
{
	struct buf is = { .max = 10000 };
	size_t dir = strlen(harness_dir(h)) + 1;

	for (const char *p = rejects_said(r); *p;) {
		if (strncmp(p, harness_dir(h), dir - 1) == 0)
			p += dir;
		else
			buf_byte(&is, *p++);
	}
	buf_byte(&is, '\0');
	ck_assert_str_eq(is.data, text);
	buf_free(&is);
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
	/* of a dialect: what would not be read as it was stands in _cio_raw */
	{ &escaped, true, "1\tb\\\tb", OUTCOME_REFUSED, 400, "a\tb\\",
	    ESCAPED "1\tb\\\tb\t12\trefused\t400\ta\\\\tb\\\\\t\n" },
	{ &escaped, true, "1\tb\\", OUTCOME_REFUSED, 400, "x",
	    ESCAPED "\t\t12\trefused\t400\tx\t1\\\tb\\\\\n" },
	{ &escaped, true, "#1\tb", OUTCOME_REFUSED, 400, "x",
	    ESCAPED "\t\t12\trefused\t400\tx\t\\#1\\\tb\n" },
	{ &escaped, false, "1\n2", OUTCOME_REJECTED, 0, "x",
	    ESCAPED "\t\t12\trejected\t\tx\t1\\\n2\n" },
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
	    "\\\"\xff\xc3\xa4\xed\xa0\x80\\\"}\\t\",\"_cio_line\":"
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

	ck_assert_int_eq(size_of(r, 0), 0);
	ck_assert_int_eq(rejects_add(r, &from, rows[_i].header, rows[_i].whole, rows[_i].outcome,
	                     rows[_i].status, rows[_i].error, &why),
	    0);
	ck_assert_int_eq(size_of(r, 0), (int64_t)strlen(rows[_i].text));
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
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(size_of(r, i), 0);
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
	harness_write_text(h, "r.csv~", "of another night");
	struct rejects *r = begin("r.csv", NULL, 3);
	for (int i = 0; i < LENGTH(names); i++) { /* at once, not with the first reject */
		char aside[32];
		snprintf(aside, sizeof aside, "%s%s", names[i], i ? "~" : ".~2~");
		assert_file(names[i], i ? NULL : "");
		assert_file(aside, names[i]);
	}
	assert_file("r.csv~", "of another night");
	assert_file("r.4.csv", "not of this run");
	assert_said(r,
	    "r.csv: is not what this run wrote: it is kept as r.csv.~2~\n"
	    "r.2.csv: is not what this run wrote: it is kept as r.2.csv~\n"
	    "r.2.tsv: is not what this run wrote: it is kept as r.2.tsv~\n"
	    "r.2.ndjson: is not what this run wrote: it is kept as r.2.ndjson~\n"
	    "r.3.ndjson: is not what this run wrote: it is kept as r.3.ndjson~\n");
	end(r);
	assert_file("r.csv", NULL);
}
END_TEST

#define R(n) \
	"{\"id\":" n ",\"_cio_line\":" n \
	",\"_cio_outcome\":\"refused\",\"_cio_status\":400,\"_cio_error\":\"bad\"}\n"

/* What was in the file and what of it the run had written; what is in it once the run goes on, and
 * after one reject more. Whatever the name, so also of a second FILE's. */
static const struct {
	const char *was, *mark, *at_once, *then, *aside;
} resumed[] = {
	{ R("1"), R("1"), R("1"), R("1") R("9"), NULL },
	{ R("1") R("2"), R("1"), R("1"), R("1") R("9"), NULL },
	{ R("1") "{\"id\":2,\"_cio", R("1"), R("1"), R("1") R("9"), NULL },
	{ R("1"), "", "", R("9"), R("1") },
	{ "", "", "", R("9"), NULL },
	{ NULL, "", "", R("9"), NULL },
	{ NULL, R("1"), "", R("9"), NULL },
	{ R("1"), R("1") R("2"), "", R("9"), R("1") },
	{ R("3"), R("1"), "", R("9"), R("3") },
	{ "edited by hand\n", R("1"), "", R("9"), "edited by hand\n" },
};

START_TEST(a_resumed_run_goes_on)
{
	unsigned file = _i >= LENGTH(resumed), row = (unsigned)(_i % LENGTH(resumed));
	const char *name = file ? "r.2.ndjson" : "r.ndjson",
	           *aside = file ? "r.2.ndjson~" : "r.ndjson~";
	struct outfile_mark both[2] = { { 0 } };

	if (resumed[row].was) {
		harness_write_text(h, name, resumed[row].was);
		ck_assert_int_eq(chmod(harness_path(h, name), 0600), 0);
	}
	both[file] = mark(name, resumed[row].mark);
	struct rejects *r = begin("r.ndjson", both, 2);
	if (!file || *resumed[row].at_once)
		assert_file(name, resumed[row].at_once);
	assert_file(aside, resumed[row].aside);
	ck_assert_int_eq(size_of(r, (int)file), (int64_t)strlen(resumed[row].at_once));
	reject(r, file, 9, NULL, "{\"id\":9}");
	ck_assert_int_eq(size_of(r, (int)file), (int64_t)strlen(resumed[row].then));
	end(r);
	assert_file(name, resumed[row].then);
	assert_file(file ? "r.ndjson" : "r.2.ndjson", NULL);
}
END_TEST

START_TEST(says_what_it_found)
{
	harness_write_text(h, "r.csv", R("3"));
	harness_write_text(h, "r.csv~", R("1"));
	struct outfile_mark both[2] = { mark("r.csv~", R("1")), mark("r.2.csv", R("2")) };
	struct rejects *r = begin("r.csv", both, 2);
	assert_said(r,
	    "r.csv: is not what this run wrote: it is kept as r.csv.~2~\n"
	    "r.csv: another run had set it aside: it is taken back from r.csv~\n"
	    "r.2.csv: what this run wrote there is gone: it is begun anew\n");
	end(r);
	assert_file("r.csv", R("1"));
	assert_file("r.csv.~2~", R("3"));
	r = begin("r.csv", both, 1);
	assert_said(r, "");
	end(r);
}
END_TEST

/* FILEs that came to the list since have no rejects yet. */
START_TEST(a_list_may_grow)
{
	harness_write_text(h, "r.ndjson", R("1"));
	struct outfile_mark kept = mark("r.ndjson", R("1"));
	harness_write_text(h, "r.2.ndjson", R("2"));
	struct rejects *r = rejects_new(harness_path(h, "r.ndjson"), &kept, 1, 2, &why);
	ck_assert_ptr_nonnull(r);
	assert_said(r, "r.2.ndjson: is not what this run wrote: it is kept as r.2.ndjson~\n");
	for (unsigned i = 0; i < 2; i++)
		reject(r, i, 9, NULL, "{\"id\":9}");
	end(r);
	assert_file("r.ndjson", R("1") R("9"));
	assert_file("r.2.ndjson", R("9"));
}
END_TEST

/* One run at a time has a name; and a run that has it leaves nothing there that holds nothing. */
START_TEST(is_held_by_one_run)
{
	struct rejects *r = begin("r.csv", NULL, 1);

	ck_assert_ptr_null(rejects_new(harness_path(h, "r.csv"), NULL, 0, 1, &why));
	ck_assert_int_eq(why.status, 75);
	ck_assert_ptr_nonnull(strstr(why.text, "r.csv: another run writes its rejects there"));
	ck_assert_ptr_nonnull(strstr(why.text, "--rejects=FILE"));
	reject(r, 0, 1, &abc, "1,2,3");
	ck_assert_ptr_null(rejects_new(harness_path(h, "r.csv"), NULL, 0, 1, &why));
	end(r);
	assert_file("r.csv", ABC "1,2,3,1,refused,400,\"bad\",\n");
	assert_file("r.csv~", NULL);
	end(begin("r.csv", NULL, 1));
	assert_file("r.csv", NULL);
}
END_TEST

#define ROW(n) n ",2,3," n ",refused,400,\"bad\",\n"

START_TEST(a_csv_header_is_written_once)
{
	struct outfile_mark so_far;
	struct rejects *r = begin("r.csv", NULL, 1);

	reject(r, 0, 1, &abc, "1,2,3");
	reject(r, 0, 2, &abc, "2,2,3");
	ck_assert_int_eq(rejects_sync(r, &why), 0);
	assert_file("r.csv", ABC ROW("1") ROW("2"));
	so_far = rejects_marks(r)[0];
	reject(r, 0, 3, &abc, "3,2,3");
	end(r);
	r = begin("r.csv", &so_far, 1);
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
	struct outfile_mark sizes[5];
	struct rejects *r = begin("r.csv", NULL, 5);

	assert_names(r, names, 0);
	for (int round = 0; round < 2; round++) {
		reject(r, 1, round ? 3 : 1, &one, "x");
		reject(r, 0, round ? 3 : 1, &abc, "1,2,3");
		reject(r, 3, round ? 3 : 1, NULL, "{}");
		memcpy(sizes, rejects_marks(r), sizeof sizes);
		reject(r, 1, 2, &one, "sent again");
		reject(r, 4, 2, &tabs, "sent\tagain");
		if (round == 0) {
			end(r);
			r = begin("r.csv", sizes, 5);
			for (int i = 0; i < 5; i++)
				ck_assert_int_eq(size_of(r, i), sizes[i].size);
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
	harness_write_text(h, "target", "kept\n");
	ck_assert_int_eq(symlink("target", harness_path(h, "link.csv")), 0);
	ck_assert_int_eq(mkfifo(harness_path(h, "fifo.csv"), 0600), 0);
	ck_assert_int_eq(symlink("target", harness_path(h, "r.2.csv")), 0);
	for (int i = 0; i < 3; i++) {
		struct outfile_mark then[2] = { mark("no", i == 2 ? "x" : ""), mark("no", "x") };
		struct outfile_mark *resumes = i == 0 ? NULL : then;
		ck_assert_ptr_null(rejects_new(harness_path(h, "link.csv"), resumes, 1, 1, &why));
		ck_assert_ptr_nonnull(strstr(why.text, "symbolic link"));
		ck_assert_int_eq(why.status, 73);
		ck_assert_ptr_null(rejects_new(harness_path(h, "fifo.csv"), resumes, 1, 1, &why));
		ck_assert_ptr_nonnull(strstr(why.text, "not a regular file"));
		ck_assert_ptr_null(rejects_new(harness_path(h, "r.csv"), resumes, 2, 2, &why));
		ck_assert_ptr_nonnull(strstr(why.text, "symbolic link"));
		assert_file("r.csv", NULL);
	}
	assert_file("target", "kept\n");
}
END_TEST

/* That there is no place for them is known at the start. */
START_TEST(tells_when_it_cannot_write)
{
	ck_assert_ptr_null(rejects_new(harness_path(h, "no/r.csv"), NULL, 0, 1, &why));
	ck_assert_int_eq(why.status, 73);
	ck_assert_ptr_nonnull(strstr(why.text, "make the directory first"));
	ck_assert_ptr_nonnull(strstr(why.text, "--rejects=FILE"));
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
	ck_assert_int_gt(size_of(r, 0), (int64_t)(_i ? 2 * n : 6 * n));
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

START_TEST(lines_are_json_but_for_their_bytes)
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
		/* what was no UTF-8 still is none */
		ck_assert_msg((line != NULL) == utf8_valid(raw, from.raw_len), "%s", all);
		json_t *text = json_object_get(line, "_cio_raw");
		if (line) {
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
	tcase_add_loop_test(t, a_resumed_run_goes_on, 0, 2 * LENGTH(resumed));
	tcase_add_test(t, says_what_it_found);
	tcase_add_test(t, a_list_may_grow);
	tcase_add_test(t, is_held_by_one_run);
	tcase_add_test(t, a_csv_header_is_written_once);
	tcase_add_test(t, files_have_rejects_of_their_own);
	tcase_add_loop_test(t, names_the_second_file, 0, LENGTH(second_names));
	tcase_add_test(t, refuses_what_is_no_file);
	tcase_add_test(t, tells_when_it_cannot_write);
	tcase_add_loop_test(t, takes_the_longest_record, 0, 2);
	tcase_add_test(t, raw_text_is_read_back);
	tcase_add_test(t, lines_are_json_but_for_their_bytes);
	suite_add_tcase(s, t);
	return s;
}
