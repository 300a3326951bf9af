/* verify through the whole program: a file that was imported is there, and what is not as it should
 * be is said, counted, kept, and mended by importing what is kept. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "scene.h"

Suite *verify_suite(void);

#define VERIFY(s, ...) \
	HARNESS_RUN((s).harness, "--action=verify", "--rate=unlimited", "--summary=summary.json", \
	    "--results=results", __VA_ARGS__)

static const char people[] = "id,plan,seats,created_at,vip,notes\n"
                             "1,pro,5,2024-02-29,true,\"a \"\"b\"\"\"\n"
                             "2,free,7.50,2024-03-01,false,\n"
                             "3,pro,,,true,Zürich\n";
#define TYPES "--type=seats:float,vip:bool"

static struct scene imported(void)
{
	struct scene s = scene_open(NULL);

	harness_write_text(s.harness, "in.csv", people);
	harness_assert_status(HARNESS_RUN(s.harness, "in.csv", TYPES, "--rate=unlimited"), 0);
	return s;
}

START_TEST(what_was_imported_is_there)
{
	struct scene s = imported();
	const struct harness_run *run = VERIFY(s, "in.csv", TYPES);

	harness_assert_status(run, 0);
	harness_assert_err_has(run, "Done: 3 processed, 0 errors");
	ck_assert_int_eq(scene_summary(&s, "accepted"), 3);
	ck_assert_int_eq(scene_summary(&s, "differs"), 0);
	ck_assert_int_eq(scene_summary(&s, "requests"), 2); /* one for all, one for the check */
	ck_assert(!harness_exists(s.harness, "in.rejected.csv"));
	scene_close(&s);
}
END_TEST

START_TEST(what_differs_is_said_kept_and_mended)
{
	struct scene s = imported();

	harness_write_text(s.harness, "in.csv",
	    "id,plan,seats\n1,free,5\n2,free,7.5\n3,pro,1\n4,pro,2\n");
	const struct harness_run *run = VERIFY(s, "in.csv", "--type=seats:float");
	harness_assert_status(run, 1);
	harness_assert_err_has(run, "in.csv:2: user 1: plan: \"pro\" is there\n");
	harness_assert_err_has(run, "in.csv:4: user 3: seats: nothing is there\n");
	harness_assert_err_has(run, "in.csv:5: user 4: nobody is there\n");
	harness_assert_err_has(run, "Done: 1 processed, 3 errors");
	harness_assert_err_has(run, "0 rejected, 0 refused, 0 failed, 3 differs");
	harness_assert_file_is(s.harness, "in.rejected.csv",
	    "id,plan,seats,_cio_line,_cio_outcome,_cio_status,_cio_error,_cio_raw\n"
	    "1,free,5,2,differs,200,\"plan: \"\"pro\"\" is there\",\n"
	    "3,pro,1,4,differs,200,\"seats: nothing is there\",\n"
	    "4,pro,2,5,differs,200,\"nobody is there\",\n");
	harness_assert_file_is(s.harness, "results",
	    "{\"record\":1,\"line\":2,\"id\":\"1\",\"action\":\"verify\",\"outcome\":\"differs\","
	    "\"status\":200,\"attempts\":1,\"error\":\"plan: \\\"pro\\\" is there\"}\n"
	    "{\"record\":2,\"line\":3,\"id\":\"2\",\"action\":\"verify\",\"outcome\":\"accepted\","
	    "\"status\":200,\"attempts\":1}\n"
	    "{\"record\":3,\"line\":4,\"id\":\"3\",\"action\":\"verify\",\"outcome\":\"differs\","
	    "\"status\":200,\"attempts\":1,\"error\":\"seats: nothing is there\"}\n"
	    "{\"record\":4,\"line\":5,\"id\":\"4\",\"action\":\"verify\",\"outcome\":\"differs\","
	    "\"status\":200,\"attempts\":1,\"error\":\"nobody is there\"}\n");
	/* the rejects are the next import, as they stand, and the command says so */
	harness_assert_err_has(run, " --action=identify --rate=unlimited ");
	harness_assert_status(HARNESS_RUN(s.harness, "in.rejected.csv", "--type=seats:float",
	                          "--rate=unlimited"),
	    0);
	harness_assert_status(VERIFY(s, "in.csv", "--type=seats:float", "--restart"), 0);
	scene_close(&s);
}
END_TEST

/* By each identifier, and from NDJSON. */
START_TEST(people_are_read_back_as_they_are_named)
{
	static const struct {
		const char *input, *path;
	} rows[] = {
		{ "{\"id\":7,\"deep\":{\"b\":[1,2.50],\"a\":\"x\"},\"big\":12345678901,\"no\":null}"
		  "\n",
		    "?id_type=id" },
		{ "{\"email\":\"Ann@b.com\",\"x\":1.50}\n", "?id_type=email" },
		{ "{\"cio_id\":\"cio_03\",\"x\":true}\n", "?id_type=cio_id" },
	};
	struct scene s = scene_open(NULL);

	harness_write_text(s.harness, "in.ndjson", rows[_i].input);
	harness_assert_status(HARNESS_RUN(s.harness, "in.ndjson", "--rate=unlimited"), 0);
	harness_assert_status(VERIFY(s, "in.ndjson"), 0);
	struct sandbox_arrival last = sandbox_arrival(s.sandbox, sandbox_arrivals(s.sandbox) - 1);
	ck_assert_msg(strstr(last.path, rows[_i].path) != NULL, "%s", last.path);
	scene_close(&s);
}
END_TEST

/* The last row of a person is what is there; in one request the earlier are judged by it. */
START_TEST(rows_of_one_person_are_judged_by_the_last)
{
	struct scene s = scene_open(NULL);

	harness_write_text(s.harness, "in.csv", "id,plan\n1,free\n2,x\n1,pro\n");
	harness_assert_status(HARNESS_RUN(s.harness, "in.csv", "--rate=unlimited"), 0);
	harness_assert_status(VERIFY(s, "in.csv"), 0);
	/* in requests of their own an earlier row differs where a later one changed it */
	harness_assert_status(VERIFY(s, "in.csv", "--batch=1", "--restart"), 1);
	ck_assert_int_eq(scene_summary(&s, "differs"), 1);
	scene_close(&s);
}
END_TEST

/* A hundred a request; an address of another kind is that record's fault. */
START_TEST(a_hundred_are_asked_for_at_once)
{
	struct scene s = scene_open(NULL);

	scene_write_people(&s, "in.csv", 250);
	harness_assert_status(HARNESS_RUN(s.harness, "in.csv", "--batch", "--rate=unlimited"), 0);
	harness_assert_status(VERIFY(s, "in.csv", "-q"), 0);
	ck_assert_int_eq(scene_summary(&s, "requests"), 4);
	ck_assert_int_eq(scene_summary(&s, "accepted"), 250);
	scene_close(&s);
}
END_TEST

/* Failures of all kinds on the way, and a run that is carried on: nothing differs. */
START_TEST(trouble_is_not_a_difference)
{
	struct scene s = scene_open(NULL);

	scene_write_people(&s, "in.csv", 2000);
	harness_assert_status(HARNESS_RUN(s.harness, "in.csv", "--batch", "--rate=unlimited"), 0);
	sandbox_set_chaos(s.sandbox,
	    &(struct sandbox_chaos){ .seed = 5,
	        .unavailable = 15,
	        .reset_before = 10,
	        .cut = 10,
	        .login_page = 10,
	        .throttled = 5 });
	harness_assert_status(VERIFY(s, "in.csv", "-q", "--retries=100", "--backoff=1ms",
	                          "--backoff-max=5ms"),
	    0);
	ck_assert_int_eq(scene_summary(&s, "accepted"), 2000);
	scene_close(&s);
}
END_TEST

START_TEST(a_sample_is_about_as_many)
{
	static const char *const samples[] = { "--sample=10%", "--sample=100" };
	struct scene s = scene_open(NULL);

	scene_write_people(&s, "in.csv", 1000);
	harness_assert_status(HARNESS_RUN(s.harness, "in.csv", "--batch", "--rate=unlimited"), 0);
	const struct harness_run *run = VERIFY(s, "in.csv", samples[_i]);
	harness_assert_status(run, 0);
	int64_t asked = scene_summary(&s, "accepted");
	ck_assert_msg(asked > 50 && asked < 150, "%d", (int)asked);
	ck_assert_int_eq(scene_summary(&s, "skipped"), 1000 - asked);
	harness_assert_err_has(run, ", not in the sample\n");
	harness_assert_err_lacks(run, "done before");
	/* the same people each time, and more of them are the same ones and others */
	harness_assert_status(VERIFY(s, "in.csv", samples[_i]), 0);
	ck_assert_int_eq(scene_summary(&s, "accepted"), asked);
	/* of a pipe nobody knows how many it has */
	harness_stdin_text(s.harness, "id\n1\n");
	run = VERIFY(s, samples[_i]);
	harness_assert_status(run, _i == 0 ? 0 : 64);
	if (_i == 1)
		harness_assert_err_has(run, "--sample: how many records there are is not known");
	scene_close(&s);
}
END_TEST

/* An answer that is longer than is kept is asked for in halves. */
START_TEST(a_long_answer_is_asked_for_in_halves)
{
	struct scene s = scene_open(NULL);
	struct buf in = { .max = BUF_UNBOUNDED };

	for (int i = 0; i < 40; i++) {
		buf_fmt(&in, "{\"id\":\"p%d\"", i);
		for (int k = 0; k < 50; k++)
			buf_fmt(&in, ",\"a%d\":\"%0900d\"", k, i);
		buf_str(&in, "}\n");
	}
	harness_write(s.harness, "in.ndjson", in.data, in.len);
	harness_assert_status(HARNESS_RUN(s.harness, "in.ndjson", "--rate=unlimited"), 0);
	harness_assert_status(VERIFY(s, "in.ndjson", "-q"), 0);
	ck_assert_int_eq(scene_summary(&s, "accepted"), 40);
	ck_assert_int_gt(scene_summary(&s, "requests"), 2);
	buf_free(&in);
	scene_close(&s);
}
END_TEST

Suite *verify_suite(void)
{
	Suite *s = suite_create("verify");
	TCase *t = tcase_create("verify");

	tcase_set_timeout(t, 120);
	tcase_add_test(t, what_was_imported_is_there);
	tcase_add_test(t, what_differs_is_said_kept_and_mended);
	tcase_add_loop_test(t, people_are_read_back_as_they_are_named, 0, 3);
	tcase_add_test(t, rows_of_one_person_are_judged_by_the_last);
	tcase_add_test(t, a_hundred_are_asked_for_at_once);
	tcase_add_test(t, trouble_is_not_a_difference);
	tcase_add_loop_test(t, a_sample_is_about_as_many, 0, 2);
	tcase_add_test(t, a_long_answer_is_asked_for_in_halves);
	suite_add_tcase(s, t);
	return s;
}
