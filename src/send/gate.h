/*
 * The outage gate: is the destination down? (Elsewhere it is called a circuit breaker.)
 *
 * After GATE_STREAK attempts in a row, of at least GATE_STREAK different records, failed without
 * any answer below 500, it is: the gate closes, one probe at a time is let through, with backoff,
 * and the first answer below 500 opens it again. All failures since the last answer below 500
 * belong to one streak; those of a streak that closed the gate are nobody's fault and count against
 * no record.
 */
#ifndef GATE_H
#define GATE_H

#include <stdbool.h>
#include <stdint.h>

#define GATE_STREAK 10

struct gate {
	bool closed;
	/* number of the present streak of failures; a new one with each answer below 500 */
	uint64_t streak;
	unsigned failures;  /* in this streak */
	unsigned different; /* of how many different records */
	int64_t down_since; /* start of the streak, us */
	int64_t probe_at;   /* while closed: when the next probe may leave */
	unsigned probes;    /* failed ones since it closed */
	bool probing;       /* one is in flight */
};

void gate_init(struct gate *g);

/* An answer below 500 came. Returns true if that opened the gate. */
bool gate_up(struct gate *g);

/*
 * An attempt failed. `fresh`: the first failure of its record in this streak. Returns true if that
 * closed the gate. `delay_us` is how long to wait before the next probe, where this closes it
 * (retry_delay for attempt 0) or a probe failed (for attempt probes + 1). An attempt that left
 * before the gate closed and fails while no probe is in flight changes nothing; so let a probe
 * leave only when nothing else is in flight.
 */
bool gate_down(struct gate *g, bool fresh, int64_t delay_us, int64_t now);

/* Closes it on other evidence: the credentials check failed too. */
void gate_close(struct gate *g, int64_t delay_us, int64_t now);

/* When the next attempt may leave: `now` while open, probe_at while closed, INT64_MAX while a probe
 * is in flight. */
int64_t gate_ready(const struct gate *g, int64_t now);
void gate_probe(struct gate *g); /* a probe leaves */

/* Whether it has been down for give_up_us (0: never gives up). */
bool gate_gives_up(const struct gate *g, int64_t give_up_us, int64_t now);

#endif
