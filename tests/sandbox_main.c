/* The sandbox as a program, for rehearsals: a Track API server on loopback that remembers what it
 * was sent. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/buf.h"
#include "base/text.h"
#include "base/clock.h"
#include "base/num.h"
#include "sandbox.h"

struct arguments {
	struct sandbox_config config;
	const char *port_file, *log_file;
	FILE *log;
	bool done; /* --help was given */
};

enum {
	OPT_PORT = 1,
	OPT_SITE,
	OPT_KEY,
	OPT_LIMIT,
	OPT_RETRY_AFTER,
	OPT_LATENCY,
	OPT_FAIL,
	OPT_OUTAGE,
	OPT_SEED,
	OPT_ANY_EMAIL,
	OPT_SINK,
	OPT_PORT_FILE,
	OPT_LOG,
	OPT_HELP
};

static const struct option long_options[] = {
	{ "port", required_argument, NULL, OPT_PORT },
	{ "site-id", required_argument, NULL, OPT_SITE },
	{ "api-key", required_argument, NULL, OPT_KEY },
	{ "rate-limit", required_argument, NULL, OPT_LIMIT },
	{ "retry-after", required_argument, NULL, OPT_RETRY_AFTER },
	{ "latency", required_argument, NULL, OPT_LATENCY },
	{ "fail", required_argument, NULL, OPT_FAIL },
	{ "outage", required_argument, NULL, OPT_OUTAGE },
	{ "seed", required_argument, NULL, OPT_SEED },
	{ "any-email", no_argument, NULL, OPT_ANY_EMAIL },
	{ "sink", no_argument, NULL, OPT_SINK },
	{ "port-file", required_argument, NULL, OPT_PORT_FILE },
	{ "log", required_argument, NULL, OPT_LOG },
	{ "help", no_argument, NULL, OPT_HELP },
	{ NULL, 0, NULL, 0 },
};

static const char help[] =
    "Usage: cio-import-sandbox [OPTION]...\n"
    "A Track API server on 127.0.0.1 that remembers what it was sent, to rehearse an import on.\n"
    "It runs until SIGINT or SIGTERM, then says what it has seen.\n"
    "\n"
    "  --port=N           listen on port N (default: any that is free)\n"
    "  --site-id=TEXT     the site id it accepts (default: sandbox)\n"
    "  --api-key=TEXT     the API key it accepts (default: sandbox)\n"
    "  --rate-limit=N     answer 429 over N requests in any second (default: no limit)\n"
    "  --retry-after=N    say Retry-After: N in a 429\n"
    "  --latency=MS       take MS milliseconds for each answer\n"
    "  --fail=PERCENT     fail this share of requests: half with 503, a quarter each with a "
    "connection\n"
    "                     reset before and after processing\n"
    "  --outage=FROM,TO   answer 503 to everything from second FROM to second TO after the start\n"
    "  --seed=N           for --fail: the same number, the same failures (default: 1)\n"
    "  --any-email        accept an email attribute that is no address (default: 400)\n"
    "  --sink             answer {} at once to anything and remember nothing, for measuring\n"
    "  --port-file=FILE   write the port to FILE once it listens\n"
    "  --log=FILE         write one JSON object for each request to FILE\n"
    "  --help             print this\n"
    "\n"
    "Then, in another terminal, with the address that it prints:\n"
    "  export CUSTOMERIO_SITE_ID=sandbox CUSTOMERIO_TRACK_API_KEY=sandbox "
    "CUSTOMERIO_URL=http://127.0.0.1:PORT\n"
    "  cio-import users.csv\n";

static int refuse(const char *option, const char *value, const char *wanted)
{
	fprintf(stderr, "sandbox: --%s=%s: give %s\n", option, value, wanted);
	return -1;
}

/* A whole number option. */
static int read_number(const char *option, const char *value, uint64_t max, uint64_t *out)
{
	char wanted[64];

	if (num_count(value, 0, max, out) == 0)
		return 0;
	snprintf(wanted, sizeof wanted, "a whole number from 0 to %llu", (unsigned long long)max);
	return refuse(option, value, wanted);
}

static int read_outage(const char *value, struct sandbox_config *c)
{
	char *copy = xstrdup(value), *comma = strchr(copy, ',');
	uint64_t from, to;
	int result = -1;

	if (comma) {
		*comma = '\0';
		if (num_count(copy, 0, 1000000, &from) == 0 &&
		    num_count(comma + 1, 0, 1000000, &to) == 0 && from < to) {
			c->outage_from_ms = (int64_t)from * 1000;
			c->outage_to_ms = (int64_t)to * 1000;
			result = 0;
		}
	}
	free(copy);
	return result == 0 ?
	    0 :
	    refuse("outage", value, "two numbers of seconds, the first smaller: 10,30");
}

static void set_failures(struct sandbox_chaos *c, unsigned percent)
{
	c->reset_before = percent / 4;
	c->reset_after = percent / 4;
	c->unavailable = percent - c->reset_before - c->reset_after;
}

static int read_option(int opt, const char *value, struct arguments *a)
{
	struct sandbox_config *c = &a->config;
	uint64_t n = 0;
	int result = 0;

	switch (opt) {
	case OPT_PORT:
		result = read_number("port", value, 65535, &n);
		c->port = (int)n;
		break;
	case OPT_SITE:
		c->site_id = value;
		break;
	case OPT_KEY:
		c->api_key = value;
		break;
	case OPT_LIMIT:
		result = read_number("rate-limit", value, 1000000, &n);
		c->rate_limit = (unsigned)n;
		break;
	case OPT_RETRY_AFTER:
		result = read_number("retry-after", value, 86400, &n);
		c->retry_after_s = (int)n;
		break;
	case OPT_LATENCY:
		result = read_number("latency", value, 3600000, &n);
		c->latency_ms = (unsigned)n;
		break;
	case OPT_FAIL:
		result = read_number("fail", value, 100, &n);
		set_failures(&c->chaos, (unsigned)n);
		break;
	case OPT_OUTAGE:
		result = read_outage(value, c);
		break;
	case OPT_SEED:
		result = read_number("seed", value, UINT32_MAX, &n);
		c->chaos.seed = n;
		break;
	case OPT_ANY_EMAIL:
		c->strict_emails = false;
		break;
	case OPT_SINK:
		c->sink = true;
		break;
	case OPT_PORT_FILE:
		a->port_file = value;
		break;
	case OPT_LOG:
		a->log_file = value;
		break;
	case OPT_HELP:
		a->done = true;
		break;
	default:
		result = -1;
		break; /* getopt_long has said why */
	}
	return result;
}

static int read_arguments(int argc, char **argv, struct arguments *a)
{
	int opt;

	a->config.lean = true;
	a->config.strict_emails = true;
	a->config.chaos.seed = 1;
	while (!a->done && (opt = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		if (read_option(opt, optarg, a) < 0)
			return -1;
	if (!a->done && optind < argc) {
		fprintf(stderr, "sandbox: %s: it takes options only; try --help\n", argv[optind]);
		return -1;
	}
	return 0;
}

/* In the server's thread. */
static void log_request(const struct sandbox_arrival *r, void *arg)
{
	const struct arguments *a = arg;
	struct buf line;

	if (!a->log)
		return;
	buf_init(&line, SIZE_MAX);
	buf_fmt(&line, "{\"request\":%llu,\"at_us\":%lld,\"connection\":%llu,\"method\":",
	    (unsigned long long)r->number, (long long)r->at_us, (unsigned long long)r->connection);
	text_json(&line, r->method, strlen(r->method));
	buf_str(&line, ",\"path\":");
	text_json(&line, r->path, strlen(r->path));
	buf_fmt(&line,
	    ",\"bytes\":%zu,\"people\":%zu,\"status\":%d,\"processed\":%s,\"fault\":%s,\"took_us\":"
	    "%lld}\n",
	    r->body_len, r->people, r->status, r->processed ? "true" : "false",
	    r->faulted ? "true" : "false",
	    (long long)(r->answered_us ? r->answered_us - r->at_us : 0));
	if (fwrite(line.data, 1, line.len, a->log) != line.len)
		fprintf(stderr, "sandbox: %s: %s\n", a->log_file, strerror(errno));
	buf_free(&line);
}

/* Written under another name first, so that whoever waits for it reads a whole number. */
static int write_port(const char *file, int port)
{
	struct buf name;

	buf_init(&name, SIZE_MAX);
	buf_fmt(&name, "%s.new", file);
	buf_byte(&name, '\0');
	FILE *f = fopen(name.data, "we");
	bool failed = !f || fprintf(f, "%d\n", port) < 0;
	if (f)
		failed |= fclose(f) != 0;
	if (failed || rename(name.data, file) < 0) {
		fprintf(stderr, "sandbox: %s: %s\n", file, strerror(errno));
		failed = true;
	}
	buf_free(&name);
	return failed ? -1 : 0;
}

static void print_summary(struct sandbox *s, bool sink)
{
	struct sandbox_counters c = sandbox_counters(s);

	printf("sandbox: %llu requests on %llu connections", (unsigned long long)c.requests,
	    (unsigned long long)c.connections);
	if (sink) {
		printf(", %llu bytes\n", (unsigned long long)c.bytes);
		return;
	}
	printf(", %u in the busiest second, %llu answered 429\n", c.busiest_second,
	    (unsigned long long)c.throttled);
	printf("sandbox: %llu people, %llu events, %llu duplicates dropped\n",
	    (unsigned long long)c.people, (unsigned long long)c.events,
	    (unsigned long long)c.duplicates);
}

static int serve(struct arguments *a, const sigset_t *ends)
{
	int status = EXIT_FAILURE, signal_number;
	struct sandbox *s = sandbox_start(&a->config);

	if (!s)
		return EX_UNAVAILABLE;
	printf("sandbox: listening on %s\n", sandbox_url(s));
	fflush(stdout);
	if (!a->port_file || write_port(a->port_file, sandbox_port(s)) == 0) {
		sigwait(ends, &signal_number);
		print_summary(s, a->config.sink);
		status = EXIT_SUCCESS;
	}
	sandbox_stop(s);
	return status;
}

int main(int argc, char **argv)
{
	struct arguments a = { .done = false };
	sigset_t ends;

	if (read_arguments(argc, argv, &a) < 0)
		return EX_USAGE;
	if (a.done)
		return fputs(help, stdout) < 0 || fflush(stdout) != 0;
	if (a.log_file && !(a.log = fopen(a.log_file, "we"))) {
		fprintf(stderr, "sandbox: %s: %s\n", a.log_file, strerror(errno));
		return EX_CANTCREAT;
	}
	if (a.log)
		setvbuf(a.log, NULL, _IOLBF, BUFSIZ);
	a.config.settled = log_request;
	a.config.arg = &a;
	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	/* before its thread starts: only sigwait takes them */
	sigprocmask(SIG_BLOCK, &ends, NULL);
	signal(SIGPIPE, SIG_IGN);
	int status = serve(&a, &ends);
	if (a.log && fclose(a.log) != 0)
		status = EXIT_FAILURE;
	return fflush(stdout) == 0 ? status : EXIT_FAILURE;
}
