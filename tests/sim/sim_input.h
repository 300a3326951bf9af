/* The input of a life: rows that follow from its seed, and what each of them is. */
#ifndef SIM_INPUT_H
#define SIM_INPUT_H

#include <stdbool.h>
#include <stdint.h>
#include "sim_life.h"

enum { PLAN_FILES = 3, PLAN_NAME = 32 };

struct row {
	unsigned number; /* of the record in this input, from 1 */
	unsigned mark;   /* what it says of itself; the same where it is fed in again */
	unsigned value;  /* of a night's row: what is new of its person */
	unsigned file;   /* of the plan's */
	uint64_t line;   /* where it begins in that */
	uint64_t pad;    /* hash of what is added to it; 0: nothing is */
	unsigned person;
	bool own;      /* is about a person of its own, whose name tells the mark */
	bool bare;     /* nothing of it is sent but whom it is about */
	bool other;    /* is about somebody or something else than its person */
	bool invalid;  /* is refused before it is sent */
	bool poison;   /* the API refuses it */
	bool stubborn; /* the API answers it 500 each time */
	bool event;
};

struct input_plan {
	struct buf files[PLAN_FILES]; /* as they are on the disk */
	unsigned file_count;
	struct row *rows;
	size_t count;
};

void plan_make(struct input_plan *plan, const struct life *l, unsigned rows);
/* Everybody there is on that night (from 0): some have changed since the last, some are gone. */
void plan_make_night(struct input_plan *plan, const struct life *l, unsigned night);
void plan_free(struct input_plan *plan);
/* Of one of the input files. */
void plan_name(const struct life *l, unsigned file, char name[PLAN_NAME]);

/* The mark of what puts the person own<number> into a segment, or takes him out. */
unsigned plan_segment_mark(const struct life *l, bool removes, unsigned number);
/* What the API makes of the row with that mark: 400, 500, or 0. */
int plan_poison(const struct life *l, unsigned mark);

/* The row that begins at that line of that file, or NULL. */
const struct row *plan_at_line(const struct input_plan *plan, unsigned file, uint64_t line);

/* The row with that mark; or of that person (from 1) with that value; or NULL. */
const struct row *plan_marked(const struct input_plan *plan, unsigned mark);
const struct row *plan_of_person(const struct input_plan *plan, unsigned person, unsigned value);
/* A person's last row, or NULL. */
const struct row *plan_last_of(const struct input_plan *plan, unsigned person);

#endif
