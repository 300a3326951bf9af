/* The harness itself: what it runs, feeds, reads and kills. */
#include "harness.h"

#include <check.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/os.h"

Suite *harness_suite(void);

static struct harness *with_program(const char *program)
{
	struct harness *h = harness_new(NULL);

	harness_program(h, program);
	return h;
}

#define SH(h, script) HARNESS_RUN(h, "-c", script)

START_TEST(outputs_are_kept_apart)
{
	struct harness *h = with_program("/bin/sh");
	const struct harness_run *run = SH(h, "printf out; printf err >&2; exit 7");

	harness_assert_status(run, 7);
	harness_assert_out_is(run, "out");
	harness_assert_err_has(run, "err");
	harness_assert_err_lacks(run, "out");
	ck_assert_uint_eq(run->err_len, 3);
	harness_free(h);
}
END_TEST

START_TEST(the_environment_is_small)
{
	struct harness *h = with_program("/usr/bin/env");

	setenv("LEAKED", "1", 1);
	harness_env(h, "ADDED", "a=b");
	harness_env(h, "GONE", "x");
	harness_env(h, "GONE", NULL);
	const struct harness_run *run = HARNESS_RUN(h, "-u", "PATH");
	harness_assert_status(run, 0);
	harness_assert_out_has(run, "ADDED=a=b\n");
	ck_assert(!harness_has(run->out, "LEAKED") && !harness_has(run->out, "GONE") &&
	    !harness_has(run->out, "CUSTOMERIO"));
	struct buf home;
	buf_init(&home, BUF_UNBOUNDED);
	buf_fmt(&home, "HOME=%s\n", harness_dir(h));
	buf_byte(&home, '\0');
	harness_assert_out_has(run, home.data);
	buf_free(&home);
	harness_free(h);
}
END_TEST

START_TEST(much_goes_in_and_out)
{
	struct harness *h = with_program("/bin/cat");
	size_t len = 3000000;
	char *data = xmalloc(len);

	for (size_t i = 0; i < len; i++)
		data[i] = (char)(i * 7 >> 3);
	harness_stdin(h, data, len);
	const struct harness_run *run = HARNESS_RUN(h, "-");
	harness_assert_status(run, 0);
	ck_assert_uint_eq(run->out_len, len);
	ck_assert_mem_eq(run->out, data, len);
	run = HARNESS_RUN(h, "-"); /* standard input is for one run */
	ck_assert_uint_eq(run->out_len, 0);
	free(data);
	harness_free(h);
}
END_TEST

START_TEST(input_that_nobody_reads_is_no_trouble)
{
	struct harness *h = with_program("/bin/true");
	char *data = xcalloc(1, 1000000);

	harness_stdin(h, data, 1000000);
	harness_assert_status(HARNESS_RUN(h, "x"), 0);
	free(data);
	harness_free(h);
}
END_TEST

START_TEST(the_tests_own_descriptors)
{
	struct harness *h = with_program("/bin/cat");
	int in[2], out[2];
	char got[8] = "";

	ck_assert_int_eq(os_pipe(in, false) | os_pipe(out, false), 0);
	harness_stdin_fd(h, in[0]);
	harness_stdout_fd(h, out[1]);
	struct harness_child *c = HARNESS_START(h, "-");
	ck_assert_int_eq((int)write(in[1], "ab", 2), 2);
	ck_assert_int_eq((int)read(out[0], got, sizeof got), 2);
	ck_assert_str_eq(got, "ab");
	ck_assert_int_eq(harness_peek(c)->status, -1);
	close(in[1]);
	harness_assert_status(harness_finish(c), 0);
	close(in[0]);
	close(out[0]);
	close(out[1]);
	harness_free(h);
}
END_TEST

START_TEST(signals_and_waiting)
{
	struct harness *h = with_program("/bin/sh");
	struct harness_child *c = HARNESS_START(h, "-c",
	    "trap 'exit 9' USR1; echo ready >&2; while :; do sleep 0.01; done");
	struct harness_child *d = HARNESS_START(h, "-c", "echo ready >&2; exec sleep 60");

	ck_assert(harness_wait_for(c, "ready", SOON));
	ck_assert(harness_wait_for(d, "ready", SOON));
	ck_assert(!harness_wait_for(d, "never", 20));
	harness_signal(c, SIGUSR1);
	harness_signal(d, SIGTERM);
	harness_assert_status(harness_finish(c), 9);
	harness_assert_status(harness_finish(d), 128 + SIGTERM);
	harness_signal(d, SIGTERM); /* nobody is there: nothing happens */
	harness_free(h);
}
END_TEST

START_TEST(what_hangs_is_killed)
{
	struct harness *h = with_program("/bin/sleep");

	harness_timeout(h, 0.1);
	struct harness_child *c = HARNESS_START(h, "60");
	while (harness_peek(c)->status < 0)
		;
	ck_assert(harness_peek(c)->timed_out);
	ck_assert_int_eq(harness_peek(c)->status, 128 + SIGKILL);
	harness_free(h);
}
END_TEST

START_TEST(freeing_ends_what_still_runs)
{
	struct harness *h = with_program("/bin/sleep");
	pid_t pid = harness_pid(HARNESS_START(h, "60"));
	char *dir = xstrdup(harness_dir(h));

	harness_write_text(h, "file", "x");
	ck_assert_int_eq(mkdir(harness_path(h, "sub"), 0700), 0);
	harness_write_text(h, "sub/file", "x");
	ck_assert_int_eq(kill(pid, 0), 0);
	harness_free(h);
	ck_assert_int_eq(kill(pid, 0), -1);
	ck_assert_int_eq(access(dir, F_OK), -1);
	free(dir);
}
END_TEST

START_TEST(limits_are_the_programs_alone)
{
	struct harness *h = with_program("/bin/sh");

	harness_limit(h, RLIMIT_CPU, 17);
	harness_assert_out_is(SH(h, "ulimit -t"), "17\n");
	struct rlimit own;
	ck_assert_int_eq(getrlimit(RLIMIT_CPU, &own), 0);
	ck_assert_uint_gt(own.rlim_max, 17);
	harness_free(h);
}
END_TEST

START_TEST(files_in_its_directory)
{
	struct harness *h = with_program("/bin/sh");
	size_t len;

	harness_write(h, "in", "a\0b", 3);
	harness_assert_status(SH(h, "cat in in >both"), 0);
	char *both = harness_read(h, "both", &len);
	ck_assert_uint_eq(len, 6);
	ck_assert_mem_eq(both, "a\0ba\0b", 6);
	free(both);
	ck_assert(harness_exists(h, "both") && !harness_exists(h, "neither"));
	ck_assert_ptr_null(harness_read(h, "neither", NULL));
	harness_write_text(h, "text", "line\n");
	harness_assert_file_is(h, "text", "line\n");
	harness_free(h);
}
END_TEST

START_TEST(a_terminal_of_a_size)
{
	struct harness *h = with_program("/bin/sh");

	harness_terminal(h, 63, 21);
	const struct harness_run *run = SH(h,
	    "test -t 0 && test -t 1 && test -t 2 && stty size && exec </dev/tty");
	harness_assert_status(run, 0);
	ck_assert_str_eq(run->screen, "21 63\r\n");
	ck_assert_uint_eq(run->out_len + run->err_len, 0);

	harness_terminal(h, 63, 21);
	harness_stdin_text(h, "from a pipe\n");
	run = SH(h, "test ! -t 0 && cat");
	harness_assert_status(run, 0);
	ck_assert_str_eq(run->screen, "from a pipe\r\n");

	harness_terminal(h, 63, 21);
	struct harness_child *c = HARNESS_START(h, "-c",
	    "stty -echo; trap 'stty size' WINCH; echo ready; read a; read b; echo \"<$b>\"");
	ck_assert(harness_wait_for(c, "ready", SOON));
	harness_resize(c, 50, 10);
	ck_assert(harness_wait_for(c, "10 50", SOON) || harness_peek(c)->status >= 0);
	harness_type(c, "one\ntwo\n");
	run = harness_finish(c);
	ck_assert_msg(harness_has(run->screen, "10 50"), "%s", run->screen);
	harness_free(h);
}
END_TEST

START_TEST(lines_of_a_text)
{
	static const char text[] = "one\n\nthree one\nlast";
	static const char *const want[] = { "one", "", "three one", "last", NULL };

	for (size_t i = 0; i < 5; i++) {
		char *line = harness_line(text, i);
		ck_assert_pstr_eq(line, i == 1 ? "" : want[i]);
		free(line);
	}
	ck_assert_uint_eq(harness_count_lines(text, ""), 4);
	ck_assert_uint_eq(harness_count_lines(text, "one"), 2);
	ck_assert_uint_eq(harness_count_lines("", ""), 0);
}
END_TEST

/* --- the sandbox as a program --- */

#define SANDBOX "cio-import-sandbox"

static const struct {
	const char *argument, *message;
} refusals[] = {
	{ "--port=70000", "--port=70000: give a whole number from 0 to 65535" },
	{ "--port=-1", "--port=-1: give" },
	{ "--rate-limit=x", "--rate-limit=x: give" },
	{ "--fail=101", "--fail=101: give a whole number from 0 to 100" },
	{ "--outage=5", "--outage=5: give two numbers" },
	{ "--outage=5,5", "--outage=5,5: give two numbers" },
	{ "--outage=5,6s", "--outage=5,6s: give two numbers" },
	{ "--unknown", "unrecognized option" },
	{ "file", "file: it takes options only" },
};

START_TEST(the_sandbox_refuses_what_it_cannot_read)
{
	struct harness *h = with_program(SANDBOX);
	const struct harness_run *run = HARNESS_RUN(h, refusals[_i].argument);

	harness_assert_status(run, 64);
	harness_assert_err_has(run, refusals[_i].message);
	harness_assert_out_is(run, "");
	harness_free(h);
}
END_TEST

START_TEST(the_sandbox_helps)
{
	struct harness *h = with_program(SANDBOX);
	const struct harness_run *run = HARNESS_RUN(h, "--help");

	harness_assert_status(run, 0);
	harness_assert_out_has(run, "Usage: cio-import-sandbox [OPTION]...\n");
	harness_assert_out_has(run, "--port-file=FILE");
	ck_assert_uint_eq(run->err_len, 0);
	harness_free(h);
}
END_TEST

/* Waits for the port file; returns the address, to free. */
static char *address_of(struct harness *h, struct harness_child *c)
{
	char *port = NULL;

	for (int i = 0; i < 2000 && !port && harness_peek(c)->status < 0; i++)
		port = harness_read(h, "port", NULL);
	ck_assert_msg(port != NULL, "no port file%s", harness_show(harness_peek(c)));
	struct buf url;
	buf_init(&url, BUF_UNBOUNDED);
	buf_fmt(&url, "http://127.0.0.1:%d", atoi(port));
	buf_byte(&url, '\0');
	free(port);
	return url.data;
}

START_TEST(the_sandbox_runs_until_a_signal)
{
	struct harness *h = with_program(SANDBOX);
	struct harness_child *c = HARNESS_START(h, "--port-file=port", "--log=log", "--site-id=me",
	    "--api-key=key");
	char *url = address_of(h, c), *log, script[800];

	harness_program(h, "/bin/sh");
	snprintf(script, sizeof script,
	    "for m in PUT DELETE; do curl -s -u me:key -X $m -d '{\"a\":1}' %s/api/v1/customers/7; "
	    "done; "
	    "curl -s %s/",
	    url, url);
	harness_assert_out_is(SH(h, script), "{}{}{\"meta\":{\"error\":\"Unauthorized request\"}}");
	harness_signal(c, _i == 0 ? SIGINT : SIGTERM);
	const struct harness_run *run = harness_finish(c);
	harness_assert_status(run, 0);
	snprintf(script, sizeof script, "sandbox: listening on %s\nsandbox: 3 requests on ", url);
	harness_assert_out_has(run, script);
	harness_assert_out_has(run, "sandbox: 0 people, 0 events, 0 duplicates dropped\n");
	log = harness_read(h, "log", NULL);
	ck_assert_uint_eq(harness_count_lines(log, ""), 3);
	char *line = harness_line(log, 0);
	json_t *first = json_loads(line, 0, NULL);
	ck_assert_str_eq(json_string_value(json_object_get(first, "path")), "/api/v1/customers/7");
	ck_assert_int_eq((int)json_integer_value(json_object_get(first, "status")), 200);
	json_decref(first);
	free(line);
	free(log);
	free(url);
	harness_free(h);
}
END_TEST

START_TEST(the_sandbox_says_what_stops_it)
{
	struct harness *h = with_program(SANDBOX);
	const struct harness_run *run = HARNESS_RUN(h, "--log=no/such/place");

	harness_assert_status(run, 73);
	harness_assert_err_has(run, "no/such/place");
	run = HARNESS_RUN(h, "--port-file=no/such/place");
	harness_assert_status(run, 1);
	harness_assert_err_has(run, "no/such/place");
	harness_free(h);
}
END_TEST

static void add_harness_tests(TCase *t)
{
	tcase_add_test(t, outputs_are_kept_apart);
	tcase_add_test(t, the_environment_is_small);
	tcase_add_test(t, much_goes_in_and_out);
	tcase_add_test(t, input_that_nobody_reads_is_no_trouble);
	tcase_add_test(t, the_tests_own_descriptors);
	tcase_add_test(t, signals_and_waiting);
	tcase_add_test(t, what_hangs_is_killed);
	tcase_add_test(t, freeing_ends_what_still_runs);
	tcase_add_test(t, limits_are_the_programs_alone);
	tcase_add_test(t, files_in_its_directory);
	tcase_add_test(t, a_terminal_of_a_size);
	tcase_add_test(t, lines_of_a_text);
}

Suite *harness_suite(void)
{
	Suite *suite = suite_create("harness");
	TCase *own = tcase_create("harness"), *program = tcase_create("sandbox program");

	tcase_set_timeout(own, 60);
	tcase_set_timeout(program, 60);
	add_harness_tests(own);
	tcase_add_loop_test(program, the_sandbox_refuses_what_it_cannot_read, 0,
	    (int)(sizeof refusals / sizeof *refusals));
	tcase_add_test(program, the_sandbox_helps);
	tcase_add_loop_test(program, the_sandbox_runs_until_a_signal, 0, 2);
	tcase_add_test(program, the_sandbox_says_what_stops_it);
	suite_add_tcase(suite, own);
	suite_add_tcase(suite, program);
	return suite;
}
