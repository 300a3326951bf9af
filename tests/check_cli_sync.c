/* --sync, --sync-deletes and --max-deletes: nightly files against the sandbox, with failures in
 * between. */
#include <check.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "dice.h"
#include "scene.h"
#include "unix.h"

Suite *cli_sync_suite(void);

#define LENGTH(array) ((int)(sizeof(array) / sizeof *(array)))

static struct scene scene;

static void setup(void)
{
	scene = scene_open(NULL);
}

static void teardown(void)
{
	scene_close(&scene);
}

/* Every run's options, and then the test's own, up to NULL. */
static const char *const usual[] = {
	"--sync=people.sync",
	"--sync-deletes=delete",
	"--max-deletes=100%",
	"--rate=unlimited",
	"--backoff=2ms",
	"--backoff-max=10ms",
	"--summary=summary.json",
	"in.csv",
};
#define ARGS_MAX 24

static void fill_args(const char *args[ARGS_MAX], const char *const more[])
{
	int n = 0;

	for (int i = 0; i < LENGTH(usual); i++)
		args[n++] = usual[i];
	for (int i = 0; more[i]; i++)
		args[n++] = more[i];
	args[n] = NULL;
}

static const struct harness_run *run_with(const char *const more[])
{
	const char *args[ARGS_MAX];

	fill_args(args, more);
	return harness_run(scene.harness, args);
}

static struct harness_child *start_with(const char *const more[])
{
	const char *args[ARGS_MAX];

	fill_args(args, more);
	return harness_start(scene.harness, args);
}

#define RUN(...) run_with((const char *const[]){ __VA_ARGS__, NULL })
#define START(...) start_with((const char *const[]){ __VA_ARGS__, NULL })

static void write_input(const char *text)
{
	harness_write_text(scene.harness, "in.csv", text);
}

/* Runs it over that file, which goes well. */
static void night(const char *text)
{
	write_input(text);
	harness_assert_status(RUN("-v"), 0);
}

static uint64_t operations(void)
{
	return sandbox_counters(scene.sandbox).operations;
}

static void wait_for_operations(uint64_t n)
{
	for (int64_t until = clock_now() + SOON * 1000; operations() < n; unix_nap(2000))
		ck_assert_msg(clock_now() < until, "%d operations of %d have come",
		    (int)operations(), (int)n);
}

/* The people at the server, p0 to p9 all of them: "p1=1 p2=1 " from their attribute `value`, in
 * order. */
static void expect_people(const char *want)
{
	json_t *people = sandbox_people(scene.sandbox);
	char got[200] = "", name[20];
	size_t count = 0;

	for (int p = 0; p < 10; p++) {
		snprintf(name, sizeof name, "p%d", p);
		json_t *one = json_object_get(people, name);
		if (!one)
			continue;
		count++;
		snprintf(got + strlen(got), sizeof got - strlen(got), "%s=%s ", name,
		    json_string_value(json_object_get(one, "value")));
	}
	ck_assert_str_eq(got, want);
	ck_assert_uint_eq(count, json_object_size(people));
	json_decref(people);
}

static void add_fault(const char *method, const char *person, enum sandbox_act act, int status,
    bool process)
{
	struct sandbox_rule rule = {
		.method = method,
		.person = person,
		.times = -1,
		.fault = { .act = act, .status = status, .process = process },
	};

	sandbox_add_rule(scene.sandbox, &rule);
}

/* -- a model over random nights -- */

#define PEOPLE 60
#define NIGHTS 10

enum trouble {
	TROUBLE_NONE,
	TROUBLE_CHAOS,
	TROUBLE_KILLS,
	TROUBLE_REFUSED,
	TROUBLE_ABANDONED,
	TROUBLES
};

/* What the file's last rows say. */
/* value 0: not there; extra: a column that came later */
struct people {
	int value[PEOPLE];
	bool extra;
};

static void next_day(struct people *p, struct dice *d)
{
	int busy = 1 + (int)dice_below(d, 12);

	for (int i = 0; i < PEOPLE; i++)
		if (dice_one_in(d, busy))
			p->value[i] = dice_one_in(d, 3) ? 0 : 1 + (int)dice_below(d, 3);
	p->extra |= dice_one_in(d, 8);
	p->value[0] = 1; /* an empty input deletes nobody */
}

static void add_row(struct buf *out, const struct people *p, int i, int value)
{
	buf_fmt(out, "%s%d,%d%s\n", i % 2 ? "q@" : "p", i, value, p->extra ? ",more" : "");
}

/* Rows in any order; some people have earlier rows, with other values. Returns how many rows too
 * many there are. */
static int write_night(const struct people *p, struct dice *d)
{
	struct buf out = { .max = 100000 };
	int order[PEOPLE], earlier = 0;

	buf_fmt(&out, "id,value%s\n", p->extra ? ",extra" : "");
	for (int i = 0; i < PEOPLE; i++) {
		int at = (int)dice_below(d, i + 1);
		order[i] = order[at];
		order[at] = i;
	}
	bool repeat = dice_one_in(d, 2);
	for (int k = 0; k < PEOPLE && repeat; k++)
		if (p->value[order[k]] && dice_one_in(d, 4)) {
			add_row(&out, p, order[k], 1 + (int)dice_below(d, 3));
			earlier++;
		}
	for (int k = 0; k < PEOPLE; k++)
		if (p->value[order[k]])
			add_row(&out, p, order[k], p->value[order[k]]);
	harness_write(scene.harness, "in.csv", out.data, out.len);
	buf_free(&out);
	return earlier;
}

static void expect_server(const struct people *p)
{
	json_t *want = json_object(), *is = sandbox_people(scene.sandbox);
	char id[20], value[20];

	for (int i = 0; i < PEOPLE; i++) {
		if (!p->value[i])
			continue;
		snprintf(id, sizeof id, "%s%d", i % 2 ? "q@" : "p", i);
		snprintf(value, sizeof value, "%d", p->value[i]);
		json_t *one = json_pack("{s:s}", "value", value);
		if (p->extra)
			json_object_set_new(one, "extra", json_string("more"));
		json_object_set_new(want, id, one);
	}
	char *a = json_dumps(want, JSON_SORT_KEYS), *b = json_dumps(is, JSON_SORT_KEYS);
	ck_assert_msg(json_equal(want, is), "the file has %s\nthe server %s", a, b);
	free(a);
	free(b);
	json_decref(want);
	json_decref(is);
}

static int count_changes(const struct people *was, const struct people *is)
{
	int n = 0;

	for (int i = 0; i < PEOPLE; i++)
		n += was->value[i] != is->value[i] || (is->value[i] && was->extra != is->extra);
	return n;
}

/* Runs that are killed when so many requests have come, or that end before. The state is kept, or
 * not. */
static void killed_runs(struct dice *d, int runs, const char *batch, const char *state)
{
	while (runs-- > 0) {
		uint64_t enough = sandbox_counters(scene.sandbox).requests + 2 +
		    (uint64_t)dice_below(d, 20);
		struct harness_child *child = START("--retries=200", batch, state, "-q");
		while (
		    harness_peek(child)->status == -1 && !sandbox_wait(scene.sandbox, enough, 10))
			;
		unix_nap(dice_below(d, 4000));
		harness_signal(child, SIGKILL);
		harness_finish(child);
	}
}

static void make_trouble(enum trouble trouble, struct people *p, struct dice *d, const char *batch)
{
	struct sandbox_chaos chaos = {
		.seed = dice_next(d),
		.unavailable = 10,
		.error_after = 10,
		.reset_before = 5,
		.reset_after = 5,
		.cut = 5,
		.throttled = 2,
		.delay_ms = 4,
	};
	const char *state = dice_one_in(d, 2) ? "--no-state" : "--state=in.state";
	struct people wanted = *p;
	char id[20];
	int i = 2 * (int)dice_below(d, PEOPLE / 2);

	switch (trouble) {
	case TROUBLE_CHAOS: /* with few retries: some fail */
		sandbox_set_chaos(scene.sandbox, &chaos);
		RUN("--retries=1", batch, "--no-state", "-q");
		break;
	/* a file that is given up, in favour of the one before or another */
	case TROUBLE_ABANDONED:
		next_day(&wanted, d);
		wanted.extra = p->extra; /* the server would keep it */
		write_night(&wanted, d);
		/* fallthrough */
	case TROUBLE_KILLS:
		chaos.throttled = 0;
		sandbox_set_chaos(scene.sandbox, &chaos);
		killed_runs(d, 1 + (int)dice_below(d, 3), batch, state);
		break;
	case TROUBLE_REFUSED:
		snprintf(id, sizeof id, "p%d", i);
		add_fault(NULL, id, SANDBOX_STATUS, 400, false);
		RUN(batch, "--no-state", "-q");
		break;
	default:
		break;
	}
	sandbox_clear_rules(scene.sandbox);
	sandbox_set_chaos(scene.sandbox, &(struct sandbox_chaos){ 0 });
}

/* Under valgrind there is a night for each kind of trouble. */
START_TEST(nights_agree_with_a_model)
{
	int nights = harness_is_under() ? TROUBLES : NIGHTS;
	struct dice d = dice_new("nights_agree_with_a_model");
	struct people was = { .extra = false }, is = was;

	for (int n = 0; n < nights; n++) {
		enum trouble trouble = (enum trouble)(
		    harness_is_under() ? n : dice_below(&d, TROUBLES));
		const char *batch = dice_one_in(&d, 2) ? "--batch=7" : "-c4";
		next_day(&is, &d);
		int earlier = write_night(&is, &d);
		make_trouble(trouble, &is, &d, batch);
		if (trouble == TROUBLE_ABANDONED)
			earlier = write_night(&is, &d);
		uint64_t before = operations();
		const struct harness_run *run = RUN("--retries=200", batch, "--state=in.state",
		    dice_one_in(&d, 2) ? "--restart" : "-v");
		printf("night %d: trouble %d, %s, %d earlier rows\n", n, trouble, batch, earlier);
		fflush(stdout);
		harness_assert_status(run, 0);
		expect_server(&is);
		int sent = (int)(operations() - before), changes = count_changes(&was, &is);
		if (trouble == TROUBLE_NONE)
			ck_assert_msg(sent >= changes && sent <= changes + 2 * earlier,
			    "%d sent for %d changes and %d earlier rows", sent, changes, earlier);
		was = is;
	}
}
END_TEST

/* -- what is sent -- */

START_TEST(what_is_unchanged_is_not_sent)
{
	static const char first[] = "id,value\np1,1\np2,1\np3,1\n",
	                  second[] = "value,id\n1,p3\n2,p2\n1,p1\n1,p4\n";

	night(first);
	ck_assert_uint_eq(operations(), 3);
	night(first);
	ck_assert_uint_eq(operations(), 3);
	ck_assert_int_eq(scene_summary(&scene, "skipped"), 3);
	write_input(second);
	/* the other API, and columns in another order */
	harness_assert_status(RUN("--results=results", "--batch"), 0);
	ck_assert_uint_eq(operations(), 5);
	harness_assert_file_is(scene.harness, "results",
	    "{\"record\":1,\"line\":2,\"id\":\"p3\",\"action\":\"identify\",\"outcome\":"
	    "\"skipped\",\"attempts\":0}\n"
	    "{\"record\":3,\"line\":4,\"id\":\"p1\",\"action\":\"identify\",\"outcome\":"
	    "\"skipped\",\"attempts\":0}\n"
	    "{\"record\":2,\"line\":3,\"id\":\"p2\",\"action\":\"identify\",\"outcome\":"
	    "\"accepted\",\"status\":200,\"attempts\":1}\n"
	    "{\"record\":4,\"line\":5,\"id\":\"p4\",\"action\":\"identify\",\"outcome\":"
	    "\"accepted\",\"status\":200,\"attempts\":1}\n");
	expect_people("p1=1 p2=2 p3=1 p4=1 ");
}
END_TEST

/* More than a run reads before it looks at the world again. */
START_TEST(many_are_unchanged)
{
	int people = harness_is_under() ? 21000 : 45000;

	scene_write_people(&scene, "in.csv", people);
	/* the server has valgrind to bear, too */
	harness_assert_status(RUN("--batch", "-q", "--timeout=10m"), 0);
	ck_assert_uint_eq(operations(), people);
	const struct harness_run *run = RUN("-q");
	harness_assert_status(run, 0);
	ck_assert_int_eq(scene_summary(&scene, "skipped"), people);
	ck_assert_int_eq(scene_summary(&scene, "requests"), 1);
	ck_assert_uint_eq(operations(), people);
}
END_TEST

/* The last row wins, and is what is compared the next night. */
START_TEST(the_last_row_of_a_person_wins)
{
	night("id,value\np1,1\np2,1\n");
	night("id,value\np1,2\np1,3\np2,1\np1,1\n"); /* as accepted last night, but not since */
	expect_people("p1=1 p2=1 ");
	night("id,value\np2,1\np1,1\n");
	ck_assert_uint_eq(operations(), 5);
}
END_TEST

static const char *value_of(const char *id)
{
	json_t *person = sandbox_person(scene.sandbox, id);
	const char *value = json_string_value(json_object_get(person, "value"));
	const char *kept = value ? harness_path(scene.harness, value) : NULL; /* it outlives */

	json_decref(person);
	return kept ? strrchr(kept, '/') + 1 : NULL;
}

/* What an emptied cell and a column that is gone mean to a sync (the manual). */
START_TEST(emptied_cells_and_columns)
{
	const char *empty = _i ? "--empty=clear" : "--empty=skip";

	night("id,value\np1,1\np2,1\n");
	write_input("id,value\np1,\np2,1\n");
	harness_assert_status(RUN(empty), 0);
	ck_assert_uint_eq(operations(), 3);
	if (_i)
		ck_assert_ptr_null(value_of("p1"));
	else
		ck_assert_str_eq(value_of("p1"), "1");
	write_input("id\np1\np2\n");
	harness_assert_status(RUN(empty), 0);
	ck_assert_uint_eq(operations(), _i ? 5 : 4);
	ck_assert_str_eq(value_of("p2"), "1");
	harness_assert_status(RUN(empty), 0);
	ck_assert_uint_eq(operations(), _i ? 5 : 4);
}
END_TEST

/* Nights of a person with several rows, and how many operations come of each. Rows that came as
 * they came are not sent again; from the first that differs on all are; and the last one counts. */
static const struct {
	const char *rows;
	int operations;
	const char *people;
	bool said;
} several[] = {
	{ "p1,1\np2,1\np1,2\np1,3\n", 4, "p1=3 p2=1 ", true },
	{ "p1,1\np2,1\np1,2\np1,3\n", 0, "p1=3 p2=1 ", true },
	{ "p1,1\np1,2\np1,3\np2,1\n", 0, "p1=3 p2=1 ", true },
	{ "p1,1\np2,1\np1,4\np1,3\n", 2, "p1=3 p2=1 ", true },
	{ "p1,1\np2,1\np1,4\np1,3\n", 0, "p1=3 p2=1 ", true },
	{ "p1,1\np2,1\np1,4\n", 1, "p1=4 p2=1 ", true }, /* the last one is gone */
	{ "p1,1\np2,1\np1,4\n", 0, "p1=4 p2=1 ", true },
	{ "p1,1\np2,1\n", 1, "p1=1 p2=1 ", false },
	{ "p1,1\np2,1\n", 0, "p1=1 p2=1 ", false },
	{ "p1,1\np2,1\np1,1\n", 0, "p1=1 p2=1 ", false }, /* twice the same */
	{ "p1,1\np2,1\np1,5\n", 1, "p1=5 p2=1 ", true },
	{ "p2,1\np1,5\n", 0, "p1=5 p2=1 ", false },
	{ "p1,5\np1,6\np2,1\np2,2\n", 2, "p1=6 p2=2 ", true },
	{ "p1,5\np1,6\np2,1\np2,2\n", 0, "p1=6 p2=2 ", true },
	{ "p1,5\np2,1\n", 2, "p1=5 p2=1 ", false },
};

START_TEST(several_rows_are_not_sent_every_night)
{
	const char *batch = _i % 2 ? "--batch" : "-c4", *state = _i / 2 ? "--no-state" : "-v";

	for (int n = 0; n < LENGTH(several); n++) {
		struct buf text = { .max = BUF_UNBOUNDED };
		uint64_t before = operations();
		buf_fmt(&text, "id,value\n%s", several[n].rows);
		buf_byte(&text, '\0');
		write_input(text.data);
		buf_free(&text);
		const struct harness_run *run = RUN(batch, state);
		harness_assert_status(run, 0);
		ck_assert_msg(operations() - before == (unsigned)several[n].operations,
		    "night %d: %d operations", n, (int)(operations() - before));
		expect_people(several[n].people);
		ck_assert_int_eq(harness_count_lines(run->err,
		                     "more than once with different values: the last row counts"),
		    several[n].said);
		ck_assert_int_eq(scene_summary(&scene, "skipped") + several[n].operations,
		    (int64_t)harness_count_lines(several[n].rows, ""));
	}
}
END_TEST

/* A dry run tells what would be sent of them. */
START_TEST(a_dry_run_knows_several_rows)
{
	night("id,value\np1,1\np1,2\n");
	write_input("id,value\np1,1\np1,2\n");
	harness_assert_err_has(RUN("-n"), "  requests  0\n");
	write_input("id,value\np1,1\n");
	const struct harness_run *run = RUN("-n");
	harness_assert_err_has(run, "  requests  1\n");
	harness_assert_out_has(run, "\"value\":\"1\"");
}
END_TEST

/* Stopped while a row is held back, it is carried on. */
START_TEST(a_row_that_was_held_back_is_not_lost)
{
	struct buf text = { .max = BUF_UNBOUNDED };

	night("id,value\np1,1\np1,2\n");
	buf_str(&text, "id,value\np1,1\n");
	for (int i = 0; i < 3; i++)
		buf_fmt(&text, "p%d,7\n", i + 2);
	buf_byte(&text, '\0');
	write_input(text.data);
	buf_free(&text);
	add_fault(NULL, "p4", SANDBOX_STATUS, 401, false);
	harness_assert_status(RUN("-c1", "--state=in.state"), 77);
	sandbox_clear_rules(scene.sandbox);
	harness_assert_status(RUN("-c1", "--state=in.state"), 0);
	expect_people("p1=1 p2=7 p3=7 p4=7 ");
}
END_TEST

START_TEST(an_address_in_other_letters_is_the_same_person)
{
	night("email,value\nAnn@example.com,1\n");
	night("email,value\nann@EXAMPLE.com,1\n");
	ck_assert_uint_eq(operations(), 1);
	ck_assert_int_eq(scene_summary(&scene, "skipped"), 1);
}
END_TEST

/* What the server has after an attempt that got no answer, or a bad one, is not known: the old row
 * is sent again. */
START_TEST(an_old_value_is_sent_after_a_failure)
{
	static const enum sandbox_act acts[] = { SANDBOX_STATUS, SANDBOX_RESET };

	night("id,value\np1,1\np2,1\n");
	add_fault("PUT", "p1", acts[_i], 500, true);
	write_input("id,value\np1,2\np2,1\n");
	harness_assert_status(RUN("--retries=0"), 1);
	expect_people("p1=2 p2=1 ");
	sandbox_clear_rules(scene.sandbox);
	night("id,value\np1,1\np2,1\n");
	expect_people("p1=1 p2=1 ");
}
END_TEST

/* The same after a kill -9: that somebody is sent is on the disk before anything leaves. */
START_TEST(an_old_value_is_sent_after_a_kill)
{
	const char *batch = _i == 1 ? "--batch" : "-c3";

	night("id,value\np1,1\np2,1\n");
	add_fault(_i == 1 ? "POST" : "PUT", "p1", SANDBOX_HANG, 0, true);
	write_input("id,value\np1,2\np2,1\n");
	uint64_t before = operations();
	struct harness_child *child = START(batch, "--no-state");
	wait_for_operations(before + 1);
	harness_signal(child, SIGKILL);
	harness_finish(child);
	expect_people("p1=2 p2=1 ");
	sandbox_clear_rules(scene.sandbox);
	night("id,value\np1,1\np2,1\n");
	expect_people("p1=1 p2=1 ");
}
END_TEST

/* Nor is the mark of a person's second row taken away by the first. */
START_TEST(a_mark_stays_until_the_last_row_is_settled)
{
	const char *batch = _i == 1 ? "--batch=1" : "-c3";
	struct sandbox_rule second = {
		.person = "p1",
		.times = -1,
		.passes = 1,
		.fault = { .act = SANDBOX_HANG, .process = true },
	};

	sandbox_add_rule(scene.sandbox, &second);
	write_input("id,value\np1,1\np1,2\np2,1\n");
	struct harness_child *child = START(batch, "--no-state");
	wait_for_operations(3);
	unix_nap(400000); /* the first is written down */
	harness_signal(child, SIGKILL);
	harness_finish(child);
	expect_people("p1=2 p2=1 ");
	sandbox_clear_rules(scene.sandbox);
	night("id,value\np1,1\np2,1\n");
	expect_people("p1=1 p2=1 ");
	ck_assert_int_eq(scene_summary(&scene, "skipped"), 1);
}
END_TEST

/* Nor is it known of somebody new, who must be found when he is gone. */
START_TEST(somebody_new_is_remembered_after_a_kill)
{
	night("id,value\np1,1\n");
	add_fault("PUT", "p2", SANDBOX_HANG, 0, true);
	write_input("id,value\np1,1\np2,1\n");
	struct harness_child *child = START("--no-state");
	wait_for_operations(2);
	harness_signal(child, SIGKILL);
	harness_finish(child);
	expect_people("p1=1 p2=1 ");
	sandbox_clear_rules(scene.sandbox);
	night("id,value\np1,1\n");
	expect_people("p1=1 ");
}
END_TEST

START_TEST(who_was_not_accepted_stays_due)
{
	add_fault("PUT", "p1", SANDBOX_STATUS, _i == 0 ? 400 : 500, false);
	write_input("id,value\np1,1\np2,1\n");
	harness_assert_status(RUN("--retries=0"), 1);
	sandbox_clear_rules(scene.sandbox);
	night("id,value\np1,1\np2,1\n");
	expect_people("p1=1 p2=1 ");
	night("id,value\np1,1\np2,1\n");
	ck_assert_int_eq(scene_summary(&scene, "skipped"), 2);
}
END_TEST

/* Somebody who was never accepted is nobody to delete. */
START_TEST(who_was_refused_is_not_deleted)
{
	add_fault("PUT", "p1", SANDBOX_STATUS, 400, false);
	write_input("id,value\np1,1\np2,1\n");
	harness_assert_status(RUN("-v"), 1);
	night("id,value\np2,1\n");
	ck_assert_int_eq(scene_summary(&scene, "records"), 1);
}
END_TEST

/* -- deletes -- */

START_TEST(who_is_gone_is_deleted)
{
	static const struct {
		const char *option, *action;
		bool batch;
	} ways[] = {
		{ "-v", "delete", false },
		{ "--batch", "delete", true },
		{ "--sync-deletes=suppress", "suppress", false },
		{ "--sync-deletes=suppress", "suppress", true },
	};
	char want[500];

	night("id,value\np1,1\np2,1\np3,1\n");
	write_input("id,value\np1,1\np3,2\n");
	const struct harness_run *run = RUN(ways[_i].option, ways[_i].batch ? "--batch" : "-c1",
	    "--results=results", "--progress=plain", "--progress-every=1");
	harness_assert_status(run, 0);
	harness_assert_err_has(run, "Progress: 3/3 (0 errors)");
	harness_assert_err_has(run, "Done: 3 processed, 0 errors");
	snprintf(want, sizeof want,
	    "{\"record\":1,\"line\":2,\"id\":\"p1\",\"action\":\"identify\",\"outcome\":"
	    "\"skipped\",\"attempts\":0}\n"
	    "{\"record\":2,\"line\":3,\"id\":\"p3\",\"action\":\"identify\",\"outcome\":"
	    "\"accepted\",\"status\":200,\"attempts\":1}\n"
	    "{\"id\":\"p2\",\"action\":\"%s\",\"outcome\":\"accepted\",\"status\":200,\"attempts\":"
	    "1}\n",
	    ways[_i].action);
	harness_assert_file_is(scene.harness, "results", want);
	ck_assert_int_eq(scene_summary(&scene, "records"), 3);
	ck_assert_int_eq(scene_summary(&scene, "deletes"), 1);
	if (strcmp(ways[_i].action, "delete") == 0)
		expect_people("p1=1 p3=2 ");
	else
		ck_assert(sandbox_suppressed(scene.sandbox, "p2"));
	ck_assert(!harness_exists(scene.harness, "in.csv.cio-state"));
	night("id,value\np1,1\np3,2\n");
	ck_assert_int_eq(scene_summary(&scene, "records"), 2); /* he is not missed twice */
	night("id,value\np1,1\np2,1\np3,2\n");
	ck_assert_int_eq(scene_summary(&scene, "accepted"), 1); /* and new when he comes back */
}
END_TEST

/* Not before every record has its outcome. */
/* It is no record of the input, so no number names it. */
START_TEST(a_delete_that_is_tried_again_names_its_person)
{
	night("id,value\np1,1\np2,1\n");
	sandbox_add_rule(scene.sandbox,
	    &(struct sandbox_rule){ .method = _i ? "POST" : "DELETE",
	        .fault = { .act = SANDBOX_STATUS, .status = 500 } });
	write_input("id,value\np1,1\n");
	const struct harness_run *run = RUN("-v", _i ? "--batch" : "-c1", "--backoff=1ms");
	harness_assert_status(run, 0);
	harness_assert_err_has(run, "user p2: retry 1 of 4 in 0.0 s: status 500");
	expect_people("p1=1 ");
}
END_TEST

START_TEST(deletes_come_last)
{
	night("id,value\np1,1\np2,1\np3,1\n");
	sandbox_set_latency(scene.sandbox, 100);
	size_t from = sandbox_arrivals(scene.sandbox);
	night("id,value\np1,2\np2,2\n");
	size_t n = sandbox_arrivals(scene.sandbox);
	struct sandbox_arrival last = sandbox_arrival(scene.sandbox, n - 1);
	ck_assert_uint_eq(n, from + 4);
	ck_assert_str_eq(last.method, "DELETE");
	for (size_t i = from; i < n - 1; i++)
		ck_assert_int_le(sandbox_arrival(scene.sandbox, i).answered_us, last.at_us);
}
END_TEST

START_TEST(nobody_is_deleted_unasked)
{
	night("id,value\np1,1\np2,1\n");
	write_input("id,value\np1,1\n");
	harness_assert_status(HARNESS_RUN(scene.harness, "--sync=people.sync", "in.csv"), 0);
	expect_people("p1=1 p2=1 ");
	night("id,value\np1,1\n"); /* they are not forgotten by that */
	expect_people("p1=1 ");
}
END_TEST

START_TEST(no_more_than_allowed)
{
	static const struct {
		const char *option;
		int keep, status, left;
	} cases[] = {
		{ "--max-deletes=1%", 198, 0, 198 },
		{ "--max-deletes=1%", 197, 65, 200 },
		{ "--max-deletes=3", 197, 0, 197 },
		{ "--max-deletes=3", 196, 65, 200 },
		{ "--max-deletes=0", 199, 65, 200 },
		{ "--max-deletes=0", 200, 0, 200 },
		{ "--max-deletes=100%", 1, 0, 1 },
	};
	scene_write_people(&scene, "in.csv", 200);
	harness_assert_status(RUN("--batch"), 0);
	scene_write_people(&scene, "in.csv", cases[_i].keep);
	const struct harness_run *run = RUN(cases[_i].option);
	harness_assert_status(run, cases[_i].status);
	ck_assert_uint_eq(scene_people_there(&scene), (size_t)cases[_i].left);
	if (cases[_i].status == 0)
		return;
	harness_assert_err_has(run,
	    "people are not in the input, and of 200 known --max-deletes allows ");
	harness_assert_err_has(run, "raise --max-deletes");
	ck_assert(scene_summary_says(&scene, "ended_by", "--max-deletes"));
	/* the input itself is done */
	ck_assert(!harness_exists(scene.harness, "in.csv.cio-state"));
	harness_assert_status(RUN("-v"), 0);
	ck_assert_uint_eq(scene_people_there(&scene), (size_t)cases[_i].keep);
}
END_TEST

/* Another file's people do not raise what the share is of. */
START_TEST(newcomers_do_not_raise_the_limit)
{
	scene_write_people(&scene, "in.csv", 50);
	harness_assert_status(RUN("--batch"), 0);
	struct buf other = { .max = 1 << 20 };
	buf_str(&other, "id,row\n");
	for (int i = 0; i < 6000; i++)
		buf_fmt(&other, "other%d,1\n", i);
	harness_write(scene.harness, "in.csv", other.data, other.len);
	buf_free(&other);
	for (int i = 0; i < 2; i++) {
		const struct harness_run *run = RUN("--batch", "--max-deletes=1%");
		harness_assert_status(run, 65);
		harness_assert_err_has(run,
		    "50 people are not in the input, and of 50 known --max-deletes allows 0");
		ck_assert_uint_eq(scene_people_there(&scene), 6050);
	}
}
END_TEST

#define TEN "0123456789"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN
#define TOO_LONG HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED TEN

START_TEST(a_doubtful_input_deletes_nobody)
{
	static const struct {
		const char *input;
		int status;
		const char *says;
	} cases[] = {
		{ "id,value\n", 65,
		    "in.csv: there is no record in it: so none of 3 people of people.sync is "
		    "deleted" },
		{ "id,value\np1,1\n,1\n", 1, "2 people are not in the input, and none is deleted" },
		{ "id,value\np1,1\np2,1,1\n", 1,
		    "2 people are not in the input, and none is deleted" },
		{ "id,value\np1," TOO_LONG "\n", 1,
		    "3 people are not in the input, and none is deleted" },
		{ "id,value\n\"p1\n", 1, "3 people are not in the input, and none is deleted" },
	};
	night("id,value\np1,1\np2,1\np3,1\n");
	write_input(cases[_i].input);
	const struct harness_run *run = RUN("-v");
	harness_assert_status(run, cases[_i].status);
	harness_assert_err_has(run, cases[_i].says);
	ck_assert_uint_eq(harness_count_lines(run->err, "deleted"), 1);
	expect_people("p1=1 p2=1 p3=1 ");
	night("id,value\np1,1\n");
	expect_people("p1=1 ");
}
END_TEST

/* A row that names nobody may be anybody's, whichever shard counts it. */
START_TEST(a_broken_row_keeps_every_shard_from_deleting)
{
	static const char *const shards[] = { "--shard=1/2", "--shard=2/2" };
	static const char *const files[] = { "--sync=one.sync", "--sync=two.sync" };

	scene_write_people(&scene, "in.csv", 20);
	for (int i = 0; i < 2; i++)
		harness_assert_status(RUN(shards[i], files[i]), 0);
	ck_assert_uint_eq(scene_people_there(&scene), 20);
	write_input("id,row\np1,1\np2,1\np3,1\np4,1\np5,1\n,7\n");
	int statuses = 0;
	for (int i = 0; i < 2; i++)
		statuses += RUN(shards[i], files[i])->status;
	ck_assert_int_eq(statuses, 1);
	ck_assert_uint_eq(scene_people_there(&scene), 20);
	write_input("id,row\np1,1\np2,1\np3,1\np4,1\np5,1\n");
	for (int i = 0; i < 2; i++)
		harness_assert_status(RUN(shards[i], files[i]), 0);
	ck_assert_uint_eq(scene_people_there(&scene), 5);
	/* and no shard takes another's file */
	harness_assert_status(RUN("--shard=2/2", "--sync=one.sync"), 65);
	harness_assert_status(RUN("--sync=one.sync"), 65);
}
END_TEST

START_TEST(a_delete_that_is_refused_stays_due)
{
	night("id,value\np1,1\np2,1\np3,1\n");
	add_fault("DELETE", "p2", SANDBOX_STATUS, 400, false);
	write_input("id,value\np1,1\n");
	const struct harness_run *run = RUN("--rejects=rejects.csv");
	harness_assert_status(run, 1);
	harness_assert_err_has(run, "people.sync: user p2: 400 ");
	ck_assert(!harness_exists(scene.harness, "rejects.csv"));
	expect_people("p1=1 p2=1 ");
	sandbox_clear_rules(scene.sandbox);
	night("id,value\np1,1\n");
	expect_people("p1=1 ");
}
END_TEST

/* A delete that was sent and never heard of: if its person comes back, he is sent. */
START_TEST(who_comes_back_after_a_killed_delete_is_sent)
{
	night("id,value\np1,1\np2,1\n");
	add_fault("DELETE", "p2", SANDBOX_HANG, 0, true);
	write_input("id,value\np1,1\n");
	struct harness_child *child = START("--no-state");
	wait_for_operations(3);
	harness_signal(child, SIGKILL);
	harness_finish(child);
	expect_people("p1=1 ");
	sandbox_clear_rules(scene.sandbox);
	night("id,value\np1,1\np2,1\n");
	expect_people("p1=1 p2=1 ");
}
END_TEST

START_TEST(deletes_are_carried_on)
{
	static const struct {
		int signal;
		uint64_t most;
	} ends[] = {
		/* half a second of deletes may come again */
		{ SIGTERM, 60 },
		{ SIGKILL, 120 },
	};

	scene_write_people(&scene, "in.csv", 100);
	harness_assert_status(RUN("--batch"), 0);
	scene_write_people(&scene, "in.csv", 40);
	sandbox_set_latency(scene.sandbox, 20);
	uint64_t before = operations();
	struct harness_child *child = START("-c2");
	wait_for_operations(before + 10);
	harness_signal(child, ends[_i].signal);
	const struct harness_run *run = harness_finish(child);
	harness_assert_status(run, 128 + ends[_i].signal);
	size_t left = scene_people_there(&scene);
	ck_assert_msg(left > 40 && left <= 90, "%zu left", left);
	sandbox_set_latency(scene.sandbox, 0);
	run = RUN("-v");
	harness_assert_status(run, 0);
	ck_assert_uint_eq(scene_people_there(&scene), 40);
	ck_assert_int_eq(scene_summary(&scene, "skipped"), 40);
	uint64_t sent = operations() - before;
	ck_assert_msg(sent >= 60 && sent <= ends[_i].most, "%d operations for 60 deletes",
	    (int)sent);
	ck_assert(!harness_exists(scene.harness, "in.csv.cio-state"));
}
END_TEST

/* A night that was stopped does not hold up the next one, with another file. */
START_TEST(a_night_that_was_stopped_is_given_up)
{
	night("id,value\np1,1\np2,1\n");
	add_fault("PUT", "p3", SANDBOX_STATUS, 400, false);
	write_input("id,value\np1,2\np3,1\n");
	harness_assert_status(RUN("--max-errors=1"), 65);
	sandbox_clear_rules(scene.sandbox);
	ck_assert(harness_exists(scene.harness, "in.csv.cio-state"));
	night("id,value\np1,3\np2,1\np4,1\n");
	expect_people("p1=3 p2=1 p4=1 ");
	ck_assert(!harness_exists(scene.harness, "in.csv.cio-state"));
}
END_TEST

/* -- the file -- */

START_TEST(a_file_that_cannot_be_used_stops_the_run_before_it_begins)
{
	static const char *const rows = "id,value\np1,2\n";

	night("id,value\np1,1\n");
	uint64_t before = sandbox_counters(scene.sandbox).requests;
	write_input(rows);
	harness_write_text(scene.harness, "bad.sync", "id,value\np1,2\n");
	harness_assert_status(RUN("--sync=bad.sync"), 65);
	harness_assert_status(RUN("--sync=bad.sync", "-n"), 65);
	harness_assert_status(RUN("--sync=none/people.sync"), 73);
	harness_env(scene.harness, "CUSTOMERIO_SITE_ID", "another");
	harness_assert_err_has(RUN("-v"), "people.sync: is about another destination");
	harness_env(scene.harness, "CUSTOMERIO_SITE_ID", "sandbox");
	ck_assert_uint_eq(sandbox_counters(scene.sandbox).requests, before);
	ck_assert(!harness_exists(scene.harness, "in.csv.cio-state"));
	night(rows);
	expect_people("p1=2 ");
}
END_TEST

START_TEST(a_file_that_another_run_holds_is_left_alone)
{
	add_fault("PUT", "p1", SANDBOX_HANG, 0, false);
	write_input("id,value\np1,1\n");
	struct harness_child *child = START("--no-state");
	ck_assert(sandbox_wait(scene.sandbox, 2, SOON));
	static const char *const modes[] = { "-v", "-n" };
	for (int i = 0; i < LENGTH(modes); i++) {
		const struct harness_run *run = RUN("--no-state", modes[i]);
		harness_assert_status(run, 75);
		harness_assert_err_has(run, "people.sync: another run (pid ");
	}
	ck_assert_uint_eq(sandbox_counters(scene.sandbox).requests, 2);
	harness_signal(child, SIGKILL);
	harness_finish(child);
}
END_TEST

/* -- a dry run -- */

START_TEST(a_dry_run_tells_and_changes_nothing)
{
	static const struct {
		const char *input, *option;
		int status;
		const char *out, *err;
	} cases[] = {
		{ "id,value\np1,1\np2,2\np4,1\n", "--batch=5", 0,
		    "{\"record\":2,\"method\":\"POST\",\"path\":\"/api/v2/"
		    "batch\",\"body\":{\"type\":\"person\",\"identifiers\":{\"id\":\"p2\"},"
		    "\"action\":\"identify\",\"attributes\":{\"value\":\"2\"}}}\n"
		    "{\"record\":3,\"method\":\"POST\",\"path\":\"/api/v2/"
		    "batch\",\"body\":{\"type\":\"person\",\"identifiers\":{\"id\":\"p4\"},"
		    "\"action\":\"identify\",\"attributes\":{\"value\":\"1\"}}}\n"
		    "{\"method\":\"POST\",\"path\":\"/api/v2/"
		    "batch\",\"body\":{\"type\":\"person\",\"identifiers\":{\"id\":\"p3\"},"
		    "\"action\":\"delete\"}}\n",
		    "  records   3\n  requests  1\n" },
		{ "id,value\np1,1\np2,2\np4,1\n", "-c1", 0,
		    "{\"record\":2,\"method\":\"PUT\",\"path\":\"/api/v1/customers/"
		    "p2\",\"body\":{\"value\":\"2\"}}\n"
		    "{\"record\":3,\"method\":\"PUT\",\"path\":\"/api/v1/customers/"
		    "p4\",\"body\":{\"value\":\"1\"}}\n"
		    "{\"method\":\"DELETE\",\"path\":\"/api/v1/customers/p3\",\"body\":null}\n",
		    "  unchanged 1\n  deletes   1\n" },
		{ "id,value\np1,1\n", "--max-deletes=1", 65, "",
		    "deletes   0 (2 people are not in the input: more than --max-deletes" },
		{ "id,value\n", "-c1", 65, "",
		    "deletes   0 (3 people are not in the input: none would be deleted, for it has "
		    "no records, and the run would end with status 65)" },
		{ "id,value\np1,1\n,7\n", "-c1", 1, "",
		    "deletes   0 (2 people are not in the input: none would be deleted, for some" },
	};
	size_t size, now;

	night("id,value\np1,1\np2,1\np3,1\n");
	char *before = harness_read(scene.harness, "people.sync", &size);
	write_input(cases[_i].input);
	const struct harness_run *run = RUN("-n", cases[_i].option);
	harness_assert_status(run, cases[_i].status);
	harness_assert_out_is(run, cases[_i].out);
	harness_assert_err_has(run, cases[_i].err);
	char *after = harness_read(scene.harness, "people.sync", &now);
	ck_assert_uint_eq(now, size);
	ck_assert_mem_eq(after, before, size);
	ck_assert(!harness_exists(scene.harness, "people.sync-wal"));
	ck_assert_uint_eq(operations(), 3);
	free(before);
	free(after);
}
END_TEST

START_TEST(a_dry_run_makes_no_file)
{
	static const char *const secrets[] = { "CUSTOMERIO_SITE_ID", "CUSTOMERIO_TRACK_API_KEY" };

	write_input("id,value\np1,1\n");
	harness_assert_status(RUN("-n"), 0);
	ck_assert(!harness_exists(scene.harness, "people.sync"));
	night("id,value\np1,1\n");
	for (int i = 0; i < LENGTH(secrets); i++)
		harness_env(scene.harness, secrets[i], NULL);
	/* without credentials it reads the file all the same */
	harness_assert_out_is(RUN("-n"), "");
}
END_TEST

Suite *cli_sync_suite(void)
{
	Suite *s = suite_create("cli_sync");
	TCase *t = tcase_create("cli_sync");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, nights_agree_with_a_model, 0, harness_is_under() ? 1 : 4);
	tcase_add_test(t, what_is_unchanged_is_not_sent);
	tcase_add_test(t, many_are_unchanged);
	tcase_add_test(t, the_last_row_of_a_person_wins);
	tcase_add_loop_test(t, several_rows_are_not_sent_every_night, 0, 4);
	tcase_add_loop_test(t, emptied_cells_and_columns, 0, 2);
	tcase_add_test(t, a_dry_run_knows_several_rows);
	tcase_add_test(t, a_row_that_was_held_back_is_not_lost);
	tcase_add_test(t, an_address_in_other_letters_is_the_same_person);
	tcase_add_loop_test(t, an_old_value_is_sent_after_a_failure, 0, 2);
	tcase_add_loop_test(t, an_old_value_is_sent_after_a_kill, 0, 2);
	tcase_add_loop_test(t, a_mark_stays_until_the_last_row_is_settled, 0, 2);
	tcase_add_test(t, somebody_new_is_remembered_after_a_kill);
	tcase_add_loop_test(t, who_was_not_accepted_stays_due, 0, 2);
	tcase_add_test(t, who_was_refused_is_not_deleted);
	tcase_add_loop_test(t, who_is_gone_is_deleted, 0, 4);
	tcase_add_loop_test(t, a_delete_that_is_tried_again_names_its_person, 0, 2);
	tcase_add_test(t, deletes_come_last);
	tcase_add_test(t, nobody_is_deleted_unasked);
	tcase_add_loop_test(t, no_more_than_allowed, 0, 7);
	tcase_add_test(t, newcomers_do_not_raise_the_limit);
	tcase_add_loop_test(t, a_doubtful_input_deletes_nobody, 0, 5);
	tcase_add_test(t, a_broken_row_keeps_every_shard_from_deleting);
	tcase_add_test(t, a_delete_that_is_refused_stays_due);
	tcase_add_test(t, who_comes_back_after_a_killed_delete_is_sent);
	tcase_add_loop_test(t, deletes_are_carried_on, 0, 2);
	tcase_add_test(t, a_night_that_was_stopped_is_given_up);
	tcase_add_test(t, a_file_that_cannot_be_used_stops_the_run_before_it_begins);
	tcase_add_test(t, a_file_that_another_run_holds_is_left_alone);
	tcase_add_loop_test(t, a_dry_run_tells_and_changes_nothing, 0, 5);
	tcase_add_test(t, a_dry_run_makes_no_file);
	suite_add_tcase(s, t);
	return s;
}
