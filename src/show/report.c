/* What a run's end says, in words, in JSON, and for Prometheus. */
#include "show/report.h"

#include <inttypes.h>
#include <string.h>
#include "base/clock.h"
#include "base/words.h"
#include "base/text.h"

#define LABEL_CELLS 14 /* "not accepted: " */

static void label(struct buf *out, const char *text, bool aligned)
{
	buf_fmt(out, "  %s:", text);
	size_t len = strlen(text) + 1;
	do
		buf_byte(out, ' ');
	while (aligned && ++len < LABEL_CELLS);
}

static void text_line(struct buf *out, const char *name, const char *text, bool aligned)
{
	if (!text)
		return;
	label(out, name, aligned);
	text_safe(out, text, strlen(text), SIZE_MAX);
	buf_byte(out, '\n');
}

/* Records that were passed over took no time worth counting. */
static void time_line(struct buf *out, const struct counters *c, const struct ending *e,
    bool aligned)
{
	uint64_t fresh = counters_finished(c) - c->outcomes[OUTCOME_SKIPPED];

	label(out, "time", aligned);
	words_span(out, e->elapsed_us);
	if (e->elapsed_us > 0) {
		buf_str(out, ", ");
		words_rate(out, (double)fresh * 1e6 / (double)e->elapsed_us, aligned);
		buf_str(out, " records/s");
	}
	buf_byte(out, '\n');
}

static void requests_line(struct buf *out, const struct counters *c, bool aligned)
{
	label(out, "requests", aligned);
	words_count(out, c->requests, aligned);
	buf_str(out, ", of these ");
	words_many(out, c->retries, aligned, "retry", "retries");
	buf_str(out, "; ");
	words_many(out, c->rate_limited, aligned, "answer 429 (rate limited)",
	    "answers 429 (rate limited)");
	buf_byte(out, '\n');
}

static void limit_line(struct buf *out, const struct ending *e, bool aligned)
{
	if (e->learned <= 0)
		return;
	label(out, "limit found", aligned);
	progress_slowed(out, e->learned, e->asked);
	buf_byte(out, '\n');
}

static void outcome_lines(struct buf *out, const struct counters *c, bool aligned)
{
	static const struct {
		enum outcome outcome;
		bool always; /* said when it is none, too */
	} errors[] = {
		{ OUTCOME_REJECTED, true },
		{ OUTCOME_REFUSED, true },
		{ OUTCOME_FAILED, true },
		{ OUTCOME_DIFFERS, false },
		{ OUTCOME_UNKNOWN, false },
	};

	if (c->outcomes[OUTCOME_SKIPPED] > c->unsampled) {
		label(out, "skipped", aligned);
		words_count(out, c->outcomes[OUTCOME_SKIPPED] - c->unsampled, aligned);
		buf_str(out, ", done before\n");
	}
	if (c->unsampled > 0) {
		label(out, "skipped", aligned);
		words_count(out, c->unsampled, aligned);
		buf_str(out, ", not in the sample\n");
	}
	if (c->deletes > 0) {
		label(out, "deletes", aligned);
		words_count(out, c->deletes, aligned);
		buf_str(out, ", of people no longer in the input\n");
	}
	if (counters_errors(c) == 0)
		return;
	label(out, "not accepted", aligned);
	for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
		uint64_t count = c->outcomes[errors[i].outcome];
		if (!errors[i].always && count == 0)
			continue;
		buf_str(out, i > 0 ? ", " : "");
		words_count(out, count, aligned);
		buf_fmt(out, " %s", outcome_name(errors[i].outcome));
	}
	buf_byte(out, '\n');
}

/* The rejects are fed in once they are mended; of what may have been sent there is nothing to mend.
 */
static void unknown_line(struct buf *out, const struct counters *c, bool aligned)
{
	if (c->outcomes[OUTCOME_UNKNOWN] > 0)
		text_line(out, "unknown",
		    "may have been sent already, and would be sent a second time if fed in again: "
		    "look into Customer.io's deliveries first, and take out who has it",
		    aligned);
}

void report_lines(struct buf *out, const struct counters *c, const struct ending *e, bool aligned)
{
	time_line(out, c, e, aligned);
	requests_line(out, c, aligned);
	limit_line(out, e, aligned);
	outcome_lines(out, c, aligned);
	if (e->ended_by && strcmp(e->ended_by, ENDED_BY_END_OF_INPUT) != 0)
		text_line(out, "ended by", e->ended_by, aligned);
	unknown_line(out, c, aligned);
	text_line(out, "rejects", e->rejects, aligned);
	text_line(out, "once mended", e->mended, aligned);
	text_line(out, "to resume", e->resume, aligned);
}

/* The summary's members, in the documented order; `learned_rate` only where a limit was found,
 * `deletes` only where there were any. */
static void summary_members(struct buf *out, const struct counters *c, const struct ending *e)
{
	char started[CLOCK_STAMP], ended[CLOCK_STAMP];

	buf_fmt(out, "\"records\":%" PRIu64 ",\"processed\":%" PRIu64 ",", c->read,
	    counters_processed(c));
	progress_json_counters(out, c);
	buf_fmt(out, ",\"bytes_sent\":%" PRIu64 ",\"seconds\":", c->bytes_sent);
	progress_seconds(out, e->elapsed_us);
	buf_fmt(out, ",\"exit_status\":%d,\"started_at\":\"%s\",\"ended_at\":\"%s\",\"ended_by\":",
	    e->exit_status, clock_stamp(e->started_wall_us, started),
	    clock_stamp(e->ended_wall_us, ended));
	text_json_safe(out, e->ended_by ? e->ended_by : ENDED_BY_END_OF_INPUT, SIZE_MAX);
	if (e->learned > 0) {
		buf_str(out, ",\"learned_rate\":");
		words_rate(out, e->learned, false);
	}
	if (c->deletes > 0)
		buf_fmt(out, ",\"deletes\":%" PRIu64, c->deletes);
}

void report_summary(struct buf *out, const struct counters *c, const struct ending *e)
{
	buf_byte(out, '{');
	summary_members(out, c, e);
	buf_str(out, "}\n");
}

void report_json_done(struct buf *out, const struct counters *c, const struct ending *e)
{
	buf_str(out, "{\"type\":\"done\",");
	summary_members(out, c, e);
	if (e->rejects) {
		buf_str(out, ",\"rejects\":");
		text_json_safe(out, e->rejects, SIZE_MAX);
	}
	if (e->mended) {
		buf_str(out, ",\"mended\":");
		text_json_safe(out, e->mended, SIZE_MAX);
	}
	if (e->resume) {
		buf_str(out, ",\"resume\":");
		text_json_safe(out, e->resume, SIZE_MAX);
	}
	buf_str(out, "}\n");
}

static void metric_head(struct buf *out, const char *name, const char *help)
{
	buf_fmt(out, "# HELP cio_import_last_run_%s %s\n# TYPE cio_import_last_run_%s gauge\n",
	    name, help, name);
}

static void count_metric(struct buf *out, const char *name, const char *help, uint64_t value)
{
	metric_head(out, name, help);
	buf_fmt(out, "cio_import_last_run_%s %" PRIu64 "\n", name, value);
}

static void seconds_metric(struct buf *out, const char *name, const char *help, int64_t us)
{
	metric_head(out, name, help);
	buf_fmt(out, "cio_import_last_run_%s ", name);
	progress_seconds(out, us);
	buf_byte(out, '\n');
}

void report_metrics(struct buf *out, const struct counters *c, const struct ending *e)
{
	seconds_metric(out, "timestamp_seconds", "When the last run ended, in Unix time.",
	    e->ended_wall_us);
	seconds_metric(out, "duration_seconds", "How long the last run took.", e->elapsed_us);
	metric_head(out, "records", "Records of the last run, by how they ended.");
	for (int i = 0; i < OUTCOME_COUNT; i++)
		buf_fmt(out, "cio_import_last_run_records{outcome=\"%s\"} %" PRIu64 "\n",
		    outcome_name((enum outcome)i), c->outcomes[i]);
	count_metric(out, "requests", "Requests of the last run, retries included.", c->requests);
	count_metric(out, "retries", "Requests of the last run that were retries.", c->retries);
	count_metric(out, "rate_limited", "Requests of the last run answered 429.",
	    c->rate_limited);
	count_metric(out, "sent_bytes", "Bytes of request bodies sent by the last run.",
	    c->bytes_sent);
	count_metric(out, "exit_status",
	    "Exit status of the last run: 0, all accepted; 1, some not.",
	    (uint64_t)(unsigned)e->exit_status);
}
