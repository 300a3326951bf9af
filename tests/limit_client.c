/* Rules for going on after a 429, side by side. */
#include "limit_client.h"

#include <math.h>
#include <stdlib.h>

#include "base/buf.h"
#include "queue/retry.h"
#include "send/bucket.h"
#include "send/pace.h"

#define SECONDS(us) ((double)(us) / (double)LIMIT_S)

static const struct retry_config backoff = {
	.backoff_us = LIMIT_S,
	.backoff_max_us = 60 * LIMIT_S,
	.jitter = 0.25,
};

struct limit_client {
	enum limit_rule rule;
	struct pace *pace; /* LIMIT_LEARN; the other rules have what follows */
	struct bucket bucket;
	struct throttle waves;
	double full, rate; /* a second */
	int64_t slowed_at; /* 0: never */
	double largest,
	    turn; /* the cubic's: the rate that was too much, and when it is back there */
	/* the rate that is measured, as botocore's RateClocker does: half a second's count,
	 * smoothed */
	double measured;
	int64_t half;
	int in_half;
};

struct limit_client *limit_client_new(enum limit_rule rule, int rate, int burst)
{
	struct limit_client *c = xcalloc(1, sizeof *c);
	struct pace_config config = {
		.num = rate,
		.den = rate ? LIMIT_S : 0,
		.burst = burst,
		.adapt = true,
	};

	*c = (struct limit_client){ .rule = rule, .full = rate, .rate = rate };
	c->pace = pace_new(&config, 0);
	bucket_init(&c->bucket, rate, LIMIT_S, burst, 1, 0);
	throttle_init(&c->waves, 0, 0);
	return c;
}

void limit_client_free(struct limit_client *c)
{
	pace_free(c->pace);
	free(c);
}

/* -- the rules to compare with -- */

static double rate_now(const struct limit_client *c, int64_t now)
{
	double since = fmax(0, SECONDS(now - c->slowed_at));

	if (c->slowed_at == 0)
		return c->full;
	if (c->rule == LIMIT_HALVE)
		return fmin(c->full, c->rate + c->full / 20 * since);
	return fmin(c->full, c->rate);
}

static void slow_down(struct limit_client *c, int64_t until, int64_t now)
{
	if (c->rule == LIMIT_HALVE) {
		c->rate = fmax(1, rate_now(c, now) / 2);
		c->slowed_at = until;
		return;
	}
	c->largest = fmin(c->measured, rate_now(c, now));
	c->turn = cbrt(c->largest * 0.3 / 0.4);
	c->rate = c->largest * 0.7;
	c->slowed_at = now;
}

static void speed_up(struct limit_client *c, int64_t now)
{
	double t = SECONDS(now - c->slowed_at) - c->turn;

	if (c->rule == LIMIT_CUBIC && c->slowed_at > 0)
		c->rate = fmin(0.4 * t * t * t + c->largest, 2 * c->measured);
}

static void measure(struct limit_client *c, int64_t now)
{
	int64_t half = now / (LIMIT_S / 2);

	c->in_half++;
	if (half == c->half)
		return;
	c->measured = 0.8 * c->in_half / (0.5 * (double)(half - c->half)) + 0.2 * c->measured;
	c->in_half = 0;
	c->half = half;
}

static void follow(struct limit_client *c, int64_t now)
{
	double rate = fmax(1, rate_now(c, now));

	bucket_fill_at(&c->bucket, (int64_t)(rate * 1e6), LIMIT_S * 1000000, now);
}

/* -- what happens -- */

int64_t limit_client_ready(struct limit_client *c, int64_t now)
{
	if (c->rule == LIMIT_LEARN)
		return pace_ready(c->pace, now);
	follow(c, now);
	return bucket_ready(&c->bucket, 1, now);
}

bool limit_client_take(struct limit_client *c, int64_t now)
{
	if (c->rule == LIMIT_LEARN)
		return pace_take(c->pace, now);
	follow(c, now);
	return bucket_take(&c->bucket, 1, now);
}

void limit_client_answered(struct limit_client *c, enum throttle_answer answer, int64_t started,
    int64_t now)
{
	if (c->rule == LIMIT_LEARN) {
		pace_answered(c->pace, answer, started, now);
		return;
	}
	throttle_answered(&c->waves, answer, started);
	measure(c, now);
	speed_up(c, now);
}

void limit_client_refused(struct limit_client *c, int64_t started, int64_t retry_after,
    uint64_t random, int64_t now)
{
	unsigned nth = c->rule == LIMIT_LEARN ? pace_nth(c->pace, started) :
	                                        throttle_nth(&c->waves, started);
	int64_t until = now + retry_delay(&backoff, nth, retry_after, random);

	if (c->rule == LIMIT_LEARN) {
		pace_refused(c->pace, started, retry_after, until, now);
		return;
	}
	measure(c, now);
	bucket_pause(&c->bucket, until, now);
	if (throttle_refused(&c->waves, started, retry_after, until, now))
		slow_down(c, until, now);
}
