/* What a terminal shows and what a file is given. */
#include "show/display.h"

#include <check.h>
#include <inttypes.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/clock.h"
#include "dice.h"
#include "expect.h"
#include "show/report.h"
#include "screen.h"
#include "unix.h"

Suite *display_suite(void);

#define S INT64_C(1000000)
#define MS INT64_C(1000)
#define START (50 * S) /* where the clock stands at first */
#define ROWS(table) (int)(sizeof table / sizeof *table)

/*
 * A display and who looks at it: a socket on which each write is one packet, or a terminal with a
 * screen.
 */
struct stage {
	struct display *d;
	int theirs, ours; /* the display's end and the test's */
	struct counters c;
	struct moment m;
	int64_t now;
	unsigned writes; /* since the last look; not known of a terminal */
	struct buf seen; /* bytes since the last look */
	struct screen *screen;
};

static void stage_begin(struct stage *s, struct display_config *c)
{
	c->fd = s->theirs;
	s->d = display_new(c);
	s->now = START;
	buf_init(&s->seen, 1 << 20);
	fcntl(s->ours, F_SETFL, O_NONBLOCK);
}

static struct stage piped(struct display_config c)
{
	struct stage s = { 0 };
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	s.theirs = pair[0];
	s.ours = pair[1];
	stage_begin(&s, &c);
	return s;
}

static struct stage on_terminal(struct display_config c, unsigned columns)
{
	struct stage s = { 0 };

	ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8"));
	ck_assert_int_eq(unix_terminal(&s.ours, &s.theirs, (unsigned short)columns, 24), 0);
	s.screen = screen_new(columns);
	stage_begin(&s, &c);
	return s;
}

/* Takes in what was written. */
static void look(struct stage *s)
{
	char bytes[65536];
	ssize_t n;

	while ((n = read(s->ours, bytes, sizeof bytes)) > 0) {
		buf_add(&s->seen, bytes, (size_t)n);
		s->writes++;
		if (s->screen)
			screen_feed(s->screen, bytes, (size_t)n);
	}
	ck_assert(n == 0 || errno == EAGAIN || errno == EIO);
}

static void expect_written(struct stage *s, const char *want, const char *what)
{
	look(s);
	expect_text(&s->seen, want, what);
	s->writes = 0;
}

static void expect_screen(struct stage *s, const char *want, const char *what)
{
	look(s);
	buf_reset(&s->seen);
	const char *is = screen_text(s->screen);
	ck_assert_msg(strcmp(is, want) == 0, "%s: the screen shows:\n%s\nexpected:\n%s", what, is,
	    want);
}

static void stage_end(struct stage *s)
{
	display_free(s->d);
	look(s);
	close(s->theirs);
	close(s->ours);
	buf_free(&s->seen);
	free(s->screen);
}

static void progress(struct stage *s)
{
	display_progress(s->d, &s->c, &s->m, s->now);
}

static void resize(struct stage *s, unsigned columns, bool fold)
{
	struct winsize size = { .ws_row = 24, .ws_col = (unsigned short)columns };

	look(s);
	ck_assert_int_eq(ioctl(s->theirs, TIOCSWINSZ, &size), 0);
	screen_resize(s->screen, columns, fold);
}

/* Finished records jump from one number to the next; what is written each time. */
static const struct {
	uint64_t every, total;
	bool quiet;
	enum progress_mode mode;
	struct {
		uint64_t finished, errors;
		const char *text;
	} step[7];
} cadences[] = {
	{ 1000, 0, false, PROGRESS_PLAIN,
	    { { 0, 0, "" }, { 999, 0, "" }, { 1000, 2, "Progress: 1000 (2 errors)\n" },
	        { 1000, 2, "" }, { 1001, 2, "" }, { 1999, 3, "" },
	        { 2000, 3, "Progress: 2000 (3 errors)\n" } } },
	{ 0, 250000, false, PROGRESS_PLAIN,
	    { { 999, 0, "" }, { 1000, 2, "Progress: 1000/250000 (2 errors)\n" },
	        { 2990, 2, "Progress: 2000/250000 (2 errors)\n" },
	        { 3015, 12, "Progress: 3000/250000 (12 errors)\n" }, { 3999, 12, "" },
	        { 250000, 12, "Progress: 250000/250000 (12 errors)\n" }, { 250001, 12, "" } } },
	{ 1, 3, false, PROGRESS_AUTO,
	    { { 0, 0, "" }, { 1, 1, "Progress: 1/3 (1 errors)\n" },
	        { 2, 1, "Progress: 2/3 (1 errors)\n" }, { 3, 1, "Progress: 3/3 (1 errors)\n" },
	        { 4, 1, "Progress: 4 (1 errors)\n" }, { 5, 1, "Progress: 5 (1 errors)\n" },
	        { 5, 1, "" } } },
	{ INT64_MAX, 0, false, PROGRESS_PLAIN,
	    { { 0, 0, "" }, { 1000, 0, "" }, { INT64_MAX - 1, 0, "" },
	        { INT64_MAX, 0, "Progress: 9223372036854775807 (0 errors)\n" },
	        { INT64_MAX, 0, "" } } },
	{ 10, 0, true, PROGRESS_PLAIN, { { 10, 0, "" }, { 5000, 3, "" } } },
	{ 10, 0, false, PROGRESS_NONE, { { 10, 0, "" }, { 5000, 3, "" } } },
};

START_TEST(a_plain_line_comes_at_each_multiple)
{
	struct stage s = piped((struct display_config){ .mode = cadences[_i].mode,
	    .every = cadences[_i].every,
	    .quiet = cadences[_i].quiet,
	    .term = "xterm" });

	s.m.total = cadences[_i].total;
	for (int k = 0; k < 7 && cadences[_i].step[k].text; k++) {
		s.c.outcomes[OUTCOME_REFUSED] = cadences[_i].step[k].errors;
		s.c.outcomes[OUTCOME_ACCEPTED] = cadences[_i].step[k].finished -
		    cadences[_i].step[k].errors;
		s.now += S;
		progress(&s);
		expect_written(&s, cadences[_i].step[k].text, "step");
		ck_assert_int_gt(display_due(s.d), s.now);
	}
	stage_end(&s);
}
END_TEST

static const struct {
	struct display_config c;
	const char *error, *notice, *detail;
} voices[] = {
	{ { .mode = PROGRESS_PLAIN }, "cio-import: no 1\\x1b[2J\n", "now 2\n", "" },
	{ { .mode = PROGRESS_NONE }, "cio-import: no 1\\x1b[2J\n", "now 2\n", "" },
	{ { .mode = PROGRESS_PLAIN, .verbose = true }, "cio-import: no 1\\x1b[2J\n", "now 2\n",
	    "thus 3\n" },
	{ { .mode = PROGRESS_PLAIN, .quiet = true, .verbose = true }, "cio-import: no 1\\x1b[2J\n",
	    "", "" },
	{ { .mode = PROGRESS_JSON, .verbose = true },
	    "{\"type\":\"message\",\"level\":\"error\",\"text\":\"no 1\\\\x1b[2J\"}\n",
	    "{\"type\":\"message\",\"level\":\"notice\",\"text\":\"now 2\"}\n",
	    "{\"type\":\"message\",\"level\":\"detail\",\"text\":\"thus 3\"}\n" },
	{ { .mode = PROGRESS_JSON, .quiet = true },
	    "{\"type\":\"message\",\"level\":\"error\",\"text\":\"no 1\\\\x1b[2J\"}\n", "", "" },
};

START_TEST(a_message_is_one_line_in_one_write)
{
	struct stage s = piped(voices[_i].c);

	display_message(s.d, DISPLAY_ERROR, "no %d%s", 1, "\033[2J");
	look(&s);
	ck_assert_uint_eq(s.writes, 1);
	expect_written(&s, voices[_i].error, "error");
	display_message(s.d, DISPLAY_NOTICE, "now %d", 2);
	expect_written(&s, voices[_i].notice, "notice");
	display_message(s.d, DISPLAY_DETAIL, "thus %d", 3);
	expect_written(&s, voices[_i].detail, "detail");
	stage_end(&s);
}
END_TEST

static const struct {
	const char *rejects, *results;
	bool verbose, quiet;
	enum progress_mode mode;
	const char *said;
} silences[] = {
	{ "users.rejected.csv", NULL, false, false, PROGRESS_PLAIN,
	    "further errors go only to users.rejected.csv (-v prints them all)\n" },
	{ "r.csv", "all.jsonl", false, true, PROGRESS_PLAIN,
	    "further errors go only to r.csv and all.jsonl (-v prints them all)\n" },
	{ NULL, "-", false, false, PROGRESS_NONE,
	    "further errors go only to standard output (-v prints them all)\n" },
	{ NULL, NULL, false, false, PROGRESS_PLAIN,
	    "further errors are only counted (-v prints them all)\n" },
	{ "r.csv", NULL, false, false, PROGRESS_JSON,
	    "{\"type\":\"message\",\"level\":\"error\",\"text\":\"further errors go only to r.csv "
	    "(-v prints them all)\"}\n" },
	{ "r.csv", NULL, true, false, PROGRESS_PLAIN, "line 20\n" },
};

START_TEST(failed_records_are_said_twenty_times)
{
	struct stage s = piped((struct display_config){ .mode = silences[_i].mode,
	    .verbose = silences[_i].verbose,
	    .quiet = silences[_i].quiet,
	    .rejects = silences[_i].rejects,
	    .results = silences[_i].results });
	bool json = silences[_i].mode == PROGRESS_JSON;
	char line[100], want[200];

	for (int i = 0; i < 40; i++) {
		snprintf(line, sizeof line, "line %d", i);
		snprintf(want, sizeof want,
		    json ? "{\"type\":\"message\",\"level\":\"error\",\"text\":\"%s\"}\n" : "%s\n",
		    line);
		display_error_record(s.d, line);
		expect_written(&s,
		    i < 20 || (silences[_i].verbose && i != 20) ? want :
		        i == 20                                 ? silences[_i].said :
		                                                  "",
		    line);
	}
	stage_end(&s);
}
END_TEST

static const struct {
	struct display_config c;
	const char *text;
} asked[] = {
	{ { .mode = PROGRESS_PLAIN }, "Progress: 5/9 (1 errors)\n" },
	{ { .mode = PROGRESS_NONE }, "Progress: 5/9 (1 errors)\n" },
	{ { .mode = PROGRESS_PLAIN, .quiet = true }, "Progress: 5/9 (1 errors)\n" },
	{ { .mode = PROGRESS_JSON },
	    "{\"type\":\"progress\",\"records\":0,\"finished\":5,\"total\":9,\"accepted\":4,"
	    "\"skipped\":0,"
	    "\"rejected\":0,\"refused\":1,\"failed\":0,\"differs\":0,\"unknown\":0,\"errors\":1,"
	    "\"requests\":0,\"retries\":0,"
	    "\"rate_limited\":0,\"in_flight\":0,"
	    "\"queued\":0,\"rate\":0.0,\"seconds\":0.000,\"waiting\":null}\n" },
};

START_TEST(a_line_comes_when_asked_for)
{
	struct stage s = piped(asked[_i].c);

	s.c.outcomes[OUTCOME_ACCEPTED] = 4;
	s.c.outcomes[OUTCOME_REFUSED] = 1;
	s.m.total = 9;
	display_now(s.d, &s.c, &s.m);
	look(&s);
	ck_assert_uint_eq(s.writes, 1);
	expect_written(&s, asked[_i].text, "asked");
	stage_end(&s);
}
END_TEST

#define REPORT \
	"  time: 2.0 s, 2.5 records/s\n  requests: 0, of these 0 retries; 0 answers 429 (rate " \
	"limited)\n"
static const struct {
	struct display_config c;
	int exit_status;
	bool fails;
	const char *text;
} endings[] = {
	{ { .mode = PROGRESS_PLAIN }, 0, false, "Done: 5 processed, 0 errors\n" REPORT },
	{ { .mode = PROGRESS_NONE }, 0, false, "Done: 5 processed, 0 errors\n" REPORT },
	{ { .mode = PROGRESS_PLAIN, .quiet = true }, 0, false, "" },
	{ { .mode = PROGRESS_PLAIN, .quiet = true }, 1, true,
	    "Done: 4 processed, 1 errors\n" REPORT
	    "  not accepted: 0 rejected, 1 refused, 0 failed\n" },
	{ { .mode = PROGRESS_JSON, .quiet = true }, 0, false, "" },
	{ { .mode = PROGRESS_JSON }, 0, false,
	    "{\"type\":\"done\",\"records\":5,\"processed\":5,\"accepted\":5,\"skipped\":0,"
	    "\"rejected\":0,"
	    "\"refused\":0,\"failed\":0,\"differs\":0,\"unknown\":0,\"errors\":0,\"requests\":0,"
	    "\"retries\":0,\"rate_limited\":"
	    "0,\"bytes_sent\":0,\"seconds\":2.000,"
	    "\"exit_status\":0,\"started_at\":\"1970-01-01T00:00:00.000Z\",\"ended_at\":\"1970-01-"
	    "01T00:00:02.000Z\","
	    "\"ended_by\":\"end of input\"}\n" },
};

START_TEST(the_end_is_said_once_and_ends_progress)
{
	struct stage s = piped(endings[_i].c);
	struct ending e = { .elapsed_us = 2 * S,
		.ended_wall_us = 2 * S,
		.exit_status = endings[_i].exit_status };

	s.c.read = 5;
	s.c.outcomes[OUTCOME_ACCEPTED] = endings[_i].fails ? 4 : 5;
	s.c.outcomes[OUTCOME_REFUSED] = endings[_i].fails ? 1 : 0;
	progress(&s);
	display_done(s.d, &s.c, &e);
	expect_written(&s, endings[_i].text, "end");
	s.c.outcomes[OUTCOME_ACCEPTED] = 5000;
	s.now += 60 * S;
	progress(&s);
	ck_assert_int_eq(display_due(s.d), INT64_MAX);
	expect_written(&s, "", "after the end");
	stage_end(&s);
}
END_TEST

/* The type of the one JSON object that was written, or "" for none. */
static const char *type_of_line(struct stage *s, char type[20])
{
	look(s);
	type[0] = '\0';
	if (s->seen.len > 0) {
		ck_assert_ptr_eq(memchr(s->seen.data, '\n', s->seen.len),
		    s->seen.data + s->seen.len - 1);
		json_t *object = json_loadb(s->seen.data, s->seen.len, JSON_REJECT_DUPLICATES,
		    NULL);
		ck_assert_ptr_nonnull(object);
		snprintf(type, 20, "%s", json_string_value(json_object_get(object, "type")));
		json_decref(object);
	}
	buf_reset(&s->seen);
	return type;
}

/* At `at` ms so many records are finished and so many requests in flight: is there a line, and when
 * is the next due? */
static const struct {
	int64_t at;
	uint64_t finished;
	unsigned in_flight;
	const char *type;
	int64_t due;
} json_steps[] = {
	{ 0, 0, 0, "", 10000 },
	{ 100, 99, 3, "", 10000 },
	{ 200, 100, 3, "progress", 10200 },
	{ 300, 101, 3, "", 10200 },
	{ 400, 350, 3, "progress", 10400 },
	{ 10399, 351, 3, "", 10400 },
	{ 10400, 351, 3, "progress", 20400 },
	{ 20400, 351, 3, "progress", 30400 },
	{ 30400, 351, 4, "progress", 40400 },
	{ 30500, 400, 4, "progress", 40500 },
	{ 40500, 400, 0, "progress", 50500 },
	{ 50500, 400, 0, "", 60500 },
};

START_TEST(json_progress_comes_at_multiples_and_every_ten_seconds)
{
	struct stage s = piped((struct display_config){ .mode = PROGRESS_JSON,
	    .every = 100,
	    .name = "users.csv",
	    .verbose = true });
	char type[20];

	display_start(s.d, 0);
	ck_assert_str_eq(type_of_line(&s, type), "start");
	ck_assert_int_eq(display_due(s.d), INT64_MAX);
	for (int i = 0; i < ROWS(json_steps); i++) {
		s.now = START + json_steps[i].at * MS;
		s.c.outcomes[OUTCOME_ACCEPTED] = json_steps[i].finished;
		s.m.in_flight = json_steps[i].in_flight;
		progress(&s);
		ck_assert_msg(strcmp(type_of_line(&s, type), json_steps[i].type) == 0,
		    "step %d: %s", i, type);
		ck_assert_int_eq(display_due(s.d), START + json_steps[i].due * MS);
	}
	stage_end(&s);
}
END_TEST

static const struct {
	enum progress_mode mode;
	bool quiet, verbose;
	const char *text;
} healths[] = {
	{ PROGRESS_PLAIN, false, true,
	    "Queue: 7 in flight, 3 waiting, 0.0 records/s, 0 retries, 0 answers 429\n" },
	{ PROGRESS_NONE, false, true,
	    "Queue: 7 in flight, 3 waiting, 0.0 records/s, 0 retries, 0 answers 429\n" },
	{ PROGRESS_PLAIN, false, false, "Progress: 0 (0 errors)\n" },
	{ PROGRESS_NONE, false, false, "" },
	{ PROGRESS_PLAIN, true, true, "" },
};

START_TEST(what_is_pending_is_said_every_ten_seconds)
{
	struct stage s = piped((struct display_config){ .mode = healths[_i].mode,
	    .quiet = healths[_i].quiet,
	    .verbose = healths[_i].verbose });
	bool says = healths[_i].text[0] != '\0';

	s.m.in_flight = 7;
	s.m.queued = 3;
	progress(&s);
	for (int k = 1; k <= 3; k++) {
		ck_assert_int_eq(display_due(s.d), says ? START + k * 10 * S : INT64_MAX);
		s.now = START + k * 10 * S - 1;
		progress(&s);
		expect_written(&s, "", "too soon");
		s.now++;
		progress(&s);
		expect_written(&s, healths[_i].text, "due");
	}
	stage_end(&s);
}
END_TEST

/* Whatever happens when: redraws are a quarter of a second apart, the bar is never behind by more
 * than that (a second where nothing happens), and what is due lies in the future. */
START_TEST(the_bar_is_drawn_four_times_a_second_at_most)
{
	struct dice dice = dice_new("the_bar_is_drawn_four_times_a_second_at_most");
	struct stage s = piped((struct display_config){ .mode = PROGRESS_BAR, .term = "xterm" });
	int64_t drawn = START - S, changed = -1;

	s.m.total = 1000000;
	for (int i = 0; i < 5000; i++) {
		bool change = !dice_one_in(&dice, 3) || i == 0;
		s.c.outcomes[OUTCOME_ACCEPTED] += change;
		progress(&s);
		look(&s);
		ck_assert_uint_le(s.writes, 1);
		if (change && changed < 0)
			changed = s.now;
		if (s.writes > 0) {
			ck_assert_int_ge(s.now - drawn, 250 * MS);
			drawn = s.now;
			changed = -1;
		}
		ck_assert_msg(changed < 0 || s.now - changed < 250 * MS, "%" PRId64 " us behind",
		    (s.now - changed));
		ck_assert_int_gt(display_due(s.d), s.now);
		ck_assert_int_le(display_due(s.d), s.now + (changed < 0 ? S : 250 * MS));
		s.writes = 0;
		buf_reset(&s.seen);
		s.now = dice_one_in(&dice, 2) ? display_due(s.d) :
		                                s.now + dice_below(&dice, 100 * MS);
	}
	stage_end(&s);
}
END_TEST

START_TEST(a_bar_that_says_the_same_is_not_written_again)
{
	struct stage s = piped((struct display_config){ .mode = PROGRESS_BAR });

	progress(&s);
	expect_written(&s, "\r0 records  0 accepted  0 errors  0 in flight  0.0/s\r", "first");
	for (int i = 0; i < 10; i++) {
		s.now = display_due(s.d);
		progress(&s);
		expect_written(&s, "", "again");
	}
	stage_end(&s);
}
END_TEST

/* Without escape sequences, what is left of a longer line is covered with blanks. */
START_TEST(a_dumb_bar_covers_its_remains)
{
	struct stage s = piped((struct display_config){ .mode = PROGRESS_BAR, .term = "xterm" });

	s.m.waiting = WAITING_INPUT;
	progress(&s);
	expect_written(&s,
	    "\r0 records  0 accepted  0 errors  0 in flight  0.0/s  waiting for input\r", "long");
	s.m.waiting = WAITING_NOT;
	s.now += S;
	progress(&s);
	expect_written(&s,
	    "\r0 records  0 accepted  0 errors  0 in flight  0.0/s                   \r", "short");
	display_message(s.d, DISPLAY_NOTICE, "hello");
	look(&s);
	ck_assert_uint_eq(s.writes, 1);
	expect_written(&s,
	    "\r                                                   \rhello\n"
	    "\r0 records  0 accepted  0 errors  0 in flight  0.0/s\r",
	    "message");
	display_clear(s.d);
	expect_written(&s, "\r                                                   \r", "clear");
	display_message(s.d, DISPLAY_NOTICE, "hello");
	expect_written(&s, "hello\n", "message without a bar");
	stage_end(&s);
}
END_TEST

static const struct display_config bar = { .mode = PROGRESS_AUTO,
	.name = "ユーザー.csv",
	.term = "xterm-256color" };

/* A run that is well on its way. */
static struct stage halfway(struct display_config c, unsigned columns)
{
	struct stage s = on_terminal(c, columns);

	s.c = (struct counters){ .outcomes = { 104988, 0, 3, 9, 0 }, .retries = 3 };
	s.m = (struct moment){ .total = 250000, .in_flight = 10, .queued = 52 };
	progress(&s);
	return s;
}

#define AT_40 "42%  104,988 ok  12 err  0.0/s\n"
#define AT_80 "42.0%  104,988 accepted  12 errors  3 retries  10 in flight  52 waiting  0.0/s\n"
#define AT_120 \
	"ユーザー.csv  42.0%  [########------------]  104,988 accepted  12 errors  3 retries  10 " \
	"in flight  52 waiting  0.0/s\n"
static const struct {
	unsigned columns;
	const char *shown;
} sizes[] = { { 40, AT_40 }, { 80, AT_80 }, { 120, AT_120 } };

static void screen_bar_is(struct stage *s, const char *above, const char *shown, const char *what)
{
	char want[8192];

	snprintf(want, sizeof want, "%s%s", above, shown);
	expect_screen(s, want, what);
	ck_assert_msg(s->screen->column == 0, "%s: the cursor is in column %u", what,
	    s->screen->column);
}

START_TEST(messages_appear_above_the_bar)
{
	struct stage s = halfway(bar, sizes[_i].columns);

	screen_bar_is(&s, "", sizes[_i].shown, "bar");
	display_error_record(s.d, "users.csv:1042: user 42: 400 email is not a valid address");
	display_message(s.d, DISPLAY_ERROR, "no\nmore");
	const char *above = sizes[_i].columns > 60 ?
	    "users.csv:1042: user 42: 400 email is not a valid address\ncio-import: no\\nmore\n" :
	    "users.csv:1042: user 42: 400 email is no\nt a valid address\ncio-import: no\\nmore\n";
	screen_bar_is(&s, above, sizes[_i].shown, "messages");
	display_clear(s.d);
	screen_bar_is(&s, above, "", "cleared");
	progress(&s);
	screen_bar_is(&s, above, "", "not before it is due");
	s.now += S;
	progress(&s);
	screen_bar_is(&s, above, sizes[_i].shown, "back");
	display_free(s.d);
	s.d = NULL;
	screen_bar_is(&s, above, "", "freed");
	stage_end(&s);
}
END_TEST

static const struct {
	unsigned from, to;
	bool fold, message;
} resizes[] = {
	{ 120, 80, true, false },
	{ 120, 80, false, false },
	{ 120, 40, true, false },
	{ 120, 40, false, true },
	{ 80, 40, true, true },
	{ 80, 120, true, false },
	{ 40, 80, false, true },
	{ 120, 40, true, true },
	{ 40, 120, true, true },
	{ 80, 80, true, true },
};

static const char *shown_at(unsigned columns)
{
	return columns == 40 ? AT_40 : columns == 80 ? AT_80 : AT_120;
}

START_TEST(a_resize_leaves_no_remains)
{
	struct stage s = halfway(bar, resizes[_i].from);
	const char *above = "first\n";

	display_message(s.d, DISPLAY_NOTICE, "first");
	screen_bar_is(&s, above, shown_at(resizes[_i].from), "before");
	resize(&s, resizes[_i].to, resizes[_i].fold);
	if (resizes[_i].message) {
		display_message(s.d, DISPLAY_NOTICE, "second");
		above = "first\nsecond\n";
	} else {
		s.now = display_due(s.d);
		progress(&s);
	}
	screen_bar_is(&s, above, shown_at(resizes[_i].to), "after");
	display_clear(s.d);
	screen_bar_is(&s, above, "", "cleared");
	stage_end(&s);
}
END_TEST

START_TEST(a_resize_right_before_the_end_leaves_no_remains)
{
	struct stage s = halfway(bar, 120);
	struct ending e = { .elapsed_us = 2 * S, .rejects = "r.csv", .exit_status = 1 };

	look(&s);
	resize(&s, 50, true);
	s.c.requests = 105000;
	display_done(s.d, &s.c, &e);
	expect_screen(&s,
	    "Done: 104988 processed, 12 errors\n  time:         2.0 s, 52,500 records/s\n"
	    "  requests:     105,000, of these 3 retries; 0 ans\nwers 429 (rate limited)\n"
	    "  not accepted: 3 rejected, 9 refused, 0 failed\n  rejects:      r.csv\n",
	    "report");
	stage_end(&s);
}
END_TEST

/* Whether colours, escape sequences and carriage returns are written to a terminal of this kind. */
static const struct {
	struct display_config c;
	bool colour, escapes, bar;
} kinds[] = {
	{ { .mode = PROGRESS_AUTO, .term = "xterm" }, true, true, true },
	{ { .mode = PROGRESS_AUTO, .term = "xterm", .no_color = "" }, true, true, true },
	{ { .mode = PROGRESS_AUTO, .term = "xterm", .no_color = "1" }, false, true, true },
	{ { .mode = PROGRESS_AUTO, .term = "dumb" }, false, false, false },
	{ { .mode = PROGRESS_AUTO, .term = "" }, false, false, false },
	{ { .mode = PROGRESS_AUTO }, false, false, false },
	{ { .mode = PROGRESS_BAR, .term = "dumb" }, false, false, true },
	{ { .mode = PROGRESS_BAR }, false, false, true },
	{ { .mode = PROGRESS_PLAIN, .term = "xterm" }, false, false, false },
	{ { .mode = PROGRESS_NONE, .term = "xterm" }, false, false, false },
	{ { .mode = PROGRESS_BAR, .term = "xterm", .quiet = true }, false, false, false },
};

START_TEST(a_terminal_gets_what_it_understands)
{
	struct stage s = halfway(kinds[_i].c, 80);

	display_error_record(s.d, "users.csv:7: row has 5 cells, the header has 6");
	s.now += S;
	s.m.queued = 0;
	progress(&s);
	look(&s);
	bool bar_seen = false;
	/* the line discipline turns LF into CR LF */
	for (size_t i = 0; i + 1 < s.seen.len; i++)
		bar_seen = bar_seen || (s.seen.data[i] == '\r' && s.seen.data[i + 1] != '\n');
	ck_assert_int_eq(bar_seen, kinds[_i].bar);
	ck_assert_int_eq(memchr(s.seen.data, '\033', s.seen.len) != NULL, kinds[_i].escapes);
	ck_assert_int_eq(s.screen->coloured > 0, kinds[_i].colour);
	ck_assert_int_eq(display_keeps_lines(s.d), !kinds[_i].bar && !kinds[_i].c.quiet);
	bool plain = kinds[_i].c.mode == PROGRESS_PLAIN ||
	    (kinds[_i].c.mode == PROGRESS_AUTO && !kinds[_i].bar);
	screen_bar_is(&s,
	    plain ? "Progress: 105000/250000 (12 errors)\nusers.csv:7: row has 5 cells, the header "
	            "has 6\n" :
	            "users.csv:7: row has 5 cells, the header has 6\n",
	    kinds[_i].bar ? "42.0%  104,988 accepted  12 errors  3 retries  10 in flight  0.0/s\n" :
	                    "",
	    "screen");
	stage_end(&s);
}
END_TEST

/* A run on a terminal with everything mixed and resized at random: what remains are the messages
 * and one bar. */
START_TEST(only_messages_and_one_bar_remain)
{
	struct dice dice = dice_new("only_messages_and_one_bar_remain");

	for (int round = 0; round < 20; round++) {
		struct stage s = halfway(bar, 120);
		struct buf above;
		buf_init(&above, 8192);
		for (int i = 0; i < 100; i++) {
			int what = (int)dice_below(&dice, 5);
			s.c.outcomes[OUTCOME_ACCEPTED] += (uint64_t)dice_below(&dice, 100);
			if (what == 0) {
				display_message(s.d, DISPLAY_NOTICE, "message %d", i);
				buf_fmt(&above, "message %d\n", i);
			} else if (what == 1) {
				resize(&s, 30 + (unsigned)dice_below(&dice, 170), true);
			} else if (what == 2) {
				display_clear(s.d);
			} else {
				s.now += dice_below(&dice, S);
				progress(&s);
			}
			look(&s);
		}
		display_clear(s.d);
		buf_byte(&above, '\0');
		expect_screen(&s, above.data, "at the end");
		buf_free(&above);
		stage_end(&s);
	}
}
END_TEST

/* at: seconds; text: what is said then; due: when it looks again, INT64_MAX: never. */
static const struct {
	int64_t at;
	uint64_t finished;
	unsigned in_flight;
	enum waiting waiting;
	const char *text;
	int64_t due;
} log_steps[] = {
	{ 0, 0, 0, WAITING_INPUT, "", INT64_MAX },
	{ 3, 0, 1, WAITING_NOT, "", 10 },
	{ 10, 0, 1, WAITING_NOT, "Progress: 0 (0 errors)\n", 20 },
	{ 12, 7, 0, WAITING_INPUT, "", 20 },
	{ 20, 7, 0, WAITING_INPUT, "Progress: 7 (0 errors)\n", INT64_MAX },
	{ 100, 7, 0, WAITING_INPUT, "", INT64_MAX },
	{ 101, 8, 0, WAITING_INPUT, "Progress: 8 (0 errors)\n", INT64_MAX },
	{ 102, 8, 0, WAITING_DOWN, "", 111 },
	{ 111, 8, 0, WAITING_DOWN, "Progress: 8 (0 errors)\n", 121 },
	{ 112, 1003, 0, WAITING_NOT, "Progress: 1000 (0 errors)\n", INT64_MAX },
	{ 130, 1004, 0, WAITING_THROTTLED, "Progress: 1004 (0 errors)\n", 140 },
};

START_TEST(a_log_hears_something_every_ten_seconds)
{
	struct stage s = piped((struct display_config){ .mode = PROGRESS_AUTO });

	for (int i = 0; i < ROWS(log_steps); i++) {
		int64_t due = log_steps[i].due;
		s.now = START + log_steps[i].at * S;
		s.c.outcomes[OUTCOME_ACCEPTED] = log_steps[i].finished;
		s.m.in_flight = log_steps[i].in_flight;
		s.m.waiting = log_steps[i].waiting;
		progress(&s);
		expect_written(&s, log_steps[i].text, "step");
		ck_assert_int_eq(display_due(s.d), due < INT64_MAX ? START + due * S : due);
	}
	stage_end(&s);
}
END_TEST

/* Somebody who looks at a terminal sees it live, or asked for lines by count. */
START_TEST(a_terminal_hears_by_count_alone)
{
	struct stage s = on_terminal((struct display_config){ .mode = PROGRESS_PLAIN }, 80);

	s.m.in_flight = 3;
	for (int i = 0; i < 5; i++) {
		progress(&s);
		ck_assert_int_eq(display_due(s.d), INT64_MAX);
		s.now += 10 * S;
	}
	expect_screen(&s, "", "nothing settled");
	stage_end(&s);
}
END_TEST

/* -- nobody reads -- */

enum { FIFO, SOCKET, TERMINAL };

/* Where text goes, and what takes it: text that nobody has taken fills it. */
static void deaf(int kind, int *ours, int *theirs)
{
	int pair[2];

	if (kind == TERMINAL) {
		ck_assert_int_eq(unix_terminal(ours, theirs, 80, 24), 0);
		return;
	}
	ck_assert_int_eq(kind == FIFO ? pipe(pair) : socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	*ours = pair[0];
	*theirs = pair[1];
}

/* Takes all there is until it says something that contains `last`; how many lines begin with
 * "line". */
static unsigned take_all(int fd, struct display *d, const char *last, struct buf *seen)
{
	char bytes[65536];
	unsigned lines = 0;

	fcntl(fd, F_SETFL, O_NONBLOCK);
	for (int64_t until = clock_now() + 20 * S; clock_now() < until;) {
		ssize_t n = read(fd, bytes, sizeof bytes);
		buf_add(seen, bytes, n > 0 ? (size_t)n : 0);
		buf_byte(seen, '\0');
		seen->len--;
		if (n > 0 && strstr(seen->data, last))
			break;
		display_message(d, DISPLAY_DETAIL, "not said"); /* not verbose */
		display_progress(d, &(struct counters){ 0 }, &(struct moment){ 0 }, clock_now());
	}
	for (const char *at = seen->data; (at = strstr(at, "line ")); at++)
		lines++;
	return lines;
}

/* A reader who is away, and comes back. */
START_TEST(a_reader_that_is_gone_holds_nothing_up)
{
	enum { LINES = 3000 };
	int ours, theirs;
	struct buf seen = { .max = BUF_UNBOUNDED };
	unsigned missing;

	deaf(_i, &ours, &theirs);
	struct display *d = display_new(
	    &(struct display_config){ .fd = theirs, .mode = PROGRESS_PLAIN });
	for (int i = 0; i < LINES; i++) /* three times what is kept */
		display_message(d, DISPLAY_NOTICE, "line %0995d", i);
	ck_assert_int_eq(fcntl(theirs, F_GETFL) & O_NONBLOCK, 0); /* others may write there */
	ck_assert_int_lt(display_due(d), INT64_MAX);
	unsigned lines = take_all(ours, d, "00900", &seen); /* room again */
	display_message(d, DISPLAY_NOTICE, "the end");
	lines = take_all(ours, d, "the end", &seen);
	const char *note = strstr(seen.data, " lines are missing here: nobody was reading");
	ck_assert_msg(note != NULL, "%u lines came, and no word of the others", lines);
	while (note > seen.data && note[-1] != '\n')
		note--;
	ck_assert_int_eq(sscanf(note, "%u", &missing), 1);
	ck_assert_uint_eq(lines + missing, LINES);
	ck_assert_uint_gt(lines, 1000);
	ck_assert(strstr(note, "the end") != NULL);
	display_free(d);
	buf_free(&seen);
	close(ours);
	close(theirs);
}
END_TEST

START_TEST(the_end_waits_for_a_while_only)
{
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	struct display *d = display_new(
	    &(struct display_config){ .fd = fds[1], .mode = PROGRESS_PLAIN });
	for (int i = 0; i < 100; i++)
		display_message(d, DISPLAY_NOTICE, "line %0995d", i);
	display_done(d, &(struct counters){ 0 }, &(struct ending){ .exit_status = 1 });
	display_free(d); /* comes back */
	close(fds[0]);
	close(fds[1]);
}
END_TEST

START_TEST(a_slow_reader_loses_nothing)
{
	enum { LINES = 100 }; /* more than a pipe holds, each more than it takes whole */
	int fds[2], status;

	ck_assert_int_eq(pipe(fds), 0);
	pid_t child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		close(fds[0]);
		fcntl(fds[1], F_SETFL, O_NONBLOCK);
		struct display *d = display_new(
		    &(struct display_config){ .fd = fds[1], .mode = PROGRESS_PLAIN });
		for (int i = 0; i < LINES; i++)
			display_message(d, DISPLAY_NOTICE, "%05999d", i);
		display_free(d);
		_exit(0);
	}
	close(fds[1]);
	char line[6100] = "";
	FILE *in = fdopen(fds[0], "r");
	poll(NULL, 0, 50); /* the pipe fills */
	for (int i = 0; i < LINES; i++) {
		ck_assert_ptr_nonnull(fgets(line, sizeof line, in));
		ck_assert_int_eq(strtol(line, NULL, 10), i);
	}
	ck_assert_int_eq(fgetc(in), EOF);
	fclose(in);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(an_output_that_is_gone_is_ignored)
{
	struct stage s = piped((struct display_config){ .mode = PROGRESS_BAR, .term = "xterm" });

	signal(SIGPIPE, SIG_IGN);
	progress(&s);
	shutdown(s.ours, SHUT_RDWR);
	display_message(s.d, DISPLAY_ERROR, "lost");
	s.now += S;
	progress(&s);
	display_done(s.d, &s.c, &(struct ending){ .exit_status = 1 });
	stage_end(&s);
	display_free(NULL);
}
END_TEST

START_TEST(a_long_message_is_cut)
{
	struct stage s = piped(
	    (struct display_config){ .mode = _i ? PROGRESS_JSON : PROGRESS_PLAIN });
	char *text = calloc(1, 100001);

	memset(text, '\t', 100000);
	display_message(s.d, DISPLAY_ERROR, "%s", text);
	display_error_record(s.d, text);
	look(&s);
	ck_assert_uint_eq(s.writes, 2);
	ck_assert_uint_lt(s.seen.len, 100000);
	ck_assert_int_eq(s.seen.data[s.seen.len - 1], '\n');
	free(text);
	stage_end(&s);
}
END_TEST

Suite *display_suite(void)
{
	Suite *s = suite_create("display");
	TCase *t = tcase_create("all");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, a_plain_line_comes_at_each_multiple, 0, ROWS(cadences));
	tcase_add_loop_test(t, a_message_is_one_line_in_one_write, 0, ROWS(voices));
	tcase_add_loop_test(t, failed_records_are_said_twenty_times, 0, ROWS(silences));
	tcase_add_loop_test(t, a_line_comes_when_asked_for, 0, ROWS(asked));
	tcase_add_loop_test(t, the_end_is_said_once_and_ends_progress, 0, ROWS(endings));
	tcase_add_test(t, json_progress_comes_at_multiples_and_every_ten_seconds);
	tcase_add_loop_test(t, what_is_pending_is_said_every_ten_seconds, 0, ROWS(healths));
	tcase_add_test(t, the_bar_is_drawn_four_times_a_second_at_most);
	tcase_add_test(t, a_bar_that_says_the_same_is_not_written_again);
	tcase_add_test(t, a_dumb_bar_covers_its_remains);
	tcase_add_loop_test(t, messages_appear_above_the_bar, 0, ROWS(sizes));
	tcase_add_loop_test(t, a_resize_leaves_no_remains, 0, ROWS(resizes));
	tcase_add_test(t, a_resize_right_before_the_end_leaves_no_remains);
	tcase_add_loop_test(t, a_terminal_gets_what_it_understands, 0, ROWS(kinds));
	tcase_add_test(t, only_messages_and_one_bar_remain);
	tcase_add_test(t, a_log_hears_something_every_ten_seconds);
	tcase_add_test(t, a_terminal_hears_by_count_alone);
	tcase_add_loop_test(t, a_reader_that_is_gone_holds_nothing_up, FIFO, TERMINAL + 1);
	tcase_add_test(t, the_end_waits_for_a_while_only);
	tcase_add_test(t, a_slow_reader_loses_nothing);
	tcase_add_test(t, an_output_that_is_gone_is_ignored);
	tcase_add_loop_test(t, a_long_message_is_cut, 0, 2);
	suite_add_tcase(s, t);
	return s;
}
