/* An exponential average over what happened since the last look. */
#include "show/meter.h"

#define FADE_US 10e6 /* a sample this old weighs about a third of what it did */

static void begin_at(struct meter *m, uint64_t finished, uint64_t fresh, int64_t now)
{
	if (!m->started)
		m->moved_at = now;
	m->started = true;
	m->at = now;
	m->finished = finished;
	m->fresh = fresh;
}

/* It is not known yet that the next batch is late. */
static bool is_between(const struct meter *m, uint64_t finished, int64_t now)
{
	return finished == m->finished && now - m->at < 2 * m->gap;
}

/* A short gap is not at once the usual one: the rest of a batch comes soon after its first part. */
static void move(struct meter *m, int64_t now)
{
	int64_t gap = now - m->moved_at;

	m->gap = gap > m->gap / 8 * 7 ? gap : m->gap / 8 * 7;
	m->moved_at = now;
}

void meter_sample(struct meter *m, const struct counters *c, int64_t now)
{
	if (m->started && now - m->at < METER_EVERY_US)
		return;

	uint64_t finished = counters_finished(c), fresh = finished - c->outcomes[OUTCOME_SKIPPED];
	bool only_skipped_before = m->fresh == 0 && finished - m->finished > fresh;

	if (m->started && is_between(m, finished, now))
		return;
	if (m->started && !only_skipped_before) {
		double us = (double)(now - m->at), share = us / (us + FADE_US);
		double rate = (double)(finished - m->finished) * 1e6 / us;
		m->sum += share * (rate - m->sum);
		m->weight += share * (1 - m->weight);
	}
	if (m->started && finished > m->finished)
		move(m, now);
	begin_at(m, finished, fresh, now);
}

double meter_rate(const struct meter *m)
{
	return m->weight > 0 ? m->sum / m->weight : 0;
}
