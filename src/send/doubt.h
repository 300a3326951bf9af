/*
 * Refusals that may not be the record's fault. A firewall answers 403 to what it takes offence at,
 * and so may a server that takes no credentials any more; a wrong address answers 404 to
 * everything. Where nothing is accepted in between, DOUBT_MOST different records in a row tell that
 * it is not the records.
 *
 * Those so refused are kept, unsettled, until something is accepted, or nothing is left that could
 * be: then they were at fault. A 403 also has the credentials check asked again: only where that is
 * answered well is the record suspected at all.
 */
#ifndef DOUBT_H
#define DOUBT_H

#include <stdbool.h>
#include <stddef.h>

#define DOUBT_MOST 10

struct doubt {
	size_t forbidden, missing; /* records in a row that were answered 403, and 404 */
	bool vouched;              /* the check was answered well since the first of these 403s */
	bool lost;                 /* it was answered 404, and nothing was accepted yet */
	bool heard;                /* something was accepted */
};

/* A 403 to so many records. Returns whether the check has to be asked for it. */
bool doubt_forbidden(struct doubt *d, size_t records);

/* Whether a 404 may be the address's fault; if so, it was the answer to so many records. */
bool doubt_missing(struct doubt *d, size_t records);

/* The check was answered, with this status, neither 401 nor 403. */
void doubt_checked(struct doubt *d, int status);

void doubt_accepted(struct doubt *d); /* something was */
void doubt_anew(struct doubt *d);     /* those who were kept are tried once more */

/* The status, 403 or 404, that ends the run, for as many were answered so; 0: none. */
int doubt_ends(const struct doubt *d);

#endif
