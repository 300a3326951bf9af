/* Names of files are taken apart at their last slash and their last dot. */
#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/buf.h"
#include "base/text.h"

const char *path_shown(const char *path, char out[PATH_SHOWN])
{
	struct buf b;

	buf_init(&b, PATH_SHOWN - 1);
	/* escaping may make more of it: then b is cut short */
	text_safe(&b, path, strlen(path), PATH_SHOWN / 2);
	if (b.len)
		memcpy(out, b.data, b.len);
	out[b.len] = '\0';
	buf_free(&b);
	return out;
}

const char *path_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

const char *path_ending(const char *path)
{
	const char *base = path_base(path), *dot = strrchr(base, '.');

	return dot && dot != base && dot[1] ? dot : base + strlen(base);
}

size_t path_unpacked(const char *path)
{
	const char *ending = path_ending(path);

	return (size_t)(ending - path) + (strcasecmp(ending, ".gz") == 0 ? 0 : strlen(ending));
}

char *path_directory(const char *path)
{
	size_t n = (size_t)(path_base(path) - path);

	if (n == 0)
		return xstrdup(".");
	return n == 1 ? xstrdup("/") : xstrndup(path, n - 1);
}

char *path_absolute(const char *path)
{
	const char *base = path_base(path);
	char *dir = path_directory(path);
	char *real = realpath(dir, NULL);

	free(dir);
	if (!real)
		return NULL;
	size_t len = strlen(real), base_len = strlen(base);
	char *whole = xmalloc(len + base_len + 2);
	memcpy(whole, real, len);
	if (whole[len - 1] != '/')
		whole[len++] = '/';
	memcpy(whole + len, base, base_len + 1);
	free(real);
	return whole;
}

char *path_relative(const char *path, const char *beside)
{
	size_t common = 0;
	struct buf out;

	for (size_t i = 0; path[i] && path[i] == beside[i]; i++)
		if (path[i] == '/')
			common = i + 1;
	buf_init(&out, BUF_UNBOUNDED);
	for (const char *p = beside + common; (p = strchr(p, '/')) != NULL; p++)
		buf_str(&out, "../");
	buf_add(&out, path + common, strlen(path + common) + 1);
	return out.data;
}

char *path_resolve(const char *relative, const char *beside)
{
	size_t dir = (size_t)(strrchr(beside, '/') - beside);
	struct buf out;

	for (; strncmp(relative, "../", 3) == 0; relative += 3)
		while (dir > 0 && beside[--dir] != '/')
			;
	buf_init(&out, BUF_UNBOUNDED);
	buf_add(&out, beside, dir);
	buf_byte(&out, '/');
	buf_add(&out, relative, strlen(relative) + 1);
	return out.data;
}

int path_sync_dir(const char *path)
{
	char *dir = path_directory(path);
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	free(dir);
	if (fd < 0)
		return -1;
	int result = fsync(fd);
	if (result != 0 && (errno == EINVAL || errno == ENOTSUP))
		result = 0; /* a file system that has no such thing */
	int error = errno;
	close(fd); /* nothing was written through it */
	errno = error;
	return result;
}

bool path_names(const char *path, int fd)
{
	struct stat held, named;

	return fstat(fd, &held) == 0 && lstat(path, &named) == 0 && held.st_dev == named.st_dev &&
	    held.st_ino == named.st_ino;
}

char *path_aside(const char *path, unsigned n)
{
	struct buf name;

	buf_init(&name, BUF_UNBOUNDED);
	buf_str(&name, path);
	if (n > 1)
		buf_fmt(&name, ".~%u", n);
	buf_add(&name, "~", 2);
	return name.data;
}

/* The name is taken by an empty file first, so that of two programs only one gets it. 0 or -1 with
 * errno: EEXIST where it is taken. */
static int rename_to_free(const char *path, const char *aside)
{
	int fd = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return -1;
	close(fd); /* nothing was written through it */
	if (rename(path, aside) == 0)
		return path_sync_dir(path);
	int error = errno;
	unlink(aside);
	errno = error;
	return -1;
}

int path_set_aside(const char *path, char **aside)
{
	for (unsigned n = 1;; n++) {
		*aside = path_aside(path, n);
		if (rename_to_free(path, *aside) == 0)
			return 0;
		int error = errno;
		free(*aside);
		*aside = NULL;
		errno = error;
		if (error != EEXIST)
			return -1;
	}
}
