/*
 * CSV records. csv_split.c takes every well-formed row; a row that it refuses goes to libcsv, the
 * judge of what is wrong.
 *
 * A malformed row costs one physical line, and reading goes on at the next one. That is no more
 * than twice the work, however the file is made: a scan that starts outside quotes and gets past a
 * line has met an odd number of quotes in it, and no later than the next line with an odd number it
 * is outside again, where its row ends. So only rows that start at such a line are scanned over
 * others, each as far as the next such line.
 */
#include "input/reader.h"

#include <csv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include "base/buf.h"
#include "base/text.h"
#include "input/csv_count.h"
#include "base/log.h"
#include "input/record.h"
#include "base/scan.h"
#include "base/utf8.h"

#define NAME_SHOWN ((size_t)60)
/* how libcsv's own buffer grows: its 128 bytes are quadratic */
#define JUDGE_BLOCK (64u << 10)

void csv_reader_init(struct csv_reader *c, struct source *s, char delimiter, size_t longest,
    uint64_t layout)
{
	*c = (struct csv_reader){ .source = s,
		.longest = longest,
		.delimiter = delimiter,
		.line = 1,
		.layout.number = layout };
	c->split.delimiter = delimiter;
	buf_init(&c->scratch, BUF_UNBOUNDED);
	buf_init(&c->inner, BUF_UNBOUNDED);
	buf_init(&c->raw, BUF_UNBOUNDED);
	buf_init(&c->judged, BUF_UNBOUNDED);
}

void csv_reader_free(struct csv_reader *c)
{
	csv_header_free(c->header);
	buf_free(&c->scratch);
	buf_free(&c->inner);
	buf_free(&c->raw);
	buf_free(&c->judged);
	*c = (struct csv_reader){ 0 };
}

/* libcsv, the judge. */

struct judge {
	struct buf *text;
	struct field *cells;
	size_t width, count;
	bool done;
};

static void judge_cell(void *text, size_t n, void *arg)
{
	struct judge *j = arg;

	if (j->done)
		return;
	if (j->count < j->width)
		j->cells[j->count].value_len = n;
	buf_add(j->text, text, n);
	j->count++;
}

static void judge_row(int end, void *arg)
{
	struct judge *j = arg;

	(void)end;
	j->done = true;
}

static int judge_space(unsigned char c)
{
	(void)c;
	return 0; /* spaces belong to the cell */
}

/* Feeds line by line, so as to stop behind the first row. */
static enum csv_result judge_feed(struct csv_parser *parser, struct judge *j, const char *row,
    size_t n, bool last, size_t *length)
{
	size_t at = 0;

	while (at < n && !j->done) {
		size_t to = at;
		while (to < n && !csv_is_break(row[to]))
			to++;
		*length = to;
		to += to < n;
		if (csv_parse(parser, row + at, to - at, judge_cell, judge_row, j) != to - at)
			return CSV_FAULT;
		at = to;
	}
	if (j->done)
		return CSV_ROW;
	if (!last)
		return CSV_MORE;
	return csv_fini(parser, judge_cell, judge_row, j) == 0 && j->done ? CSV_ROW : CSV_FAULT;
}

enum csv_result csv_judge(const char *row, size_t n, bool last, char delimiter, struct buf *text,
    struct field *cells, size_t width, size_t *count, size_t *length)
{
	struct csv_parser parser;
	struct judge j = { .text = text, .cells = cells, .width = width };

	buf_reset(text);
	csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI);
	csv_set_delim(&parser, (unsigned char)delimiter);
	csv_set_space_func(&parser, judge_space);
	csv_set_blk_size(&parser, JUDGE_BLOCK);
	enum csv_result result = judge_feed(&parser, &j, row, n, last, length);
	csv_free(&parser);
	buf_room(text, SCAN_BYTES);
	memset(text->data + text->len, 0, SCAN_BYTES);
	for (size_t i = 0, at = 0; i < j.count && i < width; at += cells[i++].value_len)
		cells[i].value = text->data + at; /* now that it stays where it is */
	*count = j.count;
	return result;
}

/* Lines. */

static const char *find_break(const char *from, const char *end)
{
	for (; from < end; from += SCAN_BYTES) {
		uint64_t breaks = scan_breaks(from) & scan_below((size_t)(end - from));
		if (breaks)
			return from + __builtin_ctzll(breaks);
	}
	return NULL;
}

/* Passes over line breaks, counting CR LF as one. */
static void skip_breaks(struct csv_reader *c)
{
	struct source *s = c->source;
	const char *p = s->data + s->start, *end = s->data + s->end;

	for (; p < end && csv_is_break(*p); p++) {
		c->line += *p == '\r' || !c->after_cr;
		c->after_cr = *p == '\r';
	}
	if (p < end)
		c->after_cr = false;
	s->start = (size_t)(p - s->data);
}

/* In CSV_SKIPPING: drops the rest of the line. */
static void skip_line(struct csv_reader *c)
{
	struct source *s = c->source;
	const char *found = find_break(s->data + s->start, s->data + s->end);

	s->start = found ? (size_t)(found - s->data) : s->end;
	if (found)
		c->mode = CSV_ROWS;
}

/* Says which cell of the row is meant: "cell 3 (email)". */
static void name_cell(const struct csv_reader *c, size_t cell, char out[5 * NAME_SHOWN])
{
	struct buf name = { .max = 4 * NAME_SHOWN };

	if (c->header && cell < c->header->columns)
		text_safe(&name, c->header->cells[cell].name, c->header->cells[cell].name_len,
		    NAME_SHOWN);
	if (name.len > 0)
		snprintf(out, 5 * NAME_SHOWN, "cell %zu (%.*s)", cell + 1, (int)name.len,
		    name.data);
	else
		snprintf(out, 5 * NAME_SHOWN, "cell %zu", cell + 1);
	buf_free(&name);
}

static void explain_fault(const struct csv_reader *c, const struct csv_split *split,
    struct reason *why)
{
	char cell[5 * NAME_SHOWN];

	name_cell(c, split->cells, cell);
	switch (split->fault) {
	case CSV_QUOTE_INSIDE:
		reason_set(why,
		    "%s has a quote inside: put the cell in quotes and double the quotes in it",
		    cell);
		return;
	case CSV_AFTER_QUOTE:
		reason_set(why, "%s goes on behind its closing quote: double the quotes in it",
		    cell);
		return;
	case CSV_UNCLOSED:
		reason_set(why, "%s opens a quote that is never closed", cell);
		return;
	}
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

static void set_raw(struct csv_reader *c, const char *raw, size_t n)
{
	c->split.row = raw;
	c->split.row_end = raw + n;
}

/* The row is longer than a record may be: its line is passed over. `seen` bytes of it are. */
static enum input_result too_long(struct csv_reader *c, size_t seen, struct reason *why)
{
	struct source *s = c->source;

	set_raw(c, s->data + s->start, utf8_cut(s->data + s->start, seen, RAW_SHOWN));
	s->start += seen;
	c->mode = CSV_SKIPPING;
	input_too_long(c->longest, why);
	return INPUT_BAD;
}

/*
 * In CSV_BAD_LINE: the row is malformed, and its first line is what it costs. INPUT_BAD when that
 * line's end is there; else INPUT_AGAIN: it has to be read first.
 */
static enum input_result bad_line(struct csv_reader *c, struct reason *why)
{
	struct source *s = c->source;
	const char *line = s->data + s->start, *end = s->data + s->end;
	const char *found = find_break(line + c->line_seen, end);
	size_t n = (size_t)((found ? found : end) - line);

	if (!found && n <= c->longest && !s->at_end) {
		c->line_seen = n;
		return INPUT_AGAIN;
	}
	if (n > c->longest)
		return too_long(c, c->longest + 1, why);
	c->mode = CSV_ROWS;
	explain_fault(c, &c->split, why);
	set_raw(c, line, n);
	s->start += n;
	return INPUT_BAD;
}

/* The row is complete: takes it. */
static enum input_result good_row(struct csv_reader *c, struct reason *why)
{
	size_t n = (size_t)(c->split.row_end - c->split.row);

	if (n > c->longest)
		return too_long(c, n, why);
	c->source->start += n;
	c->line += c->split.breaks;
	return INPUT_RECORD;
}

/* A row that csv_split refuses: its cells as libcsv sees them where that takes it, which it never
 * did. */
static enum input_result ask_judge(struct csv_reader *c, size_t n, bool last, struct reason *why)
{
	struct csv_split *split = &c->split;
	size_t count = 0, length = 0;

	c->mode = CSV_BAD_LINE;
	c->line_seen = 0;
	if (split->fault == CSV_UNCLOSED ||
	    csv_judge(split->row, n, last, c->delimiter, &c->judged, split->fields, split->width,
	        &count, &length) != CSV_ROW)
		return bad_line(c, why);
	c->mode = CSV_ROWS;
	c->by_judge = true;
	split->cells = count;
	split->doubled = NULL;
	split->row_end = split->row + length;
	for (size_t i = 0; i < length; i++)
		split->breaks += split->row[i] == '\n';
	return good_row(c, why);
}

/* Whether csv_split should look at the n bytes of a row that had no end before. */
static bool worth_splitting(struct csv_reader *c, const char *row, size_t n, bool enough)
{
	if (!c->waiting)
		return true;
	return enough || csv_may_end(&c->progress, row, n, c->delimiter);
}

/* Looks at what is there. INPUT_AGAIN: more has to be read. */
static enum input_result look_at_row(struct csv_reader *c, struct reason *why)
{
	struct source *s = c->source;
	const char *row = s->data + s->start;
	size_t held = s->end - s->start, n = held > c->longest ? c->longest + 1 : held;
	bool last = s->at_end && n == held;

	if (!worth_splitting(c, row, n, last || n > c->longest))
		return INPUT_AGAIN;
	enum csv_result result = csv_split(&c->split, row, row + n, last);
	c->by_judge = false;
	if (result == CSV_MORE && n <= c->longest) {
		if (!c->waiting)
			c->progress = (struct csv_progress){ 0, CSV_AT_START };
		c->waiting = true;
		return INPUT_AGAIN;
	}
	c->waiting = false;
	if (result == CSV_ROW)
		return good_row(c, why);
	if (result == CSV_FAULT)
		return ask_judge(c, n, last, why);
	if (!c->split.in_quotes) {
		c->line += c->split.breaks;
		return too_long(c, n, why);
	}
	c->split.fault = CSV_UNCLOSED;
	c->mode = CSV_BAD_LINE;
	c->line_seen = 0;
	return bad_line(c, why);
}

/*
 * The next row: INPUT_RECORD with its cells in c->split, INPUT_BAD with its bytes as the split's
 * row and *why, INPUT_END, INPUT_AGAIN, INPUT_FAILED with errno. *line is where it begins.
 */
static enum input_result take_row(struct csv_reader *c, uint64_t *line, struct reason *why)
{
	struct source *s = c->source;

	for (;;) {
		enum input_result result = INPUT_AGAIN;
		if (c->mode == CSV_SKIPPING)
			skip_line(c);
		if (c->mode == CSV_ROWS && !c->waiting)
			skip_breaks(c);
		*line = c->line;
		if (c->mode == CSV_BAD_LINE)
			result = bad_line(c, why);
		else if (s->start < s->end)
			result = look_at_row(c, why);
		else if (s->at_end)
			return INPUT_END;
		if (result != INPUT_AGAIN)
			return result;
		csv_split_forget(&c->split);
		switch (source_fill(s)) {
		case SOURCE_MORE:
		case SOURCE_END:
			break;
		case SOURCE_AGAIN:
			return INPUT_AGAIN;
		case SOURCE_FAILED:
			return INPUT_FAILED;
		}
	}
}

/* The header. */

/* The whole input is refused, for what *why says. */
static enum input_result refuse(const char *place, struct reason *why, int *status)
{
	struct reason inner = *why;

	*status = EX_DATAERR;
	reason_set(why, "%s%s", place, inner.text);
	return INPUT_FAILED;
}

/* The header out of the row that was taken, whose bytes are still in the source's buffer. */
static int make_header(struct csv_reader *c, struct reason *why)
{
	struct csv_split row = { .delimiter = c->delimiter, .width = c->split.cells };
	const char *end = c->split.row_end;

	row.fields = xcalloc(row.width, 2 * sizeof *row.fields);
	struct field *names = row.fields + row.width;
	csv_split(&row, c->split.row, end, true);
	memcpy(names, row.fields, row.width * sizeof *names);
	if (row.doubled)
		csv_unescape(&row, names, row.width, &c->scratch);
	c->header = csv_header_new(names, row.width, c->delimiter, false, why);
	if (c->header)
		csv_header_keep_raw(c->header, row.row, row.fields);
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
	c->header = csv_header_new(names, count, c->delimiter, true, why);
	free(names);
	if (c->header)
		csv_header_keep_raw(c->header, NULL, NULL);
	return c->header ? 0 : -1;
}

/* A hint for files that are something else altogether. */
static const char *kind_of(const char *raw, size_t n)
{
	const unsigned char *s = (const unsigned char *)raw;

	if (n >= 2 && s[0] == 0x1f && s[1] == 0x8b)
		return "this is gzip data: unpack it into a pipe (zcat FILE | cio-import)";
	if (n >= 2 && ((s[0] == 0xff && s[1] == 0xfe) || (s[0] == 0xfe && s[1] == 0xff)))
		return "this is UTF-16 text: convert it (iconv -f UTF-16 -t UTF-8 FILE | "
		       "cio-import)";
	return NULL;
}

static enum input_result header_row(struct csv_reader *c, struct reason *why, int *status)
{
	uint64_t line;

	switch (take_row(c, &line, why)) {
	case INPUT_RECORD:
		break;
	case INPUT_BAD:
		return refuse("header: ", why, status);
	case INPUT_END:
		reason_set(why, "it is empty: a CSV needs a header row, or --columns");
		return refuse("", why, status);
	case INPUT_AGAIN:
		return INPUT_AGAIN;
	case INPUT_FAILED:
		*status = EX_NOINPUT;
		return INPUT_FAILED;
	}
	const char *kind = kind_of(c->split.row, (size_t)(c->split.row_end - c->split.row));
	if (kind) {
		reason_set(why, "%s", kind);
		return refuse("", why, status);
	}
	return make_header(c, why) ? refuse("header: ", why, status) : INPUT_RECORD;
}

/* Rows go into the header's columns; records are the layout's fields, which are those columns
 * themselves where none is dropped. */
static void use_header(struct csv_reader *c)
{
	struct csv_header *h = c->header;

	c->split.fields = h->cells;
	c->split.width = h->columns;
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

/* Records. */

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
	char cell[5 * NAME_SHOWN];

	for (size_t i = 0; i < split->cells; i++) {
		const struct field *f = &split->fields[i];
		size_t good = utf8_prefix(f->value, f->value_len);
		if (good == f->value_len)
			continue;
		name_cell(c, i, cell);
		return reason_set(why,
		    "%s is not UTF-8 (its byte %zu is 0x%02x): convert the file "
		    "(iconv -f ... -t UTF-8)",
		    cell, good + 1, (unsigned char)f->value[good]);
	}
	return -1;
}

static void set_origin(struct record *r, const char *raw, size_t n)
{
	r->from.raw = raw;
	r->from.raw_len = n;
}

/* The row's own bytes without its _cio_ cells: the part in front of them, where they are the
 * last. */
static void cut_raw(struct csv_reader *c, struct record *r)
{
	const struct csv_header *h = c->header;
	const char *row = c->split.row;

	if (c->by_judge)
		return; /* its cells are not where the row is */
	if (h->trailing) {
		set_origin(r, row,
		    (size_t)(csv_cell_end(row, &h->cells[h->shown.count - 1]) - row));
		return;
	}
	buf_reset(&c->raw);
	for (size_t i = 0, shown = 0; i < h->columns; i++) {
		const char *start = csv_cell_start(row, &h->cells[i]);
		if (h->dropped[i])
			continue;
		if (shown++ > 0)
			buf_byte(&c->raw, c->delimiter);
		buf_add(&c->raw, start, (size_t)(csv_cell_end(row, &h->cells[i]) - start));
	}
	set_origin(r, c->raw.data ? c->raw.data : "", c->raw.len);
}

static void note_texts(struct record *r, const struct csv_split *split)
{
	r->blank = split->blank;
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
	struct csv_split split = { .delimiter = c->delimiter,
		.fields = h->kept,
		.width = h->shown.count };
	const char *text = raw->value, *end = text + raw->value_len;

	while (end > text && csv_is_break(end[-1]))
		end--;
	set_origin(r, text, (size_t)(end - text));
	if (end == text || csv_is_break(*text))
		return reason_set(why,
		    RESERVED_RAW " begins with a line break: it must hold one row");
	if (csv_split(&split, text, end, true) != CSV_ROW) {
		explain_fault(c, &split, why);
		return -1;
	}
	if (split.row_end != end)
		return reason_set(why, RESERVED_RAW " holds more than one row");
	if (split.cells != split.width)
		return refuse_width(h, split.cells, split.width, why);
	if (!is_utf8(&split))
		return refuse_encoding(c, &split, why);
	if (split.doubled)
		csv_unescape(&split, h->kept, split.width, &c->inner);
	note_texts(r, &split);
	return 0;
}

/* Then all else in the row is of no account, its encoding neither: it is not read. */
static bool has_inner(const struct csv_header *h)
{
	return h->raw_column < h->columns && h->cells[h->raw_column].value_len > 0;
}

/* A row with _cio_ columns. */
static int drop_reserved(struct csv_reader *c, struct record *r, struct reason *why)
{
	struct csv_header *h = c->header;
	size_t shown = 0;

	cut_raw(c, r);
	if (c->split.doubled)
		csv_unescape(&c->split, h->cells, h->columns, &c->scratch);
	if (has_inner(h))
		return read_inner(c, &h->cells[h->raw_column], r, why);
	for (size_t i = 0; i < h->columns; i++) {
		if (h->dropped[i])
			continue;
		h->kept[shown].value = h->cells[i].value;
		h->kept[shown++].value_len = h->cells[i].value_len;
	}
	return 0;
}

static enum input_result finish_row(struct csv_reader *c, struct record *r, struct reason *why)
{
	struct csv_header *h = c->header;
	struct csv_split *split = &c->split;
	size_t n = (size_t)(split->row_end - split->row);

	set_origin(r, split->row, n);
	if (split->cells != h->columns) {
		refuse_width(h, split->cells, h->columns, why);
		return INPUT_BAD;
	}
	if (!is_utf8(split) && !has_inner(h)) {
		refuse_encoding(c, split, why);
		return INPUT_BAD;
	}
	r->layout = &c->layout;
	r->fields = c->layout.fields;
	r->count = c->layout.count;
	r->blank = split->blank || c->by_judge;
	r->plain = !split->odd && !split->doubled && !c->by_judge;
	if (h->columns != h->shown.count)
		return drop_reserved(c, r, why) ? INPUT_BAD : INPUT_RECORD;
	if (split->doubled)
		csv_unescape(split, h->cells, h->columns, &c->scratch);
	return INPUT_RECORD;
}

/* The first row where --columns was given: the head of a rejects file? Then it is no record. */
static bool is_head(struct csv_reader *c)
{
	struct csv_split row = { .delimiter = c->delimiter, .width = c->split.cells };
	const char *first = c->split.row;

	c->begun = true;
	if (!c->header->given || c->split.cells <= c->header->columns)
		return false;
	row.fields = xcalloc(row.width, sizeof *row.fields);
	csv_split(&row, first, c->split.row_end, true);
	if (row.doubled)
		csv_unescape(&row, row.fields, row.width, &c->scratch);
	bool head = csv_header_widen(c->header, row.fields, row.width);
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

enum input_result csv_reader_next(struct csv_reader *c, struct record *r, struct reason *why)
{
	enum input_result result;

	give_back(&c->scratch);
	give_back(&c->inner);
	give_back(&c->raw);
	give_back(&c->judged);
	do
		result = take_row(c, &r->from.line, why);
	while (result == INPUT_RECORD && !c->begun && is_head(c));
	if (result == INPUT_RECORD)
		result = finish_row(c, r, why);
	else if (result == INPUT_BAD)
		set_origin(r, c->split.row, (size_t)(c->split.row_end - c->split.row));
	if (result != INPUT_RECORD)
		r->count = 0;
	return result;
}

/* Counting. */

/* Takes the rows that can be counted without being split. */
static void count_plain(struct csv_reader *c, uint64_t *count)
{
	struct source *s = c->source;
	const char *from = s->data + s->start;
	size_t held = s->end - s->start;

	if (c->mode != CSV_ROWS || c->waiting || held > c->longest || !c->begun)
		return;
	const char *taken = csv_count(from, from + held, c->delimiter, count);
	if (taken > from)
		c->after_cr = taken[-1] == '\r';
	s->start = (size_t)(taken - s->data);
}

enum input_result csv_reader_count(struct csv_reader *c, size_t bytes, uint64_t *count)
{
	uint64_t begin = c->source->total, line;
	struct reason why;

	while (c->source->total - begin < bytes) {
		count_plain(c, count);
		enum input_result result = take_row(c, &line, &why);
		if (result != INPUT_RECORD && result != INPUT_BAD)
			return result;
		bool head = result == INPUT_RECORD && !c->begun && is_head(c);
		c->begun = true;
		*count += !head;
	}
	return INPUT_RECORD;
}
