/* Brackets and one name are looked at, and nothing else. */
#include "input/json_wrapper.h"

#include <stdbool.h>
#include <string.h>
#include "base/reason.h"

#define NAME_SHOWN 60u /* bytes */

/* Passes over white space and the character; NULL where another one stands there. */
static const char *pass(const char *p, const char *end, char c)
{
	while (p && p < end && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n'))
		p++;
	return p && p < end && *p == c ? p + 1 : NULL;
}

/* Whether jq takes it for a name as it is. */
static bool is_word(const char *name, size_t n)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";

	for (size_t i = 0; i < n; i++)
		if (!name[i] ||
		    (!strchr(letters, name[i]) && (i == 0 || name[i] < '0' || name[i] > '9')))
			return false;
	return n > 0 && n <= NAME_SHOWN;
}

bool json_wrapper_explain(const char *name, size_t name_len, const char *value, size_t n,
    struct reason *why)
{
	struct reason before = *why;
	const char *end = value + n;

	if (!pass(pass(value, end, '['), end, '{') || !is_word(name, name_len))
		return false;
	reason_set(why,
	    "%.900s (are the records in its \"%.*s\"? jq -c '.%.*s[]' FILE | cio-import)",
	    before.text, (int)name_len, name, (int)name_len, name);
	return true;
}

void json_wrapper_begins(const char *text, size_t n, struct reason *why)
{
	const char *end = text + n, *name = pass(pass(text, end, '{'), end, '"');
	const char *closing = name ? memchr(name, '"', (size_t)(end - name)) : NULL;
	const char *value = closing ? pass(closing + 1, end, ':') : NULL;

	if (value)
		json_wrapper_explain(name, (size_t)(closing - name), value, (size_t)(end - value),
		    why);
}
