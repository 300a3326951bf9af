/*
 * Processes of the simulated machine: the whole program, from main on, on a stack and in memory of
 * its own, so that it can be killed between any two calls of the operating system, and another may
 * run beside it. What it keeps in static variables is its own, too.
 */
#ifndef SIM_PROC_H
#define SIM_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"

enum { PROC_FDS = 32, PROC_SIGNALS = 32, PROC_ARGUMENTS = 60 };

enum proc_state { PROC_LIVES, PROC_EXITED, PROC_KILLED };

struct open_file;
struct sender;

struct proc {
	unsigned number; /* from 1, over a life */
	enum proc_state state;
	int status; /* PROC_EXITED: what a shell would see */
	uint64_t steps,
	    kill_at; /* calls of the operating system so far; before which to die, or 0 */
	int64_t started, ended; /* us */
	struct open_file *fds[PROC_FDS];
	void (*handlers[PROC_SIGNALS])(int);
	unsigned spins;        /* how often it did not wait and did nothing, in a row */
	unsigned pending;      /* signals, by bit */
	struct buf out, err;   /* what it wrote */
	struct sender *sender; /* its network, or NULL */
	uint64_t stall_at;     /* before which to stop for stall_us, or 0 */
	int64_t stall_us;
	int64_t failed_at;          /* when the disk first failed it; INT64_MAX: it did not */
	int64_t fsync_us;           /* time spent waiting for the disk */
	size_t held_most, held_end; /* bytes of memory: at most, and at the end */
	struct proc_inside *inside;
};

/* Starts the program. Both arrays end with NULL and must outlive the process. */
struct proc *proc_start(unsigned number, const char *const *argv, const char *const *environment);
void proc_free(struct proc *p); /* one that has ended */

/* Runs all that live until one has ended, or the time has come. 0, or -1: they wait for what never
 * comes. */
int proc_run(int64_t until);

struct proc *proc_current(void); /* NULL: it is the world's turn */
void proc_kill(struct proc *p);  /* at once; does not return where it is the current one */
void proc_bury(void);            /* what those who have ended held is free again */
/* Before that call it is stopped for so long. */
void proc_stall(struct proc *p, uint64_t at, int64_t us);
void proc_exit(int status) __attribute__((noreturn)); /* the current one ends */
void proc_signal(struct proc *p, int number);

/* -- for the calls of the operating system -- */

/* Each begins with it: time passes, a signal is handled, and it may be the last. */
void proc_step(void);
/* The current process waits until it is woken or the time has come. */
void proc_wait(int64_t until);
/* It waits for so long, whatever comes: others may run meanwhile. */
void proc_sleep(int64_t us);
void proc_wake(struct proc *p);
/* Others may have their turn. */
void proc_yield(void);

#endif
