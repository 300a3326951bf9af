/* What goes back over the wire: whole answers through libmicrohttpd, broken ones by hand. */
#include "sandbox_internal.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/clock.h"
#include "unix.h"

#define BIG_HEAD 400000  /* bytes */
#define STALL_MS 1000    /* how long a client may take no byte of what is sent by hand */
#define STORED_MAX 65535 /* bytes in one stored block of deflate */

void answer_date(const struct sandbox *s, int later, char text[40])
{
	struct tm tm;
	time_t then = (time_t)((clock_wall() + SECOND - 1) / SECOND) + later +
	    s->config.clock_ahead_s;

	gmtime_r(&then, &tm);
	strftime(text, 40, "%a, %d %b %Y %H:%M:%S GMT", &tm);
}

/* --- gzip, by stored blocks: every reader of gzip takes them, and no library is needed --- */

static void add_le(struct buf *b, uint32_t n, int bytes)
{
	for (int i = 0; i < bytes; i++)
		buf_byte(b, (char)(n >> 8 * i & 0xff));
}

static uint32_t crc32_of(const char *data, size_t len)
{
	uint32_t crc = 0xffffffff;

	for (size_t i = 0; i < len; i++) {
		crc ^= (unsigned char)data[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
	}
	return ~crc;
}

static void gzip_answer(struct visit *v)
{
	struct buf out;
	size_t len = v->answer.len;

	buf_init(&out, BUF_UNBOUNDED);
	buf_add(&out, "\x1f\x8b\x08\0\0\0\0\0\0\xff", 10);
	for (size_t at = 0, n; at == 0 || at < len; at += n ? n : 1) {
		n = len - at < STORED_MAX ? len - at : STORED_MAX;
		buf_byte(&out, at + n == len);
		add_le(&out, (uint32_t)n, 2);
		add_le(&out, ~(uint32_t)n, 2);
		buf_add(&out, v->answer.data + at, n);
	}
	add_le(&out, crc32_of(v->answer.data, len), 4);
	add_le(&out, (uint32_t)len, 4);
	buf_free(&v->answer);
	v->answer = out;
}

/* --- whole answers --- */

static void add_headers(struct MHD_Response *r, const char *lines)
{
	char *copy = xstrdup(lines), *rest = copy;

	for (char *line = unix_cut(&rest, "\n"); line; line = unix_cut(&rest, "\n")) {
		char *colon = strchr(line, ':');
		if (!colon)
			continue;
		*colon = '\0';
		MHD_add_response_header(r, line, colon + 1 + strspn(colon + 1, " "));
	}
	free(copy);
}

static enum MHD_Result answer_whole(struct visit *v)
{
	char date[40];

	if (v->gzip)
		gzip_answer(v);
	struct MHD_Response *r = MHD_create_response_from_buffer(v->answer.len, v->answer.data,
	    MHD_RESPMEM_MUST_COPY);
	buf_byte(&v->headers, '\0');
	add_headers(r, v->headers.data);
	if (!MHD_get_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE))
		MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json");
	if (v->gzip)
		MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_ENCODING, "gzip");
	if (v->s->config.clock_ahead_s != 0 && !MHD_get_response_header(r, MHD_HTTP_HEADER_DATE)) {
		answer_date(v->s, 0, date);
		MHD_add_response_header(r, MHD_HTTP_HEADER_DATE, date);
	}
	enum MHD_Result queued = MHD_queue_response(v->connection, (unsigned)v->status, r);
	MHD_destroy_response(r);
	return queued;
}

/* --- by hand; the connection ends after them --- */

static void send_all(int fd, const struct buf *b)
{
	struct pollfd out = { .fd = fd, .events = POLLOUT };

	for (size_t done = 0; done < b->len;) {
		ssize_t n = send(fd, b->data + done, b->len - done, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n >= 0) {
			done += (size_t)n;
		} else if (errno == EAGAIN) {
			if (poll(&out, 1, STALL_MS) <= 0)
				return;
		} else {
			if (errno != EPIPE && errno != ECONNRESET)
				perror("sandbox: sending an answer by hand");
			return;
		}
	}
}

static void add_big_head(struct buf *b)
{
	for (size_t i = 0, end = b->len + BIG_HEAD; b->len < end; i++)
		buf_fmt(b, "X-Padding-%zu: %0*d\r\n", i, 1000, 0);
}

static enum MHD_Result answer_raw(struct visit *v)
{
	struct buf out;
	bool headed = v->act == SANDBOX_CUT || v->act == SANDBOX_BIG_HEAD;

	buf_init(&out, BUF_UNBOUNDED);
	if (v->act == SANDBOX_CUT_HEAD)
		buf_fmt(&out, "HTTP/1.1 %d Cut\r\nContent-Le", v->status);
	if (headed)
		buf_fmt(&out, "HTTP/1.1 %d Cut\r\nContent-Type: application/json\r\n", v->status);
	if (v->act == SANDBOX_BIG_HEAD)
		add_big_head(&out);
	if (headed)
		buf_fmt(&out, "Content-Length: %zu\r\n\r\n",
		    v->answer.len + (v->act == SANDBOX_CUT ? 100 : 0));
	if (v->act != SANDBOX_CUT_HEAD)
		buf_add(&out, v->answer.data, v->answer.len);
	send_all(v->fd, &out);
	buf_free(&out);
	return MHD_NO;
}

/* A real reset, at once: connecting a socket to nowhere breaks its connection. */
static enum MHD_Result answer_reset(struct visit *v)
{
	struct sockaddr nowhere = { .sa_family = AF_UNSPEC };

	if (connect(v->fd, &nowhere, sizeof nowhere) < 0)
		perror("sandbox: resetting a connection");
	return MHD_NO;
}

enum MHD_Result answer_send(struct visit *v)
{
	v->log->status = v->status;
	switch (v->act) {
	case SANDBOX_RESET:
	case SANDBOX_HANG:
		v->log->status = 0;
		return answer_reset(v);
	case SANDBOX_RAW:
	case SANDBOX_CUT_HEAD:
		v->log->status = 0;
		return answer_raw(v);
	case SANDBOX_CUT:
	case SANDBOX_BIG_HEAD:
		return answer_raw(v);
	default:
		return answer_whole(v);
	}
}
