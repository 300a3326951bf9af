/* Names of files, as people see them, and their directories. */
#ifndef PATH_H
#define PATH_H

#define PATH_SHOWN 256

/* The name with control characters escaped, its end cut off where it is very long. */
const char *path_shown(const char *path, char out[PATH_SHOWN]);

/* The same place from any working directory: its directory's real name (which must exist), then its
 * own name, which is not followed. The caller's to free; NULL with errno. */
char *path_absolute(const char *path);

/* Brings the directory that holds `path` to the disk, so that a file made, renamed or removed there
 * stays so. 0 or -1 with errno. */
int path_sync_dir(const char *path);

#endif
