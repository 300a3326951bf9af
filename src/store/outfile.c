/* Every write is whole or an error; what is on the disk is known, what is not is cut off. */
#include "store/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/log.h"
#include "base/os.h"
#include "base/path.h"
#include "store/claim.h"

static const char *advice(int error)
{
	switch (error) {
	case ENOSPC:
	case EDQUOT:
		return "free some and run the same command again";
	case EPIPE:
		return "its reader has gone: run the same command again";
	case EACCES:
	case EPERM:
	case EROFS:
		return "give a name that you may write to";
	case ENOENT:
	case ENOTDIR:
		return "make the directory first";
	default:
		return "put that right and run the same command again";
	}
}

/* "NAME: cannot be DONE: why: what to do". Returns -1. */
static int complain(const char *name, const char *done, int error, struct reason *why)
{
	char shown[PATH_SHOWN];

	path_shown(strcmp(name, "-") == 0 ? "standard output" : name, shown);
	return reason_errno(why, error, shown, done, advice(error));
}

/* Refuses what is no place for a file. Returns -1. */
static int refuse(const char *name, mode_t mode, struct reason *why)
{
	char shown[PATH_SHOWN];

	path_shown(name, shown);
	if (S_ISLNK(mode))
		return reason_set(why,
		    "%s: is a symbolic link, which is never written through: name the file itself",
		    shown);
	if (S_ISDIR(mode))
		return reason_set(why, "%s: is a directory: give the name of a file", shown);
	return reason_set(why, "%s: is not a regular file: give another name", shown);
}

/* The descriptor that a name such as "-" or /dev/fd/3 stands for, or -1. */
static int standard_fd(const char *name)
{
	static const char *const folders[] = { "/dev/fd/", "/proc/self/fd/" };
	static const char *const names[] = { "-", "/dev/stdout", "/dev/stderr" };
	static const int fds[] = { STDOUT_FILENO, STDOUT_FILENO, STDERR_FILENO };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(name, names[i]) == 0)
			return fds[i];
	for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
		size_t len = strlen(folders[i]);
		size_t digits = strncmp(name, folders[i], len) == 0 ?
		    strspn(name + len, "0123456789") :
		    0;
		if (digits > 0 && digits < 7 && name[len + digits] == '\0')
			return (int)strtol(name + len, NULL, 10);
	}
	return -1;
}

/* Whether a name stands for something that is written to as it is. */
static bool is_stream(const char *name, enum outfile_kind kind, mode_t mode)
{
	return kind == OUTFILE_ANY && (standard_fd(name) >= 0 || S_ISFIFO(mode) || S_ISCHR(mode));
}

/* The mode of what stands under a name, not followed: 0 with *mode 0 where there is nothing; -1
 * with *why. */
static int look(const char *name, mode_t *mode, struct reason *why)
{
	struct stat st;

	*mode = 0;
	if (lstat(name, &st) == 0)
		*mode = st.st_mode;
	else if (errno != ENOENT)
		return complain(name, "looked at", errno, why);
	return 0;
}

static int write_all(int fd, const char *data, size_t n)
{
	while (n > 0) {
		ssize_t w = write(fd, data, n);
		if (w > 0) {
			data += w;
			n -= (size_t)w;
		} else if (w == 0) {
			errno = EIO;
			return -1;
		} else if (errno == EAGAIN) { /* somebody made our standard output non-blocking */
			struct pollfd room = { .fd = fd, .events = POLLOUT };
			if (poll(&room, 1, -1) < 0 && errno != EINTR)
				return -1;
		} else if (errno != EINTR) {
			return -1;
		}
	}
	return 0;
}

static int open_retrying(const char *name, int flags)
{
	int fd;

	do
		fd = open(name, flags | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);
	while (fd < 0 && errno == EINTR);
	return fd;
}

static void begin(struct outfile *f, const char *name)
{
	*f = OUTFILE_CLOSED;
	f->name = name;
	buf_init(&f->pending, OUTFILE_PIECE);
}

/* Closes after an error of which *why tells already. Returns -1. */
static int give_up(struct outfile *f)
{
	close(f->fd);
	f->fd = -1;
	return -1;
}

static int changed(const char *name, struct reason *why)
{
	char shown[PATH_SHOWN];

	return reason_set(why, "%s: was changed while it was opened: run the same command again",
	    path_shown(name, shown));
}

static int open_stream(struct outfile *f, struct reason *why)
{
	struct stat st;
	int standard = standard_fd(f->name);

	f->fd = standard >= 0 ? fcntl(standard, F_DUPFD_CLOEXEC, STDERR_FILENO + 1) :
	                        open_retrying(f->name, O_WRONLY);
	if (f->fd < 0)
		return complain(f->name, "opened", errno, why);
	if (standard < 0 && (fstat(f->fd, &st) != 0 || S_ISREG(st.st_mode))) {
		changed(f->name, why);
		return give_up(f);
	}
	return 0;
}

static int open_new(struct outfile *f, struct reason *why)
{
	struct stat st;

	f->fd = open_retrying(f->name, O_WRONLY | O_CREAT | O_EXCL);
	if (f->fd < 0)
		return complain(f->name, "made", errno, why);
	f->seekable = true;
	if (fstat(f->fd, &st) != 0 || path_sync_dir(f->name) != 0) {
		complain(f->name, "made lastingly", errno, why);
		return give_up(f);
	}
	f->inode = st.st_ino;
	return 0;
}

int outfile_set_aside(const char *name, struct buf *said, struct reason *why)
{
	char shown[PATH_SHOWN], shown_aside[PATH_SHOWN], *aside;
	mode_t mode;

	if (look(name, &mode, why) != 0)
		return -1;
	if (mode == 0)
		return 0;
	if (!S_ISREG(mode))
		return refuse(name, mode, why);
	if (path_set_aside(name, &aside) != 0)
		return complain(name, "renamed to the same name with ~ after it", errno, why);
	if (said)
		buf_fmt(said, "%s: is not what this run wrote: it is kept as %s\n",
		    path_shown(name, shown), path_shown(aside, shown_aside));
	free(aside);
	return 0;
}

int outfile_create(struct outfile *f, const char *name, enum outfile_kind kind, struct buf *said,
    struct reason *why)
{
	mode_t mode;

	begin(f, name);
	if (look(name, &mode, why) != 0)
		return -1;
	if (is_stream(name, kind, mode))
		return open_stream(f, why);
	if (outfile_set_aside(name, said, why) != 0)
		return -1;
	return open_new(f, why);
}

/* Cuts what is open off behind what is marked, and goes there. Where nothing is marked it must be
 * empty. 0 or -1 with *why. */
static int cut(struct outfile *f, const struct outfile_mark *mark, struct reason *why)
{
	struct stat st;

	if (fstat(f->fd, &st) != 0)
		return complain(f->name, "looked at", errno, why);
	if (!S_ISREG(st.st_mode))
		return refuse(f->name, st.st_mode, why);
	if (st.st_size < mark->size || (mark->size == 0 && st.st_size > 0))
		return changed(f->name, why);
	if (st.st_size > mark->size && ftruncate(f->fd, mark->size) != 0)
		return complain(f->name, "cut to where it goes on", errno, why);
	if (lseek(f->fd, mark->size, SEEK_SET) < 0)
		return complain(f->name, "continued", errno, why);
	f->size = mark->size;
	f->sum = mark->sum;
	f->inode = st.st_ino;
	return 0;
}

int outfile_reopen(struct outfile *f, const char *name, const struct outfile_mark *mark,
    struct reason *why)
{
	begin(f, name);
	f->fd = open_retrying(name, O_RDWR);
	if (f->fd < 0)
		return complain(name, "opened", errno, why);
	f->seekable = true;
	if (cut(f, mark, why) != 0)
		return give_up(f);
	/* an empty one may have been made to be held, just now: its name has to last, too */
	if (mark->size == 0 && path_sync_dir(name) != 0) {
		complain(name, "made lastingly", errno, why);
		return give_up(f);
	}
	return 0;
}

int outfile_continue(struct outfile *f, const char *name, enum outfile_kind kind,
    const struct outfile_mark *mark, struct buf *said, struct reason *why)
{
	mode_t mode;

	begin(f, name);
	if (look(name, &mode, why) != 0)
		return -1;
	if (is_stream(name, kind, mode))
		return open_stream(f, why);
	enum claim claim = claim_name(name, mark, said, why);
	if (claim == CLAIM_FAILED || look(name, &mode, why) != 0)
		return -1;
	if (claim == CLAIM_OURS)
		return outfile_reopen(f, name, mark, why);
	if (mark->size > 0)
		claim_say_gone(name, said);
	return mode == 0 ? open_new(f, why) :
	                   outfile_reopen(f, name, &(struct outfile_mark){ 0 }, why);
}

struct outfile_mark outfile_mark(const struct outfile *f)
{
	return (struct outfile_mark){ f->size, f->sum, f->inode };
}

/* FNV-1a (Fowler, Noll, Vo), for it goes on from a number alone, over any pieces. */
uint64_t outfile_sum(uint64_t sum, const void *data, size_t n)
{
	const unsigned char *p = data;

	for (size_t i = 0; i < n; i++)
		sum = (sum ^ p[i]) * UINT64_C(0x100000001b3);
	return sum;
}

/* Remembers the first error. Returns -1. */
static int fail(struct outfile *f, const char *done, int error, struct reason *why)
{
	f->error = error;
	buf_reset(&f->pending);
	return complain(f->name, done, error, why);
}

static int put(struct outfile *f, const char *data, size_t n, struct reason *why)
{
	return write_all(f->fd, data, n) != 0 ? fail(f, "written", errno, why) : 0;
}

int outfile_flush(struct outfile *f, struct reason *why)
{
	if (f->error)
		return complain(f->name, "written", f->error, why);
	if (f->pending.len > 0 && put(f, f->pending.data, f->pending.len, why) != 0)
		return -1;
	buf_reset(&f->pending);
	return 0;
}

int outfile_add(struct outfile *f, const void *data, size_t n, struct reason *why)
{
	if ((f->error || n > OUTFILE_PIECE - f->pending.len) && outfile_flush(f, why) != 0)
		return -1;
	if (n > OUTFILE_PIECE) {
		if (put(f, data, n, why) != 0)
			return -1;
	} else {
		buf_add(&f->pending, data, n);
	}
	f->size += (int64_t)n;
	if (f->seekable)
		f->sum = outfile_sum(f->sum, data, n);
	return 0;
}

int outfile_sync(struct outfile *f, struct reason *why)
{
	if (outfile_flush(f, why) != 0)
		return -1;
	if (f->seekable && fsync(f->fd) != 0)
		return fail(f, "brought to the disk", errno, why);
	return 0;
}

int outfile_close(struct outfile *f, struct reason *why)
{
	if (f->fd < 0)
		return 0;
	int result = outfile_flush(f, why);
	if (close(f->fd) != 0 && errno != EINTR && result == 0)
		result = complain(f->name, "written", errno, why);
	f->fd = -1;
	buf_free(&f->pending);
	return result;
}

static int write_stream(const char *name, const void *data, size_t n, struct reason *why)
{
	struct outfile f;

	if (outfile_create(&f, name, OUTFILE_ANY, NULL, why) != 0)
		return -1;
	if (outfile_add(&f, data, n, why) != 0) {
		struct reason second;
		outfile_close(&f, &second);
		return -1;
	}
	return outfile_close(&f, why);
}

/* Fills and closes fd, of a temporary file. 0 or -1 with errno. */
static int fill(int fd, const void *data, size_t n, unsigned mode)
{
	int result =
	    write_all(fd, data, n) != 0 || fchmod(fd, (mode_t)mode) != 0 || fsync(fd) != 0 ? -1 : 0;
	int error = errno;

	if (close(fd) != 0 && errno != EINTR && result == 0)
		return -1;
	errno = error;
	return result;
}

int outfile_check(const char *name, bool writable, struct reason *why)
{
	mode_t there;

	if (look(name, &there, why) != 0)
		return -1;
	if (is_stream(name, OUTFILE_ANY, there))
		return 0;
	if (there != 0 && !S_ISREG(there))
		return refuse(name, there, why);
	char *dir = path_directory(name);
	int result = access(dir, writable ? W_OK | X_OK : F_OK) != 0 ?
	    complain(name, "made", errno, why) :
	    0;
	free(dir);
	return result;
}

int outfile_replace(const char *name, const void *data, size_t n, unsigned mode, struct reason *why)
{
	mode_t there;

	if (look(name, &there, why) != 0)
		return -1;
	if (is_stream(name, OUTFILE_ANY, there))
		return write_stream(name, data, n, why);
	if (there != 0 && !S_ISREG(there))
		return refuse(name, there, why);

	size_t len = strlen(name);
	char *temporary = xmalloc(len + 8);
	memcpy(temporary, name, len);
	memcpy(temporary + len, ".XXXXXX", 8);
	int fd = os_temporary(temporary);
	int result = fd < 0 ? complain(name, "made", errno, why) : 0;
	if (result == 0 && (fill(fd, data, n, mode) != 0 || rename(temporary, name) != 0)) {
		result = complain(name, "written", errno, why);
		/* it may stay where even that fails: the first error is what matters */
		unlink(temporary);
	}
	if (result == 0 && path_sync_dir(name) != 0)
		result = complain(name, "brought to the disk", errno, why);
	free(temporary);
	return result;
}
