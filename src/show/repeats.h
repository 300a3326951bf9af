/*
 * How many people stand in an input more than once, in bounded memory: exact while there are no
 * more than REPEATS_EXACT of them, and counted from a sample of the people from then on. Pure.
 */
#ifndef REPEATS_H
#define REPEATS_H

#include <stdbool.h>
#include <stdint.h>

#define REPEATS_EXACT 65536u

struct repeats;

struct repeats *repeats_new(void);
void repeats_free(struct repeats *r); /* NULL is fine */

/* A record is about the person of that key (operation.keys), which is a hash. */
void repeats_see(struct repeats *r, uint64_t key);

/* A record about the person of that key comes soon: what is known of him is fetched from memory. */
void repeats_expect(const struct repeats *r, uint64_t key);

/* How many people were seen more than once; *exact: the number is not an estimate. */
uint64_t repeats_people(const struct repeats *r, bool *exact);

#endif
