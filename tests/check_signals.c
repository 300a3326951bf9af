/*
 * Signals, by sending them: a first SIGINT or SIGTERM settles what is in flight and ends resumable,
 * wherever the run stands; a second ends at once; SIGUSR1 asks for a line. And standard streams
 * that are closed.
 */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "scene.h"
#include "unix.h"
#include "base/os.h"

Suite *signals_suite(void);

#define PEOPLE 120

/* What was processed is what the run says was accepted: nothing in flight was forgotten. */
static void check_settled(struct scene *s, const struct harness_run *run, const char *by)
{
	harness_assert_err_has(run, "stopping: ");
	harness_assert_err_has(run, "run the same command again");
	harness_assert_err_has(run, "Done: ");
	ck_assert(scene_summary_says(s, "ended_by", by));
	ck_assert_int_eq(scene_summary(s, "exit_status"), run->status);
	ck_assert_int_eq(scene_summary(s, "accepted") + scene_summary(s, "skipped"),
	    (int64_t)scene_people_there(s));
	ck_assert(harness_exists(s->harness, "in.csv.cio-state"));
}

/* The same command does the rest, and each person was sent once. */
static void check_carried_on(struct scene *s, size_t sent_twice)
{
	size_t updates = 0;

	sandbox_clear_rules(s->sandbox);
	sandbox_set_outage(s->sandbox, false);
	sandbox_set_latency(s->sandbox, 0);
	const struct harness_run *run = HARNESS_RUN(s->harness, "in.csv", "--rate=unlimited",
	    "--summary=summary.json");
	harness_assert_status(run, 0);
	ck_assert_uint_eq(scene_people_there(s), PEOPLE);
	ck_assert_int_eq(scene_summary(s, "accepted") + scene_summary(s, "skipped"), PEOPLE);
	ck_assert(!harness_exists(s->harness, "in.csv.cio-state"));
	for (size_t i = 0; i < sandbox_arrivals(s->sandbox); i++)
		updates += sandbox_arrival(s->sandbox, i).processed &&
		    strcmp(sandbox_arrival(s->sandbox, i).method, "PUT") == 0;
	ck_assert_uint_le(updates, PEOPLE + sent_twice);
}

static const struct stop_row {
	int sig, status;
	const char *name;
} stops[] = {
	{ SIGINT, 130, "SIGINT" },
	{ SIGTERM, 143, "SIGTERM" },
	{ SIGHUP, 143, "SIGTERM" },
};

START_TEST(what_is_in_flight_is_settled)
{
	const struct stop_row *row = &stops[_i];
	struct scene s = scene_open(&(struct sandbox_config){ .latency_ms = 100 });

	scene_write_people(&s, "in.csv", PEOPLE);
	struct harness_child *child = HARNESS_START(s.harness, "in.csv", "-c4", "--rate=unlimited",
	    "--summary=summary.json");
	ck_assert(sandbox_wait(s.sandbox, 24, SOON));
	harness_signal(child, row->sig);
	const struct harness_run *run = harness_finish(child);
	harness_assert_status(run, row->status);
	ck_assert_int_gt(scene_summary(&s, "accepted"), 0);
	ck_assert_int_lt(scene_summary(&s, "accepted"), PEOPLE);
	check_settled(&s, run, row->name);
	check_carried_on(&s, 0);
	scene_close(&s);
}
END_TEST

/* -- where else it may stand -- */

static void hang(struct scene *s)
{
	sandbox_add_rule(s->sandbox,
	    &(struct sandbox_rule){ .method = "PUT",
	        .passes = 20,
	        .times = -1,
	        .fault = { .act = SANDBOX_HANG } });
}

static void hang_at_the_check(struct scene *s)
{
	sandbox_add_rule(s->sandbox,
	    &(struct sandbox_rule){ .method = "GET",
	        .times = -1,
	        .fault = { .act = SANDBOX_HANG } });
}

static void throttle(struct scene *s)
{
	sandbox_add_rule(s->sandbox,
	    &(struct sandbox_rule){ .method = "PUT",
	        .passes = 20,
	        .times = -1,
	        .fault = { .act = SANDBOX_STATUS, .status = 429, .headers = "Retry-After: 600" } });
}

static void break_down(struct scene *s)
{
	sandbox_add_rule(s->sandbox,
	    &(struct sandbox_rule){ .method = "PUT",
	        .passes = 20,
	        .times = -1,
	        .fault = { .act = SANDBOX_STATUS, .status = 503 } });
}

/* Three records only: all of them asleep. */
static void fail_three(struct scene *s)
{
	char person[16];

	for (int i = 30; i < 33; i++) {
		snprintf(person, sizeof person, "p%d", i);
		sandbox_add_rule(s->sandbox,
		    &(struct sandbox_rule){ .person = person,
		        .times = -1,
		        .fault = { .act = SANDBOX_STATUS, .status = 500 } });
	}
}

/* arg NULL: a --timeout that only hung requests meet. */
static const struct where {
	const char *name;
	void (*set_up)(struct scene *s);
	/* said: on standard error, before the signal; NULL: arrivals say it */
	const char *arg, *said;
	uint64_t arrivals;
} wheres[] = {
	{ "nothing but hung requests, until --timeout", hang, NULL, NULL, 25 },
	{ "a hung credentials check", hang_at_the_check, NULL, NULL, 1 },
	{ "a pause after a 429", throttle, "--timeout=10s", "rate limited (429)", 22 },
	{ "an outage", break_down, "--backoff=10m", "destination down", 31 },
	{ "all that is left is asleep", fail_three, "--backoff=10m", NULL, PEOPLE + 1 },
};

START_TEST(it_ends_wherever_it_stands)
{
	const struct where *w = &wheres[_i];
	const char *timeout = harness_is_under() ? "--timeout=7s" : "--timeout=700ms";
	struct scene s = scene_open(NULL);

	w->set_up(&s);
	scene_write_people(&s, "in.csv", PEOPLE);
	struct harness_child *child = HARNESS_START(s.harness, "in.csv", "-c6", "--rate=200",
	    "--backoff-max=20m", "--summary=summary.json", w->arg ? w->arg : timeout);
	ck_assert(sandbox_wait(s.sandbox, w->arrivals, SOON));
	ck_assert_msg(!w->said || harness_wait_for(child, w->said, SOON), "%s%s", w->name,
	    harness_show(harness_peek(child)));
	harness_signal(child, SIGINT);
	const struct harness_run *run = harness_finish(child);
	harness_assert_that(run, run->status == 130, "%s: exit status is not 130", w->name);
	check_settled(&s, run, "SIGINT");
	check_carried_on(&s, 0);
	scene_close(&s);
}
END_TEST

/* The first waits for a hung request; the second does not, and what the state file holds is not
 * lost. */
START_TEST(a_second_signal_ends_at_once)
{
	struct scene s = scene_open(NULL);

	hang(&s);
	scene_write_people(&s, "in.csv", PEOPLE);
	struct harness_child *child = HARNESS_START(s.harness, "in.csv", "-c3", "--rate=unlimited",
	    "--timeout=50s");
	ck_assert(sandbox_wait(s.sandbox, 24, SOON));
	harness_signal(child, SIGTERM);
	ck_assert(harness_wait_for(child, "stopping: waiting for 3 requests in flight", SOON));
	ck_assert_int_eq(harness_peek(child)->status, -1);
	unix_nap(100000); /* what comes with the first is no second one */
	harness_signal(child, SIGINT);
	const struct harness_run *run = harness_finish(child);
	harness_assert_status(run, 130);
	harness_assert_err_lacks(run, "Done: ");
	ck_assert_double_lt(run->seconds, 40);
	check_carried_on(&s, 20);
	scene_close(&s);
}
END_TEST

/* A shell and the kernel may both send it, when a terminal is closed. */
/* timeout(1) tells its child and its group, and the child hears both. */
START_TEST(two_signals_at_once_are_one)
{
	struct scene s = scene_open(NULL);

	scene_write_people(&s, "in.csv", PEOPLE);
	struct harness_child *child = HARNESS_START(s.harness, "in.csv", "--rate=20");
	ck_assert(sandbox_wait(s.sandbox, 2, SOON));
	harness_signal(child, SIGTERM);
	harness_signal(child, SIGINT);
	const struct harness_run *run = harness_finish(child);
	ck_assert(run->status == 143 || run->status == 130);
	harness_assert_err_has(run, "Done: ");
	harness_assert_err_has(run, "run the same command again");
	scene_close(&s);
}
END_TEST

START_TEST(a_second_hangup_is_no_second_signal)
{
	struct scene s = scene_open(NULL);

	hang(&s);
	scene_write_people(&s, "in.csv", PEOPLE);
	struct harness_child *child = HARNESS_START(s.harness, "in.csv", "-c3", "--rate=unlimited",
	    "--timeout=1s", "--summary=summary.json");
	ck_assert(sandbox_wait(s.sandbox, 24, SOON));
	harness_signal(child, SIGHUP);
	ck_assert(harness_wait_for(child, "stopping: waiting for 3 requests in flight", SOON));
	harness_signal(child, SIGHUP);
	const struct harness_run *run = harness_finish(child);
	harness_assert_status(run, 143);
	check_settled(&s, run, "SIGTERM");
	check_carried_on(&s, 0);
	scene_close(&s);
}
END_TEST

/* -- signals that were ignored at the start -- */

static const struct ignored {
	int sig;
	const char *name;
} ignored[] = {
	{ SIGINT, "INT" },
	{ SIGTERM, "TERM" },
	{ SIGHUP, "HUP" },
	{ SIGUSR1, "USR1" },
};

START_TEST(what_was_ignored_stays_ignored)
{
	struct scene s = scene_open(&(struct sandbox_config){ .latency_ms = 20 });
	char *program = realpath(getenv("BUILD") ? getenv("BUILD") : "build", NULL), script[4200];

	ck_assert_ptr_nonnull(program);
	snprintf(script, sizeof script,
	    "trap '' %s; exec '%s/cio-import' in.csv -c2 --rate=unlimited", ignored[_i].name,
	    program);
	free(program);
	scene_write_people(&s, "in.csv", PEOPLE);
	harness_program(s.harness, "/bin/sh");
	struct harness_child *child = HARNESS_START(s.harness, "-c", script);
	ck_assert(sandbox_wait(s.sandbox, 10, SOON));
	harness_signal(child, ignored[_i].sig);
	const struct harness_run *run = harness_finish(child);
	harness_assert_status(run, 0);
	harness_assert_err_lacks(run, "stopping");
	harness_assert_err_lacks(run, "Progress");
	ck_assert_uint_eq(scene_people_there(&s), PEOPLE);
	scene_close(&s);
}
END_TEST

/* -- SIGUSR1 -- */

static const char *const asked[] = { "--progress=plain", "-q", "--progress=none" };

START_TEST(a_line_comes_when_asked_for)
{
	struct scene s = scene_open(NULL);
	unsigned finished = 0, total = 0, errors = 99;

	sandbox_add_rule(s.sandbox,
	    &(struct sandbox_rule){ .person = "p8",
	        .times = -1,
	        .fault = { .act = SANDBOX_HANG } });
	scene_write_people(&s, "in.csv", 8);
	struct harness_child *child = HARNESS_START(s.harness, "in.csv", "--timeout=50s",
	    asked[_i]);
	ck_assert(sandbox_wait(s.sandbox, 9, SOON));
	harness_assert_err_lacks(harness_peek(child), "Progress: ");
	for (int64_t until = clock_now() + SOON * 1000; finished < 7 && clock_now() < until;) {
		harness_signal(child, SIGUSR1);
		ck_assert_msg(harness_wait_for(child, "Progress: ", SOON), "no line");
		unix_nap(20000);
		const char *err = harness_peek(child)->err, *line = err;
		for (const char *next = line; (next = strstr(next, "Progress: ")); next++)
			line = next;
		ck_assert_msg(sscanf(line, "Progress: %u/%u (%u errors)", &finished, &total,
		                  &errors) == 3,
		    "%s", line);
	}
	ck_assert_uint_eq(finished, 7);
	ck_assert_uint_eq(total, 8);
	ck_assert_uint_eq(errors, 0);
	harness_signal(child, SIGKILL);
	harness_finish(child);
	scene_close(&s);
}
END_TEST

/* -- a pipe that says nothing -- */

static const struct silence {
	const char *before;
	uint64_t arrivals;
} silences[] = {
	{ "", 1 },
	{ "id,ro", 1 },
	{ "id,row\n", 1 },
	{ "id,row\n1,1\n2,", 2 },
	{ "id,row\n1,1\n2,2\n", 3 },
};

START_TEST(a_silent_pipe_does_not_hold_it)
{
	const struct silence *row = &silences[_i];
	struct scene s = scene_open(NULL);
	int ends[2];

	ck_assert_int_eq(os_pipe(ends, false), 0);
	ck_assert_int_eq(write(ends[1], row->before, strlen(row->before)),
	    (ssize_t)strlen(row->before));
	harness_stdin_fd(s.harness, ends[0]);
	struct harness_child *child = HARNESS_START(s.harness, "--format=csv",
	    "--summary=summary.json");
	close(ends[0]);
	ck_assert(sandbox_wait(s.sandbox, row->arrivals, SOON));
	unix_nap(300000);
	ck_assert_int_eq(harness_peek(child)->status, -1);
	harness_signal(child, SIGTERM);
	const struct harness_run *run = harness_finish(child);
	harness_assert_status(run, 143);
	ck_assert_uint_eq(sandbox_arrivals(s.sandbox), row->arrivals);
	ck_assert_int_eq(scene_summary(&s, "accepted"), (int64_t)row->arrivals - 1);
	if (!scene_is_instrumented())
		ck_assert_msg(run->cpu_seconds < 0.2,
		    "%.2f s of processor time in %.2f s: it spins", run->cpu_seconds, run->seconds);
	close(ends[1]);
	scene_close(&s);
}
END_TEST

/* -- standard error that nobody reads -- */

/* Its words fill a pipe that is open and never read. The run goes on all the same, and ends when it
 * is asked to. */
START_TEST(an_unread_standard_error_holds_nothing_up)
{
	bool stopped = _i == 1;
	struct scene s = scene_open(&(struct sandbox_config){ .latency_ms = stopped ? 20 : 0 });
	struct buf in = { .max = BUF_UNBOUNDED };
	char *program = realpath(getenv("BUILD") ? getenv("BUILD") : "build", NULL), script[4400];

	ck_assert_ptr_nonnull(program);
	snprintf(script, sizeof script,
	    "mkfifo words; exec 3<>words; exec '%s/cio-import' -v in.csv -c2 --rate=unlimited "
	    "--summary=summary.json 2>words",
	    program);
	free(program);
	buf_str(&in, "id,row\n");
	for (int i = 0; i < 3000; i++)
		buf_fmt(&in, "a row that is not accepted\n");
	for (int i = 0; i < PEOPLE; i++)
		buf_fmt(&in, "p%d,%d\n", i, i);
	harness_write(s.harness, "in.csv", in.data, in.len);
	harness_program(s.harness, "/bin/sh");
	struct harness_child *child = HARNESS_START(s.harness, "-c", script);
	ck_assert(sandbox_wait(s.sandbox, stopped ? 10 : PEOPLE + 1, SOON));
	if (stopped)
		harness_signal(child, SIGTERM);
	const struct harness_run *run = harness_finish(child);
	harness_assert_status(run, stopped ? 143 : 1);
	ck_assert_int_eq(scene_summary(&s, "rejected"), 3000);
	ck_assert_uint_eq(scene_people_there(&s), (size_t)scene_summary(&s, "accepted"));
	buf_free(&in);
	scene_close(&s);
}
END_TEST

/* -- closed streams -- */

/* A file that the program opens must not become its standard stream: messages would go into the
 * state file. */
static const struct closed {
	const char *how;
	int status;
	bool says;
} closed[] = {
	{ "exec \"$0\" in.csv --rate=unlimited <&-", 1, true },
	{ "exec \"$0\" --rate=unlimited --state=in.csv.cio-state --rejects=in.rejected.csv <&-", 66,
	    true },
	{ "exec \"$0\" in.csv --rate=unlimited >&-", 1, true },
	{ "exec \"$0\" in.csv --rate=unlimited 2>&-", 1, false },
	{ "exec \"$0\" in.csv --rate=unlimited <&- >&- 2>&-", 1, false },
	{ "exec \"$0\" in.csv --rate=unlimited --results=- >&-", 73, true },
	{ "exec \"$0\" --version >&-", 73, true },
};

START_TEST(closed_streams_do_no_harm)
{
	const struct closed *row = &closed[_i];
	struct scene s = scene_open(NULL);
	char *program = realpath(getenv("BUILD") ? getenv("BUILD") : "build", NULL), path[4096];

	ck_assert_ptr_nonnull(program);
	snprintf(path, sizeof path, "%s/cio-import", program);
	free(program);
	harness_write_text(s.harness, "in.csv", "id,row\n1,1\n2\n3,3\n");
	harness_program(s.harness, "/bin/sh");
	harness_timeout(s.harness, 30);
	const struct harness_run *run = HARNESS_RUN(s.harness, "-c", row->how, path);
	harness_assert_that(run, run->status == row->status, "%s: not the right exit status",
	    row->how);
	if (row->says)
		harness_assert_that(run, run->err_len > 0, "%s: no word", row->how);
	if (row->status == 1) {
		ck_assert_uint_eq(scene_people_there(&s), 2);
		harness_assert_file_is(s.harness, "in.rejected.csv",
		    "id,row,_cio_line,_cio_outcome,_cio_status,_cio_error,_cio_raw\n"
		    ",,3,rejected,,\"row has 1 cell, the header has 2\",\"2\"\n");
	}
	scene_close(&s);
}
END_TEST

#define ADD_ALL(t, test, rows) tcase_add_loop_test(t, test, 0, (int)(sizeof rows / sizeof *rows))

Suite *signals_suite(void)
{
	Suite *s = suite_create("signals");
	TCase *t = tcase_create("signals");

	tcase_set_timeout(t, 120);
	ADD_ALL(t, what_is_in_flight_is_settled, stops);
	ADD_ALL(t, it_ends_wherever_it_stands, wheres);
	tcase_add_test(t, a_second_signal_ends_at_once);
	tcase_add_test(t, two_signals_at_once_are_one);
	tcase_add_test(t, a_second_hangup_is_no_second_signal);
	ADD_ALL(t, what_was_ignored_stays_ignored, ignored);
	ADD_ALL(t, a_line_comes_when_asked_for, asked);
	ADD_ALL(t, a_silent_pipe_does_not_hold_it, silences);
	tcase_add_loop_test(t, an_unread_standard_error_holds_nothing_up, 0, 2);
	ADD_ALL(t, closed_streams_do_no_harm, closed);
	suite_add_tcase(s, t);
	return s;
}
