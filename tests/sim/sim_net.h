/*
 * The network, in the place of the sender: each attempt meets what its life has for it, on its way
 * to the API or back. An attempt of a process that was killed meanwhile arrives or does not.
 */
#ifndef SIM_NET_H
#define SIM_NET_H

#include "sim_life.h"

struct proc;

void net_begin(const struct life *l);
void net_end(void);
void net_leave(struct proc *p); /* a process has ended: what is under way is alone from now on */

/* What is against the promises of a sender's user, "" where nothing was. */
const char *net_complaint(void);

#endif
