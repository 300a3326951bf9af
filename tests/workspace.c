/* What a workspace holds, and what the operations on people do to it. */
#include "workspace_internal.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

/* --- tables of entries by key --- */

static struct workspace_entry **table_slot(const struct table *t, uint64_t hash, const char *key,
    size_t len)
{
	size_t i = hash & (t->cap - 1);

	while (t->slots[i] &&
	    (t->slots[i]->hash != hash || t->slots[i]->len != len ||
	        memcmp(t->slots[i]->key, key, len) != 0))
		i = (i + 1) & (t->cap - 1);
	return &t->slots[i];
}

static void table_grow(struct table *t)
{
	struct table bigger = { .cap = t->cap ? t->cap * 2 : 64, .count = t->count };

	bigger.slots = xcalloc(bigger.cap, sizeof *bigger.slots);
	for (size_t i = 0; i < t->cap; i++)
		if (t->slots[i])
			*table_slot(&bigger, t->slots[i]->hash, t->slots[i]->key,
			    t->slots[i]->len) = t->slots[i];
	free(t->slots);
	*t = bigger;
}

void *table_find(const struct table *t, const char *key, size_t len)
{
	return t->cap ? *table_slot(t, XXH3_64bits(key, len), key, len) : NULL;
}

void *table_get(struct table *t, const char *key, size_t len, size_t size)
{
	if (t->count * 2 >= t->cap)
		table_grow(t);
	uint64_t hash = XXH3_64bits(key, len);
	struct workspace_entry **slot = table_slot(t, hash, key, len);
	if (!*slot) {
		*slot = xcalloc(1, size);
		**slot =
		    (struct workspace_entry){ .hash = hash, .key = xstrndup(key, len), .len = len };
		t->count++;
	}
	return *slot;
}

static void table_free(struct table *t, void (*empty)(struct workspace_entry *e))
{
	for (size_t i = 0; i < t->cap; i++) {
		if (!t->slots[i])
			continue;
		if (empty)
			empty(t->slots[i]);
		free(t->slots[i]->key);
		free(t->slots[i]);
	}
	free(t->slots);
}

/* --- the workspace --- */

struct event_id {
	struct workspace_entry entry;
	unsigned times;
};

static void person_empty(struct workspace_entry *e)
{
	struct workspace_person *p = (struct workspace_person *)e;

	json_decref(p->attributes);
	json_decref(p->devices);
	json_decref(p->relations);
	json_decref(p->history);
	free(p->body);
}

struct workspace *workspace_new(const struct workspace_config *config)
{
	struct workspace *w = xcalloc(1, sizeof *w);

	w->config = *config;
	w->region_url = xstrdup(config->region_url);
	w->segment_list = config->segments ? xstrdup(config->segments) : NULL;
	w->config.region_url = w->config.segments = NULL;
	w->events = json_array();
	w->messages = json_array();
	w->segments = json_object();
	w->esp_suppressed = json_object();
	return w;
}

void workspace_free(struct workspace *w)
{
	if (!w)
		return;
	table_free(&w->people, person_empty);
	table_free(&w->objects, person_empty);
	table_free(&w->cio_objects, NULL);
	table_free(&w->event_ids, NULL);
	table_free(&w->sent, NULL);
	json_decref(w->events);
	json_decref(w->messages);
	json_decref(w->segments);
	json_decref(w->esp_suppressed);
	free(w->region_url);
	free(w->segment_list);
	free(w);
}

/* Addresses are one person's in any case. */
static char *person_key(const char *identifier, size_t len)
{
	char *key = xstrndup(identifier, len);

	if (memchr(key, '@', len))
		for (size_t i = 0; i < len; i++)
			if (key[i] >= 'A' && key[i] <= 'Z')
				key[i] = (char)(key[i] + ('a' - 'A'));
	return key;
}

struct workspace_person *workspace_person(struct workspace *w, const char *identifier, size_t len)
{
	char *key = person_key(identifier, len);
	struct workspace_person *p = table_find(&w->people, key, len);

	free(key);
	return p;
}

struct workspace_person *workspace_person_named(struct workspace *w, const char *identifier,
    size_t len)
{
	char *key = person_key(identifier, len);
	struct workspace_person *p = table_get(&w->people, key, len, sizeof *p);

	free(key);
	return p;
}

json_t *workspace_events(struct workspace *w)
{
	return w->events;
}

unsigned workspace_event_times(struct workspace *w, const char *id)
{
	const struct event_id *e = table_find(&w->event_ids, id, strlen(id));
	return e ? e->times : 0;
}

struct workspace_totals workspace_totals(const struct workspace *w)
{
	return w->totals;
}

void workspace_each(struct workspace *w, void (*visit)(const struct workspace_person *p, void *arg),
    void *arg)
{
	for (size_t i = 0; i < w->people.cap; i++) {
		const struct workspace_person *p =
		    (const struct workspace_person *)w->people.slots[i];
		if (p && p->exists)
			visit(p, arg);
	}
}

/* --- doing what a call says --- */

static bool removes_attribute(const json_t *value)
{
	return json_is_null(value) || (json_is_string(value) && json_string_length(value) == 0);
}

void merge_attributes(json_t **into, const json_t *attributes)
{
	const char *key;
	json_t *value;

	if (!*into)
		*into = json_object();
	json_object_foreach((json_t *)attributes, key, value)
	{
		if (removes_attribute(value))
			json_object_del(*into, key);
		else if (strcmp(key, "_update") != 0 && strcmp(key, "cio_relationships") != 0)
			json_object_set(*into, key, value);
	}
}

static void remember(const struct workspace *w, struct workspace_person *p, const struct op *op)
{
	if (w->config.lean)
		return;
	if (!p->history)
		p->history = json_array();
	json_t *line = json_object();
	json_object_set_new(line, "action", json_string(workspace_verbs[op->verb]));
	if (op->source)
		json_object_update_missing(line, (json_t *)op->source);
	if (op->what)
		json_object_set(line, "attributes", (json_t *)op->what);
	if (op->device)
		json_object_set_new(line, "device", json_string(op->device));
	json_array_append_new(p->history, line);
}

static void person_remove(struct workspace *w, struct workspace_person *p)
{
	if (!p->exists)
		return;
	p->exists = false;
	w->totals.people--;
	json_decref(p->attributes);
	json_decref(p->devices);
	p->attributes = p->devices = NULL;
	relations_forget(w, p);
}

void person_create(struct workspace *w, struct workspace_person *p)
{
	if (!p->exists)
		w->totals.people++;
	p->exists = true;
}

static void do_identify(struct workspace *w, const struct op *op)
{
	struct workspace_person *p = op->person;

	if (json_is_true(json_object_get(op->what, "_update")) && !p->exists)
		return;
	person_create(w, p);
	merge_attributes(&p->attributes, op->what);
	relations_do(w, op);
	if (w->config.lean)
		return;
	free(p->body);
	p->body = xstrndup(op->raw, op->raw_len);
	p->body_len = op->raw_len;
}

static void do_event(struct workspace *w, const struct op *op)
{
	const json_t *id = json_object_get(op->source, "id");

	if (id) {
		struct event_id *seen = table_get(&w->event_ids, json_string_value(id),
		    json_string_length(id), sizeof *seen);
		if (seen->times++ > 0) {
			w->totals.duplicates++;
			return;
		}
	}
	w->totals.events++;
	if (w->config.lean)
		return;
	json_t *event = json_object();
	json_object_set_new(event, "type", json_string(workspace_verbs[op->verb]));
	json_object_set(event, "data",
	    op->what ? (json_t *)op->what : json_object_get(op->source, "data"));
	json_object_update_missing(event, (json_t *)op->source);
	json_object_del(event, "attributes");
	if (op->person)
		json_object_set_new(event, "person",
		    json_stringn(op->person->entry.key, op->person->entry.len));
	json_array_append_new(w->events, event);
}

static void do_merge(struct workspace *w, const struct op *op)
{
	if (!op->other || !op->person->exists || !op->other->exists || op->person == op->other)
		return;
	w->totals.merges++;
	if (!op->person->attributes)
		op->person->attributes = json_object();
	json_object_update_missing(op->person->attributes, op->other->attributes);
	if (!op->person->devices)
		op->person->devices = json_object();
	json_object_update_missing(op->person->devices, op->other->devices);
	person_remove(w, op->other);
}

static void do_suppress(struct workspace *w, const struct op *op, bool suppressed)
{
	if (suppressed)
		person_remove(w, op->person);
	if (op->person->suppressed != suppressed)
		w->totals.suppressed += suppressed ? 1 : (uint64_t)-1;
	op->person->suppressed = suppressed;
}

static void do_device(struct workspace *w, const struct op *op)
{
	if (op->verb == VERB_DELETE_DEVICE) {
		json_object_del(op->person->devices, op->device);
		return;
	}
	person_create(w, op->person);
	if (!op->person->devices)
		op->person->devices = json_object();
	json_object_set(op->person->devices, op->device, (json_t *)op->what);
}

static void do_person(struct workspace *w, const struct op *op)
{
	switch (op->verb) {
	case VERB_IDENTIFY:
		do_identify(w, op);
		break;
	case VERB_DELETE:
		person_remove(w, op->person);
		break;
	case VERB_EVENT:
	case VERB_PAGE:
	case VERB_SCREEN:
		do_event(w, op);
		break;
	case VERB_SUPPRESS:
		do_suppress(w, op, true);
		break;
	case VERB_MERGE:
		do_merge(w, op);
		break;
	case VERB_ADD_DEVICE:
	case VERB_DELETE_DEVICE:
		do_device(w, op);
		break;
	case VERB_ADD_RELATIONSHIPS:
	case VERB_DELETE_RELATIONSHIPS:
		relations_do(w, op);
		break;
	default:
		break;
	}
}

static void do_op(struct workspace *w, const struct op *op)
{
	w->totals.operations++;
	if (op->person)
		remember(w, op->person, op);
	if (op->other)
		remember(w, op->other, op);
	if (op->object)
		object_do(w, op);
	else if (op->person && op->verb == VERB_UNSUPPRESS)
		do_suppress(w, op, false);
	/* whatever names somebody suppressed is ignored */
	else if (op->person && !op->person->suppressed)
		do_person(w, op);
	else if (!op->person && op->verb != VERB_COUNT)
		do_event(w, op);
}

/* --- answering --- */

static void add_text(struct buf *answer, const char *before, const char *text)
{
	buf_str(answer, before);
	text_json(answer, text, strlen(text));
}

static void add_fault(struct buf *answer, const struct fault *f, long index)
{
	buf_byte(answer, '{');
	if (index >= 0)
		buf_fmt(answer, "\"batch_index\":%ld,", index);
	add_text(answer, "\"reason\":", f->reason);
	add_text(answer, ",\"field\":", f->field);
	add_text(answer, ",\"message\":", f->message);
	buf_byte(answer, '}');
}

static void add_refusal(struct buf *answer, enum shape shape, int status, const struct fault *f)
{
	switch (shape) {
	case SHAPE_META_ERRORS:
		add_text(answer, "{\"meta\":{\"errors\":[", f->message);
		buf_str(answer, "]}}");
		break;
	case SHAPE_META_ERROR:
		add_text(answer, "{\"meta\":{\"error\":", f->message);
		buf_str(answer, "}}");
		break;
	case SHAPE_ERRORS:
		buf_str(answer, "{\"errors\":[");
		add_fault(answer, f, -1);
		buf_str(answer, "]}");
		break;
	case SHAPE_DETAIL:
		add_text(answer, "{\"errors\":[{\"detail\":", f->message);
		buf_fmt(answer, ",\"status\":\"%d\",\"source\":{", status);
		add_text(answer, "\"pointer\":", f->field);
		buf_str(answer, "}}]}");
		break;
	}
}

static int apply_batch(struct workspace *w, struct workspace_call *c, struct buf *answer)
{
	size_t faults = 0;

	for (size_t i = 0; i < c->count; i++) {
		if (!c->ops[i].fault.reason) {
			do_op(w, &c->ops[i]);
			continue;
		}
		buf_str(answer, faults++ ? "," : "{\"errors\":[");
		add_fault(answer, &c->ops[i].fault, (long)i);
	}
	buf_str(answer, faults ? "]}" : "{}");
	return faults ? 207 : 200;
}

static int apply_region(struct workspace *w, struct buf *answer)
{
	add_text(answer, "{\"url\":", w->region_url);
	buf_str(answer, ",\"region\":\"us\",\"environment_id\":1}");
	return 200;
}

static int apply_one(struct workspace *w, struct workspace_call *c, struct buf *answer)
{
	do_op(w, &c->ops[0]);
	buf_str(answer, "{}");
	return 200;
}

int workspace_apply(struct workspace *w, struct workspace_call *c, struct buf *answer)
{
	if (c->status == 0 && c->count == 1 && c->route != ROUTE_BATCH && c->ops[0].fault.reason) {
		c->status = 400;
		c->fault = c->ops[0].fault;
	}
	if (c->status) {
		add_refusal(answer, c->route < 0 ? SHAPE_META_ERROR : workspace_shape(c->route),
		    c->status, &c->fault);
		return c->status;
	}
	switch (c->route) {
	case ROUTE_REGION:
		return apply_region(w, answer);
	case ROUTE_BATCH:
		return apply_batch(w, c, answer);
	case ROUTE_SEGMENT_ADD:
	case ROUTE_SEGMENT_REMOVE:
		return segments_apply(w, c, answer);
	case ROUTE_SEND:
	case ROUTE_TRIGGER:
		return messages_apply(w, c, answer);
	default:
		return c->route >= ROUTE_WORKSPACES ? app_apply(w, c, answer) :
		                                      apply_one(w, c, answer);
	}
}
