/*
 * The variables that say where to send and with which credentials, and the env-file that may hold
 * them.
 */
#ifndef ENVFILE_H
#define ENVFILE_H

#include <stddef.h>

struct reason;

enum variable {
	VARIABLE_SITE_ID,
	VARIABLE_API_KEY,
	VARIABLE_APP_KEY,
	VARIABLE_REGION,
	VARIABLE_URL,
	VARIABLE_COUNT,
};

/* A variable's name; the second is another one for the same, looked at where the first is not set
 * (NULL: none). */
const char *variable_name(enum variable v, unsigned which);

/* What is set in a NAME=VALUE array like environ. Empty is not set: NULL. */
const char *environment_get(char *const *environment, const char *name);

struct envfile {
	struct envfile_entry {
		char *value; /* NULL: not in the file, or empty */
		unsigned line;
		const char *name; /* as it stood there */
	} entries[VARIABLE_COUNT];
};

/*
 * Reads an env-file: NAME=VALUE lines, perhaps with "export " in front, values perhaps quoted; #
 * begins a comment; other names are passed over. It must be a regular file or a pipe that nobody
 * but its owner may read or write: any mode bit of 077 is refused. A credential that systemd passed
 * (a file in $CREDENTIALS_DIRECTORY; NULL: there is none) may be readable by its group: an access
 * list for the service's user looks like that. 0, or -1 with *why, which holds file:line and never
 * a value.
 */
int envfile_read(struct envfile *out, const char *path, const char *credentials_directory,
    struct reason *why);
void envfile_free(struct envfile *e); /* wipes it */

#endif
