/*
 * Whose turn it is among runs that take from one bucket: who has taken least goes first, so that
 * each that has something to send gets as much as any other. Plain data, without pointers; times
 * are microseconds of one clock, handed in.
 *
 * A run that waits says when its turn will have come. One that lets it pass (it has ended, was
 * killed, or has nothing to send any more) is waited for no longer than TURNS_PATIENCE.
 */
#ifndef TURNS_H
#define TURNS_H

#include <stdbool.h>
#include <stdint.h>

#define TURNS 64 /* runs at once: each has a seat, from 0 */
#define TURNS_PATIENCE INT64_C(50000)

struct turn {
	uint64_t taken; /* tokens, as far as they count against the others */
	int64_t due;    /* when it will take the next; INT64_MIN: it is not waiting */
};

struct turns {
	struct turn seats[TURNS];
};

/* Nobody waits. */
void turns_init(struct turns *t);

/* A new run sits down where an old one sat. */
void turns_join(struct turns *t, unsigned seat);

/*
 * The run in `seat` wants a token. The next is there at `next`, one more each `gap` us after that.
 * Returns when its turn comes, `next` at the earliest. The answer changes when others take theirs,
 * or do not: so *look is when to ask again at the latest, which is no later.
 */
int64_t turns_wait(struct turns *t, unsigned seat, int64_t next, int64_t gap, int64_t now,
    int64_t *look);

/* It has taken one. */
void turns_take(struct turns *t, unsigned seat);

#endif
