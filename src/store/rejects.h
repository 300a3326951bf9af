/*
 * The rejects file (a dead letter queue, as a file): records that were not accepted, in the input's
 * own format, the row or line as it was with _cio_line, _cio_outcome, _cio_status, _cio_error
 * added, so that it can be fed in again.
 *
 * Each FILE has a rejects file of its own, for its header and format may differ, and its line
 * numbers are its own: NAME for the first FILE, then NAME with the FILE's number before its ending
 * (users.rejected.2.csv; where that ending promises another format than the FILE's, the FILE's
 * format's own: users.rejected.2.ndjson). A rejects file is made when the first record goes in.
 */
#ifndef REJECTS_H
#define REJECTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "store/outcome.h"

struct rejects;
struct reason;
struct origin;
struct input_header;
struct buf;

/*
 * For a run over `files` FILEs. sizes NULL: a new run, so every rejects file that is there becomes
 * NAME~, at once. Else sizes[files] are those that the checkpoint kept: the run goes on after that
 * many bytes, and what is behind them (of records that are sent again) is cut off at once; a size
 * below 1 means that the file has nothing to keep. So a run must have its checkpoint written once,
 * with the sizes of now, before its first record is settled. NULL with *why when that fails.
 */
struct rejects *rejects_new(const char *name, const int64_t *sizes, size_t files,
    struct reason *why);

/*
 * Adds a record to its FILE's rejects. header: of the CSV it is from, NULL for NDJSON. Its row goes
 * in as it was where `whole` (it is a row of the header's width, or an object); else as _cio_raw.
 * In NDJSON, bytes of such a line that are not UTF-8 become U+FFFD, for the line must be JSON; in a
 * CSV they stay as they were. status: the server's, 0 for none. 0 or -1 with *why.
 */
int rejects_add(struct rejects *r, const struct origin *from, const struct input_header *header,
    bool whole, enum outcome outcome, int status, const char *error, struct reason *why);

/* The size of each FILE's rejects file, for the checkpoint: 0 where there is none. Good until
 * rejects_close. */
const int64_t *rejects_sizes(const struct rejects *r);

uint64_t rejects_count(const struct rejects *r); /* added by this run */

/* The names of the rejects files that have something in them, "a, b", for people. */
void rejects_names(const struct rejects *r, struct buf *out);

int rejects_sync(struct rejects *r, struct reason *why);
int rejects_close(struct rejects *r, struct reason *why); /* frees; 0 or -1; NULL is fine */

#endif
