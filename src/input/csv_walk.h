/* A light scan over a row's bytes that remembers how far it got: where the row ends, without its
 * cells. For rows that come in small pieces, and for those that are too long to be held. */
#ifndef CSV_WALK_H
#define CSV_WALK_H

#include <stdbool.h>
#include <stddef.h>

struct csv_dialect;

enum csv_place {
	CSV_AT_START,  /* of a cell */
	CSV_IN_CELL,   /* ... without quotes */
	CSV_IN_QUOTES, /* inside them */
	CSV_AT_QUOTE,  /* behind a quote that closes the cell, or is the first of two */
	CSV_PAST_QUOTE /* behind white space behind the closing quote */
};

struct csv_walk {
	size_t seen;          /* bytes */
	enum csv_place place; /* where in the row they end */
	bool escaped;         /* the last one was an escape */
};

enum csv_step {
	CSV_GOES_ON, /* the row does not end in these bytes */
	CSV_ENDS,    /* its line break is the next one that was not seen */
	CSV_WRONG,   /* ... or a quote or what follows it stands where it must not */
};

/* Goes on over the first n bytes at `row`. */
enum csv_step csv_walk(struct csv_walk *w, const char *row, size_t n, const struct csv_dialect *d);

/* Whether the row is inside quotes where it is. */
bool csv_walk_in_quotes(const struct csv_walk *w);

#endif
