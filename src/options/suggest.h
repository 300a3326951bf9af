/* The nearest of some known words to a misspelt one. */
#ifndef SUGGEST_H
#define SUGGEST_H

#include <stddef.h>

struct suggestion {
	const char *word; /* what was written ... */
	size_t len;
	const char *nearest; /* ... and what was probably meant; NULL: nothing yet */
	size_t distance;
};

void suggest_begin(struct suggestion *s, const char *word, size_t n);
void suggest_try(struct suggestion *s, const char *candidate);

/* The nearest candidate, the first of several, or NULL where none is near enough: up to a third of
 * its letters may be wrong, left out, too many, or two of them swapped; or the word is how it
 * begins. '-' and '_', upper and lower case are alike. */
const char *suggest_end(const struct suggestion *s);

#endif
