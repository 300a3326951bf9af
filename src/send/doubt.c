/* Counts of refusals in a row. */
#include "send/doubt.h"

bool doubt_forbidden(struct doubt *d, size_t records)
{
	bool first = d->forbidden == 0;

	d->forbidden += records;
	return first;
}

bool doubt_missing(struct doubt *d, size_t records)
{
	if (d->lost)
		d->missing += records;
	return d->lost;
}

void doubt_checked(struct doubt *d, int status)
{
	d->vouched = d->forbidden > 0;
	d->lost = status == 404 && !d->heard;
}

void doubt_accepted(struct doubt *d)
{
	*d = (struct doubt){ .heard = true };
}

void doubt_anew(struct doubt *d)
{
	d->forbidden = d->missing = 0;
	d->vouched = false;
}

int doubt_ends(const struct doubt *d)
{
	if (d->vouched && d->forbidden >= DOUBT_MOST)
		return 403;
	return d->missing >= DOUBT_MOST ? 404 : 0;
}
