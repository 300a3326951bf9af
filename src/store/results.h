/* --results: one JSON object for each record, written when it is settled. */
#ifndef RESULTS_H
#define RESULTS_H

#include <stddef.h>
#include <stdint.h>
#include "store/outcome.h"

struct buf;

struct result {
	/* record 0: it is none of the input, and both are left out */
	uint64_t record, line;
	const char *file; /* NULL where there is only one FILE */
	const char *id;
	size_t id_len; /* whom it is about; length 0: left out */
	/* NULL where it is not known (a line that is no record): left out */
	const char *action;
	enum outcome outcome;
	int status; /* 0: none, left out */
	unsigned attempts;
	const char *error; /* NULL for accepted and skipped */
	/* what the server calls it: "delivery_id" and its value; or NULL */
	const char *name, *value;
};

/* Appends one line to out. Text that is not UTF-8 has U+FFFD in place of each byte that is not. */
void results_line(struct buf *out, const struct result *r);

#endif
