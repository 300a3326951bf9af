#include "operation/operation.h"

#include <string.h>

static const struct {
	const char *name;
	bool person, event;
} actions[ACTION_COUNT] = {
	[ACTION_IDENTIFY] = { "identify", true, false },
	[ACTION_TRACK] = { "track", true, true },
	[ACTION_TRACK_ANONYMOUS] = { "track-anonymous", false, true },
	[ACTION_PAGE] = { "page", true, true },
	[ACTION_SCREEN] = { "screen", true, true },
	[ACTION_DELETE] = { "delete", true, false },
	[ACTION_SUPPRESS] = { "suppress", true, false },
	[ACTION_UNSUPPRESS] = { "unsuppress", true, false },
	[ACTION_MERGE] = { "merge", false, false },
	[ACTION_ADD_DEVICE] = { "add-device", true, false },
	[ACTION_DELETE_DEVICE] = { "delete-device", true, false },
	[ACTION_ENTITY] = { "entity", false, false },
};

const char *action_name(enum action a)
{
	return actions[a].name;
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
		if (same_name(actions[a].name, name, n)) {
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
