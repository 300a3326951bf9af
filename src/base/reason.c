/* Reasons. */
#include "base/reason.h"

#include <stdarg.h>
#include <stdio.h>

static void __attribute__((format(printf, 3, 0)))
set(struct reason *why, int status, const char *fmt, va_list ap)
{
	vsnprintf(why->text, sizeof why->text, fmt, ap);
	why->status = status;
}

int reason_set(struct reason *why, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set(why, 0, fmt, ap);
	va_end(ap);
	return -1;
}

int reason_exit(struct reason *why, int status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set(why, status, fmt, ap);
	va_end(ap);
	return -1;
}
