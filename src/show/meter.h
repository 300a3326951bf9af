/*
 * Records a second, smoothed over some ten seconds, so that neither the rate nor the time left
 * jumps about. Pure. Records that a resumed run passes over before its first fresh one do not
 * count: they would promise too much.
 */
#ifndef METER_H
#define METER_H

#include <stdbool.h>
#include <stdint.h>
#include "show/progress.h"

struct meter {
	bool started;
	int64_t at;         /* of the last sample, us */
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
