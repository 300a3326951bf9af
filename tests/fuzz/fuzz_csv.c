/*
 * Any bytes as CSV of any dialect: the same records as the model finds (and libcsv, where it can
 * say), the same count, and the same in other pieces. The first bytes say which dialect, and how
 * they are handed out.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include "model_csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_be_same(const struct buf *expected, const struct buf *got, const char *text,
    size_t n, const struct feeding *how)
{
	if (same_trace(expected, got))
		return;
	fprintf(stderr, "%s\n", explain_traces(expected, got, text, n, how));
	abort();
}

/* Whether a name can be one: a text, nothing around it that nobody sees, no other's, not ours. */
static int is_name(const struct input_header *h, size_t i)
{
	const char *name = h->names[i];
	size_t n = strlen(name), trimmed = n;

	utf8_trim(name, &trimmed);
	for (size_t k = 0; k < i; k++)
		if (strcmp(h->names[k], name) == 0)
			return 0;
	return n > 0 && trimmed == n && model_is_utf8(name, n) && strncmp(name, "_cio_", 5) != 0;
}

/* A header that is taken has a name for each column, and what is refused is said to be why. */
static void try_header(const char *text, size_t n, const struct feeding *how)
{
	enum input_result result;
	struct csv_reader reader;
	struct reason why = { 0 };
	struct source s;
	struct feed f;
	int status = 0;

	feed_open(&f, &s, text, n, how);
	csv_reader_init(&reader, &s, &how->dialect, how->longest, 1);
	do
		result = csv_reader_begin(&reader, NULL, 0, &why, &status);
	while (result == INPUT_AGAIN);
	if (result == INPUT_RECORD) {
		for (size_t i = 0; i < reader.header->shown.count; i++)
			if (!is_name(&reader.header->shown, i))
				abort();
	} else if (result != INPUT_FAILED || status != 65 || !why.text[0]) {
		abort();
	}
	csv_reader_free(&reader);
	source_free(&s);
}

/* With a header, and with _cio_ columns, which libcsv knows nothing of: in any pieces the same, and
 * counted right. */
static void with_header(const char *text, size_t n, struct feeding *how)
{
	struct buf once = { .max = ANY }, again = { .max = ANY };
	size_t chunk = how->chunk;

	how->columns = NULL;
	how->chunk = n + 1;
	trace_csv(&once, text, n, how);
	how->chunk = chunk;
	trace_csv(&again, text, n, how);
	must_be_same(&once, &again, text, n, how);
	bool refused = once.len > 0 && once.data[once.len - 1] == 'F';
	if (!refused && !memchr(text, '\x1e', n) && trace_records(&once) != count_csv(text, n, how))
		abort();
	buf_free(&once);
	buf_free(&again);
}

#define HEAD 6 /* bytes that say how */

/* No two of its characters may be the same. */
static struct csv_dialect dialect_of(uint8_t a, uint8_t b)
{
	static const char *const nulls[] = { "NULL", "\\N", "a" };

	return (struct csv_dialect){
		.delimiter = ",\t;|"[a % 4],
		.quote = "\"\"'\0"[a / 4 % 4],
		.escape = "\0\0\\^"[a / 16 % 4],
		.comment = "\0#"[a / 64 % 2],
		.trim = a / 128,
		.nulls = nulls,
		.null_count = b % 4,
		.skip_lines = b / 4 % 4 == 3 ? 1 + b / 16 % 3 : 0,
	};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const columns[] = { "a", "b", "c", "d" };
	struct buf model = { .max = ANY }, trace = { .max = ANY };

	if (size < HEAD)
		return 0;
	struct feeding how = {
		.chunk = 1 + data[0] % 70,
		.again = data[0] >= 128,
		.pipe = data[5] >= 128,
		.base = 1 + data[1],
		.longest = data[2] < 128 ? RECORD_MAX : 1 + data[2] - 128u,
		.dialect = dialect_of(data[3], data[4]),
		.columns = columns,
		.column_count = 1 + data[5] % 4,
	};
	const char *text = (const char *)data + HEAD;
	size_t n = size - HEAD;
	model_csv(&model, text, n, &how);
	trace_csv(&trace, text, n, &how);
	must_be_same(&model, &trace, text, n, &how);
	if (!memchr(text, '\x1e', n) && trace_records(&trace) != count_csv(text, n, &how))
		abort();
	try_header(text, n, &how);
	with_header(text, n, &how);
	buf_free(&model);
	buf_free(&trace);
	return 0;
}
