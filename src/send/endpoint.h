/* Base addresses: where requests go. */
#ifndef ENDPOINT_H
#define ENDPOINT_H

#include <stdbool.h>

struct reason;

/*
 * Judges a base address: http or https, a host, perhaps a port and a path prefix; no user name,
 * query or fragment, no white space. Returns it in *out, owned by the caller, with scheme and host
 * in lower case and no slash at the end; /api/v1 and /api/v2 there are left out. 0, or -1 with
 * *why, which never shows the address: there may be a password in it.
 */
int endpoint_parse(const char *url, char **out, struct reason *why);

/* Whether what endpoint_parse made is safe for credentials: https, or http to this machine
 * (localhost, 127.0.0.0/8,
 * [::1]). */
bool endpoint_is_private(const char *url);

/* Customer.io's own domain. */
#define ENDPOINT_DOMAIN "customer.io"

#endif
