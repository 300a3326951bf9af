/* How a record ends: rejects, results and what is said of it first, then the queue, then the
 * figures. */
#include "run/run_state.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "input/input.h"
#include "queue/queue.h"
#include "run/sync.h"
#include "send/reply.h"
#include "show/display.h"
#include "store/rejects.h"
#include "store/results.h"

/* records that must be finished before their share of errors says something */
#define PERCENT_FROM 1000

static bool is_error(enum outcome outcome)
{
	return outcome != OUTCOME_ACCEPTED && outcome != OUTCOME_SKIPPED;
}

/* "users.csv:1042: user 42: 400 email is not a valid address" */
static void say_failed(struct run *r, const struct operation *op, const struct settlement *s)
{
	struct buf line = { .max = 8192 };
	const char *name = op->from.number ? input_name(r->feed.input, op->from.file) : r->o->sync;

	text_safe(&line, name, strlen(name), 1024);
	if (op->from.number)
		buf_fmt(&line, ":%" PRIu64, op->from.line);
	buf_str(&line, ": ");
	if (op->id_len) {
		buf_fmt(&line, "%s ", action_noun(op->action));
		text_safe(&line, op->id, op->id_len, ID_SHOWN);
		buf_str(&line, ": ");
	}
	if (s->status && s->outcome != OUTCOME_DIFFERS)
		buf_fmt(&line, "%d ", s->status);
	text_safe(&line, s->error, strlen(s->error), REPLY_REASON_MAX + 64);
	buf_byte(&line, '\0');
	display_error_record(r->display, line.data);
	buf_free(&line);
}

/* op: NULL where only the record's origin is known. */
static void add_result(struct run *r, const struct operation *op, const struct origin *from,
    const struct settlement *s)
{
	bool several = r->o->input.file_count > 1 && from->number;
	struct reason why;

	if (!r->o->results)
		return;
	struct result result = {
		.record = from->number,
		.line = from->line,
		.file = several ? input_name(r->feed.input, from->file) : NULL,
		.id = op ? op->id : NULL,
		.id_len = op ? op->id_len : 0,
		.action = op && op->action < ACTION_COUNT ? action_name(op->action) : NULL,
		.outcome = s->outcome,
		.status = s->status,
		.attempts = s->attempts,
		.error = s->error,
		.name = s->name,
		.value = s->value,
	};
	if (outputs_result(&r->outputs, &result, &why) != 0)
		stop_failed(&r->stop, CAUSE_OUTPUT, &why);
}

static int add_reject(struct run *r, const struct operation *op, bool whole,
    const struct settlement *s)
{
	struct rejects *rejects = r->outputs.rejects;
	struct reason why;

	if (!is_error(s->outcome) || !rejects || !op->from.number)
		return 0;
	if (rejects_add(rejects, &op->from, input_header_of(r->feed.input, op->from.file), whole,
	        s->outcome, s->status, s->error, &why) == 0)
		return 0;
	stop_failed(&r->stop, CAUSE_OUTPUT, &why);
	return -1;
}

/* -- figures -- */

/* A share may be reached by whichever record makes it a thousand. */
static void too_many_errors(struct run *r, bool one_more)
{
	uint64_t errors = counters_errors(&r->tally.c), finished = counters_finished(&r->tally.c);
	double percent = r->o->max_errors_percent;

	if (one_more && r->o->max_errors && errors >= r->o->max_errors)
		stop_for(&r->stop, CAUSE_MAX_ERRORS,
		    "%" PRIu64 " records were not accepted (--max-errors=%" PRIu64 "): see the "
		    "messages above and the rejects",
		    errors, r->o->max_errors);
	else if (percent > 0 && finished >= PERCENT_FROM &&
	    (double)errors * 100 > percent * (double)finished)
		stop_for(&r->stop, CAUSE_MAX_ERRORS,
		    "%" PRIu64 " of %" PRIu64 " records were not accepted, which is more than "
		    "--max-errors=%g%%: see the messages above and the rejects",
		    errors, finished, percent);
}

static void count(struct run *r, enum outcome outcome)
{
	tally_settled(&r->tally, outcome, r->now);
	if (is_error(outcome) || counters_finished(&r->tally.c) == PERCENT_FROM)
		too_many_errors(r, is_error(outcome));
}

static void mark_settled(struct run *r, const struct origin *from)
{
	/* what --sync deletes is no record */
	if (r->outputs.checkpoint && from->number)
		r->outputs.hash += operation_hash(from);
	if (r->outputs.dirty_since == INT64_MAX)
		r->outputs.dirty_since = r->now;
}

/* -- endings -- */

void settle(struct run *r, struct operation *op, const struct settlement *s)
{
	struct reason why;

	if (add_reject(r, op, true, s) != 0) {
		queue_abandon(op); /* the run that carries on sends it again */
		return;
	}
	add_result(r, op, &op->from, s);
	if (is_error(s->outcome))
		say_failed(r, op, s);
	mark_settled(r, &op->from);
	if (sync_settled(r->sync, op, s->outcome, s->attempts, &why) != 0)
		stop_failed(&r->stop, CAUSE_SYNC, &why);
	queue_settle(r->queue, op, r->now);
	count(r, s->outcome);
}

void settle_request(struct run *r, struct request *q, const struct settlement *s)
{
	for (size_t i = 0; i < q->count; i++)
		if (q->operations[i])
			settle(r, q->operations[i], s);
	queue_move(r->queue, q, PLACE_SPARE);
}

static void settle_apart(struct run *r, const struct operation *op, bool whole,
    const struct settlement *s)
{
	if (add_reject(r, op, whole, s) != 0) {
		/* not settled: the run that carries on reads it again */
		r->intake.high = op->from.number - 1;
		return;
	}
	add_result(r, op, &op->from, s);
	say_failed(r, op, s);
	mark_settled(r, &op->from);
	count(r, s->outcome);
}

void settle_record(struct run *r, const struct operation *op, bool whole, const char *error)
{
	const struct settlement s = { .outcome = OUTCOME_REJECTED, .error = error };

	settle_apart(r, op, whole, &s);
}

void settle_lost(struct run *r, const struct operation *op)
{
	const struct settlement s = { .outcome = OUTCOME_UNKNOWN,
		.error =
		    "the last run ended while it was on its way: it may have been sent, and is "
		    "not sent again" };

	settle_apart(r, op, true, &s);
}

void settle_unchanged(struct run *r, const struct operation *op)
{
	const struct settlement s = { .outcome = OUTCOME_SKIPPED };

	add_result(r, op, &op->from, &s);
	mark_settled(r, &op->from);
	count(r, OUTCOME_SKIPPED);
}

/* How the records ended was counted by class alone: that is given to the first that are skipped. */
static enum outcome earlier_outcome(struct resume *resume)
{
	uint64_t i = resume->skipped++;

	for (enum outcome o = OUTCOME_REJECTED; o < OUTCOME_COUNT; o++) {
		if (i < resume->state.outcomes[o])
			return o;
		i -= resume->state.outcomes[o];
	}
	return OUTCOME_SKIPPED;
}

void settle_skipped(struct run *r, const struct origin *from)
{
	const struct settlement s = { .outcome = OUTCOME_SKIPPED };
	uint64_t hash = operation_hash(from);

	r->intake.resume.hash += hash;
	r->outputs.hash += hash;
	add_result(r, NULL, from, &s);
	tally_settled(&r->tally, earlier_outcome(&r->intake.resume), r->now);
}

/* -- to the disk -- */

static int compare_numbers(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Numbers of the unsettled records, or of those among them that may have left, rising: the queue is
 * in input order, but for what a sync held back, there or here. */
static uint64_t *unsettled_numbers(const struct run *r, bool intended, size_t *count)
{
	size_t n = 0, held = intended ? 0 : sync_held(r->sync, NULL);
	uint64_t *numbers = xmalloc((queue_unsettled(r->queue) + held + 1) * sizeof *numbers);
	bool rising = held == 0;

	for (const struct operation *op = queue_oldest(r->queue); op; op = op->newer) {
		if (op->from.number == 0 || (intended && !op->intended))
			continue;
		rising &= n == 0 || op->from.number > numbers[n - 1];
		numbers[n++] = op->from.number;
	}
	if (held)
		sync_held(r->sync, numbers + n);
	n += held;
	if (!rising)
		qsort(numbers, n, sizeof *numbers, compare_numbers);
	*count = n;
	return numbers;
}

static int commit_checkpoint(struct run *r, struct reason *why)
{
	size_t open_count, intended_count;
	uint64_t *open = unsettled_numbers(r, false, &open_count),
	         *intended = unsettled_numbers(r, true, &intended_count);
	struct checkpoint_state state = {
		.high = r->intake.high,
		.open = open,
		.open_count = open_count,
		.intended = intended,
		.intended_count = intended_count,
	};
	memcpy(state.outcomes, r->tally.c.outcomes, sizeof state.outcomes);
	int result = outputs_commit(&r->outputs, &state, r->o->input.file_count, why);

	free(open);
	free(intended);
	return result;
}

int settle_commit(struct run *r)
{
	struct reason why;

	r->outputs.dirty_since = INT64_MAX;
	if (r->intake.resume.verifying)
		return 0; /* what is kept says more than what was read again so far */
	enum cause cause = CAUSE_OUTPUT;
	int bad = outputs_sync(&r->outputs, &why);
	if (bad == 0 && sync_commit(r->sync, &why) != 0) {
		cause = CAUSE_SYNC;
		bad = -1;
	}
	if (bad == 0 && r->outputs.checkpoint)
		bad = commit_checkpoint(r, &why);
	if (bad != 0)
		stop_failed(&r->stop, cause, &why);
	return bad;
}
