/* The one file that opens SQLite: locks, ownership, damage and durability are judged here. */
#include "store/db.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "base/buf.h"
#include "base/text.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/os.h"
#include "base/path.h"

#define LONGEST_NAME 504 /* bytes: SQLite adds to it */
/* to read who holds the file, and to lock one that others remove */
#define TRIES 20
#define TRY_AGAIN_NS 50000000

/* SQLite's own files beside the database. */
static const char *const beside[] = { "-journal", "-wal", "-shm" };

/* What to do about a place, and how another one is named. */
#define ADVICE 250
static const char *advise(const struct db *d, const char *what, char out[ADVICE])
{
	snprintf(out, ADVICE, "%s, or name another place with %s", what, d->kind->elsewhere);
	return out;
}

static int fail(const struct db *d, const char *done, int error, struct reason *why)
{
	char shown[PATH_SHOWN], advice[ADVICE];

	return reason_errno(why, error, path_shown(d->name, shown), done,
	    advise(d,
	        error == ENOSPC || error == EDQUOT ? "free some and run the same command again" :
	            error == ENOENT || error == ENOTDIR ? "make the directory first" :
	                                                  "put that right",
	        advice));
}

/* Where it is. SQLite takes no longer name, and does not say so. */
static int find_place(struct db *d, const char *name, const struct db_kind *kind,
    struct reason *why)
{
	char shown[PATH_SHOWN];

	*d = (struct db){ .name = name, .kind = kind, .path = path_absolute(name), .lock = -1 };
	size_t len = d->path ? strlen(d->path) : 0;
	if (d->path && len <= LONGEST_NAME)
		return 0;
	if (!d->path)
		fail(d, "opened", errno, why);
	else
		reason_set(why,
		    "%s: its name, with all its directories, has %zu bytes, and SQLite takes %d: "
		    "name a shorter one with %s",
		    path_shown(name, shown), len, LONGEST_NAME, kind->elsewhere);
	free(d->path);
	d->path = NULL;
	return -1;
}

/* What SQLite says may quote a damaged file: it is made safe for a terminal, as a name is. */
static const char *shown_error(const struct db *d, char out[PATH_SHOWN])
{
	return path_shown(d->sql ? sqlite3_errmsg(d->sql) : "out of memory", out);
}

int db_complain(const struct db *d, const char *done, struct reason *why)
{
	char shown[PATH_SHOWN], said[PATH_SHOWN], advice[ADVICE];
	int code = d->sql ? sqlite3_errcode(d->sql) & 0xff : SQLITE_NOMEM;
	int error = d->sql ? sqlite3_system_errno(d->sql) : 0;
	bool system = error != 0 && (code == SQLITE_IOERR || code == SQLITE_CANTOPEN);

	if (code == SQLITE_NOMEM || (system && os_shortage(error)))
		return fail(d, done, code == SQLITE_NOMEM ? ENOMEM : error, why);
	return reason_set(why, "%s: cannot be %s: %s%s%s: %s", path_shown(d->name, shown), done,
	    shown_error(d, said), system ? ", " : "", system ? strerror(error) : "",
	    advise(d,
	        code == SQLITE_FULL ? "free some and run the same command again" :
	                              "put that right and run the same command again",
	        advice));
}

/* All that is asked of the file is SQL of ours, which is right: an error in it means that the
 * tables are not those that were made. And the file was opened to be written: that it is read-only,
 * but for its directory, is what its header says. */
bool db_is_damaged(const struct db *d)
{
	switch (sqlite3_errcode(d->sql) & 0xff) {
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_ERROR:
	case SQLITE_SCHEMA:
	case SQLITE_FORMAT:
	case SQLITE_CONSTRAINT:
	case SQLITE_MISMATCH:
	case SQLITE_TOOBIG:
		return true;
	case SQLITE_READONLY:
		return sqlite3_extended_errcode(d->sql) == SQLITE_READONLY;
	default:
		return false;
	}
}

int db_run(struct db *d, const char *sql, struct reason *why)
{
	return sqlite3_exec(d->sql, sql, NULL, NULL, NULL) == SQLITE_OK ?
	    0 :
	    db_complain(d, "written", why);
}

struct sqlite3_stmt *db_prepare(struct db *d, const char *sql, struct reason *why)
{
	sqlite3_stmt *s = NULL;

	if (sqlite3_prepare_v3(d->sql, sql, -1, SQLITE_PREPARE_PERSISTENT, &s, NULL) != SQLITE_OK)
		db_complain(d, "used", why);
	return s;
}

static int open_file(struct db *d, int flags, struct reason *why)
{
	struct stat st;
	char shown[PATH_SHOWN];

	path_shown(d->name, shown);
	d->lock = open(d->path, flags | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
	if (d->lock < 0 && errno == ELOOP)
		return reason_set(why,
		    "%s: is a symbolic link, which is never followed: name the file itself", shown);
	if (d->lock < 0)
		return fail(d, "opened", errno, why);
	if (fstat(d->lock, &st) != 0)
		return fail(d, "looked at", errno, why);
	if (!S_ISREG(st.st_mode))
		return reason_set(why, "%s: is not a regular file: give another name", shown);
	return 0;
}

static void unlock(struct db *d)
{
	if (d->lock >= 0)
		close(d->lock);
	d->lock = -1;
}

/* The holder as the file itself tells, read beside its locks: 0 where it does not tell, or names
 * one that is gone. */
static long read_holder(const char *uri, char since[CLOCK_STAMP])
{
	sqlite3 *sql = NULL;
	sqlite3_stmt *s = NULL;
	long pid = 0;

	if (sqlite3_open_v2(uri, &sql, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL) == SQLITE_OK &&
	    sqlite3_prepare_v2(sql, "SELECT pid, since FROM holder", -1, &s, NULL) == SQLITE_OK &&
	    sqlite3_step(s) == SQLITE_ROW && sqlite3_column_text(s, 1)) {
		pid = (long)sqlite3_column_int64(s, 0);
		snprintf(since, CLOCK_STAMP, "%s", (const char *)sqlite3_column_text(s, 1));
	}
	sqlite3_finalize(s);
	sqlite3_close(sql);
	return pid > 0 && (kill((pid_t)pid, 0) == 0 || errno == EPERM) ? pid : 0;
}

/* The file as what nobody changes: it is read without locks, and nothing is made beside it. */
static void add_immutable(const struct db *d, struct buf *uri)
{
	buf_init(uri, BUF_UNBOUNDED);
	buf_str(uri, "file:");
	text_percent(uri, d->path, strlen(d->path));
	buf_add(uri, "?immutable=1", sizeof "?immutable=1");
}

/* A run that has just begun names itself in a moment: so this waits for it, a second at most. */
static void say_busy(const struct db *d, struct reason *why)
{
	static const struct timespec again = { .tv_nsec = TRY_AGAIN_NS };
	char since[CLOCK_STAMP], shown[PATH_SHOWN];
	struct buf uri;
	long pid = 0;

	add_immutable(d, &uri);
	for (int i = 0; i < TRIES && (pid = read_holder(uri.data, since)) == 0; i++)
		nanosleep(&again, NULL);
	buf_free(&uri);
	path_shown(d->name, shown);
	if (pid)
		reason_set(why, "%s: another run (pid %ld, since %s) holds it: wait for it to end",
		    shown, pid, since);
	else
		reason_set(why, "%s: another run holds it: wait for it to end", shown);
}

/* Opens the file and locks it. DB_KEPT when that is done. */
static enum db_result lock_file(struct db *d, struct reason *why)
{
	for (int i = 0; i < TRIES; i++) {
		if (open_file(d, O_RDWR | O_CREAT, why) != 0) {
			unlock(d);
			return DB_FAILED;
		}
		int error = flock(d->lock, LOCK_EX | LOCK_NB) != 0 ? errno : 0;
		/* another run may have removed it meanwhile */
		if (error == 0 && path_names(d->path, d->lock))
			return DB_KEPT;
		unlock(d);
		if (error == EWOULDBLOCK) {
			say_busy(d, why);
			return DB_BUSY;
		}
		if (error != 0 && error != EINTR) {
			fail(d, "locked", error, why);
			return DB_FAILED;
		}
	}
	reason_set(why, "%s: other runs make and remove it all the time: try again", d->name);
	return DB_BUSY;
}

/* Removes SQLite's files beside it, then the file. 0 or -1 with errno. */
static int unlink_all(const struct db *d)
{
	size_t len = strlen(d->path);
	char *name = xmalloc(len + sizeof "-journal");
	int result = 0;

	memcpy(name, d->path, len);
	for (size_t i = 0; i < sizeof beside / sizeof *beside && result == 0; i++) {
		memcpy(name + len, beside[i], strlen(beside[i]) + 1);
		if (unlink(name) != 0 && errno != ENOENT)
			result = -1;
	}
	free(name);
	return result != 0 || unlink(d->path) != 0 ? -1 : 0;
}

static int set_aside(const struct db *d)
{
	char *aside;
	int result = path_set_aside(d->path, &aside);

	free(aside);
	return result;
}

/* -- whose it is: told by its bytes, for SQLite may be unable to read it -- */

/* bytes; a database's header, and where it has its application_id */
enum { LOOKED_AT = 65536, HEADER = 100, ID_AT = 68 };

struct head {
	unsigned char bytes[LOOKED_AT];
	size_t n;
};

enum whose {
	WHOSE_OURS,     /* a database of this kind, however damaged */
	WHOSE_DOUBTFUL, /* what may be left of one: its name, or something in it, says so */
	WHOSE_ANOTHERS, /* somebody else's data */
};

static const char magic[16] = "SQLite format 3";

static bool is_database(const struct head *h)
{
	return h->n >= HEADER && memcmp(h->bytes, magic, sizeof magic) == 0;
}

static bool has_id(const struct head *h, const struct db_kind *kind)
{
	const unsigned char *id = h->bytes + ID_AT;

	return h->n >= HEADER &&
	    ((uint32_t)id[0] << 24 | (uint32_t)id[1] << 16 | (uint32_t)id[2] << 8 | id[3]) ==
	    (uint32_t)kind->application_id;
}

/* SQLite keeps the text that made a table. A damage that hides one may leave another. */
static bool has_table(const struct head *h, const struct db_kind *kind)
{
	for (const char *sql = kind->schema; *sql;) {
		size_t len = strcspn(sql, ";");
		if (os_find(h->bytes, h->n, sql, len))
			return true;
		sql += len + (sql[len] == ';');
	}
	return false;
}

/* What a crash may leave of any file: zeroes, or less than a header. */
static bool holds_nothing(const struct head *h)
{
	size_t zeroes = 0;

	while (zeroes < h->n && h->bytes[zeroes] == 0)
		zeroes++;
	return (zeroes == h->n && h->n < LOOKED_AT) ||
	    (h->n < HEADER &&
	        memcmp(h->bytes, magic, h->n < sizeof magic ? h->n : sizeof magic) == 0);
}

static bool has_suffix(const struct db *d, const struct db_kind *kind)
{
	size_t len = strlen(d->path), n = kind->suffix ? strlen(kind->suffix) : 0;

	return n > 0 && len >= n && strcmp(d->path + len - n, kind->suffix) == 0;
}

static enum whose judge(const struct db *d, const struct db_kind *kind, const struct head *h)
{
	bool ours = has_id(h, kind) || has_table(h, kind);

	if (ours && is_database(h))
		return WHOSE_OURS;
	return ours || holds_nothing(h) || has_suffix(d, kind) ? WHOSE_DOUBTFUL : WHOSE_ANOTHERS;
}

/* 0 with *whose, or -1 with errno. */
static int find_whose(const struct db *d, const struct db_kind *kind, enum whose *whose)
{
	struct head *h = xmalloc(sizeof *h);
	ssize_t n = pread(d->lock, h->bytes, sizeof h->bytes, 0);

	h->n = n > 0 ? (size_t)n : 0;
	if (n >= 0)
		*whose = judge(d, kind, h);
	free(h);
	return n < 0 ? -1 : 0;
}

/* Takes what is locked out of the way. What is another's stays: it is refused when it is opened. */
static int forget_file(const struct db *d, const struct db_kind *kind, struct reason *why)
{
	enum whose whose;
	struct stat st;

	if (fstat(d->lock, &st) != 0 || find_whose(d, kind, &whose) != 0)
		return fail(d, "read", errno, why);
	if (st.st_size == 0 || whose == WHOSE_ANOTHERS)
		return 0;
	if (whose == WHOSE_DOUBTFUL)
		return set_aside(d) != 0 ?
		    fail(d, "renamed to the same name with ~ after it", errno, why) :
		    0;
	return unlink_all(d) != 0 || path_sync_dir(d->path) != 0 ? fail(d, "removed", errno, why) :
	                                                           0;
}

static enum db_result lock_and_forget(struct db *d, const struct db_kind *kind, bool forget,
    struct reason *why)
{
	enum db_result result = lock_file(d, why);

	if (result != DB_KEPT || !forget)
		return result;
	int forgotten = forget_file(d, kind, why);
	unlock(d);
	return forgotten != 0 ? DB_FAILED : lock_file(d, why);
}

/* The one integer that sql gives. 0 or -1. */
static int get_number(const struct db *d, const char *sql, sqlite3_int64 *out)
{
	sqlite3_stmt *s = NULL;
	int found = sqlite3_prepare_v2(d->sql, sql, -1, &s, NULL) == SQLITE_OK &&
	    sqlite3_step(s) == SQLITE_ROW;

	if (found)
		*out = sqlite3_column_int64(s, 0);
	return sqlite3_finalize(s) == SQLITE_OK && found ? 0 : -1;
}

/* Whether the one text that sql gives is this. What the statement changes is written when it is
 * finalized: that may fail, too. */
static bool says(const struct db *d, const char *sql, const char *text)
{
	sqlite3_stmt *s = NULL;
	bool same = sqlite3_prepare_v2(d->sql, sql, -1, &s, NULL) == SQLITE_OK &&
	    sqlite3_step(s) == SQLITE_ROW && sqlite3_column_text(s, 0) &&
	    strcmp((const char *)sqlite3_column_text(s, 0), text) == 0;

	return sqlite3_finalize(s) == SQLITE_OK && same;
}

/* A file that cannot be used for what is in it; `what` says how that was found. */
static enum db_result refuse(const struct db *d, const struct db_kind *kind, const char *what,
    struct reason *why)
{
	char shown[PATH_SHOWN];
	enum whose whose;

	if (find_whose(d, kind, &whose) != 0) {
		fail(d, "read", errno, why);
		return DB_FAILED;
	}
	path_shown(d->name, shown);
	if (whose == WHOSE_ANOTHERS)
		reason_set(why, "%s: is not a %s of cio-import: give another name with %s", shown,
		    kind->what, kind->option);
	else
		reason_set(why, "%s: is damaged (%s): %s", shown, what, kind->way_out);
	return DB_BROKEN;
}

/* An error while the file is checked: another's lock, damage, or trouble. */
static enum db_result check_failed(const struct db *d, const struct db_kind *kind,
    struct reason *why)
{
	char shown[PATH_SHOWN], said[PATH_SHOWN];
	int code = sqlite3_errcode(d->sql) & 0xff;

	path_shown(d->name, shown);
	if (code == SQLITE_BUSY || code == SQLITE_LOCKED) {
		reason_set(why, "%s: another program has it open: close that first", shown);
		return DB_BUSY;
	}
	if (db_is_damaged(d))
		return refuse(d, kind, shown_error(d, said), why);
	if (code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE)
		reason_set(why,
		    "%s: its file system does not let it keep a log: give a name on a local disk",
		    shown);
	else
		db_complain(d, "opened", why);
	return DB_FAILED;
}

/* Is it ours, of our version, and whole? DB_NEW: it is empty. */
static enum db_result check(const struct db *d, const struct db_kind *kind, struct reason *why)
{
	sqlite3_int64 id, version, tables;
	char shown[PATH_SHOWN];

	path_shown(d->name, shown);
	if (get_number(d, "PRAGMA application_id", &id) != 0 ||
	    get_number(d, "PRAGMA user_version", &version) != 0 ||
	    get_number(d, "SELECT count(*) FROM sqlite_schema", &tables) != 0)
		return check_failed(d, kind, why);
	if (id == 0 && tables == 0)
		return DB_NEW;
	if ((int)id != kind->application_id)
		return refuse(d, kind, "it says that it is another program's", why);
	if (version != kind->version) {
		reason_set(why,
		    "%s: was written by another version of cio-import (format %" PRId64
		    ", this one has %d): go on with that version; %s",
		    shown, (int64_t)version, kind->version, kind->way_out);
		return DB_BROKEN;
	}
	if (!says(d, "PRAGMA quick_check(1)", "ok")) {
		/* it could not be read: that is something else */
		if (sqlite3_errcode(d->sql) != SQLITE_OK)
			return check_failed(d, kind, why);
		return refuse(d, kind, "its pages do not fit together", why);
	}
	return DB_KEPT;
}

/* From here on each commit appends to a log and costs one fsync. */
static int enter_wal(const struct db *d)
{
	return says(d, "PRAGMA journal_mode = WAL", "wal") ? 0 : -1;
}

/* Makes the tables in the main file itself, for read_holder looks there. Each step is on the disk
 * before the next: what the power's loss leaves of a file that is being made is a file that can be
 * made anew, never one that is damaged. */
static int make_tables(const struct db *d, const struct db_kind *kind)
{
	struct buf sql;

	buf_init(&sql, BUF_UNBOUNDED);
	if (kind->page_size)
		buf_fmt(&sql, "PRAGMA page_size = %d;", kind->page_size);
	buf_fmt(&sql,
	    "BEGIN EXCLUSIVE; PRAGMA application_id = %d; PRAGMA user_version = %d;"
	    "CREATE TABLE holder (pid INTEGER NOT NULL, since TEXT NOT NULL);",
	    kind->application_id, kind->version);
	buf_str(&sql, kind->schema);
	buf_add(&sql, "COMMIT", sizeof "COMMIT");
	int result = sqlite3_exec(d->sql, sql.data, NULL, NULL, NULL);
	buf_free(&sql);
	return result == SQLITE_OK ? 0 : -1;
}

static int write_holder(const struct db *d)
{
	char stamp[CLOCK_STAMP], sql[160];

	clock_stamp(clock_wall(), stamp);
	snprintf(sql, sizeof sql,
	    "BEGIN; DELETE FROM holder; INSERT INTO holder VALUES (%ld, '%.19sZ'); COMMIT",
	    (long)getpid(), stamp);
	return sqlite3_exec(d->sql, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : -1;
}

/* Brings a new file, with its holder, to the disk. */
static enum db_result begin_new(const struct db *d, const struct db_kind *kind, struct reason *why)
{
	if (make_tables(d, kind) != 0 || write_holder(d) != 0 || enter_wal(d) != 0)
		return check_failed(d, kind, why);
	if (fsync(d->lock) != 0 || path_sync_dir(d->path) != 0) {
		fail(d, "brought to the disk", errno, why);
		return DB_FAILED;
	}
	return DB_NEW;
}

/* Goes on with a file: its holder is brought into the main file. */
static enum db_result go_on(const struct db *d, const struct db_kind *kind, struct reason *why)
{
	sqlite3_int64 blocked = 0;

	if (enter_wal(d) != 0 || write_holder(d) != 0 ||
	    get_number(d, "PRAGMA wal_checkpoint(TRUNCATE)", &blocked) != 0 || blocked)
		return check_failed(d, kind, why);
	return DB_KEPT;
}

static enum db_result open_sql(struct db *d, const struct db_kind *kind, struct reason *why)
{
	static const char settings[] =
	    "PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = FULL; PRAGMA cache_size = -256;"
	    "PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF; PRAGMA "
	    "cell_size_check = ON";

	if (sqlite3_open_v2(d->path, &d->sql, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW, NULL) !=
	    SQLITE_OK) {
		db_complain(d, "opened", why);
		return DB_FAILED;
	}
	sqlite3_extended_result_codes(d->sql, 1);
	if (sqlite3_exec(d->sql, settings, NULL, NULL, NULL) != SQLITE_OK)
		return check_failed(d, kind, why);
	enum db_result result = check(d, kind, why);
	if (result == DB_NEW)
		return begin_new(d, kind, why);
	return result == DB_KEPT ? go_on(d, kind, why) : result;
}

enum db_result db_open(struct db *d, const char *name, const struct db_kind *kind, bool forget,
    struct reason *why)
{
	if (find_place(d, name, kind, why) != 0)
		return DB_FAILED;
	enum db_result result = lock_and_forget(d, kind, forget, why);
	if (result == DB_KEPT)
		result = open_sql(d, kind, why);
	if (result != DB_NEW && result != DB_KEPT)
		db_close(d);
	return result;
}

/* Whether an ended run left a log beside it, with commits that are not in the file itself. */
static bool has_log(const struct db *d)
{
	size_t len = strlen(d->path);
	char *name = xmalloc(len + sizeof "-wal");
	struct stat st;

	memcpy(name, d->path, len);
	memcpy(name + len, "-wal", sizeof "-wal");
	bool there = lstat(name, &st) == 0 && st.st_size > 0;
	free(name);
	return there;
}

/* With a log SQLite wants to write, and is kept from putting the log away. */
static enum db_result open_sql_read_only(struct db *d, const struct db_kind *kind,
    struct reason *why)
{
	static const char settings[] =
	    "PRAGMA locking_mode = EXCLUSIVE; PRAGMA query_only = ON; PRAGMA cache_size = -256;"
	    "PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF; PRAGMA "
	    "cell_size_check = ON";
	bool log = has_log(d);
	struct buf uri;
	int keep = 1;

	add_immutable(d, &uri);
	int opened = sqlite3_open_v2(log ? d->path : uri.data, &d->sql,
	    log ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW :
	          SQLITE_OPEN_READONLY | SQLITE_OPEN_URI,
	    NULL);
	buf_free(&uri);
	if (opened != SQLITE_OK) {
		db_complain(d, "opened", why);
		return DB_FAILED;
	}
	sqlite3_extended_result_codes(d->sql, 1);
	if (sqlite3_exec(d->sql, settings, NULL, NULL, NULL) != SQLITE_OK ||
	    sqlite3_file_control(d->sql, NULL, SQLITE_FCNTL_PERSIST_WAL, &keep) != SQLITE_OK ||
	    sqlite3_db_config(d->sql, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL) != SQLITE_OK)
		return check_failed(d, kind, why);
	return check(d, kind, why);
}

/* DB_KEPT: there is something in it, and nobody changes it. */
static enum db_result share_file(struct db *d, struct reason *why)
{
	struct stat st;

	if (lstat(d->path, &st) != 0 && errno == ENOENT)
		return DB_NEW;
	if (open_file(d, O_RDONLY, why) != 0)
		return DB_FAILED;
	if (flock(d->lock, LOCK_SH | LOCK_NB) != 0) {
		if (errno == EWOULDBLOCK) {
			say_busy(d, why);
			return DB_BUSY;
		}
		fail(d, "locked", errno, why);
		return DB_FAILED;
	}
	return fstat(d->lock, &st) == 0 && st.st_size == 0 ? DB_NEW : DB_KEPT;
}

enum db_result db_open_read_only(struct db *d, const char *name, const struct db_kind *kind,
    struct reason *why)
{
	if (find_place(d, name, kind, why) != 0)
		return DB_FAILED;
	enum db_result result = share_file(d, why);
	if (result == DB_KEPT)
		result = open_sql_read_only(d, kind, why);
	if (result != DB_KEPT)
		db_close(d);
	return result;
}

int db_remove(struct db *d, struct reason *why)
{
	sqlite3_close(d->sql);
	d->sql = NULL;
	if (unlink_all(d) != 0)
		return fail(d, "removed", errno, why);
	(void)path_sync_dir(
	    d->path); /* where the power brings it back, it says that all is settled */
	return 0;
}

/* The lock goes last: closing any descriptor of the file drops SQLite's own locks on it, too. */
void db_close(struct db *d)
{
	sqlite3_close(d->sql);
	d->sql = NULL;
	unlock(d);
	free(d->path);
	d->path = NULL;
}
