/*
 * A relay on loopback that makes a network of it: one slow uplink that all connections share, and
 * answers that take their time. What it has not passed on yet stays in its clients' sockets, as it
 * does before a slow line. One thread of its own; every function may be called from any other.
 */
#ifndef RELAY_H
#define RELAY_H

#include <stddef.h>
#include <stdint.h>

struct relay;

struct relay_config {
	int target;        /* port on this machine */
	double up;         /* bytes a second for all connections together; 0: no limit */
	unsigned delay_ms; /* for each answer */
};

/* NULL with a line on standard error where it cannot start. */
struct relay *relay_start(const struct relay_config *c);
void relay_stop(struct relay *r); /* drops its connections; NULL is fine */

int relay_port(const struct relay *r);
void relay_set_up(struct relay *r, double up); /* from now on */
uint64_t relay_carried(struct relay *r);       /* bytes, uplink */
unsigned relay_most_open(struct relay *r);     /* connections at once */

#endif
