/* Formats by name and by the ending of a file's name. */
#include "input/format.h"

#include <stddef.h>
#include <stdlib.h>
#include <strings.h>
#include "base/buf.h"
#include "base/path.h"

const char *const format_names[] = {
	[INPUT_AUTO] = "auto",
	[INPUT_CSV] = "csv",
	[INPUT_TSV] = "tsv",
	[INPUT_NDJSON] = "ndjson",
	[INPUT_JSON] = "json",
	NULL,
};

/* A format's usual ending stands first. */
static const struct {
	const char *text;
	enum input_format format;
} endings[] = {
	{ ".csv", INPUT_CSV }, { ".tsv", INPUT_TSV }, { ".ndjson", INPUT_NDJSON },
	{ ".jsonl", INPUT_NDJSON }, { ".json", INPUT_AUTO }, /* either, by what is there */
};
#define ENDINGS (sizeof endings / sizeof *endings)

enum input_format format_of_name(const char *name)
{
	char *plain = xstrndup(name, path_unpacked(name));
	const char *ending = path_ending(plain);
	enum input_format format = INPUT_AUTO;

	for (size_t i = 0; i < ENDINGS; i++)
		if (strcasecmp(ending, endings[i].text) == 0)
			format = endings[i].format;
	free(plain);
	return format;
}

const char *format_ending(enum input_format format)
{
	for (size_t i = 0; i < ENDINGS; i++)
		if (endings[i].format == format)
			return endings[i].text;
	return "";
}
