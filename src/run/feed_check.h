/*
 * What can be known of a FILE before its first record: whether its header suits the options.
 */
#ifndef FEED_CHECK_H
#define FEED_CHECK_H

struct input;
struct mapping;
struct options;
struct reason;

/* Whether a FILE's header can identify anybody, where the action needs that, and each --set is what
 * it must be beside its cells. True of an NDJSON, and of a pipe whose header was not read yet. 0 or
 * -1 with *why and its status. */
int feed_check_header(struct mapping *m, const struct input *in, unsigned file,
    const struct options *o, struct reason *why);

#endif
