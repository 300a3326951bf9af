/* CSV and JSON are read anew here: no reader of the program is trusted. */
#include "sim_outputs.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sim_disk.h"

enum { CELLS = 32 };

/* What reads a file, line by line. */
struct reader {
	struct outputs *o;
	const struct input_plan *plan; /* whose rows the lines are about */
	struct input_plan *next;       /* that is made of them, or NULL */
	unsigned file;                 /* of the plan's */
	size_t unreadable;
};

static enum told told_of(const char *name, size_t len)
{
	static const char *const names[] = { "", "accepted", "rejected", "refused", "failed",
		"unknown" };

	for (int i = TOLD_ACCEPTED; i <= TOLD_UNKNOWN; i++)
		if (strlen(names[i]) == len && memcmp(names[i], name, len) == 0)
			return (enum told)i;
	return TOLD_OTHER;
}

/* A reject that begins in line `at` is the row of line `line`. */
static void found_reject(struct reader *r, uint64_t at, uint64_t line, enum told as)
{
	const struct row *row = plan_at_line(r->plan, r->file, line);

	if (!row) {
		r->unreadable++;
	} else if (r->next) {
		struct row *copy = &r->next->rows[r->next->count++];
		*copy = *row;
		copy->number = (unsigned)r->next->count;
		copy->file = r->next->file_count - 1;
		copy->line = at;
	} else {
		r->o->rejects[row->number]++;
		r->o->rejects_as[row->number] = as;
	}
}

static uint64_t line_breaks(const char *from, const char *to)
{
	uint64_t count = 0;

	for (; from < to; from++)
		count += *from == '\n';
	return count;
}

/* -- CSV -- */

/* The next cell. What ended it: a comma, '\n', or '\0' at the file's end. */
static char next_cell(const char **p, const char *end, struct buf *text)
{
	buf_reset(text);
	if (*p < end && **p == '"') {
		(*p)++;
		while (*p < end && (**p != '"' || (*p + 1 < end && (*p)[1] == '"'))) {
			*p += **p == '"';
			buf_byte(text, *(*p)++);
		}
		*p += *p < end;
	}
	for (; *p < end && **p != ',' && **p != '\n'; (*p)++)
		if (**p != '\r')
			buf_byte(text, **p);
	return *p < end ? *(*p)++ : '\0';
}

static size_t next_row(const char **p, const char *end, struct buf cells[CELLS])
{
	size_t n = 0;
	char after;

	do {
		after = next_cell(p, end, &cells[n < CELLS ? n : CELLS - 1]);
		n++;
	} while (after == ',');
	return n;
}

static size_t column(const struct buf cells[CELLS], size_t n, const char *name)
{
	for (size_t i = 0; i < n && i < CELLS; i++)
		if (cells[i].len == strlen(name) && memcmp(cells[i].data, name, cells[i].len) == 0)
			return i;
	return CELLS;
}

static void read_rows(struct reader *r, const struct buf *file, struct buf cells[CELLS])
{
	const char *p = file->data, *end = p + file->len;
	size_t columns = next_row(&p, end, cells);
	size_t line = column(cells, columns, "_cio_line");
	size_t outcome = column(cells, columns, "_cio_outcome");
	uint64_t at = 1 + line_breaks(file->data, p);

	while (p < end) {
		const char *row = p;
		if (next_row(&p, end, cells) != columns || line >= columns || outcome >= columns) {
			r->unreadable++;
		} else {
			buf_byte(&cells[line], '\0');
			found_reject(r, at, strtoull(cells[line].data, NULL, 10),
			    told_of(cells[outcome].data, cells[outcome].len));
		}
		at += line_breaks(row, p);
	}
}

static void read_csv(struct reader *r, const struct buf *file)
{
	struct buf cells[CELLS];

	for (size_t i = 0; i < CELLS; i++)
		buf_init(&cells[i], SIZE_MAX);
	if (file->len)
		read_rows(r, file, cells);
	for (size_t i = 0; i < CELLS; i++)
		buf_free(&cells[i]);
}

/* -- JSON, an object a line -- */

static void read_json(struct reader *r, const struct buf *file,
    void (*f)(struct reader *r, uint64_t at, const json_t *line))
{
	const char *p = file->data, *end = p + file->len;

	for (uint64_t at = 1; p < end; at++) {
		const char *stop = memchr(p, '\n', (size_t)(end - p));
		size_t len = stop ? (size_t)(stop - p) : (size_t)(end - p);
		json_t *line = stop ? json_loadb(p, len, JSON_ALLOW_NUL, NULL) : NULL;
		if (json_is_object(line))
			f(r, at, line);
		else
			r->unreadable++;
		json_decref(line);
		p += len + 1;
	}
}

static enum told outcome_in(const json_t *line, const char *name)
{
	const json_t *outcome = json_object_get(line, name);

	return told_of(json_is_string(outcome) ? json_string_value(outcome) : "",
	    json_string_length(outcome));
}

static void reject_line(struct reader *r, uint64_t at, const json_t *line)
{
	found_reject(r, at, (uint64_t)json_integer_value(json_object_get(line, "_cio_line")),
	    outcome_in(line, "_cio_outcome"));
}

static void result_line(struct reader *r, uint64_t at, const json_t *line)
{
	json_int_t record = json_integer_value(json_object_get(line, "record"));
	enum told as = outcome_in(line, "outcome");
	const char *outcome = json_string_value(json_object_get(line, "outcome"));

	(void)at;
	if (!outcome || record < 0 || (size_t)record > r->plan->count) {
		r->unreadable++;
	} else if (record > 0 && strcmp(outcome, "skipped") != 0) {
		r->o->results[record]++;
		r->o->results_as[record] = as;
	}
}

/* -- a chapter's -- */

static void read_rejects(struct reader *r, const struct buf *file, bool ndjson)
{
	if (ndjson)
		read_json(r, file, reject_line);
	else
		read_csv(r, file);
}

static void read_outputs(struct reader *r, const struct command *c, bool ndjson)
{
	const struct buf *results = disk_get(c->results);
	char name[COMMAND_NAME];

	for (r->file = 0; r->file < c->input_count; r->file++) {
		command_rejects(c, r->file, name);
		if (disk_get(name))
			read_rejects(r, disk_get(name), ndjson);
	}
	if (results)
		read_json(r, results, result_line);
}

void outputs_read(struct outputs *o, const struct story *s)
{
	const struct chapter *c = &s->chapter;
	struct reader r = { .o = o, .plan = &c->plan };
	size_t n = c->plan.count + 1;

	o->rejects = xcalloc(n, sizeof *o->rejects);
	o->rejects_as = xcalloc(n, sizeof *o->rejects_as);
	o->results = xcalloc(n, sizeof *o->results);
	o->results_as = xcalloc(n, sizeof *o->results_as);
	for (unsigned i = 0; i < c->lane_count; i++)
		read_outputs(&r, &c->lanes[i].command, s->life->format != LIFE_CSV);
	o->foreign = r.unreadable;
}

void outputs_free(struct outputs *o)
{
	free(o->rejects);
	free(o->rejects_as);
	free(o->results);
	free(o->results_as);
}

void outputs_plan(struct input_plan *plan, const struct input_plan *before, unsigned file,
    const struct buf *rejects, bool ndjson)
{
	struct reader r = { .plan = before, .next = plan, .file = file };

	if (!plan->rows)
		plan->rows = xcalloc(before->count + 1, sizeof *plan->rows);
	plan->file_count++;
	read_rejects(&r, rejects, ndjson);
}

int64_t outputs_number(const struct buf *json, const char *name)
{
	char key[64];
	int len = snprintf(key, sizeof key, "\"%s\":", name);
	const char *found = json->len ? memmem(json->data, json->len, key, (size_t)len) : NULL;

	return found ? strtoll(found + len, NULL, 10) : -1;
}
