/* What answers mean, from every shape that they have. */
#include "send/reply.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include "base/buf.h"

#define COUNT(table) (int)(sizeof(table) / sizeof *(table))

Suite *reply_suite(void);

static struct reply answer(int status, const char *body, size_t n)
{
	return (
	    struct reply){ .status = status, .body = body, .body_len = n, .retry_after_us = -1 };
}

static const struct {
	int first, last; /* every status from ... to */
	bool batch;
	size_t operations;
	enum verdict verdict;
	bool up;
} verdicts[] = {
	{ 0, 99, false, 1, VERDICT_TRANSIENT, false },
	{ -1, -1, false, 1, VERDICT_TRANSIENT, false },
	{ 100, 199, false, 1, VERDICT_REFUSED, true },
	{ 200, 299, false, 1, VERDICT_ACCEPTED, true }, /* a 207 too: it is about a batch */
	{ 200, 206, true, 5, VERDICT_ACCEPTED, true },
	{ 207, 207, true, 5, VERDICT_PARTLY, true },
	{ 207, 207, true, 1, VERDICT_PARTLY, true },
	{ 208, 299, true, 5, VERDICT_ACCEPTED, true },
	{ 300, 303, false, 1, VERDICT_ASTRAY, true }, /* without a Location */
	{ 304, 304, false, 1, VERDICT_REFUSED, true },
	{ 305, 305, false, 1, VERDICT_ASTRAY, true },
	{ 306, 306, false, 1, VERDICT_REFUSED, true },
	{ 307, 308, true, 5, VERDICT_ASTRAY, true },
	{ 309, 399, false, 1, VERDICT_REFUSED, true },
	{ 400, 400, false, 1, VERDICT_REFUSED, true },
	{ 400, 400, false, 2, VERDICT_REFUSED, true },
	{ 400, 400, true, 1, VERDICT_REFUSED, true },
	{ 400, 400, true, 2, VERDICT_CUT, true },
	{ 401, 401, true, 5, VERDICT_UNAUTHORISED, true },
	{ 402, 402, true, 5, VERDICT_REFUSED, true },
	{ 403, 403, false, 1, VERDICT_FORBIDDEN, true },
	{ 403, 403, true, 5, VERDICT_FORBIDDEN, true },
	{ 404, 406, true, 5, VERDICT_REFUSED, true },
	{ 407, 407, true, 5, VERDICT_PROXY, true },
	{ 408, 408, true, 5, VERDICT_TRANSIENT, true },
	{ 409, 412, false, 1, VERDICT_REFUSED, true },
	{ 413, 413, false, 1, VERDICT_REFUSED, true },
	{ 413, 413, true, 1, VERDICT_REFUSED, true },
	{ 413, 413, true, 2, VERDICT_CUT, true },
	{ 414, 428, true, 5, VERDICT_REFUSED, true },
	{ 429, 429, false, 1, VERDICT_THROTTLED, true },
	{ 429, 429, true, 5, VERDICT_THROTTLED, true },
	{ 430, 499, true, 5, VERDICT_REFUSED, true },
	{ 500, 599, true, 5, VERDICT_TRANSIENT, false },
	{ 500, 599, false, 1, VERDICT_TRANSIENT, false },
	{ 600, 1100, false, 1, VERDICT_TRANSIENT, false },
};

START_TEST(verdict)
{
	for (int status = verdicts[_i].first; status <= verdicts[_i].last; status++) {
		struct reply r = answer(status, "", 0);
		enum verdict v = reply_verdict(&r, verdicts[_i].batch ? BLAME_NAMED : BLAME_ONE,
		    verdicts[_i].operations);
		ck_assert_msg(v == verdicts[_i].verdict, "%d is %d", status, (int)v);
		ck_assert_msg(reply_is_up(&r, v) == verdicts[_i].up, "%d: up?", status);
	}
}
END_TEST

/* Only these may be followed, and only where they say where to. */
START_TEST(a_redirect_has_a_place)
{
	static const int followed[] = { 301, 302, 307, 308 };

	for (int status = 300; status < 309; status++) {
		struct reply r = answer(status, "", 0);
		enum verdict want = status == 304 || status == 306 ? VERDICT_REFUSED :
		                                                     VERDICT_ASTRAY;
		for (size_t i = 0; i < 4; i++)
			if (followed[i] == status)
				want = VERDICT_MOVED;
		r.location = "https://track-eu.customer.io/x";
		ck_assert_msg(reply_verdict(&r, BLAME_ONE, 1) == want, "%d", status);
	}
}
END_TEST

/* A machine that has nothing left is no destination that is down. */
START_TEST(a_machine_at_its_end)
{
	struct reply r = answer(0, "", 0);

	r.transport = TRANSPORT_MACHINE;
	ck_assert_int_eq(reply_verdict(&r, BLAME_ONE, 1), VERDICT_MACHINE);
	r.transport = TRANSPORT_DOWN;
	ck_assert_int_eq(reply_verdict(&r, BLAME_ONE, 1), VERDICT_TRANSIENT);
}
END_TEST

#define BODY(text) text, sizeof text - 1

static const struct {
	const char *body;
	size_t n;
	const char *reason;
} reasons[] = {
	/* the documented shapes */
	{ BODY("{\"meta\":{\"errors\":[\"email is not a valid address\"]}}"),
	    "email is not a valid address" },
	{ BODY("{\"meta\":{\"errors\":[\"a\",\"b\"]}}"), "a; b" },
	{ BODY("{\"meta\":{\"error\":\"Unauthorized request\"}}"), "Unauthorized request" },
	{ BODY("{\"errors\":[{\"reason\":\"invalid\",\"field\":\"identifiers.id\",\"message\":"
	       "\"must be text\"}]}"),
	    "identifiers.id: must be text" },
	{ BODY("{\"errors\":[{\"reason\":\"invalid\",\"field\":\"email\",\"message\":\"email is "
	       "odd\"}]}"),
	    "email is odd" },
	{ BODY("{\"errors\":[{\"reason\":\"required\",\"field\":\"name\"},{\"message\":\"too "
	       "big\"}]}"),
	    "name: required; too big" },
	{ BODY("{\"errors\":[{\"field\":\"name\"}]}"), "name" },
	{ BODY("{\"errors\":[\"plain\"]}"), "plain" },
	{ BODY("{\"errors\":{\"message\":\"alone\"}}"), "alone" },
	{ BODY("{\"error\":\"bad\"}"), "bad" },
	{ BODY("{\"error\":{\"message\":\"bad inside\"}}"), "bad inside" },
	{ BODY("{\"message\":\"sorry\"}"), "sorry" },
	{ BODY("\"a bare string\""), "a bare string" },
	/* which goes first */
	{ BODY("{\"message\":\"m\",\"error\":\"e\",\"errors\":[\"es\"],\"meta\":{\"error\":\"me\","
	       "\"errors\":[\"mes\"]}}"),
	    "mes" },
	{ BODY("{\"message\":\"m\",\"error\":\"e\",\"errors\":[\"es\"],\"meta\":{\"error\":\"me\","
	       "\"errors\":[]}}"),
	    "me" },
	{ BODY("{\"message\":\"m\",\"error\":\"e\",\"errors\":[{}],\"meta\":7}"), "e" },
	/* wrong types, alone and between right ones */
	{ BODY("{\"errors\":[1,null,{\"message\":[]},[\"x\"],\"kept\",{\"message\":3,\"reason\":"
	       "\"too\"}]}"),
	    "kept; too" },
	{ BODY("{\"meta\":[{\"errors\":1}],\"message\":\"m\"}"), "m" },
	/* no JSON, or JSON of no known shape: as it is */
	{ BODY(" \r\n\tPayload Too Large \n"), "Payload Too Large" },
	{ BODY("<html>\n<b>413</b></html>"), "<html>\n<b>413</b></html>" },
	{ BODY("<!DOCTYPE html><HTML><Title lang=en>\n 403 Forbidden </TITLE>x"),
	    "a web page: 403 Forbidden" },
	{ BODY("<title>"), "<title>" },
	{ BODY("<title"), "<title" },
	{ BODY("<title> </title>"), "<title> </title>" },
	{ BODY("<title>x</titl"), "<title>x</titl" },
	{ BODY("{\"detail\":\"unknown shape\"}"), "{\"detail\":\"unknown shape\"}" },
	{ BODY("{\"error\":\"cut off"), "{\"error\":\"cut off" },
	{ BODY("{\"message\":\"not UTF-8 \xff\"}"), "{\"message\":\"not UTF-8 \xff\"}" },
	{ BODY("{\"error\":17}"), "{\"error\":17}" },
	{ BODY("42"), "42" },
	/* nothing */
	{ BODY(""), "" },
	{ NULL, 0, "" },
	{ BODY("{}"), "" },
	{ BODY(" [] "), "" },
	{ BODY("null"), "" },
	{ BODY("\"\""), "" },
	{ BODY(" \n "), "" },
	/* control characters stay (who prints it escapes it), NULs do not end it */
	{ BODY("{\"message\":\"a\\u0000b\\u001b[2J\"}"), "a b\x1b[2J" },
	{ BODY("{\"errors\":[{\"detail\":\"unknown shape\"}]}"), "unknown shape" },
	{ BODY("{\"errors\":[{\"detail\":\"no such person\",\"status\":404,\"source\":"
	       "{\"pointer\":\"/id\"}}]}"),
	    "/id: no such person" },
	{ BODY("[\"a\",{\"message\":\"b\"}]"), "a; b" },
	/* what is no text is not shown */
	{ BODY("x\0y\0z"), "the answer's body is no text (5 bytes)" },
	{ BODY("\0"), "the answer's body is no text (1 byte)" },
	{ BODY("\x1f\x8b\x08\x00\x00\x00"), "the answer's body is no text (6 bytes)" },
	{ BODY("\x89PNG\r\n\x1a\n"), "the answer's body is no text (8 bytes)" },
	{ BODY("tab\tline\nfeed\x1b[0m"), "tab\tline\nfeed\x1b[0m" },
};

/* The reason of a body that lies in memory of just its size, so that a sanitizer sees a read past
 * its end. */
static void reason_of(const char *body, size_t n, char out[REPLY_REASON_MAX + 4])
{
	char *exact = body ? xmalloc(n) : NULL;

	if (n > 0)
		memcpy(exact, body, n);
	struct reply r = answer(400, exact, n);
	memset(out, 'X', REPLY_REASON_MAX + 4);
	reply_reason(&r, out);
	free(exact);
}

START_TEST(reason)
{
	char out[REPLY_REASON_MAX + 4];

	reason_of(reasons[_i].body, reasons[_i].n, out);
	ck_assert_str_eq(out, reasons[_i].reason);
}
END_TEST

/* Reasons around the largest size, of characters of one to four bytes, plain and in JSON: cut at a
 * character. */
START_TEST(long_reason)
{
	static const char *const characters[] = { "x", "\xc3\xa9", "\xe2\x82\xac",
		"\xf0\x9f\x98\x80" };
	const char *c = characters[_i % 4];
	size_t width = strlen(c);
	bool json = _i >= 4;
	char out[REPLY_REASON_MAX + 4];

	for (size_t before = 0; before < 4; before++)
		for (size_t len = REPLY_REASON_MAX - 8; len < REPLY_REASON_MAX + 12; len++) {
			struct buf body;
			buf_init(&body, 4096);
			buf_str(&body, json ? "{\"message\":\"" : "");
			size_t head = body.len;
			buf_add(&body, "aaaa", before);
			while (body.len - head + width <= len)
				buf_str(&body, c);
			size_t whole = body.len - head,
			       kept = before + (REPLY_REASON_MAX - before) / width * width;
			buf_str(&body, json ? "\"}" : "");
			reason_of(body.data, body.len, out);
			bool cut = whole > REPLY_REASON_MAX;
			ck_assert_uint_eq(strlen(out), cut ? kept + 3 : whole);
			ck_assert_int_eq(memcmp(out, body.data + head, cut ? kept : whole), 0);
			ck_assert_str_eq(out + (cut ? kept : whole), cut ? "..." : "");
			buf_free(&body);
		}
}
END_TEST

/* `times` times `unit`, between head and tail. */
static char *repeated(const char *head, const char *unit, size_t times, const char *tail, size_t *n)
{
	struct buf b;

	buf_init(&b, REPLY_BODY_MAX * 2);
	buf_str(&b, head);
	while (times-- > 0)
		buf_str(&b, unit);
	buf_str(&b, tail);
	*n = b.len;
	buf_byte(&b, '\0');
	return b.data;
}

static void ignore(size_t index, const char *reason_text, void *arg)
{
	size_t *count = arg;

	ck_assert_uint_lt(index, 10);
	ck_assert_uint_le(strlen(reason_text), REPLY_REASON_MAX + 3);
	++*count;
}

/* Hostile answers: every question about them gets some answer, in bounds. */
START_TEST(hostile)
{
	static const struct {
		const char *head, *unit, *tail;
	} bodies[] = {
		{ "", "[", "" },
		{ "", "{\"errors\":", "" },
		{ "{\"errors\":", "[", "" },
		{ "{\"errors\":[", "{},", "{}]}" },
		{ "{\"errors\":[", "\"a\",", "\"a\"]}" },
		{ "{\"errors\":[", "{\"batch_index\":3},", "{\"batch_index\":4}]}" },
		{ "{\"message\":\"", "\\u0000", "\"}" },
		{ "{\"message\":\"", "\xf0\x9f\x98\x80", "\"}" },
		{ "", "\xbf", "" },
		{ "", " ", "" },
		{ "{\"errors\":[{\"batch_index\":", "9", "}]}" },
		{ "{\"errors\":", "-", "}" },
		{ "{\"errors\":[{\"batch_index\":1e", "9", "}]}" },
		{ "\"", "\\ud800", "\"" },
	};
	char out[REPLY_REASON_MAX + 4], url[64], region[16];
	size_t n, count = 0;
	char *body = repeated(bodies[_i].head, bodies[_i].unit, 100000, bodies[_i].tail, &n);
	struct reply r = answer(207, body, n);

	reason_of(body, n, out);
	ck_assert_uint_le(strlen(out), REPLY_REASON_MAX + 3);
	reply_refusals(&r, 10, ignore, &count);
	ck_assert_uint_le(count, 10);
	ck_assert_int_eq(reply_region(&r, url, sizeof url, region, sizeof region), -1);
	free(body);
}
END_TEST

/* Whose answer a 2xx is. */
static const struct {
	int status;
	const char *type, *body;
	bool garbled, foreign;
} pages[] = {
	{ 200, NULL, "{}", false, false },
	{ 200, NULL, "", false, false },
	{ 204, NULL, NULL, false, false },
	{ 200, "application/json", "{\"a\":\"<html>\"}", false, false },
	{ 200, "text/plain", "OK", false, false },
	{ 200, "text/html", "{}", false, true },
	{ 200, "Text/HTML; charset=utf-8", "", false, true },
	{ 200, "application/xhtml+xml", "", false, true },
	{ 200, "application/json", "<!DOCTYPE html>", false, true },
	{ 200, NULL, "<html>", false, true },
	{ 207, NULL, " \r\n\t<", false, true },
	{ 202, NULL, "\xef\xbb\xbf<", false, true },
	{ 200, NULL, "\xef\xbb<", false, false },
	{ 200, "application/json", "", true, true },
	{ 299, NULL, "<", false, true },
	/* of others the status is believed */
	{ 400, "text/html", "<html>", false, false },
	{ 403, NULL, "<html>", true, false },
	{ 300, "text/html", "<", false, false },
};

START_TEST(foreign_answer)
{
	const char *body = pages[_i].body;
	struct reply r = answer(pages[_i].status, body, body ? strlen(body) : 0);
	bool up = pages[_i].status < 500 && !pages[_i].foreign;

	r.type = pages[_i].type;
	r.garbled = pages[_i].garbled;
	for (int batch = 0; batch < 2; batch++) {
		enum verdict v = reply_verdict(&r, batch ? BLAME_NAMED : BLAME_ONE, 5);
		ck_assert_int_eq(v == VERDICT_FOREIGN, pages[_i].foreign);
		ck_assert_int_eq(reply_is_up(&r, v), up);
	}
}
END_TEST

START_TEST(object_or_not)
{
	static const struct {
		const char *body;
		bool object;
	} rows[] = { { "{}", true }, { " {\"url\":\"x\"}\n", true }, { "[]", false },
		{ "\"{}\"", false }, { "{", false }, { "{} {}", false }, { "", false },
		{ "<html>", false }, { "OK", false } };

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct reply r = answer(200, rows[i].body, strlen(rows[i].body));
		enum verdict v = reply_check_verdict(&r);
		ck_assert_msg(v == (rows[i].object ? VERDICT_ACCEPTED : VERDICT_FOREIGN), "%s",
		    rows[i].body);
		r.status = 404;
		ck_assert_int_eq(reply_check_verdict(&r), VERDICT_REFUSED);
	}
}
END_TEST

static const struct {
	enum verdict verdict;
	int status;
	const char *error, *type, *body, *said;
} troubles[] = {
	{ VERDICT_TRANSIENT, 503, NULL, NULL, "x", "status 503" },
	{ VERDICT_TRANSIENT, 0, "no route", NULL, "", "no route" },
	{ VERDICT_TRANSIENT, 0, NULL, NULL, "", "no answer" },
	{ VERDICT_FOREIGN, 200, NULL, "text/html", "", "status 200, but a web page: not the API" },
	{ VERDICT_FOREIGN, 200, NULL, NULL, "[]", "status 200, but no JSON object: not the API" },
};

START_TEST(trouble)
{
	struct reply r = answer(troubles[_i].status, troubles[_i].body, strlen(troubles[_i].body));
	char out[REPLY_TROUBLE_MAX];

	r.error = troubles[_i].error;
	r.type = troubles[_i].type;
	reply_trouble(&r, troubles[_i].verdict, out);
	ck_assert_msg(strncmp(out, troubles[_i].said, strlen(troubles[_i].said)) == 0, "%s", out);
}
END_TEST

/* A body that could not be decoded is said to be that. */
START_TEST(garbled_answer)
{
	struct reply r = answer(400, "", 0);
	char out[REPLY_REASON_MAX + 4];

	r.garbled = true;
	reply_reason(&r, out);
	ck_assert_ptr_nonnull(strstr(out, "cannot be decoded"));
}
END_TEST

static const struct {
	const char *body;
	size_t operations;
	int result;
	const char *told;
} refusals[] = {
	{ "{\"errors\":[]}", 3, 0, "" },
	{ "{\"errors\":[{\"batch_index\":1,\"reason\":\"invalid\",\"field\":\"id\",\"message\":"
	  "\"too long\"}]}",
	    3, 0, "1=id: too long|" },
	{ "{\"errors\":[{\"batch_index\":2,\"message\":\"b\"},{\"batch_index\":0,\"message\":\"a\"}"
	  "]}",
	    3, 0, "2=b|0=a|" },
	{ "{\"errors\":[{\"batch_index\":0}]}", 1, 0, "0=|" },
	/* the first reason of a repeated one */
	{ "{\"errors\":[{\"batch_index\":1,\"message\":\"a\"},{\"batch_index\":1,\"message\":\"b\"}"
	  "]}",
	    2, 0, "1=a|" },
	/* no usable index: counted, the others told */
	{ "{\"errors\":[{\"message\":\"a\"},{\"batch_index\":0,\"message\":\"b\"}]}", 2, 1,
	    "0=b|" },
	{ "{\"errors\":[{\"batch_index\":2},{\"batch_index\":-1},{\"batch_index\":1}]}", 2, 2,
	    "1=|" },
	{ "{\"errors\":[{\"batch_index\":9223372036854775807},{\"batch_index\":-"
	  "9223372036854775808}]}",
	    2, 2, "" },
	{ "{\"errors\":[{\"batch_index\":1.0},{\"batch_index\":\"1\"},{\"batch_index\":null},{"
	  "\"batch_index\":true}]}",
	    2, 4, "" },
	{ "{\"errors\":[1,null,\"x\",[],{}]}", 2, 5, "" },
	{ "{\"errors\":[{\"batch_index\":0}]}", 0, 1, "" },
	/* nobody knows */
	{ "", 2, -1, "" },
	{ "{}", 2, -1, "" },
	{ "[]", 2, -1, "" },
	{ "{\"errors\":{}}", 2, -1, "" },
	{ "{\"errors\":null}", 2, -1, "" },
	{ "{\"errors\":\"x\"}", 2, -1, "" },
	{ "{\"errors\":[{\"batch_index\":0}]", 2, -1, "" },
	{ "<html>", 2, -1, "" },
	{ "{\"meta\":{\"errors\":[{\"batch_index\":0}]}}", 2, -1, "" },
	{ "{\"errors\":[{\"batch_index\":99999999999999999999}]}", 2, -1, "" },
};

static void tell(size_t index, const char *reason_text, void *arg)
{
	struct buf *told = arg;

	buf_fmt(told, "%zu=%s|", index, reason_text);
}

START_TEST(refused_operations)
{
	struct buf told;
	struct reply r = answer(207, refusals[_i].body, strlen(refusals[_i].body));

	buf_init(&told, 4096);
	ck_assert_int_eq(reply_refusals(&r, refusals[_i].operations, tell, &told),
	    refusals[_i].result);
	buf_byte(&told, '\0');
	ck_assert_str_eq(told.data, refusals[_i].told);
	buf_free(&told);
}
END_TEST

static const struct {
	const char *location, *path, *base;
} redirects[] = {
	{ "https://track-eu.customer.io/api/v1/customers/42", "/api/v1/customers/42",
	    "https://track-eu.customer.io" },
	{ "https://customer.io/x", "/x", "https://customer.io" },
	{ "https://a.b.customer.io/x", "/x", "https://a.b.customer.io" },
	{ "HTTPS://Track-EU.Customer.IO/x", "/x", "https://track-eu.customer.io" },
	{ "https://track.customer.io:443/x", "/x", "https://track.customer.io" },
	{ "https://track-eu.customer.io", "", "https://track-eu.customer.io" },
	/* another host */
	{ "https://evilcustomer.io/x", "/x", NULL },
	{ "https://customer.io.evil.com/x", "/x", NULL },
	{ "https://evil.com/customer.io/x", "/customer.io/x", NULL },
	{ "https://customer.iox/x", "/x", NULL },
	{ "https://customer.co/x", "/x", NULL },
	{ "https://ustomer.io/x", "/x", NULL },
	{ "https://127.0.0.1/x", "/x", NULL },
	{ "https://customer.io./x", "/x", NULL },
	{ "https://.customer.io/x", "/x", NULL },
	{ "https://a..customer.io/x", "/x", NULL },
	{ "https:///x", "/x", NULL },
	{ "https://", "", NULL },
	{ "https://[::1]/x", "/x", NULL },
	{ "https://track_eu.customer.io/x", "/x", NULL },
	{ "https://tr\xc3\xa4"
	  "ck.customer.io/x",
	    "/x", NULL },
	/* somebody in front of it */
	{ "https://customer.io@evil.com/x", "/x", NULL },
	{ "https://user@track.customer.io/x", "/x", NULL },
	{ "https://u:p@track.customer.io/x", "/x", NULL },
	{ "https://evil.com#@customer.io/x", "/x", NULL },
	{ "https://evil.com/x@customer.io", "/x@customer.io", NULL },
	{ "https://evil.com?.customer.io/x", "/x", NULL },
	{ "https://evil.com\\.customer.io/x", "/x", NULL },
	{ "https:\\\\track.customer.io/x", "/x", NULL },
	{ "https://evil.com%2f.customer.io/x", "/x", NULL },
	/* another port or scheme */
	{ "https://track.customer.io:8443/x", "/x", NULL },
	{ "https://track.customer.io:4430/x", "/x", NULL },
	{ "https://track.customer.io:445/x", "/x", NULL },
	{ "https://track.customer.io:44/x", "/x", NULL },
	{ "https://track.customer.io:80/x", "/x", NULL },
	{ "https://track.customer.io:/x", "/x", NULL },
	{ "https://track.customer.io:443:443/x", "/x", NULL },
	{ "https://track.customer.io:0443/x", "/x", NULL },
	{ "http://track.customer.io/x", "/x", NULL },
	{ "http://track.customer.io:443/x", "/x", NULL },
	{ "ftp://track.customer.io/x", "/x", NULL },
	{ "//track.customer.io/x", "/x", NULL },
	{ "/x", "/x", NULL },
	{ "", "", NULL },
	{ " https://track.customer.io/x", "/x", NULL },
	{ "https:/track.customer.io/x", "/x", NULL },
	{ "https", "", NULL },
	/* another path */
	{ "https://track.customer.io/y", "/x", NULL },
	{ "https://track.customer.io/x/", "/x", NULL },
	{ "https://track.customer.io/", "/x", NULL },
	{ "https://track.customer.io", "/x", NULL },
	{ "https://track.customer.io/x?a=b", "/x", NULL },
	{ "https://track.customer.io/x#f", "/x", NULL },
	{ "https://track.customer.io/X", "/x", NULL },
	{ "https://track.customer.io/a/../x", "/x", NULL },
	{ "https://track.customer.io//x", "/x", NULL },
	/* control characters */
	{ "https://track.customer.io\r\n/x", "/x", NULL },
	{ "https://track.customer.io/x\r\n", "/x", NULL },
	{ "https://evil.com\t.customer.io/x", "/x", NULL },
	{ "https://track\x01.customer.io/x", "/x", NULL },
};

START_TEST(redirect)
{
	char out[64] = "untouched";
	int result = reply_redirect(redirects[_i].location, redirects[_i].path, out, sizeof out);

	ck_assert_int_eq(result, redirects[_i].base ? 0 : -1);
	ck_assert_str_eq(out, redirects[_i].base ? redirects[_i].base : "untouched");
}
END_TEST

/* The base fits to the byte, or it is refused. */
START_TEST(redirect_size)
{
	char out[64];

	ck_assert_int_eq(reply_redirect("https://customer.io/x", "/x", out,
	                     sizeof "https://customer.io"),
	    0);
	ck_assert_int_eq(reply_redirect("https://customer.io/x", "/x", out,
	                     sizeof "https://customer.io" - 1),
	    -1);
}
END_TEST

/* A host's name has at most 253 bytes. */
START_TEST(redirect_long_name)
{
	char out[512];

	for (size_t before = 238; before < 246; before++) {
		size_t n;
		char *location = repeated("https://", "a", before, ".customer.io", &n);
		ck_assert_int_eq(reply_redirect(location, "", out, sizeof out),
		    before + strlen(".customer.io") <= 253 ? 0 : -1);
		free(location);
	}
}
END_TEST

static const struct {
	const char *body;
	const char *url, *region;
} regions[] = {
	{ "{\"url\":\"https://track.customer.io\",\"region\":\"us\",\"environment_id\":3}",
	    "https://track.customer.io", "us" },
	{ "{\"url\":\"https://track-eu.customer.io\",\"region\":\"eu\"}",
	    "https://track-eu.customer.io", "eu" },
	{ "{\"url\":\"https://Track-EU.customer.io\"}", "https://track-eu.customer.io", "" },
	{ "{\"url\":\"https://track.customer.io\",\"region\":\"fifteen-letters\"}",
	    "https://track.customer.io", "fifteen-letters" },
	{ "{\"url\":\"https://track.customer.io\",\"region\":\"sixteen--letters\"}", NULL, NULL },
	{ "{\"url\":\"https://evil.com\",\"region\":\"us\"}", NULL, NULL },
	{ "{\"url\":\"http://track.customer.io\",\"region\":\"us\"}", NULL, NULL },
	{ "{\"url\":\"https://track.customer.io/x\",\"region\":\"us\"}", NULL, NULL },
	{ "{\"url\":\"https://track.customer.io\\u0000.evil.com\",\"region\":\"us\"}", NULL, NULL },
	{ "{\"url\":\"https://track.customer.io\",\"region\":\"\\u001b[2J\"}", NULL, NULL },
	{ "{\"url\":\"https://track.customer.io\",\"region\":\"more than there is room for\"}",
	    NULL, NULL },
	{ "{\"url\":\"https://track.customer.io\",\"region\":4}", NULL, NULL },
	{ "{\"url\":7,\"region\":\"us\"}", NULL, NULL },
	{ "{\"region\":\"us\"}", NULL, NULL },
	{ "{}", NULL, NULL },
	{ "", NULL, NULL },
	{ "[\"https://track.customer.io\"]", NULL, NULL },
	{ "<html>", NULL, NULL },
};

START_TEST(region_answer)
{
	char url[40], region[16];
	struct reply r = answer(200, regions[_i].body, strlen(regions[_i].body));

	if (!regions[_i].url) {
		ck_assert_int_eq(reply_region(&r, url, sizeof url, region, sizeof region), -1);
		return;
	}
	ck_assert_int_eq(reply_region(&r, url, sizeof url, region, sizeof region), 0);
	ck_assert_str_eq(url, regions[_i].url);
	ck_assert_str_eq(region, regions[_i].region);
}
END_TEST

Suite *reply_suite(void)
{
	Suite *suite = suite_create("reply");
	TCase *t = tcase_create("reply");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, verdict, 0, COUNT(verdicts));
	tcase_add_loop_test(t, reason, 0, COUNT(reasons));
	tcase_add_loop_test(t, long_reason, 0, 8);
	tcase_add_loop_test(t, hostile, 0, 14);
	tcase_add_loop_test(t, foreign_answer, 0, COUNT(pages));
	tcase_add_test(t, object_or_not);
	tcase_add_test(t, garbled_answer);
	tcase_add_loop_test(t, trouble, 0, COUNT(troubles));
	tcase_add_test(t, a_redirect_has_a_place);
	tcase_add_test(t, a_machine_at_its_end);
	tcase_add_loop_test(t, refused_operations, 0, COUNT(refusals));
	tcase_add_loop_test(t, redirect, 0, COUNT(redirects));
	tcase_add_test(t, redirect_size);
	tcase_add_test(t, redirect_long_name);
	tcase_add_loop_test(t, region_answer, 0, COUNT(regions));
	suite_add_tcase(suite, t);
	return suite;
}
