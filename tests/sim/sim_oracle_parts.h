/* The parts of the oracle, and what they share. */
#ifndef SIM_ORACLE_PARTS_H
#define SIM_ORACLE_PARTS_H

#include "sim_oracle.h"

struct outputs;

/* Says what is wrong. Returns -1. */
int verdict(char why[VERDICT_TEXT], const char *fmt, ...) __attribute__((format(printf, 2, 3)));

bool oracle_in_window(const struct story *s, unsigned row); /* not left out by --skip or --limit */

/* How each run ended, and that it had to. */
int oracle_judge_runs(const struct story *s, char why[VERDICT_TEXT]);
/* Order, pace, what was sent again, ids of events. */
int oracle_judge_traffic(const struct story *s, char why[VERDICT_TEXT]);
/* That what the runs counted is what happened. */
int oracle_judge_figures(const struct story *s, const struct outputs *o, char why[VERDICT_TEXT]);

#endif
