/*
 * Rows of the dialects that csv_split does not take (another quote or none, escapes, white space
 * around cells): libcsv finds where cells and rows end, and what is malformed. It is told nothing
 * of escapes: what they take is hidden from it.
 */
#ifndef CSV_SLOW_H
#define CSV_SLOW_H

#include <stdbool.h>
#include <stddef.h>
#include "input/csv_split.h"

struct csv_dialect;
struct csv_slow;

/* The dialect must outlive it. */
struct csv_slow *csv_slow_new(const struct csv_dialect *d);
void csv_slow_free(struct csv_slow *f); /* NULL is fine */

/*
 * As csv_split, into *s, and by the same rules; s->doubled is not set, blank and odd always are,
 * and the highs are the row's ends. A cell's text is what stands inside its quotes, escapes and
 * all, and without them is what stands between white space that is trimmed.
 */
enum csv_result csv_slow_split(struct csv_slow *f, struct csv_split *s, const char *from,
    const char *end, bool last);

#endif
