/* An address is judged part by part, before it is made curl's. */
#include "send/endpoint.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/buf.h"
#include "base/log.h"
#include "base/num.h"

#define URL_MAX_BYTES 2000
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

/* "https://" is 8 bytes, "http://" 7; 0: neither. */
static size_t scheme_length(const char *url)
{
	return strncasecmp(url, "https://", 8) == 0 ? 8 :
	    strncasecmp(url, "http://", 7) == 0     ? 7 :
	                                              0;
}

/* The length of a host name or [IPv6 address], 0 where there is none. */
static size_t host_length(const char *host)
{
	if (*host != '[')
		return strspn(host, LETTERS DIGITS "-._");
	size_t n = strspn(host + 1, "abcdefABCDEF" DIGITS ":.");
	return n > 0 && host[n + 1] == ']' ? n + 2 : 0;
}

static bool is_port(const char *text, size_t n)
{
	char port[8] = "";
	uint64_t number;

	if (n >= sizeof port)
		return false;
	memcpy(port, text, n);
	return num_count(port, 1, 65535, &number) == 0;
}

/* What stands between scheme and path. */
static int check_authority(const char *host, size_t n, struct reason *why)
{
	size_t len = host_length(host);

	if (memchr(host, '@', n))
		return reason_set(why,
		    "the address holds a user name: leave it out; credentials are taken from "
		    "the environment or --env-file");
	if (len == 0 || len > n)
		return reason_set(why,
		    "the address has no host that can be used (a name outside ASCII is written "
		    "as xn--...)");
	if (len < n && (host[len] != ':' || !is_port(host + len + 1, n - len - 1)))
		return reason_set(why,
		    "what follows the address's host is not a port: give 1 to 65535");
	return 0;
}

/* Without slashes at its end, and without the part of a path that each request brings itself: an
 * address is often copied with it. `least` bytes stay. */
static size_t base_length(const char *url, size_t least, size_t n)
{
	static const char *const versions[] = { "/api/v1", "/api/v2" };

	while (n > least && url[n - 1] == '/')
		n--;
	for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
		size_t len = strlen(versions[i]);
		if (n >= least + len && memcmp(url + n - len, versions[i], len) == 0)
			return base_length(url, least, n - len);
	}
	return n;
}

int endpoint_parse(const char *url, char **out, struct reason *why)
{
	size_t n = strlen(url), scheme = scheme_length(url);

	for (size_t i = 0; i < n; i++)
		if ((unsigned char)url[i] <= ' ' || (unsigned char)url[i] >= 0x7f ||
		    strchr("\"<>\\^`{|}", url[i]))
			return reason_set(why,
			    "the address holds white space or another character that no address "
			    "has");
	if (scheme == 0)
		return reason_set(why, "the address must begin with https://");
	if (n > URL_MAX_BYTES)
		return reason_set(why, "the address is longer than %d bytes", URL_MAX_BYTES);
	if (strpbrk(url, "?#"))
		return reason_set(why,
		    "the address holds a query or a fragment: give what stands before ? and #");
	size_t authority = strcspn(url + scheme, "/");
	if (check_authority(url + scheme, authority, why) != 0)
		return -1;
	n = base_length(url, scheme + authority, n);
	char *base = xstrndup(url, n);
	for (size_t i = 0; i < scheme + authority; i++)
		base[i] = (char)tolower((unsigned char)base[i]);
	*out = base;
	return 0;
}

/* 127.0.0.0/8, in four decimal numbers; "127.0.0.1.example.com" is somebody else. */
static bool is_loopback_ipv4(const char *host, size_t n)
{
	unsigned parts = 0;

	for (size_t at = 0; at <= n; parts++) {
		size_t len = 0, value = 0;
		for (; at + len < n && isdigit((unsigned char)host[at + len]) && len < 3; len++)
			value = value * 10 + (size_t)(host[at + len] - '0');
		if (len == 0 || value > 255 || (parts == 0 && value != 127) ||
		    (at + len < n && host[at + len] != '.'))
			return false;
		at += len + 1;
	}
	return parts == 4;
}

bool endpoint_is_private(const char *url)
{
	size_t scheme = scheme_length(url);
	const char *host = url + scheme;
	size_t n = host_length(host);

	return scheme == 8 || is_loopback_ipv4(host, n) ||
	    (n == 9 && memcmp(host, "localhost", 9) == 0) ||
	    (n == 5 && memcmp(host, "[::1]", 5) == 0);
}
