/* The sandbox's thread, its start and its end. */
#include "sandbox_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/os.h"

/* --- libmicrohttpd's callbacks --- */

static enum MHD_Result on_request(void *arg, struct MHD_Connection *c, const char *url,
    const char *method, const char *version, const char *data, size_t *len, void **state)
{
	struct sandbox *s = arg;
	struct visit *v = *state;
	enum MHD_Result result = MHD_YES;

	(void)version;
	pthread_mutex_lock(&s->lock);
	if (!v) {
		*state = visit_new(s, c, method, url);
	} else if (*len > 0) {
		visit_body(v, data, *len);
		*len = 0;
	} else {
		result = visit_step(v);
	}
	pthread_mutex_unlock(&s->lock);
	return result;
}

static void on_completed(void *arg, struct MHD_Connection *c, void **state,
    enum MHD_RequestTerminationCode how)
{
	struct sandbox *s = arg;

	(void)c;
	(void)how;
	if (!*state)
		return;
	pthread_mutex_lock(&s->lock);
	visit_free(*state);
	*state = NULL;
	pthread_mutex_unlock(&s->lock);
}

static void on_connection(void *arg, struct MHD_Connection *c, void **context,
    enum MHD_ConnectionNotificationCode what)
{
	struct sandbox *s = arg;

	(void)c;
	if (what != MHD_CONNECTION_NOTIFY_STARTED)
		return;
	pthread_mutex_lock(&s->lock);
	*context = (void *)(uintptr_t)++s->counters.connections;
	pthread_mutex_unlock(&s->lock);
}

/* The sink: nothing between a request and its answer. */
static enum MHD_Result on_sink_request(void *arg, struct MHD_Connection *c, const char *url,
    const char *method, const char *version, const char *data, size_t *len, void **state)
{
	struct sandbox *s = arg;

	(void)url;
	(void)method;
	(void)version;
	(void)data;
	if (!*state) {
		*state = s;
		return MHD_YES;
	}
	pthread_mutex_lock(&s->lock);
	s->counters.bytes += *len;
	s->counters.requests += *len == 0;
	pthread_mutex_unlock(&s->lock);
	if (*len > 0) {
		*len = 0;
		return MHD_YES;
	}
	return MHD_queue_response(c, MHD_HTTP_OK, s->sunk);
}

/* Paths are logged, and read, as they came. */
static size_t keep_escapes(void *arg, struct MHD_Connection *c, char *text)
{
	(void)arg;
	(void)c;
	return strlen(text);
}

/* --- the thread --- */

static void wake_thread(struct sandbox *s)
{
	if (write(s->wake[1], "", 1) < 0 && errno != EAGAIN)
		perror("sandbox: waking its thread");
}

/* Wakes what is due; returns when to look again: at once where something was woken, as nothing else
 * says so. */
static int64_t resume_due(struct sandbox *s)
{
	int64_t now = clock_now(), next = INT64_MAX;

	pthread_mutex_lock(&s->lock);
	for (struct visit *v = s->visits; v; v = v->next) {
		if (!v->suspended || (s->held && !s->stopping))
			continue;
		if (v->due <= now || s->stopping) {
			v->suspended = false;
			MHD_resume_connection(v->connection);
			next = 0;
		} else if (v->due < next) {
			next = v->due;
		}
	}
	pthread_mutex_unlock(&s->lock);
	return next;
}

static void wait_for_work(struct sandbox *s, int epoll_fd, int64_t until)
{
	struct pollfd fds[] = { { .fd = epoll_fd, .events = POLLIN },
		{ .fd = s->wake[0], .events = POLLIN } };
	MHD_UNSIGNED_LONG_LONG ms;
	int64_t us = until == INT64_MAX ? 60 * (int64_t)SECOND : until - clock_now();

	if (MHD_get_timeout(s->daemon, &ms) == MHD_YES && (int64_t)ms * 1000 < us)
		us = (int64_t)ms * 1000;
	if (os_poll(fds, 2, us > 0 ? us : 0) > 0 && fds[1].revents) {
		char bytes[64];
		while (read(s->wake[0], bytes, sizeof bytes) > 0)
			;
	}
}

static void *serve(void *arg)
{
	struct sandbox *s = arg;
	int epoll_fd = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;

	for (bool stopping = false; !stopping;) {
		wait_for_work(s, epoll_fd, resume_due(s));
		MHD_run(s->daemon);
		pthread_mutex_lock(&s->lock);
		stopping = s->stopping;
		pthread_mutex_unlock(&s->lock);
	}
	resume_due(s); /* so that nothing is suspended when the daemon ends */
	MHD_run(s->daemon);
	MHD_run(s->daemon);
	return NULL;
}

/* --- starting and stopping --- */

static int daemon_start(struct sandbox *s)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)s->config.port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	s->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL,
	    s->config.sink ? on_sink_request : on_request, s, MHD_OPTION_SOCK_ADDR,
	    (struct sockaddr *)&address, MHD_OPTION_NOTIFY_CONNECTION, on_connection, s,
	    MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
	    (size_t)256 * 1024, MHD_OPTION_LISTEN_BACKLOG_SIZE, 512u,
	    s->config.sink ? MHD_OPTION_END : MHD_OPTION_NOTIFY_COMPLETED, on_completed, s,
	    MHD_OPTION_END);
	if (!s->daemon) {
		fprintf(stderr, "sandbox: cannot listen on 127.0.0.1:%d: %s\n", s->config.port,
		    strerror(errno));
		return -1;
	}
	s->port = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
	return 0;
}

static void memory_start(struct sandbox *s)
{
	struct buf url;

	buf_init(&url, BUF_UNBOUNDED);
	buf_fmt(&url, "http://127.0.0.1:%d", s->port);
	s->url = xstrndup(url.data, url.len);
	buf_free(&url);
	s->memory = workspace_new(&(struct workspace_config){
	    .region_url = s->config.region_url ? s->config.region_url : s->url,
	    .strict_emails = s->config.strict_emails,
	    .lean = s->config.lean,
	    .segments = s->config.segments });
	s->config.region_url = s->config.segments = NULL;
}

static struct sandbox *sandbox_new(const struct sandbox_config *config)
{
	struct sandbox *s = xcalloc(1, sizeof *s);
	pthread_condattr_t monotonic;

	s->config = *config;
	s->site_id = xstrdup(config->site_id ? config->site_id : "sandbox");
	s->api_key = xstrdup(config->api_key ? config->api_key : "sandbox");
	s->app_key = xstrdup(config->app_key ? config->app_key : "sandbox");
	s->retry_after = copy_or_null(config->retry_after);
	s->proxy_auth = copy_or_null(config->proxy_auth);
	s->config.site_id = s->config.api_key = s->config.app_key = NULL;
	s->config.retry_after = s->config.proxy_auth = NULL;
	const struct sandbox_limit_config a_second = { .count = config->rate_limit };
	sandbox_limit_init(&s->limit, config->rate_limit ? &a_second : &config->limit);
	fault_seed(s, config->chaos.seed);
	s->started = clock_now();
	s->sunk = MHD_create_response_from_buffer(2, (char[]){ '{', '}' }, MHD_RESPMEM_MUST_COPY);
	s->can_wake = os_pipe(s->wake, true) == 0;
	pthread_mutex_init(&s->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&s->arrived, &monotonic);
	pthread_condattr_destroy(&monotonic);
	return s;
}

static void sandbox_free(struct sandbox *s)
{
	sandbox_clear_rules(s);
	for (size_t i = 0; i < s->log_count; i++)
		visit_arrival_free(s->log[i]);
	workspace_free(s->memory);
	MHD_destroy_response(s->sunk);
	if (s->can_wake) {
		close(s->wake[0]);
		close(s->wake[1]);
	}
	pthread_cond_destroy(&s->arrived);
	pthread_mutex_destroy(&s->lock);
	free(s->log);
	sandbox_limit_free(&s->limit);
	free(s->recent.times);
	free(s->site_id);
	free(s->api_key);
	free(s->app_key);
	free(s->url);
	free(s->retry_after);
	free(s->proxy_auth);
	free(s);
}

struct sandbox *sandbox_start(const struct sandbox_config *config)
{
	struct sandbox *s = sandbox_new(config);

	if (!s->can_wake) {
		perror("sandbox: pipe");
		goto fail;
	}
	if (daemon_start(s) < 0)
		goto fail;
	memory_start(s);
	int error = pthread_create(&s->thread, NULL, serve, s);
	if (error == 0)
		return s;
	fprintf(stderr, "sandbox: cannot start its thread: %s\n", strerror(error));
	MHD_stop_daemon(s->daemon);
fail:
	sandbox_free(s);
	return NULL;
}

void sandbox_stop(struct sandbox *s)
{
	if (!s)
		return;
	pthread_mutex_lock(&s->lock);
	s->stopping = true;
	pthread_mutex_unlock(&s->lock);
	wake_thread(s);
	pthread_join(s->thread, NULL);
	MHD_stop_daemon(s->daemon);
	sandbox_free(s);
}

void sandbox_hold(struct sandbox *s, bool held)
{
	pthread_mutex_lock(&s->lock);
	s->held = held;
	pthread_mutex_unlock(&s->lock);
	wake_thread(s);
}

const char *sandbox_url(const struct sandbox *s)
{
	return s->url;
}

int sandbox_port(const struct sandbox *s)
{
	return s->port;
}
