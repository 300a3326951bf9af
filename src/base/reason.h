/* Why something failed: one line, made where it happened, kept by the first error. */
#ifndef REASON_H
#define REASON_H

#define REASON_MAX 1200

struct reason {
	int status; /* the exit status that it asks for (sysexits.h); 0: its caller knows */
	char text[REASON_MAX];
};

/* The text, and no exit status. Returns -1. */
int reason_set(struct reason *why, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Both. Returns -1. */
int reason_exit(struct reason *why, int status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* "SHOWN: cannot be DONE: errno's text: ADVICE", and no exit status; where this machine has run out
 * of something (os_shortage), what to do about that, and EX_OSERR. Returns -1. */
int reason_errno(struct reason *why, int error, const char *shown, const char *done,
    const char *advice);

#endif
