/* How a CSV is written: what separates, quotes and escapes, which lines are none of it, which cells
 * stand for nothing. */
#ifndef CSV_DIALECT_H
#define CSV_DIALECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

struct csv_dialect {
	/* characters, all of them ASCII, no two the same, none a line break */
	char delimiter;
	char quote;   /* '\0': none */
	char escape;  /* takes the next character as it is; '\0': none */
	char comment; /* a line that begins with it is no row; '\0': none */
	bool trim;    /* white space at both ends of cells is dropped */
	/* texts of cells that are the same as an empty cell, compared before escapes are taken out
	 */
	const char *const *nulls;
	size_t null_count;
	uint64_t skip_lines; /* that many in front are no part of it */
};

/* RFC 4180, with another delimiter perhaps. */
static inline struct csv_dialect csv_dialect_plain(char delimiter)
{
	return (struct csv_dialect){ .delimiter = delimiter, .quote = '"' };
}

/* Whether csv_split finds its cells; where it does not, csv_slow does. */
static inline bool csv_dialect_is_fast(const struct csv_dialect *d)
{
	return d->quote == '"' && !d->escape && !d->trim;
}

static inline bool csv_is_break(char c)
{
	return c == '\n' || c == '\r';
}

/* White space that --trim takes away around a quoted cell, too. */
static inline bool csv_is_space(const struct csv_dialect *d, char c)
{
	return d->trim && (c == ' ' || c == '\t') && c != d->delimiter;
}

/* What a character behind the escape stands for: itself; or, where a backslash stands in for quotes
 * altogether, as in the texts that databases write, a control character for some letters. */
char csv_escaped(const struct csv_dialect *d, char c);

/* Whether the text of a cell, as it stands, stands for nothing. Where a backslash escapes, \N does
 * by itself. */
bool csv_is_null(const struct csv_dialect *d, const char *text, size_t n);

/* Whether the text must be quoted, or escaped, to be a cell. `first`: of the row. */
bool csv_needs_quotes(const struct csv_dialect *d, const char *text, size_t n, bool first);

/* Adds the text as a cell that a reader of this dialect reads as that text. Where the dialect has
 * neither quotes nor escapes, separators and line breaks in it become blanks. */
void csv_put_cell(struct buf *out, const struct csv_dialect *d, const char *text, size_t n);

/* The options that ask for it, for the checkpoint to tell one from another; nothing where none is
 * needed. */
void csv_dialect_describe(const struct csv_dialect *d, struct buf *out);

#endif
