/*
 * The producer: records out of the input, mapped, and made into operations, in the input's order.
 * What is read is checked here as far as it can be without knowing what became of the records
 * before it.
 *
 * Where all FILEs are regular and there is a second processor it may work ahead, on a thread of its
 * own: reading and making take about as long as all the rest. Then the input and the mapping are
 * the thread's until producer_free; what it makes is handed over in blocks, of which there are a
 * few, so it is never far ahead.
 */
#ifndef PRODUCER_H
#define PRODUCER_H

#include <stdbool.h>
#include "operation/operation.h"

struct input;
struct mapping;
struct options;
struct producer;
struct survey;

enum made_kind {
	/* of a dry run: without the record's own bytes, but for those that have no key */
	MADE_OPERATION,
	/* a record that cannot be sent: op has its origin, and whom it is about where that is
	 * known */
	MADE_INVALID,
	MADE_BAD,    /* something that is no record: op has its origin */
	MADE_PASSED, /* a record that --skip passes over: op has its number */
	/* there is nothing now: wait for input_fd() to be readable. Never of one who works ahead */
	MADE_AGAIN,
	MADE_END,    /* every FILE was read to its end */
	MADE_FAILED, /* reading failed, or a FILE's header will not do */
};

struct made {
	enum made_kind kind;
	int status;      /* MADE_FAILED: the exit status */
	const char *why; /* MADE_INVALID, MADE_BAD, MADE_FAILED: in words */
	struct operation op;
};

/* All that is pointed to must outlive the producer, and *config must stay as it is. `ahead`: work
 * ahead where that is possible. survey: is shown what each record becomes, also on the thread; or
 * NULL. */
struct producer *producer_new(const struct options *o, struct input *input, struct mapping *mapping,
    const struct operation_config *config, bool ahead, struct survey *survey);
/* NULL is fine; waits for the thread to finish what it is at */
void producer_free(struct producer *m);

/* The next one: good, with all that it points to, until the next call. MADE_END and MADE_FAILED
 * come again and again. */
const struct made *producer_next(struct producer *m);

/* An operation that will come soon, for what can be fetched from memory meanwhile; NULL where none
 * is known. */
const struct operation *producer_soon(const struct producer *m);

/* Whether it works ahead. */
bool producer_is_ahead(const struct producer *m);

#endif
