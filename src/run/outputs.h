/*
 * What lasts of a run: the rejects, the results, and the checkpoint that counts them. They are
 * brought to the disk in that order, so that the checkpoint never promises what is not there.
 */
#ifndef OUTPUTS_H
#define OUTPUTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "store/checkpoint.h"
#include "store/outfile.h"

struct identity;
struct options;
struct reason;
struct rejects;
struct result;

enum outputs_stage {
	OUTPUTS_GOING_ON,
	OUTPUTS_ENDED,    /* nothing is on its way any more */
	OUTPUTS_COMPLETE, /* and the input was read to its end: the next run is another one */
};

struct outputs {
	struct checkpoint *checkpoint; /* NULL: none is kept */
	struct rejects *rejects;       /* NULL: none */
	struct outfile results;
	struct buf line; /* of results, being made */
	/* absolute, "" for none: for the checkpoint; owned */
	char *rejects_name, *results_name;
	struct buf said; /* what was found under these names, a line each */
	/* which FILEs are read, in that order (input_list), and the run that reads them first: for
	 * the checkpoint */
	struct buf files;
	const char *run;
	bool carried_on; /* an earlier run has that id, and may have sent what it did not write down
	                  */
	enum outputs_stage stage;
	bool keeps;    /* the state outlives a complete run */
	uint64_t hash; /* sum of operation_hash over all settled records, for the checkpoint */
	int64_t dirty_since; /* when the first outcome was not yet committed; INT64_MAX: none */
};

#define OUTPUTS_NONE \
	{ \
		.results = OUTFILE_CLOSED, .line = { .max = BUF_UNBOUNDED }, \
		.said = { .max = BUF_UNBOUNDED }, .files = { .max = BUF_UNBOUNDED }, \
		.dirty_since = INT64_MAX \
	}

/* Whether the places of what is written at the end, or perhaps never, are good. 0 or -1 with *why
 * and its status, as the others. */
int outputs_check(const struct options *o, struct reason *why);

/* Opens the checkpoint. *kept is what an earlier run left, *resuming whether it did. due_elsewhere:
 * one about another input is begun anew, for what it left is due in a sync file. */
int outputs_open_checkpoint(struct outputs *out, const struct options *o, const struct identity *id,
    bool due_elsewhere, struct checkpoint_state *kept, bool *resuming, struct reason *why);

/* Opens rejects and results, new ones or those of the run that is carried on; kept NULL: a new
 * run. What a person should know of what was found there is in out->said, a line each. */
int outputs_open(struct outputs *out, const struct options *o, const struct checkpoint_state *kept,
    struct reason *why);

/* Adds a result, where they are asked for. */
int outputs_result(struct outputs *out, const struct result *result, struct reason *why);

/* All of it to the disk, but for the checkpoint. */
int outputs_sync(struct outputs *out, struct reason *why);
/* The checkpoint; `state` without what the outputs know themselves. Nothing where there is none. */
int outputs_commit(struct outputs *out, struct checkpoint_state *state, size_t files,
    struct reason *why);

/* Closes rejects and results. Each failure is kept; the first is in *why. */
int outputs_close(struct outputs *out, struct reason *why);
/* The run is complete: the state file goes. */
int outputs_remove_checkpoint(struct outputs *out, struct reason *why);
void outputs_free(struct outputs *out);

#endif
