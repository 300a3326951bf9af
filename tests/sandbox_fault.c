/* What goes wrong with a request, by script, by chance or in an outage. */
#include "sandbox_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/os.h"

const struct sandbox_fault sandbox_login_page = { .act = SANDBOX_STATUS,
	.status = 200,
	.headers = "Content-Type: text/html; charset=utf-8",
	.body = "<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body>"
	        "<form action=\"/login\"></form></body></html>\n" };
const struct sandbox_fault sandbox_firewall = { .act = SANDBOX_STATUS,
	.status = 403,
	.headers = "Content-Type: text/html",
	.body = "<html><head><title>403 Forbidden</title></head><body>"
	        "<h1>Request blocked</h1></body></html>\n" };
const struct sandbox_fault sandbox_not_found = { .act = SANDBOX_STATUS,
	.status = 404,
	.headers = "Content-Type: text/html",
	.body = "<html><head><title>404 Not Found</title></head><body></body></html>\n" };

/* xorshift64*: the same faults for the same seed, whatever the machine. */
static uint64_t random_next(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1d >> 16;
}

void fault_seed(struct sandbox *s, uint64_t seed)
{
	s->random = seed * 2 + 1; /* never 0, which would stay 0 */
}

static bool text_within(const char *text, size_t len, const char *part)
{
	return !part || (len > 0 && os_find(text, len, part, strlen(part)));
}

/* Within the path as a person reads it: ann@example.com, not ann%40example.com. */
static bool path_holds(const char *path, const char *part)
{
	char *plain = xstrdup(path);
	bool holds = strstr(plain, part) != NULL;

	if (!holds)
		holds = text_within(plain, MHD_http_unescape(plain), part);
	free(plain);
	return holds;
}

static bool is_about(const struct visit *v, const char *identifier)
{
	struct workspace_person *const *people;
	size_t n = workspace_call_people(v->call, &people);
	const struct workspace_person *p = workspace_person(v->s->memory, identifier,
	    strlen(identifier));

	for (size_t i = 0; i < n; i++)
		if (people[i] == p)
			return true;
	return false;
}

static bool rule_matches(struct rule *r, const struct visit *v)
{
	const struct sandbox_rule *is = &r->is;
	unsigned times = is->times == 0 ? 1 : (unsigned)is->times;

	if ((is->times >= 0 && r->hits >= times) || (is->nth && is->nth != v->log->number) ||
	    (is->method && strcmp(is->method, v->log->method) != 0) ||
	    !text_within(v->log->path, strlen(v->log->path), is->path) ||
	    !text_within(v->body.data, v->body.len, is->body) ||
	    (is->holds && !text_within(v->body.data, v->body.len, is->holds) &&
	        !path_holds(v->log->path, is->holds)) ||
	    (is->person && !is_about(v, is->person)))
		return false;
	return r->seen++ >= is->passes;
}

/* One draw for each request, so that one seed is one sequence. */
static bool chaos_fault(struct sandbox *s, struct sandbox_fault *f)
{
	const struct sandbox_chaos *c = &s->config.chaos;
	const struct {
		unsigned percent;
		struct sandbox_fault fault;
	} kinds[] = {
		{ c->unavailable, { .act = SANDBOX_STATUS, .status = 503 } },
		{ c->error_after, { .act = SANDBOX_STATUS, .status = 500, .process = true } },
		{ c->reset_before, { .act = SANDBOX_RESET } },
		{ c->reset_after, { .act = SANDBOX_RESET, .process = true } },
		{ c->cut, { .act = SANDBOX_CUT, .process = true } },
		{ c->cut_head, { .act = SANDBOX_CUT_HEAD, .process = true } },
		{ c->big_head, { .act = SANDBOX_BIG_HEAD, .process = true } },
		{ c->login_page, sandbox_login_page },
		{ c->throttled, { .act = SANDBOX_STATUS, .status = 429 } },
	};
	unsigned draw = (unsigned)(random_next(&s->random) % 100), sum = 0;
	int delay = c->delay_ms ? (int)(random_next(&s->random) % (c->delay_ms + 1)) : 0;
	bool hit = false;

	*f = (struct sandbox_fault){ .act = SANDBOX_PASS };
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds && !hit; i++) {
		sum += kinds[i].percent;
		hit = draw < sum;
		if (hit)
			*f = kinds[i].fault;
	}
	f->delay_ms = delay;
	return hit;
}

static bool in_outage(const struct sandbox *s, int64_t now)
{
	int64_t t = now - s->started;
	return s->down ||
	    (t >= s->config.outage_from_ms * 1000 && t < s->config.outage_to_ms * 1000);
}

bool fault_find(struct visit *v, struct sandbox_fault *f)
{
	struct sandbox *s = v->s;
	bool chaos = chaos_fault(s, f);

	if (in_outage(s, clock_now())) {
		*f = (struct sandbox_fault){ .act = s->config.outage_resets ? SANDBOX_RESET :
			                                                      SANDBOX_STATUS,
			.status = 503 };
		return true;
	}
	if (s->config.hook && s->config.hook(v->log, v->body.data, f, s->config.arg))
		return true;
	for (size_t i = 0; i < s->rule_count; i++) {
		if (!rule_matches(&s->rules[i], v))
			continue;
		s->rules[i].hits++;
		*f = s->rules[i].is.fault;
		return true;
	}
	return chaos;
}

/* --- the script, at run time --- */

int sandbox_add_rule(struct sandbox *s, const struct sandbox_rule *r)
{
	pthread_mutex_lock(&s->lock);
	s->rules = xrealloc(s->rules, (s->rule_count + 1) * sizeof *s->rules);
	struct rule *copy = &s->rules[s->rule_count];
	*copy = (struct rule){ .is = *r };
	copy->is.method = copy_or_null(r->method);
	copy->is.path = copy_or_null(r->path);
	copy->is.body = copy_or_null(r->body);
	copy->is.holds = copy_or_null(r->holds);
	copy->is.person = copy_or_null(r->person);
	copy->is.fault.headers = copy_or_null(r->fault.headers);
	copy->is.fault.body = copy_or_null(r->fault.body);
	int number = (int)s->rule_count++;
	pthread_mutex_unlock(&s->lock);
	return number;
}

unsigned sandbox_rule_hits(struct sandbox *s, int rule)
{
	pthread_mutex_lock(&s->lock);
	unsigned hits = rule >= 0 && (size_t)rule < s->rule_count ? s->rules[rule].hits : 0;
	pthread_mutex_unlock(&s->lock);
	return hits;
}

void sandbox_clear_rules(struct sandbox *s)
{
	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < s->rule_count; i++) {
		const struct sandbox_rule *is = &s->rules[i].is;
		const char *const texts[] = { is->method, is->path, is->body, is->holds, is->person,
			is->fault.headers, is->fault.body };
		for (size_t k = 0; k < sizeof texts / sizeof *texts; k++)
			free((char *)texts[k]);
	}
	free(s->rules);
	s->rules = NULL;
	s->rule_count = 0;
	pthread_mutex_unlock(&s->lock);
}

void sandbox_set_outage(struct sandbox *s, bool down)
{
	pthread_mutex_lock(&s->lock);
	s->down = down;
	pthread_mutex_unlock(&s->lock);
}

void sandbox_set_chaos(struct sandbox *s, const struct sandbox_chaos *c)
{
	pthread_mutex_lock(&s->lock);
	s->config.chaos = *c;
	fault_seed(s, c->seed);
	pthread_mutex_unlock(&s->lock);
}

void sandbox_set_latency(struct sandbox *s, unsigned ms)
{
	pthread_mutex_lock(&s->lock);
	s->config.latency_ms = ms;
	pthread_mutex_unlock(&s->lock);
}
