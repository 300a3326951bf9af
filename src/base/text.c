/* Escaping, a byte at a time, by table: for JSON, for addresses, for terminals. */
#include "base/text.h"

#include <stdint.h>
#include <string.h>
#include "base/buf.h"
#include "base/utf8.h"

/* What a byte becomes in a JSON string: 0 as it is, 'u' \u00XX, else backslash and the letter. */
/* clang-format off */
static const char json_escape[256] = {
	'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'b', 't', 'n', 'u', 'f', 'r', 'u', 'u',
	'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u',
	['"'] = '"', ['\\'] = '\\',
};
/* clang-format on */

#define PIECE 256u /* bytes that are escaped at once */

char *text_put_escape(char *to, char c)
{
	static const char hex[] = "0123456789abcdef";
	unsigned char byte = (unsigned char)c;

	*to++ = '\\';
	*to++ = json_escape[byte];
	if (json_escape[byte] != 'u')
		return to;
	*to++ = '0';
	*to++ = '0';
	*to++ = hex[byte >> 4];
	*to++ = hex[byte & 15];
	return to;
}

/* Escapes n bytes to where there is room for all that they can become. Returns the end. */
static char *escape(char *to, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (json_escape[(unsigned char)text[i]])
			to = text_put_escape(to, text[i]);
		else
			*to++ = text[i];
	}
	return to;
}

void text_json(struct buf *b, const char *text, size_t n)
{
	char escaped[PIECE * TEXT_ESCAPED];

	buf_byte(b, '"');
	for (size_t i = 0, piece; i < n; i += piece) {
		piece = n - i < PIECE ? n - i : PIECE;
		char *to = TEXT_ESCAPED * piece <= b->max - b->len ?
		    buf_room(b, TEXT_ESCAPED * piece) :
		    NULL;
		if (to)
			b->len = (size_t)(escape(to, text + i, piece) - b->data);
		else /* near max: what fits is not known before */
			buf_add(b, escaped, (size_t)(escape(escaped, text + i, piece) - escaped));
	}
	buf_byte(b, '"');
}

/* Unescaping. */

static uint32_t hex4(const char *s)
{
	uint32_t n = 0;

	for (int i = 0; i < 4; i++) {
		unsigned char c = (unsigned char)s[i];
		n = n << 4 | (c <= '9' ? c - (uint32_t)'0' : (c | 0x20u) - 'a' + 10u);
	}
	return n;
}

static size_t put_utf8(uint32_t c, char *out)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 63));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 63));
		out[2] = (char)(0x80 | (c & 63));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 63));
	out[2] = (char)(0x80 | (c >> 6 & 63));
	out[3] = (char)(0x80 | (c & 63));
	return 4;
}

/* One escape at s (a backslash; `left` bytes up to the closing quote). Returns its length and sets
 * the character. */
static size_t read_escape(const char *s, size_t left, uint32_t *c)
{
	static const char plain[] = "\"\\/bfnrt", means[] = "\"\\/\b\f\n\r\t";

	if (left < 2 || (s[1] == 'u' && left < 6)) {
		*c = 0xfffd;
		return left;
	}
	if (s[1] != 'u') {
		const char *at = memchr(plain, s[1], sizeof plain - 1);
		*c = at ? (unsigned char)means[at - plain] : 0xfffd;
		return 2;
	}
	*c = hex4(s + 2);
	if (*c >= 0xd800 && *c < 0xdc00 && left >= 12 && s[6] == '\\' && s[7] == 'u') {
		uint32_t low = hex4(s + 8);
		if (low >= 0xdc00 && low < 0xe000) {
			*c = 0x10000 + ((*c - 0xd800) << 10) + (low - 0xdc00);
			return 12;
		}
	}
	if (*c >= 0xd800 && *c < 0xe000)
		*c = 0xfffd; /* half a pair is no character */
	return 6;
}

size_t text_unescape(const char *json, size_t n, char *out)
{
	const char *s = json + 1, *end = json + n - 1;
	size_t len = 0;

	while (s < end) {
		const char *stop = memchr(s, '\\', (size_t)(end - s));
		size_t run = (size_t)((stop ? stop : end) - s);
		if (out)
			memcpy(out + len, s, run);
		len += run;
		s += run;
		if (stop) {
			char utf8[4];
			uint32_t c;
			s += read_escape(s, (size_t)(end - s), &c);
			size_t bytes = put_utf8(c, utf8);
			if (out)
				memcpy(out + len, utf8, bytes);
			len += bytes;
		}
	}
	return len;
}

/* For addresses and terminals. */

static bool is_unreserved(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	    c == '-' || c == '.' || c == '_' || c == '~';
}

void text_percent(struct buf *b, const char *text, size_t n)
{
	static const char hex[] = "0123456789ABCDEF";
	size_t from = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)text[i];
		char escaped[3] = { '%', hex[c >> 4], hex[c & 15] };
		if (is_unreserved(c))
			continue;
		buf_add(b, text + from, i - from);
		buf_add(b, escaped, 3);
		from = i + 1;
	}
	buf_add(b, text + from, n - from);
}

void text_word(struct buf *out, const char *text)
{
	size_t n = strlen(text);

	for (size_t i = 0; i < n; i++)
		if (!is_unreserved((unsigned char)text[i]) && !strchr("/,:=@%+", text[i]))
			n = 0; /* quotes are needed */
	if (n > 0 && text[0] != '~') {
		buf_add(out, text, n);
		return;
	}
	buf_byte(out, '\'');
	for (; *text; text++) {
		if (*text == '\'')
			buf_str(out, "'\\'");
		buf_byte(out, *text);
	}
	buf_byte(out, '\'');
}

/* The length of the character at s (at most n bytes), or 0 where there is none. */
static size_t character(const char *s, size_t n)
{
	unsigned char c = (unsigned char)s[0];
	size_t len = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

	return len <= n && utf8_valid(s, len) ? len : 0;
}

/* What is there and nobody sees: U+200B, U+2060, U+FEFF. */
static bool is_unseen(const unsigned char *s, size_t len)
{
	return len == 3 &&
	    (memcmp(s, "\xe2\x80\x8b", 3) == 0 || memcmp(s, "\xe2\x81\xa0", 3) == 0 ||
	        memcmp(s, "\xef\xbb\xbf", 3) == 0);
}

/* Characters that a terminal obeys, or that turn the text around: C0, DEL, C1, and the
 * bidirectional controls U+200E/F, U+202A to U+202E, U+2066 to U+2069, U+2028/9. */
static bool moves_terminal(const unsigned char *s, size_t len)
{
	if (len == 1)
		return s[0] < 0x20 || s[0] == 0x7f;
	if (len == 2)
		return s[0] == 0xc2 && s[1] < 0xa0;
	if (len == 3 && s[0] == 0xe2 && s[1] == 0x80)
		return s[2] == 0x8e || s[2] == 0x8f || (s[2] >= 0xa8 && s[2] <= 0xae);
	return len == 3 && s[0] == 0xe2 && s[1] == 0x81 && s[2] >= 0xa6 && s[2] <= 0xa9;
}

void text_safe(struct buf *b, const char *text, size_t n, size_t most)
{
	const unsigned char *s = (const unsigned char *)text;

	for (size_t i = 0; i < n;) {
		size_t len = character(text + i, n - i), bytes = len ? len : 1;
		if (i + bytes > most) {
			buf_str(b, "...");
			return;
		}
		if (len && !moves_terminal(s + i, len) && !is_unseen(s + i, len))
			buf_add(b, text + i, len);
		else if (s[i] == '\n' || s[i] == '\r' || s[i] == '\t')
			buf_str(b, s[i] == '\n' ? "\\n" : s[i] == '\r' ? "\\r" : "\\t");
		else
			for (size_t k = 0; k < bytes; k++)
				buf_fmt(b, "\\x%02x", s[i + k]);
		i += bytes;
	}
}

void text_json_safe(struct buf *out, const char *text, size_t most)
{
	struct buf safe;

	buf_init(&safe, BUF_UNBOUNDED);
	text_safe(&safe, text, strlen(text), most);
	text_json(out, safe.len ? safe.data : "", safe.len);
	buf_free(&safe);
}

void text_json_any(struct buf *out, const char *text, size_t n)
{
	size_t good = utf8_prefix(text, n);

	if (good == n) {
		text_json(out, text, n);
		return;
	}
	struct buf clean;
	buf_init(&clean, out->max);
	for (;;) {
		buf_add(&clean, text, good);
		if (good == n)
			break;
		buf_str(&clean, "\xef\xbf\xbd");
		text += good + 1;
		n -= good + 1;
		good = utf8_prefix(text, n);
	}
	if (clean.over)
		out->over = true;
	else
		text_json(out, clean.data, clean.len);
	buf_free(&clean);
}
