/* What the cells of a row say, in a dialect: escapes and doubled quotes taken out, white space
 * dropped, what stands for nothing emptied. */
#ifndef CSV_TEXT_H
#define CSV_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct csv_dialect;
struct csv_split;
struct field;

/* Whether the cell says nothing. Of cells that csv_texts has not looked at yet. */
bool csv_is_empty(const struct csv_dialect *d, const struct field *cell);

/*
 * Sets the `count` cells of the row in *s, which are as the split left them, to what they say.
 * Those that `dropped` tells (NULL: none) are cio-import's own: nothing in them is trimmed or
 * emptied. Texts that must be written anew go to `scratch`, which is emptied first, with SCAN_BYTES
 * behind the last.
 */
void csv_texts(const struct csv_dialect *d, const struct csv_split *s, struct field *cells,
    size_t count, const bool *dropped, struct buf *scratch);

#endif
