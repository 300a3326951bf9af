/* The producer's thread fills blocks of operations while the run empties the one before. */
#include "run/producer.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include "base/buf.h"
#include "base/os.h"
#include "input/input.h"
#include "base/log.h"
#include "operation/mapping.h"
#include "options/options.h"
#include "run/feed_check.h"
#include "input/record.h"
#include "show/survey.h"

#define BLOCKS 8u /* how far it works ahead */
/* who waits for a block waits until there are as many: it is woken less often */
#define HALF (BLOCKS / 2)
#define BLOCK_MADE 512u          /* in a block */
#define BLOCK_BYTES (128u << 10) /* of a block, but where one record needs more */
/* operations: that is soon enough to be fetched from memory until then */
#define SOON 8u

/* What was made, with all the bytes that it points to. */
struct block {
	struct made *made; /* room for BLOCK_MADE */
	size_t count;
	char *bytes;
	size_t used, room;
};

struct producer {
	const struct options *o;
	struct input *input;
	struct mapping *mapping;
	const struct operation_config *config;
	struct survey *survey; /* NULL: none */

	/* What was read last. It is made when there is a block with room for it. */
	enum made_kind kind;
	struct record record;
	struct mapped mapped;
	struct reason why;
	int status;
	bool read;                /* and is not made yet */
	unsigned headers_checked; /* FILEs whose header was looked at */

	struct block blocks[BLOCKS]; /* only the first, where it does not work ahead */
	size_t taken;                /* of the block that is being taken: how many */

	/* Working ahead. Blocks go round: those from `emptied` to `filled` are the taker's, all
	 * others the thread's. */
	bool ahead;
	pthread_t thread;
	pthread_mutex_t lock; /* of the three below */
	/* blocks so far; only the thread changes the one, only the taker the other */
	unsigned filled, emptied;
	bool quit;
	pthread_cond_t has_filled, has_emptied;
};

static bool is_last(enum made_kind kind)
{
	return kind == MADE_END || kind == MADE_FAILED;
}

/* -- reading -- */

/* A pipe's header is known only when its first record has come, or when there is none: those of all
 * FILEs before `file`. */
static bool headers_are_good(struct producer *m, unsigned file)
{
	while (m->headers_checked < file) {
		if (feed_check_header(m->mapping, m->input, m->headers_checked++, m->o, &m->why) ==
		    0)
			continue;
		m->status = m->why.status;
		return false;
	}
	return true;
}

/* Who works ahead may read more than is taken. */
static bool is_past_limit(const struct producer *m)
{
	return m->o->limit && m->record.from.number > m->o->skip + m->o->limit;
}

static enum made_kind read_record(struct producer *m)
{
	enum input_result got = input_next(m->input, &m->record, &m->why, &m->status);

	if (got == INPUT_AGAIN && m->ahead) {
		m->status = EX_NOINPUT;
		reason_set(&m->why,
		    "%s: is no regular file any more: leave the input as it is, and run again",
		    input_name(m->input, input_file(m->input)));
		return MADE_FAILED;
	}
	if (got == INPUT_AGAIN)
		return MADE_AGAIN;
	if (got == INPUT_FAILED)
		return MADE_FAILED;
	if (!headers_are_good(m,
	        got == INPUT_END ? (unsigned)m->o->input.file_count : m->record.from.file + 1))
		return MADE_FAILED;
	if (got == INPUT_END)
		return MADE_END;
	if (m->record.from.number <= m->o->skip)
		return MADE_PASSED;
	if (got == INPUT_BAD)
		return MADE_BAD;
	if (mapping_apply(m->mapping, &m->record, &m->mapped, &m->why) != 0)
		return MADE_INVALID;
	if (m->survey && !is_past_limit(m))
		survey_record(m->survey, &m->mapped,
		    m->record.layout ? m->record.layout->number : 0);
	return MADE_OPERATION;
}

/* -- making -- */

static char *put_bytes(struct block *b, const char *bytes, size_t n)
{
	if (n > b->room - b->used)
		return NULL;
	char *to = b->bytes + b->used;
	memcpy(to, bytes, n);
	b->used += n;
	return to;
}

/* The operation, in the room that block b has left. 1, 0 where that is too small, -1 with m->why
 * where it is invalid. */
static int build(struct producer *m, struct block *b, const struct origin *from,
    struct operation *op)
{
	size_t room = b->room - b->used;
	/* never grows */
	struct buf bytes = { .data = b->bytes + b->used, .cap = room, .max = room - 1 };
	int result = room ? operation_build(m->config, from, &m->mapped, &bytes, op, &m->why) : -1;

	if (room == 0 || bytes.over)
		return 0;
	b->used += bytes.len;
	return result == 0 ? 1 : -1;
}

/* The record's own bytes are for rejects and for the checkpoint: a dry run wants them only of what
 * is no good, or nobody's. */
static bool keep_raw(struct producer *m, struct block *b, struct made *made)
{
	struct operation *op = &made->op;

	if (m->o->dry_run && made->kind == MADE_OPERATION && op->key_count > 0) {
		op->from.raw = "";
		op->from.raw_len = 0;
		return true;
	}
	op->from.raw = put_bytes(b, op->from.raw, op->from.raw_len);
	return op->from.raw != NULL;
}

/* A record, with its bytes and what can be made of it; false where block b has no room for them. */
static bool make_record(struct producer *m, struct block *b, struct made *made)
{
	if (m->kind != MADE_OPERATION) {
		operation_raw(&m->record.from, m->config->action, &made->op);
		return keep_raw(m, b, made);
	}
	int built = build(m, b, &m->record.from, &made->op);
	if (built < 0)
		made->kind = MADE_INVALID;
	return built != 0 && keep_raw(m, b, made);
}

static bool make_why(struct producer *m, struct block *b, struct made *made)
{
	made->why = NULL;
	if (made->kind != MADE_INVALID && made->kind != MADE_BAD && made->kind != MADE_FAILED)
		return true;
	made->why = put_bytes(b, m->why.text, strlen(m->why.text) + 1);
	return made->why != NULL;
}

/* What was read becomes the next of block b; false: it has no room for that. */
static bool make(struct producer *m, struct block *b)
{
	struct made *made = &b->made[b->count];

	made->kind = m->kind;
	made->status = m->status;
	if (m->kind > MADE_BAD)
		made->op = (struct operation){
			.from.number = m->kind == MADE_PASSED ? m->record.from.number : 0
		};
	else if (!make_record(m, b, made))
		return false;
	if (!make_why(m, b, made))
		return false;
	b->count++;
	return true;
}

static void block_room(struct block *b, size_t room)
{
	b->bytes = xrealloc(b->bytes, room);
	b->room = room;
}

static void block_new(struct block *b)
{
	b->made = xcalloc(BLOCK_MADE, sizeof *b->made);
	block_room(b, BLOCK_BYTES);
}

/* Reads and makes up to `most`, as many as fit: but one, however long it is. */
static void fill(struct producer *m, struct block *b, size_t most)
{
	b->count = b->used = 0;
	if (b->room > BLOCK_BYTES)
		block_room(b, BLOCK_BYTES);
	while (b->count < most) {
		if (!m->read)
			m->kind = read_record(m);
		m->read = true;
		while (!make(m, b)) {
			if (b->count > 0)
				return;
			b->used = 0;
			block_room(b, b->room * 2);
		}
		m->read = false;
		if (is_last(m->kind) || m->kind == MADE_AGAIN)
			return;
	}
}

/* -- working ahead -- */

/* The next block to fill; NULL when no more are wanted. */
static struct block *wait_for_empty(struct producer *m)
{
	pthread_mutex_lock(&m->lock);
	while (m->filled - m->emptied == BLOCKS && !m->quit)
		pthread_cond_wait(&m->has_emptied, &m->lock);
	struct block *b = m->quit ? NULL : &m->blocks[m->filled % BLOCKS];
	pthread_mutex_unlock(&m->lock);
	return b;
}

static void hand_over(struct producer *m, bool last)
{
	pthread_mutex_lock(&m->lock);
	m->filled++;
	if (last || m->filled - m->emptied >= HALF)
		pthread_cond_signal(&m->has_filled);
	pthread_mutex_unlock(&m->lock);
}

static void *work(void *arg)
{
	struct producer *m = arg;
	struct block *b;
	bool last = false;

	while (!last && (b = wait_for_empty(m))) {
		fill(m, b, BLOCK_MADE);
		last = is_last(b->made[b->count - 1].kind);
		hand_over(m, last);
	}
	return NULL;
}

/* Gives the block that was taken back, if any, and waits for the next. */
static void next_block(struct producer *m, bool give_back)
{
	pthread_mutex_lock(&m->lock);
	if (give_back) {
		m->emptied++;
		if (m->filled - m->emptied <= HALF)
			pthread_cond_signal(&m->has_emptied);
	}
	while (m->filled == m->emptied)
		pthread_cond_wait(&m->has_filled, &m->lock);
	pthread_mutex_unlock(&m->lock);
}

/* Signals are the main thread's. */
static int start_thread(struct producer *m)
{
	sigset_t all, before;

	sigfillset(&all);
	if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0)
		return -1;
	int bad = pthread_create(&m->thread, NULL, work, m);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return bad ? -1 : 0;
}

/* Where a thread is not to be had, everything is done without. */
static void work_ahead(struct producer *m)
{
	if (pthread_mutex_init(&m->lock, NULL) != 0)
		return;
	if (pthread_cond_init(&m->has_filled, NULL) != 0)
		goto no_filled;
	if (pthread_cond_init(&m->has_emptied, NULL) != 0)
		goto no_emptied;
	for (size_t i = 1; i < BLOCKS; i++)
		block_new(&m->blocks[i]);
	m->ahead = true;
	if (start_thread(m) == 0)
		return;
	m->ahead = false;
	pthread_cond_destroy(&m->has_emptied);
no_emptied:
	pthread_cond_destroy(&m->has_filled);
no_filled:
	pthread_mutex_destroy(&m->lock);
}

/* -- for others -- */

struct producer *producer_new(const struct options *o, struct input *input, struct mapping *mapping,
    const struct operation_config *config, bool ahead, struct survey *survey)
{
	struct producer *m = xcalloc(1, sizeof *m);

	m->o = o;
	m->input = input;
	m->mapping = mapping;
	m->config = config;
	m->survey = survey;
	block_new(&m->blocks[0]);
	if (ahead && input_is_regular(input) && os_processors() > 1)
		work_ahead(m);
	return m;
}

static void stop_thread(struct producer *m)
{
	pthread_mutex_lock(&m->lock);
	m->quit = true;
	pthread_cond_signal(&m->has_emptied);
	pthread_mutex_unlock(&m->lock);
	pthread_join(m->thread, NULL);
	pthread_cond_destroy(&m->has_emptied);
	pthread_cond_destroy(&m->has_filled);
	pthread_mutex_destroy(&m->lock);
}

void producer_free(struct producer *m)
{
	if (!m)
		return;
	if (m->ahead)
		stop_thread(m);
	for (size_t i = 0; i < BLOCKS; i++) {
		free(m->blocks[i].made);
		free(m->blocks[i].bytes);
	}
	free(m);
}

static const struct block *taken_from(const struct producer *m)
{
	return &m->blocks[m->ahead ? m->emptied % BLOCKS : 0];
}

const struct made *producer_next(struct producer *m)
{
	const struct block *b = taken_from(m);
	bool begun = m->taken > 0;

	if (begun && is_last(b->made[m->taken - 1].kind))
		return &b->made[m->taken - 1];
	if (!begun || m->taken == b->count) {
		if (m->ahead)
			next_block(m, begun);
		else
			fill(m, &m->blocks[0], 1);
		b = taken_from(m);
		m->taken = 0;
	}
	return &b->made[m->taken++];
}

const struct operation *producer_soon(const struct producer *m)
{
	const struct block *b = taken_from(m);

	return m->ahead && m->taken + SOON < b->count ? &b->made[m->taken + SOON].op : NULL;
}

bool producer_is_ahead(const struct producer *m)
{
	return m->ahead;
}
