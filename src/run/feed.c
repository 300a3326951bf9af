/* What a run and a dry run set up in the same way. */
#include "run/feed.h"

#include <stdio.h>
#include <sysexits.h>

#include "base/reason.h"
#include "input/input.h"
#include "operation/mapping.h"
#include "options/options.h"
#include "queue/batch.h"
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

/* Whether each --set is what it must be beside the cells of a FILE that is a CSV: else each of its
 * records would be rejected. A pipe whose format nobody has said yet will tell by its header. */
static int check_sets(const struct options *o, const struct input *in, unsigned file,
    struct reason *why)
{
	enum input_format found = input_format_of(in, file),
	                  format = found == INPUT_AUTO ? o->input.format : found;
	struct reason inner;

	if ((format != INPUT_CSV && format != INPUT_TSV) ||
	    mapping_check_sets(&o->mapping, true, &inner) == 0)
		return 0;
	return reason_exit(why, EX_USAGE,
	    "--set: %s, as it must be in a CSV: correct it, or give it another type with --type",
	    inner.text);
}

int feed_header(struct mapping *m, const struct input *in, unsigned file, const struct options *o,
    struct reason *why)
{
	const struct input_header *h = input_header_of(in, file);
	const char *name = input_name(in, file), *id = NULL, *wanted = o->mapping.id_field;
	struct reason inner;

	if (check_sets(o, in, file, why) != 0)
		return -1;
	if (!h)
		return 0;
	if (mapping_check_header(m, h->names, h->count, &id, &inner) != 0)
		return reason_exit(why, EX_DATAERR, "%s: %s", name, inner.text);
	if (id || o->mapping.action_field || !action_needs_person(o->action))
		return 0;
	if (wanted)
		return reason_exit(why, EX_DATAERR,
		    "%s: its header has no field \"%s\" to name the person: correct --id", name,
		    wanted);
	return reason_exit(why, EX_DATAERR,
	    "%s: no field of its header names the person (id, email, cio_id): say which does with "
	    "--id=FIELD",
	    name);
}

static struct operation_config make_operations(const struct feed *f, const struct options *o)
{
	return (struct operation_config){
		.action = o->action,
		.event = o->event,
		.object_type = o->object_type,
		.segment = o->segment,
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
		if (feed_header(f->mapping, f->input, file, o, why) != 0)
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

bool feed_in_shard(const struct options *o, const struct operation *op)
{
	uint64_t hash = op->key_count ? op->keys[0] : operation_key(op->from.raw, op->from.raw_len);

	return !o->shards || hash % o->shards == o->shard - 1;
}
