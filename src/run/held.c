/* Lists of copies, found by the person's key. */
#include "run/held.h"

#include <stdlib.h>
#include "base/buf.h"
#include "operation/operation.h"

#define LISTS 1024u

struct copy {
	struct copy *next;
	size_t bytes;
	struct operation op; /* what it points to is behind it */
};

struct held {
	struct copy *lists[LISTS];
	struct copy *taken; /* what was given out last */
	size_t count, bytes;
	size_t first; /* no list before this one holds any */
};

struct held *held_new(void)
{
	return xcalloc(1, sizeof(struct held));
}

void held_free(struct held *h)
{
	if (!h)
		return;
	while (held_take_any(h))
		;
	free(h->taken);
	free(h);
}

int held_put(struct held *h, const struct operation *op)
{
	size_t head = operation_head_size(op),
	       bytes = sizeof(struct copy) + head + operation_rest_size(op) + 1,
	       list = op->keys[0] % LISTS;

	if (bytes > HELD_MOST - h->bytes)
		return -1;
	struct copy *c = xmalloc(bytes);
	c->next = h->lists[list];
	c->bytes = bytes;
	c->op = *op;
	operation_move_head(&c->op, (char *)(c + 1));
	operation_move_rest(&c->op, (char *)(c + 1) + head);
	h->lists[list] = c;
	h->count++;
	h->bytes += bytes;
	h->first = list < h->first ? list : h->first;
	return 0;
}

/* Takes the copy that *at points to. */
static const struct operation *take(struct held *h, struct copy **at)
{
	free(h->taken);
	h->taken = *at;
	*at = h->taken->next;
	h->count--;
	h->bytes -= h->taken->bytes;
	return &h->taken->op;
}

const struct operation *held_take(struct held *h, uint64_t key)
{
	for (struct copy **at = &h->lists[key % LISTS]; *at; at = &(*at)->next)
		if ((*at)->op.keys[0] == key)
			return take(h, at);
	return NULL;
}

const struct operation *held_take_any(struct held *h)
{
	for (; h->first < LISTS; h->first++)
		if (h->lists[h->first])
			return take(h, &h->lists[h->first]);
	return NULL;
}

size_t held_count(const struct held *h)
{
	return h->count;
}

void held_numbers(const struct held *h, uint64_t *out)
{
	for (size_t i = 0; i < LISTS; i++)
		for (const struct copy *c = h->lists[i]; c; c = c->next)
			*out++ = c->op.from.number;
}
