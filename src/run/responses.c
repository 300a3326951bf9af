/* What an answer, or none, means: for its request, for the records in it, and for the run. */
#include "run/run_state.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "base/text.h"
#include "base/words.h"
#include "queue/batch.h"
#include "queue/queue.h"
#include "send/head.h"
#include "send/pace.h"
#include "send/proxy.h"
#include "send/reply.h"
#include "send/sender.h"
#include "show/display.h"

#define MOST_HOPS 5
#define HTTP_NOT_FOUND 404
#define HTTP_UNAVAILABLE 503

/* How long to wait before attempt n + 1 of something, from 0. */
static int64_t delay_after(struct run *r, unsigned n, const struct reply *reply)
{
	return retry_delay(&r->o->retry, n, reply->retry_after_us, random_next(&r->random));
}

/* What went wrong, for a person. */
static void say_trouble(const struct reply *reply, enum verdict verdict, char out[FAILURE_SHOWN])
{
	struct buf safe = { .max = FAILURE_SHOWN - 1 };
	char text[REPLY_TROUBLE_MAX];

	reply_trouble(reply, verdict, text);
	text_safe(&safe, text, strlen(text), 200);
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

static void gate_closed(struct run *r)
{
	display_message(r->display, DISPLAY_NOTICE,
	    "destination down (%s): trying again until it answers", r->last_failure);
	queue_move_all(r->queue, PLACE_EXHAUSTED, PLACE_PROBES);
	queue_move_all(r->queue, PLACE_ASLEEP, PLACE_PROBES);
	queue_move_all(r->queue, PLACE_SUSPECTS, PLACE_PROBES);
	doubt_anew(&r->doubt);
	for (struct request *q = queue_first(r->queue, PLACE_PROBES); q; q = q->next)
		give_back(r, q);
}

static void gate_opened(struct run *r)
{
	display_message(r->display, DISPLAY_NOTICE, "destination up again");
	queue_move_all(r->queue, PLACE_PROBES, PLACE_READY);
}

/* -- endings -- */

/* What a person should read of why it failed. */
#define ERROR_MAX (REPLY_REASON_MAX + 64)
static void describe(const struct request *q, const struct reply *reply, enum verdict verdict,
    char out[ERROR_MAX])
{
	char reason[REPLY_REASON_MAX + 4] = "";

	if (reply->status && verdict != VERDICT_FOREIGN)
		reply_reason(reply, reason);
	else
		reply_trouble(reply, verdict, reason);
	if (!reason[0])
		snprintf(reason, sizeof reason, "the server gave no reason");
	if (q->tries > 1)
		snprintf(out, ERROR_MAX, "%s (after %u attempts)", reason, q->tries);
	else
		snprintf(out, ERROR_MAX, "%s", reason);
}

static void end_all(struct run *r, struct request *q, enum outcome outcome, int status,
    const char *error)
{
	const struct settlement s = { .outcome = outcome,
		.status = status,
		.attempts = q->tries,
		.error = error };

	settle_request(r, q, &s);
}

static void refuse(struct run *r, struct request *q, const struct reply *reply)
{
	char error[ERROR_MAX];

	describe(q, reply, VERDICT_REFUSED, error);
	end_all(r, q, OUTCOME_REFUSED, reply->status, error);
}

/* While nothing says whose fault it is. */
static void keep_failure(struct run *r, struct request *q, const struct reply *reply,
    enum verdict verdict)
{
	char error[ERROR_MAX];

	describe(q, reply, verdict, error);
	q->failed_at = r->now;
	q->last_status = reply->status;
	free(q->last_error);
	q->last_error = xstrdup(error);
}

/* It is the request's. One poisonous record in a batch does not fail its neighbours. */
static void fail(struct run *r, struct request *q)
{
	if (q->count > 1 && q->last_status >= 500 && r->o->api->blame != BLAME_ONE)
		queue_cut(r->queue, q, q->count / 2, BATCH_CUT_FAILED);
	else
		end_all(r, q, OUTCOME_FAILED, q->last_status, q->last_error);
}

/* -- what is told by the status alone, of checks and requests alike -- */

static void unauthorised(struct run *r, const struct reply *reply)
{
	char reason[REPLY_REASON_MAX + 4];
	struct buf safe = { .max = (size_t)4 * REPLY_REASON_MAX };

	reply_reason(reply, reason);
	text_safe(&safe, reason, strlen(reason), 200);
	buf_byte(&safe, '\0');
	stop_for(&r->stop, CAUSE_CREDENTIALS,
	    "credentials refused (%d%s%s): check %s to this region's workspace", reply->status,
	    reason[0] ? " " : "", safe.data ? safe.data : "",
	    r->o->api->host->auth == API_KEY ?
	        "CUSTOMERIO_APP_API_KEY, and that it belongs" :
	        "CUSTOMERIO_SITE_ID and CUSTOMERIO_TRACK_API_KEY, and that they belong");
	buf_free(&safe);
}

/* An answer shows that the destination is up since its request left: those who had failed by then
 * are at fault. */
static void fail_exhausted(struct run *r, int64_t up_since)
{
	struct request *q;

	while ((q = queue_first(r->queue, PLACE_EXHAUSTED)) && q->failed_at <= up_since)
		fail(r, q);
}

/* Something between here and the server wants to know who asks. */
static void proxy_refused(struct run *r)
{
	const struct proxy *p = sender_proxy(r->sender);

	if (p)
		stop_for(&r->stop, CAUSE_PROXY,
		    "the proxy %s wants to know who asks (407): correct user and password in %s "
		    "(http://USER:PASSWORD@HOST:PORT)",
		    p->shown, p->variable);
	else
		stop_for(&r->stop, CAUSE_PROXY,
		    "a proxy in front of %s wants to know who asks (407): name it, with user and "
		    "password, in HTTPS_PROXY",
		    sender_base(r->sender));
}

static bool is_failure(enum verdict verdict)
{
	return verdict == VERDICT_TRANSIENT || verdict == VERDICT_FOREIGN;
}

static bool waits_too_long(const struct run *r, const struct reply *reply, enum verdict verdict)
{
	return r->o->give_up_us && reply->retry_after_us > r->o->give_up_us &&
	    (verdict == VERDICT_THROTTLED || is_failure(verdict));
}

static void say_too_long(struct run *r, const struct reply *reply, enum verdict verdict)
{
	char time[WORDS_TIME];

	words_time(reply->retry_after_us, time);
	stop_for(&r->stop, verdict == VERDICT_THROTTLED ? CAUSE_RATE_LIMIT : CAUSE_OUTAGE,
	    "gave up: %s answers %d, and asks to wait for %s (Retry-After), which is longer than "
	    "--give-up-after: carry on when that time is over",
	    sender_base(r->sender), reply->status,
	    reply->retry_after_us == HEAD_FOREVER ? "more seconds than can be counted" : time);
}

/* What ends the run, whoever asked. */
static bool ends_run(struct run *r, const struct reply *reply, enum verdict verdict)
{
	if (waits_too_long(r, reply, verdict))
		say_too_long(r, reply, verdict);
	else if (verdict == VERDICT_UNAUTHORISED)
		unauthorised(r, reply);
	else if (verdict == VERDICT_PROXY)
		proxy_refused(r);
	else if (verdict == VERDICT_MACHINE)
		stop_for(&r->stop, CAUSE_MACHINE, "%s", reply->error);
	else
		return false;
	return true;
}

/* Returns whether that was all, for the run ends. */
static bool on_any(struct run *r, const struct reply *reply, enum verdict verdict)
{
	r->tally.c.bytes_sent += (uint64_t)reply->sent_bytes;
	if (verdict != VERDICT_THROTTLED)
		pace_answered(r->pace, is_failure(verdict) ? THROTTLE_LOST : THROTTLE_HEARD,
		    reply->started, r->now);
	if (is_failure(verdict))
		say_trouble(reply, verdict, r->last_failure);
	if (reply_is_up(reply, verdict) && gate_up(&r->gate))
		gate_opened(r);
	if (ends_run(r, reply, verdict))
		return true;
	if (reply_is_up(reply, verdict))
		fail_exhausted(r, reply->started);
	return false;
}

/* "rate limited (429): pausing for 1.1 s, then 61/s of 80/s" */
static void say_paused(struct run *r, int64_t delay)
{
	double learned = pace_learned(r->pace, r->now);
	struct buf then = { .max = 64 };

	if (learned > 0)
		progress_slowed(&then, learned, pace_asked(r->pace));
	else
		buf_str(&then, "on");
	display_message(r->display, DISPLAY_NOTICE,
	    "rate limited (429): pausing for %.1f s, then %.*s", (double)delay / 1e6, (int)then.len,
	    then.data);
	buf_free(&then);
}

/* A 429 is the workspace's word to the whole run. */
static void on_throttled(struct run *r, const struct reply *reply)
{
	int64_t delay = delay_after(r, pace_nth(r->pace, reply->started), reply);
	bool pauses = pace_refused(r->pace, reply->started, reply->retry_after_us, r->now + delay,
	    r->now);

	r->tally.c.rate_limited++;
	if (pauses && (r->o->verbose || r->tally.c.rate_limited == 1))
		say_paused(r, delay);
}

/* Whether a redirect of that path is followed, counted in *hops. False where it cannot be, or the
 * run was stopped over it. */
static bool follow(struct run *r, const struct reply *reply, const char *path, unsigned *hops)
{
	char base[256];
	struct reason why;

	if (*hops >= MOST_HOPS || reply_redirect(reply->location, path, base, sizeof base) != 0)
		return false;
	if (sender_rebase(r->sender, base, &why) != 0) {
		stop_failed(&r->stop, CAUSE_REDIRECT, &why);
		return false;
	}
	++*hops;
	display_message(r->display, DISPLAY_NOTICE, "the server moved: sending to %s from now on",
	    base);
	return true;
}

#define SHOWN_REDIRECT 300
static void say_redirect(const struct reply *reply, char out[SHOWN_REDIRECT])
{
	struct buf safe = { .max = SHOWN_REDIRECT };

	if (reply->location)
		text_safe(&safe, reply->location, strlen(reply->location), 200);
	else
		buf_str(&safe, "nowhere (it has no Location)");
	snprintf(out, SHOWN_REDIRECT, "redirected to %.*s, which is not followed",
	    safe.over ? 0 : (int)safe.len, safe.data);
	buf_free(&safe);
}

/* -- requests -- */

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

static void say_retry(struct run *r, const struct request *q, int64_t delay)
{
	struct buf name = { .max = BUF_UNBOUNDED };

	name_operation(q->operations[0], &name);
	display_message(r->display, DISPLAY_DETAIL, "%.*s: retry %u of %u in %.1f s: %s",
	    (int)name.len, name.data, q->attempts, r->o->retry.retries, (double)delay / 1e6,
	    r->last_failure);
	buf_free(&name);
}

static void retry_later(struct run *r, struct request *q, const struct reply *reply)
{
	int64_t delay = delay_after(r, q->attempts - 1, reply);

	say_retry(r, q, delay);
	q->sleep.due = r->now + delay;
	queue_move(r->queue, q, PLACE_ASLEEP);
}

/* Where retries are used up, and nothing but failures has been heard since, an answer below 500 to
 * a later request says that it is at fault; a gate that closes, that it is not; where nothing else
 * is left to tell, the credentials check does. */
static void on_failure(struct run *r, struct request *q, const struct reply *reply,
    enum verdict verdict)
{
	int64_t probe_delay = delay_after(r, failed_probes(r), reply);
	bool fresh = q->streak != r->gate.streak || !q->streak_failures;

	if (q->streak != r->gate.streak)
		q->streak_failures = 0;
	q->streak = r->gate.streak;
	q->streak_failures++;
	q->attempts++;
	bool closes = gate_down(&r->gate, fresh, probe_delay, r->now);
	if (r->gate.closed) {
		queue_move(r->queue, q, PLACE_PROBES);
		if (closes)
			gate_closed(r);
		else
			give_back(r, q);
		return;
	}
	if (q->attempts <= r->o->retry.retries) {
		retry_later(r, q, reply);
		return;
	}
	keep_failure(r, q, reply, verdict);
	if (q->streak_failures >= q->attempts)
		queue_move(r->queue, q, PLACE_EXHAUSTED);
	else
		fail(r, q);
}

/* -- refusals that may not be the record's fault (send/doubt.h) -- */

/* A DELETE of what is not there has nothing to do. */
static bool is_gone(const struct run *r, const struct request *q, int status)
{
	return status == HTTP_NOT_FOUND && !r->o->api->envelope &&
	    q->operations[0]->method == METHOD_DELETE;
}

bool responses_settle_suspects(struct run *r)
{
	struct request *q;
	bool any = false;

	if (r->doubt.forbidden && !r->doubt.vouched)
		return false;
	for (; (q = queue_first(r->queue, PLACE_SUSPECTS)); any = true)
		end_all(r, q, is_gone(r, q, q->last_status) ? OUTCOME_ACCEPTED : OUTCOME_REFUSED,
		    q->last_status, is_gone(r, q, q->last_status) ? NULL : q->last_error);
	return any;
}

/* Something was accepted: whoever was refused before was refused for what he is. */
static void on_accepted(struct run *r)
{
	doubt_accepted(&r->doubt);
	responses_settle_suspects(r);
}

static void judge_doubt(struct run *r)
{
	int status = doubt_ends(&r->doubt);
	const struct request *q = queue_first(r->queue, PLACE_SUSPECTS);
	struct buf safe = { .max = FAILURE_SHOWN };

	if (!status || !q)
		return;
	text_safe(&safe, q->last_error, strlen(q->last_error), 200);
	if (status == HTTP_NOT_FOUND)
		stop_for(&r->stop, CAUSE_ADDRESS,
		    "%s answers 404 (%.*s) to the credentials check and to the first records: "
		    "the API is not at that address: check --url and CUSTOMERIO_URL",
		    sender_base(r->sender), (int)safe.len, safe.data);
	else
		stop_for(&r->stop, CAUSE_FORBIDDEN,
		    "%d records in a row were answered 403 (%.*s), though the credentials are "
		    "good: a firewall between here and %s, or the key's permissions, stand in "
		    "the way",
		    DOUBT_MOST, (int)safe.len, safe.data, sender_base(r->sender));
	buf_free(&safe);
}

/* 403: a firewall, or the credentials, which the check tells. */
static void on_forbidden(struct run *r, struct request *q, const struct reply *reply)
{
	if (q->count > 1 && r->o->api->blame != BLAME_ONE) {
		queue_cut(r->queue, q, q->count / 2, BATCH_CUT_REFUSED);
		return;
	}
	keep_failure(r, q, reply, VERDICT_FORBIDDEN);
	queue_move(r->queue, q, PLACE_SUSPECTS);
	r->check.wanted |= doubt_forbidden(&r->doubt, q->count);
	judge_doubt(r);
}

/* -- what all records of a request have in common may be what is refused -- */

static bool is_in_common(const struct run *r, const struct reply *reply)
{
	return r->o->api->alone_first && reply->status == 400 &&
	    r->tally.c.outcomes[OUTCOME_ACCEPTED] == 0;
}

static void stop_over_common(struct run *r, struct request *q, const struct reply *reply)
{
	char reason[REPLY_REASON_MAX + 4];
	struct buf safe = { .max = (size_t)4 * REPLY_REASON_MAX };

	reply_reason(reply, reason);
	text_safe(&safe, reason, strlen(reason), 200);
	buf_byte(&safe, '\0');
	stop_for(&r->stop, CAUSE_CONFIGURATION,
	    "nothing was accepted, and %s answers %d to one record alone, too (%s): check what it "
	    "names, and carry on",
	    request_path(q, r->o->api), reply->status, safe.data);
	buf_free(&safe);
	queue_move(r->queue, q, PLACE_READY); /* for the run that carries on */
}

static void on_refused(struct run *r, struct request *q, const struct reply *reply)
{
	if (reply->status == HTTP_NOT_FOUND && doubt_missing(&r->doubt, q->count)) {
		keep_failure(r, q, reply, VERDICT_REFUSED);
		queue_move(r->queue, q, PLACE_SUSPECTS);
		judge_doubt(r);
	} else if (is_in_common(r, reply)) {
		stop_over_common(r, q, reply);
	} else if (is_gone(r, q, reply->status)) {
		end_all(r, q, OUTCOME_ACCEPTED, reply->status, NULL);
	} else {
		refuse(r, q, reply);
	}
}

static void on_moved(struct run *r, struct request *q, const struct reply *reply,
    enum verdict verdict)
{
	bool stopped = stop_asked(&r->stop);
	char shown[SHOWN_REDIRECT];

	bool goes_on = verdict == VERDICT_MOVED &&
	    follow(r, reply, request_path(q, r->o->api), &q->hops);
	bool ends_run = !stopped && stop_asked(&r->stop); /* who carries on sends it again */
	if (goes_on || ends_run) {
		queue_move(r->queue, q, PLACE_READY);
		return;
	}
	say_redirect(reply, shown);
	end_all(r, q, OUTCOME_REFUSED, reply->status, shown);
}

struct refusals {
	struct run *r;
	struct request *q;
	int status;
};

static void refused(size_t index, const char *reason, void *arg)
{
	struct refusals *f = arg;
	struct operation *op = f->q->operations[index];
	const struct settlement s = {
		.outcome = OUTCOME_REFUSED,
		.status = f->status,
		.attempts = f->q->tries,
		.error = reason,
	};

	f->q->operations[index] = NULL;
	settle(f->r, op, &s);
}

/* The operations that an unusable entry of a 207 may have meant are sent again, in halves, until it
 * is known which. */
static void find_refused(struct run *r, struct request *q, const struct reply *reply)
{
	bool alone = q->count == 1;
	struct request *rest = queue_rest(r->queue, q);

	if (!rest)
		return;
	if (rest->count > 1)
		queue_cut(r->queue, rest, rest->count / 2, BATCH_CUT_REFUSED);
	else if (!alone)
		queue_move(r->queue, rest, PLACE_READY);
	else
		refuse(r, rest, reply);
}

/* A 207: the operations named are refused, the others accepted. */
static void on_partly(struct run *r, struct request *q, const struct reply *reply)
{
	struct refusals f = { r, q, reply->status };

	batch_bodies(q); /* some of them may have to be packed again */
	if (reply_refusals(reply, q->count, refused, &f) != 0)
		find_refused(r, q, reply);
	else
		end_all(r, q, OUTCOME_ACCEPTED, reply->status, NULL);
}

static void cut(struct run *r, struct request *q, const struct reply *reply)
{
	queue_cut(r->queue, q, is_in_common(r, reply) ? 1 : q->count / 2, BATCH_CUT_REFUSED);
}

/* An answer that is too long to be kept whole is asked for in halves. */
static void on_unread(struct run *r, struct request *q, const struct reply *reply)
{
	if (reply->body_len < REPLY_BODY_MAX)
		on_failure(r, q, reply, VERDICT_FOREIGN);
	else if (q->count > 1)
		queue_cut(r->queue, q, q->count / 2, BATCH_CUT_REFUSED);
	else
		end_all(r, q, OUTCOME_REFUSED, reply->status,
		    "the answer about this person is too long to be compared");
}

/* -- what is sent at most once -- */

/* Whether nobody knows what became of it. It surely did not arrive where the API said so (429,
 * 503), or nothing of it left. */
static bool is_lost(const struct run *r, const struct reply *reply, enum verdict verdict)
{
	if (!r->o->api->once || reply->status == HTTP_UNAVAILABLE)
		return false;
	return verdict == VERDICT_FOREIGN ||
	    ((verdict == VERDICT_TRANSIENT || verdict == VERDICT_MACHINE) &&
	        (reply->status || reply->left));
}

static void on_lost(struct run *r, struct request *q, const struct reply *reply,
    enum verdict verdict)
{
	char trouble[REPLY_TROUBLE_MAX], error[REPLY_TROUBLE_MAX + 80];
	int64_t delay = delay_after(r, failed_probes(r), reply);

	reply_trouble(reply, verdict, trouble);
	snprintf(error, sizeof error, "%s: it may have been sent, and is not sent again", trouble);
	end_all(r, q, OUTCOME_UNKNOWN, reply->status, error);
	if (gate_down(&r->gate, true, delay, r->now))
		gate_closed(r);
}

static void end_sent(struct run *r, struct request *q, const struct reply *reply)
{
	char value[REPLY_ID_MAX];
	const char *name = reply_sent_as(reply, value);
	const struct settlement s = {
		.outcome = OUTCOME_ACCEPTED,
		.status = reply->status,
		.attempts = q->tries,
		.name = name,
		.value = value,
	};

	settle_request(r, q, &s);
}

static void accept(struct run *r, struct request *q, const struct reply *reply)
{
	if (r->o->api->once)
		end_sent(r, q, reply);
	else if (!r->o->api->reads_back)
		end_all(r, q, OUTCOME_ACCEPTED, reply->status, NULL);
	else if (!verify_take(r, q, reply)) {
		on_unread(r, q, reply);
		return;
	}
	on_accepted(r);
}

static void on_answer(struct run *r, struct request *q, const struct reply *reply)
{
	enum verdict verdict = reply_verdict(reply, r->o->api->blame, q->count);
	bool over = on_any(r, reply, verdict);

	if (is_lost(r, reply, verdict)) {
		on_lost(r, q, reply, verdict);
		return;
	}
	if (verdict != VERDICT_ACCEPTED)
		intents_withdraw(r, q);
	if (over) {
		queue_move(r->queue, q, PLACE_READY); /* for the run that carries on */
		return;
	}
	switch (verdict) {
	case VERDICT_ACCEPTED:
		accept(r, q, reply);
		break;
	case VERDICT_PARTLY:
		on_partly(r, q, reply);
		on_accepted(r);
		break;
	case VERDICT_THROTTLED:
		on_throttled(r, reply);
		queue_move(r->queue, q, PLACE_READY);
		break;
	case VERDICT_MOVED:
	case VERDICT_ASTRAY:
		on_moved(r, q, reply, verdict);
		break;
	case VERDICT_CUT:
		cut(r, q, reply);
		break;
	case VERDICT_FORBIDDEN:
		on_forbidden(r, q, reply);
		break;
	case VERDICT_REFUSED:
		on_refused(r, q, reply);
		break;
	default:
		on_failure(r, q, reply, verdict);
	}
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

/* The first check is tried until it is answered. A later one tells of those who are out of retries:
 * no answer means that the destination is down, and that they are not at fault. */
static void check_failed(struct run *r, const struct reply *reply)
{
	int64_t delay = delay_after(r, failed_probes(r), reply);

	r->check.wanted = !r->check.answered;
	if (r->gate.closed) {
		gate_down(&r->gate, false, delay, r->now);
		return;
	}
	gate_close(&r->gate, delay, r->now);
	gate_closed(r);
}

static void check_moved(struct run *r, const struct reply *reply, enum verdict verdict)
{
	char shown[SHOWN_REDIRECT];

	r->check.wanted = verdict == VERDICT_MOVED &&
	    follow(r, reply, r->o->api->host->check_path, &r->check.hops);
	if (r->check.wanted)
		return;
	say_redirect(reply, shown);
	stop_for(&r->stop, CAUSE_REDIRECT, "the credentials check was %s: check --url", shown);
}

static void check_answered(struct run *r, const struct reply *reply)
{
	if (!r->check.answered && reply->status / 100 == 2)
		use_region(r, reply);
	r->check.answered = true;
	r->check.tries = 0;
	doubt_checked(&r->doubt, reply->status);
	judge_doubt(r);
}

static void on_check(struct run *r, const struct reply *reply)
{
	enum verdict verdict = reply_check_verdict(reply);

	if (reply->status == 403 && r->o->api->host->may_refuse_check)
		verdict = VERDICT_REFUSED; /* an answer, and that is what counts */
	if (on_any(r, reply, verdict))
		return;
	switch (verdict) {
	case VERDICT_THROTTLED:
		on_throttled(r, reply);
		r->check.wanted = true;
		break;
	case VERDICT_TRANSIENT:
	case VERDICT_FOREIGN:
		check_failed(r, reply);
		break;
	case VERDICT_MOVED:
	case VERDICT_ASTRAY:
		check_moved(r, reply, verdict);
		break;
	case VERDICT_FORBIDDEN:
		unauthorised(r, reply);
		break;
	default:
		check_answered(r, reply);
	}
}

void responses_take(struct run *r)
{
	struct reply reply;
	void *owner;

	while (sender_next(r->sender, &owner, &reply) == 1)
		if (owner)
			on_answer(r, owner, &reply);
		else
			on_check(r, &reply);
}
