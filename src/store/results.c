/* A line of JSON for each record, in the order of settling. */
#include "store/results.h"

#include <inttypes.h>
#include <string.h>
#include "base/buf.h"
#include "base/text.h"

static void add_text(struct buf *out, const char *key, const char *text, size_t n)
{
	buf_str(out, key);
	text_json_any(out, text, n);
	buf_byte(out, ',');
}

static void add_place(struct buf *out, const struct result *r)
{
	buf_fmt(out, "\"record\":%" PRIu64 ",", r->record);
	if (r->file)
		add_text(out, "\"file\":", r->file, strlen(r->file));
	buf_fmt(out, "\"line\":%" PRIu64 ",", r->line);
}

void results_line(struct buf *out, const struct result *r)
{
	buf_byte(out, '{');
	if (r->record)
		add_place(out, r);
	if (r->id_len > 0)
		add_text(out, "\"id\":", r->id, r->id_len);
	if (r->action)
		add_text(out, "\"action\":", r->action, strlen(r->action));
	buf_fmt(out, "\"outcome\":\"%s\"", outcome_name(r->outcome));
	if (r->status)
		buf_fmt(out, ",\"status\":%d", r->status);
	buf_fmt(out, ",\"attempts\":%u", r->attempts);
	if (r->name) {
		buf_fmt(out, ",\"%s\":", r->name);
		text_json_any(out, r->value, strlen(r->value));
	}
	if (r->error) {
		buf_str(out, ",\"error\":");
		text_json_any(out, r->error, strlen(r->error));
	}
	buf_str(out, "}\n");
}
