/*
 * Any bytes through the layers between a FILE and its reader: the same text and the same end
 * however they come, text that is UTF-8 but for marks where something was decoded, and a reason
 * with a status where they are refused. The first three bytes say how.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/utf8.h"
#include "input/decode.h"
#include "layering.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whether all of it is UTF-8 or marks. */
static int is_decoded(const struct buf *text)
{
	unsigned char byte;

	for (size_t i = 0; i < text->len; i += 2) {
		i += utf8_prefix(text->data + i, text->len - i);
		if (i == text->len)
			return 1;
		if (i + 1 == text->len || !decode_is_mark(text->data + i, &byte))
			return 0;
	}
	return 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const encodings[] = { NULL, "utf-16le", "utf-16be", "utf-32le",
		"windows-1252", "shift_jis", "gb18030", "iso-2022-jp" };
	struct buf once = { .max = ANY }, pieces = { .max = ANY };
	struct reason why, other;

	if (size < 3)
		return 0;
	const char *text = (const char *)data + 3, *encoding = encodings[data[0] % 8];
	size_t n = size - 3;
	bool gz = data[0] & 64;
	struct feeding whole = { .chunk = n + 1 },
	               how = { .chunk = 1 + data[1] % 100, .again = data[0] >= 128 };
	enum source_result end = layers_trace(&once, text, n, &whole, 100000, gz, encoding, &why);
	enum source_result same = layers_trace(&pieces, text, n, &how, 1 + data[2], gz, encoding,
	    &other);
	if (end != same || (end == SOURCE_FAILED && why.status != 65))
		abort();
	/* damage is seen the later, the more there is at once; but what comes is the same */
	size_t common = once.len < pieces.len ? once.len : pieces.len;
	if (end == SOURCE_END && !same_trace(&once, &pieces))
		abort();
	if (common > 0 && memcmp(once.data, pieces.data, common) != 0)
		abort();
	if (encoding && end == SOURCE_END && !(n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) &&
	    !gz && !is_decoded(&once))
		abort();
	buf_free(&once);
	buf_free(&pieces);
	return 0;
}
