/* What a chapter left on the disk, read without the program: rejects, results, figures. */
#ifndef SIM_OUTPUTS_H
#define SIM_OUTPUTS_H

#include "sim_story.h"

enum told {
	TOLD_NOTHING,
	TOLD_ACCEPTED,
	TOLD_REJECTED,
	TOLD_REFUSED,
	TOLD_FAILED,
	TOLD_UNKNOWN,
	TOLD_OTHER
};

struct outputs {
	/* by record, from 1 */
	unsigned *rejects;     /* how often it is there */
	enum told *rejects_as; /* with which outcome */
	unsigned *results;     /* how often it is there with another outcome than skipped */
	enum told *results_as;
	size_t foreign; /* lines of either that belong to no record, or cannot be read */
};

void outputs_read(struct outputs *o, const struct story *s);
void outputs_free(struct outputs *o);

/* Adds to the plan of a chapter one more file of its input: rejects of that file of `before`. */
void outputs_plan(struct input_plan *plan, const struct input_plan *before, unsigned file,
    const struct buf *rejects, bool ndjson);

/* A member of a JSON object that is as flat as a summary: its number, or -1. */
int64_t outputs_number(const struct buf *json, const char *name);

#endif
