/* The one file that knows libcurl: a table of easy handles under one multi handle. */
#include "send/sender.h"

#include <curl/curl.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/words.h"
#include "send/endpoint.h"
#include "send/flight.h"
#include "send/head.h"
#include "send/proxy.h"
#include "base/os.h"
#include "base/version.h"

#define KEEP_ANSWER 65536 /* storage for an answer that a slot keeps */
/* bytes of a large body that are given to the kernel at once; curl has 65,536 */
#define LARGE_PIECE 262144L
#define MOST_PIECES 64               /* of bodies, sent before the caller is heard again */
#define BODY_MOST ((size_t)64 << 20) /* bytes of an answer that are read at all */
/* s: a connection that nobody used for so long is not used again. Servers and what stands before
 * them drop one after a minute or more, and then a request on it would fail. */
#define IDLE_MOST 30L
#define GRACE 100000 /* us that a request has when its time is over, to be heard once more */
#define AWAY 50000   /* us: who comes back to the sockets later than that did not listen */
/* bytes in a connection's queue, where nobody says how many of them have arrived: what it takes is
 * then not far ahead of what arrives */
#define SMALL_QUEUE 32768
#define LOOKS 16           /* at a large body that is on its way, in --timeout */
#define NEVER_MS 86400000L /* far longer than any --timeout is waited for */

/* Why a request was ended here, though curl would have gone on. */
enum given_up { NOT_GIVEN_UP, NO_CONNECTION, SILENT, HURRIED };

/* One request in flight, with what is kept from one to the next. */
struct slot {
	CURL *easy;                       /* NULL: was never needed */
	bool busy;                        /* a request is in it */
	void *owner;                      /* what comes back with the answer; may be NULL */
	struct curl_slist *retry_headers; /* of a retry: the common ones and X-Retry-Count */
	char *target;            /* path with the base, or the base's own path, before it */
	const struct base *base; /* where it goes */
	const char *proxy;       /* the one that the easy handle is set to */
	struct head head;
	struct buf answer;
	size_t body_seen; /* bytes of the answer's body so far */
	int64_t started;
	int64_t moved; /* when a byte was taken or came, or since when it connects */
	size_t body_len;
	size_t taken;  /* bytes of it that the other end had when last looked at, about */
	long unacked;  /* bytes of it in the kernel, when last looked at */
	int fd;        /* its socket; -1: none yet */
	int method;    /* the one that the easy handle is set to */
	unsigned sent; /* how often curl was about to write the request */
	int shortage;  /* errno of a socket that this machine could not give */
	bool late;     /* its time is over, but for the grace */
	bool patient;  /* curl's own timer for connecting was put off */
	enum given_up given_up;
	char error[CURL_ERROR_SIZE];
	char *location;
};

/* Bases that were used: curl may still look at an older one. */
struct base {
	CURLU *url;
	char *text;   /* scheme and host */
	char *prefix; /* the path that every request's path is put behind; "" mostly */
	struct proxy proxy;
	struct base *older;
};

struct sender {
	CURLM *multi;
	struct slot *slots;
	unsigned slot_count, in_flight;
	struct flight flight;
	unsigned given_up; /* of those in flight: how many wait to be told so */
	struct base *base;
	struct proxy_settings proxies;
	struct curl_slist *headers;
	char *ca_file; /* or NULL */
	bool large_bodies;
	int64_t timeout_us;
	/* curl's sockets, from `first_socket` on; before them the caller's */
	struct pollfd *polls;
	struct slot **owners; /* of curl's sockets */
	size_t poll_count, poll_cap;
	/* those that had something, copied: curl changes `polls` while it is served */
	struct pollfd *ready;
	int64_t curl_due; /* when curl wants to be called, us; INT64_MAX: never */
	/* when the first of those in flight may have been silent for too long, or has to be looked
	 * at */
	int64_t look_at;
	int64_t patience; /* when curl's timer for connecting must be put off; INT64_MAX: never */
	int64_t last_at;  /* when everything in flight ends; INT64_MAX: that is not known */
	int64_t heard;    /* when sockets were last read */
	uint64_t gone;    /* bytes of bodies whose requests have ended, not yet told to `flight` */
	int64_t listened; /* when sockets were last waited for */
	bool broken;      /* curl failed as a whole: it is not called again */
};

static void grow_polls(struct sender *s, size_t least)
{
	s->poll_cap = least + 16;
	s->polls = xrealloc(s->polls, s->poll_cap * sizeof *s->polls);
	s->ready = xrealloc(s->ready, s->poll_cap * sizeof *s->ready);
	s->owners = xrealloc(s->owners, s->poll_cap * sizeof *s->owners);
}

static void forget_socket(struct sender *s, size_t i)
{
	if (s->owners[i]->fd == s->polls[i].fd)
		s->owners[i]->fd = -1;
	s->polls[i] = s->polls[--s->poll_count];
	s->owners[i] = s->owners[s->poll_count];
	if (i < s->poll_count)
		curl_multi_assign(s->multi, s->polls[i].fd, (void *)(uintptr_t)(i + 1));
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *place)
{
	struct sender *s = arg;
	size_t i = (size_t)(uintptr_t)place; /* 1 + its index */

	if (what == CURL_POLL_REMOVE) {
		if (i > 0)
			forget_socket(s, i - 1);
		return 0;
	}
	if (i == 0) {
		if (s->poll_count == s->poll_cap)
			grow_polls(s, s->poll_cap * 2);
		i = ++s->poll_count;
		s->polls[i - 1].fd = fd;
		curl_multi_assign(s->multi, fd, (void *)(uintptr_t)i);
	}
	s->polls[i - 1].events = (short)((what & CURL_POLL_IN ? POLLIN : 0) |
	    (what & CURL_POLL_OUT ? POLLOUT : 0));
	curl_easy_getinfo(easy, CURLINFO_PRIVATE, &s->owners[i - 1]);
	s->owners[i - 1]->fd = fd;
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

	slot->body_seen += all;
	if (slot->body_seen > BODY_MOST)
		return 0; /* curl ends it */
	buf_add(&slot->answer, data, all < room ? all : room);
	return all; /* the rest is read and dropped */
}

static size_t on_head(char *line, size_t size, size_t n, void *arg)
{
	struct slot *slot = arg;

	return head_line(&slot->head, line, size * n) == 0 ? size * n : 0;
}

static curl_socket_t on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
	struct slot *slot = arg;
	int fd = socket(a->family, a->socktype, a->protocol), small = SMALL_QUEUE;

	(void)purpose;
	if (fd < 0) {
		slot->shortage = os_shortage(errno) ? errno : 0;
		return CURL_SOCKET_BAD;
	}
	if (os_unacknowledged(fd) < 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
	return fd;
}

/* curl calls this each time that it is about to write the request. The second time is curl's own
 * try on a new connection after a kept-alive one turned out dead: it would pass by the bucket. */
static int on_request(void *arg, char *ip, char *local_ip, int port, int local_port)
{
	struct slot *slot = arg;

	(void)ip, (void)local_ip, (void)port, (void)local_port;
	slot->moved = clock_now();
	return slot->sent++ == 0 ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

static int prepare_slot(struct sender *s, struct slot *slot)
{
	CURL *e = slot->easy = curl_easy_init();
	CURLcode bad = e ? CURLE_OK : CURLE_OUT_OF_MEMORY;

	if (!e)
		return -1;
	buf_init(&slot->answer, REPLY_BODY_MAX + 1);
	slot->method = -1;
	slot->patient = true; /* so that the timer is set */
	bad |= curl_easy_setopt(e, CURLOPT_PRIVATE, slot);
	bad |= curl_easy_setopt(e, CURLOPT_ERRORBUFFER, slot->error);
	bad |= curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
	bad |= curl_easy_setopt(e, CURLOPT_WRITEDATA, slot);
	bad |= curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_head);
	bad |= curl_easy_setopt(e, CURLOPT_HEADERDATA, slot);
	bad |= curl_easy_setopt(e, CURLOPT_PREREQFUNCTION, on_request);
	bad |= curl_easy_setopt(e, CURLOPT_PREREQDATA, slot);
	bad |= curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, on_open);
	bad |= curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, slot);
	bad |= curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	bad |= curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	bad |= curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	bad |= curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	bad |= curl_easy_setopt(e, CURLOPT_HTTPHEADER, s->headers);
	bad |= curl_easy_setopt(e, CURLOPT_PATH_AS_IS, 1L);
	bad |= curl_easy_setopt(e, CURLOPT_MAXAGE_CONN, IDLE_MOST);
	bad |= curl_easy_setopt(e, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	/* decoded where it comes, and (make_headers) not asked for */
	bad |= curl_easy_setopt(e, CURLOPT_ACCEPT_ENCODING, "");
	/* which proxy there is was read from the environment already */
	bad |= curl_easy_setopt(e, CURLOPT_PROXY, "");
	bad |= curl_easy_setopt(e, CURLOPT_NOPROXY, "");
	if (s->large_bodies)
		bad |= curl_easy_setopt(e, CURLOPT_UPLOAD_BUFFERSIZE, LARGE_PIECE);
	if (s->ca_file)
		bad |= curl_easy_setopt(e, CURLOPT_CAINFO, s->ca_file);
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

static int authorize(struct buf *line, const struct sender_config *c)
{
	struct buf plain = { .max = 4096 };

	buf_fmt(&plain, "%s:%s", c->user ? c->user : "", c->password);
	buf_byte(&plain, '\0');
	buf_str(line, c->user ? "Authorization: Basic " : "Authorization: Bearer ");
	if (!plain.over && c->user)
		base64(line, plain.data);
	else if (!plain.over)
		buf_str(line, c->password);
	buf_byte(line, '\0');
	bool over = plain.over || line->over;
	buf_free(&plain);
	return over ? -1 : 0;
}

/* Few short headers in one kept list: each byte of a request's head costs. The Authorization line
 * is made once; with CURLOPT_USERPWD curl makes it for each request. */
static int make_headers(struct sender *s, const struct sender_config *c)
{
	struct buf line = { .max = 8192 };
	int result = -1;

	if (authorize(&line, c) == 0)
		result = add_header(&s->headers, line.data);
	if (result == 0)
		result = add_header(&s->headers, "User-Agent: cio-import/" VERSION) |
		    add_header(&s->headers, "Content-Type: application/json") |
		    add_header(&s->headers, "Accept:") | add_header(&s->headers, "Expect:") |
		    add_header(&s->headers, "Accept-Encoding:");
	buf_free(&line);
	return result;
}

static void free_base(struct base *b)
{
	curl_url_cleanup(b->url);
	free(b->text);
	free(b->prefix);
	proxy_free(&b->proxy);
	free(b);
}

/* Takes its URL apart, once for all requests. */
static CURLUcode read_base(struct base *b, const char *base)
{
	char *path = NULL;
	CURLUcode bad = CURLUE_OUT_OF_MEMORY;

	b->url = curl_url();
	if (b->url)
		bad = curl_url_set(b->url, CURLUPART_URL, base, 0);
	if (!bad)
		bad = curl_url_get(b->url, CURLUPART_PATH, &path, 0);
	if (bad)
		return bad;
	b->text = xstrdup(base);
	b->prefix = xstrdup(strcmp(path, "/") == 0 ? "" : path);
	curl_free(path);
	return CURLUE_OK;
}

int sender_rebase(struct sender *s, const char *base, struct reason *why)
{
	struct base *b = xcalloc(1, sizeof *b);
	CURLUcode bad = read_base(b, base);
	int result = 0;

	if (bad == CURLUE_OUT_OF_MEMORY)
		result = reason_set(why,
		    "libcurl has no memory for the server's address: free some, and run again");
	else if (bad)
		result = reason_set(why, "%s: is not a usable address: give one such as %s", base,
		    "https://track." ENDPOINT_DOMAIN);
	else
		result = proxy_choose(&s->proxies, base, &b->proxy, why);
	if (result != 0) {
		free_base(b);
		return -1;
	}
	b->older = s->base;
	s->base = b;
	return 0;
}

const struct proxy *sender_proxy(const struct sender *s)
{
	return s->base->proxy.url ? &s->base->proxy : NULL;
}

const char *sender_base(const struct sender *s)
{
	return s->base->text;
}

/* As proxy_settings_read asks for it. */
static const char *from_environment(const char *name, const void *arg)
{
	(void)arg;
	return getenv(name);
}

/* 0 or -1: curl gives no more. */
static int set_up_multi(struct sender *s, const struct sender_config *c)
{
	s->multi = curl_multi_init();
	if (!s->multi || make_headers(s, c) != 0)
		return -1;
	curl_multi_setopt(s->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(s->multi, CURLMOPT_SOCKETDATA, s);
	curl_multi_setopt(s->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	curl_multi_setopt(s->multi, CURLMOPT_TIMERDATA, s);
	curl_multi_setopt(s->multi, CURLMOPT_MAXCONNECTS, (long)s->slot_count);
	return prepare_slot(s, &s->slots[0]); /* what is wrong with all of them is known now */
}

struct sender *sender_new(const struct sender_config *c, struct reason *why)
{
	struct sender *s = xcalloc(1, sizeof *s);

	s->curl_due = s->look_at = s->patience = s->last_at = INT64_MAX;
	s->listened = clock_now();
	s->slot_count = c->slots ? c->slots : SENDER_MOST;
	s->slots = xcalloc(s->slot_count, sizeof *s->slots);
	s->large_bodies = c->large_bodies;
	s->timeout_us = c->timeout_us;
	flight_init(&s->flight,
	    &(struct flight_config){ .fixed = c->slots,
	        .most = s->slot_count,
	        .pace = c->pace,
	        .bulky = c->large_bodies,
	        .timeout_us = c->timeout_us },
	    s->listened);
	s->ca_file = c->ca_file ? xstrdup(c->ca_file) : NULL;
	if (!c->proxy)
		proxy_settings_read(&s->proxies, from_environment, NULL);
	if (sender_rebase(s, c->base, why) != 0)
		goto fail;
	if (set_up_multi(s, c) == 0)
		return s;
	reason_set(why,
	    "libcurl cannot be set up: it has no memory, or SSL_CERT_FILE is not usable");
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
		if (slot->busy && !slot->given_up)
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
		free_base(s->base);
		s->base = older;
	}
	free(s->ca_file);
	free(s->polls);
	free(s->owners);
	free(s->ready);
	free(s->slots);
	free(s);
}

unsigned sender_free_slots(const struct sender *s)
{
	return flight_room(&s->flight);
}

int64_t sender_ready_at(const struct sender *s)
{
	return flight_ready_at(&s->flight);
}

double sender_speed(const struct sender *s)
{
	return flight_line(&s->flight);
}

unsigned sender_wanted(const struct sender *s)
{
	return flight_wanted(&s->flight);
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

/* What stands in the request line: mostly the path itself. A proxy is given whole URLs, and curl
 * says itself what goes where. */
static const char *make_target(struct slot *slot, const struct base *base, const char *path)
{
	const char *before = base->proxy.url ? base->text : base->prefix;
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
static CURLcode set_target(struct slot *slot, const struct base *base, const char *path)
{
	const char *target = make_target(slot, base, path);
	CURLcode bad = CURLE_OK;

	slot->base = base;
	if (slot->proxy != base->proxy.url) {
		slot->proxy = base->proxy.url;
		bad |= curl_easy_setopt(slot->easy, CURLOPT_PROXY, slot->proxy ? slot->proxy : "");
		bad |= curl_easy_setopt(slot->easy, CURLOPT_REQUEST_TARGET, NULL);
		bad |= curl_easy_setopt(slot->easy, CURLOPT_CURLU, NULL);
	}
	if (slot->proxy)
		return bad | curl_easy_setopt(slot->easy, CURLOPT_URL, target);
	bad |= curl_easy_setopt(slot->easy, CURLOPT_CURLU, base->url);
	return bad | curl_easy_setopt(slot->easy, CURLOPT_REQUEST_TARGET, target);
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

	while (s->slots[i].busy)
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

/* Everything that curl is told about a request. */
static CURLcode set_request(struct sender *s, struct slot *slot, const struct sender_request *q)
{
	bool has_body = q->body != NULL;
	CURLcode bad = CURLE_OK;

	if ((!slot->easy && prepare_slot(s, slot) != 0) ||
	    set_method(slot, q->method, has_body) != 0 ||
	    set_retry_header(s, slot, q->attempt) != 0)
		return CURLE_OUT_OF_MEMORY;
	bad |= set_target(slot, s->base, q->path);
	if (has_body || q->method == METHOD_POST) {
		bad |= curl_easy_setopt(slot->easy, CURLOPT_POSTFIELDSIZE_LARGE,
		    (curl_off_t)q->body_len);
		bad |= curl_easy_setopt(slot->easy, CURLOPT_POSTFIELDS, has_body ? q->body : "");
	}
	if (slot->patient)
		bad |= curl_easy_setopt(slot->easy, CURLOPT_CONNECTTIMEOUT_MS,
		    (long)((s->timeout_us + 999) / 1000));
	slot->patient = false;
	return bad;
}

static bool is_large(const struct slot *slot)
{
	return slot->body_len > CURL_MAX_WRITE_SIZE;
}

static void earlier(int64_t *due, int64_t at)
{
	if (at < *due)
		*due = at;
}

/* Just before curl's timer for connecting ends. */
static int64_t patience_of(const struct sender *s, const struct slot *slot)
{
	return slot->started + s->timeout_us - s->timeout_us / 100;
}

static void begin_slot(struct sender *s, struct slot *slot, const struct sender_request *q,
    int64_t now)
{
	buf_reset(&slot->answer);
	buf_trim(&slot->answer, KEEP_ANSWER);
	head_init(&slot->head);
	slot->busy = true;
	slot->owner = q->owner;
	slot->started = slot->moved = now;
	slot->body_len = q->body_len;
	slot->body_seen = 0;
	slot->taken = 0;
	slot->unacked = -1;
	slot->fd = -1;
	slot->sent = 0;
	slot->shortage = 0;
	slot->given_up = NOT_GIVEN_UP;
	slot->late = false;
	slot->error[0] = '\0';
	s->in_flight++;
	flight_started(&s->flight, now);
	earlier(&s->look_at, now + s->timeout_us / (is_large(slot) ? LOOKS : 1));
	earlier(&s->patience, patience_of(s, slot));
}

int sender_submit(struct sender *s, const struct sender_request *q, int64_t now, struct reason *why)
{
	struct slot *slot = free_slot(s);
	int running;

	if (set_request(s, slot, q) != CURLE_OK)
		return reason_set(why,
		    "libcurl has no memory for another request: use a smaller --concurrency");
	begin_slot(s, slot, q, now);
	CURLMcode multi_bad = curl_multi_add_handle(s->multi, slot->easy);
	if (multi_bad == CURLM_OK)
		multi_bad = curl_multi_socket_action(s->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	return multi_bad == CURLM_OK ? 0 : curl_failed(s, multi_bad, why);
}

/* -- what became of it -- */

/* curl hands on what OpenSSL says: "OpenSSL/3.0.19: error:0A00010B:SSL routines::wrong version
 * number". */
static void shorten_tls_error(char error[CURL_ERROR_SIZE])
{
	const char *last = strstr(error, "::");
	char text[CURL_ERROR_SIZE];

	snprintf(text, sizeof text, "%s", last ? last + 2 : error);
	snprintf(error, CURL_ERROR_SIZE, "no TLS connection: %.200s", text);
}

/* What curl or this room said about a request without a whole answer, but for the proxy. */
static void say_error(const struct sender *s, struct slot *slot, CURLcode code, struct buf *to)
{
	char time[WORDS_TIME];

	words_time(s->timeout_us, time);
	if (slot->given_up == NO_CONNECTION)
		buf_fmt(to, "no connection within %s (--timeout)", time);
	else if (slot->given_up == SILENT)
		buf_fmt(to, "no answer: nothing moved for %s (--timeout)", time);
	else if (slot->given_up == HURRIED)
		buf_fmt(to, "no whole answer within %s of the end of the run (--timeout)", time);
	else if (slot->sent > 1)
		buf_str(to, "the server closed the connection");
	else if (slot->head.bytes > HEAD_MAX || (code == CURLE_OUT_OF_MEMORY && slot->sent > 0))
		buf_fmt(to, "the answer's head is too large (over %zu KiB, or in one line)",
		    HEAD_MAX >> 10);
	else if (slot->body_seen > BODY_MOST)
		buf_fmt(to, "the answer is longer than %zu MiB", BODY_MOST >> 20);
	else if (code == CURLE_OK)
		buf_str(to, "the answer was cut off inside its head");
	else if (!slot->error[0])
		buf_str(to, curl_easy_strerror(code));
	else
		buf_str(to, slot->error);
}

/* A proxy's own failures begin with it; others say that it was there. */
static void say_failure(const struct sender *s, struct slot *slot, CURLcode code, long connect)
{
	const struct proxy *p = &slot->base->proxy;
	struct buf text = { .max = 4096 };
	/* until it has connected to the server */
	bool own = slot->sent == 0 && connect / 100 != 2;

	if (p->url && own)
		buf_fmt(&text, "the proxy %s (%s): ", p->shown, p->variable);
	if (p->url && own && connect)
		buf_fmt(&text, "it answered %ld to CONNECT", connect);
	else
		say_error(s, slot, code, &text);
	if (p->url && !own)
		buf_fmt(&text, " (through the proxy %s)", p->shown);
	snprintf(slot->error, sizeof slot->error, "%.*s", (int)text.len, text.data);
	buf_free(&text);
}

/* Whether two more descriptors are to be had: to look a name up takes some, and who looks it up
 * does not say that there were none. */
static bool has_descriptors(int *error)
{
	int fds[2];

	if (pipe(fds) != 0) {
		*error = errno;
		return false;
	}
	close(fds[0]);
	close(fds[1]);
	return true;
}

/* errno of what this machine lacks; 0: nothing. */
static int shortage(struct slot *slot, CURLcode code)
{
	long number = 0;
	int error = 0;

	if (slot->given_up || code == CURLE_OK)
		return 0;
	if (slot->shortage)
		return slot->shortage;
	curl_easy_getinfo(slot->easy, CURLINFO_OS_ERRNO, &number);
	if (os_shortage((int)number))
		return (int)number;
	if (code == CURLE_OUT_OF_MEMORY)
		return slot->sent > 0 ? 0 : ENOMEM; /* a head that is too large looks the same */
	if (code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_RESOLVE_PROXY)
		return has_descriptors(&error) ? 0 : error;
	return 0;
}

static void say_shortage(struct slot *slot, int number)
{
	snprintf(slot->error, sizeof slot->error,
	    "this machine has nothing left for another connection: %s: %s, or use a smaller "
	    "--concurrency, and run again",
	    strerror(number), os_shortage(number));
}

/* No whole answer came: says why, and whose fault it is. A CONNECT's 407 is an answer. */
static void fill_failure(const struct sender *s, struct slot *slot, CURLcode code,
    struct reply *reply)
{
	long connect = 0;
	int number = shortage(slot, code);

	if (code == CURLE_SSL_CONNECT_ERROR && slot->error[0])
		shorten_tls_error(slot->error);

	curl_easy_getinfo(slot->easy, CURLINFO_HTTP_CONNECTCODE, &connect);
	if (slot->sent == 0 && connect == 407) {
		reply->transport = TRANSPORT_ANSWERED;
		reply->status = 407;
		return;
	}
	reply->transport = number ? TRANSPORT_MACHINE : TRANSPORT_DOWN;
	reply->error = slot->error;
	if (number)
		say_shortage(slot, number);
	else
		say_failure(s, slot, code, connect);
}

static bool is_left(const struct slot *slot)
{
	long written = 0;

	curl_easy_getinfo(slot->easy, CURLINFO_REQUEST_SIZE, &written);
	return slot->sent > 1 || (slot->sent > 0 && written > 0);
}

static char *take_location(struct slot *slot)
{
	char *location = NULL;

	free(slot->location);
	curl_easy_getinfo(slot->easy, CURLINFO_REDIRECT_URL, &location);
	return slot->location = location ? xstrdup(location) : NULL;
}

static void fill_reply(const struct sender *s, struct slot *slot, CURLcode code,
    struct reply *reply)
{
	bool garbled = code == CURLE_BAD_CONTENT_ENCODING && slot->head.whole;
	bool whole = !slot->given_up && slot->head.whole && (code == CURLE_OK || garbled);
	long status = 0;

	if (garbled)
		buf_reset(&slot->answer);
	buf_byte(&slot->answer, '\0');
	*reply = (struct reply){
		.transport = TRANSPORT_ANSWERED,
		.body = slot->answer.data,
		.body_len = slot->answer.len - 1,
		.garbled = garbled,
		.type = slot->head.type[0] ? slot->head.type : NULL,
		.retry_after_us = whole ? head_wait(&slot->head, clock_wall()) : -1,
		.location = take_location(slot),
		.started = slot->started,
		.sent_bytes = (int64_t)slot->body_len,
		.left = is_left(slot),
	};
	if (!whole) {
		fill_failure(s, slot, code, reply);
		return;
	}
	curl_easy_getinfo(slot->easy, CURLINFO_RESPONSE_CODE, &status);
	reply->status = (int)status;
}

static void end_slot(struct sender *s, struct slot *slot, CURLcode code, void **owner,
    struct reply *reply)
{
	fill_reply(s, slot, code, reply);
	int64_t now = s->heard > slot->started ? s->heard : slot->started;
	if (reply->transport == TRANSPORT_ANSWERED)
		flight_answered(&s->flight, slot->started, slot->body_len, now);
	else
		flight_failed(&s->flight, now);
	s->gone += slot->body_len - slot->taken;
	*owner = slot->owner;
	slot->busy = false;
	s->in_flight--;
}

/* One of those that were given up here. */
static struct slot *next_given_up(struct sender *s)
{
	unsigned i = 0;

	while (!s->slots[i].busy || !s->slots[i].given_up)
		i++;
	s->given_up--;
	return &s->slots[i];
}

int sender_next(struct sender *s, void **owner, struct reply *reply)
{
	CURLMsg *msg;
	int left;

	if (s->given_up) {
		end_slot(s, next_given_up(s), CURLE_OK, owner, reply);
		return 1;
	}
	while ((msg = curl_multi_info_read(s->multi, &left))) {
		struct slot *slot = NULL;
		CURLcode code = msg->data.result;
		if (msg->msg != CURLMSG_DONE ||
		    curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &slot) || !slot)
			continue;
		end_slot(s, slot, code, owner, reply);
		curl_multi_remove_handle(s->multi, slot->easy);
		return 1;
	}
	return 0;
}

/* -- time: curl has no timer of ours, for it looks at its timers before it reads -- */

/* Silence while nobody listened is nobody's. */
static void pass_over(struct sender *s, int64_t away)
{
	for (unsigned i = 0; i < s->slot_count && s->in_flight; i++)
		if (s->slots[i].busy)
			s->slots[i].moved += away;
}

/* Whether bytes of it arrived at the other end since it was last looked at. */
static bool has_moved(struct slot *slot)
{
	long before = slot->unacked;

	slot->unacked = os_unacknowledged(slot->fd);
	return before > 0 && slot->unacked != before;
}

void sender_hurry(struct sender *s, int64_t now)
{
	earlier(&s->last_at, now + s->timeout_us);
	earlier(&s->look_at, s->last_at);
}

static void give_up(struct sender *s, struct slot *slot, enum given_up why)
{
	slot->given_up = why;
	s->given_up++;
	curl_multi_remove_handle(s->multi, slot->easy);
}

/* Its time is over. Where the process slept through most of that, a little more lets what had come
 * be answered, such as a handshake. */
static void judge_late(struct sender *s, struct slot *slot, int64_t now)
{
	if (!slot->late)
		slot->moved = now - s->timeout_us;
	slot->late = true;
	if (now >= slot->moved + s->timeout_us + GRACE)
		give_up(s, slot, slot->sent > 0 ? SILENT : NO_CONNECTION);
	else
		earlier(&s->look_at, slot->moved + s->timeout_us + GRACE);
}

/* Bytes of its body that the other end has. */
static size_t look_at_body(struct slot *slot)
{
	curl_off_t written = 0;
	long queued = os_unacknowledged(slot->fd);

	curl_easy_getinfo(slot->easy, CURLINFO_SIZE_UPLOAD_T, &written);
	if (queued > 0)
		written = written > queued ? written - queued : 0;
	return (size_t)written < slot->body_len ? (size_t)written : slot->body_len;
}

/* Tells `flight` what the line has taken, and what is still to be taken. */
static void look_at_line(struct sender *s, int64_t now)
{
	uint64_t waiting = 0;

	if (!s->large_bodies || now - s->flight.looked_at < FLIGHT_LOOK_US)
		return;
	for (unsigned i = 0; i < s->slot_count; i++) {
		struct slot *slot = &s->slots[i];
		if (!slot->busy || slot->given_up)
			continue;
		size_t taken = look_at_body(slot);
		s->gone += taken > slot->taken ? taken - slot->taken : 0;
		slot->taken = taken > slot->taken ? taken : slot->taken;
		waiting += slot->body_len - slot->taken;
	}
	flight_moved(&s->flight, s->gone, waiting, now);
	s->gone = 0;
}

/* Ends what connects for too long, or was silent for too long. `now` is from before the sockets
 * were last read: so whatever had come by then was heard. */
static void judge_silence(struct sender *s, int64_t now)
{
	if (now < s->look_at)
		return;
	s->look_at = s->last_at > now ? s->last_at : INT64_MAX;
	for (unsigned i = 0; i < s->slot_count; i++) {
		struct slot *slot = &s->slots[i];
		if (!slot->busy || slot->given_up)
			continue;
		if (slot->sent > 0 && has_moved(slot))
			slot->moved = now;
		if (now >= s->last_at) {
			give_up(s, slot, HURRIED);
			continue;
		}
		slot->late &= now - slot->moved >= s->timeout_us;
		if (now - slot->moved >= s->timeout_us)
			judge_late(s, slot, now);
		else if (slot->sent > 0 && slot->unacked > 0)
			earlier(&s->look_at, now + s->timeout_us / LOOKS);
		else
			earlier(&s->look_at, slot->moved + s->timeout_us);
	}
}

/* curl needs a time for connecting, to share it among a host's addresses. Who has not connected
 * when it is over is judged here, after the sockets were read. */
static void have_patience(struct sender *s, int64_t now)
{
	if (now < s->patience)
		return;
	s->patience = INT64_MAX;
	for (unsigned i = 0; i < s->slot_count; i++) {
		struct slot *slot = &s->slots[i];
		if (!slot->busy || slot->given_up || slot->sent > 0 || slot->patient)
			continue;
		slot->patient = now >= patience_of(s, slot);
		if (slot->patient)
			curl_easy_setopt(slot->easy, CURLOPT_CONNECTTIMEOUT_MS, NEVER_MS);
		else
			earlier(&s->patience, patience_of(s, slot));
	}
}

/* Hands curl the sockets that have something. */
static CURLMcode serve_sockets(struct sender *s, int64_t now)
{
	size_t n = 0;
	int running;
	CURLMcode bad = CURLM_OK;

	for (size_t i = 0; i < s->poll_count; i++)
		if (s->polls[i].revents) {
			s->ready[n++] = s->polls[i];
			if (s->owners[i]->sent > 0)
				s->owners[i]->moved = now;
		}
	for (size_t i = 0; i < n && !bad; i++) {
		short got = s->ready[i].revents;
		int what = (got & (POLLIN | POLLHUP) ? CURL_CSELECT_IN : 0) |
		    (got & POLLOUT ? CURL_CSELECT_OUT : 0) |
		    (got & (POLLERR | POLLNVAL) ? CURL_CSELECT_ERR : 0);
		bad = curl_multi_socket_action(s->multi, s->ready[i].fd, what, &running);
	}
	return bad;
}

static int serve_curl(struct sender *s, struct reason *why)
{
	int64_t now = s->heard = clock_now();
	int running;

	have_patience(s, now);
	CURLMcode bad = serve_sockets(s, now);
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

	if (all + n > s->poll_cap)
		grow_polls(s, all + n);
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
	int64_t due = until, now = clock_now();

	if (now - s->listened > AWAY)
		pass_over(s, now - s->listened);
	earlier(&due, s->curl_due);
	earlier(&due, s->look_at);
	int64_t left = due == INT64_MAX ? -1 : due > now ? due - now : 0;
	int got = wait_for(s, add_callers(s, fds, fd_count), left, why);
	/* A large body leaves in pieces. As long as they are taken nothing else is done: so few
	 * bodies are on their way at once, and what is written next is still in the processor's
	 * cache. */
	for (int piece = 0; got > 0 && piece < MOST_PIECES && is_uploading(s); piece++)
		got = wait_for(s, (nfds_t)s->poll_count, 0, why);
	if (got < 0)
		return -1;
	judge_silence(s, now);
	s->listened = clock_now();
	look_at_line(s, s->listened);
	return 0;
}
