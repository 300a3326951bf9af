/* Why a run ends: the first cause is kept, and what it means for the exit status. */
#ifndef STOP_H
#define STOP_H

#include <stdbool.h>

struct display;
struct reason;

enum cause {
	CAUSE_NONE, /* the input has ended, and all that it asked for was done */
	CAUSE_SIGINT,
	CAUSE_SIGTERM,
	CAUSE_INPUT,         /* it cannot be read on, or is not what it should be */
	CAUSE_MAX_ERRORS,    /* as many records were not accepted as --max-errors allows */
	CAUSE_MAX_DELETES,   /* more people are missing than --max-deletes allows */
	CAUSE_OUTAGE,        /* the destination stayed down */
	CAUSE_RATE_LIMIT,    /* nothing but 429 was heard */
	CAUSE_REDIRECT,      /* the destination is elsewhere, and cannot be followed */
	CAUSE_CREDENTIALS,   /* they were refused */
	CAUSE_FORBIDDEN,     /* each record is, though they are good */
	CAUSE_ADDRESS,       /* there is no API at it */
	CAUSE_PROXY,         /* it wants to know who asks */
	CAUSE_CONFIGURATION, /* what was asked for cannot be done as it was asked for */
	CAUSE_OUTPUT,        /* what must last cannot be written */
	CAUSE_SYNC,          /* the sync file cannot be used */
	CAUSE_BUSY,          /* another run holds what this one needs */
	CAUSE_NETWORK,       /* this machine cannot wait for its sockets */
	CAUSE_MACHINE,       /* this machine has run out of descriptors, memory or the like */
	CAUSE_ACCOUNTING,    /* the figures do not add up: a bug */
	CAUSES,
};

struct stop {
	struct display *display; /* what is said goes there */
	enum cause cause;
	int status; /* exit status; 0: nothing has ended the run early */
};

/* Ends the run early and says why, unless something has already. */
void stop_for(struct stop *s, enum cause cause, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The same for a failure, with the exit status that it asks for, where it does. */
void stop_failed(struct stop *s, enum cause cause, const struct reason *why);

bool stop_asked(const struct stop *s);

/* How the summary names it: "end of input", "SIGINT", "--max-errors", "outage", ... */
const char *stop_name(enum cause cause);
/* The cause that an exit status stands for where a run was never begun. */
enum cause stop_cause_of(int status);

#endif
