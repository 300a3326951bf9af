/*
 * The story of a life, a chapter at a time. In a chapter the same command, or some side by side,
 * are given again, through deaths and stops, until they say that they are done: an import, a night,
 * the rejects of the chapter before.
 */
#ifndef SIM_STORY_H
#define SIM_STORY_H

#include "sim_command.h"
#include "sim_input.h"
#include "sim_life.h"
#include "sim_proc.h"

enum { RUNS = 256, LANE_RUNS = 24, LANES = 3 };

struct run_told { /* how one run went; its process's number is 1 + its index */
	struct proc *proc;
	unsigned lane;
	bool power;         /* it died with the power */
	bool signalled;     /* was to be */
	bool over;          /* it died when all was done: what it kept for the next run is gone */
	bool beside;        /* was started beside another of the same command */
	bool forgot;        /* at its end there was no state any more */
	struct buf summary; /* what it wrote there */
};

enum lane_state { LANE_WAITS, LANE_RUNS_NOW, LANE_ENDED };

struct lane { /* a command, given again and again */
	struct command command;
	enum lane_state state;
	int64_t starts_at;    /* LANE_WAITS */
	struct run_told *run; /* the last one */
	unsigned runs;
	bool complete; /* it is done; or else it can never be */
};

enum chapter_kind { CHAPTER_IMPORT, CHAPTER_NIGHT, CHAPTER_REJECTS, CHAPTER_GROWN };

struct chapter {
	enum chapter_kind kind;
	unsigned number; /* from 0 */
	struct input_plan plan;
	struct lane lanes[LANES];
	unsigned lane_count;
	size_t first_run, first_attempt, first_seen;
};

struct story {
	const struct life *life;
	struct chapter chapter;
	struct input_plan before; /* the chapter before's */
	bool before_complete;
	struct run_told runs[RUNS];
	size_t run_count;
	bool changed;        /* the input is no longer what the plan says */
	uint64_t changed_at; /* after how many calls of its run */
	bool stuck;          /* a run waits for what never comes */
};

void story_begin(struct story *s, const struct life *l);
/* Lives the next chapter. Whether there was one. */
bool story_next(struct story *s);
void story_end(struct story *s);

/* Whether all commands of the chapter are done. */
bool story_is_complete(const struct story *s);

#endif
