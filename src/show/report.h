/* What is said and written when a run has ended: the report, the summary, the metrics. Pure. */
#ifndef REPORT_H
#define REPORT_H

#include <stdbool.h>
#include <stdint.h>
#include "base/buf.h"
#include "show/progress.h"

struct ending {
	int64_t elapsed_us;
	int64_t started_wall_us, ended_wall_us;
	int exit_status;
	const char
	    *ended_by; /* "end of input", "SIGINT", "--max-errors", "credentials", "outage", ... */
	/* the file's name where it has records of this run, else NULL */
	const char *rejects;
	const char *mended; /* the command that feeds them in, or NULL */
	const char *resume; /* how to carry on, or NULL */
	/* requests a second: what the server was found to take, 0: no less than was asked for; and
	 * asked for, 0: unlimited */
	double learned, asked;
};

#define ENDED_BY_END_OF_INPUT "end of input"

/* The indented lines after Done:, each with its line break. aligned: in columns, with separators in
 * large numbers, for a person at a terminal. */
void report_lines(struct buf *out, const struct counters *c, const struct ending *e, bool aligned);

/* The --summary object, with a line break. */
void report_summary(struct buf *out, const struct counters *c, const struct ending *e);

/* {"type":"done", ...} with the summary's members, and `rejects`, `mended` and `resume` where there
 * are any; a line break. */
void report_json_done(struct buf *out, const struct counters *c, const struct ending *e);

/* The --metrics text, in Prometheus' exposition format. */
void report_metrics(struct buf *out, const struct counters *c, const struct ending *e);

#endif
