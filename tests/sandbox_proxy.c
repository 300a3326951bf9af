/* The sandbox as a proxy: it is the server behind itself for plain http, and leads nowhere else. */
#include "sandbox_internal.h"

#include <stdlib.h>
#include <string.h>

const char *proxy_path(const char *method, const char *target, bool *proxied)
{
	static const char scheme[] = "http://";

	*proxied = strcmp(method, "CONNECT") == 0 ||
	    strncmp(target, scheme, sizeof scheme - 1) == 0;
	if (target[0] == '/' || strcmp(method, "CONNECT") == 0 || !*proxied)
		return target;
	const char *path = strchr(target + sizeof scheme - 1, '/');
	return path ? path : "/";
}

static int base64_value(char c)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(digits, c) : NULL;
	return at ? (int)(at - digits) : -1;
}

/* Whether `header` is "Basic " and the base64 of `want`. */
static bool brings(const char *header, const char *want)
{
	unsigned bits = 0, count = 0;
	size_t at = 0, len = strlen(want);

	if (!header || strncmp(header, "Basic ", 6) != 0)
		return false;
	for (const char *p = header + 6; base64_value(*p) >= 0; p++) {
		bits = bits << 6 | (unsigned)base64_value(*p);
		count += 6;
		if (count < 8)
			continue;
		count -= 8;
		if (at == len || (char)(bits >> count & 0xff) != want[at++])
			return false;
	}
	return at == len;
}

static void answer_page(struct visit *v, int status, const char *headers, const char *title)
{
	v->status = status;
	buf_fmt(&v->headers, "Content-Type: text/html\n%s", headers);
	buf_fmt(&v->answer, "<html><head><title>%d %s</title></head><body></body></html>\n", status,
	    title);
}

bool proxy_refuses(struct visit *v)
{
	if (!v->log->proxied)
		return false;
	if (v->s->proxy_auth && !brings(v->log->proxy_authorization, v->s->proxy_auth))
		answer_page(v, 407, "Proxy-Authenticate: Basic realm=\"sandbox\"",
		    "Proxy Authentication Required");
	else if (strcmp(v->log->method, "CONNECT") == 0)
		answer_page(v, 502, "Connection: close", "Bad Gateway");
	else
		return false;
	return true;
}
