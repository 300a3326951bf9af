#include "queue/batch.h"

#include <stdlib.h>
#include <string.h>

static const char opening[] = "{\"batch\":[";
static const char closing[] = "]}";

#define FRAME_BYTES (sizeof opening - 1 + sizeof closing - 1)
#define KEEP_BYTES (1u << 20) /* storage that a request may keep for the next use */

struct request *request_new(void)
{
	struct request *q = xcalloc(1, sizeof *q);

	buf_init(&q->batch, BATCH_MAX);
	return q;
}

void request_free(struct request *q)
{
	if (!q)
		return;
	buf_free(&q->batch);
	free(q->operations);
	free(q->last_error);
	free(q);
}

void request_recycle(struct request *q)
{
	struct buf batch = q->batch;

	free(q->last_error);
	buf_reset(&batch);
	buf_trim(&batch, KEEP_BYTES);
	*q = (struct request){ .batch = batch, .operations = q->operations, .room = q->room };
}

static void append(struct request *q, struct operation *op)
{
	if (q->count == q->room) {
		q->room = q->room ? q->room * 2 : 4;
		q->operations = xrealloc(q->operations, q->room * sizeof *q->operations);
	}
	q->operations[q->count++] = op;
	op->request = q;
}

void request_single(struct request *q, struct operation *op)
{
	append(q, op);
}

bool batch_fits(const struct request *q, const struct operation *op, size_t most)
{
	size_t now = q->count ? q->batch.len + 1 : sizeof opening - 1; /* 1: the comma */

	if (most && q->count >= most)
		return false;
	return now + op->body_len + sizeof closing - 1 <= BATCH_MAX;
}

void batch_add(struct request *q, struct operation *op)
{
	if (q->count == 0)
		buf_add(&q->batch, opening, sizeof opening - 1);
	char *to = buf_room(&q->batch, op->body_len + 1);
	if (q->count)
		*to++ = ',';
	memcpy(to, op->body, op->body_len);
	q->batch.len = (size_t)(to + op->body_len - q->batch.data);
	append(q, op);
}

void batch_close(struct request *q)
{
	buf_add(&q->batch, closing, sizeof closing - 1);
}

size_t batch_at_once(const struct num_rate *records, const struct num_rate *rate, uint64_t burst)
{
	double a_second = (double)records->num / (double)records->den * 1e6;
	double a_request = rate->num ? a_second * (double)rate->den / ((double)rate->num * 1e6) : 0;
	double most = a_request * 1.25 > a_second / 100 ? a_request * 1.25 : a_second / 100;

	return most > (double)burst ? (size_t)most + 1 : (size_t)burst;
}

bool batch_may_hold(const struct request *q, const struct operation *op)
{
	for (unsigned k = 0; k < op->key_count; k++)
		if (op->ahead[k] && op->ahead[k]->request != q)
			return false;
	return true;
}

static size_t count_blocked(const struct request *q)
{
	size_t blocked = 0;

	for (size_t i = 0; i < q->count; i++) {
		const struct operation *op = q->operations[i];
		for (unsigned k = 0; k < op->key_count; k++)
			blocked += op->ahead[k] && op->ahead[k]->request != q;
	}
	return blocked;
}

void batch_bodies(struct request *q)
{
	const char *at = q->batch.data + sizeof opening - 1;

	for (size_t i = 0; i < q->count; i++) {
		q->operations[i]->body = at;
		at += q->operations[i]->body_len + 1;
	}
}

static void forget_attempts(struct request *q)
{
	q->attempts = q->tries = q->streak_failures = q->hops = 0;
}

void batch_cut(struct request *q, struct request *half)
{
	size_t count = q->count, kept = count / 2, at = sizeof opening - 1;

	for (size_t i = 0; i < kept; i++)
		at += q->operations[i]->body_len + 1;
	buf_reset(&half->batch);
	buf_add(&half->batch, opening, sizeof opening - 1);
	buf_add(&half->batch, q->batch.data + at, q->batch.len - at);
	q->batch.len = at - 1;
	batch_close(q);
	for (size_t i = kept; i < count; i++)
		append(half, q->operations[i]);
	q->count = kept;
	forget_attempts(q);
	forget_attempts(half);
	half->blocked = count_blocked(half);
}
