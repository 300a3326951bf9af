/*
 * --batch, from the outside: how requests are packed (sizes, counts, the wait), how their records
 * are paced, and what it all holds in memory. What becomes of a batch that is not accepted is in
 * check_cutting.c.
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
#include "harness.h"
#include "sandbox.h"
#include "scene.h"
#include "unix.h"
#include "base/os.h"

Suite *batches_suite(void);

#define MS 1000
#define SECOND 1000000

static size_t operations_in(const char *body)
{
	size_t n = 0;

	for (const char *p = body; p && (p = strstr(p, "\"action\"")); p++)
		n++;
	return n;
}

/* The nth request behind the credentials check, once it is answered. */
static struct sandbox_arrival request(struct sandbox *s, size_t n)
{
	struct sandbox_arrival a;

	ck_assert_uint_lt(n + 1, sandbox_arrivals(s));
	while (!(a = sandbox_arrival(s, n + 1)).answered_us)
		unix_nap(MS);
	ck_assert_str_eq(a.path, "/api/v2/batch");
	return a;
}

/* -- sizes -- */

/* A row whose operation has that many bytes. */
static void add_row(struct buf *to, int number, size_t operation)
{
	static const char around[] = "{\"type\":\"person\",\"identifiers\":{\"id\":\"1234\"},"
	                             "\"action\":\"identify\",\"attributes\":"
	                             "{\"t\":\"\"}}";

	buf_fmt(to, "{\"id\":\"%04d\",\"t\":\"%0*d\"}\n", number,
	    (int)(operation - (sizeof around - 1)), 7);
}

#define OPERATIONS 50
#define BYTES 10000

/* 49 operations of 10,000 bytes, the 49 commas between 50 and the 12 bytes around them are
 * 490,061. */
static const struct {
	size_t last, requests, first;
} batch_sizes[] = {
	{ 9938, 1, 499999 },
	{ 9939, 1, 500000 },
	/* would be 500,001: the last one goes alone, and so does its comma */
	{ 9940, 2, 490060 },
};

START_TEST(a_batch_has_at_most_500000_bytes)
{
	struct scene b = scene_open(&(struct sandbox_config){ .keep_body = 1 << 20 });
	struct buf input = { .max = BUF_UNBOUNDED };

	for (int i = 0; i < OPERATIONS; i++)
		add_row(&input, i, i < OPERATIONS - 1 ? BYTES : batch_sizes[_i].last);
	harness_stdin(b.harness, input.data, input.len);
	const struct harness_run *run = HARNESS_RUN(b.harness, "--batch", "--no-limits",
	    "--rate=unlimited", "-c1");
	harness_assert_status(run, 0);
	ck_assert_uint_eq(sandbox_counters(b.sandbox).people, OPERATIONS);
	ck_assert_uint_eq(sandbox_arrivals(b.sandbox), 1 + batch_sizes[_i].requests);
	struct sandbox_arrival first = request(b.sandbox, 0);
	ck_assert_uint_eq(first.body_len, batch_sizes[_i].first);
	ck_assert_uint_eq(operations_in(first.body), OPERATIONS - (batch_sizes[_i].requests == 2));
	ck_assert_str_eq(first.method, "POST");
	ck_assert_str_eq(first.content_type, "application/json");
	buf_free(&input);
	scene_close(&b);
}
END_TEST

static const struct {
	size_t bytes;
	bool sent;
} operation_sizes[] = { { 31999, true }, { 32000, true }, { 32001, false } };

START_TEST(an_operation_has_at_most_32000_bytes)
{
	struct scene b = scene_open(&(struct sandbox_config){ 0 });
	struct buf input = { .max = BUF_UNBOUNDED };
	bool sent = operation_sizes[_i].sent;

	add_row(&input, 1, 100);
	add_row(&input, 2, operation_sizes[_i].bytes);
	harness_stdin(b.harness, input.data, input.len);
	const struct harness_run *run = HARNESS_RUN(b.harness, "--batch", "--no-limits",
	    "--rejects=r.ndjson");
	harness_assert_status(run, sent ? 0 : 1);
	ck_assert_uint_eq(sandbox_counters(b.sandbox).people, 1 + sent);
	ck_assert_uint_eq(sandbox_arrivals(b.sandbox), 2);
	if (!sent) {
		harness_assert_err_has(run, "standard input:2: user 0002: ");
		harness_assert_err_has(run, "32,001 bytes");
		harness_assert_err_has(run, "Done: 1 processed, 1 errors");
		char *rejects = harness_read(b.harness, "r.ndjson", NULL);
		ck_assert_ptr_nonnull(
		    strstr(rejects, "\"_cio_line\":2,\"_cio_outcome\":\"rejected\""));
		free(rejects);
	}
	buf_free(&input);
	scene_close(&b);
}
END_TEST

/* Rows of 100 bytes, --batch=N; how many requests they make, and how many operations the last one
 * has. */
static const struct {
	int rows;
	const char *option;
	size_t requests, last;
} caps[] = {
	{ 50, "--batch=1", 50, 1 },
	{ 50, "--batch=7", 8, 1 },
	{ 50, "--batch=49", 2, 1 },
	{ 50, "--batch=50", 1, 50 },
	{ 50, "--batch=51", 1, 50 },
	{ 50, "--batch", 1, 50 },
	/* 12 + 4,950 operations + 4,949 commas are 499,961 bytes */
	{ 6000, "--batch=5000", 2, 1050 },
};

START_TEST(a_batch_holds_at_most_n)
{
	struct scene b = scene_open(&(struct sandbox_config){ .keep_body = 1 << 20 });
	struct buf input = { .max = BUF_UNBOUNDED };
	size_t n = caps[_i].requests, rows = 0;

	for (int i = 0; i < caps[_i].rows; i++)
		add_row(&input, i, 100);
	harness_stdin(b.harness, input.data, input.len);
	/* however slowly they are read, none is sent before it is full */
	harness_assert_status(HARNESS_RUN(b.harness, caps[_i].option, "--rate=unlimited", "-c1",
	                          "--batch-wait=50s"),
	    0);
	ck_assert_uint_eq(sandbox_arrivals(b.sandbox), 1 + n);
	for (size_t i = 0; i < n; i++) {
		size_t held = operations_in(request(b.sandbox, i).body);
		if (i > 0 && i + 1 < n)
			ck_assert_uint_eq(held, operations_in(request(b.sandbox, 0).body));
		if (i + 1 == n)
			ck_assert_uint_eq(held, caps[_i].last);
		rows += held;
	}
	ck_assert_int_eq((int)rows, caps[_i].rows);
	buf_free(&input);
	scene_close(&b);
}
END_TEST

/* -- the wait -- */

struct pipeline {
	struct scene scene;
	struct harness_child *child;
	int fd;
};

static struct pipeline pipe_with(const char *batch, const char *wait)
{
	struct pipeline p = { .scene = scene_open(&(struct sandbox_config){ 0 }) };
	int fds[2];

	ck_assert_int_eq(os_pipe(fds, false), 0);
	harness_stdin_fd(p.scene.harness, fds[0]);
	p.child = HARNESS_START(p.scene.harness, "-a", "track", "--format=ndjson", batch, wait);
	close(fds[0]);
	p.fd = fds[1];
	ck_assert(sandbox_wait(p.scene.sandbox, 1, SOON));
	return p;
}

static struct pipeline pipe_new(const char *wait)
{
	return pipe_with("--batch", wait);
}

static void pipe_send(struct pipeline *p, const char *name)
{
	char line[64];
	int n = snprintf(line, sizeof line, "{\"id\":\"1\",\"name\":\"%s\"}\n", name);

	ck_assert_int_eq((int)write(p->fd, line, (size_t)n), n);
}

static void pipe_free(struct pipeline *p)
{
	if (p->fd >= 0)
		close(p->fd);
	harness_assert_status(harness_finish(p->child), 0);
	scene_close(&p->scene);
}

/* As from tail -f: the input does not end. */
START_TEST(it_leaves_after_the_wait)
{
	struct pipeline p = pipe_new("--batch-wait=400ms");
	struct sandbox *s = p.scene.sandbox;

	for (uint64_t i = 0; i < 3; i++) {
		int64_t sent = clock_now();
		pipe_send(&p, "seen");
		ck_assert_msg(sandbox_wait(s, 2 + i, SOON), "record %d did not leave", (int)i);
		int64_t waited = request(s, i).at_us - sent;
		ck_assert_msg(waited >= 399 * MS, "it left after %d us", (int)waited);
		ck_assert_uint_eq(operations_in(request(s, i).body), 1);
	}
	pipe_free(&p);
}
END_TEST

/* The wait begins anew with each record. */
START_TEST(a_new_record_prolongs_the_wait)
{
	struct pipeline p = pipe_new("--batch-wait=2s");
	struct sandbox *s = p.scene.sandbox;
	int64_t last = 0;

	for (int i = 0; i < 6; i++) {
		if (i)
			unix_nap(500 * MS);
		last = clock_now();
		pipe_send(&p, "seen");
	}
	ck_assert(sandbox_wait(s, 2, SOON));
	ck_assert_uint_eq(operations_in(request(s, 0).body), 6);
	ck_assert(request(s, 0).at_us - last >= 1999 * MS);
	pipe_free(&p);
}
END_TEST

START_TEST(the_end_of_input_does_not_wait)
{
	struct pipeline p = pipe_new("--batch-wait=1h");

	pipe_send(&p, "one");
	pipe_send(&p, "two");
	close(p.fd);
	p.fd = -1;
	ck_assert(sandbox_wait(p.scene.sandbox, 2, SOON));
	ck_assert_uint_eq(operations_in(request(p.scene.sandbox, 0).body), 2);
	pipe_free(&p);
}
END_TEST

/* A batch that can take no more has nothing to wait for. */
START_TEST(a_full_batch_does_not_wait)
{
	struct pipeline p = pipe_with("--batch=3", "--batch-wait=1h");
	struct sandbox *s = p.scene.sandbox;

	for (uint64_t i = 0; i < 2; i++) {
		for (int k = 0; k < 3; k++)
			pipe_send(&p, "seen");
		ck_assert_msg(sandbox_wait(s, 2 + i, SOON), "batch %d did not leave", (int)i);
		ck_assert_uint_eq(operations_in(request(s, i).body), 3);
	}
	pipe_free(&p);
}
END_TEST

/* What waits for its batch is sent before the program ends by a signal, or is not sent at all:
 * never half. */
START_TEST(a_signal_ends_the_wait)
{
	struct pipeline p = pipe_new("--batch-wait=1h");

	pipe_send(&p, "one");
	unix_nap(300 * MS);
	harness_signal(p.child, SIGTERM);
	const struct harness_run *run = harness_finish(p.child);
	harness_assert_status(run, 143);
	harness_assert_err_has(run, "Done: 0 processed, 0 errors");
	harness_assert_err_has(run, "to resume: ");
	ck_assert_uint_eq(sandbox_arrivals(p.scene.sandbox), 1);
	close(p.fd);
	scene_close(&p.scene);
}
END_TEST

/* -- both budgets -- */

/* Records that arrived in the busiest second. */
static size_t busiest_second(struct sandbox *s)
{
	size_t n = sandbox_arrivals(s), most = 0, sum = 0, from = 0;

	for (size_t to = 0; to < n; to++) {
		struct sandbox_arrival a = sandbox_arrival(s, to);
		sum += operations_in(a.body);
		while (sandbox_arrival(s, from).at_us + SECOND <= a.at_us)
			sum -= operations_in(sandbox_arrival(s, from++).body);
		most = sum > most ? sum : most;
	}
	return most;
}

/* `at_once`: the most records that a batch may hold then, and so what the bound is over the
 * rate. */
static const struct budget {
	int rows;
	const char *records, *requests;
	size_t rate, at_once;
	unsigned unavailable;
} budgets[] = {
	{ 1600, "--record-rate=400", "--rate=50", 400, 10, 0 },
	{ 8000, "--record-rate=2000", "--rate=10", 2000, 251, 0 },
	{ 1600, "--record-rate=400", "--rate=unlimited", 400, 10, 20 },
};

START_TEST(records_a_second_are_bounded)
{
	const struct budget *t = &budgets[_i];
	struct scene b = scene_open(
	    &(struct sandbox_config){ .chaos = { .seed = 1, .unavailable = t->unavailable } });
	struct buf input = { .max = BUF_UNBOUNDED };
	size_t sent = 0, n;

	for (int i = 0; i < t->rows; i++)
		buf_fmt(&input, "{\"id\":\"%d\"}\n", i);
	harness_stdin(b.harness, input.data, input.len);
	const struct harness_run *run = HARNESS_RUN(b.harness, "--batch", t->records, t->requests,
	    "--backoff=20ms", "--retries=100",
	    /* so that a server that was held up does not see all at once what was sent in turn */
	    "-c1");
	harness_assert_status(run, 0);
	ck_assert_uint_eq(sandbox_counters(b.sandbox).people, (unsigned)t->rows);
	n = sandbox_arrivals(b.sandbox);
	for (size_t i = 0; i < n; i++)
		sent += operations_in(sandbox_arrival(b.sandbox, i).body);
	double seconds = (double)(sandbox_arrival(b.sandbox, n - 1).at_us -
	                     sandbox_arrival(b.sandbox, 1).at_us) /
	    SECOND;
	printf("%zu records in %.3f s, %zu in the busiest\n", sent, seconds,
	    busiest_second(b.sandbox));
	fflush(stdout);
	/* A twentieth of a second's worth is the scheduler's: what is bounded is the sending. */
	ck_assert_uint_le(busiest_second(b.sandbox), t->rate + t->at_once + t->rate / 20);
	buf_free(&input);
	scene_close(&b);
}
END_TEST

/* -- memory -- */

static void add_small(struct buf *to, int row)
{
	buf_fmt(to,
	    "%d,person%d@example.com,Some,Name,\"Street %d, "
	    "City\",pro,2024-02-29T12:00:00Z,active,en-GB,%d\n",
	    row, row, row, row * 7);
}

/* 10 to 30 KB in cells of 900 bytes. */
static void add_large(struct buf *to, int row)
{
	buf_fmt(to, "{\"id\":\"%d\"", row);
	for (int i = 0; i < 11 + row % 22; i++)
		buf_fmt(to, ",\"attribute%d\":\"%0900d\"", i, row);
	buf_str(to, "}\n");
}

static const struct {
	const char *name, *file, *head;
	int rows;
	void (*add)(struct buf *, int);
} files[] = {
	{ "many rows", "in.csv",
	    "id,email,first,last,address,plan,created_at,state,locale,number\n", 300000,
	    add_small },
	{ "large rows", "in.ndjson", "", 5000, add_large },
};

START_TEST(memory_is_bounded)
{
	struct scene b = scene_open(&(struct sandbox_config){ .sink = true });
	struct buf input = { .max = BUF_UNBOUNDED };

	if (scene_is_instrumented()) {
		scene_close(&b);
		return;
	}
	buf_str(&input, files[_i].head);
	for (int i = 0; i < files[_i].rows; i++)
		files[_i].add(&input, i);
	harness_write(b.harness, files[_i].file, input.data, input.len);
	buf_free(&input);
	const struct harness_run *run = HARNESS_RUN(b.harness, files[_i].file, "--batch",
	    "--rate=unlimited");
	harness_assert_status(run, 0);
	printf("%s: %ld KiB resident\n", files[_i].name, run->max_rss_kib);
	fflush(stdout);
	ck_assert_msg(run->max_rss_kib < 32 * 1024, "%s: %ld KiB resident", files[_i].name,
	    run->max_rss_kib);
	scene_close(&b);
}
END_TEST

/* -- what is said -- */

#define LINES 40

/* Each line there is, in order, has the total; or none, where they may be `bare`. How many there
 * are. */
static unsigned check_lines(const char *line, unsigned every, unsigned total, bool errors,
    bool bare)
{
	unsigned n = 0;

	for (; (line = strstr(line, "Progress: ")); line++) {
		unsigned finished, of, wrong;
		if (!bare || sscanf(line, "Progress: %u (%u errors)", &finished, &wrong) != 2) {
			ck_assert_int_eq(sscanf(line, "Progress: %u/%u (%u errors)", &finished, &of,
			                     &wrong),
			    3);
			ck_assert_uint_eq(of, total);
		}
		ck_assert_uint_eq(finished, ++n * every);
		ck_assert_uint_eq(wrong, errors ? finished : 0);
	}
	return n;
}

/* A file is counted only when its first batches are on their way, or when it is at its end; the
 * lines wait for that. */
START_TEST(every_line_has_the_total)
{
	struct scene b = scene_open(&(struct sandbox_config){ .sink = true });
	struct buf input = { .max = BUF_UNBOUNDED };

	buf_str(&input, "id,note\n");
	for (int i = 0; i < LINES * 100; i++)
		buf_fmt(&input, "%d,\"%0100d\"\n", i, i);
	harness_write(b.harness, "in.csv", input.data, input.len);
	buf_free(&input);
	const struct harness_run *run = HARNESS_RUN(b.harness, "in.csv", "--batch",
	    "--rate=unlimited", "--progress-every=100");
	harness_assert_status(run, 0);
	ck_assert_uint_eq(check_lines(run->err, 100, LINES * 100, false, false), LINES);
	scene_close(&b);
}
END_TEST

/* Rows that are for nobody. Counting ahead has so many milliseconds and no more: what it must be
 * through with is little, on any machine. */
static void write_nobodies(struct harness *h, int rows, int bytes)
{
	struct buf input = { .max = BUF_UNBOUNDED };

	buf_str(&input, "id,note\n");
	for (int i = 0; i < rows; i++)
		buf_fmt(&input, ",%0*d\n", bytes, i);
	harness_write(h, "in.csv", input.data, input.len);
	buf_free(&input);
}

/* Nothing is sent of these, so the run never waits, and ends before the input is counted. Lines
 * that are too many to wait are said in time. */
static const struct {
	const char *every;
	unsigned lines;
	int bytes;
	bool bare;
} at_the_end[] = { { "1000", 5, 200, false }, { "1", 5000, 5000, true } };

START_TEST(lines_of_a_run_that_never_waits)
{
	struct scene b = scene_open(NULL);

	write_nobodies(b.harness, 5000, at_the_end[_i].bytes);
	const struct harness_run *run = HARNESS_RUN(b.harness, "in.csv", "--batch",
	    "--rate=unlimited", "--progress-every", at_the_end[_i].every);
	harness_assert_status(run, 1);
	ck_assert_uint_eq(check_lines(run->err, 5000 / at_the_end[_i].lines, 5000, true,
	                      at_the_end[_i].bare),
	    at_the_end[_i].lines);
	scene_close(&b);
}
END_TEST

/* Stopped before it came to counting: what the lines wait for is counted then, for it is soon
 * done. */
START_TEST(lines_of_a_run_that_is_stopped)
{
	struct scene b = scene_open(NULL);

	write_nobodies(b.harness, 5000, 200);
	const struct harness_run *run = HARNESS_RUN(b.harness, "in.csv", "--batch",
	    "--rate=unlimited", "--max-errors=3500");
	harness_assert_status(run, 65);
	ck_assert_uint_eq(check_lines(run->err, 1000, 5000, true, false), 3);
	scene_close(&b);
}
END_TEST

/* What --skip passes over and what is beyond --limit is not in the total, whoever counted. */
START_TEST(the_total_is_of_what_is_wanted)
{
	static const struct {
		const char *skip, *limit;
		unsigned total;
	} cases[] = {
		{ "500", "9000", 2500 },
		{ "0", "2000", 2000 },
		{ "500", "2000", 2000 },
	};
	struct scene b = scene_open(&(struct sandbox_config){ .sink = true });
	struct buf input = { .max = BUF_UNBOUNDED };

	buf_str(&input, "id\n");
	for (int i = 0; i < 3000; i++)
		buf_fmt(&input, "%d\n", i);
	harness_write(b.harness, "in.csv", input.data, input.len);
	buf_free(&input);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct harness_run *run = HARNESS_RUN(b.harness, "in.csv", "--batch",
		    "--rate=unlimited", "--progress-every=500", "--skip", cases[i].skip, "--limit",
		    cases[i].limit);
		harness_assert_status(run, 0);
		ck_assert_uint_eq(check_lines(run->err, 500, cases[i].total, false, false),
		    cases[i].total / 500);
	}
	scene_close(&b);
}
END_TEST

Suite *batches_suite(void)
{
	Suite *s = suite_create("batches");
	TCase *t = tcase_create("batches");

	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, a_batch_has_at_most_500000_bytes, 0,
	    sizeof batch_sizes / sizeof *batch_sizes);
	tcase_add_loop_test(t, an_operation_has_at_most_32000_bytes, 0,
	    sizeof operation_sizes / sizeof *operation_sizes);
	tcase_add_loop_test(t, a_batch_holds_at_most_n, 0, sizeof caps / sizeof *caps);
	tcase_add_test(t, it_leaves_after_the_wait);
	tcase_add_test(t, a_new_record_prolongs_the_wait);
	tcase_add_test(t, the_end_of_input_does_not_wait);
	tcase_add_test(t, a_full_batch_does_not_wait);
	tcase_add_test(t, a_signal_ends_the_wait);
	tcase_add_loop_test(t, records_a_second_are_bounded, 0, sizeof budgets / sizeof *budgets);
	tcase_add_test(t, every_line_has_the_total);
	tcase_add_loop_test(t, lines_of_a_run_that_never_waits, 0,
	    sizeof at_the_end / sizeof *at_the_end);
	tcase_add_test(t, lines_of_a_run_that_is_stopped);
	tcase_add_test(t, the_total_is_of_what_is_wanted);
	tcase_add_loop_test(t, memory_is_bounded, 0, sizeof files / sizeof *files);
	suite_add_tcase(s, t);
	return s;
}
