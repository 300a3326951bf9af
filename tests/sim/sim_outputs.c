/* CSV and JSON are read anew here: no reader of the program is trusted. */
#include "sim_outputs.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sim_disk.h"

enum { CELLS = 32 };

static enum told told_of(const char *name, size_t len)
{
	static const char *const names[] = { "", "accepted", "rejected", "refused", "failed" };

	for (int i = TOLD_ACCEPTED; i <= TOLD_FAILED; i++)
		if (strlen(names[i]) == len && memcmp(names[i], name, len) == 0)
			return (enum told)i;
	return TOLD_OTHER;
}

static void note_reject(struct outputs *o, const struct story *s, uint64_t line, enum told as)
{
	const struct row *row = plan_at_line(&s->plan, line);

	if (!row) {
		o->foreign++;
		return;
	}
	o->rejects[row->number]++;
	o->rejects_as[row->number] = as;
}

/* -- CSV -- */

struct cell {
	struct buf text;
};

/* The next cell; what follows it in *p. The separator, '\n' at a row's end, '\0' at the file's. */
static char next_cell(const char **p, const char *end, struct buf *text)
{
	buf_reset(text);
	if (*p < end && **p == '"') {
		for ((*p)++; *p < end && (**p != '"' || (*p + 1 < end && (*p)[1] == '"')); (*p)++) {
			*p += **p == '"';
			buf_byte(text, **p);
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

static void read_csv(struct outputs *o, const struct story *s, const struct buf *file)
{
	const char *p = file->data, *end = p + file->len;
	struct buf cells[CELLS] = { 0 };

	for (size_t i = 0; i < CELLS; i++)
		buf_init(&cells[i], SIZE_MAX);
	size_t columns = next_row(&p, end, cells);
	size_t line = column(cells, columns, "_cio_line");
	size_t outcome = column(cells, columns, "_cio_outcome");
	while (p < end) {
		size_t n = next_row(&p, end, cells);
		if (n != columns || line >= n || outcome >= n) {
			o->foreign++;
			continue;
		}
		buf_byte(&cells[line], '\0');
		note_reject(o, s, strtoull(cells[line].data, NULL, 10),
		    told_of(cells[outcome].data, cells[outcome].len));
	}
	for (size_t i = 0; i < CELLS; i++)
		buf_free(&cells[i]);
}

/* -- JSON, an object a line -- */

static void each_line(const struct buf *file, struct outputs *o, const struct story *s,
    void (*f)(struct outputs *o, const struct story *s, const json_t *line))
{
	const char *p = file->data, *end = p + file->len;

	while (p < end) {
		const char *stop = memchr(p, '\n', (size_t)(end - p));
		size_t len = stop ? (size_t)(stop - p) : (size_t)(end - p);
		json_t *line = stop ? json_loadb(p, len, JSON_ALLOW_NUL, NULL) : NULL;
		if (json_is_object(line))
			f(o, s, line);
		else
			o->foreign++;
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

static void reject_line(struct outputs *o, const struct story *s, const json_t *line)
{
	note_reject(o, s, (uint64_t)json_integer_value(json_object_get(line, "_cio_line")),
	    outcome_in(line, "_cio_outcome"));
}

static void result_line(struct outputs *o, const struct story *s, const json_t *line)
{
	json_int_t record = json_integer_value(json_object_get(line, "record"));
	const char *outcome = json_string_value(json_object_get(line, "outcome"));

	if (record < 1 || (size_t)record > s->plan.count || !outcome) {
		o->foreign++;
		return;
	}
	if (strcmp(outcome, "skipped") == 0)
		return;
	o->results[record]++;
	o->results_as[record] = outcome_in(line, "outcome");
}

void outputs_read(struct outputs *o, const struct story *s)
{
	const struct buf *rejects = disk_get(
	    s->life->format ? "users.rejected.ndjson" : "users.rejected.csv");
	const struct buf *results = disk_get("results.ndjson");
	size_t n = s->plan.count + 1;

	o->rejects = xcalloc(n, sizeof *o->rejects);
	o->rejects_as = xcalloc(n, sizeof *o->rejects_as);
	o->results = xcalloc(n, sizeof *o->results);
	o->results_as = xcalloc(n, sizeof *o->results_as);
	o->foreign = 0;
	if (rejects && s->life->format)
		each_line(rejects, o, s, reject_line);
	else if (rejects)
		read_csv(o, s, rejects);
	if (results)
		each_line(results, o, s, result_line);
}

void outputs_free(struct outputs *o)
{
	free(o->rejects);
	free(o->rejects_as);
	free(o->results);
	free(o->results_as);
}

int64_t outputs_number(const struct buf *json, const char *name)
{
	char key[64];
	int len = snprintf(key, sizeof key, "\"%s\":", name);
	const char *found = json->len ? memmem(json->data, json->len, key, (size_t)len) : NULL;

	return found ? strtoll(found + len, NULL, 10) : -1;
}
