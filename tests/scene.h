/* A sandbox and a harness that belong together, and what most tests of the whole program ask of
 * them. */
#ifndef SCENE_H
#define SCENE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness.h"
#include "sandbox.h"

struct scene {
	struct sandbox *sandbox;
	struct harness *harness;
};

struct scene scene_open(const struct sandbox_config *config); /* NULL: a good sandbox */
void scene_close(struct scene *s);

/* A CSV of people p1, p2, ...: "id,row". Text to free. */
char *scene_people(int count);
void scene_write_people(struct scene *s, const char *name, int count);
size_t scene_people_there(struct scene *s);

/* A figure of summary.json, which the run was asked to write. */
int64_t scene_summary(struct scene *s, const char *name);
double scene_summary_number(struct scene *s, const char *name); /* whole or not */
bool scene_summary_says(struct scene *s, const char *name, const char *text);

/* How many files of the harness's directory hold `text`. */
size_t scene_files_with(struct scene *s, const char *text);

/* Whether the program is slowed down, or its memory swollen, by a sanitizer or valgrind. */
bool scene_is_instrumented(void);

#endif
