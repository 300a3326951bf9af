/* The parts of the oracle, and what they share. */
#ifndef SIM_ORACLE_PARTS_H
#define SIM_ORACLE_PARTS_H

#include "sim_oracle.h"
#include "sim_outputs.h"

/* What the network saw of one run. */
struct sums {
	int64_t attempts, throttled;
	int64_t operations; /* of them, what was about records */
	int64_t taken;      /* ... of these, that it was told are accepted */
	int64_t lost;       /* ... of which it was told that nobody knows */
	bool refused;       /* 401 */
	int64_t forbidden;  /* 403 */
	int64_t walled;     /* records alone that were answered so, each once */
	bool accepted;      /* a record was */
	bool failed;        /* something had no answer below 500 */
	bool proxied;       /* 407 */
	bool astray;        /* a check was answered with a redirect that is not followed */
	bool refused_alone; /* 400 to one record */
	int64_t down;       /* the longest time without an answer below 500 but 429, us */
};

struct evidence {
	const struct story *story;
	const struct chapter *chapter;
	struct outputs outputs;
	struct sums *sums; /* by run, from the story's first */
	char *why;         /* VERDICT_TEXT */
};

/* Says what is wrong. Returns -1. */
int verdict(const struct evidence *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

bool oracle_in_window(const struct story *s, unsigned row); /* not left out by --skip or --limit */

/* Each 0 or -1. */
/* How each run ended, and that it had to. */
int oracle_judge_runs(const struct evidence *e);
/* Order, pace, what was sent again, ids of events. */
int oracle_judge_traffic(const struct evidence *e);
/* That what the runs counted is what happened. */
int oracle_judge_figures(const struct evidence *e);
/* One outcome for each record, and the API holds what follows from it. */
int oracle_judge_records(const struct evidence *e);
/* That what is in the rejects and the results by now is so, whatever is still to come. */
int oracle_judge_outputs(const struct evidence *e);
/* Each message once at most, and told as unknown only where it may have arrived. */
int oracle_judge_messages(const struct evidence *e);
/* What a nightly sync may send, and whom it may delete. */
int oracle_judge_night(const struct evidence *e);

#endif
