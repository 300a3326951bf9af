/* Which lines of a head matter, and what a Retry-After says. */
#include "send/head.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/num.h"

#define SECOND 1000000

void head_init(struct head *h)
{
	h->bytes = 0;
	h->whole = false;
	h->type[0] = h->wait[0] = h->date[0] = '\0';
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Keeps the value of a line where its name is this one. The first line of a name counts. */
static void keep(const char *line, size_t n, const char *name, char value[HEAD_VALUE])
{
	size_t len = strlen(name);

	if (value[0] || n <= len || line[len] != ':' || strncasecmp(line, name, len) != 0)
		return;
	for (line += len + 1, n -= len + 1; n > 0 && is_blank(line[0]); n--)
		line++;
	for (; n > 0 && is_blank(line[n - 1]); n--)
		;
	if (n > HEAD_VALUE - 1)
		n = HEAD_VALUE - 1;
	memcpy(value, line, n);
	value[n] = '\0';
}

int head_line(struct head *h, const char *line, size_t n)
{
	if (n >= 5 && memcmp(line, "HTTP/", 5) == 0) {
		size_t before = h->bytes;
		head_init(h);
		h->bytes = before;
	}
	h->bytes += n;
	if (h->bytes > HEAD_MAX)
		return -1;
	switch (n > 0 ? line[0] : '\0') {
	case '\r':
	case '\n':
		h->whole = true;
		break;
	case 'C':
	case 'c':
		keep(line, n, "Content-Type", h->type);
		break;
	case 'R':
	case 'r':
		keep(line, n, "Retry-After", h->wait);
		break;
	case 'D':
	case 'd':
		keep(line, n, "Date", h->date);
		break;
	}
	return 0;
}

static unsigned month_of(const char *name)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	for (unsigned i = 0; i < 12; i++)
		if (strncasecmp(name, names + (size_t)3 * i, 3) == 0)
			return i + 1;
	return 0;
}

/* A year of two digits is of this century or the last. */
static unsigned whole_year(unsigned year)
{
	return year >= 100 ? year : year + (year < 70 ? 2000 : 1900);
}

int head_date(const char *text, int64_t *unix_seconds)
{
	char month[4] = "", clock[9] = "", iso[64];
	unsigned year = 0, day = 0;

	/* Sun, 06 Nov 1994 08:49:37 GMT; Sunday, 06-Nov-94 08:49:37 GMT; Sun Nov  6 08:49:37 1994;
	 * numbers of so few digits are never too large */
	/* NOLINTNEXTLINE(cert-err34-c) */
	int got = sscanf(text, "%*[A-Za-z], %2u%*1[ -]%3[A-Za-z]%*1[ -]%4u %8[0-9:]", &day, month,
	    &year, clock);
	if (got != 4)
		/* NOLINTNEXTLINE(cert-err34-c) */
		got = sscanf(text, "%*[A-Za-z] %3[A-Za-z] %2u %8[0-9:] %4u", month, &day, clock,
		    &year);
	if (got != 4)
		return -1;
	int n = snprintf(iso, sizeof iso, "%04u-%02u-%02uT%sZ", whole_year(year), month_of(month),
	    day, clock);
	return num_moment(iso, (size_t)n, unix_seconds);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "120", "2.9": seconds, rounded up. -1: that is no number. */
static int64_t count_seconds(const char *s)
{
	int64_t seconds = 0;

	if (!is_digit(*s))
		return -1;
	for (; is_digit(*s); s++)
		seconds = seconds < HEAD_FOREVER / SECOND / 10 ? seconds * 10 + (*s - '0') :
		                                                 HEAD_FOREVER / SECOND;
	if (*s == '.') {
		seconds += s[1 + strspn(s + 1, "0")] != '\0';
		s += 1 + strspn(s + 1, "0123456789");
	}
	return *s ? -1 : seconds;
}

int64_t head_wait(const struct head *h, int64_t wall_us)
{
	int64_t until, now, seconds;

	if (!h->wait[0]) /* most answers */
		return -1;
	seconds = count_seconds(h->wait);
	if (seconds >= HEAD_FOREVER / SECOND)
		return HEAD_FOREVER;
	if (seconds >= 0)
		return seconds * SECOND;
	if (head_date(h->wait, &until) != 0)
		return -1;
	if (head_date(h->date, &now) != 0)
		return until * SECOND > wall_us ? until * SECOND - wall_us : 0;
	return until > now ? (until - now) * SECOND : 0;
}
