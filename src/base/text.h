/* Text that may be anything, written where it must be well formed. */
#ifndef TEXT_H
#define TEXT_H

#include <stddef.h>

struct buf;

/* Adds text as a JSON string with its quotes; each byte that is not part of a UTF-8 character
 * becomes U+FFFD. */
void text_json(struct buf *out, const char *text, size_t n);

#endif
