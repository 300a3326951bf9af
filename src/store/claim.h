/*
 * Whose an output file is: a run's own, which it goes on with; another's, which is set aside and
 * said; or its own that another run has set aside meanwhile, which is taken back. Nothing is
 * written over, and nothing deleted.
 */
#ifndef CLAIM_H
#define CLAIM_H

struct buf;
struct outfile_mark;
struct reason;

enum claim {
	CLAIM_OURS,    /* it begins with what is marked: what follows may be cut off */
	CLAIM_NOTHING, /* nothing is there, or an empty file that only we can read */
	CLAIM_BUSY,    /* of claim_hold: another run holds it */
	CLAIM_FAILED,  /* *why */
};

/*
 * A file is a run's own if it begins with what the run has marked. That may be true of another
 * run's file, too, which rejected the same records: so a file of another inode (moved to another
 * disk, perhaps) is taken for its own only where nothing follows, and after one of the same inode,
 * were it among those that were set aside.
 *
 * Makes room under a name for a run that has marked so much there (NULL or zeroed: nothing). What
 * was done is added to `said` (NULL: it is not told), a line each.
 */
enum claim claim_name(const char *name, const struct outfile_mark *mark, struct buf *said,
    struct reason *why);

/*
 * The same for a name that one run at a time may have. On CLAIM_OURS and CLAIM_NOTHING the file is
 * there, empty perhaps, and locked until *lock is closed; so that it can be written was tried. It
 * is an advisory lock, gone with its process however that ends.
 */
enum claim claim_hold(const char *name, const struct outfile_mark *mark, struct buf *said,
    int *lock, struct reason *why);

/* Adds to `said` that what was marked under a name is not to be found. */
void claim_say_gone(const char *name, struct buf *said);

/* Gives a name back that was held: a file that is still empty is removed. -1 is fine. */
void claim_release(const char *name, int lock);

#endif
