/*
 * The APIs that there are: where each is, how it is paced, what one of its requests may hold, and
 * how an answer names what it did not take. An action belongs to one of them; adding one is a file
 * with its struct and a row in api.c. What sends and packs knows this table, and no API by name.
 */
#ifndef API_H
#define API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/num.h"
#include "operation/operation.h"

enum api_auth {
	API_SITE_AND_KEY, /* Basic: the site id and its key */
	API_KEY,          /* Bearer: a key alone */
};

/* One server's side: several APIs may be on it. */
struct api_host {
	const char *label;   /* "app": of what is not the Track API, in a dry run; or NULL */
	const char *base[2]; /* by region: us, eu */
	enum api_auth auth;
	const char *check_path; /* a GET that tells whether the credentials are good */
	bool may_refuse_check;  /* 403 to it says that they are good, and for less than that */
};

/* How many records become one request: `opening`, their bodies with commas between them,
 * `closing`. */
struct envelope {
	const char *opening, *closing;
	size_t opening_len, closing_len;
	size_t bytes_most;   /* of the whole */
	size_t records_most; /* 0: any number */
};

/* Its first four members. */
#define ENVELOPE(opens, closes) (opens), (closes), sizeof(opens) - 1, sizeof(closes) - 1

/* Of several records in a request, which an answer refuses. */
enum blame {
	/* all of them: there is but one, or they are taken together or not at all */
	BLAME_ONE,
	BLAME_NAMED,  /* a 207 names them; halves tell, where a 400 refuses all */
	BLAME_HALVES, /* halves tell */
};

struct build;

struct api {
	const struct api_host *host;
	/* what is asked for where nobody says a --rate (in lowest terms) or a --burst */
	struct num_rate rate;
	uint64_t burst;
	/* NULL: each record is a request of its own, with a method and a path of its own. Else the
	 * method is POST, and the path the one that its operations have in common, or this one. */
	const struct envelope *envelope;
	const char *path;
	/* what a record becomes: operation_parts.h */
	int (*make)(struct build *b);
	enum blame blame;
	/* A refusal of all before anything was accepted is tried with one record alone: where that
	 * is refused too, it is what they have in common that is wrong. */
	bool alone_first;
	/* It asks what is there: an answer is compared with what each operation has `kept`. */
	bool reads_back;
	/* A second copy does harm, and nothing drops it: what may have arrived is not sent again.
	 */
	bool once;
	/* its pace is a limit on these requests alone: the check of the credentials is not counted
	 */
	bool check_apart;
};

/* The API that an action belongs to; `batch`: where it may go in batches. Never NULL. */
const struct api *api_for(enum action action, bool batch);

extern const struct api_host api_track_host, api_app_host;
extern const struct api api_track, api_track_batch, api_segments, api_suppression, api_verify,
    api_messages;
/* The second: people who are not there do not fail it. */
extern const struct api api_broadcast, api_broadcast_perhaps;

/* Whether a field of that name takes the place of what a message says itself. */
bool message_overrides(enum action a, const char *name, size_t n);

/* The lists that esp-suppress knows; NULL at the end. */
extern const char *const suppression_names[];

#endif
