/* Fields renamed, chosen, added, typed and emptied. */
#include "operation/mapping.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include "dice.h"
#include "expect.h"
#include "base/log.h"
#include "records.h"
#include "base/text.h"

Suite *mapping_suite(void);

#define ROWS(table) (int)(sizeof table / sizeof *table)
#define LIST(type, member, number, ...) \
	.member = (const type[]){ __VA_ARGS__ }, \
	.number = sizeof((const type[]){ __VA_ARGS__ }) / sizeof(type)
#define MAP(...) LIST(struct name_pair, renames, rename_count, __VA_ARGS__)
#define SET(...) LIST(struct name_pair, sets, set_count, __VA_ARGS__)
#define TYPES(...) LIST(struct name_type, types, type_count, __VA_ARGS__)
#define ONLY(...) LIST(char *const, only, only_count, __VA_ARGS__)
#define DROP(...) LIST(char *const, drop, drop_count, __VA_ARGS__)
#define BY_NAME .id_type = -1

/* Fields as name=value, texts in single quotes, the identifying one marked with its type, the
 * action last. */
static void show(const struct mapped *m, struct buf *out)
{
	static const char *const types[] = { "id", "email", "cio_id", "phone" };

	for (size_t i = 0; i < m->count; i++) {
		const struct field *f = m->fields[i];
		const char *quote = f->kind == FIELD_TEXT ? "'" : "";
		struct buf key;
		buf_init(&key, 1000);
		text_json(&key, f->name, f->name_len);
		ck_assert_msg(key.len == f->key_len && memcmp(key.data, f->key, key.len) == 0,
		    "key of %s", f->name);
		buf_free(&key);
		buf_fmt(out, "%s%.*s=%s", i ? " " : "", (int)f->name_len, f->name, quote);
		buf_add(out, f->value, f->value_len);
		buf_str(out, quote);
		if (f == m->id)
			buf_fmt(out, "@%s%s", types[m->id_type], m->id_dropped ? "-" : "");
	}
	if (m->action)
		buf_fmt(out, " -> %.*s", (int)m->action->value_len, m->action->value);
}

static void apply_record(struct mapping *m, const struct record *r, struct buf *out)
{
	struct mapped mapped;
	struct reason why = { .text = "" };

	if (mapping_apply(m, r, &mapped, &why) == 0)
		show(&mapped, out);
	else
		buf_fmt(out, "! %s", why.text);
}

static void apply(struct mapping *m, const char *line, struct buf *out)
{
	struct sample s = sample_new(line);

	apply_record(m, &s.record, out);
	sample_free(&s);
}

static const struct {
	struct mapping_config config;
	const char *record, *expected;
} cases[] = {
	/* Nothing asked for: as it is. */
	{ { BY_NAME }, "id=42|plan=pro", "id='42'@id plan='pro'" },
	{ { BY_NAME },
	    "{\"id\":42,\"price\":29.99,\"big\":123456789012345678901234567890,\"o\":{\"b\":[1,"
	    "\"\\u00e9\"],\"a\":null}}",
	    "id=42@id price=29.99 big=123456789012345678901234567890 "
	    "o={\"b\":[1,\"\\u00e9\"],\"a\":null}" },
	{ { BY_NAME }, "{}", "" },
	/* The identifying field: the first of id, email, cio_id; phone where it is looked for;
	   --id; --id-type. */
	{ { BY_NAME }, "email=a@b|cio_id=7|id=1", "email='a@b' cio_id='7' id='1'@id" },
	{ { BY_NAME }, "cio_id=7|email=a@b", "cio_id='7' email='a@b'@email" },
	{ { BY_NAME }, "phone=+1|cio_id=7", "phone='+1' cio_id='7'@cio_id" },
	{ { BY_NAME }, "phone=+1", "phone='+1'" },
	{ { BY_NAME, .phone_identifies = true }, "phone=+1", "phone='+1'@phone" },
	{ { BY_NAME, .id_field = "email" }, "id=1|email=a@b", "id='1' email='a@b'@email" },
	{ { BY_NAME, .id_field = "user" }, "id=1|user=9", "id='1' user='9'@id" },
	{ { BY_NAME, .id_field = "user" }, "id=1", "id='1'" },
	{ { .id_type = ID_EMAIL, .id_field = "user" }, "user=a@b", "user='a@b'@email" },
	{ { .id_type = ID_CIO_ID }, "id=a3", "id='a3'@cio_id" },
	{ { .id_type = ID_ID }, "email=a@b", "email='a@b'@id" },
	{ { BY_NAME }, "id=|email=a@b", "id=''@id email='a@b'" }, /* present, though empty */
	{ { BY_NAME }, "ID=1|Email=x", "ID='1' Email='x'" },
	/* --map: from the names as they were read, before --id is looked for. */
	{ { BY_NAME, MAP({ "user_id", "id" }) }, "user_id=1|a=2", "id='1'@id a='2'" },
	{ { BY_NAME, MAP({ "a", "b" }, { "b", "a" }) }, "a=1|b=2", "b='1' a='2'" },
	{ { BY_NAME, MAP({ "a", "b" }, { "b", "c" }) }, "a=1", "b='1'" },
	{ { BY_NAME, MAP({ "a", "b" }, { "b", "c" }) }, "a=1|b=2", "b='1' c='2'" },
	{ { BY_NAME, MAP({ "a", "b" }, { "a", "c" }) }, "a=1", "c='1'" },
	{ { BY_NAME, MAP({ "a", "a" }) }, "a=1", "a='1'" },
	{ { BY_NAME, MAP({ "x", "y" }) }, "a=1", "a='1'" },
	{ { BY_NAME, MAP({ "a", "q\"\xc3\xa9" }) }, "{\"a\":1}", "q\"\xc3\xa9=1" },
	{ { BY_NAME, MAP({ "a", "b" }) }, "{\"a\":1,\"b\":2}",
	    "! two fields are named \"b\" after --map: give one of them another name" },
	{ { BY_NAME, MAP({ "a", "c" }, { "b", "c" }) }, "a=1|b=2",
	    "! two fields are named \"c\" after --map: give one of them another name" },
	/* --set: in the place of what it overwrites, else behind; the last one said counts. */
	{ { BY_NAME, SET({ "plan", "pro" }) }, "id=1|plan=x|z=1", "id='1'@id plan='pro' z='1'" },
	{ { BY_NAME, SET({ "plan", "pro" }) }, "id=1", "id='1'@id plan='pro'" },
	{ { BY_NAME, SET({ "plan", "a" }, { "plan", "b" }) }, "id=1", "id='1'@id plan='b'" },
	/* an empty --set is meant */
	{ { BY_NAME, SET({ "n", "" }) }, "id=1|n=5", "id='1'@id n=''" },
	{ { BY_NAME, SET({ "id", "7" }) }, "a=1", "a='1' id='7'@id" },
	{ { BY_NAME, MAP({ "a", "b" }), SET({ "b", "new" }, { "a", "old" }) }, "a=1",
	    "b='new' a='old'" },
	{ { BY_NAME, SET({ "n", "5" }), TYPES({ "n", TYPE_INT }) }, "{\"id\":\"x\"}",
	    "id=\"x\"@id n=5" },
	{ { BY_NAME, SET({ "n", "5" }), .infer = true }, "id=x", "id='x'@id n='5'" },
	{ { BY_NAME, SET({ "created_at", "1970-01-02" }) }, "id=x", "id='x'@id created_at=86400" },
	{ { BY_NAME, SET({ "created_at", "1970-01-02" }) }, "{\"id\":\"x\"}",
	    "id=\"x\"@id created_at='1970-01-02'" },
	{ { BY_NAME, SET({ "n", "five" }), TYPES({ "n", TYPE_INT }) }, "id=x",
	    "! n: \"five\" is not an integer" },
	/* --only and --drop, after --map; never the identifying field, nor the action's. */
	{ { BY_NAME, ONLY("a", "c") }, "id=1|a=2|b=3|c=4", "id='1'@id- a='2' c='4'" },
	{ { BY_NAME, ONLY("id", "a") }, "id=1|a=2|b=3", "id='1'@id a='2'" },
	{ { BY_NAME, DROP("a", "id") }, "id=1|a=2|b=3", "id='1'@id- b='3'" },
	{ { BY_NAME, ONLY("a", "b"), DROP("b") }, "id=1|a=2|b=3", "id='1'@id- a='2'" },
	{ { BY_NAME, MAP({ "a", "x" }), DROP("a") }, "id=1|a=2", "id='1'@id x='2'" },
	{ { BY_NAME, MAP({ "a", "x" }), ONLY("x") }, "id=1|a=2", "id='1'@id- x='2'" },
	{ { BY_NAME, SET({ "s", "1" }), DROP("s") }, "id=1", "id='1'@id" },
	{ { BY_NAME, ONLY("a"), .action_field = "do" }, "id=1|a=2|do=track",
	    "id='1'@id- a='2' -> track" },
	/* The action field is taken out; where it is empty the run's action counts. */
	{ { BY_NAME, .action_field = "do" }, "do=delete|id=1", "id='1'@id -> delete" },
	{ { BY_NAME, .action_field = "do" }, "do=|id=1", "id='1'@id" },
	{ { BY_NAME, .action_field = "do", .empty = EMPTY_CLEAR }, "do=|id=1", "id='1'@id" },
	{ { BY_NAME, .action_field = "do", .empty = EMPTY_NULL }, "do=|id=1", "id='1'@id" },
	{ { BY_NAME, .action_field = "do" }, "{\"id\":1,\"do\":null}", "id=1@id" },
	{ { BY_NAME, .action_field = "do" }, "{\"id\":1,\"do\":\"\"}", "id=1@id" },
	{ { BY_NAME, .action_field = "do" }, "id=1", "id='1'@id" },
	{ { BY_NAME, .action_field = "do", .infer = true }, "do=true|id=1", "id='1'@id -> true" },
	{ { BY_NAME, .action_field = "do", SET({ "do", "page" }) }, "do=x|id=1",
	    "id='1'@id -> page" },
	/* Empty cells; NDJSON has none. */
	{ { BY_NAME }, "id=1|a=|b=2", "id='1'@id b='2'" },
	{ { BY_NAME, .empty = EMPTY_CLEAR }, "id=1|a=|b=2", "id='1'@id a='' b='2'" },
	{ { BY_NAME, .empty = EMPTY_NULL }, "id=1|a=|b=2", "id='1'@id a=null b='2'" },
	{ { BY_NAME, .empty = EMPTY_NULL }, "id=|a=", "id=''@id a=null" },
	{ { BY_NAME, TYPES({ "a", TYPE_INT }) }, "id=1|a=", "id='1'@id" },
	{ { BY_NAME, .empty = EMPTY_CLEAR, TYPES({ "a", TYPE_INT }) },
	    "id=1|a=", "id='1'@id a=''" },
	{ { BY_NAME, .empty = EMPTY_NULL, TYPES({ "a", TYPE_INT }) },
	    "id=1|a=", "id='1'@id a=null" },
	{ { BY_NAME, .empty = EMPTY_CLEAR, .infer = true }, "id=1|a=", "id='1'@id a=''" },
	{ { BY_NAME, .empty = EMPTY_NULL, MAP({ "a", "created_at" }) },
	    "id=1|a=", "id='1'@id created_at=null" },
	{ { BY_NAME, .empty = EMPTY_NULL }, "{\"id\":1,\"a\":\"\"}", "id=1@id a=\"\"" },
	/* created_at and timestamp of a CSV are timestamps, by their names after --map, unless
	   --type says otherwise. */
	{ { BY_NAME }, "id=1|created_at=2024-02-29|timestamp=100000000",
	    "id='1'@id created_at=1709164800 timestamp=100000000" },
	{ { BY_NAME }, "created_at=1508255889000", "created_at=1508255889" },
	{ { BY_NAME }, "created_at=2024-01-01 10:00:00 UTC", "created_at=1704103200" },
	{ { BY_NAME }, "unsubscribed=TRUE|cio_relationships=[]",
	    "unsubscribed=true cio_relationships=[]" },
	{ { BY_NAME }, "unsubscribed=no|cio_subscription_preferences={\"topics\":{}}",
	    "unsubscribed=false cio_subscription_preferences={\"topics\":{}}" },
	{ { BY_NAME }, "unsubscribed=maybe", "! unsubscribed: \"maybe\" is not true or false" },
	{ { BY_NAME, TYPES({ "unsubscribed", TYPE_STRING }) }, "unsubscribed=TRUE",
	    "unsubscribed='TRUE'" },
	{ { BY_NAME }, "{\"unsubscribed\":\"TRUE\"}", "unsubscribed=\"TRUE\"" },
	{ { BY_NAME }, "cio_relationships=x", "! cio_relationships: \"x\" is not JSON" },
	/* What is more likely something else is not sent as 1970. */
	{ { BY_NAME }, "created_at=45291",
	    "! created_at: \"45291\" is not taken for a timestamp (it would be "
	    "1970-01-01T12:34:51Z): write a spreadsheet's day, a date or a year as 2024-02-29, "
	    "leave \"never\" empty, or if seconds are meant, give --type=created_at:int" },
	{ { BY_NAME }, "created_at=99999999",
	    "! created_at: \"99999999\" is not taken for a timestamp (it would be "
	    "1973-03-03T09:46:39Z): write a spreadsheet's day, a date or a year as 2024-02-29, "
	    "leave \"never\" empty, or if seconds are meant, give --type=created_at:int" },
	{ { BY_NAME, TYPES({ "created_at", TYPE_INT }) }, "created_at=45291", "created_at=45291" },
	{ { BY_NAME }, "created_at=-1", "created_at=-1" },
	{ { BY_NAME }, "created_at=1970-01-01T12:34:51Z", "created_at=45291" },
	{ { BY_NAME }, "{\"created_at\":45291}", "created_at=45291" },
	{ { BY_NAME, MAP({ "joined", "created_at" }) }, "joined=2024-02-29",
	    "created_at=1709164800" },
	{ { BY_NAME, MAP({ "created_at", "joined" }) }, "created_at=2024-02-29",
	    "joined='2024-02-29'" },
	{ { BY_NAME, TYPES({ "created_at", TYPE_STRING }) }, "created_at=2024-02-29",
	    "created_at='2024-02-29'" },
	{ { BY_NAME }, "created_at=soon", "! created_at: \"soon\" is not a timestamp" },
	{ { BY_NAME }, "{\"created_at\":\"2024-02-29\"}", "created_at=\"2024-02-29\"" },
	{ { BY_NAME, TYPES({ "created_at", TYPE_TIMESTAMP }) }, "{\"created_at\":\"2024-02-29\"}",
	    "created_at=1709164800" },
	{ { BY_NAME, .infer = true }, "created_at=1200000000", "created_at=1200000000" },
	/* A type said twice: the last one. An identifier is not inferred. */
	{ { BY_NAME, TYPES({ "n", TYPE_STRING }, { "n", TYPE_INT }) }, "n=1", "n=1" },
	{ { BY_NAME, .infer = true }, "id=true|email=1", "id='true'@id email=1" },
	{ { BY_NAME, .infer = true, TYPES({ "zip", TYPE_STRING }) }, "zip=12345|n=12345",
	    "zip='12345' n=12345" },
	{ { BY_NAME, .infer = true }, "{\"a\":\"12\"}", "a=\"12\"" },
};

START_TEST(a_record_is_mapped)
{
	struct mapping *m = mapping_new(&cases[_i].config);
	struct sample s = sample_new(cases[_i].record);
	struct buf out;

	buf_init(&out, 4096);
	/* first without a layout; the third time by the plan that is kept */
	for (int time = 0; time < 3; time++) {
		if (time == 1)
			sample_lay_out(&s, 1);
		apply_record(m, &s.record, &out);
		expect_text(&out, cases[_i].expected, cases[_i].record);
	}
	sample_free(&s);
	buf_free(&out);
	mapping_free(m);
}
END_TEST

/* Each type: what it takes and what it makes of it ("!" is refused). JSON values where they begin
 * with "json ". */
static const struct {
	enum field_type type;
	const char *value, *expected;
} types[] = {
	{ TYPE_STRING, "42", "'42'" },
	{ TYPE_STRING, " x ", "' x '" },
	{ TYPE_STRING, "json 42", "\"42\"" },
	{ TYPE_STRING, "json 29.90", "\"29.90\"" },
	{ TYPE_STRING, "json true", "\"true\"" },
	{ TYPE_STRING, "json \"\\u00e9\"", "\"\\u00e9\"" },
	{ TYPE_STRING, "json null", "null" },
	{ TYPE_STRING, "json {}", "!" },
	{ TYPE_STRING, "json [1]", "!" },

	{ TYPE_INT, "0", "0" },
	{ TYPE_INT, "-0", "-0" },
	{ TYPE_INT, "42", "42" },
	{ TYPE_INT, "-7", "-7" },
	{ TYPE_INT, "123456789012345678901234567890", "123456789012345678901234567890" },
	{ TYPE_INT, "007", "!" },
	{ TYPE_INT, "+1", "!" },
	{ TYPE_INT, "1.0", "!" },
	{ TYPE_INT, "1e5", "!" },
	{ TYPE_INT, "-", "!" },
	{ TYPE_INT, " 1", "!" },
	{ TYPE_INT, "1 ", "!" },
	{ TYPE_INT, "x", "!" },
	{ TYPE_INT, "json 42", "42" },
	{ TYPE_INT, "json \"42\"", "42" },
	{ TYPE_INT, "json \"\\u0034\\u0032\"", "42" },
	{ TYPE_INT, "json 4.0", "!" },
	{ TYPE_INT, "json true", "!" },
	{ TYPE_INT, "json \"\"", "!" },
	{ TYPE_INT, "json null", "null" },
	{ TYPE_INT, "json [4]", "!" },

	{ TYPE_FLOAT, "1", "1" },
	{ TYPE_FLOAT, "29.90", "29.90" },
	{ TYPE_FLOAT, "-0.5", "-0.5" },
	{ TYPE_FLOAT, "1e5", "1e5" },
	{ TYPE_FLOAT, "1E+5", "1E+5" },
	{ TYPE_FLOAT, "1.5e-300", "1.5e-300" },
	{ TYPE_FLOAT, "1e400", "!" },
	{ TYPE_FLOAT, "-1e400", "!" },
	{ TYPE_FLOAT, "1e308", "1e308" },
	{ TYPE_FLOAT, ".5", "!" },
	{ TYPE_FLOAT, "5.", "!" },
	{ TYPE_FLOAT, "+5", "!" },
	{ TYPE_FLOAT, "05", "!" },
	{ TYPE_FLOAT, "1e", "!" },
	{ TYPE_FLOAT, "1e+", "!" },
	{ TYPE_FLOAT, "NaN", "!" },
	{ TYPE_FLOAT, "inf", "!" },
	{ TYPE_FLOAT, "0x1p3", "!" },
	{ TYPE_FLOAT, "1,5", "!" },
	{ TYPE_FLOAT, "json \"2.50\"", "2.50" },
	{ TYPE_FLOAT, "json 2.50", "2.50" },
	{ TYPE_FLOAT, "json false", "!" },

	{ TYPE_BOOL, "true", "true" },
	{ TYPE_BOOL, "FALSE", "false" },
	{ TYPE_BOOL, "1", "true" },
	{ TYPE_BOOL, "0", "false" },
	{ TYPE_BOOL, "Yes", "true" },
	{ TYPE_BOOL, "no", "false" },
	{ TYPE_BOOL, "t", "true" },
	{ TYPE_BOOL, "F", "false" },
	{ TYPE_BOOL, "y", "!" },
	{ TYPE_BOOL, "on", "!" },
	{ TYPE_BOOL, "2", "!" },
	{ TYPE_BOOL, "truee", "!" },
	{ TYPE_BOOL, "tru", "!" },
	{ TYPE_BOOL, "json true", "true" },
	{ TYPE_BOOL, "json 0", "false" },
	{ TYPE_BOOL, "json \"no\"", "false" },
	{ TYPE_BOOL, "json null", "null" },
	{ TYPE_BOOL, "json {}", "!" },

	{ TYPE_TIMESTAMP, "1700000000", "1700000000" },
	{ TYPE_TIMESTAMP, "-5", "-5" },
	{ TYPE_TIMESTAMP, "2024-02-29", "1709164800" },
	{ TYPE_TIMESTAMP, "2024-02-29T12:00:00Z", "1709208000" },
	{ TYPE_TIMESTAMP, "2024-02-29 12:00:00+02:00", "1709200800" },
	{ TYPE_TIMESTAMP, "1700000000.9", "1700000000" },
	{ TYPE_TIMESTAMP, "1969-12-31T23:59:59Z", "-1" },
	{ TYPE_TIMESTAMP, "2023-02-29", "!" },
	{ TYPE_TIMESTAMP, "soon", "!" },
	{ TYPE_TIMESTAMP, "1.7e9", "!" },
	{ TYPE_TIMESTAMP, "json 1700000000", "1700000000" },
	{ TYPE_TIMESTAMP, "json 1700000000.25", "1700000000" },
	{ TYPE_TIMESTAMP, "json \"2024-02-29\"", "1709164800" },
	{ TYPE_TIMESTAMP, "json \"1700000000\"", "1700000000" },
	{ TYPE_TIMESTAMP, "json null", "null" },
	{ TYPE_TIMESTAMP, "json true", "!" },
	{ TYPE_TIMESTAMP, "json 1e9", "!" },

	{ TYPE_JSON, "{\"a\":[1, 2.50]}", "{\"a\":[1, 2.50]}" },
	{ TYPE_JSON, "12345678901234567890", "12345678901234567890" },
	{ TYPE_JSON, "[\n\t1,\r\n 2]", "[  1,   2]" },
	{ TYPE_JSON, " true\n", "true" },
	{ TYPE_JSON, "\"a\\nb\"", "\"a\\nb\"" },
	{ TYPE_JSON, "null", "null" },
	{ TYPE_JSON, "{a:1}", "!" },
	{ TYPE_JSON, "[1,]", "!" },
	{ TYPE_JSON, "1 2", "!" },
	{ TYPE_JSON, "\"\n\"", "!" },
	{ TYPE_JSON, "1e400", "!" },
	{ TYPE_JSON, " ", "!" },
	{ TYPE_JSON, "json \"[1,2]\"", "[1,2]" },
	{ TYPE_JSON, "json \"\\\"x\\\"\"", "\"x\"" },
	{ TYPE_JSON, "json {\"b\":1}", "{\"b\":1}" },
	{ TYPE_JSON, "json 29.90", "29.90" },
	{ TYPE_JSON, "json \"x\"", "!" },
};

START_TEST(a_type_takes_what_fits_it)
{
	static const char *const nouns[] = { "a text", "an integer", "a number", "true or false",
		"a timestamp", "JSON" };
	const struct name_type type = { "f", types[_i].type };
	const struct mapping_config config = { BY_NAME, .types = &type, .type_count = 1 };
	struct mapping *m = mapping_new(&config);
	struct buf line, out;
	const char *value = types[_i].value;

	buf_init(&line, 4096);
	buf_init(&out, 4096);
	if (strncmp(value, "json ", 5) == 0)
		buf_fmt(&line, "{\"f\":%s}%c", value + 5, '\0');
	else
		buf_fmt(&line, "f=%s%c", value, '\0');
	apply(m, line.data, &out);
	if (types[_i].expected[0] != '!') {
		ck_assert_msg(out.len > 2 && memcmp(out.data, "f=", 2) == 0, "%s: %.*s", value,
		    (int)out.len, out.data);
		ck_assert_msg(out.len - 2 == strlen(types[_i].expected) &&
		        memcmp(out.data + 2, types[_i].expected, out.len - 2) == 0,
		    "%s: %.*s, not %s", value, (int)out.len - 2, out.data + 2, types[_i].expected);
	} else {
		buf_byte(&out, '\0');
		ck_assert_msg(strncmp(out.data, "! f: ", 5) == 0, "%s is taken: %s", value,
		    out.data);
		size_t noun = strlen(nouns[types[_i].type]);
		ck_assert_str_eq(out.data + strlen(out.data) - noun, nouns[types[_i].type]);
	}
	buf_free(&line);
	buf_free(&out);
	mapping_free(m);
}
END_TEST

/* What --infer makes a JSON value (1) and what stays text (0). */
static const struct {
	const char *cell;
	int typed;
} inferred[] = {
	{ "true", 1 },
	{ "false", 1 },
	{ "True", 0 },
	{ "null", 0 },
	{ "t", 0 },
	{ "falsey", 0 },
	{ "0", 1 },
	{ "7", 1 },
	{ "-7", 1 },
	{ "42", 1 },
	{ "-0", 0 },
	{ "007", 0 },
	{ "01234", 0 },
	{ "+15551234567", 0 },
	{ "-", 0 },
	{ "9007199254740991", 1 },
	{ "9007199254740992", 1 },
	{ "9007199254740993", 0 },
	{ "-9007199254740992", 1 },
	{ "-9007199254740993", 0 },
	{ "10000000000000000", 0 },
	{ "29.90", 1 },
	{ "0.5", 1 },
	{ "-0.5", 1 },
	{ "0.0", 1 },
	{ "-0.0", 0 },
	{ ".5", 0 },
	{ "5.", 0 },
	{ "00.5", 0 },
	{ "1e5", 0 },
	{ "1E5", 0 },
	{ "1.5e3", 0 },
	{ "1.2.3", 0 },
	{ "1,5", 0 },
	{ "1 ", 0 },
	{ " 1", 0 },
	{ "0x10", 0 },
	{ "1.23456789012345", 1 },
	{ "1.234567890123456", 0 },
	{ "0.000000123456789012345", 1 },
	{ "2024-02-29", 0 },
	{ "{}", 0 },
	{ "NaN", 0 },
	{ "Infinity", 0 },
};

START_TEST(infer_types_only_what_loses_nothing)
{
	const struct mapping_config config = { BY_NAME, .infer = true };
	struct mapping *m = mapping_new(&config);
	struct buf line, out, want;

	buf_init(&line, 200);
	buf_init(&out, 200);
	buf_init(&want, 200);
	buf_fmt(&line, "f=%s%c", inferred[_i].cell, '\0');
	buf_fmt(&want, inferred[_i].typed ? "f=%s%c" : "f='%s'%c", inferred[_i].cell, '\0');
	apply(m, line.data, &out);
	expect_text(&out, want.data, inferred[_i].cell);
	buf_free(&line);
	buf_free(&out);
	buf_free(&want);
	mapping_free(m);
}
END_TEST

START_TEST(a_reason_is_short_and_harmless)
{
	const struct name_type type = { "f", TYPE_INT };
	const struct mapping_config config = { BY_NAME, .types = &type, .type_count = 1 };
	struct mapping *m = mapping_new(&config);
	struct buf line, out;

	buf_init(&line, 200000);
	buf_init(&out, 200000);
	buf_str(&line, "f=\x1b[2J\n");
	for (int i = 0; i < 100000; i++)
		buf_byte(&line, 'x');
	buf_byte(&line, '\0');
	apply(m, line.data, &out);
	ck_assert_uint_lt(out.len, 120);
	buf_byte(&out, '\0');
	ck_assert_msg(strncmp(out.data, "! f: \"\\x1b[2J\\nxxx", 17) == 0, "%s", out.data);
	ck_assert_ptr_nonnull(strstr(out.data, "...\" is not an integer"));
	buf_free(&line);
	buf_free(&out);
	mapping_free(m);
}
END_TEST

/* A record of `fields` fields from f0 on, or from a later one. */
static struct sample numbered_fields(int64_t from, int64_t fields)
{
	struct sample s = { 0 };

	for (int64_t i = from; i < from + fields; i++) {
		char name[24];
		snprintf(name, sizeof name, "f%" PRId64, i);
		sample_field(&s, name, strlen(name), "", 0, FIELD_TEXT);
	}
	return s;
}

/* Gives it other values, some of them empty, and writes down what is to become of them. */
static void change_values(struct sample *s, struct dice *d, struct buf *want)
{
	for (size_t i = 0; i < s->record.count; i++) {
		struct field *f = &s->record.fields[i];
		char value[24] = "";
		if (!dice_one_in(d, 10))
			snprintf(value, sizeof value, "%" PRId64, dice_below(d, 1000));
		f->value = sample_keep(s, value, strlen(value));
		f->value_len = strlen(value);
		if (f->value_len == 0 || strcmp(f->name, "f3") == 0)
			continue;
		const char *name = strcmp(f->name, "f0") == 0 ? "zero" : f->name,
		           *quote = strcmp(f->name, "f5") == 0 ? "" : "'";
		buf_fmt(want, "%s%s=%s%s%s", want->len ? " " : "", name, quote, value, quote);
	}
	if (s->layout)
		sample_note_texts(&s->record);
}

/* Records of many layouts in turn, more than are kept, small and huge, new ones in the place of old
 * ones, and records that have none: each is mapped by its own names. */
START_TEST(layouts_do_not_mix)
{
	enum { SAMPLES = 40 };
	const struct mapping_config config = { BY_NAME, MAP({ "f0", "zero" }), DROP("f3"),
		TYPES({ "f5", TYPE_INT }) };
	struct dice d = dice_new("layouts_do_not_mix");
	struct mapping *m = mapping_new(&config);
	struct sample samples[SAMPLES] = { 0 };
	struct buf out, want;

	buf_init(&out, 1 << 20);
	buf_init(&want, 1 << 20);
	for (uint64_t round = 1; round < 1500; round++) {
		struct sample *s = &samples[dice_below(&d, SAMPLES)];
		if (!s->record.fields || dice_one_in(&d, 20)) {
			sample_free(s);
			*s = numbered_fields(dice_below(&d, 5),
			    dice_one_in(&d, 50) ? 2000 : 1 + dice_below(&d, 8));
			if (!dice_one_in(&d, 4))
				sample_lay_out(s, round);
		}
		buf_reset(&want);
		change_values(s, &d, &want);
		buf_byte(&want, '\0');
		apply_record(m, &s->record, &out);
		expect_text(&out, want.data, "a record");
		buf_reset(&out);
	}
	for (size_t i = 0; i < SAMPLES; i++)
		sample_free(&samples[i]);
	buf_free(&out);
	buf_free(&want);
	mapping_free(m);
}
END_TEST

static const struct {
	struct mapping_config config;
	const char *names[4];
	const char *id;   /* NULL: nobody; "!": refused */
	const char *near; /* a column that nearly names somebody */
} headers[] = {
	{ { BY_NAME }, { "a", "email", "id" }, "id", NULL },
	{ { BY_NAME }, { "a", "email" }, "email", NULL },
	{ { BY_NAME }, { "a", "b" }, NULL, NULL },
	{ { BY_NAME }, { "phone" }, NULL, NULL },
	{ { BY_NAME, .phone_identifies = true }, { "phone" }, "phone", NULL },
	{ { BY_NAME, .id_field = "b" }, { "a", "b", "id" }, "b", NULL },
	{ { BY_NAME, .id_field = "x" }, { "id" }, NULL, NULL },
	{ { BY_NAME, MAP({ "user", "id" }) }, { "user" }, "id", NULL },
	{ { BY_NAME, SET({ "id", "7" }) }, { "a" }, "id", NULL },
	{ { BY_NAME, DROP("id") }, { "id" }, "id", NULL },
	{ { BY_NAME, MAP({ "a", "b" }) }, { "a", "b" }, "!", NULL },
	{ { BY_NAME, .action_field = "id" }, { "id", "email" }, "email", NULL },
	/* Nearly an identifying name, which no other column has exactly. */
	{ { BY_NAME }, { "ID" }, NULL, "ID" },
	{ { BY_NAME }, { "a", "E-mail" }, NULL, "E-mail" },
	{ { BY_NAME }, { "e Mail", "id" }, "id", "e Mail" },
	{ { BY_NAME }, { "ID", "email" }, "email", "ID" },
	{ { BY_NAME }, { "CioId" }, NULL, "CioId" },
	{ { BY_NAME }, { "cio-id" }, NULL, "cio-id" },
	{ { BY_NAME }, { "_id" }, NULL, "_id" },
	{ { BY_NAME },
	    { "i\xc2\xa0"
	      "d" },
	    NULL,
	    "i\xc2\xa0"
	    "d" },
	{ { BY_NAME }, { "id", "email", "Email" }, "id", NULL },
	{ { BY_NAME }, { "Email", "email" }, "email", NULL },
	{ { BY_NAME }, { "email address", "user_id", "idx", "d" }, NULL, NULL },
	{ { BY_NAME }, { "email", "Phone" }, "email", NULL },
	{ { BY_NAME, .phone_identifies = true }, { "email", "Phone" }, "email", "Phone" },
	{ { BY_NAME, MAP({ "ID", "id" }) }, { "ID" }, "id", NULL },
	{ { BY_NAME, MAP({ "x", "Id" }) }, { "x" }, NULL, "Id" },
	{ { BY_NAME, DROP("ID") }, { "ID", "email" }, "email", NULL },
	{ { BY_NAME, ONLY("email") }, { "ID", "email" }, "email", NULL },
	{ { BY_NAME, SET({ "ID", "7" }) }, { "email" }, "email", NULL },
	{ { BY_NAME, .id_field = "email" }, { "ID", "email" }, "email", NULL },
	{ { BY_NAME, .id_field = "ID" }, { "ID", "email" }, "ID", NULL },
};

START_TEST(a_header_says_who_can_be_identified)
{
	struct mapping *m = mapping_new(&headers[_i].config);
	struct reason why = { .text = "" };
	size_t count = 0;

	while (count < 4 && headers[_i].names[count])
		count++;
	struct header_check check;
	int result = mapping_check_header(m, headers[_i].names, count, &check, &why);
	if (headers[_i].id && headers[_i].id[0] == '!') {
		ck_assert_int_eq(result, -1);
		ck_assert_ptr_nonnull(strstr(why.text, "\"b\" after --map"));
	} else {
		ck_assert_int_eq(result, 0);
		ck_assert_pstr_eq(check.id, headers[_i].id);
		ck_assert_pstr_eq(check.near, headers[_i].near);
	}
	mapping_free(m);
}
END_TEST

START_TEST(sets_are_checked_against_their_types)
{
	const struct mapping_config good = { BY_NAME, SET({ "n", "5" }, { "t", "x" }, { "e", "" }),
		TYPES({ "n", TYPE_INT }, { "e", TYPE_INT }) };
	const struct mapping_config bad = { BY_NAME, SET({ "t", "x" }, { "n", "x" }),
		TYPES({ "n", TYPE_INT }) };
	struct reason why = { .text = "" };

	ck_assert_int_eq(mapping_check_sets(&good, false, &why), 0);
	ck_assert_int_eq(mapping_check_sets(&good, true, &why), 0);
	ck_assert_int_eq(mapping_check_sets(&bad, false, &why), -1);
	ck_assert_str_eq(why.text, "n: \"x\" is not an integer");
}
END_TEST

/* What a CSV's record with these fields would be rejected for, and no NDJSON's; and what never gets
 * there. */
static const struct {
	struct mapping_config config;
	bool fits;
} cell_sets[] = {
	{ { BY_NAME, SET({ "created_at", "yesterday" }) }, false },
	{ { BY_NAME, SET({ "timestamp", "yesterday" }) }, false },
	{ { BY_NAME, SET({ "created_at", "2024-02-29" }, { "timestamp", "1709208000" }) }, true },
	{ { BY_NAME, SET({ "created_at", "" }) }, true },
	{ { BY_NAME, SET({ "created_at", "yesterday" }), TYPES({ "created_at", TYPE_STRING }) },
	    true },
	{ { BY_NAME, SET({ "created_at", "yesterday" }), DROP("created_at") }, true },
	{ { BY_NAME, SET({ "created_at", "yesterday" }), ONLY("a") }, true },
	{ { BY_NAME, SET({ "created_at", "yesterday" }, { "created_at", "-1" }) }, true },
	{ { BY_NAME, SET({ "created_at", "0" }) }, false },
	{ { BY_NAME, SET({ "created_at", "-1" }, { "created_at", "yesterday" }) }, false },
	{ { BY_NAME, SET({ "created", "yesterday" }) }, true },
};

START_TEST(sets_are_checked_against_a_cell_s_types)
{
	const struct mapping_config *config = &cell_sets[_i].config;
	struct field fields[] = { { .name = "id",
	    .name_len = 2,
	    .key = "\"id\"",
	    .key_len = 4,
	    .value = "1",
	    .value_len = 1,
	    .kind = FIELD_TEXT } };
	const struct record record = { .fields = fields, .count = 1 };
	struct mapping *m = mapping_new(config);
	struct reason why = { .text = "" };
	struct mapped out;

	ck_assert_int_eq(mapping_check_sets(config, false, &why), 0);
	ck_assert_int_eq(mapping_check_sets(config, true, &why), cell_sets[_i].fits ? 0 : -1);
	/* it is so */
	ck_assert_int_eq(mapping_apply(m, &record, &out, &why), cell_sets[_i].fits ? 0 : -1);
	mapping_free(m);
}
END_TEST

/* No two of these may look alike to the checkpoint. */
static const struct mapping_config described[] = {
	{ BY_NAME },
	{ .id_type = ID_ID },
	{ .id_type = ID_EMAIL },
	{ BY_NAME, .infer = true },
	{ BY_NAME, .empty = EMPTY_NULL },
	{ BY_NAME, .phone_identifies = true },
	{ BY_NAME, .id_field = "a" },
	{ BY_NAME, .action_field = "a" },
	{ BY_NAME, .id_field = "-" },
	{ BY_NAME, MAP({ "a", "b" }) },
	{ BY_NAME, MAP({ "b", "a" }) },
	{ BY_NAME, SET({ "a", "b" }) },
	{ BY_NAME, SET({ "a", "b" }, { "c", "d" }) },
	{ BY_NAME, SET({ "a", "b\" \"c" }) },
	{ BY_NAME, ONLY("a", "b") },
	{ BY_NAME, ONLY("a b") },
	{ BY_NAME, DROP("a", "b") },
	{ BY_NAME, ONLY("a"), DROP("b") },
	{ BY_NAME, TYPES({ "a", TYPE_INT }) },
	{ BY_NAME, TYPES({ "a", TYPE_JSON }) },
};

START_TEST(a_description_tells_mappings_apart)
{
	struct buf mine, other;

	buf_init(&mine, 4096);
	buf_init(&other, 4096);
	mapping_describe(&described[_i], &mine);
	for (int i = 0; i < ROWS(described); i++) {
		mapping_describe(&described[i], &other);
		bool same = mine.len == other.len && memcmp(mine.data, other.data, mine.len) == 0;
		ck_assert_msg(same == (i == _i), "%d and %d: %.*s", _i, i, (int)mine.len,
		    mine.data);
		buf_reset(&other);
	}
	buf_free(&mine);
	buf_free(&other);
}
END_TEST

Suite *mapping_suite(void)
{
	Suite *s = suite_create("mapping");
	TCase *t = tcase_create("mapping");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, a_record_is_mapped, 0, ROWS(cases));
	tcase_add_loop_test(t, a_type_takes_what_fits_it, 0, ROWS(types));
	tcase_add_loop_test(t, infer_types_only_what_loses_nothing, 0, ROWS(inferred));
	tcase_add_test(t, a_reason_is_short_and_harmless);
	tcase_add_test(t, layouts_do_not_mix);
	tcase_add_loop_test(t, a_header_says_who_can_be_identified, 0, ROWS(headers));
	tcase_add_test(t, sets_are_checked_against_their_types);
	tcase_add_loop_test(t, sets_are_checked_against_a_cell_s_types, 0, ROWS(cell_sets));
	tcase_add_loop_test(t, a_description_tells_mappings_apart, 0, ROWS(described));
	suite_add_tcase(s, t);
	return s;
}
