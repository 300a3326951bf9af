/* The names in a CSV's first row: whether they will do, and where they will not, what was read and
 * what may mend it. */
#ifndef CSV_NAMES_H
#define CSV_NAMES_H

#include <stddef.h>
#include <stdint.h>

struct buf;
struct csv_dialect;
struct field;
struct reason;

/* A first row that is to be a header. */
struct csv_heading {
	const struct csv_dialect *dialect;
	const struct field *names; /* value, value_len: trimmed */
	size_t count;
	const char *row; /* its bytes; NULL: the names are --columns' */
	size_t row_len;
	uint64_t last_line; /* of its file: where it ends */
};

/* 0, or -1 with *why: what is wrong, how it may be mended, what was read. The last `nameless` names
 * may be empty. */
int csv_names_check(const struct csv_heading *h, size_t nameless, struct reason *why);

/* *why for a first row that is no row at all, as *why says. */
void csv_names_malformed(const struct csv_heading *h, struct reason *why);

/* Adds what was read: `3 columns, "id", "name", "e mail"`. */
void csv_names_show(const struct csv_heading *h, struct buf *out);

/* Adds the options that may mend the row, where something in it tells: `--delimiter=';'`. */
void csv_names_guess(const struct csv_heading *h, struct buf *out);

/* Adds the options that give all columns names: those that they have, and NAME3 for the third where
 * it has none, or another one has it too. */
void csv_names_rename(const struct csv_heading *h, struct buf *out);

/* Adds text as one word of a shell, and safe to be shown. */
void csv_names_word(struct buf *out, const char *text, size_t n);

#endif
