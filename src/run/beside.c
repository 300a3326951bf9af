/* Names that options make of an input's, looked for in its directory. */
#include "run/beside.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/path.h"

#define ENDING ".cio-state"

/* The number of at most five digits that s begins with; returns what follows, or NULL. */
static const char *read_number(const char *s, unsigned *out)
{
	const char *p = s;

	for (*out = 0; *p >= '0' && *p <= '9' && p - s < 5; p++)
		*out = *out * 10 + (unsigned)(*p - '0');
	return p > s ? p : NULL;
}

/* Whether a name is that of a state of `base`; how many shards there were of it then, 0: none. */
static bool is_state(const char *name, const char *base, unsigned *shards)
{
	size_t len = strlen(base);
	unsigned shard;

	if (strncmp(name, base, len) != 0)
		return false;
	name += len;
	*shards = 0;
	if (strcmp(name, ENDING) == 0)
		return true;
	if (*name != '.' || !(name = read_number(name + 1, &shard)) ||
	    strncmp(name, "of", 2) != 0 || !(name = read_number(name + 2, shards)))
		return false;
	return strcmp(name, ENDING) == 0 && shard > 0 && shard <= *shards;
}

void beside_other_shards(const char *file, unsigned shards, struct buf *out)
{
	char *directory = path_directory(file);
	DIR *dir = opendir(directory);
	const struct dirent *entry;
	unsigned then;

	free(directory);
	if (!dir)
		return;
	while (out->len == 0 && (entry = readdir(dir)) != NULL) {
		if (!is_state(entry->d_name, path_base(file), &then) || then == shards)
			continue;
		buf_add(out, file, (size_t)(path_base(file) - file));
		buf_str(out, entry->d_name);
	}
	closedir(dir);
}
