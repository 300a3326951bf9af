/* Each type is made from a cell's text, or the text is refused with what would do. */
#include "operation/convert.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "operation/field.h"
#include "base/text.h"
#include "base/writer.h"
#include "operation/value.h"

struct text {
	const char *s;
	size_t n;
};

static void set_json(struct field *f, const char *value, size_t n)
{
	f->kind = FIELD_JSON;
	f->value = value;
	f->value_len = n;
}

static bool is_string(const struct field *f)
{
	return f->kind == FIELD_JSON && value_type(f->value) == VALUE_STRING;
}

/* What is to be converted: a cell, a string's decoded text, or any other JSON value's bytes. */
static struct text text_of(const struct field *f, char **room)
{
	struct text t = { f->value, f->value_len };

	if (!is_string(f))
		return t;
	t.s++;
	t.n -= 2;
	if (!memchr(t.s, '\\', t.n))
		return t;
	t.s = *room;
	t.n = text_unescape(f->value, f->value_len, *room);
	*room += t.n;
	return t;
}

/* Whether a double holds it: 1e400 would be sent in vain. */
static bool fits_double(struct text t, char *room)
{
	if (t.n < 300 && !memchr(t.s, 'e', t.n) && !memchr(t.s, 'E', t.n))
		return true;
	memcpy(room, t.s, t.n);
	room[t.n] = '\0';
	return isfinite(strtod(room, NULL));
}

static int to_string(struct field *f, char **room, struct reason *why)
{
	if (f->kind == FIELD_TEXT || is_string(f))
		return 0;
	enum value_type type = value_type(f->value);
	if (type != VALUE_NUMBER && type != VALUE_BOOL)
		return field_refuse(f, "a text", why);
	char *out = *room;
	out[0] = '"';
	memcpy(out + 1, f->value, f->value_len);
	out[f->value_len + 1] = '"';
	*room += f->value_len + 2;
	set_json(f, out, f->value_len + 2);
	return 0;
}

static int to_number(struct field *f, bool whole, char **room, struct reason *why)
{
	struct text t = text_of(f, room);

	if (!(whole ? value_is_integer(t.s, t.n) : value_is_number(t.s, t.n)) ||
	    !fits_double(t, *room))
		return field_refuse(f, whole ? "an integer" : "a number", why);
	set_json(f, t.s, t.n);
	return 0;
}

static int to_bool(struct field *f, char **room, struct reason *why)
{
	static const char words[][5 + FIELD_SLACK] = { "false", "true", "0", "1", "no", "yes", "f",
		"t" };
	struct text t = text_of(f, room);

	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (strlen(words[i]) == t.n && strncasecmp(words[i], t.s, t.n) == 0) {
			set_json(f, words[i % 2], strlen(words[i % 2]));
			return 0;
		}
	}
	return field_refuse(f, "true or false", why);
}

static int to_timestamp(struct field *f, char **room, struct reason *why)
{
	int64_t seconds;

	enum field_moment found = field_moment(f, &seconds);
	if (found != MOMENT_READ)
		return field_refuse_moment(f, found, seconds, why);
	size_t n = writer_digits(seconds, *room);
	set_json(f, *room, n);
	*room += n;
	return 0;
}

/* The text's own bytes are sent, but for line breaks and tabs between them: they become blanks, so
 * that a body is one line. (In its strings there are none: JSON wants them escaped.) */
static int to_json(struct field *f, char **room, struct reason *why)
{
	if (f->kind == FIELD_JSON && !is_string(f))
		return 0;
	struct text t = text_of(f, room);
	json_t *judge = json_loadb(t.s, t.n,
	    JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, NULL);
	if (!judge)
		return field_refuse(f, "JSON", why);
	json_decref(judge);
	while (t.n > 0 && strchr(" \t\r\n", t.s[t.n - 1]))
		t.n--;
	while (t.n > 0 && strchr(" \t\r\n", *t.s)) {
		t.s++;
		t.n--;
	}
	char *out = *room;
	for (size_t i = 0; i < t.n; i++)
		out[i] = (unsigned char)t.s[i] < ' ' ? ' ' : t.s[i];
	*room += t.n;
	set_json(f, out, t.n);
	return 0;
}

int convert_field(struct field *f, enum field_type type, char **room, struct reason *why)
{
	switch (type) {
	case TYPE_STRING:
		return to_string(f, room, why);
	case TYPE_INT:
		return to_number(f, true, room, why);
	case TYPE_FLOAT:
		return to_number(f, false, room, why);
	case TYPE_BOOL:
		return to_bool(f, room, why);
	case TYPE_TIMESTAMP:
		return to_timestamp(f, room, why);
	case TYPE_JSON:
		return to_json(f, room, why);
	}
	return 0;
}

/* Whether an integer (as JSON has them) is within 2^53, 9007199254740992. */
static bool is_exact(const char *s, size_t n)
{
	static const char limit[] = "9007199254740992";
	size_t sign = s[0] == '-', len = n - sign;

	return len < sizeof limit - 1 ||
	    (len == sizeof limit - 1 && memcmp(s + sign, limit, len) <= 0);
}

/* Digits from the first that is not a zero; 0 for any zero. */
static size_t significant(const char *s, size_t n)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		if (s[i] >= '0' && s[i] <= '9' && (count || s[i] != '0'))
			count++;
	return count;
}

static bool is_canonical(const char *s, size_t n)
{
	if (value_is_integer(s, n))
		return is_exact(s, n) && !(n == 2 && s[0] == '-' && s[1] == '0');
	if (!value_is_number(s, n) || memchr(s, 'e', n) || memchr(s, 'E', n))
		return false;
	size_t count = significant(s, n);
	return count <= 15 && !(s[0] == '-' && count == 0);
}

void convert_infer(struct field *f)
{
	const char *s = f->value;
	size_t n = f->value_len;

	if (n == 0)
		return;
	if (s[0] == 't' || s[0] == 'f') {
		if ((n == 4 && memcmp(s, "true", 4) == 0) || (n == 5 && memcmp(s, "false", 5) == 0))
			f->kind = FIELD_JSON;
	} else if ((s[0] == '-' || (s[0] >= '0' && s[0] <= '9')) && is_canonical(s, n)) {
		f->kind = FIELD_JSON;
	}
}
