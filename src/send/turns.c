/* Each run has a place in a small table: what it took, and when it waits for. */
#include "send/turns.h"

void turns_init(struct turns *t)
{
	for (unsigned i = 0; i < TURNS; i++)
		turns_join(t, i);
}

void turns_join(struct turns *t, unsigned seat)
{
	t->seats[seat] = (struct turn){ .due = INT64_MIN };
}

static int64_t later(int64_t at, int64_t us)
{
	return at > INT64_MAX - us ? INT64_MAX : at + us;
}

static bool waits(const struct turn *t, int64_t now)
{
	return t->due != INT64_MIN && now <= later(t->due, TURNS_PATIENCE);
}

/* Who comes back to waiting has no claim to what it did not want meanwhile. */
static void come_back(struct turns *t, unsigned seat, int64_t now)
{
	uint64_t least = UINT64_MAX;

	for (unsigned i = 0; i < TURNS; i++)
		if (i != seat && waits(&t->seats[i], now) && t->seats[i].taken < least)
			least = t->seats[i].taken;
	if (least != UINT64_MAX && t->seats[seat].taken < least)
		t->seats[seat].taken = least;
}

static bool goes_before(const struct turns *t, unsigned a, unsigned b)
{
	return t->seats[a].taken < t->seats[b].taken ||
	    (a < b && t->seats[a].taken == t->seats[b].taken);
}

int64_t turns_wait(struct turns *t, unsigned seat, int64_t next, int64_t gap, int64_t now,
    int64_t *look)
{
	struct turn *mine = &t->seats[seat];
	int64_t turn = next;

	if (!waits(mine, now))
		come_back(t, seat, now);
	*look = INT64_MAX;
	for (unsigned i = 0; i < TURNS; i++) {
		if (i == seat || !waits(&t->seats[i], now) || !goes_before(t, i, seat))
			continue;
		turn = later(turn, gap);
		int64_t over = later(t->seats[i].due, TURNS_PATIENCE + 1);
		*look = over < *look ? over : *look;
	}
	mine->due = turn;
	*look = *look < next ? next : *look;
	*look = *look < turn ? *look : turn;
	return turn;
}

void turns_take(struct turns *t, unsigned seat)
{
	t->seats[seat].taken++;
	t->seats[seat].due = INT64_MIN;
}
