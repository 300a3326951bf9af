/*
 * What was said on the command line, in the environment and in the configuration file, value by
 * value, before it is judged as a whole. A value from a stronger source replaces one from a weaker;
 * lists grow.
 */
#ifndef SETTINGS_H
#define SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "operation/mapping.h"
#include "base/num.h"
#include "options/options_table.h"

struct reason;

/* From the weakest to the strongest. */
enum source { SOURCE_NONE, SOURCE_CONFIG, SOURCE_ENVIRONMENT, SOURCE_ENV_FILE, SOURCE_COMMAND };

struct name_list {
	const char **names;
	size_t count;
};
struct pair_list {
	struct name_pair *pairs;
	size_t count;
};
struct type_list {
	struct name_type *types;
	size_t count;
};
struct share {
	uint64_t count;
	double percent;
};

struct settings {
	enum source source[OPTION_COUNT]; /* who said it last */

	int format; /* as enum input_format */
	char delimiter;
	struct name_list columns;
	uint64_t skip, limit;

	const char *id;
	int id_type; /* as enum id_type, or -1 */
	struct pair_list map, set;
	struct name_list only, drop;
	struct type_list type;
	bool infer;
	int empty; /* as enum empty_mode */

	int action; /* as enum action */
	const char *action_field, *event;
	bool update_only, no_limits, dry_run;

	const char *env_file, *config;
	int region;      /* 0 us, 1 eu */
	const char *url; /* as endpoint_parse makes it */
	bool allow_http;
	bool batch;
	uint64_t batch_most;
	int64_t batch_wait_us;

	struct num_rate rate, record_rate;
	uint64_t burst, concurrency;
	bool no_adapt;

	uint64_t retries;
	int64_t backoff_us, backoff_max_us, timeout_us, give_up_us;
	double jitter;
	struct share max_errors;
	const char *rejects, *state;
	bool no_state, restart;

	const char *sync;
	int sync_deletes; /* 0 delete, 1 suppress */
	struct share max_deletes;
	uint64_t shard, shards;

	int progress; /* as enum progress_mode */
	uint64_t progress_every;
	const char *results, *summary, *metrics;
	bool quiet, verbose, help, version;
	int completion; /* 0 bash, 1 zsh, 2 fish */

	const char *site_id, *api_key; /* secrets */

	struct name_list files;
	char **owned; /* strings that something above points to */
	size_t owned_count;
};

struct settings *settings_new(void);    /* with every default */
void settings_free(struct settings *s); /* wipes every string that it owns; NULL is fine */

/* Keeps a string until settings_free, and returns it. */
const char *settings_keep(struct settings *s, char *owned);

/*
 * Notes one value (NULL for an option without one; "true" and "false" for a flag are known too).
 * The text must outlive the settings. 0, or -1 with *why, which does not name the option.
 */
int settings_assign(struct settings *s, enum option_id id, enum source source, const char *value,
    struct reason *why);

/* "VALUE" in quotes, escaped, for a message; a long one is cut off. */
#define SETTINGS_SHOWN 300
const char *settings_shown(const char *value, char out[SETTINGS_SHOWN]);

/* Whether it was said on the command line. */
bool settings_commanded(const struct settings *s, enum option_id id);

void settings_add_name(struct name_list *l, const char *name);

#endif
