/* A record that is a v2 operation already is sent as it is; only whom it is about is looked up. */
#include "operation/operation_parts.h"

#include <string.h>
#include "operation/field.h"
#include "operation/identifier.h"
#include "base/reason.h"
#include "input/record.h"
#include "operation/value.h"

/*
 * The member of that name as text, where it is an identifier: 1; 0 where there is none, or none
 * that is a text or a number (what is wrong with it then is the server's to say); -1 with *b->why
 * where it is a text that stands for nobody. It is sent as it is, so a number must be an integer
 * already.
 */
static int member_id(struct build *b, const struct field *object, const char *name,
    struct text *out)
{
	struct field member = { .name = name,
		.name_len = (uint32_t)strlen(name),
		.kind = FIELD_JSON };
	size_t n;

	if (object->kind != FIELD_JSON ||
	    !value_member(object->value, object->value_len, name, &member.value, &n))
		return 0;
	member.value_len = n;
	enum value_type type = value_type(member.value);
	if ((type != VALUE_STRING && type != VALUE_NUMBER) || field_is_empty(&member))
		return 0;
	if (part_id(b, &member, "an identifier", out) != 0)
		return -1;
	if (strcmp(name, id_type_names[ID_EMAIL]) == 0 && !identifier_is_email(out->s, out->n))
		return field_refuse(&member, "an email address", b->why);
	if (type == VALUE_NUMBER && (out->n != n || memcmp(out->s, member.value, n) != 0))
		return field_refuse(&member, "an identifier: write it as an integer", b->why);
	return 1;
}

/* A person's identifiers: its key, and its text. */
static int about_person(struct build *b, const struct field *object, struct text *id)
{
	bool known = false;

	for (int t = 0; t < ID_TYPE_COUNT; t++) {
		struct person p = { .type = (enum id_type)t };
		int found = member_id(b, object, id_type_names[t], &p.text);
		if (found < 0)
			return -1;
		if (found == 0)
			continue;
		if (known)
			continue;
		known = true;
		if (id->n == 0)
			*id = p.text;
		p.text = part_bare(p.type, p.text);
		part_key(b, &p);
	}
	return 0;
}

/* An object (its type and id, "1/acme"), or a delivery. */
static int about_thing(struct build *b, const struct field *object, struct text *id)
{
	struct text type = { "", 0 };
	int found = member_id(b, object, "object_id", id);

	if (found > 0)
		found = member_id(b, object, "object_type_id", &type);
	if (found > 0)
		*id = part_joined(b, type, *id);
	if (found == 0)
		found = member_id(b, object, "cio_object_id", id);
	if (found == 0)
		found = member_id(b, object, "id", id);
	if (found < 0)
		return -1;
	if (id->n) {
		b->op->keys[0] = operation_key(id->s, id->n);
		b->op->key_count = 1;
	}
	return 0;
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
		int good = 0;
		if (name.n == 6 && memcmp(name.s, "person", 6) == 0)
			good = about_person(b, object, id);
		else if (i == 0)
			good = about_thing(b, object, id);
		if (good != 0)
			return -1;
	}
	if (b->op->key_count == 2 && b->op->keys[0] == b->op->keys[1])
		b->op->key_count = 1;
	return 0;
}
