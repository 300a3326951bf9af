/*
 * What the server's 429s mean: which of them belong together, how long nothing leaves, how long
 * nothing but them has been heard, and how fast to go on.
 *
 * A limit that is exceeded is heard of by all requests that are in flight at that moment. These
 * 429s are one wave and make one pause: an attempt that began before the last pause did tells
 * nothing new, but which was the first that was refused.
 *
 * How fast to go on: servers count requests over some time, its span, mostly a second. What the
 * server took in the span before it refused is its limit. The rate goes on a hundredth below that,
 * is held for 40 seconds, and then climbs to the rate that was asked for, slowly at first. Refused
 * on the way up, at about the same place, it is held for a third longer the next time: so a limit
 * that stays costs ever less, and one that was raised is found out. (Each try that fails costs a
 * pause of about 1.1 s, at the default backoff. Trying every h seconds costs 1.1/h of the time, and
 * a raise is used h/2 too late: where one of 60 to 100 comes once in six minutes, no h gets more
 * than 0.94, and about 40 s is best.) Where the limit had been higher before (somebody else has
 * part of it now, perhaps), or is a guess, it is tried again after 8 seconds.
 *
 * Refused while the rate is held, it depends on how many were sent. As many as before, and it was
 * well for long: that was chance (on its way something held requests up, and then many came at
 * once), and the rate stays. As many as before, but soon: it is a little too high, and is lowered.
 * Fewer, or sooner than a span: the server counts over another span. It has counted since it last
 * began to take requests, and goes on as long as it keeps refusing them, or until the time that
 * Retry-After names; and spans are round numbers.
 *
 * Times are microseconds of one clock, handed in; they never go back. Rates are attempts in a
 * million seconds.
 */
#ifndef THROTTLE_H
#define THROTTLE_H

#include <stdbool.h>
#include <stdint.h>

#include "send/recent.h"

#define THROTTLE_UNIT INT64_C(1000000) /* one attempt a second, as a rate */

enum throttle_answer {
	THROTTLE_HEARD, /* any answer but 429: the server took the request */
	THROTTLE_LOST,  /* none that counts: a timeout, a reset, a 5xx */
};

/* Plain data, without pointers: it can be copied, and can lie in a file. */
struct throttle {
	/* the wave */
	int64_t refused_since; /* the first 429 without another answer since; INT64_MAX: none */
	uint32_t pauses;       /* waves since then */
	int64_t paused_at;     /* when the last pause began; INT64_MIN: none yet */
	int64_t paused_until;  /* nothing leaves before; INT64_MIN: none yet */

	/* the limit */
	int64_t full;   /* the rate that was asked for; 0: nothing is learnt */
	int64_t rate;   /* the rate that is held; full: no limit was met yet */
	int64_t hold;   /* how long it is held, us */
	int64_t span;   /* what the server seems to count over, us */
	int64_t most;   /* the last refusal says: no faster than this, whatever was taken */
	int64_t place;  /* what was taken before it, as a rate */
	int64_t below;  /* how far below that the held rate is, in thousandths */
	int64_t opened; /* when the first attempt began that was taken after the last pause */
	int64_t shut;   /* when the first one after that began that was refused; INT64_MAX: none */
	bool lowered;   /* the limit had been higher before */
	bool climbing;  /* whether the rate was on its way up then */
	struct recent recent;
};

/* full: the rate that was asked for; 0: it stays, whatever comes. */
void throttle_init(struct throttle *t, int64_t full, int64_t now);

/* What was attempted without a rate has one from now on. */
void throttle_limit(struct throttle *t, int64_t full);

/* An attempt begins. */
void throttle_began(struct throttle *t, int64_t now);

/* Whether an answer other than 429 changes anything: not where nothing was refused lately. */
bool throttle_listens(const struct throttle *t);

/* An attempt that began at `started` ended, and not by a 429. */
void throttle_answered(struct throttle *t, enum throttle_answer answer, int64_t started);

/* How many pauses, since anything but a 429 was heard, lie before the one that a 429 to an attempt
 * that began at `started` belongs to: the n of its backoff, from 0. */
unsigned throttle_nth(const struct throttle *t, int64_t started);

/* A 429 to an attempt that began at `started`, with that Retry-After (-1: without): nothing is to
 * leave before `until`, or the end of the pause that there is, whichever is later; one of the same
 * wave, without Retry-After, leaves the pause as it is. Returns true where it begins a new pause.
 */
bool throttle_refused(struct throttle *t, int64_t started, int64_t retry_after_us, int64_t until,
    int64_t now);

/* The rate to keep to, at most `full`; 0 where nothing is learnt. */
int64_t throttle_rate(const struct throttle *t, int64_t now);

#endif
