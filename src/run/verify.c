/* A read-back's answer: what it says of each record of its request. */
#include "run/run_state.h"

#include <stdlib.h>

#include "queue/queue.h"
#include "send/compare.h"
#include "send/reply.h"

#define DIFFERENCE_MAX 1200 /* bytes of what is said of one record */

struct reading {
	struct run *r;
	struct request *q;
	const struct reply *reply;
	const struct reply_people *people;
};

/* Of the rows of one person in one request the last is what is there. */
static const struct operation *last_of_person(const struct request *q, size_t i)
{
	const struct operation *op = q->operations[i];

	for (size_t k = q->count; k > i + 1; k--)
		if (q->operations[k - 1]->keys[0] == op->keys[0])
			return q->operations[k - 1];
	return op;
}

/* Whether that record is as it should be. If not, why it is not is in `out`. */
static bool is_there(const struct reading *v, const struct operation *op, struct buf *out)
{
	const struct reply_person *p = reply_person(v->people, op->id_type, op->id, op->id_len);

	if (p)
		return compare_attributes(op->kept, op->kept_len, p, out);
	buf_str(out, "nobody is there");
	return false;
}

/* All are judged before any is settled, for one may be judged by another. */
static void judge(const struct reading *v, struct buf *differences)
{
	for (size_t i = 0; i < v->q->count; i++)
		if (!is_there(v, last_of_person(v->q, i), &differences[i]))
			buf_byte(&differences[i], '\0');
}

static void settle_judged(const struct reading *v, const struct buf *differences)
{
	for (size_t i = 0; i < v->q->count; i++) {
		bool differs = differences[i].len > 0;
		const struct settlement s = {
			.outcome = differs ? OUTCOME_DIFFERS : OUTCOME_ACCEPTED,
			.status = v->reply->status,
			.attempts = v->q->tries,
			.error = differs ? differences[i].data : NULL,
		};
		settle(v->r, v->q->operations[i], &s);
	}
	queue_move(v->r->queue, v->q, PLACE_SPARE);
}

bool verify_take(struct run *r, struct request *q, const struct reply *reply)
{
	struct reply_people *people = reply_people_new(reply);
	struct reading v = { r, q, reply, people };

	if (!people)
		return false;
	struct buf *differences = xcalloc(q->count, sizeof *differences);
	for (size_t i = 0; i < q->count; i++)
		differences[i].max = DIFFERENCE_MAX;
	judge(&v, differences);
	size_t count = q->count;
	settle_judged(&v, differences);
	for (size_t i = 0; i < count; i++)
		buf_free(&differences[i]);
	free(differences);
	reply_people_free(people);
	return true;
}
