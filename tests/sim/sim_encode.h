/* What a file of a life is written in, and packed with. */
#ifndef SIM_ENCODE_H
#define SIM_ENCODE_H

#include "base/buf.h"
#include "sim_life.h"

/* UTF-8 of characters below U+0100 becomes another encoding; a byte that is none becomes what is
 * no character there, either. */
void encode(struct buf *text, enum life_encoding to);
void encode_gzip(struct buf *text);

#endif
