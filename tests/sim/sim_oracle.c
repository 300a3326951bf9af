/* The judgements of single records, and of what is left on the disk. */
#include "sim_oracle.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim_disk.h"
#include "sim_net.h"
#include "sim_oracle_parts.h"
#include "sim_outputs.h"
#include "sim_seen.h"

int verdict(char why[VERDICT_TEXT], const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, VERDICT_TEXT, fmt, ap);
	va_end(ap);
	return -1;
}

bool oracle_in_window(const struct story *s, unsigned row)
{
	const struct life *l = s->life;

	return row > l->skip && (!l->limit || row <= l->skip + l->limit);
}

/* -- each record has one outcome, and the API holds what follows from it -- */

/* What the network saw of a record. */
struct sight {
	unsigned sent;     /* attempts that it was in */
	unsigned applied;  /* of these, those after which the API holds it */
	bool accepted;     /* the program was told so, once at least */
	enum fate last;    /* the last thing that the program was told of it */
	unsigned last_run; /* in which it was sent last */
	unsigned failures; /* that the program was told of in that run */
};

static struct sight *look_at_all(const struct story *s)
{
	struct sight *all = xcalloc(s->plan.count + 1, sizeof *all);

	for (size_t i = 0; i < seen_count(); i++) {
		const struct seen *op = seen_at(i);
		const struct attempt *a = seen_attempt_at(op->attempt);
		if (op->row == 0 || op->row > s->plan.count)
			continue;
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

static int judge_rejected(const struct story *s, const struct row *row, const struct sight *sight,
    enum told as, char why[VERDICT_TEXT])
{
	unsigned n = row->number;

	switch (as) {
	case TOLD_REJECTED:
		return row->invalid ?
		    0 :
		    verdict(why, "record %u is rejected, and nothing is wrong with it", n);
	case TOLD_REFUSED:
		if (sight->last != FATE_REFUSED)
			return verdict(why, "record %u is refused, but the API did not say so", n);
		return 0;
	case TOLD_FAILED:
		if (sight->last == FATE_ACCEPTED)
			return verdict(why, "record %u is failed, but was accepted", n);
		if (sight->failures < (unsigned)s->life->retries + 1)
			return verdict(why,
			    "record %u is failed after %u failures: there are %d retries", n,
			    sight->failures, (int)s->life->retries);
		return 0;
	default:
		return verdict(why, "record %u is in the rejects with an outcome of another kind",
		    n);
	}
}

static int judge_row(const struct story *s, const struct outputs *o, const struct row *row,
    const struct sight *sight, char why[VERDICT_TEXT])
{
	unsigned n = row->number, rejects = o->rejects[n];

	if (!oracle_in_window(s, n))
		return sight->sent || rejects ?
		    verdict(why, "record %u is left out, and was taken", n) :
		    0;
	if (row->invalid && sight->sent)
		return verdict(why, "record %u is invalid, and was sent", n);
	if (rejects > 1)
		return verdict(why, "record %u is in the rejects %u times", n, rejects);
	if (rejects && judge_rejected(s, row, sight, o->rejects_as[n], why) != 0)
		return -1;
	if (!rejects && !sight->accepted)
		return verdict(why, "record %u is lost: it is neither accepted nor in the rejects",
		    n);
	if (!rejects && !sight->applied)
		return verdict(why, "record %u counts as accepted, and the API does not hold it",
		    n);
	if (!rejects && row->invalid)
		return verdict(why, "record %u is invalid, and not in the rejects", n);
	if (s->life->results && o->results[n] != 1)
		return verdict(why, "record %u is in the results %u times", n, o->results[n]);
	if (s->life->results && o->results_as[n] != (rejects ? o->rejects_as[n] : TOLD_ACCEPTED))
		return verdict(why, "record %u has another outcome in the results", n);
	return 0;
}

static int judge_records(const struct story *s, const struct outputs *o, char why[VERDICT_TEXT])
{
	struct sight *all = look_at_all(s);
	int result = 0;

	for (size_t i = 0; i < s->plan.count && result == 0; i++)
		result = judge_row(s, o, &s->plan.rows[i], &all[i + 1], why);
	free(all);
	return result;
}

/* -- what is left on the disk -- */

struct leftovers {
	const struct story *s;
	char *why;
	int result;
};

static bool ends_with(const char *name, const char *end)
{
	size_t len = strlen(name), n = strlen(end);

	return len >= n && strcmp(name + len - n, end) == 0;
}

static int look_at_file(const char *name, const struct buf *data, void *arg)
{
	struct leftovers *left = arg;

	if (data->len && memmem(data->data, data->len, "sekret", 6))
		left->result = verdict(left->why, "%s holds a secret", name);
	else if (left->s->complete && ends_with(name, ".cio-state"))
		left->result = verdict(left->why, "%s is left though the run is complete", name);
	return left->result;
}

static int judge_disk(const struct story *s, char why[VERDICT_TEXT])
{
	struct leftovers left = { s, why, 0 };

	disk_each(look_at_file, &left);
	return left.result;
}

int oracle_judge(const struct story *s, char why[VERDICT_TEXT])
{
	struct outputs o;

	if (net_complaint()[0])
		return verdict(why, "%s", net_complaint());
	if (s->stuck)
		return verdict(why, "run %zu waits for what never comes", s->run_count);
	if (oracle_judge_runs(s, why) != 0 || oracle_judge_traffic(s, why) != 0)
		return -1;
	outputs_read(&o, s);
	int result = judge_disk(s, why);
	if (result == 0 && s->complete)
		result = o.foreign ?
		    verdict(why, "rejects or results hold %u lines of no record", o.foreign) :
		    judge_records(s, &o, why);
	if (result == 0)
		result = oracle_judge_figures(s, &o, why);
	outputs_free(&o);
	return result;
}
