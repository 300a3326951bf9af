/* The App API but for messages: who is there and with what, suppressed addresses, and the check of
 * a key. */
#include "workspace_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define IDS_MAX 100 /* in one read-back */

static bool is_esp_type(const char *type)
{
	static const char *const types[] = { "blocks", "bounces", "spam_reports",
		"invalid_emails" };

	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (strcmp(type, types[i]) == 0)
			return true;
	return false;
}

static void read_ids(struct workspace_call *c)
{
	const json_t *ids = json_object_get(c->root, "ids"), *id;
	size_t i;

	if (json_array_size(ids) == 0 || json_array_size(ids) > IDS_MAX)
		workspace_refuse(c, 400, "/ids", "ids must be a list of 1 to 100 identifiers");
	json_array_foreach(ids, i, id) if (!json_is_string(id))
	    workspace_refuse(c, 400, "/ids", "ids must be texts");
}

static void read_esp(struct workspace_call *c)
{
	if (!is_esp_type(c->names[0]))
		workspace_refuse(c, 404, "/suppression_type", "suppression type is not known");
	if (!strchr(c->names[1], '@'))
		workspace_refuse(c, 400, "/email_address", "email is not a valid address");
}

/* The one person that a path names, or NULL: nobody is there. */
static const struct workspace_person *person_asked_for(struct workspace *w,
    const struct workspace_call *c)
{
	const struct workspace_person *p = workspace_person_typed(w, c->id_type, c->names[0]);

	return p && p->exists ? p : NULL;
}

void app_read(struct workspace *w, struct workspace_call *c)
{
	switch (c->route) {
	case ROUTE_ATTRIBUTES:
		read_ids(c);
		break;
	case ROUTE_PERSON:
		if (!person_asked_for(w, c))
			workspace_refuse(c, 404, "/customer_id", "customer is not known");
		break;
	case ROUTE_ESP_SUPPRESS:
	case ROUTE_ESP_UNSUPPRESS:
		read_esp(c);
		break;
	default:
		break;
	}
}

/* --- who is there --- */

/* The vendor answers every value as text: structures as their JSON, and a number as it is read most
 * easily. */
static void add_value(struct buf *answer, const json_t *value)
{
	char *json = json_is_string(value) ? NULL :
	                                     json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
	char number[32];

	for (int digits = 15; json_is_real(value) && digits <= 17; digits++) {
		snprintf(number, sizeof number, "%.*g", digits, json_real_value(value));
		if (strtod(number, NULL) == json_real_value(value)) {
			free(json);
			json = xstrdup(number);
			break;
		}
	}
	const char *text = json ? json : json_string_value(value);
	text_json(answer, text, json ? strlen(json) : json_string_length(value));
	free(json);
}

static void add_text(struct buf *answer, const char *before, const char *text)
{
	buf_str(answer, before);
	if (text)
		text_json(answer, text, strlen(text));
	else
		buf_str(answer, "null");
}

/* What a person is called: by its key, and by the attributes beside it. */
struct called {
	const char *id, *email;
	char cio_id[24];
};

static struct called called(const struct workspace_person *p)
{
	struct called c = { .id = json_string_value(json_object_get(p->attributes, "id")),
		.email = json_string_value(json_object_get(p->attributes, "email")) };

	snprintf(c.cio_id, sizeof c.cio_id, "%012" PRIx64, p->entry.hash & 0xffffffffffff);
	if (strncmp(p->entry.key, "cio_", 4) == 0)
		snprintf(c.cio_id, sizeof c.cio_id, "%.20s", p->entry.key + 4);
	else if (memchr(p->entry.key, '@', p->entry.len))
		c.email = p->entry.key;
	else
		c.id = p->entry.key;
	return c;
}

static void add_attributes(struct buf *answer, const struct workspace_person *p,
    const struct called *c)
{
	const char *key;
	json_t *value;

	add_text(answer, "{\"cio_id\":", c->cio_id);
	if (c->id)
		add_text(answer, ",\"id\":", c->id);
	if (c->email)
		add_text(answer, ",\"email\":", c->email);
	json_object_foreach(p->attributes, key, value)
	{
		if (strcmp(key, "id") == 0 || strcmp(key, "email") == 0 ||
		    strcmp(key, "cio_id") == 0)
			continue;
		add_text(answer, ",", key);
		buf_byte(answer, ':');
		add_value(answer, value);
	}
	buf_byte(answer, '}');
}

static bool is_unsubscribed(const struct workspace_person *p)
{
	const json_t *value = json_object_get(p->attributes, "unsubscribed");
	const char *text = json_string_value(value);

	return json_is_true(value) || json_integer_value(value) == 1 ||
	    (text && (strcmp(text, "true") == 0 || strcmp(text, "1") == 0));
}

static void add_customer(struct buf *answer, const struct workspace_person *p)
{
	struct called c = called(p);

	add_text(answer, "{\"customer\":{\"id\":", c.id ? c.id : c.email ? c.email : c.cio_id);
	add_text(answer, ",\"identifiers\":{\"id\":", c.id);
	add_text(answer, ",\"email\":", c.email);
	add_text(answer, ",\"cio_id\":", c.cio_id);
	buf_str(answer, "},\"attributes\":");
	add_attributes(answer, p, &c);
	buf_fmt(answer, ",\"unsubscribed\":%s,\"devices\":[]}}",
	    is_unsubscribed(p) ? "true" : "false");
}

static int read_one(struct workspace *w, const struct workspace_call *c, struct buf *answer)
{
	const struct workspace_person *p = person_asked_for(w, c);

	if (!p) { /* gone since the call was read */
		buf_str(answer, "{\"errors\":[{\"detail\":\"customer is not known\"}]}");
		return 404;
	}
	add_customer(answer, p);
	return 200;
}

/* Each once, however often it was asked for; who is not there is left out. */
static int read_back(struct workspace *w, struct workspace_call *c, struct buf *answer)
{
	const json_t *ids = json_object_get(c->root, "ids"), *id;
	const struct workspace_person *seen[IDS_MAX];
	size_t i, count = 0;

	buf_str(answer, "{\"customers\":[");
	json_array_foreach(ids, i, id)
	{
		const struct workspace_person *p = workspace_person_typed(w, c->id_type,
		    json_string_value(id));
		bool there = p && p->exists;
		for (size_t k = 0; k < count && there; k++)
			there = seen[k] != p;
		if (!there)
			continue;
		seen[count++] = p;
		if (count > 1)
			buf_byte(answer, ',');
		add_customer(answer, p);
	}
	buf_str(answer, "]}");
	return 200;
}

/* --- addresses, and the workspace --- */

static void esp_key(struct buf *key, const char *type, const char *email)
{
	buf_init(key, BUF_UNBOUNDED);
	buf_fmt(key, "%s/%s", type, email);
	for (size_t i = 0; i < key->len; i++)
		if (key->data[i] >= 'A' && key->data[i] <= 'Z')
			key->data[i] = (char)(key->data[i] + ('a' - 'A'));
}

static int esp_apply(struct workspace *w, struct workspace_call *c, struct buf *answer)
{
	struct buf key;

	esp_key(&key, c->names[0], c->names[1]);
	if (c->route == ROUTE_ESP_SUPPRESS)
		json_object_setn_new(w->esp_suppressed, key.data, key.len, json_true());
	else
		json_object_deln(w->esp_suppressed, key.data, key.len);
	buf_free(&key);
	w->totals.esp_suppressed = json_object_size(w->esp_suppressed);
	w->totals.operations++;
	buf_str(answer, "{}");
	return 200;
}

bool workspace_esp_suppressed(struct workspace *w, const char *type, const char *email)
{
	struct buf key;

	esp_key(&key, type, email);
	bool there = json_object_getn(w->esp_suppressed, key.data, key.len) != NULL;
	buf_free(&key);
	return there;
}

int app_apply(struct workspace *w, struct workspace_call *c, struct buf *answer)
{
	if (c->route == ROUTE_ATTRIBUTES)
		return read_back(w, c, answer);
	if (c->route == ROUTE_PERSON)
		return read_one(w, c, answer);
	if (c->route != ROUTE_WORKSPACES)
		return esp_apply(w, c, answer);
	buf_fmt(answer,
	    "{\"workspaces\":[{\"id\":1,\"name\":\"sandbox\",\"messages_sent\":%" PRIu64
	    ",\"people\":%" PRIu64 ",\"objects\":%" PRIu64 "}]}",
	    w->totals.messages, w->totals.people, w->totals.objects);
	return 200;
}
