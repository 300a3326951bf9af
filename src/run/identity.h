/* What a run is about, as text: for the checkpoint, which compares it, and for event ids, which are
 * derived from it. */
#ifndef IDENTITY_H
#define IDENTITY_H

#include <stdint.h>
#include "base/buf.h"

struct input;
struct options;

/* Each a string. None of it is secret: of the site id there is a digest. */
struct identity {
	struct buf input, action, destination, mapping;
};

void identity_make(struct identity *id, const struct options *o, const struct input *in);
void identity_free(struct identity *id);

#endif
