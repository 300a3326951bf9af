/* The bucket and the throttle of one run, as one: who is told of a 429 tells both. */
#include "send/pace.h"

#include <stdlib.h>

#include "base/buf.h"
#include "send/bucket.h"

struct pace {
	struct bucket bucket;
	struct throttle throttle;
	double rate; /* a second, as it was asked for; 0: unlimited */
};

struct pace *pace_new(const struct pace_config *c, int64_t now)
{
	struct pace *p = xcalloc(1, sizeof *p);

	bucket_init(&p->bucket, c->num, c->den, c->burst, 1, c->adapt, now);
	throttle_init(&p->throttle);
	p->rate = bucket_rate(&p->bucket);
	return p;
}

void pace_free(struct pace *p)
{
	free(p);
}

int64_t pace_ready(struct pace *p, int64_t now)
{
	return bucket_ready(&p->bucket, 1, now);
}

bool pace_take(struct pace *p, int64_t now)
{
	return bucket_take(&p->bucket, 1, now);
}

void pace_answered(struct pace *p, enum throttle_answer answer, int64_t started, int64_t now)
{
	throttle_answered(&p->throttle, answer, started, now);
}

unsigned pace_nth(struct pace *p, int64_t started)
{
	return throttle_nth(&p->throttle, started);
}

bool pace_refused(struct pace *p, int64_t started, int64_t retry_after_us, int64_t until,
    int64_t now)
{
	bucket_throttle(&p->bucket, started, until, now);
	return throttle_refused(&p->throttle, started, retry_after_us, until, now);
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
	bucket_ready(&p->bucket, 1, now);
	return bucket_rate(&p->bucket) < p->rate ? bucket_rate(&p->bucket) : 0;
}
