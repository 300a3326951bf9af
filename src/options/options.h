/*
 * The command line, the environment, the env-file and the configuration file, to one const struct.
 * Every refusal is here, before any file or socket of the run opens.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "input/input.h"
#include "operation/api.h"
#include "operation/mapping.h"
#include "base/num.h"
#include "operation/operation.h"
#include "queue/retry.h"
#include "base/version.h"

enum progress_mode { PROGRESS_AUTO, PROGRESS_BAR, PROGRESS_PLAIN, PROGRESS_JSON, PROGRESS_NONE };

/* A member that an option fills is named in the option's row of options_table. */
struct options {
	struct input_config input;
	struct mapping_config mapping;
	enum action action;
	const struct api *api; /* the one that it belongs to */
	const char *event, *object_type, *segment;
	int suppression; /* index into suppression_names, or -1 */
	const char *message, *broadcast;
	bool draft, ignore_missing;
	uint64_t sample;       /* people to verify, or 0; or ... */
	double sample_percent; /* ... the share of them, or 0; both 0: all */
	bool update_only, no_limits, dry_run;
	uint64_t skip, limit; /* limit 0: none */

	/* where to */
	/* secrets, of the API that is used; NULL in a dry run without them */
	const char *site_id, *api_key, *app_key;
	const char *url; /* base address, no slash at the end */
	int region;      /* 0 us, 1 eu: said in `url` already */
	/* by --url or CUSTOMERIO_URL: the region check's answer is not followed */
	bool url_given;
	bool allow_http;
	bool batch;
	size_t batch_most; /* operations a batch, 0: as many as fit */
	int64_t batch_wait_us;
	const char *ca_file; /* SSL_CERT_FILE, or NULL */
	bool proxies;        /* the environment names a proxy */

	/* how fast */
	struct num_rate rate, record_rate; /* num 0: unlimited */
	uint64_t burst;                    /* both: where nobody said, the API's */
	const char *rate_file;             /* that runs share, or NULL */
	unsigned concurrency;              /* 0: auto */
	bool no_adapt;

	/* when things go wrong */
	struct retry_config retry;
	int64_t timeout_us, give_up_us; /* give_up 0: never */
	uint64_t max_errors;            /* 0: no limit */
	double max_errors_percent;      /* 0: no limit */
	const char *rejects;            /* file, or NULL */
	bool rejects_given;             /* it is not what the first FILE's name makes of it */
	const char *state;              /* file, or NULL */
	bool no_state, restart;         /* restart: only where there is a state */
	bool keep_state;                /* the state outlives a complete run */

	/* nightly syncs and shards */
	const char *sync;     /* file, or NULL */
	int sync_deletes;     /* an action, or -1 */
	uint64_t max_deletes; /* count, where max_deletes_percent is 0 */
	double max_deletes_percent;
	bool max_deletes_given;
	/* record's person hash % shards == shard - 1; shards 0: all */
	unsigned shard, shards;

	/* what it says */
	enum progress_mode progress;
	uint64_t progress_every;
	const char *results, *summary, *metrics; /* files or NULL */
	bool quiet, verbose;

	/* what only options_read looks at */
	const char *env_file, *config;
	bool help, version;
	int completion; /* 0 bash, 1 zsh, 2 fish */

	/* this command without FILEs and without what is about them: for what a run has rejected */
	const char *again;

	struct settings *settings; /* what the pointers above point into */
};

enum options_result {
	OPTIONS_RUN,  /* go on */
	OPTIONS_DONE, /* --help, --version, --completion: printed to `out`; exit 0 */
	/* said on standard error; *status is 64 or 78, or 73 where `out` cannot be written */
	OPTIONS_REFUSED,
};

/*
 * Reads them all. `environment` is a NAME=VALUE array like environ; `input_is_tty` whether standard
 * input is a terminal. argv is permuted, and pointed into: it must outlive *o, which options_free
 * empties after any result.
 *
 * The command line is stronger than the env-file it names, that than the environment, that than the
 * configuration file (and an env-file that only the configuration names). An option's name must be
 * written whole: getopt's abbreviations are refused, for a script must not break when an option is
 * added. A wrong value or combination is 64; what is wrong in a file or in the environment, and an
 * address that is no good wherever it stands, is 78.
 */
enum options_result options_read(int argc, char **argv, char **environment, bool input_is_tty,
    FILE *out, struct options *o, int *status);
void options_free(struct options *o);

#endif
