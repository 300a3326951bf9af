/* How a run ends: files closed, counts checked, figures written, and what to do next said. */
#include "run/run_state.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "show/display.h"
#include "store/rejects.h"
#include "show/report.h"

#define COUNT_AT_END 64 /* pieces: about a tenth of a second */

static int close_outputs(struct run *r, bool complete)
{
	struct reason why;
	int bad = settle_commit(r);

	if (rejects_close(r->rejects, &why) != 0) {
		run_stop(r, 73, "output", "%s", why.text);
		bad = -1;
	}
	if (outfile_close(&r->results, &why) != 0) {
		run_stop(r, 73, "output", "%s", why.text);
		bad = -1;
	}
	if (r->checkpoint && complete && bad == 0 && checkpoint_remove(r->checkpoint, &why) != 0) {
		run_stop(r, 73, "output", "%s", why.text);
		bad = -1;
	}
	checkpoint_close(r->checkpoint);
	return bad;
}

/* A complete run has one outcome for each record it read. */
static void check_counts(struct run *r)
{
	if (counters_finished(&r->c) != r->c.read)
		run_stop(r, 70, "accounting",
		    "the outcomes of %" PRIu64 " records were counted, but %" PRIu64
		    " were read: this is a "
		    "bug in cio-import; please report it",
		    counters_finished(&r->c), r->c.read);
}

/* Says so even where the run was stopped for another reason; `said`: what was said already, or
 * NULL. */
static void figures_failed(struct run *r, struct ending *e, const struct reason *why,
    const char *said)
{
	if (r->stop.asked) {
		if (!said || strcmp(why->text, said) != 0)
			display_message(r->display, DISPLAY_ERROR, "%s", why->text);
		return;
	}
	run_stop(r, 73, "output", "%s", why->text);
	e->exit_status = r->stop.status;
	e->ended_by = r->stop.by;
}

static void write_figures(struct run *r, struct ending *e, const char *said)
{
	const struct options *o = r->o;
	struct buf text = { .max = 1 << 20 };
	struct reason why;

	if (o->summary) {
		report_summary(&text, &r->c, e);
		if (outfile_replace(o->summary, text.data, text.len, 0644, &why) != 0)
			figures_failed(r, e, &why, said);
	}
	buf_reset(&text);
	if (o->metrics) {
		report_metrics(&text, &r->c, e);
		if (outfile_replace(o->metrics, text.data, text.len, 0644, &why) != 0)
			figures_failed(r, e, &why, said);
	}
	buf_free(&text);
}

/* Where the input would have to begin for another run to miss nothing. */
static void how_to_skip(const struct run *r, struct buf *out)
{
	const struct options *o = r->o;
	uint64_t past = r->oldest ? r->oldest->from.number - 1 : r->high;

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
	bool unusable = r->stop.status == 65 && strcmp(r->stop.by, "input") == 0;

	if (!r->stop.asked || r->stop.status == 70 || r->deletes == DELETES_WITHHELD || unusable)
		return;
	if (r->checkpoint)
		buf_fmt(out, "run the same command again: what is settled is kept in %s",
		    r->o->state);
	else if (r->sync)
		buf_fmt(out, "run the same command again: who was accepted is kept in %s",
		    r->o->sync);
	else if (r->oldest || !r->input_ended)
		how_to_skip(r, out);
	buf_byte(out, '\0');
}

int finish_unstarted(struct run *r, int status, struct reason *why)
{
	struct ending e = {
		.elapsed_us = clock_now() - r->started,
		.started_wall_us = r->started_wall,
		.ended_wall_us = clock_wall(),
		.exit_status = status,
		.ended_by = status == 73 ? "output" :
		    status == 75         ? "busy" :
		    status == 78         ? "configuration" :
		                           "input",
	};

	if (!r->stop.asked)
		run_stop(r, status, e.ended_by, "%s", why->text);
	e.exit_status = r->stop.status;
	e.ended_by = r->stop.by;
	write_figures(r, &e, why->text);
	rejects_close(r->rejects, why);
	checkpoint_close(r->checkpoint);
	return r->stop.status;
}

/* Lines that still wait for the total. A run that was stopped does not keep a person waiting for
 * it. */
static void last_lines(struct run *r, bool complete)
{
	if (complete && r->counting)
		run_counted(r, r->high);
	for (int i = 0; i < COUNT_AT_END && r->counting && r->held_count; i++)
		run_count(r, COUNT_PIECE);
	settle_lines(r, true);
}

int finish_run(struct run *r)
{
	bool complete = !r->stop.asked;
	struct buf resume = { .max = 8192 }, rejects = { .max = 8192 };

	last_lines(r, complete);
	if (r->rejects)
		rejects_names(r->rejects, &rejects);
	buf_byte(&rejects, '\0');
	if (complete) {
		check_counts(r);
		sync_complete(r);
	}
	close_outputs(r, (complete && !r->stop.asked) || r->deletes == DELETES_WITHHELD);
	how_to_resume(r, &resume);
	struct ending e = {
		.elapsed_us = clock_now() - r->started,
		.started_wall_us = r->started_wall,
		.ended_wall_us = clock_wall(),
		.exit_status = r->stop.asked ? r->stop.status :
		    counters_errors(&r->c)   ? 1 :
		                               0,
		.ended_by = r->stop.asked ? r->stop.by : ENDED_BY_END_OF_INPUT,
		.rejects = rejects.len > 1 ? rejects.data : NULL,
		.resume = resume.len > 1 ? resume.data : NULL,
	};
	write_figures(r, &e, NULL);
	display_done(r->display, &r->c, &e);
	buf_free(&rejects);
	buf_free(&resume);
	return e.exit_status;
}
