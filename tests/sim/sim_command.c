/* Each gene that says something becomes an option. */
#include "sim_command.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "sim_trace.h"

static void __attribute__((format(printf, 2, 3))) add(struct command *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c->words[c->count], sizeof c->words[0], fmt, ap);
	va_end(ap);
	c->argv[c->count] = c->words[c->count];
	c->argv[++c->count] = NULL;
}

static void add_action(struct command *c, const struct life *l, bool sync)
{
	static const char *const options[] = {
		[LIFE_IDENTIFY] = "--action=identify",
		[LIFE_TRACK] = "--action=track",
		[LIFE_DELETE] = "--action=delete",
		[LIFE_SUPPRESS] = "--action=suppress",
		[LIFE_MIXED] = "--action-field=do",
		[LIFE_EMAIL] = "--action=send-email",
		[LIFE_PUSH] = "--action=send-push",
		[LIFE_SMS] = "--action=send-sms",
		[LIFE_SEGMENT] = "--action=segment-add",
		[LIFE_RELATED] = "--action-field=do",
	};

	add(c, "%s", options[l->action]);
	if (l->action == LIFE_SEGMENT && !sync)
		add(c, "--action-field=do");
	if (l->action == LIFE_TRACK || l->action == LIFE_MIXED)
		add(c, "--event=bought");
	if (life_sends(l))
		add(c, "--message=44");
	if (l->action == LIFE_SEGMENT)
		add(c, "--segment=" LIFE_SEGMENT_ID);
	if (l->action == LIFE_RELATED)
		add(c, "--object-type=1");
}

static void add_number(struct command *c, const char *option, int64_t value, int64_t off)
{
	if (value != off)
		add(c, "--%s=%" PRId64, option, value);
}

static void add_time(struct command *c, const char *option, int64_t ms, int64_t off)
{
	if (ms != off)
		add(c, "--%s=%" PRId64 "ms", option, ms);
}

static void add_speed(struct command *c, const struct life *l, bool shared)
{
	if (l->batch == 1 && !life_sends(l))
		add(c, "--batch");
	else if (l->batch && !life_sends(l))
		add(c, "--batch=%" PRId64, l->batch);
	add_number(c, "concurrency", l->concurrency, 0);
	add_number(c, "rate", shared && !l->rate ? 50 : l->rate, 0);
	add_number(c, "burst", shared && !l->burst ? 10 : l->burst, 0);
	if (shared)
		add(c, "--rate-file=rate");
	if (l->no_adapt)
		add(c, "--no-adapt");
}

static void add_patience(struct command *c, const struct life *l)
{
	add_number(c, "retries", l->retries, 4);
	add_number(c, "max-errors", l->max_errors, 0);
	add_time(c, "backoff", l->backoff_ms, 1000);
	add_time(c, "backoff-max", l->backoff_max_ms, 60000);
	add_time(c, "timeout", l->timeout_ms, 10000);
	add_time(c, "give-up-after", l->give_up_ms, 900000);
}

static const char *ending_of(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot ? dot : name + strlen(name);
}

/* "users.csv" to "users.rejected.1of2.csv" */
static void name_rejects(struct command *c, unsigned shard, unsigned shards)
{
	char plain[PLAN_NAME], part[32] = "";
	size_t len = strlen(c->inputs[0]);

	if (len > 3 && strcmp(c->inputs[0] + len - 3, ".gz") == 0)
		len -= 3;
	snprintf(plain, sizeof plain, "%.*s", (int)len, c->inputs[0]);
	if (shards)
		snprintf(part, sizeof part, ".%uof%u", shard, shards);
	const char *ending = ending_of(plain);
	snprintf(c->rejects, sizeof c->rejects, "%.*s.rejected%s%s", (int)(ending - plain), plain,
	    part, ending);
}

void command_rejects(const struct command *c, unsigned file, char name[COMMAND_NAME])
{
	const char *ending = ending_of(c->rejects);

	if (file == 0)
		snprintf(name, COMMAND_NAME, "%s", c->rejects);
	else
		snprintf(name, COMMAND_NAME, "%.*s.%u%s", (int)(ending - c->rejects), c->rejects,
		    file + 1, ending);
}

static void add_format(struct command *c, const struct life *l, bool piped)
{
	static const char *const names[] = {
		[LIFE_CSV] = "csv",
		[LIFE_NDJSON] = "ndjson",
		[LIFE_ARRAY] = "json",
		[LIFE_OBJECTS] = "json",
	};

	if (c->fed_in)
		return;
	if (piped || l->format == LIFE_OBJECTS) /* its first line may be an object */
		add(c, "--format=%s", names[l->format]);
	if (l->encoding == LIFE_WINDOWS)
		add(c, "--encoding=windows-1252");
}

static void add_files(struct command *c, const struct life *l, unsigned shard, unsigned shards)
{
	bool piped = strcmp(c->inputs[0], "-") == 0;

	snprintf(c->summary, sizeof c->summary, "summary%u.json", shard);
	snprintf(c->results, sizeof c->results, "results%u.ndjson", shard);
	if (piped) {
		snprintf(c->state, sizeof c->state, "pipe.cio-state");
		snprintf(c->rejects, sizeof c->rejects, "pipe.rejected");
		add(c, "--state=%s", c->state);
		add(c, "--rejects=%s", c->rejects);
	} else {
		name_rejects(c, shard, shards);
		if (shards)
			snprintf(c->state, sizeof c->state, "%.20s.%uof%u.cio-state", c->inputs[0],
			    shard, shards);
		else
			snprintf(c->state, sizeof c->state, "%.40s.cio-state", c->inputs[0]);
		for (unsigned i = 0; i < c->input_count; i++)
			add(c, "%s", c->inputs[i]);
	}
	add_format(c, l, piped);
	add(c, "--summary=%s", c->summary);
	if (l->kind == LIFE_GROWING)
		add(c, "--keep-state");
	if (l->results)
		add(c, "--results=%s", c->results);
	if (shards)
		add(c, "--shard=%u/%u", shard, shards);
}

void command_make(struct command *c, const struct life *l, unsigned shard, unsigned shards,
    bool sync)
{
	c->count = 0;
	add(c, "cio-import");
	add_files(c, l, shard, shards);
	add_action(c, l, sync);
	add_speed(c, l, shards && l->rate_file);
	add_patience(c, l);
	if (sync) {
		add(c, "--sync=people.sync");
		add(c, "--sync-deletes=%s",
		    l->action == LIFE_SEGMENT ? "segment-remove" : "delete");
		add_number(c, "max-deletes", l->max_deletes, 0);
	} else {
		add_number(c, "limit", l->limit, 0);
		add_number(c, "skip", l->skip, 0);
	}
	if (l->padding > 900)
		add(c, "--no-limits");
	if (l->verbose)
		add(c, "--verbose");
}

void command_trace(const struct command *c)
{
	struct buf line = { .max = 4096 };

	for (unsigned i = 0; i < c->count; i++)
		buf_fmt(&line, " %s", c->argv[i]);
	buf_byte(&line, '\0');
	trace("$%s", line.data);
	buf_free(&line);
}
