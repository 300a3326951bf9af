#include "queue/request.h"

#include <stddef.h>

#include "queue/batch.h"

void list_push(struct request_list *l, struct request *q)
{
	q->next = NULL;
	if (l->last)
		l->last->next = q;
	else
		l->first = q;
	l->last = q;
	l->count++;
}

void list_push_front(struct request_list *l, struct request *q)
{
	q->next = l->first;
	l->first = q;
	if (!l->last)
		l->last = q;
	l->count++;
}

struct request *list_pop(struct request_list *l)
{
	struct request *q = l->first;

	if (!q)
		return NULL;
	l->first = q->next;
	if (!l->first)
		l->last = NULL;
	l->count--;
	q->next = NULL;
	return q;
}

/* All of `from`, in its order, to the front of `to`. */
void list_move(struct request_list *from, struct request_list *to)
{
	if (!from->first)
		return;
	from->last->next = to->first;
	if (!to->last)
		to->last = from->last;
	to->first = from->first;
	to->count += from->count;
	*from = (struct request_list){ 0 };
}

struct request *request_of_sleep(struct retry_node *n)
{
	return (struct request *)((char *)n - offsetof(struct request, sleep));
}
