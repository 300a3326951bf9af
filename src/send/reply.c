/* Statuses and bodies to a verdict; what the server says is looked for in each shape that it has.
 * */
#include "send/reply.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/buf.h"
#include "send/endpoint.h"
#include "base/os.h"

/* A status outside 100 to 599 is treated as a server's error (RFC 9110, section 15). */
static bool is_trouble(int status)
{
	return status < 100 || status >= 500;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* A web page: by what it is said to be, or by its first byte (after a byte-order mark). */
static bool is_page(const struct reply *r)
{
	static const char *const types[] = { "text/html", "application/xhtml+xml" };
	const char *p = r->body ? r->body : "", *end = p + r->body_len;

	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (r->type && strncasecmp(r->type, types[i], strlen(types[i])) == 0)
			return true;
	if (r->body_len >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
		p += 3;
	while (p < end && is_space(*p))
		p++;
	return p < end && *p == '<';
}

/* Whether a 2xx is plainly not the API's: a web page, as login pages and wrong addresses have them,
 * or a body that cannot be read. */
static bool is_foreign(const struct reply *r)
{
	return r->garbled || is_page(r);
}

static enum verdict success_verdict(const struct reply *r, enum blame blame)
{
	if (is_foreign(r))
		return VERDICT_FOREIGN;
	return blame == BLAME_NAMED && r->status == 207 ? VERDICT_PARTLY : VERDICT_ACCEPTED;
}

enum verdict reply_verdict(const struct reply *r, enum blame blame, size_t operations)
{
	if (r->transport == TRANSPORT_MACHINE)
		return VERDICT_MACHINE;
	if (is_trouble(r->status))
		return VERDICT_TRANSIENT;
	if (r->status >= 200 && r->status < 300)
		return success_verdict(r, blame);
	switch (r->status) {
	case 300:
	case 303:
	case 305:
		return VERDICT_ASTRAY;
	case 301:
	case 302:
	case 307:
	case 308:
		return r->location ? VERDICT_MOVED : VERDICT_ASTRAY;
	case 401:
		return VERDICT_UNAUTHORISED;
	case 403:
		return VERDICT_FORBIDDEN;
	case 407:
		return VERDICT_PROXY;
	case 408:
		return VERDICT_TRANSIENT;
	case 429:
		return VERDICT_THROTTLED;
	case 400:
	case 413:
		return blame != BLAME_ONE && operations > 1 ? VERDICT_CUT : VERDICT_REFUSED;
	default:
		return VERDICT_REFUSED;
	}
}

bool reply_is_up(const struct reply *r, enum verdict verdict)
{
	return !is_trouble(r->status) && verdict != VERDICT_FOREIGN;
}

static json_t *parse(const struct reply *r)
{
	return r->body ? json_loadb(r->body, r->body_len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL) :
	                 NULL;
}

enum verdict reply_check_verdict(const struct reply *r)
{
	enum verdict verdict = reply_verdict(r, BLAME_ONE, 1);

	if (verdict != VERDICT_ACCEPTED)
		return verdict;
	json_t *root = parse(r);
	bool object = json_is_object(root);
	json_decref(root);
	return object ? VERDICT_ACCEPTED : VERDICT_FOREIGN;
}

void reply_trouble(const struct reply *r, enum verdict verdict, char out[REPLY_TROUBLE_MAX])
{
	if (!r->status)
		snprintf(out, REPLY_TROUBLE_MAX, "%s", r->error ? r->error : "no answer");
	else if (verdict != VERDICT_FOREIGN)
		snprintf(out, REPLY_TROUBLE_MAX, "status %d", r->status);
	else
		snprintf(out, REPLY_TROUBLE_MAX,
		    "status %d, but %s: not the API answers (a login page, a proxy, a wrong "
		    "address?)",
		    r->status,
		    r->garbled     ? "a body that cannot be read" :
		        is_page(r) ? "a web page" :
		                     "no JSON object");
}

/* Text that stops growing once it is longer than any reason may be. */
static void add_text(struct buf *to, const char *text, size_t n)
{
	size_t room = REPLY_REASON_MAX + 1 - to->len;

	buf_add(to, text, n < room ? n : room);
}

static bool is_text(const json_t *v)
{
	return json_is_string(v) && json_string_length(v) > 0;
}

/* Adds a string as one more reason: true if it is one. */
static bool add_string(struct buf *to, const json_t *v)
{
	if (!is_text(v))
		return false;
	if (to->len > 0)
		add_text(to, "; ", 2);
	add_text(to, json_string_value(v), json_string_length(v));
	return true;
}

/* The first text of an entry under one of these names; NULL: there is none. */
static const json_t *text_of(const json_t *entry, const char *const names[], size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const json_t *v = json_object_get(entry, names[i]);
		if (is_text(v))
			return v;
	}
	return NULL;
}

/* Adds {"field", "reason", "message"}, or {"source": {"pointer"}, "detail"}, as "field: message",
 * without the field where the message names it anyway. */
static bool add_entry(struct buf *to, const json_t *entry)
{
	static const char *const texts[] = { "message", "detail", "reason" };
	const json_t *field = json_object_get(entry, "field"), *text = text_of(entry, texts, 3);

	if (!is_text(field))
		field = json_object_get(json_object_get(entry, "source"), "pointer");
	if (!text)
		return add_string(to, field);
	if (is_text(field) && !strstr(json_string_value(text), json_string_value(field)) &&
	    add_string(to, field)) {
		add_text(to, ": ", 2);
		add_text(to, json_string_value(text), json_string_length(text));
		return true;
	}
	return add_string(to, text);
}

/* Adds a list of strings or entries, or one alone: true if there was any. */
static bool add_list(struct buf *to, const json_t *list)
{
	bool any = false;

	if (!json_is_array(list))
		return add_string(to, list) || add_entry(to, list);
	for (size_t i = 0; i < json_array_size(list) && to->len <= REPLY_REASON_MAX; i++) {
		const json_t *one = json_array_get(list, i);
		any |= add_string(to, one) || add_entry(to, one);
	}
	return any;
}

static bool add_reasons(struct buf *to, const json_t *root)
{
	const json_t *meta = json_object_get(root, "meta");

	return add_list(to, json_object_get(meta, "errors")) ||
	    add_list(to, json_object_get(meta, "error")) ||
	    add_list(to, json_object_get(root, "errors")) ||
	    add_list(to, json_object_get(root, "error")) ||
	    add_string(to, json_object_get(root, "message")) || add_string(to, root) ||
	    (json_is_array(root) && add_list(to, root));
}

/* Whether it is bytes that no text has: control characters, but for white space and escape
 * sequences. */
static bool is_binary(const char *body, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!body[i] ||
		    ((unsigned char)body[i] < ' ' && !strchr("\t\n\v\f\r\x1b", body[i])))
			return true;
	return false;
}

/* Where one of these words begins in a text, whatever its case; NULL: nowhere. */
static const char *find_word(const char *text, const char *end, const char *word)
{
	size_t n = strlen(word);

	for (; (size_t)(end - text) >= n; text++)
		if (strncasecmp(text, word, n) == 0)
			return text;
	return NULL;
}

/* What a web page says of itself, in place of all its markup: true if it does. */
static bool add_title(struct buf *to, const struct reply *r)
{
	const char *end = r->body + r->body_len, *from = find_word(r->body, end, "<title");

	if (!from || !(from = memchr(from, '>', (size_t)(end - from))))
		return false;
	const char *until = find_word(++from, end, "</title");
	for (; until && from < until && is_space(*from); from++)
		;
	for (; until && from < until && is_space(until[-1]); until--)
		;
	if (!until || from == until)
		return false;
	add_text(to, "a web page: ", 12);
	add_text(to, from, (size_t)(until - from));
	return true;
}

static void say_binary(struct buf *to, size_t n)
{
	buf_fmt(to, "the answer's body is no text (%zu byte%s)", n, n == 1 ? "" : "s");
}

/* Adds the body as it is, but for the white space around it. */
static void add_body(struct buf *to, const struct reply *r)
{
	const char *text = r->body;
	size_t n = r->body_len;

	if (is_binary(text, n)) {
		say_binary(to, n);
		return;
	}
	if (is_page(r) && add_title(to, r))
		return;
	for (; n > 0 && is_space(text[n - 1]); n--)
		;
	for (; n > 0 && is_space(text[0]); n--)
		text++;
	add_text(to, text, n);
}

/* Copies a reason out: cut before a character that would not be whole. */
static void give(const struct buf *reason, char out[REPLY_REASON_MAX + 4])
{
	size_t n = reason->len;

	if (n > REPLY_REASON_MAX) {
		n = REPLY_REASON_MAX;
		while (n > REPLY_REASON_MAX - 4 && ((unsigned char)reason->data[n] & 0xc0) == 0x80)
			n--;
	}
	for (size_t i = 0; i < n; i++)
		out[i] = reason->data[i] ? reason->data[i] : ' ';
	snprintf(out + n, sizeof "...", "%s", reason->len > REPLY_REASON_MAX ? "..." : "");
}

/* Whether it is JSON that has nothing in it: {}, [], null. */
static bool is_empty(const json_t *root)
{
	return json_is_null(root) || (json_is_object(root) && json_object_size(root) == 0) ||
	    (json_is_array(root) && json_array_size(root) == 0) ||
	    (json_is_string(root) && json_string_length(root) == 0);
}

void reply_reason(const struct reply *r, char out[REPLY_REASON_MAX + 4])
{
	struct buf reason;
	json_t *root = parse(r);

	buf_init(&reason, REPLY_REASON_MAX + 1);
	if (r->garbled)
		buf_str(&reason, "the answer's body is compressed, and cannot be decoded");
	else if (!add_reasons(&reason, root) && !is_empty(root) && r->body)
		add_body(&reason, r);
	give(&reason, out);
	buf_free(&reason);
	json_decref(root);
}

/* The operation that an entry of a 207 is about: true if it names one. */
static bool entry_index(const json_t *entry, size_t operations, size_t *index)
{
	const json_t *v = json_object_get(entry, "batch_index");

	if (!json_is_integer(v) || json_integer_value(v) < 0 ||
	    (uint64_t)json_integer_value(v) >= operations)
		return false;
	*index = (size_t)json_integer_value(v);
	return true;
}

static void refuse(const json_t *entry, size_t index, void (*refused)(size_t, const char *, void *),
    void *arg)
{
	struct buf reason;
	char text[REPLY_REASON_MAX + 4];

	buf_init(&reason, REPLY_REASON_MAX + 1);
	add_entry(&reason, entry);
	give(&reason, text);
	refused(index, text, arg);
	buf_free(&reason);
}

int reply_refusals(const struct reply *r, size_t operations,
    void (*refused)(size_t index, const char *reason, void *arg), void *arg)
{
	json_t *root = parse(r);
	const json_t *errors = json_object_get(root, "errors");
	int unusable = -1;

	if (json_is_array(errors)) {
		bool *seen = xcalloc(operations, sizeof *seen);
		unusable = 0;
		for (size_t i = 0; i < json_array_size(errors); i++) {
			const json_t *entry = json_array_get(errors, i);
			size_t index;
			if (!entry_index(entry, operations, &index)) {
				unusable++;
			} else if (!seen[index]) {
				seen[index] = true;
				refuse(entry, index, refused, arg);
			}
		}
		free(seen);
	}
	json_decref(root);
	return unusable;
}

/* Copies text that fits and could stand in a line of a log: 0 or -1. */
static int copy_plain(const json_t *v, char *out, size_t size)
{
	const char *text = json_string_value(v);
	size_t n = json_string_length(v);

	if (!text || n >= size)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return -1;
	memcpy(out, text, n + 1);
	return 0;
}

int reply_region(const struct reply *r, char *url, size_t url_size, char *region,
    size_t region_size)
{
	json_t *root = parse(r);
	const json_t *name = json_object_get(root, "region");
	char found[256];
	int result = -1;

	region[0] = '\0';
	if (copy_plain(json_object_get(root, "url"), found, sizeof found) == 0 &&
	    (!name || copy_plain(name, region, region_size) == 0))
		result = reply_redirect(found, "", url, url_size);
	json_decref(root);
	return result;
}

/* How many bytes of s are a host name: letters, digits, hyphens and dots. */
static size_t host_length(const char *s)
{
	return strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.");
}

/* customer.io, or something before a dot before it. */
static bool is_ours(const char *host, size_t n)
{
	static const char ours[] = ENDPOINT_DOMAIN;
	size_t len = sizeof ours - 1;

	if (n < len || n > 253 || strncasecmp(host + n - len, ours, len) != 0)
		return false;
	if (host[0] == '.' || os_find(host, n, "..", 2))
		return false;
	return n == len || host[n - len - 1] == '.';
}

int reply_redirect(const char *location, const char *path, char *out, size_t size)
{
	static const char scheme[] = "https://";
	size_t before = sizeof scheme - 1;

	if (strncasecmp(location, scheme, before) != 0)
		return -1;
	const char *host = location + before;
	size_t n = host_length(host);
	const char *rest = host + n;
	if (strncmp(rest, ":443", 4) == 0)
		rest += 4;
	if (!is_ours(host, n) || strcmp(rest, path) != 0 || before + n + 1 > size)
		return -1;
	memcpy(out, scheme, before);
	for (size_t i = 0; i < n; i++)
		out[before + i] = host[i] >= 'A' && host[i] <= 'Z' ? (char)(host[i] + 'a' - 'A') :
		                                                     host[i];
	out[before + n] = '\0';
	return 0;
}

/* --- messages --- */

const char *reply_sent_as(const struct reply *r, char out[REPLY_ID_MAX])
{
	json_t *root = parse(r);
	const json_t *id = json_object_get(root, "id"),
	             *delivery = json_object_get(root, "delivery_id");
	const char *name = NULL;

	if (json_is_string(delivery) && json_string_length(delivery) < REPLY_ID_MAX) {
		snprintf(out, REPLY_ID_MAX, "%s", json_string_value(delivery));
		name = "delivery_id";
	} else if (json_is_integer(id)) {
		snprintf(out, REPLY_ID_MAX, "%" JSON_INTEGER_FORMAT, json_integer_value(id));
		name = "trigger_id";
	}
	json_decref(root);
	return name;
}

/* --- reading back --- */

struct reply_people *reply_people_new(const struct reply *r)
{
	json_t *root = parse(r);

	if (json_is_array(json_object_get(root, "customers")))
		return (struct reply_people *)root;
	json_decref(root);
	return NULL;
}

void reply_people_free(struct reply_people *p)
{
	json_decref((json_t *)p);
}

static bool same_identifier(const json_t *has, enum id_type type, const char *id, size_t n)
{
	const char *text = json_string_value(has);

	if (!text || json_string_length(has) != n)
		return false;
	return type == ID_EMAIL ? strncasecmp(text, id, n) == 0 : memcmp(text, id, n) == 0;
}

/* By its identifiers, or where these are missing by what else tells. */
static bool is_person(const json_t *customer, enum id_type type, const char *id, size_t n)
{
	const json_t *named = json_object_get(customer, "identifiers"),
	             *attributes = json_object_get(customer, "attributes");
	const char *name = id_type_names[type];

	if (json_is_object(named))
		return same_identifier(json_object_get(named, name), type, id, n);
	return same_identifier(json_object_get(type == ID_ID ? customer : attributes, name), type,
	    id, n);
}

const struct reply_person *reply_person(const struct reply_people *p, enum id_type type,
    const char *id, size_t n)
{
	const json_t *all = json_object_get((const json_t *)p, "customers"), *one;
	size_t i;

	json_array_foreach(all, i, one)
	{
		const json_t *customer = json_object_get(one, "customer");
		if (is_person(customer, type, id, n))
			return (const struct reply_person *)customer;
	}
	return NULL;
}

const char *reply_attribute(const struct reply_person *p, const char *name, size_t n, size_t *len)
{
	const json_t *customer = (const json_t *)p;
	const json_t *value = json_object_getn(json_object_get(customer, "attributes"), name, n);

	if (!value && n == strlen("unsubscribed") && memcmp(name, "unsubscribed", n) == 0) {
		const json_t *state = json_object_get(customer, "unsubscribed");
		*len = json_is_true(state) ? 4 : 5;
		return json_is_boolean(state) ? json_is_true(state) ? "true" : "false" : NULL;
	}
	*len = json_string_length(value);
	return json_string_value(value);
}

bool reply_same_json(const char *a, size_t a_len, const char *b, size_t b_len)
{
	size_t how = JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL;
	json_t *x = json_loadb(a, a_len, how, NULL), *y = json_loadb(b, b_len, how, NULL);
	bool same = x && y && json_equal(x, y);

	json_decref(x);
	json_decref(y);
	return same;
}
