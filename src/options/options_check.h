/* What was said, judged as a whole: defaults that depend on other options, and refusals of what
 * does not go together. */
#ifndef OPTIONS_CHECK_H
#define OPTIONS_CHECK_H

struct reason;
struct settings;

/* Makes the options whole, but for what comes from the environment alone. 0, or -1 with *why and
 * *status (64 or 78). */
int options_check(struct settings *s, struct reason *why, int *status);

#endif
