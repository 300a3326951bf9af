/* Lanes: one person's operations in input order, against a model that looks at every pair. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "dice.h"
#include "queue/lanes.h"
#include "operation/operation.h"

Suite *lanes_suite(void);

#define MOST 64

static bool stands_first(const struct operation *op)
{
	for (unsigned k = 0; k < op->key_count; k++)
		if (op->ahead[k])
			return false;
	return true;
}

static bool share(const struct operation *a, const struct operation *b)
{
	for (unsigned i = 0; i < a->key_count; i++)
		for (unsigned j = 0; j < b->key_count; j++)
			if (a->keys[i] == b->keys[j])
				return true;
	return false;
}

/* The model: nobody older who shares a person is still in. */
static bool may_go(struct operation *const *in, size_t count, size_t i)
{
	for (size_t j = 0; j < count; j++)
		if (in[j] != in[i] && in[j]->from.number < in[i]->from.number &&
		    share(in[j], in[i]))
			return false;
	return true;
}

static struct operation *random_operation(struct dice *d, uint64_t number)
{
	struct operation *op = xcalloc(1, sizeof *op);

	op->from.number = number;
	op->key_count = (unsigned)dice_below(d, 3);
	for (unsigned k = 0; k < op->key_count; k++)
		/* all round the table's end */
		op->keys[k] = 1021 + (uint64_t)dice_below(d, 5) +
		    (uint64_t)dice_below(d, 12) * 1024;
	return op;
}

START_TEST(order_is_kept)
{
	struct dice d = dice_new("order_is_kept");
	struct lanes *l = lanes_new();
	struct operation *in[MOST];
	size_t count = 0;

	for (uint64_t step = 1; step <= 20000; step++) {
		bool filling = step / 100 % 2; /* and emptying, in turn: lanes come and go */
		if (count < MOST && dice_one_in(&d, filling ? 2 : 8)) {
			in[count] = random_operation(&d, step);
			lanes_enter(l, in[count++]);
		} else if (count) {
			size_t i = (size_t)dice_below(&d, (int64_t)count);
			if (!may_go(in, count, i) && !dice_one_in(&d, 3))
				continue; /* some leave from the middle of their lanes */
			lanes_leave(l, in[i]);
			free(in[i]);
			in[i] = in[--count];
		}
		for (size_t i = 0; i < count; i++)
			ck_assert_int_eq(stands_first(in[i]), may_go(in, count, i));
	}
	while (count)
		free(in[--count]);
	lanes_free(l);
}
END_TEST

START_TEST(those_behind_are_told)
{
	struct lanes *l = lanes_new();
	struct operation a = { .keys = { 1 }, .key_count = 1 },
	                 merge = { .keys = { 1, 2 }, .key_count = 2 },
	                 b = { .keys = { 2 }, .key_count = 1 };

	lanes_enter(l, &a);
	lanes_enter(l, &merge);
	lanes_enter(l, &b);
	ck_assert_ptr_eq(merge.ahead[0], &a);
	ck_assert_ptr_null(merge.ahead[1]);
	ck_assert_ptr_eq(b.ahead[0], &merge);
	lanes_leave(l, &a);
	ck_assert_ptr_eq(a.behind[0], &merge);
	ck_assert_ptr_null(merge.ahead[0]);
	lanes_leave(l, &merge);
	ck_assert_ptr_null(b.ahead[0]);
	lanes_leave(l, &b);
	lanes_free(l);
}
END_TEST

/* Neighbours in the table, of one home or of several, round its end: whichever leaves, the others
 * are found. */
START_TEST(the_others_are_found)
{
	static const uint64_t keys[] = { 1021, 1022, 1022 + 1024, 0, 1023, 1022 + 2048, 1024, 1 };
	enum { COUNT = sizeof keys / sizeof *keys };
	struct lanes *l = lanes_new();
	struct operation first[COUNT], second[COUNT];

	for (int i = 0; i < COUNT; i++) {
		first[i] = second[i] = (struct operation){ .keys = { keys[i] }, .key_count = 1 };
		lanes_enter(l, &first[i]);
	}
	lanes_leave(l, &first[_i]);
	for (int i = 0; i < COUNT; i++) {
		lanes_enter(l, &second[i]);
		ck_assert_ptr_eq(second[i].ahead[0], i == _i ? NULL : &first[i]);
	}
	lanes_free(l);
}
END_TEST

/* More lanes than the table begins with: each is found again. */
START_TEST(the_table_grows)
{
	enum { COUNT = 5000 };
	struct lanes *l = lanes_new();
	struct operation *in = xcalloc(2 * COUNT, sizeof *in);

	for (int i = 0; i < 2 * COUNT; i++) {
		in[i] = (struct operation){ .keys = { (uint64_t)(i % COUNT) * 7 }, .key_count = 1 };
		lanes_enter(l, &in[i]);
	}
	for (int i = 0; i < COUNT; i++) {
		ck_assert(in[i].ahead[0] == NULL && in[COUNT + i].ahead[0] == &in[i]);
		lanes_leave(l, &in[i]);
		ck_assert(stands_first(&in[COUNT + i]));
	}
	for (int i = 0; i < COUNT; i++)
		lanes_leave(l, &in[COUNT + i]);
	lanes_enter(l, &in[0]);
	ck_assert(stands_first(&in[0]));
	lanes_free(l);
	free(in);
}
END_TEST

START_TEST(merged_with_oneself)
{
	struct lanes *l = lanes_new();
	struct operation merge = { .keys = { 7, 7 }, .key_count = 2 },
	                 next = { .keys = { 7 }, .key_count = 1 };

	lanes_enter(l, &merge);
	ck_assert(stands_first(&merge));
	lanes_enter(l, &next);
	lanes_leave(l, &merge);
	ck_assert(stands_first(&next));
	lanes_leave(l, &next);
	lanes_free(l);
}
END_TEST

Suite *lanes_suite(void)
{
	Suite *s = suite_create("lanes");
	TCase *t = tcase_create("lanes");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, order_is_kept);
	tcase_add_test(t, those_behind_are_told);
	tcase_add_loop_test(t, the_others_are_found, 0, 8);
	tcase_add_test(t, the_table_grows);
	tcase_add_test(t, merged_with_oneself);
	suite_add_tcase(s, t);
	return s;
}
