#include "csv_split.h"

#include "buf.h"
#include "record.h"
#include "scan.h"

/* Where the scan is. A copy of what struct csv_split keeps between rows, so that it stays in registers. */
struct cursor {
	const char *block, *end;
	uint64_t specials, highs;
	struct field *fields;
	size_t cells, width;
	char delimiter;
	bool high;
};

static inline void look(struct cursor *c, const char *block)
{
	uint64_t inside = scan_below((size_t)(c->end - block));

	c->block = block;
	c->specials = scan_row(block, c->delimiter, &c->highs) & inside;
	c->highs &= inside;
}

/* The next quote, separator or line break; NULL where the bytes end first. */
static inline const char *next_special(struct cursor *c)
{
	while (c->specials == 0) {
		if ((size_t)(c->end - c->block) <= SCAN_BYTES)
			return NULL;
		look(c, c->block + SCAN_BYTES);
		c->high |= c->highs != 0;
	}
	const char *at = c->block + __builtin_ctzll(c->specials);
	c->specials &= c->specials - 1;
	return at;
}

static inline void begin(const struct csv_split *s, struct cursor *c, const char *from, const char *end)
{
	uintptr_t ahead = (uintptr_t)from - (uintptr_t)s->block;

	c->end = end;
	c->delimiter = s->delimiter;
	c->fields = s->fields;
	c->cells = 0;
	c->width = s->width;
	if (s->block && s->looked_to == end && ahead < SCAN_BYTES) {
		c->block = s->block;
		c->specials = s->specials & ~scan_below(ahead);
		c->highs = s->highs;
	} else {
		look(c, from);
		ahead = 0;
	}
	c->high = (c->highs & ~scan_below(ahead)) != 0;
}

static inline void put(struct cursor *c, const char *text, const char *end)
{
	if (c->cells < c->width) {
		c->fields[c->cells].value = text;
		c->fields[c->cells].value_len = (size_t)(end - text);
	}
	c->cells++;
}

static enum csv_result fault(struct csv_split *s, enum csv_fault what, const char *at)
{
	s->fault = what;
	s->fault_at = at;
	return CSV_FAULT;
}

/*
 * The rest of a cell whose opening quote is in front of `text`. CSV_ROW with the special that ends the cell in *stop (the
 * end of all bytes where that ends it).
 */
static inline enum csv_result quoted(struct csv_split *s, struct cursor *c, const char *text, bool last, const char **stop)
{
	for (;;) {
		const char *at = next_special(c);
		while (at && *at != '"') {
			s->breaks += *at == '\r' || (*at == '\n' && at[-1] != '\r');
			at = next_special(c);
		}
		if (!at) {
			s->in_quotes = true;
			return last ? fault(s, CSV_UNCLOSED, text - 1) : CSV_MORE;
		}
		if (at + 1 == c->end) {
			put(c, text, at);
			*stop = c->end;
			return last ? CSV_ROW : CSV_MORE;
		}
		if (at[1] != '"' && at[1] != c->delimiter && !csv_is_break(at[1]))
			return fault(s, CSV_AFTER_QUOTE, at + 1);
		next_special(c);	/* takes that very byte */
		*stop = at + 1;
		if (at[1] != '"') {
			put(c, text, at);
			return CSV_ROW;
		}
		s->doubled |= UINT64_C(1) << (c->cells < CSV_CELLS_MARKED ? c->cells : CSV_CELLS_MARKED);
	}
}

static inline enum csv_result scan_cells(struct csv_split *s, struct cursor *c, const char *cell, bool last)
{
	for (;;) {
		const char *at = next_special(c);
		if (at && *at == '"') {
			if (at != cell)
				return fault(s, CSV_QUOTE_INSIDE, at);
			enum csv_result result = quoted(s, c, cell + 1, last, &at);
			if (result != CSV_ROW)
				return result;
		} else if (at) {
			put(c, cell, at);
		} else if (last) {
			at = c->end;
			put(c, cell, at);
		} else {
			return CSV_MORE;
		}
		if (at == c->end || *at != c->delimiter) {
			s->row_end = at;
			return CSV_ROW;
		}
		cell = at + 1;
	}
}

enum csv_result csv_split(struct csv_split *s, const char *from, const char *end, bool last)
{
	struct cursor c;

	begin(s, &c, from, end);
	s->row = from;
	s->breaks = 0;
	s->doubled = 0;
	s->in_quotes = false;
	enum csv_result result = scan_cells(s, &c, from, last);
	s->cells = c.cells;
	s->high = c.high;
	s->block = c.block;
	s->specials = c.specials;
	s->highs = c.highs;
	s->looked_to = end;
	if (result != CSV_ROW)
		csv_split_forget(s);	/* the reader goes back to the row's start */
	return result;
}

void csv_split_forget(struct csv_split *s)
{
	s->block = NULL;
}

/* A cell's text has a quote in front of it only where that opens it; else a separator is there, or the row's start. */
bool csv_is_quoted(const char *row, const char *text)
{
	return text > row && text[-1] == '"';
}

const char *csv_cell_start(const char *row, const struct field *cell)
{
	return cell->value - csv_is_quoted(row, cell->value);
}

const char *csv_cell_end(const char *row, const struct field *cell)
{
	return cell->value + cell->value_len + csv_is_quoted(row, cell->value);
}

static void unescape(struct field *cell, const char *quote, struct buf *scratch)
{
	const char *from = cell->value, *end = cell->value + cell->value_len;
	size_t at = scratch->len;

	while (quote) {
		buf_add(scratch, from, (size_t)(quote + 1 - from));
		from = quote + 2;
		quote = memchr(from, '"', (size_t)(end - from));
	}
	buf_add(scratch, from, (size_t)(end - from));
	cell->value = scratch->data + at;
	cell->value_len = scratch->len - at;
}

static void unescape_quoted(const char *row, struct field *cell, struct buf *scratch)
{
	const char *text = cell->value, *quote = csv_is_quoted(row, text) ? memchr(text, '"', cell->value_len) : NULL;

	if (quote)
		unescape(cell, quote, scratch);
}

void csv_unescape(const struct csv_split *s, struct field *cells, size_t count, struct buf *scratch)
{
	buf_reset(scratch);
	buf_room(scratch, (size_t)(s->row_end - s->row) + SCAN_BYTES);	/* once, so that it stays where it is */
	for (uint64_t left = s->doubled; left; left &= left - 1) {
		size_t i = (size_t)__builtin_ctzll(left), end = i < CSV_CELLS_MARKED ? i + 1 : count;
		for (; i < end; i++)
			unescape_quoted(s->row, &cells[i], scratch);
	}
	memset(scratch->data + scratch->len, 0, SCAN_BYTES);
}

static enum csv_place place_after(enum csv_place place, char c, char delimiter)
{
	if (place == CSV_IN_QUOTES)
		return c == '"' ? CSV_AT_QUOTE : CSV_IN_QUOTES;
	if (c == delimiter)
		return CSV_AT_START;
	return c == '"' ? CSV_IN_QUOTES : CSV_IN_CELL;	/* after a quote: it was doubled */
}

bool csv_may_end(struct csv_progress *p, const char *row, size_t n, char delimiter)
{
	for (; p->seen < n; p->seen++) {
		char c = row[p->seen];
		if (p->place != CSV_IN_QUOTES && csv_is_break(c))
			return true;
		if (p->place == CSV_IN_CELL && c == '"')
			return true;
		if (p->place == CSV_AT_QUOTE && c != '"' && c != delimiter)
			return true;
		if (p->place == CSV_IN_QUOTES && c != '"') {
			const char *quote = memchr(row + p->seen, '"', n - p->seen);
			p->seen = (quote ? (size_t)(quote - row) : n) - 1;
			continue;
		}
		p->place = place_after(p->place, c, delimiter);
	}
	return false;
}
