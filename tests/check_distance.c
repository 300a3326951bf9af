/*
 * Servers that are far away, and slow uplinks: what is in flight hides the latency, keeps the line
 * busy, and sends nothing twice. On real sockets, so what is asserted is what was sent, and how
 * much at once, not how fast; check_flight has the speeds.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "relay.h"
#include "scene.h"
#include "unix.h"

Suite *distance_suite(void);

/* -- latency -- */

/* Far more than ten are in flight where the rate needs them, and few where it does not. */
START_TEST(the_rate_decides_how_many)
{
	unsigned latency = _i ? 5 : 400;
	struct scene s = scene_open(&(struct sandbox_config){ .latency_ms = latency });

	scene_write_people(&s, "in.csv", 400);
	const struct harness_run *run = HARNESS_RUN(s.harness, "in.csv", "--rate=98",
	    "--progress=none");
	harness_assert_status(run, 0);
	unsigned most = sandbox_counters(s.sandbox).most_in_progress;
	printf("%u ms: at most %u in flight, %.2f s\n", latency, most, run->seconds);
	fflush(stdout);
	if (_i)
		ck_assert_uint_le(most, scene_is_instrumented() ? 40 : 12);
	else
		ck_assert_uint_ge(most, 30);
	ck_assert_uint_le(most, 100);
	ck_assert_uint_eq(sandbox_arrivals(s.sandbox), 401);
	scene_close(&s);
}
END_TEST

/* How many are said to be needed; 0: nothing is said. */
static int said_to_be_needed(const struct harness_run *run)
{
	static const char said[] = "--concurrency=1 holds the rate back: at the time that answers "
	                           "take it needs ";
	const char *at = strstr(run->err, said);

	ck_assert_uint_eq(harness_count_lines(run->err, "holds the rate back"), at ? 1 : 0);
	return at ? atoi(at + sizeof said - 1) : 0;
}

/* A given number that holds the rate back is said once, with the one that carries it; one that does
 * not is not. At a tenth of a second each it is eleven, with some to spare, and more where the
 * machine makes answers take longer; check_flight has it to the number. */
START_TEST(a_number_that_holds_back_is_said)
{
	struct scene s = scene_open(&(struct sandbox_config){ .latency_ms = 100 });
	const char *number[] = { "-c1", "-c100" };

	scene_write_people(&s, "in.csv", 80);
	const struct harness_run *run = HARNESS_RUN(s.harness, "in.csv", "--rate=98", number[_i]);
	harness_assert_status(run, 0);
	ck_assert_uint_le(sandbox_counters(s.sandbox).most_in_progress, _i ? 100 : 1);
	if (_i)
		ck_assert_int_eq(said_to_be_needed(run), 0);
	else
		ck_assert_int_ge(said_to_be_needed(run), 11);
	scene_close(&s);
}
END_TEST

/* -- slow uplinks -- */

struct far {
	struct scene scene;
	struct relay *relay;
};

static struct far far_open(double up, unsigned delay_ms)
{
	struct far f = { .scene = scene_open(NULL) };
	char url[64];

	f.relay = relay_start(&(struct relay_config){ .target = sandbox_port(f.scene.sandbox),
	    .up = up,
	    .delay_ms = delay_ms });
	ck_assert_ptr_nonnull(f.relay);
	snprintf(url, sizeof url, "http://127.0.0.1:%d", relay_port(f.relay));
	harness_env(f.scene.harness, "CUSTOMERIO_URL", url);
	harness_timeout(f.scene.harness, 120);
	return f;
}

static void far_close(struct far *f)
{
	relay_stop(f->relay);
	scene_close(&f->scene);
}

/* So many people of a kilobyte each. */
static void write_large_people(struct far *f, int count)
{
	struct buf input = { .max = BUF_UNBOUNDED };

	for (int i = 0; i < count; i++)
		buf_fmt(&input, "{\"id\":\"p%d\",\"text\":\"%0900d\"}\n", i, i);
	harness_write(f->scene.harness, "in.ndjson", input.data, input.len);
	buf_free(&input);
}

static const struct uplink {
	double up;
	int people;
	unsigned most; /* in flight */
} uplinks[] = {
	{ 100000, 1000, 1 }, /* a batch takes five seconds: with a second one it would be ten */
	{ 250000, 2500, 2 },
	{ 1000000, 5000, 6 },
};

/* Each batch arrives once, though each takes seconds, and few are on their way at once. */
START_TEST(a_slow_uplink_is_not_flooded)
{
	const struct uplink *row = &uplinks[_i];
	struct far f = far_open(row->up, 40);

	write_large_people(&f, row->people);
	const struct harness_run *run = HARNESS_RUN(f.scene.harness, "in.ndjson", "--batch",
	    "--progress=none", "--summary=summary.json");
	harness_assert_status(run, 0);
	ck_assert_uint_eq(scene_people_there(&f.scene), (size_t)row->people);
	ck_assert_uint_eq(sandbox_counters(f.scene.sandbox).operations, (uint64_t)row->people);
	ck_assert_int_eq(scene_summary(&f.scene, "retries"), 0);
	printf("%g kB/s: %.2f of it, at most %u connections\n", row->up / 1000,
	    (double)relay_carried(f.relay) / run->seconds / row->up, relay_most_open(f.relay));
	fflush(stdout);
	ck_assert_uint_le(relay_most_open(f.relay), row->most);
	far_close(&f);
}
END_TEST

/* A fast line becomes a slow one while many are in flight: nothing is sent twice. */
START_TEST(an_uplink_that_becomes_slow_loses_nothing)
{
	struct far f = far_open(0, 150);

	write_large_people(&f, 12000);
	struct harness_child *child = HARNESS_START(f.scene.harness, "in.ndjson", "--batch",
	    "--timeout=5s", "--rate=8", "--summary=summary.json");
	ck_assert(sandbox_wait(f.scene.sandbox, 8, SOON));
	relay_set_up(f.relay, 400000);
	unix_nap(8000000);
	relay_set_up(f.relay, 0);
	const struct harness_run *run = harness_finish(child);
	harness_assert_status(run, 0);
	ck_assert_int_eq(scene_summary(&f.scene, "retries"), 0);
	ck_assert_uint_eq(sandbox_counters(f.scene.sandbox).operations, 12000);
	far_close(&f);
}
END_TEST

/* The bar's and -v's bytes a second. */
START_TEST(the_speed_of_the_line_is_shown)
{
	struct far f = far_open(200000, 10);

	write_large_people(&f, 1500);
	harness_terminal(f.scene.harness, 200, 24);
	harness_env(f.scene.harness, "TERM", "xterm");
	struct harness_child *child = HARNESS_START(f.scene.harness, "in.ndjson", "--batch");
	ck_assert(harness_wait_for(child, " kB/s", SOON));
	harness_assert_status(harness_finish(child), 0);
	far_close(&f);
}
END_TEST

Suite *distance_suite(void)
{
	Suite *s = suite_create("distance");
	TCase *t = tcase_create("distance");

	tcase_set_timeout(t, 180);
	tcase_add_loop_test(t, the_rate_decides_how_many, 0, 2);
	tcase_add_loop_test(t, a_number_that_holds_back_is_said, 0, 2);
	tcase_add_loop_test(t, a_slow_uplink_is_not_flooded, 0,
	    (int)(sizeof uplinks / sizeof *uplinks));
	tcase_add_test(t, an_uplink_that_becomes_slow_loses_nothing);
	tcase_add_test(t, the_speed_of_the_line_is_shown);
	suite_add_tcase(s, t);
	return s;
}
