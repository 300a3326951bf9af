/* Reasons. */
#include "base/reason.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/os.h"

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

int reason_errno(struct reason *why, int error, const char *shown, const char *done,
    const char *advice)
{
	const char *shortage = os_shortage(error);

	return reason_exit(why, shortage ? EX_OSERR : 0, "%s: cannot be %s: %s: %s", shown, done,
	    strerror(error), shortage ? shortage : advice);
}
