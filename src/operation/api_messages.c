/* Transactional messages, by the App API: one request each, which nothing makes harmless to
 * repeat. Fields named as members of the request's body are these members; the rest is the data
 * that the message is filled in with. */
#include "operation/api.h"

#include <string.h>
#include <strings.h>
#include "operation/field.h"
#include "operation/operation_parts.h"
#include "operation/value.h"
#include "base/reason.h"
#include "input/record.h"

#define RECIPIENTS_LIMIT 15u       /* of one email, in all its fields */
#define MESSAGE_LIMIT 1000000u     /* bytes of a request, without attachments ... */
#define ATTACHMENTS_LIMIT 2000000u /* ... and of those */

enum { EMAIL = 1, PUSH = 2, SMS = 4, ALL = 7 };

enum kind {
	KIND_TEXT,
	KIND_TIME, /* Unix seconds, of any form that a timestamp may have */
	KIND_BOOL,
	KIND_OBJECT,
	KIND_JSON_TEXT, /* a text that is JSON; an object or a list becomes one */
};

/* What a field of that name is in the body. `to` and the rest that has a place of its own are not
 * among them. */
static const struct member {
	const char *name;
	enum kind kind;
	unsigned channels;
	bool over_template; /* it takes the place of what the message says itself */
} members[] = {
	{ "from", KIND_TEXT, EMAIL | SMS, true },
	{ "subject", KIND_TEXT, EMAIL, true },
	{ "body", KIND_TEXT, EMAIL, true },
	{ "body_plain", KIND_TEXT, EMAIL, true },
	{ "body_amp", KIND_TEXT, EMAIL, true },
	{ "reply_to", KIND_TEXT, EMAIL, true },
	{ "preheader", KIND_TEXT, EMAIL, true },
	{ "cc", KIND_TEXT, EMAIL, true },
	{ "bcc", KIND_TEXT, EMAIL, true },
	{ "fake_bcc", KIND_BOOL, EMAIL, true },
	{ "headers", KIND_JSON_TEXT, EMAIL, true },
	{ "attachments", KIND_OBJECT, EMAIL, true },
	{ "disable_css_preprocessing", KIND_BOOL, EMAIL, true },
	{ "tracked", KIND_BOOL, EMAIL | SMS, true },
	{ "title", KIND_TEXT, PUSH, true },
	{ "message", KIND_TEXT, PUSH, true },
	{ "image_url", KIND_TEXT, PUSH, true },
	{ "link", KIND_TEXT, PUSH, true },
	{ "sound", KIND_TEXT, PUSH, true },
	{ "custom_data", KIND_OBJECT, PUSH, true },
	{ "custom_device", KIND_OBJECT, PUSH, true },
	{ "custom_payload", KIND_OBJECT, PUSH, true },
	{ "language", KIND_TEXT, ALL, true },
	{ "send_at", KIND_TIME, ALL, false },
	{ "disable_message_retention", KIND_BOOL, ALL, false },
	{ "send_to_unsubscribed", KIND_BOOL, ALL, false },
	{ "queue_draft", KIND_BOOL, ALL, false },
	{ "auto_create", KIND_BOOL, ALL, false },
};

static unsigned channel_of(enum action a)
{
	return a == ACTION_SEND_EMAIL ? EMAIL : a == ACTION_SEND_PUSH ? PUSH : SMS;
}

static bool is_named(const struct field *f, const char *name)
{
	return f->name_len == strlen(name) && memcmp(f->name, name, f->name_len) == 0;
}

static const struct member *member_named(enum action a, const char *name, size_t n)
{
	for (size_t i = 0; i < sizeof members / sizeof *members; i++)
		if ((members[i].channels & channel_of(a)) && strlen(members[i].name) == n &&
		    memcmp(members[i].name, name, n) == 0)
			return &members[i];
	return NULL;
}

bool message_overrides(enum action a, const char *name, size_t n)
{
	const struct member *m = action_is_message(a) ? member_named(a, name, n) : NULL;

	return m && m->over_template;
}

static const struct field *find(const struct build *b, const char *name)
{
	for (size_t i = 0; i < b->m->count; i++)
		if (is_named(b->m->fields[i], name))
			return b->m->fields[i];
	return NULL;
}

/* -- members -- */

static int put_bool(struct build *b, const struct field *f)
{
	bool word = f->kind == FIELD_JSON && value_type(f->value) == VALUE_BOOL;
	struct text t = { f->value, f->value_len };

	if (!word && part_text(b, f, "true or false", &t) != 0)
		return -1;
	bool yes = t.n == 4 && strncasecmp(t.s, "true", 4) == 0;
	bool no = t.n == 5 && strncasecmp(t.s, "false", 5) == 0;
	if (!yes && !no)
		return field_refuse(f, "true or false", b->why);
	if (yes)
		writer_lit(&b->w, "true");
	else
		writer_lit(&b->w, "false");
	return 0;
}

static int put_time(struct build *b, const struct field *f)
{
	int64_t seconds;

	if (field_moment(f, &seconds) != 0)
		return field_refuse(f, "a timestamp", b->why);
	writer_num(&b->w, seconds);
	return 0;
}

static bool is_json(const struct field *f, enum value_type type)
{
	return f->kind == FIELD_JSON && value_type(f->value) == type;
}

static int put_object(struct build *b, const struct field *f)
{
	if (!is_json(f, VALUE_OBJECT))
		return field_refuse(f, "a JSON object (in a CSV it needs --type=NAME:json)",
		    b->why);
	writer_add(&b->w, f->value, f->value_len);
	return 0;
}

static int put_text(struct build *b, const struct field *f)
{
	struct text text;

	if (part_text(b, f, "a text", &text) != 0)
		return -1;
	writer_text(&b->w, text.s, text.n);
	return 0;
}

static int put_value(struct build *b, const struct field *f, enum kind kind)
{
	switch (kind) {
	case KIND_TIME:
		return put_time(b, f);
	case KIND_BOOL:
		return put_bool(b, f);
	case KIND_OBJECT:
		return put_object(b, f);
	case KIND_JSON_TEXT:
		if (!is_json(f, VALUE_OBJECT) && !is_json(f, VALUE_ARRAY))
			return put_text(b, f);
		writer_text(&b->w, f->value, f->value_len);
		return 0;
	default:
		return put_text(b, f);
	}
}

static void put_key(struct build *b, const char *name)
{
	writer_byte(&b->w, ',');
	writer_text(&b->w, name, strlen(name));
	writer_byte(&b->w, ':');
}

/* -- whose it is, and which -- */

/* --message, else the field; a whole number goes as a number, a name as text. An email may have
 * none, where it brings all that a message is. */
static int put_message_id(struct build *b)
{
	const struct field *f = find(b, "transactional_message_id");
	struct text id = { b->config->message,
		b->config->message ? strlen(b->config->message) : 0 };

	if (!id.s && field_is_empty(f)) {
		if (b->op->action == ACTION_SEND_EMAIL && !field_is_empty(find(b, "body")) &&
		    !field_is_empty(find(b, "subject")) && !field_is_empty(find(b, "from")))
			return 0;
		return reason_set(b->why,
		    "no message is named: give the record a field transactional_message_id, or use "
		    "--message%s",
		    b->op->action == ACTION_SEND_EMAIL ?
		        "; without one, body, subject and from are needed" :
		        "");
	}
	if (!id.s && part_text(b, f, "a message's id", &id) != 0)
		return -1;
	put_key(b, "transactional_message_id");
	if (value_is_integer(id.s, id.n) &&
	    (b->config->message || f->kind == FIELD_TEXT || value_type(f->value) == VALUE_NUMBER))
		writer_add(&b->w, id.s, id.n);
	else
		writer_text(&b->w, id.s, id.n);
	return 0;
}

/* The field `to`, else the address that the channel goes to. */
static const struct field *recipient(const struct build *b)
{
	const struct field *to = find(b, "to");

	if (!field_is_empty(to) || b->op->action == ACTION_SEND_PUSH)
		return to;
	return find(b, b->op->action == ACTION_SEND_EMAIL ? "email" : "phone");
}

static int put_recipient(struct build *b)
{
	const struct field *to = recipient(b);
	bool email = b->op->action == ACTION_SEND_EMAIL;

	if (field_is_empty(to)) {
		if (b->op->action == ACTION_SEND_PUSH)
			return 0;
		return reason_set(b->why,
		    "it goes to nobody: give the record a field `to`, or `%s`",
		    email ? "email" : "phone");
	}
	put_key(b, "to");
	return put_text(b, to);
}

static int put_identifiers(struct build *b)
{
	if (b->person.type == ID_PHONE)
		return field_complain(b->m->id,
		    "names nobody here: a message's person is named by id, email or cio_id",
		    b->why);
	writer_lit(&b->w, "{\"identifiers\":");
	part_identifier(b, &b->person);
	return 0;
}

/* -- the rest -- */

/* What has a place of its own in the body; an address that serves as `to` is data all the same. */
static bool has_place(const struct build *b, const struct field *f)
{
	return is_named(f, "to") || is_named(f, "transactional_message_id") ||
	    member_named(b->op->action, f->name, f->name_len) != NULL;
}

static bool is_data(const struct build *b, const struct field *f)
{
	if (f == b->m->id)
		return f == recipient(b) && !b->m->id_dropped;
	return !has_place(b, f);
}

static int put_members(struct build *b)
{
	for (size_t i = 0; i < b->m->count; i++) {
		const struct field *f = b->m->fields[i];
		const struct member *m = member_named(b->op->action, f->name, f->name_len);
		if (!m || f == b->m->id || field_is_empty(f) ||
		    (b->config->draft && strcmp(m->name, "queue_draft") == 0))
			continue;
		put_key(b, m->name);
		if (put_value(b, f, m->kind) != 0)
			return -1;
	}
	if (b->config->draft)
		writer_lit(&b->w, ",\"queue_draft\":true");
	return 0;
}

static int put_data(struct build *b)
{
	const struct field *data = b->roles[ROLE_MESSAGE_DATA];

	put_key(b, "message_data");
	if (data && is_json(data, VALUE_OBJECT)) {
		writer_add(&b->w, data->value, data->value_len);
		return 0;
	}
	return part_fields_where(b, is_data);
}

static size_t addresses(const struct field *f)
{
	size_t n = field_is_empty(f) ? 0 : 1;

	for (size_t i = 0; n && i < f->value_len; i++)
		n += f->value[i] == ',';
	return n;
}

static int check_limits(struct build *b)
{
	const struct field *files = find(b, "attachments");
	size_t attached = field_is_empty(files) ? 0 : files->value_len;
	size_t size = writer_at(&b->w) - b->body_at - attached;
	size_t to = addresses(recipient(b)) + addresses(find(b, "cc")) + addresses(find(b, "bcc"));

	if (b->config->no_limits)
		return 0;
	if (b->op->action == ACTION_SEND_EMAIL && to > RECIPIENTS_LIMIT)
		return field_over("the message", to, "recipients", RECIPIENTS_LIMIT, b->why);
	if (attached > ATTACHMENTS_LIMIT)
		return field_over("attachments", attached, "bytes", ATTACHMENTS_LIMIT, b->why);
	if (size > MESSAGE_LIMIT)
		return field_over("the message", size, "bytes", MESSAGE_LIMIT, b->why);
	return 0;
}

static int make(struct build *b)
{
	static const char prefix[] = "send-";

	b->op->method = METHOD_POST;
	writer_lit(&b->w, "/v1/send/");
	const char *channel = action_name(b->op->action) + sizeof prefix - 1;
	writer_add(&b->w, channel, strlen(channel));
	part_path_end(b);
	b->has_body = true;
	if (put_identifiers(b) != 0 || put_message_id(b) != 0 || put_recipient(b) != 0 ||
	    put_members(b) != 0 || put_data(b) != 0)
		return -1;
	writer_byte(&b->w, '}');
	return check_limits(b);
}

const struct api api_messages = {
	.host = &api_app_host,
	.rate = { 1, 20000 }, /* 50/s */
	.burst = 1,
	.make = make,
	.once = true,
};
