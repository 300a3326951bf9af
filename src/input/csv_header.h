/* A CSV's header: the names of its columns, checked, and what becomes of each column. */
#ifndef CSV_HEADER_H
#define CSV_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include "base/buf.h"
#include "input/input.h"

struct csv_heading;
struct field;
struct reason;

#define RESERVED_PREFIX "_cio_" /* fields whose names begin so are dropped on reading */
#define RESERVED_RAW "_cio_raw" /* ... but for this one: its text stands for the record */
#define RESERVED_COLUMNS 5u     /* those that rejects end with, in this order: */
extern const char *const reserved_columns[RESERVED_COLUMNS];
/* columns of a CSV, members of an object: something is held for each */
#define INPUT_FIELDS_MAX 65536u

struct csv_header {
	struct input_header shown; /* without the dropped columns */
	size_t columns;            /* of each row, dropped ones included */
	/* one for each column, in the row's order; name and key set */
	struct field *cells;
	struct field *kept; /* one for each that is not dropped */
	bool *dropped;      /* whether a column is */
	bool trailing;      /* the dropped ones are the last ones */
	size_t raw_column;  /* the one that is called _cio_raw, or `columns` */
	bool given;         /* by --columns: there is no header row */
	size_t nameless;    /* columns at the end that have no name, and must be empty */
	struct buf rename;  /* the options that give them one */
	struct buf raw, front;
	const char **names;
};

/* Makes a header of what was read, which is copied: white space round names is dropped. NULL with
 * *why where it will not do. */
struct csv_header *csv_header_new(const struct csv_heading *read, struct reason *why);
void csv_header_free(struct csv_header *h); /* NULL is fine */

/* The lines in front of it. */
void csv_header_keep_front(struct csv_header *h, const struct buf *front);

/* The header row's own bytes, for shown.raw; of a header that is given, a row made of its names. */
void csv_header_keep_raw(struct csv_header *h, const char *row, const struct field *cells);

/*
 * Whether the n cells of a first row are the names of a header that was given, and after them the
 * five of a rejects file: its head. Then the header gets those columns too.
 */
bool csv_header_widen(struct csv_header *h, const struct field *cells, size_t n);

/* Whether a record's texts, in its fields, are the header's names once more. */
bool csv_header_is_again(const struct csv_header *h, const struct field *fields);

bool name_is_reserved(const char *name, size_t n);
bool name_is_raw(const char *name, size_t n);

#endif
