/* An answer, or the lack of one, and what it means (the table in the manual, DELIVERY). */
#ifndef REPLY_H
#define REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "operation/api.h"
#include "operation/id_type.h"

#define REPLY_BODY_MAX (1u << 20) /* bytes kept of an answer; the rest is read and dropped */
#define REPLY_REASON_MAX 1000u    /* bytes of a server's reason that are ever printed */

/* How far an attempt got. */
enum transport {
	TRANSPORT_ANSWERED, /* a whole answer came; `status` is its */
	TRANSPORT_DOWN,     /* none came; `error` says why */
	/* this machine has no descriptor, memory or buffer left for it: another attempt will do no
	 * better, and the destination is not at fault */
	TRANSPORT_MACHINE,
};

struct reply {
	enum transport transport;
	int status;        /* HTTP status; 0: no whole answer came */
	const char *error; /* where status is 0: what the transport said */
	const char *body;  /* what came, decoded, NUL after it */
	size_t body_len;
	bool garbled;           /* it is compressed in a way that cannot be undone: no body */
	const char *type;       /* Content-Type, or NULL */
	int64_t retry_after_us; /* -1: none */
	const char *location;   /* of a redirect, absolute; or NULL */
	int64_t started;        /* when the attempt was started, us */
	int64_t sent_bytes;
	/* a byte of the request may have left this machine; false: it surely did not arrive */
	bool left;
};

enum verdict {
	VERDICT_ACCEPTED,     /* 2xx */
	VERDICT_PARTLY,       /* 207 to a batch: ask reply_refusals */
	VERDICT_THROTTLED,    /* 429 */
	VERDICT_TRANSIENT,    /* 408, 5xx, no whole answer */
	VERDICT_FOREIGN,      /* a 2xx that is plainly not the API's: it accepts nothing */
	VERDICT_UNAUTHORISED, /* 401 */
	VERDICT_FORBIDDEN,    /* 403 */
	VERDICT_PROXY,        /* 407: something in between wants to know who asks */
	VERDICT_MACHINE,      /* no answer, for this machine has nothing left (TRANSPORT_MACHINE) */
	VERDICT_MOVED,        /* 301, 302, 307, 308 with a Location: it may be followed */
	VERDICT_ASTRAY,       /* these without one, 300, 303, 305: nobody follows it */
	VERDICT_CUT,          /* 413, or 400 to a batch: of several operations, one is at fault */
	VERDICT_REFUSED,      /* any other answer */
};

/* `operations`: how many the request held; how its API names those that it refuses. */
enum verdict reply_verdict(const struct reply *r, enum blame blame, size_t operations);

/* The same for the credentials check: what the API accepts it answers with a JSON object. */
enum verdict reply_check_verdict(const struct reply *r);

/* Whether this is an answer below 500 of the API's, which shows that the destination is up
 * (gate.h). */
bool reply_is_up(const struct reply *r, enum verdict verdict);

/* What went wrong with one that counts as the destination being down, for a person: "status 503",
 * "status 200, but a web page", what the transport said. NUL-terminated in out, not escaped. */
#define REPLY_TROUBLE_MAX 400u
void reply_trouble(const struct reply *r, enum verdict verdict, char out[REPLY_TROUBLE_MAX]);

/*
 * The server's reason, as it came, not escaped: meta.errors, meta.error, errors (texts, or entries
 * with message, detail or reason, and field or source.pointer), error, message, or the body's text
 * where it is none of these; "" where it says nothing. Several are joined by "; ". Of a body that
 * is no text, that it is none is said. At most REPLY_REASON_MAX bytes, cut at a character and then
 * followed by "..."; NUL-terminated in out (a NUL in it became a space).
 */
void reply_reason(const struct reply *r, char out[REPLY_REASON_MAX + 4]);

/*
 * A 207's refused operations. Calls refused(index, reason, arg) once for each batch_index from 0 to
 * operations - 1 in the answer, the first reason where one is repeated. Returns how many entries
 * had no usable batch_index (missing, out of range, not an integer), or -1 where the body is not
 * {"errors": [...]}: then nobody knows which were refused.
 */
int reply_refusals(const struct reply *r, size_t operations,
    void (*refused)(size_t index, const char *reason, void *arg), void *arg);

/* What an answer calls the message that was sent: its "delivery_id", or of a broadcast its "id",
 * which is a "trigger_id" here. Returns that name, with the value in out; NULL: it does not say. */
#define REPLY_ID_MAX 200u
const char *reply_sent_as(const struct reply *r, char out[REPLY_ID_MAX]);

/* A read-back's answer, {"customers": [{"customer": {...}}, ...]}; NULL: it is none. The people,
 * and what is said of them, are good until it is freed. */
struct reply_people;
struct reply_person;
struct reply_people *reply_people_new(const struct reply *r);
void reply_people_free(struct reply_people *p);
/* Who has that identifier, or NULL: nobody. Email addresses are compared without regard to case. */
const struct reply_person *reply_person(const struct reply_people *p, enum id_type type,
    const char *id, size_t n);
/* An attribute's text of *len bytes, or NULL: it is not there. `name` has n bytes. */
const char *reply_attribute(const struct reply_person *p, const char *name, size_t n, size_t *len);
/* Whether both are JSON, and the same value: members in any order, numbers by what they are. */
bool reply_same_json(const char *a, size_t a_len, const char *b, size_t b_len);

/*
 * The region check's answer: {"url": ..., "region": ...}. 0 with both copied (url as a base,
 * "https://host"; region
 * "" where there is none), or -1: no such answer, or a url that reply_redirect would not follow.
 */
int reply_region(const struct reply *r, char *url, size_t url_size, char *region,
    size_t region_size);

/*
 * Whether a redirect may be followed with the credentials: https, a host that is customer.io or
 * ends in .customer.io, no user name, the default port. 0 with the new base ("https://host") in
 * out, or -1. `path` is the request's own path: the location's path must be the same, else -1.
 */
int reply_redirect(const char *location, const char *path, char *out, size_t size);

#endif
