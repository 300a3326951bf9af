/*
 * The display: owns standard error during a run. Messages, failed records, and progress as a bar,
 * plain lines or JSON go through it, so that none of them runs through another. Each update is one
 * write. An output that cannot be written is ignored: there is nowhere left to say so. One that
 * nobody reads holds nothing up: lines are kept for a while, then dropped and counted (outlet.h).
 *
 * Times are microseconds on clock_now's clock. setlocale(LC_CTYPE, "") is the caller's to do.
 */
#ifndef DISPLAY_H
#define DISPLAY_H

#include <stdbool.h>
#include <stdint.h>
#include "options/options.h"
#include "show/progress.h"

struct display;
struct ending;

struct display_config {
	int fd; /* 2, but for tests; not closed */
	/* AUTO: a bar on a terminal that can erase a line, else plain */
	enum progress_mode mode;
	bool quiet, verbose;
	uint64_t every;   /* records between two plain progress lines; 0: 1000 */
	const char *name; /* the input's; copied, as the next two are */
	const char *rejects,
	    *results;         /* where failed records go besides, or NULL ("-": standard output) */
	const char *term;     /* $TERM or NULL */
	const char *no_color; /* $NO_COLOR or NULL */
};

struct display *display_new(const struct display_config *c);
void display_free(struct display *d); /* takes the bar off the screen; NULL is fine */

/*
 * One line for a person, above the bar where there is one; a JSON object in that mode. No line
 * break at the end; control characters are escaped. ERROR begins with "cio-import: " (not in JSON);
 * NOTICE is left out when quiet; DETAIL is said when verbose only.
 */
enum display_level { DISPLAY_ERROR, DISPLAY_NOTICE, DISPLAY_DETAIL };
void display_message(struct display *d, enum display_level level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The line of a failed record. After DISPLAY_RECORD_LINES of them it says once where further ones
 * go, and no more (verbose: all of them). */
#define DISPLAY_RECORD_LINES 20
void display_error_record(struct display *d, const char *line);

/* The run begins: the JSON start object; nothing in other modes. total 0: not known. */
void display_start(struct display *d, uint64_t total);

/* Whether progress is said in lines that stay: not as a bar, and not at all where it is quiet. */
bool display_keeps_lines(const struct display *d);

/* What is going on. Call it in every turn of the loop, and after each record or batch settled: it
 * draws what is due. */
void display_progress(struct display *d, const struct counters *c, const struct moment *m,
    int64_t now);

/* When display_progress should be called next even if nothing happens; INT64_MAX: need not. */
int64_t display_due(const struct display *d);

/* A progress line at once, in plain form (an object in JSON mode), whatever the mode, quiet or
 * not. */
void display_now(struct display *d, const struct counters *c, const struct moment *m);

/* What takes the bar off the screen where nobody can be asked for it any more, "" where nothing is
 * needed. */
const char *display_last_words(const struct display *d);

/* Takes the bar off the screen until it is due again; call it before anything else writes to the
 * same terminal. */
void display_clear(struct display *d);

/* The run has ended: Done: and the report (one JSON object in that mode); nothing when quiet and
 * all went well. From then on only messages are shown. */
void display_done(struct display *d, const struct counters *c, const struct ending *e);

#endif
