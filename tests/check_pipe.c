/*
 * The program between two others: a reader that leaves, a producer that dies, one that is slow; and
 * in the hands of real shells, which complete its options.
 */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "harness.h"
#include "sandbox.h"
#include "scene.h"
#include "base/os.h"

Suite *pipe_suite(void);

#define COUNT(a) ((int)(sizeof(a) / sizeof *(a)))

static const struct harness_run *run_shell(struct scene *s, const char *shell, const char *script)
{
	const char *build = getenv("BUILD");
	char *full = realpath(build ? build : "build", NULL), path[8192];
	const char *old = getenv("PATH");

	ck_assert_ptr_nonnull(full);
	snprintf(path, sizeof path, "%s:%s", full, old ? old : "/usr/bin:/bin");
	free(full);
	harness_env(s->harness, "PATH", path);
	harness_program(s->harness, shell);
	return HARNESS_RUN(s->harness, "-c", script);
}

/* --- readers that leave --- */

/* head takes one line and goes: the run stops, and the same command does the rest. */
START_TEST(a_reader_that_leaves)
{
	struct sandbox_config config = { .latency_ms = 10 };
	struct scene s = scene_open(&config);

	scene_write_people(&s, "in.csv", 150);
	const struct harness_run *run = run_shell(&s, "/bin/bash",
	    "cio-import --rate=unlimited -c1 --results=- in.csv | head -n1; exit ${PIPESTATUS[0]}");
	harness_assert_status(run, 73);
	ck_assert_uint_eq(harness_count_lines(run->out, "\"record\":1,"), 1);
	ck_assert_uint_eq(harness_count_lines(run->out, ""), 1);
	harness_assert_err_has(run,
	    "standard output: cannot be written: Broken pipe: its reader has gone: run the same "
	    "command again");
	harness_assert_err_has(run,
	    "to resume: run the same command again: what is settled is kept in in.csv.cio-state");
	size_t there = scene_people_there(&s);
	ck_assert_msg(there < 150, "nothing was left to do");
	run = run_shell(&s, "/bin/sh", "cio-import --rate=unlimited --results=- in.csv | wc -l");
	harness_assert_status(run, 0);
	ck_assert_int_eq(atoi(run->out), 150); /* those that were settled are told as skipped */
	ck_assert_uint_eq(scene_people_there(&s), 150);
	scene_close(&s);
}
END_TEST

/* --help | head and its like: no signal, no noise. */
static const struct {
	const char *script;
	int status;
	const char *says;
} leavers[] = {
	{ "cio-import --help >/dev/full", 73, "standard output cannot be written" },
	{ "cio-import --completion=bash >/dev/full", 73, "standard output cannot be written" },
	{ "cio-import -n in.csv >/dev/full", 73, "standard output" },
	{ "cio-import -n in.csv | head -n1 >/dev/null; exit ${PIPESTATUS[0]}", 73,
	    "standard output" },
};

START_TEST(an_output_that_is_gone)
{
	struct scene s = scene_open(NULL);

	scene_write_people(&s, "in.csv", 20000);
	const struct harness_run *run = run_shell(&s, "/bin/bash", leavers[_i].script);
	harness_assert_status(run, leavers[_i].status);
	harness_assert_err_has(run, leavers[_i].says);
	ck_assert_uint_eq(sandbox_arrivals(s.sandbox), 0);
	scene_close(&s);
}
END_TEST

/* A dry run that waits for its producer has said all that came so far. */
START_TEST(a_dry_run_that_waits)
{
	struct scene s = scene_open(NULL);
	const struct harness_run *run = run_shell(&s, "/bin/bash",
	    "coproc dry { cio-import -n -q; }; printf '{\"id\":1}\\n' >&${dry[1]}; "
	    "read -r -t 50 line <&${dry[0]} || exit 9; printf '%s\\n' \"$line\"");

	harness_assert_status(run, 0);
	harness_assert_out_has(run, "{\"record\":1,\"method\":\"PUT\"");
	scene_close(&s);
}
END_TEST

/* --- producers --- */

/* What the producer had not finished is rejected with its line, and what was whole is sent. */
static const struct {
	const char *text, *option, *error;
	unsigned people;
} cuts[] = {
	{ "{\"id\":\"1\"}\n{\"id\":\"2\"}\n{\"id\":\"3\",\"na", "--format=auto",
	    "standard input:3: not a JSON object", 2 },
	{ "{\"id\":\"1\"}\n\n{", "--format=auto", "standard input:3: not a JSON object", 1 },
	{ "id,name\n1,a\n2,b\n3", "--format=auto",
	    "standard input:4: row has 1 cell, the header has 2", 2 },
	{ "id,name\n1,a\n2,\"b\nc", "--format=auto", "standard input:3: ", 1 },
	{ "id,name\n1,a\n2,b", "--format=auto", NULL, 2 },
	{ "{\"id\":\"1\"}\n{\"id\":\"2\"}", "--format=ndjson", NULL, 2 },
};

START_TEST(a_producer_that_dies)
{
	struct scene s = scene_open(NULL);

	harness_stdin_text(s.harness, cuts[_i].text);
	const struct harness_run *run = HARNESS_RUN(s.harness, cuts[_i].option, "--rate=unlimited",
	    "--rejects=r");
	harness_assert_status(run, cuts[_i].error ? 1 : 0);
	if (cuts[_i].error)
		harness_assert_err_has(run, cuts[_i].error);
	ck_assert(harness_exists(s.harness, "r") == (cuts[_i].error != NULL));
	ck_assert_uint_eq(scene_people_there(&s), cuts[_i].people);
	scene_close(&s);
}
END_TEST

/* A FIFO's writer waits for a reader, and may be done before the program has asked for its first
 * byte. */
START_TEST(a_fifo_is_opened_once)
{
	static const char *const formats[] = { "id\\n1\\n2\\n", "{\"id\":1}\\n{\"id\":2}\\n" };
	struct scene s = scene_open(NULL);
	char script[200];

	snprintf(script, sizeof script,
	    "mkfifo p; (printf '%s' >p)& sleep .2; cio-import -n p; exit $?", formats[_i]);
	harness_timeout(s.harness, 20);
	const struct harness_run *run = run_shell(&s, "/bin/sh", script);
	harness_assert_status(run, 0);
	ck_assert_uint_eq(harness_count_lines(run->out, "customers"), 2);
	scene_close(&s);
}
END_TEST

/* tail -f: each record is sent when it comes, not when the next one does. */
static const struct {
	const char *header, *before, *after;
} slow[] = {
	{ "", "{\"id\":\"", "\"}\n" },
	{ "id,x\n", "", ",a\n" },
	{ "id,x\r\n", "", ",a\r\n" },
	{ "id,x\n", "", ",\"a\nb\"\n" },
};

START_TEST(a_slow_producer)
{
	struct scene s = scene_open(NULL);
	int ends[2];

	ck_assert_int_eq(os_pipe(ends, false), 0);
	harness_stdin_fd(s.harness, ends[0]);
	struct harness_child *c = HARNESS_START(s.harness, "--rate=unlimited");
	close(ends[0]);
	dprintf(ends[1], "%s", slow[_i].header);
	for (int i = 1; i <= 5; i++) {
		dprintf(ends[1], "%s%d%s", slow[_i].before, i, slow[_i].after);
		ck_assert_msg(sandbox_wait(s.sandbox, (uint64_t)i + 1, SOON),
		    "record %d does not come%s", i, harness_show(harness_peek(c)));
	}
	close(ends[1]);
	const struct harness_run *run = harness_finish(c);
	harness_assert_status(run, 0);
	ck_assert_uint_eq(scene_people_there(&s), 5);
	scene_close(&s);
}
END_TEST

/* Stopped without a state file: the report says how to go on without sending all of it again. */
START_TEST(a_stream_is_carried_on_by_number)
{
	struct scene s = scene_open(NULL);
	char *text = scene_people(40);

	sandbox_add_rule(s.sandbox,
	    &(struct sandbox_rule){ .person = "p21",
	        .fault = { .act = SANDBOX_STATUS, .status = 401 } });
	harness_stdin_text(s.harness, text);
	const struct harness_run *run = HARNESS_RUN(s.harness, "--rate=unlimited", "-c1",
	    "--limit=30", "--skip=5");
	harness_assert_status(run, 77);
	harness_assert_err_has(run,
	    "to resume: give the same input again with --skip=20 --limit=15: no state was kept "
	    "(--state=FILE keeps one)");
	harness_stdin_text(s.harness, text);
	harness_assert_status(HARNESS_RUN(s.harness, "--rate=unlimited", "--skip=20", "--limit=15"),
	    0);
	ck_assert_uint_eq(scene_people_there(&s), 30);
	ck_assert_uint_eq(sandbox_counters(s.sandbox).operations, 30);
	free(text);
	scene_close(&s);
}
END_TEST

/* Wrong credentials, then the right ones: the first run settled nothing, and is not in the way. */
START_TEST(the_first_try_had_the_wrong_key)
{
	struct scene s = scene_open(NULL);

	scene_write_people(&s, "in.csv", 5);
	harness_env(s.harness, "CUSTOMERIO_SITE_ID", "wrong");
	harness_assert_status(HARNESS_RUN(s.harness, "in.csv"), 77);
	harness_env(s.harness, "CUSTOMERIO_SITE_ID", "sandbox");
	harness_assert_status(HARNESS_RUN(s.harness, "in.csv"), 0);
	ck_assert_uint_eq(scene_people_there(&s), 5);
	scene_close(&s);
}
END_TEST

/* --- completion, as the shells load it --- */

static const struct {
	const char *shell, *script, *offered;
} completions[] = {
	{ "bash",
	    "eval \"$(cio-import --completion=bash)\"; complete -p cio-import >&2 || exit 9; "
	    "COMP_WORDS=(cio-import --sync-d); COMP_CWORD=1; _cio_import; printf '%s\n' "
	    "\"${COMPREPLY[@]}\"",
	    "--sync-deletes=" },
	{ "bash",
	    "eval \"$(cio-import --completion=bash)\"; COMP_WORDS=(cio-import --action = uns); "
	    "COMP_CWORD=3; "
	    "_cio_import; printf '%s\n' \"${COMPREPLY[@]}\"",
	    "unsuppress" },
	/* a terminal is needed: zsh completes nowhere else */
	{ "zsh",
	    "zmodload zsh/zpty; zpty z 'PS1= zsh -f -i'; "
	    "zpty -w z 'PS1=; autoload -U compinit; compinit -u -D; source <(cio-import "
	    "--completion=zsh); "
	    "cio-import() { print -rl -- \"got:$@\" }; print re\"\"ady'; zpty -r -m z line "
	    "'*ready*'; "
	    "zpty -w -n z $'cio-import --sync-d\\t'; zpty -w z 'delete'; "
	    "zpty -r -m z line '*got:--sync-deletes=delete*' && print -r -- found; zpty -d z",
	    "found" },
	{ "fish",
	    "cio-import --completion=fish | source; "
	    "complete -C 'cio-import --sync-d' | string replace -r '\\t.*' ''",
	    "--sync-deletes" },
};

static bool has_shell(struct scene *s, const char *shell)
{
	char script[100];

	snprintf(script, sizeof script, "command -v %s", shell);
	return run_shell(s, "/bin/sh", script)->status == 0;
}

START_TEST(a_shell_completes)
{
	struct scene s = scene_open(NULL);
	char *line;

	if (!has_shell(&s, completions[_i].shell)) {
		fprintf(stderr, "pipe: there is no %s here: its completion is not tried\n",
		    completions[_i].shell);
	} else {
		char shell[100];
		snprintf(shell, sizeof shell, "/usr/bin/%s", completions[_i].shell);
		const struct harness_run *run = run_shell(&s, shell, completions[_i].script);
		line = harness_line(run->out, 0);
		ck_assert_msg(line && strcmp(line, completions[_i].offered) == 0, "%s%s",
		    completions[_i].shell, harness_show(run));
		free(line);
	}
	scene_close(&s);
}
END_TEST

Suite *pipe_suite(void)
{
	Suite *s = suite_create("pipe");
	TCase *t = tcase_create("pipe");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, a_reader_that_leaves);
	tcase_add_loop_test(t, an_output_that_is_gone, 0, COUNT(leavers));
	tcase_add_test(t, a_dry_run_that_waits);
	tcase_add_loop_test(t, a_producer_that_dies, 0, COUNT(cuts));
	tcase_add_loop_test(t, a_fifo_is_opened_once, 0, 2);
	tcase_add_loop_test(t, a_slow_producer, 0, COUNT(slow));
	tcase_add_test(t, a_stream_is_carried_on_by_number);
	tcase_add_test(t, the_first_try_had_the_wrong_key);
	tcase_add_loop_test(t, a_shell_completes, 0, COUNT(completions));
	suite_add_tcase(s, t);
	return s;
}
