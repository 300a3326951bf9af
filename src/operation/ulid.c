/* Five bits a character, the time first, so that a later one sorts behind. */
#include "operation/ulid.h"

#include <string.h>

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

void ulid_make(char out[ULID_LENGTH + 1], uint64_t ms, const uint8_t random[10])
{
	ms &= (UINT64_C(1) << 48) - 1;
	/* 50 bits for 48: the first character is at most 7 */
	for (int i = 9; i >= 0; i--, ms >>= 5)
		out[i] = alphabet[ms & 31];
	for (int half = 0; half < 2; half++) { /* 5 bytes are 8 characters */
		uint64_t bits = 0;
		for (int i = 0; i < 5; i++)
			bits = bits << 8 | random[half * 5 + i];
		for (int i = 7; i >= 0; i--, bits >>= 5)
			out[10 + half * 8 + i] = alphabet[bits & 31];
	}
	out[ULID_LENGTH] = '\0';
}

uint64_t ulid_time(const char *ulid)
{
	uint64_t ms = 0;

	for (int i = 0; i < 10; i++) {
		const char *digit = ulid[i] ? strchr(alphabet, ulid[i]) : NULL;
		if (!digit)
			return 0;
		ms = ms << 5 | (uint64_t)(digit - alphabet);
	}
	return ms;
}
