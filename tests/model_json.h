/* JSON as jansson sees it. */
#ifndef MODEL_JSON_H
#define MODEL_JSON_H

#include "base/utf8.h"
#include "model_ndjson.h"

/*
 * A copy in which nothing is left but faults of syntax: what else jansson refuses (escapes of half
 * a surrogate pair or of NUL, bytes that are no UTF-8, numbers that are too large) is something
 * else of the same length.
 */
static inline char *model_softened(const char *data, size_t n)
{
	char *copy = xcalloc(n + 1, 1);
	bool in_string = false;

	memcpy(copy, data, n);
	for (size_t i = 0; (i += utf8_prefix(copy + i, n - i)) < n;)
		copy[i] = '\x7f';
	for (size_t i = 0; i < n; i++) {
		if (copy[i] == '"') {
			in_string = !in_string;
		} else if (in_string && copy[i] == '\\' && i + 1 < n) {
			i++;
			if (copy[i] == 'u' && i + 4 < n &&
			    (memcmp(copy + i + 1, "0000", 4) == 0 ||
			        ((copy[i + 1] | 0x20) == 'd' &&
			            strchr("89abcdefABCDEF", copy[i + 2]) &&
			            strspn(copy + i + 1, "0123456789abcdefABCDEF") >= 4)))
				memcpy(copy + i + 1, "0041", 4);
		} else if (!in_string && i > 0 && (copy[i] | 0x20) == 'e' && copy[i - 1] >= '0' &&
		    copy[i - 1] <= '9') {
			size_t digits = i + 1 + (copy[i + 1] == '+' || copy[i + 1] == '-');
			for (; copy[digits] >= '0' && copy[digits] <= '9'; digits++)
				copy[digits] = '0';
		}
	}
	return copy;
}

struct model_json {
	const char *data, *soft;
	size_t all, n, at; /* n: up to the first NUL, which is never JSON */
	uint64_t line;
	const struct feeding *how;
	struct buf *out;
	bool cut;  /* there is more behind n */
	bool open; /* what follows is not known to the model */
};

static inline void model_pass(struct model_json *m, size_t n)
{
	for (; n > 0; n--)
		m->line += m->data[m->at++] == '\n';
}

static inline void model_space(struct model_json *m)
{
	while (m->at < m->n && strchr(" \t\r\n", m->data[m->at]))
		model_pass(m, 1);
}

/* The value at m->at. false: it is a fault. */
static inline bool model_value(struct model_json *m)
{
	const int flags = MODEL_FLAGS | JSON_DISABLE_EOF_CHECK | JSON_DECODE_ANY;
	json_error_t error;
	json_t *value = json_loadb(m->soft + m->at, m->n - m->at, flags, &error);
	size_t length = value ? (size_t)error.position : 0;

	json_decref(value);
	/* of a number that is too long the end is not looked for exactly */
	bool number = value && !strchr("{[\"", m->data[m->at]);
	if (!value || (number && length > m->how->longest)) {
		m->open = m->all - m->at > m->how->longest;
		return false;
	}
	char *text = xcalloc(length + 64, 1);
	memcpy(text, m->data + m->at, length);
	for (size_t i = 0; i < length; i++)
		text[i] = text[i] == '\n' || text[i] == '\r' ? ' ' : text[i];
	if (length > m->how->longest)
		put_origin(m->out, 'B', m->line, text, model_shown(text, m->how->longest + 1));
	else
		model_line(m->out, text, length, m->line);
	free(text);
	model_pass(m, length);
	return true;
}

/* The values of an array, behind its bracket. false: there is a fault. */
static inline bool model_array(struct model_json *m)
{
	model_space(m);
	if (m->at < m->n && m->data[m->at] == ']') {
		m->at++;
		return true;
	}
	for (;;) {
		model_space(m);
		if (m->at == m->n || !model_value(m))
			return false;
		model_space(m);
		if (m->at == m->n || !strchr(",]", m->data[m->at]))
			return false;
		if (m->data[m->at++] == ']')
			return true;
	}
}

/* What trace_json should say, of objects without _cio_ members; `true` where it is all of that,
 * else how it begins. */
static inline bool model_json(struct buf *out, const char *data, size_t n,
    const struct feeding *how)
{
	const char *nul = memchr(data, '\0', n);
	struct model_json m = { .data = data,
		.soft = model_softened(data, n),
		.all = n,
		.n = nul ? (size_t)(nul - data) : n,
		.line = 1,
		.how = how,
		.out = out,
		.cut = nul != NULL };
	bool good = true;

	for (model_space(&m); good && m.at < m.n; model_space(&m)) {
		bool array = data[m.at] == '[';
		m.at += array;
		good = array ? model_array(&m) : model_value(&m);
	}
	if (!m.open && (!good || m.cut))
		buf_str(out, "\x1eX");
	free((char *)m.soft);
	return !m.open;
}

#endif
