/*
 * The queue against a model that is as simple as can be: the operations in input order, and where
 * the test itself has put each request. After every step each person must be in order, each request
 * in one place, and nobody may be waiting for nothing.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "dice.h"
#include "operation/api.h"
#include "queue/batch.h"
#include "queue/queue.h"

Suite *queue_suite(void);

#define MOST 400 /* operations of a script */
#define PEOPLE 7
#define WAIT_US 100
#define PATHS 20 /* more than are packed at once */

static const char *const paths[PATHS] = { "/a", "/b", "/c", "/d", "/e", "/f", "/g", "/h", "/i",
	"/jj", "/k", "/l", "/m", "/n", "/o", "/p", "/q", "/r", "/s", "/t" };

/* As ck_assert, which writes to a pipe each time: there are millions. */
#define expect(condition) \
	do { \
		if (!(condition)) \
			ck_abort_msg("not so: " #condition); \
	} while (0)

struct model {
	struct dice dice;
	struct queue *queue;
	struct queue_config c;
	struct envelope envelope; /* of a few bodies, in half of the scripts */
	const struct api *api;
	bool paths; /* the operations have different ones */
	int64_t now;
	/* by the operation's number, from 1 */
	struct {
		uint64_t keys[2];
		unsigned key_count;
		char body[40];
		const char *path;
		bool in; /* unsettled */
	} ops[MOST + 1];
	uint64_t added;
	size_t in;
};

/* -- what must be true after every step -- */

static bool share(const struct model *m, uint64_t a, uint64_t b)
{
	for (unsigned i = 0; i < m->ops[a].key_count; i++)
		for (unsigned j = 0; j < m->ops[b].key_count; j++)
			if (m->ops[a].keys[i] == m->ops[b].keys[j])
				return true;
	return false;
}

/* The operations by number, as the queue has them. */
static void collect(const struct model *m, const struct operation *by_number[MOST + 1])
{
	uint64_t last = 0;
	size_t n = 0;

	memset(by_number, 0, (MOST + 1) * sizeof *by_number);
	for (const struct operation *op = queue_oldest(m->queue); op; op = op->newer) {
		expect(op->from.number > last);
		last = op->from.number;
		expect(m->ops[last].in);
		expect(strcmp(op->id, "somebody") == 0);
		by_number[last] = op;
		n++;
	}
	expect(n == m->in);
	expect(queue_unsettled(m->queue) == m->in);
}

/* An operation stands once in its request, behind whoever it has to wait for. */
static void expect_request_of(const struct model *m, const struct operation *op)
{
	const struct request *r = op->request;
	size_t times = 0;

	expect(r->place != PLACE_SPARE);
	for (size_t i = 0; i < r->count; i++) {
		times += r->operations[i] == op;
		if (i > 0)
			expect(r->operations[i]->from.number != r->operations[i - 1]->from.number);
		if (times == 0 && share(m, r->operations[i]->from.number, op->from.number))
			expect(r->operations[i]->from.number < op->from.number);
		else if (times && share(m, r->operations[i]->from.number, op->from.number))
			expect(r->operations[i]->from.number >= op->from.number);
	}
	expect(times == 1);
	expect(strcmp(m->paths ? request_path(r, m->api) : "", m->ops[op->from.number].path) == 0);
	size_t closing = r->place == PLACE_OPEN ? m->envelope.closing_len : 0;
	expect(
	    r->count == 1 || (m->c.envelope && r->batch.len + closing <= m->envelope.bytes_most));
	if (m->c.batch_most)
		expect(r->count <= m->c.batch_most);
}

/* Whether somebody older who shares a person with op is unsettled, elsewhere than in `except`. */
static bool has_older(const struct model *m, const struct operation *const *by_number,
    const struct operation *op, const struct request *except)
{
	for (uint64_t n = 1; n < op->from.number; n++)
		if (by_number[n] && share(m, n, op->from.number) &&
		    (!except || by_number[n]->request != except))
			return true;
	return false;
}

static void expect_turn(const struct model *m, const struct operation *const *by_number,
    const struct request *r)
{
	bool waits = false;

	for (size_t i = 0; i < r->count; i++)
		waits |= has_older(m, by_number, r->operations[i], r);
	expect(waits == (r->place == PLACE_BLOCKED));
}

static size_t count_in_places(const struct model *m)
{
	size_t operations = 0;

	for (enum place p = PLACE_OPEN; p < PLACES; p++) {
		size_t n = 0;
		if (p == PLACE_ASLEEP)
			continue;
		for (const struct request *r = queue_first(m->queue, p); r; r = r->next) {
			expect(r->place == p);
			expect(r->count > 0);
			if (p == PLACE_OPEN && m->c.batch_most)
				expect(r->count < m->c.batch_most); /* a full one is ready */
			operations += r->count;
			n++;
		}
		expect(n == queue_count(m->queue, p));
	}
	return operations;
}

static void expect_all(struct model *m)
{
	const struct operation *by_number[MOST + 1];
	size_t waiting = 0, asleep = 0;

	collect(m, by_number);
	for (uint64_t n = 1; n <= m->added; n++) {
		const struct operation *op = by_number[n];
		if (!op)
			continue;
		if (!op->request) {
			waiting++;
			expect(has_older(m, by_number, op, NULL));
			continue;
		}
		expect_request_of(m, op);
		asleep += op->request->place == PLACE_ASLEEP;
		if (op->request->operations[0] == op)
			expect_turn(m, by_number, op->request);
	}
	expect(count_in_places(m) + asleep + waiting == m->in);
}

/* -- steps -- */

static void add(struct model *m)
{
	struct operation made = { .from.raw = "{}", .from.raw_len = 2, .id = "somebody" };
	uint64_t n = made.from.number = ++m->added;
	int64_t kind = dice_below(&m->dice, 10);

	made.id_len = strlen(made.id) + 1; /* so that the copy is a string */
	made.key_count = m->ops[n].key_count = kind == 0 ? 0 : kind < 3 ? 2 : 1;
	for (unsigned k = 0; k < made.key_count; k++)
		made.keys[k] = m->ops[n].keys[k] = 1 + (uint64_t)dice_below(&m->dice, PEOPLE);
	int len = snprintf(m->ops[n].body, sizeof m->ops[n].body, "{\"n\":%d,\"pad\":\"%.*s\"}",
	    (int)n, (int)dice_below(&m->dice, 8), "xxxxxxxxx");
	char body[sizeof m->ops[n].body];
	memcpy(body, m->ops[n].body, sizeof body);
	made.body = body;
	made.body_len = (size_t)len;
	char path[8];
	m->ops[n].path = m->paths ? paths[dice_below(&m->dice, PATHS)] : "";
	made.path_len = strlen(m->ops[n].path);
	memcpy(path, m->ops[n].path, made.path_len + 1);
	made.path = path;
	m->ops[n].in = true;
	m->in++;
	queue_add(m->queue, &made, m->now);
	memset(body, '#', sizeof body); /* they must have been copied */
	memset(path, '#', sizeof path);
}

static void settle(struct model *m, struct operation *op)
{
	m->ops[op->from.number].in = false;
	m->in--;
	queue_settle(m->queue, op, m->now);
}

static void settle_all(struct model *m, struct request *r)
{
	for (size_t i = 0; i < r->count; i++)
		settle(m, r->operations[i]);
	queue_move(m->queue, r, PLACE_SPARE);
}

static void expect_bytes(const struct model *m, const struct request *r)
{
	struct buf want = { .max = 1 << 20 };

	if (m->c.envelope)
		buf_str(&want, "{\"batch\":[");
	for (size_t i = 0; i < r->count; i++) {
		if (i)
			buf_byte(&want, ',');
		buf_str(&want, m->ops[r->operations[i]->from.number].body);
	}
	if (m->c.envelope)
		buf_str(&want, "]}");
	const char *has = m->c.envelope ? r->batch.data : r->operations[0]->body;
	ck_assert_uint_eq(m->c.envelope ? r->batch.len : r->operations[0]->body_len, want.len);
	ck_assert_int_eq(memcmp(has, want.data, want.len), 0);
	buf_free(&want);
}

static void leave(struct model *m)
{
	enum place from = dice_one_in(&m->dice, 4) ? PLACE_PROBES : PLACE_READY;
	struct request *r = queue_first(m->queue, from);

	if (!r)
		return;
	expect_bytes(m, r);
	queue_move(m->queue, r, PLACE_OUT);
}

/* Some of a batch are settled, the others sent again, in halves where there are several. */
static void partly(struct model *m, struct request *r)
{
	batch_bodies(r);
	for (size_t i = 0; i < r->count; i++) {
		if (!dice_one_in(&m->dice, 2))
			continue;
		struct operation *op = r->operations[i];
		r->operations[i] = NULL;
		settle(m, op);
	}
	unsigned tries = r->tries = 3;
	struct request *rest = queue_rest(m->queue, r);
	if (!rest)
		return;
	ck_assert_uint_eq(rest->tries, tries);
	ck_assert_int_eq(rest->place, PLACE_OUT);
	if (rest->count > 1)
		queue_cut(m->queue, rest,
		    1 + (size_t)dice_below(&m->dice, (int64_t)rest->count - 1), BATCH_CUT_REFUSED);
	else
		queue_move(m->queue, rest, PLACE_READY);
}

static struct request *one_out(struct model *m)
{
	size_t n = queue_count(m->queue, PLACE_OUT);
	struct request *r = queue_first(m->queue, PLACE_OUT);

	for (int64_t i = n ? dice_below(&m->dice, (int64_t)n) : 0; i > 0; i--)
		r = r->next;
	return r;
}

static void answer(struct model *m)
{
	struct request *r = one_out(m);

	if (!r)
		return;
	switch (dice_below(&m->dice, 8)) {
	case 0:
		r->sleep.due = m->now + dice_below(&m->dice, 3 * WAIT_US);
		queue_move(m->queue, r, PLACE_ASLEEP);
		break;
	case 1:
		queue_move(m->queue, r,
		    dice_one_in(&m->dice, 2)     ? PLACE_PROBES :
		        dice_one_in(&m->dice, 2) ? PLACE_EXHAUSTED :
		                                   PLACE_SUSPECTS);
		break;
	case 2:
		queue_move(m->queue, r, PLACE_READY);
		ck_assert_ptr_eq(queue_first(m->queue, PLACE_READY), r); /* before the others */
		break;
	case 3:
	case 4:
		if (m->c.envelope && r->count > 1)
			queue_cut(m->queue, r,
			    1 + (size_t)dice_below(&m->dice, (int64_t)r->count - 1),
			    dice_one_in(&m->dice, 2) ? BATCH_CUT_FAILED : BATCH_CUT_REFUSED);
		else
			settle_all(m, r);
		break;
	case 5:
		if (m->c.envelope)
			partly(m, r);
		else
			settle_all(m, r);
		break;
	default:
		settle_all(m, r);
	}
}

static void move_all(struct model *m)
{
	static const enum place ways[][2] = {
		{ PLACE_EXHAUSTED, PLACE_PROBES },
		{ PLACE_SUSPECTS, PLACE_PROBES },
		{ PLACE_ASLEEP, PLACE_PROBES },
		{ PLACE_PROBES, PLACE_READY },
	};
	const enum place *way = ways[dice_below(&m->dice, 4)];
	struct request *first = queue_first(m->queue, way[0]);
	size_t before = queue_count(m->queue, way[0]), there = queue_count(m->queue, way[1]);

	queue_move_all(m->queue, way[0], way[1]);
	ck_assert_uint_eq(queue_count(m->queue, way[0]), 0);
	ck_assert_uint_eq(queue_count(m->queue, way[1]), before + there);
	if (first && way[1] == PLACE_READY)
		ck_assert_ptr_eq(queue_first(m->queue, PLACE_READY), first);
}

/* After a tick nobody sleeps who is due, no batch waits that is, and it says when the next is. */
static void tick(struct model *m)
{
	m->now += dice_below(&m->dice, 2 * WAIT_US);
	int64_t due = queue_tick(m->queue, m->now);
	const struct request *sleeper = queue_first(m->queue, PLACE_ASLEEP);

	ck_assert_int_gt(due, m->now);
	if (sleeper) {
		ck_assert_int_gt(sleeper->sleep.due, m->now);
		ck_assert_int_le(due, sleeper->sleep.due);
	}
	if (queue_first(m->queue, PLACE_OPEN))
		ck_assert_int_le(due, m->now + WAIT_US);
	else
		ck_assert_int_eq(due, sleeper ? sleeper->sleep.due : INT64_MAX);
}

static void step(struct model *m, bool adding)
{
	switch (dice_below(&m->dice, 12)) {
	case 0:
		tick(m);
		break;
	case 1:
		move_all(m);
		break;
	case 2:
		queue_flush(m->queue);
		ck_assert_ptr_null(queue_first(m->queue, PLACE_OPEN));
		break;
	case 3:
	case 4:
	case 5:
		answer(m);
		break;
	case 6:
	case 7:
	case 8:
		leave(m);
		break;
	default:
		if (adding && m->added < MOST && queue_has_room(m->queue))
			add(m);
	}
}

/* 0: single requests, 1: batches, 2: batches for several paths */
static struct model *model_new(struct dice dice, int kind)
{
	struct model *m = xcalloc(1, sizeof *m);
	bool batches = kind > 0;

	m->dice = dice;
	m->envelope = *api_track_batch.envelope;
	if (dice_one_in(&m->dice, 2))
		m->envelope.bytes_most = 40 + (size_t)dice_below(&m->dice, 120);
	m->c = (struct queue_config){
		.envelope = batches ? &m->envelope : NULL,
		.batch_most = (size_t)dice_below(&m->dice, 6),
		.batch_wait_us = WAIT_US,
		.operations_most = 2 + (size_t)dice_below(&m->dice, 60),
		.bytes_most = 1 << 20,
	};
	m->api = batches ? &api_track_batch : &api_track;
	m->paths = kind != 1;
	m->queue = queue_new(&m->c);
	return m;
}

static void model_free(struct model *m)
{
	queue_free(m->queue);
	free(m);
}

START_TEST(it_does_what_the_model_says)
{
	struct dice dice = dice_new("it_does_what_the_model_says");

	for (int script = 0; script < 40; script++) {
		dice_next(&dice);
		struct model *m = model_new(dice, _i);
		while (m->added < MOST) {
			step(m, true);
			expect_all(m);
			ck_assert_uint_le(m->in, m->c.operations_most);
		}
		/* nothing is left: the answers come, and all ends */
		for (int left = 100000; m->in > 0; left--) {
			ck_assert_int_gt(left, 0);
			step(m, false);
			expect_all(m);
		}
		for (enum place p = PLACE_OPEN; p < PLACES; p++)
			ck_assert_uint_eq(queue_count(m->queue, p), 0);
		model_free(m);
	}
}
END_TEST

/* A run may end at any moment: the sanitizer looks at what is left. */
START_TEST(it_can_be_left_at_any_time)
{
	struct dice dice = dice_new("it_can_be_left_at_any_time");

	for (int script = 0; script < 40; script++) {
		dice_next(&dice);
		struct model *m = model_new(dice, _i);
		for (int64_t steps = dice_below(&m->dice, 300); steps > 0; steps--)
			step(m, true);
		struct request *out = one_out(m);
		if (out && dice_one_in(&m->dice, 2)) {
			for (size_t i = 0; i < out->count; i++)
				queue_abandon(out->operations[i]);
			queue_move(m->queue, out, PLACE_SPARE);
		}
		ck_assert_uint_eq(queue_unsettled(m->queue), m->in);
		model_free(m);
	}
	queue_free(NULL);
}
END_TEST

static struct queue *with_three(const struct queue_config *c)
{
	struct operation made = { .from.raw = "", .id = "", .path = "", .body = "" };
	struct queue *q = queue_new(c);

	for (made.from.number = 1; made.from.number <= 3; made.from.number++)
		queue_add(q, &made, 10 * (int64_t)made.from.number);
	return q;
}

/* Who has never left goes behind those who have, and otherwise in the input's order. */
START_TEST(those_who_come_back_go_first)
{
	const struct queue_config c = { .operations_most = MOST, .bytes_most = 1 << 20 };
	struct queue *q = with_three(&c);
	struct request *first = queue_first(q, PLACE_READY);
	uint64_t number = 0;

	for (const struct request *r = first; r; r = r->next)
		ck_assert_uint_eq(r->operations[0]->from.number, ++number);
	ck_assert_uint_eq(number, 3);
	queue_move(q, first, PLACE_OUT);
	first->sleep.due = 5;
	queue_move(q, first, PLACE_ASLEEP);
	ck_assert_ptr_eq(queue_first(q, PLACE_ASLEEP), first);
	ck_assert_uint_eq(queue_count(q, PLACE_ASLEEP), 1);
	ck_assert_int_eq(queue_tick(q, 4), 5);
	ck_assert_int_eq(queue_tick(q, 5), INT64_MAX);
	ck_assert_ptr_eq(queue_first(q, PLACE_READY), first);
	queue_free(q);
}
END_TEST

/* A batch that is not full waits from the last operation on that came into it. */
START_TEST(a_batch_waits_for_more)
{
	const struct queue_config c = { .envelope = api_track_batch.envelope,
		.batch_wait_us = WAIT_US,
		.operations_most = MOST,
		.bytes_most = 1 << 20 };
	struct queue *q = with_three(&c);

	ck_assert_int_eq(queue_tick(q, 29 + WAIT_US), 30 + WAIT_US);
	ck_assert_ptr_null(queue_first(q, PLACE_READY));
	ck_assert_int_eq(queue_tick(q, 30 + WAIT_US), INT64_MAX);
	ck_assert_ptr_nonnull(queue_first(q, PLACE_READY));
	queue_free(q);
}
END_TEST

/* Room is a matter of operations and of their bytes. */
START_TEST(room_ends)
{
	struct queue_config c = { .operations_most = 2, .bytes_most = 1 << 20 };
	struct operation made = { .from.raw = "", .id = "", .path = "", .body = "" };
	struct queue *q = queue_new(&c);

	for (int i = 0; i < 2; i++) {
		ck_assert(queue_has_room(q));
		queue_add(q, &made, 0);
	}
	ck_assert(!queue_has_room(q));
	queue_free(q);
	c = (struct queue_config){ .operations_most = 1000, .bytes_most = 10000 };
	q = queue_new(&c);
	char raw[12000] = "";
	made.from.raw = raw;
	made.from.raw_len = sizeof raw;
	ck_assert(queue_has_room(q));
	queue_add(q, &made, 0);
	ck_assert(!queue_has_room(q));
	queue_free(q);
}
END_TEST

Suite *queue_suite(void)
{
	Suite *suite = suite_create("queue");
	TCase *t = tcase_create("queue");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, it_does_what_the_model_says, 0, 3);
	tcase_add_loop_test(t, it_can_be_left_at_any_time, 0, 3);
	tcase_add_test(t, those_who_come_back_go_first);
	tcase_add_test(t, a_batch_waits_for_more);
	tcase_add_test(t, room_ends);
	suite_add_tcase(suite, t);
	return suite;
}
