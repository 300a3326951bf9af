/*
 * Records that a sync holds back: they came as they came last time, and are sent only if no other
 * row of their person follows. They are unsettled, and nothing waits for them.
 */
#ifndef HELD_H
#define HELD_H

#include <stddef.h>
#include <stdint.h>

#define HELD_MOST (1u << 20) /* bytes of them */

struct held;
struct operation;

struct held *held_new(void);
void held_free(struct held *h); /* NULL is fine */

/* Copies op. 0; or -1 where there is no room: then it is to be sent. */
int held_put(struct held *h, const struct operation *op);

/* Takes the one of this person (operation.keys[0]), or any; NULL: there is none. Good until the
 * next call. */
const struct operation *held_take(struct held *h, uint64_t key);
const struct operation *held_take_any(struct held *h);

/* How many there are; and their numbers, in no order, into `out`. */
size_t held_count(const struct held *h);
void held_numbers(const struct held *h, uint64_t *out);

#endif
