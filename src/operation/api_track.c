/* The Track API: version 1 takes a request a record, version 2 takes batches. */
#include "operation/api.h"
#include "operation/operation_parts.h"

const struct api_host api_track_host = {
	.base = { "https://track.customer.io", "https://track-eu.customer.io" },
	.auth = API_SITE_AND_KEY,
	.check_path = "/api/v1/accounts/region",
};

#define PACE .rate = { 1, 20000 }, .burst = 10 /* 50/s */

const struct api api_track = {
	.host = &api_track_host,
	PACE,
	.make = operation_v1,
};

static const struct envelope batch = { ENVELOPE("{\"batch\":[", "]}"), .bytes_most = BATCH_MAX };

const struct api api_track_batch = {
	.host = &api_track_host,
	PACE,
	.envelope = &batch,
	.path = "/api/v2/batch",
	.make = operation_v2,
	.blame = BLAME_NAMED,
};
