/*
 * Where text leaves for standard error, without ever waiting for who reads it: what is not taken at
 * once is kept, up to a bound, and beyond that dropped and counted.
 */
#ifndef OUTLET_H
#define OUTLET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"

#define OUTLET_MAX (1u << 20) /* bytes that are kept */

struct outlet {
	int fd;  /* the caller's */
	int own; /* another one for the same pipe or terminal, which never waits; or -1 */
	enum { OUTLET_FILE, OUTLET_PIPE, OUTLET_SOCKET } kind;
	struct buf kept;
	size_t gone;      /* bytes of it that were taken */
	uint64_t dropped; /* lines */
};

void outlet_open(struct outlet *o, int fd);
void outlet_close(struct outlet *o); /* fd stays open; what is kept is lost */

/* Adds whole lines (or what keeps to the last one), or drops them. Once some were dropped, all are
 * until outlet_dropped has told. */
void outlet_put(struct outlet *o, const char *text, size_t n);

/* Passes on what is taken just now. Whether nothing is kept any more. An output that cannot be
 * written takes everything: there is nowhere left to say so. */
bool outlet_push(struct outlet *o);

/* The same, waiting for up to `us` since something was taken last. */
void outlet_finish(struct outlet *o, int64_t us);

/* How many lines were dropped, once there is room again to say so; else 0. */
uint64_t outlet_dropped(struct outlet *o);

#endif
