/* The Track API's version 1: a method, a path and a body for each action. */
#include "operation/operation_parts.h"

#include <string.h>
#include "operation/field.h"
#include "base/log.h"
#include "input/record.h"

static bool is_dots(struct text t)
{
	return (t.n == 1 || t.n == 2) && memcmp(t.s, "..", t.n) == 0;
}

/* /api/v1/customers/{identifier}. The API takes an identifier's type from its shape here. */
static int put_person(struct build *b)
{
	const struct person *p = &b->person;

	if (p->type == ID_PHONE)
		return field_complain(b->m->id,
		    "names nobody here: people are found by phone with --batch only", b->why);
	if (p->type != ID_CIO_ID && is_dots(p->text))
		return field_refuse(b->m->id, "an identifier that can stand in a path", b->why);
	writer_lit(&b->w, "/api/v1/customers/");
	if (p->type == ID_CIO_ID)
		writer_lit(&b->w, "cio_");
	writer_percent(&b->w, p->text.s, p->text.n);
	return 0;
}

static int identify(struct build *b)
{
	b->op->method = METHOD_PUT;
	if (put_person(b) != 0)
		return -1;
	part_path_end(b);
	b->has_body = true;
	return part_attributes(b);
}

static int event(struct build *b, const char *type)
{
	struct event e;

	b->op->method = METHOD_POST;
	if (part_event(b, &e) != 0)
		return -1;
	if (b->op->action == ACTION_TRACK_ANONYMOUS) {
		part_head(b, e.anonymous);
		if (e.anonymous.n) {
			b->op->keys[0] = operation_key(e.anonymous.s, e.anonymous.n);
			b->op->key_count = 1;
		}
		writer_lit(&b->w, "/api/v1/events");
	} else {
		if (put_person(b) != 0)
			return -1;
		writer_lit(&b->w, "/events");
	}
	part_path_end(b);
	b->has_body = true;
	writer_byte(&b->w, '{');
	return part_event_body(b, &e, type, "data");
}

/* A request that says it all in its path. */
static int bare(struct build *b, enum method method, const char *ending)
{
	b->op->method = method;
	if (put_person(b) != 0)
		return -1;
	writer_add(&b->w, ending, strlen(ending));
	part_path_end(b);
	return 0;
}

static int merge(struct build *b)
{
	struct person primary, secondary;

	b->op->method = METHOD_POST;
	if (part_merge(b, &primary, &secondary) != 0)
		return -1;
	part_head(b, primary.text);
	writer_lit(&b->w, "/api/v1/merge_customers");
	part_path_end(b);
	b->has_body = true;
	writer_lit(&b->w, "{\"primary\":");
	part_identifier(b, &primary);
	writer_lit(&b->w, ",\"secondary\":");
	part_identifier(b, &secondary);
	writer_byte(&b->w, '}');
	return 0;
}

static int add_device(struct build *b)
{
	struct device d;

	b->op->method = METHOD_PUT;
	if (part_device(b, &d, true) != 0 || put_person(b) != 0)
		return -1;
	writer_lit(&b->w, "/devices");
	part_path_end(b);
	b->has_body = true;
	writer_lit(&b->w, "{\"device\":");
	part_device_body(b, &d, "id");
	writer_byte(&b->w, '}');
	return 0;
}

static int delete_device(struct build *b)
{
	struct device d;

	b->op->method = METHOD_DELETE;
	if (part_device(b, &d, false) != 0 || put_person(b) != 0)
		return -1;
	if (is_dots(d.id))
		return field_refuse(b->roles[ROLE_DEVICE_ID],
		    "a device's id that can stand in a path", b->why);
	writer_lit(&b->w, "/devices/");
	writer_percent(&b->w, d.id.s, d.id.n);
	part_path_end(b);
	return 0;
}

static int check_size(struct build *b)
{
	size_t n = writer_at(&b->w) - b->body_at;

	if (n > OPERATION_MAX && !b->config->no_limits)
		return field_over("the operation", n, "bytes", OPERATION_MAX, b->why);
	return 0;
}

static int entity(struct build *b)
{
	struct text id;

	b->op->method = METHOD_POST;
	if (part_entity(b, &id) != 0)
		return -1;
	part_head(b, id);
	writer_lit(&b->w, "/api/v2/entity");
	part_path_end(b);
	b->has_body = true;
	part_fields(b);
	return check_size(b);
}

/* These are operations of version 2 here too. */
static int object(struct build *b)
{
	b->op->method = METHOD_POST;
	if (operation_object(b, "/api/v2/entity") != 0)
		return -1;
	return check_size(b);
}

int operation_v1(struct build *b)
{
	switch (b->op->action) {
	case ACTION_IDENTIFY:
		return identify(b);
	case ACTION_TRACK:
	case ACTION_TRACK_ANONYMOUS:
		return event(b, NULL);
	case ACTION_PAGE:
		return event(b, "page");
	case ACTION_SCREEN:
		return event(b, "screen");
	case ACTION_DELETE:
		return bare(b, METHOD_DELETE, "");
	case ACTION_SUPPRESS:
		return bare(b, METHOD_POST, "/suppress");
	case ACTION_UNSUPPRESS:
		return bare(b, METHOD_POST, "/unsuppress");
	case ACTION_MERGE:
		return merge(b);
	case ACTION_ADD_DEVICE:
		return add_device(b);
	case ACTION_DELETE_DEVICE:
		return delete_device(b);
	case ACTION_ENTITY:
		return entity(b);
	case ACTION_OBJECT:
	case ACTION_DELETE_OBJECT:
	case ACTION_RELATE:
	case ACTION_UNRELATE:
		return object(b);
	default:
		break; /* of another API */
	}
	return reason_set(b->why, "no such action");
}
