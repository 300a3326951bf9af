/* Each check is about options that bear on one another; what follows from them is derived last. */
#include "options/options_check.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>
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

static bool reads_back(enum action a)
{
	return api_for(a, false)->reads_back;
}

/* --id=phone without more would be a phone number, which the v1 API has no way to name. */
static int check_phone(const struct options *o, struct reason *why)
{
	bool by_name = o->mapping.id_type == -1 && o->mapping.id_field &&
	    strcmp(o->mapping.id_field, "phone") == 0;

	if (o->mapping.id_type != ID_PHONE && !by_name)
		return 0;
	if (action_is_segment(o->action) || o->api->host == &api_app_host)
		return reason_set(why, "people are named by id, email or cio_id here");
	if (o->batch || action_is_object(o->action))
		return 0;
	return reason_set(why, "people can be named by phone in batches alone: add --batch%s",
	    by_name ? ", or --id-type=id where the field holds an id" : "");
}

/* A segment or a broadcast: both have a number in their address. */
static int check_number(const char *option, const char *value, struct reason *why)
{
	char shown[SETTINGS_SHOWN];
	uint64_t number;

	if (!value || num_count(value, 1, 999999999, &number) == 0)
		return 0;
	return reason_set(why, "--%s: %s is not a %s's number, as its page shows it", option,
	    settings_shown(value, shown), option);
}

/* --id=Email: an email address, or an id? The name only nearly says it. */
static int check_id_field(const struct options *o, struct reason *why)
{
	const char *field = o->mapping.id_field;
	char shown[SETTINGS_SHOWN];

	if (!field || o->mapping.id_type != -1)
		return 0;
	enum id_type near = id_type_near(field, strlen(field));
	if (near == ID_ID || near == ID_TYPE_COUNT || strcmp(field, id_type_names[near]) == 0)
		return 0;
	return reason_set(why, "--id=%s: say what it holds: --id-type=%s, or --id-type=id",
	    settings_shown(field, shown), id_type_names[near]);
}

/* How people may be named, where the action has a say in that. */
static int check_identifiers(const struct options *o, struct reason *why)
{
	if (action_is_suppression(o->action)) {
		if (o->mapping.id_type == -1 || o->mapping.id_type == ID_EMAIL)
			return 0;
		return reason_set(why, "these lists are of email addresses: leave --id-type out");
	}
	return check_id_field(o, why) != 0 ? -1 : check_phone(o, why);
}

static bool is_broadcast(enum action a)
{
	return a == ACTION_BROADCAST;
}

/* Options that only some actions look at. */
static int check_wanted(const struct settings *s, struct reason *why)
{
	static const struct {
		enum option_id id;
		bool (*wants)(enum action a);
		const char *actions;
	} rows[] = {
		{ OPTION_EVENT, action_is_event, "track, track-anonymous, page or screen" },
		{ OPTION_OBJECT_TYPE, action_is_object,
		    "object, delete-object, relate or unrelate" },
		{ OPTION_SEGMENT, action_is_segment, "segment-add or segment-remove" },
		{ OPTION_SUPPRESSION, action_is_suppression, "esp-suppress or esp-unsuppress" },
		{ OPTION_SAMPLE, reads_back, "verify" },
		{ OPTION_MESSAGE, action_is_message, "send-email, send-push or send-sms" },
		{ OPTION_DRAFT, action_is_message, "send-email, send-push or send-sms" },
		{ OPTION_BROADCAST, is_broadcast, "broadcast" },
		{ OPTION_IGNORE_MISSING, is_broadcast, "broadcast" },
	};
	const struct options *o = s->options;

	for (size_t i = 0; i < sizeof rows / sizeof *rows && !o->mapping.action_field; i++)
		if (settings_commanded(s, rows[i].id) && !rows[i].wants(o->action))
			return reason_set(why, "--%s needs --action=%s",
			    options_table[rows[i].id].name, rows[i].actions);
	return 0;
}

static int check_action(const struct settings *s, struct reason *why)
{
	const struct options *o = s->options;

	if (o->batch && o->action == ACTION_TRACK_ANONYMOUS)
		return reason_set(why,
		    "--action=track-anonymous cannot be batched, for that API has no anonymous "
		    "events: leave --batch out");
	if (o->batch && o->api->host == &api_app_host && !o->api->envelope)
		return reason_set(why,
		    "--batch does not go with --action=%s: each record is a request of its own",
		    action_name(o->action));
	if (is_broadcast(o->action) && !o->broadcast)
		return reason_set(why, "--action=broadcast needs --broadcast=ID");
	if (check_wanted(s, why) != 0 || check_number("segment", o->segment, why) != 0 ||
	    check_number("broadcast", o->broadcast, why) != 0)
		return -1;
	return check_identifiers(o, why);
}

static int check_columns(const struct input_config *c, struct reason *why)
{
	char shown[SETTINGS_SHOWN];

	for (size_t i = 0; i < c->column_count; i++)
		for (size_t k = 0; k < i; k++)
			if (strcmp(c->columns[i], c->columns[k]) == 0)
				return reason_set(why, "--columns names %s twice",
				    settings_shown(c->columns[i], shown));
	return 0;
}

static int check_differ(enum option_id a, char a_char, enum option_id b, char b_char,
    struct reason *why)
{
	if (!a_char || a_char != b_char)
		return 0;
	return reason_set(why, "--%s and --%s are the same character: choose another for one",
	    options_table[a].name, options_table[b].name);
}

/* The characters that a CSV's dialect gives a meaning: no two may be the same. */
static int check_dialect(const struct settings *s, struct reason *why)
{
	struct csv_dialect *d = &s->options->input.dialect;
	char delimiter = d->delimiter ? d->delimiter : ',';

	if (d->escape == d->quote)
		d->escape = '\0'; /* a quote that takes a quote: they are doubled */
	if (check_differ(OPTION_DELIMITER, delimiter, OPTION_QUOTE, d->quote, why) != 0 ||
	    check_differ(OPTION_DELIMITER, delimiter, OPTION_ESCAPE, d->escape, why) != 0 ||
	    check_differ(OPTION_DELIMITER, delimiter, OPTION_COMMENT, d->comment, why) != 0 ||
	    check_differ(OPTION_QUOTE, d->quote, OPTION_COMMENT, d->comment, why) != 0)
		return -1;
	return check_differ(OPTION_ESCAPE, d->escape, OPTION_COMMENT, d->comment, why);
}

/* An option for CSV with --format=ndjson or json: refused, unless --format is the stronger. */
static int check_csv_only(struct settings *s, enum option_id id, struct reason *why)
{
	struct options *o = s->options;
	enum input_format format = o->input.format;

	if ((format != INPUT_NDJSON && format != INPUT_JSON) || s->source[id] == SOURCE_NONE)
		return 0;
	if (s->source[id] >= s->source[OPTION_FORMAT])
		return reason_set(why, "--%s is for CSV: it does not go with --format=%s",
		    options_table[id].name, format_names[format]);
	if (id == OPTION_DELIMITER)
		o->input.dialect.delimiter = '\0';
	if (id == OPTION_COLUMNS) {
		free((void *)o->input.columns);
		o->input.columns = NULL;
		o->input.column_count = 0;
	}
	return 0;
}

static int check_dialect_only(struct settings *s, struct reason *why)
{
	static const enum option_id ids[] = { OPTION_DELIMITER, OPTION_QUOTE, OPTION_ESCAPE,
		OPTION_COMMENT, OPTION_SKIP_LINES, OPTION_NULL, OPTION_TRIM };

	for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
		if (check_csv_only(s, ids[i], why) != 0)
			return -1;
	return check_dialect(s, why);
}

static int check_encoding(const char *encoding, struct reason *why)
{
	char shown[SETTINGS_SHOWN];

	if (!encoding || input_knows(encoding))
		return 0;
	return reason_set(why,
	    "--encoding: iconv knows no %s (iconv -l lists what it knows, such as "
	    "windows-1252)",
	    settings_shown(encoding, shown));
}

static int check_input(struct settings *s, struct reason *why)
{
	struct options *o = s->options;
	bool standard_input = false;

	if (check_encoding(o->input.encoding, why) != 0)
		return -1;
	if (o->input.file_count == 0)
		settings_add_file(s, "-");
	for (size_t i = 0; i < o->input.file_count; i++) {
		if (!*o->input.files[i])
			return reason_set(why, "a FILE's name is empty: was a variable not set?");
		if (strcmp(o->input.files[i], "-") != 0)
			continue;
		if (standard_input)
			return reason_set(why, "standard input (-) can be read once only");
		standard_input = true;
	}
	if (check_csv_only(s, OPTION_COLUMNS, why) != 0 || check_dialect_only(s, why) != 0)
		return -1;
	return check_columns(&o->input, why);
}

static const enum action sync_deletes[] = { ACTION_DELETE, ACTION_SUPPRESS, ACTION_SEGMENT_REMOVE };

/* A sync keeps people, or who is in one segment. */
static int check_sync_action(const struct settings *s, struct reason *why)
{
	const struct options *o = s->options;
	bool segment = o->action == ACTION_SEGMENT_ADD;

	if ((o->action != ACTION_IDENTIFY && !segment) || o->mapping.action_field)
		return reason_set(why, "--sync goes with --action=identify or segment-add alone%s",
		    o->mapping.action_field ? ", and not with --action-field" : "");
	if (segment && !o->segment)
		return reason_set(why, "--sync keeps one segment: say which with --segment=ID");
	if (o->sync_deletes != -1 &&
	    segment != (sync_deletes[o->sync_deletes] == ACTION_SEGMENT_REMOVE))
		return reason_set(why, "--sync-deletes=%s does not go with --action=%s: give %s",
		    action_name(sync_deletes[o->sync_deletes]), action_name(o->action),
		    segment ? "segment-remove" : "delete or suppress");
	return 0;
}

static int check_sync(const struct settings *s, struct reason *why)
{
	struct options *o = s->options;

	o->max_deletes_given = s->source[OPTION_MAX_DELETES] != SOURCE_NONE;
	if (!o->sync && settings_commanded(s, OPTION_SYNC_DELETES))
		return reason_set(why, "--sync-deletes needs --sync=FILE");
	if (o->sync_deletes == -1 && settings_commanded(s, OPTION_MAX_DELETES))
		return reason_set(why, "--max-deletes needs --sync-deletes");
	if (o->sync && check_sync_action(s, why) != 0)
		return -1;
	if (o->sync && o->sync_deletes != -1 && (o->skip || o->limit))
		return reason_set(why,
		    "--sync-deletes does not go with --%s: people in the records left out "
		    "would be deleted",
		    o->skip ? "skip" : "limit");
	return 0;
}

static int check_waits(struct settings *s, struct reason *why)
{
	struct options *o = s->options;
	if (o->retry.backoff_us <= o->retry.backoff_max_us)
		return 0;
	if (s->source[OPTION_BACKOFF] == SOURCE_NONE) {
		o->retry.backoff_us = o->retry.backoff_max_us;
		return 0;
	}
	if (s->source[OPTION_BACKOFF_MAX] == SOURCE_NONE) {
		o->retry.backoff_max_us = o->retry.backoff_us;
		return 0;
	}
	return reason_set(why,
	    "--backoff is longer than --backoff-max: make it shorter, or that longer");
}

/* What is not said of the rate is the API's; of several shards each has its share of it,
 * unless all take from one. */
static void check_speed(struct settings *s)
{
	struct options *o = s->options;

	if (s->source[OPTION_RATE] == SOURCE_NONE)
		o->rate = o->api->rate;
	if (s->source[OPTION_BURST] == SOURCE_NONE)
		o->burst = o->api->burst;
	if (o->shards == 0 || o->rate_file)
		return;
	if (s->source[OPTION_RATE] == SOURCE_NONE)
		o->rate.den *= (int64_t)o->shards;
	if (s->source[OPTION_BURST] == SOURCE_NONE)
		o->burst = o->burst > o->shards ? o->burst / o->shards : 1;
}

static bool is_regular(const char *file)
{
	struct stat st;

	return strcmp(file, "-") != 0 && (stat(file, &st) != 0 || S_ISREG(st.st_mode));
}

/* "users.csv" to "users.rejected.csv" or "users.csv.cio-state", for a shard
 * "users.rejected.1of4.csv" and "users.csv.1of4.cio-state". */
static const char *name_beside(struct settings *s, const char *file, bool state)
{
	const struct options *o = s->options;
	char *plain = xstrndup(file, path_unpacked(file)); /* rejects are never packed */
	const char *ending = path_ending(plain);
	struct buf name = { .max = BUF_UNBOUNDED };

	buf_str(&name, file);
	if (!state)
		name.len = (size_t)(ending - plain);
	buf_str(&name, state ? "" : ".rejected");
	if (o->shards)
		buf_fmt(&name, ".%uof%u", o->shard, o->shards);
	buf_str(&name, state ? ".cio-state" : ending);
	buf_byte(&name, '\0');
	free(plain);
	return settings_keep(s, name.data);
}

/* The FILE whose name is made into those of what lies beside it: the first, unless a run is to be
 * carried on that began with another, whose state lies there. NULL with *why where several do. */
static const char *find_owner(struct settings *s, struct reason *why, int *status)
{
	const struct options *o = s->options;
	const char *owner = NULL;
	char shown[PATH_SHOWN], other[PATH_SHOWN];

	if (o->state || o->no_state || o->restart || o->dry_run)
		return o->input.files[0];
	for (size_t i = 0; i < o->input.file_count && o->input.file_count > 1; i++) {
		const char *file = o->input.files[i];
		if (!is_regular(file) || access(name_beside(s, file, true), F_OK) != 0)
			continue;
		if (owner) {
			*status = EX_DATAERR;
			reason_set(why,
			    "progress is kept beside %s and beside %s: say which is to be carried "
			    "on with --state=FILE, or begin anew with --restart",
			    path_shown(owner, shown), path_shown(file, other));
			return NULL;
		}
		owner = file;
	}
	return owner ? owner : o->input.files[0];
}

static int name_files(struct settings *s, struct reason *why, int *status)
{
	struct options *o = s->options;
	const char *owner = find_owner(s, why, status);

	if (!owner)
		return -1;
	if (!is_regular(owner))
		return 0;
	if (!o->rejects)
		o->rejects = name_beside(s, owner, false);
	if (!o->state && !o->no_state)
		o->state = name_beside(s, owner, true);
	return 0;
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
	struct stat st;

	if (stat(a, &st) == 0 && !S_ISREG(st.st_mode))
		return false; /* two outputs may go to /dev/null */
	if (strcmp(a, b) == 0 || same_inode(a, b, true))
		return true;
	if (strcmp(path_base(a), path_base(b)) != 0)
		return false;
	char *a_dir = path_directory(a), *b_dir = path_directory(b);
	bool same = same_inode(a_dir, b_dir, false);
	free(a_dir);
	free(b_dir);
	return same;
}

/* No output may be an input or another output. */
static int check_outputs(const struct options *o, struct reason *why)
{
	const struct {
		enum option_id id;
		const char *path;
	} outputs[] = {
		{ OPTION_REJECTS, o->rejects },
		{ OPTION_STATE, o->state },
		{ OPTION_RESULTS, o->results },
		{ OPTION_SUMMARY, o->summary },
		{ OPTION_METRICS, o->metrics },
		{ OPTION_SYNC, o->sync },
		{ OPTION_RATE_FILE, o->rate_file },
	};
	char shown[PATH_SHOWN];

	for (size_t i = 0; i < sizeof outputs / sizeof *outputs; i++) {
		const char *path = outputs[i].path, *name = options_table[outputs[i].id].name;
		if (!path || strcmp(path, "-") == 0)
			continue;
		for (size_t k = 0; k < o->input.file_count; k++)
			if (strcmp(o->input.files[k], "-") != 0 &&
			    same_file(path, o->input.files[k]))
				return reason_set(why,
				    "--%s: %s is an input: leave it out of the FILEs, or name "
				    "another file",
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

static int check_files(struct settings *s, struct reason *why, int *status)
{
	struct options *o = s->options;
	bool state = o->state != NULL;

	if (check_rivals(s, OPTION_STATE, &state, OPTION_NO_STATE, &o->no_state, why) != 0)
		return -1;
	o->state = state ? o->state : NULL;
	if (o->dry_run && o->results && strcmp(o->results, "-") == 0)
		return reason_set(why,
		    "--results=- and --dry-run both want standard output: "
		    "name a file, or leave one out");
	o->rejects_given = o->rejects != NULL;
	if (name_files(s, why, status) != 0)
		return -1;
	o->input.whole_lines = o->keep_state;
	if (o->keep_state && !o->state)
		return reason_set(why,
		    "--keep-state: no progress is kept here: name it with --state=FILE");
	if (o->api->once && !o->state && !o->dry_run)
		return reason_set(why,
		    "--action=%s sends each message at most once, and has to keep which have left: "
		    "%s",
		    action_name(o->action),
		    o->no_state ? "leave --no-state out" :
		                  "name a file for that with --state=FILE");
	if (o->restart && !o->state)
		return reason_set(why,
		    "--restart: no progress is kept here that could be forgotten: "
		    "name it with --state=FILE");
	if (check_outputs(o, why) != 0)
		return -1;
	if (o->dry_run)
		o->rejects = o->state = o->results = o->summary = o->metrics = NULL;
	return 0;
}

/* The region would be without effect beside an address: where it was said more strongly, that is
 * not passed over. */
static int check_where(const struct settings *s, struct reason *why, int *status)
{
	const struct options *o = s->options;
	enum source region = s->source[OPTION_REGION], url = s->source[OPTION_URL];

	if (o->url && region > url) {
		*status = region == SOURCE_COMMAND ? EX_USAGE : EX_CONFIG;
		return reason_set(why,
		    "a region is asked for, but the %s an address that stands in its "
		    "place: leave one out",
		    url == SOURCE_CONFIG ? "configuration gives" :
		                           "environment's CUSTOMERIO_URL is");
	}
	if (o->url && !o->allow_http && !endpoint_is_private(o->url)) {
		*status = EX_CONFIG;
		return reason_set(why,
		    "the address (--url, CUSTOMERIO_URL) is http://, which sends the credentials "
		    "and "
		    "people's data in the clear: use https://, or --allow-http where the way there "
		    "is private");
	}
	return 0;
}

/* What follows from what was said. */
static void derive(struct options *o)
{
	o->url_given = o->url != NULL;
	o->url = o->url ? o->url : o->api->host->base[o->region];
	o->mapping.phone_identifies = (o->batch && o->api == &api_track_batch) ||
	    action_is_object(o->action);
	o->mapping.names_nobody = !o->mapping.action_field && action_is_object(o->action) &&
	    !action_needs_person(o->action);
	if (action_is_suppression(o->action)) {
		o->mapping.id_field = o->mapping.id_field ? o->mapping.id_field : "email";
		o->mapping.id_type = ID_EMAIL;
	}
	o->restart = o->restart && o->state;
	if (!o->sync)
		o->sync_deletes = -1;
	else if (o->sync_deletes != -1)
		o->sync_deletes = sync_deletes[o->sync_deletes];
}

int options_check(struct settings *s, struct reason *why, int *status)
{
	struct options *o = s->options;

	*status = EX_USAGE;
	o->api = api_for(o->action, o->batch);
	if (o->api == &api_broadcast && o->ignore_missing)
		o->api = &api_broadcast_perhaps;
	if (check_rivals(s, OPTION_QUIET, &o->quiet, OPTION_VERBOSE, &o->verbose, why) != 0 ||
	    check_input(s, why) != 0 || check_action(s, why) != 0 || check_sync(s, why) != 0 ||
	    check_waits(s, why) != 0 || check_files(s, why, status) != 0 ||
	    check_where(s, why, status) != 0)
		return -1;
	check_speed(s);
	derive(o);
	return 0;
}
