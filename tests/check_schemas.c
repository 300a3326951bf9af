/* What each action sends, alone and in batches, through the real program: a request that
 * Customer.io's own description has, with a body as that says. */
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scene.h"
#include "schema.h"

Suite *schemas_suite(void);

#define FIXTURE "fixtures/schemas.json"
#define ALONE 1
#define BATCH 2
#define BOTH (ALONE | BATCH)
#define PERSON "{\"id\":\"1\",\"email\":\"a@b.com\""
#define OBJECT "{\"id\":\"1\",\"object_type_id\":\"1\",\"object_id\":\"acme\""

static const struct {
	const char *action, *option; /* or NULL */
	int how;
	const char *input;
} rows[] = {
	{ "identify", NULL, BOTH,
	    PERSON
	    ",\"plan\":\"pro\",\"seats\":5,\"vip\":true,\"created_at\":1700000000,"
	    "\"unsubscribed\":false,\"cio_subscription_preferences\":{\"topics\":{\"topic_1\":"
	    "true}}}\n{\"email\":\"c@d.com\"}\n{\"cio_id\":\"03\"}\n" },
	{ "identify", "--update-only", BOTH, PERSON "}\n" },
	{ "identify", NULL, BATCH, "{\"phone\":\"+14155552671\",\"plan\":\"pro\"}\n" },
	{ "track", "--event=bought", BOTH,
	    PERSON ",\"timestamp\":\"2024-02-29\",\"price\":29.90,\"deep\":{\"a\":[1]}}\n"
	           "{\"email\":\"c@d.com\",\"event_id\":\"01HQZ0000000000000000000AB\"}\n" },
	{ "page", NULL, BOTH, PERSON ",\"name\":\"/a\",\"x\":1}\n" },
	{ "screen", NULL, BOTH, PERSON ",\"name\":\"Home\",\"anonymous_id\":\"n1\"}\n" },
	{ "track-anonymous", "--event=seen", ALONE,
	    "{\"anonymous_id\":\"n1\",\"timestamp\":1700000000,\"x\":1}\n" },
	{ "delete", NULL, BOTH, PERSON "}\n" },
	{ "suppress", NULL, BOTH, PERSON "}\n" },
	{ "unsuppress", NULL, BOTH, "{\"cio_id\":\"03\"}\n" },
	{ "merge", NULL, BOTH,
	    "{\"primary_id\":\"1\",\"secondary_email\":\"a@b.com\"}\n"
	    "{\"primary_cio_id\":\"03\",\"secondary_id\":\"7\"}\n" },
	{ "add-device", NULL, BOTH,
	    PERSON ",\"device_id\":\"d1\",\"platform\":\"ios\",\"last_used\":\"2024-02-29\","
	           "\"device_os\":\"17\"}\n{\"id\":\"2\",\"device_id\":\"d2\",\"platform\":"
	           "\"android\"}\n" },
	{ "delete-device", NULL, BOTH, PERSON ",\"device_id\":\"d1\"}\n" },
	{ "object", NULL, BOTH, OBJECT ",\"seats\":5,\"name\":\"Acme\"}\n" },
	{ "object", NULL, BOTH, "{\"cio_object_id\":\"ob1\",\"n\":1}\n" },
	{ "delete-object", NULL, BOTH, OBJECT "}\n{\"cio_object_id\":\"ob1\"}\n" },
	{ "relate", NULL, BOTH,
	    OBJECT ",\"role\":\"boss\"}\n{\"email\":\"a@b.com\","
	           "\"object_type_id\":\"1\",\"object_id\":\"b\"}\n" },
	{ "unrelate", NULL, BOTH, OBJECT "}\n" },
	{ "segment-add", "--segment=7", BOTH, PERSON "}\n{\"id\":2}\n{\"cio_id\":\"03\"}\n" },
	{ "segment-remove", "--segment=7", BOTH, "{\"email\":\"a@b.com\"}\n" },
	{ "send-email", "--message=44", ALONE,
	    PERSON
	    ",\"subject\":\"s\",\"from\":\"f@g.com\",\"reply_to\":\"r@g.com\",\"cc\":"
	    "\"x@y.com\",\"bcc\":\"z@y.com\",\"preheader\":\"p\",\"body\":\"b\","
	    "\"body_plain\":\"t\",\"send_at\":\"2024-02-29\",\"tracked\":\"true\","
	    "\"headers\":[{\"name\":\"X-A\",\"value\":\"b\"}],\"attachments\":{\"a.txt\":\"eA==\"},"
	    "\"language\":\"de\",\"fake_bcc\":false,\"send_to_unsubscribed\":true,"
	    "\"disable_message_retention\":true,\"order\":{\"n\":[1,2.50]}}\n" },
	{ "send-email", "--draft", ALONE,
	    "{\"email\":\"a@b.com\",\"transactional_message_id\":\"receipt\"}\n" },
	{ "send-push", "--message=offer", ALONE,
	    PERSON ",\"title\":\"t\",\"message\":\"m\",\"link\":\"https://a.b\",\"sound\":"
	           "\"default\",\"custom_data\":{\"a\":\"b\"},\"language\":\"de\",\"n\":1}\n" },
	{ "send-sms", "--message=44", ALONE,
	    "{\"id\":\"1\",\"phone\":\"+15551234567\",\"tracked\":\"false\",\"order\":\"7\"}\n" },
};

static json_t *load(void)
{
	json_error_t e;
	json_t *root = json_load_file(FIXTURE, JSON_REJECT_DUPLICATES, &e);

	ck_assert_msg(root != NULL, "%s: %s", FIXTURE, e.text);
	return root;
}

static void check_request(const json_t *root, const struct sandbox_arrival *a)
{
	const json_t *schema = schema_of_request(root, a->method, a->path);
	json_t *body = a->body ? json_loads(a->body, 0, NULL) : NULL;

	ck_assert_msg(schema != NULL, "%s %s is no request", a->method, a->path);
	if (json_is_null(schema))
		ck_assert_msg(a->body_len == 0, "%s %s: %s", a->method, a->path, a->body);
	else
		ck_assert_msg(body && schema_fits(root, schema, body), "%s %s: %s", a->method,
		    a->path, a->body ? a->body : "no body");
	json_decref(body);
}

/* What the action sends, but for the check of the credentials; how many requests. */
static size_t check_sent(struct scene *s, const json_t *root)
{
	size_t n = 0;

	for (size_t i = 0; i < sandbox_arrivals(s->sandbox); i++) {
		struct sandbox_arrival a = sandbox_arrival(s->sandbox, i);
		if (strcmp(a.method, "GET") == 0)
			continue;
		check_request(root, &a);
		n++;
	}
	return n;
}

START_TEST(requests_are_as_they_are_described)
{
	json_t *root = load();
	char action[40];

	for (int how = ALONE; how <= BATCH; how++) {
		if (!(rows[_i].how & how))
			continue;
		struct scene s = scene_open(NULL);
		const char *args[8] = { "in.ndjson", action, "--rate=unlimited", "-c1",
			"--summary=summary.json" };
		int n = 5;
		snprintf(action, sizeof action, "--action=%s", rows[_i].action);
		if (how == BATCH)
			args[n++] = "--batch";
		if (rows[_i].option)
			args[n++] = rows[_i].option;
		harness_write_text(s.harness, "in.ndjson", rows[_i].input);
		harness_run(s.harness, args);
		ck_assert_int_eq(scene_summary(&s, "rejected"), 0);
		ck_assert_msg(check_sent(&s, root) > 0, "%s sent nothing", rows[_i].action);
		scene_close(&s);
	}
	json_decref(root);
}
END_TEST

/* -- the judge is one -- */

static const struct {
	const char *method, *path, *body;
	bool good;
} judged[] = {
	{ "PUT", "/api/v1/customers/1", "{\"plan\":\"pro\"}", true },
	{ "PUT", "/api/v1/customers/1", "{\"created_at\":\"today\"}", false },
	{ "POST", "/api/v1/customers/1/events", "{\"name\":\"a\",\"data\":{\"x\":{\"y\":1}}}",
	    true },
	{ "POST", "/api/v1/customers/1/events", "{\"data\":{}}", false },
	{ "POST", "/api/v1/customers/1/events", "{\"name\":\"a\",\"datum\":{}}", false },
	{ "POST", "/api/v1/segments/7/add_customers?id_type=id", "{\"ids\":[\"1\"]}", true },
	{ "POST", "/api/v1/segments/7/add_customers", "{\"ids\":[1]}", false },
	{ "POST", "/api/v1/segments/7/add_customers", "{\"ids\":[]}", false },
	{ "POST", "/api/v2/entity",
	    "{\"type\":\"person\",\"identifiers\":{\"id\":\"1\"},\"action\":\"delete\"}", true },
	{ "POST", "/api/v2/entity",
	    "{\"type\":\"person\",\"identifiers\":{\"id\":\"1\"},\"action\":\"forget\"}", false },
	{ "POST", "/api/v2/entity",
	    "{\"type\":\"person\",\"identifiers\":{\"name\":\"1\"},\"action\":\"delete\"}", false },
	{ "POST", "/api/v2/batch",
	    "{\"batch\":[{\"type\":\"object\",\"identifiers\":{\"object_id\":\"a\"},"
	    "\"action\":\"delete\"}]}",
	    false },
	{ "POST", "/v1/send/push", "{\"identifiers\":{\"id\":\"1\"}}", false },
	{ "POST", "/v1/send/sms",
	    "{\"identifiers\":{\"id\":\"1\"},\"to\":\"+1\",\"transactional_message_id\":4,"
	    "\"tracked\":\"yes\"}",
	    false },
};

START_TEST(what_is_not_described_does_not_fit)
{
	json_t *root = load(), *body = json_loads(judged[_i].body, 0, NULL);
	const json_t *schema = schema_of_request(root, judged[_i].method, judged[_i].path);

	ck_assert_ptr_nonnull(body);
	ck_assert_ptr_nonnull(schema);
	ck_assert_msg(schema_fits(root, schema, body) == judged[_i].good, "%s", judged[_i].body);
	ck_assert_ptr_null(schema_of_request(root, "PATCH", judged[_i].path));
	json_decref(body);
	json_decref(root);
}
END_TEST

Suite *schemas_suite(void)
{
	Suite *s = suite_create("schemas");
	TCase *t = tcase_create("schemas");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, requests_are_as_they_are_described, 0,
	    (int)(sizeof rows / sizeof *rows));
	tcase_add_loop_test(t, what_is_not_described_does_not_fit, 0,
	    (int)(sizeof judged / sizeof *judged));
	suite_add_tcase(s, t);
	return s;
}
