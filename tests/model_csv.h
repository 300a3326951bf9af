/*
 * CSV as plainly as it can be said: a byte after the other, no blocks, no windows. What a row is,
 * is said by libcsv too wherever the dialect has no escapes, and must be the same.
 */
#ifndef MODEL_CSV_H
#define MODEL_CSV_H

#include <csv.h>
#include <jansson.h>
#include <stdlib.h>
#include "base/utf8.h"
#include "reading.h"

/* jansson is the judge of UTF-8. */
static inline bool model_is_utf8(const char *text, size_t n)
{
	json_t *string = json_stringn(text, n);

	json_decref(string);
	return string != NULL;
}

static inline bool model_is_break(char c)
{
	return c == '\n' || c == '\r';
}

enum model_verdict { MODEL_ROW, MODEL_WRONG, MODEL_UNCLOSED };

struct model_row {
	const struct feeding *how;
	const char *text;
	size_t n;
	struct buf cells; /* names and texts, as a trace has them */
	struct buf plain; /* the texts with a length in front, nothing trimmed or emptied */
	size_t count;
	bool filled;  /* some cell says something */
	bool names;   /* each cell is its column's name */
	size_t at;    /* the row's end, or the byte that stands wrong */
	bool quoted;  /* the cell that is being read is, and not closed */
	bool at_cell; /* nothing of it was read yet but what is trimmed */
};

static inline bool model_is_space(const struct model_row *r, char c)
{
	const struct csv_dialect *d = &r->how->dialect;

	return d->trim && (c == ' ' || c == '\t') && c != d->delimiter;
}

/* A cell: as it stands (raw), and what it says but for trimming. */
static inline void model_cell(struct model_row *r, const char *raw, size_t raw_len,
    const char *text, size_t n)
{
	const struct csv_dialect *d = &r->how->dialect;
	bool empty = false;

	put_text(&r->plain, text, n);
	if (d->trim) {
		raw = utf8_trim(raw, &raw_len);
		text = utf8_trim(text, &n);
	}
	for (size_t i = 0; i < d->null_count; i++)
		empty |= strlen(d->nulls[i]) == raw_len && memcmp(d->nulls[i], raw, raw_len) == 0;
	empty |= d->escape == '\\' && raw_len == 2 && memcmp(raw, "\\N", 2) == 0;
	r->filled |= raw_len > 0 && !empty;
	n = empty || raw_len == 0 ? 0 : n;
	if (r->count < r->how->column_count) {
		const char *name = r->how->columns[r->count];
		put_text(&r->cells, name, strlen(name));
		put_text(&r->cells, text, n);
		text = utf8_trim(text, &n);
		r->names &= strlen(name) == n && memcmp(name, text, n) == 0;
	}
	r->count++;
}

/* What databases mean by a letter behind a backslash, where they quote nothing. */
static inline char model_escaped(const struct csv_dialect *d, char c)
{
	if (d->escape != '\\' || d->quote)
		return c;
	switch (c) {
	case 'b':
		return '\b';
	case 'f':
		return '\f';
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	case 'v':
		return '\v';
	case '0':
		return '\0';
	default:
		return c;
	}
}

/* One character of a cell to `text`, an escape taken out. False: it is not one any more. */
static inline bool model_take(struct model_row *r, struct buf *text)
{
	const struct csv_dialect *d = &r->how->dialect;
	char c = r->text[r->at];

	if (d->escape && c == d->escape) {
		if (r->at + 1 < r->n)
			c = model_escaped(d, r->text[++r->at]);
	} else if (r->quoted && c == d->quote) {
		if (r->at + 1 == r->n || r->text[r->at + 1] != d->quote)
			return false;
		r->at++;
	} else if (!r->quoted && (c == d->delimiter || model_is_break(c))) {
		return false;
	}
	buf_byte(text, c);
	r->at++;
	return true;
}

/* The rest of a quoted cell, whose opening quote was passed. */
static inline enum model_verdict model_quoted(struct model_row *r, struct buf *text)
{
	size_t raw = r->at;

	r->quoted = true;
	while (r->at < r->n && model_take(r, text))
		;
	if (r->at == r->n)
		return MODEL_UNCLOSED;
	r->quoted = false;
	model_cell(r, r->text + raw, r->at - raw, text->data ? text->data : "", text->len);
	for (r->at++; r->at < r->n && model_is_space(r, r->text[r->at]); r->at++)
		;
	return r->at == r->n || r->text[r->at] == r->how->dialect.delimiter ||
	        model_is_break(r->text[r->at]) ?
	    MODEL_ROW :
	    MODEL_WRONG;
}

static inline enum model_verdict model_bare(struct model_row *r, struct buf *text)
{
	const struct csv_dialect *d = &r->how->dialect;
	size_t raw = r->at;

	for (;;) {
		if (r->at < r->n && d->quote && r->text[r->at] == d->quote)
			return MODEL_WRONG;
		if (r->at == r->n || !model_take(r, text))
			break;
	}
	size_t end = r->at;
	while (end > raw && model_is_space(r, r->text[end - 1]))
		end--;
	model_cell(r, r->text + raw, end - raw, text->data ? text->data : "", text->len);
	return MODEL_ROW;
}

/* The row at `text`, however long it is. */
static inline enum model_verdict model_row(struct model_row *r, const char *text, size_t n,
    const struct feeding *how)
{
	enum model_verdict verdict;

	*r = (struct model_row){ .how = how,
		.text = text,
		.n = n,
		.cells.max = ANY,
		.plain.max = ANY,
		.names = true };
	for (bool more = true; more; r->at++) {
		struct buf cell = { .max = ANY };
		while (r->at < n && model_is_space(r, text[r->at]))
			r->at++;
		bool quoted = how->dialect.quote && r->at < n && text[r->at] == how->dialect.quote;
		r->at += quoted;
		verdict = quoted ? model_quoted(r, &cell) : model_bare(r, &cell);
		buf_free(&cell);
		if (verdict != MODEL_ROW)
			return verdict;
		more = r->at < n && text[r->at] == how->dialect.delimiter;
		if (!more)
			break;
	}
	return MODEL_ROW;
}

static inline void model_row_free(struct model_row *r)
{
	buf_free(&r->cells);
	buf_free(&r->plain);
}

/* -- libcsv -- */

struct libcsv_row {
	struct buf plain;
	size_t count;
	bool done;
};

static inline void libcsv_cell(void *text, size_t n, void *arg)
{
	struct libcsv_row *row = arg;

	put_text(&row->plain, text, n);
	row->count++;
}

static inline void libcsv_end(int c, void *arg)
{
	(void)c;
	((struct libcsv_row *)arg)->done = true;
}

static inline int libcsv_space(unsigned char c)
{
	(void)c;
	return 0;
}

static inline void model_must(bool true_, const char *what, const struct model_row *r)
{
	if (true_)
		return;
	fprintf(stderr, "the model and libcsv differ (%s): ", what);
	for (size_t i = 0; i < r->n; i++)
		fprintf(stderr, "%02x ", (unsigned char)r->text[i]);
	fprintf(stderr, "\n");
	abort();
}

/* libcsv by itself, a byte at a time, says the same of the row. */
static inline void model_ask_libcsv(const struct model_row *r, enum model_verdict verdict)
{
	const struct csv_dialect *d = &r->how->dialect;
	struct libcsv_row row = { .plain.max = ANY };
	struct csv_parser p;
	size_t at = 0;
	bool good = true;

	csv_init(&p, CSV_STRICT | CSV_STRICT_FINI);
	csv_set_delim(&p, (unsigned char)d->delimiter);
	csv_set_quote(&p, (unsigned char)d->quote);
	csv_set_space_func(&p, libcsv_space);
	for (; at < r->n && !row.done && good; at++)
		good = csv_parse(&p, r->text + at, 1, libcsv_cell, libcsv_end, &row) == 1;
	if (good && row.done)
		at--;
	bool closed = !good || row.done || csv_fini(&p, libcsv_cell, libcsv_end, &row) == 0;
	csv_free(&p);
	model_must(good == (verdict != MODEL_WRONG), "a quote", r);
	model_must(!good || closed == (verdict != MODEL_UNCLOSED), "closed", r);
	model_must(!good || !closed || at == r->at, "the row's end", r);
	model_must(good || at == r->at + 1, "the byte", r);
	model_must(verdict != MODEL_ROW || same_trace(&row.plain, &r->plain), "the cells", r);
	buf_free(&row.plain);
}

/* -- the file -- */

static inline uint64_t model_line_at(const char *data, size_t at)
{
	uint64_t feeds = 0, returns = 0;

	for (size_t i = 0; i < at; i++) {
		feeds += data[i] == '\n';
		returns += data[i] == '\r';
	}
	return (feeds ? feeds : returns) + 1;
}

static inline size_t model_line_length(const char *data, size_t n)
{
	size_t length = 0;

	while (length < n && !model_is_break(data[length]))
		length++;
	return length;
}

/* Whether the first `window` bytes of a row that does not end there are inside quotes. */
static inline bool model_in_quotes(const char *text, size_t window, const struct feeding *how)
{
	struct model_row row;

	model_row(&row, text, window, how);
	model_row_free(&row);
	return row.quoted;
}

enum model_cost { MODEL_LONG_ROW, MODEL_LONG_LINE, MODEL_BAD_LINE };

/* What a row costs that is none. */
static inline enum model_cost model_cost(const struct model_row *row, enum model_verdict verdict,
    size_t first)
{
	size_t longest = row->how->longest;
	bool whole = verdict == MODEL_WRONG ? row->at <= longest : row->n <= longest;

	if (verdict == MODEL_ROW)
		return MODEL_LONG_ROW;
	if (!whole && !model_in_quotes(row->text, longest + 1, row->how))
		return MODEL_LONG_LINE;
	return first > longest ? MODEL_LONG_LINE : MODEL_BAD_LINE;
}

/* One row at data[at]; returns where reading goes on. */
static inline size_t model_step(struct buf *out, const char *data, size_t n, size_t at,
    const struct feeding *how)
{
	const char *text = data + at;
	size_t left = n - at, first = model_line_length(text, left), longest = how->longest, after;
	uint64_t line = model_line_at(data, at);
	struct model_row row;
	enum model_verdict verdict = model_row(&row, text, left, how);

	if (!how->dialect.escape && !how->dialect.trim && how->dialect.quote)
		model_ask_libcsv(&row, verdict);
	if (verdict == MODEL_ROW && row.at <= longest) {
		bool good = row.count == how->column_count && model_is_utf8(text, row.at) &&
		    !row.names;
		if (row.filled)
			put_origin(out, good ? 'R' : 'B', line, text, row.at);
		if (row.filled && good)
			buf_add(out, row.cells.data, row.cells.len);
		after = at + row.at;
	} else {
		enum model_cost cost = model_cost(&row, verdict, first);
		size_t shown = cost == MODEL_BAD_LINE ? first : model_shown(text, longest + 1);
		put_origin(out, 'B', line, text, shown);
		after = at +
		    (cost == MODEL_LONG_ROW        ? row.at :
		            cost == MODEL_BAD_LINE ? first :
		                                     longest + 1 +
		                model_line_length(text + longest + 1, left - longest - 1));
	}
	model_row_free(&row);
	return after;
}

/* Behind --skip-lines' lines. */
static inline size_t model_front(const char *data, size_t n, uint64_t lines)
{
	size_t at = 0;

	for (; lines > 0 && at < n; lines--) {
		at += model_line_length(data + at, n - at);
		if (at + 1 < n && data[at] == '\r' && data[at + 1] == '\n')
			at++;
		at += at < n;
	}
	return at;
}

/* What trace_csv should say. `how` must have columns, and no name that begins with _cio_. */
static inline void model_csv(struct buf *out, const char *data, size_t n, const struct feeding *how)
{
	size_t at = model_front(data, n, how->dialect.skip_lines);

	for (;;) {
		while (at < n && model_is_break(data[at]))
			at++;
		if (at == n)
			return;
		if (how->dialect.comment && data[at] == how->dialect.comment)
			at += model_line_length(data + at, n - at);
		else
			at = model_step(out, data, n, at, how);
	}
}

#endif
