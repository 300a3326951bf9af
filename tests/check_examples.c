/* The examples of README and the manual, taken from the documents and run as they stand against the
 * sandbox. */
#include <check.h>
#include <ctype.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "documents.h"
#include "harness.h"
#include "sandbox.h"

Suite *examples_suite(void);

/* --- a place to run them in: the files they name, and the other programs they call --- */

#define PEOPLE 12

struct place {
	struct sandbox *sandbox;
	struct harness *h;
	struct buf name; /* of joined() */
};

static const char users_header[] = "id,email,plan,created_at\n";
static const char spoilt_user[] = "99,@nowhere,free,2024-02-29\n";

/* Good until the next one. */
static const char *joined(struct place *p, const char *a, const char *b, const char *c)
{
	buf_reset(&p->name);
	buf_fmt(&p->name, "%s%s%s", a, b, c);
	buf_byte(&p->name, '\0');
	return p->name.data;
}

static void make_dir(struct place *p, const char *name)
{
	ck_assert_int_eq(mkdir(harness_path(p->h, name), 0700), 0);
}

/* PEOPLE people, 1 to PEOPLE; and perhaps one whose address the sandbox refuses. */
static void write_users(struct place *p, const char *name, bool spoilt)
{
	struct buf csv;

	buf_init(&csv, 1 << 16);
	buf_str(&csv, users_header);
	for (int i = 1; i <= PEOPLE; i++)
		buf_fmt(&csv, "%d,user%d@example.com,free,2024-02-29\n", i, i);
	if (spoilt)
		buf_str(&csv, spoilt_user);
	harness_write(p->h, name, csv.data, csv.len);
	buf_free(&csv);
}

static void write_files(struct place *p)
{
	write_users(p, "users.csv", true);
	harness_write_text(p->h, "contacts.csv",
	    "user_id,mail,age,vip,password\n"
	    "42,ann@example.com,37,true,hunter2\n");
	harness_write_text(p->h, "forgotten.csv", "user1@example.com\nuser2@example.com\n");
	harness_write_text(p->h, "events.ndjson",
	    "{\"id\":\"1\",\"name\":\"seen\",\"price\":29.99}\n"
	    "{\"id\":\"2\",\"name\":\"seen\"}\n{\"id\":\"1\",\"name\":\"bought\"}\n");
	harness_write_text(p->h, "vip.csv", "email\nuser1@example.com\nuser2@example.com\n");
	harness_write_text(p->h, "bounced.csv", "email,when\ngone@example.com,2024-02-29\n");
	harness_write_text(p->h, "receipts.csv",
	    "id,email,order\n1,user1@example.com,7\n2,user2@example.com,8\n");
	harness_write_text(p->h, "invited.csv", "email,table\nuser1@example.com,7\n");
	harness_write_text(p->h, "companies.csv", "object_id,name\nacme,Acme\n");
	harness_write_text(p->h, "employees.csv",
	    "email,object_id,role\nuser1@example.com,acme,boss\n");
	harness_write_text(p->h, "companies.ndjson",
	    "{\"type\":\"object\",\"action\":\"identify\",\"identifiers\":"
	    "{\"object_type_id\":\"1\",\"object_id\":\"acme\"},\"attributes\":{\"name\":\"Acme\"}}"
	    "\n");
	struct buf json;
	buf_init(&json, 1 << 16);
	for (int i = 1; i <= PEOPLE; i++)
		buf_fmt(&json, "%s{\"id\":\"%d\",\"price\":29.99}", i > 1 ? "," : "{\"users\":[",
		    i);
	buf_str(&json, "]}\n");
	harness_write(p->h, "export.json", json.data, json.len);
	buf_free(&json);
}

static void write_program(struct place *p, const char *name, const char *script)
{
	harness_write_text(p->h, name, script);
	ck_assert_int_eq(chmod(harness_path(p->h, name), 0755), 0);
}

static void link_program(struct place *p, const char *name)
{
	const char *build = getenv("BUILD");
	char *full, path[4096];

	snprintf(path, sizeof path, "%s/%s", build ? build : "build", name);
	full = realpath(path, NULL);
	ck_assert_msg(full != NULL, "%s is not built", path);
	snprintf(path, sizeof path, "bin/%s", name);
	ck_assert_int_eq(symlink(full, harness_path(p->h, path)), 0);
	free(full);
}

/* Stand-ins: a database, an editor that puts the spoilt address right, a tail that ends, a GNU
 * parallel that takes one after another. */
static void write_programs(struct place *p)
{
	make_dir(p, "bin");
	link_program(p, "cio-import");
	link_program(p, "cio-import-sandbox");
	write_program(p, "bin/psql", "#!/bin/sh\ngrep -v nowhere users.csv\n");
	write_program(p, "bin/edit",
	    "#!/bin/sh\nexec sed -i 's/,@nowhere/,user99@example.com/' \"$1\"\n");
	write_program(p, "bin/tail", "#!/bin/sh\ntimeout 2 /usr/bin/tail \"$@\"\nexit 0\n");
	write_program(p, "bin/parallel",
	    "#!/bin/bash\nset -f\ncommand=()\n"
	    "while [ \"$1\" != ::: ]; do command+=(\"$1\"); shift; done\nshift\nstatus=0\n"
	    "for value; do \"${command[@]//\\{\\}/$value}\" || status=$?; done\nexit $status\n");
	harness_env(p->h, "EDITOR", "edit");
	harness_env(p->h, "PATH", joined(p, harness_dir(p->h), "/bin:", getenv("PATH")));
}

static struct place set_up(void)
{
	struct sandbox_config config = { .strict_emails = true };
	struct place p = { .sandbox = sandbox_start(&config) };

	ck_assert_ptr_nonnull(p.sandbox);
	p.h = harness_new(p.sandbox);
	buf_init(&p.name, 1 << 20);
	write_programs(&p);
	write_files(&p);
	return p;
}

static void tear_down(struct place *p)
{
	buf_free(&p->name);
	harness_free(p->h);
	sandbox_stop(p->sandbox);
}

static const struct harness_run *run_script(struct place *p, const char *shell, const char *script)
{
	harness_program(p->h, shell);
	return HARNESS_RUN(p->h, "-c", script);
}

/* `text` with every `from` replaced, to free. */
static char *replaced(const char *text, const char *from, const char *to)
{
	struct buf out;

	buf_init(&out, 1 << 20);
	for (const char *at; (at = strstr(text, from)); text = at + strlen(from)) {
		buf_add(&out, text, (size_t)(at - text));
		buf_str(&out, to);
	}
	buf_str(&out, text);
	buf_byte(&out, '\0');
	return out.data;
}

/* Replaces in place. */
static void replace(char **text, const char *from, const char *to)
{
	char *old = *text;

	*text = replaced(old, from, to);
	free(old);
}

/* --- what an example must have done --- */

static bool is_there(struct place *p, const char *id)
{
	json_t *person = sandbox_person(p->sandbox, id);
	bool there = person != NULL;

	json_decref(person);
	return there;
}

static void expect_people(struct place *p, const struct harness_run *run)
{
	char id[16];

	for (int i = 1; i <= PEOPLE; i++) {
		snprintf(id, sizeof id, "%d", i);
		ck_assert_msg(is_there(p, id), "person %s did not arrive%s", id, harness_show(run));
	}
}

static void expect_mended(struct place *p, const struct harness_run *run)
{
	expect_people(p, run);
	ck_assert_msg(is_there(p, "99"), "the record that was put right did not arrive%s",
	    harness_show(run));
}

static void expect_forecast(struct place *p, const struct harness_run *run)
{
	ck_assert_uint_eq(sandbox_arrivals(p->sandbox), 0);
	harness_assert_err_has(run, "Forecast");
	char *requests = harness_read(p->h, "requests.ndjson", NULL);
	ck_assert_ptr_nonnull(requests);
	ck_assert_uint_eq(harness_count_lines(requests, "\"record\""), PEOPLE + 1);
	free(requests);
}

static void expect_rehearsal(struct place *p, const struct harness_run *run)
{
	char people[64];

	ck_assert_uint_eq(sandbox_arrivals(p->sandbox), 0);
	snprintf(people, sizeof people, "sandbox: %d people", PEOPLE);
	harness_assert_out_has(run, people);
}

static void expect_contact(struct place *p, const struct harness_run *run)
{
	json_t *person = sandbox_person(p->sandbox, "42");
	json_t *want = json_pack("{s:s, s:i, s:b, s:s}", "email", "ann@example.com", "age", 37,
	    "vip", 1, "source", "crm");

	ck_assert_msg(person != NULL, "the contact did not arrive%s", harness_show(run));
	char *got = json_dumps(person, JSON_SORT_KEYS);
	ck_assert_msg(json_equal(person, want), "the contact arrived as %s", got);
	free(got);
	json_decref(want);
	json_decref(person);
}

static void expect_events(struct place *p, const struct harness_run *run)
{
	json_t *events = sandbox_events(p->sandbox);

	ck_assert_msg(json_array_size(events) == 3, "%zu events arrived, not 3%s",
	    json_array_size(events), harness_show(run));
	json_decref(events);
}

static void expect_suppressed(struct place *p, const struct harness_run *run)
{
	ck_assert_msg(sandbox_suppressed(p->sandbox, "user1@example.com"),
	    "user1 is not suppressed%s", harness_show(run));
	ck_assert_msg(sandbox_suppressed(p->sandbox, "user2@example.com"),
	    "user2 is not suppressed%s", harness_show(run));
}

static void expect_company(struct place *p, const struct harness_run *run)
{
	json_t *company = sandbox_object(p->sandbox, "1", "acme");

	ck_assert_msg(company != NULL, "the object did not arrive%s", harness_show(run));
	json_decref(company);
}

static void expect_employees(struct place *p, const struct harness_run *run)
{
	json_t *company = sandbox_object(p->sandbox, "1", "acme"),
	       *role = sandbox_relation(p->sandbox, "user1@example.com", "1", "acme");

	ck_assert_msg(company != NULL && role != NULL, "no company, or nobody in it%s",
	    harness_show(run));
	ck_assert_str_eq(json_string_value(json_object_get(company, "name")), "Acme");
	ck_assert_str_eq(json_string_value(json_object_get(role, "role")), "boss");
	json_decref(company);
	json_decref(role);
}

static void expect_segment(struct place *p, const struct harness_run *run)
{
	ck_assert_msg(sandbox_in_segment(p->sandbox, "7", "user1@example.com") &&
	        sandbox_segment_size(p->sandbox, "7") == 2,
	    "the segment is not what the file has%s", harness_show(run));
}

static void expect_bounced(struct place *p, const struct harness_run *run)
{
	ck_assert_msg(sandbox_esp_suppressed(p->sandbox, "bounces", "gone@example.com"),
	    "the address is not suppressed%s", harness_show(run));
}

/* Nobody was imported before. */
static void expect_differences(struct place *p, const struct harness_run *run)
{
	(void)p;
	harness_assert_err_has(run, "users.csv:2: user 1: nobody is there\n");
}

static void expect_messages(struct place *p, const struct harness_run *run)
{
	ck_assert_msg(sandbox_counters(p->sandbox).messages == 2 &&
	        sandbox_counters(p->sandbox).messages_twice == 0 &&
	        sandbox_counters(p->sandbox).triggers <= 1,
	    "the messages were not sent once%s", harness_show(run));
}

/* By a text that such an example has; the first that matches counts, and each must be met
 * somewhere. */
static const struct expectation {
	const char *text;
	void (*expect)(struct place *p, const struct harness_run *run);
} expectations[] = {
	{ "cio-import-sandbox", expect_rehearsal },
	{ "users.rejected.csv", expect_mended },
	{ "users.differing.csv", expect_people },
	{ "--action=verify", expect_differences },
	{ "--dry-run", expect_forecast },
	{ "contacts.csv", expect_contact },
	{ "--action=track", expect_events },
	{ "--action=suppress", expect_suppressed },
	{ "--action=entity", expect_company },
	{ "--action=relate", expect_employees },
	{ "--action=segment-add", expect_segment },
	{ "--action=esp-suppress", expect_bounced },
	{ "--action=send-email", expect_messages },
	{ "cio-import", expect_people },
};
#define EXPECTATIONS (sizeof expectations / sizeof *expectations)

static const struct expectation *expectation_for(const char *block)
{
	for (size_t i = 0; i < EXPECTATIONS; i++)
		if (strstr(block, expectations[i].text))
			return &expectations[i];
	ck_abort_msg("an example runs no cio-import:\n%s", block);
	return NULL;
}

/* --- runnable blocks --- */

/* A port that nobody listens on. */
static int free_port(void)
{
	struct sandbox_config config = { 0 };
	struct sandbox *s = sandbox_start(&config);
	int port;

	ck_assert_ptr_nonnull(s);
	port = sandbox_port(s);
	sandbox_stop(s);
	return port;
}

/* Each command must end with 0, or 1 where a record was refused. What was left in the background is
 * waited for. */
static void run_block(const char *block)
{
	struct place p = set_up();
	struct buf script;
	char *commands = document_script(block, "ended"), port[16];
	const struct expectation *e = expectation_for(block);

	snprintf(port, sizeof port, "%d", free_port());
	replace(&commands, "8025", port);
	buf_init(&script, 1 << 20);
	buf_fmt(&script,
	    "set -o pipefail\n"
	    "ended() { [ $1 -le 1 ] || { echo \"a command ended with $1\" >&2; exit 99; }; }\n"
	    "%swait\n",
	    commands);
	buf_byte(&script, '\0');
	const struct harness_run *run = run_script(&p, "/bin/bash", script.data);
	ck_assert_msg(run->status == 0, "this example failed:\n%s%s", block, harness_show(run));
	e->expect(&p, run);
	buf_free(&script);
	free(commands);
	tear_down(&p);
}

START_TEST(readme_example_runs)
{
	char *block = document_fence("sh runnable", (size_t)_i);

	run_block(block);
	free(block);
}
END_TEST

START_TEST(manual_example_runs)
{
	char *block = document_example((size_t)_i);

	run_block(block);
	free(block);
}
END_TEST

static size_t count_blocks(char *(*nth)(size_t n))
{
	size_t count = 0;

	for (char *block; (block = nth(count)); count++)
		free(block);
	return count;
}

static char *readme_block(size_t n)
{
	return document_fence("sh runnable", n);
}

/* So that neither the documents nor the way they are read lose an example unseen. */
START_TEST(there_are_examples_of_each_kind)
{
	bool met[EXPECTATIONS] = { false };

	ck_assert_uint_ge(count_blocks(readme_block), 9);
	ck_assert_uint_ge(count_blocks(document_example), 10);
	for (size_t manual = 0; manual < 2; manual++) {
		char *block;
		for (size_t i = 0; (block = manual ? document_example(i) : readme_block(i)); i++) {
			met[expectation_for(block) - expectations] = true;
			free(block);
		}
	}
	for (size_t i = 0; i < EXPECTATIONS; i++)
		ck_assert_msg(met[i], "no example has %s any more", expectations[i].text);
}
END_TEST

/* --- the demo --- */

/* Every line of `text` that begins with `start` stands in the block; how many there are. */
static size_t expect_lines(const char *block, const char *text, const char *start)
{
	size_t seen = 0;
	char *line;

	for (size_t i = 0; (line = harness_line(text, i)); i++) {
		if (strncmp(line, start, strlen(start)) == 0) {
			ck_assert_msg(strstr(block, line) != NULL,
			    "README's demo lacks this line: %s", line);
			seen++;
		}
		free(line);
	}
	return seen;
}

/* What README shows of `make demo` is what comes, but for the times. */
START_TEST(the_demo_is_the_real_one)
{
	struct place p = set_up();
	char *block = document_fence("console", 0), *users = document_read("fixtures/users.csv");

	ck_assert_ptr_nonnull(block);
	ck_assert_ptr_nonnull(users);
	harness_write_text(p.h, "users.csv", users);
	const struct harness_run *run = HARNESS_RUN(p.h, "--rate=unlimited", "users.csv");
	harness_assert_status(run, 1);
	ck_assert_uint_eq(expect_lines(block, run->err, "users.csv:"), 3);
	ck_assert_uint_eq(expect_lines(block, run->err, "Done: "), 1);
	char *rejects = harness_read(p.h, "users.rejected.csv", NULL);
	ck_assert_uint_eq(expect_lines(block, rejects, ""), 4);
	free(rejects);
	free(users);
	free(block);
	tear_down(&p);
}
END_TEST

/* --- cron, systemd, schedulers --- */

static void write_credentials(struct place *p, const char *name, mode_t mode)
{
	struct buf text;

	buf_init(&text, 4096);
	buf_str(&text, "CUSTOMERIO_SITE_ID=sandbox\nCUSTOMERIO_TRACK_API_KEY=sandbox\n");
	buf_fmt(&text, "CUSTOMERIO_URL=%s\n", sandbox_url(p->sandbox));
	harness_write(p->h, name, text.data, text.len);
	buf_free(&text);
	ck_assert_int_eq(chmod(harness_path(p->h, name), mode), 0);
	harness_env(p->h, "CUSTOMERIO_SITE_ID", NULL);
	harness_env(p->h, "CUSTOMERIO_TRACK_API_KEY", NULL);
	harness_env(p->h, "CUSTOMERIO_URL", NULL);
}

/* Directories as the examples have them, under the harness's own, and an export without a spoilt
 * record. */
static void make_tree(struct place *p)
{
	static const char *const dirs[] = { "srv", "srv/export", "var", "var/lib",
		"var/lib/prometheus", "var/lib/prometheus/node-exporter", ".config",
		".config/cio-import", "state", "state/cio-import", "credentials" };

	for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++)
		make_dir(p, dirs[i]);
	write_users(p, "srv/export/users.csv", false);
	write_users(p, "users.csv", false);
}

static void use_tree(struct place *p, char **text)
{
	replace(text, "/srv/", joined(p, harness_dir(p->h), "/srv/", ""));
	replace(text, "/var/", joined(p, harness_dir(p->h), "/var/", ""));
}

static void expect_silence(struct place *p, const struct harness_run *run)
{
	harness_assert_status(run, 0);
	harness_assert_out_is(run, "");
	ck_assert_msg(run->err_len == 0, "it is not silent%s", harness_show(run));
	expect_people(p, run);
}

/* What cron makes of the nth line (from 0): five fields, then the command, where a percent sign
 * needs a backslash. */
static char *cron_command(const char *block, int nth)
{
	const char *line = block;

	while (line && ((!isdigit((unsigned char)*line) && *line != '*') || nth-- > 0))
		line = (line = strchr(line, '\n')) ? line + 1 : NULL;
	ck_assert_ptr_nonnull(line);
	for (int field = 0; field < 5; field++) {
		line += strcspn(line, " ");
		line += strspn(line, " ");
	}
	char *command = xstrndup(line, strcspn(line, "\n"));
	for (const char *p = command; (p = strchr(p, '%')); p++)
		ck_assert_msg(p[-1] == '\\', "cron ends a command at %%: write \\%% in %s",
		    command);
	replace(&command, "\\%", "%");
	return command;
}

START_TEST(crontab_line_runs)
{
	struct place p = set_up();
	char *block = document_fence("crontab", 0);

	ck_assert_ptr_nonnull(block);
	char *command = cron_command(block, 0);
	make_tree(&p);
	use_tree(&p, &command);
	write_credentials(&p, ".config/cio-import/env", 0600);
	expect_silence(&p, run_script(&p, "/bin/sh", command));
	ck_assert(harness_exists(p.h, "var/lib/prometheus/node-exporter/cio_import.prom"));
	size_t sent = sandbox_arrivals(p.sandbox);
	expect_silence(&p, run_script(&p, "/bin/sh", command));
	ck_assert_msg(sandbox_arrivals(p.sandbox) == sent + 1,
	    "the second night sent more than the credentials check");
	free(command);
	free(block);
	tear_down(&p);
}
END_TEST

/* Each hour what was appended, and nothing of it twice. */
START_TEST(event_log_line_runs)
{
	struct place p = set_up();
	char *block = document_fence("crontab", 0);

	ck_assert_ptr_nonnull(block);
	char *command = cron_command(block, 1);
	make_tree(&p);
	make_dir(&p, "srv/log");
	use_tree(&p, &command);
	write_credentials(&p, ".config/cio-import/env", 0600);
	struct buf log = { .max = BUF_UNBOUNDED };
	for (unsigned hour = 1; hour <= 3; hour++) {
		for (int i = 0; i < 5; i++)
			buf_fmt(&log, "{\"id\":%d,\"name\":\"seen\",\"timestamp\":17000%u000%d}\n",
			    i, hour, i);
		harness_write(p.h, "srv/log/events.ndjson", log.data, log.len);
		const struct harness_run *run = run_script(&p, "/bin/sh", command);
		harness_assert_status(run, 0);
		ck_assert_msg(run->err_len == 0, "it is not silent%s", harness_show(run));
		ck_assert_uint_eq(sandbox_counters(p.sandbox).events, hour * 5);
		ck_assert_uint_eq(sandbox_counters(p.sandbox).duplicates, 0);
	}
	buf_free(&log);
	free(command);
	free(block);
	tear_down(&p);
}
END_TEST

/* A unit file of README under its own name, with the program where it is; its text, to free. */
static char *write_unit(struct place *p, const char *name)
{
	char *block = NULL, mark[128], *exec;

	snprintf(mark, sizeof mark, "# /etc/systemd/system/%s\n", name);
	for (size_t n = 0;
	     (block = document_fence("ini", n)) && strncmp(block, mark, strlen(mark)) != 0; n++)
		free(block);
	ck_assert_msg(block != NULL, "README has no %s", name);
	exec = xstrdup(block);
	replace(&exec, "ExecStart=cio-import",
	    joined(p, "ExecStart=", harness_dir(p->h), "/bin/cio-import"));
	harness_write_text(p->h, name, exec);
	free(exec);
	return block;
}

START_TEST(unit_files_are_sound)
{
	static const char *const service_has[] = { "\n[Service]\n", "\nType=oneshot\n",
		"\nLoadCredential=env:", "\nExecStart=cio-import ", "--env-file=%d/env" };
	static const char *const timer_has[] = { "\n[Timer]\n",
		"\nOnCalendar=", "\nWantedBy=timers.target\n" };
	struct place p = set_up();
	char *service = write_unit(&p, "cio-import.service"),
	     *timer = write_unit(&p, "cio-import.timer");

	for (size_t i = 0; i < sizeof service_has / sizeof *service_has; i++)
		ck_assert_msg(strstr(service, service_has[i]) != NULL, "the service lacks %s",
		    service_has[i]);
	for (size_t i = 0; i < sizeof timer_has / sizeof *timer_has; i++)
		ck_assert_msg(strstr(timer, timer_has[i]) != NULL, "the timer lacks %s",
		    timer_has[i]);
	const struct harness_run *run = run_script(&p, "/bin/sh",
	    "command -v systemd-analyze >/dev/null || exit 100\n"
	    "exec systemd-analyze verify ./cio-import.service ./cio-import.timer");
	if (run->status == 100) {
		fprintf(stderr,
		    "examples: systemd-analyze is not here: the unit files are looked at only\n");
	} else {
		harness_assert_status(run, 0);
		ck_assert_msg(run->err_len == 0, "systemd complains%s", harness_show(run));
	}
	free(service);
	free(timer);
	tear_down(&p);
}
END_TEST

/* The service's command as systemd starts it: %d is where the credentials are, %S /var/lib. */
START_TEST(service_command_runs)
{
	struct place p = set_up();
	char *service = write_unit(&p, "cio-import.service");
	char *command = strstr(service, "\nExecStart=") + strlen("\nExecStart="), *end = command;

	while (*(end += strcspn(end, "\n")) && end[-1] == '\\')
		end++;
	command = xstrndup(command, (size_t)(end - command));
	make_tree(&p);
	write_credentials(&p, "credentials/env", 0440);
	harness_env(p.h, "CREDENTIALS_DIRECTORY", harness_path(p.h, "credentials"));
	replace(&command, "%d", harness_path(p.h, "credentials"));
	replace(&command, "%S", harness_path(p.h, "state"));
	use_tree(&p, &command);
	expect_silence(&p, run_script(&p, "/bin/sh", command));
	ck_assert(harness_exists(p.h, "state/cio-import/summary.json"));
	ck_assert(!harness_exists(p.h, "state/cio-import/users.state"));
	free(command);
	free(service);
	tear_down(&p);
}
END_TEST

/* Each of four jobs sends its own share: all people, each once. */
static void run_jobs(struct place *p, const char *variable, int first, const char *script)
{
	const struct harness_run *run = NULL;
	char number[16];

	for (int i = first; i < first + 4; i++) {
		snprintf(number, sizeof number, "%d", i);
		harness_env(p->h, variable, number);
		run = run_script(p, "/bin/sh", script);
		harness_assert_status(run, 0);
	}
	expect_people(p, run);
	ck_assert_uint_eq(sandbox_arrivals(p->sandbox), PEOPLE + 4);
}

START_TEST(slurm_array_runs)
{
	struct place p = set_up();
	char *script = document_fence("sh slurm", 0);

	ck_assert_ptr_nonnull(script);
	ck_assert(strstr(script, "#SBATCH --array=1-4\n") != NULL);
	make_tree(&p);
	write_credentials(&p, ".config/cio-import/env", 0600);
	run_jobs(&p, "SLURM_ARRAY_TASK_ID", 1, script);
	free(script);
	tear_down(&p);
}
END_TEST

START_TEST(kubernetes_job_runs)
{
	static const char before[] = "command: [\"/bin/sh\", \"-c\", \"";
	struct place p = set_up();
	char *manifest = document_fence("yaml", 0);

	ck_assert_ptr_nonnull(manifest);
	ck_assert(strstr(manifest, "completions: 4\n") && !strchr(manifest, '\t'));
	const char *start = strstr(manifest, before);
	ck_assert_ptr_nonnull(start);
	start += strlen(before);
	char *script = xstrndup(start, strcspn(start, "\""));
	make_tree(&p);
	run_jobs(&p, "JOB_COMPLETION_INDEX", 0, script);
	free(script);
	free(manifest);
	tear_down(&p);
}
END_TEST

/* -- which ends are tried again -- */

/* No outage, no shortage, no other run, and nobody who has stopped it: the same command would end
 * in the same way. */
static const int lasting[] = { 1, 64, 65, 66, 70, 73, 77, 78 };
static const int passing[] = { 69, 71, 75, 130, 143 };

/* The statuses in a list of numbers are the lasting ones. */
static void expect_lasting(const char *list, const char *where)
{
	size_t n = 0;

	ck_assert_msg(list != NULL, "%s names no exit statuses", where);
	for (list += strcspn(list, "0123456789\n"); isdigit((unsigned char)*list); n++) {
		char *end;
		ck_assert_msg(n < sizeof lasting / sizeof *lasting &&
		        strtol(list, &end, 10) == lasting[n],
		    "%s: %.20s", where, list);
		list = end + strspn(end, ", ");
	}
	ck_assert_uint_eq(n, sizeof lasting / sizeof *lasting);
}

START_TEST(what_lasts_is_not_tried_again)
{
	struct place p = set_up();
	char *service = write_unit(&p, "cio-import.service"), *manifest = document_fence("yaml", 0);
	const char *prevent = strstr(service, "\nRestartPreventExitStatus="),
	           *values = strstr(manifest, "values: [");

	expect_lasting(prevent ? prevent + 1 : NULL, "the service");
	expect_lasting(values, "the job");
	ck_assert(strstr(manifest, "action: FailIndex") < values);
	free(service);
	free(manifest);
	tear_down(&p);
}
END_TEST

/* The array's script with a cio-import that ends with this status: whether it is put in the queue
 * again. */
static bool is_requeued(struct place *p, const char *script, int status)
{
	struct buf text = { .max = BUF_UNBOUNDED };

	buf_fmt(&text,
	    "mkdir -p stub && PATH=$PWD/stub:$PATH\n"
	    "printf '#!/bin/sh\\nexit %d\\n' >stub/cio-import\n"
	    "printf '#!/bin/sh\\necho \"$*\"\\n' >stub/scontrol\n"
	    "chmod +x stub/*\n%s",
	    status, script);
	buf_byte(&text, '\0');
	const struct harness_run *run = run_script(p, "/bin/sh", text.data);
	harness_assert_status(run, status);
	bool requeued = strcmp(run->out, "requeue 7_3\n") == 0;
	ck_assert_msg(requeued || run->out_len == 0, "%s", run->out);
	buf_free(&text);
	return requeued;
}

START_TEST(slurm_tries_again_what_may_pass)
{
	struct place p = set_up();
	char *script = document_fence("sh slurm", 0);

	harness_env(p.h, "SLURM_ARRAY_JOB_ID", "7");
	harness_env(p.h, "SLURM_ARRAY_TASK_ID", "3");
	ck_assert(!is_requeued(&p, script, 0));
	for (size_t i = 0; i < sizeof lasting / sizeof *lasting; i++)
		ck_assert_msg(!is_requeued(&p, script, lasting[i]), "%d", lasting[i]);
	for (size_t i = 0; i < sizeof passing / sizeof *passing; i++)
		ck_assert_msg(is_requeued(&p, script, passing[i]) == (passing[i] < 128), "%d",
		    passing[i]);
	free(script);
	tear_down(&p);
}
END_TEST

Suite *examples_suite(void)
{
	Suite *s = suite_create("examples");
	TCase *blocks = tcase_create("blocks"), *jobs = tcase_create("jobs");

	tcase_set_timeout(blocks, 90);
	tcase_add_test(blocks, there_are_examples_of_each_kind);
	tcase_add_test(blocks, the_demo_is_the_real_one);
	tcase_add_loop_test(blocks, readme_example_runs, 0, (int)count_blocks(readme_block));
	tcase_add_loop_test(blocks, manual_example_runs, 0, (int)count_blocks(document_example));
	suite_add_tcase(s, blocks);
	tcase_set_timeout(jobs, 90);
	tcase_add_test(jobs, crontab_line_runs);
	tcase_add_test(jobs, event_log_line_runs);
	tcase_add_test(jobs, unit_files_are_sound);
	tcase_add_test(jobs, service_command_runs);
	tcase_add_test(jobs, slurm_array_runs);
	tcase_add_test(jobs, kubernetes_job_runs);
	tcase_add_test(jobs, what_lasts_is_not_tried_again);
	tcase_add_test(jobs, slurm_tries_again_what_may_pass);
	suite_add_tcase(s, jobs);
	return s;
}
