/* Descriptors, and what each call of the operating system does to the simulated disk. */
#include "sim_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <locale.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "dice.h"
#include "sim_calls.h"
#include "sim_disk.h"
#include "sim_proc.h"
#include "sim_time.h"
#include "sim_trace.h"

enum kind { KIND_FILE, KIND_INPUT, KIND_OUT, KIND_ERR, KIND_NULL, KIND_PIPE_READ, KIND_PIPE_WRITE };

struct open_file {
	enum kind kind;
	unsigned holders; /* descriptors */
	int flags;
	struct inode *inode;
	int64_t at;
	struct wakeup *pipe; /* both ends' */
};

struct wakeup {
	unsigned bytes, holders;
};

/* What a pipe brings to standard input. */
static struct {
	struct buf data;
	size_t taken;
	bool open;
} input = { .data = { .max = SIZE_MAX / 2 } };

static pid_t pid_of(unsigned process)
{
	return 1000 + (pid_t)process;
}

/* -- descriptors -- */

static int fd_new(struct proc *p, int from, struct open_file *f)
{
	for (int fd = from; fd < PROC_FDS; fd++)
		if (!p->fds[fd]) {
			p->fds[fd] = f;
			f->holders++;
			return fd;
		}
	errno = EMFILE;
	return -1;
}

static struct open_file *file_new(enum kind kind)
{
	struct open_file *f = xcalloc(1, sizeof *f);

	f->kind = kind;
	return f;
}

static void fd_drop(struct proc *p, int fd)
{
	struct open_file *f = p->fds[fd];

	p->fds[fd] = NULL;
	if (f->inode) /* as it is: whichever descriptor of the file is closed */
		inode_unlock_bytes(f->inode, p->number, 0, INT64_MAX);
	if (--f->holders > 0)
		return;
	if (f->inode)
		inode_unlock(f->inode, f);
	if (f->pipe && --f->pipe->holders == 0)
		free(f->pipe);
	free(f);
}

void files_open_standard(struct proc *p)
{
	fd_new(p, 0, file_new(KIND_INPUT));
	fd_new(p, 0, file_new(KIND_OUT));
	fd_new(p, 0, file_new(KIND_ERR));
}

void files_close_all(struct proc *p)
{
	for (int fd = 0; fd < PROC_FDS; fd++)
		if (p->fds[fd])
			fd_drop(p, fd);
}

static struct open_file *file_of(const struct proc *p, int fd)
{
	struct open_file *f = fd >= 0 && fd < PROC_FDS ? p->fds[fd] : NULL;

	if (!f)
		errno = EBADF;
	return f;
}

/* The current process's, after a step. */
static struct open_file *file(int fd)
{
	proc_step();
	return file_of(proc_current(), fd);
}

/* -- standard input -- */

unsigned long files_pipe_sent(void)
{
	return input.data.len;
}

void files_pipe_begin(void)
{
	buf_free(&input.data);
	buf_init(&input.data, SIZE_MAX / 2);
	input.taken = 0;
	input.open = true;
}

void files_pipe_more(const void *data, unsigned long n)
{
	buf_add(&input.data, data, n);
}

void files_pipe_end(void)
{
	input.open = false;
}

bool files_readable(const struct proc *p, int fd)
{
	const struct open_file *f = file_of(p, fd);

	if (!f)
		return false;
	if (f->kind == KIND_INPUT)
		return !input.open || input.taken < input.data.len;
	return f->kind != KIND_PIPE_READ || f->pipe->bytes > 0;
}

static ssize_t read_input(void *to, size_t n)
{
	if (input.taken == input.data.len) {
		if (!input.open)
			return 0;
		errno = EAGAIN;
		return -1;
	}
	if (n > input.data.len - input.taken)
		n = input.data.len - input.taken;
	memcpy(to, input.data.data + input.taken, n);
	input.taken += n;
	return (ssize_t)n;
}

/* -- reading and writing -- */

static ssize_t read_some(struct open_file *f, void *to, size_t n)
{
	ssize_t got = 0;

	if ((f->flags & O_ACCMODE) == O_WRONLY) {
		errno = EBADF;
		return -1;
	}
	switch (f->kind) {
	case KIND_FILE:
		got = inode_read(f->inode, f->at, to, n);
		f->at += got > 0 ? got : 0;
		return got;
	case KIND_INPUT:
		return read_input(to, n);
	case KIND_PIPE_READ:
		if (f->pipe->bytes == 0) {
			errno = EAGAIN;
			return -1;
		}
		got = f->pipe->bytes < n ? (ssize_t)f->pipe->bytes : (ssize_t)n;
		memset(to, 0, (size_t)got);
		f->pipe->bytes -= (unsigned)got;
		return got;
	case KIND_NULL:
		return 0;
	default:
		errno = EBADF;
		return -1;
	}
}

ssize_t sim_read(int fd, void *to, size_t n)
{
	struct open_file *f = file(fd);
	ssize_t got = f ? read_some(f, to, n) : -1;

	if (got > 0)
		proc_current()->spins = 0;
	trace_call("read", NULL, got);
	return got;
}

ssize_t sim_pread(int fd, void *to, size_t n, off_t at)
{
	struct open_file *f = file(fd);
	ssize_t got = -1;

	if (f && f->kind == KIND_FILE)
		got = inode_read(f->inode, at, to, n);
	trace_call("pread", NULL, got);
	return got;
}

ssize_t sim_pwrite(int fd, const void *from, size_t n, off_t at)
{
	struct open_file *f = file(fd);
	ssize_t got = -1;

	if (f && f->kind == KIND_FILE)
		got = inode_write_whole(f->inode, at, from, n);
	trace_call("pwrite", NULL, got);
	return got;
}

/* Each line that a process says, in the trace. */
static void trace_said(const struct proc *p, const char *text, size_t n)
{
	while (n > 0) {
		const char *end = memchr(text, '\n', n);
		size_t len = end ? (size_t)(end - text) : n;
		if (len)
			trace("[%u] says: %.*s", p->number, (int)len, text);
		text += len + (end != NULL);
		n -= len + (end != NULL);
	}
}

static ssize_t write_some(struct open_file *f, const void *from, size_t n)
{
	struct proc *p = proc_current();
	ssize_t got;

	switch (f->kind) {
	case KIND_FILE:
		if ((f->flags & O_ACCMODE) == O_RDONLY)
			break;
		if (f->flags & O_APPEND)
			f->at = inode_size(f->inode);
		got = inode_write(f->inode, f->at, from, n);
		f->at += got > 0 ? got : 0;
		return got;
	case KIND_OUT:
		buf_add(&p->out, from, n);
		return (ssize_t)n;
	case KIND_ERR:
		buf_add(&p->err, from, n);
		if (trace_shown())
			trace_said(p, from, n);
		return (ssize_t)n;
	case KIND_PIPE_WRITE:
		f->pipe->bytes += (unsigned)n;
		return (ssize_t)n;
	case KIND_NULL:
		return (ssize_t)n;
	default:
		break;
	}
	errno = EBADF;
	return -1;
}

ssize_t sim_write(int fd, const void *from, size_t n)
{
	struct open_file *f = file(fd);
	ssize_t got = f ? write_some(f, from, n) : -1;

	trace_call("write", NULL, got);
	return got;
}

ssize_t sim_send(int fd, const void *from, size_t n, int flags)
{
	(void)flags;
	return sim_write(fd, from, n);
}

off_t sim_lseek(int fd, off_t at, int whence)
{
	struct open_file *f = file(fd);

	if (!f)
		return -1;
	if (f->kind != KIND_FILE) {
		errno = ESPIPE;
		return -1;
	}
	f->at = whence == SEEK_SET ? at :
	    whence == SEEK_CUR     ? f->at + at :
	                             inode_size(f->inode) + at;
	return f->at;
}

int sim_ftruncate(int fd, off_t size)
{
	struct open_file *f = file(fd);

	return f && f->kind == KIND_FILE ? inode_truncate(f->inode, size) : -1;
}

int sim_fsync(int fd)
{
	struct open_file *f = file(fd);
	int64_t began = time_now();
	int result = -1;

	if (f && f->kind == KIND_FILE)
		result = inode_sync(f->inode);
	else if (f)
		errno = EINVAL;
	int error = errno;
	proc_current()->fsync_us += time_now() - began;
	trace_call("fsync", NULL, result);
	proc_step(); /* it took its time: it may have been the last */
	errno = error;
	return result;
}

/* -- names -- */

int sim_open(const char *path, int flags, ...)
{
	struct proc *p = proc_current();
	struct inode *inode = NULL;
	mode_t mode = 0;
	va_list ap;
	int fd = -1;

	if (flags & O_CREAT) {
		va_start(ap, flags);
		mode = (mode_t)va_arg(ap, unsigned);
		va_end(ap);
	}
	proc_step();
	if (strcmp(path, "/dev/null") == 0 || disk_open(path, flags, mode, &inode) == 0) {
		struct open_file *f = file_new(inode ? KIND_FILE : KIND_NULL);
		f->inode = inode;
		f->flags = flags;
		fd = fd_new(p, 0, f);
		if (fd < 0)
			free(f);
	}
	trace_call("open", path, fd);
	return fd;
}

int sim_close(int fd)
{
	struct open_file *f = file(fd);

	if (!f)
		return -1;
	fd_drop(proc_current(), fd);
	return 0;
}

static int stat_open(const struct open_file *f, struct stat *st)
{
	memset(st, 0, sizeof *st);
	if (f->kind == KIND_FILE)
		inode_stat(f->inode, st);
	else
		st->st_mode = f->kind == KIND_NULL ? S_IFCHR | 0666 : S_IFIFO | 0600;
	return 0;
}

int sim_fstat(int fd, struct stat *st)
{
	struct open_file *f = file(fd);

	return f ? stat_open(f, st) : -1;
}

int sim_fstatfs(int fd, struct statfs *st)
{
	memset(st, 0, sizeof *st);
	st->f_type = 0xef53; /* ext4 */
	return file(fd) ? 0 : -1;
}

int sim_stat(const char *path, struct stat *st)
{
	proc_step();
	return disk_stat(path, st);
}

int sim_lstat(const char *path, struct stat *st)
{
	return sim_stat(path, st);
}

int sim_access(const char *path, int mode)
{
	struct stat st;

	(void)mode;
	return sim_stat(path, &st);
}

int sim_rename(const char *from, const char *to)
{
	proc_step();
	int result = disk_rename(from, to);
	trace_call("rename", from, result);
	return result;
}

int sim_unlink(const char *path)
{
	proc_step();
	int result = disk_unlink(path);
	trace_call("unlink", path, result);
	return result;
}

int sim_mkostemp(char *template, int flags)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
	size_t len = strlen(template);

	for (unsigned try = 0; try < 26; try++) {
		for (size_t i = len - 6; i < len; i++)
			template[i] = letters[try];
		int fd = sim_open(template, flags | O_RDWR | O_CREAT | O_EXCL, 0600);
		if (fd >= 0 || errno != EEXIST)
			return fd;
	}
	return -1;
}

/* -- directories -- */

struct listing {
	struct dirent *entries;
	size_t count, next;
};

static int list_file(const char *name, const struct buf *data, void *arg)
{
	struct listing *l = arg;

	(void)data;
	l->entries = xrealloc(l->entries, (l->count + 1) * sizeof *l->entries);
	snprintf(l->entries[l->count++].d_name, sizeof l->entries->d_name, "%s", name);
	return 0;
}

/* The working directory alone is ever listed. What a process that was killed had open is lost. */
DIR *sim_opendir(const char *path)
{
	char real[PATH_MAX];

	proc_step();
	if (disk_real_dir(path, real, sizeof real) != 0)
		return NULL;
	struct listing *l = xcalloc(1, sizeof *l);
	disk_each(list_file, l);
	return (DIR *)l;
}

struct dirent *sim_readdir(DIR *dir)
{
	struct listing *l = (struct listing *)dir;

	return l->next < l->count ? &l->entries[l->next++] : NULL;
}

int sim_closedir(DIR *dir)
{
	struct listing *l = (struct listing *)dir;

	free(l->entries);
	free(l);
	return 0;
}

/* A directory alone has a real path here: nobody asks for another. */
char *sim_realpath(const char *path, char *out)
{
	char real[PATH_MAX];

	(void)out;
	proc_step();
	if (disk_real_dir(path, real, sizeof real) != 0)
		return NULL;
	char *copy = sim_malloc(strlen(real) + 1);
	return strcpy(copy, real);
}

int sim_fchmod(int fd, mode_t mode)
{
	struct open_file *f = file(fd);

	if (!f || f->kind != KIND_FILE)
		return -1;
	inode_chmod(f->inode, mode);
	return 0;
}

int sim_flock(int fd, int how)
{
	struct open_file *f = file(fd);

	if (!f || f->kind != KIND_FILE)
		return -1;
	if (how & LOCK_UN) {
		inode_unlock(f->inode, f);
		return 0;
	}
	return inode_lock(f->inode, f, (how & LOCK_EX) != 0);
}

static int lock_bytes(const struct open_file *f, int command, struct flock *l)
{
	unsigned me = proc_current()->number;

	if (f->kind != KIND_FILE) {
		errno = EINVAL;
		return -1;
	}
	if (command == F_GETLK) {
		unsigned other = inode_locker(f->inode, me, l->l_start, l->l_len);
		l->l_type = other ? F_WRLCK : F_UNLCK;
		l->l_pid = other ? pid_of(other) : 0;
		return 0;
	}
	if (l->l_type != F_UNLCK)
		return inode_lock_bytes(f->inode, me, l->l_start, l->l_len);
	inode_unlock_bytes(f->inode, me, l->l_start, l->l_len);
	return 0;
}

int sim_fcntl(int fd, int command, ...)
{
	struct open_file *f = file(fd);
	va_list ap;
	int result = 0;

	if (!f)
		return -1;
	va_start(ap, command);
	if (command == F_DUPFD_CLOEXEC || command == F_DUPFD)
		result = fd_new(proc_current(), va_arg(ap, int), f);
	else if (command == F_SETLK || command == F_GETLK)
		result = lock_bytes(f, command, va_arg(ap, struct flock *));
	va_end(ap);
	return result;
}

int sim_pipe2(int ends[2], int flags)
{
	struct proc *p = proc_current();

	(void)flags;
	proc_step();
	struct wakeup *pipe = xcalloc(1, sizeof *pipe);
	pipe->holders = 2;
	for (int i = 0; i < 2; i++) {
		struct open_file *f = file_new(i ? KIND_PIPE_WRITE : KIND_PIPE_READ);
		f->pipe = pipe;
		ends[i] = fd_new(p, 0, f);
	}
	return 0;
}

/* -- waiting -- */

int sim_poll(struct pollfd *fds, nfds_t n, int timeout_ms)
{
	struct proc *p = proc_current();
	int64_t until = timeout_ms < 0 ? INT64_MAX : time_now() + (int64_t)timeout_ms * 1000;
	int ready = 0;

	proc_step();
	for (;;) {
		for (nfds_t i = 0; i < n; i++) {
			fds[i].revents = 0;
			if (files_readable(p, fds[i].fd))
				fds[i].revents = fds[i].events;
			ready += fds[i].revents != 0;
		}
		if (ready || time_now() >= until)
			return ready;
		proc_wait(until);
	}
}

int sim_ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout, const sigset_t *mask)
{
	(void)mask;
	return sim_poll(fds, n,
	    timeout ? (int)(timeout->tv_sec * 1000 + (timeout->tv_nsec + 999999) / 1000000) : -1);
}

int sim_nanosleep(const struct timespec *t, struct timespec *left)
{
	int64_t until = time_now() + t->tv_sec * 1000000 + t->tv_nsec / 1000;

	(void)left;
	proc_step();
	while (time_now() < until)
		proc_wait(until);
	return 0;
}

int sim_clock_gettime(clockid_t id, struct timespec *t)
{
	proc_step();
	int64_t us = id == CLOCK_REALTIME ? time_wall() : time_now();
	t->tv_sec = us / 1000000;
	t->tv_nsec = us % 1000000 * 1000;
	return 0;
}

/* -- signals -- */

int sim_sigaction(int number, const struct sigaction *new, struct sigaction *old)
{
	struct proc *p = proc_current();

	if (old) {
		memset(old, 0, sizeof *old);
		old->sa_handler = p->handlers[number];
	}
	if (new)
		p->handlers[number] = new->sa_handler;
	return 0;
}

sighandler_t sim_signal(int number, sighandler_t handler)
{
	sighandler_t before = proc_current()->handlers[number];

	proc_current()->handlers[number] = handler;
	return before;
}

void sim_exit_now(int status)
{
	proc_exit(status);
}

/* -- the rest -- */

int sim_ioctl(int fd, unsigned long request, ...)
{
	(void)fd, (void)request;
	errno = ENOTTY;
	return -1;
}

int sim_isatty(int fd)
{
	(void)fd;
	errno = ENOTTY;
	return 0;
}

ssize_t sim_getrandom(void *to, size_t n, unsigned flags)
{
	struct proc *p = proc_current();
	struct dice d = { .state = (uint64_t)time_wall() * 31 + p->number };

	(void)flags;
	for (size_t i = 0; i < n; i++)
		((unsigned char *)to)[i] = (unsigned char)dice_below(&d, 256);
	return (ssize_t)n;
}

pid_t sim_getpid(void)
{
	return pid_of(proc_current()->number);
}

int sim_kill(pid_t pid, int number)
{
	(void)pid, (void)number;
	errno = ESRCH;
	return -1;
}

char *sim_getenv(const char *name)
{
	size_t len = strlen(name);

	for (char **e = sim_environ; *e; e++)
		if (strncmp(*e, name, len) == 0 && (*e)[len] == '=')
			return *e + len + 1;
	return NULL;
}

/* What is done with a thread is done without one where none is to be had. */
int sim_pthread_create(pthread_t *t, const pthread_attr_t *a, void *(*f)(void *), void *arg)
{
	(void)t, (void)a, (void)f, (void)arg;
	return EAGAIN;
}

int sim_sched_getaffinity(pid_t pid, size_t size, cpu_set_t *set)
{
	(void)pid, (void)size;
	CPU_ZERO(set);
	CPU_SET(0, set);
	return 0;
}

int sim_sched_yield(void)
{
	proc_yield();
	return 0;
}

int sim_prctl(int option, ...)
{
	(void)option;
	return 0;
}

int sim_setrlimit(int resource, const struct rlimit *limit)
{
	(void)resource, (void)limit;
	return 0;
}

char *sim_setlocale(int category, const char *name)
{
	(void)category, (void)name;
	return NULL;
}
