/* Counting ahead: the FILEs are read anew, through descriptors of its own. */
#include "input/reader.h"

#include <stdlib.h>
#include <sys/stat.h>
#include "base/buf.h"
#include "base/log.h"

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
		file_reader_unwatch(&c->reader);
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
