/* What a run and a dry run set up in the same way. */
#ifndef FEED_H
#define FEED_H

#include <stdbool.h>
#include <stddef.h>
#include "operation/operation.h"

struct identity;
struct input;
struct mapping;
struct options;
struct reason;
struct syncfile;

/* The mapping that the options ask for; NULL with *why where a --set does not fit its --type
 * (64). */
struct mapping *feed_mapping(const struct options *o, struct reason *why);

/* Whether each --set is what it must be beside the cells of a FILE that is a CSV: else each of its
 * records would be rejected (64). True of a pipe whose format nobody has said yet: its header
 * tells. 0 or -1 with *why. */
int feed_sets(const struct options *o, const struct input *in, unsigned file, struct reason *why);

/* Whether a FILE's header can identify anybody, where the action needs that, and feed_sets (65
 * otherwise). True of an NDJSON, and of a pipe whose header was not read yet. 0 or -1 with *why. */
int feed_header(struct mapping *m, const struct input *in, unsigned file, const struct options *o,
    struct reason *why);

/* How operations are made. Borrows from options and identity. event_time_ms: where the input has no
 * time of its own. */
struct operation_config feed_operations(const struct options *o, const struct identity *id,
    const struct input *in, int64_t event_time_ms);

/* Most operations in a batch, by --batch=N and by what the record rate allows at once; 0: as many
 * as fit. */
size_t feed_batch_most(const struct options *o);

/* Whether a record is of the run's shard: by its person, or by its bytes where it names nobody. */
bool feed_in_shard(const struct options *o, const struct operation *op);

/* Opens --sync's file, for reading alone where this is a dry run. NULL with *why and *status. */
struct syncfile *feed_sync(const struct options *o, const struct identity *id, int *status,
    struct reason *why);

/* The operation of --sync-deletes on a person; it is none of the input's records, so its number and
 * hash are 0. 0 or -1 as operation_build. */
int feed_delete(const struct options *o, const struct operation_config *config,
    const struct buf *who, enum id_type type, struct buf *bytes, struct operation *op,
    struct reason *why);

#endif
