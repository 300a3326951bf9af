/* A file system of SQLite's kind, over the simulated calls. */
#include "sim_sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim_calls.h"
#include "sim_disk.h"
#include "sim_proc.h"
#include "sim_time.h"
#include "sim_trace.h"

/* An open file. What SQLite calls locks is one lock here: every file of ours is one run's alone. */
struct sim_file {
	sqlite3_file base;
	struct inode *inode;
	char name[128];
	bool remove;   /* when it is closed */
	bool sync_dir; /* with its first sync: a log's name must be lasting, too */
	int level;
};

static int code_of(int error, int otherwise)
{
	return error == ENOSPC ? SQLITE_FULL : otherwise;
}

static int file_close(sqlite3_file *file)
{
	struct sim_file *f = (struct sim_file *)file;

	proc_step();
	if (f->remove)
		disk_unlink(f->name);
	return SQLITE_OK;
}

static int file_read(sqlite3_file *file, void *to, int n, sqlite3_int64 at)
{
	struct sim_file *f = (struct sim_file *)file;

	proc_step();
	ssize_t got = inode_read(f->inode, at, to, (size_t)n);
	trace_call("db read", f->name, got);
	if (got == n)
		return SQLITE_OK;
	if (got < 0)
		return SQLITE_IOERR_READ;
	memset((char *)to + got, 0, (size_t)(n - got));
	return SQLITE_IOERR_SHORT_READ;
}

static int file_write(sqlite3_file *file, const void *from, int n, sqlite3_int64 at)
{
	struct sim_file *f = (struct sim_file *)file;

	while (n > 0) {
		proc_step();
		ssize_t got = inode_write(f->inode, at, from, (size_t)n);
		trace_call("db write", f->name, got);
		if (got <= 0)
			return code_of(errno, SQLITE_IOERR_WRITE);
		from = (const char *)from + got;
		at += got;
		n -= (int)got;
	}
	return SQLITE_OK;
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	struct sim_file *f = (struct sim_file *)file;

	proc_step();
	return inode_truncate(f->inode, size) == 0 ? SQLITE_OK : SQLITE_IOERR_TRUNCATE;
}

/* The directory of a path. 0 or -1 with errno. */
static int sync_dir_of(const char *path)
{
	struct inode *inode;
	char dir[128];

	snprintf(dir, sizeof dir, "%s", path);
	*strrchr(dir, '/') = '\0';
	proc_step();
	return disk_open(dir, O_RDONLY, 0, &inode) == 0 ? inode_sync(inode) : -1;
}

static int file_sync(sqlite3_file *file, int flags)
{
	struct sim_file *f = (struct sim_file *)file;
	int64_t began = time_now();

	(void)flags;
	proc_step();
	int result = inode_sync(f->inode);
	if (result == 0 && f->sync_dir)
		result = sync_dir_of(f->name);
	f->sync_dir = false;
	trace_call("db sync", f->name, result);
	proc_current()->fsync_us += time_now() - began;
	proc_step();
	return result == 0 ? SQLITE_OK : SQLITE_IOERR_FSYNC;
}

static int file_size(sqlite3_file *file, sqlite3_int64 *size)
{
	*size = inode_size(((struct sim_file *)file)->inode);
	return SQLITE_OK;
}

static int file_lock(sqlite3_file *file, int level)
{
	((struct sim_file *)file)->level = level;
	return SQLITE_OK;
}

static int file_reserved(sqlite3_file *file, int *out)
{
	*out = ((struct sim_file *)file)->level >= SQLITE_LOCK_RESERVED;
	return SQLITE_OK;
}

static int file_control(sqlite3_file *file, int op, void *arg)
{
	(void)file, (void)op, (void)arg;
	return SQLITE_NOTFOUND;
}

static int file_sector(sqlite3_file *file)
{
	(void)file;
	return 512;
}

static int file_device(sqlite3_file *file)
{
	(void)file;
	return 0;
}

static const sqlite3_io_methods methods = {
	.iVersion = 1,
	.xClose = file_close,
	.xRead = file_read,
	.xWrite = file_write,
	.xTruncate = file_truncate,
	.xSync = file_sync,
	.xFileSize = file_size,
	.xLock = file_lock,
	.xUnlock = file_lock,
	.xCheckReservedLock = file_reserved,
	.xFileControl = file_control,
	.xSectorSize = file_sector,
	.xDeviceCharacteristics = file_device,
};

/* -- the file system -- */

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
	struct sim_file *f = (struct sim_file *)file;
	int how = (flags & SQLITE_OPEN_READWRITE ? O_RDWR : O_RDONLY) |
	    (flags & SQLITE_OPEN_CREATE ? O_CREAT : 0) |
	    (flags & SQLITE_OPEN_EXCLUSIVE ? O_EXCL : 0);

	(void)vfs;
	f->base.pMethods = NULL;
	proc_step();
	int result = name ? disk_open(name, how, 0600, &f->inode) : -1;
	trace_call("db open", name, result);
	if (result != 0)
		return SQLITE_CANTOPEN;
	f->base.pMethods = &methods;
	snprintf(f->name, sizeof f->name, "%s", name);
	f->remove = flags & SQLITE_OPEN_DELETEONCLOSE;
	f->sync_dir = flags & SQLITE_OPEN_CREATE &&
	    flags & (SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_WAL);
	f->level = 0;
	if (out)
		*out = flags;
	return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync_dir)
{
	(void)vfs;
	proc_step();
	int result = disk_unlink(name);
	trace_call("db unlink", name, result);
	if (result != 0)
		return errno == ENOENT ? SQLITE_IOERR_DELETE_NOENT : SQLITE_IOERR_DELETE;
	if (!sync_dir)
		return SQLITE_OK;
	return sync_dir_of(name) == 0 ? SQLITE_OK : SQLITE_IOERR_DIR_FSYNC;
}

static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *out)
{
	struct stat st;

	(void)vfs, (void)flags;
	proc_step();
	*out = disk_stat(name, &st) == 0 && st.st_size > 0;
	return SQLITE_OK;
}

static int vfs_full(sqlite3_vfs *vfs, const char *name, int size, char *out)
{
	(void)vfs;
	sqlite3_snprintf(size, out, "%s", name);
	return SQLITE_OK;
}

static int vfs_random(sqlite3_vfs *vfs, int n, char *out)
{
	(void)vfs;
	if (proc_current())
		sim_getrandom(out, (size_t)n, 0);
	else
		memset(out, 1, (size_t)n);
	return n;
}

static int vfs_sleep(sqlite3_vfs *vfs, int us)
{
	struct timespec t = { us / 1000000, us % 1000000 * 1000 };

	(void)vfs;
	sim_nanosleep(&t, NULL);
	return us;
}

static int vfs_time(sqlite3_vfs *vfs, sqlite3_int64 *out)
{
	(void)vfs;
	*out = INT64_C(210866760000000) + time_wall() / 1000;
	return SQLITE_OK;
}

static int vfs_error(sqlite3_vfs *vfs, int n, char *out)
{
	(void)vfs, (void)n, (void)out;
	return errno;
}

static sqlite3_vfs vfs = {
	.iVersion = 2,
	.szOsFile = sizeof(struct sim_file),
	.mxPathname = 120,
	.zName = "simulated",
	.xOpen = vfs_open,
	.xDelete = vfs_delete,
	.xAccess = vfs_access,
	.xFullPathname = vfs_full,
	.xRandomness = vfs_random,
	.xSleep = vfs_sleep,
	.xGetLastError = vfs_error,
	.xCurrentTimeInt64 = vfs_time,
};

/* -- memory: the process's, which is gone with it -- */

static void *memory_malloc(int n)
{
	size_t *p = proc_current() ? sim_malloc((size_t)n + 16) : malloc((size_t)n + 16);

	if (!p)
		return NULL;
	p[0] = (size_t)n;
	p[1] = proc_current() != NULL;
	return p + 2;
}

static void memory_free(void *data)
{
	size_t *p = (size_t *)data - 2;

	if (p[1])
		sim_free(p);
	else
		free(p);
}

static int memory_size(void *data)
{
	return (int)((size_t *)data)[-2];
}

static void *memory_realloc(void *data, int n)
{
	void *other = memory_malloc(n);

	if (other) {
		memcpy(other, data, (size_t)(memory_size(data) < n ? memory_size(data) : n));
		memory_free(data);
	}
	return other;
}

static int memory_round(int n)
{
	return (n + 7) & ~7;
}

static int memory_begin(void *arg)
{
	(void)arg;
	return SQLITE_OK;
}

static void memory_end(void *arg)
{
	(void)arg;
}

void sqlite_set_up(void)
{
	static const sqlite3_mem_methods memory = {
		memory_malloc,
		memory_free,
		memory_realloc,
		memory_size,
		memory_round,
		memory_begin,
		memory_end,
		NULL,
	};

	sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	sqlite3_config(SQLITE_CONFIG_MALLOC, &memory);
	if (sqlite3_initialize() != SQLITE_OK || sqlite3_vfs_register(&vfs, 1) != SQLITE_OK)
		abort();
}

void sqlite_begin(void)
{
	sqlite3_randomness(0, NULL);
}
