/*
 * The program on a terminal: what stands on the screen, during a run and after it. The server is
 * stopped at one person for as long as a test looks, so that what is on the screen then does not
 * depend on time.
 */
#include <check.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "harness.h"
#include "sandbox.h"
#include "scene.h"
#include "screen.h"
#include "base/os.h"
#include "unix.h"

Suite *terminal_suite(void);

#define COUNT(a) ((int)(sizeof(a) / sizeof *(a)))
#define PEOPLE 400
#define STOPS_AT 21 /* after 20 were accepted */

/* --- a server that stops at a person until it is let go --- */

struct stage {
	struct scene scene;
	int gate[2]; /* a byte lets it go */
	/* a byte says that it has stopped; the sandbox answers nothing else then */
	int there[2];
	char stop[20];
	bool stopped; /* it does so once; the server's thread alone knows this */
};

static bool stop_there(const struct sandbox_arrival *a, const char *body, struct sandbox_fault *f,
    void *arg)
{
	struct stage *s = arg;
	const char *last = strrchr(a->path, '/');
	char byte;

	(void)body;
	if (last && strcmp(last + 1, s->stop) == 0 && !s->stopped) {
		s->stopped = true;
		if (write(s->there[1], "", 1) != 1 || read(s->gate[0], &byte, 1) != 1)
			abort(); /* in the server's thread nothing can be asserted */
	}
	*f = (struct sandbox_fault){ .act = SANDBOX_PASS };
	return false;
}

static void open_stage(struct stage *s)
{
	struct sandbox_config config = { .hook = stop_there, .arg = s };

	ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8"));
	s->stopped = false;
	ck_assert_int_eq(os_pipe(s->gate, false), 0);
	ck_assert_int_eq(os_pipe(s->there, false), 0);
	snprintf(s->stop, sizeof s->stop, "p%d", STOPS_AT);
	s->scene = scene_open(&config);
	harness_env(s->scene.harness, "LC_ALL", "C.UTF-8");
	harness_env(s->scene.harness, "TERM", "xterm-256color");
	scene_write_people(&s->scene, "users.csv", PEOPLE);
}

static void let_go(struct stage *s)
{
	ck_assert_int_eq(write(s->gate[1], "", 1), 1);
}

static void await_stop(struct stage *s)
{
	char byte;

	ck_assert_int_eq(poll(&(struct pollfd){ .fd = s->there[0], .events = POLLIN }, 1, SOON), 1);
	ck_assert_int_eq(read(s->there[0], &byte, 1), 1);
}

static void close_stage(struct stage *s)
{
	scene_close(&s->scene);
	for (int i = 0; i < 2; i++) {
		close(s->gate[i]);
		close(s->there[i]);
	}
}

/* One at a time, so that it is known who was accepted when it stops. */
#define START(s, columns, ...) \
	(harness_terminal((s)->scene.harness, columns, 24), \
	    HARNESS_START((s)->scene.harness, "--rate=unlimited", "-c1", "--timeout=60s", \
	        "--jitter=0", __VA_ARGS__))

static void await(struct harness_child *c, const char *text)
{
	ck_assert_msg(harness_wait_for(c, text, SOON), "\"%s\" does not come%s", text,
	    harness_show(harness_peek(c)));
}

/* --- the screen --- */

static struct screen *seen(const struct harness_run *run, unsigned columns)
{
	struct screen *s = screen_new(columns);

	screen_feed(s, run->screen, run->screen_len);
	return s;
}

/* Each line is like its pattern (fnmatch's), and there are no others; "..." stands for any
 * lines. */
static void expect_lines(const char *text, const char *const *patterns)
{
	size_t at = 0;
	bool any = false;
	char *line;

	for (size_t i = 0; (line = harness_line(text, i)); i++) {
		if (patterns[at] && strcmp(patterns[at], "...") == 0) {
			any = true;
			at++;
		}
		bool fits = patterns[at] && fnmatch(patterns[at], line, 0) == 0;
		ck_assert_msg(fits || any, "the screen shows\n%swhere line %zu should be like\n%s",
		    text, i + 1, patterns[at] ? patterns[at] : "(nothing)");
		at += fits;
		any &= !fits;
		free(line);
	}
	while (patterns[at] && strcmp(patterns[at], "...") == 0)
		at++;
	ck_assert_msg(!patterns[at], "the screen shows\n%sand no line like\n%s", text,
	    patterns[at]);
}

static void expect_screen(const struct harness_run *run, unsigned columns,
    const char *const *patterns)
{
	struct screen *s = seen(run, columns);

	expect_lines(screen_text(s), patterns);
	free(s);
}
#define SCREEN(run, columns, ...) \
	expect_screen(run, columns, (const char *const[]){ __VA_ARGS__, NULL })

/* After any end: the cursor stands at the beginning of a line of its own, and no colour is left
 * on. */
static void expect_sane(const struct harness_run *run, unsigned columns)
{
	struct screen *s = seen(run, columns);
	const char *last_colour = NULL;

	ck_assert_uint_eq(s->column, 0);
	ck_assert_msg(screen_length(&s->rows[s->row]) == 0, "the cursor stands on text%s",
	    harness_show(run));
	for (const char *p = run->screen; (p = strstr(p, "\033[")); p++)
		if (p[strcspn(p, "mKJ")] == 'm')
			last_colour = p;
	ck_assert_msg(!last_colour || strncmp(last_colour, "\033[m", 3) == 0,
	    "a colour is left on");
	free(s);
}

#define DONE_ALIGNED \
	"  time:         *s, * records/s", \
	    "  requests:     [1-9]*, of these 0 retries; 0 answers 429 (rate limited)"

/* --- the bar --- */

static const struct {
	unsigned columns;
	const char *wait, *bar, *error[2];
} widths[] = {
	{ 40, "20 ok", "5%  20 ok  1 err  *",
	    { "users.csv:4: row has 1 cell, the header", "has 2" } },
	{ 80, "20 accepted", "5%  [[]*]  20 accepted  1 error  1 in flight  */s*",
	    { "users.csv:4: row has 1 cell, the header has 2" } },
	{ 140, "20 accepted",
	    "users.csv  5%  [[]#-----------------------------]  20 accepted  1 error  1 in flight  "
	    "*/s*",
	    { "users.csv:4: row has 1 cell, the header has 2" } },
};

static void spoil_one(struct stage *s)
{
	char *text = scene_people(PEOPLE);
	struct buf spoilt = { .max = BUF_UNBOUNDED };
	const char *third = strstr(text, "p3,");

	buf_add(&spoilt, text, (size_t)(third - text));
	buf_str(&spoilt, "nobody\n");
	buf_str(&spoilt, third);
	harness_write(s->scene.harness, "users.csv", spoilt.data, spoilt.len);
	buf_free(&spoilt);
	free(text);
}

START_TEST(the_bar_at_a_width)
{
	struct stage s;
	unsigned columns = widths[_i].columns;
	const char *const *error = widths[_i].error;

	open_stage(&s);
	spoil_one(&s);
	struct harness_child *c = START(&s, columns, "users.csv");
	await(c, widths[_i].wait);
	if (error[1])
		SCREEN(harness_peek(c), columns, error[0], error[1], widths[_i].bar);
	else
		SCREEN(harness_peek(c), columns, error[0], widths[_i].bar);
	let_go(&s);
	const struct harness_run *run = harness_finish(c);
	harness_assert_status(run, 1);
	expect_sane(run, columns);
	if (columns > 40)
		SCREEN(run, columns, error[0], "Done: 400 processed, 1 errors", DONE_ALIGNED,
		    "  not accepted: 1 rejected, 0 refused, 0 failed",
		    "  rejects:      users.rejected.csv", "  once mended:  *", "...");
	else
		SCREEN(run, columns, error[0], error[1], "Done: 400 processed, 1 errors", "...",
		    "  rejects:      users.rejected.csv", "  once mended:  *", "...");
	close_stage(&s);
}
END_TEST

START_TEST(errors_stand_above_the_bar)
{
	struct stage s;
	struct buf text = { .max = BUF_UNBOUNDED };
	char *people = scene_people(PEOPLE);

	open_stage(&s);
	buf_str(&text, "id,row\n");
	for (int i = 0; i < 30; i++)
		buf_str(&text, "nobody\n");
	buf_str(&text, strchr(people, '\n') + 1);
	harness_write(s.scene.harness, "users.csv", text.data, text.len);
	struct harness_child *c = START(&s, 100, "users.csv");
	await(c, "20 accepted");
	struct screen *screen = seen(harness_peek(c), 100);
	const char *shown = screen_text(screen);
	ck_assert_uint_eq(harness_count_lines(shown, ": row has 1 cell, the header has 2"), 20);
	ck_assert_uint_eq(harness_count_lines(shown, ""), 22);
	ck_assert_uint_eq(harness_count_lines(shown, "20 accepted"), 1);
	ck_assert_uint_eq(harness_count_lines(shown,
	                      "further errors go only to users.rejected.csv (-v prints them"),
	    1);
	free(screen);
	let_go(&s);
	expect_sane(harness_finish(c), 100);
	buf_free(&text);
	free(people);
	close_stage(&s);
}
END_TEST

/* Made narrower while it stands: terminals fold or cut what is too long. */
START_TEST(a_resize_leaves_one_bar)
{
	struct stage s;

	open_stage(&s);
	struct harness_child *c = START(&s, 140, "users.csv");
	await(c, "20 accepted");
	struct screen *screen = seen(harness_peek(c), 140);
	size_t before = harness_peek(c)->screen_len;
	harness_resize(c, 50, 24);
	screen_resize(screen, 50, _i == 0);
	await(c, "20 ok");
	const struct harness_run *run = harness_peek(c);
	screen_feed(screen, run->screen + before, run->screen_len - before);
	expect_lines(screen_text(screen),
	    (const char *const[]){ "5%  20 ok  0 err  1 in flight  */s*", NULL });
	let_go(&s);
	harness_assert_status(run = harness_finish(c), 0);
	free(screen);
	close_stage(&s);
}
END_TEST

START_TEST(a_wide_name_has_its_cells)
{
	/* five characters of two cells each */
	static const char name[] =
	    "\xe5\x88\xa9\xe7\x94\xa8\xe8\x80\x85\xe4\xb8\x80\xe8\xa6\xa7.csv";
	struct stage s;
	char bar[200];

	open_stage(&s);
	scene_write_people(&s.scene, name, PEOPLE);
	struct harness_child *c = START(&s, 120, name);
	await(c, "20 accepted");
	snprintf(bar, sizeof bar, "%s  5%%  [[]*]  20 accepted  0 errors  1 in flight  *", name);
	SCREEN(harness_peek(c), 120, bar);
	let_go(&s);
	harness_assert_status(harness_finish(c), 0);
	close_stage(&s);
}
END_TEST

/* What each kind of terminal is given. */
static const struct {
	const char *term, *no_color, *option;
	bool silent, bar, escapes, colours;
} kinds[] = {
	{ "xterm", NULL, "--progress=auto", false, true, true, true },
	{ "xterm", "", "--progress=auto", false, true, true, true },
	{ "xterm", "1", "--progress=auto", false, true, true, false },
	{ "xterm", NULL, "--progress=plain", false, false, false, false },
	{ "xterm", NULL, "--progress=none", true, false, false, false },
	{ "xterm", NULL, "--quiet", true, false, false, false },
	{ "dumb", NULL, "--progress=auto", false, false, false, false },
	{ "dumb", NULL, "--progress=bar", false, true, false, false },
	{ NULL, NULL, "--progress=auto", false, false, false, false },
};

START_TEST(a_terminal_gets_what_it_understands)
{
	struct stage s;

	open_stage(&s);
	spoil_one(&s);
	harness_env(s.scene.harness, "TERM", kinds[_i].term);
	harness_env(s.scene.harness, "NO_COLOR", kinds[_i].no_color);
	struct harness_child *c = START(&s, 100, "users.csv", "--progress-every=10",
	    kinds[_i].option);
	await_stop(&s);
	if (kinds[_i].bar)
		await(c, "20 accepted");
	let_go(&s);
	const struct harness_run *run = harness_finish(c);
	harness_assert_status(run, 1);
	ck_assert_msg(harness_has(run->screen, " accepted  ") == kinds[_i].bar, "bar: %s",
	    harness_show(run));
	ck_assert_msg((strchr(run->screen, '\033') != NULL) == kinds[_i].escapes, "escapes: %s",
	    harness_show(run));
	ck_assert_msg(harness_has(run->screen, "\033[31m") == kinds[_i].colours, "colours: %s",
	    harness_show(run));
	bool plain = !kinds[_i].bar && !kinds[_i].silent;
	ck_assert_msg(harness_has(run->screen, "Progress: 20/401 (1 errors)") == plain, "plain: %s",
	    harness_show(run));
	expect_sane(run, 100);
	close_stage(&s);
}
END_TEST

/* --- what it waits for --- */

START_TEST(it_says_that_it_is_rate_limited)
{
	struct stage s;

	open_stage(&s);
	sandbox_add_rule(s.scene.sandbox,
	    &(struct sandbox_rule){ .person = "p30",
	        .fault = { .act = SANDBOX_STATUS, .status = 429, .headers = "Retry-After: 2" } });
	let_go(&s);
	struct harness_child *c = START(&s, 140, "users.csv", "--no-adapt");
	await(c, "rate limited, ");
	SCREEN(harness_peek(c), 140, "rate limited (429): pausing for 2.0 s, then on",
	    "users.csv  7%  [[]##*]  29 accepted  0 errors  *  rate limited, [12] s");
	const struct harness_run *run = harness_finish(c);
	harness_assert_status(run, 0);
	ck_assert(run->seconds >= 2);
	SCREEN(run, 140, "rate limited (429): pausing for 2.0 s, then on",
	    "Done: 400 processed, 0 errors", "*",
	    "  requests:     402, of these 1 retry; 1 answer 429 (rate limited)");
	close_stage(&s);
}
END_TEST

/* Whatever the rate turns out to be: a busy machine is slower than the limit. */
START_TEST(it_says_which_limit_it_found)
{
	struct sandbox_config limited = { .rate_limit = 100 };
	struct stage s = { .scene = scene_open(&limited) };

	ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8"));
	harness_env(s.scene.harness, "LC_ALL", "C.UTF-8");
	harness_env(s.scene.harness, "TERM", "xterm-256color");
	scene_write_people(&s.scene, "users.csv", PEOPLE);
	struct harness_child *c = START(&s, 140, "users.csv", "--rate=250", "-c8", "-v");
	await(c, "rate limited: ");
	SCREEN(harness_peek(c), 140, "rate limited (429): pausing for *s, then [1-9]*/s of 250/s",
	    "...", "users.csv  *  [[]##*]  *  rate limited: [1-9]*/s of 250/s");
	const struct harness_run *run = harness_finish(c);
	harness_assert_status(run, 0);
	SCREEN(run, 140, "...", "Done: 400 processed, 0 errors", "*", "  requests:     *",
	    "  limit found:  [1-9]*/s of 250/s");
	scene_close(&s.scene);
}
END_TEST

static const struct {
	unsigned columns;
	const char *waits, *bar;
} downs[] = {
	{ 140, "trying again in ",
	    "users.csv  5%  [[]*]  20 accepted  0 errors  *  destination down, trying again in "
	    "[12] s" },
	{ 40, "again in ", "5%*  down, again in [12] s" },
};

START_TEST(it_says_that_the_destination_is_down)
{
	struct stage s;

	open_stage(&s);
	sandbox_add_rule(s.scene.sandbox,
	    &(struct sandbox_rule){ .method = "PUT",
	        .passes = 20,
	        .times = -1,
	        .fault = { .act = SANDBOX_STATUS, .status = 503 } });
	let_go(&s);
	struct harness_child *c = START(&s, downs[_i].columns, "users.csv", "--backoff=2s");
	await(c, downs[_i].waits);
	SCREEN(harness_peek(c), downs[_i].columns, "destination down (status 503): trying *", "...",
	    downs[_i].bar);
	sandbox_clear_rules(s.scene.sandbox);
	const struct harness_run *run = harness_finish(c);
	harness_assert_status(run, 0);
	SCREEN(run, downs[_i].columns, "destination down (status 503): trying *", "...",
	    "destination up again", "Done: 400 processed, 0 errors", "...");
	close_stage(&s);
}
END_TEST

/* A pipe whose end is not in sight. */
START_TEST(it_says_that_it_waits_for_input)
{
	struct stage s;
	int ends[2];
	char *people = scene_people(12);

	open_stage(&s);
	ck_assert_int_eq(os_pipe(ends, false), 0);
	harness_stdin_fd(s.scene.harness, ends[0]);
	struct harness_child *c = START(&s, 120, "-");
	close(ends[0]);
	ck_assert(write(ends[1], people, strlen(people)) == (ssize_t)strlen(people));
	await(c, "waiting for input");
	await(c, "12 accepted");
	SCREEN(harness_peek(c), 120,
	    "12 records  12 accepted  0 errors  0 in flight  */s  waiting for input");
	close(ends[1]);
	const struct harness_run *run = harness_finish(c);
	harness_assert_status(run, 0);
	SCREEN(run, 120, "Done: 12 processed, 0 errors", DONE_ALIGNED);
	free(people);
	close_stage(&s);
}
END_TEST

/* --- ends --- */

START_TEST(control_c)
{
	struct stage s;

	open_stage(&s);
	struct harness_child *c = START(&s, 100, "users.csv");
	await(c, "20 accepted");
	harness_type(c, "\003");
	await(c, "stopping");
	await(c, "20 accepted");
	let_go(&s);
	const struct harness_run *run = harness_finish(c);
	harness_assert_status(run, 130);
	SCREEN(run, 100,
	    "cio-import: stopping: waiting for 1 request in flight (once more: ends at once)",
	    "Done: 21 processed, 0 errors", DONE_ALIGNED, "  ended by:     SIGINT",
	    "  to resume:    run the same command again: what is settled is kept in "
	    "users.csv.cio-state");
	expect_sane(run, 100);
	close_stage(&s);
}
END_TEST

START_TEST(control_c_twice)
{
	struct stage s;

	open_stage(&s);
	struct harness_child *c = START(&s, 100, "users.csv");
	await(c, "20 accepted");
	harness_type(c, "\003");
	await(c, "stopping");
	unix_nap(100000); /* what comes sooner is the same key */
	harness_type(c, "\003");
	const struct harness_run *run = harness_finish(c);
	harness_assert_status(run, 130);
	SCREEN(run, 100,
	    "cio-import: stopping: waiting for 1 request in flight (once more: ends at once)");
	expect_sane(run, 100);
	let_go(&s);
	close_stage(&s);
}
END_TEST

/* Nobody tidies up then: the cursor is where the bar begins, and what is typed next writes over
 * it. */
START_TEST(kill_9)
{
	struct stage s;

	open_stage(&s);
	struct harness_child *c = START(&s, 100, "users.csv");
	await(c, "20 accepted");
	harness_signal(c, SIGKILL);
	const struct harness_run *run = harness_finish(c);
	harness_assert_status(run, 128 + SIGKILL);
	struct screen *screen = seen(run, 100);
	ck_assert_uint_eq(screen->column, 0);
	ck_assert_uint_eq(screen->row, 0);
	ck_assert_uint_eq(screen->escape_len, 0);
	free(screen);
	let_go(&s);
	close_stage(&s);
}
END_TEST

/* The program changes no setting of the terminal: whatever ends it, nothing has to be put back. */
START_TEST(the_terminal_s_settings_are_left_alone)
{
	struct stage s;

	open_stage(&s);
	harness_program(s.scene.harness, "/bin/sh");
	const char *build = getenv("BUILD");
	char *program = realpath(build ? build : "build", NULL), script[4096];
	ck_assert_ptr_nonnull(program);
	snprintf(script, sizeof script,
	    "before=$(stty -g); %s/cio-import --rate=unlimited -c1 users.csv; "
	    "[ \"$before\" = \"$(stty -g)\" ] && echo the same",
	    program);
	let_go(&s);
	harness_terminal(s.scene.harness, 100, 24);
	const struct harness_run *run = HARNESS_RUN(s.scene.harness, "-c", script);
	SCREEN(run, 100, "Done: 400 processed, 0 errors", DONE_ALIGNED, "the same");
	free(program);
	close_stage(&s);
}
END_TEST

/* --- standard output and input --- */

START_TEST(results_on_a_terminal_are_whole_lines)
{
	struct stage s;

	open_stage(&s);
	scene_write_people(&s.scene, "few.csv", 30);
	let_go(&s);
	harness_terminal(s.scene.harness, 200, 24);
	const struct harness_run *run = HARNESS_RUN(s.scene.harness, "few.csv", "--results=-",
	    "--rate=unlimited");
	harness_assert_status(run, 0);
	ck_assert_msg(!strchr(run->screen, '\033'), "escapes among the results%s",
	    harness_show(run));
	struct screen *screen = seen(run, 200);
	size_t results = 0;
	char *line;
	for (size_t i = 0; (line = harness_line(screen_text(screen), i)); i++) {
		json_t *object = json_loads(line, 0, NULL);
		results += object != NULL;
		ck_assert_msg(object || strncmp(line, "Done: ", 6) == 0 ||
		        strncmp(line, "  ", 2) == 0,
		    "%s", line);
		json_decref(object);
		free(line);
	}
	ck_assert_uint_eq(results, 30);
	free(screen);
	close_stage(&s);
}
END_TEST

/* Results that go elsewhere leave the bar alone. */
START_TEST(results_in_a_file_leave_the_bar)
{
	struct stage s;

	open_stage(&s);
	struct harness_child *c = START(&s, 100, "users.csv", "--results=r.ndjson");
	await(c, "20 accepted");
	let_go(&s);
	harness_assert_status(harness_finish(c), 0);
	close_stage(&s);
}
END_TEST

START_TEST(nothing_to_read_prints_the_usage)
{
	struct stage s;

	open_stage(&s);
	harness_terminal(s.scene.harness, 80, 24);
	const struct harness_run *run = HARNESS_RUN(s.scene.harness, "--rate=5");
	harness_assert_status(run, 64);
	ck_assert_msg(harness_has(run->screen, "Usage: cio-import [OPTION]... [FILE]..."), "%s",
	    harness_show(run));
	ck_assert_uint_eq(sandbox_arrivals(s.scene.sandbox), 0);
	close_stage(&s);
}
END_TEST

Suite *terminal_suite(void)
{
	Suite *s = suite_create("terminal");
	TCase *t = tcase_create("terminal");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, the_bar_at_a_width, 0, COUNT(widths));
	tcase_add_test(t, errors_stand_above_the_bar);
	tcase_add_loop_test(t, a_resize_leaves_one_bar, 0, 2);
	tcase_add_test(t, a_wide_name_has_its_cells);
	tcase_add_loop_test(t, a_terminal_gets_what_it_understands, 0, COUNT(kinds));
	tcase_add_test(t, it_says_that_it_is_rate_limited);
	tcase_add_test(t, it_says_which_limit_it_found);
	tcase_add_loop_test(t, it_says_that_the_destination_is_down, 0, COUNT(downs));
	tcase_add_test(t, it_says_that_it_waits_for_input);
	tcase_add_test(t, control_c);
	tcase_add_test(t, control_c_twice);
	tcase_add_test(t, kill_9);
	tcase_add_test(t, the_terminal_s_settings_are_left_alone);
	tcase_add_test(t, results_on_a_terminal_are_whole_lines);
	tcase_add_test(t, results_in_a_file_leave_the_bar);
	tcase_add_test(t, nothing_to_read_prints_the_usage);
	suite_add_tcase(s, t);
	return s;
}
