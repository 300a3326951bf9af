/*
 * How many requests may be in flight. Pure: it hears what starts, moves and ends, and the time.
 *
 * Requests that leave at a pace need as many as that pace lets leave while one is answered (pace *
 * latency, learnt), and no more. Where there is no pace, and for batches, whose bytes have to go
 * through the line, more are let in flight as long as that makes the run faster: what was
 * acknowledged in a time is measured with few, then with more, and where more did not help, few
 * stay. Now and then it is tried again, in both directions, and when what is acknowledged changes
 * by itself. Where batches are answered at once, a few are never too many.
 *
 * Three bounds stand over that. As much as is in flight must be answered within half the timeout,
 * at the speed there is: so a slow line, or a server at its end, is never flooded to where answers
 * come too late. A batch is not started while what is still to be taken by the line keeps it busy
 * for a second. And there is a most.
 */
#ifndef FLIGHT_H
#define FLIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FLIGHT_LOOK_US 5000 /* between two looks at the line */

struct flight_config {
	unsigned fixed;     /* as many, whatever is measured; 0: as described */
	unsigned most;      /* never more; at least 1 */
	double pace;        /* requests a second that may leave; 0: no limit */
	bool bulky;         /* batches: their bytes count, not their number */
	int64_t timeout_us; /* how long an answer may be silent */
};

struct flight {
	struct flight_config c;
	unsigned limit, in_flight;
	int64_t last_start;

	/* what is known of answers; 0: nothing yet */
	double latency; /* us from start to answer, on average */
	double speed;   /* units a second that were answered: bytes of batches, else requests */
	double size;    /* units of a request, on average */

	/* the line, for batches: bytes in flight that it has not taken, and bytes a second */
	uint64_t waiting;
	double line;
	int64_t looked_at;

	/* the round that is measured: answers since `since`, after `pass` of before the change */
	unsigned pass, answers;
	double units;
	int64_t since;
	int64_t full_us, full_since; /* how long `limit` was reached in it */

	/* the search: `best` is the limit that is known to be worth it, with what it made */
	enum { FLIGHT_FIRST, FLIGHT_UP, FLIGHT_DOWN, FLIGHT_HOLD } phase;
	unsigned best, too_many; /* too_many 0: not known */
	double made;
	int64_t hold_us, hold_until;
	bool look_down; /* the next time that it is tried again: with fewer */

	/* a given limit that holds the pace back: since when, in answers */
	unsigned held;
};

void flight_init(struct flight *f, const struct flight_config *c, int64_t now);

/* How many more may start now. */
unsigned flight_room(const struct flight *f);

/* Until when the next batch should wait, so that they do not all leave, and come, together: a line
 * that several share is idle then, while all wait for their answers. */
int64_t flight_ready_at(const struct flight *f);

void flight_started(struct flight *f, int64_t now);

/* What the line has taken of bodies since this was last called, and how much of those in flight it
 * has still to take. */
void flight_moved(struct flight *f, uint64_t bytes, uint64_t waiting, int64_t now);

/* One that started then has ended: with an answer, to so many bytes of body, or without. */
void flight_answered(struct flight *f, int64_t started, size_t bytes, int64_t now);
void flight_failed(struct flight *f, int64_t now);

/* Where `fixed` keeps requests from leaving at the pace: how many would carry it; else 0. */
unsigned flight_wanted(const struct flight *f);

/* Bytes a second that the line takes; 0: not known. */
double flight_line(const struct flight *f);

#endif
