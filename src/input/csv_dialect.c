/* Cells as a dialect writes them. */
#include "input/csv_dialect.h"

#include <inttypes.h>
#include <string.h>
#include "base/buf.h"
#include "base/text.h"

char csv_escaped(const struct csv_dialect *d, char c)
{
	static const char letters[] = "bfnrtv0", controls[] = "\b\f\n\r\t\v";
	const char *at = d->escape == '\\' && !d->quote && c ? strchr(letters, c) : NULL;

	return at ? controls[at - letters] : c;
}

bool csv_is_null(const struct csv_dialect *d, const char *text, size_t n)
{
	if (d->escape == '\\' && n == 2 && memcmp(text, "\\N", 2) == 0)
		return true;
	for (size_t i = 0; i < d->null_count; i++)
		if (strlen(d->nulls[i]) == n && memcmp(d->nulls[i], text, n) == 0)
			return true;
	return false;
}

static bool is_special(const struct csv_dialect *d, char c)
{
	return c == d->delimiter || csv_is_break(c) || (d->quote && c == d->quote) ||
	    (d->escape && c == d->escape);
}

bool csv_needs_quotes(const struct csv_dialect *d, const char *text, size_t n, bool first)
{
	if (first && n > 0 && d->comment && text[0] == d->comment)
		return true;
	for (size_t i = 0; i < n; i++)
		if (is_special(d, text[i]))
			return true;
	return false;
}

/* What stands in front of a character inside quotes; '\0': nothing. */
static char in_front(const struct csv_dialect *d, char c)
{
	if (d->escape && c == d->escape)
		return d->escape;
	return c == d->quote ? d->quote : '\0';
}

static void put_quoted(struct buf *out, const struct csv_dialect *d, const char *text, size_t n)
{
	size_t from = 0;

	buf_byte(out, d->quote);
	for (size_t i = 0; i < n; i++) {
		char before = in_front(d, text[i]);
		if (!before)
			continue;
		buf_add(out, text + from, i - from);
		buf_byte(out, before);
		from = i;
	}
	if (n > from)
		buf_add(out, text + from, n - from);
	buf_byte(out, d->quote);
}

void csv_put_cell(struct buf *out, const struct csv_dialect *d, const char *text, size_t n)
{
	if (d->quote) {
		put_quoted(out, d, text, n);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		bool special = is_special(d, text[i]) ||
		    (i == 0 && d->escape && d->comment && text[i] == d->comment);
		if (special && d->escape)
			buf_byte(out, d->escape);
		buf_byte(out, special && !d->escape ? ' ' : text[i]);
	}
}

static void describe_char(struct buf *out, const char *name, char c)
{
	buf_fmt(out, " %s=%d", name, (unsigned char)c);
}

void csv_dialect_describe(const struct csv_dialect *d, struct buf *out)
{
	if (d->quote != '"')
		describe_char(out, "quote", d->quote);
	if (d->escape)
		describe_char(out, "escape", d->escape);
	if (d->comment)
		describe_char(out, "comment", d->comment);
	if (d->trim)
		buf_str(out, " trim");
	if (d->skip_lines)
		buf_fmt(out, " skip-lines=%" PRIu64, d->skip_lines);
	for (size_t i = 0; i < d->null_count; i++) {
		buf_str(out, " null=");
		text_json(out, d->nulls[i], strlen(d->nulls[i]));
	}
}
