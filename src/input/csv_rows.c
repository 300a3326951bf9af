/* CSV rows, one after another. */
#include "input/csv_rows.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include "base/reason.h"
#include "base/scan.h"
#include "base/text.h"
#include "base/utf8.h"
#include "input/csv_header.h"
#include "input/csv_slow.h"
#include "input/csv_text.h"
#include "input/reader.h"
#include "input/record.h"
#include "input/spool.h"

#define NAME_SHOWN ((size_t)60)
#define AHEAD 4096u /* bytes that are looked at at once, where nothing is held of them */
#define CSV_AHEAD_MOST ((uint64_t)1 << 30) /* of a spool */

void csv_rows_init(struct csv_rows *r, struct source *s, const struct csv_dialect *d,
    size_t longest)
{
	*r = (struct csv_rows){ .source = s,
		.dialect = d,
		.longest = longest,
		.lines_left = d->skip_lines,
		.most_ahead = CSV_AHEAD_MOST,
		.split.delimiter = d->delimiter };
	buf_init(&r->front, CSV_FRONT_KEPT);
	if (!csv_dialect_is_fast(d))
		r->slow = csv_slow_new(d);
}

void csv_rows_free(struct csv_rows *r)
{
	buf_free(&r->front);
	csv_slow_free(r->slow);
	spool_free(r->spool);
	*r = (struct csv_rows){ 0 };
}

/* -- saying what is wrong -- */

void csv_rows_name_cell(const struct csv_rows *r, size_t cell, char out[CSV_CELL_SHOWN])
{
	const struct csv_header *h = r->header;
	struct buf name = { .max = 4 * NAME_SHOWN };

	if (h && cell < h->columns)
		text_safe(&name, h->cells[cell].name, h->cells[cell].name_len, NAME_SHOWN);
	if (name.len > 0)
		snprintf(out, CSV_CELL_SHOWN, "cell %zu (%.*s)", cell + 1, (int)name.len,
		    name.data);
	else
		snprintf(out, CSV_CELL_SHOWN, "cell %zu", cell + 1);
	buf_free(&name);
}

/* Which option may be meant by a quote that stands where it must not. */
static const char *mending(const struct csv_rows *r, const struct csv_split *s)
{
	const struct csv_dialect *d = r->dialect;
	const char *quote = s->fault == CSV_QUOTE_INSIDE ? s->fault_at : s->fault_at - 1;

	if (s->fault == CSV_UNCLOSED || quote <= s->row)
		return "";
	if (quote[-1] == '\\' && !d->escape)
		return ", or say --escape='\\' where a backslash escapes them";
	if (d->delimiter == '\t')
		return ", or say --quote=none where quotes are text";
	return "";
}

void csv_rows_explain(const struct csv_rows *r, const struct csv_split *s, struct reason *why)
{
	char cell[CSV_CELL_SHOWN];

	csv_rows_name_cell(r, s->cells, cell);
	switch (s->fault) {
	case CSV_QUOTE_INSIDE:
		reason_set(why,
		    "%s has a quote inside: put the cell in quotes and double the quotes in it%s",
		    cell, mending(r, s));
		return;
	case CSV_AFTER_QUOTE:
		reason_set(why, "%s goes on behind its closing quote: double the quotes in it%s",
		    cell, mending(r, s));
		return;
	case CSV_UNCLOSED:
		reason_set(why, "%s opens a quote that is never closed", cell);
		return;
	}
}

static void set_raw(struct csv_rows *r, const char *raw, size_t n)
{
	r->split.row = raw;
	r->split.row_end = raw + n;
}

/* The quotes of a row that was taken for too long alone are never closed, or one of them stands
 * wrong: nobody knows what stood in between. */
static enum input_result give_up(struct csv_rows *r, struct reason *why)
{
	r->lost = true;
	reason_exit(why, EX_DATAERR,
	    "line %" PRIu64 ": a quote is opened and never closed, and more follows it than can be "
	    "kept (1 GiB, or what TMPDIR has room for): correct it, or give a regular FILE",
	    r->line);
	return INPUT_FAILED;
}

/* -- lines -- */

static uint64_t count_byte(const char *bytes, size_t n, char c)
{
	const char *end = bytes + n;
	uint64_t count = 0;

	while (bytes < end && (bytes = memchr(bytes, c, (size_t)(end - bytes)))) {
		count++;
		bytes++;
	}
	return count;
}

/* Passes over n bytes, whatever is in them. */
static void pass(struct csv_rows *r, size_t n)
{
	struct source *s = r->source;

	r->feeds += count_byte(s->data + s->start, n, '\n');
	r->returns += count_byte(s->data + s->start, n, '\r');
	s->start += n;
}

static const char *find_break(const char *from, const char *end)
{
	for (; from < end; from += SCAN_BYTES) {
		uint64_t breaks = scan_breaks(from) & scan_below((size_t)(end - from));
		if (breaks)
			return from + __builtin_ctzll(breaks);
	}
	return NULL;
}

/* Passes over line breaks. */
static void skip_breaks(struct csv_rows *r)
{
	struct source *s = r->source;
	const char *p = s->data + s->start, *end = s->data + s->end;

	for (; p < end && csv_is_break(*p); p++) {
		r->feeds += *p == '\n';
		r->returns += *p == '\r';
	}
	s->start = (size_t)(p - s->data);
}

/* In CSV_LINE_END: drops the rest of the line. */
static void skip_line(struct csv_rows *r)
{
	struct source *s = r->source;
	const char *found = find_break(s->data + s->start, s->data + s->end);

	s->start = found ? (size_t)(found - s->data) : s->end;
	if (found)
		r->mode = CSV_ROWS;
}

/* Keeps a piece of the lines in front: where all of them are too long, line feeds stand for them.
 */
static void keep_front(struct csv_rows *r, const char *piece, size_t n)
{
	buf_add(&r->front, piece, n);
	if (!r->front.over)
		return;
	buf_reset(&r->front);
	for (uint64_t i = r->dialect->skip_lines; i > 0 && r->front.len < CSV_FRONT_KEPT; i--)
		buf_byte(&r->front, '\n');
	r->front.max = r->front.len; /* and nothing more */
	r->front.over = true;
}

/* The lines in front that are no part of the CSV, as far as they are there. A line ends with LF, CR
 * LF or CR. True: all of them were passed. */
static bool skip_front(struct csv_rows *r)
{
	struct source *s = r->source;

	while (r->lines_left > 0 && s->start < s->end) {
		const char *from = s->data + s->start, *end = s->data + s->end;
		const char *found = find_break(from, end);
		if (found && *found == '\r' && found + 1 == end && !s->at_end)
			return false; /* an LF may follow */
		const char *next = !found ? end : found + 1 + (*found == '\r' && found[1] == '\n');
		if (next > end)
			next = end;
		keep_front(r, from, (size_t)(next - from));
		pass(r, (size_t)(next - from));
		r->lines_left -= found != NULL;
	}
	return r->lines_left == 0;
}

/* The line behind so many line feeds, or where there is none of these, carriage returns. */
static inline uint64_t line_behind(uint64_t feeds, uint64_t returns)
{
	return (feeds ? feeds : returns) + 1;
}

uint64_t csv_rows_line(const struct csv_rows *r)
{
	return line_behind(r->feeds, r->returns);
}

/* -- rows that are too long -- */

/* From what was seen of a row on, over all that follows in the file: how it ends. CSV_GOES_ON: it
 * never does. */
static enum csv_step look_ahead(struct csv_rows *r)
{
	const struct source *s = r->source;
	enum csv_step step = CSV_GOES_ON;
	uint64_t at = s->total;
	char piece[AHEAD];
	size_t n;

	while (step == CSV_GOES_ON && (n = s->peek(s->arg, at, piece, sizeof piece)) > 0) {
		r->ahead.seen = 0;
		step = csv_walk(&r->ahead, piece, n, r->dialect);
		at += n;
	}
	return step;
}

/* Shows the beginning of a row that is too long, of which so many bytes are dropped now. */
static enum input_result too_long(struct csv_rows *r, size_t seen, int mode, struct reason *why)
{
	struct source *s = r->source;

	set_raw(r, s->data + s->start, utf8_cut(s->data + s->start, seen, RAW_SHOWN));
	pass(r, seen);
	r->mode = mode;
	input_too_long(r->longest, why);
	return INPUT_BAD;
}

/* In CSV_ROW_END: drops the rest of the row. False: it is malformed, and too much of it is gone. */
static bool skip_row(struct csv_rows *r)
{
	struct source *s = r->source;
	size_t held = s->end - s->start;

	r->walk.seen = 0;
	enum csv_step step = csv_walk(&r->walk, s->data + s->start, held, r->dialect);
	pass(r, r->walk.seen);
	if (step == CSV_GOES_ON)
		return r->certain || !s->at_end || !csv_walk_in_quotes(&r->walk);
	r->mode = step == CSV_ENDS ? CSV_ROWS : CSV_LINE_END;
	return r->certain || step == CSV_ENDS || r->feeds + r->returns == r->breaks;
}

/*
 * In CSV_BAD_LINE: the row is malformed, and its first line is what it costs. INPUT_BAD when that
 * line's end is there; else INPUT_AGAIN: it has to be read first.
 */
static enum input_result bad_line(struct csv_rows *r, struct reason *why)
{
	struct source *s = r->source;
	const char *line = s->data + s->start, *end = s->data + s->end;
	const char *found = find_break(line + r->line_seen, end);
	size_t n = (size_t)((found ? found : end) - line);

	if (!found && n <= r->longest && !s->at_end) {
		r->line_seen = n;
		return INPUT_AGAIN;
	}
	if (n > r->longest)
		return too_long(r, r->longest + 1, CSV_LINE_END, why);
	r->mode = CSV_ROWS;
	*why = r->wrong;
	set_raw(r, line, n);
	s->start += n;
	return INPUT_BAD;
}

static enum input_result malformed(struct csv_rows *r, struct reason *why)
{
	csv_rows_explain(r, &r->split, &r->wrong);
	r->mode = CSV_BAD_LINE;
	r->line_seen = 0;
	return bad_line(r, why);
}

/* How the row at source->start ends, of which more than a record's bytes are there; `known`: all of
 * it could be looked at. */
static enum input_result judge(struct csv_rows *r, enum csv_step step, bool known,
    struct reason *why)
{
	size_t n = r->longest + 1;

	r->mode = CSV_ROWS;
	if (step == CSV_GOES_ON && known && !csv_walk_in_quotes(&r->ahead))
		step = CSV_ENDS; /* with the last line */
	if (step == CSV_ENDS || !known) {
		r->certain = known;
		return too_long(r, n, CSV_ROW_END, why);
	}
	if (!r->split.in_quotes)
		return too_long(r, n, CSV_LINE_END, why);
	r->split.fault = CSV_UNCLOSED;
	return malformed(r, why);
}

/* In CSV_LOOKING: over what the source brings, into the spool. INPUT_AGAIN: more has to come. */
static enum input_result look_on(struct csv_rows *r, struct reason *why)
{
	char piece[AHEAD];
	size_t n;

	for (;;) {
		switch (spool_look(r->spool, piece, sizeof piece, &n)) {
		case SOURCE_AGAIN:
			return INPUT_AGAIN;
		case SOURCE_END:
			return judge(r, CSV_GOES_ON, true, why);
		case SOURCE_FAILED:
			return judge(r, CSV_GOES_ON, false, why);
		case SOURCE_MORE:
			break;
		}
		r->ahead.seen = 0;
		enum csv_step step = csv_walk(&r->ahead, piece, n, r->dialect);
		if (step != CSV_GOES_ON)
			return judge(r, step, true, why);
	}
}

static enum input_result begin_looking(struct csv_rows *r, struct reason *why)
{
	if (!r->spool)
		r->spool = spool_new(r->source, r->most_ahead);
	if (!r->spool)
		return judge(r, CSV_GOES_ON, false, why);
	spool_look_anew(r->spool);
	r->mode = CSV_LOOKING;
	return look_on(r, why);
}

/* More than a record's bytes are there, n of them, and the row does not end in them. */
static enum input_result overlong(struct csv_rows *r, const char *row, size_t n, struct reason *why)
{
	struct source *s = r->source;

	r->walk = (struct csv_walk){ 0 };
	if (csv_walk(&r->walk, row, n, r->dialect) != CSV_GOES_ON) {
		/* an escape behind a closing quote, which csv_slow takes for the next character */
		r->split.fault = CSV_AFTER_QUOTE;
		r->split.fault_at = row + r->walk.seen;
		return malformed(r, why);
	}
	r->ahead = r->walk;
	r->ahead.seen = 0;
	enum csv_step step = csv_walk(&r->ahead, row + n, (size_t)(s->data + s->end - row) - n,
	    r->dialect);
	if (step != CSV_GOES_ON || s->at_end)
		return judge(r, step, true, why);
	return s->peek ? judge(r, look_ahead(r), true, why) : begin_looking(r, why);
}

/* -- rows -- */

static enum csv_result split(struct csv_rows *r, struct csv_split *s, const char *from,
    const char *end, bool last)
{
	return r->slow ? csv_slow_split(r->slow, s, from, end, last) :
	                 csv_split(s, from, end, last);
}

enum csv_result csv_rows_split(struct csv_rows *r, struct csv_split *s, const char *row, size_t n)
{
	s->delimiter = r->dialect->delimiter;
	return split(r, s, row, row + n, true);
}

/* The row is complete: takes it. */
static enum input_result good_row(struct csv_rows *r, struct reason *why)
{
	size_t n = (size_t)(r->split.row_end - r->split.row);

	if (n > r->longest)
		return too_long(r, n, CSV_ROWS, why);
	if (r->slow) {
		pass(r, n);
	} else {
		r->source->start += n;
		r->feeds += r->split.feeds;
		r->returns += r->split.returns;
	}
	return INPUT_RECORD;
}

/* Looks at what is there. INPUT_AGAIN: more has to be read. */
static enum input_result look_at_row(struct csv_rows *r, struct reason *why)
{
	struct source *s = r->source;
	const char *row = s->data + s->start;
	size_t held = s->end - s->start, n = held > r->longest ? r->longest + 1 : held;
	bool last = s->at_end && n == held, enough = last || n > r->longest;

	if (r->waiting && !enough && csv_walk(&r->walk, row, n, r->dialect) == CSV_GOES_ON)
		return INPUT_AGAIN;
	enum csv_result result = split(r, &r->split, row, row + n, last);
	if (result == CSV_MORE && n <= r->longest) {
		if (!r->waiting)
			r->walk = (struct csv_walk){ 0 };
		r->waiting = true;
		return INPUT_AGAIN;
	}
	r->waiting = false;
	if (result == CSV_ROW)
		return good_row(r, why);
	return result == CSV_FAULT ? malformed(r, why) : overlong(r, row, n, why);
}

/* What is there is gone over, as the mode wants it. INPUT_RECORD, INPUT_BAD and INPUT_FAILED as
 * csv_rows_next, INPUT_AGAIN where there is nothing left to go over. */
static enum input_result look(struct csv_rows *r, uint64_t *line, struct reason *why)
{
	const struct source *s = r->source;
	char comment = r->dialect->comment;

	if (r->mode == CSV_LOOKING) {
		*line = r->line;
		return look_on(r, why);
	}
	if (r->lines_left > 0 && !skip_front(r))
		return INPUT_AGAIN;
	if (r->mode == CSV_ROW_END && !skip_row(r))
		return give_up(r, why);
	do {
		if (r->mode == CSV_LINE_END)
			skip_line(r);
		if (r->mode == CSV_ROWS && !r->waiting)
			skip_breaks(r);
		if (r->mode == CSV_ROWS && comment && s->start < s->end &&
		    s->data[s->start] == comment)
			r->mode = CSV_LINE_END;
	} while (r->mode == CSV_LINE_END && s->start < s->end);
	*line = csv_rows_line(r);
	if (r->mode == CSV_BAD_LINE)
		return bad_line(r, why);
	if (r->mode != CSV_ROWS || s->start == s->end)
		return INPUT_AGAIN;
	r->line = *line;
	r->breaks = r->feeds + r->returns;
	return look_at_row(r, why);
}

/* Most rows: one line break in front at most, and an end that is there already. False: nothing was
 * taken, and look() has to see to it. */
static bool take_steady(struct csv_rows *r, uint64_t *line)
{
	struct source *s = r->source;
	const char *row = s->data + s->start, *end = s->data + s->end;

	if (end - row < 3)
		return false;
	bool returned = *row == '\r';
	row += returned;
	bool fed = *row == '\n';
	row += fed;
	if (csv_is_break(*row) || (size_t)(end - row) > r->longest ||
	    csv_split(&r->split, row, end, s->at_end) != CSV_ROW)
		return false;
	uint64_t feeds = r->feeds + fed, returns = r->returns + returned;
	*line = line_behind(feeds, returns);
	r->feeds = feeds + r->split.feeds;
	r->returns = returns + r->split.returns;
	s->start = (size_t)(r->split.row_end - s->data);
	return true;
}

/* The next row, blank or not, whatever it takes. Apart from take_row, of which it would take
 * registers. */
__attribute__((noinline)) static enum input_result read_row(struct csv_rows *r, uint64_t *line,
    struct reason *why)
{
	struct source *s = r->source;

	for (;;) {
		enum input_result result = look(r, line, why);
		r->steady = result == INPUT_RECORD && !r->slow && !r->dialect->comment;
		if (result != INPUT_AGAIN || r->mode == CSV_LOOKING)
			return result;
		if (s->at_end && s->start == s->end)
			return INPUT_END;
		csv_split_forget(&r->split);
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

/* The same. */
static inline enum input_result take_row(struct csv_rows *r, uint64_t *line, struct reason *why)
{
	return r->steady && take_steady(r, line) ? INPUT_RECORD : read_row(r, line, why);
}

static bool all_empty(const struct csv_dialect *d, const struct field *cells, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!csv_is_empty(d, &cells[i]))
			return false;
	return true;
}

/* Whether no cell of the row says anything. The split has kept only as many as were wanted. */
static bool is_blank(struct csv_rows *r)
{
	const struct csv_dialect *d = r->dialect;
	const struct csv_split *s = &r->split;
	size_t kept = s->cells < s->width ? s->cells : s->width;

	if (!all_empty(d, s->fields, kept))
		return false;
	if (kept == s->cells)
		return true;
	if (s->cells > INPUT_FIELDS_MAX)
		return false; /* to look at so many takes more room than they are worth */
	struct csv_split whole = { .width = s->cells };
	whole.fields = xcalloc(s->cells, sizeof *whole.fields);
	bool blank = csv_rows_split(r, &whole, s->row, (size_t)(s->row_end - s->row)) == CSV_ROW &&
	    all_empty(d, whole.fields, whole.cells);
	free(whole.fields);
	return blank;
}

/* Whether it may be so: most rows begin with something. */
static inline bool may_be_blank(const struct csv_rows *r)
{
	const struct csv_split *s = &r->split;

	return r->slow || r->dialect->null_count > 0 ||
	    (s->blank && (s->width == 0 || s->fields[0].value_len == 0));
}

enum input_result csv_rows_next(struct csv_rows *r, uint64_t *line, struct reason *why)
{
	enum input_result result;

	do
		result = take_row(r, line, why);
	while (result == INPUT_RECORD && may_be_blank(r) && is_blank(r));
	return result;
}

bool csv_rows_countable(const struct csv_rows *r)
{
	const struct csv_dialect *d = r->dialect;

	return !r->slow && !d->comment && d->null_count == 0 && r->lines_left == 0 &&
	    r->mode == CSV_ROWS && !r->waiting && r->source->end - r->source->start <= r->longest;
}
