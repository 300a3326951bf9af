/* What lies between a FILE's bytes and a reader: packed, encoded, or something else altogether. */
#include <check.h>
#include <iconv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include "base/utf8.h"
#include "dice.h"
#include "input/decode.h"
#include "layering.h"

Suite *layers_suite(void);

#define LENGTH(array) ((int)(sizeof(array) / sizeof *(array)))

static void pack(struct buf *out, const char *data, size_t n, int level)
{
	z_stream z = { 0 };

	ck_assert_int_eq(deflateInit2(&z, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	size_t bound = deflateBound(&z, n);
	z.next_in = (unsigned char *)data;
	z.avail_in = (unsigned)n;
	z.next_out = (unsigned char *)buf_room(out, bound);
	z.avail_out = (unsigned)bound;
	ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
	out->len += z.total_out;
	deflateEnd(&z);
}

static void encode(struct buf *out, const char *encoding, const char *text, size_t n)
{
	iconv_t converter = iconv_open(encoding, "UTF-8");
	char *in = (char *)text, *to = buf_room(out, n * 5 + 64), *begin = to;
	size_t room = n * 5 + 64;

	ck_assert(converter != (iconv_t)-1);
	ck_assert_uint_eq(iconv(converter, &in, &n, &to, &room), 0);
	iconv(converter, NULL, NULL, &to, &room);
	out->len += (size_t)(to - begin);
	iconv_close(converter);
}

/* However the bytes come, and however many are asked for. */
static void expect_always(const char *data, size_t n, bool gz, const char *encoding,
    enum source_result end, const char *text, size_t length)
{
	struct reason why;

	for (size_t chunk = 1; chunk <= n + 1; chunk += chunk < 70 ? 1 : 97) {
		struct feeding how = { .chunk = chunk, .again = chunk % 2 };
		struct buf got = { .max = ANY };
		ck_assert_int_eq(layers_trace(&got, data, n, &how, chunk % 3 ? 1000 : 1 + chunk / 3,
		                     gz, encoding, &why),
		    end);
		ck_assert_uint_eq(got.len, length);
		ck_assert(length == 0 || memcmp(got.data, text, length) == 0);
		buf_free(&got);
	}
}

/* -- encodings -- */

static const char text[] = "id,name\r\n1,\xc5\xbdlu\xc5\xa5\r\n2,\xe2\x82\xac \xe4\xb8\xad\r\n";

static const struct {
	const char *mark;
	size_t mark_len;
	const char *written, *said; /* how it is written, and as what it is said to be */
} encodings[] = {
	{ "\xff\xfe", 2, "UTF-16LE", NULL },
	{ "\xfe\xff", 2, "UTF-16BE", NULL },
	{ "\xff\xfe\0\0", 4, "UTF-32LE", NULL },
	{ "\0\0\xfe\xff", 4, "UTF-32BE", NULL },
	{ "\xff\xfe", 2, "UTF-16LE", "windows-1252" }, /* the mark stands over it */
	{ "\xff\xfe", 2, "UTF-16LE", "utf-16be" },
	{ "\xff\xfe", 2, "UTF-16LE", "UTF-8" },
	{ "", 0, "UTF-16LE", "utf-16le" },
	{ "", 0, "UTF-16BE", "UTF-16BE" },
	{ "", 0, "UTF-32BE", "utf-32be" },
	{ "\xef\xbb\xbf", 3, "UTF-8", "windows-1252" },
	{ "", 0, "UTF-8", "utf-8" },
	{ "", 0, "UTF-8", NULL },
	{ "", 0, "GB18030", "gb18030" },
};

START_TEST(decoded)
{
	struct buf data = { .max = ANY };
	static char long_text[400 * (sizeof text - 1)];

	buf_add(&data, encodings[_i].mark, encodings[_i].mark_len);
	encode(&data, encodings[_i].written, text, sizeof text - 1);
	expect_always(data.data, data.len, false, encodings[_i].said, SOURCE_END, text,
	    sizeof text - 1);
	struct buf packed = { .max = ANY };
	pack(&packed, data.data, data.len, 9);
	expect_always(packed.data, packed.len, true, encodings[_i].said, SOURCE_END, text,
	    sizeof text - 1);
	data.len = encodings[_i].mark_len;
	for (size_t i = 0; i < 400; i++)
		memcpy(long_text + i * (sizeof text - 1), text, sizeof text - 1);
	encode(&data, encodings[_i].written, long_text, sizeof long_text);
	for (size_t most = 1; most < 300000; most *= 9) {
		struct feeding how = { .chunk = 1 + most % 10000 };
		struct buf got = { .max = ANY };
		struct reason why;
		ck_assert_int_eq(layers_trace(&got, data.data, data.len, &how, most, false,
		                     encodings[_i].said, &why),
		    SOURCE_END);
		ck_assert_uint_eq(got.len, sizeof long_text);
		ck_assert_mem_eq(got.data, long_text, got.len);
		buf_free(&got);
	}
	buf_free(&data);
	buf_free(&packed);
}
END_TEST

/* What does not fit is marked, and its neighbours are what they were. \1 stands for a mark. */
static const struct {
	const char *data;
	size_t n;
	const char *encoding, *expected;
	const char *bytes; /* those that did not fit */
} unfit[] = {
	{ "a\x81z", 3, "windows-1252", "a\1z", "\x81" },
	{ "a\xff\x81z\x8d", 5, "windows-1252", "a\xc3\xbf\1z\1", "\x81\x8d" },
	{ "a\0\x3d\xd8z\0", 6, "utf-16le", "a\1\1z", "\x3d\xd8" },
	{ "a\0\0\xdcz\0", 6, "utf-16le", "a\1\1z", "\0\xdc" },
	{ "a\0\x3d\xd8", 4, "utf-16le", "a\1\1", "\x3d\xd8" }, /* cut short */
	{ "a\0\x3d", 3, "utf-16le", "a\1", "\x3d" },
	{ "\0a\xd8\x3d\0z", 6, "utf-16be", "a\1\1z", "\xd8\x3d" },
	{ "a\0\0\0\0\0\x11\0z\0\0\0", 12, "utf-32le", "a\1\1\1\1z", "\0\0\x11\0" },
	{ "\x83\x41\x83\n", 4, "shift_jis", "\xe3\x82\xa2\1\n", "\x83" },
};

START_TEST(what_does_not_fit)
{
	struct buf expected = { .max = ANY };
	size_t count = 0;

	for (const char *p = unfit[_i].expected; *p; p++) {
		unsigned char byte = (unsigned char)unfit[_i].bytes[count];
		if (*p == '\1') {
			buf_byte(&expected, (char)(0xf8 | byte >> 6));
			buf_byte(&expected, (char)(0x80 | (byte & 0x3f)));
			unsigned char back;
			ck_assert(decode_is_mark(expected.data + expected.len - 2, &back));
			ck_assert_uint_eq(back, byte);
			ck_assert(!utf8_valid(expected.data + expected.len - 2, 2));
			count++;
		} else {
			buf_byte(&expected, *p);
		}
	}
	expect_always(unfit[_i].data, unfit[_i].n, false, unfit[_i].encoding, SOURCE_END,
	    expected.data, expected.len);
	buf_free(&expected);
}
END_TEST

/* Any bytes in any encoding: the same in any pieces, and each byte of what fits is UTF-8. */
START_TEST(any_bytes_in_any_encoding)
{
	static const char *const names[] = { "windows-1252", "utf-16le", "utf-16be", "utf-32le",
		"shift_jis", "gb18030", "iso-2022-jp", "koi8-r", "utf-16", "ibm037" };
	struct dice dice = dice_new("any_bytes_in_any_encoding");
	char data[300];

	for (int round = 0; round < 3000; round++) {
		const char *encoding = names[dice_below(&dice, LENGTH(names))];
		size_t n = (size_t)dice_below(&dice, sizeof data);
		for (size_t i = 0; i < n; i++)
			data[i] = (char)dice_below(&dice, dice_one_in(&dice, 2) ? 128 : 256);
		struct feeding once = { .chunk = n + 1 },
		               how = { .chunk = 1 + (size_t)dice_below(&dice, 20),
			               .again = round % 3 == 0 };
		struct buf all = { .max = ANY }, pieces = { .max = ANY };
		struct reason why, other;
		enum source_result first = layers_trace(&all, data, n, &once, 4096, false, encoding,
		    &why);
		ck_assert_int_eq(layers_trace(&pieces, data, n, &how,
		                     1 + (size_t)dice_below(&dice, 50), false, encoding, &other),
		    first);
		ck_assert(same_trace(&all, &pieces));
		for (size_t i = 0; first == SOURCE_END && i < all.len;) {
			unsigned char byte;
			i += utf8_prefix(all.data + i, all.len - i);
			if (i == all.len)
				break;
			ck_assert(i + 1 < all.len && decode_is_mark(all.data + i, &byte));
			i += 2;
		}
		buf_free(&all);
		buf_free(&pieces);
	}
}
END_TEST

START_TEST(names_of_encodings)
{
	static const char *const known[] = { "UTF-8", "utf-16le", "windows-1252", "ISO-8859-2" },
	                         *const unknown[] = { "", "foo", "UTF-8//IGNORE", "/",
		                         "windows-1252/" };

	for (int i = 0; i < LENGTH(known); i++)
		ck_assert(decode_knows(known[i]));
	for (int i = 0; i < LENGTH(unknown); i++)
		ck_assert(!decode_knows(unknown[i]));
}
END_TEST

/* -- gzip -- */

static void random_text(struct buf *out, struct dice *dice, size_t n)
{
	buf_reset(out);
	buf_str(out, "id,n\n");
	while (out->len < n)
		buf_fmt(out, "%d,%d\n", (int)dice_below(dice, 1000), (int)dice_below(dice, 1000));
}

/* One member or several, of any level, zeros behind them: what was packed comes out. */
START_TEST(unpacked)
{
	struct dice dice = dice_new("unpacked");
	struct buf data = { .max = ANY }, whole = { .max = ANY }, packed = { .max = ANY };

	for (int round = 0; round < 200; round++) {
		buf_reset(&packed);
		buf_reset(&whole);
		for (int64_t members = 1 + dice_below(&dice, 3); members > 0; members--) {
			size_t most = dice_one_in(&dice, 10) ? 200000 : 300;
			random_text(&data, &dice, (size_t)dice_below(&dice, (int64_t)most));
			buf_add(&whole, data.data, data.len);
			pack(&packed, data.data, data.len, (int)dice_below(&dice, 10));
		}
		for (int64_t zeros = dice_one_in(&dice, 3) ? dice_below(&dice, 600) : 0; zeros > 0;
		     zeros--)
			buf_byte(&packed, '\0');
		struct feeding how = { .chunk = 1 + (size_t)dice_below(&dice, 400),
			.again = round % 2 };
		struct buf got = { .max = ANY };
		struct reason why;
		ck_assert_int_eq(layers_trace(&got, packed.data, packed.len, &how,
		                     1 + (size_t)dice_below(&dice, 5000), true, NULL, &why),
		    SOURCE_END);
		ck_assert(same_trace(&whole, &got));
		buf_free(&got);
	}
	buf_free(&data);
	buf_free(&whole);
	buf_free(&packed);
}
END_TEST

/* Cut short at every place, and with every byte changed: never the end of a whole file, unless it
 * is one. */
START_TEST(damaged)
{
	struct dice dice = { 7 };
	struct buf data = { .max = ANY }, packed = { .max = ANY };
	struct feeding how = { .chunk = 50 };
	struct reason why;

	random_text(&data, &dice, 400);
	pack(&packed, data.data, data.len, 9);
	for (size_t n = 3; n < packed.len; n++) {
		struct buf got = { .max = ANY };
		ck_assert_int_eq(layers_trace(&got, packed.data, n, &how, 100, true, NULL, &why),
		    SOURCE_FAILED);
		ck_assert_int_eq(why.status, 65);
		ck_assert_str_eq(why.text,
		    "its gzip data end in the middle: fetch it once more, or pack it anew");
		ck_assert(got.len <= data.len && memcmp(got.data, data.data, got.len) == 0);
		buf_free(&got);
	}
	for (size_t i = 0; i < packed.len; i++) {
		struct buf got = { .max = ANY };
		packed.data[i] ^= 1;
		enum source_result result = layers_trace(&got, packed.data, packed.len, &how, 100,
		    true, NULL, &why);
		/* a time stamp, the system's name; or it is no gzip data any more, but text */
		ck_assert(result == SOURCE_FAILED || i < 10);
		ck_assert(result == SOURCE_END || why.status == 65);
		packed.data[i] ^= 1;
		buf_free(&got);
	}
	buf_str(&packed, "more");
	struct buf got = { .max = ANY };
	ck_assert_int_eq(layers_trace(&got, packed.data, packed.len, &how, 100, true, NULL, &why),
	    SOURCE_FAILED);
	ck_assert_ptr_nonnull(strstr(why.text, "its gzip data are damaged"));
	buf_free(&got);
	buf_free(&data);
	buf_free(&packed);
}
END_TEST

/* -- everything else -- */

#define PADDED "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"

static const struct {
	const char *data;
	size_t n;
	const char *says, *command;
} others[] = {
#define BYTES(text) text, sizeof(text) - 1
	{ BYTES("\x1f\x8b\x08" PADDED), "this is gzip data", "zcat FILE | cio-import" },
	{ BYTES("PK\3\4\x14" PADDED), "a zip archive", "unzip -p FILE | cio-import" },
	{ BYTES("PK\3\4aaaaaaaaaaaaaaaaaaaaaaaaaa[Content_Types].xml"), "an Excel workbook",
	    "libreoffice" },
	{ BYTES("PK\3\4aaaaaaaaaaaaaaaaaaaaaaaaaaxl/workbook.xml"), "an Excel workbook",
	    "libreoffice" },
	{ BYTES("PK\3\4aaaaaaaaaaaaaaaaaaaaaaaaaamimetypeapplication/"
	        "vnd.oasis.opendocument.spreadsheetPK"),
	    "an OpenDocument spreadsheet", "libreoffice" },
	{ BYTES("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" PADDED), "an old Excel workbook",
	    "libreoffice" },
	{ BYTES("BZh91AY&SY\x01\x02\x03"), "bzip2 data", "bzcat FILE | cio-import" },
	{ BYTES("\xfd"
	        "7zXZ\0\0\4"),
	    "xz data", "xzcat FILE | cio-import" },
	{ BYTES("\x28\xb5\x2f\xfd\4\1"), "zstd data", "zstdcat FILE | cio-import" },
	{ BYTES("\x04\x22\x4d\x18\1"), "lz4 data", "lz4cat FILE | cio-import" },
	{ BYTES("\x1f\x9d\x90\1"), "data of compress", "zcat FILE | cio-import" },
	{ BYTES("7z\xbc\xaf\x27\x1c\0"), "a 7z archive", "7z x -so FILE | cio-import" },
	{ BYTES("Rar!\x1a\7\1"), "a rar archive", "unrar p -inul FILE | cio-import" },
	{ BYTES("%PDF-1.7\n"), "a PDF document", "pdftotext" },
	{ BYTES("SQLite format 3\0\x10"), "an SQLite database", "sqlite3 -csv" },
	{ BYTES("PAR1\x15\0"), "a Parquet file", "duckdb" },
	{ BYTES("Obj\1\4"), "an Avro file", "avro-tools tojson FILE" },
	{ BYTES("{\\rtf1\\ansi}"), "an RTF document", "save it as" },
	{ BYTES("<!DOCTYPE html><html>"), "an HTML page", "curl -fL" },
	{ BYTES("\xef\xbb\xbf \r\n<HTML lang=en>"), "an HTML page", "curl -fL" },
	{ BYTES("\n<?xml version=\"1.0\"?>"), "this is XML", "yq" },
	{ BYTES("i\0d\0,\0n\0\n\0"), "UTF-16LE text without a byte-order mark",
	    "--encoding=UTF-16LE" },
	{ BYTES("\0i\0d\0,\0n\0\n"), "UTF-16BE text without", "--encoding=UTF-16BE" },
	{ BYTES("i\0\0\0d\0\0\0\n\0\0\0"), "UTF-32LE text without", "--encoding=UTF-32LE" },
	{ BYTES("\0\0\0i\0\0\0d\0\0\0\n"), "UTF-32BE text without", "--encoding=UTF-32BE" },
#undef BYTES
};

/* In pieces, with its command; packed once more, too. */
START_TEST(something_else)
{
	struct buf packed = { .max = ANY };

	pack(&packed, others[_i].data, others[_i].n, 9);
	for (size_t chunk = 1; chunk < 60; chunk++) {
		struct feeding how = { .chunk = chunk };
		struct buf got = { .max = ANY };
		struct reason why;
		if (chunk < 40 && others[_i].data[0] == 'i')
			continue; /* nobody is made to wait for a second letter */
		for (int twice = 0; twice < 2; twice++) {
			ck_assert_int_eq(layers_trace(&got, twice ? packed.data : others[_i].data,
			                     twice ? packed.len : others[_i].n, &how, 100, twice,
			                     NULL, &why),
			    SOURCE_FAILED);
			ck_assert_int_eq(why.status, 65);
			ck_assert_msg(strstr(why.text, others[_i].says) &&
			        strstr(why.text, others[_i].command),
			    "%s", why.text);
			ck_assert_uint_eq(got.len, 0);
		}
		buf_free(&got);
	}
	buf_free(&packed);
}
END_TEST

/* Texts that begin nearly so. */
static const char *const near[] = { "", "P", "PK,id\n", "PKZIP,id\n", "BZh,id\n", "BZh91AY&SY,id\n",
	"PAR1,id\n1,2\n", "%PDF", "7z,id\n", "Rar!,id\n", "<id>,name\n", "<", "<html", "<!doc,x\n",
	"{\"id\":1}\n", "{", "{\\", "SQLite format,id\n", "Obj\n", "\xef\xbb\xbf", "\xef\xbb",
	"\xef\xbb\xbfid\n", "i", "id", "\x1f", "id\n1\0\n", "\xc3\xbf\xc3\xbe,x\n" };

START_TEST(text_all_the_same)
{
	size_t n = strlen(near[_i]);

	if (strcmp(near[_i], "id\n1") == 0)
		n = 6; /* with its NUL */
	if (strcmp(near[_i], "<html") == 0)
		return;
	expect_always(near[_i], n, false, NULL, SOURCE_END, near[_i], n);
}
END_TEST

#define LOOP(test, table) tcase_add_loop_test(t, test, 0, LENGTH(table))

Suite *layers_suite(void)
{
	Suite *s = suite_create("layers");
	TCase *t = tcase_create("layers");

	tcase_set_timeout(t, 60);
	LOOP(decoded, encodings);
	LOOP(what_does_not_fit, unfit);
	tcase_add_test(t, any_bytes_in_any_encoding);
	tcase_add_test(t, names_of_encodings);
	tcase_add_test(t, unpacked);
	tcase_add_test(t, damaged);
	LOOP(something_else, others);
	LOOP(text_all_the_same, near);
	suite_add_tcase(s, t);
	return s;
}
