/* From cells as they stand to what they say. */
#include "input/csv_text.h"

#include <string.h>
#include "base/buf.h"
#include "base/scan.h"
#include "base/utf8.h"
#include "input/csv_dialect.h"
#include "input/csv_split.h"
#include "input/record.h"

static void trim(struct field *cell)
{
	cell->value = utf8_trim(cell->value, &cell->value_len);
}

bool csv_is_empty(const struct csv_dialect *d, const struct field *cell)
{
	struct field f = *cell;

	if (d->trim)
		trim(&f);
	return f.value_len == 0 || csv_is_null(d, f.value, f.value_len);
}

/* The text of a cell to `to`. Returns what follows it. */
static char *unescape(const struct csv_dialect *d, struct field *cell, bool quoted, char *to)
{
	const char *from = cell->value, *end = from + cell->value_len;

	cell->value = to;
	while (from < end) {
		bool escaped = d->escape && *from == d->escape && from + 1 < end;
		bool doubled = quoted && *from == d->quote && from + 1 < end;
		from += escaped || doubled;
		*to++ = escaped ? csv_escaped(d, *from) : *from;
		from++;
	}
	cell->value_len = (size_t)(to - cell->value);
	return to;
}

static bool has(const struct field *cell, char c)
{
	return c && memchr(cell->value, c, cell->value_len);
}

/* One cell, all but what is trimmed. */
static char *take_text(const struct csv_dialect *d, const struct csv_split *s, struct field *cell,
    char *to)
{
	bool quoted = csv_is_quoted(s->row, cell->value, d->quote);

	if (has(cell, d->escape) || (quoted && has(cell, d->quote)))
		to = unescape(d, cell, quoted, to);
	return to;
}

static void slow_texts(const struct csv_dialect *d, const struct csv_split *s, struct field *cells,
    size_t count, const bool *dropped, struct buf *scratch)
{
	buf_reset(scratch);
	/* once, so that it stays where it is */
	char *to = buf_room(scratch, (size_t)(s->row_end - s->row) + SCAN_BYTES);
	for (size_t i = 0; i < count; i++) {
		struct field *cell = &cells[i];
		bool own = dropped && dropped[i];
		if (!own && csv_is_empty(d, cell)) {
			cell->value_len = 0;
			continue;
		}
		to = take_text(d, s, cell, to);
		if (d->trim && !own)
			trim(cell);
	}
	memset(to, 0, SCAN_BYTES);
	scratch->len = (size_t)(to - scratch->data);
}

void csv_texts(const struct csv_dialect *d, const struct csv_split *s, struct field *cells,
    size_t count, const bool *dropped, struct buf *scratch)
{
	if (!csv_dialect_is_fast(d)) {
		slow_texts(d, s, cells, count, dropped, scratch);
		return;
	}
	for (size_t i = 0; d->null_count && i < count; i++)
		if (!(dropped && dropped[i]) && csv_is_empty(d, &cells[i]))
			cells[i].value_len = 0;
	if (s->doubled)
		csv_unescape(s, cells, count, scratch);
}
