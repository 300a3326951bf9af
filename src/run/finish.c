/* How a run ends: files closed, counts checked, figures written, and what to do next said. */
#include "run/run_state.h"

#include <inttypes.h>
#include <string.h>
#include <sysexits.h>

#include "base/clock.h"
#include "base/words.h"
#include "input/format.h"
#include "input/input.h"
#include "queue/queue.h"
#include "run/sync.h"
#include "send/pace.h"
#include "show/display.h"
#include "show/report.h"
#include "store/rejects.h"

/* A complete run has one outcome for each record it read. */
static void check_counts(struct run *r)
{
	const struct counters *c = &r->tally.c;

	if (counters_finished(c) != c->read)
		stop_for(&r->stop, CAUSE_ACCOUNTING,
		    "the outcomes of %" PRIu64 " records were counted, but %" PRIu64 " were read: "
		    "this is a bug in cio-import; please report it",
		    counters_finished(c), c->read);
}

static void say_several(struct run *r, uint64_t people)
{
	struct buf text = { .max = 256 };

	words_many(&text, people, true, "person is", "people are");
	buf_byte(&text, '\0');
	display_message(r->display, DISPLAY_NOTICE,
	    "%s: %s in it more than once with different values: the last row counts",
	    input_name(r->feed.input, 0), text.data);
	buf_free(&text);
}

/* The next run may hold this one's figures against its own. */
static void complete_sync(struct run *r)
{
	const struct counters *c = &r->tally.c;
	bool doubtful = r->intake.doubtful || c->outcomes[OUTCOME_REJECTED] > 0;
	struct reason why;
	uint64_t several;

	if (sync_ended(r->sync, &several, &why) != 0)
		stop_failed(&r->stop, CAUSE_SYNC, &why);
	else if (several)
		say_several(r, several);
	if (c->read > c->deletes && !doubtful && sync_complete(r->sync, &why) != 0)
		stop_failed(&r->stop, CAUSE_SYNC, &why);
}

/* 0, or -1: the run was stopped for it. */
static int close_outputs(struct run *r)
{
	struct reason why;

	r->outputs.stage = OUTPUTS_ENDED;
	int bad = settle_commit(r);

	if (outputs_close(&r->outputs, &why) != 0) {
		stop_failed(&r->stop, CAUSE_OUTPUT, &why);
		bad = -1;
	}
	return bad;
}

/* -- figures -- */

/* Says so even where the run was stopped for another reason; `said`: what was said already, perhaps
 * with what to do about it, or NULL. */
static void figures_failed(struct run *r, struct ending *e, const struct reason *why,
    const char *said)
{
	if (stop_asked(&r->stop)) {
		if (!said || strncmp(said, why->text, strlen(why->text)) != 0)
			display_message(r->display, DISPLAY_ERROR, "%s", why->text);
		return;
	}
	stop_failed(&r->stop, CAUSE_OUTPUT, why);
	e->exit_status = r->stop.status;
	e->ended_by = stop_name(r->stop.cause);
}

static void write_figures(struct run *r, struct ending *e, const char *said)
{
	const struct options *o = r->o;
	struct buf text = { .max = 1 << 20 };
	struct reason why;

	if (o->summary) {
		report_summary(&text, &r->tally.c, e);
		if (outfile_replace(o->summary, text.data, text.len, 0644, &why) != 0)
			figures_failed(r, e, &why, said);
	}
	buf_reset(&text);
	if (o->metrics) {
		report_metrics(&text, &r->tally.c, e);
		if (outfile_replace(o->metrics, text.data, text.len, 0644, &why) != 0)
			figures_failed(r, e, &why, said);
	}
	buf_free(&text);
}

/* The state file of a complete run goes last of all, or has its last word: where the figures cannot
 * be written, the same command writes them, and sends nothing again. */
static void forget_progress(struct run *r, struct ending *e)
{
	struct reason why;

	if (r->outputs.keeps) {
		r->outputs.stage = OUTPUTS_COMPLETE;
		if (settle_commit(r) == 0)
			return;
		e->exit_status = r->stop.status;
		e->ended_by = stop_name(r->stop.cause);
	} else {
		if (outputs_remove_checkpoint(&r->outputs, &why) == 0)
			return;
		figures_failed(r, e, &why, NULL);
	}
	write_figures(r, e, NULL);
}

static struct ending make_ending(const struct run *r)
{
	return (struct ending){
		.elapsed_us = clock_now() - r->started,
		.started_wall_us = r->started_wall,
		.ended_wall_us = clock_wall(),
		.exit_status = stop_asked(&r->stop)   ? r->stop.status :
		    counters_errors(&r->tally.c) != 0 ? 1 :
		                                        0,
		.ended_by = stop_name(r->stop.cause),
	};
}

/* -- what to do next -- */

/* Where the input would have to begin for another run to miss nothing. */
static void how_to_skip(const struct run *r, struct buf *out)
{
	const struct options *o = r->o;
	const struct operation *oldest = queue_oldest(r->queue);
	uint64_t past = oldest ? oldest->from.number - 1 : r->intake.high;

	if (o->limit && past >= o->skip + o->limit)
		return;
	if (past <= o->skip) {
		buf_str(out, "run the same command again: nothing of it is settled so far");
		return;
	}
	buf_fmt(out, "give the same input again with --skip=%" PRIu64, past);
	if (o->limit)
		buf_fmt(out, " --limit=%" PRIu64, o->skip + o->limit - past);
	buf_str(out, ": no state was kept (--state=FILE keeps one)");
}

static void how_to_resume(const struct run *r, struct buf *out)
{
	switch (r->stop.cause) {
	case CAUSE_NONE:
		if (r->outputs.keeps)
			buf_fmt(out,
			    "the same command sends what has come behind this: what was sent is "
			    "kept in %s (--restart begins anew)",
			    r->o->state);
		buf_byte(out, '\0');
		return;
	case CAUSE_ACCOUNTING:
	case CAUSE_MAX_DELETES:
		return;
	case CAUSE_INPUT:
		if (r->stop.status == EX_DATAERR && !r->intake.broken)
			return; /* it would end there again */
		break;
	default:
		break;
	}
	if (r->stop.cause == CAUSE_MAX_ERRORS && r->outputs.checkpoint)
		buf_fmt(out,
		    "raise --max-errors (so far %" PRIu64 " of %" PRIu64
		    " records were not accepted) and run the command again: what is settled is "
		    "kept in %s",
		    counters_errors(&r->tally.c), counters_finished(&r->tally.c), r->o->state);
	else if (r->outputs.checkpoint)
		buf_fmt(out, "run the same command again: what is settled is kept in %s",
		    r->o->state);
	else if (r->sync)
		buf_fmt(out, "run the same command again: who was accepted is kept in %s",
		    r->o->sync);
	else if (queue_unsettled(r->queue) || !r->intake.ended)
		how_to_skip(r, out);
	buf_byte(out, '\0');
}

/* The format of rejects whose name does not say it. */
static void say_format(const struct options *o, struct buf *mended)
{
	enum input_format format = o->input.format == INPUT_JSON ? INPUT_NDJSON : o->input.format;

	if (format != INPUT_AUTO && format_of_name(o->rejects) != format)
		buf_fmt(mended, " --format=%s", format_names[format]);
}

/* The files that rejects went to, for a person, and the command that feeds them in: this one, but
 * for what is about its own input. */
static void name_rejects(const struct run *r, struct buf *names, struct buf *mended)
{
	const struct rejects *rejects = r->outputs.rejects;

	if (rejects) {
		rejects_names(rejects, names);
		buf_str(mended, r->o->again);
		say_format(r->o, mended);
		rejects_words(rejects, mended);
	}
	buf_byte(names, '\0');
	buf_byte(mended, '\0');
}

/* -- both ends -- */

int finish_unstarted(struct run *r, struct reason *why)
{
	stop_failed(&r->stop, stop_cause_of(why->status), why);
	struct ending e = make_ending(r);
	write_figures(r, &e, why->text);
	return r->stop.status;
}

int finish_run(struct run *r)
{
	bool complete = !stop_asked(&r->stop);
	struct buf resume = { .max = 8192 }, rejects = { .max = 8192 }, mended = { .max = 65536 };

	intents_withdraw_all(r);
	name_rejects(r, &rejects, &mended);
	if (complete) {
		check_counts(r);
		complete_sync(r);
	}
	int bad = close_outputs(r);
	struct ending e = make_ending(r);
	e.rejects = rejects.len > 1 ? rejects.data : NULL;
	e.learned = pace_found(r->pace);
	e.asked = pace_asked(r->pace);
	write_figures(r, &e, NULL);
	if (bad == 0 && (!stop_asked(&r->stop) || r->stop.cause == CAUSE_MAX_DELETES))
		forget_progress(r, &e);
	how_to_resume(r, &resume);
	e.resume = resume.len > 1 ? resume.data : NULL;
	/* a run that was stopped, and is carried on, has more to add to them */
	bool more = stop_asked(&r->stop) && e.resume;
	e.mended = e.rejects && !more && !mended.over ? mended.data : NULL;
	display_done(r->display, &r->tally.c, &e);
	buf_free(&rejects);
	buf_free(&mended);
	buf_free(&resume);
	return e.exit_status;
}
