/* --completion: scripts for the shells, from the table of options. */
#ifndef COMPLETION_H
#define COMPLETION_H

#include <stdio.h>

void completion_bash(FILE *out);
void completion_zsh(FILE *out);
void completion_fish(FILE *out);

#endif
