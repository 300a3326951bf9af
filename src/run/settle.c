#include "run/run_state.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queue/arena.h"
#include "show/display.h"
#include "queue/lanes.h"
#include "store/rejects.h"
#include "store/results.h"
#include "store/syncfile.h"
#include "base/text.h"

#define HELD_MOST 4096 /* progress lines that wait for the total */
/* records that must be finished before their share of errors is judged */
#define PERCENT_FROM 1000

/* "users.csv:1042: user 42: 400 email is not a valid address" */
static void say_failed(struct run *r, const struct operation *op, int status, const char *error)
{
	struct buf line = { .max = 8192 };
	const char *name = op->from.number ? input_name(r->input, op->from.file) : r->o->sync;

	text_safe(&line, name, strlen(name), 1024);
	if (op->from.number)
		buf_fmt(&line, ":%" PRIu64, op->from.line);
	buf_str(&line, ": ");
	if (op->id_len) {
		buf_str(&line, "user ");
		text_safe(&line, op->id, op->id_len, ID_SHOWN);
		buf_str(&line, ": ");
	}
	if (status)
		buf_fmt(&line, "%d ", status);
	text_safe(&line, error, strlen(error), REPLY_REASON_MAX + 64);
	buf_byte(&line, '\0');
	display_error_record(r->display, line.data);
	buf_free(&line);
}

static void add_result(struct run *r, const struct operation *op, const struct origin *from,
    enum outcome outcome, int status, unsigned attempts, const char *error)
{
	struct reason why;

	if (!r->o->results)
		return;
	struct result result = {
		.record = from->number,
		.line = from->line,
		.file = r->o->input.file_count > 1 && from->number ?
		    input_name(r->input, from->file) :
		    NULL,
		.id = op ? op->id : NULL,
		.id_len = op ? op->id_len : 0,
		.action = op && op->action < ACTION_COUNT ? action_name(op->action) : NULL,
		.outcome = outcome,
		.status = status,
		.attempts = attempts,
		.error = error,
	};
	buf_reset(&r->line);
	results_line(&r->line, &result);
	if (outfile_add(&r->results, r->line.data, r->line.len, &why) != 0)
		run_stop(r, 73, "output", "%s", why.text);
}

static int add_reject(struct run *r, const struct operation *op, bool whole, enum outcome outcome,
    int status, const char *error)
{
	struct reason why;

	if (outcome == OUTCOME_ACCEPTED || outcome == OUTCOME_SKIPPED || !r->rejects ||
	    !op->from.number)
		return 0;
	if (rejects_add(r->rejects, &op->from, input_header_of(r->input, op->from.file), whole,
	        outcome, status, error, &why) != 0) {
		run_stop(r, 73, "output", "%s", why.text);
		return -1;
	}
	return 0;
}

/* A share may be reached by whichever record makes it a thousand. */
static void too_many_errors(struct run *r, bool one_more)
{
	uint64_t errors = counters_errors(&r->c), finished = counters_finished(&r->c);
	double percent = r->o->max_errors_percent;

	if (one_more && r->o->max_errors && errors >= r->o->max_errors)
		run_stop(r, 65, "--max-errors",
		    "%" PRIu64 " records were not accepted (--max-errors=%" PRIu64
		    "): see the messages "
		    "above and the rejects",
		    errors, r->o->max_errors);
	else if (percent > 0 && finished >= PERCENT_FROM &&
	    (double)errors * 100 > percent * (double)finished)
		run_stop(r, 65, "--max-errors",
		    "%" PRIu64 " of %" PRIu64 " records were not accepted, which is more than "
		    "--max-errors=%g%%: see the messages above and the rejects",
		    errors, finished, percent);
}

void settle_lines(struct run *r, bool now)
{
	if (r->held_count == 0 || (r->counting && !now))
		return;
	for (size_t i = 0; i < r->held_count; i++)
		display_progress(r->display, &r->held[i], &r->moment, r->now);
	r->held_count = 0;
}

/* Regular files are counted on the way, for then nothing waits for it; so the first lines may be
 * due before the total is known. What comes in so fast that they are too many is said without. */
static void hold_line(struct run *r)
{
	if (!r->held)
		r->held = xcalloc(HELD_MOST, sizeof *r->held);
	r->held[r->held_count++] = r->c;
	if (r->held_count == HELD_MOST)
		settle_lines(r, true);
}

/* The turn tells the display how things are; here it hears only of a record that a line is due
 * for. */
static void count(struct run *r, enum outcome outcome)
{
	r->c.outcomes[outcome]++;
	uint64_t finished = counters_finished(&r->c), every = r->o->progress_every;
	if (finished < r->line_at)
		return;
	r->line_at = finished - finished % every + every;
	if ((r->counting || r->held_count) && display_keeps_lines(r->display))
		hold_line(r);
	else
		display_progress(r->display, &r->c, &r->moment, r->now);
}

static void check_errors(struct run *r, enum outcome outcome)
{
	bool error = outcome != OUTCOME_ACCEPTED && outcome != OUTCOME_SKIPPED;

	if (error || counters_finished(&r->c) == PERCENT_FROM)
		too_many_errors(r, error);
}

static void mark_settled(struct run *r, const struct origin *from)
{
	if (r->checkpoint && from->number) /* what --sync deletes is no record */
		r->hash += operation_hash(from);
	if (r->dirty_since == INT64_MAX)
		r->dirty_since = r->now;
}

static void unlink_operation(struct run *r, struct operation *op)
{
	*(op->older ? &op->older->newer : &r->oldest) = op->newer;
	*(op->newer ? &op->newer->older : &r->newest) = op->older;
	r->unsettled--;
}

static bool stands_first(const struct operation *op)
{
	for (unsigned k = 0; k < op->key_count; k++)
		if (op->ahead[k])
			return false;
	return true;
}

/* Those directly behind a settled operation may have been waiting for it. */
static void wake_followers(struct run *r, const struct operation *op, const struct request *from)
{
	for (unsigned k = 0; k < op->key_count; k++) {
		struct operation *next = op->behind[k];
		if (!next || lanes_ahead(next, op->keys[k]))
			continue; /* nobody, or one who goes on waiting for another */
		if (next->request && next->request != from) {
			if (next->request->blocked && --next->request->blocked == 0)
				list_push_front(&r->ready, next->request);
		} else if (!next->request && stands_first(next)) {
			intake_enter(r, next);
		}
	}
}

void settle(struct run *r, struct operation *op, enum outcome outcome, int status,
    unsigned attempts, const char *error)
{
	struct request *from = op->request;

	if (add_reject(r, op, true, outcome, status, error) != 0) {
		/* it stays unsettled: the run that carries on sends it again */
		op->request = NULL;
		return;
	}
	add_result(r, op, &op->from, outcome, status, attempts, error);
	if (error && outcome != OUTCOME_ACCEPTED)
		say_failed(r, op, status, error);
	mark_settled(r, &op->from);
	sync_settled(r, op, outcome, attempts);
	unlink_operation(r, op);
	lanes_leave(r->lanes, op);
	wake_followers(r, op, from);
	arena_give(r->arena, op);
	count(r, outcome);
	check_errors(r, outcome);
}

void settle_record(struct run *r, const struct operation *op, bool whole, const char *error)
{
	if (add_reject(r, op, whole, OUTCOME_REJECTED, 0, error) == 0) {
		add_result(r, op, &op->from, OUTCOME_REJECTED, 0, 0, error);
		say_failed(r, op, 0, error);
		mark_settled(r, &op->from);
		count(r, OUTCOME_REJECTED);
		check_errors(r, OUTCOME_REJECTED);
	} else {
		/* not settled: the run that carries on reads it again */
		r->high = op->from.number - 1;
	}
}

void settle_unchanged(struct run *r, const struct operation *op)
{
	add_result(r, op, &op->from, OUTCOME_SKIPPED, 0, 0, NULL);
	mark_settled(r, &op->from);
	count(r, OUTCOME_SKIPPED);
	check_errors(r, OUTCOME_SKIPPED);
}

/* The record's errors were counted by class alone: they are given to the first records that are
 * skipped. */
static enum outcome earlier_outcome(struct run *r)
{
	const struct checkpoint_state *s = &r->resume.state;
	uint64_t i = r->resume.skipped++;

	if (i < s->rejected)
		return OUTCOME_REJECTED;
	if (i < s->rejected + s->refused)
		return OUTCOME_REFUSED;
	return i < s->rejected + s->refused + s->failed ? OUTCOME_FAILED : OUTCOME_SKIPPED;
}

void settle_skipped(struct run *r, const struct origin *from)
{
	uint64_t hash = operation_hash(from);

	r->resume.hash += hash;
	r->hash += hash;
	add_result(r, NULL, from, OUTCOME_SKIPPED, 0, 0, NULL);
	count(r, earlier_outcome(r));
}

/* Numbers of the unsettled records, rising: the list is in input order. */
static uint64_t *unsettled_numbers(const struct run *r, size_t *count)
{
	uint64_t *numbers = xmalloc((r->unsettled + 1) * sizeof *numbers);
	size_t n = 0;

	for (const struct operation *op = r->oldest; op; op = op->newer)
		if (op->from.number)
			numbers[n++] = op->from.number;
	*count = n;
	return numbers;
}

static int write_checkpoint(struct run *r, struct reason *why)
{
	size_t open_count;
	uint64_t *open = unsettled_numbers(r, &open_count);
	struct checkpoint_state state = {
		.high = r->high,
		.open = open,
		.open_count = open_count,
		.hash = r->hash,
		.rejected = r->c.outcomes[OUTCOME_REJECTED],
		.refused = r->c.outcomes[OUTCOME_REFUSED],
		.failed = r->c.outcomes[OUTCOME_FAILED],
		.rejects_sizes = r->rejects ? rejects_sizes(r->rejects) : NULL,
		.rejects_files = r->rejects ? r->o->input.file_count : 0,
		.results_size = r->o->results ? r->results.size : 0,
		.rejects_name = r->rejects_name,
		.results_name = r->results_name,
		.event_time_ms = r->operation.event_time_ms,
	};
	int result = checkpoint_commit(r->checkpoint, &state, why);

	free(open);
	return result;
}

int settle_commit(struct run *r)
{
	struct reason why;

	r->dirty_since = INT64_MAX;
	if (r->resume.verifying)
		return 0; /* what is kept says more than what was read again so far */
	if ((r->rejects && rejects_sync(r->rejects, &why) != 0) ||
	    (r->o->results && outfile_sync(&r->results, &why) != 0) ||
	    (r->sync && syncfile_commit(r->sync, &why) != 0) ||
	    (r->checkpoint && write_checkpoint(r, &why) != 0)) {
		run_stop(r, 73, "output", "%s", why.text);
		return -1;
	}
	return 0;
}
