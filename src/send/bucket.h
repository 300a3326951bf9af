/*
 * The token bucket, in integers, on a clock that the caller reads.
 *
 * Promise: attempts started in any closed [t, t+w] <= burst + rate * w. It starts with one token.
 * While undisturbed, sends are evenly spaced; what a stall left unused (at most `burst` tokens) is
 * caught up at 1.01 times the rate, so that a catching-up run does not arrive as a volley.
 */
#ifndef BUCKET_H
#define BUCKET_H

#include <stdbool.h>
#include <stdint.h>

/* wide enough that nothing below is ever rounded or cut */
__extension__ typedef __int128 bucket_units;

struct bucket_meter {
	bucket_units cost;  /* of a token */
	bucket_units size;  /* most units held */
	bucket_units level; /* units held now */
};

/* A send takes its tokens from both meters: one holds `burst` tokens and fills at the rate, the
 * other holds hardly more than what one send takes and fills at 1.01 times the rate. */
struct bucket {
	struct bucket_meter sustained, peak;
	bucket_units num;      /* units that come each microsecond */
	bucket_units full_num; /* ... at the full rate */
	int64_t last;          /* when the levels were brought up to date, us */
	int64_t paused_until;  /* nothing leaves before; INT64_MIN: never paused */
	bool unlimited;
};

/*
 * num tokens come each den microseconds (0, 0: unlimited), between 1/h and 1,000,000/s with up to
 * six decimals: the full rate. burst: 1 to 1 million; most_at_once: the largest n that will be
 * asked for, 1 to burst.
 */
void bucket_init(struct bucket *b, int64_t num, int64_t den, int64_t burst, int64_t most_at_once,
    int64_t now);

/* The first microsecond at which n tokens are there to take, `now` at the earliest; INT64_MAX where
 * n is too many. */
int64_t bucket_ready(struct bucket *b, int64_t n, int64_t now);

/* Takes n tokens if they are there: true. */
bool bucket_take(struct bucket *b, int64_t n, int64_t now);

/* Nothing leaves before `until`, or the end of the pause that there is, whichever is later; then
 * one token is there, where the full rate has brought it by then, so that what follows is no
 * volley. */
void bucket_pause(struct bucket *b, int64_t until, int64_t now);

/* From now on tokens come at num each den microseconds (num up to 10^12), rounded down to a
 * hundredth a second or finer, but not to none; or at the full rate where that is less. What has
 * come until now stays. */
void bucket_fill_at(struct bucket *b, int64_t num, int64_t den, int64_t now);

/* Tokens a second, for people: the rate now; 0: unlimited. */
double bucket_rate(const struct bucket *b);

#endif
