/*
 * Carrying on: a run that ended early is given the same command again, and does the rest; given
 * another one, it says so and sends nothing. And what an outage costs: nothing.
 */
#include <check.h>
#include <dirent.h>
#include <jansson.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "dice.h"
#include "scene.h"
#include "unix.h"

Suite *resume_suite(void);

#define STATE "in.csv.cio-state"

/* -- a run that stops exactly after so many records -- */

/* With one request at a time, a 401 in answer to the next. */
static void stop_after(struct scene *s, const char *method, unsigned records)
{
	sandbox_clear_rules(s->sandbox);
	sandbox_add_rule(s->sandbox,
	    &(struct sandbox_rule){ .method = method,
	        .passes = records,
	        .fault = { .act = SANDBOX_STATUS, .status = 401 } });
}

/* Runs with `more` behind the usual arguments, the last NULL. */
static const struct harness_run *import(struct scene *s, const char *const more[])
{
	const char *args[24] = { "-c1", "--rate=unlimited", "--backoff=1ms", "--backoff-max=20ms",
		"--summary=summary.json" };
	size_t n = 5;

	while (more && *more)
		args[n++] = *more++;
	return harness_run(s->harness, args);
}
#define IMPORT(s, ...) import(s, (const char *const[]){ __VA_ARGS__, NULL })

static struct scene stopped_scene(int people, unsigned after)
{
	struct scene s = scene_open(NULL);

	scene_write_people(&s, "in.csv", people);
	stop_after(&s, "PUT", after);
	harness_assert_status(IMPORT(&s, "in.csv"), 77);
	ck_assert_int_eq(scene_summary(&s, "accepted"), after);
	ck_assert(harness_exists(s.harness, STATE));
	return s;
}

static void check_complete(struct scene *s, int people, const char *state)
{
	ck_assert_uint_eq(scene_people_there(s), (unsigned)people);
	ck_assert_msg(!harness_exists(s->harness, state), "%s is still there", state);
}

/* -- the same command -- */

START_TEST(the_same_command_does_the_rest)
{
	struct scene s = stopped_scene(4000, 1000);
	size_t before = sandbox_arrivals(s.sandbox);
	const struct harness_run *run = IMPORT(&s, "in.csv");

	harness_assert_status(run, 0);
	harness_assert_err_has(run, "in.csv: resuming: 1,000 of 4,000 records are settled\n");
	harness_assert_err_has(run, "Done: 4000 processed, 0 errors\n");
	ck_assert_int_eq(scene_summary(&s, "skipped"), 1000);
	ck_assert_int_eq(scene_summary(&s, "accepted"), 3000);
	ck_assert_uint_eq(sandbox_arrivals(s.sandbox) - before, 3001);
	check_complete(&s, 4000, STATE);
	run = IMPORT(&s, "in.csv");
	harness_assert_status(run, 0);
	harness_assert_err_lacks(run, "resuming");
	ck_assert_int_eq(scene_summary(&s, "accepted"), 4000);
	scene_close(&s);
}
END_TEST

/* What may differ, and what else is to be given again. */
static const struct same_row {
	const char *name, *args[4];
	int skipped, accepted;
} same[] = {
	{ "another rate, and retries", { "in.csv", "--rate=9000", "--retries=9" }, 20, 30 },
	{ "a limit, further on", { "in.csv", "--limit=30" }, 20, 10 },
	{ "a limit that is reached", { "in.csv", "--limit=20" }, 20, 0 },
	{ "--restart", { "in.csv", "--restart" }, 0, 50 },
};

START_TEST(what_may_differ)
{
	const struct same_row *row = &same[_i];
	struct scene s = stopped_scene(50, 20);

	harness_assert_status(import(&s, row->args), 0);
	ck_assert_int_eq(scene_summary(&s, "skipped"), row->skipped);
	ck_assert_int_eq(scene_summary(&s, "accepted"), row->accepted);
	check_complete(&s, row->accepted + (row->skipped), STATE);
	scene_close(&s);
}
END_TEST

static const struct other_row {
	const char *name, *args[4], *in, *said;
} others[] = {
	{ "fewer rows", { "in.csv" }, "id,row\n",
	    "in.csv is shorter than it was (22 bytes, and now 7): make it whole again" },
	{ "another first row", { "in.csv" }, "id,row\np1,9\np2,2\np3,3\n", "are not those that" },
	{ "another action", { "in.csv", "-a", "delete" }, NULL, "another action" },
	{ "--update-only", { "in.csv", "--update-only" }, NULL, "another action" },
	{ "another mapping", { "in.csv", "--set=plan=x" }, NULL, "another mapping" },
	{ "--skip", { "in.csv", "--skip=1" }, NULL, "another mapping" },
	{ "another dialect", { "in.csv", "--null=x" }, NULL, "another mapping" },
	{ "another destination", { "in.csv", "--url=http://127.0.0.1:9" }, NULL,
	    "another destination" },
	{ "another file", { "other.csv", "--state=" STATE }, NULL, "in.csv, which it was about" },
};

START_TEST(another_run_is_refused)
{
	const struct other_row *row = &others[_i];
	struct scene s = stopped_scene(3, 1);
	size_t before = sandbox_arrivals(s.sandbox);

	harness_write_text(s.harness, "other.csv", "id,row\np1,1\np2,2\np3,7\n");
	if (row->in)
		harness_write_text(s.harness, "in.csv", row->in);
	const struct harness_run *run = import(&s, row->args);
	harness_assert_that(run, run->status == 65, "%s: exit status is not 65", row->name);
	harness_assert_err_has(run, row->said);
	harness_assert_err_has(run, "--restart");
	ck_assert_uint_eq(sandbox_arrivals(s.sandbox), before);
	ck_assert(harness_exists(s.harness, STATE));
	scene_close(&s);
}
END_TEST

/* -- standard input -- */

static const struct stream {
	const char *name, *again;
	int status;
	bool sends;
} streams[] = {
	{ "the same", "id,row\n1,a\n2,b\n3,c\n4,d\n", 0, true },
	{ "it has grown since", "id,row\n1,a\n2,b\n3,c\n4,d\n5,e\n", 0, true },
	{ "it differs behind what is settled", "id,row\n1,a\n2,b\n3,x\n4,y\n", 0, true },
	{ "it differs in what is settled", "id,row\n1,a\n2,x\n3,c\n4,d\n", 65, false },
	{ "it is shorter", "id,row\n1,a\n", 65, false },
	{ "it is empty", "", 65, false },
	{ "its rows changed places", "id,row\n2,b\n1,a\n3,c\n4,d\n", 65, false },
};

START_TEST(a_stream_is_carried_on)
{
	const struct stream *row = &streams[_i];
	struct scene s = scene_open(NULL);

	stop_after(&s, "PUT", 2);
	harness_stdin_text(s.harness, streams[0].again);
	harness_assert_status(IMPORT(&s, "--state=my.state", "--format=csv"), 77);
	size_t before = sandbox_arrivals(s.sandbox);
	harness_stdin_text(s.harness, row->again);
	const struct harness_run *run = IMPORT(&s, "--state=my.state", "--format=csv");
	harness_assert_that(run, run->status == row->status, "%s: not the right exit status",
	    row->name);
	if (row->sends) {
		ck_assert_int_eq(scene_summary(&s, "skipped"), 2);
		ck_assert_uint_eq(sandbox_arrivals(s.sandbox) - before,
		    (unsigned)harness_count_lines(row->again, "") - 2);
		ck_assert(harness_exists(s.harness, "my.state"));
		harness_assert_err_has(run, "the same command sends what has come behind this");
	} else {
		if (*row->again)
			harness_assert_err_has(run, "--restart");
		/* the credentials check may be out already */
		ck_assert_uint_le(sandbox_arrivals(s.sandbox) - before, 1);
		for (size_t i = before; i < sandbox_arrivals(s.sandbox); i++)
			ck_assert_str_eq(sandbox_arrival(s.sandbox, i).method, "GET");
		harness_stdin_text(s.harness, streams[0].again);
		harness_assert_status(IMPORT(&s, "--state=my.state", "--format=csv"), 0);
		/* what was kept is still right */
		ck_assert_int_eq(scene_summary(&s, "skipped"), 2);
	}
	scene_close(&s);
}
END_TEST

/* -- the state file -- */

/* Whatever a disk does to it: refused, or right. */
START_TEST(a_damaged_state_is_not_believed)
{
	struct scene s = stopped_scene(60, 25);
	struct dice d = dice_new("damaged state");
	size_t len, tried = 0, refused = 0;
	int step = harness_is_under() ? 4 : 1; /* each kind of damage all the same */
	char *good = harness_read(s.harness, STATE, &len), *bad = xmalloc(len);

	sandbox_clear_rules(s.sandbox);
	for (int i = 0; i < 40; i += step, tried++) {
		size_t keep = i < 12 ? len * (size_t)i / 12 : len;
		memcpy(bad, good, len);
		for (int flips = i < 16 ? 0 : 1 + i / 8; flips > 0; flips--) {
			/* mostly where something is written: zeroes fill most of a page */
			size_t at = (size_t)dice_below(&d, (int64_t)len);
			while (bad[at] == 0 && !dice_one_in(&d, 200))
				at = (size_t)dice_below(&d, (int64_t)len);
			bad[at] = (char)(bad[at] ^ 1 << dice_below(&d, 8));
		}
		if (i >= 12 && i < 16) /* half-written: the second half is from nowhere */
			memset(bad + len / 4 * (size_t)(i - 12), i % 2 ? 0xff : 0, len / 4);
		harness_write(s.harness, STATE, bad, keep);
		size_t before = sandbox_arrivals(s.sandbox);
		const struct harness_run *run = IMPORT(&s, "in.csv");
		if (run->status == 65) {
			refused++;
			harness_assert_err_has(run, STATE ": ");
			harness_assert_err_has(run, "--restart begins anew");
			ck_assert_uint_eq(sandbox_arrivals(s.sandbox), before);
			continue;
		}
		harness_assert_status(run, 0);
		int64_t skipped = scene_summary(&s, "skipped");
		ck_assert_msg(skipped == 25 || (keep == 0 && skipped == 0),
		    "change %d of %zu bytes: %d records skipped", i, keep, (int)skipped);
		check_complete(&s, 60, STATE);
	}
	printf("%zu of %zu were refused\n", refused, tried);
	fflush(stdout);
	ck_assert_uint_gt(refused, tried / 4);
	harness_write(s.harness, STATE, bad, len / 2);
	harness_assert_status(IMPORT(&s, "in.csv", "--restart"), 0);
	ck_assert_int_eq(scene_summary(&s, "accepted"), 60);
	check_complete(&s, 60, STATE);
	free(good);
	free(bad);
	scene_close(&s);
}
END_TEST

/* Sound as a database, and yet not what was written. */
static const char *const forgeries[] = {
	"UPDATE progress SET high = high + 5",
	"UPDATE progress SET hash = hash + 1",
	"UPDATE progress SET open = x''",
	"UPDATE progress SET outcomes = 'rejected=1'",
	"UPDATE progress SET results_size = 7",
	"UPDATE progress SET sum = 0",
	"UPDATE progress SET run = '1'",
	"UPDATE progress SET rejects = x'7f'",
	"DELETE FROM identity",
	"UPDATE identity SET mapping = mapping || ' '",
};

START_TEST(a_forged_state_is_not_believed)
{
	struct scene s = stopped_scene(60, 25);
	size_t before = sandbox_arrivals(s.sandbox);
	sqlite3 *db;

	ck_assert_int_eq(sqlite3_open(harness_path(s.harness, STATE), &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(db, forgeries[_i], NULL, NULL, NULL), SQLITE_OK);
	ck_assert_int_eq(sqlite3_changes(db), 1);
	ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
	const struct harness_run *run = IMPORT(&s, "in.csv");
	harness_assert_that(run, run->status == 65, "%s: exit status is not 65", forgeries[_i]);
	harness_assert_err_has(run, "--restart");
	ck_assert_uint_eq(sandbox_arrivals(s.sandbox), before);
	scene_close(&s);
}
END_TEST

static const char *const private_files[] = { STATE, "in.rejected.csv" };

START_TEST(a_symbolic_link_is_not_followed)
{
	const char *name = private_files[_i];
	struct scene s = scene_open(NULL);

	harness_write_text(s.harness, "in.csv", "id,row\n1,a\n2\n3,c\n");
	harness_write_text(s.harness, "precious", "precious");
	ck_assert_int_eq(symlink("precious", harness_path(s.harness, name)), 0);
	const struct harness_run *run = IMPORT(&s, "in.csv");
	harness_assert_status(run, 73);
	harness_assert_err_has(run, "symbolic link");
	ck_assert_uint_eq(sandbox_arrivals(s.sandbox), 0);
	harness_assert_file_is(s.harness, "precious", "precious");
	scene_close(&s);
}
END_TEST

START_TEST(people_s_data_is_private)
{
	struct scene s = scene_open(NULL);
	struct stat st;
	mode_t old = umask(0);

	harness_write_text(s.harness, "in.csv", "id,row\n1,a\n2\n3,c\n");
	stop_after(&s, "PUT", 1);
	harness_assert_status(IMPORT(&s, "in.csv"), 77);
	umask(old);
	for (size_t i = 0; i < 2; i++) {
		ck_assert_msg(stat(harness_path(s.harness, private_files[i]), &st) == 0,
		    "%s is not there", private_files[i]);
		ck_assert_msg((st.st_mode & 07777) == 0600, "%s has mode %o", private_files[i],
		    st.st_mode & 07777u);
	}
	scene_close(&s);
}
END_TEST

START_TEST(a_second_run_ends_at_once)
{
	/* So slow that the first still runs when the others have ended; then it need not be. */
	struct scene s = scene_open(
	    &(struct sandbox_config){ .latency_ms = harness_is_under() ? 3000 : 300 });
	char holder[64];

	scene_write_people(&s, "in.csv", 30);
	struct harness_child *first = HARNESS_START(s.harness, "in.csv", "-c2", "--rate=unlimited");
	ck_assert(sandbox_wait(s.sandbox, 4, SOON));
	for (int i = 0; i < 2; i++) { /* --restart is no way around it */
		const struct harness_run *run = IMPORT(&s, "in.csv",
		    i ? "--restart" : "--retries=1");
		harness_assert_status(run, 75);
		snprintf(holder, sizeof holder, "another run (pid %d, since ",
		    (int)harness_pid(first));
		harness_assert_err_has(run, holder);
	}
	ck_assert_int_eq(harness_peek(first)->status, -1);
	sandbox_set_latency(s.sandbox, 0);
	harness_assert_status(harness_finish(first), 0);
	ck_assert_uint_eq(sandbox_arrivals(s.sandbox), 31);
	check_complete(&s, 30, STATE);
	scene_close(&s);
}
END_TEST

START_TEST(a_run_without_state_leaves_one_alone)
{
	struct scene s = stopped_scene(10, 4);
	size_t len, len_after;
	char *state = harness_read(s.harness, STATE, &len);

	harness_assert_status(IMPORT(&s, "in.csv", "--no-state"), 0);
	harness_assert_status(IMPORT(&s, "in.csv", "-n", "--rejects=r", "--results=s"), 0);
	char *after = harness_read(s.harness, STATE, &len_after);
	ck_assert_ptr_nonnull(after);
	ck_assert(len == len_after && memcmp(state, after, len) == 0);
	free(state);
	free(after);
	scene_close(&s);
}
END_TEST

static size_t count_files(struct scene *s)
{
	DIR *d = opendir(harness_dir(s->harness));
	size_t n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

START_TEST(a_dry_run_writes_nothing)
{
	struct scene s = scene_open(NULL);

	harness_write_text(s.harness, "in.csv", "id,row\n1,a\n2\n3,c\n");
	harness_assert_status(IMPORT(&s, "in.csv", "-n", "--results=results.ndjson",
	                          "--state=my.state", "--rejects=r.csv"),
	    1);
	ck_assert_uint_eq(count_files(&s), 1);
	ck_assert_uint_eq(sandbox_arrivals(s.sandbox), 0);
	scene_close(&s);
}
END_TEST

/* -- rejects and results, carried on -- */

#define INVALID "id,row\np1,1\nbad1\np2,2\np3,3\nbad2\np4,4\n\"p5\",\"5\nfive\"\nbad3,,\np6,6\n"

static char *rejects_of_a_whole_run(void)
{
	struct scene s = scene_open(NULL);

	harness_write_text(s.harness, "in.csv", INVALID);
	harness_assert_status(IMPORT(&s, "in.csv"), 1);
	check_complete(&s, 6, STATE);
	char *text = harness_read(s.harness, "in.rejected.csv", NULL);
	scene_close(&s);
	return text;
}

static void append(struct scene *s, const char *name, const char *text)
{
	FILE *f = fopen(harness_path(s->harness, name), "ae");

	ck_assert(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

/* Stopped after each number of accepted records in turn, with rows cut short at the ends of both
 * files. */
START_TEST(rejects_and_results_go_on)
{
	struct scene s = scene_open(NULL);
	char *want = rejects_of_a_whole_run(), *results, *before = NULL;

	harness_write_text(s.harness, "in.csv", INVALID);
	stop_after(&s, "PUT", (unsigned)_i);
	harness_assert_status(IMPORT(&s, "in.csv", "--results=results.ndjson"), 77);
	before = harness_read(s.harness, "results.ndjson", NULL);
	size_t settled = before ? harness_count_lines(before, "") : 0;
	if (harness_exists(s.harness, "in.rejected.csv"))
		append(&s, "in.rejected.csv", "p9,\"cut sh");
	append(&s, "results.ndjson", "{\"record\":9");
	const struct harness_run *run = IMPORT(&s, "in.csv", "--results=results.ndjson");
	harness_assert_status(run, 1);
	harness_assert_err_has(run, "Done: 6 processed, 3 errors\n");
	harness_assert_file_is(s.harness, "in.rejected.csv", want);
	ck_assert(!harness_exists(s.harness, "in.rejected.csv~"));
	results = harness_read(s.harness, "results.ndjson", NULL);
	ck_assert_msg(strncmp(results, before, strlen(before)) == 0, "%s", results);
	ck_assert_uint_eq(harness_count_lines(results, ""), settled + 9);
	ck_assert_uint_eq(harness_count_lines(results, "\"skipped\""), settled);
	ck_assert_uint_eq(harness_count_lines(results, "\"accepted\""), 6);
	ck_assert_uint_eq(harness_count_lines(results, "\"rejected\""), 3);
	check_complete(&s, 6, STATE);
	free(want);
	free(before);
	free(results);
	scene_close(&s);
}
END_TEST

/* -- several files, parts of a file -- */

START_TEST(several_files_are_carried_on)
{
	struct scene s = scene_open(NULL);

	harness_write_text(s.harness, "a.csv", "id,row\na1,1\nbad\na2,2\n");
	harness_write_text(s.harness, "b.ndjson",
	    "{\"id\":\"b1\"}\nbad\n{\"id\":\"b2\"}\n{\"id\":\"b3\"}\n");
	harness_write_text(s.harness, "c.tsv", "row\tid\n1\tc1\n2\tc2\n");
	stop_after(&s, "PUT", (unsigned)_i);
	harness_assert_status(IMPORT(&s, "a.csv", "b.ndjson", "c.tsv"), 77);
	const struct harness_run *run = IMPORT(&s, "a.csv", "b.ndjson", "c.tsv");
	harness_assert_status(run, 1);
	harness_assert_err_has(run, "Done: 7 processed, 2 errors\n");
	ck_assert_uint_eq(sandbox_arrivals(s.sandbox), 1 + 7 + 1 + 1); /* nobody twice */
	check_complete(&s, 7, "a.csv.cio-state");
	harness_assert_status(IMPORT(&s, "a.csv", "b.ndjson"), 1);
	scene_close(&s);
}
END_TEST

START_TEST(parts_of_a_file_are_carried_on)
{
	struct scene s = scene_open(NULL);

	scene_write_people(&s, "in.csv", 100);
	stop_after(&s, "PUT", 20);
	harness_assert_status(IMPORT(&s, "in.csv", "--skip=10", "--limit=50"), 77);
	const struct harness_run *run = IMPORT(&s, "in.csv", "--skip=10", "--limit=50");
	harness_assert_status(run, 0);
	harness_assert_err_has(run, "in.csv: resuming: 20 of 50 records are settled\n");
	check_complete(&s, 50, STATE);
	json_t *first = sandbox_person(s.sandbox, "p11"), *last = sandbox_person(s.sandbox, "p60");
	ck_assert(first && last);
	json_decref(first);
	json_decref(last);
	scene_close(&s);
}
END_TEST

/* -- events -- */

/* The time in a ULID, ms; -1 where it is none. */
static int64_t ulid_time(const char *ulid)
{
	static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
	int64_t ms = 0;

	if (strlen(ulid) != 26 || ulid[0] > '7' || strspn(ulid, alphabet) != 26)
		return -1;
	for (int i = 0; i < 10; i++)
		ms = ms * 32 + (strchr(alphabet, ulid[i]) - alphabet);
	return ms;
}

/* How often an event came: one with a time of its own in both imports, with the same id. */
static void check_event(struct scene *s, const json_t *event)
{
	const char *id = json_string_value(json_object_get(event, "id"));
	const json_t *timestamp = json_object_get(event, "timestamp");

	ck_assert_ptr_nonnull(id);
	if (timestamp)
		ck_assert_int_eq(ulid_time(id), json_integer_value(timestamp) * 1000);
	else
		ck_assert_int_ge(ulid_time(id), clock_wall() / 1000 - 100000);
	ck_assert_uint_eq(sandbox_event_times(s->sandbox, id), timestamp ? 2 : 1);
}

static const struct events_row {
	const char *action;
	bool batch;
} events_rows[] = {
	{ "track", false },
	{ "page", false },
	{ "track", true },
};

/* Stopped and carried on: each event has the id that it had. Two rows are the same, and two events.
 * Imported once more, those without a time of their own are other events. */
START_TEST(events_keep_their_ids)
{
	const struct events_row *row = &events_rows[_i];
	const char *batch = row->batch ? "--batch=2" : "--retries=4";
	struct scene s = scene_open(NULL);

	harness_write_text(s.harness, "in.ndjson",
	    "{\"id\":\"1\",\"name\":\"a\",\"timestamp\":1700000000}\n"
	    "{\"id\":\"1\",\"name\":\"b\"}\n{\"id\":\"1\",\"name\":\"b\"}\n"
	    "{\"id\":\"2\",\"name\":\"b\",\"timestamp\":\"2024-02-29\"}\n"
	    "{\"id\":\"3\",\"name\":\"c\",\"x\":[1.50]}\n{\"id\":\"4\",\"name\":\"d\"}\n");
	stop_after(&s, "POST", row->batch ? 1 : 2);
	harness_assert_status(IMPORT(&s, "in.ndjson", "-a", row->action, batch), 77);
	harness_assert_status(IMPORT(&s, "in.ndjson", "-a", row->action, batch), 0);
	ck_assert_uint_eq(sandbox_counters(s.sandbox).events, 6);
	ck_assert_uint_eq(sandbox_counters(s.sandbox).duplicates, 0);
	harness_assert_status(IMPORT(&s, "in.ndjson", "-a", row->action, batch), 0);
	ck_assert_uint_eq(sandbox_counters(s.sandbox).events, 10);
	ck_assert_uint_eq(sandbox_counters(s.sandbox).duplicates, 2);
	json_t *events = sandbox_events(s.sandbox), *event;
	size_t i;
	json_array_foreach(events, i, event) check_event(&s, event);
	json_decref(events);
	scene_close(&s);
}
END_TEST

/* The state file keeps which run it was that first read an event. An answer is lost, so that the
 * event comes twice, from two runs. */
START_TEST(a_stream_s_events_keep_their_ids)
{
	static const char stream[] =
	    "{\"id\":\"1\",\"name\":\"a\"}\n{\"id\":\"2\",\"name\":\"b\"}\n"
	    "{\"id\":\"3\",\"name\":\"c\"}\n";
	struct scene s = scene_open(NULL);

	sandbox_add_rule(s.sandbox,
	    &(struct sandbox_rule){ .person = "2",
	        .fault = { .act = SANDBOX_STATUS, .process = true, .status = 401 } });
	harness_stdin_text(s.harness, stream);
	harness_assert_status(IMPORT(&s, "--state=my.state", "-a", "track"), 77);
	unix_nap(20000);
	harness_stdin_text(s.harness, stream);
	harness_assert_status(IMPORT(&s, "--state=my.state", "-a", "track"), 0);
	ck_assert_uint_eq(sandbox_counters(s.sandbox).events, 3);
	ck_assert_uint_eq(sandbox_counters(s.sandbox).duplicates, 1);
	scene_close(&s);
}
END_TEST

/* -- --max-errors -- */

static const struct errors_row {
	const char *name, *arg;
	int rows, first_bad, bad;
	int status, finished_least, finished_most;
} errors_rows[] = {
	{ "fewer than N", "--max-errors=5", 40, 10, 4, 1, 40, 40 },
	{ "N", "--max-errors=5", 40, 10, 5, 65, 14, 14 },
	{ "not before 1000 are finished", "--max-errors=1%", 1500, 1, 100, 65, 1000, 1100 },
	{ "never in a small input", "--max-errors=1%", 900, 1, 900, 1, 900, 900 },
	{ "just the share", "--max-errors=10%", 1000, 1, 100, 1, 1000, 1000 },
	{ "a little more", "--max-errors=10%", 1000, 900, 101, 65, 1000, 1000 },
};

START_TEST(too_many_errors_stop_it)
{
	const struct errors_row *row = &errors_rows[_i];
	struct scene s = scene_open(NULL);
	struct buf in = { .max = BUF_UNBOUNDED };

	buf_str(&in, "id,row\n");
	for (int i = 1; i <= row->rows; i++)
		buf_fmt(&in,
		    i >= row->first_bad && i < row->first_bad + row->bad ? "p%d\n" : "p%d,1\n", i);
	harness_write(s.harness, "in.csv", in.data, in.len);
	buf_free(&in);
	const struct harness_run *run = IMPORT(&s, "in.csv", row->arg);
	harness_assert_that(run, run->status == row->status, "%s: not the right exit status",
	    row->name);
	int64_t finished = scene_summary(&s, "processed") + scene_summary(&s, "errors");
	ck_assert_msg(finished >= row->finished_least && finished <= row->finished_most,
	    "%s: %d finished%s", row->name, (int)finished, harness_show(run));
	ck_assert_int_eq(harness_exists(s.harness, STATE), row->status == 65);
	if (row->status == 65) {
		harness_assert_err_has(run, "--max-errors");
		/* A number is reached by one more error, and there is none: the same command will
		 * do. */
		harness_assert_status(IMPORT(&s, "in.csv",
		                          strchr(row->arg, '%') ? "--retries=4" : row->arg),
		    1);
		ck_assert_int_eq(scene_summary(&s, "errors"), row->bad);
	}
	check_complete(&s, row->rows - row->bad, STATE);
	scene_close(&s);
}
END_TEST

/* -- outages -- */

static const struct outage {
	const char *name;
	bool resets;
	const char *arg;
	int people;
} outages[] = {
	{ "503", false, "--retries=0", 300 },
	{ "resets", true, "--retries=0", 300 },
	{ "503, in batches", false, "--batch=5", 300 },
	{ "503, few records", false, "--retries=1", 4 },
};

/* Two seconds of it in the middle of a run cost no record and no retry. */
START_TEST(an_outage_costs_nothing)
{
	const struct outage *row = &outages[_i];
	struct scene s = scene_open(
	    &(struct sandbox_config){ .outage_resets = row->resets, .latency_ms = 3 });
	size_t down_at, up_at;

	scene_write_people(&s, "in.csv", row->people);
	struct harness_child *child = HARNESS_START(s.harness, "in.csv", "-c8",
	    row->people < 10 ? "--rate=5" : "--rate=300", "--burst=1", "--retries=0",
	    "--backoff=100ms", "--backoff-max=200ms", "--summary=summary.json", row->arg);
	ck_assert(sandbox_wait(s.sandbox, row->people < 10 ? 2 : 20, SOON));
	sandbox_set_outage(s.sandbox, true);
	down_at = sandbox_arrivals(s.sandbox);
	ck_assert(harness_wait_for(child, "destination down", SOON));
	unix_nap(1500000);
	sandbox_set_outage(s.sandbox, false);
	up_at = sandbox_arrivals(s.sandbox);
	const struct harness_run *run = harness_finish(child);
	harness_assert_status(run, 0);
	harness_assert_err_has(run, "destination up again");
	check_complete(&s, row->people, STATE);
	ck_assert_int_eq(scene_summary(&s, "failed"), 0);
	/* Ten different ones or so, those that were in flight, then one each 100 to 250 ms. */
	ck_assert_msg(up_at - down_at < 60, "%zu requests left during the outage", up_at - down_at);
	scene_close(&s);
}
END_TEST

static const struct gone {
	const char *name;
	struct sandbox_fault fault;
	const char *by;
} gones[] = {
	{ "503", { .act = SANDBOX_STATUS, .status = 503 }, "outage" },
	{ "resets", { .act = SANDBOX_RESET }, "outage" },
	{ "nothing but 429", { .act = SANDBOX_STATUS, .status = 429 }, "rate limit" },
	{ "503 with a long Retry-After",
	    { .act = SANDBOX_STATUS, .status = 503, .headers = "Retry-After: 3600" }, "outage" },
	{ "429 with a long Retry-After",
	    { .act = SANDBOX_STATUS, .status = 429, .headers = "Retry-After: 3600" },
	    "rate limit" },
};

START_TEST(it_gives_up_and_carries_on)
{
	const struct gone *row = &gones[_i];
	struct scene s = scene_open(NULL);
	int rule;

	scene_write_people(&s, "in.csv", 100);
	rule = sandbox_add_rule(s.sandbox,
	    &(struct sandbox_rule){ .passes = 31, .times = -1, .fault = row->fault });
	const struct harness_run *run = IMPORT(&s, "in.csv", "-c4", "--retries=0",
	    "--give-up-after=500ms", "-q");
	harness_assert_that(run, run->status == 69, "%s: exit status is not 69", row->name);
	harness_assert_err_has(run, "--give-up-after");
	harness_assert_err_has(run, "run the same command again");
	ck_assert(scene_summary_says(&s, "ended_by", row->by));
	ck_assert_int_eq(scene_summary(&s, "accepted"), 30);
	ck_assert_int_eq(scene_summary(&s, "failed"), 0);
	ck_assert_uint_gt(sandbox_rule_hits(s.sandbox, rule), 0);
	sandbox_clear_rules(s.sandbox);
	harness_assert_status(IMPORT(&s, "in.csv"), 0);
	ck_assert_int_eq(scene_summary(&s, "skipped"), 30);
	check_complete(&s, 100, STATE);
	scene_close(&s);
}
END_TEST

/* Fewer than ten records left: the credentials check is asked, and answers; so the records are at
 * fault. Ten: the destination is down, whatever the credentials check would say, and no record has
 * failed when it is up again. */
START_TEST(ten_different_records_close_the_gate)
{
	int people = _i;
	bool closes = people >= 10;
	struct scene s = scene_open(NULL);

	sandbox_add_rule(s.sandbox,
	    &(struct sandbox_rule){ .method = "PUT",
	        .times = closes ? 15 : -1,
	        .fault = { .act = SANDBOX_STATUS, .status = 500 } });
	scene_write_people(&s, "in.csv", people);
	const struct harness_run *run = IMPORT(&s, "in.csv", "-c10",
	    closes ? "--retries=0" : "--retries=5");
	ck_assert_msg(harness_has(run->err, "destination down") == closes, "%d records%s", people,
	    harness_show(run));
	harness_assert_status(run, !closes);
	ck_assert_int_eq(scene_summary(&s, "failed"), closes ? 0 : people);
	if (!closes) /* each six times, the credentials check before and after them */
		ck_assert_uint_eq(sandbox_arrivals(s.sandbox), 2 + 6 * (unsigned)people);
	check_complete(&s, closes ? people : 0, STATE);
	scene_close(&s);
}
END_TEST

/* A record that has used up its retries waits for the next answer to anybody: that one shows that
 * it is at fault. */
START_TEST(an_answer_to_others_is_a_verdict)
{
	struct scene s = scene_open(NULL);

	sandbox_add_rule(s.sandbox,
	    &(struct sandbox_rule){ .person = "p1",
	        .times = -1,
	        .fault = { .act = SANDBOX_STATUS, .status = 500 } });
	scene_write_people(&s, "in.csv", 3);
	harness_assert_status(IMPORT(&s, "in.csv", "--retries=0", "--results=results.ndjson"), 1);
	ck_assert_uint_eq(sandbox_arrivals(s.sandbox), 1 + 3); /* no second check */
	ck_assert_int_eq(scene_summary(&s, "failed"), 1);
	check_complete(&s, 2, STATE);
	scene_close(&s);
}
END_TEST

/* ... to anybody whose request left later: an answer that was on its way already says nothing. Here
 * it comes when p2 has failed, and before enough others have that the destination counts as
 * down. */
START_TEST(an_older_answer_is_no_verdict)
{
	struct scene s = scene_open(NULL);

	sandbox_add_rule(s.sandbox,
	    &(struct sandbox_rule){ .person = "p1",
	        .fault = { .act = SANDBOX_PASS, .delay_ms = 130 } });
	sandbox_add_rule(s.sandbox,
	    &(struct sandbox_rule){ .method = "PUT",
	        .times = 15,
	        .fault = { .act = SANDBOX_STATUS, .status = 503 } });
	scene_write_people(&s, "in.csv", 20);
	harness_assert_status(IMPORT(&s, "in.csv", "--retries=0", "-c2", "--rate=20", "--burst=1"),
	    0);
	check_complete(&s, 20, STATE);
	scene_close(&s);
}
END_TEST

/* Down until it is told to be up; then the first request passes, and each of five people's fails
 * once more. */
struct relapse {
	atomic_bool up;
	bool passed, failed[5];
	atomic_uint hits;
};

static bool relapses(const struct sandbox_arrival *a, const char *body, struct sandbox_fault *f,
    void *arg)
{
	static const char *const people[] = { "/p1", "/p2", "/p3", "/p4", "/p5" };
	struct relapse *relapse = arg;
	bool fails = !relapse->up;

	(void)body;
	if (strcmp(a->method, "PUT") != 0)
		return false;
	for (int i = 0; relapse->passed && i < 5; i++)
		if (!relapse->failed[i] && strcmp(strrchr(a->path, '/'), people[i]) == 0) {
			relapse->failed[i] = fails = true;
			relapse->hits++;
		}
	relapse->passed |= !fails;
	if (fails)
		*f = (struct sandbox_fault){ .act = SANDBOX_STATUS, .status = 503 };
	return fails;
}

/* Failures of an outage are given back: the one retry is still there for a failure after it. */
START_TEST(retries_are_given_back)
{
	struct relapse relapse = { .up = false };
	struct scene s = scene_open(&(struct sandbox_config){ .hook = relapses, .arg = &relapse });

	scene_write_people(&s, "in.csv", 12);
	struct harness_child *child = HARNESS_START(s.harness, "in.csv", "-c12", "--rate=unlimited",
	    "--retries=1", "--backoff=20ms", "--backoff-max=50ms", "--summary=summary.json");
	ck_assert(harness_wait_for(child, "destination down", SOON));
	relapse.up = true;
	const struct harness_run *run = harness_finish(child);
	harness_assert_status(run, 0);
	harness_assert_err_has(run, "destination up again");
	ck_assert_uint_ge(relapse.hits, 4); /* one of the five may be the one that passes */
	check_complete(&s, 12, STATE);
	scene_close(&s);
}
END_TEST

#define ADD_ALL(t, test, rows) tcase_add_loop_test(t, test, 0, (int)(sizeof rows / sizeof *rows))

Suite *resume_suite(void)
{
	Suite *s = suite_create("resume");
	TCase *t = tcase_create("resume");

	tcase_set_timeout(t, 120);
	tcase_add_test(t, the_same_command_does_the_rest);
	ADD_ALL(t, what_may_differ, same);
	ADD_ALL(t, another_run_is_refused, others);
	ADD_ALL(t, a_stream_is_carried_on, streams);
	tcase_add_test(t, a_damaged_state_is_not_believed);
	ADD_ALL(t, a_forged_state_is_not_believed, forgeries);
	tcase_add_loop_test(t, a_symbolic_link_is_not_followed, 0, 2);
	tcase_add_test(t, people_s_data_is_private);
	tcase_add_test(t, a_second_run_ends_at_once);
	tcase_add_test(t, a_run_without_state_leaves_one_alone);
	tcase_add_test(t, a_dry_run_writes_nothing);
	tcase_add_loop_test(t, rejects_and_results_go_on, 0, 6);
	tcase_add_loop_test(t, several_files_are_carried_on, 0, 7);
	tcase_add_test(t, parts_of_a_file_are_carried_on);
	ADD_ALL(t, events_keep_their_ids, events_rows);
	tcase_add_test(t, a_stream_s_events_keep_their_ids);
	ADD_ALL(t, too_many_errors_stop_it, errors_rows);
	ADD_ALL(t, an_outage_costs_nothing, outages);
	ADD_ALL(t, it_gives_up_and_carries_on, gones);
	tcase_add_loop_test(t, ten_different_records_close_the_gate, 8, 12);
	tcase_add_test(t, an_answer_to_others_is_a_verdict);
	tcase_add_test(t, an_older_answer_is_no_verdict);
	tcase_add_test(t, retries_are_given_back);
	suite_add_tcase(s, t);
	return s;
}
