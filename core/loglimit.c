/* A token bucket for log lines. */
#include "config.h"

#include "core/loglimit.h"

#define US_PER_LINE (INT64_C(1000000) / LOGLIMIT_PER_SECOND)

bool loglimit_is_open(struct loglimit *limit, int64_t now_us,
		      int64_t *suppressed)
{
	int64_t refill = (now_us - limit->refilled_us) / US_PER_LINE;

	if (refill > 0) {
		limit->used = refill >= limit->used ? 0 : limit->used - refill;
		limit->refilled_us += refill * US_PER_LINE;
	}
	if (limit->used >= LOGLIMIT_BURST) {
		limit->suppressed++;
		return false;
	}
	limit->used++;
	*suppressed = limit->suppressed;
	limit->suppressed = 0;
	return true;
}
