/* loop_csv FILE: the least that reading a CSV with libcsv takes: its fields are counted. */
#include <csv.h>
#include <stdio.h>

#define CHUNK 65536

static void on_field(void *text, size_t n, void *arg)
{
	(void)text;
	(void)n;
	++*(unsigned long *)arg;
}

int main(int argc, char **argv)
{
	struct csv_parser p;
	unsigned long fields = 0;
	FILE *f = argc == 2 ? fopen(argv[1], "r") : NULL;
	char chunk[CHUNK];
	size_t n;

	if (!f || csv_init(&p, CSV_APPEND_NULL) != 0)
		return 1;
	while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
		if (csv_parse(&p, chunk, n, on_field, NULL, &fields) != n)
			return 1;
	csv_fini(&p, on_field, NULL, &fields);
	csv_free(&p);
	fclose(f);
	printf("%lu fields\n", fields);
	return 0;
}
