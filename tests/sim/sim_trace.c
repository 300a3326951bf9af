/* Each line is shown or not, and mixed into the hash. */
#include "sim_trace.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "sim_time.h"

static struct {
	enum trace_level shown;
	uint64_t hash;
} t;

void trace_begin(enum trace_level shown)
{
	t.shown = shown;
	t.hash = UINT64_C(0xcbf29ce484222325);
}

uint64_t trace_hash(void)
{
	return t.hash;
}

bool trace_shown(void)
{
	return t.shown >= TRACE_STORY;
}

static void mix(uint64_t value)
{
	t.hash = (t.hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
	t.hash ^= t.hash >> 29;
}

static void print_time(void)
{
	printf("%4" PRId64 ".%06" PRId64 "  ", time_now() / 1000000, time_now() % 1000000);
}

void trace(const char *fmt, ...)
{
	va_list ap;

	mix((uint64_t)time_now());
	mix((uint64_t)(unsigned char)fmt[0] << 8 | (unsigned char)fmt[strlen(fmt) / 2]);
	if (t.shown < TRACE_STORY)
		return;
	print_time();
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

void trace_call(const char *what, const char *name, int64_t result)
{
	mix((uint64_t)time_now());
	mix((uint64_t)(unsigned char)what[0] << 32 ^ (uint64_t)result);
	if (t.shown < TRACE_CALLS)
		return;
	print_time();
	printf("    %s %s = %" PRId64 "\n", what, name ? name : "", result);
}
