/* ASCII is passed over many bytes at a time; other characters are judged one by one. */
#include "base/utf8.h"

#include <stdint.h>
#include "base/scan.h"

/* What the second byte after this first one may be, and how many bytes follow; 0 follow: no first
 * byte. */
struct lead {
	unsigned char follow, low, high;
};

static struct lead lead_of(unsigned char c)
{
	if (c >= 0xc2 && c <= 0xdf)
		return (struct lead){ 1, 0x80, 0xbf };
	if (c >= 0xe0 && c <= 0xef)
		return (struct lead){ 2, c == 0xe0 ? 0xa0 : 0x80, c == 0xed ? 0x9f : 0xbf };
	if (c >= 0xf0 && c <= 0xf4)
		return (struct lead){ 3, c == 0xf0 ? 0x90 : 0x80, c == 0xf4 ? 0x8f : 0xbf };
	return (struct lead){ 0, 0, 0 };
}

/* The first byte from i on that is no ASCII, or n. */
static inline size_t skip_ascii(const unsigned char *s, size_t i, size_t n)
{
	const char *text = (const char *)s;

	for (; n - i >= SCAN_BYTES; i += SCAN_BYTES) {
		uint64_t found = scan_highs(text + i);
		if (found)
			return i + (unsigned)__builtin_ctzll(found);
	}
	if (n >= SCAN_BYTES && i < n) { /* the rest, and what is in front of it once more */
		uint64_t found = scan_highs(text + n - SCAN_BYTES) >> (SCAN_BYTES - (n - i));
		return found ? i + (unsigned)__builtin_ctzll(found) : n;
	}
	for (; n - i >= 8; i += 8) {
		uint64_t found = scan_load(text + i) & SCAN_HIGHS;
		if (found)
			return i + (unsigned)__builtin_ctzll(found) / 8;
	}
	while (i < n && s[i] < 0x80)
		i++;
	return i;
}

size_t utf8_prefix(const char *text, size_t n)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t i = skip_ascii(s, 0, n);

	while (i < n) {
		struct lead lead = lead_of(s[i]);
		if (lead.follow == 0 || lead.follow >= n - i || s[i + 1] < lead.low ||
		    s[i + 1] > lead.high)
			return i;
		for (size_t k = 2; k <= lead.follow; k++)
			if ((s[i + k] & 0xc0) != 0x80)
				return i;
		i += lead.follow + 1u;
		if (i < n && s[i] < 0x80)
			i = skip_ascii(s, i, n);
	}
	return n;
}

bool utf8_valid(const char *s, size_t n)
{
	return utf8_prefix(s, n) == n;
}

size_t utf8_cut(const char *s, size_t n, size_t most)
{
	if (n <= most)
		return n;
	size_t cut = most;
	for (int back = 0; back < 3 && cut > 0 && ((unsigned char)s[cut] & 0xc0) == 0x80; back++)
		cut--;
	return ((unsigned char)s[cut] & 0xc0) == 0x80 ? most : cut; /* not UTF-8 anyway */
}

/* Unicode's White_Space, and three that nobody sees: U+200B, U+2060 and U+FEFF. */
static bool is_white(uint32_t c)
{
	return (c >= 0x09 && c <= 0x0d) || c == 0x20 || c == 0x85 || c == 0xa0 || c == 0x1680 ||
	    (c >= 0x2000 && c <= 0x200b) || c == 0x2028 || c == 0x2029 || c == 0x202f ||
	    c == 0x205f || c == 0x2060 || c == 0x3000 || c == 0xfeff;
}

/* All of them are short. */
static uint32_t decode_short(const unsigned char *s, size_t len)
{
	if (len == 1)
		return s[0];
	if (len == 2)
		return (s[0] & 0x1fu) << 6 | (s[1] & 0x3fu);
	return (s[0] & 0x0fu) << 12 | (s[1] & 0x3fu) << 6 | (s[2] & 0x3fu);
}

size_t utf8_white(const char *s, size_t n)
{
	const unsigned char *at = (const unsigned char *)s;
	size_t len;

	if (n == 0)
		return 0;
	len = at[0] < 0x80 ? 1 : at[0] < 0xe0 ? 2 : 3;
	return len <= n && at[0] < 0xf0 && utf8_valid(s, len) && is_white(decode_short(at, len)) ?
	    len :
	    0;
}

/* The length of the white space that the text ends with, one character. */
static size_t white_behind(const char *s, size_t n)
{
	for (size_t len = 1; len <= 3 && len <= n; len++)
		if (utf8_white(s + n - len, len) == len)
			return len;
	return 0;
}

const char *utf8_trim(const char *s, size_t *n)
{
	size_t len;

	while ((len = utf8_white(s, *n)) > 0) {
		s += len;
		*n -= len;
	}
	while ((len = white_behind(s, *n)) > 0)
		*n -= len;
	return s;
}
