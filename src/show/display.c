/* One line below the messages is redrawn; everything that stays goes above it. */
#include "show/display.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "show/bar.h"
#include "show/meter.h"
#include "show/outlet.h"
#include "show/report.h"
#include "base/words.h"
#include "base/text.h"

#define EVERY 1000
#define BAR_CHANGED_US 250000 /* between two redraws while something changes */
#define BAR_STILL_US 1000000  /* and while nothing does: the times in it go on */
#define REPORT_US 10000000    /* queue health, and JSON where few records settle */
#define PUSH_US 100000        /* between two tries to pass on what was not taken */
#define END_US 2000000        /* so long the end waits for who reads ... */
#define END_SEEN_US 20000000  /* ... and a terminal that a person has stopped */
#define MESSAGE_BYTES 8192
#define OUT_BYTES (1 << 20)

struct display {
	int fd;
	struct outlet outlet;
	enum progress_mode mode;
	bool quiet, verbose;
	bool terminal; /* fd is one */
	bool escapes;  /* and it obeys escape sequences */
	bool colour;
	uint64_t every;
	char *name, *rejects, *results;

	struct counters counters; /* as they were last told */
	struct moment moment;
	struct meter meter;
	bool began;   /* progress was told once */
	bool changed; /* since the last drawing or JSON line */
	bool ended;
	uint64_t next_line; /* finished records at which the next line is due */
	int64_t now;        /* when progress was told last, us */
	int64_t drawn_at;   /* bar, JSON line or plain line, us */
	uint64_t said;      /* finished records in the last plain line */
	int64_t health_at;
	uint64_t record_lines;

	struct buf out; /* one update */
	struct buf bar; /* the bar's text on the screen, or the last one */
	unsigned bar_cells;
	unsigned bar_columns; /* of the terminal, when it was drawn */
	bool bar_shown;
};

static char *copy_or_null(const char *s)
{
	return s ? xstrdup(s) : NULL;
}

struct display *display_new(const struct display_config *c)
{
	struct display *d = xcalloc(1, sizeof *d);
	bool capable = c->term && c->term[0] && strcmp(c->term, "dumb") != 0;

	d->fd = c->fd;
	outlet_open(&d->outlet, c->fd);
	d->terminal = isatty(c->fd);
	d->escapes = d->terminal && capable;
	d->colour = d->escapes && !(c->no_color && c->no_color[0]);
	d->mode = c->mode;
	if (c->mode == PROGRESS_AUTO)
		d->mode = d->escapes ? PROGRESS_BAR : PROGRESS_PLAIN;
	d->quiet = c->quiet;
	d->verbose = c->verbose;
	d->every = c->every ? c->every : EVERY;
	d->next_line = d->every;
	d->name = copy_or_null(c->name);
	d->rejects = copy_or_null(c->rejects);
	d->results = copy_or_null(c->results);
	buf_init(&d->out, OUT_BYTES);
	buf_init(&d->bar, OUT_BYTES);
	return d;
}

/* "12 lines are missing here: nobody read standard error", as a line of its own. */
static void add_missing(const struct display *d, uint64_t lines, struct buf *out)
{
	struct buf text = { .max = 200 };

	words_many(&text, lines, false, "line is", "lines are");
	buf_str(&text, " missing here: nobody was reading");
	if (d->mode == PROGRESS_JSON) {
		buf_str(out, "{\"type\":\"message\",\"level\":\"notice\",\"text\":");
		text_json(out, text.data, text.len);
		buf_str(out, "}\n");
	} else {
		buf_add(out, text.data, text.len);
		buf_byte(out, '\n');
	}
	buf_free(&text);
}

/* Passes the update on, and first what was missed, once it can be said. */
static void flush(struct display *d)
{
	struct buf missing = { .max = 400 };
	uint64_t lines = outlet_dropped(&d->outlet);

	if (lines) {
		add_missing(d, lines, &missing);
		outlet_put(&d->outlet, missing.data, missing.len);
	}
	outlet_put(&d->outlet, d->out.data, d->out.len);
	buf_reset(&d->out);
	buf_free(&missing);
}

static unsigned columns(const struct display *d)
{
	struct winsize size;

	if (ioctl(d->fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		return size.ws_col;
	return 80;
}

/*
 * The cursor rests in the bar's first column. A terminal that was made narrower has folded the bar
 * into more lines, or cut it; either way the cursor is still at its beginning, and what follows is
 * erased.
 */
static void erase_bar(struct display *d)
{
	if (!d->bar_shown)
		return;
	if (d->escapes) {
		buf_str(&d->out, columns(d) < d->bar_columns ? "\r\033[J" : "\r\033[K");
	} else {
		buf_byte(&d->out, '\r');
		for (unsigned i = 0; i < d->bar_cells; i++)
			buf_byte(&d->out, ' ');
		buf_byte(&d->out, '\r');
	}
	d->bar_shown = false;
}

/* Puts the bar's text on the screen, over the one that is there. It stays one column short of the
 * right edge: no terminal wraps before that. */
static void draw_bar(struct display *d)
{
	unsigned width = columns(d), old_cells = d->bar_shown ? d->bar_cells : 0;
	struct buf text;

	buf_init(&text, OUT_BYTES);
	unsigned cells = bar_line(&text, &d->counters, &d->moment, meter_rate(&d->meter), d->name,
	    width - 1, d->colour);
	bool same = d->bar_shown && width == d->bar_columns && text.len == d->bar.len &&
	    (text.len == 0 || memcmp(text.data, d->bar.data, text.len) == 0);
	if (!same) {
		if (d->bar_shown && width < d->bar_columns)
			erase_bar(d);
		buf_byte(&d->out, '\r');
		buf_add(&d->out, text.data, text.len);
		for (unsigned i = cells; !d->escapes && i < old_cells && i + 1 < width; i++)
			buf_byte(&d->out, ' ');
		buf_str(&d->out, d->escapes ? "\033[K\r" : "\r");
	}
	buf_free(&d->bar);
	d->bar = text;
	d->bar_cells = cells;
	d->bar_columns = width;
	d->bar_shown = true;
}

static void redraw_bar(struct display *d)
{
	if (d->mode == PROGRESS_BAR && d->began && !d->ended && !d->quiet)
		draw_bar(d);
}

static void say_json(struct display *d, enum display_level level, const char *text)
{
	static const char *const names[] = {
		[DISPLAY_ERROR] = "error",
		[DISPLAY_NOTICE] = "notice",
		[DISPLAY_DETAIL] = "detail",
	};

	buf_fmt(&d->out, "{\"type\":\"message\",\"level\":\"%s\",\"text\":", names[level]);
	text_json_safe(&d->out, text, MESSAGE_BYTES);
	buf_str(&d->out, "}\n");
	flush(d);
}

static void say(struct display *d, const char *before, const char *text)
{
	bool had_bar = d->bar_shown;

	erase_bar(d);
	buf_str(&d->out, before);
	text_safe(&d->out, text, strlen(text), MESSAGE_BYTES);
	buf_byte(&d->out, '\n');
	if (had_bar)
		redraw_bar(d);
	flush(d);
}

void display_message(struct display *d, enum display_level level, const char *fmt, ...)
{
	char text[MESSAGE_BYTES];
	va_list ap;

	if ((level != DISPLAY_ERROR && d->quiet) || (level == DISPLAY_DETAIL && !d->verbose))
		return;
	va_start(ap, fmt);
	int n = vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	if (d->mode == PROGRESS_JSON)
		say_json(d, level, text);
	else
		say(d, level == DISPLAY_ERROR ? "cio-import: " : "", text);
}

static void record_line(struct display *d, const char *line)
{
	if (d->mode == PROGRESS_JSON)
		say_json(d, DISPLAY_ERROR, line);
	else
		say(d, "", line);
}

/* The one line that takes the place of all further ones. */
static void say_no_more(struct display *d)
{
	const char *results = d->results && strcmp(d->results, "-") == 0 ? "standard output" :
	                                                                   d->results;
	struct buf text;

	buf_init(&text, MESSAGE_BYTES);
	buf_str(&text, "further errors ");
	if (d->rejects || results)
		buf_fmt(&text, "go only to %s%s%s", d->rejects ? d->rejects : "",
		    d->rejects && results ? " and " : "", results ? results : "");
	else
		buf_str(&text, "are only counted");
	buf_str(&text, " (-v prints them all)");
	buf_byte(&text, '\0');
	record_line(d,
	    text.over ? "further errors are not printed (-v prints them all)" : text.data);
	buf_free(&text);
}

void display_error_record(struct display *d, const char *line)
{
	uint64_t before = d->record_lines++;

	if (d->verbose || before < DISPLAY_RECORD_LINES)
		record_line(d, line);
	else if (before == DISPLAY_RECORD_LINES)
		say_no_more(d);
}

void display_start(struct display *d, uint64_t total)
{
	if (d->mode != PROGRESS_JSON || d->quiet)
		return;
	progress_json_start(&d->out, d->name ? d->name : "-", total);
	flush(d);
}

bool display_keeps_lines(const struct display *d)
{
	return !d->quiet && d->mode != PROGRESS_BAR;
}

/* Takes the figures in. */
static void learn(struct display *d, const struct counters *c, const struct moment *m)
{
	const struct moment *old = &d->moment;

	if (m->in_flight != old->in_flight || m->queued != old->queued ||
	    m->waiting != old->waiting || m->total != old->total ||
	    memcmp(c, &d->counters, sizeof *c) != 0)
		d->changed = true;
	d->counters = *c;
	d->moment = *m;
}

/* Whether a multiple of `every` was passed since the last time; *multiple is the last of them. */
static bool line_due(struct display *d, uint64_t *multiple)
{
	uint64_t finished = counters_finished(&d->counters);

	if (finished < d->next_line)
		return false;
	*multiple = finished - finished % d->every;
	d->next_line = *multiple + d->every;
	return true;
}

static int64_t later(int64_t at, int64_t us)
{
	return at > INT64_MAX - us ? INT64_MAX : at + us;
}

static bool says_health(const struct display *d)
{
	return d->verbose && !d->quiet && d->mode != PROGRESS_JSON;
}

static bool is_pending(const struct display *d)
{
	const struct moment *m = &d->moment;

	return m->in_flight || m->queued || m->waiting == WAITING_DOWN ||
	    m->waiting == WAITING_THROTTLED;
}

/* When the bar or a line should come next though no record settles. Who looks at a log, not at a
 * terminal, is to see now and then that something goes on, or is waited for. */
static int64_t drawing_due(const struct display *d)
{
	bool news = counters_finished(&d->counters) != d->said || is_pending(d);

	if (d->quiet)
		return INT64_MAX;
	switch (d->mode) {
	case PROGRESS_BAR:
		return later(d->drawn_at, d->changed ? BAR_CHANGED_US : BAR_STILL_US);
	case PROGRESS_JSON:
		return later(d->drawn_at, REPORT_US);
	case PROGRESS_PLAIN:
		return !d->terminal && news && !says_health(d) ? later(d->drawn_at, REPORT_US) :
		                                                 INT64_MAX;
	default:
		return INT64_MAX;
	}
}

static void write_json(struct display *d)
{
	progress_json(&d->out, &d->counters, &d->moment, meter_rate(&d->meter));
	flush(d);
}

static void write_plain(struct display *d, uint64_t finished)
{
	struct buf line;

	buf_init(&line, 256);
	progress_plain(&line, finished, counters_errors(&d->counters), d->moment.total);
	buf_byte(&line, '\0');
	say(d, "", line.data);
	buf_free(&line);
}

static void write_health(struct display *d, int64_t now)
{
	struct buf line;

	if (!says_health(d) || now < later(d->health_at, REPORT_US))
		return;
	buf_init(&line, 1024);
	progress_health(&line, &d->counters, &d->moment, meter_rate(&d->meter));
	buf_byte(&line, '\0');
	say(d, "", line.data);
	buf_free(&line);
	d->health_at = now;
}

static void bar_progress(struct display *d, int64_t now)
{
	if (now < drawing_due(d) || !outlet_push(&d->outlet))
		return;
	draw_bar(d);
	flush(d);
	d->drawn_at = now;
	d->changed = false;
}

static void json_progress(struct display *d, int64_t now)
{
	uint64_t multiple;
	bool due = line_due(d, &multiple);

	if (!due && now < drawing_due(d))
		return;
	if (d->changed || is_pending(d))
		write_json(d);
	d->drawn_at = now;
	d->changed = false;
}

static void plain_progress(struct display *d, int64_t now)
{
	uint64_t said = counters_finished(&d->counters);

	if (!line_due(d, &said) && now < drawing_due(d))
		return;
	write_plain(d, said);
	d->said = counters_finished(&d->counters);
	d->drawn_at = now;
}

void display_progress(struct display *d, const struct counters *c, const struct moment *m,
    int64_t now)
{
	if (d->ended)
		return;
	d->now = now;
	outlet_push(&d->outlet);
	learn(d, c, m);
	meter_sample(&d->meter, c, now);
	if (!d->began) {
		d->began = true;
		d->health_at = now;
		/* a bar at once */
		d->drawn_at = d->mode == PROGRESS_BAR ? now - BAR_STILL_US : now;
	}
	if (d->quiet)
		return;
	if (d->mode == PROGRESS_BAR)
		bar_progress(d, now);
	else if (d->mode == PROGRESS_JSON)
		json_progress(d, now);
	else if (d->mode == PROGRESS_PLAIN)
		plain_progress(d, now);
	write_health(d, now);
}

int64_t display_due(const struct display *d)
{
	if (d->ended)
		return INT64_MAX;
	int64_t due = d->began ? drawing_due(d) : INT64_MAX,
	        health = d->began && says_health(d) ? later(d->health_at, REPORT_US) : INT64_MAX,
	        push = d->outlet.kept.len ? later(d->now, PUSH_US) : INT64_MAX;

	due = health < due ? health : due;
	if (push < due || (push < INT64_MAX && d->mode == PROGRESS_BAR))
		due = push; /* there is no bar as long as something is before it */
	return due;
}

void display_now(struct display *d, const struct counters *c, const struct moment *m)
{
	learn(d, c, m);
	if (d->mode == PROGRESS_JSON)
		write_json(d);
	else
		write_plain(d, counters_finished(c));
}

const char *display_last_words(const struct display *d)
{
	if (d->mode != PROGRESS_BAR || d->quiet || !d->terminal)
		return "";
	return d->escapes ? "\r\033[J" : "\n";
}

void display_clear(struct display *d)
{
	erase_bar(d);
	flush(d);
}

void display_done(struct display *d, const struct counters *c, const struct ending *e)
{
	erase_bar(d);
	d->ended = true;
	if (d->quiet && e->exit_status == 0) {
		flush(d);
		return;
	}
	if (d->mode == PROGRESS_JSON) {
		report_json_done(&d->out, c, e);
	} else {
		progress_done(&d->out, c);
		buf_byte(&d->out, '\n');
		report_lines(&d->out, c, e, d->terminal);
	}
	flush(d);
}

void display_free(struct display *d)
{
	if (!d)
		return;
	display_clear(d);
	outlet_finish(&d->outlet, d->terminal ? END_SEEN_US : END_US);
	outlet_close(&d->outlet);
	buf_free(&d->out);
	buf_free(&d->bar);
	free(d->name);
	free(d->rejects);
	free(d->results);
	free(d);
}
