/* A life that fails, cut down to the smallest that still does. */
#ifndef SIM_SHRINK_H
#define SIM_SHRINK_H

#include "sim_life.h"
#include "sim_oracle.h"

/* Puts out one gene after the other, and makes smaller those that it cannot do without. `why` is
 * what it fails for, in the end as in the beginning but for numbers. Returns how many lives that
 * took. */
unsigned shrink(struct life *l, char why[VERDICT_TEXT]);

#endif
