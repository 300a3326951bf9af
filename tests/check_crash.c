/*
 * kill -9 at random moments of a run against a server with delays, errors, resets and 429s; carried
 * on until it is done. Then every person has the attributes of their last row, every event is there
 * once, the rejects are the invalid records, and nothing was sent again that did not have to be.
 * CIO_CRASH_ROUNDS sets how many runs of each kind (default 2). Under valgrind it is one of each,
 * with fewer rows.
 */
#include <check.h>
#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "dice.h"
#include "harness.h"
#include "sandbox.h"
#include "unix.h"
#include "base/os.h"

Suite *crash_suite(void);

#define ROWS 4000
#define INVALID_EVERY 333
#define CONCURRENCY 10
#define BATCH_OPERATIONS 40
#define MOST_KILLS 200

static const struct kind {
	const char *name, *file;
	bool events, batch, from_stdin;
} kinds[] = {
	{ "identify from CSV", "in.csv", false, false, false },
	{ "track from NDJSON", "in.ndjson", true, false, false },
	{ "identify from CSV in batches", "in.csv", false, true, false },
	{ "track from NDJSON in batches", "in.ndjson", true, true, false },
	{ "identify from standard input", "in.csv", false, false, true },
};

struct crash {
	const struct kind *kind;
	struct dice dice;
	struct sandbox *sandbox;
	struct harness *harness;
	struct buf input;
	int rows, people;
	int last_row[ROWS]; /* of each person: the number of their last valid row */
	int invalid;
	int64_t kill_at[MOST_KILLS];
	int kills;
	bool seen_state;
};

static bool is_invalid(int row)
{
	return row % INVALID_EVERY == INVALID_EVERY - 1;
}

/* Many rows a person, and a few rows that are invalid. Each has its number as an attribute. */
static void make_input(struct crash *c)
{
	buf_init(&c->input, BUF_UNBOUNDED);
	c->rows = harness_is_under() ? ROWS / 4 : ROWS;
	c->people = c->rows / 3;
	memset(c->last_row, -1, sizeof c->last_row);
	if (!c->kind->events)
		buf_str(&c->input, "id,row,note\n");
	for (int row = 0; row < c->rows; row++) {
		int person = (int)dice_below(&c->dice, c->people);
		if (is_invalid(row)) {
			c->invalid++;
			buf_fmt(&c->input,
			    c->kind->events ? "{\"id\":\"p%d\",\"row\":%d\n" : "p%d,%d\n", person,
			    row);
			continue;
		}
		c->last_row[person] = row;
		buf_fmt(&c->input,
		    c->kind->events ? "{\"id\":\"p%d\",\"name\":\"bought\",\"row\":%d}\n" :
		                      "p%d,%d,\"a, b\"\n",
		    person, row);
	}
}

static const char *state_name(const struct crash *c)
{
	return c->kind->from_stdin ? "in.state" :
	    c->kind->events        ? "in.ndjson.cio-state" :
	                             "in.csv.cio-state";
}

/* The kill came after the last thing that a run does: it was complete, and its state file is
 * gone. */
static bool was_complete(struct crash *c)
{
	bool there = harness_exists(c->harness, state_name(c));

	c->seen_state |= there;
	return c->seen_state && !there;
}

static const struct harness_run *run_once(struct crash *c, bool *killed)
{
	const char *args[16] = { c->kind->from_stdin ? "--state=in.state" : c->kind->file,
		"--rate=unlimited", "--backoff=5ms", "--backoff-max=20ms", "--retries=100", "-c10",
		"--rejects=rejects", "--results=results.ndjson", "-q" };
	int n = 9;

	if (c->kind->events) {
		args[n++] = "-a";
		args[n++] = "track";
	}
	if (c->kind->batch)
		args[n++] = "--batch=40";
	args[n] = NULL;
	if (c->kind->from_stdin)
		harness_stdin(c->harness, c->input.data, c->input.len);
	uint64_t before = sandbox_counters(c->sandbox).requests;
	/* the time runs from the first request, however late that is */
	bool at_work = c->kills == 0 || !dice_one_in(&c->dice, 4);
	int64_t longest = c->kills == 0 ? 20 : !at_work || c->kills < 3 ? 100 : 900;
	struct harness_child *child = harness_start(c->harness, args);
	while (at_work && harness_peek(child)->status == -1 &&
	    !sandbox_wait(c->sandbox, before + 1, 2))
		;
	int64_t until = clock_now() + 1000 * (5 + dice_below(&c->dice, longest));
	while (clock_now() < until && harness_peek(child)->status == -1)
		unix_nap(2000);
	*killed = harness_peek(child)->status == -1 && c->kills < MOST_KILLS;
	if (*killed) {
		c->kill_at[c->kills++] = clock_now();
		harness_signal(child, SIGKILL);
	}
	const struct harness_run *run = harness_finish(child);
	if (*killed && was_complete(c)) {
		c->kills--;
		*killed = false;
	}
	return run;
}

/* Calls each for every row number in a body. */
static void each_row(const char *body, void (*each)(int row, void *arg), void *arg)
{
	for (const char *at = body; at && (at = strstr(at, "\"row\":")); at++)
		each(atoi(at + 6 + (at[6] == '"')), arg);
}

/* The rows that were answered well in a time. */
struct answered {
	bool rows[ROWS];
	int count;
};

static void see_answered(int row, void *arg)
{
	struct answered *a = arg;

	a->count += !a->rows[row];
	a->rows[row] = true;
}

static int answered_between(struct crash *c, int64_t from, int64_t to)
{
	struct answered seen = { .count = 0 };

	for (size_t i = 0, all = sandbox_arrivals(c->sandbox); i < all; i++) {
		struct sandbox_arrival a = sandbox_arrival(c->sandbox, i);
		if (a.status == 200 && a.answered_us >= from && a.answered_us <= to)
			each_row(a.body, see_answered, &seen);
	}
	return seen.count;
}

/* Half a second is promised of a machine that has time: where more want to run than there are
 * cores, it is as much longer. */
static int64_t half_a_second(void)
{
	double load = unix_load(), cores = os_processors();

	if (load < cores)
		return 500000;
	return (int64_t)(500000 * load / cores);
}

/* Records that came again although they had been accepted. What for is the kill that ended the run
 * they were accepted in: the runs after it may have been killed before they sent anything. */
struct again {
	const struct crash *crash;
	int64_t accepted_at[ROWS]; /* last */
	int blamed[ROWS];          /* the last kill it was counted for, from 1 */
	int64_t arrived;
	int count[MOST_KILLS];
};

static void see_again(int row, void *arg)
{
	struct again *a = arg;
	int k = 0;

	while (k < a->crash->kills && a->crash->kill_at[k] <= a->accepted_at[row])
		k++;
	if (!a->accepted_at[row] || k == a->crash->kills || a->crash->kill_at[k] > a->arrived ||
	    a->blamed[row] == k + 1)
		return;
	a->blamed[row] = k + 1;
	a->count[k]++;
}

static void see_accepted(int row, void *arg)
{
	struct again *a = arg;

	a->accepted_at[row] = a->arrived;
}

static void count_sent_again(struct crash *c)
{
	static struct again a;
	int in_flight = CONCURRENCY * (c->kind->batch ? BATCH_OPERATIONS : 1), worst = 0, sum = 0;

	memset(&a, 0, sizeof a);
	a.crash = c;
	for (size_t i = 0, all = sandbox_arrivals(c->sandbox); i < all; i++) {
		struct sandbox_arrival arrival = sandbox_arrival(c->sandbox, i);
		a.arrived = arrival.at_us;
		each_row(arrival.body, see_again, &a);
		if (arrival.status == 200)
			each_row(arrival.body, see_accepted, &a);
	}
	for (int k = 0; k < c->kills; k++) {
		int allowed = answered_between(c, c->kill_at[k] - half_a_second(), c->kill_at[k]) +
		    in_flight;
		ck_assert_msg(a.count[k] <= allowed,
		    "kill %d: %d records were sent again, at most %d should be", k, a.count[k],
		    allowed);
		sum += a.count[k];
		worst = a.count[k] > worst ? a.count[k] : worst;
	}
	printf("%s: %d kills survived, records sent again a kill: mean %.1f, worst %d\n",
	    c->kind->name, c->kills, c->kills ? (double)sum / c->kills : 0, worst);
}

static void check_people(struct crash *c)
{
	for (int p = 0; p < c->people; p++) {
		char id[16], row[16];
		snprintf(id, sizeof id, "p%d", p);
		json_t *person = sandbox_person(c->sandbox, id);
		if (c->last_row[p] < 0) {
			ck_assert_ptr_null(person);
			continue;
		}
		ck_assert_msg(person, "%s is missing", id);
		snprintf(row, sizeof row, "%d", c->last_row[p]);
		ck_assert_str_eq(json_string_value(json_object_get(person, "row")), row);
		ck_assert_str_eq(json_string_value(json_object_get(person, "note")), "a, b");
		json_decref(person);
	}
}

static void check_events(struct crash *c)
{
	json_t *events = sandbox_events(c->sandbox), *event;
	static bool seen[ROWS];
	size_t i;

	memset(seen, 0, sizeof seen);
	ck_assert_uint_eq(json_array_size(events), (size_t)(c->rows - c->invalid));
	json_array_foreach(events, i, event)
	{
		json_t *data = json_object_get(event, "data");
		int row = (int)json_integer_value(json_object_get(data ? data : event, "row"));
		ck_assert_msg(!seen[row], "the event of row %d is there twice", row);
		seen[row] = true;
	}
	json_decref(events);
}

static void check_files(struct crash *c)
{
	char *rejects = harness_read(c->harness, "rejects", NULL),
	     *results = harness_read(c->harness, "results.ndjson", NULL);

	ck_assert_ptr_nonnull(rejects);
	ck_assert_int_eq((int)harness_count_lines(rejects, "rejected"), c->invalid);
	for (int row = 0; row < c->rows; row++) {
		char part[32];
		snprintf(part, sizeof part, c->kind->events ? "\\\"row\\\":%d\"" : ",%d\"", row);
		if (is_invalid(row))
			ck_assert_msg(harness_count_lines(rejects, part) == 1,
			    "row %d is %zu times in the rejects", row,
			    harness_count_lines(rejects, part));
	}
	ck_assert_ptr_nonnull(results);
	ck_assert_uint_eq(harness_count_lines(results, "\"accepted\""),
	    (size_t)(c->rows - c->invalid));
	ck_assert_uint_eq(harness_count_lines(results, "\"rejected\""), (size_t)c->invalid);
	ck_assert_msg(!harness_exists(c->harness, state_name(c)), "the state file is still there");
	free(rejects);
	free(results);
}

START_TEST(killed_and_carried_on)
{
	static struct crash c;
	const struct sandbox_config config = {
		.keep_body = 600000,
		.chaos = { .unavailable = 4,
		    .error_after = 3,
		    .reset_before = 3,
		    .reset_after = 3,
		    .cut = 2,
		    .throttled = 1,
		    .delay_ms = 12 },
	};
	const struct harness_run *run;
	bool killed;
	int tries = 0;

	memset(&c, 0, sizeof c);
	c.kind = &kinds[_i % (int)(sizeof kinds / sizeof *kinds)];
	c.dice = dice_new(c.kind->name);
	struct sandbox_config mine = config;
	mine.chaos.seed = dice_next(&c.dice);
	c.sandbox = sandbox_start(&mine);
	ck_assert_ptr_nonnull(c.sandbox);
	c.harness = harness_new(c.sandbox);
	make_input(&c);
	harness_write(c.harness, c.kind->file, c.input.data, c.input.len);
	do { /* again where all was done before the first kill came */
		c.seen_state = false;
		do
			run = run_once(&c, &killed);
		while (killed);
	} while (c.kills == 0 && ++tries < 20);
	ck_assert_msg(run->status == 1 || run->status == 128 + SIGKILL, "exit status %d%s",
	    run->status, harness_show(run));
	ck_assert_int_gt(c.kills, 0);
	if (c.kind->events)
		check_events(&c);
	else
		check_people(&c);
	check_files(&c);
	count_sent_again(&c);
	fflush(stdout);
	buf_free(&c.input);
	harness_free(c.harness);
	sandbox_stop(c.sandbox);
}
END_TEST

Suite *crash_suite(void)
{
	Suite *s = suite_create("crash");
	TCase *t = tcase_create("crash");
	const char *given = getenv("CIO_CRASH_ROUNDS");
	int rounds = given ? atoi(given) : harness_is_under() ? 1 : 2;

	tcase_set_timeout(t, 180);
	tcase_add_loop_test(t, killed_and_carried_on, 0,
	    rounds * (int)(sizeof kinds / sizeof *kinds));
	suite_add_tcase(s, t);
	return s;
}
