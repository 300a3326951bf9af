/* Each shell's script is made from the table of options, so it cannot lag behind. */
#include "options/completion.h"

#include <stdbool.h>
#include <string.h>
#include "options/options_table.h"

/* What can be offered for an option's value. */
enum offer { OFFER_NOTHING, OFFER_VALUES, OFFER_FILES, OFFER_UNKNOWN };

static enum offer offer_of(const struct option_spec *spec)
{
	if (!spec->argument)
		return OFFER_NOTHING;
	return spec->values ? OFFER_VALUES : spec->kind == KIND_FILE ? OFFER_FILES : OFFER_UNKNOWN;
}

static bool is_optional(const struct option_spec *spec)
{
	return spec->flags & OPTION_MAYBE_VALUE;
}

static bool is_repeatable(const struct option_spec *spec)
{
	return spec->kind == KIND_NAMES || spec->kind == KIND_PAIR || spec->kind == KIND_TYPES;
}

/* The part of a help text that says what the option is, without the detail, for inside single
 * quotes, where `quoted` stands for a quote. */
static void put_gist(FILE *out, const char *help, const char *quoted)
{
	static const char *const ends[] = { " (", ": ", "; ", " @" };

	for (; *help; help++) {
		for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
			if (strncmp(help, ends[i], 2) == 0)
				return;
		if (*help == '\'')
			fputs(quoted, out);
		else
			fputc(*help, out);
	}
}

static void put_values(FILE *out, const struct option_spec *spec)
{
	for (size_t i = 0; spec->values[i]; i++)
		fprintf(out, "%s%s", i ? " " : "", spec->values[i]);
}

/* "--format|-f" */
static void put_bash_pattern(FILE *out, const struct option_spec *spec)
{
	fprintf(out, "    --%s", spec->name);
	if (spec->letter)
		fprintf(out, "|-%c", spec->letter);
}

static void put_bash_cases(FILE *out)
{
	for (enum option_id id = 0; id < OPTION_COUNT; id++) {
		const struct option_spec *spec = &options_table[id];
		enum offer offer = offer_of(spec);
		if (offer == OFFER_NOTHING || is_optional(spec))
			continue;
		put_bash_pattern(out, spec);
		fputs(offer == OFFER_FILES ? ") return ;;\n" : ") offer='", out);
		if (offer == OFFER_VALUES)
			put_values(out, spec);
		if (offer != OFFER_FILES)
			fputs("' ;;\n", out);
	}
}

void completion_bash(FILE *out)
{
	fputs("# Completion of cio-import for bash.\n"
	      "_cio_import() {\n"
	      "    local cur=${COMP_WORDS[COMP_CWORD]} option='' before='' offer='' i\n"
	      "    COMPREPLY=()\n"
	      "    # Behind -- there are FILEs alone. An empty reply leaves them to readline (-o "
	      "default).\n"
	      "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
	      "        [[ ${COMP_WORDS[i]} == -- ]] && return\n"
	      "    done\n"
	      "    # Most often = is a word by itself.\n"
	      "    if [[ $cur == = ]]; then\n"
	      "        option=${COMP_WORDS[COMP_CWORD-1]} cur=''\n"
	      "    elif [[ $cur == --*=* ]]; then\n"
	      "        option=${cur%%=*} before=${cur%%=*}= cur=${cur#*=}\n"
	      "    elif ((COMP_CWORD > 2)) && [[ ${COMP_WORDS[COMP_CWORD-1]} == = ]]; then\n"
	      "        option=${COMP_WORDS[COMP_CWORD-2]}\n"
	      "    else\n"
	      "        option=${COMP_WORDS[COMP_CWORD-1]}\n"
	      "    fi\n"
	      "    case $option in\n",
	    out);
	put_bash_cases(out);
	fputs("    *)\n"
	      "        [[ $cur == -* ]] || return\n"
	      "        offer='",
	    out);
	for (enum option_id id = 0; id < OPTION_COUNT; id++)
		fprintf(out, "%s--%s%s", id ? " " : "", options_table[id].name,
		    options_table[id].argument && !is_optional(&options_table[id]) ? "=" : "");
	fputs("' ;;\n"
	      "    esac\n"
	      "    compopt +o default 2>/dev/null\n"
	      "    COMPREPLY=($(compgen -P \"$before\" -W \"$offer\" -- \"$cur\"))\n"
	      "    if [[ ${COMPREPLY[0]-} == --*= ]]; then\n"
	      "        compopt -o nospace 2>/dev/null\n"
	      "    fi\n"
	      "}\n"
	      "complete -o default -F _cio_import cio-import\n",
	    out);
}

/* '(-f --format)'{-f+,--format=}'[what it is]:FORMAT:(csv tsv)' */
static void put_zsh_option(FILE *out, const struct option_spec *spec)
{
	const char *joint = !spec->argument ? "" : is_optional(spec) ? "=-" : "=";
	const char *star = is_repeatable(spec) ? "*" : "";

	fputs(" \\\n        ", out);
	if (spec->letter)
		fprintf(out, "'(-%c --%s)'{-%c%s,--%s%s}'[", spec->letter, spec->name, spec->letter,
		    spec->argument ? "+" : "", spec->name, joint);
	else
		fprintf(out, "'%s--%s%s[", star, spec->name, joint);
	put_gist(out, spec->help, "'\\''");
	fputc(']', out);
	if (spec->argument)
		fprintf(out, "%s%s", is_optional(spec) ? "::" : ":",
		    /* a colon would end it */
		    spec->kind == KIND_TYPES ? "FIELD\\:TYPE" : spec->argument);
	if (offer_of(spec) == OFFER_VALUES) {
		fputs(":(", out);
		put_values(out, spec);
		fputc(')', out);
	} else if (spec->argument) {
		fputs(offer_of(spec) == OFFER_FILES ? ":_files" : ": ", out);
	}
	fputc('\'', out);
}

void completion_zsh(FILE *out)
{
	fputs("#compdef cio-import\n"
	      "# Completion of cio-import for zsh: a file _cio-import in $fpath, or source it.\n"
	      "_cio-import() {\n"
	      "    _arguments -s -S",
	    out);
	for (enum option_id id = 0; id < OPTION_COUNT; id++)
		put_zsh_option(out, &options_table[id]);
	fputs(" \\\n        '*:FILE:_files'\n"
	      "}\n"
	      "if [[ ${funcstack[1]-} == _cio-import ]]; then\n"
	      "    _cio-import \"$@\"\n"
	      "else\n"
	      "    compdef _cio-import cio-import\n"
	      "fi\n",
	    out);
}

static void put_fish_option(FILE *out, const struct option_spec *spec)
{
	enum offer offer = offer_of(spec);

	fprintf(out, "complete -c cio-import -l %s", spec->name);
	if (spec->letter)
		fprintf(out, " -s %c", spec->letter);
	if (offer == OFFER_FILES)
		fputs(" -r -F", out);
	else if (offer != OFFER_NOTHING && !is_optional(spec))
		fputs(" -x", out);
	if (offer == OFFER_VALUES) {
		fputs(" -a '", out);
		put_values(out, spec);
		fputc('\'', out);
	}
	fputs(" -d '", out);
	put_gist(out, spec->help, "\\'");
	fputs("'\n", out);
}

void completion_fish(FILE *out)
{
	fputs("# Completion of cio-import for fish.\n", out);
	for (enum option_id id = 0; id < OPTION_COUNT; id++)
		put_fish_option(out, &options_table[id]);
}
