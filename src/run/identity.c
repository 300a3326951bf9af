/* What makes two runs the same run: destination, input, mapping and action. */
#include "run/identity.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "operation/mapping.h"
#include "operation/operation.h"
#include "options/options.h"

#define IDENTITY_MAX (1u << 20)

void identity_make(struct identity *id, const struct options *o)
{
	/* the App API's key is its only credential, and may be another one tomorrow */
	const char *site = o->site_id ? o->site_id : "";

	buf_init(&id->action, IDENTITY_MAX);
	buf_init(&id->destination, IDENTITY_MAX);
	buf_init(&id->mapping, IDENTITY_MAX);
	buf_fmt(&id->action, "%s", action_name(o->action));
	if (o->event)
		buf_fmt(&id->action, " event=%s", o->event);
	if (o->object_type)
		buf_fmt(&id->action, " object-type=%s", o->object_type);
	if (o->segment)
		buf_fmt(&id->action, " segment=%s", o->segment);
	if (o->suppression >= 0)
		buf_fmt(&id->action, " suppression=%s", suppression_names[o->suppression]);
	if (o->sample || o->sample_percent > 0)
		buf_fmt(&id->action, " sample=%" PRIu64 "/%g%%", o->sample, o->sample_percent);
	if (o->message)
		buf_fmt(&id->action, " message=%s", o->message);
	if (o->broadcast)
		buf_fmt(&id->action, " broadcast=%s%s", o->broadcast,
		    o->ignore_missing ? " ignore-missing" : "");
	if (o->draft)
		buf_str(&id->action, " draft");
	if (o->update_only)
		buf_str(&id->action, " update-only");
	snprintf(id->workspace, sizeof id->workspace, "site=%016" PRIx64,
	    (uint64_t)XXH3_64bits(site, strlen(site)));
	buf_fmt(&id->destination, "%s %s", o->url ? o->url : "", id->workspace);
	mapping_describe(&o->mapping, &id->mapping);
	csv_dialect_describe(&o->input.dialect, &id->mapping);
	if (o->skip)
		buf_fmt(&id->mapping, " skip=%" PRIu64, o->skip);
	if (o->shards)
		buf_fmt(&id->mapping, " shard=%u/%u", o->shard, o->shards);
	buf_byte(&id->action, '\0');
	buf_byte(&id->destination, '\0');
	buf_byte(&id->mapping, '\0');
}

void identity_of_run(char out[ULID_LENGTH + 1], int64_t wall_ms, const uint8_t random[10])
{
	ulid_make(out, wall_ms > 0 ? (uint64_t)wall_ms : 0, random);
}

void identity_free(struct identity *id)
{
	buf_free(&id->action);
	buf_free(&id->destination);
	buf_free(&id->mapping);
}
