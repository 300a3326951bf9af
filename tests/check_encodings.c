/* Inputs that are packed or in another encoding, from the file to the server: what cannot be
 * written as JSON in tests/cli. */
#include <check.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/buf.h"
#include "scene.h"

Suite *encodings_suite(void);

#define LENGTH(array) ((int)(sizeof(array) / sizeof *(array)))

static struct scene scene;

static void setup(void)
{
	scene = scene_open(NULL);
}

static void teardown(void)
{
	scene_close(&scene);
}

static void expect_value(const char *id, const char *name, const char *value)
{
	json_t *person = sandbox_person(scene.sandbox, id);

	ck_assert_msg(person, "%s is not there", id);
	ck_assert_str_eq(json_string_value(json_object_get(person, name)), value);
	json_decref(person);
}

/* Each ASCII character as two bytes, a mark in front. */
static void widen(struct buf *out, const char *text)
{
	buf_add(out, "\xff\xfe", 2);
	for (; *text; text++) {
		buf_byte(out, *text);
		buf_byte(out, '\0');
	}
}

static void pack(struct buf *out, const char *data, size_t n)
{
	z_stream z = { 0 };

	ck_assert_int_eq(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	size_t bound = deflateBound(&z, n);
	z.next_in = (unsigned char *)data;
	z.avail_in = (unsigned)n;
	z.next_out = (unsigned char *)buf_room(out, bound);
	z.avail_out = (unsigned)bound;
	ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
	out->len += z.total_out;
	deflateEnd(&z);
}

/* A list of people to suppress, as a spreadsheet saved it: they are, and nobody else. */
START_TEST(whom_a_wide_list_names)
{
	static const char *const options[] = { "--batch", "-c1" };
	struct buf list = { .max = SIZE_MAX };

	widen(&list, "a@x.io\r\nb@x.io\r\n");
	for (int i = 0; i < 2; i++) {
		harness_stdin(scene.harness, list.data, list.len);
		const struct harness_run *run = HARNESS_RUN(scene.harness, "--action=suppress",
		    "--columns=email", "--rate=unlimited", options[i]);
		harness_assert_status(run, 0);
	}
	ck_assert_uint_eq(sandbox_counters(scene.sandbox).operations, 4);
	for (size_t i = 0, all = sandbox_arrivals(scene.sandbox); i < all; i++) {
		struct sandbox_arrival a = sandbox_arrival(scene.sandbox, i);
		ck_assert_ptr_null(strstr(a.path, "%00"));
		ck_assert(!a.body || !strstr(a.body, "u0000"));
	}
	buf_free(&list);
}
END_TEST

/* What does not fit costs its record, whose reject is no UTF-8 either: unmended it is refused once
 * more. The others of the rejects are UTF-8. */
START_TEST(what_does_not_fit)
{
	static const char text[] = "id,name\n1,M\xfcller\n2,x\x81y\n,\xe9\n3,a\n";

	harness_write(scene.harness, "in.csv", text, sizeof text - 1);
	const struct harness_run *run = HARNESS_RUN(scene.harness, "in.csv",
	    "--encoding=windows-1252", "--rate=unlimited");
	harness_assert_status(run, 1);
	harness_assert_err_has(run,
	    "in.csv:3: cell 2 (name) is not windows-1252 (its character 2 is 0x81)");
	expect_value("1", "name", "M\xc3\xbcller");
	ck_assert_uint_eq(scene_people_there(&scene), 2);
	char *rejects = harness_read(scene.harness, "in.rejected.csv", NULL);
	ck_assert_ptr_nonnull(strstr(rejects, ",\xc3\xa9,"));
	free(rejects);
	run = HARNESS_RUN(scene.harness, "in.rejected.csv", "--rate=unlimited");
	harness_assert_status(run, 1);
	ck_assert_uint_eq(scene_people_there(&scene), 2);
}
END_TEST

/* Packed, stopped, carried on: by the same command, with names that say what is in them. */
START_TEST(packed_and_carried_on)
{
	char *people = scene_people(200);
	struct buf text = { .max = SIZE_MAX }, packed = { .max = SIZE_MAX };

	buf_fmt(&text, "%sbroken\n", people);
	pack(&packed, text.data, text.len);
	harness_write(scene.harness, "in.csv.gz", packed.data, packed.len);
	sandbox_add_rule(scene.sandbox,
	    &(struct sandbox_rule){ .person = "p100",
	        .fault = { .act = SANDBOX_STATUS, .status = 401 } });
	harness_assert_status(HARNESS_RUN(scene.harness, "in.csv.gz", "--rate=unlimited", "-c1"),
	    77);
	ck_assert(harness_exists(scene.harness, "in.csv.gz.cio-state"));
	const struct harness_run *run = HARNESS_RUN(scene.harness, "in.csv.gz", "--rate=unlimited");
	harness_assert_status(run, 1);
	harness_assert_err_has(run, "resuming: ");
	ck_assert_uint_eq(scene_people_there(&scene), 200);
	ck_assert_uint_eq(sandbox_counters(scene.sandbox).operations, 200);
	ck_assert(harness_exists(scene.harness, "in.rejected.csv"));
	free(people);
	buf_free(&text);
	buf_free(&packed);
}
END_TEST

/* A download that broke off: what is whole of it is sent, and when the rest is there the same
 * command goes on. */
START_TEST(packed_and_cut_short)
{
	char *people = scene_people(3000);
	struct buf packed = { .max = SIZE_MAX };

	pack(&packed, people, strlen(people));
	harness_write(scene.harness, "in.csv.gz", packed.data, packed.len / 2);
	const struct harness_run *run = HARNESS_RUN(scene.harness, "in.csv.gz", "--rate=unlimited",
	    "--batch", "--summary=summary.json");
	harness_assert_status(run, 65);
	harness_assert_err_has(run, "in.csv.gz: its gzip data end in the middle");
	size_t there = scene_people_there(&scene);
	ck_assert(there > 100 && there < 2900);
	ck_assert_int_eq(scene_summary(&scene, "accepted"), (int64_t)there);
	harness_write(scene.harness, "in.csv.gz", packed.data, packed.len);
	run = HARNESS_RUN(scene.harness, "in.csv.gz", "--rate=unlimited", "--batch");
	harness_assert_status(run, 0);
	ck_assert_uint_eq(scene_people_there(&scene), 3000);
	ck_assert_uint_eq(sandbox_counters(scene.sandbox).operations, 3000);
	free(people);
	buf_free(&packed);
}
END_TEST

/* A quote that is never closed, with more than a record's bytes behind it, costs its line, whether
 * the FILE can be looked through or what follows has to be kept. */
START_TEST(an_open_quote_costs_its_line)
{
	static const char *const names[] = { "in.csv", "in.csv.gz", "-" };
	struct buf text = { .max = SIZE_MAX }, packed = { .max = SIZE_MAX };

	buf_str(&text, "id,v\n1,a\n2,\"open\n9,");
	size_t filler = (17u << 20) + 5;
	memset(buf_room(&text, filler), 'x', filler);
	text.len += filler;
	buf_str(&text, "\n3,c\n");
	pack(&packed, text.data, text.len);
	harness_write(scene.harness, "in.csv", text.data, text.len);
	harness_write(scene.harness, "in.csv.gz", packed.data, packed.len);
	harness_stdin(scene.harness, text.data, text.len);
	const struct harness_run *run = HARNESS_RUN(scene.harness, names[_i], "--rate=unlimited",
	    "--no-state", "--rejects=rejects.csv");
	harness_assert_status(run, 1);
	harness_assert_err_has(run, ":3: cell 2 (v) opens a quote that is never closed\n");
	harness_assert_err_has(run, ":4: the record is longer than 16 MiB");
	harness_assert_err_has(run, "Done: 2 processed, 2 errors\n");
	expect_value("3", "v", "c");
	char *rejects = harness_read(scene.harness, "rejects.csv", NULL);
	ck_assert_ptr_nonnull(strstr(rejects, "open"));
	free(rejects);
	buf_free(&text);
	buf_free(&packed);
}
END_TEST

/* What is no text is said to be that, in every format and with --columns too. */
START_TEST(no_text_at_all)
{
	static const char zip[] = "PK\3\4\x14\0\0\0\0\0";
	static const char *const options[] = { "--format=csv", "--format=tsv", "--format=ndjson",
		"--format=json", "--columns=id" };

	harness_write(scene.harness, "in", zip, sizeof zip - 1);
	const struct harness_run *run = HARNESS_RUN(scene.harness, "in", options[_i],
	    "--action=delete");
	harness_assert_status(run, 65);
	harness_assert_err_has(run,
	    "in: this is a zip archive: unpack the file in it into a pipe (unzip -p FILE | "
	    "cio-import)");
	ck_assert_uint_eq(sandbox_counters(scene.sandbox).requests, 0);
}
END_TEST

Suite *encodings_suite(void)
{
	Suite *s = suite_create("encodings");
	TCase *t = tcase_create("encodings");

	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, whom_a_wide_list_names);
	tcase_add_test(t, what_does_not_fit);
	tcase_add_test(t, packed_and_carried_on);
	tcase_add_test(t, packed_and_cut_short);
	tcase_add_loop_test(t, an_open_quote_costs_its_line, 0, 3);
	tcase_add_loop_test(t, no_text_at_all, 0, 5);
	suite_add_tcase(s, t);
	return s;
}
