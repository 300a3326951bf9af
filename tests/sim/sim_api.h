/* The API behind the network: a workspace, its limits, its bad days, and what it refuses. */
#ifndef SIM_API_H
#define SIM_API_H

#include <stdbool.h>
#include <stdint.h>
#include "sim_life.h"

struct workspace;
struct workspace_call;

struct api_answer {
	int status;
	struct buf body;
	int64_t retry_after; /* us; -1: none */
};

void api_begin(const struct life *l);
void api_end(void);
struct workspace *api_workspace(void);

/* A request arrives: the API does what it says and answers. *applied: it did something of it. */
void api_serve(struct workspace_call *call, struct api_answer *answer, bool *applied);

/* Notes the call's operations as those of an attempt. */
void api_note(size_t attempt, const struct workspace_call *call);
bool api_is_check(const struct workspace_call *call);
bool api_is_batch(const struct workspace_call *call);
bool api_is_segment(const struct workspace_call *call);
/* What it does, it does once more where it comes once more. */
bool api_is_message(const struct workspace_call *call);
/* Whether the operation is one that the API holds, once the call was applied. */
bool api_took(const struct workspace_call *call, size_t operation);

#endif
