/* The sandbox as a program, for rehearsals: a server of Customer.io's APIs on loopback that
 * remembers what it was sent. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/buf.h"
#include "base/text.h"
#include "sandbox.h"
#include "sandbox_options.h"

struct program {
	struct sandbox_options options;
	FILE *log;
};

/* In the server's thread. */
static void log_request(const struct sandbox_arrival *r, void *arg)
{
	const struct program *p = arg;
	struct buf line;

	if (!p->log)
		return;
	buf_init(&line, BUF_UNBOUNDED);
	buf_fmt(&line,
	    "{\"request\":%" PRIu64 ",\"at_us\":%" PRId64 ",\"connection\":%" PRIu64 ",\"method\":",
	    r->number, r->at_us, r->connection);
	text_json(&line, r->method, strlen(r->method));
	buf_str(&line, ",\"path\":");
	text_json(&line, r->path, strlen(r->path));
	buf_fmt(&line,
	    ",\"bytes\":%zu,\"people\":%zu,\"status\":%d,\"processed\":%s,\"fault\":%s,\"took_us\":"
	    "%" PRId64 "}\n",
	    r->body_len, r->people, r->status, r->processed ? "true" : "false",
	    r->faulted ? "true" : "false", r->answered_us ? r->answered_us - r->at_us : (int64_t)0);
	if (fwrite(line.data, 1, line.len, p->log) != line.len)
		fprintf(stderr, "sandbox: %s: %s\n", p->options.log_file, strerror(errno));
	buf_free(&line);
}

/* Written under another name first, so that whoever waits for it reads a whole number. */
static int write_port(const char *file, int port)
{
	struct buf name;

	buf_init(&name, BUF_UNBOUNDED);
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

/* A line of what there is none of is left out, but for people and events. */
static void print_rest(const struct sandbox_counters *c)
{
	if (c->objects || c->relations || c->members || c->esp_suppressed)
		printf("sandbox: %" PRIu64 " objects, %" PRIu64 " relationships, %" PRIu64
		       " in segments, %" PRIu64 " addresses suppressed\n",
		    c->objects, c->relations, c->members, c->esp_suppressed);
	if (c->messages || c->drafts || c->triggers)
		printf("sandbox: %" PRIu64 " messages sent, %" PRIu64 " of them twice; %" PRIu64
		       " drafts, %" PRIu64 " broadcasts\n",
		    c->messages, c->messages_twice, c->drafts, c->triggers);
}

static void print_summary(struct sandbox *s, bool sink)
{
	struct sandbox_counters c = sandbox_counters(s);

	printf("sandbox: %" PRIu64 " requests on %" PRIu64 " connections", c.requests,
	    c.connections);
	if (sink) {
		printf(", %" PRIu64 " bytes\n", c.bytes);
		return;
	}
	printf(", %u in the busiest second, %" PRIu64 " answered 429\n", c.busiest_second,
	    c.throttled);
	printf("sandbox: %" PRIu64 " people, %" PRIu64 " events, %" PRIu64 " duplicates dropped\n",
	    c.people, c.events, c.duplicates);
	print_rest(&c);
}

static int serve(const struct sandbox_options *o, const sigset_t *ends)
{
	int status = EXIT_FAILURE, signal_number;
	struct sandbox *s = sandbox_start(&o->config);

	if (!s)
		return EX_UNAVAILABLE;
	for (size_t i = 0; i < o->rule_count; i++)
		sandbox_add_rule(s, &o->rules[i]);
	printf("sandbox: listening on %s\n", sandbox_url(s));
	fflush(stdout);
	if (!o->port_file || write_port(o->port_file, sandbox_port(s)) == 0) {
		sigwait(ends, &signal_number);
		print_summary(s, o->config.sink);
		status = EXIT_SUCCESS;
	}
	sandbox_stop(s);
	return status;
}

static int open_log(struct program *p)
{
	const char *file = p->options.log_file;

	p->log = file ? fopen(file, "we") : NULL;
	if (file && !p->log) {
		fprintf(stderr, "sandbox: %s: %s\n", file, strerror(errno));
		return -1;
	}
	if (p->log)
		setvbuf(p->log, NULL, _IOLBF, BUFSIZ);
	return 0;
}

int main(int argc, char **argv)
{
	struct program p = { .log = NULL };
	sigset_t ends;

	if (sandbox_options_read(argc, argv, &p.options) != 0)
		return EX_USAGE;
	if (p.options.help)
		return sandbox_options_help() == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
	if (open_log(&p) != 0)
		return EX_CANTCREAT;
	p.options.config.settled = log_request;
	p.options.config.arg = &p;
	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	/* before its thread starts: only sigwait takes them */
	sigprocmask(SIG_BLOCK, &ends, NULL);
	signal(SIGPIPE, SIG_IGN);
	int status = serve(&p.options, &ends);
	if (p.log && fclose(p.log) != 0)
		status = EXIT_FAILURE;
	return fflush(stdout) == 0 ? status : EXIT_FAILURE;
}
