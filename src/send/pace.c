/* The bucket and the throttle, as one: who is told of a 429 tells both. They are this run's alone,
 * or lie in a file that runs share; then each call reads them there and writes them back. */
#include "send/pace.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sysexits.h>

#include "base/buf.h"
#include "base/path.h"
#include "base/reason.h"
#include "send/bucket.h"
#include "send/ratefile.h"
#include "send/turns.h"

/* a million seconds, which throttle's rates are in, us */
#define LONG_TIME INT64_C(1000000000000)
#define SECOND INT64_C(1000000)
/* us: a file that could not be locked, for a run in it was stopped, is tried again so much later */
#define LOCK_AGAIN 10000
/* us: how far the clocks may have come apart since the file was written */
#define CLOCKS_APART (10 * SECOND)

/* What runs share. */
struct state {
	struct pace_config config;
	int64_t now; /* when it was written */
	struct bucket bucket;
	struct throttle throttle;
	struct turns turns;
};

struct pace {
	struct state s;        /* as it was last seen, where it is shared */
	struct ratefile *file; /* NULL: nobody shares it */
	int64_t began;         /* when this run came to it */
	int64_t kept_until;    /* a pause that could not be told to the others */
	struct reason trouble; /* status 0: none */
};

/* -- beginning -- */

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

static void begin(struct state *s, const struct pace_config *c, int64_t now)
{
	*s = (struct state){ .config = *c, .now = now };
	bucket_init(&s->bucket, c->num, c->den, c->burst, 1, now);
	throttle_init(&s->throttle, c->adapt && !is_unlimited(c) ? long_rate(c) : 0, now);
	turns_init(&s->turns);
}

struct pace *pace_new(const struct pace_config *c, int64_t now)
{
	struct pace *p = xcalloc(1, sizeof *p);

	p->began = now;
	p->kept_until = INT64_MIN;
	begin(&p->s, c, now);
	return p;
}

void pace_free(struct pace *p)
{
	if (p)
		ratefile_close(p->file);
	free(p);
}

/* -- what is shared -- */

/* Locks the file and looks at it. false: it cannot be locked now. */
static bool enter(struct pace *p)
{
	if (!p->file)
		return true;
	if (!ratefile_lock(p->file))
		return false;
	ratefile_read(p->file, &p->s);
	return true;
}

static void leave_unchanged(struct pace *p)
{
	if (p->file)
		ratefile_unlock(p->file);
}

/* 0, or -1: then there is trouble. */
static int leave(struct pace *p, int64_t now)
{
	int result = 0;

	if (!p->file)
		return 0;
	p->s.now = now > p->s.now ? now : p->s.now;
	if (p->trouble.status != 0 || ratefile_write(p->file, &p->s, &p->trouble) != 0)
		result = -1;
	ratefile_unlock(p->file);
	return result;
}

static bool is_same(const struct pace_config *a, const struct pace_config *b)
{
	return a->num == b->num && a->den == b->den && a->burst == b->burst && a->adapt == b->adapt;
}

static void say_config(const struct pace_config *c, struct buf *out)
{
	if (is_unlimited(c))
		buf_str(out, "--rate=unlimited");
	else
		buf_fmt(out, "--rate=%.10g", (double)c->num / (double)c->den * (double)SECOND);
	buf_fmt(out, " --burst=%" PRId64 "%s", c->burst, c->adapt ? "" : " --no-adapt");
}

static int differs(const char *path, pid_t other, const struct pace_config *theirs,
    struct reason *why)
{
	char shown[PATH_SHOWN];
	struct buf asked = { .max = 128 };

	say_config(theirs, &asked);
	buf_byte(&asked, '\0');
	reason_exit(why, EX_USAGE,
	    "--rate-file=%s: process %ld shares it with %s: give the same, wait until it has "
	    "ended, "
	    "or name another file",
	    path_shown(path, shown), (long)other, asked.data);
	buf_free(&asked);
	return -1;
}

/* Nobody else is there: what the last one left is good where both clocks have gone on as far since.
 * (After a boot one begins anew; on another machine both are others.) It is no credit. Who had to
 * wait until it was written asked both clocks a little before. */
static void take_over(struct pace *p, const struct state *left, int64_t now, int64_t wall)
{
	int64_t passed = now - left->now, by_wall = wall - ratefile_written(p->file);

	if (!is_same(&left->config, &p->s.config) || passed < -CLOCKS_APART ||
	    passed - by_wall > CLOCKS_APART || by_wall - passed > CLOCKS_APART)
		return;
	p->s = *left;
	bucket_pause(&p->s.bucket, now, now);
	turns_init(&p->s.turns);
}

static int join(struct pace *p, const char *path, int64_t now, int64_t wall, struct reason *why)
{
	struct state left;
	pid_t other = ratefile_other(p->file);
	bool there = ratefile_read(p->file, &left);

	if (there && other && !is_same(&left.config, &p->s.config))
		return differs(path, other, &left.config, why);
	if (there && other)
		p->s = left;
	else if (there)
		take_over(p, &left, now, wall);
	turns_join(&p->s.turns, ratefile_seat(p->file));
	if (leave(p, now) == 0)
		return 0;
	*why = p->trouble;
	return -1;
}

struct pace *pace_share(const struct pace_config *c, const char *path, int64_t now, int64_t wall,
    struct reason *why)
{
	struct pace *p = pace_new(c, now);

	p->file = ratefile_open(path, sizeof p->s, TURNS, why);
	if (p->file && join(p, path, now, wall, why) == 0)
		return p;
	pace_free(p);
	return NULL;
}

const struct reason *pace_trouble(const struct pace *p)
{
	return p->trouble.status != 0 ? &p->trouble : NULL;
}

/* -- attempts -- */

/* The bucket fills as fast as the throttle says now. */
static void follow(struct state *s, int64_t now)
{
	if (s->throttle.full > 0)
		bucket_fill_at(&s->bucket, throttle_rate(&s->throttle, now), LONG_TIME, now);
}

/* When it is this run's turn, or when to look again whether it is. */
static int64_t wait_for_turn(struct pace *p, int64_t next, int64_t now)
{
	double rate = bucket_rate(&p->s.bucket);
	int64_t gap = rate > 0 ? (int64_t)((double)SECOND / rate) : 0, look;

	turns_wait(&p->s.turns, ratefile_seat(p->file), next, gap, now, &look);
	return look > p->kept_until ? look : p->kept_until;
}

int64_t pace_ready(struct pace *p, int64_t now)
{
	int64_t at;

	if (!enter(p))
		return now + LOCK_AGAIN;
	follow(&p->s, now);
	at = bucket_ready(&p->s.bucket, 1, now);
	if (!p->file)
		return at;
	at = wait_for_turn(p, at, now);
	leave(p, now);
	return at;
}

bool pace_take(struct pace *p, int64_t now)
{
	if (now < p->kept_until || !enter(p))
		return false;
	follow(&p->s, now);
	if (!bucket_take(&p->s.bucket, 1, now)) {
		leave_unchanged(p);
		return false;
	}
	throttle_began(&p->s.throttle, now);
	if (p->file)
		turns_take(&p->s.turns, ratefile_seat(p->file));
	return leave(p, now) == 0;
}

/* Where nothing was refused lately there is nothing to tell. */
void pace_answered(struct pace *p, enum throttle_answer answer, int64_t started, int64_t now)
{
	if (!throttle_listens(&p->s.throttle) || !enter(p))
		return;
	throttle_answered(&p->s.throttle, answer, started);
	leave(p, now);
}

unsigned pace_nth(struct pace *p, int64_t started)
{
	if (enter(p))
		leave_unchanged(p);
	return throttle_nth(&p->s.throttle, started);
}

/* A limit can be kept to only by a bucket that has a rate. */
static void get_limited(struct state *s, int64_t now)
{
	if (!s->config.adapt || s->throttle.full > 0)
		return;
	bucket_init(&s->bucket, boundless.num, boundless.den, s->config.burst, 1, now);
	throttle_limit(&s->throttle, long_rate(&boundless));
}

bool pace_refused(struct pace *p, int64_t started, int64_t retry_after_us, int64_t until,
    int64_t now)
{
	bool entered = enter(p), fresh;

	get_limited(&p->s, now);
	fresh = throttle_refused(&p->s.throttle, started, retry_after_us, until, now);
	bucket_pause(&p->s.bucket, p->s.throttle.paused_until, now);
	follow(&p->s, now);
	if (entered)
		leave(p, now);
	else if (until > p->kept_until)
		p->kept_until = until;
	return fresh;
}

/* -- what is known -- */

int64_t pace_paused_until(const struct pace *p)
{
	return p->s.throttle.paused_until;
}

/* What was refused before this run came is nothing that it has waited for. */
int64_t pace_refused_since(struct pace *p)
{
	if (p->file && p->s.throttle.refused_since != INT64_MAX && enter(p))
		leave_unchanged(p); /* another may have been answered */
	return p->s.throttle.refused_since > p->began ? p->s.throttle.refused_since : p->began;
}

double pace_asked(const struct pace *p)
{
	const struct pace_config *c = &p->s.config;

	return is_unlimited(c) ? 0 : (double)c->num / (double)c->den * (double)SECOND;
}

/* In seconds; 0: it is the rate that was asked for. */
static double slowed(const struct pace *p, int64_t rate)
{
	return rate < p->s.throttle.full ? (double)rate / (double)THROTTLE_UNIT : 0;
}

double pace_learned(const struct pace *p, int64_t now)
{
	return slowed(p, throttle_rate(&p->s.throttle, now));
}

double pace_found(const struct pace *p)
{
	return slowed(p, p->s.throttle.rate);
}
