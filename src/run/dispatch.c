/* What leaves next, and when: past the bucket, the gate, and the waits of retries. */
#include "run/run_state.h"

#include <inttypes.h>

#include "base/clock.h"
#include "send/sender.h"
#include "base/words.h"

void dispatch_wake(struct run *r)
{
	char time[WORDS_TIME];
	struct retry_node *n;

	while ((n = retry_top(&r->asleep)) && n->due <= r->now) {
		retry_pop(&r->asleep);
		list_push_front(&r->ready, request_of_sleep(n));
	}
	if (r->open && r->now >= r->open_since + r->o->batch_wait_us)
		intake_flush(r);
	if (gate_gives_up(&r->gate, r->o->give_up_us, r->now))
		run_stop(r, 69, "outage", "gave up: %s has been down for %s (--give-up-after): %s",
		    sender_base(r->sender), words_time(r->o->give_up_us, time), r->last_failure);
	else if (r->throttled_since < INT64_MAX && r->o->give_up_us &&
	    r->now - r->throttled_since >= r->o->give_up_us)
		run_stop(r, 69, "rate limit",
		    "gave up: nothing but 429 (rate limited) for %s (--give-up-after): is "
		    "something else using up the workspace's rate?",
		    words_time(r->o->give_up_us, time));
}

/* Whether only the credentials check can say whose fault it is. */
static bool needs_check(const struct run *r)
{
	return r->exhausted.first && !r->ready.first && !r->open && !retry_top(&r->asleep) &&
	    !sender_in_flight(r->sender);
}

/* What would leave next; it stays where it is. NULL: nothing can. */
static struct request *next_up(struct run *r)
{
	if (r->check_wanted)
		return &r->check;
	if (!r->checked)
		return NULL;
	if (r->gate.closed) {
		if (r->probes.first)
			return r->probes.first;
	} else if (!r->ready.first) {
		intake_fill(r);
		r->check_wanted = needs_check(r);
	}
	if (r->stop.asked)
		return NULL;
	return r->check_wanted ? &r->check : r->ready.first;
}

/* When it may leave. */
static int64_t leaves_at(struct run *r, const struct request *q, int64_t now)
{
	int64_t at = bucket_ready(&r->bucket, 1, now), gate = gate_ready(&r->gate, now);
	int64_t records = q->count && !r->record_bucket.unlimited ?
	    bucket_ready(&r->record_bucket, (int64_t)q->count, now) :
	    now;

	if (r->gate.closed && sender_in_flight(r->sender))
		gate = INT64_MAX; /* one at a time */
	at = at > gate ? at : gate;
	return at > records ? at : records;
}

static void take_from_list(struct run *r, struct request *q)
{
	if (is_check(r, q)) {
		r->check_wanted = false;
		r->check_out = true;
	} else if (r->probes.first == q) {
		list_pop(&r->probes);
	} else {
		list_pop(&r->ready);
	}
	if (r->gate.closed)
		gate_probe(&r->gate);
}

static void leave(struct run *r, struct request *q, int64_t now)
{
	struct reason why;
	struct sender_request s = { .method = METHOD_POST,
		.path = BATCH_PATH,
		.owner = q,
		.attempt = q->tries };

	bucket_take(&r->bucket, 1, now);
	if (q->count && !r->record_bucket.unlimited)
		bucket_take(&r->record_bucket, (int64_t)q->count, now);
	take_from_list(r, q);
	if (is_check(r, q)) {
		s.method = METHOD_GET;
		s.path = CHECK_PATH;
	} else if (r->o->batch) {
		s.body = q->batch.data;
		s.body_len = q->batch.len;
	} else {
		s.method = q->operations[0]->method;
		s.path = q->operations[0]->path;
		s.body = q->operations[0]->body_len ? q->operations[0]->body : NULL;
		s.body_len = q->operations[0]->body_len;
	}
	r->c.requests++;
	r->c.retries += q->tries > 0;
	q->tries++;
	if (sender_submit(r->sender, &s, now, &why) != 0)
		run_stop(r, 71, "memory", "%s", why.text);
}

void dispatch_send(struct run *r)
{
	while (!r->stop.asked && sender_free_slots(r->sender)) {
		struct request *q = next_up(r);
		int64_t now = clock_now();
		if (!q || leaves_at(r, q, now) > now)
			return;
		leave(r, q, now);
		/* what is answered by now is settled first: its memory is used again while it is in
		 * the cache */
		if (r->o->batch) {
			r->input_more = true;
			return;
		}
	}
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

int64_t dispatch_due(struct run *r)
{
	struct retry_node *n = retry_top(&r->asleep);
	int64_t due = n ? n->due : INT64_MAX;
	struct request *q = r->check_wanted   ? &r->check :
	    !r->checked                       ? NULL :
	    r->gate.closed && r->probes.first ? r->probes.first :
	                                        r->ready.first;

	if (q && sender_free_slots(r->sender) && !r->stop.asked)
		due = earlier(due, leaves_at(r, q, r->now));
	if (r->open)
		due = earlier(due, r->open_since + r->o->batch_wait_us);
	if (r->o->give_up_us && r->throttled_since < INT64_MAX)
		due = earlier(due, r->throttled_since + r->o->give_up_us);
	if (r->o->give_up_us && r->gate.closed)
		due = earlier(due, r->gate.down_since + r->o->give_up_us);
	return due;
}
