/* One outcome for each record, and the API holds what follows from it. */
#include "sim_oracle_parts.h"

#include <stdlib.h>
#include "sim_seen.h"

/* What the network saw of a record. */
struct sight {
	unsigned sent;     /* attempts that it was in */
	unsigned applied;  /* of these, those after which the API holds it */
	bool accepted;     /* the program was told so, once at least */
	enum fate last;    /* the last thing that the program was told of it */
	unsigned last_run; /* in which it was sent last */
	unsigned failures; /* that the program was told of in that run */
};

static struct sight *look_at_all(const struct evidence *e)
{
	struct sight *all = xcalloc(e->chapter->plan.count + 1, sizeof *all);

	for (size_t i = e->chapter->first_seen; i < seen_count(); i++) {
		const struct seen *op = seen_at(i);
		const struct attempt *a = seen_attempt_at(op->attempt);
		struct sight *sight = &all[op->row];
		sight->sent++;
		sight->applied += op->applied;
		sight->accepted |= op->fate == FATE_ACCEPTED;
		sight->failures = a->proc == sight->last_run ? sight->failures : 0;
		sight->failures += op->fate == FATE_FAILED;
		sight->last_run = a->proc;
		if (op->fate != FATE_OPEN)
			sight->last = op->fate;
	}
	return all;
}

static int judge_rejected(const struct evidence *e, const struct row *row,
    const struct sight *sight)
{
	unsigned n = row->number;
	int64_t retries = e->story->life->retries;

	switch (e->outputs.rejects_as[n]) {
	case TOLD_REJECTED:
		if (!row->invalid)
			return verdict(e, "record %u is rejected, and nothing is wrong with it", n);
		return 0;
	case TOLD_REFUSED:
		if (sight->last != FATE_REFUSED && sight->last != FATE_DOUBTED)
			return verdict(e, "record %u is refused, but the API did not say so", n);
		return 0;
	case TOLD_FAILED:
		if (sight->last == FATE_ACCEPTED || sight->last == FATE_LOST)
			return verdict(e, "record %u is failed, but may have arrived", n);
		if (sight->failures < retries + 1)
			return verdict(e,
			    "record %u is failed after %u failures: there are %d retries", n,
			    sight->failures, (int)retries);
		return 0;
	case TOLD_UNKNOWN:
		return 0; /* judged with the messages */
	default:
		return verdict(e, "record %u is in the rejects with an outcome of another kind", n);
	}
}

static int judge_results(const struct evidence *e, unsigned n)
{
	enum told rejected = e->outputs.rejects_as[n];

	if (!e->story->life->results)
		return 0;
	if (e->outputs.results[n] != 1)
		return verdict(e, "record %u is in the results %u times", n, e->outputs.results[n]);
	if (e->outputs.results_as[n] != (e->outputs.rejects[n] ? rejected : TOLD_ACCEPTED))
		return verdict(e, "record %u has another outcome in the results", n);
	return 0;
}

static int judge_row(const struct evidence *e, const struct row *row, const struct sight *sight)
{
	unsigned n = row->number, rejects = e->outputs.rejects[n];

	if (!oracle_in_window(e->story, n))
		return sight->sent || rejects ?
		    verdict(e, "record %u is left out, and was taken", n) :
		    0;
	if (row->invalid && sight->sent)
		return verdict(e, "record %u is invalid, and was sent", n);
	if (rejects > 1)
		return verdict(e, "record %u is in the rejects %u times", n, rejects);
	if (rejects && judge_rejected(e, row, sight) != 0)
		return -1;
	if (!rejects && row->invalid)
		return verdict(e, "record %u is invalid, and not in the rejects", n);
	if (!rejects && !sight->accepted)
		return verdict(e, "record %u is lost: it is neither accepted nor in the rejects",
		    n);
	if (!rejects && !sight->applied)
		return verdict(e, "record %u counts as accepted, and the API does not hold it", n);
	return judge_results(e, n);
}

static int judge_output(const struct evidence *e, const struct row *row, const struct sight *sight)
{
	unsigned n = row->number;

	if (e->outputs.rejects[n] > 1)
		return verdict(e, "record %u is in the rejects %u times", n, e->outputs.rejects[n]);
	if (e->outputs.results[n] > 1)
		return verdict(e, "record %u is in the results %u times", n, e->outputs.results[n]);
	if (e->outputs.rejects[n] && e->chapter->kind != CHAPTER_NIGHT)
		return judge_rejected(e, row, sight);
	if (row->invalid && sight->sent && e->chapter->kind != CHAPTER_NIGHT)
		return verdict(e, "record %u is invalid, and was sent", n);
	return 0;
}

/* Whether the last run of each command ended by itself: what it leaves is whole. */
static bool are_ended(const struct evidence *e)
{
	for (unsigned i = 0; i < e->chapter->lane_count; i++) {
		const struct proc *p = e->chapter->lanes[i].run->proc;
		if (p->state != PROC_EXITED || p->failed_at < INT64_MAX || p->status > 128 ||
		    p->status == 75)
			return false;
	}
	return true;
}

int oracle_judge_outputs(const struct evidence *e)
{
	const struct input_plan *plan = &e->chapter->plan;

	if (!are_ended(e) || e->story->changed)
		return 0;
	struct sight *all = look_at_all(e);
	int result = 0;
	for (size_t i = 0; i < plan->count && result == 0; i++)
		result = judge_output(e, &plan->rows[i], &all[i + 1]);
	free(all);
	return result;
}

int oracle_judge_records(const struct evidence *e)
{
	const struct input_plan *plan = &e->chapter->plan;
	struct sight *all = look_at_all(e);
	int result = 0;

	for (size_t i = 0; i < plan->count && result == 0; i++)
		result = judge_row(e, &plan->rows[i], &all[i + 1]);
	free(all);
	return result;
}
