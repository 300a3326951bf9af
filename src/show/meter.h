/*
 * Records a second, smoothed over some ten seconds, so that neither the rate nor the time left
 * jumps about. Pure. Over a slow uplink a whole batch finishes at once, and then nothing for long:
 * nothing is waited for as long as such gaps are usual. Records that a resumed run passes over
 * before its first fresh one do not count: they would promise too much.
 */
#ifndef METER_H
#define METER_H

#include <stdbool.h>
#include <stdint.h>
#include "show/progress.h"

struct meter {
	bool started;
	int64_t at;         /* of the last sample, us */
	int64_t moved_at;   /* of the last one in which something had finished */
	int64_t gap;        /* as it usually is from one of these to the next, us */
	uint64_t finished;  /* then */
	uint64_t fresh;     /* then: finished and not skipped */
	double sum, weight; /* of the samples, the older ones fading */
};

/* Call as often as you like; a sample is taken when METER_EVERY_US has gone by. A zeroed meter is a
 * new one. */
#define METER_EVERY_US 250000
void meter_sample(struct meter *m, const struct counters *c, int64_t now);
double meter_rate(const struct meter *m);

#endif
