/* CSV records: rows (csv_rows.h) under a header. */
#include "input/reader.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include "base/buf.h"
#include "base/reason.h"
#include "base/utf8.h"
#include "input/csv_count.h"
#include "input/csv_names.h"
#include "input/csv_text.h"
#include "input/decode.h"
#include "input/record.h"

void csv_reader_init(struct csv_reader *c, struct source *s, const struct csv_dialect *d,
    size_t longest, uint64_t layout)
{
	*c = (struct csv_reader){ .dialect = *d, .layout.number = layout };
	csv_rows_init(&c->rows, s, &c->dialect, longest);
	buf_init(&c->scratch, BUF_UNBOUNDED);
	buf_init(&c->inner, BUF_UNBOUNDED);
	buf_init(&c->raw, BUF_UNBOUNDED);
}

void csv_reader_free(struct csv_reader *c)
{
	csv_header_free(c->header);
	csv_rows_free(&c->rows);
	buf_free(&c->scratch);
	buf_free(&c->inner);
	buf_free(&c->raw);
	*c = (struct csv_reader){ 0 };
}

void input_too_long(size_t longest, struct reason *why)
{
	if (longest >= 1u << 20)
		reason_set(why,
		    "the record is longer than %zu MiB; only its first %u bytes are kept here",
		    longest >> 20, RAW_SHOWN);
	else
		reason_set(why,
		    "the record is longer than %zu bytes; only its first %u bytes are kept here",
		    longest, RAW_SHOWN);
}

/* -- the header -- */

/* The whole input is refused, for what *why says. */
static enum input_result refuse(const char *place, struct reason *why, int *status)
{
	struct reason inner = *why;

	*status = EX_DATAERR;
	reason_set(why, "%s%s", place, inner.text);
	return INPUT_FAILED;
}

/* The row that was taken once more, whose bytes are still in the source's buffer, with room for all
 * its cells: as they are in row->fields, which is to be freed, and behind these what they say. */
static struct field *split_again(struct csv_reader *c, struct csv_split *row)
{
	const struct csv_split *taken = &c->rows.split;
	struct csv_dialect d = c->dialect;

	d.null_count = 0; /* of values */
	*row = (struct csv_split){ .width = taken->cells };
	row->fields = xcalloc(row->width, 2 * sizeof *row->fields);
	struct field *texts = row->fields + row->width;
	csv_rows_split(&c->rows, row, taken->row, (size_t)(taken->row_end - taken->row));
	memcpy(texts, row->fields, row->width * sizeof *texts);
	csv_texts(&d, row, texts, row->width, NULL, &c->scratch);
	return texts;
}

static int make_header(struct csv_reader *c, struct reason *why)
{
	struct csv_split row;

	if (c->rows.split.cells > INPUT_FIELDS_MAX)
		return reason_set(why, "there are %zu columns; at most %u can be read",
		    c->rows.split.cells, INPUT_FIELDS_MAX);
	const struct field *names = split_again(c, &row);
	const struct csv_heading heading = {
		.dialect = &c->dialect,
		.names = names,
		.count = row.width,
		.row = row.row,
		.row_len = (size_t)(row.row_end - row.row),
		.last_line = csv_rows_line(&c->rows),
	};

	c->header = csv_header_new(&heading, why);
	if (c->header) {
		csv_header_keep_raw(c->header, row.row, row.fields);
		csv_header_keep_front(c->header, &c->rows.front);
	}
	free(row.fields);
	return c->header ? 0 : -1;
}

static int given_header(struct csv_reader *c, const char *const *columns, size_t count,
    struct reason *why)
{
	struct field *names = xcalloc(count, sizeof *names);

	for (size_t i = 0; i < count; i++) {
		names[i].value = columns[i];
		names[i].value_len = strlen(columns[i]);
	}
	const struct csv_heading heading = { .dialect = &c->dialect,
		.names = names,
		.count = count };
	c->header = csv_header_new(&heading, why);
	free(names);
	if (c->header)
		csv_header_keep_raw(c->header, NULL, NULL);
	return c->header ? 0 : -1;
}

/* The first row is none. */
static enum input_result refuse_row(struct csv_reader *c, struct reason *why, int *status)
{
	const struct csv_split *row = &c->rows.split;
	const struct csv_heading heading = {
		.dialect = &c->dialect,
		.row = row->row,
		.row_len = (size_t)(row->row_end - row->row),
		.last_line = csv_rows_line(&c->rows),
	};

	csv_names_malformed(&heading, why);
	return refuse("header: ", why, status);
}

static enum input_result header_row(struct csv_reader *c, struct reason *why, int *status)
{
	uint64_t line;

	switch (csv_rows_next(&c->rows, &line, why)) {
	case INPUT_RECORD:
		break;
	case INPUT_BAD:
		return refuse_row(c, why, status);
	case INPUT_END:
		reason_set(why, "it is empty: a CSV needs a header row, or --columns");
		return refuse("", why, status);
	case INPUT_AGAIN:
		return INPUT_AGAIN;
	case INPUT_FAILED:
		*status = c->rows.lost ? EX_DATAERR : EX_NOINPUT;
		return INPUT_FAILED;
	}
	return make_header(c, why) ? refuse("header: ", why, status) : INPUT_RECORD;
}

/* Rows go into the header's columns; records are the layout's fields, which are those columns
 * themselves where none is dropped. */
static void use_header(struct csv_reader *c)
{
	struct csv_header *h = c->header;

	c->rows.header = h;
	c->rows.split.fields = h->cells;
	c->rows.split.width = h->columns;
	c->layout.fields = h->shown.count == h->columns ? h->cells : h->kept;
	c->layout.count = h->shown.count;
}

enum input_result csv_reader_begin(struct csv_reader *c, const char *const *columns,
    size_t column_count, struct reason *why, int *status)
{
	if (!columns) {
		enum input_result result = header_row(c, why, status);
		if (result != INPUT_RECORD)
			return result;
	} else if (given_header(c, columns, column_count, why)) {
		return refuse("--columns: ", why, status);
	}
	use_header(c);
	return INPUT_RECORD;
}

/* -- records -- */

static int refuse_width(const struct csv_header *h, size_t cells, size_t expected,
    struct reason *why)
{
	return reason_set(why, "row has %zu cell%s, %s %zu", cells, cells == 1 ? "" : "s",
	    h->given ? "--columns names" : "the header has", expected);
}

/* Which cell of a row it is. */
static int refuse_encoding(const struct csv_reader *c, const struct csv_split *split,
    struct reason *why)
{
	char cell[CSV_CELL_SHOWN], fault[DECODE_FAULT];

	for (size_t i = 0; i < split->cells; i++) {
		const struct field *f = &split->fields[i];
		size_t good = utf8_prefix(f->value, f->value_len);
		if (good == f->value_len)
			continue;
		csv_rows_name_cell(&c->rows, i, cell);
		return reason_set(why, "%s %s: say what the file is written in with --encoding",
		    cell, decode_fault(c->rows.source->encoding, f->value, good, fault));
	}
	return reason_set(why,
	    "the row is not UTF-8: say what the file is written in with --encoding");
}

/* A cell that stands under no name. In the first row it is the header's fault, else the row's. */
static enum input_result refuse_nameless(struct csv_reader *c, uint64_t line, struct reason *why)
{
	const struct csv_header *h = c->header;
	size_t i = h->columns - h->nameless;
	bool first = !c->named;

	c->named = true;
	while (i < h->columns && csv_is_empty(&c->dialect, &h->cells[i]))
		i++;
	if (i == h->columns)
		return INPUT_RECORD;
	if (!first) {
		reason_set(why, "cell %zu stands under no name: name all columns with %.*s", i + 1,
		    (int)h->rename.len, h->rename.data);
		return INPUT_BAD;
	}
	reason_exit(why, EX_DATAERR,
	    "header: column %zu has no name, and line %" PRIu64
	    " has something in it: name all columns with %.*s",
	    i + 1, line, (int)h->rename.len, h->rename.data);
	return INPUT_FAILED;
}

/* Whether the record may be the header again: most are not from their first byte on. */
static inline bool may_be_again(const struct field *first)
{
	return first->value_len >= first->name_len &&
	    (first->value[0] == first->name[0] || first->value[0] <= ' ' ||
	        (unsigned char)first->value[0] > 0x7f);
}

static void set_origin(struct record *r, const char *raw, size_t n)
{
	r->from.raw = raw;
	r->from.raw_len = n;
}

/* The row's own bytes without its dropped cells: the part in front of them, where they are the
 * last. */
static void cut_raw(struct csv_reader *c, struct record *r)
{
	const struct csv_header *h = c->header;
	const char *row = c->rows.split.row;
	char quote = c->dialect.quote;

	if (h->trailing) {
		set_origin(r, row,
		    (size_t)(csv_cell_end(row, &h->cells[h->shown.count - 1], quote) - row));
		return;
	}
	buf_reset(&c->raw);
	for (size_t i = 0, shown = 0; i < h->columns; i++) {
		const char *start = csv_cell_start(row, &h->cells[i], quote);
		if (h->dropped[i])
			continue;
		if (shown++ > 0)
			buf_byte(&c->raw, c->dialect.delimiter);
		buf_add(&c->raw, start, (size_t)(csv_cell_end(row, &h->cells[i], quote) - start));
	}
	set_origin(r, c->raw.data ? c->raw.data : "", c->raw.len);
}

/* Nothing is known of texts that were trimmed or emptied. */
static void note_texts(const struct csv_reader *c, struct record *r, const struct csv_split *split)
{
	r->blank = split->blank || c->dialect.null_count > 0;
	r->plain = !split->odd && !split->doubled;
}

/* All else in the row is ASCII. */
static bool is_utf8(const struct csv_split *split)
{
	if (!split->first_high)
		return true;
	const char *last = split->last_high < split->row_end ? split->last_high + 1 :
	                                                       split->row_end;

	return split->first_high >= split->row_end ||
	    utf8_valid(split->first_high, (size_t)(last - split->first_high));
}

/* The text of a _cio_raw cell, read as a row of the columns that are not dropped. */
static int read_inner(struct csv_reader *c, const struct field *raw, struct record *r,
    struct reason *why)
{
	struct csv_header *h = c->header;
	struct csv_split split = { .fields = h->kept, .width = h->shown.count };
	const char *text = raw->value, *end = text + raw->value_len;

	while (end > text && csv_is_break(end[-1]))
		end--;
	set_origin(r, text, (size_t)(end - text));
	if (end == text || csv_is_break(*text))
		return reason_set(why,
		    RESERVED_RAW " begins with a line break: it must hold one row");
	if (csv_rows_split(&c->rows, &split, text, (size_t)(end - text)) != CSV_ROW) {
		csv_rows_explain(&c->rows, &split, why);
		return -1;
	}
	if (split.row_end != end)
		return reason_set(why, RESERVED_RAW " holds more than one row");
	if (split.cells != split.width)
		return refuse_width(h, split.cells, split.width, why);
	if (!is_utf8(&split))
		return refuse_encoding(c, &split, why);
	csv_texts(&c->dialect, &split, h->kept, split.width, NULL, &c->inner);
	note_texts(c, r, &split);
	return 0;
}

/* Then all else in the row is of no account, its encoding neither: it is not read. */
static bool has_inner(const struct csv_header *h)
{
	return h->raw_column < h->columns && h->cells[h->raw_column].value_len > 0;
}

/* A row with columns that are dropped. */
static int drop_columns(struct csv_reader *c, struct record *r, struct reason *why)
{
	struct csv_header *h = c->header;
	size_t shown = 0;

	cut_raw(c, r);
	csv_texts(&c->dialect, &c->rows.split, h->cells, h->columns, h->dropped, &c->scratch);
	for (size_t i = 0; i < h->columns; i++) {
		if (h->dropped[i])
			continue;
		h->kept[shown].value = h->cells[i].value;
		h->kept[shown++].value_len = h->cells[i].value_len;
	}
	if (!has_inner(h) || csv_header_is_again(h, h->kept))
		return 0;
	return read_inner(c, &h->cells[h->raw_column], r, why);
}

/* Whether the row that was split is one of the header's. INPUT_FAILED: the header will not do. */
static enum input_result check_row(struct csv_reader *c, uint64_t line, struct reason *why)
{
	const struct csv_header *h = c->header;
	const struct csv_split *split = &c->rows.split;

	if (split->cells != h->columns) {
		refuse_width(h, split->cells, h->columns, why);
		return INPUT_BAD;
	}
	if (!is_utf8(split) && !has_inner(h)) {
		refuse_encoding(c, split, why);
		return INPUT_BAD;
	}
	return h->nameless > 0 ? refuse_nameless(c, line, why) : INPUT_RECORD;
}

static enum input_result finish_row(struct csv_reader *c, struct record *r, struct reason *why)
{
	struct csv_header *h = c->header;
	struct csv_split *split = &c->rows.split;

	set_origin(r, split->row, (size_t)(split->row_end - split->row));
	enum input_result good = check_row(c, r->from.line, why);
	if (good != INPUT_RECORD)
		return good;
	r->layout = &c->layout;
	r->fields = c->layout.fields;
	r->count = c->layout.count;
	note_texts(c, r, split);
	if (h->columns != h->shown.count) {
		if (drop_columns(c, r, why) != 0)
			return INPUT_BAD;
	} else if (split->doubled || c->dialect.null_count > 0 || c->rows.slow) {
		csv_texts(&c->dialect, split, h->cells, h->columns, NULL, &c->scratch);
	}
	if (!may_be_again(r->fields) || !csv_header_is_again(h, r->fields))
		return INPUT_RECORD;
	reason_set(why, "the row is the header again: take it out (were files joined?)");
	return INPUT_BAD;
}

/* The first row where --columns was given: the head of a rejects file? Then it is no record. */
static bool is_head(struct csv_reader *c)
{
	struct csv_split row;

	c->begun = true;
	if (!c->header->given || c->rows.split.cells <= c->header->columns ||
	    c->rows.split.cells > INPUT_FIELDS_MAX)
		return false;
	const struct field *names = split_again(c, &row);
	bool head = csv_header_widen(c->header, names, row.width);
	free(row.fields);
	use_header(c);
	return head;
}

/* Empties what the record before used, and gives back what only a long one needs. */
static inline void give_back(struct buf *b)
{
	if (b->len == 0)
		return;
	buf_reset(b);
	buf_trim(b, SOURCE_FILE_BYTES);
}

/* The next row that is no head. */
static enum input_result next_row(struct csv_reader *c, uint64_t *line, struct reason *why)
{
	enum input_result result;

	do
		result = csv_rows_next(&c->rows, line, why);
	while (result == INPUT_RECORD && !c->begun && is_head(c));
	c->begun |= result == INPUT_BAD;
	return result;
}

enum input_result csv_reader_next(struct csv_reader *c, struct record *r, struct reason *why)
{
	const struct csv_split *split = &c->rows.split;

	give_back(&c->scratch);
	give_back(&c->inner);
	give_back(&c->raw);
	why->status = 0;
	enum input_result result = next_row(c, &r->from.line, why);
	if (result == INPUT_RECORD)
		result = finish_row(c, r, why);
	else if (result == INPUT_BAD)
		set_origin(r, split->row, (size_t)(split->row_end - split->row));
	if (result != INPUT_RECORD)
		r->count = 0;
	return result;
}

/* -- counting -- */

/* Takes the rows that can be counted without being split. */
static void count_plain(struct csv_reader *c, uint64_t *count)
{
	struct source *s = c->rows.source;
	const char *from = s->data + s->start, *end = s->data + s->end;

	if (c->begun && csv_rows_countable(&c->rows))
		s->start = (size_t)(csv_count(from, end, c->dialect.delimiter, count) - s->data);
}

enum input_result csv_reader_count(struct csv_reader *c, size_t bytes, uint64_t *count)
{
	const struct source *s = c->rows.source;
	uint64_t begin = s->total, line;
	struct reason why;

	while (s->total - begin < bytes) {
		count_plain(c, count);
		enum input_result result = next_row(c, &line, &why);
		if (result != INPUT_RECORD && result != INPUT_BAD)
			return result;
		c->begun = true;
		++*count;
	}
	return INPUT_RECORD;
}
