/* Kinds of files by the bytes that they begin with, and by how text in them would look. */
#include "input/magic.h"

#include <string.h>
#include <strings.h>

#define WORKBOOK \
	"save it as CSV UTF-8, or convert it " \
	"(libreoffice --headless --convert-to csv FILE) and give the .csv"

#define ZIP "PK\3\4"
#define ZIP_BYTES 100u /* in which the first file's name stands */
#define WIDE_BYTES 4u  /* with a NUL among them it may be wide text */
#define UTF8_MARK "\xef\xbb\xbf"

/* What has these bytes is this. */
static const struct signature {
	const char *bytes;
	unsigned char size;
	unsigned short at;
	enum magic magic;
	const char *said; /* an encoding, or what it is and what to do */
	bool letters;     /* which may be those of a text as well */
} signatures[] = {
#define MARK(bytes, name) \
	{ \
		(bytes), sizeof(bytes) - 1, 0, MAGIC_ENCODED, (name), false \
	}
#define BINARY(bytes, said) \
	{ \
		(bytes), sizeof(bytes) - 1, 0, MAGIC_OTHER, (said), false \
	}
#define LETTERS(bytes, at, said) \
	{ \
		(bytes), sizeof(bytes) - 1, (at), MAGIC_OTHER, (said), true \
	}
#define UNPACK(with) ": unpack it into a pipe (" with " FILE | cio-import)"
#define TAKE_OUT(with) ": unpack the file in it into a pipe (" with " FILE | cio-import)"
	MARK("\xff\xfe\0\0", "UTF-32LE"), /* in front of those that it begins with */
	MARK("\0\0\xfe\xff", "UTF-32BE"),
	MARK("\xff\xfe", "UTF-16LE"),
	MARK("\xfe\xff", "UTF-16BE"),
	MARK(UTF8_MARK, "UTF-8"),
	{ "\x1f\x8b", 2, 0, MAGIC_GZIP, "this is gzip data" UNPACK("zcat"), false },
	BINARY(ZIP, "this is a zip archive" TAKE_OUT("unzip -p")),
	BINARY("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "this is an old Excel workbook: " WORKBOOK),
	LETTERS("BZh", 0, "this is bzip2 data" UNPACK("bzcat")),
	BINARY("\xfd\x37zXZ\0", "this is xz data" UNPACK("xzcat")),
	BINARY("\x28\xb5\x2f\xfd", "this is zstd data" UNPACK("zstdcat")),
	BINARY("\x04\x22\x4d\x18", "this is lz4 data" UNPACK("lz4cat")),
	BINARY("\x1f\x9d", "this is data of compress" UNPACK("zcat")),
	BINARY("7z\xbc\xaf\x27\x1c", "this is a 7z archive" TAKE_OUT("7z x -so")),
	BINARY("Rar!\x1a\7", "this is a rar archive" TAKE_OUT("unrar p -inul")),
	LETTERS("ustar", 257, "this is a tar archive" TAKE_OUT("tar -xOf")),
	BINARY("%PDF-",
	    "this is a PDF document: export the data themselves, as CSV or JSON "
	    "(pdftotext -layout FILE shows what is in it)"),
	BINARY("SQLite format 3\0",
	    "this is an SQLite database: read a table into a pipe "
	    "(sqlite3 -csv -header FILE 'SELECT ...' | cio-import)"),
	LETTERS("PAR1", 0,
	    "this is a Parquet file: convert it into a pipe "
	    "(duckdb -csv -c \"FROM 'FILE'\" | cio-import)"),
	BINARY("Obj\1",
	    "this is an Avro file: convert it into a pipe "
	    "(avro-tools tojson FILE | cio-import --format=ndjson)"),
	BINARY("{\\rtf", "this is an RTF document: save it as plain text, CSV or JSON"),
#undef MARK
#undef BINARY
#undef LETTERS
};

static const struct {
	const char *word, *said;
} documents[] = {
	{ "<!doctype html",
	    "this is an HTML page, a login page perhaps: fetch the data themselves, as CSV or "
	    "JSON (curl -fL -o FILE ADDRESS, with what the server wants to log in)" },
	{ "<html",
	    "this is an HTML page, a login page perhaps: fetch the data themselves, as CSV or "
	    "JSON (curl -fL -o FILE ADDRESS, with what the server wants to log in)" },
	{ "<?xml",
	    "this is XML: export it as CSV or JSON, or convert it (yq -p=xml -o=json FILE shows "
	    "its parts)" },
};

#define LENGTH(array) (sizeof(array) / sizeof *(array))

/* Whether the bytes are those of the signature: 1; 0; or -1: as far as they go. */
static int has(const struct signature *s, const char *bytes, size_t n)
{
	size_t there = n > s->at ? n - s->at : 0, all = there < s->size ? there : s->size;

	if (there == 0 && s->at > 0)
		return 0; /* a pipe is not made to wait for that */
	if (memcmp(bytes + s->at, s->bytes, all) != 0)
		return 0;
	return all == s->size ? 1 : s->at > 0 ? 0 : -1;
}

/* Letters alone may be those of a text, too. */
static bool is_binary(const char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)bytes[i] < ' ' && (bytes[i] < '\t' || bytes[i] > '\r'))
			return true;
	return false;
}

/* The first file in a zip archive says whether it is a workbook. */
static const char *look_into_zip(const char *bytes, size_t n, const char *said)
{
	static const char *const names[] = { "[Content_Types].xml", "_rels/", "xl/", "docProps/",
		"mimetypeapplication/vnd.oasis.opendocument.spreadsheet" };

	for (size_t i = 0; i < LENGTH(names); i++)
		if (n >= 30 + strlen(names[i]) &&
		    memcmp(bytes + 30, names[i], strlen(names[i])) == 0)
			return i < 4 ? "this is an Excel workbook: " WORKBOOK :
			               "this is an OpenDocument spreadsheet: " WORKBOOK;
	return said;
}

static bool is_zip(const struct signature *s)
{
	return s->size == sizeof ZIP - 1 && memcmp(s->bytes, ZIP, sizeof ZIP - 1) == 0;
}

/* What a signature that was found means. */
static struct magic_found found(const struct signature *s, const char *bytes, size_t n)
{
	if (s->magic == MAGIC_ENCODED)
		return (
		    struct magic_found){ .magic = s->magic, .encoding = s->said, .mark = s->size };
	return (struct magic_found){ .magic = s->magic,
		.what = is_zip(s) ? look_into_zip(bytes, n, s->said) : s->said };
}

/* The first word of a document, behind white space and a mark of UTF-8. */
static struct magic_found look_at_word(const char *bytes, size_t n, bool last)
{
	const char *begin = bytes, *end = bytes + n;

	if (memcmp(bytes, UTF8_MARK, n < 3 ? n : 3) == 0)
		bytes += n < 3 ? n : 3; /* or the beginning of it, alone so far */
	while (bytes < end && (*bytes == ' ' || (*bytes >= '\t' && *bytes <= '\r')))
		bytes++;
	n = (size_t)(end - bytes);
	if (n == 0 && !last && bytes - begin < (ptrdiff_t)MAGIC_BYTES)
		return (struct magic_found){ .magic = MAGIC_MORE };
	for (size_t i = 0; i < LENGTH(documents); i++) {
		size_t size = strlen(documents[i].word), all = n < size ? n : size;
		if (n == 0 || strncasecmp(bytes, documents[i].word, all) != 0)
			continue;
		if (all == size)
			return (
			    struct magic_found){ .magic = MAGIC_OTHER, .what = documents[i].said };
		return (struct magic_found){ .magic = last ? MAGIC_TEXT : MAGIC_MORE };
	}
	return (struct magic_found){ .magic = MAGIC_TEXT };
}

/* Text of which every second byte, or three of four, are NUL: most of it is ASCII, then. */
static const char *wide_text(const char *bytes, size_t n)
{
	static const struct {
		unsigned width, at; /* where in a character the byte that is not NUL stands */
		const char *said;
	} kinds[] = {
#define SAID(name) "this is " name " text without a byte-order mark: say so (--encoding=" name ")"
		{ 4, 0, SAID("UTF-32LE") },
		{ 4, 3, SAID("UTF-32BE") },
		{ 2, 0, SAID("UTF-16LE") },
		{ 2, 1, SAID("UTF-16BE") },
#undef SAID
	};

	for (size_t k = 0; k < LENGTH(kinds); k++) {
		size_t characters = n / kinds[k].width, plain = 0;
		for (size_t i = 0; i < characters; i++) {
			const char *c = bytes + i * kinds[k].width;
			size_t nuls = 0;
			for (size_t b = 0; b < kinds[k].width; b++)
				nuls += b != kinds[k].at && c[b] == '\0';
			plain += nuls == kinds[k].width - 1 && c[kinds[k].at] != '\0';
		}
		if (characters > 1 && plain * 4 >= characters * 3)
			return kinds[k].said;
	}
	return NULL;
}

/* Whether more should be seen before this signature is believed, or said to be what it is: behind
 * letters as much as there is, which shows whether it is a text. */
static bool is_vague(const struct signature *s, size_t n)
{
	return (s->letters && n < MAGIC_BYTES) || (is_zip(s) && n < ZIP_BYTES);
}

struct magic_found magic_look(const char *bytes, size_t n, bool last, bool encoded)
{
	const struct magic_found more = { .magic = MAGIC_MORE };
	bool begun = false; /* something may begin so */

	n = n < MAGIC_BYTES ? n : MAGIC_BYTES;
	for (size_t i = 0; i < LENGTH(signatures); i++) {
		const struct signature *s = &signatures[i];
		if (!encoded && s->bytes[0] == UTF8_MARK[0])
			continue; /* that is what it is taken for anyway */
		int same = has(s, bytes, n);
		begun |= same < 0;
		if (same != 1)
			continue;
		if (!last && (is_vague(s, n) || (begun && s->magic == MAGIC_ENCODED)))
			return more;
		if (!s->letters || is_binary(bytes, n))
			return found(s, bytes, n);
	}
	if (begun && !last)
		return more;
	if (encoded)
		return (struct magic_found){ .magic = MAGIC_TEXT };
	/* what it is must not depend on how much of it a pipe has brought so far */
	bool may_be_wide = memchr(bytes, '\0', n < WIDE_BYTES ? n : WIDE_BYTES);
	if (!last && n < (may_be_wide ? MAGIC_BYTES : WIDE_BYTES))
		return more;
	const char *wide = may_be_wide ? wide_text(bytes, n) : NULL;
	return wide ? (struct magic_found){ .magic = MAGIC_OTHER, .what = wide } :
	              look_at_word(bytes, n, last);
}
