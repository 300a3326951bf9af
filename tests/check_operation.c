/* What is sent for each action, in both APIs. */
#include "operation/api.h"

#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include "dice.h"
#include "expect.h"
#include "base/log.h"
#include "operation/mapping.h"
#include "records.h"

Suite *operation_suite(void);

#define ROWS(table) (int)(sizeof table / sizeof *table)
#define ULID "00000000RR" /* the time part of the run below */
#define V2 .v2 = true

static struct operation_config usual(struct operation_config c)
{
	c.destination = "site";
	c.run = ULID "ABCDEFGHJKMNPQRS";
	return c;
}

/* Moves the operation to storage of its own. */
static void keep(struct operation *op)
{
	size_t head = operation_head_size(op);
	char *place = xmalloc(head + operation_rest_size(op) + 1);

	operation_move_head(op, place);
	operation_move_rest(op, place + head);
	/* for tests that look at a body as at a string */
	place[head + operation_rest_size(op)] = '\0';
}

static void release(struct operation *op)
{
	free((char *)op->from.raw);
}

/* Maps and builds the record of one line, and keeps the operation, which is the caller's to
 * release. `most`: bytes that may be made of it. */
static int build_within(const struct operation_config *c, const struct mapping_config *maps,
    const char *line, uint64_t number, size_t most, struct operation *op, struct reason *why)
{
	struct sample s = sample_new(line);
	struct mapping *m = mapping_new(maps);
	struct mapped mapped;
	struct buf bytes;

	buf_init(&bytes, most);
	s.record.from.number = s.record.from.in_file = number;
	int result = mapping_apply(m, &s.record, &mapped, why);
	if (result == 0)
		result = operation_build(c, &s.record.from, &mapped, &bytes, op, why);
	else
		operation_raw(&s.record.from, c->action, op);
	ck_assert_uint_le(bytes.len, most);
	keep(op);
	mapping_free(m);
	sample_free(&s); /* nothing of the record is used from here on */
	buf_free(&bytes);
	return result;
}

static int build(const struct operation_config *c, const struct mapping_config *maps,
    const char *line, uint64_t number, struct operation *op, struct reason *why)
{
	return build_within(c, maps, line, number, SIZE_MAX / 8, op, why);
}

static struct operation fresh(void)
{
	struct operation op;

	memset(&op, 0x55, sizeof op);
	return op;
}

/* METHOD PATH BODY, event ids that were made shown as ULID. */
static void show(const struct operation *op, struct buf *out)
{
	buf_fmt(out, "%s %s ", method_name(op->method), op->path_len ? op->path : "batch");
	ck_assert_uint_eq(strlen(op->path), op->path_len);
	const char *id = op->body_len ? strstr(op->body, "\"" ULID) : NULL;
	if (id) {
		ck_assert_uint_eq(strspn(id + 1, "0123456789ABCDEFGHJKMNPQRSTVWXYZ"), 26);
		buf_add(out, op->body, (size_t)(id - op->body));
		buf_str(out, "\"ULID\"");
		buf_add(out, id + 28, op->body_len - (size_t)(id - op->body) - 28);
	} else {
		buf_add(out, op->body, op->body_len);
	}
}

struct sending {
	struct operation_config config;
	const char *record, *expected; /* "! reason" where it is refused */
};

static void check_sending(const struct sending *row, struct mapping_config maps)
{
	struct operation_config c = usual(row->config);
	struct operation op = fresh();
	struct reason why = { .text = "" };
	struct buf out;

	maps.id_type = -1;
	maps.phone_identifies = c.v2;
	maps.names_nobody = c.action == ACTION_OBJECT;
	buf_init(&out, 1 << 20);
	if (build(&c, &maps, row->record, 1, &op, &why) == 0) {
		show(&op, &out);
		json_t *judge = json_loadb(op.body, op.body_len,
		    JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL | JSON_DECODE_ANY, NULL);
		ck_assert_msg(op.body_len == 0 || judge != NULL, "not JSON: %s", op.body);
		json_decref(judge);
	} else {
		buf_fmt(&out, "! %s", why.text);
		ck_assert_uint_eq(op.path_len + op.body_len, 0);
	}
	expect_text(&out, row->expected, row->record);
	ck_assert_uint_eq(op.from.raw_len, strlen(row->record));
	ck_assert_mem_eq(op.from.raw, row->record, op.from.raw_len);
	buf_free(&out);
	release(&op);
}

#define C "/api/v1/customers/"
#define P42 "batch {\"type\":\"person\",\"identifiers\":{\"id\":\"42\"},\"action\":"
#define NOBODY "! the record names nobody: its identifying field is missing"
#define ACME \
	"{\"type\":\"object\",\"identifiers\":{\"object_type_id\":\"1\",\"object_id\":\"acme\"}," \
	"\"action\":"
#define RELATED "{\"type\":\"person\",\"identifiers\":{\"id\":\"42\"},\"action\":"
#define TO_ACME \
	"\"cio_relationships\":[{\"identifiers\":{\"object_type_id\":\"1\",\"object_id\":" \
	"\"acme\"}"
#define NO_OBJECT \
	"! the object has no id: the field object_id (or cio_object_id) is missing or empty"
#define SPACE ": white space stands at its end (--trim drops that of a CSV)"
#define TO42 "{\"identifiers\":{\"id\":\"42\"}"
#define NO_DEVICE "! the device has no id: the field device_id is missing or empty"

static const struct sending sendings[] = {
	/* identify */
	{ { 0 }, "id=42|email=a@b|plan=", "PUT " C "42 {\"email\":\"a@b\"}" },
	{ { V2 }, "id=42|email=a@b|plan=",
	    "POST " P42 "\"identify\",\"attributes\":{\"email\":\"a@b\"}}" },
	{ { 0 }, "id=42", "PUT " C "42 {}" },
	{ { V2 }, "id=42", "POST " P42 "\"identify\",\"attributes\":{}}" },
	{ { 0 },
	    "{\"p\":29.99,\"id\":42,\"n\":123456789012345678901234567890,\"o\":{\"b\":[1.50],\"a\":"
	    "\"\\u00e9\\/\"}}",
	    "PUT " C "42 "
	    "{\"p\":29.99,\"n\":123456789012345678901234567890,\"o\":{\"b\":[1.50],\"a\":"
	    "\"\\u00e9\\/\"}}" },
	{ { V2 }, "{\"p\":29.99,\"id\":42,\"n\":null}",
	    "POST " P42 "\"identify\",\"attributes\":{\"p\":29.99,\"n\":null}}" },
	{ { .update_only = true }, "id=42|a=1", "PUT " C "42 {\"a\":\"1\",\"_update\":true}" },
	{ { .update_only = true }, "{\"id\":42,\"_update\":false}",
	    "PUT " C "42 {\"_update\":true}" },
	{ { V2, .update_only = true }, "id=42|a=1",
	    "POST " P42 "\"identify\",\"attributes\":{\"a\":\"1\",\"_update\":true}}" },
	{ { 0 },
	    "{\"id\":42,\"_update\":false,\"_timestamp\":5,\"cio_relationships\":{\"action\":\"add_"
	    "relationships\",\"relationships\":[]}}",
	    "PUT " C "42 "
	    "{\"_update\":false,\"_timestamp\":5,\"cio_relationships\":{\"action\":\"add_"
	    "relationships\",\"relationships\":[]}}" },
	/* In v2 the time of the change and the relationships are the operation's, not
	 * attributes. */
	{ { V2 }, "{\"id\":42,\"_timestamp\":500000000.5,\"a\":1}",
	    "POST " P42 "\"identify\",\"attributes\":{\"a\":1},\"timestamp\":500000000}" },
	{ { V2 }, "id=42|_timestamp=1970-01-01T00:01:00Z",
	    "POST " P42 "\"identify\",\"attributes\":{},\"timestamp\":60}" },
	{ { V2 }, "id=42|_timestamp=soon", "! _timestamp: \"soon\" is not a timestamp" },
	{ { V2 }, "{\"id\":42,\"_timestamp\":null}",
	    "POST " P42 "\"identify\",\"attributes\":{}}" },
	{ { V2 },
	    "{\"cio_relationships\":{\"action\":\"add_relationships\",\"relationships\":[{"
	    "\"identifiers\":{}}]},\"id\":42}",
	    "POST " P42
	    "\"identify\",\"attributes\":{},\"cio_relationships\":[{\"identifiers\":{}}]}" },
	{ { V2 }, "{\"id\":42,\"cio_relationships\":[{}]}",
	    "POST " P42 "\"identify\",\"attributes\":{},\"cio_relationships\":[{}]}" },
	{ { V2 },
	    "{\"id\":42,\"cio_relationships\":{\"action\":\"delete_relationships\","
	    "\"relationships\":[]}}",
	    "! cio_relationships: {\"action\":\"delete_relationships\",\"relationships\":[]} is "
	    "not a list of relationships to add (to delete some, send an entity)" },
	{ { V2 }, "id=42|cio_relationships={}",
	    "! cio_relationships: {} is not a list of relationships to add (to delete some, "
	    "send an entity)" },
	/* Whom: by email, cio_id (its prefix in paths only, once), phone (v2 only). */
	{ { 0 }, "email=ann+x@b.com|a=1", "PUT " C "ann%2Bx%40b.com {\"a\":\"1\"}" },
	{ { V2 }, "email=ann+x@b.com",
	    "POST batch "
	    "{\"type\":\"person\",\"identifiers\":{\"email\":\"ann+x@b.com\"},\"action\":"
	    "\"identify\",\"attributes\":{}}" },
	{ { 0 }, "cio_id=a3000001|email=a@b", "PUT " C "a%40b {\"cio_id\":\"a3000001\"}" },
	{ { 0 }, "cio_id=a3000001", "PUT " C "cio_a3000001 {}" },
	{ { 0 }, "cio_id=cio_a3000001", "PUT " C "cio_a3000001 {}" },
	{ { V2 }, "cio_id=cio_a3000001",
	    "POST batch "
	    "{\"type\":\"person\",\"identifiers\":{\"cio_id\":\"a3000001\"},\"action\":"
	    "\"identify\",\"attributes\":{}}" },
	{ { V2 }, "phone=+14155552671",
	    "POST batch "
	    "{\"type\":\"person\",\"identifiers\":{\"phone\":\"+14155552671\"},\"action\":"
	    "\"identify\",\"attributes\":{}}" },
	{ { V2 }, "phone=14155552671",
	    "! phone: \"14155552671\" is not a phone number such as +14155552671 (E.164)" },
	{ { V2 }, "phone=+1234567890123456",
	    "! phone: \"+1234567890123456\" is not a phone number such as +14155552671 (E.164)" },
	{ { V2 }, "phone=+1 415",
	    "! phone: \"+1 415\" is not a phone number such as +14155552671 (E.164)" },
	{ { V2 }, "phone=+123456789012345",
	    "POST batch "
	    "{\"type\":\"person\",\"identifiers\":{\"phone\":\"+123456789012345\"},\"action\":"
	    "\"identify\",\"attributes\":{}}" },
	{ { 0 }, "email=ann", "! email: \"ann\" is not an email address" },
	{ { V2 }, "email=ann", "! email: \"ann\" is not an email address" },
	{ { 0 }, "name=x", NOBODY },
	{ { V2 }, "name=x", NOBODY },
	{ { 0 }, "id=|email=a@b", "! id is empty" },
	{ { 0 }, "{\"id\":\"\"}", "! id is empty" },
	{ { 0 }, "{\"id\":null}", "! id: null is not an identifier" },
	{ { 0 }, "{\"id\":true}", "! id: true is not an identifier" },
	{ { 0 }, "{\"id\":{\"a\":1}}", "! id: {\"a\":1} is not an identifier" },
	{ { 0 }, "{\"id\":[1]}", "! id: [1] is not an identifier" },
	/* Identifiers in a path: everything but unreserved characters is percent-encoded. */
	{ { 0 }, "id=a b/c%d?e#f&g=h", "PUT " C "a%20b%2Fc%25d%3Fe%23f%26g%3Dh {}" },
	{ { 0 }, "id=-._~Az09", "PUT " C "-._~Az09 {}" },
	{ { 0 }, "id=!'()*", "PUT " C "%21%27%28%29%2A {}" },
	{ { 0 }, "id=\xc3\xa9\xf0\x9f\x98\x80", "PUT " C "%C3%A9%F0%9F%98%80 {}" },
	{ { 0 }, "{\"id\":\"\\u00e9\\ud83d\\ude00\\u0041\\\"\"}",
	    "PUT " C "%C3%A9%F0%9F%98%80A%22 {}" },
	{ { V2 }, "{\"id\":\"\\u00e9\\\"\\\\\"}",
	    "POST batch "
	    "{\"type\":\"person\",\"identifiers\":{\"id\":\"\xc3\xa9\\\"\\\\\"},\"action\":"
	    "\"identify\",\"attributes\":{}}" },
	{ { 0 }, "id=.", "! id: \".\" is not an identifier that can stand in a path" },
	{ { 0 }, "id=..", "! id: \"..\" is not an identifier that can stand in a path" },
	{ { 0 }, "cio_id=..", "PUT " C "cio_.. {}" },
	{ { 0 }, "id=...", "PUT " C "... {}" },
	{ { 0 }, "id=.a", "PUT " C ".a {}" },
	{ { V2 }, "id=.",
	    "POST batch "
	    "{\"type\":\"person\",\"identifiers\":{\"id\":\".\"},\"action\":\"identify\","
	    "\"attributes\":{}}" },
	{ { 0 }, "{\"id\":1e5}", "PUT " C "100000 {}" },
	{ { V2 }, "{\"id\":42}", "POST " P42 "\"identify\",\"attributes\":{}}" },

	/* Whom damaged identifiers would name: nobody, in no action. */
	{ { 0 }, "email=a@x.io ", "! email: \"a@x.io \" is not an identifier" SPACE },
	{ { V2 }, "email=b@x.io\xc2\xa0",
	    "! email: \"b@x.io\xc2\xa0\" is not an identifier" SPACE },
	{ { .action = ACTION_DELETE },
	    "id=\xe2\x80\x8b"
	    "7",
	    "! id: \"\\xe2\\x80\\x8b"
	    "7\" is not an identifier" SPACE },
	{ { .action = ACTION_DELETE }, "{\"id\":\"7 \"}",
	    "! id: \"7 \" is not an identifier: white space stands at its end" },
	{ { 0 }, "id= ", "! id is empty" },
	{ { V2 }, "id=\xc2\xa0\t ", "! id is empty" },
	{ { .action = ACTION_SUPPRESS }, "{\"id\":\"\\t\"}", "! id is empty" },
	{ { .action = ACTION_SUPPRESS }, "{\"id\":\"a\\u0000b\"}",
	    "! id: \"a\\u0000b\" is not an identifier: a control character is in it" },
	{ { .action = ACTION_UNSUPPRESS },
	    "id=a\x7f"
	    "b",
	    "! id: \"a\\x7fb\" is not an identifier: a control character is in it" },
	{ { .action = ACTION_TRACK, .event = "e" },
	    "id=a\xc2\x90"
	    "b",
	    "! id: \"a\\xc2\\x90b\" is not an identifier: a control character is in it" },
	{ { .action = ACTION_PAGE, .event = "e" }, "id=1\n2",
	    "! id: \"1\\n2\" is not an identifier: a control character is in it" },
	{ { .action = ACTION_SUPPRESS }, "email=d@x.io, e@x.io",
	    "! email: \"d@x.io, e@x.io\" is not an email address" },
	{ { .action = ACTION_SUPPRESS }, "email=a@x.io;Ana",
	    "! email: \"a@x.io;Ana\" is not an email address" },
	{ { V2 }, "email=Ana <a@x.io>", "! email: \"Ana <a@x.io>\" is not an email address" },
	{ { 0 }, "email=@x.io", "! email: \"@x.io\" is not an email address" },
	{ { 0 }, "email=a@", "! email: \"a@\" is not an email address" },
	{ { 0 }, "email=a@b@c", "! email: \"a@b@c\" is not an email address" },
	{ { 0 }, "email=a b@c", "! email: \"a b@c\" is not an email address" },
	{ { 0 }, "id=a b, c;<d>", "PUT " C "a%20b%2C%20c%3B%3Cd%3E {}" },
	{ { .action = ACTION_MERGE }, "primary_id=1|secondary_email=b@x.io ",
	    "! secondary_email: \"b@x.io \" is not an identifier" SPACE },
	{ { .action = ACTION_MERGE }, "primary_id= |secondary_id=2", "! primary_id is empty" },
	{ { .action = ACTION_ADD_DEVICE }, "id=42|device_id=d |platform=ios",
	    "! device_id: \"d \" is not an identifier" SPACE },
	{ { .action = ACTION_DELETE_DEVICE, V2 }, "id=42|device_id=\x01",
	    "! device_id: \"\\x01\" is not an identifier: a control character is in it" },
	{ { .action = ACTION_DELETE_DEVICE }, "id=42|device_id= ", "! device_id is empty" },
	{ { .action = ACTION_TRACK_ANONYMOUS, .event = "e" }, "anonymous_id=x ",
	    "! anonymous_id: \"x \" is not an identifier" SPACE },
	{ { .action = ACTION_DELETE_OBJECT }, "object_type_id=1|object_id=acme ",
	    "! object_id: \"acme \" is not an identifier" SPACE },
	{ { .action = ACTION_OBJECT }, "object_type_id=\t1|object_id=acme",
	    "! object_type_id: \"\\t1\" is not an identifier" SPACE },
	{ { .action = ACTION_RELATE }, "id=1|cio_object_id= ", "! cio_object_id is empty" },
	{ { .action = ACTION_ENTITY },
	    "{\"type\":\"person\",\"action\":\"delete\",\"identifiers\":{\"id\":\"7 \"}}",
	    "! id: \"7 \" is not an identifier: white space stands at its end" },
	{ { .action = ACTION_ENTITY, V2 },
	    "{\"type\":\"person\",\"action\":\"suppress\",\"identifiers\":{\"id\":\"7\",\"email\":"
	    "\"a@b,c@d\"}}",
	    "! email: \"a@b,c@d\" is not an email address" },
	{ { .action = ACTION_ENTITY },
	    "{\"type\":\"person\",\"action\":\"merge\",\"primary\":{\"id\":\"7\"},\"secondary\":{"
	    "\"id\":\" \"}}",
	    "! id is empty" },
	{ { .action = ACTION_ENTITY },
	    "{\"type\":\"object\",\"action\":\"delete\",\"identifiers\":{\"object_type_id\":\"1\","
	    "\"object_id\":\"a\\n\"}}",
	    "! object_id: \"a\\n\" is not an identifier: white space stands at its end" },
	{ { .action = ACTION_ENTITY },
	    "{\"type\":\"person\",\"action\":\"delete\",\"identifiers\":{\"id\":1.0}}",
	    "! id: 1.0 is not an identifier: write it as an integer" },
	/* Nobody, but for a name that is nearly one. */
	{ { 0 }, "{\"Email\":\"a@b\",\"x\":1}",
	    "! the record names nobody: its \"Email\" is not \"email\": say --map if it is that" },
	{ { .action = ACTION_DELETE }, "{\"x\":1,\"ID\":\"7\"}",
	    "! the record names nobody: its \"ID\" is not \"id\": say --map if it is that" },
	{ { V2 }, "{\"Phone\":\"+1\"}",
	    "! the record names nobody: its \"Phone\" is not \"phone\": say --map if it is that" },
	{ { 0 }, "{\"Phone\":\"+1\"}", NOBODY },
	/* ... but for a document that wraps its records */
	{ { 0 }, "{\"n\":[1],\"users\": [ {\"id\":1}]}",
	    NOBODY " (are the records in its \"users\"? jq -c '.users[]' FILE | cio-import)" },
	{ { 0 }, "{\"a b\":[{\"id\":1}],\"1\":[{}],\"\":[{}]}", NOBODY },
	{ { 0 }, "n=[{", NOBODY },
	/* Numbers: integers, however they are written. */
	{ { 0 }, "{\"id\":1.0}", "PUT " C "1 {}" },
	{ { V2 }, "{\"id\":1e3}",
	    "POST batch "
	    "{\"type\":\"person\",\"identifiers\":{\"id\":\"1000\"},\"action\":\"identify\","
	    "\"attributes\":{}}" },
	{ { .action = ACTION_DELETE }, "{\"id\":1.5}",
	    "! id: 1.5 is not an identifier: it is no integer" },
	{ { .action = ACTION_DELETE }, "{\"id\":12345678901234567890}",
	    "DELETE " C "12345678901234567890 " },
	{ { .action = ACTION_ADD_DEVICE }, "{\"id\":4.2e1,\"device_id\":7.0,\"platform\":\"ios\"}",
	    "PUT " C "42/devices {\"device\":{\"id\":\"7\",\"platform\":\"ios\"}}" },
	{ { .action = ACTION_DELETE_OBJECT }, "{\"object_type_id\":1.0,\"object_id\":20e0}",
	    "POST /api/v2/entity "
	    "{\"type\":\"object\",\"identifiers\":{\"object_type_id\":\"1\",\"object_id\":\"20\"},"
	    "\"action\":\"delete\"}" },
	{ { 0 }, "id=1.0", "PUT " C "1.0 {}" },

	/* track */
	{ { .action = ACTION_TRACK }, "id=42|name=bought|price=5",
	    "POST " C
	    "42/events {\"name\":\"bought\",\"id\":\"ULID\",\"data\":{\"price\":\"5\"}}" },
	{ { .action = ACTION_TRACK, V2 }, "id=42|name=bought|price=5",
	    "POST " P42
	    "\"event\",\"name\":\"bought\",\"id\":\"ULID\",\"attributes\":{\"price\":\"5\"}}" },
	{ { .action = ACTION_TRACK }, "id=42|event=bought",
	    "POST " C "42/events {\"name\":\"bought\",\"id\":\"ULID\",\"data\":{}}" },
	{ { .action = ACTION_TRACK }, "id=42|event=e|name=n",
	    "POST " C "42/events {\"name\":\"n\",\"id\":\"ULID\",\"data\":{\"event\":\"e\"}}" },
	{ { .action = ACTION_TRACK }, "{\"id\":42,\"name\":null,\"event\":\"e\"}",
	    "POST " C "42/events {\"name\":\"e\",\"id\":\"ULID\",\"data\":{\"name\":null}}" },
	{ { .action = ACTION_TRACK, .event = "x\"y" }, "id=42|event=e|name=n",
	    "POST " C "42/events "
	    "{\"name\":\"x\\\"y\",\"id\":\"ULID\",\"data\":{\"event\":\"e\",\"name\":\"n\"}}" },
	{ { .action = ACTION_TRACK }, "{\"id\":42,\"name\":7}",
	    "POST " C "42/events {\"name\":\"7\",\"id\":\"ULID\",\"data\":{}}" },
	{ { .action = ACTION_TRACK }, "id=42|a=1",
	    "! the event has no name: give it a field `name` or `event`, or use --event" },
	{ { .action = ACTION_TRACK }, "id=42|name=  ", "! the event's name is blank" },
	{ { .action = ACTION_TRACK, .event = "" }, "id=42", "! the event's name is blank" },
	{ { .action = ACTION_TRACK }, "{\"id\":42,\"name\":[]}",
	    "! name: [] is not an event's name" },
	{ { .action = ACTION_TRACK }, "name=n", NOBODY },
	/* its time and id, whatever their form */
	{ { .action = ACTION_TRACK, .event = "e" },
	    "id=42|event_id=01ARZ3NDEKTSV4RRFFQ69G5FAV|timestamp=1970-01-01T00:01:00Z|a=1",
	    "POST " C "42/events "
	    "{\"name\":\"e\",\"id\":\"01ARZ3NDEKTSV4RRFFQ69G5FAV\",\"timestamp\":60,"
	    "\"data\":{\"a\":\"1\"}}" },
	{ { .action = ACTION_TRACK, V2, .event = "e" },
	    "{\"id\":42,\"event_id\":\"x\",\"timestamp\":\"1970-01-01T00:01:00Z\"}",
	    "POST " P42
	    "\"event\",\"name\":\"e\",\"id\":\"x\",\"timestamp\":60,\"attributes\":{}}" },
	{ { .action = ACTION_TRACK, .event = "e" },
	    "{\"id\":42,\"event_id\":\"x\",\"timestamp\":160000000.75}",
	    "POST " C
	    "42/events {\"name\":\"e\",\"id\":\"x\",\"timestamp\":160000000,\"data\":{}}" },
	/* A number that is no moment in an event's life, unless its type says that it is meant. */
	{ { .action = ACTION_TRACK, .event = "e" }, "{\"id\":42,\"timestamp\":20240101}",
	    "! timestamp: 20240101 is not taken for a timestamp (it would be "
	    "1970-08-23T06:15:01Z): write a spreadsheet's day, a date or a year as 2024-02-29, "
	    "leave \"never\" empty, or if seconds are meant, give --type=timestamp:int" },
	{ { .action = ACTION_TRACK, .event = "e" },
	    "id=42|event_id=x|timestamp=1970-01-01T00:00:05Z",
	    "POST " C "42/events {\"name\":\"e\",\"id\":\"x\",\"timestamp\":5,\"data\":{}}" },
	{ { .action = ACTION_TRACK, .event = "e" }, "{\"id\":42,\"event_id\":5,\"timestamp\":null}",
	    "POST " C "42/events {\"name\":\"e\",\"id\":\"5\",\"data\":{}}" },
	{ { .action = ACTION_TRACK, .event = "e" }, "{\"id\":42,\"timestamp\":\"soon\"}",
	    "! timestamp: \"soon\" is not a timestamp" },
	{ { .action = ACTION_TRACK, .event = "e" }, "id=42|timestamp=soon",
	    "! timestamp: \"soon\" is not a timestamp" },
	{ { .action = ACTION_TRACK, .event = "e" }, "{\"id\":42,\"timestamp\":true}",
	    "! timestamp: true is not a timestamp" },
	{ { .action = ACTION_TRACK, .event = "e" }, "{\"id\":42,\"event_id\":{}}",
	    "! event_id: {} is not an event id" },
	/* its data: an object of that name, or else all that is left */
	{ { .action = ACTION_TRACK, .event = "e" },
	    "{\"id\":42,\"x\":1,\"data\":{\"b\":29.90, \"a\":[]}}",
	    "POST " C
	    "42/events {\"name\":\"e\",\"id\":\"ULID\",\"data\":{\"b\":29.90, \"a\":[]}}" },
	{ { .action = ACTION_TRACK, V2, .event = "e" },
	    "{\"id\":42,\"x\":1,\"data\":{\"b\":29.90}}",
	    "POST " P42 "\"event\",\"name\":\"e\",\"id\":\"ULID\",\"attributes\":{\"b\":29.90}}" },
	{ { .action = ACTION_TRACK, .event = "e" }, "{\"id\":42,\"x\":1,\"data\":[2]}",
	    "POST " C
	    "42/events {\"name\":\"e\",\"id\":\"ULID\",\"data\":{\"x\":1,\"data\":[2]}}" },
	{ { .action = ACTION_TRACK, .event = "e" }, "id=42|data={}",
	    "POST " C "42/events {\"name\":\"e\",\"id\":\"ULID\",\"data\":{\"data\":\"{}\"}}" },
	{ { .action = ACTION_TRACK, .event = "e" }, "id=42|email=a@b|anonymous_id=9",
	    "POST " C "42/events "
	    "{\"name\":\"e\",\"id\":\"ULID\",\"data\":{\"email\":\"a@b\",\"anonymous_"
	    "id\":\"9\"}}" },

	/* page and screen */
	{ { .action = ACTION_PAGE }, "id=42|name=/pricing|referrer=x",
	    "POST " C "42/events "
	    "{\"name\":\"/"
	    "pricing\",\"type\":\"page\",\"id\":\"ULID\",\"data\":{\"referrer\":\"x\"}}" },
	{ { .action = ACTION_PAGE, V2 }, "id=42|name=/pricing|anonymous_id=9",
	    "POST " P42 "\"page\",\"name\":\"/"
	    "pricing\",\"id\":\"ULID\",\"attributes\":{\"anonymous_id\":\"9\"}}" },
	{ { .action = ACTION_SCREEN }, "id=42|name=Home|anonymous_id=9|a=1",
	    "POST " C "42/events "
	    "{\"name\":\"Home\",\"type\":\"screen\",\"anonymous_id\":\"9\",\"id\":"
	    "\"ULID\",\"data\":{\"a\":\"1\"}}" },
	{ { .action = ACTION_SCREEN }, "id=42|name=Home",
	    "POST " C
	    "42/events {\"name\":\"Home\",\"type\":\"screen\",\"id\":\"ULID\",\"data\":{}}" },
	{ { .action = ACTION_SCREEN, V2 }, "id=42|name=Home|anonymous_id=9",
	    "POST " P42 "\"screen\",\"name\":\"Home\",\"id\":\"ULID\",\"attributes\":{\"anonymous_"
	    "id\":\"9\"}}" },

	/* track-anonymous: people's identifiers are data like any other, unless they were
	 * dropped */
	{ { .action = ACTION_TRACK_ANONYMOUS }, "anonymous_id=9|name=seen|page=/",
	    "POST /api/v1/events "
	    "{\"name\":\"seen\",\"anonymous_id\":\"9\",\"id\":\"ULID\",\"data\":{\"page\":\"/"
	    "\"}}" },
	{ { .action = ACTION_TRACK_ANONYMOUS }, "name=seen",
	    "POST /api/v1/events {\"name\":\"seen\",\"id\":\"ULID\",\"data\":{}}" },
	{ { .action = ACTION_TRACK_ANONYMOUS }, "name=seen|anonymous_id=",
	    "POST /api/v1/events {\"name\":\"seen\",\"id\":\"ULID\",\"data\":{}}" },
	{ { .action = ACTION_TRACK_ANONYMOUS },
	    "{\"anonymous_id\":9,\"name\":\"seen\",\"email\":\"a@b\",\"x\":1}",
	    "POST /api/v1/events "
	    "{\"name\":\"seen\",\"anonymous_id\":\"9\",\"id\":\"ULID\",\"data\":{\"email\":\"a@b\","
	    "\"x\":1}}" },
	{ { .action = ACTION_TRACK_ANONYMOUS, V2 }, "anonymous_id=9|name=seen",
	    "! track-anonymous cannot be in a batch: send it without --batch" },

	/* delete, suppress, unsuppress */
	{ { .action = ACTION_DELETE }, "id=42|plan=x", "DELETE " C "42 " },
	{ { .action = ACTION_DELETE, V2 }, "id=42|plan=x", "POST " P42 "\"delete\"}" },
	{ { .action = ACTION_SUPPRESS }, "email=a@b", "POST " C "a%40b/suppress " },
	{ { .action = ACTION_SUPPRESS, V2 }, "id=42", "POST " P42 "\"suppress\"}" },
	{ { .action = ACTION_UNSUPPRESS }, "cio_id=a3", "POST " C "cio_a3/unsuppress " },
	{ { .action = ACTION_UNSUPPRESS, V2 }, "id=42", "POST " P42 "\"unsuppress\"}" },
	{ { .action = ACTION_DELETE }, "plan=x", NOBODY },
	{ { .action = ACTION_DELETE }, "id=..",
	    "! id: \"..\" is not an identifier that can stand in a path" },

	/* merge */
	{ { .action = ACTION_MERGE }, "primary_id=1|secondary_email=a@b|x=1",
	    "POST /api/v1/merge_customers "
	    "{\"primary\":{\"id\":\"1\"},\"secondary\":{\"email\":\"a@b\"}}" },
	{ { .action = ACTION_MERGE, V2 }, "primary_id=1|secondary_email=a@b",
	    "POST batch "
	    "{\"type\":\"person\",\"action\":\"merge\",\"primary\":{\"id\":\"1\"},\"secondary\":{"
	    "\"email\":\"a@b\"}}" },
	{ { .action = ACTION_MERGE }, "{\"primary_cio_id\":\"cio_a3\",\"secondary_id\":7}",
	    "POST /api/v1/merge_customers "
	    "{\"primary\":{\"cio_id\":\"a3\"},\"secondary\":{\"id\":\"7\"}}" },
	{ { .action = ACTION_MERGE }, "primary_id=|primary_email=c@d|secondary_cio_id=b4",
	    "POST /api/v1/merge_customers "
	    "{\"primary\":{\"email\":\"c@d\"},\"secondary\":{\"cio_id\":\"b4\"}}" },
	{ { .action = ACTION_MERGE }, "secondary_id=1",
	    "! no primary person: none of primary_id, primary_email, primary_cio_id is there" },
	{ { .action = ACTION_MERGE }, "primary_id=1|secondary_id=",
	    "! no secondary person: none of secondary_id, secondary_email, secondary_cio_id is "
	    "there" },
	{ { .action = ACTION_MERGE }, "primary_email=A@b|secondary_email=a@B",
	    "! primary and secondary are the same person" },
	{ { .action = ACTION_MERGE }, "primary_id=1|secondary_email=ab",
	    "! secondary_email: \"ab\" is not an email address" },
	{ { .action = ACTION_MERGE }, "primary_id=.|secondary_id=..",
	    "POST /api/v1/merge_customers "
	    "{\"primary\":{\"id\":\".\"},\"secondary\":{\"id\":\"..\"}}" },

	/* devices */
	{ { .action = ACTION_ADD_DEVICE },
	    "id=42|device_id=d/1|platform=ios|last_used=1970-01-02|device_os=17|app=2",
	    "PUT " C "42/devices "
	    "{\"device\":{\"id\":\"d/"
	    "1\",\"platform\":\"ios\",\"last_used\":86400,\"attributes\":{\"device_os\":"
	    "\"17\",\"app\":\"2\"}}}" },
	{ { .action = ACTION_ADD_DEVICE, V2 }, "id=42|device_id=d|platform=android|app=2",
	    "POST " P42 "\"add_device\",\"device\":{\"token\":\"d\",\"platform\":\"android\","
	    "\"attributes\":{\"app\":\"2\"}}}" },
	{ { .action = ACTION_ADD_DEVICE },
	    "{\"id\":42,\"device_id\":7,\"platform\":\"ios\",\"last_used\":500000000,\"push\":"
	    "true}",
	    "PUT " C "42/devices "
	    "{\"device\":{\"id\":\"7\",\"platform\":\"ios\",\"last_used\":500000000,"
	    "\"attributes\":{\"push\":true}}}" },
	{ { .action = ACTION_ADD_DEVICE }, "id=42|device_id=d|platform=ios|last_used=",
	    "PUT " C "42/devices {\"device\":{\"id\":\"d\",\"platform\":\"ios\"}}" },
	{ { .action = ACTION_ADD_DEVICE }, "id=42|platform=ios", NO_DEVICE },
	{ { .action = ACTION_DELETE_DEVICE }, "id=42", NO_DEVICE },
	{ { .action = ACTION_ADD_DEVICE }, "id=42|device_id=d",
	    "! the device has no platform: the field platform is missing or empty" },
	{ { .action = ACTION_ADD_DEVICE }, "id=42|device_id=d|platform=iOS",
	    "! platform: \"iOS\" is not ios or android" },
	{ { .action = ACTION_ADD_DEVICE }, "id=42|device_id=d|platform=web",
	    "! platform: \"web\" is not ios or android" },
	{ { .action = ACTION_ADD_DEVICE }, "id=42|device_id=d|platform=ios|last_used=soon",
	    "! last_used: \"soon\" is not a timestamp" },
	{ { .action = ACTION_ADD_DEVICE }, "{\"id\":42,\"device_id\":[],\"platform\":\"ios\"}",
	    "! device_id: [] is not a device's id" },
	{ { .action = ACTION_DELETE_DEVICE }, "id=4/2|device_id=d/1 x|platform=q",
	    "DELETE " C "4%2F2/devices/d%2F1%20x " },
	{ { .action = ACTION_DELETE_DEVICE, V2 }, "id=42|device_id=d/1",
	    "POST " P42 "\"delete_device\",\"device\":{\"token\":\"d/1\"}}" },
	{ { .action = ACTION_DELETE_DEVICE }, "id=42|device_id=..",
	    "! device_id: \"..\" is not a device's id that can stand in a path" },

	/* entity: the record as it is, its own id too */
	{ { .action = ACTION_ENTITY },
	    "{\"type\":\"person\",\"identifiers\":{\"id\":\"7\"},\"action\":\"event\",\"id\":"
	    "\"01\",\"name\":\"x\",\"attributes\":{\"p\":1.10}}",
	    "POST /api/v2/entity "
	    "{\"type\":\"person\",\"identifiers\":{\"id\":\"7\"},\"action\":\"event\",\"id\":"
	    "\"01\",\"name\":\"x\",\"attributes\":{\"p\":1.10}}" },
	{ { .action = ACTION_ENTITY, V2 },
	    "{\"type\":\"object\",\"identifiers\":{\"object_type_id\":\"1\",\"object_id\":\"acme\"}"
	    ",\"action\":\"delete\"}",
	    "POST batch "
	    "{\"type\":\"object\",\"identifiers\":{\"object_type_id\":\"1\",\"object_id\":\"acme\"}"
	    ",\"action\":\"delete\"}" },
	{ { .action = ACTION_ENTITY }, "{\"action\":\"delete\"}",
	    "! an entity needs a field `type`: person, object or delivery" },
	{ { .action = ACTION_ENTITY }, "{\"type\":{},\"id\":1}",
	    "! type: {} is not a type: person, object or delivery" },

	/* the record's own action */

	/* objects and relationships: whatever is no identifier is an attribute */
	{ { .action = ACTION_OBJECT }, "object_type_id=1|object_id=acme|name=Acme|email=a@b|seats=",
	    "POST /api/v2/entity " ACME "\"identify\",\"attributes\":{\"name\":\"Acme\",\"email\":"
	    "\"a@b\"}}" },
	{ { .action = ACTION_OBJECT, V2 },
	    "{\"object_type_id\":1,\"object_id\":\"acme\",\"id\":7,\"deep\":{\"a\": [1.10]}}",
	    "POST batch " ACME "\"identify\",\"attributes\":{\"id\":7,\"deep\":{\"a\": [1.10]}}}" },
	{ { .action = ACTION_OBJECT, .object_type = "1" }, "object_id=acme",
	    "POST /api/v2/entity " ACME "\"identify\",\"attributes\":{}}" },
	{ { .action = ACTION_OBJECT, .object_type = "1" }, "object_id=acme|object_type_id=9",
	    "POST /api/v2/entity " ACME "\"identify\",\"attributes\":{}}" },
	{ { .action = ACTION_OBJECT }, "cio_object_id=ob7|object_id=|a=b",
	    "POST /api/v2/entity {\"type\":\"object\",\"identifiers\":{\"cio_object_id\":\"ob7\"},"
	    "\"action\":\"identify\",\"attributes\":{\"a\":\"b\"}}" },
	{ { .action = ACTION_OBJECT }, "object_id=acme|a=b",
	    "! the object has no type: give it a field object_type_id, or use --object-type" },
	{ { .action = ACTION_OBJECT }, "object_type_id=1|a=b", NO_OBJECT },
	{ { .action = ACTION_DELETE_OBJECT }, "object_type_id=1|object_id=", NO_OBJECT },
	{ { .action = ACTION_OBJECT }, "{\"object_type_id\":1,\"object_id\":[]}",
	    "! object_id: [] is not an object's id" },
	{ { .action = ACTION_OBJECT }, "{\"object_type_id\":{},\"object_id\":\"acme\"}",
	    "! object_type_id: {} is not an object's type" },
	{ { .action = ACTION_DELETE_OBJECT }, "object_type_id=1|object_id=acme|name=Acme",
	    "POST /api/v2/entity " ACME "\"delete\"}" },
	{ { .action = ACTION_DELETE_OBJECT, V2 }, "object_type_id=1|object_id=acme",
	    "POST batch " ACME "\"delete\"}" },
	{ { .action = ACTION_RELATE }, "id=42|object_type_id=1|object_id=acme|role=boss|email=a@b",
	    "POST /api/v2/entity " RELATED "\"add_relationships\"," TO_ACME
	    ",\"relationship_attributes\":{\"role\":\"boss\",\"email\":\"a@b\"}}]}" },
	{ { .action = ACTION_RELATE, V2 }, "id=42|object_type_id=1|object_id=acme",
	    "POST batch " RELATED "\"add_relationships\"," TO_ACME "}]}" },
	{ { .action = ACTION_RELATE, V2 }, "{\"phone\":\"+15551234567\",\"cio_object_id\":\"ob7\"}",
	    "POST batch "
	    "{\"type\":\"person\",\"identifiers\":{\"phone\":\"+15551234567\"},\"action\":"
	    "\"add_relationships\",\"cio_relationships\":[{\"identifiers\":{\"cio_object_id\":"
	    "\"ob7\"}}]"
	    "}" },
	{ { .action = ACTION_UNRELATE, V2 }, "id=42|object_type_id=1|object_id=acme|role=boss",
	    "POST batch " RELATED "\"delete_relationships\"," TO_ACME "}]}" },
	{ { .action = ACTION_UNRELATE }, "id=42|object_type_id=1|object_id=acme",
	    "POST /api/v2/entity " RELATED "\"delete_relationships\"," TO_ACME "}]}" },
	{ { .action = ACTION_RELATE }, "object_type_id=1|object_id=acme", NOBODY },
	{ { .action = ACTION_RELATE }, "id=42|object_type_id=1", NO_OBJECT },

	/* segments: a path that many have in common, and an identifier */
	{ { .action = ACTION_SEGMENT_ADD }, "id=4/2|segment_id=7|plan=free",
	    "POST /api/v1/segments/7/add_customers?id_type=id \"4/2\"" },
	{ { .action = ACTION_SEGMENT_ADD, V2 }, "{\"email\":\"a\\u0040b\",\"segment_id\":7}",
	    "POST /api/v1/segments/7/add_customers?id_type=email \"a@b\"" },
	{ { .action = ACTION_SEGMENT_REMOVE, .segment = "8" }, "cio_id=cio_03|segment_id=7",
	    "POST /api/v1/segments/8/remove_customers?id_type=cio_id \"03\"" },
	{ { .action = ACTION_SEGMENT_ADD }, "id=42",
	    "! no segment is named: give the record a field segment_id, or use --segment" },
	{ { .action = ACTION_SEGMENT_ADD }, "id=42|segment_id=7/8",
	    "! segment_id: \"7/8\" is not a segment's number" },
	{ { .action = ACTION_SEGMENT_ADD }, "{\"id\":42,\"segment_id\":7.5}",
	    "! segment_id: 7.5 is not a segment's number" },
	{ { .action = ACTION_SEGMENT_ADD, .segment = "7" }, "name=x", NOBODY },

	/* messages: members of the body, and the rest as data */
	{ { .action = ACTION_SEND_EMAIL, .message = "44" },
	    "id=42|email=a@b|order=7|subject=Hi|note=",
	    "POST /v1/send/email " TO42
	    ",\"transactional_message_id\":44,\"to\":\"a@b\",\"subject\":"
	    "\"Hi\",\"message_data\":{\"email\":\"a@b\",\"order\":\"7\"}}" },
	{ { .action = ACTION_SEND_EMAIL, .message = "welcome", .draft = true },
	    "email=a@b|to=c@d|queue_draft=false",
	    "POST /v1/send/email {\"identifiers\":{\"email\":\"a@b\"},\"transactional_message_id\":"
	    "\"welcome\",\"to\":\"c@d\",\"queue_draft\":true,\"message_data\":{}}" },
	{ { .action = ACTION_SEND_EMAIL }, "email=a@b|transactional_message_id=5",
	    "POST /v1/send/email "
	    "{\"identifiers\":{\"email\":\"a@b\"},\"transactional_message_id\":5,"
	    "\"to\":\"a@b\",\"message_data\":{\"email\":\"a@b\"}}" },
	{ { .action = ACTION_SEND_EMAIL },
	    "{\"id\":42,\"to\":\"a@b\",\"transactional_message_id\":\"5\",\"send_at\":\"2024-02-"
	    "29\","
	    "\"tracked\":false,\"headers\":{\"X-A\":\"b\"},\"attachments\":{\"a.txt\":\"eA==\"},"
	    "\"language\":null,\"message_data\":{\"a\": [1.10]},\"other\":1}",
	    "POST /v1/send/email " TO42
	    ",\"transactional_message_id\":\"5\",\"to\":\"a@b\",\"send_at\":"
	    "1709164800,\"tracked\":false,\"headers\":\"{\\\"X-A\\\":\\\"b\\\"}\",\"attachments\":{"
	    "\"a.txt\":\"eA==\"},\"message_data\":{\"a\": [1.10]}}" },
	{ { .action = ACTION_SEND_EMAIL }, "id=42|to=a@b|body=b|subject=s|from=f@g",
	    "POST /v1/send/email " TO42 ",\"to\":\"a@b\",\"body\":\"b\",\"subject\":\"s\",\"from\":"
	    "\"f@g\",\"message_data\":{}}" },
	{ { .action = ACTION_SEND_EMAIL }, "id=42|to=a@b|body=b",
	    "! no message is named: give the record a field transactional_message_id, or use "
	    "--message; without one, body, subject and from are needed" },
	{ { .action = ACTION_SEND_EMAIL, .message = "4" }, "id=42",
	    "! it goes to nobody: give the record a field `to`, or `email`" },
	{ { .action = ACTION_SEND_EMAIL, .message = "4" },
	    "{\"id\":42,\"to\":\"a@b\",\"subject\":[]}", "! subject: [] is not a text" },
	{ { .action = ACTION_SEND_EMAIL, .message = "4" }, "id=42|to=a@b|attachments=x",
	    "! attachments: \"x\" is not a JSON object (in a CSV it needs --type=NAME:json)" },
	{ { .action = ACTION_SEND_EMAIL, .message = "4" }, "id=42|to=a@b|send_at=soon",
	    "! send_at: \"soon\" is not a timestamp" },
	{ { .action = ACTION_SEND_EMAIL, .message = "4" }, "id=42|to=a@b|fake_bcc=1",
	    "! fake_bcc: \"1\" is not true or false" },
	{ { .action = ACTION_SEND_EMAIL, .message = "4" },
	    "id=42|to=1,2,3,4,5,6,7,8|cc=1,2,3,4|bcc=1,2,3,4",
	    "! the message has 16 recipients, the limit is 15" },
	{ { .action = ACTION_SEND_PUSH, .message = "4" },
	    "id=42|title=T|message=M|body=data|to=all",
	    "POST /v1/send/push " TO42
	    ",\"transactional_message_id\":4,\"to\":\"all\",\"title\":\"T\","
	    "\"message\":\"M\",\"message_data\":{\"body\":\"data\"}}" },
	{ { .action = ACTION_SEND_PUSH, .message = "4" }, "id=42|email=a@b",
	    "POST /v1/send/push " TO42
	    ",\"transactional_message_id\":4,\"message_data\":{\"email\":"
	    "\"a@b\"}}" },
	{ { .action = ACTION_SEND_PUSH }, "id=42",
	    "! no message is named: give the record a field transactional_message_id, or use "
	    "--message" },
	{ { .action = ACTION_SEND_SMS, .message = "4" }, "cio_id=03|phone=+15551234567|from=+1",
	    "POST /v1/send/sms {\"identifiers\":{\"cio_id\":\"03\"},\"transactional_message_id\":4,"
	    "\"to\":\"+15551234567\",\"from\":\"+1\",\"message_data\":{\"phone\":\"+15551234567\"}"
	    "}" },
	{ { .action = ACTION_SEND_SMS, .message = "4" },
	    "{\"id\":42,\"to\":\"+1\",\"tracked\":\"False\",\"send_to_unsubscribed\":true}",
	    "POST /v1/send/sms " TO42
	    ",\"transactional_message_id\":4,\"to\":\"+1\",\"tracked\":false,"
	    "\"send_to_unsubscribed\":true,\"message_data\":{}}" },
	{ { .action = ACTION_BROADCAST, .broadcast = "3" }, "id=42|email=a@b|order=7",
	    "POST /v1/campaigns/3/triggers {\"id\":\"42\",\"data\":{\"email\":\"a@b\",\"order\":"
	    "\"7\"}}" },
	{ { .action = ACTION_BROADCAST, .broadcast = "3" },
	    "{\"email\":\"a@b\",\"data\":{\"a\": 1.10},\"x\":1}",
	    "POST /v1/campaigns/3/triggers {\"email\":\"a@b\",\"data\":{\"a\": 1.10}}" },
	{ { .action = ACTION_BROADCAST, .broadcast = "3" }, "cio_id=03",
	    "! cio_id names nobody here: a broadcast goes to people by id or email" },
	{ { .action = ACTION_SEND_SMS, .message = "4" }, "id=42|email=a@b",
	    "! it goes to nobody: give the record a field `to`, or `phone`" },

	/* cells that a JSON string must escape */
	{ { 0 }, "id=42|a=q\"s\\t\tn\nb\b\x01\x7f\xc3\xa9",
	    "PUT " C "42 {\"a\":\"q\\\"s\\\\t\\tn\\nb\\b\\u0001\x7f\xc3\xa9\"}" },
	{ { V2 }, "id=42|a=0123456789\"|b=\"|c=\x1f",
	    "POST " P42 "\"identify\",\"attributes\":{\"a\":\"0123456789\\\"\",\"b\":\"\\\"\","
	    "\"c\":\"\\u001f\"}}" },
};

START_TEST(an_action_is_sent_as_the_api_has_it)
{
	check_sending(&sendings[_i], (struct mapping_config){ 0 });
}
END_TEST

/* The same with a mapping. */
static const struct {
	struct sending sending;
	struct mapping_config maps;
} mapped_sendings[] = {
	{ { { 0 }, "phone=+14155552671",
	      "! phone names nobody here: people are found by phone with --batch only" },
	    { .id_field = "phone" } },
	{ { { .action = ACTION_TRACK_ANONYMOUS }, "name=seen|email=a@b|x=1",
	      "POST /api/v1/events {\"name\":\"seen\",\"id\":\"ULID\",\"data\":{\"x\":\"1\"}}" },
	    { .drop = (const char *const[]){ "email" }, .drop_count = 1 } },
	{ { { .action = ACTION_ENTITY }, "{\"type\":\"person\",\"id\":\"01\"}",
	      "POST /api/v2/entity {\"type\":\"person\"}" },
	    { .drop = (const char *const[]){ "id" }, .drop_count = 1 } },
	{ { { .action = ACTION_ENTITY }, "type=delivery|identifiers={\"id\":\"R\"}|action=event",
	      "POST /api/v2/entity "
	      "{\"type\":\"delivery\",\"identifiers\":{\"id\":\"R\"},\"action\":\"event\"}" },
	    { .types = (const struct name_type[]){ { "identifiers", TYPE_JSON } },
	        .type_count = 1 } },
	{ { { .action = ACTION_IDENTIFY }, "id=42|do=suppress", "POST " C "42/suppress " },
	    { .action_field = "do" } },
	{ { { .action = ACTION_DELETE }, "id=42|do=|a=1", "DELETE " C "42 " },
	    { .action_field = "do" } },
	{ { { V2 }, "{\"do\":\"add_device\",\"id\":42,\"device_id\":\"d\",\"platform\":\"ios\"}",
	      "POST " P42 "\"add_device\",\"device\":{\"token\":\"d\",\"platform\":\"ios\"}}" },
	    { .action_field = "do" } },
	{ { { 0 }, "id=42|do=event", "! do: \"event\" is not an action" },
	    { .action_field = "do" } },
	{ { { 0 }, "{\"id\":42,\"do\":[]}", "! do: [] is not an action" },
	    { .action_field = "do" } },
};

START_TEST(a_mapped_record_is_sent_as_the_api_has_it)
{
	check_sending(&mapped_sendings[_i].sending, mapped_sendings[_i].maps);
}
END_TEST

/* Limits: with `over` bytes (or fields) more than allowed. `make` writes a record of that size. */
static void repeat(struct buf *b, const char *what, size_t n)
{
	while (n-- > 0)
		buf_str(b, what);
}

static void text_value(struct buf *b, size_t n)
{
	buf_str(b, "id=42|a=");
	repeat(b, "x", n);
}
static void json_value(struct buf *b, size_t n)
{
	buf_str(b, "{\"id\":42,\"a\":\"");
	repeat(b, "\\u0041", n);
	buf_str(b, "\"}");
}
static void plain_json_value(struct buf *b, size_t n)
{
	buf_str(b, "{\"id\":42,\"a\":\"");
	repeat(b, "x", n);
	buf_str(b, "\"}");
}
static void escaped_value(struct buf *b, size_t n)
{
	buf_str(b, "id=42|a=");
	repeat(b, "\"", n);
}
static void attribute_name(struct buf *b, size_t n)
{
	buf_str(b, "id=42|");
	repeat(b, "x", n);
	buf_str(b, "=1");
}
static void identifier(struct buf *b, size_t n)
{
	buf_str(b, "id=");
	repeat(b, "x", n);
}
static void json_identifier(struct buf *b, size_t n)
{
	buf_str(b, "{\"id\":\"");
	repeat(b, "\\u0041", n);
	buf_str(b, "\"}");
}
static void merged(struct buf *b, size_t n)
{
	buf_str(b, "primary_id=1|secondary_id=");
	repeat(b, "x", n);
}
static void event_name(struct buf *b, size_t n)
{
	buf_str(b, "id=42|name=");
	repeat(b, "x", n);
}
static void event_data(struct buf *b, size_t n)
{
	buf_str(b, "id=42|name=e|a=");
	repeat(b, "x", n - 8);
} /* {"a":""} */
static void data_object(struct buf *b, size_t n)
{
	buf_str(b, "{\"id\":42,\"name\":\"e\",\"data\":{\"a\":\"");
	repeat(b, "x", n - 8);
	buf_str(b, "\"}}");
}
static void attributes(struct buf *b, size_t n)
{
	buf_str(b, "id=42");
	for (size_t i = 0; i < n; i++)
		buf_fmt(b, "|a%zu=1", i);
}
static void entity(struct buf *b, size_t n)
{
	buf_str(b, "type=x|a=");
	repeat(b, "y", n - 19);
} /* {"type":"x","a":""} */
static void v2_event(struct buf *b, size_t n)
{
	/*
	 * {"type":"person","identifiers":{"id":"42"},"action":"event","name":"e","id":"(26)","attributes":{"a":""}}
	 */
	buf_str(b, "id=42|name=e|a=");
	repeat(b, "y", n - 127);
}

static const struct {
	void (*make)(struct buf *b, size_t n);
	size_t limit;
	struct operation_config config;
	const char *reason; /* for one more */
	bool always;        /* with no_limits too */
} limits[] = {
	{ text_value, 1000, { 0 }, "a: value has 1,001 bytes, the limit is 1,000", false },
	{ text_value, 1000, { V2 }, "a: value has 1,001 bytes, the limit is 1,000", false },
	{ escaped_value, 1000, { 0 }, "a: value has 1,001 bytes, the limit is 1,000", false },
	{ json_value, 1000, { 0 }, "a: value has 1,001 bytes, the limit is 1,000", false },
	{ plain_json_value, 1000, { 0 }, "a: value has 1,001 bytes, the limit is 1,000", false },
	{ attribute_name, 150, { 0 },
	    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...: the attribute's name "
	    "has 151 bytes, the limit is 150",
	    false },
	{ attributes, 300, { 0 }, "the record has 301 attributes, the limit is 300", false },
	{ attributes, 300, { V2, .update_only = true },
	    "the record has 301 attributes, the limit is 300", false },
	{ identifier, 150, { 0 }, "id: identifier has 151 bytes, the limit is 150", false },
	{ identifier, 150, { .action = ACTION_DELETE, V2 },
	    "id: identifier has 151 bytes, the limit is 150", false },
	{ json_identifier, 150, { 0 }, "id: identifier has 151 bytes, the limit is 150", false },
	{ merged, 150, { .action = ACTION_MERGE },
	    "secondary_id: identifier has 151 bytes, the limit is 150", false },
	{ event_name, 100, { .action = ACTION_TRACK },
	    "the event's name has 101 bytes, the limit is 100", false },
	{ event_name, 100, { .action = ACTION_PAGE, V2 },
	    "the event's name has 101 bytes, the limit is 100", false },
	{ event_data, 100000, { .action = ACTION_TRACK },
	    "the event's data has 100,001 bytes, the limit is 100,000", false },
	{ data_object, 100000, { .action = ACTION_TRACK },
	    "the event's data has 100,001 bytes, the limit is 100,000", false },
	{ entity, 32000, { .action = ACTION_ENTITY },
	    "the operation has 32,001 bytes, the limit is 32,000", false },
	{ entity, 32000, { .action = ACTION_ENTITY, V2 },
	    "the operation has 32,001 bytes, the limit is 32,000", true },
	{ v2_event, 32000, { .action = ACTION_TRACK, V2 },
	    "the operation has 32,001 bytes, the limit is 32,000", true },
};

START_TEST(a_limit_is_kept_to_the_byte)
{
	const struct mapping_config maps = { .id_type = -1 };
	struct buf line;

	buf_init(&line, 1 << 20);
	for (int over = -1; over <= 1; over++) {
		for (int free_of_limits = 0; free_of_limits < 2; free_of_limits++) {
			struct operation_config c = usual(limits[_i].config);
			struct operation op = fresh();
			struct reason why = { .text = "" };
			c.no_limits = free_of_limits;
			buf_reset(&line);
			limits[_i].make(&line, limits[_i].limit + (size_t)over);
			buf_byte(&line, '\0');
			int result = build(&c, &maps, line.data, 1, &op, &why);
			bool refused = over == 1 && (limits[_i].always || !free_of_limits);
			ck_assert_msg(result == (refused ? -1 : 0), "%+d: %s", over, why.text);
			if (refused)
				ck_assert_str_eq(why.text, limits[_i].reason);
			release(&op);
		}
	}
	buf_free(&line);
}
END_TEST

START_TEST(a_v2_operation_may_have_32000_bytes)
{
	struct operation_config c = usual((struct operation_config){ .action = ACTION_TRACK, V2 });
	const struct mapping_config maps = { .id_type = -1 };
	struct operation op = fresh();
	struct reason why = { .text = "" };
	struct buf line;

	buf_init(&line, 1 << 20);
	v2_event(&line, OPERATION_MAX);
	buf_byte(&line, '\0');
	ck_assert_msg(build(&c, &maps, line.data, 1, &op, &why) == 0, "%s", why.text);
	ck_assert_uint_eq(op.body_len, OPERATION_MAX);
	buf_free(&line);
	release(&op);
}
END_TEST

/* Whose turn an operation has to wait for, as the identifiers of a v1 path. */
static const struct {
	enum action action;
	const char *record, *keys[2], *id;
} turns[] = {
	{ ACTION_IDENTIFY, "id=42", { "42" }, "42" },
	{ ACTION_IDENTIFY, "{\"id\":42}", { "42" }, "42" },
	{ ACTION_TRACK, "id=Abc|name=x", { "Abc" }, "Abc" },
	{ ACTION_IDENTIFY, "email=Ann@B.com", { "ann@b.com" }, "Ann@B.com" },
	{ ACTION_DELETE, "id=Ann@B.com", { "ann@b.com" }, "Ann@B.com" },
	{ ACTION_IDENTIFY, "cio_id=A3", { "cio_A3" }, "A3" },
	{ ACTION_IDENTIFY, "cio_id=cio_A3", { "cio_A3" }, "A3" },
	{ ACTION_IDENTIFY, "id=cio_A3", { "cio_A3" }, "cio_A3" },
	{ ACTION_IDENTIFY, "{\"id\":\"\\u0041\\u00e9\"}", { "A\xc3\xa9" }, "A\xc3\xa9" },
	{ ACTION_MERGE, "primary_cio_id=7|secondary_email=A@b", { "cio_7", "a@b" }, "7" },
	{ ACTION_TRACK_ANONYMOUS, "anonymous_id=Q|name=x|id=5", { "Q" }, "Q" },
	{ ACTION_TRACK_ANONYMOUS, "name=x", { NULL }, "" },
	{ ACTION_ENTITY, "{\"type\":\"person\",\"identifiers\":{\"email\":\"A@b\"}}", { "a@b" },
	    "A@b" },
	{ ACTION_ENTITY, "{\"type\":\"person\",\"identifiers\":{\"cio_id\":\"7\"}}", { "cio_7" },
	    "7" },
	{ ACTION_ENTITY, "{\"type\":\"person\",\"identifiers\":{\"cio_id\":\"cio_7\"}}",
	    { "cio_7" }, "cio_7" },
	{ ACTION_ENTITY, "{\"type\":\"person\",\"identifiers\":{\"phone\":\"+1\"}}", { "+1" },
	    "+1" },
	{ ACTION_ENTITY, "{\"identifiers\":{\"id\":42},\"type\":\"person\"}", { "42" }, "42" },
	{ ACTION_ENTITY,
	    "{\"type\":\"person\",\"action\":\"merge\",\"primary\":{\"id\":\"a\"},\"secondary\":{"
	    "\"id\":\"b\"}}",
	    { "a", "b" }, "a" },
	{ ACTION_ENTITY,
	    "{\"type\":\"person\",\"action\":\"merge\",\"primary\":{\"id\":\"a\"},\"secondary\":{"
	    "\"id\":\"a\"}}",
	    { "a" }, "a" },
	{ ACTION_ENTITY,
	    "{\"type\":\"object\",\"identifiers\":{\"object_id\":\"acme\",\"object_type_id\":1}}",
	    { "1/acme" }, "1/acme" },
	{ ACTION_ENTITY, "{\"type\":\"object\",\"identifiers\":{\"cio_object_id\":\"ob7\"}}",
	    { "ob7" }, "ob7" },
	{ ACTION_ENTITY, "{\"type\":\"delivery\",\"identifiers\":{\"id\":\"RP\"}}", { "RP" },
	    "RP" },
	{ ACTION_OBJECT, "object_type_id=1|object_id=acme", { "1/acme" }, "1/acme" },
	{ ACTION_OBJECT, "cio_object_id=ob7", { "ob7" }, "ob7" },
	{ ACTION_DELETE_OBJECT, "object_type_id=1|object_id=acme|id=5", { "1/acme" }, "1/acme" },
	{ ACTION_RELATE, "email=A@b|object_type_id=1|object_id=acme", { "a@b", "1/acme" }, "A@b" },
	{ ACTION_UNRELATE, "id=7|cio_object_id=ob7", { "7", "ob7" }, "7" },
	{ ACTION_RELATE, "id=1/acme|object_type_id=1|object_id=acme", { "1/acme" }, "1/acme" },
	{ ACTION_ENTITY, "{\"type\":\"person\",\"identifiers\":[]}", { NULL }, "" },
	{ ACTION_ENTITY, "{\"type\":\"person\",\"identifiers\":{\"id\":null}}", { NULL }, "" },
};

START_TEST(a_turn_is_a_persons)
{
	const struct mapping_config maps = { .id_type = -1 };
	struct operation_config c = usual((struct operation_config){ .action = turns[_i].action });
	struct operation op = fresh();
	struct reason why = { .text = "" };
	unsigned count = 0;

	ck_assert_msg(build(&c, &maps, turns[_i].record, 1, &op, &why) == 0, "%s", why.text);
	for (; count < 2 && turns[_i].keys[count]; count++)
		ck_assert_uint_eq(op.keys[count],
		    operation_key(turns[_i].keys[count], strlen(turns[_i].keys[count])));
	ck_assert_uint_eq(op.key_count, count);
	ck_assert_uint_eq(op.id_len, strlen(turns[_i].id));
	ck_assert_str_eq(op.id, turns[_i].id);
	release(&op);
}
END_TEST

/* XXH64, seed 0, of the identifier: what `xxhsum -H1` prints, so that anybody can shard the same
 * way. */
static const struct {
	const char *identifier;
	uint64_t key;
} keys[] = {
	{ "", UINT64_C(0xef46db3751d8e999) },
	{ "a", UINT64_C(0xd24ec4f1a98c6e5b) },
	{ "abc", UINT64_C(0x44bc2cf5ad770999) },
};

START_TEST(a_key_is_xxh64)
{
	ck_assert_uint_eq(operation_key(keys[_i].identifier, strlen(keys[_i].identifier)),
	    keys[_i].key);
}
END_TEST

START_TEST(a_key_knows_no_case_in_email_addresses)
{
	struct buf lower, mixed;

	buf_init(&lower, 4096);
	buf_init(&mixed, 4096);
	for (size_t n = 0; n < 1200; n += 97) {
		buf_reset(&lower);
		buf_reset(&mixed);
		repeat(&lower, "q", n);
		repeat(&mixed, "Q", n);
		ck_assert(n == 0 ||
		    operation_key(lower.data, lower.len) != operation_key(mixed.data, mixed.len));
		buf_str(&lower, "z[`{\xc3\x89@x");
		buf_str(&mixed, "Z[`{\xc3\x89@X");
		ck_assert_uint_eq(operation_key(lower.data, lower.len),
		    operation_key(mixed.data, mixed.len));
	}
	buf_free(&lower);
	buf_free(&mixed);
}
END_TEST

/* The event id of record `number` of its file. */
static void event_id(struct operation_config c, const char *line, uint64_t number, char out[27])
{
	const struct mapping_config maps = { .id_type = -1 };
	struct operation op = fresh();
	struct reason why = { .text = "" };

	ck_assert_msg(build(&c, &maps, line, number, &op, &why) == 0, "%s", why.text);
	const char *at = strstr(op.body, ",\"id\":\"");
	ck_assert_ptr_nonnull(at);
	memcpy(out, at + 7, 26);
	out[26] = '\0';
	release(&op);
}

/* What else there may be about an event; whether it then is the same one, with a time of its own
 * and without. */
static const struct {
	const char *name;
	const char *line[2]; /* of the one without a time, and with; NULL: as before */
	uint64_t number;
	struct operation_config c; /* what of it is not zero */
	bool same[2];
} sames[] = {
	{ "nothing", { NULL, NULL }, 7, { 0 }, { true, true } },
	{ "in batches", { NULL, NULL }, 7, { V2 }, { true, true } },
	{ "without limits, with fingerprints", { NULL, NULL }, 7,
	    { .no_limits = true, .fingerprints = true, .update_only = true }, { true, true } },
	{ "another run", { NULL, NULL }, 7, { .run = "00000000RRABCDEFGHJKMNPQRT" },
	    { false, true } },
	{ "another number", { NULL, NULL }, 8, { 0 }, { false, false } },
	{ "another destination", { NULL, NULL }, 7, { .destination = "site2" }, { false, false } },
	{ "another row", { "id=42|a=2", "id=42|a=2|timestamp=1469922850" }, 7, { 0 },
	    { false, false } },
	{ "another name", { NULL, NULL }, 7, { .event = "f" }, { false, false } },
	{ "another action", { NULL, NULL }, 7, { .action = ACTION_PAGE }, { false, false } },
	{ "another person", { "id=43|a=1", "id=43|a=1|timestamp=1469922850" }, 7, { 0 },
	    { false, false } },
	{ "another time", { "id=42|a=1", "id=42|a=1|timestamp=1469922851" }, 7, { 0 },
	    { true, false } },
};

static struct operation_config varied(int row)
{
	struct operation_config c = usual(
	    (struct operation_config){ .action = ACTION_TRACK, .event = "e" });
	const struct operation_config *other = &sames[row].c;

	c.v2 = other->v2;
	c.no_limits = other->no_limits;
	c.fingerprints = other->fingerprints;
	c.update_only = other->update_only;
	c.action = other->action ? other->action : c.action;
	c.run = other->run ? other->run : c.run;
	c.event = other->event ? other->event : c.event;
	c.destination = other->destination ? other->destination : c.destination;
	return c;
}

START_TEST(which_event_is_the_same_event)
{
	static const char *const lines[] = { "id=42|a=1", "id=42|a=1|timestamp=1469922850" };
	struct operation_config c = usual(
	    (struct operation_config){ .action = ACTION_TRACK, .event = "e" });
	char id[27], again[27];

	for (int timed = 0; timed < 2; timed++) {
		const char *line = sames[_i].line[timed];
		event_id(c, lines[timed], 7, id);
		event_id(varied(_i), line ? line : lines[timed], sames[_i].number, again);
		ck_assert_msg((strcmp(id, again) == 0) == sames[_i].same[timed], "%s: %s, %s",
		    sames[_i].name, id, again);
	}
}
END_TEST

/* Which kind of id an operation has. */
static const struct {
	enum action action;
	const char *line;
	enum event_id kind;
} kinds[] = {
	{ ACTION_TRACK, "id=1", EVENT_ID_RUN },
	{ ACTION_TRACK, "id=1|timestamp=", EVENT_ID_RUN },
	{ ACTION_PAGE, "id=1|timestamp=1469922850", EVENT_ID_CONTENT },
	{ ACTION_SCREEN, "id=1|timestamp=1469922850|event_id=x", EVENT_ID_GIVEN },
	{ ACTION_TRACK_ANONYMOUS, "event_id=x", EVENT_ID_GIVEN },
	{ ACTION_TRACK, "id=1|event_id=", EVENT_ID_RUN },
	{ ACTION_IDENTIFY, "id=1|timestamp=1469922850", EVENT_ID_NONE },
	{ ACTION_DELETE, "id=1", EVENT_ID_NONE },
};

START_TEST(kinds_of_event_ids)
{
	const struct mapping_config maps = { .id_type = -1 };

	for (int v2 = 0; v2 < 2; v2++) {
		struct operation_config c = usual((
		    struct operation_config){ .action = kinds[_i].action, .event = "e", .v2 = v2 });
		struct operation op = fresh();
		struct reason why = { .text = "" };
		if (v2 && kinds[_i].action == ACTION_TRACK_ANONYMOUS)
			continue;
		ck_assert_msg(build(&c, &maps, kinds[_i].line, 1, &op, &why) == 0, "%s", why.text);
		ck_assert_int_eq(op.event_id, kinds[_i].kind);
		release(&op);
	}
}
END_TEST

/* The time part is the event's own where it has one, else the run's. */
static const struct {
	const char *record, *run;
	const char *time;
} times[] = {
	{ "id=1", ULID "0000000000000000", ULID },
	{ "id=1", "", "0000000000" },
	{ "id=1", NULL, "0000000000" },
	{ "id=1|timestamp=1970-01-01", ULID "0000000000000000", "0000000000" },
	{ "id=1|timestamp=-1", ULID "0000000000000000", "0000000000" },
	{ "id=1|timestamp=2016-07-30T23:54:10Z", ULID, "01ARZ3ND6G" }, /* 1469922850000 ms */
	{ "{\"id\":1,\"timestamp\":1469922850}", NULL, "01ARZ3ND6G" },
	{ "id=1|timestamp=9999-12-31", ULID, "76EZ6FK000" },
};

START_TEST(an_event_id_has_the_events_time)
{
	struct operation_config c = usual(
	    (struct operation_config){ .action = ACTION_TRACK, .event = "e" });
	char id[27];

	c.run = times[_i].run;
	event_id(c, times[_i].record, 1, id);
	id[10] = '\0';
	ck_assert_str_eq(id, times[_i].time);
}
END_TEST

START_TEST(an_operation_outlives_its_record_and_its_own_past)
{
	struct operation_config c = usual((struct operation_config){ 0 });
	const struct mapping_config maps = { .id_type = -1 };
	struct operation op = fresh();
	struct reason why = { .text = "" };
	uint64_t hash, fingerprint;

	c.fingerprints = true;
	ck_assert_int_eq(build(&c, &maps, "id=42|a=\"1\"", 3, &op, &why), 0);
	hash = operation_hash(&op.from);
	fingerprint = op.fingerprint;
	ck_assert_str_eq(op.path, C "42");
	ck_assert_mem_eq(op.from.raw, "id=42|a=\"1\"", 10);
	ck_assert_uint_ne(op.fingerprint, 0);
	release(&op);

	ck_assert_int_eq(build(&c, &maps, "id=42|a=\"1\"", 4, &op, &why), 0);
	ck_assert_uint_ne(operation_hash(&op.from), hash); /* another number */
	ck_assert_uint_eq(op.fingerprint, fingerprint);    /* the same content */
	release(&op);
	ck_assert_int_eq(build(&c, &maps, "id=42|a=\"2\"", 3, &op, &why), 0);
	ck_assert_uint_ne(operation_hash(&op.from), hash);
	ck_assert_uint_ne(op.fingerprint, fingerprint);
	release(&op);

	c.fingerprints = false;
	c.action = ACTION_TRACK;
	ck_assert_int_eq(build(&c, &maps, "id=43|a=1", 5, &op, &why), -1); /* no name */
	ck_assert_str_eq(op.id, "43");
	ck_assert_str_eq(op.path, "");
	ck_assert_str_eq(op.body, "");
	ck_assert_uint_eq(op.fingerprint, 0);
	ck_assert_uint_eq(op.from.number, 5);
	ck_assert_mem_eq(op.from.raw, "id=43|a=1", 9);
	release(&op);

	struct origin from = { .raw = "broken", .raw_len = 6, .number = 9, .line = 10 };
	operation_raw(&from, ACTION_PAGE, &op);
	ck_assert_int_eq(op.action, ACTION_PAGE);
	ck_assert_ptr_eq(op.from.raw, from.raw);
	ck_assert_uint_eq(op.from.raw_len, 6);
	ck_assert_uint_eq(op.id_len + op.path_len + op.body_len + op.key_count, 0);
	ck_assert_uint_eq(op.from.line, 10);
}
END_TEST

/* A buffer that may not grow enough: refused, whatever its size, and never past its end. */
START_TEST(a_small_buffer_refuses)
{
	static const char *const records[] = { "id=42|a=\"\"|name=n|b=some longer text here",
		"{\"id\":\"\\u0041\",\"name\":\"n\"}",
		"id=42|name=n|device_id=d|platform=ios|x=1|y=2" };
	static const enum action actions[] = { ACTION_IDENTIFY, ACTION_TRACK, ACTION_ADD_DEVICE,
		ACTION_DELETE };
	const struct mapping_config maps = { .id_type = -1 };
	struct reason why = { .text = "" };

	for (int v2 = 0; v2 < 2; v2++) {
		struct operation_config c = usual(
		    (struct operation_config){ .action = actions[_i % 4], .v2 = v2 });
		const char *record = records[_i / 4];
		struct operation whole = fresh();
		bool valid = build(&c, &maps, record, 1, &whole, &why) == 0;
		size_t made = whole.id_len + 1 + whole.path_len + 1 + whole.body_len +
		    (whole.body_len > 0);
		for (size_t max = 0; valid && max < made; max++) {
			struct operation op = fresh();
			ck_assert_int_eq(build_within(&c, &maps, record, 1, max, &op, &why), -1);
			ck_assert_str_eq(why.text, "the record is too long to be sent");
			ck_assert_uint_eq(op.id_len, 0);
			ck_assert_uint_eq(op.from.raw_len, strlen(record));
			release(&op);
		}
		release(&whole);
	}
}
END_TEST

/* Random fields: the body reads back as the same names and values, in the same order. */
START_TEST(random_records_arrive_as_they_were)
{
	static const char *const pieces[] = { "a", "Z9", "\"", "\\", "\n", "\x01", "\x1f", " ", "/",
		"\xc3\xa9", "\xf0\x9f\x98\x80", "\x7f", "plain words", "0123456789abcdef", "\t\r",
		"!", "#", "\xe2\x80\xa8" };
	struct dice d = dice_new("random_records_arrive_as_they_were");
	const struct mapping_config maps = { .id_type = -1, .empty = EMPTY_CLEAR };
	struct mapping *m = mapping_new(&maps);
	struct operation op = fresh();
	struct buf bytes;
	struct reason why = { .text = "" };

	buf_init(&bytes, BUF_UNBOUNDED);
	for (int round = 0; round < 3000; round++) {
		struct operation_config c = usual(
		    (struct operation_config){ .v2 = dice_one_in(&d, 2), .no_limits = true });
		struct sample s = { 0 };
		size_t bytes_of_texts = 0;
		int64_t count = dice_below(&d, 12);
		sample_field(&s, "id", 2, "7", 1, FIELD_TEXT);
		for (int64_t i = 0; i < count; i++) {
			struct buf text;
			char name[16];
			buf_init(&text, 1 << 20);
			repeat(&text, pieces[dice_below(&d, ROWS(pieces))],
			    (size_t)dice_below(&d, 4));
			for (int64_t n = dice_below(&d, dice_one_in(&d, 20) ? 400 : 6); n > 0; n--)
				buf_str(&text, pieces[dice_below(&d, ROWS(pieces))]);
			snprintf(name, sizeof name, "n\"%d", (int)i);
			sample_field(&s, name, strlen(name), text.data, text.len, FIELD_TEXT);
			bytes_of_texts += text.len + 1;
			buf_free(&text);
		}
		char *raw = xcalloc(bytes_of_texts + 1, 1);
		s.record.from = (struct origin){ .raw = raw,
			.raw_len = bytes_of_texts + 1,
			.number = (uint64_t)round };
		if (dice_one_in(&d, 2))
			sample_lay_out(&s, (uint64_t)round + 1);
		struct mapped mapped;
		ck_assert_int_eq(mapping_apply(m, &s.record, &mapped, &why), 0);
		ck_assert_int_eq(operation_build(&c, &s.record.from, &mapped, &bytes, &op, &why),
		    0);

		json_error_t error;
		json_t *body = json_loadb(op.body, op.body_len, JSON_REJECT_DUPLICATES, &error);
		ck_assert_msg(body != NULL, "%s: %s", error.text, op.body);
		json_t *fields = c.v2 ? json_object_get(body, "attributes") : body;
		ck_assert_uint_eq(json_object_size(fields), (size_t)count);
		for (int64_t i = 0; i < count; i++) {
			const struct field *f = &s.record.fields[i + 1];
			json_t *value = json_object_get(fields, f->name);
			ck_assert_ptr_nonnull(value);
			ck_assert_uint_eq(json_string_length(value), f->value_len);
			ck_assert_mem_eq(json_string_value(value), f->value, f->value_len);
		}
		json_decref(body);
		sample_free(&s);
		free(raw);
	}
	mapping_free(m);
	buf_free(&bytes);
}
END_TEST

static const struct {
	struct operation_config config;
	const char *record, *line;
} printed[] = {
	{ { 0 }, "id=4 2|a=1",
	    "{\"record\":12,\"method\":\"PUT\",\"path\":\"/api/v1/customers/"
	    "4%202\",\"body\":{\"a\":\"1\"}}\n" },
	{ { .action = ACTION_DELETE }, "id=42",
	    "{\"record\":12,\"method\":\"DELETE\",\"path\":\"/api/v1/customers/"
	    "42\",\"body\":null}\n" },
	{ { .action = ACTION_DELETE, V2 }, "id=42",
	    "{\"record\":12,\"method\":\"POST\",\"path\":\"/api/v2/batch\",\"body\":"
	    "{\"type\":\"person\",\"identifiers\":{\"id\":\"42\"},\"action\":\"delete\"}}\n" },
};

START_TEST(a_dry_run_prints_the_request)
{
	const struct mapping_config maps = { .id_type = -1 };
	struct operation_config c = usual(printed[_i].config);
	struct operation op = fresh();
	struct reason why = { .text = "" };
	struct buf out;

	buf_init(&out, 4096);
	ck_assert_int_eq(build(&c, &maps, printed[_i].record, 12, &op, &why), 0);
	operation_print(&op, api_for(op.action, false), &out);
	expect_text(&out, printed[_i].line, printed[_i].record);
	buf_free(&out);
	release(&op);
}
END_TEST

static const struct {
	const char *text;
	int action;
} names[] = {
	{ "identify", ACTION_IDENTIFY },
	{ "track", ACTION_TRACK },
	{ "track-anonymous", ACTION_TRACK_ANONYMOUS },
	{ "track_anonymous", ACTION_TRACK_ANONYMOUS },
	{ "page", ACTION_PAGE },
	{ "screen", ACTION_SCREEN },
	{ "delete", ACTION_DELETE },
	{ "suppress", ACTION_SUPPRESS },
	{ "unsuppress", ACTION_UNSUPPRESS },
	{ "merge", ACTION_MERGE },
	{ "add-device", ACTION_ADD_DEVICE },
	{ "add_device", ACTION_ADD_DEVICE },
	{ "delete_device", ACTION_DELETE_DEVICE },
	{ "delete-device", ACTION_DELETE_DEVICE },
	{ "entity", ACTION_ENTITY },
	{ "", -1 },
	{ "Track", -1 },
	{ "track ", -1 },
	{ "tracks", -1 },
	{ "trac", -1 },
	{ "event", -1 },
	{ "add device", -1 },
};

START_TEST(an_action_has_one_name)
{
	enum action a = ACTION_COUNT;
	int result = action_parse(names[_i].text, strlen(names[_i].text), &a);

	ck_assert_int_eq(result, names[_i].action < 0 ? -1 : 0);
	ck_assert_int_eq((int)a, names[_i].action < 0 ? (int)ACTION_COUNT : names[_i].action);
	if (result == 0) {
		enum action again = ACTION_COUNT;
		ck_assert_int_eq(action_parse(action_name(a), strlen(action_name(a)), &again), 0);
		ck_assert_int_eq((int)again, (int)a);
		ck_assert_int_eq(action_needs_person(a),
		    a != ACTION_MERGE && a != ACTION_ENTITY && a != ACTION_TRACK_ANONYMOUS);
		ck_assert_int_eq(action_is_event(a),
		    a == ACTION_TRACK || a == ACTION_PAGE || a == ACTION_SCREEN ||
		        a == ACTION_TRACK_ANONYMOUS);
	}
}
END_TEST

Suite *operation_suite(void)
{
	Suite *s = suite_create("operation");
	TCase *t = tcase_create("operation");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, an_action_is_sent_as_the_api_has_it, 0, ROWS(sendings));
	tcase_add_loop_test(t, a_mapped_record_is_sent_as_the_api_has_it, 0, ROWS(mapped_sendings));
	tcase_add_loop_test(t, a_limit_is_kept_to_the_byte, 0, ROWS(limits));
	tcase_add_test(t, a_v2_operation_may_have_32000_bytes);
	tcase_add_loop_test(t, a_turn_is_a_persons, 0, ROWS(turns));
	tcase_add_loop_test(t, a_key_is_xxh64, 0, ROWS(keys));
	tcase_add_test(t, a_key_knows_no_case_in_email_addresses);
	tcase_add_loop_test(t, which_event_is_the_same_event, 0, ROWS(sames));
	tcase_add_loop_test(t, kinds_of_event_ids, 0, ROWS(kinds));
	tcase_add_loop_test(t, an_event_id_has_the_events_time, 0, ROWS(times));
	tcase_add_test(t, an_operation_outlives_its_record_and_its_own_past);
	tcase_add_loop_test(t, a_small_buffer_refuses, 0, 12);
	tcase_add_test(t, random_records_arrive_as_they_were);
	tcase_add_loop_test(t, a_dry_run_prints_the_request, 0, ROWS(printed));
	tcase_add_loop_test(t, an_action_has_one_name, 0, ROWS(names));
	suite_add_tcase(s, t);
	return s;
}
