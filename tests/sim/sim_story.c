/* The command of a life, and its runs until the program says that it is done. */
#include "sim_story.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim_api.h"
#include "sim_disk.h"
#include "sim_files.h"
#include "sim_net.h"
#include "sim_outputs.h"
#include "sim_seen.h"
#include "sim_time.h"
#include "sim_trace.h"

static const char *const environment[] = {
	"CUSTOMERIO_SITE_ID=site-sekret",
	"CUSTOMERIO_TRACK_API_KEY=key-sekret",
	"CUSTOMERIO_APP_API_KEY=app-sekret",
	"TERM=dumb",
	NULL,
};

/* -- what is done to a run -- */

struct mishap { /* something that is to happen to a run, if it is still there */
	struct story *story;
	size_t run;
};

static struct mishap *mishap(struct story *s, size_t run)
{
	static struct mishap all[RUNS];

	all[run] = (struct mishap){ s, run };
	return &all[run];
}

static void send_signal(void *arg)
{
	const struct mishap *m = arg;
	const struct run_told *run = &m->story->runs[m->run];

	if (run->proc)
		proc_signal(run->proc, (int)m->story->life->stop_with);
}

static void plan_signals(struct story *s, size_t index)
{
	const struct life *l = s->life;

	if (!l->stop_ms || (int64_t)index != l->stop_run)
		return;
	s->runs[index].signalled = true;
	time_at(time_now() + l->stop_ms * 1000, send_signal, mishap(s, index));
	if (l->stop_again_ms)
		time_at(time_now() + (l->stop_ms + l->stop_again_ms) * 1000, send_signal,
		    mishap(s, index));
}

static void plan_disk(const struct life *l, size_t index)
{
	struct disk_weather w = { .sync_us = l->sync_ms * 1000, .short_writes = l->short_writes };

	if (l->fail_at && (int64_t)index == l->fail_run) {
		w.fail_at = (uint64_t)l->fail_at;
		w.fail_with = (int)l->fail_with;
		w.fail_for = (unsigned)l->fail_for;
	}
	if (l->full_at && (int64_t)index == l->full_run)
		w.capacity = (size_t)l->full_at;
	disk_weather(&w);
}

static uint64_t kill_of(const struct life *l, size_t index)
{
	const int64_t kills[] = { l->kill1, l->kill2, l->kill3, l->kill4, l->kill5, l->kill6 };

	return index < 6 ? (uint64_t)kills[index] : 0;
}

/* -- standard input -- */

static void bring_some(void *arg)
{
	struct mishap *m = arg;
	struct story *s = m->story;
	const struct buf *all = &s->chapter.plan.files[0];
	struct run_told *run = &s->runs[m->run];
	size_t piece = (size_t)s->life->pipe_bytes;

	if (!run->proc || run->proc->state != PROC_LIVES)
		return;
	size_t sent = files_pipe_sent();
	if (piece == 0 || piece > all->len - sent)
		piece = all->len - sent;
	files_pipe_more(all->data + sent, piece);
	if (files_pipe_sent() == all->len)
		files_pipe_end();
	else
		time_at(time_now() + s->life->pipe_ms * 1000, bring_some, m);
	proc_wake(run->proc);
}

/* -- one run -- */

static void start(struct story *s, unsigned lane_index, bool beside)
{
	struct lane *lane = &s->chapter.lanes[lane_index];
	size_t index = s->run_count++;
	struct run_told *run = &s->runs[index];

	*run = (struct run_told){ .lane = lane_index, .beside = beside };
	buf_init(&run->summary, 1 << 20);
	plan_disk(s->life, index);
	command_trace(&lane->command);
	run->proc = proc_start((unsigned)index + 1, lane->command.argv, environment);
	run->proc->kill_at = kill_of(s->life, index);
	if ((int64_t)index == s->life->stall_run)
		proc_stall(run->proc, (uint64_t)s->life->stall_at, s->life->stall_ms * 1000);
	plan_signals(s, index);
	if (strcmp(lane->command.inputs[0], "-") == 0) {
		files_pipe_begin();
		time_at(time_now() + s->life->pipe_ms * 1000, bring_some, mishap(s, index));
	}
	if (beside)
		return;
	lane->run = run;
	lane->runs++;
	lane->state = LANE_RUNS_NOW;
}

static void keep_summary(struct run_told *run, const struct command *c)
{
	const struct buf *there = disk_get(c->summary);

	if (!there)
		return;
	buf_add(&run->summary, there->data, there->len);
	disk_remove(c->summary);
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

/* Whether a lane's runs have sent something of the input. */
static bool has_sent(const struct story *s, const struct lane *lane)
{
	for (size_t i = s->chapter.first_seen; i < seen_count(); i++)
		if (&s->chapter
		         .lanes[s->runs[seen_attempt_at(seen_at(i)->attempt)->proc - 1].lane] ==
		    lane)
			return true;
	return false;
}

/* The same command mends it. */
static bool is_resumable(const struct life *l, int status)
{
	if (status == 78)
		return l->proxy_at_ms > 0;
	return status == 69 || status == 73 || status == 77 || status > 128;
}

static bool keeps_state(const struct life *l)
{
	return l->kind == LIFE_PIPE || l->kind == LIFE_GROWING;
}

/* Whether it died, or the disk failed it at its very end. */
static bool is_doubtful(const struct proc *p)
{
	return p->state == PROC_KILLED ||
	    (p->failed_at < INT64_MAX && p->ended - p->failed_at < 200000);
}

/* What becomes of a command whose run has ended. */
static void go_on(struct story *s, struct lane *lane)
{
	struct run_told *run = lane->run;
	const struct proc *p = run->proc;
	bool again = is_resumable(s->life, p->status);

	run->forgot = !disk_get(lane->command.state);
	lane->complete = p->status == 0 || p->status == 1;
	if (p->state == PROC_KILLED) {
		/* a run that keeps nothing any more is complete, whether or not it lived to say so
		 */
		run->over = !disk_get(lane->command.state) && has_sent(s, lane);
		lane->complete = run->over;
		again = !run->over;
	}
	/* where it is kept, nobody sees whether it was: the story ends there */
	if (keeps_state(s->life) && run->summary.len && is_doubtful(p))
		again = false;
	/* what the next run makes of another input is another story */
	if (s->changed ||
	    (s->life->hasty && s->chapter.kind == CHAPTER_NIGHT &&
	        s->chapter.number + 1 < (unsigned)s->life->nights))
		again = false;
	lane->state = again && lane->runs < LANE_RUNS ? LANE_WAITS : LANE_ENDED;
	lane->starts_at = time_now() + s->life->rest_ms * 1000;
	if (p->status == 77 || p->status == 78 || p->status == 69)
		lane->starts_at += 10000000;
}

static void power_fails(struct story *s)
{
	for (size_t i = s->chapter.first_run; i < s->run_count; i++)
		if (s->runs[i].proc->state == PROC_LIVES) {
			proc_kill(s->runs[i].proc);
			s->runs[i].power = true;
		}
	proc_bury();
	disk_power_loss();
}

/* Runs that have ended since this was asked last. */
static void look_at_ended(struct story *s)
{
	for (unsigned i = 0; i < s->chapter.lane_count; i++) {
		struct lane *lane = &s->chapter.lanes[i];
		struct proc *p = lane->run ? lane->run->proc : NULL;
		if (lane->state != LANE_RUNS_NOW || !p || p->state == PROC_LIVES)
			continue;
		unsigned index = p->number - 1;
		trace_end(lane->run);
		keep_summary(lane->run, &lane->command);
		bool fails = p->state == PROC_KILLED && !lane->run->power && index < 6 &&
		    s->life->power >> index & 1;
		lane->run->power |= fails;
		if (fails)
			power_fails(s);
		go_on(s, lane);
		if (fails)
			i = UINT_MAX; /* it took others with it */
	}
}

/* -- a second run beside the first -- */

static void start_beside(void *arg)
{
	struct mishap *m = arg;
	struct story *s = m->story;

	if (s->chapter.number == 0 && s->chapter.lanes[0].state == LANE_RUNS_NOW &&
	    s->chapter.lanes[0].run->proc->state == PROC_LIVES && s->run_count + 1 < RUNS)
		start(s, 0, true);
}

/* Where the first ends, what the second does is no matter of this story. */
static void end_beside(struct story *s)
{
	for (size_t i = s->chapter.first_run; i < s->run_count; i++) {
		struct run_told *run = &s->runs[i];
		if (run->beside && run->proc->state == PROC_LIVES &&
		    s->chapter.lanes[run->lane].state != LANE_RUNS_NOW)
			proc_kill(run->proc);
	}
	proc_bury();
}

static bool any_lives(const struct story *s)
{
	for (unsigned i = 0; i < s->chapter.lane_count; i++)
		if (s->chapter.lanes[i].state == LANE_RUNS_NOW)
			return true;
	return false;
}

/* -- the input changes under a run -- */

static void change_input(void *arg)
{
	static const char more[] = "late,9000001,,,track,\nlate,9000002,,,track,\n";
	struct story *s = ((struct mishap *)arg)->story;
	/* rows that are added to a file have numbers before those of the next */
	unsigned file = s->life->change == 3 ? s->chapter.plan.file_count - 1 : 0;
	const struct buf *all = &s->chapter.plan.files[file];
	char name[PLAN_NAME];

	plan_name(s->life, file, name);
	if (!any_lives(s) || s->chapter.number > 0)
		return;
	trace("the input is changed");
	s->changed = true;
	s->changed_at = s->chapter.lanes[0].run->proc->steps;
	if (s->life->change == 1)
		disk_put(name, all->data, (size_t)(life_random(s->life, "cut", 0) % all->len));
	else if (s->life->change == 2)
		disk_replace(name, more, sizeof more - 1);
	else if (s->life->format == LIFE_CSV && !s->life->no_break)
		disk_append(name, more, sizeof more - 1);
}

/* -- a chapter -- */

/* When the next command is due; INT64_MAX: none. */
static int64_t next_start(const struct story *s)
{
	int64_t next = INT64_MAX;

	for (unsigned i = 0; i < s->chapter.lane_count; i++)
		if (s->chapter.lanes[i].state == LANE_WAITS && s->chapter.lanes[i].starts_at < next)
			next = s->chapter.lanes[i].starts_at;
	return next;
}

static void live_chapter(struct story *s)
{
	while (!s->stuck && (any_lives(s) || next_start(s) < INT64_MAX)) {
		for (unsigned i = 0; i < s->chapter.lane_count; i++)
			if (s->chapter.lanes[i].state == LANE_WAITS &&
			    s->chapter.lanes[i].starts_at <= time_now())
				start(s, i, false);
		if (any_lives(s))
			s->stuck = proc_run(next_start(s)) != 0;
		else
			time_until(next_start(s));
		look_at_ended(s);
		end_beside(s);
	}
}

static struct command *add_command(struct story *s)
{
	struct lane *lane = &s->chapter.lanes[s->chapter.lane_count++];

	*lane = (struct lane){ .state = LANE_WAITS, .starts_at = time_now() };
	return &lane->command;
}

static void add_lane(struct story *s, unsigned shard, unsigned shards)
{
	struct command *c = add_command(s);

	c->input_count = s->chapter.plan.file_count;
	for (unsigned i = 0; i < c->input_count; i++)
		plan_name(s->life, i, c->inputs[i]);
	if (s->life->kind == LIFE_PIPE)
		snprintf(c->inputs[0], sizeof c->inputs[0], "-");
	command_make(c, s->life, shard, shards, s->chapter.kind == CHAPTER_NIGHT);
}

static void begin_import(struct story *s)
{
	const struct life *l = s->life;
	struct chapter *c = &s->chapter;
	char name[PLAN_NAME];

	c->kind = CHAPTER_IMPORT;
	plan_make(&c->plan, l, (unsigned)l->records);
	for (unsigned i = 0; i < c->plan.file_count && l->kind != LIFE_PIPE; i++) {
		plan_name(l, i, name);
		disk_put(name, c->plan.files[i].data, c->plan.files[i].len);
	}
	if (l->kind == LIFE_SHARDS)
		for (unsigned i = 1; i <= (unsigned)l->shards; i++)
			add_lane(s, i, (unsigned)l->shards);
	else
		add_lane(s, 0, 0);
	if (l->change && l->kind == LIFE_PLAIN)
		time_at(time_now() + l->change_ms * 1000, change_input, mishap(s, RUNS - 2));
	if (l->beside_ms && l->kind == LIFE_PLAIN)
		time_at(time_now() + l->beside_ms * 1000, start_beside, mishap(s, RUNS - 1));
}

static void begin_night(struct story *s)
{
	struct chapter *c = &s->chapter;
	char name[PLAN_NAME];

	c->kind = CHAPTER_NIGHT;
	plan_make_night(&c->plan, s->life, c->number);
	for (unsigned i = 0; i < c->plan.file_count; i++) {
		plan_name(s->life, i, name);
		disk_replace(name, c->plan.files[i].data, c->plan.files[i].len);
	}
	add_lane(s, 0, 0);
}

/* The log has grown: the same command brings what is new. */
static void begin_grown(struct story *s)
{
	struct chapter *c = &s->chapter;
	size_t before = s->before.files[0].len;
	char name[PLAN_NAME];

	c->kind = CHAPTER_GROWN;
	plan_make(&c->plan, s->life, (unsigned)s->life->records * (c->number + 1));
	plan_name(s->life, 0, name);
	disk_append(name, c->plan.files[0].data + before, c->plan.files[0].len - before);
	add_lane(s, 0, 0);
}

/* What was rejected, as a person would feed it in again: 0, or -1: nothing was. */
static int begin_rejects(struct story *s)
{
	const struct command before = s->chapter.lanes[0].command;
	char name[COMMAND_NAME];

	s->chapter.kind = CHAPTER_REJECTS;
	s->chapter.lane_count = 0;
	struct command *c = add_command(s);
	c->fed_in = true;
	c->input_count = 0;
	for (unsigned i = 0; i < before.input_count; i++) {
		command_rejects(&before, i, name);
		const struct buf *file = disk_get(name);
		if (!file)
			continue;
		snprintf(c->inputs[c->input_count], sizeof c->inputs[0], "again%u.%s",
		    c->input_count, s->life->format ? "ndjson" : "csv");
		outputs_plan(&s->chapter.plan, &s->before, i, file, s->life->format != LIFE_CSV);
		disk_put(c->inputs[c->input_count++], file->data, file->len);
	}
	if (c->input_count == 0)
		return -1;
	command_make(c, s->life, 0, 0, false);
	return 0;
}

static void wall_jumps(void *arg)
{
	const struct life *l = arg;

	trace("the wall clock jumps by %" PRId64 " s", l->jump_s);
	time_jump(l->jump_s * 1000000);
}

void story_begin(struct story *s, const struct life *l)
{
	memset(s, 0, sizeof *s);
	s->life = l;
	time_begin(INT64_C(1700000000) * 1000000 +
	    (int64_t)(life_random(l, "wall", 0) % 1000000000) * 1000);
	disk_begin(life_random(l, "disk", 0));
	seen_begin();
	api_begin(l);
	net_begin(l);
	if (l->jump_at_ms)
		time_at(time_now() + l->jump_at_ms * 1000, wall_jumps, (void *)l);
}

/* Turns the page: what was the chapter's plan is the one before's. */
static void turn_page(struct story *s, unsigned number)
{
	plan_free(&s->before);
	s->before = s->chapter.plan;
	s->before_complete = number > 0 && story_is_complete(s);
	s->chapter.plan = (struct input_plan){ 0 };
	s->chapter.number = number;
	s->chapter.first_run = s->run_count;
	s->chapter.first_attempt = seen_attempts();
	s->chapter.first_seen = seen_count();
	if (number > 0)
		time_pass(s->life->rest_ms * 1000);
	if (number > 0 && s->life->move_dir)
		disk_move_dir(".", number % 2 ? "/elsewhere" : "/import");
}

bool story_next(struct story *s)
{
	const struct life *l = s->life;
	unsigned number = s->run_count ? s->chapter.number + 1 : 0;

	if (number > 0 && !story_is_complete(s) && !(l->hasty && l->kind == LIFE_NIGHTS))
		return false;
	bool nightly = l->kind == LIFE_NIGHTS || l->kind == LIFE_GROWING;
	if (number >= (nightly ? (unsigned)l->nights : 1u + (l->again != 0)))
		return false;
	turn_page(s, number);
	if (nightly || number == 0)
		s->chapter.lane_count = 0;
	if (l->kind == LIFE_NIGHTS)
		begin_night(s);
	else if (number == 0)
		begin_import(s);
	else if (l->kind == LIFE_GROWING)
		begin_grown(s);
	else if (l->kind != LIFE_PLAIN || begin_rejects(s) != 0)
		return false;
	live_chapter(s);
	return true;
}

bool story_is_complete(const struct story *s)
{
	for (unsigned i = 0; i < s->chapter.lane_count; i++)
		if (!s->chapter.lanes[i].complete)
			return false;
	return true;
}

static int trace_file(const char *name, const struct buf *data, void *arg)
{
	(void)arg;
	trace("there is %s, %zu bytes", name, data->len);
	return 0;
}

void story_end(struct story *s)
{
	disk_each(trace_file, NULL);
	for (size_t i = 0; i < s->run_count; i++) {
		proc_free(s->runs[i].proc);
		buf_free(&s->runs[i].summary);
	}
	plan_free(&s->chapter.plan);
	plan_free(&s->before);
	net_end();
	api_end();
	seen_end();
	disk_end();
	time_end();
}
