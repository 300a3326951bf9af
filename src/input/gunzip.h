/* gzip data, unpacked as they are read: one member or several, one after another. */
#ifndef GUNZIP_H
#define GUNZIP_H

#include <stddef.h>
#include "input/source.h"

struct gunzip;
struct reason;

/* Unpacks what read(arg, ...) hands out; `why` is where gunzip_read says what is wrong with it. */
struct gunzip *gunzip_new(source_read *read, void *arg, struct reason *why);
void gunzip_free(struct gunzip *g); /* NULL is fine */

/*
 * source_read for a struct gunzip. SOURCE_FAILED: *why with its status (65) where the data are
 * damaged or cut short, and then each time; else why->status is 0, and it is errno.
 */
enum source_result gunzip_read(void *arg, char *to, size_t n, size_t *got);

#endif
