/*
 * Input: FILEs in turn, or standard input, as records. Nothing is held but one buffer: a
 * record is a view into it (record.h).
 */
#ifndef INPUT_H
#define INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "input/csv_dialect.h"
#include "input/format.h"

struct record;
struct reason;
struct buf;
struct input;

struct input_config {
	const char *const *files; /* names; "-" is standard input */
	size_t file_count;        /* at least 1 */
	enum input_format format;
	const char
	    *encoding; /* one that input_knows; NULL: UTF-8. A mark in a FILE stands over it */
	struct csv_dialect dialect; /* of a CSV; its delimiter is 0: by the format */
	const char *const *columns; /* names for a CSV without a header row, or NULL */
	size_t column_count;
	/* what is still written to: a last line without a line break is left for another time. Not
	 * of JSON, whose values end by themselves */
	bool whole_lines;
};

enum input_result {
	INPUT_RECORD, /* *r is the next record */
	INPUT_BAD,    /* r->from is something that is no record; *why says why; reading goes on */
	INPUT_END,    /* every FILE was read to its end */
	INPUT_AGAIN,  /* a pipe or terminal has nothing now: wait for input_fd() to be readable */
	/* reading failed, or a later FILE's header is broken, or a FILE was cut short or rewritten
	 * while it was read; *why, *status */
	INPUT_FAILED,
};

/* Whether an encoding can be read. */
bool input_knows(const char *encoding);

/*
 * Opens every FILE that is a regular file, reads its format and header, and closes it again until
 * its turn comes (so thousands of FILEs need one descriptor, one buffer and their headers): a
 * missing file or a broken header shows before anything is sent. If it is another file or has
 * another header when its turn comes, input_next says INPUT_FAILED (65). A pipe must only be there;
 * it is opened, without waiting for its writer, once and in its turn. Returns NULL with *why and
 * *status (66 cannot be opened or read, 65 broken header). The config, and what it points to, must
 * outlive the input.
 *
 * A CSV (by its name or --format) of no rows at all is refused, for its header is missing, unless
 * columns are given; where nothing tells the format (standard input, a file of another name) an
 * empty input holds no records.
 */
struct input *input_new(const struct input_config *config, struct reason *why, int *status);
void input_free(struct input *in);

/*
 * The next record. A FILE that only grows while it is read is read to the end that it has then. One
 * that is cut short or rewritten is INPUT_FAILED (65), before any record that was cut in two or is
 * mixed of both versions. One that another file takes the name of was whole: it is read to its end.
 */
enum input_result input_next(struct input *in, struct record *r, struct reason *why, int *status);

/* What a person should know about the FILEs that were read, though it stopped nothing: *what, each
 * once ("users.csv: ..."). false: nothing more. */
bool input_notice(struct input *in, struct reason *what);

/*
 * After INPUT_END: whether the whole of it was seen, so that who is not in it may be taken for
 * gone. But for INPUT_WHOLE *why says what is in the way ("users.csv: it has grown since the run
 * began"). The end of what is no regular file is believed.
 */
enum input_whole {
	INPUT_WHOLE,
	INPUT_EMPTY,     /* there is no record in one of the FILEs */
	INPUT_DISTURBED, /* something has happened to one of them since before its first read */
};
enum input_whole input_is_whole(const struct input *in, struct reason *why);

/* Whether every FILE, standard input too where it is one, is a regular file: they never have
 * nothing just now. */
bool input_is_regular(const struct input *in);

/*
 * Which FILEs these are, as text for the checkpoint: in the order in which they are read, each with
 * its name, its size and a hash of how it begins. For input_arrange of a later run. Added to `out`.
 */
void input_list(const struct input *in, struct buf *out);

/*
 * Before the first input_next: puts the FILEs into the order of `list`, which input_list made for
 * an earlier run, and those that came to it since behind them. So all records that the earlier run
 * has read have the numbers again that they had then, whatever was added in front, and the FILEs'
 * own numbers (0, 1, ...) are the earlier run's too. A FILE is known by its name and by how it
 * begins; where it was renamed by how it begins alone; else by its name, for it may have been
 * corrected behind what was settled: what was settled has a hash of its own, which proves it when
 * it is read again. One that has become shorter is refused, unless it is JSON. 0, or -1 with *why
 * ("a.csv, which it was about, is not among the FILEs").
 */
int input_arrange(struct input *in, const char *list, struct reason *why);

/* The FILE that is read now. */
unsigned input_file(const struct input *in);

/* What to poll for reading after INPUT_AGAIN. */
int input_fd(const struct input *in);

/* The FILE's name as people should see it ("standard input" for "-"). */
const char *input_name(const struct input *in, unsigned file);

/* What a FILE is read as, for a person: "CSV in UTF-8, separated by commas". */
void input_describe(const struct input *in, unsigned file, struct buf *out);

/* The format of a FILE, once known (INPUT_AUTO before). */
enum input_format input_format_of(const struct input *in, unsigned file);

/*
 * A CSV's names, in order, once its header was read: NULL for NDJSON or where nothing
 * was read yet. Without _cio_ columns. raw/raw_len give the header row's own bytes without them
 * (for --columns, a row made of the names).
 */
struct input_header {
	const char *const *names;
	size_t count;
	const char *raw;
	size_t raw_len;
	struct csv_dialect dialect;
	uint64_t last_line; /* of its FILE: where it ends; of --columns: 0 */
	/* the lines in front of it that are no part of the CSV, line breaks and all */
	const char *front;
	size_t front_len;
};
const struct input_header *input_header_of(const struct input *in, unsigned file);

/* Adds what a header was read as: ` (read as 2 columns, "id", "name")`. */
void input_header_show(const struct input_header *h, struct buf *out);

/* Adds what may mend a header none of whose names will do, where something in it tells, else
 * `otherwise`; and what it was read as. */
void input_header_explain(const struct input_header *h, const char *otherwise, struct buf *out);

/*
 * Counting ahead: does a bounded piece of the counting of records in all FILEs (about
 * `bytes` bytes of them) and returns 1 while there is more to do, 0 when *total is known,
 * -1 when it cannot be known (a pipe among the FILEs, a file that cannot be read).
 * Uses descriptors and buffers of its own.
 */
int input_count(struct input *in, size_t bytes, uint64_t *total);

#endif
