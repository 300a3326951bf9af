/*
 * The tally: what became of the records, how many there are, and the progress lines that follow
 * from it.
 *
 * Regular files are counted while the run waits for something else, so that nothing waits for the
 * total; a run that has something to do all the time counts on the way from its first second on,
 * for it may be over before. A line that is due before the total is known counts ahead for a
 * moment, and is then said without.
 */
#ifndef TALLY_H
#define TALLY_H

#include <stdbool.h>
#include <stdint.h>
#include "show/progress.h"

struct display;
struct input;
struct options;

struct tally {
	struct counters c;
	struct moment moment; /* what is going on, as of the last turn; its total is the tally's */
	/* For the tally alone. */
	const struct options *o;
	struct display *display;
	struct input *input;
	bool counting;    /* the total is not known yet, and can be */
	bool asked;       /* by a signal: somebody wants to know it, --quiet or not */
	int64_t ahead_us; /* how long lines that were due have counted ahead */
	uint64_t line_at; /* finished records at which a line is due */
};

/* All that is pointed to must outlive the tally. `input` may be NULL: then nothing is counted. */
void tally_init(struct tally *t, const struct options *o, struct display *display,
    struct input *input);

/* A record has ended; says the line that is due by that. */
void tally_settled(struct tally *t, enum outcome outcome, int64_t now);

/* Counts a piece of the input ahead, while there is nothing else to do and somebody wants to know.
 * Whether there is more to count. */
bool tally_count_idly(struct tally *t);
/* Counts all of it. */
void tally_count_all(struct tally *t);
/* So many records are in the input. */
void tally_total(struct tally *t, uint64_t records);
/* So many more are to come. */
void tally_grow(struct tally *t, uint64_t records);

/* Says how things are, whether a line is due or not, with the total where it is soon counted. */
void tally_asked(struct tally *t);

/* Tells the display how things are. */
void tally_show(struct tally *t, int64_t now);

#endif
