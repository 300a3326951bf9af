/* Help is the table of options, wrapped to 79 columns. */
#include "options/help.h"

#include <stdbool.h>
#include <string.h>
#include "base/buf.h"
#include "options/options_table.h"

#define COLUMN 29 /* where help texts begin */
#define WIDTH 79

static const char head[] =
    "Usage: cio-import [OPTION]... [FILE]...\n"
    "\n"
    "Reads user records (CSV, TSV or NDJSON) from each FILE in turn, or from\n"
    "standard input when there is no FILE or FILE is -, and sends each to\n"
    "Customer.io.\n"
    "\n"
    "Examples:\n"
    "  cio-import --dry-run users.csv          check the file, send nothing\n"
    "  cio-import --rate=80 users.csv          the same command again resumes it\n"
    "  tail -f events.ndjson | cio-import --action=track --batch\n";

static const char foot[] =
    "\n"
    "TIME takes ms, s, m or h; a bare number is seconds. -- ends the options.\n"
    "\n"
    "Environment: CUSTOMERIO_SITE_ID and CUSTOMERIO_TRACK_API_KEY (or CIO_SITE_ID\n"
    "and CIO_API_KEY) are the credentials; CUSTOMERIO_REGION, CUSTOMERIO_URL.\n"
    "\n"
    "Exit status: 0 all accepted; 1 some records were not; 64 wrong usage;\n"
    "65 unusable input, or over --max-errors; 66 input cannot be read;\n"
    "69 destination down; 73 an output cannot be written; 75 another run holds the\n"
    "state file; 77 credentials refused; 78 credentials missing, or configuration\n"
    "broken; 130, 143 interrupted.\n"
    "\n"
    "The manual: man cio-import\n";

/* "a, b or c" */
static void list_values(const struct option_spec *spec, struct buf *out)
{
	for (size_t i = 0; spec->values[i]; i++)
		buf_fmt(out, "%s%s",
		    i == 0                  ? "" :
		        spec->values[i + 1] ? ", " :
		                              " or ",
		    spec->values[i]);
}

/* The help text, with the values for @ and the default for $. */
static void expand(const struct option_spec *spec, struct buf *out)
{
	for (const char *p = spec->help; *p; p++) {
		if (*p == '@')
			list_values(spec, out);
		else if (*p == '$')
			buf_str(out, spec->preset);
		else
			buf_byte(out, *p);
	}
	buf_byte(out, '\0');
}

/* Writes words into lines from COLUMN to WIDTH; the cursor stands at `at`, left of COLUMN. */
static void wrap(FILE *out, const char *text, size_t at)
{
	for (bool first = true; *text; first = false) {
		size_t n = strcspn(text, " ");
		if (!first && at + 1 + n > WIDTH) {
			fputc('\n', out);
			at = 0;
			first = true;
		}
		at += (size_t)fprintf(out, "%*s%.*s", first ? (int)(COLUMN - at) : 1, "", (int)n,
		    text);
		text += n + (text[n] == ' ');
	}
	fputc('\n', out);
}

static void print_option(FILE *out, const struct option_spec *spec)
{
	bool maybe = spec->flags & OPTION_MAYBE_VALUE;
	struct buf text;

	buf_init(&text, 4096);
	int at = spec->letter ? fprintf(out, "  -%c, ", spec->letter) : fprintf(out, "      ");
	at += fprintf(out, "--%s", spec->name);
	if (spec->argument)
		at += fprintf(out, "%s=%s%s", maybe ? "[" : "", spec->argument, maybe ? "]" : "");
	expand(spec, &text);
	wrap(out, text.data, at > 0 ? (size_t)at : 0);
	buf_free(&text);
}

void help_print(FILE *out)
{
	fputs(head, out);
	for (enum option_id id = 0; id < OPTION_COUNT; id++) {
		if (id == 0 || options_table[id].group != options_table[id - 1].group)
			fprintf(out, "\n%s:\n", options_table_group(options_table[id].group));
		print_option(out, &options_table[id]);
	}
	fputs(foot, out);
}

void help_usage(FILE *out)
{
	fputs("Usage: cio-import [OPTION]... [FILE]...\n"
	      "No FILE was given, and standard input is a terminal. Try: cio-import --dry-run "
	      "users.csv\n"
	      "cio-import --help lists the options.\n",
	    out);
}
