/* The names of the outcomes. */
#include "store/outcome.h"

const char *outcome_name(enum outcome o)
{
	static const char *const names[OUTCOME_COUNT] = {
		[OUTCOME_ACCEPTED] = "accepted",
		[OUTCOME_SKIPPED] = "skipped",
		[OUTCOME_REJECTED] = "rejected",
		[OUTCOME_REFUSED] = "refused",
		[OUTCOME_FAILED] = "failed",
	};
	return names[o];
}
