/* The handlers do nothing but set a flag and write a byte. */
#include "run/signals.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "base/os.h"

/* timeout(1) tells the child and then its whole group, and so may a terminal: two signals that come
 * within so long are one. */
#define ECHO_MS 50

static struct {
	volatile sig_atomic_t stop, progress;
	volatile sig_atomic_t stopped_ms; /* when stop was set, on milliseconds()' clock */
	int wake;
	const char *last_words;
	size_t last_words_len;
} flag;

/* A second signal: there is no time for more than this, and none to wait for it. */
static void end_at_once(int number)
{
	struct pollfd p = { .fd = STDERR_FILENO, .events = POLLOUT };

	if (poll(&p, 1, 0) > 0) {
		ssize_t written = write(STDERR_FILENO, flag.last_words, flag.last_words_len);
		(void)written;
	}
	_exit(128 + number);
}

/* Goes round after weeks, so only differences mean something. */
static sig_atomic_t milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (sig_atomic_t)((now.tv_sec * 1000 + now.tv_nsec / 1000000) & 0x3fffffff);
}

static void ask_to_stop(int number)
{
	sig_atomic_t now = milliseconds();

	if (!flag.stop) {
		flag.stopped_ms = now;
		flag.stop = number == SIGHUP ? SIGTERM : number;
	} else if (number != SIGHUP && ((now - flag.stopped_ms) & 0x3fffffff) > ECHO_MS) {
		end_at_once(number);
	}
}

static void handle(int number)
{
	int saved = errno;

	if (number == SIGUSR1)
		flag.progress = 1;
	else
		ask_to_stop(number);
	ssize_t written = write(flag.wake, "", 1);
	(void)written; /* a full pipe wakes the loop just as well */
	errno = saved;
}

/* What was ignored when the program was started stays so: nohup and shells that start something in
 * the background mean it. */
static int catch (int number)
{
	struct sigaction sa = { .sa_handler = handle, .sa_flags = SA_RESTART }, before;

	sigfillset(&sa.sa_mask); /* one handler at a time */
	if (sigaction(number, NULL, &before) != 0)
		return -1;
	return before.sa_handler == SIG_IGN ? 0 : sigaction(number, &sa, NULL);
}

int signals_install(const char *last_words)
{
	int ends[2];
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	if (os_pipe(ends, true) != 0)
		return -1;
	flag.wake = ends[1];
	flag.last_words = last_words;
	flag.last_words_len = strlen(last_words);
	if (catch (SIGINT) != 0 || catch (SIGTERM) != 0 || catch (SIGHUP) != 0 ||
	    catch (SIGUSR1) != 0 || sigaction(SIGPIPE, &ignore, NULL) != 0)
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
