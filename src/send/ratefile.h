/*
 * A small record in a file that runs on one machine share, under a lock.
 *
 * Each run has a seat, which is a lock on a byte of the file for as long as it lives, however it
 * ends. The record is there twice, and the older one is written over: so a run that is killed while
 * it writes leaves the last whole one. Locks are fcntl's, which a dead process cannot hold; nothing
 * is left behind but the file, which says nothing to who comes when nobody shares it any more.
 */
#ifndef RATEFILE_H
#define RATEFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct reason;
struct ratefile;

/* Opens `path`, or makes it (mode 600), for a record of `size` bytes (a multiple of 8), and takes a
 * seat below `seats`; it is locked then. NULL: *why says why, and the exit status. To be closed
 * with ratefile_close. */
struct ratefile *ratefile_open(const char *path, size_t size, unsigned seats, struct reason *why);
void ratefile_close(struct ratefile *f); /* NULL: does nothing */

unsigned ratefile_seat(const struct ratefile *f);

/* Waits some milliseconds at most for others, who hold it for microseconds. false: somebody holds
 * it up (a run that was stopped just then): try again later. */
bool ratefile_lock(struct ratefile *f);
void ratefile_unlock(struct ratefile *f);

/* While it is locked: */

/* A run that has another seat; 0: none has. */
pid_t ratefile_other(struct ratefile *f);
/* The record as it was written last; false: there is none yet. */
bool ratefile_read(struct ratefile *f, void *record);
/* When that was, Unix time in us. */
int64_t ratefile_written(const struct ratefile *f);
/* 0, or -1 with *why: then the old record stays. Also where the file was removed meanwhile, for who
 * comes next would share another. */
int ratefile_write(struct ratefile *f, const void *record, struct reason *why);

#endif
