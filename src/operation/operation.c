/* The frame of an operation: whom it is about, then what the action and the API make of it. */
#include "operation/operation.h"

#include <stdlib.h>
#include <string.h>
#include "operation/api.h"
#include "operation/field.h"
#include "base/reason.h"
#include "base/text.h"
#include "input/json_wrapper.h"
#include "operation/operation_parts.h"

#define USUAL_BYTES 1024u /* room that most operations do with */
#define NAME_SHOWN 60u    /* bytes of a name in a message */

/* What the rooms that it passes through need is theirs. */
static void reset(struct operation *op, const struct origin *from)
{
	op->from = *from;
	op->id = op->path = op->body = op->kept = "";
	op->id_len = op->path_len = op->body_len = op->kept_len = 0;
	op->keys[0] = op->keys[1] = 0;
	op->fingerprint = 0;
	op->intended = false;
	op->id_type = ID_ID;
	op->key_count = 0;
	op->method = METHOD_POST;
	op->event_id = EVENT_ID_NONE;
}

void operation_raw(const struct origin *from, enum action action, struct operation *op)
{
	reset(op, from);
	op->action = action;
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
	if (api_for(b->op->action, b->config->v2) == api_for(b->config->action, b->config->v2))
		return 0;
	return reason_set(b->why,
	    "%s goes to another API than %s: give it a run of its own, with --action=%s",
	    action_name(b->op->action), action_name(b->config->action), action_name(b->op->action));
}

static void find_roles(struct build *b)
{
	memset(b->roles, 0, sizeof *b->roles * ROLE_COUNT);
	for (size_t i = 0; i < b->m->count; i++)
		b->roles[b->m->fields[i]->role] = b->m->fields[i];
}

/* The record has no identifying field; perhaps one that is nearly called so. */
static int refuse_nobody(struct build *b)
{
	const struct mapped *m = b->m;

	for (size_t i = 0; i < m->count; i++) {
		const struct field *f = m->fields[i];
		enum id_type near = id_type_near(f->name, f->name_len);
		if (near == ID_TYPE_COUNT || (near == ID_PHONE && !b->config->v2) ||
		    (strlen(id_type_names[near]) == f->name_len &&
		        memcmp(id_type_names[near], f->name, f->name_len) == 0))
			continue;
		struct buf name = { .max = REASON_MAX };
		text_safe(&name, f->name, f->name_len, NAME_SHOWN);
		reason_set(b->why,
		    "the record names nobody: its \"%.*s\" is not \"%s\": say --map if it is that",
		    (int)name.len, name.data, id_type_names[near]);
		buf_free(&name);
		return -1;
	}
	reason_set(b->why, "the record names nobody: its identifying field is missing");
	for (size_t i = 0; i < m->count; i++) {
		const struct field *f = m->fields[i];
		if (f->kind == FIELD_JSON &&
		    json_wrapper_explain(f->name, f->name_len, f->value, f->value_len, b->why))
			break;
	}
	return -1;
}

static int make(struct build *b)
{
	if (choose_action(b) != 0)
		return -1;
	if (b->op->action != ACTION_IDENTIFY)
		find_roles(b);
	if (action_needs_person(b->op->action)) {
		if (!b->m->id)
			return refuse_nobody(b);
		if (part_person(b, b->m->id, b->m->id_type, &b->person) != 0)
			return -1;
		b->op->id_type = b->person.type;
		part_head(b, b->person.text);
		part_key(b, &b->person);
	}
	return api_for(b->op->action, b->config->v2)->make(b);
}

/* Now that the bytes are where they stay: what points into them. */
static void point(struct build *b, bool built)
{
	struct operation *op = b->op;
	const struct buf *bytes = b->w.b;
	const char *data = bytes->data;

	if (bytes->over)
		op->id_len = 0; /* nothing is sure to be whole */
	if (op->id_len)
		op->id = data + b->id_at;
	if (!built) {
		op->path_len = 0;
		return;
	}
	op->path = data + b->path_at;
	if (!b->has_body)
		return;
	size_t end = bytes->len - 1;
	if (b->kept_at) {
		op->kept = data + b->kept_at;
		op->kept_len = end - b->kept_at;
		end = b->kept_at;
	}
	op->body = data + b->body_at;
	op->body_len = end - b->body_at;
}

int operation_build(const struct operation_config *config, const struct origin *from,
    const struct mapped *m, struct buf *bytes, struct operation *op, struct reason *why)
{
	struct scratch scratch;
	struct build b = { .config = config,
		.m = m,
		.op = op,
		.why = why,
		.scratch = &scratch,
		.roles = scratch.roles };

	scratch.used = scratch.large_count = 0;
	reset(op, from);
	buf_reset(bytes);
	writer_open(&b.w, bytes, USUAL_BYTES);

	int result = make(&b);
	writer_byte(&b.w, '\0');
	writer_close(&b.w);
	if (result == 0 && bytes->over)
		result = reason_set(why, "the record is too long to be sent");
	point(&b, result == 0);
	if (result == 0 && config->fingerprints)
		op->fingerprint = hash_fingerprint(&b);
	while (scratch.large_count > 0)
		free(scratch.large[--scratch.large_count]);
	return result;
}

size_t operation_head_size(const struct operation *op)
{
	return op->from.raw_len + op->id_len + 1 + op->kept_len;
}

size_t operation_rest_size(const struct operation *op)
{
	return op->path_len + 1 + op->body_len;
}

void operation_move_head(struct operation *op, char *to)
{
	memcpy(to, op->from.raw, op->from.raw_len);
	op->from.raw = to;
	to += op->from.raw_len;
	memcpy(to, op->id, op->id_len);
	to[op->id_len] = '\0';
	op->id = to;
	if (op->kept_len == 0)
		return;
	to += op->id_len + 1;
	memcpy(to, op->kept, op->kept_len);
	op->kept = to;
}

void operation_move_rest(struct operation *op, char *to)
{
	memcpy(to, op->path, op->path_len);
	to[op->path_len] = '\0';
	op->path = to;
	to += op->path_len + 1;
	memcpy(to, op->body, op->body_len);
	op->body = to;
}

#define METHOD_MEMBER(name) \
	[METHOD_##name] = { "\"method\":\"" #name "\",\"path\":", \
		sizeof("\"method\":\"" #name "\",\"path\":") - 1 }

void operation_print(const struct operation *op, const struct api *api, struct buf *out)
{
	static const struct text methods[] = {
		METHOD_MEMBER(PUT),
		METHOD_MEMBER(POST),
		METHOD_MEMBER(DELETE),
		METHOD_MEMBER(GET),
	};
	/* of what has a path of its own and is packed all the same, a request of one */
	const struct envelope *e = op->path_len ? api->envelope : NULL;
	const struct api_host *host = api->host;
	struct writer w;

	writer_open(&w, out, op->path_len + op->body_len + 100);
	writer_byte(&w, '{');
	if (op->from.number) {
		writer_lit(&w, "\"record\":");
		writer_num(&w, (int64_t)op->from.number);
		writer_byte(&w, ',');
	}
	if (host->label) {
		writer_lit(&w, "\"api\":");
		writer_text(&w, host->label, strlen(host->label));
		writer_byte(&w, ',');
	}
	writer_add(&w, methods[op->method].s, methods[op->method].n);
	if (op->path_len == 0)
		writer_lit(&w, "\"/api/v2/batch\"");
	else
		writer_text(&w, op->path, op->path_len);
	writer_lit(&w, ",\"body\":");
	if (e)
		writer_add(&w, e->opening, e->opening_len);
	if (op->body_len)
		writer_add(&w, op->body, op->body_len);
	else
		writer_lit(&w, "null");
	if (e)
		writer_add(&w, e->closing, e->closing_len);
	writer_lit(&w, "}\n");
	writer_close(&w);
}
