/* --help and the completion scripts, and that both know every option. */
#include "options/completion.h"

#include <check.h>
#include <stdbool.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/buf.h"
#include "options/help.h"
#include "options/options_table.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* What one of the printing functions prints, to free. */
static char *printed(void (*print)(FILE *out))
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	ck_assert(f != NULL);
	print(f);
	ck_assert_int_eq(fclose(f), 0);
	return text;
}

/* The option's name stands there, and not only as the beginning of a longer one. */
static bool has_word(const char *text, const char *word)
{
	for (const char *p = text; (p = strstr(p, word)); p++)
		if (!strchr("abcdefghijklmnopqrstuvwxyz-", p[strlen(word)]) ||
		    p[strlen(word)] == '\0')
			return true;
	return false;
}

static const struct {
	const char *what;
	void (*print)(FILE *out);
	const char *before;
} scripts[] = {
	{ "help", help_print, "--" },
	{ "bash", completion_bash, "--" },
	{ "zsh", completion_zsh, "--" },
	{ "fish", completion_fish, "-l " },
};

START_TEST(every_option)
{
	char *text = printed(scripts[_i].print), word[64];

	for (enum option_id id = 0; id < OPTION_COUNT; id++) {
		snprintf(word, sizeof word, "%s%s", scripts[_i].before, options_table[id].name);
		ck_assert_msg(has_word(text, word), "%s: no %s", scripts[_i].what, word);
		for (size_t v = 0; options_table[id].values && options_table[id].values[v]; v++)
			ck_assert_msg(has_word(text, options_table[id].values[v]), "%s: no %s",
			    scripts[_i].what, options_table[id].values[v]);
	}
	ck_assert_msg(!strstr(text, " @") && !strstr(text, "[@"), "%s: an @ was not replaced",
	    scripts[_i].what);
	ck_assert_msg(!strstr(text, "default $"), "%s: a $ was not replaced", scripts[_i].what);
	free(text);
}
END_TEST

START_TEST(table_is_sound)
{
	for (enum option_id id = 0; id < OPTION_COUNT; id++) {
		const struct option_spec *spec = &options_table[id];
		ck_assert_msg(spec->name && *spec->name && spec->help && *spec->help, "%d", id);
		ck_assert_msg(options_table_find(spec->name, strlen(spec->name)) == id, "%s: twice",
		    spec->name);
		ck_assert_msg(!spec->letter || options_table_letter(spec->letter) == id,
		    "-%c: twice", spec->letter);
		ck_assert_msg(id == 0 || spec->group >= options_table[id - 1].group,
		    "%s: its group is torn", spec->name);
		ck_assert_msg((spec->kind == KIND_FLAG) == !spec->argument, "%s", spec->name);
		ck_assert_msg(!strchr(spec->help, '@') == !spec->values,
		    "%s: @ and values go together", spec->name);
		ck_assert_msg(!strchr(spec->help, '$') == !spec->preset,
		    "%s: $ and a default go together", spec->name);
		ck_assert_msg(spec->kind != KIND_COUNT || spec->size == sizeof(uint64_t) ||
		        (spec->size == sizeof(unsigned) && spec->max <= UINT_MAX),
		    "%s: its member is too narrow", spec->name);
	}
	ck_assert_int_eq(options_table_find("rat", 3), OPTION_COUNT);
	ck_assert_int_eq(options_table_find("", 0), OPTION_COUNT);
	ck_assert_int_eq(options_table_letter(0), OPTION_COUNT);
	ck_assert_int_eq(options_table_letter('x'), OPTION_COUNT);
}
END_TEST

START_TEST(help_layout)
{
	char *text = printed(help_print);

	for (char *save = NULL, *line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		size_t n = strlen(line);
		ck_assert_msg(n <= 79 && line[n - 1] != ' ' && !strchr(line, '\t'), "%s", line);
		if (strncmp(line, "      --", 8) == 0 || (line[0] == ' ' && line[2] == '-'))
			ck_assert_msg(n > 29 && line[28] == ' ' && line[29] != ' ',
			    "not aligned: %s", line);
	}
	free(text);
	text = printed(help_print);
	for (enum option_group g = 0; g < GROUP_COUNT; g++) {
		char heading[64];
		snprintf(heading, sizeof heading, "\n\n%s:\n", options_table_group(g));
		ck_assert_msg(strstr(text, heading) != NULL, "no %s", heading);
	}
	free(text);
}
END_TEST

/* Runs a shell with the script in $SCRIPT, in a directory that holds users.csv; what it says on
 * standard output is in out. */
static void run_shell(const char *command, const char *script, char *out, size_t size)
{
	char dir[] = "/tmp/cio-completion-XXXXXX";
	struct buf line;

	ck_assert(mkdtemp(dir) != NULL);
	ck_assert_int_eq(setenv("SCRIPT", script, 1), 0);
	buf_init(&line, 1 << 16);
	buf_fmt(&line, "cd %s && : >users.csv && %s; cd / && rm -r %s", dir, command, dir);
	buf_byte(&line, '\0');
	FILE *f = popen(line.data, "r");
	ck_assert(f != NULL);
	out[fread(out, 1, size - 1, f)] = '\0';
	ck_assert_int_eq(pclose(f), 0);
	buf_free(&line);
}

static bool have(const char *program)
{
	char command[100];

	snprintf(command, sizeof command, "command -v %s >/dev/null 2>&1", program);
	return system(command) == 0;
}

/* The words as readline splits them (at =, too), the last one being completed, and what bash is
 * offered. */
static const struct {
	const char *words, *offered;
} bash_cases[] = {
	{ "--act", "--action= --action-field=" },
	{ "--sync-d", "--sync-deletes=" },
	{ "--qui", "--quiet" },
	{ "--hel", "--help" },
	{ "--zz", "" },
	{ "--action = tr", "track track-anonymous" },
	{ "--action=tr", "--action=track --action=track-anonymous" },
	{ "--action tr", "track track-anonymous" },
	{ "-a ide", "identify" },
	{ "users.csv --region = e", "eu" },
	{ "--completion =", "bash zsh fish" },
	{ "--region ''", "us eu" },
	{ "--rate = ", "" },
	{ "--rate =", "" },
	{ "--batch --qui", "--quiet" },
	{ "--batch us", "" },
	{ "us", "" },
	{ "--rejects = us", "" },
	{ "-- --act", "" },
	{ "--format tsv --prog", "--progress= --progress-every=" },
	{ "--progress = x", "" },
};

static const char bash_driver[] = "bash --norc -c 'eval \"$SCRIPT\"; eval \"COMP_WORDS=(cio-import "
                                  "$WORDS)\"; COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); "
                                  "_cio_import; printf %s \"${COMPREPLY[*]}\"'";

START_TEST(bash_offers)
{
	char *script = printed(completion_bash), out[4096];

	ck_assert_int_eq(setenv("WORDS", bash_cases[_i].words, 1), 0);
	run_shell(bash_driver, script, out, sizeof out);
	ck_assert_msg(strcmp(out, bash_cases[_i].offered) == 0, "%s: %s", bash_cases[_i].words,
	    out);
	free(script);
}
END_TEST

/* zsh and fish, where they are there. */
START_TEST(zsh_reads_it)
{
	char *script = printed(completion_zsh), out[4096];

	if (have("zsh")) {
		run_shell("printf %s \"$SCRIPT\" >s && zsh -f -n s && zsh -f -c 'autoload -U "
		          "compinit && compinit -u -D && . ./s && "
		          "print -r -- $_comps[cio-import]' 2>&1",
		    script, out, sizeof out);
		ck_assert_str_eq(out, "_cio-import\n");
	}
	free(script);
}
END_TEST

static const struct {
	const char *line, *offered;
} fish_cases[] = {
	{ "cio-import --act", "--action\n--action-field\n" },
	{ "cio-import -a tr", "track\ntrack-anonymous\n" },
	{ "cio-import --region=", "--region=eu\n--region=us\n" },
	{ "cio-import --rejects us", "users.csv\n" },
	{ "cio-import us", "users.csv\n" },
	{ "cio-import --rate us", "" },
	{ "cio-import --batch us", "users.csv\n" },
};

START_TEST(fish_offers)
{
	char *script = printed(completion_fish), out[4096];

	if (have("fish")) {
		ck_assert_int_eq(setenv("LINE", fish_cases[_i].line, 1), 0);
		run_shell("HOME=$PWD fish --no-config -c 'printf %s $SCRIPT | source; complete -C "
		          "$LINE' | sed 's/\t.*//'",
		    script, out, sizeof out);
		ck_assert_msg(strcmp(out, fish_cases[_i].offered) == 0, "%s: %s",
		    fish_cases[_i].line, out);
	}
	free(script);
}
END_TEST

Suite *completion_suite(void);
Suite *completion_suite(void)
{
	Suite *s = suite_create("completion");
	TCase *t = tcase_create("completion");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, every_option, 0, COUNT(scripts));
	tcase_add_test(t, table_is_sound);
	tcase_add_test(t, help_layout);
	tcase_add_loop_test(t, bash_offers, 0, COUNT(bash_cases));
	tcase_add_test(t, zsh_reads_it);
	tcase_add_loop_test(t, fish_offers, 0, COUNT(fish_cases));
	suite_add_tcase(s, t);
	return s;
}
