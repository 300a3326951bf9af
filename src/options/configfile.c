/* The configuration file's lines are options by their long names; no credentials are taken from it.
 * */
#include "options/configfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include "base/buf.h"
#include "base/log.h"
#include "base/path.h"
#include "options/settings.h"
#include "options/textfile.h"

/* The default file's name, owned by the caller; NULL where there is no home to look in. */
static char *default_path(const char *xdg_config_home, const char *home)
{
	/* its specification: ignore a relative one */
	bool xdg = xdg_config_home && *xdg_config_home == '/';
	const char *base = xdg ? xdg_config_home : home;
	struct buf path;

	if (!base || !*base)
		return NULL;
	buf_init(&path, 65536);
	buf_fmt(&path, "%s%s/cio-import/config", base, xdg ? "" : "/.config");
	buf_byte(&path, '\0');
	if (path.over)
		buf_free(&path);
	return path.data;
}

static bool begins_with(const char *name, size_t n, const char *prefix)
{
	return n >= strlen(prefix) && strncasecmp(name, prefix, strlen(prefix)) == 0;
}

static bool is_secret(const char *name, size_t n)
{
	static const char *const prefixes[] = {
		"customerio",
		"cio_",
		"cio-",
		"site_id",
		"site-id",
		"siteid",
		"api_key",
		"api-key",
		"apikey",
		"track_api_key",
		"track-api-key",
		"password",
		"secret",
		"token",
	};

	for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
		if (begins_with(name, n, prefixes[i]))
			return true;
	return false;
}

static int refuse_name(const char *name, size_t n, struct reason *why)
{
	size_t dashes = strspn(name, "-");
	const char *nearest = dashes < n ? options_table_nearest(name + dashes, n - dashes) : NULL;

	if (nearest)
		return reason_set(why, "%.*s is not an option: did you mean %s?", (int)n, name,
		    nearest);
	return reason_set(why, "%.*s is not an option (cio-import --help lists them)", (int)n,
	    name);
}

/* One line: NAME, or NAME = VALUE. */
static int read_line(struct settings *s, char *line, struct reason *why)
{
	size_t n = strspn(line, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_");
	char *rest = line + n + strspn(line + n, " \t"), *value = NULL;
	struct reason what;

	if (is_secret(line, n))
		return reason_set(why,
		    "credentials do not belong in this file: set CUSTOMERIO_SITE_ID and "
		    "CUSTOMERIO_TRACK_API_KEY in the environment, or name an env-file (env-file = "
		    "FILE)");
	if (n == 0 || n > 60 || (*rest && *rest != '=' && *rest != '#'))
		return reason_set(why, "this line is not name = value");
	enum option_id id = options_table_find(line, n);
	if (id == OPTION_COUNT)
		return refuse_name(line, n, why);
	if (options_table[id].flags & OPTION_NOT_IN_CONFIG)
		return reason_set(why, "%s belongs on the command line alone",
		    options_table[id].name);
	if (*rest == '=' && textfile_value(rest + 1 + strspn(rest + 1, " \t"), &value, why) != 0)
		return -1;
	if (!value && options_table[id].argument && !(options_table[id].flags & OPTION_MAYBE_VALUE))
		return reason_set(why, "%s needs a value: %s = %s", options_table[id].name,
		    options_table[id].name, options_table[id].argument);
	value = value ? (char *)settings_keep(s, xstrdup(value)) : NULL;
	if (settings_assign(s, id, SOURCE_CONFIG, value, &what) != 0)
		return reason_set(why, "%s: %s", options_table[id].name, what.text);
	return 0;
}

static int read_open(struct settings *s, const char *shown, int fd, struct reason *why)
{
	struct textfile file;
	struct reason what;
	int result = textfile_read(&file, fd, &what);

	if (result != 0)
		reason_set(why, "%s: this configuration file is not used: %s", shown, what.text);
	for (char *line; result == 0 && (line = textfile_line(&file));) {
		result = read_line(s, line, &what);
		if (result != 0)
			reason_set(why, "%s:%u: %s", shown, file.line, what.text);
	}
	textfile_free(&file);
	return result;
}

int configfile_read(struct settings *s, const char *explicit_path, const char *xdg_config_home,
    const char *home, struct reason *why)
{
	char *path = explicit_path ? xstrdup(explicit_path) : default_path(xdg_config_home, home);
	char shown[PATH_SHOWN];
	int result = 0;

	if (!path)
		return 0;
	path_shown(path, shown);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd >= 0) {
		result = read_open(s, shown, fd, why);
		close(fd); /* only read from */
	} else if (explicit_path || (errno != ENOENT && errno != ENOTDIR)) {
		result = reason_set(why, "%s: cannot open this configuration file: %s: %s", shown,
		    strerror(errno),
		    explicit_path ? "correct --config" :
		                    "let this user read it, or give its own HOME");
	}
	free(path);
	return result;
}
