/* Where a row ends, found without its cells. */
#include "input/csv_walk.h"

#include <string.h>
#include "input/csv_dialect.h"

/* What follows a closing quote. False: nothing that may. */
static bool after_quote(struct csv_walk *w, char c, const struct csv_dialect *d)
{
	if (c == d->delimiter)
		w->place = CSV_AT_START;
	else if (w->place == CSV_AT_QUOTE && c == d->quote)
		w->place = CSV_IN_QUOTES; /* it was doubled */
	else if (csv_is_space(d, c))
		w->place = CSV_PAST_QUOTE;
	else
		return false;
	return true;
}

/* Takes a character that is neither escaped nor a line break that ends the row. False: it stands
 * where it must not. */
static bool take(struct csv_walk *w, char c, const struct csv_dialect *d)
{
	bool quote = d->quote && c == d->quote;

	if (w->place == CSV_AT_QUOTE || w->place == CSV_PAST_QUOTE)
		return after_quote(w, c, d);
	w->escaped = d->escape && c == d->escape;
	if (w->place == CSV_IN_QUOTES) {
		w->place = quote ? CSV_AT_QUOTE : CSV_IN_QUOTES;
		return true;
	}
	if (quote && w->place == CSV_IN_CELL)
		return false;
	if (c == d->delimiter)
		w->place = CSV_AT_START;
	else if (quote)
		w->place = CSV_IN_QUOTES;
	else if (w->place != CSV_AT_START || !csv_is_space(d, c))
		w->place = CSV_IN_CELL;
	return true;
}

enum csv_step csv_walk(struct csv_walk *w, const char *row, size_t n, const struct csv_dialect *d)
{
	for (; w->seen < n; w->seen++) {
		char c = row[w->seen];
		if (w->escaped) {
			w->escaped = false;
			continue;
		}
		if (w->place != CSV_IN_QUOTES && csv_is_break(c))
			return CSV_ENDS;
		if (w->place == CSV_IN_QUOTES && !d->escape && c != d->quote) {
			const char *quote = memchr(row + w->seen, d->quote, n - w->seen);
			w->seen = (quote ? (size_t)(quote - row) : n) - 1;
			continue;
		}
		if (!take(w, c, d))
			return CSV_WRONG;
	}
	return CSV_GOES_ON;
}

bool csv_walk_in_quotes(const struct csv_walk *w)
{
	return w->place == CSV_IN_QUOTES;
}
