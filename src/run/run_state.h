/*
 * What the parts of a run share: run.c turns the loop, intake.c pulls records, dispatch.c sends
 * requests, responses.c hears what becomes of them, settle.c ends records. No other file knows this
 * struct.
 *
 * A record is in one place. While it is unsettled it is an operation in the list from `oldest` to
 * `newest`, and is waiting for its turn	(op->request is NULL), packed in the open batch
 * (op->request is `open`), or in a request, which is in one of: ready, probes, exhausted, asleep,
 * blocked, in flight.
 */
#ifndef RUN_STATE_H
#define RUN_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "queue/batch.h"
#include "send/bucket.h"
#include "send/gate.h"
#include "input/input.h"
#include "store/checkpoint.h"
#include "base/log.h"
#include "operation/operation.h"
#include "options/options.h"
#include "store/outcome.h"
#include "store/outfile.h"
#include "show/progress.h"
#include "send/reply.h"
#include "queue/request.h"
#include "queue/retry.h"

#define FAILURE_SHOWN 300
#define ID_SHOWN 160           /* bytes of an identifier that a message shows */
#define COUNT_PIECE (4u << 20) /* bytes of the input that are counted at once */
/* a run that has something to do all the time counts from then on: shorter ones need not */
#define COUNT_AFTER_US 1000000
#define CHECK_PATH "/api/v1/accounts/region"
#define BATCH_PATH "/api/v2/batch"

/* Why a run ends before its input does. The first reason is kept. */
struct stop {
	bool asked;
	int status;     /* exit status */
	const char *by; /* for the summary */
};

/* A resumed run reads past what is settled before it sends anything, and compares what it skips. */
struct resume {
	bool verifying;
	struct checkpoint_state state;
	size_t next_open; /* index into state.open */
	uint64_t hash;    /* of what was skipped */
	/* so far; errors: of those in state's rejected, refused, failed */
	uint64_t skipped, errors;
};

/* How far --sync-deletes is. */
enum deletes {
	DELETES_OVER,  /* or there are none */
	DELETES_LATER, /* when all records are settled */
	DELETES_GO_ON,
	DELETES_WITHHELD, /* more than --max-deletes allows */
};

struct run {
	const struct options *o;
	int64_t started, started_wall, now; /* us */

	struct input *input;
	struct mapping *mapping;
	struct producer *producer; /* what both of them make */
	struct lanes *lanes;
	struct sender *sender;
	struct checkpoint *checkpoint; /* NULL: none is kept */
	struct rejects *rejects;       /* NULL: none */
	struct outfile results;
	struct buf line;                   /* of results, being made */
	char *rejects_name, *results_name; /* absolute, "" for none: for the checkpoint; owned */
	struct display *display;
	struct syncfile *sync; /* NULL: none */
	enum deletes deletes;
	struct buf who; /* whom to delete next */
	/* there was a record, of whichever shard, that names nobody */
	bool doubtful;
	struct operation_config operation;
	struct bucket bucket, record_bucket;
	size_t batch_most; /* operations in a batch; 0: as many as fit */
	struct gate gate;
	struct retry_heap asleep;
	struct stop stop;
	struct resume resume;
	struct counters c;
	int wake_fd; /* signals */

	struct operation *oldest, *newest; /* all unsettled operations, in input order */
	struct arena *arena;               /* where they and their bytes are */
	struct buf bytes;                  /* of a delete, being made */
	struct request *spare_requests;
	size_t unsettled, unsettled_most; /* how many, and how many there may be */
	size_t held_most;                 /* bytes of the arena */

	struct request_list ready;  /* may leave now */
	struct request_list probes; /* waiting for the gate to open; one at a time is tried */
	/* out of retries, waiting for the credentials check to say whose fault it is */
	struct request_list exhausted;
	struct request *open; /* the batch that is being packed */
	int64_t open_since;   /* when the last record came into it */

	struct request check;         /* the credentials check: a request without operations */
	bool check_wanted, check_out; /* to be sent; in flight */
	bool checked;                 /* the first one was answered */

	bool input_ended, input_idle; /* idle: nothing to read just now */
	bool input_more;              /* intake_fill ended only because other work may wait */
	uint64_t high;                /* number of the last record read */
	/* sum of operation_hash over all settled records, for the checkpoint */
	uint64_t hash;
	struct moment moment; /* what is going on, as of the last turn */
	bool counting;        /* moment.total is still being counted */
	uint64_t line_at;     /* finished records at which a progress line is due */
	/* lines that were due before the total was known; each is still to be said */
	struct counters *held;
	size_t held_count;
	/* when the first outcome was not yet committed; INT64_MAX: none */
	int64_t dirty_since;
	/* first 429 without another answer since; INT64_MAX: none */
	int64_t throttled_since;
	unsigned throttles; /* pauses since then ... */
	/* ... and when the last began; attempts begun before are of the same wave */
	int64_t throttled_at;
	char last_failure[FAILURE_SHOWN]; /* the last of those that count as "down", for a person */
	int64_t stopped_at;
	uint64_t random; /* state of the generator for jitter */
};

static inline bool is_check(const struct run *r, const struct request *q)
{
	return q == &r->check;
}

/* -- run.c -- */
/* Ends the run early with this exit status; says the message; the first call counts. */
void run_stop(struct run *r, int status, const char *by, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
uint64_t run_random(struct run *r);
/* counts a piece ahead; whether there is more to count */
bool run_count(struct run *r, size_t bytes);
void run_counted(struct run *r, uint64_t records); /* so many are in the input */

/* -- intake.c -- */
struct request *intake_request(struct run *r);        /* an empty one */
void intake_forget(struct run *r, struct request *q); /* back to the spare ones */
/* Pulls records until a request is ready, the input is idle or at its end, or no more may be
 * held. */
void intake_fill(struct run *r);
void intake_flush(struct run *r); /* the open batch becomes ready */
/* What was made is unsettled from now on, copied, and waits for its turn. */
void intake_begin(struct run *r, const struct operation *made);
void intake_enter(struct run *r, struct operation *op); /* op's turn has come: into a request */
bool intake_done(const struct run *r);                  /* nothing more will come */

/* -- responses.c -- */
void responses_take(struct run *r); /* every answer there is */

/* -- dispatch.c -- */
void dispatch_wake(struct run *r); /* those whose wait is over become ready */
/* fills the free slots as far as bucket and gate allow */
void dispatch_send(struct run *r);
int64_t dispatch_due(struct run *r); /* when there is something to do again, us */

/* -- settle.c -- */
/* An operation ends. status 0 and error NULL where there are none. */
void settle(struct run *r, struct operation *op, enum outcome outcome, int status,
    unsigned attempts, const char *error);
/* A record ends that never became an operation. `whole`: it is a row or an object. */
void settle_record(struct run *r, const struct operation *op, bool whole, const char *error);
/* A record that is what was last accepted for its person. */
void settle_unchanged(struct run *r, const struct operation *op);
/* A record that an earlier run settled. */
void settle_skipped(struct run *r, const struct origin *from);
/* Says the progress lines that waited for the total; `now`: even if it is not known yet. */
void settle_lines(struct run *r, bool now);
/* Brings rejects, results, the sync file and the checkpoint to the disk, in that order. 0 or -1
 * (then the run was stopped). */
int settle_commit(struct run *r);

/* -- finish.c: the exit status -- */
int finish_run(struct run *r);
/* A run that was refused is one, too, for who watches the figures. */
int finish_unstarted(struct run *r, int status, struct reason *why);

/* -- sync.c: what --sync adds; nothing where it is not given -- */
/* 1: to be sent, 0: unchanged, -1: the run was stopped */
int sync_look(struct run *r, const struct operation *op);
/* its person is in the input; there is nothing to send */
void sync_seen(struct run *r, const struct operation *op);
void sync_marks(struct run *r); /* so that what is ready may leave */
void sync_settled(struct run *r, const struct operation *op, enum outcome outcome,
    unsigned attempts);
/* the input has ended: the next delete; whether it is worth asking again */
bool sync_pull(struct run *r);
void sync_complete(struct run *r); /* the run ends well */

#endif
