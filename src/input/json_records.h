/* JSON objects to records, for the readers that find them: of NDJSON and of JSON. */
#ifndef JSON_RECORDS_H
#define JSON_RECORDS_H

#include <stdint.h>
#include "base/buf.h"
#include "input/json_scan.h"

struct json_shape;
struct reason;
struct record;

struct json_records {
	const char *encoding; /* what the objects were decoded from, or NULL; for messages */
	struct json_scan scan;
	struct json_shape *shapes;         /* the last few */
	const struct json_shape *expected; /* of the record before */
	/* the highest layout number given out, shared by all readers of a run */
	uint64_t *last_layout;
	struct buf names; /* names that had escapes */
	struct buf text;  /* an object out of _cio_raw */
	struct buf raw;   /* an object without its _cio_ members */
};

void json_records_init(struct json_records *j, uint64_t *last_layout);
void json_records_free(struct json_records *j);

/* The record before is not needed any more. */
void json_records_forget(struct json_records *j);

/*
 * The record of the n bytes at text, of which j->scan was asked and said `scanned`. 0, or -1 with
 * *why, where they are no object, or one with a repeated key; r->from has its bytes all the same,
 * and r has no fields. What stands behind text[n - 1] is as json_scan wants it.
 */
int json_records_take(struct json_records *j, const char *text, size_t n, int scanned,
    struct record *r, struct reason *why);

#endif
