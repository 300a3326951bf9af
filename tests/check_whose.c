/*
 * Whose a file is: a run goes on with the rejects and results that it began, wherever they are now,
 * and with nobody else's; nothing is written over, and of two runs that would write to one file the
 * second ends at once.
 */
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

Suite *whose_suite(void);

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

/* One of the last records is bad, so that a run can be stopped before its first reject and
 * after it. Each way to read and to send. */
static const struct way {
	const char *name, *input, *rejects, *args[3];
	const char *text, *bad;
} ways[] = {
	{ "CSV", "in.csv", "in.rejected.csv", { "-c1" },
	    "id,row\n1,a\n2,b\n3,c\n4,d\n5,e\n6,f\nbad\n8,h\n9,i\n", "bad" },
	{ "TSV", "in.tsv", "in.rejected.tsv", { "-c1" },
	    "id\trow\n1\ta\n2\tb\n3\tc\n4\td\n5\te\n6\tf\nbad\n8\th\n9\ti\n", "bad" },
	{ "NDJSON", "in.ndjson", "in.rejected.ndjson", { "-c1" },
	    "{\"id\":1}\n{\"id\":2}\n{\"id\":3}\n{\"id\":4}\n{\"id\":5}\n{\"id\":6}\nbad\n{\"id\":"
	    "8}\n{\"id\":9}\n",
	    "bad" },
	{ "CSV in batches", "in.csv", "in.rejected.csv", { "-c1", "--batch=1", "--batch-wait=1ms" },
	    "id,row\n1,a\n2,b\n3,c\n4,d\n5,e\n6,f\nbad\n8,h\n9,i\n", "bad" },
};

static const struct harness_run *import(struct scene *s, const struct way *w,
    const char *const more[])
{
	const char *args[24] = { "--rate=unlimited", "--backoff=1ms", "--backoff-max=20ms",
		"--summary=summary.json" };
	size_t n = 4;

	for (int i = 0; w && i < COUNT(w->args) && w->args[i]; i++)
		args[n++] = w->args[i];
	while (more && *more)
		args[n++] = *more++;
	return harness_run(s->harness, args);
}
#define IMPORT(s, w, ...) import(s, w, (const char *const[]){ __VA_ARGS__, NULL })

/* With one request at a time, a 401 in answer to the one after so many. */
static void stop_after(struct scene *s, unsigned requests)
{
	sandbox_clear_rules(s->sandbox);
	sandbox_add_rule(s->sandbox,
	    &(struct sandbox_rule){ .path = "/api/v",
	        .passes = requests + 1, /* the check */
	        .fault = { .act = SANDBOX_STATUS, .status = 401 } });
}

static size_t lines_with(struct scene *s, const char *name, const char *part)
{
	char *text = harness_read(s->harness, name, NULL);
	size_t n = text ? harness_count_lines(text, part) : 0;

	free(text);
	return n;
}

static const char *aside_name(struct scene *s, const char *name, unsigned n)
{
	char ending[20] = "~";
	struct buf whole = { .max = BUF_UNBOUNDED };

	if (n > 1)
		snprintf(ending, sizeof ending, ".~%u~", n);
	buf_fmt(&whole, "%s%s", name, ending);
	buf_byte(&whole, '\0');
	const char *path = harness_path(s->harness, whole.data);
	buf_free(&whole);
	return path;
}

static bool is_aside(struct scene *s, const char *name, unsigned n)
{
	return harness_exists(s->harness, aside_name(s, name, n));
}

/* A trial of the same input leaves rejects where the run that is carried on has none yet, or has
 * set that run's aside. */
START_TEST(rejects_of_another_run)
{
	const struct way *w = &ways[_i / 2];
	bool began = _i % 2;
	struct scene s = scene_open(NULL);
	char said[160];

	harness_write_text(s.harness, w->input, w->text);
	stop_after(&s, began ? 7 : 1);
	harness_assert_status(IMPORT(&s, w, w->input), 77);
	ck_assert_msg(harness_exists(s.harness, w->rejects) == began, "%s", w->name);
	sandbox_clear_rules(s.sandbox);
	harness_assert_status(IMPORT(&s, w, w->input, "--no-state", "--set=trial=x"), 1);
	ck_assert_uint_eq(lines_with(&s, w->rejects, w->bad), 1);
	char *trial = harness_read(s.harness, w->rejects, NULL);
	const struct harness_run *run = IMPORT(&s, w, w->input);
	harness_assert_status(run, 1);
	snprintf(said, sizeof said,
	    began ? "%s: is not what this run wrote: it is kept as %s.~2~\n" :
	            "%s: is not what this run wrote: it is kept as %s~\n",
	    w->rejects, w->rejects);
	harness_assert_err_has(run, said);
	snprintf(said, sizeof said, "it is taken back from %s~\n", w->rejects);
	ck_assert(harness_has(run->err, said) == began);
	harness_assert_err_has(run, "Done: 8 processed, 1 errors\n");
	ck_assert_uint_eq(lines_with(&s, w->rejects, w->bad), 1);
	harness_assert_file_is(s.harness, aside_name(&s, w->rejects, began ? 2 : 1), trial);
	free(trial);
	scene_close(&s);
}
END_TEST

/* The same of results; and nothing is written over, however often. */
START_TEST(results_of_other_runs)
{
	struct scene s = scene_open(NULL);

	harness_write_text(s.harness, "in.csv", "id\n1\n2\n3\n");
	stop_after(&s, 1);
	harness_assert_status(IMPORT(&s, &ways[0], "in.csv", "--results=r.ndjson"), 77);
	sandbox_clear_rules(s.sandbox);
	for (int i = 0; i < 3; i++)
		harness_assert_status(IMPORT(&s, &ways[0], "in.csv", "--results=r.ndjson",
		                          "--no-state"),
		    0);
	const struct harness_run *run = IMPORT(&s, &ways[0], "in.csv", "--results=r.ndjson");
	harness_assert_status(run, 0);
	harness_assert_err_has(run,
	    "r.ndjson: is not what this run wrote: it is kept as r.ndjson.~4~\n");
	harness_assert_err_has(run, "it is taken back from r.ndjson~\n");
	ck_assert_uint_eq(lines_with(&s, "r.ndjson", "\"accepted\""), 3);
	ck_assert_uint_eq(lines_with(&s, "r.ndjson", "\"skipped\""), 1);
	for (unsigned n = 2; n <= 4; n++)
		ck_assert(is_aside(&s, "r.ndjson", n));
	scene_close(&s);
}
END_TEST

/* Everything in another directory, and another name of that: as if nothing had been. */
START_TEST(a_directory_is_moved)
{
	const struct way *w = &ways[_i];
	struct scene s = scene_open(NULL);
	char input[64], rejects[64];

	ck_assert_int_eq(mkdir(harness_path(s.harness, "old"), 0700), 0);
	snprintf(input, sizeof input, "old/%s", w->input);
	harness_write_text(s.harness, input, w->text);
	stop_after(&s, 7);
	harness_assert_status(IMPORT(&s, w, input, "--results=old/r.ndjson"), 77);
	ck_assert_int_eq(rename(harness_path(s.harness, "old"), harness_path(s.harness, "new")), 0);
	sandbox_clear_rules(s.sandbox);
	snprintf(input, sizeof input, "new/%s", w->input);
	snprintf(rejects, sizeof rejects, "new/%s", w->rejects);
	const struct harness_run *run = IMPORT(&s, w, input, "--results=new/r.ndjson");
	harness_assert_status(run, 1);
	harness_assert_err_has(run, "Done: 8 processed, 1 errors\n");
	harness_assert_err_lacks(run, "kept as");
	harness_assert_err_lacks(run, "stays there");
	ck_assert_uint_eq(lines_with(&s, rejects, w->bad), 1);
	ck_assert_uint_eq(lines_with(&s, "new/r.ndjson", "\"accepted\""), 8);
	ck_assert(!is_aside(&s, rejects, 1) && !is_aside(&s, "new/r.ndjson", 1));
	scene_close(&s);
}
END_TEST

/* Told to write elsewhere, the run leaves what it wrote where it is, and says so. */
START_TEST(another_name_is_given)
{
	struct scene s = scene_open(NULL);

	harness_write_text(s.harness, "in.csv", ways[0].text);
	stop_after(&s, 7);
	harness_assert_status(IMPORT(&s, &ways[0], "in.csv"), 77);
	sandbox_clear_rules(s.sandbox);
	const struct harness_run *run = IMPORT(&s, &ways[0], "in.csv", "--rejects=b.csv");
	harness_assert_status(run, 1);
	harness_assert_err_has(run, "in.rejected.csv: what this run wrote so far stays there");
	ck_assert_uint_eq(lines_with(&s, "in.rejected.csv", "bad"), 1);
	ck_assert(!harness_exists(s.harness, "b.csv"));
	scene_close(&s);
}
END_TEST

/* Two runs of one input, each with a state of its own. */
START_TEST(two_runs_of_one_input)
{
	const struct way *w = &ways[_i];
	struct scene s = scene_open(NULL);

	harness_write_text(s.harness, w->input, w->text);
	sandbox_add_rule(s.sandbox,
	    &(struct sandbox_rule){ .nth = 3, .times = 1, .fault = { .delay_ms = 1500 } });
	struct harness_child *first = HARNESS_START(s.harness, w->input, "--state=a.state", "-c1",
	    "--rate=20", "-v");
	for (int i = 0; i < 2000 && sandbox_arrivals(s.sandbox) < 3; i++)
		unix_nap(5000);
	size_t before = sandbox_arrivals(s.sandbox);
	ck_assert_uint_ge(before, 3);
	const struct harness_run *second = HARNESS_RUN(s.harness, w->input, "--state=b.state");
	harness_assert_status(second, 75);
	harness_assert_err_has(second, w->rejects);
	harness_assert_err_has(second, "another run");
	harness_assert_status(harness_finish(first), 1);
	ck_assert_uint_eq(lines_with(&s, w->rejects, w->bad), 1);
	ck_assert(!is_aside(&s, w->rejects, 1));
	scene_close(&s);
}
END_TEST

/* Places are tried before anything is sent, with a state and without. */
START_TEST(places_are_tried_first)
{
	static const char *const rows[][2] = {
		{ "--rejects=no/r.csv", "--no-state" },
		{ "--rejects=no/r.csv", "--state=s.state" },
		{ "--rejects=sealed/r.csv", "--no-state" },
	};
	struct scene s = scene_open(NULL);

	if (_i == 2 && geteuid() == 0) { /* to whom everything is open */
		scene_close(&s);
		return;
	}
	ck_assert_int_eq(mkdir(harness_path(s.harness, "sealed"), 0500), 0);
	harness_write_text(s.harness, "in.csv", ways[0].text);
	const struct harness_run *run = HARNESS_RUN(s.harness, "in.csv", rows[_i][0], rows[_i][1]);
	harness_assert_status(run, 73);
	harness_assert_err_has(run, "--rejects=FILE");
	ck_assert_uint_eq(sandbox_arrivals(s.sandbox), 0);
	scene_close(&s);
}
END_TEST

/* A stop of any kind leaves no empty rejects file. */
START_TEST(nothing_is_left_where_nothing_was_rejected)
{
	struct scene s = scene_open(NULL);

	harness_write_text(s.harness, "in.csv", "id\n1\n2\n");
	stop_after(&s, 1);
	harness_assert_status(IMPORT(&s, &ways[0], "in.csv"), 77);
	ck_assert(!harness_exists(s.harness, "in.rejected.csv"));
	sandbox_clear_rules(s.sandbox);
	harness_assert_status(IMPORT(&s, &ways[0], "in.csv"), 0);
	ck_assert(!harness_exists(s.harness, "in.rejected.csv"));
	scene_close(&s);
}
END_TEST

/* What is no UTF-8 comes back as it was, and is rejected again until somebody mends it. */
START_TEST(bytes_come_back)
{
	static const struct {
		const char *input, *again, *third, *text, *bytes;
	} rows[] = {
		{ "in.ndjson", "in.rejected.ndjson", "in.rejected.rejected.ndjson",
		    "{\"id\":1}\n{\"id\":2,\"name\":\"M\xfcller \\\"x\\\"\"}\n", "M\xfcller" },
		{ "in.csv", "in.rejected.csv", "in.rejected.rejected.csv",
		    "id,name\n1,a\n2,M\xfcller\n", "M\xfcller" },
		{ "in.tsv", "in.rejected.tsv", "in.rejected.rejected.tsv",
		    "id\tname\n1\ta\n2\tM\xfcller\n", "M\xfcller" },
	};
	struct scene s = scene_open(NULL);
	const struct harness_run *run;

	harness_write_text(s.harness, rows[_i].input, rows[_i].text);
	run = IMPORT(&s, NULL, rows[_i].input);
	harness_assert_status(run, 1);
	ck_assert_uint_eq(lines_with(&s, rows[_i].again, rows[_i].bytes), 1);
	run = IMPORT(&s, NULL, rows[_i].again);
	harness_assert_status(run, 1);
	harness_assert_err_has(run, "not UTF-8");
	ck_assert_uint_eq(lines_with(&s, rows[_i].third, rows[_i].bytes), 1);
	ck_assert_uint_eq(scene_people_there(&s), 1);
	/* with one byte mended it is what it was meant to be */
	size_t len;
	char *text = harness_read(s.harness, rows[_i].third, &len), *bad = strstr(text, "M\xfc");
	bad[1] = 'u';
	harness_write(s.harness, rows[_i].input, text, len);
	free(text);
	harness_assert_status(IMPORT(&s, NULL, rows[_i].input), 0);
	ck_assert_uint_eq(scene_people_there(&s), 2);
	scene_close(&s);
}
END_TEST

Suite *whose_suite(void)
{
	Suite *s = suite_create("whose");
	TCase *t = tcase_create("whose");

	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, rejects_of_another_run, 0, 2 * COUNT(ways));
	tcase_add_test(t, results_of_other_runs);
	tcase_add_loop_test(t, a_directory_is_moved, 0, COUNT(ways));
	tcase_add_test(t, another_name_is_given);
	tcase_add_loop_test(t, two_runs_of_one_input, 0, 3);
	tcase_add_loop_test(t, places_are_tried_first, 0, 3);
	tcase_add_test(t, nothing_is_left_where_nothing_was_rejected);
	tcase_add_loop_test(t, bytes_come_back, 0, 3);
	suite_add_tcase(s, t);
	return s;
}
