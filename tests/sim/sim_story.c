/* The command of a life, and its runs until the program says that it is done. */
#include "sim_story.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim_api.h"
#include "sim_disk.h"
#include "sim_net.h"
#include "sim_seen.h"
#include "sim_time.h"
#include "sim_trace.h"

enum { ARGUMENTS = 48 };

static const char *const environment[] = {
	"CUSTOMERIO_SITE_ID=site-sekret",
	"CUSTOMERIO_TRACK_API_KEY=key-sekret",
	"TERM=dumb",
	NULL,
};

/* -- the command -- */

struct command {
	char texts[ARGUMENTS][64];
	const char *argv[ARGUMENTS + 1];
	size_t count;
};

static void __attribute__((format(printf, 2, 3))) add(struct command *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c->texts[c->count], sizeof c->texts[0], fmt, ap);
	va_end(ap);
	c->argv[c->count] = c->texts[c->count];
	c->argv[++c->count] = NULL;
}

static void add_action(struct command *c, const struct life *l)
{
	static const char *const actions[] = { "identify", "track", "delete", "suppress" };

	if (l->action < 4)
		add(c, "--action=%s", actions[l->action]);
	else
		add(c, "--action-field=do");
	if (l->action == 1 || l->action == 4)
		add(c, "--event=bought");
}

static void add_number(struct command *c, const char *option, int64_t value, int64_t off)
{
	if (value != off)
		add(c, "--%s=%" PRId64, option, value);
}

static void add_time(struct command *c, const char *option, int64_t ms, int64_t off)
{
	if (ms != off)
		add(c, "--%s=%" PRId64 "ms", option, ms);
}

static void make_command(struct command *c, const struct life *l)
{
	c->count = 0;
	add(c, "cio-import");
	add(c, "%s", plan_name(l));
	add(c, "--summary=summary.json");
	add_action(c, l);
	if (l->batch == 1)
		add(c, "--batch");
	else if (l->batch)
		add(c, "--batch=%" PRId64, l->batch);
	add_number(c, "concurrency", l->concurrency, 0);
	add_number(c, "rate", l->rate, 0);
	add_number(c, "burst", l->burst, 0);
	add_number(c, "retries", l->retries, 4);
	add_number(c, "max-errors", l->max_errors, 0);
	add_number(c, "limit", l->limit, 0);
	add_number(c, "skip", l->skip, 0);
	add_time(c, "backoff", l->backoff_ms, 1000);
	add_time(c, "backoff-max", l->backoff_max_ms, 60000);
	add_time(c, "timeout", l->timeout_ms, 10000);
	add_time(c, "give-up-after", l->give_up_ms, 900000);
	if (l->no_adapt)
		add(c, "--no-adapt");
	if (l->results)
		add(c, "--results=results.ndjson");
	if (l->padding > 900)
		add(c, "--no-limits");
	if (l->verbose)
		add(c, "--verbose");
}

static void trace_command(const struct command *c)
{
	struct buf line = { .max = 4096 };

	for (size_t i = 0; i < c->count; i++)
		buf_fmt(&line, " %s", c->argv[i]);
	buf_byte(&line, '\0');
	trace("$%s", line.data);
	buf_free(&line);
}

/* -- one run -- */

static struct proc *signalled; /* the run that a signal is for, while it lives */

static void send_signal(void *arg)
{
	const struct life *l = arg;

	if (signalled && (int64_t)signalled->number == l->stop_run + 1)
		proc_signal(signalled, (int)l->stop_with);
}

static void plan_signals(const struct life *l, struct run_told *run, size_t number)
{
	if (!l->stop_ms || (int64_t)number != l->stop_run + 1)
		return;
	run->signalled = true;
	time_at(time_now() + l->stop_ms * 1000, send_signal, (void *)l);
	if (l->stop_again_ms)
		time_at(time_now() + (l->stop_ms + l->stop_again_ms) * 1000, send_signal,
		    (void *)l);
}

static void plan_disk(const struct life *l, size_t number)
{
	struct disk_weather w = { .sync_us = l->sync_ms * 1000, .short_writes = l->short_writes };

	if (l->fail_at && (int64_t)number == l->fail_run + 1) {
		w.fail_at = (uint64_t)l->fail_at;
		w.fail_with = (int)l->fail_with;
		w.fail_for = (unsigned)l->fail_for;
	}
	if (l->full_at && (int64_t)number == l->full_run + 1)
		w.capacity = (size_t)l->full_at;
	disk_weather(&w);
}

static uint64_t kill_of(const struct life *l, size_t number)
{
	const int64_t kills[] = { l->kill1, l->kill2, l->kill3, l->kill4, l->kill5, l->kill6 };

	return number <= 6 ? (uint64_t)kills[number - 1] : 0;
}

static void keep_summary(struct run_told *run)
{
	const struct buf *there = disk_get("summary.json");

	buf_init(&run->summary, 1 << 20);
	if (there)
		buf_add(&run->summary, there->data, there->len);
	disk_remove("summary.json");
}

static void trace_end(const struct run_told *run)
{
	const struct proc *p = run->proc;

	if (p->state == PROC_KILLED)
		trace("[%u] is killed before its call %" PRIu64, p->number, p->steps);
	else
		trace("[%u] ends with status %d after %" PRIu64 " calls", p->number, p->status,
		    p->steps);
}

static void one_run(struct story *s, const struct command *c)
{
	size_t number = s->run_count + 1;
	struct run_told *run = &s->runs[s->run_count++];

	run->first_attempt = seen_attempts();
	plan_disk(s->life, number);
	trace_command(c);
	run->proc = proc_start((unsigned)number, c->argv, environment);
	run->proc->kill_at = kill_of(s->life, number);
	signalled = run->proc;
	plan_signals(s->life, run, number);
	s->stuck = proc_run() != 0;
	run->failed_at = disk_failed_since();
	signalled = NULL;
	if (s->stuck)
		return;
	trace_end(run);
	run->attempts = seen_attempts() - run->first_attempt;
	keep_summary(run);
	if (run->proc->state == PROC_KILLED && number <= 6 && s->life->power >> (number - 1) & 1) {
		run->power = true;
		disk_power_loss();
	}
}

/* -- the whole -- */

/* A run that keeps nothing any more, when something was sent, is complete, whether or not it lived
 * to say so. */
static bool is_over(const struct story *s, const struct run_told *run)
{
	char state[80];

	snprintf(state, sizeof state, "%s.cio-state", plan_name(s->life));
	return run->proc->state == PROC_KILLED && !disk_get(state) && seen_count() > 0;
}

static void wall_jumps(void *arg)
{
	const struct life *l = arg;

	trace("the wall clock jumps by %" PRId64 " s", l->jump_s);
	time_jump(l->jump_s * 1000000);
}

static void begin(struct story *s)
{
	const struct life *l = s->life;

	time_begin(INT64_C(1700000000) * 1000000 +
	    (int64_t)(life_random(l, "wall", 0) % 1000000000) * 1000);
	disk_begin(life_random(l, "disk", 0));
	seen_begin();
	api_begin(l);
	net_begin(l);
	plan_make(&s->plan, l);
	disk_put(plan_name(l), s->plan.bytes.data, s->plan.bytes.len);
	if (l->jump_at_ms)
		time_at(time_now() + l->jump_at_ms * 1000, wall_jumps, (void *)l);
}

/* The same command mends it. */
static bool is_resumable(int status)
{
	return status == 69 || status == 73 || status == 77 || status > 128;
}

/* Whether the same command is to be given again. */
static bool goes_on(struct story *s)
{
	struct run_told *run = &s->runs[s->run_count - 1];
	const struct proc *p = run->proc;

	if (s->stuck)
		return false;
	if (p->state == PROC_KILLED) {
		run->over = s->complete = is_over(s, run);
		return !run->over && s->run_count < RUNS;
	}
	s->complete = p->status == 0 || p->status == 1;
	return !s->complete && is_resumable(p->status) && s->run_count < RUNS;
}

void story_run(struct story *s, const struct life *l)
{
	struct command c;

	memset(s, 0, sizeof *s);
	s->life = l;
	begin(s);
	make_command(&c, l);
	do {
		one_run(s, &c);
		time_pass(l->rest_ms * 1000);
		if (s->runs[s->run_count - 1].proc->status == 77 ||
		    s->runs[s->run_count - 1].proc->status == 69)
			time_pass(10000000);
	} while (goes_on(s));
}

void story_free(struct story *s)
{
	for (size_t i = 0; i < s->run_count; i++) {
		proc_free(s->runs[i].proc);
		buf_free(&s->runs[i].summary);
	}
	plan_free(&s->plan);
	net_end();
	api_end();
	seen_end();
	disk_end();
	time_end();
}
