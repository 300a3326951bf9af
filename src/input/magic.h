/* What a file is, by its first bytes: text in which encoding, packed, or no text at all. */
#ifndef MAGIC_H
#define MAGIC_H

#include <stdbool.h>
#include <stddef.h>

#define MAGIC_BYTES 512u /* that are worth looking at */

enum magic {
	MAGIC_TEXT,    /* nothing speaks against it */
	MAGIC_MORE,    /* more bytes may show what it is */
	MAGIC_GZIP,    /* gzip data */
	MAGIC_ENCODED, /* a byte-order mark says how it is written */
	MAGIC_OTHER,   /* something that no reader reads */
};

struct magic_found {
	enum magic magic;
	const char *encoding; /* MAGIC_ENCODED: as iconv names it ... */
	size_t mark;          /* ... and the mark's bytes */
	/* MAGIC_OTHER, MAGIC_GZIP: "this is a zip archive: unpack ... (unzip -p FILE |
	 * cio-import)" */
	const char *what;
};

/* Looks at a file's first n bytes. `last`: there are no more. `encoded`: the user says how it is
 * written, so only a mark has a say in that. */
struct magic_found magic_look(const char *bytes, size_t n, bool last, bool encoded);

#endif
