/* A client of the sandbox that sends exactly what it is told and shows exactly what came back. What
 * goes wrong in here fails the test. */
#ifndef CLIENT_H
#define CLIENT_H

#include <jansson.h>
#include <stddef.h>

#include "sandbox.h"

#define CLIENT_AUTH "Authorization: Basic c2FuZGJveDpzYW5kYm94\r\n" /* sandbox:sandbox */

enum client_end { CLIENT_WHOLE, CLIENT_CLOSED, CLIENT_RESET, CLIENT_SILENT };

struct client_answer {
	int status;          /* 0: no status line */
	enum client_end end; /* how it ended: a whole answer, or what came in its place */
	char text[8192];     /* all bytes, NUL after them; what is longer counts as closed */
	const char *body;    /* what follows the head; or "" */
	size_t body_len;
};

/* A connection, to close; it waits 20 s for a byte. */
int client_dial(const struct sandbox *s);

/* Sends a request; `headers` are whole lines; body may be NULL. */
void client_ask_with(int fd, const char *headers, const char *method, const char *path,
    const char *body, size_t len);
/* ... with the credentials, and a text as body */
void client_ask(int fd, const char *method, const char *path, const char *body);

/* The answer to it; good until the next one. */
struct client_answer client_read(int fd);

/* All of that on a connection of its own. */
struct client_answer client_call_with(struct sandbox *s, const char *headers, const char *method,
    const char *path, const char *body, size_t len);
struct client_answer client_call(struct sandbox *s, const char *method, const char *path,
    const char *body);
int client_status(struct sandbox *s, const char *method, const char *path, const char *body);

/* Compares a JSON value, which it frees, with text. */
void client_assert_json(json_t *got, const char *want);

#endif
