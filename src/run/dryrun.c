/* --dry-run: reads, maps and checks every record, prints the requests on standard output, and ends
 * with a forecast. */
#include "run/run.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "base/words.h"
#include "show/forecast.h"
#include "show/repeats.h"
#include "show/survey.h"
#include "base/log.h"
#include "run/producer.h"
#include "operation/operation.h"
#include "options/options.h"
#include "store/outfile.h"
#include "run/feed.h"
#include "input/record.h"
#include "send/reply.h"
#include "run/signals.h"
#include "run/sync.h"

#define SURVEY_WIDTH 80 /* cells: what every terminal has */
#define LINES 20        /* of invalid records that are printed unless --verbose */

struct dry {
	const struct options *o;
	struct feed feed;
	struct sync *sync; /* NULL: none */
	struct survey *survey;
	struct repeats *repeats; /* whose persons the records are */
	struct forecast forecast;
	struct outfile out;
	struct buf lines; /* of `out`, not given to it yet */
	size_t batch_most;
	size_t files;  /* how many were read: --limit may leave some */
	bool doubtful; /* there was a record, of whichever shard, that names nobody */
	bool withheld; /* --sync-deletes would end the run */
	int status;    /* of what ended it early; 0: nothing did */
};

static int stop(struct dry *d, int status, const char *text)
{
	log_error("%s", text);
	d->status = status;
	return -1;
}

static int sync_failed(struct dry *d, const struct reason *why)
{
	return stop(d, why->status, why->text);
}

/* "users.csv:1043: row has 5 cells, the header has 6" */
static void say_invalid(struct dry *d, const struct operation *op, const char *why)
{
	struct buf line = { .max = 8192 };
	const char *name = input_name(d->feed.input, op->from.file);

	if (d->forecast.invalid > LINES && !d->o->verbose) {
		if (d->forecast.invalid == LINES + 1)
			log_line("further invalid records are only counted (-v prints all)");
		return;
	}
	text_safe(&line, name, strlen(name), 1024);
	buf_fmt(&line, ":%" PRIu64 ": ", op->from.line);
	if (op->id_len) {
		buf_fmt(&line, "%s ", action_noun(op->action));
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

static int hand_over(struct dry *d)
{
	struct reason why;
	int result = outfile_add(&d->out, d->lines.data, d->lines.len, &why);

	buf_reset(&d->lines);
	return result == 0 ? 0 : stop(d, EX_CANTCREAT, why.text);
}

static int print(struct dry *d, const struct operation *op)
{
	operation_print(op, d->o->api, &d->lines);
	return d->lines.len <= OUTFILE_PIECE ? 0 : hand_over(d);
}

static void see_people(struct dry *d, const struct operation *op)
{
	const struct operation *soon = producer_soon(d->feed.producer);

	if (soon && soon->key_count)
		repeats_expect(d->repeats, soon->keys[0]);
	for (unsigned k = 0; k < op->key_count; k++)
		repeats_see(d->repeats, op->keys[k]);
}

static int send(struct dry *d, const struct operation *op)
{
	if (d->repeats)
		see_people(d, op);
	forecast_valid(&d->forecast, op->body_len, d->o->api->envelope, d->batch_most);
	forecast_event(&d->forecast, op->event_id);
	return print(d, op);
}

/* What a sync would make of it. */
static int compare(struct dry *d, const struct operation *op)
{
	struct reason why;

	if (sync_overtaken(d->sync, op))
		forecast_unchanged(&d->forecast);
	int changed = sync_look(d->sync, op, &why);
	if (changed < 0)
		return sync_failed(d, &why);
	if (changed == 0)
		forecast_unchanged(&d->forecast);
	return changed == 1 ? send(d, op) : 0;
}

static int take(struct dry *d, const struct operation *op)
{
	if (!feed_in_shard(d->o, op) || !feed_in_sample(&d->feed, op))
		return 0;
	return d->sync ? compare(d, op) : send(d, op);
}

/* What was held back is sent, now that nothing has come behind it. */
static int take_held(struct dry *d)
{
	const struct operation *op;
	struct reason why;
	int found;

	while ((found = sync_next_held(d->sync, &op, &why)) == 1)
		if (send(d, op) != 0)
			return -1;
	return found == 0 ? 0 : sync_failed(d, &why);
}
static int wait_for_input(struct dry *d)
{
	struct pollfd p = { .fd = input_fd(d->feed.input), .events = POLLIN };
	struct reason why;

	if (hand_over(d) != 0)
		return -1;
	if (outfile_flush(&d->out, &why) != 0)
		return stop(d, EX_CANTCREAT, why.text);
	if (poll(&p, 1, -1) < 0 && errno != EINTR)
		return stop(d, EX_NOINPUT, "waiting for input failed");
	return 0;
}

/* What is to be known of the FILEs, now that they were read. */
static void say_notices(struct dry *d)
{
	struct reason what;

	while (input_notice(d->feed.input, &what))
		if (!d->o->quiet)
			log_line("%s", what.text);
}

/* 1: go on, 0: the end, -1: stopped. */
static int pull(struct dry *d)
{
	const struct made *made = producer_next(d->feed.producer);

	switch (made->kind) {
	case MADE_AGAIN:
		return wait_for_input(d) == 0 ? 1 : -1;
	case MADE_END:
		say_notices(d);
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
	if (!d->o->limit || made->op.from.number < d->o->skip + d->o->limit)
		return 1;
	d->files = made->op.from.file + 1;
	return 0;
}

static void read_all(struct dry *d)
{
	int signal_number = 0, more;

	while ((more = pull(d)) == 1 && !(signal_number = signals_stop()))
		;
	if (signal_number)
		d->status = 128 + signal_number;
	else if (more == 0)
		take_held(d);
}

/* Those whom --sync-deletes would delete. */
static void print_deletes(struct dry *d)
{
	struct operation op;
	struct reason why;
	int found;

	while ((found = sync_next_delete(d->sync, &d->feed.operation, &op, &why)) > 0) {
		if (found == 2) {
			forecast_invalid(&d->forecast, why.text);
			continue;
		}
		forecast_delete(&d->forecast, op.body_len, d->o->api->envelope, d->batch_most);
		if (print(d, &op) != 0)
			break;
	}
	if (found < 0)
		sync_failed(d, &why);
}

/* The whole input was read: what would become of those who are missing? */
static void decide_deletes(struct dry *d)
{
	static const char *const kept[] = {
		[KEEP_EMPTY] = "none would be deleted, for it has no records, and the run would "
		               "end with status 65",
		[KEEP_CHANGED] = "none would be deleted, for the input was changed since this "
		                 "began",
		[KEEP_DOUBTFUL] = "none would be deleted, for some of its records are invalid",
		[KEEP_TOO_MANY] = "more than --max-deletes allows, so none would be deleted and "
		                  "the run would end with status 65",
	};
	bool doubtful = d->doubtful || d->forecast.invalid > 0;
	struct reason why;
	enum keep keep = sync_decide(d->sync, d->forecast.records, doubtful, &why);

	if (sync_deletes(d->sync) == DELETES_GO_ON)
		print_deletes(d);
	if (keep != KEEP_NOBODY) {
		d->forecast.kept = sync_missing(d->sync);
		d->forecast.kept_why = kept[keep];
		d->withheld = keep == KEEP_TOO_MANY || keep == KEEP_EMPTY;
	}
}

static void add_repeats(const struct dry *d, struct buf *out)
{
	bool exact;
	uint64_t people = repeats_people(d->repeats, &exact);

	if (people == 0)
		return;
	if (!exact)
		buf_str(out, "About ");
	words_many(out, people, true, "person stands", "people stand");
	buf_str(out, " in it more than once.\n");
}

static void expect(void *survey, const char *name, size_t n)
{
	survey_expect(survey, name, n);
}

/* The columns of the CSVs that were read, for a column may be empty from end to end. */
static void expect_columns(struct dry *d)
{
	const struct input *in = d->feed.input;
	struct mapping *m = mapping_new(&d->o->mapping);

	for (size_t file = 0; file < d->files; file++) {
		const struct input_header *h = input_header_of(in, (unsigned)file);
		if (h)
			mapping_names(m, h->names, h->count, expect, d->survey);
	}
	mapping_free(m);
}

/* What the input was taken for, on standard error, so that data stay data. */
static void say_survey(struct dry *d)
{
	const struct options *o = d->o;
	enum input_format format = input_format_of(d->feed.input, 0);
	struct buf about_format = { .max = 1024 }, text = { .max = 1 << 17 };

	input_describe(d->feed.input, 0, &about_format);
	if (o->input.file_count > 1)
		buf_fmt(&about_format, ", with %zu other file%s", o->input.file_count - 1,
		    o->input.file_count == 2 ? "" : "s");
	buf_byte(&about_format, '\0');
	const struct survey_about about = {
		.input = input_name(d->feed.input, 0),
		.format = about_format.data,
		.names_people = !o->mapping.action_field && action_needs_person(o->action),
		.action = o->action,
		.cells = format == INPUT_CSV || format == INPUT_TSV,
		.mapping = &o->mapping,
	};
	expect_columns(d);
	survey_text(d->survey, &about, SURVEY_WIDTH, &text);
	add_repeats(d, &text);
	if (text.len)
		log_line("%.*s", (int)(text.len - 1), text.data);
	buf_free(&about_format);
	buf_free(&text);
}

static void finish(struct dry *d)
{
	struct reason why;
	struct buf text = { .max = 1 << 16 };

	feed_stop(&d->feed);
	if (d->status == 0 && !d->o->quiet)
		say_survey(d);

	if (d->status != EX_CANTCREAT)
		hand_over(d);
	if (outfile_close(&d->out, &why) != 0 && d->status != EX_CANTCREAT)
		stop(d, EX_CANTCREAT, why.text);
	if (d->status == 0 && (!d->o->quiet || d->forecast.invalid)) {
		forecast_text(&d->forecast, &d->o->rate, &d->o->record_rate, d->sync != NULL,
		    &text);
		log_line("%.*s", (int)(text.len - 1), text.data);
	}
	buf_free(&text);
}

static int set_up(struct dry *d, struct reason *why)
{
	const struct options *o = d->o;
	char run[ULID_LENGTH + 1];

	buf_init(&d->lines, BUF_UNBOUNDED);
	identity_of_run(run, clock_wall() / 1000, (const uint8_t[10]){ 0 });
	if (feed_open(&d->feed, o, run, why) != 0 ||
	    sync_open(o, d->feed.input, &d->feed.identity, &d->sync, why) != 0)
		return -1;
	d->batch_most = feed_batch_most(o);
	d->files = o->input.file_count;
	d->survey = o->quiet ? NULL : survey_new();
	d->repeats = o->quiet ? NULL : repeats_new();
	feed_start(&d->feed, o, true, d->survey);
	if (outfile_create(&d->out, "-", OUTFILE_ANY, NULL, why) == 0)
		return 0;
	why->status = EX_CANTCREAT;
	return -1;
}

static int end_status(const struct dry *d)
{
	if (d->status)
		return d->status;
	return d->withheld ? EX_DATAERR : d->forecast.invalid ? 1 : 0;
}

int dry_run(const struct options *o)
{
	struct dry d = { .o = o, .out = OUTFILE_CLOSED };
	struct reason why;

	signals_install("");
	if (set_up(&d, &why) != 0) {
		stop(&d, why.status, why.text);
	} else {
		read_all(&d);
		if (sync_deletes(d.sync) == DELETES_LATER && d.status == 0)
			decide_deletes(&d);
		finish(&d);
	}
	feed_close(&d.feed);
	survey_free(d.survey);
	repeats_free(d.repeats);
	forecast_free(&d.forecast);
	buf_free(&d.lines);
	sync_close(d.sync);
	return end_status(&d);
}
