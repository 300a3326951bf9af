/* Which proxy stands between this machine and a base address, by the environment's variables, as
 * curl reads them. */
#ifndef PROXY_H
#define PROXY_H

#include <stdbool.h>

struct reason;

/* What the environment says. The texts are borrowed; NULL: not there (an empty one counts as that,
 * too). Where a variable may be written in two ways, the lower-case one goes first. */
struct proxy_settings {
	const char *http;     /* http_proxy; in lower case alone, for a web server's CGI sets the
	                         other one */
	const char *https[2]; /* https_proxy, HTTPS_PROXY */
	const char *all[2];   /* all_proxy, ALL_PROXY: where neither of the others is there */
	const char *none[2];  /* no_proxy, NO_PROXY: whom to reach without one */
};

/* Fills them in: `get` looks a variable up, as getenv does. */
void proxy_settings_read(struct proxy_settings *s,
    const char *(*get)(const char *name, const void *arg), const void *arg);

struct proxy {
	char *url;            /* for the one who connects: may hold user and password; NULL: none */
	char *shown;          /* the same for people: kind, host and port alone; NULL: none */
	const char *variable; /* that named it */
};

/*
 * The proxy for what endpoint_parse made. 0 with *out, to be given to proxy_free, or -1 with *why:
 * the variable that counts names no proxy (another kind than http, https and socks, no host, a port
 * that is none). *why never shows what it holds.
 */
int proxy_choose(const struct proxy_settings *s, const char *base, struct proxy *out,
    struct reason *why);
void proxy_free(struct proxy *p); /* a zeroed one is fine */

/* Whether a NO_PROXY list holds a host: by its name or the end of it after a dot, an address, a
 * network such as 10.0.0.0/8, or `*` for all. */
bool proxy_is_passed_by(const char *none, const char *host);

#endif
