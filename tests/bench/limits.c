/* limits [SEEDS]: what servers with a limit take from the program and from two other rules, in
 * virtual time: "name|share / refused|..." a line, means of so many runs (8). The last column is
 * the program's own. */
#include <stdio.h>
#include <stdlib.h>

#include "limit_world.h"

static const enum limit_rule order[] = { LIMIT_HALVE, LIMIT_CUBIC, LIMIT_LEARN };

int main(int argc, char **argv)
{
	int seeds = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 8;

	for (int i = 0; i < limit_world_count && seeds > 0; i++) {
		printf("%s", limit_worlds[i].name);
		for (size_t k = 0; k < sizeof order / sizeof *order; k++) {
			double share = 0, refused = 0;
			for (int seed = 1; seed <= seeds; seed++) {
				struct limit_result r = limit_run(&limit_worlds[i], order[k],
				    (uint64_t)seed);
				share += r.share / seeds;
				refused += (double)r.refused / seeds;
			}
			printf("|%.3f / %.0f", share, refused);
		}
		printf("\n");
		fflush(stdout);
	}
	return seeds > 0 ? 0 : 64;
}
