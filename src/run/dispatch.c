/* What leaves next, and when: past the pace, the gate, and the record rate. */
#include "run/run_state.h"

#include "base/clock.h"
#include "queue/queue.h"
#include "send/pace.h"
#include "send/sender.h"
#include "show/display.h"

/* Whether nothing but those whose fault is not known is left, and can leave. */
static bool is_stuck(const struct run *r)
{
	const struct queue *q = r->queue;

	return r->check.answered && !r->gate.closed &&
	    (queue_first(q, PLACE_EXHAUSTED) || queue_first(q, PLACE_SUSPECTS)) &&
	    !queue_first(q, PLACE_READY) && !queue_first(q, PLACE_OPEN) &&
	    !queue_first(q, PLACE_ASLEEP) && !sender_in_flight(r->sender);
}

/* Then only the credentials check can say whose fault a failure is. What may leave is looked for
 * again where somebody's fault became known. */
static bool get_unstuck(struct run *r)
{
	if (!is_stuck(r) || r->check.wanted)
		return false;
	if (responses_settle_suspects(r))
		return true;
	r->check.wanted = true;
	return false;
}

/* What may be sent but once is no probe: while the destination is down the check is asked. */
static bool probes_by_check(const struct run *r)
{
	return r->o->api->once && r->gate.closed && r->check.answered;
}

static bool wants_check(const struct run *r)
{
	return r->check.wanted || (probes_by_check(r) && !sender_in_flight(r->sender));
}

/* Which request would leave next, but for the check; it stays where it is. NULL: none can. A run
 * that is carried on sends nothing before it knows that its input is the same one: until then
 * nothing that it settled would be written down. */
static struct request *next_up(const struct run *r)
{
	struct request *probe = r->gate.closed ? queue_first(r->queue, PLACE_PROBES) : NULL;

	if (!r->check.answered || r->intake.resume.verifying || probes_by_check(r))
		return NULL;
	return probe ? probe : queue_first(r->queue, PLACE_READY);
}

static bool is_paced(const struct run *r, const struct request *q)
{
	return q || !r->o->api->check_apart;
}

/* When it may leave; NULL: the check. */
static int64_t leaves_at(struct run *r, const struct request *q, int64_t now)
{
	int64_t at = is_paced(r, q) ? pace_ready(r->pace, now) : now,
	        gate = gate_ready(&r->gate, now), records = now;
	int64_t spread = q ? sender_ready_at(r->sender) : now;

	at = at > spread ? at : spread;
	if (q && !r->records.unlimited)
		records = bucket_ready(&r->records, (int64_t)q->count, now);
	if (r->gate.closed && sender_in_flight(r->sender))
		gate = INT64_MAX; /* one at a time */
	at = at > gate ? at : gate;
	return at > records ? at : records;
}

static bool submit(struct run *r, const struct sender_request *s, int64_t now)
{
	struct reason why;

	if (r->gate.closed)
		gate_probe(&r->gate);
	r->tally.c.requests++;
	r->tally.c.retries += s->attempt > 0;
	if (sender_submit(r->sender, s, now, &why) == 0)
		return true;
	stop_failed(&r->stop, CAUSE_MACHINE, &why);
	return false;
}

static bool send_check(struct run *r, int64_t now)
{
	struct sender_request s = { .method = METHOD_GET,
		.path = r->o->api->host->check_path,
		.attempt = r->check.tries++ };

	r->check.wanted = false;
	return submit(r, &s, now);
}

static bool send_request(struct run *r, struct request *q, int64_t now)
{
	const struct operation *op = q->operations[0];
	bool batch = r->o->api->envelope != NULL;
	struct sender_request s = {
		.method = batch ? METHOD_POST : op->method,
		.path = request_path(q, r->o->api),
		.body = batch    ? q->batch.data :
		    op->body_len ? op->body :
		                   NULL,
		.body_len = batch ? q->batch.len : op->body_len,
		.attempt = q->tries++,
		.owner = q,
	};

	if (!r->records.unlimited)
		bucket_take(&r->records, (int64_t)q->count, now);
	queue_move(r->queue, q, PLACE_OUT);
	return submit(r, &s, now);
}

/* Where runs share a rate another may have been quicker. */
static bool take_token(struct run *r, int64_t now)
{
	if (pace_take(r->pace, now))
		return true;
	if (pace_trouble(r->pace))
		stop_failed(&r->stop, CAUSE_OUTPUT, pace_trouble(r->pace));
	return false;
}

/* Once. */
static void say_held_back(struct run *r)
{
	unsigned wanted = r->told_wanted ? 0 : sender_wanted(r->sender);

	if (!wanted)
		return;
	r->told_wanted = true;
	display_message(r->display, DISPLAY_NOTICE,
	    "--concurrency=%u holds the rate back: at the time that answers take it needs %u in "
	    "flight (or auto)",
	    r->o->concurrency, wanted);
}

bool dispatch_next(struct run *r)
{
	say_held_back(r);
	if (stop_asked(&r->stop) || !sender_free_slots(r->sender))
		return false;
	if (get_unstuck(r))
		return true;
	struct request *q = wants_check(r) ? NULL : next_up(r);
	int64_t now = clock_now();
	if ((!q && !wants_check(r)) || leaves_at(r, q, now) > now || (q && !intents_made(r, q)))
		return false;
	if (r->o->api->once)
		now = clock_now(); /* the disk had its time */
	if (is_paced(r, q) && !take_token(r, now))
		return false;
	if (!q)
		return send_check(r, now);
	if (!send_request(r, q, now))
		return false;
	/* a batch's answer that is there by now is settled first: its memory is used again while it
	 * is in the cache */
	r->intake.more |= r->o->api->envelope != NULL;
	return !r->o->api->envelope;
}

int64_t dispatch_due(struct run *r)
{
	struct request *q = wants_check(r) ? NULL : next_up(r);

	if (stop_asked(&r->stop) || !sender_free_slots(r->sender) || (!q && !wants_check(r)))
		return INT64_MAX;
	return leaves_at(r, q, r->now);
}
