/* A growing list of what the network saw. */
#include "sim_seen.h"

#include <stdlib.h>
#include "base/buf.h"

static struct {
	struct attempt *attempts;
	struct seen *seen;
	size_t attempt_count, attempt_cap, count, cap;
} s;

void seen_begin(void)
{
	s.attempt_count = s.count = 0;
}

void seen_end(void)
{
	s.attempt_count = s.count = 0;
}

size_t seen_attempt(const struct attempt *a)
{
	if (s.attempt_count == s.attempt_cap) {
		s.attempt_cap = s.attempt_cap ? s.attempt_cap * 2 : 256;
		s.attempts = xrealloc(s.attempts, s.attempt_cap * sizeof *s.attempts);
	}
	s.attempts[s.attempt_count] = *a;
	s.attempts[s.attempt_count].first = s.count;
	return s.attempt_count++;
}

void seen_operation(size_t attempt, const struct seen *seen)
{
	if (s.count == s.cap) {
		s.cap = s.cap ? s.cap * 2 : 256;
		s.seen = xrealloc(s.seen, s.cap * sizeof *s.seen);
	}
	s.seen[s.count] = *seen;
	s.seen[s.count++].attempt = attempt;
	s.attempts[attempt].count++;
}

size_t seen_attempts(void)
{
	return s.attempt_count;
}

struct attempt *seen_attempt_at(size_t i)
{
	return &s.attempts[i];
}

size_t seen_count(void)
{
	return s.count;
}

struct seen *seen_at(size_t i)
{
	return &s.seen[i];
}
