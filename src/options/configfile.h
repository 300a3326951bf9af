/* The configuration file: long option names and values, `name = value` a line. */
#ifndef CONFIGFILE_H
#define CONFIGFILE_H

struct reason;
struct settings;

/*
 * Reads the file into the settings, as the weakest source. `explicit_path` is --config's, or NULL:
 * then $XDG_CONFIG_HOME/cio-import/config or $HOME/.config/cio-import/config is read where it is
 * there (either may be NULL). Credentials are refused. 0, or -1 with *why, which holds file:line.
 */
int configfile_read(struct settings *s, const char *explicit_path, const char *xdg_config_home,
    const char *home, struct reason *why);

#endif
