/* A converter of iconv's is fed piece by piece; what it stops at is marked. */
#include "input/decode.h"

#include <errno.h>
#include <iconv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/buf.h"

#define IN_BYTES 16384u
#define OUT_BYTES 65536u /* what comes of so many, however they are written */

struct decode {
	iconv_t converter;
	source_read *read;
	void *arg;
	size_t unit; /* bytes that are passed over where one does not fit */
	bool last;   /* nothing more is to be decoded */
	char in[IN_BYTES];
	size_t in_start, in_end;
	char out[OUT_BYTES];
	size_t out_start, out_end;
};

bool decode_knows(const char *encoding)
{
	/* what stands behind a slash is how to write, not what to read */
	if (!*encoding || strchr(encoding, '/'))
		return false;
	struct decode *d = decode_new(encoding, NULL, NULL);
	bool known = d->converter != (iconv_t)-1;
	decode_free(d);
	return known;
}

bool decode_is_utf8(const char *encoding)
{
	return strcasecmp(encoding, "UTF-8") == 0 || strcasecmp(encoding, "UTF8") == 0;
}

/* The size of what an encoding is made of. */
static size_t unit_of(const char *encoding)
{
	static const struct {
		const char *begins;
		size_t unit;
	} wide[] = { { "UTF-16", 2 }, { "UTF16", 2 }, { "UCS-2", 2 }, { "UCS2", 2 },
		{ "UTF-32", 4 }, { "UTF32", 4 }, { "UCS-4", 4 }, { "UCS4", 4 } };

	for (size_t i = 0; i < sizeof wide / sizeof *wide; i++)
		if (strncasecmp(encoding, wide[i].begins, strlen(wide[i].begins)) == 0)
			return wide[i].unit;
	return 1;
}

struct decode *decode_new(const char *encoding, source_read *read_bytes, void *arg)
{
	struct decode *d = xcalloc(1, sizeof *d);

	d->converter = iconv_open("UTF-8", encoding);
	d->read = read_bytes;
	d->arg = arg;
	d->unit = unit_of(encoding);
	return d;
}

void decode_free(struct decode *d)
{
	if (!d)
		return;
	if (d->converter != (iconv_t)-1)
		iconv_close(d->converter);
	free(d);
}

bool decode_is_mark(const char *at, unsigned char *byte)
{
	unsigned char first = (unsigned char)at[0], second = (unsigned char)at[1];

	if (first < 0xf8 || first > 0xfb || second < 0x80 || second > 0xbf)
		return false;
	*byte = (unsigned char)((first & 3) << 6 | (second & 0x3f));
	return true;
}

const char *decode_fault(const char *encoding, const char *text, size_t good,
    char out[DECODE_FAULT])
{
	unsigned char byte = (unsigned char)text[good];
	size_t place = 1;

	for (size_t i = 0; i < good; i++)
		place += !encoding || ((unsigned char)text[i] & 0xc0) != 0x80;
	if (encoding)
		decode_is_mark(text + good, &byte);
	snprintf(out, DECODE_FAULT, "is not %.40s (its %s %zu is 0x%02x)",
	    encoding ? encoding : "UTF-8", encoding ? "character" : "byte", place, byte);
	return out;
}

static void add_mark(struct decode *d, unsigned char byte)
{
	d->out[d->out_end++] = (char)(0xf8 | byte >> 6);
	d->out[d->out_end++] = (char)(0x80 | (byte & 0x3f));
	d->in_start++;
}

/* What stands at the input's start does not fit: marks are put in its place. */
static void add_marks(struct decode *d)
{
	size_t left = d->in_end - d->in_start;

	for (size_t n = left < d->unit ? left : d->unit; n > 0; n--)
		add_mark(d, (unsigned char)d->in[d->in_start]);
}

/* Reads more behind what could not be decoded yet, which is a few bytes. */
static enum source_result fill(struct decode *d)
{
	size_t left = d->in_end - d->in_start, got = 0;

	memmove(d->in, d->in + d->in_start, left);
	d->in_start = 0;
	d->in_end = left;
	enum source_result result = d->read(d->arg, d->in + left, IN_BYTES - left, &got);
	d->in_end += got;
	d->last = result == SOURCE_END;
	return result == SOURCE_END ? SOURCE_MORE : result;
}

/* Decodes what there is, as far as there is room. Whether more has to be read. */
static bool convert(struct decode *d)
{
	while (OUT_BYTES - d->out_end >= 64) {
		char *in = d->in + d->in_start, *out = d->out + d->out_end;
		size_t in_left = d->in_end - d->in_start, out_left = OUT_BYTES - d->out_end;
		bool done = d->last && in_left == 0;
		size_t result = done ? iconv(d->converter, NULL, NULL, &out, &out_left) :
		                       iconv(d->converter, &in, &in_left, &out, &out_left);
		int error = result == (size_t)-1 ? errno : 0;
		d->in_start = d->in_end - in_left;
		d->out_end = OUT_BYTES - out_left;
		if (error == E2BIG)
			return false;
		if (error == EILSEQ || (error == EINVAL && d->last))
			add_marks(d);
		else
			return error == EINVAL || d->in_start == d->in_end;
	}
	return false;
}

enum source_result decode_read(void *arg, char *to, size_t n, size_t *got)
{
	struct decode *d = arg;
	enum source_result result = SOURCE_MORE;

	*got = 0;
	while (d->out_start == d->out_end) {
		d->out_start = d->out_end = 0;
		bool more = d->in_start == d->in_end || convert(d);
		if (d->out_end > 0)
			break;
		if (more && d->last)
			return SOURCE_END;
		result = fill(d);
		if (result != SOURCE_MORE)
			return result;
		convert(d);
	}
	size_t there = d->out_end - d->out_start;
	*got = there < n ? there : n;
	memcpy(to, d->out + d->out_start, *got);
	d->out_start += *got;
	return SOURCE_MORE;
}
