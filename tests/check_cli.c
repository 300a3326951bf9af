/*
 * The program as a whole: each case in tests/cli/NAME.json is arguments, input and a script of
 * replies, and what must have been requested, said, written and returned. A case is an object:
 *
 *   name        what it shows
 *   args        arguments; files: name to contents, made beforehand (a/b: in a directory); stdin:
 * text; env: name to value (null: taken out), where <dir> stands for the directory sandbox
 * {"strict_emails", "rate_limit", "retry_after_s", "latency_ms", "region_url"}; false: no server at
 * all rules       [{"nth", "method", "path", "body", "person", "times", "passes", "act", "status",
 * "headers", "answer", "process", "delay_ms"}] status      exit status (0 where it is left out)
 *   requests    [["PUT", "/api/v1/customers/1", "body"], ...] as they arrived, without the
 * credentials check; null: no body; <ulid> stands for any valid ULID. "checks": how many
 * credentials checks there were (1) out         standard output, exactly; out_has, err_has,
 * err_lacks: parts of them after       name to contents of files afterwards; null: not there
 *
 * Under valgrind it is a sample: of each file every third case, from the first on.
 */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "harness.h"
#include "sandbox.h"

Suite *cli_suite(void);

#define CASES_DIR "tests/cli"
#define MOST_ARGS 64
#define SAMPLE 3

/* Loaded before Check forks, so that each test knows its case by its index. */
static json_t *cases;
static size_t total; /* what the files have */

static void load_file(const char *name)
{
	char path[512];
	json_error_t error;
	json_t *array, *value;
	size_t i;

	snprintf(path, sizeof path, CASES_DIR "/%s", name);
	array = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
	if (!array) {
		fprintf(stderr, "%s:%d: %s\n", path, error.line, error.text);
		abort();
	}
	total += json_array_size(array);
	json_array_foreach(array, i, value)
	{
		if (harness_is_under() && i % SAMPLE != 0)
			continue;
		json_object_set_new(value, "file", json_string(path));
		json_array_append(cases, value);
	}
	json_decref(array);
}

static int is_json(const struct dirent *d)
{
	const char *dot = strrchr(d->d_name, '.');

	return dot && strcmp(dot, ".json") == 0;
}

static void load_cases(void)
{
	struct dirent **names;
	int n = scandir(CASES_DIR, &names, is_json, alphasort);

	cases = json_array();
	for (int i = 0; i < n; i++) {
		load_file(names[i]->d_name);
		free(names[i]);
	}
	if (n >= 0)
		free(names);
}

static const char *text_of(const json_t *c, const char *key)
{
	return json_string_value(json_object_get(c, key));
}

static int number_of(const json_t *c, const char *key)
{
	return (int)json_integer_value(json_object_get(c, key));
}

static enum sandbox_act act_of(const json_t *rule)
{
	static const struct {
		const char *name;
		enum sandbox_act act;
	} acts[] = {
		{ "pass", SANDBOX_PASS },
		{ "status", SANDBOX_STATUS },
		{ "reset", SANDBOX_RESET },
		{ "cut", SANDBOX_CUT },
		{ "raw", SANDBOX_RAW },
		{ "hang", SANDBOX_HANG },
	};
	const char *name = text_of(rule, "act");

	for (size_t i = 0; name && i < sizeof acts / sizeof *acts; i++)
		if (strcmp(acts[i].name, name) == 0)
			return acts[i].act;
	ck_assert_msg(!name, "no such act: %s", name);
	return SANDBOX_STATUS;
}

static void add_rules(struct sandbox *s, const json_t *c)
{
	json_t *rule;
	size_t i;

	json_array_foreach(json_object_get(c, "rules"), i, rule)
	{
		struct sandbox_rule r = {
			.nth = (uint64_t)number_of(rule, "nth"),
			.method = text_of(rule, "method"),
			.path = text_of(rule, "path"),
			.body = text_of(rule, "body"),
			.person = text_of(rule, "person"),
			.times = number_of(rule, "times"),
			.passes = (uint64_t)number_of(rule, "passes"),
			.fault = {
				.act = act_of(rule),
				.process = json_is_true(json_object_get(rule, "process")),
				.delay_ms = number_of(rule, "delay_ms"),
				.status = number_of(rule, "status"),
				.headers = text_of(rule, "headers"),
				.body = text_of(rule, "answer"),
			},
		};
		sandbox_add_rule(s, &r);
	}
}

static struct sandbox *start_sandbox(const json_t *c)
{
	const json_t *given = json_object_get(c, "sandbox");
	struct sandbox_config config = {
		.strict_emails = json_is_true(json_object_get(given, "strict_emails")),
		.rate_limit = (unsigned)number_of(given, "rate_limit"),
		.retry_after_s = number_of(given, "retry_after_s"),
		.latency_ms = (unsigned)number_of(given, "latency_ms"),
		.region_url = text_of(given, "region_url"),
	};
	struct sandbox *s;

	if (json_is_false(given))
		return NULL;
	s = sandbox_start(&config);
	ck_assert_ptr_nonnull(s);
	add_rules(s, c);
	return s;
}

static void make_directories(struct harness *h, const char *name)
{
	char dir[256];

	for (const char *slash = name; (slash = strchr(slash, '/')); slash++) {
		snprintf(dir, sizeof dir, "%.*s", (int)(slash - name), name);
		ck_assert(mkdir(harness_path(h, dir), 0700) == 0 || errno == EEXIST);
	}
}

static void set_variable(struct harness *h, const char *name, const char *value)
{
	char text[1024];
	bool inside = value && strncmp(value, "<dir>", 5) == 0;

	if (inside)
		snprintf(text, sizeof text, "%s%s", harness_dir(h), value + 5);
	harness_env(h, name, inside ? text : value);
}

static void prepare(struct harness *h, const json_t *c)
{
	const char *name, *text = text_of(c, "stdin");
	json_t *value;

	json_object_foreach(json_object_get(c, "files"), name, value)
	{
		make_directories(h, name);
		harness_write(h, name, json_string_value(value), json_string_length(value));
	}
	json_object_foreach(json_object_get(c, "env"), name, value)
	    set_variable(h, name, json_string_value(value));
	if (text)
		harness_stdin(h, text, json_string_length(json_object_get(c, "stdin")));
}

static bool is_ulid(const char *s)
{
	return strspn(s, "0123456789ABCDEFGHJKMNPQRSTVWXYZ") >= 26 && s[0] <= '7';
}

/* Whether text is what is wanted, <ulid> standing for one. */
static bool matches(const char *text, const char *want)
{
	while (*want) {
		if (strncmp(want, "<ulid>", 6) == 0) {
			if (!is_ulid(text))
				return false;
			want += 6;
			text += 26;
		} else if (*text++ != *want++) {
			return false;
		}
	}
	return *text == '\0';
}

static bool is_check(const struct sandbox_arrival *a)
{
	return strcmp(a->path, "/api/v1/accounts/region") == 0 ||
	    strcmp(a->path, "/v1/workspaces") == 0;
}

static void expect_requests(struct sandbox *s, const json_t *c, const struct harness_run *run)
{
	json_t *wanted = json_object_get(c, "requests"), *checks = json_object_get(c, "checks");
	size_t n = sandbox_arrivals(s), next = 0, seen_checks = 0;

	for (size_t i = 0; i < n; i++) {
		struct sandbox_arrival a = sandbox_arrival(s, i);
		if (is_check(&a)) {
			seen_checks++;
			continue;
		}
		if (!wanted)
			continue;
		json_t *want = json_array_get(wanted, next++);
		ck_assert_msg(want, "an unexpected request: %s %s %s%s", a.method, a.path,
		    a.body ? a.body : "", harness_show(run));
		ck_assert_str_eq(a.method, json_string_value(json_array_get(want, 0)));
		ck_assert_str_eq(a.path, json_string_value(json_array_get(want, 1)));
		const char *body = json_string_value(json_array_get(want, 2));
		ck_assert_msg(body ? a.body && matches(a.body, body) : !a.body_len,
		    "request %zu:\n     is: %s\nexpected: %s", next, a.body ? a.body : "(no body)",
		    body ? body : "(no body)");
	}
	ck_assert_msg(!wanted || next == json_array_size(wanted), "%zu requests, not %zu%s", next,
	    json_array_size(wanted), harness_show(run));
	ck_assert_msg(seen_checks == (checks ? (size_t)json_integer_value(checks) : 1),
	    "%zu credentials checks%s", seen_checks, harness_show(run));
}

static void expect_said(const json_t *c, const struct harness_run *run)
{
	json_t *value;
	size_t i;

	if (text_of(c, "out"))
		harness_assert_out_is(run, text_of(c, "out"));
	json_array_foreach(json_object_get(c, "out_has"), i, value)
	    harness_assert_out_has(run, json_string_value(value));
	json_array_foreach(json_object_get(c, "err_has"), i, value)
	    harness_assert_err_has(run, json_string_value(value));
	json_array_foreach(json_object_get(c, "err_lacks"), i, value)
	    harness_assert_err_lacks(run, json_string_value(value));
}

static void expect_files(struct harness *h, const json_t *c)
{
	const char *name;
	json_t *value;

	json_object_foreach(json_object_get(c, "after"), name, value) if (json_is_null(value))
	    ck_assert_msg(!harness_exists(h, name), "%s is there", name);
	else harness_assert_file_is(h, name, json_string_value(value));
}

START_TEST(cli_case)
{
	json_t *c = json_array_get(cases, (size_t)_i), *value;
	const char *args[MOST_ARGS + 1] = { NULL };
	size_t n;

	if (_i == 0 && json_array_size(cases) < total)
		printf("a sample: %zu of %zu cases\n", json_array_size(cases), total);
	printf("%s: %s\n", text_of(c, "file"), text_of(c, "name"));
	fflush(stdout);
	struct sandbox *s = start_sandbox(c);
	struct harness *h = harness_new(s);
	prepare(h, c);
	json_array_foreach(json_object_get(c, "args"), n, value)
	{
		ck_assert_uint_lt(n, MOST_ARGS);
		args[n] = json_string_value(value);
	}
	const struct harness_run *run = harness_run(h, args);
	ck_assert_msg(!run->timed_out, "timed out%s", harness_show(run));
	harness_assert_status(run, number_of(c, "status"));
	expect_said(c, run);
	expect_files(h, c);
	if (s)
		expect_requests(s, c, run);
	harness_free(h);
	sandbox_stop(s);
}
END_TEST

Suite *cli_suite(void)
{
	Suite *s = suite_create("cli");
	TCase *t = tcase_create("cli");

	load_cases();
	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, cli_case, 0, (int)json_array_size(cases));
	suite_add_tcase(s, t);
	return s;
}
