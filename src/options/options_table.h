/*
 * The one table of options: parsing, --help, completion and the configuration file all read it. A
 * new option is its name in the enum, its row in the table, which also says its default, and its
 * member of struct options.
 */
#ifndef OPTIONS_TABLE_H
#define OPTIONS_TABLE_H

#include <stddef.h>
#include <stdint.h>

/* In the order of --help. */
enum option_id {
	OPTION_FORMAT,
	OPTION_ENCODING,
	OPTION_DELIMITER,
	OPTION_QUOTE,
	OPTION_ESCAPE,
	OPTION_COMMENT,
	OPTION_SKIP_LINES,
	OPTION_NULL,
	OPTION_TRIM,
	OPTION_COLUMNS,
	OPTION_ID,
	OPTION_ID_TYPE,
	OPTION_MAP,
	OPTION_ONLY,
	OPTION_DROP,
	OPTION_SET,
	OPTION_TYPE,
	OPTION_INFER,
	OPTION_EMPTY,
	OPTION_SKIP,
	OPTION_LIMIT,
	OPTION_ACTION,
	OPTION_ACTION_FIELD,
	OPTION_EVENT,
	OPTION_UPDATE_ONLY,
	OPTION_OBJECT_TYPE,
	OPTION_SEGMENT,
	OPTION_SUPPRESSION,
	OPTION_MESSAGE,
	OPTION_DRAFT,
	OPTION_BROADCAST,
	OPTION_IGNORE_MISSING,
	OPTION_SAMPLE,
	OPTION_NO_LIMITS,
	OPTION_DRY_RUN,
	OPTION_ENV_FILE,
	OPTION_REGION,
	OPTION_URL,
	OPTION_ALLOW_HTTP,
	OPTION_BATCH,
	OPTION_BATCH_WAIT,
	OPTION_RATE,
	OPTION_RECORD_RATE,
	OPTION_BURST,
	OPTION_RATE_FILE,
	OPTION_CONCURRENCY,
	OPTION_NO_ADAPT,
	OPTION_RETRIES,
	OPTION_BACKOFF,
	OPTION_BACKOFF_MAX,
	OPTION_JITTER,
	OPTION_TIMEOUT,
	OPTION_GIVE_UP_AFTER,
	OPTION_MAX_ERRORS,
	OPTION_REJECTS,
	OPTION_STATE,
	OPTION_NO_STATE,
	OPTION_KEEP_STATE,
	OPTION_RESTART,
	OPTION_SYNC,
	OPTION_SYNC_DELETES,
	OPTION_MAX_DELETES,
	OPTION_SHARD,
	OPTION_PROGRESS,
	OPTION_PROGRESS_EVERY,
	OPTION_RESULTS,
	OPTION_SUMMARY,
	OPTION_METRICS,
	OPTION_QUIET,
	OPTION_VERBOSE,
	OPTION_CONFIG,
	OPTION_COMPLETION,
	OPTION_HELP,
	OPTION_VERSION,
	OPTION_COUNT,
};

enum option_group {
	GROUP_INPUT,
	GROUP_ACTION,
	GROUP_WHERE,
	GROUP_SPEED,
	GROUP_TROUBLE,
	GROUP_SYNC,
	GROUP_SAYS,
	GROUP_COUNT,
};

/* What a value is, and the member or two of struct options that it becomes. */
enum option_kind {
	KIND_FLAG,     /* bool */
	KIND_TEXT,     /* const char *, UTF-8, not empty */
	KIND_FILE,     /* const char *, not empty */
	KIND_CHOICE,   /* int or enum: index into values; -1 without a default */
	KIND_COUNT,    /* uint64_t, size_t or unsigned, min to max */
	KIND_TIME,     /* int64_t, microseconds, at least min */
	KIND_RATE,     /* struct num_rate */
	KIND_FRACTION, /* double, 0 to 1 */
	KIND_SHARE,    /* N: uint64_t, at least min; N%: double */
	KIND_NAMES,    /* A,B,C: const char *const *, size_t */
	KIND_PAIR,     /* NAME=VALUE: const struct name_pair *, size_t */
	KIND_TYPES,    /* FIELD:TYPE,...: const struct name_type *, size_t */
	KIND_CHAR,     /* char, ASCII, no line break; '\0' for "none" */
	KIND_BATCH,    /* a number, as KIND_COUNT; and bool */
	KIND_SHARD,    /* I/N: unsigned, unsigned */
	KIND_URL,      /* const char *, as endpoint_parse makes it */
};

enum {
	OPTION_NOT_IN_CONFIG = 1, /* belongs to one run, or to the command line */
	OPTION_MAYBE_VALUE = 2,   /* --batch[=N] */
	OPTION_STDOUT = 4,        /* "-" means standard output; elsewhere it is refused */
	OPTION_STOPS = 8,         /* prints something, and nothing else is read */
	OPTION_MAY_BE_EMPTY = 16, /* --set=NAME= */
	OPTION_OF_INPUT = 32,     /* is about this input; not for a run over its rejects */
	OPTION_MAYBE_NONE = 64,   /* --quote=none */
	OPTION_MAYBE_AUTO = 128,  /* --concurrency=auto: 0 */
};

struct option_spec {
	const char *name;     /* without dashes */
	char letter;          /* short form, or 0 */
	const char *argument; /* what stands for its value, or NULL */
	enum option_group group;
	enum option_kind kind;
	size_t place, second; /* of its members in struct options */
	size_t size;          /* of the first of them */
	uint64_t min, max;
	const char *const *values; /* that it may have, up to a NULL; or NULL */
	unsigned flags;
	const char *preset; /* the default as it would be typed, or NULL: zero */
	const char *help;   /* one or two lines */
};

extern const struct option_spec options_table[OPTION_COUNT];

const char *options_table_group(enum option_group g); /* its heading */

/* The option with this name of n bytes, or OPTION_COUNT. */
enum option_id options_table_find(const char *name, size_t n);
enum option_id options_table_letter(int letter);

/* The option's name that comes nearest to a misspelt one, or NULL where none is near. */
const char *options_table_nearest(const char *name, size_t n);

#endif
