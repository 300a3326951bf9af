/*
 * Objects of one file mostly have the same keys in the same order, so the last few lists of keys
 * are kept, each with a layout (record.h): an object with one of them needs no check for repeated
 * names.
 */
#include "input/json_records.h"

#include <stdlib.h>
#include <string.h>
#include "base/buf.h"
#include "base/reason.h"
#include "base/text.h"
#include "input/csv_header.h"
#include "input/decode.h"
#include "input/record.h"
#include "input/source.h"
#include "base/scan.h"
#include "base/utf8.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#define SHAPES 64u        /* lists of keys that are kept */
#define SHAPE_BYTES 4096u /* ... each of at most so many bytes ... */
#define SHAPE_KEYS 512u   /* ... and keys */
#define NAME_SHOWN ((size_t)60)

/* A list of keys as they stand in objects. */
struct json_shape {
	struct json_keys keys;
	/* theirs, and the names of those with escapes; NULL where there is none */
	char *text;
	struct layout layout; /* the keys' own fields; without names that begin with _cio_ */
};

void json_records_init(struct json_records *j, uint64_t *last_layout)
{
	*j = (struct json_records){ .last_layout = last_layout };
	j->shapes = xcalloc(SHAPES, sizeof *j->shapes);
	j->scan.most = INPUT_FIELDS_MAX;
	buf_init(&j->names, BUF_UNBOUNDED);
	buf_init(&j->text, BUF_UNBOUNDED);
	buf_init(&j->raw, BUF_UNBOUNDED);
}

static void free_shape(struct json_shape *shape)
{
	free(shape->text);
	if (shape->layout.fields != shape->keys.fields)
		free(shape->layout.fields);
	free(shape->keys.fields);
	*shape = (struct json_shape){ 0 };
}

void json_records_free(struct json_records *j)
{
	for (size_t i = 0; j->shapes && i < SHAPES; i++)
		free_shape(&j->shapes[i]);
	free(j->shapes);
	json_scan_free(&j->scan);
	buf_free(&j->names);
	buf_free(&j->text);
	buf_free(&j->raw);
	*j = (struct json_records){ 0 };
}

/* Names. */

/* The names whose keys have escapes in them. */
static void unescape_names(struct json_records *j)
{
	size_t need = 0;

	for (size_t i = 0; i < j->scan.count; i++)
		need += j->scan.fields[i].key_len;
	buf_room(&j->names, need); /* once, so that it stays where it is */
	for (size_t i = 0; i < j->scan.count; i++) {
		struct field *f = &j->scan.fields[i];
		if (!memchr(f->key, '\\', f->key_len))
			continue;
		char *name = j->names.data + j->names.len;
		f->name_len = (uint32_t)text_unescape(f->key, f->key_len, name);
		f->name = name;
		j->names.len += f->name_len;
	}
}

static bool same_name(const struct field *a, const struct field *b)
{
	return a->name_len == b->name_len && memcmp(a->name, b->name, a->name_len) == 0;
}

/* The first field whose name another one before it has; NULL where there is none. A hash table of
 * places + 1. */
static const struct field *find_repeated(const struct field *fields, size_t n)
{
	size_t slots = 16;
	const struct field *repeated = NULL;

	while (slots < n * 2)
		slots *= 2;
	uint32_t *table = xcalloc(slots, sizeof *table);
	for (size_t i = 0; i < n && !repeated; i++) {
		size_t at = (size_t)XXH3_64bits(fields[i].name, fields[i].name_len) & (slots - 1);
		while (table[at] && !same_name(&fields[table[at] - 1], &fields[i]))
			at = (at + 1) & (slots - 1);
		if (table[at])
			repeated = &fields[i];
		table[at] = (uint32_t)i + 1;
	}
	free(table);
	return repeated;
}

static int refuse_repeated(const struct field *f, struct reason *why)
{
	struct buf name = { .max = 4 * NAME_SHOWN };

	text_safe(&name, f->name, f->name_len, NAME_SHOWN);
	reason_set(why, "the key \"%.*s\" is there twice", (int)name.len,
	    name.data ? name.data : "");
	buf_free(&name);
	return -1;
}

/* Shapes. */

static bool is_escaped(const struct field *f)
{
	return f->name != f->key + 1;
}

static uint64_t hash_keys(const struct json_scan *scan, size_t *bytes)
{
	uint64_t hash = scan->count;

	*bytes = 0;
	for (size_t i = 0; i < scan->count; i++) {
		const struct field *f = &scan->fields[i];
		hash = XXH3_64bits_withSeed(f->key, f->key_len, hash);
		*bytes += f->key_len + 2 + (is_escaped(f) ? f->name_len : 0);
	}
	return hash;
}

static bool shape_fits(const struct json_shape *shape, const struct json_scan *scan)
{
	if (!shape->text || shape->keys.count != scan->count)
		return false;
	for (size_t i = 0; i < scan->count; i++) {
		const struct field *f = &scan->fields[i], *key = &shape->keys.fields[i];
		if (key->key_len != f->key_len || memcmp(key->key, f->key, f->key_len) != 0)
			return false;
	}
	return true;
}

static const char *keep(char **to, const char *s, size_t n)
{
	*to += n;
	return memcpy(*to - n, s, n);
}

static bool is_reserved(const struct field *f)
{
	return name_is_reserved(f->name, f->name_len);
}

/* The fields of a record with these keys: a list of its own where some are left out. */
static void make_layout(struct json_shape *shape, uint64_t number)
{
	const struct json_keys *keys = &shape->keys;
	size_t kept = 0;

	for (size_t i = 0; i < keys->count; i++)
		kept += !is_reserved(&keys->fields[i]);
	shape->layout = (struct layout){ keys->fields, kept, number };
	if (kept == keys->count)
		return;
	shape->layout.fields = xcalloc(kept, sizeof *keys->fields);
	for (size_t i = 0, at = 0; i < keys->count; i++)
		if (!is_reserved(&keys->fields[i]))
			shape->layout.fields[at++] = keys->fields[i];
}

/* Puts these keys, which are so many bytes with what is kept beside them, in the place of
 * others. */
static void keep_shape(struct json_shape *shape, const struct json_scan *scan, size_t bytes,
    uint64_t number)
{
	char *text = xcalloc(bytes + SCAN_STRING_BYTES, 1), *to = text;
	struct field *fields = xcalloc(scan->count, sizeof *fields);

	for (size_t i = 0; i < scan->count; i++) {
		struct field *f = &fields[i];
		*f = scan->fields[i];
		bool escaped = is_escaped(f);
		f->key = keep(&to, f->key, f->key_len);
		keep(&to, ":\"", 2);
		f->name = escaped ? keep(&to, f->name, f->name_len) : f->key + 1;
	}
	free_shape(shape);
	shape->text = text;
	shape->keys = (struct json_keys){ fields, scan->count };
	make_layout(shape, number);
}

/* The record's values go into the fields that are kept for its keys. */
static void fill_shape(struct json_shape *shape, const struct json_scan *scan)
{
	for (size_t i = 0; i < scan->count; i++) {
		shape->keys.fields[i].value = scan->fields[i].value;
		shape->keys.fields[i].value_len = scan->fields[i].value_len;
	}
}

/*
 * The shape of the object that was scanned, with its values; NULL where it is not kept: because it
 * is too large, or (*repeated, else NULL) because that name is there twice. It is good until the
 * next object.
 */
static const struct json_shape *find_shape(struct json_records *j, const struct field **repeated)
{
	struct json_scan *scan = &j->scan;
	size_t bytes;

	*repeated = NULL;
	if (scan->as_expected)
		return j->expected;
	unescape_names(j);
	struct json_shape *kept = &j->shapes[hash_keys(scan, &bytes) % SHAPES];
	if (!shape_fits(kept, scan)) {
		*repeated = find_repeated(scan->fields, scan->count);
		if (*repeated || bytes > SHAPE_BYTES || scan->count > SHAPE_KEYS)
			return NULL;
		keep_shape(kept, scan, bytes, ++*j->last_layout);
	} else {
		fill_shape(kept, scan);
	}
	j->expected = kept;
	scan->expected = &kept->keys;
	return kept;
}

/* Members that begin with _cio_. */

static inline const char *skip_space(const char *p)
{
	while (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n')
		p++;
	return p;
}

static size_t count_kept(const struct record *r)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->count; i++)
		kept += !is_reserved(&r->fields[i]);
	return kept;
}

/* Takes the reserved members out of the line: what stands between its other commas stays as it
 * was. */
static void cut_raw(struct json_records *j, const char *line, size_t n, struct record *r)
{
	const char *start = skip_space(line) + 1;
	bool first = true;

	buf_reset(&j->raw);
	buf_add(&j->raw, line, (size_t)(start - line));
	for (size_t i = 0; i < r->count; i++) {
		const struct field *f = &r->fields[i];
		const char *stop = skip_space(f->value + f->value_len);
		if (!is_reserved(f)) {
			if (!first)
				buf_byte(&j->raw, ',');
			buf_add(&j->raw, start, (size_t)(stop - start));
			first = false;
		}
		start = stop + 1;
	}
	buf_add(&j->raw, start - 1, (size_t)(line + n - (start - 1)));
	r->from.raw = j->raw.data;
	r->from.raw_len = j->raw.len;
}

/* ... and out of the fields: what is left goes to `to`, a layout's fields or r's own. */
static void drop_reserved(struct record *r, struct field *to)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->count; i++) {
		if (is_reserved(&r->fields[i]))
			continue;
		enum field_role role = to[kept].role; /* the mapping's */
		to[kept] = r->fields[i];
		to[kept++].role = role;
	}
	r->fields = to;
	r->count = kept;
}

/* The text of a _cio_raw that is not empty, as a line in j->text. */
static bool has_raw(struct json_records *j, const struct record *r)
{
	for (size_t i = 0; i < r->count; i++) {
		const struct field *f = &r->fields[i];
		if (!name_is_raw(f->name, f->name_len) || f->value[0] != '"' || f->value_len <= 2)
			continue;
		buf_reset(&j->text);
		char *to = buf_room(&j->text, f->value_len);
		j->text.len = text_unescape(f->value, f->value_len, to);
		while (j->text.len > 0 &&
		    (j->text.data[j->text.len - 1] == '\n' ||
		        j->text.data[j->text.len - 1] == '\r'))
			j->text.len--;
		memset(buf_room(&j->text, SCAN_BYTES), 0, SCAN_BYTES);
		return true;
	}
	return false;
}

/* The same of an object that is not UTF-8, in that text itself: a reject that nobody mended. What
 * it holds is refused as it was before, and goes into the rejects as it was. */
static bool has_raw_bytes(struct json_records *j, struct record *r)
{
	r->fields = j->scan.fields;
	r->count = j->scan.count;
	return j->scan.bytes_alone && has_raw(j, r) && !utf8_valid(j->text.data, j->text.len);
}

/* An object that was refused, for what the scan says. */
static int refuse_object(const struct json_scan *scan, const char *text, const char *encoding,
    bool inner, struct reason *why)
{
	char fault[DECODE_FAULT];

	if (encoding && scan->bytes_alone)
		return reason_set(why, "%snot a JSON object: it %s", inner ? RESERVED_RAW ": " : "",
		    decode_fault(encoding, text, (size_t)(scan->fault_at - text), fault));
	return reason_set(why, "%snot a JSON object: %s, at byte %zu",
	    inner ? RESERVED_RAW ": " : "", scan->fault, (size_t)(scan->fault_at - text) + 1);
}

/* The text of a _cio_raw. */
static int take_inner(struct json_records *j, struct record *r, struct reason *why);

/* The record of what was scanned, scanned: what json_scan said of it. */
static int take_object(struct json_records *j, const char *text, size_t n, int scanned, bool inner,
    struct record *r, struct reason *why)
{
	struct json_scan *scan = &j->scan;
	const struct field *repeated;

	r->from.raw = text;
	r->from.raw_len = n;
	if (scanned != 0 && !inner && has_raw_bytes(j, r))
		return take_inner(j, r, why);
	if (scanned != 0)
		return refuse_object(scan, text, j->encoding, inner, why);
	const struct json_shape *shape = find_shape(j, &repeated);
	if (repeated)
		return refuse_repeated(repeated, why);
	r->fields = shape ? shape->keys.fields : scan->fields;
	r->count = scan->count;
	if ((shape ? shape->layout.count : count_kept(r)) < r->count) {
		if (!inner && has_raw(j, r))
			return take_inner(j, r, why);
		cut_raw(j, text, n, r);
		drop_reserved(r, shape ? shape->layout.fields : r->fields);
	}
	r->layout = shape ? &shape->layout : NULL;
	r->blank = false;
	r->plain = true; /* its texts are JSON already */
	return 0;
}

static int take_inner(struct json_records *j, struct record *r, struct reason *why)
{
	const struct buf *text = &j->text;

	return take_object(j, text->data, text->len, json_scan(&j->scan, text->data, text->len),
	    true, r, why);
}

/* Empties what the record before used, and gives back what only a long one needs. */
static inline void give_back(struct buf *b)
{
	if (b->len == 0)
		return;
	buf_reset(b);
	buf_trim(b, SOURCE_FILE_BYTES);
}

void json_records_forget(struct json_records *j)
{
	give_back(&j->names);
	give_back(&j->text);
	give_back(&j->raw);
}

int json_records_take(struct json_records *j, const char *text, size_t n, int scanned,
    struct record *r, struct reason *why)
{
	int result = take_object(j, text, n, scanned, false, r, why);

	if (result != 0)
		r->count = 0;
	return result;
}
