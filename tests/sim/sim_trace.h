/* What happened, for a person who replays a life; and a hash of it, for it must be the same each
 * time. */
#ifndef SIM_TRACE_H
#define SIM_TRACE_H

#include <stdbool.h>
#include <stdint.h>

enum trace_level {
	TRACE_NOTHING,
	TRACE_STORY, /* runs, requests, answers, faults */
	TRACE_CALLS, /* each call of the operating system, too */
};

void trace_begin(enum trace_level shown);
uint64_t trace_hash(void); /* of all lines since trace_begin, shown or not */

/* A line of the story, with the time before it. */
void trace(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* One call: what, on what, with what result. Cheap where it is not shown. */
void trace_call(const char *what, const char *name, int64_t result);
bool trace_shown(void);

#endif
