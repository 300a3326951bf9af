/* Processes are given lives, and tell what became of them. */
#include "sim_workers.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sim_live.h"

enum {
	AT_ONCE = 64,
	TWICE = 64,
	LIVES = 256, /* of one process: what those that it killed held is given back with it */
};

/* What a process writes down, for the one that started it. */
struct note {
	uint64_t seed; /* that it lives now */
	bool failed;
	char why[VERDICT_TEXT];
};

struct worker {
	pid_t pid;          /* 0: none */
	uint64_t next, end; /* seeds that are still its own */
};

struct crew {
	const struct work *w;
	struct worked done;
	uint64_t next; /* seed that nobody has yet */
	double began;
	struct worker workers[AT_ONCE];
	struct note *notes;
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* 0, or -1: it went another way. */
static int live_again(const struct life *l, char why[VERDICT_TEXT])
{
	uint64_t hash = trace_hash();

	if (live(l, TRACE_NOTHING, why) != 0 || trace_hash() == hash)
		return 0;
	snprintf(why, VERDICT_TEXT, "the same life goes another way when it is lived again");
	return -1;
}

/* In the process: until the end, or the first life that fails. */
static void __attribute__((noreturn)) live_all(const struct worker *worker, struct note *note)
{
	for (uint64_t seed = worker->next; seed < worker->end; seed++) {
		struct life l;
		note->seed = seed;
		life_of_seed(&l, seed);
		live_watch();
		note->failed = live(&l, TRACE_NOTHING, note->why) != 0;
		/* some are lived twice: they must be the same */
		if (!note->failed && seed % TWICE == 0)
			note->failed = live_again(&l, note->why) != 0;
		if (note->failed)
			break;
	}
	_exit(0);
}

static void start(struct worker *worker, struct note *note)
{
	*note = (struct note){ .seed = worker->next };
	fflush(stdout);
	worker->pid = fork();
	if (worker->pid == 0)
		live_all(worker, note);
	if (worker->pid < 0)
		abort();
}

static bool has_time(const struct crew *c)
{
	return !c->w->seconds || now() - c->began < c->w->seconds;
}

static bool is_enough(const struct crew *c)
{
	return c->done.failures >= c->w->failures_most || !has_time(c);
}

/* Gives it work, where there is some. */
static void employ(struct crew *c, unsigned i)
{
	struct worker *worker = &c->workers[i];
	uint64_t end = c->w->count > UINT64_MAX - c->w->start ? UINT64_MAX :
	                                                        c->w->start + c->w->count;

	worker->pid = 0;
	if (is_enough(c))
		return;
	if (worker->next == worker->end) {
		worker->next = c->next;
		worker->end = end - c->next > LIVES ? c->next + LIVES : end;
		c->next = worker->end;
	}
	if (worker->next < worker->end)
		start(worker, &c->notes[i]);
}

static void look_at(struct crew *c, unsigned i, int status)
{
	struct worker *worker = &c->workers[i];
	struct note *note = &c->notes[i];
	struct life l;

	if (live_ended(status, note->why) != 0)
		note->failed = true;
	uint64_t upto = note->failed ? note->seed + 1 : worker->end;
	c->done.lives += upto - worker->next;
	worker->next = upto;
	if (!note->failed)
		return;
	c->done.failures++;
	life_of_seed(&l, note->seed);
	c->w->failed(&l, note->why);
}

static bool wait_for_one(struct crew *c)
{
	int status;
	pid_t pid = wait(&status);

	for (unsigned i = 0; pid > 0 && i < c->w->at_once; i++)
		if (c->workers[i].pid == pid) {
			look_at(c, i, status);
			employ(c, i);
		}
	return pid > 0;
}

struct worked work(const struct work *w)
{
	struct crew c = { .w = w, .next = w->start, .began = now() };

	c.notes = mmap(NULL, AT_ONCE * sizeof *c.notes, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (c.notes == MAP_FAILED)
		abort();
	for (unsigned i = 0; i < w->at_once && i < AT_ONCE; i++)
		employ(&c, i);
	while (wait_for_one(&c))
		;
	munmap(c.notes, AT_ONCE * sizeof *c.notes);
	c.done.seconds = now() - c.began;
	return c.done;
}
