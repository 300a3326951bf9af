/* What the files that make operations share: operation.c (the frame), operation_parts.c (whom and
 * what it is about), operation_v1.c and operation_v2.c (how the two APIs want it),
 * operation_objects.c (which both want alike). */
#ifndef OPERATION_PARTS_H
#define OPERATION_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "operation/mapping.h"
#include "operation/operation.h"
#include "operation/ulid.h"
#include "base/writer.h"

struct reason;

#define ID_LIMIT 150u
#define NAME_LIMIT 150u
#define VALUE_LIMIT 1000u
#define ATTRIBUTES_LIMIT 300u
#define EVENT_NAME_LIMIT 100u
#define EVENT_DATA_LIMIT 100000u
#define DECODED_MOST 16u /* texts that one operation may want decoded */

/* Bytes that stay where they are until the operation is built. */
struct text {
	const char *s;
	size_t n;
};

/* A person, by one identifier. The text is bare: without the "cio_" that a path wants before a
 * cio_id. It has the slack of a field's (record.h). */
struct person {
	enum id_type type;
	struct text text;
};

/* What need not be zero before it is used. Decoded texts are here until the operation is built. */
struct scratch {
	const struct field *roles[ROLE_COUNT];
	size_t used; /* of `small` */
	unsigned large_count;
	char *large[DECODED_MOST]; /* what did not fit; freed at the end */
	char small[512];
};

/* An operation in the making. */
struct build {
	const struct operation_config *config;
	const struct mapped *m;
	struct operation *op;
	struct reason *why;
	struct writer w;
	size_t id_at, path_at, body_at, kept_at; /* in the writer's buf; kept_at 0: nothing is */
	bool has_body;
	struct person person; /* where the action needs one */
	/* the fields with a meaning, by role; not for identify */
	const struct field **roles;
	struct scratch *scratch;
};

struct event {
	struct text name, id;
	int64_t time;
	bool has_time;
	/* NULL: not taken from a field, or not there */
	const struct field *name_field, *data, *anonymous_id;
	struct text anonymous;
	char made_id[ULID_LENGTH + 1];
};

struct device {
	struct text id, platform;
	int64_t last_used;
	bool has_last_used;
};

/* All of these: 0, or -1 with *b->why. */

/* A field's text: a cell, a string decoded, or a number as it is written; with a field's slack.
 * `what` is what it is not, where it is not. */
int part_text(struct build *b, const struct field *f, const char *what, struct text *out);

/* The moment in a field that must be one where it is not empty: *there and *out. 0 or -1 with
 * b->why. */
int part_moment(struct build *b, const struct field *f, bool *there, int64_t *out);

/* The same of what stands for a person, an object or a device: one that means it (identifier.h), a
 * number written as an integer. */
int part_id(struct build *b, const struct field *f, const char *what, struct text *out);

int part_person(struct build *b, const struct field *f, enum id_type type, struct person *out);
int part_merge(struct build *b, struct person *primary, struct person *secondary);
int part_event(struct build *b, struct event *e);
/* whole: platform and last_used too */
int part_device(struct build *b, struct device *d, bool whole);

/* Whom the operation is about, before anything else is written: id (with a field's slack), then
 * where its path goes. */
void part_head(struct build *b, struct text id);

/* The path ends here and the body begins. */
void part_path_end(struct build *b);

/* The body ends here; what follows is kept for the answer. */
void part_kept(struct build *b);

void part_identifier(struct build *b, const struct person *p); /* {"id":"42"} */

/* A person's attributes as an object, limits checked. */
int part_attributes(struct build *b);

/* The fields for which `is` is true as an object. */
int part_fields_where(struct build *b, bool (*is)(const struct build *b, const struct field *f));

/* The fields for which is_rest is true as an object, with the limits of a person's attributes. */
int part_rest(struct build *b, bool (*is_rest)(const struct build *b, const struct field *f));

/* "name" to the end of the data, under the key that the API has for them; `type` NULL for none. */
int part_event_body(struct build *b, const struct event *e, const char *type, const char *data_key);

/* The device's object, its id under `id_key`. */
void part_device_body(struct build *b, const struct device *d, const char *id_key);

/* The record's fields as the body itself. */
void part_fields(struct build *b);

/* Whom an entity is about: its keys, and what people call it. */
int part_entity(struct build *b, struct text *id);

/* "A/B", where it stays until the operation is built; with a field's slack. */
struct text part_joined(struct build *b, struct text before, struct text after);

struct text part_bare(enum id_type type, struct text t); /* a cio_id without "cio_" */

void part_key(struct build *b, const struct person *p); /* one more person to wait for */

int operation_v1(struct build *b);
int operation_v2(struct build *b);
/* The actions on objects and relationships, whole: the path, "" in a batch, and the body. */
int operation_object(struct build *b, const char *path);

/* operation_hash.c */
uint64_t hash_person(const struct person *p);
uint64_t hash_fingerprint(const struct build *b);
/* The 80 bits of the event's id that are no time. */
void hash_event_id(const struct build *b, const struct event *e, uint8_t random[10]);

#endif
