/* What is wrong with a header's names, and what may mend it. */
#include "input/csv_names.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/buf.h"
#include "base/reason.h"
#include "base/text.h"
#include "base/utf8.h"
#include "input/csv_dialect.h"
#include "input/csv_header.h"
#include "input/record.h"

#define NAME_SHOWN ((size_t)60) /* bytes of a name that is what is wrong */
#define EACH_SHOWN ((size_t)30) /* ... and of each, where all are shown */
#define NAMES_SHOWN 8u
#define COMMAND_MOST 300u /* bytes of a command that gives all names */

/* -- showing -- */

void csv_names_word(struct buf *out, const char *text, size_t n)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	                            "_-.,:/@+=";
	bool quoted = n == 0;

	for (size_t i = 0; i < n; i++)
		quoted |= !text[i] || !strchr(plain, text[i]);
	buf_str(out, quoted ? "'" : "");
	for (size_t i = 0, end; i < n; i = end + 1) {
		const char *quote = memchr(text + i, '\'', n - i);
		end = quote ? (size_t)(quote - text) : n;
		text_safe(out, text + i, end - i, NAME_SHOWN);
		buf_str(out, quote ? "'\\''" : "");
	}
	buf_str(out, quoted ? "'" : "");
}

static void show_row(const struct csv_heading *h, struct buf *out)
{
	buf_str(out, "the line ");
	text_safe(out, h->row, h->row_len, 2 * NAME_SHOWN);
}

void csv_names_show(const struct csv_heading *h, struct buf *out)
{
	buf_fmt(out, "%zu column%s", h->count, h->count == 1 ? "" : "s");
	for (size_t i = 0; i < h->count && i < NAMES_SHOWN; i++) {
		buf_str(out, ", \"");
		text_safe(out, h->names[i].value, h->names[i].value_len, EACH_SHOWN);
		buf_byte(out, '"');
	}
	if (h->count > NAMES_SHOWN)
		buf_str(out, ", ...");
}

/* -- guessing -- */

static size_t count_of(const struct csv_heading *h, char c)
{
	size_t count = 0;

	for (size_t i = 0; i < h->row_len; i++)
		count += h->row[i] == c;
	return count;
}

/* What else the row may be separated by; '\0': nothing that is in it. */
static char other_delimiter(const struct csv_heading *h)
{
	static const char likely[] = ";\t|,";
	size_t most = 0;
	char best = '\0';

	for (const char *c = likely; *c; c++) {
		size_t count = *c == h->dialect->delimiter ? 0 : count_of(h, *c);
		if (count > most) {
			most = count;
			best = *c;
		}
	}
	return best;
}

static void guess_delimiter(struct buf *out, char c)
{
	if (c == '\t')
		buf_str(out, "--format=tsv");
	else
		buf_fmt(out, c == ',' ? "--delimiter=%c" : "--delimiter='%c'", c);
}

/* What Excel writes in front: sep=; */
static bool is_separator_line(const struct csv_heading *h)
{
	return h->row_len >= 5 && memcmp(h->row, "sep=", 4) == 0 && h->row[4] != '\'' &&
	    (unsigned char)h->row[4] < 0x7f;
}

/* Whether the names stand in single quotes. */
static bool has_single_quotes(const struct csv_heading *h)
{
	return h->dialect->quote != '\'' && h->row_len >= 2 && h->row[0] == '\'' &&
	    h->row[h->row_len - 1] == '\'';
}

void csv_names_guess(const struct csv_heading *h, struct buf *out)
{
	const char *between = "";

	if (!h->row || h->row_len == 0)
		return;
	if (is_separator_line(h)) {
		buf_fmt(out, "--skip-lines=%" PRIu64 " ", h->last_line);
		guess_delimiter(out, h->row[4]);
		return;
	}
	if (h->row[0] == '#') {
		buf_str(out, "--comment='#'");
		return;
	}
	if (h->count <= 1 && count_of(h, h->dialect->delimiter) == 0 && other_delimiter(h)) {
		guess_delimiter(out, other_delimiter(h));
		between = " ";
	}
	if (has_single_quotes(h))
		buf_fmt(out, "%s--quote=\"'\"", between);
}

/* -- renaming -- */

static bool same_text(const struct field *a, const struct field *b)
{
	return a->value_len == b->value_len && memcmp(a->value, b->value, a->value_len) == 0;
}

/* Whether the ith name must be another one. */
static bool is_taken(const struct csv_heading *h, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (same_text(&h->names[k], &h->names[i]))
			return true;
	return h->names[i].value_len == 0;
}

void csv_names_rename(const struct csv_heading *h, struct buf *out)
{
	struct buf list = { .max = COMMAND_MOST };

	for (size_t i = 0; i < h->count && !list.over; i++) {
		const struct field *f = &h->names[i];
		buf_str(&list, i ? "," : "");
		list.over |= memchr(f->value, ',', f->value_len) != NULL;
		if (is_taken(h, i))
			buf_fmt(&list, "NAME%zu", i + 1);
		else
			buf_add(&list, f->value, f->value_len);
	}
	buf_fmt(out, "--skip-lines=%" PRIu64 " --columns=", h->last_line);
	if (list.over || list.len > COMMAND_MOST / 2)
		buf_str(out, "A,B,C");
	else
		csv_names_word(out, list.data, list.len);
	buf_free(&list);
}

/* -- checking -- */

/* `PROBLEM (read as ...)`, and how it is mended in front of that. */
static int refuse(const struct csv_heading *h, const char *problem, bool rename, struct reason *why)
{
	struct buf text = { .max = REASON_MAX - 1 };

	buf_str(&text, problem);
	if (rename && h->row) {
		buf_str(&text, ", or name all of them: ");
		csv_names_rename(h, &text);
	}
	if (h->row) {
		buf_str(&text, " (read as ");
		csv_names_show(h, &text);
		buf_byte(&text, ')');
	}
	reason_set(why, "%.*s", (int)text.len, text.data);
	buf_free(&text);
	return -1;
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

static int refuse_repeated(const struct csv_heading *h, const struct field *a,
    const struct field *b, struct reason *why)
{
	struct buf text = { .max = REASON_MAX - 1 };

	buf_fmt(&text, "columns %u and %u have the same name, \"", (unsigned)a->key_len + 1,
	    (unsigned)b->key_len + 1);
	text_safe(&text, a->value, a->value_len, NAME_SHOWN);
	buf_str(&text, "\": rename or remove one");
	buf_byte(&text, '\0');
	refuse(h, text.data, true, why);
	buf_free(&text);
	return -1;
}

static int check_repeated(const struct csv_heading *h, size_t n, struct reason *why)
{
	struct field *sorted = xcalloc(n, sizeof *sorted);
	int result = 0;

	for (size_t i = 0; i < n; i++) {
		sorted[i] = h->names[i];
		sorted[i].key_len = (uint32_t)i;
	}
	qsort(sorted, n, sizeof *sorted, compare_names);
	for (size_t i = 1; i < n && result == 0; i++)
		if (same_text(&sorted[i - 1], &sorted[i]))
			result = refuse_repeated(h, &sorted[i - 1], &sorted[i], why);
	free(sorted);
	return result;
}

/* A name by itself. `column`: from 1. */
static int check_name(const struct csv_heading *h, size_t column, struct reason *why)
{
	const struct field *f = &h->names[column - 1];
	char problem[100];

	if (f->value_len == 0) {
		snprintf(problem, sizeof problem,
		    "column %zu has no name: give it one, or remove it", column);
		return refuse(h, problem, true, why);
	}
	if (memchr(f->value, '\0', f->value_len))
		return reason_set(why,
		    "the name of column %zu has a NUL byte in it: is this a text file?", column);
	if (utf8_valid(f->value, f->value_len))
		return 0;
	return reason_set(why,
	    "the name of column %zu is not UTF-8: say what the file is written in with --encoding",
	    column);
}

/* One name that holds another separator is none. */
static int check_separator(const struct csv_heading *h, struct reason *why)
{
	struct buf text = { .max = REASON_MAX - 1 };

	buf_str(&text, "it is one column, for its separator is another: say ");
	csv_names_guess(h, &text);
	buf_byte(&text, '\0');
	refuse(h, text.data, false, why);
	buf_free(&text);
	return -1;
}

int csv_names_check(const struct csv_heading *h, size_t nameless, struct reason *why)
{
	size_t n = h->count - nameless, reserved = 0;

	for (size_t i = 0; i < n; i++) {
		if (check_name(h, i + 1, why) != 0)
			return -1;
		reserved += name_is_reserved(h->names[i].value, h->names[i].value_len);
	}
	if (n > INPUT_FIELDS_MAX)
		return reason_set(why, "there are %zu columns; at most %u can be read", n,
		    INPUT_FIELDS_MAX);
	if (reserved == n)
		return reason_set(why,
		    "there is no column but cio-import's own (" RESERVED_PREFIX "...)");
	if (h->row && h->count == 1 && count_of(h, h->dialect->delimiter) == 0 &&
	    other_delimiter(h))
		return check_separator(h, why);
	return check_repeated(h, n, why);
}

void csv_names_malformed(const struct csv_heading *h, struct reason *why)
{
	struct buf text = { .max = REASON_MAX - 1 };
	struct reason inner = *why;

	buf_str(&text, inner.text);
	buf_str(&text, " (in ");
	show_row(h, &text);
	buf_byte(&text, ')');
	size_t before = text.len;
	buf_str(&text, "; or say ");
	size_t guessed = text.len;
	csv_names_guess(h, &text);
	if (text.len == guessed)
		text.len = before;
	reason_set(why, "%.*s", (int)text.len, text.data);
	buf_free(&text);
}

/* -- a header that nobody can do anything with -- */

static struct csv_heading heading_of(const struct input_header *h, struct field *names)
{
	for (size_t i = 0; i < h->count; i++) {
		names[i].value = h->names[i];
		names[i].value_len = strlen(h->names[i]);
	}
	return (struct csv_heading){
		.dialect = &h->dialect,
		.names = names,
		.count = h->count,
		.row = h->last_line ? h->raw : NULL,
		.row_len = h->raw_len,
		.last_line = h->last_line,
	};
}

void input_header_show(const struct input_header *h, struct buf *out)
{
	struct field *names = xcalloc(h->count, sizeof *names);
	const struct csv_heading heading = heading_of(h, names);

	buf_str(out, " (read as ");
	csv_names_show(&heading, out);
	buf_byte(out, ')');
	free(names);
}

void input_header_explain(const struct input_header *h, const char *otherwise, struct buf *out)
{
	struct field *names = xcalloc(h->count, sizeof *names);
	const struct csv_heading heading = heading_of(h, names);
	size_t before = out->len;

	csv_names_guess(&heading, out);
	if (out->len == before) {
		buf_str(out, otherwise);
		if (heading.row && h->count == 1 && memchr(h->raw, ' ', h->raw_len))
			buf_fmt(out, ", or --skip-lines=%" PRIu64 " where it is a title",
			    h->last_line);
	}
	free(names);
	input_header_show(h, out);
}
