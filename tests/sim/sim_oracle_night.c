/* What a nightly sync may send, and whom it may delete. */
#include "sim_oracle_parts.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim_api.h"
#include "sim_seen.h"
#include "workspace.h"

/* What the API has of a person, from 1; 0: nobody is there. In a segment all are alike. */
static unsigned value_there(const struct life *l, unsigned person)
{
	char name[32];
	int len = snprintf(name, sizeof name, "p%u", person - 1);
	if (l->action == LIFE_SEGMENT)
		return workspace_in_segment(api_workspace(), LIFE_SEGMENT_ID, name);
	const struct workspace_person *p = workspace_person(api_workspace(), name, (size_t)len);
	const json_t *v = p && p->exists ? json_object_get(p->attributes, "v") : NULL;

	if (json_is_string(v))
		return (unsigned)strtoul(json_string_value(v), NULL, 10);
	return (unsigned)json_integer_value(v);
}

static bool has_invalid(const struct input_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++)
		if (plan->rows[i].invalid)
			return true;
	return false;
}

static int judge_delete(const struct evidence *e, const struct seen *op)
{
	const struct input_plan *tonight = &e->chapter->plan;

	if (!op->number || plan_last_of(tonight, op->number))
		return verdict(e, "p%u is deleted, and is in the input", op->number - 1);
	if (has_invalid(tonight))
		return verdict(e, "p%u is deleted, though not every record could be read",
		    op->number - 1);
	if (tonight->count == 0)
		return verdict(e, "p%u is deleted by an input without records", op->number - 1);
	return 0;
}

/* One who is as in the last night, which was complete, is not sent. */
static int judge_sent(const struct evidence *e, const struct seen *op)
{
	const struct row *now = plan_last_of(&e->chapter->plan, op->number);
	const struct row *then = plan_last_of(&e->story->before, op->number);

	bool same = now && then &&
	    (now->value == then->value || e->story->life->action == LIFE_SEGMENT);
	if (!e->story->before_complete || !same || then->invalid || e->story->life->twice)
		return 0;
	/* one who failed then is due now */
	for (size_t i = 0; i < e->chapter->first_seen; i++)
		if (seen_at(i)->number == op->number && seen_at(i)->fate != FATE_ACCEPTED)
			return 0;
	return verdict(e, "p%u is sent, and is as in the night before", op->number - 1);
}

/* When all is done, each person is there as the input's last row has it. */
static int judge_people(const struct evidence *e)
{
	const struct input_plan *plan = &e->chapter->plan;
	const struct life *l = e->story->life;

	for (size_t i = 0; i < plan->count; i++) {
		const struct row *row = &plan->rows[i];
		if (plan_last_of(plan, row->person + 1) != row || row->invalid ||
		    e->outputs.rejects[row->number])
			continue;
		unsigned value = l->action == LIFE_SEGMENT ? 1 : row->value;
		if (value_there(l, row->person + 1) != value)
			return verdict(e, "p%u has value %u in the API, and %u in the input",
			    row->person, value_there(l, row->person + 1), value);
	}
	return 0;
}

/* Those who are gone are deleted, unless nobody was to be. */
static int judge_gone(const struct evidence *e)
{
	const struct input_plan *plan = &e->chapter->plan;
	const struct run_told *last = e->chapter->lanes[0].run;

	if (!e->story->before_complete || has_invalid(plan) || plan->count == 0 || last->over ||
	    last->proc->status != 0)
		return 0;
	for (unsigned person = 1; person <= (unsigned)e->story->life->records; person++)
		if (!plan_last_of(plan, person) && value_there(e->story->life, person) &&
		    plan_last_of(&e->story->before, person))
			return verdict(e, "p%u is gone from the input, and not deleted",
			    person - 1);
	return 0;
}

int oracle_judge_night(const struct evidence *e)
{
	for (size_t i = e->chapter->first_seen; i < seen_count(); i++) {
		const struct seen *op = seen_at(i);
		if (op->deletes ? judge_delete(e, op) != 0 : judge_sent(e, op) != 0)
			return -1;
	}
	if (!story_is_complete(e->story))
		return 0;
	return judge_people(e) != 0 ? -1 : judge_gone(e);
}
