/* Opening, writing and closing what lasts of a run. */
#include "run/outputs.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/path.h"
#include "base/reason.h"
#include "options/options.h"
#include "run/identity.h"
#include "store/rejects.h"
#include "store/results.h"

/* What fails here cannot be written, unless it says itself what else is the matter. */
static int failed(struct reason *why)
{
	if (why->status == 0)
		why->status = EX_CANTCREAT;
	return -1;
}

static bool has_results(const struct outputs *out)
{
	return out->results.fd >= 0;
}

/* Whether a place is good; else with the option that names another. */
static int check_place(const char *name, const char *option, struct reason *why)
{
	struct reason inner;

	if (!name || outfile_check(name, true, &inner) == 0)
		return 0;
	if (inner.status) {
		*why = inner;
		return -1;
	}
	return reason_exit(why, EX_CANTCREAT, "%s, or name another place with %s=FILE", inner.text,
	    option);
}

int outputs_check(const struct options *o, struct reason *why)
{
	return check_place(o->rejects, "--rejects", why) != 0 ||
	        check_place(o->results, "--results", why) != 0 ||
	        check_place(o->summary, "--summary", why) != 0 ||
	        check_place(o->metrics, "--metrics", why) != 0 ?
	    -1 :
	    0;
}

int outputs_open_checkpoint(struct outputs *out, const struct options *o, const struct identity *id,
    bool due_elsewhere, struct checkpoint_state *kept, bool *resuming, struct reason *why)
{
	static const int statuses[] = {
		[CHECKPOINT_BUSY] = EX_TEMPFAIL,
		[CHECKPOINT_OTHER] = EX_DATAERR,
		[CHECKPOINT_BROKEN] = EX_DATAERR,
		[CHECKPOINT_FAILED] = EX_CANTCREAT,
	};
	struct checkpoint_identity about = {
		.action = id->action.data,
		.destination = id->destination.data,
		.mapping = id->mapping.data,
	};
	enum checkpoint_result got = checkpoint_open(o->state, &about, o->restart, &out->checkpoint,
	    kept, why);

	if (got == CHECKPOINT_OTHER && due_elsewhere)
		got = checkpoint_open(o->state, &about, true, &out->checkpoint, kept, why);
	*resuming = got == CHECKPOINT_RESUME;
	if (got == CHECKPOINT_NEW || got == CHECKPOINT_RESUME)
		return 0;
	if (why->status == 0)
		why->status = statuses[got];
	return -1;
}

static char *absolute(const char *name)
{
	char *path = name && strcmp(name, "-") != 0 ? path_absolute(name) : NULL;

	/* a directory that is not there: opening the file says so */
	return path ? path : xstrdup("");
}

/* Whether this run goes on with what it wrote under that name. Where it is to write elsewhere now,
 * and the old file is still there, that stays as it is. */
static bool goes_on(struct outputs *out, const char *before, const char *now)
{
	char shown[PATH_SHOWN];

	if (!*before || strcmp(before, now) == 0 || access(before, F_OK) != 0)
		return true;
	buf_fmt(&out->said,
	    "%s: what this run wrote so far stays there, for another file is named now\n",
	    path_shown(before, shown));
	return false;
}

/* A name that nobody gave follows the first FILE's: a run that is carried on with another one in
 * front goes on with the file that it has. */
static const char *name_rejects(const struct options *o, const struct checkpoint_state *kept)
{
	bool has_one = kept && *kept->rejects_name && access(kept->rejects_name, F_OK) == 0;
	char *now = absolute(o->rejects);
	bool same = has_one && strcmp(now, kept->rejects_name) == 0;

	free(now);
	return has_one && !same && o->rejects && !o->rejects_given ? kept->rejects_name :
	                                                             o->rejects;
}

static int open_rejects(struct outputs *out, const struct options *o,
    const struct checkpoint_state *kept, struct reason *why)
{
	const char *name = name_rejects(o, kept);

	out->rejects_name = absolute(name);
	if (!name)
		return 0;
	bool same = kept && goes_on(out, kept->rejects_name, out->rejects_name);
	out->rejects = rejects_new(name, same ? kept->rejects : NULL,
	    same ? kept->rejects_files : 0, o->input.file_count, why);
	if (!out->rejects)
		return -1;
	buf_str(&out->said, rejects_said(out->rejects));
	return 0;
}

static int open_results(struct outputs *out, const struct options *o,
    const struct checkpoint_state *kept, struct reason *why)
{
	out->results_name = absolute(o->results);
	if (!o->results)
		return 0;
	if (kept && goes_on(out, kept->results_name, out->results_name))
		return outfile_continue(&out->results, o->results, OUTFILE_ANY, &kept->results,
		    &out->said, why);
	return outfile_create(&out->results, o->results, OUTFILE_ANY, &out->said, why);
}

int outputs_open(struct outputs *out, const struct options *o, const struct checkpoint_state *kept,
    struct reason *why)
{
	why->status = 0;
	if (open_rejects(out, o, kept, why) != 0 || open_results(out, o, kept, why) != 0)
		return failed(why);
	buf_byte(&out->said, '\0');
	return 0;
}

int outputs_result(struct outputs *out, const struct result *result, struct reason *why)
{
	buf_reset(&out->line);
	results_line(&out->line, result);
	return outfile_add(&out->results, out->line.data, out->line.len, why) == 0 ? 0 :
	                                                                             failed(why);
}

int outputs_sync(struct outputs *out, struct reason *why)
{
	why->status = 0;
	if ((out->rejects && rejects_sync(out->rejects, why) != 0) ||
	    (has_results(out) && outfile_sync(&out->results, why) != 0))
		return failed(why);
	return 0;
}

/* What the next run has no part in: how this one's records ended, and where that is written. */
static void forget_ending(struct checkpoint_state *state)
{
	memset(state->outcomes, 0, sizeof state->outcomes);
	state->rejects = NULL;
	state->rejects_files = 0;
	state->results = (struct outfile_mark){ 0 };
}

int outputs_commit(struct outputs *out, struct checkpoint_state *state, size_t files,
    struct reason *why)
{
	if (!out->checkpoint)
		return 0;
	state->hash = out->hash;
	state->files = out->files.data;
	/* no event was sent that the next run could send again; what one that was killed had on its
	 * way, nobody knows */
	bool none_left = out->stage == OUTPUTS_COMPLETE ||
	    (out->stage == OUTPUTS_ENDED && state->open_count == 0 && !out->carried_on);
	state->run = none_left ? "" : out->run;
	state->rejects = out->rejects ? rejects_marks(out->rejects) : NULL;
	state->rejects_files = out->rejects ? files : 0;
	state->results = outfile_mark(&out->results);
	state->rejects_name = out->rejects_name;
	state->results_name = out->results_name;
	if (out->stage == OUTPUTS_COMPLETE)
		forget_ending(state);
	why->status = 0;
	return checkpoint_commit(out->checkpoint, state, why) == 0 ? 0 : failed(why);
}

int outputs_close(struct outputs *out, struct reason *why)
{
	struct reason second;
	int bad;

	why->status = 0;
	bad = rejects_close(out->rejects, why);
	out->rejects = NULL;
	if (outfile_close(&out->results, bad == 0 ? why : &second) != 0)
		bad = -1;
	return bad == 0 ? 0 : failed(why);
}

int outputs_remove_checkpoint(struct outputs *out, struct reason *why)
{
	why->status = 0;
	return !out->checkpoint || checkpoint_remove(out->checkpoint, why) == 0 ? 0 : failed(why);
}

void outputs_free(struct outputs *out)
{
	struct reason ignored;

	outputs_close(out, &ignored);
	checkpoint_close(out->checkpoint);
	buf_free(&out->line);
	buf_free(&out->said);
	buf_free(&out->files);
	free(out->rejects_name);
	free(out->results_name);
}
