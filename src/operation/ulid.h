/* ULIDs: 26 characters of Crockford's base 32, 48 bits of time and 80 of randomness. */
#ifndef ULID_H
#define ULID_H

#include <stdint.h>

#define ULID_LENGTH 26

/* `ms` since 1970; its lowest 48 bits count. */
void ulid_make(char out[ULID_LENGTH + 1], uint64_t ms, const uint8_t random[10]);

/* The time part of one that ulid_make made; 0 of what is none. */
uint64_t ulid_time(const char *ulid);

#endif
