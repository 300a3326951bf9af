/* Numbers, times and names in the form people read. Pure, but for the locale's idea of how wide a
 * character is. */
#ifndef WORDS_H
#define WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"

/* 1042, or grouped by thousands: 1,042. */
void words_count(struct buf *out, uint64_t n, bool grouped);

/* A count and its noun: "1 retry", "1,042 retries". */
void words_many(struct buf *out, uint64_t n, bool grouped, const char *one, const char *many);

/* Events a second, without a unit: "49.9", from 100 on whole: "1,234". */
void words_rate(struct buf *out, double per_second, bool grouped);

/* Bytes a second: "245 kB/s", "1.2 MB/s", "98 MB/s". */
void words_speed(struct buf *out, double bytes_per_second);

/* About how long yet, rounded up: "42 s", "12 min", "5 h 12 min", "3 d 4 h"; brief: "42s", "12m",
 * "5h12m", "3d4h". */
void words_wait(struct buf *out, int64_t us, bool brief);

/* How long it was: "15 ms", "12.3 s", "1 min 20 s", "5 h 12 min 3 s". */
void words_span(struct buf *out, int64_t us);

/* A time that was given, such as an option's, as exact as it is: "300 ms", "1.5 s", "15 min", "1 h
 * 30 min". Returns out. */
#define WORDS_TIME 80
const char *words_time(int64_t us, char out[WORDS_TIME]);

/* A moment: "2024-02-29T12:00:00Z". Returns out. */
#define WORDS_MOMENT 40
const char *words_moment(int64_t unix_seconds, char out[WORDS_MOMENT]);

/* Text in at most `most` cells of a terminal, ".." in place of what was too long; made safe as by
 * text_safe. What the locale cannot show becomes "?". Returns the cells taken. */
unsigned words_fit(struct buf *out, const char *text, size_t n, unsigned most);

#endif
