#include "run/feed.h"

#include <stdlib.h>
#include "queue/batch.h"
#include "operation/field.h"
#include "run/identity.h"
#include "input/input.h"
#include "base/log.h"
#include "operation/mapping.h"
#include "options/options.h"
#include "input/record.h"
#include "store/syncfile.h"

struct mapping *feed_mapping(const struct options *o, struct reason *why)
{
	struct reason inner;

	if (mapping_check_sets(&o->mapping, false, &inner) == 0)
		return mapping_new(&o->mapping);
	reason_set(why, "--set: %s: correct it, or its --type", inner.text);
	return NULL;
}

int feed_sets(const struct options *o, const struct input *in, unsigned file, struct reason *why)
{
	enum input_format found = input_format_of(in, file),
	                  format = found == INPUT_AUTO ? o->input.format : found;
	struct reason inner;

	if ((format != INPUT_CSV && format != INPUT_TSV) ||
	    mapping_check_sets(&o->mapping, true, &inner) == 0)
		return 0;
	return reason_set(why,
	    "--set: %s, as it must be in a CSV: correct it, or give it another type with --type",
	    inner.text);
}

int feed_header(struct mapping *m, const struct input *in, unsigned file, const struct options *o,
    struct reason *why)
{
	const struct input_header *h = input_header_of(in, file);
	const char *name = input_name(in, file), *id = NULL, *wanted = o->mapping.id_field;
	struct reason inner;

	if (!h)
		return 0;
	if (feed_sets(o, in, file, why) != 0)
		return -1;
	if (mapping_check_header(m, h->names, h->count, &id, &inner) != 0)
		return reason_set(why, "%s: %s", name, inner.text);
	if (id || o->mapping.action_field || !action_needs_person(o->action))
		return 0;
	if (wanted)
		return reason_set(why,
		    "%s: its header has no field \"%s\" to name the person: correct --id", name,
		    wanted);
	return reason_set(why,
	    "%s: no field of its header names the person (id, email, cio_id): say which does with "
	    "--id=FIELD",
	    name);
}

struct operation_config feed_operations(const struct options *o, const struct identity *id,
    const struct input *in, int64_t event_time_ms)
{
	int64_t mtime = input_mtime(in);

	return (struct operation_config){
		.action = o->action,
		.event = o->event,
		.update_only = o->update_only,
		.no_limits = o->no_limits,
		.v2 = o->batch,
		.fingerprints = o->sync != NULL,
		.destination = id->destination.data,
		.input_identity = id->input.data,
		.event_time_ms = mtime ? mtime : event_time_ms,
	};
}

size_t feed_batch_most(const struct options *o)
{
	size_t most = o->batch_most, at_once;

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

struct syncfile *feed_sync(const struct options *o, const struct identity *id, int *status,
    struct reason *why)
{
	struct buf about = { .max = 1 << 20 };

	buf_fmt(&about, "%s %s", id->destination.data, action_name(o->action));
	if (o->shards)
		buf_fmt(&about, " shard=%u/%u", o->shard, o->shards);
	buf_byte(&about, '\0');
	struct syncfile *s = syncfile_open(o->sync, o->site_id ? about.data : NULL, o->dry_run,
	    status, why);
	buf_free(&about);
	return s;
}

int feed_delete(const struct options *o, const struct operation_config *config,
    const struct buf *who, enum id_type type, struct buf *bytes, struct operation *op,
    struct reason *why)
{
	char *text = field_text(who->data, who->len);
	const struct field id = { .name = "id",
		.key = "\"id\"",
		.name_len = 2,
		.key_len = 4,
		.value = text,
		.value_len = who->len,
		.kind = FIELD_TEXT };
	const struct field *const fields[] = { &id };
	const struct mapped m = { .fields = fields, .count = 1, .id = &id, .id_type = type };
	const struct origin from = { .raw = "" };
	struct operation_config c = *config;

	c.action = (enum action)o->sync_deletes;
	c.fingerprints = false;
	int result = operation_build(&c, &from, &m, bytes, op, why);
	free(text);
	return result;
}
