/* Which action belongs to which API. */
#include "operation/api.h"

static const struct {
	const struct api *alone, *batch;
} apis[ACTION_COUNT] = {
#define TRACK \
	{ \
		&api_track, &api_track_batch \
	}
	[ACTION_IDENTIFY] = TRACK,
	[ACTION_TRACK] = TRACK,
	[ACTION_TRACK_ANONYMOUS] = TRACK,
	[ACTION_PAGE] = TRACK,
	[ACTION_SCREEN] = TRACK,
	[ACTION_DELETE] = TRACK,
	[ACTION_SUPPRESS] = TRACK,
	[ACTION_UNSUPPRESS] = TRACK,
	[ACTION_MERGE] = TRACK,
	[ACTION_ADD_DEVICE] = TRACK,
	[ACTION_DELETE_DEVICE] = TRACK,
	[ACTION_ENTITY] = TRACK,
	[ACTION_OBJECT] = TRACK,
	[ACTION_DELETE_OBJECT] = TRACK,
	[ACTION_RELATE] = TRACK,
	[ACTION_UNRELATE] = TRACK,
#define SEGMENTS \
	{ \
		&api_segments, &api_segments \
	} /* packed, asked or not */
	[ACTION_SEGMENT_ADD] = SEGMENTS,
	[ACTION_SEGMENT_REMOVE] = SEGMENTS,
#define SUPPRESSION \
	{ \
		&api_suppression, &api_suppression \
	}
	[ACTION_ESP_SUPPRESS] = SUPPRESSION,
	[ACTION_ESP_UNSUPPRESS] = SUPPRESSION,
	[ACTION_VERIFY] = { &api_verify, &api_verify },
#define MESSAGES \
	{ \
		&api_messages, &api_messages \
	}
	[ACTION_SEND_EMAIL] = MESSAGES,
	[ACTION_SEND_PUSH] = MESSAGES,
	[ACTION_SEND_SMS] = MESSAGES,
	[ACTION_BROADCAST] = { &api_broadcast, &api_broadcast },
};

const struct api *api_for(enum action action, bool batch)
{
	return batch ? apis[action].batch : apis[action].alone;
}
