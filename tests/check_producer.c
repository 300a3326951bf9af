/* The producer: what it makes is the same whether it works ahead or not, and it can be left at any
 * time. */
#include <check.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "dice.h"
#include "harness.h"
#include "input/input.h"
#include "base/log.h"
#include "run/producer.h"
#include "operation/mapping.h"
#include "options/options.h"
#include "scene.h"
#include "unix.h"
#include "base/os.h"

Suite *producer_suite(void);

#define FILES 3
#define SOON_SEEN 100u /* operations that may lie between one that is announced and its turn */

/* FILEs in a folder of their own, and what makes operations of them. */
struct setting {
	char path[64];
	char *names[FILES];
	const char *files[FILES];
	struct options o;
	struct operation_config config;
	struct input *input;
	struct mapping *mapping;
	struct producer *producer;
};

static void setting_open(struct setting *s)
{
	*s = (struct setting){ 0 };
	strcpy(s->path, "/tmp/cio-producer-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(s->path));
	s->o.input.files = s->files;
	s->o.input.dialect.quote = '"';
	s->o.mapping = (struct mapping_config){ .id_type = -1, .infer = true };
	s->config = (struct operation_config){ .v2 = true, .destination = "here" };
}

static void setting_end(struct setting *s)
{
	producer_free(s->producer);
	mapping_free(s->mapping);
	input_free(s->input);
	s->producer = NULL;
	s->mapping = NULL;
	s->input = NULL;
}

static void setting_close(struct setting *s)
{
	setting_end(s);
	for (size_t i = 0; i < s->o.input.file_count; i++) {
		unlink(s->names[i]);
		free(s->names[i]);
	}
	ck_assert_int_eq(rmdir(s->path), 0);
}

static void write_file(const char *name, const struct buf *text)
{
	FILE *file = fopen(name, "wb");

	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(text->data, 1, text->len, file), text->len);
	ck_assert_int_eq(fclose(file), 0);
}

static const char *setting_name(struct setting *s, const char *name)
{
	size_t i = s->o.input.file_count++;
	size_t most = strlen(s->path) + strlen(name) + 2;

	s->names[i] = xmalloc(most);
	snprintf(s->names[i], most, "%s/%s", s->path, name);
	return s->files[i] = s->names[i];
}

static void setting_add(struct setting *s, const char *name, struct buf *text)
{
	write_file(setting_name(s, name), text);
	buf_free(text);
}

static void setting_begin(struct setting *s, bool ahead)
{
	struct reason why;
	int status;

	setting_end(s);
	s->input = input_new(&s->o.input, &why, &status);
	ck_assert_msg(s->input != NULL, "%s", why.text);
	s->mapping = mapping_new(&s->o.mapping);
	s->producer = producer_new(&s->o, s->input, s->mapping, &s->config, ahead, NULL);
}

static bool two_processors(void)
{
	return os_processors() > 1;
}

/* -- input -- */

static void add_filling(struct buf *b, size_t n)
{
	memset(buf_room(b, n), '"', n); /* twice as much in JSON */
	b->len += n;
}

/* Rows and lines of every kind; now and then one that fills a block, or several. */
static void add_csv(struct buf *b, struct dice *d, int rows)
{
	buf_str(b, "id,email,name,spent\n");
	for (int i = 0; i < rows; i++) {
		buf_fmt(b, "%d,user%d@example.com,", (int)dice_below(d, 10000), i);
		if (dice_one_in(d, 300)) {
			buf_byte(b, '"');
			add_filling(b,
			    2 * (size_t)dice_below(d, dice_one_in(d, 5) ? 300000 : 1000));
			buf_byte(b, '"');
		}
		buf_str(b,
		    dice_one_in(d, 40)     ? ",1,one too many\n" :
		        dice_one_in(d, 40) ? "\xff,\n" :
		                             ",29.99\n");
	}
}

static void add_ndjson(struct buf *b, struct dice *d, int lines)
{
	static const char *const others[] = { "{\"name\":\"Nobody\"}", "{\"id\":1,", "[]",
		"{\"id\":{}}" };

	for (int i = 0; i < lines; i++) {
		if (i > 0 && dice_one_in(d, 30)) /* the first one says what the file is */
			buf_str(b, others[dice_below(d, 4)]);
		else
			buf_fmt(b, "{\"id\":%d,\"name\":\"user %d\",\"tags\":[1,2]}", i, i);
		buf_byte(b, '\n');
	}
}

static void add_all(struct setting *s, struct dice *d)
{
	struct buf csv = { .max = BUF_UNBOUNDED }, ndjson = { .max = BUF_UNBOUNDED },
	           small = { .max = BUF_UNBOUNDED };

	add_csv(&csv, d, 3000);
	add_ndjson(&ndjson, d, 3000);
	buf_str(&small, "id\n1\n2\n");
	setting_add(s, "users.csv", &csv);
	setting_add(s, "users.ndjson", &ndjson);
	setting_add(s, "more.csv", &small);
}

/* -- what is made, as text -- */

static void tell(const struct made *made, struct buf *out)
{
	const struct operation *op = &made->op;

	buf_fmt(out, "%d %d %s %u:%" PRIu64 " %" PRIu64, (int)made->kind, made->status,
	    made->why ? made->why : "-", op->from.file, op->from.line, op->from.number);
	if (made->kind <= MADE_BAD) {
		buf_fmt(out, " %u %" PRIx64 " ", op->key_count, op->keys[0]);
		buf_add(out, op->from.raw, op->from.raw_len);
		buf_byte(out, ' ');
		buf_add(out, op->id, op->id_len + 1);
	}
	if (made->kind == MADE_OPERATION) {
		buf_fmt(out, " %s %s %s ", action_name(op->action), method_name(op->method),
		    op->path);
		buf_add(out, op->body, op->body_len);
	}
	buf_byte(out, '\n');
}

/* Everything to the end; how many of each kind in counts. */
static void tell_all(struct setting *s, struct buf *out, size_t counts[MADE_FAILED + 1])
{
	const struct made *made;

	do {
		made = producer_next(s->producer);
		counts[made->kind]++;
		tell(made, out);
	} while (made->kind != MADE_END && made->kind != MADE_FAILED);
}

START_TEST(the_same_ahead)
{
	struct dice d = dice_new("the_same_ahead");

	for (int round = 0; round < 4; round++) {
		struct buf one = { .max = BUF_UNBOUNDED }, other = { .max = BUF_UNBOUNDED };
		size_t counts[MADE_FAILED + 1] = { 0 }, again[MADE_FAILED + 1] = { 0 };
		struct setting s;
		setting_open(&s);
		add_all(&s, &d);
		s.o.skip = (uint64_t)dice_below(&d, 50);
		s.config.v2 = s.o.no_limits = s.config.no_limits = round % 2;
		setting_begin(&s, false);
		ck_assert(!producer_is_ahead(s.producer));
		tell_all(&s, &one, counts);
		setting_begin(&s, true);
		ck_assert_int_eq(producer_is_ahead(s.producer), two_processors());
		tell_all(&s, &other, again);
		ck_assert_uint_eq(one.len, other.len);
		ck_assert_mem_eq(one.data, other.data, one.len);
		ck_assert_uint_gt(counts[MADE_OPERATION], 4000);
		ck_assert_uint_gt(counts[MADE_INVALID], 10);
		ck_assert_uint_gt(counts[MADE_BAD], 10);
		ck_assert_uint_eq(counts[MADE_PASSED], s.o.skip);
		ck_assert_uint_eq(counts[MADE_END], 1);
		buf_free(&one);
		buf_free(&other);
		setting_close(&s);
	}
}
END_TEST

/* Row after row of every length around what a block has room for: none is lost, and none is cut. */
START_TEST(every_length)
{
	struct buf text = { .max = BUF_UNBOUNDED };
	struct setting s;
	size_t rows = 0;

	setting_open(&s);
	s.o.no_limits = s.config.no_limits = true;
	s.config.v2 = false;
	buf_str(&text, "id,name\n");
	for (size_t n = 21000; n < 66000; n += 97, rows++) {
		buf_fmt(&text, "%zu,", n);
		memset(buf_room(&text, n), 'x', n);
		text.len += n;
		buf_byte(&text, '\n');
	}
	setting_add(&s, "users.csv", &text);
	for (int ahead = 0; ahead < 2; ahead++) {
		setting_begin(&s, ahead);
		for (size_t i = 0; i < rows; i++) {
			const struct made *made = producer_next(s.producer);
			size_t n = 21000 + i * 97;
			ck_assert_int_eq(made->kind, MADE_OPERATION);
			ck_assert_uint_eq(made->op.from.raw_len, n + 6);
			ck_assert_uint_eq(made->op.body_len, n + strlen("{\"name\":\"\"}"));
			ck_assert_mem_eq(made->op.body + made->op.body_len - 3, "x\"}", 3);
		}
		ck_assert_int_eq(producer_next(s.producer)->kind, MADE_END);
	}
	setting_close(&s);
}
END_TEST

/* Rows that become six times as long, until the blocks are full: none is cut, and none is written
 * past the end. */
START_TEST(rows_that_grow)
{
	struct buf text = { .max = BUF_UNBOUNDED };
	struct setting s;

	setting_open(&s);
	buf_str(&text, "id,name\n");
	for (int row = 0; row < 500; row++) {
		size_t n = 850 + (size_t)row % 90;
		buf_fmt(&text, "%d,", row);
		memset(buf_room(&text, n), '\x01', n);
		text.len += n;
		buf_byte(&text, '\n');
	}
	setting_add(&s, "users.csv", &text);
	for (int ahead = 0; ahead < 2; ahead++) {
		setting_begin(&s, ahead);
		for (int row = 0; row < 500; row++) {
			const struct made *made = producer_next(s.producer);
			ck_assert_int_eq(made->kind, MADE_OPERATION);
			ck_assert_mem_eq(made->op.body + made->op.body_len - 9, "\\u0001\"}}", 9);
			const char *name = strstr(made->op.body, "\"name\":\"");
			ck_assert_ptr_nonnull(name);
			ck_assert_uint_eq((size_t)(made->op.body + made->op.body_len - name),
			    8 + (850 + (size_t)row % 90) * 6 + 3);
		}
		ck_assert_int_eq(producer_next(s.producer)->kind, MADE_END);
	}
	setting_close(&s);
}
END_TEST

START_TEST(the_end_stays_the_end)
{
	struct buf text = { .max = 100 };
	struct setting s;

	setting_open(&s);
	buf_str(&text, "id\n1\n");
	setting_add(&s, "users.csv", &text);
	for (int ahead = 0; ahead < 2; ahead++) {
		setting_begin(&s, ahead);
		ck_assert_int_eq(producer_next(s.producer)->kind, MADE_OPERATION);
		for (int i = 0; i < 5; i++)
			ck_assert_int_eq(producer_next(s.producer)->kind, MADE_END);
	}
	setting_close(&s);
}
END_TEST

/* A run that stops leaves in the middle, with the blocks full or one of them half taken. */
START_TEST(left_at_any_time)
{
	struct dice d = dice_new("left_at_any_time");
	struct setting s;

	setting_open(&s);
	add_all(&s, &d);
	for (int round = 0; round < 200; round++) {
		setting_begin(&s, true);
		for (int64_t i = dice_below(&d, 3000); i > 0; i--)
			ck_assert_int_le(producer_next(s.producer)->kind, MADE_BAD);
		if (dice_one_in(&d, 10))
			unix_nap(2000); /* long enough to fill what there is, mostly */
	}
	setting_close(&s);
}
END_TEST

/* What is announced does come, and not long after. */
START_TEST(soon_comes)
{
	struct dice d = dice_new("soon_comes");
	uint64_t announced = 0, announcements = 0, at = 0;
	struct setting s;
	const struct made *made;

	setting_open(&s);
	add_all(&s, &d);
	setting_begin(&s, true);
	while ((made = producer_next(s.producer))->kind != MADE_END) {
		const struct operation *soon = producer_soon(s.producer);
		at = made->op.from.number;
		if (!soon)
			continue;
		if (soon->from.number) { /* else it is the end itself */
			announced = soon->from.number;
			ck_assert_uint_gt(announced, at);
			ck_assert_uint_le(announced, at + SOON_SEEN);
		}
		announcements++;
	}
	ck_assert_uint_le(announced, at);
	if (two_processors())
		ck_assert_uint_gt(announcements, 1000);
	setting_close(&s);
}
END_TEST

/* A dry run gets the bytes of those records alone that it may ask for: to say what is wrong, or for
 * a shard that no key tells. */
START_TEST(bytes_that_a_dry_run_wants)
{
	static const struct {
		const char *line;
		bool wanted;
	} lines[] = {
		{ "{\"id\":1}", false },
		{ "{\"name\":\"Nobody\"}", true },
		{ "{", true },
		{ "{\"id\":2,\"do\":\"entity\",\"type\":\"delivery\"}", true },
		{ "{\"id\":3,\"do\":\"delete\"}", false },
	};
	struct buf text = { .max = 1000 };
	struct setting s;

	setting_open(&s);
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
		buf_fmt(&text, "%s\n", lines[i].line);
	setting_add(&s, "in.ndjson", &text);
	s.o.mapping.action_field = "do";
	for (int dry = 0; dry < 2; dry++) {
		s.o.dry_run = dry;
		setting_begin(&s, dry);
		for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
			const struct origin *from = &producer_next(s.producer)->op.from;
			ck_assert_uint_eq(from->raw_len,
			    !dry || lines[i].wanted ? strlen(lines[i].line) : 0);
			ck_assert_mem_eq(from->raw, lines[i].line, from->raw_len);
		}
	}
	setting_close(&s);
}
END_TEST

/* A pipe may have nothing just now: nobody waits for it on a thread. */
START_TEST(a_pipe_is_not_read_ahead)
{
	struct setting s;

	setting_open(&s);
	ck_assert_int_eq(mkfifo(setting_name(&s, "users.ndjson"), 0600), 0);
	setting_begin(&s, true);
	ck_assert(!producer_is_ahead(s.producer));
	ck_assert_ptr_null(producer_soon(s.producer));
	setting_close(&s);
}
END_TEST

/* While the first FILE is read, and there is no room to read on, the second becomes a pipe: that
 * would have to be waited for. */
START_TEST(a_file_that_becomes_a_pipe)
{
	struct dice d = dice_new("a_file_that_becomes_a_pipe");
	struct buf first = { .max = BUF_UNBOUNDED }, second = { .max = 100 };
	const struct made *made;
	struct setting s;

	setting_open(&s);
	add_ndjson(&first, &d, 20000);
	buf_str(&second, "{\"id\":2}\n");
	setting_add(&s, "one.ndjson", &first);
	setting_add(&s, "two.ndjson", &second);
	setting_begin(&s, true);
	ck_assert_int_eq(unlink(s.names[1]), 0);
	ck_assert_int_eq(mkfifo(s.names[1], 0600), 0);
	do
		made = producer_next(s.producer);
	while (made->kind <= MADE_BAD);
	if (producer_is_ahead(s.producer)) {
		ck_assert_int_eq(made->kind, MADE_FAILED);
		ck_assert_int_eq(made->status, 66);
		ck_assert_ptr_nonnull(
		    strstr(made->why, "two.ndjson: is no regular file any more: leave the input"));
	} else {
		ck_assert_int_eq(made->kind, MADE_AGAIN);
	}
	setting_close(&s);
}
END_TEST

/* The least memory that a dry run gets by with has no room for another stack: it is done without a
 * thread, and is the same. */
START_TEST(without_a_thread)
{
	struct scene s = scene_open(NULL);
	const struct harness_run *run;
	rlim_t most = 16u << 20;

	if (!scene_is_instrumented() && !harness_is_under()) {
		scene_write_people(&s, "in.csv", 3000);
		run = HARNESS_RUN(s.harness, "--dry-run", "--batch", "in.csv");
		harness_assert_status(run, 0);
		char *want = xstrdup(run->out);
		do {
			harness_limit(s.harness, RLIMIT_AS, most += 1u << 20);
			run = HARNESS_RUN(s.harness, "--dry-run", "--batch", "in.csv");
		} while (run->status != 0 && most < 200u << 20);
		harness_assert_status(run, 0);
		ck_assert_str_eq(run->out, want);
		free(want);
	}
	scene_close(&s);
}
END_TEST

/* -- a record and those before it -- */

/* What is the same for a record wherever it stands. */
static void tell_content(const struct made *made, struct buf *out)
{
	const struct operation *op = &made->op;

	buf_fmt(out, "%d %s ", (int)made->kind, made->why ? made->why : "-");
	buf_add(out, op->from.raw, op->from.raw_len);
	buf_fmt(out, " %u %" PRIx64 " ", op->key_count, op->keys[0]);
	buf_add(out, op->id, op->id_len);
	buf_fmt(out, " %s %s ", action_name(op->action), op->path);
	buf_add(out, op->body, op->body_len);
	buf_byte(out, '\n');
}

static const char *const cells[] = {
	"",
	"",
	"x",
	"Chlo\xc3\xa9",
	"a\"b",
	"\"",
	"back\\slash",
	"tab\there",
	"\x01",
	"sixteen bytes...",
	"seventeen bytes..",
	"a text of more than thirty-two bytes",
	"2024-03-23T14:14:00Z",
	"soon",
	"1700000000",
	"29.99",
	"-0",
	"true",
	"two\nlines",
	"identify",
	"delete",
	"fly",
	"\xff",
};

static void add_cell(struct buf *b, struct dice *d)
{
	const char *text = cells[dice_below(d, (int64_t)(sizeof cells / sizeof *cells))];

	if (!strpbrk(text, "\"\n") && !dice_one_in(d, 5)) {
		buf_str(b, text);
		return;
	}
	buf_byte(b, '"');
	for (; *text; text++) {
		if (*text == '"')
			buf_byte(b, '"');
		buf_byte(b, *text);
	}
	buf_byte(b, '"');
}

#define FIFTY "a name of fifty bytes that is too long three times"
#define TOO_LONG_A_NAME FIFTY FIFTY FIFTY "!"
static const char *const fields[] = { "id", "email", "first", "created_at", "spent", "action",
	"na\\\"me", TOO_LONG_A_NAME, "_timestamp" };
#define FIELDS (sizeof fields / sizeof *fields)

static void add_row(struct buf *b, struct dice *d, size_t columns)
{
	size_t start = b->len;

	if (!dice_one_in(d, 30))
		buf_fmt(b, "%d", (int)dice_below(d, 1000));
	for (size_t i = 1; i < columns; i++) {
		buf_byte(b, ',');
		if (dice_one_in(d, 50)) { /* a byte more or less than a value may have */
			size_t n = 999 + (size_t)dice_below(d, 3);
			memset(buf_room(b, n), 'x', n);
			b->len += n;
		} else {
			add_cell(b, d);
		}
	}
	size_t blank = 0;
	while (start + blank < b->len && strchr(",\"", b->data[start + blank]))
		blank++;
	if (start + blank < b->len)
		return;
	b->len = start; /* such a row is none */
	buf_fmt(b, "7%.*s", (int)columns - 1, ",,,,,,,,,,,,,,,,,,,,,,,,,,,,,,");
}

static const char *const values[] = {
	"null",
	"true",
	"1",
	"29.99",
	"\"\"",
	"\"text\"",
	"\"a\\\"b\"",
	"\"2024-03-23T14:14:00Z\"",
	"\"soon\"",
	"{\"a\":[1,{}]}",
	"[]",
	"\"delete\"",
	"\"caf\xc3\xa9\"",
	"\"a string of more than thirty-two bytes\"",
	"-",
	"\"\xff\"",
};

/* Some lines have the keys of the line before, some only the first of them, some others. */
static void add_line(struct buf *b, struct dice *d, size_t columns, bool reserved)
{
	bool spaces = dice_one_in(d, 8), other = dice_one_in(d, 6);

	buf_fmt(b, "{%s\"id\":%d", reserved && !dice_one_in(d, 10) ? "\"_cio_line\":7," : "",
	    (int)dice_below(d, 1000));
	for (size_t i = 1; i < columns; i++) {
		if (other && dice_one_in(d, 3))
			continue;
		const char *value = values[dice_below(d,
		    dice_one_in(d, 10) ? (int64_t)(sizeof values / sizeof *values) : 14)];
		buf_fmt(b, spaces ? " , \"%s\" : %s" : ",\"%s\":%s", fields[i], value);
	}
	buf_str(b, dice_one_in(d, 50) ? ",\"id\":1}" : dice_one_in(d, 50) ? ",}" : "}");
}

static void any_mapping(struct setting *s, struct dice *d)
{
	static const struct name_pair renames[] = { { "first", "given \"name\"" },
		{ "email", "type" } };
	static const struct name_pair sets[] = { { "plan", "a\"b" }, { "spent", "" } };
	static const struct name_type types[] = { { "spent", TYPE_FLOAT },
		{ "first", TYPE_STRING } };
	static const char *const drop[] = { "email" };
	struct mapping_config *c = &s->o.mapping;

	c->infer = dice_one_in(d, 3);
	c->empty = (enum empty_mode)dice_below(d, 3);
	c->renames = renames;
	c->rename_count = dice_one_in(d, 3);
	c->sets = sets;
	c->set_count = dice_one_in(d, 3) ? (size_t)dice_below(d, 3) : 0;
	c->types = types;
	c->type_count = dice_one_in(d, 3) ? (size_t)dice_below(d, 3) : 0;
	c->drop = drop;
	c->drop_count = dice_one_in(d, 4);
	c->action_field = dice_one_in(d, 4) ? "action" : NULL;
	s->config.update_only = dice_one_in(d, 4);
	s->config.v2 = !dice_one_in(d, 4);
	s->config.no_limits = dice_one_in(d, 4);
	if (dice_one_in(d, 6)) {
		s->config.action = ACTION_ENTITY;
		c->rename_count = 2;
	}
}

#define ROWS_TOGETHER 60

/* What a reader and a mapping keep from one record to the next changes nothing. */
START_TEST(a_record_is_made_as_if_it_were_alone)
{
	struct dice d = dice_new("a_record_is_made_as_if_it_were_alone");
	size_t operations = 0;

	for (int round = 0; round < 150; round++) {
		struct buf head = { .max = BUF_UNBOUNDED }, whole = { .max = BUF_UNBOUNDED },
		           want = { .max = BUF_UNBOUNDED }, got = { .max = BUF_UNBOUNDED };
		size_t columns = 2 + (size_t)dice_below(&d, FIELDS - 1), starts[ROWS_TOGETHER + 1];
		struct setting s, alone;
		setting_open(&s);
		setting_open(&alone);
		any_mapping(&s, &d);
		alone.o = s.o;
		alone.config = s.config;
		alone.o.input.files = alone.files;
		for (size_t i = 0; i < columns && _i == 0; i++)
			buf_fmt(&head, "%s%s", i ? "," : "", i == 6 ? "\"na\"\"me\"" : fields[i]);
		if (_i == 0)
			buf_byte(&head, '\n');
		buf_add(&whole, head.data, head.len);
		for (size_t i = 0; i < ROWS_TOGETHER; i++) {
			starts[i] = whole.len;
			if (_i == 0)
				add_row(&whole, &d, columns);
			else
				add_line(&whole, &d, columns, round % 4 == 0);
			buf_byte(&whole, '\n');
		}
		starts[ROWS_TOGETHER] = whole.len;
		const char *name = _i == 0 ? "in.csv" : "in.ndjson";
		write_file(setting_name(&s, name), &whole);
		setting_begin(&s, false);
		setting_name(&alone, name);
		for (size_t i = 0; i < ROWS_TOGETHER; i++) {
			struct buf one = { .max = BUF_UNBOUNDED };
			buf_add(&one, head.data, head.len);
			buf_add(&one, whole.data + starts[i], starts[i + 1] - starts[i]);
			write_file(alone.names[0], &one);
			setting_begin(&alone, false);
			tell_content(producer_next(alone.producer), &want);
			const struct made *made = producer_next(s.producer);
			operations += made->kind == MADE_OPERATION;
			tell_content(made, &got);
			ck_assert_msg(want.len == got.len &&
			        memcmp(want.data, got.data, got.len) == 0,
			    "alone: %.*snot: %.*s", (int)want.len, want.data, (int)got.len,
			    got.data);
			buf_reset(&want);
			buf_reset(&got);
			buf_free(&one);
		}
		ck_assert_int_eq(producer_next(s.producer)->kind, MADE_END);
		setting_close(&s);
		setting_close(&alone);
		buf_free(&head);
		buf_free(&whole);
		buf_free(&want);
		buf_free(&got);
	}
	ck_assert_uint_gt(operations, 500);
}
END_TEST

/* As many attributes as there may be, and one more, in the first record and in the next. */
START_TEST(too_many_attributes_are_too_many_again)
{
	for (int count = 300; count <= 301; count++) {
		struct buf text = { .max = BUF_UNBOUNDED };
		struct setting s;
		setting_open(&s);
		buf_str(&text, "id");
		for (int i = 0; i < count; i++)
			buf_fmt(&text, ",a%d", i);
		for (int row = 0; row < 3; row++) {
			buf_fmt(&text, "\n%d", row);
			for (int i = 0; i < count; i++)
				buf_str(&text, ",1");
		}
		setting_add(&s, "in.csv", &text);
		setting_begin(&s, false);
		for (int row = 0; row < 3; row++)
			ck_assert_int_eq(producer_next(s.producer)->kind,
			    count > 300 ? MADE_INVALID : MADE_OPERATION);
		setting_close(&s);
	}
}
END_TEST

Suite *producer_suite(void)
{
	Suite *suite = suite_create("producer");
	TCase *c = tcase_create("producer");

	tcase_set_timeout(c, 120);
	tcase_add_test(c, the_same_ahead);
	tcase_add_test(c, every_length);
	tcase_add_test(c, rows_that_grow);
	tcase_add_test(c, the_end_stays_the_end);
	tcase_add_test(c, left_at_any_time);
	tcase_add_test(c, soon_comes);
	tcase_add_test(c, bytes_that_a_dry_run_wants);
	tcase_add_test(c, a_pipe_is_not_read_ahead);
	tcase_add_test(c, a_file_that_becomes_a_pipe);
	tcase_add_test(c, without_a_thread);
	tcase_add_loop_test(c, a_record_is_made_as_if_it_were_alone, 0, 2);
	tcase_add_test(c, too_many_attributes_are_too_many_again);
	suite_add_tcase(suite, c);
	return suite;
}
