/* One thread and a poll: a piece of each connection in turn, when the uplink is free. */
#include "relay.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"

#define PIECE 4096   /* bytes that one connection passes on before the next has its turn */
#define WINDOW 16384 /* of a client's socket here: what it has sent is hardly ahead of the line */
#define MOST 256     /* connections */
#define SECOND 1e6
#define LATE_MOST 50000.0 /* us that this thread may be late, and catch up */

/* Bytes of an answer that are due later. */
struct late {
	int64_t due;
	size_t len;
	struct late *next;
	char bytes[];
};

struct link {
	int client, server;
	struct late *first, **last;
};

struct relay {
	pthread_t thread;
	pthread_mutex_t lock; /* over what other threads ask for */
	int listener, port, target, stop[2];
	double up;
	int64_t delay_us;
	uint64_t carried;
	unsigned open, most_open;
	struct link links[MOST];
	size_t turn;    /* whose turn it is */
	double free_at; /* when the uplink may be used again, us */
};

static int listen_small(int *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof a;
	int window = WINDOW, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &window, sizeof window);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, size) != 0 || listen(fd, MOST) != 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &size) != 0)
		return -1;
	*port = ntohs(a.sin_port);
	return fd;
}

static int dial(int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons((uint16_t)port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	if (fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof a) != 0) {
		close(fd);
		return -1;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	return fd;
}

static void drop(struct relay *r, struct link *l)
{
	close(l->client);
	close(l->server);
	for (struct late *late = l->first, *next; late; late = next) {
		next = late->next;
		free(late);
	}
	*l = (struct link){ .client = -1, .server = -1 };
	pthread_mutex_lock(&r->lock);
	r->open--;
	pthread_mutex_unlock(&r->lock);
}

static void take_client(struct relay *r)
{
	int fd = accept(r->listener, NULL, NULL), on = 1;
	struct link *l = r->links;

	if (fd < 0)
		return;
	while (l < r->links + MOST && l->client >= 0)
		l++;
	int server = l < r->links + MOST ? dial(r->target) : -1;
	if (server < 0) {
		close(fd);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	*l = (struct link){ .client = fd, .server = server };
	l->last = &l->first;
	pthread_mutex_lock(&r->lock);
	if (++r->open > r->most_open)
		r->most_open = r->open;
	pthread_mutex_unlock(&r->lock);
}

/* A piece of a request. */
static void pass_up(struct relay *r, struct link *l, double now)
{
	char piece[PIECE];
	ssize_t n = recv(l->client, piece, sizeof piece, MSG_DONTWAIT);

	if (n <= 0 || send(l->server, piece, (size_t)n, MSG_NOSIGNAL) != n) {
		drop(r, l);
		return;
	}
	pthread_mutex_lock(&r->lock);
	r->carried += (uint64_t)n;
	if (r->up > 0)
		r->free_at = (now - r->free_at < LATE_MOST ? r->free_at : now) +
		    (double)n * SECOND / r->up;
	pthread_mutex_unlock(&r->lock);
}

static void hear_server(struct relay *r, struct link *l, int64_t now)
{
	char piece[65536];
	ssize_t n = recv(l->server, piece, sizeof piece, MSG_DONTWAIT);

	if (n <= 0) {
		drop(r, l);
		return;
	}
	struct late *late = xmalloc(sizeof *late + (size_t)n);
	late->due = now + r->delay_us;
	late->len = (size_t)n;
	late->next = NULL;
	memcpy(late->bytes, piece, (size_t)n);
	*l->last = late;
	l->last = &late->next;
}

/* Answers that are due. */
static void pass_down(struct relay *r, struct link *l, int64_t now)
{
	struct late *late;

	while ((late = l->first) && late->due <= now) {
		if (!(l->first = late->next))
			l->last = &l->first;
		bool sent = send(l->client, late->bytes, late->len, MSG_NOSIGNAL) >= 0;
		free(late);
		if (!sent) {
			drop(r, l);
			return;
		}
	}
}

/* What to wait for: clients only while the uplink is free. Returns how long, ms. */
static int prepare(struct relay *r, struct pollfd *fds, int64_t now)
{
	pthread_mutex_lock(&r->lock);
	double wait = r->free_at - (double)now;
	pthread_mutex_unlock(&r->lock);
	int64_t due = wait > 0 ? now + (int64_t)wait + 1 : INT64_MAX;

	fds[0] = (struct pollfd){ .fd = r->stop[0], .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = r->listener, .events = POLLIN };
	for (size_t i = 0; i < MOST; i++) {
		struct link *l = &r->links[i];
		/* a client that went away is noticed all the same */
		fds[2 + 2 * i] = (struct pollfd){ .fd = wait > 0 ? -1 : l->client,
			.events = POLLIN };
		fds[3 + 2 * i] = (struct pollfd){ .fd = l->server, .events = POLLIN };
		if (l->client >= 0 && l->first && l->first->due < due)
			due = l->first->due;
	}
	return due == INT64_MAX ? -1 : due <= now ? 0 : (int)((due - now + 999) / 1000);
}

static void serve_links(struct relay *r, const struct pollfd *fds, int64_t now)
{
	bool passed = false;

	pthread_mutex_lock(&r->lock);
	bool limited = r->up > 0;
	pthread_mutex_unlock(&r->lock);
	for (size_t i = 0; i < MOST; i++) {
		struct link *l = &r->links[i];
		if (l->server >= 0 && l->server == fds[3 + 2 * i].fd && fds[3 + 2 * i].revents)
			hear_server(r, l, now);
		if (l->client >= 0)
			pass_down(r, l, now);
	}
	for (size_t n = 0; n < MOST && !(passed && limited); n++) {
		size_t i = (r->turn + n) % MOST;
		struct link *l = &r->links[i];
		if (l->client < 0 || l->client != fds[2 + 2 * i].fd || !fds[2 + 2 * i].revents)
			continue;
		pass_up(r, l, (double)now);
		passed = true;
		if (limited)
			r->turn = i + 1;
	}
}

static void *serve(void *arg)
{
	struct relay *r = arg;
	static __thread struct pollfd fds[2 + 2 * MOST];

	for (;;) {
		int wait = prepare(r, fds, clock_now());
		if (poll(fds, 2 + 2 * MOST, wait) < 0)
			continue;
		if (fds[0].revents)
			return NULL;
		serve_links(r, fds, clock_now());
		if (fds[1].revents)
			take_client(r);
	}
}

struct relay *relay_start(const struct relay_config *c)
{
	struct relay *r = xcalloc(1, sizeof *r);

	r->target = c->target;
	r->up = c->up;
	r->delay_us = (int64_t)c->delay_ms * 1000;
	for (size_t i = 0; i < MOST; i++)
		r->links[i].client = r->links[i].server = -1;
	pthread_mutex_init(&r->lock, NULL);
	r->listener = listen_small(&r->port);
	if (r->listener < 0 || pipe(r->stop) != 0 ||
	    pthread_create(&r->thread, NULL, serve, r) != 0) {
		perror("relay");
		free(r);
		return NULL;
	}
	return r;
}

void relay_stop(struct relay *r)
{
	if (!r)
		return;
	if (write(r->stop[1], "", 1) != 1)
		perror("relay");
	pthread_join(r->thread, NULL);
	for (size_t i = 0; i < MOST; i++)
		if (r->links[i].client >= 0)
			drop(r, &r->links[i]);
	close(r->listener);
	close(r->stop[0]);
	close(r->stop[1]);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

int relay_port(const struct relay *r)
{
	return r->port;
}

void relay_set_up(struct relay *r, double up)
{
	pthread_mutex_lock(&r->lock);
	r->up = up;
	r->free_at = 0;
	pthread_mutex_unlock(&r->lock);
}

uint64_t relay_carried(struct relay *r)
{
	pthread_mutex_lock(&r->lock);
	uint64_t carried = r->carried;
	pthread_mutex_unlock(&r->lock);
	return carried;
}

unsigned relay_most_open(struct relay *r)
{
	pthread_mutex_lock(&r->lock);
	unsigned most = r->most_open;
	pthread_mutex_unlock(&r->lock);
	return most;
}
