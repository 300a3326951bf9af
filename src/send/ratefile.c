/* Locks of single bytes, and two copies of a record with a sum behind each. */
#include "send/ratefile.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/os.h"
#include "base/path.h"
#include "base/reason.h"

/* The file: a line, with the record's size; from RECORDS on, two copies of the record, each behind
 * a number, of which the larger is the newer, and before a sum of both. Where a record of the same
 * size comes to mean something else, the line is to be another. */
#define KIND "cio-import rate file "
#define TITLE KIND "1: %zu\n"
#define RECORDS 64

/* Which bytes are locked: the first by who reads and writes, those behind it by who has a seat. */
#define LOCK_BYTE 0
#define SEAT_BYTES 1

/* How often it is tried to lock it: at first at once, then each 200 us. */
#define TRIES_AT_ONCE 20
#define TRIES 50
#define FIRST_TRIES 200 /* times that, about two seconds */

struct ratefile {
	int fd;
	unsigned seat, seats;
	size_t size;     /* of the record */
	uint64_t number; /* of the copy that was read last; 0: there is none */
	unsigned newer;  /* which copy that was */
	unsigned char *copies;
	char shown[PATH_SHOWN];
};

unsigned ratefile_seat(const struct ratefile *f)
{
	return f->seat;
}

static size_t copy_size(const struct ratefile *f)
{
	return f->size + 2 * sizeof f->number;
}

/* -- locks -- */

static int set_lock(const struct ratefile *f, short type, off_t from, off_t count)
{
	struct flock l = { .l_type = type, .l_whence = SEEK_SET, .l_start = from, .l_len = count };

	return fcntl(f->fd, F_SETLK, &l);
}

bool ratefile_lock(struct ratefile *f)
{
	struct timespec pause = { .tv_nsec = 200000 };

	for (int try = 0; try < TRIES; try++) {
		if (set_lock(f, F_WRLCK, LOCK_BYTE, 1) == 0)
			return true;
		if (errno != EAGAIN && errno != EACCES)
			return false;
		if (try < TRIES_AT_ONCE)
			sched_yield();
		else
			nanosleep(&pause, NULL);
	}
	errno = EAGAIN; /* a signal may have ended the last nap */
	return false;
}

void ratefile_unlock(struct ratefile *f)
{
	set_lock(f, F_UNLCK, LOCK_BYTE, 1);
}

pid_t ratefile_other(struct ratefile *f)
{
	struct flock l = { .l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_start = SEAT_BYTES,
		.l_len = f->seats };

	return fcntl(f->fd, F_GETLK, &l) == 0 && l.l_type != F_UNLCK ? l.l_pid : 0;
}

/* Locks that the file system does not have are missed here. */
static int lock_first(struct ratefile *f, struct reason *why)
{
	for (int i = 0; i < FIRST_TRIES; i++)
		if (ratefile_lock(f))
			return 0;
		else if (errno != EAGAIN && errno != EACCES)
			return reason_exit(why, EX_CANTCREAT,
			    "%s: cannot be locked: %s: name a --rate-file on a file system of this "
			    "machine",
			    f->shown, strerror(errno));
	return reason_exit(why, EX_TEMPFAIL,
	    "%s: is held by another run, which was perhaps stopped: continue or end that one, or "
	    "name another --rate-file",
	    f->shown);
}

static int sit_down(struct ratefile *f, struct reason *why)
{
	for (f->seat = 0; f->seat < f->seats; f->seat++)
		if (set_lock(f, F_WRLCK, SEAT_BYTES + (off_t)f->seat, 1) == 0)
			return 0;
	return reason_exit(why, EX_TEMPFAIL,
	    "%s: %u runs share it already: wait until one has ended, or name another --rate-file",
	    f->shown, f->seats);
}

/* -- the file -- */

static int cannot(const struct ratefile *f, const char *what, struct reason *why)
{
	reason_errno(why, errno, f->shown, what, "name another --rate-file");
	why->status = why->status ? why->status : EX_CANTCREAT;
	return -1;
}

static int open_file(struct ratefile *f, const char *path, struct reason *why)
{
	struct stat st;

	f->fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
	if (f->fd < 0 && (errno == ELOOP || errno == EMLINK))
		return reason_exit(why, EX_CANTCREAT,
		    "%s: is a symbolic link, which is never followed: name the file itself with "
		    "--rate-file",
		    f->shown);
	if (f->fd < 0 || fstat(f->fd, &st) != 0)
		return cannot(f, "opened", why);
	if (!S_ISREG(st.st_mode))
		return reason_exit(why, EX_CANTCREAT,
		    "%s: is not a regular file: name another --rate-file", f->shown);
	if (os_is_remote(f->fd))
		return reason_exit(why, EX_CANTCREAT,
		    "%s: is on a network file system, but a rate is shared by runs on one machine: "
		    "name a --rate-file on this machine",
		    f->shown);
	return 0;
}

/* What the power's loss leaves of a file whose first bytes were not yet on the disk, too. */
static bool is_blank(const char *title, ssize_t n)
{
	return n == 0 || (title[0] == '\0' && memcmp(title, title + 1, (size_t)n - 1) == 0);
}

/* Another file is never written over: it was named by mistake. One of another version is, where
 * nobody uses it. */
static int check_title(struct ratefile *f, struct reason *why)
{
	char there[RECORDS] = "", mine[RECORDS] = "";
	ssize_t n = pread(f->fd, there, sizeof there, 0);

	snprintf(mine, sizeof mine, TITLE, f->size);
	if (n < 0)
		return cannot(f, "read", why);
	if (memcmp(there, mine, sizeof there) == 0)
		return 0;
	if (!is_blank(there, n) && strncmp(there, KIND, sizeof KIND - 1) != 0)
		return reason_exit(why, EX_CANTCREAT,
		    "%s: is something else than a rate file: name another --rate-file", f->shown);
	if (ratefile_other(f))
		return reason_exit(why, EX_TEMPFAIL,
		    "%s: is in use by another version of cio-import: wait until that has ended, or "
		    "name another --rate-file",
		    f->shown);
	if (ftruncate(f->fd, 0) == 0 && pwrite(f->fd, mine, sizeof mine, 0) == sizeof mine)
		return 0;
	return cannot(f, "written", why);
}

struct ratefile *ratefile_open(const char *path, size_t size, unsigned seats, struct reason *why)
{
	struct ratefile *f = xcalloc(1, sizeof *f);

	*f = (struct ratefile){ .fd = -1, .size = size, .seats = seats };
	f->copies = xcalloc(2, copy_size(f));
	path_shown(path, f->shown);
	if (open_file(f, path, why) == 0 && lock_first(f, why) == 0 && sit_down(f, why) == 0 &&
	    check_title(f, why) == 0)
		return f;
	ratefile_close(f);
	return NULL;
}

void ratefile_close(struct ratefile *f)
{
	if (!f)
		return;
	if (f->fd >= 0)
		close(f->fd);
	free(f->copies);
	free(f);
}

/* -- the record -- */

/* Of what has a whole number of words (FNV-1a, a word at a time): tells a copy that is not whole.
 */
static uint64_t sum_of(const unsigned char *bytes, size_t n)
{
	uint64_t sum = UINT64_C(0xcbf29ce484222325), word;

	for (size_t i = 0; i + sizeof word <= n; i += sizeof word) {
		memcpy(&word, bytes + i, sizeof word);
		sum = (sum ^ word) * UINT64_C(0x100000001b3);
		sum ^= sum >> 32;
	}
	return sum;
}

/* The number of a copy; 0: it is not whole. */
static uint64_t number_of(const struct ratefile *f, unsigned which)
{
	const unsigned char *copy = f->copies + which * copy_size(f);
	size_t summed = sizeof f->number + f->size;
	uint64_t number, sum;

	memcpy(&number, copy, sizeof number);
	memcpy(&sum, copy + summed, sizeof sum);
	return sum == sum_of(copy, summed) ? number : 0;
}

bool ratefile_read(struct ratefile *f, void *record)
{
	ssize_t n;

	memset(f->copies, 0, 2 * copy_size(f));
	do
		n = pread(f->fd, f->copies, 2 * copy_size(f), RECORDS);
	while (n < 0 && errno == EINTR);
	f->newer = number_of(f, 1) > number_of(f, 0);
	f->number = number_of(f, f->newer);
	if (f->number == 0)
		return false;
	memcpy(record, f->copies + f->newer * copy_size(f) + sizeof f->number, f->size);
	return true;
}

int64_t ratefile_written(const struct ratefile *f)
{
	struct stat st;

	if (fstat(f->fd, &st) != 0)
		return 0;
	return (int64_t)st.st_mtim.tv_sec * 1000000 + st.st_mtim.tv_nsec / 1000;
}

static int write_copy(const struct ratefile *f, unsigned which)
{
	const unsigned char *copy = f->copies + which * copy_size(f);
	off_t at = RECORDS + (off_t)(which * copy_size(f));
	ssize_t n;

	do
		n = pwrite(f->fd, copy, copy_size(f), at);
	while (n < 0 && errno == EINTR);
	if (n >= 0 && (size_t)n < copy_size(f))
		errno = ENOSPC;
	return n >= 0 && (size_t)n == copy_size(f) ? 0 : -1;
}

int ratefile_write(struct ratefile *f, const void *record, struct reason *why)
{
	unsigned older = !f->newer;
	unsigned char *copy = f->copies + older * copy_size(f);
	uint64_t number = f->number + 1, sum;
	struct stat st;

	if (fstat(f->fd, &st) == 0 && st.st_nlink == 0)
		return reason_exit(why, EX_CANTCREAT,
		    "%s: was removed while it was in use, so that the rate is shared no longer",
		    f->shown);
	memcpy(copy, &number, sizeof number);
	memcpy(copy + sizeof number, record, f->size);
	sum = sum_of(copy, sizeof number + f->size);
	memcpy(copy + sizeof number + f->size, &sum, sizeof sum);
	if (write_copy(f, older) != 0)
		return reason_exit(why, EX_CANTCREAT, "%s: cannot be written: %s", f->shown,
		    strerror(errno));
	f->number = number;
	f->newer = older;
	return 0;
}
