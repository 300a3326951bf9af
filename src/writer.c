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

size_t writer_digits(int64_t n, char *out)
{
	static const char pairs[] =
	    "0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849"
	    "5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899";
	char text[20], *end = text + sizeof text, *at = end;
	uint64_t left = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;

	for (; left >= 10; left /= 100)
		memcpy(at -= 2, pairs + left % 100 * 2, 2);
	if (left > 0 || at == end)
		*--at = (char)('0' + left);
	if (n < 0)
		*--at = '-';
	memcpy(out, at, (size_t)(end - at));
	return (size_t)(end - at);
}

void writer_num(struct writer *w, int64_t n)
{
	char text[20];
	size_t len = writer_digits(n, text);

	writer_add(w, text, len);
}
