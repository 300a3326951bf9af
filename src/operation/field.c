/* A field is looked at as it stands in the record; what is shown of it is escaped and cut. */
#include "operation/field.h"

#include <string.h>
#include "base/buf.h"
#include "base/text.h"
#include "base/log.h"
#include "base/num.h"
#include "operation/value.h"
#include "base/words.h"

#define DOUBTFUL_MOST 99999999 /* seconds: 1973-03-03 */
#define SHOWN 60u              /* bytes of a name or a value in a message */

bool field_is_empty(const struct field *f)
{
	if (!f || f->value_len == 0)
		return true;
	if (f->kind == FIELD_TEXT)
		return false;
	return value_type(f->value) == VALUE_NULL || (f->value_len == 2 && f->value[0] == '"');
}

/* A fraction of a number is cut off. 0 or -1. */
static int read_moment(const char *s, size_t n, int64_t *unix_seconds)
{
	if (num_moment(s, n, unix_seconds) == 0)
		return 0;
	const char *point = memchr(s, '.', n);
	if (!point || !value_is_number(s, n) || memchr(s, 'e', n) || memchr(s, 'E', n))
		return -1;
	return num_moment(s, (size_t)(point - s), unix_seconds);
}

enum field_moment field_moment(const struct field *f, int64_t *unix_seconds)
{
	const char *s = f->value;
	size_t n = f->value_len;

	if (f->kind == FIELD_JSON && n >= 2 && s[0] == '"') {
		s++;
		n -= 2;
	}
	if (read_moment(s, n, unix_seconds) != 0)
		return MOMENT_NONE;
	if (*unix_seconds < 0 || *unix_seconds > DOUBTFUL_MOST || (n > 4 && s[4] == '-'))
		return MOMENT_READ;
	return MOMENT_DOUBTFUL;
}

static void add_shown(struct buf *b, const char *text, size_t n, bool quoted)
{
	if (quoted)
		buf_byte(b, '"');
	text_safe(b, text, n, SHOWN);
	if (quoted)
		buf_byte(b, '"');
}

int field_refuse(const struct field *f, const char *what, struct reason *why)
{
	struct buf b;

	buf_init(&b, REASON_MAX);
	add_shown(&b, f->name, f->name_len, false);
	buf_str(&b, ": ");
	if (f->kind == FIELD_TEXT || f->value_len)
		add_shown(&b, f->value, f->value_len, f->kind == FIELD_TEXT);
	reason_set(why, "%.*s is not %s", (int)b.len, b.data, what);
	buf_free(&b);
	return -1;
}

int field_refuse_moment(const struct field *f, enum field_moment found, int64_t seconds,
    struct reason *why)
{
	char meant[WORDS_MOMENT];
	struct buf what = { .max = REASON_MAX };

	if (found == MOMENT_NONE)
		return field_refuse(f, "a timestamp", why);
	buf_fmt(&what,
	    "taken for a timestamp (it would be %s): write a spreadsheet's day, a date or a year "
	    "as 2024-02-29, leave \"never\" empty, or if seconds are meant, give --type=",
	    words_moment(seconds, meant));
	text_safe(&what, f->name, f->name_len, SHOWN);
	buf_fmt(&what, ":int%c", '\0');
	field_refuse(f, what.data, why);
	buf_free(&what);
	return -1;
}

int field_complain(const struct field *f, const char *what, struct reason *why)
{
	struct buf b;

	buf_init(&b, REASON_MAX);
	add_shown(&b, f->name, f->name_len, false);
	reason_set(why, "%.*s %s", (int)b.len, b.data, what);
	buf_free(&b);
	return -1;
}

int field_over(const char *noun, size_t count, const char *unit, size_t limit, struct reason *why)
{
	struct buf b;

	buf_init(&b, REASON_MAX);
	buf_fmt(&b, "%s has ", noun);
	words_count(&b, count, true);
	buf_fmt(&b, " %s, the limit is ", unit);
	words_count(&b, limit, true);
	reason_set(why, "%.*s", (int)b.len, b.data);
	buf_free(&b);
	return -1;
}

int field_too_long(const struct field *f, const char *noun, size_t bytes, size_t limit,
    struct reason *why)
{
	struct buf b;

	buf_init(&b, REASON_MAX);
	add_shown(&b, f->name, f->name_len, false);
	buf_fmt(&b, ": %s%c", noun, '\0');
	field_over(b.data, bytes, "bytes", limit, why);
	buf_free(&b);
	return -1;
}
