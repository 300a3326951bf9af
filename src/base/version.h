/* The version's one place: the Makefile reads it from here. */
#ifndef VERSION_H
#define VERSION_H

#define VERSION "1.0.0"

#endif
