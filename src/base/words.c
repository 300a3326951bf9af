/* Quantities are rounded as a person would, and cut to the width that there is. */
#include "base/words.h"
#include "base/text.h"

#include <inttypes.h>
#include <langinfo.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <wchar.h>

#define SECOND INT64_C(1000000)

void words_count(struct buf *out, uint64_t n, bool grouped)
{
	char text[32]; /* 2^64 has 20 digits and 6 commas */
	size_t at = sizeof text;
	unsigned digits = 0;

	do {
		if (grouped && digits > 0 && digits % 3 == 0)
			text[--at] = ',';
		text[--at] = (char)('0' + n % 10);
		n /= 10;
		digits++;
	} while (n > 0);
	buf_add(out, text + at, sizeof text - at);
}

void words_many(struct buf *out, uint64_t n, bool grouped, const char *one, const char *many)
{
	words_count(out, n, grouped);
	buf_byte(out, ' ');
	buf_str(out, n == 1 ? one : many);
}

void words_rate(struct buf *out, double per_second, bool grouped)
{
	if (!(per_second > 0)) /* not a number, too */
		per_second = 0;
	if (per_second > 1e15)
		per_second = 1e15;
	uint64_t tenths = (uint64_t)(per_second * 10 + 0.5);
	if (tenths >= 1000)
		words_count(out, (uint64_t)(per_second + 0.5), grouped);
	else
		buf_fmt(out, "%u.%u", (unsigned)(tenths / 10), (unsigned)(tenths % 10));
}

static void quantity(struct buf *out, int64_t n, const char *unit, bool brief)
{
	buf_num(out, n);
	if (brief)
		buf_byte(out, unit[0]);
	else
		buf_fmt(out, " %s", unit);
}

/* "5 h 12 min"; the second is left out where it is 0. */
static void two_quantities(struct buf *out, int64_t n, const char *unit, int64_t rest,
    const char *rest_unit, bool brief)
{
	quantity(out, n, unit, brief);
	if (rest == 0)
		return;
	if (!brief)
		buf_byte(out, ' ');
	quantity(out, rest, rest_unit, brief);
}

void words_speed(struct buf *out, double bytes_per_second)
{
	if (bytes_per_second < 999500)
		buf_fmt(out, "%.0f kB/s", bytes_per_second / 1e3);
	else
		buf_fmt(out, bytes_per_second < 9.95e6 ? "%.1f MB/s" : "%.0f MB/s",
		    bytes_per_second / 1e6);
}

void words_wait(struct buf *out, int64_t us, bool brief)
{
	int64_t seconds = us > 0 ? us / SECOND + (us % SECOND != 0) : 0;
	int64_t minutes = seconds / 60 + (seconds % 60 != 0);
	int64_t hours = minutes / 60 + (minutes % 60 != 0);

	if (seconds < 60)
		quantity(out, seconds, "s", brief);
	else if (minutes < 60)
		quantity(out, minutes, "min", brief);
	else if (minutes < (int64_t)24 * 60)
		two_quantities(out, minutes / 60, "h", minutes % 60, "min", brief);
	else
		two_quantities(out, hours / 24, "d", hours % 24, "h", brief);
}

void words_span(struct buf *out, int64_t us)
{
	int64_t tenths = us > 0 ? us / 100000 + (us % 100000 >= 50000) : 0;
	int64_t seconds = us > 0 ? us / SECOND + (us % SECOND >= SECOND / 2) : 0;

	if (us < SECOND) {
		buf_fmt(out, "%" PRId64 " ms", us > 0 ? us / 1000 : 0);
		return;
	}
	if (tenths < 600) {
		buf_fmt(out, "%" PRId64 ".%" PRId64 " s", tenths / 10, tenths % 10);
		return;
	}
	if (seconds >= 3600)
		buf_fmt(out, "%" PRId64 " h ", seconds / 3600);
	buf_fmt(out, "%" PRId64 " min %" PRId64 " s", seconds / 60 % 60, seconds % 60);
}

const char *words_moment(int64_t unix_seconds, char out[WORDS_MOMENT])
{
	time_t t = (time_t)unix_seconds;
	struct tm tm;

	if (!gmtime_r(&t, &tm) || strftime(out, WORDS_MOMENT, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		snprintf(out, WORDS_MOMENT, "%" PRId64 " s", unix_seconds);
	return out;
}

const char *words_time(int64_t us, char out[WORDS_TIME])
{
	int64_t hours = us / (3600 * SECOND), minutes = us / (60 * SECOND) % 60,
	        rest = us % (60 * SECOND);
	int n = 0;

	if (us < SECOND) {
		snprintf(out, WORDS_TIME, "%g ms", (double)us / 1e3);
		return out;
	}
	if (hours)
		n += snprintf(out, WORDS_TIME, "%" PRId64 " h ", hours);
	if (minutes)
		n += snprintf(out + n, WORDS_TIME - (size_t)n, "%" PRId64 " min ", minutes);
	if (rest)
		n += snprintf(out + n, WORDS_TIME - (size_t)n, "%.8g s ", (double)rest / 1e6);
	out[n - 1] = '\0'; /* the blank behind the last */
	return out;
}

/* The character at s, which begins one in valid UTF-8; *len is how many bytes it takes. */
static wchar_t character(const char *s, size_t *len)
{
	unsigned char c = (unsigned char)*s;
	unsigned value;

	*len = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
	value = *len == 1 ? c : c & (0x7fU >> *len);
	for (size_t i = 1; i < *len; i++)
		value = value << 6 | ((unsigned char)s[i] & 0x3f);
	return (wchar_t)value;
}

/* Joiners and the emoji selector make one wide picture of what wcwidth counts apart; without them
 * it is right. */
static bool changes_width(wchar_t c)
{
	return c == 0x200d || c == 0xfe0f;
}

/* Adds as much of valid UTF-8 as goes into `most` cells (to nowhere when out is NULL). Returns the
 * cells taken. */
static unsigned add_cells(struct buf *out, const struct buf *text, unsigned most)
{
	bool utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	unsigned used = 0;
	size_t len;

	for (size_t i = 0; i < text->len; i += len) {
		wchar_t c = character(text->data + i, &len);
		int width = len == 1 ? 1 : utf8 ? wcwidth(c) : -1;
		unsigned cells = width < 0 ? 1 : (unsigned)width;
		if (cells > most - used)
			break;
		if (changes_width(c))
			continue;
		used += cells;
		if (out && width < 0)
			buf_byte(out, '?');
		else if (out)
			buf_add(out, text->data + i, len);
	}
	return used;
}

unsigned words_fit(struct buf *out, const char *text, size_t n, unsigned most)
{
	struct buf safe;
	unsigned used;

	buf_init(&safe, BUF_UNBOUNDED);
	text_safe(&safe, text, n, SIZE_MAX);
	if (most < 3 || add_cells(NULL, &safe, UINT_MAX) <= most) {
		used = add_cells(out, &safe, most);
	} else {
		used = add_cells(out, &safe, most - 2) + 2;
		buf_str(out, "..");
	}
	buf_free(&safe);
	return used;
}
