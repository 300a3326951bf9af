/* Any bytes as an answer's body and as a Location: no crash, and what is told is in bounds. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "base/buf.h"
#include "send/reply.h"

#define OPERATIONS 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int is_so)
{
	if (!is_so)
		abort();
}

static void refused(size_t index, const char *reason, void *arg)
{
	unsigned *seen = arg;

	must(index < OPERATIONS && !(*seen >> index & 1) && strlen(reason) <= REPLY_REASON_MAX + 3);
	*seen |= 1u << index;
}

static void must_be_base(const char *base)
{
	static const char ours[] = "customer.io";

	must(strncmp(base, "https://", 8) == 0 && strlen(base) >= 8 + strlen(ours));
	must(strcmp(base + strlen(base) - strlen(ours), ours) == 0 &&
	    !strpbrk(base + 8, "/@:?#\\ \t\r\n"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = xstrndup((const char *)data, size);
	/* no byte after it: a sanitizer sees */
	char *body = size > 0 ? memcpy(xmalloc(size), data, size) : NULL;
	struct reply r = { .status = 207, .body = body, .body_len = size, .retry_after_us = -1 };
	char reason[REPLY_REASON_MAX + 4], url[80], region[16];
	unsigned seen = 0;

	reply_reason(&r, reason);
	must(strlen(reason) <= REPLY_REASON_MAX + 3);
	int unusable = reply_refusals(&r, OPERATIONS, refused, &seen);
	must(unusable >= -1 && (unusable >= 0 || seen == 0));
	if (reply_region(&r, url, sizeof url, region, sizeof region) == 0)
		must_be_base(url);
	if (reply_redirect(text, "/x", url, sizeof url) == 0)
		must_be_base(url);
	free(text);
	free(body);
	return 0;
}
