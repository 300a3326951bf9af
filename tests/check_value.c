/* Looking into JSON values. */
#include "operation/value.h"

#include <check.h>
#include <string.h>

Suite *value_suite(void);

#define ROWS(table) (int)(sizeof table / sizeof *table)

/* A member is found among others that look like it; the last of two counts. */
static const struct {
	const char *json, *expected;
} members[] = {
	{ "{\"id\":\"42\"}", "\"42\"" },
	{ "{\"x\":{\"id\":1},\"id\":2}", "2" },
	{ "{\"x\":\"\\\"id\\\":9\",\"id\" : [1,{\"id\":3}] }", "[1,{\"id\":3}]" },
	{ "{ \"\\u0069d\":true , \"y\":1 }", "true" },
	{ "{\"id\":1,\"id\":2}", "2" },
	{ "{\"ID\":1}", NULL },
	{ "{}", NULL },
	{ "[\"id\"]", NULL },
	{ "{\"a\":[{\"id\":1}]}", NULL },
	{ "{\"id\":null}", "null" },
	{ "{\"a\":-1.5e3,\"id\":{}}", "{}" },
	{ "\"id\"", NULL },
};

START_TEST(a_member_is_found)
{
	const char *value;
	size_t n;
	bool found = value_member(members[_i].json, strlen(members[_i].json), "id", &value, &n);

	ck_assert_msg(found == (members[_i].expected != NULL), "%s", members[_i].json);
	if (found)
		ck_assert_msg(n == strlen(members[_i].expected) &&
		        memcmp(value, members[_i].expected, n) == 0,
		    "%s: %.*s", members[_i].json, (int)n, value);
}
END_TEST

Suite *value_suite(void)
{
	Suite *s = suite_create("value");
	TCase *t = tcase_create("value");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, a_member_is_found, 0, ROWS(members));
	suite_add_tcase(s, t);
	return s;
}
