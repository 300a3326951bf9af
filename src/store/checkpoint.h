/*
 * The checkpoint: the state file, in SQLite (db.h). It says which records of which
 * input are settled, so that a run can be carried on after anything.
 *
 * What is settled: every record up to `high`, but for the few `open` ones below it, which were read
 * and had no outcome yet. Their number is bounded by what a run holds at once, so ten million
 * records do not mean ten million rows.
 */
#ifndef CHECKPOINT_H
#define CHECKPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "store/outcome.h"
#include "store/outfile.h"

struct checkpoint;
struct reason;

/* What to do about a state that this run cannot go on with. */
#define CHECKPOINT_WAY_OUT \
	"--restart begins anew, --state=FILE keeps a state of its own in another file"

enum checkpoint_result {
	CHECKPOINT_NEW,    /* nothing was kept: a new run; *state is zeroed */
	CHECKPOINT_RESUME, /* *state is what was kept */
	/* another run holds it: *why names its pid and since when (75) */
	CHECKPOINT_BUSY,
	/* it is about another action, destination or mapping: *why says which (65) */
	CHECKPOINT_OTHER,
	CHECKPOINT_BROKEN, /* no state file, or a damaged one (65) */
	CHECKPOINT_FAILED, /* cannot be opened, locked or written (73) */
};

/* What a run is about. Compared as text; none of it is secret. */
struct checkpoint_identity {
	const char *action;
	const char *destination; /* base address and a digest of the site id */
	const char *mapping;     /* mapping_describe */
};

/* How far the run is. After checkpoint_open the checkpoint owns what the pointers point to, until
 * checkpoint_close. */
struct checkpoint_state {
	uint64_t high;        /* records 1 to high were read */
	const uint64_t *open; /* ... and these of them are unsettled, rising */
	size_t open_count;
	/* those of `open` that may have left, where nothing may be sent twice */
	const uint64_t *intended;
	size_t intended_count;
	uint64_t hash; /* sum over the settled records of operation_hash */
	/* how the settled ones ended that were not accepted; the other counts need not be right */
	uint64_t outcomes[OUTCOME_COUNT];
	const char *files; /* which FILEs were read (input_list); on a commit NULL: as before */
	/* the run that records which are not settled were first read by, for the ids of their
	 * events; "": none of them was sent, so the next run may be that */
	const char *run;
	/* what is in each FILE's rejects, and in the results, for records that are settled */
	const struct outfile_mark *rejects;
	size_t rejects_files;
	struct outfile_mark results;
	/* path_absolute, "" for none. They are kept relative to the state file, so that all can be
	 * moved together */
	const char *rejects_name, *results_name;
};

/* Whether it tells of any record that is settled, or may have left. */
bool checkpoint_has_settled(const struct checkpoint_state *state);

/*
 * Opens or makes `path` (mode 0600, never through a symbolic link), takes its lock, and checks it.
 * With `restart`, what was kept is forgotten. On CHECKPOINT_NEW and CHECKPOINT_RESUME *out is the
 * checkpoint, locked until checkpoint_close; else NULL and *why says what and what to do. Until its
 * first commit a checkpoint is new, whatever happens; and one that is about another run, but
 * settled nothing, is new too.
 */
enum checkpoint_result checkpoint_open(const char *path, const struct checkpoint_identity *id,
    int restart, struct checkpoint **out, struct checkpoint_state *state, struct reason *why);

/* Writes how far the run is, durably (fsync). 0 or -1 with *why; then what was written before
 * stands. */
int checkpoint_commit(struct checkpoint *l, const struct checkpoint_state *state,
    struct reason *why);

/* The run is complete: removes the state file. 0 or -1 with *why. Close it all the same. */
int checkpoint_remove(struct checkpoint *l, struct reason *why);

void checkpoint_close(struct checkpoint *l); /* NULL is fine */

#endif
