/* The sources are read from the weakest to the strongest; the first refusal ends the reading. */
#include "options/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>
#include "base/buf.h"
#include "options/completion.h"
#include "options/configfile.h"
#include "options/envfile.h"
#include "options/help.h"
#include "base/log.h"
#include "options/options_check.h"
#include "options/options_table.h"
#include "base/path.h"
#include "base/text.h"
#include "options/settings.h"

#define LONG_BASE 0x100 /* what getopt returns for a long option is its id and this */

/* The command line as getopt takes it apart, not looked at yet. */
struct command {
	struct said {
		enum option_id id;
		const char *value;
	} * said;
	size_t count;
	char **files; /* what is no option, within argv */
	size_t file_count;
};

/* What reading them all shares. */
struct reading {
	char *const *environment;
	struct command command;
	struct envfile env_file;
	struct settings *settings;
	struct reason why;
	int status;
};

static int refuse(struct reading *r, int status)
{
	r->status = status;
	return -1;
}

/* getopt's own tables, from ours. */
static void make_tables(struct option longs[OPTION_COUNT + 1], char shorts[2 * OPTION_COUNT + 2])
{
	size_t n = 0;

	shorts[n++] = ':'; /* a missing value is told apart from an unknown option */
	for (enum option_id id = 0; id < OPTION_COUNT; id++) {
		const struct option_spec *spec = &options_table[id];
		int has_value = !spec->argument      ? no_argument :
		    spec->flags & OPTION_MAYBE_VALUE ? optional_argument :
		                                       required_argument;
		longs[id] = (struct option){ spec->name, has_value, NULL, LONG_BASE + (int)id };
		if (!spec->letter)
			continue;
		shorts[n++] = spec->letter;
		if (spec->argument)
			shorts[n++] = ':';
	}
	shorts[n] = '\0';
	longs[OPTION_COUNT] = (struct option){ NULL, 0, NULL, 0 };
}

static enum option_id option_of(int got)
{
	return got >= LONG_BASE ? (enum option_id)(got - LONG_BASE) : options_table_letter(got);
}

/* The word on the command line that getopt has just taken an option from. */
static const char *option_word(char **argv)
{
	return optarg && optarg == argv[optind - 1] ? argv[optind - 2] : argv[optind - 1];
}

/* Whether a --word[=value] is the option's whole name. getopt_long takes abbreviations; a script
 * that uses one would break when an option is added. */
static bool is_whole(const char *word, enum option_id id)
{
	return options_table_find(word + 2, strcspn(word + 2, "=")) == id;
}

/* Somebody who types a key into an option should hear where it belongs. */
static bool is_secret(const char *name, size_t n)
{
	static const char *const names[] = {
		"site-id",
		"api-key",
		"site_id",
		"api_key",
		"key",
		"token",
		"password",
		"user",
	};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strlen(names[i]) == n && memcmp(names[i], name, n) == 0)
			return true;
	return false;
}

/* The value behind = is never shown: who knows what it is. */
static int refuse_unknown(struct reading *r, const char *word)
{
	size_t n = strcspn(word, "="), dashes = strspn(word, "-");
	const char *nearest = dashes < n ? options_table_nearest(word + dashes, n - dashes) : NULL;
	char name[SETTINGS_SHOWN], *copy = xstrndup(word, n);

	settings_shown(copy, name);
	if (is_secret(copy + dashes, n - dashes))
		reason_set(&r->why,
		    "%s is not an option: credentials are taken from CUSTOMERIO_SITE_ID and "
		    "CUSTOMERIO_TRACK_API_KEY in the environment, or from --env-file",
		    name);
	else if (nearest)
		reason_set(&r->why, "%s is not an option: did you mean --%s?", name, nearest);
	else
		reason_set(&r->why, "%s is not an option", name);
	free(copy);
	return refuse(r, EX_USAGE);
}

static int refuse_letter(struct reading *r, int letter)
{
	char text[3] = { '-', (char)letter, '\0' }, shown[SETTINGS_SHOWN];

	reason_set(&r->why, "%s is not an option", settings_shown(text, shown));
	return refuse(r, EX_USAGE);
}

static int refuse_missing(struct reading *r, enum option_id id)
{
	const struct option_spec *spec = &options_table[id];

	reason_set(&r->why, "--%s needs a value: --%s=%s", spec->name, spec->name, spec->argument);
	return refuse(r, EX_USAGE);
}

/* What getopt refused: '?' or ':'. It says which option it was in optopt, 0 for a long one that it
 * does not know. */
static int refuse_getopt(struct reading *r, int got, char **argv)
{
	const char *word = argv[optind - 1];

	if (optopt == 0)
		return refuse_unknown(r, word);
	enum option_id id = option_of(optopt);
	if (id == OPTION_COUNT)
		return refuse_letter(r, optopt);
	if (optopt >= LONG_BASE && !is_whole(word, id))
		return refuse_unknown(r, word);
	if (got == ':')
		return refuse_missing(r, id);
	reason_set(&r->why, "--%s takes no value", options_table[id].name);
	return refuse(r, EX_USAGE);
}

/* Takes the command line apart. Stops at --help and its like, which are then the last thing
 * said. */
static int read_command(struct reading *r, int argc, char **argv)
{
	struct option longs[OPTION_COUNT + 1];
	char shorts[2 * OPTION_COUNT + 2];
	struct command *c = &r->command;
	int got;

	make_tables(longs, shorts);
	optind = 0; /* begin anew; getopt keeps its place in globals */
	opterr = 0;
	while ((got = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		if (got == '?' || got == ':')
			return refuse_getopt(r, got, argv);
		enum option_id id = option_of(got);
		const char *word = option_word(argv);
		if (got >= LONG_BASE && !is_whole(word, id))
			return refuse_unknown(r, word);
		c->said = xrealloc(c->said, (c->count + 1) * sizeof *c->said);
		c->said[c->count++] = (struct said){ id, optarg };
		if (options_table[id].flags & OPTION_STOPS)
			return 0;
	}
	c->files = argv + optind;
	c->file_count = (size_t)(argc - optind);
	return 0;
}

/* The last value that was given for an option, or NULL. */
static const char *command_value(const struct command *c, enum option_id id)
{
	const char *value = NULL;

	for (size_t i = 0; i < c->count; i++)
		if (c->said[i].id == id)
			value = c->said[i].value;
	return value;
}

/* Notes a value from the command line. */
static int assign_said(struct reading *r, const struct said *said)
{
	const struct option_spec *spec = &options_table[said->id];
	struct reason what;

	if (settings_assign(r->settings, said->id, SOURCE_COMMAND, said->value, &what) == 0)
		return 0;
	reason_set(&r->why, "--%s: %s", spec->name, what.text);
	return refuse(r, spec->kind == KIND_URL ? EX_CONFIG : EX_USAGE);
}

/* The files that say more are opened before the other values are looked at. */
static int apply_first(struct reading *r, enum option_id id)
{
	const struct said said = { id, command_value(&r->command, id) };

	return said.value ? assign_said(r, &said) : 0;
}

static int apply_command(struct reading *r)
{
	const struct command *c = &r->command;

	for (size_t i = 0; i < c->count; i++)
		if (assign_said(r, &c->said[i]) != 0)
			return -1;
	for (size_t i = 0; i < c->file_count; i++)
		settings_add_file(r->settings, c->files[i]);
	return 0;
}

/* A variable's value in the environment, and its name; NULL where it is not set. */
static const char *in_environment(const struct reading *r, enum variable v, const char **name)
{
	const char *value = NULL;

	for (unsigned which = 0; which < 2 && !value; which++)
		if ((*name = variable_name(v, which)))
			value = environment_get(r->environment, *name);
	return value;
}

static int assign_variable(struct reading *r, enum option_id id, enum source source,
    const char *value)
{
	if (!value)
		return 0;
	return settings_assign(r->settings, id, source, settings_keep(r->settings, xstrdup(value)),
	    &r->why);
}

/* Whether something stronger was said in a variable's place: then nobody looks at it, be it broken.
 * An address stands in a region's place, too. */
static bool is_overruled(const struct reading *r, enum variable v, enum option_id id,
    enum source source)
{
	const struct command *c = &r->command;
	bool env_file_first = command_value(c, OPTION_ENV_FILE) != NULL;

	return command_value(c, id) || command_value(c, OPTION_URL) ||
	    (source == SOURCE_ENVIRONMENT && env_file_first && r->env_file.entries[v].value);
}

/* The region or the address, from the environment (path NULL) or the env-file. */
static int apply_variable(struct reading *r, enum variable v, enum option_id id, enum source source,
    const char *path)
{
	const struct envfile_entry *e = &r->env_file.entries[v];
	char shown[PATH_SHOWN];
	const char *name = NULL;
	const char *value = path ? e->value : in_environment(r, v, &name);

	if (is_overruled(r, v, id, source) || assign_variable(r, id, source, value) == 0)
		return 0;
	struct reason what = r->why;
	if (path)
		reason_set(&r->why, "%s:%u: %s: %s", path_shown(path, shown), e->line, e->name,
		    what.text);
	else
		reason_set(&r->why, "%s: %s", name, what.text);
	return refuse(r, EX_CONFIG);
}

static int apply_variables(struct reading *r, enum source source, const char *path)
{
	if (apply_variable(r, VARIABLE_REGION, OPTION_REGION, source, path) != 0)
		return -1;
	return apply_variable(r, VARIABLE_URL, OPTION_URL, source, path);
}

/* A credential: the env-file's, where that was named on the command line, else the environment's,
 * else the env-file's. */
static int take_credential(struct reading *r, enum variable v, bool env_file_first,
    const char **out)
{
	const struct envfile_entry *e = &r->env_file.entries[v];
	const char *name = NULL, *value = in_environment(r, v, &name);

	if (e->value && (env_file_first || !value)) {
		value = e->value;
		name = e->name;
	}
	if (!value)
		return 0;
	for (const char *p = value; *p; p++)
		if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 0x7f ||
		    (*p == ':' && v == VARIABLE_SITE_ID)) {
			reason_set(&r->why,
			    "%s holds a character that no such credential has: copy it anew "
			    "from Customer.io (Settings, API credentials)",
			    name);
			return refuse(r, EX_CONFIG);
		}
	*out = settings_keep(r->settings, xstrdup(value));
	return 0;
}

static int take_app_key(struct reading *r, struct options *o, bool env_file_first)
{
	if (take_credential(r, VARIABLE_APP_KEY, env_file_first, &o->app_key) != 0)
		return -1;
	if (o->dry_run || o->app_key)
		return 0;
	reason_set(&r->why,
	    "CUSTOMERIO_APP_API_KEY is not set: put an App API key (Customer.io: Settings, API "
	    "credentials, App API keys) into the environment or an --env-file; --dry-run needs "
	    "none");
	return refuse(r, EX_CONFIG);
}

static int take_credentials(struct reading *r, struct options *o)
{
	bool env_file_first = settings_commanded(r->settings, OPTION_ENV_FILE);

	if (o->api->host->auth == API_KEY)
		return take_app_key(r, o, env_file_first);
	if (take_credential(r, VARIABLE_SITE_ID, env_file_first, &o->site_id) != 0 ||
	    take_credential(r, VARIABLE_API_KEY, env_file_first, &o->api_key) != 0)
		return -1;
	if (o->dry_run || (o->site_id && o->api_key))
		return 0;
	reason_set(&r->why,
	    "%s not set: put the workspace's Track API credentials (Customer.io: Settings, API "
	    "credentials) into the environment or an --env-file; --dry-run needs none",
	    o->site_id     ? "CUSTOMERIO_TRACK_API_KEY is" :
	        o->api_key ? "CUSTOMERIO_SITE_ID is" :
	                     "CUSTOMERIO_SITE_ID and CUSTOMERIO_TRACK_API_KEY are");
	return refuse(r, EX_CONFIG);
}

/* Everything that was said anywhere, from the weakest source to the strongest. */
static int read_sources(struct reading *r)
{
	struct settings *s = r->settings;
	const char *config = command_value(&r->command, OPTION_CONFIG);
	const char *env_file = command_value(&r->command, OPTION_ENV_FILE);
	bool env_file_first = env_file != NULL;

	if (apply_first(r, OPTION_CONFIG) != 0 || apply_first(r, OPTION_ENV_FILE) != 0)
		return -1;
	if (configfile_read(s, config, environment_get(r->environment, "XDG_CONFIG_HOME"),
	        environment_get(r->environment, "HOME"), &r->why) != 0)
		return refuse(r, EX_CONFIG);
	env_file = env_file ? env_file : s->options->env_file;
	if (env_file &&
	    envfile_read(&r->env_file, env_file,
	        environment_get(r->environment, "CREDENTIALS_DIRECTORY"), &r->why) != 0)
		return refuse(r, EX_CONFIG);
	if ((env_file && !env_file_first && apply_variables(r, SOURCE_CONFIG, env_file) != 0) ||
	    apply_variables(r, SOURCE_ENVIRONMENT, NULL) != 0 ||
	    (env_file_first && apply_variables(r, SOURCE_ENV_FILE, env_file) != 0))
		return -1;
	return apply_command(r);
}

/* What libcurl will read from the environment by itself. */
static bool names_proxy(char *const *environment)
{
	static const char *const names[] = { "http_proxy", "HTTPS_PROXY", "https_proxy",
		"ALL_PROXY", "all_proxy" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (environment_get(environment, names[i]))
			return true;
	return false;
}

/* Whether an option is not for what was rejected: it is about the input itself, or says what the
 * command for the rejects says anew. */
static bool is_not_again(enum option_id id, bool imports)
{
	return options_table[id].flags & OPTION_OF_INPUT ||
	    (imports && (id == OPTION_ACTION || id == OPTION_ACTION_FIELD));
}

/* The command for what a run over these FILEs has rejected, without FILEs. What was found to differ
 * is imported: to read it back once more would mend nothing. */
static const char *make_again(const struct reading *r, const char *program)
{
	const struct command *c = &r->command;
	bool imports = r->settings->options->action == ACTION_VERIFY;
	struct buf text = { .max = BUF_UNBOUNDED }, word = { .max = BUF_UNBOUNDED };

	text_word(&text, program);
	buf_str(&text, imports ? " --action=identify" : "");
	for (size_t i = 0; i < c->count; i++) {
		const struct said *said = &c->said[i];
		if (is_not_again(said->id, imports))
			continue;
		buf_reset(&word);
		buf_fmt(&word, "--%s", options_table[said->id].name);
		if (said->value)
			buf_fmt(&word, "=%s", said->value);
		buf_byte(&word, '\0');
		buf_byte(&text, ' ');
		text_word(&text, word.data);
	}
	buf_byte(&text, '\0');
	buf_free(&word);
	return settings_keep(r->settings, text.data);
}

static int read_run(struct reading *r, const char *program, struct options *o)
{
	struct settings *s = r->settings;

	if (read_sources(r) != 0 || options_check(s, &r->why, &r->status) != 0 ||
	    take_credentials(r, o) != 0)
		return -1;
	const char *ca_file = environment_get(r->environment, "SSL_CERT_FILE");
	char shown[PATH_SHOWN];
	if (ca_file && !o->dry_run && access(ca_file, R_OK) != 0) {
		reason_set(&r->why,
		    "SSL_CERT_FILE: %s: cannot be read: %s: correct it, or take it out of the "
		    "environment",
		    path_shown(ca_file, shown), strerror(errno));
		return refuse(r, EX_CONFIG);
	}
	o->ca_file = ca_file ? settings_keep(s, xstrdup(ca_file)) : NULL;
	o->proxies = names_proxy(r->environment);
	o->again = make_again(r, program ? program : "cio-import");
	return 0;
}

/* --help, --version, --completion. */
static int print_asked(struct reading *r, const struct said *asked, FILE *out)
{
	static void (*const completions[])(
	    FILE * out) = { completion_bash, completion_zsh, completion_fish };

	if (assign_said(r, asked) != 0)
		return -1;
	if (asked->id == OPTION_HELP)
		help_print(out);
	else if (asked->id == OPTION_VERSION)
		fprintf(out, "cio-import %s\n", VERSION);
	else
		completions[r->settings->options->completion](out);
	if (fflush(out) != 0 || ferror(out)) {
		reason_set(&r->why, "standard output cannot be written");
		return refuse(r, EX_CANTCREAT);
	}
	return 0;
}

static enum options_result read_all(struct reading *r, int argc, char **argv, bool input_is_tty,
    FILE *out, struct options *o)
{
	if (read_command(r, argc, argv) != 0)
		return OPTIONS_REFUSED;
	const struct command *c = &r->command;
	if (c->count > 0 && options_table[c->said[c->count - 1].id].flags & OPTION_STOPS)
		return print_asked(r, &c->said[c->count - 1], out) == 0 ? OPTIONS_DONE :
		                                                          OPTIONS_REFUSED;
	if (c->file_count == 0 && input_is_tty) {
		help_usage(stderr);
		r->status = EX_USAGE;
		return OPTIONS_REFUSED;
	}
	return read_run(r, argv[0], o) == 0 ? OPTIONS_RUN : OPTIONS_REFUSED;
}

enum options_result options_read(int argc, char **argv, char **environment, bool input_is_tty,
    FILE *out, struct options *o, int *status)
{
	struct reading r = { .environment = environment, .settings = settings_new(o) };

	enum options_result result = read_all(&r, argc, argv, input_is_tty, out, o);
	if (result == OPTIONS_REFUSED && r.why.text[0])
		log_error("%s%s", r.why.text,
		    r.status == EX_USAGE ? " (cio-import --help lists the options)" : "");
	*status = r.status;
	if (result != OPTIONS_RUN)
		settings_free(r.settings);
	envfile_free(&r.env_file);
	free(r.command.said);
	return result;
}

void options_free(struct options *o)
{
	settings_free(o->settings);
}
