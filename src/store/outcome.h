/* How a record ended. */
#ifndef OUTCOME_H
#define OUTCOME_H

enum outcome {
	OUTCOME_ACCEPTED,
	OUTCOME_SKIPPED,
	OUTCOME_REJECTED,
	OUTCOME_REFUSED,
	OUTCOME_FAILED,
	OUTCOME_COUNT
};

const char *outcome_name(enum outcome o); /* "accepted", ... */

#endif
