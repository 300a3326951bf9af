/* A hash table with open addressing (linear probing): 16 bytes a lane, side by side, for each
 * record comes by twice. */
#include "queue/lanes.h"

#include <stdlib.h>
#include "base/buf.h"
#include "operation/operation.h"

#define SMALLEST 1024u /* slots; a power of two */

/* A lane is there while somebody stands in it. */
struct slot {
	uint64_t key;
	struct operation *back; /* the last one; NULL: the slot is free */
};

struct lanes {
	struct slot *slots;
	size_t mask, count;
};

struct lanes *lanes_new(void)
{
	struct lanes *l = xcalloc(1, sizeof *l);

	l->slots = xcalloc(SMALLEST, sizeof *l->slots);
	l->mask = SMALLEST - 1;
	return l;
}

void lanes_free(struct lanes *l)
{
	if (!l)
		return;
	free(l->slots);
	free(l);
}

void lanes_expect(const struct lanes *l, uint64_t key)
{
	__builtin_prefetch(&l->slots[key & l->mask], 1);
}

/* The slot of that key, or the free one where it would be. Keys are hashes already. */
static struct slot *find(const struct lanes *l, uint64_t key)
{
	size_t i = key & l->mask;

	while (l->slots[i].back && l->slots[i].key != key)
		i = (i + 1) & l->mask;
	return &l->slots[i];
}

static void grow(struct lanes *l)
{
	struct slot *old = l->slots;
	size_t count = l->mask + 1;

	l->slots = xcalloc(count * 2, sizeof *l->slots);
	l->mask = count * 2 - 1;
	for (size_t i = 0; i < count; i++)
		if (old[i].back)
			*find(l, old[i].key) = old[i];
	free(old);
}

/* Frees the slot, and moves those up that its being taken had pushed behind it. */
static void drop(struct lanes *l, struct slot *slot)
{
	size_t hole = (size_t)(slot - l->slots);

	for (size_t i = (hole + 1) & l->mask; l->slots[i].back; i = (i + 1) & l->mask) {
		size_t home = l->slots[i].key & l->mask;
		if (((i - home) & l->mask) < ((i - hole) & l->mask))
			continue; /* it would not be found in front of its home */
		l->slots[hole] = l->slots[i];
		hole = i;
	}
	l->slots[hole].back = NULL;
	l->count--;
}

/* Which of op's lanes is that key's: a merge stands in two. */
static unsigned place_of(const struct operation *op, uint64_t key)
{
	return op->keys[0] == key ? 0 : 1;
}

struct operation *lanes_ahead(const struct operation *op, uint64_t key)
{
	return op->ahead[place_of(op, key)];
}

void lanes_enter(struct lanes *l, struct operation *op)
{
	if (op->key_count == 2 && op->keys[0] == op->keys[1])
		/* merged with himself: the server will say what it thinks of that */
		op->key_count = 1;
	for (unsigned k = 0; k < op->key_count; k++) {
		struct slot *slot = find(l, op->keys[k]);
		op->ahead[k] = slot->back;
		op->behind[k] = NULL;
		if (slot->back)
			slot->back->behind[place_of(slot->back, op->keys[k])] = op;
		else
			l->count++;
		*slot = (struct slot){ .key = op->keys[k], .back = op };
		if (l->count > l->mask / 4 * 3)
			grow(l);
	}
}

void lanes_leave(struct lanes *l, struct operation *op)
{
	for (unsigned k = 0; k < op->key_count; k++) {
		struct operation *ahead = op->ahead[k], *behind = op->behind[k];
		if (ahead)
			ahead->behind[place_of(ahead, op->keys[k])] = behind;
		if (behind) {
			behind->ahead[place_of(behind, op->keys[k])] = ahead;
			continue;
		}
		struct slot *slot = find(l, op->keys[k]);
		if (ahead)
			slot->back = ahead;
		else
			drop(l, slot);
	}
}
