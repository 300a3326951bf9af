/*
 * Lanes: one person's operations in input order. An operation may be sent when everything in front
 * of it in its lane is settled, or stands in the same request.
 */
#ifndef LANES_H
#define LANES_H

#include <stdint.h>

struct operation;
struct lanes;

struct lanes *lanes_new(void);
void lanes_free(struct lanes *l);

/* A hint that an operation of that key will enter or leave soon: its place is fetched from memory
 * meanwhile. */
void lanes_expect(const struct lanes *l, uint64_t key);

/* Puts op at the end of its lanes (one a key), setting its `ahead` and `behind`. */
void lanes_enter(struct lanes *l, struct operation *op);

/* Takes op out of its lanes, wherever in them it stands: those next to it are neighbours then. Its
 * own `behind` stay as they were, for the caller to see who was waiting for it. */
void lanes_leave(struct lanes *l, struct operation *op);

/* Who stands directly in front of op in the lane of that key, which is one of op's; or NULL. */
struct operation *lanes_ahead(const struct operation *op, uint64_t key);

#endif
