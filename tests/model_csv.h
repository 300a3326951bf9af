/*
 * CSV as libcsv sees it: each row by a parser of its own, a byte at a time, so that it stops where
 * the row does. What a malformed row costs is written anew here, as plainly as it can be said.
 */
#ifndef MODEL_CSV_H
#define MODEL_CSV_H

#include <csv.h>
#include <jansson.h>
#include "reading.h"

/* jansson is the judge of UTF-8. */
static inline bool model_is_utf8(const char *text, size_t n)
{
	json_t *string = json_stringn(text, n);

	json_decref(string);
	return string != NULL;
}

struct model_row {
	struct buf cells;
	size_t count;
	bool done, bad;
	const struct feeding *how;
};

static inline void model_cell(void *text, size_t n, void *arg)
{
	struct model_row *row = arg;

	if (row->count < row->how->column_count) {
		const char *name = row->how->columns[row->count];
		put_text(&row->cells, name, strlen(name));
		put_text(&row->cells, text, n);
	}
	row->bad = row->bad || !model_is_utf8(text, n);
	row->count++;
}

static inline void model_end(int c, void *arg)
{
	(void)c;
	((struct model_row *)arg)->done = true;
}

static inline int model_space(unsigned char c)
{
	(void)c;
	return 0;
}

enum model_verdict { MODEL_ROW, MODEL_MALFORMED, MODEL_TOO_LONG };

/* Parses the row at `text`; *length is its bytes. */
static inline enum model_verdict model_row(struct model_row *row, const char *text, size_t n,
    size_t *length)
{
	size_t window = n > row->how->longest ? row->how->longest + 1 : n;
	enum model_verdict verdict = MODEL_ROW;
	struct csv_parser p;

	csv_init(&p, CSV_STRICT | CSV_STRICT_FINI);
	csv_set_delim(&p, (unsigned char)row->how->delimiter);
	csv_set_space_func(&p, model_space);
	for (*length = 0; *length < window && !row->done && verdict == MODEL_ROW; ++*length)
		if (csv_parse(&p, text + *length, 1, model_cell, model_end, row) != 1)
			verdict = MODEL_MALFORMED;
	if (row->done) {
		--*length;
	} else if (verdict == MODEL_ROW && window == n) {
		if (csv_fini(&p, model_cell, model_end, row))
			verdict = MODEL_MALFORMED;
	} else if (verdict == MODEL_ROW) {
		/* 2: FIELD_BEGUN */
		verdict = p.pstate == 2 && p.quoted ? MODEL_MALFORMED : MODEL_TOO_LONG;
	}
	csv_free(&p);
	if (verdict == MODEL_ROW && *length > row->how->longest)
		verdict = MODEL_TOO_LONG;
	return verdict;
}

static inline bool model_is_break(char c)
{
	return c == '\n' || c == '\r';
}

static inline uint64_t model_line_at(const char *data, size_t at)
{
	uint64_t line = 1;

	for (size_t i = 0; i < at; i++)
		line += data[i] == '\r' || (data[i] == '\n' && (i == 0 || data[i - 1] != '\r'));
	return line;
}

static inline size_t model_line_length(const char *data, size_t n)
{
	size_t length = 0;

	while (length < n && !model_is_break(data[length]))
		length++;
	return length;
}

/* One row at data[at]; returns where reading goes on. */
static inline size_t model_step(struct buf *out, const char *data, size_t n, size_t at,
    const struct feeding *how)
{
	struct model_row row = { .cells.max = (size_t)-1, .how = how };
	uint64_t line = model_line_at(data, at);
	size_t length, first = model_line_length(data + at, n - at);
	enum model_verdict verdict = model_row(&row, data + at, n - at, &length);

	if (verdict == MODEL_MALFORMED && first > how->longest)
		verdict = MODEL_TOO_LONG;
	if (verdict == MODEL_ROW) {
		bool good = row.count == how->column_count && !row.bad;
		put_origin(out, good ? 'R' : 'B', line, data + at, length);
		if (good)
			buf_add(out, row.cells.data, row.cells.len);
	} else if (verdict == MODEL_MALFORMED) {
		put_origin(out, 'B', line, data + at, first);
		length = first;
	} else {
		length = how->longest + 1;
		put_origin(out, 'B', line, data + at, model_shown(data + at, length));
		length += model_line_length(data + at + length, n - at - length);
	}
	buf_free(&row.cells);
	return at + length;
}

/* What trace_csv should say. `how` must have columns, and no name that begins with _cio_. */
static inline void model_csv(struct buf *out, const char *data, size_t n, const struct feeding *how)
{
	size_t at = 0;

	for (;;) {
		while (at < n && model_is_break(data[at]))
			at++;
		if (at == n)
			return;
		at = model_step(out, data, n, at, how);
	}
}

#endif
