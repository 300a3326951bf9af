/*
 * CSV rows out of a source of bytes, one after another. csv_split takes them apart, or csv_slow
 * where the dialect is not RFC 4180.
 *
 * A malformed row costs one physical line, and reading goes on at the next one. That is no more
 * than twice the work, however the file is made: a scan that starts outside quotes and gets past a
 * line has met an odd number of quotes in it, and no later than the next line with an odd number it
 * is outside again, where its row ends. So only rows that start at such a line are scanned over
 * others, each as far as the next such line.
 *
 * A row that is longer than a record may be is passed over as the one row that it is, quoted line
 * breaks and all. Whether its quotes are closed at all is looked up ahead, in the file, or in a
 * spool of what comes but once. Where the spool has no room for that it is taken for closed, and
 * where that proves wrong the input is refused: what stood in between is gone.
 */
#ifndef CSV_ROWS_H
#define CSV_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/reason.h"
#include "input/csv_dialect.h"
#include "input/csv_split.h"
#include "input/csv_walk.h"
#include "input/input.h"
#include "input/source.h"

struct csv_header;
struct csv_slow;
struct spool;

#define CSV_FRONT_KEPT (64u << 10) /* bytes that are kept of --skip-lines' lines */

struct csv_rows {
	struct source *source;
	const struct csv_dialect *dialect;
	const struct csv_header *header; /* for messages: names cells; NULL before it is known */
	size_t longest;                  /* bytes of a row */
	uint64_t feeds, returns;         /* line feeds and carriage returns that were passed */
	uint64_t lines_left;             /* of those in front that are no part of the CSV */
	struct buf front; /* ... the lines, or as many line feeds where they are long */
	enum {
		CSV_ROWS,
		CSV_BAD_LINE, /* a malformed row: looking for the end of its first line */
		CSV_LINE_END, /* passing over the rest of a line ... */
		CSV_ROW_END,  /* ... of a row that is too long */
		CSV_LOOKING, /* ... which it is not known to be: `ahead` says how far it was seen */
	} mode;
	bool steady; /* the row before was complete, and nothing but RFC 4180 is asked for */
	/* the row at source->start is not complete: `walk` says how far it was seen */
	bool waiting;
	struct csv_walk walk;
	struct csv_walk ahead;
	struct spool *spool;    /* NULL: nothing was looked at in it yet */
	uint64_t most_ahead;    /* bytes that it may keep */
	bool certain;           /* in CSV_ROW_END: the row's quotes are known to be closed */
	bool lost;              /* that proved wrong: INPUT_FAILED is this input's fault */
	size_t line_seen;       /* in CSV_BAD_LINE: bytes that have no line break ... */
	struct reason wrong;    /* ... and what is wrong */
	uint64_t line;          /* where the row begins */
	uint64_t breaks;        /* feeds and returns in front of it */
	struct csv_split split; /* the row; the caller sets fields and width */
	struct csv_slow *slow;  /* NULL: csv_split does it */
};

/* The dialect must outlive it. */
void csv_rows_init(struct csv_rows *r, struct source *s, const struct csv_dialect *d,
    size_t longest);
void csv_rows_free(struct csv_rows *r);

/*
 * The next row that is not blank: INPUT_RECORD with its cells in r->split, INPUT_BAD with its bytes
 * as the split's row and *why, INPUT_END, INPUT_AGAIN. INPUT_FAILED: errno, or *why where r->lost
 * is set. *line is where it begins: as many line feeds are in front of it, and where there was none
 * yet, carriage returns.
 */
enum input_result csv_rows_next(struct csv_rows *r, uint64_t *line, struct reason *why);

/* The line of the next byte. */
uint64_t csv_rows_line(const struct csv_rows *r);

/* Splits n bytes that are a whole row, where they are one, into s->fields (s->width of them). */
enum csv_result csv_rows_split(struct csv_rows *r, struct csv_split *s, const char *row, size_t n);

/* *why for the fault of a split. */
void csv_rows_explain(const struct csv_rows *r, const struct csv_split *s, struct reason *why);

/* "cell 3 (email)" */
#define CSV_CELL_SHOWN 300u
void csv_rows_name_cell(const struct csv_rows *r, size_t cell, char out[CSV_CELL_SHOWN]);

/* Whether rows can be counted without being split, from source->start on. */
bool csv_rows_countable(const struct csv_rows *r);

#endif
