#include "writer.h"

/* Goes on where the buf ends. Once something was dropped, nothing more is added, however small. */
static void take(struct writer *w)
{
	const struct buf *b = w->b;
	size_t end = b->over ? b->len : b->cap < b->max ? b->cap : b->max;

	w->p = b->data ? b->data + b->len : NULL;
	w->end = b->data ? b->data + end : NULL;
}

void writer_open(struct writer *w, struct buf *b, size_t room)
{
	w->b = b;
	if (room <= b->max - b->len)
		(void)buf_room(b, room);
	take(w);
}

void writer_close(struct writer *w)
{
	if (w->p)
		w->b->len = writer_at(w);
	w->p = w->end = NULL;
}

bool writer_grow(struct writer *w, size_t n)
{
	writer_close(w);
	bool room = buf_room(w->b, n) != NULL;
	take(w);
	return room && w->p != NULL;
}

void writer_escaped(struct writer *w, const char *text, size_t n)
{
	writer_close(w);
	buf_json(w->b, text, n);
	take(w);
}

void writer_percent(struct writer *w, const char *text, size_t n)
{
	writer_close(w);
	buf_percent(w->b, text, n);
	take(w);
}

/* How many decimals n has. Of as many bits as it has, all numbers have either guess or guess + 1. */
static size_t count_digits(uint64_t n)
{
	static const uint64_t powers[] = {
		1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000, 10000000000, 100000000000,
		1000000000000, 10000000000000, 100000000000000, 1000000000000000, 10000000000000000, 100000000000000000,
		1000000000000000000, UINT64_C(10000000000000000000),
	};
	unsigned bits = 64 - (unsigned)__builtin_clzll(n | 1), guess = bits * 1233 >> 12;	/* 1233 / 4096: log10(2) */

	return guess + (n >= powers[guess]) + (n == 0);
}

static const char pairs[] =
    "0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849"
    "5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899";

static inline void put_two(char *to, size_t n)
{
	memcpy(to, pairs + n * 2, 2);
}

static void put_eight(char *to, uint32_t n)
{
	uint32_t high = n / 10000, low = n % 10000;

	put_two(to, high / 100);
	put_two(to + 2, high % 100);
	put_two(to + 4, low / 100);
	put_two(to + 6, low % 100);
}

size_t writer_digits(int64_t n, char *out)
{
	uint64_t left = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
	size_t sign = n < 0, count = sign + count_digits(left);
	char *at = out + count;

	for (; left >= 100000000; left /= 100000000)
		put_eight(at -= 8, (uint32_t)(left % 100000000));
	uint32_t rest = (uint32_t)left;
	for (; rest >= 10; rest /= 100)
		put_two(at -= 2, rest % 100);
	if (at > out + sign)
		*--at = (char)('0' + rest);
	if (sign)
		*out = '-';
	return count;
}

void writer_num(struct writer *w, int64_t n)
{
	if (writer_room(w, WRITER_DIGITS))
		w->p += writer_digits(n, w->p);
}
