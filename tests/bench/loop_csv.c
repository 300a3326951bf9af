/* loop_csv FILE: the least that reading a CSV with libcsv takes: its fields are counted. */
#include <csv.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

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
	int fd = argc == 2 ? open(argv[1], O_RDONLY) : -1;
	char chunk[CHUNK];
	ssize_t n;

	if (fd < 0 || csv_init(&p, 0) != 0)
		return 1;
	while ((n = read(fd, chunk, sizeof chunk)) > 0)
		if (csv_parse(&p, chunk, (size_t)n, on_field, NULL, &fields) != (size_t)n)
			return 1;
	csv_fini(&p, on_field, NULL, &fields);
	csv_free(&p);
	close(fd);
	printf("%lu fields\n", fields);
	return n != 0;
}
