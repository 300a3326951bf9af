/* Manual segments: who was put into them and taken out again. */
#include "workspace_internal.h"

#include <stdlib.h>
#include <string.h>

#define IDS_MAX 1000 /* in one request */

/* Whether the list of segments ("7,8") has this one; without a list any number is one. */
static bool is_segment(const struct workspace *w, const char *segment)
{
	size_t len = strlen(segment);

	if (len == 0 || len > 9 || strspn(segment, "0123456789") != len)
		return false;
	if (!w->segment_list)
		return true;
	for (const char *at = w->segment_list; (at = strstr(at, segment)); at++)
		if ((at == w->segment_list || at[-1] == ',') && (at[len] == ',' || !at[len]))
			return true;
	return false;
}

void segments_read(struct workspace *w, struct workspace_call *c)
{
	const json_t *ids = json_object_get(c->root, "ids"), *id;
	size_t i;

	if (!is_segment(w, c->names[0]))
		workspace_refuse(c, 400, "segment_id", "segment is not a manual segment");
	if (json_object_size(c->root) != 1 || json_array_size(ids) == 0 ||
	    json_array_size(ids) > IDS_MAX)
		workspace_refuse(c, 400, "ids", "ids must be a list of 1 to 1000 identifiers");
	json_array_foreach(ids, i, id)
	{
		if (!json_is_string(id))
			workspace_refuse(c, 400, "ids", "ids must be texts");
		if (c->status)
			return;
		/* of another type than it says it is: ignored */
		struct workspace_person *p = workspace_person_typed(w, c->id_type,
		    json_string_value(id));
		if (p)
			call_add(c, VERB_COUNT)->person = p;
	}
}

int segments_apply(struct workspace *w, struct workspace_call *c, struct buf *answer)
{
	json_t *members = json_object_get(w->segments, c->names[0]);

	if (!members) {
		members = json_object();
		json_object_set_new(w->segments, c->names[0], members);
	}
	w->totals.members -= json_object_size(members);
	for (size_t i = 0; i < c->count; i++) {
		const struct workspace_entry *e = &c->ops[i].person->entry;
		if (c->route == ROUTE_SEGMENT_ADD)
			json_object_setn_new(members, e->key, e->len, json_true());
		else
			json_object_deln(members, e->key, e->len);
	}
	w->totals.members += json_object_size(members);
	w->totals.operations += c->count;
	buf_str(answer, "{}");
	return 200;
}

bool workspace_in_segment(struct workspace *w, const char *segment, const char *identifier)
{
	const struct workspace_person *p = workspace_person(w, identifier, strlen(identifier));
	const json_t *members = json_object_get(w->segments, segment);

	return p && json_object_getn(members, p->entry.key, p->entry.len);
}

size_t workspace_segment_size(struct workspace *w, const char *segment)
{
	return json_object_size(json_object_get(w->segments, segment));
}
