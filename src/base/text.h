/* Text, written where not every byte may stand as it is: in JSON, in an address, on a terminal. */
#ifndef TEXT_H
#define TEXT_H

#include <stddef.h>

struct buf;

/* Adds text as a JSON string with its quotes (RFC 8259 section 7). The text must be UTF-8. */
void text_json(struct buf *out, const char *text, size_t n);

/* The same of bytes that may be anything: each that is not part of a UTF-8 character becomes
 * U+FFFD. */
void text_json_any(struct buf *out, const char *text, size_t n);

/* The same, made safe as by text_safe, and so at most `most` bytes of it. */
void text_json_safe(struct buf *out, const char *text, size_t most);

/* The text of a JSON string that is known to be one, its quotes counted in n: to `out`, which has
 * room for n bytes, or only its length where that is NULL. Half a surrogate pair becomes U+FFFD.
 * Returns the length. */
size_t text_unescape(const char *json, size_t n, char *out);

/* What a byte that a JSON string cannot hold as it is becomes there: at most TEXT_ESCAPED bytes, at
 * `to`. Returns what follows. */
#define TEXT_ESCAPED 6u
char *text_put_escape(char *to, char c);

/* Adds text percent-encoded: everything but RFC 3986 unreserved characters. */
void text_percent(struct buf *out, const char *text, size_t n);

/* Adds text as one word for a POSIX shell: as it is, or in single quotes. */
void text_word(struct buf *out, const char *text);

/* Adds text with control characters escaped (\n, \x1b, C1 controls, and bytes that are not UTF-8,
 * as \xNN; also what nobody sees, such as U+FEFF), at most `most` bytes of it followed by "..."
 * where it was longer; so that a server's or a file's text never moves a terminal's cursor. */
void text_safe(struct buf *out, const char *text, size_t n, size_t most);

#endif
