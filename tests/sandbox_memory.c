/* What a test asks a sandbox: its memory, its log and its counters. */
#include "sandbox_internal.h"

#include <string.h>
#include <time.h>

#include "base/clock.h"

static struct workspace_person *find_person(struct sandbox *s, const char *identifier)
{
	return workspace_person(s->memory, identifier, strlen(identifier));
}

json_t *sandbox_person(struct sandbox *s, const char *identifier)
{
	pthread_mutex_lock(&s->lock);
	const struct workspace_person *p = find_person(s, identifier);
	json_t *copy = p && p->exists ?
	    p->attributes ? json_deep_copy(p->attributes) : json_object() :
	    NULL;
	pthread_mutex_unlock(&s->lock);
	return copy;
}

char *sandbox_body(struct sandbox *s, const char *identifier, size_t *len)
{
	pthread_mutex_lock(&s->lock);
	const struct workspace_person *p = find_person(s, identifier);
	char *copy = p && p->body ? xstrndup(p->body, p->body_len) : NULL;
	if (len)
		*len = copy ? p->body_len : 0;
	pthread_mutex_unlock(&s->lock);
	return copy;
}

json_t *sandbox_history(struct sandbox *s, const char *identifier)
{
	pthread_mutex_lock(&s->lock);
	const struct workspace_person *p = find_person(s, identifier);
	json_t *copy = p && p->history ? json_deep_copy(p->history) : json_array();
	pthread_mutex_unlock(&s->lock);
	return copy;
}

json_t *sandbox_devices(struct sandbox *s, const char *identifier)
{
	pthread_mutex_lock(&s->lock);
	const struct workspace_person *p = find_person(s, identifier);
	json_t *copy = p && p->devices ? json_deep_copy(p->devices) : NULL;
	pthread_mutex_unlock(&s->lock);
	return copy;
}

bool sandbox_suppressed(struct sandbox *s, const char *identifier)
{
	pthread_mutex_lock(&s->lock);
	const struct workspace_person *p = find_person(s, identifier);
	bool suppressed = p && p->suppressed;
	pthread_mutex_unlock(&s->lock);
	return suppressed;
}

json_t *sandbox_object(struct sandbox *s, const char *type_id, const char *object_id)
{
	pthread_mutex_lock(&s->lock);
	json_t *o = workspace_object(s->memory, type_id, object_id);
	json_t *copy = o ? json_deep_copy(o) : NULL;
	pthread_mutex_unlock(&s->lock);
	return copy;
}

json_t *sandbox_relation(struct sandbox *s, const char *identifier, const char *type_id,
    const char *object_id)
{
	pthread_mutex_lock(&s->lock);
	json_t *r = workspace_relation(s->memory, identifier, type_id, object_id);
	json_t *copy = r ? json_deep_copy(r) : NULL;
	pthread_mutex_unlock(&s->lock);
	return copy;
}

bool sandbox_in_segment(struct sandbox *s, const char *segment, const char *identifier)
{
	pthread_mutex_lock(&s->lock);
	bool in = workspace_in_segment(s->memory, segment, identifier);
	pthread_mutex_unlock(&s->lock);
	return in;
}

size_t sandbox_segment_size(struct sandbox *s, const char *segment)
{
	pthread_mutex_lock(&s->lock);
	size_t size = workspace_segment_size(s->memory, segment);
	pthread_mutex_unlock(&s->lock);
	return size;
}

bool sandbox_esp_suppressed(struct sandbox *s, const char *type, const char *email)
{
	pthread_mutex_lock(&s->lock);
	bool suppressed = workspace_esp_suppressed(s->memory, type, email);
	pthread_mutex_unlock(&s->lock);
	return suppressed;
}

json_t *sandbox_messages(struct sandbox *s)
{
	pthread_mutex_lock(&s->lock);
	json_t *copy = json_deep_copy(workspace_messages(s->memory));
	pthread_mutex_unlock(&s->lock);
	return copy;
}

static void add_person(const struct workspace_person *p, void *arg)
{
	json_object_setn_new(arg, p->entry.key, p->entry.len,
	    p->attributes ? json_deep_copy(p->attributes) : json_object());
}

json_t *sandbox_people(struct sandbox *s)
{
	json_t *all = json_object();

	pthread_mutex_lock(&s->lock);
	workspace_each(s->memory, add_person, all);
	pthread_mutex_unlock(&s->lock);
	return all;
}

json_t *sandbox_events(struct sandbox *s)
{
	pthread_mutex_lock(&s->lock);
	json_t *copy = json_deep_copy(workspace_events(s->memory));
	pthread_mutex_unlock(&s->lock);
	return copy;
}

unsigned sandbox_event_times(struct sandbox *s, const char *event_id)
{
	pthread_mutex_lock(&s->lock);
	unsigned times = workspace_event_times(s->memory, event_id);
	pthread_mutex_unlock(&s->lock);
	return times;
}

size_t sandbox_arrivals(struct sandbox *s)
{
	pthread_mutex_lock(&s->lock);
	size_t n = s->log_count;
	pthread_mutex_unlock(&s->lock);
	return n;
}

struct sandbox_arrival sandbox_arrival(struct sandbox *s, size_t i)
{
	pthread_mutex_lock(&s->lock);
	struct sandbox_arrival a = i < s->log_count ?
	    *s->log[i] :
	    (struct sandbox_arrival){ .method = "", .path = "" };
	pthread_mutex_unlock(&s->lock);
	return a;
}

unsigned sandbox_max_in(struct sandbox *s, int64_t window_us)
{
	size_t first = 0, most = 0;

	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < s->log_count; i++) {
		while (s->log[first]->at_us < s->log[i]->at_us - window_us)
			first++;
		if (i - first + 1 > most)
			most = i - first + 1;
	}
	pthread_mutex_unlock(&s->lock);
	return (unsigned)most;
}

struct sandbox_counters sandbox_counters(struct sandbox *s)
{
	pthread_mutex_lock(&s->lock);
	struct sandbox_counters c = s->counters;
	struct workspace_totals t = workspace_totals(s->memory);
	pthread_mutex_unlock(&s->lock);
	c.people = t.people;
	c.events = t.events;
	c.duplicates = t.duplicates;
	c.operations = t.operations;
	c.suppressed = t.suppressed;
	c.merges = t.merges;
	c.objects = t.objects;
	c.relations = t.relations;
	c.members = t.members;
	c.esp_suppressed = t.esp_suppressed;
	c.messages = t.messages;
	c.messages_twice = t.messages_twice;
	c.drafts = t.drafts;
	c.triggers = t.triggers;
	return c;
}

unsigned sandbox_most_in_progress(struct sandbox *s, const char *identifier)
{
	pthread_mutex_lock(&s->lock);
	const struct workspace_person *p = find_person(s, identifier);
	unsigned most = p ? p->most_in_progress : 0;
	pthread_mutex_unlock(&s->lock);
	return most;
}

bool sandbox_wait(struct sandbox *s, uint64_t n, int timeout_ms)
{
	int64_t until = clock_now() + (int64_t)timeout_ms * 1000;
	struct timespec end = { .tv_sec = until / SECOND, .tv_nsec = until % SECOND * 1000 };

	pthread_mutex_lock(&s->lock);
	while (s->counters.requests < n && pthread_cond_timedwait(&s->arrived, &s->lock, &end) == 0)
		;
	bool there = s->counters.requests >= n;
	pthread_mutex_unlock(&s->lock);
	return there;
}
