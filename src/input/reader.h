/* The two readers, for input.c and for tests: records from a source of bytes. */
#ifndef READER_H
#define READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "input/csv_header.h"
#include "input/csv_rows.h"
#include "input/input.h"
#include "input/json_records.h"
#include "input/json_scan.h"
#include "input/layers.h"
#include "input/record.h"
#include "input/source.h"
#include "input/watch.h"
#include "base/log.h"

struct reason;

#define RAW_SHOWN 1000u /* bytes that are kept of a record that is too long */

/* Passes over a byte-order mark, once the first bytes are there. INPUT_RECORD, INPUT_AGAIN, or
 * INPUT_FAILED (errno). */
enum input_result input_skip_bom(struct source *s);

/* *why for a record that is longer than `longest` bytes. */
void input_too_long(size_t longest, struct reason *why);

/*
 * Where *format is INPUT_AUTO: which one what is there speaks for. [ is JSON, { is NDJSON where its
 * line is a whole object, else JSON, all else is CSV. INPUT_RECORD; INPUT_END: there is nothing but
 * white space. Where it is INPUT_NDJSON, INPUT_BAD: what is there is laid out over lines, and read
 * by lines some of these might be objects, but none that was meant. INPUT_AGAIN, INPUT_FAILED.
 */
enum input_result input_detect(struct source *s, enum input_format *format);

struct csv_reader {
	struct csv_dialect dialect;
	struct csv_rows rows;
	struct csv_header *header;
	bool begun;           /* the first row was seen ... */
	bool named;           /* ... and that what stands in it under no name is nothing */
	struct layout layout; /* the header's columns that are not dropped */
	struct buf scratch;   /* texts that had doubled quotes or escapes */
	struct buf inner;     /* the same, of a row out of _cio_raw */
	struct buf raw;       /* a row without its _cio_ cells */
};

/* The reader must not move afterwards. layout: the number of the records' layout, which no other
 * reader of the run has. */
void csv_reader_init(struct csv_reader *c, struct source *s, const struct csv_dialect *d,
    size_t longest, uint64_t layout);
void csv_reader_free(struct csv_reader *c);

/*
 * Reads the header, or takes --columns for it (NULL: there are none). INPUT_RECORD when c->header
 * is there, INPUT_AGAIN, or INPUT_FAILED with *why and *status; the reason has no place in front.
 */
enum input_result csv_reader_begin(struct csv_reader *c, const char *const *columns,
    size_t column_count, struct reason *why, int *status);

/* The next record; r->from.number and .file are the caller's. INPUT_FAILED is a read error, in
 * errno, or why->status is set. */
enum input_result csv_reader_next(struct csv_reader *c, struct record *r, struct reason *why);

/* Counts records, taking about `bytes` bytes. Adds to *count. INPUT_AGAIN: there may be more. */
enum input_result csv_reader_count(struct csv_reader *c, size_t bytes, uint64_t *count);

struct ndjson_reader {
	struct source *source;
	size_t longest;
	uint64_t line;
	size_t seen;   /* bytes at source->start that have no line break */
	bool skipping; /* the rest of a line that is too long */
	struct json_records records;
};

void ndjson_reader_init(struct ndjson_reader *j, struct source *s, size_t longest,
    uint64_t *last_layout);
void ndjson_reader_free(struct ndjson_reader *j);
enum input_result ndjson_reader_next(struct ndjson_reader *j, struct record *r, struct reason *why);
enum input_result ndjson_reader_count(struct ndjson_reader *j, size_t bytes, uint64_t *count);

/* Where a value ends, by brackets and quotes alone. */
struct json_walk {
	size_t seen;  /* bytes of the value */
	size_t depth; /* brackets that are open */
	bool begun, in_string, escaped;
};

struct json_reader {
	struct source *source;
	size_t longest;        /* bytes of a record */
	uint64_t line, column; /* of the byte at source->start, from 1 */
	/* outside of arrays; behind [, a comma, a value, of the array of records */
	enum { JSON_TOP, JSON_FIRST, JSON_NEXT, JSON_AFTER } place;
	bool walking;  /* the value at source->start had no end: `walk` says how far it was seen */
	bool skipping; /* what was passed of it is too long, and the rest is passed over */
	struct json_walk walk;
	struct json_records records;
	bool broken;       /* there is a fault in the syntax: nothing more can be read ... */
	struct reason why; /* ... with its place: "12:34: a comma or ] is missing: ..." */
};

void json_reader_init(struct json_reader *j, struct source *s, size_t longest,
    uint64_t *last_layout);
void json_reader_free(struct json_reader *j);
/* INPUT_FAILED: j->broken, or a read error, in errno. The record's line breaks have become
 * spaces. */
enum input_result json_reader_next(struct json_reader *j, struct record *r, struct reason *why);
enum input_result json_reader_count(struct json_reader *j, size_t bytes, uint64_t *count);

/* What the lines of a FILE that was read say about its end. */
struct line_ends {
	bool any;  /* there was a line break */
	bool open; /* the last byte is none */
};

/* A FILE that is open: its bytes, its format, its reader. */
struct file_reader {
	struct source_fd from; /* as it is, where nothing is watched */
	struct watch watch;    /* a regular file */
	bool regular, watched;
	struct line_ends ends;
	bool whole_lines;    /* input_config's */
	struct reason fault; /* why its bytes cannot be read; no status: errno has it */
	struct layers layers;
	struct source source;
	enum input_format format; /* INPUT_AUTO until it is known */
	enum { FILE_AT_START, FILE_AT_FORMAT, FILE_AT_HEADER, FILE_READY } stage;
	struct csv_reader csv;
	struct ndjson_reader ndjson;
	struct json_reader json;
};

/*
 * Opens FILE number `file`; the reader must not move afterwards. 0, or -1 with *why and *status.
 */
int file_reader_open(struct file_reader *f, const struct input_config *config, size_t file,
    struct reason *why, int *status);
/* For who only counts: what happens to a regular file meanwhile is no matter, and not looked for.
 */
void file_reader_unwatch(struct file_reader *f);
void file_reader_close(struct file_reader *f); /* a closed or zeroed one is fine */

/* Gets as far as the first record. INPUT_RECORD, INPUT_END (it is empty), INPUT_AGAIN,
 * INPUT_FAILED. `layouts`: the highest layout number given out so far. */
enum input_result file_reader_begin(struct file_reader *f, const struct input_config *config,
    size_t file, uint64_t *layouts, struct reason *why, int *status);

/* The next record or *count more of them. INPUT_FAILED: *why, *status. */
enum input_result file_reader_next(struct file_reader *f, const char *name, struct record *r,
    struct reason *why, int *status);
enum input_result file_reader_count(struct file_reader *f, size_t bytes, uint64_t *count);

/* The name as people see it. */
const char *file_shown(const char *name);
bool file_is_stdin(const char *name);

/* Behind input_count. */
struct input_counter;
struct input_counter *input_counter_new(const struct input_config *config);
void input_counter_free(struct input_counter *c); /* NULL is fine */
int input_counter_step(struct input_counter *c, size_t bytes, uint64_t *total);

/* Behind input_list and input_arrange. order[k]: which FILE, of those in config, is the kth;
 * by_lines: which of them are read by lines. */
void input_list_of(const struct input_config *config, struct buf *out);
int input_list_match(const struct input_config *config, const char *list, const bool *by_lines,
    size_t *order, struct reason *why);

#endif
