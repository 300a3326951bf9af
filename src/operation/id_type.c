/* The names of the types of identifiers. */
#include "operation/id_type.h"

#include <stddef.h>

#define NAME(type, name) [ID_##type] = (name),
const char *const id_type_names[ID_TYPE_COUNT + 1] = { ID_TYPES(NAME) NULL };
