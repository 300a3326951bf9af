/* The story of a life: the same command is given, through deaths and stops, until it says that it
 * is done. */
#ifndef SIM_STORY_H
#define SIM_STORY_H

#include "sim_input.h"
#include "sim_life.h"
#include "sim_proc.h"

enum { RUNS = 24 };

struct run_told { /* how one run went */
	struct proc *proc;
	size_t first_attempt, attempts;
	bool power;        /* it died with the power */
	int64_t failed_at; /* when the disk failed; INT64_MAX: it did not */
	bool signalled;
	bool over;          /* it died when all was done: what it kept for the next run is gone */
	struct buf summary; /* what it wrote there */
};

struct story {
	const struct life *life;
	struct input_plan plan;
	struct run_told runs[RUNS];
	size_t run_count;
	bool complete; /* the last one said so */
	bool stuck;    /* the last one waited for what never came */
};

void story_run(struct story *s, const struct life *l);
void story_free(struct story *s);

#endif
