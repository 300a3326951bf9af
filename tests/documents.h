/* The README and the manual as the tests read them. Tests run in the repository's top directory. */
#ifndef DOCUMENTS_H
#define DOCUMENTS_H

#include <stddef.h>

#define README "README.md"
#define MANUAL "man/cio-import.1"
#define SANDBOX_MANUAL "man/cio-import-sandbox.1"

/* A whole document, NUL after it, to free. NULL where it cannot be read. */
char *document_read(const char *name);

/* The text of README's nth fenced block (from 0) of a sort (what stands after ```), to free; NULL:
 * there is none. */
char *document_fence(const char *sort, size_t n);

/* The manual's nth example (from 0): a literal block under EXAMPLES, as it is shown, to free; NULL:
 * there is none. */
char *document_example(size_t n);

/*
 * The commands of a block as a script: what follows "$ ", with the lines that a command goes on on
 * (after a backslash or a pipe). `check` is a shell function of the caller's that is called with
 * each command's status. To free.
 */
char *document_script(const char *block, const char *check);

#endif
