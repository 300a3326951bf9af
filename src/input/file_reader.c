/* One FILE: opening it, telling its format, and the reader that fits. */
#include "input/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>
#include "base/path.h"
#include "base/log.h"
#include "base/os.h"
#include "input/record.h"

bool file_is_stdin(const char *name)
{
	return strcmp(name, "-") == 0;
}

const char *file_shown(const char *name)
{
	return file_is_stdin(name) ? "standard input" : name;
}

static int refuse_open(const char *name, int error, struct reason *why, int *status)
{
	*status = os_shortage(error) ? EX_OSERR : EX_NOINPUT;
	if (error == ENOENT)
		return reason_set(why, "%s: there is no such file: check the name", name);
	if (error == EACCES || error == EPERM)
		return reason_set(why, "%s: cannot be opened: %s: you need the right to read it",
		    name, strerror(error));
	return reason_set(why, "%s: cannot be opened: %s%s%s", name, strerror(error),
	    os_shortage(error) ? ": " : "", os_shortage(error) ? os_shortage(error) : "");
}

/* A FIFO is opened without waiting for its writer: that is what INPUT_AGAIN is for. The description
 * is ours alone. */
static int open_named(const char *name, int *fd, struct stat *st, struct reason *why, int *status)
{
	*fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (*fd < 0 || fstat(*fd, st) != 0)
		return refuse_open(name, errno, why, status);
	if (S_ISDIR(st->st_mode)) {
		*status = EX_NOINPUT;
		return reason_set(why, "%s: is a directory: name the files in it", name);
	}
	return 0;
}

/* What is read by lines ends with a whole one. One that may still be written is not handed out as
 * it stands, unless it is left anyway. */
static enum source_result end_of_file(struct file_reader *f)
{
	if (f->whole_lines || !f->watch.grew || !f->ends.open || f->format == INPUT_JSON)
		return SOURCE_END;
	reason_exit(&f->fault, EX_DATAERR,
	    "was written to while it was read, and its last line has no line break yet: run the "
	    "same command again when that line is whole");
	return SOURCE_FAILED;
}

static void see_lines(struct line_ends *e, const char *bytes, size_t n)
{
	e->any = e->any || memchr(bytes, '\n', n) || memchr(bytes, '\r', n);
	e->open = !csv_is_break(bytes[n - 1]);
}

/* source_read for a FILE's bytes as they are. */
static enum source_result read_raw(void *arg, char *to, size_t n, size_t *got)
{
	struct file_reader *f = arg;

	return f->watched ? watch_read(&f->watch, to, n, got) :
	                    source_read_fd(&f->from, to, n, got);
}

/* source_read for a FILE as text, whatever it is. */
static enum source_result read_text(void *arg, char *to, size_t n, size_t *got)
{
	struct file_reader *f = arg;
	enum source_result result = layers_read(&f->layers, to, n, got);

	if (result == SOURCE_MORE)
		see_lines(&f->ends, to, *got);
	return result == SOURCE_END ? end_of_file(f) : result;
}

/* source_peek for a regular file. */
static size_t peek_file(void *arg, uint64_t at, char *to, size_t n)
{
	const struct file_reader *f = arg;
	ssize_t got = pread(f->from.fd, to, n, (off_t)f->watch.start + (off_t)at);

	return got > 0 ? (size_t)got : 0;
}

int file_reader_open(struct file_reader *f, const struct input_config *config, size_t file,
    struct reason *why, int *status)
{
	const char *name = config->files[file];
	int fd = STDIN_FILENO;
	struct stat st = { 0 };

	*f = (struct file_reader){ .from.fd = -1,
		.format = config->format,
		.whole_lines = config->whole_lines };
	if (!file_is_stdin(name) && open_named(name, &fd, &st, why, status) != 0) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	f->from.fd = fd;
	f->watched = f->regular = (!file_is_stdin(name) || fstat(fd, &st) == 0) &&
	    S_ISREG(st.st_mode);
	if (f->regular)
		watch_begin(&f->watch, fd, &st, &f->fault);
	if (f->format == INPUT_AUTO)
		f->format = format_of_name(name);
	source_init(&f->source, f->regular ? SOURCE_FILE_BYTES : SOURCE_PIPE_BYTES, RECORD_MAX,
	    read_text, f);
	layers_open(&f->layers, read_raw, f, path_unpacked(name) < strlen(name), config->encoding,
	    &f->fault);
	return 0;
}

void file_reader_unwatch(struct file_reader *f)
{
	f->watched = false;
	f->from.regular = f->regular;
}

void file_reader_close(struct file_reader *f)
{
	csv_reader_free(&f->csv);
	ndjson_reader_free(&f->ndjson);
	json_reader_free(&f->json);
	source_free(&f->source);
	layers_close(&f->layers);
	watch_free(&f->watch);
	if (f->from.fd > STDERR_FILENO)
		close(f->from.fd); /* it was only read */
	*f = (struct file_reader){ .from.fd = -1 };
}

static enum input_result refuse_read(const struct file_reader *f, const char *name,
    struct reason *why, int *status)
{
	*status = f->fault.status ? f->fault.status : EX_NOINPUT;
	if (f->fault.status)
		reason_set(why, "%s: %.900s", file_shown(name), f->fault.text);
	else
		reason_set(why, "%s: cannot be read: %s", file_shown(name), strerror(errno));
	return INPUT_FAILED;
}

static void make_reader(struct file_reader *f, const struct input_config *config, uint64_t *layouts)
{
	struct csv_dialect d = config->dialect;

	if (!d.delimiter)
		d.delimiter = f->format == INPUT_TSV ? '\t' : ',';
	if (f->format == INPUT_NDJSON)
		ndjson_reader_init(&f->ndjson, &f->source, RECORD_MAX, layouts);
	else if (f->format == INPUT_JSON)
		json_reader_init(&f->json, &f->source, RECORD_MAX, layouts);
	else
		csv_reader_init(&f->csv, &f->source, &d, RECORD_MAX, ++*layouts);
}

/* The header of a CSV; for messages, its place in front. */
static enum input_result begin_csv(struct file_reader *f, const struct input_config *config,
    size_t file, struct reason *why, int *status)
{
	struct reason inner;
	enum input_result result = csv_reader_begin(&f->csv, config->columns, config->column_count,
	    &inner, status);

	if (result != INPUT_FAILED)
		return result;
	if (*status == EX_NOINPUT)
		return refuse_read(f, config->files[file], why, status);
	reason_set(why, "%s: %.900s", file_shown(config->files[file]), inner.text);
	return INPUT_FAILED;
}

static enum input_result refuse_document(const char *name, struct reason *why, int *status)
{
	*status = EX_DATAERR;
	reason_set(why,
	    "%s: its first line is only a part of a JSON object or array, so it is no NDJSON: "
	    "--format=json reads what is laid out over lines",
	    file_shown(name));
	return INPUT_FAILED;
}

static bool has_header(enum input_format format)
{
	return format == INPUT_CSV || format == INPUT_TSV;
}

enum input_result file_reader_begin(struct file_reader *f, const struct input_config *config,
    size_t file, uint64_t *layouts, struct reason *why, int *status)
{
	enum input_result result = INPUT_RECORD;

	if (f->stage == FILE_AT_START) {
		result = input_skip_bom(&f->source);
		if (result == INPUT_RECORD)
			f->stage = FILE_AT_FORMAT;
		f->source.encoding = f->layers.encoding;
		if (f->regular && f->layers.plain)
			f->source.peek = peek_file;
	}
	if (f->stage == FILE_AT_FORMAT) {
		result = input_detect(&f->source, &f->format);
		if (result == INPUT_BAD)
			return refuse_document(config->files[file], why, status);
		if (result == INPUT_RECORD) {
			make_reader(f, config, layouts);
			f->stage = has_header(f->format) ? FILE_AT_HEADER : FILE_READY;
		}
	}
	if (result == INPUT_FAILED)
		return refuse_read(f, config->files[file], why, status);
	if (f->stage == FILE_AT_HEADER) {
		result = begin_csv(f, config, file, why, status);
		if (result == INPUT_RECORD)
			f->stage = FILE_READY;
	}
	return result;
}

/* What the JSON reader says with a place comes behind the name at once. */
static enum input_result refuse_json(const struct file_reader *f, const char *name,
    struct reason *why, int *status)
{
	*status = EX_DATAERR;
	reason_set(why, "%s:%.900s", file_shown(name), f->json.why.text);
	return INPUT_FAILED;
}

static enum input_result next(struct file_reader *f, struct record *r, struct reason *why)
{
	switch (f->format) {
	case INPUT_NDJSON:
		return ndjson_reader_next(&f->ndjson, r, why);
	case INPUT_JSON:
		return json_reader_next(&f->json, r, why);
	default:
		return csv_reader_next(&f->csv, r, why);
	}
}

enum input_result file_reader_next(struct file_reader *f, const char *name, struct record *r,
    struct reason *why, int *status)
{
	enum input_result result = next(f, r, why);

	if (result != INPUT_FAILED)
		return result;
	if (f->json.broken)
		return refuse_json(f, name, why, status);
	if (!has_header(f->format) || why->status == 0)
		return refuse_read(f, name, why, status);
	struct reason inner = *why;
	*status = inner.status;
	reason_set(why, "%s: %.900s", file_shown(name), inner.text);
	return INPUT_FAILED;
}

enum input_result file_reader_count(struct file_reader *f, size_t bytes, uint64_t *count)
{
	switch (f->format) {
	case INPUT_NDJSON:
		return ndjson_reader_count(&f->ndjson, bytes, count);
	case INPUT_JSON:
		return json_reader_count(&f->json, bytes, count);
	default:
		return csv_reader_count(&f->csv, bytes, count);
	}
}
