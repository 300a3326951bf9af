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

/* How many decimals n has: 1233 / 4096 is a little more than the logarithm of 2, so the guess is
 * right or one too many. */
static inline unsigned count_decimals(uint64_t n)
{
	static const uint64_t least[] = { 0, 10, 100, 1000, 10000, 100000, 1000000, 10000000,
		100000000, 1000000000, 10000000000, 100000000000, 1000000000000, 10000000000000,
		100000000000000, 1000000000000000, 10000000000000000, 100000000000000000,
		1000000000000000000, 10000000000000000000u };
	unsigned guess = (64 - (unsigned)__builtin_clzll(n | 1)) * 1233 >> 12;

	return guess + (n >= least[guess]);
}

size_t writer_digits(int64_t n, char *out)
{
	static const char pairs[] = "0001020304050607080910111213141516171819"
	                            "2021222324252627282930313233343536373839"
	                            "4041424344454647484950515253545556575859"
	                            "6061626364656667686970717273747576777879"
	                            "8081828384858687888990919293949596979899";
	uint64_t left = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;

	*out = '-';
	out += n < 0;
	unsigned count = count_decimals(left);
	char *p = out + count;
	for (; left >= 10000; left /= 10000) {
		size_t four = (size_t)(left % 10000);
		memcpy(p -= 2, pairs + four % 100 * 2, 2);
		memcpy(p -= 2, pairs + four / 100 * 2, 2);
	}
	size_t rest = (size_t)left;
	if (rest >= 100) {
		memcpy(p - 2, pairs + rest % 100 * 2, 2);
		rest /= 100;
	}
	if (rest >= 10)
		memcpy(out, pairs + rest * 2, 2);
	else
		*out = (char)('0' + rest);
	return count + (n < 0);
}

void writer_num(struct writer *w, int64_t n)
{
	if (writer_room(w, WRITER_DIGITS))
		w->p += writer_digits(n, w->p);
}
