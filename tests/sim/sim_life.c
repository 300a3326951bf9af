/* The table of genes, and how a life is drawn, written down and read back. */
#include "sim_life.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "dice.h"

static const struct {
	const char *name;
	int64_t off;
	size_t place;
} genes[] = {
#define GENE(name, off, about) { #name, off, offsetof(struct life, name) },
	GENES(GENE)
#undef GENE
};

enum { COUNT = sizeof genes / sizeof *genes };

bool life_sends(const struct life *l)
{
	return l->action >= LIFE_EMAIL && l->action <= LIFE_SMS;
}

unsigned life_genes(void)
{
	return COUNT;
}

const char *life_gene_name(unsigned gene)
{
	return genes[gene].name;
}

int64_t *life_gene(struct life *l, unsigned gene)
{
	return (int64_t *)((char *)l + genes[gene].place);
}

int64_t life_gene_off(unsigned gene)
{
	return genes[gene].off;
}

uint64_t life_random(const struct life *l, const char *what, uint64_t which)
{
	struct dice d = { .state = l->seed };

	d.state ^= dice_next(&d) + which * UINT64_C(0xd1342543de82ef95);
	for (; *what; what++)
		d.state = (d.state + (unsigned char)*what) * UINT64_C(0x2545f4914f6cdd1d);
	return dice_next(&d);
}

bool life_happens(const struct life *l, const char *what, uint64_t which, int64_t of)
{
	return of > 0 && (int64_t)(life_random(l, what, which) % 1000) < of;
}

void life_print(const struct life *l, struct buf *out)
{
	buf_fmt(out, "SEED=%" PRIu64, l->seed);
	for (unsigned i = 0; i < COUNT; i++) {
		int64_t value = *life_gene((struct life *)l, i);
		if (value != genes[i].off)
			buf_fmt(out, " %s=%" PRId64, genes[i].name, value);
	}
}

int64_t *life_gene_named(struct life *l, const char *assignment)
{
	size_t len = strcspn(assignment, "=");

	for (unsigned i = 0; i < COUNT; i++)
		if (strlen(genes[i].name) == len && memcmp(genes[i].name, assignment, len) == 0)
			return life_gene(l, i);
	return NULL;
}

int life_set(struct life *l, const char *assignment)
{
	const char *equals = strchr(assignment, '=');
	int64_t *gene = life_gene_named(l, assignment);

	if (!equals)
		return -1;
	if (strncmp(assignment, "SEED=", 5) == 0)
		l->seed = strtoull(equals + 1, NULL, 10);
	else if (gene)
		*gene = strtoll(equals + 1, NULL, 10);
	else
		return -1;
	return 0;
}

/* -- a life of a seed -- */

/* From low to high, small ones as often as large ones. */
static int64_t wide(struct dice *d, int64_t low, int64_t high)
{
	int64_t top = low + 1;

	while (top < high && dice_below(d, 3))
		top = low + (top - low) * 2;
	return low + dice_below(d, (top < high ? top : high) - low + 1);
}

static int64_t pick(struct dice *d, const int64_t *from, size_t n)
{
	return from[dice_below(d, (int64_t)n)];
}
#define PICK(d, ...) \
	pick(d, (const int64_t[]){ __VA_ARGS__ }, \
	    sizeof((const int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t))

static bool often(struct dice *d, int64_t percent)
{
	return dice_below(d, 100) < percent;
}

static void choose_input(struct life *l, struct dice *d)
{
	l->records = 1 + wide(d, 0, 120);
	l->people = 1 + dice_below(d, often(d, 50) ? l->records : 4);
	l->format = PICK(d, LIFE_CSV, LIFE_CSV, LIFE_NDJSON, LIFE_NDJSON, LIFE_ARRAY, LIFE_OBJECTS);
	l->files = PICK(d, 1, 1, 1, 2, 3);
	if (often(d, 10))
		l->encoding = PICK(d, LIFE_UTF16LE, LIFE_UTF16BE, LIFE_WINDOWS);
	l->packed = often(d, 8);
	l->action = PICK(d, LIFE_IDENTIFY, LIFE_IDENTIFY, LIFE_IDENTIFY, LIFE_TRACK, LIFE_TRACK,
	    LIFE_DELETE, LIFE_SUPPRESS, LIFE_MIXED, LIFE_EMAIL, LIFE_EMAIL, LIFE_PUSH, LIFE_SMS,
	    LIFE_SEGMENT, LIFE_SEGMENT, LIFE_RELATED, LIFE_RELATED);
	l->timestamps = dice_below(d, 2);
	if (often(d, 40))
		l->invalid = PICK(d, 10, 100, 500);
	if (often(d, 40))
		l->poison = PICK(d, 10, 100, 500);
	if (often(d, 10))
		l->padding = PICK(d, 100, 900, 12000);
	l->no_break = often(d, 10);
}

static void choose_options(struct life *l, struct dice *d)
{
	if (often(d, 50))
		l->batch = PICK(d, 1, 2, 3, 5, 20);
	if (often(d, 50))
		l->concurrency = PICK(d, 1, 2, 3, 10, 30);
	if (often(d, 60))
		l->rate = PICK(d, 1, 2, 5, 10, 100, 1000);
	if (often(d, 40))
		l->burst = PICK(d, 1, 2, 5, 50);
	if (often(d, 40))
		l->retries = PICK(d, 0, 1, 2, 8);
	if (often(d, 40))
		l->backoff_ms = PICK(d, 1, 10, 100, 300);
	if (often(d, 30))
		l->backoff_max_ms = l->backoff_ms * PICK(d, 1, 2, 10);
	if (often(d, 30))
		l->timeout_ms = PICK(d, 500, 2000, 5000);
	if (often(d, 40))
		l->give_up_ms = PICK(d, 2000, 10000, 60000);
	if (often(d, 8))
		l->max_errors = wide(d, 1, 20);
	l->no_adapt = often(d, 20);
	l->results = often(d, 50);
	l->verbose = often(d, 20);
	if (often(d, 8))
		l->limit = 1 + dice_below(d, l->records);
	if (often(d, 8))
		l->skip = dice_below(d, l->records);
}

static void choose_kind(struct life *l, struct dice *d)
{
	l->kind = PICK(d, LIFE_PLAIN, LIFE_PLAIN, LIFE_PLAIN, LIFE_NIGHTS, LIFE_SHARDS, LIFE_PIPE,
	    LIFE_GROWING);
	l->again = often(d, 30);
	switch (l->kind) {
	case LIFE_NIGHTS:
		l->records = 1 + dice_below(d, 40);
		l->nights = 2 + dice_below(d, 3);
		l->action = PICK(d, LIFE_IDENTIFY, LIFE_IDENTIFY, LIFE_SEGMENT);
		l->poison = l->padding = 0;
		l->gone = PICK(d, 0, 20, 100, 400);
		l->twice = l->action == LIFE_SEGMENT ? 0 : PICK(d, 0, 0, 50);
		l->hasty = often(d, 40);
		l->max_deletes = PICK(d, 0, 3, 1000, 1000);
		break;
	case LIFE_SHARDS:
		l->shards = 2 + dice_below(d, 2);
		l->rate_file = often(d, 70);
		break;
	case LIFE_PIPE:
		l->pipe_bytes = PICK(d, 0, 1, 50, 1000);
		l->pipe_ms = PICK(d, 0, 1, 100, 1000);
		l->packed = 0;
		l->files = 1;
		break;
	case LIFE_GROWING:
		l->records = 1 + dice_below(d, 20);
		l->nights = 2 + dice_below(d, 3);
		l->limit = l->skip = l->no_break = l->packed = 0;
		l->files = 1;
		if (l->format == LIFE_ARRAY) /* it has an end */
			l->format = LIFE_OBJECTS;
		break;
	default:
		break;
	}
}

/* A world's clock when its first run starts. */
#define BEGINS_MS 1000

static void choose_network(struct life *l, struct dice *d)
{
	int64_t *const noise[] = { &l->refuse, &l->reset_before, &l->reset_after, &l->hang,
		&l->error_before, &l->error_after, &l->login, &l->slow, &l->busy };

	l->latency_ms = PICK(d, 1, 5, 20, 80, 300);
	if (often(d, 60))
		l->jitter_ms = PICK(d, 1, 20, 200, 1000);
	if (often(d, 10))
		l->link_kbps = PICK(d, 50, 300, 2000);
	if (often(d, 50))
		for (size_t i = 0; i < sizeof noise / sizeof *noise; i++)
			if (often(d, 30))
				*noise[i] = PICK(d, 5, 30, 150, 400);
	if (often(d, 30))
		l->late = PICK(d, 100, 500, 1000);
	if (often(d, 20)) {
		l->outage_at_ms = BEGINS_MS + wide(d, 1, 20000);
		l->outage_ms = wide(d, 100, 200000);
		l->outage_kind = dice_below(d, 3);
	}
	if (often(d, 20)) {
		l->limit_kind = 1 + dice_below(d, 3);
		l->limit_rate = PICK(d, 1, 3, 10, 30);
		l->limit_after = dice_below(d, 2);
	}
	if (often(d, 4))
		l->revoke_at_ms = BEGINS_MS + wide(d, 1, 20000);
	if (often(d, 4))
		l->proxy_at_ms = BEGINS_MS + wide(d, 1, 20000);
	if (often(d, 6))
		l->move_at_ms = BEGINS_MS + wide(d, 1, 20000);
	if (often(d, 6))
		l->astray = PICK(d, 5, 30);
	if (often(d, 8))
		l->wall = PICK(d, 10, 50, 200, 1000);
}

static void choose_story(struct life *l, struct dice *d)
{
	int64_t *const kills[] = { &l->kill1, &l->kill2, &l->kill3, &l->kill4, &l->kill5,
		&l->kill6 };
	int64_t count = often(d, 75) ? wide(d, 1, 6) : 0;

	for (int64_t i = 0; i < count && i < 6; i++)
		*kills[i] = often(d, 25) ? 0 :
		    often(d, 50)         ? 1 + dice_below(d, 300) :
		                           wide(d, 1, 5000);
	if (count && often(d, 50))
		l->power = dice_below(d, 64);
	if (often(d, 20)) {
		l->stop_run = wide(d, 0, 3);
		l->stop_ms = wide(d, 1, 10000);
		l->stop_with = PICK(d, 2, 15);
		if (often(d, 20))
			l->stop_again_ms = wide(d, 1, 2000);
	}
	l->rest_ms = PICK(d, 0, 100, 1000, 5000);
	if (often(d, 10))
		l->beside_ms = wide(d, 1, 3000);
	if (often(d, 10)) {
		l->stall_run = wide(d, 0, 3);
		l->stall_at = 1 + dice_below(d, 300);
		l->stall_ms = wide(d, 1, 60000);
	}
	l->move_dir = often(d, 20);
	if (l->kind == LIFE_PLAIN && often(d, 15)) {
		l->change = 1 + dice_below(d, 3);
		l->change_ms = wide(d, 1, 3000);
		l->again = l->packed = l->encoding = 0;
	}
	if (often(d, 10)) {
		l->jump_at_ms = wide(d, 1, 10000);
		l->jump_s = PICK(d, -3600, -1, 1, 60, 86400);
	}
}

static void choose_disk(struct life *l, struct dice *d)
{
	if (often(d, 30))
		l->sync_ms = PICK(d, 1, 10, 50);
	l->short_writes = often(d, 10);
	if (often(d, 10)) {
		l->fail_run = wide(d, 0, 3);
		l->fail_at = wide(d, 1, 200);
		l->fail_with = PICK(d, 5, 28, 122);
		l->fail_for = PICK(d, 1, 1, 2, 1000);
	}
	if (often(d, 5)) {
		l->full_run = wide(d, 0, 3);
		l->full_at = 1 + dice_below(d, 40000);
	}
}

void life_off(struct life *l)
{
	for (unsigned i = 0; i < COUNT; i++)
		*life_gene(l, i) = genes[i].off;
}

/* Some nights are calm but for one death, with requests on their way. */
static void calm_nights(struct life *l, struct dice *d)
{
	if (l->kind != LIFE_NIGHTS || !l->hasty || often(d, 50))
		return;
	l->refuse = l->reset_before = l->reset_after = l->hang = l->error_before = l->error_after =
	    l->login = l->astray = l->wall = l->proxy_at_ms = l->move_at_ms = l->outage_ms =
	        l->limit_kind = l->revoke_at_ms = l->stop_ms = 0;
	l->fail_at = l->full_at = l->max_errors = l->invalid = 0;
	l->kill1 = l->kill3 = l->kill4 = l->kill5 = l->kill6 = 0;
	l->kill2 = 150 + dice_below(d, 200);
}

void life_of_seed(struct life *l, uint64_t seed)
{
	struct dice d = { .state = seed };

	d.state = dice_next(&d); /* neighbours would be each other's, a step further */
	life_off(l);
	l->seed = seed;
	choose_input(l, &d);
	choose_options(l, &d);
	choose_kind(l, &d);
	choose_network(l, &d);
	choose_disk(l, &d);
	choose_story(l, &d);
	calm_nights(l, &d);
	if (l->kind == LIFE_NIGHTS) /* what arrives a night later undoes what that brought */
		l->late = 0;
}
