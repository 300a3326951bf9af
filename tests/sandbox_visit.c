/* One request, from its first line to its answer. */
#include "sandbox_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"

#define BODY_MAX (32u << 20) /* a longer one is cut off: no request should have it */
#define KEEP_BODY 65536      /* config.keep_body, where it is 0 */

/* --- arriving --- */

static void recent_drop(struct recent *r, int64_t before)
{
	while (r->count > 0 && r->times[r->head] < before) {
		r->head = (r->head + 1) % r->cap;
		r->count--;
	}
}

static void recent_add(struct recent *r, int64_t t)
{
	if (r->count == r->cap) {
		size_t cap = r->cap ? r->cap * 2 : 128;
		int64_t *times = xmalloc(cap * sizeof *times);
		for (size_t i = 0; i < r->count; i++)
			times[i] = r->times[(r->head + i) % r->cap];
		free(r->times);
		*r = (struct recent){ .times = times, .cap = cap, .count = r->count };
	}
	r->times[(r->head + r->count++) % r->cap] = t;
}

static bool is_app(const char *path)
{
	return strncmp(path, "/v1/", 4) == 0;
}

static const char *header(struct MHD_Connection *c, const char *name)
{
	return copy_or_null(MHD_lookup_connection_value(c, MHD_HEADER_KIND, name));
}

void visit_arrival_free(struct sandbox_arrival *a)
{
	const char *const texts[] = { a->method, a->path, a->authorization, a->user_agent,
		a->content_type, a->expect, a->retry_count, a->proxy_authorization,
		a->accept_encoding, a->body };

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		free((char *)texts[i]);
	free(a);
}

static void log_keep(struct sandbox *s, struct sandbox_arrival *a)
{
	if (s->config.lean)
		return;
	if (s->log_count == s->log_cap) {
		s->log_cap = s->log_cap ? s->log_cap * 2 : 256;
		s->log = xrealloc(s->log, s->log_cap * sizeof *s->log);
	}
	s->log[s->log_count++] = a;
}

static bool right_basic(const struct sandbox *s, struct MHD_Connection *c)
{
	char *key = NULL, *site = MHD_basic_auth_get_username_password(c, &key);
	bool right = site && key && strcmp(site, s->site_id) == 0 && strcmp(key, s->api_key) == 0;

	MHD_free(site);
	MHD_free(key);
	return right;
}

/* The Track API's site and key, or the App API's key alone. */
static bool right_credentials(const struct sandbox *s, struct MHD_Connection *c,
    const struct sandbox_arrival *a)
{
	static const char bearer[] = "Bearer ";

	if (!is_app(a->path))
		return right_basic(s, c);
	return a->authorization && strncmp(a->authorization, bearer, sizeof bearer - 1) == 0 &&
	    strcmp(a->authorization + sizeof bearer - 1, s->app_key) == 0;
}

/* libmicrohttpd takes the query off the path, and into parts. */
static enum MHD_Result add_argument(void *arg, enum MHD_ValueKind kind, const char *name,
    const char *value)
{
	struct buf *path = arg;

	(void)kind;
	buf_fmt(path, "%s%s", memchr(path->data, '?', path->len) ? "&" : "?", name);
	if (value)
		buf_fmt(path, "=%s", value);
	return MHD_YES;
}

static char *whole_path(struct MHD_Connection *c, const char *path)
{
	struct buf whole;

	buf_init(&whole, BUF_UNBOUNDED);
	buf_str(&whole, path);
	MHD_get_connection_values(c, MHD_GET_ARGUMENT_KIND, add_argument, &whole);
	char *copy = xstrndup(whole.data, whole.len);
	buf_free(&whole);
	return copy;
}

static uint64_t connection_number(struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(c,
	    MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	return info ? (uint64_t)(uintptr_t)info->socket_context : 0;
}

static struct sandbox_arrival *arrival_new(struct sandbox *s, struct MHD_Connection *c,
    const char *method, const char *path, int64_t now)
{
	struct sandbox_arrival *a = xcalloc(1, sizeof *a);

	a->number = ++s->counters.requests;
	a->at_us = now;
	a->connection = connection_number(c);
	a->method = xstrdup(method);
	a->path = whole_path(c, proxy_path(method, path, &a->proxied));
	a->authorization = header(c, "Authorization");
	a->user_agent = header(c, "User-Agent");
	a->content_type = header(c, "Content-Type");
	a->expect = header(c, "Expect");
	a->retry_count = header(c, "X-Retry-Count");
	a->proxy_authorization = header(c, "Proxy-Authorization");
	a->accept_encoding = header(c, "Accept-Encoding");
	a->authorized = right_credentials(s, c, a);
	log_keep(s, a);
	return a;
}

struct visit *visit_new(struct sandbox *s, struct MHD_Connection *c, const char *method,
    const char *path)
{
	struct visit *v = xcalloc(1, sizeof *v);
	int64_t now = clock_now();

	v->s = s;
	v->connection = c;
	v->fd = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
	buf_init(&v->body, BODY_MAX);
	buf_init(&v->answer, BUF_UNBOUNDED);
	buf_init(&v->headers, BUF_UNBOUNDED);
	v->log = arrival_new(s, c, method, path, now);
	v->throttled = v->log->authorized && !sandbox_limit_admits(&s->limit, now - s->started);
	recent_drop(&s->recent, now - SECOND);
	recent_add(&s->recent, now);
	if (s->recent.count > s->counters.busiest_second)
		s->counters.busiest_second = (unsigned)s->recent.count;
	pthread_cond_broadcast(&s->arrived);
	v->next = s->visits;
	v->link = &s->visits;
	if (v->next)
		v->next->link = &v->next;
	s->visits = v;
	return v;
}

void visit_body(struct visit *v, const char *data, size_t len)
{
	buf_add(&v->body, data, len);
}

/* --- who is in progress --- */

static void hold_release(struct workspace_hold *h)
{
	if (!h->link)
		return;
	*h->link = h->next;
	if (h->next)
		h->next->link = h->link;
	h->link = NULL;
	h->person->in_progress--;
}

static void visit_leave(struct visit *v)
{
	if (!v->in_progress)
		return;
	v->in_progress = false;
	v->s->in_progress--;
	for (size_t i = 0; i < v->hold_count; i++)
		hold_release(&v->holds[i]);
}

/* A client that has given up (a timeout) is not waiting: what it sends next is no second request at
 * once. */
static void leave_if_gone(struct visit *v)
{
	char byte;
	ssize_t n = recv(v->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

	if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)))
		return;
	visit_leave(v);
	v->act = SANDBOX_RESET;
	v->due = 0;
}

static void hold_person(struct visit *v, struct workspace_hold *h, struct workspace_person *p)
{
	for (struct workspace_hold *other = p->holds, *next; other; other = next) {
		next = other->next;
		leave_if_gone(other->visit);
	}
	*h =
	    (struct workspace_hold){ .visit = v, .person = p, .next = p->holds, .link = &p->holds };
	if (p->holds)
		p->holds->link = &h->next;
	p->holds = h;
	if (++p->in_progress > p->most_in_progress)
		p->most_in_progress = p->in_progress;
	if (p->in_progress > v->s->counters.most_for_one_person)
		v->s->counters.most_for_one_person = p->in_progress;
}

static void visit_enter(struct visit *v)
{
	struct sandbox *s = v->s;
	struct workspace_person *const *people;

	if (s->in_progress >= s->counters.most_in_progress)
		for (struct visit *other = s->visits; other; other = other->next)
			if (other->in_progress)
				leave_if_gone(other);
	v->in_progress = true;
	if (++s->in_progress > s->counters.most_in_progress)
		s->counters.most_in_progress = s->in_progress;
	v->hold_count = workspace_call_people(v->call, &people);
	v->log->people = v->hold_count;
	v->holds = xcalloc(v->hold_count, sizeof *v->holds);
	for (size_t i = 0; i < v->hold_count; i++)
		hold_person(v, &v->holds[i], people[i]);
}

void visit_free(struct visit *v)
{
	visit_leave(v);
	*v->link = v->next;
	if (v->next)
		v->next->link = v->link;
	if (v->s->config.settled)
		v->s->config.settled(v->log, v->s->config.arg);
	if (v->s->config.lean)
		visit_arrival_free(v->log);
	workspace_call_free(v->call);
	free(v->holds);
	buf_free(&v->body);
	buf_free(&v->answer);
	buf_free(&v->headers);
	free(v);
}

/* --- deciding what it gets --- */

static void answer_throttled(struct visit *v)
{
	const struct sandbox_config *c = &v->s->config;
	char date[40];

	v->s->counters.throttled++;
	v->status = 429;
	buf_str(&v->answer, "{\"meta\":{\"error\":\"too many requests\"}}");
	if (v->s->retry_after) {
		buf_fmt(&v->headers, "Retry-After: %s", v->s->retry_after);
	} else if (c->retry_after_s > 0 && c->retry_after_date) {
		answer_date(v->s, c->retry_after_s, date);
		buf_fmt(&v->headers, "Retry-After: %s", date);
	} else if (c->retry_after_s > 0) {
		buf_fmt(&v->headers, "Retry-After: %d", c->retry_after_s);
	}
}

static void process(struct visit *v)
{
	v->status = workspace_apply(v->s->memory, v->call, &v->answer);
	v->log->processed = v->status < 300;
	v->s->counters.processed += v->log->processed;
}

static void answer_normally(struct visit *v)
{
	if (v->throttled) {
		answer_throttled(v);
	} else if (!v->log->authorized) {
		v->s->counters.unauthorized++;
		v->status = 401;
		buf_str(&v->answer,
		    is_app(v->log->path) ?
		        "{\"errors\":[{\"detail\":\"unauthorized\",\"status\":\"401\"}]}" :
		        "{\"meta\":{\"error\":\"Unauthorized request\"}}");
	} else {
		process(v);
	}
}

static void answer_fault(struct visit *v, const struct sandbox_fault *f)
{
	if (f->process && v->log->authorized)
		process(v);
	v->act = f->act;
	v->gzip |= f->gzip;
	v->status = f->status ? f->status : 200;
	if (v->act == SANDBOX_STATUS && v->status == 429)
		v->s->counters.throttled++;
	buf_reset(&v->answer);
	buf_str(&v->answer, f->body ? f->body : "{\"meta\":{\"error\":\"fault\"}}");
	if (f->headers)
		buf_str(&v->headers, f->headers);
}

static void visit_decide(struct visit *v)
{
	struct sandbox *s = v->s;
	struct sandbox_fault fault;
	size_t keep = s->config.keep_body ? s->config.keep_body : KEEP_BODY;

	v->decided = true;
	v->body.over = false; /* room for a NUL behind it, for the hook */
	v->body.max = BUF_UNBOUNDED;
	*buf_room(&v->body, 1) = '\0';
	v->log->body_len = v->body.len;
	s->counters.bytes += v->body.len;
	if (v->body.len && !s->config.lean)
		v->log->body = xstrndup(v->body.data, v->body.len < keep ? v->body.len : keep);
	v->call = workspace_read(s->memory, v->log->method, v->log->path, v->body.data,
	    v->body.len);
	visit_enter(v);
	v->gzip = s->config.gzip;
	v->log->faulted = fault_find(v, &fault);
	s->counters.faulted += v->log->faulted;
	if (proxy_refuses(v))
		v->log->faulted = false;
	else if (fault.act == SANDBOX_PASS)
		answer_normally(v);
	else
		answer_fault(v, &fault);
	v->due = v->act == SANDBOX_HANG ?
	    INT64_MAX :
	    v->log->at_us + ((int64_t)fault.delay_ms + s->config.latency_ms) * 1000;
}

/* --- answering --- */

static enum MHD_Result visit_answer(struct visit *v)
{
	visit_leave(v);
	v->log->answered_us = clock_now();
	return answer_send(v);
}

enum MHD_Result visit_step(struct visit *v)
{
	if (!v->decided)
		visit_decide(v);
	if ((v->due <= clock_now() && !v->s->held) || v->s->stopping)
		return visit_answer(v);
	v->suspended = true;
	MHD_suspend_connection(v->connection);
	return MHD_YES;
}
