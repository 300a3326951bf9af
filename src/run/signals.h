/*
 * Signals: SIGINT and SIGTERM ask for an orderly end; a second one ends the process at once, unless
 * it comes together with the first. SIGUSR1 asks for a progress line. SIGHUP is SIGTERM, but never
 * the second one: a terminal that is closed may send it more than once. What was ignored before is
 * still ignored. The handlers set a flag and wake the loop through a pipe.
 */
#ifndef SIGNALS_H
#define SIGNALS_H

#include <stdbool.h>

/* Once. last_words: written to standard error by a second signal; kept. Returns the descriptor to
 * wait for, or -1 with errno. */
int signals_install(const char *last_words);
void signals_drain(int fd);  /* empties the pipe after it was readable */
int signals_stop(void);      /* the signal that asked for the end, or 0 */
bool signals_progress(void); /* whether a progress line was asked for since the last call */

#endif
