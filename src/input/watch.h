/*
 * A regular file that is read while others may write to it. What was read so far is proved, when
 * the file has changed, to be what the file begins with now: then it only grew. Else it was cut
 * short or rewritten, nobody can say what was read, and reading ends before a row that is cut in
 * two or mixed of both is handed out.
 */
#ifndef WATCH_H
#define WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "input/source.h"

struct stat;
struct reason;

#define WATCH_TAIL 4096u

/* What tells that a file has changed. */
struct stamp {
	uint64_t device, inode;
	int64_t size;
	int64_t modified_ns, changed_ns; /* wall clock */
};

void stamp_take(struct stamp *s, const struct stat *st);

/* Nothing at all happened to the file in between, as far as the file system tells. */
bool stamp_same(const struct stamp *a, const struct stamp *b);

struct watch {
	struct source_fd from;
	struct stamp first, last; /* at the opening; when it was looked at last */
	int64_t start, at;        /* offsets: where reading began, how far it is */
	int64_t proved;           /* ... how far it was when all of that was compared last */
	void *room;               /* owned; in it, where it may stand: */
	void *hash;               /* of everything that was read */
	char tail[WATCH_TAIL];    /* the last bytes that were read */
	size_t tail_len;
	bool doubtful;      /* it changed, and only a part of what was read was compared since */
	bool grew;          /* since the opening */
	struct reason *why; /* the caller's: what happened to it, where a read failed for that */
	bool spoiled;       /* ... and whether it did */
};

/*
 * Watches the regular file under fd, of which *st is known, from its offset on; `why` is where
 * watch_read says what happened to it, with its status (65). The watch must be zeroed or freed
 * before.
 */
void watch_begin(struct watch *w, int fd, const struct stat *st, struct reason *why);
void watch_free(struct watch *w); /* the descriptor stays open; a zeroed one is fine */

/*
 * source_read for a struct watch. SOURCE_FAILED with w->spoiled and *w->why where the file was cut
 * short or rewritten ("was cut short while it was read (...)"); without, it is errno. SOURCE_END
 * says that what was read is all that the file holds now.
 */
enum source_result watch_read(void *arg, char *to, size_t n, size_t *got);

/* Whether the name stands for another file by now, or for none. */
bool watch_is_replaced(const struct watch *w, const char *name);

#endif
