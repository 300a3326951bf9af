/* Segments through the whole program: people in their order, and a segment as the mirror of a file
 * that is another one every night. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "dice.h"
#include "scene.h"

Suite *segments_suite(void);

#define PEOPLE 60
#define SEGMENTS 3
#define ROWS 900
#define NIGHT(s, ...) \
	HARNESS_RUN((s).harness, "in.csv", "--action=segment-add", "--segment=7", \
	    "--sync=in.sync", "--sync-deletes=segment-remove", "--rate=unlimited", \
	    "--backoff=2ms", "--backoff-max=10ms", "--retries=200", "--summary=summary.json", \
	    __VA_ARGS__)

/* Rows that put people in and take them out again, with failures of all kinds: each is where his
 * last row left him. */
START_TEST(each_is_where_the_last_row_left_him)
{
	struct dice d = dice_new("segments");
	struct scene s = scene_open(&(struct sandbox_config){ .chaos = { .seed = dice_next(&d),
	                                                          .unavailable = 5,
	                                                          .error_after = 5,
	                                                          .reset_after = 5,
	                                                          .throttled = 2,
	                                                          .delay_ms = 3 } });
	struct buf csv = { .max = BUF_UNBOUNDED };
	bool in[SEGMENTS][PEOPLE] = { { false } };
	char batch[16], segment[16], id[16];

	buf_str(&csv, "do,id,segment_id\n");
	for (int row = 0; row < ROWS; row++) {
		int who = (int)dice_below(&d, PEOPLE), which = (int)dice_below(&d, SEGMENTS);
		bool add = dice_below(&d, 3) > 0;
		buf_fmt(&csv, "%s,p%d,%d\n", add ? "segment-add" : "segment-remove", who,
		    which + 1);
		in[which][who] = add;
	}
	harness_write(s.harness, "in.csv", csv.data, csv.len);
	snprintf(batch, sizeof batch, "--batch=%d", 1 + (int)dice_below(&d, 30));
	harness_assert_status(HARNESS_RUN(s.harness, "in.csv", "--action=segment-add",
	                          "--action-field=do", "--rate=unlimited", "--backoff=2ms",
	                          "--backoff-max=10ms", "--retries=200", "-c20",
	                          "--batch-wait=20ms", "--no-adapt", batch),
	    0);
	for (int k = 0; k < SEGMENTS; k++)
		for (int p = 0; p < PEOPLE; p++) {
			snprintf(segment, sizeof segment, "%d", k + 1);
			snprintf(id, sizeof id, "p%d", p);
			ck_assert_msg(sandbox_in_segment(s.sandbox, segment, id) == in[k][p],
			    "%s is not where the last row left him in %s", id, segment);
		}
	ck_assert_uint_eq(sandbox_counters(s.sandbox).most_for_one_person, 1);
	buf_free(&csv);
	scene_close(&s);
}
END_TEST

static void write_night(struct scene *s, const bool there[PEOPLE], int night)
{
	struct buf csv = { .max = BUF_UNBOUNDED };

	buf_str(&csv, "email,night\n");
	for (int p = 0; p < PEOPLE; p++)
		if (there[p])
			buf_fmt(&csv, "p%d@example.com,%d\n", p, night);
	harness_write(s->harness, "in.csv", csv.data, csv.len);
	buf_free(&csv);
}

static void expect_mirror(struct scene *s, const bool there[PEOPLE], int night)
{
	char id[32];

	for (int p = 0; p < PEOPLE; p++) {
		snprintf(id, sizeof id, "p%d@example.com", p);
		ck_assert_msg(sandbox_in_segment(s->sandbox, "7", id) == there[p],
		    "after night %d %s is not where the file has him", night, id);
	}
}

/* What changed alone is sent, however the other columns change; who is gone is taken out. */
START_TEST(the_segment_is_the_file)
{
	struct dice d = dice_new("nights");
	struct scene s = scene_open(&(struct sandbox_config){
	    .chaos = { .seed = dice_next(&d), .unavailable = 10, .reset_before = 10 } });
	bool there[PEOPLE] = { false };
	uint64_t operations = 0;

	for (int night = 0; night < 5; night++) {
		uint64_t changes = 0;
		for (int p = 0; p < PEOPLE; p++) {
			bool now = night == 0 ? dice_one_in(&d, 2) : there[p] != dice_one_in(&d, 5);
			changes += now != there[p];
			there[p] = now;
		}
		write_night(&s, there, night);
		harness_assert_status(NIGHT(s, "--max-deletes=100%"), 0);
		expect_mirror(&s, there, night);
		operations += changes;
		ck_assert_uint_eq(sandbox_counters(s.sandbox).operations, operations);
	}
	scene_close(&s);
}
END_TEST

/* One row of everybody's: the export is broken, and nobody is taken out. */
START_TEST(too_many_deletes_are_none)
{
	struct scene s = scene_open(NULL);
	bool there[PEOPLE];

	memset(there, true, sizeof there);
	write_night(&s, there, 0);
	harness_assert_status(NIGHT(s, "-q"), 0);
	ck_assert_uint_eq(sandbox_segment_size(s.sandbox, "7"), PEOPLE);
	harness_write_text(s.harness, "in.csv", "email,night\np1@example.com,1\n");
	const struct harness_run *run = NIGHT(s, "-q");
	harness_assert_status(run, 65);
	harness_assert_err_has(run, "--max-deletes");
	ck_assert_uint_eq(sandbox_segment_size(s.sandbox, "7"), PEOPLE);
	scene_close(&s);
}
END_TEST

/* A sync file is of one segment. */
START_TEST(another_segment_is_another_sync)
{
	struct scene s = scene_open(NULL);

	harness_write_text(s.harness, "in.csv", "id\n1\n");
	harness_assert_status(NIGHT(s, "-q"), 0);
	const struct harness_run *run = HARNESS_RUN(s.harness, "in.csv", "--action=segment-add",
	    "--segment=8", "--sync=in.sync");
	harness_assert_status(run, 65);
	harness_assert_err_has(run, "in.sync");
	ck_assert_uint_eq(sandbox_segment_size(s.sandbox, "8"), 0);
	scene_close(&s);
}
END_TEST

/* A thousand a request, and as many requests as that makes. */
START_TEST(a_thousand_go_in_one_request)
{
	struct scene s = scene_open(NULL);

	scene_write_people(&s, "in.csv", 2500);
	harness_assert_status(HARNESS_RUN(s.harness, "in.csv", "--action=segment-add",
	                          "--segment=7", "--rate=unlimited"),
	    0);
	ck_assert_uint_eq(sandbox_segment_size(s.sandbox, "7"), 2500);
	ck_assert_uint_eq(sandbox_counters(s.sandbox).requests, 4); /* the check is one */
	scene_close(&s);
}
END_TEST

Suite *segments_suite(void)
{
	Suite *s = suite_create("segments");
	TCase *t = tcase_create("segments");

	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, each_is_where_the_last_row_left_him, 0, 3);
	tcase_add_test(t, the_segment_is_the_file);
	tcase_add_test(t, too_many_deletes_are_none);
	tcase_add_test(t, another_segment_is_another_sync);
	tcase_add_test(t, a_thousand_go_in_one_request);
	suite_add_tcase(s, t);
	return s;
}
