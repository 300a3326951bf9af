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

/* A format's usual ending promises that format. */
START_TEST(endings_and_formats)
{
	for (enum input_format f = INPUT_AUTO; format_names[f]; f++) {
		char name[40] = "x";
		strcat(name, format_ending(f));
		ck_assert_int_eq(format_of_name(name), f);
	}
}
END_TEST

Suite *path_suite(void)
{
	Suite *s = suite_create("path");
	TCase *t = tcase_create("path");

	tcase_add_loop_test(t, taken_apart, 0, sizeof names / sizeof *names);
	tcase_add_test(t, endings_and_formats);
	suite_add_tcase(s, t);
	return s;
}
