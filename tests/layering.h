/* For the tests and the fuzz driver of the layers: all that comes out of them, and how it ends. */
#ifndef LAYERING_H
#define LAYERING_H

#include "input/layers.h"
#include "reading.h"

/*
 * Reads the n bytes at data through the layers, at most `most` bytes at once, and adds what comes
 * to `out`. Returns how it ends: SOURCE_END, or SOURCE_FAILED with *why.
 */
static inline enum source_result layers_trace(struct buf *out, const char *data, size_t n,
    const struct feeding *how, size_t most, bool gz, const char *encoding, struct reason *why)
{
	struct feed f = { .data = data, .n = n, .chunk = how->chunk, .again = how->again };
	enum source_result result;
	struct layers l;
	size_t got;

	layers_open(&l, feed_read, &f, gz, encoding, why);
	do {
		char *to = buf_room(out, most);
		got = 0;
		result = layers_read(&l, to, most, &got);
		out->len += got;
	} while (result == SOURCE_MORE || result == SOURCE_AGAIN);
	layers_close(&l);
	return result;
}

#endif
