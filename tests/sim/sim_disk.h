/*
 * The disk of the simulated machine: directories, files, and of each what would still be there
 * after the power failed. What was not synced may be lost as a whole, from some write on, or sector
 * by sector; a name that was made, changed or removed is lasting only when its directory was
 * synced.
 *
 * Paths are absolute, or relative to the working directory; there are no links. Calls return 0 or
 * more, or -1 with errno.
 */
#ifndef SIM_DISK_H
#define SIM_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include "base/buf.h"

struct inode;
struct proc;

/* How the disk behaves for now. */
struct disk_weather {
	uint64_t fail_at;  /* the how-manieth change from now on fails; 0: none */
	int fail_with;     /* errno */
	unsigned fail_for; /* how many changes in a row fail */
	size_t capacity;   /* bytes in all files; 0: no end */
	int64_t sync_us;   /* how long a sync takes, at most */
	bool short_writes; /* a write may take a part of what it is given */
};

void disk_begin(uint64_t seed);
void disk_end(void);
void disk_weather(const struct disk_weather *w);

/* What the power's loss leaves of everything. */
void disk_power_loss(void);

int disk_make_dir(const char *path);
int disk_move_dir(const char *from, const char *to); /* the working directory moves along */

/* -- as the operating system sees it -- */
int disk_open(const char *path, int flags, mode_t mode, struct inode **out);
int disk_stat(const char *path, struct stat *st);
int disk_unlink(const char *path);
int disk_rename(const char *from, const char *to);
int disk_real_dir(const char *path, char *out, size_t size); /* a directory's absolute path */

ssize_t inode_read(struct inode *i, int64_t at, void *to, size_t n);
ssize_t inode_write(struct inode *i, int64_t at, const void *from, size_t n);
/* A small record: all of it or nothing. */
ssize_t inode_write_whole(struct inode *i, int64_t at, const void *from, size_t n);
int inode_truncate(struct inode *i, int64_t size);
int inode_sync(struct inode *i); /* a directory's, too; takes its time */
void inode_stat(const struct inode *i, struct stat *st);
void inode_chmod(struct inode *i, mode_t mode);
int64_t inode_size(const struct inode *i);
bool inode_is_dir(const struct inode *i);

/* Whole-file locks, as flock has them. 0 or -1 with EWOULDBLOCK. */
int inode_lock(struct inode *i, const void *owner, bool exclusive);
void inode_unlock(struct inode *i, const void *owner);

/* Locks of bytes, as fcntl has them: a process's own, and all gone when it closes the file.
 * Exclusive ones alone. 0 or -1 with EAGAIN. */
int inode_lock_bytes(struct inode *i, unsigned process, int64_t from, int64_t count);
void inode_unlock_bytes(struct inode *i, unsigned process, int64_t from, int64_t count);
/* A process that holds one of them, another than that; 0: none. */
unsigned inode_locker(const struct inode *i, unsigned process, int64_t from, int64_t count);

/* -- as the world sees it: without faults, and lasting -- */
void disk_put(const char *path, const void *data, size_t n); /* written anew, in place */
void disk_append(const char *path, const void *data, size_t n);
void disk_replace(const char *path, const void *data, size_t n); /* another file, same name */
const struct buf *disk_get(const char *path);                    /* NULL: none */
void disk_remove(const char *path);
/* Each name in the working directory, until f returns other than 0. */
void disk_each(int (*f)(const char *name, const struct buf *data, void *arg), void *arg);

#endif
