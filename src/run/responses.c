/* What an answer, or none, means: for its request, for the records in it, and for the run. */
#include "run/run_state.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "show/display.h"
#include "queue/lanes.h"
#include "send/sender.h"
#include "base/words.h"
#include "base/text.h"

#define MOST_HOPS 5
/* a batch's operations are fetched from memory twice so long, their lanes so long, before they
 * settle */
#define FETCHED_AHEAD ((size_t)8)

static void sleep_until(struct run *r, struct request *q, int64_t due)
{
	q->sleep.due = due;
	retry_push(&r->asleep, &q->sleep);
}

/* What the transport or the status line said, for a person. */
static void say_transport(const struct reply *reply, char out[FAILURE_SHOWN])
{
	struct buf safe = { .max = FAILURE_SHOWN - 1 };

	if (reply->status)
		buf_fmt(&safe, "status %d", reply->status);
	else
		text_safe(&safe, reply->error, strlen(reply->error), 200);
	snprintf(out, FAILURE_SHOWN, "%.*s", (int)safe.len, safe.data ? safe.data : "");
	buf_free(&safe);
}

/* -- the outage gate: failures of the streak that closed it are given back -- */

static void give_back(struct run *r, struct request *q)
{
	if (q->streak == r->gate.streak) {
		q->attempts -= q->streak_failures;
		q->streak_failures = 0;
	}
}

static unsigned failed_probes(const struct run *r)
{
	return r->gate.closed ? r->gate.probes + 1 : 0;
}

static void gate_closed(struct run *r, const struct reply *reply)
{
	struct retry_node *n;
	char text[FAILURE_SHOWN];

	say_transport(reply, text);
	display_message(r->display, DISPLAY_NOTICE,
	    "destination down (%s): trying again until it answers", text);
	list_move(&r->exhausted, &r->probes);
	while ((n = retry_pop(&r->asleep)))
		list_push(&r->probes, request_of_sleep(n));
	for (struct request *q = r->probes.first; q; q = q->next)
		give_back(r, q);
}

static void gate_opened(struct run *r)
{
	display_message(r->display, DISPLAY_NOTICE, "destination up again");
	list_move(&r->probes, &r->ready);
}

/* -- endings -- */

static void settle_all(struct run *r, struct request *q, enum outcome outcome, int status,
    const char *error)
{
	for (size_t i = 0; i < q->count; i++) {
		if (i + 2 * FETCHED_AHEAD < q->count)
			__builtin_prefetch(q->operations[i + 2 * FETCHED_AHEAD]);
		if (i + FETCHED_AHEAD < q->count)
			lanes_expect(r->lanes, q->operations[i + FETCHED_AHEAD]->keys[0]);
		settle(r, q->operations[i], outcome, status, q->tries, error);
	}
	intake_forget(r, q);
}

/* What a person should read of why it failed. */
#define ERROR_MAX (REPLY_REASON_MAX + 64)
static void describe(const struct request *q, const struct reply *reply, char out[ERROR_MAX])
{
	char reason[REPLY_REASON_MAX + 4] = "";

	if (reply->status)
		reply_reason(reply, reason);
	else
		snprintf(reason, sizeof reason, "%s", reply->error ? reply->error : "no answer");
	if (!reason[0])
		snprintf(reason, sizeof reason, "the server gave no reason");
	if (q->tries > 1)
		snprintf(out, ERROR_MAX, "%s (after %u attempts)", reason, q->tries);
	else
		snprintf(out, ERROR_MAX, "%s", reason);
}

static void refuse(struct run *r, struct request *q, const struct reply *reply)
{
	char error[ERROR_MAX];

	describe(q, reply, error);
	settle_all(r, q, OUTCOME_REFUSED, reply->status, error);
}

static void fail(struct run *r, struct request *q, int status, const char *error)
{
	settle_all(r, q, OUTCOME_FAILED, status, error);
}

/* -- verdicts -- */

/* Retries are used up, and nothing but failures has been heard since. An answer below 500 to a
 * later request says that it is at fault; a gate that closes, that it is not; where nothing else is
 * left to tell, the credentials check is the judge. */
static void exhaust(struct run *r, struct request *q, const struct reply *reply)
{
	char error[ERROR_MAX];

	describe(q, reply, error);
	q->failed_at = r->now;
	q->last_status = reply->status;
	free(q->last_error);
	q->last_error = xstrdup(error);
	list_push(&r->exhausted, q);
}

/* A sync's delete is none of the input's records: it is named by its person. */
static void name_operation(const struct operation *op, struct buf *out)
{
	if (op->from.number) {
		buf_fmt(out, "record %" PRIu64, op->from.number);
	} else {
		buf_str(out, "user ");
		text_safe(out, op->id, op->id_len, ID_SHOWN);
	}
}

static void say_retry(struct run *r, const struct request *q, const struct reply *reply,
    int64_t delay)
{
	char text[FAILURE_SHOWN];
	struct buf name = { .max = SIZE_MAX };

	say_transport(reply, text);
	name_operation(q->operations[0], &name);
	display_message(r->display, DISPLAY_DETAIL, "%.*s: retry %u of %u in %.1f s: %s",
	    (int)name.len, name.data, q->attempts, r->o->retry.retries, (double)delay / 1e6, text);
	buf_free(&name);
}

static void on_failure(struct run *r, struct request *q, const struct reply *reply)
{
	int64_t probe_delay = retry_delay(&r->o->retry, failed_probes(r), reply->retry_after_us,
	    run_random(r));
	bool fresh = q->streak != r->gate.streak || !q->streak_failures;

	if (q->streak != r->gate.streak)
		q->streak_failures = 0;
	q->streak = r->gate.streak;
	q->streak_failures++;
	q->attempts++;
	if (gate_down(&r->gate, fresh, probe_delay, r->now)) {
		list_push(&r->probes, q);
		gate_closed(r, reply);
		return;
	}
	if (r->gate.closed) {
		give_back(r, q);
		list_push(&r->probes, q);
		return;
	}
	if (q->attempts <= r->o->retry.retries) {
		int64_t delay = retry_delay(&r->o->retry, q->attempts - 1, reply->retry_after_us,
		    run_random(r));
		say_retry(r, q, reply, delay);
		sleep_until(r, q, r->now + delay);
	} else if (q->streak_failures >= q->attempts) {
		exhaust(r, q, reply);
	} else {
		char error[ERROR_MAX];
		describe(q, reply, error);
		fail(r, q, reply->status, error);
	}
}

/* A 429 is the workspace's word to the whole run. */
static void on_throttled(struct run *r, struct request *q, const struct reply *reply)
{
	bool same_wave = r->throttles && reply->started < r->throttled_at;
	int64_t delay = retry_delay(&r->o->retry, r->throttles - same_wave, reply->retry_after_us,
	    run_random(r));

	r->c.rate_limited++;
	if (r->throttled_since == INT64_MAX)
		r->throttled_since = r->now;
	if (!same_wave) {
		r->throttles++;
		r->throttled_at = r->now;
		if (r->o->verbose || r->c.rate_limited == 1)
			display_message(r->display, DISPLAY_NOTICE,
			    "rate limited (429): pausing for %.1f s, then slower",
			    (double)delay / 1e6);
	}
	bucket_throttle(&r->bucket, reply->started, r->now + delay, r->now);
	if (is_check(r, q))
		r->check_wanted = true;
	else
		list_push_front(&r->ready, q);
}

static void on_moved(struct run *r, struct request *q, const struct reply *reply, const char *path)
{
	char base[256], shown[300];
	struct reason why;
	struct buf safe = { .max = sizeof shown };

	if (reply->location && q->hops < MOST_HOPS &&
	    reply_redirect(reply->location, path, base, sizeof base) == 0) {
		if (sender_rebase(r->sender, base, &why) != 0) {
			run_stop(r, 69, "redirect", "%s", why.text);
			return;
		}
		q->hops++;
		display_message(r->display, DISPLAY_NOTICE,
		    "the server moved: sending to %s from now on", base);
		if (is_check(r, q))
			r->check_wanted = true;
		else
			list_push_front(&r->ready, q);
		return;
	}
	text_safe(&safe, reply->location ? reply->location : "",
	    reply->location ? strlen(reply->location) : 0, 200);
	buf_byte(&safe, '\0');
	snprintf(shown, sizeof shown, "redirected to %s, which is not followed",
	    safe.over ? "nowhere" : safe.data);
	buf_free(&safe);
	if (is_check(r, q))
		run_stop(r, 69, "redirect", "the credentials check was %s: check --url", shown);
	else
		settle_all(r, q, OUTCOME_REFUSED, reply->status, shown);
}

static void cut(struct run *r, struct request *q)
{
	struct request *half = intake_request(r);

	batch_cut(q, half);
	if (!half->blocked)
		list_push_front(&r->ready, half);
	list_push_front(&r->ready, q);
}

struct refusals {
	struct run *r;
	struct request *q;
	struct operation **operations;
	int status;
};

static void refused(size_t index, const char *reason, void *arg)
{
	struct refusals *f = arg;
	struct operation *op = f->operations[index];

	f->operations[index] = NULL;
	settle(f->r, op, OUTCOME_REFUSED, f->status, f->q->tries, reason);
}

/* The operations that an unusable entry of a 207 may have meant are sent again, in halves, until it
 * is known which. */
static void find_refused(struct run *r, struct request *q, struct operation **left,
    const struct reply *reply)
{
	struct request *rest = intake_request(r);

	rest->tries = q->tries;
	for (size_t i = 0; i < q->count; i++)
		if (left[i])
			batch_add(rest, left[i]);
	batch_close(rest);
	if (rest->count == 0)
		intake_forget(r, rest);
	else if (rest->count > 1)
		cut(r, rest);
	else if (q->count > 1)
		list_push_front(&r->ready, rest);
	else
		refuse(r, rest, reply);
}

/* A 207: the operations named are refused, the others accepted. */
static void on_partly(struct run *r, struct request *q, const struct reply *reply)
{
	size_t n = q->count;
	struct refusals f = { .r = r,
		.q = q,
		.operations = q->operations,
		.status = reply->status };

	batch_bodies(q); /* some of them may have to be packed again */
	if (reply_refusals(reply, n, refused, &f) != 0)
		find_refused(r, q, f.operations, reply);
	else
		for (size_t i = 0; i < n; i++)
			if (f.operations[i])
				settle(r, f.operations[i], OUTCOME_ACCEPTED, reply->status,
				    q->tries, NULL);
	intake_forget(r, q);
}

static void unauthorised(struct run *r, const struct reply *reply)
{
	char reason[REPLY_REASON_MAX + 4];
	struct buf safe = { .max = (size_t)4 * REPLY_REASON_MAX };

	reply_reason(reply, reason);
	text_safe(&safe, reason, strlen(reason), 200);
	buf_byte(&safe, '\0');
	run_stop(r, 77, "credentials",
	    "credentials refused (%d%s%s): check CUSTOMERIO_SITE_ID and CUSTOMERIO_TRACK_API_KEY, "
	    "and that they belong to this region's workspace",
	    reply->status, reason[0] ? " " : "", safe.data ? safe.data : "");
	buf_free(&safe);
}

/* -- the credentials check -- */

static void use_region(struct run *r, const struct reply *reply)
{
	char url[256], base[256], region[16];
	struct reason why;

	if (r->o->url_given || reply_region(reply, url, sizeof url, region, sizeof region) != 0 ||
	    strcmp(url, r->o->url) == 0 || reply_redirect(url, "", base, sizeof base) != 0)
		return;
	if (sender_rebase(r->sender, base, &why) == 0)
		display_message(r->display, DISPLAY_NOTICE,
		    "the workspace is in region %s: sending to %s", region, base);
}

static void on_check_answer(struct run *r, const struct reply *reply)
{
	if (!r->checked && reply->status / 100 == 2)
		use_region(r, reply);
	r->checked = true;
	r->check.tries = 0;
}

/* The first check is tried until it is answered. A later one is the judge over exhausted: no answer
 * means that the destination is down, and that they are not at fault. */
static void on_check_failure(struct run *r, const struct reply *reply)
{
	int64_t delay = retry_delay(&r->o->retry, failed_probes(r), reply->retry_after_us,
	    run_random(r));

	r->check_wanted = !r->checked;
	if (r->gate.closed) {
		gate_down(&r->gate, false, delay, r->now);
		return;
	}
	gate_close(&r->gate, delay, r->now);
	gate_closed(r, reply);
}

/* An answer shows that the destination is up since its request left: those who had failed by then
 * are at fault. */
static void fail_exhausted(struct run *r, int64_t up_since)
{
	struct request *q;

	while ((q = r->exhausted.first) && q->failed_at <= up_since) {
		list_pop(&r->exhausted);
		fail(r, q, q->last_status, q->last_error);
	}
}

/* Everything that is said by the status alone, for checks and records alike. Returns whether that
 * was all. */
static bool on_any(struct run *r, struct request *q, const struct reply *reply,
    enum verdict verdict)
{
	char time[WORDS_TIME];

	r->c.bytes_sent += (uint64_t)reply->sent_bytes;
	if (verdict != VERDICT_THROTTLED) {
		r->throttled_since = INT64_MAX;
		r->throttles = 0;
	}
	if (reply_is_up(reply) && gate_up(&r->gate))
		gate_opened(r);
	if (r->o->give_up_us && reply->retry_after_us > r->o->give_up_us &&
	    (verdict == VERDICT_THROTTLED || verdict == VERDICT_TRANSIENT)) {
		run_stop(r, 69, verdict == VERDICT_THROTTLED ? "rate limit" : "outage",
		    "gave up: %s answers %d, and asks to wait for %s (Retry-After), which is "
		    "longer than "
		    "--give-up-after: carry on when that time is over",
		    sender_base(r->sender), reply->status, words_time(reply->retry_after_us, time));
		list_push(&r->ready, q);
		return true;
	}
	if (verdict == VERDICT_UNAUTHORISED) {
		unauthorised(r, reply);
		list_push(&r->ready, q);
		return true;
	}
	if (reply_is_up(reply))
		fail_exhausted(r, reply->started);
	return false;
}

static void handle(struct run *r, struct request *q, const struct reply *reply)
{
	bool check = is_check(r, q);
	enum verdict verdict = reply_verdict(reply, r->o->batch && !check, q->count);

	if (check)
		r->check_out = false;
	if (on_any(r, q, reply, verdict))
		return;
	if (verdict == VERDICT_TRANSIENT)
		say_transport(reply, r->last_failure);
	switch (verdict) {
	case VERDICT_THROTTLED:
		on_throttled(r, q, reply);
		break;
	case VERDICT_MOVED:
		on_moved(r, q, reply,
		    check           ? CHECK_PATH :
		        r->o->batch ? BATCH_PATH :
		                      q->operations[0]->path);
		break;
	case VERDICT_TRANSIENT:
		if (check)
			on_check_failure(r, reply);
		else
			on_failure(r, q, reply);
		break;
	default:
		if (check)
			on_check_answer(r, reply);
		else if (verdict == VERDICT_ACCEPTED)
			settle_all(r, q, OUTCOME_ACCEPTED, reply->status, NULL);
		else if (verdict == VERDICT_PARTLY)
			on_partly(r, q, reply);
		else if (verdict == VERDICT_CUT)
			cut(r, q);
		else
			refuse(r, q, reply);
	}
}

void responses_take(struct run *r)
{
	struct reply reply;
	void *owner;

	while (sender_next(r->sender, &owner, &reply) == 1)
		handle(r, owner, &reply);
}
