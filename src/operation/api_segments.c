/* Manual segments of the Track API: people are put in and taken out by the thousand. */
#include "operation/api.h"

#include <string.h>
#include "operation/field.h"
#include "operation/operation_parts.h"
#include "base/reason.h"
#include "input/record.h"

static bool is_number(struct text t)
{
	if (t.n == 0 || t.n > 9)
		return false;
	for (size_t i = 0; i < t.n; i++)
		if (t.s[i] < '0' || t.s[i] > '9')
			return false;
	return true;
}

static int read_segment(struct build *b, struct text *out)
{
	const struct field *f = b->roles[ROLE_SEGMENT_ID];

	if (b->config->segment) {
		*out = (struct text){ b->config->segment, strlen(b->config->segment) };
		return 0;
	}
	if (field_is_empty(f))
		return reason_set(b->why,
		    "no segment is named: give the record a field segment_id, or use --segment");
	if (part_text(b, f, "a segment's number", out) != 0)
		return -1;
	return is_number(*out) ? 0 : field_refuse(f, "a segment's number", b->why);
}

/* The path says which segment, which way, and what the identifiers are; the body is one of them. */
static int make(struct build *b)
{
	struct writer *w = &b->w;
	const struct person *p = &b->person;
	struct text segment = { 0 };

	b->op->method = METHOD_POST;
	if (p->type == ID_PHONE)
		return field_complain(b->m->id,
		    "names nobody here: people in segments are found by id, email or cio_id",
		    b->why);
	if (read_segment(b, &segment) != 0)
		return -1;
	writer_lit(w, "/api/v1/segments/");
	writer_add(w, segment.s, segment.n);
	if (b->op->action == ACTION_SEGMENT_ADD)
		writer_lit(w, "/add_customers?id_type=");
	else
		writer_lit(w, "/remove_customers?id_type=");
	writer_add(w, id_type_names[p->type], strlen(id_type_names[p->type]));
	part_path_end(b);
	b->has_body = true;
	writer_text(w, p->text.s, p->text.n);
	return 0;
}

static const struct envelope ids = { ENVELOPE("{\"ids\":[", "]}"), .bytes_most = 1000000,
	.records_most = 1000 };

const struct api api_segments = {
	.host = &api_track_host,
	.make = make,
	.rate = { 1, 20000 },
	.burst = 10,
	.envelope = &ids,
	.blame = BLAME_HALVES,
	.alone_first = true,
};
