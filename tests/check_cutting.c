/*
 * A batch that is not accepted as a whole: records at fault are found by cutting it, with few
 * requests; each record has an outcome of its own; what is down is tried again as it was; and all
 * the while people's records keep their order.
 */
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "dice.h"
#include "harness.h"
#include "sandbox.h"

Suite *cutting_suite(void);

#define POISON "\"poison\""
#define MOST_POISON 5
#define MOST_ROWS 1000

/* How a server may say that something in a request is bad. */
static const struct way {
	const char *name;
	int status;
	/* how often each record at fault is named by its index; 0: none is */
	int names;
	bool first_only;    /* only the first is, and somebody else without an index */
	const char *answer; /* where none is named */
} ways[] = {
	{ "400", 400, 0, false, "{\"meta\":{\"error\":\"bad poison\"}}" },
	{ "413", 413, 0, false, "<html>bad poison</html>" },
	{ "207", 207, 1, false, NULL },
	{ "207, repeated", 207, 2, false, NULL },
	{ "207, one named, one not", 207, 1, true, NULL },
	{ "207, no index", 207, 0, false,
	    "{\"errors\":[{\"reason\":\"invalid\",\"message\":\"bad poison\"}]}" },
	{ "207, index out of range", 207, 0, false,
	    "{\"errors\":[{\"batch_index\":100000,\"message\":\"bad poison\"}]}" },
	{ "207, index below zero", 207, 0, false,
	    "{\"errors\":[{\"batch_index\":-1,\"message\":\"bad poison\"}]}" },
	{ "207, index a text", 207, 0, false,
	    "{\"errors\":[{\"batch_index\":\"0\",\"message\":\"bad poison\"}]}" },
	{ "207, index not an integer", 207, 0, false,
	    "{\"errors\":[{\"batch_index\":0.5,\"message\":\"bad poison\"}]}" },
	{ "207, not JSON", 207, 0, false, "bad poison" },
	{ "207, no errors in it", 207, 0, false, "{\"message\":\"bad poison\"}" },
};

struct server {
	const struct way *way;
	struct buf answer;
};

static bool is_cut(const struct way *way)
{
	return !way->names || way->first_only;
}

/* A 207 that names the operations with the poison. */
static void name_poison(struct server *server, const char *body)
{
	struct buf *answer = &server->answer;
	int index = -1;

	buf_reset(answer);
	buf_str(answer, "{\"errors\":[");
	for (const char *p = body; (p = strstr(p, "{\"type\"")); p++) {
		const char *end = strstr(p + 1, "{\"type\""), *poison = strstr(p, POISON);
		index++;
		for (int i = 0; poison && (!end || poison < end) && i < server->way->names; i++)
			buf_fmt(answer, "{\"batch_index\":%d,\"message\":\"bad poison\"},", index);
		if (server->way->first_only && answer->data[answer->len - 1] == ',')
			break;
	}
	if (server->way->first_only)
		buf_str(answer, "{\"message\":\"bad poison\"},");
	answer->len--;
	buf_add(answer, "]}", 3);
}

static bool refuse_poison(const struct sandbox_arrival *a, const char *body,
    struct sandbox_fault *f, void *arg)
{
	struct server *server = arg;

	if (!body || !strstr(a->path, "/batch") || !strstr(body, POISON))
		return false;
	if (server->way->names)
		name_poison(server, body);
	*f = (struct sandbox_fault){
		.act = SANDBOX_STATUS,
		.status = server->way->status,
		.process = !is_cut(server->way),
		.body = server->way->names ? server->answer.data : server->way->answer,
	};
	return true;
}

struct poisoned {
	int rows, count, at[MOST_POISON];
};

static struct poisoned make_poisoned(struct dice *d, struct buf *input)
{
	struct poisoned p = { .rows = 1 << (1 + dice_below(d, 9)) };
	bool is[MOST_ROWS] = { false };

	if (dice_one_in(d, 3))
		p.rows = 1 + (int)dice_below(d, MOST_ROWS);
	p.count = (int)dice_below(d, p.rows < MOST_POISON ? p.rows + 1 : MOST_POISON + 1);
	for (int i = 0; i < p.count; i++) {
		int row = (int)dice_below(d, p.rows);
		if (is[row])
			i--;
		is[row] = true;
	}
	for (int row = 0, n = 0; row < p.rows; row++) {
		buf_fmt(input, "{\"id\":\"%d\",%s:1}\n", row, is[row] ? POISON : "\"x\"");
		if (is[row])
			p.at[n++] = row;
	}
	return p;
}

static int log2_up(int n)
{
	int log = 0;

	while (1 << log < n)
		log++;
	return log;
}

/* One line for each record: those with the poison refused, all others accepted. */
static void check_results(const char *results, const struct poisoned *p, const struct way *way)
{
	bool seen[MOST_ROWS] = { false };
	size_t size = 0, n = strlen(results);

	for (const char *line = results; line < results + n; line += size) {
		json_t *o = json_loadb(line, n - (size_t)(line - results), JSON_DISABLE_EOF_CHECK,
		    NULL);
		ck_assert_ptr_nonnull(o);
		size = (size_t)(strchr(line, '\n') - line) + 1;
		int row = (int)json_integer_value(json_object_get(o, "record")) - 1, poison = 0;
		ck_assert(row >= 0 && row < p->rows && !seen[row]);
		seen[row] = true;
		for (int i = 0; i < p->count; i++)
			poison |= p->at[i] == row;
		ck_assert_str_eq(json_string_value(json_object_get(o, "outcome")),
		    poison ? "refused" : "accepted");
		if (poison) {
			ck_assert_int_eq((int)json_integer_value(json_object_get(o, "status")),
			    way->status);
			ck_assert_ptr_nonnull(
			    strstr(json_string_value(json_object_get(o, "error")), "bad poison"));
		}
		json_decref(o);
	}
	for (int row = 0; row < p->rows; row++)
		ck_assert_msg(seen[row], "record %d has no result", row + 1);
}

static void check_rejects(struct harness *h, const struct poisoned *p)
{
	char *rejects = harness_read(h, "in.rejected.ndjson", NULL), part[96];

	ck_assert_uint_eq(rejects ? harness_count_lines(rejects, POISON) : 0, (size_t)p->count);
	ck_assert_uint_eq(rejects ? harness_count_lines(rejects, "") : 0, (size_t)p->count);
	for (int i = 0; i < p->count; i++) {
		snprintf(part, sizeof part, "\"_cio_line\":%d,\"_cio_outcome\":\"refused\"",
		    p->at[i] + 1);
		ck_assert_ptr_nonnull(strstr(rejects, part));
	}
	free(rejects);
}

START_TEST(poison_is_found)
{
	struct dice d = dice_new("poison");
	struct server server = { .way = &ways[_i], .answer = { .max = BUF_UNBOUNDED } };
	struct sandbox *s = sandbox_start(
	    &(struct sandbox_config){ .hook = refuse_poison, .arg = &server });
	struct buf input = { .max = BUF_UNBOUNDED };

	ck_assert_ptr_nonnull(s);
	struct harness *h = harness_new(s);
	struct poisoned p = make_poisoned(&d, &input);
	harness_write(h, "in.ndjson", input.data, input.len);
	const struct harness_run *run = HARNESS_RUN(h, "in.ndjson", "--batch", "--rate=unlimited",
	    "--results=-");
	int requests = (int)sandbox_arrivals(s) - 1;
	printf("%s: %d of %d records at fault: %d requests\n", server.way->name, p.count, p.rows,
	    requests);
	fflush(stdout);
	harness_assert_status(run, p.count ? 1 : 0);
	check_results(run->out, &p, server.way);
	check_rejects(h, &p);
	ck_assert_int_eq((int)sandbox_counters(s).people,
	    p.rows - (is_cut(server.way) ? p.count : 0));
	ck_assert_int_le(requests, is_cut(server.way) ? 1 + p.count * 2 * log2_up(p.rows) : 1);
	buf_free(&server.answer);
	buf_free(&input);
	harness_free(h);
	sandbox_stop(s);
}
END_TEST

/* A proxy in front lets only small requests through: everything arrives in pieces. */
static bool refuse_large(const struct sandbox_arrival *a, const char *body, struct sandbox_fault *f,
    void *arg)
{
	(void)a;
	(void)arg;
	if (!body || strlen(body) <= 4000)
		return false;
	*f = (struct sandbox_fault){ .act = SANDBOX_STATUS, .status = 413, .body = "" };
	return true;
}

START_TEST(a_smaller_limit_is_met)
{
	struct sandbox *s = sandbox_start(&(struct sandbox_config){ .hook = refuse_large });
	struct buf input = { .max = BUF_UNBOUNDED };

	ck_assert_ptr_nonnull(s);
	struct harness *h = harness_new(s);
	for (int i = 0; i < 500; i++)
		buf_fmt(&input, "{\"id\":\"%d\",\"x\":1}\n", i);
	harness_stdin(h, input.data, input.len);
	const struct harness_run *run = HARNESS_RUN(h, "--batch", "-c4", "--rate=unlimited");
	harness_assert_status(run, 0);
	ck_assert_uint_eq(sandbox_counters(s).people, 500);
	buf_free(&input);
	harness_free(h);
	sandbox_stop(s);
}
END_TEST

/* -- what is down -- */

static const struct trouble {
	const char *name;
	struct sandbox_fault fault;
} troubles[] = {
	{ "500", { .act = SANDBOX_STATUS, .status = 500 } },
	{ "503, processed", { .act = SANDBOX_STATUS, .status = 503, .process = true } },
	{ "408", { .act = SANDBOX_STATUS, .status = 408 } },
	{ "429", { .act = SANDBOX_STATUS, .status = 429 } },
	{ "reset", { .act = SANDBOX_RESET } },
	{ "cut short", { .act = SANDBOX_CUT, .process = true } },
	{ "timeout", { .act = SANDBOX_HANG } },
	{ "not HTTP", { .act = SANDBOX_RAW, .body = "hello\r\n\r\n" } },
};

#define BATCH_ROWS "{\"id\":\"1\"}\n{\"id\":\"2\"}\n{\"id\":\"3\"}\n"

START_TEST(trouble_is_tried_again_as_it_was)
{
	const struct trouble *t = &troubles[_i];
	/* the other requests must not meet it */
	const char *timeout = harness_is_under() ? "--timeout=5s" : "--timeout=500ms";
	struct sandbox *s = sandbox_start(&(struct sandbox_config){ 0 });

	ck_assert_ptr_nonnull(s);
	printf("%s\n", t->name);
	fflush(stdout);
	struct harness *h = harness_new(s);
	sandbox_add_rule(s, &(struct sandbox_rule){ .nth = 2, .fault = t->fault });
	harness_stdin_text(h, BATCH_ROWS);
	const struct harness_run *run = HARNESS_RUN(h, "--batch", timeout, "--backoff=10ms",
	    "--results=-");
	harness_assert_status(run, 0);
	ck_assert_uint_eq(sandbox_counters(s).people, 3);
	ck_assert_uint_eq(sandbox_arrivals(s), 3);
	struct sandbox_arrival first = sandbox_arrival(s, 1), second = sandbox_arrival(s, 2);
	ck_assert_str_eq(first.body, second.body);
	ck_assert_ptr_null(first.retry_count);
	ck_assert_str_eq(second.retry_count, "1");
	ck_assert_uint_eq(harness_count_lines(run->out,
	                      "\"outcome\":\"accepted\",\"status\":200,\"attempts\":2}"),
	    3);
	harness_free(h);
	sandbox_stop(s);
}
END_TEST

/* Retries used up while the server as such answers: each record has failed. */
START_TEST(a_batch_fails)
{
	struct sandbox *s = sandbox_start(&(struct sandbox_config){ 0 });

	ck_assert_ptr_nonnull(s);
	struct harness *h = harness_new(s);
	sandbox_add_rule(s,
	    &(struct sandbox_rule){ .path = "/batch",
	        .times = -1,
	        .fault = { .act = SANDBOX_STATUS, .status = 503 } });
	harness_stdin_text(h, BATCH_ROWS);
	const struct harness_run *run = HARNESS_RUN(h, "--batch", "--backoff=10ms", "--retries=2",
	    "--results=-", "--rejects=r.ndjson");
	harness_assert_status(run, 1);
	ck_assert_uint_eq(harness_count_lines(run->out,
	                      "\"outcome\":\"failed\",\"status\":503,\"attempts\":3,"),
	    3);
	harness_assert_err_has(run, "standard input:3: user 3: 503 fault (after 3 attempts)");
	harness_assert_err_has(run, "Done: 0 processed, 3 errors");
	char *rejects = harness_read(h, "r.ndjson", NULL);
	ck_assert_uint_eq(harness_count_lines(rejects,
	                      "\"_cio_outcome\":\"failed\",\"_cio_status\":503"),
	    3);
	free(rejects);
	harness_free(h);
	sandbox_stop(s);
}
END_TEST

/* -- order -- */

static bool refuse_b(const struct sandbox_arrival *a, const char *body, struct sandbox_fault *f,
    void *arg)
{
	(void)a;
	(void)arg;
	if (!body || !strstr(body, POISON))
		return false;
	*f = (struct sandbox_fault){ .act = SANDBOX_STATUS, .status = 400 };
	return true;
}

/* Which request carried that text alone (no poison in it), and was processed. */
static struct sandbox_arrival carrier(struct sandbox *s, const char *text)
{
	size_t n = sandbox_arrivals(s);

	for (size_t i = 0; i < n; i++) {
		struct sandbox_arrival a = sandbox_arrival(s, i);
		if (a.body && a.processed && strstr(a.body, text))
			return a;
	}
	ck_abort_msg("%s was not sent", text);
}

/* Rows of a, the poison, a and c; the second half holds a, so it waits until the first half's a is
 * settled. Without a in it, it does not wait. */
static const struct {
	const char *second;
	bool waits;
} halves[] = { { "a", true }, { "d", false } };

START_TEST(halves_with_one_person_wait)
{
	struct sandbox *s = sandbox_start(
	    &(struct sandbox_config){ .hook = refuse_b, .latency_ms = 150 });
	char input[256];

	ck_assert_ptr_nonnull(s);
	struct harness *h = harness_new(s);
	snprintf(input, sizeof input,
	    "{\"id\":\"a\",\"row\":1}\n{\"id\":\"b\",%s:2}\n{\"id\":\"%s\",\"row\":3}\n{\"id\":"
	    "\"c\",\"row\":4}\n",
	    POISON, halves[_i].second);
	harness_stdin_text(h, input);
	const struct harness_run *run = HARNESS_RUN(h, "--batch", "-c4", "--rate=unlimited");
	harness_assert_status(run, 1);
	struct sandbox_arrival first = carrier(s, "\"row\":1"), second = carrier(s, "\"row\":3"),
	                       third = carrier(s, "\"row\":4");
	ck_assert_uint_eq(second.number, third.number);
	ck_assert_msg((second.at_us >= first.answered_us) == halves[_i].waits, "the second half %s",
	    halves[_i].waits ? "did not wait" : "waited");
	harness_free(h);
	sandbox_stop(s);
}
END_TEST

#define ORDER_ROWS 800
#define ORDER_ROUNDS 8
#define PEOPLE 40

/* What a person's operations are, in order: rows of their own, merges that they are in; those with
 * poison left out. */
struct story {
	struct buf told[PEOPLE];
};

static void tell(struct story *story, int person, int row)
{
	story->told[person].max = BUF_UNBOUNDED;
	buf_fmt(&story->told[person], " %d", row);
}

static void story_free(struct story *story)
{
	for (int i = 0; i < PEOPLE; i++)
		buf_free(&story->told[i]);
}

/* A merge as an entity of the API's own form, so that it carries its row's number as the others
 * do. */
static void make_order_input(struct buf *out, struct dice *d, struct story *story, int people)
{
	for (int row = 0; row < ORDER_ROWS; row++) {
		int a = (int)dice_below(d, people), b = (int)dice_below(d, people);
		if (dice_one_in(d, 100)) {
			buf_fmt(out, "{\"id\":\"p%d\",%s:%d}\n", a, POISON, row);
		} else if (a != b && dice_one_in(d, 8)) {
			buf_fmt(out,
			    "{\"do\":\"entity\",\"type\":\"person\",\"action\":\"merge\","
			    "\"primary\":{\"id\":\"p%d\"},"
			    "\"secondary\":{\"id\":\"p%d\"},\"row\":%d}\n",
			    a, b, row);
			tell(story, a, row);
			tell(story, b, row);
		} else {
			buf_fmt(out, "{\"id\":\"p%d\",\"row\":%d}\n", a, row);
			tell(story, a, row);
		}
	}
}

static void handle(struct story *story, const json_t *operation, const char *place, int row)
{
	const char *id = json_string_value(
	    json_object_get(json_object_get(operation, place), "id"));

	if (id)
		tell(story, atoi(id + 1), row);
}

static void hear_batch(struct story *story, const struct sandbox_arrival *a)
{
	json_t *root = json_loads(a->body, 0, NULL), *operation,
	       *batch = json_object_get(root, "batch");
	size_t i;

	ck_assert_ptr_nonnull(root);
	json_array_foreach(batch, i, operation)
	{
		json_t *row = json_object_get(json_object_get(operation, "attributes"), "row");
		row = row ? row : json_object_get(operation, "row");
		if (!row)
			continue; /* poison, in a batch that was accepted without it */
		int number = (int)json_integer_value(row);
		handle(story, operation, "identifiers", number);
		handle(story, operation, "primary", number);
		handle(story, operation, "secondary", number);
	}
	json_decref(root);
}

/* Cuts (or, every other round, single operations refused among others of the same people), errors,
 * resets and delays at random, but nothing that is processed twice: then each person's operations
 * arrive exactly as they stand in the input, and never two requests with the same person at
 * once. */
START_TEST(order_is_kept_through_cuts)
{
	struct dice d = dice_new("cuts");
	struct server server = { .way = &ways[_i % 2 ? 2 : 0], .answer = { .max = BUF_UNBOUNDED } };
	struct sandbox *s = sandbox_start(&(struct sandbox_config){
	    .hook = refuse_poison,
	    .arg = &server,
	    .chaos = { .seed = dice_next(&d),
	        .unavailable = 10,
	        .reset_before = 5,
	        .delay_ms = 10 },
	});
	struct buf input = { .max = BUF_UNBOUNDED };
	struct story wanted = { 0 }, heard = { 0 };
	char batch[32];

	ck_assert_ptr_nonnull(s);
	struct harness *h = harness_new(s);
	make_order_input(&input, &d, &wanted, 2 + (int)dice_below(&d, PEOPLE - 1));
	buf_byte(&input, '\0');
	input.len--;
	harness_stdin(h, input.data, input.len);
	snprintf(batch, sizeof batch, "--batch=%d", 2 + (int)dice_below(&d, 200));
	const struct harness_run *run = HARNESS_RUN(h, "--action-field=do", "--rate=unlimited",
	    "--backoff=2ms", "--backoff-max=10ms", "--retries=200", "--rejects=r.ndjson", batch);
	harness_assert_status(run, strstr(input.data, POISON) ? 1 : 0);
	harness_assert_err_has(run, "Done: ");
	for (size_t i = 0; i < sandbox_arrivals(s); i++) {
		struct sandbox_arrival a = sandbox_arrival(s, i);
		if (a.body && a.processed)
			hear_batch(&heard, &a);
	}
	for (int i = 0; i < PEOPLE; i++) {
		buf_byte(&wanted.told[i], '\0');
		buf_byte(&heard.told[i], '\0');
		if (wanted.told[i].data)
			ck_assert_str_eq(heard.told[i].data, wanted.told[i].data);
	}
	ck_assert_uint_eq(sandbox_counters(s).most_for_one_person, 1);
	story_free(&wanted);
	story_free(&heard);
	buf_free(&input);
	buf_free(&server.answer);
	harness_free(h);
	sandbox_stop(s);
}
END_TEST

Suite *cutting_suite(void)
{
	Suite *s = suite_create("cutting");
	TCase *t = tcase_create("cutting");

	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, poison_is_found, 0, sizeof ways / sizeof *ways);
	tcase_add_test(t, a_smaller_limit_is_met);
	tcase_add_loop_test(t, trouble_is_tried_again_as_it_was, 0,
	    sizeof troubles / sizeof *troubles);
	tcase_add_test(t, a_batch_fails);
	tcase_add_loop_test(t, halves_with_one_person_wait, 0, sizeof halves / sizeof *halves);
	tcase_add_loop_test(t, order_is_kept_through_cuts, 0, ORDER_ROUNDS);
	suite_add_tcase(s, t);
	return s;
}
