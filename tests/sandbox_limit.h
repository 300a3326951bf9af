/*
 * A server's rate limit, of the kinds that there are: it is asked about each request with the
 * time, and says whether that one is admitted. Pure: no clock, no socket.
 */
#ifndef SANDBOX_LIMIT_H
#define SANDBOX_LIMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum sandbox_limit_kind {
	SANDBOX_LIMIT_SLIDING, /* at most `count` in any window */
	SANDBOX_LIMIT_FIXED, /* at most `count` in each window, which follow one another from time 0
	                      */
	SANDBOX_LIMIT_BUCKET, /* a token bucket of size `burst`, filled at `count` a window, full at
	                       * first
	                       */
};

/* For a while another count stands: somebody else takes a share, or the limit was raised. */
struct sandbox_limit_change {
	int64_t from_us, to_us; /* equal: never */
	unsigned count;
};

struct sandbox_limit_config {
	enum sandbox_limit_kind kind;
	unsigned count;     /* requests a window; 0: no limit */
	int64_t window_us;  /* 0: a second */
	unsigned burst;     /* 0: count */
	bool refused_count; /* requests that are refused take room too */
	struct sandbox_limit_change change;
};

struct sandbox_limit {
	struct sandbox_limit_config is;
	/* sliding: times of what is in the window, oldest first, as a ring */
	int64_t *times;
	size_t cap, head, held;
	int64_t window; /* fixed: which one it is */
	unsigned used;  /* fixed: how many are in it */
	int64_t level;  /* bucket: tokens, times the window's microseconds */
	int64_t filled_us;
};

void sandbox_limit_init(struct sandbox_limit *l, const struct sandbox_limit_config *config);
void sandbox_limit_free(struct sandbox_limit *l); /* a zeroed one is fine */

/* Whether a request that arrives now (microseconds from the server's start, never less than
 * before) is admitted. */
bool sandbox_limit_admits(struct sandbox_limit *l, int64_t now_us);

#endif
