#include "base/buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/utf8.h"

static void no_memory(void)
{
	static const char say[] =
	    "cio-import: out of memory: give it more, or run again with a smaller --concurrency; "
	    "what the state file holds is kept\n";
	ssize_t written = write(STDERR_FILENO, say, sizeof say - 1);
	(void)written; /* there is nothing left to try */
	_exit(EX_OSERR);
}

void *xrealloc(void *p, size_t n)
{
	void *q = realloc(p, n ? n : 1);
	if (!q)
		no_memory();
	return q;
}

void *xmalloc(size_t n)
{
	return xrealloc(NULL, n);
}

void *xcalloc(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size ? size : 1);
	if (!p)
		no_memory();
	return p;
}

char *xstrndup(const char *s, size_t n)
{
	char *copy = xmalloc(n + 1);
	memcpy(copy, s, n);
	copy[n] = '\0';
	return copy;
}

char *xstrdup(const char *s)
{
	return xstrndup(s, strlen(s));
}

void buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){ .max = max };
}

void buf_free(struct buf *b)
{
	free(b->data);
	*b = (struct buf){ .max = b->max };
}

void buf_trim(struct buf *b, size_t keep)
{
	if (b->len == 0 && b->cap > keep)
		buf_free(b);
}

/* Doubles, so that adding n bytes costs O(n) in all. */
static void enlarge(struct buf *b, size_t need)
{
	size_t cap = b->cap ? b->cap : 64;
	while (cap < need)
		cap = cap > SIZE_MAX / 2 ? need : cap * 2;
	b->data = xrealloc(b->data, cap);
	b->cap = cap;
}

char *buf_grow(struct buf *b, size_t n)
{
	if (b->over || n > b->max - b->len) {
		b->over = true;
		return NULL;
	}
	if (n > b->cap - b->len || !b->data) /* never NULL + 0 */
		enlarge(b, b->len + n);
	return b->data + b->len;
}

void buf_add(struct buf *b, const void *data, size_t n)
{
	char *to = buf_room(b, n);
	if (!to || n == 0)
		return;
	memcpy(to, data, n);
	b->len += n;
}

void buf_byte(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void buf_str(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void buf_num(struct buf *b, long long n)
{
	char text[24];
	int len = snprintf(text, sizeof text, "%lld", n);
	buf_add(b, text, (size_t)len);
}

void buf_fmt(struct buf *b, const char *fmt, ...)
{
	char small[256];
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(small, sizeof small, fmt, ap);
	va_end(ap);
	if (n < 0) {
		b->over = true;
		return;
	}
	if ((size_t)n < sizeof small) {
		buf_add(b, small, (size_t)n);
		return;
	}
	char *to = buf_room(b, (size_t)n + 1); /* vsnprintf writes a NUL, too */
	if (!to)
		return;
	va_start(ap, fmt);
	vsnprintf(to, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
}

/* What a byte becomes in a JSON string: 0 as it is, 'u' \u00XX, else backslash and the letter. */
static const char json_escape[256] = {
	[0] = 'u',
	'u',
	'u',
	'u',
	'u',
	'u',
	'u',
	'u',
	'b',
	't',
	'n',
	'u',
	'f',
	'r',
	'u',
	'u',
	'u',
	'u',
	'u',
	'u',
	'u',
	'u',
	'u',
	'u',
	'u',
	'u',
	'u',
	'u',
	'u',
	'u',
	'u',
	'u',
	['"'] = '"',
	['\\'] = '\\',
};

#define JSON_PIECE 256u /* bytes that are escaped at once */

char *buf_put_escape(char *to, char c)
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
			to = buf_put_escape(to, text[i]);
		else
			*to++ = text[i];
	}
	return to;
}

void buf_json(struct buf *b, const char *text, size_t n)
{
	char escaped[JSON_PIECE * BUF_ESCAPED];

	buf_byte(b, '"');
	for (size_t i = 0, piece; i < n; i += piece) {
		piece = n - i < JSON_PIECE ? n - i : JSON_PIECE;
		char *to = BUF_ESCAPED * piece <= b->max - b->len ?
		    buf_room(b, BUF_ESCAPED * piece) :
		    NULL;
		if (to)
			b->len = (size_t)(escape(to, text + i, piece) - b->data);
		else /* near max: what fits is not known before */
			buf_add(b, escaped, (size_t)(escape(escaped, text + i, piece) - escaped));
	}
	buf_byte(b, '"');
}

static bool is_unreserved(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	    c == '-' || c == '.' || c == '_' || c == '~';
}

void buf_percent(struct buf *b, const char *text, size_t n)
{
	static const char hex[] = "0123456789ABCDEF";

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)text[i];
		char escaped[3] = { '%', hex[c >> 4], hex[c & 15] };
		if (is_unreserved(c))
			buf_byte(b, text[i]);
		else
			buf_add(b, escaped, 3);
	}
}

/* The length of the character at s (at most n bytes), or 0 where there is none. */
static size_t character(const char *s, size_t n)
{
	unsigned char c = (unsigned char)s[0];
	size_t len = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

	return len <= n && utf8_valid(s, len) ? len : 0;
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

void buf_safe(struct buf *b, const char *text, size_t n, size_t most)
{
	const unsigned char *s = (const unsigned char *)text;

	for (size_t i = 0; i < n;) {
		size_t len = character(text + i, n - i), bytes = len ? len : 1;
		if (i + bytes > most) {
			buf_str(b, "...");
			return;
		}
		if (len && !moves_terminal(s + i, len))
			buf_add(b, text + i, len);
		else if (s[i] == '\n' || s[i] == '\r' || s[i] == '\t')
			buf_str(b, s[i] == '\n' ? "\\n" : s[i] == '\r' ? "\\r" : "\\t");
		else
			for (size_t k = 0; k < bytes; k++)
				buf_fmt(b, "\\x%02x", s[i + k]);
		i += bytes;
	}
}
