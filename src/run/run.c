#include "run/run.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <signal.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "queue/arena.h"
#include "base/clock.h"
#include "show/display.h"
#include "run/run_state.h"
#include "run/identity.h"
#include "queue/lanes.h"
#include "run/producer.h"
#include "operation/mapping.h"
#include "base/path.h"
#include "run/feed.h"
#include "store/rejects.h"
#include "send/sender.h"
#include "run/signals.h"
#include "store/syncfile.h"
#include "base/words.h"

/* outcomes wait this long for their commit; with a slow disk's time, half a second is promised */
#define COMMIT_US 150000
#define HELD_SINGLE (4u << 20) /* bytes of records held at once, in flight and waiting */
#define HELD_BATCH (8u << 20)
/* records that may be unsettled, waiting for their turn among them */
#define WAITING_SINGLE 1000
#define WAITING_BATCH 25000

/* -- shared by the parts of a run (run_state.h) -- */

void run_stop(struct run *r, int status, const char *by, const char *fmt, ...)
{
	char text[REASON_MAX + 256];
	va_list ap;

	if (r->stop.asked)
		return;
	r->stop = (struct stop){ .asked = true, .status = status, .by = by };
	r->stopped_at = r->now;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	display_message(r->display, DISPLAY_ERROR, "%s", text);
}

/* splitmix64 (Steele, Lea, Flood 2014): good enough for jitter. */
uint64_t run_random(struct run *r)
{
	uint64_t z = r->random += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

void run_counted(struct run *r, uint64_t records)
{
	const struct options *o = r->o;
	uint64_t total = records > o->skip ? records - o->skip : 0;

	r->counting = false;
	if (!o->shards)
		r->moment.total = o->limit && o->limit < total ? o->limit : total;
}

bool run_count(struct run *r, size_t bytes)
{
	uint64_t total;
	int more = input_count(r->input, bytes, &total);

	if (more == 1)
		return true;
	r->counting = false;
	if (more == 0)
		run_counted(r, total);
	return false;
}

/* -- start -- */

static int set_up_input(struct run *r, int *status, struct reason *why)
{
	const struct options *o = r->o;

	*status = 64;
	r->mapping = feed_mapping(o, why);
	if (!r->mapping)
		return -1;
	r->input = input_new(&o->input, why, status);
	if (!r->input)
		return -1;
	for (unsigned f = 0; f < o->input.file_count; f++) {
		*status = 64;
		if (feed_sets(o, r->input, f, why) != 0)
			return -1;
		*status = 65;
		if (feed_header(r->mapping, r->input, f, o, why) != 0)
			return -1;
	}
	r->counting = true;
	return 0;
}

static void set_up_limits(struct run *r)
{
	const struct options *o = r->o;
	int64_t at_once = o->record_rate.num ?
	    (int64_t)batch_at_once(&o->record_rate, &o->rate, o->burst) :
	    1;

	r->line_at = o->progress_every;
	r->batch_most = feed_batch_most(o);
	bucket_init(&r->bucket, o->rate.num, o->rate.den, (int64_t)o->burst, 1, !o->no_adapt, r->now);
	bucket_init(&r->record_bucket, o->record_rate.num, o->record_rate.den, at_once, at_once,
	    false, r->now);
	gate_init(&r->gate);
	r->unsettled_most = o->batch ? WAITING_BATCH : WAITING_SINGLE + 2 * (size_t)o->concurrency;
	r->held_most = o->batch ? HELD_BATCH : HELD_SINGLE;
	r->arena = arena_new();
	r->lanes = lanes_new();
	r->producer = producer_new(o, r->input, r->mapping, &r->operation, o->batch);
}

static int set_up_sender(struct run *r, int *status, struct reason *why)
{
	const struct options *o = r->o;
	struct sender_config c = {
		.base = o->url,
		.user = o->site_id,
		.password = o->api_key,
		.ca_file = o->ca_file,
		.proxy = o->proxies ? NULL : "",
		.timeout_us = o->timeout_us,
		.slots = o->concurrency,
		.large_bodies = o->batch,
	};

	r->sender = sender_new(&c, why);
	*status = 78;
	return r->sender ? 0 : -1;
}

/* "users.csv: resuming: 412,000 of 1,000,000 records are settled" */
static void say_resuming(struct run *r)
{
	const struct checkpoint_state *s = &r->resume.state;
	struct buf text = { .max = 128 };

	while (r->counting && run_count(r, COUNT_PIECE))
		;
	words_count(&text, s->high - s->open_count - (r->o->skip < s->high ? r->o->skip : s->high),
	    true);
	if (r->moment.total) {
		buf_str(&text, " of ");
		words_count(&text, r->moment.total, true);
	}
	buf_byte(&text, '\0');
	display_message(r->display, DISPLAY_NOTICE, "%s: resuming: %s records are settled",
	    input_name(r->input, 0), text.data);
	buf_free(&text);
}

static int open_checkpoint(struct run *r, const struct identity *id, int *status,
    struct reason *why)
{
	static const int statuses[] = { [CHECKPOINT_BUSY] = 75,
		[CHECKPOINT_OTHER] = 65,
		[CHECKPOINT_BROKEN] = 65,
		[CHECKPOINT_FAILED] = 73 };
	struct checkpoint_identity about = {
		.input = id->input.data,
		.action = id->action.data,
		.destination = id->destination.data,
		.mapping = id->mapping.data,
	};

	if (!r->o->state)
		return 0;
	enum checkpoint_result got = checkpoint_open(r->o->state, &about, r->o->restart,
	    &r->checkpoint, &r->resume.state, why);
	/* a night that was not finished: what it left is due in the sync file */
	if (got == CHECKPOINT_OTHER && r->sync)
		got = checkpoint_open(r->o->state, &about, true, &r->checkpoint, &r->resume.state,
		    why);
	if (got == CHECKPOINT_NEW)
		return 0;
	if (got != CHECKPOINT_RESUME) {
		*status = statuses[got];
		return -1;
	}
	r->resume.verifying = true;
	r->operation.event_time_ms = r->resume.state.event_time_ms;
	say_resuming(r);
	return 0;
}

static char *absolute(const char *name)
{
	char *path = name && strcmp(name, "-") != 0 ? path_absolute(name) : NULL;

	/* a directory that is not there: opening the file says so */
	return path ? path : xstrdup("");
}

/* Rejects and results, new or carried on: what was kept is about these files only if they are the
 * same ones. */
static int open_outputs(struct run *r, int *status, struct reason *why)
{
	const struct options *o = r->o;
	const struct checkpoint_state *s = &r->resume.state;
	bool resuming = r->resume.verifying;
	int bad = 0;

	*status = 73;
	r->rejects_name = absolute(o->rejects);
	r->results_name = absolute(o->results);
	if (o->rejects) {
		bool same = resuming && strcmp(s->rejects_name, r->rejects_name) == 0;
		r->rejects = rejects_new(o->rejects, same ? s->rejects_sizes : NULL,
		    o->input.file_count, why);
		if (!r->rejects)
			return -1;
	}
	if (o->results && resuming && strcmp(s->results_name, r->results_name) == 0)
		bad = outfile_continue(&r->results, o->results, OUTFILE_ANY, s->results_size, why);
	else if (o->results)
		bad = outfile_create(&r->results, o->results, OUTFILE_ANY, why);
	return bad;
}

/* What is written at the end, or perhaps never: that its place is wrong should be known now. */
static int check_outputs(const struct options *o, int *status, struct reason *why)
{
	*status = 73;
	if (o->rejects && outfile_check(o->rejects, false, why) != 0)
		return -1;
	if (o->summary && outfile_check(o->summary, true, why) != 0)
		return -1;
	return o->metrics ? outfile_check(o->metrics, true, why) : 0;
}

static struct display *make_display(const struct options *o)
{
	bool shared = o->results && strcmp(o->results, "-") == 0 && isatty(STDOUT_FILENO);
	struct display_config c = {
		.fd = STDERR_FILENO,
		/* results would run through a bar */
		.mode = shared && o->progress == PROGRESS_AUTO ? PROGRESS_PLAIN : o->progress,
		.quiet = o->quiet,
		.verbose = o->verbose,
		.every = o->progress_every,
		.name = strcmp(o->input.files[0], "-") != 0 ? o->input.files[0] : NULL,
		.rejects = o->rejects,
		.results = o->results,
		.term = getenv("TERM"),
		.no_color = getenv("NO_COLOR"),
	};

	return display_new(&c);
}

static int open_sync(struct run *r, const struct identity *id, int *status, struct reason *why)
{
	if (!r->o->sync)
		return 0;
	r->sync = feed_sync(r->o, id, status, why);
	r->deletes = r->o->sync_deletes < 0 ? DELETES_OVER : DELETES_LATER;
	return r->sync ? 0 : -1;
}

static int set_up(struct run *r, struct identity *id, int *status, struct reason *why)
{
	if (set_up_input(r, status, why) != 0 || check_outputs(r->o, status, why) != 0)
		return -1;
	identity_make(id, r->o, r->input);
	r->operation = feed_operations(r->o, id, r->input, r->started_wall / 1000);
	if (open_sync(r, id, status, why) != 0)
		return -1;
	if (open_checkpoint(r, id, status, why) != 0 || open_outputs(r, status, why) != 0)
		return -1;
	set_up_limits(r);
	if (set_up_sender(r, status, why) != 0)
		return -1;
	r->check_wanted = true;
	return settle_commit(r);
}

/* -- the loop -- */

static void look_at_signals(struct run *r)
{
	int number = signals_stop();
	unsigned flying = sender_in_flight(r->sender);
	const char *by = number == SIGINT ? "SIGINT" : "SIGTERM";

	signals_drain(r->wake_fd);
	if (number && !r->stop.asked && flying)
		run_stop(r, 128 + number, by,
		    "stopping: waiting for %u request%s in flight (once more: ends at once)",
		    flying, flying == 1 ? "" : "s");
	else if (number && !r->stop.asked)
		run_stop(r, 128 + number, by, "stopping: nothing is in flight");
	if (signals_progress())
		display_now(r->display, &r->c, &r->moment);
}

static void look_around(struct run *r)
{
	struct moment *m = &r->moment;

	m->elapsed_us = r->now - r->started;
	m->in_flight = sender_in_flight(r->sender);
	m->queued = counters_finished(&r->c) + m->in_flight < r->c.read ? r->unsettled : 0;
	m->waiting = WAITING_NOT;
	m->waiting_us = 0;
	if (r->gate.closed) {
		int64_t next = gate_ready(&r->gate, r->now);
		m->waiting = WAITING_DOWN;
		m->waiting_us = next > r->now && next < INT64_MAX ? next - r->now : 0;
	} else if (r->bucket.paused_until > r->now) {
		m->waiting = WAITING_THROTTLED;
		m->waiting_us = r->bucket.paused_until - r->now;
	} else if (r->input_idle && !m->in_flight) {
		m->waiting = WAITING_INPUT;
	}
}

static bool over(const struct run *r)
{
	if (sender_in_flight(r->sender))
		return false;
	return r->stop.asked || (intake_done(r) && r->checked);
}

static void show_progress(struct run *r)
{
	if (r->counting && !r->o->quiet && r->now - r->started >= COUNT_AFTER_US)
		run_count(r, COUNT_PIECE);
	if (r->held_count)
		settle_lines(r, false);
	else
		display_progress(r->display, &r->c, &r->moment, r->now);
}

static void turn(struct run *r)
{
	r->now = clock_now();
	r->input_more = false;
	look_at_signals(r);
	responses_take(r);
	dispatch_wake(r);
	if (r->resume.verifying && !r->stop.asked)
		intake_fill(r);
	dispatch_send(r);
	if (r->now - COMMIT_US >= r->dirty_since)
		settle_commit(r);
	look_around(r);
	show_progress(r);
}

static int64_t next_due(struct run *r)
{
	int64_t due = dispatch_due(r), display = display_due(r->display);

	if (r->input_more || (r->resume.verifying && !r->input_idle && !r->stop.asked))
		return r->now;
	if (r->dirty_since < INT64_MAX && r->dirty_since + COMMIT_US < due)
		due = r->dirty_since + COMMIT_US;
	return display < due ? display : due;
}

static void loop(struct run *r)
{
	struct reason why;

	for (turn(r); !over(r); turn(r)) {
		bool idle = next_due(r) > r->now;
		int fds[2] = { r->wake_fd,
			r->input_idle && !r->stop.asked ? input_fd(r->input) : -1 };
		if (idle && r->counting)
			idle = !run_count(r, COUNT_PIECE);
		if (sender_wait(r->sender, idle ? next_due(r) : r->now, fds, 2, &why) != 0) {
			run_stop(r, 71, "network", "%s", why.text);
			return;
		}
	}
}

/* -- the end -- */

static void free_requests(struct request *q)
{
	while (q) {
		struct request *next = q->next;
		request_free(q);
		q = next;
	}
}

/* Requests first, each by the operation that it begins with: what they point to must be there until
 * then. */
static void free_unsettled(struct run *r)
{
	struct request *left = NULL;

	for (struct operation *op = r->oldest; op; op = op->newer)
		if (op->request && op->request->operations[0] == op) {
			op->request->next = left;
			left = op->request;
		}
	free_requests(left);
	for (struct operation *op = r->oldest, *next; op; op = next) {
		next = op->newer;
		arena_give(r->arena, op);
	}
}

static void clean_up(struct run *r)
{
	sender_free(r->sender);
	producer_free(r->producer);
	free_unsettled(r);
	arena_free(r->arena);
	free_requests(r->spare_requests);
	retry_free(&r->asleep);
	lanes_free(r->lanes);
	mapping_free(r->mapping);
	input_free(r->input);
	display_free(r->display);
	buf_free(&r->line);
	syncfile_close(r->sync);
	buf_free(&r->who);
	buf_free(&r->bytes);
	free(r->held);
	free(r->rejects_name);
	free(r->results_name);
}

int run(const struct options *o)
{
	struct run r = {
		.o = o,
		.now = clock_now(),
		.started_wall = clock_wall(),
		.results = OUTFILE_CLOSED,
		.line = { .max = SIZE_MAX },
		.who = { .max = SIZE_MAX },
		.bytes = { .max = SIZE_MAX },
		.dirty_since = INT64_MAX,
		.throttled_since = INT64_MAX,
	};
	struct identity id = { 0 };
	struct reason why;
	int status = 71;

	r.started = r.now;
	if (getrandom(&r.random, sizeof r.random, GRND_NONBLOCK) != (ssize_t)sizeof r.random)
		r.random = (uint64_t)r.started_wall ^ (uint64_t)getpid() << 32;
	r.display = make_display(o);
	r.wake_fd = signals_install(display_last_words(r.display));
	if (r.wake_fd < 0) {
		log_error("signals cannot be set up: %s", strerror(errno));
	} else if (set_up(&r, &id, &status, &why) != 0) {
		status = finish_unstarted(&r, status, &why);
	} else {
		display_start(r.display, r.moment.total);
		loop(&r);
		status = finish_run(&r);
	}
	clean_up(&r);
	identity_free(&id);
	return status;
}
