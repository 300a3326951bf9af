/* As few characters as the inputs have, and zlib. */
#include "sim_encode.h"

#include <stdlib.h>
#include <zlib.h>

#define NO_CHARACTER 0xff /* the byte that stands for it in UTF-8 ... */
#define LONE_HALF 0xdc00  /* ... in UTF-16 ... */
#define UNUSED_BYTE 0x81  /* ... in windows-1252 */
#define MARK 0xfeff
#define GZIP (15 + 16) /* zlib's windowBits for it */

static void add_unit(struct buf *out, unsigned unit, enum life_encoding to)
{
	unsigned high = unit >> 8, low = unit & 0xff;

	buf_byte(out, (char)(to == LIFE_UTF16LE ? low : high));
	buf_byte(out, (char)(to == LIFE_UTF16LE ? high : low));
}

/* The character at *p, which moves behind it. */
static unsigned next_character(const char **p)
{
	unsigned char first = (unsigned char)*(*p)++;

	if (first < 0x80 || first == NO_CHARACTER)
		return first;
	return (first & 0x1fu) << 6 | ((unsigned char)*(*p)++ & 0x3fu);
}

static void take_over(struct buf *text, struct buf *out)
{
	buf_free(text);
	*text = *out;
}

void encode(struct buf *text, enum life_encoding to)
{
	struct buf out;

	if (to == LIFE_UTF8)
		return;
	buf_init(&out, SIZE_MAX / 2);
	if (to != LIFE_WINDOWS)
		add_unit(&out, MARK, to);
	for (const char *p = text->data; p < text->data + text->len;) {
		unsigned c = next_character(&p);
		if (to == LIFE_WINDOWS)
			buf_byte(&out, (char)(c == NO_CHARACTER ? UNUSED_BYTE : c));
		else
			add_unit(&out, c == NO_CHARACTER ? LONE_HALF : c, to);
	}
	take_over(text, &out);
}

void encode_gzip(struct buf *text)
{
	z_stream z = { .next_in = (unsigned char *)text->data, .avail_in = (unsigned)text->len };
	struct buf out;
	unsigned char piece[4096];
	int result;

	buf_init(&out, SIZE_MAX / 2);
	if (deflateInit2(&z, 1, Z_DEFLATED, GZIP, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		abort();
	do {
		z.next_out = piece;
		z.avail_out = sizeof piece;
		result = deflate(&z, Z_FINISH);
		buf_add(&out, (char *)piece, sizeof piece - z.avail_out);
	} while (result == Z_OK);
	deflateEnd(&z);
	take_over(text, &out);
}
