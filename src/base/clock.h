/* The two clocks, fetched in one place. */
#ifndef CLOCK_H
#define CLOCK_H

#include <stdint.h>

int64_t clock_now(void);  /* monotonic, microseconds */
int64_t clock_wall(void); /* Unix time, microseconds */

/* Unix time as RFC 3339 in UTC with milliseconds: 2024-02-29T12:00:00.000Z. */
#define CLOCK_STAMP 32
const char *clock_stamp(int64_t wall_us, char out[CLOCK_STAMP]);

#endif
