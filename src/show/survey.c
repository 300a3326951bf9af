/* Columns are found by name, and from then on by where a layout has them. */
#include "show/survey.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/text.h"
#include "operation/api.h"
#include "base/words.h"
#include "input/record.h"

#define COLUMNS_MOST 512u /* that are told apart */
#define COLUMNS_SHOWN 60u
#define SLOTS (2 * COLUMNS_MOST) /* a power of two */
#define EXAMPLE_BYTES 160u
#define NAME_CELLS 26u
#define TYPE_CELLS 12u
#define COUNT_CELLS 11u

/* What values there are: a bit each. */
enum {
	SEEN_TEXT = 1,
	SEEN_NUMBER = 2,
	SEEN_BOOL = 4,
	SEEN_OBJECT = 8,
	SEEN_ARRAY = 16,
};

struct column {
	const struct field *at; /* where the layout has it; NULL: not known */
	uint64_t filled;        /* records in which it is not empty */
	char *example;          /* the first value, cut to EXAMPLE_BYTES; owned */
	unsigned seen;
	uint32_t example_len;
	bool expected; /* it is in the survey's `expected` */
	char *name;    /* owned */
	size_t name_len;
};

struct survey {
	uint64_t records;
	uint64_t layout; /* of the last record */
	struct column columns[COLUMNS_MOST];
	size_t count;
	uint16_t expected[COLUMNS_MOST]; /* columns' places, in the order of a header */
	size_t expected_count;
	uint16_t slots[SLOTS]; /* by the name's hash: a column's place and one, 0: free */
	bool more;             /* there were more than are told apart */
	size_t id;             /* the column that names the person; COLUMNS_MOST: none did */
	enum id_type id_type;
};

struct survey *survey_new(void)
{
	struct survey *s = xcalloc(1, sizeof *s);

	s->id = COLUMNS_MOST;
	return s;
}

void survey_free(struct survey *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->count; i++) {
		free(s->columns[i].name);
		free(s->columns[i].example);
	}
	free(s);
}

/* -- gathering -- */

static struct column *find(struct survey *s, const char *name, size_t n)
{
	size_t at = XXH3_64bits(name, n) & (SLOTS - 1);

	for (; s->slots[at]; at = (at + 1) & (SLOTS - 1)) {
		struct column *c = &s->columns[s->slots[at] - 1];
		if (c->name_len == n && memcmp(c->name, name, n) == 0)
			return c;
	}
	if (s->count == COLUMNS_MOST) {
		s->more = true;
		return NULL;
	}
	struct column *c = &s->columns[s->count++];
	*c = (struct column){ .name = xstrndup(name, n), .name_len = n };
	s->slots[at] = (uint16_t)s->count;
	return c;
}

/* Of a JSON value, by its first byte; null has none. */
static const unsigned char kinds[256] = {
	['"'] = SEEN_TEXT,
	['t'] = SEEN_BOOL,
	['f'] = SEEN_BOOL,
	['{'] = SEEN_OBJECT,
	['['] = SEEN_ARRAY,
	['-'] = SEEN_NUMBER,
	['0'] = SEEN_NUMBER,
	['1'] = SEEN_NUMBER,
	['2'] = SEEN_NUMBER,
	['3'] = SEEN_NUMBER,
	['4'] = SEEN_NUMBER,
	['5'] = SEEN_NUMBER,
	['6'] = SEEN_NUMBER,
	['7'] = SEEN_NUMBER,
	['8'] = SEEN_NUMBER,
	['9'] = SEEN_NUMBER,
};

static void take_example(struct column *c, const struct field *f)
{
	c->example_len = (uint32_t)(f->value_len < EXAMPLE_BYTES ? f->value_len : EXAMPLE_BYTES);
	c->example = xstrndup(f->value, c->example_len);
}

/* Every field of every record comes by here. */
static inline void look(struct column *c, const struct field *f)
{
	unsigned kind = SEEN_TEXT;
	size_t empty = 0;

	if (f->kind == FIELD_JSON) {
		kind = kinds[(unsigned char)*f->value];
		empty = kind == SEEN_TEXT ? strlen("\"\"") : 0;
	}
	if (kind == 0 || f->value_len == empty)
		return;
	c->filled++;
	c->seen |= kind;
	if (!c->example)
		take_example(c, f);
}

static void forget_places(struct survey *s)
{
	for (size_t i = 0; i < s->count; i++)
		s->columns[i].at = NULL;
}

/* The column of a field that does not stand where the last one's successor is. Fields of one layout
 * come in one order, but those that are empty may be left out. */
static struct column *search(struct survey *s, const struct field *f, size_t *next)
{
	for (size_t i = *next; i < s->count && s->columns[i].at; i++)
		if (s->columns[i].at == f) {
			*next = i + 1;
			return &s->columns[i];
		}
	struct column *c = find(s, f->name, f->name_len);
	if (c && s->layout) {
		c->at = f;
		*next = (size_t)(c - s->columns) + 1;
	}
	return c;
}

static void note_id(struct survey *s, const struct mapped *m)
{
	const struct column *c = m->id ? find(s, m->id->name, m->id->name_len) : NULL;

	if (!c)
		return;
	s->id = (size_t)(c - s->columns);
	s->id_type = m->id_type;
}

void survey_record(struct survey *s, const struct mapped *m, uint64_t layout)
{
	const struct field *const *fields = m->fields;
	size_t i = 0, known;

	s->records++;
	if (layout == 0 || layout != s->layout)
		forget_places(s);
	s->layout = layout;
	known = m->count < s->count ? m->count : s->count;
	for (; i < known && s->columns[i].at && s->columns[i].at == fields[i]; i++)
		look(&s->columns[i], fields[i]); /* most of them */
	for (size_t next = i; i < m->count; i++) {
		struct column *c = search(s, fields[i], &next);
		if (c)
			look(c, fields[i]);
	}
	if (s->id == COLUMNS_MOST)
		note_id(s, m);
}

void survey_expect(struct survey *s, const char *name, size_t n)
{
	struct column *c = find(s, name, n);

	if (!c || c->expected)
		return;
	c->expected = true;
	s->expected[s->expected_count++] = (uint16_t)(c - s->columns);
}

/* -- telling -- */

static void pad(struct buf *out, unsigned cells)
{
	while (cells-- > 0)
		buf_byte(out, ' ');
}

/* Words for each kind that there is: "text", "text/number"; "empty" where there is no value. */
static void add_type(const struct column *c, const struct survey_about *about, struct buf *out)
{
	static const char *const names[] = { "text", "number", "bool", "object", "list" };
	const char *typed = mapping_type_name(about->mapping, c->name, c->name_len, about->cells);
	const char *between = "";

	if (typed || !c->seen)
		buf_str(out, typed ? typed : "empty");
	for (size_t k = 0; !typed && k < sizeof names / sizeof *names; k++)
		if (c->seen & 1u << k) {
			buf_fmt(out, "%s%s", between, names[k]);
			between = "/";
		}
}

static void add_fitted(struct buf *out, const char *text, size_t n, unsigned cells)
{
	pad(out, cells - words_fit(out, text, n, cells));
}

static void add_column(const struct survey *s, const struct column *c,
    const struct survey_about *about, unsigned width, struct buf *out)
{
	unsigned taken = 2 + NAME_CELLS + 1 + TYPE_CELLS + 1 + COUNT_CELLS + 2;
	struct buf type = { .max = 100 }, empty = { .max = 40 };

	add_type(c, about, &type);
	words_count(&empty, s->records - c->filled, true);
	buf_str(out, "  ");
	add_fitted(out, c->name, c->name_len, NAME_CELLS);
	buf_byte(out, ' ');
	add_fitted(out, type.data ? type.data : "", type.len, TYPE_CELLS);
	buf_byte(out, ' ');
	pad(out, COUNT_CELLS > empty.len ? COUNT_CELLS - (unsigned)empty.len : 0);
	buf_add(out, empty.data, empty.len);
	if (c->example && width > taken + 4) {
		buf_str(out, "  ");
		words_fit(out, c->example, c->example_len, width - taken);
	}
	buf_byte(out, '\n');
	buf_free(&type);
	buf_free(&empty);
}

static void add_head(const struct survey *s, const struct survey_about *about, struct buf *out)
{
	text_safe(out, about->input, strlen(about->input), 1024);
	buf_fmt(out, " is read as %s.\n", about->format);
	if (s->id < COLUMNS_MOST) {
		buf_str(out, "The person is named by ");
		text_safe(out, s->columns[s->id].name, s->columns[s->id].name_len, 200);
		buf_fmt(out, ", as %s.\n", id_type_names[s->id_type]);
	} else if (about->names_people) {
		buf_fmt(out, "No field names the person: %s.\n",
		    about->mapping->id_field ? "correct --id" : "say which does with --id=FIELD");
	}
}

/* Whole objects of preferences undo choices: that is seldom meant. */
static void add_warning(const struct survey *s, struct buf *out)
{
	static const char name[] = "cio_subscription_preferences";

	for (size_t i = 0; i < s->count; i++)
		if (s->columns[i].name_len == sizeof name - 1 &&
		    memcmp(s->columns[i].name, name, sizeof name - 1) == 0 &&
		    s->columns[i].seen & SEEN_OBJECT)
			buf_fmt(out,
			    "%s replaces all that a person chose: topics that it\n"
			    "leaves out fall back to their default. To change one topic, send\n"
			    "%s.topics.topic_1, a bool.\n",
			    name, name);
}

/* What databases write for no value is a text in a CSV, unless it is said to be none. The first
 * value of a column tells. */
static void add_nulls(const struct survey *s, struct buf *out)
{
	static const char *const nulls[] = { "NULL", "\\N" };

	for (size_t k = 0; k < sizeof nulls / sizeof *nulls; k++) {
		size_t n = strlen(nulls[k]), count = 0;
		for (size_t i = 0; i < s->count; i++) {
			const struct column *c = &s->columns[i];
			if (c->example_len != n || memcmp(c->example, nulls[k], n) != 0)
				continue;
			if (count++)
				buf_str(out, ", ");
			else
				buf_fmt(out, "%s in ", nulls[k]);
			text_safe(out, c->name, c->name_len, 60);
		}
		if (count)
			buf_fmt(out,
			    " is taken for a text: say --null='%s' where it stands for no value.\n",
			    nulls[k]);
	}
}

/* A column called `subject` or `message` is more than data to a message. */
static void add_overrides(const struct survey *s, enum action action, struct buf *out)
{
	size_t count = 0;

	for (size_t i = 0; i < s->count; i++) {
		const struct column *c = &s->columns[i];
		if (!c->filled || !message_overrides(action, c->name, c->name_len))
			continue;
		buf_str(out, count++ ? ", " : "In place of what the message says itself stand: ");
		text_safe(out, c->name, c->name_len, 60);
	}
	if (count)
		buf_str(out, ".\n");
}

/* The first `most` columns, those that were expected before others. */
static void add_columns(const struct survey *s, const struct survey_about *about, unsigned width,
    size_t most, struct buf *out)
{
	size_t shown = s->expected_count < most ? s->expected_count : most;

	for (size_t i = 0; i < shown; i++)
		add_column(s, &s->columns[s->expected[i]], about, width, out);
	for (size_t i = 0; i < s->count && shown < most; i++) {
		if (s->columns[i].expected)
			continue;
		add_column(s, &s->columns[i], about, width, out);
		shown++;
	}
}

void survey_text(const struct survey *s, const struct survey_about *about, unsigned width,
    struct buf *out)
{
	size_t shown = s->count < COLUMNS_SHOWN ? s->count : COLUMNS_SHOWN;

	if (s->records == 0)
		return;
	add_head(s, about, out);
	buf_fmt(out, "  %-*s %-*s %*s  %s\n", (int)NAME_CELLS, "field", (int)TYPE_CELLS, "type",
	    (int)COUNT_CELLS, "empty", "for example");
	add_columns(s, about, width, shown, out);
	if (s->more)
		buf_fmt(out, "  and more than %zu others\n", s->count - shown);
	else if (s->count > shown)
		buf_fmt(out, "  and %zu others\n", s->count - shown);
	add_warning(s, out);
	if (about->cells)
		add_nulls(s, out);
	add_overrides(s, about->action, out);
}
