#include "operation.h"

#include <stdlib.h>
#include "field.h"
#include "log.h"
#include "operation_parts.h"

/* Empties what a previous record left, keeping the storage. */
static void reset(struct operation *op, const struct origin *from)
{
	op->from = *from;
	op->id = op->path = op->body = "";
	op->id_len = op->path_len = op->body_len = 0;
	op->raw_hash = operation_hash(from);
	op->keys[0] = op->keys[1] = 0;
	op->fingerprint = 0;
	op->id_type = ID_ID;
	op->key_count = 0;
	op->method = METHOD_POST;
	buf_reset(&op->bytes);
}

void operation_raw(const struct origin *from, struct operation *op)
{
	reset(op, from);
	if (from->raw_len)
		buf_add(&op->bytes, from->raw, from->raw_len);
	op->from.raw = op->bytes.data ? op->bytes.data : "";
	op->from.raw_len = op->bytes.len;
}

/* The bytes that an operation without escapes comes to, or a little more. */
static size_t likely_size(const struct origin *from, const struct mapped *m)
{
	size_t n = from->raw_len + 160;

	for (size_t i = 0; i < m->count; i++)
		n += m->fields[i].key_len + m->fields[i].value_len + 4;
	return m->id ? n + 2 * m->id->value_len : n;
}

/* The action: the record's own, or the run's. */
static int choose_action(struct build *b)
{
	const struct field *own = b->m->action;
	struct text name;

	b->op->action = b->config->action;
	if (!own)
		return 0;
	if (part_text(b, own, "an action", &name) != 0)
		return -1;
	if (action_parse(name.s, name.n, &b->op->action) != 0)
		return field_refuse(own, "an action", b->why);
	return 0;
}

static void find_roles(struct build *b)
{
	for (size_t i = 0; i < b->m->count; i++)
		b->roles[b->m->fields[i].role] = &b->m->fields[i];
}

static int make(struct build *b)
{
	if (choose_action(b) != 0)
		return -1;
	if (b->op->action != ACTION_IDENTIFY)
		find_roles(b);
	if (action_needs_person(b->op->action)) {
		if (!b->m->id)
			return reason_set(b->why, "the record names nobody: its identifying field is missing");
		if (part_person(b, b->m->id, b->m->id_type, &b->person) != 0)
			return -1;
		b->op->id_type = b->person.type;
		part_head(b, b->person.text);
		part_key(b, &b->person);
	}
	return b->config->v2 ? operation_v2(b) : operation_v1(b);
}

/* Now that the bytes are where they stay: what points into them. */
static void point(struct build *b, bool built)
{
	struct operation *op = b->op;
	const char *data = op->bytes.data;

	op->from.raw = data ? data : "";
	if (op->bytes.over) {	/* nothing is sure to be whole but what comes first */
		op->id_len = 0;
		op->from.raw_len = op->bytes.len < op->from.raw_len ? 0 : op->from.raw_len;
	}
	if (op->id_len)
		op->id = data + b->id_at;
	if (!built) {
		op->path_len = 0;
		return;
	}
	op->path = data + b->path_at;
	if (!b->has_body)
		return;
	op->body = data + b->body_at;
	op->body_len = op->bytes.len - 1 - b->body_at;
}

int operation_build(const struct operation_config *config, const struct origin *from,
    const struct mapped *m, struct operation *op, struct reason *why)
{
	struct scratch scratch;
	struct build b = { .config = config, .m = m, .op = op, .why = why, .scratch = &scratch };

	scratch.used = scratch.large_count = 0;
	reset(op, from);
	writer_open(&b.w, &op->bytes, likely_size(from, m));
	writer_add(&b.w, from->raw, from->raw_len);

	int result = make(&b);
	writer_byte(&b.w, '\0');
	writer_close(&b.w);
	if (result == 0 && op->bytes.over)
		result = reason_set(why, "the record is too long to be sent");
	point(&b, result == 0);
	if (result == 0 && config->fingerprints)
		op->fingerprint = hash_fingerprint(&b);
	while (scratch.large_count > 0)
		free(scratch.large[--scratch.large_count]);
	return result;
}

void operation_print(const struct operation *op, struct buf *out)
{
	bool batch = op->path_len == 0;

	buf_byte(out, '{');
	if (op->from.number)
		buf_fmt(out, "\"record\":%llu,", (unsigned long long)op->from.number);
	buf_fmt(out, "\"method\":\"%s\",\"path\":", method_name(op->method));
	if (batch)
		buf_str(out, "\"/api/v2/batch\"");
	else
		buf_json(out, op->path, op->path_len);
	buf_str(out, ",\"body\":");
	if (op->body_len)
		buf_add(out, op->body, op->body_len);
	else
		buf_str(out, "null");
	buf_str(out, "}\n");
}
