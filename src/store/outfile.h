/*
 * An output file that must not lose what it was given: made with mode 0600, never through a
 * symbolic link, written whole, and brought to the disk on demand. Standard output too, for
 * --results=-.
 *
 * What fails stays failed: after the first error every further call gives the same one, so that
 * nobody takes a file with a hole for a good one.
 */
#ifndef OUTFILE_H
#define OUTFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"

struct reason;

struct outfile {
	const char *name; /* as people know it; the caller's, must outlive the file */
	int fd;           /* -1: not open */
	bool seekable;    /* a regular file that we opened: size and sync mean something */
	/* bytes in it, what is pending included; of a pipe: bytes given to it */
	int64_t size;
	uint64_t sum; /* of those bytes; 0 of a pipe's */
	uint64_t inode;
	int error;          /* errno of what failed first, or 0 */
	struct buf pending; /* not yet written */
};

/* What a file held when it was last brought to the disk, so that it is known again, wherever it is
 * now. Zeroed: nothing. */
struct outfile_mark {
	int64_t size; /* bytes ... */
	uint64_t sum; /* ... and theirs */
	uint64_t inode;
};

#define OUTFILE_CLOSED ((struct outfile){ .fd = -1 }) /* one that was never opened */

enum outfile_kind {
	OUTFILE_REGULAR, /* nothing but a regular file */
	OUTFILE_ANY, /* also "-" and /dev/stdout (standard output), /dev/fd/N, a FIFO, a character
	                device */
};

/* Opens a new file, setting an older regular one aside. 0, or -1 with *why and f closed. */
int outfile_create(struct outfile *f, const char *name, enum outfile_kind kind, struct buf *said,
    struct reason *why);

/*
 * Goes on with a file that `mark` tells of: what is in it behind the marked bytes is cut off (a row
 * that was cut short, or one of a record that will be sent again). It is looked for by claim_name
 * first, which adds to `said`. Where it is not there, a new one is begun: f->size says where it
 * goes on. For what is not a regular file, the same as outfile_create.
 */
int outfile_continue(struct outfile *f, const char *name, enum outfile_kind kind,
    const struct outfile_mark *mark, struct buf *said, struct reason *why);

/* The same with a file that this program itself closed, whose bytes are not looked at again. */
int outfile_reopen(struct outfile *f, const char *name, const struct outfile_mark *mark,
    struct reason *why);

/* Where f stands. */
struct outfile_mark outfile_mark(const struct outfile *f);

/* The sum of what was summed before and these bytes. */
uint64_t outfile_sum(uint64_t sum, const void *data, size_t n);

/* Appends; written when a good piece is pending, or by outfile_flush; what is more than that is
 * written at once, and not copied. 0 or -1 with *why. */
#define OUTFILE_PIECE (64u << 10)
int outfile_add(struct outfile *f, const void *data, size_t n, struct reason *why);
int outfile_flush(struct outfile *f, struct reason *why); /* to the kernel */
/* to the disk; a pipe is only flushed */
int outfile_sync(struct outfile *f, struct reason *why);
/* flushes, closes; 0 or -1; a closed one is fine */
int outfile_close(struct outfile *f, struct reason *why);

/* Renames an older regular file to NAME~ (path_set_aside), durably. One that is not there is fine.
 * What was done is added to `said`, a line (NULL: it is not told). 0 or -1 with *why. */
int outfile_set_aside(const char *name, struct buf *said, struct reason *why);

/* Whether a file could be made later, as far as can be told now: its place is there (and can be
 * written, with `writable`), and nothing stands there that is not written to. 0, or -1 with
 * *why. */
int outfile_check(const char *name, bool writable, struct reason *why);

/* Writes a whole small file anew: to a temporary name beside it, fsynced, renamed; straight to it
 * where it is a FIFO, a character device, or one of the names of OUTFILE_ANY. 0 or -1 with *why. */
int outfile_replace(const char *name, const void *data, size_t n, unsigned mode,
    struct reason *why);

#endif
