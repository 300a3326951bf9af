/*
 * A library to preload that makes a system call fail, by name:
 *
 *   CIO_FAULT="CALL:NTH:WHAT[:PART],..."
 *
 * The NTH (from 1; "NTH+": and every later one) CALL on a file whose name has PART in it fails with
 * errno WHAT
 * ("ENOSPC"). WHAT may also be "short" (a write or read of half of the bytes) or "kill" (the
 * process is killed in place of the call). CALL is open, read, write, fsync, ftruncate, rename,
 * unlink, flock, fchmod, mkostemp or close, each for its whole family (pwrite64, openat,
 * fdatasync), or one function's own name. Each fault that is reached appends a line to the file
 * CIO_FAULT_LOG: "write:3:ENOSPC:/tmp/x/users.rejected.csv". A fault that cannot be understood ends
 * the program.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FAULTS_MAX 8
#define KILL (-1)
#define SHORT (-2)

static const struct {
	const char *name;
	int error;
} errors[] = {
	{ "short", SHORT },
	{ "kill", KILL },
	{ "ENOSPC", ENOSPC },
	{ "EDQUOT", EDQUOT },
	{ "EIO", EIO },
	{ "EPIPE", EPIPE },
	{ "EACCES", EACCES },
	{ "EPERM", EPERM },
	{ "EROFS", EROFS },
	{ "EINTR", EINTR },
	{ "EAGAIN", EAGAIN },
	{ "EWOULDBLOCK", EWOULDBLOCK },
	{ "EMFILE", EMFILE },
	{ "EFBIG", EFBIG },
	{ "ENOLCK", ENOLCK },
	{ "EINVAL", EINVAL },
	{ "ENOENT", ENOENT },
	{ "ENOMEM", ENOMEM },
	{ "ELOOP", ELOOP },
	{ "EBADF", EBADF },
};

static struct fault {
	char call[16], part[PATH_MAX];
	const char *what;
	unsigned nth;
	bool later; /* and every later one */
	int error;
	atomic_uint seen;
} faults[FAULTS_MAX];
static size_t fault_count;
static const char *log_name;

static void misunderstood(const char *text)
{
	fprintf(stderr, "fault: CIO_FAULT is not understood: %s\n", text);
	_exit(99);
}

static void read_fault(struct fault *f, const char *text)
{
	char nth[16], what[16];
	int fields = sscanf(text, "%15[a-z0-9]:%15[0-9+]:%15[A-Za-z]:%4095[^,]", f->call, nth, what,
	    f->part);
	char *end;

	if (fields < 3)
		misunderstood(text);
	f->nth = (unsigned)strtoul(nth, &end, 10);
	f->later = *end == '+';
	for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
		if (strcmp(errors[i].name, what) == 0) {
			f->what = errors[i].name;
			f->error = errors[i].error;
		}
	if (!f->what || f->nth == 0)
		misunderstood(text);
}

__attribute__((constructor)) static void begin(void)
{
	const char *text = getenv("CIO_FAULT");

	log_name = getenv("CIO_FAULT_LOG");
	while (text && *text) {
		if (fault_count == FAULTS_MAX)
			misunderstood(text);
		read_fault(&faults[fault_count], text);
		fault_count++; /* only now: reading it may make calls */
		text = strchr(text, ',');
		if (text)
			text++;
	}
}

/* By system calls of its own, which are no faults. */
static void report(const struct fault *f, unsigned n, const char *name)
{
	char line[PATH_MAX + 64];

	if (!log_name)
		return;
	int len = snprintf(line, sizeof line, "%s:%u:%s:%s\n", f->call, n, f->what, name);
	int fd = (int)syscall(SYS_openat, AT_FDCWD, log_name,
	    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0 || syscall(SYS_write, fd, line, (size_t)len) != len)
		misunderstood(log_name);
	syscall(SYS_close, fd);
}

/* Whether this call on this file is to fail: 0, an errno, or SHORT. */
static int due(const char *call, const char *family, const char *name)
{
	int error = 0;

	for (size_t i = 0; i < fault_count; i++) {
		struct fault *f = &faults[i];
		if ((strcmp(f->call, call) != 0 && strcmp(f->call, family) != 0) ||
		    !strstr(name, f->part))
			continue;
		unsigned n = atomic_fetch_add(&f->seen, 1) + 1;
		if (error != 0 || (n != f->nth && !(f->later && n > f->nth)))
			continue;
		report(f, n, name);
		if (f->error == KILL)
			kill(getpid(), SIGKILL);
		error = f->error;
	}
	return error;
}

static int due_fd(const char *call, const char *family, int fd)
{
	char link[64], name[PATH_MAX];
	int before = errno;

	if (fault_count == 0)
		return 0;
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t n = syscall(SYS_readlinkat, AT_FDCWD, link, name, sizeof name - 1);
	errno = before;
	if (n < 0)
		return 0;
	name[n] = '\0';
	return due(call, family, name);
}

/* The function that would have been called. */
#define REAL(name) ((__typeof__(&(name)))dlsym(RTLD_NEXT, #name))

#define FAIL_IF(error) \
	do { \
		int error_ = (error); \
		if (error_ > 0) { \
			errno = error_; \
			return -1; \
		} \
	} while (0)

static mode_t mode_of(int flags, va_list ap)
{
	return flags & (O_CREAT | O_TMPFILE) ? (mode_t)va_arg(ap, unsigned) : 0;
}

#define OPEN(name) \
	int name(const char *path, int flags, ...) \
	{ \
		va_list ap; \
		va_start(ap, flags); \
		mode_t mode = mode_of(flags, ap); \
		va_end(ap); \
		FAIL_IF(due(#name, "open", path)); \
		return REAL(name)(path, flags, mode); \
	}

#define OPENAT(name) \
	int name(int dir, const char *path, int flags, ...) \
	{ \
		va_list ap; \
		va_start(ap, flags); \
		mode_t mode = mode_of(flags, ap); \
		va_end(ap); \
		FAIL_IF(due(#name, "open", path)); \
		return REAL(name)(dir, path, flags, mode); \
	}

OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)

/* Half of n bytes, one at least. */
static size_t half(int error, size_t n)
{
	return error == SHORT && n > 1 ? n / 2 : n;
}

#define TRANSFER(name, family, pointer) \
	ssize_t name(int fd, pointer data, size_t n) \
	{ \
		int error = due_fd(#name, family, fd); \
		FAIL_IF(error); \
		return REAL(name)(fd, data, half(error, n)); \
	}

#define TRANSFER_AT(name, family, pointer, offset) \
	ssize_t name(int fd, pointer data, size_t n, offset at) \
	{ \
		int error = due_fd(#name, family, fd); \
		FAIL_IF(error); \
		return REAL(name)(fd, data, half(error, n), at); \
	}

TRANSFER(read, "read", void *)
TRANSFER_AT(pread, "read", void *, off_t)
TRANSFER_AT(pread64, "read", void *, off64_t)
TRANSFER(write, "write", const void *)
TRANSFER_AT(pwrite, "write", const void *, off_t)
TRANSFER_AT(pwrite64, "write", const void *, off64_t)

#define ON_FD(name, family) \
	int name(int fd) \
	{ \
		FAIL_IF(due_fd(#name, family, fd)); \
		return REAL(name)(fd); \
	}

#define ON_FD_WITH(name, family, type) \
	int name(int fd, type argument) \
	{ \
		FAIL_IF(due_fd(#name, family, fd)); \
		return REAL(name)(fd, argument); \
	}

ON_FD(fsync, "fsync")
ON_FD(fdatasync, "fsync")
ON_FD_WITH(ftruncate, "ftruncate", off_t)
ON_FD_WITH(ftruncate64, "ftruncate", off64_t)
ON_FD_WITH(flock, "flock", int)
ON_FD_WITH(fchmod, "fchmod", mode_t)

int close(int fd)
{
	int error = due_fd("close", "close", fd);
	int result = REAL(close)(fd); /* it is closed, whatever it says */

	FAIL_IF(error);
	return result;
}

int rename(const char *from, const char *to)
{
	char both[2 * PATH_MAX];

	snprintf(both, sizeof both, "%s -> %s", from, to);
	FAIL_IF(due("rename", "rename", both));
	return REAL(rename)(from, to);
}

int unlink(const char *path)
{
	FAIL_IF(due("unlink", "unlink", path));
	return REAL(unlink)(path);
}

int mkstemp(char *path)
{
	FAIL_IF(due("mkstemp", "mkostemp", path));
	return REAL(mkstemp)(path);
}

int mkostemp(char *path, int flags)
{
	FAIL_IF(due("mkostemp", "mkostemp", path));
	return REAL(mkostemp)(path, flags);
}
