/* A call of the API, read and checked: which it is, whom it is about, and what is wrong with it. */
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
	bool body; /* it has one */
	enum shape shape;
	enum verb verb; /* of a route that is one operation of v1 */
} routes[ROUTE_COUNT] = {
	[ROUTE_REGION] = { "GET", "/api/v1/accounts/region", .body = false },
	[ROUTE_IDENTIFY] = { "PUT", "/api/v1/customers/*", true, .verb = VERB_IDENTIFY },
	[ROUTE_DELETE] = { "DELETE", "/api/v1/customers/*", .verb = VERB_DELETE },
	[ROUTE_EVENTS] = { "POST", "/api/v1/customers/*/events", true, .verb = VERB_EVENT },
	[ROUTE_SUPPRESS] = { "POST", "/api/v1/customers/*/suppress", .verb = VERB_SUPPRESS },
	[ROUTE_UNSUPPRESS] = { "POST", "/api/v1/customers/*/unsuppress", .verb = VERB_UNSUPPRESS },
	[ROUTE_ADD_DEVICE] = { "PUT", "/api/v1/customers/*/devices", true,
	    .verb = VERB_ADD_DEVICE },
	[ROUTE_DELETE_DEVICE] = { "DELETE", "/api/v1/customers/*/devices/*",
	    .verb = VERB_DELETE_DEVICE },
	[ROUTE_ANONYMOUS] = { "POST", "/api/v1/events", true, .verb = VERB_EVENT },
	[ROUTE_MERGE] = { "POST", "/api/v1/merge_customers", true, SHAPE_META_ERROR, VERB_MERGE },
	[ROUTE_ENTITY] = { "POST", "/api/v2/entity", true, .shape = SHAPE_ERRORS },
	[ROUTE_BATCH] = { "POST", "/api/v2/batch", true, .shape = SHAPE_ERRORS },
	[ROUTE_SEGMENT_ADD] = { "POST", "/api/v1/segments/*/add_customers", .body = true },
	[ROUTE_SEGMENT_REMOVE] = { "POST", "/api/v1/segments/*/remove_customers", .body = true },
	[ROUTE_WORKSPACES] = { "GET", "/v1/workspaces", false, .shape = SHAPE_DETAIL },
	[ROUTE_ATTRIBUTES] = { "POST", "/v1/customers/attributes", true, .shape = SHAPE_DETAIL },
	[ROUTE_PERSON] = { "GET", "/v1/customers/*/attributes", false, .shape = SHAPE_DETAIL },
	[ROUTE_ESP_SUPPRESS] = { "POST", "/v1/esp/suppression/*/*", false, .shape = SHAPE_DETAIL },
	[ROUTE_ESP_UNSUPPRESS] = { "DELETE", "/v1/esp/suppression/*/*", false,
	    .shape = SHAPE_DETAIL },
	[ROUTE_SEND] = { "POST", "/v1/send/*", true, .shape = SHAPE_META_ERROR },
	[ROUTE_TRIGGER] = { "POST", "/v1/campaigns/*/triggers", true, .shape = SHAPE_DETAIL },
};

enum shape workspace_shape(int route)
{
	return routes[route].shape;
}

void workspace_refuse(struct workspace_call *c, int status, const char *field, const char *message)
{
	if (c->status)
		return;
	c->status = status;
	c->fault = (struct fault){ "invalid", field, message };
}

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

/* Whether the path, up to a query, is the pattern's, a * standing for one part that is not empty;
 * remembers where those parts are. */
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
		size_t n = strcspn(path, "/?");
		if (n == 0)
			return false;
		starts[stars] = path;
		lens[stars++] = n;
		path += n;
		pattern++;
	}
	return *path == '\0' || *path == '?';
}

/* ?id_type=email; what it says of other types is a fault, of other things it is nothing. */
static void call_query(struct workspace_call *c, const char *query)
{
	static const char name[] = "id_type=";
	const char *at = query ? strstr(query, name) : NULL;

	if (!at)
		return;
	at += sizeof name - 1;
	size_t n = strcspn(at, "&");
	for (int i = 0; i < ID_PHONE; i++)
		if (strlen(id_type_names[i]) == n && memcmp(at, id_type_names[i], n) == 0) {
			c->id_type = (enum id_type)i;
			return;
		}
	workspace_refuse(c, 400, "id_type", "id_type must be id, email or cio_id");
}

static void call_route(struct workspace_call *c, const char *method, const char *path)
{
	const char *starts[2] = { NULL, NULL };
	size_t lens[2] = { 0, 0 };
	bool known = false;

	c->route = -1;
	for (int r = 0; r < ROUTE_COUNT && c->route < 0; r++) {
		if (!path_matches(path, routes[r].pattern, starts, lens))
			continue;
		known = true;
		if (strcmp(method, routes[r].method) != 0)
			continue;
		c->route = r;
		for (size_t i = 0; i < 2 && lens[i]; i++)
			c->names[i] = percent_decoded(starts[i], lens[i], &c->name_len[i]);
	}
	if (c->route >= 0)
		call_query(c, strchr(path, '?'));
	else
		workspace_refuse(c, known ? 405 : 404, "",
		    known ? "method not allowed" : "not found");
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

struct op *call_add(struct workspace_call *c, enum verb verb)
{
	if (c->count == c->cap) {
		c->cap = c->cap ? c->cap * 2 : 1;
		c->ops = xrealloc(c->ops, c->cap * sizeof *c->ops);
	}
	struct op *op = &c->ops[c->count++];
	*op = (struct op){ .verb = verb };
	return op;
}

void op_fault(struct op *op, const char *reason, const char *field, const char *message)
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

struct workspace_person *workspace_person_typed(struct workspace *w, enum id_type type,
    const char *identifier)
{
	struct buf key;

	if (!*identifier || (type == ID_EMAIL && !strchr(identifier, '@')))
		return NULL;
	buf_init(&key, BUF_UNBOUNDED);
	if (type == ID_CIO_ID && strncmp(identifier, "cio_", 4) != 0)
		buf_str(&key, "cio_");
	buf_str(&key, identifier);
	struct workspace_person *p = workspace_person_named(w, key.data, key.len);
	buf_free(&key);
	return p;
}

struct workspace_person *workspace_person_by(struct workspace *w, const json_t *identifiers)
{
	static const char *const kinds[] = { "id", "email", "cio_id", "phone" };
	struct workspace_person *p = NULL;

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

static struct workspace_person *person_in(struct workspace *w, struct op *op,
    const json_t *identifiers)
{
	check_email(w, op, identifiers);
	return workspace_person_by(w, identifiers);
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

/* What a v1 event's "type" makes of it. */
static enum verb event_verb(const json_t *event)
{
	const char *type = json_string_value(json_object_get(event, "type"));
	return type && strcmp(type, "page") == 0 ? VERB_PAGE :
	    type && strcmp(type, "screen") == 0  ? VERB_SCREEN :
	                                           VERB_EVENT;
}

/* An attribute of v1 people: {"action": "add_relationships", "relationships": [...]}. */
static void read_v1_relations(struct workspace *w, struct op *op, const json_t *relations)
{
	const char *action = json_string_value(json_object_get(relations, "action"));

	if (!json_is_object(relations))
		return;
	op->unrelates = action && strcmp(action, workspace_verbs[VERB_DELETE_RELATIONSHIPS]) == 0;
	relations_read(w, op, json_object_get(relations, "relationships"));
}

static void read_v1(struct workspace *w, struct workspace_call *c, const char *body, size_t len)
{
	struct op *op = call_add(c, routes[c->route].verb);

	op->raw = body;
	op->raw_len = len;
	if (c->names[0])
		op->person = workspace_person_named(w, c->names[0], c->name_len[0]);
	switch (c->route) {
	case ROUTE_IDENTIFY:
		op->what = c->root;
		check_email(w, op, c->root);
		read_v1_relations(w, op, json_object_get(c->root, "cio_relationships"));
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

/* Of a person or an object; an identify may have them, the operations that are about them must. */
static void read_v2_relations(struct workspace *w, struct op *op, const json_t *o)
{
	const json_t *list = json_object_get(o, "cio_relationships");
	bool must = op->verb == VERB_ADD_RELATIONSHIPS || op->verb == VERB_DELETE_RELATIONSHIPS;

	op->unrelates = op->verb == VERB_DELETE_RELATIONSHIPS;
	if (must && json_array_size(list) == 0)
		op_fault(op, "required", "cio_relationships", "cio_relationships is required");
	else if (must || (list && op->verb == VERB_IDENTIFY))
		relations_read(w, op, list);
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
		object_read(w, op, json_object_get(o, "identifiers"));
	else if (!type || strcmp(type, "delivery") != 0)
		op_fault(op, type ? "invalid" : "required", "type",
		    "type must be person, object or delivery");
	read_v2_relations(w, op, o);
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
		workspace_refuse(c, 400, "batch",
		    "batch must be an array of operations, alone in its object");
		return;
	}
	for (size_t i = 0; i < json_array_size(batch); i++) {
		size_t raw_len;
		const char *raw = next_element(&at, body + len, &raw_len);
		read_v2(w, c, json_array_get(batch, i), raw, raw_len);
	}
}

/* A large batch repeats people: sorted, each once. */
static int by_address(const void *a, const void *b)
{
	uintptr_t x = (uintptr_t) * (struct workspace_person *const *)a,
	          y = (uintptr_t) * (struct workspace_person *const *)b;
	return x < y ? -1 : x > y;
}

static void gather(struct workspace_person **all, size_t *n, struct workspace_person *p)
{
	if (p)
		all[(*n)++] = p;
}

static void call_gather(struct workspace_call *c)
{
	size_t most = c->count * 3, n = 0;

	for (size_t i = 0; i < c->count; i++)
		most += c->ops[i].related_count;
	struct workspace_person **all = xmalloc((most + 1) * sizeof *all);
	for (size_t i = 0; i < c->count; i++) {
		const struct op *op = &c->ops[i];
		gather(all, &n, op->person);
		gather(all, &n, op->other);
		gather(all, &n, op->object);
		for (size_t k = 0; k < op->related_count; k++)
			gather(all, &n, op->related[k]);
	}
	if (n > 1)
		qsort(all, n, sizeof *all, by_address);
	for (size_t i = 0; i < n; i++)
		if (c->people_count == 0 || all[c->people_count - 1] != all[i])
			all[c->people_count++] = all[i];
	c->people = all;
}

static void call_parse(struct workspace_call *c, const char *body, size_t len)
{
	if (c->route == ROUTE_BATCH && len > BATCH_MAX)
		workspace_refuse(c, 413, "batch", "request is larger than 500kb");
	else if (c->route == ROUTE_ENTITY && len > OPERATION_MAX)
		workspace_refuse(c, 400, "", "request is larger than 32kb");
	if (c->status || !routes[c->route].body)
		return;
	c->root = parse_json(body, len);
	if (!json_is_object(c->root))
		workspace_refuse(c, 400, "", c->root ? "body is not an object" : "malformed json");
}

struct workspace_call *workspace_read(struct workspace *w, const char *method, const char *path,
    const char *body, size_t len)
{
	struct workspace_call *c = xcalloc(1, sizeof *c);

	call_route(c, method, path);
	if (c->status == 0)
		call_parse(c, body, len);
	if (c->status || c->route == ROUTE_REGION)
		return c;
	if (c->route == ROUTE_BATCH)
		read_batch(w, c, body, len);
	else if (c->route == ROUTE_ENTITY)
		read_v2(w, c, c->root, body, len);
	else if (c->route < ROUTE_ENTITY)
		read_v1(w, c, body, len);
	else if (c->route <= ROUTE_SEGMENT_REMOVE)
		segments_read(w, c);
	else if (c->route == ROUTE_SEND || c->route == ROUTE_TRIGGER)
		messages_read(w, c, len);
	else
		app_read(w, c);
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
	for (size_t i = 0; i < c->count; i++)
		free(c->ops[i].related);
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
