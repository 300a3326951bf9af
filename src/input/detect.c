/* What the first bytes say: a byte-order mark, and which format it is. */
#include "input/reader.h"

#include <string.h>

static enum input_result fill(struct source *s)
{
	switch (source_fill(s)) {
	case SOURCE_MORE:
	case SOURCE_END:
		return INPUT_RECORD;
	case SOURCE_AGAIN:
		return INPUT_AGAIN;
	case SOURCE_FAILED:
		break;
	}
	return INPUT_FAILED;
}

enum input_result input_skip_bom(struct source *s)
{
	static const char bom[] = "\xef\xbb\xbf";

	for (;;) {
		size_t held = s->end - s->start, n = held < 3 ? held : 3;
		bool same = n == 0 || memcmp(s->data + s->start, bom, n) == 0;
		if (n == 3 && same)
			s->start += 3;
		if (n == 3 || !same || s->at_end)
			return INPUT_RECORD;
		enum input_result result = fill(s);
		if (result != INPUT_RECORD)
			return result;
	}
}

/* What begins in the first line that is not blank. */
enum sight {
	SIGHT_MORE,   /* more has to be read before that can be said */
	SIGHT_EMPTY,  /* nothing: there is only white space */
	SIGHT_TEXT,   /* neither an object nor an array */
	SIGHT_ARRAY,  /* ... that ends there, too */
	SIGHT_OBJECT, /* ... that is all of the line */
	SIGHT_OTHER,  /* an object, with a fault, or something behind it */
	SIGHT_PART,   /* an object or array that goes on in the next line */
};

/* A line that begins with a bracket; `last`: no other follows it. */
static enum sight see_line(const char *line, size_t n, bool last)
{
	struct json_scan scan = { .most = INPUT_FIELDS_MAX };
	size_t length;
	bool array = *line == '[';

	int refused = array ? json_scan_front(&scan, line, n, &length) : json_scan(&scan, line, n);
	bool whole = refused == 0 || !scan.syntax;
	bool open = !whole && scan.syntax_at == line + n;
	json_scan_free(&scan);
	if (open && !last)
		return SIGHT_PART;
	return array ? SIGHT_ARRAY : whole ? SIGHT_OBJECT : SIGHT_OTHER;
}

/* `array`: that it is one is all that is wanted to know of an array. */
static enum sight look(const struct source *s, bool array)
{
	const char *text = s->data + s->start, *end = s->data + s->end;

	while (text < end && (*text == ' ' || (*text >= '\t' && *text <= '\r')))
		text++;
	if (text == end && !s->at_end && s->end - s->start < s->base)
		return SIGHT_MORE;
	if (text == end)
		return s->at_end ? SIGHT_EMPTY : SIGHT_TEXT;
	if (*text != '{' && *text != '[')
		return SIGHT_TEXT;
	if (*text == '[' && array)
		return SIGHT_ARRAY;
	const char *stop = memchr(text, '\n', (size_t)(end - text));
	if (stop || s->at_end)
		return see_line(text, (size_t)((stop ? stop : end) - text), !stop);
	return s->end - s->start < s->most - s->base ? SIGHT_MORE : SIGHT_OTHER;
}

enum input_result input_detect(struct source *s, enum input_format *format)
{
	static const enum input_format formats[] = {
		[SIGHT_TEXT] = INPUT_CSV,
		[SIGHT_ARRAY] = INPUT_JSON,
		[SIGHT_OBJECT] = INPUT_NDJSON,
		[SIGHT_OTHER] = INPUT_JSON,
		[SIGHT_PART] = INPUT_JSON,
	};
	enum sight sight;

	if (*format != INPUT_AUTO && *format != INPUT_NDJSON)
		return INPUT_RECORD;
	while ((sight = look(s, *format == INPUT_AUTO)) == SIGHT_MORE) {
		enum input_result result = fill(s);
		if (result != INPUT_RECORD)
			return result;
	}
	if (*format == INPUT_NDJSON)
		return sight == SIGHT_PART ? INPUT_BAD : INPUT_RECORD;
	if (sight == SIGHT_EMPTY)
		return INPUT_END;
	*format = formats[sight];
	return INPUT_RECORD;
}
