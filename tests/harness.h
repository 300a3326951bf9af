/*
 * Runs the built program in tests: $BUILD/cio-import (BUILD from the environment, else "build") in
 * a fresh temporary directory, with a small environment of its own. Whatever goes wrong in here
 * fails the test. With CIO_UNDER in the environment ("valgrind -q --error-exitcode=99") programs of
 * $BUILD are run under that, with ten times the time. A start takes a second then: what repeats one
 * thing does so less often (harness_is_under), and no kind of case is left out.
 */
#ifndef HARNESS_H
#define HARNESS_H

#include <check.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/types.h>

struct sandbox;
struct harness;

/* `s`: its address and credentials go into the environment; NULL: none do. */
struct harness *harness_new(const struct sandbox *s);
void harness_free(struct harness *h); /* ends what still runs, removes the directory */

/* For the runs that follow. */
/* NULL: takes it out */
void harness_env(struct harness *h, const char *name, const char *value);
void harness_program(struct harness *h,
    const char *path); /* another program than cio-import; "x" without a slash: $BUILD/x */
/* setrlimit, in the program alone; the last for a resource counts */
void harness_limit(struct harness *h, int resource, uint64_t most);

/* What the program's standard input and output are; for the next run only. Default: /dev/null, and
 * kept. */
/* through a pipe, closed at its end; copied */
void harness_stdin(struct harness *h, const void *data, size_t len);
void harness_stdin_text(struct harness *h, const char *text);
/* the test's own pipe or file; stays the test's */
void harness_stdin_fd(struct harness *h, int fd);
void harness_stdout_fd(struct harness *h, int fd);
/* A terminal of that size as its controlling terminal: standard error, and standard output and
 * input where nothing else was set. What is drawn is in run.screen, byte for byte. */
void harness_terminal(struct harness *h, unsigned columns, unsigned rows);

/* How a run ended. The texts are good until the harness is freed. */
struct harness_run {
	int status;     /* exit status; 128 + signal where killed; -1 while it runs */
	bool timed_out; /* the harness killed it */
	const char *out, *err, *screen; /* NUL after them */
	size_t out_len, err_len, screen_len;
	double seconds;
	long max_rss_kib;
	double cpu_seconds;
};

/* Runs with these arguments, the last NULL, for at most 60 s (harness_timeout changes that). */
const struct harness_run *harness_run(struct harness *h, const char *const args[]);
#define HARNESS_RUN(h, ...) harness_run(h, (const char *const[]){ __VA_ARGS__, NULL })

/* The same in two steps, several at once if wanted. */
struct harness_child;
struct harness_child *harness_start(struct harness *h, const char *const args[]);
#define HARNESS_START(h, ...) harness_start(h, (const char *const[]){ __VA_ARGS__, NULL })
pid_t harness_pid(const struct harness_child *c);
void harness_signal(struct harness_child *c, int sig);
void harness_resize(struct harness_child *c, unsigned columns, unsigned rows); /* its terminal */
void harness_type(struct harness_child *c, const char *text);                  /* on its terminal */
/* Lets it run until standard error (or the screen) holds text, at most timeout_ms: whether it
 * does. */
bool harness_wait_for(struct harness_child *c, const char *text, int timeout_ms);
/* ms in which what must come does come: far more than it takes. */
int harness_soon(void);
#define SOON harness_soon()
bool harness_is_under(void);                                       /* whether CIO_UNDER is set */
const struct harness_run *harness_peek(struct harness_child *c);   /* what there is so far */
const struct harness_run *harness_finish(struct harness_child *c); /* to its end */
void harness_timeout(struct harness *h, double seconds);

/* Files in the program's directory; a name with a slash in front is taken as it is. */
const char *harness_dir(const struct harness *h);
/* good until the harness is freed */
const char *harness_path(struct harness *h, const char *name);
void harness_write(struct harness *h, const char *name, const void *data, size_t len);
void harness_write_text(struct harness *h, const char *name, const char *text);
/* whole, NUL after it, to free; NULL: not there. len may be NULL */
char *harness_read(struct harness *h, const char *name, size_t *len);
bool harness_exists(struct harness *h, const char *name);

/* Assertions; on failure both outputs are shown. */
#define harness_assert_that(run, cond, format, value) \
	do { \
		const struct harness_run *harness_r = \
		    (run); /* once: it may be a call that runs the program */ \
		ck_assert_msg(cond, format "%s", value, harness_show(harness_r)); \
	} while (0)
#define harness_assert_status(run, want) \
	harness_assert_that(run, harness_r->status == (want), "exit status is not %d", (want))
#define harness_assert_err_has(run, text) \
	harness_assert_that(run, harness_has(harness_r->err, text), "standard error lacks \"%s\"", \
	    (text))
#define harness_assert_err_lacks(run, text) \
	harness_assert_that(run, !harness_has(harness_r->err, text), "standard error has \"%s\"", \
	    (text))
#define harness_assert_out_has(run, text) \
	harness_assert_that(run, harness_has(harness_r->out, text), \
	    "standard output lacks \"%s\"", (text))
#define harness_assert_out_is(run, text) \
	harness_assert_that(run, harness_same(harness_r->out, harness_r->out_len, text), \
	    "standard output is not \"%s\"", (text))
#define harness_assert_file_is(h, name, text) \
	do { \
		char *harness_file = harness_read(h, name, NULL); \
		ck_assert_msg(harness_file != NULL, "%s is not there", (name)); \
		ck_assert_str_eq(harness_file, text); \
		free(harness_file); \
	} while (0)

bool harness_has(const char *text, const char *part);
bool harness_same(const char *text, size_t len, const char *want);
/* status and outputs as text, for messages */
const char *harness_show(const struct harness_run *run);

/* The nth line (from 0) of a text, to free; NULL: there is none. And how many lines hold `part` (""
 * for all). */
char *harness_line(const char *text, size_t n);
size_t harness_count_lines(const char *text, const char *part);

#endif
