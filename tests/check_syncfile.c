/* The sync file: who has changed, who is gone, and what a crash leaves of it. */
#include "store/syncfile.h"

#include <check.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/buf.h"
#include "dice.h"
#include "expect.h"
#include "harness.h"
#include "base/log.h"
#include "operation/operation.h"
#include "records.h"

Suite *syncfile_suite(void);

#define LENGTH(array) ((int)(sizeof(array) / sizeof *(array)))
#define ABOUT "https://track.customer.io site=1 identify"

static struct harness *h;
static struct reason why;
static const char *path;

static void setup(void)
{
	if (access("/dev/shm", W_OK) == 0)
		/* what fsync promises cannot be seen here anyway */
		setenv("TMPDIR", "/dev/shm", 0);
	h = harness_new(NULL);
	path = harness_path(h, "people.sync");
	why.text[0] = '\0';
	umask(0);
}

static void teardown(void)
{
	harness_free(h);
}

static void assert_reason(const char *part)
{
	ck_assert_msg(strstr(why.text, part) != NULL, "\"%s\" lacks \"%s\"", why.text, part);
}

static struct syncfile *open_file(bool read_only)
{
	int status = 0;
	struct syncfile *s = syncfile_open(path, ABOUT, read_only, &status, &why);

	ck_assert_msg(s != NULL, "%d: %s", status, why.text);
	return s;
}

static void expect_refused(const char *about, bool read_only, int want, const char *part)
{
	int status = 0;
	struct syncfile *s = syncfile_open(path, about, read_only, &status, &why);

	ck_assert_msg(s == NULL, "it was opened");
	ck_assert_msg(status == want, "%d, not %d: %s", status, want, why.text);
	assert_reason(path);
	assert_reason(part);
}

/* -- people -- */

static struct operation typed(const char *id, enum id_type type, uint64_t fingerprint)
{
	char full[200];

	snprintf(full, sizeof full, "%s%s", type == ID_CIO_ID ? "cio_" : "", id);
	return (struct operation){
		.id = id,
		.id_len = strlen(id),
		.id_type = type,
		.keys = { operation_key(full, strlen(full)) },
		.key_count = 1,
		.fingerprint = fingerprint,
		.action = ACTION_IDENTIFY,
	};
}

static struct operation person(const char *id, uint64_t fingerprint)
{
	return typed(id, ID_ID, fingerprint);
}

static void expect_look(struct syncfile *s, struct operation op, int want)
{
	int got = syncfile_look(s, &op, &why);

	ck_assert_msg(got == want, "%s with %d: %d, not %d", op.id, (int)op.fingerprint, got, want);
}

static void mark(struct syncfile *s, struct operation op)
{
	ck_assert_msg(syncfile_mark(s, &op, &why) == 0, "%s", why.text);
}

static void accept(struct syncfile *s, struct operation op)
{
	ck_assert_msg(syncfile_accepted(s, &op, &why) == 0, "%s", why.text);
}

static void refuse(struct syncfile *s, struct operation op)
{
	ck_assert_msg(syncfile_refused(s, &op, &why) == 0, "%s", why.text);
}

static void remove_person(struct syncfile *s, struct operation op)
{
	op.action = ACTION_DELETE;
	accept(s, op);
}

static void commit(struct syncfile *s)
{
	ck_assert_msg(syncfile_commit(s, &why) == 0, "%s", why.text);
	ck_assert(syncfile_is_marked(s));
}

/* Closes it, and opens it again. */
static struct syncfile *again(struct syncfile *s)
{
	syncfile_close(s);
	return open_file(false);
}

/* A file of these people, all accepted with fingerprint 100. */
static void make_file(const char *const *ids, int count)
{
	struct syncfile *s = open_file(false);

	for (int i = 0; i < count; i++)
		accept(s, person(ids[i], 100));
	commit(s);
	syncfile_close(s);
}

static const char *const three[] = { "ann", "bob", "eve" };

/* The missing ones, as text in the order of their identifiers: "ann bob ". */
static void expect_missing(struct syncfile *s, const char *want)
{
	struct buf id = { .max = 1000 };
	char got[10][40];
	int count = 0, result;
	enum id_type type;
	char all[500] = "";

	while ((result = syncfile_next_missing(s, &id, &type, &why)) == 1)
		snprintf(got[count++], sizeof *got, "%.*s", (int)id.len, id.data);
	ck_assert_msg(result == 0, "%s", why.text);
	qsort(got, (size_t)count, sizeof *got, (int (*)(const void *, const void *))strcmp);
	for (int i = 0; i < count; i++)
		snprintf(all + strlen(all), sizeof all - strlen(all), "%s ", got[i]);
	ck_assert_str_eq(all, want);
	/* and stays at the end */
	ck_assert_int_eq(syncfile_next_missing(s, &id, &type, &why), 0);
	buf_free(&id);
}

START_TEST(what_was_accepted_is_unchanged)
{
	static const uint64_t fingerprints[] = { 0, 1, 2, 3, INT64_MAX, UINT64_C(1) << 63,
		UINT64_MAX };
	const uint64_t f = fingerprints[_i];
	struct syncfile *s = open_file(false);

	expect_look(s, person("42", f), 1);
	mark(s, person("42", f));
	ck_assert(!syncfile_is_marked(s));
	commit(s);
	expect_look(s, person("42", f), 1);
	accept(s, person("42", f));
	for (int i = 0; i < 2; i++, s = again(s)) {
		expect_look(s, person("42", f), 0);
		expect_look(s, person("42", f + 5), 1);
		expect_look(s, person("43", f), 1);
		expect_look(s, person("4", f), 1);
		commit(s);
	}
	ck_assert_uint_eq(syncfile_known(s), 1);
	syncfile_close(s);
	syncfile_close(NULL);
}
END_TEST

/* One row after another of ann's, a digit each with what becomes of it ("1s": it is sent, "1-":
 * held back, "1.": known), accepted at once; then the end. */
static struct syncfile *rows_of_ann(struct syncfile *s, const char *rows, uint64_t want)
{
	uint64_t different;

	for (const char *p = rows; *p; p += 2) {
		struct operation op = person("ann", (uint64_t)*p);
		expect_look(s, op, p[1] == 's' ? 1 : p[1] == '.' ? 0 : 2);
		if (p[1] != 's')
			continue;
		mark(s, op);
		accept(s, op);
	}
	ck_assert_int_eq(syncfile_ended(s, &different, &why), 0);
	ck_assert_uint_eq(different, want);
	commit(s);
	return again(s);
}

START_TEST(several_rows_are_kept)
{
	struct syncfile *s = rows_of_ann(open_file(false), "1s2s", 1);

	s = rows_of_ann(s, "1-2.", 1);
	s = rows_of_ann(s, "", 0); /* a night without her */
	s = rows_of_ann(s, "1-2.", 1);
	struct operation op = person("ann", '1');
	expect_look(s, op, 2);
	syncfile_send(s, &op); /* there was no room to hold it back */
	expect_look(s, person("ann", '3'), 1);
	s = again(s);
	s = rows_of_ann(s, "1-3s", 1);
	s = rows_of_ann(s, "1-3.", 1);
	s = rows_of_ann(s, "3.", 0);
	s = rows_of_ann(s, "1s3s", 1);
	s = rows_of_ann(s, "3.3.", 0);
	s = rows_of_ann(s, "1s", 0);
	syncfile_close(s);
}
END_TEST

/* A file of version 1.0.0 has no table of them; and what does not make sense in one is passed
 * over. */
START_TEST(several_rows_of_older_files)
{
	static const char *const changes[] = { "DROP TABLE several",
		"UPDATE several SET rows = x''", "UPDATE several SET rows = zeroblob(1000)",
		"UPDATE several SET rows = x'010203'" };
	struct syncfile *s = rows_of_ann(open_file(false), "1s2s", 1);
	sqlite3 *db;

	syncfile_close(s);
	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(db, changes[_i], NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	syncfile_close(open_file(true));
	s = rows_of_ann(open_file(false), "1s2s", 1);
	s = rows_of_ann(s, "1-2.", 1);
	syncfile_close(s);
}
END_TEST

START_TEST(what_was_not_committed_is_gone)
{
	make_file(three, 3);
	struct syncfile *s = open_file(false);

	accept(s, person("ann", 101));
	accept(s, person("joe", 101));
	remove_person(s, person("bob", 0));
	s = again(s);
	expect_look(s, person("ann", 100), 0);
	expect_look(s, person("bob", 100), 0);
	expect_look(s, person("joe", 101), 1);
	syncfile_close(s);
}
END_TEST

/* What comes of an operation that was sent and never heard of, nobody knows: neither the new nor
 * the old is unchanged. */
START_TEST(who_was_marked_is_due)
{
	make_file(three, 3);
	struct syncfile *s = open_file(false);

	mark(s, person("ann", 101));
	mark(s, person("joe", 101));
	commit(s);
	mark(s, person("bob", 101)); /* this one is lost, and was not sent */
	s = again(s);
	expect_look(s, person("ann", 100), 1);
	expect_look(s, person("ann", 101), 1);
	expect_look(s, person("joe", 101), 1);
	expect_look(s, person("bob", 100), 0);
	mark(s, person("ann", 102));
	ck_assert(syncfile_is_marked(s)); /* she was already */
	ck_assert_uint_eq(syncfile_missing(s), 1);
	expect_missing(s, "eve ");
	accept(s, person("ann", 102));
	commit(s);
	s = again(s);
	expect_look(s, person("ann", 102), 0);
	expect_missing(s, "bob eve joe "); /* joe may be there, too */
	syncfile_close(s);
}
END_TEST

START_TEST(who_was_refused_and_never_accepted_is_not_known)
{
	make_file(three, 3);
	struct syncfile *s = open_file(false);

	mark(s, person("joe", 1000));
	mark(s, person("ann", 1000));
	refuse(s, person("joe", 1000));
	refuse(s, person("ann", 1000));
	refuse(s, person("nobody", 1000));
	mark(s, person("jim", 1000));
	mark(s, person("jim", 1000)); /* nobody knows what came of the first */
	refuse(s, person("jim", 1000));
	commit(s);
	ck_assert_uint_eq(syncfile_missing(s), 3);
	s = again(s);
	ck_assert_uint_eq(syncfile_known(s), 4);
	expect_look(s, person("joe", 1000), 1);
	expect_look(s, person("ann", 100), 1); /* whatever she has now */
	expect_missing(s, "bob eve jim ");
	syncfile_close(s);
}
END_TEST

START_TEST(one_person_by_another_spelling)
{
	static const struct {
		const char *a;
		enum id_type a_type;
		const char *b;
		enum id_type b_type;
		int look;
	} pairs[] = {
		{ "Ann@Example.com", ID_EMAIL, "ann@example.COM", ID_EMAIL, 0 },
		{ "ann@example.com", ID_EMAIL, "ANN@EXAMPLE.COM", ID_ID, 0 },
		{ "ann", ID_ID, "ANN", ID_ID, 1 },
		{ "ann", ID_CIO_ID, "ann", ID_CIO_ID, 0 },
		{ "ann", ID_CIO_ID, "ann", ID_ID, 1 },
		{ "ann", ID_CIO_ID, "cio_ann", ID_ID, 1 },
		{ "a\xc3\xa4@b", ID_ID, "A\xc3\xa4@B", ID_ID, 0 },
		{ "a\xc3\xa4@b", ID_ID, "A\xc3\x84@B", ID_ID, 1 },
		{ "+15551234567", ID_PHONE, "+15551234567", ID_PHONE, 0 },
	};
	struct syncfile *s = open_file(false);

	accept(s, typed(pairs[_i].a, pairs[_i].a_type, 100));
	expect_look(s, typed(pairs[_i].b, pairs[_i].b_type, 100), pairs[_i].look);
	ck_assert_uint_eq(syncfile_missing(s), 0);
	syncfile_close(s);
}
END_TEST

/* Two people whose keys are the same: the second is sent whenever there is something of him, and
 * never deleted. */
START_TEST(a_collision_harms_nobody)
{
	struct operation first = person("ann", 100), second = person("bob", 100);
	struct syncfile *s = open_file(false);

	second.keys[0] = first.keys[0];
	accept(s, first);
	for (int i = 0; i < 2; i++) {
		expect_look(s, second, 1);
		mark(s, second);
		accept(s, second);
		refuse(s, second);
		commit(s);
		expect_look(s, first, 0);
	}
	remove_person(s, second);
	expect_look(s, first, 0);
	commit(s);
	s = again(s);
	expect_look(s, second, 1); /* he was seen, she was not */
	expect_missing(s, "ann ");
	remove_person(s, first);
	commit(s);
	s = again(s);
	expect_missing(s, "");
	ck_assert_uint_eq(syncfile_known(s), 0);
	syncfile_close(s);
}
END_TEST

/* -- against a model -- */

#define PEOPLE 300
#define NIGHTS 12
#define NUMBERED 32 /* bytes of a made identifier */

/* fingerprint 0: due, 1: and new */
struct model {
	bool known[PEOPLE], seen[PEOPLE];
	uint64_t fingerprint[PEOPLE];
};

static struct operation numbered(char id[NUMBERED], int i, uint64_t fingerprint)
{
	static const enum id_type types[] = { ID_ID, ID_EMAIL, ID_CIO_ID };

	snprintf(id, NUMBERED, i % 3 == 1 ? "p%d@example.com" : "p%d", i);
	return typed(id, types[i % 3], fingerprint);
}

static uint64_t count_missing(const struct model *m)
{
	uint64_t n = 0;

	for (int i = 0; i < PEOPLE; i++)
		n += m->known[i] && !m->seen[i];
	return n;
}

static void one_row(struct syncfile *s, struct model *m, struct dice *d)
{
	char id[NUMBERED];
	int i = (int)dice_below(d, PEOPLE);
	struct operation op = numbered(id, i, 100 + (uint64_t)dice_below(d, 2));
	bool unchanged = m->known[i] && m->fingerprint[i] == op.fingerprint;

	expect_look(s, op, !unchanged);
	m->seen[i] = m->known[i];
	if (unchanged)
		return;
	mark(s, op);
	m->fingerprint[i] = m->known[i] ? 0 : 1;
	m->known[i] = m->seen[i] = true;
	switch (dice_below(d, 4)) {
	case 0: /* never heard of */
		break;
	case 1:
		refuse(s, op);
		if (m->fingerprint[i] == 1)
			m->known[i] = m->seen[i] = false;
		break;
	default:
		accept(s, op);
		m->fingerprint[i] = op.fingerprint;
	}
}

/* Every person who is missing comes up once; some are deleted. */
static void deletes(struct syncfile *s, struct model *m, struct dice *d)
{
	struct buf found = { .max = 1000 };
	bool came[PEOPLE] = { false };
	char text[20], id[NUMBERED];
	enum id_type type;
	uint64_t count = 0, want = count_missing(m);

	while (syncfile_next_missing(s, &found, &type, &why) == 1) {
		snprintf(text, sizeof text, "%.*s", (int)found.len, found.data);
		int i = atoi(text + 1);
		struct operation op = numbered(id, i, 0);
		ck_assert_str_eq(text, id);
		ck_assert_int_eq(type, op.id_type);
		ck_assert_msg(m->known[i] && !m->seen[i] && !came[i], "%s is not missing", text);
		came[i] = true;
		count++;
		if (dice_one_in(d, 3))
			continue;
		mark(s, op);
		m->fingerprint[i] = 0;
		if (dice_one_in(d, 3))
			commit(s);
		remove_person(s, op);
		m->known[i] = false;
	}
	ck_assert_uint_eq(count, want);
	buf_free(&found);
}

START_TEST(agrees_with_a_model)
{
	struct dice d = dice_new("agrees_with_a_model");
	static struct model m, kept;
	struct syncfile *s = open_file(false);

	memset(&m, 0, sizeof m);
	kept = m;
	for (int night = 0; night < NIGHTS; night++) {
		for (int row = (int)dice_below(&d, 2 * PEOPLE); row > 0; row--) {
			one_row(s, &m, &d);
			ck_assert_uint_eq(syncfile_missing(s), count_missing(&m));
			if (dice_one_in(&d, 20)) {
				commit(s);
				kept = m;
			}
		}
		if (dice_one_in(&d, 4)) {
			m = kept; /* killed */
		} else {
			deletes(s, &m, &d);
			commit(s);
			kept = m;
		}
		s = again(s);
		memset(m.seen, 0, sizeof m.seen);
	}
	syncfile_close(s);
}
END_TEST

START_TEST(numbers_are_used_again)
{
	struct syncfile *s = open_file(false);
	char id[NUMBERED];

	for (int i = 0; i < 2000; i++) {
		accept(s, numbered(id, i, 100));
		remove_person(s, numbered(id, i, 100));
		ck_assert_uint_eq(syncfile_missing(s), 0);
		if (i % 100 == 0) {
			commit(s);
			s = again(s); /* which counts them */
		}
	}
	accept(s, person("ann", 100));
	commit(s);
	syncfile_close(s);

	sqlite3 *sql;
	sqlite3_stmt *q;
	ck_assert_int_eq(sqlite3_open(path, &sql), SQLITE_OK);
	ck_assert_int_eq(sqlite3_prepare_v2(sql, "SELECT top FROM about", -1, &q, NULL), SQLITE_OK);
	ck_assert_int_eq(sqlite3_step(q), SQLITE_ROW);
	ck_assert_int_eq(sqlite3_column_int(q, 0), 1);
	sqlite3_finalize(q);
	sqlite3_close(sql);
}
END_TEST

START_TEST(a_hundred_thousand)
{
	struct syncfile *s = open_file(false);
	struct buf found = { .max = 1000 };
	enum id_type type;
	char id[40];

	for (int i = 0; i < 100000; i++) {
		snprintf(id, sizeof id, "%030d", i);
		accept(s, person(id, (uint64_t)i));
	}
	commit(s);
	s = again(s);
	for (int i = 0; i < 100000; i++) {
		snprintf(id, sizeof id, "%030d", i);
		if (i != 77777)
			expect_look(s, person(id, (uint64_t)i), 0);
	}
	ck_assert_uint_eq(syncfile_known(s), 100000);
	ck_assert_uint_eq(syncfile_missing(s), 1);
	ck_assert_int_eq(syncfile_next_missing(s, &found, &type, &why), 1);
	snprintf(id, sizeof id, "%030d", 77777);
	expect_text(&found, id, "who is missing");
	buf_free(&found);
	syncfile_close(s);
}
END_TEST

/* -- may anybody be deleted -- */

START_TEST(how_many_may_be_deleted)
{
	static const struct {
		int known;
		uint64_t count;
		double percent;
		uint64_t allowed;
	} cases[] = {
		{ 0, 0, 1, 0 },
		{ 99, 0, 1, 0 },
		{ 100, 0, 1, 1 },
		{ 199, 0, 1, 1 },
		{ 200, 0, 1, 2 },
		{ 100, 0, 29, 29 },
		{ 100, 0, 100, UINT64_MAX },
		{ 100, 0, 99.99, 99 },
		{ 100, 0, 0.5, 0 },
		{ 1000, 0, 0.7, 7 },
		{ 1000, 0, 0.3, 3 },
		{ 100, 0, 0, 0 },
		{ 100, 7, 0, 7 },
		{ 1, 1000, 0, 1000 },
	};
	struct syncfile *s = open_file(false);
	char id[NUMBERED];

	for (int i = 0; i < cases[_i].known; i++)
		accept(s, numbered(id, i, 100));
	commit(s);
	s = again(s);
	ck_assert_uint_eq(syncfile_allowed(s, cases[_i].count, cases[_i].percent),
	    cases[_i].allowed);
	syncfile_close(s);
}
END_TEST

START_TEST(judges)
{
	static const struct {
		int seen;
		uint64_t records;
		bool doubtful;
		uint64_t allowed;
		enum syncfile_verdict verdict;
	} cases[] = {
		{ 3, 3, false, 0, SYNCFILE_NOBODY },
		{ 3, 3, true, 0, SYNCFILE_NOBODY },
		{ 0, 0, false, 3, SYNCFILE_EMPTY },
		{ 0, 0, true, 3, SYNCFILE_EMPTY },
		{ 1, 1, true, 3, SYNCFILE_DOUBTFUL },
		{ 1, 1, false, 1, SYNCFILE_TOO_MANY },
		{ 1, 1, false, 2, SYNCFILE_DELETE },
		{ 0, 1, false, 2, SYNCFILE_TOO_MANY },
	};
	make_file(three, 3);
	struct syncfile *s = open_file(false);

	for (int i = 0; i < cases[_i].seen; i++)
		expect_look(s, person(three[i], 100), 0);
	ck_assert_int_eq(syncfile_decide(s, cases[_i].records, cases[_i].doubtful,
	                     cases[_i].allowed),
	    cases[_i].verdict);
	syncfile_close(s);
}
END_TEST

/* The share is of those whom the last complete sync left: newcomers, who may be another file's
 * people, count later. */
START_TEST(the_share_is_of_the_last_complete_sync)
{
	char id[NUMBERED];

	make_file(three, 3);
	struct syncfile *s = open_file(false);
	ck_assert_int_eq(syncfile_complete(s, &why), 0);
	commit(s);
	for (int i = 0; i < 100; i++)
		accept(s, numbered(id, i, 100));
	commit(s);
	ck_assert_uint_eq(syncfile_known(s), 3);
	s = again(s);
	ck_assert_uint_eq(syncfile_known(s), 3);
	ck_assert_int_eq(syncfile_complete(s, &why), 0);
	commit(s);
	s = again(s);
	ck_assert_uint_eq(syncfile_known(s), 103);
	syncfile_close(s);
}
END_TEST

/* -- the file -- */

START_TEST(the_file_is_private_and_held)
{
	struct stat st;
	struct syncfile *s = open_file(false);

	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0600);
	expect_refused(ABOUT, false, 75, "another run (pid ");
	expect_refused(ABOUT, true, 75, "another run (pid ");
	syncfile_close(s);
	ck_assert_int_eq(symlink("people.sync", harness_path(h, "link")), 0);
	path = harness_path(h, "link");
	expect_refused(ABOUT, false, 73, "symbolic link");
	expect_refused(ABOUT, true, 73, "symbolic link");
	path = harness_path(h, "no/people.sync");
	expect_refused(ABOUT, false, 73, "make the directory first");
}
END_TEST

START_TEST(another_destination_is_refused)
{
	make_file(three, 3);
	for (int read_only = 0; read_only < 2; read_only++) {
		expect_refused("https://elsewhere", read_only, 65, "https://elsewhere");
		assert_reason(ABOUT);
		assert_reason("move this one away");
	}
	int status;
	/* a dry run without credentials */
	struct syncfile *s = syncfile_open(path, NULL, true, &status, &why);
	ck_assert_ptr_nonnull(s);
	syncfile_close(s);
}
END_TEST

static void run_sql(const char *text)
{
	sqlite3 *sql;
	char *error = NULL;

	ck_assert_int_eq(sqlite3_open(path, &sql), SQLITE_OK);
	ck_assert_msg(sqlite3_exec(sql, text, NULL, NULL, &error) == SQLITE_OK, "%s: %s", text,
	    error ? error : "");
	sqlite3_close(sql);
}

START_TEST(a_damaged_file_is_refused_when_it_is_opened)
{
	static const char *const damages[] = {
		"DELETE FROM people WHERE id = 'ann'",
		"INSERT INTO people VALUES (1, 3, 0, 0, 'joe')",
		"UPDATE about SET people = 2, top = 2", "UPDATE about SET complete = 1000000",
		"UPDATE about SET text = 'https://elsewhere'", "UPDATE about SET sum = sum + 1",
		"DELETE FROM about", "INSERT INTO spare VALUES (1)", "DROP TABLE people",
		"DROP TABLE about", "PRAGMA user_version = 2", "PRAGMA application_id = 7",
		"PRAGMA application_id = 1667854195", /* a state file */
	};
	make_file(three, 3);
	run_sql(damages[_i]);
	for (int read_only = 0; read_only < 2; read_only++) {
		int status = 0;
		struct syncfile *s = syncfile_open(path, ABOUT, read_only, &status, &why);
		ck_assert_msg(s == NULL, "%s: it was opened", damages[_i]);
		ck_assert_msg(status == 65, "%s: %d: %s", damages[_i], status, why.text);
		assert_reason(path);
	}
}
END_TEST

START_TEST(bytes_that_are_no_such_file_are_refused)
{
	size_t len;

	harness_write_text(h, "people.sync", "id,email\n1,a@example.com\n");
	expect_refused(ABOUT, false, 65,
	    "is not a sync file of cio-import: give another name with --sync");
	expect_refused(ABOUT, true, 65,
	    "is not a sync file of cio-import: give another name with --sync");
	harness_assert_file_is(h, "people.sync", "id,email\n1,a@example.com\n");

	ck_assert_int_eq(unlink(path), 0);
	make_file(three, 3);
	char *bytes = harness_read(h, "people.sync", &len);
	memset(bytes + 1024, 0x5a, len - 1024);
	harness_write(h, "people.sync", bytes, len);
	free(bytes);
	expect_refused(ABOUT, false, 65, "damaged");
	expect_refused(ABOUT, true, 65, "damaged");
}
END_TEST

/* Each bit of SQLite's header: opened all the same, or refused with what to do about it. */
START_TEST(any_flip_in_the_header_has_a_way_out)
{
	bool read_only = _i;
	size_t len, refused = 0;

	make_file(three, 3);
	char *bytes = harness_read(h, "people.sync", &len);
	for (size_t bit = 0; bit < (size_t)100 * 8; bit++) {
		int status = 0;
		bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
		harness_write(h, "people.sync", bytes, len);
		struct syncfile *s = syncfile_open(path, ABOUT, read_only, &status, &why);
		if (!s) {
			refused++;
			ck_assert_msg(status == 65, "bit %zu: %d: %s", bit, status, why.text);
			assert_reason(path);
			assert_reason("move this one away");
		}
		syncfile_close(s);
		bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
	}
	free(bytes);
	ck_assert_uint_gt(refused, 100);
}
END_TEST

/* Nobody is deleted by a name that is not what the row was filed under. */
START_TEST(a_damaged_row_is_refused_when_it_is_met)
{
	static const struct {
		const char *sql;
		int look;
	} damages[] = {
		{ "UPDATE people SET id = 'bod' WHERE id = 'bob'", 1 },
		{ "UPDATE people SET type = 1 WHERE id = 'bob'", 0 },
		{ "UPDATE people SET type = 2 WHERE id = 'bob'", 1 },
		{ "UPDATE people SET type = 4 WHERE id = 'bob'", -1 },
		{ "UPDATE people SET n = 3 WHERE id = 'bob'", -1 },
		{ "UPDATE people SET n = -1 WHERE id = 'bob'", -1 },
	};
	struct buf id = { .max = 1000 };
	enum id_type type;
	int found;

	make_file(three, 3);
	run_sql(damages[_i].sql);
	struct syncfile *s = open_file(false);
	expect_look(s, person("bob", 100), damages[_i].look);
	expect_look(s, person("ann", 100), 0);
	expect_look(s, person("eve", 100), 0);
	if (damages[_i].look != 0) {
		while ((found = syncfile_next_missing(s, &id, &type, &why)) == 1)
			;
		ck_assert_int_eq(found, -1);
		ck_assert_int_eq(syncfile_status(s), 65);
		assert_reason("damaged");
	}
	buf_free(&id);
	syncfile_close(s);
}
END_TEST

/* -- read only -- */

START_TEST(reading_makes_nothing)
{
	struct syncfile *s = open_file(true);

	expect_look(s, person("ann", 100), 1);
	ck_assert_uint_eq(syncfile_known(s), 0);
	ck_assert_uint_eq(syncfile_missing(s), 0);
	expect_missing(s, "");
	syncfile_close(s);
	ck_assert(!harness_exists(h, "people.sync"));
}
END_TEST

/* A run that is killed after a commit leaves a log. */
static void leave_a_log(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		struct syncfile *s = open_file(false);
		accept(s, person("joe", 100));
		remove_person(s, person("eve", 0));
		commit(s);
		raise(SIGKILL);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, SIGKILL);
	ck_assert(harness_exists(h, "people.sync-wal"));
}

START_TEST(reading_changes_nothing)
{
	static const char *const files[] = { "people.sync", "people.sync-wal", "people.sync-shm",
		"people.sync-journal" };
	char *before[LENGTH(files)];
	size_t sizes[LENGTH(files)], size;

	make_file(three, 3);
	if (_i == 1)
		leave_a_log();
	for (int i = 0; i < LENGTH(files); i++)
		before[i] = harness_read(h, files[i], &sizes[i]);
	struct syncfile *s = open_file(true);
	expect_look(s, person("ann", 100), 0);
	expect_look(s, person("joe", 100), _i == 0);
	expect_missing(s, _i == 0 ? "bob eve " : "bob ");
	/* it stays as it is while it is read */
	expect_refused(ABOUT, false, 75, "another run");
	syncfile_close(s);
	for (int i = 0; i < LENGTH(files); i++) {
		char *after = harness_read(h, files[i], &size);
		ck_assert_msg((before[i] != NULL) == (after != NULL), "%s came or went", files[i]);
		if (after) {
			ck_assert_uint_eq(size, sizes[i]);
			ck_assert_mem_eq(after, before[i], size);
		}
		free(before[i]);
		free(after);
	}
	s = open_file(false);
	expect_look(s, person("joe", 100), _i == 0);
	syncfile_close(s);
}
END_TEST

/* -- fingerprints -- */

static uint64_t fingerprint(const char *line, const char *id_field, bool v2, bool update_only)
{
	const struct mapping_config maps = { .id_type = -1, .id_field = id_field };
	const struct operation_config c = { .fingerprints = true,
		.v2 = v2,
		.update_only = update_only };
	struct sample sample = sample_new(line);
	struct mapping *m = mapping_new(&maps);
	struct operation op;
	struct buf bytes = { .max = 100000 };
	struct mapped mapped;

	ck_assert_int_eq(mapping_apply(m, &sample.record, &mapped, &why), 0);
	ck_assert_int_eq(operation_build(&c, &sample.record.from, &mapped, &bytes, &op, &why), 0);
	mapping_free(m);
	sample_free(&sample);
	buf_free(&bytes);
	return op.fingerprint;
}

START_TEST(a_fingerprint_is_of_all_that_is_sent)
{
	static const struct {
		const char *a, *b;
		bool same;
	} pairs[] = {
		{ "id=1|a=x|b=y", "id=1|a=x|b=y", true },
		{ "id=1|a=x|b=y", "id=2|a=x|b=y", true },
		{ "id=1|a=x|b=y", "b=y|id=1|a=x", true },
		{ "id=1|a=x|b=y", "id=1|a=y|b=x", false },
		{ "id=1|a=x|b=y", "id=1|a=x|b=Y", false },
		{ "id=1|a=x|b=y", "id=1|a=x|B=y", false },
		{ "id=1|a=x|b=y", "id=1|a=x|b=y|c=z", false },
		{ "id=1|a=x|b=y", "id=1|a=x", false },
		{ "id=1|a=x|b=x", "id=1|a=y|b=y", false },
		{ "id=1", "id=1|a=x", false },
		{ "id=1|a=1", "{\"id\":1,\"a\":1}", false },
		{ "{\"id\":1,\"a\":1}", "{\"id\":1,\"a\":\"1\"}", false },
		{ "{\"id\":1,\"a\":null}", "{\"id\":1}", false },
		{ "{\"id\":1,\"a\":{\"b\":1}}", "{\"id\":1,\"a\":{\"b\":2}}", false },
		{ "{\"id\":1,\"_timestamp\":1500000001}", "{\"id\":1,\"_timestamp\":1500000002}",
		    false },
		{ "{\"id\":1,\"cio_relationships\":[]}", "{\"id\":1,\"cio_relationships\":[{}]}",
		    false },
	};
	for (int v2 = 0; v2 < 2; v2++) {
		bool same = fingerprint(pairs[_i].a, NULL, v2, false) ==
		    fingerprint(pairs[_i].b, NULL, !v2, false);
		ck_assert_msg(same == pairs[_i].same, "%s and %s", pairs[_i].a, pairs[_i].b);
	}
	ck_assert_uint_ne(fingerprint(pairs[_i].a, NULL, false, false),
	    fingerprint(pairs[_i].a, NULL, false, true));
}
END_TEST

START_TEST(a_fingerprint_tells_what_identifies)
{
	static const char line[] = "id=a@example.com|email=a@example.com";

	ck_assert_uint_ne(fingerprint(line, "id", false, false),
	    fingerprint(line, "email", false, false));
}
END_TEST

Suite *syncfile_suite(void)
{
	Suite *s = suite_create("syncfile");
	TCase *t = tcase_create("sync");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, what_was_accepted_is_unchanged, 0, 7);
	tcase_add_test(t, several_rows_are_kept);
	tcase_add_loop_test(t, several_rows_of_older_files, 0, 4);
	tcase_add_test(t, what_was_not_committed_is_gone);
	tcase_add_test(t, who_was_marked_is_due);
	tcase_add_test(t, who_was_refused_and_never_accepted_is_not_known);
	tcase_add_loop_test(t, one_person_by_another_spelling, 0, 9);
	tcase_add_test(t, a_collision_harms_nobody);
	tcase_add_loop_test(t, agrees_with_a_model, 0, 5);
	tcase_add_test(t, numbers_are_used_again);
	tcase_add_test(t, a_hundred_thousand);
	tcase_add_loop_test(t, how_many_may_be_deleted, 0, 14);
	tcase_add_loop_test(t, judges, 0, 8);
	tcase_add_test(t, the_share_is_of_the_last_complete_sync);
	tcase_add_test(t, the_file_is_private_and_held);
	tcase_add_test(t, another_destination_is_refused);
	tcase_add_loop_test(t, a_damaged_file_is_refused_when_it_is_opened, 0, 13);
	tcase_add_test(t, bytes_that_are_no_such_file_are_refused);
	tcase_add_loop_test(t, any_flip_in_the_header_has_a_way_out, 0, 2);
	tcase_add_loop_test(t, a_damaged_row_is_refused_when_it_is_met, 0, 6);
	tcase_add_test(t, reading_makes_nothing);
	tcase_add_loop_test(t, reading_changes_nothing, 0, 2);
	tcase_add_loop_test(t, a_fingerprint_is_of_all_that_is_sent, 0, 16);
	tcase_add_test(t, a_fingerprint_tells_what_identifies);
	suite_add_tcase(s, t);
	return s;
}
