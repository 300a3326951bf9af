/* At most once: that a message is about to leave is on the disk before its first byte does. So a
 * run that is carried on knows which may have arrived, and sends none of them again. */
#include "run/run_state.h"

#include "options/options.h"
#include "queue/queue.h"

#define AHEAD_US 200000 /* what leaves in this time is written down at once ... */
#define AHEAD_MOST 64   /* ... but no more: after a kill nobody knows of these */

static int64_t how_many(const struct num_rate *rate)
{
	int64_t n = rate->num ? AHEAD_US * rate->num / rate->den : AHEAD_MOST;

	return n < 1 ? 1 : n > AHEAD_MOST ? AHEAD_MOST : n;
}

bool intents_made(struct run *r, struct request *q)
{
	int64_t left = how_many(&r->o->rate);

	if (!r->o->api->once || q->operations[0]->intended)
		return true;
	for (struct request *next = q; next && left > 0; next = next->next, left--)
		for (size_t i = 0; i < next->count; i++)
			next->operations[i]->intended = true;
	return settle_commit(r) == 0;
}

void intents_withdraw(struct run *r, struct request *q)
{
	for (size_t i = 0; i < q->count; i++)
		if (r->o->api->once)
			q->operations[i]->intended = false;
	if (r->o->api->once && r->outputs.dirty_since == INT64_MAX)
		r->outputs.dirty_since = r->now;
}

void intents_withdraw_all(struct run *r)
{
	for (struct request *q = queue_first(r->queue, PLACE_READY); q; q = q->next)
		intents_withdraw(r, q);
}
