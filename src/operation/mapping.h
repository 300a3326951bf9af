/*
 * Mapping: rename, add, choose, type and empty the fields of a record, in the order
 * --map, --set, (the identifying field is found), --only and --drop.
 */
#ifndef MAPPING_H
#define MAPPING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "operation/id_type.h"

struct record;
struct reason;
struct buf;
struct mapping;

enum field_type { TYPE_STRING, TYPE_INT, TYPE_FLOAT, TYPE_BOOL, TYPE_TIMESTAMP, TYPE_JSON };
/* "string", "int", ...; NULL at the end. */
extern const char *const type_names[];
enum empty_mode { EMPTY_SKIP, EMPTY_CLEAR, EMPTY_NULL };

struct name_pair {
	const char *name, *value;
};
struct name_type {
	const char *name;
	enum field_type type;
};

struct mapping_config {
	const struct name_pair *renames;
	size_t rename_count; /* from, to */
	const struct name_pair *sets;
	size_t set_count; /* field, value */
	const char *const *only;
	size_t only_count;
	const char *const *drop;
	size_t drop_count;
	const struct name_type *types;
	size_t type_count;
	const char *id_field;     /* --id, or NULL */
	int id_type;              /* --id-type as enum id_type, or -1 */
	const char *action_field; /* --action-field, or NULL */
	enum empty_mode empty;
	bool infer;
	bool phone_identifies; /* `phone` is looked for too (v2 only) */
	bool names_nobody;     /* no field identifies: those that could are like all others */
};

/* What a record became: fields in order, values ready to be sent; the record's own, where they are
 * as they were. Good until the next mapping_apply, and as long as the record is. */
struct mapped {
	const struct field *const *fields; /* without the action field */
	size_t count;
	/* the identifying field: one of `fields`, or NULL where the record has none */
	const struct field *id;
	/* --only or --drop leave it out: it is there to identify, and for nothing else */
	bool id_dropped;
	bool special; /* there is a field with a role from ROLE_SPECIAL on */
	/* the fields are a layout's (record.h), and those of --map and --set, which are like them:
	 * behind each key stand a colon and a quote */
	bool laid_out;
	/* Where it is: */
	bool plain;            /* all texts can stand in a JSON string as they are */
	uint32_t longest_name; /* bytes */
	/* some values are not of the record: they may be of any length */
	bool sets;
	/* bytes of all keys and values, and of what stands between them, where it is plain */
	size_t most;
	enum id_type id_type;
	/* a bit for each role whose field has a type, by --type or by its name in a CSV: its value
	 * is one of that type by now */
	uint32_t typed_roles;
	/* the --action-field's field where it is there and not empty, else NULL */
	const struct field *action;
};

/* The name of the type that --type gives a field of that name, or that it has by itself (`cells`:
 * in a CSV); NULL: it has none. */
const char *mapping_type_name(const struct mapping_config *config, const char *name, size_t n,
    bool cells);

/* Whether every --set value that is sent fits its --type; with `cells`, the type that it has in a
 * CSV too, where some names have one by themselves. 0, or -1 with *why. */
int mapping_check_sets(const struct mapping_config *config, bool cells, struct reason *why);

/* The config must outlive the mapping. */
struct mapping *mapping_new(const struct mapping_config *config);
void mapping_free(struct mapping *m);

/*
 * Maps one record. Returns 0 with *out set, or -1 with *why for a record that a type does not fit
 * ("created_at: \"soon\" is not a timestamp").
 */
int mapping_apply(struct mapping *m, const struct record *r, struct mapped *out,
    struct reason *why);

/* Whom records with certain names are about. */
struct header_check {
	const char *id; /* the field that names the person, or NULL */
	const char
	    *near; /* where --id does not say it: a field that is called nearly so, and ... */
	enum id_type near_type; /* ... as what, which no field is called exactly; or NULL */
};

/* What a CSV with these names can identify. Two names that a rename makes equal are refused: -1
 * with *why. What *out points to is the names' and the configuration's. */
int mapping_check_header(struct mapping *m, const char *const *names, size_t count,
    struct header_check *out, struct reason *why);

/* Whether a record with these names has a field of that name once it is mapped. */
bool mapping_has_field(struct mapping *m, const char *const *names, size_t count, const char *name);

/* What is told of a name: good as long as the names and the mapping are. */
typedef void mapping_name(void *arg, const char *name, size_t n);

/* Tells the names that a record with these names has once it is mapped, one after another. */
void mapping_names(struct mapping *m, const char *const *names, size_t count, mapping_name *tell,
    void *arg);

/* The mapping's options as text, for the checkpoint to tell one mapping from another. */
void mapping_describe(const struct mapping_config *config, struct buf *out);

#endif
