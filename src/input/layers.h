/*
 * What lies between a FILE's bytes and a reader: they are unpacked where the FILE is called .gz and
 * is gzip data, and decoded where a byte-order mark or the user says in what they are written.
 * What comes out is text in UTF-8; what plainly is no text is refused, before any of it is read.
 */
#ifndef LAYERS_H
#define LAYERS_H

#include <stdbool.h>
#include "base/reason.h"
#include "input/magic.h"
#include "input/source.h"

struct decode;
struct gunzip;

/* The first bytes of something, until it is known what it is. */
struct peek {
	source_read *read;
	void *arg;
	size_t n, at; /* bytes that were read, and that were handed on */
	bool last;    /* there are no more */
	char bytes[MAGIC_BYTES];
};

struct layers {
	const char *encoding; /* it is decoded from that; NULL: it is in UTF-8 already */
	bool packed;          /* it is unpacked */
	bool plain;           /* known to be neither: what comes out is what goes in */
	struct reason *why;   /* the caller's */
	/* For the layers alone. */
	struct peek raw, text;
	struct gunzip *gunzip;
	struct decode *decode;
	bool may_unpack;
	enum { LAYERS_RAW, LAYERS_TEXT, LAYERS_READY } stage;
};

/*
 * Over what read(arg, ...) hands out. gz: the FILE's name ends in .gz. encoding: --encoding, which
 * decode_knows, or NULL; a mark stands over it. `why` is where layers_read says what is wrong with
 * the bytes, with a status (65). The layers must not move afterwards.
 */
void layers_open(struct layers *l, source_read *read, void *arg, bool gz, const char *encoding,
    struct reason *why);
void layers_close(struct layers *l); /* zeroed ones are fine */

/* source_read for a struct layers. SOURCE_FAILED: *why where that has a status now, else errno. */
enum source_result layers_read(void *arg, char *to, size_t n, size_t *got);

#endif
