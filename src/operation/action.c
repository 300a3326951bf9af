/* The actions: their names, and what each takes from a record. */
#include "operation/operation.h"

#include <string.h>

const char *const action_names[ACTION_COUNT + 1] = {
	[ACTION_IDENTIFY] = "identify",
	[ACTION_TRACK] = "track",
	[ACTION_TRACK_ANONYMOUS] = "track-anonymous",
	[ACTION_PAGE] = "page",
	[ACTION_SCREEN] = "screen",
	[ACTION_DELETE] = "delete",
	[ACTION_SUPPRESS] = "suppress",
	[ACTION_UNSUPPRESS] = "unsuppress",
	[ACTION_MERGE] = "merge",
	[ACTION_ADD_DEVICE] = "add-device",
	[ACTION_DELETE_DEVICE] = "delete-device",
	[ACTION_ENTITY] = "entity",
	[ACTION_OBJECT] = "object",
	[ACTION_DELETE_OBJECT] = "delete-object",
	[ACTION_RELATE] = "relate",
	[ACTION_UNRELATE] = "unrelate",
	[ACTION_SEGMENT_ADD] = "segment-add",
	[ACTION_SEGMENT_REMOVE] = "segment-remove",
	[ACTION_ESP_SUPPRESS] = "esp-suppress",
	[ACTION_ESP_UNSUPPRESS] = "esp-unsuppress",
	[ACTION_VERIFY] = "verify",
	[ACTION_SEND_EMAIL] = "send-email",
	[ACTION_SEND_PUSH] = "send-push",
	[ACTION_SEND_SMS] = "send-sms",
	[ACTION_BROADCAST] = "broadcast",
};

static const struct {
	bool person, event, object, segment, removes, suppression, message;
} actions[ACTION_COUNT] = {
	[ACTION_IDENTIFY] = { .person = true },
	[ACTION_TRACK] = { .person = true, .event = true },
	[ACTION_TRACK_ANONYMOUS] = { .event = true },
	[ACTION_PAGE] = { .person = true, .event = true },
	[ACTION_SCREEN] = { .person = true, .event = true },
	[ACTION_DELETE] = { .person = true, .removes = true },
	[ACTION_SUPPRESS] = { .person = true, .removes = true },
	[ACTION_UNSUPPRESS] = { .person = true },
	[ACTION_MERGE] = { .person = false },
	[ACTION_ADD_DEVICE] = { .person = true },
	[ACTION_DELETE_DEVICE] = { .person = true },
	[ACTION_ENTITY] = { .person = false },
	[ACTION_OBJECT] = { .object = true },
	[ACTION_DELETE_OBJECT] = { .object = true },
	[ACTION_RELATE] = { .person = true, .object = true },
	[ACTION_UNRELATE] = { .person = true, .object = true },
	[ACTION_SEGMENT_ADD] = { .person = true, .segment = true },
	[ACTION_SEGMENT_REMOVE] = { .person = true, .segment = true, .removes = true },
	[ACTION_ESP_SUPPRESS] = { .person = true, .suppression = true },
	[ACTION_ESP_UNSUPPRESS] = { .person = true, .suppression = true },
	[ACTION_VERIFY] = { .person = true },
	[ACTION_SEND_EMAIL] = { .person = true, .message = true },
	[ACTION_SEND_PUSH] = { .person = true, .message = true },
	[ACTION_SEND_SMS] = { .person = true, .message = true },
	[ACTION_BROADCAST] = { .person = true },
};

const char *action_name(enum action a)
{
	return action_names[a];
}

static bool same_name(const char *name, const char *text, size_t n)
{
	if (strlen(name) != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (name[i] != (text[i] == '_' ? '-' : text[i]))
			return false;
	return true;
}

int action_parse(const char *name, size_t n, enum action *out)
{
	for (enum action a = 0; a < ACTION_COUNT; a++) {
		if (same_name(action_names[a], name, n)) {
			*out = a;
			return 0;
		}
	}
	return -1;
}

bool action_needs_person(enum action a)
{
	return actions[a].person;
}

bool action_is_event(enum action a)
{
	return actions[a].event;
}

bool action_is_object(enum action a)
{
	return actions[a].object;
}

bool action_is_segment(enum action a)
{
	return actions[a].segment;
}

bool action_is_suppression(enum action a)
{
	return actions[a].suppression;
}

bool action_is_message(enum action a)
{
	return actions[a].message;
}

bool action_removes(enum action a)
{
	return actions[a].removes;
}

const char *action_noun(enum action a)
{
	return actions[a].object && !actions[a].person ? "object" : "user";
}

const char *method_name(enum method m)
{
	static const char *const names[] = {
		[METHOD_PUT] = "PUT",
		[METHOD_POST] = "POST",
		[METHOD_DELETE] = "DELETE",
		[METHOD_GET] = "GET",
	};
	return names[m];
}
