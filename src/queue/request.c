/* Requests, and lists of them. */
#include "queue/request.h"

#include <stddef.h>
#include <stdlib.h>

#include "operation/operation.h"

#define KEEP_BYTES (1u << 20) /* storage that a request may keep for the next use */

struct request *request_new(void)
{
	struct request *r = xcalloc(1, sizeof *r);

	buf_init(&r->batch, BATCH_MAX);
	return r;
}

void request_free(struct request *r)
{
	if (!r)
		return;
	buf_free(&r->batch);
	free(r->operations);
	free(r->last_error);
	free(r);
}

void request_recycle(struct request *r)
{
	struct buf batch = r->batch;

	free(r->last_error);
	buf_reset(&batch);
	buf_trim(&batch, KEEP_BYTES);
	*r = (struct request){ .batch = batch, .operations = r->operations, .room = r->room };
}

void request_append(struct request *r, struct operation *op)
{
	if (r->count == r->room) {
		r->room = r->room ? r->room * 2 : 4;
		r->operations = xrealloc(r->operations, r->room * sizeof *r->operations);
	}
	r->operations[r->count++] = op;
	op->request = r;
}

struct request *request_of_sleep(struct retry_node *n)
{
	return (struct request *)((char *)n - offsetof(struct request, sleep));
}

void list_push(struct request_list *l, struct request *r)
{
	r->previous = l->last;
	r->next = NULL;
	*(l->last ? &l->last->next : &l->first) = r;
	l->last = r;
	l->count++;
}

void list_push_front(struct request_list *l, struct request *r)
{
	r->previous = NULL;
	r->next = l->first;
	*(l->first ? &l->first->previous : &l->last) = r;
	l->first = r;
	l->count++;
}

void list_remove(struct request_list *l, struct request *r)
{
	*(r->previous ? &r->previous->next : &l->first) = r->next;
	*(r->next ? &r->next->previous : &l->last) = r->previous;
	r->previous = r->next = NULL;
	l->count--;
}
