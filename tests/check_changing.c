/* An input that changes while the run reads it: what is sent, what is said, what is left for the
 * next run, and who is deleted. */
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "scene.h"
#include "unix.h"

Suite *changing_suite(void);

#define LENGTH(array) ((int)(sizeof(array) / sizeof *(array)))
#define ROWS 800  /* of an input ... */
#define WIDE 1000 /* ... each of so many bytes and a few more: it is read in four pieces */
#define SEEN 60   /* rows that were sent when it changes */

static const struct kind {
	const char *file, *header;
	const char *row[4]; /* what is around its number, its letter, and WIDE letters */
	const char *batch;  /* an option, or NULL */
} kinds[] = {
	{ "in.csv", "id,kind,value\n", { "p", ",", ",", "\n" }, NULL },
	{ "in.csv", "id,kind,value\n", { "p", ",", ",", "\n" }, "--batch=5" },
	{ "in.tsv", "id\tkind\tvalue\n", { "p", "\t", "\t", "\n" }, NULL },
	{ "in.ndjson", "", { "{\"id\":\"p", "\",\"kind\":\"", "\",\"value\":\"", "\"}\n" }, NULL },
	{ "in.ndjson", "", { "{\"id\":\"p", "\",\"kind\":\"", "\",\"value\":\"", "\"}\n" },
	    "--batch=5" },
};

static struct scene scene;
static const struct kind *kind;

static void setup(void)
{
	static const struct sandbox_config config = { .latency_ms = 2, .keep_body = 100000 };

	scene = scene_open(&config);
}

static void teardown(void)
{
	scene_close(&scene);
}

static void add_rows(struct buf *text, char letter, int from, int to)
{
	char value[WIDE + 1];

	memset(value, letter, WIDE);
	value[WIDE] = '\0';
	for (int i = from; i < to; i++)
		buf_fmt(text, "%s%d%s%c%s%s%s", kind->row[0], i, kind->row[1], letter, kind->row[2],
		    value, kind->row[3]);
}

static void write_rows(const char *name, char letter, int rows)
{
	struct buf text = { .max = SIZE_MAX };

	buf_str(&text, kind->header);
	add_rows(&text, letter, 0, rows);
	harness_write(scene.harness, name, text.data, text.len);
	buf_free(&text);
}

static struct harness_child *start(const char *const more[])
{
	const char *args[16] = { kind->file, "--rate=unlimited", "-c1", "--summary=summary.json" };
	int n = 4;

	if (kind->batch)
		args[n++] = kind->batch;
	for (int i = 0; more && more[i]; i++)
		args[n++] = more[i];
	args[n] = NULL;
	return harness_start(scene.harness, args);
}

static const char *state_name(void)
{
	static char name[64];

	snprintf(name, sizeof name, "%s.cio-state", kind->file);
	return name;
}

static void wait_for(struct harness_child *c, uint64_t rows)
{
	for (int i = 0; i < SOON && sandbox_counters(scene.sandbox).operations < rows; i++)
		unix_nap(1000);
	ck_assert_msg(sandbox_counters(scene.sandbox).operations >= rows, "%s",
	    harness_show(harness_peek(c)));
}

/* What has come are whole rows, of one letter each, and each of them once. */
static int expect_whole_rows(const char *letters)
{
	static bool seen[2 * ROWS];
	int count = 0;

	memset(seen, 0, sizeof seen);
	for (size_t i = 0, all = sandbox_arrivals(scene.sandbox); i < all; i++) {
		struct sandbox_arrival a = sandbox_arrival(scene.sandbox, i);
		for (const char *at = a.body; at && (at = strstr(at, "\"kind\":\""));
		     at++, count++) {
			const char *value = strstr(at, "\"value\":\"");
			ck_assert(strchr(letters, at[8]) && value);
			ck_assert_uint_eq(strspn(value + 9, (char[]){ at[8], '\0' }), WIDE);
			ck_assert_int_eq(value[9 + WIDE], '"');
		}
	}
	return count;
}

enum how { CUT, REWRITTEN, SHORTER, REPLACED, GROWN };

static const struct harness_run *change(enum how how, const char *const more[])
{
	struct buf text = { .max = SIZE_MAX };
	struct harness_child *c = start(more);

	wait_for(c, SEEN);
	switch (how) {
	case CUT:
		ck_assert_int_eq(truncate(harness_path(scene.harness, kind->file), 500000), 0);
		break;
	case REWRITTEN:
		write_rows(kind->file, 'b', ROWS + 100);
		break;
	case SHORTER:
		write_rows(kind->file, 'b', ROWS / 2);
		break;
	case REPLACED:
		write_rows("new", 'b', ROWS);
		ck_assert_int_eq(rename(harness_path(scene.harness, "new"),
		                     harness_path(scene.harness, kind->file)),
		    0);
		break;
	case GROWN:
		add_rows(&text, 'a', ROWS, ROWS + 50);
		FILE *f = fopen(harness_path(scene.harness, kind->file), "ab");
		ck_assert(f && fwrite(text.data, 1, text.len, f) == text.len && fclose(f) == 0);
	}
	buf_free(&text);
	sandbox_set_latency(scene.sandbox, 0); /* what comes now need not be slow */
	return harness_finish(c);
}

static const struct {
	enum how how;
	const char *says;
} endings[] = {
	{ CUT, "was cut short while it was read" },
	{ REWRITTEN, "was rewritten while it was read" },
	{ SHORTER, "was cut short while it was read" },
};

/* Cut short or rewritten: 65, and the next run of the whole file does what is left. */
START_TEST(it_is_spoiled)
{
	kind = &kinds[_i % LENGTH(kinds)];
	int n = _i / LENGTH(kinds);

	write_rows(kind->file, 'a', ROWS);
	const struct harness_run *run = change(endings[n].how, NULL);
	harness_assert_status(run, 65);
	harness_assert_err_has(run, endings[n].says);
	harness_assert_err_has(run, "what is settled is kept in in.");
	ck_assert(harness_exists(scene.harness, state_name()));
	int sent = expect_whole_rows("a");
	ck_assert_int_ge(sent, SEEN);
	ck_assert_int_lt(sent, ROWS);
	ck_assert_int_eq(scene_summary(&scene, "exit_status"), 65);
	ck_assert_int_eq(scene_summary(&scene, "accepted"),
	    sent); /* all that was read is settled */
	write_rows(kind->file, 'a', ROWS);
	harness_assert_status(harness_finish(start(NULL)), 0);
	ck_assert_int_eq(expect_whole_rows("a"), ROWS); /* none twice */
	ck_assert_uint_eq(scene_people_there(&scene), ROWS);
	ck_assert(!harness_exists(scene.harness, state_name()));
}
END_TEST

START_TEST(another_takes_its_name)
{
	kind = &kinds[_i];
	write_rows(kind->file, 'a', ROWS);
	const struct harness_run *run = change(REPLACED, NULL);
	harness_assert_status(run, 0);
	harness_assert_err_has(run,
	    ": another file has taken its name while it was read: that one was not read");
	ck_assert_int_eq(expect_whole_rows("a"), ROWS);
	ck_assert(!harness_exists(scene.harness, state_name()));
}
END_TEST

START_TEST(it_grows)
{
	kind = &kinds[_i];
	write_rows(kind->file, 'a', ROWS);
	const struct harness_run *run = change(GROWN, NULL);
	harness_assert_status(run, 0);
	harness_assert_err_lacks(run, kind->file);
	ck_assert_int_eq(expect_whole_rows("a"), ROWS + 50);
}
END_TEST

/* Who is not in what was read may be in what was not. */
static const struct {
	enum how how;
	int status;
	const char *says;
} syncs[] = {
	{ CUT, 65, "was cut short while it was read" },
	{ REWRITTEN, 65, "was rewritten while it was read" },
	{ REPLACED, 0,
	    "another file has taken its name since the run began: so none of the 3 people of "
	    "people.sync who were not in it is deleted" },
	{ GROWN, 0, "it has grown since the run began: so none of the 3 people" },
};

START_TEST(nobody_is_deleted)
{
	static const char *const sync[] = { "--sync=people.sync", "--sync-deletes=delete",
		"--max-deletes=100%", NULL };
	struct buf text = { .max = SIZE_MAX };

	kind = &kinds[_i % LENGTH(kinds)];
	int n = _i / LENGTH(kinds);
	buf_str(&text, kind->header);
	add_rows(&text, 'a', 9000, 9003);
	harness_write(scene.harness, kind->file, text.data, text.len);
	buf_free(&text);
	harness_assert_status(harness_finish(start(sync)), 0);
	write_rows(kind->file, 'a', ROWS);
	const struct harness_run *run = change(syncs[n].how, sync);
	harness_assert_status(run, syncs[n].status);
	harness_assert_err_has(run, syncs[n].says);
	json_t *one = sandbox_person(scene.sandbox, "p9001");
	ck_assert_ptr_nonnull(one);
	json_decref(one);
	write_rows(kind->file, 'a', ROWS);
	harness_assert_status(harness_finish(start(sync)), 0);
	ck_assert_uint_eq(scene_people_there(&scene), ROWS); /* now they are */
}
END_TEST

/* A pipe's end looks the same whether its producer was done or was killed. */
START_TEST(deletes_from_a_pipe)
{
	static const char *const modes[] = { "--no-state", "-n" };

	harness_stdin_text(scene.harness, "id,v\n1,1\n2,1\n");
	harness_assert_status(HARNESS_RUN(scene.harness, "--sync=s", "--rate=unlimited"), 0);
	for (int i = 0; i < LENGTH(modes); i++) {
		harness_stdin_text(scene.harness, "id,v\n1,1\n");
		const struct harness_run *run = HARNESS_RUN(scene.harness, "--sync=s",
		    "--sync-deletes=delete", modes[i]);
		harness_assert_status(run, 64);
		harness_assert_err_has(run,
		    "--sync-deletes from what is no regular file needs --max-deletes");
	}
	ck_assert_uint_eq(scene_people_there(&scene), 2);
	harness_stdin_text(scene.harness, "id,v\n1,1\n");
	harness_assert_status(HARNESS_RUN(scene.harness, "--sync=s", "--sync-deletes=delete",
	                          "--max-deletes=1", "--rate=unlimited"),
	    0);
	ck_assert_uint_eq(scene_people_there(&scene), 1);
}
END_TEST

/* Nobody in the export is no news of everybody. */
static const struct {
	const char *const files[3];
	const char *first, *second, *says;
} empties[] = {
	{ { "a.csv" }, "id\n", NULL, "a.csv: there is no record in it: so none of 2 people" },
	{ { "a.ndjson" }, "", NULL, "a.ndjson: there is no record in it" },
	{ { "a.csv", "b.csv" }, "id\n1\n", "id\n", "b.csv: there is no record in it" },
	{ { "-" }, "", NULL, "standard input: there is no record in it" },
};

START_TEST(an_empty_export)
{
	static const char *const options[] = { "--sync=s", "--sync-deletes=delete",
		"--max-deletes=100%", "--rate=unlimited", "-q" };
	const char *args[10];
	int n = 0;

	harness_write_text(scene.harness, "people.csv", "id\n1\n2\n");
	harness_assert_status(HARNESS_RUN(scene.harness, "people.csv", "--sync=s",
	                          "--rate=unlimited"),
	    0);
	for (; n < LENGTH(options); n++)
		args[n] = options[n];
	for (int i = 0; empties[_i].files[i]; i++)
		args[n++] = empties[_i].files[i];
	args[n] = NULL;
	if (*empties[_i].files[0] == '-')
		harness_stdin_text(scene.harness, empties[_i].first);
	else
		harness_write_text(scene.harness, empties[_i].files[0], empties[_i].first);
	if (empties[_i].second)
		harness_write_text(scene.harness, empties[_i].files[1], empties[_i].second);
	const struct harness_run *run = harness_run(scene.harness, args);
	harness_assert_status(run, 65);
	harness_assert_err_has(run, empties[_i].says);
	ck_assert_uint_eq(scene_people_there(&scene), 2);
}
END_TEST

/* Its last line alone has no line break: said, in a run and in a dry run, and sent all the same. */
START_TEST(the_last_line_is_open)
{
	static const char *const modes[] = { "--rate=unlimited", "-n" };

	harness_write_text(scene.harness, "a.csv", "id,v\n1,x\n2,y");
	const struct harness_run *run = HARNESS_RUN(scene.harness, "a.csv", modes[_i]);
	harness_assert_status(run, 0);
	harness_assert_err_has(run,
	    "a.csv: its last line has no line break, though all others have: is it whole?\n");
	ck_assert_uint_eq(scene_people_there(&scene), _i == 0 ? 2 : 0);
	run = HARNESS_RUN(scene.harness, "a.csv", modes[_i], "-q");
	ck_assert_str_eq(run->err, "");
}
END_TEST

Suite *changing_suite(void)
{
	Suite *s = suite_create("changing");
	TCase *t = tcase_create("changing");

	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, it_is_spoiled, 0, LENGTH(kinds) * LENGTH(endings));
	tcase_add_loop_test(t, another_takes_its_name, 0, LENGTH(kinds));
	tcase_add_loop_test(t, it_grows, 0, LENGTH(kinds));
	tcase_add_loop_test(t, nobody_is_deleted, 0, LENGTH(kinds) * LENGTH(syncs));
	tcase_add_test(t, deletes_from_a_pipe);
	tcase_add_loop_test(t, an_empty_export, 0, LENGTH(empties));
	tcase_add_loop_test(t, the_last_line_is_open, 0, 2);
	suite_add_tcase(s, t);
	return s;
}
