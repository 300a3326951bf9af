/* FILEs one after another: opened, read to their ends, watched, and said by name. */
#include "input/input.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <sysexits.h>
#include "base/buf.h"
#include "input/decode.h"
#include "input/reader.h"
#include "base/log.h"
#include "input/record.h"

/* A FILE, once something is known of it. */
struct file {
	enum input_format format;
	struct csv_header *header; /* owned; NULL for NDJSON, or before it was read */
	const char *encoding;      /* the config's, or for good; NULL: UTF-8 */
	bool packed;
	bool regular; /* where it is, `seen` is what it was when it was looked at first */
	struct stamp seen;
	uint64_t records;
};

/* What is said of FILEs once they were read: of the first of them, and how many there are. */
enum notice { NOTICE_REPLACED, NOTICE_OPEN_END, NOTICE_LEFT, NOTICES };
struct noticed {
	size_t first, count;
};

struct input {
	const struct input_config *config; /* `own` */
	struct input_config own;           /* the caller's, but that its FILEs are `names` */
	const char **names;                /* in the order in which they are read */
	struct file *files;
	size_t current; /* the FILE that is read, or is read next */
	bool open;      /* `reader` is open on it */
	struct file_reader reader;
	uint64_t number;  /* of the last record */
	uint64_t layouts; /* how many were given out */
	struct noticed noticed[NOTICES];
	struct input_counter *counter; /* NULL before input_count */
};

/* Closes a reader of FILE i; its header stays where it was kept. */
static void close_reader(struct input *in, size_t i, struct file_reader *f)
{
	if (f->csv.header == in->files[i].header)
		f->csv.header = NULL;
	file_reader_close(f);
}

/* What is learnt of a FILE's head is kept. When it is opened again for reading its header must be
 * the same. */
static int keep_head(struct input *in, size_t i, struct file_reader *f, struct reason *why,
    int *status)
{
	struct file *file = &in->files[i];
	struct csv_header *now = f->csv.header, *before = file->header;

	file->format = f->format;
	file->encoding = f->layers.encoding;
	file->packed = f->layers.packed;
	if (!now)
		return 0;
	if (before &&
	    (now->shown.raw_len != before->shown.raw_len ||
	        memcmp(now->shown.raw, before->shown.raw, now->shown.raw_len) != 0)) {
		*status = EX_DATAERR;
		return reason_set(why,
		    "%s: its header was changed while earlier files were read: run again",
		    file_shown(in->config->files[i]));
	}
	if (!before)
		file->header = now;
	return 0;
}

/* What FILE i is when it is opened for the first time. When it is opened to be read it must be that
 * one, or have grown. */
static int keep_stamp(struct input *in, size_t i, const struct file_reader *f, struct reason *why,
    int *status)
{
	struct file *file = &in->files[i];
	const struct stamp *now = &f->watch.first;
	bool known = file->regular;

	if (!f->regular)
		return 0;
	if (!known) {
		file->regular = true;
		file->seen = *now;
		return 0;
	}
	bool same = now->device == file->seen.device && now->inode == file->seen.inode;
	if (same && now->size >= file->seen.size)
		return 0;
	*status = EX_DATAERR;
	return reason_set(why, "%s: was %s before its turn came: run the same command again",
	    file_shown(in->config->files[i]), same ? "cut short" : "replaced by another file");
}

/* Looks at a FILE before anything is read: a regular file's head is read; anything else must only
 * be there. */
static int check_file(struct input *in, size_t i, struct reason *why, int *status)
{
	const char *name = in->config->files[i];
	struct file_reader f;
	struct stat st;

	if (file_is_stdin(name) ||
	    (stat(name, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)))
		return 0;
	if (file_reader_open(&f, in->config, i, why, status))
		return -1;
	keep_stamp(in, i, &f, why, status);
	enum input_result result = file_reader_begin(&f, in->config, i, &in->layouts, why, status);
	int kept = result == INPUT_FAILED ? -1 : keep_head(in, i, &f, why, status);
	close_reader(in, i, &f);
	return kept;
}

bool input_knows(const char *encoding)
{
	return decode_knows(encoding);
}

struct input *input_new(const struct input_config *config, struct reason *why, int *status)
{
	struct input *in = xcalloc(1, sizeof *in);

	in->own = *config;
	in->config = &in->own;
	in->own.files = in->names = xcalloc(config->file_count, sizeof *in->names);
	memcpy(in->names, config->files, config->file_count * sizeof *in->names);
	in->files = xcalloc(config->file_count, sizeof *in->files);
	for (size_t i = 0; i < config->file_count; i++) {
		if (check_file(in, i, why, status)) {
			input_free(in);
			return NULL;
		}
	}
	return in;
}

void input_free(struct input *in)
{
	if (!in)
		return;
	if (in->open)
		close_reader(in, in->current, &in->reader);
	input_counter_free(in->counter);
	for (size_t i = 0; i < in->config->file_count; i++)
		csv_header_free(in->files[i].header);
	free(in->files);
	free(in->names);
	free(in);
}

/* Opens the current FILE, if it is not, and gets to its first record. INPUT_RECORD when there may
 * be one. */
static enum input_result begin(struct input *in, struct reason *why, int *status)
{
	if (!in->open) {
		if (file_reader_open(&in->reader, in->config, in->current, why, status))
			return INPUT_FAILED;
		in->open = true;
		if (keep_stamp(in, in->current, &in->reader, why, status) != 0)
			return INPUT_FAILED;
	}
	if (in->reader.stage == FILE_READY)
		return INPUT_RECORD;
	enum input_result result = file_reader_begin(&in->reader, in->config, in->current,
	    &in->layouts, why, status);
	if (result == INPUT_RECORD && keep_head(in, in->current, &in->reader, why, status))
		return INPUT_FAILED;
	return result;
}

static void notice(struct input *in, enum notice kind)
{
	struct noticed *n = &in->noticed[kind];

	if (n->count++ == 0)
		n->first = in->current;
}

/* The current FILE was read to its end. */
static void end_file(struct input *in)
{
	const struct file_reader *f = &in->reader;
	const char *name = in->config->files[in->current];

	if (f->regular && !file_is_stdin(name) && watch_is_replaced(&f->watch, name))
		notice(in, NOTICE_REPLACED);
	if (f->ends.any && f->ends.open && !f->whole_lines)
		notice(in, NOTICE_OPEN_END);
	close_reader(in, in->current, &in->reader);
	in->open = false;
	in->current++;
}

/* Whether what was read last is the last line, and has no line break yet. */
static bool is_left(struct input *in)
{
	const struct file_reader *f = &in->reader;
	const struct source *s = &f->source;

	if (!f->whole_lines || f->format == INPUT_JSON || !f->ends.open || !s->at_end ||
	    s->start < s->end)
		return false;
	notice(in, NOTICE_LEFT);
	return true;
}

enum input_result input_next(struct input *in, struct record *r, struct reason *why, int *status)
{
	while (in->current < in->config->file_count) {
		enum input_result result = begin(in, why, status);
		if (result == INPUT_RECORD)
			result = file_reader_next(&in->reader, in->config->files[in->current], r,
			    why, status);
		if ((result == INPUT_RECORD || result == INPUT_BAD) && is_left(in))
			continue;
		if (result == INPUT_RECORD || result == INPUT_BAD) {
			r->from.number = ++in->number;
			r->from.in_file = ++in->files[in->current].records;
			r->from.file = (unsigned)in->current;
			return result;
		}
		if (result != INPUT_END)
			return result;
		end_file(in);
	}
	return INPUT_END;
}

bool input_notice(struct input *in, struct reason *what)
{
	static const char *const texts[NOTICES] = {
		[NOTICE_REPLACED] = "another file has taken its name while it was read: that one "
		                    "was not read",
		[NOTICE_OPEN_END] =
		    "its last line has no line break, though all others have: is it "
		    "whole?",
		[NOTICE_LEFT] = "its last line has no line break yet: it is left for the next run",
	};

	for (size_t i = 0; i < NOTICES; i++) {
		struct noticed *n = &in->noticed[i];
		char others[64] = "";
		if (n->count == 0)
			continue;
		if (n->count > 1)
			snprintf(others, sizeof others, " (so it is with %zu more)", n->count - 1);
		reason_set(what, "%.900s: %s%s", file_shown(in->config->files[n->first]), texts[i],
		    others);
		n->count = 0;
		return true;
	}
	return false;
}

/* What has happened to a regular FILE since it was looked at first; NULL: nothing. */
static const char *what_happened(const struct file *file, const char *name)
{
	struct stat st;
	struct stamp now;

	if ((file_is_stdin(name) ? fstat(STDIN_FILENO, &st) : stat(name, &st)) != 0)
		return "it has been removed since the run began";
	stamp_take(&now, &st);
	if (now.device != file->seen.device || now.inode != file->seen.inode)
		return "another file has taken its name since the run began";
	if (now.size > file->seen.size)
		return "it has grown since the run began";
	return stamp_same(&now, &file->seen) ? NULL : "it was changed since the run began";
}

enum input_whole input_is_whole(const struct input *in, struct reason *why)
{
	for (size_t i = 0; i < in->config->file_count; i++) {
		const struct file *file = &in->files[i];
		const char *name = in->config->files[i];
		const char *what = file->regular ? what_happened(file, name) : NULL;
		if (file->records > 0 && !what)
			continue;
		reason_set(why, "%.900s: %s", file_shown(name),
		    file->records > 0 ? what : "there is no record in it");
		return file->records > 0 ? INPUT_DISTURBED : INPUT_EMPTY;
	}
	return INPUT_WHOLE;
}

bool input_is_regular(const struct input *in)
{
	for (size_t i = 0; i < in->config->file_count; i++) {
		struct stat st;
		const char *name = in->config->files[i];
		int bad = file_is_stdin(name) ? fstat(STDIN_FILENO, &st) : stat(name, &st);
		if (bad || !S_ISREG(st.st_mode))
			return false;
	}
	return true;
}

unsigned input_file(const struct input *in)
{
	return (unsigned)in->current;
}

int input_fd(const struct input *in)
{
	return in->open ? in->reader.from.fd : -1;
}

const char *input_name(const struct input *in, unsigned file)
{
	return file_shown(in->config->files[file]);
}

enum input_format input_format_of(const struct input *in, unsigned file)
{
	return in->files[file].format;
}

const struct input_header *input_header_of(const struct input *in, unsigned file)
{
	return in->files[file].header ? &in->files[file].header->shown : NULL;
}

/* ", separated by commas" */
static void describe_separator(char c, struct buf *out)
{
	static const struct {
		char c;
		const char *name;
	} names[] = { { ',', "commas" }, { ';', "semicolons" }, { '\t', "tabs" } };
	const char *name = NULL;

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (names[i].c == c)
			name = names[i].name;
	buf_str(out, ", separated by ");
	if (name)
		buf_str(out, name);
	else
		buf_byte(out, c);
}

void input_describe(const struct input *in, unsigned file, struct buf *out)
{
	const struct file *f = &in->files[file];
	const struct input_header *h = input_header_of(in, file);

	buf_str(out, h ? "CSV" : f->format == INPUT_JSON ? "JSON" : "NDJSON");
	buf_fmt(out, " in %s", f->encoding ? f->encoding : "UTF-8");
	if (h)
		describe_separator(h->dialect.delimiter, out);
	if (f->packed)
		buf_str(out, ", unpacked");
}

int input_count(struct input *in, size_t bytes, uint64_t *total)
{
	if (!in->counter)
		in->counter = input_counter_new(in->config);
	return input_counter_step(in->counter, bytes, total);
}

void input_list(const struct input *in, struct buf *out)
{
	input_list_of(in->config, out);
}

int input_arrange(struct input *in, const char *list, struct reason *why)
{
	size_t count = in->config->file_count, *order = xcalloc(count, sizeof *order);
	bool *by_lines = xcalloc(count, sizeof *by_lines);

	for (size_t i = 0; i < count; i++)
		by_lines[i] = in->files[i].format != INPUT_JSON;
	int result = input_list_match(in->config, list, by_lines, order, why);
	free(by_lines);

	if (result == 0) {
		struct file *files = xcalloc(count, sizeof *files);
		const char **names = xcalloc(count, sizeof *names);
		for (size_t k = 0; k < count; k++) {
			files[k] = in->files[order[k]];
			names[k] = in->names[order[k]];
		}
		free(in->files);
		free(in->names);
		in->files = files;
		in->own.files = in->names = names;
	}
	free(order);
	return result;
}
