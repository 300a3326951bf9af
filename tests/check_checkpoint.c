/* The state file: what it promises, damaged, interrupted, and held by another. */
#include "store/checkpoint.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/buf.h"
#include "dice.h"
#include "harness.h"
#include "base/log.h"
#include "unix.h"

Suite *checkpoint_suite(void);

#define LENGTH(array) ((int)(sizeof(array) / sizeof *(array)))

static struct harness *h;
static struct reason why;
static const char *path;
static const struct checkpoint_identity identity = { "identify", "https://track.customer.io site 1",
	"id=email" };

static void setup(void)
{
	if (access("/dev/shm", W_OK) == 0)
		/* thousands of fsyncs: what they promise cannot be seen here anyway */
		setenv("TMPDIR", "/dev/shm", 0);
	h = harness_new(NULL);
	path = harness_path(h, "s.cio-state");
	why.text[0] = '\0';
	signal(SIGXFSZ, SIG_IGN);
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

static struct checkpoint *open_as(enum checkpoint_result want, int restart,
    struct checkpoint_state *state)
{
	struct checkpoint *l = NULL;
	enum checkpoint_result got = checkpoint_open(path, &identity, restart, &l, state, &why);

	ck_assert_msg(got == want, "%d, not %d: %s", got, want, why.text);
	ck_assert((l != NULL) == (want == CHECKPOINT_NEW || want == CHECKPOINT_RESUME));
	return l;
}

/* Opens it, expecting that outcome, and closes it again. */
static void expect_open(enum checkpoint_result want, int restart)
{
	struct checkpoint_state state;

	checkpoint_close(open_as(want, restart, &state));
}

static void commit(struct checkpoint *l, const struct checkpoint_state *state)
{
	ck_assert_msg(checkpoint_commit(l, state, &why) == 0, "%s", why.text);
}

static void assert_same(const struct checkpoint_state *is, const struct checkpoint_state *want)
{
	ck_assert_uint_eq(is->high, want->high);
	ck_assert_uint_eq(is->hash, want->hash);
	for (enum outcome o = 0; o < OUTCOME_COUNT; o++)
		ck_assert_uint_eq(is->outcomes[o], want->outcomes[o]);
	ck_assert_str_eq(is->files, want->files ? want->files : "");
	ck_assert_str_eq(is->run, want->run ? want->run : "");
	ck_assert_int_eq(is->results.size, want->results.size);
	ck_assert_uint_eq(is->results.sum, want->results.sum);
	ck_assert_uint_eq(is->results.inode, want->results.inode);
	ck_assert_str_eq(is->rejects_name, want->rejects_name ? want->rejects_name : "");
	ck_assert_str_eq(is->results_name, want->results_name ? want->results_name : "");
	ck_assert_uint_eq(is->open_count, want->open_count);
	for (size_t i = 0; i < want->open_count; i++)
		ck_assert_uint_eq(is->open[i], want->open[i]);
	ck_assert_uint_eq(is->intended_count, want->intended_count);
	for (size_t i = 0; i < want->intended_count; i++)
		ck_assert_uint_eq(is->intended[i], want->intended[i]);
	ck_assert_uint_eq(is->rejects_files, want->rejects_files);
	for (size_t i = 0; i < want->rejects_files; i++) {
		ck_assert_int_eq(is->rejects[i].size, want->rejects[i].size);
		ck_assert_uint_eq(is->rejects[i].sum, want->rejects[i].sum);
		ck_assert_uint_eq(is->rejects[i].inode, want->rejects[i].inode);
	}
}

/* Nothing but these files is in the directory. */
static void assert_only(const char *first, const char *second)
{
	static const char *const known[] = { "s.cio-state", "s.cio-state-wal",
		"s.cio-state-journal", "s.cio-state-shm", "s.cio-state~" };

	for (int i = 0; i < LENGTH(known); i++) {
		bool expected = (first && strcmp(known[i], first) == 0) ||
		    (second && strcmp(known[i], second) == 0);
		ck_assert_msg(harness_exists(h, known[i]) == expected, "%s is %sthere", known[i],
		    expected ? "not " : "");
	}
}

static const uint64_t some_open[] = { 1, 2, 127, 128, 129, 255, 256, 16511, 16512, 1000000 };
static const uint64_t last_open[] = { UINT64_MAX };
static const struct outfile_mark some_rejects[] = {
	{ 0, 0, 0 },
	{ 1, 1, 1 },
	{ 127, 128, 16384 },
	{ 128, 127, 16383 },
	{ INT64_MAX, 0, 0 },
	{ 0, UINT64_MAX, UINT64_MAX },
};

static const struct checkpoint_state states[] = {
	{ .high = 0, .files = "" },
	{ .high = 1000000,
	    .open = some_open,
	    .open_count = LENGTH(some_open),
	    .intended = some_open + 1,
	    .intended_count = LENGTH(some_open) - 1,
	    .hash = 0x8000000000000001,
	    .outcomes = { [OUTCOME_REJECTED] = 1, [OUTCOME_REFUSED] = 2, [OUTCOME_FAILED] = 3 },
	    .files = "3 3 0000000000000001 a b.csv\n",
	    .rejects = some_rejects,
	    .rejects_files = LENGTH(some_rejects),
	    .results = { 77, 78, 79 },
	    .rejects_name = "/a/r.csv",
	    .results_name = "/a/ä b",
	    .run = "01ARZ3NDEKTSV4RRFFQ69G5FAV" },
	{ .high = UINT64_MAX,
	    .open = last_open,
	    .open_count = 1,
	    .hash = UINT64_MAX,
	    .outcomes = { [OUTCOME_FAILED] = UINT64_MAX },
	    .files = "",
	    .results = { INT64_MAX, UINT64_MAX, UINT64_MAX },
	    .rejects_name = "",
	    .results_name = "" },
};

START_TEST(keeps_what_it_is_given)
{
	struct checkpoint_state state;
	struct checkpoint *l = open_as(CHECKPOINT_NEW, 0, &state);

	ck_assert_uint_eq(state.high, 0);
	ck_assert_uint_eq(state.open_count, 0);
	ck_assert_str_eq(state.rejects_name, "");
	commit(l, &states[1]); /* something else, to be written over */
	commit(l, &states[_i]);
	checkpoint_close(l);
	assert_only("s.cio-state", NULL);
	for (int i = 0; i < 2; i++) {
		l = open_as(CHECKPOINT_RESUME, 0, &state);
		assert_same(&state, &states[_i]);
		checkpoint_close(l);
	}
	checkpoint_close(NULL);
}
END_TEST

START_TEST(file_is_private)
{
	static const char *const names[] = { "s.cio-state", "s.cio-state-wal" };
	struct checkpoint_state state;
	struct checkpoint *l = open_as(CHECKPOINT_NEW, 0, &state);
	struct stat st;

	commit(l, &states[1]);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(stat(harness_path(h, names[i]), &st), 0);
		ck_assert_uint_eq(st.st_mode & 0777, 0600);
	}
	assert_only("s.cio-state", "s.cio-state-wal");
	checkpoint_close(l);
}
END_TEST

START_TEST(remove_leaves_nothing)
{
	struct checkpoint_state state;
	struct checkpoint *l = open_as(CHECKPOINT_NEW, 0, &state);

	if (_i)
		commit(l, &states[1]);
	ck_assert_msg(checkpoint_remove(l, &why) == 0, "%s", why.text);
	assert_only(NULL, NULL);
	checkpoint_close(l);
	assert_only(NULL, NULL);
	expect_open(CHECKPOINT_NEW, 0);
}
END_TEST

START_TEST(is_new_until_its_first_commit)
{
	static const struct checkpoint_identity other = { "track", "there", "" };
	struct checkpoint_state state;
	struct checkpoint *l;

	expect_open(CHECKPOINT_NEW, 0);
	expect_open(CHECKPOINT_NEW, 0);
	ck_assert_int_eq(checkpoint_open(path, &other, 0, &l, &state, &why), CHECKPOINT_NEW);
	commit(l, &states[1]);
	checkpoint_close(l);
	expect_open(CHECKPOINT_OTHER, 0);
	ck_assert_int_eq(checkpoint_open(path, &other, 0, &l, &state, &why), CHECKPOINT_RESUME);
	checkpoint_close(l);
}
END_TEST

/* A run that read and settled nothing, for wrong credentials perhaps; any settled record makes it
 * one to keep. */
static const struct {
	struct checkpoint_state state;
	enum checkpoint_result then;
} stopped[] = {
	{ { .run = "7" }, CHECKPOINT_NEW },
	{ { .outcomes = { [OUTCOME_SKIPPED] = 7 } }, CHECKPOINT_NEW },
	{ { .high = 2, .open = (const uint64_t[]){ 1, 2 }, .open_count = 2 }, CHECKPOINT_NEW },
	{ { .high = 2,
	      .open = (const uint64_t[]){ 1, 2 },
	      .open_count = 2,
	      .intended = (const uint64_t[]){ 2 },
	      .intended_count = 1 },
	    CHECKPOINT_OTHER },
	{ { .high = 1, .hash = 1 }, CHECKPOINT_OTHER },
	{ { .high = 1, .outcomes = { [OUTCOME_REJECTED] = 1 } }, CHECKPOINT_OTHER },
	{ { .high = 1, .outcomes = { [OUTCOME_REFUSED] = 1 } }, CHECKPOINT_OTHER },
	{ { .high = 1, .outcomes = { [OUTCOME_FAILED] = 1 } }, CHECKPOINT_OTHER },
};

START_TEST(nothing_settled_is_nothing_kept)
{
	struct checkpoint_state state;
	struct checkpoint *l = open_as(CHECKPOINT_NEW, 0, &state);
	static const struct checkpoint_identity other = { "track", "there", "" };

	commit(l, &stopped[_i].state);
	checkpoint_close(l);
	l = open_as(CHECKPOINT_RESUME, 0, &state);
	assert_same(&state, &stopped[_i].state);
	checkpoint_close(l);
	ck_assert_int_eq(checkpoint_open(path, &other, 0, &l, &state, &why), (int)stopped[_i].then);
	if (stopped[_i].then == CHECKPOINT_NEW)
		ck_assert(state.high == 0 && state.open_count == 0 && !*state.run);
	checkpoint_close(l);
	expect_open(stopped[_i].then == CHECKPOINT_NEW ? CHECKPOINT_NEW : CHECKPOINT_RESUME, 0);
}
END_TEST

static const struct {
	struct checkpoint_identity id;
	const char *says;
} others[] = {
	{ { "track", "https://track.customer.io site 1", "id=email" },
	    "another action (identify; now it is track)" },
	{ { "identify", "https://track-eu.customer.io site 1", "id=email" },
	    "another destination" },
	{ { "identify", "https://track.customer.io site 1", "" }, "another mapping" },
};

START_TEST(refuses_another_run)
{
	struct checkpoint_state state;
	struct checkpoint *l = open_as(CHECKPOINT_NEW, 0, &state);

	commit(l, &states[1]);
	checkpoint_close(l);
	ck_assert_int_eq(checkpoint_open(path, &others[_i].id, 0, &l, &state, &why),
	    CHECKPOINT_OTHER);
	ck_assert_ptr_null(l);
	assert_reason(path);
	assert_reason(others[_i].says);
	assert_reason("--restart");
	assert_reason("--state=FILE");
	l = open_as(CHECKPOINT_RESUME, 0, &state); /* it was left as it was */
	assert_same(&state, &states[1]);
	checkpoint_close(l);
	ck_assert_int_eq(checkpoint_open(path, &others[_i].id, 1, &l, &state, &why),
	    CHECKPOINT_NEW);
	checkpoint_close(l);
}
END_TEST

START_TEST(restart_forgets)
{
	struct checkpoint_state state;
	struct checkpoint *l = open_as(CHECKPOINT_NEW, 1, &state);

	commit(l, &states[1]);
	checkpoint_close(l);
	l = open_as(CHECKPOINT_NEW, 1, &state);
	ck_assert_uint_eq(state.high, 0);
	checkpoint_close(l);
	assert_only("s.cio-state", NULL);
	expect_open(CHECKPOINT_NEW, 0);
}
END_TEST

/* -- files that are not what they should be -- */

static void assert_untouched(const char *data, size_t n, const char *name)
{
	size_t len;
	char *got = harness_read(h, name, &len);

	ck_assert_ptr_nonnull(got);
	ck_assert_uint_eq(len, n);
	ck_assert_int_eq(memcmp(got, data, n), 0);
	free(got);
}

START_TEST(garbage_is_never_believed_nor_lost)
{
	static const char *const texts[] = { "id,name\n1,x\n", "xy", "SQLite format 3",
		"SQLite format 3\0tail" };
	struct dice d = dice_new("checkpoint: garbage");
	char data[9000];
	size_t n = sizeof data;

	for (size_t i = 0; i < n; i++)
		data[i] = _i == LENGTH(texts) ? '\0' : (char)dice_next(&d);
	if (_i < LENGTH(texts))
		memcpy(data, texts[_i], n = strlen(texts[_i]) + (_i == 3 ? 5 : 0));
	harness_write(h, "s.cio-state", data, n);
	expect_open(CHECKPOINT_BROKEN, 0);
	assert_reason("--restart");
	assert_untouched(data, n, "s.cio-state");
	expect_open(CHECKPOINT_NEW, 1);
	assert_untouched(data, n, "s.cio-state~");
}
END_TEST

START_TEST(a_file_of_no_bytes_is_new)
{
	harness_write(h, "s.cio-state", "", 0);
	/* left by a run that stopped in its first moment: it must not be played back */
	if (_i)
		harness_write(h, _i == 1 ? "s.cio-state-journal" : "s.cio-state-wal",
		    "rubbish rubbish rubbish", 20);
	expect_open(CHECKPOINT_NEW, 0);
	assert_only("s.cio-state", NULL);
}
END_TEST

static void sql(const char *statements)
{
	sqlite3 *db;

	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	int result = sqlite3_exec(db, statements, NULL, NULL, NULL);
	ck_assert_msg(result == SQLITE_OK, "%s: %s", statements, sqlite3_errmsg(db));
	sqlite3_close(db);
}

/* What is plainly somebody's: it is never taken for ours, and --restart does not touch it. */
static const struct {
	const char *name, *text, *sql;
} foreign[] = {
	{ "people.csv", "id,name\n1,x\n", NULL },
	{ "people.cio-state.csv", "id,name\n1,x\n", NULL },
	{ "x", "xy", NULL },
	{ "their.db", NULL, "CREATE TABLE people (id, name); INSERT INTO people VALUES (1, 'x')" },
	{ "their.db", NULL, "PRAGMA application_id = 7; CREATE TABLE t (x)" },
	{ "their.db", NULL,
	    "PRAGMA application_id = 7; PRAGMA journal_mode = WAL; CREATE TABLE t (x)" },
	/* a sync file */
	{ "users.sync", NULL, "PRAGMA application_id = 0x63696f79; CREATE TABLE people (x)" },
};

START_TEST(what_is_not_ours_is_left_alone)
{
	size_t len;

	path = harness_path(h, foreign[_i].name);
	if (foreign[_i].text)
		harness_write_text(h, foreign[_i].name, foreign[_i].text);
	else
		sql(foreign[_i].sql);
	char *before = harness_read(h, foreign[_i].name, &len);
	for (int restart = 0; restart < 2; restart++) {
		expect_open(CHECKPOINT_BROKEN, restart);
		assert_reason(path);
		assert_reason("is not a state file of cio-import: give another name with --state");
		ck_assert_ptr_null(strstr(why.text, "--restart"));
		assert_untouched(before, len, foreign[_i].name);
	}
	free(before);
}
END_TEST

/* Under a name that is ours it may be what is left of a file of ours: so it is put aside. */
START_TEST(a_database_under_our_name_is_put_aside)
{
	size_t len;

	sql("PRAGMA application_id = 7; CREATE TABLE people (id, name); INSERT INTO people VALUES "
	    "(1, 'x')");
	char *before = harness_read(h, "s.cio-state", &len);
	expect_open(CHECKPOINT_BROKEN, 0);
	assert_reason("is damaged (it says that it is another program's): --restart begins anew");
	assert_untouched(before, len, "s.cio-state");
	expect_open(CHECKPOINT_NEW, 1);
	assert_untouched(before, len, "s.cio-state~");
	free(before);
}
END_TEST

/* Refused with what to do about it, or carried on as it was; and --restart is a way out. */
static bool is_refused(const struct checkpoint_state *want)
{
	struct checkpoint_state state;
	struct checkpoint *l;
	enum checkpoint_result got = checkpoint_open(path, &identity, 0, &l, &state, &why);

	if (got == CHECKPOINT_RESUME)
		assert_same(&state, want);
	checkpoint_close(l);
	if (got == CHECKPOINT_RESUME)
		return false;
	ck_assert_msg(got == CHECKPOINT_BROKEN, "%d: %s", got, why.text);
	assert_reason(path);
	assert_reason("--restart begins anew");
	expect_open(CHECKPOINT_NEW, 1);
	return true;
}

/* Each bit of SQLite's header, under a name that says nothing. */
START_TEST(any_flip_in_the_header_has_a_way_out)
{
	struct checkpoint_state state;
	size_t len, refused = 0;

	path = harness_path(h, "my.progress");
	struct checkpoint *l = open_as(CHECKPOINT_NEW, 0, &state);
	commit(l, &states[1]);
	checkpoint_close(l);
	char *bytes = harness_read(h, "my.progress", &len);
	for (size_t bit = 0; bit < (size_t)100 * 8; bit++) {
		bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
		harness_write(h, "my.progress", bytes, len);
		refused += is_refused(&states[1]);
		bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
	}
	free(bytes);
	printf("checkpoint: %zu of 800 flips in the header were refused\n", refused);
	ck_assert_uint_gt(refused, 100);
}
END_TEST

/* What a crash leaves in place of a file or of its beginning. */
START_TEST(what_a_crash_leaves_has_a_way_out)
{
	static const struct {
		size_t from, zeroes, keep;
	} left[] = {
		{ 0, SIZE_MAX, SIZE_MAX },
		{ 0, 512, SIZE_MAX },
		{ 0, 0, 15 },
		{ 0, 0, 16 },
		{ 0, 0, 99 },
		{ 0, 0, 100 },
		{ 0, 0, 3000 },
		{ 100, 412, SIZE_MAX },
		{ 0, 300, 400 },
	};
	struct checkpoint_state state;
	size_t len;

	path = harness_path(h, "my.progress");
	struct checkpoint *l = open_as(CHECKPOINT_NEW, 0, &state);
	commit(l, &states[1]);
	checkpoint_close(l);
	char *bytes = harness_read(h, "my.progress", &len);
	size_t zeroes = left[_i].zeroes < len ? left[_i].zeroes : len;
	memset(bytes + left[_i].from, 0, zeroes);
	harness_write(h, "my.progress", bytes, left[_i].keep < len ? left[_i].keep : len);
	free(bytes);
	ck_assert(is_refused(&states[1]));
}
END_TEST

/* Changes that SQLite itself finds fine. */
static const struct {
	const char *sql;
	enum checkpoint_result result;
	const char *says;
} changes[] = {
	{ "PRAGMA user_version = 3", CHECKPOINT_BROKEN, "another version" },
	{ "UPDATE progress SET high = high - 1", CHECKPOINT_BROKEN, "damaged" },
	{ "UPDATE progress SET hash = hash + 1", CHECKPOINT_BROKEN, "damaged" },
	{ "UPDATE progress SET outcomes = 'rejected=9 refused=2 failed=3'", CHECKPOINT_BROKEN,
	    "damaged" },
	{ "UPDATE progress SET run = ''", CHECKPOINT_BROKEN, "damaged" },
	{ "UPDATE identity SET files = ''", CHECKPOINT_BROKEN, "damaged" },
	{ "UPDATE progress SET results_size = 78", CHECKPOINT_BROKEN, "damaged" },
	{ "UPDATE progress SET results_sum = 77", CHECKPOINT_BROKEN, "damaged" },
	{ "UPDATE progress SET results_inode = 77", CHECKPOINT_BROKEN, "damaged" },
	{ "UPDATE progress SET open = x'01'", CHECKPOINT_BROKEN, "damaged" },
	{ "UPDATE progress SET open = x''", CHECKPOINT_BROKEN, "damaged" },
	{ "UPDATE progress SET rejects = x'0102'", CHECKPOINT_BROKEN, "damaged" },
	{ "UPDATE progress SET rejects_name = '/b'", CHECKPOINT_BROKEN, "damaged" },
	{ "UPDATE progress SET sum = 0", CHECKPOINT_BROKEN, "damaged" },
	{ "UPDATE identity SET mapping = 'id=id'", CHECKPOINT_BROKEN, "damaged" },
	{ "DELETE FROM identity", CHECKPOINT_BROKEN, "damaged" },
	{ "DROP TABLE identity", CHECKPOINT_BROKEN, "damaged" },
	{ "DROP TABLE holder", CHECKPOINT_BROKEN, "is damaged (no such table: holder)" },
	{ "DROP TABLE progress; CREATE TABLE progress (high)", CHECKPOINT_BROKEN, "damaged" },
	{ "PRAGMA application_id = 7", CHECKPOINT_BROKEN, "is damaged" },
	{ "DELETE FROM progress", CHECKPOINT_NEW, "" },
	{ "DELETE FROM holder; VACUUM", CHECKPOINT_RESUME, "" },
	{ "PRAGMA journal_mode = DELETE", CHECKPOINT_RESUME, "" },
};

START_TEST(its_checksum_covers_all)
{
	struct checkpoint_state state;
	struct checkpoint *l = open_as(CHECKPOINT_NEW, 0, &state);

	commit(l, &states[1]);
	checkpoint_close(l);
	sql(changes[_i].sql);
	expect_open(changes[_i].result, 0);
	assert_reason(changes[_i].says);
	expect_open(CHECKPOINT_NEW, 1);
}
END_TEST

/* What SQLite quotes of a damaged file moves no terminal's cursor. */
START_TEST(what_a_damaged_file_says_is_escaped)
{
	sql("PRAGMA application_id = 0x63696f73; CREATE TABLE identity (x); PRAGMA writable_schema "
	    "= ON;"
	    "UPDATE sqlite_schema SET name = 'a' || char(27, 91, 50, 74), sql = 'CREATE TABLE ' || "
	    "char(27)");
	expect_open(CHECKPOINT_BROKEN, 0);
	assert_reason("is damaged (malformed database schema (a\\x1b[2J)");
	ck_assert_ptr_null(strchr(why.text, '\x1b'));
}
END_TEST

/* The file's list of free pages, which nothing of ours is in. */
START_TEST(any_page_is_checked)
{
	struct checkpoint_state state;
	struct checkpoint *l = open_as(CHECKPOINT_NEW, 0, &state);

	commit(l, &states[1]);
	checkpoint_close(l);
	int fd = open(path, O_WRONLY);
	ck_assert_int_eq(pwrite(fd, "\5", 1, 39), 1);
	close(fd);
	expect_open(CHECKPOINT_BROKEN, 0);
	assert_reason("is damaged");
}
END_TEST

START_TEST(refuses_what_is_no_file)
{
	static const struct {
		const char *name, *says;
	} places[] = {
		{ "link", "symbolic link" },
		{ "dangling", "symbolic link" },
		{ "directory", "cannot be opened: Is a directory" },
		{ "fifo", "not a regular file" },
		{ "no/state", "make the directory first" },
		{ "/dev/null", "not a regular file" },
	};
	ck_assert_int_eq(symlink("s.cio-state", harness_path(h, "link")), 0);
	ck_assert_int_eq(symlink("nothing", harness_path(h, "dangling")), 0);
	ck_assert_int_eq(mkdir(harness_path(h, "directory"), 0700), 0);
	ck_assert_int_eq(mkfifo(harness_path(h, "fifo"), 0600), 0);
	expect_open(CHECKPOINT_NEW, 0);
	for (int i = 0; i < LENGTH(places); i++) {
		path = harness_path(h, places[i].name);
		for (int restart = 0; restart < 2; restart++) {
			expect_open(CHECKPOINT_FAILED, restart);
			assert_reason(path);
			assert_reason(places[i].says);
		}
	}
	ck_assert(!harness_exists(h, "nothing"));
}
END_TEST

START_TEST(works_below_a_linked_directory)
{
	ck_assert_int_eq(mkdir(harness_path(h, "real"), 0700), 0);
	ck_assert_int_eq(symlink("real", harness_path(h, "alias")), 0);
	/* nor do such characters mean anything */
	path = harness_path(h, "alias/a b?c#d%41.state");
	expect_open(CHECKPOINT_NEW, 0);
	ck_assert(harness_exists(h, "real/a b?c#d%41.state"));
}
END_TEST

/* What version 1.0.0 left of an import that was killed. */
static const char version_1[] =
    "PRAGMA application_id = 1667854195; PRAGMA user_version = 1;"
    "CREATE TABLE holder (pid INTEGER NOT NULL, since TEXT NOT NULL);"
    "INSERT INTO holder VALUES(28668,'2026-11-29T02:31:37Z');"
    "CREATE TABLE identity (id INTEGER PRIMARY KEY CHECK (id = 1), input TEXT NOT NULL, action "
    "TEXT NOT NULL, destination TEXT NOT NULL, mapping TEXT NOT NULL);"
    "INSERT INTO identity VALUES(1,'1:d92011424c056a0063f20894857aabc0','identify',"
    "'http://127.0.0.1:39147 site=26091f34a757efac',"
    "replace('only\\ndrop\\ntype\\nid - -1 action - empty 0 infer 0 phone 0\\n','\\n',char(10)));"
    "CREATE TABLE progress (id INTEGER PRIMARY KEY CHECK (id = 1), high INTEGER NOT NULL, open "
    "BLOB "
    "NOT NULL, hash INTEGER NOT NULL, rejected INTEGER NOT NULL, refused INTEGER NOT NULL, failed "
    "INTEGER NOT NULL, rejects_sizes BLOB NOT NULL, results_size INTEGER NOT NULL, event_time_ms "
    "INTEGER NOT NULL, rejects_name TEXT NOT NULL, results_name TEXT NOT NULL, sum INTEGER NOT "
    "NULL);"
    "INSERT INTO progress VALUES(1,27,X'1a01',6635671002562573803,1,0,0,X'75',0,1795919497138,"
    "'/home/ann/in.rejected.csv','',-8173050819992247356)";

/* It is refused with the way out, and stays as it is for the version that can go on with it. */
START_TEST(version_1_is_not_misread)
{
	sqlite3 *db;
	size_t len;

	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(db, version_1, NULL, NULL, NULL), SQLITE_OK);
	ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
	char *before = harness_read(h, "s.cio-state", &len);
	expect_open(CHECKPOINT_BROKEN, 0);
	assert_reason("another version of cio-import (format 1, this one has 2): go on with that");
	assert_reason("--restart begins anew");
	assert_untouched(before, len, "s.cio-state");
	expect_open(CHECKPOINT_NEW, 1);
	free(before);
}
END_TEST

/* Moved together, all are found again. */
START_TEST(names_move_with_it)
{
	static const struct {
		const char *rejects, *then;
	} rows[] = {
		{ "a/b/r.csv", "c/b/r.csv" },
		{ "a/b/d/r.csv", "c/b/d/r.csv" },
		{ "a/r.csv", "c/r.csv" },
		{ "a/bc/r.csv", "c/bc/r.csv" },
		{ "r.csv", "r.csv" },
	};
	struct checkpoint_state kept = states[1], state;

	ck_assert_int_eq(mkdir(harness_path(h, "a"), 0700), 0);
	for (int i = 0; i < LENGTH(rows); i++) {
		ck_assert_int_eq(mkdir(harness_path(h, "a/b"), 0700), 0);
		path = harness_path(h, "a/b/s.cio-state");
		kept.rejects_name = harness_path(h, rows[i].rejects);
		struct checkpoint *l = open_as(CHECKPOINT_NEW, 0, &state);
		commit(l, &kept);
		checkpoint_close(l);
		ck_assert_int_eq(rename(harness_path(h, "a"), harness_path(h, "c")), 0);
		path = harness_path(h, "c/b/s.cio-state");
		l = open_as(CHECKPOINT_RESUME, 0, &state);
		ck_assert_str_eq(state.rejects_name, harness_path(h, rows[i].then));
		ck_assert_str_eq(state.results_name, kept.results_name);
		ck_assert_int_eq(checkpoint_remove(l, &why), 0);
		checkpoint_close(l);
		ck_assert_int_eq(rmdir(harness_path(h, "c/b")), 0);
		ck_assert_int_eq(rename(harness_path(h, "c"), harness_path(h, "a")), 0);
	}
}
END_TEST

/* -- one run at a time -- */

/* A run in a process of its own that holds the checkpoint until it is told to end: then it exits as
 * `fate` says. */
enum fate { FATE_CLOSE, FATE_REMOVE, FATE_DIE };

static pid_t holder(enum fate fate, int *tell)
{
	struct checkpoint_state state;
	int ready[2], told[2];
	char c;

	ck_assert_int_eq(pipe(ready), 0);
	ck_assert_int_eq(pipe(told), 0);
	pid_t pid = fork();
	if (pid == 0) {
		close(told[1]);
		close(ready[0]);
		struct checkpoint *l = open_as(CHECKPOINT_NEW, 0, &state);
		commit(l, &states[1]);
		if (write(ready[1], "", 1) != 1 || read(told[0], &c, 1) != 0)
			_exit(1);
		if (fate == FATE_DIE)
			kill(getpid(), SIGKILL);
		if (fate == FATE_REMOVE && checkpoint_remove(l, &why) < 0)
			_exit(1);
		checkpoint_close(l);
		_exit(0);
	}
	close(told[0]);
	close(ready[1]);
	ck_assert_int_eq(read(ready[0], &c, 1), 1);
	close(ready[0]);
	*tell = told[1];
	return pid;
}

START_TEST(a_second_run_is_told_who_holds_it)
{
	static const enum checkpoint_result then[] = { CHECKPOINT_RESUME, CHECKPOINT_NEW,
		CHECKPOINT_RESUME };
	struct checkpoint_state state;
	char who[40];
	int tell, status;

	path = harness_path(h, "a b?c#d%41.state");
	expect_open(CHECKPOINT_NEW, 0); /* by another run, which must not be named */
	pid_t pid = holder((enum fate)_i, &tell);
	snprintf(who, sizeof who, "another run (pid %d, since 20", (int)pid);
	for (int restart = 0; restart < 2; restart++) {
		expect_open(CHECKPOINT_BUSY, restart);
		assert_reason(who);
		assert_reason("Z) holds it: wait for it to end");
	}
	close(tell);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, _i == FATE_DIE ? SIGKILL : 0);
	struct checkpoint *l = open_as(then[_i], 0, &state);
	if (then[_i] == CHECKPOINT_RESUME)
		assert_same(&state, &states[1]);
	checkpoint_close(l);
}
END_TEST

START_TEST(another_program_in_it_is_told)
{
	sqlite3 *db;

	expect_open(CHECKPOINT_NEW, 0);
	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	pid_t pid = fork(); /* a process of its own: SQLite's locks are the process's */
	if (pid == 0) {
		expect_open(CHECKPOINT_BUSY, 0);
		assert_reason("another program has it open");
		_exit(0);
	}
	int status;
	waitpid(pid, &status, 0);
	sqlite3_close(db);
	ck_assert_int_ne(status, 0); /* only opened, not in use: that is fine */
	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(db,
	                     "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; SELECT * FROM "
	                     "identity",
	                     NULL, NULL, NULL),
	    0);
	pid = fork();
	if (pid == 0) {
		expect_open(CHECKPOINT_BUSY, 0);
		assert_reason("another program has it open");
		_exit(0);
	}
	waitpid(pid, &status, 0);
	ck_assert_int_eq(status, 0);
	sqlite3_close(db);
}
END_TEST

/* Many runs at once open, commit, and close or remove: never two inside, and each finds what the
 * last one left. */
static void compete(struct dice d, int rounds)
{
	const char *mark = harness_path(h, "inside");

	for (int i = 0; i < rounds; i++) {
		struct checkpoint_state state;
		struct checkpoint *l;
		enum checkpoint_result got = checkpoint_open(path, &identity, 0, &l, &state, &why);
		if (got == CHECKPOINT_BUSY)
			continue;
		ck_assert_msg(got == CHECKPOINT_NEW || got == CHECKPOINT_RESUME, "%d: %s", got,
		    why.text);
		int fd = open(mark, O_CREAT | O_EXCL | O_WRONLY, 0600);
		ck_assert_msg(fd >= 0, "two runs are inside");
		close(fd);
		ck_assert_int_eq(got == CHECKPOINT_RESUME, state.high != 0);
		state.high++;
		commit(l, &state);
		unlink(mark);
		if (dice_one_in(&d, 3))
			ck_assert_msg(checkpoint_remove(l, &why) == 0, "%s", why.text);
		checkpoint_close(l);
	}
}

/* Makes the file and removes it, as runs do, as fast as it can. */
static void churn(void)
{
	for (;;) {
		struct stat held, named;
		int fd = open(path, O_RDWR | O_CREAT, 0600);
		if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &held) == 0 &&
		    lstat(path, &named) == 0 && held.st_ino == named.st_ino && held.st_size == 0)
			unlink(path);
		close(fd);
	}
}

/* A file that is removed between being opened and being locked is not taken for the one under its
 * name. */
START_TEST(a_removed_file_is_not_held)
{
	enum { RUNS = 8 };
	pid_t churner = fork(), pids[RUNS];
	int status;

	if (churner == 0)
		churn();
	for (int i = 0; i < RUNS; i++) {
		pids[i] = fork();
		for (int k = 0; pids[i] == 0; k++) {
			struct checkpoint_state state;
			struct checkpoint *l;
			enum checkpoint_result got = checkpoint_open(path, &identity, 0, &l, &state,
			    &why);
			ck_assert_msg(got == CHECKPOINT_NEW || got == CHECKPOINT_BUSY, "%d: %s",
			    got, why.text);
			if (l)
				ck_assert_msg(checkpoint_remove(l, &why) == 0, "%s", why.text);
			checkpoint_close(l);
			if (k == 40)
				_exit(0);
		}
	}
	for (int i = 0; i < RUNS; i++) {
		ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
		ck_assert_int_eq(status, 0);
	}
	kill(churner, SIGKILL);
	waitpid(churner, &status, 0);
}
END_TEST

START_TEST(runs_compete)
{
	enum { RUNS = 5 };
	struct dice d = dice_new("checkpoint: runs compete");
	pid_t pids[RUNS];
	int status;

	for (int i = 0; i < RUNS; i++) {
		pids[i] = fork();
		d.state++;
		if (pids[i] == 0) {
			compete(d, 40);
			_exit(0);
		}
	}
	for (int i = 0; i < RUNS; i++) {
		ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
		ck_assert_int_eq(status, 0);
	}
}
END_TEST

/* -- trouble with the disk -- */

START_TEST(a_full_disk_is_told_and_nothing_is_lost)
{
	struct rlimit limit = { .rlim_cur = 60000, .rlim_max = RLIM_INFINITY };
	struct checkpoint_state state, big = { .high = 1 << 20, .files = "" };
	struct checkpoint *l = open_as(CHECKPOINT_NEW, 0, &state);
	uint64_t *open = calloc(100000, sizeof *open);

	for (uint64_t i = 0; i < 100000; i++)
		open[i] = i * 5 + 1;
	big.open = open;
	big.open_count = 100000;
	commit(l, &states[1]);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	ck_assert_int_eq(checkpoint_commit(l, &big, &why), -1);
	assert_reason("cannot be written");
	assert_reason("run the same command again");
	limit.rlim_cur = RLIM_INFINITY;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	if (_i) { /* there is room again */
		commit(l, &big);
		checkpoint_close(l);
		l = open_as(CHECKPOINT_RESUME, 0, &state);
		assert_same(&state, &big);
	} else {
		checkpoint_close(l);
		l = open_as(CHECKPOINT_RESUME, 0, &state);
		assert_same(&state, &states[1]);
	}
	checkpoint_close(l);
	free(open);
}
END_TEST

/*
 * Power loss. The n-th commit says `high` = n, and all else in it follows from n. A copy of the
 * files at any moment, perhaps with the end of one cut off or a bit turned around, must be carried
 * on from some commit as it was, or refused.
 */
static void made_from(uint64_t n, struct checkpoint_state *s, uint64_t *open,
    struct outfile_mark *rejects)
{
	*s = (struct checkpoint_state){ .high = n,
		.hash = n * UINT64_C(0x9e3779b97f4a7c15),
		.outcomes = { [OUTCOME_REJECTED] = n / 3,
		    [OUTCOME_REFUSED] = n / 5,
		    [OUTCOME_FAILED] = n / 7 },
		.results = { (int64_t)n * 10, n, n + 1 },
		.files = n % 10 < 5 ? "few\n" : "few\nmore\n", /* another every fifth time */
		.run = "a run",
		.rejects_name = "/r",
		.results_name = "/s",
		.open = open,
		.rejects = rejects,
		.rejects_files = 3 };
	for (uint64_t i = 1; i < n && s->open_count < n * 37 % 3000; i += 1 + n % 3)
		open[s->open_count++] = i;
	for (unsigned i = 0; i < 3; i++)
		rejects[i] = (struct outfile_mark){ (int64_t)n * i, n, n + i };
}

enum { OPEN_MOST = 3000 };

static void commit_number(struct checkpoint *l, uint64_t n)
{
	uint64_t open[OPEN_MOST];
	struct outfile_mark rejects[3];
	struct checkpoint_state s;

	made_from(n, &s, open, rejects);
	commit(l, &s);
}

static const char *const parts[] = { "", "-wal", "-journal" };

/* Copies the file and what is beside it, to a name "c", as they are now. */
static void snapshot(char *bytes[3], size_t len[3])
{
	for (int i = 0; i < 3; i++) {
		char name[32];
		snprintf(name, sizeof name, "s.cio-state%s", parts[i]);
		bytes[i] = harness_read(h, name, &len[i]);
	}
}

static void put_snapshot(char *bytes[3], const size_t len[3])
{
	for (int i = 0; i < 3; i++) {
		char name[32];
		snprintf(name, sizeof name, "c%s", parts[i]);
		unlink(harness_path(h, name));
		if (bytes[i])
			harness_write(h, name, bytes[i], len[i]);
	}
}

/* Damages one of the files. */
static void damage(struct dice *d, char *bytes[3], size_t len[3])
{
	int which = dice_one_in(d, 3) ? 1 : 0;

	if (!bytes[which] || len[which] == 0)
		return;
	int64_t n = (int64_t)len[which];
	switch (dice_below(d, 4)) {
	case 0: /* the end is missing */
		len[which] = (size_t)dice_below(d, n);
		break;
	case 1: /* a bit turned around */
		bytes[which][dice_below(d, n)] ^= (char)(1 << dice_below(d, 8));
		break;
	case 2: { /* a sector was never written */
		size_t at = (size_t)dice_below(d, n) / 512 * 512;
		memset(bytes[which] + at, 0, len[which] - at < 512 ? len[which] - at : 512);
		break;
	}
	default: /* a whole file is missing */
		free(bytes[which]);
		bytes[which] = NULL;
	}
}

/* Opens the copy: from which commit does it go on? 0: from none, it is as new; -1: it was
 * refused. */
static int64_t opened_copy(void)
{
	uint64_t open[OPEN_MOST];
	struct outfile_mark rejects[3];
	struct checkpoint_state state, want;
	struct checkpoint *l;
	enum checkpoint_result got = checkpoint_open(harness_path(h, "c"), &identity, 0, &l, &state,
	    &why);

	if (got != CHECKPOINT_NEW && got != CHECKPOINT_RESUME) {
		ck_assert_msg(got == CHECKPOINT_BROKEN, "%d: %s", got, why.text);
		assert_reason("--restart begins anew");
		return -1;
	}
	made_from(state.high, &want, open, rejects);
	if (got == CHECKPOINT_RESUME)
		assert_same(&state, &want);
	int64_t high = (int64_t)state.high;
	commit_number(l, state.high + 1);
	checkpoint_close(l);
	return high;
}

static void free_snapshot(char *bytes[3])
{
	for (int i = 0; i < 3; i++)
		free(bytes[i]);
}

START_TEST(a_torn_file_is_never_believed)
{
	struct dice d = dice_new("checkpoint: torn files");
	struct checkpoint_state state;
	struct checkpoint *l = open_as(CHECKPOINT_NEW, 0, &state);
	int went_on = 0, refused = 0;

	for (int64_t n = 1, round = 0; round < 400; round++) {
		char *bytes[3];
		size_t len[3];
		for (int64_t more = dice_below(&d, 4); more > 0; more--)
			commit_number(l, (uint64_t)n++);
		if (dice_one_in(&d, 20)) { /* so that the log begins anew, too */
			checkpoint_close(l);
			l = open_as(n > 1 ? CHECKPOINT_RESUME : CHECKPOINT_NEW, 0, &state);
		}
		snapshot(bytes, len);
		bool whole = dice_one_in(&d, 5);
		if (!whole)
			damage(&d, bytes, len);
		put_snapshot(bytes, len);
		free_snapshot(bytes);
		int64_t high = opened_copy();
		ck_assert_int_lt(high, n);
		if (whole)
			ck_assert_int_eq(high, n - 1); /* what was committed is there */
		*(high >= 0 ? &went_on : &refused) += 1;
	}
	checkpoint_close(l);
	printf("checkpoint: torn files: %d went on, %d refused\n", went_on, refused);
	ck_assert_int_gt(went_on, 0);
	ck_assert_int_gt(refused, 0);
}
END_TEST

/* Commits one after the other, telling after each, until killed. */
static void commit_forever(int tell)
{
	struct checkpoint_state state;
	struct checkpoint *l;
	enum checkpoint_result got = checkpoint_open(path, &identity, 0, &l, &state, &why);

	if (got != CHECKPOINT_NEW && got != CHECKPOINT_RESUME)
		_exit(1);
	for (uint64_t n = state.high + 1;; n++) {
		commit_number(l, n);
		if (write(tell, &n, sizeof n) != sizeof n)
			_exit(1);
	}
}

START_TEST(a_killed_run_keeps_what_it_committed)
{
	struct dice d = dice_new("checkpoint: killed runs");
	uint64_t told = 0, n;

	for (int round = 0; round < 40; round++) {
		int fds[2], status;
		ck_assert_int_eq(pipe(fds), 0);
		pid_t pid = fork();
		if (pid == 0) {
			close(fds[0]);
			commit_forever(fds[1]);
		}
		close(fds[1]);
		unix_nap(dice_below(&d, dice_one_in(&d, 2) ? 3000 : 60000));
		kill(pid, SIGKILL);
		while (read(fds[0], &n, sizeof n) == sizeof n)
			told = n;
		close(fds[0]);
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert_int_eq(status, SIGKILL);

		struct checkpoint_state state, want;
		uint64_t open[OPEN_MOST];
		struct outfile_mark rejects[3];
		struct checkpoint *l = open_as(harness_exists(h, "s.cio-state") && told ?
		        CHECKPOINT_RESUME :
		        CHECKPOINT_NEW,
		    0, &state);
		ck_assert_uint_ge(state.high, told);
		ck_assert_uint_le(state.high, told + 1);
		made_from(state.high, &want, open, rejects);
		if (told)
			assert_same(&state, &want);
		told = state.high;
		checkpoint_close(l);
	}
	ck_assert_uint_gt(told, 0);
}
END_TEST

Suite *checkpoint_suite(void)
{
	Suite *s = suite_create("checkpoint");
	TCase *t = tcase_create("checkpoint");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, keeps_what_it_is_given, 0, LENGTH(states));
	tcase_add_test(t, file_is_private);
	tcase_add_loop_test(t, remove_leaves_nothing, 0, 2);
	tcase_add_test(t, is_new_until_its_first_commit);
	tcase_add_loop_test(t, nothing_settled_is_nothing_kept, 0, LENGTH(stopped));
	tcase_add_loop_test(t, refuses_another_run, 0, LENGTH(others));
	tcase_add_test(t, restart_forgets);
	tcase_add_loop_test(t, garbage_is_never_believed_nor_lost, 0, 6);
	tcase_add_loop_test(t, a_file_of_no_bytes_is_new, 0, 3);
	tcase_add_loop_test(t, what_is_not_ours_is_left_alone, 0, LENGTH(foreign));
	tcase_add_test(t, a_database_under_our_name_is_put_aside);
	tcase_add_test(t, any_flip_in_the_header_has_a_way_out);
	tcase_add_loop_test(t, what_a_crash_leaves_has_a_way_out, 0, 9);
	tcase_add_loop_test(t, its_checksum_covers_all, 0, LENGTH(changes));
	tcase_add_test(t, what_a_damaged_file_says_is_escaped);
	tcase_add_test(t, any_page_is_checked);
	tcase_add_test(t, refuses_what_is_no_file);
	tcase_add_test(t, works_below_a_linked_directory);
	tcase_add_test(t, version_1_is_not_misread);
	tcase_add_test(t, names_move_with_it);
	tcase_add_loop_test(t, a_second_run_is_told_who_holds_it, 0, 3);
	tcase_add_test(t, another_program_in_it_is_told);
	tcase_add_test(t, runs_compete);
	tcase_add_test(t, a_removed_file_is_not_held);
	tcase_add_loop_test(t, a_full_disk_is_told_and_nothing_is_lost, 0, 2);
	tcase_add_test(t, a_torn_file_is_never_believed);
	tcase_add_test(t, a_killed_run_keeps_what_it_committed);
	suite_add_tcase(s, t);
	return s;
}
