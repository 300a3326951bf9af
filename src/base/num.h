/*
 * Whole-string numbers within a range, or refused: "-5" for a count and "10x"
 * are typing errors, not values. All return 0, or -1 with *out untouched. None looks at
 * the locale: a decimal point is a point everywhere.
 */
#ifndef NUM_H
#define NUM_H

#include <stddef.h>
#include <stdint.h>

/* A decimal integer, digits alone, min to max. */
int num_count(const char *s, uint64_t min, uint64_t max, uint64_t *out);

/* A decimal fraction such as 0.25, min to max; no exponent, no sign, at most 15 digits. */
int num_fraction(const char *s, double min, double max, double *out);

/* A time: a number, whole or with a fraction of up to nine decimals, and ms, s, m or h; a bare
 * number is seconds. Microseconds come out (what is finer is cut off, but never to nothing:
 * "0.0001ms" is refused, "0" is 0); at most 10,000 hours. */
int num_time(const char *s, int64_t *us);

/* A share: "N" gives *count = N and *percent = 0; "N%" (0 < N <= 100, fractions allowed)
 * gives *percent = N and *count = 0. */
int num_share(const char *s, uint64_t *count, double *percent);

/* A rate: "50", "50/s", "600/m", "0.5/s", "36000/h", or "unlimited". Comes out as `num` events
 * every `den` microseconds, in lowest terms; unlimited is num = den = 0. Up to 1,000,000/s,
 * at least 1/h; up to six decimals. */
struct num_rate {
	int64_t num, den;
};
int num_rate(const char *s, struct num_rate *out);

/*
 * A moment: Unix seconds (an integer, perhaps negative), Unix milliseconds (an integer of 13
 * digits, cut to seconds), or ISO 8601 / RFC 3339 as 2024-02-29, 2024-02-29T12:00:00Z, 2024-02-29
 * 12:00:00+02:00, with optional seconds and fraction (cut off); without a zone it is UTC. A zone is
 * Z, +HH:MM, +HHMM or +HH, or, as databases write it, one of these behind a blank or " UTC". Years
 * 0001 to 9999, for Unix seconds too. 24:00 is refused, and so is a leap second (:60), which Unix
 * time cannot say.
 */
int num_moment(const char *s, size_t n, int64_t *unix_seconds);

#endif
