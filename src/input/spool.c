/* The file is written at its end and read from its start; when all of it was read it is emptied. */
#include "input/spool.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/buf.h"
#include "base/os.h"

#define PIECE 4096u /* bytes that are looked at at once, at most */

struct spool {
	source_read *read; /* the source's own */
	void *arg;
	int fd;
	uint64_t most;
	uint64_t kept;   /* bytes in the file, from its start */
	uint64_t taken;  /* ... of them, those that the source has read */
	uint64_t looked; /* ... and those that were looked at */
	bool ended;      /* nothing comes behind them */
	/* what the file could not take of the last piece: it comes behind the file's bytes, and
	 * nothing more is looked at */
	char left[PIECE];
	size_t left_at, left_end;
};

/* A file that goes away by itself, or -1. */
static int open_file(const char *folder)
{
	char name[512];

	if (!folder ||
	    snprintf(name, sizeof name, "%s/cio-import.XXXXXX", folder) >= (int)sizeof name)
		return -1;
	int fd = os_temporary(name);
	if (fd >= 0)
		unlink(name);
	return fd;
}

static bool is_drained(const struct spool *s)
{
	return s->taken == s->kept && s->left_at == s->left_end;
}

/* Bytes from the file, where there are some at `at`. 0: there are none, or it cannot be read. */
static size_t read_back(const struct spool *s, uint64_t at, char *to, size_t n)
{
	uint64_t there = s->kept - at;
	ssize_t got = pread(s->fd, to, n < there ? n : (size_t)there, (off_t)at);

	return got > 0 ? (size_t)got : 0;
}

static size_t take_left(struct spool *s, char *to, size_t n)
{
	size_t there = s->left_end - s->left_at, count = n < there ? n : there;

	memcpy(to, s->left + s->left_at, count);
	s->left_at += count;
	return count;
}

/* source_read, in place of the source's own. */
static enum source_result spool_read(void *arg, char *to, size_t n, size_t *got)
{
	struct spool *s = arg;

	if (s->taken < s->kept) {
		*got = read_back(s, s->taken, to, n);
		s->taken += *got;
		return *got > 0 ? SOURCE_MORE : SOURCE_FAILED;
	}
	*got = take_left(s, to, n);
	if (*got > 0)
		return SOURCE_MORE;
	return s->ended ? SOURCE_END : s->read(s->arg, to, n, got);
}

struct spool *spool_new(struct source *source, uint64_t most)
{
	static const char *const folders[] = { "/var/tmp", "/tmp" };
	int fd = open_file(getenv("TMPDIR"));

	for (size_t i = 0; fd < 0 && i < sizeof folders / sizeof *folders; i++)
		fd = open_file(folders[i]);
	if (fd < 0)
		return NULL;
	struct spool *s = xcalloc(1, sizeof *s);
	s->read = source->read;
	s->arg = source->arg;
	s->fd = fd;
	s->most = most;
	source->read = spool_read;
	source->arg = s;
	return s;
}

void spool_free(struct spool *s)
{
	if (!s)
		return;
	close(s->fd); /* nobody reads it again */
	free(s);
}

void spool_look_anew(struct spool *s)
{
	if (is_drained(s) && ftruncate(s->fd, 0) == 0)
		s->kept = s->taken = 0;
	s->looked = s->taken;
}

/* Keeps a piece that was read. False: not all of it; the rest is in s->left. */
static bool keep(struct spool *s, const char *piece, size_t n)
{
	while (n > 0 && s->kept < s->most) {
		ssize_t written = pwrite(s->fd, piece, n, (off_t)s->kept);
		if (written <= 0)
			break;
		s->kept += (uint64_t)written;
		piece += written;
		n -= (size_t)written;
	}
	memcpy(s->left, piece, n);
	s->left_at = 0;
	s->left_end = n;
	return n == 0;
}

enum source_result spool_look(struct spool *s, char *to, size_t n, size_t *got)
{
	*got = 0;
	if (s->looked < s->kept) {
		*got = read_back(s, s->looked, to, n);
		s->looked += *got;
		return *got > 0 ? SOURCE_MORE : SOURCE_FAILED;
	}
	if (s->left_at < s->left_end)
		return SOURCE_FAILED;
	if (s->ended)
		return SOURCE_END;
	enum source_result result = s->read(s->arg, to, n < PIECE ? n : PIECE, got);
	s->ended = result == SOURCE_END;
	if (result != SOURCE_MORE)
		return result;
	if (!keep(s, to, *got))
		return SOURCE_FAILED;
	s->looked = s->kept;
	return SOURCE_MORE;
}
