/* Lists of requests: a request is in one at a time, which owns it. */
#ifndef REQUEST_H
#define REQUEST_H

#include <stddef.h>

struct request;
struct retry_node;

struct request_list {
	struct request *first, *last;
	size_t count;
};

void list_push(struct request_list *l, struct request *q);
void list_push_front(struct request_list *l, struct request *q);
struct request *list_pop(struct request_list *l); /* the first, or NULL */
/* all of it, in its order, to the front of `to` */
void list_move(struct request_list *from, struct request_list *to);

/* The request whose wait in a retry heap that node is. */
struct request *request_of_sleep(struct retry_node *n);

#endif
