/* SQLite on the simulated disk. */
#ifndef SIM_SQLITE_H
#define SIM_SQLITE_H

void sqlite_set_up(void); /* once, before anything else knows SQLite */
void sqlite_begin(void);  /* a process starts: its random numbers are a function of the world */

#endif
