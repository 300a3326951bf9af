/* Requests, and lists of them. */
#include "queue/request.h"

#include <stddef.h>
#include <stdlib.h>

#include "operation/api.h"

#define PATH_MOST 1000u       /* bytes */
#define KEEP_BYTES (1u << 20) /* storage that a request may keep for the next use */

struct request *request_new(const struct envelope *envelope)
{
	struct request *r = xcalloc(1, sizeof *r);

	r->envelope = envelope;
	buf_init(&r->batch, envelope ? envelope->bytes_most : 0);
	buf_init(&r->path, PATH_MOST);
	return r;
}

void request_free(struct request *r)
{
	if (!r)
		return;
	buf_free(&r->batch);
	buf_free(&r->path);
	free(r->operations);
	free(r->last_error);
	free(r);
}

void request_recycle(struct request *r)
{
	struct request empty = { .envelope = r->envelope,
		.batch = r->batch,
		.path = r->path,
		.operations = r->operations,
		.room = r->room };

	free(r->last_error);
	buf_reset(&empty.batch);
	buf_trim(&empty.batch, KEEP_BYTES);
	buf_reset(&empty.path);
	*r = empty;
}

void request_set_path(struct request *r, const char *path, size_t n)
{
	buf_reset(&r->path);
	buf_add(&r->path, path, n);
	*buf_room(&r->path, 1) = '\0';
}

const char *request_path(const struct request *r, const struct api *api)
{
	if (!api->envelope)
		return r->operations[0]->path;
	return r->path.len ? r->path.data : api->path;
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
