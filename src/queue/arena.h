/*
 * Memory for many small things that end in about the order in which they began: chunks that are
 * filled from one end, and used again when the last thing in them has been given back. So what is
 * made one after another lies one after another.
 */
#ifndef ARENA_H
#define ARENA_H

#include <stddef.h>

struct arena;

struct arena *arena_new(void);
/* all that was taken must have been given back; NULL is fine */
void arena_free(struct arena *a);

/* n bytes, aligned for any struct of pointers and integers. Never NULL (see xmalloc). */
void *arena_take(struct arena *a, size_t n);

/* Of p, the last that was taken, only the first n bytes are wanted. */
void arena_trim(struct arena *a, void *p, size_t n);

void arena_give(struct arena *a, void *p);

/* Bytes of all chunks in which something lives: one small thing may keep a chunk of a few KiB. */
size_t arena_held(const struct arena *a);

#endif
