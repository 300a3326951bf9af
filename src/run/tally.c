/* Counting, and saying so. */
#include "run/tally.h"

#include "base/clock.h"
#include "input/input.h"
#include "options/options.h"
#include "show/display.h"

#define COUNT_PIECE (4u << 20) /* bytes of the input that are counted at once */
#define COUNT_AFTER_US 1000000 /* so long a busy run does not count */
/* So long lines that are due count ahead, all of them together, but no more than such a part of the
 * time that has passed. */
#define COUNT_AHEAD_US 50000
#define COUNT_AHEAD_PART 50

void tally_init(struct tally *t, const struct options *o, struct display *display,
    struct input *input)
{
	*t = (struct tally){
		.o = o,
		.display = display,
		.input = input,
		.counting = input != NULL,
		.line_at = o->progress_every,
	};
}

void tally_total(struct tally *t, uint64_t records)
{
	const struct options *o = t->o;
	uint64_t total = records > o->skip ? records - o->skip : 0;

	t->counting = false;
	if (!o->shards)
		t->moment.total = o->limit && o->limit < total ? o->limit : total;
}

void tally_grow(struct tally *t, uint64_t records)
{
	if (t->moment.total)
		t->moment.total += records;
}

/* A piece. Whether there is more to count. */
static bool count(struct tally *t)
{
	uint64_t total;

	if (!t->counting)
		return false;
	int more = input_count(t->input, COUNT_PIECE, &total);
	if (more == 0)
		tally_total(t, total);
	t->counting = more == 1;
	return t->counting;
}

static bool wants_total(const struct tally *t)
{
	return !t->o->quiet || t->asked;
}

/* Lines can wait for the total: what waits for an answer in the first second has one soon, or has
 * time enough later. A bar cannot. */
bool tally_count_idly(struct tally *t)
{
	if (!wants_total(t) ||
	    (t->moment.elapsed_us < COUNT_AFTER_US && display_keeps_lines(t->display)))
		return false;
	return count(t);
}

void tally_count_all(struct tally *t)
{
	while (count(t))
		;
}

/* A piece, and more until lines have counted ahead for `most` us, all of them together. */
static void count_ahead(struct tally *t, int64_t most)
{
	int64_t start = clock_now(), spent = t->ahead_us;

	while (count(t) && t->ahead_us < most)
		t->ahead_us = spent + clock_now() - start;
	t->ahead_us = spent + clock_now() - start;
}

/* A line is due. A run that is soon over does not spend its time on counting. */
static void count_for_line(struct tally *t)
{
	int64_t part = t->moment.elapsed_us / COUNT_AHEAD_PART;
	int64_t most = part < COUNT_AHEAD_US ? part : COUNT_AHEAD_US;

	if (t->ahead_us == 0 || t->ahead_us < most)
		count_ahead(t, most);
}

void tally_asked(struct tally *t)
{
	t->asked = true;
	count_ahead(t, t->ahead_us + COUNT_AHEAD_US);
	display_now(t->display, &t->c, &t->moment);
}

/* The turn tells the display how things are; here it hears only of a record that a line is due
 * for. */
void tally_settled(struct tally *t, enum outcome outcome, int64_t now)
{
	t->c.outcomes[outcome]++;
	uint64_t finished = counters_finished(&t->c), every = t->o->progress_every;
	if (finished < t->line_at)
		return;
	t->line_at = finished - finished % every + every;
	if (t->counting && display_keeps_lines(t->display))
		count_for_line(t);
	display_progress(t->display, &t->c, &t->moment, now);
}

void tally_show(struct tally *t, int64_t now)
{
	if (wants_total(t) && t->moment.elapsed_us >= COUNT_AFTER_US)
		count(t);
	display_progress(t->display, &t->c, &t->moment, now);
}
