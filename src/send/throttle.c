/* A wave of 429s is told from the next by when its attempts left. */
#include "send/throttle.h"

#include <math.h>
#include <stddef.h>

#define SECOND INT64_C(1000000)
#define CLIMB (10 * SECOND)      /* what the way from the held rate to the full one takes */
#define HOLD_FIRST (40 * SECOND) /* how long a rate is held at first ... */
#define HOLD_SHORT (8 * SECOND)  /* ... where it may soon be, or is, another ... */
#define HOLD_MOST (300 * SECOND) /* ... and at most */
#define HOLD_PAUSES 8            /* ... and at least so many times what the last refusal cost */
#define CALM (10 * SECOND)       /* a rate that was well for so long is right */
#define FEW 4
#define LEAST (THROTTLE_UNIT / 10)

/* In thousandths. */
#define BELOW_FIRST 10 /* how far below what was taken a rate is held; twice that each time ... */
#define BELOW_MOST 200 /* ... that it is refused there, and at most */
#define ALIKE 950      /* a count that is at least so much of another is the same one */
#define NEAR 800       /* a limit that is at least so much of another is at the same place */

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
		.hold = HOLD_SHORT,
		.span = SECOND,
		.below = BELOW_FIRST,
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

/* How many the server took in the span before it refused: a whole number. */
static double taken(const struct throttle *t)
{
	return ceil(recent_count(&t->recent, t->shut, t->span));
}

/* The same as a rate. */
static int64_t place(const struct throttle *t)
{
	return (int64_t)(taken(t) * (double)THROTTLE_UNIT * (double)SECOND / (double)t->span);
}

/* Just below what was taken. Where hardly any were taken it is not known how many would have been
 * (somebody else has just used up all, perhaps): half as fast, then, at least. */
static void settle(struct throttle *t)
{
	int64_t least = taken(t) < FEW ? larger(t->most / 2, LEAST) : LEAST;

	t->place = place(t);
	t->rate = larger(smaller(thousandths(t->place, 1000 - t->below), t->most),
	    smaller(t->full, least));
}

/* -- refusals -- */

/* Refused on the way up: there is the limit. Where it is about the same again, the rate that was
 * `held` well is better known, and is raised by half of the difference. */
static void found(struct throttle *t, int64_t held)
{
	int64_t now_at = place(t);

	t->below = BELOW_FIRST;
	if (now_at < thousandths(t->place, NEAR)) {
		t->hold = HOLD_SHORT; /* it was lowered */
		t->lowered = true;
	} else if (thousandths(now_at, NEAR) > t->place) {
		t->hold = HOLD_FIRST; /* it was raised, or the span is another */
		t->lowered = false;
		t->span = SECOND;
	} else {
		t->hold = smaller(t->hold * 4 / 3, HOLD_MOST);
		t->hold = larger(t->hold, t->lowered ? HOLD_SHORT : HOLD_FIRST);
		if (held < thousandths(now_at, ALIKE))
			t->hold = HOLD_SHORT; /* it was held too low */
		t->most = smaller(t->most, held + (now_at - held) / 2);
	}
}

/* Refused after `lasted` us though no more was sent than before. Soon: a little less, and less each
 * time. Later: the rate has been well for long, and stays; something held requests up on their way,
 * perhaps, so that many came at once. It is tried sooner then whether more is well. */
static void lower(struct throttle *t, int64_t lasted)
{
	if (lasted > CALM) {
		t->below = 0;
		t->hold = larger(t->hold * 3 / 4, HOLD_SHORT);
	} else {
		t->below = smaller(larger(2 * t->below, BELOW_FIRST), BELOW_MOST);
	}
	t->most = thousandths(t->most, 1000 - t->below);
}

/* Refused after `lasted` us in which it should not have been: the server counts over so long. */
static void widen(struct throttle *t, int64_t lasted)
{
	for (size_t i = 0; i < SPANS; i++)
		if (lasted <= spans[i] * SECOND) {
			t->span = spans[i] * SECOND;
			break;
		}
}

/* The first refusal since the server last took anything. */
static void shut(struct throttle *t, int64_t started, int64_t lasted)
{
	int64_t held = t->rate;

	t->climbing = is_climbing(t, started);
	t->most = throttle_rate(t, started);
	t->shut = started;
	if (t->climbing)
		found(t, held);
	else if (held < t->full && lasted >= t->span && place(t) >= thousandths(held, ALIKE))
		lower(t, lasted);
	else
		widen(t, lasted);
}

/* The first limit that is met. It is tried again soon where it is a guess: it is far below what was
 * asked for (a run that ended just now used it up, perhaps); or the server refused in the second or
 * third second (it begins to count anew each second, perhaps); or Retry-After is long (a
 * punishment, perhaps). And where the full rate had been well for long, it may be so again. */
static void first_hold(struct throttle *t, int64_t lasted, bool told)
{
	bool guessed = told || (lasted > SECOND && lasted <= 3 * SECOND) || t->place < t->full / 2;

	t->lowered = lasted > LONGEST;
	t->hold = guessed || t->lowered ? HOLD_SHORT : HOLD_FIRST;
}

/* Retry-After comes in whole seconds, rounded up: one says nothing. */
static void learn(struct throttle *t, int64_t started, int64_t retry_after_us)
{
	int64_t told = larger(0, smaller(retry_after_us, HOLD_MOST) - SECOND);
	int64_t lasted = started - t->opened + told;
	bool first = t->place == 0;

	if (!is_shut(t))
		shut(t, started, lasted);
	else if (!t->climbing)
		widen(t, lasted);
	settle(t);
	if (first)
		first_hold(t, lasted, told > 0);
}

/* -- the wave -- */

/* What leaves at the moment at which a pause begins has left before it. */
static bool is_same_wave(const struct throttle *t, int64_t started)
{
	return started <= t->paused_at;
}

unsigned throttle_nth(const struct throttle *t, int64_t started)
{
	return t->pauses - (t->pauses > 0 && is_same_wave(t, started));
}

/* The 429s of a wave come in any order: one to an earlier attempt says that less was taken. */
static void correct(struct throttle *t, int64_t started)
{
	if (!is_shut(t) || started >= t->shut)
		return;
	t->shut = started;
	settle(t);
}

bool throttle_refused(struct throttle *t, int64_t started, int64_t retry_after_us, int64_t until,
    int64_t now)
{
	bool fresh = !is_same_wave(t, started);

	recent_add(&t->recent, started, -1);
	if (t->refused_since == INT64_MAX)
		t->refused_since = now;
	if (fresh || retry_after_us >= 0)
		t->paused_until = larger(t->paused_until, until);
	if (!fresh) {
		correct(t, started);
		return false;
	}
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

/* An answer to what left before the pause does not end it. */
void throttle_answered(struct throttle *t, enum throttle_answer answer, int64_t started)
{
	t->refused_since = INT64_MAX;
	if (is_same_wave(t, started))
		return;
	t->pauses = 0;
	if (is_shut(t) && answer == THROTTLE_HEARD)
		open_again(t, started);
}
