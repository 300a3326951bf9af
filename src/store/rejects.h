/*
 * The rejects file (a dead letter queue, as a file): records that were not accepted, in the input's
 * own format, the row or line as it was with _cio_line, _cio_outcome, _cio_status, _cio_error
 * added, so that it can be fed in again.
 *
 * Each FILE has a rejects file of its own, for its header and format may differ, and its line
 * numbers are its own: NAME for the first FILE, then NAME with the FILE's number before its ending
 * (users.rejected.2.csv; where that ending promises another format than the FILE's, the FILE's
 * format's own: users.rejected.2.ndjson).
 *
 * NAME is made when the run begins, and locked until it ends: so one run at a time has it, and that
 * it can be written is known at the start. It is removed at the end where nothing went in. The
 * others are made when the first record goes in.
 */
#ifndef REJECTS_H
#define REJECTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "store/outcome.h"
#include "store/outfile.h"

struct rejects;
struct reason;
struct origin;
struct input_header;
struct buf;

/*
 * For a run over `files` FILEs. kept NULL: a new run, so every rejects file that is there is set
 * aside at once (NAME~, NAME.~2~, ...: nothing is written over). Else kept[kept_files] is what the
 * checkpoint kept of the first FILEs: the run goes on with a file that begins with what is marked,
 * and what is behind that (of records that are sent again) is cut off at once; any other file is
 * set aside, for it is another run's. So a run must have its checkpoint written once, with the
 * marks of now, before its first record is settled. NULL with *why and its status (73, or 75 where
 * another run has this NAME).
 */
struct rejects *rejects_new(const char *name, const struct outfile_mark *kept, size_t kept_files,
    size_t files, struct reason *why);

/* What rejects_new did with files that it found there, a line each, for people; "" where it did
 * nothing. Good until rejects_close. */
const char *rejects_said(const struct rejects *r);

/*
 * Adds a record to its FILE's rejects. header: of the CSV it is from, NULL for NDJSON. Its row goes
 * in as it was where `whole` (it is a row of the header's width, or an object); else as _cio_raw.
 * Bytes that are not UTF-8 stay what they were, so that a line with such bytes is no JSON: fed in
 * as it stands, it is rejected again. status: the server's, 0 for none. 0 or -1 with *why.
 */
int rejects_add(struct rejects *r, const struct origin *from, const struct input_header *header,
    bool whole, enum outcome outcome, int status, const char *error, struct reason *why);

/* What is in each FILE's rejects now, for the checkpoint. Good until rejects_close. */
const struct outfile_mark *rejects_marks(const struct rejects *r);

/* The names of the rejects files that have something in them, "a, b", for people. */
void rejects_names(const struct rejects *r, struct buf *out);

/* The same as words for a shell, each with a blank before it. */
void rejects_words(const struct rejects *r, struct buf *out);

int rejects_sync(struct rejects *r, struct reason *why);
int rejects_close(struct rejects *r, struct reason *why); /* frees; 0 or -1; NULL is fine */

#endif
