/*
 * The queue: every operation that is not settled, and every request, each in one place.
 *
 * An operation comes in with queue_add, in input order. It waits for its turn (somebody in front of
 * it in a lane is unsettled), or is packed in the open batch of its path, or stands in a request;
 * and leaves with queue_settle, which makes ready who waited for it. So one person's operations
 * leave in order, and never two of them at once but in one batch.
 *
 * It knows no socket, no rate and no answer: what is sent, when, and what came of it are its
 * caller's. Times are microseconds on whatever clock the caller has.
 */
#ifndef QUEUE_H
#define QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "queue/batch.h"
#include "queue/request.h"

struct envelope;
struct operation;
struct queue;

struct queue_config {
	const struct envelope *envelope; /* what batches are packed in; NULL: there are none */
	size_t batch_most;               /* operations in a batch; 0: as many as fit */
	int64_t batch_wait_us; /* a batch that is not full is ready when nothing came for so long */
	size_t operations_most; /* unsettled at once ... */
	size_t bytes_most;      /* ... and of their memory: both bounds of queue_has_room */
};

struct queue *queue_new(const struct queue_config *c);
/* With all that is in it, so what sends its requests must have let go of them. NULL is fine. */
void queue_free(struct queue *q);

/* Whether one more operation may come in. */
bool queue_has_room(const struct queue *q);

/* Takes in a copy of what was made, as the newest. */
void queue_add(struct queue *q, const struct operation *made, int64_t now);
/* A hint that an operation of that key will come soon. */
void queue_expect(const struct queue *q, uint64_t key);
/* What is being packed is ready as it is. */
void queue_flush(struct queue *q);

/* Does what is due: who has slept long enough is ready, and a batch that has waited. Returns when
 * to ask again; INT64_MAX: nothing will be due. */
int64_t queue_tick(struct queue *q, int64_t now);

/* The first in that place, or NULL (of those asleep: the earliest); request.next has the others,
 * but of those asleep. */
struct request *queue_first(const struct queue *q, enum place place);
size_t queue_count(const struct queue *q, enum place place);

/*
 * Puts r elsewhere. Whoever was in flight, asleep or kept waiting is ready before those who have
 * never left. To PLACE_ASLEEP: sleep.due must be set. To PLACE_SPARE: all its operations are
 * settled or abandoned; r is the queue's to use again.
 */
void queue_move(struct queue *q, struct request *r, enum place to);
/* All who are there, in their order. */
void queue_move_all(struct queue *q, enum place from, enum place to);

/* The operation has ended: it is forgotten, and who waited for it alone has his turn. The request
 * it stands in is told by nobody but its caller. */
void queue_settle(struct queue *q, struct operation *op, int64_t now);
/* It stays unsettled, in no request: for a run that is about to stop. */
void queue_abandon(struct operation *op);

/* Cuts a batch, which was in flight or exhausted, in two, of which the first has so many operations
 * (both at least one): both are ready, or the second is blocked until the first is settled. */
void queue_cut(struct queue *q, struct request *r, size_t kept, enum batch_cut why);
/* What is left of a batch that was in flight, some of whose operations were settled and set to NULL
 * in r->operations: a batch that counts as in flight, with r's tries, or NULL where none is left.
 * batch_bodies was called on r before any was settled. r is spare then. */
struct request *queue_rest(struct queue *q, struct request *r);

/* How many operations are unsettled, and the oldest of them (NULL: none); operation.newer has the
 * others, in input order. */
size_t queue_unsettled(const struct queue *q);
const struct operation *queue_oldest(const struct queue *q);

#endif
