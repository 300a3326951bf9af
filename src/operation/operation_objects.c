/* Objects (companies, courses, ...) and who belongs to them: operations of version 2, alone or in a
 * batch. */
#include "operation/operation_parts.h"

#include <string.h>
#include "operation/field.h"
#include "base/reason.h"
#include "input/record.h"

struct object {
	struct text type, id;
	bool by_cio_id; /* then `id` is Customer.io's own, and there is no type */
};

static int object_type(struct build *b, struct text *out)
{
	const struct field *f = b->roles[ROLE_OBJECT_TYPE];

	if (b->config->object_type) {
		*out = (struct text){ b->config->object_type, strlen(b->config->object_type) };
		return 0;
	}
	if (field_is_empty(f))
		return reason_set(b->why,
		    "the object has no type: give it a field object_type_id, or use --object-type");
	return part_id(b, f, "an object's type", out);
}

static int read_object(struct build *b, struct object *o)
{
	const struct field *id = b->roles[ROLE_OBJECT_ID], *cio_id = b->roles[ROLE_CIO_OBJECT_ID];

	*o = (struct object){ .by_cio_id = field_is_empty(id) };
	if (!o->by_cio_id)
		return object_type(b, &o->type) != 0 ? -1 :
		                                       part_id(b, id, "an object's id", &o->id);
	if (field_is_empty(cio_id))
		return reason_set(b->why,
		    "the object has no id: the field object_id (or cio_object_id) is missing or "
		    "empty");
	return part_id(b, cio_id, "an object's id", &o->id);
}

/* What it is called, and the key of its lane: "1/acme". */
static struct text object_name(struct build *b, const struct object *o)
{
	struct text name = o->by_cio_id ? o->id : part_joined(b, o->type, o->id);
	uint64_t key = operation_key(name.s, name.n);

	if (b->op->key_count == 0 || b->op->keys[0] != key)
		b->op->keys[b->op->key_count++] = key;
	return name;
}

static void put_identifiers(struct build *b, const struct object *o)
{
	struct writer *w = &b->w;

	if (o->by_cio_id) {
		writer_lit(w, "{\"cio_object_id\":");
	} else {
		writer_lit(w, "{\"object_type_id\":");
		writer_text(w, o->type.s, o->type.n);
		writer_lit(w, ",\"object_id\":");
	}
	writer_text(w, o->id.s, o->id.n);
	writer_byte(w, '}');
}

/* The other fields: attributes, of the object or of the relationship. */
static bool is_rest(const struct build *b, const struct field *f)
{
	if (f == b->m->id)
		return !action_needs_person(b->op->action) && !b->m->id_dropped;
	return f->role != ROLE_OBJECT_TYPE && f->role != ROLE_OBJECT_ID &&
	    f->role != ROLE_CIO_OBJECT_ID;
}

static bool has_rest(const struct build *b)
{
	for (size_t i = 0; i < b->m->count; i++)
		if (is_rest(b, b->m->fields[i]))
			return true;
	return false;
}

/* {"type":"object","identifiers":{...},"action":"identify","attributes":{...}} */
static int object(struct build *b, const struct object *o, bool whole)
{
	writer_lit(&b->w, "{\"type\":\"object\",\"identifiers\":");
	put_identifiers(b, o);
	if (whole) {
		writer_lit(&b->w, ",\"action\":\"identify\",\"attributes\":");
		if (part_rest(b, is_rest) != 0)
			return -1;
	} else {
		writer_lit(&b->w, ",\"action\":\"delete\"");
	}
	writer_byte(&b->w, '}');
	return 0;
}

/* A person's, to one object. */
static int relationship(struct build *b, const struct object *o, bool there)
{
	writer_lit(&b->w, "{\"type\":\"person\",\"identifiers\":");
	part_identifier(b, &b->person);
	if (there)
		writer_lit(&b->w, ",\"action\":\"add_relationships\"");
	else
		writer_lit(&b->w, ",\"action\":\"delete_relationships\"");
	writer_lit(&b->w, ",\"cio_relationships\":[{\"identifiers\":");
	put_identifiers(b, o);
	if (there && has_rest(b)) {
		writer_lit(&b->w, ",\"relationship_attributes\":");
		if (part_rest(b, is_rest) != 0)
			return -1;
	}
	writer_lit(&b->w, "}]}");
	return 0;
}

int operation_object(struct build *b, const char *path)
{
	enum action action = b->op->action;
	struct object o;

	if (read_object(b, &o) != 0)
		return -1;
	struct text name = object_name(b, &o);
	if (!action_needs_person(action))
		part_head(b, name);
	writer_add(&b->w, path, strlen(path));
	part_path_end(b);
	b->has_body = true;
	return action == ACTION_OBJECT || action == ACTION_DELETE_OBJECT ?
	    object(b, &o, action == ACTION_OBJECT) :
	    relationship(b, &o, action == ACTION_RELATE);
}
