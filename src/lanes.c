#include "lanes.h"

#include <stdlib.h>

#include "operation.h"

/* One person's unsettled operations. It exists only while there are any. */
struct lane {
	uint64_t key;
	struct operation *front, *back;
	struct lane *next;	/* in its bucket of the table, or in the list of spare lanes */
};

struct lanes {
	struct lane **table;	/* a power of two of them */
	size_t mask;
	struct lane *spare;
};

struct lanes *lanes_new(size_t most)
{
	struct lanes *l = xcalloc(1, sizeof *l);
	size_t size = 64;

	while (size < most)	/* no larger: it should stay in a core's own cache */
		size *= 2;
	l->table = xcalloc(size, sizeof *l->table);
	l->mask = size - 1;
	return l;
}

static void free_list(struct lane *lane)
{
	while (lane) {
		struct lane *next = lane->next;
		free(lane);
		lane = next;
	}
}

void lanes_free(struct lanes *l)
{
	if (!l)
		return;
	for (size_t i = 0; i <= l->mask; i++)
		free_list(l->table[i]);
	free_list(l->spare);
	free(l->table);
	free(l);
}

static struct lane *find_or_make(struct lanes *l, uint64_t key)
{
	struct lane **bucket = &l->table[key & l->mask], *lane;

	for (lane = *bucket; lane; lane = lane->next)
		if (lane->key == key)
			return lane;
	lane = l->spare;
	if (lane)
		l->spare = lane->next;
	else
		lane = xmalloc(sizeof *lane);
	*lane = (struct lane){ .key = key, .next = *bucket };
	*bucket = lane;
	return lane;
}

static void drop(struct lanes *l, struct lane *lane)
{
	struct lane **at = &l->table[lane->key & l->mask];

	while (*at != lane)
		at = &(*at)->next;
	*at = lane->next;
	lane->next = l->spare;
	l->spare = lane;
}

/* Which of op's lanes this is: a merge stands in two. */
static unsigned place_in(const struct operation *op, const struct lane *lane)
{
	return op->lanes[0] == lane ? 0 : 1;
}

void lanes_enter(struct lanes *l, struct operation *op)
{
	if (op->key_count == 2 && op->keys[0] == op->keys[1])
		op->key_count = 1;	/* merged with himself: the server will say what it thinks of that */
	for (unsigned k = 0; k < op->key_count; k++) {
		struct lane *lane = find_or_make(l, op->keys[k]);
		op->lanes[k] = lane;
		op->behind[k] = NULL;
		op->ahead[k] = lane->back;
		if (lane->back)
			lane->back->behind[place_in(lane->back, lane)] = op;
		else
			lane->front = op;
		lane->back = op;
	}
}

void lanes_leave(struct lanes *l, struct operation *op)
{
	for (unsigned k = 0; k < op->key_count; k++) {
		struct lane *lane = op->lanes[k];
		struct operation *next = op->behind[k];
		lane->front = next;
		if (next) {
			next->ahead[place_in(next, lane)] = NULL;
		} else {
			drop(l, lane);
		}
	}
}
