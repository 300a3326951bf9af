/* What an identifier of a person is. */
#ifndef ID_TYPE_H
#define ID_TYPE_H

#include <stddef.h>

/* Each type, and its name in options, in records and on the wire; in the order in which a record's
 * identifying field is looked for. */
#define ID_TYPES(X) X(ID, "id") X(EMAIL, "email") X(CIO_ID, "cio_id") X(PHONE, "phone")

#define ID_TYPE_ENUM(type, name) ID_##type,
enum id_type { ID_TYPES(ID_TYPE_ENUM) ID_TYPE_COUNT };

extern const char *const id_type_names[ID_TYPE_COUNT + 1]; /* NULL at the end */

/* The type whose name this one is, n bytes of it, but for case, white space, hyphens and
 * underscores ("ID", "E-mail"); ID_TYPE_COUNT: of none. A type's own name is near too. */
enum id_type id_type_near(const char *name, size_t n);

#endif
