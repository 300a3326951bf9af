/* A scene is set up and taken down in one call each. */
#include "scene.h"

#include <dirent.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/os.h"

struct scene scene_open(const struct sandbox_config *config)
{
	static const struct sandbox_config good;
	struct scene s = { .sandbox = sandbox_start(config ? config : &good) };

	ck_assert_ptr_nonnull(s.sandbox);
	s.harness = harness_new(s.sandbox);
	return s;
}

void scene_close(struct scene *s)
{
	harness_free(s->harness);
	sandbox_stop(s->sandbox);
	*s = (struct scene){ 0 };
}

char *scene_people(int count)
{
	struct buf text = { .max = BUF_UNBOUNDED };

	buf_str(&text, "id,row\n");
	for (int i = 1; i <= count; i++)
		buf_fmt(&text, "p%d,%d\n", i, i);
	buf_byte(&text, '\0');
	return text.data;
}

void scene_write_people(struct scene *s, const char *name, int count)
{
	char *text = scene_people(count);

	harness_write_text(s->harness, name, text);
	free(text);
}

size_t scene_people_there(struct scene *s)
{
	return (size_t)sandbox_counters(s->sandbox).people;
}

static json_t *summary_value(struct scene *s, const char *name)
{
	char *text = harness_read(s->harness, "summary.json", NULL);

	ck_assert_msg(text != NULL, "there is no summary.json");
	json_t *summary = json_loads(text, 0, NULL);
	json_t *value = json_incref(json_object_get(summary, name));
	ck_assert_msg(value != NULL, "summary.json has no \"%s\": %s", name, text);
	json_decref(summary);
	free(text);
	return value;
}

int64_t scene_summary(struct scene *s, const char *name)
{
	json_t *value = summary_value(s, name);
	int64_t number = json_integer_value(value);

	ck_assert_msg(json_is_integer(value), "\"%s\" of summary.json is no integer", name);
	json_decref(value);
	return number;
}

double scene_summary_number(struct scene *s, const char *name)
{
	json_t *value = summary_value(s, name);
	double number = json_number_value(value);

	ck_assert_msg(json_is_number(value), "\"%s\" of summary.json is no number", name);
	json_decref(value);
	return number;
}

bool scene_summary_says(struct scene *s, const char *name, const char *text)
{
	json_t *value = summary_value(s, name);
	bool same = json_is_string(value) && strcmp(json_string_value(value), text) == 0;

	json_decref(value);
	return same;
}

size_t scene_files_with(struct scene *s, const char *text)
{
	DIR *d = opendir(harness_dir(s->harness));
	size_t found = 0;

	ck_assert_ptr_nonnull(d);
	for (const struct dirent *e; (e = readdir(d));) {
		size_t len;
		struct stat st;
		bool file = stat(harness_path(s->harness, e->d_name), &st) == 0 &&
		    S_ISREG(st.st_mode);
		char *data = file ? harness_read(s->harness, e->d_name, &len) : NULL;
		found += data && os_find(data, len, text, strlen(text)) != NULL;
		free(data);
	}
	closedir(d);
	return found;
}

bool scene_is_instrumented(void)
{
#ifdef CIO_SANITIZED
	return true;
#else
	return harness_is_under();
#endif
}
