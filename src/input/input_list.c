/*
 * Which FILEs an input was made of, as text that is kept, and where they are in a list that is
 * given later: some may have been renamed, have grown, or have come in between. A line for each:
 *
 *     SIZE HEAD_BYTES HEAD_HASH NAME
 *
 * in the order in which they are read, the name as a person is shown it. What is no regular file
 * has zeros.
 */
#include "input/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/buf.h"
#include "base/log.h"
#include "base/text.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#define HEAD_BYTES (64u << 10)
#define NAME_MOST ((size_t)64 << 10) /* longer than any */

/* How a FILE begins. */
struct head {
	uint64_t size, bytes, hash;
};

/* One line of a list. */
struct line {
	struct head head;
	const char *name; /* as shown; not ended */
	size_t name_len;
	bool found;
};

/* The first `most` bytes of a FILE; zeros where it is no regular one or cannot be read: who reads
 * it says so. */
static struct head read_head(const char *name, uint64_t most)
{
	struct head head = { 0 };
	struct stat st;
	ssize_t got = 0;

	/* a FIFO is opened once, by who reads it: its writer would think that its reader has gone
	 */
	if (file_is_stdin(name) || stat(name, &st) != 0 || !S_ISREG(st.st_mode))
		return head;
	int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return head;
	char *bytes = xmalloc(HEAD_BYTES);
	head.size = (uint64_t)st.st_size;
	while (head.bytes < most &&
	    (got = pread(fd, bytes + head.bytes, most - head.bytes, (off_t)head.bytes)) > 0)
		head.bytes += (uint64_t)got;
	head.hash = XXH3_64bits(bytes, head.bytes);
	free(bytes);
	close(fd); /* it was only read */
	return head;
}

void input_list_of(const struct input_config *config, struct buf *out)
{
	for (size_t i = 0; i < config->file_count; i++) {
		const char *name = config->files[i];
		struct head head = read_head(name, HEAD_BYTES);
		buf_fmt(out, "%" PRIu64 " %" PRIu64 " %016" PRIx64 " ", head.size, head.bytes,
		    head.hash);
		text_safe(out, name, strlen(name), NAME_MOST);
		buf_byte(out, '\n');
	}
}

/* A number and the blank behind it. 0 or -1. */
static int next_number(const char **at, int base, uint64_t *out)
{
	char *end;

	errno = 0;
	*out = strtoull(*at, &end, base);
	if (end == *at || *end != ' ' || errno)
		return -1;
	*at = end + 1;
	return 0;
}

/* The list's next line, *at moves behind it. 1, 0 at its end, -1 where it is no such line. */
static int next_line(const char **at, struct line *line)
{
	if (**at == '\0')
		return 0;
	*line = (struct line){ 0 };
	if (next_number(at, 10, &line->head.size) != 0 ||
	    next_number(at, 10, &line->head.bytes) != 0 ||
	    next_number(at, 16, &line->head.hash) != 0 || line->head.bytes > HEAD_BYTES)
		return -1;
	line->name = *at;
	line->name_len = strcspn(line->name, "\n");
	if (line->name_len == 0 || line->name[line->name_len] != '\n')
		return -1;
	*at = line->name + line->name_len + 1;
	return 1;
}

/* All lines, to be freed; NULL where it is no list. */
static struct line *read_lines(const char *list, size_t *count)
{
	struct line *lines = NULL;
	const char *at = list;
	struct line line;
	int got;

	*count = 0;
	while ((got = next_line(&at, &line)) == 1) {
		lines = xrealloc(lines, (*count + 1) * sizeof *lines);
		lines[(*count)++] = line;
	}
	if (got == 0 && lines)
		return lines;
	free(lines);
	return NULL;
}

static bool has_name(const struct line *line, const char *name)
{
	struct buf text = { .max = BUF_UNBOUNDED };

	text_safe(&text, name, strlen(name), NAME_MOST);
	bool same = text.len == line->name_len && memcmp(text.data, line->name, text.len) == 0;
	buf_free(&text);
	return same;
}

static bool begins_so(const struct line *line, const char *name)
{
	struct head now = read_head(name, line->head.bytes);

	return now.bytes == line->head.bytes && now.hash == line->head.hash;
}

/* What makes a FILE the one of a line, the surest first. By its name alone: then what it holds
 * proves it, or not, when it is read. */
enum sign { NAME_AND_HEAD, HEAD, NAME, SIGNS };

static bool is_it(const struct line *line, const char *name, enum sign sign)
{
	switch (sign) {
	case NAME_AND_HEAD:
		return has_name(line, name) && begins_so(line, name);
	case HEAD:
		return line->head.bytes > 0 && begins_so(line, name);
	default:
		return has_name(line, name);
	}
}

/* Gives each line that has none yet the first FILE with this sign that is nobody's yet. */
static void match(struct line *lines, size_t count, const struct input_config *config, bool *taken,
    size_t *order, enum sign sign)
{
	for (size_t k = 0; k < count; k++) {
		for (size_t i = 0; !lines[k].found && i < config->file_count; i++) {
			if (taken[i] || !is_it(&lines[k], config->files[i], sign))
				continue;
			lines[k].found = taken[i] = true;
			order[k] = i;
		}
	}
}

static int not_found(const struct line *lines, size_t count, struct reason *why)
{
	for (size_t k = 0; k < count; k++)
		if (!lines[k].found)
			return reason_set(why, "%.*s, which it was about, is not among the FILEs",
			    lines[k].name_len > 900 ? 900 : (int)lines[k].name_len, lines[k].name);
	return 0;
}

/* A FILE that is read by lines and has become shorter may have been cut: what is left of it would
 * be taken for all. (JSON that was cut is no JSON; corrected, it may well be shorter.) */
static int was_cut(const struct line *line, const char *name, struct reason *why)
{
	struct head now = read_head(name, 0);

	if (now.size >= line->head.size)
		return 0;
	return reason_set(why,
	    "%.900s is shorter than it was (%" PRIu64 " bytes, and now %" PRIu64
	    "): make it whole again",
	    name, line->head.size, now.size);
}

int input_list_match(const struct input_config *config, const char *list, const bool *by_lines,
    size_t *order, struct reason *why)
{
	size_t count;
	struct line *lines = read_lines(list, &count);

	if (!lines)
		return reason_set(why, "it does not say which FILEs it is about");
	bool *taken = xcalloc(config->file_count, sizeof *taken);
	/* more lines than FILEs: some line is not found, but each may be asked for its FILE */
	size_t *found = xcalloc(count, sizeof *found);
	for (enum sign sign = NAME_AND_HEAD; sign < SIGNS; sign++)
		match(lines, count, config, taken, found, sign);
	int result = not_found(lines, count, why);
	for (size_t k = 0; k < count && result == 0; k++)
		if (by_lines[found[k]])
			result = was_cut(&lines[k], config->files[found[k]], why);
	if (result == 0) {
		memcpy(order, found, count * sizeof *order);
		for (size_t i = 0; i < config->file_count; i++)
			if (!taken[i])
				order[count++] = i;
	}
	free(found);
	free(taken);
	free(lines);
	return result;
}
