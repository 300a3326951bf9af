/* The sandbox's options: one table, a few lines for each of them. */
#include "sandbox_options.h"

#include <getopt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/num.h"
#include "unix.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* --- kinds of values: each 0, or -1 where the value is none --- */

static int read_unsigned(const char *value, uint64_t min, uint64_t max, unsigned *out)
{
	uint64_t n;

	if (num_count(value, min, max, &n) != 0)
		return -1;
	*out = (unsigned)n;
	return 0;
}

/* "10,30" or "10,30,50": counts up to a million, the first smaller than the second. */
static int read_counts(const char *value, uint64_t *out, size_t count)
{
	char *copy = xstrdup(value), *rest = copy;
	size_t n = 0;
	int result = 0;

	for (char *part; result == 0 && (part = unix_cut(&rest, ",")); n++)
		result = n < count ? num_count(part, 0, 1000000, &out[n]) : -1;
	free(copy);
	return result == 0 && n == count && out[0] < out[1] ? 0 : -1;
}

static void add_rule(struct sandbox_options *o, const struct sandbox_rule *r)
{
	if (o->rule_count < SANDBOX_RULES)
		o->rules[o->rule_count++] = *r;
}

/* --- the options --- */

static int read_port(struct sandbox_options *o, const char *value)
{
	unsigned n;

	if (read_unsigned(value, 0, 65535, &n) != 0)
		return -1;
	o->config.port = (int)n;
	return 0;
}

static int read_site(struct sandbox_options *o, const char *value)
{
	o->config.site_id = value;
	return 0;
}

static int read_key(struct sandbox_options *o, const char *value)
{
	o->config.api_key = value;
	return 0;
}

static int read_app_key(struct sandbox_options *o, const char *value)
{
	o->config.app_key = value;
	return 0;
}

static int read_segments(struct sandbox_options *o, const char *value)
{
	o->config.segments = value;
	return *value && strspn(value, "0123456789,") == strlen(value) ? 0 : -1;
}

/* N, or N/SECONDS */
static int read_rate_limit(struct sandbox_options *o, const char *value)
{
	char *copy = xstrdup(value), *slash = strchr(copy, '/');
	unsigned seconds = 1;

	if (slash)
		*slash = '\0';
	int result = read_unsigned(copy, 0, 1000000, &o->config.limit.count);
	if (result == 0 && slash)
		result = read_unsigned(slash + 1, 1, 86400, &seconds);
	o->config.limit.window_us = (int64_t)seconds * 1000000;
	free(copy);
	return result;
}

static int read_limit_kind(struct sandbox_options *o, const char *value)
{
	static const char *const names[] = {
		[SANDBOX_LIMIT_SLIDING] = "sliding",
		[SANDBOX_LIMIT_FIXED] = "fixed",
		[SANDBOX_LIMIT_BUCKET] = "bucket",
	};

	for (size_t i = 0; i < COUNT(names); i++)
		if (strcmp(value, names[i]) == 0) {
			o->config.limit.kind = (enum sandbox_limit_kind)i;
			return 0;
		}
	return -1;
}

static int read_limit_refused(struct sandbox_options *o, const char *value)
{
	(void)value;
	o->config.limit.refused_count = true;
	return 0;
}

static int read_limit_change(struct sandbox_options *o, const char *value)
{
	uint64_t n[3];

	if (read_counts(value, n, 3) != 0)
		return -1;
	o->config.limit.change = (struct sandbox_limit_change){ .from_us = (int64_t)n[0] * 1000000,
		.to_us = (int64_t)n[1] * 1000000,
		.count = (unsigned)n[2] };
	return 0;
}

/* Anything that a header can hold, so that wrong ones can be rehearsed; or date+SECONDS. */
static int read_retry_after(struct sandbox_options *o, const char *value)
{
	static const char date[] = "date+";
	unsigned n;

	for (const char *p = value; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return -1;
	if (strncmp(value, date, sizeof date - 1) != 0) {
		o->config.retry_after = value;
		return *value ? 0 : -1;
	}
	if (read_unsigned(value + sizeof date - 1, 1, 86400, &n) != 0)
		return -1;
	o->config.retry_after_s = (int)n;
	o->config.retry_after_date = true;
	return 0;
}

static int read_clock(struct sandbox_options *o, const char *value)
{
	unsigned n;

	if (read_unsigned(value + (*value == '-'), 0, 31536000, &n) != 0)
		return -1;
	o->config.clock_ahead_s = *value == '-' ? -(int)n : (int)n;
	return 0;
}

static int read_latency(struct sandbox_options *o, const char *value)
{
	return read_unsigned(value, 0, 3600000, &o->config.latency_ms);
}

static int read_fail(struct sandbox_options *o, const char *value)
{
	return read_unsigned(value, 0, 100, &o->fail_percent);
}

/* The kinds of --fail-with; set_chaos knows the share of each. */
static const char *const fail_kinds[] = { "503", "reset", "late-reset", "500", "cut", "cut-head",
	"big-head", "login", "429" };

static unsigned fail_kind(const char *name)
{
	for (size_t i = 0; i < COUNT(fail_kinds); i++)
		if (strcmp(name, fail_kinds[i]) == 0)
			return 1u << i;
	return 0;
}

static int read_fail_with(struct sandbox_options *o, const char *value)
{
	char *copy = xstrdup(value), *rest = copy;
	int result = 0;

	for (char *name; result == 0 && (name = unix_cut(&rest, ","));) {
		o->fail_kinds |= fail_kind(name);
		result = fail_kind(name) != 0 ? 0 : -1;
	}
	free(copy);
	return result;
}

static int read_outage(struct sandbox_options *o, const char *value)
{
	uint64_t n[2];

	if (read_counts(value, n, 2) != 0)
		return -1;
	o->config.outage_from_ms = (int64_t)n[0] * 1000;
	o->config.outage_to_ms = (int64_t)n[1] * 1000;
	return 0;
}

static int read_seed(struct sandbox_options *o, const char *value)
{
	return num_count(value, 0, UINT32_MAX, &o->config.chaos.seed);
}

static int read_login_page(struct sandbox_options *o, const char *value)
{
	uint64_t from;

	if (num_count(value, 1, UINT32_MAX, &from) != 0)
		return -1;
	add_rule(o,
	    &(struct sandbox_rule){ .passes = from - 1, .times = -1, .fault = sandbox_login_page });
	return 0;
}

static int read_not_found(struct sandbox_options *o, const char *value)
{
	(void)value;
	add_rule(o, &(struct sandbox_rule){ .times = -1, .fault = sandbox_not_found });
	return 0;
}

static int read_firewall(struct sandbox_options *o, const char *value)
{
	add_rule(o,
	    &(struct sandbox_rule){ .holds = value, .times = -1, .fault = sandbox_firewall });
	return *value ? 0 : -1;
}

static int read_poison(struct sandbox_options *o, const char *value)
{
	add_rule(o,
	    &(struct sandbox_rule){ .holds = value,
	        .times = -1,
	        .fault = { .act = SANDBOX_STATUS,
	            .status = 500,
	            .body = "{\"meta\":{\"error\":\"internal server error\"}}" } });
	return *value ? 0 : -1;
}

static int read_gzip(struct sandbox_options *o, const char *value)
{
	(void)value;
	o->config.gzip = true;
	return 0;
}

static int read_proxy_auth(struct sandbox_options *o, const char *value)
{
	o->config.proxy_auth = value;
	return strchr(value, ':') ? 0 : -1;
}

static int read_any_email(struct sandbox_options *o, const char *value)
{
	(void)value;
	o->config.strict_emails = false;
	return 0;
}

static int read_sink(struct sandbox_options *o, const char *value)
{
	(void)value;
	o->config.sink = true;
	return 0;
}

static int read_port_file(struct sandbox_options *o, const char *value)
{
	o->port_file = value;
	return 0;
}

static int read_log(struct sandbox_options *o, const char *value)
{
	o->log_file = value;
	return 0;
}

static int read_help(struct sandbox_options *o, const char *value)
{
	(void)value;
	o->help = true;
	return 0;
}

static const struct {
	const char *name, *argument;
	int (*read)(struct sandbox_options *o, const char *value);
	const char *wanted; /* what a value has to be: "give ..." */
	const char *help;
} table[] = {
	{ "port", "N", read_port, "a whole number from 0 to 65535",
	    "listen on port N (default: any that is free)" },
	{ "site-id", "TEXT", read_site, NULL, "the site id it accepts (default: sandbox)" },
	{ "api-key", "TEXT", read_key, NULL, "the API key it accepts (default: sandbox)" },
	{ "app-key", "TEXT", read_app_key, NULL, "the App API key it accepts (default: sandbox)" },
	{ "segments", "N,...", read_segments, "numbers: 7,8",
	    "the manual segments that there are (default: any number)" },
	{ "rate-limit", "N[/S]", read_rate_limit,
	    "a whole number from 0 to 1000000, perhaps with a number of seconds: 100, 3000/3",
	    "answer 429 over N requests in any second, or any S seconds (default: no limit)" },
	{ "limit-kind", "KIND", read_limit_kind, "sliding, fixed or bucket",
	    "how it counts: sliding (default), in fixed windows, or with a token bucket" },
	{ "limit-refused", NULL, read_limit_refused, NULL,
	    "requests that are refused count for the limit too" },
	{ "limit-change", "FROM,TO,N", read_limit_change,
	    "three whole numbers, the first smaller than the second: 60,120,50",
	    "from second FROM to second TO after the start the limit is N" },
	{ "retry-after", "TEXT", read_retry_after,
	    "what the header is to hold (30, 2.9), or date+N with N from 1 to 86400",
	    "say Retry-After: TEXT in a 429; date+N: the date N seconds on, by its clock" },
	{ "clock", "SECONDS", read_clock, "a whole number of seconds, a minus perhaps before it",
	    "its clock is that far ahead (a minus: behind)" },
	{ "latency", "MS", read_latency, "a whole number from 0 to 3600000",
	    "take MS milliseconds for each answer" },
	{ "fail", "PERCENT", read_fail, "a whole number from 0 to 100",
	    "fail this share of requests: half with 503, a quarter each with a\n"
	    "connection reset before and after processing" },
	{ "fail-with", "KIND,...", read_fail_with,
	    "one or more of 503, reset, late-reset, 500, cut, cut-head, big-head, login, 429",
	    "fail them so instead, in equal parts: 503, reset, late-reset (after\n"
	    "processing), 500 (the same), cut, cut-head (answers cut short), big-head\n"
	    "(400 kB of header), login, 429" },
	{ "outage", "FROM,TO", read_outage, "two numbers of seconds, the first smaller: 10,30",
	    "answer 503 to everything from second FROM to second TO after the start" },
	{ "seed", "N", read_seed, "a whole number from 0 to 4294967295",
	    "for --fail: the same number, the same failures (default: 1)" },
	{ "login-page", "N", read_login_page, "a whole number from 1 to 4294967295",
	    "from the Nth request on, answer 200 and an HTML login page to everything" },
	{ "not-found", NULL, read_not_found, NULL, "answer 404 to everything" },
	{ "firewall", "TEXT", read_firewall, "the text that it takes offence at",
	    "answer 403 and an HTML page to requests that hold TEXT" },
	{ "poison", "TEXT", read_poison, "the text that it stumbles over",
	    "answer 500 to requests that hold TEXT" },
	{ "gzip", NULL, read_gzip, NULL, "compress every answer" },
	{ "proxy-auth", "USER:PASS", read_proxy_auth, "a user, a colon and a password",
	    "named as a proxy, answer 407 to who does not bring this" },
	{ "any-email", NULL, read_any_email, NULL,
	    "accept an email attribute that is no address (default: 400)" },
	{ "sink", NULL, read_sink, NULL,
	    "answer {} at once to anything and remember nothing, for measuring" },
	{ "port-file", "FILE", read_port_file, NULL, "write the port to FILE once it listens" },
	{ "log", "FILE", read_log, NULL, "write one JSON object for each request to FILE" },
	{ "help", NULL, read_help, NULL, "print this" },
};

/* --- reading them --- */

static int read_one(struct sandbox_options *o, size_t i, const char *value)
{
	if (table[i].read(o, value) == 0)
		return 0;
	fprintf(stderr, "sandbox: --%s=%s: give %s\n", table[i].name, value, table[i].wanted);
	return -1;
}

/* --fail and --fail-with say together what chaos there is. */
static void set_chaos(struct sandbox_options *o)
{
	struct sandbox_chaos *c = &o->config.chaos;
	unsigned *const shares[COUNT(fail_kinds)] = { &c->unavailable, &c->reset_before,
		&c->reset_after, &c->error_after, &c->cut, &c->cut_head, &c->big_head,
		&c->login_page, &c->throttled };
	unsigned percent = o->fail_percent, kinds = 0;

	for (size_t i = 0; i < COUNT(fail_kinds); i++)
		kinds += o->fail_kinds >> i & 1;
	if (kinds == 0) {
		c->reset_before = c->reset_after = percent / 4;
		c->unavailable = percent - c->reset_before - c->reset_after;
		return;
	}
	for (size_t i = 0; i < COUNT(fail_kinds); i++) {
		if (!(o->fail_kinds >> i & 1))
			continue;
		*shares[i] = percent / kinds--;
		percent -= *shares[i];
	}
}

int sandbox_options_read(int argc, char **argv, struct sandbox_options *o)
{
	struct option options[COUNT(table) + 1] = { { NULL, 0, NULL, 0 } };
	int opt;

	for (size_t i = 0; i < COUNT(table); i++)
		options[i] = (struct option){ table[i].name,
			table[i].argument ? required_argument : no_argument, NULL, (int)i + 1 };
	*o = (struct sandbox_options){
		.config = { .lean = true, .strict_emails = true, .chaos = { .seed = 1 } },
	};
	while (!o->help && (opt = getopt_long(argc, argv, "", options, NULL)) != -1)
		/* of what it does not know, getopt_long has said so */
		if (opt == '?' || read_one(o, (size_t)opt - 1, optarg) != 0)
			return -1;
	if (!o->help && optind < argc) {
		fprintf(stderr, "sandbox: %s: it takes options only; try --help\n", argv[optind]);
		return -1;
	}
	set_chaos(o);
	return 0;
}

/* --- the help --- */

#define HELP_COLUMN 29

static void add_entry(struct buf *out, size_t i)
{
	size_t begin = out->len;

	buf_fmt(out, "  --%s%s%s", table[i].name, table[i].argument ? "=" : "",
	    table[i].argument ? table[i].argument : "");
	while (out->len - begin < HELP_COLUMN)
		buf_byte(out, ' ');
	for (const char *p = table[i].help; *p; p++) {
		buf_byte(out, *p);
		if (*p == '\n')
			buf_fmt(out, "%*s", HELP_COLUMN, "");
	}
	buf_byte(out, '\n');
}

int sandbox_options_help(void)
{
	struct buf out;

	buf_init(&out, BUF_UNBOUNDED);
	buf_str(&out,
	    "Usage: cio-import-sandbox [OPTION]...\n"
	    "A server of Customer.io's APIs on 127.0.0.1 that remembers what it was sent, to "
	    "rehearse an\n"
	    "import on. It runs until SIGINT or SIGTERM, then says what it has seen.\n\n");
	for (size_t i = 0; i < COUNT(table); i++)
		add_entry(&out, i);
	buf_str(&out,
	    "\nThen, in another terminal, with the address that it prints:\n"
	    "  export CUSTOMERIO_SITE_ID=sandbox CUSTOMERIO_TRACK_API_KEY=sandbox "
	    "CUSTOMERIO_URL=http://127.0.0.1:PORT\n"
	    "  cio-import users.csv\n");
	bool written = fwrite(out.data, 1, out.len, stdout) == out.len && fflush(stdout) == 0;
	buf_free(&out);
	return written ? 0 : -1;
}
