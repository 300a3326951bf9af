/* What --sync adds to a run: who need not be sent, what is kept of the answers, and who is deleted
 * at the end. */
#include "run/run_state.h"

#include <inttypes.h>

#include "show/display.h"
#include "base/path.h"
#include "run/feed.h"
#include "store/syncfile.h"

static void failed(struct run *r, const struct reason *why)
{
	run_stop(r, syncfile_status(r->sync), "--sync", "%s", why->text);
}

int sync_look(struct run *r, const struct operation *op)
{
	struct reason why;

	if (!r->sync)
		return 1;
	int changed = syncfile_look(r->sync, op, &why);
	if (changed == 0)
		return 0;
	if (changed > 0 && syncfile_mark(r->sync, op, &why) == 0)
		return 1;
	failed(r, &why);
	return -1;
}

void sync_seen(struct run *r, const struct operation *op)
{
	struct reason why;

	if (r->sync && syncfile_look(r->sync, op, &why) < 0)
		failed(r, &why);
}

void sync_marks(struct run *r)
{
	struct reason why;

	if (r->sync && !syncfile_is_marked(r->sync) && syncfile_commit(r->sync, &why) < 0)
		failed(r, &why);
}

void sync_settled(struct run *r, const struct operation *op, enum outcome outcome,
    unsigned attempts)
{
	struct reason why;
	int result = 0;

	if (!r->sync)
		return;
	/* else the person stays marked, for the next one */
	if (outcome == OUTCOME_ACCEPTED && !op->behind[0])
		result = syncfile_accepted(r->sync, op, &why);
	else if (outcome == OUTCOME_REFUSED && attempts <= 1 && op->from.number)
		result = syncfile_refused(r->sync, op, &why);
	if (result < 0)
		failed(r, &why);
}

static bool is_doubtful(const struct run *r)
{
	return r->doubtful || r->c.outcomes[OUTCOME_REJECTED] > 0;
}

void sync_complete(struct run *r)
{
	struct reason why;

	if (r->sync && r->c.read > r->c.deletes && !is_doubtful(r) &&
	    syncfile_complete(r->sync, &why) < 0)
		failed(r, &why);
}

/* The total that progress shows grows by those who are deleted. */
static void begin_deletes(struct run *r)
{
	while (r->counting && run_count(r, COUNT_PIECE))
		;
	if (r->moment.total)
		r->moment.total += syncfile_missing(r->sync);
	r->deletes = DELETES_GO_ON;
}

/* Every record is settled: may those who were not among them be deleted? */
static void decide(struct run *r)
{
	const struct options *o = r->o;
	uint64_t missing = syncfile_missing(r->sync), known = syncfile_known(r->sync);
	uint64_t allowed = syncfile_allowed(r->sync, o->max_deletes, o->max_deletes_percent);
	char shown[PATH_SHOWN];

	path_shown(o->sync, shown);
	r->deletes = DELETES_OVER;
	switch (syncfile_decide(r->sync, r->c.read, is_doubtful(r), allowed)) {
	case SYNCFILE_NOBODY:
		break;
	case SYNCFILE_EMPTY:
		display_message(r->display, DISPLAY_NOTICE,
		    "%s: the input is empty: none of %" PRIu64 " people is deleted", shown,
		    missing);
		break;
	case SYNCFILE_DOUBTFUL:
		display_message(r->display, DISPLAY_NOTICE,
		    "%s: %" PRIu64 " people are not in the input, and none is deleted, for "
		    "some of its records could not be read: correct those first",
		    shown, missing);
		break;
	case SYNCFILE_TOO_MANY:
		r->deletes = DELETES_WITHHELD;
		run_stop(r, 65, "--max-deletes",
		    "%s: %" PRIu64 " people are not in the input, and of %" PRIu64
		    " known --max-deletes "
		    "allows %" PRIu64 ", so nobody was deleted: check that the input is whole, and "
		    "if it is, raise --max-deletes and "
		    "run it again",
		    shown, missing, known, allowed);
		break;
	case SYNCFILE_DELETE:
		begin_deletes(r);
		break;
	}
}

/* One who is missing becomes an operation. */
static void delete_one(struct run *r, enum id_type type)
{
	struct operation op = { 0 };
	struct reason why;

	r->c.read++;
	r->c.deletes++;
	if (feed_delete(r->o, &r->operation, &r->who, type, &r->bytes, &op, &why) != 0) {
		settle_record(r, &op, true, why.text);
	} else if (syncfile_mark(r->sync, &op, &why) < 0) {
		failed(r, &why);
	} else {
		intake_begin(r, &op);
	}
}

bool sync_pull(struct run *r)
{
	struct reason why;
	enum id_type type;

	if (r->deletes == DELETES_LATER && !r->unsettled)
		decide(r);
	if (r->deletes != DELETES_GO_ON)
		return false;
	int found = syncfile_next_missing(r->sync, &r->who, &type, &why);
	if (found == 1) {
		delete_one(r, type);
		return true;
	}
	if (found < 0)
		failed(r, &why);
	r->deletes = DELETES_OVER;
	intake_flush(r);
	return false;
}
