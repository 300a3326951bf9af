/* Batches. */
#include "queue/batch.h"

#include <string.h>

#include "operation/api.h"
#include "queue/request.h"

bool batch_is_for(const struct request *r, const struct operation *op)
{
	return r->path.len == op->path_len &&
	    (op->path_len == 0 || memcmp(r->path.data, op->path, op->path_len) == 0);
}

bool batch_fits(const struct request *r, const struct operation *op, size_t most)
{
	const struct envelope *e = r->envelope;
	size_t now = r->count ? r->batch.len + 1 : e->opening_len; /* 1: the comma */

	if (most && r->count >= most)
		return false;
	return now + op->body_len + e->closing_len <= e->bytes_most;
}

void batch_add(struct request *r, struct operation *op)
{
	if (r->count == 0)
		buf_str(&r->batch, r->envelope->opening);
	if (r->count == 0 && r->path.len == 0)
		request_set_path(r, op->path, op->path_len);
	char *to = buf_room(&r->batch, op->body_len + 1);
	if (r->count)
		*to++ = ',';
	memcpy(to, op->body, op->body_len);
	r->batch.len = (size_t)(to + op->body_len - r->batch.data);
	request_append(r, op);
}

void batch_close(struct request *r)
{
	buf_str(&r->batch, r->envelope->closing);
}

size_t batch_at_once(const struct num_rate *records, const struct num_rate *rate, uint64_t burst)
{
	double a_second = (double)records->num / (double)records->den * 1e6;
	double a_request = rate->num ? a_second * (double)rate->den / ((double)rate->num * 1e6) : 0;
	double most = a_request * 1.25 > a_second / 100 ? a_request * 1.25 : a_second / 100;

	return most > (double)burst ? (size_t)most + 1 : (size_t)burst;
}

bool batch_may_hold(const struct request *r, const struct operation *op)
{
	for (unsigned k = 0; k < op->key_count; k++)
		if (op->ahead[k] && op->ahead[k]->request != r)
			return false;
	return true;
}

static size_t count_blocked(const struct request *r)
{
	size_t blocked = 0;

	for (size_t i = 0; i < r->count; i++) {
		const struct operation *op = r->operations[i];
		for (unsigned k = 0; k < op->key_count; k++)
			blocked += op->ahead[k] && op->ahead[k]->request != r;
	}
	return blocked;
}

void batch_bodies(struct request *r)
{
	const char *at = r->batch.data + r->envelope->opening_len;

	for (size_t i = 0; i < r->count; i++) {
		r->operations[i]->body = at;
		at += r->operations[i]->body_len + 1;
	}
}

static void forget_attempts(struct request *r)
{
	r->attempts = r->tries = r->streak_failures = r->hops = 0;
}

/* A half of one that is out of retries is, too, and is nobody new to the gate. A single operation
 * is: it is tried as often as any. */
static void inherit_attempts(struct request *half, const struct request *whole)
{
	if (half->count == 1)
		return;
	half->attempts = whole->attempts;
	half->streak = whole->streak;
	half->streak_failures = whole->streak_failures;
}

void batch_cut(struct request *r, size_t kept, struct request *half, enum batch_cut why)
{
	const struct request before = *r;
	size_t count = r->count, at = r->envelope->opening_len;

	for (size_t i = 0; i < kept; i++)
		at += r->operations[i]->body_len + 1;
	buf_reset(&half->batch);
	buf_str(&half->batch, r->envelope->opening);
	request_set_path(half, r->path.data, r->path.len);
	buf_add(&half->batch, r->batch.data + at, r->batch.len - at);
	r->batch.len = at - 1;
	batch_close(r);
	for (size_t i = kept; i < count; i++)
		request_append(half, r->operations[i]);
	r->count = kept;
	forget_attempts(r);
	forget_attempts(half);
	if (why == BATCH_CUT_FAILED) {
		inherit_attempts(r, &before);
		inherit_attempts(half, &before);
	}
	half->blocked = count_blocked(half);
}
