/*
 * A byte is inside quotes where the number of quotes up to it is odd: for 64 bytes at a time that
 * is a few shifts (as in "Parsing Gigabytes of JSON per Second", Langdale and Lemire, 2019). It
 * holds as long as a quote opens only at a cell's start and closes only at its end; where one does
 * not, or where a row may be blank, counting ends in front of that row, and the reader itself says
 * what becomes of it.
 */
#include "input/csv_count.h"

#include <stdbool.h>
#include <stddef.h>
#include "base/scan.h"

/* What one block hands on to the next: bits for its byte 0. */
struct state {
	uint64_t inside;   /* all bits: it begins inside quotes */
	uint64_t may_open; /* a quote may open there */
	uint64_t closed;   /* a quote closed just before */
	uint64_t ended;    /* a line ended just before */
	bool filled;       /* the row has something but separators, quotes and line breaks in it */
};

static uint64_t parity_up_to(uint64_t bits)
{
	for (int shift = 1; shift < 64; shift *= 2)
		bits ^= bits << shift;
	return bits;
}

/* How many rows end, which is few in a block. A row that has nothing but separators in it, or only
 * quotes besides, is blank perhaps: then *doubtful is set. */
static inline uint64_t count_rows(struct state *s, uint64_t ends, uint64_t content, bool *doubtful)
{
	uint64_t count = 0, left = ~UINT64_C(0);

	for (; ends; ends &= ends - 1) {
		uint64_t row = (ends ^ (ends - 1)) & left;
		*doubtful |= !s->filled && !(content & row);
		s->filled = false;
		left &= ~row;
		count++;
	}
	s->filled |= (content & left) != 0;
	return count;
}

/* The row ends in a block, and in *rows how many rows that are; 0 and *stop where a quote stands in
 * a wrong place, or a row may be blank. */
static inline uint64_t row_ends(struct state *s, const char *p, uint64_t there, char delimiter,
    bool *stop, uint64_t *rows)
{
	uint64_t quotes = scan_byte(p, '"') & there, delimiters = scan_byte(p, delimiter) & there,
	         breaks = scan_breaks(p) & there;
	uint64_t inside = parity_up_to(quotes) ^ s->inside, opening = quotes & inside,
	         closing = quotes & ~inside;
	uint64_t ends = breaks & ~inside, may_open = (delimiters & ~inside) | ends | closing;

	*stop = (opening & ~(may_open << 1 | s->may_open)) ||
	    ((closing << 1 | s->closed) & there & ~(quotes | delimiters | breaks));
	*rows = count_rows(s, ends & ~(ends << 1 | s->ended),
	    there & ~(quotes | delimiters | breaks), stop);
	s->inside = inside >> 63 ? ~UINT64_C(0) : 0;
	s->may_open = may_open >> 63;
	s->closed = closing >> 63;
	s->ended = ends >> 63;
	return ends;
}

const char *csv_count(const char *from, const char *end, char delimiter, uint64_t *rows)
{
	struct state s = { .may_open = 1, .ended = 1 };
	const char *taken = from;

	for (const char *p = from; p < end; p += SCAN_BYTES) {
		bool stop;
		uint64_t more,
		    ends = row_ends(&s, p, scan_below((size_t)(end - p)), delimiter, &stop, &more);
		if (stop)
			break;
		*rows += more;
		if (ends)
			taken = p + 64 - __builtin_clzll(ends);
	}
	return taken;
}
