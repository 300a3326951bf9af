/* Names of files, as people see them, and their directories. */
#ifndef PATH_H
#define PATH_H

#include <stddef.h>

#define PATH_SHOWN 256

/* Where the file's own name begins: behind the last slash. */
const char *path_base(const char *path);

/* Where the ending of the file's own name begins: its last dot, but for one in front. The end of
 * the path where there is none. */
const char *path_ending(const char *path);

/* The directory's part: "." and "/" where it has to be said. The caller's to free. */
char *path_directory(const char *path);

/* Where something that stands in the way at `path` is set aside: the same name with ~ behind it.
 * The caller's to free. */
char *path_aside(const char *path);

/* The name with control characters escaped, its end cut off where it is very long. */
const char *path_shown(const char *path, char out[PATH_SHOWN]);

/* The same place from any working directory: its directory's real name (which must exist), then its
 * own name, which is not followed. The caller's to free; NULL with errno. */
char *path_absolute(const char *path);

/* Brings the directory that holds `path` to the disk, so that a file made, renamed or removed there
 * stays so. 0 or -1 with errno. */
int path_sync_dir(const char *path);

#endif
