/* A call's path and body to the operations that it asks for. */
#include "workspace_internal.h"

#include <stdlib.h>
#include <string.h>

#include "operation/operation.h"

const char *const workspace_verbs[VERB_COUNT] = {
	"identify",
	"delete",
	"event",
	"page",
	"screen",
	"suppress",
	"unsuppress",
	"merge",
	"add_device",
	"delete_device",
	"add_relationships",
	"delete_relationships",
	"identify_anonymous",
};

static const struct {
	const char *method, *pattern;
} routes[ROUTE_COUNT] = {
	[ROUTE_REGION] = { "GET", "/api/v1/accounts/region" },
	[ROUTE_IDENTIFY] = { "PUT", "/api/v1/customers/*" },
	[ROUTE_DELETE] = { "DELETE", "/api/v1/customers/*" },
	[ROUTE_EVENTS] = { "POST", "/api/v1/customers/*/events" },
	[ROUTE_SUPPRESS] = { "POST", "/api/v1/customers/*/suppress" },
	[ROUTE_UNSUPPRESS] = { "POST", "/api/v1/customers/*/unsuppress" },
	[ROUTE_ADD_DEVICE] = { "PUT", "/api/v1/customers/*/devices" },
	[ROUTE_DELETE_DEVICE] = { "DELETE", "/api/v1/customers/*/devices/*" },
	[ROUTE_ANONYMOUS] = { "POST", "/api/v1/events" },
	[ROUTE_MERGE] = { "POST", "/api/v1/merge_customers" },
	[ROUTE_ENTITY] = { "POST", "/api/v2/entity" },
	[ROUTE_BATCH] = { "POST", "/api/v2/batch" },
};

static int hex_value(char c)
{
	return c >= '0' && c <= '9' ? c - '0' :
	    c >= 'a' && c <= 'f'    ? c - 'a' + 10 :
	    c >= 'A' && c <= 'F'    ? c - 'A' + 10 :
	                              -1;
}

static char *percent_decoded(const char *s, size_t n, size_t *len)
{
	char *out = xmalloc(n + 1);
	size_t at = 0;

	for (size_t i = 0; i < n; i++) {
		int high = s[i] == '%' && i + 2 < n ? hex_value(s[i + 1]) : -1;
		int low = high >= 0 ? hex_value(s[i + 2]) : -1;
		if (low >= 0) {
			out[at++] = (char)(high * 16 + low);
			i += 2;
		} else {
			out[at++] = s[i];
		}
	}
	out[at] = '\0';
	*len = at;
	return out;
}

/* Whether the path is the pattern's, a * standing for one part that is not empty; remembers where
 * those parts are. */
static bool path_matches(const char *path, const char *pattern, const char *starts[2],
    size_t lens[2])
{
	size_t stars = 0;

	while (*pattern) {
		if (*pattern != '*') {
			if (*path++ != *pattern++)
				return false;
			continue;
		}
		size_t n = strcspn(path, "/");
		if (n == 0)
			return false;
		starts[stars] = path;
		lens[stars++] = n;
		path += n;
		pattern++;
	}
	return *path == '\0';
}

static void call_route(struct workspace_call *c, const char *method, const char *path)
{
	const char *starts[2] = { NULL, NULL };
	size_t lens[2] = { 0, 0 };

	c->route = -1;
	c->status = 404;
	for (int r = 0; r < ROUTE_COUNT && c->route < 0; r++) {
		if (!path_matches(path, routes[r].pattern, starts, lens))
			continue;
		c->status = 405;
		if (strcmp(method, routes[r].method) != 0)
			continue;
		c->route = r;
		c->status = 0;
		for (size_t i = 0; i < 2 && lens[i]; i++)
			c->names[i] = percent_decoded(starts[i], lens[i], &c->name_len[i]);
	}
}

/* Integers that 64 bits cannot hold become reals, only then. */
static json_t *parse_json(const char *body, size_t len)
{
	json_error_t error;
	json_t *root = json_loadb(body ? body : "", len, JSON_ALLOW_NUL, &error);

	if (!root)
		root = json_loadb(body ? body : "", len, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL,
		    &error);
	return root;
}

static struct op *call_add(struct workspace_call *c, enum verb verb)
{
	if (c->count == c->cap) {
		c->cap = c->cap ? c->cap * 2 : 1;
		c->ops = xrealloc(c->ops, c->cap * sizeof *c->ops);
	}
	struct op *op = &c->ops[c->count++];
	*op = (struct op){ .verb = verb };
	return op;
}

static void op_fault(struct op *op, const char *reason, const char *field, const char *message)
{
	if (!op->fault.reason)
		op->fault = (struct fault){ reason, field, message };
}

static bool is_email(const char *s)
{
	const char *at = strchr(s, '@');
	return at && at != s && at[1] && !strchr(at + 1, '@') && !strpbrk(s, " \t\r\n");
}

static void check_email(const struct workspace *w, struct op *op, const json_t *attributes)
{
	const char *email = json_string_value(json_object_get(attributes, "email"));

	if (w->config.strict_emails && email && *email && !is_email(email))
		op_fault(op, "invalid", "email", "email is not a valid address");
}

static void check_event(struct op *op)
{
	const json_t *name = json_object_get(op->source, "name"),
	             *id = json_object_get(op->source, "id");

	if (!json_is_string(name) || json_string_length(name) == 0)
		op_fault(op, "required", "name", "name is required");
	if (id && !json_is_string(id))
		op_fault(op, "invalid", "id", "id is not a text");
	if (op->what && !json_is_object(op->what))
		op_fault(op, "invalid", "data", "data is not an object");
}

static void check_device(struct op *op, const char *field)
{
	const json_t *id = json_object_get(op->what, field);

	op->device = json_string_value(id);
	if (!op->device || !*op->device)
		op_fault(op, "required", "device", "device.id is required");
}

/* A person by {"id": ...} and the like, or NULL. */
static struct workspace_person *person_in(struct workspace *w, struct op *op,
    const json_t *identifiers)
{
	static const char *const kinds[] = { "id", "email", "cio_id", "phone" };
	struct workspace_person *p = NULL;

	check_email(w, op, identifiers);
	for (size_t i = 0; i < 4 && !p; i++) {
		const json_t *value = json_object_get(identifiers, kinds[i]);
		struct buf text;
		buf_init(&text, BUF_UNBOUNDED);
		if (i == 2 && json_is_string(value) &&
		    strncmp(json_string_value(value), "cio_", 4) != 0)
			buf_str(&text, "cio_");
		if (json_is_string(value) && json_string_length(value) > 0)
			buf_add(&text, json_string_value(value), json_string_length(value));
		else if (json_is_integer(value))
			buf_num(&text, json_integer_value(value));
		if (text.len > 0)
			p = workspace_person_named(w, text.data, text.len);
		buf_free(&text);
	}
	return p;
}

/* Both people of a merge. */
static void read_merge(struct workspace *w, struct op *op, const json_t *source)
{
	op->person = person_in(w, op, json_object_get(source, "primary"));
	op->other = person_in(w, op, json_object_get(source, "secondary"));
	if (!op->person)
		op_fault(op, "required", "primary", "primary customer identifier is required");
	if (!op->other)
		op_fault(op, "required", "secondary", "secondary customer identifier is required");
}

static const enum verb route_verbs[ROUTE_COUNT] = {
	[ROUTE_IDENTIFY] = VERB_IDENTIFY,
	[ROUTE_DELETE] = VERB_DELETE,
	[ROUTE_EVENTS] = VERB_EVENT,
	[ROUTE_SUPPRESS] = VERB_SUPPRESS,
	[ROUTE_UNSUPPRESS] = VERB_UNSUPPRESS,
	[ROUTE_ADD_DEVICE] = VERB_ADD_DEVICE,
	[ROUTE_DELETE_DEVICE] = VERB_DELETE_DEVICE,
	[ROUTE_ANONYMOUS] = VERB_EVENT,
	[ROUTE_MERGE] = VERB_MERGE,
};

static bool route_has_body(int route)
{
	return route == ROUTE_IDENTIFY || route == ROUTE_EVENTS || route == ROUTE_ADD_DEVICE ||
	    route == ROUTE_ANONYMOUS || route == ROUTE_MERGE || route >= ROUTE_ENTITY;
}

/* What a v1 event's "type" makes of it. */
static enum verb event_verb(const json_t *event)
{
	const char *type = json_string_value(json_object_get(event, "type"));
	return type && strcmp(type, "page") == 0 ? VERB_PAGE :
	    type && strcmp(type, "screen") == 0  ? VERB_SCREEN :
	                                           VERB_EVENT;
}

static void read_v1(struct workspace *w, struct workspace_call *c, const char *body, size_t len)
{
	struct op *op = call_add(c, route_verbs[c->route]);

	op->raw = body;
	op->raw_len = len;
	if (c->names[0])
		op->person = workspace_person_named(w, c->names[0], c->name_len[0]);
	switch (c->route) {
	case ROUTE_IDENTIFY:
		op->what = c->root;
		check_email(w, op, c->root);
		break;
	case ROUTE_EVENTS:
	case ROUTE_ANONYMOUS:
		op->verb = event_verb(c->root);
		op->source = c->root;
		op->what = json_object_get(c->root, "data");
		check_event(op);
		break;
	case ROUTE_MERGE:
		read_merge(w, op, c->root);
		break;
	case ROUTE_ADD_DEVICE:
		op->what = json_object_get(c->root, "device");
		check_device(op, "id");
		if (!json_is_string(json_object_get(op->what, "platform")))
			op_fault(op, "required", "platform", "device.platform is required");
		break;
	case ROUTE_DELETE_DEVICE:
		op->device = c->names[1];
		break;
	default:
		break;
	}
}

static void read_object(struct workspace *w, struct op *op, const json_t *o)
{
	const json_t *identifiers = json_object_get(o, "identifiers");
	const char *type_id = json_string_value(json_object_get(identifiers, "object_type_id"));
	const char *object_id = json_string_value(json_object_get(identifiers, "object_id"));

	if (!type_id || !object_id)
		op_fault(op, "required", "identifiers",
		    "object_type_id and object_id are required");
	else
		op->object = workspace_object_named(w, type_id, object_id);
}

static void read_v2_person(struct workspace *w, struct op *op, const json_t *o)
{
	if (op->verb == VERB_MERGE) {
		read_merge(w, op, o);
		return;
	}
	op->person = person_in(w, op, json_object_get(o, "identifiers"));
	if (!op->person)
		op_fault(op, "required", "identifiers",
		    "identifiers must name a person by id, email, cio_id or phone");
	if (op->verb == VERB_EVENT || op->verb == VERB_PAGE || op->verb == VERB_SCREEN)
		check_event(op);
	if (op->verb == VERB_IDENTIFY)
		check_email(w, op, op->what);
	if (op->verb == VERB_ADD_DEVICE || op->verb == VERB_DELETE_DEVICE) {
		op->what = json_object_get(o, "device");
		check_device(op, "token");
	}
}

/* One v2 operation; raw are its own bytes. */
static void read_v2(struct workspace *w, struct workspace_call *c, const json_t *o, const char *raw,
    size_t raw_len)
{
	struct op *op = call_add(c, VERB_COUNT);
	const char *type = json_string_value(json_object_get(o, "type"));
	const char *action = json_string_value(json_object_get(o, "action"));

	op->raw = raw;
	op->raw_len = raw_len;
	op->source = o;
	op->what = json_object_get(o, "attributes");
	if (!json_is_object(o))
		op_fault(op, "invalid", "", "operation is not an object");
	if (raw_len > OPERATION_MAX)
		op_fault(op, "invalid", "", "operation is larger than 32kb");
	for (int v = 0; v < VERB_COUNT && action; v++)
		if (strcmp(action, workspace_verbs[v]) == 0)
			op->verb = (enum verb)v;
	if (op->verb == VERB_COUNT)
		op_fault(op, action ? "invalid" : "required", "action",
		    action ? "action is not known" : "action is required");
	if (op->what && !json_is_object(op->what))
		op_fault(op, "invalid", "attributes", "attributes is not an object");
	if (type && strcmp(type, "person") == 0)
		read_v2_person(w, op, o);
	else if (type && strcmp(type, "object") == 0)
		read_object(w, op, o);
	else if (!type || strcmp(type, "delivery") != 0)
		op_fault(op, type ? "invalid" : "required", "type",
		    "type must be person, object or delivery");
}

/*
 * The next element of a JSON array whose text is known to be right: from *at (behind the [ or a
 * comma) to the comma or ] behind it. Returns its bytes, without the white space around.
 */
static const char *next_element(const char **at, const char *end, size_t *len)
{
	const char *p = *at < end ? *at : end, *last = NULL;
	int depth = 0;

	while (p < end && strchr(" \t\r\n", *p))
		p++;
	const char *start = p;
	for (bool text = false; p < end; p++) {
		if (text) {
			if (*p == '\\')
				p++;
			else if (*p == '"')
				text = false;
		} else if (*p == '"') {
			text = true;
		} else if (*p == '{' || *p == '[') {
			depth++;
		} else if (*p == '}' || *p == ']') {
			if (depth-- == 0)
				break;
		} else if (*p == ',' && depth == 0) {
			break;
		} else if (strchr(" \t\r\n", *p)) {
			continue;
		}
		last = p;
	}
	*at = p < end ? p + 1 : end;
	*len = last ? (size_t)(last - start) + 1 : 0;
	return start;
}

/* Where the elements of "batch" begin, or NULL where the text is not {"batch": [ alone. */
static const char *batch_start(const char *body, const char *end)
{
	const char *at = memchr(body, '[', (size_t)(end - body));
	return at ? at + 1 : NULL;
}

static void read_batch(struct workspace *w, struct workspace_call *c, const char *body, size_t len)
{
	const json_t *batch = json_object_get(c->root, "batch");
	const char *at = batch_start(body, body + len);

	if (!json_is_array(batch) || json_array_size(batch) == 0 ||
	    json_object_size(c->root) != 1 || !at) {
		c->status = 400;
		c->fault = (struct fault){ "invalid", "batch",
			"batch must be an array of operations, alone in its object" };
		return;
	}
	for (size_t i = 0; i < json_array_size(batch); i++) {
		size_t raw_len;
		const char *raw = next_element(&at, body + len, &raw_len);
		read_v2(w, c, json_array_get(batch, i), raw, raw_len);
	}
}

static void call_refuse(struct workspace_call *c, int status, const char *field,
    const char *message)
{
	c->status = status;
	c->fault = (struct fault){ "invalid", field, message };
}

/* A large batch repeats people: sorted, each once. */
static int by_address(const void *a, const void *b)
{
	uintptr_t x = (uintptr_t) * (struct workspace_person *const *)a,
	          y = (uintptr_t) * (struct workspace_person *const *)b;
	return x < y ? -1 : x > y;
}

static void call_gather(struct workspace_call *c)
{
	struct workspace_person **all = xmalloc(c->count * 2 * sizeof *all);
	size_t n = 0;

	for (size_t i = 0; i < c->count; i++) {
		if (c->ops[i].person)
			all[n++] = c->ops[i].person;
		if (c->ops[i].other)
			all[n++] = c->ops[i].other;
	}
	if (n > 1)
		qsort(all, n, sizeof *all, by_address);
	for (size_t i = 0; i < n; i++)
		if (c->people_count == 0 || all[c->people_count - 1] != all[i])
			all[c->people_count++] = all[i];
	c->people = all;
}

struct workspace_call *workspace_read(struct workspace *w, const char *method, const char *path,
    const char *body, size_t len)
{
	struct workspace_call *c = xcalloc(1, sizeof *c);

	call_route(c, method, path);
	if (c->status || c->route == ROUTE_REGION)
		return c;
	if (c->route == ROUTE_BATCH && len > BATCH_MAX) {
		call_refuse(c, 413, "batch", "request is larger than 500kb");
		return c;
	}
	if (c->route == ROUTE_ENTITY && len > OPERATION_MAX) {
		call_refuse(c, 400, "", "request is larger than 32kb");
		return c;
	}
	if (route_has_body(c->route)) {
		c->root = parse_json(body, len);
		if (!json_is_object(c->root)) {
			call_refuse(c, 400, "",
			    c->root ? "body is not an object" : "malformed json");
			return c;
		}
	}
	if (c->route == ROUTE_BATCH)
		read_batch(w, c, body, len);
	else if (c->route == ROUTE_ENTITY)
		read_v2(w, c, c->root, body, len);
	else
		read_v1(w, c, body, len);
	call_gather(c);
	return c;
}

void workspace_call_free(struct workspace_call *c)
{
	if (!c)
		return;
	json_decref(c->root);
	free(c->names[0]);
	free(c->names[1]);
	free(c->ops);
	free(c->people);
	free(c);
}

size_t workspace_call_people(const struct workspace_call *c,
    struct workspace_person *const **people)
{
	*people = c->people;
	return c->people_count;
}
