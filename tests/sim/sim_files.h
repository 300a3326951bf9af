/* The operating system's calls, as the simulated processes see them. */
#ifndef SIM_FILES_H
#define SIM_FILES_H

#include <stdbool.h>

struct proc;

void files_open_standard(struct proc *p); /* standard input, output and error */
void files_close_all(struct proc *p);
bool files_readable(const struct proc *p, int fd); /* without waiting */

/* Standard input of the processes that are started from now on: what a pipe brings. `more` adds
 * to it, `end` closes it; before the first `more` standard input is empty. */
void files_pipe_begin(void);
void files_pipe_more(const void *data, unsigned long n);
void files_pipe_end(void);
unsigned long files_pipe_sent(void); /* bytes since it began */

#endif
