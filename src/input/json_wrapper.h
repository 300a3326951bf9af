/*
 * Documents that hold their records in a list: {"users": [{...}, {...}]}. To us they are one record
 * that names nobody, or one that is too long; whoever reads that should read how to get at them.
 */
#ifndef JSON_WRAPPER_H
#define JSON_WRAPPER_H

#include <stdbool.h>
#include <stddef.h>

struct reason;

/* Where the value of a member of that name is a list of objects, adds to *why how to take these out
 * of it. Whether it is. */
bool json_wrapper_explain(const char *name, size_t name_len, const char *value, size_t n,
    struct reason *why);

/* The same of an object of which the first n bytes are at `text`, and its first member. */
void json_wrapper_begins(const char *text, size_t n, struct reason *why);

#endif
