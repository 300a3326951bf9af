/* A bin is found by the time that it is for, and emptied when its place comes round again. */
#include "send/recent.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* The number of the bin that a time falls in; times may be negative. */
static int64_t bin_of(int64_t at, int64_t width)
{
	return at / width - (at % width < 0);
}

static size_t place(int64_t bin)
{
	return (size_t)((uint64_t)bin % RECENT_BINS);
}

void recent_init(struct recent *r, int64_t now)
{
	*r = (struct recent){ .narrow_last = bin_of(now, RECENT_NARROW),
		.wide_last = bin_of(now, RECENT_WIDE) };
}

/* Bins that were not reached yet begin empty. Whether there is one for `bin`. */
static bool reach_narrow(struct recent *r, int64_t bin)
{
	if (bin - r->narrow_last >= RECENT_BINS)
		memset(r->narrow, 0, sizeof r->narrow);
	else
		for (int64_t b = r->narrow_last + 1; b <= bin; b++)
			r->narrow[place(b)] = 0;
	if (bin > r->narrow_last)
		r->narrow_last = bin;
	return bin > r->narrow_last - RECENT_BINS;
}

static bool reach_wide(struct recent *r, int64_t bin)
{
	if (bin - r->wide_last >= RECENT_BINS)
		memset(r->wide, 0, sizeof r->wide);
	else
		for (int64_t b = r->wide_last + 1; b <= bin; b++)
			r->wide[place(b)] = 0;
	if (bin > r->wide_last)
		r->wide_last = bin;
	return bin > r->wide_last - RECENT_BINS;
}

void recent_add(struct recent *r, int64_t at, int add)
{
	int64_t narrow = bin_of(at, RECENT_NARROW), wide = bin_of(at, RECENT_WIDE);

	if (reach_narrow(r, narrow))
		r->narrow[place(narrow)] = (uint16_t)(r->narrow[place(narrow)] + add);
	if (reach_wide(r, wide))
		r->wide[place(wide)] = (uint32_t)((int64_t)r->wide[place(wide)] + add);
}

/* How much of a bin lies in (from, to], as a share of it. */
static double share(int64_t bin, int64_t width, int64_t from, int64_t to)
{
	int64_t begin = bin * width, end = begin + width;

	if (from > begin)
		begin = from;
	if (to < end)
		end = to;
	return end <= begin ? 0 : (double)(end - begin) / (double)width;
}

double recent_count(const struct recent *r, int64_t to, int64_t span)
{
	int64_t from = to - span + 1; /* whole microseconds */
	double count = 0;

	to++;
	if (bin_of(from, RECENT_NARROW) > r->narrow_last - RECENT_BINS) {
		for (int64_t b = bin_of(from, RECENT_NARROW);
		     b <= r->narrow_last && b * RECENT_NARROW < to; b++)
			count += r->narrow[place(b)] * share(b, RECENT_NARROW, from, to);
		return count;
	}
	int64_t first = bin_of(from, RECENT_WIDE), oldest = r->wide_last - RECENT_BINS + 1;
	for (int64_t b = first > oldest ? first : oldest; b <= r->wide_last && b * RECENT_WIDE < to;
	     b++)
		count += r->wide[place(b)] * share(b, RECENT_WIDE, from, to);
	return count;
}
