/*
 * A client that has always something to send, and a server with a limit, in virtual time: how much
 * of what the server would have taken a rule for going on after a 429 gets, and how much it has
 * refused. The same seed gives the same run.
 */
#ifndef LIMIT_WORLD_H
#define LIMIT_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "limit_server.h"

enum limit_rule {
	LIMIT_LEARN, /* the program's own */
	LIMIT_HALVE, /* half the rate, and back by a twentieth of the full rate a second */
	LIMIT_CUBIC, /* that of the AWS SDKs' adaptive mode: 0.7 of it, and back by a cubic */
	LIMIT_RULES
};

struct limit_world {
	const char *name;
	int rate;    /* asked for, a second; 0: unlimited */
	int records; /* to be taken */
	struct limit limit;
	/* from an attempt's begin to its answer, us; a request travels half of the least time */
	int64_t late_least, late_most;
	int64_t later;  /* the limit changes back so much later at most, by the seed, us */
	int64_t strewn; /* how much longer than that a request may travel, us */
	/* at times, so far apart as a mean, nothing arrives for up to so long; then all does, us */
	int64_t stall_every, stalled;
	int lost; /* answers of 1000 that do not come */
	/* what the program's rule must reach, as a mean and in each run */
	double share, share_each;
	double refused;
};

/* The worlds of the table, and how many there are. */
extern const struct limit_world limit_worlds[];
extern const int limit_world_count;

struct limit_result {
	double share; /* taken, of what would have been */
	int refused;
	bool promise; /* the bucket's: attempts in [t, t+w] <= burst + rate * w */
};

struct limit_result limit_run(const struct limit_world *w, enum limit_rule rule, uint64_t seed);

#endif
