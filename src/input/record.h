/*
 * One record as it was read: its fields in order, its bytes as they were, and where it
 * came from. A view: everything it points to belongs to the reader that made it and is
 * good until that reader's next record.
 *
 * Layouts: how a record is read, mapped and written without a look at any of its names.
 *
 * The records of one file mostly have the same names in the same order. A reader keeps such a list
 * of names as a `struct layout`, with the keys as they are written and the fields that they belong
 * to. A record that has these names is put into these fields, and only their values change from
 * record to record. What the three stages do with it:
 *
 *   - The reader sets `record.layout` and, of the record itself, `blank` and `plain`. A CSV has one
 *     layout, made of its header. NDJSON has one for each of the last few lists of keys. A record
 *     whose names are not kept has none (NULL), and costs what looking at its names costs.
 *   - The mapping makes a plan for a layout once (which fields are renamed, left out, converted,
 *     which one identifies) and, with it, the list of fields that such a record becomes. For each
 *     further record it makes anew only the values that are converted, and leaves out what is
 *     empty. It tells layouts apart by `number`, never by address: a layout may go, and another
 *     come in its place.
 *   - The operation is written by copying whole pieces: each key with the colon and the quote
 *     behind it, then the value, 16 bytes at a time (FIELD_SLACK). Where the record is plain no
 *     byte of it is looked at for escaping; whether any limit can be passed follows from its size.
 *
 * So three things must hold. Whoever makes a layout never changes its names, keys or their order.
 * Behind each key stand a colon and a quote, and FIELD_SLACK bytes behind these and behind each
 * value can be read. Nobody keeps a pointer to a layout or its fields beyond the next record.
 */
#ifndef RECORD_H
#define RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECORD_MAX (16u << 20) /* bytes a record may have; a longer one is rejected */

/* Where a record came from. */
struct origin {
	/* its bytes as they were, without the line's end and without _cio_ fields */
	const char *raw;
	size_t raw_len;
	/* its place in the whole input, from 1; records passed over count */
	uint64_t number;
	uint64_t in_file; /* ... in its FILE, from 1 */
	uint64_t line;    /* its first line in its file, from 1 */
	unsigned file;    /* which FILE, from 0 */
};

enum field_kind {
	FIELD_TEXT, /* a CSV cell: value is its text, UTF-8, unquoted */
	/* an NDJSON member: value is the JSON value's own bytes, no white space around */
	FIELD_JSON,
};

/* What a field's name means to some action; found by name, once for each layout. */
enum field_role {
	ROLE_NONE,
	ROLE_NAME,
	ROLE_EVENT,
	ROLE_TIMESTAMP,
	ROLE_EVENT_ID,
	ROLE_DATA,
	ROLE_ANONYMOUS_ID,
	ROLE_DEVICE_ID,
	ROLE_PLATFORM,
	ROLE_LAST_USED,
	ROLE_PRIMARY_ID,
	ROLE_PRIMARY_EMAIL,
	ROLE_PRIMARY_CIO_ID,
	ROLE_SECONDARY_ID,
	ROLE_SECONDARY_EMAIL,
	ROLE_SECONDARY_CIO_ID,
	ROLE_OBJECT_TYPE,
	ROLE_OBJECT_ID,
	ROLE_CIO_OBJECT_ID,
	ROLE_SEGMENT_ID,
	ROLE_SUPPRESSION,
	ROLE_MESSAGE_DATA,
	ROLE_STAMP,
	ROLE_RELATIONSHIPS,
	ROLE_UPDATE,
	ROLE_COUNT,
	ROLE_SPECIAL = ROLE_STAMP, /* from here on: what a person has beside attributes */
};

/* Bytes behind a field's key and behind its value that may be read, whatever they are: so both can
 * be copied in whole pieces. Who makes a field leaves that room. */
#define FIELD_SLACK 16u

/* A copy of a key or a value with that room; the caller's, to be freed. */
char *field_text(const char *s, size_t n);

struct field {
	const char *name; /* decoded, UTF-8 */
	/* the name as a JSON string, with its quotes; an NDJSON record's own bytes */
	const char *key;
	const char *value;
	size_t value_len;
	uint32_t name_len, key_len;
	enum field_kind kind;
	enum field_role role; /* set by the mapping, once for a layout */
};

/* The fields that all records with one list of names are put into (above). The reader's. */
struct layout {
	struct field *fields; /* their values are those of the record that was read last */
	size_t count;
	uint64_t number; /* from 1; no other layout of the run ever has it */
};

struct record {
	struct origin from;
	struct field *fields; /* the layout's, where there is one */
	size_t count;
	const struct layout *layout; /* NULL: its names are not kept */
	/* Where there is a layout; true where that is not known: */
	bool blank; /* some text in it is empty */
	/* ... false where that is not known: */
	bool plain; /* no text in it has anything that a JSON string has escaped */
};

#endif
