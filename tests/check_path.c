/* Names of files, taken apart. */
#include "base/path.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include "input/format.h"

Suite *path_suite(void);

static const struct {
	const char *path, *directory, *base, *ending;
	enum input_format format;
} names[] = {
	{ "users.csv", ".", "users.csv", ".csv", INPUT_CSV },
	{ "./Users.TSV", ".", "Users.TSV", ".TSV", INPUT_TSV },
	{ "/users.ndjson", "/", "users.ndjson", ".ndjson", INPUT_NDJSON },
	{ "in/old.csv/users", "in/old.csv", "users", "", INPUT_AUTO },
	{ "a/b/events.2024.jsonl", "a/b", "events.2024.jsonl", ".jsonl", INPUT_NDJSON },
	{ ".csv", ".", ".csv", "", INPUT_AUTO },
	{ "a/.csv", "a", ".csv", "", INPUT_AUTO },
	{ "users.", ".", "users.", "", INPUT_AUTO },
	{ "users.txt", ".", "users.txt", ".txt", INPUT_AUTO },
	{ "users.json", ".", "users.json", ".json", INPUT_AUTO },
	{ "a/", "a", "", "", INPUT_AUTO },
	{ "", ".", "", "", INPUT_AUTO },
};

START_TEST(taken_apart)
{
	char *directory = path_directory(names[_i].path);

	ck_assert_str_eq(directory, names[_i].directory);
	ck_assert_str_eq(path_base(names[_i].path), names[_i].base);
	ck_assert_str_eq(path_ending(names[_i].path), names[_i].ending);
	ck_assert_int_eq(format_of_name(names[_i].path), names[_i].format);
	free(directory);
}
END_TEST

/* A format's usual ending promises that format; .json promises nothing, for it may be either. */
START_TEST(endings_and_formats)
{
	for (enum input_format f = INPUT_AUTO; format_names[f]; f++) {
		char name[40] = "x";
		strcat(name, format_ending(f));
		ck_assert_int_eq(format_of_name(name), f == INPUT_JSON ? INPUT_AUTO : f);
	}
}
END_TEST

static const struct {
	const char *path, *beside, *relative;
} relatives[] = {
	{ "/a/b/r", "/a/b/s", "r" },
	{ "/a/b/c/r", "/a/b/s", "c/r" },
	{ "/a/r", "/a/b/s", "../r" },
	{ "/a/bc/r", "/a/b/s", "../bc/r" },
	{ "/x/y/r", "/a/b/s", "../../x/y/r" },
	{ "/r", "/s", "r" },
	{ "/r", "/a/s", "../r" },
	{ "/a/r", "/s", "a/r" },
	{ "/a/b/s~", "/a/b/s", "s~" },
};

START_TEST(relative_and_back)
{
	char *relative = path_relative(relatives[_i].path, relatives[_i].beside);

	ck_assert_str_eq(relative, relatives[_i].relative);
	char *back = path_resolve(relative, relatives[_i].beside);
	ck_assert_str_eq(back, relatives[_i].path);
	free(relative);
	free(back);
}
END_TEST

/* More steps up than there are directories lead to the root, as they do for everybody. */
START_TEST(no_further_up_than_the_root)
{
	char *path = path_resolve("../../../r", "/a/s");

	ck_assert_str_eq(path, "/r");
	free(path);
}
END_TEST

Suite *path_suite(void)
{
	Suite *s = suite_create("path");
	TCase *t = tcase_create("path");

	tcase_add_loop_test(t, taken_apart, 0, sizeof names / sizeof *names);
	tcase_add_test(t, endings_and_formats);
	tcase_add_loop_test(t, relative_and_back, 0, sizeof relatives / sizeof *relatives);
	tcase_add_test(t, no_further_up_than_the_root);
	suite_add_tcase(s, t);
	return s;
}
