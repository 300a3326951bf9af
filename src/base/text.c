#include "base/text.h"

#include "base/buf.h"
#include "base/utf8.h"

void text_json(struct buf *out, const char *text, size_t n)
{
	size_t good = utf8_prefix(text, n);

	if (good == n) {
		buf_json(out, text, n);
		return;
	}
	struct buf clean;
	buf_init(&clean, out->max);
	for (;;) {
		buf_add(&clean, text, good);
		if (good == n)
			break;
		buf_str(&clean, "\xef\xbf\xbd");
		text += good + 1;
		n -= good + 1;
		good = utf8_prefix(text, n);
	}
	if (clean.over)
		out->over = true;
	else
		buf_json(out, clean.data, clean.len);
	buf_free(&clean);
}
