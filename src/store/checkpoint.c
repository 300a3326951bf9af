/* The state file's tables, and what is believed of them when it is opened again. */
#include "store/checkpoint.h"

#include <inttypes.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>
#include "base/buf.h"
#include "store/db.h"
#include "base/log.h"
#include "base/path.h"

/* To change the schema: raise the version, and say here how an older file is brought up to it. One
 * of version 1 is refused: it has no sums of what was written, and event ids were made otherwise.
 */
static const struct db_kind kind = {
	.application_id = 0x63696f73, /* "cios" */
	.version = 2,
	.schema = "CREATE TABLE identity (id INTEGER PRIMARY KEY CHECK (id = 1), "
	          "action TEXT NOT NULL, destination TEXT NOT NULL, mapping TEXT NOT NULL, "
	          "files TEXT NOT NULL);"
	          "CREATE TABLE progress (id INTEGER PRIMARY KEY CHECK (id = 1), "
	          "high INTEGER NOT NULL, hash INTEGER NOT NULL, results_size INTEGER NOT NULL, "
	          "results_sum INTEGER NOT NULL, results_inode INTEGER NOT NULL, "
	          "open BLOB NOT NULL, intended BLOB NOT NULL, rejects BLOB NOT NULL, rejects_name "
	          "TEXT NOT NULL, "
	          "results_name TEXT NOT NULL, run TEXT NOT NULL, outcomes TEXT NOT NULL, "
	          "sum INTEGER NOT NULL);",
	.what = "state file",
	.option = "--state",
	.elsewhere = "--state=FILE (--no-state keeps nothing)",
	.suffix = ".cio-state",
	.way_out = CHECKPOINT_WAY_OUT,
};

#define COLUMNS \
	"high, hash, results_size, results_sum, results_inode, open, intended, rejects, " \
	"rejects_name, results_name, run, outcomes, sum"

enum part { ACTION, DESTINATION, MAPPING, COMPARED, FILES = COMPARED, PARTS }; /* of an identity */
enum number { HIGH, HASH, RESULTS_SIZE, RESULTS_SUM, RESULTS_INODE, NUMBERS };
#define BLOBS 3
enum text { REJECTS_NAME, RESULTS_NAME, RUN, OUTCOMES, TEXTS };

/* A progress row as it is stored, in the order of its columns. */
struct row {
	uint64_t numbers[NUMBERS];
	/* varints: each the distance from the one before; each FILE's mark */
	struct buf open, intended, rejects;
	/* names are relative to the state file; outcomes: "rejected=3 refused=1" */
	char *texts[TEXTS];
};

static const struct checkpoint_state nothing = { .files = "",
	.run = "",
	.rejects_name = "",
	.results_name = "" };

struct checkpoint {
	struct db db;
	sqlite3_stmt *put;
	char *identity[PARTS];
	struct row row;
	uint64_t *open, *intended; /* what checkpoint_open handed out */
	struct outfile_mark *rejects;
	char *names[2]; /* absolute */
	char *run, *files;
};

static void put_varint(struct buf *b, uint64_t n)
{
	for (; n >= 0x80; n >>= 7)
		buf_byte(b, (char)(n | 0x80));
	buf_byte(b, (char)n);
}

/* The next varint at *p, which moves on. 0, or -1 where there is none. */
static int get_varint(const unsigned char **p, const unsigned char *end, uint64_t *out)
{
	uint64_t n = 0;

	for (unsigned shift = 0; *p < end && shift < 64; shift += 7) {
		unsigned char c = *(*p)++;
		n |= (uint64_t)(c & 0x7f) << shift;
		if (c < 0x80) {
			*out = n;
			return 0;
		}
	}
	return -1;
}

static void add_sum(XXH3_state_t *x, const void *data, size_t n)
{
	uint64_t size = n;

	XXH3_64bits_update(x, &size, sizeof size);
	if (n > 0)
		XXH3_64bits_update(x, data, n);
}

/* Over everything that is believed: the identity too. */
static uint64_t checksum(const struct checkpoint *l, const struct row *r)
{
	XXH3_state_t x;

	XXH3_64bits_reset(&x);
	for (size_t i = 0; i < PARTS; i++)
		add_sum(&x, l->identity[i], strlen(l->identity[i]));
	add_sum(&x, r->numbers, sizeof r->numbers);
	add_sum(&x, r->open.data, r->open.len);
	add_sum(&x, r->intended.data, r->intended.len);
	add_sum(&x, r->rejects.data, r->rejects.len);
	for (size_t i = 0; i < TEXTS; i++)
		add_sum(&x, r->texts[i], strlen(r->texts[i]));
	return XXH3_64bits_digest(&x);
}

static int broken(const struct checkpoint *l, struct reason *why)
{
	char shown[PATH_SHOWN];

	reason_set(why, "%s: is damaged, and not believed: %s", path_shown(l->db.name, shown),
	    CHECKPOINT_WAY_OUT);
	return CHECKPOINT_BROKEN;
}

/* What SQLite's last error means while the file is opened. */
static int cannot_be(const struct checkpoint *l, const char *done, struct reason *why)
{
	if (db_is_damaged(&l->db))
		return broken(l, why);
	db_complain(&l->db, done, why);
	return CHECKPOINT_FAILED;
}

/* Copies the texts in `count` columns from `first` on. false where one is missing. */
static bool copy_texts(sqlite3_stmt *s, int first, int count, char **out)
{
	for (int i = 0; i < count; i++) {
		const char *text = (const char *)sqlite3_column_text(s, first + i);
		if (!text)
			return false;
		out[i] = xstrdup(text);
	}
	return true;
}

/* Records that are unsettled must rise, up to high. */
static bool take_numbers(const struct buf *b, uint64_t high, uint64_t **numbers, size_t *count)
{
	const unsigned char *p = (const unsigned char *)b->data, *end = p + b->len;
	uint64_t last = 0, step;

	*numbers = xcalloc(b->len, sizeof **numbers); /* a varint has at least a byte */
	while (p && p < end) {
		if (get_varint(&p, end, &step) != 0 || step == 0 || step > high - last)
			return false;
		last += step;
		(*numbers)[(*count)++] = last;
	}
	return true;
}

static bool take_open(struct checkpoint *l, struct checkpoint_state *state)
{
	const struct row *r = &l->row;

	if (!take_numbers(&r->open, state->high, &l->open, &state->open_count) ||
	    !take_numbers(&r->intended, state->high, &l->intended, &state->intended_count))
		return false;
	state->open = l->open;
	state->intended = l->intended;
	return true;
}

static bool take_rejects(struct checkpoint *l, const void *data, int size,
    struct checkpoint_state *state)
{
	const unsigned char *p = data, *end = p + size;
	uint64_t bytes, sum, inode;

	l->rejects = xcalloc((size_t)size, sizeof *l->rejects); /* a FILE has three varints */
	while (p && p < end) {
		if (get_varint(&p, end, &bytes) != 0 || get_varint(&p, end, &sum) != 0 ||
		    get_varint(&p, end, &inode) != 0 || bytes > INT64_MAX)
			return false;
		l->rejects[state->rejects_files++] = (struct outfile_mark){ (int64_t)bytes, sum,
			inode };
	}
	state->rejects = l->rejects;
	return true;
}

/* A blob into a buf. */
static void take_blob(sqlite3_stmt *s, int column, struct buf *b)
{
	const void *data = sqlite3_column_blob(s, column);
	int size = sqlite3_column_bytes(s, column);

	buf_reset(b);
	if (data && size > 0)
		buf_add(b, data, (size_t)size);
}

/* "rejected=3 refused=1", by names, so that there may be others one day. */
static bool take_outcomes(const char *text, struct checkpoint_state *state)
{
	for (const char *p = text; *p;) {
		size_t name = strcspn(p, "=");
		enum outcome o;
		char *end;
		if (p[name] != '=' || outcome_parse(p, name, &o) != 0)
			return false;
		state->outcomes[o] = strtoull(p + name + 1, &end, 10);
		if (*end != ' ' && *end != '\0')
			return false;
		p = end + (*end == ' ');
	}
	return true;
}

/* The row under s, believed only where its checksum and its sense are right. */
static bool take_row(struct checkpoint *l, sqlite3_stmt *s, struct checkpoint_state *state)
{
	struct row *r = &l->row;

	for (int i = 0; i < NUMBERS; i++)
		r->numbers[i] = (uint64_t)sqlite3_column_int64(s, i);
	take_blob(s, NUMBERS, &r->open);
	take_blob(s, NUMBERS + 1, &r->intended);
	take_blob(s, NUMBERS + 2, &r->rejects);
	if (!copy_texts(s, NUMBERS + BLOBS, TEXTS, r->texts) ||
	    (uint64_t)sqlite3_column_int64(s, NUMBERS + BLOBS + TEXTS) != checksum(l, r))
		return false;
	state->high = r->numbers[HIGH];
	state->hash = r->numbers[HASH];
	state->results = (struct outfile_mark){ (int64_t)r->numbers[RESULTS_SIZE],
		r->numbers[RESULTS_SUM], r->numbers[RESULTS_INODE] };
	for (int i = 0; i < 2; i++)
		l->names[i] = *r->texts[i] ? path_resolve(r->texts[i], l->db.path) : xstrdup("");
	state->rejects_name = l->names[REJECTS_NAME];
	state->results_name = l->names[RESULTS_NAME];
	/* copies: a commit has others in their place */
	state->run = l->run = xstrdup(r->texts[RUN]);
	state->files = l->files = xstrdup(l->identity[FILES]);
	return take_outcomes(r->texts[OUTCOMES], state) && take_open(l, state) &&
	    take_rejects(l, r->rejects.data, (int)r->rejects.len, state);
}

/* Reads the identity. CHECKPOINT_RESUME: done, CHECKPOINT_NEW: there is none, else *why. */
static int read_identity(struct checkpoint *l, struct reason *why)
{
	sqlite3_stmt *s = db_prepare(&l->db,
	    "SELECT action, destination, mapping, files FROM identity", why);
	int result;

	if (!s)
		return cannot_be(l, "read", why);
	int step = sqlite3_step(s);
	if (step == SQLITE_ROW)
		result = copy_texts(s, 0, PARTS, l->identity) ? CHECKPOINT_RESUME : broken(l, why);
	else
		result = step == SQLITE_DONE ? CHECKPOINT_NEW : cannot_be(l, "read", why);
	sqlite3_finalize(s);
	return result;
}

static int read_progress(struct checkpoint *l, struct checkpoint_state *state, struct reason *why)
{
	sqlite3_stmt *s = db_prepare(&l->db, "SELECT " COLUMNS " FROM progress", why);
	int result;

	if (!s)
		return cannot_be(l, "read", why);
	int step = sqlite3_step(s);
	if (step == SQLITE_ROW)
		result = take_row(l, s, state) ? CHECKPOINT_RESUME : broken(l, why);
	else
		result = step == SQLITE_DONE ? CHECKPOINT_NEW : cannot_be(l, "read", why);
	sqlite3_finalize(s);
	return result;
}

/* Is what was kept about this run? CHECKPOINT_RESUME or CHECKPOINT_OTHER. */
static int compare(const struct checkpoint *l, const char *const *now, struct reason *why)
{
	static const char *const parts[COMPARED] = {
		[ACTION] = "another action",
		[DESTINATION] = "another destination",
		[MAPPING] = "another mapping of its fields",
	};
	static const bool shown_too[COMPARED] = { [ACTION] = true, [DESTINATION] = true };
	char shown[PATH_SHOWN], then[PATH_SHOWN], given[PATH_SHOWN];

	path_shown(l->db.name, shown);
	for (size_t i = 0; i < COMPARED; i++) {
		if (strcmp(l->identity[i], now[i]) == 0)
			continue;
		if (shown_too[i])
			reason_set(why, "%s: is about %s (%s; now it is %s): %s", shown, parts[i],
			    path_shown(l->identity[i], then), path_shown(now[i], given),
			    CHECKPOINT_WAY_OUT);
		else
			reason_set(why, "%s: is about %s: %s", shown, parts[i], CHECKPOINT_WAY_OUT);
		return CHECKPOINT_OTHER;
	}
	return CHECKPOINT_RESUME;
}

static void forget_identity(struct checkpoint *l)
{
	for (size_t i = 0; i < PARTS; i++) {
		free(l->identity[i]);
		l->identity[i] = NULL;
	}
}

/* Writes what this run is about. CHECKPOINT_NEW, else *why. */
static int begin(struct checkpoint *l, const char *const *now, struct reason *why)
{
	forget_identity(l);
	sqlite3_stmt *s = db_prepare(&l->db,
	    "INSERT OR REPLACE INTO identity VALUES (1, ?1, ?2, ?3, ?4)", why);
	if (!s)
		return cannot_be(l, "used", why);
	for (int i = 0; i < PARTS; i++) {
		l->identity[i] = xstrdup(now[i]);
		sqlite3_bind_text(s, i + 1, l->identity[i], -1, SQLITE_STATIC);
	}
	int result = sqlite3_step(s) == SQLITE_DONE ? CHECKPOINT_NEW : cannot_be(l, "written", why);
	sqlite3_finalize(s);
	return result;
}

bool checkpoint_has_settled(const struct checkpoint_state *s)
{
	return s->hash || s->intended_count || s->outcomes[OUTCOME_REJECTED] ||
	    s->outcomes[OUTCOME_REFUSED] || s->outcomes[OUTCOME_FAILED];
}

/* A run that settled nothing, for wrong credentials perhaps, stands in nobody's way. */
static int replace(struct checkpoint *l, const char *const *now, struct checkpoint_state *state,
    struct reason *why)
{
	if (db_run(&l->db, "DELETE FROM progress", why) != 0)
		return cannot_be(l, "written", why);
	*state = nothing;
	return begin(l, now, why);
}

/* What a file that SQLite finds sound holds. */
static int load(struct checkpoint *l, const char *const *now, struct checkpoint_state *state,
    struct reason *why)
{
	int identity = read_identity(l, why);

	if (identity != CHECKPOINT_RESUME && identity != CHECKPOINT_NEW)
		return identity;
	/* it stopped before it began: then no progress has the right checksum */
	if (identity == CHECKPOINT_NEW)
		for (size_t i = 0; i < PARTS; i++)
			l->identity[i] = xstrdup("");
	int progress = read_progress(l, state, why);
	if (progress != CHECKPOINT_RESUME)
		return progress == CHECKPOINT_NEW ? begin(l, now, why) : progress;
	int same = compare(l, now, why);
	return same == CHECKPOINT_OTHER && !checkpoint_has_settled(state) ?
	    replace(l, now, state, why) :
	    same;
}

static int open_checkpoint(struct checkpoint *l, const char *path, const char *const *now,
    bool restart, struct checkpoint_state *state, struct reason *why)
{
	static const int others[] = {
		[DB_BUSY] = CHECKPOINT_BUSY,
		[DB_BROKEN] = CHECKPOINT_BROKEN,
		[DB_FAILED] = CHECKPOINT_FAILED,
	};
	enum db_result opened = db_open(&l->db, path, &kind, restart, why);
	if (opened != DB_NEW && opened != DB_KEPT)
		return others[opened];
	int result = opened == DB_NEW ? begin(l, now, why) : load(l, now, state, why);
	if (result != CHECKPOINT_NEW && result != CHECKPOINT_RESUME)
		return result;
	l->put = db_prepare(&l->db,
	    "INSERT OR REPLACE INTO progress (id, " COLUMNS ") "
	    "VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
	    why);
	return l->put ? result : cannot_be(l, "used", why);
}

enum checkpoint_result checkpoint_open(const char *path, const struct checkpoint_identity *id,
    int restart, struct checkpoint **out, struct checkpoint_state *state, struct reason *why)
{
	const char *now[PARTS] = { id->action, id->destination, id->mapping, "" };
	struct checkpoint *l = xcalloc(1, sizeof *l);

	*out = NULL;
	*state = nothing;
	buf_init(&l->row.open, BUF_UNBOUNDED);
	buf_init(&l->row.intended, BUF_UNBOUNDED);
	buf_init(&l->row.rejects, BUF_UNBOUNDED);
	int result = open_checkpoint(l, path, now, restart != 0, state, why);
	if (result == CHECKPOINT_NEW || result == CHECKPOINT_RESUME)
		*out = l;
	else
		checkpoint_close(l);
	return (enum checkpoint_result)result;
}

static void put_rejects(struct buf *b, const struct outfile_mark *marks, size_t files)
{
	buf_reset(b);
	for (size_t i = 0; i < files; i++) {
		put_varint(b, (uint64_t)marks[i].size);
		put_varint(b, marks[i].sum);
		put_varint(b, marks[i].inode);
	}
}

static void put_name(char **to, const char *name, const struct checkpoint *l)
{
	free(*to);
	*to = name && *name ? path_relative(name, l->db.path) : xstrdup("");
}

static void put_outcomes(char **to, const uint64_t *counts)
{
	struct buf text = { .max = BUF_UNBOUNDED };

	for (enum outcome o = 0; o < OUTCOME_COUNT; o++)
		if (counts[o])
			buf_fmt(&text, "%s%s=%" PRIu64, text.len ? " " : "", outcome_name(o),
			    counts[o]);
	buf_byte(&text, '\0');
	free(*to);
	*to = text.data;
}

static void put_numbers(struct buf *b, const uint64_t *numbers, size_t count)
{
	uint64_t last = 0;

	buf_reset(b);
	for (size_t i = 0; i < count; i++) {
		put_varint(b, numbers[i] - last);
		last = numbers[i];
	}
}

static void fill_row(struct checkpoint *l, const struct checkpoint_state *s)
{
	struct row *r = &l->row;

	r->numbers[HIGH] = s->high;
	r->numbers[HASH] = s->hash;
	r->numbers[RESULTS_SIZE] = (uint64_t)s->results.size;
	r->numbers[RESULTS_SUM] = s->results.sum;
	r->numbers[RESULTS_INODE] = s->results.inode;
	put_numbers(&r->open, s->open, s->open_count);
	put_numbers(&r->intended, s->intended, s->intended_count);
	put_rejects(&r->rejects, s->rejects, s->rejects_files);
	put_name(&r->texts[REJECTS_NAME], s->rejects_name, l);
	put_name(&r->texts[RESULTS_NAME], s->results_name, l);
	put_outcomes(&r->texts[OUTCOMES], s->outcomes);
	free(r->texts[RUN]);
	r->texts[RUN] = xstrdup(s->run ? s->run : "");
}

static void bind_blob(sqlite3_stmt *s, int column, const struct buf *b)
{
	sqlite3_bind_blob64(s, column, b->len ? b->data : "", b->len, SQLITE_STATIC);
}

static int put_row(struct checkpoint *l, struct reason *why)
{
	const struct row *r = &l->row;

	for (int i = 0; i < NUMBERS; i++)
		sqlite3_bind_int64(l->put, i + 1, (sqlite3_int64)r->numbers[i]);
	bind_blob(l->put, NUMBERS + 1, &r->open);
	bind_blob(l->put, NUMBERS + 2, &r->intended);
	bind_blob(l->put, NUMBERS + 3, &r->rejects);
	for (int i = 0; i < TEXTS; i++)
		sqlite3_bind_text(l->put, NUMBERS + BLOBS + 1 + i, r->texts[i], -1, SQLITE_STATIC);
	sqlite3_bind_int64(l->put, NUMBERS + BLOBS + 1 + TEXTS, (sqlite3_int64)checksum(l, r));
	int step = sqlite3_step(l->put);
	if (step != SQLITE_DONE)
		db_complain(&l->db, "written", why);
	sqlite3_reset(l->put);
	sqlite3_clear_bindings(l->put);
	return step == SQLITE_DONE ? 0 : -1;
}

static int put_files(struct checkpoint *l, struct reason *why)
{
	sqlite3_stmt *s = db_prepare(&l->db, "UPDATE identity SET files = ?1", why);

	if (!s)
		return -1;
	sqlite3_bind_text(s, 1, l->identity[FILES], -1, SQLITE_STATIC);
	int step = sqlite3_step(s);
	if (step != SQLITE_DONE)
		db_complain(&l->db, "written", why);
	sqlite3_finalize(s);
	return step == SQLITE_DONE ? 0 : -1;
}

/* The list is long where there are many FILEs: it is written only where it is another one. */
static int put_both(struct checkpoint *l, const char *files, struct reason *why)
{
	struct reason second;
	char *before = l->identity[FILES];

	if (db_run(&l->db, "BEGIN", why) != 0)
		return -1;
	l->identity[FILES] = xstrdup(files);
	if (put_files(l, why) == 0 && put_row(l, why) == 0 && db_run(&l->db, "COMMIT", why) == 0) {
		free(before);
		return 0;
	}
	db_run(&l->db, "ROLLBACK", &second); /* what was written before stands in any case */
	free(l->identity[FILES]);
	l->identity[FILES] = before;
	return -1;
}

int checkpoint_commit(struct checkpoint *l, const struct checkpoint_state *state,
    struct reason *why)
{
	fill_row(l, state);
	if (state->files && strcmp(state->files, l->identity[FILES]) != 0)
		return put_both(l, state->files, why);
	return put_row(l, why);
}

static void finalize(struct checkpoint *l)
{
	sqlite3_finalize(l->put);
	l->put = NULL;
}

int checkpoint_remove(struct checkpoint *l, struct reason *why)
{
	finalize(l);
	return db_remove(&l->db, why);
}

void checkpoint_close(struct checkpoint *l)
{
	if (!l)
		return;
	finalize(l);
	db_close(&l->db);
	forget_identity(l);
	buf_free(&l->row.open);
	buf_free(&l->row.intended);
	buf_free(&l->row.rejects);
	free(l->open);
	free(l->intended);
	free(l->rejects);
	for (size_t i = 0; i < TEXTS; i++)
		free(l->row.texts[i]);
	free(l->names[0]);
	free(l->names[1]);
	free(l->run);
	free(l->files);
	free(l);
}
