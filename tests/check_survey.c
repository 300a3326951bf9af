/* What a dry run took an input for: the table of its fields, and who stands in it more than once.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/reason.h"
#include "dice.h"
#include "expect.h"
#include "input/record.h"
#include "records.h"
#include "show/repeats.h"
#include "show/survey.h"

Suite *survey_suite(void);

#define HEAD(format) \
	"in is read as " format ".\n" \
	"The person is named by id, as id.\n" \
	"  field                      type               empty  for example\n"

/* Records as records.h has them, separated by line breaks. */
static const struct {
	struct mapping_config mapping;
	const char *records;
	bool cells;
	const char *text;
} surveys[] = {
	{ { .id_type = -1 }, "id=1|a=x|created_at=1709164800\nid=2|a=|created_at=2024-02-29", true,
	    HEAD("CSV") "  id                         text                   0  1\n"
	                "  a                          text                   1  x\n"
	                "  created_at                 timestamp              0  1709164800\n" },
	/* what is missing is empty */
	{ { .id_type = -1 }, "{\"id\":1}\n{\"id\":\"b\",\"n\":null}\n{\"n\":[1],\"id\":3}", false,
	    HEAD("NDJSON") "  id                         text/number            0  1\n"
	                   "  n                          list                   2  [1]\n" },
	{ { .id_type = -1 }, "{\"id\":1,\"a\":\"\",\"b\":true,\"c\":{},\"d\":-1}", false,
	    HEAD("NDJSON") "  id                         number                 0  1\n"
	                   "  a                          empty                  1\n"
	                   "  b                          bool                   0  true\n"
	                   "  c                          object                 0  {}\n"
	                   "  d                          number                 0  -1\n" },
	/* long ones are cut, and nothing of them moves a terminal's cursor */
	{ { .id_type = -1 },
	    "id=1|a_name_that_is_much_too_long_for_its_column=a value that is much too long "
	    "\033[2J",
	    true,
	    HEAD("CSV") "  id                         text                   0  1\n"
	                "  a_name_that_is_much_too_.. text                   0  a value that "
	                "is..\n" },
	{ { .id_type = -1 }, "a=1", true,
	    "in is read as CSV.\n"
	    "No field names the person: say which does with --id=FIELD.\n"
	    "  field                      type               empty  for example\n"
	    "  a                          text                   0  1\n" },
	{ { .id_type = -1 }, "id=1|cio_subscription_preferences={\"topics\":{}}", true,
	    HEAD(
	        "CSV") "  id                         text                   0  1\n"
	               "  cio_subscription_prefere.. json                   0  {\"topics\":{}}\n"
	               "cio_subscription_preferences replaces all that a person chose: topics that "
	               "it\nleaves out fall back to their default. To change one topic, send\n"
	               "cio_subscription_preferences.topics.topic_1, a bool.\n" },
	/* what databases write for no value */
	{ { .id_type = -1 }, "id=1|a=NULL|b=\\N|c=NULLS|d=NULL\nid=2|a=x|b=y|c=NULL|d=z", true,
	    HEAD("CSV") "  id                         text                   0  1\n"
	                "  a                          text                   0  NULL\n"
	                "  b                          text                   0  \\N\n"
	                "  c                          text                   0  NULLS\n"
	                "  d                          text                   0  NULL\n"
	                "NULL in a, d is taken for a text: say --null='NULL' where it stands for "
	                "no value.\n"
	                "\\N in b is taken for a text: say --null='\\N' where it stands for no "
	                "value.\n" },
	{ { .id_type = -1 }, "{\"id\":1,\"a\":\"NULL\"}", false,
	    HEAD("NDJSON") "  id                         number                 0  1\n"
	                   "  a                          text                   0  \"NULL\"\n" },
	{ { .id_type = -1 }, "", true, "" },
};

START_TEST(fields_are_told)
{
	const struct mapping_config *config = &surveys[_i].mapping;
	struct mapping *m = mapping_new(config);
	struct survey *s = survey_new();
	char *all = xstrdup(surveys[_i].records);
	struct buf out = { .max = 1 << 16 };
	struct reason why;

	for (char *line = strtok(all, "\n"); line; line = strtok(NULL, "\n")) {
		struct sample sample = sample_new(line);
		struct mapped mapped;
		int bad = mapping_apply(m, &sample.record, &mapped, &why);
		ck_assert_msg(bad == 0, "%s", why.text);
		survey_record(s, &mapped, 0);
		sample_free(&sample);
	}
	const struct survey_about about = {
		.input = "in",
		.format = surveys[_i].cells ? "CSV" : "NDJSON",
		.names_people = true,
		.cells = surveys[_i].cells,
		.mapping = config,
	};
	survey_text(s, &about, 72, &out);
	expect_text(&out, surveys[_i].text, surveys[_i].records);
	buf_free(&out);
	free(all);
	survey_free(s);
	mapping_free(m);
}
END_TEST

/* Where a layout has its fields is only a shorter way to them. */
START_TEST(layouts_make_no_difference)
{
	static const char *const lines[] = { "id=1|a=x|b=y|c=z", "b=1|id=2|q=3", "id=5|a=7" };
	const struct mapping_config config = { .id_type = -1 };
	const struct survey_about about = { .input = "in",
		.format = "CSV",
		.cells = true,
		.mapping = &config };
	struct dice d = dice_new("layouts_make_no_difference");
	struct survey *with = survey_new(), *without = survey_new();
	struct mapping *m = mapping_new(&config);
	struct buf a = { .max = 1 << 16 }, b = { .max = 1 << 16 };
	struct sample samples[3];
	struct mapped mapped;
	struct reason why;

	for (int i = 0; i < 3; i++) {
		samples[i] = sample_new(lines[i]);
		sample_lay_out(&samples[i], (uint64_t)i + 1);
	}
	for (int i = 0; i < 500; i++) {
		struct sample *s = &samples[dice_below(&d, 3)];
		for (size_t k = 0; k < s->record.count; k++)
			s->record.fields[k].value_len = (size_t)dice_below(&d, 2);
		sample_note_texts(&s->record);
		ck_assert_int_eq(mapping_apply(m, &s->record, &mapped, &why), 0);
		survey_record(with, &mapped, s->layout->number);
		survey_record(without, &mapped, 0);
	}
	survey_text(with, &about, 80, &a);
	survey_text(without, &about, 80, &b);
	buf_byte(&b, '\0');
	ck_assert_ptr_nonnull(strstr(b.data, "  q "));
	expect_text(&a, b.data, "with layouts");
	buf_free(&a);
	buf_free(&b);
	for (int i = 0; i < 3; i++)
		sample_free(&samples[i]);
	survey_free(with);
	survey_free(without);
	mapping_free(m);
}
END_TEST

/* However many fields there are, the table ends. */
START_TEST(many_fields_are_counted)
{
	const struct mapping_config config = { .id_type = -1 };
	const struct survey_about about = { .input = "in", .format = "CSV", .mapping = &config };
	struct mapping *m = mapping_new(&config);
	struct survey *s = survey_new();
	struct buf out = { .max = 1 << 17 };
	struct reason why;

	for (int i = 0; i < 600; i++) {
		char line[40];
		snprintf(line, sizeof line, "f%d=1", i);
		struct sample sample = sample_new(line);
		struct mapped mapped;
		ck_assert_int_eq(mapping_apply(m, &sample.record, &mapped, &why), 0);
		survey_record(s, &mapped, 0);
		sample_free(&sample);
		if (i != 99)
			continue;
		survey_text(s, &about, 80, &out);
		buf_byte(&out, '\0');
		ck_assert_ptr_nonnull(strstr(out.data, "  and 40 others\n"));
		buf_reset(&out);
	}
	survey_text(s, &about, 80, &out);
	buf_byte(&out, '\0');
	ck_assert_ptr_nonnull(strstr(out.data, "  and more than 452 others\n"));
	buf_free(&out);
	survey_free(s);
	mapping_free(m);
}
END_TEST

/* -- who stands in it more than once -- */

START_TEST(few_people_are_counted_exactly)
{
	struct repeats *r = repeats_new();
	bool exact = false;

	for (uint64_t key = 0; key < REPEATS_EXACT; key++)
		for (uint64_t times = key % 3; times < 3; times++)
			repeats_see(r, key << 32 | key);
	uint64_t once = (REPEATS_EXACT + 0) / 3;
	ck_assert_uint_eq(repeats_people(r, &exact), REPEATS_EXACT - once);
	ck_assert(exact);
	repeats_free(r);
	repeats_free(NULL);
}
END_TEST

/* A million people, a tenth of them twice: the sample says so within a few percent, for whatever
 * keys. */
START_TEST(many_people_are_estimated)
{
	struct dice d = dice_new("many_people_are_estimated");
	struct repeats *r = repeats_new();
	bool exact = true;

	for (int i = 0; i < 1000000; i++) {
		uint64_t key = _i ? (uint64_t)i * 16 : dice_next(&d);
		repeats_see(r, key);
		if (i % 10 == 0)
			repeats_see(r, key);
	}
	uint64_t people = repeats_people(r, &exact);
	ck_assert(!exact);
	ck_assert_uint_gt(people, 93000);
	ck_assert_uint_lt(people, 107000);
	repeats_free(r);
}
END_TEST

Suite *survey_suite(void)
{
	Suite *suite = suite_create("survey");
	TCase *t = tcase_create("survey");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, fields_are_told, 0, sizeof surveys / sizeof *surveys);
	tcase_add_test(t, layouts_make_no_difference);
	tcase_add_test(t, many_fields_are_counted);
	tcase_add_test(t, few_people_are_counted_exactly);
	tcase_add_loop_test(t, many_people_are_estimated, 0, 2);
	suite_add_tcase(suite, t);
	return suite;
}
