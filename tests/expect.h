/* What a test expects in a buffer. */
#ifndef EXPECT_H
#define EXPECT_H

#include <check.h>
#include <string.h>
#include "base/buf.h"

/* The buffer holds exactly `want`; it is empty afterwards. `what` names the case. */
static inline void expect_text(struct buf *b, const char *want, const char *what)
{
	ck_assert_msg(!b->over, "%s: over", what);
	ck_assert_msg(b->len == strlen(want) && memcmp(b->len ? b->data : "", want, b->len) == 0,
	    "%s:\n     is: \"%.*s\"\nexpected: \"%s\"", what, (int)b->len, b->len ? b->data : "",
	    want);
	buf_reset(b);
}

#endif
