#include "run/run_state.h"

#include <stdlib.h>

#include "queue/arena.h"
#include "base/clock.h"
#include "queue/lanes.h"
#include "run/producer.h"
#include "run/feed.h"
#include "send/sender.h"

/* records that a resumed run reads past before it looks at the world again */
#define VERIFY_PIECE 20000
/* records read for the next request, unchanged or invalid ones, before it does so */
#define PULL_PIECE 20000
/* requests made ready at once for --sync: their marks cost one wait for the disk */
#define MARKED_AT_ONCE 64

struct request *intake_request(struct run *r)
{
	struct request *q = r->spare_requests;

	if (!q)
		return request_new();
	r->spare_requests = q->next;
	q->next = NULL;
	return q;
}

void intake_forget(struct run *r, struct request *q)
{
	request_recycle(q);
	q->next = r->spare_requests;
	r->spare_requests = q;
}

void intake_flush(struct run *r)
{
	if (!r->open)
		return;
	batch_close(r->open);
	list_push(&r->ready, r->open);
	r->open = NULL;
}

/* Whether op need not wait: nobody is in front of it, or all who are stand in the open batch. */
static bool has_turn(const struct run *r, const struct operation *op)
{
	if (r->o->batch && r->open)
		return batch_may_hold(r->open, op);
	for (unsigned k = 0; k < op->key_count; k++)
		if (op->ahead[k])
			return false;
	return true;
}

/* Puts op into the open batch, or leaves it waiting where the batch that was just closed for it
 * holds the same person. */
static bool place(struct run *r, struct operation *op)
{
	if (r->open && !batch_fits(r->open, op, r->batch_most))
		intake_flush(r);
	if (!has_turn(r, op))
		return false;
	if (!r->open)
		r->open = intake_request(r);
	batch_add(r->open, op);
	r->open_since = r->now;
	return true;
}

/* Packs op, and whoever waited behind it: they may stand in one batch. */
static void pack(struct run *r, struct operation *op)
{
	op->next = NULL;
	for (struct operation *todo = op; todo;) {
		op = todo;
		todo = op->next;
		if (!place(r, op))
			continue;
		for (unsigned k = 0; k < op->key_count; k++) {
			struct operation *next = op->behind[k];
			/* two merges of the same two people */
			bool twice = k == 1 && next == op->behind[0];
			if (next && !twice && !next->request && batch_may_hold(r->open, next)) {
				next->next = todo;
				todo = next;
			}
		}
	}
}

void intake_enter(struct run *r, struct operation *op)
{
	if (r->o->batch) {
		pack(r, op);
		return;
	}
	struct request *q = intake_request(r);
	request_single(q, op);
	list_push(&r->ready, q);
}

/* What was made becomes the newest of the unsettled, with its record and whom it is about copied.
 * Its path and body have room behind it, but are still where they were made. */
static struct operation *hold(struct run *r, const struct operation *made)
{
	size_t head = operation_head_size(made);
	struct operation *op = arena_take(r->arena, sizeof *op + head + operation_rest_size(made));

	*op = *made;
	operation_move_head(op, (char *)(op + 1));
	op->older = r->newest;
	if (r->newest)
		r->newest->newer = op;
	else
		r->oldest = op;
	r->newest = op;
	r->unsettled++;
	return op;
}

/* What stands in a batch by now is not kept twice. */
static void hold_rest(struct run *r, struct operation *op)
{
	size_t head = operation_head_size(op);

	if (!r->o->batch || !op->request) {
		operation_move_rest(op, (char *)(op + 1) + head);
		return;
	}
	op->path = "";
	op->body = NULL;
	arena_trim(r->arena, op, sizeof *op + head);
}

void intake_begin(struct run *r, const struct operation *made)
{
	struct operation *op = hold(r, made);

	lanes_enter(r->lanes, op);
	if (has_turn(r, op))
		intake_enter(r, op);
	hold_rest(r, op);
}

/* A valid record, which no earlier run settled. */
static void begin(struct run *r, const struct operation *made)
{
	switch (sync_look(r, made)) {
	case 1:
		intake_begin(r, made);
		break;
	case 0:
		settle_unchanged(r, made);
		break;
	default:
		/* not settled: the run that carries on reads it again */
		r->high = made->from.number - 1;
	}
}

/* Whether an earlier run settled this record; the caller goes on to the next. */
static bool is_settled(struct run *r, const struct origin *from)
{
	struct resume *s = &r->resume;

	if (!s->verifying || from->number > s->state.high)
		return false;
	if (s->next_open < s->state.open_count && s->state.open[s->next_open] == from->number) {
		s->next_open++;
		return false;
	}
	settle_skipped(r, from);
	return true;
}

/* A record was read, and made into an operation; or it says why it is none. */
static void take(struct run *r, const struct made *made)
{
	const struct operation *op = &made->op;
	bool valid = made->kind == MADE_OPERATION;

	r->doubtful |= !valid && !op->key_count;
	if (!feed_in_shard(r->o, op))
		return;
	r->c.read++;
	if (is_settled(r, &op->from)) {
		if (valid)
			sync_seen(r, op);
	} else if (!valid) {
		settle_record(r, op, made->kind == MADE_INVALID, made->why);
	} else {
		begin(r, op);
	}
}

/* Whether all records were read that the checkpoint knows of: the unsettled ones too, as far as
 * --limit reaches. */
static bool saw_all(const struct run *r)
{
	const struct resume *s = &r->resume;

	return s->next_open == s->state.open_count ||
	    (r->o->limit && s->state.open[s->next_open] > r->o->skip + r->o->limit);
}

/* Everything that the checkpoint counts as settled was read: it must be what was settled then. If
 * not, this goes on "verifying" while the run stops, for nothing may be committed over what is
 * kept. */
static void verify(struct run *r)
{
	struct resume *s = &r->resume;

	s->verifying = s->hash != s->state.hash || !saw_all(r);
	if (s->verifying)
		run_stop(r, 65, "input",
		    "%s: the first %llu records are not those that %s counts as settled: give the "
		    "same input again, or begin anew with --restart",
		    input_name(r->input, 0), (unsigned long long)s->state.high, r->o->state);
}

static void end_of_input(struct run *r)
{
	r->input_ended = true;
	if (r->resume.verifying)
		verify(r);
	if (!r->stop.asked)
		intake_flush(r);
}

/* The next number is one that the checkpoint knows nothing of. */
static bool gets_past_known(const struct run *r, const struct made *made)
{
	return r->resume.verifying && made->op.from.number > r->resume.state.high;
}

/* One record, or the news that there is none. Returns whether it is worth asking again at once. */
static bool pull(struct run *r)
{
	const struct options *o = r->o;

	if (o->limit && r->high >= o->skip + o->limit) {
		end_of_input(r);
		return false;
	}
	const struct made *made = producer_next(r->producer);
	switch (made->kind) {
	case MADE_AGAIN:
		r->input_idle = true;
		return false;
	case MADE_FAILED:
		run_stop(r, made->status, "input", "%s", made->why);
		return false;
	case MADE_END:
		end_of_input(r);
		return false;
	case MADE_OPERATION:
	case MADE_INVALID:
	case MADE_BAD:
	case MADE_PASSED:
		break;
	}
	if (gets_past_known(r, made)) {
		verify(r);
		if (r->stop.asked)
			return false;
	}
	r->high = made->op.from.number;
	const struct operation *soon = producer_soon(r->producer);
	if (soon)
		lanes_expect(r->lanes, soon->keys[0]);
	if (made->kind != MADE_PASSED)
		take(r, made);
	return true;
}

static bool may_hold_more(const struct run *r)
{
	return r->unsettled < r->unsettled_most && arena_held(r->arena) < r->held_most;
}

static void read_past_settled(struct run *r)
{
	for (int i = 0; i < VERIFY_PIECE && r->resume.verifying && !r->stop.asked; i++)
		if (!pull(r))
			return;
}

static void read_on(struct run *r)
{
	size_t wanted = r->sync && !r->o->batch ? MARKED_AT_ONCE : 1;

	for (int i = 0; r->ready.count < wanted && !r->resume.verifying && !r->stop.asked; i++) {
		if (i == PULL_PIECE) {
			r->input_more = true;
			return;
		}
		if (!may_hold_more(r)) {
			if (!sender_in_flight(r->sender))
				/* nothing that could be settled would make room */
				intake_flush(r);
			return;
		}
		bool ended = r->input_ended;
		if (!(ended ? sync_pull(r) : pull(r)) && ended == r->input_ended)
			return;
	}
}

void intake_fill(struct run *r)
{
	r->input_idle = false;
	if (r->resume.verifying)
		read_past_settled(r);
	read_on(r);
	if (r->input_ended && !r->ready.count)
		/* nothing more will come to fill it, but for those who wait for one that is on its
		 * way */
		intake_flush(r);
	sync_marks(r);
}

bool intake_done(const struct run *r)
{
	return r->input_ended && !r->unsettled && r->deletes != DELETES_LATER &&
	    r->deletes != DELETES_GO_ON;
}
