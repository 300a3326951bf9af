/* A record that is a v2 operation already is sent as it is; only whom it is about is looked up. */
#include "operation/operation_parts.h"

#include <string.h>
#include "operation/field.h"
#include "base/log.h"
#include "input/record.h"
#include "operation/value.h"

/* The member of that name as text; false where there is none, or none that is a text or a
 * number. */
static bool member_text(struct build *b, const struct field *object, const char *name,
    struct text *out)
{
	struct field member = { .name = name,
		.name_len = (uint32_t)strlen(name),
		.kind = FIELD_JSON };
	struct reason ignored, *why = b->why;

	if (object->kind != FIELD_JSON ||
	    !value_member(object->value, object->value_len, name, &member.value, &member.value_len))
		return false;
	b->why = &ignored;
	bool found = part_text(b, &member, "", out) == 0 && out->n > 0;
	b->why = why;
	return found;
}

/* A person's identifiers: its key, and its text. What is wrong with them is the server's to say. */
static void about_person(struct build *b, const struct field *object, struct text *id)
{
	for (int t = 0; t < ID_TYPE_COUNT; t++) {
		struct person p = { .type = (enum id_type)t };
		if (!member_text(b, object, id_type_names[t], &p.text))
			continue;
		if (id->n == 0)
			*id = p.text;
		p.text = part_bare(p.type, p.text);
		part_key(b, &p);
		return;
	}
}

/* An object (its type and id, "1/acme"), or a delivery. */
static void about_thing(struct build *b, const struct field *object, struct text *id)
{
	struct text type;

	if (member_text(b, object, "object_id", id) &&
	    member_text(b, object, "object_type_id", &type))
		*id = part_joined(b, type, *id);
	else if (!member_text(b, object, "cio_object_id", id))
		(void)member_text(b, object, "id", id);
	if (id->n) {
		b->op->keys[0] = operation_key(id->s, id->n);
		b->op->key_count = 1;
	}
}

static const struct field *find(const struct mapped *m, const char *name)
{
	for (size_t i = 0; i < m->count; i++)
		if (m->fields[i]->name_len == strlen(name) &&
		    memcmp(m->fields[i]->name, name, strlen(name)) == 0)
			return m->fields[i];
	return NULL;
}

int part_entity(struct build *b, struct text *id)
{
	static const char *const places[] = { "identifiers", "primary", "secondary" };
	const struct field *type = find(b->m, "type");
	struct text name;

	*id = (struct text){ "", 0 };
	if (field_is_empty(type))
		return reason_set(b->why,
		    "an entity needs a field `type`: person, object or delivery");
	if (part_text(b, type, "a type: person, object or delivery", &name) != 0)
		return -1;
	for (size_t i = 0; i < sizeof places / sizeof *places && b->op->key_count < 2; i++) {
		const struct field *object = find(b->m, places[i]);
		if (!object)
			continue;
		if (name.n == 6 && memcmp(name.s, "person", 6) == 0)
			about_person(b, object, id);
		else if (i == 0)
			about_thing(b, object, id);
	}
	if (b->op->key_count == 2 && b->op->keys[0] == b->op->keys[1])
		b->op->key_count = 1;
	return 0;
}
