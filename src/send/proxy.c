/* The environment's variables, taken apart as curl does. */
#include "send/proxy.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/num.h"
#include "send/endpoint.h"

#define BLANKS " \t"

/* The variables, as settings have them. */
static const char *const https_names[] = { "https_proxy", "HTTPS_PROXY" },
                         *const all_names[] = { "all_proxy", "ALL_PROXY" },
                         *const none_names[] = { "no_proxy", "NO_PROXY" };

void proxy_settings_read(struct proxy_settings *s,
    const char *(*get)(const char *name, const void *arg), const void *arg)
{
	s->http = get("http_proxy", arg);
	for (size_t i = 0; i < 2; i++) {
		s->https[i] = get(https_names[i], arg);
		s->all[i] = get(all_names[i], arg);
		s->none[i] = get(none_names[i], arg);
	}
}

/* -- who is reached without one -- */

/* An address in its binary form: its length in bytes, 0 where it is none. */
static size_t binary(const char *text, unsigned char out[16])
{
	return inet_pton(AF_INET, text, out) == 1 ? 4 :
	    inet_pton(AF_INET6, text, out) == 1   ? 16 :
	                                            0;
}

static bool same_bits(const unsigned char *a, const unsigned char *b, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	return memcmp(a, b, whole) == 0 && (rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0);
}

/* "10.0.0.0/8", "::1" */
static bool is_in_network(const char *network, const unsigned char *host, size_t len)
{
	char text[64];
	unsigned char other[16];
	size_t n = strcspn(network, "/");
	uint64_t bits = len * 8;

	if (n >= sizeof text)
		return false;
	memcpy(text, network, n);
	text[n] = '\0';
	if (network[n] && num_count(network + n + 1, 0, len * 8, &bits) != 0)
		return false;
	return binary(text, other) == len && same_bits(host, other, (unsigned)bits);
}

/* "example.org" and ".example.org" hold example.org and what ends in a dot and it. */
static bool is_in_domain(const char *domain, const char *host)
{
	size_t m = strlen(host), n;

	domain += *domain == '.';
	n = strlen(domain);
	n -= n > 0 && domain[n - 1] == '.';
	m -= m > 0 && host[m - 1] == '.';
	return n > 0 && n <= m && strncasecmp(host + m - n, domain, n) == 0 &&
	    (n == m || host[m - n - 1] == '.');
}

bool proxy_is_passed_by(const char *none, const char *host)
{
	unsigned char bytes[16];
	size_t len = binary(host, bytes);
	char *list, *rest, *one;
	bool found = strcmp(none, "*") == 0;

	for (list = xstrdup(none), one = strtok_r(list, BLANKS ",", &rest); one && !found;
	     one = strtok_r(NULL, BLANKS ",", &rest))
		found = len ? is_in_network(one, bytes, len) : is_in_domain(one, host);
	free(list);
	return found;
}

/* -- what a variable names -- */

/* The kinds that libcurl knows. What has no kind is http. */
static const char *const kinds[] = { "http://", "https://", "socks://", "socks4://", "socks4a://",
	"socks5://", "socks5h://" };

static int split_kind(const char **text, const char **kind)
{
	*kind = kinds[0];
	if (!strstr(*text, "://"))
		return 0;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (strncasecmp(*text, kinds[i], strlen(kinds[i])) == 0) {
			*kind = kinds[i];
			*text += strlen(kinds[i]);
			return 0;
		}
	return -1;
}

/* User and password, so that whoever takes the address apart finds its host behind the one @. */
static void add_user(struct buf *out, const char *user, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (user[i] == '@' || (unsigned char)user[i] <= ' ' || user[i] == 0x7f)
			buf_fmt(out, "%%%02X", (unsigned char)user[i]);
		else
			buf_byte(out, user[i]);
	if (n > 0)
		buf_byte(out, '@');
}

static char *join(const char *kind, const char *user, size_t n, const char *host)
{
	struct buf text = { .max = SIZE_MAX };

	buf_str(&text, kind);
	add_user(&text, user, n);
	buf_str(&text, host);
	buf_byte(&text, '\0');
	return text.data;
}

/* Host and port are judged as those of a base address are. */
static int parse(const char *text, struct proxy *out, struct reason *why)
{
	const char *kind;
	struct reason inner;

	if (split_kind(&text, &kind) != 0)
		return reason_set(why,
		    "%s names a proxy of a kind that is not known: give it as http://HOST:PORT "
		    "(or https, socks4, socks4a, socks5, socks5h)",
		    out->variable);
	char *authority = xstrndup(text, strcspn(text, "/?#")), *base = NULL;
	char *at = strrchr(authority, '@'), *host = at ? at + 1 : authority;
	char *address = join(kinds[0], "", 0, host);
	int bad = endpoint_parse(address, &base, &inner);
	if (bad) {
		reason_set(why,
		    "%s names a proxy, and %s: correct it, or take it out of the environment",
		    out->variable, inner.text);
	} else {
		host = base + strlen(kinds[0]);
		out->shown = join(kind, "", 0, host);
		out->url = join(kind, authority, at ? (size_t)(at - authority) : 0, host);
	}
	free(address);
	free(authority);
	free(base);
	return bad;
}

static bool is_there(const char *text)
{
	return text && *text;
}

/* The first of them that is there. */
static const char *first_of(const char *const values[2], const char *const names[2],
    const char **variable)
{
	size_t i = is_there(values[0]) ? 0 : 1;

	*variable = names[i];
	return is_there(values[i]) ? values[i] : NULL;
}

/* Which variable counts for an address. NULL: none. */
static const char *setting_for(const struct proxy_settings *s, const char *base,
    const char **variable)
{
	const char *text = NULL;

	if (strncmp(base, "https://", 8) == 0)
		text = first_of(s->https, https_names, variable);
	else if (is_there(s->http))
		*variable = "http_proxy", text = s->http;
	return text ? text : first_of(s->all, all_names, variable);
}

/* Whether NO_PROXY names the address's host. */
static bool is_passed_by(const struct proxy_settings *s, const char *base)
{
	const char *none = is_there(s->none[0]) ? s->none[0] : s->none[1];
	const char *host = strstr(base, "://") + 3;
	bool brackets = *host == '[';

	if (!is_there(none))
		return false;
	host += brackets;
	char *name = xstrndup(host, strcspn(host, brackets ? "]" : ":/"));
	bool passed_by = proxy_is_passed_by(none, name);
	free(name);
	return passed_by;
}

int proxy_choose(const struct proxy_settings *s, const char *base, struct proxy *out,
    struct reason *why)
{
	*out = (struct proxy){ 0 };
	const char *text = setting_for(s, base, &out->variable);

	if (!text || is_passed_by(s, base))
		return 0;
	return parse(text, out, why);
}

void proxy_free(struct proxy *p)
{
	free(p->url);
	free(p->shown);
	*p = (struct proxy){ 0 };
}
