/* The judgements of single records, and of what is left on the disk. */
#include "sim_oracle.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim_disk.h"
#include "sim_net.h"
#include "sim_oracle_parts.h"
#include "sim_seen.h"

/* calls of the system after which a run has its input open */
enum { OPENED = 100 };

int verdict(const struct evidence *e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(e->why, VERDICT_TEXT, fmt, ap);
	va_end(ap);
	return -1;
}

bool oracle_in_window(const struct story *s, unsigned row)
{
	const struct life *l = s->life;

	if (s->chapter.kind == CHAPTER_NIGHT)
		return true;
	if (s->chapter.kind == CHAPTER_GROWN)
		return row > s->before.count;
	return row > l->skip && (!l->limit || row <= l->skip + l->limit);
}

/* -- what was seen, put in order -- */

/* Whether what was sent is what stands in the row. */
static bool is_as_written(const struct seen *op, const struct row *row)
{
	return row->own || row->bare ||
	    (op->pad == row->pad && (row->other || op->number == row->person + 1));
}

/* Which record of the chapter each operation is. 0 or -1. */
static int find_rows(const struct evidence *e)
{
	const struct chapter *c = e->chapter;

	for (size_t i = c->first_seen; i < seen_count(); i++) {
		struct seen *op = seen_at(i);
		const struct row *row = NULL;
		if (c->kind != CHAPTER_NIGHT)
			row = plan_marked(&c->plan, op->mark);
		else if (!op->deletes && e->story->life->action == LIFE_SEGMENT)
			row = plan_last_of(&c->plan, op->number);
		else if (!op->deletes)
			row = plan_of_person(&c->plan, op->number, op->value);
		op->row = row ? row->number : 0;
		if (row && c->kind != CHAPTER_NIGHT && !is_as_written(op, row))
			return verdict(e, "record %u was sent as something else", row->number);
	}
	return 0;
}

static bool is_up(const struct attempt *a)
{
	return a->delivered >= 0 && a->status > 0 && a->status < 500 && a->status != 429;
}

static bool is_walled(const struct attempt *a)
{
	return a->status == 403 && a->count == 1;
}

/* Whether no attempt before it, of its run, had that record and was answered so. */
static bool is_first(const struct evidence *e, size_t index)
{
	const struct attempt *a = seen_attempt_at(index);

	for (size_t i = e->chapter->first_attempt; i < index; i++) {
		const struct attempt *b = seen_attempt_at(i);
		if (b->proc == a->proc && is_walled(b) &&
		    seen_at(b->first)->row == seen_at(a->first)->row)
			return false;
	}
	return true;
}

static void add_up(const struct evidence *e)
{
	const struct story *s = e->story;
	int64_t up[RUNS];

	for (size_t i = e->chapter->first_run; i < s->run_count; i++)
		up[i] = s->runs[i].proc->started;
	for (size_t i = e->chapter->first_attempt; i < seen_attempts(); i++) {
		const struct attempt *a = seen_attempt_at(i);
		struct sums *sums = &e->sums[a->proc - 1];
		int64_t *last = &up[a->proc - 1];
		sums->attempts++;
		sums->operations += (int64_t)a->count;
		sums->throttled += a->status == 429;
		sums->refused |= a->status == 401;
		sums->forbidden += a->status == 403;
		sums->walled += is_walled(a) && is_first(e, i);
		sums->failed |= a->status == 0 || a->status >= 500;
		sums->accepted |= a->status >= 200 && a->status < 300 && a->count;
		sums->proxied |= a->status == 407;
		sums->astray |= a->status == 302 && a->check;
		sums->refused_alone |= a->status == 400 && a->count == 1;
		if (!is_up(a) || a->delivered < *last)
			continue;
		if (a->delivered - *last > sums->down)
			sums->down = a->delivered - *last;
		*last = a->delivered;
	}
	for (size_t i = e->chapter->first_seen; i < seen_count(); i++) {
		struct sums *sums = &e->sums[seen_attempt_at(seen_at(i)->attempt)->proc - 1];
		sums->taken += seen_at(i)->fate == FATE_ACCEPTED;
		sums->lost += seen_at(i)->fate == FATE_LOST;
	}
	for (size_t i = e->chapter->first_run; i < s->run_count; i++)
		if (s->runs[i].proc->ended - up[i] > e->sums[i].down)
			e->sums[i].down = s->runs[i].proc->ended - up[i];
}

/* -- what is left on the disk -- */

struct leftovers {
	const struct evidence *e;
	int result;
};

static bool is_state(const struct evidence *e, const char *name)
{
	for (unsigned i = 0; i < e->chapter->lane_count; i++)
		if (strcmp(name, e->chapter->lanes[i].command.state) == 0)
			return true;
	return false;
}

static int look_at_file(const char *name, const struct buf *data, void *arg)
{
	struct leftovers *left = arg;

	if (data->len && memmem(data->data, data->len, "sekret", 6))
		left->result = verdict(left->e, "%s holds a secret", name);
	else if (story_is_complete(left->e->story) && is_state(left->e, name) &&
	    left->e->story->life->kind != LIFE_PIPE && left->e->story->life->kind != LIFE_GROWING)
		left->result = verdict(left->e, "%s is left though the run is complete", name);
	return left->result;
}

static int judge_disk(const struct evidence *e)
{
	struct leftovers left = { e, 0 };

	disk_each(look_at_file, &left);
	return left.result;
}

static int judge(const struct evidence *e)
{
	bool complete = story_is_complete(e->story);

	if (oracle_judge_runs(e) != 0 || oracle_judge_traffic(e) != 0 || judge_disk(e) != 0)
		return -1;
	if (oracle_judge_messages(e) != 0 || oracle_judge_outputs(e) != 0)
		return -1;
	if (complete && e->outputs.foreign && !e->story->changed)
		return verdict(e, "rejects or results hold %zu lines of no record",
		    e->outputs.foreign);
	/* what was replaced before it was opened is another input */
	bool other = e->story->changed && e->story->changed_at < OPENED;
	if (complete && !other && e->chapter->kind != CHAPTER_NIGHT && oracle_judge_records(e) != 0)
		return -1;
	if (e->chapter->kind == CHAPTER_NIGHT && oracle_judge_night(e) != 0)
		return -1;
	return oracle_judge_figures(e);
}

int oracle_judge(const struct story *s, char why[VERDICT_TEXT])
{
	struct sums sums[RUNS] = { 0 };
	struct evidence e = { .story = s, .chapter = &s->chapter, .sums = sums, .why = why };

	if (net_complaint()[0])
		return verdict(&e, "%s", net_complaint());
	if (s->stuck)
		return verdict(&e, "run %zu waits for what never comes", s->run_count);
	if (find_rows(&e) != 0)
		return -1;
	add_up(&e);
	outputs_read(&e.outputs, s);
	int result = judge(&e);
	outputs_free(&e.outputs);
	return result;
}
