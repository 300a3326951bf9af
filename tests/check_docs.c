/* The manual, --help, completions and README say what the program does: the table of options is
 * their judge. */
#include <check.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "documents.h"
#include "options/envfile.h"
#include "harness.h"
#include "options/options_table.h"
#include "base/version.h"

Suite *docs_suite(void);

static char *must_read(const char *name)
{
	char *text = document_read(name);

	ck_assert_msg(text != NULL, "%s cannot be read: run the tests in the top directory", name);
	return text;
}

/* Whether `word` stands in the text as a whole, not as the beginning of a longer name. */
static bool has_word(const char *text, const char *word)
{
	size_t n = strlen(word);

	for (const char *at = text; (at = strstr(at, word)); at += n) {
		unsigned char before = at > text ? (unsigned char)at[-1] : ' ',
		              after = (unsigned char)at[n];
		if (!isalnum(after) && after != '-' && !isalnum(before) && before != '-')
			return true;
	}
	return false;
}

/* --- --help and completions --- */

/* Each option's name with `mark` before it. */
static void expect_options(const char *text, const char *what, const char *mark)
{
	char word[64];

	for (enum option_id id = 0; id < OPTION_COUNT; id++) {
		snprintf(word, sizeof word, "%s%s", mark, options_table[id].name);
		ck_assert_msg(has_word(text, word), "%s lacks %s", what, word);
	}
}

START_TEST(every_option_is_in_help)
{
	struct harness *h = harness_new(NULL);
	const struct harness_run *run = HARNESS_RUN(h, "--help");
	char text[64];

	harness_assert_status(run, 0);
	expect_options(run->out, "--help", "--");
	for (enum option_id id = 0; id < OPTION_COUNT; id++) {
		if (!options_table[id].letter)
			continue;
		snprintf(text, sizeof text, "  -%c, --%s", options_table[id].letter,
		    options_table[id].name);
		harness_assert_out_has(run, text);
	}
	harness_free(h);
}
END_TEST

START_TEST(every_option_is_completed)
{
	static const struct {
		const char *option, *mark;
	} shells[] = {
		{ "--completion=bash", "--" },
		{ "--completion=zsh", "--" },
		{ "--completion=fish", "-l " },
	};
	struct harness *h = harness_new(NULL);
	const struct harness_run *run = HARNESS_RUN(h, shells[_i].option);

	harness_assert_status(run, 0);
	expect_options(run->out, shells[_i].option, shells[_i].mark);
	harness_free(h);
}
END_TEST

/* --- the manual --- */

/* The line that an option's entry begins with. */
static void entry_line(const struct option_spec *spec, struct buf *out)
{
	buf_str(out, "\n.It Fl ");
	if (spec->letter)
		buf_fmt(out, "%c , Fl ", spec->letter);
	buf_fmt(out, "Fl %s", spec->name);
	if (spec->argument)
		buf_fmt(out, " Ns %s= Ns Ar %s", spec->flags & OPTION_MAYBE_VALUE ? "Op " : "",
		    spec->argument);
	buf_str(out, "\n");
	buf_byte(out, '\0');
}

/* What follows an entry's first line, to free; NULL: there is no such entry. */
static char *entry_of(const char *manual, const char *line)
{
	const char *start = strstr(manual, line);

	if (!start)
		return NULL;
	start += strlen(line) - 1;
	const char *next = strstr(start, "\n.It "), *end = strstr(start, "\n.El");
	ck_assert_ptr_nonnull(end);
	return xstrndup(start, (size_t)((next && next < end ? next : end) - start));
}

/* The defaults that the help texts name as numbers: "default 50", "default 1s". */
static void expect_default(const struct option_spec *spec, const char *entry)
{
	const char *at = strstr(spec->help, "default ");
	char value[32];

	if (!at || !isdigit((unsigned char)at[8]))
		return;
	snprintf(value, sizeof value, "%.*s", (int)strcspn(at + 8, " ;)"), at + 8);
	ck_assert_msg(has_word(entry, value), "the manual's --%s lacks its default %s", spec->name,
	    value);
}

START_TEST(every_option_is_in_the_manual)
{
	char *manual = must_read(MANUAL);

	for (enum option_id id = 0; id < OPTION_COUNT; id++) {
		const struct option_spec *spec = &options_table[id];
		struct buf line;
		buf_init(&line, 4096);
		entry_line(spec, &line);
		char *entry = entry_of(manual, line.data);
		ck_assert_msg(entry != NULL, "the manual has no entry%s", line.data);
		for (size_t i = 0; spec->values && spec->values[i]; i++)
			ck_assert_msg(has_word(entry, spec->values[i]),
			    "the manual's --%s lacks %s", spec->name, spec->values[i]);
		expect_default(spec, entry);
		free(entry);
		buf_free(&line);
	}
	free(manual);
}
END_TEST

START_TEST(the_manual_knows_statuses_variables_and_version)
{
	static const char *const statuses[] = { "0", "1", "64", "65", "66", "69", "73", "75", "77",
		"78", "130, 143" };
	char *manual = must_read(MANUAL), text[64];
	struct harness *h = harness_new(NULL);
	const struct harness_run *help = HARNESS_RUN(h, "--help");
	const char *section = strstr(manual, "\n.Sh EXIT STATUS\n");

	ck_assert_ptr_nonnull(section);
	for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
		snprintf(text, sizeof text, "\n.It %s\n", statuses[i]);
		ck_assert_msg(strstr(section, text) != NULL, "the manual lacks exit status %s",
		    statuses[i]);
		ck_assert_msg(has_word(help->out, statuses[i]), "--help lacks exit status %s",
		    statuses[i]);
	}
	for (enum variable v = 0; v < VARIABLE_COUNT; v++)
		for (unsigned which = 0; which < 2; which++) {
			const char *name = variable_name(v, which);
			snprintf(text, sizeof text, "Ev %s", name ? name : "");
			ck_assert_msg(!name || has_word(manual, text), "the manual lacks %s", text);
		}
	const struct harness_run *version = HARNESS_RUN(h, "--version");
	harness_assert_out_is(version, "cio-import " VERSION "\n");
	ck_assert_msg(strstr(manual, ".Nm\n" VERSION ".\n") != NULL,
	    "the manual is not of version " VERSION);
	harness_free(h);
	free(manual);
}
END_TEST

START_TEST(the_sandbox_s_manual_has_what_its_help_has)
{
	char *manual = must_read(SANDBOX_MANUAL), entry[80];
	struct harness *h = harness_new(NULL);
	size_t seen = 0;

	harness_program(h, "cio-import-sandbox");
	const struct harness_run *help = HARNESS_RUN(h, "--help");
	harness_assert_status(help, 0);
	for (const char *at = help->out; (at = strstr(at, "\n  --")); seen++) {
		at += strlen("\n  --");
		snprintf(entry, sizeof entry, "It Fl Fl %.*s", (int)strcspn(at, "= \n"), at);
		ck_assert_msg(has_word(manual, entry), "%s has no entry: %s", SANDBOX_MANUAL,
		    entry);
	}
	ck_assert_uint_gt(seen, 10);
	harness_free(h);
	free(manual);
}
END_TEST

/* --- no document names an option that is not there --- */

/* Options of other programs, and "--name" as an example. */
static bool is_foreign(const char *name, size_t n, const char *sandbox_help)
{
	static const char *const foreign[] = { "name", "now", "array", "time", "requeue" };
	char word[80];

	for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
		if (strlen(foreign[i]) == n && memcmp(foreign[i], name, n) == 0)
			return true;
	snprintf(word, sizeof word, "--%.*s", (int)n, name);
	return has_word(sandbox_help, word);
}

static size_t expect_known(const char *text, const char *mark, const char *what,
    const char *sandbox_help)
{
	size_t seen = 0;

	for (const char *at = text; (at = strstr(at, mark));) {
		bool begins = at == text || (at[-1] != '-' && !isalnum((unsigned char)at[-1]));
		at += strlen(mark);
		size_t n = strspn(at, "abcdefghijklmnopqrstuvwxyz-0123456789");
		if (!begins || n == 0 || !islower((unsigned char)*at))
			continue;
		seen++;
		ck_assert_msg(options_table_find(at, n) != OPTION_COUNT ||
		        is_foreign(at, n, sandbox_help),
		    "%s names --%.*s, which is not an option", what, (int)n, at);
	}
	return seen;
}

START_TEST(no_document_names_an_unknown_option)
{
	char *manual = must_read(MANUAL), *readme = must_read(README);
	struct harness *h = harness_new(NULL);

	harness_program(h, "cio-import-sandbox");
	const struct harness_run *help = HARNESS_RUN(h, "--help");
	harness_assert_status(help, 0);
	ck_assert_uint_gt(expect_known(manual, "Fl Fl ", MANUAL, help->out), OPTION_COUNT);
	ck_assert_uint_gt(expect_known(manual, "--", MANUAL, help->out), 10);
	ck_assert_uint_gt(expect_known(readme, "--", README, help->out), 10);
	harness_free(h);
	free(manual);
	free(readme);
}
END_TEST

/* --- what is installed --- */

START_TEST(readme_names_every_package)
{
	static const char *const lists[] = { "\nBUILD_DEPS := ", "\nTEST_DEPS  := ",
		"\nLINT_DEPS  := ", "\nCHECK_DEPS := ", "\nDEB_DEPS   := " };
	char *makefile = must_read("Makefile"), *readme = must_read(README), package[80];
	const char *table = strstr(readme, "| Debian package |");

	ck_assert_ptr_nonnull(table);
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
		const char *at = strstr(makefile, lists[i]);
		ck_assert_msg(at != NULL, "the Makefile has no line that begins with %s",
		    lists[i] + 1);
		at += strlen(lists[i]);
		for (size_t n; (n = strcspn(at, " \n")) > 0; at += n + (at[n] == ' ')) {
			snprintf(package, sizeof package, "%.*s", (int)n, at);
			ck_assert_msg(has_word(table, package),
			    "README does not say what %s is for", package);
		}
	}
	free(makefile);
	free(readme);
}
END_TEST

/* --- how the manual looks --- */

static const char *const manuals[] = { MANUAL, SANDBOX_MANUAL };
#define MANUALS (sizeof manuals / sizeof *manuals)

/* Runs mandoc on a manual with these arguments. */
static const struct harness_run *run_mandoc(struct harness *h, const char *manual,
    const char *arguments)
{
	struct buf command;
	char *file = realpath(manual, NULL);

	ck_assert_ptr_nonnull(file);
	buf_init(&command, 8192);
	buf_fmt(&command, "exec mandoc %s '%s'", arguments, file);
	buf_byte(&command, '\0');
	harness_program(h, "/bin/sh");
	const struct harness_run *run = HARNESS_RUN(h, "-c", command.data);
	buf_free(&command);
	free(file);
	ck_assert_msg(run->status != 127, "mandoc is not here: make deps");
	return run;
}

START_TEST(the_manual_is_clean)
{
	struct harness *h = harness_new(NULL);
	const struct harness_run *run = run_mandoc(h, manuals[_i], "-T lint -W warning");

	harness_assert_status(run, 0);
	harness_assert_out_is(run, "");
	harness_free(h);
}
END_TEST

START_TEST(the_manual_fits_80_columns)
{
	struct harness *h = harness_new(NULL);
	const struct harness_run *run = run_mandoc(h, manuals[_i], "-T ascii -O width=80");
	size_t columns = 0, most = 0;

	for (const char *p = run->out; *p; p++) {
		columns = *p == '\n' ? 0 : *p == '\b' ? columns - 1 : columns + 1;
		most = columns > most ? columns : most;
	}
	ck_assert_uint_le(most, 80);
	ck_assert_uint_gt(most, 70);
	harness_free(h);
}
END_TEST

Suite *docs_suite(void)
{
	Suite *s = suite_create("docs");
	TCase *options = tcase_create("options"), *manual = tcase_create("manual");

	tcase_set_timeout(options, 60);
	tcase_add_test(options, every_option_is_in_help);
	tcase_add_loop_test(options, every_option_is_completed, 0, 3);
	tcase_add_test(options, every_option_is_in_the_manual);
	tcase_add_test(options, no_document_names_an_unknown_option);
	tcase_add_test(options, readme_names_every_package);
	suite_add_tcase(s, options);
	tcase_set_timeout(manual, 60);
	tcase_add_test(manual, the_manual_knows_statuses_variables_and_version);
	tcase_add_loop_test(manual, the_manual_is_clean, 0, MANUALS);
	tcase_add_loop_test(manual, the_manual_fits_80_columns, 0, MANUALS);
	tcase_add_test(manual, the_sandbox_s_manual_has_what_its_help_has);
	suite_add_tcase(s, manual);
	return s;
}
