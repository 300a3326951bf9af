/* Records for tests, from one line of text: {"a":1,...} as NDJSON, or a=1|b=2 as a CSV's names and
 * cells. */
#ifndef RECORDS_H
#define RECORDS_H

#include <check.h>
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "base/buf.h"
#include "base/text.h"
#include "input/record.h"

struct sample {
	struct record record;
	struct layout *layout; /* of sample_lay_out, or NULL */
	char **texts;          /* all that the fields point to */
	size_t text_count;
};

static inline char *sample_keep(struct sample *s, const char *text, size_t n)
{
	s->texts = xrealloc(s->texts, (s->text_count + 1) * sizeof *s->texts);
	return s->texts[s->text_count++] = field_text(text, n);
}

static inline struct field *sample_field(struct sample *s, const char *name, size_t name_len,
    const char *value, size_t value_len, enum field_kind kind)
{
	struct record *r = &s->record;
	struct buf key;

	buf_init(&key, BUF_UNBOUNDED);
	text_json(&key, name, name_len);
	buf_str(&key, ":\"");
	r->fields = xrealloc(r->fields, (r->count + 1) * sizeof *r->fields);
	r->fields[r->count] = (struct field){
		.name = sample_keep(s, name, name_len),
		.name_len = (uint32_t)name_len,
		.key = sample_keep(s, key.data, key.len),
		.key_len = (uint32_t)key.len - 2,
		.value = sample_keep(s, value, value_len),
		.value_len = value_len,
		.kind = kind,
	};
	buf_free(&key);
	return &r->fields[r->count++];
}

/* The end of the JSON value at s: brackets counted, strings whole. */
static inline const char *sample_value_end(const char *s)
{
	int depth = 0;

	for (bool in_string = false;; s++) {
		if (in_string) {
			if (*s == '\\')
				s++;
			else if (*s == '"')
				in_string = false;
			continue;
		}
		if (depth == 0 && (*s == ',' || *s == '}' || *s == ']' || *s == '\0'))
			return s;
		in_string = *s == '"';
		depth += (*s == '{' || *s == '[') - (*s == '}' || *s == ']');
	}
}

static inline void sample_ndjson(struct sample *s, const char *line)
{
	json_t *judge = json_loads(line, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, NULL);

	ck_assert_msg(judge != NULL, "not JSON: %s", line);
	json_decref(judge);
	for (const char *p = line + 1; *p == '"';) {
		const char *colon = p + 1;
		while (*colon != '"')
			colon++;
		const char *value = colon + 2, *end = sample_value_end(value);
		sample_field(s, p + 1, (size_t)(colon - p - 1), value, (size_t)(end - value),
		    FIELD_JSON);
		p = end + (*end == ',');
	}
}

static inline void sample_csv(struct sample *s, const char *line)
{
	for (const char *p = line; *p;) {
		const char *is = strchr(p, '='), *end = p + strcspn(p, "|");
		sample_field(s, p, (size_t)(is - p), is + 1, (size_t)(end - is - 1), FIELD_TEXT);
		p = end + (*end == '|');
	}
}

/* The record's number is 1; its raw bytes are the line. */
static inline struct sample sample_new(const char *line)
{
	struct sample s = { 0 };

	if (line[0] == '{')
		sample_ndjson(&s, line);
	else
		sample_csv(&s, line);
	s.record.from =
	    (struct origin){ .raw = line, .raw_len = strlen(line), .number = 1, .line = 1 };
	return s;
}

/* What a reader says of the texts of a record that has a layout. */
static inline void sample_note_texts(struct record *r)
{
	r->blank = false;
	r->plain = true;
	for (size_t i = 0; i < r->count; i++) {
		const struct field *f = &r->fields[i];
		r->blank |= f->value_len == 0;
		for (size_t k = 0; f->kind == FIELD_TEXT && k < f->value_len; k++)
			r->plain &= !strchr("\"\\", f->value[k]) &&
			    (unsigned char)f->value[k] >= ' ';
	}
}

/* Gives the record a layout, its own fields, of that number. */
static inline void sample_lay_out(struct sample *s, uint64_t number)
{
	s->layout = xmalloc(sizeof *s->layout);
	*s->layout = (struct layout){ s->record.fields, s->record.count, number };
	s->record.layout = s->layout;
	sample_note_texts(&s->record);
}

static inline void sample_free(struct sample *s)
{
	free(s->layout);
	for (size_t i = 0; i < s->text_count; i++)
		free(s->texts[i]);
	free(s->texts);
	free(s->record.fields);
}

#endif
