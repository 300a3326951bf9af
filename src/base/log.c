/* A message is one line, written at once. */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES 4096

static void __attribute__((format(printf, 2, 0)))
write_line(const char *before, const char *fmt, va_list ap)
{
	char line[LINE_MAX_BYTES];
	size_t len = strlen(before);

	memcpy(line, before, len);
	int n = vsnprintf(line + len, sizeof line - len - 1, fmt, ap);
	if (n < 0)
		return;
	len += (size_t)n;
	if (len > sizeof line - 2)
		len = sizeof line - 2;
	line[len++] = '\n';
	for (size_t done = 0; done < len;) {
		ssize_t w = write(STDERR_FILENO, line + done, len - done);
		if (w < 0 && errno != EINTR)
			return;
		if (w > 0)
			done += (size_t)w;
	}
}

void log_line(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	write_line("", fmt, ap);
	va_end(ap);
}

void log_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	write_line("cio-import: ", fmt, ap);
	va_end(ap);
}
