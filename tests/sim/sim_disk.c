/* Files and directories, with the changes that were made to each since it was synced. */
#include "sim_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include "dice.h"
#include "sim_proc.h"
#include "sim_time.h"
#include "sim_trace.h"

enum { SECTOR = 512, NAMES = 64, CHANGES = 256, DIRS = 8, LOCKS = 16 };

/* One change of a file since it was synced. */
struct change {
	int64_t at, size; /* a write's place and length; a truncation's new size, with at -1 */
	size_t bytes;     /* where a write's bytes are in `written` */
};

struct inode {
	uint64_t number;
	mode_t mode;
	int64_t mtime;         /* us, wall */
	struct buf data, kept; /* as it is seen; as it would be after the power failed */
	struct change *changes;
	size_t change_count, change_cap;
	struct buf written;
	struct byte_lock {
		unsigned process;
		int64_t from, to; /* behind the last */
	} bytes[LOCKS];
	unsigned byte_count;
	const void *locks[LOCKS];
	unsigned lock_count;
	bool exclusive;
	struct dir *dir; /* a directory's; NULL: a file */
	struct inode *older;
};

struct entry {
	char name[64];
	struct inode *inode;
};

/* A change of a directory since it was synced. */
struct name_change {
	char from[64], to[64]; /* from "": made; to "": removed; both: renamed */
	struct inode *inode;
};

struct dir {
	char path[128];
	struct inode *inode;
	struct entry now[NAMES], kept[NAMES];
	size_t now_count, kept_count;
	struct name_change changes[CHANGES];
	size_t change_count;
};

static struct {
	struct dice dice;
	struct disk_weather weather;
	uint64_t changes; /* counted for weather.fail_at */
	struct inode *inodes;
	uint64_t numbers;
	struct dir *dirs[DIRS];
	size_t dir_count;
	char cwd[128];
} d;

/* -- beginning and end -- */

static struct inode *inode_new(mode_t mode)
{
	struct inode *i = xcalloc(1, sizeof *i);

	i->number = ++d.numbers;
	i->mode = mode;
	i->mtime = time_wall();
	buf_init(&i->data, SIZE_MAX / 2);
	buf_init(&i->kept, SIZE_MAX / 2);
	buf_init(&i->written, SIZE_MAX / 2);
	i->older = d.inodes;
	d.inodes = i;
	return i;
}

void disk_begin(uint64_t seed)
{
	memset(&d, 0, sizeof d);
	d.dice.state = seed;
	disk_make_dir("/import");
	strcpy(d.cwd, "/import");
}

void disk_end(void)
{
	while (d.inodes) {
		struct inode *i = d.inodes;
		d.inodes = i->older;
		buf_free(&i->data);
		buf_free(&i->kept);
		buf_free(&i->written);
		free(i->changes);
		free(i->dir);
		free(i);
	}
	d.dir_count = 0;
}

void disk_weather(const struct disk_weather *w)
{
	d.weather = *w;
	d.changes = 0;
}

/* errno says how. Returns -1. */
static int fail(int error)
{
	struct proc *p = proc_current();

	if (p && p->failed_at == INT64_MAX)
		p->failed_at = time_now();
	errno = error;
	return -1;
}

int disk_make_dir(const char *path)
{
	if (d.dir_count == DIRS)
		abort();
	struct dir *dir = xcalloc(1, sizeof *dir);
	snprintf(dir->path, sizeof dir->path, "%s", path);
	dir->inode = inode_new(S_IFDIR | 0755);
	dir->inode->dir = dir;
	d.dirs[d.dir_count++] = dir;
	return 0;
}

/* -- names -- */

static struct dir *find_dir(const char *path, size_t len)
{
	for (size_t i = 0; i < d.dir_count; i++)
		if (strlen(d.dirs[i]->path) == len && memcmp(d.dirs[i]->path, path, len) == 0)
			return d.dirs[i];
	errno = ENOENT;
	return NULL;
}

/* The directory of a path, and in *name what follows; NULL with errno. */
static struct dir *walk(const char *path, const char **name)
{
	const char *slash = strrchr(path, '/');

	*name = slash ? slash + 1 : path;
	if (strlen(*name) >= sizeof d.dirs[0]->now[0].name) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	if (!slash || (slash == path + 1 && path[0] == '.'))
		return find_dir(d.cwd, strlen(d.cwd));
	if (path[0] == '/')
		return find_dir(path, (size_t)(slash - path));
	errno = ENOENT;
	return NULL;
}

/* A path that names a directory itself, or NULL. */
static struct dir *as_dir(const char *path)
{
	size_t len = strlen(path);

	while (len > 1 && path[len - 1] == '/')
		len--;
	if ((len == 1 && path[0] == '.') || len == 0)
		return find_dir(d.cwd, strlen(d.cwd));
	return find_dir(path, len);
}

static struct entry *find(struct dir *dir, const char *name)
{
	for (size_t i = 0; i < dir->now_count; i++)
		if (strcmp(dir->now[i].name, name) == 0)
			return &dir->now[i];
	errno = ENOENT;
	return NULL;
}

static void set_name(struct entry *entries, size_t *count, const char *name, struct inode *inode)
{
	for (size_t i = 0; i < *count; i++)
		if (strcmp(entries[i].name, name) == 0) {
			entries[i].inode = inode;
			return;
		}
	if (*count == NAMES)
		abort();
	snprintf(entries[*count].name, sizeof entries[*count].name, "%s", name);
	entries[(*count)++].inode = inode;
}

static void drop_name(struct entry *entries, size_t *count, const char *name)
{
	for (size_t i = 0; i < *count; i++)
		if (strcmp(entries[i].name, name) == 0) {
			entries[i] = entries[--*count];
			return;
		}
}

static void keep_names(struct dir *dir)
{
	memcpy(dir->kept, dir->now, dir->now_count * sizeof *dir->now);
	dir->kept_count = dir->now_count;
	dir->change_count = 0;
}

static void note_name(struct dir *dir, const char *from, const char *to, struct inode *inode)
{
	if (dir->change_count == CHANGES) /* a long time: the system wrote it back by itself */
		keep_names(dir);
	struct name_change *c = &dir->changes[dir->change_count++];
	snprintf(c->from, sizeof c->from, "%s", from);
	snprintf(c->to, sizeof c->to, "%s", to);
	c->inode = inode;
	dir->inode->mtime = time_wall();
}

/* -- faults -- */

/* Whether this change fails; then errno says how. */
static bool fails(void)
{
	const struct disk_weather *w = &d.weather;

	d.changes++;
	if (!w->fail_at || d.changes < w->fail_at || d.changes >= w->fail_at + w->fail_for)
		return false;
	trace("disk: change %" PRIu64 " fails: %s", d.changes, strerror(w->fail_with));
	fail(w->fail_with);
	return true;
}

/* -- calls -- */

int disk_open(const char *path, int flags, mode_t mode, struct inode **out)
{
	const char *name;
	struct dir *dir = as_dir(path);

	if (dir) {
		*out = dir->inode;
		if ((flags & O_ACCMODE) == O_RDONLY)
			return 0;
		errno = EISDIR;
		return -1;
	}
	dir = walk(path, &name);
	if (!dir)
		return -1;
	struct entry *e = find(dir, name);
	if (e && (flags & O_CREAT) && (flags & O_EXCL)) {
		errno = EEXIST;
		return -1;
	}
	if (!e && !(flags & O_CREAT))
		return -1;
	if (!e) {
		if (fails())
			return -1;
		struct inode *made = inode_new(S_IFREG | (mode & 0777));
		set_name(dir->now, &dir->now_count, name, made);
		note_name(dir, "", name, made);
		e = find(dir, name);
	}
	*out = e->inode;
	return flags & O_TRUNC ? inode_truncate(e->inode, 0) : 0;
}

int disk_stat(const char *path, struct stat *st)
{
	const char *name;
	struct dir *dir = as_dir(path);

	if (dir) {
		inode_stat(dir->inode, st);
		return 0;
	}
	dir = walk(path, &name);
	struct entry *e = dir ? find(dir, name) : NULL;
	if (!e)
		return -1;
	inode_stat(e->inode, st);
	return 0;
}

int disk_unlink(const char *path)
{
	const char *name;
	struct dir *dir = walk(path, &name);
	struct entry *e = dir ? find(dir, name) : NULL;

	if (!e || fails())
		return -1;
	note_name(dir, name, "", e->inode);
	drop_name(dir->now, &dir->now_count, name);
	return 0;
}

int disk_rename(const char *from, const char *to)
{
	const char *from_name, *to_name;
	struct dir *dir = walk(from, &from_name), *to_dir = walk(to, &to_name);
	struct entry *e = dir && to_dir ? find(dir, from_name) : NULL;

	if (!e)
		return -1;
	if (dir != to_dir) {
		errno = EXDEV; /* nothing here does it */
		return -1;
	}
	if (fails())
		return -1;
	struct inode *inode = e->inode;
	note_name(dir, from_name, to_name, inode);
	drop_name(dir->now, &dir->now_count, from_name);
	set_name(dir->now, &dir->now_count, to_name, inode);
	return 0;
}

int disk_real_dir(const char *path, char *out, size_t size)
{
	struct dir *dir = as_dir(path);

	if (!dir)
		return -1;
	snprintf(out, size, "%s", dir->path);
	return 0;
}

int disk_move_dir(const char *from, const char *to)
{
	struct dir *dir = as_dir(from);

	if (!dir)
		return -1;
	if (strcmp(d.cwd, dir->path) == 0)
		snprintf(d.cwd, sizeof d.cwd, "%s", to);
	snprintf(dir->path, sizeof dir->path, "%s", to);
	return 0;
}

ssize_t inode_read(struct inode *i, int64_t at, void *to, size_t n)
{
	if (i->dir) {
		errno = EISDIR;
		return -1;
	}
	if (at < 0 || (size_t)at >= i->data.len)
		return 0;
	if (n > i->data.len - (size_t)at)
		n = i->data.len - (size_t)at;
	memcpy(to, i->data.data + at, n);
	return (ssize_t)n;
}

/* Sets a buffer's length; what is new is zero. */
static void set_size(struct buf *b, size_t size)
{
	if (size > b->len) {
		size_t more = size - b->len;
		memset(buf_room(b, more), 0, more);
	}
	b->len = size;
}

static struct change *note_change(struct inode *i)
{
	if (i->change_count == i->change_cap) {
		i->change_cap = i->change_cap ? i->change_cap * 2 : 16;
		i->changes = xrealloc(i->changes, i->change_cap * sizeof *i->changes);
	}
	i->mtime = time_wall();
	return &i->changes[i->change_count++];
}

/* Places that many bytes, written there, in a buffer. */
static void place(struct buf *b, int64_t at, const void *from, size_t n)
{
	if ((size_t)at + n > b->len)
		set_size(b, (size_t)at + n);
	if (n)
		memcpy(b->data + at, from, n);
}

/* Bytes that the disk still takes. */
static size_t room_left(void)
{
	size_t used = 0;

	for (size_t k = 0; k < d.dir_count; k++)
		for (size_t n = 0; n < d.dirs[k]->now_count; n++)
			used += d.dirs[k]->now[n].inode->data.len;
	return used < d.weather.capacity ? d.weather.capacity - used : 0;
}

static ssize_t write_bytes(struct inode *i, int64_t at, const void *from, size_t n)
{
	*note_change(i) = (struct change){ .at = at, .size = (int64_t)n, .bytes = i->written.len };
	buf_add(&i->written, from, n);
	place(&i->data, at, from, n);
	return (ssize_t)n;
}

/* How many bytes of those past the end the disk has no room for. */
static size_t too_many(const struct inode *i, int64_t at, size_t n)
{
	size_t end = (size_t)at + n, more = end > i->data.len ? end - i->data.len : 0;
	size_t room = d.weather.capacity ? room_left() : SIZE_MAX;

	return more > room ? more - room : 0;
}

static ssize_t full(void)
{
	trace("disk: full");
	return fail(ENOSPC);
}

ssize_t inode_write_whole(struct inode *i, int64_t at, const void *from, size_t n)
{
	if (fails())
		return -1;
	return too_many(i, at, n) ? full() : write_bytes(i, at, from, n);
}

ssize_t inode_write(struct inode *i, int64_t at, const void *from, size_t n)
{
	size_t cut = too_many(i, at, n);

	if (fails())
		return -1;
	if (cut == n && n > 0)
		return full();
	if (cut == 0 && d.weather.short_writes && n > 1 && dice_one_in(&d.dice, 3))
		cut = 1 + (size_t)dice_below(&d.dice, (int64_t)n - 1);
	return write_bytes(i, at, from, n - cut);
}

int inode_truncate(struct inode *i, int64_t size)
{
	if (fails())
		return -1;
	*note_change(i) = (struct change){ .at = -1, .size = size };
	set_size(&i->data, (size_t)size);
	return 0;
}

/* What is seen is what is kept. */
static void keep(struct inode *i)
{
	for (size_t k = 0; k < i->change_count; k++) {
		const struct change *c = &i->changes[k];
		if (c->at < 0)
			set_size(&i->kept, (size_t)c->size);
		else
			place(&i->kept, c->at, i->written.data + c->bytes, (size_t)c->size);
	}
	i->change_count = 0;
	buf_reset(&i->written);
	if (i->dir)
		keep_names(i->dir);
}

int inode_sync(struct inode *i)
{
	if (d.weather.sync_us)
		proc_sleep(dice_below(&d.dice, d.weather.sync_us));
	if (fails())
		return -1;
	keep(i);
	return 0;
}

void inode_stat(const struct inode *i, struct stat *st)
{
	memset(st, 0, sizeof *st);
	st->st_dev = 7;
	st->st_ino = i->number;
	st->st_mode = i->mode;
	st->st_nlink = 1;
	st->st_uid = st->st_gid = 1000;
	st->st_size = (off_t)i->data.len;
	st->st_blksize = 4096;
	st->st_mtim.tv_sec = i->mtime / 1000000;
	st->st_mtim.tv_nsec = i->mtime % 1000000 * 1000;
	st->st_ctim = st->st_mtim;
}

void inode_chmod(struct inode *i, mode_t mode)
{
	i->mode = (i->mode & S_IFMT) | (mode & 0777);
}

int64_t inode_size(const struct inode *i)
{
	return (int64_t)i->data.len;
}

bool inode_is_dir(const struct inode *i)
{
	return i->dir != NULL;
}

int inode_lock(struct inode *i, const void *owner, bool exclusive)
{
	unsigned others = 0, mine = LOCKS;

	for (unsigned k = 0; k < i->lock_count; k++)
		if (i->locks[k] == owner)
			mine = k;
		else
			others++;
	if ((others && (exclusive || i->exclusive)) || (mine == LOCKS && i->lock_count == LOCKS)) {
		errno = EWOULDBLOCK;
		return -1;
	}
	if (mine == LOCKS)
		i->locks[i->lock_count++] = owner;
	i->exclusive = exclusive;
	return 0;
}

void inode_unlock(struct inode *i, const void *owner)
{
	for (unsigned k = 0; k < i->lock_count; k++)
		if (i->locks[k] == owner)
			i->locks[k--] = i->locks[--i->lock_count];
	if (i->lock_count == 0)
		i->exclusive = false;
}

unsigned inode_locker(const struct inode *i, unsigned process, int64_t from, int64_t count)
{
	for (unsigned k = 0; k < i->byte_count; k++)
		if (i->bytes[k].process != process && i->bytes[k].from < from + count &&
		    i->bytes[k].to > from)
			return i->bytes[k].process;
	return 0;
}

void inode_unlock_bytes(struct inode *i, unsigned process, int64_t from, int64_t count)
{
	for (unsigned k = 0; k < i->byte_count; k++)
		if (i->bytes[k].process == process && i->bytes[k].from >= from &&
		    i->bytes[k].to <= from + count)
			i->bytes[k--] = i->bytes[--i->byte_count];
}

int inode_lock_bytes(struct inode *i, unsigned process, int64_t from, int64_t count)
{
	if (inode_locker(i, process, from, count)) {
		errno = EAGAIN;
		return -1;
	}
	inode_unlock_bytes(i, process, from, count);
	if (i->byte_count == LOCKS) {
		errno = ENOLCK;
		return -1;
	}
	i->bytes[i->byte_count++] = (struct byte_lock){ process, from, from + count };
	return 0;
}

/* -- the power fails -- */

/* A write that may reach the disk sector by sector. */
static void place_sectors(struct inode *i, const struct change *c)
{
	const char *bytes = i->written.data + c->bytes;

	for (int64_t at = c->at, end = c->at + c->size; at < end;) {
		int64_t next = (at / SECTOR + 1) * SECTOR;
		if (next > end)
			next = end;
		if (dice_one_in(&d.dice, 2))
			place(&i->kept, at, bytes + (at - c->at), (size_t)(next - at));
		at = next;
	}
}

static void lose_bytes(struct inode *i)
{
	enum { ALL, FROM_SOME_ON, SECTORS, NONE } how = (int)dice_below(&d.dice, 4);
	size_t upto = how == ALL ? 0 : i->change_count;

	if (how == FROM_SOME_ON)
		upto = (size_t)dice_below(&d.dice, (int64_t)i->change_count + 1);
	for (size_t k = 0; k < upto; k++) {
		const struct change *c = &i->changes[k];
		bool reached = how != SECTORS || dice_one_in(&d.dice, 2);
		if (c->at < 0 && reached)
			set_size(&i->kept, (size_t)c->size);
		else if (c->at >= 0 && how == SECTORS)
			place_sectors(i, c);
		else if (c->at >= 0)
			place(&i->kept, c->at, i->written.data + c->bytes, (size_t)c->size);
	}
	if (i->change_count)
		trace("power: file %" PRIu64 ": %s of %zu changes, %zu bytes of %zu", i->number,
		    how == ALL              ? "none" :
		        how == NONE         ? "all" :
		        how == FROM_SOME_ON ? "the first" :
		                              "sectors",
		    i->change_count, i->kept.len, i->data.len);
	i->change_count = 0;
	buf_reset(&i->written);
	buf_reset(&i->data);
	buf_add(&i->data, i->kept.data ? i->kept.data : "", i->kept.len);
}

/* Names are lost from some change on, as a journal would, or each by itself. */
static void lose_names(struct dir *dir)
{
	size_t count = dir->change_count;
	bool each = dice_one_in(&d.dice, 4);
	size_t upto = each ? count : (size_t)dice_below(&d.dice, (int64_t)count + 1);

	for (size_t k = 0; k < upto; k++) {
		const struct name_change *c = &dir->changes[k];
		if (each && dice_one_in(&d.dice, 2))
			continue;
		if (c->from[0])
			drop_name(dir->kept, &dir->kept_count, c->from);
		if (c->to[0])
			set_name(dir->kept, &dir->kept_count, c->to, c->inode);
	}
	if (count)
		trace("power: %zu changes of names, %s", count,
		    each ? "some kept" : "the first kept");
	memcpy(dir->now, dir->kept, dir->kept_count * sizeof *dir->now);
	dir->now_count = dir->kept_count;
	dir->change_count = 0;
}

void disk_power_loss(void)
{
	trace("the power fails");
	for (struct inode *i = d.inodes; i; i = i->older) {
		i->lock_count = i->byte_count = 0;
		i->exclusive = false;
		if (i->dir)
			lose_names(i->dir);
		else
			lose_bytes(i);
	}
}

/* -- the world's own hand -- */

static struct inode *get_inode(const char *path, bool anew)
{
	const char *name;
	struct dir *dir = walk(path, &name);
	struct entry *e = find(dir, name);

	if (e && !anew)
		return e->inode;
	struct inode *made = inode_new(S_IFREG | 0644);
	set_name(dir->now, &dir->now_count, name, made);
	set_name(dir->kept, &dir->kept_count, name, made);
	return made;
}

static void write_lasting(struct inode *i, const void *data, size_t n)
{
	keep(i);
	buf_add(&i->data, data, n);
	buf_add(&i->kept, data, n);
	i->mtime = time_wall();
}

void disk_put(const char *path, const void *data, size_t n)
{
	struct inode *i = get_inode(path, false);

	i->change_count = 0;
	buf_reset(&i->written);
	buf_reset(&i->data);
	buf_reset(&i->kept);
	write_lasting(i, data, n);
}

void disk_append(const char *path, const void *data, size_t n)
{
	write_lasting(get_inode(path, false), data, n);
}

void disk_replace(const char *path, const void *data, size_t n)
{
	write_lasting(get_inode(path, true), data, n);
}

const struct buf *disk_get(const char *path)
{
	const char *name;
	struct dir *dir = walk(path, &name);
	struct entry *e = dir ? find(dir, name) : NULL;

	return e ? &e->inode->data : NULL;
}

void disk_remove(const char *path)
{
	const char *name;
	struct dir *dir = walk(path, &name);

	if (!dir)
		return;
	drop_name(dir->now, &dir->now_count, name);
	drop_name(dir->kept, &dir->kept_count, name);
}

void disk_each(int (*f)(const char *name, const struct buf *data, void *arg), void *arg)
{
	struct dir *dir = find_dir(d.cwd, strlen(d.cwd));

	for (size_t i = 0; i < dir->now_count; i++)
		if (f(dir->now[i].name, &dir->now[i].inode->data, arg) != 0)
			return;
}
