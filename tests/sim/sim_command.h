/* The command lines of a life. */
#ifndef SIM_COMMAND_H
#define SIM_COMMAND_H

#include "sim_input.h"
#include "sim_life.h"

enum { COMMAND_WORDS = 48, COMMAND_NAME = 64 };

/* One command, and the files that it works with. */
struct command {
	char words[COMMAND_WORDS][COMMAND_NAME];
	const char *argv[COMMAND_WORDS + 1];
	unsigned count;
	char inputs[PLAN_FILES][PLAN_NAME]; /* the first "-": standard input */
	unsigned input_count;
	bool fed_in; /* they are rejects */
	char state[COMMAND_NAME], rejects[COMMAND_NAME], results[COMMAND_NAME],
	    summary[COMMAND_NAME];
};

/* Imports what c->inputs says. shard from 1 of shards; shards 0: all of it. `sync`: with what a
 * nightly sync has besides. */
void command_make(struct command *c, const struct life *l, unsigned shard, unsigned shards,
    bool sync);
/* Where what was rejected of one of its inputs is. */
void command_rejects(const struct command *c, unsigned file, char name[COMMAND_NAME]);
void command_trace(const struct command *c);

#endif
