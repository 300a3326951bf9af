/* Many lives, some of them at once, in processes that may die of them. */
#ifndef SIM_WORKERS_H
#define SIM_WORKERS_H

#include <stdint.h>
#include "sim_life.h"
#include "sim_oracle.h"

struct work {
	uint64_t start, count; /* seeds */
	double seconds;        /* 0: until all are lived */
	unsigned at_once;
	uint64_t failures_most; /* so many are enough */
	/* called for each life that fails, here */
	void (*failed)(const struct life *l, char why[VERDICT_TEXT]);
};

struct worked {
	uint64_t lives, failures;
	double seconds;
};

struct worked work(const struct work *w);

#endif
