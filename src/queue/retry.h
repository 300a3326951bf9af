/* When to try again, and the heap of those who wait. */
#ifndef RETRY_H
#define RETRY_H

#include <stddef.h>
#include <stdint.h>

struct retry_config {
	unsigned retries; /* attempts after the first */
	int64_t backoff_us, backoff_max_us;
	double jitter; /* 0 to 1: each wait is stretched by up to this fraction */
};

/*
 * How long to wait after failed attempt n (from 0): min(backoff * 2^n, backoff_max), or retry_after
 * where that is longer (-1: none), stretched by up to `jitter` of itself; random is any 64 bits.
 * Never shorter than Retry-After.
 */
int64_t retry_delay(const struct retry_config *c, unsigned n, int64_t retry_after_us,
    uint64_t random);

/* A heap of due times. The nodes belong to the caller and carry their place. */
struct retry_node {
	int64_t due;
	size_t place;
};
struct retry_heap {
	struct retry_node **nodes;
	size_t count, cap;
};

void retry_push(struct retry_heap *h, struct retry_node *n); /* n->due must be set */
struct retry_node *retry_top(const struct retry_heap *h);    /* the earliest, or NULL */
/* the earliest, taken out, or NULL */
struct retry_node *retry_pop(struct retry_heap *h);
/* takes out n, which must be in h */
void retry_remove(struct retry_heap *h, struct retry_node *n);
void retry_free(struct retry_heap *h); /* the heap; not the nodes */

#endif
