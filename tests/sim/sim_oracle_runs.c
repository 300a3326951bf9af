/* How the runs ended, and what they counted. */
#include "sim_oracle_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sim_outputs.h"
#include "sim_seen.h"

/* records in a row that are answered 403, and it is not their fault */
#define WALLED_MOST 10
/* records whose failures in a row tell that the destination is down */
#define FAILING_MOST 10
/* how long a rate file's lock is waited for, at least */
#define HELD_MS 1000
/* of a token, the disk, an answer that is slow */
#define SLACK_MS 15000
#define HELD_MOST ((size_t)24 << 20) /* bytes */

static bool may_end_with(const struct evidence *e, const struct run_told *run)
{
	const struct life *l = e->story->life;
	const struct sums *sums = &e->sums[run->proc->number - 1];

	switch (run->proc->status) {
	case 0:
	case 1:
		return true;
	case 65:
		return l->max_errors > 0 || e->chapter->kind == CHAPTER_NIGHT || e->story->changed;
	case 69:
		return sums->down >= l->give_up_ms * 1000 || sums->astray;
	case 73:
		return run->proc->failed_at < INT64_MAX;
	case 75:
		/* a rate file may be held by one that stands still, as the lock of another run */
		if (l->rate_file && l->stall_ms >= HELD_MS && sums->attempts == 0)
			return true;
		return run->beside ? sums->attempts == 0 : l->beside_ms > 0;
	case 78: /* nothing was accepted, and one record alone is refused */
		return sums->proxied ||
		    (l->action == LIFE_SEGMENT && l->poison && sums->refused_alone);
	case 77:
		return sums->refused || sums->forbidden >= WALLED_MOST;
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
	/* the program's own line: NOLINTNEXTLINE(cert-err34-c) */
	return sscanf(found, "Done: %" SCNu64 " processed, %" SCNu64 " errors", processed,
	           errors) == 2 ?
	    0 :
	    -1;
}

/* How long it may go on without an answer, where nothing else holds it up: the retries of fewer
 * records are used up, one after another, than tell that the destination is down; then it counts as
 * down, and a last wait begins. us. */
static int64_t patience(const struct life *l)
{
	int64_t ms = l->give_up_ms + l->backoff_max_ms * 5 / 4 + FAILING_MOST * l->timeout_ms +
	    SLACK_MS;

	/* a 429 is an answer to who asks whether it is down */
	if (l->kind == LIFE_PIPE || l->stall_ms || l->link_kbps || l->rate_file || l->limit_kind)
		return INT64_MAX;
	for (int64_t n = 0; n < l->retries; n++) {
		int64_t wait = l->backoff_ms << n;
		wait = wait < l->backoff_max_ms ? wait : l->backoff_max_ms;
		ms += FAILING_MOST * (wait * 5 / 4 + l->timeout_ms);
	}
	return ms * 1000;
}

static int judge_run(const struct evidence *e, const struct run_told *run)
{
	const struct proc *p = run->proc;

	if (p->held_most > HELD_MOST)
		return verdict(e, "run %u held %zu bytes", p->number, p->held_most);
	if (p->err.len && memmem(p->err.data, p->err.len, "sekret", 6))
		return verdict(e, "run %u said a secret", p->number);
	if (p->state != PROC_EXITED)
		return 0;
	if (!may_end_with(e, run))
		return verdict(e, "run %u ended with status %d, for no reason", p->number,
		    p->status);
	if (p->status <= 1 && p->failed_at < INT64_MAX && p->err.len &&
	    memmem(p->err.data, p->err.len, " cannot be ", 11))
		return verdict(e, "run %u said what cannot be, and ended with status %d", p->number,
		    p->status);
	const struct sums *sums = &e->sums[p->number - 1];
	if (sums->down > patience(e->story->life))
		return verdict(e, "run %u had no answer for %" PRId64 " s", p->number,
		    sums->down / 1000000);
	/* an outage in between has them tried once more */
	if (p->status <= 1 && sums->walled >= WALLED_MOST && !sums->accepted && !sums->failed)
		return verdict(e, "run %u went on though %" PRId64 " records were answered 403",
		    p->number, sums->walled);
	if (p->held_end && p->status < 128)
		return verdict(e, "run %u did not give %zu bytes back", p->number, p->held_end);
	return 0;
}

/* Two runs of one command do not both send something. */
static int judge_beside(const struct evidence *e, const struct run_told *run)
{
	const struct story *s = e->story;

	for (size_t i = e->chapter->first_run; run->beside && i < s->run_count; i++) {
		const struct run_told *other = &s->runs[i];
		if (other != run && other->lane == run->lane &&
		    other->proc->ended > run->proc->started &&
		    other->proc->started < run->proc->ended && e->sums[i].operations > 0 &&
		    e->sums[run->proc->number - 1].operations > 0)
			return verdict(e, "runs %u and %u both send", other->proc->number,
			    run->proc->number);
	}
	return 0;
}

int oracle_judge_runs(const struct evidence *e)
{
	const struct story *s = e->story;

	for (size_t i = e->chapter->first_run; i < s->run_count; i++)
		if (judge_run(e, &s->runs[i]) != 0 || judge_beside(e, &s->runs[i]) != 0)
			return -1;
	for (unsigned i = 0; i < e->chapter->lane_count; i++) {
		const struct lane *lane = &e->chapter->lanes[i];
		int last = lane->run->proc->status;
		if (!lane->complete && lane->runs == LANE_RUNS && last != 69 && last != 65 &&
		    last != 78 && last != 77)
			return verdict(e, "after %d runs it is not done", LANE_RUNS);
	}
	return 0;
}

/* -- figures -- */

static int judge_summary(const struct evidence *e, const struct run_told *run)
{
	const struct buf *j = &run->summary;
	const struct sums *sums = &e->sums[run->proc->number - 1];
	unsigned n = run->proc->number;
	int64_t records = outputs_number(j, "records"),
	        outcomes = outputs_number(j, "accepted") + outputs_number(j, "skipped") +
	    outputs_number(j, "rejected") + outputs_number(j, "refused") +
	    outputs_number(j, "failed") + outputs_number(j, "unknown");

	/* what came after it was written, it cannot tell */
	bool cut_off = run->proc->failed_at < INT64_MAX ||
	    (e->story->life->stop_again_ms && run->proc->status > 128);

	if (outputs_number(j, "exit_status") != run->proc->status && !cut_off)
		return verdict(e, "run %u: another exit status in the summary", n);
	if (outcomes > records || (run->proc->status <= 1 && outcomes != records))
		return verdict(e, "run %u: %" PRId64 " records, %" PRId64 " outcomes", n, records,
		    outcomes);
	if (outputs_number(j, "accepted") != sums->taken && !cut_off)
		return verdict(e, "run %u: %" PRId64 " accepted, but %" PRId64 " were", n,
		    outputs_number(j, "accepted"), sums->taken);
	if (outputs_number(j, "unknown") < sums->lost && !cut_off)
		return verdict(e, "run %u: %" PRId64 " unknown, but %" PRId64 " were lost", n,
		    outputs_number(j, "unknown"), sums->lost);
	if (outputs_number(j, "requests") != sums->attempts)
		return verdict(e, "run %u: %" PRId64 " requests, but %" PRId64 " attempts", n,
		    outputs_number(j, "requests"), sums->attempts);
	if (outputs_number(j, "rate_limited") != sums->throttled)
		return verdict(e, "run %u: %" PRId64 " rate limited, but %" PRId64 " were", n,
		    outputs_number(j, "rate_limited"), sums->throttled);
	return 0;
}

/* A command that is done: what is said of all its records. */
static int judge_totals(const struct evidence *e, const struct lane *lane)
{
	const struct run_told *last = lane->run;
	int64_t records = 0, errors = 0;
	int64_t deletes = outputs_number(&last->summary, "deletes");
	int64_t said_records = outputs_number(&last->summary, "records") -
	    (deletes > 0 ? deletes : 0);
	uint64_t processed, said;

	for (unsigned row = 1; row <= e->chapter->plan.count; row++)
		if (oracle_in_window(e->story, row) || e->chapter->kind == CHAPTER_GROWN) {
			records++; /* those that were settled before are skipped: they are counted
			            */
			errors += e->outputs.rejects[row] > 0;
		}
	/* a delete that is not accepted is an error, and never in the rejects */
	if (deletes > 0 ? last->proc->status == 0 && errors > 0 :
	                  (last->proc->status == 1) != (errors > 0))
		return verdict(e, "the status is %d, and %" PRId64 " records are in the rejects",
		    last->proc->status, errors);
	if (said_records != records ||
	    (deletes <= 0 && outputs_number(&last->summary, "errors") != errors))
		return verdict(e,
		    "the summary has %" PRId64 " records and %" PRId64 " errors, not %" PRId64
		    " and %" PRId64,
		    said_records, outputs_number(&last->summary, "errors"), records, errors);
	if (last->proc->err.over)
		return 0; /* it said more than is kept */
	if (read_done(&last->proc->err, &processed, &said) != 0)
		return verdict(e, "it did not say that it is done");
	if ((int64_t)processed != outputs_number(&last->summary, "processed") ||
	    (int64_t)said != outputs_number(&last->summary, "errors"))
		return verdict(e, "it said %" PRIu64 " processed and %" PRIu64 " errors", processed,
		    said);
	return 0;
}

int oracle_judge_figures(const struct evidence *e)
{
	const struct story *s = e->story;

	/* two runs of one command have one summary */
	bool shared = s->life->beside_ms && e->chapter->number == 0;
	for (size_t i = e->chapter->first_run; i < s->run_count && !shared; i++) {
		const struct run_told *run = &s->runs[i];
		if (run->proc->state == PROC_EXITED && run->summary.len &&
		    judge_summary(e, run) != 0)
			return -1;
	}
	/* each shard speaks of its own records */
	if (shared || s->changed || e->chapter->lane_count > 1 || !story_is_complete(s) ||
	    e->chapter->lanes[0].run->over)
		return 0;
	return judge_totals(e, &e->chapter->lanes[0]);
}
