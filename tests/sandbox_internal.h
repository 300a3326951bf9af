/* What the sandbox's files share: sandbox.c (its thread), sandbox_visit.c (one request),
 * sandbox_answer.c (the bytes that go back), sandbox_fault.c (what goes wrong), sandbox_proxy.c (it
 * as a proxy) and sandbox_memory.c (what it knows). All is under the sandbox's lock. */
#ifndef SANDBOX_INTERNAL_H
#define SANDBOX_INTERNAL_H

#include <microhttpd.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "sandbox.h"
#include "workspace.h"

#define SECOND 1000000

/* One request's share of one person, from its body's end to its answer. */
struct workspace_hold {
	struct visit *visit;
	struct workspace_person *person;
	struct workspace_hold *next, **link; /* among the person's holds; link NULL: released */
};

/* A request in progress. */
struct visit {
	struct sandbox *s;
	struct MHD_Connection *connection;
	int fd;
	struct sandbox_arrival *log;
	struct buf body;
	struct workspace_call *call;
	struct workspace_hold *holds;
	size_t hold_count;
	bool throttled, decided, in_progress, suspended, gzip;
	enum sandbox_act act;
	struct buf answer, headers;
	int status;
	int64_t due;                /* when to answer */
	struct visit *next, **link; /* among those in progress */
};

struct rule {
	struct sandbox_rule is; /* its texts are copies */
	uint64_t seen;
	unsigned hits;
};

/* Times of the last second's requests, oldest first, as a ring. */
struct recent {
	int64_t *times;
	size_t cap, head, count;
};

struct sandbox {
	struct sandbox_config config;
	char *site_id, *api_key, *app_key, *url, *retry_after, *proxy_auth;
	int port;
	struct MHD_Daemon *daemon;
	struct MHD_Response *sunk;
	pthread_t thread;
	int wake[2]; /* a pipe: something for the thread to look at */
	bool can_wake;
	pthread_mutex_t lock; /* over all below */
	pthread_cond_t arrived;
	bool stopping, down, held;
	int64_t started;
	uint64_t random;
	struct workspace *memory;
	struct sandbox_arrival **log;
	size_t log_count, log_cap;
	struct sandbox_limit limit;
	struct recent recent;
	struct rule *rules;
	size_t rule_count;
	struct visit *visits;
	unsigned in_progress;
	struct sandbox_counters counters;
};

/* sandbox_visit.c */
struct visit *visit_new(struct sandbox *s, struct MHD_Connection *c, const char *method,
    const char *path);
void visit_body(struct visit *v, const char *data, size_t len);
/* its body is whole, or its time has come: decides, waits or answers */
enum MHD_Result visit_step(struct visit *v);
void visit_free(struct visit *v);
void visit_arrival_free(struct sandbox_arrival *a);

/* sandbox_answer.c: sends what was decided, by MHD or by hand; MHD_NO ends the connection */
enum MHD_Result answer_send(struct visit *v);
/* the time of its own clock, as HTTP writes it, `later` seconds on */
void answer_date(const struct sandbox *s, int later, char text[40]);

/* sandbox_proxy.c: what a request line says, as to a proxy or not: its path, and whether */
const char *proxy_path(const char *method, const char *target, bool *proxied);
/* whether it answers as a proxy that does not let this through; then the answer is set */
bool proxy_refuses(struct visit *v);

/* sandbox_fault.c */
/* whether there is one for this request; *f is set either way */
bool fault_find(struct visit *v, struct sandbox_fault *f);
void fault_seed(struct sandbox *s, uint64_t seed);

static inline char *copy_or_null(const char *text)
{
	return text ? xstrdup(text) : NULL;
}

#endif
