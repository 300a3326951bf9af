/* --dry-run: reads, maps and checks every record, prints the requests on standard output, and ends
 * with a forecast. */
#include "run/run.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "show/forecast.h"
#include "run/identity.h"
#include "base/log.h"
#include "run/producer.h"
#include "operation/mapping.h"
#include "operation/operation.h"
#include "options/options.h"
#include "store/outfile.h"
#include "run/feed.h"
#include "input/record.h"
#include "send/reply.h"
#include "run/signals.h"
#include "store/syncfile.h"
#include "base/text.h"

#define LINES 20 /* of invalid records that are printed unless --verbose */

struct dry {
	const struct options *o;
	struct input *input;
	struct mapping *mapping;
	struct producer *producer;
	struct syncfile *sync; /* NULL: none */
	struct operation_config config;
	struct buf bytes; /* of a delete */
	struct forecast forecast;
	struct outfile out;
	struct buf line;
	size_t batch_most;
	bool doubtful; /* there was a record, of whichever shard, that names nobody */
	bool too_many; /* --max-deletes would end the run */
	int status;    /* of what ended it early; 0: nothing did */
};

static int stop(struct dry *d, int status, const char *text)
{
	log_error("%s", text);
	d->status = status;
	return -1;
}

/* "users.csv:1043: row has 5 cells, the header has 6" */
static void say_invalid(struct dry *d, const struct operation *op, const char *why)
{
	struct buf line = { .max = 8192 };
	const char *name = input_name(d->input, op->from.file);

	if (d->forecast.invalid > LINES && !d->o->verbose) {
		if (d->forecast.invalid == LINES + 1)
			log_line("further invalid records are only counted (-v prints all)");
		return;
	}
	text_safe(&line, name, strlen(name), 1024);
	buf_fmt(&line, ":%" PRIu64 ": ", op->from.line);
	if (op->id_len) {
		buf_str(&line, "user ");
		text_safe(&line, op->id, op->id_len, 160);
		buf_str(&line, ": ");
	}
	text_safe(&line, why, strlen(why), REPLY_REASON_MAX);
	buf_byte(&line, '\0');
	log_line("%s", line.data);
	buf_free(&line);
}

static void invalid(struct dry *d, const struct operation *op, const char *why)
{
	d->doubtful |= !op->key_count;
	if (!feed_in_shard(d->o, op))
		return;
	forecast_invalid(&d->forecast, why);
	say_invalid(d, op, why);
}

static int print(struct dry *d, const struct operation *op)
{
	struct reason why;

	buf_reset(&d->line);
	operation_print(op, &d->line);
	return outfile_add(&d->out, d->line.data, d->line.len, &why) == 0 ? 0 :
	                                                                    stop(d, 73, why.text);
}

static int take(struct dry *d, const struct operation *op)
{
	struct reason why;

	if (!feed_in_shard(d->o, op))
		return 0;
	int changed = d->sync ? syncfile_look(d->sync, op, &why) : 1;
	if (changed < 0)
		return stop(d, syncfile_status(d->sync), why.text);
	if (changed == 0) {
		forecast_unchanged(&d->forecast);
		return 0;
	}
	forecast_valid(&d->forecast, op->body_len, d->o->batch, d->batch_most);
	return print(d, op);
}

static int wait_for_input(struct dry *d)
{
	struct pollfd p = { .fd = input_fd(d->input), .events = POLLIN };
	struct reason why;

	if (outfile_flush(&d->out, &why) != 0)
		return stop(d, 73, why.text);
	if (poll(&p, 1, -1) < 0 && errno != EINTR)
		return stop(d, 66, "waiting for input failed");
	return 0;
}

/* 1: go on, 0: the end, -1: stopped. */
static int pull(struct dry *d)
{
	const struct made *made = producer_next(d->producer);

	switch (made->kind) {
	case MADE_AGAIN:
		return wait_for_input(d) == 0 ? 1 : -1;
	case MADE_END:
		return 0;
	case MADE_FAILED:
		return stop(d, made->status, made->why);
	case MADE_OPERATION:
		if (take(d, &made->op) != 0)
			return -1;
		break;
	case MADE_INVALID:
	case MADE_BAD:
		invalid(d, &made->op, made->why);
		break;
	case MADE_PASSED:
		break;
	}
	return d->o->limit && made->op.from.number >= d->o->skip + d->o->limit ? 0 : 1;
}

static void read_all(struct dry *d)
{
	int signal_number = 0;

	while (pull(d) == 1 && !(signal_number = signals_stop()))
		;
	if (signal_number)
		d->status = 128 + signal_number;
}

/* Those whom --sync-deletes would delete. */
static void print_deletes(struct dry *d)
{
	struct operation op = { 0 };
	struct buf who = { .max = SIZE_MAX };
	struct reason why;
	enum id_type type;
	int found;

	while ((found = syncfile_next_missing(d->sync, &who, &type, &why)) == 1) {
		if (feed_delete(d->o, &d->config, &who, type, &d->bytes, &op, &why) != 0) {
			forecast_invalid(&d->forecast, why.text);
			continue;
		}
		forecast_delete(&d->forecast, op.body_len, d->o->batch, d->batch_most);
		if (print(d, &op) != 0)
			break;
	}
	if (found < 0)
		stop(d, syncfile_status(d->sync), why.text);
	buf_free(&who);
}

/* The whole input was read: what would become of those who are missing? */
static void judge_missing(struct dry *d)
{
	static const char *const kept[] = {
		[SYNCFILE_EMPTY] = "none would be deleted, for it is empty",
		[SYNCFILE_DOUBTFUL] = "none would be deleted, for some of its records are invalid",
		[SYNCFILE_TOO_MANY] = "more than --max-deletes allows, so none would be deleted "
		                      "and the run would end with status 65",
	};
	const struct options *o = d->o;
	uint64_t allowed = syncfile_allowed(d->sync, o->max_deletes, o->max_deletes_percent);
	enum syncfile_verdict verdict = syncfile_decide(d->sync, d->forecast.records,
	    d->doubtful || d->forecast.invalid > 0, allowed);

	if (verdict == SYNCFILE_DELETE) {
		print_deletes(d);
	} else if (verdict != SYNCFILE_NOBODY) {
		d->forecast.kept = syncfile_missing(d->sync);
		d->forecast.kept_why = kept[verdict];
		d->too_many = verdict == SYNCFILE_TOO_MANY;
	}
}

static void finish(struct dry *d)
{
	struct reason why;
	struct buf text = { .max = 1 << 16 };

	if (outfile_close(&d->out, &why) != 0 && d->status != 73)
		stop(d, 73, why.text);
	if (d->status == 0 && (!d->o->quiet || d->forecast.invalid)) {
		forecast_text(&d->forecast, &d->o->rate, &d->o->record_rate, d->sync != NULL,
		    &text);
		log_line("%.*s", (int)(text.len - 1), text.data);
	}
	buf_free(&text);
}

static int set_up(struct dry *d, struct identity *id, int *status, struct reason *why)
{
	const struct options *o = d->o;

	buf_init(&d->bytes, SIZE_MAX);
	buf_init(&d->line, SIZE_MAX);
	*status = 64;
	d->mapping = feed_mapping(o, why);
	if (!d->mapping)
		return -1;
	d->input = input_new(&o->input, why, status);
	if (!d->input)
		return -1;
	*status = 64;
	for (unsigned f = 0; f < o->input.file_count; f++)
		if (feed_sets(o, d->input, f, why) != 0)
			return -1;
	identity_make(id, o, d->input);
	if (o->sync) {
		d->sync = feed_sync(o, id, status, why);
		if (!d->sync)
			return -1;
	}
	d->config = feed_operations(o, id, d->input, clock_wall() / 1000);
	d->batch_most = feed_batch_most(o);
	d->producer = producer_new(o, d->input, d->mapping, &d->config, true);
	*status = 73;
	return outfile_create(&d->out, "-", OUTFILE_ANY, why);
}

int dry_run(const struct options *o)
{
	struct dry d = { .o = o, .out = OUTFILE_CLOSED };
	struct identity id = { 0 };
	struct reason why;
	int status = 71;

	signals_install("");
	if (set_up(&d, &id, &status, &why) != 0) {
		log_error("%s", why.text);
	} else {
		read_all(&d);
		if (d.sync && o->sync_deletes >= 0 && d.status == 0)
			judge_missing(&d);
		finish(&d);
		status = d.status ? d.status : d.too_many ? 65 : d.forecast.invalid ? 1 : 0;
	}
	producer_free(d.producer);
	forecast_free(&d.forecast);
	buf_free(&d.bytes);
	buf_free(&d.line);
	mapping_free(d.mapping);
	syncfile_close(d.sync);
	input_free(d.input);
	identity_free(&id);
	return status;
}
