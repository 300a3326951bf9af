/* What the workspace's two files share: workspace_read.c makes operations of a call, workspace.c
 * does them. */
#ifndef WORKSPACE_INTERNAL_H
#define WORKSPACE_INTERNAL_H

#include "workspace.h"

struct table {
	struct workspace_entry **slots;
	size_t cap, count; /* cap is a power of two, never full */
};

struct workspace {
	struct workspace_config config;
	char *region_url;
	struct table people, objects, event_ids;
	json_t *events;
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
	ROUTE_COUNT,
};

struct workspace_call {
	int route;          /* or -1 */
	int status;         /* already decided: 404, 405, 413, 400; or 0 */
	struct fault fault; /* with a status of 400 or 413 */
	char *names[2];     /* the path's variable parts, decoded: identifier, device */
	size_t name_len[2];
	json_t *root;
	struct op *ops;
	size_t count, cap;
	struct workspace_person **people;
	size_t people_count;
};

/* A person or an object of that name, known from now on (which does not make it exist). */
struct workspace_person *workspace_person_named(struct workspace *w, const char *identifier,
    size_t len);
struct workspace_person *workspace_object_named(struct workspace *w, const char *type_id,
    const char *object_id);

#endif
