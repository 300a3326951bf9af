/* Objects and relationships through the whole program: people and objects wait for their turn, each
 * the last row wins, and what was begun with one type of objects is not carried on with another. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "dice.h"
#include "scene.h"

Suite *objects_suite(void);

#define OBJECTS 4
#define PEOPLE 5
#define ROWS 600

/* What must be there when all rows have been done in their order. */
struct model {
	int object[OBJECTS];           /* its n; -1: deleted, or never made */
	int relation[PEOPLE][OBJECTS]; /* its n; -1: none */
};

static void delete_object(struct model *m, int object)
{
	m->object[object] = -1;
	for (int p = 0; p < PEOPLE; p++)
		m->relation[p][object] = -1;
}

static void add_row(struct buf *csv, struct model *m, struct dice *d, int n)
{
	static const char *const actions[] = { "object", "relate", "relate", "unrelate",
		"delete-object" };
	int action = dice_below(d, 20) == 0 ? 4 : (int)dice_below(d, 4);
	int person = (int)dice_below(d, PEOPLE), object = (int)dice_below(d, OBJECTS);

	buf_fmt(csv, "%s,p%d,o%d,%d\n", actions[action], person, object, n);
	switch (action) {
	case 0:
		m->object[object] = n;
		break;
	case 3:
		m->relation[person][object] = -1;
		break;
	case 4:
		delete_object(m, object);
		break;
	default:
		m->relation[person][object] = n;
		/* which makes the object, without attributes */
		if (m->object[object] < 0)
			m->object[object] = 0;
	}
}

static int value_of(json_t *attributes)
{
	const char *text = json_string_value(json_object_get(attributes, "n"));
	int n = attributes ? text ? atoi(text) : 0 : -1;

	json_decref(attributes);
	return n;
}

static void check_model(struct sandbox *s, const struct model *m)
{
	char person[16], object[16];

	for (int o = 0; o < OBJECTS; o++) {
		snprintf(object, sizeof object, "o%d", o);
		ck_assert_msg(value_of(sandbox_object(s, "1", object)) == m->object[o],
		    "%s is not as row %d left it", object, m->object[o]);
		for (int p = 0; p < PEOPLE; p++) {
			snprintf(person, sizeof person, "p%d", p);
			ck_assert_msg(value_of(sandbox_relation(s, person, "1", object)) ==
			        m->relation[p][o],
			    "%s in %s is not as row %d left it", person, object, m->relation[p][o]);
		}
	}
}

START_TEST(each_is_as_its_last_row_says)
{
	struct dice d = dice_new("objects");
	bool batch = _i % 2 == 1;
	struct scene s = scene_open(&(struct sandbox_config){ .chaos = { .seed = dice_next(&d),
	                                                          .unavailable = 5,
	                                                          .reset_before = 5,
	                                                          .throttled = 2,
	                                                          .delay_ms = 3 } });
	struct buf csv = { .max = BUF_UNBOUNDED };
	struct model m;

	for (int o = 0; o < OBJECTS; o++)
		delete_object(&m, o);
	buf_str(&csv, "do,id,object_id,n\n");
	for (int n = 1; n <= ROWS; n++)
		add_row(&csv, &m, &d, n);
	harness_write(s.harness, "in.csv", csv.data, csv.len);
	const struct harness_run *run = HARNESS_RUN(s.harness, "in.csv", "--action=object",
	    "--action-field=do", "--object-type=1", "--rate=unlimited", "--backoff=2ms",
	    "--backoff-max=10ms", "--retries=200", "-c20", "--drop=none", "--no-adapt",
	    batch ? "--batch=7" : NULL);
	harness_assert_status(run, 0);
	check_model(s.sandbox, &m);
	ck_assert_uint_eq(sandbox_counters(s.sandbox).most_for_one_person, 1);
	buf_free(&csv);
	scene_close(&s);
}
END_TEST

START_TEST(another_type_is_another_run)
{
	struct scene s = scene_open(NULL);

	harness_write_text(s.harness, "in.csv", "object_id\na\nb\n");
	sandbox_add_rule(s.sandbox,
	    &(struct sandbox_rule){ .method = "POST",
	        .passes = 1,
	        .fault = { .act = SANDBOX_STATUS, .status = 401 } });
	harness_assert_status(HARNESS_RUN(s.harness, "in.csv", "-a", "object", "--object-type=1",
	                          "-c1"),
	    77);
	size_t before = sandbox_arrivals(s.sandbox);
	const struct harness_run *run = HARNESS_RUN(s.harness, "in.csv", "-a", "object",
	    "--object-type=2", "-c1");
	harness_assert_status(run, 65);
	harness_assert_err_has(run, "in.csv.cio-state: is about another action");
	ck_assert_uint_eq(sandbox_arrivals(s.sandbox), before);
	run = HARNESS_RUN(s.harness, "in.csv", "-a", "object", "--object-type=1", "-c1");
	harness_assert_status(run, 0);
	harness_assert_err_has(run, "resuming");
	ck_assert_uint_eq(sandbox_counters(s.sandbox).objects, 2);
	scene_close(&s);
}
END_TEST

Suite *objects_suite(void)
{
	Suite *s = suite_create("objects");
	TCase *t = tcase_create("objects");

	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, each_is_as_its_last_row_says, 0, 4);
	tcase_add_test(t, another_type_is_another_run);
	suite_add_tcase(s, t);
	return s;
}
