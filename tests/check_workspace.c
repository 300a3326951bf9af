/* What the sandbox's workspace makes of the rest of the Track API, and of the App API. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "client.h"
#include "sandbox.h"
#include "unix.h"

#define C "/api/v1/customers/"
#define ENTITY "/api/v2/entity"
#define BATCH "/api/v2/batch"
#define BEARER "Authorization: Bearer sandbox\r\n"
#define ACME "{\"object_type_id\":\"1\",\"object_id\":\"acme\"}"
#define LIMITED "/v1/customers/attributes"

Suite *workspace_suite(void);

static struct sandbox *start(const struct sandbox_config *c)
{
	struct sandbox *s = sandbox_start(c);

	ck_assert_ptr_nonnull(s);
	return s;
}

static struct sandbox *start_plain(void)
{
	return start(&(struct sandbox_config){ .segments = NULL });
}

/* A call with the key that its path wants. */
static struct client_answer call(struct sandbox *s, const char *method, const char *path,
    const char *body)
{
	return client_call_with(s, strncmp(path, "/v1/", 4) == 0 ? BEARER : CLIENT_AUTH, method,
	    path, body, body ? strlen(body) : 0);
}

static void must(struct sandbox *s, const char *method, const char *path, const char *body)
{
	struct client_answer a = call(s, method, path, body);
	ck_assert_msg(a.status == 200, "%s %s %s: %s", method, path, body ? body : "", a.text);
}

/* --- calls and answers --- */

#define SEGMENT "/api/v1/segments/7/add_customers"
#define EMAIL "\"identifiers\":{\"id\":\"7\"},\"to\":\"a@b.com\""
#define MESSAGE "\"transactional_message_id\":44,"

static const struct {
	const char *method, *path, *body;
	int status;
	const char *answer;
} calls[] = {
	{ "POST", SEGMENT, "{\"ids\":[\"1\",\"2\"]}", 200, "{}" },
	{ "POST", "/api/v1/segments/7/remove_customers", "{\"ids\":[\"1\"]}", 200, "{}" },
	{ "POST", SEGMENT "?id_type=email", "{\"ids\":[\"a@b.com\"]}", 200, "{}" },
	{ "POST", SEGMENT "?id_type=cio_id", "{\"ids\":[\"03\"]}", 200, "{}" },
	{ "POST", SEGMENT "?id_type=phone", "{\"ids\":[\"03\"]}", 400,
	    "{\"meta\":{\"errors\":[\"id_type must be id, email or cio_id\"]}}" },
	{ "POST", SEGMENT, "{\"ids\":[]}", 400,
	    "{\"meta\":{\"errors\":[\"ids must be a list of 1 to 1000 identifiers\"]}}" },
	{ "POST", SEGMENT, "{\"ids\":[1]}", 400, "ids must be texts" },
	{ "POST", SEGMENT, "{\"ids\":[\"1\"],\"more\":1}", 400, "ids must be a list" },
	{ "POST", SEGMENT, "[]", 400, "body is not an object" },
	{ "POST", "/api/v1/segments/x/add_customers", "{\"ids\":[\"1\"]}", 400,
	    "segment is not a manual segment" },
	{ "POST", "/api/v1/segments/7", "{\"ids\":[\"1\"]}", 404, "not found" },
	{ "GET", SEGMENT, NULL, 405, "method not allowed" },

	{ "POST", ENTITY,
	    "{\"type\":\"object\",\"identifiers\":" ACME
	    ",\"action\":\"identify\",\"attributes\":{}}",
	    200, "{}" },
	{ "POST", ENTITY,
	    "{\"type\":\"object\",\"identifiers\":{\"object_type_id\":1,\"object_id\":\"a\"},"
	    "\"action\":\"identify\"}",
	    400, "object_type_id and object_id are required" },
	{ "POST", ENTITY,
	    "{\"type\":\"object\",\"identifiers\":{\"cio_object_id\":\"ob00\"},\"action\":"
	    "\"identify\"}",
	    400, "cio_object_id is not known" },
	{ "POST", ENTITY,
	    "{\"type\":\"person\",\"identifiers\":{\"id\":\"7\"},\"action\":\"add_relationships\"}",
	    400, "cio_relationships is required" },
	{ "POST", ENTITY,
	    "{\"type\":\"person\",\"identifiers\":{\"id\":\"7\"},\"action\":\"add_relationships\","
	    "\"cio_relationships\":[{\"identifiers\":{}}]}",
	    400, "object_type_id and object_id are required" },
	{ "POST", ENTITY,
	    "{\"type\":\"person\",\"identifiers\":{\"id\":\"7\"},\"action\":\"add_relationships\","
	    "\"cio_relationships\":[{\"identifiers\":" ACME ",\"relationship_attributes\":1}]}",
	    400, "relationship_attributes is not an object" },
	{ "POST", ENTITY,
	    "{\"type\":\"object\",\"identifiers\":" ACME ",\"action\":\"add_relationships\","
	    "\"cio_relationships\":[{\"identifiers\":{}}]}",
	    400, "a relationship must name a person" },
	{ "POST", ENTITY,
	    "{\"type\":\"person\",\"identifiers\":{\"id\":\"7\"},\"action\":\"identify\","
	    "\"cio_relationships\":{}}",
	    400, "cio_relationships is not a list" },

	{ "GET", "/v1/workspaces", NULL, 200, "{\"workspaces\":[{\"id\":1,\"name\":\"sandbox\"," },
	{ "POST", LIMITED, "{\"ids\":[\"7\"]}", 200, "{\"customers\":[]}" },
	{ "POST", LIMITED, "{\"ids\":[]}", 400,
	    "{\"errors\":[{\"detail\":\"ids must be a list of 1 to 100 identifiers\",\"status\":"
	    "\"400\",\"source\":{\"pointer\":\"/ids\"}}]}" },
	{ "POST", LIMITED, "{\"ids\":[7]}", 400, "ids must be texts" },
	{ "POST", LIMITED "?id_type=phone", "{\"ids\":[\"7\"]}", 400, "id_type must be" },
	{ "POST", "/v1/esp/suppression/bounces/a%40b.com", NULL, 200, "{}" },
	{ "DELETE", "/v1/esp/suppression/spam_reports/a%40b.com", NULL, 200, "{}" },
	{ "POST", "/v1/esp/suppression/boredom/a%40b.com", NULL, 404, "is not known" },
	{ "POST", "/v1/esp/suppression/bounces/ab.com", NULL, 400, "not a valid address" },

	{ "POST", "/v1/send/email", "{" MESSAGE EMAIL "}", 200, "{\"delivery_id\":\"sandbox-1\"," },
	{ "POST", "/v1/send/email", "{\"transactional_message_id\":\"welcome\"," EMAIL "}", 200,
	    "\"queued_at\":1" },
	{ "POST", "/v1/send/email",
	    "{" EMAIL ",\"body\":\"b\",\"subject\":\"s\",\"from\":\"c@d.com\"}", 200,
	    "delivery_id" },
	{ "POST", "/v1/send/email", "{" EMAIL "}", 400,
	    "{\"meta\":{\"error\":\"without transactional_message_id, body, subject and from are "
	    "required\"}}" },
	{ "POST", "/v1/send/email", "{" MESSAGE "\"identifiers\":{\"id\":\"7\"}}", 400,
	    "to is required" },
	{ "POST", "/v1/send/email", "{" MESSAGE "\"to\":\"a@b.com\"}", 400,
	    "identifiers must name a person" },
	{ "POST", "/v1/send/email",
	    "{" MESSAGE "\"identifiers\":{\"id\":\"7\",\"email\":\"a@b.com\"},\"to\":\"a@b.com\"}",
	    400, "by one of id, email and cio_id" },
	{ "POST", "/v1/send/email", "{" MESSAGE "\"identifiers\":{\"id\":7},\"to\":\"a@b.com\"}",
	    400, "identifiers must name a person" },
	{ "POST", "/v1/send/email", "{" MESSAGE EMAIL ",\"send_at\":\"5\"}", 400,
	    "{\"meta\":{\"error\":\"send_at is of the wrong type\"}}" },
	{ "POST", "/v1/send/email", "{" MESSAGE EMAIL ",\"tracked\":1}", 400,
	    "tracked is of the wrong type" },
	{ "POST", "/v1/send/email",
	    "{" MESSAGE EMAIL ",\"bcc\":\"b,c,d,e,f,g,h,i\",\"cc\":\"k,l,m,n,o,p\"}", 200, "id" },
	{ "POST", "/v1/send/email",
	    "{" MESSAGE EMAIL ",\"bcc\":\"b,c,d,e,f,g,h,i,j\",\"cc\":\"k,l,m,n,o,p\"}", 400,
	    "more than 15 recipients" },
	{ "POST", "/v1/send/push", "{" MESSAGE "\"identifiers\":{\"id\":\"7\"}}", 200, "delivery" },
	{ "POST", "/v1/send/push", "{\"identifiers\":{\"id\":\"7\"}}", 400,
	    "transactional_message_id is required" },
	{ "POST", "/v1/send/push",
	    "{" MESSAGE "\"identifiers\":{\"id\":\"7\"},\"custom_data\":\"x\"}", 400,
	    "custom_data is of the wrong type" },
	{ "POST", "/v1/send/sms", "{" MESSAGE "\"identifiers\":{\"id\":\"7\"},\"to\":\"+1555\"}",
	    200, "delivery_id" },
	{ "POST", "/v1/send/sms", "{" MESSAGE "\"identifiers\":{\"id\":\"7\"}}", 400,
	    "to is required" },
	{ "POST", "/v1/send/fax", "{" MESSAGE "\"identifiers\":{\"id\":\"7\"}}", 404, "not found" },

	{ "POST", "/v1/campaigns/3/triggers",
	    "{\"per_user_data\":[{\"id\":\"7\"}],\"id_ignore_missing\":true}", 200, "{\"id\":1}" },
	{ "POST", "/v1/campaigns/3/triggers", "{\"per_user_data\":[{\"id\":\"7\"}]}", 422,
	    "{\"errors\":[{\"detail\":\"a recipient is not a person here\",\"status\":\"422\"," },
	{ "POST", "/v1/campaigns/3/triggers",
	    "{\"per_user_data\":[{\"id\":\"7\"}],\"email_ignore_missing\":true}", 422,
	    "a recipient is not a person here" },
	{ "POST", "/v1/campaigns/3/triggers", "{\"per_user_data\":[]}", 422,
	    "give a list of 1 to 10000 recipients" },
	{ "POST", "/v1/campaigns/3/triggers", "{\"data\":{}}", 422, "give a list of 1 to 10000" },
	{ "POST", "/v1/campaigns/3/triggers", "{\"ids\":[\"7\"],\"id_ignore_missing\":true}", 200,
	    "{\"id\":1}" },
	{ "POST", "/v1/campaigns/3/triggers", "{\"emails\":[\"a@b.com\"]}", 422,
	    "a recipient is not a person here" },
	{ "POST", "/v1/campaigns/3/triggers", "{\"emails\":[7]}", 422, "recipients must be texts" },
	{ "POST", "/v1/campaigns/3/triggers",
	    "{\"per_user_data\":[{\"id\":\"7\",\"email\":\"a@b.com\"}],\"id_ignore_missing\":true}",
	    422, "must name each person by id or email" },
	{ "POST", "/v1/campaigns/x/triggers", "{\"per_user_data\":[{\"id\":\"7\"}]}", 404,
	    "broadcast is not known" },
};

START_TEST(answers_as_the_apis_do)
{
	struct sandbox *s = start_plain();
	struct client_answer a = call(s, calls[_i].method, calls[_i].path, calls[_i].body);

	ck_assert_msg(a.status == calls[_i].status && strstr(a.body, calls[_i].answer), "%s %s: %s",
	    calls[_i].path, calls[_i].body ? calls[_i].body : "", a.text);
	ck_assert_str_eq(sandbox_arrival(s, 0).path, calls[_i].path); /* with its query */
	sandbox_stop(s);
}
END_TEST

/* --- whose key --- */

static const struct {
	const char *headers, *method, *path;
	int status;
} keys[] = {
	{ "Authorization: Bearer s3cret\r\n", "GET", "/v1/workspaces", 200 },
	{ "Authorization: Bearer s3cret2\r\n", "GET", "/v1/workspaces", 401 },
	{ "Authorization: Basic s3cret\r\n", "GET", "/v1/workspaces", 401 },
	{ CLIENT_AUTH, "GET", "/v1/workspaces", 401 },
	{ "", "GET", "/v1/workspaces", 401 },
	{ "Authorization: Bearer s3cret\r\n", "GET", "/api/v1/accounts/region", 401 },
	{ CLIENT_AUTH, "GET", "/api/v1/accounts/region", 200 },
};

START_TEST(each_api_has_its_key)
{
	struct sandbox *s = start(&(struct sandbox_config){ .app_key = "s3cret" });
	struct client_answer a = client_call_with(s, keys[_i].headers, keys[_i].method,
	    keys[_i].path, NULL, 0);

	ck_assert_int_eq(a.status, keys[_i].status);
	ck_assert_int_eq(sandbox_arrival(s, 0).authorized, a.status == 200);
	ck_assert(a.status == 200 ||
	    strstr(a.body, keys[_i].path[1] == 'v' ? "\"detail\":\"unauthorized\"" : "meta"));
	sandbox_stop(s);
}
END_TEST

/* --- segments --- */

START_TEST(a_segment_has_who_was_put_in)
{
	struct sandbox *s = start_plain();

	must(s, "POST", SEGMENT, "{\"ids\":[\"1\",\"2\",\"2\"]}");
	must(s, "POST", SEGMENT "?id_type=email", "{\"ids\":[\"Ann@b.com\",\"no address\"]}");
	must(s, "POST", SEGMENT "?id_type=cio_id", "{\"ids\":[\"03\",\"cio_04\"]}");
	must(s, "POST", "/api/v1/segments/8/add_customers", "{\"ids\":[\"1\"]}");
	ck_assert_uint_eq(sandbox_segment_size(s, "7"), 5);
	ck_assert(sandbox_in_segment(s, "7", "1") && sandbox_in_segment(s, "7", "ann@b.com"));
	ck_assert(sandbox_in_segment(s, "7", "cio_03") && sandbox_in_segment(s, "7", "cio_04"));
	ck_assert_uint_eq(sandbox_counters(s).members, 6);
	must(s, "POST", "/api/v1/segments/7/remove_customers", "{\"ids\":[\"1\",\"9\"]}");
	ck_assert(!sandbox_in_segment(s, "7", "1") && sandbox_in_segment(s, "8", "1"));
	ck_assert_uint_eq(sandbox_counters(s).members, 5);
	ck_assert_uint_eq(sandbox_counters(s).people, 0); /* which makes nobody */
	ck_assert_uint_eq(sandbox_arrival(s, 0).people, 2);
	sandbox_stop(s);
}
END_TEST

START_TEST(only_the_segments_that_there_are)
{
	struct sandbox *s = start(&(struct sandbox_config){ .segments = "17,8,71" });
	static const char *const there[] = { "17", "8", "71" },
	                         *const others[] = { "7", "1", "87" };
	char path[80];

	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof path, "/api/v1/segments/%s/add_customers", there[i]);
		ck_assert_int_eq(call(s, "POST", path, "{\"ids\":[\"1\"]}").status, 200);
		snprintf(path, sizeof path, "/api/v1/segments/%s/add_customers", others[i]);
		ck_assert_int_eq(call(s, "POST", path, "{\"ids\":[\"1\"]}").status, 400);
	}
	sandbox_stop(s);
}
END_TEST

/* A body of {"ids":["0","1",...]}. */
static char *many_ids(size_t count)
{
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED);
	buf_str(&b, "{\"ids\":[");
	for (size_t i = 0; i < count; i++)
		buf_fmt(&b, "%s\"%zu\"", i ? "," : "", i);
	buf_str(&b, "]}");
	char *copy = xstrndup(b.data, b.len);
	buf_free(&b);
	return copy;
}

static const struct {
	const char *path;
	size_t count;
	int status;
} counts[] = {
	{ SEGMENT, 1000, 200 },
	{ SEGMENT, 1001, 400 },
	{ LIMITED, 100, 200 },
	{ LIMITED, 101, 400 },
};

START_TEST(so_many_at_once)
{
	struct sandbox *s = start_plain();
	char *body = many_ids(counts[_i].count);

	ck_assert_int_eq(call(s, "POST", counts[_i].path, body).status, counts[_i].status);
	free(body);
	sandbox_stop(s);
}
END_TEST

/* --- objects and relationships --- */

#define ADD(id, more) \
	"{\"type\":\"person\",\"identifiers\":{\"id\":\"" id "\"},\"action\":" \
	"\"add_relationships\",\"cio_relationships\":[{\"identifiers\":" ACME more "}]}"

START_TEST(relationships_are_kept_and_end)
{
	struct sandbox *s = start_plain();

	must(s, "POST", ENTITY,
	    ADD("7", ",\"relationship_attributes\":{\"role\":\"boss\",\"n\":1}"));
	must(s, "POST", ENTITY, ADD("7", ",\"relationship_attributes\":{\"n\":null}"));
	must(s, "POST", ENTITY, ADD("8", ""));
	client_assert_json(sandbox_relation(s, "7", "1", "acme"), "{\"role\":\"boss\"}");
	client_assert_json(sandbox_relation(s, "8", "1", "acme"), "{}");
	client_assert_json(sandbox_object(s, "1", "acme"), "{}"); /* which made it, and them */
	ck_assert_uint_eq(sandbox_counters(s).people, 2);
	ck_assert_uint_eq(sandbox_counters(s).objects, 1);
	ck_assert_uint_eq(sandbox_counters(s).relations, 2);
	ck_assert_uint_eq(sandbox_arrival(s, 0).people, 2); /* person and object */
	must(s, "POST", ENTITY,
	    "{\"type\":\"person\",\"identifiers\":{\"id\":\"7\"},\"action\":"
	    "\"delete_relationships\",\"cio_relationships\":[{\"identifiers\":" ACME "}]}");
	ck_assert_ptr_null(sandbox_relation(s, "7", "1", "acme"));
	must(s, "DELETE", C "8", NULL);
	ck_assert_ptr_null(sandbox_relation(s, "8", "1", "acme"));
	ck_assert_uint_eq(sandbox_counters(s).relations, 0);
	sandbox_stop(s);
}
END_TEST

/* From the object's side, by an identify of either, by v1's attribute, and in a batch. */
static const struct {
	const char *method, *path, *body;
} relating[] = {
	{ "POST", ENTITY,
	    "{\"type\":\"object\",\"identifiers\":" ACME ",\"action\":\"add_relationships\","
	    "\"cio_relationships\":[{\"identifiers\":{\"id\":\"7\"},\"relationship_attributes\":{"
	    "\"a\":1}}]}" },
	{ "POST", ENTITY,
	    "{\"type\":\"object\",\"identifiers\":" ACME ",\"action\":\"identify\","
	    "\"cio_relationships\":[{\"identifiers\":{\"id\":\"7\"},\"relationship_attributes\":{"
	    "\"a\":1}}]}" },
	{ "POST", ENTITY,
	    "{\"type\":\"person\",\"identifiers\":{\"id\":\"7\"},\"action\":\"identify\","
	    "\"cio_relationships\":[{\"identifiers\":" ACME
	    ",\"relationship_attributes\":{\"a\":1}}"
	    "]}" },
	{ "PUT", C "7",
	    "{\"cio_relationships\":{\"action\":\"add_relationships\",\"relationships\":[{"
	    "\"identifiers\":" ACME ",\"relationship_attributes\":{\"a\":1}}]}}" },
	{ "POST", BATCH, "{\"batch\":[" ADD("7", ",\"relationship_attributes\":{\"a\":1}") "]}" },
};

START_TEST(relationships_come_in_many_ways)
{
	struct sandbox *s = start_plain();

	must(s, relating[_i].method, relating[_i].path, relating[_i].body);
	client_assert_json(sandbox_relation(s, "7", "1", "acme"), "{\"a\":1}");
	client_assert_json(sandbox_person(s, "7"), "{}"); /* it is no attribute */
	must(s, "PUT", C "7",
	    "{\"cio_relationships\":{\"action\":\"delete_relationships\",\"relationships\":[{"
	    "\"identifiers\":" ACME "}]}}");
	ck_assert_ptr_null(sandbox_relation(s, "7", "1", "acme"));
	sandbox_stop(s);
}
END_TEST

START_TEST(an_object_that_is_deleted_has_nothing)
{
	struct sandbox *s = start_plain();

	must(s, "POST", ENTITY,
	    "{\"type\":\"object\",\"identifiers\":" ACME ",\"action\":\"identify\",\"attributes\":{"
	    "\"plan\":\"pro\"}}");
	must(s, "POST", ENTITY, ADD("7", ""));
	must(s, "POST", ENTITY,
	    "{\"type\":\"object\",\"identifiers\":" ACME ",\"action\":\"delete\"}");
	ck_assert_ptr_null(sandbox_object(s, "1", "acme"));
	ck_assert_ptr_null(sandbox_relation(s, "7", "1", "acme"));
	ck_assert_uint_eq(sandbox_counters(s).objects, 0);
	ck_assert_uint_eq(sandbox_counters(s).people, 1);
	must(s, "POST", ENTITY,
	    "{\"type\":\"object\",\"identifiers\":" ACME ",\"action\":\"identify\"}");
	client_assert_json(sandbox_object(s, "1", "acme"), "{}");
	sandbox_stop(s);
}
END_TEST

/* --- reading back --- */

START_TEST(values_come_back_as_text)
{
	struct sandbox *s = start_plain();

	must(s, "PUT", C "7",
	    "{\"email\":\"a@b.com\",\"n\":29.99,\"i\":42,\"yes\":true,"
	    "\"list\":[1,{\"a\":\"b\"}],\"quote\":\"\\\"\",\"gone\":\"\",\"unsubscribed\":true}");
	struct client_answer a = call(s, "POST", LIMITED "?id_type=id",
	    "{\"ids\":[\"7\",\"9\",\"7\"]}");
	json_t *root = json_loads(a.body, 0, NULL);
	ck_assert_msg(root != NULL, "%s", a.text);
	json_t *all = json_object_get(root, "customers");
	ck_assert_uint_eq(json_array_size(all), 1); /* once, and who is not there left out */
	json_t *c = json_object_get(json_array_get(all, 0), "customer");
	json_t *attributes = json_deep_copy(json_object_get(c, "attributes"));
	json_object_del(attributes, "cio_id");
	client_assert_json(attributes,
	    "{\"id\":\"7\",\"email\":\"a@b.com\",\"n\":\"29.99\",\"i\":\"42\",\"yes\":\"true\","
	    "\"list\":\"[1,{\\\"a\\\":\\\"b\\\"}]\","
	    "\"quote\":\"\\\"\",\"unsubscribed\":\"true\"}");
	ck_assert_str_eq(json_string_value(json_object_get(c, "id")), "7");
	json_t *identifiers = json_object_get(c, "identifiers");
	ck_assert_str_eq(json_string_value(json_object_get(identifiers, "id")), "7");
	ck_assert_str_eq(json_string_value(json_object_get(identifiers, "email")), "a@b.com");
	ck_assert(json_is_string(json_object_get(identifiers, "cio_id")));
	ck_assert(json_is_true(json_object_get(c, "unsubscribed")));
	json_decref(root);
	sandbox_stop(s);
}
END_TEST

static const struct {
	const char *put, *query, *ids, *found; /* found: within the answer, or NULL: nobody */
} lookups[] = {
	{ "7", "", "7", "\"identifiers\":{\"id\":\"7\",\"email\":null,\"cio_id\":" },
	{ "a%40b.com", "?id_type=email", "A@B.com", "{\"id\":null,\"email\":\"a@b.com\"" },
	{ "cio_03", "?id_type=cio_id", "03", "\"cio_id\":\"03\"}" },
	{ "cio_03", "?id_type=cio_id", "cio_03", "\"cio_id\":\"03\"}" },
	{ "7", "?id_type=email", "7", NULL },
	{ "8", "", "7", NULL },
};

START_TEST(people_are_found_by_their_identifier)
{
	struct sandbox *s = start_plain();
	char path[80], body[80];

	snprintf(path, sizeof path, C "%s", lookups[_i].put);
	must(s, "PUT", path, "{}");
	snprintf(path, sizeof path, LIMITED "%s", lookups[_i].query);
	snprintf(body, sizeof body, "{\"ids\":[\"%s\"]}", lookups[_i].ids);
	struct client_answer a = call(s, "POST", path, body);
	ck_assert_int_eq(a.status, 200);
	ck_assert_msg(strstr(a.body, lookups[_i].found ? lookups[_i].found : "{\"customers\":[]}"),
	    "%s", a.body);
	sandbox_stop(s);
}
END_TEST

/* One person by the path, as the list has him: who is not there is not found. */
START_TEST(one_person_is_read_by_path)
{
	struct sandbox *s = start_plain();
	char path[80], body[80];

	snprintf(path, sizeof path, C "%s", lookups[_i].put);
	must(s, "PUT", path, "{\"plan\":\"pro\"}");
	snprintf(path, sizeof path, "/v1/customers/%s/attributes%s", lookups[_i].ids,
	    lookups[_i].query);
	struct client_answer one = call(s, "GET", path, NULL);
	ck_assert_int_eq(one.status, lookups[_i].found ? 200 : 404);
	if (!lookups[_i].found)
		ck_assert_ptr_nonnull(strstr(one.body, "{\"errors\":[{\"detail\":"));
	snprintf(path, sizeof path, LIMITED "%s", lookups[_i].query);
	snprintf(body, sizeof body, "{\"ids\":[\"%s\"]}", lookups[_i].ids);
	struct client_answer all = call(s, "POST", path, body);
	if (lookups[_i].found)
		ck_assert_msg(strstr(all.body, one.body), "%s is not in %s", one.body, all.body);
	ck_assert_int_eq(call(s, "GET", "/v1/customers/7/attributes?id_type=name", NULL).status,
	    400);
	sandbox_stop(s);
}
END_TEST

START_TEST(who_is_suppressed_is_not_there)
{
	struct sandbox *s = start_plain();

	must(s, "PUT", C "7", "{}");
	must(s, "POST", C "7/suppress", NULL);
	ck_assert_ptr_nonnull(
	    strstr(call(s, "POST", LIMITED, "{\"ids\":[\"7\"]}").text, "{\"customers\":[]}"));
	sandbox_stop(s);
}
END_TEST

/* --- addresses --- */

START_TEST(addresses_are_suppressed_by_kind)
{
	struct sandbox *s = start_plain();

	must(s, "POST", "/v1/esp/suppression/bounces/Ann%40b.com", NULL);
	must(s, "POST", "/v1/esp/suppression/bounces/ann%40b.com", NULL);
	ck_assert(sandbox_esp_suppressed(s, "bounces", "ANN@b.com"));
	ck_assert(!sandbox_esp_suppressed(s, "blocks", "ann@b.com"));
	ck_assert_uint_eq(sandbox_counters(s).esp_suppressed, 1);
	must(s, "DELETE", "/v1/esp/suppression/blocks/ann%40b.com", NULL);
	ck_assert_uint_eq(sandbox_counters(s).esp_suppressed, 1);
	must(s, "DELETE", "/v1/esp/suppression/bounces/ann%40b.com", NULL);
	ck_assert_uint_eq(sandbox_counters(s).esp_suppressed, 0);
	sandbox_stop(s);
}
END_TEST

/* --- messages --- */

/* What is the same message as the first, and so sent twice. */
static const struct {
	const char *channel, *body;
	bool twice;
} messages[] = {
	{ "email", "{" MESSAGE EMAIL ",\"message_data\":{\"a\":1,\"b\":2}}", true },
	{ "email", "{\"message_data\":{\"b\":2,\"a\":1}," MESSAGE EMAIL "}", true },
	{ "email", "{" MESSAGE EMAIL ",\"message_data\":{\"a\":1,\"b\":2},\"subject\":\"x\"}",
	    true },
	{ "email", "{" MESSAGE EMAIL ",\"message_data\":{\"a\":1,\"b\":3}}", false },
	{ "email", "{" MESSAGE EMAIL "}", false },
	{ "email",
	    "{" MESSAGE
	    "\"identifiers\":{\"id\":\"8\"},\"to\":\"a@b.com\",\"message_data\":{\"a\":1,"
	    "\"b\":2}}",
	    false },
	{ "email", "{\"transactional_message_id\":45," EMAIL ",\"message_data\":{\"a\":1,\"b\":2}}",
	    false },
	{ "sms", "{" MESSAGE EMAIL ",\"message_data\":{\"a\":1,\"b\":2}}", false },
};

START_TEST(a_message_that_comes_twice_is_counted)
{
	struct sandbox *s = start(&(struct sandbox_config){ .lean = true });
	char path[40];

	must(s, "POST", "/v1/send/email", messages[0].body);
	ck_assert_uint_eq(sandbox_counters(s).messages_twice, 0);
	snprintf(path, sizeof path, "/v1/send/%s", messages[_i].channel);
	must(s, "POST", path, messages[_i].body);
	ck_assert_uint_eq(sandbox_counters(s).messages, 2);
	ck_assert_uint_eq(sandbox_counters(s).messages_twice, messages[_i].twice);
	client_assert_json(sandbox_messages(s), "[]"); /* a lean one keeps none */
	sandbox_stop(s);
}
END_TEST

START_TEST(messages_are_kept_and_drafts_are_none)
{
	struct sandbox *s = start_plain();

	must(s, "POST", "/v1/send/email", "{" MESSAGE EMAIL "}");
	must(s, "POST", "/v1/send/email", "{" MESSAGE EMAIL ",\"queue_draft\":true}");
	must(s, "POST", "/v1/send/email", "{" MESSAGE EMAIL ",\"queue_draft\":true}");
	ck_assert_uint_eq(sandbox_counters(s).messages, 1);
	ck_assert_uint_eq(sandbox_counters(s).messages_twice, 0);
	ck_assert_uint_eq(sandbox_counters(s).drafts, 2);
	json_t *all = sandbox_messages(s);
	ck_assert_uint_eq(json_array_size(all), 3);
	client_assert_json(json_incref(json_array_get(all, 0)),
	    "{\"channel\":\"email\",\"delivery_id\":\"sandbox-1\",\"body\":{" MESSAGE EMAIL "}}");
	json_decref(all);
	sandbox_stop(s);
}
END_TEST

/* A failure that comes after the sending is what makes people send twice. */
START_TEST(a_lost_answer_is_a_message_all_the_same)
{
	struct sandbox *s = start_plain();

	sandbox_add_rule(s,
	    &(struct sandbox_rule){ .fault = { .act = SANDBOX_RESET, .process = true } });
	ck_assert_int_eq(call(s, "POST", "/v1/send/email", "{" MESSAGE EMAIL "}").status, 0);
	ck_assert_int_eq(call(s, "POST", "/v1/send/email", "{" MESSAGE EMAIL "}").status, 200);
	ck_assert_uint_eq(sandbox_counters(s).messages, 2);
	ck_assert_uint_eq(sandbox_counters(s).messages_twice, 1);
	sandbox_stop(s);
}
END_TEST

START_TEST(a_broadcast_goes_to_who_is_there)
{
	struct sandbox *s = start_plain();
	static const char two[] =
	    "{\"per_user_data\":[{\"id\":\"7\",\"data\":{\"a\":1}},{\"email\":"
	    "\"a@b.com\"}],\"email_ignore_missing\":true}";

	must(s, "PUT", C "7", "{}");
	must(s, "POST", "/v1/campaigns/3/triggers", two);
	ck_assert_uint_eq(sandbox_counters(s).triggers, 1);
	ck_assert_uint_eq(sandbox_counters(s).messages, 1);
	must(s, "PUT", C "a%40b.com", "{}");
	struct client_answer a = call(s, "POST", "/v1/campaigns/3/triggers", two);
	ck_assert_str_eq(a.body, "{\"id\":2}");
	ck_assert_uint_eq(sandbox_counters(s).messages, 3);
	ck_assert_uint_eq(sandbox_counters(s).messages_twice, 1);
	must(s, "POST", "/v1/campaigns/4/triggers", two); /* another broadcast */
	ck_assert_uint_eq(sandbox_counters(s).messages_twice, 1);
	json_t *all = sandbox_messages(s);
	ck_assert_str_eq(json_string_value(json_object_get(json_array_get(all, 1), "trigger_id")),
	    "2");
	json_decref(all);
	sandbox_stop(s);
}
END_TEST

/* --- at once --- */

/* Two requests about one object are as much about the same as two about one person. */
START_TEST(objects_and_segments_have_an_order_too)
{
	static const char *const pairs[][4] = {
		{ ENTITY, ADD("7", ""), ENTITY, ADD("8", "") },
		{ SEGMENT, "{\"ids\":[\"7\",\"8\"]}", SEGMENT, "{\"ids\":[\"9\",\"8\"]}" },
		{ SEGMENT, "{\"ids\":[\"7\",\"8\"]}", ENTITY, ADD("7", "") },
	};
	struct sandbox *s = start_plain();
	int one = client_dial(s), two = client_dial(s);

	sandbox_hold(s, true);
	client_ask(one, "POST", pairs[_i][0], pairs[_i][1]);
	ck_assert(sandbox_wait(s, 1, 5000));
	client_ask(two, "POST", pairs[_i][2], pairs[_i][3]);
	ck_assert(sandbox_wait(s, 2, 5000));
	while (sandbox_counters(s).most_in_progress < 2)
		unix_nap(1000);
	ck_assert_uint_eq(sandbox_counters(s).most_for_one_person, 2);
	sandbox_hold(s, false);
	ck_assert_int_eq(client_read(one).status, 200);
	ck_assert_int_eq(client_read(two).status, 200);
	close(one);
	close(two);
	sandbox_stop(s);
}
END_TEST

#define LOOP(t, test, rows) tcase_add_loop_test(t, test, 0, (int)(sizeof(rows) / sizeof *(rows)))

Suite *workspace_suite(void)
{
	Suite *suite = suite_create("workspace");
	TCase *t = tcase_create("workspace");

	tcase_set_timeout(t, 60);
	LOOP(t, answers_as_the_apis_do, calls);
	LOOP(t, each_api_has_its_key, keys);
	tcase_add_test(t, a_segment_has_who_was_put_in);
	tcase_add_test(t, only_the_segments_that_there_are);
	LOOP(t, so_many_at_once, counts);
	tcase_add_test(t, relationships_are_kept_and_end);
	LOOP(t, relationships_come_in_many_ways, relating);
	tcase_add_test(t, an_object_that_is_deleted_has_nothing);
	tcase_add_test(t, values_come_back_as_text);
	LOOP(t, people_are_found_by_their_identifier, lookups);
	LOOP(t, one_person_is_read_by_path, lookups);
	tcase_add_test(t, who_is_suppressed_is_not_there);
	tcase_add_test(t, addresses_are_suppressed_by_kind);
	LOOP(t, a_message_that_comes_twice_is_counted, messages);
	tcase_add_test(t, messages_are_kept_and_drafts_are_none);
	tcase_add_test(t, a_lost_answer_is_a_message_all_the_same);
	tcase_add_test(t, a_broadcast_goes_to_who_is_there);
	tcase_add_loop_test(t, objects_and_segments_have_an_order_too, 0, 3);
	suite_add_tcase(suite, t);
	return suite;
}
