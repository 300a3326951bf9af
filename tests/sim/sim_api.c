/* What the workspace of the tests says to an attempt, its limits and bad days before it. */
#include "sim_api.h"

#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "sim_input.h"
#include "sim_seen.h"
#include "sim_time.h"
#include "sim_trace.h"
#include "workspace_internal.h"

#define TIMES 128 /* arrivals that a limit remembers */

static struct {
	const struct life *life;
	struct workspace *workspace;
	int64_t arrivals[TIMES]; /* that were let in */
	uint64_t let_in;
	double level; /* of the bucket */
	int64_t filled;
} a;

void api_begin(const struct life *l)
{
	struct workspace_config config = { .region_url = "https://track.customer.io" };

	memset(&a, 0, sizeof a);
	a.life = l;
	a.workspace = workspace_new(&config);
	a.level = (double)l->limit_rate;
}

void api_end(void)
{
	workspace_free(a.workspace);
	a.workspace = NULL;
}

struct workspace *api_workspace(void)
{
	return a.workspace;
}

/* -- what an operation is about -- */

static const json_t *field(const struct workspace_call *call, const struct op *op, const char *name)
{
	const json_t *const places[] = { op->what, op->source,
		json_object_get(call->root, "message_data"),
		json_object_get(json_array_get(op->relations, 0), "relationship_attributes") };
	const json_t *found = NULL;

	for (size_t i = 0; i < sizeof places / sizeof *places && !found; i++)
		found = json_object_get(places[i], name);
	return found;
}

static unsigned number_in(const json_t *value)
{
	if (json_is_string(value))
		return (unsigned)strtoul(json_string_value(value), NULL, 10);
	return json_is_integer(value) ? (unsigned)json_integer_value(value) : 0;
}

static bool is_named(const struct workspace_person *p, const char *prefix)
{
	size_t len = strlen(prefix);

	return p && p->entry.len > len && memcmp(p->entry.key, prefix, len) == 0;
}

/* What follows the prefix in the person's name, or 0. */
static unsigned number_after(const struct workspace_person *p, const char *prefix)
{
	return is_named(p, prefix) ? (unsigned)strtoul(p->entry.key + strlen(prefix), NULL, 10) : 0;
}

static bool is_segment(const struct workspace_call *call)
{
	return call->route == ROUTE_SEGMENT_ADD || call->route == ROUTE_SEGMENT_REMOVE;
}

static unsigned mark_of(const struct workspace_call *call, const struct op *op)
{
	unsigned own = number_after(op->person, "own");

	if (own && is_segment(call))
		return plan_segment_mark(a.life, call->route == ROUTE_SEGMENT_REMOVE, own);
	if (own)
		return own;
	return op->verb == VERB_MERGE ? number_after(op->other, "m") :
	                                number_in(field(call, op, "n"));
}

static int poison_of(const struct workspace_call *call, const struct op *op)
{
	const char *p = json_string_value(field(call, op, "p"));

	if (is_segment(call) && number_after(op->person, "own"))
		return plan_poison(a.life, mark_of(call, op));
	return p ? atoi(p) : 0;
}

static uint64_t hash_of(const struct workspace_person *p)
{
	return p ? p->entry.hash | 1 : 0;
}

/* Those whom it is about: of two the order is kept of both. */
static void note_people(struct seen *seen, const struct op *op)
{
	const struct workspace_person *object = op->object ? op->object :
	    op->related_count                              ? op->related[0] :
	                                                     NULL;

	seen->person = hash_of(op->person);
	seen->other = object ? ~hash_of(object) | 1 : hash_of(op->other);
}

void api_note(size_t attempt, const struct workspace_call *call)
{
	for (size_t i = 0; i < call->count; i++) {
		const struct op *op = &call->ops[i];
		const json_t *id = op->verb == VERB_EVENT ? json_object_get(op->source, "id") :
		                                            NULL;
		const json_t *pad = field(call, op, "pad");
		struct seen seen = {
			.mark = mark_of(call, op),
			.number = is_named(op->person, "p") ? 1 + number_after(op->person, "p") : 0,
			.value = number_in(field(call, op, "v")),
			.deletes = op->verb == VERB_DELETE || call->route == ROUTE_SEGMENT_REMOVE,
		};
		note_people(&seen, op);
		if (json_string_length(pad))
			seen.pad = XXH3_64bits(json_string_value(pad), json_string_length(pad)) | 1;
		if (json_is_string(id))
			seen.id = XXH3_64bits(json_string_value(id), json_string_length(id)) | 1;
		seen_operation(attempt, &seen);
	}
}

bool api_is_check(const struct workspace_call *call)
{
	return call->route == ROUTE_REGION || call->route == ROUTE_WORKSPACES;
}

bool api_is_message(const struct workspace_call *call)
{
	return call->route == ROUTE_SEND;
}

bool api_is_batch(const struct workspace_call *call)
{
	return call->route == ROUTE_BATCH;
}

bool api_is_segment(const struct workspace_call *call)
{
	return is_segment(call);
}

bool api_took(const struct workspace_call *call, size_t operation)
{
	return !call->status && !call->ops[operation].fault.reason;
}

/* -- limits -- */

static bool window_is_full(int64_t from)
{
	unsigned most = (unsigned)(a.life->limit_rate < TIMES ? a.life->limit_rate : TIMES);

	return a.let_in >= most && a.arrivals[(a.let_in - most) % TIMES] >= from;
}

static bool is_over_limit(void)
{
	int64_t now = time_now();
	bool over = false;

	switch (a.life->limit_kind) {
	case 1:
		over = window_is_full(now - 1000000 + 1);
		break;
	case 2:
		over = window_is_full(now / 1000000 * 1000000);
		break;
	case 3:
		a.level += (double)(now - a.filled) * (double)a.life->limit_rate / 1e6;
		if (a.level > (double)a.life->limit_rate)
			a.level = (double)a.life->limit_rate;
		a.filled = now;
		over = a.level < 1;
		a.level -= over ? 0 : 1;
		break;
	default:
		return false;
	}
	if (!over)
		a.arrivals[a.let_in++ % TIMES] = now;
	return over;
}

/* -- answers -- */

static void say(struct api_answer *answer, int status, const char *body)
{
	answer->status = status;
	buf_str(&answer->body, body);
}

static bool is_revoked(void)
{
	int64_t at = a.life->revoke_at_ms * 1000;

	return at && time_now() >= at && time_now() < at + 10000000;
}

/* Poison: an operation refused, or one over which the API stumbles each time. */
static bool has_stubborn(struct workspace_call *call)
{
	for (size_t i = 0; i < call->count; i++) {
		int poison = poison_of(call, &call->ops[i]);
		if (poison == 500)
			return true;
		if (poison && !call->ops[i].fault.reason)
			call->ops[i].fault = (struct fault){ "invalid", "p", "this is poison" };
	}
	return false;
}

/* Of what is taken as a whole or not at all. */
static bool has_fault(const struct workspace_call *call)
{
	for (size_t i = 0; i < call->count; i++)
		if (call->ops[i].fault.reason)
			return true;
	return false;
}

void api_serve(struct workspace_call *call, struct api_answer *answer, bool *applied)
{
	*applied = false;
	answer->retry_after = -1;
	if (is_over_limit()) {
		say(answer, 429, "{\"meta\":{\"error\":\"too many requests\"}}");
		answer->retry_after = a.life->limit_after ? 1000000 : -1;
		return;
	}
	if (is_revoked()) {
		say(answer, 401, "{\"meta\":{\"error\":\"unauthorized\"}}");
		return;
	}
	if (has_stubborn(call)) {
		say(answer, 500, "{\"meta\":{\"error\":\"internal error\"}}");
		return;
	}
	if ((api_is_message(call) || is_segment(call)) && has_fault(call)) {
		say(answer, 400, "{\"meta\":{\"error\":\"this is poison\"}}");
		return;
	}
	answer->status = workspace_apply(a.workspace, call, &answer->body);
	*applied = answer->status < 300;
}
