/* Names that options make of an input's, looked for in its directory. */
#include "run/beside.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/path.h"

#define ENDING ".cio-state"

/* Whether a name is that of a state of `base`; how many shards there were of it then, 0: none. */
static bool is_state(const char *name, const char *base, unsigned *shards)
{
	size_t len = strlen(base);
	unsigned shard;
	int end = 0;

	if (strncmp(name, base, len) != 0)
		return false;
	name += len;
	*shards = 0;
	if (strcmp(name, ENDING) == 0)
		return true;
	return sscanf(name, ".%5uof%5u" ENDING "%n", &shard, shards, &end) == 2 && end > 0 &&
	    name[end] == '\0' && shard > 0 && shard <= *shards;
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
