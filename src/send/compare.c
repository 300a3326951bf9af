/* Each attribute by its kind. */
#include "send/compare.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/buf.h"
#include "base/text.h"
#include "operation/value.h"
#include "send/reply.h"

#define SHOWN 60u /* bytes of a name, or of a value, that are shown */
#define MOST 900u /* bytes of all that is said, but for the last */

/* A piece of JSON, or of what it stands for. */
struct piece {
	const char *s;
	size_t n;
};

static bool is(struct piece p, const char *text)
{
	return p.n == strlen(text) && memcmp(p.s, text, p.n) == 0;
}

static bool begins(struct piece p, const char *text)
{
	return p.n >= strlen(text) && memcmp(p.s, text, strlen(text)) == 0;
}

static bool is_compared(struct piece name)
{
	static const char *const others[] = { "_update", "_timestamp", "cio_relationships",
		"anonymous_id" };

	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (is(name, others[i]))
			return false;
	return !begins(name, "cio_subscription_preferences.");
}

/* Integers digit by digit, for a double does not tell large ones apart; others as doubles. */
static bool same_number(struct piece want, struct piece has)
{
	if (want.n == has.n && memcmp(want.s, has.s, want.n) == 0)
		return true;
	if (!value_is_number(has.s, has.n) ||
	    (value_is_integer(want.s, want.n) && value_is_integer(has.s, has.n)))
		return false;
	char *a = xstrndup(want.s, want.n), *b = xstrndup(has.s, has.n);
	bool same = strtod(a, NULL) == strtod(b, NULL);
	free(a);
	free(b);
	return same;
}

static bool same_text(struct piece name, struct piece want, struct piece has)
{
	char *text = xmalloc(want.n);
	size_t n = text_unescape(want.s, want.n, text);
	bool same = n == has.n &&
	    (is(name, "email") ? strncasecmp(text, has.s, n) == 0 : memcmp(text, has.s, n) == 0);

	free(text);
	return same;
}

static bool is_nothing(struct piece json)
{
	return is(json, "null") || is(json, "\"\"");
}

/* has.s NULL: the attribute is not there. */
static bool same_value(struct piece name, struct piece want, struct piece has)
{
	if (is_nothing(want))
		return !has.s || has.n == 0;
	if (!has.s)
		return false;
	switch (value_type(want.s)) {
	case VALUE_STRING:
		return same_text(name, want, has);
	case VALUE_NUMBER:
		return same_number(want, has);
	case VALUE_OBJECT:
	case VALUE_ARRAY:
		return reply_same_json(want.s, want.n, has.s, has.n);
	default:
		return want.n == has.n && memcmp(want.s, has.s, want.n) == 0;
	}
}

static void say(struct buf *out, struct piece name, struct piece has)
{
	if (out->len > MOST) /* the first of them tell enough */
		return;
	if (out->len)
		buf_str(out, "; ");
	text_safe(out, name.s, name.n, SHOWN);
	if (has.s) {
		buf_str(out, ": \"");
		text_safe(out, has.s, has.n, SHOWN);
		buf_str(out, "\" is there");
	} else {
		buf_str(out, ": nothing is there");
	}
}

bool compare_attributes(const char *attributes, size_t n, const struct reply_person *there,
    struct buf *out)
{
	struct value_walk walk = { .at = attributes, .end = attributes + n };
	bool same = true;

	while (value_next(&walk)) {
		char *text = xmalloc(walk.key_len + 1);
		struct piece name = { text, text_unescape(walk.key, walk.key_len, text) };
		struct piece want = { walk.value, walk.value_len }, has = { NULL, 0 };
		text[name.n] = '\0';
		has.s = reply_attribute(there, name.s, name.n, &has.n);
		if (is_compared(name) && !same_value(name, want, has)) {
			same = false;
			say(out, name, has);
		}
		free(text);
	}
	return same;
}
