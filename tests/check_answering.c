/*
 * Who is answering, and whether anybody is: answers that are not the API's, that are cut, huge or
 * compressed, proxies, and time that passes while the process sleeps or the line is slow.
 */
#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "relay.h"
#include "scene.h"
#include "unix.h"

Suite *answering_suite(void);

#define FAST "--rate=unlimited", "--backoff=5ms", "--jitter=0"

/* Singles and batches; a loop test's index. */
#define KINDS 2
static const char *kind(int i)
{
	return i ? "--batch=1" : "--retries=4";
}

static size_t arrivals_of(struct scene *s, const char *text)
{
	size_t found = 0;

	for (size_t i = 0; i < sandbox_arrivals(s->sandbox); i++) {
		struct sandbox_arrival a = sandbox_arrival(s->sandbox, i);
		found += strstr(a.path, text) || (a.body && strstr(a.body, text));
	}
	return found;
}

/* -- answers that are less, or more, than one -- */

/* The status line of an answer whose head never ended accepts nothing. */
START_TEST(a_head_that_is_cut_is_no_answer)
{
	struct scene s = scene_open(NULL);

	sandbox_add_rule(s.sandbox,
	    &(struct sandbox_rule){ .holds = "p2",
	        .times = 2,
	        .fault = { .act = SANDBOX_CUT_HEAD } });
	scene_write_people(&s, "in.csv", 3);
	harness_assert_status(HARNESS_RUN(s.harness, "in.csv", "-v", FAST, kind(_i)), 0);
	ck_assert_uint_eq(scene_people_there(&s), 3);
	ck_assert_uint_eq(arrivals_of(&s, "p2"), 3);
	scene_close(&s);
}
END_TEST

START_TEST(a_head_that_is_too_large_is_said_to_be)
{
	struct scene s = scene_open(NULL);

	sandbox_add_rule(s.sandbox,
	    &(struct sandbox_rule){ .holds = "p2",
	        .times = -1,
	        .fault = { .act = SANDBOX_BIG_HEAD } });
	scene_write_people(&s, "in.csv", 3);
	const struct harness_run *run = HARNESS_RUN(s.harness, "in.csv", FAST, "--retries=1",
	    _i ? "--batch=1" : "-c2");
	harness_assert_status(run, 1);
	harness_assert_err_has(run, "p2: the answer's head is too large");
	harness_assert_err_lacks(run, "memory");
	ck_assert_uint_eq(scene_people_there(&s), 2);
	scene_close(&s);
}
END_TEST

static const struct compressed {
	const char *headers, *body;
	bool gzip;
	const char *said;
} compressed[] = {
	{ NULL, "{\"meta\":{\"errors\":[\"email is odd\"]}}", true, "p2: 400 email is odd" },
	{ "Content-Encoding: gzip", "this is not gzip", false,
	    "p2: 400 the answer's body is compressed" },
	{ "Content-Encoding: rot13", "{}", false, "p2: 400 the answer's body is compressed" },
	{ NULL, "\x1f\x8b\x08 binary", false, "p2: 400 the answer's body is no text (10 bytes)" },
};

START_TEST(what_is_compressed_is_read)
{
	const struct compressed *row = &compressed[_i];
	struct scene s = scene_open(NULL);

	sandbox_add_rule(s.sandbox,
	    &(struct sandbox_rule){ .person = "p2",
	        .fault = { .act = SANDBOX_STATUS,
	            .status = 400,
	            .headers = row->headers,
	            .body = row->body,
	            .gzip = row->gzip } });
	scene_write_people(&s, "in.csv", 3);
	const struct harness_run *run = HARNESS_RUN(s.harness, "in.csv", FAST);
	harness_assert_status(run, 1);
	harness_assert_err_has(run, row->said);
	ck_assert_uint_eq(scene_people_there(&s), 2);
	scene_close(&s);
}
END_TEST

START_TEST(a_server_that_compresses_everything_is_understood)
{
	struct scene s = scene_open(&(struct sandbox_config){ .gzip = true });

	scene_write_people(&s, "in.csv", 30);
	harness_assert_status(HARNESS_RUN(s.harness, "in.csv", FAST, kind(_i)), 0);
	ck_assert_uint_eq(scene_people_there(&s), 30);
	ck_assert_ptr_null(sandbox_arrival(s.sandbox, 1).accept_encoding);
	scene_close(&s);
}
END_TEST

/* -- answers of somebody else -- */

/* From the nth request on everything is a login page with 200: nothing of it is accepted, and the
 * run can be carried on. */
START_TEST(a_login_page_accepts_nothing)
{
	static const uint64_t from[] = { 1, 20 };
	uint64_t passes = from[_i / KINDS] - 1;
	struct scene s = scene_open(NULL);

	sandbox_add_rule(s.sandbox,
	    &(struct sandbox_rule){ .passes = passes, .times = -1, .fault = sandbox_login_page });
	scene_write_people(&s, "in.csv", 60);
	const struct harness_run *run = HARNESS_RUN(s.harness, "in.csv", FAST, "-c1",
	    "--give-up-after=200ms", "--summary=summary.json", kind(_i % KINDS));
	harness_assert_status(run, 69);
	harness_assert_err_has(run, "destination down");
	ck_assert_int_eq(scene_summary(&s, "accepted"), passes ? (int64_t)passes - 1 : 0);
	ck_assert_int_eq(scene_summary(&s, "errors"), 0);
	sandbox_clear_rules(s.sandbox);
	harness_assert_status(HARNESS_RUN(s.harness, "in.csv", FAST, kind(_i % KINDS)), 0);
	ck_assert_uint_eq(scene_people_there(&s), 60);
	scene_close(&s);
}
END_TEST

/* What the check is answered is a JSON object, or somebody else answers. */
START_TEST(the_check_is_answered_by_the_api)
{
	static const char *const bodies[] = { "<html>", "OK", "[]", "" };
	struct scene s = scene_open(NULL);

	sandbox_add_rule(s.sandbox,
	    &(struct sandbox_rule){ .path = "/accounts/region",
	        .times = 2,
	        .fault = { .act = SANDBOX_STATUS, .status = 200, .body = bodies[_i] } });
	scene_write_people(&s, "in.csv", 3);
	const struct harness_run *run = HARNESS_RUN(s.harness, "in.csv", FAST);
	harness_assert_status(run, 0);
	harness_assert_err_has(run, "destination down (status 200, but ");
	harness_assert_err_has(run, "not the API answers");
	ck_assert_uint_eq(sandbox_arrivals(s.sandbox), 6);
	scene_close(&s);
}
END_TEST

/* A firewall takes offence at one record: that record is refused, named, and the others go on; the
 * check was asked whether it is the credentials. */
START_TEST(a_firewall_refuses_one_record)
{
	struct scene s = scene_open(NULL);

	sandbox_add_rule(s.sandbox,
	    &(struct sandbox_rule){ .holds = "\"17\"", .times = -1, .fault = sandbox_firewall });
	scene_write_people(&s, "in.csv", 40);
	const struct harness_run *run = HARNESS_RUN(s.harness, "in.csv", FAST, "-c1",
	    _i ? "--batch" : "--progress=none");
	harness_assert_status(run, 1);
	harness_assert_err_has(run, "in.csv:18: user p17: 403 ");
	harness_assert_err_has(run, "Done: 39 processed, 1 errors");
	ck_assert_uint_eq(scene_people_there(&s), 39);
	ck_assert_uint_eq(arrivals_of(&s, "accounts/region"), 2);
	scene_close(&s);
}
END_TEST

/* The last of a file, after which nothing is accepted any more. */
START_TEST(a_firewall_refuses_the_last_record)
{
	struct scene s = scene_open(NULL);

	sandbox_add_rule(s.sandbox,
	    &(struct sandbox_rule){ .person = "p3", .times = -1, .fault = sandbox_firewall });
	harness_write_text(s.harness, "in.csv", "id,row\np1,1\np3,2\np3,3\n");
	const struct harness_run *run = HARNESS_RUN(s.harness, "in.csv", FAST, kind(_i));
	harness_assert_status(run, 1);
	harness_assert_err_has(run, "in.csv:3: user p3: 403 ");
	harness_assert_err_has(run, "in.csv:4: user p3: 403 ");
	scene_close(&s);
}
END_TEST

/* Ten in a row are not the records' fault: they stay unsettled, and nobody is in the rejects. Where
 * several are in flight the first refusal comes when the five before it are long accepted. */
START_TEST(ten_in_a_row_are_not_the_records)
{
	struct scene s = scene_open(NULL);
	struct sandbox_fault firewall = sandbox_firewall;

	firewall.delay_ms = _i ? 200 : 0;
	sandbox_add_rule(s.sandbox,
	    &(struct sandbox_rule){ .holds = "customers/p",
	        .passes = 5,
	        .times = -1,
	        .fault = firewall });
	scene_write_people(&s, "in.csv", 40);
	const struct harness_run *run = HARNESS_RUN(s.harness, "in.csv", FAST, _i ? "-c4" : "-c1");
	harness_assert_status(run, 77);
	harness_assert_err_has(run, "10 records in a row were answered 403");
	harness_assert_err_has(run, "Done: 5 processed, 0 errors");
	ck_assert(!harness_exists(s.harness, "in.rejected.csv"));
	sandbox_clear_rules(s.sandbox);
	harness_assert_status(HARNESS_RUN(s.harness, "in.csv", FAST), 0);
	ck_assert_uint_eq(scene_people_there(&s), 40);
	scene_close(&s);
}
END_TEST

/* Batches are cut down to single records before they count. */
START_TEST(a_batch_is_cut_before_it_counts)
{
	struct scene s = scene_open(NULL);

	sandbox_add_rule(s.sandbox,
	    &(struct sandbox_rule){ .path = "/batch", .times = -1, .fault = sandbox_firewall });
	scene_write_people(&s, "in.csv", 40);
	const struct harness_run *run = HARNESS_RUN(s.harness, "in.csv", FAST, "-c1", "--batch");
	harness_assert_status(run, 77);
	harness_assert_err_has(run, "Done: 0 processed, 0 errors");
	sandbox_clear_rules(s.sandbox);
	harness_assert_status(HARNESS_RUN(s.harness, "in.csv", FAST, "--batch"), 0);
	ck_assert_uint_eq(scene_people_there(&s), 40);
	scene_close(&s);
}
END_TEST

/* Where it was the credentials, the check says so. */
START_TEST(the_check_is_the_judge_of_a_403)
{
	struct scene s = scene_open(NULL);

	sandbox_add_rule(s.sandbox,
	    &(struct sandbox_rule){ .passes = 4,
	        .times = -1,
	        .fault = { .act = SANDBOX_STATUS, .status = 403 } });
	scene_write_people(&s, "in.csv", 40);
	const struct harness_run *run = HARNESS_RUN(s.harness, "in.csv", FAST, "-c1");
	harness_assert_status(run, 77);
	harness_assert_err_has(run, "credentials refused (403");
	harness_assert_err_has(run, "Done: 3 processed, 0 errors");
	ck_assert_uint_le(sandbox_arrivals(s.sandbox), 7);
	scene_close(&s);
}
END_TEST

static const struct lost_row {
	int people, accepted; /* before everything is 404 */
	const char *kind;
	int status;
	const char *said;
} lost_rows[] = {
	{ 40, 0, "-c1", 78, "Done: 0 processed, 0 errors" },
	{ 40, 0, "-c4", 78, "Done: 0 processed, 0 errors" },
	{ 40, 0, "--batch", 78, "Done: 0 processed, 0 errors" },
	/* too few to tell */
	{ 9, 0, "-c1", 1, "Done: 0 processed, 9 errors" },
	/* an address that took something is right */
	{ 40, 1, "-c1", 1, "Done: 1 processed, 39 errors" },
};

/* 404 to the check and to the first records: the address is wrong. */
START_TEST(a_wrong_address_ends_the_run)
{
	const struct lost_row *row = &lost_rows[_i];
	struct scene s = scene_open(NULL);

	sandbox_add_rule(s.sandbox,
	    &(struct sandbox_rule){ .path = "/accounts/region",
	        .times = -1,
	        .fault = sandbox_not_found });
	sandbox_add_rule(s.sandbox,
	    &(struct sandbox_rule){ .path = row->kind[1] == '-' ? "/batch" : "/customers/",
	        .passes = (uint64_t)row->accepted,
	        .times = -1,
	        .fault = sandbox_not_found });
	scene_write_people(&s, "in.csv", row->people);
	const struct harness_run *run = HARNESS_RUN(s.harness, "in.csv", FAST, row->kind);
	harness_assert_status(run, row->status);
	harness_assert_err_has(run, row->said);
	if (row->status == 78) {
		harness_assert_err_has(run, sandbox_url(s.sandbox));
		ck_assert(!harness_exists(s.harness, "in.rejected.csv"));
	}
	scene_close(&s);
}
END_TEST

/* Who is not there need not be deleted. */
START_TEST(a_delete_of_nobody_is_accepted)
{
	struct scene s = scene_open(NULL);

	sandbox_add_rule(s.sandbox,
	    &(struct sandbox_rule){ .person = "p2", .times = -1, .fault = sandbox_not_found });
	scene_write_people(&s, "in.csv", 3);
	harness_assert_status(HARNESS_RUN(s.harness, "in.csv", FAST, "-a",
	                          _i ? "identify" : "delete"),
	    _i ? 1 : 0);
	scene_close(&s);
}
END_TEST

static const struct astray {
	int status;
	const char *headers, *said;
} astray[] = {
	{ 300, "Location: https://elsewhere.example/x",
	    "300 redirected to https://elsewhere.example/x" },
	{ 303, "Location: /x", "303 redirected to http://127.0.0.1" },
	{ 305, "Location: http://proxy.example/", "305 redirected to http://proxy.example/" },
	{ 303, "Location: https://track-eu.customer.io/api/v1/customers/p2",
	    "303 redirected to https://track-eu.customer.io/api/v1/customers/p2" },
	{ 302, NULL, "302 redirected to nowhere" },
	{ 301, NULL, "301 redirected to nowhere" },
};

START_TEST(a_redirect_that_is_not_followed_is_told)
{
	struct scene s = scene_open(NULL);

	sandbox_add_rule(s.sandbox,
	    &(struct sandbox_rule){ .person = "p2",
	        .times = -1,
	        .fault = { .act = SANDBOX_STATUS,
	            .status = astray[_i].status,
	            .headers = astray[_i].headers } });
	scene_write_people(&s, "in.csv", 3);
	const struct harness_run *run = HARNESS_RUN(s.harness, "in.csv", FAST);
	harness_assert_status(run, 1);
	harness_assert_err_has(run, astray[_i].said);
	harness_assert_err_has(run, "which is not followed");
	ck_assert_uint_eq(scene_people_there(&s), 2);
	scene_close(&s);
}
END_TEST

/* One record that the server stumbles over does not fail its neighbours, wherever it stands. */
START_TEST(one_poisonous_record_fails_alone)
{
	static const char *const poison[] = { "\"p1\"", "\"p37\"", "\"p100\"" };
	struct scene s = scene_open(NULL);
	char line[64];

	sandbox_add_rule(s.sandbox,
	    &(struct sandbox_rule){ .holds = poison[_i],
	        .times = -1,
	        .fault = { .act = SANDBOX_STATUS, .status = 500 } });
	scene_write_people(&s, "in.csv", 100);
	const struct harness_run *run = HARNESS_RUN(s.harness, "in.csv", FAST, "--batch",
	    "--retries=2", "-c1");
	harness_assert_status(run, 1);
	snprintf(line, sizeof line, "Done: 99 processed, 1 errors");
	harness_assert_err_has(run, line);
	harness_assert_err_has(run, "(after 3 attempts)");
	ck_assert_uint_eq(scene_people_there(&s), 99);
	ck_assert_uint_le(sandbox_arrivals(s.sandbox), 40);
	scene_close(&s);
}
END_TEST

/* -- this machine -- */

/* No descriptor for a connection: not the destination's fault, and no waiting mends it. */
START_TEST(no_descriptors_end_the_run)
{
	struct scene s = scene_open(NULL);
	const struct harness_run *run = NULL;

	if (harness_is_under()) {
		scene_close(&s);
		return;
	}
	scene_write_people(&s, "in.csv", 30);
	harness_env(s.harness, _i ? "CUSTOMERIO_URL" : "IGNORED", _i ? "http://localhost:1" : "");
	/* as few as the program itself can do with */
	for (uint64_t most = 5; most < 40; most++) {
		harness_limit(s.harness, RLIMIT_NOFILE, most);
		run = HARNESS_RUN(s.harness, "in.csv", "--no-state", FAST, "--give-up-after=10s",
		    _i ? "--allow-http" : "-c3");
		harness_assert_err_lacks(run, "destination down (C");
		if (harness_has(run->err, "nothing left for another connection"))
			break;
	}
	harness_assert_err_has(run, "nothing left for another connection: Too many open files");
	harness_assert_err_has(run, "ulimit -n");
	harness_assert_status(run, 71);
	scene_close(&s);
}
END_TEST

/* -- proxies -- */

#define SECRET "s3cr3t"

static int port_of_nobody(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	ck_assert(fd >= 0 && bind(fd, (struct sockaddr *)&a, size) == 0 &&
	    getsockname(fd, (struct sockaddr *)&a, &size) == 0);
	close(fd);
	return ntohs(a.sin_port);
}

/* Whose fault it is that there is no connection. */
START_TEST(a_proxy_that_is_not_there_is_named)
{
	struct scene s = scene_open(NULL);
	char url[128], shown[128];
	int port = port_of_nobody();

	snprintf(url, sizeof url, "http://me:" SECRET "@127.0.0.1:%d", port);
	snprintf(shown, sizeof shown, "the proxy http://127.0.0.1:%d (%s): ", port,
	    _i ? "HTTPS_PROXY" : "http_proxy");
	harness_env(s.harness, _i ? "HTTPS_PROXY" : "http_proxy", url);
	if (_i)
		harness_env(s.harness, "CUSTOMERIO_URL", "https://track.customer.io");
	scene_write_people(&s, "in.csv", 3);
	const struct harness_run *run = HARNESS_RUN(s.harness, "in.csv", "-v", FAST,
	    "--give-up-after=100ms");
	harness_assert_status(run, 69);
	harness_assert_err_has(run, shown);
	harness_assert_err_lacks(run, SECRET);
	ck_assert_uint_eq(sandbox_arrivals(s.sandbox), 0);
	scene_close(&s);
}
END_TEST

/* The sandbox as a proxy leads nowhere: 502 to CONNECT. */
START_TEST(a_connect_that_fails_is_the_proxys)
{
	struct scene s = scene_open(NULL);

	harness_env(s.harness, "https_proxy", sandbox_url(s.sandbox));
	harness_env(s.harness, "CUSTOMERIO_URL", "https://track.customer.io");
	scene_write_people(&s, "in.csv", 3);
	const struct harness_run *run = HARNESS_RUN(s.harness, "in.csv", FAST,
	    "--give-up-after=100ms");
	harness_assert_status(run, 69);
	harness_assert_err_has(run, "the proxy http://127.0.0.1:");
	harness_assert_err_has(run, "(https_proxy): it answered 502 to CONNECT");
	scene_close(&s);
}
END_TEST

static const char *const broken_proxies[] = { "http://me:" SECRET "@127.0.0.1:99999",
	"http://me:" SECRET "@:3128", "gopher://me:" SECRET "@127.0.0.1:3128",
	"http://me:" SECRET "@127.0.0.1:31 28" };

START_TEST(a_broken_proxy_is_refused_before_the_start)
{
	struct scene s = scene_open(NULL);

	harness_env(s.harness, "http_proxy", broken_proxies[_i]);
	scene_write_people(&s, "in.csv", 3);
	const struct harness_run *run = HARNESS_RUN(s.harness, "in.csv", "-v");
	harness_assert_status(run, 78);
	harness_assert_err_has(run, "http_proxy");
	harness_assert_err_lacks(run, SECRET);
	ck_assert_uint_eq(sandbox_arrivals(s.sandbox), 0);
	ck_assert_uint_eq(scene_files_with(&s, SECRET), 0);
	harness_env(s.harness, "NO_PROXY", "127.0.0.1");
	harness_assert_status(HARNESS_RUN(s.harness, "in.csv"), 0);
	scene_close(&s);
}
END_TEST

/* A proxy that does not know who asks. */
START_TEST(a_407_ends_the_run)
{
	struct scene s = scene_open(&(struct sandbox_config){ .proxy_auth = "me:other" });
	char url[128];

	snprintf(url, sizeof url, "http://me:" SECRET "@127.0.0.1:%d", sandbox_port(s.sandbox));
	harness_env(s.harness, _i ? "https_proxy" : "http_proxy", url);
	harness_env(s.harness, "CUSTOMERIO_URL",
	    _i ? "https://track.customer.io" : "http://localhost:1");
	scene_write_people(&s, "in.csv", 3);
	const struct harness_run *run = HARNESS_RUN(s.harness, "in.csv", "-v", FAST);
	harness_assert_status(run, 78);
	harness_assert_err_has(run, "the proxy http://127.0.0.1:");
	harness_assert_err_has(run, "(407)");
	harness_assert_err_has(run, _i ? "in https_proxy" : "in http_proxy");
	harness_assert_err_lacks(run, SECRET);
	ck_assert_uint_eq(sandbox_arrivals(s.sandbox), 1);
	scene_close(&s);
}
END_TEST

/* User and password go to the proxy, and nowhere else. */
START_TEST(a_proxy_gets_its_password)
{
	struct scene s = scene_open(&(struct sandbox_config){ .proxy_auth = "me:a@b " SECRET });
	char url[128];

	snprintf(url, sizeof url, "http://me:a@b%%20" SECRET "@127.0.0.1:%d",
	    sandbox_port(s.sandbox));
	harness_env(s.harness, "http_proxy", url);
	harness_env(s.harness, "CUSTOMERIO_URL", "http://localhost:1");
	scene_write_people(&s, "in.csv", 3);
	harness_assert_status(HARNESS_RUN(s.harness, "in.csv", FAST), 0);
	ck_assert_uint_eq(scene_people_there(&s), 3);
	ck_assert(sandbox_arrival(s.sandbox, 1).proxied);
	scene_close(&s);
}
END_TEST

/* -- time -- */

/* What came while the process slept is read before anything is said to have timed out: nothing is
 * sent twice, and nobody is said to be down. */
START_TEST(what_came_in_a_sleep_is_read)
{
	struct scene s = scene_open(NULL);

	scene_write_people(&s, "in.csv", 24);
	struct harness_child *child = HARNESS_START(s.harness, "in.csv", "-v", FAST, "-c12",
	    "--timeout=1s", kind(_i));
	ck_assert(sandbox_wait(s.sandbox, 3, SOON));
	sandbox_hold(s.sandbox, true);
	unix_nap(200000);
	harness_signal(child, SIGSTOP);
	sandbox_hold(s.sandbox, false);
	unix_nap(1500000);
	harness_signal(child, SIGCONT);
	const struct harness_run *run = harness_finish(child);
	harness_assert_status(run, 0);
	harness_assert_err_lacks(run, "retry");
	harness_assert_err_lacks(run, "down");
	ck_assert_uint_eq(sandbox_arrivals(s.sandbox), 25);
	ck_assert_uint_eq(scene_people_there(&s), 24);
	scene_close(&s);
}
END_TEST

/* A listener with room for one connection, which is taken. */
static int listen_full(int *port, int *filler)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*filler = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert(fd >= 0 && *filler >= 0 && bind(fd, (struct sockaddr *)&a, size) == 0 &&
	    listen(fd, 0) == 0 && getsockname(fd, (struct sockaddr *)&a, &size) == 0 &&
	    connect(*filler, (struct sockaddr *)&a, size) == 0);
	*port = ntohs(a.sin_port);
	return fd;
}

/* Answers the one request that comes. */
static void answer_one(int listener)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
	char request[4096];
	int fd = accept(listener, NULL, NULL);

	ck_assert(fd >= 0 && read(fd, request, sizeof request) > 0 &&
	    write(fd, answer, sizeof answer - 1) == sizeof answer - 1);
	close(fd);
}

/* The connection is there when the process wakes, though the time for it is over. */
START_TEST(a_connection_that_came_in_a_sleep_is_used)
{
	struct harness *h = harness_new(NULL);
	int port, filler, listener = listen_full(&port, &filler);
	char url[64];

	snprintf(url, sizeof url, "http://127.0.0.1:%d", port);
	harness_env(h, "CUSTOMERIO_SITE_ID", "sandbox");
	harness_env(h, "CUSTOMERIO_TRACK_API_KEY", "sandbox");
	harness_env(h, "CUSTOMERIO_URL", url);
	harness_write_text(h, "in.ndjson", "");
	struct harness_child *child = HARNESS_START(h, "in.ndjson", "-v", "--timeout=2s");
	unix_nap(400000);
	harness_signal(child, SIGSTOP);
	close(accept(listener, NULL, NULL)); /* now there is room, and it comes by itself */
	unix_nap(2200000);
	harness_signal(child, SIGCONT);
	answer_one(listener);
	const struct harness_run *run = harness_finish(child);
	harness_assert_status(run, 0);
	harness_assert_err_lacks(run, "down");
	harness_free(h);
	close(filler);
	close(listener);
}
END_TEST

/* A request of four seconds that moves all the time does not time out after two. */
START_TEST(what_moves_does_not_time_out)
{
	struct scene s = scene_open(NULL);
	struct relay *r = relay_start(
	    &(struct relay_config){ .target = sandbox_port(s.sandbox), .up = 100000 });
	struct buf input = { .max = SIZE_MAX };
	char url[64];

	ck_assert_ptr_nonnull(r);
	for (int i = 0; i < 200; i++)
		buf_fmt(&input, "{\"id\":%d,\"text\":\"%02000d\"}\n", i, i);
	snprintf(url, sizeof url, "http://127.0.0.1:%d", relay_port(r));
	harness_env(s.harness, "CUSTOMERIO_URL", url);
	harness_stdin(s.harness, input.data, input.len);
	const struct harness_run *run = HARNESS_RUN(s.harness, "-v", "--timeout=2s", "--batch",
	    "--no-limits");
	harness_assert_status(run, 0);
	harness_assert_err_lacks(run, "retry");
	ck_assert_msg(run->seconds > 3 || harness_is_under(), "%f s", run->seconds);
	ck_assert_uint_eq(sandbox_arrivals(s.sandbox), 2);
	buf_free(&input);
	relay_stop(r);
	scene_close(&s);
}
END_TEST

/* A run that is stopped waits for what is in flight, but not for ever. */
START_TEST(a_stopped_run_does_not_wait_for_a_slow_line)
{
	struct scene s = scene_open(NULL);
	struct relay *r = relay_start(
	    &(struct relay_config){ .target = sandbox_port(s.sandbox), .up = 10000 });
	struct buf input = { .max = BUF_UNBOUNDED };
	char url[64];

	ck_assert_ptr_nonnull(r);
	for (int i = 0; i < 400; i++)
		buf_fmt(&input, "{\"id\":%d,\"text\":\"%0990d\"}\n", i, i);
	snprintf(url, sizeof url, "http://127.0.0.1:%d", relay_port(r));
	harness_env(s.harness, "CUSTOMERIO_URL", url);
	harness_write(s.harness, "in.ndjson", input.data, input.len);
	struct harness_child *child = HARNESS_START(s.harness, "in.ndjson", "--timeout=2s",
	    "--batch");
	ck_assert(sandbox_wait(s.sandbox, 2, SOON)); /* the check, and the head of a batch */
	harness_signal(child, SIGINT);
	const struct harness_run *run = harness_finish(child);
	harness_assert_status(run, 130);
	ck_assert_msg(run->seconds < 30, "%f s", run->seconds);
	ck_assert_uint_eq(scene_people_there(&s), 0);
	ck_assert(harness_exists(s.harness, "in.ndjson.cio-state"));
	buf_free(&input);
	relay_stop(r);
	scene_close(&s);
}
END_TEST

/* Somebody who takes the connection, and nothing of the request. */
START_TEST(silence_times_out)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct harness *h = harness_new(NULL);
	char url[64];

	ck_assert(fd >= 0 && bind(fd, (struct sockaddr *)&a, size) == 0 && listen(fd, 64) == 0 &&
	    getsockname(fd, (struct sockaddr *)&a, &size) == 0);
	snprintf(url, sizeof url, "http://127.0.0.1:%d", ntohs(a.sin_port));
	harness_env(h, "CUSTOMERIO_SITE_ID", "sandbox");
	harness_env(h, "CUSTOMERIO_TRACK_API_KEY", "sandbox");
	harness_env(h, "CUSTOMERIO_URL", url);
	harness_stdin_text(h, "{\"id\":1}\n");
	const struct harness_run *run = HARNESS_RUN(h, "--timeout=300ms", "--backoff=10ms",
	    "--give-up-after=1s");
	harness_assert_status(run, 69);
	harness_assert_err_has(run, "nothing moved for 300 ms (--timeout)");
	harness_free(h);
	close(fd);
}
END_TEST

#define ADD_ALL(t, test, rows) tcase_add_loop_test(t, test, 0, (int)(sizeof rows / sizeof *rows))

Suite *answering_suite(void)
{
	Suite *s = suite_create("answering");
	TCase *t = tcase_create("answering");

	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, a_head_that_is_cut_is_no_answer, 0, KINDS);
	tcase_add_loop_test(t, a_head_that_is_too_large_is_said_to_be, 0, KINDS);
	ADD_ALL(t, what_is_compressed_is_read, compressed);
	tcase_add_loop_test(t, a_server_that_compresses_everything_is_understood, 0, KINDS);
	tcase_add_loop_test(t, a_login_page_accepts_nothing, 0, 2 * KINDS);
	tcase_add_loop_test(t, the_check_is_answered_by_the_api, 0, 4);
	tcase_add_loop_test(t, a_firewall_refuses_one_record, 0, KINDS);
	tcase_add_loop_test(t, a_firewall_refuses_the_last_record, 0, KINDS);
	tcase_add_loop_test(t, ten_in_a_row_are_not_the_records, 0, 2);
	tcase_add_test(t, a_batch_is_cut_before_it_counts);
	tcase_add_test(t, the_check_is_the_judge_of_a_403);
	ADD_ALL(t, a_wrong_address_ends_the_run, lost_rows);
	tcase_add_loop_test(t, a_delete_of_nobody_is_accepted, 0, 2);
	ADD_ALL(t, a_redirect_that_is_not_followed_is_told, astray);
	tcase_add_loop_test(t, one_poisonous_record_fails_alone, 0, 3);
	tcase_add_loop_test(t, no_descriptors_end_the_run, 0, 2);
	tcase_add_loop_test(t, a_407_ends_the_run, 0, 2);
	tcase_add_loop_test(t, a_proxy_that_is_not_there_is_named, 0, 2);
	tcase_add_test(t, a_connect_that_fails_is_the_proxys);
	ADD_ALL(t, a_broken_proxy_is_refused_before_the_start, broken_proxies);
	tcase_add_test(t, a_proxy_gets_its_password);
	tcase_add_loop_test(t, what_came_in_a_sleep_is_read, 0, KINDS);
	tcase_add_test(t, a_connection_that_came_in_a_sleep_is_used);
	tcase_add_test(t, what_moves_does_not_time_out);
	tcase_add_test(t, a_stopped_run_does_not_wait_for_a_slow_line);
	tcase_add_test(t, silence_times_out);
	suite_add_tcase(s, t);
	return s;
}
