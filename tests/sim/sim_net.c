/* What an attempt meets on its way, and when each part of that happens. */
#include "sim_net.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "send/flight.h"
#include "send/sender.h"
#include "sim_api.h"
#include "sim_files.h"
#include "sim_proc.h"
#include "sim_seen.h"
#include "sim_time.h"
#include "sim_trace.h"
#include "workspace.h"

/* a token is taken when a turn of the loop begins, and the request leaves a little later */
#define LATE_US 3000
#define SPINS 50000 /* waits in a row that wait for nothing */

/* What an attempt meets. */
enum met {
	MET_NOTHING,
	MET_REFUSED,      /* no connection */
	MET_RESET_BEFORE, /* the API never hears of it */
	MET_RESET_AFTER,  /* it does, and the answer is lost */
	MET_HANG_BEFORE,  /* nothing comes back */
	MET_HANG_AFTER,
	MET_ERROR_BEFORE, /* 500 */
	MET_ERROR_AFTER,
	MET_BUSY,   /* 503 */
	MET_ASTRAY, /* to a page elsewhere */
	MET_LOGIN,  /* a page that asks who one is, with 200: something in between */
};

struct transfer {
	struct sender *sender; /* NULL: the program hears no more of it */
	void *owner;
	const char *path, *body; /* the caller's own, to see whether they stay */
	char *path_copy, *body_copy;
	size_t body_len, attempt;
	int64_t started;
	int64_t
	    moves_until; /* when --timeout is over, counted from its last byte on the way there */
	struct workspace_call *call;
	enum met met;
	bool arrived, done;
	char base[100], location[300];
	bool unconnected; /* nothing of it left */
	bool is_late;     /* it was given up, and arrives all the same */
	struct api_answer answer;
	const char *error;
	struct transfer *older, *next_done;
};

struct sender {
	struct proc *proc;
	char *base;
	unsigned in_flight;
	struct flight flight;
	bool hurried;
	int64_t timeout;
	struct transfer *done, **done_end; /* those answered, in order */
	struct transfer *told;             /* whose answer the program looks at */
	struct transfer **flying;          /* in_flight of them */
};

static struct {
	const struct life *life;
	struct transfer *all;
	uint64_t sent;
	int64_t link_free; /* when the way there is free again */
	char complaint[200];
} n;

void net_begin(const struct life *l)
{
	memset(&n, 0, sizeof n);
	n.life = l;
}

/* What is heavy of it. */
static void lighten(struct transfer *t)
{
	if (t->is_late)
		return;
	workspace_call_free(t->call);
	buf_free(&t->answer.body);
	free(t->path_copy);
	free(t->body_copy);
	t->call = NULL;
	t->path_copy = t->body_copy = NULL;
}

void net_end(void)
{
	while (n.all) {
		struct transfer *t = n.all;
		n.all = t->older;
		t->is_late = false;
		lighten(t);
		free(t);
	}
}

const char *net_complaint(void)
{
	return n.complaint;
}

static void complain(const char *what)
{
	trace("%s", what);
	if (!n.complaint[0])
		snprintf(n.complaint, sizeof n.complaint, "%s", what);
}

/* -- the API's end -- */

static bool is_outage(void)
{
	int64_t from = n.life->outage_at_ms * 1000;

	return n.life->outage_ms && time_now() >= from &&
	    time_now() < from + n.life->outage_ms * 1000;
}

static void note_applied(struct transfer *t)
{
	struct attempt *a = seen_attempt_at(t->attempt);

	a->applied = time_now();
	for (size_t i = 0; i < a->count; i++)
		seen_at(a->first + i)->applied = api_took(t->call, i);
}

static void serve(struct transfer *t)
{
	bool applied;

	if (t->sender && !t->done &&
	    (strcmp(t->path, t->path_copy) != 0 ||
	        (t->body && memcmp(t->body, t->body_copy, t->body_len) != 0)))
		complain("a request was changed while it was in flight");
	api_serve(t->call, &t->answer, &applied);
	if (applied)
		note_applied(t);
}

/* -- the way back -- */

static void told_of(struct transfer *t)
{
	struct sender *s = t->sender;

	if (t->done || !s)
		return;
	t->done = true;
	t->next_done = NULL;
	*s->done_end = t;
	s->done_end = &t->next_done;
	proc_wake(s->proc);
}

static void come_back(void *arg)
{
	told_of(arg);
}

static void arrive_late(void *arg)
{
	struct transfer *t = arg;

	trace("#%zu arrives late", t->attempt);
	t->is_late = false;
	t->arrived = true;
	serve(t);
	lighten(t);
}

/* One whom nobody waits for any more may be on its way still. */
static void come_later(struct transfer *t)
{
	if (t->arrived || t->unconnected || t->met == MET_RESET_BEFORE || t->is_late ||
	    !life_happens(n.life, "late", t->attempt, n.life->late))
		return;
	t->is_late = true;
	time_at(time_now() + 1 + (int64_t)(life_random(n.life, "how late", t->attempt) % 20000000),
	    arrive_late, t);
}

/* Nothing of it moved for --timeout, as far as is known now. */
static void expire(void *arg)
{
	struct transfer *t = arg;

	if (t->done || !t->sender)
		return;
	if (time_now() < t->moves_until) {
		time_at(t->moves_until, expire, t);
		return;
	}
	t->error = "Timeout was reached";
	told_of(t);
	come_later(t);
}

static int64_t half_way(const struct transfer *t, const char *which)
{
	int64_t us = n.life->latency_ms * 500;

	if (n.life->jitter_ms)
		us += (int64_t)(life_random(n.life, which, t->attempt) %
		    (uint64_t)(n.life->jitter_ms * 500));
	return us;
}

static const char cannot_connect[] = "Couldn't connect to server";

/* -- what stands in between -- */

static bool is_walled_off(const struct transfer *t)
{
	const struct attempt *a = seen_attempt_at(t->attempt);

	for (size_t i = 0; i < a->count; i++)
		if (life_happens(n.life, "wall", seen_at(a->first + i)->mark, n.life->wall))
			return true;
	return false;
}

static bool is_asked_by_proxy(void)
{
	int64_t from = n.life->proxy_at_ms * 1000;

	return from && time_now() >= from && time_now() < from + 10000000;
}

static void answer_page(struct transfer *t, int status, const char *page)
{
	t->answer.status = status;
	t->answer.retry_after = -1;
	buf_str(&t->answer.body, page);
}

static const char home[] = ".customer.io", abroad[] = "-eu.customer.io";

static void redirect(struct transfer *t, bool astray)
{
	const char *rest = strstr(t->base, home);

	t->answer.status = astray ? 302 : 307;
	t->answer.retry_after = -1;
	if (astray || !rest)
		snprintf(t->location, sizeof t->location, "https://login.example.com%s",
		    t->path_copy);
	else
		snprintf(t->location, sizeof t->location, "%.*s%s%s", (int)(rest - t->base),
		    t->base, abroad, t->path_copy);
}

/* Whether something answers it before the API has heard of it. */
static bool is_stopped_on_its_way(struct transfer *t)
{
	bool moved = n.life->move_at_ms && time_now() >= n.life->move_at_ms * 1000 &&
	    !strstr(t->base, abroad);

	if (is_asked_by_proxy())
		answer_page(t, 407, "<html>Proxy Authentication Required</html>");
	else if (t->met == MET_ERROR_BEFORE || t->met == MET_BUSY)
		t->answer.status = t->met == MET_BUSY ? 503 : 500;
	else if (t->met == MET_LOGIN)
		answer_page(t, 200, "<!DOCTYPE html><html><title>Sign in</title></html>");
	else if (is_walled_off(t))
		answer_page(t, 403, "<html><title>Blocked</title></html>");
	else if (moved || t->met == MET_ASTRAY)
		redirect(t, t->met == MET_ASTRAY);
	else
		return false;
	return true;
}

static void arrive(void *arg)
{
	struct transfer *t = arg;

	if (t->done || !t->sender) /* it was given up on the way */
		return;
	t->arrived = true;
	if (is_outage()) {
		if (n.life->outage_kind == 2)
			return;
		if (n.life->outage_kind == 1)
			t->answer.status = 503;
		else
			t->error = cannot_connect;
		t->unconnected = t->error != NULL;
	} else if (!is_stopped_on_its_way(t)) {
		serve(t);
		if (t->met == MET_HANG_AFTER)
			return;
		if (t->met == MET_RESET_AFTER)
			t->error = "Recv failure: Connection reset by peer";
		if (t->met == MET_ERROR_AFTER) {
			t->answer.status = 500;
			buf_reset(&t->answer.body);
		}
	}
	int64_t back = half_way(t, "back");
	if (life_happens(n.life, "slow", t->attempt, n.life->slow))
		back += 1000000 + (int64_t)(life_random(n.life, "how slow", t->attempt) % 8000000);
	time_at(time_now() + back, come_back, t);
}

static void reset_on_the_way(void *arg)
{
	struct transfer *t = arg;

	t->unconnected = t->met == MET_REFUSED;
	t->error = t->unconnected ? cannot_connect : "Send failure: Connection reset by peer";
	told_of(t);
}

static enum met meet(size_t attempt)
{
	const struct life *l = n.life;
	const struct {
		const char *what;
		int64_t of;
		enum met met;
	} all[] = {
		{ "refuse", l->refuse, MET_REFUSED },
		{ "reset before", l->reset_before, MET_RESET_BEFORE },
		{ "reset after", l->reset_after, MET_RESET_AFTER },
		{ "hang", l->hang / 2, MET_HANG_BEFORE },
		{ "hang after", l->hang / 2, MET_HANG_AFTER },
		{ "error before", l->error_before, MET_ERROR_BEFORE },
		{ "error after", l->error_after, MET_ERROR_AFTER },
		{ "busy", l->busy, MET_BUSY },
		{ "astray", l->astray, MET_ASTRAY },
		{ "login", l->login, MET_LOGIN },
	};

	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (life_happens(l, all[i].what, attempt, all[i].of))
			return all[i].met;
	return MET_NOTHING;
}

/* When its last byte has left: all share the way. */
static int64_t departure(const struct transfer *t)
{
	int64_t at = t->started;

	if (!n.life->link_kbps)
		return at;
	if (n.link_free > at)
		at = n.link_free;
	return n.link_free = at + (int64_t)(t->body_len + 300) * 8000 / n.life->link_kbps;
}

static void depart(struct transfer *t, int64_t timeout)
{
	int64_t left = t->started;

	t->met = meet(t->attempt);
	if (t->met == MET_REFUSED || t->met == MET_RESET_BEFORE) {
		time_at(left + half_way(t, "there"), reset_on_the_way, t);
	} else {
		left = departure(t);
		if (t->met != MET_HANG_BEFORE)
			time_at(left + half_way(t, "there"), arrive, t);
	}
	t->moves_until = left + timeout;
	time_at(t->moves_until, expire, t);
}

/* -- the sender's door -- */

struct sender *sender_new(const struct sender_config *c, struct reason *why)
{
	struct sender *s = xcalloc(1, sizeof *s);

	(void)why;
	s->proc = proc_current();
	s->proc->sender = s;
	s->base = xstrdup(c->base);
	s->timeout = c->timeout_us;
	flight_init(&s->flight,
	    &(struct flight_config){ .fixed = c->slots,
	        .most = c->slots ? c->slots : SENDER_MOST,
	        .pace = c->pace,
	        .bulky = c->large_bodies,
	        .timeout_us = c->timeout_us },
	    time_now());
	s->done_end = &s->done;
	return s;
}

/* What is on its way when its process ends arrives at once, or never. */
void net_leave(struct proc *p)
{
	struct sender *s = p->sender;

	p->sender = NULL;
	if (!s)
		return;
	for (struct transfer *t = n.all; t; t = t->older) {
		if (t->sender != s)
			continue;
		t->sender = NULL;
		if (!t->done)
			come_later(t);
		if (!t->done && !t->is_late && !t->arrived && t->met != MET_HANG_BEFORE &&
		    t->met != MET_REFUSED && t->met != MET_RESET_BEFORE && !is_outage() &&
		    life_happens(n.life, "arrives", t->attempt, 500)) {
			t->arrived = true;
			serve(t);
		}
		lighten(t);
	}
	free(s->flying);
	free(s->base);
	free(s);
}

void sender_free(struct sender *s)
{
	if (s)
		net_leave(s->proc);
}

unsigned sender_free_slots(const struct sender *s)
{
	return flight_room(&s->flight);
}

int64_t sender_ready_at(const struct sender *s)
{
	return flight_ready_at(&s->flight);
}

unsigned sender_wanted(const struct sender *s)
{
	return flight_wanted(&s->flight);
}

double sender_speed(const struct sender *s)
{
	return flight_line(&s->flight);
}

unsigned sender_in_flight(const struct sender *s)
{
	return s->in_flight;
}

const char *sender_base(const struct sender *s)
{
	return s->base;
}

void sender_hurry(struct sender *s, int64_t now)
{
	if (s->hurried)
		return;
	s->hurried = true;
	for (struct transfer *t = n.all; t; t = t->older)
		if (t->sender == s && t->moves_until > now + s->timeout) {
			t->moves_until = now + s->timeout;
			time_at(t->moves_until, expire, t);
		}
}

const struct proxy *sender_proxy(const struct sender *s)
{
	(void)s;
	return NULL;
}

int sender_rebase(struct sender *s, const char *base, struct reason *why)
{
	(void)why;
	if (!strstr(base, home))
		complain("credentials would go to a stranger");
	free(s->base);
	s->base = xstrdup(base);
	return 0;
}

/* Whether both are about the same person or thing. */
static bool share(const struct seen *a, const struct seen *b)
{
	return (a->person && (a->person == b->person || a->person == b->other)) ||
	    (a->other && (a->other == b->person || a->other == b->other));
}

/* Two requests about one person are never in flight at once. */
static void look_for_the_same_person(const struct transfer *t)
{
	const struct attempt *a = seen_attempt_at(t->attempt);

	for (unsigned f = 0; f < t->sender->in_flight; f++) {
		const struct transfer *o = t->sender->flying[f];
		if (o == t)
			continue;
		const struct attempt *b = seen_attempt_at(o->attempt);
		for (size_t i = 0; i < a->count; i++)
			for (size_t k = 0; k < b->count; k++)
				if (share(seen_at(a->first + i), seen_at(b->first + k)))
					complain("a person is in two requests in flight");
	}
}

static void trace_sent(const struct transfer *t, const struct sender_request *q)
{
	const struct attempt *a = seen_attempt_at(t->attempt);
	struct buf rows = { .max = 400 };

	if (!trace_shown())
		return;
	for (size_t i = 0; i < a->count; i++)
		buf_fmt(&rows, " %u", seen_at(a->first + i)->mark);
	buf_byte(&rows, '\0');
	trace("[%u] -> #%zu %s%s%s%s", a->proc, t->attempt, q->path, rows.len > 1 ? " rows" : "",
	    rows.data, q->attempt ? " (again)" : "");
	buf_free(&rows);
}

int sender_submit(struct sender *s, const struct sender_request *q, int64_t now, struct reason *why)
{
	struct transfer *t = xcalloc(1, sizeof *t);

	(void)why;
	proc_step();
	if (flight_room(&s->flight) == 0)
		complain("more requests are in flight than there is room for");
	/* who shares a rate may wait for another, who stands still with it in his hand */
	if (time_now() - now > LATE_US && !s->proc->stall_us && !n.life->rate_file)
		complain("a request leaves long after its token was taken");
	t->sender = s;
	snprintf(t->base, sizeof t->base, "%s", s->base);
	t->owner = q->owner;
	t->started = now;
	t->path = q->path;
	t->body = q->body;
	t->body_len = q->body_len;
	t->path_copy = xstrdup(q->path);
	t->body_copy = xstrndup(q->body ? q->body : "", q->body_len);
	buf_init(&t->answer.body, 1 << 20);
	t->call = workspace_read(api_workspace(), method_name(q->method), t->path_copy,
	    t->body_copy, t->body_len);
	t->attempt = seen_attempt(&(struct attempt){ .proc = s->proc->number,
	    .started = now,
	    .applied = -1,
	    .delivered = -1,
	    .check = api_is_check(t->call),
	    .retry = q->attempt });
	api_note(t->attempt, t->call);
	t->older = n.all;
	n.all = t;
	s->flying = xrealloc(s->flying, (s->in_flight + 1) * sizeof *s->flying);
	s->flying[s->in_flight++] = t;
	flight_started(&s->flight, now);
	s->proc->spins = 0;
	trace_sent(t, q);
	look_for_the_same_person(t);
	depart(t, s->timeout);
	return 0;
}

static bool is_login(const struct transfer *t)
{
	return t->met == MET_LOGIN && t->answer.status == 200 && t->answer.body.len &&
	    t->answer.body.data[0] == '<';
}

/* What that status says of each of its operations, but for those that a 207 names. */
static enum fate fate_of(const struct transfer *t, int status, size_t count)
{
	bool batch = api_is_batch(t->call), segment = api_is_segment(t->call);

	if (status == 429)
		return FATE_THROTTLED;
	if (status == 401 || status == 407)
		return FATE_ENDED;
	if (status == 0 || status >= 500)
		return api_is_message(t->call) && !t->unconnected && status != 503 ? FATE_LOST :
		                                                                     FATE_FAILED;
	if (status >= 400 && (batch || segment) && count > 1)
		return FATE_CUT;
	/* of one alone a segment may be what is refused */
	if (status == 403 || (status == 400 && segment))
		return FATE_DOUBTED;
	if (status == 307)
		return FATE_MOVED;
	return status >= 300 ? FATE_REFUSED : FATE_ACCEPTED;
}

/* What the program now knows of each operation. */
static void note_told(struct transfer *t)
{
	struct attempt *a = seen_attempt_at(t->attempt);
	/* what is not the API's says nothing */
	int status = t->error || is_login(t) ? 0 : t->answer.status;
	enum fate fate = fate_of(t, status, a->count);

	a->delivered = time_now();
	a->status = status;
	for (size_t i = 0; i < a->count; i++)
		seen_at(a->first + i)->fate = status == 207 && !api_took(t->call, i) ?
		    FATE_REFUSED :
		    fate;
	if (status)
		trace("[%u] <- #%zu %d", a->proc, t->attempt, status);
	else
		trace("[%u] <- #%zu %s", a->proc, t->attempt, t->error ? t->error : "a login page");
}

static void no_longer_flies(struct sender *s, const struct transfer *t)
{
	unsigned i = 0;

	while (s->flying[i] != t)
		i++;
	s->flying[i] = s->flying[--s->in_flight];
}

int sender_next(struct sender *s, void **owner, struct reply *reply)
{
	struct transfer *t = s->done;

	proc_step();
	if (s->told) {
		lighten(s->told);
		s->told = NULL;
	}
	if (!t)
		return 0;
	s->done = t->next_done;
	if (!s->done)
		s->done_end = &s->done;
	note_told(t);
	s->told = t;
	no_longer_flies(s, t);
	if (t->error)
		flight_failed(&s->flight, time_now());
	else
		flight_answered(&s->flight, t->started, t->body_len, time_now());
	s->proc->spins = 0;
	t->sender = NULL;
	buf_byte(&t->answer.body, '\0');
	*owner = t->owner;
	*reply = (struct reply){
		.transport = t->error ? TRANSPORT_DOWN : TRANSPORT_ANSWERED,
		.status = t->error ? 0 : t->answer.status,
		.error = t->error,
		.type = t->answer.body.len > 1 && t->answer.body.data[0] == '<' ?
		    "text/html" :
		    "application/json",
		.left = !t->unconnected,
		.body = t->answer.body.data,
		.body_len = t->answer.body.len - 1,
		.location = t->location[0] ? t->location : NULL,
		.retry_after_us = t->error ? -1 : t->answer.retry_after,
		.started = t->started,
		.sent_bytes = (int64_t)t->body_len,
	};
	return 1;
}

static bool any_readable(const struct proc *p, const int *fds, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (fds[i] >= 0 && files_readable(p, fds[i]))
			return true;
	return false;
}

int sender_wait(struct sender *s, int64_t until, const int *fds, size_t fd_count,
    struct reason *why)
{
	(void)why;
	proc_step();
	bool waits = false;
	while (!s->done && time_now() < until && !any_readable(s->proc, fds, fd_count)) {
		waits = true;
		proc_wait(until);
	}
	s->proc->spins = waits ? 0 : s->proc->spins + 1;
	if (s->proc->spins == SPINS) {
		complain("the program waits for nothing, again and again");
		proc_kill(s->proc);
	}
	return 0;
}
