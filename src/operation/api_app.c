/* The App API: suppressed addresses. */
#include "operation/api.h"

#include <string.h>
#include "operation/field.h"
#include "operation/operation_parts.h"
#include "base/reason.h"
#include "input/record.h"

const struct api_host api_app_host = {
	.label = "app",
	.base = { "https://api.customer.io", "https://api-eu.customer.io" },
	.auth = API_KEY,
	.check_path = "/v1/workspaces",
	.may_refuse_check = true,
};

/* -- lists of addresses that no message goes to -- */

const char *const suppression_names[] = { "blocks", "bounces", "spam_reports", "invalid_emails",
	NULL };

/* --suppression, else the field `suppression`. */
static int suppression(struct build *b, struct text *out)
{
	const struct field *f = b->roles[ROLE_SUPPRESSION];

	if (b->config->suppression) {
		*out = (struct text){ b->config->suppression, strlen(b->config->suppression) };
		return 0;
	}
	if (field_is_empty(f))
		return reason_set(b->why,
		    "no list is named: give the record a field suppression, or use --suppression");
	if (part_text(b, f, "a list", out) != 0)
		return -1;
	for (const char *const *name = suppression_names; *name; name++)
		if (strlen(*name) == out->n && memcmp(*name, out->s, out->n) == 0)
			return 0;
	return field_refuse(f, "blocks, bounces, spam_reports or invalid_emails", b->why);
}

static int make_suppression(struct build *b)
{
	struct writer *w = &b->w;
	struct text type = { 0 };

	b->op->method = b->op->action == ACTION_ESP_SUPPRESS ? METHOD_POST : METHOD_DELETE;
	if (b->person.type != ID_EMAIL)
		return field_complain(b->m->id, "is no email address, and these lists are of those",
		    b->why);
	if (suppression(b, &type) != 0)
		return -1;
	writer_lit(w, "/v1/esp/suppression/");
	writer_add(w, type.s, type.n);
	writer_byte(w, '/');
	writer_percent(w, b->person.text.s, b->person.text.n);
	part_path_end(b);
	return 0;
}

const struct api api_suppression = {
	.host = &api_app_host,
	.rate = { 1, 125000 }, /* 8/s; the limit is 10/s */
	.burst = 1,
	.make = make_suppression,
};
