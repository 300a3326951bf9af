/* The table itself, in the order of --help. */
#include "options/options_table.h"

#include <string.h>
#include "operation/api.h"
#include "options/options.h"
#include "options/suggest.h"

/* Where a value goes; for some kinds it takes two members. */
#define AT(member) AT2(member, member)
#define AT2(first, second) \
	offsetof(struct options, first), offsetof(struct options, second), \
	    sizeof(((struct options *)NULL)->first)

/* Values stand in the order of the enums that they become. */
static const char *const empty_modes[] = { "skip", "clear", "null", NULL };
static const char *const regions[] = { "us", "eu", NULL };
static const char *const sync_deletes[] = { "delete", "suppress", "segment-remove", NULL };
static const char *const progress_modes[] = { "auto", "bar", "plain", "json", "none", NULL };
static const char *const shells[] = { "bash", "zsh", "fish", NULL };

/* In a help text @ stands for the values, $ for the default. */
const struct option_spec options_table[OPTION_COUNT] = {
	[OPTION_FORMAT] = { "format", 'f', "FORMAT", GROUP_INPUT, KIND_CHOICE, AT(input.format),
	    .values = format_names, .preset = "auto", .flags = OPTION_OF_INPUT,
	    .help = "how records are written: @ (default $: by the name's ending, else by what "
	            "is there)" },
	[OPTION_ENCODING] = { "encoding", 0, "NAME", GROUP_INPUT, KIND_TEXT, AT(input.encoding),
	    .help = "what the input is written in, as iconv names it (default UTF-8; a byte-order "
	            "mark of UTF-16 or UTF-32 says so itself)" },
	[OPTION_DELIMITER] = { "delimiter", 0, "CHAR", GROUP_INPUT, KIND_CHAR,
	    AT(input.dialect.delimiter),
	    .help = "CSV field separator (default , or a tab for tsv)" },
	[OPTION_QUOTE] = { "quote", 0, "CHAR", GROUP_INPUT, KIND_CHAR, AT(input.dialect.quote),
	    .flags = OPTION_MAYBE_NONE, .preset = "\"",
	    .help = "what CSV cells are quoted with, or none (default $)" },
	[OPTION_ESCAPE] = { "escape", 0, "CHAR", GROUP_INPUT, KIND_CHAR, AT(input.dialect.escape),
	    .help =
	        "takes the next character of a CSV as it is (default: none; quotes are doubled)" },
	[OPTION_COMMENT] = { "comment", 0, "CHAR", GROUP_INPUT, KIND_CHAR,
	    AT(input.dialect.comment), .help = "lines of a CSV that begin with it are no rows" },
	[OPTION_SKIP_LINES] = { "skip-lines", 0, "N", GROUP_INPUT, KIND_COUNT,
	    AT(input.dialect.skip_lines), 0, 1000000, .flags = OPTION_OF_INPUT,
	    .help = "the first N lines of a file are no part of its CSV" },
	[OPTION_NULL] = { "null", 0, "TEXT,...", GROUP_INPUT, KIND_NAMES,
	    AT2(input.dialect.nulls, input.dialect.null_count),
	    .help =
	        "CSV cells that are the same as empty ones, quoted or not, such as NULL or \\N" },
	[OPTION_TRIM] = { "trim", 0, NULL, GROUP_INPUT, KIND_FLAG, AT(input.dialect.trim),
	    .help = "drop white space at both ends of CSV cells" },
	[OPTION_COLUMNS] = { "columns", 0, "A,B,C", GROUP_INPUT, KIND_NAMES,
	    AT2(input.columns, input.column_count), .flags = OPTION_OF_INPUT,
	    .help = "names for a CSV without a header row" },
	[OPTION_ID] = { "id", 0, "FIELD", GROUP_INPUT, KIND_TEXT, AT(mapping.id_field),
	    .help = "the field that names the person (default: the first there is of id, email, "
	            "cio_id)" },
	[OPTION_ID_TYPE] = { "id-type", 0, "TYPE", GROUP_INPUT, KIND_CHOICE, AT(mapping.id_type),
	    .values = id_type_names,
	    .help = "what that field holds: @ (default: by its name, else id)" },
	[OPTION_MAP] = { "map", 0, "FROM=TO", GROUP_INPUT, KIND_PAIR,
	    AT2(mapping.renames, mapping.rename_count), .help = "rename a field (repeatable)" },
	[OPTION_ONLY] = { "only", 0, "A,B", GROUP_INPUT, KIND_NAMES,
	    AT2(mapping.only, mapping.only_count),
	    .help = "keep these fields and the identifying one alone" },
	[OPTION_DROP] = { "drop", 0, "A,B", GROUP_INPUT, KIND_NAMES,
	    AT2(mapping.drop, mapping.drop_count), .help = "leave these fields out" },
	[OPTION_SET] = { "set", 0, "FIELD=VALUE", GROUP_INPUT, KIND_PAIR,
	    AT2(mapping.sets, mapping.set_count), .flags = OPTION_MAY_BE_EMPTY,
	    .help = "add a constant field to every record (repeatable)" },
	[OPTION_TYPE] = { "type", 0, "FIELD:TYPE,...", GROUP_INPUT, KIND_TYPES,
	    AT2(mapping.types, mapping.type_count),
	    .help = "make a field string, int, float, bool, timestamp or json" },
	[OPTION_INFER] = { "infer", 0, NULL, GROUP_INPUT, KIND_FLAG, AT(mapping.infer),
	    .help = "type CSV cells by their text: true, false and plain numbers" },
	[OPTION_EMPTY] = { "empty", 0, "MODE", GROUP_INPUT, KIND_CHOICE, AT(mapping.empty),
	    .values = empty_modes, .preset = "skip", .help = "an empty CSV cell: @ (default $)" },
	[OPTION_SKIP] = { "skip", 0, "N", GROUP_INPUT, KIND_COUNT, AT(skip), 0, INT64_MAX,
	    .help = "pass over the first N records" },
	[OPTION_LIMIT] = { "limit", 0, "N", GROUP_INPUT, KIND_COUNT, AT(limit), 1, INT64_MAX,
	    .flags = OPTION_OF_INPUT, .help = "stop after N records" },

	[OPTION_ACTION] = { "action", 'a', "ACTION", GROUP_ACTION, KIND_CHOICE, AT(action),
	    .values = action_names, .preset = "identify", .help = "what to send: @ (default $)" },
	[OPTION_ACTION_FIELD] = { "action-field", 0, "FIELD", GROUP_ACTION, KIND_TEXT,
	    AT(mapping.action_field), .help = "take the action from this field of each record" },
	[OPTION_EVENT] = { "event", 0, "NAME", GROUP_ACTION, KIND_TEXT, AT(event),
	    .help = "the event's name (default: the record's field name, else event)" },
	[OPTION_UPDATE_ONLY] = { "update-only", 0, NULL, GROUP_ACTION, KIND_FLAG, AT(update_only),
	    .help = "identify never creates a person" },
	[OPTION_OBJECT_TYPE] = { "object-type", 0, "ID", GROUP_ACTION, KIND_TEXT, AT(object_type),
	    .help = "the object type for object, relate, ... (default: the record's field "
	            "object_type_id)" },
	[OPTION_SEGMENT] = { "segment", 0, "ID", GROUP_ACTION, KIND_TEXT, AT(segment),
	    .help =
	        "the manual segment for segment-add, segment-remove (default: the record's field "
	        "segment_id)" },
	[OPTION_SUPPRESSION] = { "suppression", 0, "TYPE", GROUP_ACTION, KIND_CHOICE,
	    AT(suppression), .values = suppression_names,
	    .help = "the list for esp-suppress: @ (default: the record's field suppression)" },
	[OPTION_MESSAGE] = { "message", 0, "ID", GROUP_ACTION, KIND_TEXT, AT(message),
	    .help = "the transactional message to send (default: the record's field "
	            "transactional_message_id)" },
	[OPTION_DRAFT] = { "draft", 0, NULL, GROUP_ACTION, KIND_FLAG, AT(draft),
	    .help = "queue the messages as drafts, and send nothing" },
	[OPTION_BROADCAST] = { "broadcast", 0, "ID", GROUP_ACTION, KIND_TEXT, AT(broadcast),
	    .help = "the broadcast to trigger" },
	[OPTION_IGNORE_MISSING] = { "ignore-missing", 0, NULL, GROUP_ACTION, KIND_FLAG,
	    AT(ignore_missing), .help = "people who are not there do not fail a broadcast" },
	[OPTION_SAMPLE] = { "sample", 0, "N|N%", GROUP_ACTION, KIND_SHARE,
	    AT2(sample, sample_percent), 1, .flags = OPTION_OF_INPUT,
	    .help = "verify about so many people, or that share of them (default: all)" },
	[OPTION_NO_LIMITS] = { "no-limits", 0, NULL, GROUP_ACTION, KIND_FLAG, AT(no_limits),
	    .help = "do not check Customer.io's size limits before sending" },
	[OPTION_DRY_RUN] = { "dry-run", 'n', NULL, GROUP_ACTION, KIND_FLAG, AT(dry_run),
	    .help = "check every record, print the requests, send nothing" },

	[OPTION_ENV_FILE] = { "env-file", 0, "FILE", GROUP_WHERE, KIND_FILE, AT(env_file),
	    .help = "read the credentials from FILE, NAME=VALUE a line; only its owner may be able "
	            "to read it" },
	[OPTION_REGION] = { "region", 0, "REGION", GROUP_WHERE, KIND_CHOICE, AT(region),
	    .values = regions, .preset = "us", .help = "the data centre: @ (default $)" },
	[OPTION_URL] = { "url", 0, "URL", GROUP_WHERE, KIND_URL, AT(url),
	    .help = "another base address: a sandbox, a proxy" },
	[OPTION_ALLOW_HTTP] = { "allow-http", 0, NULL, GROUP_WHERE, KIND_FLAG, AT(allow_http),
	    .help = "accept an http:// address that is not this machine; the credentials go in the "
	            "clear" },
	[OPTION_BATCH] = { "batch", 0, "N", GROUP_WHERE, KIND_BATCH, AT2(batch_most, batch), 1,
	    100000, .flags = OPTION_MAYBE_VALUE,
	    .help = "send many records a request, at most N (default: as many as fit)" },
	[OPTION_BATCH_WAIT] = { "batch-wait", 0, "TIME", GROUP_WHERE, KIND_TIME, AT(batch_wait_us),
	    .preset = "1s",
	    .help = "send a batch that is not full when no record has come for TIME (default $)" },

	[OPTION_RATE] = { "rate", 'r', "N", GROUP_SPEED, KIND_RATE, AT(rate), .preset = "50",
	    .help = "requests a second, or 600/m, 0.5/s, unlimited (default $, of the App API "
	            "less; with --shard=I/N its Nth part, unless shards share a --rate-file)" },
	[OPTION_RECORD_RATE] = { "record-rate", 0, "N", GROUP_SPEED, KIND_RATE, AT(record_rate),
	    .help = "records a second, written the same way (default unlimited)" },
	[OPTION_BURST] = { "burst", 0, "N", GROUP_SPEED, KIND_COUNT, AT(burst), 1, 1000000,
	    .preset = "10",
	    .help = "requests that may be caught up after a stall (default $; with --shard=I/N "
	            "its Nth part)" },
	[OPTION_RATE_FILE] = { "rate-file", 0, "FILE", GROUP_SPEED, KIND_FILE, AT(rate_file),
	    .help = "share the rate with all runs on this machine that name the same FILE" },
	[OPTION_CONCURRENCY] = { "concurrency", 'c', "N", GROUP_SPEED, KIND_COUNT, AT(concurrency),
	    1, 1000, .flags = OPTION_MAYBE_AUTO, .preset = "auto",
	    .help = "requests in flight, at most (default $: as many as the rate needs, or as "
	            "make batches faster)" },
	[OPTION_NO_ADAPT] = { "no-adapt", 0, NULL, GROUP_SPEED, KIND_FLAG, AT(no_adapt),
	    .help = "keep the rate after a 429" },

	[OPTION_RETRIES] = { "retries", 0, "N", GROUP_TROUBLE, KIND_COUNT, AT(retry.retries), 0,
	    1000, .preset = "4",
	    .help = "attempts after the first, for one record or batch (default $)" },
	[OPTION_BACKOFF] = { "backoff", 0, "TIME", GROUP_TROUBLE, KIND_TIME, AT(retry.backoff_us),
	    1000, .preset = "1s",
	    .help = "wait before the first retry; doubles each time (default $)" },
	[OPTION_BACKOFF_MAX] = { "backoff-max", 0, "TIME", GROUP_TROUBLE, KIND_TIME,
	    AT(retry.backoff_max_us), 1000, .preset = "60s",
	    .help = "longest wait before a retry (default $)" },
	[OPTION_JITTER] = { "jitter", 0, "F", GROUP_TROUBLE, KIND_FRACTION, AT(retry.jitter),
	    .preset = "0.25",
	    .help = "stretch each wait by up to this share, at random (default $)" },
	[OPTION_TIMEOUT] = { "timeout", 0, "TIME", GROUP_TROUBLE, KIND_TIME, AT(timeout_us), 1000,
	    .preset = "10s", .help = "for connecting, and for silence after that (default $)" },
	[OPTION_GIVE_UP_AFTER] = { "give-up-after", 0, "TIME", GROUP_TROUBLE, KIND_TIME,
	    AT(give_up_us), .preset = "15m",
	    .help = "stop when the destination was down for TIME; 0: never (default $)" },
	[OPTION_MAX_ERRORS] = { "max-errors", 0, "N|N%", GROUP_TROUBLE, KIND_SHARE,
	    AT2(max_errors, max_errors_percent), 1, .flags = OPTION_OF_INPUT,
	    .help = "stop as soon as so many records were not accepted, or more than that share" },
	[OPTION_REJECTS] = { "rejects", 0, "FILE", GROUP_TROUBLE, KIND_FILE, AT(rejects),
	    .flags = OPTION_OF_INPUT,
	    .help = "where records that were not accepted go (default: users.rejected.csv for "
	            "users.csv)" },
	[OPTION_STATE] = { "state", 0, "FILE", GROUP_TROUBLE, KIND_FILE, AT(state),
	    .flags = OPTION_OF_INPUT,
	    .help = "where progress is kept, for resuming (default: users.csv.cio-state for "
	            "users.csv)" },
	[OPTION_NO_STATE] = { "no-state", 0, NULL, GROUP_TROUBLE, KIND_FLAG, AT(no_state),
	    .flags = OPTION_OF_INPUT, .help = "keep no progress" },
	[OPTION_KEEP_STATE] = { "keep-state", 0, NULL, GROUP_TROUBLE, KIND_FLAG, AT(keep_state),
	    .flags = OPTION_OF_INPUT,
	    .help = "keep it after the end, too: the next run sends what was appended" },
	[OPTION_RESTART] = { "restart", 0, NULL, GROUP_TROUBLE, KIND_FLAG, AT(restart),
	    .flags = OPTION_NOT_IN_CONFIG | OPTION_OF_INPUT,
	    .help = "forget the progress kept for this input" },

	[OPTION_SYNC] = { "sync", 0, "FILE", GROUP_SYNC, KIND_FILE, AT(sync),
	    .flags = OPTION_OF_INPUT,
	    .help =
	        "send only people who are new or changed since the last run; FILE remembers them" },
	[OPTION_SYNC_DELETES] = { "sync-deletes", 0, "ACTION", GROUP_SYNC, KIND_CHOICE,
	    AT(sync_deletes), .values = sync_deletes, .flags = OPTION_OF_INPUT,
	    .help = "what to do with people who are no longer in the input: @ (default: nothing)" },
	[OPTION_MAX_DELETES] = { "max-deletes", 0, "N|N%", GROUP_SYNC, KIND_SHARE,
	    AT2(max_deletes, max_deletes_percent), .preset = "1%", .flags = OPTION_OF_INPUT,
	    .help = "were it more people than this, leave them all (default $)" },
	[OPTION_SHARD] = { "shard", 0, "I/N", GROUP_SYNC, KIND_SHARD, AT2(shard, shards), 1, 10000,
	    .flags = OPTION_OF_INPUT,
	    .help = "take the Ith of N shares of the people; other processes take the others" },

	[OPTION_PROGRESS] = { "progress", 0, "MODE", GROUP_SAYS, KIND_CHOICE, AT(progress),
	    .values = progress_modes, .preset = "auto",
	    .help = "how progress is shown: @ (default $: bar on a terminal, else plain)" },
	[OPTION_PROGRESS_EVERY] = { "progress-every", 0, "N", GROUP_SAYS, KIND_COUNT,
	    AT(progress_every), 1, INT64_MAX, .preset = "1000",
	    .help = "records between two plain progress lines (default $)" },
	[OPTION_RESULTS] = { "results", 0, "FILE", GROUP_SAYS, KIND_FILE, AT(results),
	    .flags = OPTION_STDOUT | OPTION_OF_INPUT,
	    .help = "one JSON object for each record; - is standard output" },
	[OPTION_SUMMARY] = { "summary", 0, "FILE", GROUP_SAYS, KIND_FILE, AT(summary),
	    .flags = OPTION_OF_INPUT, .help = "the run's figures as one JSON object" },
	[OPTION_METRICS] = { "metrics", 0, "FILE", GROUP_SAYS, KIND_FILE, AT(metrics),
	    .flags = OPTION_OF_INPUT,
	    .help = "the run's figures for Prometheus (node_exporter's textfile collector)" },
	[OPTION_QUIET] = { "quiet", 'q', NULL, GROUP_SAYS, KIND_FLAG, AT(quiet),
	    .help = "say errors only" },
	[OPTION_VERBOSE] = { "verbose", 'v', NULL, GROUP_SAYS, KIND_FLAG, AT(verbose),
	    .help = "say each retry, too, and every 10 s how the queue is" },
	[OPTION_CONFIG] = { "config", 0, "FILE", GROUP_SAYS, KIND_FILE, AT(config),
	    .flags = OPTION_NOT_IN_CONFIG,
	    .help = "read options from FILE, name = value a line (default: "
	            "~/.config/cio-import/config, "
	            "where it is there)" },
	[OPTION_COMPLETION] = { "completion", 0, "SHELL", GROUP_SAYS, KIND_CHOICE, AT(completion),
	    .values = shells, .flags = OPTION_NOT_IN_CONFIG | OPTION_STOPS,
	    .help = "print the completion script for @" },
	[OPTION_HELP] = { "help", 'h', NULL, GROUP_SAYS, KIND_FLAG, AT(help),
	    .flags = OPTION_NOT_IN_CONFIG | OPTION_STOPS, .help = "print this" },
	[OPTION_VERSION] = { "version", 'V', NULL, GROUP_SAYS, KIND_FLAG, AT(version),
	    .flags = OPTION_NOT_IN_CONFIG | OPTION_STOPS, .help = "print the version" },
};

const char *options_table_group(enum option_group g)
{
	static const char *const headings[GROUP_COUNT] = {
		[GROUP_INPUT] = "Input",
		[GROUP_ACTION] = "What to do with a record",
		[GROUP_WHERE] = "Where to",
		[GROUP_SPEED] = "How fast",
		[GROUP_TROUBLE] = "When things go wrong",
		[GROUP_SYNC] = "Nightly syncs and shards",
		[GROUP_SAYS] = "What it says",
	};
	return headings[g];
}

enum option_id options_table_find(const char *name, size_t n)
{
	enum option_id id = 0;

	while (id < OPTION_COUNT &&
	    (strlen(options_table[id].name) != n || memcmp(options_table[id].name, name, n) != 0))
		id++;
	return id;
}

enum option_id options_table_letter(int letter)
{
	enum option_id id = 0;

	while (id < OPTION_COUNT && (letter == 0 || options_table[id].letter != letter))
		id++;
	return id;
}

const char *options_table_nearest(const char *name, size_t n)
{
	struct suggestion best;

	suggest_begin(&best, name, n);
	for (enum option_id id = 0; id < OPTION_COUNT; id++)
		suggest_try(&best, options_table[id].name);
	return suggest_end(&best);
}
