/* The story of a run. */
#include "run/run.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/os.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/words.h"
#include "input/input.h"
#include "queue/queue.h"
#include "run/run_state.h"
#include "run/signals.h"
#include "run/sync.h"
#include "send/pace.h"
#include "send/sender.h"
#include "show/display.h"

/* outcomes wait this long for their commit; with a slow disk's time, half a second is promised */
#define COMMIT_US 150000

/* -- what a turn looks at -- */

static void look_at_signals(struct run *r)
{
	int number = signals_stop();
	unsigned flying = sender_in_flight(r->sender);
	enum cause cause = number == SIGINT ? CAUSE_SIGINT : CAUSE_SIGTERM;

	signals_drain(r->wake_fd);
	if (number && flying)
		stop_for(&r->stop, cause,
		    "stopping: waiting for %u request%s in flight (once more: ends at once)",
		    flying, flying == 1 ? "" : "s");
	else if (number)
		stop_for(&r->stop, cause, "stopping: nothing is in flight");
	if (signals_progress())
		tally_asked(&r->tally);
}

static void look_around(struct run *r)
{
	const struct counters *c = &r->tally.c;
	struct moment *m = &r->tally.moment;
	int64_t paused_until = pace_paused_until(r->pace);

	m->elapsed_us = r->now - r->started;
	m->in_flight = sender_in_flight(r->sender);
	m->queued = counters_finished(c) + m->in_flight < c->read ? queue_unsettled(r->queue) : 0;
	m->speed = sender_speed(r->sender);
	m->learned = pace_learned(r->pace, r->now);
	m->asked = pace_asked(r->pace);
	m->waiting = m->learned > 0 ? WAITING_SLOWED : WAITING_NOT;
	m->waiting_us = 0;
	if (r->gate.closed) {
		int64_t next = gate_ready(&r->gate, r->now);
		m->waiting = WAITING_DOWN;
		m->waiting_us = next > r->now && next < INT64_MAX ? next - r->now : 0;
	} else if (paused_until > r->now) {
		m->waiting = WAITING_THROTTLED;
		m->waiting_us = paused_until - r->now;
	} else if (r->intake.idle && !m->in_flight) {
		m->waiting = WAITING_INPUT;
	}
}

/* -- what is due: each timer does what it is time for, and returns when to ask it again -- */

static int64_t queue_timer(struct run *r)
{
	return queue_tick(r->queue, r->now);
}

/* A run that ends gives up no more: it waits for what is in flight. */
static int64_t outage_timer(struct run *r)
{
	char time[WORDS_TIME];

	if (stop_asked(&r->stop) || !r->gate.closed || !r->o->give_up_us)
		return INT64_MAX;
	if (gate_gives_up(&r->gate, r->o->give_up_us, r->now))
		stop_for(&r->stop, CAUSE_OUTAGE,
		    "gave up: %s has been down for %s (--give-up-after): %s",
		    sender_base(r->sender), words_time(r->o->give_up_us, time), r->last_failure);
	return stop_asked(&r->stop) ? INT64_MAX : r->gate.down_since + r->o->give_up_us;
}

static int64_t rate_limit_timer(struct run *r)
{
	int64_t since = pace_refused_since(r->pace);
	char time[WORDS_TIME];

	if (stop_asked(&r->stop) || since == INT64_MAX || !r->o->give_up_us)
		return INT64_MAX;
	if (r->now - since >= r->o->give_up_us)
		stop_for(&r->stop, CAUSE_RATE_LIMIT,
		    "gave up: nothing but 429 (rate limited) for %s (--give-up-after): is "
		    "something else using up the workspace's rate?",
		    words_time(r->o->give_up_us, time));
	return stop_asked(&r->stop) ? INT64_MAX : since + r->o->give_up_us;
}

static int64_t commit_timer(struct run *r)
{
	if (r->now - COMMIT_US >= r->outputs.dirty_since)
		settle_commit(r);
	return r->outputs.dirty_since < INT64_MAX ? r->outputs.dirty_since + COMMIT_US : INT64_MAX;
}

static int64_t display_timer(struct run *r)
{
	return display_due(r->display);
}

static int64_t intake_timer(struct run *r)
{
	bool reads_past = r->intake.resume.verifying && !r->intake.idle && !stop_asked(&r->stop);

	return r->intake.more || reads_past ? r->now : INT64_MAX;
}

static int64_t (*const timers[])(struct run *r) = {
	queue_timer,
	outage_timer,
	rate_limit_timer,
	commit_timer,
	dispatch_due,
	intake_timer,
	display_timer,
};

static int64_t do_what_is_due(struct run *r)
{
	int64_t due = INT64_MAX;

	for (size_t i = 0; i < sizeof timers / sizeof *timers; i++) {
		int64_t next = timers[i](r);
		due = next < due ? next : due;
	}
	return due;
}

/* -- the loop -- */

/* Returns when there is something to do again, though nothing has come. */
static int64_t turn(struct run *r)
{
	r->now = clock_now();
	r->intake.more = false;
	look_at_signals(r);
	if (stop_asked(&r->stop))
		sender_hurry(r->sender, r->now);
	responses_take(r);
	do_what_is_due(r);
	do
		intake_fill(r);
	while (dispatch_next(r));
	look_around(r);
	tally_show(&r->tally, r->now);
	return do_what_is_due(r);
}

static bool over(const struct run *r)
{
	if (sender_in_flight(r->sender))
		return false;
	return stop_asked(&r->stop) || (intake_done(r) && r->check.answered);
}

/* Until an answer, input or a signal comes, or something is due; the time is used to count. */
static int wait_for_something(struct run *r, int64_t due, struct reason *why)
{
	bool reads = r->intake.idle && !stop_asked(&r->stop);
	int fds[2] = { r->wake_fd, reads ? input_fd(r->feed.input) : -1 };

	if (due > r->now && tally_count_idly(&r->tally))
		due = r->now;
	return sender_wait(r->sender, due, fds, 2, why);
}

static void loop(struct run *r)
{
	struct reason why;

	for (int64_t due = turn(r); !over(r); due = turn(r))
		if (wait_for_something(r, due, &why) != 0) {
			stop_failed(&r->stop, CAUSE_NETWORK, &why);
			return;
		}
}

/* -- from the first record to the exit status -- */

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

static void clean_up(struct run *r)
{
	sender_free(r->sender); /* it points into the queue's requests */
	queue_free(r->queue);
	pace_free(r->pace);
	feed_close(&r->feed);
	sync_close(r->sync);
	outputs_free(&r->outputs);
	display_free(r->display);
}

int run(const struct options *o)
{
	struct run r = {
		.o = o,
		.now = clock_now(),
		.started_wall = clock_wall(),
		.display = make_display(o),
		.outputs = OUTPUTS_NONE,
	};
	struct reason why;
	int status = EX_OSERR;

	r.started = r.now;
	r.stop.display = r.display;
	if (os_random(&r.random, sizeof r.random) != 0)
		r.random = (uint64_t)r.started_wall ^ (uint64_t)getpid() << 32;
	r.wake_fd = signals_install(display_last_words(r.display));
	if (r.wake_fd < 0) {
		log_error("signals cannot be set up: %s", strerror(errno));
	} else if (start_run(&r, &why) != 0) {
		status = finish_unstarted(&r, &why);
	} else {
		display_start(r.display, r.tally.moment.total);
		loop(&r);
		status = finish_run(&r);
	}
	clean_up(&r);
	return status;
}
