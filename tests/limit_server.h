/* Servers that limit requests, in virtual time: us from 0. */
#ifndef LIMIT_SERVER_H
#define LIMIT_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LIMIT_S INT64_C(1000000) /* a second, us */

enum limit_kind {
	LIMIT_SLIDING,   /* `most` in any `window` */
	LIMIT_COUNT_ALL, /* the same, and those that are refused count too */
	LIMIT_FIXED,     /* `most` in each `window` of the server's own clock */
	LIMIT_BUCKET,    /* a bucket of `most` that `most` a `window` come into */
};

struct limit {
	enum limit_kind kind;
	int most;
	int64_t window;
	/* from change_at until change_until `most` is `changed`, for somebody else has the rest */
	int changed;
	int64_t change_at, change_until;
	bool retry_after; /* said with each 429, in whole seconds */
	int64_t
	    penalty; /* after a 429 all are refused for so long, which Retry-After says; 0: no */
};

/* What it takes a second, where nothing is changed. */
double limit_usual(const struct limit *l);
/* How many it takes until `end` from one who sends `rate` a second, whatever `most` is then. */
double limit_capacity(const struct limit *l, double rate, int64_t end);

struct limit_server;

/* phase: where in a fixed window its clock stands at 0, us. */
struct limit_server *limit_server_new(const struct limit *l, int64_t phase);
void limit_server_free(struct limit_server *s);

/* Whether it takes a request that arrives at `at`, not before any other. Else *retry_after is what
 * it says, us; -1: nothing. */
bool limit_server_takes(struct limit_server *s, int64_t at, int64_t *retry_after);

#endif
