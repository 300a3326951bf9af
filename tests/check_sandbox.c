/* The sandbox behaves as the Track API is documented to. */
#include "sandbox.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "client.h"
#include "unix.h"

Suite *sandbox_suite(void);

static int put(struct sandbox *s, const char *person, const char *attributes)
{
	char path[256];

	snprintf(path, sizeof path, "/api/v1/customers/%s", person);
	return client_status(s, "PUT", path, attributes);
}

static struct sandbox *start(const struct sandbox_config *c)
{
	struct sandbox *s = sandbox_start(c);

	ck_assert_ptr_nonnull(s);
	return s;
}

static struct sandbox *start_plain(void)
{
	return start(&(struct sandbox_config){ 0 });
}

/* --- calls and answers --- */

#define C "/api/v1/customers/"
#define ENTITY "/api/v2/entity"
#define BATCH "/api/v2/batch"
#define P7 "\"type\":\"person\",\"identifiers\":{\"id\":\"7\"}"

static const struct {
	const char *method, *path, *body;
	int status;
	const char *answer;
} calls[] = {
	{ "GET", "/api/v1/accounts/region", NULL, 200, "\"region\":\"us\",\"environment_id\":1}" },
	{ "PUT", C "7", "{\"a\":1}", 200, "{}" },
	{ "PUT", C "7", "{\"a\":12345678901234567890123}", 200, "{}" },
	{ "PUT", C "7", "{\"a\":\"\\u0000\"}", 200, "{}" },
	{ "PUT", C "7", "{\"a\":1", 400, "{\"meta\":{\"errors\":[\"malformed json\"]}}" },
	{ "PUT", C "7", "{\"a\":1e999}", 400, "malformed json" },
	{ "PUT", C "7", "", 400, "malformed json" },
	{ "PUT", C "7", NULL, 400, "malformed json" },
	{ "PUT", C "7", "[1]", 400, "body is not an object" },
	{ "PUT", C "7", "{\"email\":\"nobody\"}", 400,
	    "{\"meta\":{\"errors\":[\"email is not a valid address\"]}}" },
	{ "PUT", C "7", "{\"email\":\"@b.com\"}", 400, "email is not a valid address" },
	{ "PUT", C "7", "{\"email\":\"a@b@c\"}", 400, "email is not a valid address" },
	{ "PUT", C "7", "{\"email\":\"a b@c.com\"}", 400, "email is not a valid address" },
	{ "PUT", C "7", "{\"email\":\"a@\"}", 400, "email is not a valid address" },
	{ "PUT", C "7", "{\"email\":\"\"}", 200, "{}" },
	{ "PUT", C "7", "{\"email\":\"a@b.com\"}", 200, "{}" },
	{ "PUT", C, "{}", 404, "not found" },
	{ "GET", C "7", NULL, 405, "method not allowed" },
	{ "GET", "/", NULL, 404, "not found" },
	{ "DELETE", C "7", NULL, 200, "{}" },
	{ "POST", C "7/events", "{\"name\":\"x\",\"data\":{}}", 200, "{}" },
	{ "POST", C "7/events", "{\"data\":{}}", 400,
	    "{\"meta\":{\"errors\":[\"name is required\"]}}" },
	{ "POST", C "7/events", "{\"name\":\"\"}", 400, "name is required" },
	{ "POST", C "7/events", "{\"name\":\"x\",\"data\":[]}", 400, "data is not an object" },
	{ "POST", C "7/events", "{\"name\":\"x\",\"id\":5}", 400, "id is not a text" },
	{ "POST", "/api/v1/events", "{\"name\":\"x\",\"anonymous_id\":\"z\"}", 200, "{}" },
	{ "POST", "/api/v1/events", "{\"anonymous_id\":\"z\"}", 400, "name is required" },
	{ "POST", C "7/suppress", NULL, 200, "{}" },
	{ "POST", C "7/unsuppress", NULL, 200, "{}" },
	{ "POST", C "7/elsewhere", NULL, 404, "not found" },
	{ "PUT", C "7/devices", "{\"device\":{\"id\":\"d\",\"platform\":\"ios\"}}", 200, "{}" },
	{ "PUT", C "7/devices", "{\"device\":{\"platform\":\"ios\"}}", 400,
	    "device.id is required" },
	{ "PUT", C "7/devices", "{\"device\":{\"id\":\"d\"}}", 400, "device.platform is required" },
	{ "DELETE", C "7/devices/d", NULL, 200, "{}" },
	{ "POST", "/api/v1/merge_customers",
	    "{\"primary\":{\"id\":\"7\"},\"secondary\":{\"email\":\"a@b.com\"}}", 200, "{}" },
	{ "POST", "/api/v1/merge_customers", "{\"primary\":{\"id\":\"7\"}}", 400,
	    "{\"meta\":{\"error\":\"secondary customer identifier is required\"}}" },
	{ "POST", "/api/v1/merge_customers", "{\"secondary\":{\"id\":\"7\"}}", 400,
	    "primary customer identifier" },
	{ "POST", ENTITY, "{" P7 ",\"action\":\"identify\",\"attributes\":{}}", 200, "{}" },
	{ "POST", ENTITY, "{\"type\":\"person\",\"identifiers\":{\"id\":7},\"action\":\"delete\"}",
	    200, "{}" },
	{ "POST", ENTITY, "{" P7 "}", 400,
	    "{\"errors\":[{\"reason\":\"required\",\"field\":\"action\"," },
	{ "POST", ENTITY, "{" P7 ",\"action\":\"jump\"}", 400, "action is not known" },
	{ "POST", ENTITY, "{" P7 ",\"action\":\"event\"}", 400, "name is required" },
	{ "POST", ENTITY, "{" P7 ",\"action\":\"page\",\"name\":\"/\"}", 200, "{}" },
	{ "POST", ENTITY, "{" P7 ",\"action\":\"add_device\",\"device\":{\"id\":\"d\"}}", 400,
	    "device.id is required" },
	{ "POST", ENTITY, "{" P7 ",\"action\":\"add_device\",\"device\":{\"token\":\"d\"}}", 200,
	    "{}" },
	{ "POST", ENTITY, "{" P7 ",\"action\":\"identify\",\"attributes\":7}", 400,
	    "attributes is not an object" },
	{ "POST", ENTITY, "{\"type\":\"person\",\"identifiers\":{},\"action\":\"delete\"}", 400,
	    "identifiers must name" },
	{ "POST", ENTITY,
	    "{\"type\":\"person\",\"identifiers\":{\"email\":\"x\"},\"action\":\"delete\"}", 400,
	    "valid address" },
	{ "POST", ENTITY, "{\"type\":\"robot\",\"action\":\"identify\"}", 400, "type must be" },
	{ "POST", ENTITY,
	    "{\"type\":\"object\",\"identifiers\":{\"object_type_id\":\"1\"},\"action\":"
	    "\"identify\"}",
	    400, "object_id" },
	{ "POST", ENTITY,
	    "{\"type\":\"delivery\",\"identifiers\":{\"id\":\"x\"},\"action\":\"event\",\"name\":"
	    "\"opened\"}",
	    200, "{}" },
	{ "POST", BATCH, "{\"batch\":[]}", 400,
	    "{\"errors\":[{\"reason\":\"invalid\",\"field\":\"batch\"" },
	{ "POST", BATCH, "{\"batch\":{}}", 400, "batch must be an array" },
	{ "POST", BATCH, "[]", 400, "body is not an object" },
	{ "POST", BATCH, "{\"batch\":[{}", 400, "malformed json" },
	{ "POST", BATCH, "{\"batch\":[{" P7 ",\"action\":\"delete\"}]}", 200, "{}" },
	{ "POST", BATCH,
	    "{\"batch\":[{" P7 ",\"action\":\"delete\"},5,{" P7 ",\"action\":\"delete\"},{}]}", 207,
	    "{\"errors\":[{\"batch_index\":1,\"reason\":\"invalid\",\"field\":\"\",\"message\":"
	    "\"operation is not an object\"},"
	    "{\"batch_index\":3,\"reason\":\"required\",\"field\":\"action\",\"message\":\"action "
	    "is required\"}]}" },
};

START_TEST(answers_as_the_api_does)
{
	struct sandbox *s = start(&(struct sandbox_config){ .strict_emails = true });
	struct client_answer a = client_call(s, calls[_i].method, calls[_i].path, calls[_i].body);

	ck_assert_int_eq(a.end, CLIENT_WHOLE);
	ck_assert_msg(a.status == calls[_i].status, "%s: %d %s", calls[_i].path, a.status, a.body);
	ck_assert_msg(strstr(a.body, calls[_i].answer), "%s: %s", calls[_i].path, a.body);
	ck_assert_int_eq(sandbox_arrival(s, 0).processed, a.status < 300);
	sandbox_stop(s);
}
END_TEST

START_TEST(lenient_about_emails_unless_told)
{
	struct sandbox *s = start_plain();

	ck_assert_int_eq(put(s, "1", "{\"email\":\"nobody\"}"), 200);
	sandbox_stop(s);
}
END_TEST

/* --- the memory --- */

START_TEST(attributes_are_merged)
{
	struct sandbox *s = start_plain();

	ck_assert_ptr_null(sandbox_person(s, "7"));
	put(s, "7", "{\"a\":1,\"b\":\"x\",\"c\":[1],\"_update\":false}");
	put(s, "7", "{\"a\":2.50,\"b\":\"\",\"c\":null,\"d\":{\"e\":\"\"}}");
	client_assert_json(sandbox_person(s, "7"), "{\"a\":2.5,\"d\":{\"e\":\"\"}}");
	char *body = sandbox_body(s, "7", NULL);
	ck_assert_str_eq(body, "{\"a\":2.50,\"b\":\"\",\"c\":null,\"d\":{\"e\":\"\"}}");
	free(body);
	client_assert_json(sandbox_history(s, "7"),
	    "[{\"action\":\"identify\",\"attributes\":{\"a\":1,\"b\":\"x\",\"c\":[1],\"_update\":"
	    "false}},"
	    "{\"action\":\"identify\",\"attributes\":{\"a\":2.5,\"b\":\"\",\"c\":null,\"d\":{\"e\":"
	    "\"\"}}}]");
	client_assert_json(sandbox_history(s, "8"), "[]");
	sandbox_stop(s);
}
END_TEST

START_TEST(update_never_creates)
{
	struct sandbox *s = start_plain();

	ck_assert_int_eq(put(s, "7", "{\"_update\":true,\"a\":1}"), 200);
	ck_assert_ptr_null(sandbox_person(s, "7"));
	put(s, "7", "{\"b\":2}");
	put(s, "7", "{\"_update\":true,\"a\":1}");
	client_assert_json(sandbox_person(s, "7"), "{\"a\":1,\"b\":2}");
	ck_assert_uint_eq(sandbox_counters(s).people, 1);
	sandbox_stop(s);
}
END_TEST

static const struct {
	const char *path, *key;
} spellings[] = {
	{ "42", "42" },
	{ "a%2Fb%20c%25", "a/b c%" },
	{ "%C3%A9t%c3%a9", "\xc3\xa9t\xc3\xa9" },
	{ "Ann%40Example.COM", "ann@example.com" },
	{ "Ann", "Ann" },
	{ "cio_03000001", "cio_03000001" },
	{ "100%", "100%" },
	{ "%zz%4", "%zz%4" },
	{ "a+b", "a+b" },
};

START_TEST(people_are_known_by_decoded_identifier)
{
	struct sandbox *s = start_plain();

	ck_assert_int_eq(put(s, spellings[_i].path, "{\"a\":1}"), 200);
	json_t *people = sandbox_people(s);
	ck_assert_uint_eq(json_object_size(people), 1);
	client_assert_json(json_incref(json_object_get(people, spellings[_i].key)), "{\"a\":1}");
	json_decref(people);
	ck_assert_str_eq(sandbox_arrival(s, 0).path + strlen(C), spellings[_i].path);
	sandbox_stop(s);
}
END_TEST

START_TEST(delete_suppress_and_unsuppress)
{
	struct sandbox *s = start_plain();

	put(s, "7", "{\"a\":1}");
	client_status(s, "DELETE", C "7", NULL);
	ck_assert_ptr_null(sandbox_person(s, "7"));
	put(s, "7", "{\"b\":1}");
	client_assert_json(sandbox_person(s, "7"), "{\"b\":1}");
	client_status(s, "POST", C "7/suppress", NULL);
	ck_assert(sandbox_suppressed(s, "7"));
	put(s, "7", "{\"c\":1}");
	client_status(s, "POST", C "7/events", "{\"name\":\"x\"}");
	ck_assert_ptr_null(sandbox_person(s, "7"));
	client_assert_json(sandbox_events(s), "[]");
	ck_assert_uint_eq(sandbox_counters(s).suppressed, 1);
	client_status(s, "POST", C "7/unsuppress", NULL);
	put(s, "7", "{\"d\":1}");
	client_assert_json(sandbox_person(s, "7"), "{\"d\":1}");
	ck_assert_uint_eq(sandbox_counters(s).suppressed, 0);
	ck_assert_uint_eq(sandbox_counters(s).people, 1);
	sandbox_stop(s);
}
END_TEST

START_TEST(events_are_kept_once_by_id)
{
	struct sandbox *s = start_plain();
	const char *event = "{\"name\":\"buy\",\"id\":\"01\",\"timestamp\":5,\"data\":{\"n\":1}}";

	client_status(s, "POST", C "7/events", event);
	client_status(s, "POST", C "7/events", event);
	client_status(s, "POST", C "7/events", "{\"name\":\"/x\",\"type\":\"page\"}");
	client_status(s, "POST", "/api/v1/events", "{\"name\":\"buy\",\"anonymous_id\":\"z\"}");
	client_status(s, "POST", ENTITY,
	    "{" P7 ",\"action\":\"event\",\"name\":\"v2\",\"id\":\"02\",\"attributes\":{\"n\":2}}");
	client_assert_json(sandbox_events(s),
	    "[{\"type\":\"event\",\"name\":\"buy\",\"id\":\"01\",\"timestamp\":5,\"data\":{\"n\":1}"
	    ",\"person\":\"7\"},"
	    "{\"type\":\"page\",\"name\":\"/x\",\"person\":\"7\"},"
	    "{\"type\":\"event\",\"name\":\"buy\",\"anonymous_id\":\"z\"},"
	    "{\"type\":\"event\",\"name\":\"v2\",\"id\":\"02\",\"data\":{\"n\":2},\"person\":\"7\","
	    "\"action\":\"event\",\"identifiers\":{\"id\":\"7\"}}]");
	ck_assert_uint_eq(sandbox_event_times(s, "01"), 2);
	ck_assert_uint_eq(sandbox_event_times(s, "03"), 0);
	ck_assert_uint_eq(sandbox_counters(s).duplicates, 1);
	ck_assert_uint_eq(sandbox_counters(s).events, 4);
	sandbox_stop(s);
}
END_TEST

START_TEST(merges_and_devices)
{
	struct sandbox *s = start_plain();
	const char *merge = "{\"primary\":{\"id\":\"7\"},\"secondary\":{\"email\":\"A@b.com\"}}";

	put(s, "7", "{\"a\":1}");
	/* nobody to merge yet */
	ck_assert_int_eq(client_status(s, "POST", "/api/v1/merge_customers", merge), 200);
	client_assert_json(sandbox_person(s, "7"), "{\"a\":1}");
	put(s, "a%40b.com", "{\"a\":2,\"b\":2}");
	client_status(s, "PUT", C "a%40b.com/devices",
	    "{\"device\":{\"id\":\"d/1\",\"platform\":\"ios\"}}");
	client_status(s, "POST", "/api/v1/merge_customers", merge);
	client_assert_json(sandbox_person(s, "7"), "{\"a\":1,\"b\":2}");
	ck_assert_ptr_null(sandbox_person(s, "a@b.com"));
	client_assert_json(sandbox_devices(s, "7"),
	    "{\"d/1\":{\"id\":\"d/1\",\"platform\":\"ios\"}}");
	client_status(s, "DELETE", C "7/devices/d%2F1", NULL);
	client_assert_json(sandbox_devices(s, "7"), "{}");
	ck_assert_uint_eq(sandbox_counters(s).merges, 1);
	sandbox_stop(s);
}
END_TEST

START_TEST(a_batch_does_each_operation)
{
	struct sandbox *s = start_plain();
	const char *batch =
	    " { \"batch\" : [ {\"type\":\"person\", "
	    "\"identifiers\":{\"id\":\"1\"},\"action\":\"identify\","
	    "\"attributes\":{\"t\":\"]},{\\\"\\\\\",\"n\":[1,{\"m\":2}]}} ,\n{\"type\":\"robot\"},"
	    "{\"type\":\"person\",\"identifiers\":{\"cio_id\":\"x9\"},\"action\":\"identify\","
	    "\"attributes\":{\"n\":2}},"
	    "{\"type\":\"person\",\"identifiers\":{\"phone\":\"+1555\"},\"action\":\"identify\","
	    "\"attributes\":{\"n\":3}},"
	    "{\"type\":\"object\",\"identifiers\":{\"object_type_id\":\"1\",\"object_id\":\"acme\"}"
	    ",\"action\":\"identify\","
	    "\"attributes\":{\"n\":4}}\t]}";

	ck_assert_int_eq(client_status(s, "POST", BATCH, batch), 207);
	client_assert_json(sandbox_people(s),
	    "{\"1\":{\"t\":\"]},{\\\"\\\\\",\"n\":[1,{\"m\":2}]},\"cio_x9\":{\"n\":2},\"+1555\":{"
	    "\"n\":3}}");
	client_assert_json(sandbox_object(s, "1", "acme"), "{\"n\":4}");
	ck_assert_ptr_null(sandbox_object(s, "1", "other"));
	char *body = sandbox_body(s, "1", NULL);
	ck_assert_str_eq(body,
	    "{\"type\":\"person\", \"identifiers\":{\"id\":\"1\"},\"action\":\"identify\","
	    "\"attributes\":{\"t\":\"]},{\\\"\\\\\",\"n\":[1,{\"m\":2}]}}");
	free(body);
	ck_assert_uint_eq(sandbox_counters(s).operations, 4);
	ck_assert_uint_eq(sandbox_arrival(s, 0).people, 4); /* an object among them */
	sandbox_stop(s);
}
END_TEST

/* A batch of `len` bytes, made of one operation of `op_len` bytes and small ones, or of padding. */
static char *sized_batch(size_t len, size_t op_len)
{
	static const char before[] = "{" P7 ",\"action\":\"identify\",\"attributes\":{\"a\":\"",
	                  after[] = "\"}}";
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED);
	buf_str(&b, "{\"batch\":[");
	buf_str(&b, before);
	for (size_t i = sizeof before + sizeof after - 2; i < op_len; i++)
		buf_byte(&b, 'x');
	buf_str(&b, after);
	while (b.len < len - 2)
		buf_byte(&b, ' ');
	buf_str(&b, "]}");
	buf_byte(&b, '\0');
	return b.data;
}

static const struct {
	size_t len, op_len;
	int status;
} sizes[] = {
	{ 33000, 31999, 200 },
	{ 33000, 32000, 200 },
	{ 33000, 32001, 207 },
	{ 499999, 100, 200 },
	{ 500000, 100, 200 },
	{ 500001, 100, 413 },
};

START_TEST(sizes_of_batches_and_operations)
{
	struct sandbox *s = start_plain();
	char *batch = sized_batch(sizes[_i].len, sizes[_i].op_len);

	ck_assert_uint_eq(strlen(batch), sizes[_i].len);
	ck_assert_int_eq(client_status(s, "POST", BATCH, batch), sizes[_i].status);
	ck_assert_uint_eq(sandbox_arrival(s, 0).body_len, sizes[_i].len);
	free(batch);
	sandbox_stop(s);
}
END_TEST

/* --- credentials, limit, log --- */

static const struct {
	const char *header;
	int status;
} credentials[] = {
	{ CLIENT_AUTH, 200 },
	{ "", 401 },
	{ "Authorization: Basic c2FuZGJveDpzYW5kYm94eA==\r\n", 401 }, /* sandbox:sandboxx */
	{ "Authorization: Basic c2FuZGJveDo=\r\n", 401 },             /* sandbox: */
	{ "Authorization: Bearer sandbox\r\n", 401 },
};

START_TEST(credentials_are_asked_for)
{
	struct sandbox *s = start_plain();
	struct client_answer a = client_call_with(s, credentials[_i].header, "PUT", C "7", "{}", 2);

	ck_assert_int_eq(a.status, credentials[_i].status);
	ck_assert(a.status == 200 ||
	    strcmp(a.body, "{\"meta\":{\"error\":\"Unauthorized request\"}}") == 0);
	ck_assert_int_eq(sandbox_arrival(s, 0).authorized, a.status == 200);
	ck_assert_uint_eq(sandbox_counters(s).unauthorized, a.status == 401);
	ck_assert_uint_eq(sandbox_counters(s).people, a.status == 200);
	sandbox_stop(s);
}
END_TEST

START_TEST(over_the_limit_is_429)
{
	struct sandbox *s = start(&(struct sandbox_config){ .rate_limit = 3,
	    .retry_after_s = 2,
	    .retry_after_date = _i == 1 });
	int64_t began = clock_now();
	struct client_answer a;

	for (int i = 0; i < 5; i++) {
		a = client_call(s, "PUT", C "7", "{}");
		/* else the machine was away, and the window has moved */
		if (clock_now() - began < 900000)
			ck_assert_int_eq(a.status, i < 3 ? 200 : 429);
	}
	if (a.status == 429 && _i == 0) {
		ck_assert_ptr_nonnull(strstr(a.text, "\r\nRetry-After: 2\r\n"));
	} else if (a.status == 429) {
		struct tm tm = { 0 };
		const char *date = strstr(a.text, "\r\nRetry-After: ");
		ck_assert_ptr_nonnull(date);
		ck_assert_ptr_nonnull(strptime(date + 15, "%a, %d %b %Y %H:%M:%S GMT", &tm));
		double ahead = difftime(unix_utc(&tm), time(NULL));
		ck_assert_msg(ahead >= 1 && ahead <= 3, "%s is %.0f s ahead", date, ahead);
	}
	for (int64_t end = clock_now() + 1010000; clock_now() < end;)
		unix_nap(10000);
	ck_assert_int_eq(put(s, "7", "{}"), 200);
	ck_assert_uint_ge(sandbox_counters(s).throttled, 1);
	sandbox_stop(s);
}
END_TEST

static void assert_text(const char *got, const char *want)
{
	ck_assert_ptr_nonnull(got);
	ck_assert_str_eq(got, want);
}

START_TEST(the_log_has_what_was_sent)
{
	struct sandbox *s = start(&(struct sandbox_config){ .keep_body = 4 });
	int fd = client_dial(s);
	int64_t before = clock_now();

	client_ask_with(fd,
	    CLIENT_AUTH
	    "X-Retry-Count: 2\r\nUser-Agent: me/1\r\nContent-Type: application/json\r\n",
	    "PUT", C "7", "{\"a\":1}", 7);
	client_read(fd);
	client_ask(fd, "DELETE", C "8", NULL);
	client_read(fd);
	client_call(s, "GET", "/elsewhere", NULL);
	ck_assert(sandbox_wait(s, 3, 0));
	ck_assert(!sandbox_wait(s, 4, 20));
	ck_assert_uint_eq(sandbox_arrivals(s), 3);
	struct sandbox_arrival a = sandbox_arrival(s, 0), b = sandbox_arrival(s, 1),
	                       c = sandbox_arrival(s, 2);
	ck_assert_uint_eq(a.number, 1);
	ck_assert(a.at_us >= before && a.answered_us >= a.at_us && b.at_us >= a.answered_us &&
	    c.at_us <= clock_now());
	ck_assert_uint_eq(a.connection, b.connection);
	ck_assert_uint_ne(a.connection, c.connection);
	assert_text(a.method, "PUT");
	assert_text(b.path, C "8");
	assert_text(a.retry_count, "2");
	assert_text(a.user_agent, "me/1");
	assert_text(a.content_type, "application/json");
	assert_text(a.body, "{\"a\"");
	ck_assert_uint_eq(a.body_len, 7);
	ck_assert(!a.expect && !b.retry_count && !b.body);
	ck_assert_int_eq(c.status, 404);
	ck_assert_uint_eq(sandbox_counters(s).connections, 2);
	ck_assert_uint_eq(sandbox_counters(s).bytes, 7);
	ck_assert_uint_eq(sandbox_max_in(s, c.at_us - a.at_us), 3);
	ck_assert_uint_eq(sandbox_max_in(s, c.at_us - a.at_us - 1), 2);
	ck_assert_uint_eq(sandbox_counters(s).busiest_second, c.at_us - a.at_us <= 1000000 ? 3 : 2);
	close(fd);
	sandbox_stop(s);
}
END_TEST

/* --- faults --- */

static const struct {
	struct sandbox_fault fault;
	enum client_end end;
	int status;
	const char *text; /* within what came back */
} faults[] = {
	{ { .act = SANDBOX_PASS }, CLIENT_WHOLE, 200, "\r\n\r\n{}" },
	{ { .act = SANDBOX_STATUS, .status = 503 }, CLIENT_WHOLE, 503,
	    "{\"meta\":{\"error\":\"fault\"}}" },
	{ { .act = SANDBOX_STATUS, .status = 500, .process = true }, CLIENT_WHOLE, 500, "fault" },
	{ { .act = SANDBOX_STATUS,
	      .status = 307,
	      .headers = "Location: http://127.0.0.1:1/x\nX-Other: y",
	      .body = "" },
	    CLIENT_WHOLE, 307, "\r\nLocation: http://127.0.0.1:1/x\r\n" },
	{ { .act = SANDBOX_STATUS, .status = 429, .headers = "Retry-After: 7" }, CLIENT_WHOLE, 429,
	    "\r\nRetry-After: 7\r\n" },
	{ { .act = SANDBOX_RESET }, CLIENT_RESET, 0, "" },
	{ { .act = SANDBOX_RESET, .process = true }, CLIENT_RESET, 0, "" },
	{ { .act = SANDBOX_RESET, .process = true, .delay_ms = 20 }, CLIENT_RESET, 0, "" },
	{ { .act = SANDBOX_CUT, .process = true }, CLIENT_CLOSED, 200, "fault" },
	{ { .act = SANDBOX_CUT, .status = 502 }, CLIENT_CLOSED, 502, "fault" },
	{ { .act = SANDBOX_RAW, .body = "garbage\r\n" }, CLIENT_CLOSED, 0, "garbage\r\n" },
	{ { .act = SANDBOX_RAW, .body = "" }, CLIENT_CLOSED, 0, "" },
};

START_TEST(each_fault_does_what_it_says)
{
	struct sandbox *s = start_plain();
	const struct sandbox_fault *f = &faults[_i].fault;
	bool processed = f->act == SANDBOX_PASS || f->process;
	int rule = sandbox_add_rule(s, &(struct sandbox_rule){ .fault = *f });
	struct client_answer a = client_call(s, "PUT", C "7", "{\"a\":1}");

	ck_assert_int_eq(a.end, faults[_i].end);
	ck_assert_int_eq(a.status, faults[_i].status);
	ck_assert_msg(strstr(a.text, faults[_i].text), "%s", a.text);
	ck_assert_uint_eq(sandbox_rule_hits(s, rule), 1);
	struct sandbox_arrival log = sandbox_arrival(s, 0);
	ck_assert(log.faulted);
	ck_assert_int_eq(log.processed, processed);
	ck_assert_uint_eq(sandbox_counters(s).people, processed);
	ck_assert_int_ge((int)(log.answered_us - log.at_us), f->delay_ms * 1000);
	ck_assert_int_eq(put(s, "8", "{}"), 200); /* it goes on, and the rule is spent */
	ck_assert(!sandbox_arrival(s, 1).faulted);
	sandbox_stop(s);
}
END_TEST

/* Which of these requests a rule hits, as digits. */
static const struct {
	struct sandbox_rule rule;
	const char *hits;
} rules[] = {
	{ { .times = 0 }, "1" },
	{ { .times = 2 }, "12" },
	{ { .times = -1 }, "1234567" },
	{ { .nth = 3 }, "3" },
	{ { .nth = 3, .times = -1 }, "3" },
	{ { .method = "DELETE", .times = -1 }, "4" },
	{ { .path = "/events", .times = -1 }, "35" },
	{ { .path = "%40", .times = -1 }, "2" },
	{ { .body = "\"n\":2", .times = -1 }, "26" },
	{ { .person = "7", .times = -1 }, "1347" },
	{ { .person = "a@b.com", .times = -1 }, "27" },
	{ { .person = "nobody", .times = -1 }, "" },
	{ { .person = "7", .passes = 2, .times = -1 }, "47" },
	{ { .passes = 2 }, "3" },
	{ { .method = "POST", .person = "7", .passes = 1, .times = 3 }, "7" },
};

START_TEST(rules_choose_their_requests)
{
	static const struct {
		const char *method, *path, *body;
	} requests[] = {
		{ "PUT", C "7", "{\"n\":1}" },
		{ "PUT", C "A%40b.com", "{\"n\":2}" },
		{ "POST", C "7/events", "{\"name\":\"x\"}" },
		{ "DELETE", C "7", NULL },
		{ "POST", "/api/v1/events", "{\"name\":\"x\"}" },
		{ "PUT", C "9", "{\"n\":2}" },
		{ "POST", "/api/v1/merge_customers",
		    "{\"primary\":{\"id\":\"7\"},\"secondary\":{\"email\":\"a@b.com\"}}" },
	};
	struct sandbox *s = start_plain();
	struct sandbox_rule rule = rules[_i].rule;
	char hits[8] = "";
	size_t hit = 0;

	rule.fault = (struct sandbox_fault){ .act = SANDBOX_STATUS, .status = 418 };
	int number = sandbox_add_rule(s, &rule);
	for (size_t i = 0; i < 7; i++)
		if (client_status(s, requests[i].method, requests[i].path, requests[i].body) == 418)
			hits[hit++] = (char)('1' + i);
	ck_assert_str_eq(hits, rules[_i].hits);
	ck_assert_uint_eq(sandbox_rule_hits(s, number), strlen(hits));
	sandbox_clear_rules(s);
	ck_assert_int_eq(put(s, "7", "{}"), 200);
	sandbox_stop(s);
}
END_TEST

static bool refuse_even(const struct sandbox_arrival *a, const char *body, struct sandbox_fault *f,
    void *arg)
{
	++*(int *)arg;
	if (a->number % 2 || !strstr(body, "hook"))
		return false;
	*f = (struct sandbox_fault){ .act = SANDBOX_STATUS,
		.status = 409,
		.body = "{\"meta\":{\"errors\":[\"even\"]}}" };
	return true;
}

static void count_settled(const struct sandbox_arrival *a, void *arg)
{
	*(int *)arg += 100 * (a->answered_us > 0);
}

START_TEST(a_hook_decides)
{
	int asked = 0;
	struct sandbox *s = start(&(
	    struct sandbox_config){ .hook = refuse_even, .settled = count_settled, .arg = &asked });

	ck_assert_int_eq(put(s, "7", "{\"a\":\"hook\"}"), 200);
	ck_assert_int_eq(put(s, "7", "{\"a\":\"hook\"}"), 409);
	ck_assert_int_eq(put(s, "7", "{\"a\":\"hook\"}"), 200);
	ck_assert_int_eq(put(s, "7", "{\"a\":\"else\"}"), 200);
	sandbox_stop(s);
	ck_assert_int_eq(asked, 404);
}
END_TEST

static size_t count_of(const char *text, char letter)
{
	size_t n = 0;

	for (; *text; text++)
		n += *text == letter;
	return n;
}

/* The statuses of 200 requests under chaos, a letter each. */
static void chaos_of(uint64_t seed, char out[201])
{
	struct sandbox *s = start(&(struct sandbox_config){ .chaos = { .seed = seed,
	                                                        .unavailable = 10,
	                                                        .error_after = 10,
	                                                        .reset_before = 10,
	                                                        .reset_after = 10,
	                                                        .cut = 10,
	                                                        .throttled = 10 } });
	static const char letters[] = "wcrs";

	for (int i = 0; i < 200; i++) {
		struct client_answer a = client_call(s, "PUT", C "7", "{}");
		out[i] = a.end == CLIENT_WHOLE && a.status != 200 ?
		    (char)('0' + a.status % 10 + (a.status == 500)) :
		    letters[a.end];
	}
	out[200] = '\0';
	ck_assert_uint_eq(sandbox_counters(s).faulted, 200 - count_of(out, 'w'));
	sandbox_stop(s);
}

START_TEST(chaos_comes_from_its_seed)
{
	char first[201], again[201], other[201];

	chaos_of(1, first);
	chaos_of(1, again);
	chaos_of(2, other);
	ck_assert_str_eq(first, again);
	ck_assert_str_ne(first, other);
	/* passed, cut, reset, 503, 500, 429 */
	for (const char *kind = "wcr319"; *kind; kind++)
		ck_assert_msg(count_of(first, *kind) >= 5, "few %c in %s", *kind, first);
	ck_assert_msg(count_of(first, 'w') > 50 && count_of(first, 'w') < 110, "%s", first);
}
END_TEST

START_TEST(outages_begin_and_end)
{
	struct sandbox *s = start(&(struct sandbox_config){ .outage_resets = _i == 1 });

	ck_assert_int_eq(put(s, "7", "{}"), 200);
	sandbox_set_outage(s, true);
	struct client_answer a = client_call(s, "GET", "/api/v1/accounts/region", NULL);
	ck_assert_int_eq(a.end, _i == 1 ? CLIENT_RESET : CLIENT_WHOLE);
	ck_assert_int_eq(a.status, _i == 1 ? 0 : 503);
	sandbox_set_outage(s, false);
	ck_assert_int_eq(put(s, "8", "{}"), 200);
	ck_assert_uint_eq(sandbox_counters(s).people, 2);
	sandbox_stop(s);
}
END_TEST

START_TEST(an_outage_window_passes)
{
	struct sandbox *s = start(&(struct sandbox_config){ .outage_to_ms = 300 });
	int64_t began = clock_now();

	int status = put(s, "7", "{}");
	if (clock_now() - began < 250000)
		ck_assert_int_eq(status, 503);
	while (clock_now() < began + 310000)
		unix_nap(5000);
	ck_assert_int_eq(put(s, "7", "{}"), 200);
	sandbox_stop(s);
}
END_TEST

/* --- several at once --- */

START_TEST(a_delay_holds_up_nobody_else)
{
	struct sandbox *s = start_plain();
	int slow = client_dial(s);

	sandbox_add_rule(s,
	    &(struct sandbox_rule){ .person = "7", .fault = { .delay_ms = 600000 } });
	client_ask(slow, "PUT", C "7", "{}");
	ck_assert(sandbox_wait(s, 1, 5000));
	ck_assert_int_eq(put(s, "8", "{}"), 200);
	ck_assert_int_eq((int)sandbox_arrival(s, 0).answered_us, 0);
	ck_assert(sandbox_arrival(s, 1).answered_us > 0);
	close(slow);
	sandbox_stop(s);
}
END_TEST

START_TEST(latency_is_for_all)
{
	struct sandbox *s = start(&(struct sandbox_config){ .latency_ms = 30 });

	for (size_t i = 0; i < 2; i++) {
		put(s, "7", "{}");
		struct sandbox_arrival a = sandbox_arrival(s, i);
		ck_assert_int_eq(a.answered_us - a.at_us >= 30000, i == 0);
		sandbox_set_latency(s, 0);
	}
	sandbox_stop(s);
}
END_TEST

/* Two requests, the second sent while the first has no answer. */
static const struct {
	const char *path, *body, *path2, *body2, *person;
	unsigned together;
} pairs[] = {
	{ C "7", "{}", C "7", "{}", "7", 2 },
	{ C "7", "{}", C "8", "{}", "7", 1 },
	{ C "a%40B.com", "{}", C "A%40b.com", "{}", "a@b.com", 2 },
	{ C "7", "{}", C "7/events", "{\"name\":\"x\"}", "7", 2 },
	{ "/api/v1/merge_customers", "{\"primary\":{\"id\":\"1\"},\"secondary\":{\"id\":\"7\"}}",
	    C "7", "{}", "7", 2 },
	{ BATCH, "{\"batch\":[{" P7 ",\"action\":\"delete\"},{" P7 ",\"action\":\"delete\"}]}",
	    C "8", "{}", "7", 1 },
	{ BATCH, "{\"batch\":[{" P7 ",\"action\":\"delete\"}]}", C "7", "{}", "7", 2 },
};

static const char *method_for(const char *path)
{
	return strncmp(path, C, strlen(C)) == 0 && !strstr(path, "/events") ? "PUT" : "POST";
}

START_TEST(requests_at_once_are_counted)
{
	struct sandbox *s = start_plain();
	int one = client_dial(s), two = client_dial(s);

	sandbox_add_rule(s, &(struct sandbox_rule){ .fault.act = SANDBOX_HANG });
	client_ask(one, method_for(pairs[_i].path), pairs[_i].path, pairs[_i].body);
	ck_assert(sandbox_wait(s, 1, 5000));
	client_ask(two, method_for(pairs[_i].path2), pairs[_i].path2, pairs[_i].body2);
	ck_assert_int_eq(client_read(two).status, 200);
	close(one);
	/* alone: no more than before */
	client_ask(two, method_for(pairs[_i].path2), pairs[_i].path2, pairs[_i].body2);
	ck_assert_int_eq(client_read(two).status, 200);
	ck_assert_uint_eq(sandbox_most_in_progress(s, pairs[_i].person), pairs[_i].together);
	ck_assert_uint_eq(sandbox_counters(s).most_for_one_person, pairs[_i].together);
	ck_assert_uint_eq(sandbox_counters(s).most_in_progress, 2);
	close(two);
	sandbox_stop(s);
}
END_TEST

/* A client that times out, closes and tries again is not two at once. */
START_TEST(who_has_gone_is_not_counted)
{
	struct sandbox *s = start_plain();
	int one = client_dial(s);

	sandbox_add_rule(s,
	    &(struct sandbox_rule){ .fault = { .act = SANDBOX_HANG, .process = _i == 1 } });
	client_ask(one, "PUT", C "7", "{\"a\":1}");
	ck_assert(sandbox_wait(s, 1, 5000));
	close(one);
	ck_assert_int_eq(put(s, "7", "{\"b\":1}"), 200);
	ck_assert_uint_eq(sandbox_counters(s).most_for_one_person, 1);
	ck_assert_uint_eq(sandbox_counters(s).most_in_progress, 1);
	client_assert_json(sandbox_person(s, "7"), _i == 1 ? "{\"a\":1,\"b\":1}" : "{\"b\":1}");
	sandbox_stop(s);
}
END_TEST

START_TEST(stopping_resets_what_waits)
{
	struct sandbox *s = start_plain();
	int hung = client_dial(s), slow = client_dial(s), half = client_dial(s);

	sandbox_add_rule(s,
	    &(struct sandbox_rule){ .person = "7", .fault = { .act = SANDBOX_HANG } });
	sandbox_add_rule(s,
	    &(struct sandbox_rule){ .person = "8", .fault = { .delay_ms = 600000 } });
	client_ask(hung, "PUT", C "7", "{}");
	client_ask(slow, "PUT", C "8", "{}");
	client_ask_with(half, CLIENT_AUTH "Content-Length: 10\r\n", "PUT", C "9", NULL, 0);
	ck_assert(sandbox_wait(s, 3, 5000));
	sandbox_stop(s);
	ck_assert_int_ne(client_read(hung).end, CLIENT_WHOLE);
	client_read(slow);
	ck_assert_int_ne(client_read(half).end, CLIENT_WHOLE);
	close(hung);
	close(slow);
	close(half);
}
END_TEST

START_TEST(a_second_one_on_the_same_port_is_refused)
{
	struct sandbox *s = start_plain();
	int err = dup(STDERR_FILENO), into = open("/dev/null", O_WRONLY | O_CLOEXEC);

	ck_assert_int_ge(dup2(into, STDERR_FILENO), 0); /* its message is no news here */
	struct sandbox *second = sandbox_start(&(struct sandbox_config){ .port = sandbox_port(s) });
	ck_assert_int_ge(dup2(err, STDERR_FILENO), 0);
	ck_assert_ptr_null(second);
	close(err);
	close(into);
	sandbox_stop(s);
}
END_TEST

START_TEST(a_lean_one_counts_all_the_same)
{
	struct sandbox *s = start(&(struct sandbox_config){ .lean = true });

	put(s, "7", "{\"a\":1}");
	put(s, "7", "{\"b\":1}");
	client_status(s, "POST", C "7/events", "{\"name\":\"x\",\"id\":\"01\"}");
	client_status(s, "POST", C "7/events", "{\"name\":\"x\",\"id\":\"01\"}");
	client_assert_json(sandbox_person(s, "7"), "{\"a\":1,\"b\":1}");
	ck_assert_ptr_null(sandbox_body(s, "7", NULL));
	client_assert_json(sandbox_history(s, "7"), "[]");
	client_assert_json(sandbox_events(s), "[]");
	ck_assert_uint_eq(sandbox_arrivals(s), 0);
	struct sandbox_counters c = sandbox_counters(s);
	ck_assert_uint_eq(c.requests, 4);
	ck_assert_uint_eq(c.people, 1);
	ck_assert_uint_eq(c.events, 1);
	ck_assert_uint_eq(c.duplicates, 1);
	ck_assert_uint_ge(c.busiest_second, 1);
	sandbox_stop(s);
}
END_TEST

START_TEST(a_sink_takes_anything)
{
	struct sandbox *s = start(&(struct sandbox_config){ .sink = true });
	struct client_answer a = client_call_with(s, "", "BREW", "/pot?x", "not json", 8);

	ck_assert_int_eq(a.status, 200);
	ck_assert_str_eq(a.body, "{}");
	ck_assert_uint_eq(sandbox_counters(s).requests, 1);
	ck_assert_uint_eq(sandbox_counters(s).bytes, 8);
	sandbox_stop(s);
}
END_TEST

#define LOOP(t, test, rows) tcase_add_loop_test(t, test, 0, (int)(sizeof(rows) / sizeof *(rows)))

static void add_memory_tests(TCase *t)
{
	LOOP(t, answers_as_the_api_does, calls);
	tcase_add_test(t, lenient_about_emails_unless_told);
	tcase_add_test(t, attributes_are_merged);
	tcase_add_test(t, update_never_creates);
	LOOP(t, people_are_known_by_decoded_identifier, spellings);
	tcase_add_test(t, delete_suppress_and_unsuppress);
	tcase_add_test(t, events_are_kept_once_by_id);
	tcase_add_test(t, merges_and_devices);
	tcase_add_test(t, a_batch_does_each_operation);
	LOOP(t, sizes_of_batches_and_operations, sizes);
}

static void add_fault_tests(TCase *t)
{
	LOOP(t, credentials_are_asked_for, credentials);
	tcase_add_loop_test(t, over_the_limit_is_429, 0, 2);
	tcase_add_test(t, the_log_has_what_was_sent);
	LOOP(t, each_fault_does_what_it_says, faults);
	LOOP(t, rules_choose_their_requests, rules);
	tcase_add_test(t, a_hook_decides);
	tcase_add_test(t, chaos_comes_from_its_seed);
	tcase_add_loop_test(t, outages_begin_and_end, 0, 2);
	tcase_add_test(t, an_outage_window_passes);
}

static void add_concurrency_tests(TCase *t)
{
	tcase_add_test(t, a_delay_holds_up_nobody_else);
	tcase_add_test(t, latency_is_for_all);
	LOOP(t, requests_at_once_are_counted, pairs);
	tcase_add_loop_test(t, who_has_gone_is_not_counted, 0, 2);
	tcase_add_test(t, stopping_resets_what_waits);
	tcase_add_test(t, a_second_one_on_the_same_port_is_refused);
	tcase_add_test(t, a_lean_one_counts_all_the_same);
	tcase_add_test(t, a_sink_takes_anything);
}

Suite *sandbox_suite(void)
{
	static const struct {
		const char *name;
		void (*add)(TCase *t);
	} cases[] = {
		{ "memory", add_memory_tests },
		{ "faults", add_fault_tests },
		{ "concurrency", add_concurrency_tests },
	};
	Suite *suite = suite_create("sandbox");

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		TCase *t = tcase_create(cases[i].name);
		tcase_set_timeout(t, 60);
		cases[i].add(t);
		suite_add_tcase(suite, t);
	}
	return suite;
}
