/*
 * Looking at 64 bytes at a time, or at 16 where texts are short. What looks for bytes returns a
 * mask with bit i set where byte i is one that matters, and the bytes above 0x7f in *high. Callers
 * may read SCAN_BYTES past the end of what they hold, so every buffer that is scanned has that much
 * more room; what is found there must be masked out (scan_below).
 *
 * The SSE2 forms are for x86-64, where SSE2 always is; the plain ones are for all others, and the
 * tests compare them.
 */
#ifndef SCAN_H
#define SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define SCAN_BYTES 64u

/* The bits below n. */
static inline uint64_t scan_below(size_t n)
{
	return n >= 64 ? ~UINT64_C(0) : (UINT64_C(1) << n) - 1;
}

/* Eight bytes in the order in which they lie, the first in the lowest bits. */
static inline uint64_t scan_load(const char *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	word = __builtin_bswap64(word);
#endif
	return word;
}

#define SCAN_ONES UINT64_C(0x0101010101010101)
#define SCAN_HIGHS UINT64_C(0x8080808080808080)

/* The high bit of each byte of word that is zero: exactly, without carries between bytes. */
static inline uint64_t scan_zeros(uint64_t word)
{
	return ~(((word & ~SCAN_HIGHS) + ~SCAN_HIGHS) | word | ~SCAN_HIGHS);
}

static inline uint64_t scan_equal(uint64_t word, char c)
{
	return scan_zeros(word ^ (SCAN_ONES * (unsigned char)c));
}

/* The high bit of each byte that is '"', '\\' or below 0x20. */
static inline uint64_t scan_escaped_plain(uint64_t word)
{
	return scan_equal(word, '"') | scan_equal(word, '\\') |
	    scan_zeros(word & (SCAN_ONES * 0xe0));
}

/* Eight high bits to eight bits side by side. */
static inline uint64_t scan_pack(uint64_t highs)
{
	return ((highs >> 7) * UINT64_C(0x0102040810204080)) >> 56;
}

/* Quotes, separators, backslashes and control characters: line ends are some of these. */
static inline uint64_t scan_row_plain(const char *p, char delimiter, uint64_t *high)
{
	uint64_t mask = 0, above = 0;

	for (size_t i = 0; i < 8; i++) {
		uint64_t word = scan_load(p + i * 8);
		mask |= scan_pack(scan_escaped_plain(word) | scan_equal(word, delimiter))
		    << (i * 8);
		above |= scan_pack(word & SCAN_HIGHS) << (i * 8);
	}
	*high = above;
	return mask;
}

/* Line ends alone. */
static inline uint64_t scan_breaks_plain(const char *p)
{
	uint64_t mask = 0;

	for (size_t i = 0; i < 8; i++) {
		uint64_t word = scan_load(p + i * 8);
		mask |= scan_pack(scan_equal(word, '\n') | scan_equal(word, '\r')) << (i * 8);
	}
	return mask;
}

/* One byte's places. */
static inline uint64_t scan_byte_plain(const char *p, char c)
{
	uint64_t mask = 0;

	for (size_t i = 0; i < 8; i++)
		mask |= scan_pack(scan_equal(scan_load(p + i * 8), c)) << (i * 8);
	return mask;
}

/* The bytes above 0x7f. */
static inline uint64_t scan_highs_plain(const char *p)
{
	uint64_t mask = 0;

	for (size_t i = 0; i < 8; i++)
		mask |= scan_pack(scan_load(p + i * 8) & SCAN_HIGHS) << (i * 8);
	return mask;
}

/* What ends the plain part of a JSON string: quotes, backslashes, control characters. 16 bytes
 * only: strings are short. */
#define SCAN_STRING_BYTES 16u
static inline unsigned scan_string_plain(const char *p)
{
	uint64_t mask = 0;

	for (size_t i = 0; i < 2; i++)
		mask |= scan_pack(scan_escaped_plain(scan_load(p + i * 8))) << (i * 8);
	return (unsigned)mask;
}

/* What cannot be seen, or is no ASCII: control characters and bytes above 0x7f. 16 bytes too. */
static inline unsigned scan_unseen_plain(const char *p)
{
	uint64_t mask = 0;

	for (size_t i = 0; i < 2; i++) {
		uint64_t word = scan_load(p + i * 8);
		uint64_t found = scan_zeros(word & (SCAN_ONES * 0xe0)) | scan_equal(word, 0x7f);
		mask |= scan_pack(found | (word & SCAN_HIGHS)) << (i * 8);
	}
	return (unsigned)mask;
}

/* Whether two times n bytes are the same. Of each, up to SCAN_STRING_BYTES more are read. */
static inline bool scan_same_plain(const char *a, const char *b, size_t n)
{
	return memcmp(a, b, n) == 0;
}

#ifdef __SSE2__

/* '"', '\\' and what is below 0x20. */
static inline __m128i scan_escaped(__m128i b)
{
	__m128i low = _mm_xor_si128(b,
	    _mm_set1_epi8(2)); /* '"' to 0x20; what is below 0x20 stays below, all else above */

	return _mm_or_si128(_mm_cmpeq_epi8(_mm_min_epu8(low, _mm_set1_epi8(0x20)), low),
	    _mm_cmpeq_epi8(b, _mm_set1_epi8('\\')));
}

static inline unsigned scan_row_piece(__m128i b, __m128i delimiter)
{
	return (unsigned)_mm_movemask_epi8(
	    _mm_or_si128(scan_escaped(b), _mm_cmpeq_epi8(b, delimiter)));
}

static inline uint64_t scan_join(unsigned a, unsigned b, unsigned c, unsigned d)
{
	return (uint64_t)(a | b << 16) | (uint64_t)(c | d << 16) << 32;
}

static inline uint64_t scan_row(const char *p, char delimiter, uint64_t *high)
{
	const __m128i *at = (const __m128i *)(const void *)p, separator = _mm_set1_epi8(delimiter);
	__m128i a = _mm_loadu_si128(at), b = _mm_loadu_si128(at + 1), c = _mm_loadu_si128(at + 2),
	        d = _mm_loadu_si128(at + 3);

	*high = scan_join((unsigned)_mm_movemask_epi8(a), (unsigned)_mm_movemask_epi8(b),
	    (unsigned)_mm_movemask_epi8(c), (unsigned)_mm_movemask_epi8(d));
	return scan_join(scan_row_piece(a, separator), scan_row_piece(b, separator),
	    scan_row_piece(c, separator), scan_row_piece(d, separator));
}

static inline unsigned scan_breaks_piece(const __m128i *at)
{
	__m128i b = _mm_loadu_si128(at);

	return (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_cmpeq_epi8(b, _mm_set1_epi8('\n')),
	    _mm_cmpeq_epi8(b, _mm_set1_epi8('\r'))));
}

static inline uint64_t scan_breaks(const char *p)
{
	const __m128i *at = (const __m128i *)(const void *)p;

	return scan_join(scan_breaks_piece(at), scan_breaks_piece(at + 1),
	    scan_breaks_piece(at + 2), scan_breaks_piece(at + 3));
}

static inline unsigned scan_byte_piece(const __m128i *at, char c)
{
	return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_loadu_si128(at), _mm_set1_epi8(c)));
}

static inline uint64_t scan_byte(const char *p, char c)
{
	const __m128i *at = (const __m128i *)(const void *)p;

	return scan_join(scan_byte_piece(at, c), scan_byte_piece(at + 1, c),
	    scan_byte_piece(at + 2, c), scan_byte_piece(at + 3, c));
}

static inline uint64_t scan_highs(const char *p)
{
	const __m128i *at = (const __m128i *)(const void *)p;
	__m128i a = _mm_loadu_si128(at), b = _mm_loadu_si128(at + 1), c = _mm_loadu_si128(at + 2),
	        d = _mm_loadu_si128(at + 3);

	if (_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(a, b), _mm_or_si128(c, d))) == 0)
		return 0;
	return scan_join((unsigned)_mm_movemask_epi8(a), (unsigned)_mm_movemask_epi8(b),
	    (unsigned)_mm_movemask_epi8(c), (unsigned)_mm_movemask_epi8(d));
}

static inline unsigned scan_string(const char *p)
{
	return (unsigned)_mm_movemask_epi8(
	    scan_escaped(_mm_loadu_si128((const __m128i *)(const void *)p)));
}

static inline unsigned scan_unseen(const char *p)
{
	__m128i b = _mm_loadu_si128((const __m128i *)(const void *)p);

	/* compared as signed numbers, what is above 0x7f is below 0x20 too */
	return (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_cmplt_epi8(b, _mm_set1_epi8(0x20)),
	    _mm_cmpeq_epi8(b, _mm_set1_epi8(0x7f))));
}

static inline bool scan_same(const char *a, const char *b, size_t n)
{
	for (;; a += 16, b += 16, n -= 16) {
		__m128i x = _mm_loadu_si128((const __m128i *)(const void *)a),
		        y = _mm_loadu_si128((const __m128i *)(const void *)b);
		unsigned other = ~(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(x, y)) & 0xffff;
		if (n <= 16)
			return (other & ((1u << n) - 1)) == 0;
		if (other)
			return false;
	}
}

#else
#define scan_row scan_row_plain
#define scan_breaks scan_breaks_plain
#define scan_byte scan_byte_plain
#define scan_highs scan_highs_plain
#define scan_string scan_string_plain
#define scan_unseen scan_unseen_plain
#define scan_same scan_same_plain
#endif

/* memcpy in pieces of SCAN_STRING_BYTES: up to as many bytes more are read and written. */
static inline void scan_move(char *to, const char *s, size_t n)
{
	for (size_t i = 0;; i += SCAN_STRING_BYTES) {
		memcpy(to + i, s + i, SCAN_STRING_BYTES);
		if (n - i <= SCAN_STRING_BYTES)
			return;
	}
}

#endif
