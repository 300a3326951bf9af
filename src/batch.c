#include "batch.h"

#include <stdlib.h>
#include <string.h>

static const char opening[] = "{\"batch\":[";
static const char closing[] = "]}";

#define FRAME_BYTES (sizeof opening - 1 + sizeof closing - 1)
#define KEEP_BYTES (1u << 20)	/* storage that a request may keep for the next use */

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
	free(q->last_error);
	free(q);
}

void request_recycle(struct request *q)
{
	struct buf batch = q->batch;

	free(q->last_error);
	buf_reset(&batch);
	buf_trim(&batch, KEEP_BYTES);
	*q = (struct request){ .batch = batch };
}

static void append(struct request *q, struct operation *op)
{
	op->next = NULL;
	op->request = q;
	if (q->last)
		q->last->next = op;
	else
		q->first = op;
	q->last = op;
	q->count++;
}

void request_single(struct request *q, struct operation *op)
{
	append(q, op);
}

bool batch_fits(const struct request *q, const struct operation *op, size_t most)
{
	size_t now = q->count ? q->batch.len + 1 : sizeof opening - 1;	/* 1: the comma */

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

	for (const struct operation *op = q->first; op; op = op->next)
		for (unsigned k = 0; k < op->key_count; k++)
			blocked += op->ahead[k] && op->ahead[k]->request != q;
	return blocked;
}

void batch_bodies(struct request *q)
{
	const char *at = q->batch.data + sizeof opening - 1;

	for (struct operation *op = q->first; op; op = op->next) {
		op->body = at;
		at += op->body_len + 1;
	}
}

/* `last` ends its request; those behind it are now half's, n of them. */
static void part(struct operation *last, struct request *half, size_t n)
{
	half->first = last->next;
	half->count = n;
	for (struct operation *op = half->first; op; op = op->next) {
		op->request = half;
		half->last = op;
	}
	last->next = NULL;
}

static void forget_attempts(struct request *q)
{
	q->attempts = q->tries = q->streak_failures = q->hops = 0;
}

void batch_cut(struct request *q, struct request *half)
{
	struct operation *last = q->first;
	size_t kept = q->count / 2, at = sizeof opening - 1 + last->body_len + 1;

	for (size_t i = 1; i < kept; i++) {
		last = last->next;
		at += last->body_len + 1;
	}
	buf_reset(&half->batch);
	buf_add(&half->batch, opening, sizeof opening - 1);
	buf_add(&half->batch, q->batch.data + at, q->batch.len - at);
	q->batch.len = at - 1;
	batch_close(q);
	part(last, half, q->count - kept);
	q->last = last;
	q->count = kept;
	forget_attempts(q);
	forget_attempts(half);
	half->blocked = count_blocked(half);
}
