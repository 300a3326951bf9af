/*
 * Shards: whoever belongs to which is computed anew here, from the manual's words, and compared
 * with what each shard sends. All shards together take every record once.
 */
#include <check.h>
#include <ctype.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/buf.h"
#include "harness.h"
#include "sandbox.h"
#include "scene.h"

Suite *shard_suite(void);

#define MOST_RECORDS 400
#define COUNT(a) ((int)(sizeof(a) / sizeof *(a)))

/* XXH64 with seed 0 of the identifier as it stands in a v1 path; where there is an @, in lower
 * case. */
static unsigned shard_of(const char *identifier, size_t len, unsigned shards)
{
	char text[512];
	bool address = memchr(identifier, '@', len) != NULL;

	ck_assert_uint_le(len, sizeof text);
	for (size_t i = 0; i < len; i++)
		text[i] = address && isupper((unsigned char)identifier[i]) ?
		    (char)(identifier[i] + 32) :
		    identifier[i];
	return (unsigned)(XXH64(text, len, 0) % shards) + 1;
}

static unsigned shard_of_text(const char *identifier, unsigned shards)
{
	return shard_of(identifier, strlen(identifier), shards);
}

/* An input, and where each of its records belongs. */
struct records {
	struct buf text;
	struct {
		char *who;
	} record[MOST_RECORDS + 1]; /* from 1; who: the text that is hashed */
	unsigned count;
};

/* A line of NDJSON; who NULL: the line names nobody, and is hashed whole. %u in it is its
 * number. */
static void add(struct records *r, const char *line, const char *who)
{
	const char *number = strstr(line, "%u");
	char text[400];

	ck_assert(r->count < MOST_RECORDS && number);
	snprintf(text, sizeof text, "%.*s%u%s", (int)(number - line), line, r->count + 1,
	    number + 2);
	r->record[++r->count].who = xstrdup(who ? who : text);
	buf_fmt(&r->text, "%s\n", text);
}

static void add_people(struct records *r)
{
	char line[200], who[100];

	for (int i = 0; i < 20; i++) {
		snprintf(who, sizeof who, "%d", i);
		snprintf(line, sizeof line, "{\"id\":%s%d%s,\"row\":%%u}", i % 2 ? "\"" : "", i,
		    i % 2 ? "\"" : "");
		add(r, line, who);
		snprintf(who, sizeof who, "user%d@example.com", i);
		snprintf(line, sizeof line, "{\"email\":\"%s%d@Example.COM\",\"row\":%%u}",
		    i % 2 ? "User" : "uSER", i);
		add(r, line, who);
		snprintf(line, sizeof line, "{\"row\":%%u,\"email\":\"%s\"}", who);
		add(r, line, who);
		snprintf(line, sizeof line, "{\"id\":\"%s\",\"email\":\"x@y.z\",\"row\":%%u}", who);
		add(r, line, who);
		snprintf(who, sizeof who, "cio_b%d", i);
		snprintf(line, sizeof line, "{\"cio_id\":\"%s%d\",\"row\":%%u}",
		    i % 2 ? "b" : "cio_b", i);
		add(r, line, who);
	}
	add(r, "{\"id\":\"A+b/\\u00e7 %\",\"row\":%u}", "A+b/\xc3\xa7 %");
}

static void add_bad(struct records *r)
{
	for (int i = 0; i < 8; i++) {
		add(r, "{\"name\":\"nobody\",\"row\":%u}", NULL);
		add(r, "{\"id\":\"cut %u", NULL);
		add(r, "[%u]", NULL);
	}
}

static void free_records(struct records *r)
{
	for (unsigned i = 1; i <= r->count; i++)
		free(r->record[i].who);
	buf_free(&r->text);
}

/* Which shard took a record; that it was only one. */
static void taken(unsigned by[], const struct records *r, json_int_t number, unsigned shard)
{
	ck_assert_msg(number >= 1 && number <= (json_int_t)r->count, "record %lld",
	    (long long)number);
	ck_assert_msg(by[number] == 0, "record %lld is in shards %u and %u", (long long)number,
	    by[number], shard);
	by[number] = shard;
}

static void look_at_results(struct harness *h, unsigned by[], const struct records *r,
    unsigned shard, size_t *bad)
{
	char *text = harness_read(h, "results.ndjson", NULL), *line;

	ck_assert_ptr_nonnull(text);
	for (size_t i = 0; (line = harness_line(text, i)); i++) {
		json_t *result = json_loads(line, 0, NULL);
		ck_assert_msg(result != NULL, "%s", line);
		taken(by, r, json_integer_value(json_object_get(result, "record")), shard);
		*bad += strcmp(json_string_value(json_object_get(result, "outcome")), "rejected") ==
		    0;
		json_decref(result);
		free(line);
	}
	free(text);
}

/* What arrived carries its own number. */
static void look_at_arrivals(struct sandbox *s, unsigned by[], const struct records *r,
    unsigned shard)
{
	for (size_t i = 0; i < sandbox_arrivals(s); i++) {
		struct sandbox_arrival a = sandbox_arrival(s, i);
		json_t *body = a.body ? json_loads(a.body, 0, NULL) : NULL;
		if (body)
			taken(by, r, json_integer_value(json_object_get(body, "row")), shard);
		json_decref(body);
	}
}

static const unsigned counts[] = { 1, 2, 3, 7 };

START_TEST(each_record_is_in_its_shard_alone)
{
	unsigned shards = counts[_i], settled[MOST_RECORDS + 1] = { 0 },
	         arrived[MOST_RECORDS + 1] = { 0 };
	struct records r = { .text = { .max = BUF_UNBOUNDED } };
	char option[40], rejects[60];
	size_t bad = 0, rejected = 0;

	add_people(&r);
	add_bad(&r);
	add_people(&r);
	struct scene s = scene_open(NULL);
	for (unsigned shard = 1; shard <= shards; shard++) {
		scene_close(&s);
		s = scene_open(NULL);
		harness_write(s.harness, "in.ndjson", r.text.data, r.text.len);
		snprintf(option, sizeof option, "--shard=%u/%u", shard, shards);
		const struct harness_run *run = HARNESS_RUN(s.harness, "in.ndjson", option,
		    "--rate=unlimited", "--results=results.ndjson");
		ck_assert_msg(run->status == 0 || run->status == 1, "%s", harness_show(run));
		look_at_results(s.harness, settled, &r, shard, &bad);
		look_at_arrivals(s.sandbox, arrived, &r, shard);
		snprintf(rejects, sizeof rejects, "in.rejected.%uof%u.ndjson", shard, shards);
		char *text = harness_read(s.harness, rejects, NULL);
		ck_assert_msg((run->status == 1) == (text != NULL), "%s: status %d", rejects,
		    run->status);
		rejected += text ? harness_count_lines(text, "") : 0;
		free(text);
	}
	for (unsigned i = 1; i <= r.count; i++) {
		unsigned wanted = shard_of_text(r.record[i].who, shards);
		ck_assert_msg(settled[i] == wanted, "record %u (%s) is in shard %u of %u, not %u",
		    i, r.record[i].who, settled[i], shards, wanted);
		ck_assert_msg(arrived[i] == wanted || arrived[i] == 0, "record %u", i);
	}
	ck_assert_uint_eq(bad, 24);
	ck_assert_uint_eq(rejected, 24);
	free_records(&r);
	scene_close(&s);
}
END_TEST

/* Of a merge the primary person counts, and of a batch each record by itself. */
START_TEST(merges_and_batches_are_shared_too)
{
	struct scene s = scene_open(NULL);
	struct buf text = { .max = BUF_UNBOUNDED };

	for (int i = 0; i < 30; i++)
		buf_fmt(&text, "{\"primary_id\":\"p%d\",\"secondary_email\":\"s%d@example.com\"}\n",
		    i, i);
	harness_write(s.harness, "merges.ndjson", text.data, text.len);
	const struct harness_run *run = HARNESS_RUN(s.harness, "merges.ndjson", "--action=merge",
	    "--shard=2/3", "-n");
	harness_assert_status(run, 0);
	for (int i = 0; i < 30; i++) {
		char who[20], body[60];
		snprintf(who, sizeof who, "p%d", i);
		snprintf(body, sizeof body, "\"primary\":{\"id\":\"p%d\"}", i);
		ck_assert_msg((strstr(run->out, body) != NULL) == (shard_of_text(who, 3) == 2),
		    "%s%s", who, harness_show(run));
	}
	scene_write_people(&s, "people.csv", 60);
	for (int shard = 1; shard <= 3; shard++) {
		char option[40];
		snprintf(option, sizeof option, "--shard=%d/3", shard);
		harness_assert_status(HARNESS_RUN(s.harness, "people.csv", option, "--batch=7",
		                          "--rate=unlimited"),
		    0);
	}
	ck_assert_uint_eq(scene_people_there(&s), 60);
	ck_assert_uint_eq(sandbox_counters(s.sandbox).operations, 60);
	buf_free(&text);
	scene_close(&s);
}
END_TEST

/* People of this shard alone, so many of them. */
static char *people_of(unsigned shard, unsigned shards, int count)
{
	struct buf text = { .max = BUF_UNBOUNDED };
	char who[20];

	buf_str(&text, "id\n");
	for (int i = 0; count > 0; i++) {
		snprintf(who, sizeof who, "q%d", i);
		if (shard_of_text(who, shards) != shard)
			continue;
		buf_fmt(&text, "%s\n", who);
		count--;
	}
	buf_byte(&text, '\0');
	return text.data;
}

/* 50 a second, and a burst of 10, among five: 10 and 2. A rate that is given is not divided. */
static const struct {
	const char *rate;
	double most_a_second, least_seconds;
} rates[] = {
	{ "--burst=2", 12, 2.4 },
	{ "--burst=1", 11, 2.4 },
	{ "--progress=none", 12, 2.4 },
	{ "--rate=5", 7, 4.8 },
};

START_TEST(the_default_rate_is_divided)
{
	struct scene s = scene_open(NULL);
	char *text = people_of(3, 5, 25);

	harness_write_text(s.harness, "in.csv", text);
	const struct harness_run *run = HARNESS_RUN(s.harness, "in.csv", "--shard=3/5",
	    rates[_i].rate);
	harness_assert_status(run, 0);
	ck_assert_uint_eq(scene_people_there(&s), 25);
	ck_assert_msg(sandbox_max_in(s.sandbox, 1000000) <= (unsigned)rates[_i].most_a_second + 1,
	    "%u in a second", sandbox_max_in(s.sandbox, 1000000));
	ck_assert_msg(run->seconds >= rates[_i].least_seconds, "it took %.3f s", run->seconds);
	free(text);
	scene_close(&s);
}
END_TEST

/* All shards at once over one file: each has its own state and rejects, and is carried on by
 * itself. */
#define ACCEPTED_OF_EACH 3

/* Each shard's fourth person is not let in: how far each comes does not depend on which is
 * quicker. */
static void stop_each(struct scene *s)
{
	unsigned seen[3] = { 0 };
	char id[16];

	for (int i = 1; i <= 90; i++) {
		snprintf(id, sizeof id, "p%d", i);
		if (seen[shard_of_text(id, 3) - 1]++ == ACCEPTED_OF_EACH)
			sandbox_add_rule(s->sandbox,
			    &(struct sandbox_rule){ .person = id,
			        .times = -1,
			        .fault = { .act = SANDBOX_STATUS, .status = 401 } });
	}
}

START_TEST(each_is_carried_on_by_itself)
{
	struct sandbox_config config = { .latency_ms = 5 };
	struct scene s = scene_open(&config);
	struct harness_child *child[3];
	char option[3][40], state[60];

	scene_write_people(&s, "in.csv", 90);
	stop_each(&s);
	for (int i = 0; i < 3; i++) {
		snprintf(option[i], sizeof option[i], "--shard=%d/3", i + 1);
		child[i] = HARNESS_START(s.harness, "in.csv", option[i], "--rate=unlimited", "-c1");
	}
	for (int i = 0; i < 3; i++) {
		harness_assert_status(harness_finish(child[i]), 77);
		snprintf(state, sizeof state, "in.csv.%dof3.cio-state", i + 1);
		ck_assert_msg(harness_exists(s.harness, state), "there is no %s", state);
	}
	ck_assert(!harness_exists(s.harness, "in.csv.cio-state"));
	ck_assert_uint_eq(scene_people_there(&s), 3 * ACCEPTED_OF_EACH);
	harness_assert_status(HARNESS_RUN(s.harness, "in.csv", "--shard=2/4",
	                          "--state=in.csv.1of3.cio-state"),
	    65);
	sandbox_clear_rules(s.sandbox);
	for (int i = 0; i < 3; i++) {
		harness_assert_status(HARNESS_RUN(s.harness, "in.csv", option[i],
		                          "--rate=unlimited"),
		    0);
		snprintf(state, sizeof state, "in.csv.%dof3.cio-state", i + 1);
		ck_assert(!harness_exists(s.harness, state));
	}
	ck_assert_uint_eq(scene_people_there(&s), 90);
	ck_assert_uint_eq(sandbox_counters(s.sandbox).operations, 90);
	scene_close(&s);
}
END_TEST

/* What lies beside the input when a run begins, and whether it is told of it. */
static const struct {
	const char *beside, *arg;
	bool told;
} neighbours[] = {
	{ "in.csv.1of4.cio-state", "--shard=1/8", true },
	{ "in.csv.12of40.cio-state", "--shard=1/8", true },
	{ "in.csv.1of4.cio-state", "--no-state", true },
	{ "in.csv.1of4.cio-state", "--shard=2/4", false },
	{ "in.csv.cio-state", "--shard=1/4", true },
	{ "in.csv.5of4.cio-state", "--shard=1/8", false },
	{ "in.csv.1of4.cio-state~", "--shard=1/8", false },
	{ "in.csv.1of4x.cio-state", "--shard=1/8", false },
	{ "an.csv.1of4.cio-state", "--shard=1/8", false },
	{ "in.csv.1of4", "--shard=1/8", false },
};

START_TEST(another_number_of_shards_is_told)
{
	struct scene s = scene_open(NULL);
	char said[100];

	harness_write_text(s.harness, "in.csv", "id\n1\n2\n3\n");
	harness_write_text(s.harness, neighbours[_i].beside, "");
	const struct harness_run *run = HARNESS_RUN(s.harness, "in.csv", neighbours[_i].arg);
	harness_assert_status(run, 0);
	snprintf(said, sizeof said, "%s: is the progress of another number of shards",
	    neighbours[_i].beside);
	ck_assert_msg(harness_has(run->err, said) == neighbours[_i].told, "%s", harness_show(run));
	scene_close(&s);
}
END_TEST

Suite *shard_suite(void)
{
	Suite *s = suite_create("shard");
	TCase *t = tcase_create("shard");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, each_record_is_in_its_shard_alone, 0, COUNT(counts));
	tcase_add_test(t, merges_and_batches_are_shared_too);
	tcase_add_loop_test(t, the_default_rate_is_divided, 0, COUNT(rates));
	tcase_add_test(t, each_is_carried_on_by_itself);
	tcase_add_loop_test(t, another_number_of_shards_is_told, 0, COUNT(neighbours));
	suite_add_tcase(s, t);
	return s;
}
