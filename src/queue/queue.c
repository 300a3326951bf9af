/* Who goes when. */
#include "queue/queue.h"

#include <stdlib.h>

#include "operation/operation.h"
#include "queue/arena.h"
#include "queue/batch.h"
#include "queue/lanes.h"

#define OPEN_MOST 16 /* batches that are packed at once, each for another path */

struct queue {
	struct queue_config c;
	struct lanes *lanes;
	struct arena *arena; /* where the operations and their bytes are */
	struct operation *oldest, *newest;
	size_t unsettled;
	struct request_list places[PLACES]; /* but of those asleep, who are in the heap */
	struct retry_heap asleep;
};

struct queue *queue_new(const struct queue_config *c)
{
	struct queue *q = xcalloc(1, sizeof *q);

	q->c = *c;
	q->lanes = lanes_new();
	q->arena = arena_new();
	return q;
}

static void free_list(struct request_list *l)
{
	for (struct request *r = l->first, *next; r; r = next) {
		next = r->next;
		request_free(r);
	}
}

/* Requests first: an operation may be in the memory that a request points to. */
void queue_free(struct queue *q)
{
	struct retry_node *n;

	if (!q)
		return;
	for (int place = 0; place < PLACES; place++)
		free_list(&q->places[place]);
	while ((n = retry_pop(&q->asleep)))
		request_free(request_of_sleep(n));
	for (struct operation *op = q->oldest, *next; op; op = next) {
		next = op->newer;
		arena_give(q->arena, op);
	}
	retry_free(&q->asleep);
	arena_free(q->arena);
	lanes_free(q->lanes);
	free(q);
}

/* -- requests -- */

struct request *queue_first(const struct queue *q, enum place place)
{
	const struct retry_node *n;

	if (place != PLACE_ASLEEP)
		return q->places[place].first;
	n = retry_top(&q->asleep);
	return n ? request_of_sleep((struct retry_node *)n) : NULL;
}

size_t queue_count(const struct queue *q, enum place place)
{
	return place == PLACE_ASLEEP ? q->asleep.count : q->places[place].count;
}

static void depart(struct queue *q, struct request *r)
{
	if (r->place == PLACE_ASLEEP)
		retry_remove(&q->asleep, &r->sleep);
	else
		list_remove(&q->places[r->place], r);
}

static void arrive(struct queue *q, struct request *r, enum place to)
{
	bool was_ready = r->place != PLACE_SPARE && r->place != PLACE_OPEN;

	if (to == PLACE_SPARE)
		request_recycle(r);
	r->place = to;
	if (to == PLACE_ASLEEP)
		retry_push(&q->asleep, &r->sleep);
	else if (to == PLACE_READY && was_ready)
		list_push_front(&q->places[to], r);
	else
		list_push(&q->places[to], r);
}

void queue_move(struct queue *q, struct request *r, enum place to)
{
	depart(q, r);
	arrive(q, r, to);
}

void queue_move_all(struct queue *q, enum place from, enum place to)
{
	struct request *r;

	/* to the front each: so the last goes first */
	while (to == PLACE_READY && (r = q->places[from].last))
		queue_move(q, r, to);
	while ((r = queue_first(q, from)))
		queue_move(q, r, to);
}

/* An empty one, which is in that place from now on. */
static struct request *take_spare(struct queue *q, enum place place)
{
	/* the last that became so: its memory may still be in the cache */
	struct request *r = q->places[PLACE_SPARE].last;

	if (!r) {
		r = request_new(q->c.envelope);
		list_push(&q->places[PLACE_SPARE], r);
	}
	queue_move(q, r, place);
	return r;
}

/* -- packing -- */

static void flush(struct queue *q, struct request *open)
{
	batch_close(open);
	queue_move(q, open, PLACE_READY);
}

void queue_flush(struct queue *q)
{
	while (q->places[PLACE_OPEN].first)
		flush(q, q->places[PLACE_OPEN].first);
}

/* The open batch that op belongs into, or NULL: there is one for each path. */
static struct request *open_for(const struct queue *q, const struct operation *op)
{
	struct request *r = q->places[PLACE_OPEN].first;

	while (r && !batch_is_for(r, op))
		r = r->next;
	return r;
}

static bool stands_first(const struct operation *op)
{
	for (unsigned k = 0; k < op->key_count; k++)
		if (op->ahead[k])
			return false;
	return true;
}

/* Whether op need not wait: nobody is in front of it, or all who are stand in its open batch. */
static bool has_turn(const struct operation *op, const struct request *open)
{
	return open ? batch_may_hold(open, op) : stands_first(op);
}

/* An empty one; if too many are open, the one that has been so for longest is closed for it. */
static struct request *open_another(struct queue *q)
{
	if (queue_count(q, PLACE_OPEN) == OPEN_MOST)
		flush(q, q->places[PLACE_OPEN].first);
	return take_spare(q, PLACE_OPEN);
}

/* Puts op into its open batch, or leaves it waiting: it is not its turn, or the batch that was just
 * closed for it holds the same person. */
static bool put(struct queue *q, struct operation *op, int64_t now)
{
	struct request *open = open_for(q, op);

	if (!has_turn(op, open))
		return false;
	if (open && !batch_fits(open, op, q->c.batch_most)) {
		flush(q, open);
		open = NULL;
		if (!stands_first(op))
			return false;
	}
	if (!open)
		open = open_another(q);
	batch_add(open, op);
	open->open_since = now;
	if (open->count == q->c.batch_most)
		flush(q, open); /* full: it need not wait */
	return true;
}

/* Packs op, and whoever waited behind it: they may stand in one batch. */
static void pack(struct queue *q, struct operation *op, int64_t now)
{
	op->next = NULL;
	for (struct operation *todo = op; todo;) {
		op = todo;
		todo = op->next;
		if (!put(q, op, now))
			continue;
		for (unsigned k = 0; k < op->key_count; k++) {
			struct operation *next = op->behind[k];
			/* two merges of the same two people */
			bool twice = k == 1 && next == op->behind[0];
			if (next && !twice && !next->request && batch_may_hold(op->request, next)) {
				next->next = todo;
				todo = next;
			}
		}
	}
}

/* If it is op's turn, into a request. */
static void enter(struct queue *q, struct operation *op, int64_t now)
{
	if (q->c.envelope)
		pack(q, op, now);
	else if (stands_first(op))
		request_append(take_spare(q, PLACE_READY), op);
}

/* -- operations -- */

bool queue_has_room(const struct queue *q)
{
	return q->unsettled < q->c.operations_most && arena_held(q->arena) < q->c.bytes_most;
}

void queue_expect(const struct queue *q, uint64_t key)
{
	lanes_expect(q->lanes, key);
}

size_t queue_unsettled(const struct queue *q)
{
	return q->unsettled;
}

const struct operation *queue_oldest(const struct queue *q)
{
	return q->oldest;
}

/* What was made becomes the newest, with its record and whom it is about copied. Its path and body
 * have room behind it, but are still where they were made. */
static struct operation *hold(struct queue *q, const struct operation *made)
{
	size_t head = operation_head_size(made);
	struct operation *op = arena_take(q->arena, sizeof *op + head + operation_rest_size(made));

	*op = *made;
	operation_move_head(op, (char *)(op + 1));
	op->older = q->newest;
	*(q->newest ? &q->newest->newer : &q->oldest) = op;
	q->newest = op;
	q->unsettled++;
	return op;
}

/* What stands in a batch by now is not kept twice. */
static void hold_rest(struct queue *q, struct operation *op)
{
	size_t head = operation_head_size(op);

	if (!q->c.envelope || !op->request) {
		operation_move_rest(op, (char *)(op + 1) + head);
		return;
	}
	op->path = "";
	op->body = NULL;
	arena_trim(q->arena, op, sizeof *op + head);
}

void queue_add(struct queue *q, const struct operation *made, int64_t now)
{
	struct operation *op = hold(q, made);

	lanes_enter(q->lanes, op);
	enter(q, op, now);
	hold_rest(q, op);
}

static void unlink_operation(struct queue *q, struct operation *op)
{
	*(op->older ? &op->older->newer : &q->oldest) = op->newer;
	*(op->newer ? &op->newer->older : &q->newest) = op->older;
	q->unsettled--;
}

/* Those directly behind a settled operation may have been waiting for it. */
static void wake_followers(struct queue *q, const struct operation *op, int64_t now)
{
	for (unsigned k = 0; k < op->key_count; k++) {
		struct operation *next = op->behind[k];
		if (!next || lanes_ahead(next, op->keys[k]))
			continue; /* nobody, or one who goes on waiting for another */
		struct request *its = next->request;
		if (!its && stands_first(next))
			enter(q, next, now);
		else if (its && its->blocked && --its->blocked == 0)
			queue_move(q, its, PLACE_READY);
	}
}

void queue_settle(struct queue *q, struct operation *op, int64_t now)
{
	unlink_operation(q, op);
	lanes_leave(q->lanes, op);
	wake_followers(q, op, now);
	arena_give(q->arena, op);
}

void queue_abandon(struct operation *op)
{
	op->request = NULL;
}

/* -- batches that were not taken as they were -- */

void queue_cut(struct queue *q, struct request *r, size_t kept, enum batch_cut why)
{
	struct request *half = take_spare(q, PLACE_BLOCKED);

	batch_cut(r, kept, half, why);
	if (!half->blocked)
		queue_move(q, half, PLACE_READY);
	queue_move(q, r, PLACE_READY);
}

static struct request *rest_of(struct queue *q, const struct request *r)
{
	struct request *rest = take_spare(q, PLACE_OUT);

	request_set_path(rest, r->path.data, r->path.len);
	return rest;
}

struct request *queue_rest(struct queue *q, struct request *r)
{
	struct request *rest = NULL;

	for (size_t i = 0; i < r->count; i++) {
		if (!r->operations[i])
			continue;
		if (!rest)
			rest = rest_of(q, r);
		batch_add(rest, r->operations[i]);
	}
	if (rest) {
		rest->tries = r->tries;
		batch_close(rest);
	}
	queue_move(q, r, PLACE_SPARE);
	return rest;
}

/* -- what is due -- */

int64_t queue_tick(struct queue *q, int64_t now)
{
	struct retry_node *n;
	int64_t due = INT64_MAX;

	while ((n = retry_top(&q->asleep)) && n->due <= now)
		queue_move(q, request_of_sleep(n), PLACE_READY);
	if (n)
		due = n->due;
	for (struct request *r = q->places[PLACE_OPEN].first, *next; r; r = next) {
		int64_t full_at = r->open_since + q->c.batch_wait_us;
		next = r->next;
		if (now >= full_at)
			flush(q, r);
		else if (full_at < due)
			due = full_at;
	}
	return due;
}
