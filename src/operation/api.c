/* Which action belongs to which API. */
#include "operation/api.h"

const struct api *api_for(enum action action, bool batch)
{
	(void)action;
	return batch ? &api_track_batch : &api_track;
}
