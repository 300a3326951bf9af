/* Whom an operation is about, and the pieces of JSON that both APIs are made of. */
#include "operation/operation_parts.h"

#include <string.h>
#include "operation/field.h"
#include "operation/identifier.h"
#include "base/log.h"
#include "input/record.h"
#include "operation/value.h"
#include "base/text.h"

static bool is_string(const struct field *f)
{
	return f->kind == FIELD_JSON && value_type(f->value) == VALUE_STRING;
}

/* Room for a text of n bytes that stays where it is until the operation is built. */
static char *lasting(struct build *b, size_t n)
{
	struct scratch *s = b->scratch;

	n += FIELD_SLACK;
	if (n > sizeof s->small - s->used)
		return s->large[s->large_count++] = xmalloc(n);
	s->used += n;
	return s->small + s->used - n;
}

struct text part_joined(struct build *b, struct text before, struct text after)
{
	char *to = lasting(b, before.n + after.n + 1);

	memcpy(to, before.s, before.n);
	to[before.n] = '/';
	memcpy(to + before.n + 1, after.s, after.n);
	return (struct text){ to, before.n + 1 + after.n };
}

int part_text(struct build *b, const struct field *f, const char *what, struct text *out)
{
	if (f->kind == FIELD_TEXT || value_type(f->value) == VALUE_NUMBER) {
		*out = (struct text){ f->value, f->value_len };
		return 0;
	}
	if (!is_string(f))
		return field_refuse(f, what, b->why);
	*out = (struct text){ f->value + 1, f->value_len - 2 };
	if (memchr(out->s, '\\', out->n)) {
		char *to = lasting(b, f->value_len);
		*out = (struct text){ to, text_unescape(f->value, f->value_len, to) };
	}
	return 0;
}

/* A number as an integer. */
static int number_id(struct build *b, const struct field *f, struct text *out)
{
	if (value_is_integer(out->s, out->n) && !(out->n == 2 && memcmp(out->s, "-0", 2) == 0))
		return 0;
	char *to = lasting(b, out->n + IDENTIFIER_DIGITS);
	*out = (struct text){ to, identifier_from_number(out->s, out->n, to) };
	return out->n > 0 ? 0 : field_refuse(f, "an identifier: it is no integer", b->why);
}

/* *t as it is good for, or why it is not. */
static int check_id(struct build *b, const struct field *f, struct text t)
{
	switch (identifier_check(t.s, t.n)) {
	case IDENTIFIER_GOOD:
		break;
	case IDENTIFIER_EMPTY:
		return field_complain(f, "is empty", b->why);
	case IDENTIFIER_SPACE:
		return field_refuse(f,
		    f->kind == FIELD_TEXT ? "an identifier: white space stands at its end (--trim "
		                            "drops that of a CSV)" :
		                            "an identifier: white space stands at its end",
		    b->why);
	case IDENTIFIER_CONTROL:
		return field_refuse(f, "an identifier: a control character is in it", b->why);
	}
	return 0;
}

int part_id(struct build *b, const struct field *f, const char *what, struct text *out)
{
	if (part_text(b, f, what, out) != 0)
		return -1;
	if (f->kind == FIELD_JSON && !is_string(f) && number_id(b, f, out) != 0)
		return -1;
	return check_id(b, f, *out);
}

/* E.164: '+' and up to 15 digits. */
static bool is_phone(struct text t)
{
	if (t.n < 2 || t.n > 16 || t.s[0] != '+' || t.s[1] == '0')
		return false;
	for (size_t i = 1; i < t.n; i++)
		if (t.s[i] < '0' || t.s[i] > '9')
			return false;
	return true;
}

/* A cio_id without the prefix that a path wants before it. */
struct text part_bare(enum id_type type, struct text t)
{
	if (type == ID_CIO_ID && t.n > 4 && memcmp(t.s, "cio_", 4) == 0)
		return (struct text){ t.s + 4, t.n - 4 };
	return t;
}

int part_person(struct build *b, const struct field *f, enum id_type type, struct person *out)
{
	out->type = type;
	if (part_id(b, f, "an identifier", &out->text) != 0)
		return -1;
	const struct text t = out->text = part_bare(type, out->text);
	if (t.n > ID_LIMIT && !b->config->no_limits)
		return field_too_long(f, "identifier", t.n, ID_LIMIT, b->why);
	if (type == ID_EMAIL && !identifier_is_email(t.s, t.n))
		return field_refuse(f, "an email address", b->why);
	if (type == ID_PHONE && !is_phone(t))
		return field_refuse(f, "a phone number such as +14155552671 (E.164)", b->why);
	return 0;
}

static int merge_side(struct build *b, enum field_role first, const char *side, struct person *out)
{
	static const enum id_type types[] = { ID_ID, ID_EMAIL, ID_CIO_ID };

	for (unsigned i = 0; i < 3; i++) {
		const struct field *f = b->roles[first + i];
		if (!field_is_empty(f))
			return part_person(b, f, types[i], out);
	}
	return reason_set(b->why, "no %s person: none of %s_id, %s_email, %s_cio_id is there", side,
	    side, side, side);
}

int part_merge(struct build *b, struct person *primary, struct person *secondary)
{
	if (merge_side(b, ROLE_PRIMARY_ID, "primary", primary) != 0 ||
	    merge_side(b, ROLE_SECONDARY_ID, "secondary", secondary) != 0)
		return -1;
	part_key(b, primary);
	part_key(b, secondary);
	if (b->op->keys[0] == b->op->keys[1])
		return reason_set(b->why, "primary and secondary are the same person");
	return 0;
}

void part_key(struct build *b, const struct person *p)
{
	b->op->keys[b->op->key_count++] = hash_person(p);
}

static bool is_blank(struct text t)
{
	for (size_t i = 0; i < t.n; i++)
		if (t.s[i] != ' ')
			return false;
	return true;
}

/* --event, else the field `name`, else `event`. */
static int event_name(struct build *b, struct event *e)
{
	if (b->config->event) {
		e->name = (struct text){ b->config->event, strlen(b->config->event) };
	} else {
		const struct field *name = b->roles[ROLE_NAME];
		e->name_field = field_is_empty(name) ? b->roles[ROLE_EVENT] : name;
		if (field_is_empty(e->name_field))
			return reason_set(b->why,
			    "the event has no name: give it a field `name` or `event`, or use "
			    "--event");
		if (part_text(b, e->name_field, "an event's name", &e->name) != 0)
			return -1;
	}
	if (is_blank(e->name))
		return reason_set(b->why, "the event's name is blank");
	if (e->name.n > EVENT_NAME_LIMIT && !b->config->no_limits)
		return field_over("the event's name", e->name.n, "bytes", EVENT_NAME_LIMIT, b->why);
	return 0;
}

/* The time part of the id. A time that has no room there is none of the run's either: the id must
 * not depend on when it is made. */
static uint64_t id_time(const struct build *b, const struct event *e)
{
	if (!e->has_time)
		return b->config->run ? ulid_time(b->config->run) : 0;
	return e->time >= 0 && e->time < (INT64_C(1) << 48) / 1000 ? (uint64_t)e->time * 1000 : 0;
}

/* The record's own id, else one that the same event always has. */
static int event_id(struct build *b, struct event *e)
{
	const struct field *own = b->roles[ROLE_EVENT_ID];
	uint8_t random[10];

	if (!field_is_empty(own)) {
		b->op->event_id = EVENT_ID_GIVEN;
		return part_text(b, own, "an event id", &e->id);
	}
	b->op->event_id = e->has_time ? EVENT_ID_CONTENT : EVENT_ID_RUN;
	hash_event_id(b, e, random);
	ulid_make(e->made_id, id_time(b, e), random);
	e->id = (struct text){ e->made_id, ULID_LENGTH };
	return 0;
}

int part_moment(struct build *b, const struct field *f, bool *there, int64_t *out)
{
	*there = !field_is_empty(f);
	if (!*there)
		return 0;
	enum field_moment found = field_moment(f, out);
	if (found == MOMENT_READ || (found == MOMENT_DOUBTFUL && b->m->typed_roles >> f->role & 1))
		return 0;
	return field_refuse_moment(f, found, *out, b->why);
}

int part_event(struct build *b, struct event *e)
{
	const struct field *data = b->roles[ROLE_DATA], *anonymous = b->roles[ROLE_ANONYMOUS_ID];
	enum action action = b->op->action;

	*e = (struct event){ 0 };
	if (event_name(b, e) != 0 ||
	    part_moment(b, b->roles[ROLE_TIMESTAMP], &e->has_time, &e->time) != 0 ||
	    event_id(b, e) != 0)
		return -1;
	if (data && data->kind == FIELD_JSON && value_type(data->value) == VALUE_OBJECT)
		e->data = data;
	if (action == ACTION_TRACK_ANONYMOUS || (action == ACTION_SCREEN && !b->config->v2))
		e->anonymous_id = anonymous;
	if (field_is_empty(e->anonymous_id))
		return 0;
	return part_id(b, e->anonymous_id, "an anonymous id", &e->anonymous);
}

int part_device(struct build *b, struct device *d, bool whole)
{
	const struct field *id = b->roles[ROLE_DEVICE_ID], *platform = b->roles[ROLE_PLATFORM];

	*d = (struct device){ 0 };
	if (field_is_empty(id))
		return reason_set(b->why,
		    "the device has no id: the field device_id is missing or empty");
	if (part_id(b, id, "a device's id", &d->id) != 0)
		return -1;
	if (!whole)
		return 0;
	if (field_is_empty(platform))
		return reason_set(b->why,
		    "the device has no platform: the field platform is missing or empty");
	if (part_text(b, platform, "ios or android", &d->platform) != 0)
		return -1;
	struct text p = d->platform;
	if (!(p.n == 3 && memcmp(p.s, "ios", 3) == 0) &&
	    !(p.n == 7 && memcmp(p.s, "android", 7) == 0))
		return field_refuse(platform, "ios or android", b->why);
	return part_moment(b, b->roles[ROLE_LAST_USED], &d->has_last_used, &d->last_used);
}

void part_head(struct build *b, struct text id)
{
	struct writer *w = &b->w;

	b->id_at = writer_at(w);
	if (id.n && writer_room(w, id.n + WRITER_SPARE))
		w->p = writer_put(w->p, id.s, id.n);
	b->op->id_len = id.n;
	writer_byte(w, '\0');
	b->path_at = b->body_at = writer_at(w);
}

void part_path_end(struct build *b)
{
	b->op->path_len = writer_at(&b->w) - b->path_at;
	writer_byte(&b->w, '\0');
	b->body_at = writer_at(&b->w);
}

void part_kept(struct build *b)
{
	b->kept_at = writer_at(&b->w);
}

/* What an identifier begins with in JSON. */
#define OPEN(type, name) [ID_##type] = { "{\"" name "\":", sizeof("{\"" name "\":") - 1 },

void part_identifier(struct build *b, const struct person *p)
{
	static const struct {
		char s[WRITER_SPARE];
		size_t n;
	} opens[ID_TYPE_COUNT] = { ID_TYPES(OPEN) };
	struct writer *w = &b->w;

	if (!writer_room(w, opens[p->type].n + p->text.n + 3 + WRITER_SPARE))
		return;
	w->p = writer_put(w->p, opens[p->type].s, opens[p->type].n);
	char *behind = writer_put_string(w->p, p->text.s, p->text.n);
	if (behind)
		w->p = behind;
	else
		writer_escaped(w, p->text.s, p->text.n);
	writer_byte(w, '}');
}

/* "key":value, with the comma behind it. */
static void put_field(struct writer *w, const struct field *f)
{
	writer_member(w, f->key, f->key_len, f->value, f->value_len, f->kind == FIELD_JSON);
}

/* Closes the object that was opened at `at`: its last comma becomes the brace. */
static void close_object(struct writer *w, size_t at)
{
	if (writer_at(w) > at + 1 && w->p[-1] == ',')
		w->p[-1] = '}';
	else
		writer_byte(w, '}');
}

static int check_attribute(struct build *b, const struct field *f)
{
	if (f->name_len > NAME_LIMIT)
		return field_too_long(f, "the attribute's name", f->name_len, NAME_LIMIT, b->why);
	if (f->kind == FIELD_TEXT)
		return f->value_len <= VALUE_LIMIT ?
		    0 :
		    field_too_long(f, "value", f->value_len, VALUE_LIMIT, b->why);
	if (f->value_len <= VALUE_LIMIT + 2 || !is_string(f))
		return 0;
	size_t n = text_unescape(f->value, f->value_len, NULL);
	return n <= VALUE_LIMIT ? 0 : field_too_long(f, "value", n, VALUE_LIMIT, b->why);
}

/* Some are said in another place. */
static bool is_attribute(const struct build *b, const struct field *f)
{
	if (f == b->m->id)
		return false;
	if (f->role < ROLE_SPECIAL)
		return true;
	return f->role == ROLE_UPDATE ? !b->config->update_only : !b->config->v2;
}

/* Whether no field needs a look: no limit can be passed, and there is room for all that they can
 * become. */
static bool is_easy(const struct build *b)
{
	const struct mapped *m = b->m;
	size_t raw = b->op->from.raw_len, most = m->most + (m->plain ? 0 : raw * TEXT_ESCAPED);

	return m->laid_out && !m->special && m->count <= ATTRIBUTES_LIMIT &&
	    m->longest_name <= NAME_LIMIT && raw <= VALUE_LIMIT && !m->sets &&
	    (size_t)(b->w.end - b->w.p) >= most + WRITER_SPARE;
}

static inline char *put_escaped(char *p, const struct field *f)
{
	char *behind = writer_put_string(p, f->value, f->value_len);

	return behind ? behind : writer_put_escaped(p, f->value, f->value_len);
}

/* The members of such a record. Behind each key stands what a text needs in front of it. */
static void put_easy(struct build *b)
{
	const struct mapped *m = b->m;
	const struct field *const *at = m->fields, *const *end = at + m->count, *id = m->id;
	bool plain = m->plain;
	char *p = b->w.p;

	for (; at < end; at++) {
		const struct field *f = *at;
		size_t text = f->kind == FIELD_TEXT;
		if (f == id)
			continue;
		p = writer_put(p, f->key, f->key_len + 1 + text);
		if (text && !plain) {
			p = put_escaped(p - 1, f);
		} else {
			p = writer_put(p, f->value, f->value_len);
			*p = '"';
			p += text;
		}
		*p++ = ',';
	}
	b->w.p = p;
}

/* The members for which `is` is true. */
static inline int put_members(struct build *b,
    bool (*is)(const struct build *b, const struct field *f))
{
	const struct mapped *m = b->m;
	struct writer *w = &b->w;
	size_t count = 0;
	bool limits = !b->config->no_limits;

	for (size_t i = 0; i < m->count; i++) {
		const struct field *f = m->fields[i];
		if (!is(b, f))
			continue;
		if (limits && (f->name_len > NAME_LIMIT || f->value_len > VALUE_LIMIT) &&
		    check_attribute(b, f) != 0)
			return -1;
		put_field(w, f);
		count++;
	}
	if (limits && count > ATTRIBUTES_LIMIT)
		return field_over("the record", count, "attributes", ATTRIBUTES_LIMIT, b->why);
	return 0;
}

int part_attributes(struct build *b)
{
	struct writer *w = &b->w;
	size_t at = writer_at(w);

	writer_byte(w, '{');
	if (is_easy(b))
		put_easy(b);
	else if (put_members(b, is_attribute) != 0)
		return -1;
	if (b->config->update_only)
		writer_lit(w, "\"_update\":true,");
	close_object(w, at);
	return 0;
}

int part_rest(struct build *b, bool (*is_rest)(const struct build *b, const struct field *f))
{
	size_t at = writer_at(&b->w);

	writer_byte(&b->w, '{');
	if (put_members(b, is_rest) != 0)
		return -1;
	close_object(&b->w, at);
	return 0;
}

/* Whether a field is the event's data, where it has no `data` object. */
static bool is_data(const struct build *b, const struct event *e, const struct field *f)
{
	const struct mapped *m = b->m;

	if (f == m->id)
		return !action_needs_person(b->op->action) && !m->id_dropped;
	return f != e->name_field && f != e->anonymous_id && f->role != ROLE_TIMESTAMP &&
	    f->role != ROLE_EVENT_ID;
}

static int put_data(struct build *b, const struct event *e)
{
	struct writer *w = &b->w;
	size_t at = writer_at(w);

	if (e->data) {
		writer_add(w, e->data->value, e->data->value_len);
	} else {
		writer_byte(w, '{');
		for (size_t i = 0; i < b->m->count; i++)
			if (is_data(b, e, b->m->fields[i]))
				put_field(w, b->m->fields[i]);
		close_object(w, at);
	}
	size_t n = writer_at(w) - at;
	if (n > EVENT_DATA_LIMIT && !b->config->no_limits)
		return field_over("the event's data", n, "bytes", EVENT_DATA_LIMIT, b->why);
	return 0;
}

int part_event_body(struct build *b, const struct event *e, const char *type, const char *data_key)
{
	struct writer *w = &b->w;

	writer_lit(w, "\"name\":");
	writer_text(w, e->name.s, e->name.n);
	if (type) {
		writer_lit(w, ",\"type\":\"");
		writer_add(w, type, strlen(type));
		writer_byte(w, '"');
	}
	if (e->anonymous.n) {
		writer_lit(w, ",\"anonymous_id\":");
		writer_text(w, e->anonymous.s, e->anonymous.n);
	}
	writer_lit(w, ",\"id\":");
	writer_text(w, e->id.s, e->id.n);
	if (e->has_time) {
		writer_lit(w, ",\"timestamp\":");
		writer_num(w, e->time);
	}
	writer_lit(w, ",\"");
	writer_add(w, data_key, strlen(data_key));
	writer_lit(w, "\":");
	if (put_data(b, e) != 0)
		return -1;
	writer_byte(w, '}');
	return 0;
}

void part_device_body(struct build *b, const struct device *d, const char *id_key)
{
	struct writer *w = &b->w;
	size_t at = 0;

	writer_lit(w, "{\"");
	writer_add(w, id_key, strlen(id_key));
	writer_lit(w, "\":");
	writer_text(w, d->id.s, d->id.n);
	if (d->platform.n) {
		writer_lit(w, ",\"platform\":");
		writer_text(w, d->platform.s, d->platform.n);
	}
	if (d->has_last_used) {
		writer_lit(w, ",\"last_used\":");
		writer_num(w, d->last_used);
	}
	for (size_t i = 0; d->platform.n && i < b->m->count; i++) {
		const struct field *f = b->m->fields[i];
		if (f == b->m->id || f->role == ROLE_DEVICE_ID || f->role == ROLE_PLATFORM ||
		    f->role == ROLE_LAST_USED)
			continue;
		if (at == 0) {
			writer_lit(w, ",\"attributes\":{");
			at = writer_at(w) - 1;
		}
		put_field(w, f);
	}
	if (at)
		close_object(w, at);
	writer_byte(w, '}');
}

int part_fields_where(struct build *b, bool (*is)(const struct build *b, const struct field *f))
{
	size_t at = writer_at(&b->w);

	writer_byte(&b->w, '{');
	for (size_t i = 0; i < b->m->count; i++)
		if (is(b, b->m->fields[i]))
			put_field(&b->w, b->m->fields[i]);
	close_object(&b->w, at);
	return 0;
}

void part_fields(struct build *b)
{
	size_t at = writer_at(&b->w);

	writer_byte(&b->w, '{');
	for (size_t i = 0; i < b->m->count; i++)
		if (b->m->fields[i] != b->m->id || !b->m->id_dropped)
			put_field(&b->w, b->m->fields[i]);
	close_object(&b->w, at);
}
