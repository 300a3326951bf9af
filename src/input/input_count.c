/* Counting ahead, and telling one input from another: both read the FILEs anew, through descriptors
 * of their own. */
#include "input/reader.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/buf.h"
#include "base/log.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#define IDENTITY_BYTES (64u << 10) /* of a file's head, and of its tail */

struct input_counter {
	const struct input_config *config;
	size_t current;
	bool open, failed;
	struct file_reader reader;
	uint64_t total, layouts;
};

struct input_counter *input_counter_new(const struct input_config *config)
{
	struct input_counter *c = xcalloc(1, sizeof *c);
	struct stat st;

	c->config = config;
	for (size_t i = 0; i < config->file_count; i++)
		if (file_is_stdin(config->files[i]) || stat(config->files[i], &st) ||
		    !S_ISREG(st.st_mode))
			c->failed = true;
	return c;
}

void input_counter_free(struct input_counter *c)
{
	if (!c)
		return;
	if (c->open)
		file_reader_close(&c->reader);
	free(c);
}

/* A piece of the current FILE. INPUT_RECORD: there may be more of it; INPUT_END; INPUT_FAILED. */
static enum input_result count_piece(struct input_counter *c, size_t bytes)
{
	struct reason why;
	int status;

	if (!c->open) {
		if (file_reader_open(&c->reader, c->config, c->current, &why, &status))
			return INPUT_FAILED;
		c->open = true;
	}
	if (!c->reader.regular)
		return INPUT_FAILED; /* it is another file by now */
	if (c->reader.stage != FILE_READY) {
		enum input_result result = file_reader_begin(&c->reader, c->config, c->current,
		    &c->layouts, &why, &status);
		if (result != INPUT_RECORD)
			return result;
	}
	return file_reader_count(&c->reader, bytes, &c->total);
}

int input_counter_step(struct input_counter *c, size_t bytes, uint64_t *total)
{
	if (c->failed)
		return -1;
	if (c->current < c->config->file_count) {
		enum input_result result = count_piece(c, bytes);
		if (result == INPUT_RECORD)
			return 1;
		if (c->open)
			file_reader_close(&c->reader);
		c->open = false;
		if (result != INPUT_END) {
			c->failed = true;
			return -1;
		}
		c->current++;
	}
	if (c->current < c->config->file_count)
		return 1;
	*total = c->total;
	return 0;
}

/* Adds the n bytes at `at` to the hash: fewer where the file is shorter. */
static int hash_piece(XXH3_state_t *state, int fd, off_t at, size_t n)
{
	char piece[8192];

	while (n > 0) {
		ssize_t got = pread(fd, piece, n < sizeof piece ? n : sizeof piece, at);
		if (got < 0)
			return -1;
		if (got == 0)
			return 0;
		XXH3_128bits_update(state, piece, (size_t)got);
		at += got;
		n -= (size_t)got;
	}
	return 0;
}

static int hash_file(XXH3_state_t *state, const char *name)
{
	struct stat st;
	int result = -1, fd;

	/* a FIFO is opened once, by who reads it: its writer would think that its reader has gone
	 */
	if (stat(name, &st) != 0 || !S_ISREG(st.st_mode))
		return -1;
	fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -1;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		goto out;
	uint64_t size = (uint64_t)st.st_size;
	XXH3_128bits_update(state, &size, sizeof size);
	off_t tail = st.st_size > (off_t)IDENTITY_BYTES ? st.st_size - (off_t)IDENTITY_BYTES : 0;
	if (hash_piece(state, fd, 0, IDENTITY_BYTES) == 0 &&
	    hash_piece(state, fd, tail, IDENTITY_BYTES) == 0)
		result = 0;
out:
	close(fd); /* it was only read */
	return result;
}

bool input_identity_of(const struct input_config *config, struct buf *out)
{
	XXH3_state_t *state = XXH3_createState();
	bool known = state != NULL;

	if (known)
		XXH3_128bits_reset(state);
	for (size_t i = 0; known && i < config->file_count; i++)
		known = !file_is_stdin(config->files[i]) && hash_file(state, config->files[i]) == 0;
	if (known) {
		XXH128_hash_t hash = XXH3_128bits_digest(state);
		buf_fmt(out, "%zu:%016" PRIx64 "%016" PRIx64, config->file_count, hash.high64,
		    hash.low64);
	}
	XXH3_freeState(state);
	return known;
}
