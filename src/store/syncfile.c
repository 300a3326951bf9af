/* A row a person, found by a hash of its first key; a bit a person says who was seen in this run.
 */
#include "store/syncfile.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#define XXH_INLINE_ALL
#include <xxhash.h>
#include "base/buf.h"
#include "store/db.h"
#include "store/several.h"
#include "base/log.h"
#include "operation/operation.h"
#include "base/path.h"

#define WAY_OUT \
	"give another file with --sync, or move this one away: then everybody is sent once more"

/* To change the schema: raise the version, and say here how an older file is brought up to it. So
 * far there is one: the table of people with several rows came later, is made where it is not
 * there, and an older program passes over it, which does no harm. */
static const struct db_kind kind = {
	.application_id = 0x63696f79, /* "cioy" */
	.version = 1,
	/* people come in any order: each changes a page of its own */
	.page_size = 1024,
	.schema = "CREATE TABLE people (hash INTEGER PRIMARY KEY, n INTEGER NOT NULL, type INTEGER "
	          "NOT NULL, "
	          "fingerprint INTEGER NOT NULL, id TEXT NOT NULL);"
	          "CREATE TABLE spare (n INTEGER PRIMARY KEY);"
	          "CREATE TABLE about (one INTEGER PRIMARY KEY CHECK (one = 1), text TEXT NOT "
	          "NULL, people INTEGER NOT NULL, "
	          "top INTEGER NOT NULL, complete INTEGER NOT NULL, sum INTEGER NOT NULL);",
	.what = "sync file",
	.option = "--sync",
	.elsewhere = "--sync=FILE",
	.way_out = WAY_OUT,
};

/* rows: a fingerprint of 8 bytes for each but the last. */
#define SEVERAL_TABLE \
	"CREATE TABLE IF NOT EXISTS several (hash INTEGER PRIMARY KEY, rows BLOB NOT NULL)"

/* SQLite's own memory: pages, and a log that is put away now and then. */
#define SETTINGS "PRAGMA cache_size = -2048; PRAGMA wal_autocheckpoint = 16000"

/* In place of a fingerprint: somebody of whom it is not known what the server has. */
enum { DUE, DUE_NEW, FINGERPRINTS }; /* DUE_NEW: and to whom nothing was sent before that */

enum query {
	FIND,
	INSERT,
	UPDATE,
	REMOVE,
	NEXT,
	TAKE_SPARE,
	DROP_SPARE,
	ADD_SPARE,
	PUT_ABOUT,
	PUT_SEVERAL,
	DROP_SEVERAL,
	QUERIES
};

static const char *const queries[QUERIES] = {
	[FIND] = "SELECT n, type, fingerprint, id FROM people WHERE hash = ?1",
	[INSERT] =
	    "INSERT INTO people (hash, n, type, fingerprint, id) VALUES (?1, ?2, ?3, ?4, ?5)",
	[UPDATE] = "UPDATE people SET fingerprint = ?2, type = ?3, id = ?4 WHERE hash = ?1",
	[REMOVE] = "DELETE FROM people WHERE hash = ?1",
	[NEXT] = "SELECT hash, n, type, id FROM people WHERE hash >= ?1 ORDER BY hash",
	[TAKE_SPARE] = "SELECT n FROM spare LIMIT 1",
	[DROP_SPARE] = "DELETE FROM spare WHERE n = ?1",
	[ADD_SPARE] = "INSERT INTO spare (n) VALUES (?1)",
	[PUT_ABOUT] = "INSERT OR REPLACE INTO about VALUES (1, ?1, ?2, ?3, ?4, ?5)",
	[PUT_SEVERAL] = "INSERT OR REPLACE INTO several VALUES (?1, ?2)",
	[DROP_SEVERAL] = "DELETE FROM several WHERE hash = ?1",
};

/* What was looked at lately, for whoever comes again before he is settled. */
#define RECENT 4096u
struct recent {
	uint64_t key, fingerprint;
};

struct syncfile {
	struct db db; /* not open: an empty file that is only read */
	sqlite3_stmt *query[QUERIES];
	char *about;
	bool writing;  /* in a transaction */
	bool unmarked; /* ... that holds marks */
	bool unusable; /* what is in it is the trouble, not the disk */
	/* rows; what their numbers n stay below; rows when last complete */
	uint64_t people, top, complete;
	uint64_t known;      /* what --max-deletes is a share of */
	uint64_t spare;      /* numbers below top that nobody has */
	unsigned char *seen; /* a bit for each n */
	size_t seen_bytes;
	uint64_t seen_count;
	struct several *several;
	struct recent recent[RECENT];
	int64_t next; /* syncfile_next_missing goes on at this hash */
	bool next_ended;
};

/* A row, and whose it is. */
enum whose { NOBODYS, HIS, ANOTHERS };
struct row {
	enum whose whose;
	uint64_t n, fingerprint;
};

/* -- trouble -- */

static int damaged(struct syncfile *s, struct reason *why)
{
	char shown[PATH_SHOWN];

	s->unusable = true;
	return reason_set(why, "%s: is damaged, and not believed: %s",
	    path_shown(s->db.name, shown), WAY_OUT);
}

static int trouble(struct syncfile *s, const char *done, struct reason *why)
{
	return db_is_damaged(&s->db) ? damaged(s, why) : db_complain(&s->db, done, why);
}

int syncfile_status(const struct syncfile *s)
{
	return s->unusable ? EX_DATAERR : EX_CANTCREAT;
}

/* -- statements -- */

/* Steps, and resets where there is no row. 1, 0 or -1. */
static int step(struct syncfile *s, enum query q, const char *done, struct reason *why)
{
	int code = sqlite3_step(s->query[q]);

	if (code == SQLITE_ROW)
		return 1;
	int result = code == SQLITE_DONE ? 0 : trouble(s, done, why);
	sqlite3_reset(s->query[q]);
	return result;
}

static void bind(struct syncfile *s, enum query q, int column, uint64_t value)
{
	sqlite3_bind_int64(s->query[q], column, (sqlite3_int64)value);
}

static uint64_t column(struct syncfile *s, enum query q, int i)
{
	return (uint64_t)sqlite3_column_int64(s->query[q], i);
}

static int begin(struct syncfile *s, struct reason *why)
{
	if (s->writing)
		return 0;
	if (db_run(&s->db, "BEGIN", why) != 0)
		return -1;
	s->writing = true;
	return 0;
}

/* A change of one row, in the transaction. */
static int change(struct syncfile *s, enum query q, struct reason *why)
{
	return begin(s, why) != 0 ? -1 : step(s, q, "written", why);
}

/* -- who was seen -- */

static bool is_seen(const struct syncfile *s, uint64_t n)
{
	return n / 8 < s->seen_bytes && (s->seen[n / 8] >> n % 8 & 1);
}

static void see(struct syncfile *s, uint64_t n)
{
	if (is_seen(s, n))
		return;
	if (n / 8 >= s->seen_bytes) {
		size_t bytes = (size_t)(s->top / 8 + s->top / 64 + 1024);
		s->seen = xrealloc(s->seen, bytes);
		memset(s->seen + s->seen_bytes, 0, bytes - s->seen_bytes);
		s->seen_bytes = bytes;
	}
	s->seen[n / 8] |= (unsigned char)(1u << n % 8);
	s->seen_count++;
}

static void unsee(struct syncfile *s, uint64_t n)
{
	if (!is_seen(s, n))
		return;
	s->seen[n / 8] &= (unsigned char)~(1u << n % 8);
	s->seen_count--;
}

/* -- rows -- */

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* Whether both name one person, as operation_key has it. */
static bool is_same(const char *a, size_t n, bool a_cio, const struct operation *op)
{
	bool email = n && memchr(a, '@', n);

	if (n != op->id_len || a_cio != (op->id_type == ID_CIO_ID))
		return false;
	for (size_t i = 0; i < n; i++)
		if (email ? lower(a[i]) != lower(op->id[i]) : a[i] != op->id[i])
			return false;
	return true;
}

/* The row under op's key. 0 or -1. */
static int find(struct syncfile *s, const struct operation *op, struct row *row, struct reason *why)
{
	*row = (struct row){ .whose = NOBODYS };
	if (!s->db.sql)
		return 0;
	bind(s, FIND, 1, op->keys[0]);
	int found = step(s, FIND, "read", why);
	if (found != 1)
		return found;
	sqlite3_stmt *q = s->query[FIND];
	const char *id = (const char *)sqlite3_column_text(q, 3);
	uint64_t type = column(s, FIND, 1);
	row->n = column(s, FIND, 0);
	row->fingerprint = column(s, FIND, 2);
	bool sound = id && row->n < s->top && type < ID_TYPE_COUNT;
	if (sound)
		row->whose = is_same(id, (size_t)sqlite3_column_bytes(q, 3), type == ID_CIO_ID,
		                 op) ?
		    HIS :
		    ANOTHERS;
	sqlite3_reset(q);
	return sound ? 0 : damaged(s, why);
}

/* A number that nobody has. 0 or -1. */
static int take_number(struct syncfile *s, uint64_t *n, struct reason *why)
{
	if (s->spare == 0) {
		*n = s->top++;
		return 0;
	}
	int found = step(s, TAKE_SPARE, "read", why);
	if (found != 1)
		return found == 0 ? damaged(s, why) : -1;
	*n = column(s, TAKE_SPARE, 0);
	sqlite3_reset(s->query[TAKE_SPARE]);
	if (*n >= s->top)
		return damaged(s, why);
	bind(s, DROP_SPARE, 1, *n);
	s->spare--;
	return change(s, DROP_SPARE, why);
}

static int insert(struct syncfile *s, const struct operation *op, uint64_t fingerprint,
    struct reason *why)
{
	uint64_t n = 0;

	if (begin(s, why) != 0 || take_number(s, &n, why) != 0)
		return -1;
	bind(s, INSERT, 1, op->keys[0]);
	bind(s, INSERT, 2, n);
	bind(s, INSERT, 3, op->id_type);
	bind(s, INSERT, 4, fingerprint);
	sqlite3_bind_text64(s->query[INSERT], 5, op->id, op->id_len, SQLITE_STATIC, SQLITE_UTF8);
	if (change(s, INSERT, why) != 0)
		return -1;
	s->people++;
	see(s, n);
	return 0;
}

static int update(struct syncfile *s, const struct operation *op, uint64_t fingerprint,
    struct reason *why)
{
	bind(s, UPDATE, 1, op->keys[0]);
	bind(s, UPDATE, 2, fingerprint);
	bind(s, UPDATE, 3, op->id_type);
	sqlite3_bind_text64(s->query[UPDATE], 4, op->id, op->id_len, SQLITE_STATIC, SQLITE_UTF8);
	return change(s, UPDATE, why);
}

static int take_out(struct syncfile *s, const struct operation *op, uint64_t n, struct reason *why)
{
	bind(s, REMOVE, 1, op->keys[0]);
	bind(s, ADD_SPARE, 1, n);
	if (change(s, REMOVE, why) != 0 || change(s, ADD_SPARE, why) != 0)
		return -1;
	unsee(s, n);
	s->people--;
	s->spare++;
	return 0;
}

static uint64_t fingerprint_of(const struct operation *op)
{
	return op->fingerprint < FINGERPRINTS ? op->fingerprint + FINGERPRINTS : op->fingerprint;
}

/* -- the operations of a run -- */

/* Where his several rows are kept, if he has any: he does from the second on, and from the first if
 * he did last time. */
static struct several_person *find_several(struct syncfile *s, const struct operation *op,
    const struct row *row)
{
	struct several_person *p = several_find(s->several, op->keys[0]);
	const struct recent *recent = &s->recent[op->keys[0] % RECENT];

	if (p || !is_seen(s, row->n))
		return p;
	p = several_add(s->several, op->keys[0]);
	if (!p)
		return NULL;
	p->now_count = 1;
	p->sent = row->fingerprint < FINGERPRINTS;
	p->now[0] = recent->key == op->keys[0] ? recent->fingerprint :
	    p->sent                            ? 0 :
	                                         row->fingerprint;
	return p;
}

static enum several_fate fate_of(struct syncfile *s, const struct operation *op,
    const struct row *row)
{
	uint64_t fingerprint = fingerprint_of(op);
	bool changed = row->fingerprint != fingerprint;

	if (row->whose != HIS)
		return SEVERAL_SEND;
	struct several_person *p = find_several(s, op, row);
	see(s, row->n);
	if (p)
		return several_row(p, fingerprint, changed);
	return changed ? SEVERAL_SEND : SEVERAL_KNOWN;
}

int syncfile_look(struct syncfile *s, const struct operation *op, struct reason *why)
{
	struct row row;

	if (find(s, op, &row, why) < 0)
		return -1;
	enum several_fate fate = fate_of(s, op, &row);
	if (fate == SEVERAL_SEND)
		s->recent[op->keys[0] % RECENT] = (struct recent){ op->keys[0],
			fingerprint_of(op) };
	return fate == SEVERAL_KNOWN ? 0 : fate == SEVERAL_SEND ? 1 : 2;
}

void syncfile_send(struct syncfile *s, const struct operation *op)
{
	struct several_person *p = several_find(s->several, op->keys[0]);

	if (p)
		p->sent = true;
}

/* What is kept of one person for the next time. 0 or -1. */
static int keep_several(struct syncfile *s, const struct several_person *p, struct reason *why)
{
	unsigned rows = p->now_count > 0 ? p->now_count - 1 : 0;

	if (rows == 0 || !several_differ(p)) {
		bind(s, DROP_SEVERAL, 1, p->key);
		return p->then_count ? change(s, DROP_SEVERAL, why) : 0;
	}
	if (rows > SEVERAL_ROWS - 1)
		rows = SEVERAL_ROWS - 1;
	if (rows == p->then_count && memcmp(p->then, p->now, rows * sizeof *p->now) == 0)
		return 0;
	bind(s, PUT_SEVERAL, 1, p->key);
	sqlite3_bind_blob64(s->query[PUT_SEVERAL], 2, p->now, rows * sizeof *p->now, SQLITE_STATIC);
	return change(s, PUT_SEVERAL, why);
}

int syncfile_ended(struct syncfile *s, uint64_t *different, struct reason *why)
{
	const struct several_person *p;

	*different = 0;
	for (size_t i = 0; (p = several_at(s->several, i)) != NULL; i++) {
		if (p->now_count == 0)
			continue; /* he is not in this input */
		*different += several_differ(p);
		if (keep_several(s, p, why) != 0)
			return -1;
	}
	return 0;
}

int syncfile_mark(struct syncfile *s, const struct operation *op, struct reason *why)
{
	struct row row;

	if (find(s, op, &row, why) < 0)
		return -1;
	if (row.whose == ANOTHERS || (row.whose == HIS && row.fingerprint == DUE))
		return 0;
	s->unmarked = true;
	return row.whose == NOBODYS ? insert(s, op, DUE_NEW, why) : update(s, op, DUE, why);
}

bool syncfile_is_marked(const struct syncfile *s)
{
	return !s->unmarked;
}

int syncfile_accepted(struct syncfile *s, const struct operation *op, struct reason *why)
{
	struct row row;

	if (find(s, op, &row, why) < 0)
		return -1;
	if (action_removes(op->action))
		return row.whose == HIS ? take_out(s, op, row.n, why) : 0;
	if (row.whose == NOBODYS)
		return insert(s, op, fingerprint_of(op), why);
	return row.whose == HIS ? update(s, op, fingerprint_of(op), why) : 0;
}

int syncfile_refused(struct syncfile *s, const struct operation *op, struct reason *why)
{
	struct row row;

	if (find(s, op, &row, why) < 0)
		return -1;
	return row.whose == HIS && row.fingerprint == DUE_NEW ? take_out(s, op, row.n, why) : 0;
}

static uint64_t checksum(const struct syncfile *s)
{
	const uint64_t numbers[] = { s->people, s->top, s->complete };

	return XXH3_64bits_withSeed(numbers, sizeof numbers,
	    XXH3_64bits(s->about, strlen(s->about)));
}

static int put_about(struct syncfile *s, struct reason *why)
{
	sqlite3_bind_text(s->query[PUT_ABOUT], 1, s->about, -1, SQLITE_STATIC);
	bind(s, PUT_ABOUT, 2, s->people);
	bind(s, PUT_ABOUT, 3, s->top);
	bind(s, PUT_ABOUT, 4, s->complete);
	bind(s, PUT_ABOUT, 5, checksum(s));
	return change(s, PUT_ABOUT, why);
}

int syncfile_commit(struct syncfile *s, struct reason *why)
{
	if (!s->writing)
		return 0;
	if (put_about(s, why) != 0 || db_run(&s->db, "COMMIT", why) != 0)
		return -1;
	s->writing = s->unmarked = false;
	return 0;
}

int syncfile_complete(struct syncfile *s, struct reason *why)
{
	if (s->complete == s->people)
		return 0;
	s->complete = s->people;
	return begin(s, why);
}

/* -- who is missing -- */

uint64_t syncfile_known(const struct syncfile *s)
{
	return s->known;
}

uint64_t syncfile_missing(const struct syncfile *s)
{
	return s->people - s->seen_count;
}

uint64_t syncfile_allowed(const struct syncfile *s, uint64_t count, double percent)
{
	if (percent >= 100)
		return UINT64_MAX;
	return percent > 0 ? (uint64_t)((double)s->known * percent / 100 + 1e-9) : count;
}

enum syncfile_verdict syncfile_decide(const struct syncfile *s, uint64_t records, bool doubtful,
    uint64_t allowed)
{
	if (syncfile_missing(s) == 0)
		return SYNCFILE_NOBODY;
	if (records == 0)
		return SYNCFILE_EMPTY;
	if (doubtful)
		return SYNCFILE_DOUBTFUL;
	return syncfile_missing(s) > allowed ? SYNCFILE_TOO_MANY : SYNCFILE_DELETE;
}

/* The identifier in the row under NEXT: believed only where it is what the row was filed under, for
 * it is deleted. */
static int take_missing(struct syncfile *s, struct buf *id, enum id_type *type, struct reason *why)
{
	sqlite3_stmt *q = s->query[NEXT];
	const char *text = (const char *)sqlite3_column_text(q, 3);
	size_t n = (size_t)sqlite3_column_bytes(q, 3);
	uint64_t number = column(s, NEXT, 2);

	if (!text || n == 0 || number >= ID_TYPE_COUNT)
		return damaged(s, why);
	*type = (enum id_type)number;
	buf_reset(id);
	if (*type == ID_CIO_ID)
		buf_str(id, "cio_");
	buf_add(id, text, n);
	if (operation_key(id->data, id->len) != column(s, NEXT, 0))
		return damaged(s, why);
	buf_reset(id);
	buf_add(id, text, n);
	return 1;
}

int syncfile_next_missing(struct syncfile *s, struct buf *id, enum id_type *type,
    struct reason *why)
{
	int found = 0;

	if (!s->db.sql || s->next_ended)
		return 0;
	bind(s, NEXT, 1, (uint64_t)s->next);
	while ((found = step(s, NEXT, "read", why)) == 1) {
		uint64_t n = column(s, NEXT, 1);
		if (n >= s->top) {
			found = damaged(s, why);
			break;
		}
		if (is_seen(s, n))
			continue;
		int64_t hash = (int64_t)column(s, NEXT, 0);
		found = take_missing(s, id, type, why);
		s->next_ended = hash == INT64_MAX;
		s->next = s->next_ended ? hash : hash + 1;
		break;
	}
	sqlite3_reset(s->query[NEXT]); /* so that the log can be put away */
	s->next_ended |= found == 0;
	return found;
}

/* -- opening -- */

/* The one number that sql gives. 0 or -1. */
static int read_number(struct syncfile *s, const char *sql, uint64_t *out, struct reason *why)
{
	sqlite3_stmt *q = db_prepare(&s->db, sql, why);

	if (!q) /* its tables are not ours */
		return damaged(s, why);
	int got = sqlite3_step(q) == SQLITE_ROW ? 0 : trouble(s, "read", why);
	if (got == 0)
		*out = (uint64_t)sqlite3_column_int64(q, 0);
	sqlite3_finalize(q);
	return got;
}

/* Takes what the row under q says. 0 or -1. */
static int take_about(struct syncfile *s, sqlite3_stmt *q, struct reason *why)
{
	const char *text = (const char *)sqlite3_column_text(q, 0);

	if (!text)
		return damaged(s, why);
	free(s->about);
	s->about = xstrdup(text);
	s->people = (uint64_t)sqlite3_column_int64(q, 1);
	s->top = (uint64_t)sqlite3_column_int64(q, 2);
	s->complete = (uint64_t)sqlite3_column_int64(q, 3);
	return checksum(s) == (uint64_t)sqlite3_column_int64(q, 4) ? 0 : damaged(s, why);
}

/* What the file says of itself, which must be true of its rows, and about this run. 0 or -1. */
static int read_about(struct syncfile *s, const char *about, struct reason *why)
{
	sqlite3_stmt *q = db_prepare(&s->db, "SELECT text, people, top, complete, sum FROM about",
	    why);
	uint64_t rows = 0;
	int result;

	if (!q) /* its tables are not ours */
		return damaged(s, why);
	int code = sqlite3_step(q);
	if (code == SQLITE_ROW)
		result = take_about(s, q, why);
	else
		result = code == SQLITE_DONE ? 0 : trouble(s, "read", why);
	sqlite3_finalize(q);
	if (result < 0 || read_number(s, "SELECT count(*) FROM people", &rows, why) != 0 ||
	    read_number(s, "SELECT count(*) FROM spare", &s->spare, why) != 0)
		return -1;
	if (rows != s->people || s->people + s->spare != s->top)
		return damaged(s, why);
	s->known = s->complete ? s->complete : s->people;
	if (code == SQLITE_DONE || !about || strcmp(s->about, about) == 0)
		return 0;
	char shown[PATH_SHOWN], then[PATH_SHOWN], now[PATH_SHOWN];
	s->unusable = true;
	return reason_set(why,
	    "%s: is about another destination, action or shard (%s; now it is %s): %s",
	    path_shown(s->db.name, shown), path_shown(s->about, then), path_shown(about, now),
	    WAY_OUT);
}

static int prepare(struct syncfile *s, bool read_only, struct reason *why)
{
	for (int i = 0; i < QUERIES; i++) {
		if (read_only && i != FIND && i != NEXT)
			continue;
		s->query[i] = db_prepare(&s->db, queries[i], why);
		if (!s->query[i])
			return trouble(s, "used", why);
	}
	return 0;
}

/* What does not make sense is passed over: then his rows are sent, and kept anew. */
static int read_several(struct syncfile *s, struct reason *why)
{
	uint64_t there = 0;
	int code;

	if (read_number(s, "SELECT count(*) FROM sqlite_schema WHERE name = 'several'", &there,
	        why) != 0)
		return -1;
	sqlite3_stmt *q = there ? db_prepare(&s->db, "SELECT hash, rows FROM several", why) : NULL;
	if (!q)
		return there ? damaged(s, why) : 0;
	while ((code = sqlite3_step(q)) == SQLITE_ROW) {
		size_t n = (size_t)sqlite3_column_bytes(q, 1);
		struct several_person *p = several_add(s->several,
		    (uint64_t)sqlite3_column_int64(q, 0));
		if (!p || n == 0 || n > sizeof p->then)
			continue;
		p->then_count = (unsigned)(n / sizeof *p->then);
		memcpy(p->then, sqlite3_column_blob(q, 1), p->then_count * sizeof *p->then);
	}
	int result = code == SQLITE_DONE ? 0 : trouble(s, "read", why);
	sqlite3_finalize(q);
	return result;
}

static int start(struct syncfile *s, const char *about, bool read_only, struct reason *why)
{
	if (db_run(&s->db, SETTINGS, why) != 0 ||
	    (!read_only && db_run(&s->db, SEVERAL_TABLE, why) != 0) || read_several(s, why) != 0)
		return trouble(s, "used", why);
	if (read_about(s, about, why) != 0 || prepare(s, read_only, why) != 0)
		return -1;
	if (read_only || s->about[0])
		return 0;
	free(s->about);
	s->about = xstrdup(about);
	return put_about(s, why) != 0 ? -1 : syncfile_commit(s, why);
}

struct syncfile *syncfile_open(const char *path, const char *about, bool read_only, int *status,
    struct reason *why)
{
	static const int statuses
	    [] = { [DB_BUSY] = EX_TEMPFAIL, [DB_BROKEN] = EX_DATAERR, [DB_FAILED] = EX_CANTCREAT };
	struct syncfile *s = xcalloc(1, sizeof *s);
	enum db_result opened;

	s->about = xstrdup("");
	s->several = several_new();
	s->next = INT64_MIN;
	opened = read_only ? db_open_read_only(&s->db, path, &kind, why) :
	                     db_open(&s->db, path, &kind, false, why);
	if (opened == DB_NEW && read_only)
		return s;
	if (opened == DB_NEW || opened == DB_KEPT) {
		if (start(s, about, read_only, why) == 0)
			return s;
		*status = syncfile_status(s);
	} else {
		*status = statuses[opened];
	}
	syncfile_close(s);
	return NULL;
}

void syncfile_close(struct syncfile *s)
{
	if (!s)
		return;
	for (int i = 0; i < QUERIES; i++)
		sqlite3_finalize(s->query[i]);
	db_close(&s->db);
	several_free(s->several);
	free(s->about);
	free(s->seen);
	free(s);
}
