/* What the last lines advise is done, word for word, and it helps. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "scene.h"

Suite *ending_suite(void);

/* What follows a label in the last lines, to be freed. */
static char *said_after(const struct harness_run *run, const char *label)
{
	const char *at = strstr(run->err, label);

	ck_assert_msg(at != NULL, "no word of \"%s\"%s", label, harness_show(run));
	at += strlen(label);
	return xstrndup(at, strcspn(at, "\n"));
}

/* Replaces one text by another in a file, wherever it stands. */
static void mend(struct harness *h, const char *name, const char *wrong, const char *right)
{
	char *text = harness_read(h, name, NULL);
	struct buf mended = { .max = BUF_UNBOUNDED };

	ck_assert_msg(text != NULL, "there is no %s", name);
	ck_assert_msg(strstr(text, wrong) != NULL, "%s has no %s:\n%s", name, wrong, text);
	for (const char *at = text, *next; *at; at = next) {
		next = strstr(at, wrong);
		buf_add(&mended, at, next ? (size_t)(next - at) : strlen(at));
		buf_str(&mended, next ? right : "");
		next = next ? next + strlen(wrong) : at + strlen(at);
	}
	harness_write(h, name, mended.data, mended.len);
	buf_free(&mended);
	free(text);
}

/* -- once mended -- */

static void follow_advice(struct scene *s, const char *command)
{
	harness_program(s->harness, "/bin/sh");
	harness_assert_status(HARNESS_RUN(s->harness, "-c", command), 0);
}

START_TEST(rejects_are_fed_in_by_the_command_that_is_said)
{
	struct scene s = scene_open(NULL);

	harness_write_text(s.harness, "it's in.csv", "nr;seit\n1;2024-01-01\n2;last Tuesday\n");
	harness_write_text(s.harness, "-b.ndjson", "{\"nr\":3,\"seit\":\"last Tuesday\"}\n");
	harness_write_text(s.harness, "good.csv", "nr;seit\n4;2024-01-01\n");
	const struct harness_run *run = HARNESS_RUN(s.harness, "-r", "unlimited", "--delimiter=;",
	    "--id", "nr", "--type=seit:timestamp", "--set=from=a b", "--limit=9", "--max-errors=7",
	    "--results=all.ndjson", "--rejects=-r.csv", "--state=s", "--", "it's in.csv",
	    "-b.ndjson", "good.csv");
	harness_assert_status(run, 1);
	ck_assert_uint_eq(scene_people_there(&s), 2);
	char *command = said_after(run, "  once mended: ");
	const char *options = strchr(command, ' ');
	ck_assert_msg(options &&
	        strcmp(options,
	            " --rate=unlimited '--delimiter=;' --id=nr --type=seit:timestamp "
	            "'--set=from=a b' ./-r.csv ./-r.2.ndjson") == 0,
	    "%s", command);
	mend(s.harness, "-r.csv", "last Tuesday", "2024-01-02");
	mend(s.harness, "-r.2.ndjson", "last Tuesday", "2024-01-03");
	follow_advice(&s, command);
	ck_assert_uint_eq(scene_people_there(&s), 4);
	free(command);
	scene_close(&s);
}
END_TEST

/* A dialect without a header: the rejects have one. */
START_TEST(columns_are_in_the_rejects)
{
	struct scene s = scene_open(NULL);

	harness_write_text(s.harness, "in.tsv", "# export\n1\tx\n2\ty\n\tz\n");
	const struct harness_run *run = HARNESS_RUN(s.harness, "--rate=unlimited",
	    "--columns=id,letter", "--skip-lines=1", "in.tsv");
	harness_assert_status(run, 1);
	char *command = said_after(run, "  once mended: ");
	mend(s.harness, "in.rejected.tsv", "\n\tz", "\n3\tz");
	follow_advice(&s, command);
	ck_assert_uint_eq(scene_people_there(&s), 3);
	free(command);
	scene_close(&s);
}
END_TEST

/* A format that the name of the rejects does not say. */
static const struct {
	const char *name, *format, *text, *spoilt, *mended;
} named[] = {
	{ "in.txt", "tsv", "id\tx\n1\ta\n\tb\n", "\n\tb", "\n2\tb" },
	{ "in.tsv", "csv", "id,x\n1,a\n,b\n", "\n,b", "\n2,b" },
	{ "in.csv", "json", "[{\"id\":1},{\"id\":\"\"}]", "\"id\":\"\"", "\"id\":2" },
};

START_TEST(the_format_is_said)
{
	struct scene s = scene_open(NULL);
	char rejects[40];

	harness_write_text(s.harness, named[_i].name, named[_i].text);
	const struct harness_run *run = HARNESS_RUN(s.harness, "--rate=unlimited", "-f",
	    named[_i].format, named[_i].name);
	harness_assert_status(run, 1);
	char *command = said_after(run, "  once mended: ");
	snprintf(rejects, sizeof rejects, "in.rejected%s", strchr(named[_i].name, '.'));
	mend(s.harness, rejects, named[_i].spoilt, named[_i].mended);
	follow_advice(&s, command);
	ck_assert_uint_eq(scene_people_there(&s), 2);
	free(command);
	scene_close(&s);
}
END_TEST

/* A run that is stopped has more to add to them: first that is carried on. */
START_TEST(a_stopped_run_is_carried_on_first)
{
	struct scene s = scene_open(NULL);
	const char *second;

	harness_write_text(s.harness, "in.csv", "id,x\na\nb\nc\nd\n5,5\n");
	const struct harness_run *run = HARNESS_RUN(s.harness, "--max-errors=2", "--rate=unlimited",
	    "in.csv");
	harness_assert_status(run, 65);
	harness_assert_err_lacks(run, "once mended");
	harness_assert_err_has(run,
	    "to resume: raise --max-errors (so far 2 of 2 records were not accepted) and run the "
	    "command again: what is settled is kept in in.csv.cio-state");
	run = HARNESS_RUN(s.harness, "--max-errors=5", "--rate=unlimited", "in.csv");
	harness_assert_status(run, 1);
	harness_assert_err_has(run, "once mended: ");
	ck_assert_uint_eq(scene_people_there(&s), 1);
	second = harness_read(s.harness, "in.rejected.csv", NULL);
	ck_assert_uint_eq(harness_count_lines(second, "rejected"), 4);
	free((char *)second);
	scene_close(&s);
}
END_TEST

/* -- places -- */

static const struct {
	const char *option, *says;
} places[] = {
	{ "--state=no/s", "or name another place with --state=FILE (--no-state keeps nothing)" },
	{ "--sync=no/s", "or name another place with --sync=FILE" },
	{ "--rejects=no/s", "or name another place with --rejects=FILE" },
	{ "--results=no/s", "or name another place with --results=FILE" },
	{ "--summary=no/s", "or name another place with --summary=FILE" },
	{ "--metrics=no/s", "or name another place with --metrics=FILE" },
};

START_TEST(a_place_is_tried_before_the_start)
{
	bool state = strncmp(places[_i].option, "--state", 7) == 0;
	struct scene s = scene_open(NULL);

	harness_write_text(s.harness, "in.csv", "id,x\n1,1\nbad\n");
	const struct harness_run *run = HARNESS_RUN(s.harness, places[_i].option,
	    state ? "-v" : "--no-state", "in.csv");
	harness_assert_status(run, 73);
	harness_assert_err_has(run, "no/s: cannot be ");
	harness_assert_err_has(run, places[_i].says);
	ck_assert_uint_eq(sandbox_arrivals(s.sandbox), 0);
	scene_close(&s);
}
END_TEST

/* SQLite takes no name of so many bytes. */
START_TEST(a_name_that_is_too_long_is_said_to_be)
{
	struct scene s = scene_open(NULL);
	char deep[3 * 201 + 20] = "", part[201];

	memset(part, 'd', 200);
	part[200] = '\0';
	for (int i = 0; i < 3; i++) {
		strcat(strcat(deep, i ? "/" : ""), part);
		ck_assert_int_eq(mkdir(harness_path(s.harness, deep), 0700), 0);
	}
	strcat(deep, "/in.csv");
	harness_write_text(s.harness, deep, "id\n1\n");
	const struct harness_run *run = HARNESS_RUN(s.harness, "--rate=unlimited", deep);
	harness_assert_status(run, 73);
	harness_assert_err_has(run, "SQLite takes 504: name a shorter one with --state=FILE");
	run = HARNESS_RUN(s.harness, "--rate=unlimited", "--state=s", deep);
	harness_assert_status(run, 0);
	scene_close(&s);
}
END_TEST

Suite *ending_suite(void)
{
	Suite *s = suite_create("ending");
	TCase *t = tcase_create("ending");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, rejects_are_fed_in_by_the_command_that_is_said);
	tcase_add_test(t, columns_are_in_the_rejects);
	tcase_add_loop_test(t, the_format_is_said, 0, sizeof named / sizeof *named);
	tcase_add_test(t, a_stopped_run_is_carried_on_first);
	tcase_add_loop_test(t, a_place_is_tried_before_the_start, 0,
	    sizeof places / sizeof *places);
	tcase_add_test(t, a_name_that_is_too_long_is_said_to_be);
	suite_add_tcase(s, t);
	return s;
}
