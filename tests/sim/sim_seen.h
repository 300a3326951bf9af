/* What the network saw: every attempt, and what was in it. What the oracle judges by. */
#ifndef SIM_SEEN_H
#define SIM_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum fate {
	FATE_OPEN, /* nothing came back (yet) */
	FATE_ACCEPTED,
	FATE_REFUSED, /* 4xx for this record */
	FATE_DOUBTED, /* the same, and it may be somebody else's fault */
	FATE_MOVED,   /* it is to be asked elsewhere */
	FATE_THROTTLED,
	FATE_FAILED, /* 5xx, or no answer */
	FATE_LOST,   /* of a message: that, and it may have arrived */
	FATE_CUT,    /* a batch that is to be cut in two */
	FATE_ENDED,  /* 401, 407: the run is over */
};

struct attempt {
	unsigned proc;
	int64_t started;
	int64_t applied;     /* when the API did what it says; -1: not */
	int64_t delivered;   /* when the program was told what came of it; -1: never */
	int status;          /* what it was told; 0: no answer */
	bool check;          /* of the credentials */
	unsigned retry;      /* X-Retry-Count */
	size_t first, count; /* its operations */
};

struct seen {            /* an operation */
	unsigned mark;   /* what it says of its record; 0: nothing */
	unsigned row;    /* its record's number in the chapter, once that was looked for; 0: none */
	unsigned number; /* a person's, from 1; 0: one who has none */
	unsigned value;
	uint64_t pad; /* hash of what was added to it; 0: nothing */
	bool deletes;
	uint64_t person; /* hash of whom it is about; 0: nobody */
	uint64_t other;  /* of whom or what besides */
	uint64_t id;     /* hash of an event's id; 0: none */
	size_t attempt;
	enum fate fate; /* as the program was told */
	bool applied;   /* the API holds it */
};

void seen_begin(void);
void seen_end(void);
size_t seen_attempt(const struct attempt *a); /* its index */
void seen_operation(size_t attempt, const struct seen *s);

size_t seen_attempts(void);
struct attempt *seen_attempt_at(size_t i);
size_t seen_count(void);
struct seen *seen_at(size_t i);

#endif
