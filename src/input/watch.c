/* Whether a file is still what it was is told by a hash of what was read of it. */
#include "input/watch.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>
#include "base/buf.h"
#include "base/log.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#define PIECE 65536 /* bytes that are compared at once */
/* What was read is compared as a whole when it is twice what it was the last time: so a file that
 * grows all the time is not read again and again. Below this much it is no matter. */
#define PROVED_AT_ONCE (8 << 20)

void stamp_take(struct stamp *s, const struct stat *st)
{
	*s = (struct stamp){
		.device = (uint64_t)st->st_dev,
		.inode = (uint64_t)st->st_ino,
		.size = (int64_t)st->st_size,
		.modified_ns = (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec,
		.changed_ns = (int64_t)st->st_ctim.tv_sec * 1000000000 + st->st_ctim.tv_nsec,
	};
}

/* The times of its name and rights (changed_ns) are no matter to who reads it. */
static bool same_content(const struct stamp *a, const struct stamp *b)
{
	return a->size == b->size && a->modified_ns == b->modified_ns;
}

bool stamp_same(const struct stamp *a, const struct stamp *b)
{
	return a->device == b->device && a->inode == b->inode && same_content(a, b) &&
	    a->changed_ns == b->changed_ns;
}

/* A state has to stand at a multiple of 64. */
static void make_hash(struct watch *w)
{
	w->room = xcalloc(sizeof(XXH3_state_t) + 64, 1);
	w->hash = (void *)(((uintptr_t)w->room + 63) & ~(uintptr_t)63);
	XXH3_64bits_reset(w->hash);
}

void watch_begin(struct watch *w, int fd, const struct stat *st, struct reason *why)
{
	off_t at = lseek(fd, 0, SEEK_CUR);

	*w = (struct watch){ .from = { .fd = fd, .regular = true }, .why = why };
	stamp_take(&w->first, st);
	w->last = w->first;
	w->start = w->at = w->proved = at > 0 ? (int64_t)at : 0;
	make_hash(w);
}

void watch_free(struct watch *w)
{
	free(w->room);
	*w = (struct watch){ 0 };
}

static int was_cut(struct watch *w, int64_t size)
{
	reason_exit(w->why, EX_DATAERR,
	    "was cut short while it was read (it had %" PRId64 " bytes, and has %" PRId64
	    "): make it whole, and run the same command again",
	    w->last.size, size);
	w->spoiled = true;
	return 0;
}

static int was_rewritten(struct watch *w)
{
	reason_exit(w->why, EX_DATAERR,
	    "was rewritten while it was read, so that nobody can say which of its rows were "
	    "read: run again when it is finished");
	w->spoiled = true;
	return 0;
}

/* The next piece of the bytes from *at to `to`, as the file holds them now. Its size; 0: there are
 * no more; -1 with errno. */
static ssize_t read_again(const struct watch *w, int64_t at, int64_t to, char piece[PIECE])
{
	size_t n = to - at < PIECE ? (size_t)(to - at) : PIECE;
	ssize_t got;

	do
		got = pread(w->from.fd, piece, n, (off_t)at);
	while (got < 0 && errno == EINTR);
	return got;
}

/* Whether the n bytes at the offset are still these. 1, 0, or -1 with errno. */
static int are_still(const struct watch *w, const char *bytes, size_t n, int64_t offset)
{
	int64_t end = offset + (int64_t)n;
	char piece[PIECE];

	while (offset < end) {
		ssize_t got = read_again(w, offset, end, piece);
		if (got < 0)
			return -1;
		if (got == 0 || memcmp(piece, bytes, (size_t)got) != 0)
			return 0;
		bytes += got;
		offset += got;
	}
	return 1;
}

/* Whether all that was handed out is still there. 1, 0, or -1 with errno. */
static int all_is_still(struct watch *w)
{
	int64_t at = w->start;
	char piece[PIECE];
	XXH3_state_t now;

	XXH3_64bits_reset(&now);
	while (at < w->at) {
		ssize_t got = read_again(w, at, w->at, piece);
		if (got < 0)
			return -1;
		if (got == 0)
			return 0;
		XXH3_64bits_update(&now, piece, (size_t)got);
		at += got;
	}
	w->proved = w->at;
	w->doubtful = false;
	return XXH3_64bits_digest(&now) == XXH3_64bits_digest(w->hash);
}

/* Whether enough of what was handed out is still there to go on behind it. 1, 0, or -1 with
 * errno. */
static int front_is_still(struct watch *w)
{
	if (w->at < PROVED_AT_ONCE || w->at / 2 >= w->proved)
		return all_is_still(w);
	w->doubtful = true;
	return are_still(w, w->tail, w->tail_len, w->at - (int64_t)w->tail_len);
}

/*
 * Behind each read of n bytes: nothing of them is handed out that does not belong to what was
 * handed out before. None: that is the end, and everything has to. 1, 0 (then *w says why not), or
 * -1 with errno.
 */
static int look(struct watch *w, const char *bytes, size_t n)
{
	struct stat st;
	struct stamp now;
	int same = 1;

	if (fstat(w->from.fd, &st) != 0)
		return -1;
	stamp_take(&now, &st);
	if (now.size == 0 && w->first.size == 0)
		return 1; /* one of /proc, say, of which nobody knows the size */
	bool changed = !same_content(&now, &w->last);
	if (changed && (now.size < w->last.size || now.size < w->at + (int64_t)n))
		return was_cut(w, now.size);
	if (n == 0 && (changed || w->doubtful))
		same = all_is_still(w);
	else if (changed)
		same = front_is_still(w);
	if (changed && same == 1)
		same = are_still(w, bytes, n, w->at);
	w->grew |= now.size > w->first.size;
	w->last = now;
	return same == 0 ? was_rewritten(w) : same;
}

static void remember(struct watch *w, const char *bytes, size_t n)
{
	size_t keep = n < WATCH_TAIL ? n : WATCH_TAIL;
	size_t before = w->tail_len < WATCH_TAIL - keep ? w->tail_len : WATCH_TAIL - keep;

	XXH3_64bits_update(w->hash, bytes, n);
	memmove(w->tail, w->tail + w->tail_len - before, before);
	memcpy(w->tail + before, bytes + n - keep, keep);
	w->tail_len = before + keep;
	w->at += (int64_t)n;
}

enum source_result watch_read(void *arg, char *to, size_t n, size_t *got)
{
	struct watch *w = arg;

	*got = 0;
	enum source_result result = source_read_fd(&w->from, to, n, got);
	if (result != SOURCE_MORE && result != SOURCE_END)
		return result;
	if (look(w, to, *got) != 1) {
		*got = 0;
		return SOURCE_FAILED;
	}
	remember(w, to, *got);
	return result;
}

bool watch_is_replaced(const struct watch *w, const char *name)
{
	struct stat st;

	return stat(name, &st) != 0 || (uint64_t)st.st_dev != w->first.device ||
	    (uint64_t)st.st_ino != w->first.inode;
}
