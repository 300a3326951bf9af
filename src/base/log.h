/*
 * Messages for people, on standard error. Text from files and servers is escaped before it
 * gets here or by the caller with text_safe; secrets never get here at all.
 */
#ifndef LOG_H
#define LOG_H

#include "base/reason.h"

/* "cio-import: MESSAGE\n" in one write, whole lines only. */
void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* "MESSAGE\n" in one write. A standard error that cannot be written is ignored: there
 * is nowhere left to say so. */
void log_line(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
