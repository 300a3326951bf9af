/* Messages through the whole program: each at most once, whatever goes wrong, and each accounted
 * for. The server counts what it is sent twice. Kills are in check_once.c. */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "scene.h"

Suite *messages_suite(void);

#define SEND \
	"--action=send-email", "--message=44", "--rate=unlimited", "--backoff=1ms", \
	    "--backoff-max=10ms", "--summary=summary.json", "--results=results"
#define RUN(s, ...) HARNESS_RUN((s).harness, SEND, __VA_ARGS__)

static void write_messages(struct scene *s, int count)
{
	struct buf csv = { .max = BUF_UNBOUNDED };

	buf_str(&csv, "id,email,order\n");
	for (int i = 1; i <= count; i++)
		buf_fmt(&csv, "p%d,p%d@example.com,%d\n", i, i, i);
	harness_write(s->harness, "in.csv", csv.data, csv.len);
	buf_free(&csv);
}

static uint64_t sent(struct scene *s)
{
	return sandbox_counters(s->sandbox).messages;
}

static uint64_t twice(struct scene *s)
{
	return sandbox_counters(s->sandbox).messages_twice;
}

START_TEST(each_is_sent_once_with_its_data)
{
	struct scene s = scene_open(NULL);

	write_messages(&s, 3);
	harness_assert_status(RUN(s, "in.csv", "-c1"), 0);
	ck_assert_uint_eq(sent(&s), 3);
	ck_assert_uint_eq(twice(&s), 0);
	json_t *all = sandbox_messages(s.sandbox);
	json_t *want = json_pack("{s:{s:s}, s:i, s:s, s:{s:s, s:s}}", "identifiers", "id", "p1",
	    "transactional_message_id", 44, "to", "p1@example.com", "message_data", "email",
	    "p1@example.com", "order", "1");
	ck_assert(json_equal(json_object_get(json_array_get(all, 0), "body"), want));
	json_decref(want);
	json_decref(all);
	char *results = harness_read(s.harness, "results", NULL);
	ck_assert_ptr_nonnull(strstr(results,
	    "{\"record\":1,\"line\":2,\"id\":\"p1\",\"action\":\"send-email\",\"outcome\":"
	    "\"accepted\",\"status\":200,\"attempts\":1,\"delivery_id\":\"sandbox-1\"}\n"));
	free(results);
	ck_assert(!harness_exists(s.harness, "in.csv.cio-state"));
	scene_close(&s);
}
END_TEST

/* What surely did not arrive is tried again; what may have is not, and is told. */
static const struct {
	struct sandbox_fault fault;
	bool again; /* else unknown */
	const char *said;
} faults[] = {
	{ { .act = SANDBOX_STATUS, .status = 429 }, true, NULL },
	{ { .act = SANDBOX_STATUS, .status = 503 }, true, NULL },
	{ { .act = SANDBOX_STATUS, .status = 500 }, false, "status 500: it may have been sent" },
	{ { .act = SANDBOX_STATUS, .status = 500, .process = true }, false, "status 500" },
	{ { .act = SANDBOX_STATUS, .status = 502 }, false, "status 502" },
	{ { .act = SANDBOX_STATUS, .status = 504 }, false, "status 504" },
	{ { .act = SANDBOX_STATUS, .status = 408 }, false, "status 408" },
	{ { .act = SANDBOX_RESET }, false, "it may have been sent, and is not sent again" },
	{ { .act = SANDBOX_RESET, .process = true }, false, "it may have been sent" },
	{ { .act = SANDBOX_CUT, .process = true }, false, "it may have been sent" },
	{ { .act = SANDBOX_CUT_HEAD, .process = true }, false, "it may have been sent" },
	{ { .act = SANDBOX_HANG, .process = true }, false, "it may have been sent" },
	{ { .act = SANDBOX_STATUS,
	      .status = 200,
	      .headers = "Content-Type: text/html",
	      .body = "<html></html>" },
	    false, "but a web page: not the API answers" },
};

START_TEST(what_may_have_arrived_is_not_sent_again)
{
	struct scene s = scene_open(NULL);

	write_messages(&s, 3);
	sandbox_add_rule(s.sandbox,
	    &(struct sandbox_rule){ .path = "/send/", .body = "p2@", .fault = faults[_i].fault });
	const struct harness_run *run = RUN(s, "in.csv", "--timeout=1s");
	harness_assert_status(run, faults[_i].again ? 0 : 1);
	ck_assert_uint_eq(twice(&s), 0);
	ck_assert_uint_eq(sent(&s), faults[_i].again || faults[_i].fault.process ? 3 : 2);
	ck_assert_int_eq(scene_summary(&s, "unknown"), !faults[_i].again);
	ck_assert_int_eq(scene_summary(&s, "accepted"), faults[_i].again ? 3 : 2);
	if (!faults[_i].again) {
		harness_assert_err_has(run, "in.csv:3: user p2: ");
		harness_assert_err_has(run, faults[_i].said);
		harness_assert_err_has(run, "0 failed, 1 unknown");
		harness_assert_err_has(run,
		    "  unknown: may have been sent already, and would be sent a second time if "
		    "fed in again: look into ");
		char *rejects = harness_read(s.harness, "in.rejected.csv", NULL);
		ck_assert_ptr_nonnull(strstr(rejects, "p2,p2@example.com,2,3,unknown,"));
		free(rejects);
	}
	scene_close(&s);
}
END_TEST

START_TEST(what_is_refused_was_not_sent)
{
	struct scene s = scene_open(NULL);

	harness_write_text(s.harness, "in.csv",
	    "id,email,tracked\n1,a@b.com,maybe\n2,,\n3,c@d.com,\n");
	const struct harness_run *run = RUN(s, "in.csv");
	harness_assert_status(run, 1);
	harness_assert_err_has(run, "in.csv:2: user 1: tracked: \"maybe\" is not true or false");
	harness_assert_err_has(run,
	    "in.csv:3: user 2: it goes to nobody: give the record a field `to`");
	ck_assert_uint_eq(sent(&s), 1);
	ck_assert_int_eq(scene_summary(&s, "rejected"), 2);
	scene_close(&s);
}
END_TEST

/* Where there is no connection nothing left: an outage costs no message. */
START_TEST(an_outage_costs_no_message)
{
	struct scene s = scene_open(NULL);

	write_messages(&s, 40);
	sandbox_set_outage(s.sandbox, true); /* 503 to the check, too */
	struct harness_child *child = HARNESS_START(s.harness, SEND, "in.csv", "-c4");
	ck_assert(harness_wait_for(child, "destination down", SOON));
	sandbox_set_outage(s.sandbox, false);
	harness_assert_status(harness_finish(child), 0);
	ck_assert_uint_eq(sent(&s), 40);
	ck_assert_uint_eq(twice(&s), 0);
	scene_close(&s);
}
END_TEST

/* While the sends fail in a way that tells nothing, the check is asked whether it is over: no
 * message is spent on finding out. */
START_TEST(no_message_is_a_probe)
{
	struct scene s = scene_open(NULL);

	write_messages(&s, 60);
	sandbox_add_rule(s.sandbox,
	    &(struct sandbox_rule){ .passes = 3,
	        .times = 40,
	        .fault = { .act = SANDBOX_STATUS, .status = 500 } });
	harness_assert_status(RUN(s, "in.csv", "-c1"), 1);
	int64_t lost = scene_summary(&s, "unknown");
	ck_assert_msg(lost >= 10 && lost <= 12, "%d messages were spent", (int)lost);
	ck_assert_uint_eq(sent(&s), 60 - (uint64_t)lost);
	ck_assert_uint_eq(twice(&s), 0);
	scene_close(&s);
}
END_TEST

/* 401 takes the intent back: the run that carries on sends it. */
START_TEST(credentials_that_end_take_nothing_with_them)
{
	struct scene s = scene_open(NULL);

	write_messages(&s, 30);
	sandbox_add_rule(s.sandbox,
	    &(struct sandbox_rule){ .path = "/send/",
	        .passes = 10,
	        .fault = { .act = SANDBOX_STATUS, .status = 401 } });
	harness_assert_status(RUN(s, "in.csv", "-c1"), 77);
	ck_assert_uint_eq(sent(&s), 10);
	harness_assert_status(RUN(s, "in.csv"), 0);
	ck_assert_uint_eq(sent(&s), 30);
	ck_assert_uint_eq(twice(&s), 0);
	scene_close(&s);
}
END_TEST

/* Stopped by a signal: what was ready and had not left is sent by the next run. */
START_TEST(a_stop_loses_nothing)
{
	struct scene s = scene_open(&(struct sandbox_config){ .latency_ms = 20 });

	write_messages(&s, 200);
	struct harness_child *child = HARNESS_START(s.harness, SEND, "in.csv", "-c3");
	ck_assert(sandbox_wait(s.sandbox, 30, SOON));
	harness_signal(child, SIGTERM);
	harness_assert_status(harness_finish(child), 143);
	harness_assert_status(RUN(s, "in.csv", "-c20"), 0);
	ck_assert_uint_eq(sent(&s), 200);
	ck_assert_uint_eq(twice(&s), 0);
	scene_close(&s);
}
END_TEST

START_TEST(drafts_send_nothing)
{
	struct scene s = scene_open(NULL);

	write_messages(&s, 5);
	harness_assert_status(RUN(s, "in.csv", "--draft"), 0);
	ck_assert_uint_eq(sent(&s), 0);
	ck_assert_uint_eq(sandbox_counters(s.sandbox).drafts, 5);
	scene_close(&s);
}
END_TEST

/* -- broadcasts: many people a call, and each call is a send of its own -- */

#define TRIGGER(s, ...) \
	HARNESS_RUN((s).harness, "--action=broadcast", "--broadcast=3", "--summary=summary.json", \
	    "--results=results", "--backoff=1ms", "--rate=unlimited", __VA_ARGS__)

static struct scene with_people(int count)
{
	struct scene s = scene_open(NULL);

	scene_write_people(&s, "in.csv", count);
	harness_assert_status(HARNESS_RUN(s.harness, "in.csv", "--batch", "-q", "--rate=unlimited"),
	    0);
	return s;
}

static void set_failing(struct scene *s, struct sandbox_fault fault)
{
	sandbox_add_rule(s->sandbox, &(struct sandbox_rule){ .path = "/triggers", .fault = fault });
}

START_TEST(a_broadcast_is_one_call)
{
	struct scene s = with_people(2500);

	harness_assert_status(TRIGGER(s, "in.csv"), 0);
	ck_assert_uint_eq(sandbox_counters(s.sandbox).triggers, 1);
	ck_assert_uint_eq(sent(&s), 2500);
	char *results = harness_read(s.harness, "results", NULL);
	ck_assert_uint_eq(harness_count_lines(results, "\"trigger_id\":\"1\""), 2500);
	free(results);
	/* more than a call may hold, in as many as it takes */
	harness_assert_status(TRIGGER(s, "in.csv", "--batch=1000"), 0);
	ck_assert_uint_eq(sandbox_counters(s.sandbox).triggers, 4);
	scene_close(&s);
}
END_TEST

/* 422: nobody was sent to, and nothing is cut into calls that each would be a send. */
START_TEST(a_refused_broadcast_is_not_cut)
{
	struct scene s = with_people(3);

	harness_write_text(s.harness, "in.csv", "id,order\np1,7\nnobody,8\np2,9\n");
	const struct harness_run *run = TRIGGER(s, "in.csv", "--restart");
	harness_assert_status(run, 1);
	ck_assert_int_eq(scene_summary(&s, "refused"), 3);
	harness_assert_err_has(run, "in.csv:2: user p1: 422 ");
	harness_assert_err_has(run, "a recipient is not a person here");
	ck_assert_uint_eq(sent(&s), 0);
	ck_assert_int_eq(scene_summary(&s, "requests"), 2);
	harness_assert_status(TRIGGER(s, "in.csv", "--ignore-missing"), 0);
	ck_assert_uint_eq(sent(&s), 2);
	json_t *all = sandbox_messages(s.sandbox);
	json_t *data =
	    json_object_get(json_array_get(json_object_get(json_object_get(json_array_get(all, 0),
	                                                       "body"),
	                                       "per_user_data"),
	                        2),
	        "data");
	ck_assert_str_eq(json_string_value(json_object_get(data, "order")), "9");
	json_decref(all);
	scene_close(&s);
}
END_TEST

START_TEST(a_lost_broadcast_is_not_triggered_again)
{
	static const struct sandbox_fault lost[] = {
		{ .act = SANDBOX_RESET, .process = true },
		{ .act = SANDBOX_STATUS, .status = 500, .process = true },
		{ .act = SANDBOX_STATUS, .status = 429 },
		{ .act = SANDBOX_STATUS, .status = 503 },
	};
	bool again = _i >= 2;
	struct scene s = with_people(5);

	set_failing(&s, lost[_i]);
	harness_assert_status(TRIGGER(s, "in.csv"), again ? 0 : 1);
	ck_assert_int_eq(scene_summary(&s, "unknown"), again ? 0 : 5);
	ck_assert_uint_eq(sandbox_counters(s.sandbox).triggers, 1);
	ck_assert_uint_eq(twice(&s), 0);
	scene_close(&s);
}
END_TEST

/* Retries used up on 503, too: in halves it would be two sends. */
START_TEST(a_failed_broadcast_is_not_cut)
{
	struct scene s = with_people(4);

	sandbox_add_rule(s.sandbox,
	    &(struct sandbox_rule){ .path = "/triggers",
	        .times = -1,
	        .fault = { .act = SANDBOX_STATUS, .status = 503 } });
	harness_assert_status(TRIGGER(s, "in.csv", "--retries=2"), 1);
	ck_assert_int_eq(scene_summary(&s, "failed"), 4);
	for (size_t i = 0; i < sandbox_arrivals(s.sandbox); i++)
		if (strstr(sandbox_arrival(s.sandbox, i).path, "/triggers"))
			ck_assert_uint_eq(sandbox_arrival(s.sandbox, i).people, 4);
	scene_close(&s);
}
END_TEST

/* The pace is the triggers' own: the check before the first does not hold it up for ten seconds. */
START_TEST(the_check_is_not_paced)
{
	struct scene s = with_people(1);
	int64_t began = sandbox_arrival(s.sandbox, sandbox_arrivals(s.sandbox) - 1).at_us;
	const struct harness_run *run = HARNESS_RUN(s.harness, "in.csv", "--action=broadcast",
	    "--broadcast=3", "--timeout=5s");

	harness_assert_status(run, 0);
	struct sandbox_arrival last = sandbox_arrival(s.sandbox, sandbox_arrivals(s.sandbox) - 1);
	ck_assert_ptr_nonnull(strstr(last.path, "/triggers"));
	ck_assert_msg(last.at_us - began < 8000000, "%d ms", (int)((last.at_us - began) / 1000));
	scene_close(&s);
}
END_TEST

Suite *messages_suite(void)
{
	Suite *s = suite_create("messages");
	TCase *t = tcase_create("messages");

	tcase_set_timeout(t, 240);
	tcase_add_test(t, each_is_sent_once_with_its_data);
	tcase_add_loop_test(t, what_may_have_arrived_is_not_sent_again, 0,
	    (int)(sizeof faults / sizeof *faults));
	tcase_add_test(t, what_is_refused_was_not_sent);
	tcase_add_test(t, an_outage_costs_no_message);
	tcase_add_test(t, no_message_is_a_probe);
	tcase_add_test(t, credentials_that_end_take_nothing_with_them);
	tcase_add_test(t, a_stop_loses_nothing);
	tcase_add_test(t, drafts_send_nothing);
	tcase_add_test(t, a_broadcast_is_one_call);
	tcase_add_test(t, a_refused_broadcast_is_not_cut);
	tcase_add_loop_test(t, a_lost_broadcast_is_not_triggered_again, 0, 4);
	tcase_add_test(t, a_failed_broadcast_is_not_cut);
	tcase_add_test(t, the_check_is_not_paced);
	suite_add_tcase(s, t);
	return s;
}
