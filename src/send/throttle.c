/* A wave of 429s is told from the next by when its attempts left. */
#include "send/throttle.h"

#include <stddef.h>

#define SECOND INT64_C(1000000)
#define CLIMB (10 * SECOND)      /* what the way from the held rate to the full one takes */
#define HOLD_START (16 * SECOND) /* how long a rate is held at first ... */
#define HOLD_MOVED (8 * SECOND)  /* ... where the limit is not what it was ... */
#define HOLD_MOST (300 * SECOND) /* ... and at most */
#define HOLD_PAUSES 8            /* ... and at least so many times what the last refusal cost */
#define FEW 4
#define LEAST (THROTTLE_UNIT / 10)

/* In thousandths. */
#define BELOW 985 /* of what was taken: the held rate */
#define STEP_FIRST \
	20 /* how much lower a held rate is set that was refused; twice that each time \
	    */
#define STEP_MOST 200
#define ALIKE 950 /* a count that is at least so much of another is the same one */
#define NEAR 800  /* a limit that is at least so much of another is at the same place */

/* What servers count over, in seconds. */
static const int spans[] = { 1, 2, 3, 5, 10, 15, 20, 30, 60 };
#define LONGEST (60 * SECOND)
#define SPANS (sizeof spans / sizeof *spans)

static int64_t smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* Rates are below 10^12, so that nothing overflows. */
static int64_t thousandths(int64_t rate, int64_t part)
{
	return rate * part / 1000;
}

void throttle_init(struct throttle *t, int64_t full, int64_t now)
{
	*t = (struct throttle){
		.refused_since = INT64_MAX,
		.paused_at = INT64_MIN,
		.paused_until = INT64_MIN,
		.full = full,
		.rate = full,
		.hold = HOLD_MOVED,
		.span = SECOND,
		.step = STEP_FIRST,
		.opened = now,
		.shut = INT64_MAX,
	};
	recent_init(&t->recent, now);
}

void throttle_limit(struct throttle *t, int64_t full)
{
	t->full = t->rate = full;
}

void throttle_began(struct throttle *t, int64_t now)
{
	recent_add(&t->recent, now, 1);
}

static bool is_shut(const struct throttle *t)
{
	return t->shut != INT64_MAX;
}

/* -- the rate -- */

static bool is_climbing(const struct throttle *t, int64_t at)
{
	return t->rate < t->full && !is_shut(t) && at - t->opened > t->hold;
}

/* By the cube of the time: slowly where the limit was, and quickly where it no longer is. */
int64_t throttle_rate(const struct throttle *t, int64_t now)
{
	double way = (double)(now - t->opened - t->hold) / (double)CLIMB;

	if (!is_climbing(t, now))
		return t->rate;
	if (way >= 1)
		return t->full;
	return t->rate + (int64_t)((double)(t->full - t->rate) * way * way * way);
}

/* What the server took in the span before it refused, as a rate. */
static int64_t taken(const struct throttle *t)
{
	return (int64_t)(recent_count(&t->recent, t->shut, t->span) * (double)THROTTLE_UNIT *
	    (double)SECOND / (double)t->span);
}

/* Never faster than it was when it was refused. Where hardly any were taken it is not known how
 * many would have been (somebody else has just used up all, perhaps): half as fast, then, at least.
 */
static void hold(struct throttle *t, int64_t rate)
{
	bool few = recent_count(&t->recent, t->shut, t->span) < FEW;
	int64_t least = few ? larger(t->before / 2, LEAST) : LEAST;

	t->rate = larger(smaller(rate, t->before), smaller(t->full, least));
}

/* -- refusals -- */

/* Refused on the way up: there is the limit. */
static void found(struct throttle *t)
{
	int64_t place = taken(t);

	if (place < thousandths(t->place, NEAR)) {
		t->hold = HOLD_MOVED; /* it was lowered */
		t->lowered = true;
	} else if (thousandths(place, NEAR) > t->place) {
		t->hold = HOLD_MOVED; /* it was raised, or the span is another */
		t->lowered = false;
		t->span = SECOND;
		place = taken(t);
	} else {
		t->hold = smaller(t->lowered ? t->hold * 4 / 3 : t->hold * 2, HOLD_MOST);
	}
	t->place = place;
	t->step = STEP_FIRST;
	hold(t, thousandths(place, BELOW));
}

/* Refused where the count was what it was before: a little less, and less each time. */
static void lower(struct throttle *t)
{
	hold(t, thousandths(t->rate, 1000 - t->step));
	t->step = smaller(2 * t->step, STEP_MOST);
}

/* Refused after `lasted` us in which it should not have been: the server counts over so long. */
static void widen(struct throttle *t, int64_t lasted)
{
	for (size_t i = 0; i < SPANS; i++)
		if (lasted <= spans[i] * SECOND) {
			t->span = spans[i] * SECOND;
			break;
		}
	if (t->place == 0) {
		t->lowered = lasted > LONGEST; /* the full rate had been well */
		t->hold = t->lowered ? HOLD_MOVED : HOLD_START;
	}
	t->place = taken(t);
	hold(t, thousandths(t->place, BELOW));
}

/* The first refusal since the server last took anything. */
static void shut(struct throttle *t, int64_t started, int64_t lasted)
{
	bool known = t->rate < t->full;

	t->climbing = is_climbing(t, started);
	t->before = t->rate = throttle_rate(t, started);
	t->shut = started;
	if (t->climbing)
		found(t);
	else if (known && lasted >= t->span && taken(t) >= thousandths(t->place, ALIKE))
		lower(t);
	else
		widen(t, lasted);
}

/* Retry-After comes in whole seconds, rounded up: one says nothing. */
static void learn(struct throttle *t, int64_t started, int64_t retry_after_us)
{
	int64_t lasted = started - t->opened +
	    larger(0, smaller(retry_after_us, HOLD_MOST) - SECOND);

	if (!is_shut(t))
		shut(t, started, lasted);
	else if (!t->climbing)
		widen(t, lasted);
}

/* -- the wave -- */

static bool is_same_wave(const struct throttle *t, int64_t started)
{
	return t->pauses > 0 && started < t->paused_at;
}

unsigned throttle_nth(const struct throttle *t, int64_t started)
{
	return t->pauses - is_same_wave(t, started);
}

bool throttle_refused(struct throttle *t, int64_t started, int64_t retry_after_us, int64_t until,
    int64_t now)
{
	bool fresh = !is_same_wave(t, started);

	recent_add(&t->recent, started, -1);
	if (t->refused_since == INT64_MAX)
		t->refused_since = now;
	t->paused_until = larger(t->paused_until, until);
	if (!fresh)
		return false;
	t->pauses += t->pauses < UINT32_MAX;
	t->paused_at = now;
	if (t->full > 0)
		learn(t, started, retry_after_us);
	return true;
}

/* The server takes requests again. What the refusal cost says how rarely to risk the next. */
static void open_again(struct throttle *t, int64_t started)
{
	if (t->climbing)
		t->hold = larger(t->hold, smaller(HOLD_PAUSES * (started - t->shut), HOLD_MOST));
	t->shut = INT64_MAX;
	t->opened = started;
}

bool throttle_listens(const struct throttle *t)
{
	return t->refused_since != INT64_MAX || t->pauses > 0 || is_shut(t);
}

void throttle_answered(struct throttle *t, enum throttle_answer answer, int64_t started)
{
	t->refused_since = INT64_MAX;
	t->pauses = 0;
	if (is_shut(t) && answer == THROTTLE_HEARD && started >= t->paused_at)
		open_again(t, started);
}
