/* The input of a life: rows that follow from its seed, and what each of them is. */
#ifndef SIM_INPUT_H
#define SIM_INPUT_H

#include <stdbool.h>
#include <stdint.h>
#include "sim_life.h"

struct row {
	unsigned number; /* of the record, from 1 */
	uint64_t line;   /* where it begins */
	unsigned person;
	bool own;      /* is about a person of its own, whose name tells the row */
	bool invalid;  /* is refused before it is sent */
	bool poison;   /* the API refuses it */
	bool stubborn; /* the API answers it 500 each time */
	bool event;
	size_t start, len; /* its bytes in the input */
};

struct input_plan {
	struct buf bytes;
	struct row *rows;
	size_t count;
};

void plan_make(struct input_plan *plan, const struct life *l);
void plan_free(struct input_plan *plan);
const char *plan_name(const struct life *l); /* of the input file */

/* The row that begins at that line, or NULL. */
const struct row *plan_at_line(const struct input_plan *plan, uint64_t line);

#endif
