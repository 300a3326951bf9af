/* The calls that stand in the place of the operating system's (doors.syms): as those, but for the
 * simulated machine. */
#ifndef SIM_CALLS_H
#define SIM_CALLS_H

#include <dirent.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/types.h>
#include <time.h>

extern char **sim_environ;
int sim_main(int argc, char **argv);

void *sim_malloc(size_t n);
void *sim_calloc(size_t n, size_t size);
void *sim_realloc(void *p, size_t n);
void sim_free(void *p);

int sim_open(const char *path, int flags, ...);
int sim_close(int fd);
ssize_t sim_read(int fd, void *to, size_t n);
ssize_t sim_pread(int fd, void *to, size_t n, off_t at);
ssize_t sim_pwrite(int fd, const void *from, size_t n, off_t at);
ssize_t sim_write(int fd, const void *from, size_t n);
ssize_t sim_send(int fd, const void *from, size_t n, int flags);
off_t sim_lseek(int fd, off_t at, int whence);
int sim_ftruncate(int fd, off_t size);
int sim_fsync(int fd);
int sim_fstat(int fd, struct stat *st);
int sim_fstatfs(int fd, struct statfs *st);
int sim_stat(const char *path, struct stat *st);
int sim_lstat(const char *path, struct stat *st);
int sim_access(const char *path, int mode);
DIR *sim_opendir(const char *path);
struct dirent *sim_readdir(DIR *dir);
int sim_closedir(DIR *dir);
int sim_rename(const char *from, const char *to);
int sim_unlink(const char *path);
int sim_mkostemp(char *template, int flags);
char *sim_realpath(const char *path, char *out);
int sim_fchmod(int fd, mode_t mode);
int sim_flock(int fd, int how);
int sim_fcntl(int fd, int command, ...);
int sim_pipe2(int ends[2], int flags);
int sim_poll(struct pollfd *fds, nfds_t n, int timeout_ms);
int sim_ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout, const sigset_t *mask);
int sim_nanosleep(const struct timespec *t, struct timespec *left);
int sim_clock_gettime(clockid_t id, struct timespec *t);
int sim_sigaction(int number, const struct sigaction *new, struct sigaction *old);
sighandler_t sim_signal(int number, sighandler_t handler);
void sim_exit_now(int status) __attribute__((noreturn));
int sim_ioctl(int fd, unsigned long request, ...);
int sim_isatty(int fd);
ssize_t sim_getrandom(void *to, size_t n, unsigned flags);
pid_t sim_getpid(void);
int sim_kill(pid_t pid, int number);
char *sim_getenv(const char *name);
int sim_pthread_create(pthread_t *t, const pthread_attr_t *a, void *(*f)(void *), void *arg);
int sim_sched_getaffinity(pid_t pid, size_t size, cpu_set_t *set);
int sim_sched_yield(void);
int sim_prctl(int option, ...);
int sim_setrlimit(int resource, const struct rlimit *limit);
char *sim_setlocale(int category, const char *name);

#endif
