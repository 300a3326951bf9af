/* The mapping's steps are planned once for each layout, then done for each record. */
#include "operation/mapping.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "base/buf.h"
#include "base/text.h"
#include "operation/convert.h"
#include "operation/field.h"
#include "base/log.h"
#include "input/record.h"

#define NO_TYPE (-1)        /* stays as it is */
#define INFERRED (-2)       /* by its own text */
#define PLANS 16u           /* layouts whose plans are kept; a power of two */
#define PLAN_ORDINARY 1024u /* steps; what a plan with more needs is given back */
#define NONE SIZE_MAX

/* One field of what a record becomes. */
struct step {
	size_t from;            /* which field of the record, or which --set */
	const char *name, *key; /* a --map's, or NULL: as the record has them */
	uint32_t name_len, key_len;
	enum field_role role;
	int type;         /* --type's, for a JSON value */
	int cell_type;    /* for a cell: --type's, the default, or INFERRED */
	bool set;         /* from a --set */
	bool apart;       /* the action field: taken out */
	bool plain;       /* a field as it is, but that a cell may be empty */
	size_t next_made; /* the next step whose field is not the record's own, or NONE */
};

/* What to do with the records that have one list of names: those of a layout, whose plan is kept so
 * that no name is looked at again, or one record. */
struct plan {
	uint64_t layout; /* its number; 0: it is of one record, or of none */
	struct step *steps;
	size_t count, cap;
	size_t id; /* the identifying field's step, or NONE */
	enum id_type id_type;
	size_t first_made; /* see the step's */
	bool id_dropped, special;
	uint32_t typed_roles;      /* see struct mapped */
	struct reason *conflict;   /* two names that a --map made equal, or NULL */
	struct field *made;        /* a place for each step's field that is not the record's own */
	const struct field **list; /* what a mapped record's fields are, where some are left out */
	/* Of a layout: what its records become, all but the values that are made, and its list. */
	struct mapped whole;
	const struct field **whole_list;
};

struct mapping {
	const struct mapping_config *config;
	struct plan plans[PLANS];
	struct plan single;    /* of a record without a layout */
	struct buf values;     /* converted ones */
	struct field *sets;    /* --set's values as fields; its name and key too */
	struct field *renames; /* --map's new names and keys */
	char **texts;          /* what the two above point into */
	size_t text_count;
	bool seconds_meant; /* see struct mapped */
};

static const char *keep_text(struct mapping *m, const char *s, size_t n)
{
	return m->texts[m->text_count++] = field_text(s, n);
}

/* Gives f a name from the options, with its JSON key. */
static void name_field(struct mapping *m, struct field *f, const char *name)
{
	struct buf key;

	buf_init(&key, BUF_UNBOUNDED);
	text_json(&key, name, strlen(name));
	buf_str(&key, ":\"");
	f->name = name;
	f->name_len = (uint32_t)strlen(name);
	f->key = keep_text(m, key.data, key.len);
	f->key_len = (uint32_t)key.len - 2;
	buf_free(&key);
}

const char *const type_names[] = {
	[TYPE_STRING] = "string",
	[TYPE_INT] = "int",
	[TYPE_FLOAT] = "float",
	[TYPE_BOOL] = "bool",
	[TYPE_TIMESTAMP] = "timestamp",
	[TYPE_JSON] = "json",
	NULL,
};

static bool is_name(const char *option, const char *name, size_t n)
{
	return strlen(option) == n && memcmp(option, name, n) == 0;
}

static int named_type(const struct mapping_config *c, const char *name, size_t n)
{
	for (size_t i = c->type_count; i-- > 0;) /* the last one said counts */
		if (is_name(c->types[i].name, name, n))
			return (int)c->types[i].type;
	return NO_TYPE;
}

struct mapping *mapping_new(const struct mapping_config *config)
{
	struct mapping *m = xcalloc(1, sizeof *m);

	m->config = config;
	m->sets = xcalloc(config->set_count, sizeof *m->sets);
	m->renames = xcalloc(config->rename_count, sizeof *m->renames);
	m->texts = xcalloc(2 * config->set_count + config->rename_count, sizeof *m->texts);
	buf_init(&m->values, BUF_UNBOUNDED);
	for (size_t i = 0; i < config->set_count; i++) {
		name_field(m, &m->sets[i], config->sets[i].name);
		m->sets[i].value_len = strlen(config->sets[i].value);
		m->sets[i].value = keep_text(m, config->sets[i].value, m->sets[i].value_len);
		m->sets[i].kind = FIELD_TEXT;
	}
	for (size_t i = 0; i < config->rename_count; i++)
		name_field(m, &m->renames[i], config->renames[i].value);
	return m;
}

static void plan_free(struct plan *p)
{
	free(p->steps);
	free(p->made);
	free(p->list);
	free(p->whole_list);
	free(p->conflict);
	*p = (struct plan){ 0 };
}

/* Empties a plan for another one; what it has room for stays, where that is not much. */
static void plan_reset(struct plan *p)
{
	if (p->cap > PLAN_ORDINARY)
		plan_free(p);
	free(p->conflict);
	*p = (struct plan){
		.steps = p->steps,
		.cap = p->cap,
		.id = NONE,
		.first_made = NONE,
		.made = p->made,
		.list = p->list,
		.whole_list = p->whole_list,
	};
}

void mapping_free(struct mapping *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < PLANS; i++)
		plan_free(&m->plans[i]);
	plan_free(&m->single);
	for (size_t i = 0; i < m->text_count; i++)
		free(m->texts[i]);
	free(m->texts);
	free(m->sets);
	free(m->renames);
	buf_free(&m->values);
	free(m);
}

static bool is_listed(const char *const *list, size_t count, const char *name, size_t n)
{
	for (size_t i = 0; i < count; i++)
		if (is_name(list[i], name, n))
			return true;
	return false;
}

static enum field_role role_of(const char *name, size_t n)
{
	static const char *const names[ROLE_COUNT] = {
		[ROLE_NAME] = "name",
		[ROLE_EVENT] = "event",
		[ROLE_TIMESTAMP] = "timestamp",
		[ROLE_EVENT_ID] = "event_id",
		[ROLE_DATA] = "data",
		[ROLE_ANONYMOUS_ID] = "anonymous_id",
		[ROLE_DEVICE_ID] = "device_id",
		[ROLE_PLATFORM] = "platform",
		[ROLE_LAST_USED] = "last_used",
		[ROLE_PRIMARY_ID] = "primary_id",
		[ROLE_PRIMARY_EMAIL] = "primary_email",
		[ROLE_PRIMARY_CIO_ID] = "primary_cio_id",
		[ROLE_SECONDARY_ID] = "secondary_id",
		[ROLE_SECONDARY_EMAIL] = "secondary_email",
		[ROLE_SECONDARY_CIO_ID] = "secondary_cio_id",
		[ROLE_OBJECT_TYPE] = "object_type_id",
		[ROLE_OBJECT_ID] = "object_id",
		[ROLE_CIO_OBJECT_ID] = "cio_object_id",
		[ROLE_SEGMENT_ID] = "segment_id",
		[ROLE_SUPPRESSION] = "suppression",
		[ROLE_MESSAGE_DATA] = "message_data",
		[ROLE_STAMP] = "_timestamp",
		[ROLE_RELATIONSHIPS] = "cio_relationships",
		[ROLE_UPDATE] = "_update",
	};

	for (enum field_role role = ROLE_NONE + 1; role < ROLE_COUNT; role++)
		if (is_name(names[role], name, n))
			return role;
	return ROLE_NONE;
}

/* The last --set of that name, or NONE. */
static size_t find_set(const struct mapping_config *c, const char *name, size_t n)
{
	for (size_t i = c->set_count; i-- > 0;)
		if (is_name(c->sets[i].name, name, n))
			return i;
	return NONE;
}

static size_t find_rename(const struct mapping_config *c, const char *name, size_t n)
{
	for (size_t i = c->rename_count; i-- > 0;)
		if (is_name(c->renames[i].name, name, n))
			return i;
	return NONE;
}

/* A step's field before it is given a value: its name, and for a --set its value too. */
static inline void take_field(const struct mapping *m, const struct step *s,
    const struct field *fields, struct field *f)
{
	*f = s->set ? m->sets[s->from] : fields[s->from];
	if (s->name) {
		f->name = s->name;
		f->name_len = s->name_len;
		f->key = s->key;
		f->key_len = s->key_len;
	}
}

static struct field step_field(const struct mapping *m, const struct step *s,
    const struct field *fields)
{
	struct field f;

	take_field(m, s, fields, &f);
	return f;
}

static struct step *add_step(struct plan *p, size_t from, bool set)
{
	if (p->count == p->cap) {
		p->cap = p->cap ? p->cap * 2 : 16;
		p->steps = xrealloc(p->steps, p->cap * sizeof *p->steps);
		p->made = xrealloc(p->made, p->cap * sizeof *p->made);
		p->list = xrealloc(p->list, p->cap * sizeof *p->list);
		p->whole_list = xrealloc(p->whole_list, p->cap * sizeof *p->whole_list);
	}
	struct step *s = &p->steps[p->count++];
	*s = (struct step){ .from = from, .set = set, .type = NO_TYPE, .cell_type = NO_TYPE };
	return s;
}

/* --map, from the record's own names: renames do not follow one another. */
static void plan_renames(struct mapping *m, struct plan *p, const struct field *fields,
    size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct step *s = add_step(p, i, false);
		size_t to = find_rename(m->config, fields[i].name, fields[i].name_len);
		if (to != NONE) {
			s->name = m->renames[to].name;
			s->name_len = m->renames[to].name_len;
			s->key = m->renames[to].key;
			s->key_len = m->renames[to].key_len;
		}
	}
}

/* Only a rename can make two names equal: a reader lets none through. */
static void plan_conflict(const struct mapping *m, struct plan *p, const struct field *fields)
{
	for (size_t i = 0; i < p->count && !p->conflict; i++) {
		for (size_t k = 0; p->steps[i].name && k < p->count; k++) {
			struct field a = step_field(m, &p->steps[i], fields),
			             b = step_field(m, &p->steps[k], fields);
			if (k == i || a.name_len != b.name_len ||
			    memcmp(a.name, b.name, a.name_len) != 0)
				continue;
			struct buf shown;
			buf_init(&shown, REASON_MAX);
			text_safe(&shown, a.name, a.name_len, 60);
			p->conflict = xmalloc(sizeof *p->conflict);
			reason_set(p->conflict,
			    "two fields are named \"%.*s\" after --map: "
			    "give one of them another name",
			    (int)shown.len, shown.data);
			buf_free(&shown);
			break;
		}
	}
}

/* --set: in the place of a field of that name, else at the end. */
static void plan_sets(const struct mapping *m, struct plan *p, const struct field *fields)
{
	size_t own = p->count;

	for (size_t i = 0; i < m->config->set_count; i++) {
		const struct field *set = &m->sets[i];
		if (find_set(m->config, set->name, set->name_len) != i)
			continue; /* said again later */
		size_t k = 0;
		for (; k < own; k++) {
			struct field f = step_field(m, &p->steps[k], fields);
			if (f.name_len == set->name_len &&
			    memcmp(f.name, set->name, f.name_len) == 0)
				break;
		}
		struct step *s = k < own ? &p->steps[k] : add_step(p, i, true);
		*s = (struct step){ .from = i, .set = true, .type = NO_TYPE, .cell_type = NO_TYPE };
	}
}

static size_t find_step(const struct mapping *m, const struct plan *p, const struct field *fields,
    const char *name)
{
	for (size_t i = 0; i < p->count; i++) {
		struct field f = step_field(m, &p->steps[i], fields);
		if (!p->steps[i].apart && is_name(name, f.name, f.name_len))
			return i;
	}
	return NONE;
}

static void plan_id(const struct mapping *m, struct plan *p, const struct field *fields)
{
	const struct mapping_config *c = m->config;
	int types = c->phone_identifies ? ID_TYPE_COUNT : ID_PHONE;

	if (c->names_nobody)
		return;
	if (c->id_field) {
		p->id = find_step(m, p, fields, c->id_field);
		for (int t = 0; t < ID_TYPE_COUNT; t++)
			if (strcmp(c->id_field, id_type_names[t]) == 0)
				p->id_type = (enum id_type)t;
	}
	for (int t = 0; !c->id_field && t < types && p->id == NONE; t++) {
		p->id = find_step(m, p, fields, id_type_names[t]);
		p->id_type = (enum id_type)t;
	}
	if (c->id_type >= 0)
		p->id_type = (enum id_type)c->id_type;
}

static bool is_left_out(const struct mapping_config *c, const char *name, size_t n)
{
	return (c->only_count && !is_listed(c->only, c->only_count, name, n)) ||
	    is_listed(c->drop, c->drop_count, name, n);
}

/* --type's, else what a CSV's cell of that name is by itself: what these names mean to Customer.io
 * is no text. */
static int cell_type(const struct mapping_config *c, const char *name, size_t n)
{
	static const struct name_type by_name[] = {
		{ "timestamp", TYPE_TIMESTAMP },
		{ "created_at", TYPE_TIMESTAMP },
		{ "unsubscribed", TYPE_BOOL },
		{ "cio_subscription_preferences", TYPE_JSON },
		{ "cio_relationships", TYPE_JSON },
	};
	int type = named_type(c, name, n);

	for (size_t i = 0; type == NO_TYPE && i < sizeof by_name / sizeof *by_name; i++)
		if (is_name(by_name[i].name, name, n))
			type = (int)by_name[i].type;
	return type;
}

const char *mapping_type_name(const struct mapping_config *config, const char *name, size_t n,
    bool cells)
{
	int type = cells ? cell_type(config, name, n) : named_type(config, name, n);

	return type == NO_TYPE ? NULL : type_names[type];
}

/* --only and --drop, and what each field that is left means and becomes. */
static void plan_choice(const struct mapping *m, struct plan *p, const struct field *fields)
{
	const struct mapping_config *c = m->config;
	size_t kept = 0, id = NONE, last_made = NONE;

	for (size_t i = 0; i < p->count; i++) {
		struct step s = p->steps[i];
		struct field f = step_field(m, &s, fields);
		bool dropped = is_left_out(c, f.name, f.name_len);
		if (dropped && i != p->id && !s.apart)
			continue;
		if (i == p->id) {
			id = kept;
			p->id_dropped = dropped;
		}
		s.role = role_of(f.name, f.name_len);
		p->special |= s.role >= ROLE_SPECIAL;
		s.type = named_type(c, f.name, f.name_len);
		s.cell_type = cell_type(c, f.name, f.name_len);
		if ((f.kind == FIELD_JSON ? s.type : s.cell_type) != NO_TYPE)
			p->typed_roles |= 1u << s.role;
		if (s.cell_type == NO_TYPE && c->infer && i != p->id && !s.set && !s.apart)
			s.cell_type = INFERRED;
		s.plain = !s.set && !s.apart && !s.name && s.type == NO_TYPE &&
		    (f.kind == FIELD_JSON || s.cell_type == NO_TYPE);
		s.next_made = NONE;
		if (!s.plain) {
			*(last_made == NONE ? &p->first_made :
			                      &p->steps[last_made].next_made) = kept;
			last_made = kept;
		}
		p->steps[kept++] = s;
	}
	p->count = kept;
	p->id = id;
}

static void plan_make(struct mapping *m, struct plan *p, const struct field *fields, size_t count)
{
	plan_reset(p);
	plan_renames(m, p, fields, count);
	plan_conflict(m, p, fields);
	plan_sets(m, p, fields);
	if (m->config->action_field) {
		size_t at = find_step(m, p, fields, m->config->action_field);
		if (at < p->count)
			p->steps[at].apart = true;
	}
	plan_id(m, p, fields);
	plan_choice(m, p, fields);
}

/* What all records of a layout become: the fields in their places, of which only the values change
 * from record to record. */
static void plan_whole(const struct mapping *m, struct plan *p, const struct layout *layout)
{
	struct mapped *whole = &p->whole;

	*whole = (struct mapped){ .fields = p->whole_list,
		.typed_roles = p->typed_roles,
		.id_type = p->id_type,
		.id_dropped = p->id_dropped,
		.special = p->special,
		.laid_out = true };
	for (size_t i = 0; i < p->count; i++) {
		const struct step *s = &p->steps[i];
		struct field *f = s->plain ? &layout->fields[s->from] : &p->made[i];
		if (!s->plain)
			take_field(m, s, layout->fields, f);
		f->role = s->role;
		if (i == p->id)
			whole->id = f;
		if (!s->apart)
			p->whole_list[whole->count++] = f;
		whole->sets |= s->set;
		whole->most += f->key_len + sizeof ":\"\"," + CONVERT_ROOM(0);
		if (f->name_len > whole->longest_name)
			whole->longest_name = f->name_len;
	}
}

/* The plan for a record: its layout's, which is made when it is first met, or one for it alone. */
static struct plan *plan_for(struct mapping *m, const struct record *r)
{
	const struct layout *l = r->layout;
	size_t place = l && l->count <= PLAN_ORDINARY ? l->number & (PLANS - 1) : 0;
	struct plan *p = l ? &m->plans[place] : &m->single;

	if (l && p->layout == l->number)
		return p;
	plan_make(m, p, r->fields, r->count);
	if (l) {
		p->layout = l->number;
		plan_whole(m, p, l);
	}
	return p;
}

/* Where values go that are made, large enough for all of them, so that none moves. */
static char *value_room(struct mapping *m, const struct plan *p, const struct record *r)
{
	size_t need = 0;

	for (size_t i = p->first_made; i != NONE; i = p->steps[i].next_made) {
		const struct step *s = &p->steps[i];
		need += CONVERT_ROOM(
		    s->set ? m->sets[s->from].value_len : r->fields[s->from].value_len);
	}
	buf_reset(&m->values);
	return need ? buf_room(&m->values, need + FIELD_SLACK) : NULL;
}

/* An empty cell. 1, or 0 where it is to be left out. */
static int empty_value(const struct mapping *m, bool is_id, struct field *f)
{
	static const char null[4 + FIELD_SLACK] = "null";

	if (is_id || m->config->empty == EMPTY_CLEAR)
		return 1;
	if (m->config->empty == EMPTY_SKIP)
		return 0;
	f->kind = FIELD_JSON;
	f->value = null;
	f->value_len = 4;
	return 1;
}

/* What a step makes of its field, which was taken. 1, 0 where it is to be left out, -1 with
 * *why. */
static int step_apply(const struct mapping *m, const struct step *s, bool is_id,
    const struct record *r, struct field *f, char **room, struct reason *why)
{
	if (f->kind == FIELD_TEXT && f->value_len == 0)
		return s->set ? 1 : empty_value(m, is_id, f);

	bool csv = r->count > 0 && r->fields[0].kind == FIELD_TEXT;
	int type = f->kind == FIELD_JSON || !csv ? s->type : s->cell_type;
	if (type == INFERRED)
		convert_infer(f);
	/* null stays null */
	else if (type >= 0 && !(f->kind == FIELD_JSON && f->value[0] == 'n'))
		return convert_field(f, (enum field_type)type, room, why) == 0 ? 1 : -1;
	return 1;
}

/* All but what is left out because it is empty. */
static void list_filled(const struct plan *p, struct mapped *out)
{
	const struct field *const *whole = p->whole_list;
	const struct field **to = p->list;

	for (size_t i = 0; i < p->count; i++) {
		const struct step *s = &p->steps[i];
		if (s->apart)
			continue;
		if ((*whole)->value_len || s->set || i == p->id)
			*to++ = *whole;
		whole++;
	}
	out->fields = p->list;
	out->count = (size_t)(to - p->list);
}

/* A record of a layout: `whole` is right but for the values that are made. */
static int apply_whole(struct mapping *m, const struct plan *p, const struct record *r,
    struct mapped *out, struct reason *why)
{
	const struct field *action = NULL;
	char *room = value_room(m, p, r);

	for (size_t i = p->first_made; i != NONE; i = p->steps[i].next_made) {
		const struct step *s = &p->steps[i];
		struct field *f = &p->made[i]; /* its name is there */
		const struct field *own = s->set ? &m->sets[s->from] : &r->fields[s->from];
		f->kind = own->kind;
		f->value = own->value;
		f->value_len = own->value_len;
		if (step_apply(m, s, i == p->id, r, f, &room, why) < 0)
			return -1;
		if (s->apart && !field_is_empty(f))
			action = f;
	}
	*out = p->whole;
	out->action = action;
	out->plain = r->plain;
	out->most += CONVERT_ROOM(r->from.raw_len);
	if (r->blank && m->config->empty == EMPTY_SKIP)
		list_filled(p, out);
	return 0;
}

/* Any other record: its fields one after another, but for the action field. */
static int apply_steps(struct mapping *m, const struct plan *p, const struct record *r,
    struct mapped *out, struct reason *why)
{
	char *room = value_room(m, p, r);
	struct field *own = r->fields;
	const struct field **to = p->list;
	const struct step *end = p->steps + p->count, *id = p->id == NONE ? NULL : p->steps + p->id;

	for (const struct step *s = p->steps; s < end; s++) {
		if (s->plain && own[s->from].value_len) { /* most are */
			struct field *same = &own[s->from];
			same->role = s->role;
			*to++ = same;
			continue;
		}
		struct field *f = &p->made[s - p->steps];
		take_field(m, s, r->fields, f);
		f->role = s->role;
		int here = step_apply(m, s, s == id, r, f, &room, why);
		if (here < 0)
			return -1;
		if (here == 0)
			continue;
		if (!s->apart)
			*to++ = f;
		else if (!field_is_empty(f))
			out->action = f;
	}
	if (id) /* which is never left out */
		out->id = id->plain && own[id->from].value_len ? &own[id->from] : &p->made[p->id];
	out->count = (size_t)(to - p->list);
	return 0;
}

int mapping_apply(struct mapping *m, const struct record *r, struct mapped *out, struct reason *why)
{
	const struct plan *p = plan_for(m, r);

	if (p->conflict) {
		*why = *p->conflict;
		return -1;
	}
	if (r->layout && !(r->blank && m->config->empty == EMPTY_NULL))
		return apply_whole(m, p, r, out, why);
	*out = (struct mapped){ .fields = p->list,
		.typed_roles = p->typed_roles,
		.id_type = p->id_type,
		.id_dropped = p->id_dropped,
		.special = p->special };
	return apply_steps(m, p, r, out, why);
}

/* A field that is left, and nearly has the name of an identifying one that is not there. */
static void find_near(const struct mapping *m, const struct plan *p, const struct field *fields,
    struct header_check *out)
{
	int types = m->config->phone_identifies ? ID_TYPE_COUNT : ID_PHONE;

	for (size_t i = 0; i < p->count && !out->near; i++) {
		const struct field f = step_field(m, &p->steps[i], fields);
		enum id_type type = id_type_near(f.name, f.name_len);
		if (p->steps[i].apart || p->steps[i].set || (int)type >= types ||
		    find_step(m, p, fields, id_type_names[type]) != NONE)
			continue;
		out->near = f.name;
		out->near_type = type;
	}
}

static struct field *named_fields(const char *const *names, size_t count)
{
	struct field *fields = xcalloc(count, sizeof *fields);

	for (size_t i = 0; i < count; i++) {
		fields[i].name = names[i];
		fields[i].name_len = (uint32_t)strlen(names[i]);
	}
	return fields;
}

bool mapping_has_field(struct mapping *m, const char *const *names, size_t count, const char *name)
{
	struct plan p = { .id = NONE };
	struct field *fields = named_fields(names, count);

	plan_make(m, &p, fields, count);
	bool has = find_step(m, &p, fields, name) != NONE;
	plan_free(&p);
	free(fields);
	return has;
}

void mapping_names(struct mapping *m, const char *const *names, size_t count, mapping_name *tell,
    void *arg)
{
	struct plan p = { .id = NONE };
	struct field *fields = named_fields(names, count);

	plan_make(m, &p, fields, count);
	for (size_t i = 0; i < p.count; i++) {
		struct field f = step_field(m, &p.steps[i], fields);
		if (!p.steps[i].apart)
			tell(arg, f.name, f.name_len);
	}
	plan_free(&p);
	free(fields);
}

int mapping_check_header(struct mapping *m, const char *const *names, size_t count,
    struct header_check *out, struct reason *why)
{
	struct plan p = { .id = NONE };
	struct field *fields = named_fields(names, count);
	int result = 0;

	plan_make(m, &p, fields, count);
	*out = (struct header_check){ .near_type = ID_TYPE_COUNT };
	if (p.id != NONE)
		out->id = step_field(m, &p.steps[p.id], fields).name;
	if (!m->config->id_field)
		find_near(m, &p, fields, out);
	if (p.conflict) {
		*why = *p.conflict;
		result = -1;
	}
	plan_free(&p);
	free(fields);
	return result;
}

int mapping_check_sets(const struct mapping_config *config, bool cells, struct reason *why)
{
	int result = 0;

	for (size_t i = 0; i < config->set_count && result == 0; i++) {
		const struct name_pair *set = &config->sets[i];
		struct field f = {
			.name = set->name,
			.name_len = (uint32_t)strlen(set->name),
			.value = set->value,
			.value_len = strlen(set->value),
			.kind = FIELD_TEXT,
		};
		int type = cells ? cell_type(config, f.name, f.name_len) :
		                   named_type(config, f.name, f.name_len);
		if (type == NO_TYPE || f.value_len == 0 ||
		    find_set(config, f.name, f.name_len) != i ||
		    is_left_out(config, f.name, f.name_len))
			continue;
		char *storage = xmalloc(CONVERT_ROOM(f.value_len)), *room = storage;
		result = convert_field(&f, (enum field_type)type, &room, why);
		free(storage);
	}
	return result;
}

static void describe_text(struct buf *out, const char *text)
{
	buf_byte(out, ' ');
	if (text)
		text_json(out, text, strlen(text));
	else
		buf_byte(out, '-');
}

void mapping_describe(const struct mapping_config *config, struct buf *out)
{
	for (size_t i = 0; i < config->rename_count; i++) {
		buf_str(out, "map");
		describe_text(out, config->renames[i].name);
		describe_text(out, config->renames[i].value);
		buf_byte(out, '\n');
	}
	for (size_t i = 0; i < config->set_count; i++) {
		buf_str(out, "set");
		describe_text(out, config->sets[i].name);
		describe_text(out, config->sets[i].value);
		buf_byte(out, '\n');
	}
	buf_str(out, "only");
	for (size_t i = 0; i < config->only_count; i++)
		describe_text(out, config->only[i]);
	buf_str(out, "\ndrop");
	for (size_t i = 0; i < config->drop_count; i++)
		describe_text(out, config->drop[i]);
	buf_str(out, "\ntype");
	for (size_t i = 0; i < config->type_count; i++) {
		describe_text(out, config->types[i].name);
		buf_fmt(out, " %d", (int)config->types[i].type);
	}
	buf_str(out, "\nid");
	describe_text(out, config->id_field);
	buf_fmt(out, " %d action", config->id_type);
	describe_text(out, config->action_field);
	buf_fmt(out, " empty %d infer %d phone %d\n", (int)config->empty, config->infer,
	    config->phone_identifies);
}
