/* NDJSON records: one object a line. */
#include "input/reader.h"

#include <string.h>
#include "base/reason.h"
#include "input/json_wrapper.h"
#include "input/record.h"
#include "base/utf8.h"

void ndjson_reader_init(struct ndjson_reader *j, struct source *s, size_t longest,
    uint64_t *last_layout)
{
	*j = (struct ndjson_reader){ .source = s, .longest = longest, .line = 1 };
	json_records_init(&j->records, last_layout);
}

void ndjson_reader_free(struct ndjson_reader *j)
{
	json_records_free(&j->records);
	*j = (struct ndjson_reader){ 0 };
}

static bool is_blank(const char *line, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (line[i] != ' ' && line[i] != '\t' && line[i] != '\r')
			return false;
	return true;
}

/* In a line that is too long: drops the rest of it. */
static void skip_line(struct ndjson_reader *j)
{
	struct source *s = j->source;
	const char *from = s->data + s->start, *found = memchr(from, '\n', s->end - s->start);

	s->start = found ? (size_t)(found + 1 - s->data) : s->end;
	if (found) {
		j->skipping = false;
		j->line++;
	}
}

/* The line at s->start is too long: shows the beginning of it. */
static enum input_result too_long(struct ndjson_reader *j, size_t seen, const char **line,
    size_t *n, struct reason *why)
{
	struct source *s = j->source;

	*line = s->data + s->start;
	*n = utf8_cut(*line, seen, RAW_SHOWN);
	s->start += seen;
	j->seen = 0;
	j->skipping = true;
	input_too_long(j->longest, why);
	json_wrapper_begins(*line, *n, why);
	return INPUT_BAD;
}

/* Looks for the end of the line at s->start. INPUT_RECORD with the line, without its end;
 * INPUT_BAD; INPUT_AGAIN. */
static enum input_result look_at_line(struct ndjson_reader *j, const char **line, size_t *n,
    struct reason *why)
{
	struct source *s = j->source;
	const char *from = s->data + s->start;
	size_t held = s->end - s->start;
	const char *found = memchr(from + j->seen, '\n', held - j->seen);

	*line = from;
	*n = found ? (size_t)(found - from) : held;
	if (!found && *n < j->longest + 2 && !s->at_end) {
		j->seen = held;
		return INPUT_AGAIN;
	}
	size_t whole = *n;
	if (whole > 0 && from[whole - 1] == '\r' && (found || s->at_end))
		--*n;
	if (*n > j->longest)
		return too_long(j, j->longest + 1, line, n, why);
	j->seen = 0;
	s->start += whole + (found != NULL);
	return INPUT_RECORD;
}

/* The next line that is not blank; *at is its number. INPUT_FAILED: in errno. */
static enum input_result take_line(struct ndjson_reader *j, const char **line, size_t *n,
    uint64_t *at, struct reason *why)
{
	struct source *s = j->source;

	for (;;) {
		enum input_result result = INPUT_AGAIN;
		if (j->skipping)
			skip_line(j);
		*at = j->line;
		if (s->start < s->end)
			result = look_at_line(j, line, n, why);
		else if (s->at_end)
			return INPUT_END;
		if (result == INPUT_BAD)
			return result;
		if (result == INPUT_RECORD) {
			j->line++;
			if (!is_blank(*line, *n))
				return result;
			continue;
		}
		switch (source_fill(s)) {
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

enum input_result ndjson_reader_next(struct ndjson_reader *j, struct record *r, struct reason *why)
{
	const char *line = NULL;
	size_t n = 0;

	json_records_forget(&j->records);
	j->records.encoding = j->source->encoding;
	enum input_result result = take_line(j, &line, &n, &r->from.line, why);
	if (result == INPUT_RECORD)
		return json_records_take(&j->records, line, n, json_scan(&j->records.scan, line, n),
		           r, why) == 0 ?
		    INPUT_RECORD :
		    INPUT_BAD;
	r->count = 0;
	if (result == INPUT_BAD) {
		r->from.raw = line;
		r->from.raw_len = n;
	}
	return result;
}

enum input_result ndjson_reader_count(struct ndjson_reader *j, size_t bytes, uint64_t *count)
{
	uint64_t begin = j->source->total, at;
	struct reason why;
	const char *line;
	size_t n;

	while (j->source->total - begin < bytes) {
		enum input_result result = take_line(j, &line, &n, &at, &why);
		if (result != INPUT_RECORD && result != INPUT_BAD)
			return result;
		++*count;
	}
	return INPUT_RECORD;
}
