/* How a run begins: what it needs is opened, in the order in which trouble is cheapest. */
#include "run/run_state.h"

#include <string.h>
#include <sysexits.h>

#include "base/clock.h"
#include "base/path.h"
#include "base/words.h"
#include "input/input.h"
#include "queue/batch.h"
#include "queue/queue.h"
#include "run/beside.h"
#include "run/sync.h"
#include "send/pace.h"
#include "send/sender.h"
#include "show/display.h"

#define HELD_SINGLE (4u << 20) /* bytes of records held at once, in flight and waiting */
#define HELD_BATCH (8u << 20)
#define WAITING_SINGLE 1000 /* records that may be unsettled, those waiting for their turn too */
#define WAITING_BATCH 25000

/* "users.csv: resuming: 412,000 of 1,000,000 records are settled" */
static void say_resuming(struct run *r)
{
	const struct checkpoint_state *s = &r->intake.resume.state;
	uint64_t passed = r->o->skip < s->high ? r->o->skip : s->high;
	struct buf text = { .max = 128 };

	tally_count_all(&r->tally);
	words_count(&text, s->high - s->open_count - passed, true);
	if (r->tally.moment.total) {
		buf_str(&text, " of ");
		words_count(&text, r->tally.moment.total, true);
	}
	buf_byte(&text, '\0');
	display_message(r->display, DISPLAY_NOTICE, "%s: resuming: %s records are settled",
	    input_name(r->feed.input, 0), text.data);
	buf_free(&text);
}

static void begin_anew(struct resume *s)
{
	s->state = (struct checkpoint_state){ .files = "", .run = "" };
	s->verifying = false;
}

/* Puts the FILEs into the order in which the run that is carried on read them. What is another
 * input is begun anew where nothing of it was settled, or where what is left is due in a sync
 * file. */
static int arrange(struct run *r, struct reason *why)
{
	struct resume *s = &r->intake.resume;
	struct buf now = { .max = BUF_UNBOUNDED };
	char shown[PATH_SHOWN];
	struct reason inner;

	input_list(r->feed.input, &now);
	buf_byte(&now, '\0');
	bool same = strcmp(now.data, s->state.files) == 0;
	buf_free(&now);
	if (same)
		return 0;
	if (r->sync) {
		begin_anew(s);
		return 0;
	}
	if (input_arrange(r->feed.input, s->state.files, &inner) == 0)
		return 0;
	if (checkpoint_has_settled(&s->state))
		return reason_exit(why, EX_DATAERR, "%s: %s: " CHECKPOINT_WAY_OUT,
		    path_shown(r->o->state, shown), inner.text);
	begin_anew(s);
	return 0;
}

/* It begins from the beginning, though another number of shards has sent some of it. */
static void look_beside(struct run *r)
{
	const char *file = r->o->input.files[0];
	struct buf other = { .max = BUF_UNBOUNDED };
	char shown[PATH_SHOWN];

	if (!input_is_regular(r->feed.input) || strcmp(file, "-") == 0)
		return;
	beside_other_shards(file, r->o->shards, &other);
	if (other.len > 0) {
		buf_byte(&other, '\0');
		display_message(r->display, DISPLAY_NOTICE,
		    "%s: is the progress of another number of shards (--shard): what they have "
		    "sent is sent again: go on with that number, or remove it",
		    path_shown(other.data, shown));
	}
	buf_free(&other);
}

static int open_checkpoint(struct run *r, struct reason *why)
{
	struct resume *s = &r->intake.resume;

	if (r->o->state &&
	    outputs_open_checkpoint(&r->outputs, r->o, &r->feed.identity, r->sync != NULL,
	        &s->state, &s->verifying, why) != 0)
		return -1;
	if (s->verifying && arrange(r, why) != 0)
		return -1;
	if (r->o->state) {
		input_list(r->feed.input, &r->outputs.files);
		buf_byte(&r->outputs.files, '\0');
	}
	if (s->verifying) {
		r->outputs.carried_on = *s->state.run;
		if (r->outputs.carried_on)
			feed_go_on(&r->feed, s->state.run);
		say_resuming(r);
	} else {
		look_beside(r);
	}
	r->outputs.run = r->feed.run;
	/* there is no other way to go on behind what was sent of a stream */
	r->outputs.keeps = r->o->state && (r->o->keep_state || !input_is_regular(r->feed.input));
	return 0;
}

static int open_outputs(struct run *r, struct reason *why)
{
	const struct resume *s = &r->intake.resume;

	if (outputs_open(&r->outputs, r->o, s->verifying ? &s->state : NULL, why) != 0)
		return -1;
	for (const char *line = r->outputs.said.data, *end; (end = strchr(line, '\n')) != NULL;
	     line = end + 1)
		display_message(r->display, DISPLAY_NOTICE, "%.*s", (int)(end - line), line);
	return 0;
}

static void set_up_queue(struct run *r)
{
	const struct options *o = r->o;
	unsigned most = o->concurrency ? o->concurrency : SENDER_MOST;
	size_t singles = WAITING_SINGLE + 2 * (size_t)most;
	const struct queue_config c = {
		.envelope = o->api->envelope,
		.batch_most = feed_batch_most(o),
		.batch_wait_us = o->batch_wait_us,
		.operations_most = o->api->envelope ? WAITING_BATCH : singles,
		.bytes_most = o->api->envelope ? HELD_BATCH : HELD_SINGLE,
	};

	r->queue = queue_new(&c);
}

static int set_up_pace(struct run *r, struct reason *why)
{
	const struct options *o = r->o;
	const struct num_rate *records = &o->record_rate;
	const struct pace_config c = {
		.num = o->rate.num,
		.den = o->rate.den,
		.burst = (int64_t)o->burst,
		.adapt = !o->no_adapt,
	};
	int64_t at_once = records->num ? (int64_t)batch_at_once(records, &o->rate, o->burst) : 1;

	bucket_init(&r->records, records->num, records->den, at_once, at_once, r->now);
	gate_init(&r->gate);
	r->pace = o->rate_file ? pace_share(&c, o->rate_file, clock_now(), clock_wall(), why) :
	                         pace_new(&c, r->now);
	return r->pace ? 0 : -1;
}

static int set_up_sender(struct run *r, struct reason *why)
{
	const struct options *o = r->o;
	const struct sender_config c = {
		.base = o->url,
		.user = o->site_id,
		.password = o->app_key ? o->app_key : o->api_key,
		.ca_file = o->ca_file,
		.proxy = o->proxies ? NULL : "",
		.timeout_us = o->timeout_us,
		.slots = o->concurrency,
		.pace = o->rate.num ? (double)o->rate.num * 1e6 / (double)o->rate.den : 0,
		.large_bodies = o->api->envelope != NULL,
	};

	r->sender = sender_new(&c, why);
	if (r->sender)
		return 0;
	if (why->status == 0)
		why->status = EX_CONFIG;
	return -1;
}

static void name_run(const struct run *r, char id[ULID_LENGTH + 1])
{
	uint8_t random[10] = { 0 };

	memcpy(random, &r->random, sizeof r->random);
	identity_of_run(id, r->started_wall / 1000, random);
}

int start_run(struct run *r, struct reason *why)
{
	char id[ULID_LENGTH + 1];

	tally_init(&r->tally, r->o, r->display, NULL);
	name_run(r, id);
	if (feed_open(&r->feed, r->o, id, why) != 0)
		return -1;
	tally_init(&r->tally, r->o, r->display, r->feed.input);
	if (outputs_check(r->o, why) != 0 ||
	    sync_open(r->o, r->feed.input, &r->feed.identity, &r->sync, why) != 0 ||
	    open_checkpoint(r, why) != 0 || open_outputs(r, why) != 0)
		return -1;
	set_up_queue(r);
	if (set_up_pace(r, why) != 0)
		return -1;
	feed_start(&r->feed, r->o, r->o->api->envelope != NULL, NULL);
	if (set_up_sender(r, why) != 0)
		return -1;
	r->check.wanted = true;
	return settle_commit(r);
}
