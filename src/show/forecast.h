/* What a run would do, gathered by a dry run: records, requests, bytes, time, and what is invalid
 * and why. Pure. */
#ifndef FORECAST_H
#define FORECAST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/num.h"
#include "operation/operation.h"

/* different reasons that are listed; the rest is counted together */
#define FORECAST_KINDS 12

struct envelope;

struct forecast_kind {
	char *text;
	uint64_t count;
};

struct forecast {
	uint64_t records, valid, invalid;
	uint64_t requests, bytes;    /* bytes: of bodies */
	uint64_t unchanged, deletes; /* of --sync */
	/* events that are the same ones when they are imported again, and those that are others */
	uint64_t facts, happenings;
	/* people who are missing and would not be deleted, and why */
	uint64_t kept;
	const char *kept_why;
	size_t batch_bytes, batch_count; /* the batch that is being filled */
	struct forecast_kind kinds[FORECAST_KINDS];
	size_t kind_count;
	uint64_t other; /* invalid for yet other reasons */
};

/* A record is valid: it would be sent alone (no envelope), or packed, at most `most` (0: any
 * number) in one. */
void forecast_valid(struct forecast *f, size_t body_len, const struct envelope *e, size_t most);

/* It would be an event, or none. */
void forecast_event(struct forecast *f, enum event_id id);

/* A record is valid and would not be sent: it is what was last accepted. */
void forecast_unchanged(struct forecast *f);

/* Somebody is missing and would be deleted. */
void forecast_delete(struct forecast *f, size_t body_len, const struct envelope *e, size_t most);

/* It is not. Reasons that differ in their numbers and quoted texts alone count as one. */
void forecast_invalid(struct forecast *f, const char *reason);

/* The forecast, lines for a person. rate: requests a second; record_rate: records a second. */
void forecast_text(const struct forecast *f, const struct num_rate *rate,
    const struct num_rate *record_rate, bool sync, struct buf *out);

void forecast_free(struct forecast *f);

#endif
