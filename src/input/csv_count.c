/*
 * A byte is inside quotes where the number of quotes up to it is odd: for 64 bytes at a time that
 * is a few shifts (as in "Parsing Gigabytes of JSON per Second", Langdale and Lemire, 2019). It
 * holds as long as a quote opens only at a cell's start and closes only at its end; where one does
 * not, counting ends in front of that row, and the reader itself says what becomes of it.
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
};

static uint64_t parity_up_to(uint64_t bits)
{
	for (int shift = 1; shift < 64; shift *= 2)
		bits ^= bits << shift;
	return bits;
}

/* Few: that takes less than it takes without an instruction for it, which not every processor
 * has. */
static inline uint64_t count_ones(uint64_t bits)
{
	uint64_t count = 0;

	for (; bits; bits &= bits - 1)
		count++;
	return count;
}

/* The row ends in a block, and in *rows how many rows that are; 0 and *fault where a quote stands
 * in a wrong place. */
static inline uint64_t row_ends(struct state *s, const char *p, uint64_t there, char delimiter,
    bool *fault, uint64_t *rows)
{
	uint64_t quotes = scan_byte(p, '"') & there, delimiters = scan_byte(p, delimiter) & there,
	         breaks = scan_breaks(p) & there;
	uint64_t inside = parity_up_to(quotes) ^ s->inside, opening = quotes & inside,
	         closing = quotes & ~inside;
	uint64_t ends = breaks & ~inside, may_open = (delimiters & ~inside) | ends | closing;

	*fault = (opening & ~(may_open << 1 | s->may_open)) ||
	    ((closing << 1 | s->closed) & there & ~(quotes | delimiters | breaks));
	*rows = count_ones(ends & ~(ends << 1 | s->ended));
	*s = (struct state){
		.inside = inside >> 63 ? ~UINT64_C(0) : 0,
		.may_open = may_open >> 63,
		.closed = closing >> 63,
		.ended = ends >> 63,
	};
	return ends;
}

const char *csv_count(const char *from, const char *end, char delimiter, uint64_t *rows)
{
	struct state s = { .may_open = 1, .ended = 1 };
	const char *taken = from;

	for (const char *p = from; p < end; p += SCAN_BYTES) {
		bool fault;
		uint64_t more,
		    ends = row_ends(&s, p, scan_below((size_t)(end - p)), delimiter, &fault, &more);
		if (fault)
			break;
		*rows += more;
		if (ends)
			taken = p + 64 - __builtin_clzll(ends);
	}
	return taken;
}
