/* Small text files of NAME=VALUE lines: the env-file and the configuration file. */
#ifndef TEXTFILE_H
#define TEXTFILE_H

#include <stddef.h>

struct reason;

#define TEXTFILE_MAX 65536u /* bytes */

struct textfile {
	char *data; /* the whole file, NUL after it; cut up in place */
	size_t len;
	char *next;    /* the next line */
	unsigned line; /* number of the one that was returned last, from 1 */
};

/* Reads what is left of fd, at most TEXTFILE_MAX bytes; drops a byte-order mark. 0, or -1 with
 * *why, which does not name the file. textfile_free it in both cases. */
int textfile_read(struct textfile *f, int fd, struct reason *why);

/* The next line that is neither blank nor a comment, without its end and the white space around it;
 * NULL at the end. */
char *textfile_line(struct textfile *f);

/*
 * A value in place: bare, up to the line's end or a # with white space before it; or in 'single' or
 * "double" quotes, as a shell reads them (in double ones a backslash stands before ", \, $ or `). A
 * quote that does not begin the value is part of it; a # between two of those may be meant either
 * way, and is refused. 0, or -1 with *why, which never shows the value.
 */
int textfile_value(char *text, char **value, struct reason *why);

void textfile_free(struct textfile *f); /* wipes it */

#endif
