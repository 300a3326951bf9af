/*
 * People who have several rows in one input: what these were when it was read last, so that a sync
 * need not send them every night, and what they are now. Pure.
 *
 * The last row of a person counts. As long as the rows come as they came last time, those before
 * the last can be left out too; from the first that differs on all are sent, for each is written
 * over what the one before it made.
 */
#ifndef SEVERAL_H
#define SEVERAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEVERAL_PEOPLE 16384u /* that are kept; of further ones all rows are sent */
#define SEVERAL_ROWS 8u       /* of one person that are kept, ditto */

struct several_person {
	uint64_t key;
	/* fingerprints of the rows: all but the last of last time, and those of now. 0: not known
	 */
	uint64_t then[SEVERAL_ROWS - 1], now[SEVERAL_ROWS];
	unsigned then_count, now_count; /* now_count goes on where there is no more room */
	bool sent;                      /* a row of now is sent */
};

/* What is to become of a row. */
enum several_fate {
	SEVERAL_KNOWN,   /* it is what was last accepted: nothing */
	SEVERAL_SEND,    /* it is sent */
	SEVERAL_AS_THEN, /* another followed it last time: it is sent only if none does now */
};

struct several;
struct several *several_new(void);
void several_free(struct several *s); /* NULL is fine */

/* NULL: this person has none, or there is no more room. */
struct several_person *several_find(struct several *s, uint64_t key);
/* The same, made where there is room. */
struct several_person *several_add(struct several *s, uint64_t key);

/* All of them, i from 0; NULL at the end. */
struct several_person *several_at(struct several *s, size_t i);

/* A row comes; `changed`: it is not what was last accepted. */
enum several_fate several_row(struct several_person *p, uint64_t fingerprint, bool changed);

/* Whether the rows of now have different values. */
bool several_differ(const struct several_person *p);

#endif
