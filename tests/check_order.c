/*
 * One person's records keep their order: random inputs with many rows a person, random delays and
 * failures, any concurrency, single requests and batches, merges among them. The server must see
 * each person's rows in the input's order and never two of them at once.
 */
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "dice.h"
#include "harness.h"
#include "sandbox.h"
#include "scene.h"

Suite *order_suite(void);

#define ROWS 600
#define ROUNDS (harness_is_under() ? 4 : 8)

static void make_input(struct buf *out, struct dice *d, int people)
{
	for (int row = 0; row < ROWS; row++)
		buf_fmt(out, "{\"id\":\"p%d\",\"row\":%d}\n", (int)dice_below(d, people), row);
}

static int row_at(const json_t *history, size_t i)
{
	return (int)json_integer_value(
	    json_object_get(json_object_get(json_array_get(history, i), "attributes"), "row"));
}

/*
 * Rows rise. A request that was processed and whose answer was lost is processed again, as a whole:
 * then a person's rows in it, the last ones there were, come once more, all of them and in the same
 * order.
 */
static void check_person(struct sandbox *s, const char *id)
{
	json_t *history = sandbox_history(s, id);
	size_t n = json_array_size(history), from;

	for (size_t i = 1; i < n; i++) {
		if (row_at(history, i) > row_at(history, i - 1))
			continue;
		for (from = i; from > 0 && row_at(history, from - 1) != row_at(history, i); from--)
			;
		ck_assert_msg(from > 0, "%s: row %d came after row %d", id, row_at(history, i),
		    row_at(history, i - 1));
		size_t end = i;
		for (size_t k = from - 1; k < end; k++, i++)
			ck_assert_msg(row_at(history, i) == row_at(history, k),
			    "%s: row %d came after row %d, not row %d", id, row_at(history, i),
			    row_at(history, i - 1), row_at(history, k));
		i--;
	}
	json_decref(history);
}

START_TEST(order_is_kept)
{
	struct dice d = dice_new("order");
	int people = 1 << dice_below(&d, 8);
	bool batch = _i % 2 == 1;
	char concurrency[16], batches[32];
	struct sandbox_config config = {
		.chaos = {
			.seed = dice_next(&d), .unavailable = 5, .error_after = 5, .reset_before = 5, .reset_after = 5, .cut = 5,
			.throttled = 2, .delay_ms = (unsigned)dice_below(&d, 8),
		},
	};
	struct sandbox *s = sandbox_start(&config);
	struct buf input = { .max = BUF_UNBOUNDED };

	ck_assert_ptr_nonnull(s);
	struct harness *h = harness_new(s);
	make_input(&input, &d, people);
	printf("%d people, concurrency up to 40, %s\n", people,
	    batch ? "batches" : "single requests");
	fflush(stdout);
	harness_stdin(h, input.data, input.len);
	snprintf(concurrency, sizeof concurrency, "-c%d", 1 + (int)dice_below(&d, 40));
	snprintf(batches, sizeof batches, "--batch=%d", 1 + (int)dice_below(&d, 50));
	const struct harness_run *run = HARNESS_RUN(h, "--rate=unlimited", "--backoff=2ms",
	    "--backoff-max=10ms", "--retries=200", concurrency, batch ? batches : "--no-adapt");
	harness_assert_status(run, 0);
	for (int p = 0; p < people; p++) {
		char id[16];
		snprintf(id, sizeof id, "p%d", p);
		check_person(s, id);
	}
	ck_assert_uint_eq(sandbox_counters(s).most_for_one_person, 1);
	buf_free(&input);
	harness_free(h);
	sandbox_stop(s);
}
END_TEST

/* A merge counts for both people: what stands before it is settled first, what stands behind it
 * waits. */
START_TEST(merge_counts_for_both)
{
	struct sandbox_config config = { .latency_ms = 20 };
	struct sandbox *s = sandbox_start(&config);

	ck_assert_ptr_nonnull(s);
	struct harness *h = harness_new(s);
	harness_stdin_text(h,
	    "{\"id\":\"a\",\"x\":1}\n"
	    "{\"id\":\"b\",\"x\":2}\n"
	    "{\"do\":\"merge\",\"primary_id\":\"a\",\"secondary_id\":\"b\"}\n"
	    "{\"id\":\"b\",\"x\":3}\n"
	    "{\"id\":\"c\",\"x\":4}\n");
	harness_assert_status(HARNESS_RUN(h, "--action-field=do", "--rate=unlimited", "-c10",
	                          "--format=ndjson"),
	    0);
	const char *paths[] = { "/customers/a", "/customers/b", "/merge_customers",
		"/customers/b" };
	size_t next = 0, n = sandbox_arrivals(s);
	int64_t answered = 0;
	for (size_t i = 0; i < n; i++) {
		struct sandbox_arrival a = sandbox_arrival(s, i);
		if (!strstr(a.path, "/customers/c") && next < 4 && strstr(a.path, paths[next])) {
			if (next >= 2)
				ck_assert_msg(a.at_us >= answered,
				    "%s left before the one in front was answered", a.path);
			if (a.answered_us > answered)
				answered = a.answered_us;
			next++;
		}
		if (strstr(a.path, "/customers/c"))
			ck_assert_msg(next <= 3, "the other person did not overtake");
	}
	ck_assert_uint_eq(next, 4);
	harness_free(h);
	sandbox_stop(s);
}
END_TEST

/* One person owns all rows: memory stays bounded, and the rows go one by one. */
START_TEST(one_person_owns_all)
{
	struct sandbox_config config = { .lean = true };
	struct sandbox *s = sandbox_start(&config);
	struct buf input = { .max = BUF_UNBOUNDED };

	ck_assert_ptr_nonnull(s);
	struct harness *h = harness_new(s);
	for (int row = 0; row < (harness_is_under() ? 5000 : 20000); row++)
		buf_fmt(&input, "{\"id\":\"me\",\"row\":%d,\"text\":\"%0200d\"}\n", row, row);
	harness_write(h, "in.ndjson", input.data, input.len);
	const struct harness_run *run = HARNESS_RUN(h, "in.ndjson", "--rate=unlimited",
	    "--batch=100");
	harness_assert_status(run, 0);
	if (!scene_is_instrumented())
		ck_assert_msg(run->max_rss_kib < 32 * 1024, "%ld KiB resident", run->max_rss_kib);
	ck_assert_uint_eq(sandbox_counters(s).most_for_one_person, 1);
	buf_free(&input);
	harness_free(h);
	sandbox_stop(s);
}
END_TEST

Suite *order_suite(void)
{
	Suite *s = suite_create("order");
	TCase *t = tcase_create("order");

	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, order_is_kept, 0, ROUNDS);
	tcase_add_test(t, merge_counts_for_both);
	tcase_add_test(t, one_person_owns_all);
	suite_add_tcase(s, t);
	return s;
}
