/* The Track API's version 2: a type, an action and identifiers for each action. */
#include "operation/operation_parts.h"

#include <string.h>
#include "operation/field.h"
#include "base/log.h"
#include "input/record.h"
#include "operation/value.h"

/* {"type":"person","identifiers":{...} */
static void put_person(struct build *b)
{
	writer_lit(&b->w, "{\"type\":\"person\",\"identifiers\":");
	part_identifier(b, &b->person);
}

/* The same, the action, and what follows it, a literal. */
#define put_action_and(b, action, rest) \
	do { \
		put_person(b); \
		writer_lit(&(b)->w, ",\"action\":\"" action "\"" rest); \
	} while (0)
#define put_action(b, action) put_action_and(b, action, "")

/* Two of v1's attributes are the operation's own members here. */
static bool is_member(const struct field *f)
{
	return f->role == ROLE_STAMP || f->role == ROLE_RELATIONSHIPS;
}

static int put_stamp(struct build *b, const struct field *f)
{
	int64_t seconds;
	bool there;

	if (part_moment(b, f, &there, &seconds) != 0)
		return -1;
	if (!there)
		return 0;
	writer_lit(&b->w, ",\"timestamp\":");
	writer_num(&b->w, seconds);
	return 0;
}

/* A list here; v1 has it as {"action":"add_relationships","relationships":[...]}. */
static int put_relationships(struct build *b, const struct field *f)
{
	static const char add[] = "\"add_relationships\"";
	const char *list = f->value, *action;
	size_t n = f->value_len, action_len;

	if (field_is_empty(f))
		return 0;
	if (f->kind == FIELD_JSON && value_type(list) == VALUE_OBJECT &&
	    value_member(f->value, f->value_len, "action", &action, &action_len) &&
	    action_len == sizeof add - 1 && memcmp(action, add, sizeof add - 1) == 0 &&
	    !value_member(f->value, f->value_len, "relationships", &list, &n))
		list = f->value;
	if (f->kind != FIELD_JSON || value_type(list) != VALUE_ARRAY)
		return field_refuse(f,
		    "a list of relationships to add (to delete some, send an entity)", b->why);
	writer_lit(&b->w, ",\"cio_relationships\":");
	writer_add(&b->w, list, n);
	return 0;
}

static int identify(struct build *b)
{
	put_action_and(b, "identify", ",\"attributes\":");
	if (part_attributes(b) != 0)
		return -1;
	for (size_t i = 0; b->m->special && i < b->m->count; i++) {
		const struct field *f = b->m->fields[i];
		if (f == b->m->id || !is_member(f))
			continue;
		if ((f->role == ROLE_STAMP ? put_stamp(b, f) : put_relationships(b, f)) != 0)
			return -1;
	}
	writer_byte(&b->w, '}');
	return 0;
}

static int event(struct build *b)
{
	struct event e;

	if (part_event(b, &e) != 0)
		return -1;
	if (b->op->action == ACTION_PAGE)
		put_action_and(b, "page", ",");
	else if (b->op->action == ACTION_SCREEN)
		put_action_and(b, "screen", ",");
	else
		put_action_and(b, "event", ",");
	return part_event_body(b, &e, NULL, "attributes");
}

static int device(struct build *b, bool whole)
{
	struct device d;

	if (part_device(b, &d, whole) != 0)
		return -1;
	if (whole)
		put_action_and(b, "add_device", ",\"device\":");
	else
		put_action_and(b, "delete_device", ",\"device\":");
	part_device_body(b, &d, "token");
	writer_byte(&b->w, '}');
	return 0;
}

static int merge(struct build *b)
{
	struct person primary, secondary;

	if (part_merge(b, &primary, &secondary) != 0)
		return -1;
	part_head(b, primary.text);
	part_path_end(b);
	writer_lit(&b->w, "{\"type\":\"person\",\"action\":\"merge\",\"primary\":");
	part_identifier(b, &primary);
	writer_lit(&b->w, ",\"secondary\":");
	part_identifier(b, &secondary);
	writer_byte(&b->w, '}');
	return 0;
}

static int entity(struct build *b)
{
	struct text id;

	if (part_entity(b, &id) != 0)
		return -1;
	part_head(b, id);
	part_path_end(b);
	part_fields(b);
	return 0;
}

static int make(struct build *b)
{
	switch (b->op->action) {
	case ACTION_IDENTIFY:
		return identify(b);
	case ACTION_TRACK:
	case ACTION_PAGE:
	case ACTION_SCREEN:
		return event(b);
	case ACTION_DELETE:
		put_action(b, "delete");
		break;
	case ACTION_SUPPRESS:
		put_action(b, "suppress");
		break;
	case ACTION_UNSUPPRESS:
		put_action(b, "unsuppress");
		break;
	case ACTION_MERGE:
		return merge(b);
	case ACTION_ADD_DEVICE:
		return device(b, true);
	case ACTION_DELETE_DEVICE:
		return device(b, false);
	case ACTION_ENTITY:
		return entity(b);
	case ACTION_OBJECT:
	case ACTION_DELETE_OBJECT:
	case ACTION_RELATE:
	case ACTION_UNRELATE:
		return operation_object(b, "");
	default:
		return reason_set(b->why,
		    "track-anonymous cannot be in a batch: send it without --batch");
	}
	writer_byte(&b->w, '}');
	return 0;
}

int operation_v2(struct build *b)
{
	b->op->method = METHOD_POST;
	b->has_body = true;
	if (action_needs_person(b->op->action) && !action_is_object(b->op->action))
		part_path_end(b);
	if (make(b) != 0)
		return -1;
	size_t n = writer_at(&b->w) - b->body_at;
	if (n > OPERATION_MAX) /* the API's own size, whatever --no-limits says */
		return field_over("the operation", n, "bytes", OPERATION_MAX, b->why);
	return 0;
}
