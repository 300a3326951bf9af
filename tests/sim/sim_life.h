/*
 * A life: what is given to the program, and what is done to it, as numbers that follow from a seed.
 * Each number ("gene") has a value with which it does nothing, so that a life that fails can be cut
 * down: what stays the same after a gene was put out is not what it fails for.
 */
#ifndef SIM_LIFE_H
#define SIM_LIFE_H

#include <stdbool.h>
#include <stdint.h>
#include "base/buf.h"

/* GENE(name, value with which it does nothing, what it is) */
#define GENES(GENE) \
	GENE(kind, 0, "what it is about: enum life_kind") \
	/* the input */ \
	GENE(records, 1, "rows of the input") \
	GENE(people, 1, "people that they are about") \
	GENE(format, 0, "enum life_format") \
	GENE(files, 1, "that the rows are in") \
	GENE(encoding, 0, "enum life_encoding") \
	GENE(packed, 0, "the files are gzip's") \
	GENE(action, 0, "enum life_action") \
	GENE(timestamps, 0, "events have times of their own") \
	GENE(invalid, 0, "records in 1000 that are refused before they are sent") \
	GENE(poison, 0, "records in 1000 that the API refuses") \
	GENE(padding, 0, "bytes that are added to some records, at most") \
	GENE(no_break, 0, "the last line has no line break") \
	GENE(nights, 3, "of a sync, or times that a log has grown") \
	GENE(hasty, 0, "a night that died is not carried on: the next one begins") \
	GENE(gone, 0, "people in 1000 who are not there in a night") \
	GENE(twice, 0, "... who are there twice, with other values") \
	GENE(max_deletes, 0, "--max-deletes, 0: as it is") \
	GENE(shards, 2, "that run side by side") \
	GENE(rate_file, 0, "which share one rate") \
	GENE(pipe_bytes, 0, "that a pipe brings at once; 0: all") \
	GENE(pipe_ms, 0, "between two such") \
	GENE(again, 0, "the rejects are fed in again") \
	/* the options */ \
	GENE(batch, 0, "1: --batch; more: --batch=N") \
	GENE(concurrency, 0, "--concurrency, 0: as it is") \
	GENE(rate, 0, "--rate, 0: as it is") \
	GENE(burst, 0, "--burst, 0: as it is") \
	GENE(retries, 4, "--retries") \
	GENE(backoff_ms, 1000, "--backoff") \
	GENE(backoff_max_ms, 60000, "--backoff-max") \
	GENE(timeout_ms, 10000, "--timeout") \
	GENE(give_up_ms, 900000, "--give-up-after") \
	GENE(max_errors, 0, "--max-errors") \
	GENE(no_adapt, 0, "--no-adapt") \
	GENE(results, 0, "--results") \
	GENE(verbose, 0, "--verbose") \
	GENE(limit, 0, "--limit") \
	GENE(skip, 0, "--skip") \
	/* the network and the API */ \
	GENE(latency_ms, 20, "a way there and back") \
	GENE(jitter_ms, 0, "and up to so much more") \
	GENE(link_kbps, 0, "kbit/s of the way there, for all together; 0: no end") \
	GENE(refuse, 0, "attempts in 1000 that find no connection") \
	GENE(reset_before, 0, "... that are reset before the API has heard of them") \
	GENE(reset_after, 0, "... after") \
	GENE(hang, 0, "... that are never answered") \
	GENE(error_before, 0, "... answered 500, nothing done") \
	GENE(error_after, 0, "... answered 500 and done") \
	GENE(busy, 0, "... answered 503, nothing done") \
	GENE(late, 0, "those given up in 1000 that arrive all the same, later") \
	GENE(login, 0, "... answered by a login page") \
	GENE(astray, 0, "... answered with a redirect that is not to be followed") \
	GENE(wall, 0, "records in 1000 that a firewall answers 403") \
	GENE(proxy_at_ms, 0, "when a proxy wants to know, for some seconds, who asks; 0: never") \
	GENE(move_at_ms, 0, "when the API has moved; 0: never") \
	GENE(slow, 0, "... answered after some seconds") \
	GENE(outage_at_ms, 0, "when the API goes down") \
	GENE(outage_ms, 0, "for how long; 0: it stays up") \
	GENE(outage_kind, 0, "0 no connection, 1 503, 2 no answer") \
	GENE(limit_kind, 0, "0 none, 1 sliding second, 2 fixed second, 3 bucket") \
	GENE(limit_rate, 20, "requests a second") \
	GENE(limit_after, 0, "1: a 429 carries Retry-After") \
	GENE(revoke_at_ms, 0, "when the credentials are refused for some seconds; 0: never") \
	/* the disk */ \
	GENE(sync_ms, 0, "how long a sync takes, at most") \
	GENE(short_writes, 0, "writes take a part") \
	GENE(fail_run, 0, "in which run the disk fails") \
	GENE(fail_at, 0, "which of its changes; 0: none") \
	GENE(fail_with, 5, "errno") \
	GENE(fail_for, 1, "how many in a row") \
	GENE(full_run, 0, "in which run the disk is full") \
	GENE(full_at, 0, "bytes that it takes; 0: all") \
	/* the story */ \
	GENE(kill1, 0, "before which call of the system the first run dies; 0: not") \
	GENE(kill2, 0, "the second") \
	GENE(kill3, 0, "the third") \
	GENE(kill4, 0, "the fourth") \
	GENE(kill5, 0, "the fifth") \
	GENE(kill6, 0, "the sixth") \
	GENE(power, 0, "bits: which of these deaths are the power's") \
	GENE(stop_run, 0, "in which run a signal comes") \
	GENE(stop_ms, 0, "when, in it; 0: not") \
	GENE(stop_with, 15, "which") \
	GENE(stop_again_ms, 0, "and how long after that once more") \
	GENE(rest_ms, 100, "between a death and the next run") \
	GENE(beside_ms, 0, "when the same command is started beside; 0: never") \
	GENE(stall_run, 0, "which run is stopped for a while") \
	GENE(stall_at, 0, "before which of its calls; 0: none") \
	GENE(stall_ms, 0, "for how long") \
	GENE(change, 0, \
	    "the input is, under the first run, 1 cut short, 2 replaced, 3 appended to") \
	GENE(change_ms, 1, "when") \
	GENE(move_dir, 0, "the directory moves between chapters") \
	GENE(jump_at_ms, 0, "when the wall clock jumps") \
	GENE(jump_s, 0, "by how much")

enum life_kind { LIFE_PLAIN, LIFE_NIGHTS, LIFE_SHARDS, LIFE_PIPE, LIFE_GROWING, LIFE_KINDS };

enum life_format {
	LIFE_CSV,
	LIFE_NDJSON,
	LIFE_ARRAY,   /* JSON: one array of objects */
	LIFE_OBJECTS, /* JSON: objects one after another, laid out as they may be */
};

enum life_encoding { LIFE_UTF8, LIFE_UTF16LE, LIFE_UTF16BE, LIFE_WINDOWS };

enum life_action {
	LIFE_IDENTIFY,
	LIFE_TRACK,
	LIFE_DELETE,
	LIFE_SUPPRESS,
	LIFE_MIXED, /* these four, by --action-field */
	LIFE_EMAIL,
	LIFE_PUSH,
	LIFE_SMS,
	LIFE_SEGMENT, /* people into a segment and out of it; of nights, who is in it */
	LIFE_RELATED, /* people, merges of two, objects, and who belongs to them */
};

#define LIFE_SEGMENT_ID "7"

struct life {
	uint64_t seed;
#define GENE(name, off, about) int64_t name;
	GENES(GENE)
#undef GENE
};

/* Whether its records are messages: each leaves once at most. */
bool life_sends(const struct life *l);

void life_of_seed(struct life *l, uint64_t seed);
void life_off(struct life *l); /* the same seed, and no gene does anything */
void life_print(const struct life *l, struct buf *out); /* SEED and the genes that do something */
/* "name=value": 0, or -1 where there is no such gene. */
int life_set(struct life *l, const char *assignment);

/* The genes by number, to cut a life down. */
unsigned life_genes(void);
const char *life_gene_name(unsigned gene);
int64_t *life_gene(struct life *l, unsigned gene);
int64_t *life_gene_named(struct life *l, const char *assignment); /* NULL: there is none */
int64_t life_gene_off(unsigned gene);

/* A number that follows from the seed, what it is for, and which one it is. */
uint64_t life_random(const struct life *l, const char *what, uint64_t which);
/* Whether it happens, `of` times in 1000. */
bool life_happens(const struct life *l, const char *what, uint64_t which, int64_t of);

#endif
