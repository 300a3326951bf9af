/* What the workspace's files share: workspace_read.c makes operations of a call and workspace.c
 * does them; workspace_relations.c knows objects and who belongs to them; workspace_segments.c
 * segments; workspace_app.c the App API but for messages, which are in workspace_messages.c. */
#ifndef WORKSPACE_INTERNAL_H
#define WORKSPACE_INTERNAL_H

#include "operation/id_type.h"
#include "workspace.h"

struct table {
	struct workspace_entry **slots;
	size_t cap, count; /* cap is a power of two, never full */
};

/* The entry of that key, or NULL; or made new (zeroed, `size` bytes) where there is none. */
void *table_find(const struct table *t, const char *key, size_t len);
void *table_get(struct table *t, const char *key, size_t len, size_t size);

struct workspace {
	struct workspace_config config;
	char *region_url, *segment_list;
	struct table people, objects, event_ids;
	struct table cio_objects; /* struct object_alias, by cio_object_id */
	struct table sent;        /* a fingerprint of each message, and how often it was sent */
	json_t *events;
	json_t *segments;       /* object: segment to object: identifier to true */
	json_t *esp_suppressed; /* object: "type/address" to true */
	json_t *messages;       /* array, as workspace_messages has it */
	struct workspace_totals totals;
};

enum verb {
	VERB_IDENTIFY,
	VERB_DELETE,
	VERB_EVENT,
	VERB_PAGE,
	VERB_SCREEN,
	VERB_SUPPRESS,
	VERB_UNSUPPRESS,
	VERB_MERGE,
	VERB_ADD_DEVICE,
	VERB_DELETE_DEVICE,
	VERB_ADD_RELATIONSHIPS,
	VERB_DELETE_RELATIONSHIPS,
	VERB_IDENTIFY_ANONYMOUS,
	VERB_COUNT,
};

extern const char *const workspace_verbs[VERB_COUNT]; /* the v2 API's names */

struct fault { /* why an operation is refused; reason NULL: it is not */
	const char *reason, *field, *message;
};

struct op {
	enum verb verb;
	struct workspace_person *person, *other; /* other: the secondary of a merge */
	struct workspace_person *object;
	/* who or what is related to that person or object, or no longer is, as `relations` says in
	 * the same places; owned */
	struct workspace_person **related;
	size_t related_count;
	bool unrelates;
	const json_t *relations; /* borrowed */
	/* borrowed: the attributes, the event's data or the device; or NULL */
	const json_t *what;
	/* borrowed: the whole event, for its id, name and timestamp */
	const json_t *source;
	const char *device; /* id, borrowed */
	const char *raw;
	size_t raw_len;
	struct fault fault;
};

enum route {
	ROUTE_REGION,
	ROUTE_IDENTIFY,
	ROUTE_DELETE,
	ROUTE_EVENTS,
	ROUTE_SUPPRESS,
	ROUTE_UNSUPPRESS,
	ROUTE_ADD_DEVICE,
	ROUTE_DELETE_DEVICE,
	ROUTE_ANONYMOUS,
	ROUTE_MERGE,
	ROUTE_ENTITY,
	ROUTE_BATCH,
	ROUTE_SEGMENT_ADD,
	ROUTE_SEGMENT_REMOVE,
	ROUTE_WORKSPACES,
	ROUTE_ATTRIBUTES,
	ROUTE_PERSON,
	ROUTE_ESP_SUPPRESS,
	ROUTE_ESP_UNSUPPRESS,
	ROUTE_SEND,
	ROUTE_TRIGGER,
	ROUTE_COUNT,
};

/* The shapes that a refusal has. */
enum shape {
	SHAPE_META_ERRORS, /* {"meta":{"errors":["..."]}} */
	SHAPE_META_ERROR,  /* {"meta":{"error":"..."}} */
	SHAPE_ERRORS,      /* {"errors":[{"reason","field","message"}]} */
	SHAPE_DETAIL,      /* {"errors":[{"detail","status","source":{"pointer"}}]} */
};

enum shape workspace_shape(int route);

struct workspace_call {
	int route;            /* or -1 */
	int status;           /* already decided: 404, 405, 413, 400; or 0 */
	struct fault fault;   /* with a status of 400 or 413 */
	enum id_type id_type; /* ?id_type= */
	char *names[2];       /* the path's variable parts, decoded: identifier, device */
	size_t name_len[2];
	json_t *root;
	struct op *ops;
	size_t count, cap;
	struct workspace_person **people;
	size_t people_count;
	char text[80]; /* of a fault that had to be written */
};

/* Decides that a call is refused, if nothing else has. */
void workspace_refuse(struct workspace_call *c, int status, const char *field, const char *message);

/* A person or an object of that name, known from now on (which does not make it exist). */
struct workspace_person *workspace_person_named(struct workspace *w, const char *identifier,
    size_t len);
struct workspace_person *workspace_object_named(struct workspace *w, const char *type_id,
    const char *object_id);

/* A person by {"id": ...} and the like, or NULL where they name nobody. */
struct workspace_person *workspace_person_by(struct workspace *w, const json_t *identifiers);
/* A person by an identifier of that type, or NULL where it is none. */
struct workspace_person *workspace_person_typed(struct workspace *w, enum id_type type,
    const char *identifier);

void person_create(struct workspace *w, struct workspace_person *p);

/* Merges attributes into those there: one that is null or "" is taken away. */
void merge_attributes(json_t **into, const json_t *attributes);

/* One more operation of a call. */
struct op *call_add(struct workspace_call *c, enum verb verb);
/* The first thing that is wrong with an operation stays. */
void op_fault(struct op *op, const char *reason, const char *field, const char *message);

/* workspace_relations.c: reads identifiers of an object into op->object, and a list of
 * relationships of op's person or object; does what op says of these. */
void object_read(struct workspace *w, struct op *op, const json_t *identifiers);
void relations_read(struct workspace *w, struct op *op, const json_t *list);
void object_do(struct workspace *w, const struct op *op);
void relations_do(struct workspace *w, const struct op *op);
/* nothing is related to somebody who is gone */
void relations_forget(struct workspace *w, struct workspace_person *p);

/* The other files: each reads and checks a call (what is wrong goes into c), and does it: the
 * status, with the answer added. */
void segments_read(struct workspace *w, struct workspace_call *c);
int segments_apply(struct workspace *w, struct workspace_call *c, struct buf *answer);
void app_read(struct workspace *w, struct workspace_call *c);
int app_apply(struct workspace *w, struct workspace_call *c, struct buf *answer);
void messages_read(struct workspace *w, struct workspace_call *c, size_t len);
int messages_apply(struct workspace *w, struct workspace_call *c, struct buf *answer);

#endif
