/* Whatever make PORTABLE=1 leaves out for all other files is asked for in this one. */
#define _DEFAULT_SOURCE
#define _DARWIN_C_SOURCE

#include "unix.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#if defined(__linux__)
#include <pty.h>
#include <sys/prctl.h>
#elif defined(__APPLE__)
#include <util.h>
#else
#include <libutil.h>
#include <termios.h>
#endif

pid_t unix_wait(pid_t pid, int *status, int options, struct rusage *used)
{
	return wait4(pid, status, options, used);
}

int unix_terminal(int *ours, int *theirs, unsigned short columns, unsigned short rows)
{
	struct winsize size = { .ws_col = columns, .ws_row = rows };

	return openpty(ours, theirs, NULL, NULL, &size);
}

int unix_end_with_parent(void)
{
#ifdef __linux__
	return prctl(PR_SET_PDEATHSIG, SIGKILL);
#else
	return 0;
#endif
}

double unix_load(void)
{
	double load;

	return getloadavg(&load, 1) == 1 ? load : 0;
}

time_t unix_utc(struct tm *tm)
{
	return timegm(tm);
}

char *unix_cut(char **rest, const char *ends)
{
	return strsep(rest, ends);
}

void *unix_shared(size_t n)
{
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

void unix_nap(int64_t us)
{
	struct timespec left = { .tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000 };

	while (nanosleep(&left, &left) != 0 && errno == EINTR)
		;
}
