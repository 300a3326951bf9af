/* Requests: what fits a batch, and a batch cut in two. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "operation/api.h"
#include "queue/batch.h"
#include "queue/lanes.h"
#include "queue/request.h"

Suite *batch_suite(void);

static struct operation *make(size_t body_len, uint64_t key)
{
	struct operation *op = xcalloc(1, sizeof *op + body_len);
	char *body = (char *)(op + 1);

	memset(body, (char)('a' + key % 26), body_len);
	body[0] = body[body_len - 1] = '"';
	op->body = body;
	op->body_len = body_len;
	op->keys[0] = key;
	op->key_count = 1;
	return op;
}

/* A batch of {"batch":[ A , B ]} is 12 bytes and a comma longer than A and B. */
static const struct {
	size_t first, second;
	bool fits;
} sizes[] = {
	{ 32000, 467986, true },  /* 499,999 */
	{ 32000, 467987, true },  /* 500,000 */
	{ 32000, 467988, false }, /* 500,001 */
};

START_TEST(bytes_are_bounded)
{
	struct request *q = request_new(api_track_batch.envelope);
	struct operation *a = make(sizes[_i].first, 1), *b = make(sizes[_i].second, 2);

	ck_assert(batch_fits(q, a, 0));
	batch_add(q, a);
	ck_assert_int_eq(batch_fits(q, b, 0), sizes[_i].fits);
	if (sizes[_i].fits) {
		batch_add(q, b);
		batch_close(q);
		ck_assert_uint_eq(q->batch.len, 13 + sizes[_i].first + sizes[_i].second);
		ck_assert(!q->batch.over);
		ck_assert_int_eq(memcmp(q->batch.data, "{\"batch\":[\"", 11), 0);
		ck_assert_int_eq(memcmp(q->batch.data + q->batch.len - 3, "\"]}", 3), 0);
	}
	request_free(q);
	free(a);
	free(b);
}
END_TEST

START_TEST(count_is_bounded)
{
	struct request *q = request_new(api_track_batch.envelope);
	struct operation *ops[3];

	for (size_t i = 0; i < 3; i++) {
		ops[i] = make(10, i);
		ck_assert_int_eq(batch_fits(q, ops[i], 2), i < 2);
		if (i < 2)
			batch_add(q, ops[i]);
	}
	ck_assert(batch_fits(q, ops[2], 0));
	request_free(q);
	for (size_t i = 0; i < 3; i++)
		free(ops[i]);
}
END_TEST

static void expect_batch(const struct request *q, const char *text)
{
	ck_assert_int_eq((int)strlen(text), (int)q->batch.len);
	ck_assert_int_eq(memcmp(text, q->batch.data, q->batch.len), 0);
}

/* Five operations, the people given, are cut in two and three; `blocked`: how many of the second
 * half stand directly behind one of the first. */
static const struct {
	uint64_t people[5];
	size_t blocked;
} cuts[] = {
	{ { 0, 1, 2, 3, 4 }, 0 },
	{ { 0, 1, 2, 0, 4 }, 1 },
	{ { 0, 1, 0, 0, 1 }, 2 },
	{ { 0, 1, 2, 2, 2 }, 0 },
};

START_TEST(cut_in_two)
{
	struct lanes *l = lanes_new();
	struct request *q = request_new(api_track_batch.envelope),
	               *half = request_new(api_track_batch.envelope);
	struct operation *ops[5];
	char first[64], second[64];
	const uint64_t *p = cuts[_i].people;

	for (size_t i = 0; i < 5; i++) {
		ops[i] = make(3, p[i]);
		lanes_enter(l, ops[i]);
		ck_assert(batch_may_hold(q, ops[i]));
		batch_add(q, ops[i]);
	}
	batch_close(q);
	q->attempts = 3;
	batch_cut(q, q->count / 2, half, BATCH_CUT_REFUSED);
	ck_assert_uint_eq(q->count, 2);
	ck_assert_uint_eq(half->count, 3);
	ck_assert_uint_eq(q->attempts, 0);
	ck_assert_uint_eq(half->blocked, cuts[_i].blocked);
	snprintf(first, sizeof first, "{\"batch\":[\"%c\",\"%c\"]}", (int)('a' + p[0]),
	    (int)('a' + p[1]));
	snprintf(second, sizeof second, "{\"batch\":[\"%c\",\"%c\",\"%c\"]}", (int)('a' + p[2]),
	    (int)('a' + p[3]), (int)('a' + p[4]));
	expect_batch(q, first);
	expect_batch(half, second);
	for (size_t i = 0; i < 5; i++) {
		ck_assert_ptr_eq(ops[i]->request, i < 2 ? q : half);
		lanes_leave(l, ops[i]);
		free(ops[i]);
	}
	request_free(q);
	request_free(half);
	lanes_free(l);
}
END_TEST

/* Out of retries: a half is, too, and the gate has seen it; but one record alone begins anew. */
START_TEST(cut_for_failing)
{
	struct lanes *l = lanes_new();
	struct request *q = request_new(api_track_batch.envelope),
	               *half = request_new(api_track_batch.envelope);
	struct operation *ops[3];

	for (size_t i = 0; i < 3; i++) {
		ops[i] = make(3, i);
		lanes_enter(l, ops[i]);
		batch_add(q, ops[i]);
	}
	batch_close(q);
	q->attempts = 5;
	q->streak = 7;
	q->streak_failures = 4;
	batch_cut(q, 1, half, BATCH_CUT_FAILED);
	ck_assert_uint_eq(q->attempts, 0);
	ck_assert_uint_eq(q->streak_failures, 0);
	ck_assert_uint_eq(half->attempts, 5);
	ck_assert_uint_eq(half->streak, 7);
	ck_assert_uint_eq(half->streak_failures, 4);
	for (size_t i = 0; i < 3; i++) {
		lanes_leave(l, ops[i]);
		free(ops[i]);
	}
	request_free(q);
	request_free(half);
	lanes_free(l);
}
END_TEST

START_TEST(one_person_is_in_one_batch)
{
	struct lanes *l = lanes_new();
	struct request *sent = request_new(api_track_batch.envelope),
	               *open = request_new(api_track_batch.envelope);
	struct operation *a = make(3, 1), *b = make(3, 1), *other = make(3, 2);

	lanes_enter(l, a);
	batch_add(sent, a);
	lanes_enter(l, b);
	lanes_enter(l, other);
	ck_assert(batch_may_hold(sent, b));
	ck_assert(!batch_may_hold(open, b));
	ck_assert(batch_may_hold(open, other));
	lanes_leave(l, a);
	ck_assert(batch_may_hold(open, b));
	lanes_leave(l, b);
	lanes_leave(l, other);
	lanes_free(l);
	free(a);
	free(b);
	free(other);
	request_free(sent);
	request_free(open);
}
END_TEST

/* Records a second, requests a second (0: unlimited), burst; what a batch may hold then. */
static const struct {
	struct num_rate records, requests;
	uint64_t burst;
	size_t most;
} rates[] = {
	/* 20 a request reach it; a quarter more to spare */
	{ { 1000, 1000000 }, { 50, 1000000 }, 10, 26 },
	{ { 10, 1000000 }, { 50, 1000000 }, 10, 10 }, /* the burst */
	/* a hundredth of a second's worth */
	{ { 100000, 1000000 }, { 0, 0 }, 10, 1001 },
	{ { 1, 1000000 }, { 1, 3600000000 }, 1, 4501 },
};

START_TEST(record_rate_bounds_a_batch)
{
	ck_assert_uint_eq(batch_at_once(&rates[_i].records, &rates[_i].requests, rates[_i].burst),
	    rates[_i].most);
}
END_TEST

Suite *batch_suite(void)
{
	Suite *s = suite_create("batch");
	TCase *t = tcase_create("batch");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, bytes_are_bounded, 0, sizeof sizes / sizeof *sizes);
	tcase_add_test(t, count_is_bounded);
	tcase_add_loop_test(t, cut_in_two, 0, sizeof cuts / sizeof *cuts);
	tcase_add_test(t, cut_for_failing);
	tcase_add_test(t, one_person_is_in_one_batch);
	tcase_add_loop_test(t, record_rate_bounds_a_batch, 0, sizeof rates / sizeof *rates);
	suite_add_tcase(s, t);
	return s;
}
