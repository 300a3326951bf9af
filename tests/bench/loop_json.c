/* loop_json FILE: the least that reading NDJSON with jansson takes: each line is loaded and
 * forgotten. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
	FILE *f = argc == 2 ? fopen(argv[1], "r") : NULL;
	char *line = NULL;
	size_t cap = 0, members = 0;
	ssize_t n;

	if (!f)
		return 1;
	while ((n = getline(&line, &cap, f)) > 0) {
		json_t *o = json_loadb(line, (size_t)n, 0, NULL);
		if (!o)
			return 1;
		members += json_object_size(o);
		json_decref(o);
	}
	free(line);
	fclose(f);
	printf("%zu members\n", members);
	return 0;
}
