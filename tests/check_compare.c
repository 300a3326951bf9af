/* Whether a person is as a record has him, and what is said where he is not. */
#include "send/compare.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "expect.h"
#include "send/reply.h"

Suite *compare_suite(void);

#define ANSWER(person) "{\"customers\":[{\"customer\":" person "}]}"
#define HAS(attributes) \
	ANSWER("{\"id\":\"7\",\"identifiers\":{\"id\":\"7\",\"email\":\"Ann@b.com\",\"cio_id\":" \
	       "\"03\"}," \
	       "\"attributes\":" attributes ",\"unsubscribed\":false}")

/* Tight copies, so that a sanitizer sees who reads on. */
static struct reply_people *read_answer(const char *answer)
{
	char *copy = xstrndup(answer, strlen(answer));
	struct reply r = { .status = 200, .body = copy, .body_len = strlen(copy) };
	struct reply_people *people = reply_people_new(&r);

	free(copy);
	return people;
}

static const struct {
	const char *want, *has, *said; /* said NULL: the same */
} rows[] = {
	{ "{}", "{}", NULL },
	{ "{\"plan\":\"pro\"}", "{\"plan\":\"pro\",\"other\":\"x\"}", NULL },
	{ "{\"plan\":\"pro\"}", "{\"plan\":\"free\"}", "plan: \"free\" is there" },
	{ "{\"plan\":\"pro\"}", "{}", "plan: nothing is there" },
	{ "{\"plan\":\"Pro\"}", "{\"plan\":\"pro\"}", "plan: \"pro\" is there" },
	{ "{\"a\":\"1\",\"b\":\"2\",\"c\":\"3\"}", "{\"a\":\"0\",\"b\":\"2\"}",
	    "a: \"0\" is there; c: nothing is there" },
	/* texts: escapes on either side */
	{ "{\"n\":\"Z\\u00fcrich \\\"\\n\"}", "{\"n\":\"Zürich \\u0022\\n\"}", NULL },
	{ "{\"n\\u0061\":\"x\"}", "{\"na\":\"x\"}", NULL },
	{ "{\"n\":\"a\\u0000b\"}", "{\"n\":\"a\\u0000b\"}", NULL },
	{ "{\"n\":\"1\"}", "{\"n\":\"1.0\"}", "n: \"1.0\" is there" },
	/* numbers by value */
	{ "{\"n\":1}", "{\"n\":\"1\"}", NULL },
	{ "{\"n\":29.90}", "{\"n\":\"29.9\"}", NULL },
	{ "{\"n\":1e2}", "{\"n\":\"100\"}", NULL },
	{ "{\"n\":1.0}", "{\"n\":\"1\"}", NULL },
	{ "{\"n\":-0}", "{\"n\":\"-0\"}", NULL },
	{ "{\"n\":1}", "{\"n\":\"2\"}", "n: \"2\" is there" },
	{ "{\"n\":1}", "{\"n\":\"1x\"}", "n: \"1x\" is there" },
	{ "{\"n\":1}", "{\"n\":\"\"}", "n: \"\" is there" },
	{ "{\"n\":9007199254740993}", "{\"n\":\"9007199254740993\"}", NULL },
	{ "{\"n\":9007199254740993}", "{\"n\":\"9007199254740992\"}",
	    "n: \"9007199254740992\" is there" },
	/* words */
	{ "{\"b\":true,\"c\":false}", "{\"b\":\"true\",\"c\":\"false\"}", NULL },
	{ "{\"b\":true}", "{\"b\":\"false\"}", "b: \"false\" is there" },
	{ "{\"b\":true}", "{\"b\":\"1\"}", "b: \"1\" is there" },
	/* empty is absent */
	{ "{\"a\":\"\",\"b\":null}", "{}", NULL },
	{ "{\"a\":\"\"}", "{\"a\":\"\"}", NULL },
	{ "{\"a\":\"\"}", "{\"a\":\"x\"}", "a: \"x\" is there" },
	{ "{\"a\":null}", "{\"a\":\"null\"}", "a: \"null\" is there" },
	/* structures */
	{ "{\"o\":{\"a\": 1, \"b\":[true,null,\"x\"]}}",
	    "{\"o\":\"{\\\"b\\\":[true,null,\\\"x\\\"],\\\"a\\\":1.0}\"}", NULL },
	{ "{\"o\":{\"a\":1}}", "{\"o\":\"{\\\"a\\\":2}\"}", "o: \"{\"a\":2}\" is there" },
	{ "{\"o\":[1,2]}", "{\"o\":\"[2,1]\"}", "o: \"[2,1]\" is there" },
	{ "{\"o\":[1]}", "{\"o\":\"not json\"}", "o: \"not json\" is there" },
	{ "{\"o\":{}}", "{}", "o: nothing is there" },
	/* an address in any case */
	{ "{\"email\":\"ann@B.com\"}", "{\"email\":\"Ann@b.com\"}", NULL },
	{ "{\"email\":\"bob@b.com\"}", "{\"email\":\"Ann@b.com\"}",
	    "email: \"Ann@b.com\" is there" },
	/* what does not come back under its name */
	{ "{\"_update\":true,\"_timestamp\":5,\"cio_relationships\":{},\"anonymous_id\":\"x\","
	  "\"cio_subscription_preferences.topics.topic_3\":true}",
	    "{}", NULL },
	{ "{\"cio_subscription_preferences\":{\"topics\":{\"topic_3\":true}}}",
	    "{\"cio_subscription_preferences\":\"{\\\"topics\\\":{\\\"topic_3\\\":true}}\"}",
	    NULL },
	{ "{\"unsubscribed\":false}", "{}", NULL },
	{ "{\"unsubscribed\":true}", "{}", "unsubscribed: \"false\" is there" },
	{ "{\"unsubscribed\":true}", "{\"unsubscribed\":\"true\"}", NULL },
	/* what a server says moves no cursor, and is cut short */
	{ "{\"a\":\"x\"}", "{\"a\":\"\\u001b[2J\"}", "a: \"\\x1b[2J\" is there" },
	{ "{\"a\":\"x\"}",
	    "{\"a\":\"012345678901234567890123456789012345678901234567890123456789more\"}",
	    "a: \"012345678901234567890123456789012345678901234567890123456789...\" is there" },
	/* a value that is no text after all is not there */
	{ "{\"a\":1}", "{\"a\":1}", "a: nothing is there" },
};

START_TEST(each_attribute_by_its_kind)
{
	struct buf answer = { .max = 1 << 16 }, said = { .max = 1 << 16 };
	char *want = xstrndup(rows[_i].want, strlen(rows[_i].want));

	buf_fmt(&answer, HAS("%s"), rows[_i].has);
	buf_byte(&answer, '\0');
	struct reply_people *people = read_answer(answer.data);
	ck_assert_ptr_nonnull(people);
	const struct reply_person *p = reply_person(people, ID_ID, "7", 1);
	ck_assert_ptr_nonnull(p);
	bool same = compare_attributes(want, strlen(want), p, &said);
	ck_assert_msg(same == !rows[_i].said, "%s against %s", rows[_i].want, rows[_i].has);
	expect_text(&said, rows[_i].said ? rows[_i].said : "", rows[_i].want);
	reply_people_free(people);
	free(want);
	buf_free(&answer);
	buf_free(&said);
}
END_TEST

/* Many differences: what is said stays short. */
START_TEST(what_is_said_is_bounded)
{
	struct buf want = { .max = 1 << 20 }, said = { .max = 1 << 20 };
	struct reply_people *people = read_answer(HAS("{}"));

	for (int i = 0; i < 300; i++)
		buf_fmt(&want, "%s\"attribute_%d\":\"x\"", i ? "," : "{", i);
	buf_byte(&want, '}');
	ck_assert(
	    !compare_attributes(want.data, want.len, reply_person(people, ID_ID, "7", 1), &said));
	ck_assert_uint_lt(said.len, 1000);
	reply_people_free(people);
	buf_free(&want);
	buf_free(&said);
}
END_TEST

/* --- who is who --- */

static const struct {
	const char *answer;
	enum id_type type;
	const char *id;
	bool found;
} lookups[] = {
	{ HAS("{}"), ID_ID, "7", true },
	{ HAS("{}"), ID_ID, "8", false },
	{ HAS("{}"), ID_ID, "77", false },
	{ HAS("{}"), ID_EMAIL, "ann@B.COM", true },
	{ HAS("{}"), ID_EMAIL, "7", false },
	{ HAS("{}"), ID_CIO_ID, "03", true },
	{ ANSWER("{\"id\":\"7\",\"attributes\":{\"email\":\"a@b\",\"cio_id\":\"04\"}}"), ID_ID, "7",
	    true },
	{ ANSWER("{\"id\":\"7\",\"attributes\":{\"email\":\"a@b\",\"cio_id\":\"04\"}}"), ID_EMAIL,
	    "A@b", true },
	{ ANSWER("{\"id\":\"7\",\"attributes\":{\"email\":\"a@b\",\"cio_id\":\"04\"}}"), ID_CIO_ID,
	    "04", true },
	{ ANSWER("{\"id\":\"7\",\"identifiers\":{\"id\":null,\"email\":null}}"), ID_ID, "7",
	    false },
	{ ANSWER("5"), ID_ID, "5", false },
	{ "{\"customers\":[1,null,{},{\"customer\":{\"id\":\"7\"}}]}", ID_ID, "7", true },
	{ "{\"customers\":[]}", ID_ID, "7", false },
};

START_TEST(people_are_found_by_their_identifiers)
{
	struct reply_people *people = read_answer(lookups[_i].answer);

	ck_assert_ptr_nonnull(people);
	ck_assert_int_eq(reply_person(people, lookups[_i].type, lookups[_i].id,
	                     strlen(lookups[_i].id)) != NULL,
	    lookups[_i].found);
	reply_people_free(people);
}
END_TEST

START_TEST(what_is_no_answer_is_none)
{
	static const char *const none[] = { "", "{}", "[]", "{\"customers\":{}}",
		"{\"customers\":[", "not json" };

	ck_assert_ptr_null(read_answer(none[_i]));
}
END_TEST

#define LOOP(t, test, rows) tcase_add_loop_test(t, test, 0, (int)(sizeof(rows) / sizeof *(rows)))

Suite *compare_suite(void)
{
	Suite *suite = suite_create("compare");
	TCase *t = tcase_create("compare");

	LOOP(t, each_attribute_by_its_kind, rows);
	tcase_add_test(t, what_is_said_is_bounded);
	LOOP(t, people_are_found_by_their_identifiers, lookups);
	tcase_add_loop_test(t, what_is_no_answer_is_none, 0, 6);
	suite_add_tcase(suite, t);
	return suite;
}
