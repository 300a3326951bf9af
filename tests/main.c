/*
 * Runs every suite: tests/check_NAME.c has Suite *NAME_suite(void). Each is a process of its own,
 * and several run side by side, in the order of suites.inc, for most of what a suite does is wait:
 * CIO_SUITES_AT_ONCE of them, by default two a processor. What a suite said is shown when it has
 * ended; last comes what those said that failed, and a closing line like Check's, for all of them.
 * Arguments name the suites that are to run. With Check's own CK_RUN_SUITE=name that one runs in
 * this process, as a debugger wants it.
 */
#include <check.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/os.h"
#include "unix.h"

#define SUITE(name) Suite *name##_suite(void);
#include "suites.inc"
#undef SUITE

/* What a suite's process counted: in memory that it shares with this one. */
struct counts {
	bool whole; /* it ran to its end */
	int checks, failures, errors;
};

static struct suite {
	const char *name;
	Suite *(*make)(void);
	pid_t pid; /* 0: it does not run */
	int64_t began;
	FILE *said;
	bool chosen, failed;
} suites[] = {
#define SUITE(name) { #name, name##_suite, 0, 0, NULL, false, false },
#include "suites.inc"
#undef SUITE
};

#define COUNT ((int)(sizeof suites / sizeof *suites))

static struct counts *counts; /* of each suite */

/* -- in a suite's process -- */

static void count(SRunner *runner, struct counts *c)
{
	TestResult **failed = srunner_failures(runner);

	c->checks = srunner_ntests_run(runner);
	for (int i = 0, n = srunner_ntests_failed(runner); i < n; i++) {
		bool failure = tr_rtype(failed[i]) == CK_FAILURE;
		c->failures += failure;
		c->errors += !failure;
	}
	free(failed);
	c->whole = true;
}

static int run_suite(const struct suite *s, struct counts *c)
{
	SRunner *runner = srunner_create(s->make());

	srunner_run_all(runner, CK_SILENT);
	if (srunner_ntests_failed(runner))
		srunner_print(runner, CK_NORMAL);
	count(runner, c);
	srunner_free(runner);
	fflush(stdout);
	return c->failures + c->errors ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* -- in ours -- */

static void give_up(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

static void start(struct suite *s)
{
	s->said = tmpfile();
	if (!s->said || fcntl(fileno(s->said), F_SETFD, FD_CLOEXEC) != 0)
		give_up("a temporary file");
	s->began = clock_now();
	s->pid = fork();
	if (s->pid < 0)
		give_up("fork");
	if (s->pid)
		return;
	unix_end_with_parent();
	if (dup2(fileno(s->said), STDOUT_FILENO) < 0 || dup2(fileno(s->said), STDERR_FILENO) < 0)
		give_up("dup2");
	exit(run_suite(s, &counts[s - suites]));
}

static void show(const struct suite *s)
{
	char piece[4096];
	size_t n;

	rewind(s->said);
	while ((n = fread(piece, 1, sizeof piece, s->said)) > 0)
		fwrite(piece, 1, n, stdout);
	fflush(stdout);
}

static double seconds_of(const struct timeval *t)
{
	return (double)t->tv_sec + (double)t->tv_usec / 1e6;
}

static void ended(struct suite *s, int status, const struct rusage *used)
{
	struct counts *c = &counts[s - suites];

	s->pid = 0;
	s->failed = status != 0 || !c->whole;
	if (s->failed && c->failures + c->errors == 0) { /* not a test: its process */
		c->checks++;
		c->errors++;
		fseek(s->said, 0, SEEK_END);
		if (WIFSIGNALED(status))
			fprintf(s->said, "the suite was ended by signal %d\n", WTERMSIG(status));
		else
			fprintf(s->said, "the suite ended with exit status %d\n",
			    WEXITSTATUS(status));
	}
	printf("%s%s: %d checks in %.1f s, of which it computed %.1f s\n",
	    s->failed ? "FAILED: " : "", s->name, c->checks, (double)(clock_now() - s->began) / 1e6,
	    seconds_of(&used->ru_utime) + seconds_of(&used->ru_stime));
	show(s);
}

/* Waits for one to end; false: none runs. */
static bool wait_for_one(void)
{
	int status;
	struct rusage used;
	pid_t pid = unix_wait(-1, &status, 0, &used);

	for (int i = 0; pid > 0 && i < COUNT; i++)
		if (suites[i].pid == pid)
			ended(&suites[i], status, &used);
	return pid > 0;
}

static int find(const char *name)
{
	for (int i = 0; i < COUNT; i++)
		if (strcmp(suites[i].name, name) == 0)
			return i;
	fprintf(stderr, "%s: there is no suite of that name\n", name);
	exit(EXIT_FAILURE);
}

static void choose(char **names)
{
	for (int i = 0; i < COUNT; i++)
		suites[i].chosen = !*names;
	for (; *names; names++)
		suites[find(*names)].chosen = true;
}

static unsigned at_once(void)
{
	const char *given = getenv("CIO_SUITES_AT_ONCE");
	int n = given ? atoi(given) : 0;

	return n > 0 ? (unsigned)n : 2 * os_processors();
}

/* The closing line; whether all is well. */
static bool close_up(void)
{
	struct counts sum = { .checks = 0 };

	for (int i = 0; i < COUNT; i++) {
		sum.checks += counts[i].checks;
		sum.failures += counts[i].failures;
		sum.errors += counts[i].errors;
		if (suites[i].failed) {
			printf("\n%s:\n", suites[i].name);
			show(&suites[i]);
		}
	}
	int bad = sum.failures + sum.errors;
	printf("%d%%: Checks: %d, Failures: %d, Errors: %d\n",
	    sum.checks ? 100 * (sum.checks - bad) / sum.checks : 0, sum.checks, sum.failures,
	    sum.errors);
	return sum.checks && !bad;
}

/* As Check does it. */
static bool run_here(void)
{
	SRunner *runner = srunner_create(NULL);

	for (int i = 0; i < COUNT; i++)
		srunner_add_suite(runner, suites[i].make());
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return !failed;
}

int main(int argc, char **argv)
{
	unsigned running = 0, most = at_once();

	(void)argc;
	if (getenv("CK_RUN_SUITE"))
		return run_here() ? EXIT_SUCCESS : EXIT_FAILURE;
	choose(argv + 1);
	counts = unix_shared(COUNT * sizeof *counts);
	if (!counts)
		give_up("memory");
	for (int i = 0; i < COUNT; i++) {
		if (!suites[i].chosen)
			continue;
		if (running == most)
			running -= wait_for_one();
		start(&suites[i]);
		running++;
	}
	while (wait_for_one())
		;
	bool good = close_up();
	munmap(counts, COUNT * sizeof *counts);
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
