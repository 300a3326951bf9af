/*
 * What a Customer.io workspace remembers, without the network: a call of the Track API (v1 or v2)
 * or of the App API goes in, its status and answer come out. Simpler than the real one: a person is
 * known by the one identifier that a call names (an email address in any case), a cio_id that is
 * not known makes a person, and a segment holds whoever was put into it, known or not.
 */
#ifndef WORKSPACE_H
#define WORKSPACE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"

struct workspace;
struct workspace_call;
struct workspace_hold;

struct workspace_config {
	const char *region_url; /* what accounts/region answers */
	/* an email address without a name, an @ and a host is refused */
	bool strict_emails;
	/* keeps no histories, bodies, messages (but their fingerprints) and events (but their ids),
	 * for long runs */
	bool lean;
	/* the manual segments that there are: "7,8"; NULL: any number is one */
	const char *segments;
};

struct workspace_entry { /* in a table, by key */
	uint64_t hash;
	char *key; /* owned, NUL after it */
	size_t len;
};

struct workspace_person { /* or object */
	/* the identifier: 42, ann@example.com, cio_..., +15551234567; type/id of an object */
	struct workspace_entry entry;
	bool exists, suppressed;
	json_t *attributes; /* object */
	json_t *devices;    /* object: device id to device */
	/* object: of an object, people's identifiers to the relationship's attributes; of a
	 * person, the objects' */
	json_t *relations;
	json_t *history; /* array: every operation processed, in order, as {"action", ...} */
	/* the last identify, byte for byte: a v1 body, or a v2 operation */
	char *body;
	size_t body_len;
	/* for the server: requests about this person between arrival and answer ... */
	unsigned in_progress;
	unsigned most_in_progress; /* ... and the most there ever were */
	struct workspace_hold *holds;
};

struct workspace_totals {
	uint64_t people, events, duplicates, operations, suppressed, merges;
	uint64_t objects, relations;
	uint64_t members;        /* in segments; who is in two counts twice */
	uint64_t esp_suppressed; /* addresses, by kind */
	/* messages, those of broadcasts included, that were not drafts; and how many of them had
	 * been sent before: to the same, by the same message, with the same data */
	uint64_t messages, messages_twice, drafts, triggers;
};

struct workspace *workspace_new(const struct workspace_config *config);
void workspace_free(struct workspace *w);

/* Reads a call; the body must outlive it. Never NULL: what is wrong with it shows when it is
 * applied. The path is as it came, percent-encoded. */
struct workspace_call *workspace_read(struct workspace *w, const char *method, const char *path,
    const char *body, size_t len);
void workspace_call_free(struct workspace_call *c);

/* The people that a call is about, each once. */
size_t workspace_call_people(const struct workspace_call *c,
    struct workspace_person *const **people);

/* Does what the call says. Returns the HTTP status, with the answer's body added to `answer`. */
int workspace_apply(struct workspace *w, struct workspace_call *c, struct buf *answer);

/* A person by identifier, or NULL where nobody was ever called so (a person with exists == false
 * was, but is not there). */
struct workspace_person *workspace_person(struct workspace *w, const char *identifier, size_t len);

/* An object's attributes (borrowed), or NULL. */
json_t *workspace_object(struct workspace *w, const char *type_id, const char *object_id);
/* What the workspace itself calls an object, which makes it no object that is there; or NULL:
 * nobody ever named it. Good until the workspace is freed. */
const char *workspace_cio_object_id(struct workspace *w, const char *type_id,
    const char *object_id);
/* The attributes of somebody's relationship to an object (borrowed), or NULL: there is none. */
json_t *workspace_relation(struct workspace *w, const char *identifier, const char *type_id,
    const char *object_id);

bool workspace_in_segment(struct workspace *w, const char *segment, const char *identifier);
size_t workspace_segment_size(struct workspace *w, const char *segment);
bool workspace_esp_suppressed(struct workspace *w, const char *type, const char *email);

/* array, borrowed: {"channel","delivery_id","body"}; of a broadcast one for each trigger, with
 * "broadcast" in place of "channel" and "trigger_id" in place of "delivery_id" */
json_t *workspace_messages(struct workspace *w);

json_t *workspace_events(
    struct workspace *w); /* array, borrowed: {"person","type","name","id","timestamp","data"} */
unsigned workspace_event_times(struct workspace *w, const char *id); /* how often this id came */
struct workspace_totals workspace_totals(const struct workspace *w);

/* Every person there, in no order. */
void workspace_each(struct workspace *w, void (*visit)(const struct workspace_person *p, void *arg),
    void *arg);

#endif
