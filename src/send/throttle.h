/*
 * What the server's 429s mean: which of them belong together, how long nothing leaves, how long
 * nothing but them has been heard, and how fast to go on.
 *
 * A limit that is exceeded is heard of by all requests that are in flight at that moment. These
 * 429s are one wave and make one pause: an attempt that began before the last pause did tells
 * nothing new. Times are microseconds of one clock, handed in; they never go back.
 */
#ifndef THROTTLE_H
#define THROTTLE_H

#include <stdbool.h>
#include <stdint.h>

enum throttle_answer {
	THROTTLE_HEARD, /* any answer but 429: the server took the request */
	THROTTLE_LOST,  /* none that counts: a timeout, a reset, a 5xx */
};

/* Plain data, without pointers: it can be copied, and can lie in a file. */
struct throttle {
	int64_t refused_since; /* the first 429 without another answer since; INT64_MAX: none */
	uint32_t pauses;       /* waves since then */
	int64_t paused_at;     /* when the last pause began; INT64_MIN: none yet */
	int64_t paused_until;  /* nothing leaves before; INT64_MIN: none yet */
};

void throttle_init(struct throttle *t);

/* An attempt that began at `started` ended, and not by a 429. */
void throttle_answered(struct throttle *t, enum throttle_answer answer, int64_t started,
    int64_t now);

/* How many pauses, since anything but a 429 was heard, lie before the one that a 429 to an attempt
 * that began at `started` belongs to: the n of its backoff, from 0. */
unsigned throttle_nth(const struct throttle *t, int64_t started);

/* A 429 to an attempt that began at `started`, with that Retry-After (-1: without): nothing is to
 * leave before `until`, or the end of the pause that there is, whichever is later. Returns true
 * where it begins a new pause. */
bool throttle_refused(struct throttle *t, int64_t started, int64_t retry_after_us, int64_t until,
    int64_t now);

#endif
