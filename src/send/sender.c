/* The one file that knows libcurl: a table of easy handles under one multi handle. */
#include "send/sender.h"

#include <curl/curl.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "send/endpoint.h"
#include "base/os.h"
#include "base/version.h"

#define KEEP_ANSWER 65536 /* storage for an answer that a slot keeps */
/* bytes of a large body that are given to the kernel at once; curl has 65,536 */
#define LARGE_PIECE 262144L
#define MOST_PIECES 64 /* of bodies, sent before the caller is heard again */

/* One request in flight, with what is kept from one to the next. */
struct slot {
	CURL *easy;
	void *owner;                      /* NULL: free */
	struct curl_slist *retry_headers; /* of a retry: the common ones and X-Retry-Count */
	char *target; /* path with the base, or the base's own path, before it */
	struct buf answer;
	int64_t started;
	size_t body_len;
	int method;    /* the one that the easy handle is set to */
	unsigned sent; /* how often curl was about to write the request */
	char error[CURL_ERROR_SIZE];
	char *location;
};

/* Bases that were used: curl may still look at an older one. */
struct base {
	CURLU *url;
	char *text;   /* scheme and host */
	char *prefix; /* the path that every request's path is put behind; "" mostly */
	struct base *older;
};

struct sender {
	CURLM *multi;
	struct slot *slots;
	unsigned slot_count, in_flight;
	struct base *base;
	struct curl_slist *headers;
	/* there may be one: curl is given whole URLs, and says itself what goes where */
	bool proxies;
	/* curl's sockets, from `first_socket` on; before them the caller's */
	struct pollfd *polls;
	size_t poll_count, poll_cap;
	/* those that had something, copied: curl changes `polls` while it is served */
	struct pollfd *ready;
	int64_t curl_due; /* when curl wants to be called, us; INT64_MAX: never */
	bool broken;      /* curl failed as a whole: it is not called again */
};

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *place)
{
	struct sender *s = arg;
	size_t i = (size_t)(uintptr_t)place; /* 1 + its index */

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (i == 0)
			return 0;
		s->polls[i - 1] = s->polls[--s->poll_count];
		if (i - 1 < s->poll_count)
			curl_multi_assign(s->multi, s->polls[i - 1].fd, (void *)(uintptr_t)i);
		return 0;
	}
	if (i == 0) {
		if (s->poll_count == s->poll_cap) {
			s->poll_cap = s->poll_cap ? s->poll_cap * 2 : 16;
			s->polls = xrealloc(s->polls, s->poll_cap * sizeof *s->polls);
			s->ready = xrealloc(s->ready, s->poll_cap * sizeof *s->ready);
		}
		i = ++s->poll_count;
		s->polls[i - 1].fd = fd;
		curl_multi_assign(s->multi, fd, (void *)(uintptr_t)i);
	}
	s->polls[i - 1].events = (short)((what & CURL_POLL_IN ? POLLIN : 0) |
	    (what & CURL_POLL_OUT ? POLLOUT : 0));
	return 0;
}

static int on_timer(CURLM *multi, long timeout_ms, void *arg)
{
	struct sender *s = arg;

	(void)multi;
	s->curl_due = timeout_ms < 0 ? INT64_MAX : clock_now() + timeout_ms * 1000;
	return 0;
}

static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
	struct slot *slot = arg;
	size_t room = REPLY_BODY_MAX - slot->answer.len, all = size * n;

	buf_add(&slot->answer, data, all < room ? all : room);
	return all; /* the rest is read and dropped */
}

/* curl calls this each time that it is about to write the request. The second time is curl's own
 * try on a new connection after a kept-alive one turned out dead: it would pass by the bucket. */
static int on_request(void *arg, char *ip, char *local_ip, int port, int local_port)
{
	struct slot *slot = arg;

	(void)ip, (void)local_ip, (void)port, (void)local_port;
	return slot->sent++ == 0 ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

static int prepare_slot(struct sender *s, struct slot *slot, const struct sender_config *c)
{
	long ms = (long)((c->timeout_us + 999) / 1000);
	CURL *e = slot->easy = curl_easy_init();
	CURLcode bad = e ? CURLE_OK : CURLE_OUT_OF_MEMORY;

	if (!e)
		return -1;
	buf_init(&slot->answer, REPLY_BODY_MAX + 1);
	slot->method = -1;
	bad |= curl_easy_setopt(e, CURLOPT_PRIVATE, slot);
	bad |= curl_easy_setopt(e, CURLOPT_ERRORBUFFER, slot->error);
	bad |= curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
	bad |= curl_easy_setopt(e, CURLOPT_WRITEDATA, slot);
	bad |= curl_easy_setopt(e, CURLOPT_PREREQFUNCTION, on_request);
	bad |= curl_easy_setopt(e, CURLOPT_PREREQDATA, slot);
	bad |= curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	bad |= curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, ms);
	bad |= curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, ms);
	bad |= curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	bad |= curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	bad |= curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	bad |= curl_easy_setopt(e, CURLOPT_HTTPHEADER, s->headers);
	bad |= curl_easy_setopt(e, CURLOPT_PATH_AS_IS, 1L);
	if (c->large_bodies)
		bad |= curl_easy_setopt(e, CURLOPT_UPLOAD_BUFFERSIZE, LARGE_PIECE);
	if (c->ca_file)
		bad |= curl_easy_setopt(e, CURLOPT_CAINFO, c->ca_file);
	if (c->proxy)
		bad |= curl_easy_setopt(e, CURLOPT_PROXY, c->proxy);
	return bad ? -1 : 0;
}

static void base64(struct buf *out, const char *text)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t n = strlen(text);

	for (size_t i = 0; i < n; i += 3) {
		unsigned char a = (unsigned char)text[i],
		              b = i + 1 < n ? (unsigned char)text[i + 1] : 0,
		              c = i + 2 < n ? (unsigned char)text[i + 2] : 0;
		buf_byte(out, digits[a >> 2]);
		buf_byte(out, digits[(a & 3) << 4 | b >> 4]);
		buf_byte(out, i + 1 < n ? digits[(b & 15) << 2 | c >> 6] : '=');
		buf_byte(out, i + 2 < n ? digits[c & 63] : '=');
	}
}

static int add_header(struct curl_slist **list, const char *line)
{
	struct curl_slist *longer = curl_slist_append(*list, line);

	if (!longer)
		return -1;
	*list = longer;
	return 0;
}

/* Few short headers in one kept list: each byte of a request's head costs. The Authorization line
 * is made once; with CURLOPT_USERPWD curl makes it for each request. */
static int make_headers(struct sender *s, const struct sender_config *c)
{
	struct buf plain = { .max = 4096 }, line = { .max = 8192 };
	int result;

	buf_fmt(&plain, "%s:%s", c->user, c->password);
	buf_byte(&plain, '\0');
	buf_str(&line, "Authorization: Basic ");
	if (!plain.over)
		base64(&line, plain.data);
	buf_byte(&line, '\0');
	result = plain.over || line.over ? -1 : add_header(&s->headers, line.data);
	if (result == 0)
		result = add_header(&s->headers, "User-Agent: cio-import/" VERSION) |
		    add_header(&s->headers, "Content-Type: application/json") |
		    add_header(&s->headers, "Accept:") | add_header(&s->headers, "Expect:");
	buf_free(&plain);
	buf_free(&line);
	return result;
}

int sender_rebase(struct sender *s, const char *base, struct reason *why)
{
	struct base *b = xcalloc(1, sizeof *b);
	char *path = NULL;
	CURLUcode bad = CURLUE_OUT_OF_MEMORY;

	b->url = curl_url();
	if (b->url)
		bad = curl_url_set(b->url, CURLUPART_URL, base, 0);
	if (!bad)
		bad = curl_url_get(b->url, CURLUPART_PATH, &path, 0);
	if (bad) {
		curl_url_cleanup(b->url);
		free(b);
		if (bad == CURLUE_OUT_OF_MEMORY)
			return reason_set(why,
			    "libcurl has no memory for the server's address: free some, and run "
			    "again");
		return reason_set(why, "%s: is not a usable address: give one such as %s", base,
		    "https://track." ENDPOINT_DOMAIN);
	}
	b->text = xstrdup(base);
	b->prefix = xstrdup(strcmp(path, "/") == 0 ? "" : path);
	curl_free(path);
	b->older = s->base;
	s->base = b;
	return 0;
}

const char *sender_base(const struct sender *s)
{
	return s->base->text;
}

struct sender *sender_new(const struct sender_config *c, struct reason *why)
{
	struct sender *s = xcalloc(1, sizeof *s);

	s->curl_due = INT64_MAX;
	s->slot_count = c->slots;
	s->slots = xcalloc(c->slots, sizeof *s->slots);
	s->proxies = !c->proxy;
	if (sender_rebase(s, c->base, why) != 0)
		goto fail;
	s->multi = curl_multi_init();
	if (!s->multi || make_headers(s, c) != 0)
		goto fail_curl;
	curl_multi_setopt(s->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(s->multi, CURLMOPT_SOCKETDATA, s);
	curl_multi_setopt(s->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	curl_multi_setopt(s->multi, CURLMOPT_TIMERDATA, s);
	curl_multi_setopt(s->multi, CURLMOPT_MAXCONNECTS, (long)c->slots);
	for (unsigned i = 0; i < c->slots; i++)
		if (prepare_slot(s, &s->slots[i], c) != 0)
			goto fail_curl;
	return s;
fail_curl:
	reason_set(why,
	    "libcurl cannot be set up: it has no memory, or SSL_CERT_FILE or a proxy variable is "
	    "not usable");
fail:
	sender_free(s);
	return NULL;
}

void sender_free(struct sender *s)
{
	if (!s)
		return;
	for (unsigned i = 0; i < s->slot_count; i++) {
		struct slot *slot = &s->slots[i];
		if (slot->owner)
			curl_multi_remove_handle(s->multi, slot->easy);
		curl_easy_cleanup(slot->easy);
		curl_slist_free_all(slot->retry_headers);
		buf_free(&slot->answer);
		free(slot->target);
		free(slot->location);
	}
	curl_multi_cleanup(s->multi);
	curl_slist_free_all(s->headers);
	while (s->base) {
		struct base *older = s->base->older;
		curl_url_cleanup(s->base->url);
		free(s->base->text);
		free(s->base->prefix);
		free(s->base);
		s->base = older;
	}
	free(s->polls);
	free(s->ready);
	free(s->slots);
	free(s);
}

unsigned sender_free_slots(const struct sender *s)
{
	return s->slot_count - s->in_flight;
}

unsigned sender_in_flight(const struct sender *s)
{
	return s->in_flight;
}

static int set_method(struct slot *slot, enum method method, bool has_body)
{
	CURL *e = slot->easy;
	int wanted = (int)method * 2 + has_body;
	CURLcode bad = CURLE_OK;

	if (slot->method == wanted)
		return 0;
	if (has_body || method == METHOD_POST)
		bad |= curl_easy_setopt(e, CURLOPT_POST, 1L);
	else
		bad |= curl_easy_setopt(e, CURLOPT_HTTPGET, 1L);
	bad |= curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST,
	    method == METHOD_PUT        ? "PUT" :
	        method == METHOD_DELETE ? "DELETE" :
	                                  NULL);
	slot->method = bad ? -1 : wanted;
	return bad ? -1 : 0;
}

/* What stands in the request line: mostly the path itself. */
static const char *make_target(struct sender *s, struct slot *slot, const char *path)
{
	const char *before = s->proxies ? s->base->text : s->base->prefix;
	size_t n = strlen(before), m = strlen(path);

	if (n == 0)
		return path;
	slot->target = xrealloc(slot->target, n + m + 1);
	memcpy(slot->target, before, n);
	memcpy(slot->target + n, path, m + 1);
	return slot->target;
}

/* Where the request goes. The base's URL was taken apart once; a whole one is so for each
 * request. */
static CURLcode set_target(struct sender *s, struct slot *slot, const char *path)
{
	const char *target = make_target(s, slot, path);

	if (s->proxies)
		return curl_easy_setopt(slot->easy, CURLOPT_URL, target);
	CURLcode bad = curl_easy_setopt(slot->easy, CURLOPT_CURLU, s->base->url);
	return bad ? bad : curl_easy_setopt(slot->easy, CURLOPT_REQUEST_TARGET, target);
}

static int set_retry_header(struct sender *s, struct slot *slot, unsigned attempt)
{
	char line[40];

	if (!attempt && !slot->retry_headers)
		return 0;
	curl_slist_free_all(slot->retry_headers);
	slot->retry_headers = NULL;
	if (!attempt)
		return curl_easy_setopt(slot->easy, CURLOPT_HTTPHEADER, s->headers) ? -1 : 0;
	for (struct curl_slist *h = s->headers; h; h = h->next)
		if (add_header(&slot->retry_headers, h->data) != 0)
			return -1;
	snprintf(line, sizeof line, "X-Retry-Count: %u", attempt);
	if (add_header(&slot->retry_headers, line) != 0)
		return -1;
	return curl_easy_setopt(slot->easy, CURLOPT_HTTPHEADER, slot->retry_headers) ? -1 : 0;
}

static struct slot *free_slot(struct sender *s)
{
	unsigned i = 0;

	while (s->slots[i].owner)
		i++;
	return &s->slots[i];
}

/* For want of memory, mostly. libcurl 7.88 may crash when it is called again after that. */
static int curl_failed(struct sender *s, CURLMcode bad, struct reason *why)
{
	s->broken = true;
	return reason_set(why,
	    "libcurl: %s: free some memory, or use a smaller --concurrency, and run again",
	    curl_multi_strerror(bad));
}

int sender_submit(struct sender *s, const struct sender_request *q, int64_t now, struct reason *why)
{
	struct slot *slot = free_slot(s);
	bool has_body = q->body != NULL;
	CURLcode bad = CURLE_OK;
	int running;

	if (set_method(slot, q->method, has_body) != 0 ||
	    set_retry_header(s, slot, q->attempt) != 0)
		bad = CURLE_OUT_OF_MEMORY;
	bad |= set_target(s, slot, q->path);
	if (has_body || q->method == METHOD_POST) {
		bad |= curl_easy_setopt(slot->easy, CURLOPT_POSTFIELDSIZE_LARGE,
		    (curl_off_t)q->body_len);
		bad |= curl_easy_setopt(slot->easy, CURLOPT_POSTFIELDS, has_body ? q->body : "");
	}
	if (bad)
		return reason_set(why,
		    "libcurl has no memory for another request: use a smaller --concurrency");
	buf_reset(&slot->answer);
	buf_trim(&slot->answer, KEEP_ANSWER);
	slot->owner = q->owner;
	slot->started = now;
	slot->body_len = q->body_len;
	slot->sent = 0;
	slot->error[0] = '\0';
	s->in_flight++;
	CURLMcode multi_bad = curl_multi_add_handle(s->multi, slot->easy);
	if (multi_bad == CURLM_OK)
		multi_bad = curl_multi_socket_action(s->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	return multi_bad == CURLM_OK ? 0 : curl_failed(s, multi_bad, why);
}

/* curl hands on what OpenSSL says: "OpenSSL/3.0.19: error:0A00010B:SSL routines::wrong version
 * number". */
static void shorten_tls_error(char error[CURL_ERROR_SIZE])
{
	const char *last = strstr(error, "::");
	char text[CURL_ERROR_SIZE];

	snprintf(text, sizeof text, "%s", last ? last + 2 : error);
	snprintf(error, CURL_ERROR_SIZE, "no TLS connection: %.200s", text);
}

static const char *transport_error(struct slot *slot, CURLcode code)
{
	if (slot->sent > 1)
		return "the server closed the connection";
	if (!slot->error[0])
		return curl_easy_strerror(code);
	if (code == CURLE_SSL_CONNECT_ERROR)
		shorten_tls_error(slot->error);
	return slot->error;
}

static void fill_reply(struct slot *slot, CURLcode code, struct reply *reply)
{
	long status = 0;
	curl_off_t retry_after = 0;
	char *location = NULL;

	curl_easy_getinfo(slot->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(slot->easy, CURLINFO_RETRY_AFTER, &retry_after);
	curl_easy_getinfo(slot->easy, CURLINFO_REDIRECT_URL, &location);
	free(slot->location);
	slot->location = location ? xstrdup(location) : NULL;
	buf_byte(&slot->answer, '\0');
	*reply = (struct reply){
		.status = code == CURLE_OK ? (int)status : 0,
		.error = code == CURLE_OK ? NULL : transport_error(slot, code),
		.body = slot->answer.data,
		.body_len = slot->answer.len - 1,
		.retry_after_us = retry_after > 0 ?
		    (int64_t)(retry_after < 1000000000 ? retry_after : 1000000000) * 1000000 :
		    -1,
		.location = slot->location,
		.started = slot->started,
		.sent_bytes = (int64_t)slot->body_len,
	};
}

int sender_next(struct sender *s, void **owner, struct reply *reply)
{
	CURLMsg *msg;
	int left;

	while ((msg = curl_multi_info_read(s->multi, &left))) {
		struct slot *slot = NULL;
		CURLcode code = msg->data.result;
		if (msg->msg != CURLMSG_DONE ||
		    curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &slot) || !slot)
			continue;
		fill_reply(slot, code, reply);
		*owner = slot->owner;
		curl_multi_remove_handle(s->multi, slot->easy);
		slot->owner = NULL;
		s->in_flight--;
		return 1;
	}
	return 0;
}

static int serve_curl(struct sender *s, struct reason *why)
{
	size_t n = 0;
	int running;
	CURLMcode bad = CURLM_OK;

	for (size_t i = 0; i < s->poll_count; i++)
		if (s->polls[i].revents)
			s->ready[n++] = s->polls[i];
	for (size_t i = 0; i < n && !bad; i++) {
		short got = s->ready[i].revents;
		int what = (got & (POLLIN | POLLHUP) ? CURL_CSELECT_IN : 0) |
		    (got & POLLOUT ? CURL_CSELECT_OUT : 0) |
		    (got & (POLLERR | POLLNVAL) ? CURL_CSELECT_ERR : 0);
		bad = curl_multi_socket_action(s->multi, s->ready[i].fd, what, &running);
	}
	if (!bad && clock_now() >= s->curl_due) {
		s->curl_due = INT64_MAX;
		bad = curl_multi_socket_action(s->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	}
	return bad ? curl_failed(s, bad, why) : 0;
}

/* The caller's descriptors ride behind curl's own for the one call. */
static nfds_t add_callers(struct sender *s, const int *fds, size_t n)
{
	size_t all = s->poll_count;

	if (all + n > s->poll_cap) {
		s->poll_cap = all + n + 16;
		s->polls = xrealloc(s->polls, s->poll_cap * sizeof *s->polls);
		s->ready = xrealloc(s->ready, s->poll_cap * sizeof *s->ready);
	}
	for (size_t i = 0; i < n; i++)
		if (fds[i] >= 0)
			s->polls[all++] = (struct pollfd){ .fd = fds[i], .events = POLLIN };
	return (nfds_t)all;
}

/* Waits for the first n of s->polls, and serves curl. How many had something, or -1 with *why. */
static int wait_for(struct sender *s, nfds_t n, int64_t us, struct reason *why)
{
	for (size_t i = 0; i < s->poll_count; i++)
		s->polls[i].revents = 0;
	int got = os_poll(s->polls, n, us);
	if (got < 0 && errno != EINTR)
		return reason_set(why, "waiting for the network failed: %s", strerror(errno));
	return serve_curl(s, why) ? -1 : got < 0 ? 0 : got;
}

static bool is_uploading(const struct sender *s)
{
	for (size_t i = 0; i < s->poll_count; i++)
		if (s->polls[i].events & POLLOUT)
			return true;
	return false;
}

int sender_wait(struct sender *s, int64_t until, const int *fds, size_t fd_count,
    struct reason *why)
{
	if (s->broken)
		return reason_set(why, "libcurl failed"); /* which has been said */
	int64_t due = until < s->curl_due ? until : s->curl_due, now = clock_now();
	int64_t left = due == INT64_MAX ? -1 : due > now ? due - now : 0;
	int got = wait_for(s, add_callers(s, fds, fd_count), left, why);
	/* A large body leaves in pieces. As long as they are taken nothing else is done: so few
	 * bodies are on their way at once, and what is written next is still in the processor's
	 * cache. */
	for (int piece = 0; got > 0 && piece < MOST_PIECES && is_uploading(s); piece++)
		got = wait_for(s, (nfds_t)s->poll_count, 0, why);
	return got < 0 ? -1 : 0;
}
