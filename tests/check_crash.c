/*
 * kill -9 at random moments of a run against a server with delays, errors, resets and 429s; carried
 * on until it is done. In between the directory is moved with all that is in it, the input is cut
 * short or rewritten (which is refused, and put right), and in every other round it grows. Then
 * every person has the attributes of their last row, every event is there once, the rejects are the
 * invalid records, and nothing was sent again that did not have to be.
 * CIO_CRASH_ROUNDS sets how many runs of each kind (default 2). Under a sanitizer, where
 * one takes minutes, it is one of each; under valgrind, too, with fewer rows.
 */
#include <check.h>
#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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
	bool grows;   /* the input does, and the state is kept */
	size_t given; /* bytes of it so far */
	int moves;    /* of the directory */
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

/* A file where it is now. */
static const char *file(struct crash *c, const char *name)
{
	char path[80];

	snprintf(path, sizeof path, "d%d/%s", c->moves, name);
	return harness_path(c->harness, path);
}

static const char *state_name(struct crash *c)
{
	return file(c,
	    c->kind->from_stdin ? "in.state" :
	        c->kind->events ? "in.ndjson.cio-state" :
	                          "in.csv.cio-state");
}

static void give(struct crash *c, const char *data, size_t n)
{
	if (c->kind->from_stdin)
		harness_stdin(c->harness, data, n);
	else
		harness_write(c->harness, file(c, c->kind->file), data, n);
}

/* The kill came after the last thing that a run does: it was complete, and its state file is gone;
 * or where it is kept, whatever comes next is another run. */
static bool was_complete(struct crash *c)
{
	bool there = harness_exists(c->harness, state_name(c));

	c->seen_state |= there;
	return c->seen_state && !there;
}

/* Whether the state says that something is settled. */
static bool has_settled(struct crash *c)
{
	sqlite3 *db;
	sqlite3_stmt *q;
	bool settled = false;

	if (!harness_exists(c->harness, state_name(c)))
		return false;
	ck_assert_int_eq(sqlite3_open(state_name(c), &db), SQLITE_OK);
	if (sqlite3_prepare_v2(db, "SELECT hash FROM progress", -1, &q, NULL) == SQLITE_OK)
		settled = sqlite3_step(q) == SQLITE_ROW && sqlite3_column_int64(q, 0) != 0;
	sqlite3_finalize(q);
	sqlite3_close(db);
	return settled;
}

static struct harness_child *start(struct crash *c)
{
	char state[100], rejects[100], results[100];
	const char *args[20] = { "--rate=unlimited", "--backoff=5ms", "--backoff-max=20ms",
		"--retries=100", "-c10", "-q", rejects, results };
	int n = 8;

	snprintf(state, sizeof state, "--state=d%d/in.state", c->moves);
	snprintf(rejects, sizeof rejects, "--rejects=d%d/rejects", c->moves);
	snprintf(results, sizeof results, "--results=d%d/results.ndjson", c->moves);
	args[n++] = c->kind->from_stdin ? state : file(c, c->kind->file);
	if (c->kind->events) {
		args[n++] = "-a";
		args[n++] = "track";
	}
	if (c->kind->batch)
		args[n++] = "--batch=40";
	if (c->grows)
		args[n++] = "--keep-state";
	args[n] = NULL;
	return harness_start(c->harness, args);
}

static size_t requests_but_checks(struct crash *c)
{
	size_t n = 0;

	for (size_t i = 0, all = sandbox_arrivals(c->sandbox); i < all; i++)
		n += strcmp(sandbox_arrival(c->sandbox, i).method, "GET") != 0;
	return n;
}

/* The input is cut short, or is another one: that is refused, nothing is sent, and the state is as
 * it was. */
static void spoil(struct crash *c)
{
	size_t n = c->kind->events ? 0 : strlen("id,row,note\n"), before = requests_but_checks(c);
	struct buf other = { .max = BUF_UNBOUNDED };

	if (!has_settled(c))
		return;
	if (n)
		buf_add(&other, c->input.data, n);
	for (int i = 0, rows = dice_one_in(&c->dice, 2) ? 0 : 5000; i < rows; i++)
		buf_fmt(&other, c->kind->events ? "{\"id\":\"x%d\",\"name\":\"n\"}\n" : "x%d,0,y\n",
		    i);
	give(c, other.data ? other.data : "", other.len);
	const struct harness_run *run = harness_finish(start(c));
	ck_assert_msg(run->status == 65, "exit status %d%s", run->status, harness_show(run));
	ck_assert_uint_eq(requests_but_checks(c), before);
	ck_assert(has_settled(c));
	buf_free(&other);
}

/* All of it, under another name. */
static void move(struct crash *c)
{
	const char *from = file(c, ".");

	c->moves++;
	char to[20];
	snprintf(to, sizeof to, "d%d", c->moves);
	char *old = xstrndup(from, strlen(from) - 2);
	ck_assert_int_eq(rename(old, harness_path(c->harness, to)), 0);
	free(old);
}

/* The next piece of an input that grows, which ends with a row. */
static void grow(struct crash *c)
{
	size_t left = c->input.len - c->given;

	if (left == 0 || (c->given && !dice_one_in(&c->dice, 2)))
		return;
	c->given += c->given ? (size_t)dice_below(&c->dice, (int64_t)left + 1) : left / 2;
	while (c->given < c->input.len && c->input.data[c->given - 1] != '\n')
		c->given++;
}

static const struct harness_run *run_once(struct crash *c, bool *killed)
{
	if (c->kills && dice_one_in(&c->dice, 8))
		move(c);
	if (c->kills && dice_one_in(&c->dice, 8))
		spoil(c);
	if (c->grows)
		grow(c);
	give(c, c->input.data, c->given);
	uint64_t before = sandbox_counters(c->sandbox).requests;
	/* the time runs from the first request, however late that is */
	bool at_work = c->kills == 0 || !dice_one_in(&c->dice, 4);
	int64_t longest = c->kills == 0 ? 20 : !at_work || c->kills < 3 ? 100 : 900;
	struct harness_child *child = start(c);
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
	if (*killed && !c->grows && was_complete(c)) {
		c->kills--;
		*killed = false;
	}
	return run;
}

/* As strstr, of a name with its quotes. Under a sanitizer strstr takes the length of all that is
 * left, each time. */
static const char *find(const char *text, const char *name)
{
	while ((text = strchr(text, '"')) != NULL && strncmp(text, name, strlen(name)) != 0)
		text++;
	return text;
}

/* Calls each for every row number in a body. */
static void each_row(const char *body, void (*each)(int row, void *arg), void *arg)
{
	for (const char *at = body; at && (at = find(at, "\"row\":")) != NULL; at++)
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

/* What is in a file, and where the runs were several in those of its name that were set aside: to
 * free. */
static char *read_all(struct crash *c, const char *name)
{
	struct buf all = { .max = BUF_UNBOUNDED };

	for (int n = 0; n == 0 || c->grows; n++) {
		char aside[60];
		snprintf(aside, sizeof aside, n > 1 ? "%s.~%d~" : n ? "%s~" : "%s", name, n);
		char *text = harness_read(c->harness, file(c, aside), NULL);
		if (!text && n > 0)
			break;
		buf_str(&all, text ? text : "");
		free(text);
	}
	buf_byte(&all, '\0');
	return all.data;
}

/* Each invalid row is there; once, but for what a killed run wrote and did not live to count, which
 * is in a file that was set aside. */
static void check_rejects(struct crash *c)
{
	char *rejects = read_all(c, "rejects");

	for (int row = 0; row < c->rows; row++) {
		char part[32];
		snprintf(part, sizeof part, c->kind->events ? "\\\"row\\\":%d\"" : ",%d\"", row);
		size_t times = harness_count_lines(rejects, part);
		if (is_invalid(row))
			ck_assert_msg(times == 1 || (c->grows && times > 1),
			    "row %d is %zu times in the rejects", row, times);
	}
	if (!c->grows)
		ck_assert_int_eq((int)harness_count_lines(rejects, "rejected"), c->invalid);
	free(rejects);
}

static void check_results(struct crash *c)
{
	char *results = read_all(c, "results.ndjson");
	int settled = 0;
	static bool seen[ROWS + 1];

	memset(seen, 0, sizeof seen);
	for (const char *line = results; *line; line = strchr(line, '\n') + 1) {
		int number = atoi(line + strlen("{\"record\":"));
		const char *outcome = find(line, "\"outcome\":\"") + strlen("\"outcome\":\"");
		if (strncmp(outcome, "skipped", 7) == 0)
			continue;
		ck_assert(number > 0 && number <= c->rows);
		ck_assert_msg(!seen[number] || c->grows, "record %d is there twice", number);
		ck_assert_int_eq(*outcome == 'a', !is_invalid(number - 1));
		settled += !seen[number];
		seen[number] = true;
	}
	ck_assert_int_eq(settled, c->rows);
	free(results);
}

static void check_files(struct crash *c)
{
	check_rejects(c);
	check_results(c);
	ck_assert_int_eq(harness_exists(c->harness, state_name(c)), c->grows);
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
	/* a stream's state is kept anyway */
	c.grows = c.kind->from_stdin || _i / (int)(sizeof kinds / sizeof *kinds) % 2;
	c.dice = dice_new(c.kind->name);
	struct sandbox_config mine = config;
	mine.chaos.seed = dice_next(&c.dice);
	c.sandbox = sandbox_start(&mine);
	ck_assert_ptr_nonnull(c.sandbox);
	c.harness = harness_new(c.sandbox);
	make_input(&c);
	ck_assert_int_eq(mkdir(harness_path(c.harness, "d0"), 0700), 0);
	c.given = c.grows ? 0 : c.input.len;
	do { /* again where all was done before the first kill came */
		c.seen_state = false;
		do
			run = run_once(&c, &killed);
		while (killed || c.given < c.input.len);
	} while (c.kills == 0 && !c.grows && ++tries < 20);
	ck_assert_msg(run->status == 1 || run->status == 128 + SIGKILL ||
	        (c.grows && run->status == 0),
	    "exit status %d%s", run->status, harness_show(run));
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

#ifdef CIO_SANITIZED
#define ROUNDS 1
#else
#define ROUNDS 2
#endif

Suite *crash_suite(void)
{
	Suite *s = suite_create("crash");
	TCase *t = tcase_create("crash");
	const char *given = getenv("CIO_CRASH_ROUNDS");
	int rounds = given ? atoi(given) : harness_is_under() ? 1 : ROUNDS;

	tcase_set_timeout(t, 600);
	tcase_add_loop_test(t, killed_and_carried_on, 0,
	    rounds * (int)(sizeof kinds / sizeof *kinds));
	suite_add_tcase(s, t);
	return s;
}
