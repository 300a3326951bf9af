/* A JSON object is read once from left to right: its members are noted, all else is only judged. */
#include "input/json_scan.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>
#include "base/buf.h"
#include "input/record.h"
#include "base/scan.h"
#include "base/utf8.h"

/*
 * Every function gets `end`, at which stands a line break or NUL: none of the bytes that JSON gives
 * a meaning. So what is found is in front of it, without a look at where the end is.
 */

#define MARK "\xef\xbb\xbf"
#define MARK_FOUND "a byte-order mark stands here: take it out (were files joined?)"
/* so many digits in front of the point are below the largest double */
#define DIGITS_SAFE 300u
#define DOUBLE_DIGITS 309       /* ... which has as many */
#define EXPONENT_MAX 1000000000 /* beyond any record's digits */

void json_scan_free(struct json_scan *j)
{
	free(j->own);
	*j = (struct json_scan){ 0 };
}

/* It is no JSON that can be taken, but what follows can still be made out. */
static void object_to(struct json_scan *j, const char *what, const char *at)
{
	if (j->fault)
		return;
	j->fault = what;
	j->fault_at = at;
}

/* It is no JSON at all. */
static const char *refuse(struct json_scan *j, const char *what, const char *at)
{
	object_to(j, what, at);
	j->syntax = what;
	j->syntax_at = at;
	return NULL;
}

static const char *skip_spaces(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n'))
		p++;
	return p;
}

/* Mostly there is none; *end can be looked at, too. */
static inline const char *skip_space(const char *p, const char *end)
{
	return (unsigned char)*p > ' ' ? p : skip_spaces(p, end);
}

static inline bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Strings. */

static int hex4(const char *p, const char *end)
{
	int value = 0;

	if (end - p < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		char c = p[i], lower = (char)(c | 0x20);
		if (is_digit(c))
			value = value * 16 + (c - '0');
		else if (lower >= 'a' && lower <= 'f')
			value = value * 16 + (lower - 'a' + 10);
		else
			return -1;
	}
	return value;
}

/* An escape, from its backslash. Returns what follows it. */
static const char *scan_escape(struct json_scan *j, const char *p, const char *end, bool key)
{
	if (end - p < 2 || p[1] == '\0' || !strchr("\"\\/bfnrtu", p[1]))
		return refuse(j, "a backslash is followed by something that is no escape", p);
	if (p[1] != 'u')
		return p + 2;
	int unit = hex4(p + 2, end);
	if (unit < 0)
		return refuse(j, "\\u is not followed by four hexadecimal digits", p);
	if (unit == 0 && key)
		object_to(j, "a key has a NUL character (\\u0000) in it", p);
	if (unit < 0xd800 || unit > 0xdfff)
		return p + 6;
	int second = end - p >= 8 && p[6] == '\\' && p[7] == 'u' ? hex4(p + 8, end) : -1;
	if (unit <= 0xdbff && second >= 0xdc00 && second <= 0xdfff)
		return p + 12;
	object_to(j, "half a surrogate pair stands alone", p);
	return p + 6;
}

/* A string that is long, or has something else than characters in it. */
static const char *scan_long_text(struct json_scan *j, const char *p, const char *end, bool key)
{
	for (;;) {
		unsigned found = scan_string(p);
		p += found ? (unsigned)__builtin_ctz(found) : SCAN_STRING_BYTES;
		if (p >= end)
			return refuse(j, "a string is not closed", end);
		if (!found)
			continue;
		if (*p == '"')
			return p + 1;
		if (*p != '\\')
			return refuse(j,
			    "a control character stands in a string: it has to be escaped", p);
		p = scan_escape(j, p, end, key);
		if (!p)
			return NULL;
	}
}

/* A string, from behind its opening quote. Returns what follows its closing one. */
static inline const char *scan_text(struct json_scan *j, const char *p, const char *end, bool key)
{
	unsigned found = scan_string(p);

	if (found) { /* in front of `end`, or there: that is no quote */
		const char *stop = p + (unsigned)__builtin_ctz(found);
		if (*stop == '"')
			return stop + 1;
	}
	return scan_long_text(j, p, end, key);
}

/* Numbers. */

/* A number's digits and its exponent. */
struct number {
	const char *whole, *fraction;
	size_t whole_len, fraction_len;
	int64_t exponent;
};

static char digit_of(const struct number *n, size_t i)
{
	if (i < n->whole_len)
		return n->whole[i];
	i -= n->whole_len;
	return i < n->fraction_len ? n->fraction[i] : '0';
}

/*
 * Whether no double can hold it. Only of numbers that have as many digits in front of the point as
 * the largest double is that a question; those 309 digits decide it, for the bound itself is an
 * integer.
 */
static bool overflows(const struct number *n)
{
	size_t first = 0, all = n->whole_len + n->fraction_len;
	char digits[DOUBLE_DIGITS + 1];

	while (first < all && digit_of(n, first) == '0')
		first++;
	int64_t before_point = (int64_t)n->whole_len - (int64_t)first + n->exponent;
	if (first == all || before_point < DOUBLE_DIGITS)
		return false;
	if (before_point > DOUBLE_DIGITS)
		return true;
	for (size_t i = 0; i < DOUBLE_DIGITS; i++)
		digits[i] = digit_of(n, first + i);
	digits[DOUBLE_DIGITS] = '\0';
	double value = strtod(digits, NULL);
	return value > DBL_MAX;
}

static int64_t read_exponent(const char *p)
{
	bool negative = *p == '-';
	int64_t value = 0;

	for (p += *p == '-' || *p == '+'; is_digit(*p); p++)
		if (value < EXPONENT_MAX)
			value = value * 10 + (*p - '0');
	return negative ? -value : value;
}

static inline const char *skip_digits(const char *p)
{
	while (is_digit(*p))
		p++;
	return p;
}

/* A number without digits at p, where it needs some: they may be all that follows. */
static const char *refuse_number(struct json_scan *j, const char *what, const char *start,
    const char *p)
{
	refuse(j, what, start);
	j->syntax_at = p;
	return NULL;
}

/* A number that has an exponent, or very many digits: `digits` is the first of them, and `p` what
 * follows the last. */
static const char *scan_large(struct json_scan *j, const char *start, const char *digits,
    const char *p)
{
	const char *whole_end = skip_digits(digits);
	struct number n = { .whole = digits, .whole_len = (size_t)(whole_end - digits) };

	if (*whole_end == '.') {
		n.fraction = whole_end + 1;
		n.fraction_len = (size_t)(p - n.fraction);
	}
	if (*p == 'e' || *p == 'E') {
		const char *first = p + 1 + (p[1] == '+' || p[1] == '-');
		n.exponent = read_exponent(p + 1);
		p = skip_digits(first);
		if (p == first)
			return refuse_number(j, "a number has an exponent without digits", start,
			    p);
	}
	if (overflows(&n))
		object_to(j, "a number is too large for a double", start);
	return p;
}

static inline const char *scan_number(struct json_scan *j, const char *p)
{
	const char *start = p, *digits = p + (*p == '-');

	p = skip_digits(digits);
	if (p == digits)
		return refuse(j, "a minus sign is followed by something that is no number", start);
	size_t whole = (size_t)(p - digits);
	if (*digits == '0' && whole > 1)
		return refuse(j, "a number begins with 0", start);
	if (*p == '.') {
		const char *fraction = p + 1;
		p = skip_digits(fraction);
		if (p == fraction)
			return refuse_number(j, "a number ends with its point", start, p);
	}
	return (*p | 0x20) == 'e' || whole > DIGITS_SAFE ? scan_large(j, start, digits, p) : p;
}

/* Values. */

static const char *scan_word(struct json_scan *j, const char *p, const char *end)
{
	if (memcmp(p, "true", 4) == 0 || memcmp(p, "null", 4) == 0)
		return p + 4;
	if (memcmp(p, "false", 5) == 0)
		return p + 5;
	if (strncmp(p, MARK, 3) == 0)
		return refuse(j, MARK_FOUND, p);
	return refuse(j, p < end ? "a value was expected" : "the object is not closed", p);
}

static inline const char *scan_scalar(struct json_scan *j, const char *p, const char *end)
{
	if (*p == '"')
		return scan_text(j, p + 1, end, false);
	if (is_digit(*p) || *p == '-')
		return scan_number(j, p);
	return scan_word(j, p, end);
}

/* What stands between a key and its value. */
static inline const char *scan_colon(struct json_scan *j, const char *p, const char *end)
{
	p = skip_space(p, end);
	if (*p != ':')
		return refuse(j, "a colon is missing behind a key", p);
	return skip_space(p + 1, end);
}

__attribute__((always_inline)) static inline const char *scan_inner_key(struct json_scan *j,
    const char *p, const char *end)
{
	if (*p != '"')
		return refuse(j, "a key in quotes was expected", p);
	p = scan_text(j, p + 1, end, true);
	return p ? scan_colon(j, p, end) : NULL;
}

static inline bool in_array(const struct json_scan *j, size_t depth)
{
	return j->arrays[depth / 64] >> (depth % 64) & 1;
}

static inline void open_container(struct json_scan *j, size_t depth, bool array)
{
	uint64_t bit = UINT64_C(1) << (depth % 64);

	j->arrays[depth / 64] = array ? j->arrays[depth / 64] | bit : j->arrays[depth / 64] & ~bit;
}

/*
 * What follows a value inside `*depth` containers: closes those that end, up to the next value (or,
 * where all are closed, to what follows the outermost).
 */
static const char *scan_after(struct json_scan *j, const char *p, const char *end, size_t *depth)
{
	while (*depth > 0) {
		bool array = in_array(j, *depth - 1);
		p = skip_space(p, end);
		if (*p == ',') {
			p = skip_space(p + 1, end);
			return array ? p : scan_inner_key(j, p, end);
		}
		if (*p != (array ? ']' : '}'))
			return refuse(j,
			    array ? "a comma or ] is missing" : "a comma or } is missing", p);
		p++;
		--*depth;
	}
	return p;
}

/* An array or object inside the record's own object. */
static const char *scan_container(struct json_scan *j, const char *p, const char *end)
{
	size_t depth = 0;

	do {
		/* the record's object is one, this value another */
		if (depth + 2 > JSON_DEPTH_MAX) {
			j->too_deep = true;
			return refuse(j, "values are nested too deeply", p);
		}
		if (*p == '[' || *p == '{') {
			bool array = *p == '[';
			open_container(j, depth++, array);
			p = skip_space(p + 1, end);
			if (*p != (array ? ']' : '}')) {
				p = array ? p : scan_inner_key(j, p, end);
				continue;
			}
			p++;
			depth--;
		} else {
			p = scan_scalar(j, p, end);
		}
		if (p)
			p = scan_after(j, p, end, &depth);
	} while (p && depth > 0);
	return p;
}

static inline const char *scan_value(struct json_scan *j, const char *p, const char *end)
{
	if ((*p | 0x20) == '{') /* or [ */
		return scan_container(j, p, end);
	return scan_scalar(j, p, end);
}

/* Members. */

static struct field *new_field(struct json_scan *j)
{
	if (j->count == j->room) {
		j->room = j->room ? j->room * 2 : 32;
		j->own = xrealloc(j->own, j->room * sizeof *j->own);
	}
	return &j->own[j->count++];
}

static const char *scan_key(struct json_scan *j, const char *p, const char *end, struct field *f)
{
	const char *key = p;

	if (*p != '"')
		return refuse(j, "a key in quotes was expected", p);
	p = scan_text(j, p + 1, end, true);
	if (!p)
		return NULL;
	*f = (struct field){
		.key = key,
		.key_len = (uint32_t)(p - key),
		.name = key + 1,
		.name_len = (uint32_t)(p - key) - 2,
		.kind = FIELD_JSON,
	};
	return p;
}

/* From a value to behind what follows it: a comma and white space, or the brace. *ended: which. */
__attribute__((always_inline)) static inline const char *scan_member(struct json_scan *j,
    const char *p, const char *end, struct field *f, bool *ended)
{
	f->value = p;
	p = scan_value(j, p, end);
	if (!p)
		return NULL;
	f->value_len = (size_t)(p - f->value);
	p = skip_space(p, end);
	*ended = *p == '}';
	if (*ended)
		return p + 1;
	if (*p != ',')
		return refuse(j, p == end ? "the object is not closed" : "a comma or } is missing",
		    p);
	return skip_space(p + 1, end);
}

/* An expected key, with the colon and what white space is around it; NULL where it is another, or
 * no colon is there. */
static inline const char *skip_expected(const struct field *f, const char *p, const char *end)
{
	if (scan_same(p, f->key, f->key_len + 1)) /* the colon is behind it here, too */
		return skip_space(p + f->key_len + 1, end);
	if (!scan_same(p, f->key, f->key_len))
		return NULL;
	p = skip_space(p + f->key_len, end);
	return *p == ':' ? skip_space(p + 1, end) : NULL;
}

/* The members as far as their keys are the expected ones: those were looked at before. */
static const char *scan_expected(struct json_scan *j, const char *p, const char *end, bool *ended)
{
	struct field *f = j->expected->fields, *stop = f + j->expected->count;

	for (; p && !*ended && f < stop; f++) {
		const char *value = skip_expected(f, p, end);
		if (!value)
			break;
		p = scan_member(j, value, end, f, ended);
	}
	j->fields = j->expected->fields;
	j->count = (size_t)(f - j->fields);
	j->as_expected = *ended && f == stop;
	return p;
}

void json_scan_own(struct json_scan *j)
{
	const struct field *from = j->fields;
	size_t count = j->count;

	if (from == j->own)
		return;
	j->count = 0;
	for (size_t i = 0; i < count; i++) {
		struct field *f = new_field(j);
		*f = from[i];
	}
	j->fields = j->own;
}

static const char *scan_members(struct json_scan *j, const char *p, const char *end)
{
	bool ended = false;

	if (j->expected)
		p = scan_expected(j, p, end, &ended);
	if (j->as_expected || !p)
		return p;
	json_scan_own(j); /* those so far */
	while (!ended) {
		struct field none, *f = &none;
		if (j->count == j->most)
			object_to(j, "the object has too many members", p);
		else
			f = new_field(j);
		p = scan_key(j, p, end, f);
		if (p)
			p = scan_colon(j, p, end);
		if (p)
			p = scan_member(j, p, end, f, &ended);
		if (!p)
			return NULL;
	}
	j->fields = j->own;
	return p;
}

static void begin(struct json_scan *j)
{
	j->fields = j->own;
	j->count = 0;
	j->as_expected = false;
	j->fault = j->syntax = NULL;
	j->bytes_alone = j->too_deep = false;
}

/* An object, from its brace to behind it; or NULL. */
static inline const char *scan_object(struct json_scan *j, const char *p, const char *end)
{
	p = skip_space(p + 1, end);
	return *p == '}' ? p + 1 : scan_members(j, p, end);
}

/* What is not UTF-8 is so in a string or key: all else was looked at. */
static int check_bytes(struct json_scan *j, const char *text, size_t n)
{
	size_t good = utf8_prefix(text, n);

	j->bytes_alone = good < n && !j->fault;
	if (good < n)
		object_to(j, "it is not UTF-8 (--encoding says what it is)", text + good);
	return j->fault ? -1 : 0;
}

/* Why what begins at `text` is no object. */
static const char *no_object(const char *text, const char *array)
{
	if (*text == '[')
		return array;
	if (strncmp(text, MARK, 3) == 0)
		return MARK_FOUND;
	return "it does not begin with {";
}

int json_scan(struct json_scan *j, const char *text, size_t n)
{
	const char *end = text + n, *p = skip_space(text, end);

	begin(j);
	if (*p != '{') {
		refuse(j, no_object(p, "it is an array (--format=json reads one)"), p);
		return -1;
	}
	p = scan_object(j, p, end);
	if (p && skip_space(p, end) != end)
		p = refuse(j, "something follows the object", skip_space(p, end));
	return p ? check_bytes(j, text, n) : -1;
}

static bool is_letter(char c)
{
	return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

int json_scan_front(struct json_scan *j, const char *text, size_t n, size_t *length)
{
	const char *end = text + n, *p;

	begin(j);
	*length = 0;
	if (*text == '{') {
		p = scan_object(j, text, end);
	} else {
		object_to(j, no_object(text, "it is an array"), text);
		p = scan_value(j, text, end);
		if (p && is_letter(p[-1]) && is_letter(*p))
			p = refuse(j, "a value was expected", text); /* "nullx" */
	}
	if (!p)
		return -1;
	*length = (size_t)(p - text);
	return check_bytes(j, text, *length);
}
