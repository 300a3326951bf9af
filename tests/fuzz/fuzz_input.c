/*
 * Any bytes as a FILE and through a pipe, with nothing said of them or something: what the FILE is
 * taken for and each of its records are the same, and so is the reason where it is refused; and as
 * many are counted as are read. The first two bytes say how.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "input/input.h"
#include "reading.h"

#define HEAD 2 /* bytes that say how */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char file_name[] = "/tmp/cio-fuzz-input.XXXXXX";

static void must(bool is_so)
{
	if (!is_so)
		abort();
}

static void remove_file(void)
{
	unlink(file_name);
}

/* The FILE, which has these bytes from now on. */
static void fill_file(const char *text, size_t n)
{
	static int fd = -1;

	if (fd < 0) {
		must((fd = mkstemp(file_name)) >= 0);
		atexit(remove_file);
	}
	must(ftruncate(fd, 0) == 0 && pwrite(fd, text, n, 0) == (ssize_t)n);
}

/* A pipe as standard input, which takes n bytes of `text` a piece, whenever all it had is read. */
struct writer {
	const char *text;
	size_t n, piece;
	int fd; /* -1: all was written */
};

static void write_piece(struct writer *w)
{
	must(w && w->fd >= 0); /* a FILE always has something, or an end */
	size_t n = w->n < w->piece ? w->n : w->piece;
	must(n == 0 || write(w->fd, w->text, n) == (ssize_t)n);
	w->text += n;
	w->n -= n;
	if (w->n > 0)
		return;
	close(w->fd);
	w->fd = -1;
}

/* What it was refused for, without its name in front. */
static void put_reason(struct buf *out, const struct reason *why, int status, const char *name)
{
	size_t n = strlen(name);

	must(strncmp(why->text, name, n) == 0);
	buf_fmt(out,
	    "\x1e"
	    "F %d %s",
	    status, why->text + n);
}

/* Reads all of it and writes it down. `w` is asked when there is nothing; NULL: there always is.
 * Whether it was read to its end, with *records of them. */
static bool trace_input(struct buf *out, const struct input_config *config, struct writer *w,
    uint64_t *records)
{
	const char *shown = w ? "standard input" : config->files[0];
	enum input_result result = INPUT_AGAIN;
	struct reason why = { 0 };
	struct record r = { 0 };
	int status = 0;
	struct input *in = input_new(config, &why, &status);

	while (in && result != INPUT_END && result != INPUT_FAILED) {
		result = input_next(in, &r, &why, &status);
		if (result == INPUT_AGAIN)
			write_piece(w);
		if (result != INPUT_RECORD && result != INPUT_BAD)
			continue;
		put_record(out, result, &r);
		++*records;
	}
	if (result == INPUT_END && *records > 0)
		input_describe(in, 0, out);
	else if (result != INPUT_END)
		put_reason(out, &why, status, shown);
	input_free(in);
	return result == INPUT_END;
}

static void must_be_counted(const struct input_config *config, uint64_t records)
{
	struct reason why;
	uint64_t total = 0;
	int status, more;
	struct input *in = input_new(config, &why, &status);

	must(in != NULL);
	while ((more = input_count(in, 100, &total)) == 1)
		;
	must(more == 0 && total == records);
	input_free(in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const encodings[] = { NULL, NULL, "windows-1252", "utf-16le" },
	                         *const columns[] = { "id", "v" }, *const file[] = { file_name },
	                         *const standard_input[] = { "-" };
	struct buf once = { .max = ANY }, piped = { .max = ANY };
	int ends[2];

	if (size < HEAD)
		return 0;
	const char *text = (const char *)data + HEAD;
	size_t n = size - HEAD;
	struct input_config config = {
		.files = file,
		.file_count = 1,
		.format = data[1] % 8 < 5 ? data[1] % 8 : INPUT_AUTO,
		.encoding = encodings[data[1] / 8 % 4],
		.dialect.quote = '"',
		.columns = data[1] & 32 ? columns : NULL,
		.column_count = data[1] & 32 ? 2 : 0,
	};
	fill_file(text, n);
	uint64_t records = 0;
	if (trace_input(&once, &config, NULL, &records))
		must_be_counted(&config, records);
	must(pipe(ends) == 0 && dup2(ends[0], STDIN_FILENO) == STDIN_FILENO);
	close(ends[0]);
	struct writer w = { text, n, 1 + data[0], ends[1] };
	config.files = standard_input;
	records = 0;
	trace_input(&piped, &config, &w, &records);
	if (w.fd >= 0)
		close(w.fd);
	if (!same_trace(&once, &piped)) {
		fprintf(stderr, "%s\n",
		    explain_traces(&once, &piped, text, n, &(struct feeding){ .chunk = w.piece }));
		abort();
	}
	buf_free(&once);
	buf_free(&piped);
	return 0;
}
