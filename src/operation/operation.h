/*
 * An operation: a record and an action, as what is sent: method, path and body for the v1
 * API, or one v2 operation for a batch. Its bytes are the record's and in a buf of the caller's,
 * until he moves them to where they stay.
 */
#ifndef OPERATION_H
#define OPERATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "operation/mapping.h"
#include "input/record.h"

struct mapped;
struct reason;
struct request;

enum action {
	ACTION_IDENTIFY,
	ACTION_TRACK,
	ACTION_TRACK_ANONYMOUS,
	ACTION_PAGE,
	ACTION_SCREEN,
	ACTION_DELETE,
	ACTION_SUPPRESS,
	ACTION_UNSUPPRESS,
	ACTION_MERGE,
	ACTION_ADD_DEVICE,
	ACTION_DELETE_DEVICE,
	ACTION_ENTITY,
	ACTION_OBJECT,
	ACTION_DELETE_OBJECT,
	ACTION_RELATE,
	ACTION_UNRELATE,
	ACTION_SEGMENT_ADD,
	ACTION_SEGMENT_REMOVE,
	ACTION_ESP_SUPPRESS,
	ACTION_ESP_UNSUPPRESS,
	ACTION_VERIFY,
	ACTION_SEND_EMAIL,
	ACTION_SEND_PUSH,
	ACTION_SEND_SMS,
	ACTION_BROADCAST,
	ACTION_COUNT,
};

/* NULL at the end */
extern const char *const action_names[ACTION_COUNT + 1];
const char *action_name(enum action a);                         /* "track-anonymous" */
int action_parse(const char *name, size_t n, enum action *out); /* 0 or -1; '-' and '_' alike */
bool action_needs_person(enum action a);                        /* takes an identifying field */
/* track, track-anonymous, page, screen */
bool action_is_event(enum action a);
/* object, delete-object, relate, unrelate */
bool action_is_object(enum action a);
bool action_is_segment(enum action a);     /* segment-add, segment-remove */
bool action_is_suppression(enum action a); /* esp-suppress, esp-unsuppress */
bool action_is_message(enum action a);     /* send-email, send-push, send-sms */
/* takes somebody away, so that a sync forgets him: delete, suppress, segment-remove */
bool action_removes(enum action a);
/* who or what an operation is about, for a message: "user", "object" */
const char *action_noun(enum action a);

enum method { METHOD_PUT, METHOD_POST, METHOD_DELETE, METHOD_GET };
const char *method_name(enum method m);

#define OPERATION_MAX 32000u /* bytes of a v2 operation (the API's document: "32kb or smaller") */
#define BATCH_MAX 500000u    /* bytes of a batch request ("smaller than 500kb") */

struct operation_config {
	enum action action;      /* --action */
	const char *event;       /* --event, or NULL */
	const char *object_type; /* --object-type, or NULL */
	const char *segment;     /* --segment, or NULL */
	const char *suppression; /* --suppression, or NULL */
	const char *message;     /* --message, or NULL */
	const char *broadcast;   /* --broadcast, or NULL */
	bool draft;
	bool update_only;
	bool no_limits;
	bool v2;           /* make v2 operations, for a batch */
	bool fingerprints; /* fill operation.fingerprint */
	/* for the ids of events: what tells one workspace from another, and for those of events
	 * without a time of their own the run that first reads them, a ULID. NULL: "" */
	const char *destination, *run;
};

/* By what an event is the same event when it comes again: Customer.io drops a second one of the
 * same id. */
enum event_id {
	EVENT_ID_NONE,    /* it is no event */
	EVENT_ID_GIVEN,   /* the record has one */
	EVENT_ID_CONTENT, /* it has a time of its own: by its number in its file and its content */
	EVENT_ID_RUN,     /* by these and the run that first read it */
};

struct operation {
	/* What is needed again when it settles comes first: few lines of the processor's cache. */
	uint64_t keys[2];   /* whose turn it has to wait for: hashes of people and objects */
	unsigned key_count; /* 0, 1, or 2 for a merge and a relationship */
	enum action action;
	/* For the rooms that it passes through. */
	struct request *request;                /* the request that it is packed in, or NULL */
	struct operation *newer, *older;        /* all that are unsettled, in input order */
	struct operation *ahead[2], *behind[2]; /* its neighbours in each lane */
	struct operation *next;                 /* to be packed */
	/* What it is. */
	struct origin from;
	const char
	    *id; /* whom it is about, for people and results; "" where nobody. Decoded text */
	/* "/api/v1/customers/42"; "" where all of an API have one */
	const char *path;
	const char *body;
	/* what an answer is compared with: attributes as a JSON object; or "" */
	const char *kept;
	uint32_t id_len, path_len, body_len, kept_len; /* of a record of 16 MiB at most */
	enum id_type id_type; /* of `id`, where the action needs a person */
	enum method method;
	enum event_id event_id;
	bool intended; /* that it may leave is on the disk: of what is sent at most once */
	/* of all that is sent of the record, whatever the order of its fields and whichever API,
	 * for --sync; 0 unless asked for */
	uint64_t fingerprint;
};

/*
 * Fills *op from a mapped record. Returns 0; or -1 with *why where it is invalid (no identifier,
 * over a documented limit, ...): then op holds its origin, and id where there is one, all the same.
 * op points into the record (raw) and into `bytes`, which is emptied first (id, path and body).
 * What is "for the rooms" is left as it is.
 */
int operation_build(const struct operation_config *config, const struct origin *from,
    const struct mapped *m, struct buf *bytes, struct operation *op, struct reason *why);

/* Fills the origin alone, for a record that never became an operation; `action` is the one that it
 * would have been for. */
void operation_raw(const struct origin *from, enum action action, struct operation *op);

/* How many bytes op's raw bytes, id and what it has kept take; and its path and body. */
size_t operation_head_size(const struct operation *op);
size_t operation_rest_size(const struct operation *op);

/* Copies them to `to`, and points op there. */
void operation_move_head(struct operation *op, char *to);
void operation_move_rest(struct operation *op, char *to);

/* A hash of a record's raw bytes and number, for the checkpoint: their sum over any set of records
 * tells whether it is the same set. */
uint64_t operation_hash(const struct origin *from);

/* One line for --dry-run: {"record","method","path","body"}\n; "api" besides, where that is not the
 * Track API. */
struct api;
void operation_print(const struct operation *op, const struct api *api, struct buf *out);

/* The hash that --shard and the lanes go by: of a person's identifier as it stands in a v1 path
 * ("cio_" before a cio_id), ASCII letters lower-cased where there is an '@' in it (email addresses
 * are case-insensitive: the API's document). XXH64, seed 0, so anybody can compute it. */
uint64_t operation_key(const char *identifier, size_t n);

#endif
