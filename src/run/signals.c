/* The handlers do nothing but set a flag and write a byte. */
#include "run/signals.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>
#include "base/os.h"

static struct {
	volatile sig_atomic_t stop, progress;
	int wake;
	const char *last_words;
	size_t last_words_len;
} flag;

/* A second signal: there is no time for more than this. */
static void end_at_once(int number)
{
	ssize_t written = write(STDERR_FILENO, flag.last_words, flag.last_words_len);

	(void)written;
	_exit(128 + number);
}

static void handle(int number)
{
	int saved = errno;

	if (number == SIGUSR1)
		flag.progress = 1;
	else if (flag.stop)
		end_at_once(number);
	else
		flag.stop = number;
	ssize_t written = write(flag.wake, "", 1);
	(void)written; /* a full pipe wakes the loop just as well */
	errno = saved;
}

int signals_install(const char *last_words)
{
	int ends[2];
	struct sigaction sa = { .sa_handler = handle, .sa_flags = SA_RESTART };
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	if (os_pipe(ends, true) != 0)
		return -1;
	flag.wake = ends[1];
	flag.last_words = last_words;
	flag.last_words_len = strlen(last_words);
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
