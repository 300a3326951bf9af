#include "signals.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

static struct {
	volatile sig_atomic_t stop, progress;
	int wake;
} flag;

static void handle(int number)
{
	int saved = errno;

	if (number == SIGUSR1)
		flag.progress = 1;
	else if (flag.stop)
		_exit(128 + number);	/* asked for the second time */
	else
		flag.stop = number;
	ssize_t written = write(flag.wake, "", 1);
	(void)written;	/* a full pipe wakes the loop just as well */
	errno = saved;
}

int signals_install(void)
{
	int ends[2];
	struct sigaction sa = { .sa_handler = handle, .sa_flags = SA_RESTART };
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0)
		return -1;
	flag.wake = ends[1];
	sigemptyset(&sa.sa_mask);
	if (sigaction(SIGINT, &sa, NULL) != 0 || sigaction(SIGTERM, &sa, NULL) != 0 ||
	    sigaction(SIGUSR1, &sa, NULL) != 0 || sigaction(SIGPIPE, &ignore, NULL) != 0)
		return -1;
	return ends[0];
}

void signals_drain(int fd)
{
	char bytes[64];

	while (read(fd, bytes, sizeof bytes) > 0)
		;
}

int signals_stop(void)
{
	return flag.stop;
}

bool signals_progress(void)
{
	bool asked = flag.progress;

	flag.progress = 0;
	return asked;
}
