/* Chunks are filled from one end; one that is empty again is filled anew. */
#include "queue/arena.h"

#include <stdalign.h>
#include <stdlib.h>
#include "base/buf.h"

#define CHUNK_BYTES 4096u /* small, for one thing that lives long keeps the whole of it */

struct chunk {
	struct chunk *next; /* of the spare ones */
	size_t room, used;  /* bytes */
	size_t live;        /* things */
	alignas(8) char bytes[];
};

struct thing {
	struct chunk *home;
	alignas(8) char bytes[];
};

struct arena {
	struct chunk *filling; /* or NULL */
	struct chunk *spare;
	size_t held;
};

struct arena *arena_new(void)
{
	return xcalloc(1, sizeof(struct arena));
}

void arena_free(struct arena *a)
{
	if (!a)
		return;
	free(a->filling);
	while (a->spare) {
		struct chunk *next = a->spare->next;
		free(a->spare);
		a->spare = next;
	}
	free(a);
}

static struct chunk *new_chunk(struct arena *a, size_t room)
{
	struct chunk *c = a->spare;

	if (c && room <= c->room) {
		a->spare = c->next;
	} else {
		c = xmalloc(sizeof *c + room);
		c->room = room;
	}
	c->used = c->live = 0;
	a->held += sizeof *c + c->room;
	return c;
}

static void retire(struct arena *a, struct chunk *c)
{
	a->held -= sizeof *c + c->room;
	if (c->room > CHUNK_BYTES) {
		free(c);
		return;
	}
	c->next = a->spare;
	a->spare = c;
}

static size_t rounded(size_t n)
{
	return (n + 7) & ~(size_t)7;
}

void *arena_take(struct arena *a, size_t n)
{
	size_t need = sizeof(struct thing) + rounded(n);
	struct chunk *c = a->filling;

	if (!c || c->room - c->used < need) {
		if (c && !c->live)
			retire(a, c);
		c = a->filling = new_chunk(a, need < CHUNK_BYTES ? CHUNK_BYTES : need);
	}
	struct thing *t = (struct thing *)(c->bytes + c->used);
	t->home = c;
	c->used += need;
	c->live++;
	return t->bytes;
}

static struct thing *thing_of(void *p)
{
	return (struct thing *)((char *)p - offsetof(struct thing, bytes));
}

void arena_trim(struct arena *a, void *p, size_t n)
{
	struct chunk *c = a->filling;

	c->used = (size_t)((char *)p - c->bytes) + rounded(n);
}

void arena_give(struct arena *a, void *p)
{
	struct chunk *c = thing_of(p)->home;

	if (--c->live)
		return;
	if (c == a->filling)
		c->used = 0;
	else
		retire(a, c);
}

size_t arena_held(const struct arena *a)
{
	return a->held;
}
