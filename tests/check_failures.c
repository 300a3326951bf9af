/*
 * The disk fails under a run: each system call that the checkpoint, the rejects and the results
 * depend on is made to fail, by name. The run ends with the documented status, the same command
 * carries on, and nobody is lost or rejected twice. Then memory fails, at every allocation of a
 * small run.
 */
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/buf.h"
#include "harness.h"
#include "sandbox.h"

Suite *failures_suite(void);

#define PEOPLE 240
#define INVALID 4

static const struct row {
	const char *fault;
	int status; /* with the fault; 1: it went on to its end all the same */
} rows[] = {
	/* the checkpoint */
	{ "open:1:EACCES:cio-state", 73 },
	{ "flock:1:ENOLCK:cio-state", 73 },
	{ "write:1:ENOSPC:cio-state", 73 },
	{ "write:4:ENOSPC:cio-state", 73 },
	{ "write:9:EIO:cio-state", 73 },
	{ "write:3:short:cio-state", 1 },
	{ "write:4+:ENOSPC:cio-state", 73 },
	{ "fsync:1:EIO:cio-state", 73 },
	{ "fsync:3:EIO:cio-state", 73 },
	{ "unlink:1+:EACCES:in.csv.cio-state", 73 },
	/* the rejects */
	{ "open:1:EACCES:rejected", 73 },
	{ "open:1:EINTR:rejected", 1 },
	{ "open:2:EIO:rejected", 73 },
	{ "flock:1:ENOLCK:rejected", 73 },
	{ "flock:1:EINTR:rejected", 1 },
	{ "write:1:ENOSPC:rejected", 73 },
	{ "write:2+:ENOSPC:rejected", 73 },
	{ "write:1:EIO:rejected", 73 },
	{ "write:1:short:rejected", 1 },
	{ "write:1:EINTR:rejected", 1 },
	{ "fsync:1:EIO:rejected", 73 },
	{ "fsync:2:ENOSPC:rejected", 73 },
	{ "close:1:EIO:rejected", 73 },
	/* the results */
	{ "open:1:EACCES:results", 73 },
	{ "write:1:ENOSPC:results", 73 },
	{ "write:2:EIO:results", 73 },
	{ "write:1:short:results", 1 },
	{ "fsync:1:EIO:results", 73 },
	{ "close:1:ENOSPC:results", 73 },
	/* the summary */
	{ "mkostemp:1:ENOSPC:summary", 73 },
	{ "write:1:ENOSPC:summary", 73 },
	{ "rename:1:EIO:summary", 73 },
};

static const char *preload(const char *library)
{
	static char path[4096];
	const char *build = getenv("BUILD");
	char *full = realpath(build ? build : "build", NULL);

	ck_assert_ptr_nonnull(full);
	snprintf(path, sizeof path, "%s/%s.so", full, library);
	free(full);
	return path;
}

/* The sanitizers want to come before what is preloaded. */
static void set_preload(struct harness *h, const char *library, const char *name, const char *value)
{
	char asan[512];
	const char *given = getenv("ASAN_OPTIONS");

	snprintf(asan, sizeof asan, "%s:verify_asan_link_order=0", given ? given : "");
	harness_env(h, "ASAN_OPTIONS", library ? asan : given);
	harness_env(h, "LD_PRELOAD", library ? preload(library) : NULL);
	harness_env(h, name, value);
	harness_env(h, "CIO_FAULT_LOG", library ? "fault.log" : NULL);
}

static void write_input(struct harness *h)
{
	struct buf in = { .max = BUF_UNBOUNDED };

	buf_str(&in, "id,row\n");
	for (int i = 0; i < PEOPLE; i++) {
		buf_fmt(&in, "p%d,%d\n", i, i);
		if (i % (PEOPLE / INVALID) == 10)
			buf_fmt(&in, "bad%d\n", i);
	}
	harness_write(h, "in.csv", in.data, in.len);
	buf_free(&in);
}

static const struct harness_run *import(struct harness *h)
{
	return HARNESS_RUN(h, "in.csv", "--rate=unlimited", "-c2", "--results=results.ndjson",
	    "--summary=summary.json");
}

static void check_nothing_is_lost(struct harness *h, struct sandbox *s)
{
	char *rejects = harness_read(h, "in.rejected.csv", NULL);

	ck_assert_uint_eq(sandbox_counters(s).people, PEOPLE);
	ck_assert_ptr_nonnull(rejects);
	ck_assert_uint_eq(harness_count_lines(rejects, "rejected,"), INVALID);
	ck_assert_msg(!harness_exists(h, "in.csv.cio-state"), "the state file is still there:\n%s",
	    rejects);
	free(rejects);
}

START_TEST(the_disk_fails)
{
	const struct row *row = &rows[_i];
	struct sandbox_config config = { .latency_ms = 6 };
	struct sandbox *s = sandbox_start(&config);

	printf("%s\n", row->fault);
	fflush(stdout);
	ck_assert_ptr_nonnull(s);
	struct harness *h = harness_new(s);
	write_input(h);
	set_preload(h, "fault", "CIO_FAULT", row->fault);
	const struct harness_run *run = import(h);
	ck_assert_msg(harness_exists(h, "fault.log"), "%s was never reached%s", row->fault,
	    harness_show(run));
	harness_assert_status(run, row->status);
	if (row->status == 73)
		harness_assert_err_has(run, "cio-import: ");
	set_preload(h, NULL, "CIO_FAULT", NULL);
	if (row->status == 73 && harness_exists(h, "in.csv.cio-state"))
		harness_assert_status(import(h), 1);
	else if (!strstr(row->fault, "summary") && row->status == 73)
		harness_assert_status(import(h), 1);
	check_nothing_is_lost(h, s);
	harness_free(h);
	sandbox_stop(s);
}
END_TEST

/* Another run's file stays as it is, and nothing is sent. */
static const char *const asides[] = {
	"rename:1:EACCES:rejected",
	"open:1:ENOSPC:rejected.csv~",
	"rename:1:EIO:results",
};

START_TEST(what_cannot_be_set_aside_stays)
{
	const struct sandbox_config config = { .latency_ms = 0 };
	struct sandbox *s = sandbox_start(&config);
	struct harness *h = harness_new(s);

	write_input(h);
	harness_write_text(h, "in.rejected.csv", "another's\n");
	harness_write_text(h, "results.ndjson", "another's\n");
	set_preload(h, "fault", "CIO_FAULT", asides[_i]);
	const struct harness_run *run = import(h);
	ck_assert_msg(harness_exists(h, "fault.log"), "%s was never reached%s", asides[_i],
	    harness_show(run));
	harness_assert_status(run, 73);
	ck_assert_uint_eq(sandbox_counters(s).people, 0);
	set_preload(h, NULL, "CIO_FAULT", NULL);
	harness_assert_status(import(h), 1);
	check_nothing_is_lost(h, s);
	harness_assert_file_is(h, "in.rejected.csv~", "another's\n");
	harness_assert_file_is(h, "results.ndjson~", "another's\n");
	harness_free(h);
	sandbox_stop(s);
}
END_TEST

/* ulimit -f: an error of the write, not a signal that ends it. Each number of bytes is reached by
 * another file. */
static const unsigned file_limits[] = { 1, 600, 5000, 20000 };

START_TEST(files_may_not_grow)
{
	struct sandbox_config config = { .latency_ms = 3 };
	struct sandbox *s = sandbox_start(&config);

	ck_assert_ptr_nonnull(s);
	struct harness *h = harness_new(s);
	write_input(h);
	harness_limit(h, RLIMIT_FSIZE, file_limits[_i]);
	const struct harness_run *run = import(h);
	harness_assert_status(run, 73);
	harness_assert_err_has(run, "cio-import: ");
	harness_assert_err_has(run, ": cannot be ");
	harness_limit(h, RLIMIT_FSIZE, RLIM_INFINITY);
	harness_assert_status(import(h), 1);
	check_nothing_is_lost(h, s);
	harness_free(h);
	sandbox_stop(s);
}
END_TEST

/* ulimit -n: this machine's shortage, said at once, and not the destination's. */
START_TEST(descriptors_run_out)
{
	struct sandbox_config config = { .latency_ms = 3 };
	struct sandbox *s = sandbox_start(&config);
	int short_of = 0;

	ck_assert_ptr_nonnull(s);
	struct harness *h = harness_new(s);
	for (unsigned most = 5; most < 24; most++) {
		write_input(h);
		harness_limit(h, RLIMIT_NOFILE, most);
		const struct harness_run *run = import(h);
		short_of += run->status == 71;
		ck_assert_msg(run->status == 71 || run->status == 1, "%u descriptors: %d%s", most,
		    run->status, harness_show(run));
		harness_assert_err_lacks(run, "destination down");
		if (run->status == 71)
			harness_assert_err_has(run, "Too many open files");
	}
	ck_assert_int_gt(short_of, 10);
	harness_limit(h, RLIMIT_NOFILE, 1024);
	harness_assert_status(import(h), 1);
	check_nothing_is_lost(h, s);
	harness_free(h);
	sandbox_stop(s);
}
END_TEST

/* Standard output is closed by whoever read it: an error, resumable, and not silence. */
START_TEST(standard_output_is_closed)
{
	struct sandbox_config config = { .latency_ms = 3 };
	struct sandbox *s = sandbox_start(&config);
	int ends[2];

	ck_assert_ptr_nonnull(s);
	struct harness *h = harness_new(s);
	write_input(h);
	ck_assert_int_eq(pipe(ends), 0);
	close(ends[0]);
	harness_stdout_fd(h, ends[1]);
	const struct harness_run *run = HARNESS_RUN(h, "in.csv", "--rate=unlimited", "-c2",
	    "--results=-");
	close(ends[1]);
	harness_assert_status(run, 73);
	harness_assert_err_has(run, "standard output");
	harness_assert_status(HARNESS_RUN(h, "in.csv", "--rate=unlimited"), 1);
	check_nothing_is_lost(h, s);
	harness_free(h);
	sandbox_stop(s);
}
END_TEST

#ifndef CIO_SANITIZED
#define FEW "id,x\n1,a\n2,b\nbad\n3,c\n"

static bool all_are_there(struct sandbox *s)
{
	return sandbox_counters(s).people == 3;
}

/* The Nth allocation fails, for every N of a small run: a clean error, or an end as if nothing had
 * been; then the same command does the rest. A step skips most of them where the run is slow (a
 * sanitizer, valgrind). */
START_TEST(memory_fails)
{
	struct sandbox_config config = { .latency_ms = 0 };
	struct sandbox *s = sandbox_start(&config);
	const char *step = getenv("CIO_OOM_STEP");
	unsigned nth = 1, failed = 0, clean = 0;
	char n[16];

	ck_assert_ptr_nonnull(s);
	for (bool reached = true; reached; nth += step ? (unsigned)atoi(step) : 23) {
		struct harness *h = harness_new(s);
		harness_write_text(h, "in.csv", FEW);
		snprintf(n, sizeof n, "%u", nth);
		set_preload(h, "oom", "CIO_FAIL_ALLOC", n);
		const struct harness_run *run = HARNESS_RUN(h, "in.csv", "--rate=unlimited");
		reached = harness_exists(h, "fault.log");
		ck_assert_msg(run->status == 1 || run->status == 71 || run->status == 73 ||
		        run->status == 78 || run->status == 69,
		    "allocation %u: exit status %d%s", nth, run->status, harness_show(run));
		if (run->status != 1) {
			failed++;
			ck_assert_msg(harness_has(run->err, "memory"),
			    "allocation %u: no word of memory%s", nth, harness_show(run));
		} else {
			clean++;
		}
		set_preload(h, NULL, "CIO_FAIL_ALLOC", NULL);
		if (run->status != 1)
			harness_assert_status(HARNESS_RUN(h, "in.csv", "--rate=unlimited"), 1);
		ck_assert(all_are_there(s));
		harness_free(h);
	}
	printf("%u allocations made to fail: %u clean errors, %u without effect\n", failed + clean,
	    failed, clean);
	fflush(stdout);
	ck_assert_uint_gt(failed, 10);
	sandbox_stop(s);
}
END_TEST
#endif

Suite *failures_suite(void)
{
	Suite *s = suite_create("failures");
	TCase *t = tcase_create("failures"), *memory = tcase_create("memory");

	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, the_disk_fails, 0, sizeof rows / sizeof *rows);
	tcase_add_loop_test(t, what_cannot_be_set_aside_stays, 0,
	    (int)(sizeof asides / sizeof *asides));
	tcase_add_loop_test(t, files_may_not_grow, 0, sizeof file_limits / sizeof *file_limits);
	if (!harness_is_under())
		tcase_add_test(t, descriptors_run_out);
	tcase_add_test(t, standard_output_is_closed);
	suite_add_tcase(s, t);
	tcase_set_timeout(memory, 600);
#ifndef CIO_SANITIZED            /* the sanitizers' allocator cannot be made to fail from outside */
	if (!harness_is_under()) /* nor can valgrind's */
		tcase_add_test(memory, memory_fails);
#endif
	suite_add_tcase(s, memory);
	return s;
}
