/* A header is judged before any row is read: its names, and what the rejects' own columns add. */
#include "input/csv_header.h"

#include <stdlib.h>
#include <string.h>
#include "input/csv_names.h"
#include "input/csv_split.h"
#include "base/log.h"
#include "input/record.h"
#include "base/utf8.h"
#include "base/text.h"

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
		h->dropped[at] = cell->name_len == 0 ||
		    name_is_reserved(cell->name, cell->name_len);
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

/* How many names at the end are empty; 0 where all are. */
static size_t count_nameless(const struct field *names, size_t n)
{
	size_t nameless = 0;

	while (nameless < n && names[n - 1 - nameless].value_len == 0)
		nameless++;
	return nameless < n ? nameless : 0;
}

static struct csv_header *make(const struct csv_heading *heading, size_t nameless)
{
	struct csv_header *h = xcalloc(1, sizeof *h);

	h->shown.dialect = *heading->dialect;
	h->trailing = true;
	h->given = heading->row == NULL;
	h->nameless = nameless;
	buf_init(&h->raw, BUF_UNBOUNDED);
	buf_init(&h->front, BUF_UNBOUNDED);
	buf_init(&h->rename, BUF_UNBOUNDED);
	if (nameless > 0)
		csv_names_rename(heading, &h->rename);
	h->shown.last_line = heading->last_line;
	add_columns(h, heading->names, heading->count);
	return h;
}

struct csv_header *csv_header_new(const struct csv_heading *read, struct reason *why)
{
	struct field *names = xcalloc(read->count, sizeof *names);
	struct csv_heading heading = *read;
	struct csv_header *h = NULL;

	for (size_t i = 0; i < read->count; i++) {
		names[i].value_len = read->names[i].value_len;
		names[i].value = utf8_trim(read->names[i].value, &names[i].value_len);
	}
	heading.names = names;
	size_t nameless = read->row ? count_nameless(names, read->count) : 0;
	if (csv_names_check(&heading, nameless, why) == 0)
		h = make(&heading, nameless);
	free(names);
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
	buf_free(&h->rename);
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
	size_t len = cell->value_len;
	const char *value = utf8_trim(cell->value, &len);

	return len == n && memcmp(value, text, n) == 0;
}

bool csv_header_is_again(const struct csv_header *h, const struct field *fields)
{
	for (size_t i = 0; i < h->shown.count; i++)
		if (!is_text(&fields[i], fields[i].name, fields[i].name_len))
			return false;
	return true;
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
