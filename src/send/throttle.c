#include "send/throttle.h"

void throttle_init(struct throttle *t)
{
	*t = (struct throttle){
		.refused_since = INT64_MAX,
		.paused_at = INT64_MIN,
		.paused_until = INT64_MIN,
	};
}

void throttle_answered(struct throttle *t, enum throttle_answer answer, int64_t started,
    int64_t now)
{
	(void)answer;
	(void)started;
	(void)now;
	t->refused_since = INT64_MAX;
	t->pauses = 0;
}

static bool is_same_wave(const struct throttle *t, int64_t started)
{
	return t->pauses > 0 && started < t->paused_at;
}

unsigned throttle_nth(const struct throttle *t, int64_t started)
{
	return t->pauses - is_same_wave(t, started);
}

bool throttle_refused(struct throttle *t, int64_t started, int64_t retry_after_us, int64_t until,
    int64_t now)
{
	(void)retry_after_us;
	if (t->refused_since == INT64_MAX)
		t->refused_since = now;
	if (until > t->paused_until)
		t->paused_until = until;
	if (is_same_wave(t, started))
		return false;
	t->pauses += t->pauses < UINT32_MAX;
	t->paused_at = now;
	return true;
}
