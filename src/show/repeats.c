/*
 * Adaptive sampling (Wegman; Flajolet 1990): kept are the people whose hash begins with `depth`
 * zero bits, each for 2^depth others; when they are too many, the depth grows by one, and about
 * half of them go. Whether a person is kept never depends on when he comes, so his repeats are all
 * counted or none.
 */
#include "show/repeats.h"

#include <stdlib.h>

#include "base/buf.h"

#define SLOTS ((size_t)2 * REPEATS_EXACT) /* a power of two */

/* A slot is a person's hash with two bits of its own in it; 0 is a free one. */
#define TAKEN UINT64_C(1)
#define AGAIN UINT64_C(2) /* seen more than once */
#define OWN (TAKEN | AGAIN)

struct repeats {
	uint64_t *slots; /* open addressing, linear probing */
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
	return r->depth == 0 || hash >> (64 - r->depth) == 0;
}

static size_t place(uint64_t hash)
{
	return hash >> 2 & (SLOTS - 1);
}

static uint64_t *find(uint64_t *slots, uint64_t hash)
{
	size_t at = place(hash);

	while (slots[at] && ((slots[at] ^ hash) & ~OWN))
		at = (at + 1) & (SLOTS - 1);
	return &slots[at];
}

static void go_deeper(struct repeats *r)
{
	uint64_t *old = r->slots;

	r->depth++;
	r->count = 0;
	r->slots = xcalloc(SLOTS, sizeof *r->slots);
	for (size_t i = 0; i < SLOTS; i++)
		if (old[i] && is_kept(r, old[i])) {
			*find(r->slots, old[i]) = old[i];
			r->count++;
		}
	free(old);
}

void repeats_expect(const struct repeats *r, uint64_t key)
{
	__builtin_prefetch(&r->slots[place(mix(key))], 1);
}

void repeats_see(struct repeats *r, uint64_t key)
{
	uint64_t hash = mix(key);

	if (!is_kept(r, hash))
		return;
	uint64_t *slot = find(r->slots, hash);
	if (*slot) {
		*slot |= AGAIN;
		return;
	}
	*slot = (hash & ~OWN) | TAKEN;
	if (++r->count > REPEATS_EXACT)
		go_deeper(r);
}

uint64_t repeats_people(const struct repeats *r, bool *exact)
{
	uint64_t people = 0;

	for (size_t i = 0; i < SLOTS; i++)
		people += (r->slots[i] & AGAIN) != 0;
	*exact = r->depth == 0;
	return people << r->depth;
}
