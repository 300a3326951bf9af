/*
 * What a run and a dry run read from: the input, the mapping, and what makes operations of both.
 */
#ifndef FEED_H
#define FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "operation/operation.h"
#include "run/identity.h"

struct input;
struct mapping;
struct options;
struct producer;
struct reason;
struct survey;

struct feed {
	struct input *input;
	struct mapping *mapping;
	struct identity identity;
	struct operation_config operation; /* how operations are made */
	char run[ULID_LENGTH + 1];         /* the run that their events are of */
	struct producer *producer;         /* NULL until feed_start */
	double share;                      /* of the people, who are in the sample; 1: all */
};

/* Opens the input, and looks at what can be known before its first record. run: identity_of_run. 0;
 * or -1 with *why and its status. To be closed in any case. Borrows from *o. */
int feed_open(struct feed *f, const struct options *o, const char *run, struct reason *why);
/* Events that this run reads are of that one: it read them before. To be called before
 * feed_start. */
void feed_go_on(struct feed *f, const char *run);
/* From now on f->producer makes operations as f->operation says. `ahead`: ahead of who takes them,
 * where that is possible. survey: is shown every record, until feed_stop; or NULL. */
void feed_start(struct feed *f, const struct options *o, bool ahead, struct survey *survey);
void feed_stop(struct feed *f); /* no further record is made */
void feed_close(struct feed *f);

/* Most operations in a batch, by --batch=N and by what the record rate allows at once; 0: as many
 * as fit. */
size_t feed_batch_most(const struct options *o);

/* Whether a record is of the run's shard: by its person, or by its bytes where it names nobody. */
bool feed_in_shard(const struct options *o, const struct operation *op);

/* Whether its person is in --sample. */
bool feed_in_sample(const struct feed *f, const struct operation *op);

#endif
