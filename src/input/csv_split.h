/*
 * One CSV row to cells, in place: RFC 4180, strictly. A quoted cell's text is still as it stands in
 * the file, doubled quotes and all; csv_unescape is for those who want it.
 */
#ifndef CSV_SPLIT_H
#define CSV_SPLIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "input/csv_dialect.h"

struct field;
struct buf;

enum csv_result {
	CSV_ROW,   /* a whole row */
	CSV_MORE,  /* the bytes end before the row does */
	CSV_FAULT, /* what is there is no row, whatever follows */
};

enum csv_fault {
	CSV_QUOTE_INSIDE, /* a quote in a cell that does not begin with one */
	CSV_AFTER_QUOTE,  /* text behind a closing quote */
	CSV_UNCLOSED,     /* the end came inside quotes */
};

#define CSV_BLOCKS 32u

struct csv_split {
	/* Set by the caller. */
	char delimiter;       /* no quote */
	struct field *fields; /* where the first `width` cells' text goes (value, value_len) */
	size_t width;

	/* The row. */
	const char *row, *row_end; /* its bytes; *row_end is its line end, where it has one */
	size_t cells;
	size_t feeds, returns; /* line feeds and carriage returns inside it */
	bool blank;            /* a cell is empty */
	bool odd;              /* a cell has a backslash or a control character in it */
	/* bytes above 0x7f; NULL where there is none. The last may be behind the row */
	const char *first_high, *last_high;
	/* the first cell with doubled quotes in it, and the last; or NULL */
	const struct field *doubled, *last_doubled;
	bool in_quotes; /* the bytes ended inside quotes */
	enum csv_fault fault;
	const char *fault_at;

	/* What was looked at last, by blocks of SCAN_BYTES: the rows that follow have most of it
	 * looked at already. */
	const char *blocks;    /* the first, or NULL */
	size_t looked;         /* how many */
	const char *looked_to; /* `end` at that time */
	/* of each: quotes, separators, backslashes and control characters */
	uint64_t specials[CSV_BLOCKS];
	uint64_t highs[CSV_BLOCKS]; /* bytes above 0x7f */
};

/*
 * Splits the row that begins at `from`, which must not be a line break, in bytes that go on to
 * `end`. `last`: nothing follows `end`. There must be SCAN_BYTES readable bytes behind `end`.
 */
enum csv_result csv_split(struct csv_split *s, const char *from, const char *end, bool last);

/* The bytes were moved or changed: what was remembered of them is forgotten. */
void csv_split_forget(struct csv_split *s);

/* Whether the text of a cell is in quotes in the row that begins at `row`. */
bool csv_is_quoted(const char *row, const char *text, char quote);

/* Where a cell's bytes, quotes included, begin and end. */
const char *csv_cell_start(const char *row, const struct field *cell, char quote);
const char *csv_cell_end(const char *row, const struct field *cell, char quote);

/* Of a row with doubled quotes: writes the text of those of its `count` cells that have them with
 * single ones, into `scratch` (which is emptied first, and has SCAN_BYTES behind the last). */
void csv_unescape(const struct csv_split *s, struct field *cells, size_t count,
    struct buf *scratch);

#endif
