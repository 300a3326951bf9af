/* The command lines of a life. */
#ifndef SIM_COMMAND_H
#define SIM_COMMAND_H

#include "sim_life.h"

enum { COMMAND_WORDS = 48, COMMAND_NAME = 64 };

/* One command, and the files that it works with. */
struct command {
	char words[COMMAND_WORDS][COMMAND_NAME];
	const char *argv[COMMAND_WORDS + 1];
	unsigned count;
	char input[COMMAND_NAME]; /* "-": standard input */
	char state[COMMAND_NAME], rejects[COMMAND_NAME], results[COMMAND_NAME],
	    summary[COMMAND_NAME];
};

/* Imports a file, or standard input ("-"). shard from 1 of shards; shards 0: all of it. `sync`:
 * with what a nightly sync has besides. */
void command_make(struct command *c, const struct life *l, const char *input, unsigned shard,
    unsigned shards, bool sync);
void command_trace(const struct command *c);

#endif
