/* Open, closed, or let through by one probe: the three states of a circuit breaker. */
#include "send/gate.h"

static int64_t later(int64_t now, int64_t delay_us)
{
	return delay_us > INT64_MAX - now ? INT64_MAX : now + delay_us;
}

void gate_init(struct gate *g)
{
	*g = (struct gate){ .streak = 1 };
}

bool gate_up(struct gate *g)
{
	bool was_closed = g->closed;

	*g = (struct gate){ .streak = g->streak + 1 };
	return was_closed;
}

void gate_close(struct gate *g, int64_t delay_us, int64_t now)
{
	if (g->closed)
		return;
	if (g->failures == 0)
		g->down_since = now;
	g->closed = true;
	g->probe_at = later(now, delay_us);
}

/* A failed probe puts off the next; one that left before the gate closed changes nothing. */
static void probe_failed(struct gate *g, int64_t delay_us, int64_t now)
{
	if (!g->probing)
		return;
	g->probing = false;
	g->probes++;
	g->probe_at = later(now, delay_us);
}

bool gate_down(struct gate *g, bool fresh, int64_t delay_us, int64_t now)
{
	if (g->closed) {
		probe_failed(g, delay_us, now);
		return false;
	}
	if (g->failures == 0)
		g->down_since = now;
	g->failures++;
	g->different += fresh;
	if (g->different < GATE_STREAK)
		return false;
	gate_close(g, delay_us, now);
	return true;
}

int64_t gate_ready(const struct gate *g, int64_t now)
{
	if (!g->closed)
		return now;
	return g->probing ? INT64_MAX : g->probe_at;
}

void gate_probe(struct gate *g)
{
	g->probing = true;
}

bool gate_gives_up(const struct gate *g, int64_t give_up_us, int64_t now)
{
	return g->closed && give_up_us > 0 && now - g->down_since >= give_up_us;
}
