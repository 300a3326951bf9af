/*
 * What a terminal shows: a small model of one, fed with what was written to it. It knows printable
 * characters (wide and combining ones too), wrapping at the right edge, CR, LF, ESC [ K, ESC [ J
 * and colours; anything else fails the test. When it is made narrower, it folds long lines (as most
 * terminals do) or cuts them (as xterm does).
 */
#ifndef SCREEN_H
#define SCREEN_H

#include <check.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#define SCREEN_ROWS 400
#define SCREEN_COLUMNS 256
#define SCREEN_WIDE_REST ((wchar_t)-1) /* the second cell of a wide character */

struct screen_row {
	wchar_t cell[SCREEN_COLUMNS]; /* 0: blank */
	bool folded;                  /* goes on in the next row */
};

struct screen {
	unsigned columns, row, column; /* column == columns: the next character wraps */
	unsigned coloured;             /* colours that were switched on */
	char escape[32];               /* sequence not yet complete */
	size_t escape_len;
	mbstate_t state;
	struct screen_row rows[SCREEN_ROWS];
	char text[SCREEN_ROWS * SCREEN_COLUMNS];
};

static inline struct screen *screen_new(unsigned columns)
{
	struct screen *s = calloc(1, sizeof *s);

	ck_assert_ptr_nonnull(s);
	ck_assert_uint_le(columns, SCREEN_COLUMNS);
	s->columns = columns;
	return s;
}

static inline void screen_down(struct screen *s)
{
	s->row++;
	ck_assert_msg(s->row < SCREEN_ROWS, "more rows than the model has");
}

static inline void screen_erase(struct screen *s, unsigned row, unsigned column)
{
	for (; column < SCREEN_COLUMNS; column++)
		s->rows[row].cell[column] = 0;
	s->rows[row].folded = false;
}

static inline void screen_put(struct screen *s, wchar_t c)
{
	int width = wcwidth(c);

	ck_assert_msg(width >= 0, "U+%04X was written to the terminal", (unsigned)c);
	if (width == 0)
		return;
	if (s->column + (unsigned)width > s->columns) {
		s->rows[s->row].folded = true;
		screen_down(s);
		s->column = 0;
	}
	s->rows[s->row].cell[s->column++] = c;
	if (width == 2)
		s->rows[s->row].cell[s->column++] = SCREEN_WIDE_REST;
}

static inline void screen_sequence(struct screen *s)
{
	char last = s->escape[s->escape_len - 1];
	unsigned column = s->column < s->columns ? s->column : s->columns - 1;

	s->escape[s->escape_len] = '\0';
	if (last == 'm') {
		s->coloured += s->escape_len > 3;
		return;
	}
	ck_assert_msg(strcmp(s->escape, "\033[K") == 0 || strcmp(s->escape, "\033[J") == 0,
	    "unknown sequence ESC%s", s->escape + 1);
	screen_erase(s, s->row, column);
	for (unsigned row = s->row + 1; last == 'J' && row < SCREEN_ROWS; row++)
		screen_erase(s, row, 0);
}

/* Takes one byte of an escape sequence. */
static inline void screen_escape(struct screen *s, char c)
{
	ck_assert_uint_lt(s->escape_len, sizeof s->escape - 1);
	s->escape[s->escape_len++] = c;
	if (s->escape_len == 2)
		ck_assert_msg(c == '[', "unknown sequence ESC %c", c);
	else if (s->escape_len > 2 && c >= '@') {
		screen_sequence(s);
		s->escape_len = 0;
	}
}

static inline void screen_feed(struct screen *s, const char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		wchar_t c;
		size_t used;
		if (s->escape_len > 0 || bytes[i] == '\033') {
			screen_escape(s, bytes[i]);
			continue;
		}
		used = mbrtowc(&c, bytes + i, 1, &s->state);
		ck_assert_msg(used != (size_t)-1, "not a character of this locale: byte 0x%02x",
		    (unsigned char)bytes[i]);
		if (used == (size_t)-2)
			continue;
		if (c == '\r')
			s->column = 0;
		else if (c == '\n')
			screen_down(s);
		else
			screen_put(s, c);
	}
}

static inline unsigned screen_length(const struct screen_row *r)
{
	unsigned length = SCREEN_COLUMNS;

	while (length > 0 && (r->cell[length - 1] == 0 || r->cell[length - 1] == ' '))
		length--;
	return length;
}

/* The rows as text, each with its line break, blanks at the end of rows and of the whole left
 * out. */
static inline const char *screen_text(struct screen *s)
{
	size_t at = 0, keep = 0;

	for (unsigned row = 0; row < SCREEN_ROWS; row++) {
		unsigned length = screen_length(&s->rows[row]);
		for (unsigned i = 0; i < length; i++) {
			wchar_t c = s->rows[row].cell[i];
			char bytes[16];
			if (c == SCREEN_WIDE_REST)
				continue;
			size_t n = c ? wcrtomb(bytes, c, &(mbstate_t){ 0 }) : 1;
			ck_assert_uint_le(n, sizeof bytes);
			ck_assert_uint_lt(at + n + 2, sizeof s->text);
			memcpy(s->text + at, c ? bytes : " ", n);
			at += n;
		}
		s->text[at++] = '\n';
		if (length > 0)
			keep = at;
	}
	s->text[keep] = '\0';
	return s->text;
}

/* Another width. fold: long lines go on in the next row, and the cursor stays with its character;
 * else they are cut. */
static inline void screen_resize(struct screen *s, unsigned columns, bool fold)
{
	struct screen *old = malloc(sizeof *old);

	ck_assert_ptr_nonnull(old);
	*old = *s;
	memset(s->rows, 0, sizeof s->rows);
	s->columns = columns;
	s->row = 0;
	s->column = 0;
	unsigned cursor_row = 0, cursor_column = 0;
	for (unsigned row = 0; row < SCREEN_ROWS; row++) {
		unsigned length = screen_length(&old->rows[row]);
		for (unsigned i = 0; i <= length; i++) {
			if (row == old->row &&
			    (i == old->column || (i == length && old->column > length))) {
				cursor_row = s->row;
				cursor_column = s->column;
			}
			wchar_t c = i < length ? old->rows[row].cell[i] : SCREEN_WIDE_REST;
			if (c != SCREEN_WIDE_REST &&
			    (fold || s->column + (unsigned)wcwidth(c) <= columns))
				screen_put(s, c ? c : ' ');
		}
		if (row + 1 == SCREEN_ROWS || (row > old->row && length == 0))
			break;
		if (fold && old->rows[row].folded)
			continue;
		screen_down(s);
		s->column = 0;
	}
	s->row = cursor_row;
	s->column = cursor_column < columns ? cursor_column : columns - 1;
	free(old);
}

#endif
