/* Whether JSON is what a JSON schema says: of the keywords those that fixtures/schemas.json uses.
 * Pure. */
#ifndef SCHEMA_H
#define SCHEMA_H

#include <jansson.h>
#include <stdbool.h>

/* Whether `value` is as `schema` says; references are looked up in `root`. Stricter than the
 * standard in one thing: an object has no member that no part of its schema names, unless the
 * schema says that it may have any. Of `oneOf` at least one has to fit. */
bool schema_fits(const json_t *root, const json_t *schema, const json_t *value);

/* The schema of a request in root's "requests": {"PUT /a/{name}": ...}, or NULL: there is no such
 * request. A query is passed over. */
const json_t *schema_of_request(const json_t *root, const char *method, const char *path);

#endif
