/* What a run is about, as text: for the checkpoint, which compares it, and for event ids, which are
 * derived from it. Which FILEs it reads is the input's to say (input_list). */
#ifndef IDENTITY_H
#define IDENTITY_H

#include <stdint.h>
#include "base/buf.h"
#include "operation/ulid.h"

struct options;

/* Each a string. None of it is secret: of the site id there is a digest. */
struct identity {
	struct buf action, destination, mapping;
	/* for event ids: which workspace, however it is reached */
	char workspace[24];
};

void identity_make(struct identity *id, const struct options *o);
/* What one run has and no other: a ULID of the time, Unix milliseconds, and randomness. */
void identity_of_run(char out[ULID_LENGTH + 1], int64_t wall_ms, const uint8_t random[10]);

void identity_free(struct identity *id);

#endif
