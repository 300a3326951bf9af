/* Whether a text can stand for somebody. */
#include "operation/identifier.h"

#include <string.h>
#include "base/scan.h"
#include "base/utf8.h"

/* Whether each byte is a character that can be seen, or a blank: most identifiers are of these. */
static bool is_plain(const char *s, size_t n)
{
	unsigned others = 0;

	for (; n > SCAN_STRING_BYTES; n -= SCAN_STRING_BYTES, s += SCAN_STRING_BYTES)
		others |= scan_unseen(s);
	return (others | (scan_unseen(s) & ((1u << n) - 1))) == 0;
}

static bool has_control(const char *text, size_t n)
{
	const unsigned char *s = (const unsigned char *)text;

	for (size_t i = 0; i < n; i++)
		if (s[i] < 0x20 || s[i] == 0x7f ||
		    (s[i] == 0xc2 && i + 1 < n && s[i + 1] >= 0x80 && s[i + 1] < 0xa0))
			return true;
	return false;
}

enum identifier_fault identifier_check(const char *s, size_t n)
{
	size_t left = n;

	if (n == 0)
		return IDENTIFIER_EMPTY;
	if (s[0] != ' ' && s[n - 1] != ' ' && is_plain(s, n))
		return IDENTIFIER_GOOD;
	utf8_trim(s, &left);
	if (left < n)
		return left == 0 ? IDENTIFIER_EMPTY : IDENTIFIER_SPACE;
	return has_control(s, n) ? IDENTIFIER_CONTROL : IDENTIFIER_GOOD;
}

bool identifier_is_email(const char *s, size_t n)
{
	const char *at = memchr(s, '@', n);

	if (!at || at == s || at == s + n - 1)
		return false;
	for (size_t i = 0; i < n; i++)
		if (strchr(",;<>", s[i]) || (s[i] == '@' && s + i != at) ||
		    utf8_white(s + i, n - i) > 0)
			return false;
	return true;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The number behind an E; what is too large for any number here stays so. */
static int64_t read_exponent(const char *s, const char *end)
{
	bool negative = s < end && *s == '-';
	int64_t value = 0;

	for (s += s < end && (*s == '-' || *s == '+'); s < end && is_digit(*s); s++)
		if (value < 1000000)
			value = value * 10 + (*s - '0');
	return negative ? -value : value;
}

/* Digits in front of the point, and behind it, without the sign; *point: how many are in front. */
static size_t take_digits(const char *s, const char *end, char *out, int64_t *point)
{
	size_t count = 0;
	bool behind = false;

	for (*point = 0; s < end && *s != 'e' && *s != 'E'; s++) {
		behind |= *s == '.';
		if (is_digit(*s))
			out[count++] = *s;
		*point += is_digit(*s) && !behind;
	}
	return count;
}

size_t identifier_from_number(const char *s, size_t n, char *out)
{
	const char *end = s + n, *exponent = memchr(s, 'e', n);
	bool negative = *s == '-';
	int64_t point;
	size_t from = 0;

	if (!exponent)
		exponent = memchr(s, 'E', n);
	char *digits = out + negative;
	size_t count = take_digits(s, end, digits, &point);
	point += exponent ? read_exponent(exponent + 1, end) : 0;
	while (count > 0 && digits[count - 1] == '0' && (int64_t)count > point)
		count--;
	while (from < count && digits[from] == '0')
		from++;
	if (from == count) {
		out[0] = '0';
		return 1;
	}
	if ((int64_t)count > point || point - (int64_t)from > (int64_t)IDENTIFIER_DIGITS)
		return 0;
	memset(digits + count, '0', (size_t)point - count);
	memmove(digits, digits + from, (size_t)point - from);
	out[0] = negative ? '-' : out[0];
	return negative + (size_t)point - from;
}
