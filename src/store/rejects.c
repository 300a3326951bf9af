/* A sheet for each FILE: rows as they were read, the reason behind them. */
#include "store/rejects.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/buf.h"
#include "input/input.h"
#include "base/log.h"
#include "store/outfile.h"
#include "base/path.h"
#include "input/record.h"
#include "base/text.h"

/* a byte of a record becomes at most six (\u0000) */
#define ROW_MAX ((size_t)8 * RECORD_MAX)
#define ROW_KEEP (64u << 10)

/* The rejects of one FILE. */
struct sheet {
	int64_t size;
	/* NULL until it is known: its ending depends on the FILE's format */
	char *name;
};

struct rejects {
	char *name;           /* the first FILE's */
	size_t stem;          /* bytes of it before its ending */
	struct sheet *sheets; /* one a FILE */
	int64_t *sizes;       /* of them, for the checkpoint */
	size_t files;
	size_t current; /* whose sheet is open: one at a time, for there may be thousands */
	struct outfile out;
	uint64_t count;
	struct buf row;
};

/* The ending for a FILE of this format: NAME's own, unless that promises another format. */
static const char *ending_for(const struct rejects *r, enum input_format format)
{
	enum input_format promised = format_of_name(r->name);

	return promised == INPUT_AUTO || promised == format ? r->name + r->stem :
	                                                      format_ending(format);
}

static char *sheet_name(const struct rejects *r, size_t file, enum input_format format)
{
	if (file == 0)
		return xstrdup(r->name);
	struct buf b;
	buf_init(&b, BUF_UNBOUNDED);
	buf_add(&b, r->name, r->stem);
	buf_fmt(&b, ".%zu%s", file + 1, ending_for(r, format));
	buf_byte(&b, '\0');
	return b.data;
}

static int cannot(const char *name, const char *what, struct reason *why)
{
	char shown[PATH_SHOWN];

	return reason_set(why,
	    "%s: cannot be %s: %s: put that right and run the same command again",
	    path_shown(name, shown), what, strerror(errno));
}

/* Cuts a sheet of an earlier run to its size; one with nothing to keep is removed. */
static int cut_sheet(struct sheet *s, const char *name, struct reason *why)
{
	struct outfile f = OUTFILE_CLOSED;
	int64_t size = 0;

	if (s->size > 0) {
		if (outfile_continue(&f, name, OUTFILE_REGULAR, s->size, why) < 0)
			return -1;
		size = f.size;
		if (outfile_close(&f, why) != 0)
			return -1;
	}
	if (size == 0 && unlink(name) != 0)
		return cannot(name, "removed", why);
	s->size = size;
	s->name = size > 0 ? xstrdup(name) : NULL;
	return 0;
}

/* What an earlier run left under one name: set aside by a new run, else cut. */
static int take_over(struct sheet *s, const char *name, bool resumed, bool *found,
    struct reason *why)
{
	struct stat st;

	if (lstat(name, &st) != 0)
		return errno == ENOENT ? 0 : cannot(name, "looked at", why);
	if (!resumed || !S_ISREG(st.st_mode))
		return outfile_set_aside(name, why);
	*found = true;
	return cut_sheet(s, name, why);
}

/* Looks for a FILE's sheet under each name that it may have. */
static int prepare_sheet(struct rejects *r, size_t file, bool resumed, struct reason *why)
{
	static const enum input_format formats[] = { INPUT_CSV, INPUT_TSV, INPUT_NDJSON };
	size_t names = file == 0 ? 1 : sizeof formats / sizeof *formats;
	struct sheet *s = &r->sheets[file];
	bool found = false;
	int result = 0;

	for (size_t i = 0; i < names && result == 0 && !found; i++) {
		char *name = sheet_name(r, file, formats[i]);
		result = take_over(s, name, resumed, &found, why);
		free(name);
	}
	if (!found)
		s->size = 0; /* somebody took it away: it is begun anew */
	r->sizes[file] = s->size;
	return result;
}

static void free_all(struct rejects *r)
{
	for (size_t i = 0; i < r->files; i++)
		free(r->sheets[i].name);
	free(r->sheets);
	free(r->sizes);
	free(r->name);
	buf_free(&r->row);
	free(r);
}

struct rejects *rejects_new(const char *name, const int64_t *sizes, size_t files,
    struct reason *why)
{
	struct rejects *r = xcalloc(1, sizeof *r);

	r->name = xstrdup(name);
	r->stem = (size_t)(path_ending(name) - name);
	r->files = files;
	r->sheets = xcalloc(files, sizeof *r->sheets);
	r->sizes = xcalloc(files, sizeof *r->sizes);
	r->out = OUTFILE_CLOSED;
	buf_init(&r->row, ROW_MAX);
	for (size_t i = 0; i < files; i++) {
		r->sheets[i].size = sizes ? sizes[i] : 0;
		if (prepare_sheet(r, i, sizes != NULL, why) != 0) {
			free_all(r);
			return NULL;
		}
	}
	return r;
}

/* Makes FILE's sheet the open one. */
static int open_sheet(struct rejects *r, size_t file, enum input_format format, struct reason *why)
{
	struct sheet *s = &r->sheets[file];

	if (r->out.fd >= 0 && r->current == file)
		return 0;
	if (r->out.fd >= 0 && (outfile_sync(&r->out, why) != 0 || outfile_close(&r->out, why) != 0))
		return -1;
	if (!s->name)
		s->name = sheet_name(r, file, format);
	r->current = file;
	int result = s->size > 0 ?
	    outfile_continue(&r->out, s->name, OUTFILE_REGULAR, s->size, why) :
	    outfile_create(&r->out, s->name, OUTFILE_REGULAR, why);
	if (result == 0)
		s->size = r->out.size;
	return result;
}

/* What is added to a record. */
struct note {
	uint64_t line;
	const char *outcome;
	int status;
	const char *error;
};

static void add_quoted(struct buf *b, const char *text, size_t n)
{
	buf_byte(b, '"');
	for (;;) {
		const char *quote = n ? memchr(text, '"', n) : NULL;
		if (!quote)
			break;
		size_t len = (size_t)(quote - text) + 1;
		buf_add(b, text, len);
		buf_byte(b, '"');
		text += len;
		n -= len;
	}
	buf_add(b, text, n);
	buf_byte(b, '"');
}

static void add_header(struct buf *b, const struct input_header *h)
{
	static const char *const names[] = { "_cio_line", "_cio_outcome", "_cio_status",
		"_cio_error", "_cio_raw" };

	buf_add(b, h->raw, h->raw_len);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		buf_byte(b, h->delimiter);
		buf_str(b, names[i]);
	}
	buf_byte(b, '\n');
}

/* The error is escaped, so that a row stays one line. */
static void add_row(struct buf *b, const struct origin *from, const struct input_header *h,
    bool whole, const struct note *n)
{
	struct buf error;

	if (whole)
		buf_add(b, from->raw, from->raw_len);
	for (size_t i = 1; i < h->count && !whole; i++)
		buf_byte(b, h->delimiter);
	buf_fmt(b, "%c%" PRIu64 "%c%s%c", h->delimiter, n->line, h->delimiter, n->outcome,
	    h->delimiter);
	if (n->status)
		buf_num(b, n->status);
	buf_byte(b, h->delimiter);
	buf_init(&error, BUF_UNBOUNDED);
	text_safe(&error, n->error, strlen(n->error), REASON_MAX);
	add_quoted(b, error.data, error.len);
	buf_free(&error);
	buf_byte(b, h->delimiter);
	if (!whole)
		add_quoted(b, from->raw, from->raw_len);
	buf_byte(b, '\n');
}

static bool is_json_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Where the members of an object end, for a comma and more of them; *empty: it has none. 0 where it
 * is no object. */
static size_t members_end(const char *text, size_t n, bool *empty)
{
	size_t start = 0;

	while (start < n && is_json_space(text[start]))
		start++;
	while (n > start && is_json_space(text[n - 1]))
		n--;
	if (n < start + 2 || text[start] != '{' || text[n - 1] != '}')
		return 0;
	for (n--; is_json_space(text[n - 1]); n--)
		;
	*empty = n == start + 1;
	return n;
}

static void add_object(struct buf *b, const struct origin *from, bool whole,
    const struct note *note)
{
	bool empty = false;
	size_t n = whole ? members_end(from->raw, from->raw_len, &empty) : 0;

	if (n > 0) {
		buf_add(b, from->raw, n);
	} else {
		buf_str(b, "{\"_cio_raw\":");
		text_json_any(b, from->raw, from->raw_len);
	}
	buf_fmt(b, "%s\"_cio_line\":%" PRIu64 ",\"_cio_outcome\":\"%s\"", empty ? "" : ",",
	    note->line, note->outcome);
	if (note->status)
		buf_fmt(b, ",\"_cio_status\":%d", note->status);
	buf_str(b, ",\"_cio_error\":");
	text_json_any(b, note->error, strlen(note->error));
	buf_str(b, "}\n");
}

int rejects_add(struct rejects *r, const struct origin *from, const struct input_header *header,
    bool whole, enum outcome outcome, int status, const char *error, struct reason *why)
{
	const struct note note = { from->line, outcome_name(outcome), status, error ? error : "" };
	enum input_format format = !header ? INPUT_NDJSON :
	    header->delimiter == '\t'      ? INPUT_TSV :
	                                     INPUT_CSV;
	/* A row that ends in a carriage return would end there when it is read again. */
	bool ends_in_cr = from->raw_len > 0 && from->raw[from->raw_len - 1] == '\r';

	if (open_sheet(r, from->file, format, why) != 0)
		return -1;
	buf_reset(&r->row);
	if (header) {
		if (r->out.size == 0)
			add_header(&r->row, header);
		add_row(&r->row, from, header, whole && !ends_in_cr, &note);
	} else {
		add_object(&r->row, from, whole, &note);
	}
	if (r->row.over) {
		char shown[PATH_SHOWN];
		return reason_set(why,
		    "%s: the record at line %" PRIu64
		    " is too long to be written: take it out of the "
		    "input",
		    path_shown(r->out.name, shown), from->line);
	}
	int result = outfile_add(&r->out, r->row.data, r->row.len, why);
	buf_reset(&r->row);
	buf_trim(&r->row, ROW_KEEP);
	if (result != 0)
		return -1;
	r->sheets[from->file].size = r->sizes[from->file] = r->out.size;
	r->count++;
	return 0;
}

const int64_t *rejects_sizes(const struct rejects *r)
{
	return r->sizes;
}

uint64_t rejects_count(const struct rejects *r)
{
	return r->count;
}

void rejects_names(const struct rejects *r, struct buf *out)
{
	char shown[PATH_SHOWN];
	const char *before = "";

	for (size_t i = 0; i < r->files; i++) {
		if (r->sizes[i] == 0)
			continue;
		buf_fmt(out, "%s%s", before, path_shown(r->sheets[i].name, shown));
		before = ", ";
	}
}

int rejects_sync(struct rejects *r, struct reason *why)
{
	return r->out.fd < 0 ? 0 : outfile_sync(&r->out, why);
}

int rejects_close(struct rejects *r, struct reason *why)
{
	struct reason second;

	if (!r)
		return 0;
	int result = rejects_sync(r, why);
	if (outfile_close(&r->out, result != 0 ? &second : why) != 0)
		result = -1;
	free_all(r);
	return result;
}
