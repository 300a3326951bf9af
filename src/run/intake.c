/* Records in: read past what is settled, and into the queue. */
#include "run/run_state.h"

#include <inttypes.h>

#include "input/input.h"
#include "queue/queue.h"
#include "run/producer.h"
#include "run/sync.h"
#include "send/sender.h"
#include "show/display.h"

#define VERIFY_PIECE \
	20000             /* records that a resumed run reads past before it looks at the world \
	                   */
#define PULL_PIECE 20000  /* records read for the next request, unchanged or invalid ones, ditto */
#define MARKED_AT_ONCE 64 /* requests made ready at once for --sync: one wait for the disk */

static bool verifying(const struct run *r)
{
	return r->intake.resume.verifying;
}

/* A valid record, which no earlier run settled. */
static void begin(struct run *r, const struct operation *made)
{
	const struct operation *overtaken = sync_overtaken(r->sync, made);
	struct reason why;

	if (overtaken)
		settle_unchanged(r, overtaken);
	switch (sync_look(r->sync, made, &why)) {
	case 2: /* held back */
		break;
	case 1:
		queue_add(r->queue, made, r->now);
		break;
	case 0:
		settle_unchanged(r, made);
		break;
	default:
		stop_failed(&r->stop, CAUSE_SYNC, &why);
		/* not settled: the run that carries on reads it again */
		r->intake.high = made->from.number - 1;
	}
}

/* -- a resumed run -- */

/* Whether an earlier run settled this record; the caller goes on to the next. */
static bool is_settled(struct run *r, const struct origin *from)
{
	struct resume *s = &r->intake.resume;

	if (!s->verifying || from->number > s->state.high)
		return false;
	if (s->next_open < s->state.open_count && s->state.open[s->next_open] == from->number) {
		s->next_open++;
		return false;
	}
	settle_skipped(r, from);
	return true;
}

/* Whether it may have left in an earlier run: then nobody knows, and it is not sent again. */
static bool was_intended(const struct run *r, const struct origin *from)
{
	const struct checkpoint_state *s = &r->intake.resume.state;

	for (size_t i = 0; i < s->intended_count; i++)
		if (s->intended[i] == from->number)
			return true;
	return false;
}

/* Whether all records were read that the checkpoint knows of: the unsettled ones too, as far as
 * --limit reaches. */
static bool saw_all(const struct run *r)
{
	const struct resume *s = &r->intake.resume;

	return s->next_open == s->state.open_count ||
	    (r->o->limit && s->state.open[s->next_open] > r->o->skip + r->o->limit);
}

/* Everything that the checkpoint counts as settled was read: it must be what was settled then. If
 * not, this goes on "verifying" while the run stops, for nothing may be committed over what is
 * kept. */
static void verify(struct run *r)
{
	struct resume *s = &r->intake.resume;

	s->verifying = s->hash != s->state.hash || !saw_all(r);
	if (s->verifying)
		stop_for(&r->stop, CAUSE_INPUT,
		    "%s: the first %" PRIu64 " records are not those that %s counts as settled: "
		    "give the same input again, or begin anew with --restart",
		    input_name(r->feed.input, 0), s->state.high, r->o->state);
	else
		settle_commit(r); /* which run the events to come are of, before one leaves */
}

/* The next number is one that the checkpoint knows nothing of. */
static bool gets_past_known(const struct run *r, const struct made *made)
{
	return verifying(r) && made->op.from.number > r->intake.resume.state.high;
}

/* -- one after another -- */

static void seen(struct run *r, const struct operation *op)
{
	struct reason why;

	if (sync_seen(r->sync, op, &why) != 0)
		stop_failed(&r->stop, CAUSE_SYNC, &why);
}

/* A record was read, and made into an operation; or it says why it is none. */
static void take(struct run *r, const struct made *made)
{
	const struct operation *op = &made->op;
	bool valid = made->kind == MADE_OPERATION;

	r->intake.doubtful |= !valid && !op->key_count;
	if (!feed_in_shard(r->o, op))
		return;
	r->tally.c.read++;
	if (is_settled(r, &op->from)) {
		if (valid)
			seen(r, op);
	} else if (was_intended(r, &op->from)) {
		settle_lost(r, op);
	} else if (!valid) {
		settle_record(r, op, made->kind == MADE_INVALID, made->why);
	} else if (!feed_in_sample(&r->feed, op)) {
		r->tally.c.unsampled++;
		settle_unchanged(r, op);
	} else {
		begin(r, op);
	}
}

/* What a person should know of the FILEs, now that they were read. */
static void say_notices(struct run *r)
{
	struct reason what;

	while (input_notice(r->feed.input, &what))
		display_message(r->display, DISPLAY_NOTICE, "%s", what.text);
}

static void end_of_input(struct run *r)
{
	r->intake.ended = true;
	if (verifying(r))
		verify(r);
	if (!stop_asked(&r->stop))
		queue_flush(r->queue);
}

/* Nothing more can be read. What was read before is whole, and is settled first. */
static void failed(struct run *r, const struct made *made)
{
	struct intake *i = &r->intake;

	reason_exit(&i->why, made->status, "%s", made->why);
	if (verifying(r)) {
		stop_failed(&r->stop, CAUSE_INPUT, &i->why);
		return;
	}
	i->ended = i->broken = true;
	queue_flush(r->queue);
}

/* One record, or the news that there is none. Returns whether it is worth asking again at once. */
static bool pull(struct run *r)
{
	const struct options *o = r->o;

	if (o->limit && r->intake.high >= o->skip + o->limit) {
		end_of_input(r);
		return false;
	}
	const struct made *made = producer_next(r->feed.producer);
	switch (made->kind) {
	case MADE_AGAIN:
		r->intake.idle = true;
		return false;
	case MADE_FAILED:
		failed(r, made);
		return false;
	case MADE_END:
		say_notices(r);
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
		if (stop_asked(&r->stop))
			return false;
	}
	r->intake.high = made->op.from.number;
	const struct operation *soon = producer_soon(r->feed.producer);
	if (soon)
		queue_expect(r->queue, soon->keys[0]);
	if (made->kind != MADE_PASSED)
		take(r, made);
	return true;
}

/* -- deletes, once the input has ended -- */

static void decide_deletes(struct run *r)
{
	struct reason why;
	bool doubtful = r->intake.doubtful || r->tally.c.outcomes[OUTCOME_REJECTED] > 0;
	enum keep keep = sync_decide(r->sync, r->tally.c.read, doubtful, &why);

	if (keep == KEEP_TOO_MANY)
		stop_failed(&r->stop, CAUSE_MAX_DELETES, &why);
	else if (keep == KEEP_EMPTY)
		stop_failed(&r->stop, CAUSE_INPUT, &why);
	else if (keep != KEEP_NOBODY)
		display_message(r->display, DISPLAY_NOTICE, "%s", why.text);
	if (sync_deletes(r->sync) != DELETES_GO_ON)
		return;
	tally_count_all(&r->tally);
	tally_grow(&r->tally, sync_missing(r->sync));
}

/* Nothing is left to do but to say why the input has ended. */
static void end_broken(struct run *r)
{
	if (queue_unsettled(r->queue) == 0)
		stop_failed(&r->stop, CAUSE_INPUT, &r->intake.why);
}

/* No other row of their person has come: the next that was held back is sent. Whether there was
 * one. */
static bool pull_held(struct run *r)
{
	const struct operation *op;
	struct reason why;
	int found = sync_next_held(r->sync, &op, &why);

	if (found == 1)
		queue_add(r->queue, op, r->now);
	else if (found < 0)
		stop_failed(&r->stop, CAUSE_SYNC, &why);
	return found == 1;
}

/* What comes behind the input: the next delete. Returns whether it is worth asking again at once.
 */
static bool pull_delete(struct run *r)
{
	struct operation op;
	struct reason why;

	if (r->intake.broken) {
		end_broken(r);
		return false;
	}
	if (pull_held(r))
		return true;
	if (sync_deletes(r->sync) == DELETES_LATER && queue_unsettled(r->queue) == 0)
		decide_deletes(r);
	if (sync_deletes(r->sync) != DELETES_GO_ON)
		return false;
	int found = sync_next_delete(r->sync, &r->feed.operation, &op, &why);
	if (found > 0) {
		r->tally.c.read++;
		r->tally.c.deletes++;
	}
	if (found == 1)
		queue_add(r->queue, &op, r->now);
	else if (found == 2)
		settle_record(r, &op, true, why.text);
	else if (found < 0)
		stop_failed(&r->stop, CAUSE_SYNC, &why);
	else
		queue_flush(r->queue);
	return found > 0;
}

/* -- as many as are wanted -- */

static void read_past_settled(struct run *r)
{
	for (int i = 0; i < VERIFY_PIECE && verifying(r) && !stop_asked(&r->stop); i++)
		if (!pull(r))
			return;
}

static void read_on(struct run *r)
{
	size_t wanted = r->sync && !r->o->api->envelope ? MARKED_AT_ONCE : 1;

	for (int i = 0;
	     queue_count(r->queue, PLACE_READY) < wanted && !verifying(r) && !stop_asked(&r->stop);
	     i++) {
		if (i == PULL_PIECE) {
			r->intake.more = true;
			return;
		}
		if (!queue_has_room(r->queue)) {
			if (!sender_in_flight(r->sender))
				/* nothing that could be settled would make room */
				queue_flush(r->queue);
			return;
		}
		bool ended = r->intake.ended;
		if (!(ended ? pull_delete(r) : pull(r)) && ended == r->intake.ended)
			return;
	}
}

/* Whether a record is wanted: to read past, or because nothing else is there to be sent. */
static bool is_wanted(const struct run *r)
{
	if (stop_asked(&r->stop))
		return false;
	if (verifying(r))
		return true;
	return r->check.answered && !r->check.wanted && !r->gate.closed &&
	    !queue_first(r->queue, PLACE_READY) && sender_free_slots(r->sender);
}

void intake_fill(struct run *r)
{
	struct reason why;

	r->intake.idle = false; /* what is not wanted is not waited for */
	if (!is_wanted(r))
		return;
	if (verifying(r))
		read_past_settled(r);
	read_on(r);
	if (r->intake.ended && !queue_first(r->queue, PLACE_READY))
		/* nothing more will come to fill it, but for those who wait for one that is on its
		 * way */
		queue_flush(r->queue);
	if (sync_marks(r->sync, &why) != 0)
		stop_failed(&r->stop, CAUSE_SYNC, &why);
}

bool intake_done(const struct run *r)
{
	enum deletes deletes = sync_deletes(r->sync);

	return r->intake.ended && !r->intake.broken && queue_unsettled(r->queue) == 0 &&
	    sync_held(r->sync, NULL) == 0 && deletes != DELETES_LATER && deletes != DELETES_GO_ON;
}
