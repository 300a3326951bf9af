/* One event after another: attempts arrive, answers come back, the client goes on. */
#include "limit_world.h"

#include <math.h>
#include <stdlib.h>

#include "dice.h"
#include "limit_client.h"

#define IN_FLIGHT 100
#define TIMEOUT (10 * LIMIT_S)
#define WAKES_LATE 500 /* us: as a sleeper does */
#define BURST 10

enum event_kind { ARRIVES, ACCEPTED, REFUSED, LOST };
struct event {
	int64_t at;
	enum event_kind kind;
	int64_t started, retry_after;
};

struct world {
	const struct limit_world *w;
	struct limit_server *server;
	struct limit_client *client;
	struct dice dice;
	struct event events[IN_FLIGHT]; /* a heap: one for each attempt in flight */
	int flying;
	int64_t now;
	int waiting, taken;
	int64_t taken_at;                /* the last one */
	int64_t stall_from, stall_until; /* the last stall, or the next */
	double level;                    /* of a bucket that is filled at the full rate, at ... */
	int64_t filled_at;
	struct limit_result result;
};

static void push(struct world *s, struct event e)
{
	int i = s->flying++;

	for (; i > 0 && s->events[(i - 1) / 2].at > e.at; i = (i - 1) / 2)
		s->events[i] = s->events[(i - 1) / 2];
	s->events[i] = e;
}

static struct event pop(struct world *s)
{
	struct event top = s->events[0], last = s->events[--s->flying];
	int i = 0, child;

	while ((child = 2 * i + 1) < s->flying) {
		if (child + 1 < s->flying && s->events[child + 1].at < s->events[child].at)
			child++;
		if (last.at <= s->events[child].at)
			break;
		s->events[i] = s->events[child];
		i = child;
	}
	s->events[i] = last;
	return top;
}

/* The server decides; its answer is on its way. */
static void arrive(struct world *s, struct event e)
{
	int64_t spread = s->w->late_most - s->w->late_least;

	e.kind = limit_server_takes(s->server, e.at, &e.retry_after) ? ACCEPTED : REFUSED;
	if (e.kind == ACCEPTED) {
		s->taken++;
		s->taken_at = e.at;
	}
	int64_t back = e.started + s->w->late_least + s->w->strewn +
	    dice_below(&s->dice, spread + 1);
	e.at = back > e.at ? back : e.at;
	if (s->w->lost && dice_below(&s->dice, 1000) < s->w->lost) {
		e.kind = LOST;
		e.at = e.started + TIMEOUT;
	}
	push(s, e);
}

/* What was lost is not sent again: whether it was taken is counted already. */
static void happen(struct world *s, struct event e)
{
	if (e.kind == ARRIVES) {
		arrive(s, e);
	} else if (e.kind == REFUSED) {
		s->result.refused++;
		s->waiting++;
		limit_client_refused(s->client, e.started, e.retry_after, dice_next(&s->dice),
		    e.at);
	} else {
		limit_client_answered(s->client, e.kind == LOST ? THROTTLE_LOST : THROTTLE_HEARD,
		    e.started, e.at);
	}
}

static void check_promise(struct world *s)
{
	double came = (double)(s->now - s->filled_at) * s->w->rate / (double)LIMIT_S;

	s->level = fmin(s->level + came, BURST) - 1;
	s->filled_at = s->now;
	if (s->w->rate && s->level < -1e-6)
		s->result.promise = false;
}

/* When what would arrive at `at` does, which is not before any other. */
static int64_t stalled(struct world *s, int64_t at)
{
	while (s->w->stalled && at >= s->stall_until) {
		s->stall_from = s->stall_until + dice_below(&s->dice, 2 * s->w->stall_every);
		s->stall_until = s->stall_from + dice_below(&s->dice, s->w->stalled) + 1;
	}
	return at > s->stall_from && at < s->stall_until ? s->stall_until : at;
}

static void leave(struct world *s)
{
	struct event e = { .kind = ARRIVES,
		.started = s->now,
		.at = s->now + s->w->late_least / 2 + dice_below(&s->dice, s->w->strewn + 1) };

	e.at = stalled(s, e.at);
	check_promise(s);
	s->waiting--;
	push(s, e);
}

static void step(struct world *s)
{
	int64_t ready = INT64_MAX, due = s->flying ? s->events[0].at : INT64_MAX;

	if (s->waiting && s->flying < IN_FLIGHT)
		ready = limit_client_ready(s->client, s->now);
	if (ready <= s->now && limit_client_take(s->client, s->now)) {
		leave(s);
	} else if (ready < due) {
		int64_t wakes = ready + dice_below(&s->dice, WAKES_LATE);
		s->now = wakes < due ? wakes : due;
	} else {
		s->now = due;
		happen(s, pop(s));
	}
}

struct limit_result limit_run(const struct limit_world *w, enum limit_rule rule, uint64_t seed)
{
	struct limit limit = w->limit;
	struct world s = { .w = w,
		.dice = { seed },
		.waiting = w->records,
		.level = BURST,
		.result = { .promise = true } };

	if (w->later)
		limit.change_until += dice_below(&s.dice, w->later);
	s.server = limit_server_new(&limit, dice_below(&s.dice, limit.window));
	s.client = limit_client_new(rule, w->rate, BURST);
	while (s.waiting || s.flying)
		step(&s);
	s.result.share = s.taken / limit_capacity(&limit, w->rate ? w->rate : INFINITY, s.taken_at);
	limit_server_free(s.server);
	limit_client_free(s.client);
	return s.result;
}
