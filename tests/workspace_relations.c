/* Objects, and which people belong to which. A relationship is kept on both sides: with the object,
 * which has its attributes, and with the person. */
#include "workspace_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OBJECT_ID_MAX 150

struct object_alias {
	struct workspace_entry entry; /* by cio_object_id */
	struct workspace_person *object;
};

static void object_key(struct buf *key, const char *type_id, const char *object_id)
{
	buf_init(key, BUF_UNBOUNDED);
	buf_fmt(key, "%s/%s", type_id, object_id);
}

/* From its table's hash of the key: the same object has the same one in every run. */
static void cio_object_id(const struct workspace_person *o, char text[24])
{
	snprintf(text, 24, "ob%016" PRIx64, o->entry.hash);
}

struct workspace_person *workspace_object_named(struct workspace *w, const char *type_id,
    const char *object_id)
{
	struct buf key;
	char id[24];

	object_key(&key, type_id, object_id);
	struct workspace_person *o = table_get(&w->objects, key.data, key.len, sizeof *o);
	buf_free(&key);
	cio_object_id(o, id);
	struct object_alias *alias = table_get(&w->cio_objects, id, strlen(id), sizeof *alias);
	alias->object = o;
	return o;
}

static struct workspace_person *object_find(struct workspace *w, const char *type_id,
    const char *object_id)
{
	struct buf key;

	object_key(&key, type_id, object_id);
	struct workspace_person *o = table_find(&w->objects, key.data, key.len);
	buf_free(&key);
	return o;
}

json_t *workspace_object(struct workspace *w, const char *type_id, const char *object_id)
{
	struct workspace_person *o = object_find(w, type_id, object_id);

	if (!o || !o->exists)
		return NULL;
	if (!o->attributes)
		o->attributes = json_object();
	return o->attributes;
}

const char *workspace_cio_object_id(struct workspace *w, const char *type_id, const char *object_id)
{
	const struct workspace_person *o = object_find(w, type_id, object_id);
	char id[24];

	if (!o)
		return NULL;
	cio_object_id(o, id);
	const struct object_alias *alias = table_find(&w->cio_objects, id, strlen(id));
	return alias->entry.key;
}

json_t *workspace_relation(struct workspace *w, const char *identifier, const char *type_id,
    const char *object_id)
{
	const struct workspace_person *o = object_find(w, type_id, object_id),
	                              *p = workspace_person(w, identifier, strlen(identifier));

	return o && p ? json_object_getn(o->relations, p->entry.key, p->entry.len) : NULL;
}

/* --- reading --- */

/* An object by its identifiers, or NULL with the fault set. A cio_object_id that is not known
 * names nothing: it cannot make an object. */
static struct workspace_person *object_in(struct workspace *w, struct op *op,
    const json_t *identifiers)
{
	const char *type_id = json_string_value(json_object_get(identifiers, "object_type_id"));
	const char *object_id = json_string_value(json_object_get(identifiers, "object_id"));
	const char *cio_id = json_string_value(json_object_get(identifiers, "cio_object_id"));

	if (cio_id && !type_id && !object_id) {
		const struct object_alias *alias = table_find(&w->cio_objects, cio_id,
		    strlen(cio_id));
		if (alias)
			return alias->object;
		op_fault(op, "invalid", "identifiers", "cio_object_id is not known");
	} else if (!type_id || !*type_id || !object_id || !*object_id) {
		op_fault(op, "required", "identifiers",
		    "object_type_id and object_id are required");
	} else if (strlen(object_id) > OBJECT_ID_MAX) {
		op_fault(op, "invalid", "identifiers", "object_id is longer than 150 bytes");
	} else {
		return workspace_object_named(w, type_id, object_id);
	}
	return NULL;
}

void object_read(struct workspace *w, struct op *op, const json_t *identifiers)
{
	op->object = object_in(w, op, identifiers);
}

void relations_read(struct workspace *w, struct op *op, const json_t *list)
{
	const json_t *one;
	size_t i;

	if (!json_is_array(list)) {
		op_fault(op, "invalid", "cio_relationships", "cio_relationships is not a list");
		return;
	}
	op->relations = list;
	op->related = xcalloc(json_array_size(list) + 1, sizeof(struct workspace_person *));
	json_array_foreach(list, i, one)
	{
		const json_t *identifiers = json_object_get(one, "identifiers"),
		             *attributes = json_object_get(one, "relationship_attributes");
		struct workspace_person *r = op->object ? workspace_person_by(w, identifiers) :
		                                          object_in(w, op, identifiers);
		if (!r)
			op_fault(op, "required", "cio_relationships",
			    "a relationship must name a person by id, email or cio_id");
		else
			op->related[op->related_count++] = r;
		if (attributes && !json_is_object(attributes))
			op_fault(op, "invalid", "cio_relationships",
			    "relationship_attributes is not an object");
	}
}

/* --- doing --- */

static void object_create(struct workspace *w, struct workspace_person *o)
{
	w->totals.objects += !o->exists;
	o->exists = true;
}

static void unrelate(struct workspace *w, struct workspace_person *o, struct workspace_person *p)
{
	if (json_object_deln(o->relations, p->entry.key, p->entry.len) == 0)
		w->totals.relations--;
	json_object_deln(p->relations, o->entry.key, o->entry.len);
}

static void relate(struct workspace *w, struct workspace_person *o, struct workspace_person *p,
    const json_t *attributes)
{
	json_t *there = json_object_getn(o->relations, p->entry.key, p->entry.len);

	object_create(w, o);
	person_create(w, p);
	if (!o->relations)
		o->relations = json_object();
	if (!p->relations)
		p->relations = json_object();
	if (!there) {
		w->totals.relations++;
		there = json_object();
		json_object_setn_new(o->relations, p->entry.key, p->entry.len, there);
	}
	merge_attributes(&there, attributes);
	json_object_setn_new(p->relations, o->entry.key, o->entry.len, json_true());
}

void relations_do(struct workspace *w, const struct op *op)
{
	for (size_t i = 0; i < op->related_count; i++) {
		struct workspace_person *o = op->object ? op->object : op->related[i],
		                        *p = op->object ? op->related[i] : op->person;
		const json_t *attributes = json_object_get(json_array_get(op->relations, i),
		    "relationship_attributes");
		if (op->unrelates)
			unrelate(w, o, p);
		else if (!p->suppressed)
			relate(w, o, p, attributes);
	}
}

void relations_forget(struct workspace *w, struct workspace_person *p)
{
	const char *key;
	void *next;
	json_t *value;

	json_object_foreach_safe(p->relations, next, key, value)
	{
		struct workspace_person *o = table_find(&w->objects, key, strlen(key));
		if (o)
			unrelate(w, o, p);
	}
}

static void object_remove(struct workspace *w, struct workspace_person *o)
{
	const char *key;
	void *next;
	json_t *value;

	json_object_foreach_safe(o->relations, next, key, value)
	{
		struct workspace_person *p = workspace_person(w, key, strlen(key));
		if (p)
			unrelate(w, o, p);
	}
	w->totals.objects -= o->exists;
	o->exists = false;
	json_decref(o->attributes);
	o->attributes = NULL;
}

void object_do(struct workspace *w, const struct op *op)
{
	switch (op->verb) {
	case VERB_IDENTIFY:
	case VERB_IDENTIFY_ANONYMOUS:
		object_create(w, op->object);
		merge_attributes(&op->object->attributes, op->what);
		relations_do(w, op);
		break;
	case VERB_DELETE:
		object_remove(w, op->object);
		break;
	case VERB_ADD_RELATIONSHIPS:
	case VERB_DELETE_RELATIONSHIPS:
		relations_do(w, op);
		break;
	default:
		break;
	}
}
