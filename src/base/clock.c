/* The system's clocks, as microseconds. */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

static int64_t microseconds(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t); /* cannot fail: both clocks exist and t is writable */
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t clock_now(void)
{
	return microseconds(CLOCK_MONOTONIC);
}

int64_t clock_wall(void)
{
	return microseconds(CLOCK_REALTIME);
}

const char *clock_stamp(int64_t wall_us, char out[CLOCK_STAMP])
{
	time_t seconds = (time_t)(wall_us / 1000000);
	struct tm tm;
	char text[24];

	if (!gmtime_r(&seconds, &tm) || strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm) == 0)
		text[0] = '\0';
	snprintf(out, CLOCK_STAMP, "%s.%03dZ", text, (int)(wall_us / 1000 % 1000));
	return out;
}
