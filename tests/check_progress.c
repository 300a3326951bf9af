/* The counters' identity, and the lines that are made of them. */
#include "show/progress.h"

#include <check.h>
#include <jansson.h>
#include <stdlib.h>
#include "expect.h"
#include "show/meter.h"
#include "show/report.h"

Suite *progress_suite(void);

#define S INT64_C(1000000)
#define ROWS(table) (int)(sizeof table / sizeof *table)

static const struct counters some = {
	.read = 250007,
	.outcomes = { 249000, 988, 3, 8, 1 },
	.requests = 249024,
	.retries = 15,
	.rate_limited = 2,
	.bytes_sent = 49876543,
};
static const struct counters none = { .read = 0 };

START_TEST(the_counters_add_up)
{
	ck_assert_uint_eq(counters_finished(&some), 250000);
	ck_assert_uint_eq(counters_processed(&some), 249988);
	ck_assert_uint_eq(counters_errors(&some), 12);
	ck_assert_uint_eq(counters_processed(&some) + counters_errors(&some),
	    counters_finished(&some));
	ck_assert_uint_eq(counters_finished(&none) + counters_processed(&none) +
	        counters_errors(&none),
	    0);
}
END_TEST

static const struct {
	uint64_t finished, errors, total;
	const char *line;
} plain[] = {
	{ 3000, 12, 250000, "Progress: 3000/250000 (12 errors)" },
	{ 3000, 12, 0, "Progress: 3000 (12 errors)" },
	{ 0, 0, 0, "Progress: 0 (0 errors)" },
	{ 3000, 1, 3000, "Progress: 3000/3000 (1 errors)" },
	{ 3001, 1, 3000, "Progress: 3001 (1 errors)" },
	{ UINT64_MAX, UINT64_MAX, 0,
	    "Progress: 18446744073709551615 (18446744073709551615 errors)" },
};

START_TEST(the_plain_line_is_as_documented)
{
	struct buf b;

	buf_init(&b, 200);
	progress_plain(&b, plain[_i].finished, plain[_i].errors, plain[_i].total);
	expect_text(&b, plain[_i].line, plain[_i].line);
	buf_free(&b);
}
END_TEST

START_TEST(the_done_line_is_as_documented)
{
	struct buf b;

	buf_init(&b, 200);
	progress_done(&b, &some);
	expect_text(&b, "Done: 249988 processed, 12 errors", "some");
	progress_done(&b, &none);
	expect_text(&b, "Done: 0 processed, 0 errors", "none");
	buf_free(&b);
}
END_TEST

static const struct {
	struct moment m;
	const char *full, *brief, *json;
} waits[] = {
	{ { .waiting = WAITING_NOT, .waiting_us = 5 * S }, "", "", "\"waiting\":null" },
	{ { .waiting = WAITING_THROTTLED, .waiting_us = 11500000 }, "rate limited, 12 s",
	    "rate limited, 12 s", "\"waiting\":\"throttled\",\"waiting_seconds\":11.500" },
	{ { .waiting = WAITING_THROTTLED }, "rate limited", "rate limited",
	    "\"waiting\":\"throttled\"" },
	{ { .waiting = WAITING_DOWN, .waiting_us = 8 * S }, "destination down, trying again in 8 s",
	    "down, again in 8 s", "\"waiting\":\"down\",\"waiting_seconds\":8.000" },
	{ { .waiting = WAITING_DOWN, .waiting_us = -1 }, "destination down", "down",
	    "\"waiting\":\"down\"" },
	{ { .waiting = WAITING_SLOWED, .learned = 60.7, .asked = 80 }, "rate limited: 61/s of 80/s",
	    "61/s of 80/s", "\"waiting\":null,\"learned_rate\":60.7" },
	{ { .waiting = WAITING_SLOWED, .learned = 4.53, .asked = 8.5, .waiting_us = S },
	    "rate limited: 4.5/s of 8.5/s", "4.5/s of 8.5/s",
	    "\"waiting\":null,\"learned_rate\":4.5" },
	{ { .waiting = WAITING_SLOWED, .learned = 1234 }, "rate limited: 1,234/s", "1,234/s",
	    "\"waiting\":null,\"learned_rate\":1234" },
	{ { .waiting = WAITING_INPUT, .learned = 61, .asked = 80 }, "waiting for input",
	    "waiting for input", "\"waiting\":\"input\",\"learned_rate\":61.0" },
	{ { .waiting = WAITING_INPUT }, "waiting for input", "waiting for input",
	    "\"waiting\":\"input\"" },
};

START_TEST(what_is_waited_for_is_said)
{
	struct buf b, want;

	buf_init(&b, 1000);
	buf_init(&want, 1000);
	progress_waiting(&b, &waits[_i].m, false);
	expect_text(&b, waits[_i].full, "full");
	progress_waiting(&b, &waits[_i].m, true);
	expect_text(&b, waits[_i].brief, "brief");
	progress_json(&b, &none, &waits[_i].m, 0);
	buf_fmt(&want,
	    "{\"type\":\"progress\",\"records\":0,\"finished\":0,\"total\":null,\"accepted\":0,"
	    "\"skipped\":0,"
	    "\"rejected\":0,\"refused\":0,\"failed\":0,\"differs\":0,\"unknown\":0,\"errors\":0,"
	    "\"requests\":0,\"retries\":0,"
	    "\"rate_limited\":0,"
	    "\"in_flight\":0,\"queued\":0,\"rate\":0.0,\"seconds\":0.000,%s}\n",
	    waits[_i].json);
	buf_byte(&want, '\0');
	expect_text(&b, want.data, "json");
	buf_free(&want);
	buf_free(&b);
}
END_TEST

START_TEST(the_json_lines_are_as_documented)
{
	struct moment m = { .elapsed_us = 83456789, .total = 250007, .in_flight = 7, .queued = 4 };
	struct buf b;

	buf_init(&b, 1000);
	progress_json(&b, &some, &m, 49.93);
	expect_text(&b,
	    "{\"type\":\"progress\",\"records\":250007,\"finished\":250000,\"total\":250007,"
	    "\"accepted\":249000,"
	    "\"skipped\":988,\"rejected\":3,\"refused\":8,\"failed\":1,\"differs\":0,\"unknown\":0,"
	    "\"errors\":12,\"requests\":"
	    "249024,\"retries\":15,"
	    "\"rate_limited\":2,\"in_flight\":7,\"queued\":4,\"rate\":49.9,\"seconds\":83.456,"
	    "\"waiting\":null}\n",
	    "progress");
	progress_json_start(&b, "us\"ers.csv", 250000);
	expect_text(&b, "{\"type\":\"start\",\"input\":\"us\\\"ers.csv\",\"total\":250000}\n",
	    "start");
	progress_json_start(&b, "-", 0);
	expect_text(&b, "{\"type\":\"start\",\"input\":\"-\",\"total\":null}\n",
	    "start without a total");
	buf_free(&b);
}
END_TEST

START_TEST(the_queue_health_says_what_it_waits_for)
{
	struct moment m = { .in_flight = 10, .queued = 52 };
	struct buf b;

	buf_init(&b, 1000);
	progress_health(&b, &some, &m, 49.93);
	expect_text(&b,
	    "Queue: 10 in flight, 52 waiting, 49.9 records/s, 15 retries, 2 answers 429",
	    "sending");
	m.speed = 1234567;
	progress_health(&b, &some, &m, 49.93);
	expect_text(&b,
	    "Queue: 10 in flight, 52 waiting, 49.9 records/s, 1.2 MB/s, 15 retries, 2 answers 429",
	    "batches");
	m = (struct moment){ .waiting = WAITING_DOWN, .waiting_us = 8 * S };
	progress_health(&b, &none, &m, 0);
	expect_text(&b,
	    "Queue: 0 in flight, 0 waiting, 0.0 records/s, 0 retries, 0 answers 429; destination "
	    "down, trying again "
	    "in 8 s",
	    "down");
	buf_free(&b);
}
END_TEST

/* The meter is fed a sample each 100 ms: so many skipped and accepted records in each. */
static double metered(struct meter *m, struct counters *c, int64_t *now, unsigned samples,
    uint64_t skipped, uint64_t accepted)
{
	for (unsigned i = 0; i < samples; i++) {
		*now += 100000;
		c->outcomes[OUTCOME_SKIPPED] += skipped;
		c->outcomes[OUTCOME_ACCEPTED] += accepted;
		meter_sample(m, c, *now);
	}
	return meter_rate(m);
}

START_TEST(the_meter_is_smooth)
{
	struct meter m = { 0 };
	struct counters c = { 0 };
	int64_t now = 77 * S;

	ck_assert(meter_rate(&m) == 0);
	meter_sample(&m, &c, now);
	/* right after a second */
	ck_assert_double_eq_tol(metered(&m, &c, &now, 10, 0, 5), 50, 0.01);
	ck_assert_double_eq_tol(metered(&m, &c, &now, 600, 0, 5), 50, 0.01);
	/* a second ten times as fast moves it a little */
	double after = metered(&m, &c, &now, 10, 0, 50);
	ck_assert(after > 60 && after < 110);
	/* two minutes, all the way */
	ck_assert_double_eq_tol(metered(&m, &c, &now, 1200, 0, 50), 500, 1);
	ck_assert(metered(&m, &c, &now, 1200, 0, 0) < 1);
}
END_TEST

/* Batches that finish far apart: the rate is theirs all the time; where no more come, it falls. */
START_TEST(the_meter_waits_for_a_batch)
{
	struct meter m = { 0 };
	struct counters c = { 0 };
	int64_t now = 7000000;

	meter_sample(&m, &c, now);
	ck_assert(metered(&m, &c, &now, 119, 0, 0) == 0);
	ck_assert_double_gt(metered(&m, &c, &now, 1, 0, 1200), 0);
	for (int i = 0; i < 10; i++) {
		double then = meter_rate(&m);
		ck_assert_double_eq(metered(&m, &c, &now, 116, 0, 0), then);
		metered(&m, &c, &now, 1, 0, 1190);
		metered(&m, &c, &now, 3, 0, 5); /* the rest of it comes a little later */
	}
	ck_assert_double_eq_tol(meter_rate(&m), 100, 3);
	ck_assert_double_eq_tol(metered(&m, &c, &now, 150, 0, 0), 100, 10);
	ck_assert_double_lt(metered(&m, &c, &now, 100, 0, 0), 40);
	metered(&m, &c, &now, 600, 0, 5); /* single ones do not wait */
	ck_assert_double_lt(metered(&m, &c, &now, 12, 0, 0), 49);
}
END_TEST

START_TEST(the_meter_does_not_count_the_passed_over_beginning)
{
	struct meter m = { 0 };
	struct counters c = { 0 };
	int64_t now = 77 * S;

	meter_sample(&m, &c, now);
	ck_assert(metered(&m, &c, &now, 30, 100000, 0) == 0);
	/* the end of it and the first fresh ones in one sample */
	metered(&m, &c, &now, 1, 100000, 3);
	ck_assert_double_eq_tol(metered(&m, &c, &now, 50, 0, 5), 50, 5);
	metered(&m, &c, &now, 600, 5, 5); /* later ones count: they are work done */
	ck_assert_double_eq_tol(metered(&m, &c, &now, 600, 5, 5), 100, 1);
}
END_TEST

static const struct ending clean = {
	.elapsed_us = 83456789,
	.started_wall_us = 1709208000 * S + 1000,
	.ended_wall_us = 1709208083 * S + 457999,
	.exit_status = 0,
	.ended_by = ENDED_BY_END_OF_INPUT,
};
static const struct ending stopped = {
	.elapsed_us = 5007 * S,
	.started_wall_us = 1709208000 * S,
	.ended_wall_us = 1709213007 * S,
	.exit_status = 130,
	.ended_by = "SIGINT",
	.rejects = "a\033b.rejected.csv",
	.resume = "run the same command again",
};
static const struct counters few = { .read = 2500,
	.outcomes = { 2500 },
	.requests = 2501,
	.bytes_sent = 500000 };
static const struct counters synced = { .read = 31,
	.outcomes = { 11, 20 },
	.requests = 12,
	.deletes = 11,
	.retries = 1,
	.rate_limited = 1 };

static const struct {
	const struct counters *c;
	const struct ending *e;
	bool aligned;
	const char *text;
} reports[] = {
	{ &few, &clean, false,
	    "  time: 1 min 23 s, 30.0 records/s\n  requests: 2501, of these 0 retries; 0 answers "
	    "429 (rate limited)\n" },
	{ &few, &(const struct ending){ .elapsed_us = 83456789, .learned = 60.7, .asked = 80 },
	    true,
	    "  time:         1 min 23 s, 30.0 records/s\n"
	    "  requests:     2,501, of these 0 retries; 0 answers 429 (rate limited)\n"
	    "  limit found:  61/s of 80/s\n" },
	{ &few, &clean, true,
	    "  time:         1 min 23 s, 30.0 records/s\n"
	    "  requests:     2,501, of these 0 retries; 0 answers 429 (rate limited)\n" },
	{ &some, &stopped, false,
	    "  time: 1 h 23 min 27 s, 49.7 records/s\n"
	    "  requests: 249024, of these 15 retries; 2 answers 429 (rate limited)\n  skipped: "
	    "988, done before\n"
	    "  not accepted: 3 rejected, 8 refused, 1 failed\n  ended by: SIGINT\n  rejects: "
	    "a\\x1bb.rejected.csv\n"
	    "  to resume: run the same command again\n" },
	{ &some, &stopped, true,
	    "  time:         1 h 23 min 27 s, 49.7 records/s\n"
	    "  requests:     249,024, of these 15 retries; 2 answers 429 (rate limited)\n  "
	    "skipped:      988, done before\n"
	    "  not accepted: 3 rejected, 8 refused, 1 failed\n  ended by:     SIGINT\n  rejects:   "
	    "   a\\x1bb.rejected.csv\n"
	    "  to resume:    run the same command again\n" },
	{ &synced, &clean, false,
	    "  time: 1 min 23 s, 0.1 records/s\n"
	    "  requests: 12, of these 1 retry; 1 answer 429 (rate limited)\n  skipped: 20, done "
	    "before\n"
	    "  deletes: 11, of people no longer in the input\n" },
	{ &none, &(const struct ending){ 0 }, false,
	    "  time: 0 ms\n  requests: 0, of these 0 retries; 0 answers 429 (rate limited)\n" },
};

START_TEST(the_report_says_what_there_is_to_say)
{
	struct buf b;

	buf_init(&b, 2000);
	report_lines(&b, reports[_i].c, reports[_i].e, reports[_i].aligned);
	expect_text(&b, reports[_i].text, "report");
	buf_free(&b);
}
END_TEST

#define SOME_MEMBERS \
	"\"records\":250007,\"processed\":249988,\"accepted\":249000,\"skipped\":988," \
	"\"rejected\":3,\"refused\":8," \
	"\"failed\":1,\"differs\":0,\"unknown\":0,\"errors\":12,\"requests\":249024,\"retries\":" \
	"15,\"rate_limited\":2," \
	"\"bytes_sent\":49876543,"

START_TEST(the_summary_has_the_documented_members)
{
	struct buf b;

	buf_init(&b, 2000);
	report_summary(&b, &some, &clean);
	expect_text(&b,
	    "{" SOME_MEMBERS
	    "\"seconds\":83.456,\"exit_status\":0,\"started_at\":\"2024-02-29T12:00:00.001Z\","
	    "\"ended_at\":\"2024-02-29T12:01:23.457Z\",\"ended_by\":\"end of input\"}\n",
	    "clean");
	struct ending slowed = clean;
	slowed.learned = 60.71;
	report_summary(&b, &few, &slowed);
	ck_assert_ptr_nonnull(
	    strstr(b.data, "\"ended_by\":\"end of input\",\"learned_rate\":60.7}\n"));
	buf_reset(&b);
	report_summary(&b, &synced, &clean);
	expect_text(&b,
	    "{\"records\":31,\"processed\":31,\"accepted\":11,\"skipped\":20,\"rejected\":0,"
	    "\"refused\":0,\"failed\":0,\"differs\":0,\"unknown\":0,"
	    "\"errors\":0,\"requests\":12,\"retries\":1,\"rate_limited\":1,\"bytes_sent\":0,"
	    "\"seconds\":83.456,\"exit_status\":0,"
	    "\"started_at\":\"2024-02-29T12:00:00.001Z\",\"ended_at\":\"2024-02-29T12:01:23.457Z\","
	    "\"ended_by\":\"end of input\","
	    "\"deletes\":11}\n",
	    "synced");
	report_json_done(&b, &some, &stopped);
	expect_text(&b,
	    "{\"type\":\"done\"," SOME_MEMBERS "\"seconds\":5007.000,\"exit_status\":130,"
	    "\"started_at\":\"2024-02-29T12:00:00.000Z\",\"ended_at\":\"2024-02-29T13:23:27.000Z\","
	    "\"ended_by\":\"SIGINT\","
	    "\"rejects\":\"a\\\\x1bb.rejected.csv\",\"resume\":\"run the same command again\"}\n",
	    "done");
	buf_free(&b);
}
END_TEST

#define METRIC(name, help, value) \
	"# HELP cio_import_last_run_" name " " help "\n# TYPE cio_import_last_run_" name \
	" gauge\n" \
	"cio_import_last_run_" name value "\n"
#define RECORDS(outcome, n) "cio_import_last_run_records{outcome=\"" outcome "\"} " n "\n"

START_TEST(the_metrics_are_what_prometheus_reads)
{
	struct buf b;

	buf_init(&b, 4000);
	report_metrics(&b, &some, &stopped);
	expect_text(&b,
	    METRIC("timestamp_seconds", "When the last run ended, in Unix time.",
	        " 1709213007.000") METRIC("duration_seconds", "How long the last run took.",
	        " 5007.000") METRIC("records", "Records of the last run, by how they ended.",
	        "{outcome=\"accepted\"} 249000") RECORDS("skipped", "988") RECORDS("rejected", "3")
	        RECORDS("refused", "8") RECORDS("failed", "1") RECORDS("differs", "0")
	            RECORDS("unknown", "0") METRIC("requests",
	                "Requests of the last run, retries included.", " 249024") METRIC("retries",
	                "Requests of the last run that were retries.", " 15") METRIC("rate_limited",
	                "Requests of the last run answered 429.", " 2") METRIC("sent_bytes",
	                "Bytes of request bodies sent by the last run.", " 49876543")
	                METRIC("exit_status",
	                    "Exit status of the last run: 0, all accepted; 1, some not.", " 130"),
	    "metrics");
	buf_free(&b);
}
END_TEST

/* A JSON line of the worst figures and names is still one object a line. */
START_TEST(every_json_line_parses)
{
	static const struct counters worst = { .read = INT64_MAX,
		.outcomes = { INT64_MAX },
		.requests = INT64_MAX };
	struct moment m = { .elapsed_us = INT64_MAX,
		.total = INT64_MAX,
		.in_flight = UINT32_MAX,
		.queued = INT64_MAX,
		.waiting = WAITING_DOWN,
		.waiting_us = INT64_MAX };
	struct ending e = { .elapsed_us = INT64_MAX,
		.ended_by = "\n\xff\"",
		.rejects = "\\\"\x01",
		.resume = "\xe2\x80\xae" };
	struct buf b;

	buf_init(&b, 4000);
	progress_json_start(&b, "\xc3\"\\\n.csv", INT64_MAX);
	progress_json(&b, &worst, &m, 1e300);
	report_summary(&b, &worst, &e);
	report_json_done(&b, &worst, &e);
	size_t at = 0;
	for (int line = 0; line < 4; line++) {
		const char *end = memchr(b.data + at, '\n', b.len - at);
		ck_assert_ptr_nonnull(end);
		json_error_t error;
		json_t *object = json_loadb(b.data + at, (size_t)(end - b.data) - at,
		    JSON_REJECT_DUPLICATES, &error);
		ck_assert_msg(json_is_object(object), "line %d: %s", line, error.text);
		json_decref(object);
		at = (size_t)(end - b.data) + 1;
	}
	ck_assert_uint_eq(at, b.len);
	buf_free(&b);
}
END_TEST

Suite *progress_suite(void)
{
	Suite *s = suite_create("progress");
	TCase *t = tcase_create("all");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, the_counters_add_up);
	tcase_add_loop_test(t, the_plain_line_is_as_documented, 0, ROWS(plain));
	tcase_add_test(t, the_done_line_is_as_documented);
	tcase_add_loop_test(t, what_is_waited_for_is_said, 0, ROWS(waits));
	tcase_add_test(t, the_json_lines_are_as_documented);
	tcase_add_test(t, the_queue_health_says_what_it_waits_for);
	tcase_add_test(t, the_meter_is_smooth);
	tcase_add_test(t, the_meter_waits_for_a_batch);
	tcase_add_test(t, the_meter_does_not_count_the_passed_over_beginning);
	tcase_add_loop_test(t, the_report_says_what_there_is_to_say, 0, ROWS(reports));
	tcase_add_test(t, the_summary_has_the_documented_members);
	tcase_add_test(t, the_metrics_are_what_prometheus_reads);
	tcase_add_test(t, every_json_line_parses);
	suite_add_tcase(s, t);
	return s;
}
