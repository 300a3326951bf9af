/* Names of files, as people see them, and their directories. */
#ifndef PATH_H
#define PATH_H

#include <stdbool.h>
#include <stddef.h>

#define PATH_SHOWN 256

/* Where the file's own name begins: behind the last slash. */
const char *path_base(const char *path);

/* Where the ending of the file's own name begins: its last dot, but for one in front. The end of
 * the path where there is none. */
const char *path_ending(const char *path);

/* Bytes of the path without a last .gz, which says how it is packed and not what it is. */
size_t path_unpacked(const char *path);

/* The directory's part: "." and "/" where it has to be said. The caller's to free. */
char *path_directory(const char *path);

/* The name with control characters escaped, its end cut off where it is very long. */
const char *path_shown(const char *path, char out[PATH_SHOWN]);

/* The same place from any working directory: its directory's real name (which must exist), then its
 * own name, which is not followed. The caller's to free; NULL with errno. */
char *path_absolute(const char *path);

/* An absolute path as it is found from the directory that holds another one ("../b/c"), so that
 * both can be moved together; and back. Both are path_absolute's. The caller's to free. */
char *path_relative(const char *path, const char *beside);
char *path_resolve(const char *relative, const char *beside);

/* Brings the directory that holds `path` to the disk, so that a file made, renamed or removed there
 * stays so. 0 or -1 with errno. */
int path_sync_dir(const char *path);

/* Whether the file open on fd is still the one under its name. */
bool path_names(const char *path, int fd);

/* Where something that stands in the way at `path` is set aside: "PATH~" for n 1, "PATH.~2~" for 2,
 * and so on. The caller's to free. */
char *path_aside(const char *path, unsigned n);

/* Renames a file to the first of those that is free, lastingly: nothing is written over.
 * *aside is that name, the caller's to free. 0 or -1 with errno. */
int path_set_aside(const char *path, char **aside);

#endif
