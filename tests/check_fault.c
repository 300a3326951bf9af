/* The preloaded libraries themselves: a fault happens where it was asked for, once, and is written
 * down. */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/buf.h"
#include "harness.h"

Suite *fault_suite(void);

#define LENGTH(array) ((int)(sizeof(array) / sizeof *(array)))

static struct harness *h;

static void preload(const char *library)
{
	const char *build = getenv("BUILD");
	struct buf name;
	char *absolute;

	buf_init(&name, 4096);
	buf_fmt(&name, "%s/%s", build ? build : "build", library);
	buf_byte(&name, '\0');
	absolute = realpath(name.data, NULL);
	ck_assert_msg(absolute != NULL, "%s is not built", name.data);
	harness_env(h, "LD_PRELOAD", absolute);
	harness_env(h, "CIO_FAULT_LOG", harness_path(h, "log"));
	harness_env(h, "LC_ALL", "C");
	free(absolute);
	buf_free(&name);
}

static void setup(void)
{
	h = harness_new(NULL);
}

static void teardown(void)
{
	harness_free(h);
}

/* dd writes three blocks of ten bytes to "out". */
static const struct {
	const char *fault;
	int status;
	const char *says, *log;
	size_t size;
} writes[] = {
	{ "write:2:ENOSPC:out", 1, "No space left on device", "write:2:ENOSPC:", 10 },
	{ "write:3:EIO", 1, "Input/output error", "write:3:EIO:", 20 },
	{ "write:2+:EDQUOT:/out", 1, "", "write:2:EDQUOT:", 10 },
	{ "write:4:ENOSPC:out", 0, "", NULL, 30 },
	{ "write:1:ENOSPC:another", 0, "", NULL, 30 },
	{ "pwrite:1:ENOSPC:out", 0, "", NULL, 30 },
	{ "write:1:short:out", 0, "", "write:1:short:", 30 },
	{ "write:1:short:out,write:2:ENOSPC:out", 1, "No space left on device",
	    "write:2:ENOSPC:", 5 },
	{ "open:1:EACCES:out", 1, "Permission denied", "open:1:EACCES:out\n", 0 },
	{ "fsync:1:EIO:out", 1, "fsync failed", "fsync:1:EIO:", 30 },
	{ "close:1:EDQUOT:out", 0, "", "close:1:EDQUOT:", 30 }, /* dd does not look */
	{ "write:2:kill:out", 128 + SIGKILL, "", "write:2:kill:", 10 },
	{ "write:two:EIO", 99, "not understood", NULL, 0 },
	{ "write:1:ENOSUCH", 99, "not understood", NULL, 0 },
	{ "write:0:EIO", 99, "not understood", NULL, 0 },
};

START_TEST(system_calls_fail)
{
	preload("fault.so");
	harness_env(h, "CIO_FAULT", writes[_i].fault);
	harness_program(h, "/bin/dd");
	const struct harness_run *run = HARNESS_RUN(h, "if=/dev/zero", "of=out", "bs=10", "count=3",
	    "conv=fsync");
	harness_assert_status(run, writes[_i].status);
	harness_assert_err_has(run, writes[_i].says);
	char *log = harness_read(h, "log", NULL);
	ck_assert((log != NULL) == (writes[_i].log != NULL));
	if (log)
		ck_assert_msg(strstr(log, writes[_i].log) != NULL, "%s", log);
	free(log);
	size_t size = 0;
	free(harness_read(h, "out", &size));
	ck_assert_uint_eq(size, writes[_i].size);
}
END_TEST

static const struct {
	const char *fault, *program, *argument;
	const char *log;
} calls[] = {
	{ "unlink:1:EPERM", "/bin/unlink", "file", "unlink:1:EPERM:file\n" },
	{ "read:1:EIO:file", "/bin/cat", "file", "read:1:EIO:" },
	{ "ftruncate:1:EIO:file", "/usr/bin/truncate", "--size=1", "ftruncate:1:EIO:" },
	{ "flock:1:ENOLCK:file", "/usr/bin/flock", "--nonblock", "flock:1:ENOLCK:" },
};

START_TEST(other_system_calls_fail)
{
	preload("fault.so");
	harness_write_text(h, "file", "text\n");
	harness_env(h, "CIO_FAULT", calls[_i].fault);
	harness_program(h, calls[_i].program);
	const struct harness_run *run = strcmp(calls[_i].argument, "file") == 0 ?
	    HARNESS_RUN(h, "file") :
	    HARNESS_RUN(h, calls[_i].argument, "file", "true");
	ck_assert_int_ne(run->status, 0);
	char *log = harness_read(h, "log", NULL);
	ck_assert_msg(log && strstr(log, calls[_i].log), "%s", log);
	free(log);
	harness_assert_file_is(h, "file", "text\n");
}
END_TEST

/* From some number on there is no such allocation any more: then all is well, and nothing was
 * written down. */
START_TEST(allocations_fail)
{
	char number[32];
	int reached = 0;

	preload("oom.so");
	harness_write_text(h, "file", "b\na\n");
	harness_program(h, "/usr/bin/sort");
	for (int n = 1; n < 2000; n += n < 10 ? 1 : 7) {
		snprintf(number, sizeof number, "%d%s", n, _i ? "+" : "");
		harness_env(h, "CIO_FAIL_ALLOC", number);
		const struct harness_run *run = HARNESS_RUN(h, "file");
		if (!harness_exists(h, "log")) {
			harness_assert_status(run, 0);
			harness_assert_out_is(run, "a\nb\n");
			break;
		}
		snprintf(number, sizeof number, "alloc:%d\n", n);
		harness_assert_file_is(h, "log", number);
		reached++;
		ck_assert_int_eq(remove(harness_path(h, "log")), 0);
		if (_i)
			harness_assert_status(run, 2);
	}
	ck_assert_int_gt(reached, 5);
	ck_assert_int_lt(reached, 200);
}
END_TEST

Suite *fault_suite(void)
{
	Suite *s = suite_create("fault");
	TCase *t = tcase_create("fault");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, system_calls_fail, 0, LENGTH(writes));
	tcase_add_loop_test(t, other_system_calls_fail, 0, LENGTH(calls));
	tcase_add_loop_test(t, allocations_fail, 0, 2);
	suite_add_tcase(s, t);
	return s;
}
