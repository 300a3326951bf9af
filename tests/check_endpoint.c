/* Base addresses, and the nearest word. */
#include "send/endpoint.h"

#include <check.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "operation/api.h"
#include "options/suggest.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static const struct {
	const char *url, *base;
	bool private;
} good[] = {
	{ "https://track.customer.io", "https://track.customer.io", true },
	{ "HTTPS://Track.Customer.IO/", "https://track.customer.io", true },
	{ "https://h///", "https://h", true },
	{ "https://h/A/b/", "https://h/A/b", true },
	{ "https://h/api/v1", "https://h", true },
	{ "https://h/api/v2/", "https://h", true },
	{ "https://h/x//api/v1//", "https://h/x", true },
	{ "https://h/api/v1/api/v2", "https://h", true },
	{ "https://h/api/v3", "https://h/api/v3", true },
	{ "https://h/xapi/v1", "https://h/xapi/v1", true },
	{ "https://h/api", "https://h/api", true },
	{ "https://h:1", "https://h:1", true },
	{ "https://h:65535/x", "https://h:65535/x", true },
	{ "https://[2001:DB8::1]:443", "https://[2001:db8::1]:443", true },
	{ "https://h/a@b", "https://h/a@b", true },
	{ "https://h/%41", "https://h/%41", true },
	{ "https://a_b-c.d", "https://a_b-c.d", true },
	{ "http://localhost", "http://localhost", true },
	{ "http://LocalHost:80/", "http://localhost:80", true },
	{ "http://127.0.0.1", "http://127.0.0.1", true },
	{ "http://127.255.0.255:8080/x", "http://127.255.0.255:8080/x", true },
	{ "http://[::1]:8080", "http://[::1]:8080", true },
	{ "http://example.org", "http://example.org", false },
	{ "http://localhost.example.org", "http://localhost.example.org", false },
	{ "http://localhostx", "http://localhostx", false },
	{ "http://127.0.0.1.example.org", "http://127.0.0.1.example.org", false },
	{ "http://127.0.0.1.", "http://127.0.0.1.", false },
	{ "http://127.0.0", "http://127.0.0", false },
	{ "http://127.1", "http://127.1", false },
	{ "http://127.0.0.256", "http://127.0.0.256", false },
	{ "http://127.0.0.0001", "http://127.0.0.0001", false },
	{ "http://127..0.1", "http://127..0.1", false },
	{ "http://128.0.0.1", "http://128.0.0.1", false },
	{ "http://0x7f.0.0.1", "http://0x7f.0.0.1", false },
	{ "http://127.0.0.1x", "http://127.0.0.1x", false },
	{ "http://[::2]", "http://[::2]", false },
	{ "http://[::ffff:127.0.0.1]", "http://[::ffff:127.0.0.1]", false },
	{ "http://0.0.0.0", "http://0.0.0.0", false },
	{ "http://h/127.0.0.1", "http://h/127.0.0.1", false },
	{ "http://1", "http://1", false },
	{ "http://127.0.0.1.2", "http://127.0.0.1.2", false },
};

START_TEST(accepts)
{
	struct reason why = { .text = "" };
	char *base = NULL;

	ck_assert_msg(endpoint_parse(good[_i].url, &base, &why) == 0, "%s: %s", good[_i].url,
	    why.text);
	ck_assert_str_eq(base, good[_i].base);
	ck_assert_msg(endpoint_is_private(base) == good[_i].private, "%s", base);
	free(base);
}
END_TEST

static const struct {
	const char *url, *words;
} bad[] = {
	{ "", "https://" },
	{ "https", "https://" },
	{ "track.customer.io", "https://" },
	{ "ftp://h", "https://" },
	{ "https:/h", "https://" },
	{ "//h", "https://" },
	{ "file:///etc/passwd", "https://" },
	{ "https://", "no host" },
	{ "https:///x", "no host" },
	{ "https://:80", "no host" },
	{ "https://[]", "no host" },
	{ "https://[::1", "no host" },
	{ "https://[::g]", "no host" },
	{ "https://h!", "port" },
	{ "https://h:", "port" },
	{ "https://h:0", "port" },
	{ "https://h:65536", "port" },
	{ "https://h:8x", "port" },
	{ "https://h:-1", "port" },
	{ "https://h:000000080", "port" },
	{ "https://[::1]x", "port" },
	{ "https://u@h", "user name" },
	{ "https://u:s3cr3t@h", "user name" },
	{ "https://:s3cr3t@h", "user name" },
	{ "https://u:s3cr3t@h:80/x", "user name" },
	{ "https://u:s3/cr3t@h", "port" },
	{ "https://h?s3cr3t", "query" },
	{ "https://h/#s3cr3t", "query" },
	{ "https://h/a b", "white space" },
	{ "https://h/s3cr3t\n", "white space" },
	{ "https://h\t", "white space" },
	{ "https://h/\x7f", "white space" },
	{ "https://h/\xc3\xa4", "white space" },
	{ "https://h\\@x", "white space" },
	{ " https://h", "white space" },
	{ "https://h/\"", "white space" },
};

START_TEST(refuses)
{
	struct reason why = { .text = "" };
	char *base = NULL;

	ck_assert_msg(endpoint_parse(bad[_i].url, &base, &why) == -1, "%s", bad[_i].url);
	ck_assert_ptr_null(base);
	ck_assert_msg(strstr(why.text, bad[_i].words) != NULL, "%s: %s", bad[_i].url, why.text);
	ck_assert_msg(!strstr(why.text, "s3cr3t") && !strstr(why.text, "cr3t"), "%s: %s",
	    bad[_i].url, why.text);
}
END_TEST

START_TEST(length)
{
	struct reason why;
	char url[2002], *base = NULL;

	memset(url, 'a', sizeof url);
	memcpy(url, "https://h/", 10);
	url[2001] = '\0';
	ck_assert_int_eq(endpoint_parse(url, &base, &why), -1);
	url[2000] = '\0';
	ck_assert_int_eq(endpoint_parse(url, &base, &why), 0);
	free(base);
}
END_TEST

/* Of every API: what it would be told for a redirect to it is followed. */
START_TEST(regions)
{
	static const struct api_host *const hosts[] = { &api_track_host, &api_app_host };
	const char *base = hosts[_i / 2]->base[_i % 2];
	char *parsed = NULL;
	struct reason why;

	ck_assert_int_eq(endpoint_parse(base, &parsed, &why), 0);
	ck_assert_str_eq(parsed, base);
	ck_assert(endpoint_is_private(base));
	ck_assert_ptr_nonnull(strstr(base, "." ENDPOINT_DOMAIN));
	ck_assert_int_eq(strstr(base, "-eu.") != NULL, _i % 2 == 1);
	free(parsed);
}
END_TEST

static const struct {
	const char *word, *nearest;
} words[] = {
	{ "rate", "rate" },
	{ "raet", "rate" },
	{ "rat", "rate" },
	{ "ratee", "rate" },
	{ "rxte", "rate" },
	{ "RATE", "rate" },
	{ "rxxe", NULL },
	{ "record_rate", "record-rate" },
	{ "recrod-rate", "record-rate" },
	{ "rec", "record-rate" },
	{ "recordrate", "record-rate" },
	{ "r", NULL },
	{ "", NULL },
	{ "zzzz", NULL },
	{ "us", "us" },
	{ "su", NULL },
	{ "u", NULL },
	{ "record-rateeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee", NULL },
};

START_TEST(nearest)
{
	static const char *const known[] = { "rate", "record-rate", "us",
		"a-word-that-is-longer-than-any-that-is-compared" };
	struct suggestion s;

	suggest_begin(&s, words[_i].word, strlen(words[_i].word));
	for (size_t i = 0; i < COUNT(known); i++)
		suggest_try(&s, known[i]);
	if (words[_i].nearest)
		ck_assert_msg(suggest_end(&s) && strcmp(suggest_end(&s), words[_i].nearest) == 0,
		    "%s: %s", words[_i].word, suggest_end(&s) ? suggest_end(&s) : "nothing");
	else
		ck_assert_msg(!suggest_end(&s), "%s: %s", words[_i].word, suggest_end(&s));
}
END_TEST

/* A slip is nearer than an abbreviation, and of two as near the first is taken. */
START_TEST(nearest_of_several)
{
	struct suggestion s;

	suggest_begin(&s, "track", 5);
	suggest_try(&s, "track-anonymous");
	suggest_try(&s, "trakc");
	ck_assert_str_eq(suggest_end(&s), "trakc");
	suggest_begin(&s, "sta", 3);
	suggest_try(&s, "stat");
	suggest_try(&s, "star");
	ck_assert_str_eq(suggest_end(&s), "stat");
}
END_TEST

Suite *endpoint_suite(void);
Suite *endpoint_suite(void)
{
	Suite *s = suite_create("endpoint");
	TCase *t = tcase_create("endpoint");

	tcase_set_timeout(t, 30);
	tcase_add_loop_test(t, accepts, 0, COUNT(good));
	tcase_add_loop_test(t, refuses, 0, COUNT(bad));
	tcase_add_test(t, length);
	tcase_add_loop_test(t, regions, 0, 4);
	tcase_add_loop_test(t, nearest, 0, COUNT(words));
	tcase_add_test(t, nearest_of_several);
	suite_add_tcase(s, t);
	return s;
}
