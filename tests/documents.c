/* Fenced blocks and examples are found by their marks. */
#include "documents.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

char *document_read(const char *name)
{
	FILE *f = fopen(name, "re");
	struct buf all;

	if (!f)
		return NULL;
	buf_init(&all, 1 << 20);
	for (size_t n = 1; n > 0; all.len += n)
		n = fread(buf_room(&all, 65536), 1, 65536, f);
	fclose(f);
	buf_byte(&all, '\0');
	return all.data;
}

/* The line at *at, without its line break; moves *at behind it. Its length is in *n. NULL at the
 * end. */
static const char *next_line(const char **at, size_t *n)
{
	const char *line = *at;

	if (!*line)
		return NULL;
	*n = strcspn(line, "\n");
	*at = line + *n + (line[*n] == '\n');
	return line;
}

static bool is_line(const char *line, size_t n, const char *want)
{
	return strlen(want) == n && memcmp(line, want, n) == 0;
}

char *document_fence(const char *sort, size_t n)
{
	char *all = document_read(README), *result = NULL, opening[64];
	const char *at = all, *line, *start = NULL;
	bool within = false;
	size_t len;

	snprintf(opening, sizeof opening, "```%s", sort);
	while (at && !result && (line = next_line(&at, &len))) {
		if (!within && len >= 3 && memcmp(line, "```", 3) == 0) {
			within = true;
			start = is_line(line, len, opening) ? at : NULL;
		} else if (within && is_line(line, len, "```")) {
			within = false;
			if (start && n-- == 0)
				result = xstrndup(start, (size_t)(line - start));
		}
	}
	free(all);
	return result;
}

/* A literal block's line as it is shown: \e is a backslash, \& is nothing. */
static void show_line(struct buf *out, const char *line, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (line[i] != '\\' || i + 1 == n)
			buf_byte(out, line[i]);
		else if (line[++i] == 'e')
			buf_byte(out, '\\');
	}
	buf_byte(out, '\n');
}

char *document_example(size_t n)
{
	char *all = document_read(MANUAL);
	const char *at = all ? strstr(all, ".Sh EXAMPLES\n") : NULL, *line;
	bool within = false;
	struct buf block;
	size_t len, seen = 0;

	buf_init(&block, 1 << 20);
	at = at ? at + strlen(".Sh EXAMPLES\n") : NULL;
	while (at && (line = next_line(&at, &len)) && strncmp(line, ".Sh ", 4) != 0) {
		if (strncmp(line, ".Bd -literal", 12) == 0) {
			within = true;
		} else if (is_line(line, len, ".Ed")) {
			within = false;
			if (seen++ == n)
				break;
		} else if (within && seen == n) {
			show_line(&block, line, len);
		}
	}
	free(all);
	if (block.len)
		buf_byte(&block, '\0');
	return block.data;
}

static bool goes_on(const char *line, size_t n)
{
	return n > 0 && (line[n - 1] == '\\' || line[n - 1] == '|');
}

char *document_script(const char *block, const char *check)
{
	const char *at = block, *line;
	bool command = false;
	struct buf script;
	size_t n;

	buf_init(&script, 1 << 20);
	while ((line = next_line(&at, &n))) {
		if (n > 2 && memcmp(line, "$ ", 2) == 0) {
			command = true;
			line += 2;
			n -= 2;
		}
		if (!command)
			continue; /* what a command prints */
		buf_add(&script, line, n);
		buf_byte(&script, '\n');
		command = goes_on(line, n);
		if (!command)
			buf_fmt(&script, "%s $?\n", check);
	}
	buf_byte(&script, '\0');
	return script.data;
}
