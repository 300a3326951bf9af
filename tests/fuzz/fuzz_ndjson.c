/*
 * Any bytes as NDJSON: the same records as jansson finds, the same count, and the same in other
 * pieces. The first three bytes say how they are handed out.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include "model_ndjson.h"
#include "base/os.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_be_same(const struct buf *expected, const struct buf *got, const char *text,
    size_t n, const struct feeding *how)
{
	if (same_trace(expected, got))
		return;
	fprintf(stderr, "%s\n", explain_traces(expected, got, text, n, how));
	abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf judged = { .max = ANY }, trace = { .max = ANY };

	if (size < 3)
		return 0;
	struct feeding how = {
		.chunk = 1 + data[0] % 70,
		.again = data[0] >= 128,
		.base = 1 + data[1],
		.longest = data[2] < 128 ? RECORD_MAX : 1 + data[2] - 128u,
	};
	struct feeding once = how;
	const char *text = (const char *)data + 3;
	size_t n = size - 3;
	once.chunk = n + 1;
	if (os_find(text, n, "_cio_", 5) || os_find(text, n, "\\u00", 4))
		/* there may be members that are dropped: no matter for jansson */
		trace_ndjson(&judged, text, n, &once);
	else
		model_ndjson(&judged, text, n, &how);
	trace_ndjson(&trace, text, n, &how);
	must_be_same(&judged, &trace, text, n, &how);
	if (!memchr(text, '\x1e', n) && trace_records(&trace) != count_ndjson(text, n, &how))
		abort();
	buf_free(&judged);
	buf_free(&trace);
	return 0;
}
