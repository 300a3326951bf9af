/* A value is judged by its kind, and put where its row of the table says. */
#include "options/settings.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "base/buf.h"
#include "base/text.h"
#include "send/endpoint.h"
#include "base/log.h"
#include "base/os.h"
#include "options/options.h"
#include "options/suggest.h"
#include "base/utf8.h"

static int assign(struct settings *s, const struct option_spec *spec, const char *value,
    struct reason *why);

struct settings *settings_new(struct options *o)
{
	struct settings *s = xcalloc(1, sizeof *s);
	struct reason why;

	*o = (struct options){ .settings = s };
	s->options = o;
	for (enum option_id id = 0; id < OPTION_COUNT; id++) {
		const struct option_spec *spec = &options_table[id];
		if (spec->kind == KIND_CHOICE && !spec->preset)
			*(int *)((char *)o + spec->place) = -1;
		else if (spec->preset && assign(s, spec, spec->preset, &why) != 0)
			abort(); /* the table's default is not one of its own values */
	}
	return s;
}

static void free_lists(struct options *o)
{
	free((void *)o->input.files);
	free((void *)o->input.columns);
	free((void *)o->input.dialect.nulls);
	free((void *)o->mapping.only);
	free((void *)o->mapping.drop);
	free((void *)o->mapping.renames);
	free((void *)o->mapping.sets);
	free((void *)o->mapping.types);
}

void settings_free(struct settings *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->owned_count; i++) {
		os_wipe(s->owned[i], strlen(s->owned[i])); /* some are secrets */
		free(s->owned[i]);
	}
	free_lists(s->options);
	*s->options = (struct options){ 0 };
	free(s->owned);
	free(s);
}

const char *settings_keep(struct settings *s, char *owned)
{
	s->owned = xrealloc(s->owned, (s->owned_count + 1) * sizeof *s->owned);
	s->owned[s->owned_count++] = owned;
	return owned;
}

bool settings_commanded(const struct settings *s, enum option_id id)
{
	return s->source[id] == SOURCE_COMMAND;
}

const char *settings_shown(const char *value, char out[SETTINGS_SHOWN])
{
	struct buf b;

	buf_init(&b, SETTINGS_SHOWN - 1);
	buf_byte(&b, '"');
	text_safe(&b, value, strlen(value), 60); /* escaped, at most 4 * 60 bytes and two more */
	buf_byte(&b, '"');
	memcpy(out, b.data, b.len);
	out[b.len] = '\0';
	buf_free(&b);
	return out;
}

/* "SHOWN is not WHAT". Returns -1. */
static int refuse(struct reason *why, const char *value, const char *what)
{
	char shown[SETTINGS_SHOWN];

	return reason_set(why, "%s is not %s", settings_shown(value, shown), what);
}

static void add_name(const char *const **names, size_t *count, const char *name)
{
	const char **grown = xrealloc((void *)*names, (*count + 1) * sizeof *grown);

	grown[(*count)++] = name;
	*names = grown;
}

void settings_add_file(struct settings *s, const char *name)
{
	add_name(&s->options->input.files, &s->options->input.file_count, name);
}

/* A later value for a name replaces the earlier one. */
static void add_pair(const struct name_pair **pairs, size_t *count, struct name_pair pair)
{
	struct name_pair *grown = xrealloc((void *)*pairs, (*count + 1) * sizeof *grown);
	size_t i = 0;

	while (i < *count && strcmp(grown[i].name, pair.name) != 0)
		i++;
	grown[i] = pair;
	*pairs = grown;
	*count += i == *count;
}

static void add_type(const struct name_type **types, size_t *count, struct name_type type)
{
	struct name_type *grown = xrealloc((void *)*types, (*count + 1) * sizeof *grown);
	size_t i = 0;

	while (i < *count && strcmp(grown[i].name, type.name) != 0)
		i++;
	grown[i] = type;
	*types = grown;
	*count += i == *count;
}

/* "a, b or c" */
static void list_values(struct buf *out, const char *const *values)
{
	for (size_t i = 0; values[i]; i++)
		buf_fmt(out, "%s%s", i == 0 ? "" : values[i + 1] ? ", " : " or ", values[i]);
}

/* '-' and '_' are alike. */
static bool same_word(const char *a, const char *b)
{
	for (; *a && *b; a++, b++)
		if (*a != *b && !(strchr("-_", *a) && strchr("-_", *b)))
			return false;
	return *a == *b;
}

/* The index of a value, or -1 with *why, which suggests the nearest. */
static int find_value(const char *const *values, const char *value, const char *what,
    struct reason *why)
{
	struct suggestion best;
	struct buf all;
	char shown[SETTINGS_SHOWN];

	suggest_begin(&best, value, strlen(value));
	for (int i = 0; values[i]; i++) {
		if (same_word(values[i], value))
			return i;
		suggest_try(&best, values[i]);
	}
	settings_shown(value, shown);
	if (suggest_end(&best))
		return reason_set(why, "%s is not %s: did you mean %s?", shown, what,
		    suggest_end(&best));
	buf_init(&all, 1000);
	list_values(&all, values);
	buf_byte(&all, '\0');
	reason_set(why, "%s is not %s: give %s", shown, what, all.data);
	buf_free(&all);
	return -1;
}

static int assign_choice(const struct option_spec *spec, int *place, const char *value,
    struct reason *why)
{
	char what[40] = "a known "; /* "a known action" */
	size_t n = strlen(what);

	for (const char *p = spec->argument; *p && n + 1 < sizeof what; p++)
		what[n++] = (char)tolower((unsigned char)*p);
	what[n] = '\0';
	int index = find_value(spec->values, value, what, why);
	if (index < 0)
		return -1;
	*place = index;
	return 0;
}

static int assign_flag(bool *place, const char *value, struct reason *why)
{
	if (value && strcmp(value, "true") != 0 && strcmp(value, "false") != 0)
		return refuse(why, value, "true or false, and this option takes nothing else");
	*place = !value || strcmp(value, "true") == 0;
	return 0;
}

static int assign_text(const char **place, const char *value, struct reason *why)
{
	if (!*value)
		return reason_set(why, "its value is empty");
	if (!utf8_valid(value, strlen(value)))
		return refuse(why, value, "UTF-8");
	*place = value;
	return 0;
}

static int assign_file(const struct option_spec *spec, const char **place, const char *value,
    struct reason *why)
{
	if (!*value)
		return reason_set(why, "the file's name is empty");
	if (strcmp(value, "-") == 0 && !(spec->flags & OPTION_STDOUT))
		return reason_set(why,
		    "\"-\" is no file here: give a name (./- for a file of that name)");
	*place = value;
	return 0;
}

/* A count goes to a member that is as wide as it has to be. */
static void put_count(void *place, size_t size, uint64_t count)
{
	unsigned narrow = (unsigned)count;

	memcpy(place, size == sizeof narrow ? (void *)&narrow : &count, size);
}

static int assign_count(const struct option_spec *spec, void *place, const char *value,
    struct reason *why)
{
	bool may_be_auto = spec->flags & OPTION_MAYBE_AUTO;
	char shown[SETTINGS_SHOWN];
	uint64_t count;

	if (may_be_auto && strcmp(value, "auto") == 0) {
		put_count(place, spec->size, 0);
		return 0;
	}
	if (num_count(value, spec->min, spec->max, &count) == 0) {
		put_count(place, spec->size, count);
		return 0;
	}
	settings_shown(value, shown);
	if (spec->max == INT64_MAX)
		return reason_set(why, "%s is not a whole number of %" PRIu64 " or more", shown,
		    spec->min);
	return reason_set(why, "%s is not a whole number from %" PRIu64 " to %" PRIu64 "%s", shown,
	    spec->min, spec->max, may_be_auto ? ", or auto" : "");
}

static int assign_time(const struct option_spec *spec, int64_t *place, const char *value,
    struct reason *why)
{
	char shown[SETTINGS_SHOWN];
	int64_t us;

	if (num_time(value, &us) != 0)
		return refuse(why, value,
		    "a time: give a number and ms, s, m or h, such as 500ms, 10s or 1.5h");
	if ((uint64_t)us < spec->min)
		return reason_set(why, "%s is too short: give at least %" PRIu64 "ms",
		    settings_shown(value, shown), spec->min / 1000);
	*place = us;
	return 0;
}

static int assign_rate(struct num_rate *place, const char *value, struct reason *why)
{
	if (num_rate(value, place) == 0)
		return 0;
	return refuse(why, value,
	    "a rate: give requests a second such as 50, 600/m or unlimited (1/h to 1000000/s)");
}

static int assign_fraction(double *place, const char *value, struct reason *why)
{
	if (num_fraction(value, 0, 1, place) == 0)
		return 0;
	return refuse(why, value, "a fraction from 0 to 1, such as 0.25");
}

static int assign_share(const struct option_spec *spec, uint64_t *count, double *percent,
    const char *value, struct reason *why)
{
	char shown[SETTINGS_SHOWN];
	uint64_t n;
	double share;

	if (num_share(value, &n, &share) != 0)
		return refuse(why, value,
		    "a number or a share: give a whole number such as 100, or a percentage such as "
		    "0.5%");
	if (share == 0 && n < spec->min)
		return reason_set(why, "%s is too little: 1 stops at the first",
		    settings_shown(value, shown));
	*count = n;
	*percent = share;
	return 0;
}

/* Cuts a list at its commas: *rest is what is left of it, NULL at its end. The part, which the
 * settings own, or NULL with *why: no part may be empty. */
static char *next_part(struct settings *s, const char *list, const char **rest, struct reason *why)
{
	size_t n = strcspn(*rest, ",");
	char *part = xstrndup(*rest, n);

	settings_keep(s, part);
	*rest = (*rest)[n] ? *rest + n + 1 : NULL;
	if (n > 0)
		return part;
	refuse(why, list, "a list of names: one of them is empty");
	return NULL;
}

static int assign_names(struct settings *s, const char *const **names, size_t *count,
    const char *value, struct reason *why)
{
	if (!utf8_valid(value, strlen(value)))
		return refuse(why, value, "UTF-8");
	for (const char *rest = value; rest;) {
		const char *name = next_part(s, value, &rest, why);
		if (!name)
			return -1;
		add_name(names, count, name);
	}
	return 0;
}

/* "FIELD:TYPE" */
static int read_type(char *part, struct name_type *out, struct reason *why)
{
	char *colon = strrchr(part, ':');

	out->name = part;
	if (!colon || colon == part)
		return refuse(why, part, "FIELD:TYPE: give something like age:int");
	int type = find_value(type_names, colon + 1, "a type", why);
	if (type < 0)
		return -1;
	*colon = '\0';
	out->type = (enum field_type)type;
	return 0;
}

static int assign_types(struct settings *s, const struct name_type **types, size_t *count,
    const char *value, struct reason *why)
{
	struct name_type type = { 0 };

	if (!utf8_valid(value, strlen(value)))
		return refuse(why, value, "UTF-8");
	for (const char *rest = value; rest;) {
		char *part = next_part(s, value, &rest, why);
		if (!part || read_type(part, &type, why) != 0)
			return -1;
		add_type(types, count, type);
	}
	return 0;
}

static int assign_pair(struct settings *s, const struct option_spec *spec,
    const struct name_pair **pairs, size_t *count, const char *value, struct reason *why)
{
	const char *equals = strchr(value, '=');
	bool may_be_empty = spec->flags & OPTION_MAY_BE_EMPTY;
	char shown[SETTINGS_SHOWN];

	if (!equals || equals == value || (!equals[1] && !may_be_empty))
		return reason_set(why, "%s is not %s: give something like %s",
		    settings_shown(value, shown), spec->argument,
		    may_be_empty ? "source=crm" : "mail=email");
	if (!utf8_valid(value, strlen(value)))
		return refuse(why, value, "UTF-8");
	const char *name = settings_keep(s, xstrndup(value, (size_t)(equals - value)));
	add_pair(pairs, count, (struct name_pair){ name, equals + 1 });
	return 0;
}

static int assign_char(const struct option_spec *spec, char *place, const char *value,
    struct reason *why)
{
	bool none = spec->flags & OPTION_MAYBE_NONE;

	if (none && strcmp(value, "none") == 0)
		value = "";
	else if (strcmp(value, "\\t") == 0)
		value = "\t";
	else if (strlen(value) != 1 || (unsigned char)*value > 0x7f || strchr("\r\n", *value))
		return refuse(why, value,
		    none ? "one ASCII character other than a line break, or none" :
		           "one ASCII character other than a line break (\\t is a tab)");
	*place = *value;
	return 0;
}

static int assign_batch(struct settings *s, const struct option_spec *spec, void *most, bool *batch,
    const char *value, struct reason *why)
{
	*batch = true;
	put_count(most, spec->size, 0);
	if (value && s->source[OPTION_BATCH] == SOURCE_CONFIG &&
	    assign_flag(batch, value, why) == 0)
		return 0;
	return value ? assign_count(spec, most, value, why) : 0;
}

static int assign_shard(const struct option_spec *spec, unsigned *shard, unsigned *shards,
    const char *value, struct reason *why)
{
	const char *slash = strchr(value, '/');
	uint64_t i, n;
	char shown[SETTINGS_SHOWN];
	char first[24] = "";

	if (slash && (size_t)(slash - value) < sizeof first)
		memcpy(first, value, (size_t)(slash - value));
	if (!slash || num_count(slash + 1, spec->min, spec->max, &n) != 0 ||
	    num_count(first, 1, n, &i) != 0)
		return reason_set(why,
		    "%s is not I/N: give 1/4 to 4/4 for four shares (N is at most %" PRIu64 ")",
		    settings_shown(value, shown), spec->max);
	*shard = (unsigned)i;
	*shards = (unsigned)n;
	return 0;
}

static int assign_url(struct settings *s, const char **place, const char *value, struct reason *why)
{
	char *url;

	if (endpoint_parse(value, &url, why) != 0)
		return -1;
	*place = settings_keep(s, url);
	return 0;
}

static int assign(struct settings *s, const struct option_spec *spec, const char *value,
    struct reason *why)
{
	void *place = (char *)s->options + spec->place;
	void *second = (char *)s->options + spec->second;

	switch (spec->kind) {
	case KIND_FLAG:
		return assign_flag(place, value, why);
	case KIND_TEXT:
		return assign_text(place, value, why);
	case KIND_FILE:
		return assign_file(spec, place, value, why);
	case KIND_CHOICE:
		return assign_choice(spec, place, value, why);
	case KIND_COUNT:
		return assign_count(spec, place, value, why);
	case KIND_TIME:
		return assign_time(spec, place, value, why);
	case KIND_RATE:
		return assign_rate(place, value, why);
	case KIND_FRACTION:
		return assign_fraction(place, value, why);
	case KIND_SHARE:
		return assign_share(spec, place, second, value, why);
	case KIND_NAMES:
		return assign_names(s, place, second, value, why);
	case KIND_PAIR:
		return assign_pair(s, spec, place, second, value, why);
	case KIND_TYPES:
		return assign_types(s, place, second, value, why);
	case KIND_CHAR:
		return assign_char(spec, place, value, why);
	case KIND_BATCH:
		return assign_batch(s, spec, place, second, value, why);
	case KIND_SHARD:
		return assign_shard(spec, place, second, value, why);
	case KIND_URL:
		return assign_url(s, place, value, why);
	}
	return 0;
}

int settings_assign(struct settings *s, enum option_id id, enum source source, const char *value,
    struct reason *why)
{
	s->source[id] = source;
	return assign(s, &options_table[id], value, why);
}
