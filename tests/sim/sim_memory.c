/* Pieces by size class, from one long piece. */
#include "sim_memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include "base/buf.h"

#define RESERVED ((size_t)1 << 30) /* bytes of addresses; what is not touched costs nothing */
#define CLASSES 27                 /* of 32 bytes, 64, ... */

struct head {        /* before each piece */
	size_t size; /* of what follows */
	unsigned class;
	unsigned used;
};

struct memory {
	char *start, *next;
	struct head *unused[CLASSES]; /* lists through the first bytes of each */
	size_t held, most;
};

struct memory *memory_new(void)
{
	struct memory *m = xcalloc(1, sizeof *m);

	m->start = mmap(NULL, RESERVED, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (m->start == MAP_FAILED)
		abort();
	memory_forget(m);
	return m;
}

void memory_free(struct memory *m)
{
	if (m)
		munmap(m->start, RESERVED);
	free(m);
}

void memory_forget(struct memory *m)
{
	m->next = m->start;
	for (int i = 0; i < CLASSES; i++)
		m->unused[i] = NULL;
	m->held = m->most = 0;
}

bool memory_has(const struct memory *m, const void *p)
{
	uintptr_t at = (uintptr_t)p, start = (uintptr_t)m->start;

	return at >= start && at < start + RESERVED;
}

static unsigned class_of(size_t size)
{
	unsigned class = 0;

	while (((size_t)32 << class) < size)
		class ++;
	return class;
}

void *memory_get(struct memory *m, size_t size)
{
	unsigned class = class_of(size);

	if (class >= CLASSES)
		abort();
	struct head *h = m->unused[class];
	if (h) {
		m->unused[class] = *(struct head **)(h + 1);
	} else {
		h = (struct head *)m->next;
		m->next += sizeof *h + ((size_t)32 << class);
		if (m->next > m->start + RESERVED)
			abort();
		*h = (struct head){ .size = (size_t)32 << class, .class = class };
	}
	h->used = 1;
	m->held += h->size;
	if (m->held > m->most)
		m->most = m->held;
	return h + 1;
}

void memory_give(struct memory *m, void *p)
{
	struct head *h = (struct head *)p - 1;

	if (!h->used)
		abort(); /* given back twice */
	h->used = 0;
	m->held -= h->size;
	*(struct head **)p = m->unused[h->class];
	m->unused[h->class] = h;
}

size_t memory_size(const void *p)
{
	return ((const struct head *)p - 1)->size;
}

size_t memory_held(const struct memory *m)
{
	return m->held;
}

size_t memory_most(const struct memory *m)
{
	return m->most;
}
