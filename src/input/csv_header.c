/* A header is judged before any row is read: its names, and what the rejects' own columns add. */
#include "input/csv_header.h"

#include <stdlib.h>
#include <string.h>
#include "input/csv_split.h"
#include "base/log.h"
#include "input/record.h"
#include "base/utf8.h"
#include "base/text.h"

#define NAME_SHOWN ((size_t)60) /* bytes of a name in a message */

const char *const reserved_columns[RESERVED_COLUMNS] = { "_cio_line", "_cio_outcome", "_cio_status",
	"_cio_error", RESERVED_RAW };

bool name_is_reserved(const char *name, size_t n)
{
	return n >= sizeof RESERVED_PREFIX - 1 &&
	    memcmp(name, RESERVED_PREFIX, sizeof RESERVED_PREFIX - 1) == 0;
}

bool name_is_raw(const char *name, size_t n)
{
	return n == sizeof RESERVED_RAW - 1 && memcmp(name, RESERVED_RAW, n) == 0;
}

/* By text, then by column, which is in key_len. */
static int compare_names(const void *a, const void *b)
{
	const struct field *x = a, *y = b;
	size_t n = x->value_len < y->value_len ? x->value_len : y->value_len;
	int order = memcmp(x->value, y->value, n);

	if (order == 0)
		order = (x->value_len > y->value_len) - (x->value_len < y->value_len);
	return order ? order : (x->key_len > y->key_len) - (x->key_len < y->key_len);
}

static int refuse_repeated(const struct field *a, const struct field *b, struct reason *why)
{
	struct buf name = { .max = 4 * NAME_SHOWN };

	text_safe(&name, a->value, a->value_len, NAME_SHOWN);
	reason_set(why, "columns %u and %u have the same name, \"%.*s\": rename or remove one",
	    (unsigned)a->key_len + 1, (unsigned)b->key_len + 1, (int)name.len, name.data);
	buf_free(&name);
	return -1;
}

static int check_repeated(const struct field *names, size_t n, struct reason *why)
{
	struct field *sorted = xcalloc(n, sizeof *sorted);
	int result = 0;

	for (size_t i = 0; i < n; i++) {
		sorted[i] = names[i];
		sorted[i].key_len = (uint32_t)i;
	}
	qsort(sorted, n, sizeof *sorted, compare_names);
	for (size_t i = 1; i < n && result == 0; i++) {
		const struct field *a = &sorted[i - 1], *b = &sorted[i];
		if (a->value_len == b->value_len && memcmp(a->value, b->value, a->value_len) == 0)
			result = refuse_repeated(a, b, why);
	}
	free(sorted);
	return result;
}

static int check_names(const struct field *names, size_t n, struct reason *why)
{
	size_t reserved = 0;

	for (size_t i = 0; i < n; i++) {
		const struct field *f = &names[i];
		if (f->value_len == 0)
			return reason_set(why, "column %zu has no name: give it one, or remove it",
			    i + 1);
		if (memchr(f->value, '\0', f->value_len))
			return reason_set(why,
			    "the name of column %zu has a NUL byte in it: is this a text file?",
			    i + 1);
		if (!utf8_valid(f->value, f->value_len))
			return reason_set(why,
			    "the name of column %zu is not UTF-8: convert the file "
			    "(iconv -f ... -t UTF-8)",
			    i + 1);
		reserved += name_is_reserved(f->value, f->value_len);
	}
	if (n > INPUT_FIELDS_MAX)
		return reason_set(why, "there are %zu columns; at most %u can be read", n,
		    INPUT_FIELDS_MAX);
	if (reserved == n)
		return reason_set(why,
		    "there is no column but cio-import's own (" RESERVED_PREFIX "...)");
	return check_repeated(names, n, why);
}

static void set_name(struct field *to, const struct field *from)
{
	struct buf key = { .max = BUF_UNBOUNDED };

	text_json(&key, from->value, from->value_len);
	buf_str(&key, ":\"");
	*to = (struct field){
		.name = xstrndup(from->value, from->value_len),
		.name_len = (uint32_t)from->value_len,
		.key = field_text(key.data, key.len),
		.key_len = (uint32_t)key.len - 2,
		.kind = FIELD_TEXT,
	};
	buf_free(&key);
}

/* Appends columns; those that are not dropped are shown. */
static void add_columns(struct csv_header *h, const struct field *names, size_t n)
{
	size_t all = h->columns + n;

	h->cells = xrealloc(h->cells, all * sizeof *h->cells);
	h->kept = xrealloc(h->kept, all * sizeof *h->kept);
	h->dropped = xrealloc(h->dropped, all * sizeof *h->dropped);
	if (!h->names) /* csv_header_widen adds none, and others may hold them */
		h->names = xcalloc(n, sizeof *h->names);
	if (h->raw_column == h->columns)
		h->raw_column = all;
	for (size_t i = 0; i < n; i++) {
		size_t at = h->columns + i;
		struct field *cell = &h->cells[at];
		set_name(cell, &names[i]);
		h->dropped[at] = name_is_reserved(cell->name, cell->name_len);
		if (name_is_raw(cell->name, cell->name_len))
			h->raw_column = at;
		if (h->dropped[at])
			continue;
		h->trailing = h->trailing && h->shown.count == at;
		h->names[h->shown.count] = cell->name;
		h->kept[h->shown.count++] = *cell;
	}
	h->columns = all;
	h->shown.names = h->names;
}

struct csv_header *csv_header_new(const struct field *names, size_t n, const struct csv_dialect *d,
    bool given, struct reason *why)
{
	if (check_names(names, n, why))
		return NULL;
	struct csv_header *h = xcalloc(1, sizeof *h);
	h->shown.dialect = *d;
	h->trailing = true;
	h->given = given;
	buf_init(&h->raw, BUF_UNBOUNDED);
	buf_init(&h->front, BUF_UNBOUNDED);
	add_columns(h, names, n);
	return h;
}

void csv_header_free(struct csv_header *h)
{
	if (!h)
		return;
	for (size_t i = 0; i < h->columns; i++) {
		free((char *)h->cells[i].name);
		free((char *)h->cells[i].key);
	}
	free(h->cells);
	free(h->kept);
	free(h->dropped);
	free(h->names);
	buf_free(&h->raw);
	buf_free(&h->front);
	free(h);
}

void csv_header_keep_front(struct csv_header *h, const struct buf *front)
{
	buf_reset(&h->front);
	buf_add(&h->front, front->data, front->len);
	h->shown.front = h->front.data;
	h->shown.front_len = h->front.len;
}

static void add_name(struct csv_header *h, const struct field *name)
{
	if (csv_needs_quotes(&h->shown.dialect, name->name, name->name_len, h->raw.len == 0))
		csv_put_cell(&h->raw, &h->shown.dialect, name->name, name->name_len);
	else
		buf_add(&h->raw, name->name, name->name_len);
}

void csv_header_keep_raw(struct csv_header *h, const char *row, const struct field *cells)
{
	char quote = h->shown.dialect.quote;

	buf_reset(&h->raw);
	for (size_t i = 0; i < h->columns; i++) {
		if (h->dropped[i])
			continue;
		if (h->raw.len > 0)
			buf_byte(&h->raw, h->shown.dialect.delimiter);
		if (row) {
			const char *start = csv_cell_start(row, &cells[i], quote);
			buf_add(&h->raw, start,
			    (size_t)(csv_cell_end(row, &cells[i], quote) - start));
		} else {
			add_name(h, &h->cells[i]);
		}
	}
	h->shown.raw = h->raw.data;
	h->shown.raw_len = h->raw.len;
}

static bool is_text(const struct field *cell, const char *text, size_t n)
{
	return cell->value_len == n && memcmp(cell->value, text, n) == 0;
}

bool csv_header_widen(struct csv_header *h, const struct field *cells, size_t n)
{
	if (!h->given || n != h->columns + RESERVED_COLUMNS)
		return false;
	for (size_t i = 0; i < h->columns; i++)
		if (!is_text(&cells[i], h->cells[i].name, h->cells[i].name_len))
			return false;
	for (size_t i = 0; i < RESERVED_COLUMNS; i++)
		if (!is_text(&cells[h->columns + i], reserved_columns[i],
		        strlen(reserved_columns[i])))
			return false;
	add_columns(h, cells + h->columns, RESERVED_COLUMNS);
	return true;
}
