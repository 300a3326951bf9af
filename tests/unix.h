/*
 * What the tests need and POSIX has no word for, but every Unix has, or does without. The program
 * has base/os.
 */
#ifndef UNIX_H
#define UNIX_H

#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <time.h>

/* waitpid that says what the child has used. */
pid_t unix_wait(pid_t pid, int *status, int options, struct rusage *used);

/* A terminal: our end, and the program's. 0 or -1. */
int unix_terminal(int *ours, int *theirs, unsigned short columns, unsigned short rows);

/* Has this process killed when its parent ends, where the system can. 0 or -1. */
int unix_end_with_parent(void);

/* Programs that have wanted to run, on average over the last minute; 0: unknown. */
double unix_load(void);

/* Seconds since 1970 of a broken-down UTC time. Puts its members in order. */
time_t unix_utc(struct tm *tm);

/* The part of *rest before the next of these characters, which a NUL takes the place of; *rest
 * begins behind it then, and is NULL at the end. */
char *unix_cut(char **rest, const char *ends);

void unix_nap(int64_t us);

/* Zeroed memory that children made later have in common with this process, or NULL. munmap frees
 * it. */
void *unix_shared(size_t n);

#endif
