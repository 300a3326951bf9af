/* What cio-import-sandbox is asked to be, from its command line. */
#ifndef SANDBOX_OPTIONS_H
#define SANDBOX_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "sandbox.h"

#define SANDBOX_RULES 8

struct sandbox_options { /* its texts are argv's */
	struct sandbox_config config;
	/* for sandbox_add_rule once it has started */
	struct sandbox_rule rules[SANDBOX_RULES];
	size_t rule_count;
	unsigned fail_percent, fail_kinds; /* kinds: a bit each, by their place in the table */
	const char *port_file, *log_file;
	bool help;
};

/* 0, or -1 with a line on standard error. */
int sandbox_options_read(int argc, char **argv, struct sandbox_options *o);

/* What --help prints: 0, or -1 where standard output does not take it. */
int sandbox_options_help(void);

#endif
