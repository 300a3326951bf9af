/* Living a life, here or in a process that may die of it. */
#ifndef SIM_LIVE_H
#define SIM_LIVE_H

#include "sim_life.h"
#include "sim_oracle.h"
#include "sim_trace.h"

/* 0, or -1 with what is wrong. */
int live(const struct life *l, enum trace_level shown, char why[VERDICT_TEXT]);

/* The same in a process of its own: that it crashes, or does not end in so many seconds, is wrong,
 * too. */
int live_apart(const struct life *l, char why[VERDICT_TEXT]);

enum { LIVE_SECONDS = 30 };

/* The longest that a life may take; from then on the process dies. */
void live_watch(void);
/* What a process's end says: 0 where it is well, else -1 with words for it. */
int live_ended(int status, char why[VERDICT_TEXT]);

#endif
