/* The hashes that lanes, shards and syncs know people and things by. */
#define XXH_INLINE_ALL
#include "operation/operation_parts.h"

#include <string.h>
#include <xxhash.h>

#define PIECE 256u

static void lower(char *to, const char *from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = from[i] >= 'A' && from[i] <= 'Z' ? (char)(from[i] | 0x20) : from[i];
}

/* Of prefix and text as one, lower-cased where there is an '@'. */
static uint64_t hash_identifier(const char *prefix, size_t prefix_len, const char *text, size_t n)
{
	char piece[PIECE];
	bool email = n && memchr(text, '@', n) != NULL;

	if (!email && prefix_len == 0)
		return XXH64(text, n, 0);
	if (prefix_len + n <= PIECE) {
		memcpy(piece, prefix, prefix_len);
		lower(piece + prefix_len, text, n);
		if (!email)
			memcpy(piece + prefix_len, text, n);
		return XXH64(piece, prefix_len + n, 0);
	}
	XXH64_state_t state;
	XXH64_reset(&state, 0);
	XXH64_update(&state, prefix, prefix_len);
	for (size_t done = 0, step; done < n; done += step) {
		step = n - done < PIECE ? n - done : PIECE;
		lower(piece, text + done, step);
		XXH64_update(&state, email ? piece : text + done, step);
	}
	return XXH64_digest(&state);
}

uint64_t operation_key(const char *identifier, size_t n)
{
	return hash_identifier("", 0, identifier, n);
}

uint64_t hash_person(const struct person *p)
{
	return p->type == ID_CIO_ID ? hash_identifier("cio_", 4, p->text.s, p->text.n) :
	                              operation_key(p->text.s, p->text.n);
}

uint64_t operation_hash(const struct origin *from)
{
	return XXH3_64bits_withSeed(from->raw, from->raw_len, from->number);
}

/* A sum, so that fields in another order are no change. What is sent follows from these alone, in
 * both APIs. */
uint64_t hash_fingerprint(const struct build *b)
{
	const struct mapped *m = b->m;
	uint64_t sum = XXH3_64bits_withSeed("", 0,
	    (uint64_t)m->id_type * 2 + b->config->update_only);

	for (size_t i = 0; i < m->count; i++) {
		const struct field *f = m->fields[i];
		if (f != m->id)
			sum += XXH3_64bits_withSeed(f->value, f->value_len,
			    XXH3_64bits(f->key, f->key_len) + f->kind);
	}
	return sum;
}

void hash_event_id(const struct operation_config *c, const struct origin *from, uint8_t random[10])
{
	const char *destination = c->destination ? c->destination : "";
	const char *input = c->input_identity ? c->input_identity : "";
	unsigned char number[8];
	XXH3_state_t state;
	XXH128_canonical_t bytes;

	for (int i = 0; i < 8; i++)
		number[i] = (unsigned char)(from->number >> (8 * i));
	XXH3_128bits_reset(&state);
	XXH3_128bits_update(&state, destination, strlen(destination) + 1);
	XXH3_128bits_update(&state, input, strlen(input) + 1);
	XXH3_128bits_update(&state, number, sizeof number);
	XXH3_128bits_update(&state, from->raw, from->raw_len);
	XXH128_canonicalFromHash(&bytes, XXH3_128bits_digest(&state));
	memcpy(random, bytes.digest, 10);
}
