/* How the runs ended, and what they counted. */
#include "sim_oracle_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sim_outputs.h"
#include "sim_seen.h"

#define HELD_MOST ((size_t)24 << 20) /* bytes */

static bool told_status(const struct run_told *run, int status)
{
	for (size_t i = 0; i < run->attempts; i++)
		if (seen_attempt_at(run->first_attempt + i)->status == status &&
		    seen_attempt_at(run->first_attempt + i)->delivered >= 0)
			return true;
	return false;
}

/* The longest time without an answer below 500 but 429. */
static int64_t down_for(const struct run_told *run)
{
	int64_t up = run->proc->started, most = 0;

	for (size_t i = 0; i <= run->attempts; i++) {
		const struct attempt *a = i < run->attempts ?
		    seen_attempt_at(run->first_attempt + i) :
		    NULL;
		bool is_up = a && a->delivered >= 0 && a->status > 0 && a->status < 500 &&
		    a->status != 429;
		int64_t now = a ? a->delivered : run->proc->ended;
		if ((is_up || !a) && now - up > most)
			most = now - up;
		if (is_up && now > up)
			up = now;
	}
	return most;
}

static bool may_end_with(const struct story *s, const struct run_told *run)
{
	const struct life *l = s->life;

	switch (run->proc->status) {
	case 0:
	case 1:
		return true;
	case 65:
		return l->max_errors > 0;
	case 69:
		return down_for(run) >= l->give_up_ms * 1000;
	case 73:
		return run->failed_at < INT64_MAX;
	case 77:
		return told_status(run, 401);
	case 130:
	case 143:
		return run->signalled && run->proc->status == 128 + (int)l->stop_with;
	default:
		return false;
	}
}

/* The last line that is not indented. */
static int read_done(const struct buf *err, uint64_t *processed, uint64_t *errors)
{
	const char *found = NULL, *p = err->data, *end = p + err->len;

	while (p < end && (p = memmem(p, (size_t)(end - p), "Done: ", 6)))
		found = p++;
	if (!found)
		return -1;
	return sscanf(found, "Done: %" SCNu64 " processed, %" SCNu64 " errors", processed,
	           errors) == 2 ?
	    0 :
	    -1;
}

static int judge_run(const struct story *s, const struct run_told *run, char why[VERDICT_TEXT])
{
	const struct proc *p = run->proc;

	if (p->held_most > HELD_MOST)
		return verdict(why, "run %u held %zu bytes", p->number, p->held_most);
	if (p->err.len && memmem(p->err.data, p->err.len, "sekret", 6))
		return verdict(why, "run %u said a secret", p->number);
	if (p->state != PROC_EXITED)
		return 0;
	if (!may_end_with(s, run))
		return verdict(why, "run %u ended with status %d, for no reason", p->number,
		    p->status);
	if (p->held_end && p->status < 128)
		return verdict(why, "run %u did not give %zu bytes back", p->number, p->held_end);
	return 0;
}

int oracle_judge_runs(const struct story *s, char why[VERDICT_TEXT])
{
	for (size_t i = 0; i < s->run_count; i++)
		if (judge_run(s, &s->runs[i], why) != 0)
			return -1;
	int last = s->runs[s->run_count - 1].proc->status;
	if (!s->complete && s->run_count == RUNS && last != 69 && last != 65 && last != 77)
		return verdict(why, "after %d runs it is not done", RUNS);
	return 0;
}

/* -- figures -- */

static int64_t count_throttled(const struct run_told *run)
{
	int64_t count = 0;

	for (size_t i = 0; i < run->attempts; i++)
		count += seen_attempt_at(run->first_attempt + i)->status == 429;
	return count;
}

static int judge_summary(const struct story *s, const struct run_told *run, char why[VERDICT_TEXT])
{
	const struct buf *j = &run->summary;
	unsigned n = run->proc->number;
	int64_t records = outputs_number(j, "records"),
	        outcomes = outputs_number(j, "accepted") + outputs_number(j, "skipped") +
	    outputs_number(j, "rejected") + outputs_number(j, "refused") +
	    outputs_number(j, "failed");

	/* what came after it was written, it cannot tell */
	bool cut_off = run->failed_at < INT64_MAX ||
	    (s->life->stop_again_ms && run->proc->status > 128);

	if (outputs_number(j, "exit_status") != run->proc->status && !cut_off)
		return verdict(why, "run %u: another exit status in the summary", n);
	if (outcomes > records || (run->proc->status <= 1 && outcomes != records))
		return verdict(why, "run %u: %" PRId64 " records, %" PRId64 " outcomes", n, records,
		    outcomes);
	if (outputs_number(j, "requests") != (int64_t)run->attempts)
		return verdict(why, "run %u: %" PRId64 " requests, but %zu attempts", n,
		    outputs_number(j, "requests"), run->attempts);
	if (outputs_number(j, "rate_limited") != count_throttled(run))
		return verdict(why, "run %u: %" PRId64 " rate limited, but %" PRId64 " were", n,
		    outputs_number(j, "rate_limited"), count_throttled(run));
	return 0;
}

/* A complete life: what is said of all its records. */
static int judge_totals(const struct story *s, const struct outputs *o, char why[VERDICT_TEXT])
{
	const struct run_told *last = &s->runs[s->run_count - 1];
	int64_t records = 0, errors = 0;
	uint64_t processed, said;

	for (unsigned row = 1; row <= s->plan.count; row++)
		if (oracle_in_window(s, row)) {
			records++;
			errors += o->rejects[row] > 0;
		}
	if ((last->proc->status == 1) != (errors > 0))
		return verdict(why, "the status is %d, and %" PRId64 " records are in the rejects",
		    last->proc->status, errors);
	if (outputs_number(&last->summary, "records") != records ||
	    outputs_number(&last->summary, "errors") != errors)
		return verdict(why,
		    "the summary has %" PRId64 " records and %" PRId64 " errors, not %" PRId64
		    " and %" PRId64,
		    outputs_number(&last->summary, "records"),
		    outputs_number(&last->summary, "errors"), records, errors);
	if (read_done(&last->proc->err, &processed, &said) != 0)
		return verdict(why, "it did not say that it is done");
	if ((int64_t)processed != records - errors || (int64_t)said != errors)
		return verdict(why, "it said %" PRIu64 " processed and %" PRIu64 " errors",
		    processed, said);
	return 0;
}

int oracle_judge_figures(const struct story *s, const struct outputs *o, char why[VERDICT_TEXT])
{
	for (size_t i = 0; i < s->run_count; i++) {
		const struct run_told *run = &s->runs[i];
		if (run->proc->state == PROC_EXITED && run->summary.len &&
		    judge_summary(s, run, why) != 0)
			return -1;
	}
	return s->complete && !s->runs[s->run_count - 1].over ? judge_totals(s, o, why) : 0;
}
