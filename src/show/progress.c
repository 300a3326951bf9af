/* The counters as lines, in words and in JSON. */
#include "show/progress.h"

#include <inttypes.h>
#include "base/words.h"
#include "base/text.h"

uint64_t counters_finished(const struct counters *c)
{
	uint64_t sum = 0;

	for (int i = 0; i < OUTCOME_COUNT; i++)
		sum += c->outcomes[i];
	return sum;
}

uint64_t counters_processed(const struct counters *c)
{
	return c->outcomes[OUTCOME_ACCEPTED] + c->outcomes[OUTCOME_SKIPPED];
}

uint64_t counters_errors(const struct counters *c)
{
	return counters_finished(c) - counters_processed(c);
}

/* "61", "4.5", "1,200" */
static void requests_a_second(struct buf *out, double rate)
{
	if (rate < 10)
		words_rate(out, rate, true);
	else
		words_count(out, (uint64_t)(rate + 0.5), true);
	buf_str(out, "/s");
}

void progress_slowed(struct buf *out, double learned, double asked)
{
	requests_a_second(out, learned);
	if (asked <= 0)
		return;
	buf_str(out, " of ");
	requests_a_second(out, asked);
}

void progress_waiting(struct buf *out, const struct moment *m, bool brief)
{
	static const struct {
		const char *text, *before_time, *brief_before_time;
	} words[] = {
		[WAITING_NOT] = { "", NULL, NULL },
		[WAITING_SLOWED] = { "rate limited: ", NULL, NULL },
		[WAITING_THROTTLED] = { "rate limited", ", ", ", " },
		[WAITING_DOWN] = { "destination down", ", trying again in ", ", again in " },
		[WAITING_INPUT] = { "waiting for input", NULL, NULL },
	};
	bool down = m->waiting == WAITING_DOWN, slowed = m->waiting == WAITING_SLOWED;

	if (!brief || !slowed)
		buf_str(out, brief && down ? "down" : words[m->waiting].text);
	if (slowed)
		progress_slowed(out, m->learned, m->asked);
	if (!words[m->waiting].before_time || m->waiting_us <= 0)
		return;
	buf_str(out, brief ? words[m->waiting].brief_before_time : words[m->waiting].before_time);
	words_wait(out, m->waiting_us, false);
}

void progress_plain(struct buf *out, uint64_t finished, uint64_t errors, uint64_t total)
{
	buf_fmt(out, "Progress: %" PRIu64, finished);
	if (total >= finished && total > 0)
		buf_fmt(out, "/%" PRIu64, total);
	buf_fmt(out, " (%" PRIu64 " errors)", errors);
}

void progress_done(struct buf *out, const struct counters *c)
{
	buf_fmt(out, "Done: %" PRIu64 " processed, %" PRIu64 " errors", counters_processed(c),
	    counters_errors(c));
}

void progress_health(struct buf *out, const struct counters *c, const struct moment *m, double rate)
{
	buf_fmt(out, "Queue: %u in flight, %" PRIu64 " waiting, ", m->in_flight, m->queued);
	words_rate(out, rate, false);
	buf_str(out, " records/s, ");
	if (m->speed > 0) {
		words_speed(out, m->speed);
		buf_str(out, ", ");
	}
	words_many(out, c->retries, false, "retry", "retries");
	buf_str(out, ", ");
	words_many(out, c->rate_limited, false, "answer 429", "answers 429");
	if (m->waiting != WAITING_NOT) {
		buf_str(out, "; ");
		progress_waiting(out, m, false);
	}
}

static void member(struct buf *out, const char *name, uint64_t value)
{
	buf_fmt(out, ",\"%s\":%" PRIu64, name, value);
}

static void total_member(struct buf *out, uint64_t total)
{
	if (total > 0)
		member(out, "total", total);
	else
		buf_str(out, ",\"total\":null");
}

void progress_seconds(struct buf *out, int64_t us)
{
	if (us < 0)
		us = 0;
	buf_fmt(out, "%" PRId64 ".%03d", us / 1000000, (int)(us / 1000 % 1000));
}

void progress_json_counters(struct buf *out, const struct counters *c)
{
	for (int i = 0; i < OUTCOME_COUNT; i++)
		buf_fmt(out, "%s\"%s\":%" PRIu64, i > 0 ? "," : "", outcome_name((enum outcome)i),
		    c->outcomes[i]);
	member(out, "errors", counters_errors(c));
	member(out, "requests", c->requests);
	member(out, "retries", c->retries);
	member(out, "rate_limited", c->rate_limited);
}

void progress_json_start(struct buf *out, const char *name, uint64_t total)
{
	buf_str(out, "{\"type\":\"start\",\"input\":");
	text_json_safe(out, name, SIZE_MAX);
	total_member(out, total);
	buf_str(out, "}\n");
}

static void waiting_members(struct buf *out, const struct moment *m)
{
	static const char *const names[] = {
		[WAITING_NOT] = "null",
		[WAITING_SLOWED] = "null",
		[WAITING_THROTTLED] = "\"throttled\"",
		[WAITING_DOWN] = "\"down\"",
		[WAITING_INPUT] = "\"input\"",
	};

	buf_fmt(out, ",\"waiting\":%s", names[m->waiting]);
	if (m->waiting_us > 0 && m->waiting != WAITING_NOT && m->waiting != WAITING_SLOWED) {
		buf_str(out, ",\"waiting_seconds\":");
		progress_seconds(out, m->waiting_us);
	}
	if (m->learned > 0) {
		buf_str(out, ",\"learned_rate\":");
		words_rate(out, m->learned, false);
	}
}

void progress_json(struct buf *out, const struct counters *c, const struct moment *m, double rate)
{
	buf_fmt(out, "{\"type\":\"progress\",\"records\":%" PRIu64, c->read);
	member(out, "finished", counters_finished(c));
	total_member(out, m->total);
	buf_byte(out, ',');
	progress_json_counters(out, c);
	member(out, "in_flight", m->in_flight);
	member(out, "queued", m->queued);
	buf_str(out, ",\"rate\":");
	words_rate(out, rate, false);
	buf_str(out, ",\"seconds\":");
	progress_seconds(out, m->elapsed_us);
	waiting_members(out, m);
	buf_str(out, "}\n");
}
