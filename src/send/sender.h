/*
 * The sender: curl's multi interface behind a fixed table of slots. The only room that knows curl.
 *
 * A request that is submitted is one attempt: curl's own second try on a kept-alive connection that
 * turned out dead is stopped and reported as a failure, so that every attempt passes the bucket.
 */
#ifndef SENDER_H
#define SENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "operation/operation.h"
#include "send/reply.h"

#define SENDER_MOST 100u

struct proxy;
struct sender;

struct sender_config {
	const char *base; /* "https://track.customer.io", no slash at the end; copied */
	/* Basic auth, or (user NULL) Bearer; copied, never printed */
	const char *user, *password;
	const char *ca_file; /* or NULL: the system's */
	const char *proxy;   /* "" for none at all; NULL: as curl reads the environment */
	int64_t timeout_us;  /* one attempt, connecting included */
	unsigned slots;      /* most requests in flight; 0: as many as help, at most SENDER_MOST */
	double pace;         /* requests a second that may leave; 0: no limit */
	bool large_bodies;   /* such as batches: they leave in larger pieces */
};

struct sender_request {
	enum method method;
	const char *path; /* percent-encoded; must outlive the attempt */
	const char *body; /* NULL: none; must outlive the attempt */
	size_t body_len;
	unsigned attempt; /* from 0; a retry carries X-Retry-Count: attempt */
	void *owner;      /* comes back with the answer */
};

/* NULL with *why when curl cannot be set up. */
struct sender *sender_new(const struct sender_config *c, struct reason *why);
void sender_free(struct sender *s); /* drops what is in flight */

/* How many more requests may start now (flight.h). */
unsigned sender_free_slots(const struct sender *s);
/* Until when the next one should wait, us; 0: it need not. */
int64_t sender_ready_at(const struct sender *s);
/* Where a given number of slots keeps requests from leaving at the pace: how many would carry it;
 * else 0. */
unsigned sender_wanted(const struct sender *s);
/* Bytes of large bodies a second that the line takes; 0: not known. */
double sender_speed(const struct sender *s);
unsigned sender_in_flight(const struct sender *s);

/* Starts one attempt. 0, or -1 with *why (no memory, a URL that curl refuses). There must be a free
 * slot. */
int sender_submit(struct sender *s, const struct sender_request *q, int64_t now,
    struct reason *why);

/* The next finished attempt: 1 with *owner and *reply (good until the next call to any sender
 * function), 0 when there is none. */
int sender_next(struct sender *s, void **owner, struct reply *reply);

/*
 * Sleeps until there may be an answer, `until` (us on clock_now's clock; INT64_MAX: no end) has
 * come, one of the descriptors is readable (negative ones are left out), or a signal handler wrote
 * to one of them. 0 or -1 with *why.
 */
int sender_wait(struct sender *s, int64_t until, const int *fds, size_t fd_count,
    struct reason *why);

/* The run is about to end: from now on everything in flight has --timeout, whether it moves or not.
 * The first call counts. */
void sender_hurry(struct sender *s, int64_t now);

/* The proxy between here and there, or NULL. */
const struct proxy *sender_proxy(const struct sender *s);

const char *sender_base(const struct sender *s); /* where requests go now */

/* From now on requests go to another base. Those in flight go on. */
int sender_rebase(struct sender *s, const char *base, struct reason *why);

#endif
