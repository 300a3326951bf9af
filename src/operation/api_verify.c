/* Reading back, by the App API: the request names people, and what each should have stays here to
 * be compared with the answer. */
#include "operation/api.h"

#include <string.h>
#include "operation/field.h"
#include "operation/operation_parts.h"

static int make(struct build *b)
{
	struct writer *w = &b->w;
	const struct person *p = &b->person;

	b->op->method = METHOD_POST;
	if (p->type == ID_PHONE)
		return field_complain(b->m->id,
		    "names nobody here: people are read back by id, email or cio_id", b->why);
	writer_lit(w, "/v1/customers/attributes?id_type=");
	writer_add(w, id_type_names[p->type], strlen(id_type_names[p->type]));
	part_path_end(b);
	b->has_body = true;
	writer_text(w, p->text.s, p->text.n);
	part_kept(b);
	return part_attributes(b);
}

static const struct envelope ids = { ENVELOPE("{\"ids\":[", "]}"), .bytes_most = 100000,
	.records_most = 100 };

const struct api api_verify = {
	.host = &api_app_host,
	.rate = { 1, 125000 }, /* 8/s; the limit is 10/s */
	.burst = 1,
	.envelope = &ids,
	.make = make,
	.blame = BLAME_HALVES,
	.reads_back = true,
};
