/*
 * What the built program puts on the wire, byte for byte where that matters, and what it keeps to
 * itself: the credentials. Most is seen by the sandbox; a server of a few lines shows what no
 * library does.
 */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "scene.h"
#include "unix.h"
#include "base/version.h"
#include "base/os.h"
#include "unix.h"

Suite *wire_suite(void);

#define BASIC "Basic c2FuZGJveDpzYW5kYm94" /* sandbox:sandbox */

/* -- a server that keeps every byte, one connection at a time -- */

enum manners {
	KEEPS_ALIVE,
	CLOSES_SILENTLY, /* after each answer, without having said so */
	DIES_ON_SECOND,  /* the second request of a connection is read, and gets no answer */
};

struct tap {
	enum manners manners;
	int listener, port;
	pthread_t thread;
	int stop[2];
	struct buf seen; /* all requests, one after the other */
	unsigned requests, connections;
};

static bool readable(struct tap *t, int fd)
{
	struct pollfd fds[] = { { .fd = fd, .events = POLLIN },
		{ .fd = t->stop[0], .events = POLLIN } };

	return poll(fds, 2, -1) > 0 && !fds[1].revents;
}

/* How long the request at `from` is; 0: not whole yet. */
static size_t whole_length(const struct buf *b, size_t from)
{
	const char *head = b->data + from, *end = os_find(head, b->len - from, "\r\n\r\n", 4);

	if (!end)
		return 0;
	const char *length = os_find(head, (size_t)(end - head), "Content-Length: ", 16);
	size_t whole = (size_t)(end - head) + 4 + (length ? strtoul(length + 16, NULL, 10) : 0);
	return whole <= b->len - from ? whole : 0;
}

/* Reads one request to its end. */
static bool read_request(struct tap *t, int fd)
{
	size_t from = t->seen.len;

	while (readable(t, fd)) {
		ssize_t n = read(fd, buf_room(&t->seen, 65536), 65536);
		if (n <= 0)
			return false;
		t->seen.len += (size_t)n;
		if (whole_length(&t->seen, from)) {
			t->requests++;
			return true;
		}
	}
	return false;
}

static void serve_connection(struct tap *t, int fd)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";

	for (unsigned n = 1; read_request(t, fd); n++) {
		if ((t->manners == DIES_ON_SECOND && n == 2) ||
		    send(fd, answer, sizeof answer - 1, MSG_NOSIGNAL) < 0 ||
		    t->manners == CLOSES_SILENTLY)
			break;
	}
	close(fd);
}

static void *serve(void *arg)
{
	struct tap *t = arg;

	while (readable(t, t->listener)) {
		int fd = accept(t->listener, NULL, NULL);
		if (fd < 0)
			continue;
		t->connections++;
		serve_connection(t, fd);
	}
	return NULL;
}

static void tap_open(struct tap *t, enum manners manners)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof a;

	*t = (struct tap){ .manners = manners, .seen = { .max = BUF_UNBOUNDED } };
	t->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert(t->listener >= 0 && bind(t->listener, (struct sockaddr *)&a, size) == 0 &&
	    listen(t->listener, 64) == 0);
	ck_assert_int_eq(getsockname(t->listener, (struct sockaddr *)&a, &size), 0);
	t->port = ntohs(a.sin_port);
	ck_assert_int_eq(pipe(t->stop), 0);
	ck_assert_int_eq(pthread_create(&t->thread, NULL, serve, t), 0);
}

/* Ends it; `seen` is a text then. */
static void tap_close(struct tap *t)
{
	ck_assert_int_eq(write(t->stop[1], "", 1), 1);
	pthread_join(t->thread, NULL);
	close(t->listener);
	close(t->stop[0]);
	close(t->stop[1]);
	buf_byte(&t->seen, '\0');
}

static struct harness *harness_for(const struct tap *t, const char *path)
{
	struct harness *h = harness_new(NULL);
	char url[64];

	snprintf(url, sizeof url, "http://127.0.0.1:%d%s", t->port, path);
	harness_env(h, "CUSTOMERIO_SITE_ID", "sandbox");
	harness_env(h, "CUSTOMERIO_TRACK_API_KEY", "sandbox");
	harness_env(h, "CUSTOMERIO_URL", url);
	return h;
}

/* -- bytes -- */

#define HEAD(line) \
	line " HTTP/1.1\r\nHost: 127.0.0.1:@\r\nAuthorization: " BASIC \
	     "\r\nUser-Agent: cio-import/" VERSION "\r\nContent-Type: application/json\r\n"
#define CHECK HEAD("GET /api/v1/accounts/region") "\r\n"

/* @ stands for the port. */
static const struct request_row {
	const char *action, *input, *want;
} requests[] = {
	{ "identify", "{\"id\":\"a b\",\"n\":29.990}\n",
	    CHECK HEAD("PUT /api/v1/customers/a%20b") "Content-Length: 12\r\n\r\n{\"n\":29.990}" },
	{ "delete", "{\"id\":\"1\"}\n", CHECK HEAD("DELETE /api/v1/customers/1") "\r\n" },
	{ "suppress", "{\"id\":\"1\"}\n",
	    CHECK HEAD("POST /api/v1/customers/1/suppress") "Content-Length: 0\r\n\r\n" },
	{ "delete-device", "{\"id\":\"1\",\"device_id\":\"d/1\"}\n",
	    CHECK HEAD("DELETE /api/v1/customers/1/devices/d%2F1") "\r\n" },
	{ "track", "{\"id\":\"1\",\"name\":\"x\",\"event_id\":\"e\"}\n",
	    CHECK HEAD("POST /api/v1/customers/1/events") "Content-Length: "
	                                                  "31\r\n\r\n{\"name\":\"x\",\"id\":\"e\","
	                                                  "\"data\":{}}" },
};

/* Content-Length stands where curl puts it: compared without regard to the order of the head's
 * lines. */
static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static char *sorted_lines(const char *text)
{
	char *copy = xstrdup(text), *rest = copy, *lines[64], *line;
	struct buf out = { .max = BUF_UNBOUNDED };
	size_t n = 0;

	while ((line = unix_cut(&rest, "\n")) && n < 64)
		lines[n++] = line;
	qsort(lines, n, sizeof *lines, by_text);
	for (size_t i = 0; i < n; i++)
		buf_fmt(&out, "%s\n", lines[i]);
	buf_byte(&out, '\0');
	free(copy);
	return out.data;
}

START_TEST(a_request_is_these_bytes)
{
	const struct request_row *row = &requests[_i];
	struct buf want = { .max = BUF_UNBOUNDED };
	struct tap t;

	tap_open(&t, KEEPS_ALIVE);
	struct harness *h = harness_for(&t, "");
	harness_stdin_text(h, row->input);
	harness_assert_status(HARNESS_RUN(h, "-a", row->action, "-c1"), 0);
	tap_close(&t);
	for (const char *c = row->want; *c; c++)
		if (*c == '@')
			buf_fmt(&want, "%d", t.port);
		else
			buf_byte(&want, *c);
	buf_byte(&want, '\0');
	char *is = sorted_lines(t.seen.data), *should = sorted_lines(want.data);
	ck_assert_msg(strcmp(is, should) == 0, "%s: it sent\n%s\nand should have sent\n%s",
	    row->action, t.seen.data, want.data);
	free(is);
	free(should);
	buf_free(&want);
	buf_free(&t.seen);
	harness_free(h);
}
END_TEST

START_TEST(a_base_may_have_a_path)
{
	struct tap t;

	tap_open(&t, KEEPS_ALIVE);
	struct harness *h = harness_for(&t, "/behind/a proxy");
	harness_stdin_text(h, "{\"id\":1}\n");
	harness_assert_status(HARNESS_RUN(h, "-c1"), 78); /* that is no address */
	harness_free(h);
	h = harness_for(&t, "/behind/a-proxy");
	harness_stdin_text(h, "{\"id\":1}\n");
	harness_assert_status(HARNESS_RUN(h, "-c1"), 0);
	tap_close(&t);
	ck_assert_msg(strstr(t.seen.data,
	                  "GET /behind/a-proxy/api/v1/accounts/region HTTP/1.1\r\n") &&
	        strstr(t.seen.data, "PUT /behind/a-proxy/api/v1/customers/1 HTTP/1.1\r\n"),
	    "%s", t.seen.data);
	buf_free(&t.seen);
	harness_free(h);
}
END_TEST

/* http_proxy and NO_PROXY, as curl has them. */
START_TEST(a_proxy_is_used_where_the_environment_names_one)
{
	struct tap proxy;
	struct scene s = scene_open(NULL);
	char url[64], target[128];

	tap_open(&proxy, KEEPS_ALIVE);
	snprintf(url, sizeof url, "http://127.0.0.1:%d", proxy.port);
	harness_env(s.harness, "http_proxy", url);
	harness_stdin_text(s.harness, "{\"id\":\"a b\"}\n");
	harness_assert_status(HARNESS_RUN(s.harness, "-c1"), 0);
	ck_assert_uint_eq(sandbox_arrivals(s.sandbox), 0);
	harness_env(s.harness, "NO_PROXY", "127.0.0.1");
	harness_stdin_text(s.harness, "{\"id\":\"a b\"}\n");
	harness_assert_status(HARNESS_RUN(s.harness, "-c1"), 0);
	tap_close(&proxy);
	ck_assert_uint_eq(sandbox_arrivals(s.sandbox), 2);
	ck_assert_str_eq(sandbox_arrival(s.sandbox, 1).path, "/api/v1/customers/a%20b");
	ck_assert_uint_eq(proxy.requests, 2);
	snprintf(target, sizeof target, "PUT %s/api/v1/customers/a%%20b HTTP/1.1\r\n",
	    sandbox_url(s.sandbox));
	ck_assert_msg(strstr(proxy.seen.data, target) != NULL, "no \"%s\" in\n%s", target,
	    proxy.seen.data);
	buf_free(&proxy.seen);
	scene_close(&s);
}
END_TEST

/* -- headers and connections, over a whole run -- */

START_TEST(headers_are_right_and_connections_kept)
{
	struct scene s = scene_open(&(struct sandbox_config){ .latency_ms = 2 });
	char *big = xmalloc(2000001);

	memset(big, 'x', 2000000);
	big[2000000] = '\0';
	struct buf input = { .max = BUF_UNBOUNDED };
	for (int i = 0; i < 200; i++)
		buf_fmt(&input, "{\"id\":%d,\"text\":\"%s\"}\n", i, i == 150 ? big : "");
	sandbox_add_rule(s.sandbox,
	    &(struct sandbox_rule){ .person = "7",
	        .times = 2,
	        .fault = { .act = SANDBOX_STATUS, .status = 503 } });
	harness_stdin(s.harness, input.data, input.len);
	harness_assert_status(HARNESS_RUN(s.harness, "--rate=unlimited", "--backoff=1ms",
	                          "--no-limits", "-c4"),
	    0);
	ck_assert_uint_eq(sandbox_arrivals(s.sandbox), 203);
	unsigned retries = 0;
	for (size_t i = 0; i < 203; i++) {
		struct sandbox_arrival a = sandbox_arrival(s.sandbox, i);
		ck_assert_str_eq(a.authorization, BASIC);
		ck_assert_str_eq(a.user_agent, "cio-import/" VERSION);
		ck_assert_str_eq(a.content_type, "application/json");
		ck_assert_ptr_null(a.expect);
		if (strcmp(a.path, "/api/v1/customers/7") != 0) {
			ck_assert_ptr_null(a.retry_count);
			continue;
		}
		char count[8];
		snprintf(count, sizeof count, "%u", retries);
		ck_assert_msg(retries ? a.retry_count && strcmp(a.retry_count, count) == 0 :
		                        !a.retry_count,
		    "try %u says %s", retries, a.retry_count ? a.retry_count : "nothing");
		retries++;
	}
	ck_assert_uint_eq(retries, 3);
	ck_assert_uint_le(sandbox_counters(s.sandbox).connections, 4);
	ck_assert_uint_le(sandbox_counters(s.sandbox).most_in_progress, 4);
	free(big);
	buf_free(&input);
	scene_close(&s);
}
END_TEST

/* What curl would try again by itself, on a kept-alive connection that is dead, it does not: each
 * request that the server sees is one that was counted, and took a token. */
static const struct dead_row {
	enum manners manners;
	unsigned seen, retries;
} dead[] = {
	{ KEEPS_ALIVE, 7, 0 },
	{ CLOSES_SILENTLY, 7, 0 },
	/* each of the six records is second on some connection, and first on the next */
	{ DIES_ON_SECOND, 13, 6 },
};

START_TEST(no_attempt_is_hidden)
{
	const struct dead_row *row = &dead[_i];
	struct scene s = { 0 };
	struct tap t;

	tap_open(&t, row->manners);
	s.harness = harness_for(&t, "");
	scene_write_people(&s, "in.csv", 6);
	harness_assert_status(HARNESS_RUN(s.harness, "in.csv", "-c1", "--rate=20", "--backoff=1ms",
	                          "--summary=summary.json"),
	    0);
	tap_close(&t);
	ck_assert_int_eq(scene_summary(&s, "requests"), t.requests);
	ck_assert_int_eq(scene_summary(&s, "retries"),
	    (int64_t)harness_count_lines(t.seen.data, "X-Retry-Count"));
	if (row->manners == DIES_ON_SECOND)
		ck_assert_uint_ge(t.requests, row->seen - 1);
	else
		ck_assert_uint_eq(t.requests, row->seen);
	ck_assert_int_eq(scene_summary(&s, "accepted"), 6);
	if (row->manners == KEEPS_ALIVE)
		ck_assert_uint_eq(t.connections, 1);
	buf_free(&t.seen);
	harness_free(s.harness);
}
END_TEST

/* Resets of kept-alive connections, by the sandbox. */
START_TEST(a_reset_costs_one_counted_attempt)
{
	struct scene s = scene_open(NULL);
	int rule = sandbox_add_rule(s.sandbox,
	    &(struct sandbox_rule){ .method = "PUT",
	        .passes = 20,
	        .times = 5,
	        .fault = { .act = SANDBOX_RESET } });

	scene_write_people(&s, "in.csv", 60);
	harness_assert_status(HARNESS_RUN(s.harness, "in.csv", "-c1", "--rate=unlimited",
	                          "--backoff=1ms", "--summary=summary.json"),
	    0);
	ck_assert_uint_eq(sandbox_rule_hits(s.sandbox, rule), 5);
	ck_assert_int_eq(scene_summary(&s, "requests"), 66);
	ck_assert_uint_eq(sandbox_arrivals(s.sandbox), 66);
	/* curl may open one for the try that it is denied */
	ck_assert_uint_le(sandbox_counters(s.sandbox).connections, 7);
	scene_close(&s);
}
END_TEST

static char *read_proc(const struct harness_child *child, const char *name)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/%s", (int)harness_pid(child), name);
	FILE *f = fopen(path, "re");
	ck_assert_msg(f != NULL, "%s: %s", path, strerror(errno));
	char *text = xcalloc(1, 65536);
	size_t n = fread(text, 1, 65535, f);
	fclose(f);
	for (size_t i = 0; i < n; i++)
		if (text[i] == '\0')
			text[i] = ' ';
	return text;
}

/* -- hostile answers -- */

/* Of the program itself: max_rss_kib counts what the test held when it forked, too. */
static long most_resident_kib(const struct harness_child *child)
{
	char *status = read_proc(child, "status");
	const char *line = strstr(status, "VmHWM:");
	long kib = line ? strtol(line + strlen("VmHWM:"), NULL, 10) : 0;

	ck_assert_int_gt(kib, 0);
	free(status);
	return kib;
}

/* Far more than is kept: the reason is cut, memory is not filled, and the connection goes on. */
START_TEST(a_huge_answer_is_bounded)
{
	static const int statuses[] = { 200, 400, 503 };
	int status = statuses[_i];
	size_t size = 12u << 20;
	struct scene s = scene_open(NULL);
	char *body = xmalloc(size + 1);

	memset(body, 'y', size);
	memcpy(body, "{\"meta\":{\"errors\":[\"no", 22);
	body[size] = '\0';
	sandbox_add_rule(s.sandbox,
	    &(struct sandbox_rule){ .person = "p1",
	        .fault = { .act = SANDBOX_STATUS, .status = status, .body = body } });
	sandbox_add_rule(s.sandbox,
	    &(struct sandbox_rule){ .person = "p3",
	        .fault = { .act = SANDBOX_PASS, .delay_ms = 300 } });
	scene_write_people(&s, "in.csv", 3);
	struct harness_child *child = HARNESS_START(s.harness, "in.csv", "--rate=unlimited",
	    "--backoff=1ms", "-c1");
	ck_assert(sandbox_wait(s.sandbox, status == 503 ? 5 : 4, SOON));
	long kib = most_resident_kib(child);
	const struct harness_run *run = harness_finish(child);
	harness_assert_status(run, status == 400);
	ck_assert_uint_lt(run->err_len, 4000);
	if (!scene_is_instrumented())
		ck_assert_msg(kib < 16 * 1024, "%ld KiB resident", kib);
	ck_assert_uint_eq(scene_people_there(&s), status == 503 ? 3 : 2);
	free(body);
	scene_close(&s);
}
END_TEST

/* -- secrets -- */

#define SITE "site-51te"
#define KEY "k3y-of-the-workspace"
#define BOTH "c2l0ZS01MXRlOmszeS1vZi10aGUtd29ya3NwYWNl" /* base64 of SITE:KEY */

static void break_things(struct scene *s)
{
	sandbox_add_rule(s->sandbox,
	    &(struct sandbox_rule){ .person = "p2",
	        .times = -1,
	        .fault = { .act = SANDBOX_STATUS, .status = 400 } });
	sandbox_add_rule(s->sandbox,
	    &(struct sandbox_rule){ .person = "p3",
	        .times = -1,
	        .fault = { .act = SANDBOX_STATUS, .status = 503 } });
	sandbox_add_rule(s->sandbox,
	    &(struct sandbox_rule){ .person = "p4", .fault = { .act = SANDBOX_RESET } });
	sandbox_add_rule(s->sandbox,
	    &(struct sandbox_rule){ .person = "p5",
	        .fault = { .act = SANDBOX_STATUS,
	            .status = 302,
	            .headers = "Location: https://evil.example.com/" } });
	sandbox_add_rule(s->sandbox,
	    &(struct sandbox_rule){ .person = "p30",
	        .times = -1,
	        .fault = { .act = SANDBOX_STATUS, .status = 401 } });
}

/* So that there is a limit to be lowered; where it is 0 for good there is none. */
static void allow_cores(void)
{
	struct rlimit most;

	if (setrlimit(RLIMIT_CORE, &(struct rlimit){ RLIM_INFINITY, RLIM_INFINITY }) != 0 &&
	    getrlimit(RLIMIT_CORE, &most) == 0) {
		most.rlim_cur = most.rlim_max;
		setrlimit(RLIMIT_CORE, &most);
	}
}

START_TEST(secrets_are_kept)
{
	static const char *const secrets[] = { KEY, BOTH };

	allow_cores();
	struct scene s = scene_open(
	    &(struct sandbox_config){ .site_id = SITE, .api_key = KEY, .latency_ms = 20 });

	harness_env(s.harness, "CUSTOMERIO_SITE_ID", SITE);
	harness_env(s.harness, "CUSTOMERIO_TRACK_API_KEY", KEY);
	break_things(&s);
	scene_write_people(&s, "in.csv", 40);
	struct harness_child *child = HARNESS_START(s.harness, "in.csv", "-v", "-c1",
	    "--backoff=1ms", "--results=results.ndjson", "--summary=summary.json",
	    "--metrics=metrics.prom");
	ck_assert(sandbox_wait(s.sandbox, 3, SOON));
	char *cmdline = read_proc(child, "cmdline"), *limits = read_proc(child, "limits");
	const struct harness_run *run = harness_finish(child);
	harness_assert_status(run, 77);
	ck_assert(sandbox_arrival(s.sandbox, 1).authorized);
	ck_assert_msg(harness_exists(s.harness, "in.csv.cio-state") &&
	        harness_exists(s.harness, "in.rejected.csv"),
	    "%s", harness_show(run));
	for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++) {
		ck_assert_msg(!strstr(cmdline, secrets[i]), "%s", cmdline);
		harness_assert_err_lacks(run, secrets[i]);
		ck_assert(!harness_has(run->out, secrets[i]));
		ck_assert_uint_eq(scene_files_with(&s, secrets[i]), 0);
	}
	ck_assert_uint_gt(scene_files_with(&s, "p2"), 1);
	const char *core = strstr(limits, "Max core file size");
	ck_assert_ptr_nonnull(core);
	core += strlen("Max core file size");
	ck_assert_msg(core[strspn(core, " ")] == '0', "core files may have%.40s bytes", core);
	free(cmdline);
	free(limits);
	scene_close(&s);
}
END_TEST

/* -- TLS: an openssl s_server with a certificate of its own -- */

#define TLS_CONFIG \
	"openssl_conf = all\n[all]\nssl_conf = ssl\n[ssl]\nsystem_default = old\n" \
	"[old]\nMinProtocol = TLSv1\nCipherString = DEFAULT@SECLEVEL=0\n"

static void make_certificate(struct harness *h, const char *host, const char *name)
{
	char command[512];

	snprintf(command, sizeof command,
	    "cd '%s' && openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=%s "
	    "-addext subjectAltName=%s -keyout %s.key -out %s.pem 2>/dev/null",
	    harness_dir(h), "test", host, name, name);
	ck_assert_int_eq(system(command), 0);
}

/* Its port, once it listens. */
static int start_tls(struct harness *h, const char *name, const char *version,
    struct harness_child **child)
{
	char cert[64], key[64];
	int port = 0;

	snprintf(cert, sizeof cert, "%s.pem", name);
	snprintf(key, sizeof key, "%s.key", name);
	harness_program(h, "/usr/bin/env");
	*child = HARNESS_START(h, "openssl", "s_server", "-accept", "127.0.0.1:0", "-WWW", "-cert",
	    cert, "-key", key, version);
	for (int64_t until = clock_now() + 20000000; !port && clock_now() < until;) {
		const char *said = strstr(harness_peek(*child)->out, "ACCEPT 127.0.0.1:");
		if (said && strchr(said, '\n'))
			port = atoi(said + strlen("ACCEPT 127.0.0.1:"));
	}
	ck_assert_msg(port > 0, "openssl s_server did not start%s",
	    harness_show(harness_peek(*child)));
	harness_program(h, "cio-import");
	return port;
}

static const struct tls_row {
	const char *what, *host, *version;
	bool trusted;
	int status;
	const char *said;
} tls_rows[] = {
	{ "trusted by SSL_CERT_FILE", "IP:127.0.0.1", "-tls1_2", true, 0, "" },
	{ "the newest", "IP:127.0.0.1", "-tls1_3", true, 0, "" },
	{ "trusted by nobody", "IP:127.0.0.1", "-tls1_2", false, 69, "certificate" },
	{ "for another host", "DNS:elsewhere.example", "-tls1_2", true, 69, "certificate" },
	{ "too old", "IP:127.0.0.1", "-tls1_1", true, 69, "protocol" },
};

/* What s_server -WWW answers to the credentials check: a file of that name. */
static void make_answer(struct harness *h)
{
	char command[256];

	snprintf(command, sizeof command,
	    "cd '%s' && mkdir -p api/v1/accounts && echo '{}' >api/v1/accounts/region",
	    harness_dir(h));
	ck_assert_int_eq(system(command), 0);
}

/* An empty input: the credentials check alone, and s_server answers a GET. */
START_TEST(tls_is_verified)
{
	const struct tls_row *row = &tls_rows[_i];
	struct harness *h = harness_new(NULL);
	struct harness_child *server;
	char url[64];

	ck_assert_msg(system("command -v openssl >/dev/null") == 0,
	    "openssl is not here, and without it nothing shows that TLS is verified: make deps");
	make_certificate(h, row->host, "server");
	make_answer(h);
	/* so that only the program itself refuses the old */
	harness_write_text(h, "old.cnf", TLS_CONFIG);
	harness_env(h, "OPENSSL_CONF", harness_path(h, "old.cnf"));
	int port = start_tls(h, "server", row->version, &server);
	snprintf(url, sizeof url, "https://127.0.0.1:%d", port);
	harness_env(h, "CUSTOMERIO_SITE_ID", "sandbox");
	harness_env(h, "CUSTOMERIO_TRACK_API_KEY", "sandbox");
	harness_env(h, "SSL_CERT_FILE", row->trusted ? harness_path(h, "server.pem") : NULL);
	harness_write_text(h, "in.ndjson", "");
	const struct harness_run *run = HARNESS_RUN(h, "in.ndjson", "--url", url,
	    "--give-up-after=300ms", "--backoff=50ms");
	harness_assert_status(run, row->status);
	harness_assert_err_has(run, row->said);
	harness_signal(server, SIGKILL);
	harness_free(h);
}
END_TEST

/* What came of a handshake while the process slept is read, though the time for connecting is
 * over. */
START_TEST(a_handshake_that_was_slept_through_goes_on)
{
	struct harness *h = harness_new(NULL);
	struct harness_child *server;
	char url[64];

	make_certificate(h, "IP:127.0.0.1", "server");
	make_answer(h);
	int port = start_tls(h, "server", _i ? "-tls1_3" : "-tls1_2", &server);
	snprintf(url, sizeof url, "https://127.0.0.1:%d", port);
	harness_env(h, "CUSTOMERIO_SITE_ID", "sandbox");
	harness_env(h, "CUSTOMERIO_TRACK_API_KEY", "sandbox");
	harness_env(h, "SSL_CERT_FILE", harness_path(h, "server.pem"));
	harness_write_text(h, "in.ndjson", "");
	harness_signal(server, SIGSTOP);
	struct harness_child *child = HARNESS_START(h, "in.ndjson", "-v", "--timeout=2s", "--url",
	    url);
	unix_nap(400000);
	harness_signal(child, SIGSTOP);
	harness_signal(server, SIGCONT);
	unix_nap(2200000);
	harness_signal(child, SIGCONT);
	const struct harness_run *run = harness_finish(child);
	harness_assert_status(run, 0);
	harness_assert_err_lacks(run, "down");
	harness_signal(server, SIGKILL);
	harness_free(h);
}
END_TEST

#define ADD_ALL(t, test, rows) tcase_add_loop_test(t, test, 0, (int)(sizeof rows / sizeof *rows))

Suite *wire_suite(void)
{
	Suite *s = suite_create("wire");
	TCase *t = tcase_create("wire");

	tcase_set_timeout(t, 120);
	ADD_ALL(t, a_request_is_these_bytes, requests);
	tcase_add_test(t, a_base_may_have_a_path);
	tcase_add_test(t, a_proxy_is_used_where_the_environment_names_one);
	tcase_add_test(t, headers_are_right_and_connections_kept);
	ADD_ALL(t, no_attempt_is_hidden, dead);
	tcase_add_test(t, a_reset_costs_one_counted_attempt);
	tcase_add_loop_test(t, a_huge_answer_is_bounded, 0, 3);
	tcase_add_test(t, secrets_are_kept);
	ADD_ALL(t, tls_is_verified, tls_rows);
	tcase_add_loop_test(t, a_handshake_that_was_slept_through_goes_on, 0, 2);
	suite_add_tcase(s, t);
	return s;
}
