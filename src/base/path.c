/* Names of files are taken apart at their last slash and their last dot. */
#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
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

char *path_directory(const char *path)
{
	size_t n = (size_t)(path_base(path) - path);

	if (n == 0)
		return xstrdup(".");
	return n == 1 ? xstrdup("/") : xstrndup(path, n - 1);
}

char *path_aside(const char *path)
{
	size_t n = strlen(path);
	char *aside = xmalloc(n + 2);

	memcpy(aside, path, n);
	memcpy(aside + n, "~", 2);
	return aside;
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
