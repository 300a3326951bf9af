/* The policy of a sync. */
#include "run/sync.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sysexits.h>

#include "base/buf.h"
#include "base/path.h"
#include "base/reason.h"
#include "input/input.h"
#include "operation/field.h"
#include "operation/mapping.h"
#include "options/options.h"
#include "run/held.h"
#include "run/identity.h"
#include "store/syncfile.h"

struct sync {
	const struct options *o;
	const struct input *in;
	struct syncfile *file;
	struct held *held;
	enum deletes deletes;
	struct buf who;   /* whom to delete next ... */
	struct buf bytes; /* ... and the operation that does it */
};

/* A pipe that ends looks the same whether its producer was done or was killed. */
static int check_stream(const struct options *o, const struct input *in, struct reason *why)
{
	if (o->sync_deletes < 0 || o->max_deletes_given || input_is_regular(in))
		return 0;
	return reason_exit(why, EX_USAGE,
	    "--sync-deletes from what is no regular file needs --max-deletes: should its producer "
	    "die, everybody behind that place would be deleted: say how many may be, or give a "
	    "file");
}

int sync_open(const struct options *o, const struct input *in, const struct identity *id,
    struct sync **out, struct reason *why)
{
	struct buf about = { .max = 1 << 20 };
	int status = 0;

	*out = NULL;
	if (!o->sync)
		return 0;
	if (check_stream(o, in, why) != 0)
		return -1;
	buf_fmt(&about, "%s %s", id->destination.data, action_name(o->action));
	if (o->segment)
		buf_fmt(&about, " segment=%s", o->segment);
	if (o->shards)
		buf_fmt(&about, " shard=%u/%u", o->shard, o->shards);
	buf_byte(&about, '\0');
	struct syncfile *file = syncfile_open(o->sync, o->site_id ? about.data : NULL, o->dry_run,
	    &status, why);
	buf_free(&about);
	if (!file) {
		why->status = why->status ? why->status : status;
		return -1;
	}
	*out = xcalloc(1, sizeof **out);
	**out = (struct sync){
		.o = o,
		.in = in,
		.file = file,
		.held = held_new(),
		.deletes = o->sync_deletes < 0 ? DELETES_OVER : DELETES_LATER,
		.who = { .max = BUF_UNBOUNDED },
		.bytes = { .max = BUF_UNBOUNDED },
	};
	return 0;
}

void sync_close(struct sync *s)
{
	if (!s)
		return;
	syncfile_close(s->file);
	held_free(s->held);
	buf_free(&s->who);
	buf_free(&s->bytes);
	free(s);
}

/* What the file said, with the exit status for it where it failed. */
static int checked(struct sync *s, int result, struct reason *why)
{
	if (result < 0 && why->status == 0)
		why->status = syncfile_status(s->file);
	return result;
}

/* Until it is settled nobody knows what the server has. */
static int mark(struct sync *s, const struct operation *op, struct reason *why)
{
	return s->o->dry_run ? 0 : checked(s, syncfile_mark(s->file, op, why), why);
}

int sync_look(struct sync *s, const struct operation *op, struct reason *why)
{
	if (!s)
		return 1;
	int found = checked(s, syncfile_look(s->file, op, why), why);
	if (found == 2 && held_put(s->held, op) != 0) {
		syncfile_send(s->file, op);
		found = 1;
	}
	return found == 1 && mark(s, op, why) != 0 ? -1 : found;
}

const struct operation *sync_overtaken(struct sync *s, const struct operation *op)
{
	return s && op->key_count ? held_take(s->held, op->keys[0]) : NULL;
}

int sync_next_held(struct sync *s, const struct operation **op, struct reason *why)
{
	*op = s ? held_take_any(s->held) : NULL;
	if (!*op)
		return 0;
	return mark(s, *op, why) != 0 ? -1 : 1;
}

size_t sync_held(const struct sync *s, uint64_t *out)
{
	if (!s)
		return 0;
	if (out)
		held_numbers(s->held, out);
	return held_count(s->held);
}

int sync_seen(struct sync *s, const struct operation *op, struct reason *why)
{
	return !s || checked(s, syncfile_look(s->file, op, why), why) >= 0 ? 0 : -1;
}

int sync_ended(struct sync *s, uint64_t *several, struct reason *why)
{
	*several = 0;
	return s ? checked(s, syncfile_ended(s->file, several, why), why) : 0;
}

int sync_marks(struct sync *s, struct reason *why)
{
	return !s || syncfile_is_marked(s->file) ? 0 : sync_commit(s, why);
}

int sync_commit(struct sync *s, struct reason *why)
{
	return s ? checked(s, syncfile_commit(s->file, why), why) : 0;
}

int sync_settled(struct sync *s, const struct operation *op, enum outcome outcome,
    unsigned attempts, struct reason *why)
{
	int result = 0;

	/* else the person stays marked, for the next one */
	if (s && outcome == OUTCOME_ACCEPTED && !op->behind[0])
		result = syncfile_accepted(s->file, op, why);
	else if (s && outcome == OUTCOME_REFUSED && attempts <= 1 && op->from.number)
		result = syncfile_refused(s->file, op, why);
	return result == 0 ? 0 : checked(s, result, why);
}

int sync_complete(struct sync *s, struct reason *why)
{
	return s ? checked(s, syncfile_complete(s->file, why), why) : 0;
}

/* -- deletes -- */

enum deletes sync_deletes(const struct sync *s)
{
	return s ? s->deletes : DELETES_OVER;
}

uint64_t sync_missing(const struct sync *s)
{
	return syncfile_missing(s->file);
}

/* What is in the way of any deletes, before anybody is counted. */
static enum keep judge_input(struct sync *s, uint64_t records, struct reason *why)
{
	struct reason inner;
	enum input_whole whole = input_is_whole(s->in, &inner);
	char shown[PATH_SHOWN];

	path_shown(s->o->sync, shown);
	if (whole == INPUT_EMPTY || records == 0) {
		reason_exit(why, EX_DATAERR,
		    "%.500s: so none of %" PRIu64 " people of %s is deleted: check the export, and "
		    "run it again",
		    whole == INPUT_EMPTY ? inner.text : "there was no record",
		    syncfile_known(s->file), shown);
		return KEEP_EMPTY;
	}
	if (whole == INPUT_WHOLE || syncfile_missing(s->file) == 0)
		return KEEP_NOBODY;
	reason_set(why,
	    "%.500s: so none of the %" PRIu64 " people of %s who were not in it is deleted: run it "
	    "again",
	    inner.text, syncfile_missing(s->file), shown);
	return KEEP_CHANGED;
}

enum keep sync_decide(struct sync *s, uint64_t records, bool doubtful, struct reason *why)
{
	const struct options *o = s->o;
	uint64_t missing = syncfile_missing(s->file);
	uint64_t allowed = syncfile_allowed(s->file, o->max_deletes, o->max_deletes_percent);
	char shown[PATH_SHOWN];

	path_shown(o->sync, shown);
	s->deletes = DELETES_OVER;
	enum keep first = judge_input(s, records, why);
	if (first != KEEP_NOBODY)
		return first;
	switch (syncfile_decide(s->file, records, doubtful, allowed)) {
	case SYNCFILE_NOBODY:
		break;
	case SYNCFILE_EMPTY: /* said by judge_input */
		return KEEP_EMPTY;
	case SYNCFILE_DOUBTFUL:
		reason_set(why,
		    "%s: %" PRIu64 " people are not in the input, and none is deleted, for some of "
		    "its records could not be read: correct those first",
		    shown, missing);
		return KEEP_DOUBTFUL;
	case SYNCFILE_TOO_MANY:
		s->deletes = DELETES_WITHHELD;
		reason_set(why,
		    "%s: %" PRIu64 " people are not in the input, and of %" PRIu64 " known "
		    "--max-deletes allows %" PRIu64 ", so nobody was deleted: check that the input "
		    "is whole, and if it is, raise --max-deletes and run it again",
		    shown, missing, syncfile_known(s->file), allowed);
		return KEEP_TOO_MANY;
	case SYNCFILE_DELETE:
		s->deletes = DELETES_GO_ON;
		break;
	}
	return KEEP_NOBODY;
}

/* It is none of the input's records, so its number is 0. */
static int build_delete(struct sync *s, const struct operation_config *config, enum id_type type,
    struct operation *op, struct reason *why)
{
	char *text = field_text(s->who.data, s->who.len);
	const struct field id = {
		.name = "id",
		.key = "\"id\"",
		.name_len = 2,
		.key_len = 4,
		.value = text,
		.value_len = s->who.len,
		.kind = FIELD_TEXT,
	};
	const struct field *const fields[] = { &id };
	const struct mapped m = { .fields = fields, .count = 1, .id = &id, .id_type = type };
	const struct origin from = { .raw = "" };
	struct operation_config c = *config;

	c.action = (enum action)s->o->sync_deletes;
	c.fingerprints = false;
	int result = operation_build(&c, &from, &m, &s->bytes, op, why);
	free(text);
	return result;
}

int sync_next_delete(struct sync *s, const struct operation_config *config, struct operation *op,
    struct reason *why)
{
	enum id_type type;
	int found = syncfile_next_missing(s->file, &s->who, &type, why);

	if (found != 1)
		s->deletes = DELETES_OVER;
	if (found != 1)
		return checked(s, found, why);
	*op = (struct operation){ 0 };
	if (build_delete(s, config, type, op, why) != 0)
		return 2;
	if (!s->o->dry_run && syncfile_mark(s->file, op, why) != 0)
		return checked(s, -1, why);
	return 1;
}
