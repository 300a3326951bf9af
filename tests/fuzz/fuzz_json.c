/*
 * Any bytes as JSON: the same records as jansson finds, as far as jansson can tell, the same count,
 * and the same in other pieces. The first three bytes say how they are handed out.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include "model_json.h"
#include "base/os.h"

#define DEEP 2000 /* brackets: jansson has a bound on them */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_be_same(const struct buf *expected, const struct buf *got, const char *text,
    size_t n, const struct feeding *how)
{
	if (same_trace(expected, got))
		return;
	fprintf(stderr, "%s\n", explain_traces(expected, got, text, n, how));
	abort();
}

/* Whether the model can judge it: jansson knows nothing of members that are dropped, and takes no
 * more than so many brackets or digits. */
static int is_plain(const char *text, size_t n)
{
	size_t brackets = 0, digits = 0;

	for (size_t i = 0; i < n; i++) {
		brackets += text[i] == '[' || text[i] == '{';
		digits = text[i] >= '0' && text[i] <= '9' ? digits + 1 : 0;
		if (brackets > DEEP || digits > 300)
			return 0;
	}
	return !os_find(text, n, "_cio_", 5) && !os_find(text, n, "\\u00", 4);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf judged = { .max = ANY }, once = { .max = ANY }, trace = { .max = ANY };

	if (size < 3)
		return 0;
	struct feeding how = {
		.chunk = 1 + data[0] % 70,
		.again = data[0] >= 128,
		.base = 1 + data[1],
		.longest = data[2] < 128 ? RECORD_MAX : 1 + data[2] - 128u,
	};
	const char *text = (const char *)data + 3;
	size_t n = size - 3;
	struct feeding at_once = { .chunk = n + 1, .base = n + 64, .longest = how.longest };
	trace_json(&once, text, n, &at_once);
	trace_json(&trace, text, n, &how);
	must_be_same(&once, &trace, text, n, &how);
	if (!memchr(text, '\x1e', n) && trace_records(&trace) != count_json(text, n, &how))
		abort();
	if (is_plain(text, n)) {
		if (!model_json(&judged, text, n, &how) && judged.len < trace.len)
			trace.len = judged.len;
		must_be_same(&judged, &trace, text, n, &how);
	}
	buf_free(&judged);
	buf_free(&once);
	buf_free(&trace);
	return 0;
}
