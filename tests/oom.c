/*
 * A library to preload that fails the Nth malloc, calloc or realloc after main begins:
 * CIO_FAIL_ALLOC=N, or "N+" for that and every later one. When it is reached, "alloc:N" is appended
 * to the file CIO_FAULT_LOG. For glibc.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <dlfcn.h>

typedef int main_function(int, char **, char **);
typedef int start_function(main_function *, int, char **, void (*)(void), void (*)(void),
    void (*)(void), void *);

start_function __libc_start_main;
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);

static atomic_ullong seen;
static unsigned long long nth; /* 0: none fails */
static bool later;
static const char *log_name;
static main_function *real_main;

static bool due(void)
{
	char line[40];

	if (nth == 0)
		return false;
	unsigned long long n = atomic_fetch_add(&seen, 1) + 1;
	if (n != nth && !(later && n > nth))
		return false;
	if (log_name && n == nth) {
		int len = snprintf(line, sizeof line, "alloc:%llu\n", n);
		int fd = (int)syscall(SYS_openat, AT_FDCWD, log_name,
		    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
		if (fd < 0 || syscall(SYS_write, fd, line, (size_t)len) != len)
			_exit(99);
		syscall(SYS_close, fd);
	}
	errno = ENOMEM;
	return true;
}

void *malloc(size_t n)
{
	return due() ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
	return due() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
	return due() ? NULL : __libc_realloc(p, n);
}

static int counted_main(int argc, char **argv, char **environment)
{
	const char *text = getenv("CIO_FAIL_ALLOC");
	char *end;

	log_name = getenv("CIO_FAULT_LOG");
	if (text) {
		nth = strtoull(text, &end, 10);
		later = *end == '+';
	}
	return real_main(argc, argv, environment);
}

int __libc_start_main(main_function *program, int argc, char **argv, void (*init)(void),
    void (*fini)(void), void (*rtld_fini)(void), void *stack_end)
{
	start_function *real;
	void *symbol = dlsym(RTLD_NEXT, "__libc_start_main");

	memcpy(&real, &symbol, sizeof real);
	real_main = program;
	return real(counted_main, argc, argv, init, fini, rtld_fini, stack_end);
}
