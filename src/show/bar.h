/* The bar: how far a run is, in one line of a terminal. Pure, but for the locale's idea of a
 * character's width. */
#ifndef BAR_H
#define BAR_H

#include <stdbool.h>
#include "base/buf.h"
#include "show/progress.h"

/*
 * One line of at most `width` cells, with no line break and no cursor movement; returns the cells
 * it takes. What there is no room for is left out, the least wanted first; from 40 on it looks
 * good. rate: records a second, smoothed; name: the input's, of which the last part is shown, or
 * NULL; colour: whether colours are wanted.
 */
unsigned bar_line(struct buf *out, const struct counters *c, const struct moment *m, double rate,
    const char *name, unsigned width, bool colour);

#endif
