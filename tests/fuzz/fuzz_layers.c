/*
 * Any bytes through the layers between a FILE and its reader: the same text and the same end
 * however they come, text that is UTF-8 but for marks where something was decoded, and a reason
 * with a status where they are refused. What zlib packs comes out as what it was, and what iconv
 * encodes as what iconv makes of it at once. The first three bytes say how.
 */
#include <iconv.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>
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

static void must(bool is_so)
{
	if (!is_so)
		abort();
}

/* What makes a tar archive stands so far behind that a pipe's reader does not wait for it: in
 * pieces it may be taken for text. */
static bool is_tar(const struct reason *why)
{
	return strstr(why->text, "a tar archive") != NULL;
}

/* A member of gzip's. */
static void pack(struct buf *out, const char *text, size_t n)
{
	z_stream z = { .next_in = (unsigned char *)text, .avail_in = (unsigned)n };

	must(deflateInit2(&z, n % 10, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
	size_t room = deflateBound(&z, n) + 64;
	z.next_out = (unsigned char *)buf_room(out, room);
	z.avail_out = (unsigned)room;
	must(deflate(&z, Z_FINISH) == Z_STREAM_END);
	out->len += room - z.avail_out;
	deflateEnd(&z);
}

/* Packed, in one member or two, it is what it is. */
static void try_packed(const char *text, size_t n, const struct feeding *how, const char *encoding)
{
	struct buf packed = { .max = ANY }, plain = { .max = ANY }, got = { .max = ANY };
	struct feeding whole = { .chunk = 2 * n + 200 };
	size_t cut = n > 0 && n % 3 == 0 ? (unsigned char)text[0] % n : n;
	struct reason why = { 0 }, other = { 0 };

	if (n >= 2 && memcmp(text, "\x1f\x8b", 2) == 0)
		return; /* packed once more would be unpacked once */
	pack(&packed, text, cut);
	if (cut < n)
		pack(&packed, text + cut, n - cut);
	enum source_result end = layers_trace(&plain, text, n, &whole, 100000, true, encoding,
	    &why);
	enum source_result same = layers_trace(&got, packed.data, packed.len, how, 777, true,
	    encoding, &other);
	must(is_tar(&why) || is_tar(&other) || (same == end && same_trace(&plain, &got)));
	buf_free(&packed);
	buf_free(&plain);
	buf_free(&got);
}

/* All of it by iconv at once; false: it cannot be said so. */
static bool convert(struct buf *out, const char *to, const char *from, const char *text, size_t n)
{
	iconv_t converter = iconv_open(to, from);
	size_t room = 8 * n + 64, left = room;
	char *at = buf_room(out, room), *in = (char *)text;

	must(converter != (iconv_t)-1);
	bool good = iconv(converter, &in, &n, &at, &left) != (size_t)-1 &&
	    iconv(converter, NULL, NULL, &at, &left) != (size_t)-1;
	iconv_close(converter);
	out->len += room - left;
	return good;
}

/* What is written in an encoding is decoded as iconv decodes it. */
static void try_encoded(const char *text, size_t n, const struct feeding *how, const char *encoding)
{
	struct buf encoded = { .max = ANY }, decoded = { .max = ANY }, got = { .max = ANY };
	struct reason why;

	if (convert(&encoded, encoding, "UTF-8", text, utf8_prefix(text, n)) &&
	    /* a text with escapes of ISO 2022 in it is not what comes back */
	    convert(&decoded, "UTF-8", encoding, encoded.data, encoded.len) &&
	    magic_look(encoded.data, encoded.len, true, true).magic == MAGIC_TEXT) {
		must(layers_trace(&got, encoded.data, encoded.len, how, 777, false, encoding,
		         &why) == SOURCE_END);
		must(same_trace(&decoded, &got));
	}
	buf_free(&encoded);
	buf_free(&decoded);
	buf_free(&got);
}

/* Damage is seen the later, the more there is at once; but what comes is the same. */
static void must_be_same(const struct buf *once, const struct buf *pieces, bool whole)
{
	size_t common = once->len < pieces->len ? once->len : pieces->len;

	must(!whole || same_trace(once, pieces));
	must(common == 0 || memcmp(once->data, pieces->data, common) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const encodings[] = { NULL, "utf-16le", "utf-16be", "utf-32le",
		"windows-1252", "shift_jis", "gb18030", "iso-2022-jp" };
	struct buf once = { .max = ANY }, pieces = { .max = ANY };
	struct reason why = { 0 }, other = { 0 };

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
	if (data[0] & 8)
		try_packed(text, n, &how, encoding);
	if (encoding && data[0] & 16)
		try_encoded(text, n, &how, encoding);
	if (!is_tar(&why) && !is_tar(&other)) {
		must(end == same && (end != SOURCE_FAILED || why.status == 65));
		must_be_same(&once, &pieces, end == SOURCE_END);
	}
	if (encoding && end == SOURCE_END && !(n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) &&
	    !gz)
		must(is_decoded(&once));
	buf_free(&once);
	buf_free(&pieces);
	return 0;
}
