/*
 * What --sync adds to a run: who need not be sent, what is kept of the answers, and who is deleted
 * at the end (the manual, SYNC). The file behind it is store/syncfile.
 *
 * All of it does nothing, and says that everything is to be sent, where the sync is NULL.
 */
#ifndef SYNC_H
#define SYNC_H

#include <stdbool.h>
#include <stdint.h>
#include "operation/operation.h"
#include "store/outcome.h"

struct identity;
struct input;
struct options;
struct reason;
struct sync;

/* Opens --sync's file, for reading alone in a dry run. 0 with *out, which is NULL where no --sync
 * is given; or -1 with *why and its status. Borrows from *o and the input. */
int sync_open(const struct options *o, const struct input *in, const struct identity *id,
    struct sync **out, struct reason *why);
void sync_close(struct sync *s); /* what was not committed is gone; NULL is fine */

/* A record's person is in the input, and is marked as one who is sent. 1: op is to be sent, 0: it
 * is what was last accepted, 2: it is held back until another row of its person comes or the input
 * has ended, -1 with *why. */
int sync_look(struct sync *s, const struct operation *op, struct reason *why);
/* To be asked before that: what was held back of op's person, which is not sent now that op comes
 * behind it; NULL: nothing. Good until the next call of any of these. */
const struct operation *sync_overtaken(struct sync *s, const struct operation *op);
/* The input has ended: the next one that was held back, which is sent. 1, 0 when there is none any
 * more, -1 with *why. */
int sync_next_held(struct sync *s, const struct operation **op, struct reason *why);
/* How many are held back; their numbers, in no order, into `out` where it is not NULL. */
size_t sync_held(const struct sync *s, uint64_t *out);
/* A record's person is in the input, and an earlier run settled the record. 0 or -1. */
int sync_seen(struct sync *s, const struct operation *op, struct reason *why);
/* Brings the marks to the disk, so that what was looked at may leave. 0 or -1. */
int sync_marks(struct sync *s, struct reason *why);
/* op has ended. 0 or -1. */
int sync_settled(struct sync *s, const struct operation *op, enum outcome outcome,
    unsigned attempts, struct reason *why);
/* Every record of the input has ended. *several: people with several rows that have different
 * values. 0 or -1. */
int sync_ended(struct sync *s, uint64_t *several, struct reason *why);
int sync_commit(struct sync *s, struct reason *why); /* durably. 0 or -1 */
/* The whole input was read, every record of it was valid, and is settled. 0 or -1. */
int sync_complete(struct sync *s, struct reason *why);

/* How far the deletes are. */
enum deletes {
	DELETES_OVER,     /* or there are none */
	DELETES_LATER,    /* when all records are settled: ask sync_decide then */
	DELETES_GO_ON,    /* ask sync_next_delete */
	DELETES_WITHHELD, /* more than --max-deletes allows */
};
enum deletes sync_deletes(const struct sync *s);

/* Whether those who are not among the `records` that were read may be deleted. doubtful: some
 * could not be read. Returns what to do; where somebody is kept *why says so, for a person. */
enum keep {
	KEEP_NOBODY,   /* nobody is missing, or they are deleted */
	KEEP_EMPTY,    /* there were no records: that is no export of everybody */
	KEEP_DOUBTFUL, /* some record could not be read */
	KEEP_CHANGED,  /* the input is no longer what it was when the run began */
	KEEP_TOO_MANY, /* more than --max-deletes allows */
};
enum keep sync_decide(struct sync *s, uint64_t records, bool doubtful, struct reason *why);
uint64_t sync_missing(const struct sync *s); /* people who were not seen */

/* The next who is missing, as an operation that deletes him; good until the next call. 1, 0 when
 * there is none any more, -1 with *why; 2: he cannot be deleted, *why says why, and *op names
 * him. */
int sync_next_delete(struct sync *s, const struct operation_config *config, struct operation *op,
    struct reason *why);

#endif
