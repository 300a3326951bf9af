/* Random numbers for tests that can be replayed: the seed is printed, CIO_TEST_SEED sets it. */
#ifndef DICE_H
#define DICE_H

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/os.h"

struct dice {
	uint64_t state;
};

static inline struct dice dice_new(const char *test)
{
	struct dice d = { 0 };
	const char *given = getenv("CIO_TEST_SEED");

	if (given)
		d.state = strtoull(given, NULL, 0);
	else if (os_random(&d.state, sizeof d.state) != 0)
		abort();
	printf("%s: CIO_TEST_SEED=%" PRIu64 "\n", test, d.state);
	fflush(stdout);
	return d;
}

/* Any 64 bits (splitmix64). */
static inline uint64_t dice_next(struct dice *d)
{
	uint64_t z = d->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* From 0 to n - 1; n > 0. */
static inline int64_t dice_below(struct dice *d, int64_t n)
{
	return (int64_t)(dice_next(d) % (uint64_t)n);
}

/* True once in n. */
static inline int dice_one_in(struct dice *d, int64_t n)
{
	return dice_below(d, n) == 0;
}

#endif
