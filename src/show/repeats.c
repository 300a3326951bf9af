/*
 * Adaptive sampling (Wegman; Flajolet 1990): kept are the people whose hash ends in `depth` zero
 * bits, each for 2^depth others; when they are too many, the depth grows by one, and about half of
 * them go. Whether a person is kept never depends on when he comes, so his repeats are all counted
 * or none.
 */
#include "show/repeats.h"

#include <stdlib.h>

#include "base/buf.h"

#define SLOTS ((size_t)2 * REPEATS_EXACT) /* a power of two */

struct slot {
	uint64_t key;
	bool taken, again; /* seen; and seen once more */
};

struct repeats {
	struct slot *slots; /* open addressing, linear probing */
	size_t count;
	unsigned depth;
};

struct repeats *repeats_new(void)
{
	struct repeats *r = xcalloc(1, sizeof *r);

	r->slots = xcalloc(SLOTS, sizeof *r->slots);
	return r;
}

void repeats_free(struct repeats *r)
{
	if (!r)
		return;
	free(r->slots);
	free(r);
}

/* Keys are hashes, but those of a shard agree in what they are divided by: so they are mixed. */
static uint64_t mix(uint64_t key)
{
	key = (key ^ key >> 32) * 0x9e3779b97f4a7c15u;
	return key ^ key >> 29;
}

static bool is_kept(const struct repeats *r, uint64_t hash)
{
	return (hash >> 32 & ((UINT64_C(1) << r->depth) - 1)) == 0;
}

static struct slot *find(struct slot *slots, uint64_t key)
{
	size_t at = mix(key) & (SLOTS - 1);

	while (slots[at].taken && slots[at].key != key)
		at = (at + 1) & (SLOTS - 1);
	return &slots[at];
}

static void go_deeper(struct repeats *r)
{
	struct slot *old = r->slots;

	r->depth++;
	r->count = 0;
	r->slots = xcalloc(SLOTS, sizeof *r->slots);
	for (size_t i = 0; i < SLOTS; i++)
		if (old[i].taken && is_kept(r, mix(old[i].key))) {
			*find(r->slots, old[i].key) = old[i];
			r->count++;
		}
	free(old);
}

void repeats_see(struct repeats *r, uint64_t key)
{
	if (!is_kept(r, mix(key)))
		return;
	struct slot *slot = find(r->slots, key);
	if (slot->taken) {
		slot->again = true;
		return;
	}
	*slot = (struct slot){ .key = key, .taken = true };
	if (++r->count > REPEATS_EXACT)
		go_deeper(r);
}

uint64_t repeats_people(const struct repeats *r, bool *exact)
{
	uint64_t people = 0;

	for (size_t i = 0; i < SLOTS; i++)
		people += r->slots[i].again;
	*exact = r->depth == 0;
	return people << r->depth;
}
