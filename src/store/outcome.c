/* The names of the outcomes. */
#include "store/outcome.h"

#include <string.h>

const char *outcome_name(enum outcome o)
{
	static const char *const names[OUTCOME_COUNT] = {
		[OUTCOME_ACCEPTED] = "accepted",
		[OUTCOME_SKIPPED] = "skipped",
		[OUTCOME_REJECTED] = "rejected",
		[OUTCOME_REFUSED] = "refused",
		[OUTCOME_FAILED] = "failed",
		[OUTCOME_DIFFERS] = "differs",
		[OUTCOME_UNKNOWN] = "unknown",
	};
	return names[o];
}

int outcome_parse(const char *name, size_t n, enum outcome *out)
{
	for (enum outcome o = 0; o < OUTCOME_COUNT; o++) {
		const char *known = outcome_name(o);
		if (strlen(known) == n && memcmp(known, name, n) == 0) {
			*out = o;
			return 0;
		}
	}
	return -1;
}
