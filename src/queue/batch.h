/*
 * Requests: one operation alone (v1), or as many as fit a batch (v2). A request owns its body in a
 * batch; its operations are owned by the run.
 */
#ifndef BATCH_H
#define BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "operation/operation.h"
#include "base/num.h"
#include "queue/retry.h"

struct request {
	struct operation **operations; /* in input order; the list is owned, they are not */
	size_t count, room;
	struct buf batch;        /* {"batch":[...]}: empty for a single operation */
	struct retry_node sleep; /* while it waits for its next attempt */
	unsigned attempts;       /* failed ones that count against its retries */
	unsigned tries;          /* attempts started, for X-Retry-Count and results */
	uint64_t streak;         /* the gate's streak in which it failed last ... */
	/* ... and how often in it: given back when the gate closes */
	unsigned streak_failures;
	/* how many times one of its operations stands behind another request's */
	size_t blocked;
	unsigned hops; /* redirects followed */
	/* when it failed last, us, kept while it is not known who is at fault ... */
	int64_t failed_at;
	int last_status;      /* ... and why */
	char *last_error;     /* owned; or NULL */
	struct request *next; /* in the list that it is in */
};

struct request *request_new(void);
void request_free(struct request *q);    /* not its operations */
void request_recycle(struct request *q); /* empty again; gives large storage back */

/* Makes q the single request for op. */
void request_single(struct request *q, struct operation *op);

/* Whether op fits behind what q holds: BATCH_MAX bytes, at most `most` operations (0: any
 * number). */
bool batch_fits(const struct request *q, const struct operation *op, size_t most);

/* Adds op's body, which need not be kept elsewhere then; the caller asked batch_fits. A batch must
 * be closed before it is sent. */
void batch_add(struct request *q, struct operation *op);
/* Points the body of each operation into the batch, where it is good until the batch is changed. */
void batch_bodies(struct request *q);
void batch_close(struct request *q);

/*
 * How many operations a batch may hold under a record rate, and so the size of the record bucket:
 * enough to reach it with the requests that `rate` allows, and no more than a hundredth of a
 * second's worth beyond that or `burst`.
 */
size_t batch_at_once(const struct num_rate *records, const struct num_rate *rate, uint64_t burst);

/* Whether everything in front of op in its lanes is settled or in q. */
bool batch_may_hold(const struct request *q, const struct operation *op);

/* Moves the second half of q's operations (q holds at least two) to `half`, both closed again,
 * attempts forgotten. Sets half->blocked where one person is in both. */
void batch_cut(struct request *q, struct request *half);

#endif
