/*
 * The sync file (--sync), in SQLite (db.h): for each person a fingerprint of what was last
 * accepted, so that a nightly run sends only who is new or changed, and can tell who is gone.
 *
 * A person is known by operation.keys[0], so email addresses in other letters are the same person.
 * Two people with one key (nobody has seen that happen) share a row that belongs to the first: the
 * second is always sent, and never deleted.
 *
 * Before an operation is sent, its person is marked, durably, as one of whom it is not known what
 * the server has: what comes of an attempt that is never answered, nobody knows. So a person is
 * left out only where the last word was "accepted".
 *
 * Who has several rows in the input is kept with what these were (several.h), so that they need not
 * be sent every night; the last one counts.
 *
 * Who was seen in this run's input is kept in memory, a bit a person: a resumed run reads its input
 * from the start again, so nothing of it need last.
 */
#ifndef SYNCFILE_H
#define SYNCFILE_H

#include <stdbool.h>
#include <stdint.h>
#include "operation/mapping.h"

struct syncfile;
struct operation;
struct reason;
struct buf;

/*
 * Opens or makes `path` (as the checkpoint does: mode 0600, locked, checked). `about`: destination,
 * action and what else makes fingerprints comparable; a file about something else is refused (NULL:
 * whatever it is about). NULL with *why and *status (65 another or a damaged file, 73 cannot be
 * written, 75 another run holds it). With `read_only` nothing is made or changed (a dry run; a file
 * that is not there is an empty one), and the functions that would change it must not be called.
 */
struct syncfile *syncfile_open(const char *path, const char *about, bool read_only, int *status,
    struct reason *why);
/* what was not committed is gone; NULL is fine */
void syncfile_close(struct syncfile *s);

/* The person of op was seen in the input. 1: op is new or changed, 0: it is what was last accepted,
 * 2: it came so last time, when another row of its person followed it: it need be sent only if none
 * does now; -1 with *why. */
int syncfile_look(struct syncfile *s, const struct operation *op, struct reason *why);

/* op will be sent: it must not leave before syncfile_is_marked. 0 or -1. */
int syncfile_mark(struct syncfile *s, const struct operation *op, struct reason *why);
/* whether every mark is on the disk: else syncfile_commit brings it there */
bool syncfile_is_marked(const struct syncfile *s);

/* op was accepted: its fingerprint is kept from the next commit on. A deleting op takes its person
 * out. 0 or -1. */
int syncfile_accepted(struct syncfile *s, const struct operation *op, struct reason *why);

/* op was refused at its first attempt: somebody to whom nothing else was ever sent is not known. 0
 * or -1. */
int syncfile_refused(struct syncfile *s, const struct operation *op, struct reason *why);

/* op, of which look said 2, is sent all the same; then so are those that follow it. */
void syncfile_send(struct syncfile *s, const struct operation *op);

/* Every record of the input was looked at and has ended: what is learnt of people with several rows
 * is written by the next commit. *different: those whose rows have different values. 0 or -1. */
int syncfile_ended(struct syncfile *s, uint64_t *different, struct reason *why);

int syncfile_commit(struct syncfile *s, struct reason *why); /* durably */

/* The whole input was read, every record of it was valid, and is settled: that is written by the
 * next commit. 0 or -1. */
int syncfile_complete(struct syncfile *s, struct reason *why);

/* After a -1: the exit status for it. */
int syncfile_status(const struct syncfile *s);

/* people when the last complete sync ended; before the first: on opening */
uint64_t syncfile_known(const struct syncfile *s);
uint64_t syncfile_missing(const struct syncfile *s); /* people who were not seen */

/* Whether those who are missing may be deleted, now that everything was read. */
enum syncfile_verdict {
	SYNCFILE_NOBODY,   /* nobody is missing */
	SYNCFILE_EMPTY,    /* the input had no records */
	SYNCFILE_DOUBTFUL, /* it had records that could not be read */
	SYNCFILE_TOO_MANY, /* more than syncfile_allowed */
	SYNCFILE_DELETE,
};
enum syncfile_verdict syncfile_decide(const struct syncfile *s, uint64_t records, bool doubtful,
    uint64_t allowed);

/* How many --max-deletes allows: `count`, or that many percent of the people known, 100 of which
 * are no limit. */
uint64_t syncfile_allowed(const struct syncfile *s, uint64_t count, double percent);

/* The next person who was not seen: 1 with the identifier in id and its type, 0 at the end, -1 with
 * *why. People taken out meanwhile do not disturb it. */
int syncfile_next_missing(struct syncfile *s, struct buf *id, enum id_type *type,
    struct reason *why);

#endif
