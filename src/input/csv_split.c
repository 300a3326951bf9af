/* Finds the ends of a row's cells with masks of 64 bytes, and judges its quotes. */
#include "input/csv_split.h"

#include "base/buf.h"
#include "input/record.h"
#include "base/scan.h"

/* Where the scan is: what struct csv_split keeps between rows, and more, so that it stays in
 * registers. */
struct cursor {
	const char *block, *end; /* the block that it is in; the end of all bytes */
	uint64_t specials;       /* of that block, the ones ahead */
	size_t at;               /* which of those that were looked at it is */
	/* the next cell's, and behind the last that is wanted */
	struct field *field, *fields_end;
	size_t beyond; /* cells that are not */
	bool blank;
	char delimiter;
};

/* Looks at the blocks from `block` on, as many as there are and as are kept. */
static void look(struct csv_split *s, const char *block, const char *end)
{
	size_t n = 0;

	s->blocks = block;
	s->looked_to = end;
	do {
		uint64_t high, inside = scan_below((size_t)(end - block));
		s->specials[n] = scan_row(block, s->delimiter, &high) & inside;
		s->highs[n++] = high & inside;
		block += SCAN_BYTES;
	} while (block < end && n < CSV_BLOCKS);
	s->looked = n;
}

static inline void note_highs(struct csv_split *s, const char *block, uint64_t highs)
{
	if (!highs)
		return;
	if (!s->first_high)
		s->first_high = block + __builtin_ctzll(highs);
	s->last_high = block + 63 - __builtin_clzll(highs);
}

static bool look_further(struct csv_split *s, struct cursor *c)
{
	do {
		if ((size_t)(c->end - c->block) <= SCAN_BYTES)
			return false;
		c->block += SCAN_BYTES;
		if (++c->at == s->looked) {
			look(s, c->block, c->end);
			c->at = 0;
		}
		note_highs(s, c->block, s->highs[c->at]);
		c->specials = s->specials[c->at];
	} while (c->specials == 0);
	return true;
}

/* To the next block with a special in it; false where the bytes end first. */
static inline bool go_on(struct csv_split *s, struct cursor *c)
{
	return c->specials || look_further(s, c);
}

/* The next special of a block that has one. */
static inline const char *take_special(struct cursor *c)
{
	const char *at = c->block + (unsigned)__builtin_ctzll(c->specials);

	c->specials &= c->specials - 1;
	return at;
}

static inline void begin(struct csv_split *s, struct cursor *c, const char *from, const char *end)
{
	uintptr_t ahead = (uintptr_t)from - (uintptr_t)s->blocks;

	if (!s->blocks || s->looked_to != end || ahead >= s->looked * SCAN_BYTES) {
		look(s, from, end);
		ahead = 0;
	}
	size_t block = ahead / SCAN_BYTES;
	uint64_t in_front = scan_below(ahead % SCAN_BYTES);
	*c = (struct cursor){
		.block = s->blocks + block * SCAN_BYTES,
		.end = end,
		.specials = s->specials[block] & ~in_front,
		.at = block,
		.field = s->fields,
		.fields_end = s->width ? s->fields + s->width : s->fields,
		.delimiter = s->delimiter,
	};
	s->first_high = s->last_high = NULL;
	note_highs(s, c->block, s->highs[block] & ~in_front);
}

static inline void put(struct cursor *c, const char *text, const char *end)
{
	c->blank |= text == end;
	if (c->field == c->fields_end) {
		c->beyond++;
		return;
	}
	c->field->value = text;
	c->field->value_len = (size_t)(end - text);
	c->field++;
}

static enum csv_result fault(struct csv_split *s, enum csv_fault what, const char *at)
{
	s->fault = what;
	s->fault_at = at;
	return CSV_FAULT;
}

static inline bool is_odd(char c)
{
	return (unsigned char)c < ' ' || c == '\\';
}

static inline void mark_doubled(struct csv_split *s, const struct cursor *c)
{
	if (!s->doubled)
		s->doubled = c->field;
	s->last_doubled = c->field;
}

/*
 * The rest of a cell whose opening quote is in front of `text`. CSV_ROW with the special that ends
 * the cell in *stop (the end of all bytes where that ends it).
 */
static enum csv_result quoted(struct csv_split *s, struct cursor *c, const char *text, bool last,
    const char **stop)
{
	while (go_on(s, c)) {
		const char *at = take_special(c);
		if (*at != '"') {
			s->odd |= is_odd(*at);
			s->feeds += *at == '\n';
			s->returns += *at == '\r';
			continue;
		}
		if (at + 1 == c->end) {
			put(c, text, at);
			*stop = c->end;
			return last ? CSV_ROW : CSV_MORE;
		}
		if (at[1] != '"' && at[1] != c->delimiter && !csv_is_break(at[1]))
			return fault(s, CSV_AFTER_QUOTE, at + 1);
		go_on(s, c); /* to that very byte */
		*stop = take_special(c);
		if (at[1] != '"') {
			put(c, text, at);
			return CSV_ROW;
		}
		mark_doubled(s, c);
	}
	s->in_quotes = true;
	return last ? fault(s, CSV_UNCLOSED, text - 1) : CSV_MORE;
}

/* Takes the cells from `cell` on that end with a separator in this block, without quotes: most do.
 * Returns what follows. */
static inline const char *take_plain(struct cursor *c, const char *cell)
{
	const char *block = c->block;
	char delimiter = c->delimiter;
	struct field *field = c->field, *end = c->fields_end;
	uint64_t specials = c->specials;
	bool blank = c->blank;

	for (; specials; specials &= specials - 1) {
		const char *at = block + (unsigned)__builtin_ctzll(specials);
		if (*at != delimiter)
			break;
		blank |= at == cell;
		if (field < end) {
			field->value = cell;
			field->value_len = (size_t)(at - cell);
			field++;
		} else {
			c->beyond++;
		}
		cell = at + 1;
	}
	c->specials = specials;
	c->field = field;
	c->blank = blank;
	return cell;
}

static enum csv_result scan_cells(struct csv_split *s, struct cursor *c, const char *cell,
    bool last)
{
	while (go_on(s, c)) {
		cell = take_plain(c, cell);
		if (c->specials == 0)
			continue;
		const char *at = take_special(c);
		if (*at == '"') {
			if (at != cell)
				return fault(s, CSV_QUOTE_INSIDE, at);
			enum csv_result result = quoted(s, c, cell + 1, last, &at);
			if (result != CSV_ROW)
				return result;
			if (at < c->end && *at == c->delimiter) {
				cell = at + 1;
				continue;
			}
		} else if (csv_is_break(*at)) {
			put(c, cell, at);
		} else {
			s->odd = true;
			continue;
		}
		s->row_end = at;
		return CSV_ROW;
	}
	if (!last)
		return CSV_MORE;
	put(c, cell, c->end);
	s->row_end = c->end;
	return CSV_ROW;
}

enum csv_result csv_split(struct csv_split *s, const char *from, const char *end, bool last)
{
	struct cursor c;

	begin(s, &c, from, end);
	s->row = from;
	s->feeds = s->returns = 0;
	s->doubled = s->last_doubled = NULL;
	s->in_quotes = s->odd = false;
	enum csv_result result = scan_cells(s, &c, from, last);
	s->cells = (size_t)(c.field - s->fields) + c.beyond;
	s->blank = c.blank;
	if (result != CSV_ROW)
		csv_split_forget(s); /* the reader goes back to the row's start */
	return result;
}

void csv_split_forget(struct csv_split *s)
{
	s->blocks = NULL;
}

/* A cell's text has a quote in front of it only where that opens it; else a separator is there, or
 * the row's start. */
bool csv_is_quoted(const char *row, const char *text, char quote)
{
	return quote && text > row && text[-1] == quote;
}

const char *csv_cell_start(const char *row, const struct field *cell, char quote)
{
	return cell->value - csv_is_quoted(row, cell->value, quote);
}

const char *csv_cell_end(const char *row, const struct field *cell, char quote)
{
	return cell->value + cell->value_len + csv_is_quoted(row, cell->value, quote);
}

/* The text of a cell, whose first quote is given, to `to`, with single quotes for doubled ones.
 * Returns what follows. */
static char *unescape(struct field *cell, const char *quote, char *to)
{
	const char *from = cell->value, *end = cell->value + cell->value_len;

	cell->value = to;
	while (quote) {
		scan_move(to, from, (size_t)(quote + 1 - from));
		to += quote + 1 - from;
		from = quote + 2;
		quote = memchr(from, '"', (size_t)(end - from));
	}
	scan_move(to, from, (size_t)(end - from));
	to += end - from;
	cell->value_len = (size_t)(to - cell->value);
	return to;
}

void csv_unescape(const struct csv_split *s, struct field *cells, size_t count, struct buf *scratch)
{
	size_t first = (size_t)(s->doubled - s->fields),
	       last = (size_t)(s->last_doubled - s->fields);

	buf_reset(scratch);
	/* once, so that it stays where it is */
	char *to = buf_room(scratch, (size_t)(s->row_end - s->row) + SCAN_BYTES);
	for (size_t i = first; i < count && i <= last; i++) {
		struct field *cell = &cells[i];
		const char *quote = csv_is_quoted(s->row, cell->value, '"') ?
		    memchr(cell->value, '"', cell->value_len) :
		    NULL;
		if (quote)
			to = unescape(cell, quote, to);
	}
	memset(to, 0, SCAN_BYTES);
	scratch->len = (size_t)(to - scratch->data);
}
