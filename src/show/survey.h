/*
 * The survey: what a dry run took an input for. Which fields its records have, what they hold, how
 * often they are empty, and what one looks like. Pure.
 *
 * Fields are those that are sent: renamed, and without those that are left out.
 */
#ifndef SURVEY_H
#define SURVEY_H

#include <stdbool.h>
#include <stdint.h>
#include "base/buf.h"
#include "operation/mapping.h"
#include "operation/operation.h"

struct survey;

struct survey *survey_new(void);
void survey_free(struct survey *s); /* NULL is fine */

/* A valid record became m. layout: its layout's number; 0: it has none. */
void survey_record(struct survey *s, const struct mapped *m, uint64_t layout);

/* Records have a field of that name, though it may be empty in all of them. Fields are told in the
 * order in which they are expected, others behind them. */
void survey_expect(struct survey *s, const char *name, size_t n);

/* What the survey's first line says, and how types are told. */
struct survey_about {
	const char *input;  /* "users.csv" */
	const char *format; /* "CSV in UTF-8, separated by commas" */
	/* the action needs a person: who is named by no field is said, too */
	bool names_people;
	enum action action;
	bool cells; /* of a CSV: some names have a type by themselves */
	const struct mapping_config *mapping;
};

/* The table, lines of at most `width` cells; nothing where there was no record. */
void survey_text(const struct survey *s, const struct survey_about *about, unsigned width,
    struct buf *out);

#endif
