/*
 * What the stages of a run share: start.c sets it up, run.c turns the loop, responses.c takes what
 * became of requests, intake.c pulls records, dispatch.c sends requests, settle.c ends records,
 * finish.c ends the run. No other file knows this struct; its members are components that know no
 * run. Calls go from run.c to the stages, from those to settle, and from there to the components;
 * nothing calls back up.
 */
#ifndef RUN_STATE_H
#define RUN_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/reason.h"
#include "operation/operation.h"
#include "options/options.h"
#include "run/feed.h"
#include "run/outputs.h"
#include "run/stop.h"
#include "run/tally.h"
#include "send/bucket.h"
#include "send/doubt.h"
#include "send/gate.h"
#include "store/checkpoint.h"
#include "store/outcome.h"

#define FAILURE_SHOWN 300
#define ID_SHOWN 160 /* bytes of an identifier that a message shows */

struct display;
struct pace;
struct queue;
struct reply;
struct request;
struct sender;
struct sync;

/* A resumed run reads past what is settled before it sends anything, and compares what it skips. */
struct resume {
	bool verifying;
	struct checkpoint_state state;
	size_t next_open; /* index into state.open */
	uint64_t hash;    /* of what was skipped ... */
	uint64_t skipped; /* ... and how many these are */
};

/* How far the input was read. */
struct intake {
	uint64_t high; /* number of the last record read */
	bool ended;
	bool idle;     /* nothing to read just now */
	bool more;     /* it was left only because other work may wait */
	bool doubtful; /* there was a record, of whichever shard, that names nobody */
	bool broken;   /* it ended because it cannot be read on; then also: */
	struct reason why;
	struct resume resume;
};

/* The credentials check: what is asked of the server before the first record, and again where only
 * it can say whose fault a failure is. It is no request: nothing waits for its turn in it. */
struct check {
	bool wanted;   /* to be sent */
	bool answered; /* the first one was */
	unsigned tries, hops;
};

struct run {
	const struct options *o;
	int64_t started, started_wall, now; /* us; now: of this turn */
	uint64_t random;                    /* state of the generator for jitter */
	int wake_fd;                        /* signals */
	struct display *display;
	struct stop stop;
	struct tally tally;
	struct feed feed;
	struct intake intake;
	struct sync *sync; /* NULL: none */
	struct queue *queue;
	struct pace *pace;
	struct bucket records; /* --record-rate */
	struct gate gate;
	struct check check;
	struct doubt doubt;
	struct sender *sender;
	bool told_wanted; /* that --concurrency holds the rate back */
	/* the last of those that count as "down", for a person */
	char last_failure[FAILURE_SHOWN];
	struct outputs outputs;
};

/* -- start.c -- */
int start_run(struct run *r, struct reason *why); /* 0; or -1 with *why and its status */

/* -- intake.c -- */
/* Where nothing is ready to leave: pulls records until a request is, the input is idle or at its
 * end, or no more may be held. */
void intake_fill(struct run *r);
bool intake_done(const struct run *r); /* nothing more will come, and all of it is settled */

/* -- responses.c -- */
void responses_take(struct run *r); /* every answer there is */
/* Nothing is left that could be accepted: those refused whom something else might have been at
 * fault for were at fault themselves. Whether there were any. */
bool responses_settle_suspects(struct run *r);

/* -- intents.c: of what is sent at most once; of anything else they do nothing -- */
/* Whether it is on the disk that q may leave; false: the run was stopped over it. */
bool intents_made(struct run *r, struct request *q);
/* q has surely not arrived: it does not count as one who may have left. */
void intents_withdraw(struct run *r, struct request *q);
void intents_withdraw_all(struct run *r); /* of who is ready, and stays so */

/* -- verify.c -- */
/* What a read-back's answer says of the records of its request, which all end. False: it is none,
 * and nothing was done. */
bool verify_take(struct run *r, struct request *q, const struct reply *reply);

/* -- dispatch.c -- */
/* Sends the next request, as far as slots, pace and gate allow. Whether one has left, and another
 * may. */
bool dispatch_next(struct run *r);
/* When the next one may leave, us; INT64_MAX: something else must happen first. */
int64_t dispatch_due(struct run *r);

/* -- settle.c -- */
/* What became of an operation. */
struct settlement {
	enum outcome outcome;
	int status;        /* the server's; 0: none */
	unsigned attempts; /* that were made */
	const char *error; /* NULL where it was accepted */
	/* what the server calls it, where it was accepted: "delivery_id" and its value; or NULL */
	const char *name, *value;
};
void settle(struct run *r, struct operation *op, const struct settlement *s);
/* All operations of a request, which is spare then. */
void settle_request(struct run *r, struct request *q, const struct settlement *s);
/* A record ends that never became an operation. `whole`: it is a row or an object. */
void settle_record(struct run *r, const struct operation *op, bool whole, const char *error);
/* A record ends that an earlier run was sending when it ended. */
void settle_lost(struct run *r, const struct operation *op);
/* A record that is not sent: it is what was last accepted for its person, or not in the sample. */
void settle_unchanged(struct run *r, const struct operation *op);
/* A record that an earlier run settled. */
void settle_skipped(struct run *r, const struct origin *from);
/* Brings rejects, results, the sync file and the checkpoint to the disk, in that order. 0, or -1:
 * then the run was stopped. */
int settle_commit(struct run *r);

/* -- finish.c: the exit status -- */
int finish_run(struct run *r);
/* A run that was refused is one, too, for who watches the figures. */
int finish_unstarted(struct run *r, struct reason *why);

#endif
