#include "options/options_check.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include "base/buf.h"
#include "send/endpoint.h"
#include "base/log.h"
#include "options/options.h"
#include "base/path.h"
#include "options/settings.h"

/* Of two options that exclude each other the one from the stronger source stands. Returns -1 where
 * neither is stronger. */
static int check_rivals(struct settings *s, enum option_id a, bool *a_said, enum option_id b,
    bool *b_said, struct reason *why)
{
	if (!*a_said || !*b_said)
		return 0;
	if (s->source[a] == s->source[b])
		return reason_set(why, "--%s and --%s exclude each other: leave one out",
		    options_table[a].name, options_table[b].name);
	*(s->source[a] < s->source[b] ? a_said : b_said) = false;
	return 0;
}

/* --id=phone without more would be a phone number, which the v1 API has no way to name. */
static int check_phone(const struct settings *s, struct reason *why)
{
	bool by_name = s->id_type == -1 && s->id && strcmp(s->id, "phone") == 0;

	if (s->batch || (s->id_type != ID_PHONE && !by_name))
		return 0;
	return reason_set(why, "people can be named by phone in batches alone: add --batch%s",
	    by_name ? ", or --id-type=id where the field holds an id" : "");
}

static int check_action(const struct settings *s, struct reason *why)
{
	if (s->batch && s->action == ACTION_TRACK_ANONYMOUS)
		return reason_set(why,
		    "--action=track-anonymous cannot be batched, for that API has no anonymous "
		    "events: "
		    "leave --batch out");
	if (settings_commanded(s, OPTION_EVENT) && !s->action_field &&
	    !action_is_event((enum action)s->action))
		return reason_set(why,
		    "--event needs --action=track, track-anonymous, page or screen");
	return check_phone(s, why);
}

static int check_columns(const struct name_list *l, struct reason *why)
{
	char shown[SETTINGS_SHOWN];

	for (size_t i = 0; i < l->count; i++)
		for (size_t k = 0; k < i; k++)
			if (strcmp(l->names[i], l->names[k]) == 0)
				return reason_set(why, "--columns names %s twice",
				    settings_shown(l->names[i], shown));
	return 0;
}

/* An option for CSV with --format=ndjson: refused, unless --format is the stronger. */
static int check_csv_only(struct settings *s, enum option_id id, struct reason *why)
{
	if (s->format != INPUT_NDJSON || s->source[id] == SOURCE_NONE)
		return 0;
	if (s->source[id] >= s->source[OPTION_FORMAT])
		return reason_set(why, "--%s is for CSV: it does not go with --format=ndjson",
		    options_table[id].name);
	if (id == OPTION_COLUMNS)
		s->columns.count = 0;
	else
		s->delimiter = 0;
	return 0;
}

static int check_input(struct settings *s, struct reason *why)
{
	bool standard_input = false;

	if (s->files.count == 0)
		settings_add_name(&s->files, "-");
	for (size_t i = 0; i < s->files.count; i++) {
		if (!*s->files.names[i])
			return reason_set(why, "a FILE's name is empty: was a variable not set?");
		if (strcmp(s->files.names[i], "-") != 0)
			continue;
		if (standard_input)
			return reason_set(why, "standard input (-) can be read once only");
		standard_input = true;
	}
	if (check_csv_only(s, OPTION_COLUMNS, why) == -1 ||
	    check_csv_only(s, OPTION_DELIMITER, why) == -1)
		return -1;
	return check_columns(&s->columns, why);
}

static int check_sync(const struct settings *s, struct reason *why)
{
	if (!s->sync && settings_commanded(s, OPTION_SYNC_DELETES))
		return reason_set(why, "--sync-deletes needs --sync=FILE");
	if (s->sync_deletes == -1 && settings_commanded(s, OPTION_MAX_DELETES))
		return reason_set(why, "--max-deletes needs --sync-deletes");
	if (s->sync && (s->action != ACTION_IDENTIFY || s->action_field))
		return reason_set(why, "--sync goes with --action=identify alone%s",
		    s->action_field ? ", and not with --action-field" : "");
	if (s->sync && s->sync_deletes != -1 && (s->skip || s->limit))
		return reason_set(why,
		    "--sync-deletes does not go with --%s: people in the records left out "
		    "would be deleted",
		    s->skip ? "skip" : "limit");
	return 0;
}

static int check_waits(struct settings *s, struct reason *why)
{
	if (s->backoff_us <= s->backoff_max_us)
		return 0;
	if (s->source[OPTION_BACKOFF] == SOURCE_NONE) {
		s->backoff_us = s->backoff_max_us;
		return 0;
	}
	if (s->source[OPTION_BACKOFF_MAX] == SOURCE_NONE) {
		s->backoff_max_us = s->backoff_us;
		return 0;
	}
	return reason_set(why,
	    "--backoff is longer than --backoff-max: make it shorter, or that longer");
}

/* What is not said of the rate is one process's share of it. */
static void check_speed(struct settings *s)
{
	if (s->shards == 0)
		return;
	if (s->source[OPTION_RATE] == SOURCE_NONE)
		s->rate.den *= (int64_t)s->shards;
	if (s->source[OPTION_BURST] == SOURCE_NONE)
		s->burst = s->burst > s->shards ? s->burst / s->shards : 1;
}

/* Where a name's ending begins: its last dot, but for one in front. The end of the name where it
 * has none. */
static size_t ending_at(const char *name)
{
	const char *slash = strrchr(name, '/'), *base = slash ? slash + 1 : name;
	const char *dot = strrchr(base, '.');

	return dot && dot != base && dot[1] ? (size_t)(dot - name) : strlen(name);
}

/* "users.csv" to "users.rejected.csv" and "users.csv.cio-state", for a shard
 * "users.rejected.1of4.csv" and "users.csv.1of4.cio-state". */
static void name_files(struct settings *s)
{
	const char *first = s->files.names[0];
	size_t ending = ending_at(first);
	struct stat st;
	struct buf name;

	if (strcmp(first, "-") == 0 || (stat(first, &st) == 0 && !S_ISREG(st.st_mode)))
		return;
	for (int state = 0; state < 2; state++) {
		if (state ? s->state || s->no_state : s->rejects != NULL)
			continue;
		buf_init(&name, SIZE_MAX / 2);
		buf_add(&name, first, state ? strlen(first) : ending);
		buf_str(&name, state ? "" : ".rejected");
		if (s->shards)
			buf_fmt(&name, ".%lluof%llu", (unsigned long long)s->shard,
			    (unsigned long long)s->shards);
		buf_str(&name, state ? ".cio-state" : first + ending);
		buf_byte(&name, '\0');
		*(state ? &s->state : &s->rejects) = settings_keep(s, name.data);
	}
}

static bool same_inode(const char *a, const char *b, bool regular)
{
	struct stat x, y;

	return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev &&
	    x.st_ino == y.st_ino && (!regular || S_ISREG(x.st_mode));
}

/* Whether two names are one regular file, or will be when it is made. */
static bool same_file(const char *a, const char *b)
{
	const char *a_slash = strrchr(a, '/'), *b_slash = strrchr(b, '/');
	struct stat st;

	if (stat(a, &st) == 0 && !S_ISREG(st.st_mode))
		return false; /* two outputs may go to /dev/null */
	if (strcmp(a, b) == 0 || same_inode(a, b, true))
		return true;
	if (strcmp(a_slash ? a_slash + 1 : a, b_slash ? b_slash + 1 : b) != 0)
		return false;
	char *a_dir = a_slash ? xstrndup(a, (size_t)(a_slash - a) + 1) : xstrdup(".");
	char *b_dir = b_slash ? xstrndup(b, (size_t)(b_slash - b) + 1) : xstrdup(".");
	bool same = same_inode(a_dir, b_dir, false);
	free(a_dir);
	free(b_dir);
	return same;
}

/* No output may be an input or another output. */
static int check_outputs(const struct settings *s, struct reason *why)
{
	const struct {
		enum option_id id;
		const char *path;
	} outputs[] = {
		{ OPTION_REJECTS, s->rejects },
		{ OPTION_STATE, s->state },
		{ OPTION_RESULTS, s->results },
		{ OPTION_SUMMARY, s->summary },
		{ OPTION_METRICS, s->metrics },
		{ OPTION_SYNC, s->sync },
	};
	char shown[PATH_SHOWN];

	for (size_t i = 0; i < sizeof outputs / sizeof *outputs; i++) {
		const char *path = outputs[i].path, *name = options_table[outputs[i].id].name;
		if (!path || strcmp(path, "-") == 0)
			continue;
		for (size_t k = 0; k < s->files.count; k++)
			if (strcmp(s->files.names[k], "-") != 0 &&
			    same_file(path, s->files.names[k]))
				return reason_set(why, "--%s: %s is an input: name another file",
				    name, path_shown(path, shown));
		for (size_t k = 0; k < i; k++)
			if (outputs[k].path && strcmp(outputs[k].path, "-") != 0 &&
			    same_file(path, outputs[k].path))
				return reason_set(why,
				    "--%s: %s is what --%s writes to: name another file", name,
				    path_shown(path, shown), options_table[outputs[k].id].name);
	}
	return 0;
}

static int check_files(struct settings *s, struct reason *why)
{
	bool state = s->state != NULL;

	if (check_rivals(s, OPTION_STATE, &state, OPTION_NO_STATE, &s->no_state, why) == -1)
		return -1;
	s->state = state ? s->state : NULL;
	if (s->dry_run && s->results && strcmp(s->results, "-") == 0)
		return reason_set(why,
		    "--results=- and --dry-run both want standard output: "
		    "name a file, or leave one out");
	name_files(s);
	if (s->restart && !s->state)
		return reason_set(why,
		    "--restart: no progress is kept here that could be forgotten: "
		    "name it with --state=FILE");
	if (check_outputs(s, why) == -1)
		return -1;
	if (s->dry_run)
		s->rejects = s->state = s->results = s->summary = s->metrics = NULL;
	return 0;
}

/* The region would be without effect beside an address: where it was said more strongly, that is
 * not passed over. */
static int check_where(const struct settings *s, struct reason *why, int *status)
{
	enum source region = s->source[OPTION_REGION], url = s->source[OPTION_URL];

	if (s->url && region > url) {
		*status = region == SOURCE_COMMAND ? EX_USAGE : EX_CONFIG;
		return reason_set(why,
		    "a region is asked for, but the %s an address that stands in its "
		    "place: leave one out",
		    url == SOURCE_CONFIG ? "configuration gives" :
		                           "environment's CUSTOMERIO_URL is");
	}
	if (s->url && !s->allow_http && !endpoint_is_private(s->url)) {
		*status = EX_CONFIG;
		return reason_set(why,
		    "the address (--url, CUSTOMERIO_URL) is http://, which sends the credentials "
		    "and "
		    "people's data in the clear: use https://, or --allow-http where the way there "
		    "is private");
	}
	return 0;
}

static void fill_input(const struct settings *s, struct options *o)
{
	o->input = (struct input_config){
		.files = s->files.names,
		.file_count = s->files.count,
		.format = (enum input_format)s->format,
		.delimiter = s->delimiter,
		.columns = s->columns.count ? s->columns.names : NULL,
		.column_count = s->columns.count,
	};
	o->mapping = (struct mapping_config){
		.renames = s->map.pairs,
		.rename_count = s->map.count,
		.sets = s->set.pairs,
		.set_count = s->set.count,
		.only = s->only.names,
		.only_count = s->only.count,
		.drop = s->drop.names,
		.drop_count = s->drop.count,
		.types = s->type.types,
		.type_count = s->type.count,
		.id_field = s->id,
		.id_type = s->id_type,
		.action_field = s->action_field,
		.empty = (enum empty_mode)s->empty,
		.infer = s->infer,
		.phone_identifies = s->batch,
	};
	o->skip = s->skip;
	o->limit = s->limit;
	o->action = (enum action)s->action;
	o->event = s->event;
	o->update_only = s->update_only;
	o->no_limits = s->no_limits;
	o->dry_run = s->dry_run;
}

static void fill_sending(const struct settings *s, struct options *o)
{
	o->url = s->url ? s->url : endpoint_region(s->region);
	o->url_given = s->url != NULL;
	o->batch = s->batch;
	o->batch_most = s->batch_most;
	o->batch_wait_us = s->batch_wait_us;
	o->rate = s->rate;
	o->record_rate = s->record_rate;
	o->burst = s->burst;
	o->concurrency = (unsigned)s->concurrency;
	o->adapt = !s->no_adapt;
	o->retry = (struct retry_config){ (unsigned)s->retries, s->backoff_us, s->backoff_max_us,
		s->jitter };
	o->timeout_us = s->timeout_us;
	o->give_up_us = s->give_up_us;
}

static void fill_accounting(const struct settings *s, struct options *o)
{
	o->max_errors = s->max_errors.count;
	o->max_errors_percent = s->max_errors.percent;
	o->rejects = s->rejects;
	o->state = s->state;
	o->restart = s->restart && s->state;
	o->sync = s->sync;
	o->sync_deletes = !s->sync || s->sync_deletes == -1 ? -1 :
	    s->sync_deletes == 0                            ? ACTION_DELETE :
	                                                      ACTION_SUPPRESS;
	o->max_deletes = s->max_deletes.count;
	o->max_deletes_percent = s->max_deletes.percent;
	o->shard = (unsigned)s->shard;
	o->shards = (unsigned)s->shards;
	o->progress = (enum progress_mode)s->progress;
	o->progress_every = s->progress_every;
	o->results = s->results;
	o->summary = s->summary;
	o->metrics = s->metrics;
	o->quiet = s->quiet;
	o->verbose = s->verbose;
}

int options_check(struct settings *s, struct options *o, struct reason *why, int *status)
{
	*status = EX_USAGE;
	if (check_rivals(s, OPTION_QUIET, &s->quiet, OPTION_VERBOSE, &s->verbose, why) == -1 ||
	    check_input(s, why) == -1 || check_action(s, why) == -1 || check_sync(s, why) == -1 ||
	    check_waits(s, why) == -1 || check_files(s, why) == -1 ||
	    check_where(s, why, status) == -1)
		return -1;
	check_speed(s);
	fill_input(s, o);
	fill_sending(s, o);
	fill_accounting(s, o);
	return 0;
}
