/* A life is lived to its verdict; apart, in a child that may die of it. */
#include "sim_live.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim_story.h"

int live(const struct life *l, enum trace_level shown, char why[VERDICT_TEXT])
{
	static struct story s;

	int result = 0;

	trace_begin(shown);
	story_begin(&s, l);
	while (result == 0 && story_next(&s))
		result = oracle_judge(&s, why);
	story_end(&s);
	return result;
}

void live_watch(void)
{
	alarm(LIVE_SECONDS);
}

int live_ended(int status, char why[VERDICT_TEXT])
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
		snprintf(why, VERDICT_TEXT, "it does not end in %d s", LIVE_SECONDS);
	else if (WIFSIGNALED(status))
		snprintf(why, VERDICT_TEXT, "the program crashes: %s", strsignal(WTERMSIG(status)));
	else
		snprintf(why, VERDICT_TEXT, "the program ends the simulation with status %d",
		    WEXITSTATUS(status));
	return -1;
}

int live_apart(const struct life *l, char why[VERDICT_TEXT])
{
	static char *shared; /* the verdict's text; it begins with the result */
	int status;

	if (!shared)
		shared = mmap(NULL, 1 + VERDICT_TEXT, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		abort();
	fflush(stdout);
	pid_t child = fork();
	if (child == 0) {
		live_watch();
		shared[0] = live(l, TRACE_NOTHING, shared + 1) != 0;
		_exit(0);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		abort();
	if (live_ended(status, why) != 0)
		return -1;
	memcpy(why, shared + 1, VERDICT_TEXT);
	return shared[0] ? -1 : 0;
}
