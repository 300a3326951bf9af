/* How a record ended. */
#ifndef OUTCOME_H
#define OUTCOME_H

#include <stddef.h>

enum outcome {
	OUTCOME_ACCEPTED,
	OUTCOME_SKIPPED,
	OUTCOME_REJECTED,
	OUTCOME_REFUSED,
	OUTCOME_FAILED,
	OUTCOME_DIFFERS, /* what is there is not what the record has */
	OUTCOME_UNKNOWN, /* a message left, and no answer said what became of it */
	OUTCOME_COUNT
};

const char *outcome_name(enum outcome o); /* "accepted", ... */
/* 0 or -1 where n bytes of text are no such name */
int outcome_parse(const char *name, size_t n, enum outcome *out);

#endif
