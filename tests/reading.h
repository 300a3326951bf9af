/*
 * For the tests and fuzz drivers of the readers: bytes in pieces of any size, and what the readers
 * make of them, as text.
 */
#ifndef READING_H
#define READING_H

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "base/buf.h"
#include "base/text.h"
#include "input/reader.h"
#include "base/log.h"
#include "input/record.h"

#define ANY ((size_t)-1) /* a buffer may grow */

/* How bytes are handed out, and what the reader is told. */
struct feeding {
	size_t chunk;   /* bytes at most a read */
	bool again;     /* every other read has nothing yet */
	bool pipe;      /* nobody can look ahead in it */
	size_t base;    /* the buffer's ordinary size */
	size_t longest; /* bytes of a record */
	struct csv_dialect dialect;
	const char *const *columns; /* as --columns; NULL: the first row is the header */
	size_t column_count;
};

/* A source's bytes. */
struct feed {
	const char *data;
	size_t n, at, chunk;
	bool again, ready;
	bool endless; /* where the bytes end there may be more */
};

static inline enum source_result feed_read(void *arg, char *to, size_t n, size_t *got)
{
	struct feed *f = arg;
	size_t left = f->n - f->at;

	f->ready = !f->ready;
	if (f->again && !f->ready)
		return SOURCE_AGAIN;
	n = n < f->chunk ? n : f->chunk;
	n = n < left ? n : left;
	if (n == 0)
		return f->endless ? SOURCE_AGAIN : SOURCE_END;
	memcpy(to, f->data + f->at, n);
	f->at += n;
	*got = n;
	return SOURCE_MORE;
}

static inline size_t feed_peek(void *arg, uint64_t at, char *to, size_t n)
{
	const struct feed *f = arg;
	size_t left = f->n - (size_t)at;

	n = n < f->chunk ? n : f->chunk;
	n = n < left ? n : left;
	memcpy(to, f->data + at, n);
	return n;
}

/* A source of the n bytes at data, as `how` says. The feed must stay; free the source. */
static inline void feed_open(struct feed *f, struct source *s, const char *data, size_t n,
    const struct feeding *how)
{
	*f = (struct feed){ .data = data, .n = n, .chunk = how->chunk, .again = how->again };
	source_init(s, how->base, how->longest, feed_read, f);
	s->peek = how->pipe ? NULL : feed_peek;
}

/* Writing down. */

static inline void put_text(struct buf *out, const char *text, size_t n)
{
	buf_fmt(out, " %zu:", n);
	buf_add(out, text, n);
}

static inline void put_origin(struct buf *out, char kind, uint64_t line, const char *raw, size_t n)
{
	buf_fmt(out, "\x1e%c %" PRIu64, kind, line);
	put_text(out, raw, n);
}

/* How many records are in a trace. */
static inline uint64_t trace_records(const struct buf *trace)
{
	uint64_t n = 0;

	/* The separator may be in a text as well, but not with what follows it here: tests count
	 * only such traces. */
	for (size_t i = 0; i + 2 < trace->len; i++)
		n += trace->data[i] == '\x1e' &&
		    (trace->data[i + 1] == 'R' || trace->data[i + 1] == 'B') &&
		    trace->data[i + 2] == ' ';
	return n;
}

static inline void put_record(struct buf *out, enum input_result result, const struct record *r)
{
	put_origin(out, result == INPUT_RECORD ? 'R' : 'B', r->from.line, r->from.raw,
	    r->from.raw_len);
	for (size_t i = 0; i < r->count; i++) {
		put_text(out, r->fields[i].name, r->fields[i].name_len);
		put_text(out, r->fields[i].value, r->fields[i].value_len);
	}
}

/*
 * Reads everything and writes it down: a record is "R line raw [name value]...", what is no record
 * "B line raw", each text with its length in front; "F" when the input is refused. The reasons are
 * left out: libcsv has none.
 */
static inline void trace_csv(struct buf *out, const char *data, size_t n, const struct feeding *how)
{
	enum input_result result;
	struct csv_reader reader;
	struct record r = { 0 };
	struct reason why;
	struct source s;
	struct feed f;
	int status;

	feed_open(&f, &s, data, n, how);
	csv_reader_init(&reader, &s, &how->dialect, how->longest, 1);
	do
		result = csv_reader_begin(&reader, how->columns, how->column_count, &why, &status);
	while (result == INPUT_AGAIN);
	while (result != INPUT_END && result != INPUT_FAILED) {
		result = csv_reader_next(&reader, &r, &why);
		if (result == INPUT_RECORD || result == INPUT_BAD)
			put_record(out, result, &r);
	}
	if (result == INPUT_FAILED)
		buf_str(out, "F");
	csv_reader_free(&reader);
	source_free(&s);
}

static inline void trace_ndjson(struct buf *out, const char *data, size_t n,
    const struct feeding *how)
{
	enum input_result result;
	struct ndjson_reader reader;
	struct record r = { 0 };
	struct reason why;
	struct source s;
	struct feed f;
	uint64_t shapes = 0;

	feed_open(&f, &s, data, n, how);
	ndjson_reader_init(&reader, &s, how->longest, &shapes);
	do {
		result = ndjson_reader_next(&reader, &r, &why);
		if (result == INPUT_RECORD || result == INPUT_BAD)
			put_record(out, result, &r);
	} while (result != INPUT_END && result != INPUT_FAILED);
	ndjson_reader_free(&reader);
	source_free(&s);
}

/* Where the JSON cannot be read on: "X". */
static inline void trace_json(struct buf *out, const char *data, size_t n,
    const struct feeding *how)
{
	enum input_result result;
	struct json_reader reader;
	struct record r = { 0 };
	struct reason why;
	struct source s;
	struct feed f;
	uint64_t layouts = 0;

	feed_open(&f, &s, data, n, how);
	json_reader_init(&reader, &s, how->longest, &layouts);
	do {
		result = json_reader_next(&reader, &r, &why);
		if (result == INPUT_RECORD || result == INPUT_BAD)
			put_record(out, result, &r);
	} while (result != INPUT_END && result != INPUT_FAILED);
	if (result == INPUT_FAILED)
		buf_str(out, "\x1eX");
	json_reader_free(&reader);
	source_free(&s);
}

/* How many records counting finds. */
static inline uint64_t count_csv(const char *data, size_t n, const struct feeding *how)
{
	enum input_result result;
	struct csv_reader reader;
	struct reason why;
	struct source s;
	struct feed f;
	uint64_t count = 0;
	int status;

	feed_open(&f, &s, data, n, how);
	csv_reader_init(&reader, &s, &how->dialect, how->longest, 1);
	do
		result = csv_reader_begin(&reader, how->columns, how->column_count, &why, &status);
	while (result == INPUT_AGAIN);
	while (result == INPUT_RECORD || result == INPUT_AGAIN)
		result = csv_reader_count(&reader, 100, &count);
	csv_reader_free(&reader);
	source_free(&s);
	return count;
}

static inline uint64_t count_ndjson(const char *data, size_t n, const struct feeding *how)
{
	enum input_result result;
	struct ndjson_reader reader;
	struct source s;
	struct feed f;
	uint64_t count = 0, shapes = 0;

	feed_open(&f, &s, data, n, how);
	ndjson_reader_init(&reader, &s, how->longest, &shapes);
	do
		result = ndjson_reader_count(&reader, 100, &count);
	while (result == INPUT_RECORD || result == INPUT_AGAIN);
	ndjson_reader_free(&reader);
	source_free(&s);
	return count;
}

static inline uint64_t count_json(const char *data, size_t n, const struct feeding *how)
{
	enum input_result result;
	struct json_reader reader;
	struct source s;
	struct feed f;
	uint64_t count = 0, layouts = 0;

	feed_open(&f, &s, data, n, how);
	json_reader_init(&reader, &s, how->longest, &layouts);
	do
		result = json_reader_count(&reader, 100, &count);
	while (result == INPUT_RECORD || result == INPUT_AGAIN);
	json_reader_free(&reader);
	source_free(&s);
	return count;
}

static inline bool same_trace(const struct buf *a, const struct buf *b)
{
	return a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

/* What differs, as text with a NUL behind it, to be freed. */
static inline char *explain_traces(const struct buf *expected, const struct buf *got,
    const char *data, size_t n, const struct feeding *how)
{
	struct buf out = { .max = ANY };

	buf_str(&out, "input ");
	text_safe(&out, data, n, 4000);
	buf_fmt(&out,
	    "\nchunk %zu base %zu longest %zu delimiter %d quote %d escape %d comment %d trim %d "
	    "nulls %zu skip %d columns %zu again %d pipe %d\nexpected ",
	    how->chunk, how->base, how->longest, how->dialect.delimiter, how->dialect.quote,
	    how->dialect.escape, how->dialect.comment, how->dialect.trim, how->dialect.null_count,
	    (int)how->dialect.skip_lines, how->column_count, how->again, how->pipe);
	text_safe(&out, expected->data, expected->len, 8000);
	buf_str(&out, "\ngot      ");
	text_safe(&out, got->data, got->len, 8000);
	buf_byte(&out, '\0');
	return out.data;
}

/* For the models: */

/* The first bytes of a record that is too long; a character is not cut in two. */
static inline size_t model_shown(const char *text, size_t n)
{
	size_t cut = n < RAW_SHOWN ? n : RAW_SHOWN;

	if (n <= RAW_SHOWN)
		return n;
	for (size_t back = 0; back <= 3 && back <= cut; back++)
		if (((unsigned char)text[cut - back] & 0xc0) != 0x80)
			return cut - back;
	return cut;
}

#endif
