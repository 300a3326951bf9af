/* Whether a person is as a record has him: what was sent against what is there. Pure. */
#ifndef COMPARE_H
#define COMPARE_H

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct reply_person;

/*
 * Compares the attributes of a record (one valid JSON object, as identify sends them) with those of
 * a person, which are texts all of them: texts as texts, numbers by value, true and false by their
 * names, objects and arrays by structure; null and "" are an attribute that is not there. Some are
 * not compared, for they do not come back under their names: _update, _timestamp,
 * cio_relationships, anonymous_id and single topics of cio_subscription_preferences.
 *
 * Returns whether they are the same. If not, what is there is added to `out`, for a person, escaped
 * and cut short: `plan: "free" is there; seats: nothing is there`.
 */
bool compare_attributes(const char *attributes, size_t n, const struct reply_person *there,
    struct buf *out);

#endif
