/*
 * Messages and broadcasts that are killed at random moments, against a server that fails in all
 * ways, loses answers and goes away; carried on until the run is done. Then nobody was sent to
 * twice, by the server's own count, and each record is accounted for: what is said to be accepted
 * is there under the id that is told, and what is not there is unknown.
 * CIO_CRASH_ROUNDS sets how many runs of each kind (default 2).
 */
#include <check.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "dice.h"
#include "scene.h"
#include "unix.h"

Suite *once_suite(void);

#define PEOPLE 400
#define MOST_RUNS 200
#define WILD_RUNS 30 /* from then on they have the time to end */
#define ID_MAX 40

static const struct kind {
	const char *name, *what, *batch, *id; /* id: what a result calls it */
	bool resets;                          /* while the server is away; else it answers 503 */
} kinds[] = {
	{ "send-email", "--message=44", "--quiet", "delivery_id", false },
	{ "send-email", "--message=44", "--quiet", "delivery_id", true },
	{ "broadcast", "--broadcast=3", "--batch=5", "trigger_id", false },
	{ "broadcast", "--broadcast=3", "--batch=5", "trigger_id", true },
};

/* What became of each record, by its number from 1: as the results tell, and as the server has it.
 */
struct story {
	char told[PEOPLE + 1][ID_MAX];  /* its outcome, of an accepted one the id; "": nothing */
	char there[PEOPLE + 1][ID_MAX]; /* "": it was not sent */
	int accepted, unknown, sent;
};

static void write_input(struct scene *s)
{
	struct buf csv = { .max = BUF_UNBOUNDED };

	buf_str(&csv, "id,email,order\n");
	for (int i = 1; i <= PEOPLE; i++)
		buf_fmt(&csv, "p%d,p%d@example.com,%d\n", i, i, i);
	harness_write(s->harness, "in.csv", csv.data, csv.len);
	buf_free(&csv);
	harness_assert_status(HARNESS_RUN(s->harness, "in.csv", "--batch", "--quiet",
	                          "--rate=unlimited"),
	    0);
}

/* One run, killed if it does not end before; the server may go away, and come again. */
static int run_once(struct scene *s, const struct kind *k, struct dice *d, int runs)
{
	bool wild = runs < WILD_RUNS;
	char action[40];

	snprintf(action, sizeof action, "--action=%s", k->name);
	sandbox_set_outage(s->sandbox, wild && dice_one_in(d, 6));
	struct harness_child *child = HARNESS_START(s->harness, "in.csv", action, k->what, k->batch,
	    "-c4", "--rate=800", "--no-adapt", "--retries=50", "--give-up-after=1m",
	    "--backoff=1ms", "--backoff-max=10ms", "--summary=summary.json", "--results=results");
	unix_nap((int64_t)dice_below(d, wild ? 50000 : 2000000));
	sandbox_set_outage(s->sandbox, wild && dice_one_in(d, 4));
	unix_nap((int64_t)dice_below(d, wild ? 30000 : 10000000));
	sandbox_set_outage(s->sandbox, false);
	harness_signal(child, SIGKILL);
	return harness_finish(child)->status;
}

/* Until it is done, how many runs that took. A kill that came after the state was removed came
 * behind all that a run does. */
static int run_to_the_end(struct scene *s, const struct kind *k, struct dice *d)
{
	bool seen = false;

	for (int runs = 0;; runs++) {
		ck_assert_int_lt(runs, MOST_RUNS);
		int status = run_once(s, k, d, runs);
		bool there = harness_exists(s->harness, "in.csv.cio-state");
		if (status == 0 || status == 1 || (seen && !there))
			return runs + 1;
		ck_assert_int_eq(status, 128 + SIGKILL);
		seen |= there;
	}
}

static int number_of(const char *id)
{
	int n = id && *id == 'p' ? atoi(id + 1) : 0;

	ck_assert_msg(n >= 1 && n <= PEOPLE, "%s is nobody", id ? id : "nothing");
	return n;
}

static void read_results(struct scene *s, const struct kind *k, struct story *story)
{
	char *text = harness_read(s->harness, "results", NULL), *line;

	ck_assert_ptr_nonnull(text);
	for (size_t i = 0; (line = harness_line(text, i)) != NULL; i++) {
		json_t *o = json_loads(line, 0, NULL);
		ck_assert_msg(o != NULL, "%s", line);
		const char *outcome = json_string_value(json_object_get(o, "outcome"));
		const char *id = json_string_value(json_object_get(o, k->id));
		int n = (int)json_integer_value(json_object_get(o, "record"));
		ck_assert_msg(n >= 1 && n <= PEOPLE, "%s", line);
		char *told = story->told[n];
		if (strcmp(outcome, "skipped") != 0) {
			ck_assert_msg(!*told, "told before: %s: %s", told, line);
			snprintf(told, ID_MAX, "%s", id ? id : outcome);
			story->accepted += strcmp(outcome, "accepted") == 0;
			story->unknown += strcmp(outcome, "unknown") == 0;
		}
		json_decref(o);
		free(line);
	}
	free(text);
}

static void see_there(struct story *story, const json_t *who, const char *id)
{
	char *there = story->there[number_of(json_string_value(json_object_get(who, "id")))];

	ck_assert_msg(!*there, "%s was sent before, as %s", id, there);
	snprintf(there, ID_MAX, "%s", id);
	story->sent++;
}

static void read_server(struct scene *s, const struct kind *k, struct story *story)
{
	json_t *all = sandbox_messages(s->sandbox), *message, *who;
	size_t i, n;

	json_array_foreach(all, i, message)
	{
		const char *id = json_string_value(json_object_get(message, k->id));
		json_t *body = json_object_get(message, "body");
		json_t *users = json_object_get(body, "per_user_data");
		json_array_foreach(users, n, who) see_there(story, who, id);
		if (!users)
			see_there(story, json_object_get(body, "identifiers"), id);
	}
	json_decref(all);
}

static void check_story(struct scene *s, const struct story *story)
{
	for (int i = 1; i <= PEOPLE; i++)
		ck_assert_msg(strcmp(story->told[i], "unknown") == 0 ||
		        (*story->told[i] && strcmp(story->told[i], story->there[i]) == 0),
		    "record %d is told to be \"%s\", and there is \"%s\"", i, story->told[i],
		    story->there[i]);
	ck_assert_int_eq(story->accepted + story->unknown, PEOPLE);
	ck_assert_int_eq(scene_summary(s, "records"), PEOPLE);
	ck_assert_int_eq(scene_summary(s, "unknown"), story->unknown);
	ck_assert_int_eq(scene_summary(s, "processed"), story->accepted);
	char *rejects = harness_read(s->harness, "in.rejected.csv", NULL);
	ck_assert_uint_eq(rejects ? harness_count_lines(rejects, ",unknown,") : 0,
	    (size_t)story->unknown);
	free(rejects);
}

START_TEST(no_kill_sends_twice)
{
	static struct story story;
	const struct kind *k = &kinds[_i % (int)(sizeof kinds / sizeof *kinds)];
	struct dice d = dice_new(k->name);
	struct scene s = scene_open(&(struct sandbox_config){ .outage_resets = k->resets });

	memset(&story, 0, sizeof story);
	write_input(&s);
	sandbox_set_chaos(s.sandbox,
	    &(struct sandbox_chaos){ .seed = dice_next(&d),
	        .unavailable = 3,
	        .error_after = 2,
	        .reset_before = 2,
	        .reset_after = 2,
	        .cut = 2,
	        .cut_head = 1,
	        .throttled = 2,
	        .delay_ms = 5 });
	int runs = run_to_the_end(&s, k, &d);
	read_results(&s, k, &story);
	read_server(&s, k, &story);
	struct sandbox_counters c = sandbox_counters(s.sandbox);
	printf("%s%s: %d runs, %d sent, %d twice; %d accepted, %d unknown\n", k->name,
	    k->resets ? ", reset" : "", runs, story.sent, (int)c.messages_twice, story.accepted,
	    story.unknown);
	fflush(stdout);
	ck_assert_uint_eq(c.messages_twice, 0);
	ck_assert_uint_eq(c.messages, (uint64_t)story.sent);
	check_story(&s, &story);
	scene_close(&s);
}
END_TEST

Suite *once_suite(void)
{
	Suite *s = suite_create("once");
	TCase *t = tcase_create("once");
	const char *given = getenv("CIO_CRASH_ROUNDS");
	int rounds = given ? atoi(given) : harness_is_under() ? 1 : 2;

	tcase_set_timeout(t, 600);
	tcase_add_loop_test(t, no_kill_sends_twice, 0,
	    rounds * (int)(sizeof kinds / sizeof *kinds));
	suite_add_tcase(s, t);
	return s;
}
