/* The parts of the line are left out one after another until it fits. */
#include "show/bar.h"

#include <stddef.h>
#include <string.h>
#include "base/path.h"
#include "base/words.h"

#define GAP 2u /* cells between two parts */
#define NAME_CELLS 24u
#define LONGEST_LEFT_S 3.2e9 /* a hundred years: not worth saying */

/* In the order they are shown. All but the name are ASCII: a byte is a cell. */
enum part {
	PART_NAME,
	PART_SHARE,
	PART_GLYPHS,
	PART_ACCEPTED,
	PART_ERRORS,
	PART_RETRIES,
	PART_FLIGHT,
	PART_QUEUED,
	PART_RATE,
	PART_SPEED,
	PART_LEFT,
	PART_WAITING,
	PART_COUNT
};

struct line {
	struct buf text;
	struct {
		size_t at, len;
		unsigned cells;
	} part[PART_COUNT]; /* cells 0: not shown */
};

/* What is given up, in this order, until the line fits: ornaments, then long words, then whole
 * parts. */
struct step {
	enum part part;
	unsigned cells;
};
static const struct step full_steps[] = {
	{ PART_GLYPHS, 22 },
	{ PART_GLYPHS, 12 },
	{ PART_NAME, 0 },
	{ PART_GLYPHS, 0 },
};
static const struct step brief_steps[] = {
	{ PART_NAME, 0 },
	{ PART_GLYPHS, 0 },
	{ PART_QUEUED, 0 },
	{ PART_SPEED, 0 },
	{ PART_RETRIES, 0 },
	{ PART_FLIGHT, 0 },
	{ PART_RATE, 0 },
	{ PART_LEFT, 0 },
	{ PART_ACCEPTED, 0 },
	{ PART_ERRORS, 0 },
};

static bool total_known(const struct counters *c, const struct moment *m)
{
	return m->total > 0 && counters_finished(c) <= m->total;
}

static void add_share(struct buf *out, const struct counters *c, const struct moment *m, bool brief)
{
	uint64_t finished = counters_finished(c);

	if (!total_known(c, m)) {
		if (brief)
			words_count(out, finished, true);
		else
			words_many(out, finished, true, "record", "records");
		return;
	}
	unsigned tenths = (unsigned)((double)finished / (double)m->total * 1000);
	if (tenths >= 1000 && finished < m->total)
		tenths = 999;
	if (brief || m->total < 10000)
		buf_fmt(out, "%u%%", tenths / 10);
	else
		buf_fmt(out, "%u.%u%%", tenths / 10, tenths % 10);
}

/* While the destination is down nobody knows. */
static void add_left(struct buf *out, const struct counters *c, const struct moment *m, double rate,
    bool brief)
{
	if (!total_known(c, m) || !(rate > 0) || m->waiting == WAITING_DOWN)
		return;
	double seconds = (double)(m->total - counters_finished(c)) / rate;
	if (seconds > LONGEST_LEFT_S)
		return;
	words_wait(out, (int64_t)(seconds * 1e6), brief);
	if (!brief)
		buf_str(out, " left");
}

static void add_name(struct buf *out, const char *name, unsigned *cells)
{
	const char *base = name ? path_base(name) : "";

	*cells = words_fit(out, base, strlen(base), NAME_CELLS);
}

/* People who differ from what is there are named apart, where there is room. */
static void add_errors(struct buf *out, const struct counters *c, bool brief)
{
	uint64_t differs = c->outcomes[OUTCOME_DIFFERS];

	words_many(out, counters_errors(c), true, brief ? "err" : "error",
	    brief ? "err" : "errors");
	if (differs > 0 && !brief) {
		buf_str(out, ", ");
		words_many(out, differs, true, "differs", "differ");
	}
}

static void add_part(struct line *l, enum part part, const struct counters *c,
    const struct moment *m, double rate, bool brief)
{
	struct buf *out = &l->text;

	switch (part) {
	case PART_SHARE:
		add_share(out, c, m, brief);
		break;
	case PART_ACCEPTED:
		words_count(out, c->outcomes[OUTCOME_ACCEPTED], true);
		buf_str(out, brief ? " ok" : " accepted");
		break;
	case PART_ERRORS:
		add_errors(out, c, brief);
		break;
	case PART_RETRIES:
		if (c->retries > 0)
			words_many(out, c->retries, true, "retry", "retries");
		break;
	case PART_FLIGHT:
		words_many(out, m->in_flight, true, "in flight", "in flight");
		break;
	case PART_QUEUED:
		if (m->queued > 0)
			words_many(out, m->queued, true, "waiting", "waiting");
		break;
	case PART_RATE:
		words_rate(out, rate, true);
		buf_str(out, "/s");
		break;
	case PART_SPEED:
		if (m->speed > 0)
			words_speed(out, m->speed);
		break;
	case PART_LEFT:
		add_left(out, c, m, rate, brief);
		break;
	case PART_WAITING:
		progress_waiting(out, m, brief);
		break;
	default:
		break;
	}
}

static void fill(struct line *l, const struct counters *c, const struct moment *m, double rate,
    const char *name, bool brief)
{
	buf_reset(&l->text);
	for (int i = 0; i < PART_COUNT; i++) {
		l->part[i].at = l->text.len;
		if (i == PART_NAME)
			add_name(&l->text, name, &l->part[i].cells);
		else
			add_part(l, (enum part)i, c, m, rate, brief);
		l->part[i].len = l->text.len - l->part[i].at;
		if (i != PART_NAME)
			l->part[i].cells = (unsigned)l->part[i].len;
	}
	l->part[PART_GLYPHS].cells = total_known(c, m) ? 32 : 0;
}

static unsigned line_cells(const struct line *l)
{
	unsigned cells = 0;

	for (int i = 0; i < PART_COUNT; i++)
		if (l->part[i].cells > 0)
			cells += l->part[i].cells + (cells > 0 ? GAP : 0);
	return cells;
}

static bool take_steps(struct line *l, const struct step *steps, size_t count, unsigned width)
{
	for (size_t i = 0; i < count && line_cells(l) > width; i++)
		if (l->part[steps[i].part].cells > steps[i].cells)
			l->part[steps[i].part].cells = steps[i].cells;
	return line_cells(l) <= width;
}

/* Only the share and what is waited for are left, and they are too long: the latter says more; cut,
 * at worst. */
static void cut(struct line *l, unsigned width)
{
	enum part last = l->part[PART_WAITING].cells > 0 ? PART_WAITING : PART_SHARE;

	if (last == PART_WAITING)
		l->part[PART_SHARE].cells = 0;
	if (l->part[last].cells > width)
		l->part[last].cells = width;
}

static void show_glyphs(struct buf *out, unsigned cells, const struct counters *c,
    const struct moment *m)
{
	unsigned inside = cells - 2,
	         full = (unsigned)((double)counters_finished(c) / (double)m->total * inside);

	buf_byte(out, '[');
	for (unsigned i = 0; i < inside; i++)
		buf_byte(out, i < full ? '#' : '-');
	buf_byte(out, ']');
}

static const char *part_colour(enum part part, const struct counters *c)
{
	if (part == PART_ERRORS && counters_errors(c) > 0)
		return "\033[31m";                       /* red */
	return part == PART_WAITING ? "\033[33m" : NULL; /* yellow */
}

static void show(struct buf *out, const struct line *l, const struct counters *c,
    const struct moment *m, bool colour)
{
	bool first = true;

	for (int i = 0; i < PART_COUNT; i++) {
		unsigned cells = l->part[i].cells;
		const char *in = colour ? part_colour((enum part)i, c) : NULL;
		if (cells == 0)
			continue;
		if (!first)
			buf_add(out, "  ", GAP);
		first = false;
		if (i == PART_GLYPHS) {
			show_glyphs(out, cells, c, m);
			continue;
		}
		if (in)
			buf_str(out, in);
		buf_add(out, l->text.data + l->part[i].at, i == PART_NAME ? l->part[i].len : cells);
		if (in)
			buf_str(out, "\033[m");
	}
}

unsigned bar_line(struct buf *out, const struct counters *c, const struct moment *m, double rate,
    const char *name, unsigned width, bool colour)
{
	struct line l;

	buf_init(&l.text, 4096);
	fill(&l, c, m, rate, name, false);
	if (!take_steps(&l, full_steps, sizeof full_steps / sizeof *full_steps, width)) {
		fill(&l, c, m, rate, name, true);
		if (!take_steps(&l, brief_steps, sizeof brief_steps / sizeof *brief_steps, width))
			cut(&l, width);
	}
	unsigned cells = line_cells(&l);
	show(out, &l, c, m, colour);
	buf_free(&l.text);
	return cells;
}
