/* Causes, in one table. */
#include "run/stop.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sysexits.h>

#include "base/reason.h"
#include "show/display.h"
#include "show/report.h"

static const struct {
	int status;
	const char *name;
} causes[CAUSES] = {
	[CAUSE_NONE] = { 0, ENDED_BY_END_OF_INPUT },
	[CAUSE_SIGINT] = { 128 + SIGINT, "SIGINT" },
	[CAUSE_SIGTERM] = { 128 + SIGTERM, "SIGTERM" },
	[CAUSE_INPUT] = { EX_DATAERR, "input" },
	[CAUSE_MAX_ERRORS] = { EX_DATAERR, "--max-errors" },
	[CAUSE_MAX_DELETES] = { EX_DATAERR, "--max-deletes" },
	[CAUSE_OUTAGE] = { EX_UNAVAILABLE, "outage" },
	[CAUSE_RATE_LIMIT] = { EX_UNAVAILABLE, "rate limit" },
	[CAUSE_REDIRECT] = { EX_UNAVAILABLE, "redirect" },
	[CAUSE_CREDENTIALS] = { EX_NOPERM, "credentials" },
	[CAUSE_FORBIDDEN] = { EX_NOPERM, "forbidden" },
	[CAUSE_ADDRESS] = { EX_CONFIG, "address" },
	[CAUSE_PROXY] = { EX_CONFIG, "proxy" },
	[CAUSE_CONFIGURATION] = { EX_CONFIG, "configuration" },
	[CAUSE_OUTPUT] = { EX_CANTCREAT, "output" },
	[CAUSE_SYNC] = { EX_CANTCREAT, "--sync" },
	[CAUSE_BUSY] = { EX_TEMPFAIL, "busy" },
	[CAUSE_NETWORK] = { EX_OSERR, "network" },
	[CAUSE_MACHINE] = { EX_OSERR, "machine" },
	[CAUSE_ACCOUNTING] = { EX_SOFTWARE, "accounting" },
};

static void end(struct stop *s, enum cause cause, int status, const char *text)
{
	s->cause = cause;
	s->status = status ? status : causes[cause].status;
	display_message(s->display, DISPLAY_ERROR, "%s", text);
}

void stop_for(struct stop *s, enum cause cause, const char *fmt, ...)
{
	char text[REASON_MAX + 256];
	va_list ap;

	if (stop_asked(s))
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	end(s, cause, 0, text);
}

void stop_failed(struct stop *s, enum cause cause, const struct reason *why)
{
	if (!stop_asked(s))
		end(s, cause, why->status, why->text);
}

bool stop_asked(const struct stop *s)
{
	return s->cause != CAUSE_NONE;
}

const char *stop_name(enum cause cause)
{
	return causes[cause].name;
}

enum cause stop_cause_of(int status)
{
	switch (status) {
	case EX_CANTCREAT:
		return CAUSE_OUTPUT;
	case EX_TEMPFAIL:
		return CAUSE_BUSY;
	case EX_CONFIG:
		return CAUSE_CONFIGURATION;
	case EX_OSERR:
		return CAUSE_MACHINE;
	default:
		return CAUSE_INPUT;
	}
}
