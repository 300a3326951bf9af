/*
 * Notes what was said on the command line, in the environment and in the configuration file in the
 * options, value by value, before they are judged as a whole. A value from a stronger source
 * replaces one from a weaker; lists grow.
 */
#ifndef SETTINGS_H
#define SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include "options/options_table.h"

struct options;
struct reason;

/* From the weakest to the strongest. */
enum source { SOURCE_NONE, SOURCE_CONFIG, SOURCE_ENVIRONMENT, SOURCE_ENV_FILE, SOURCE_COMMAND };

/* Who said what, and what the options point to. */
struct settings {
	struct options *options;
	enum source source[OPTION_COUNT]; /* who said it last */
	char **owned;                     /* strings that the options point to */
	size_t owned_count;
};

struct settings *settings_new(struct options *o); /* and gives *o every default */
/* Wipes every string that it owns, and empties the options. NULL is fine. */
void settings_free(struct settings *s);

/* Keeps a string until settings_free, and returns it. */
const char *settings_keep(struct settings *s, char *owned);

/*
 * Notes one value (NULL for an option without one; "true" and "false" for a flag are known too).
 * The text must outlive the settings. 0, or -1 with *why, which does not name the option.
 */
int settings_assign(struct settings *s, enum option_id id, enum source source, const char *value,
    struct reason *why);

/* Notes one more FILE. */
void settings_add_file(struct settings *s, const char *name);

/* "VALUE" in quotes, escaped, for a message; a long one is cut off. */
#define SETTINGS_SHOWN 300
const char *settings_shown(const char *value, char out[SETTINGS_SHOWN]);

/* Whether it was said on the command line. */
bool settings_commanded(const struct settings *s, enum option_id id);

#endif
