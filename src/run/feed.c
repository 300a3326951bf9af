/* What a run and a dry run set up in the same way. */
#include "run/feed.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/buf.h"
#include "base/reason.h"
#include "input/input.h"
#include "operation/mapping.h"
#include "options/options.h"
#include "queue/batch.h"
#include "run/feed_check.h"
#include "run/producer.h"

static int open_mapping(struct feed *f, const struct options *o, struct reason *why)
{
	struct reason inner;

	if (mapping_check_sets(&o->mapping, false, &inner) != 0)
		return reason_exit(why, EX_USAGE, "--set: %s: correct it, or its --type",
		    inner.text);
	f->mapping = mapping_new(&o->mapping);
	return 0;
}

static struct operation_config make_operations(const struct feed *f, const struct options *o)
{
	return (struct operation_config){
		.action = o->action,
		.event = o->event,
		.object_type = o->object_type,
		.segment = o->segment,
		.message = o->message,
		.draft = o->draft,
		.broadcast = o->broadcast,
		.suppression = o->suppression < 0 ? NULL : suppression_names[o->suppression],
		.update_only = o->update_only,
		.no_limits = o->no_limits,
		.v2 = o->batch,
		.fingerprints = o->sync != NULL,
		.destination = f->identity.workspace,
		.run = f->run,
	};
}

void feed_go_on(struct feed *f, const char *run)
{
	snprintf(f->run, sizeof f->run, "%s", run);
}

/* So many of the input are a share of it, once it is counted. */
static int set_sample(struct feed *f, const struct options *o, struct reason *why)
{
	uint64_t total = 0;
	int more = 1;

	f->share = o->sample_percent > 0 ? o->sample_percent / 100 : 1;
	while (o->sample && more == 1)
		more = input_count(f->input, SIZE_MAX, &total);
	if (more < 0)
		return reason_exit(why, EX_USAGE,
		    "--sample: how many records there are is not known of a pipe: give a share, "
		    "such as 1%%, or a file");
	total -= total < o->skip ? total : o->skip;
	if (o->limit && o->limit < total)
		total = o->limit;
	if (o->sample && o->sample < total)
		f->share = (double)o->sample / (double)total;
	return 0;
}

int feed_open(struct feed *f, const struct options *o, const char *run, struct reason *why)
{
	int status = EX_USAGE;

	*f = (struct feed){ 0 };
	if (open_mapping(f, o, why) != 0)
		return -1;
	f->input = input_new(&o->input, why, &status);
	if (!f->input) {
		why->status = status;
		return -1;
	}
	for (unsigned file = 0; file < o->input.file_count; file++)
		if (feed_check_header(f->mapping, f->input, file, o, why) != 0)
			return -1;
	if (set_sample(f, o, why) != 0)
		return -1;
	identity_make(&f->identity, o);
	feed_go_on(f, run);
	f->operation = make_operations(f, o);
	return 0;
}

void feed_start(struct feed *f, const struct options *o, bool ahead, struct survey *survey)
{
	f->producer = producer_new(o, f->input, f->mapping, &f->operation, ahead, survey);
}

void feed_stop(struct feed *f)
{
	producer_free(f->producer);
	f->producer = NULL;
}

void feed_close(struct feed *f)
{
	producer_free(f->producer);
	mapping_free(f->mapping);
	input_free(f->input);
	identity_free(&f->identity);
}

size_t feed_batch_most(const struct options *o)
{
	const struct envelope *e = o->api->envelope;
	size_t most = o->batch_most, at_once;

	if (e && e->records_most && (most == 0 || most > e->records_most))
		most = e->records_most;
	if (!o->record_rate.num)
		return most;
	at_once = batch_at_once(&o->record_rate, &o->rate, o->burst);
	return most && most < at_once ? most : at_once;
}

bool feed_in_sample(const struct feed *f, const struct operation *op)
{
	return f->share >= 1 || (double)(op->keys[0] >> 11) * 0x1p-53 < f->share;
}

bool feed_in_shard(const struct options *o, const struct operation *op)
{
	if (!o->shards)
		return true;
	uint64_t hash = op->key_count ? op->keys[0] : operation_key(op->from.raw, op->from.raw_len);
	return hash % o->shards == o->shard - 1;
}
