/*
 * Looking ahead in what comes but once: a pipe, or what is unpacked or decoded. What was looked at
 * is kept in a file without a name, and is read from there when its turn comes.
 */
#ifndef SPOOL_H
#define SPOOL_H

#include <stddef.h>
#include <stdint.h>
#include "input/source.h"

struct spool;

/*
 * From now on the source reads what the spool hands out: all that it would have read anyway. At
 * most `most` bytes are kept, in $TMPDIR, else in /var/tmp or /tmp. NULL where no file can be made.
 * The source must not be read any more once the spool is freed.
 */
struct spool *spool_new(struct source *s, uint64_t most);
void spool_free(struct spool *s); /* NULL is fine */

/* The next spool_look looks at what the source reads next. */
void spool_look_anew(struct spool *s);

/* Looks at up to n bytes behind those that were looked at, as source_read. SOURCE_FAILED: they
 * cannot be read, or no more can be kept; it is of no account to what the source reads. */
enum source_result spool_look(struct spool *s, char *to, size_t n, size_t *got);

#endif
