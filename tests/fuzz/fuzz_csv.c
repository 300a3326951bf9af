/*
 * Any bytes as CSV: the same records as libcsv finds, the same count, and the same in other pieces.
 * The first four bytes say how they are handed out.
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
	if (!memchr(text, '\x1e', n) && trace_records(&once) != count_csv(text, n, how))
		abort();
	buf_free(&once);
	buf_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const columns[] = { "a", "b", "c", "d" };
	struct buf model = { .max = ANY }, trace = { .max = ANY };

	if (size < 4)
		return 0;
	struct feeding how = {
		.chunk = 1 + data[0] % 70,
		.again = data[0] >= 128,
		.base = 1 + data[1],
		.longest = data[2] < 128 ? RECORD_MAX : 1 + data[2] - 128u,
		.delimiter = ",\t;|"[data[3] % 4],
		.columns = columns,
		.column_count = 1 + data[3] / 4 % 4,
	};
	const char *text = (const char *)data + 4;
	size_t n = size - 4;
	model_csv(&model, text, n, &how);
	trace_csv(&trace, text, n, &how);
	must_be_same(&model, &trace, text, n, &how);
	if (!memchr(text, '\x1e', n) && trace_records(&trace) != count_csv(text, n, &how))
		abort();
	with_header(text, n, &how);
	buf_free(&model);
	buf_free(&trace);
	return 0;
}
