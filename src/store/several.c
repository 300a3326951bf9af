/* A table of people, found by a hash of their keys. */
#include "store/several.h"

#include <stdlib.h>
#include "base/buf.h"

#define SLOTS (2 * SEVERAL_PEOPLE) /* a power of two */

struct several {
	struct several_person *people; /* with room for `room` */
	size_t count, room;
	uint16_t slots[SLOTS]; /* number + 1; 0: free */
};

_Static_assert(SEVERAL_PEOPLE < UINT16_MAX, "a slot holds a number + 1");

struct several *several_new(void)
{
	return xcalloc(1, sizeof(struct several));
}

void several_free(struct several *s)
{
	if (!s)
		return;
	free(s->people);
	free(s);
}

/* Where the key is, or would be. */
static uint16_t *find_slot(struct several *s, uint64_t key)
{
	size_t at = (size_t)(key ^ key >> 32) & (SLOTS - 1);

	while (s->slots[at] && s->people[s->slots[at] - 1].key != key)
		at = (at + 1) & (SLOTS - 1);
	return &s->slots[at];
}

struct several_person *several_find(struct several *s, uint64_t key)
{
	uint16_t slot = s->count ? *find_slot(s, key) : 0;

	return slot ? &s->people[slot - 1] : NULL;
}

struct several_person *several_add(struct several *s, uint64_t key)
{
	uint16_t *slot = find_slot(s, key);

	if (*slot)
		return &s->people[*slot - 1];
	if (s->count == SEVERAL_PEOPLE)
		return NULL;
	if (s->count == s->room) {
		s->room = s->room ? 2 * s->room : 64;
		s->people = xrealloc(s->people, s->room * sizeof *s->people);
	}
	struct several_person *p = &s->people[s->count++];
	*p = (struct several_person){ .key = key };
	*slot = (uint16_t)s->count;
	return p;
}

struct several_person *several_at(struct several *s, size_t i)
{
	return i < s->count ? &s->people[i] : NULL;
}

enum several_fate several_row(struct several_person *p, uint64_t fingerprint, bool changed)
{
	unsigned i = p->now_count++;
	bool as_then = !p->sent && i < p->then_count && p->then[i] == fingerprint;

	if (i < SEVERAL_ROWS)
		p->now[i] = fingerprint;
	if (!changed)
		return SEVERAL_KNOWN;
	p->sent |= !as_then;
	return as_then ? SEVERAL_AS_THEN : SEVERAL_SEND;
}

bool several_differ(const struct several_person *p)
{
	for (unsigned i = 1; i < p->now_count && i < SEVERAL_ROWS; i++)
		if (p->now[i] != p->now[0])
			return true;
	return false;
}
