/* What a record's fields must have behind them. */
#include "input/record.h"

#include <string.h>
#include "base/buf.h"

char *field_text(const char *s, size_t n)
{
	char *copy = xcalloc(n + FIELD_SLACK, 1);

	if (n)
		memcpy(copy, s, n);
	return copy;
}
