/*
 * sink PORTFILE: an HTTP server that answers {} to everything at once and throws away what it was
 * sent, so that a client is what is measured. Keep-alive, pipelining, bodies by Content-Length; one
 * thread. Runs until it is killed.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEAD_MAX 65536
#define EVENTS 64

static const char answer[] =
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";

struct connection {
	int fd;
	size_t body; /* bytes of a body still to come */
	size_t len;  /* of `head` in use */
	char head[HEAD_MAX];
};

static size_t content_length(const char *head, size_t n)
{
	static const char name[] = "content-length:";
	const char *end = head + n, *line = head;

	while ((line = memchr(line, '\n', (size_t)(end - line)))) {
		line++;
		if ((size_t)(end - line) > sizeof name &&
		    strncasecmp(line, name, sizeof name - 1) == 0)
			return strtoul(line + sizeof name - 1, NULL, 10);
	}
	return 0;
}

static int send_answers(int fd, size_t count)
{
	char out[(sizeof answer - 1) * 16];

	while (count > 0) {
		size_t now = count < 16 ? count : 16;
		for (size_t i = 0; i < now; i++)
			memcpy(out + i * (sizeof answer - 1), answer, sizeof answer - 1);
		if (send(fd, out, now * (sizeof answer - 1), MSG_NOSIGNAL) !=
		    (ssize_t)(now * (sizeof answer - 1)))
			return -1;
		count -= now;
	}
	return 0;
}

/* The requests whose end is there; what is left of the last stays. 0 or -1. */
static int take_requests(struct connection *c)
{
	size_t at = 0, done = 0;
	char *end;

	while (c->body == 0 && (end = memmem(c->head + at, c->len - at, "\r\n\r\n", 4))) {
		size_t head = (size_t)(end + 4 - (c->head + at)), rest = c->len - at - head;
		size_t body = content_length(c->head + at, head), here = body < rest ? body : rest;
		at += head + here;
		c->body = body - here;
		done += c->body == 0;
	}
	memmove(c->head, c->head + at, c->len - at);
	c->len -= at;
	return send_answers(c->fd, done);
}

/* The body is not even copied out of the kernel. 1: more may come, 0: nothing just now, -1: the
 * end. */
static int skip_body(struct connection *c)
{
	ssize_t n = recv(c->fd, NULL, c->body, MSG_TRUNC | MSG_DONTWAIT);

	if (n <= 0)
		return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
	c->body -= (size_t)n;
	if (c->body == 0 && send_answers(c->fd, 1) != 0)
		return -1;
	return 1;
}

static int read_head(struct connection *c)
{
	ssize_t n = recv(c->fd, c->head + c->len, HEAD_MAX - c->len, MSG_DONTWAIT);

	if (n <= 0)
		return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
	c->len += (size_t)n;
	if (take_requests(c) != 0 || c->len == HEAD_MAX)
		return -1;
	return c->body > 0;
}

static void serve(struct connection *c)
{
	int more = 1;

	while (more == 1)
		more = c->body ? skip_body(c) : read_head(c);
	if (more < 0) {
		close(c->fd);
		free(c);
	}
}

static void welcome(int listener, int poll)
{
	int fd = accept(listener, NULL, NULL), on = 1, room = 4 << 20;
	struct connection *c = fd >= 0 ? calloc(1, sizeof *c) : NULL;
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = c };

	if (!c)
		return;
	c->fd = fd;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
	epoll_ctl(poll, EPOLL_CTL_ADD, fd, &e);
}

static int listen_somewhere(const char *port_file)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char temporary[4096], text[16];
	int n, file;

	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) || listen(fd, 128) ||
	    getsockname(fd, (struct sockaddr *)&a, &len))
		return -1;
	snprintf(temporary, sizeof temporary, "%s.new", port_file);
	n = snprintf(text, sizeof text, "%d\n", ntohs(a.sin_port));
	file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	if (file < 0 || write(file, text, (size_t)n) != n || close(file) != 0 ||
	    rename(temporary, port_file) != 0)
		return -1;
	return fd;
}

int main(int argc, char **argv)
{
	int listener = argc == 2 ? listen_somewhere(argv[1]) : -1, poll = epoll_create1(0);
	struct epoll_event e = { .events = EPOLLIN }, events[EVENTS];

	if (listener < 0 || poll < 0 || epoll_ctl(poll, EPOLL_CTL_ADD, listener, &e) != 0) {
		perror("sink");
		return 1;
	}
	for (;;) {
		int n = epoll_wait(poll, events, EVENTS, -1);
		for (int i = 0; i < n; i++) {
			if (events[i].data.ptr)
				serve(events[i].data.ptr);
			else
				welcome(listener, poll);
		}
	}
}
