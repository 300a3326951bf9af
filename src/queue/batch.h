/* Packing: what fits a batch (api.h has its envelope), and a batch cut in two. */
#ifndef BATCH_H
#define BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/num.h"

struct operation;
struct request;

/* Whether op and those that r holds go to one path. */
bool batch_is_for(const struct request *r, const struct operation *op);

/* Whether op fits behind what r holds: the envelope's bytes, at most `most` operations (0: any
 * number); they go to one path. */
bool batch_fits(const struct request *r, const struct operation *op, size_t most);

/* Adds op's body, which need not be kept elsewhere then; the caller asked batch_fits. A batch must
 * be closed before it is sent. */
void batch_add(struct request *r, struct operation *op);
/* Points the body of each operation into the batch, where it is good until the batch is changed. */
void batch_bodies(struct request *r);
void batch_close(struct request *r);

/*
 * How many operations a batch may hold under a record rate, and so the size of the record bucket:
 * enough to reach it with the requests that `rate` allows, and no more than a hundredth of a
 * second's worth beyond that or `burst`.
 */
size_t batch_at_once(const struct num_rate *records, const struct num_rate *rate, uint64_t burst);

/* Whether everything in front of op in its lanes is settled or in r. */
bool batch_may_hold(const struct request *r, const struct operation *op);

/* What a batch is cut for: something in it was refused, and both parts begin anew; or its retries
 * are used up, so a part of several operations is tried once. */
enum batch_cut { BATCH_CUT_REFUSED, BATCH_CUT_FAILED };

/* Moves r's operations but the first `kept` (at least one; r holds more) to `half`, both closed
 * again. Sets half->blocked where one person is in both. */
void batch_cut(struct request *r, size_t kept, struct request *half, enum batch_cut why);

#endif
