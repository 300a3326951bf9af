/* A run: from the first record read to the exit status. */
#ifndef RUN_H
#define RUN_H

struct options;

/* Does what the options say, reports, and returns the exit status. */
int run(const struct options *o);

/* The same for --dry-run: everything but the sending, and a forecast. */
int dry_run(const struct options *o);

#endif
