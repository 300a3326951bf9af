/* An env-file is read only where nobody but its owner can get at it. */
#include "options/envfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/buf.h"
#include "base/log.h"
#include "base/os.h"
#include "base/path.h"
#include "options/textfile.h"

static const char *const variable_names[VARIABLE_COUNT][2] = {
	[VARIABLE_SITE_ID] = { "CUSTOMERIO_SITE_ID", "CIO_SITE_ID" },
	[VARIABLE_API_KEY] = { "CUSTOMERIO_TRACK_API_KEY", "CIO_API_KEY" },
	[VARIABLE_APP_KEY] = { "CUSTOMERIO_APP_API_KEY", "CIO_APP_KEY" },
	[VARIABLE_REGION] = { "CUSTOMERIO_REGION", "CIO_REGION" },
	[VARIABLE_URL] = { "CUSTOMERIO_URL", NULL },
};

const char *variable_name(enum variable v, unsigned which)
{
	return variable_names[v][which];
}

const char *environment_get(char *const *environment, const char *name)
{
	size_t n = strlen(name);

	for (; *environment; environment++)
		if (strncmp(*environment, name, n) == 0 && (*environment)[n] == '=')
			return (*environment)[n + 1] ? *environment + n + 1 : NULL;
	return NULL;
}

/* Whether the file lies directly in the directory of this service's credentials. */
static bool is_credential(const char *path, const char *directory)
{
	struct stat its, given;

	if (!directory)
		return false;
	char *parent = path_directory(path);
	bool same = stat(parent, &its) == 0 && stat(directory, &given) == 0 &&
	    its.st_dev == given.st_dev && its.st_ino == given.st_ino;
	free(parent);
	return same;
}

static int check_file(int fd, const char *path, const char *credentials_directory,
    struct reason *why)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return reason_set(why, "it cannot be examined: %s", strerror(errno));
	if (!S_ISREG(st.st_mode) && !S_ISFIFO(st.st_mode))
		return reason_set(why, "it is neither a regular file nor a pipe");
	unsigned others = st.st_mode & (is_credential(path, credentials_directory) ? 037u : 077u);
	if (others)
		return reason_set(why,
		    "others can get at it (mode %03o): make it yours alone with chmod 600",
		    (unsigned)(st.st_mode & 0777));
	return 0;
}

/* The length of the name that a line begins with. */
static size_t name_length(const char *s)
{
	return strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");
}

static void note(struct envfile *out, const char *name, size_t n, const char *value, unsigned line)
{
	for (enum variable v = 0; v < VARIABLE_COUNT; v++)
		for (unsigned which = 0; which < 2; which++) {
			const char *known = variable_names[v][which];
			struct envfile_entry *e = &out->entries[v];
			bool stronger = !e->value || which == 0 || e->name == known;
			if (!known || strlen(known) != n || memcmp(known, name, n) != 0 ||
			    !stronger)
				continue;
			free(e->value);
			*e = (struct envfile_entry){ *value ? xstrdup(value) : NULL, line, known };
		}
}

static int read_line(struct envfile *out, char *line, unsigned number, struct reason *why)
{
	char *name = line, *value;

	if (strncmp(name, "export", 6) == 0 && (name[6] == ' ' || name[6] == '\t'))
		name += 6 + strspn(name + 6, " \t");
	size_t n = name_length(name);
	if (n == 0 || name[n] != '=')
		return reason_set(why, "this line is not NAME=VALUE");
	if (textfile_value(name + n + 1, &value, why) != 0)
		return -1;
	note(out, name, n, value, number);
	return 0;
}

int envfile_read(struct envfile *out, const char *path, const char *credentials_directory,
    struct reason *why)
{
	struct textfile file = { 0 };
	struct reason what = { .text = "" };
	char shown[PATH_SHOWN];
	int result = -1;

	*out = (struct envfile){ 0 };
	path_shown(path, shown);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return reason_set(why,
		    "%s: cannot open this env-file: %s: correct its name, or let this user read it",
		    shown, strerror(errno));
	if (check_file(fd, path, credentials_directory, &what) != 0 ||
	    textfile_read(&file, fd, &what) != 0) {
		reason_set(why, "%s: this env-file is not used: %s", shown, what.text);
		goto done;
	}
	for (char *line; (line = textfile_line(&file));)
		if (read_line(out, line, file.line, &what) != 0) {
			reason_set(why, "%s:%u: %s", shown, file.line, what.text);
			goto done;
		}
	result = 0;
done:
	if (result != 0)
		envfile_free(out);
	textfile_free(&file);
	close(fd); /* only read from */
	return result;
}

void envfile_free(struct envfile *e)
{
	for (enum variable v = 0; v < VARIABLE_COUNT; v++) {
		if (e->entries[v].value)
			os_wipe(e->entries[v].value, strlen(e->entries[v].value));
		free(e->entries[v].value);
	}
	*e = (struct envfile){ 0 };
}
