/*
 * The memory of a process, which is gone as a whole when it is killed: storage of one size class
 * after another from one long piece, given back by class. Fast, and the same addresses each time.
 */
#ifndef SIM_MEMORY_H
#define SIM_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

struct memory;

struct memory *memory_new(void);      /* reserves address space alone */
void memory_free(struct memory *m);   /* gives that back */
void memory_forget(struct memory *m); /* everything in it is free again */
bool memory_has(const struct memory *m, const void *p);

void *memory_get(struct memory *m, size_t size);
void memory_give(struct memory *m, void *p); /* what memory_get returned */
size_t memory_size(const void *p);           /* usable bytes behind what memory_get returned */

size_t memory_held(const struct memory *m); /* bytes in use */
size_t memory_most(const struct memory *m); /* most there were since memory_forget */

#endif
