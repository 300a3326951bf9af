/* Rows by libcsv. */
#include "input/csv_slow.h"

#include <csv.h>
#include "base/buf.h"
#include "input/csv_dialect.h"
#include "input/record.h"

#define PIECE 512u /* bytes that libcsv is given at once, at most */
/* how libcsv's own buffer grows: its 128 bytes are quadratic */
#define GROWS_BY (64u << 10)

struct csv_slow {
	const struct csv_dialect *dialect;
	struct csv_parser parser;
	bool begun;    /* the parser has seen a part of a row */
	char harmless; /* what stands for a character that libcsv must not see */

	/* The row. */
	struct csv_split *split;
	const char *cell; /* where the cell that is read begins */
	const char *at;   /* what follows the piece that libcsv was given last */
	size_t quotes;    /* in that cell, but for those that are escaped */
	bool row_done;
};

static int is_blank(unsigned char c)
{
	return c == ' ' || c == '\t';
}

static int is_blank_but_tab(unsigned char c)
{
	return c == ' ';
}

static int is_blank_but_space(unsigned char c)
{
	return c == '\t';
}

static int is_nothing(unsigned char c)
{
	(void)c;
	return 0; /* white space belongs to the cell */
}

static void start_parser(struct csv_slow *f)
{
	const struct csv_dialect *d = f->dialect;

	csv_init(&f->parser, CSV_STRICT | CSV_STRICT_FINI);
	csv_set_delim(&f->parser, (unsigned char)d->delimiter);
	/* '\0' where there is none: libcsv sees no NUL then */
	csv_set_quote(&f->parser, (unsigned char)d->quote);
	csv_set_space_func(&f->parser,
	    !d->trim                 ? is_nothing :
	        d->delimiter == '\t' ? is_blank_but_tab :
	        d->delimiter == ' '  ? is_blank_but_space :
	                               is_blank);
	csv_set_blk_size(&f->parser, GROWS_BY);
	csv_set_realloc_func(&f->parser, xrealloc);
	f->begun = false;
}

struct csv_slow *csv_slow_new(const struct csv_dialect *d)
{
	struct csv_slow *f = xcalloc(1, sizeof *f);

	f->dialect = d;
	f->harmless = 'x';
	while (f->harmless == d->delimiter || f->harmless == d->quote)
		f->harmless++;
	start_parser(f);
	return f;
}

void csv_slow_free(struct csv_slow *f)
{
	if (!f)
		return;
	csv_free(&f->parser);
	free(f);
}

/* Whether the character at `at` is taken by an escape. */
static bool is_escaped(const struct csv_dialect *d, const char *cell, const char *at)
{
	size_t escapes = 0;

	while (d->escape && at > cell && *--at == d->escape)
		escapes++;
	return escapes % 2 == 1;
}

/* The cell from f->cell to `end`, what closes it not counted. */
static void put_cell(struct csv_slow *f, const char *end)
{
	const struct csv_dialect *d = f->dialect;
	struct csv_split *s = f->split;
	const char *text = f->cell;

	while (text < end && csv_is_space(d, *text))
		text++;
	while (end > text && csv_is_space(d, end[-1]) && !is_escaped(d, text, end - 1))
		end--;
	if (d->quote && end - text >= 2 && *text == d->quote) {
		text++;
		end--;
	}
	if (s->cells < s->width) {
		s->fields[s->cells].value = text;
		s->fields[s->cells].value_len = (size_t)(end - text);
	}
	s->cells++;
}

/* libcsv has seen a cell's end: the last byte that it was given. */
static void on_cell(void *text, size_t n, void *arg)
{
	struct csv_slow *f = arg;

	(void)text;
	(void)n;
	put_cell(f, f->at - 1);
	f->cell = f->at;
	f->quotes = 0;
}

static void on_row(int end, void *arg)
{
	(void)end;
	((struct csv_slow *)arg)->row_done = true;
}

/* ... and here, that nothing follows. */
static void on_last_cell(void *text, size_t n, void *arg)
{
	struct csv_slow *f = arg;

	(void)text;
	(void)n;
	put_cell(f, f->at);
}

/*
 * Takes bytes from f->at on, up to what may end a cell: to `piece` as libcsv may see them. How
 * many; 0 where the next one is an escape whose character is not here yet.
 */
static size_t take_piece(struct csv_slow *f, const char *end, bool last, char piece[PIECE])
{
	const struct csv_dialect *d = f->dialect;
	const char *p = f->at;
	size_t n = 0;

	while (p < end && n + 2 <= PIECE) {
		char c = *p++;
		if (d->escape && c == d->escape) {
			if (p == end && !last)
				break;
			piece[n++] = f->harmless;
			if (p++ == end)
				break;
			piece[n++] = f->harmless;
			continue;
		}
		f->quotes += d->quote && c == d->quote;
		piece[n++] = c || d->quote ? c : f->harmless;
		if (c == d->delimiter || csv_is_break(c))
			break;
	}
	f->at += n;
	return n;
}

static bool is_quoted(const struct csv_slow *f, const char *end)
{
	const struct csv_dialect *d = f->dialect;
	const char *text = f->cell;

	while (text < end && csv_is_space(d, *text))
		text++;
	return d->quote && text < end && *text == d->quote;
}

static enum csv_result fault(struct csv_slow *f, enum csv_fault what, const char *at)
{
	f->split->fault = what;
	f->split->fault_at = at;
	return CSV_FAULT;
}

/* libcsv reports no row of white space alone: to us it has one cell. */
static enum csv_result finish(struct csv_slow *f, const char *row_end)
{
	if (f->split->cells == 0)
		put_cell(f, row_end);
	f->begun = false;
	f->split->row_end = row_end;
	f->split->first_high = f->split->row; /* somewhere in it */
	f->split->last_high = row_end - 1;
	return CSV_ROW;
}

/* The bytes end inside the row. */
static enum csv_result end_of_bytes(struct csv_slow *f, bool last)
{
	f->split->in_quotes = is_quoted(f, f->at) && f->quotes % 2 == 1;
	if (!last)
		return CSV_MORE;
	if (csv_fini(&f->parser, on_last_cell, on_row, f) != 0)
		return fault(f, CSV_UNCLOSED, f->cell);
	return finish(f, f->at);
}

static enum csv_result split(struct csv_slow *f, const char *end, bool last)
{
	char piece[PIECE];
	size_t n;

	while ((n = take_piece(f, end, last, piece)) > 0) {
		f->begun = true;
		size_t good = csv_parse(&f->parser, piece, n, on_cell, on_row, f);
		const char *wrong = f->at - n + good;
		if (good < n)
			return fault(f, is_quoted(f, wrong) ? CSV_AFTER_QUOTE : CSV_QUOTE_INSIDE,
			    wrong);
		bool in_quotes = is_quoted(f, f->at) && f->quotes % 2 == 1;
		if (f->row_done || (csv_is_break(piece[n - 1]) && !in_quotes))
			return finish(f, f->at - 1);
	}
	return end_of_bytes(f, last);
}

enum csv_result csv_slow_split(struct csv_slow *f, struct csv_split *s, const char *from,
    const char *end, bool last)
{
	if (f->begun) { /* the last row was left where it was malformed, or not whole */
		csv_free(&f->parser);
		start_parser(f);
	}
	f->split = s;
	f->cell = f->at = from;
	f->quotes = 0;
	f->row_done = false;
	s->row = from;
	s->cells = 0;
	s->doubled = s->last_doubled = NULL;
	s->in_quotes = false;
	s->blank = s->odd = true;
	return split(f, end, last);
}
