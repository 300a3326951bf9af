/*
 * A request: one operation alone, or as many as fit a batch, where the API takes such, and the list
 * that it is in. A request owns its body in a batch; its operations are the queue's.
 */
#ifndef REQUEST_H
#define REQUEST_H

#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "queue/retry.h"

struct api;
struct envelope;
struct operation;

/* Where a request can be. It is in one place at a time, and queue_move takes it to another. */
enum place {
	PLACE_SPARE,     /* empty: kept for the next that is made */
	PLACE_OPEN,      /* a batch that is being packed */
	PLACE_BLOCKED,   /* behind another request that holds one of its people */
	PLACE_READY,     /* may leave */
	PLACE_OUT,       /* in flight */
	PLACE_ASLEEP,    /* waits until sleep.due for its next attempt */
	PLACE_PROBES,    /* waits for the gate to open; one at a time is tried */
	PLACE_EXHAUSTED, /* out of retries; nothing has said yet whose fault it is */
	PLACE_SUSPECTS,  /* refused in a way that may be the destination's fault (send/doubt.h) */
	PLACES,
};

struct request {
	struct operation **operations; /* in input order; the array is owned, they are not */
	size_t count, room;
	const struct envelope *envelope; /* what batches are packed in, or NULL */
	struct buf batch;                /* {"batch":[...]}: empty for a single operation */
	struct buf path;  /* of a batch whose operations have one in common; else empty */
	enum place place; /* set by the queue alone, as the next three are */
	struct request *previous, *next; /* in the list of that place */
	int64_t open_since;      /* when the last operation came into it, while it is open */
	struct retry_node sleep; /* while it waits for its next attempt */
	size_t blocked; /* how many times one of its operations stands behind another request's */
	unsigned attempts;        /* failed ones that count against its retries */
	unsigned tries;           /* attempts started, for X-Retry-Count and results */
	uint64_t streak;          /* the gate's streak in which it failed last ... */
	unsigned streak_failures; /* ... and how often in it: given back when the gate closes */
	unsigned hops;            /* redirects followed */
	int64_t
	    failed_at; /* when it failed last, us, kept while nothing says whose fault it is ... */
	int last_status;  /* ... and why */
	char *last_error; /* owned; or NULL */
};

/* The envelope (NULL: there are no batches) must outlive it. */
struct request *request_new(const struct envelope *envelope);
void request_free(struct request *r);    /* not its operations; NULL is fine */
void request_recycle(struct request *r); /* empty again; gives large storage back */

/* The path that its operations have in common; NUL after it. */
void request_set_path(struct request *r, const char *path, size_t n);

/* Where it goes, at that API. */
const char *request_path(const struct request *r, const struct api *api);

/* Puts op behind those that r holds, and tells op so. */
void request_append(struct request *r, struct operation *op);

/* The request whose wait in a retry heap that node is. */
struct request *request_of_sleep(struct retry_node *n);

struct request_list {
	struct request *first, *last;
	size_t count;
};

void list_push(struct request_list *l, struct request *r);
void list_push_front(struct request_list *l, struct request *r);
void list_remove(struct request_list *l, struct request *r); /* r must be in l */

#endif
