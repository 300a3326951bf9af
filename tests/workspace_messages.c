/* Transactional messages and broadcasts: checked, counted, and known again where one comes twice.
 */
#include "workspace_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/clock.h"
#include "base/text.h"

#define RECIPIENTS_MAX 15 /* of one email, all kinds together */
#define BODY_MAX 1000000  /* bytes, without attachments */
#define ATTACHMENTS_MAX 2000000
#define USERS_MAX 10000 /* of one broadcast */
#define TRIGGER_MAX 25000000

enum { EMAIL = 1, PUSH = 2, SMS = 4, ALL = 7 };

static unsigned channel_of(const char *name)
{
	return strcmp(name, "email") == 0 ? EMAIL :
	    strcmp(name, "push") == 0     ? PUSH :
	    strcmp(name, "sms") == 0      ? SMS :
	                                    0;
}

/* --- a message --- */

enum kind { TEXT, INTEGER, BOOLEAN, OBJECT, TEXT_OR_INTEGER, TEXT_OR_OBJECT };

static const struct {
	const char *name;
	enum kind kind;
	unsigned channels;
} members[] = {
	{ "transactional_message_id", TEXT_OR_INTEGER, ALL },
	{ "identifiers", OBJECT, ALL },
	{ "message_data", OBJECT, ALL },
	{ "send_at", INTEGER, ALL },
	{ "disable_message_retention", BOOLEAN, ALL },
	{ "send_to_unsubscribed", BOOLEAN, ALL },
	{ "queue_draft", BOOLEAN, ALL },
	{ "auto_create", BOOLEAN, ALL },
	{ "language", TEXT, ALL },
	{ "to", TEXT, ALL },
	{ "from", TEXT, EMAIL | SMS },
	{ "tracked", BOOLEAN, EMAIL | SMS },
	{ "body", TEXT, EMAIL },
	{ "body_amp", TEXT, EMAIL },
	{ "body_plain", TEXT, EMAIL },
	{ "subject", TEXT, EMAIL },
	{ "cc", TEXT, EMAIL },
	{ "bcc", TEXT, EMAIL },
	{ "fake_bcc", BOOLEAN, EMAIL },
	{ "reply_to", TEXT, EMAIL },
	{ "preheader", TEXT, EMAIL },
	{ "attachments", OBJECT, EMAIL },
	{ "headers", TEXT_OR_OBJECT, EMAIL }, /* the official clients send an object */
	{ "disable_css_preprocessing", BOOLEAN, EMAIL },
	{ "title", TEXT, PUSH },
	{ "message", TEXT, PUSH },
	{ "image_url", TEXT, PUSH },
	{ "link", TEXT, PUSH },
	{ "sound", TEXT, PUSH },
	{ "custom_data", OBJECT, PUSH },
	{ "custom_device", OBJECT, PUSH },
	{ "custom_payload", OBJECT, PUSH },
};

static bool is_kind(const json_t *value, enum kind kind)
{
	switch (kind) {
	case TEXT:
		return json_is_string(value);
	case INTEGER:
		return json_is_integer(value);
	case BOOLEAN:
		return json_is_boolean(value);
	case OBJECT:
		return json_is_object(value);
	case TEXT_OR_INTEGER:
		return json_is_string(value) || json_is_integer(value);
	default:
		return json_is_string(value) || json_is_object(value);
	}
}

/* One of id, email and cio_id, as text, and nothing else. */
static bool names_one(const json_t *identifiers)
{
	for (int i = 0; i < ID_PHONE; i++) {
		const json_t *value = json_object_get(identifiers, id_type_names[i]);
		if (value)
			return json_object_size(identifiers) == 1 && json_string_length(value) > 0;
	}
	return false;
}

static size_t addresses(const json_t *list)
{
	const char *text = json_string_value(list);
	size_t n = text && *text ? 1 : 0;

	for (; n && *text; text++)
		n += *text == ',';
	return n;
}

static size_t attached(const json_t *attachments)
{
	const char *key;
	json_t *value;
	size_t n = 0;

	json_object_foreach((json_t *)attachments, key, value) n += json_string_length(value);
	return n;
}

static void read_email(struct workspace_call *c)
{
	const json_t *m = c->root;

	if (!json_object_get(m, "transactional_message_id") &&
	    (!json_object_get(m, "body") || !json_object_get(m, "subject") ||
	        !json_object_get(m, "from")))
		workspace_refuse(c, 400, "",
		    "without transactional_message_id, body, subject and from are required");
	if (addresses(json_object_get(m, "to")) + addresses(json_object_get(m, "cc")) +
	        addresses(json_object_get(m, "bcc")) >
	    RECIPIENTS_MAX)
		workspace_refuse(c, 400, "to", "more than 15 recipients");
}

static void read_message(struct workspace *w, struct workspace_call *c, size_t len)
{
	unsigned channel = channel_of(c->names[0]);
	size_t files = attached(json_object_get(c->root, "attachments"));

	if (!channel) {
		workspace_refuse(c, 404, "", "not found");
		return;
	}
	for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
		const json_t *value = json_object_get(c->root, members[i].name);
		if (!value || !(members[i].channels & channel) || is_kind(value, members[i].kind))
			continue;
		snprintf(c->text, sizeof c->text, "%s is of the wrong type", members[i].name);
		workspace_refuse(c, 400, members[i].name, c->text);
		break;
	}
	if (!names_one(json_object_get(c->root, "identifiers")))
		workspace_refuse(c, 400, "identifiers",
		    "identifiers must name a person by one of id, email and cio_id");
	if (channel != PUSH && addresses(json_object_get(c->root, "to")) == 0)
		workspace_refuse(c, 400, "to", "to is required");
	if (channel == EMAIL)
		read_email(c);
	else if (!json_object_get(c->root, "transactional_message_id"))
		workspace_refuse(c, 400, "", "transactional_message_id is required");
	if (files > ATTACHMENTS_MAX || len > BODY_MAX + files)
		workspace_refuse(c, 413, "", "request is too large");
	if (c->status == 0)
		call_add(c, VERB_COUNT)->person = workspace_person_by(w,
		    json_object_get(c->root, "identifiers"));
}

/* --- a broadcast --- */

static void read_recipient(struct workspace *w, struct workspace_call *c, bool by_email,
    const char *identifier)
{
	struct workspace_person *p = workspace_person_typed(w, by_email ? ID_EMAIL : ID_ID,
	    identifier);
	bool ignored = json_is_true(
	    json_object_get(c->root, by_email ? "email_ignore_missing" : "id_ignore_missing"));

	if (p && p->exists)
		call_add(c, VERB_COUNT)->person = p;
	else if (!ignored)
		workspace_refuse(c, 422, "/recipients", "a recipient is not a person here");
	else
		call_add(c, VERB_COUNT);
}

/* {"id" or "email","data"} */
static void read_user(struct workspace *w, struct workspace_call *c, const json_t *user)
{
	const char *id = json_string_value(json_object_get(user, "id")),
	           *email = json_string_value(json_object_get(user, "email"));
	const json_t *data = json_object_get(user, "data");

	if (!id == !email || (data && !json_is_object(data)))
		workspace_refuse(c, 422, "/per_user_data",
		    "per_user_data must name each person by id or email");
	else
		read_recipient(w, c, !id, id ? id : email);
}

static const json_t *recipients(const json_t *trigger)
{
	static const char *const names[] = { "per_user_data", "ids", "emails" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (json_object_get(trigger, names[i]))
			return json_object_get(trigger, names[i]);
	return NULL;
}

static void read_recipients(struct workspace *w, struct workspace_call *c, const json_t *list)
{
	const json_t *one;
	size_t i;

	if (json_array_size(list) == 0 || json_array_size(list) > USERS_MAX)
		workspace_refuse(c, 422, "/recipients", "give a list of 1 to 10000 recipients");
	json_array_foreach(list, i, one)
	{
		if (json_object_get(c->root, "per_user_data"))
			read_user(w, c, one);
		else if (json_is_string(one))
			read_recipient(w, c, list == json_object_get(c->root, "emails"),
			    json_string_value(one));
		else
			workspace_refuse(c, 422, "/recipients", "recipients must be texts");
		if (c->status)
			return;
	}
}

static void read_trigger(struct workspace *w, struct workspace_call *c, size_t len)
{
	const char *broadcast = c->names[0];

	if (strspn(broadcast, "0123456789") != c->name_len[0])
		workspace_refuse(c, 404, "/id", "broadcast is not known");
	if (len > TRIGGER_MAX)
		workspace_refuse(c, 413, "", "request is too large");
	if (c->status == 0)
		read_recipients(w, c, recipients(c->root));
}

void messages_read(struct workspace *w, struct workspace_call *c, size_t len)
{
	if (c->route == ROUTE_SEND)
		read_message(w, c, len);
	else
		read_trigger(w, c, len);
}

/* --- sending --- */

struct sent {
	struct workspace_entry entry; /* by fingerprint */
	unsigned times;
};

/* One message is the same as another where the message, the person and the data are. */
static void count_message(struct workspace *w, const char *what, const json_t *message,
    const json_t *person, const json_t *data)
{
	const json_t *const parts[] = { message, person, data };
	struct buf text;

	buf_init(&text, BUF_UNBOUNDED);
	buf_str(&text, what);
	for (size_t i = 0; i < 3; i++) {
		char *part = parts[i] ?
		    json_dumps(parts[i], JSON_ENCODE_ANY | JSON_SORT_KEYS | JSON_COMPACT) :
		    NULL;
		buf_byte(&text, '\n');
		buf_str(&text, part ? part : "");
		free(part);
	}
	XXH128_hash_t print = XXH3_128bits(text.data, text.len);
	buf_free(&text);
	struct sent *s = table_get(&w->sent, (const char *)&print, sizeof print, sizeof *s);
	w->totals.messages++;
	w->totals.messages_twice += s->times++ > 0;
}

static void keep(struct workspace *w, struct workspace_call *c, const char *kind,
    const char *id_name, const char *id)
{
	if (w->config.lean)
		return;
	json_array_append_new(w->messages,
	    json_pack("{s:s, s:s, s:O}", kind, c->names[0], id_name, id, "body", c->root));
}

static int send_message(struct workspace *w, struct workspace_call *c, struct buf *answer)
{
	char id[40];

	if (json_is_true(json_object_get(c->root, "queue_draft")))
		w->totals.drafts++;
	else
		count_message(w, c->names[0], json_object_get(c->root, "transactional_message_id"),
		    json_object_get(c->root, "identifiers"),
		    json_object_get(c->root, "message_data"));
	snprintf(id, sizeof id, "sandbox-%" PRIu64, w->totals.messages + w->totals.drafts);
	keep(w, c, "channel", "delivery_id", id);
	buf_fmt(answer, "{\"delivery_id\":\"%s\",\"queued_at\":%" PRId64 "}", id,
	    clock_wall() / 1000000);
	return 200;
}

static int trigger(struct workspace *w, struct workspace_call *c, struct buf *answer)
{
	const json_t *list = recipients(c->root);
	char id[40];

	for (size_t i = 0; i < c->count; i++) {
		const struct workspace_person *p = c->ops[i].person;
		if (!p)
			continue; /* missing, and ignored */
		json_t *name = json_stringn(p->entry.key, p->entry.len);
		count_message(w, c->names[0], NULL, name,
		    json_object_get(json_array_get(list, i), "data"));
		json_decref(name);
	}
	snprintf(id, sizeof id, "%" PRIu64, ++w->totals.triggers);
	keep(w, c, "broadcast", "trigger_id", id);
	buf_fmt(answer, "{\"id\":%s}", id);
	return 200;
}

int messages_apply(struct workspace *w, struct workspace_call *c, struct buf *answer)
{
	w->totals.operations++;
	return c->route == ROUTE_SEND ? send_message(w, c, answer) : trigger(w, c, answer);
}

json_t *workspace_messages(struct workspace *w)
{
	return w->messages;
}
