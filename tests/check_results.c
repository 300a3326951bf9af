/* The lines of --results. */
#include "store/results.h"

#include <check.h>
#include <jansson.h>
#include <string.h>
#include "base/buf.h"
#include "dice.h"
#include "expect.h"

Suite *results_suite(void);

#define LENGTH(array) ((int)(sizeof(array) / sizeof *(array)))

static const struct {
	struct result result;
	const char *line;
} lines[] = {
	{ { .record = 1042,
	      .line = 1043,
	      .id = "42",
	      .id_len = 2,
	      .action = "identify",
	      .outcome = OUTCOME_ACCEPTED,
	      .status = 200,
	      .attempts = 1 },
	    "{\"record\":1042,\"line\":1043,\"id\":\"42\",\"action\":\"identify\",\"outcome\":"
	    "\"accepted\",\"status\":200,"
	    "\"attempts\":1}\n" },
	{ { .record = 7,
	      .line = 8,
	      .file = "a \"b\".csv",
	      .id = "ä",
	      .id_len = 2,
	      .action = "track-anonymous",
	      .outcome = OUTCOME_REFUSED,
	      .status = 400,
	      .attempts = 3,
	      .error = "no\n" },
	    "{\"record\":7,\"file\":\"a "
	    "\\\"b\\\".csv\",\"line\":8,\"id\":\"ä\",\"action\":\"track-anonymous\",\"outcome\":"
	    "\"refused\","
	    "\"status\":400,\"attempts\":3,\"error\":\"no\\n\"}\n" },
	{ { .record = 3, .line = 4, .outcome = OUTCOME_REJECTED, .error = "not an object" },
	    "{\"record\":3,\"line\":4,\"outcome\":\"rejected\",\"attempts\":0,\"error\":\"not an "
	    "object\"}\n" },
	{ { .record = 3, .line = 4, .outcome = OUTCOME_SKIPPED },
	    "{\"record\":3,\"line\":4,\"outcome\":\"skipped\",\"attempts\":0}\n" },
	{ { .record = 3, .line = 4, .outcome = OUTCOME_FAILED, .attempts = 5, .error = "" },
	    "{\"record\":3,\"line\":4,\"outcome\":\"failed\",\"attempts\":5,\"error\":\"\"}\n" },
	{ { .record = UINT64_MAX, .line = UINT64_MAX, .attempts = 4294967295u },
	    "{\"record\":18446744073709551615,\"line\":18446744073709551615,\"outcome\":"
	    "\"accepted\",\"attempts\":4294967295}\n" },
	/* none of the input's records: somebody whom --sync-deletes deletes */
	{ { .id = "42",
	      .id_len = 2,
	      .action = "delete",
	      .outcome = OUTCOME_FAILED,
	      .status = 500,
	      .attempts = 5,
	      .error = "no" },
	    "{\"id\":\"42\",\"action\":\"delete\",\"outcome\":\"failed\",\"status\":500,"
	    "\"attempts\":5,\"error\":\"no\"}\n" },
	/* each byte that is not UTF-8 is one U+FFFD */
	{ { .record = 1,
	      .line = 1,
	      .file = "\xff",
	      .id = "a\xc3",
	      .id_len = 2,
	      .error = "\xed\xa0\x80z" },
	    "{\"record\":1,\"file\":\"\xef\xbf\xbd\",\"line\":1,\"id\":\"a\xef\xbf\xbd\","
	    "\"outcome\":\"accepted\",\"attempts\":0,"
	    "\"error\":\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz\"}\n" },
};

START_TEST(writes_lines)
{
	struct buf b;

	buf_init(&b, 10000);
	results_line(&b, &lines[_i].result);
	expect_text(&b, lines[_i].line, "results_line");
	buf_free(&b);
}
END_TEST

/* Whatever stands in a record, a line is one line, and JSON. */
START_TEST(lines_are_always_json)
{
	struct dice d = dice_new("results: json");
	struct buf b;
	char text[40];

	buf_init(&b, 10000);
	for (int round = 0; round < 2000; round++) {
		size_t n = (size_t)dice_below(&d, sizeof text);
		for (size_t i = 0; i < n; i++)
			text[i] = (char)dice_next(&d);
		text[n] = '\0';
		struct result r = { .record = 1,
			.line = 2,
			.file = text,
			.id = text,
			.id_len = n,
			.error = text };
		buf_reset(&b);
		results_line(&b, &r);
		ck_assert_ptr_eq(memchr(b.data, '\n', b.len), b.data + b.len - 1);
		json_t *line = json_loadb(b.data, b.len, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES,
		    NULL);
		ck_assert_ptr_nonnull(line);
		ck_assert_uint_eq(json_object_size(line), n > 0 ? 7 : 6);
		json_decref(line);
	}
	buf_free(&b);
}
END_TEST

Suite *results_suite(void)
{
	Suite *s = suite_create("results");
	TCase *t = tcase_create("results");

	tcase_add_loop_test(t, writes_lines, 0, LENGTH(lines));
	tcase_add_test(t, lines_are_always_json);
	suite_add_tcase(s, t);
	return s;
}
