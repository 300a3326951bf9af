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

	/* who is in a segment counts, and nothing else of him */
	for (size_t i = 0; i < m->count && !action_is_segment(b->op->action); i++) {
		const struct field *f = m->fields[i];
		if (f != m->id)
			sum += XXH3_64bits_withSeed(f->value, f->value_len,
			    XXH3_64bits(f->key, f->key_len) + f->kind);
	}
	return sum;
}

static void add_number(XXH3_state_t *state, uint64_t n)
{
	unsigned char bytes[8];

	for (int i = 0; i < 8; i++)
		bytes[i] = (unsigned char)(n >> (8 * i));
	XXH3_128bits_update(state, bytes, sizeof bytes);
}

/* Each with its length, so that nothing moves from one to the next. */
static void add_text(XXH3_state_t *state, const char *text, size_t n)
{
	add_number(state, n);
	if (n)
		XXH3_128bits_update(state, text, n);
}

/*
 * Of what makes it this event, and of nothing that another run of the same file could have
 * otherwise: not the file's name or time, nor how it is read and sent. Its content is the row with
 * what makes an event of it: one row may well become two events, by another name, time or person.
 */
void hash_event_id(const struct build *b, const struct event *e, uint8_t random[10])
{
	const struct operation_config *c = b->config;
	const struct origin *from = &b->op->from;
	const struct field *who = b->m->id;
	const char *destination = c->destination ? c->destination : "",
	           *run = c->run && !e->has_time ? c->run : "";
	XXH3_state_t state;
	XXH128_canonical_t bytes;

	XXH3_128bits_reset(&state);
	add_text(&state, destination, strlen(destination));
	add_text(&state, run, strlen(run));
	add_number(&state, from->in_file);
	add_number(&state, b->op->action);
	add_text(&state, e->name.s, e->name.n);
	add_number(&state, e->has_time ? (uint64_t)e->time : 0);
	add_number(&state, who ? b->m->id_type : 0);
	add_text(&state, who ? who->value : NULL, who ? who->value_len : 0);
	add_text(&state, from->raw, from->raw_len);
	XXH128_canonicalFromHash(&bytes, XXH3_128bits_digest(&state));
	memcpy(random, bytes.digest, 10);
}
