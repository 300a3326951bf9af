/* How far apart two words are: letters put in, left out, changed, or swapped. */
#include "options/suggest.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define WORD_MAX 40u /* longer than any option; what is longer resembles none */

static char plain(char c)
{
	return c == '_' ? '-' : (char)tolower((unsigned char)c);
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Damerau and Levenshtein's distance, where two neighbours that were swapped count as one mistake.
 * Both lengths are at most WORD_MAX. */
static size_t distance(const char *a, size_t n, const char *b, size_t m)
{
	size_t rows[3][WORD_MAX + 1]; /* of the letter before the last, the last, and this one */

	for (size_t k = 0; k <= m; k++)
		rows[0][k] = k;
	for (size_t i = 1; i <= n; i++) {
		size_t *now = rows[i % 3], *last = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
		now[0] = i;
		for (size_t k = 1; k <= m; k++) {
			bool same = plain(a[i - 1]) == plain(b[k - 1]);
			now[k] = least(least(last[k], now[k - 1]) + 1, last[k - 1] + !same);
			if (i > 1 && k > 1 && plain(a[i - 1]) == plain(b[k - 2]) &&
			    plain(a[i - 2]) == plain(b[k - 1]))
				now[k] = least(now[k], before[k - 2] + 1);
		}
	}
	return rows[n % 3][m];
}

static bool begins(const char *word, size_t n, const char *prefix, size_t m)
{
	if (m > n)
		return false;
	for (size_t i = 0; i < m; i++)
		if (plain(word[i]) != plain(prefix[i]))
			return false;
	return true;
}

void suggest_begin(struct suggestion *s, const char *word, size_t n)
{
	*s = (struct suggestion){ word, n, NULL, SIZE_MAX };
}

void suggest_try(struct suggestion *s, const char *candidate)
{
	size_t m = strlen(candidate);

	if (s->len == 0 || s->len > WORD_MAX || m > WORD_MAX)
		return;
	size_t d = distance(s->word, s->len, candidate, m);
	bool slip = d <= (m < 3 ? 0 : m < 6 ? 1 : m / 3);
	bool abbreviation = s->len >= 2 && begins(candidate, m, s->word, s->len);
	if ((slip || abbreviation) && d < s->distance) {
		s->nearest = candidate;
		s->distance = d;
	}
}

const char *suggest_end(const struct suggestion *s)
{
	return s->nearest;
}
