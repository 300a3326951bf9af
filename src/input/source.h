/*
 * Bytes from a file, a pipe, or a test: a window on the part that is being read, moved along by the
 * reader.
 */
#ifndef SOURCE_H
#define SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SOURCE_FILE_BYTES (256u << 10) /* the buffer for a regular file */
#define SOURCE_PIPE_BYTES (64u << 10)  /* ... and for anything else: what a pipe holds */

enum source_result { SOURCE_MORE, SOURCE_END, SOURCE_AGAIN, SOURCE_FAILED };

/*
 * Reads up to n bytes: SOURCE_MORE with *got of them (at least one), SOURCE_END, SOURCE_AGAIN
 * (nothing there now), SOURCE_FAILED with errno.
 */
typedef enum source_result source_read(void *arg, char *to, size_t n, size_t *got);

/* Copies up to n bytes from the byte number `at` of all that the source reads, from 0, without
 * reading on. Returns how many; 0 where there are none, or it cannot be done. */
typedef size_t source_peek(void *arg, uint64_t at, char *to, size_t n);

struct source {
	char *data; /* owned; SCAN_BYTES longer than cap; data[end] is NUL */
	size_t cap;
	size_t start, end; /* data[start] to data[end - 1] was read and not yet taken */
	size_t base;       /* the buffer's ordinary size */
	size_t most;       /* ... and its largest, for one long record */
	uint64_t total;    /* bytes that were read */
	bool at_end;       /* there is nothing after `end` */
	/* the caller's to set: what it was decoded from, for messages; NULL: nothing */
	const char *encoding;
	source_read *read;
	source_peek *peek; /* the caller's to set; NULL: nobody can look ahead */
	void *arg;
};

/* Bytes from read(arg, ...), in a buffer of `base` bytes that grows for a record of up to `longest`
 * bytes. */
void source_init(struct source *s, size_t base, size_t longest, source_read *read, void *arg);
void source_free(struct source *s);

/*
 * Reads more behind what is held, which may move (so every pointer into it is stale). Its room
 * grows when what is held fills it; the caller must have taken, or skipped, anything longer than
 * `longest`. At most `base` bytes are read at once.
 */
enum source_result source_fill(struct source *s);

/* source_read for a descriptor: `arg` is a struct source_fd. */
struct source_fd {
	int fd;
	bool regular; /* never waits; anything else is asked with poll first */
};
enum source_result source_read_fd(void *arg, char *to, size_t n, size_t *got);

#endif
