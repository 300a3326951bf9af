/* The bucket and the throttle of one run, as one: who is told of a 429 tells both. */
#include "send/pace.h"

#include <stdlib.h>

#include "base/buf.h"
#include "send/bucket.h"

/* a million seconds, which throttle's rates are in, us */
#define LONG_TIME INT64_C(1000000000000)

struct pace {
	struct pace_config config;
	struct bucket bucket;
	struct throttle throttle;
};

/* What a run without a rate climbs back to, once a limit was met: a million attempts a second. */
static const struct pace_config boundless = { .num = 1, .den = 1 };

/* Attempts in a million seconds. */
static int64_t long_rate(const struct pace_config *c)
{
	return (int64_t)((bucket_units)c->num * LONG_TIME / c->den);
}

static bool is_unlimited(const struct pace_config *c)
{
	return c->num <= 0 || c->den <= 0;
}

struct pace *pace_new(const struct pace_config *c, int64_t now)
{
	struct pace *p = xcalloc(1, sizeof *p);

	p->config = *c;
	bucket_init(&p->bucket, c->num, c->den, c->burst, 1, now);
	throttle_init(&p->throttle, c->adapt && !is_unlimited(c) ? long_rate(c) : 0, now);
	return p;
}

void pace_free(struct pace *p)
{
	free(p);
}

/* The bucket fills as fast as the throttle says now. */
static void follow(struct pace *p, int64_t now)
{
	if (p->throttle.full > 0)
		bucket_fill_at(&p->bucket, throttle_rate(&p->throttle, now), LONG_TIME, now);
}

int64_t pace_ready(struct pace *p, int64_t now)
{
	follow(p, now);
	return bucket_ready(&p->bucket, 1, now);
}

bool pace_take(struct pace *p, int64_t now)
{
	follow(p, now);
	if (!bucket_take(&p->bucket, 1, now))
		return false;
	throttle_began(&p->throttle, now);
	return true;
}

void pace_answered(struct pace *p, enum throttle_answer answer, int64_t started, int64_t now)
{
	(void)now;
	throttle_answered(&p->throttle, answer, started);
}

unsigned pace_nth(struct pace *p, int64_t started)
{
	return throttle_nth(&p->throttle, started);
}

/* A limit can be kept to only by a bucket that has a rate. */
static void get_limited(struct pace *p, int64_t now)
{
	const struct pace_config *c = &boundless;

	if (!p->config.adapt || p->throttle.full > 0)
		return;
	bucket_init(&p->bucket, c->num, c->den, p->config.burst, 1, now);
	throttle_limit(&p->throttle, long_rate(c));
}

bool pace_refused(struct pace *p, int64_t started, int64_t retry_after_us, int64_t until,
    int64_t now)
{
	get_limited(p, now);
	bool fresh = throttle_refused(&p->throttle, started, retry_after_us, until, now);
	bucket_pause(&p->bucket, until, now);
	follow(p, now);
	return fresh;
}

int64_t pace_paused_until(const struct pace *p)
{
	return p->throttle.paused_until;
}

int64_t pace_refused_since(const struct pace *p)
{
	return p->throttle.refused_since;
}

double pace_learned(struct pace *p, int64_t now)
{
	int64_t rate = throttle_rate(&p->throttle, now);

	return rate < p->throttle.full ? (double)rate / (double)THROTTLE_UNIT : 0;
}
