/* Each message once at most, and told as unknown only where it may have arrived. */
#include "sim_oracle_parts.h"

#include <stdlib.h>
#include "sim_seen.h"

/* What leaves in 200 ms is intended at once, but no more than so many. */
#define AHEAD_MS 200
#define AHEAD_MOST 64

/* What the network saw of a message. */
struct letter {
	size_t last; /* 1 + its last operation */
	unsigned applied;
	bool may_be_there; /* an attempt was not told to have failed for sure */
};

/* Whether the program was told that it is not there, and is to be sent again. */
static bool surely_failed(const struct seen *op)
{
	return op->fate == FATE_THROTTLED || op->fate == FATE_FAILED || op->fate == FATE_ENDED ||
	    op->fate == FATE_DOUBTED || op->fate == FATE_MOVED;
}

/* Goes through what was sent. 0 or -1. */
static int read_letters(const struct evidence *e, struct letter *letters)
{
	for (size_t i = e->chapter->first_seen; i < seen_count(); i++) {
		const struct seen *op = seen_at(i);
		struct letter *letter = &letters[op->row];
		if (op->row == 0)
			continue;
		letter->applied += op->applied;
		if (letter->applied > 1)
			return verdict(e, "message %u is there twice", op->row);
		if (letter->may_be_there)
			return verdict(e, "message %u is sent again, and may be there", op->row);
		letter->may_be_there = !surely_failed(op);
		letter->last = i + 1;
	}
	return 0;
}

/* Whether a run may have left intents behind that it did not take back. */
static bool left_intents(const struct run_told *run)
{
	return run->proc->state == PROC_KILLED || run->proc->failed_at < INT64_MAX ||
	    run->proc->status > 128;
}

/* How many messages that did not leave may count as if they had. */
static unsigned unsent_most(const struct evidence *e)
{
	int64_t rate = e->story->life->rate ? e->story->life->rate : 50;
	int64_t ahead = rate * AHEAD_MS / 1000;
	unsigned most = 0;

	ahead = ahead < 1 ? 1 : ahead > AHEAD_MOST ? AHEAD_MOST : ahead;
	for (size_t i = e->chapter->first_run; i < e->story->run_count; i++)
		if (left_intents(&e->story->runs[i]))
			most += (unsigned)ahead;
	return most;
}

/* What was told of each, once all is told. */
static int judge_told(const struct evidence *e, const struct letter *letters)
{
	unsigned unsent = 0, unsent_may = unsent_most(e);

	for (unsigned n = 1; n <= e->chapter->plan.count; n++) {
		bool unknown = e->outputs.rejects[n] && e->outputs.rejects_as[n] == TOLD_UNKNOWN;
		const struct seen *last = letters[n].last ? seen_at(letters[n].last - 1) : NULL;
		if (!unknown && last && (last->fate == FATE_LOST || last->fate == FATE_OPEN))
			return verdict(e, "nobody knows of message %u, and that is not told", n);
		if (!unknown || letters[n].may_be_there)
			continue;
		unsent += !last;
		if (unsent > unsent_may || unsent_may == 0)
			return verdict(e, "message %u is told as unknown, and surely is not there",
			    n);
	}
	return 0;
}

int oracle_judge_messages(const struct evidence *e)
{
	if (!life_sends(e->story->life))
		return 0;
	struct letter *letters = xcalloc(e->chapter->plan.count + 1, sizeof *letters);
	int result = read_letters(e, letters);
	if (result == 0 && story_is_complete(e->story))
		result = judge_told(e, letters);
	free(letters);
	return result;
}
