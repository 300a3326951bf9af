/* Telling a run's own files from others, and putting each where it belongs. */
#include "store/claim.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/buf.h"
#include "base/log.h"
#include "base/path.h"
#include "store/outfile.h"

#define PIECE (64u << 10)
#define TRIES 20 /* to lock a file that others rename */

/* 1: the file begins with what is marked, 0: it does not, -1 with errno. */
static int compare_bytes(int fd, const struct outfile_mark *mark)
{
	char *piece = xmalloc(PIECE);
	uint64_t sum = 0;
	int64_t at = 0;
	ssize_t n = 1;

	while (at < mark->size && n != 0) {
		int64_t left = mark->size - at;
		n = pread(fd, piece, left < PIECE ? (size_t)left : PIECE, at);
		if (n < 0 && errno != EINTR)
			break;
		if (n > 0) {
			sum = outfile_sum(sum, piece, (size_t)n);
			at += n;
		}
	}
	free(piece);
	return n < 0 ? -1 : at == mark->size && sum == mark->sum;
}

enum likeness {
	UNREADABLE = -1, /* errno */
	UNLIKE,          /* or nothing is there, or nothing is marked */
	ALIKE,           /* the same bytes, and no more, in another file */
	OURS,
};

static enum likeness look_like(int fd, const struct outfile_mark *mark)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return UNREADABLE;
	bool same = (uint64_t)st.st_ino == mark->inode;
	if (!S_ISREG(st.st_mode) || (!same && st.st_size != mark->size))
		return UNLIKE;
	int begins = compare_bytes(fd, mark);
	return begins < 0 ? UNREADABLE : begins == 0 ? UNLIKE : same ? OURS : ALIKE;
}

static enum likeness compare(const char *name, const struct outfile_mark *mark)
{
	if (!mark || mark->size <= 0)
		return UNLIKE;
	int fd = open(name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return errno == ENOENT || errno == ELOOP ? UNLIKE : UNREADABLE;
	enum likeness likeness = look_like(fd, mark);
	int error = errno;
	close(fd); /* it was only read */
	errno = error;
	return likeness;
}

static bool exists(const char *name)
{
	struct stat st;

	return lstat(name, &st) == 0;
}

/* The file among those set aside that is ours, else the first that is alike; the caller's to free.
 * NULL: there is none. */
static char *find_aside(const char *name, const struct outfile_mark *mark, enum likeness *found)
{
	char *best = NULL;
	bool more = mark && mark->size > 0;

	*found = UNLIKE;
	for (unsigned n = 1; more && *found != OURS; n++) {
		char *aside = path_aside(name, n);
		enum likeness likeness = compare(aside, mark);
		more = exists(aside);
		if (likeness > *found) {
			*found = likeness;
			free(best);
			best = aside;
		} else {
			free(aside);
		}
	}
	return best;
}

static void say(struct buf *said, const char *name, const char *what, const char *other)
{
	char shown[PATH_SHOWN], shown_other[PATH_SHOWN];

	if (said)
		buf_fmt(said, "%s: %s%s\n", path_shown(name, shown), what,
		    path_shown(other, shown_other));
}

/* What the run had here is put back under its name, where nothing is now, or an empty file. */
static int take_back(const char *name, const char *aside, struct buf *said, struct reason *why)
{
	char shown[PATH_SHOWN];

	if (rename(aside, name) != 0 || path_sync_dir(name) != 0)
		return reason_set(why,
		    "%s: cannot be renamed back: %s: put that right and run the same command again",
		    path_shown(aside, shown), strerror(errno));
	say(said, name, "another run had set it aside: it is taken back from ", aside);
	return 0;
}

void claim_say_gone(const char *name, struct buf *said)
{
	say(said, name, "what this run wrote there is gone: it is begun anew", "");
}

/* Whether what stands under the name holds nothing and is as we would have made it. */
static bool is_blank(const char *name)
{
	struct stat st;

	return lstat(name, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 0 &&
	    (st.st_mode & 077) == 0;
}

/* Puts what is ours in the place of what stands there, or nothing. */
static enum claim replace(const char *name, const char *aside, struct buf *said, struct reason *why)
{
	if (!is_blank(name) && outfile_set_aside(name, said, why) != 0)
		return CLAIM_FAILED;
	if (!aside)
		return CLAIM_NOTHING;
	return take_back(name, aside, said, why) != 0 ? CLAIM_FAILED : CLAIM_OURS;
}

enum claim claim_name(const char *name, const struct outfile_mark *mark, struct buf *said,
    struct reason *why)
{
	char shown[PATH_SHOWN];
	enum likeness likeness = compare(name, mark), aside_likeness;

	if (likeness == OURS)
		return CLAIM_OURS;
	if (likeness == UNREADABLE) {
		reason_set(why,
		    "%s: cannot be read: %s: put that right and run the same command again",
		    path_shown(name, shown), strerror(errno));
		return CLAIM_FAILED;
	}
	char *aside = find_aside(name, mark, &aside_likeness);
	enum claim claim = aside_likeness > likeness ? replace(name, aside, said, why) :
	    likeness == ALIKE                        ? CLAIM_OURS :
	                                               replace(name, NULL, said, why);
	free(aside);
	return claim;
}

static enum claim cannot(const char *name, const char *done, int error, struct reason *why)
{
	char shown[PATH_SHOWN];

	path_shown(name, shown);
	if (error == ELOOP)
		reason_set(why,
		    "%s: is a symbolic link, which is never written through: name the file itself",
		    shown);
	else
		reason_errno(why, error, shown, done,
		    error == ENOENT || error == ENOTDIR ?
		        "make the directory first" :
		        "put that right and run the same command again");
	return CLAIM_FAILED;
}

/* Opens or makes the file, and locks what is under its name. CLAIM_NOTHING when that is done. */
static enum claim lock_name(const char *name, int *lock, struct reason *why)
{
	static const int flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;

	for (int i = 0; i < TRIES; i++) {
		*lock = open(name, flags, 0600);
		if (*lock < 0 && errno == EINTR)
			continue;
		if (*lock < 0)
			return cannot(name, "made", errno, why);
		int error = flock(*lock, LOCK_EX | LOCK_NB) != 0 ? errno : 0;
		if (error == 0 && path_names(name, *lock))
			return CLAIM_NOTHING;
		close(*lock);
		*lock = -1;
		if (error == EWOULDBLOCK)
			return CLAIM_BUSY;
		if (error != 0 && error != EINTR)
			return cannot(name, "locked", error, why);
	}
	return CLAIM_BUSY;
}

enum claim claim_hold(const char *name, const struct outfile_mark *mark, struct buf *said,
    int *lock, struct reason *why)
{
	enum claim claim;

	*lock = -1;
	for (;;) {
		enum claim locked = lock_name(name, lock, why);
		if (locked != CLAIM_NOTHING)
			return locked;
		claim = claim_name(name, mark, said, why);
		if (claim != CLAIM_FAILED && path_names(name, *lock))
			return claim;
		/* it was set aside: what stands there now is another file, or none */
		close(*lock);
		*lock = -1;
		if (claim == CLAIM_FAILED)
			return claim;
	}
}

void claim_release(const char *name, int lock)
{
	struct stat st;

	if (lock < 0)
		return;
	if (fstat(lock, &st) == 0 && st.st_size == 0 && path_names(name, lock) && unlink(name) == 0)
		path_sync_dir(name); /* that it may come back after a power cut harms nobody */
	close(lock);
}
