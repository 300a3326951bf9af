/* The arena: what is taken stays as it is until it is given back, and storage is used again. */
#include <check.h>
#include <stdint.h>
#include <string.h>

#include "queue/arena.h"
#include "dice.h"

Suite *arena_suite(void);

#define MOST 200

struct taken {
	unsigned char *at;
	size_t size;
	unsigned char fill;
};

static void check_whole(const struct taken *t)
{
	size_t same = 0;

	while (same < t->size && t->at[same] == t->fill)
		same++;
	ck_assert_uint_eq(same, t->size);
}

/* Things of all sizes, given back in any order, some cut short while they are the last: each keeps
 * its bytes. */
START_TEST(nothing_is_disturbed)
{
	struct dice d = dice_new("nothing_is_disturbed");
	struct arena *a = arena_new();
	struct taken in[MOST];
	size_t count = 0;

	for (int step = 0; step < 20000; step++) {
		if (count < MOST && dice_one_in(&d, 2)) {
			struct taken *t = &in[count++];
			t->size = (size_t)dice_below(&d, dice_one_in(&d, 50) ? 20000 : 700);
			t->at = arena_take(a, t->size);
			ck_assert_uint_eq((uintptr_t)t->at % sizeof(void *), 0);
			if (dice_one_in(&d, 2))
				arena_trim(a, t->at, t->size /= 2);
			t->fill = (unsigned char)step;
			memset(t->at, t->fill, t->size);
		} else if (count) {
			struct taken *t = &in[dice_below(&d, (int64_t)count)];
			check_whole(t);
			arena_give(a, t->at);
			*t = in[--count];
		}
	}
	while (count) {
		check_whole(&in[--count]);
		arena_give(a, in[count].at);
	}
	arena_free(a);
}
END_TEST

START_TEST(storage_is_used_again)
{
	struct arena *a = arena_new();
	size_t most = 0;

	for (int round = 0; round < 1000; round++) {
		void *in[10];
		for (int i = 0; i < 10; i++)
			in[i] = arena_take(a, 300);
		most = arena_held(a) > most ? arena_held(a) : most;
		for (int i = 0; i < 10; i++)
			arena_give(a, in[i]);
	}
	ck_assert_uint_ge(most, 3000);
	ck_assert_uint_le(most, 20000);
	arena_free(a);
}
END_TEST

/* What is trimmed away is there for the next. */
START_TEST(what_is_trimmed_is_free)
{
	struct arena *a = arena_new();
	void *in[100];

	for (int i = 0; i < 100; i++) {
		in[i] = arena_take(a, 2000);
		arena_trim(a, in[i], 24);
	}
	ck_assert_uint_le(arena_held(a), 10000);
	for (int i = 0; i < 100; i++)
		arena_give(a, in[i]);
	arena_free(a);
}
END_TEST

/* A large thing has storage of its own, which is given back with it. */
START_TEST(large_things_are_not_kept)
{
	struct arena *a = arena_new();
	size_t before = arena_held(a);
	void *large = arena_take(a, 5000000), *small = arena_take(a, 10);

	memset(large, 1, 5000000);
	ck_assert_uint_ge(arena_held(a), 5000000);
	arena_give(a, large);
	ck_assert_uint_le(arena_held(a), before + 10000);
	arena_give(a, small);
	arena_free(a);
}
END_TEST

Suite *arena_suite(void)
{
	Suite *s = suite_create("arena");
	TCase *t = tcase_create("arena");

	tcase_add_test(t, nothing_is_disturbed);
	tcase_add_test(t, storage_is_used_again);
	tcase_add_test(t, what_is_trimmed_is_free);
	tcase_add_test(t, large_things_are_not_kept);
	suite_add_tcase(s, t);
	return s;
}
