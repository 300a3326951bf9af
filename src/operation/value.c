#include "operation/value.h"

#include <stdint.h>
#include <string.h>

enum value_type value_type(const char *json)
{
	switch (json[0]) {
	case '"':
		return VALUE_STRING;
	case '{':
		return VALUE_OBJECT;
	case '[':
		return VALUE_ARRAY;
	case 'n':
		return VALUE_NULL;
	case 't':
	case 'f':
		return VALUE_BOOL;
	default:
		return VALUE_NUMBER;
	}
}

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

/* Decodes to `out`, or only counts where it is NULL. */
static size_t decode(const char *json, size_t n, char *out)
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

size_t value_decode(const char *json, size_t n, char *out)
{
	return decode(json, n, out);
}

size_t value_decoded_length(const char *json, size_t n)
{
	return decode(json, n, NULL);
}

static const char *skip_space(const char *s, const char *end)
{
	while (s < end && (*s == ' ' || *s == '\t' || *s == '\n' || *s == '\r'))
		s++;
	return s;
}

static const char *skip_string(const char *s, const char *end)
{
	for (s++; s < end && *s != '"'; s++)
		if (*s == '\\' && s + 1 < end)
			s++;
	return s < end ? s + 1 : end;
}

/* Past the value at s: strings whole, brackets counted, anything else up to what ends it. */
static const char *skip_value(const char *s, const char *end)
{
	size_t depth = 0;

	while (s < end) {
		if (*s == '"') {
			s = skip_string(s, end);
			if (depth == 0)
				return s;
			continue;
		}
		if (*s == '{' || *s == '[') {
			depth++;
		} else if (*s == '}' || *s == ']') {
			if (depth == 0)
				return s;
			if (--depth == 0)
				return s + 1;
		} else if (depth == 0 &&
		    (*s == ',' || *s == ' ' || *s == '\t' || *s == '\n' || *s == '\r')) {
			return s;
		}
		s++;
	}
	return end;
}

static bool key_is(const char *key, size_t n, const char *name)
{
	char text[128];
	size_t len = strlen(name);

	if (n < 2 || n > sizeof text)
		return false; /* no name that is asked for is as long, even in escapes */
	return value_decode(key, n, text) == len && memcmp(text, name, len) == 0;
}

bool value_member(const char *json, size_t n, const char *name, const char **value,
    size_t *value_len)
{
	const char *end = json + n;
	bool found = false;

	if (n == 0 || json[0] != '{')
		return false;
	for (const char *s = skip_space(json + 1, end); s < end && *s == '"';) {
		const char *key = s, *key_end = skip_string(s, end);
		s = skip_space(key_end, end);
		if (s == end || *s != ':')
			break;
		const char *start = skip_space(s + 1, end);
		s = skip_value(start, end);
		if (key_is(key, (size_t)(key_end - key), name)) {
			*value = start;
			*value_len = (size_t)(s - start);
			found = *value_len > 0;
		}
		s = skip_space(s, end);
		if (s < end && *s == ',')
			s = skip_space(s + 1, end);
	}
	return found;
}

static size_t digits(const char *s, size_t n)
{
	size_t i = 0;

	while (i < n && s[i] >= '0' && s[i] <= '9')
		i++;
	return i;
}

/* The length of the JSON integer that s begins with, or 0. */
static size_t integer_length(const char *s, size_t n)
{
	size_t sign = n > 0 && s[0] == '-', count = digits(s + sign, n - sign);

	if (count == 0)
		return 0;
	return s[sign] == '0' ? sign + 1 : sign + count;
}

bool value_is_integer(const char *s, size_t n)
{
	return n > 0 && integer_length(s, n) == n;
}

bool value_is_number(const char *s, size_t n)
{
	size_t i = integer_length(s, n);

	if (i == 0)
		return false;
	if (i < n && s[i] == '.') {
		size_t count = digits(s + i + 1, n - i - 1);
		if (count == 0)
			return false;
		i += 1 + count;
	}
	if (i < n && (s[i] == 'e' || s[i] == 'E')) {
		i++;
		if (i < n && (s[i] == '+' || s[i] == '-'))
			i++;
		size_t count = digits(s + i, n - i);
		if (count == 0)
			return false;
		i += count;
	}
	return i == n;
}
