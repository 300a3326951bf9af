/* JSON values that are known to be valid are walked by their brackets and quotes. */
#include "operation/value.h"

#include <string.h>
#include "base/text.h"

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
	return text_unescape(key, n, text) == len && memcmp(text, name, len) == 0;
}

bool value_next(struct value_walk *w)
{
	const char *s = w->at, *end = w->end;

	if (s < end && (*s == '{' || *s == ','))
		s = skip_space(s + 1, end);
	if (s == end || *s != '"')
		return false;
	w->key = s;
	s = skip_string(s, end);
	w->key_len = (size_t)(s - w->key);
	s = skip_space(s, end);
	if (s == end || *s != ':')
		return false;
	w->value = skip_space(s + 1, end);
	s = skip_value(w->value, end);
	w->value_len = (size_t)(s - w->value);
	w->at = skip_space(s, end);
	return true;
}

bool value_member(const char *json, size_t n, const char *name, const char **value,
    size_t *value_len)
{
	struct value_walk w = { .at = json, .end = json + n };
	bool found = false;

	while (value_next(&w))
		if (key_is(w.key, w.key_len, name)) {
			*value = w.value;
			*value_len = w.value_len;
			found = w.value_len > 0;
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
