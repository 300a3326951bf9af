/* Runs a fuzz driver over the files named, without a fuzzer. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/buf.h"

#define LARGEST (64u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reads a whole file: 0 or -1. */
static int read_file(const char *name, struct buf *to)
{
	char piece[65536];
	size_t n;
	FILE *file = fopen(name, "rb");

	if (!file)
		return -1;
	while ((n = fread(piece, 1, sizeof piece, file)) > 0)
		buf_add(to, piece, n);
	int failed = ferror(file) || to->over;
	fclose(file);
	return failed ? -1 : 0;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		struct buf bytes;
		buf_init(&bytes, LARGEST);
		if (read_file(argv[i], &bytes) != 0) {
			perror(argv[i]);
			return EXIT_FAILURE;
		}
		LLVMFuzzerTestOneInput((const uint8_t *)(bytes.data ? bytes.data : ""), bytes.len);
		buf_free(&bytes);
	}
	printf("%d inputs replayed\n", argc - 1);
	return argc > 1 ? EXIT_SUCCESS : EXIT_FAILURE;
}
