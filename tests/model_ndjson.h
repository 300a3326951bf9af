/* NDJSON as jansson sees it. */
#ifndef MODEL_NDJSON_H
#define MODEL_NDJSON_H

#include <jansson.h>
#include <stdlib.h>
#include "reading.h"
#include "base/scan.h"

#define MODEL_FLAGS (JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL)

/* The object's members, each with the bytes that we found for it, if jansson reads the same value
 * out of them. */
static inline void model_members(struct buf *out, json_t *object, const struct record *r)
{
	void *member = json_object_iter(object);

	for (size_t i = 0; member; i++, member = json_object_iter_next(object, member)) {
		const char *name = json_object_iter_key(member);
		put_text(out, name, strlen(name));
		if (i >= r->count) {
			buf_str(out, " a member is missing");
			continue;
		}
		json_t *value = json_loadb(r->fields[i].value, r->fields[i].value_len,
		    MODEL_FLAGS | JSON_DECODE_ANY, NULL);
		if (value && json_equal(value, json_object_iter_value(member)))
			put_text(out, r->fields[i].value, r->fields[i].value_len);
		else
			buf_str(out, " another value");
		json_decref(value);
	}
}

/*
 * Whether a key is repeated at the top level, in a line that jansson takes: it keeps one of the
 * two, so the keys that it keeps are fewer than those that were written. Those are counted as what
 * our scanner found (without its own check).
 */
static inline bool model_repeats(const json_t *object, const struct json_scan *scan)
{
	return json_object_size(object) < scan->count;
}

static inline void model_line(struct buf *out, const char *line, size_t n, uint64_t number)
{
	char *copy = xcalloc(n + 64, 1); /* as the scanner wants it */
	struct json_scan scan = { .most = INPUT_FIELDS_MAX };
	/* never valid, but jansson loses one that follows a number or a word */
	bool nul = memchr(line, '\0', n) != NULL;
	json_t *object = nul ? NULL : json_loadb(line, n, MODEL_FLAGS, NULL);

	memcpy(copy, line, n);
	int refused = json_scan(&scan, copy, n);
	struct record r = { .fields = scan.fields, .count = scan.count };
	if (!json_is_object(object) || (!refused && model_repeats(object, &scan))) {
		put_origin(out, 'B', number, line, n);
	} else {
		put_origin(out, 'R', number, line, n);
		model_members(out, object, &r);
	}
	json_decref(object);
	json_scan_free(&scan);
	free(copy);
}

static inline bool model_is_blank(const char *line, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strchr(" \t\r", line[i]) || line[i] == '\0')
			return false;
	return true;
}

/* What trace_ndjson should say, of lines without _cio_ members. */
static inline void model_ndjson(struct buf *out, const char *data, size_t n,
    const struct feeding *how)
{
	uint64_t number = 1;

	for (size_t at = 0; at < n; number++) {
		const char *line = data + at, *end = memchr(line, '\n', n - at);
		size_t length = end ? (size_t)(end - line) : n - at;
		at += length + (end != NULL);
		if (length > 0 && line[length - 1] == '\r')
			length--;
		if (length > how->longest)
			put_origin(out, 'B', number, line, model_shown(line, how->longest + 1));
		else if (!model_is_blank(line, length))
			model_line(out, line, length, number);
	}
}

#endif
