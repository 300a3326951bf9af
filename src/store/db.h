/*
 * A file of ours in SQLite: opened safely (mode 0600, never through a symbolic link), held by one
 * run at a time, checked before it is believed, every commit durable. For the rooms that keep such
 * files; no other includes it.
 */
#ifndef DB_H
#define DB_H

#include <stdbool.h>

struct reason;
struct sqlite3;
struct sqlite3_stmt;

struct db_kind;

struct db {
	const char *name; /* as people know it; the caller's */
	const struct db_kind *kind;
	char *path; /* absolute */
	int lock;   /* descriptor that carries the lock; -1: none */
	struct sqlite3 *sql;
};

/* What sort of file it is. */
struct db_kind {
	int application_id;
	int version;   /* of the schema; a change raises it */
	int page_size; /* bytes; 0: SQLite's own choice */
	/* SQL that makes the tables; db.c adds its own table `holder` */
	const char *schema;
	const char *what, *option; /* "state file", and the option that names one */
	const char *elsewhere;     /* how another place is named: "--state=FILE" */
	const char *suffix;        /* a name that ends so is one of ours; NULL: none is */
	const char *
	    way_out; /* what to do about a file that cannot be used: "--restart begins anew, ..." */
};

enum db_result {
	DB_NEW,    /* made now, its tables are empty */
	DB_KEPT,   /* it was there and is sound as far as SQLite can tell */
	DB_BUSY,   /* another run holds it */
	DB_BROKEN, /* not such a file, damaged, or of another version */
	DB_FAILED, /* cannot be opened, locked or written */
};

/* Opens or makes it, and takes its lock, until db_close. With `forget`, what was kept is removed
 * first (what cannot be told to be ours for sure becomes NAME~; what is somebody else's is left as
 * it is, and DB_BROKEN). On DB_NEW and DB_KEPT *d is open, else closed, and *why says what and what
 * to do. */
enum db_result db_open(struct db *d, const char *name, const struct db_kind *kind, bool forget,
    struct reason *why);

/*
 * Opens it only to be read: nothing is made, changed or put away, and no run changes it until
 * db_close. DB_NEW: there is none, and *d is closed.
 */
enum db_result db_open_read_only(struct db *d, const char *name, const struct db_kind *kind,
    struct reason *why);

/* "NAME: cannot be DONE: what SQLite says: what to do". Returns -1. */
int db_complain(const struct db *d, const char *done, struct reason *why);

/* Whether SQLite's last error on *d means that what is in the file is not what was written: it is
 * damaged. */
bool db_is_damaged(const struct db *d);

/* 0 or -1 with *why */
int db_run(struct db *d, const char *sql, struct reason *why);
/* NULL with *why */
struct sqlite3_stmt *db_prepare(struct db *d, const char *sql, struct reason *why);

/* Removes the file and closes it, but for its lock. 0 or -1 with *why. Statements must be
 * finalized. */
int db_remove(struct db *d, struct reason *why);

void db_close(struct db *d); /* statements must be finalized; a closed one is fine */

#endif
