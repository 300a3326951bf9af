/* The one file that knows zlib: one stream, begun anew for each member. */
#include "input/gunzip.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <zlib.h>
#include "base/buf.h"
#include "base/reason.h"

#define PACKED_BYTES (64u << 10)
#define GZIP_ALONE (15 + 16) /* the largest window, and a gzip header: zlib's way to say it */

struct gunzip {
	source_read *read;
	void *arg;
	struct reason *why;
	z_stream z;
	bool between; /* a member has ended, or none has begun */
	bool last;    /* nothing more is packed */
	bool broken;
	unsigned char packed[PACKED_BYTES];
};

static void *allocate(void *arg, unsigned n, unsigned size)
{
	(void)arg;
	return xcalloc(n, size);
}

static void release(void *arg, void *p)
{
	(void)arg;
	free(p);
}

struct gunzip *gunzip_new(source_read *read_bytes, void *arg, struct reason *why)
{
	struct gunzip *g = xcalloc(1, sizeof *g);

	g->read = read_bytes;
	g->arg = arg;
	g->why = why;
	g->z.zalloc = allocate;
	g->z.zfree = release;
	g->between = true;
	inflateInit2(&g->z, GZIP_ALONE); /* it fails for want of memory alone */
	return g;
}

void gunzip_free(struct gunzip *g)
{
	if (!g)
		return;
	inflateEnd(&g->z);
	free(g);
}

static enum source_result broken(struct gunzip *g, const char *what)
{
	g->broken = true;
	reason_exit(g->why, EX_DATAERR, "its gzip data %s: fetch it once more, or pack it anew",
	    what);
	return SOURCE_FAILED;
}

static enum source_result fill(struct gunzip *g)
{
	size_t got = 0;
	enum source_result result = g->read(g->arg, (char *)g->packed, sizeof g->packed, &got);

	g->z.next_in = g->packed;
	g->z.avail_in = (unsigned)got;
	g->last = result == SOURCE_END;
	return result == SOURCE_END ? SOURCE_MORE : result;
}

/* Behind a member: another one, or zeros that fill up a block of a tape, or nothing. */
static enum source_result begin_member(struct gunzip *g)
{
	while (g->z.avail_in > 0 && *g->z.next_in == 0 && g->z.total_in > 0) {
		g->z.next_in++;
		g->z.avail_in--;
	}
	if (g->z.avail_in == 0)
		return g->last ? SOURCE_END : SOURCE_MORE;
	if (g->z.total_in > 0)
		inflateReset(&g->z);
	g->between = false;
	return SOURCE_MORE;
}

/* Unpacks what there is. SOURCE_MORE, with *got bytes, perhaps none. */
static enum source_result unpack(struct gunzip *g, char *to, size_t n, size_t *got)
{
	g->z.next_out = (unsigned char *)to;
	g->z.avail_out = n > 1u << 30 ? 1u << 30 : (unsigned)n;
	unsigned room = g->z.avail_out;
	int result = inflate(&g->z, Z_NO_FLUSH);
	*got = room - g->z.avail_out;
	if (result == Z_STREAM_END)
		g->between = true;
	else if (result != Z_OK && result != Z_BUF_ERROR && *got == 0)
		return broken(g, "are damaged");
	return SOURCE_MORE;
}

enum source_result gunzip_read(void *arg, char *to, size_t n, size_t *got)
{
	struct gunzip *g = arg;
	enum source_result result = SOURCE_MORE;

	*got = 0;
	if (g->broken)
		return SOURCE_FAILED;
	while (result == SOURCE_MORE && *got == 0) {
		if (g->z.avail_in == 0 && !g->last)
			result = fill(g);
		if (result == SOURCE_MORE && g->between)
			result = begin_member(g);
		else if (result == SOURCE_MORE && g->z.avail_in == 0 && g->last)
			return broken(g, "end in the middle");
		if (result == SOURCE_MORE && !g->between)
			result = unpack(g, to, n, got);
	}
	return result;
}
