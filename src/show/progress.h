/*
 * Progress: the counters and their identity, and the lines that say how far a run is. Pure: all is
 * written into buffers. bar.h has the line for a terminal, report.h what is said and written when a
 * run has ended.
 */
#ifndef PROGRESS_H
#define PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include "base/buf.h"
#include "store/outcome.h"

struct counters {
	uint64_t read; /* records read */
	uint64_t outcomes[OUTCOME_COUNT];
	uint64_t requests;     /* every attempt, the credentials check included */
	uint64_t retries;      /* attempts after a request's first */
	uint64_t rate_limited; /* 429s */
	uint64_t bytes_sent;   /* bodies */
	uint64_t deletes;      /* of --sync-deletes, among `read` */
	uint64_t unsampled;    /* not in --sample, among the skipped */
};

uint64_t counters_finished(const struct counters *c);  /* the sum of the outcomes */
uint64_t counters_processed(const struct counters *c); /* accepted + skipped */
uint64_t counters_errors(const struct counters *c);    /* finished, and not processed */

/* What a bar or a JSON line shows besides the counters. */
enum waiting {
	WAITING_NOT,
	WAITING_SLOWED, /* for nothing: but it sends slower than was asked for */
	WAITING_THROTTLED,
	WAITING_DOWN,
	WAITING_INPUT,
};
struct moment {
	int64_t elapsed_us; /* since the run began */
	uint64_t total;     /* records, or 0 when not known */
	unsigned in_flight;
	uint64_t queued; /* read and neither in flight nor settled */
	enum waiting waiting;
	int64_t waiting_us; /* how much longer; 0 when not known */
	/* requests a second: kept to because of 429s, 0: none is; asked for, 0: unlimited */
	double learned, asked;
	double speed; /* bytes of batches a second that the line takes; 0: not known, or none are */
};

/* "61/s of 80/s", or "61/s" where no rate was asked for. */
void progress_slowed(struct buf *out, double learned, double asked);

/* "rate limited: 61/s of 80/s", "rate limited, 12 s", "destination down, trying again in 8 s",
 * "waiting for input"; nothing for WAITING_NOT. Brief: "61/s of 80/s", "down, again in 8 s". */
void progress_waiting(struct buf *out, const struct moment *m, bool brief);

/* "Progress: 3000/250000 (12 errors)" or, where the total is 0 or was passed, "Progress: 3000 (12
 * errors)". */
void progress_plain(struct buf *out, uint64_t finished, uint64_t errors, uint64_t total);

/* "Done: 249988 processed, 12 errors" */
void progress_done(struct buf *out, const struct counters *c);

/* "Queue: 10 in flight, 52 waiting, 49.9 records/s, 3 retries, 1 answer 429", the bytes a second of
 * batches ("1.2 MB/s") before the retries, and what the run waits for. */
void progress_health(struct buf *out, const struct counters *c, const struct moment *m,
    double rate);

/* {"type":"start",...}\n and {"type":"progress",...}\n; a total that is not known is null; rate:
 * records a second. */
void progress_json_start(struct buf *out, const char *name, uint64_t total);
void progress_json(struct buf *out, const struct counters *c, const struct moment *m, double rate);

/* Members of an object: each outcome's count, then errors, requests, retries, rate_limited. */
void progress_json_counters(struct buf *out, const struct counters *c);

/* 12.345, of microseconds; the form of every "seconds" there is. */
void progress_seconds(struct buf *out, int64_t us);

#endif
