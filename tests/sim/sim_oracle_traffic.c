/* Order, pace, what was sent again, ids of events. */
#include "sim_oracle_parts.h"

#include <inttypes.h>
#include <stdlib.h>
#include "sim_seen.h"

/* what was answered is remembered but for the last half second before a death */
#define FORGOTTEN_US 500000
/* clocks count whole ones */
#define ROUNDING_US 2

static bool for_good(enum fate fate)
{
	return fate == FATE_ACCEPTED || fate == FATE_REFUSED || fate == FATE_LOST;
}

/* -- order: a record waits until the one before it, of the same person, is settled -- */

struct person {
	uint64_t hash;
	unsigned run;
	size_t last; /* 1 + what was sent last, in that run */
};

static struct person *person_of(struct person *all, size_t cap, uint64_t hash)
{
	size_t i = hash & (cap - 1);

	while (all[i].hash && all[i].hash != hash)
		i = (i + 1) & (cap - 1);
	all[i].hash = hash;
	return &all[i];
}

/* How often it failed in its run, up to that one. */
static unsigned failures_of(const struct evidence *e, size_t index)
{
	const struct seen *op = seen_at(index);
	unsigned run = seen_attempt_at(op->attempt)->proc, failures = 0;

	for (size_t i = index + 1; i > e->chapter->first_seen; i--) {
		const struct seen *before = seen_at(i - 1);
		failures += before->row == op->row && before->fate == FATE_FAILED &&
		    seen_attempt_at(before->attempt)->proc == run;
	}
	return failures;
}

/* Whether the program had an answer to it by then. */
static bool was_told(const struct seen *op, int64_t when)
{
	int64_t told = seen_attempt_at(op->attempt)->delivered;

	return told >= 0 && told <= when;
}

/* Whether its failures are so many that the program may have given it up. */
static bool may_be_given_up(const struct evidence *e, size_t index)
{
	return seen_at(index)->fate == FATE_FAILED &&
	    failures_of(e, index) > e->story->life->retries;
}

static int judge_next(const struct evidence *e, const struct person *p, const struct seen *op)
{
	const struct attempt *a = seen_attempt_at(op->attempt);
	const struct seen *last = p->last && p->run == a->proc ? seen_at(p->last - 1) : NULL;

	if (op->row == 0 && !op->deletes &&
	    !(e->story->changed && (op->mark == 0 || op->mark > 9000000)))
		return verdict(e, "something was sent that is no record");
	if (!last || last->row == op->row || op->row == 0 || last->row == 0)
		return 0;
	if (last->row > op->row && last->attempt == op->attempt)
		return verdict(e, "record %u stands behind %u, of the same person", op->row,
		    last->row);
	bool settled = last->attempt != op->attempt && was_told(last, a->started) &&
	    (for_good(last->fate) || last->fate == FATE_DOUBTED ||
	        (last->row < op->row && may_be_given_up(e, p->last - 1)));
	if (last->row > op->row && settled)
		return verdict(e, "record %u was sent after %u, of the same person", op->row,
		    last->row);
	if (last->row < op->row && last->attempt != op->attempt && !settled)
		return verdict(e, "record %u was sent before %u, of the same person, was settled",
		    op->row, last->row);
	return 0;
}

static int judge_order(const struct evidence *e)
{
	size_t cap = 64;
	int result = 0;

	while (cap < 4 * e->chapter->plan.count + 2)
		cap *= 2;
	struct person *all = xcalloc(cap, sizeof *all);
	for (size_t i = e->chapter->first_seen; i < seen_count() && result == 0; i++) {
		const struct seen *op = seen_at(i);
		const uint64_t about[] = { op->person ? op->person : op->other | 1,
			op->person ? op->other : 0 };
		for (int k = 0; k < 2 && about[k] && result == 0; k++) {
			struct person *p = person_of(all, cap, about[k]);
			result = judge_next(e, p, op);
			p->run = seen_attempt_at(op->attempt)->proc;
			p->last = i + 1;
		}
	}
	free(all);
	return result;
}

/* Whether what the program was told at that time, in that run, may be forgotten by the next: it had
 * no time to write it down. */
static bool may_forget(const struct run_told *run, int64_t told)
{
	int64_t last = run->proc->failed_at;

	if (run->proc->state == PROC_KILLED && run->proc->ended < last)
		last = run->proc->ended;
	return last < INT64_MAX && told > last - FORGOTTEN_US - run->proc->fsync_us;
}

static int judge_again(const struct evidence *e)
{
	size_t *settled = xcalloc(e->chapter->plan.count + 1,
	    sizeof *settled); /* 1 + an operation's index */
	int result = 0;

	for (size_t i = e->chapter->first_seen; i < seen_count() && result == 0; i++) {
		const struct seen *op = seen_at(i);
		if (op->row == 0)
			continue;
		const struct seen *before = settled[op->row] ? seen_at(settled[op->row] - 1) : NULL;
		if (before) {
			const struct attempt *a = seen_attempt_at(before->attempt),
			                     *b = seen_attempt_at(op->attempt);
			const struct run_told *run = &e->story->runs[a->proc - 1];
			bool stopped = e->story->life->stop_again_ms && run->proc->status > 128;
			if (a->proc == b->proc ? b->started >= a->delivered :
			                         !may_forget(run, a->delivered) && !stopped)
				result = verdict(e,
				    "record %u was sent again %.3f s after it was settled, %.3f s "
				    "before its run ended",
				    op->row, (double)(b->started - a->delivered) / 1e6,
				    (double)(run->proc->ended - a->delivered) / 1e6);
		}
		if (for_good(op->fate))
			settled[op->row] = i + 1;
	}
	free(settled);
	return result;
}

/* What may still leave, at most. */
struct pace {
	unsigned run; /* whose attempt was the last */
	double level;
	int64_t last;
};

static int judge_attempt(const struct evidence *e, struct pace *p, const struct attempt *a,
    size_t i)
{
	const struct life *l = e->story->life;
	/* what is not said of the rate is a shard's share of it */
	double parts = e->chapter->lane_count > 1 && !l->rate_file ? (double)l->shards : 1;
	double rate = l->rate ? (double)l->rate : 50 / parts;
	double burst = l->burst ? (double)l->burst : (double)(int64_t)(10 / parts);
	double most = burst + rate * ROUNDING_US / 1e6;

	p->level -= (double)(a->started - p->last) * rate / 1e6;
	p->level = (p->level < 0 ? 0 : p->level) + 1;
	p->last = a->started;
	if (p->level > most)
		return verdict(e, "attempt %zu is one too many: %g/s, burst %g", i, rate, burst);
	return 0;
}

/* Whether it did between: a machine that has just started knows no rate of before. */
static bool power_failed(const struct evidence *e, int64_t from, int64_t to)
{
	for (size_t i = e->chapter->first_run; i < e->story->run_count; i++) {
		const struct run_told *run = &e->story->runs[i];
		if (run->power && run->proc->ended >= from && run->proc->ended <= to)
			return true;
	}
	return false;
}

static int by_start(const void *a, const void *b)
{
	const struct attempt *x = seen_attempt_at(*(const size_t *)a),
	                     *y = seen_attempt_at(*(const size_t *)b);

	if (x->started != y->started)
		return x->started < y->started ? -1 : 1;
	return *(const size_t *)a < *(const size_t *)b ? -1 : 1;
}

/* The chapter's attempts in the order in which they had their tokens: one that stood still in
 * between leaves later. The caller's to free. */
static size_t *in_order(const struct evidence *e, size_t *count)
{
	size_t first = e->chapter->first_attempt;
	size_t *order = xcalloc(seen_attempts() - first + 1, sizeof *order);

	*count = 0;
	for (size_t i = first; i < seen_attempts(); i++)
		if (!e->story->runs[seen_attempt_at(i)->proc - 1].beside)
			order[(*count)++] = i;
	qsort(order, *count, sizeof *order, by_start);
	return order;
}

/* No window of any length holds more than burst + rate times its length. */
static int judge_pace(const struct evidence *e)
{
	bool shared = e->chapter->lane_count > 1 && e->story->life->rate_file;
	struct pace paces[LANES] = { 0 };
	size_t count, *order = in_order(e, &count);
	int result = 0;

	for (size_t i = 0; i < count && result == 0; i++) {
		const struct attempt *a = seen_attempt_at(order[i]);
		if (a->check && life_sends(e->story->life))
			continue; /* another limit's */
		struct pace *p = &paces[shared ? 0 : e->story->runs[a->proc - 1].lane];
		bool rebooted = p->run && power_failed(e, p->last, a->started);
		if ((!shared && p->run != a->proc) || rebooted)
			*p = (struct pace){ .run = a->proc, .last = a->started };
		p->run = a->proc;
		result = judge_attempt(e, p, a, order[i]);
	}
	free(order);
	return result;
}

struct id {
	uint64_t id;
	unsigned row;
};

static int by_id(const void *a, const void *b)
{
	const struct id *x = a, *y = b;

	return x->id != y->id ? (x->id < y->id ? -1 : 1) : (x->row > y->row) - (x->row < y->row);
}

/* An event keeps its id, and no other has it. */
static int judge_ids(const struct evidence *e)
{
	uint64_t *first = xcalloc(e->chapter->plan.count + 1, sizeof *first);
	unsigned *first_run = xcalloc(e->chapter->plan.count + 1, sizeof *first_run);
	struct id *ids = xcalloc(seen_count() + 1, sizeof *ids);
	size_t n = 0;
	int result = 0;

	for (size_t i = e->chapter->first_seen; i < seen_count() && result == 0; i++) {
		const struct seen *op = seen_at(i);
		if (op->row == 0 || !e->chapter->plan.rows[op->row - 1].event)
			continue;
		if (!op->id)
			result = verdict(e, "record %u is an event without an id", op->row);
		unsigned run = seen_attempt_at(op->attempt)->proc;
		/* a new run, after one whose state is gone, is another run */
		if (first[op->row] && run != first_run[op->row] &&
		    e->story->runs[first_run[op->row] - 1].forgot)
			first[op->row] = op->id;
		if (first[op->row] && first[op->row] != op->id)
			result = verdict(e, "record %u has another id when it is sent again",
			    op->row);
		first[op->row] = op->id;
		first_run[op->row] = run;
		ids[n++] = (struct id){ op->id, op->row };
	}
	qsort(ids, n, sizeof *ids, by_id);
	for (size_t i = 1; i < n && result == 0; i++)
		if (ids[i].id == ids[i - 1].id && ids[i].row != ids[i - 1].row)
			result = verdict(e, "records %u and %u have the same id", ids[i - 1].row,
			    ids[i].row);
	free(first);
	free(first_run);
	free(ids);
	return result;
}

int oracle_judge_traffic(const struct evidence *e)
{
	return judge_order(e) != 0 || judge_again(e) != 0 || judge_pace(e) != 0 ||
	        judge_ids(e) != 0 ?
	    -1 :
	    0;
}
