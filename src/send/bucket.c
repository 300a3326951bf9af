/* Time is counted in units in which a token is a whole number, so that nothing is ever rounded. */
#include "send/bucket.h"

#define SECOND 1000000
/* units are so small that a token a microsecond can be set to any rate that is a whole number of
 * hundredths a second */
#define FINE (100 * (bucket_units)SECOND)
#define PEAK_NUM 101 /* the peak meter fills at 101/100 of the rate ... */
#define PEAK_DEN 100
/* ... and forgives a sleeper that wakes this late, us (at 50/s: 51 in a second at most) */
#define LATE 9500
/* us: 317 years fill any meter; no product below leaves 128 bits */
#define LONGEST 10000000000000000

static bucket_units smaller(bucket_units a, bucket_units b)
{
	return a < b ? a : b;
}

static bucket_units larger(bucket_units a, bucket_units b)
{
	return a > b ? a : b;
}

void bucket_init(struct bucket *b, int64_t num, int64_t den, int64_t burst, int64_t most_at_once,
    int64_t now)
{
	*b = (struct bucket){ .last = now, .paused_until = INT64_MIN };
	if (num <= 0 || den <= 0) {
		b->unlimited = true;
		return;
	}
	bucket_units cost = den * FINE;
	b->full_num = b->num = num * FINE;
	b->sustained = (struct bucket_meter){ .cost = cost, .size = cost * burst, .level = cost };
	cost *= PEAK_DEN;
	b->peak = (struct bucket_meter){
		.cost = cost,
		.size = cost * most_at_once + b->full_num * PEAK_NUM * LATE,
		.level = cost,
	};
}

/* Adds what came, `most` at most in the sustained meter. */
static void fill(struct bucket *b, bucket_units units, bucket_units most)
{
	b->sustained.level = smaller(b->sustained.level + units, most);
	b->peak.level = smaller(b->peak.level + units * PEAK_NUM, b->peak.size);
}

/* A pause brings one token at most, so that what follows is no volley. It comes at the full rate:
 * whether the bucket is slowed down shows after the pause. */
static void fill_paused(struct bucket *b, int64_t until)
{
	fill(b, b->full_num * smaller((bucket_units)until - b->last, LONGEST), b->sustained.cost);
	b->last = until;
}

static void fill_running(struct bucket *b, int64_t now)
{
	fill(b, b->num * smaller((bucket_units)now - b->last, LONGEST), b->sustained.size);
	b->last = now;
}

static void advance(struct bucket *b, int64_t now)
{
	int64_t pause_end = now < b->paused_until ? now : b->paused_until;

	if (b->unlimited)
		return;
	if (b->last < pause_end)
		fill_paused(b, pause_end);
	if (b->last < now && now > b->paused_until)
		fill_running(b, now);
}

/* What the sustained meter must gain until n tokens are in both; 0 where they are there. */
static bucket_units missing(const struct bucket *b, int64_t n)
{
	bucket_units sustained = n * b->sustained.cost - b->sustained.level;
	bucket_units peak = n * b->peak.cost - b->peak.level;

	peak = peak > 0 ? (peak + PEAK_NUM - 1) / PEAK_NUM : 0;
	return larger(larger(sustained, peak), 0);
}

/* The fewest microseconds that bring so many units. */
static bucket_units time_for(const struct bucket *b, bucket_units units)
{
	return (units + b->num - 1) / b->num;
}

int64_t bucket_ready(struct bucket *b, int64_t n, int64_t now)
{
	int64_t from = now > b->paused_until ? now : b->paused_until;

	if (b->unlimited)
		return from;
	if (n * b->sustained.cost > b->sustained.size || n * b->peak.cost > b->peak.size)
		return INT64_MAX;
	advance(b, now);
	struct bucket then = *b; /* as it will be at the end of the pause */
	advance(&then, from);
	return (int64_t)smaller(larger(from, then.last) + time_for(&then, missing(&then, n)),
	    INT64_MAX);
}

bool bucket_take(struct bucket *b, int64_t n, int64_t now)
{
	if (now < b->paused_until)
		return false;
	if (b->unlimited)
		return true;
	advance(b, now);
	if (missing(b, n) > 0)
		return false;
	b->sustained.level -= n * b->sustained.cost;
	b->peak.level -= n * b->peak.cost;
	return true;
}

void bucket_pause(struct bucket *b, int64_t until, int64_t now)
{
	advance(b, now);
	b->paused_until = until > b->paused_until ? until : b->paused_until;
	b->sustained.level = smaller(b->sustained.level, b->sustained.cost);
}

void bucket_fill_at(struct bucket *b, int64_t num, int64_t den, int64_t now)
{
	if (b->unlimited)
		return;
	advance(b, now);
	b->num = larger(smaller(b->sustained.cost * num / den, b->full_num), 1);
}

double bucket_rate(const struct bucket *b)
{
	return b->unlimited ? 0 : (double)b->num / (double)b->sustained.cost * SECOND;
}
