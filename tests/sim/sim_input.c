/* A row is made from its number and the life's seed, whenever somebody asks for it. */
#include "sim_input.h"

#include <inttypes.h>
#include <stdio.h>
#define XXH_INLINE_ALL
#include <xxhash.h>
#include <stdlib.h>
#include <string.h>
#include "base/text.h"
#include "sim_encode.h"

void plan_name(const struct life *l, unsigned file, char name[PLAN_NAME])
{
	static const char *const endings[] = {
		[LIFE_CSV] = "csv",
		[LIFE_NDJSON] = "ndjson",
		[LIFE_ARRAY] = "json",
		[LIFE_OBJECTS] = "json",
	};
	char number[12] = "";

	if (file > 0)
		snprintf(number, sizeof number, "%u", file + 1);
	snprintf(name, PLAN_NAME, "users%s.%s%s", number, endings[l->format],
	    l->packed ? ".gz" : "");
}

static void add_padding(struct buf *out, const struct life *l, unsigned number)
{
	static const char *const pieces[] = { "plain", " and ", "\xc3\xa9", "\"", ",", "\n", "\\",
		"x" };
	uint64_t r = life_random(l, "padding", number);
	size_t size = l->padding && r % 4 == 0 ? (size_t)((r >> 8) % (uint64_t)l->padding) : 0;

	for (unsigned i = 0; out->len < size; i++) {
		buf_str(out, pieces[life_random(l, "piece", number * 131 + i) % 8]);
		if (size - out->len > 200)
			buf_str(out, "01234567890123456789012345678901234567890123456789");
	}
}

static void add_cell(struct buf *out, const struct buf *text)
{
	buf_byte(out, '"');
	for (size_t i = 0; i < text->len; i++) {
		if (text->data[i] == '"')
			buf_byte(out, '"');
		buf_byte(out, text->data[i]);
	}
	buf_byte(out, '"');
}

static const char *pick_action(const struct life *l, unsigned number, const char *const *names,
    unsigned count)
{
	return names[life_random(l, "action", number) % count];
}

static const char *action_of(const struct life *l, unsigned number)
{
	static const char *const names[] = {
		[LIFE_IDENTIFY] = "identify",
		[LIFE_TRACK] = "track",
		[LIFE_DELETE] = "delete",
		[LIFE_SUPPRESS] = "suppress",
		[LIFE_EMAIL] = "send-email",
		[LIFE_PUSH] = "send-push",
		[LIFE_SMS] = "send-sms",
	};
	static const char *const segment[] = { "segment-add", "segment-remove" };
	static const char *const related[] = { "identify", "merge", "object", "relate" };

	switch (l->action) {
	case LIFE_MIXED:
		return pick_action(l, number, names, LIFE_MIXED);
	case LIFE_SEGMENT:
		return pick_action(l, number, segment, 2);
	case LIFE_RELATED:
		return pick_action(l, number, related, 4);
	default:
		return names[l->action];
	}
}

static bool does(const struct life *l, unsigned number, const char *action)
{
	return number > 0 && strcmp(action_of(l, number), action) == 0;
}

unsigned plan_segment_mark(const struct life *l, bool removes, unsigned number)
{
	return !removes || does(l, number, "segment-remove") ? number : number + 1;
}

int plan_poison(const struct life *l, unsigned mark)
{
	return life_happens(l, "poison", mark, l->poison)    ? 400 :
	    life_happens(l, "stubborn", mark, l->poison / 4) ? 500 :
	                                                       0;
}

static const char *poison_of(const struct row *row)
{
	return row->poison ? "400" : row->stubborn ? "500" : "";
}

/* One who is taken out of a segment is, where that can be, the one who was put into it before; one
 * who was merged into another may be there again. */
static void add_person(struct buf *out, const struct life *l, const struct row *row)
{
	unsigned n = row->number;

	if (does(l, n, "segment-remove") && does(l, n - 1, "segment-add"))
		buf_fmt(out, "own%u", row->mark - 1);
	else if (row->own)
		buf_fmt(out, "own%u", row->mark);
	else if (row->other && does(l, n, "identify"))
		buf_fmt(out, "m%u", n - 1);
	else
		buf_fmt(out, "p%u", row->person);
}

/* Which columns a row of LIFE_RELATED has beside. */
struct related {
	bool person, object, merge;
};

static struct related related_of(const struct life *l, const struct row *row, bool nobody)
{
	unsigned n = row->number;

	return (struct related){
		.person = !nobody && (does(l, n, "identify") || does(l, n, "relate")),
		.object = !nobody && (does(l, n, "object") || does(l, n, "relate")),
		.merge = !nobody && does(l, n, "merge"),
	};
}

static void add_csv_related(struct buf *out, const struct row *row, struct related has)
{
	if (has.object)
		buf_fmt(out, ",o%u,,", row->person % 3);
	else if (has.merge)
		buf_fmt(out, ",,p%u,m%u", row->person, row->mark);
	else
		buf_str(out, ",,,");
}

static void add_json_related(struct buf *out, const struct row *row, struct related has)
{
	if (has.object)
		buf_fmt(out, "\"object_id\":\"o%u\",", row->person % 3);
	if (has.merge)
		buf_fmt(out, "\"primary_id\":\"p%u\",\"secondary_id\":\"m%u\",", row->person,
		    row->mark);
}

static void add_time(struct buf *out, const struct life *l, unsigned number)
{
	if (l->timestamps)
		buf_fmt(out, "%" PRIu64,
		    UINT64_C(1700000000) + life_random(l, "time", number) % 1000000);
}

/* What is wrong with an invalid record: its cells are too few, it names nobody, it is no UTF-8. */
static void add_csv_row(struct buf *out, const struct life *l, const struct row *row)
{
	unsigned wrong = row->invalid ? 1 + life_random(l, "wrong", row->number) % 3 : 0;
	struct buf pad;

	buf_init(&pad, SIZE_MAX);
	struct related related = related_of(l, row, wrong == 2);
	add_padding(&pad, l, row->number);
	if (l->action == LIFE_RELATED ? related.person : wrong != 2)
		add_person(out, l, row);
	buf_fmt(out, ",%u,%s", row->number, poison_of(row));
	if (wrong == 1) {
		buf_free(&pad);
		return;
	}
	buf_byte(out, ',');
	if (wrong == 3)
		buf_str(out, "\xff");
	else if (pad.len)
		add_cell(out, &pad);
	buf_fmt(out, ",%s,", action_of(l, row->number));
	add_time(out, l, row->number);
	if (life_sends(l))
		buf_fmt(out, ",to%u@example.com", row->person);
	if (l->action == LIFE_RELATED)
		add_csv_related(out, row, related);
	buf_free(&pad);
}

/* What is no object is no JSON, either, among lines. */
static const char *opening(const struct life *l, const struct row *row, bool no_object)
{
	if (l->format == LIFE_NDJSON)
		return no_object ? "[" : "{";
	return life_random(l, "layout", row->number) % 2 ? "{\n " : "{";
}

static void add_json_row(struct buf *out, const struct life *l, const struct row *row)
{
	unsigned wrong = row->invalid ? 1 + life_random(l, "wrong", row->number) % 3 : 0;
	struct buf pad;

	if (wrong == 1 && l->format != LIFE_NDJSON) {
		buf_str(out, "\"no object\"");
		return;
	}
	buf_init(&pad, SIZE_MAX);
	add_padding(&pad, l, row->number);
	struct related related = related_of(l, row, wrong == 2);
	buf_str(out, opening(l, row, wrong == 1));
	if (l->action == LIFE_RELATED ? related.person : wrong != 2) {
		buf_str(out, "\"id\":\"");
		add_person(out, l, row);
		buf_str(out, "\",");
	}
	if (l->action == LIFE_RELATED)
		add_json_related(out, row, related);
	buf_fmt(out, "\"n\":%u,\"p\":\"%s\",\"pad\":", row->number, poison_of(row));
	text_json(out, pad.data ? pad.data : "", pad.len);
	buf_fmt(out, ",\"do\":\"%s\"", action_of(l, row->number));
	if (l->timestamps) {
		buf_str(out, ",\"timestamp\":");
		add_time(out, l, row->number);
	}
	if (life_sends(l))
		buf_fmt(out, ",\"to\":\"to%u@example.com\"", row->person);
	buf_str(out, wrong == 3 ? ",\"n\":1}" : "}");
	buf_free(&pad);
}

static uint64_t hash_padding(const struct life *l, unsigned number)
{
	struct buf pad;

	buf_init(&pad, SIZE_MAX);
	add_padding(&pad, l, number);
	uint64_t hash = pad.len ? XXH3_64bits(pad.data, pad.len) | 1 : 0;
	buf_free(&pad);
	return hash;
}

static void plan_row(struct row *row, const struct life *l, unsigned number)
{
	*row = (struct row){
		.number = number,
		.mark = number,
		.person = (unsigned)(life_random(l, "person", number) % (uint64_t)l->people),
		.event = does(l, number, "track"),
		.own = does(l, number, "delete") || does(l, number, "suppress") ||
		    l->action == LIFE_SEGMENT,
		.bare = does(l, number, "merge"),
		.other = does(l, number, "object") ||
		    (l->action == LIFE_RELATED && does(l, number, "identify") &&
		        does(l, number - 1, "merge") && life_random(l, "again", number) % 2),
		.invalid = life_happens(l, "invalid", number, l->invalid),
		.pad = hash_padding(l, number),
	};
	int poison = (row->own && l->action != LIFE_SEGMENT) || row->bare || row->invalid ?
	    0 :
	    plan_poison(l, number);
	row->poison = poison == 400;
	row->stubborn = poison == 500;
}

static uint64_t lines_in(const char *text, size_t n)
{
	uint64_t lines = 0;

	for (size_t i = 0; i < n; i++)
		lines += text[i] == '\n';
	return lines;
}

/* -- files -- */

typedef void row_writer(struct buf *out, const struct life *l, const struct row *row);

/* Adds a row's bytes to its file. */
static void add_row(struct input_plan *plan, struct row *row, const struct life *l, bool last,
    row_writer *add)
{
	struct buf *out = &plan->files[row->file];

	row->line = 1 + lines_in(out->data, out->len);
	if (l->format == LIFE_ARRAY && out->len > 2)
		buf_byte(out, ',');
	add(out, l, row);
	if (!last || !l->no_break)
		buf_byte(out, '\n');
}

static void begin(struct input_plan *plan, const struct life *l, size_t most, const char *header)
{
	*plan = (struct input_plan){ .rows = xcalloc(most, sizeof *plan->rows),
		.file_count = (unsigned)l->files };
	for (unsigned i = 0; i < plan->file_count; i++) {
		buf_init(&plan->files[i], SIZE_MAX / 2);
		buf_str(&plan->files[i],
		    l->format == LIFE_CSV       ? header :
		        l->format == LIFE_ARRAY ? "[\n" :
		                                  "");
	}
}

/* They become what they are on the disk. */
static void end(struct input_plan *plan, const struct life *l)
{
	for (unsigned i = 0; i < plan->file_count; i++) {
		if (l->format == LIFE_ARRAY)
			buf_str(&plan->files[i], "]\n");
		encode(&plan->files[i], (enum life_encoding)l->encoding);
		if (l->packed)
			encode_gzip(&plan->files[i]);
	}
}

void plan_make(struct input_plan *plan, const struct life *l, unsigned rows)
{
	begin(plan, l, rows,
	    life_sends(l)                 ? "id,n,p,pad,do,timestamp,to\n" :
	        l->action == LIFE_RELATED ? "id,n,p,pad,do,timestamp,object_id,primary_id,"
	                                    "secondary_id\n" :
	                                    "id,n,p,pad,do,timestamp\n");
	for (unsigned i = 0; i < rows; i++) {
		struct row *row = &plan->rows[plan->count++];
		plan_row(row, l, i + 1);
		row->file = i * plan->file_count / rows;
		add_row(plan, row, l, i + 1 == rows, l->format ? add_json_row : add_csv_row);
	}
	end(plan, l);
}

/* -- nights -- */

static void add_night_row(struct buf *out, const struct life *l, const struct row *row)
{
	const char *quote = row->invalid ? "" : "\"";

	if (row->invalid && l->format > LIFE_NDJSON)
		buf_str(out, "\"no object\"");
	else if (l->format)
		buf_fmt(out, "{\"id\":%sp%u%s,\"v\":%u}", quote, row->person, quote, row->value);
	else if (row->invalid)
		buf_fmt(out, "p%u", row->person);
	else
		buf_fmt(out, "p%u,%u", row->person, row->value);
}

/* What a person has that night: changed in some nights, the same in the others. */
static unsigned value_of(const struct life *l, unsigned person, unsigned night)
{
	while (night > 0 &&
	    !life_happens(l, "changes", (uint64_t)night << 20 | person, l->hasty ? 700 : 300))
		night--;
	return 1 +
	    (unsigned)(life_random(l, "value", (uint64_t)night << 20 | person) %
	        (l->hasty ? 2 : 1000));
}

static void plan_night_row(struct input_plan *plan, const struct life *l, unsigned person,
    unsigned value)
{
	struct row *row = &plan->rows[plan->count++];

	*row = (struct row){
		.number = (unsigned)plan->count,
		.mark = (unsigned)plan->count,
		.person = person,
		.value = value,
		.file = person * plan->file_count / (unsigned)l->records,
		.invalid = life_happens(l, "invalid", plan->count, l->invalid / 10),
	};
	add_row(plan, row, l, false, add_night_row);
}

void plan_make_night(struct input_plan *plan, const struct life *l, unsigned night)
{
	begin(plan, l, 2 * (size_t)l->records, "id,v\n");
	for (unsigned person = 0; person < l->records; person++) {
		uint64_t which = (uint64_t)night << 20 | person;
		unsigned value = value_of(l, person, night);
		if (life_happens(l, "gone", which, l->gone))
			continue;
		if (life_happens(l, "twice", which, l->twice))
			plan_night_row(plan, l, person, value + 1000);
		plan_night_row(plan, l, person, value);
	}
	end(plan, l);
}

void plan_free(struct input_plan *plan)
{
	for (unsigned i = 0; i < PLAN_FILES; i++)
		buf_free(&plan->files[i]);
	free(plan->rows);
	*plan = (struct input_plan){ 0 };
}

static bool is_before(const struct row *row, unsigned file, uint64_t line)
{
	return row->file != file ? row->file < file : row->line < line;
}

const struct row *plan_at_line(const struct input_plan *plan, unsigned file, uint64_t line)
{
	size_t low = 0, high = plan->count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		if (is_before(&plan->rows[middle], file, line))
			low = middle + 1;
		else
			high = middle;
	}
	const struct row *row = &plan->rows[low];
	return low < plan->count && row->file == file && row->line == line ? row : NULL;
}

const struct row *plan_marked(const struct input_plan *plan, unsigned mark)
{
	/* mostly its place */
	if (mark > 0 && mark <= plan->count && plan->rows[mark - 1].mark == mark)
		return &plan->rows[mark - 1];
	for (size_t i = 0; i < plan->count; i++)
		if (plan->rows[i].mark == mark)
			return &plan->rows[i];
	return NULL;
}

const struct row *plan_of_person(const struct input_plan *plan, unsigned person, unsigned value)
{
	for (size_t i = 0; i < plan->count; i++)
		if (plan->rows[i].person + 1 == person && plan->rows[i].value == value)
			return &plan->rows[i];
	return NULL;
}

const struct row *plan_last_of(const struct input_plan *plan, unsigned person)
{
	for (size_t i = plan->count; i > 0; i--)
		if (plan->rows[i - 1].person + 1 == person)
			return &plan->rows[i - 1];
	return NULL;
}
