/* The first bytes are looked at once; then each layer reads from the one below it. */
#include "input/layers.h"

#include <string.h>
#include <sysexits.h>
#include "input/decode.h"
#include "input/gunzip.h"

/* The first bytes. */

static void peek_open(struct peek *p, source_read *read_bytes, void *arg)
{
	*p = (struct peek){ .read = read_bytes, .arg = arg };
}

static enum source_result peek_fill(struct peek *p)
{
	size_t got = 0;
	enum source_result result = p->read(p->arg, p->bytes + p->n, sizeof p->bytes - p->n, &got);

	p->n += got;
	p->last = result == SOURCE_END;
	return result == SOURCE_END ? SOURCE_MORE : result;
}

/* Reads until it is known what it is. SOURCE_MORE with *found; else as the read was. */
static enum source_result peek_look(struct peek *p, bool encoded, struct magic_found *found)
{
	while ((*found = magic_look(p->bytes, p->n, p->last, encoded)).magic == MAGIC_MORE) {
		enum source_result result = peek_fill(p);
		if (result != SOURCE_MORE)
			return result;
	}
	return SOURCE_MORE;
}

/* source_read: those bytes, then what follows them. */
static enum source_result peek_read(void *arg, char *to, size_t n, size_t *got)
{
	struct peek *p = arg;
	size_t left = p->n - p->at;

	if (left == 0)
		return p->last ? SOURCE_END : p->read(p->arg, to, n, got);
	*got = left < n ? left : n;
	memcpy(to, p->bytes + p->at, *got);
	p->at += *got;
	return SOURCE_MORE;
}

/* The layers. */

void layers_open(struct layers *l, source_read *read_bytes, void *arg, bool gz,
    const char *encoding, struct reason *why)
{
	*l = (struct layers){ .why = why,
		.may_unpack = gz,
		.encoding = encoding && !decode_is_utf8(encoding) ? encoding : NULL };
	why->status = 0;
	peek_open(&l->raw, read_bytes, arg);
}

void layers_close(struct layers *l)
{
	gunzip_free(l->gunzip);
	decode_free(l->decode);
	*l = (struct layers){ 0 };
}

static enum source_result refuse(struct layers *l, const struct magic_found *found)
{
	reason_exit(l->why, EX_DATAERR, "%s", found->what);
	return SOURCE_FAILED;
}

/* Whether it is packed. */
static enum source_result begin_raw(struct layers *l)
{
	struct magic_found found;
	enum source_result result = peek_look(&l->raw, true, &found);

	if (result != SOURCE_MORE)
		return result;
	l->packed = found.magic == MAGIC_GZIP && l->may_unpack;
	if (l->packed)
		l->gunzip = gunzip_new(peek_read, &l->raw, l->why);
	peek_open(&l->text, l->packed ? gunzip_read : peek_read,
	    l->packed ? (void *)l->gunzip : (void *)&l->raw);
	l->stage = LAYERS_TEXT;
	return SOURCE_MORE;
}

/* What it is when it is unpacked. */
static enum source_result begin_text(struct layers *l)
{
	struct magic_found found;
	enum source_result result = peek_look(&l->text, l->encoding != NULL, &found);

	if (result != SOURCE_MORE)
		return result;
	if (found.magic == MAGIC_OTHER || found.magic == MAGIC_GZIP)
		return refuse(l, &found);
	if (found.magic == MAGIC_ENCODED) {
		l->encoding = decode_is_utf8(found.encoding) ? NULL : found.encoding;
		l->text.at = found.mark;
	}
	if (l->encoding)
		l->decode = decode_new(l->encoding, peek_read, &l->text);
	l->plain = !l->packed && !l->decode && l->text.at == 0;
	l->stage = LAYERS_READY;
	return SOURCE_MORE;
}

enum source_result layers_read(void *arg, char *to, size_t n, size_t *got)
{
	struct layers *l = arg;
	enum source_result result = SOURCE_MORE;

	*got = 0;
	if (l->why->status)
		return SOURCE_FAILED;
	if (l->stage == LAYERS_RAW)
		result = begin_raw(l);
	if (result == SOURCE_MORE && l->stage == LAYERS_TEXT)
		result = begin_text(l);
	if (result != SOURCE_MORE)
		return result;
	return l->decode ? decode_read(l->decode, to, n, got) : peek_read(&l->text, to, n, got);
}
