/*
 * How many attempts of the last two minutes the server took, by the time at which they began: in
 * narrow bins for the last two seconds, in wide ones beyond. Plain data, without pointers.
 */
#ifndef RECENT_H
#define RECENT_H

#include <stdint.h>

#define RECENT_NARROW INT64_C(5000) /* us: what a bin holds */
#define RECENT_WIDE INT64_C(250000)
#define RECENT_BINS 512

struct recent {
	int64_t narrow_last, wide_last; /* numbers of the newest bins: time / width */
	uint16_t narrow[RECENT_BINS];
	uint32_t wide[RECENT_BINS];
};

void recent_init(struct recent *r, int64_t now);

/* An attempt that began at `at` counts from now on (add 1), or no longer (add -1). One that began
 * before all bins is passed over. */
void recent_add(struct recent *r, int64_t at, int add);

/* How many of those that count began in the `span` us up to and with `to`. A bin that is cut counts
 * by its share. */
double recent_count(const struct recent *r, int64_t to, int64_t span);

#endif
