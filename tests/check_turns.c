/* Turns among runs that share a rate, over random schedules. */
#include "send/turns.h"

#include <check.h>

#include "dice.h"

#define S INT64_C(1000000)
#define START (123 * S)
#define RUNS 12

Suite *turns_suite(void);

/* Runs that take tokens, which come one each gap; each looks when it was told to, a little late. */
struct runner {
	bool there, wants;
	int64_t late;  /* at most, us */
	int64_t looks; /* when next */
	int64_t turn;  /* when its turn comes, as it was told last */
	int taken;
};

struct model {
	struct turns turns;
	struct runner runs[RUNS];
	int64_t now, gap, next; /* next: when the next token is there */
	int64_t wasted; /* time in which a token was there, somebody wanted it, and none took it */
	struct dice dice;
};

static void look(struct model *m, unsigned i)
{
	struct runner *r = &m->runs[i];
	int64_t again;

	if (!r->there || !r->wants) {
		r->looks = INT64_MAX;
		return;
	}
	int64_t next = m->next > m->now ? m->next : m->now;
	r->turn = turns_wait(&m->turns, i, next, m->gap, m->now, &again);
	ck_assert_int_ge(r->turn, next);
	ck_assert_int_le(again, r->turn);
	ck_assert_int_ge(again, m->now);
	if (r->turn <= m->now) {
		turns_take(&m->turns, i);
		r->taken++;
		m->wasted += m->now - next;
		m->next = m->now + m->gap;
		turns_wait(&m->turns, i, m->next, m->gap, m->now, &again);
	}
	r->looks = (again > m->now ? again : m->now) + 1 +
	    (r->late ? dice_below(&m->dice, r->late) : 0);
}

static void go_on(struct model *m, int64_t until)
{
	for (;;) {
		unsigned first = 0;
		for (unsigned i = 1; i < RUNS; i++)
			if (m->runs[i].looks < m->runs[first].looks)
				first = i;
		if (m->runs[first].looks > until) {
			m->now = until;
			return;
		}
		if (m->runs[first].looks > m->now)
			m->now = m->runs[first].looks;
		look(m, first);
	}
}

static struct model model(const char *name, unsigned runs, int64_t gap, int64_t late)
{
	struct model m = { .now = START, .next = START, .gap = gap, .dice = dice_new(name) };

	turns_init(&m.turns);
	for (unsigned i = 0; i < RUNS; i++) {
		m.runs[i] = (struct runner){ .there = i < runs,
			.wants = i < runs,
			.late = late,
			.looks = i < runs ? START + i : INT64_MAX };
		turns_join(&m.turns, i);
	}
	return m;
}

static int total(const struct model *m)
{
	int sum = 0;

	for (int i = 0; i < RUNS; i++)
		sum += m->runs[i].taken;
	return sum;
}

static const struct {
	unsigned runs;
	int64_t gap, late;
} worlds[] = {
	{ 1, 20000, 0 },
	{ 2, 20000, 0 },
	{ 3, 16666, 1000 },
	{ 12, 20000, 500 },
	{ 5, 1000, 300 },
	{ 4, 10 * S, 1000 },
};

/* Each gets as much as any other, as far as wakings that are late allow, and no token lies about.
 */
START_TEST(all_get_the_same)
{
	struct model m = model("turns", worlds[_i].runs, worlds[_i].gap, worlds[_i].late);

	go_on(&m, START + 1000 * worlds[_i].gap);
	for (unsigned i = 0; i < worlds[_i].runs; i++) {
		ck_assert_int_ge(m.runs[i].taken, total(&m) / (int)worlds[_i].runs - 3);
		ck_assert_int_le(m.runs[i].taken, total(&m) / (int)worlds[_i].runs + 3);
	}
	ck_assert_int_ge(total(&m),
	    (int)(1000 * worlds[_i].gap / (worlds[_i].gap + worlds[_i].late + 2)));
}
END_TEST

/* One that comes later gets its part from then on: no more, as if it had waited all the time, and
 * no less. So does one that had nothing to send for a while. */
START_TEST(who_comes_later)
{
	struct model m = model("turns late", 3, 10000, 200);

	m.runs[2].wants = false;
	go_on(&m, START + 10 * S);
	int before = m.runs[2].taken;
	ck_assert_int_eq(before, 0);
	m.runs[2].wants = true;
	m.runs[2].looks = m.now;
	if (_i == 1)
		turns_join(&m.turns, 2);
	int others = total(&m);
	go_on(&m, START + 13 * S);
	others = total(&m) - others;
	ck_assert_int_ge(m.runs[2].taken, others / 3 - 2);
	ck_assert_int_le(m.runs[2].taken, others / 3 + 2);
}
END_TEST

/* One that is gone is not waited for: all but the little time of patience goes to the others. */
START_TEST(who_is_gone)
{
	struct model m = model("turns gone", 4, 10000, 200);

	go_on(&m, START + 5 * S);
	m.runs[0].there = m.runs[2].there = false;
	int before = total(&m);
	m.wasted = 0;
	go_on(&m, START + 10 * S);
	ck_assert_int_le(m.wasted, 2 * TURNS_PATIENCE + 500 * 210);
	ck_assert_int_ge(total(&m) - before, 470);
	ck_assert_int_ge(m.runs[1].taken - m.runs[3].taken, -3);
	ck_assert_int_le(m.runs[1].taken - m.runs[3].taken, 3);
}
END_TEST

/* Where tokens are rare, one that is gone does not cost another token's time. */
START_TEST(rare_tokens)
{
	struct model m = model("turns rare", 2, 3600 * S, 0);

	go_on(&m, START + 10 * S);
	ck_assert_int_eq(total(&m), 1);
	bool first = m.runs[0].taken == 1;
	m.runs[first ? 1 : 0].there = false;
	go_on(&m, START + 3601 * S);
	ck_assert_int_eq(total(&m), 2);
}
END_TEST

/* The largest times: nothing overflows. */
START_TEST(no_end)
{
	struct turns t;
	int64_t again;

	turns_init(&t);
	ck_assert_int_eq(turns_wait(&t, 0, INT64_MAX, S, START, &again), INT64_MAX);
	ck_assert_int_eq(turns_wait(&t, 1, INT64_MAX - 5, S, START, &again), INT64_MAX);
	ck_assert_int_le(again, INT64_MAX);
	ck_assert_int_eq(turns_wait(&t, 2, START, INT64_MAX, START, &again), INT64_MAX);
}
END_TEST

Suite *turns_suite(void)
{
	Suite *suite = suite_create("turns");
	TCase *t = tcase_create("turns");

	tcase_add_loop_test(t, all_get_the_same, 0, (int)(sizeof worlds / sizeof *worlds));
	tcase_add_loop_test(t, who_comes_later, 0, 2);
	tcase_add_test(t, who_is_gone);
	tcase_add_test(t, rare_tokens);
	tcase_add_test(t, no_end);
	suite_add_tcase(suite, t);
	return suite;
}
