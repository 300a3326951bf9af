/*
 * Lives of the program in a simulated world, each a function of its seed (tests/sim).
 *
 *   simulate SEEDS=1000            so many lives, from START=1 on, JOBS=1 at once
 *   simulate MINUTES=5             as many as that takes
 *   simulate SEED=17               one, with its story; TRACE=2: with every call of the system, too
 *   simulate SEED=17 kill1=3       the same but for that
 *   simulate LIFE SEED=17 kill1=3  that, and nothing else of what the seed says
 *   simulate PROOF=1               how many lives it takes until one fails, in a line
 *   simulate LIVES=FILE            those of a file: a life a line, # before what is no life; a gene
 * that is given as 1-400 makes as many lives of its line
 *
 * One that fails is cut down, and what is left of it is printed.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim_live.h"
#include "sim_shrink.h"
#include "sim_sqlite.h"
#include "sim_workers.h"

struct asked {
	struct work work;
	bool one;
	struct life life;
	int trace;
	const char *file;
	bool proof; /* something is wrong: how soon is it found? */
};

static void print_life(const struct life *l)
{
	struct buf genes = { .max = 8192 };

	life_print(l, &genes);
	printf("    LIFE %.*s\n", (int)genes.len, genes.data);
	buf_free(&genes);
}

static void say_failed(const struct life *l, char why[VERDICT_TEXT])
{
	struct life small = *l;

	printf("SEED=%" PRIu64 " FAILED: %s\n", l->seed, why);
	fflush(stdout);
	unsigned lives = shrink(&small, why);
	printf("    cut down in %u lives: %s\n", lives, why);
	print_life(&small);
}

static int live_one(const struct life *l, int trace)
{
	char why[VERDICT_TEXT];

	if (live(l, (enum trace_level)trace, why) != 0) {
		printf("FAILED: %s\n", why);
		print_life(l);
		return 1;
	}
	printf("all is well\n");
	return 0;
}

static void say_nothing(const struct life *l, char why[VERDICT_TEXT])
{
	printf("found in %" PRIu64 " lives: %s\n", l->seed, why);
}

static int prove(struct work *w)
{
	w->failed = say_nothing;
	w->failures_most = 1;
	w->start = 1;
	struct worked done = work(w);
	if (done.failures == 0)
		printf("NOT FOUND in %" PRIu64 " lives\n", done.lives);
	return done.failures == 0;
}

static int live_many(const struct work *w)
{
	struct worked done = work(w);

	printf("simulate: %" PRIu64 " lives, %" PRIu64 " failed, %.0f a second\n", done.lives,
	    done.failures, (double)done.lives / done.seconds);
	return done.failures > 0;
}

/* A line of lives: all the same but for one gene, perhaps. */
struct sweep {
	struct life life;
	int64_t *gene; /* NULL: one life */
	int64_t last;
};

/* 0, or -1: there is no such gene. */
static int read_word(struct sweep *s, const char *word)
{
	const char *dash = strchr(word, '-');

	if (life_set(&s->life, word) != 0)
		return -1;
	if (dash && dash[-1] != '=') {
		s->gene = life_gene_named(&s->life, word);
		s->last = strtoll(dash + 1, NULL, 10);
	}
	return 0;
}

static int read_sweep(char *line, struct sweep *s)
{
	char *rest;

	s->gene = NULL;
	life_off(&s->life);
	for (char *word = strtok_r(line, " \t\n", &rest); word;
	     word = strtok_r(NULL, " \t\n", &rest))
		if (read_word(s, word) != 0)
			return -1;
	return 0;
}

struct tally {
	unsigned lives, failed;
};

/* Lives those of a line until one fails. */
static void live_sweep(struct sweep *s, struct tally *t)
{
	char why[VERDICT_TEXT];

	do {
		t->lives++;
		if (live_apart(&s->life, why) != 0) {
			t->failed++;
			printf("FAILED: %s\n", why);
			print_life(&s->life);
			return;
		}
	} while (s->gene && ++*s->gene <= s->last);
}

static int live_file(const char *name)
{
	FILE *f = fopen(name, "r");
	struct tally t = { 0, 0 };
	struct sweep s;
	char line[4096];

	if (!f) {
		perror(name);
		return 66;
	}
	while (fgets(line, sizeof line, f)) {
		if (line[0] == '#' || line[0] == '\n')
			continue;
		if (read_sweep(line, &s) == 0) {
			live_sweep(&s, &t);
		} else {
			printf("%s: a life has a gene that there is not\n", name);
			t.failed++;
		}
	}
	fclose(f);
	printf("simulate: %u lives of %s, %u failed\n", t.lives, name, t.failed);
	return t.failed > 0;
}

static const char *value_of(const char *argument, const char *name)
{
	size_t len = strlen(name);

	return strncmp(argument, name, len) == 0 && argument[len] == '=' ? argument + len + 1 :
	                                                                   NULL;
}

/* 0, or -1: there is no such thing. */
static int read_argument(struct asked *a, const char *argument)
{
	const char *value;

	if ((value = value_of(argument, "SEEDS")))
		a->work.count = strtoull(value, NULL, 10);
	else if ((value = value_of(argument, "START")))
		a->work.start = strtoull(value, NULL, 10);
	else if ((value = value_of(argument, "JOBS")))
		a->work.at_once = (unsigned)atoi(value);
	else if ((value = value_of(argument, "MINUTES"))) {
		a->work.seconds = atof(value) * 60;
		a->work.count = UINT64_MAX;
	} else if ((value = value_of(argument, "TRACE")))
		a->trace = atoi(value);
	else if (value_of(argument, "PROOF"))
		a->proof = true;
	else if ((value = value_of(argument, "LIVES")))
		a->file = value;
	else if (strcmp(argument, "LIFE") != 0)
		return life_set(&a->life, argument);
	return 0;
}

static void find_seed(struct asked *a, int argc, char **argv)
{
	bool bare = false;

	for (int i = 1; i < argc; i++) {
		const char *value = value_of(argv[i], "SEED");
		bare |= strcmp(argv[i], "LIFE") == 0;
		if (value) {
			a->one = true;
			life_of_seed(&a->life, strtoull(value, NULL, 10));
			if (bare)
				life_off(&a->life);
		}
	}
}

int main(int argc, char **argv)
{
	struct asked a = {
		.work = { .start = 1,
		    .count = 1000,
		    .at_once = 1,
		    .failures_most = 5,
		    .failed = say_failed },
		.trace = TRACE_STORY,
	};

	setvbuf(stdout, NULL, _IOLBF, 0);
	sqlite_set_up();
	find_seed(&a, argc, argv);
	for (int i = 1; i < argc; i++)
		if (read_argument(&a, argv[i]) != 0) {
			fprintf(stderr, "simulate: %s: there is no such gene\n", argv[i]);
			return 64;
		}
	if (a.file)
		return live_file(a.file);
	if (a.proof)
		return prove(&a.work);
	return a.one ? live_one(&a.life, a.trace) : live_many(&a.work);
}
