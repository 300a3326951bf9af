/* FILEs and pipes as they come: missing, empty, unreadable, changing. */
#include <check.h>
#include <inttypes.h>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/buf.h"
#include "base/text.h"
#include "dice.h"
#include "input/input.h"
#include "base/log.h"
#include "input/record.h"

Suite *input_suite(void);

#define ANY ((size_t)-1)
#define FILES 4

/* A folder with files in it, and an input of them. */
struct folder {
	char path[64];
	char *names[FILES]; /* of those that are ours */
	const char *files[FILES];
	struct input_config config;
	struct input *in;
	struct record r;
	struct reason why;
	int status;
};

static void folder_open(struct folder *f)
{
	*f = (struct folder){ 0 };
	strcpy(f->path, "/tmp/cio-input-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(f->path));
	f->config.files = f->files;
	f->config.dialect.quote = '"';
}

static void folder_close(struct folder *f)
{
	input_free(f->in);
	for (size_t i = 0; i < f->config.file_count; i++)
		if (f->names[i]) {
			unlink(f->names[i]);
			free(f->names[i]);
		}
	ck_assert_int_eq(rmdir(f->path), 0);
}

static void write_file(const char *name, const char *mode, const char *data, size_t n)
{
	FILE *file = fopen(name, mode);

	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(data, 1, n, file), n);
	ck_assert_int_eq(fclose(file), 0);
}

/* Adds a FILE; data NULL: it is not made. Returns its name. */
static const char *folder_add(struct folder *f, const char *name, const char *data)
{
	size_t i = f->config.file_count++;
	size_t most = strlen(f->path) + strlen(name) + 2;

	f->names[i] = xmalloc(most);
	snprintf(f->names[i], most, "%s/%s", f->path, name);
	f->files[i] = f->names[i];
	if (data)
		write_file(f->names[i], "wb", data, strlen(data));
	return f->files[i];
}

static void folder_add_stdin(struct folder *f)
{
	f->files[f->config.file_count++] = "-";
}

static void folder_begin(struct folder *f)
{
	f->in = input_new(&f->config, &f->why, &f->status);
	ck_assert_msg(f->in != NULL, "%s", f->why.text);
}

static enum input_result folder_next(struct folder *f)
{
	return input_next(f->in, &f->r, &f->why, &f->status);
}

static void expect_reason(const struct folder *f, const char *name, const char *text, int status)
{
	char expected[REASON_MAX];

	snprintf(expected, sizeof expected, "%s: %s", name, text);
	ck_assert_str_eq(f->why.text, expected);
	ck_assert_int_eq(f->status, status);
}

/* The next record's first value. */
static void expect_value(struct folder *f, const char *value)
{
	enum input_result result = folder_next(f);

	ck_assert_msg(result == INPUT_RECORD, "%d instead of a record with %s", (int)result, value);
	ck_assert_uint_eq(f->r.fields[0].value_len, strlen(value));
	ck_assert_mem_eq(f->r.fields[0].value, value, strlen(value));
}

/* What cannot be read at all. */

static const struct {
	const char *name, *data, *reason;
	int status;
} refused[] = {
	{ "missing.csv", NULL, "there is no such file: check the name", 66 },
	{ "empty.csv", "", "it is empty: a CSV needs a header row, or --columns", 65 },
	{ "broken.csv", "a,a\n1,2\n",
	    "header: columns 1 and 2 have the same name, \"a\": rename or remove one, or name all "
	    "of "
	    "them: --skip-lines=1 --columns=a,NAME2 (read as 2 columns, \"a\", \"a\")",
	    65 },
	{ "broken.tsv", "\ta\n1\t2\n",
	    "header: column 1 has no name: give it one, or remove it, or name all of them: "
	    "--skip-lines=1 --columns=NAME1,a (read as 2 columns, \"\", \"a\")",
	    65 },
	{ "broken", ",a\n1,2\n",
	    "header: column 1 has no name: give it one, or remove it, or name all of them: "
	    "--skip-lines=1 --columns=NAME1,a (read as 2 columns, \"\", \"a\")",
	    65 },
};

START_TEST(refused_at_once)
{
	struct folder f;

	folder_open(&f);
	folder_add(&f, "good.csv", "id\n1\n");
	const char *name = folder_add(&f, refused[_i].name, refused[_i].data);
	ck_assert_ptr_null(input_new(&f.config, &f.why, &f.status));
	expect_reason(&f, name, refused[_i].reason, refused[_i].status);
	folder_close(&f);
}
END_TEST

START_TEST(directory_and_unreadable)
{
	struct folder f;
	uint64_t total;

	folder_open(&f);
	f.files[f.config.file_count++] = f.path;
	ck_assert_ptr_null(input_new(&f.config, &f.why, &f.status));
	expect_reason(&f, f.path, "is a directory: name the files in it", 66);
	f.files[0] = "/proc/self/mem"; /* a regular file, of which the first page cannot be read */
	ck_assert_ptr_null(input_new(&f.config, &f.why, &f.status));
	expect_reason(&f, "/proc/self/mem", "cannot be read: Input/output error", 66);
	f.files[0] = "-";
	folder_begin(&f);
	ck_assert_int_eq(input_count(f.in, 1000, &total), -1);
	ck_assert_int_eq(input_count(f.in, 1000, &total), -1);
	folder_close(&f);
}
END_TEST

/* Files in turn. */

START_TEST(files_in_turn)
{
	struct folder f;
	uint64_t total = 0;

	folder_open(&f);
	folder_add(&f, "a.csv", "\xef\xbb\xbfid,n\n1,x\nbad\n");
	folder_add(&f, "b.tsv", "id\tn\n3\tx\n");
	folder_add(&f, "c.jsonl", "\xef\xbb\xbf{\"id\":4}\n\n[5]\n");
	folder_add(&f, "d", "{\"id\":6}\n");
	folder_begin(&f);
	ck_assert_int_eq(input_format_of(f.in, 0), INPUT_CSV);
	ck_assert_int_eq(input_format_of(f.in, 1), INPUT_TSV);
	ck_assert_int_eq(input_format_of(f.in, 2), INPUT_NDJSON);
	ck_assert_int_eq(input_format_of(f.in, 3), INPUT_NDJSON);
	static const struct {
		const char *value;
		uint64_t line;
		unsigned file;
	} expected[] = {
		{ "1", 2, 0 },
		{ NULL, 3, 0 },
		{ "3", 2, 1 },
		{ "4", 1, 2 },
		{ NULL, 3, 2 },
		{ "6", 1, 3 },
	};
	for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
		if (expected[i].value)
			expect_value(&f, expected[i].value);
		else
			ck_assert_int_eq(folder_next(&f), INPUT_BAD);
		ck_assert_uint_eq(f.r.from.number, i + 1);
		ck_assert_uint_eq(f.r.from.line, expected[i].line);
		ck_assert_uint_eq(f.r.from.file, expected[i].file);
		ck_assert_str_eq(input_name(f.in, f.r.from.file), f.files[f.r.from.file]);
	}
	ck_assert_int_eq(folder_next(&f), INPUT_END);
	ck_assert_int_eq(folder_next(&f), INPUT_END);
	const struct input_header *h = input_header_of(f.in, 1); /* still there */
	ck_assert_uint_eq(h->count, 2);
	ck_assert_str_eq(h->names[1], "n");
	ck_assert_int_eq(h->dialect.delimiter, '\t');
	ck_assert_ptr_null(input_header_of(f.in, 2));
	while (input_count(f.in, 10, &total) == 1)
		;
	ck_assert_uint_eq(total, 6);
	folder_close(&f);
}
END_TEST

/* How the format is told. */
static const struct {
	const char *name, *data;
	enum input_format given, found;
} formats[] = {
	{ "x.csv", "{\n", INPUT_AUTO, INPUT_CSV },
	{ "x.CSV", "{\n", INPUT_AUTO, INPUT_CSV },
	{ "x.tsv", "{\n", INPUT_AUTO, INPUT_TSV },
	{ "x.ndjson", "a\n", INPUT_AUTO, INPUT_NDJSON },
	{ "x.jsonl", "a\n", INPUT_AUTO, INPUT_NDJSON },
	{ "x.JSON", "a\n", INPUT_AUTO, INPUT_CSV },
	{ "x.json", "{\"a\":1}\n", INPUT_AUTO, INPUT_NDJSON },
	{ "x.json", "[\n", INPUT_AUTO, INPUT_JSON },
	{ "x.txt", "a\n", INPUT_AUTO, INPUT_CSV },
	{ "x.txt", " \n\t{\n", INPUT_AUTO, INPUT_JSON },
	{ "x.txt", " \n\t{}\n", INPUT_AUTO, INPUT_NDJSON },
	{ "x", "\xef\xbb\xbf\r\n{\"a\":1} \r\n", INPUT_AUTO, INPUT_NDJSON },
	{ "x", "{\"a\":1}", INPUT_AUTO, INPUT_NDJSON },
	{ "x", "{\"a\":1}{\"a\":2}\n", INPUT_AUTO, INPUT_JSON },
	{ "x", "{\"a\":1,\n\"b\":2}\n", INPUT_AUTO, INPUT_JSON },
	{ "x", "{\"a\":1e999}\n", INPUT_AUTO, INPUT_NDJSON }, /* whole, though of no use */
	{ "x", "{\"a\":\"\xff\"}\n", INPUT_AUTO, INPUT_NDJSON },
	{ "x", "[1]", INPUT_AUTO, INPUT_JSON },
	{ "x", "\n [", INPUT_AUTO, INPUT_JSON },
	{ "x", "\"a\"", INPUT_AUTO, INPUT_CSV },
	{ "x.csv", "{\"a\":1}", INPUT_NDJSON, INPUT_NDJSON },
	{ "x.json", "a", INPUT_CSV, INPUT_CSV },
	{ "x.csv", "a", INPUT_TSV, INPUT_TSV },
};

START_TEST(format)
{
	struct folder f;

	folder_open(&f);
	folder_add(&f, formats[_i].name, formats[_i].data);
	f.config.format = formats[_i].given;
	folder_begin(&f);
	ck_assert_int_eq(input_format_of(f.in, 0), formats[_i].found);
	folder_close(&f);
}
END_TEST

/* Read by lines, a document has objects in it that were not meant. */
static const struct {
	const char *data;
	bool refused;
} documents[] = {
	{ "{\n\"id\": 1,\n\"of\":\n{\"id\":99}\n}\n", true },
	{ "\n[\r\n{\"id\":99}\r\n]\r\n", true },
	{ "[{\"id\":1},\n{\"id\":2}]", true },
	{ "{\"id\":\"a\n\"}\n{\"id\":99}\n", true },
	{ "{\"id\":1}\n{\n\"id\":2}\n", false },
	{ "{\"id\":1,}\n{\"id\":99}\n", false }, /* a fault within the line */
	{ "[1]\n{\"id\":99}\n", false },
	{ "{\"id\":1,", false }, /* cut short: there is no next line */
	{ "x\n{\"id\":99}\n", false },
};

START_TEST(a_document_is_not_read_by_lines)
{
	struct folder f;

	folder_open(&f);
	const char *name = folder_add(&f, "x.ndjson", documents[_i].data);
	f.in = input_new(&f.config, &f.why, &f.status);
	ck_assert_int_eq(f.in == NULL, documents[_i].refused);
	if (documents[_i].refused)
		expect_reason(&f, name,
		    "its first line is only a part of a JSON object or array, so it is no NDJSON: "
		    "--format=json reads what is laid out over lines",
		    65);
	folder_close(&f);
}
END_TEST

/* An empty file of no known format holds no records; so does an empty CSV whose columns are
 * given. */
START_TEST(nothing_in_it)
{
	static const char *const columns[] = { "id" };
	static const char *const texts[] = { "", "\xef\xbb\xbf", "\n \r\n" };
	struct folder f;
	uint64_t total = 9;

	folder_open(&f);
	for (size_t i = 0; i < 3; i++)
		folder_add(&f, (const char *[]){ "a", "b", "c" }[i], texts[i]);
	folder_add(&f, "d.csv", "\n");
	f.config.columns = columns;
	f.config.column_count = 1;
	folder_begin(&f);
	ck_assert_int_eq(folder_next(&f), INPUT_END);
	ck_assert_int_eq(input_format_of(f.in, 0), INPUT_AUTO);
	while (input_count(f.in, 10, &total) == 1)
		;
	ck_assert_uint_eq(total, 0);
	folder_close(&f);
}
END_TEST

/* What happens to a later file while an earlier one is read. */

START_TEST(later_file_changes)
{
	struct folder f;

	folder_open(&f);
	folder_add(&f, "a.csv", "id\n1\n");
	const char *later = folder_add(&f, "b.csv", "id,n\n2,x\n");
	folder_begin(&f);
	expect_value(&f, "1");
	write_file(later, "wb", "id,m\n2,x\n", 9);
	ck_assert_int_eq(folder_next(&f), INPUT_FAILED);
	expect_reason(&f, later, "its header was changed while earlier files were read: run again",
	    65);
	folder_close(&f);
}
END_TEST

START_TEST(later_file_vanishes)
{
	struct folder f;

	folder_open(&f);
	folder_add(&f, "a.csv", "id\n1\n");
	const char *later = folder_add(&f, "b.csv", "id\n2\n");
	folder_begin(&f);
	expect_value(&f, "1");
	unlink(later);
	ck_assert_int_eq(folder_next(&f), INPUT_FAILED);
	expect_reason(&f, later, "there is no such file: check the name", 66);
	folder_close(&f);
}
END_TEST

/* A file's time of change is coarse: what a test does to it at once would have the same. */
static void touch(const char *name)
{
	static int64_t second = 1800000000;
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { second++, 0 } };

	ck_assert_int_eq(utimensat(AT_FDCWD, name, times, 0), 0);
}

static void change_file(const char *name, const char *mode, const char *data)
{
	write_file(name, mode, data, strlen(data));
	touch(name);
}

static void expect_failure(struct folder *f, const char *name, const char *text)
{
	char expected[REASON_MAX];

	ck_assert_int_eq(folder_next(f), INPUT_FAILED);
	snprintf(expected, sizeof expected, "%s: %s", name, text);
	ck_assert_msg(strncmp(f->why.text, expected, strlen(expected)) == 0, "%s", f->why.text);
	ck_assert_int_eq(f->status, 65);
}

#define REWRITTEN "was rewritten while it was read"
#define CUT "was cut short while it was read"
#define UNFINISHED "was written to while it was read, and its last line has no line break yet"

/* What happens to a small file when its first record was taken, in which form ever: it was read as
 * a whole until then, but for its end. */
static const struct {
	const char *name, *before, *mode, *after, *failure;
	unsigned records; /* that come then */
} small_changes[] = {
	{ "a.csv", "id\n1\n2", "ab", "3\n4\n", NULL, 2 },
	{ "a.csv", "id\n1\n2\n", "ab", "3\n", NULL, 2 },
	{ "a.csv", "id\n1\n2\n", "ab", "3", UNFINISHED, 1 },
	{ "a.csv", "id\n1\n2", "ab", "3", UNFINISHED, 0 },
	{ "a.csv", "id\n1\n2\n", "wb", "id\n1\n2\n3\n", NULL, 2 },
	{ "a.csv", "id\n1\n2\n", "wb", "id\n1\n5\n3\n", REWRITTEN, 1 },
	{ "a.csv", "id\n1\n2\n", "wb", "id\n1\n5\n", REWRITTEN, 1 },
	{ "a.csv", "id\n1\n2", "wb", "id\n1\n5", REWRITTEN, 0 },
	{ "a.csv", "id\n1\n2", "wb", "id\n1\n2", NULL, 1 },
	{ "a.csv", "id\n1\n23\n", "wb", "id\n1\n", CUT, 1 },
	{ "a.csv", "id\n1\n23", "wb", "id\n1\n2", CUT, 0 },
	{ "a.csv", "id\n1\n\"2\n3\"\n", "wb", "id\n1\n\"2\n", CUT, 1 },
	{ "a.tsv", "id\tn\n1\tx\n2\ty", "wb", "id\tn\n1\tx\n2", CUT, 0 },
	{ "a.ndjson", "{\"id\":1}\n{\"id\":2}", "ab", "\n{\"id\":3}\n", NULL, 2 },
	{ "a.ndjson", "{\"id\":1}\n{\"id\":2}\n", "ab", "{\"id\":3}", UNFINISHED, 1 },
	{ "a.ndjson", "{\"id\":1}\n{\"id\":2}", "wb", "{\"id\":1}\n{\"id\":7}", REWRITTEN, 0 },
	{ "a.ndjson", "{\"id\":1}\n{\"id\":2}", "wb", "", CUT, 0 },
};

START_TEST(a_small_file_changes)
{
	struct folder f;

	folder_open(&f);
	const char *name = folder_add(&f, small_changes[_i].name, small_changes[_i].before);
	folder_begin(&f);
	expect_value(&f, "1");
	ck_assert_uint_eq(f.r.from.in_file, 1);
	change_file(name, small_changes[_i].mode, small_changes[_i].after);
	for (unsigned i = 0; i < small_changes[_i].records; i++)
		ck_assert_int_eq(folder_next(&f), INPUT_RECORD);
	if (small_changes[_i].failure)
		expect_failure(&f, name, small_changes[_i].failure);
	else
		ck_assert_int_eq(folder_next(&f), INPUT_END);
	ck_assert(!input_notice(f.in, &f.why) || strstr(f.why.text, "no line break"));
	ck_assert_int_eq(input_is_whole(f.in, &f.why), INPUT_DISTURBED);
	folder_close(&f);
}
END_TEST

/* Where what is written to is to be left: no line that is half written, whether it was so before or
 * is now. */
static const struct {
	const char *name, *before, *after;
	unsigned records; /* that come then */
} left[] = {
	{ "a.csv", "id\n1\n2", "", 0 },
	{ "a.csv", "id\n1\n2", "3\n4\n", 2 },
	{ "a.csv", "id\n1\n2\n", "3", 1 },
	{ "a.csv", "id\n1\n2", "3", 0 },
	{ "a.csv", "id\n1\n\"2", "", 0 },
	{ "a.csv", "id\r1\r2\r3", "", 1 },
	{ "a.tsv", "id\tn\n1\tx\n2\ty", "z", 0 },
	{ "a.ndjson", "{\"id\":1}\n{\"id\":2}", "", 0 },
	{ "a.ndjson", "{\"id\":1}\n{\"id\"", ":", 0 },
	{ "a.ndjson", "{\"id\":1}\n{\"id\":2}\n", "{", 1 },
	{ "a.json", "[{\"id\":1},{\"id\":2}]", "", 1 },
};

START_TEST(half_a_line_is_left)
{
	bool whole = strcmp(left[_i].name, "a.json") == 0 || strchr(left[_i].after, '\n');
	struct folder f;

	folder_open(&f);
	const char *name = folder_add(&f, left[_i].name, left[_i].before);
	f.config.whole_lines = true;
	folder_begin(&f);
	expect_value(&f, "1");
	if (*left[_i].after)
		change_file(name, "ab", left[_i].after);
	for (unsigned i = 0; i < left[_i].records; i++)
		ck_assert_int_eq(folder_next(&f), INPUT_RECORD);
	ck_assert_int_eq(folder_next(&f), INPUT_END);
	ck_assert_int_eq(input_notice(f.in, &f.why), !whole);
	ck_assert(whole || strstr(f.why.text, "it is left for the next run"));
	folder_close(&f);
}
END_TEST

/* Of a large one much is unread then. Rows are numbered, so one that is cut in two, or put together
 * of two, is seen. */
static void add_rows(struct buf *text, char kind, int count)
{
	buf_str(text, "id\n");
	for (int i = 0; i < count; i++)
		buf_fmt(text, "%c%07d%c\n", kind, i, kind);
}

static const struct {
	char kind;
	int rows;
	const char *failure;
} large_changes[] = {
	{ 'a', 150000, NULL },
	{ 'a', 99999, CUT },
	{ 'b', 100000, REWRITTEN },
	{ 'b', 150000, REWRITTEN },
	{ 'b', 50000, CUT },
};

START_TEST(a_large_file_changes)
{
	struct buf before = { .max = ANY }, after = { .max = ANY };
	enum input_result result;
	struct folder f;
	int records = 1;

	add_rows(&before, 'a', 100000);
	add_rows(&after, large_changes[_i].kind, large_changes[_i].rows);
	folder_open(&f);
	const char *name = folder_add(&f, "a.csv", NULL);
	write_file(name, "wb", before.data, before.len);
	folder_begin(&f);
	expect_value(&f, "a0000000a");
	write_file(name, "wb", after.data, after.len);
	touch(name);
	while ((result = folder_next(&f)) == INPUT_RECORD) {
		char id[16];
		snprintf(id, sizeof id, "a%07da", records++);
		ck_assert_uint_eq(f.r.fields[0].value_len, 9);
		ck_assert_mem_eq(f.r.fields[0].value, id, 9);
	}
	ck_assert_int_eq(result, large_changes[_i].failure ? INPUT_FAILED : INPUT_END);
	if (large_changes[_i].failure) {
		ck_assert_int_lt(records, 50000); /* no more than what was read already */
		expect_failure(&f, name, large_changes[_i].failure);
	} else {
		ck_assert_int_eq(records, large_changes[_i].rows);
	}
	buf_free(&before);
	buf_free(&after);
	folder_close(&f);
}
END_TEST

START_TEST(a_file_is_replaced)
{
	struct folder f;
	char said[REASON_MAX];

	folder_open(&f);
	const char *name = folder_add(&f, "a.csv", "id\n1\n2\n");
	const char *other = folder_add(&f, "b.csv", "id\n3\n");
	f.config.file_count = 1;
	folder_begin(&f);
	expect_value(&f, "1");
	ck_assert_int_eq(rename(other, name), 0);
	expect_value(&f, "2");
	ck_assert(!input_notice(f.in, &f.why));
	ck_assert_int_eq(folder_next(&f), INPUT_END);
	ck_assert(input_notice(f.in, &f.why));
	snprintf(said, sizeof said,
	    "%s: another file has taken its name while it was read: that one was not read", name);
	ck_assert_str_eq(f.why.text, said);
	ck_assert(!input_notice(f.in, &f.why));
	ck_assert_int_eq(input_is_whole(f.in, &f.why), INPUT_DISTURBED);
	input_free(f.in);
	f.in = NULL;
	f.config.file_count = 2;
	folder_close(&f);
}
END_TEST

START_TEST(later_file_is_another)
{
	struct folder f;

	folder_open(&f);
	folder_add(&f, "a.csv", "id\n1\n");
	const char *later = folder_add(&f, "b.csv", "id\n2\n");
	folder_begin(&f);
	expect_value(&f, "1");
	if (_i == 0) {
		change_file(later, "ab", "3\n"); /* one that has grown is the same */
		expect_value(&f, "2");
		expect_value(&f, "3");
		ck_assert_int_eq(folder_next(&f), INPUT_END);
	} else if (_i == 1) {
		change_file(later, "wb", "id\n");
		expect_failure(&f, later, "was cut short before its turn came");
	} else {
		unlink(later);
		ck_assert_int_eq(link(f.names[0], later), 0);
		expect_failure(&f, later, "was replaced by another file before its turn came");
	}
	folder_close(&f);
}
END_TEST

/* Who is not in an input is gone only where the input is whole. */
static const struct {
	const char *data, *mode, *more, *why; /* mode NULL: nothing happens; "": it is removed */
	enum input_whole whole;
} wholes[] = {
	{ "id\n1\n", NULL, NULL, NULL, INPUT_WHOLE },
	{ "id\n1\n", "ab", "2\n", "it has grown since the run began", INPUT_DISTURBED },
	{ "id\n1\n", "ab", "", "it was changed since the run began", INPUT_DISTURBED },
	{ "id\n1\n", "", NULL, "it has been removed since the run began", INPUT_DISTURBED },
	{ "id\n", NULL, NULL, "there is no record in it", INPUT_EMPTY },
};

START_TEST(whole_or_not)
{
	char expected[REASON_MAX];
	struct folder f;
	int result;

	folder_open(&f);
	folder_add(&f, "a.csv", "id\n9\n");
	const char *name = folder_add(&f, "b.csv", wholes[_i].data);
	folder_begin(&f);
	while ((result = folder_next(&f)) == INPUT_RECORD)
		;
	ck_assert_int_eq(result, INPUT_END);
	if (wholes[_i].mode && *wholes[_i].mode)
		change_file(name, wholes[_i].mode, wholes[_i].more);
	else if (wholes[_i].mode)
		unlink(name);
	ck_assert_int_eq(input_is_whole(f.in, &f.why), wholes[_i].whole);
	snprintf(expected, sizeof expected, "%s: %s", name, wholes[_i].why ? wholes[_i].why : "");
	if (wholes[_i].why)
		ck_assert_str_eq(f.why.text, expected);
	folder_close(&f);
}
END_TEST

static const struct {
	const char *name, *data;
	bool said;
} open_ends[] = {
	{ "a.csv", "id\n1", true },
	{ "a.csv", "id\n1\n", false },
	{ "a.csv", "id\r1\r", false },
	{ "a.csv", "id\r1", true },
	{ "a.ndjson", "{\"id\":1}", false }, /* the only one */
	{ "a.ndjson", "{\"id\":1}\n{\"id\":2}", true },
	{ "a.ndjson", "", false },
};

START_TEST(an_open_end)
{
	struct folder f;
	int result;

	folder_open(&f);
	const char *name = folder_add(&f, open_ends[_i].name, open_ends[_i].data);
	folder_add(&f, "b.csv", open_ends[_i].data);
	f.config.file_count = _i == 0 ? 2 : 1;
	folder_begin(&f);
	while ((result = folder_next(&f)) == INPUT_RECORD)
		;
	ck_assert_int_eq(result, INPUT_END);
	ck_assert_int_eq(input_notice(f.in, &f.why), open_ends[_i].said);
	if (open_ends[_i].said) {
		char expected[REASON_MAX];
		snprintf(expected, sizeof expected,
		    "%s: its last line has no line break, though all others have: is it whole?%s",
		    name, _i == 0 ? " (so it is with 1 more)" : "");
		ck_assert_str_eq(f.why.text, expected);
	}
	input_free(f.in);
	f.in = NULL;
	f.config.file_count = 2;
	folder_close(&f);
}
END_TEST

/* Pipes: nothing waits. */

static void wait_for_input(const struct folder *f)
{
	struct pollfd ready = { .fd = input_fd(f->in), .events = POLLIN };

	ck_assert_int_eq(poll(&ready, 1, 10000), 1);
}

START_TEST(standard_input)
{
	struct folder f;
	int ends[2];

	folder_open(&f);
	folder_add_stdin(&f);
	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
	folder_begin(&f);
	ck_assert_str_eq(input_name(f.in, 0), "standard input");
	ck_assert_int_eq(folder_next(&f), INPUT_AGAIN);
	ck_assert_int_eq(input_fd(f.in), STDIN_FILENO);
	ck_assert_ptr_null(input_header_of(f.in, 0));
	static const char text[] = "\xef\xbb\xbfid,n\r\n1,\"a\r\nb\"\r\n2,x";
	/* a byte at a time; the CR ends the record */
	for (size_t i = 0; i < sizeof text - 1; i++) {
		ck_assert_int_eq(write(ends[1], text + i, 1), 1);
		wait_for_input(&f);
		enum input_result result = folder_next(&f);
		ck_assert_int_eq(result, i == 17 ? INPUT_RECORD : INPUT_AGAIN);
	}
	ck_assert_uint_eq(input_header_of(f.in, 0)->count, 2);
	ck_assert_int_eq(fcntl(STDIN_FILENO, F_GETFL) & O_NONBLOCK, 0);
	close(ends[1]);
	expect_value(&f, "2");
	ck_assert_uint_eq(f.r.from.line, 4);
	ck_assert_int_eq(folder_next(&f), INPUT_END);
	folder_close(&f);
	close(ends[0]);
}
END_TEST

START_TEST(standard_input_is_a_file)
{
	struct folder f;

	folder_open(&f);
	const char *name = folder_add(&f, "a", "{\"id\":1}\n");
	int fd = open(name, O_RDONLY);
	ck_assert_int_eq(dup2(fd, STDIN_FILENO), STDIN_FILENO);
	close(fd);
	folder_add_stdin(&f);
	folder_begin(&f);
	expect_value(&f, "1");
	expect_value(&f, "1");
	ck_assert_uint_eq(f.r.from.file, 1);
	ck_assert_int_eq(folder_next(&f), INPUT_END);
	ck_assert_int_ne(fcntl(STDIN_FILENO, F_GETFD), -1); /* it is not ours to close */
	folder_close(&f);
}
END_TEST

START_TEST(standard_input_is_broken)
{
	struct folder f;
	int fd = open("/", O_RDONLY);

	folder_open(&f);
	folder_add_stdin(&f);
	ck_assert_int_eq(dup2(fd, STDIN_FILENO), STDIN_FILENO);
	folder_begin(&f);
	ck_assert_int_eq(folder_next(&f), INPUT_FAILED);
	expect_reason(&f, "standard input", "cannot be read: Is a directory", 66);
	folder_close(&f);
	close(fd);
}
END_TEST

START_TEST(named_pipe)
{
	struct folder f;
	uint64_t total;

	folder_open(&f);
	const char *name = folder_add(&f, "pipe.csv", NULL);
	ck_assert_int_eq(mkfifo(name, 0600), 0);
	folder_begin(&f); /* nobody writes yet */
	ck_assert_int_eq(folder_next(&f), INPUT_AGAIN);
	int fd = open(name, O_WRONLY);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(folder_next(&f), INPUT_AGAIN);
	ck_assert_int_eq(write(fd, "id\n1\n", 5), 5);
	wait_for_input(&f);
	expect_value(&f, "1");
	ck_assert_int_eq(folder_next(&f), INPUT_AGAIN);
	close(fd);
	ck_assert_int_eq(folder_next(&f), INPUT_END);
	ck_assert_int_eq(input_count(f.in, 1000, &total), -1);
	folder_close(&f);
}
END_TEST

START_TEST(named_pipe_with_a_broken_header)
{
	struct folder f;

	folder_open(&f);
	const char *name = folder_add(&f, "pipe.csv", NULL);
	ck_assert_int_eq(mkfifo(name, 0600), 0);
	folder_begin(&f);
	ck_assert_int_eq(folder_next(&f), INPUT_AGAIN);
	int fd = open(name, O_WRONLY);
	ck_assert_int_eq(write(fd, "id,id\n1\n", 8), 8);
	ck_assert_int_eq(folder_next(&f), INPUT_FAILED);
	expect_reason(&f, name,
	    "header: columns 1 and 2 have the same name, \"id\": rename or remove one, or name all "
	    "of them: --skip-lines=1 --columns=id,NAME2 (read as 2 columns, \"id\", \"id\")",
	    65);
	close(fd);
	folder_close(&f);
}
END_TEST

/* Counting finds as many as reading does, in pieces of any size. */

static void random_csv(struct buf *text, struct dice *dice)
{
	static const char *const pieces[] = {
		"1,2\n",
		"1,2\r\n",
		"\n",
		"\r",
		"\"a\nb\",c\n",
		"\"a\"\"\",c\n",
		"bad\"\n",
		"1\n",
		"\"open",
		"\"\n",
		",\n",
		"x\xff,2\n",
	};

	buf_reset(text);
	buf_str(text, "id,n\n");
	for (int64_t i = dice_below(dice, dice_one_in(dice, 4) ? 200000 : 50); i > 0; i--)
		buf_str(text,
		    pieces[dice_one_in(dice, 20) ? dice_below(dice, 12) : dice_below(dice, 2)]);
}

static void random_ndjson(struct buf *text, struct dice *dice)
{
	static const char *const pieces[] = { "{\"id\":1}\n", "{\"id\":1}\r\n", "\n", " \t\r\n",
		"x\n", "{", "\r" };

	buf_reset(text);
	buf_str(text, "{\"id\":0}\n"); /* else it may be JSON laid out over lines */
	for (int64_t i = dice_below(dice, dice_one_in(dice, 4) ? 100000 : 50); i > 0; i--)
		buf_str(text, pieces[dice_below(dice, 7)]);
}

START_TEST(count_as_read)
{
	struct dice dice = dice_new("count_as_read");
	struct buf text = { .max = ANY };

	for (int round = 0; round < 60; round++) {
		struct folder f;
		uint64_t total = 0, records = 0;
		int result, steps = 0;
		folder_open(&f);
		for (int i = 0; i < 2; i++) {
			const char *name = folder_add(&f, i ? "b.ndjson" : "a.csv", NULL);
			if (i)
				random_ndjson(&text, &dice);
			else
				random_csv(&text, &dice);
			write_file(name, "wb", text.data ? text.data : "", text.len);
		}
		folder_begin(&f);
		enum input_result last;
		while ((last = folder_next(&f)) == INPUT_RECORD || last == INPUT_BAD)
			records++;
		ck_assert_int_eq(last, INPUT_END);
		size_t step = (size_t)1 << dice_below(&dice, 22);
		while ((result = input_count(f.in, step, &total)) == 1)
			steps++;
		ck_assert_int_eq(result, 0);
		ck_assert_uint_eq(total, records);
		ck_assert_int_ge(steps, 1);
		folder_close(&f);
	}
	buf_free(&text);
}
END_TEST

START_TEST(count_is_done_in_pieces)
{
	struct folder f;
	struct buf text = { .max = ANY };
	uint64_t total = 0;
	int steps = 0;

	folder_open(&f);
	while (text.len < 4 << 20)
		buf_str(&text, "{}\n");
	write_file(folder_add(&f, "a.ndjson", NULL), "wb", text.data, text.len);
	folder_begin(&f);
	while (input_count(f.in, 1 << 19, &total) == 1)
		steps++;
	ck_assert_int_ge(steps, 4);
	ck_assert_int_le(steps, 10);
	ck_assert_uint_eq(total, text.len / 3);
	buf_free(&text);
	folder_close(&f);
}
END_TEST

/* Telling inputs apart. */

/* A list of FILEs is known again: by what is in them, and by their names. A FILE's letter is its
 * name, its digits are its rows. */
static const struct {
	const char *before, *after;
	const char *order;   /* in which the rows are read; NULL: it cannot be told */
	const char *missing; /* or NULL: it is shorter */
} lists[] = {
	{ "a12 b34", "a12 b34", "1234", NULL },
	{ "a12 b34", "b34 a12", "1234", NULL },       /* another order */
	{ "a12 b34", "c56 a12 b34", "123456", NULL }, /* one in front */
	{ "a12 b34", "a12 c56 b34", "123456", NULL },
	{ "a12 b34", "c12 d34", "1234", NULL }, /* renamed */
	{ "a12 b34", "c34 d12", "1234", NULL },
	{ "a12 b34", "a125 b346", "125346", NULL }, /* grown */
	{ "a12 b34", "c346 a12", "12346", NULL },   /* renamed and grown */
	{ "a12", "b12 a34", "1234", NULL },         /* as logs are rotated */
	{ "a12 b34", "a19 b34", "1934", NULL },     /* corrected, perhaps */
	{ "a12 b34", "a34 b12", "1234", NULL },     /* each has the other's name */
	{ "a12 a12", "a12 a12", "1212", NULL },
	{ "a12 b34", "a12", NULL, "b" },
	{ "a12 b34", "a12 c56", NULL, "b" },
	{ "a12 b34", "b12", NULL, "b" },
	{ "a12 b34", "a12 b3", NULL, NULL },
	{ "a1234", "a12", NULL, NULL },
};

/* Makes the FILEs of a text like "a12 b34". */
static void folder_fill(struct folder *f, const char *text)
{
	for (const char *at = text; *at; at += strspn(at, " ")) {
		struct buf rows = { .max = ANY };
		char name[2] = { *at++ };
		buf_str(&rows, "id\n");
		for (; *at && *at != ' '; at++)
			buf_fmt(&rows, "%c\n", *at);
		buf_byte(&rows, '\0');
		folder_add(f, name, rows.data);
		buf_free(&rows);
	}
}

static void folder_empty(struct folder *f)
{
	input_free(f->in);
	f->in = NULL;
	for (size_t i = 0; i < f->config.file_count; i++) {
		unlink(f->names[i]);
		free(f->names[i]);
	}
	f->config.file_count = 0;
}

START_TEST(a_list_is_known_again)
{
	struct buf list = { .max = ANY }, again = { .max = ANY };
	struct folder f;
	char row[2] = { 0 };

	folder_open(&f);
	folder_fill(&f, lists[_i].before);
	folder_begin(&f);
	input_list(f.in, &list);
	buf_byte(&list, '\0');
	folder_empty(&f);
	folder_fill(&f, lists[_i].after);
	folder_begin(&f);
	int result = input_arrange(f.in, list.data, &f.why);
	ck_assert_int_eq(result, lists[_i].order ? 0 : -1);
	for (const char *at = lists[_i].order; at && *at; at++) {
		row[0] = *at;
		expect_value(&f, row);
		ck_assert_str_eq(input_name(f.in, f.r.from.file) + strlen(f.path) + 1,
		    input_name(f.in, input_file(f.in)) + strlen(f.path) + 1);
	}
	if (result == 0) {
		ck_assert_int_eq(folder_next(&f), INPUT_END);
		input_list(f.in, &again); /* what is new has got its place */
		buf_byte(&again, '\0');
		ck_assert_int_eq(input_arrange(f.in, again.data, &f.why), 0);
	} else {
		char expected[200] = "is shorter than it was";
		if (lists[_i].missing)
			snprintf(expected, sizeof expected,
			    "%s/%s, which it was about, is not among the FILEs", f.path,
			    lists[_i].missing);
		ck_assert_msg(strstr(f.why.text, expected) != NULL, "%s", f.why.text);
	}
	buf_free(&list);
	buf_free(&again);
	folder_close(&f);
}
END_TEST

static const char *const no_lists[] = { "", "2:0123456789abcdef0123456789abcdef", "1 2 3", "1 2 3 ",
	"1 2 3 a", "1 65537 3 a\n", "1 1 3 a\n\n" };

START_TEST(no_list_at_all)
{
	struct folder f;

	folder_open(&f);
	folder_add(&f, "a", "id\n1\n");
	folder_begin(&f);
	ck_assert_int_eq(input_arrange(f.in, no_lists[_i], &f.why), -1);
	ck_assert_str_eq(f.why.text, "it does not say which FILEs it is about");
	expect_value(&f, "1");
	folder_close(&f);
}
END_TEST

START_TEST(freeing_nothing)
{
	input_free(NULL);
}
END_TEST

/* The cases in fixtures/: the input as `expected` has it: "LINE: OBJECT", "LINE: REASON", or "fails
 * STATUS: REASON". */

static void read_whole(struct buf *to, const char *name)
{
	FILE *file = fopen(name, "rb");
	char piece[4096];
	size_t n;

	ck_assert_msg(file != NULL, "%s", name);
	while ((n = fread(piece, 1, sizeof piece, file)) > 0)
		buf_add(to, piece, n);
	fclose(file);
}

static void put_object(struct buf *out, const struct record *r)
{
	buf_fmt(out, "%" PRIu64 ": {", r->from.line);
	for (size_t i = 0; i < r->count; i++) {
		const struct field *f = &r->fields[i];
		buf_str(out, i ? "," : "");
		buf_add(out, f->key, f->key_len);
		buf_byte(out, ':');
		if (f->kind == FIELD_JSON)
			buf_add(out, f->value, f->value_len);
		else
			text_json(out, f->value, f->value_len);
	}
	buf_str(out, "}\n");
}

static void read_case(struct buf *out, const struct input_config *config)
{
	struct reason why;
	struct record r = { 0 };
	enum input_result result = INPUT_FAILED;
	int status = 0;
	struct input *in = input_new(config, &why, &status);

	while (in && (result = input_next(in, &r, &why, &status)) != INPUT_END &&
	    result != INPUT_FAILED) {
		if (result == INPUT_RECORD)
			put_object(out, &r);
		else
			buf_fmt(out, "%" PRIu64 ": %s\n", r.from.line, why.text);
	}
	if (result == INPUT_FAILED) {
		const char *text = why.text + strlen(config->files[0]) +
		    1; /* "NAME: " or "NAME:2:9: " */
		buf_fmt(out, "fails %d: %s\n", status, text + (*text == ' '));
	}
	input_free(in);
}

/* One line of a case's dialect: an option's name, and its value behind a blank. */
static void set_dialect(struct csv_dialect *d, char *line, const char **nulls)
{
	char *value = line + strcspn(line, " ");

	if (*value)
		*value++ = '\0';
	char c = strcmp(value, "none") == 0 ? '\0' : strcmp(value, "\\t") == 0 ? '\t' : *value;
	if (strcmp(line, "delimiter") == 0)
		d->delimiter = c;
	else if (strcmp(line, "quote") == 0)
		d->quote = c;
	else if (strcmp(line, "escape") == 0)
		d->escape = c;
	else if (strcmp(line, "comment") == 0)
		d->comment = c;
	else if (strcmp(line, "skip-lines") == 0)
		d->skip_lines = (uint64_t)(c - '0');
	else if (strcmp(line, "trim") == 0)
		d->trim = true;
	else if (strcmp(line, "null") == 0)
		for (char *text = strtok(value, ","); text; text = strtok(NULL, ","))
			nulls[d->null_count++] = text;
	else
		ck_abort_msg("%s is no option of a dialect", line);
}

static void read_dialect(const char *folder, struct csv_dialect *d, struct buf *text,
    const char **nulls)
{
	char path[512];

	d->nulls = nulls;
	snprintf(path, sizeof path, "%s/dialect", folder);
	if (access(path, R_OK) != 0)
		return;
	read_whole(text, path);
	buf_byte(text, '\0');
	for (char *line = text->data, *end; *line; line = end + 1) {
		end = strchr(line, '\n');
		*end = '\0';
		set_dialect(d, line, nulls);
	}
}

/* The input file of a case, its --columns and its dialect. */
static void run_case(const char *folder)
{
	static const char *const names[] = { "input.csv", "input.tsv", "input.ndjson",
		"input.jsonl", "input.json", "input.csv.gz", "input.ndjson.gz" };
	char path[512];
	const char *file = path, *columns[8];
	struct input_config config = { .files = &file, .file_count = 1, .dialect.quote = '"' };
	struct buf expected = { .max = ANY }, got = { .max = ANY }, given = { .max = ANY },
	           dialect = { .max = ANY }, encoding = { .max = ANY };
	const char *nulls[8];

	read_dialect(folder, &config.dialect, &dialect, nulls);
	snprintf(path, sizeof path, "%s/columns", folder);
	if (access(path, R_OK) == 0) {
		read_whole(&given, path);
		given.data[given.len - 1] = '\0';
		for (char *name = strtok(given.data, ","); name; name = strtok(NULL, ","))
			columns[config.column_count++] = name;
		config.columns = columns;
	}
	snprintf(path, sizeof path, "%s/encoding", folder);
	if (access(path, R_OK) == 0) {
		read_whole(&encoding, path);
		encoding.data[encoding.len - 1] = '\0';
		config.encoding = encoding.data;
	}
	snprintf(path, sizeof path, "%s/expected", folder);
	read_whole(&expected, path);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(path, sizeof path, "%s/%s", folder, names[i]);
		if (access(path, R_OK) == 0)
			break;
	}
	read_case(&got, &config);
	bool same = got.len == expected.len &&
	    (got.len == 0 || memcmp(got.data, expected.data, got.len) == 0);
	ck_assert_msg(same, "%s:\n%.*s\ninstead of\n%.*s", folder, (int)got.len,
	    got.data ? got.data : "", (int)expected.len, expected.data ? expected.data : "");
	buf_free(&expected);
	buf_free(&got);
	buf_free(&given);
	buf_free(&dialect);
	buf_free(&encoding);
}

START_TEST(fixtures)
{
	static const struct {
		const char *path;
		int least;
	} kinds[] = { { "fixtures/valid", 15 }, { "fixtures/invalid", 10 } };

	for (size_t k = 0; k < 2; k++) {
		DIR *folder = opendir(kinds[k].path);
		int cases = 0;
		ck_assert_ptr_nonnull(folder);
		for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
			char path[400];
			if (entry->d_name[0] == '.')
				continue;
			snprintf(path, sizeof path, "%s/%s", kinds[k].path, entry->d_name);
			run_case(path);
			cases++;
		}
		closedir(folder);
		ck_assert_int_ge(cases, kinds[k].least);
	}
}
END_TEST

#define LOOP(tcase, test, table) \
	tcase_add_loop_test(tcase, test, 0, (int)(sizeof table / sizeof *table))

Suite *input_suite(void)
{
	Suite *suite = suite_create("input");
	TCase *tcase = tcase_create("input");

	tcase_set_timeout(tcase, 60);
	LOOP(tcase, refused_at_once, refused);
	tcase_add_test(tcase, directory_and_unreadable);
	tcase_add_test(tcase, files_in_turn);
	LOOP(tcase, format, formats);
	LOOP(tcase, a_document_is_not_read_by_lines, documents);
	tcase_add_test(tcase, nothing_in_it);
	tcase_add_test(tcase, later_file_changes);
	tcase_add_test(tcase, later_file_vanishes);
	LOOP(tcase, a_small_file_changes, small_changes);
	LOOP(tcase, half_a_line_is_left, left);
	LOOP(tcase, a_large_file_changes, large_changes);
	tcase_add_test(tcase, a_file_is_replaced);
	tcase_add_loop_test(tcase, later_file_is_another, 0, 3);
	LOOP(tcase, whole_or_not, wholes);
	LOOP(tcase, an_open_end, open_ends);
	tcase_add_test(tcase, standard_input);
	tcase_add_test(tcase, standard_input_is_a_file);
	tcase_add_test(tcase, standard_input_is_broken);
	tcase_add_test(tcase, named_pipe);
	tcase_add_test(tcase, named_pipe_with_a_broken_header);
	tcase_add_test(tcase, count_as_read);
	tcase_add_test(tcase, count_is_done_in_pieces);
	LOOP(tcase, a_list_is_known_again, lists);
	LOOP(tcase, no_list_at_all, no_lists);
	tcase_add_test(tcase, freeing_nothing);
	tcase_add_test(tcase, fixtures);
	suite_add_tcase(suite, tcase);
	return suite;
}
