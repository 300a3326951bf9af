/* Each of these twice: as GNU and Linux have it, and as POSIX can do it. */
#include "base/os.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

const char *os_shortage(int error)
{
	switch (error) {
	case EMFILE:
		return "allow more open files (ulimit -n)";
	case ENFILE:
		return "too much is open on this machine: end some of it";
	case ENOMEM:
	case ENOBUFS:
		return "free some memory";
	default:
		return NULL;
	}
}

#ifdef _GNU_SOURCE
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/vfs.h>

int os_pipe(int ends[2], bool nonblocking)
{
	return pipe2(ends, O_CLOEXEC | (nonblocking ? O_NONBLOCK : 0));
}

int os_temporary(char *name)
{
	return mkostemp(name, O_CLOEXEC);
}

int os_reopen(int fd)
{
	char name[40];

	snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
	return open(name, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

int os_poll(struct pollfd *fds, nfds_t n, int64_t us)
{
	struct timespec wait = { .tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000 };

	return ppoll(fds, n, us < 0 ? NULL : &wait, NULL);
}

long os_unacknowledged(int fd)
{
	int n;

	return ioctl(fd, SIOCOUTQ, &n) == 0 ? n : -1;
}

unsigned os_processors(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof set, &set) == 0 ? (unsigned)CPU_COUNT(&set) : 1;
}

const void *os_find(const void *bytes, size_t n, const void *part, size_t part_len)
{
	return memmem(bytes, n, part, part_len);
}

const void *os_find_last(const void *bytes, char c, size_t n)
{
	return memrchr(bytes, c, n);
}

int os_random(void *bytes, size_t n)
{
	return getrandom(bytes, n, GRND_NONBLOCK) == (ssize_t)n ? 0 : -1;
}

void os_wake_promptly(void)
{
	prctl(PR_SET_TIMERSLACK, 1UL, 0, 0, 0); /* the kernel's default is 50 us */
}

void os_keep_secrets(void)
{
	struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
#if !defined(__SANITIZE_ADDRESS__) && !defined(CIO_SANITIZED)
	/* a core that is piped to a program ignores the limit */
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}

bool os_is_remote(int fd)
{
	/* as Linux names them in its own headers: NFS, SMB of three ages, AFS twice, Coda, Ceph,
	 * Lustre */
	static const uint32_t remote[] = { 0x6969, 0x517b, 0xff534d42, 0xfe534d42, 0x5346414f,
		0x6b414653, 0x73757245, 0x00c36400, 0x0bd00bd0 };
	struct statfs fs;

	if (fstatfs(fd, &fs) != 0)
		return false;
	for (size_t i = 0; i < sizeof remote / sizeof *remote; i++)
		if ((uint32_t)fs.f_type == remote[i])
			return true;
	return false;
}

void os_wipe(void *secret, size_t n)
{
	explicit_bzero(secret, n);
}

#else

static int keep_to_ourselves(int fd, bool nonblocking)
{
	return fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 ||
	        (nonblocking && fcntl(fd, F_SETFL, O_NONBLOCK) != 0) ?
	    -1 :
	    0;
}

/* Another thread that started a program just now would let it inherit them; none does. */
int os_pipe(int ends[2], bool nonblocking)
{
	if (pipe(ends) != 0)
		return -1;
	if (keep_to_ourselves(ends[0], nonblocking) == 0 &&
	    keep_to_ourselves(ends[1], nonblocking) == 0)
		return 0;
	close(ends[0]);
	close(ends[1]);
	return -1;
}

int os_temporary(char *name)
{
	int fd = mkstemp(name);

	if (fd < 0 || keep_to_ourselves(fd, false) == 0)
		return fd;
	close(fd);
	unlink(name);
	return -1;
}

/* A pipe has no name by which it could be opened again. */
int os_reopen(int fd)
{
	char name[256];

	if (ttyname_r(fd, name, sizeof name) != 0)
		return -1;
	return open(name, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

int os_poll(struct pollfd *fds, nfds_t n, int64_t us)
{
	struct timespec rest = { .tv_nsec = us % 1000 * 1000 };
	int64_t ms = us / 1000;
	int got = poll(fds, n, us < 0 ? -1 : ms > INT_MAX ? INT_MAX : (int)ms);

	if (got != 0 || us <= 0 || rest.tv_nsec == 0)
		return got;
	nanosleep(&rest, NULL); /* below a millisecond poll cannot wait: at a high rate much */
	return poll(fds, n, 0);
}

long os_unacknowledged(int fd)
{
	(void)fd;
	return -1;
}

unsigned os_processors(void)
{
#ifdef _SC_NPROCESSORS_ONLN
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n > 0 ? (unsigned)n : 1;
#else
	return 1;
#endif
}

const void *os_find(const void *bytes, size_t n, const void *part, size_t part_len)
{
	const char *at = bytes, *end = at + n, *want = part;

	if (part_len == 0)
		return bytes;
	for (; (size_t)(end - at) >= part_len; at++) {
		at = memchr(at, *want, (size_t)(end - at) - part_len + 1);
		if (!at || memcmp(at, want, part_len) == 0)
			return at;
	}
	return NULL;
}

const void *os_find_last(const void *bytes, char c, size_t n)
{
	const char *first = bytes;

	while (n > 0)
		if (first[--n] == c)
			return first + n;
	return NULL;
}

int os_random(void *bytes, size_t n)
{
	int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	ssize_t got = read(fd, bytes, n);
	close(fd);
	return got == (ssize_t)n ? 0 : -1;
}

void os_wake_promptly(void)
{
}

void os_keep_secrets(void)
{
	struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
}

/* POSIX does not say. */
bool os_is_remote(int fd)
{
	(void)fd;
	return false;
}

void os_wipe(void *secret, size_t n)
{
	volatile unsigned char *p = secret;

	while (n-- > 0)
		*p++ = 0;
}

#endif
