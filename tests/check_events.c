/*
 * Which event is the same event: imported again, touched, grown, copied, piped or in batches, those
 * with a time of their own arrive once; and a state that is kept sends only what has come since.
 */
#include <check.h>
#include <jansson.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "scene.h"
#include "unix.h"

Suite *events_suite(void);

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

static const struct harness_run *import(struct scene *s, const char *const more[])
{
	const char *args[24] = { "-c2", "--rate=unlimited", "--backoff=1ms", "--backoff-max=20ms",
		"--summary=summary.json" };
	size_t n = 5;

	while (*more)
		args[n++] = *more++;
	return harness_run(s->harness, args);
}
#define IMPORT(s, ...) import(s, (const char *const[]){ __VA_ARGS__, NULL })

static void assert_counts(struct scene *s, uint64_t events, uint64_t duplicates)
{
	struct sandbox_counters c = sandbox_counters(s->sandbox);

	ck_assert_uint_eq(c.events, events);
	ck_assert_uint_eq(c.duplicates, duplicates);
}

static void append(struct scene *s, const char *name, const char *text)
{
	FILE *f = fopen(harness_path(s->harness, name), "ae");

	ck_assert(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

static void copy(struct scene *s, const char *from, const char *to)
{
	size_t len;
	char *text = harness_read(s->harness, from, &len);

	harness_write(s->harness, to, text, len);
	free(text);
}

/* Three events that are the same but for their number, each way to write and to send them. */
static const struct way {
	const char *name, *input, *timed, *bare, *given, *more, *send;
} ways[] = {
	{ "CSV", "in.csv", "id,name,timestamp\n1,a,1700000000\n1,a,1700000000\n2,b,2024-02-29\n",
	    "id,name\n1,a\n1,a\n2,b\n", "id,name,event_id\n1,a,x\n1,a,y\n2,b,z\n",
	    "3,c,1700000001\n", "--retries=4" },
	{ "TSV", "in.tsv",
	    "id\tname\ttimestamp\n1\ta\t1700000000\n1\ta\t1700000000\n2\tb\t2024-02-29\n",
	    "id\tname\n1\ta\n1\ta\n2\tb\n", "id\tname\tevent_id\n1\ta\tx\n1\ta\ty\n2\tb\tz\n",
	    "3\tc\t1700000001\n", "--retries=4" },
	{ "NDJSON", "in.ndjson",
	    "{\"id\":1,\"name\":\"a\",\"timestamp\":1700000000}\n"
	    "{\"id\":1,\"name\":\"a\",\"timestamp\":1700000000}\n"
	    "{\"id\":2,\"name\":\"b\",\"timestamp\":\"2024-02-29\"}\n",
	    "{\"id\":1,\"name\":\"a\"}\n{\"id\":1,\"name\":\"a\"}\n{\"id\":2,\"name\":\"b\"}\n",
	    "{\"id\":1,\"name\":\"a\",\"event_id\":\"x\"}\n"
	    "{\"id\":1,\"name\":\"a\",\"event_id\":\"y\"}\n"
	    "{\"id\":2,\"name\":\"b\",\"event_id\":\"z\"}\n",
	    "{\"id\":3,\"name\":\"c\",\"timestamp\":1700000001}\n", "--retries=4" },
	{ "CSV in batches", "in.csv",
	    "id,name,timestamp\n1,a,1700000000\n1,a,1700000000\n2,b,2024-02-29\n",
	    "id,name\n1,a\n1,a\n2,b\n", "id,name,event_id\n1,a,x\n1,a,y\n2,b,z\n",
	    "3,c,1700000001\n", "--batch=2" },
};

/* An event with a time of its own is a fact. */
START_TEST(a_fact_is_the_same_however_it_comes)
{
	const struct way *w = &ways[_i];
	struct scene s = scene_open(NULL);
	struct timespec times[2] = { { 1000000000, 0 }, { 1000000000, 0 } };
	const char *format = strchr(w->input, '.') + 1;
	char other[64], form[64];

	harness_write_text(s.harness, w->input, w->timed);
	harness_assert_status(IMPORT(&s, w->input, "-a", "track", w->send), 0);
	assert_counts(&s, 3, 0);
	harness_assert_status(IMPORT(&s, w->input, "-a", "track", w->send), 0);
	assert_counts(&s, 3, 3);
	ck_assert_int_eq(utimensat(AT_FDCWD, harness_path(s.harness, w->input), times, 0), 0);
	harness_assert_status(IMPORT(&s, w->input, "-a", "track", w->send), 0);
	assert_counts(&s, 3, 6);
	snprintf(other, sizeof other, "copy.%s", format);
	copy(&s, w->input, other);
	harness_assert_status(IMPORT(&s, other, "-a", "track", "--no-state"), 0);
	assert_counts(&s, 3, 9);
	snprintf(form, sizeof form, "--format=%s", format);
	harness_stdin_text(s.harness, w->timed);
	harness_assert_status(IMPORT(&s, "-a", "track", form), 0);
	assert_counts(&s, 3, 12);
	append(&s, w->input, w->more);
	harness_assert_status(IMPORT(&s, w->input, "-a", "track", w->send), 0);
	assert_counts(&s, 4, 15);
	/* behind another file the number in its own counts */
	harness_write_text(s.harness, other, w->bare);
	harness_assert_status(IMPORT(&s, other, w->input, "-a", "track", w->send), 0);
	assert_counts(&s, 7, 19);
	scene_close(&s);
}
END_TEST

/* One row makes another event by another name. */
START_TEST(another_name_is_another_event)
{
	struct scene s = scene_open(NULL);

	harness_write_text(s.harness, "in.csv", "id,timestamp\n1,1700000000\n");
	for (int i = 0; i < 2; i++) {
		harness_assert_status(IMPORT(&s, "in.csv", "-a", "track", "--event=in"), 0);
		harness_assert_status(IMPORT(&s, "in.csv", "-a", "track", "--event=out"), 0);
		harness_assert_status(IMPORT(&s, "in.csv", "-a", "page", "--event=in"), 0);
	}
	assert_counts(&s, 3, 3);
	scene_close(&s);
}
END_TEST

/* One without a time happens when it is imported: once for a run, however often that is carried on;
 * event_id overrules. */
START_TEST(without_a_time_each_run_has_its_own)
{
	const struct way *w = &ways[_i];
	struct scene s = scene_open(NULL);

	harness_write_text(s.harness, w->input, w->bare);
	harness_assert_status(IMPORT(&s, w->input, "-a", "track", w->send), 0);
	assert_counts(&s, 3, 0);
	harness_assert_status(IMPORT(&s, w->input, "-a", "track", w->send), 0);
	assert_counts(&s, 6, 0);
	harness_write_text(s.harness, w->input, w->given);
	harness_assert_status(IMPORT(&s, w->input, "-a", "track", w->send), 0);
	harness_assert_status(IMPORT(&s, w->input, "-a", "track", w->send), 0);
	assert_counts(&s, 9, 3);
	scene_close(&s);
}
END_TEST

/* The answer is lost and the process killed: the run that carries on sends the event again, as the
 * one that it was. */
START_TEST(a_run_that_is_carried_on_is_the_same)
{
	const struct way *w = &ways[_i];
	struct scene s = scene_open(NULL);

	harness_write_text(s.harness, w->input, w->bare);
	sandbox_add_rule(s.sandbox,
	    &(struct sandbox_rule){ .holds = "\"b\"",
	        .times = 1,
	        .fault = { .act = SANDBOX_HANG, .process = true } });
	struct harness_child *child = HARNESS_START(s.harness, w->input, "-a", "track", w->send,
	    "-c2", "--rate=unlimited", "--batch-wait=1ms");
	for (int i = 0; i < 4000 && sandbox_counters(s.sandbox).events < 3; i++)
		unix_nap(5000);
	unix_nap(400000); /* the others are committed */
	harness_signal(child, SIGKILL);
	ck_assert_int_eq(harness_finish(child)->status, 128 + SIGKILL);
	const struct harness_run *run = IMPORT(&s, w->input, "-a", "track", w->send);
	harness_assert_status(run, 0);
	harness_assert_err_has(run, "resuming");
	struct sandbox_counters c = sandbox_counters(s.sandbox);
	ck_assert_uint_eq(c.events, 3);
	ck_assert_uint_ge(c.duplicates, 1);
	scene_close(&s);
}
END_TEST

/* -- a state that is kept -- */

/* How many different times there are in the ids of all events, which came in turn. */
static int times_of_events(struct scene *s)
{
	json_t *events = sandbox_events(s->sandbox), *event;
	char last[11] = "";
	int times = 0;
	size_t i;

	json_array_foreach(events, i, event)
	{
		const char *id = json_string_value(json_object_get(event, "id"));
		times += strncmp(last, id, 10) != 0;
		memcpy(last, id, 10);
	}
	json_decref(events);
	return times;
}

/* An event log that only grows, each hour: what was appended is sent, events without a time too. */
START_TEST(each_hour_what_was_appended)
{
	const struct way *w = &ways[_i];
	struct scene s = scene_open(NULL);
	const char *last = w->bare + strlen(w->bare) - 1;

	while (last > w->bare && last[-1] != '\n')
		last--;
	harness_write_text(s.harness, w->input, w->bare);
	const struct harness_run *run;
	for (int hour = 0; hour < 4; hour++) {
		if (hour > 0)
			append(&s, w->input, last);
		run = IMPORT(&s, w->input, "-a", "track", w->send, "--keep-state");
		harness_assert_status(run, 0);
		harness_assert_err_has(run,
		    "to resume: the same command sends what has come behind this");
		harness_assert_err_has(run, "--restart begins anew");
		ck_assert_int_eq(scene_summary(&s, "accepted"), hour ? 1 : 3);
		ck_assert_int_eq(scene_summary(&s, "skipped"), hour ? 2 + hour : 0);
		assert_counts(&s, 3 + (uint64_t)hour, 0);
	}
	ck_assert_int_eq(times_of_events(&s), 4); /* each run has given its own */
	run = IMPORT(&s, w->input, "-a", "track", w->send, "--keep-state");
	harness_assert_status(run, 0);
	assert_counts(&s, 6, 0);
	run = IMPORT(&s, w->input, "-a", "track", w->send, "--keep-state", "--restart");
	harness_assert_status(run, 0);
	assert_counts(&s, 12, 0);
	/* asked for no longer, it goes with the run */
	harness_assert_status(IMPORT(&s, w->input, "-a", "track", w->send), 0);
	assert_counts(&s, 12, 0);
	char state[64];
	snprintf(state, sizeof state, "%s.cio-state", w->input);
	ck_assert(!harness_exists(s.harness, state));
	scene_close(&s);
}
END_TEST

/* The log's writer is in the middle of a line: that is left until it is whole. */
START_TEST(half_a_line_is_left)
{
	const struct way *w = &ways[_i];
	struct scene s = scene_open(NULL);
	size_t n = strlen(w->bare);
	char said[100];

	for (size_t cut = n - 1; cut > n - 4; cut--) {
		uint64_t before = sandbox_counters(s.sandbox).events;
		harness_write(s.harness, w->input, w->bare, cut);
		const struct harness_run *run = IMPORT(&s, w->input, "-a", "track", w->send,
		    "--keep-state", "--restart");
		harness_assert_status(run, 0);
		snprintf(said, sizeof said, "%s: its last line has no line break yet", w->input);
		harness_assert_err_has(run, said);
		assert_counts(&s, before + 2, 0);
		harness_write(s.harness, w->input, w->bare, n);
		run = IMPORT(&s, w->input, "-a", "track", w->send, "--keep-state");
		harness_assert_status(run, 0);
		harness_assert_err_lacks(run, "line break");
		assert_counts(&s, before + 3, 0);
	}
	/* for who does not come again it is a record */
	uint64_t before = sandbox_counters(s.sandbox).events;
	harness_write(s.harness, w->input, w->bare, n - 1);
	harness_assert_status(IMPORT(&s, w->input, "-a", "track", w->send, "--state=other.state"),
	    0);
	assert_counts(&s, before + 3, 0);
	scene_close(&s);
}
END_TEST

/* The same where the half line came while the run read. */
START_TEST(half_a_line_that_comes_meanwhile_is_left)
{
	const struct way *w = &ways[_i];
	struct scene s = scene_open(NULL);
	size_t n = strlen(w->bare);

	harness_write(s.harness, w->input, w->bare, n);
	struct harness_child *child = HARNESS_START(s.harness, w->input, "-a", "track", w->send,
	    "--keep-state", "--rate=2", "-c1", "--burst=1");
	ck_assert(sandbox_wait(s.sandbox, 2, SOON));
	append(&s, w->input, "{\"id");
	const struct harness_run *run = harness_finish(child);
	harness_assert_status(run, 0);
	ck_assert_uint_eq(sandbox_counters(s.sandbox).events, 3);
	scene_close(&s);
}
END_TEST

/* What was not accepted an hour ago was told then: it is no error of the next run, whose rejects
 * are its own. */
START_TEST(errors_are_their_run_s)
{
	struct scene s = scene_open(NULL);

	harness_write_text(s.harness, "in.csv", "id,name\n1,a\nbad\n");
	const struct harness_run *run = IMPORT(&s, "in.csv", "-a", "track", "--keep-state");
	harness_assert_status(run, 1);
	harness_assert_err_has(run, "Done: 1 processed, 1 errors\n");
	append(&s, "in.csv", "2,b\n");
	run = IMPORT(&s, "in.csv", "-a", "track", "--keep-state");
	harness_assert_status(run, 0);
	harness_assert_err_has(run, "Done: 3 processed, 0 errors\n");
	harness_assert_err_has(run,
	    "in.rejected.csv: is not what this run wrote: it is kept as in.rejected.csv~\n");
	append(&s, "in.csv", "worse\n");
	run = IMPORT(&s, "in.csv", "-a", "track", "--keep-state");
	harness_assert_status(run, 1);
	harness_assert_err_has(run, "Done: 3 processed, 1 errors\n");
	char *text = harness_read(s.harness, "in.rejected.csv", NULL);
	ck_assert_ptr_nonnull(strstr(text, "worse"));
	ck_assert_ptr_null(strstr(text, "bad"));
	free(text);
	assert_counts(&s, 2, 0);
	scene_close(&s);
}
END_TEST

/* tail -f into the program, which is started again with the same stream from its beginning. */
START_TEST(a_stream_goes_on_behind_what_was_sent)
{
	const struct way *w = &ways[_i];
	struct scene s = scene_open(NULL);
	struct buf stream = { .max = BUF_UNBOUNDED };
	const char *last = w->bare + strlen(w->bare) - 1;
	char form[64];

	while (last > w->bare && last[-1] != '\n')
		last--;
	snprintf(form, sizeof form, "--format=%s", strchr(w->input, '.') + 1);
	buf_str(&stream, w->bare);
	for (int round = 0; round < 3; round++) {
		harness_stdin(s.harness, stream.data, stream.len);
		const struct harness_run *run = IMPORT(&s, "-a", "track", form, "--state=my.state",
		    w->send);
		harness_assert_status(run, 0);
		harness_assert_err_has(run, "what was sent is kept in my.state");
		assert_counts(&s, 3 + (uint64_t)round, 0);
		buf_str(&stream, last);
	}
	harness_stdin(s.harness, stream.data, stream.len);
	harness_assert_status(IMPORT(&s, "-a", "track", form, "--state=my.state", "--restart",
	                          w->send),
	    0);
	assert_counts(&s, 11, 0);
	/* another stream is not taken for it */
	harness_stdin_text(s.harness, w->given);
	const struct harness_run *run = IMPORT(&s, "-a", "track", form, "--state=my.state",
	    w->send);
	harness_assert_status(run, 65);
	harness_assert_err_has(run, "--restart");
	assert_counts(&s, 11, 0);
	buf_free(&stream);
	scene_close(&s);
}
END_TEST

/* After a complete run the next is another one, from its first event on: killed before it has
 * settled any, it is carried on as itself. */
START_TEST(the_next_run_is_known_before_it_sends)
{
	struct scene s = scene_open(NULL);

	harness_write_text(s.harness, "in.csv", "id,name\n1,a\n");
	harness_assert_status(IMPORT(&s, "in.csv", "-a", "track", "--keep-state"), 0);
	append(&s, "in.csv", "2,b\n3,c\n");
	sandbox_add_rule(s.sandbox,
	    &(struct sandbox_rule){ .method = "POST",
	        .times = 1,
	        .fault = { .act = SANDBOX_HANG, .process = true } });
	struct harness_child *child = HARNESS_START(s.harness, "in.csv", "-a", "track", "-c1",
	    "--keep-state");
	for (int i = 0; i < 4000 && sandbox_counters(s.sandbox).events < 2; i++)
		unix_nap(5000);
	harness_signal(child, SIGKILL);
	harness_finish(child);
	harness_assert_status(IMPORT(&s, "in.csv", "-a", "track", "--keep-state"), 0);
	assert_counts(&s, 3, 1);
	scene_close(&s);
}
END_TEST

/* -- lists of FILEs -- */

/* A run over several FILEs, stopped after the first; then one is put in front, or renamed. */
static const struct listed {
	const char *name, *rename_from, *rename_to, *added, *args[4];
	uint64_t events;
} lists[] = {
	{ "the same", NULL, NULL, NULL, { "b.csv", "c.csv" }, 6 },
	{ "one in front", NULL, NULL, "a.csv", { "a.csv", "b.csv", "c.csv" }, 9 },
	{ "one in between", NULL, NULL, "bb.csv", { "b.csv", "bb.csv", "c.csv" }, 9 },
	{ "one behind", NULL, NULL, "d.csv", { "b.csv", "c.csv", "d.csv" }, 9 },
	{ "renamed", "c.csv", "d.csv", NULL, { "b.csv", "d.csv" }, 6 },
	{ "in another order", NULL, NULL, NULL, { "c.csv", "b.csv" }, 6 },
};

static struct scene stopped_list(void)
{
	struct scene s = scene_open(NULL);

	harness_write_text(s.harness, "b.csv", "id,name\n1,b1\n2,b2\n3,b3\n");
	harness_write_text(s.harness, "c.csv", "id,name\n1,c1\nbad\n2,c2\n3,c3\n");
	sandbox_add_rule(s.sandbox,
	    &(struct sandbox_rule){ .holds = "c3",
	        .fault = { .act = SANDBOX_STATUS, .status = 401 } });
	harness_assert_status(IMPORT(&s, "b.csv", "c.csv", "-a", "track", "-c1"), 77);
	assert_counts(&s, 5, 0);
	sandbox_clear_rules(s.sandbox);
	return s;
}

START_TEST(a_list_of_files_is_known_again)
{
	const struct listed *l = &lists[_i];
	struct scene s = stopped_list();
	const char *args[8] = { "-a", "track" };

	for (int i = 0; l->args[i]; i++)
		args[2 + i] = l->args[i];
	if (l->added)
		harness_write_text(s.harness, l->added, "id,name\n1,a1\n2,a2\n3,a3\n");
	if (l->rename_from)
		ck_assert_int_eq(rename(harness_path(s.harness, l->rename_from),
		                     harness_path(s.harness, l->rename_to)),
		    0);
	const struct harness_run *run = import(&s, args);
	harness_assert_status(run, 1);
	harness_assert_err_has(run, "resuming");
	assert_counts(&s, l->events, 0);
	/* the rejects are in one file, under the name that they had */
	harness_assert_err_has(run, "b.rejected.2.csv\n");
	ck_assert(!harness_exists(s.harness, "b.rejected.2.csv~"));
	ck_assert(!harness_exists(s.harness, "b.csv.cio-state"));
	scene_close(&s);
}
END_TEST

/* Which is which cannot be told: nothing is sent. */
START_TEST(a_list_that_cannot_be_told)
{
	static const struct {
		const char *args[6], *said;
	} rows[] = {
		{ { "b.csv", "-a", "track" }, "c.csv, which it was about" },
		{ { "b.csv", "c.csv", "-a", "track" }, "beside b.csv and beside c.csv" },
	};
	struct scene s = stopped_list();

	if (_i == 1)
		copy(&s, "b.csv.cio-state", "c.csv.cio-state");
	const struct harness_run *run = import(&s, rows[_i].args);
	harness_assert_status(run, 65);
	harness_assert_err_has(run, rows[_i].said);
	harness_assert_err_has(run, "--restart");
	assert_counts(&s, 5, 0);
	scene_close(&s);
}
END_TEST

Suite *events_suite(void)
{
	Suite *s = suite_create("events");
	TCase *t = tcase_create("events");

	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, a_fact_is_the_same_however_it_comes, 0, COUNT(ways));
	tcase_add_test(t, another_name_is_another_event);
	tcase_add_loop_test(t, without_a_time_each_run_has_its_own, 0, COUNT(ways));
	tcase_add_loop_test(t, a_run_that_is_carried_on_is_the_same, 0, COUNT(ways));
	tcase_add_loop_test(t, each_hour_what_was_appended, 0, COUNT(ways));
	tcase_add_loop_test(t, half_a_line_is_left, 0, COUNT(ways));
	tcase_add_loop_test(t, half_a_line_that_comes_meanwhile_is_left, 0, COUNT(ways));
	tcase_add_test(t, errors_are_their_run_s);
	tcase_add_loop_test(t, a_stream_goes_on_behind_what_was_sent, 0, COUNT(ways));
	tcase_add_test(t, the_next_run_is_known_before_it_sends);
	tcase_add_loop_test(t, a_list_of_files_is_known_again, 0, COUNT(lists));
	tcase_add_loop_test(t, a_list_that_cannot_be_told, 0, 2);
	suite_add_tcase(s, t);
	return s;
}
