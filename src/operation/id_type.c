/* The names of the types of identifiers. */
#include "operation/id_type.h"

#include <stdbool.h>
#include "base/utf8.h"

#define NAME(type, name) [ID_##type] = (name),
const char *const id_type_names[ID_TYPE_COUNT + 1] = { ID_TYPES(NAME) NULL };

/* How many bytes at s do not count in a name: n of them are there. */
static size_t skipped(const char *s, size_t n)
{
	return n > 0 && (*s == '-' || *s == '_') ? 1 : utf8_white(s, n);
}

static bool is_near(const char *name, size_t n, const char *type)
{
	size_t i = 0, len;

	for (;;) {
		while ((len = skipped(name + i, n - i)) > 0)
			i += len;
		type += *type == '_';
		if (i == n || !*type)
			return i == n && !*type;
		char c = name[i] >= 'A' && name[i] <= 'Z' ? (char)(name[i] | 0x20) : name[i];
		if (c != *type)
			return false;
		i++;
		type++;
	}
}

enum id_type id_type_near(const char *name, size_t n)
{
	for (enum id_type t = 0; t < ID_TYPE_COUNT; t++)
		if (is_near(name, n, id_type_names[t]))
			return t;
	return ID_TYPE_COUNT;
}
