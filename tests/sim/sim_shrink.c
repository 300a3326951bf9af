/* One gene after another is brought nearer to nothing, as long as the same fault remains. */
#include "sim_shrink.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "sim_live.h"

enum { LIVES = 3000 };

struct shrinking {
	struct life best;
	char why[VERDICT_TEXT];
	unsigned lives;
};

/* Whether two verdicts say the same of other records, runs and times. */
static bool same_fault(const char *a, const char *b)
{
	while (*a && *b) {
		while (isdigit((unsigned char)*a) || *a == '.')
			a++;
		while (isdigit((unsigned char)*b) || *b == '.')
			b++;
		if (*a != *b)
			return false;
		a += *a != '\0';
		b += *b != '\0';
	}
	return *a == *b;
}

/* Whether it still fails with that; then it is kept. */
static bool try(struct shrinking *s, unsigned gene, int64_t value)
{
	struct life l = s->best;
	char why[VERDICT_TEXT];

	if (*life_gene(&l, gene) == value || s->lives >= LIVES)
		return false;
	*life_gene(&l, gene) = value;
	s->lives++;
	if (live_apart(&l, why) == 0 || !same_fault(s->why, why))
		return false;
	s->best = l;
	memcpy(s->why, why, VERDICT_TEXT);
	return true;
}

/* Nearer to the value with which it does nothing: half the way, a quarter, ..., one. */
static bool bring_nearer(struct shrinking *s, unsigned gene)
{
	int64_t off = life_gene_off(gene);
	bool any = false;

	for (int64_t step = (*life_gene(&s->best, gene) - off) / 2; step != 0; step /= 2)
		while (llabs(*life_gene(&s->best, gene) - off) > llabs(step) &&
		    try(s, gene, *life_gene(&s->best, gene) - step))
			any = true;
	return any;
}

unsigned shrink(struct life *l, char why[VERDICT_TEXT])
{
	struct shrinking s = { .best = *l };
	bool any = true;

	memcpy(s.why, why, VERDICT_TEXT);
	while (any && s.lives < LIVES) {
		any = false;
		for (unsigned gene = 0; gene < life_genes(); gene++)
			any |= try(&s, gene, life_gene_off(gene));
		for (unsigned gene = 0; gene < life_genes(); gene++)
			any |= bring_nearer(&s, gene);
	}
	*l = s.best;
	memcpy(why, s.why, VERDICT_TEXT);
	return s.lives;
}
