/* The slower half of the writer: what needs more room, has to be escaped, or is a number. */
#include "base/writer.h"
#include "base/text.h"

bool writer_grow(struct writer *w, size_t n)
{
	writer_close(w);
	bool room = buf_room(w->b, n) != NULL;
	writer_take(w);
	return room && w->p != NULL;
}

void writer_escaped(struct writer *w, const char *text, size_t n)
{
	writer_close(w);
	text_json(w->b, text, n);
	writer_take(w);
}

char *writer_put_escaped(char *to, const char *s, size_t n)
{
	*to++ = '"';
	for (size_t i = 0; i < n;) {
		unsigned found = scan_string(s + i);
		size_t run = found ? (size_t)__builtin_ctz(found) : SCAN_STRING_BYTES;
		memcpy(to, s + i, SCAN_STRING_BYTES);
		if (run >= n - i) {
			to += n - i;
			break;
		}
		to += run;
		i += run;
		if (found)
			to = text_put_escape(to, s[i++]);
	}
	*to++ = '"';
	return to;
}

/* Of a text without slack the last bytes are looked at in a copy. */
void writer_text(struct writer *w, const char *s, size_t n)
{
	size_t rest = n % SCAN_STRING_BYTES, whole = n - rest;
	char tail[SCAN_STRING_BYTES] = { 0 };

	if (!writer_room(w, n + 2 + WRITER_SPARE))
		return;
	memcpy(tail, s + whole, rest);
	char *to = w->p + 1;
	if ((whole && !writer_copy(to, s, whole)) || !writer_copy(to + whole, tail, rest)) {
		writer_escaped(w, s, n);
		return;
	}
	w->p[0] = to[n] = '"';
	w->p = to + n + 1;
}

/* Near the end of a buf that does not grow it is not known before what fits. */
static void add_escaped(struct writer *w, const char *value, size_t n)
{
	if ((size_t)(w->end - w->p) >= n * TEXT_ESCAPED + 2 + WRITER_SPARE)
		w->p = writer_put_escaped(w->p, value, n);
	else
		writer_escaped(w, value, n);
}

void writer_member(struct writer *w, const char *key, size_t key_len, const char *value, size_t n,
    bool json)
{
	if (!writer_room(w, key_len + n + 4 + WRITER_SPARE))
		return;
	char *p = writer_put(w->p, key, key_len);
	*p++ = ':';
	char *behind = json ? writer_put(p, value, n) : writer_put_string(p, value, n);
	w->p = behind ? behind : p;
	if (!behind)
		add_escaped(w, value, n);
	writer_byte(w, ',');
}

void writer_percent(struct writer *w, const char *text, size_t n)
{
	writer_close(w);
	text_percent(w->b, text, n);
	writer_take(w);
}

/* The last eight decimals of n, a byte each, the first of them in the lowest: halved three times,
 * all parts at once. The multiplications divide by 100 and by 10; they are exact for what the parts
 * can be. */
static inline uint64_t eight_decimals(uint32_t n)
{
	uint64_t parts = n / 10000 | (uint64_t)(n % 10000) << 32;
	uint64_t high = parts * 10486 >> 20 & UINT64_C(0x0000007f0000007f);

	parts = high | (parts - high * 100) << 16;
	high = parts * 103 >> 10 & UINT64_C(0x000f000f000f000f);
	return high | (parts - high * 10) << 8;
}

static inline void put_digits(char *to, uint64_t decimals)
{
	uint64_t digits = decimals + SCAN_ONES * '0';

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	digits = __builtin_bswap64(digits);
#endif
	memcpy(to, &digits, sizeof digits);
}

static inline char *put_eight(char *to, uint64_t n)
{
	put_digits(to, eight_decimals((uint32_t)n));
	return to + 8;
}

/* n, below 10^8, without zeros in front. */
static inline char *put_first(char *to, uint64_t n)
{
	uint64_t decimals = eight_decimals((uint32_t)n);
	/* the last one stays */
	unsigned zeros = (unsigned)__builtin_ctzll(decimals | UINT64_C(1) << 56) / 8;

	put_digits(to, decimals >> (8 * zeros));
	return to + 8 - zeros;
}

size_t writer_digits(int64_t n, char *out)
{
	const uint64_t eight = 100000000;
	uint64_t left = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
	char *p = out;

	*p = '-';
	p += n < 0;
	if (left < eight) {
		p = put_first(p, left);
	} else if (left < eight * eight) {
		p = put_eight(put_first(p, left / eight), left % eight);
	} else {
		p = put_first(p, left / (eight * eight));
		p = put_eight(put_eight(p, left / eight % eight), left % eight);
	}
	return (size_t)(p - out);
}

void writer_num(struct writer *w, int64_t n)
{
	if (writer_room(w, WRITER_DIGITS))
		w->p += writer_digits(n, w->p);
}
