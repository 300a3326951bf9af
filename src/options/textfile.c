/* A small file is held whole, and cut into lines and values in place. */
#include "options/textfile.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/buf.h"
#include "base/log.h"
#include "base/os.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

int textfile_read(struct textfile *f, int fd, struct reason *why)
{
	*f = (struct textfile){ .data = xmalloc(TEXTFILE_MAX + 2) };
	for (;;) {
		ssize_t n = read(fd, f->data + f->len, TEXTFILE_MAX + 1 - f->len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return reason_set(why, "it cannot be read: %s", strerror(errno));
		f->len += (size_t)n;
		if (f->len > TEXTFILE_MAX)
			return reason_set(why, "it is longer than %u bytes: is it the right file?",
			    TEXTFILE_MAX);
		if (n == 0)
			break;
	}
	f->data[f->len] = '\0';
	if (memchr(f->data, '\0', f->len))
		return reason_set(why,
		    "it is no text (it holds a NUL byte): is it the right file?");
	f->next = f->data;
	if (strncmp(f->data, "\xef\xbb\xbf", 3) == 0)
		f->next += 3;
	return 0;
}

/* Cuts off white space and a carriage return at the end; returns what stands after white space in
 * front. */
static char *trimmed(char *s, char *end)
{
	while (end > s && (is_blank(end[-1]) || end[-1] == '\r'))
		end--;
	*end = '\0';
	while (is_blank(*s))
		s++;
	return s;
}

char *textfile_line(struct textfile *f)
{
	while (*f->next) {
		char *start = f->next, *end = start + strcspn(start, "\n");
		f->next = *end ? end + 1 : end;
		f->line++;
		char *line = trimmed(start, end);
		if (*line && *line != '#')
			return line;
	}
	return NULL;
}

/* A quoted value that begins behind the quote. Returns what follows the closing one, or NULL. */
static char *unquote(char *text, char quote)
{
	char *to = text;

	for (char *p = text; *p; p++) {
		if (*p == quote) {
			*to = '\0';
			return p + 1;
		}
		if (quote == '"' && *p == '\\' && p[1] && strchr("\"\\$`", p[1]))
			p++;
		*to++ = *p;
	}
	return NULL;
}

static bool is_in_word(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	    c >= 0x80;
}

/* Whether `at` stands between two quotes within a bare value. An apostrophe in a word is none. */
static bool is_quoted(const char *text, const char *at)
{
	char open = '\0';

	for (const char *p = text; p < at; p++) {
		if (open && *p == open)
			open = '\0';
		else if (!open && (*p == '"' || (*p == '\'' && !is_in_word((unsigned char)p[-1]))))
			open = *p;
	}
	return open && strchr(at, open);
}

int textfile_value(char *text, char **value, struct reason *why)
{
	if (*text == '"' || *text == '\'') {
		char *rest = unquote(text + 1, *text);
		if (!rest)
			return reason_set(why, "a quote is not closed");
		while (is_blank(*rest))
			rest++;
		if (*rest && *rest != '#')
			return reason_set(why, "something follows the closing quote");
		*value = text + 1;
		return 0;
	}
	for (char *p = text; *p; p++)
		if (*p == '#' && (p == text || is_blank(p[-1]))) {
			if (is_quoted(text, p))
				return reason_set(why,
				    "a # stands inside quotes that do not hold the whole value: "
				    "put all of it in "
				    "quotes (\"NAME=A # B\"), or a comment on a line of its own");
			trimmed(text, p);
			break;
		}
	*value = text;
	return 0;
}

void textfile_free(struct textfile *f)
{
	if (f->data)
		os_wipe(f->data, TEXTFILE_MAX + 2);
	free(f->data);
	*f = (struct textfile){ 0 };
}
