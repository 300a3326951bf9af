/*
 * relay TARGET_PORT LATENCY_MS UPLINK_BYTES_PER_S PORT_FILE: passes connections on to 127.0.0.1 as
 * a network far away would. Each direction takes LATENCY_MS; what goes to the target goes over one
 * uplink that all connections share (0: as fast as it comes), and each can have 16 KiB on its way
 * there. Writes the port it listens on to PORT_FILE; at SIGTERM prints how many bytes
 * went up, and in how many seconds from the first to the last.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MOST ((size_t)512) /* connections */
#define PIECE 4096
#define AHEAD_SLOW 16384
#define AHEAD_FAST (4u << 20)

struct piece {
	struct piece *next;
	int64_t due; /* us */
	size_t at, len;
	char bytes[PIECE];
};

/* One direction of a connection, and what is on its way, the oldest first. An empty piece is the
 * end. */
struct way {
	int from, to;
	bool up, ended, over; /* ended: nothing more comes in; over: the end was passed on */
	struct piece *first, *last;
	size_t ahead; /* bytes on their way */
};

static struct way ways[2 * MOST]; /* two after each other are one connection */
static size_t count;
static int64_t latency, uplink_free;
static double uplink; /* bytes a second; 0: no bound */
static unsigned long long went_up;
static int64_t up_first, up_last; /* when */
static volatile sig_atomic_t stopped;

static void stop(int number)
{
	(void)number;
	stopped = 1;
}

static int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static struct sockaddr_in local(unsigned short port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
}

static int listen_somewhere(const char *port_file)
{
	struct sockaddr_in a = local(0);
	socklen_t len = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM, 0), small = AHEAD_SLOW;

	if (fd >= 0 && uplink > 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) != 0 ||
	    listen(fd, (int)MOST) != 0 || getsockname(fd, (struct sockaddr *)&a, &len) != 0)
		fail("listen");
	FILE *f = fopen(port_file, "w");
	if (!f || fprintf(f, "%u\n", ntohs(a.sin_port)) < 0 || fclose(f) != 0)
		fail(port_file);
	return fd;
}

static void accept_one(int listener, unsigned short target)
{
	struct sockaddr_in a = local(target);
	int one = 1, client = accept(listener, NULL, NULL);
	int server = client < 0 ? -1 : socket(AF_INET, SOCK_STREAM, 0);

	if (client < 0)
		return;
	if (server < 0 || count + 2 > 2 * MOST ||
	    connect(server, (struct sockaddr *)&a, sizeof a) != 0) {
		close(client);
		close(server);
		return;
	}
	setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	ways[count++] = (struct way){ .from = client, .to = server, .up = true };
	ways[count++] = (struct way){ .from = server, .to = client };
}

/* When what has come now is there. */
static int64_t arrival(const struct way *w, size_t len, int64_t now)
{
	if (!w->up || uplink <= 0)
		return now + latency;
	uplink_free = uplink_free > now ? uplink_free : now;
	uplink_free += (int64_t)((double)len / uplink * 1e6);
	return uplink_free + latency;
}

static void take(struct way *w, int64_t now)
{
	struct piece *p = calloc(1, sizeof *p);

	if (!p)
		fail("calloc");
	ssize_t n = recv(w->from, p->bytes, PIECE, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		free(p);
		return;
	}
	p->len = n > 0 ? (size_t)n : 0;
	p->due = arrival(w, p->len, now);
	*(w->last ? &w->last->next : &w->first) = p;
	w->last = p;
	w->ahead += p->len;
	w->ended = n <= 0;
}

/* Whether there is more to pass on just now. */
static bool pass(struct way *w)
{
	struct piece *p = w->first;
	ssize_t n = 0;

	if (p->len > 0)
		n = send(w->to, p->bytes + p->at, p->len - p->at, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (w->up && n > 0) {
		up_last = now_us();
		up_first = went_up ? up_first : up_last;
		went_up += (unsigned long long)n;
	}
	p->at += n > 0 ? (size_t)n : 0;
	if (n >= 0 && p->at < p->len)
		return true;
	if (n < 0 || p->len == 0) {
		shutdown(w->to, SHUT_WR);
		w->over = true;
	}
	w->first = p->next;
	w->last = w->first ? w->last : NULL;
	w->ahead -= p->len;
	free(p);
	return w->first && !w->over;
}

static void forget(size_t i)
{
	for (size_t k = i; k < i + 2; k++)
		for (struct piece *p = ways[k].first, *next; p; p = next) {
			next = p->next;
			free(p);
		}
	close(ways[i].from);
	close(ways[i].to);
	count -= 2;
	ways[i] = ways[count];
	ways[i + 1] = ways[count + 1];
}

/* Both ends of a connection are one entry each: read there, written there. Returns when something
 * is due. */
static int64_t watch(struct pollfd *fds, int64_t now)
{
	int64_t due = INT64_MAX;

	for (size_t i = 0; i < count; i++) {
		struct way *w = &ways[i];
		size_t most = w->up && uplink > 0 ? AHEAD_SLOW : AHEAD_FAST;
		fds[i] = (struct pollfd){ .fd = w->ended || w->ahead >= most ? -1 : w->from,
			.events = POLLIN };
		fds[count + i] = (struct pollfd){ .fd = -1, .events = POLLOUT };
		if (!w->first || w->over)
			continue;
		if (w->first->due <= now)
			fds[count + i].fd = w->to;
		else if (w->first->due < due)
			due = w->first->due;
	}
	return due;
}

static void turn(int listener, unsigned short target)
{
	static struct pollfd fds[4 * MOST + 1];
	size_t had = count;
	int64_t now = now_us(), due = watch(fds, now);
	struct timespec wait = { .tv_sec = 3600 };

	if (due < INT64_MAX)
		wait = (struct timespec){ (due - now) / 1000000, (due - now) % 1000000 * 1000 };
	fds[2 * had] = (struct pollfd){ .fd = listener, .events = POLLIN };
	if (ppoll(fds, 2 * had + 1, &wait, NULL) < 0 && errno != EINTR)
		fail("poll");
	now = now_us();
	for (size_t i = 0; i < had; i++) {
		if (fds[i].fd >= 0 && fds[i].revents)
			take(&ways[i], now);
		while (
		    ways[i].first && !ways[i].over && ways[i].first->due <= now && pass(&ways[i]))
			;
	}
	for (size_t i = had; i >= 2; i -= 2)
		if (ways[i - 2].over && ways[i - 1].over)
			forget(i - 2);
	if (fds[2 * had].revents)
		accept_one(listener, target);
}

int main(int argc, char **argv)
{
	struct sigaction end = { .sa_handler = stop };

	if (argc != 5) {
		fprintf(stderr,
		    "usage: relay TARGET_PORT LATENCY_MS UPLINK_BYTES_PER_S PORT_FILE\n");
		return 64;
	}
	latency = (int64_t)(strtod(argv[2], NULL) * 1000);
	uplink = strtod(argv[3], NULL);
	sigaction(SIGTERM, &end, NULL);
	int listener = listen_somewhere(argv[4]);
	while (!stopped)
		turn(listener, (unsigned short)strtoul(argv[1], NULL, 10));
	printf("%llu %.3f\n", went_up, (double)(up_last - up_first) / 1e6);
	return 0;
}
