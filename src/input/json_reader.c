/*
 * JSON records: one array of objects, or objects one after another, laid out over lines as they may
 * be. Read as a stream: an object is scanned where it stands, and scanned again from its beginning
 * where it was not there as a whole yet. So that a long one is not scanned again and again, its end
 * is looked for first then, by its brackets alone, a byte at a time and each byte once.
 *
 * What JSON's syntax has nothing against, but cannot be taken (a number that no double can hold,
 * say), costs its own object. After a fault in the syntax nobody can say where the next one begins.
 */
#include "input/reader.h"

#include <inttypes.h>
#include <string.h>
#include "base/reason.h"
#include "input/json_wrapper.h"
#include "input/record.h"
#include "base/utf8.h"

void json_reader_init(struct json_reader *j, struct source *s, size_t longest,
    uint64_t *last_layout)
{
	*j = (struct json_reader){ .source = s, .longest = longest, .line = 1, .column = 1 };
	json_records_init(&j->records, last_layout);
}

void json_reader_free(struct json_reader *j)
{
	json_records_free(&j->records);
	*j = (struct json_reader){ 0 };
}

/* Looking for a value's end. */

/* In a string: whether it ends with this byte. */
static bool ends_string(struct json_walk *w, char c)
{
	bool escaped = w->escaped;

	w->escaped = !escaped && c == '\\';
	w->in_string = escaped || c != '"';
	return !w->in_string;
}

/* Goes on over the value's first n bytes. Whether its end is in them: w->seen is its length then.
 */
static bool walk(struct json_walk *w, const char *text, size_t n)
{
	for (; w->seen < n; w->seen++) {
		char c = text[w->seen];
		bool closes = c == '}' || c == ']';
		if (w->in_string) {
			closes = ends_string(w, c);
		} else if (c == '"') {
			w->in_string = true;
		} else if (c == '{' || c == '[') {
			w->depth++;
		} else if (w->depth == 0 && w->begun && (closes || strchr(", \t\r\n", c))) {
			return true; /* a number or a word */
		} else if (closes && w->depth > 0) {
			w->depth--;
		}
		w->begun = true;
		if (closes && w->depth == 0) {
			w->seen++;
			return true;
		}
	}
	return false;
}

/* Places. */

/* Takes the n bytes at the source's start, which are not needed any more. */
static void pass(struct json_reader *j, size_t n)
{
	const char *p = j->source->data + j->source->start, *end = p + n;

	j->source->start += n;
	for (const char *found; (found = memchr(p, '\n', (size_t)(end - p))); p = found + 1) {
		j->line++;
		j->column = 1;
	}
	j->column += (uint64_t)(end - p);
}

static void pass_space(struct json_reader *j)
{
	const char *p = j->source->data + j->source->start, *end = j->source->data + j->source->end;

	while (p < end && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n'))
		p++;
	pass(j, (size_t)(p - (j->source->data + j->source->start)));
}

/* The end of all: nothing behind the fault can be read. */
static enum input_result broken(struct json_reader *j, const char *what, size_t at)
{
	pass(j, at);
	j->broken = true;
	reason_set(&j->why,
	    "%" PRIu64 ":%" PRIu64 ": %s: what stands before it was read; correct it, and run the "
	    "same command again",
	    j->line, j->column, what);
	return INPUT_FAILED;
}

/* Values. */

/* What was found at the source's start, whose bytes stay there until the next call. */
struct found {
	char *text;
	size_t n;
	int scanned; /* what json_scan_front said */
};

/* What is looked at of a value: as much as a record may have, and a byte. */
struct view {
	size_t n;
	bool last; /* nothing follows it */
	bool full; /* a value that has no end in it is too long */
};

static struct view view_of(const struct json_reader *j)
{
	const struct source *s = j->source;
	size_t held = s->end - s->start;
	bool full = held > j->longest;

	return (struct view){ full ? j->longest + 1 : held, s->at_end && !full, full };
}

/* The value ends, with the first n bytes at the source's start. */
static void end_value(struct json_reader *j, size_t n)
{
	pass(j, n);
	j->walking = j->skipping = false;
	if (j->place != JSON_TOP)
		j->place = JSON_AFTER;
}

static enum input_result too_long(struct json_reader *j, struct found *v, struct reason *why)
{
	v->n = utf8_cut(v->text, j->longest + 1, RAW_SHOWN);
	input_too_long(j->longest, why);
	json_wrapper_begins(v->text, v->n, why);
	return INPUT_BAD;
}

/* The scanner wants an end that it knows. */
static void scan(struct json_reader *j, struct found *v, size_t n)
{
	char behind = v->text[n];

	v->text[n] = '\0';
	v->scanned = json_scan_front(&j->records.scan, v->text, n, &v->n);
	v->text[n] = behind;
}

/* Whether what the scan said of the value is so whatever follows. */
static bool is_certain(const struct json_scan *scan, const struct found *v, const struct view *view)
{
	if (scan->too_deep)
		return false;
	if (view->last)
		return true;
	if (scan->syntax == NULL) /* a number may go on; a bracket or quote ends what it ends */
		return v->n < view->n || strchr("}]\"", v->text[v->n - 1]);
	if (!memchr("{[\"-0123456789tfn\xef", *v->text, 18))
		return true; /* nothing begins so, nor does a mark that is to be named */
	return scan->syntax_at + JSON_TOKEN < v->text + view->n;
}

/* The value was scanned. `ended`: its end was found by its brackets, too. */
static enum input_result judge(struct json_reader *j, struct found *v, bool ended,
    struct reason *why)
{
	const struct json_scan *scan = &j->records.scan;
	bool deep = scan->too_deep && ended;

	if (scan->syntax && !deep)
		return broken(j, scan->syntax, (size_t)(scan->syntax_at - v->text));
	if (deep) {
		v->n = j->walk.seen;
		reason_set(why, "not a JSON object: %s", scan->fault);
	}
	end_value(j, v->n);
	if (v->n > j->longest)
		return too_long(j, v, why);
	return deep ? INPUT_BAD : INPUT_RECORD;
}

/*
 * Looks at the value at the source's start. INPUT_RECORD: it is all there, and was scanned.
 * INPUT_BAD with *why: it is of no use. INPUT_AGAIN: more of it has to be read.
 */
static enum input_result look_at_value(struct json_reader *j, struct found *v, struct reason *why)
{
	const struct view view = view_of(j);

	v->text = j->source->data + j->source->start;
	if (!j->walking) {
		scan(j, v, view.n);
		if (is_certain(&j->records.scan, v, &view))
			return judge(j, v, false, why);
		j->walking = true;
		j->walk = (struct json_walk){ 0 };
	}
	bool ended = walk(&j->walk, v->text, view.n);
	if (!ended && !view.last && !view.full)
		return INPUT_AGAIN;
	scan(j, v, view.n);
	if (ended || view.last || is_certain(&j->records.scan, v, &view))
		return judge(j, v, ended, why);
	j->skipping = true;
	pass(j, view.n);
	j->walk.seen = 0;
	return too_long(j, v, why);
}

/* Passes over what is left of a value that is too long. */
static enum input_result skip_value(struct json_reader *j)
{
	struct source *s = j->source;

	if (walk(&j->walk, s->data + s->start, s->end - s->start)) {
		end_value(j, j->walk.seen);
		return INPUT_RECORD;
	}
	pass(j, j->walk.seen);
	j->walk.seen = 0;
	if (s->at_end && j->walk.depth == 0 && !j->walk.in_string) {
		end_value(j, 0);
		return INPUT_RECORD;
	}
	return s->at_end ? broken(j, "the value is not closed", 0) : INPUT_AGAIN;
}

/* What stands between values. INPUT_RECORD: a value begins; INPUT_AGAIN, INPUT_END, or
 * INPUT_FAILED. */
static enum input_result look_between(struct json_reader *j)
{
	const struct source *s = j->source;

	for (;; pass(j, 1)) {
		pass_space(j);
		if (s->start == s->end && !s->at_end)
			return INPUT_AGAIN;
		if (s->start == s->end)
			return j->place == JSON_TOP ? INPUT_END :
			                              broken(j, "the array is not closed", 0);
		char c = s->data[s->start];
		if (j->place == JSON_TOP && c == '[')
			j->place = JSON_FIRST;
		else if (c == ']' && (j->place == JSON_FIRST || j->place == JSON_AFTER))
			j->place = JSON_TOP;
		else if (j->place == JSON_AFTER && c == ',')
			j->place = JSON_NEXT;
		else
			return j->place == JSON_AFTER ? broken(j, "a comma or ] is missing", 0) :
			                                INPUT_RECORD;
	}
}

/* Looks at what there is. *line: where the value begins. */
static enum input_result look(struct json_reader *j, struct found *v, uint64_t *line,
    struct reason *why)
{
	enum input_result result = INPUT_RECORD;

	if (j->broken)
		return INPUT_FAILED;
	if (j->skipping)
		result = skip_value(j);
	if (result == INPUT_RECORD && !j->walking)
		result = look_between(j);
	*line = j->line;
	return result == INPUT_RECORD ? look_at_value(j, v, why) : result;
}

/* The next value. INPUT_RECORD: it was scanned; INPUT_BAD with its bytes and *why; INPUT_END,
 * INPUT_AGAIN; INPUT_FAILED: j->broken, or in errno. */
static enum input_result take_value(struct json_reader *j, struct found *v, uint64_t *line,
    struct reason *why)
{
	for (;;) {
		enum input_result result = look(j, v, line, why);
		if (result != INPUT_AGAIN)
			return result;
		switch (source_fill(j->source)) {
		case SOURCE_MORE:
		case SOURCE_END:
			break;
		case SOURCE_AGAIN:
			return INPUT_AGAIN;
		case SOURCE_FAILED:
			return INPUT_FAILED;
		}
	}
}

/* A record is one line wherever it is written: line breaks between its tokens (in them there are
 * none) become spaces. */
static void flatten(char *text, size_t n)
{
	static const char breaks[] = { '\n', '\r' };

	for (size_t i = 0; i < sizeof breaks; i++)
		for (char *p = text, *end = text + n; (p = memchr(p, breaks[i], (size_t)(end - p)));
		     p++)
			*p = ' ';
}

enum input_result json_reader_next(struct json_reader *j, struct record *r, struct reason *why)
{
	struct found v;

	json_records_forget(&j->records);
	j->records.encoding = j->source->encoding;
	r->count = 0;
	enum input_result result = take_value(j, &v, &r->from.line, why);
	if (result != INPUT_RECORD && result != INPUT_BAD)
		return result;
	flatten(v.text, v.n);
	r->from.raw = v.text;
	r->from.raw_len = v.n;
	if (result == INPUT_BAD)
		return result;
	return json_records_take(&j->records, v.text, v.n, v.scanned, r, why) == 0 ? INPUT_RECORD :
	                                                                             INPUT_BAD;
}

enum input_result json_reader_count(struct json_reader *j, size_t bytes, uint64_t *count)
{
	uint64_t begin = j->source->total, line;
	struct reason why;
	struct found v;

	while (j->source->total - begin < bytes) {
		enum input_result result = take_value(j, &v, &line, &why);
		if (result != INPUT_RECORD && result != INPUT_BAD)
			return result;
		++*count;
	}
	return INPUT_RECORD;
}
