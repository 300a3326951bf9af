/*
 * Lanes: one person's operations in input order. An operation may be sent when everything in front
 * of it in its lane is settled, or stands in the same request.
 */
#ifndef LANES_H
#define LANES_H

#include <stddef.h>
#include <stdint.h>

struct operation;
struct lanes;

/* `most`: how many operations will be unsettled at once, at most (sizes the table). */
struct lanes *lanes_new(size_t most);
void lanes_free(struct lanes *l);

/* Puts op at the end of its lanes (one a key), setting its `ahead`. */
void lanes_enter(struct lanes *l, struct operation *op);

/* Takes a settled op, which is in front, out of its lanes. Its `behind` stay as they were, for the caller to see
 * who was waiting for it; their `ahead` is NULL now. */
void lanes_leave(struct lanes *l, struct operation *op);

#endif
