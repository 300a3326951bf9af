/* When the next attempt leaves, by one of several rules: the program's own, and two to compare it
 * with, which pause as it does. Virtual time, us. */
#ifndef LIMIT_CLIENT_H
#define LIMIT_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "limit_world.h"
#include "send/throttle.h"

struct limit_client;

struct limit_client *limit_client_new(enum limit_rule rule, int rate, int burst);
void limit_client_free(struct limit_client *c);

/* As pace_ready, pace_take and pace_answered. */
int64_t limit_client_ready(struct limit_client *c, int64_t now);
bool limit_client_take(struct limit_client *c, int64_t now);
void limit_client_answered(struct limit_client *c, enum throttle_answer answer, int64_t started,
    int64_t now);

/* A 429. The pause is Retry-After or the backoff, which is the program's default. */
void limit_client_refused(struct limit_client *c, int64_t started, int64_t retry_after,
    uint64_t random, int64_t now);

#endif
