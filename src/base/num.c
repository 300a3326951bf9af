/* Decimals, times, shares, rates and moments, read digit by digit: strtod and its like skip blanks
 * and look at the locale. */
#include "base/num.h"

#include <stdbool.h>
#include <string.h>

#define HOUR_US 3600000000ull
#define TIME_MAX_US (10000 * HOUR_US)

#define DAY 86400
#define MOMENT_MIN (-62135596800ll) /* 0001-01-01T00:00:00Z */
#define MOMENT_MAX 253402300799ll   /* 9999-12-31T23:59:59Z */
#define MILLISECONDS_DIGITS 13      /* from 2001-09-09 to 2286-11-20 */
#define MILLISECONDS_MAX 9999999999999ull

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Reads digits up to `end` or the first other character, into *out. Returns where it stopped, or
 * NULL where there was no digit or the number is over max. */
static const char *read_digits(const char *s, const char *end, uint64_t max, uint64_t *out)
{
	uint64_t n = 0;
	const char *p = s;

	for (; p < end && is_digit(*p); p++) {
		unsigned digit = (unsigned)(*p - '0');
		if (n > max / 10 || digit > max - n * 10)
			return NULL;
		n = n * 10 + digit;
	}
	if (p == s)
		return NULL;
	*out = n;
	return p;
}

int num_count(const char *s, uint64_t min, uint64_t max, uint64_t *out)
{
	const char *end = s + strlen(s);
	uint64_t n;

	if (read_digits(s, end, max, &n) != end || n < min)
		return -1;
	*out = n;
	return 0;
}

/* A decimal number as `whole` and `part` / `scale`, where scale is a power of ten. */
struct decimal {
	uint64_t whole, part, scale;
};

/* Reads digits[.digits]; at most max for the whole part and `decimals` after the point. Returns
 * where it stopped or NULL. */
static const char *read_decimal(const char *s, uint64_t max, unsigned decimals, struct decimal *out)
{
	const char *end = s + strlen(s);
	struct decimal d = { 0, 0, 1 };
	const char *p = read_digits(s, end, max, &d.whole);

	if (p && *p == '.') {
		const char *point = p;
		p = read_digits(p + 1, end, UINT64_MAX / 10, &d.part);
		if (!p || (size_t)(p - point - 1) > decimals)
			return NULL;
		for (const char *q = point + 1; q < p; q++)
			d.scale *= 10;
	}
	if (p)
		*out = d;
	return p;
}

/* Like read_decimal, with at most 15 digits in all, so that the double is the nearest one. */
static const char *read_double(const char *s, double *out)
{
	struct decimal d;
	const char *p = read_decimal(s, 1000000000, 15, &d);

	if (!p || d.scale > 1000000000000000ull / (d.whole ? d.whole : 1))
		return NULL;
	*out = (double)(d.whole * d.scale + d.part) / (double)d.scale;
	return p;
}

int num_fraction(const char *s, double min, double max, double *out)
{
	double value;
	const char *p = read_double(s, &value);

	if (!p || *p || value < min || value > max)
		return -1;
	*out = value;
	return 0;
}

/* Microseconds in a unit, 0 where there is no such unit. */
static uint64_t time_unit(const char *s)
{
	static const struct {
		const char *name;
		uint64_t us;
	} units[] = {
		{ "", 1000000 },
		{ "ms", 1000 },
		{ "s", 1000000 },
		{ "m", 60000000 },
		{ "h", HOUR_US },
	};

	for (size_t i = 0; i < sizeof units / sizeof *units; i++)
		if (strcmp(s, units[i].name) == 0)
			return units[i].us;
	return 0;
}

int num_time(const char *s, int64_t *us)
{
	struct decimal d;
	const char *p = read_decimal(s, TIME_MAX_US / 1000, 9, &d);
	uint64_t unit = p ? time_unit(p) : 0;

	if (unit == 0 || d.whole > TIME_MAX_US / unit)
		return -1;
	uint64_t total = d.whole * unit + d.part * unit / d.scale;
	if (total > TIME_MAX_US || (total == 0 && d.part != 0))
		return -1;
	*us = (int64_t)total;
	return 0;
}

int num_share(const char *s, uint64_t *count, double *percent)
{
	double share;
	const char *p = read_double(s, &share);

	if (p && strcmp(p, "%") == 0) {
		if (share <= 0 || share > 100)
			return -1;
		*percent = share;
		*count = 0;
		return 0;
	}
	if (num_count(s, 0, INT64_MAX, count) != 0)
		return -1;
	*percent = 0;
	return 0;
}

static uint64_t common_divisor(uint64_t a, uint64_t b)
{
	while (b) {
		uint64_t rest = a % b;
		a = b;
		b = rest;
	}
	return a;
}

/* Microseconds in the unit after the slash; a bare number is a second's. */
static uint64_t rate_unit(const char *s)
{
	bool known = *s == '\0' || strcmp(s, "/s") == 0 || strcmp(s, "/m") == 0 ||
	    strcmp(s, "/h") == 0;

	return known ? time_unit(*s ? s + 1 : s) : 0;
}

int num_rate(const char *s, struct num_rate *out)
{
	struct decimal d;

	if (strcmp(s, "unlimited") == 0) {
		*out = (struct num_rate){ 0, 0 };
		return 0;
	}
	const char *p = read_decimal(s, HOUR_US, 6, &d);
	if (!p)
		return -1;
	uint64_t unit = rate_unit(p);
	if (unit == 0)
		return -1;
	/* At most 3.6e9 * 1e6 + 1e6 and 3.6e9 * 1e6: both far inside 64 bits. */
	uint64_t num = d.whole * d.scale + d.part, den = unit * d.scale;
	if (num == 0 || num > den || den / num > HOUR_US)
		return -1;
	uint64_t divisor = common_divisor(num, den);
	*out = (struct num_rate){ (int64_t)(num / divisor), (int64_t)(den / divisor) };
	return 0;
}

/* Exactly two digits at *p; moves *p behind them. */
static int read_two(const char **p, const char *end, unsigned *out)
{
	if (end - *p < 2)
		return -1;
	unsigned tens = (unsigned char)(*p)[0] - (unsigned)'0',
	         ones = (unsigned char)(*p)[1] - (unsigned)'0';
	if (tens > 9 || ones > 9)
		return -1;
	*out = tens * 10 + ones;
	*p += 2;
	return 0;
}

static inline int read_char(const char **p, const char *end, const char *allowed)
{
	for (; *p < end && *allowed; allowed++)
		if (**p == *allowed) {
			++*p;
			return 0;
		}
	return -1;
}

static bool is_leap(unsigned year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Days from 1970-01-01 to a day. Years are counted from March, so that the leap day is the last of
 * its year. */
static int64_t days_since_1970(unsigned year, unsigned month, unsigned day)
{
	unsigned y = year - (month <= 2);
	/* 31, 30, 31, 30, 31, ... */
	unsigned days_before_month = (153 * ((month + 9) % 12) + 2) / 5;

	return (int64_t)(y * 365 + y / 4 - y / 100 + y / 400 + days_before_month + day) - 719469;
}

static int date(unsigned year, unsigned month, unsigned day, int64_t *days)
{
	static const unsigned char lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	if (year == 0 || month - 1 > 11 || day == 0 ||
	    day > lengths[month - 1] + (unsigned)(month == 2 && is_leap(year)))
		return -1;
	*days = days_since_1970(year, month, day);
	return 0;
}

static int read_date(const char **p, const char *end, int64_t *days)
{
	unsigned century, year, month, day;

	if (read_two(p, end, &century) != 0 || read_two(p, end, &year) != 0 ||
	    read_char(p, end, "-") != 0 || read_two(p, end, &month) != 0 ||
	    read_char(p, end, "-") != 0 || read_two(p, end, &day) != 0)
		return -1;
	return date(century * 100 + year, month, day, days);
}

static int time_of_day(unsigned hour, unsigned minute, unsigned second, int64_t *seconds)
{
	*seconds = (int64_t)hour * 3600 + (int64_t)minute * 60 + second;
	return hour > 23 || minute > 59 || second > 59 ? -1 : 0;
}

/* HH:MM, perhaps :SS, perhaps a fraction after that, which is passed over. */
static int read_clock(const char **p, const char *end, int64_t *seconds)
{
	unsigned hour, minute, second = 0;

	if (read_two(p, end, &hour) != 0 || read_char(p, end, ":") != 0 ||
	    read_two(p, end, &minute) != 0)
		return -1;
	if (read_char(p, end, ":") == 0) {
		if (read_two(p, end, &second) != 0)
			return -1;
		if (read_char(p, end, ".,") == 0) {
			if (*p == end || !is_digit(**p))
				return -1;
			while (*p < end && is_digit(**p))
				++*p;
		}
	}
	return time_of_day(hour, minute, second, seconds);
}

/* Z, +HH:MM, +HHMM, +HH, a blank and one of these, a blank and UTC, or nothing: how many seconds
 * that clock is ahead of UTC. */
static int read_zone(const char **p, const char *end, int64_t *ahead)
{
	unsigned hours, minutes = 0;

	*ahead = 0;
	if (*p == end)
		return 0;
	bool blank = read_char(p, end, " ") == 0;
	if (blank && end - *p == 3 && memcmp(*p, "UTC", 3) == 0) {
		*p = end;
		return 0;
	}
	if (read_char(p, end, "Zz") == 0)
		return 0;
	int sign = *p < end && **p == '-' ? -1 : 1;
	if (read_char(p, end, "+-") != 0 || read_two(p, end, &hours) != 0)
		return -1;
	bool colon = read_char(p, end, ":") == 0;
	if ((colon || *p < end) && read_two(p, end, &minutes) != 0)
		return -1;
	int bad = time_of_day(hours, minutes, 0, ahead);
	*ahead *= sign;
	return bad;
}

static int read_unix(const char *s, const char *end, int64_t *out)
{
	bool negative = *s == '-';
	uint64_t n = 0;

	if (end - s == MILLISECONDS_DIGITS && *s != '0' &&
	    read_digits(s, end, MILLISECONDS_MAX, &n) == end) {
		*out = (int64_t)(n / 1000);
		return 0;
	}
	if (read_digits(s + negative, end, (uint64_t)(negative ? -MOMENT_MIN : MOMENT_MAX), &n) !=
	    end)
		return -1;
	*out = negative ? -(int64_t)n : (int64_t)n;
	return 0;
}

/*
 * Whether the eight bytes at s are those of `like`, with any digits in the place of its zeros;
 * there `room` has a 'v', and \x7f in the other places. ('9' ^ '0' is 9, and of all other bytes it
 * is more; 'v' + 9 is 0x7f, beyond which is a high bit.)
 */
static inline bool is_like(const char *s, const char like[8], const char room[8])
{
	uint64_t x, y, z;

	memcpy(&x, s, 8);
	memcpy(&y, like, 8);
	memcpy(&z, room, 8);
	x ^= y;
	return (((x + z) | x) & UINT64_C(0x8080808080808080)) == 0;
}

static inline unsigned two(const char *s)
{
	return (unsigned)(s[0] - '0') * 10 + (unsigned)(s[1] - '0');
}

/* What is written most: 2024-03-23T14:14:00Z. -1 for it where there is no such moment, and for
 * everything else. */
static int usual_moment(const char *s, size_t n, int64_t *unix_seconds)
{
	int64_t days, seconds;

	if (n != 20 || !is_like(s, "0000-00-", "vvvv\x7fvv\x7f") ||
	    !is_like(s + 8, "00T00:00", "vv\x7fvv\x7fvv") ||
	    !is_like(s + 12, "0:00:00Z", "v\x7fvv\x7fvv\x7f"))
		return -1;
	if (date(two(s) * 100 + two(s + 2), two(s + 5), two(s + 8), &days) != 0 ||
	    time_of_day(two(s + 11), two(s + 14), two(s + 17), &seconds) != 0)
		return -1;
	*unix_seconds = days * DAY + seconds;
	return 0;
}

int num_moment(const char *s, size_t n, int64_t *unix_seconds)
{
	const char *p = s, *end = s + n;
	int64_t days, clock = 0, ahead = 0;

	if (n == 0)
		return -1;
	if (usual_moment(s, n, unix_seconds) == 0)
		return 0;
	if (!(n > 4 && s[4] == '-') && read_unix(s, end, unix_seconds) == 0)
		return 0;
	if (read_date(&p, end, &days) != 0)
		return -1;
	if (p < end &&
	    (read_char(&p, end, "Tt ") != 0 || read_clock(&p, end, &clock) != 0 ||
	        read_zone(&p, end, &ahead) != 0 || p != end))
		return -1;
	*unix_seconds = days * DAY + clock - ahead;
	return 0;
}
