/* Broadcasts that the App API triggers: many people in one call, and a call is a send of its own.
 */
#include "operation/api.h"

#include <string.h>
#include "operation/field.h"
#include "operation/operation_parts.h"
#include "operation/value.h"
#include "base/reason.h"
#include "input/record.h"

/* The field `data` where it is an object, else every other field. */
static bool is_data(const struct build *b, const struct field *f)
{
	return f != b->m->id;
}

static int put_data(struct build *b)
{
	const struct field *data = b->roles[ROLE_DATA];

	writer_lit(&b->w, ",\"data\":");
	if (!data || data->kind != FIELD_JSON || value_type(data->value) != VALUE_OBJECT)
		return part_fields_where(b, is_data);
	writer_add(&b->w, data->value, data->value_len);
	return 0;
}

/* {"id":"42","data":{...}} */
static int make(struct build *b)
{
	struct writer *w = &b->w;
	const struct person *p = &b->person;

	b->op->method = METHOD_POST;
	if (p->type != ID_ID && p->type != ID_EMAIL)
		return field_complain(b->m->id,
		    "names nobody here: a broadcast goes to people by id or email", b->why);
	if (!b->config->broadcast)
		return reason_set(b->why, "no broadcast is named: use --broadcast");
	writer_lit(w, "/v1/campaigns/");
	writer_add(w, b->config->broadcast, strlen(b->config->broadcast));
	writer_lit(w, "/triggers");
	part_path_end(b);
	b->has_body = true;
	if (p->type == ID_ID)
		writer_lit(w, "{\"id\":");
	else
		writer_lit(w, "{\"email\":");
	writer_text(w, p->text.s, p->text.n);
	if (put_data(b) != 0)
		return -1;
	writer_byte(w, '}');
	return 0;
}

#define OPENING "{\"per_user_data\":["
#define LIMITS .bytes_most = 25000000, .records_most = 10000

static const struct envelope users = { ENVELOPE(OPENING, "]}"), LIMITS };
static const struct envelope users_perhaps = {
	ENVELOPE(OPENING, "],\"id_ignore_missing\":true,\"email_ignore_missing\":true}"), LIMITS
};

#define BROADCAST(envelope_) \
	{ \
		.host = &api_app_host, .rate = { 1, 10000000 }, /* 6/m, which is the limit */ \
		    .burst = 1, .envelope = (envelope_), .make = make, .once = true, \
		.check_apart = true \
	}

const struct api api_broadcast = BROADCAST(&users);
const struct api api_broadcast_perhaps = BROADCAST(&users_perhaps);
