/* Virtual time: both clocks, and what is due when. All times are in microseconds. */
#ifndef SIM_TIME_H
#define SIM_TIME_H

#include <stdbool.h>
#include <stdint.h>

void time_begin(int64_t wall); /* a new world: nothing is due */
void time_end(void);           /* what is still due never happens */

int64_t time_now(void); /* monotonic */
int64_t time_wall(void);
void time_jump(int64_t by); /* the wall clock is set, or the machine slept */

/* `happen(arg)` at that time; things due at the same time happen in the order in which they were
 * asked for. */
void time_at(int64_t when, void (*happen)(void *arg), void *arg);

void time_pass(int64_t us);  /* what is due meanwhile happens at its time */
void time_until(int64_t to); /* the same */
int64_t time_next(void);     /* when something is due; INT64_MAX: never */

#endif
