/* --help and the usage line, from the table of options. */
#ifndef HELP_H
#define HELP_H

#include <stdio.h>

void help_print(FILE *out);

/* What a person at a terminal gets who gave no FILE. */
void help_usage(FILE *out);

#endif
