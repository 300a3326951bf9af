/*
 * The program where nobody watches: silent when all went well, one useful message when it did not,
 * files for who looks later, and lines that a program can read.
 */
#include <check.h>
#include <ctype.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "harness.h"
#include "sandbox.h"
#include "scene.h"

Suite *cron_suite(void);

#define COUNT(a) ((int)(sizeof(a) / sizeof *(a)))
#define PEOPLE 30
#define MOST_ARGS 12

/* --- ways in which a run ends --- */

enum server { GOOD, DOWN, NO_CREDENTIALS, THROTTLES, LONG_THROTTLE, MOVED, TROUBLED };

#define GIVE_UP "--give-up-after=300ms", "--backoff=50ms"

static const struct way {
	const char *name;
	enum server server;
	const char *args[MOST_ARGS]; /* besides the usual ones */
	const char *env[2];          /* name and value to set */
	int status;
	const char *ended_by; /* NULL: it did not come to a summary */
	const char *says[4];  /* all of them in the one line that matters */
} ways[] = {
	{ "all is well", GOOD, { "in.csv" }, { 0 }, 0, "end of input", { 0 } },
	{ "retries, a 429 and an outage that passes", TROUBLED, { "in.csv", "--backoff=10ms" },
	    { 0 }, 0, "end of input", { 0 } },
	{ "a record is rejected", GOOD, { "bad.csv" }, { 0 }, 1, "end of input",
	    { "bad.csv:3: row has 3 cells, the header has 2" } },
	{ "too many are", GOOD, { "bad.csv", "--max-errors=1" }, { 0 }, 65, "--max-errors",
	    { "1 records were not accepted", "--max-errors=1", "rejects" } },
	{ "no such input", GOOD, { "absent.csv" }, { 0 }, 66, "input",
	    { "absent.csv", "no such file", "check the name" } },
	{ "a directory", GOOD, { "." }, { 0 }, 66, "input",
	    { "directory", "name the files in it" } },
	{ "an empty export", GOOD, { "empty.csv" }, { 0 }, 65, "input",
	    { "empty.csv", "it is empty", "header" } },
	{ "a broken header", GOOD, { "twice.csv" }, { 0 }, 65, "input",
	    { "twice.csv", "columns 1 and 2", "rename or remove one" } },
	{ "nobody is named", GOOD, { "noid.csv" }, { 0 }, 65, "input",
	    { "noid.csv", "names the person", "--id=FIELD" } },
	{ "the destination is down", DOWN, { "in.csv", GIVE_UP }, { 0 }, 69, "outage",
	    { "gave up: http://127.0.0.1:", "has been down for 300 ms (--give-up-after)",
	        "status 503" } },
	{ "nobody listens", GOOD, { "in.csv", GIVE_UP, "--url=http://127.0.0.1:1" }, { 0 }, 69,
	    "outage",
	    { "gave up: http://127.0.0.1:1 has been down", "--give-up-after", "onnect" } },
	{ "no such host", GOOD, { "in.csv", GIVE_UP, "--url=https://nowhere.invalid" }, { 0 }, 69,
	    "outage", { "gave up: https://nowhere.invalid has been down", "resolve host" } },
	{ "nothing but 429", THROTTLES, { "in.csv", GIVE_UP }, { 0 }, 69, "rate limit",
	    { "gave up: nothing but 429", "for 300 ms (--give-up-after)",
	        "using up the workspace's rate" } },
	{ "a long Retry-After", LONG_THROTTLE, { "in.csv" }, { 0 }, 69, "rate limit",
	    { "answers 429", "wait for 1 h (Retry-After)", "longer than --give-up-after",
	        "carry on when that time is over" } },
	{ "credentials are refused", NO_CREDENTIALS, { "in.csv" }, { 0 }, 77, "credentials",
	    { "credentials refused (401", "check CUSTOMERIO_SITE_ID" } },
	{ "the check is redirected", MOVED, { "in.csv" }, { 0 }, 69, "redirect",
	    { "redirected to https://elsewhere.example", "not followed", "check --url" } },
	{ "results cannot be made", GOOD, { "in.csv", "--results=absent/r" }, { 0 }, 73, "output",
	    { "absent/r: cannot be made", "make the directory first" } },
	{ "a full disk", GOOD, { "in.csv", "--results=/dev/full" }, { 0 }, 73, "output",
	    { "/dev/full: cannot be written", "free some and run the same command again" } },
	{ "rejects cannot be made", GOOD, { "in.csv", "--rejects=absent/r" }, { 0 }, 73, "output",
	    { "absent/r", "make the directory first" } },
	{ "the state cannot be made", GOOD, { "in.csv", "--state=absent/s" }, { 0 }, 73, "output",
	    { "absent/s", "make the directory first" } },
	{ "the sync file cannot be made", GOOD, { "in.csv", "--sync=absent/s" }, { 0 }, 73,
	    "output", { "absent/s", "make the directory first" } },
	{ "no state file", GOOD, { "in.csv", "--state=in.csv.txt" }, { 0 }, 65, "input",
	    { "in.csv.txt: is not a state file of cio-import", "give another name with --state" } },
	{ "no credentials", GOOD, { "in.csv" }, { "CUSTOMERIO_SITE_ID", NULL }, 78, NULL,
	    { "CUSTOMERIO_SITE_ID is not set", "environment or an --env-file" } },
	{ "certificates cannot be read", GOOD, { "in.csv" }, { "SSL_CERT_FILE", "/absent" }, 78,
	    NULL, { "SSL_CERT_FILE: /absent: cannot be read", "correct it" } },
	{ "no such configuration", GOOD, { "in.csv", "--config=absent" }, { 0 }, 78, NULL,
	    { "absent: cannot open", "correct --config" } },
	{ "no such env-file", GOOD, { "in.csv", "--env-file=absent" }, { 0 }, 78, NULL,
	    { "absent: cannot open", "correct its name" } },
	{ "an env-file without a name", GOOD, { "in.csv", "--env-file=" }, { 0 }, 64, NULL,
	    { "--env-file: ", "name is empty" } },
	{ "wrong usage", GOOD, { "in.csv", "--rate=fast" }, { 0 }, 64, NULL,
	    { "--rate: \"fast\" is not a rate", "such as 50" } },
};

/* Each way is gone once under valgrind, by quiet_says_what_matters; of the others' it is every
 * third. */
static int apart(void)
{
	return harness_is_under() ? 3 : 1;
}

static struct scene open_way(const struct way *w)
{
	static const struct sandbox_rule troubles[] = {
		{ .person = "p3", .fault = { .act = SANDBOX_STATUS, .status = 429 } },
		{ .person = "p5", .times = 3, .fault = { .act = SANDBOX_RESET } },
		{ .nth = 12, .fault = { .act = SANDBOX_STATUS, .status = 502 } },
	};
	struct scene s = scene_open(NULL);
	struct sandbox_rule rule = { .times = -1,
		.fault = { .act = SANDBOX_STATUS,
		    .status = w->server == NO_CREDENTIALS ? 401 :
		        w->server == MOVED                ? 302 :
		                                            429 } };

	sandbox_set_outage(s.sandbox, w->server == DOWN);
	if (w->server == LONG_THROTTLE)
		rule.fault.headers = "Retry-After: 3600";
	if (w->server == MOVED)
		rule.fault.headers = "Location: https://elsewhere.example/";
	if (w->server != GOOD && w->server != DOWN && w->server != TROUBLED)
		sandbox_add_rule(s.sandbox, &rule);
	for (int i = 0; w->server == TROUBLED && i < COUNT(troubles); i++)
		sandbox_add_rule(s.sandbox, &troubles[i]);
	scene_write_people(&s, "in.csv", PEOPLE);
	harness_write_text(s.harness, "bad.csv", "id,x\n1,a\n2,b,c\n3,d\n");
	harness_write_text(s.harness, "empty.csv", "");
	harness_write_text(s.harness, "twice.csv", "id,id\n1,2\n");
	harness_write_text(s.harness, "noid.csv", "name\nx\n");
	harness_write_text(s.harness, "in.csv.txt", "not a state file");
	if (w->env[0])
		harness_env(s.harness, w->env[0], w->env[1]);
	return s;
}

static const struct harness_run *run_way(struct scene *s, const struct way *w, const char *extra)
{
	const char *args[MOST_ARGS + 8] = { "--rate=unlimited", "--summary=summary.json",
		"--metrics=m.prom", extra };
	size_t n = 4;

	for (size_t i = 0; i < MOST_ARGS && w->args[i]; i++)
		args[n++] = w->args[i];
	const struct harness_run *run = harness_run(s->harness, args);
	ck_assert_msg(run->status == w->status, "%s: status%s", w->name, harness_show(run));
	return run;
}

static bool has_all(const char *line, const char *const *parts, size_t count)
{
	for (size_t i = 0; i < count && parts[i]; i++)
		if (!strstr(line, parts[i]))
			return false;
	return true;
}

static void expect_no_control(const char *text, size_t len, const struct harness_run *run)
{
	for (size_t i = 0; i < len; i++)
		ck_assert_msg(text[i] == '\n' || ((unsigned char)text[i] >= ' ' && text[i] != 0x7f),
		    "byte 0x%02x%s", (unsigned char)text[i], harness_show(run));
}

/* What cron mails: nothing, or first a line that says what happened, where, and what to do. */
START_TEST(quiet_says_what_matters)
{
	const struct way *w = &ways[_i];
	struct scene s = open_way(w);

	harness_env(s.harness, "TERM", "xterm");
	const struct harness_run *run = run_way(&s, w, "-q");
	ck_assert_uint_eq(run->out_len, 0);
	expect_no_control(run->err, run->err_len, run);
	if (w->status == 0) {
		ck_assert_msg(run->err_len == 0, "%s: it is not silent%s", w->name,
		    harness_show(run));
	} else {
		size_t matters = 0;
		char *line;
		for (size_t i = 0; (line = harness_line(run->err, i)); i++) {
			matters += has_all(line, w->says, COUNT(w->says));
			ck_assert_msg(strlen(line) < 400, "%s", line);
			free(line);
		}
		ck_assert_msg(matters == 1, "%s: %zu lines%s", w->name, matters, harness_show(run));
		ck_assert_msg(!w->ended_by ||
		        harness_count_lines(run->err, "cio-import: ") == (w->status != 1),
		    "%s%s", w->name, harness_show(run));
		ck_assert_uint_eq(harness_count_lines(run->err, "Progress"), 0);
	}
	scene_close(&s);
}
END_TEST

/* --- the summary --- */

static const struct {
	const char *name;
	json_type type;
} members[] = {
	{ "records", JSON_INTEGER },
	{ "processed", JSON_INTEGER },
	{ "accepted", JSON_INTEGER },
	{ "skipped", JSON_INTEGER },
	{ "rejected", JSON_INTEGER },
	{ "refused", JSON_INTEGER },
	{ "failed", JSON_INTEGER },
	{ "differs", JSON_INTEGER },
	{ "unknown", JSON_INTEGER },
	{ "errors", JSON_INTEGER },
	{ "requests", JSON_INTEGER },
	{ "retries", JSON_INTEGER },
	{ "rate_limited", JSON_INTEGER },
	{ "bytes_sent", JSON_INTEGER },
	{ "seconds", JSON_REAL },
	{ "exit_status", JSON_INTEGER },
	{ "started_at", JSON_STRING },
	{ "ended_at", JSON_STRING },
	{ "ended_by", JSON_STRING },
};

/* 2026-11-21T23:49:43Z, with or without a fraction */
static bool is_stamp(const char *s)
{
	static const char shape[] = "dddd-dd-ddTdd:dd:dd";

	for (size_t i = 0; shape[i]; i++)
		if (shape[i] == 'd' ? !isdigit((unsigned char)s[i]) : s[i] != shape[i])
			return false;
	s += strlen(shape);
	if (*s == '.')
		s += 1 + strspn(s + 1, "0123456789");
	return strcmp(s, "Z") == 0;
}

static void expect_summary(struct harness *h, const struct way *w)
{
	char *text = harness_read(h, "summary.json", NULL);
	size_t n = 0;
	const char *name;
	json_t *value, *summary = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;

	ck_assert_msg(json_is_object(summary), "%s: %s", w->name, text ? text : "no summary");
	bool limited = json_integer_value(json_object_get(summary, "rate_limited")) > 0;
	json_object_foreach(summary, name, value)
	{
		if (n == COUNT(members) && limited) {
			ck_assert_str_eq(name, "learned_rate");
			ck_assert(json_is_number(value));
			limited = false;
			continue;
		}
		ck_assert_msg(n < (size_t)COUNT(members) && strcmp(name, members[n].name) == 0,
		    "\"%s\" in %s", name, text);
		ck_assert_msg(json_typeof(value) == members[n].type, "\"%s\" in %s", name, text);
		n++;
	}
	ck_assert_uint_eq(n, COUNT(members));
	ck_assert(!limited);
	ck_assert_int_eq(json_integer_value(json_object_get(summary, "exit_status")), w->status);
	ck_assert_str_eq(json_string_value(json_object_get(summary, "ended_by")), w->ended_by);
	ck_assert(is_stamp(json_string_value(json_object_get(summary, "started_at"))));
	ck_assert(is_stamp(json_string_value(json_object_get(summary, "ended_at"))));
	ck_assert(json_real_value(json_object_get(summary, "seconds")) >= 0);
	ck_assert_msg(text[strlen(text) - 1] == '\n' && harness_count_lines(text, "") == 1, "%s",
	    text);
	json_decref(summary);
	free(text);
}

/* --- the metrics: Prometheus' text format, as far as it is used --- */

static bool is_name(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!(isalpha((unsigned char)s[i]) || s[i] == '_' ||
		        (i && isdigit((unsigned char)s[i]))))
			return false;
	return n > 0;
}

/* name{label="value"} 12.5 */
static void check_sample(const char *line, const char *family)
{
	size_t n = strcspn(line, "{ ");
	char *end;

	ck_assert_msg(is_name(line, n) && strncmp(line, family, n) == 0 && family[n] == '\0',
	    "%s (of %s)", line, family);
	const char *p = line + n;
	if (*p == '{') {
		size_t label = strcspn(p + 1, "=");
		ck_assert_msg(is_name(p + 1, label) && p[label + 2] == '"', "%s", line);
		p = strstr(p, "\"}");
		ck_assert_msg(p != NULL, "%s", line);
		p += 2;
	}
	ck_assert_msg(*p == ' ' && (isdigit((unsigned char)p[1])), "%s", line);
	strtod(p + 1, &end);
	ck_assert_msg(*end == '\0', "%s", line);
}

/* HELP, TYPE and at least one sample of each family, each family once. */
static void check_exposition(const char *text)
{
	char family[200] = "", *line;
	size_t samples = 1, families = 0;

	ck_assert_msg(text[0] && text[strlen(text) - 1] == '\n', "%s", text);
	for (size_t i = 0; (line = harness_line(text, i)); i++) {
		char name[200], type[20], again[210];
		if (sscanf(line, "# HELP %199s", name) == 1) {
			ck_assert_msg(samples > 0, "%s has no sample", family);
			snprintf(again, sizeof again, "# HELP %s ", name);
			ck_assert_msg(harness_count_lines(text, again) == 1, "%s is there twice",
			    name);
			snprintf(family, sizeof family, "%s", name);
			samples = 0;
			families++;
		} else if (sscanf(line, "# TYPE %199s %19s", name, type) == 2) {
			ck_assert_msg(strcmp(name, family) == 0 && strcmp(type, "gauge") == 0 &&
			        samples == 0,
			    "%s", line);
		} else {
			check_sample(line, family);
			samples++;
		}
		free(line);
	}
	ck_assert(samples > 0 && families == 8);
}

static double metric(const char *text, const char *name)
{
	char start[200];
	const char *found;

	snprintf(start, sizeof start, "\ncio_import_last_run_%s ", name);
	found = strstr(text, start);
	ck_assert_msg(found != NULL, "no %s in\n%s", name, text);
	return strtod(found + strlen(start), NULL);
}

static void expect_metrics(struct harness *h, const struct way *w)
{
	char *text = harness_read(h, "m.prom", NULL);
	struct stat st;

	ck_assert_msg(text != NULL, "%s: no metrics", w->name);
	check_exposition(text);
	ck_assert_int_eq((int)metric(text, "exit_status"), w->status);
	ck_assert(metric(text, "timestamp_seconds") > 1.6e9);
	ck_assert(metric(text, "duration_seconds") >= 0);
	if (w->server == TROUBLED) {
		ck_assert_int_eq((int)metric(text, "records{outcome=\"accepted\"}"), PEOPLE);
		ck_assert_int_eq((int)metric(text, "rate_limited"), 1);
		ck_assert_int_ge((int)metric(text, "retries"), 3);
	}
	ck_assert_int_eq(stat(harness_path(h, "m.prom"), &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0644); /* the collector is another user */
	free(text);
}

/* Summary and metrics tell of every run, one that was refused at its start included. */
START_TEST(figures_tell_of_every_run)
{
	const struct way *w = &ways[_i * apart()];
	struct scene s = open_way(w);

	run_way(&s, w, "--progress=none");
	if (w->ended_by) {
		expect_summary(s.harness, w);
		expect_metrics(s.harness, w);
	} else {
		ck_assert(!harness_exists(s.harness, "summary.json") &&
		    !harness_exists(s.harness, "m.prom"));
	}
	scene_close(&s);
}
END_TEST

/* A reader that has the older file open reads the older figures; the name is another file then. */
START_TEST(figures_are_renamed_into_place)
{
	static const char *const names[] = { "m.prom", "summary.json" };
	struct scene s = open_way(&ways[0]);
	int fd[2];
	char *older[2], text[8192];

	run_way(&s, &ways[0], "-q");
	for (int i = 0; i < 2; i++) {
		older[i] = harness_read(s.harness, names[i], NULL);
		fd[i] = open(harness_path(s.harness, names[i]), O_RDONLY | O_CLOEXEC);
		ck_assert_int_ge(fd[i], 0);
	}
	run_way(&s, &ways[2], "-q");
	for (int i = 0; i < 2; i++) {
		ssize_t n = read(fd[i], text, sizeof text - 1);
		ck_assert_int_gt(n, 0);
		text[n] = '\0';
		ck_assert_str_eq(text, older[i]);
		char *newer = harness_read(s.harness, names[i], NULL);
		ck_assert_str_ne(newer, older[i]);
		free(newer);
		free(older[i]);
		close(fd[i]);
	}
	/* no temporary one stays */
	ck_assert_uint_eq(scene_files_with(&s, "cio_import_last_run_exit_status"), 1);
	scene_close(&s);
}
END_TEST

/* A place that cannot be written is said before anything is sent, once. */
START_TEST(figures_that_cannot_be_written)
{
	static const char *const options[] = { "--summary=absent/s", "--metrics=absent/m",
		"--summary=.", "--metrics=." };
	struct scene s = open_way(&ways[0]);

	const struct harness_run *run = HARNESS_RUN(s.harness, "in.csv", options[_i]);
	harness_assert_status(run, 73);
	ck_assert_uint_eq(harness_count_lines(run->err, ""), 1);
	ck_assert_uint_eq(sandbox_arrivals(s.sandbox), 0);
	scene_close(&s);
}
END_TEST

/* --- --progress=json --- */

static void expect_json_lines(const struct harness_run *run, const struct way *w)
{
	size_t done = 0, starts = 0, matters = 0, lines = 0;
	char *line;

	for (; (line = harness_line(run->err, lines)); lines++) {
		json_t *object = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
		const char *type = json_string_value(json_object_get(object, "type"));
		ck_assert_msg(type != NULL, "%s: %s", w->name, line);
		starts += strcmp(type, "start") == 0;
		done += strcmp(type, "done") == 0;
		ck_assert_msg(strcmp(type, "start") == 0 || strcmp(type, "progress") == 0 ||
		        strcmp(type, "message") == 0 || strcmp(type, "done") == 0,
		    "%s", line);
		if (strcmp(type, "message") == 0)
			matters += has_all(json_string_value(json_object_get(object, "text")),
			               w->says, COUNT(w->says)) &&
			    w->says[0] != NULL &&
			    strcmp(json_string_value(json_object_get(object, "level")), "error") ==
			        0;
		if (strcmp(type, "done") == 0)
			ck_assert_int_eq(json_integer_value(json_object_get(object, "exit_status")),
			    w->status);
		json_decref(object);
		free(line);
	}
	ck_assert_msg(matters == (w->says[0] != NULL), "%s: %zu messages%s", w->name, matters,
	    harness_show(run));
	ck_assert_msg(starts == done && (w->status != 0 || done == 1), "%s%s", w->name,
	    harness_show(run));
	ck_assert_msg(lines > 0 && run->err[run->err_len - 1] == '\n', "%s", harness_show(run));
}

START_TEST(json_progress_is_all_json)
{
	const struct way *w = &ways[_i * apart()];
	struct scene s = open_way(w);

	const struct harness_run *run = run_way(&s, w, "--progress=json");
	if (w->ended_by) /* what is refused before the run is plain */
		expect_json_lines(run, w);
	scene_close(&s);
}
END_TEST

/* Each retry, each failed record, and what a server says, too. */
START_TEST(json_progress_with_all_that_can_be_said)
{
	struct scene s = open_way(&ways[1]);
	static const struct way w = { .name = "verbose", .status = 1 };
	size_t before;

	sandbox_add_rule(s.sandbox,
	    &(struct sandbox_rule){ .person = "p7",
	        .fault = { .act = SANDBOX_STATUS,
	            .status = 400,
	            .body = "{\"meta\":{\"errors\":[\"\x1b[31m \\\"quoted\\\"\"]}}" } });
	const struct harness_run *run = HARNESS_RUN(s.harness, "in.csv", "--progress=json", "-v",
	    "--progress-every=5", "--rate=unlimited", "--backoff=10ms");
	harness_assert_status(run, 1);
	expect_no_control(run->err, run->err_len, run);
	expect_json_lines(run, &w);
	before = harness_count_lines(run->err, "\"type\":\"progress\"");
	ck_assert_msg(before >= 3, "%zu progress lines%s", before, harness_show(run));
	harness_assert_err_has(run, "\"level\":\"detail\"");
	harness_assert_err_has(run, "\"level\":\"notice\"");
	scene_close(&s);
}
END_TEST

/* Whatever the terminal's name, a file or a pipe gets plain lines. */
START_TEST(plain_lines_without_a_terminal)
{
	struct scene s = open_way(&ways[0]);

	harness_env(s.harness, "TERM", "xterm-256color");
	sandbox_add_rule(s.sandbox,
	    &(struct sandbox_rule){ .person = "p7",
	        .fault = { .act = SANDBOX_STATUS,
	            .status = 400,
	            .body = "{\"meta\":{\"errors\":[\"\x1b[2J\\r\\u0007 bad\"]}}" } });
	const struct harness_run *run = HARNESS_RUN(s.harness, "in.csv", "--progress-every=10",
	    "-v", "--rate=unlimited");
	harness_assert_status(run, 1);
	expect_no_control(run->err, run->err_len, run);
	ck_assert_uint_eq(harness_count_lines(run->err, "Progress: "), 3);
	harness_assert_err_has(run, "Progress: 10/30 (");
	scene_close(&s);
}
END_TEST

Suite *cron_suite(void)
{
	Suite *s = suite_create("cron");
	TCase *t = tcase_create("cron");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, quiet_says_what_matters, 0, COUNT(ways));
	tcase_add_loop_test(t, figures_tell_of_every_run, 0, (COUNT(ways) + apart() - 1) / apart());
	tcase_add_test(t, figures_are_renamed_into_place);
	tcase_add_loop_test(t, figures_that_cannot_be_written, 0, 4);
	tcase_add_loop_test(t, json_progress_is_all_json, 0, (COUNT(ways) + apart() - 1) / apart());
	tcase_add_test(t, json_progress_with_all_that_can_be_said);
	tcase_add_test(t, plain_lines_without_a_terminal);
	suite_add_tcase(s, t);
	return s;
}
