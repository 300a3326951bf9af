/* A sheet for each FILE: rows as they were read, the reason behind them. */
#include "store/rejects.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include "base/buf.h"
#include "input/csv_header.h"
#include "input/input.h"
#include "base/log.h"
#include "store/claim.h"
#include "base/path.h"
#include "input/record.h"
#include "base/text.h"

/* a byte of a record becomes at most six (\u0000) */
#define ROW_MAX ((size_t)8 * RECORD_MAX)
#define ROW_KEEP (64u << 10)

struct rejects {
	char *name;                 /* the first FILE's */
	size_t stem;                /* bytes of it before its ending */
	int lock;                   /* on NAME */
	struct outfile_mark *marks; /* one a FILE */
	/* theirs; NULL until it is known: its ending depends on the FILE's format */
	char **names;
	size_t files;
	size_t current; /* whose sheet is open: one at a time, for there may be thousands */
	struct outfile out;
	struct buf said;
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

/* Cuts a sheet of this run's to what is marked: what was behind that is written again. */
static int cut_sheet(const char *name, const struct outfile_mark *mark, struct reason *why)
{
	struct outfile f;

	return outfile_reopen(&f, name, mark, why) == 0 ? outfile_close(&f, why) : -1;
}

/* Nothing is there that this FILE's sheet could go on with. */
static void begin_anew(struct rejects *r, size_t file)
{
	if (r->marks[file].size > 0) {
		char *name = sheet_name(r, file, format_of_name(r->name));
		claim_say_gone(name, &r->said);
		free(name);
	}
	r->marks[file] = (struct outfile_mark){ 0 };
}

/* Looks for a FILE's sheet under each name that it may have; what it is not is set aside. NAME was
 * claimed when it was locked. */
static int prepare_sheet(struct rejects *r, size_t file, struct reason *why)
{
	static const enum input_format formats[] = { INPUT_CSV, INPUT_TSV, INPUT_NDJSON };
	size_t names = sizeof formats / sizeof *formats;
	struct outfile_mark *mark = &r->marks[file];
	enum claim claim = CLAIM_NOTHING;

	for (size_t i = 0; i < names && claim == CLAIM_NOTHING; i++) {
		char *name = sheet_name(r, file, formats[i]);
		claim = claim_name(name, mark, &r->said, why);
		if (claim == CLAIM_OURS)
			r->names[file] = name;
		else
			free(name);
	}
	if (claim == CLAIM_OURS)
		return cut_sheet(r->names[file], mark, why);
	begin_anew(r, file);
	return claim == CLAIM_FAILED ? -1 : 0;
}

/* Takes NAME for this run, and what it has marked there. */
static int hold(struct rejects *r, struct reason *why)
{
	char shown[PATH_SHOWN];

	switch (claim_hold(r->name, &r->marks[0], &r->said, &r->lock, why)) {
	case CLAIM_OURS:
		r->names[0] = xstrdup(r->name);
		return cut_sheet(r->name, &r->marks[0], why);
	case CLAIM_NOTHING:
		begin_anew(r, 0);
		return 0;
	case CLAIM_BUSY:
		return reason_exit(why, EX_TEMPFAIL,
		    "%s: another run writes its rejects there: wait for it to end",
		    path_shown(r->name, shown));
	case CLAIM_FAILED:
		break;
	}
	return -1;
}

static int prepare(struct rejects *r, struct reason *why)
{
	struct reason inner;
	int result = hold(r, &inner);

	for (size_t i = 1; i < r->files && result == 0; i++)
		result = prepare_sheet(r, i, &inner);
	if (result == 0)
		return 0;
	return reason_exit(why, inner.status ? inner.status : EX_CANTCREAT,
	    "%s, or name another place with --rejects=FILE", inner.text);
}

static void free_all(struct rejects *r)
{
	claim_release(r->name, r->lock);
	for (size_t i = 0; i < r->files; i++)
		free(r->names[i]);
	free(r->names);
	free(r->marks);
	free(r->name);
	buf_free(&r->row);
	buf_free(&r->said);
	free(r);
}

struct rejects *rejects_new(const char *name, const struct outfile_mark *kept, size_t kept_files,
    size_t files, struct reason *why)
{
	struct rejects *r = xcalloc(1, sizeof *r);

	r->name = xstrdup(name);
	r->stem = (size_t)(path_ending(name) - name);
	r->files = files;
	r->marks = xcalloc(files, sizeof *r->marks);
	r->names = xcalloc(files, sizeof *r->names);
	r->out = OUTFILE_CLOSED;
	r->lock = -1;
	buf_init(&r->row, ROW_MAX);
	buf_init(&r->said, BUF_UNBOUNDED);
	for (size_t i = 0; kept && i < kept_files && i < files; i++)
		r->marks[i] = kept[i];
	if (prepare(r, why) != 0) {
		free_all(r);
		return NULL;
	}
	buf_byte(&r->said, '\0');
	return r;
}

const char *rejects_said(const struct rejects *r)
{
	return r->said.data;
}

/* Makes FILE's sheet the open one. */
static int open_sheet(struct rejects *r, size_t file, enum input_format format, struct reason *why)
{
	struct outfile_mark *mark = &r->marks[file];

	if (r->out.fd >= 0 && r->current == file)
		return 0;
	if (r->out.fd >= 0 && (outfile_sync(&r->out, why) != 0 || outfile_close(&r->out, why) != 0))
		return -1;
	if (!r->names[file])
		r->names[file] = sheet_name(r, file, format);
	r->current = file;
	return mark->size > 0 ?
	    outfile_reopen(&r->out, r->names[file], mark, why) :
	    outfile_continue(&r->out, r->names[file], OUTFILE_REGULAR, mark, NULL, why);
}

/* What is added to a record. */
struct note {
	uint64_t line;
	const char *outcome;
	int status;
	const char *error;
};

/* The lines in front that the same options pass over, and the header. */
static void add_header(struct buf *b, const struct input_header *h)
{
	buf_add(b, h->front, h->front_len);
	buf_add(b, h->raw, h->raw_len);
	for (size_t i = 0; i < RESERVED_COLUMNS; i++) {
		buf_byte(b, h->dialect.delimiter);
		buf_str(b, reserved_columns[i]);
	}
	buf_byte(b, '\n');
}

/* The error is escaped, so that a row stays one line. */
static void add_row(struct buf *b, const struct origin *from, const struct input_header *h,
    bool whole, const struct note *n)
{
	const struct csv_dialect *d = &h->dialect;
	struct buf error;

	if (whole)
		buf_add(b, from->raw, from->raw_len);
	for (size_t i = 1; i < h->count && !whole; i++)
		buf_byte(b, d->delimiter);
	buf_fmt(b, "%c%" PRIu64 "%c%s%c", d->delimiter, n->line, d->delimiter, n->outcome,
	    d->delimiter);
	if (n->status)
		buf_num(b, n->status);
	buf_byte(b, d->delimiter);
	buf_init(&error, BUF_UNBOUNDED);
	text_safe(&error, n->error, strlen(n->error), REASON_MAX);
	csv_put_cell(b, d, error.data ? error.data : "", error.len);
	buf_free(&error);
	buf_byte(b, d->delimiter);
	if (!whole)
		csv_put_cell(b, d, from->raw, from->raw_len);
	buf_byte(b, '\n');
}

/* Whether a row can stand in the rejects as it was: not where it would end sooner or later, or be a
 * comment, when it is read again. */
static bool can_stand(const struct origin *from, const struct input_header *h)
{
	if (from->raw_len == 0)
		return true;
	char first = from->raw[0], last = from->raw[from->raw_len - 1];
	return last != '\r' && !(h->dialect.escape && last == h->dialect.escape) &&
	    !(h->dialect.comment && first == h->dialect.comment);
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
		text_json(b, from->raw, from->raw_len); /* bytes that are no UTF-8 pass */
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
	enum input_format format = !header    ? INPUT_NDJSON :
	    header->dialect.delimiter == '\t' ? INPUT_TSV :
	                                        INPUT_CSV;

	if (open_sheet(r, from->file, format, why) != 0)
		return -1;
	buf_reset(&r->row);
	if (header) {
		if (r->out.size == 0)
			add_header(&r->row, header);
		add_row(&r->row, from, header, whole && can_stand(from, header), &note);
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
	r->marks[from->file] = outfile_mark(&r->out);
	return 0;
}

const struct outfile_mark *rejects_marks(const struct rejects *r)
{
	return r->marks;
}

void rejects_names(const struct rejects *r, struct buf *out)
{
	char shown[PATH_SHOWN];
	const char *before = "";

	for (size_t i = 0; i < r->files; i++) {
		if (r->marks[i].size == 0)
			continue;
		buf_fmt(out, "%s%s", before, path_shown(r->names[i], shown));
		before = ", ";
	}
}

void rejects_words(const struct rejects *r, struct buf *out)
{
	for (size_t i = 0; i < r->files; i++) {
		if (r->marks[i].size == 0)
			continue;
		buf_str(out, " ");
		if (r->names[i][0] == '-') /* it is no option */
			buf_str(out, "./");
		text_word(out, r->names[i]);
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
