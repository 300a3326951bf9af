/* JSON schemas, of which a few keywords are enough for requests. */
#include "schema.h"

#include <stdio.h>
#include <string.h>

#define REFERENCE "#/components/schemas/"

/* `known` gathers the members that the schema names, at this level of the value. */
static bool fits(const json_t *root, const json_t *schema, const json_t *value, json_t *known);

static const json_t *resolved(const json_t *root, const json_t *schema)
{
	const char *name;

	while ((name = json_string_value(json_object_get(schema, "$ref"))) != NULL) {
		if (strncmp(name, REFERENCE, sizeof REFERENCE - 1) != 0)
			return NULL;
		schema = json_object_get(json_object_get(json_object_get(root, "components"),
		                             "schemas"),
		    name + sizeof REFERENCE - 1);
	}
	return schema;
}

static bool is_of_type(const char *type, const json_t *value)
{
	return strcmp(type, "object") == 0 ? json_is_object(value) :
	    strcmp(type, "array") == 0     ? json_is_array(value) :
	    strcmp(type, "string") == 0    ? json_is_string(value) :
	    strcmp(type, "integer") == 0   ? json_is_integer(value) :
	    strcmp(type, "number") == 0    ? json_is_number(value) :
	    strcmp(type, "boolean") == 0   ? json_is_boolean(value) :
	                                     strcmp(type, "null") == 0 && json_is_null(value);
}

static bool type_fits(const json_t *schema, const json_t *value)
{
	const json_t *type = json_object_get(schema, "type"), *one;
	size_t i;

	if (json_is_string(type))
		return is_of_type(json_string_value(type), value);
	json_array_foreach(type, i, one) if (is_of_type(json_string_value(one), value)) return true;
	return type == NULL;
}

static bool is_listed(const json_t *schema, const json_t *value)
{
	const json_t *list = json_object_get(schema, "enum"), *one;
	size_t i;

	json_array_foreach(list, i, one) if (json_equal(one, value)) return true;
	return list == NULL;
}

static bool count_fits(const json_t *schema, const char *least, const char *most, size_t n)
{
	const json_t *min = json_object_get(schema, least), *max = json_object_get(schema, most);

	return (!min || n >= (size_t)json_integer_value(min)) &&
	    (!max || n <= (size_t)json_integer_value(max));
}

static bool array_fits(const json_t *root, const json_t *schema, const json_t *value)
{
	const json_t *items = json_object_get(schema, "items"), *one;
	size_t i;

	json_array_foreach(value, i, one) if (items && !schema_fits(root, items, one)) return false;
	return count_fits(schema, "minItems", "maxItems", json_array_size(value));
}

static bool has_required(const json_t *schema, const json_t *value)
{
	const json_t *name;
	size_t i;

	json_array_foreach(json_object_get(schema, "required"), i,
	    name) if (!json_object_get(value, json_string_value(name))) return false;
	return true;
}

/* A schema that says nothing of an object's members is about any object. */
static bool is_open(const json_t *schema)
{
	static const char *const closing[] = { "properties", "additionalProperties", "required",
		"allOf", "anyOf", "oneOf" };

	for (size_t i = 0; i < sizeof closing / sizeof *closing; i++)
		if (json_object_get(schema, closing[i]))
			return false;
	return true;
}

static bool object_fits(const json_t *root, const json_t *schema, const json_t *value,
    json_t *known)
{
	const json_t *properties = json_object_get(schema, "properties"), *member,
	             *others = json_object_get(schema, "additionalProperties");
	bool open = is_open(schema);
	const char *name;

	json_object_foreach((json_t *)value, name, member)
	{
		const json_t *own = json_object_get(properties, name);
		const json_t *its = own ? own : others;
		if (json_is_false(its) || (json_is_object(its) && !schema_fits(root, its, member)))
			return false;
		if (its || open)
			json_object_set_new(known, name, json_true());
	}
	return has_required(schema, value) &&
	    count_fits(schema, "minProperties", "maxProperties", json_object_size(value));
}

/* How many of a list of schemas fit. */
static size_t count_fitting(const json_t *root, const json_t *list, const json_t *value,
    json_t *known)
{
	const json_t *one;
	size_t i, n = 0;

	json_array_foreach(list, i, one)
	{
		json_t *its = json_object();
		if (fits(root, one, value, its)) {
			json_object_update(known, its);
			n++;
		}
		json_decref(its);
	}
	return n;
}

static bool combination_fits(const json_t *root, const json_t *schema, const json_t *value,
    json_t *known)
{
	static const char *const choices[] = { "anyOf", "oneOf" };
	const json_t *all = json_object_get(schema, "allOf");

	if (count_fitting(root, all, value, known) != json_array_size(all))
		return false;
	for (size_t i = 0; i < sizeof choices / sizeof *choices; i++) {
		const json_t *list = json_object_get(schema, choices[i]);
		if (list && count_fitting(root, list, value, known) == 0)
			return false;
	}
	return true;
}

static bool fits(const json_t *root, const json_t *schema, const json_t *value, json_t *known)
{
	schema = resolved(root, schema);
	return schema && type_fits(schema, value) && is_listed(schema, value) &&
	    combination_fits(root, schema, value, known) &&
	    (!json_is_array(value) || array_fits(root, schema, value)) &&
	    (!json_is_object(value) || object_fits(root, schema, value, known));
}

bool schema_fits(const json_t *root, const json_t *schema, const json_t *value)
{
	json_t *known = json_object(), *member;
	bool good = fits(root, schema, value, known);
	const char *name;

	if (good)
		json_object_foreach((json_t *)value, name, member)
		    good &= json_object_get(known, name) != NULL;
	json_decref(known);
	return good;
}

static bool is_like(const char *pattern, const char *path)
{
	while (*pattern && *pattern != '{')
		if (*pattern++ != *path++)
			return false;
	if (!*pattern)
		return *path == '\0' || *path == '?';
	size_t n = strcspn(path, "/?");
	return n > 0 && is_like(strchr(pattern, '}') + 1, path + n);
}

const json_t *schema_of_request(const json_t *root, const char *method, const char *path)
{
	const char *name;
	const json_t *schema;

	json_object_foreach(json_object_get(root, "requests"), name, schema)
	{
		size_t n = strlen(method);
		if (strncmp(name, method, n) == 0 && name[n] == ' ' && is_like(name + n + 1, path))
			return schema;
	}
	return NULL;
}
