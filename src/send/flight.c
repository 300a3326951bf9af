/* A search for the fewest that are fast, and the bounds over it. */
#include "send/flight.h"

#include <string.h>

#define SECOND 1000000.0
#define FEW 10u    /* single requests that may always be in flight */
#define SOME 40u   /* that may be while it is not known how many are answered in a time */
#define MARGIN 1.5 /* over what the pace needs on average, for answers do not come evenly */
/* of what more in flight could make at best: less is not worth it; where few are in flight, little
 * more is */
#define WORTH 0.15
#define WORTH_FEW 0.05
#define LOST 0.05          /* that fewer may make less, and still be better */
#define WORSE 0.6          /* of what was made before: the line has changed */
#define BETTER 1.5         /* so it has */
#define HOLD_LEAST 5000000 /* us until it is tried again ... */
#define HOLD_MOST 80000000 /* ... where it never helps */
#define QUEUE_US 1000000   /* of the line: what waits for it in a second does not wait longer */
/* us: where batches are answered so soon, these are not too many, and none waits for its start */
#define BRISK_US 20000
#define BRISK 4u
#define SPREAD 0.75   /* of the time between two starts, if they were even: this long at least */
#define HELD_MOST 40u /* answers in which a given limit was always reached */

/* Of a number that is not negative, and not large. */
static double round_up(double v)
{
	double whole = (double)(uint64_t)v;

	return whole < v ? whole + 1 : whole;
}

/* A limit that was given, or that the pace alone sets, is not searched for. */
static bool is_searched(const struct flight *f)
{
	return !f->c.fixed && (f->c.bulky || f->c.pace <= 0);
}

static bool is_brisk(const struct flight *f)
{
	return is_searched(f) && f->c.bulky && f->latency > 0 && f->latency < BRISK_US;
}

static void begin_round(struct flight *f, unsigned pass, int64_t now)
{
	f->pass = pass;
	f->answers = 0;
	f->units = 0;
	f->since = now;
	f->full_us = 0;
	f->full_since = now;
}

/* Those that are in flight now were started under another limit, and the first under this one when
 * there were not as many yet: they are passed over. */
static void set_limit(struct flight *f, unsigned limit, int64_t now)
{
	f->limit = limit < 1 ? 1 : limit > f->c.most ? f->c.most : limit;
	begin_round(f, f->in_flight > f->limit ? f->in_flight : f->limit, now);
}

void flight_init(struct flight *f, const struct flight_config *c, int64_t now)
{
	memset(f, 0, sizeof *f);
	f->c = *c;
	f->looked_at = now;
	f->hold_us = HOLD_LEAST;
	f->best = 1;
	set_limit(f, c->fixed ? c->fixed : c->bulky ? 1 : FEW, now);
}

/* -- the bounds -- */

/* As many as are answered within half the timeout, at the speed there is. */
static double patient(const struct flight *f)
{
	if (f->speed <= 0)
		return f->c.bulky ? is_brisk(f) ? BRISK : 1 : SOME;
	return f->speed * (double)f->c.timeout_us / 2 / SECOND / f->size;
}

/* As many as leave while one is answered. */
static double paced(const struct flight *f)
{
	double needs = round_up(f->c.pace * f->latency / SECOND * MARGIN) + 4;
	double may = patient(f);

	needs = needs < may ? needs : may;
	return needs > FEW ? needs : FEW;
}

static double allowed(const struct flight *f)
{
	double may;

	if (f->c.fixed)
		return f->c.fixed;
	if (!is_searched(f))
		return paced(f);
	may = patient(f);
	return f->limit < may ? f->limit : may;
}

/* Whether the line has enough to do for a second. */
static bool line_is_busy(const struct flight *f)
{
	return f->c.bulky && !f->c.fixed && f->line > 0 && f->in_flight > 1 &&
	    (double)f->waiting > f->line * QUEUE_US / SECOND;
}

unsigned flight_room(const struct flight *f)
{
	double may = allowed(f);
	unsigned most = may >= f->c.most ? f->c.most : may < 1 ? 1 : (unsigned)may;

	return most > f->in_flight && !line_is_busy(f) ? most - f->in_flight : 0;
}

int64_t flight_ready_at(const struct flight *f)
{
	if (!f->c.bulky || f->c.fixed || f->in_flight == 0 || is_brisk(f))
		return 0;
	return f->last_start + (int64_t)(f->latency / f->limit * SPREAD);
}

/* -- what is measured -- */

static void note_full(struct flight *f, int64_t now)
{
	if (f->in_flight >= f->limit)
		f->full_us += now - f->full_since;
	f->full_since = now;
}

void flight_started(struct flight *f, int64_t now)
{
	note_full(f, now);
	f->in_flight++;
	f->last_start = now;
}

void flight_moved(struct flight *f, uint64_t bytes, uint64_t waiting, int64_t now)
{
	int64_t time = now - f->looked_at;

	if (time < FLIGHT_LOOK_US)
		return;
	/* a line that had nothing to do says nothing */
	if (bytes > 0 || f->waiting > 0) {
		double now_made = (double)bytes / (double)time * SECOND;
		double weight = f->line > 0 ? (double)time / ((double)time + QUEUE_US) : 1;
		f->line += (now_made - f->line) * weight;
	}
	f->waiting = waiting;
	f->looked_at = now;
}

double flight_line(const struct flight *f)
{
	return f->line;
}

/* A higher one is believed sooner: too few in flight cost more than too many. */
static void learn_latency(struct flight *f, double us)
{
	double weight = us > f->latency ? 1.0 / 4 : 1.0 / 16;

	f->latency += (us - f->latency) * (f->latency > 0 ? weight : 1);
}

static void learn_size(struct flight *f, double units)
{
	f->size += (units - f->size) * (f->size > 0 ? 1.0 / 8 : 1);
}

/* -- the search -- */

/* Answers that make a round: a multiple of the limit, for answers to what was started together
 * come together. */
static unsigned round_length(const struct flight *f)
{
	unsigned least = f->c.bulky ? 3 : 20, n = f->limit;

	while (n < least)
		n += f->limit;
	return f->phase == FLIGHT_HOLD ? 2 * n : n;
}

static void hold(struct flight *f, int64_t now)
{
	f->phase = FLIGHT_HOLD;
	f->hold_until = now + f->hold_us;
	set_limit(f, f->best, now);
}

/* Next between what is worth it and what is too many, or twice as many where that is not known. */
static void climb(struct flight *f, int64_t now)
{
	unsigned next = f->too_many ? (f->best + f->too_many) / 2 : f->best * 2;

	if (next > f->c.most)
		next = f->c.most;
	if (next <= f->best || (f->too_many && f->too_many - f->best <= f->best / 8)) {
		hold(f, now);
		return;
	}
	f->phase = FLIGHT_UP;
	set_limit(f, next, now);
}

/* How it is now is where the search begins. */
static void search_from(struct flight *f, unsigned best, double made, int64_t now)
{
	f->best = best;
	f->made = made;
	f->too_many = 0;
	climb(f, now);
}

static void judge_up(struct flight *f, double made, int64_t now)
{
	double more = (double)f->limit / (double)f->best - 1;
	double worth = f->best < 4 ? WORTH_FEW : WORTH;

	if (made >= f->made * (1 + more * worth)) {
		f->best = f->limit;
		f->made = made;
		f->hold_us = HOLD_LEAST;
	} else {
		f->too_many = f->limit;
	}
	climb(f, now);
}

static void judge_down(struct flight *f, double made, int64_t now)
{
	if (made >= f->made * (1 - LOST))
		f->best = f->limit; /* what was made stays the measure: each step down is small */
	hold(f, now);
}

/* It is tried again: a little more, or a little less, in turn; the more rarely the more often it
 * did not help. */
static void try_again(struct flight *f, int64_t now)
{
	unsigned step = f->best / 4 > 1 ? f->best / 4 : 1;
	bool down = f->look_down && f->best > (f->c.bulky ? 1 : FEW);

	f->look_down = !f->look_down;
	f->hold_us = f->hold_us * 2 < HOLD_MOST ? f->hold_us * 2 : HOLD_MOST;
	if (down) {
		f->phase = FLIGHT_DOWN;
		set_limit(f, f->best - step, now);
		return;
	}
	f->phase = FLIGHT_UP;
	f->too_many = 0;
	set_limit(f, f->best + step, now);
	if (f->limit == f->best)
		hold(f, now);
}

static void judge_hold(struct flight *f, double made, int64_t now)
{
	if (made < f->made * WORSE) {
		double fewer = round_up(f->best * made / f->made);
		f->hold_us = HOLD_LEAST;
		f->phase = FLIGHT_FIRST;
		set_limit(f, fewer > 1 ? (unsigned)fewer : 1, now);
	} else if (made > f->made * BETTER) {
		f->hold_us = HOLD_LEAST;
		search_from(f, f->best, made, now);
	} else {
		f->made += (made - f->made) / (made > f->made ? 4 : 16);
		if (now >= f->hold_until)
			try_again(f, now);
		else
			begin_round(f, 0, now);
	}
}

static void judge(struct flight *f, double made, int64_t now)
{
	switch (f->phase) {
	case FLIGHT_FIRST:
		search_from(f, f->limit, made, now);
		break;
	case FLIGHT_UP:
		judge_up(f, made, now);
		break;
	case FLIGHT_DOWN:
		judge_down(f, made, now);
		break;
	case FLIGHT_HOLD:
		judge_hold(f, made, now);
		break;
	}
}

/* A round is over: what was made in it says something where the limit was what held it back. */
static void end_round(struct flight *f, int64_t now)
{
	int64_t time = now - f->since;
	double made = f->units / (double)(time > 0 ? time : 1) * SECOND;

	f->speed = made;
	if (is_searched(f) && f->full_us * 10 >= time * 7)
		judge(f, made, now);
	else
		begin_round(f, 0, now);
}

static void ended(struct flight *f, int64_t now)
{
	note_full(f, now);
	f->in_flight--;
}

/* How often a given limit was reached when one of its requests was answered. */
static void note_held(struct flight *f)
{
	if (f->c.fixed && f->in_flight >= f->c.fixed && f->held < HELD_MOST)
		f->held++;
	else if (f->in_flight < f->c.fixed)
		f->held = 0;
}

void flight_answered(struct flight *f, int64_t started, size_t bytes, int64_t now)
{
	double units = f->c.bulky ? (double)bytes : 1;

	note_held(f);
	ended(f, now);
	learn_latency(f, (double)(now - started));
	learn_size(f, units > 0 ? units : 1);
	if (is_brisk(f) && f->limit < BRISK && f->limit < f->c.most)
		set_limit(f, BRISK, now);
	if (f->pass > 0) {
		if (--f->pass == 0)
			begin_round(f, 0, now);
		return;
	}
	f->answers++;
	f->units += units;
	if (f->answers >= round_length(f))
		end_round(f, now);
}

/* What is lost may have been lost because there was too much. */
void flight_failed(struct flight *f, int64_t now)
{
	ended(f, now);
	if (!is_searched(f) || !f->c.bulky) {
		begin_round(f, f->in_flight, now);
		return;
	}
	f->phase = FLIGHT_FIRST;
	f->hold_us = HOLD_LEAST;
	set_limit(f, f->limit / 2, now);
}

unsigned flight_wanted(const struct flight *f)
{
	double needs = round_up(f->c.pace * f->latency / SECOND * 1.1);

	return f->held >= HELD_MOST && !f->c.bulky && needs > f->c.fixed ? (unsigned)needs : 0;
}
