/* A header is refused with what was read of it, and with the option that would do. */
#include "run/feed_check.h"

#include <string.h>
#include <strings.h>
#include <sysexits.h>

#include "base/buf.h"
#include "base/reason.h"
#include "base/text.h"
#include "input/csv_names.h"
#include "input/input.h"
#include "operation/mapping.h"
#include "options/options.h"
#include "options/options_table.h"

#define NAME_SHOWN 60u /* bytes of a name in a message */

/* Whether each --set is what it must be beside the cells of a FILE that is a CSV: else each of its
 * records would be rejected. A pipe whose format nobody has said yet will tell by its header. */
static int check_sets(const struct options *o, const struct input *in, unsigned file,
    struct reason *why)
{
	enum input_format found = input_format_of(in, file),
	                  format = found == INPUT_AUTO ? o->input.format : found;
	struct reason inner;

	if ((format != INPUT_CSV && format != INPUT_TSV) ||
	    mapping_check_sets(&o->mapping, true, &inner) == 0)
		return 0;
	return reason_exit(why, EX_USAGE,
	    "--set: %s, as it must be in a CSV: correct it, or give it another type with --type",
	    inner.text);
}

/* A column that was probably meant to name the person, and does not. */
static int refuse_near(const char *file, const struct input_header *h,
    const struct header_check *check, struct reason *why)
{
	const char *type = id_type_names[check->near_type];
	struct buf text = { .max = REASON_MAX - 1 };

	text_safe(&text, check->near, strlen(check->near), NAME_SHOWN);
	buf_fmt(&text, "\" is not \"%s\", which names people: say --map=", type);
	csv_names_word(&text, check->near, strlen(check->near));
	buf_fmt(&text, "=%s if it is that, or --id=", type);
	if (check->id) {
		csv_names_word(&text, check->id, strlen(check->id));
		buf_str(&text, " if that names the person");
	} else {
		csv_names_word(&text, check->near, strlen(check->near));
		buf_fmt(&text, " --id-type=%s", type);
	}
	input_header_show(h, &text);
	reason_exit(why, EX_DATAERR, "%s: its header's \"%.*s", file, (int)text.len, text.data);
	buf_free(&text);
	return -1;
}

/* A --map makes two names equal. */
static int refuse_conflict(const char *file, const struct input_header *h, const char *problem,
    struct reason *why)
{
	struct buf text = { .max = REASON_MAX - 1 };

	buf_str(&text, problem);
	input_header_show(h, &text);
	reason_exit(why, EX_DATAERR, "%s: %.*s", file, (int)text.len, text.data);
	buf_free(&text);
	return -1;
}

static bool says_mail(const char *name)
{
	while (*name && strncasecmp(name, "mail", 4) != 0)
		name++;
	return *name;
}

/* The first column that may hold addresses, by its name; NULL: none does. */
static const char *find_mail(const struct input_header *h)
{
	for (size_t i = 0; i < h->count; i++)
		if (strlen(h->names[i]) <= NAME_SHOWN && says_mail(h->names[i]))
			return h->names[i];
	return NULL;
}

/* What may mend a header in which nobody is named. What --id alone names is an id, and an address
 * is seldom meant to be one. */
static void explain_nobody(const struct input_header *h, struct buf *out)
{
	static const char otherwise[] = "which does with --id=FIELD";
	const char *mail = find_mail(h);
	struct buf text = { .max = REASON_MAX - 1 };

	if (mail) {
		buf_str(&text, "--map=");
		csv_names_word(&text, mail, strlen(mail));
		buf_str(&text, "=email if these are the addresses that name people, or ");
	}
	buf_add(&text, otherwise, sizeof otherwise);
	input_header_explain(h, text.data, out);
	buf_free(&text);
}

/* No column names the person. */
static int refuse_nobody(const char *file, const struct input_header *h, const char *wanted,
    struct reason *why)
{
	struct buf text = { .max = REASON_MAX - 1 };

	if (wanted) {
		buf_str(&text, "its header has no field \"");
		text_safe(&text, wanted, strlen(wanted), NAME_SHOWN);
		buf_str(&text, "\" to name the person: ");
		input_header_explain(h, "correct --id", &text);
	} else {
		buf_str(&text, "no field of its header names the person (id, email, cio_id): say ");
		explain_nobody(h, &text);
	}
	reason_exit(why, EX_DATAERR, "%s: %.*s", file, (int)text.len, text.data);
	buf_free(&text);
	return -1;
}

/* What an action needs beside whom it is about: an option says it, or else a field of each record.
 */
static int check_needs(struct mapping *m, const char *file, const struct input_header *h,
    const struct options *o, struct reason *why)
{
	const struct {
		bool needed;
		const char *field, * or, *option;
	} needs[] = {
		{ action_is_segment(o->action) && !o->segment, "segment_id", NULL, "segment" },
		{ action_is_suppression(o->action) && o->suppression < 0, "suppression", NULL,
		    "suppression" },
		{ action_is_object(o->action) && !o->object_type, "object_type_id", "cio_object_id",
		    "object-type" },
		{ action_is_message(o->action) && !o->message, "transactional_message_id",
		    o->action == ACTION_SEND_EMAIL ? "body" : NULL, "message" },
	};

	for (size_t i = 0; i < sizeof needs / sizeof *needs; i++)
		if (needs[i].needed && !mapping_has_field(m, h->names, h->count, needs[i].field) &&
		    !(needs[i].or &&mapping_has_field(m, h->names, h->count, needs[i].or)))
			return reason_exit(why, EX_USAGE,
			    "--action=%s needs --%s=%s, for %s has no field %s",
			    action_name(o->action), needs[i].option,
			    options_table[options_table_find(needs[i].option,
			                      strlen(needs[i].option))]
			        .argument,
			    file, needs[i].field);
	return 0;
}

int feed_check_header(struct mapping *m, const struct input *in, unsigned file,
    const struct options *o, struct reason *why)
{
	const struct input_header *h = input_header_of(in, file);
	const char *name = input_name(in, file);
	struct header_check check;
	struct reason inner;

	if (check_sets(o, in, file, why) != 0)
		return -1;
	if (!h)
		return 0;
	if (mapping_check_header(m, h->names, h->count, &check, &inner) != 0)
		return refuse_conflict(name, h, inner.text, why);
	if (check_needs(m, name, h, o, why) != 0)
		return -1;
	if (!action_needs_person(o->action) && !o->mapping.action_field)
		return 0;
	if (check.near)
		return refuse_near(name, h, &check, why);
	if (check.id || o->mapping.action_field)
		return 0;
	return refuse_nobody(name, h, o->mapping.id_field, why);
}
