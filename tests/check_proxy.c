/* Which proxy the environment names for an address, and that its password is never shown. */
#include "send/proxy.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include "base/log.h"

#define COUNT(a) (int)(sizeof(a) / sizeof *(a))
#define HTTP "http://api.example.org:8025"
#define HTTPS "https://track.customer.io"

Suite *proxy_suite(void);

static const struct {
	const char *variables[3]; /* NAME=VALUE */
	const char *base, *url, *shown, *variable;
} chosen[] = {
	{ { NULL }, HTTPS, NULL, NULL, NULL },
	{ { "https_proxy=http://p:3128" }, HTTPS, "http://p:3128", "http://p:3128", "https_proxy" },
	{ { "HTTPS_PROXY=p:3128" }, HTTPS, "http://p:3128", "http://p:3128", "HTTPS_PROXY" },
	{ { "HTTPS_PROXY=http://a:1", "https_proxy=http://b:2" }, HTTPS, "http://b:2", "http://b:2",
	    "https_proxy" },
	{ { "HTTPS_PROXY=http://a:1", "https_proxy=" }, HTTPS, "http://a:1", "http://a:1",
	    "HTTPS_PROXY" },
	{ { "https_proxy=http://p:1" }, HTTP, NULL, NULL, NULL },
	{ { "http_proxy=http://p:1" }, HTTPS, NULL, NULL, NULL },
	{ { "http_proxy=http://p:1" }, HTTP, "http://p:1", "http://p:1", "http_proxy" },
	{ { "HTTP_PROXY=http://p:1" }, HTTP, NULL, NULL, NULL },
	{ { "all_proxy=socks5h://p:1" }, HTTP, "socks5h://p:1", "socks5h://p:1", "all_proxy" },
	{ { "ALL_PROXY=SOCKS4a://p" }, HTTPS, "socks4a://p", "socks4a://p", "ALL_PROXY" },
	{ { "all_proxy=http://a:1", "https_proxy=https://b" }, HTTPS, "https://b", "https://b",
	    "https_proxy" },
	{ { "https_proxy=http://[::1]:3128/" }, HTTPS, "http://[::1]:3128", "http://[::1]:3128",
	    "https_proxy" },
	/* user and password are for curl alone, and cannot hide another host */
	{ { "https_proxy=http://u:s3cr3t@p:3128/x" }, HTTPS, "http://u:s3cr3t@p:3128",
	    "http://p:3128", "https_proxy" },
	{ { "https_proxy=u:s3cr3t@evil@p:3128" }, HTTPS, "http://u:s3cr3t%40evil@p:3128",
	    "http://p:3128", "https_proxy" },
	{ { "https_proxy=u:s3 cr3t%41@p" }, HTTPS, "http://u:s3%20cr3t%41@p", "http://p",
	    "https_proxy" },
	/* who is reached without one */
	{ { "https_proxy=p:1", "no_proxy=customer.io" }, HTTPS, NULL, NULL, NULL },
	{ { "https_proxy=p:1", "NO_PROXY=localhost, .customer.io" }, HTTPS, NULL, NULL, NULL },
	{ { "https_proxy=p:1", "NO_PROXY=*" }, HTTPS, NULL, NULL, NULL },
	{ { "https_proxy=p:1", "no_proxy=", "NO_PROXY=*" }, HTTPS, NULL, NULL, NULL },
	{ { "https_proxy=p:1", "no_proxy=x", "NO_PROXY=*" }, HTTPS, "http://p:1", "http://p:1",
	    "https_proxy" },
	{ { "http_proxy=p:1", "no_proxy=api.example.org" }, HTTP, NULL, NULL, NULL },
	{ { "http_proxy=p:1", "no_proxy=127.0.0.0/8" }, "http://127.0.0.1:9/x", NULL, NULL, NULL },
	{ { "http_proxy=p:1", "no_proxy=::1" }, "http://[::1]:9", NULL, NULL, NULL },
	/* a broken one that does not count is not looked at */
	{ { "https_proxy=http://:::", "no_proxy=*" }, HTTPS, NULL, NULL, NULL },
	{ { "http_proxy=http://:::" }, HTTPS, NULL, NULL, NULL },
};

static const char *look_up(const char *name, const void *arg)
{
	const char *const *variables = arg;
	size_t n = strlen(name);

	for (size_t i = 0; i < 3 && variables[i]; i++)
		if (strncmp(variables[i], name, n) == 0 && variables[i][n] == '=')
			return variables[i] + n + 1;
	return NULL;
}

static void assert_same(const char *is, const char *want)
{
	if (want)
		ck_assert_str_eq(is, want);
	else
		ck_assert_ptr_null(is);
}

START_TEST(is_chosen)
{
	struct proxy_settings s;
	struct proxy p;
	struct reason why = { .text = "" };

	proxy_settings_read(&s, look_up, chosen[_i].variables);
	ck_assert_msg(proxy_choose(&s, chosen[_i].base, &p, &why) == 0, "%s", why.text);
	assert_same(p.url, chosen[_i].url);
	assert_same(p.shown, chosen[_i].shown);
	if (chosen[_i].url)
		ck_assert_str_eq(p.variable, chosen[_i].variable);
	proxy_free(&p);
}
END_TEST

static const struct {
	const char *variable, *words;
} broken[] = {
	{ "https_proxy=http://u:s3cr3t@127.0.0.1:99999", "https_proxy names a proxy, and what" },
	{ "HTTPS_PROXY=http://u:s3cr3t@127.0.0.1:99999", "not a port" },
	{ "https_proxy=http://u:s3cr3t@", "no host" },
	{ "https_proxy=http://", "no host" },
	{ "https_proxy=ftp://u:s3cr3t@p:1", "not known" },
	{ "https_proxy=http://u:s3/cr3t@p:1", "not a port" },
	{ "https_proxy=http://u:s3cr3t@p q:1", "white space" },
	{ "ALL_PROXY=http://u:s3cr3t@p:x", "ALL_PROXY" },
};

START_TEST(is_refused)
{
	const char *variables[3] = { broken[_i].variable };
	struct proxy_settings s;
	struct proxy p;
	struct reason why = { .text = "" };

	proxy_settings_read(&s, look_up, variables);
	ck_assert_int_eq(proxy_choose(&s, HTTPS, &p, &why), -1);
	ck_assert_msg(strstr(why.text, broken[_i].words) != NULL, "%s", why.text);
	ck_assert_msg(!strstr(why.text, "s3") && !strstr(why.text, "cr3t"), "%s", why.text);
	ck_assert_ptr_null(p.url);
	proxy_free(&p);
}
END_TEST

static const struct {
	const char *none, *host;
	bool passed_by;
} hosts[] = {
	{ "example.org", "example.org", true },
	{ "example.org", "EXAMPLE.org", true },
	{ "example.org", "a.example.org", true },
	{ ".example.org", "example.org", true },
	{ ".example.org", "a.b.example.org", true },
	{ "example.org.", "example.org", true },
	{ "example.org", "example.org.", true },
	{ "example.org", "badexample.org", false },
	{ "a.example.org", "example.org", false },
	{ "x,example.org", "example.org", true },
	{ "x example.org\ty", "example.org", true },
	{ ",, ,", "example.org", false },
	{ "", "example.org", false },
	{ ".", "example.org", false },
	{ "*", "anything", true },
	{ "a,*", "anything", false },
	{ "127.0.0.1", "127.0.0.1", true },
	{ "127.0.0.1", "127.0.0.2", false },
	{ "7.0.0.1", "127.0.0.1", false },
	{ "127.0.0.0/8", "127.9.9.9", true },
	{ "127.0.0.0/8", "128.0.0.1", false },
	{ "10.1.2.128/25", "10.1.2.129", true },
	{ "10.1.2.128/25", "10.1.2.127", false },
	{ "10.1.2.3/32", "10.1.2.3", true },
	{ "10.1.2.3/0", "99.9.9.9", true },
	{ "10.1.2.3/33", "10.1.2.3", false },
	{ "10.1.2.3/x", "10.1.2.3", false },
	{ "10.1.2.3/", "10.1.2.3", false },
	{ "::1", "::1", true },
	{ "0:0::1", "::1", true },
	{ "fd00::/8", "fd12::1", true },
	{ "fd00::/8", "fe00::1", false },
	{ "0.0.0.0/0", "::1", false },
};

START_TEST(is_passed_by)
{
	ck_assert_msg(proxy_is_passed_by(hosts[_i].none, hosts[_i].host) == hosts[_i].passed_by,
	    "%s: %s", hosts[_i].none, hosts[_i].host);
}
END_TEST

Suite *proxy_suite(void)
{
	Suite *s = suite_create("proxy");
	TCase *t = tcase_create("proxy");

	tcase_add_loop_test(t, is_chosen, 0, COUNT(chosen));
	tcase_add_loop_test(t, is_refused, 0, COUNT(broken));
	tcase_add_loop_test(t, is_passed_by, 0, COUNT(hosts));
	suite_add_tcase(s, t);
	return s;
}
