/*
 * When the next attempt may leave: the token bucket, and what the server's answers say about its
 * rate, in one.
 *
 * A run asks pace_ready, waits, takes a token with pace_take for each attempt that leaves, and
 * tells what became of it: each attempt ends in one call of pace_answered or pace_refused. The
 * bucket's promise (bucket.h) holds whatever is told. Times are microseconds of one clock, handed
 * in; they never go back.
 */
#ifndef PACE_H
#define PACE_H

#include <stdbool.h>
#include <stdint.h>

#include "send/throttle.h"

struct pace;
struct reason;

struct pace_config {
	/* num attempts each den microseconds, as num_rate has them; 0, 0: unlimited */
	int64_t num, den;
	int64_t burst; /* the bucket's size, from 1 */
	bool adapt;    /* false: a 429 pauses, and changes nothing else */
};

/* To be freed with pace_free. */
struct pace *pace_new(const struct pace_config *c, int64_t now);

/*
 * One that runs on this machine which name the same file share: they take from one bucket, fairly,
 * and a 429 to one is one to all. All must ask for the same. `now` and `wall` are the two clocks.
 * NULL: *why says why, and the exit status (EX_USAGE where one that shares it asks for something
 * else). A file that nobody shares any more is begun anew where its times cannot be this boot's, or
 * something else is asked for now.
 */
struct pace *pace_share(const struct pace_config *c, const char *path, int64_t now, int64_t wall,
    struct reason *why);

void pace_free(struct pace *p); /* NULL: does nothing */

/* When the next attempt may leave, `now` at the earliest, or when to ask again. To be asked only by
 * who has something to send. It changes with every call of those below. */
int64_t pace_ready(struct pace *p, int64_t now);

/* An attempt leaves. false: there is no token, for another run took it, and it must not; ask
 * pace_ready again, unless there is trouble. */
bool pace_take(struct pace *p, int64_t now);

/* Why a shared file can be used no longer, so that nothing leaves any more; NULL: it can. */
const struct reason *pace_trouble(const struct pace *p);

/* An attempt that began at `started` ended, and not by a 429. */
void pace_answered(struct pace *p, enum throttle_answer answer, int64_t started, int64_t now);

/* The n of the backoff that a 429 to an attempt that began at `started` asks for, from 0. */
unsigned pace_nth(struct pace *p, int64_t started);

/* A 429 to it, with that Retry-After (-1: without): nothing leaves before `until`, which is that or
 * the backoff, stretched. Returns true where it begins a new pause, false where it belongs to the
 * one that there is (throttle.h). */
bool pace_refused(struct pace *p, int64_t started, int64_t retry_after_us, int64_t until,
    int64_t now);

/* Nothing leaves before; INT64_MIN where there has been no pause. */
int64_t pace_paused_until(const struct pace *p);

/* The first 429 that no other answer has followed, for who gives up; INT64_MAX: there is none. With
 * a rate file, what the others were answered since is read first; where it cannot be, what was
 * known last is told. */
int64_t pace_refused_since(struct pace *p);

/* Attempts a second that were asked for, for people; 0: unlimited. */
double pace_asked(const struct pace *p);

/* Attempts a second that are kept to now because of 429s, for people; 0: the rate as it was asked
 * for. */
double pace_learned(const struct pace *p, int64_t now);

/* Attempts a second that the server was found to take, for people; 0: no limit was met. */
double pace_found(const struct pace *p);

#endif
