/*
 * What systems have and POSIX.1-2008 has no word for, by Linux's and GNU's means where the program
 * is built with them, else by what POSIX has. Nothing else in src/ uses more than POSIX (with its
 * X/Open part).
 */
#ifndef OS_H
#define OS_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What to do about an errno that says that this machine has run out of something, of which the file
 * or the server at the other end knows nothing; NULL: it says something else. */
const char *os_shortage(int error);

/* A pipe that no other program inherits: reads from ends[0] what is written to ends[1]. 0, or -1
 * with errno. */
int os_pipe(int ends[2], bool nonblocking);

/* Makes and opens a file that was not there, for this user alone, that no other program inherits;
 * the last six characters of its name are XXXXXX before. -1 with errno. */
int os_temporary(char *name);

/* Another descriptor for the pipe or terminal that fd writes to, one that never waits, whatever
 * others do with fd; -1: there is none to be had. The caller's to close. */
int os_reopen(int fd);

/* poll for up to so many microseconds (below 0: for ever). POSIX's way looks away for the last part
 * of a millisecond. */
int os_poll(struct pollfd *fds, nfds_t n, int64_t us);

/* Bytes that a connection has taken and that have not arrived at its other end; -1 where that is
 * not to be known. */
long os_unacknowledged(int fd);

/* How many processors this process may use, at least 1. */
unsigned os_processors(void);

/* Where the first occurrence of `part` in n bytes is, or NULL. */
const void *os_find(const void *bytes, size_t n, const void *part, size_t part_len);

/* Where the last byte c in n bytes is, or NULL. */
const void *os_find_last(const void *bytes, char c, size_t n);

/* Bytes that nobody can foresee. 0, or -1 where the system has none. */
int os_random(void *bytes, size_t n);

/* Wakes are due to the microsecond from now on, where the system would be later by itself. */
void os_wake_promptly(void);

/* Secrets are in memory: from now on no core is dumped, and no other process of this user may look,
 * where the system can see to that. */
void os_keep_secrets(void);

/* Whether a file is known to be on a network file system, where other machines see it too. */
bool os_is_remote(int fd);

/* Overwrites a secret; no compiler leaves that out. */
void os_wipe(void *secret, size_t n);

#endif
