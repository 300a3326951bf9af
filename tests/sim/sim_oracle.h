/* What must be true of a life, judged by what the network saw and what is on the disk, without
 * trust in the program. */
#ifndef SIM_ORACLE_H
#define SIM_ORACLE_H

#include "sim_story.h"

enum { VERDICT_TEXT = 400 };

/* 0, or -1 with what is wrong. */
int oracle_judge(const struct story *s, char why[VERDICT_TEXT]);

#endif
