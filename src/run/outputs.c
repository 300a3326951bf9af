/* Opening, writing and closing what lasts of a run. */
#include "run/outputs.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

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

int outputs_check(const struct options *o, struct reason *why)
{
	why->status = 0;
	if ((o->rejects && outfile_check(o->rejects, false, why) != 0) ||
	    (o->summary && outfile_check(o->summary, true, why) != 0) ||
	    (o->metrics && outfile_check(o->metrics, true, why) != 0))
		return failed(why);
	return 0;
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
		.input = id->input.data,
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
	why->status = statuses[got];
	return -1;
}

static char *absolute(const char *name)
{
	char *path = name && strcmp(name, "-") != 0 ? path_absolute(name) : NULL;

	/* a directory that is not there: opening the file says so */
	return path ? path : xstrdup("");
}

/* What was kept is about these files only if they are the same ones. */
int outputs_open(struct outputs *out, const struct options *o, const struct checkpoint_state *kept,
    struct reason *why)
{
	int bad = 0;

	why->status = 0;
	out->rejects_name = absolute(o->rejects);
	out->results_name = absolute(o->results);
	if (o->rejects) {
		bool same = kept && strcmp(kept->rejects_name, out->rejects_name) == 0;
		out->rejects = rejects_new(o->rejects, same ? kept->rejects_sizes : NULL,
		    o->input.file_count, why);
		if (!out->rejects)
			return failed(why);
	}
	if (o->results && kept && strcmp(kept->results_name, out->results_name) == 0)
		bad = outfile_continue(&out->results, o->results, OUTFILE_ANY, kept->results_size,
		    why);
	else if (o->results)
		bad = outfile_create(&out->results, o->results, OUTFILE_ANY, why);
	return bad == 0 ? 0 : failed(why);
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

int outputs_commit(struct outputs *out, struct checkpoint_state *state, size_t files,
    struct reason *why)
{
	if (!out->checkpoint)
		return 0;
	state->hash = out->hash;
	state->rejects_sizes = out->rejects ? rejects_sizes(out->rejects) : NULL;
	state->rejects_files = out->rejects ? files : 0;
	state->results_size = has_results(out) ? out->results.size : 0;
	state->rejects_name = out->rejects_name;
	state->results_name = out->results_name;
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
	free(out->rejects_name);
	free(out->results_name);
}
