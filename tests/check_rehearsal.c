/* What the sandbox can rehearse: limits of every kind, answers that are not the API's, proxies,
 * answers that are broken or held; and its command line. */
#include <check.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "client.h"
#include "harness.h"
#include "sandbox.h"
#include "sandbox_limit.h"
#include "sandbox_options.h"
#include "unix.h"

#define C "/api/v1/customers/"

Suite *rehearsal_suite(void);

static struct sandbox *start(const struct sandbox_config *c)
{
	struct sandbox *s = sandbox_start(c);

	ck_assert_ptr_nonnull(s);
	return s;
}

/* --- limits, in a time that is only a number --- */

#define MS INT64_C(1000)

static const struct {
	const char *name;
	struct sandbox_limit_config limit;
	int64_t at_ms[12]; /* -1 ends them */
	const char *admitted;
} limits[] = {
	{ "none", { .count = 0 }, { 0, 0, 0, -1 }, "yyy" },
	{ "any second", { .count = 2 }, { 0, 500, 999, 1000, 1001, 1500, -1 }, "yynyny" },
	{ "refused ones count", { .count = 2, .refused_count = true },
	    { 0, 500, 999, 1000, 1001, 2001, -1 }, "yynnny" },
	{ "three seconds", { .count = 3, .window_us = 3000 * MS },
	    { 0, 0, 0, 2999, 3000, 3000, 3000, 3001, -1 }, "yyynyyyn" },
	{ "windows one after another", { .kind = SANDBOX_LIMIT_FIXED, .count = 2 },
	    { 900, 950, 999, 1000, 1001, 1002, 7000, -1 }, "yynyyny" },
	{ "of ten seconds", { .kind = SANDBOX_LIMIT_FIXED, .count = 1, .window_us = 10000 * MS },
	    { 0, 9999, 10000, 19999, 20000, -1 }, "ynyny" },
	{ "refused ones count in them",
	    { .kind = SANDBOX_LIMIT_FIXED, .count = 1, .refused_count = true },
	    { 0, 1, 1000, 1001, -1 }, "ynyn" },
	{ "a bucket, full at first", { .kind = SANDBOX_LIMIT_BUCKET, .count = 2 },
	    { 0, 0, 0, 499, 500, 999, 1000, 9000, 9000, 9000, -1 }, "yynnynyyyn" },
	{ "of a size of its own", { .kind = SANDBOX_LIMIT_BUCKET, .count = 10, .burst = 1 },
	    { 0, 0, 99, 100, 199, 200, 5000, 5000, -1 }, "ynnynyyn" },
	{ "debt, where refused ones count",
	    { .kind = SANDBOX_LIMIT_BUCKET, .count = 1, .refused_count = true },
	    { 0, 0, 0, 1000, 2999, 4999, -1 }, "ynnnny" },
	{ "idle for long", { .kind = SANDBOX_LIMIT_BUCKET, .count = 1000000, .burst = 2 },
	    { 0, INT64_C(31536000000), INT64_C(31536000000), INT64_C(31536000000), -1 }, "yyyn" },
	{ "lowered for a while",
	    { .count = 3, .change = { .from_us = 1000 * MS, .to_us = 2000 * MS, .count = 1 } },
	    { 999, 999, 1500, 1998, 2000, 2001, 2001, -1 }, "yynnyyy" },
	{ "nothing for a while",
	    { .kind = SANDBOX_LIMIT_FIXED, .count = 3, .change = { .to_us = 1000 * MS } },
	    { 0, 999, 1000, -1 }, "nny" },
	{ "raised, of a bucket",
	    { .kind = SANDBOX_LIMIT_BUCKET,
	        .count = 1,
	        .burst = 9,
	        .change = { .from_us = 0, .to_us = 9000 * MS, .count = 2 } },
	    { 0, 0, 0, 0, 0, 0, 0, 0, 0, 500, 501, -1 }, "yyyyyyyyyyn" },
};

START_TEST(a_limit_admits_what_it_says)
{
	struct sandbox_limit l;
	char admitted[13] = "";

	sandbox_limit_init(&l, &limits[_i].limit);
	for (size_t i = 0; limits[_i].at_ms[i] >= 0; i++)
		admitted[i] = sandbox_limit_admits(&l, limits[_i].at_ms[i] * MS) ? 'y' : 'n';
	ck_assert_msg(strcmp(admitted, limits[_i].admitted) == 0, "%s: %s", limits[_i].name,
	    admitted);
	sandbox_limit_free(&l);
}
END_TEST

/* Many times at once: its ring grows with what is in the window, around its end too. */
START_TEST(a_sliding_limit_holds_what_is_in_its_window)
{
	struct sandbox_limit l;

	sandbox_limit_init(&l, &(struct sandbox_limit_config){ .count = 1000 });
	for (int64_t ms = 0; ms < 5000; ms++)
		ck_assert(sandbox_limit_admits(&l, ms * MS));
	ck_assert(!sandbox_limit_admits(&l, 4999 * MS));
	sandbox_limit_free(&l);
}
END_TEST

START_TEST(a_server_has_the_limit_it_was_given)
{
	struct sandbox *s = start(&(struct sandbox_config){
	    .limit = { .kind = SANDBOX_LIMIT_FIXED, .count = 2, .window_us = 86400 * 1000 * MS },
	    .retry_after = "2.9" });

	ck_assert_int_eq(client_status(s, "PUT", C "7", "{}"), 200);
	ck_assert_int_eq(client_status(s, "PUT", C "7", "{}"), 200);
	struct client_answer a = client_call(s, "PUT", C "7", "{}");
	ck_assert_int_eq(a.status, 429);
	ck_assert_ptr_nonnull(strstr(a.text, "\r\nRetry-After: 2.9\r\n"));
	ck_assert_uint_eq(sandbox_counters(s).throttled, 1);
	sandbox_stop(s);
}
END_TEST

static time_t header_date(const struct client_answer *a, const char *name)
{
	struct tm tm = { 0 };
	const char *at = strstr(a->text, name);

	ck_assert_msg(at != NULL, "no %s in %s", name, a->text);
	ck_assert_ptr_nonnull(strptime(at + strlen(name), "%a, %d %b %Y %H:%M:%S GMT", &tm));
	return unix_utc(&tm);
}

/* 20 minutes, ahead and behind: the two dates agree with each other, not with ours. */
START_TEST(its_clock_is_its_own)
{
	int ahead = _i == 0 ? 1200 : -1200;
	struct sandbox *s = start(&(struct sandbox_config){
	    .limit = { .kind = SANDBOX_LIMIT_FIXED, .count = 1, .window_us = 86400 * 1000 * MS },
	    .retry_after_s = 60,
	    .retry_after_date = true,
	    .clock_ahead_s = ahead });

	client_status(s, "PUT", C "7", "{}");
	struct client_answer a = client_call(s, "PUT", C "7", "{}");
	time_t date = header_date(&a, "\r\nDate: "), until = header_date(&a, "\r\nRetry-After: ");
	ck_assert_int_eq(a.status, 429);
	ck_assert_msg(difftime(until, date) >= 59 && difftime(until, date) <= 60, "%s", a.text);
	double off = difftime(date, time(NULL)) - ahead;
	ck_assert_msg(off >= -20 && off <= 20, "%.0f s off: %s", off, a.text);
	sandbox_stop(s);
}
END_TEST

/* --- answers that are not the API's --- */

static const struct {
	const struct sandbox_fault *fault;
	int status;
	const char *body;
} pages[] = {
	{ &sandbox_login_page, 200, "<title>Sign in</title>" },
	{ &sandbox_firewall, 403, "<h1>Request blocked</h1>" },
	{ &sandbox_not_found, 404, "<title>404 Not Found</title>" },
};

START_TEST(a_page_is_html_and_does_nothing)
{
	struct sandbox *s = start(&(struct sandbox_config){ 0 });

	sandbox_add_rule(s,
	    &(struct sandbox_rule){ .passes = 1, .times = -1, .fault = *pages[_i].fault });
	ck_assert_int_eq(client_status(s, "PUT", C "7", "{}"), 200);
	for (int i = 0; i < 2; i++) {
		struct client_answer a = client_call(s, "PUT", C "8", "{}");
		ck_assert_int_eq(a.status, pages[_i].status);
		ck_assert_ptr_nonnull(strstr(a.text, "\r\nContent-Type: text/html"));
		ck_assert_ptr_null(strstr(a.text, "application/json"));
		ck_assert_ptr_nonnull(strstr(a.body, pages[_i].body));
	}
	ck_assert_uint_eq(sandbox_counters(s).people, 1);
	sandbox_stop(s);
}
END_TEST

static const struct {
	const char *holds, *path, *body;
	bool hit;
} holders[] = {
	{ "ann@example.com", C "ann%40example.com", "{}", true },
	{ "ann%40example.com", C "ann%40example.com", "{}", true },
	{ "ann@example.com", C "7", "{\"email\":\"ann@example.com\"}", true },
	{ "<script>", C "7", "{\"notes\":\"<script>alert(1)\"}", true },
	{ "ann@example.com", C "bob%40example.com", "{}", false },
	{ "ann@example.com", C "bob", NULL, false },
};

START_TEST(a_rule_finds_text_wherever_it_is)
{
	struct sandbox *s = start(&(struct sandbox_config){ 0 });

	sandbox_add_rule(s,
	    &(struct sandbox_rule){ .holds = holders[_i].holds,
	        .times = -1,
	        .fault = sandbox_firewall });
	ck_assert_int_eq(client_status(s, holders[_i].body ? "PUT" : "DELETE", holders[_i].path,
	                     holders[_i].body),
	    holders[_i].hit ? 403 : 200);
	sandbox_stop(s);
}
END_TEST

/* The bytes that zlib reads as {}: a head, one stored block, checksum and length. */
START_TEST(an_answer_can_be_gzip)
{
	static const char gzip[] = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff\x01\x02\x00\xfd\xff"
	                           "{}\x43\xbf\xa6\xa3\x02\x00\x00\x00";
	struct sandbox *s = start(&(struct sandbox_config){ .gzip = _i == 0 });

	sandbox_add_rule(s,
	    &(struct sandbox_rule){ .person = "8",
	        .fault = { .act = SANDBOX_STATUS, .status = 400, .body = "{}", .gzip = _i == 1 } });
	struct client_answer a = client_call(s, "PUT", C "8", "{}");
	ck_assert_int_eq(a.status, 400);
	ck_assert_ptr_nonnull(strstr(a.text, "\r\nContent-Encoding: gzip\r\n"));
	ck_assert_uint_eq(a.body_len, sizeof gzip - 1);
	ck_assert_mem_eq(a.body, gzip, sizeof gzip - 1);
	a = client_call(s, "PUT", C "7", "{}");
	ck_assert_int_eq(strstr(a.text, "gzip") != NULL, _i == 0);
	sandbox_stop(s);
}
END_TEST

START_TEST(a_head_is_cut)
{
	struct sandbox *s = start(&(struct sandbox_config){ 0 });

	sandbox_add_rule(s,
	    &(struct sandbox_rule){ .fault = { .act = SANDBOX_CUT_HEAD, .process = true } });
	struct client_answer a = client_call(s, "PUT", C "7", "{}");
	ck_assert_int_eq(a.end, CLIENT_CLOSED);
	ck_assert_str_eq(a.text, "HTTP/1.1 200 Cut\r\nContent-Le");
	ck_assert_int_eq(sandbox_arrival(s, 0).status, 0);
	ck_assert_uint_eq(sandbox_counters(s).people, 1);
	sandbox_stop(s);
}
END_TEST

/* Whole, though it is more than a socket takes at once. */
START_TEST(a_head_is_huge)
{
	struct sandbox *s = start(&(struct sandbox_config){ 0 });
	static char bytes[1 << 20];
	size_t len = 0;
	int fd = client_dial(s);

	sandbox_add_rule(s,
	    &(struct sandbox_rule){ .fault = { .act = SANDBOX_BIG_HEAD, .body = "{}" } });
	client_ask(fd, "PUT", C "7", "{}");
	for (ssize_t n; (n = read(fd, bytes + len, sizeof bytes - 1 - len)) > 0;)
		len += (size_t)n;
	ck_assert_uint_gt(len, 400000);
	ck_assert_str_eq(bytes + len - 23, "Content-Length: 2\r\n\r\n{}");
	close(fd);
	sandbox_stop(s);
}
END_TEST

/* --- a proxy --- */

#define RIGHT "Proxy-Authorization: Basic bWU6c2VjcmV0\r\n" /* me:secret */

static const struct {
	const char *auth, *headers, *method, *target;
	int status;
	const char *text;
} proxied[] = {
	{ NULL, "", "PUT", "http://track.example.com/api/v1/customers/7", 200, "{}" },
	{ NULL, "", "PUT", "http://track.example.com", 404, "not found" },
	{ NULL, "", "CONNECT", "track.example.com:443", 502, "<title>502 Bad Gateway" },
	{ "me:secret", RIGHT, "PUT", "http://x/api/v1/customers/7", 200, "{}" },
	{ "me:secret", RIGHT, "CONNECT", "x:443", 502, "Bad Gateway" },
	{ "me:secret", "", "PUT", "http://x/api/v1/customers/7", 407,
	    "\r\nProxy-Authenticate: Basic realm=" },
	{ "me:secret", "", "CONNECT", "x:443", 407, "<title>407 Proxy Auth" },
	{ "me:secrets", RIGHT, "CONNECT", "x:443", 407, "" },
	{ "me:secre", RIGHT, "CONNECT", "x:443", 407, "" },
	{ "me:secret", "Proxy-Authorization: Bearer bWU6c2VjcmV0\r\n", "CONNECT", "x:443", 407,
	    "" },
	{ "me:secret", "", "PUT", C "7", 200, "{}" }, /* to itself, not to a proxy */
};

START_TEST(a_proxy_serves_itself_and_leads_nowhere_else)
{
	struct sandbox *s = start(&(struct sandbox_config){ .proxy_auth = proxied[_i].auth });
	char headers[256];

	snprintf(headers, sizeof headers, "%s%s", CLIENT_AUTH, proxied[_i].headers);
	struct client_answer a = client_call_with(s, headers, proxied[_i].method,
	    proxied[_i].target, "{}", 2);
	struct sandbox_arrival log = sandbox_arrival(s, 0);
	ck_assert_int_eq(a.status, proxied[_i].status);
	ck_assert_ptr_nonnull(strstr(a.text, proxied[_i].text));
	ck_assert_int_eq(log.proxied, proxied[_i].target[0] != '/');
	ck_assert_int_eq(log.proxy_authorization != NULL, *proxied[_i].headers != '\0');
	ck_assert_uint_eq(sandbox_counters(s).people, a.status == 200);
	if (a.status == 200)
		ck_assert_str_eq(log.path, C "7");
	sandbox_stop(s);
}
END_TEST

/* --- answers that are held --- */

START_TEST(held_answers_wait_and_then_come)
{
	struct sandbox *s = start(&(struct sandbox_config){ 0 });
	int one = client_dial(s), two = client_dial(s);
	char byte;

	sandbox_hold(s, true);
	client_ask(one, "PUT", C "7", "{}");
	client_ask(two, "PUT", C "8", "{}");
	ck_assert(sandbox_wait(s, 2, 5000));
	while (sandbox_counters(s).people < 2)
		unix_nap(1000);
	unix_nap(50000);
	ck_assert_int_lt(recv(one, &byte, 1, MSG_DONTWAIT), 0);
	ck_assert_int_eq((int)sandbox_arrival(s, 0).answered_us, 0);
	sandbox_hold(s, false);
	ck_assert_int_eq(client_read(one).status, 200);
	ck_assert_int_eq(client_read(two).status, 200);
	sandbox_hold(s, true); /* stopping lets nobody wait */
	client_ask(one, "PUT", C "9", "{}");
	ck_assert(sandbox_wait(s, 3, 5000));
	sandbox_stop(s);
	close(one);
	close(two);
}
END_TEST

/* --- the command line --- */

static int parse(struct sandbox_options *o, const char *a, const char *b)
{
	static char program[] = "sandbox", first[64], second[64]; /* the options point into them */
	char *argv[] = { program, first, b ? second : NULL, NULL };

	snprintf(first, sizeof first, "%s", a);
	snprintf(second, sizeof second, "%s", b ? b : "");
	optind = 0; /* begins anew */
	return sandbox_options_read(b ? 3 : 2, argv, o);
}

static const struct {
	const char *one, *two;
	struct sandbox_limit_config limit;
} limit_options[] = {
	{ "--rate-limit=100", NULL, { .count = 100, .window_us = 1000 * MS } },
	{ "--rate-limit=3000/3", "--limit-kind=fixed",
	    { .kind = SANDBOX_LIMIT_FIXED, .count = 3000, .window_us = 3000 * MS } },
	{ "--rate-limit=5", "--limit-kind=bucket",
	    { .kind = SANDBOX_LIMIT_BUCKET, .count = 5, .window_us = 1000 * MS } },
	{ "--limit-kind=sliding", "--limit-refused", { .refused_count = true } },
	{ "--limit-change=60,120,50", NULL,
	    { .change = { .from_us = 60000 * MS, .to_us = 120000 * MS, .count = 50 } } },
};

START_TEST(a_limit_is_read)
{
	struct sandbox_options o;

	ck_assert_int_eq(parse(&o, limit_options[_i].one, limit_options[_i].two), 0);
	const struct sandbox_limit_config *got = &o.config.limit, *want = &limit_options[_i].limit;
	ck_assert_int_eq(got->kind, want->kind);
	ck_assert_uint_eq(got->count, want->count);
	ck_assert_int_eq(got->window_us, want->window_us);
	ck_assert_int_eq(got->refused_count, want->refused_count);
	ck_assert_int_eq(got->change.from_us, want->change.from_us);
	ck_assert_int_eq(got->change.to_us, want->change.to_us);
	ck_assert_uint_eq(got->change.count, want->change.count);
}
END_TEST

static const struct {
	const char *one, *two;
	unsigned unavailable, error_after, reset_before, reset_after, cut, cut_head, big_head,
	    login_page, throttled;
} failures[] = {
	{ "--fail=5", NULL, 3, 0, 1, 1, 0, 0, 0, 0, 0 },
	{ "--fail-with=cut", NULL, 0, 0, 0, 0, 0, 0, 0, 0, 0 },
	{ "--fail-with=cut", "--fail=9", 0, 0, 0, 0, 9, 0, 0, 0, 0 },
	{ "--fail=10", "--fail-with=500,503,429,login", 2, 2, 0, 0, 0, 0, 0, 3, 3 },
	{ "--fail=100", "--fail-with=reset,late-reset,cut-head,big-head", 0, 0, 25, 25, 0, 25, 25,
	    0, 0 },
};

START_TEST(failures_are_shared_out)
{
	struct sandbox_options o;

	ck_assert_int_eq(parse(&o, failures[_i].one, failures[_i].two), 0);
	const struct sandbox_chaos *c = &o.config.chaos;
	ck_assert_uint_eq(c->unavailable, failures[_i].unavailable);
	ck_assert_uint_eq(c->error_after, failures[_i].error_after);
	ck_assert_uint_eq(c->reset_before, failures[_i].reset_before);
	ck_assert_uint_eq(c->reset_after, failures[_i].reset_after);
	ck_assert_uint_eq(c->cut, failures[_i].cut);
	ck_assert_uint_eq(c->cut_head, failures[_i].cut_head);
	ck_assert_uint_eq(c->big_head, failures[_i].big_head);
	ck_assert_uint_eq(c->login_page, failures[_i].login_page);
	ck_assert_uint_eq(c->throttled, failures[_i].throttled);
}
END_TEST

START_TEST(what_a_429_says_is_read)
{
	struct sandbox_options o;

	ck_assert_int_eq(parse(&o, "--retry-after=99999999999999999999", "--clock=-1200"), 0);
	ck_assert_str_eq(o.config.retry_after, "99999999999999999999");
	ck_assert_int_eq(o.config.clock_ahead_s, -1200);
	ck_assert_int_eq(parse(&o, "--retry-after=date+30", "--clock=60"), 0);
	ck_assert_ptr_null(o.config.retry_after);
	ck_assert_int_eq(o.config.retry_after_s, 30);
	ck_assert(o.config.retry_after_date);
	ck_assert_int_eq(o.config.clock_ahead_s, 60);
}
END_TEST

/* Each is refused with one line that names the option and what it wants. */
static const struct {
	const char *argument, *said;
} refusals[] = {
	{ "--port=65536", "sandbox: --port=65536: give a whole number from 0 to 65535\n" },
	{ "--port=-1", "give a whole number" },
	{ "--rate-limit=100/0", "--rate-limit=100/0: give a whole number" },
	{ "--rate-limit=/3", "give a whole number" },
	{ "--limit-kind=leaky", "give sliding, fixed or bucket\n" },
	{ "--limit-change=60,120", "the first smaller than the second" },
	{ "--limit-change=60,60,5", "the first smaller than the second" },
	{ "--limit-change=1,2,3,4", "the first smaller than the second" },
	{ "--retry-after=", "give what the header is to hold" },
	{ "--retry-after=1\r\nX: y", "give what the header is to hold" },
	{ "--retry-after=date+0", "give what the header is to hold" },
	{ "--clock=--5", "give a whole number of seconds" },
	{ "--fail=101", "give a whole number from 0 to 100\n" },
	{ "--fail-with=", "give one or more of 503, " },
	{ "--fail-with=503,", "give one or more of 503, " },
	{ "--fail-with=504", "give one or more of 503, " },
	{ "--outage=30,10", "give two numbers of seconds" },
	{ "--outage=10", "give two numbers of seconds" },
	{ "--login-page=0", "give a whole number from 1" },
	{ "--firewall=", "give the text that it takes offence at\n" },
	{ "--poison=", "give the text that it stumbles over\n" },
	{ "--proxy-auth=me", "give a user, a colon and a password\n" },
	{ "--nothing", "nothing" },
	{ "users.csv", "sandbox: users.csv: it takes options only; try --help\n" },
};

START_TEST(what_is_no_value_is_refused)
{
	struct harness *h = harness_new(NULL);

	harness_program(h, "cio-import-sandbox");
	const struct harness_run *run = HARNESS_RUN(h, refusals[_i].argument);
	harness_assert_status(run, 64);
	harness_assert_err_has(run, refusals[_i].said);
	harness_free(h);
}
END_TEST

/* Options that are rules: in force when its address is known. */
static const struct {
	const char *option, *person;
	int status;
} ruled[] = {
	{ "--login-page=1", "8", 200 },
	{ "--login-page=2", "8", 200 },
	{ "--not-found", "8", 404 },
	{ "--firewall=ann@example.com", "ann%40example.com", 403 },
	{ "--poison=ann@example.com", "ann%40example.com", 500 },
};

START_TEST(an_option_is_a_rule)
{
	struct sandbox_options o;

	ck_assert_int_eq(parse(&o, ruled[_i].option, NULL), 0);
	ck_assert_uint_eq(o.rule_count, 1);
	struct sandbox *s = start(&o.config);
	sandbox_add_rule(s, &o.rules[0]);
	char path[64];
	snprintf(path, sizeof path, C "%s", ruled[_i].person);
	bool at_once = o.rules[0].passes == 0;
	if (!at_once)
		ck_assert_int_eq(client_status(s, "PUT", path, "{}"), 200);
	ck_assert_int_eq(client_status(s, "PUT", path, "{}"), ruled[_i].status);
	ck_assert_uint_eq(sandbox_counters(s).people, !at_once);
	sandbox_stop(s);
}
END_TEST

#define LOOP(t, test, rows) tcase_add_loop_test(t, test, 0, (int)(sizeof(rows) / sizeof *(rows)))

Suite *rehearsal_suite(void)
{
	Suite *suite = suite_create("rehearsal");
	TCase *t = tcase_create("rehearsal");

	tcase_set_timeout(t, 60);
	LOOP(t, a_limit_admits_what_it_says, limits);
	tcase_add_test(t, a_sliding_limit_holds_what_is_in_its_window);
	tcase_add_test(t, a_server_has_the_limit_it_was_given);
	tcase_add_loop_test(t, its_clock_is_its_own, 0, 2);
	LOOP(t, a_page_is_html_and_does_nothing, pages);
	LOOP(t, a_rule_finds_text_wherever_it_is, holders);
	tcase_add_loop_test(t, an_answer_can_be_gzip, 0, 2);
	tcase_add_test(t, a_head_is_cut);
	tcase_add_test(t, a_head_is_huge);
	LOOP(t, a_proxy_serves_itself_and_leads_nowhere_else, proxied);
	tcase_add_test(t, held_answers_wait_and_then_come);
	LOOP(t, a_limit_is_read, limit_options);
	LOOP(t, failures_are_shared_out, failures);
	tcase_add_test(t, what_a_429_says_is_read);
	LOOP(t, what_is_no_value_is_refused, refusals);
	LOOP(t, an_option_is_a_rule, ruled);
	suite_add_tcase(suite, t);
	return suite;
}
