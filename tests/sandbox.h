/*
 * A server of the Track and App APIs with a memory, on loopback, for tests and rehearsals: people,
 * events de-duplicated by id, objects, segments, messages; rate limits, a log of arrivals on its
 * own clock, and faults by script. One thread of its own; every function here may be called from
 * any other.
 */
#ifndef SANDBOX_H
#define SANDBOX_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sandbox_limit.h"

struct sandbox;

/* What a fault does to a request. Together with `process` these make all of them: refused, answered
 * wrongly although processed, cut off before or after. */
enum sandbox_act {
	SANDBOX_PASS,   /* nothing but the delay; `process` does not matter */
	SANDBOX_STATUS, /* answers `status`, `headers`, `body` */
	SANDBOX_RESET,  /* the connection is reset, no answer */
	/* an answer of `status` (0: 200) shorter than its Content-Length, then the connection
	 * ends */
	SANDBOX_CUT,
	/* the bytes of `body` as they are in place of an answer, then the connection ends */
	SANDBOX_RAW,
	SANDBOX_HANG,     /* never answers */
	SANDBOX_CUT_HEAD, /* the connection ends within the head of an answer of `status` */
	SANDBOX_BIG_HEAD, /* an answer whose head is some 400 kB, then the connection ends */
};

struct sandbox_fault {
	enum sandbox_act act;
	bool process; /* do what the request says all the same, and log it as processed */
	/* before answering (or resetting); processing, if any, is at arrival */
	int delay_ms;
	int status;
	const char *headers; /* "Name: value" lines, parted by \n; or NULL */
	const char *body;    /* NULL: {"meta":{"error":"fault"}} */
	bool gzip;           /* the body is compressed, and said to be */
};

/* Answers that are not the API's: a login page with 200, a firewall's 403, and a server that knows
 * no path. */
extern const struct sandbox_fault sandbox_login_page, sandbox_firewall, sandbox_not_found;

/* A fault for the requests that match everything given here; 0 and NULL match any. */
struct sandbox_rule {
	/* the nth request to arrive, from 1 (the credentials check counts) */
	uint64_t nth;
	const char *method;
	const char *path;   /* text within the path, as it came (percent-encoded) */
	const char *body;   /* text within the body */
	const char *holds;  /* text within the body, or within the path when it is decoded */
	const char *person; /* identifier of a person the request is about */
	uint64_t passes;    /* so many matching requests pass before the rule begins */
	int times;          /* so many are hit, then the rule is spent; 0: once, -1: for ever */
	struct sandbox_fault fault;
};

/* Seeded random faults, in percent of requests (their sum at most 100), and a random delay for
 * all. */
struct sandbox_chaos {
	uint64_t seed;
	unsigned unavailable; /* 503, not processed */
	unsigned error_after; /* 500, processed */
	unsigned reset_before;
	unsigned reset_after; /* processed, then reset */
	unsigned cut;         /* processed, then a truncated answer */
	unsigned cut_head;    /* processed, then an answer that ends within its head */
	unsigned big_head;    /* processed, then an answer with far too much of a head */
	unsigned login_page;  /* HTML with 200, not processed */
	unsigned throttled;   /* 429, not processed */
	unsigned delay_ms;    /* each request takes 0 to this long */
};

/* A request as it arrived. Its texts are good until sandbox_stop, and where they were not sent
 * NULL. */
struct sandbox_arrival {
	uint64_t number;           /* from 1, in order of arrival */
	int64_t at_us;             /* clock_now() when its headers were complete */
	int64_t answered_us;       /* 0: not yet */
	uint64_t connection;       /* from 1: equal for requests on one kept-alive connection */
	const char *method, *path; /* the path with its query */
	int status;                /* answered; 0: not yet, or reset or hung */
	bool authorized;           /* the right credentials were sent */
	bool processed;            /* the memory knows of it */
	bool faulted;              /* a rule, the hook, chaos or an outage had a hand in it */
	/* it came as to a proxy: CONNECT, or with a whole URL, of which `path` is the path */
	bool proxied;
	const char *authorization, *user_agent, *content_type, *expect, *retry_count;
	const char *proxy_authorization, *accept_encoding;
	size_t body_len;
	/* the first config.keep_body bytes of it, NUL after them; NULL where there was none */
	const char *body;
	size_t people; /* how many it is about; objects count */
};

struct sandbox_config {                /* all zero is a good sandbox */
	int port;                      /* 0: any that is free */
	const char *site_id, *api_key; /* NULL: "sandbox" */
	const char *app_key;           /* the App API's; NULL: "sandbox" */
	const char *segments;          /* the manual ones, "7,8"; NULL: any number is one */
	const char *region_url;        /* NULL: the sandbox's own */
	bool strict_emails;  /* 400 "email is not a valid address" for an `email` that is none */
	unsigned rate_limit; /* requests admitted in any second; 0: as `limit` has it */
	struct sandbox_limit_config limit; /* any other limit; its times are from the start */
	int retry_after_s;                 /* in a 429; 0: no such header */
	bool retry_after_date;             /* as an HTTP date */
	const char *retry_after;           /* as it is, in place of those: "2.9" */
	/* how far its clock is ahead, in its Date headers and the dates of Retry-After */
	int clock_ahead_s;
	bool gzip;           /* compresses every answer, asked or not */
	unsigned latency_ms; /* for every answer */
	/* Named as a proxy it is also the server behind it, for plain http; CONNECT, and so https,
	 * is answered 502. With this it wants "user:password", else 407. */
	const char *proxy_auth;
	/* after the start: 503 for everything (equal: no outage) */
	int64_t outage_from_ms, outage_to_ms;
	bool outage_resets; /* an outage resets connections in place of 503 */
	struct sandbox_chaos chaos;
	size_t keep_body; /* bytes of each body kept in the log; 0: 64 KiB */
	/* for long runs: no log, no histories, no bodies; the counters still count */
	bool lean;
	/* for benches: answers {} at once: no credentials, no parsing, no memory, no log */
	bool sink;
	/* Decides about a request in the server's thread: true with *f set. Asked before the rules.
	 * It must not call sandbox functions. */
	bool (*hook)(const struct sandbox_arrival *a, const char *body, struct sandbox_fault *f,
	    void *arg);
	/* Told in the server's thread of every request once it is settled. */
	void (*settled)(const struct sandbox_arrival *a, void *arg);
	void *arg;
};

/* NULL with a line on standard error where it cannot start. The config's texts are copied. */
struct sandbox *sandbox_start(const struct sandbox_config *config);
void sandbox_stop(struct sandbox *s); /* hung requests are reset; NULL is fine */

const char *sandbox_url(const struct sandbox *s); /* "http://127.0.0.1:40123" */
int sandbox_port(const struct sandbox *s);

/* Faults, at any time. Rules are asked in order, the first that matches decides. */
int sandbox_add_rule(struct sandbox *s, const struct sandbox_rule *r); /* its number, from 0 */
/* so that a test can show that its fault was reached */
unsigned sandbox_rule_hits(struct sandbox *s, int rule);
void sandbox_clear_rules(struct sandbox *s);
/* whatever the window says; 503 or resets as configured */
void sandbox_set_outage(struct sandbox *s, bool down);
void sandbox_set_chaos(struct sandbox *s, const struct sandbox_chaos *c);
void sandbox_set_latency(struct sandbox *s, unsigned ms);
/* While held, requests are processed as they arrive and no answer leaves; what waited is answered
 * when it is released. */
void sandbox_hold(struct sandbox *s, bool held);

/* The memory. The JSON is the caller's own copy, to json_decref. */
/* attributes, or NULL: not there */
json_t *sandbox_person(struct sandbox *s, const char *identifier);
/* the last identify's bytes (v1: the body; v2: the operation), to free; or NULL. NUL after them */
char *sandbox_body(struct sandbox *s, const char *identifier, size_t *len);
/* array, never NULL: each operation processed, in order: {"action": "identify", "attributes":
 * {...}}, an event's fields beside; deleted or not */
json_t *sandbox_history(struct sandbox *s, const char *identifier);
/* object by device id, or NULL */
json_t *sandbox_devices(struct sandbox *s, const char *identifier);
bool sandbox_suppressed(struct sandbox *s, const char *identifier);
/* attributes, or NULL */
json_t *sandbox_object(struct sandbox *s, const char *type_id, const char *object_id);
/* the relationship's attributes, or NULL: there is none */
json_t *sandbox_relation(struct sandbox *s, const char *identifier, const char *type_id,
    const char *object_id);
bool sandbox_in_segment(struct sandbox *s, const char *segment, const char *identifier);
size_t sandbox_segment_size(struct sandbox *s, const char *segment);
bool sandbox_esp_suppressed(struct sandbox *s, const char *type, const char *email);
/* array, in order: {"channel","delivery_id","body"} of messages, {"broadcast","trigger_id","body"}
 * of triggers; drafts are among them */
json_t *sandbox_messages(struct sandbox *s);
/* object: identifier to attributes, all who are there */
json_t *sandbox_people(struct sandbox *s);
json_t *sandbox_events(
    struct sandbox *s); /* array: {"person","type","name","id","timestamp","data",...} */
/* how often it was processed, duplicates included */
unsigned sandbox_event_times(struct sandbox *s, const char *event_id);

/* The log. */
size_t sandbox_arrivals(struct sandbox *s); /* how many there are */
/* from 0; i < sandbox_arrivals() */
struct sandbox_arrival sandbox_arrival(struct sandbox *s, size_t i);
/* the most arrivals in any [t, t + window_us] */
unsigned sandbox_max_in(struct sandbox *s, int64_t window_us);

struct sandbox_counters {
	uint64_t requests;   /* arrived, the credentials check included */
	uint64_t processed;  /* requests that the memory knows of */
	uint64_t operations; /* in them: a batch counts each */
	uint64_t people, events, duplicates, suppressed, merges;
	uint64_t objects, relations, members, esp_suppressed;
	/* messages but drafts, those of broadcasts included; and how many had been sent before */
	uint64_t messages, messages_twice, drafts, triggers;
	uint64_t throttled, unauthorized, faulted;
	uint64_t connections, bytes; /* bytes: of bodies */
	unsigned busiest_second;     /* the most arrivals in any [t, t + 1 s] */
	unsigned most_in_progress;   /* requests at once between body complete and answer */
	/* of those, about the same person: with some latency, 1 unless a client breaks order */
	unsigned most_for_one_person;
};
struct sandbox_counters sandbox_counters(struct sandbox *s);
unsigned sandbox_most_in_progress(struct sandbox *s, const char *identifier); /* for one person */

/* Waits until `n` requests have arrived in all, at most timeout_ms: whether they have. */
bool sandbox_wait(struct sandbox *s, uint64_t n, int timeout_ms);

#endif
