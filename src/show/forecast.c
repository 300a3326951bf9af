/* Reasons that differ only in their values are counted as one. */
#include "show/forecast.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "operation/api.h"
#include "base/words.h"

#define KIND_MAX 200

static void add_operation(struct forecast *f, size_t body_len, const struct envelope *e,
    size_t most)
{
	f->bytes += body_len;
	if (!e) {
		f->requests++;
		return;
	}
	bool full = f->batch_count &&
	    (f->batch_bytes + body_len + 1 > e->bytes_most || (most && f->batch_count >= most));
	if (full || f->batch_count == 0) {
		size_t frame = e->opening_len + e->closing_len;
		f->requests++;
		f->bytes += frame;
		f->batch_bytes = frame + body_len;
		f->batch_count = 1;
	} else {
		f->bytes++; /* the comma */
		f->batch_bytes += body_len + 1;
		f->batch_count++;
	}
}

void forecast_valid(struct forecast *f, size_t body_len, const struct envelope *e, size_t most)
{
	f->records++;
	f->valid++;
	add_operation(f, body_len, e, most);
}

void forecast_unchanged(struct forecast *f)
{
	f->records++;
	f->unchanged++;
}

void forecast_delete(struct forecast *f, size_t body_len, const struct envelope *e, size_t most)
{
	f->deletes++;
	add_operation(f, body_len, e, most);
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || strchr("_-.+", c) || (c & 0x80);
}

/* Where a number ends that stands for itself: a place, a count, a byte. NULL: its digits belong to
 * a name, such as q1 or UTF-8. */
static const char *skip_number(const char *s, char before)
{
	const char *p = s;

	if (*s < '0' || *s > '9' || (before && is_word(before)))
		return NULL;
	if (s[0] == '0' && s[1] == 'x')
		return s + 2 + strspn(s + 2, "0123456789abcdef");
	while (isdigit((unsigned char)*p) ||
	    ((*p == ',' || *p == '.') && isdigit((unsigned char)p[1])))
		p++;
	return isalpha((unsigned char)*p) || *p == '_' || *p == '-' ? NULL : p;
}

/* "email: value has 1,204 bytes" becomes "email: value has N bytes", "created_at: "soon" is ..."
 * becomes "created_at: "..." is ...". */
static void generalise(const char *reason, char out[KIND_MAX])
{
	char before = '\0';
	size_t n = 0;

	for (const char *s = reason; *s && n + 6 < KIND_MAX;) {
		const char *quote = *s == '"' ? strrchr(s + 1, '"') : NULL;
		const char *number = skip_number(s, before);
		before = *s;
		if (quote) {
			memcpy(out + n, "\"...\"", 5);
			n += 5;
			s = quote + 1;
		} else if (number) {
			out[n++] = 'N';
			s = number;
		} else {
			out[n++] = *s++;
		}
	}
	out[n] = '\0';
}

void forecast_invalid(struct forecast *f, const char *reason)
{
	char kind[KIND_MAX];

	f->records++;
	f->invalid++;
	generalise(reason, kind);
	for (size_t i = 0; i < f->kind_count; i++)
		if (strcmp(f->kinds[i].text, kind) == 0) {
			f->kinds[i].count++;
			return;
		}
	if (f->kind_count == FORECAST_KINDS) {
		f->other++;
		return;
	}
	f->kinds[f->kind_count++] = (struct forecast_kind){ .text = xstrdup(kind), .count = 1 };
}

static double a_second(const struct num_rate *rate)
{
	return (double)rate->num / (double)rate->den * 1e6;
}

static void add_time(const struct forecast *f, const struct num_rate *rate,
    const struct num_rate *record_rate, struct buf *out)
{
	double seconds = 0, operations = (double)(f->valid + f->deletes);

	if (rate->num)
		seconds = (double)f->requests / a_second(rate);
	if (record_rate->num && operations / a_second(record_rate) > seconds)
		seconds = operations / a_second(record_rate);
	buf_str(out, "  time      ");
	if (rate->num || record_rate->num)
		words_span(out, (int64_t)(seconds * 1e6));
	else
		buf_str(out, "not known at an unlimited rate");
	if (rate->num) {
		buf_str(out, " at ");
		words_rate(out, a_second(rate), true);
		buf_str(out, " requests/s");
	}
	if (record_rate->num) {
		buf_str(out, ", at most ");
		words_rate(out, a_second(record_rate), true);
		buf_str(out, " records/s");
	}
	buf_byte(out, '\n');
}

static void add_sync(const struct forecast *f, struct buf *out)
{
	buf_str(out, "  unchanged ");
	words_count(out, f->unchanged, true);
	buf_str(out, "\n  deletes   ");
	words_count(out, f->deletes, true);
	if (f->kept) {
		buf_str(out, " (");
		words_count(out, f->kept, true);
		buf_fmt(out, " people are not in the input: %s)", f->kept_why);
	}
	buf_byte(out, '\n');
}

void forecast_event(struct forecast *f, enum event_id id)
{
	f->facts += id == EVENT_ID_CONTENT;
	f->happenings += id == EVENT_ID_RUN;
}

static void add_events(const struct forecast *f, struct buf *out)
{
	const char *name = "  events    ";

	if (f->facts) {
		buf_str(out, name);
		words_count(out, f->facts, true);
		buf_str(out, " with a time of their own: the same ones when imported again\n");
		name = "            ";
	}
	if (f->happenings) {
		buf_str(out, name);
		words_count(out, f->happenings, true);
		buf_str(out, " without: other ones when imported again (see event_id)\n");
	}
}

void forecast_text(const struct forecast *f, const struct num_rate *rate,
    const struct num_rate *record_rate, bool sync, struct buf *out)
{
	buf_str(out, "Forecast: nothing was sent\n  records   ");
	words_count(out, f->records, true);
	buf_str(out, "\n  requests  ");
	words_count(out, f->requests, true);
	buf_str(out, "\n  bytes     ");
	words_count(out, f->bytes, true);
	buf_byte(out, '\n');
	add_time(f, rate, record_rate, out);
	add_events(f, out);
	if (sync)
		add_sync(f, out);
	buf_str(out, "  invalid   ");
	words_count(out, f->invalid, true);
	buf_byte(out, '\n');
	for (size_t i = 0; i < f->kind_count; i++) {
		buf_str(out, "    ");
		words_count(out, f->kinds[i].count, true);
		buf_fmt(out, "  %s\n", f->kinds[i].text);
	}
	if (f->other) {
		buf_str(out, "    ");
		words_count(out, f->other, true);
		buf_str(out, "  for other reasons\n");
	}
}

void forecast_free(struct forecast *f)
{
	for (size_t i = 0; i < f->kind_count; i++)
		free(f->kinds[i].text);
}
