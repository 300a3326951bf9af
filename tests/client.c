/* The client's sockets, without any library between. */
#include "client.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/buf.h"

int client_dial(const struct sandbox *s)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)sandbox_port(s)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct timeval patience = { .tv_sec = 20 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
	return fd;
}

void client_ask_with(int fd, const char *headers, const char *method, const char *path,
    const char *body, size_t len)
{
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED);
	buf_fmt(&b, "%s %s HTTP/1.1\r\nHost: x\r\n%s", method, path, headers);
	if (body)
		buf_fmt(&b, "Content-Length: %zu\r\n", len);
	buf_str(&b, "\r\n");
	if (body)
		buf_add(&b, body, len);
	for (size_t done = 0; done < b.len;) {
		ssize_t n = send(fd, b.data + done, b.len - done, MSG_NOSIGNAL);
		ck_assert_int_gt(n, 0);
		done += (size_t)n;
	}
	buf_free(&b);
}

void client_ask(int fd, const char *method, const char *path, const char *body)
{
	client_ask_with(fd, CLIENT_AUTH, method, path, body, body ? strlen(body) : 0);
}

static bool is_whole(const struct client_answer *a, size_t len)
{
	const char *length = strstr(a->text, "\r\nContent-Length:"); /* as libmicrohttpd has it */
	return a->body && length &&
	    len - (size_t)(a->body - a->text) >= strtoul(length + 17, NULL, 10);
}

struct client_answer client_read(int fd)
{
	static struct client_answer a;
	size_t len = 0;

	memset(&a, 0, sizeof a);
	while (!is_whole(&a, len)) {
		ssize_t n = recv(fd, a.text + len, sizeof a.text - len - 1, 0);
		if (n <= 0) {
			a.end = n == 0          ? CLIENT_CLOSED :
			    errno == ECONNRESET ? CLIENT_RESET :
			                          CLIENT_SILENT;
			break;
		}
		len += (size_t)n;
		a.body = strstr(a.text, "\r\n\r\n");
		a.body = a.body ? a.body + 4 : NULL;
	}
	a.body_len = a.body ? len - (size_t)(a.body - a.text) : 0;
	if (strncmp(a.text, "HTTP/1.1 ", 9) == 0)
		a.status = (int)strtol(a.text + 9, NULL, 10);
	if (!a.body)
		a.body = "";
	return a;
}

struct client_answer client_call_with(struct sandbox *s, const char *headers, const char *method,
    const char *path, const char *body, size_t len)
{
	int fd = client_dial(s);

	client_ask_with(fd, headers, method, path, body, len);
	struct client_answer a = client_read(fd);
	close(fd);
	return a;
}

struct client_answer client_call(struct sandbox *s, const char *method, const char *path,
    const char *body)
{
	return client_call_with(s, CLIENT_AUTH, method, path, body, body ? strlen(body) : 0);
}

int client_status(struct sandbox *s, const char *method, const char *path, const char *body)
{
	return client_call(s, method, path, body).status;
}

void client_assert_json(json_t *got, const char *want)
{
	json_t *wanted = json_loads(want, JSON_DECODE_ANY, NULL);
	char *text = got ? json_dumps(got, JSON_ENCODE_ANY | JSON_SORT_KEYS) : NULL;

	ck_assert_msg(wanted != NULL, "the test's own JSON is wrong: %s", want);
	ck_assert_msg(json_equal(got, wanted), "got %s, not %s", text ? text : "nothing", want);
	free(text);
	json_decref(wanted);
	json_decref(got);
}
